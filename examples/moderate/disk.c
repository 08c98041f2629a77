/* identifai-moderate: what stays after a power cut
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <unistd.h>

gboolean
mod_disk_sync_folder (const gchar * folder)
{
  gint fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  gint number;

  if (fd < 0)
    return FALSE;
  number = fsync (fd) != 0 ? errno : 0;
  close (fd);
  errno = number;
  return number == 0 || number == EINVAL || number == ENOTSUP
      || number == ENOSYS;
}
