/* identifai-emulator: fetches the file that a call names by its address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "fetch.h"
#include "options.h"

#include <libsoup/soup.h>

#define MAX_REDIRECTS 5
#define PIECE (64 * 1024)

struct _EmuFetcher
{
  gchar **hosts;                /* NULL: none, not even this one */
  gdouble timeout;              /* s */
  SoupSession *session;
  GList *fetches;               /* of Fetch */
};

typedef struct
{
  EmuFetcher *fetcher;
  GUri *uri;
  guint redirects;
  GCancellable *cancellable;
  guint timer;                  /* of its end, or 0: too late */
  GInputStream *stream;
  goffset expected, received;   /* bytes; expected -1 = unknown */
  guint8 piece[PIECE];
  EmuFetchDataFunc data;
  EmuFetchDoneFunc done;
  gpointer user_data;
} Fetch;

static void ask (Fetch * fetch);
static void read_piece (Fetch * fetch);

EmuFetcher *
emu_fetcher_new (gchar ** hosts, gdouble timeout)
{
  EmuFetcher *self = g_new0 (EmuFetcher, 1);

  self->hosts = g_strdupv (hosts);
  self->timeout = timeout;
  self->session = soup_session_new_with_options ("user-agent",
      EMU_NAME "/" VERSION, "proxy-resolver", NULL, NULL);
  return self;
}

void
emu_fetcher_free (EmuFetcher * self)
{
  g_assert (self->fetches == NULL);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_strfreev (self->hosts);
  g_free (self);
}

void
emu_fetcher_cancel (EmuFetcher * self)
{
  GList *link;

  for (link = self->fetches; link != NULL; link = link->next)
    g_cancellable_cancel (((Fetch *) link->data)->cancellable);
}

/* By number or as "localhost", which no resolver sends elsewhere: any other name
 * may be this machine's now and another's a moment later. */
static gboolean
is_this_machine (const gchar * host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  return g_ascii_strcasecmp (host, "localhost") == 0
      || (address != NULL && g_inet_address_get_is_loopback (address));
}

static gboolean
is_named (EmuFetcher * self, const gchar * host)
{
  gchar **named;

  for (named = self->hosts; *named != NULL; named++) {
    if (g_ascii_strcasecmp (*named, host) == 0)
      return TRUE;
  }
  return FALSE;
}

gboolean
emu_fetcher_allows (EmuFetcher * self, GUri * uri, const gchar ** problem)
{
  const gchar *host = g_uri_get_host (uri);

  if (self->hosts == NULL)
    *problem = "This emulator fetches no files; start it with --allow-fetch.";
  else if (!is_this_machine (host) && !is_named (self, host))
    *problem = "This emulator fetches no files from that host; start it with "
        "--allow-fetch=HOST.";
  else
    return TRUE;
  return FALSE;
}

static void
finish (Fetch * fetch, const gchar * problem)
{
  fetch->fetcher->fetches = g_list_remove (fetch->fetcher->fetches, fetch);
  if (fetch->timer != 0)
    g_source_remove (fetch->timer);
  fetch->done (problem, fetch->user_data);
  g_clear_object (&fetch->stream);
  g_object_unref (fetch->cancellable);
  g_clear_pointer (&fetch->uri, g_uri_unref);
  g_free (fetch);
}

static void
fail (Fetch * fetch, const gchar * why)
{
  g_autofree gchar *problem = g_strdup_printf
      ("The file could not be downloaded: %s.", why);

  finish (fetch, problem);
}

static void
fail_with_error (Fetch * fetch, const GError * error)
{
  if (g_cancellable_is_cancelled (fetch->cancellable))
    fail (fetch, fetch->timer == 0 ? "it took too long" : "cancelled");
  else
    fail (fetch, error->message);
}

static gboolean
is_web (GUri * uri)
{
  return g_uri_get_host (uri) != NULL
      && (g_str_equal (g_uri_get_scheme (uri), "http")
      || g_str_equal (g_uri_get_scheme (uri), "https"));
}

static void
follow (Fetch * fetch, SoupMessage * message)
{
  const gchar *location = soup_message_headers_get_one
      (soup_message_get_response_headers (message), "Location");
  GUri *next = location != NULL ? g_uri_parse_relative (fetch->uri, location,
      SOUP_HTTP_URI_FLAGS, NULL) : NULL;

  if (next == NULL || !is_web (next)) {
    fail (fetch, "a redirect that leads nowhere");
  } else if (g_ascii_strcasecmp (g_uri_get_host (next),
          g_uri_get_host (fetch->uri)) != 0) {
    fail (fetch, "a redirect to another host");
  } else if (++fetch->redirects > MAX_REDIRECTS) {
    fail (fetch, "too many redirects");
  } else {
    g_uri_unref (fetch->uri);
    fetch->uri = g_steal_pointer (&next);
    g_clear_object (&fetch->stream);
    ask (fetch);
  }
  g_clear_pointer (&next, g_uri_unref);
}

static void
read_done (GObject * source, GAsyncResult * result, gpointer data)
{
  Fetch *fetch = data;
  g_autoptr (GError) error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result,
      &error);

  fetch->received += MAX (n, 0);
  if (n < 0)
    fail_with_error (fetch, error);
  else if (n == 0 && fetch->expected > fetch->received)
    fail (fetch, "the connection ended in the middle of it");
  else if (n == 0 || !fetch->data (fetch->piece, n, fetch->user_data))
    finish (fetch, NULL);
  else
    read_piece (fetch);
}

static void
read_piece (Fetch * fetch)
{
  g_input_stream_read_async (fetch->stream, fetch->piece, PIECE,
      G_PRIORITY_DEFAULT, fetch->cancellable, read_done, fetch);
}

/* libsoup (3.2) takes a body that ends early for a good one. */
static goffset
expected_length (SoupMessage * message)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (message);

  if (soup_message_headers_get_encoding (headers) !=
      SOUP_ENCODING_CONTENT_LENGTH
      || soup_message_headers_get_one (headers, "Content-Encoding") != NULL)
    return -1;
  return soup_message_headers_get_content_length (headers);
}

static void
answered (GObject * source, GAsyncResult * result, gpointer data)
{
  Fetch *fetch = data;
  SoupMessage *message = soup_session_get_async_result_message
      (SOUP_SESSION (source), result);
  g_autoptr (GError) error = NULL;
  guint status;

  fetch->stream = soup_session_send_finish (SOUP_SESSION (source), result,
      &error);
  if (fetch->stream == NULL) {
    fail_with_error (fetch, error);
    return;
  }
  status = soup_message_get_status (message);
  if (SOUP_STATUS_IS_REDIRECTION (status)) {
    follow (fetch, message);
  } else if (!SOUP_STATUS_IS_SUCCESSFUL (status)) {
    g_autofree gchar *why = g_strdup_printf ("status %u", status);

    fail (fetch, why);
  } else {
    fetch->expected = expected_length (message);
    read_piece (fetch);
  }
}

static void
ask (Fetch * fetch)
{
  g_autoptr (SoupMessage) message = soup_message_new_from_uri ("GET",
      fetch->uri);

  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  soup_session_send_async (fetch->fetcher->session, message,
      G_PRIORITY_DEFAULT, fetch->cancellable, answered, fetch);
}

static gboolean
give_up (gpointer data)
{
  Fetch *fetch = data;

  fetch->timer = 0;
  g_cancellable_cancel (fetch->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
begin (gpointer data)
{
  Fetch *fetch = data;
  const gchar *problem;

  if (fetch->uri == NULL)
    fail (fetch, "that is no address");
  else if (emu_fetcher_allows (fetch->fetcher, fetch->uri, &problem))
    ask (fetch);
  else
    finish (fetch, problem);
  return G_SOURCE_REMOVE;
}

void
emu_fetcher_get (EmuFetcher * self, const gchar * url, EmuFetchDataFunc data,
    EmuFetchDoneFunc done, gpointer user_data)
{
  Fetch *fetch = g_new0 (Fetch, 1);

  fetch->fetcher = self;
  fetch->uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  fetch->cancellable = g_cancellable_new ();
  fetch->data = data;
  fetch->done = done;
  fetch->user_data = user_data;
  fetch->timer = g_timeout_add (self->timeout * 1000, give_up, fetch);
  self->fetches = g_list_prepend (self->fetches, fetch);
  g_idle_add (begin, fetch);
}
