/* identifai-moderate: what stays after a power cut
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/file.h>
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

gint
mod_disk_lock (const gchar * path, GError ** error)
{
  gboolean folder = g_file_test (path, G_FILE_TEST_IS_DIR);
  g_autofree gchar *name = folder ? g_strdup (path) :
      g_strconcat (path, ".lock", NULL);
  gint fd = folder ? g_open (name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0) :
      g_open (name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  gint number;

  /* a file system that has no locks is no reason */
  if (fd >= 0 && (flock (fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK))
    return fd;
  number = errno;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number), "%s: %s",
      name, number == EWOULDBLOCK ? "another process has it" :
      g_strerror (number));
  if (fd >= 0)
    close (fd);
  return -1;
}
