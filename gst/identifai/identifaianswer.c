/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "identifaianswer.h"
#include "identifaibackoff.h"

static const struct
{
  GTlsCertificateFlags flag;
  const gchar *text;
} tls_faults[] = {
  {G_TLS_CERTIFICATE_UNKNOWN_CA,
      "its certificate is not signed by a known authority"},
  {G_TLS_CERTIFICATE_BAD_IDENTITY, "its certificate is for another host"},
  {G_TLS_CERTIFICATE_NOT_ACTIVATED, "its certificate is not valid yet"},
  {G_TLS_CERTIFICATE_EXPIRED, "its certificate has expired"},
  {G_TLS_CERTIFICATE_REVOKED, "its certificate has been revoked"},
  {G_TLS_CERTIFICATE_INSECURE, "its certificate's algorithm is insecure"},
};

#define PROXY_HINT \
    ". Check proxy, or http_proxy and https_proxy in the environment"

static gchar *
describe_tls_faults (GTlsCertificateFlags flags, const GError * error)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (tls_faults); i++) {
    if (flags & tls_faults[i].flag)
      g_string_append_printf (text, "%s%s", text->len ? "; " : "",
          tls_faults[i].text);
  }
  if (text->len == 0)
    g_string_append (text, error->message);

  return g_string_free (text, FALSE);
}

static gboolean
is_proxy_error (const GError * error)
{
  return error->domain == G_IO_ERROR && error->code >= G_IO_ERROR_PROXY_FAILED
      && error->code <= G_IO_ERROR_PROXY_NOT_ALLOWED;
}

static gchar *
describe_error (const IdentifaiAnswer * answer, const gchar * host)
{
  const GError *error = answer->error;
  const gchar *hint = "";
  gchar *faults, *text;

  if (error->domain == G_TLS_ERROR) {
    faults = describe_tls_faults (answer->tls_errors, error);
    text = g_strdup_printf ("No secure connection to %s: %s. An authority of "
        "your own is given with tls-ca-file; check the system's clock and "
        "the package ca-certificates, too", host, faults);
    g_free (faults);
    return text;
  }

  if (error->domain == G_RESOLVER_ERROR)
    hint = ". Check endpoint, the network and its name server";
  else if (is_proxy_error (error))
    hint = PROXY_HINT;
  else if (answer->duration == 0)
    hint = ". Check endpoint, the network and proxy settings";

  return g_strdup_printf ("%s %s: %s%s", answer->duration == 0 ?
      "No connection to" : "The connection broke to", host, error->message,
      hint);
}

static gchar *
describe_status (const IdentifaiAnswer * answer, const gchar * words,
    const gchar * host)
{
  guint status = answer->http_status;

  if (words)
    return g_strdup (words);
  if (SOUP_STATUS_IS_REDIRECTION (status) && answer->location)
    return g_strdup_printf ("%s redirects to %s (HTTP %u), which is not "
        "followed as the key would go there; if that is right, set endpoint "
        "to it", host, answer->location, status);

  return g_strdup_printf ("%s answered HTTP %u %s%s", host, status,
      soup_status_get_phrase (status),
      status == SOUP_STATUS_PROXY_UNAUTHORIZED ? PROXY_HINT : "");
}

static void
init_from_status (IdentifaiAttempt * self, const IdentifaiAnswer * answer,
    const gchar * host)
{
  gsize size;
  const gchar *data = g_bytes_get_data (answer->body, &size);
  gchar *words = NULL;

  if (size > 0 && !SOUP_STATUS_IS_REDIRECTION (answer->http_status))
    words = identifai_result_parse_error (data, size);
  self->reason = identifai_result_reason_for_status (answer->http_status,
      words);
  self->temporary = identifai_result_status_is_temporary (answer->http_status);
  self->message = describe_status (answer, words, host);
  self->retry_after = identifai_backoff_parse_retry_after (answer->retry_after,
      g_get_real_time () / G_USEC_PER_SEC);
  g_free (words);
}

/* The certificate won't become better by trying again at once, but it may be
 * renewed while a pipeline runs for months; so that counts as temporary, too. */
static void
init_from_error (IdentifaiAttempt * self, const IdentifaiAnswer * answer,
    const gchar * host)
{
  gboolean nonsense = answer->error->domain == SOUP_SESSION_ERROR
      || g_error_matches (answer->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);

  self->reason = nonsense ?
      IDENTIFAI_REASON_BAD_RESPONSE : IDENTIFAI_REASON_NETWORK;
  self->temporary = !nonsense;
  self->message = describe_error (answer, host);
}

/* The proxy speaks for the network, not for the service. */
static void
init_from_proxy (IdentifaiAttempt * self, const IdentifaiAnswer * answer,
    const gchar * host)
{
  self->reason = IDENTIFAI_REASON_NETWORK;
  self->temporary = TRUE;
  self->http_status = 0;
  self->message = g_strdup_printf ("The proxy doesn't let through to %s: "
      "HTTP %u %s" PROXY_HINT, host, answer->http_status,
      soup_status_get_phrase (answer->http_status));
}

void
identifai_attempt_init (IdentifaiAttempt * self,
    const IdentifaiAnswer * answer, const gchar * host)
{
  *self = (IdentifaiAttempt) {
  .http_status = answer->http_status,.retry_after = -1,};

  if (answer->from_proxy) {
    init_from_proxy (self, answer, host);
    return;
  }

  /* The status of an error counts, even if its text got lost on the way. */
  if (answer->http_status >= 300)
    init_from_status (self, answer, host);
  else if (answer->error)
    init_from_error (self, answer, host);
}

void
identifai_attempt_clear (IdentifaiAttempt * self)
{
  g_clear_pointer (&self->message, g_free);
}

gint64
identifai_attempt_get_delay (const IdentifaiAttempt * self, guint failures)
{
  gint64 delay = identifai_backoff_delay (failures);

  /* A little later than asked for, never earlier. */
  if (self->retry_after >= 0)
    delay = identifai_backoff_scale (self->retry_after) + delay / 8;

  return delay;
}

void
identifai_attempt_set_bad_response (IdentifaiAttempt * self,
    const gchar * call, const gchar * why)
{
  identifai_attempt_clear (self);
  self->reason = IDENTIFAI_REASON_BAD_RESPONSE;
  self->temporary = FALSE;
  self->message = g_strdup_printf ("The answer to the %s is not to be "
      "understood: %s", call, why);
}
