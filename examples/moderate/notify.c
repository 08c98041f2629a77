/* identifai-moderate: words to systemd
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
mod_notify (const gchar * state)
{
  const gchar *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { AF_UNIX };
  gsize length = path != NULL ? strlen (path) : 0;
  gint fd;

  if (length == 0 || length >= sizeof address.sun_path)
    return;
  memcpy (address.sun_path, path, length);
  /* @name: in the abstract namespace */
  if (*path == '@')
    address.sun_path[0] = '\0';
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return;
  if (sendto (fd, state, strlen (state), MSG_NOSIGNAL,
          (struct sockaddr *) &address,
          offsetof (struct sockaddr_un, sun_path) + length) < 0)
      g_debug ("systemd was not told: %s", g_strerror (errno));
  close (fd);
}

void
mod_notify_reloading (void)
{
  g_autofree gchar *state = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%"
      G_GINT64_FORMAT, g_get_monotonic_time ());

  mod_notify (state);
}

static gboolean
on_watchdog (gpointer unused)
{
  mod_notify ("WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

guint
mod_notify_watchdog_start (void)
{
  const gchar *text = g_getenv ("WATCHDOG_USEC");
  guint64 interval = text != NULL ? g_ascii_strtoull (text, NULL, 10) : 0;

  if (interval == 0)
    return 0;
  mod_notify ("WATCHDOG=1");
  return g_timeout_add (MAX (interval / 2000, 1), on_watchdog, NULL);
}
