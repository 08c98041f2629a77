/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An exchange's answer, as the user gets it: whoever read it, unpacked, and
 * without secrets.
 */

#include "log.h"
#include "transportprivate.h"
#include "cleantext.h"
#include <string.h>
#include "endpoint.h"
#include "redact.h"
#include "contentdecoder.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

/* Of an answer that is no success, for its words. */
#define MAX_ERROR_BYTES (64 * 1024)
#define MAX_LOCATION_BYTES 256

static GError *
cut_to_error (Cut cut, gint64 timeout)
{
  guint seconds = timeout / G_TIME_SPAN_SECOND;

  switch (cut) {
    case CUT_SILENCE:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
          "nothing was heard for %u s (timeout)", seconds);
    case CUT_SLOW:
      return g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
          "the answer was not complete after %u s", ANSWER_TIMEOUTS * seconds);
    case CUT_TOO_LONG:
      return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "the answer is too long");
    case CUT_CHATTER:
      return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
          "interim answers (1xx) don't end");
    default:
      return NULL;
  }
}

gchar *
identifai_describe_location (GUri * base, const gchar * location)
{
  gchar *text = NULL, *clean = NULL;
  GUri *uri = g_uri_parse_relative (base, location, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri != NULL && g_uri_get_host (uri) != NULL)
    text = g_uri_join (G_URI_FLAGS_NONE, g_uri_get_scheme (uri), NULL,
        g_uri_get_host (uri), g_uri_get_port (uri), "", NULL, NULL);
  if (text != NULL)
    clean = identifai_clean_text (text, strlen (text), MAX_LOCATION_BYTES);
  g_clear_pointer (&uri, g_uri_unref);
  g_free (text);

  return clean;
}

static gchar *
read_location (SoupMessage * message, SoupMessageHeaders * headers)
{
  const gchar *location = soup_message_headers_get_one (headers, "Location");

  return location == NULL ? NULL :
      identifai_describe_location (soup_message_get_uri (message), location);
}

static gboolean
exchange_sent_whole (IdentifaiExchange * self)
{
  return self->started > 0 && !self->stopped && (!self->body
      || identifai_request_body_get_sent (self->body)
      == identifai_request_body_get_length (self->body));
}

/* The answer's status and headers, whoever read them. */

static gboolean
exchange_is_early (IdentifaiExchange * self)
{
  return !self->input && self->early
      && identifai_early_response_get_status (self->early) > 0
      && (self->cut == CUT_NONE || self->cut == CUT_ANSWERED);
}

static guint
exchange_get_status (IdentifaiExchange * self)
{
  guint status = soup_message_get_status (self->message);

  if (exchange_is_early (self))
    return identifai_early_response_get_status (self->early);
  if (self->input)
    return status >= 200 ? status : 0;

  /* Who doesn't read a request to its end may break the connection before we have
   * read the answer to its end. */
  return status >= 300 && self->answer_by != G_MAXINT64 ? status : 0;
}

static SoupMessageHeaders *
exchange_get_headers (IdentifaiExchange * self)
{
  return exchange_is_early (self) ?
      identifai_early_response_get_headers (self->early) :
      soup_message_get_response_headers (self->message);
}

gsize
identifai_exchange_get_max_bytes (IdentifaiExchange * self)
{
  return SOUP_STATUS_IS_SUCCESSFUL (exchange_get_status (self))
      ? self->transport->max_bytes : MAX_ERROR_BYTES;
}

/* is_result: there is more to it than words. */
static void
hide_secrets (IdentifaiExchange * self, gchar * text, gsize length,
    gboolean is_result)
{
  const gchar *key = soup_message_headers_get_one
      (soup_message_get_request_headers (self->message), "X-Api-Key");

  if (key != NULL)
    identifai_redact (text, length, key, is_result);
  identifai_extra_headers_hide (self->extra_headers, text, length, is_result);
}

static void
exchange_hide_key (IdentifaiExchange * self, IdentifaiResponse * answer)
{
  guint8 *data;
  gsize size;

  data = g_bytes_unref_to_data (answer->body, &size);
  hide_secrets (self, (gchar *) data, size, answer->http_status < 400);
  answer->body = g_bytes_new_take (data, size);
  if (answer->location != NULL)
    hide_secrets (self, answer->location, strlen (answer->location), FALSE);
}

/* We ask for none of that, but a front may know better. Of an error, what can be
 * unpacked is enough. */
static void
exchange_unpack (IdentifaiExchange * self, IdentifaiResponse * answer)
{
  const gchar *coding = soup_message_headers_get_list
      (exchange_get_headers (self), "Content-Encoding");
  GError *error = NULL;
  GBytes *unpacked;

  if (answer->error || answer->http_status == 0
      || !identifai_content_is_encoded (coding))
    return;

  GST_DEBUG_ID (self->name, "%s: unpacks %" G_GSIZE_FORMAT " bytes",
      self->what, g_bytes_get_size (answer->body));
  identifai_content_decode (answer->body, coding,
      identifai_exchange_get_max_bytes (self), &unpacked, &error);
  g_bytes_unref (answer->body);
  GST_DEBUG_ID (self->name, "%s: they are %" G_GSIZE_FORMAT " bytes of %s%s%s",
      self->what, g_bytes_get_size (unpacked), coding, error ? ": " : "",
      error ? error->message : "");
  answer->body = unpacked;
  answer->error = error;
}

/* Workaround EOF. */
static gboolean
exchange_is_broken_off (IdentifaiExchange * self)
{
  SoupMessageHeaders *headers =
      soup_message_get_response_headers (self->message);
  guint status = soup_message_get_status (self->message);

  if (!self->input)
    return FALSE;

  switch (soup_message_headers_get_encoding (headers)) {
    case SOUP_ENCODING_CONTENT_LENGTH:
      return status != SOUP_STATUS_NO_CONTENT && self->received->len
          < soup_message_headers_get_content_length (headers);
    case SOUP_ENCODING_EOF:
      return SOUP_STATUS_IS_SUCCESSFUL (status)
          && status != SOUP_STATUS_NO_CONTENT && self->received->len == 0;
    default:
      return FALSE;
  }
}

static GBytes *
exchange_take_body (IdentifaiExchange * self)
{
  GBytes *body = g_byte_array_free_to_bytes (self->received);

  self->received = g_byte_array_new ();
  if (exchange_is_early (self)) {
    g_bytes_unref (body);
    body = identifai_early_response_get_body (self->early);
    GST_LOG_ID (self->name, "%s: the answer was read beside libsoup, %"
        G_GSIZE_FORMAT " bytes", self->what, g_bytes_get_size (body));
  }

  return body;
}

/* An answer, but no headers of it: to libsoup's CONNECT. And who asks for a proxy's
 * password where there is one is the proxy. */
static gboolean
exchange_ended_at_proxy (IdentifaiExchange * self, guint status)
{
  if (self->input && self->answer_by == G_MAXINT64)
    return TRUE;
  /* libsoup, and so the proxy's own eye, hasn't seen it. */
  if (exchange_is_early (self))
    identifai_proxy_judge (self->transport->proxy, self->message, status,
        exchange_get_headers (self));

  return identifai_proxy_has_refused (self->message)
      || (status == SOUP_STATUS_PROXY_UNAUTHORIZED
      && identifai_proxy_is_used (self->transport->proxy,
          soup_message_get_uri (self->message)));
}

/* Where it came from, and how. */
static void
fill_in_ways (IdentifaiExchange * self, IdentifaiResponse * answer)
{
  IdentifaiProxy *proxy = self->transport->proxy;
  GUri *uri = soup_message_get_uri (self->message);

  answer->from_proxy = exchange_ended_at_proxy (self, answer->http_status);
  if (answer->from_proxy)
    GST_DEBUG_ID (self->name, "%s: the proxy says %u, the service was not "
        "reached", self->what, answer->http_status);
  answer->proxy_password = identifai_proxy_has_password (proxy, uri);
  answer->direct = identifai_proxy_is_direct (proxy, uri);
  answer->loopback = identifai_endpoint_is_loopback (g_uri_get_host (uri));
  answer->certificate = soup_message_get_tls_peer_certificate (self->message);
  answer->tls_errors =
      soup_message_get_tls_peer_certificate_errors (self->message);
  if (answer->tls_errors)
    GST_DEBUG_ID (self->name, "%s: the certificate has faults, flags 0x%x",
        self->what, answer->tls_errors);
}

/* Takes over error. */
static GError *
find_error (IdentifaiExchange * self, GError * error)
{
  GError *found = cut_to_error (self->cut, self->transport->timeout);

  if (found == NULL && !exchange_is_early (self)
      && self->cut != CUT_MISDIRECTED)
    found = g_steal_pointer (&error);
  /* What broke it, not what came of that. */
  if (g_error_matches (found, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED)
      && self->early != NULL
      && identifai_early_response_get_error (self->early) != NULL) {
    g_error_free (found);
    found = g_error_copy (identifai_early_response_get_error (self->early));
  }
  if (found == NULL && exchange_is_broken_off (self)) {
    GST_DEBUG_ID (self->name, "%s: the connection ended after %u bytes of the "
        "answer, which is to be longer", self->what, self->received->len);
    found = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
        "the answer breaks off");
  }
  g_clear_error (&error);

  return found;
}

/* Not one that was made for it, and no limit of ours. */
static gboolean
exchange_is_stale (IdentifaiExchange * self, const IdentifaiResponse * answer)
{
  return answer->http_status == 0 && answer->error != NULL && !self->connected
      && self->cut == CUT_NONE && (g_error_matches (answer->error, G_IO_ERROR,
          G_IO_ERROR_PARTIAL_INPUT)
      || g_error_matches (answer->error, G_IO_ERROR,
          G_IO_ERROR_CONNECTION_CLOSED)
      || g_error_matches (answer->error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE));
}

void
identifai_exchange_read_response (IdentifaiExchange * self, GError * error,
    IdentifaiResponse * answer)
{
  SoupMessageHeaders *headers = exchange_get_headers (self);

  memset (answer, 0, sizeof (IdentifaiResponse));
  answer->http_status = exchange_get_status (self);
  answer->sent_whole = exchange_sent_whole (self);
  answer->retry_after = g_strdup (soup_message_headers_get_one (headers,
          "Retry-After"));
  if (SOUP_STATUS_IS_REDIRECTION (answer->http_status))
    answer->location = read_location (self->message, headers);
  if (answer->location != NULL)
    GST_DEBUG_ID (self->name, "%s: a redirection to %s, which isn't followed",
        self->what, answer->location);
  if (self->started > 0) {
    answer->duration = (identifai_clock_now () - self->started) * GST_USECOND;
    answer->sending = (self->sent_until - self->started) * GST_USECOND;
  }
  if (self->body)
    answer->bytes_sent = MIN (self->wrote,
        identifai_request_body_get_sent (self->body));
  fill_in_ways (self, answer);
  answer->error = find_error (self, error);
  answer->stale = exchange_is_stale (self, answer);
  if (exchange_is_early (self))
    GST_DEBUG_ID (self->name, "%s: the answer came before all was sent, after %"
        G_GUINT64_FORMAT " bytes", self->what, answer->bytes_sent);
  answer->body = exchange_take_body (self);
  exchange_unpack (self, answer);
  exchange_hide_key (self, answer);
}
