/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a server says before it has all of a file, in pieces: the first byte says
 * how long they are.
 */

#include "target.h"

#include <string.h>
#include <sys/socket.h>

#include "earlyresponse.h"

#define MAX_BYTES (100 * 1024)  /* what the sockets hold at once */

static void
on_end (gpointer user_data)
{
  gboolean *ended = user_data;

  g_assert_false (*ended);
  *ended = TRUE;
}

/* The caller's, and its peer. */
static GIOStream *
connect_pair (GSocket ** peer)
{
  GSocket *socket;
  GIOStream *stream;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  *peer = g_socket_new_from_fd (fds[1], NULL);
  /* what is no answer isn't read any more */
  g_socket_set_blocking (*peer, FALSE);
  socket = g_socket_new_from_fd (fds[0], NULL);
  stream = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  g_object_unref (socket);

  return stream;
}

static void
check_answer (IdentifaiEarlyResponse * early, gsize size)
{
  guint status = identifai_early_response_get_status (early);
  GBytes *body;

  if (status == 0)
    return;
  g_assert_cmpuint (status, >=, 200);
  g_assert_nonnull (identifai_early_response_get_headers (early));
  body = identifai_early_response_get_body (early);
  g_assert_cmpuint (g_bytes_get_size (body), <=, size);
  g_bytes_unref (body);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gboolean ended = FALSE;
  IdentifaiEarlyResponse *early;
  GIOStream *stream;
  GSocket *peer;
  gsize at, piece;

  if (size < 1 || size > MAX_BYTES)
    return 0;
  stream = connect_pair (&peer);
  early = identifai_early_response_new (stream, "fuzz", "early answer",
      on_end, &ended);
  piece = data[0] == 0 ? size : data[0];
  for (at = 1; at < size && !ended
      && g_socket_send (peer, (const gchar *) data + at,
          MIN (piece, size - at), NULL, NULL) > 0; at += piece)
    identifai_early_response_read (early);
  g_socket_close (peer, NULL);
  if (!ended)
    identifai_early_response_read (early);
  g_assert_false (identifai_early_response_has_begun (early) && ended);
  check_answer (early, size);

  identifai_early_response_free (early);
  g_object_unref (stream);
  g_object_unref (peer);

  return 0;
}
