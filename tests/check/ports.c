/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ports.h"
#include <gst/check/gstcheck.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

static GArray *keepers;         /* sockets that keep the ports ours; or NULL */

guint16
port_choose (void)
{
  struct sockaddr_in address = {.sin_family = AF_INET };
  socklen_t length = sizeof (address);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), reuse = 1;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof (reuse));
  fail_unless (bind (fd, (struct sockaddr *) &address, length) == 0
      && getsockname (fd, (struct sockaddr *) &address, &length) == 0);
  if (keepers == NULL)
    keepers = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_append_val (keepers, fd);

  return ntohs (address.sin_port);
}

void
port_wait_for (guint16 port)
{
  gint64 until = g_get_monotonic_time () + 40 * G_TIME_SPAN_SECOND;
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons (port)
  };
  gboolean open = FALSE;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  while (!open && g_get_monotonic_time () < until) {
    int fd = socket (AF_INET, SOCK_STREAM, 0);

    open = connect (fd, (struct sockaddr *) &address, sizeof (address)) == 0;
    close (fd);
    if (!open)
      g_usleep (10000);
  }
  fail_unless (open, "nobody listens on port %u", port);
}

void
port_release_all (void)
{
  guint i;

  for (i = 0; keepers != NULL && i < keepers->len; i++)
    close (g_array_index (keepers, int, i));
  g_clear_pointer (&keepers, g_array_unref);
}
