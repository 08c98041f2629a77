/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From an answer to its meaning: a reason, a text, whether to try again, and how long to
 * wait. Pure.
 */

#include "response.h"
#include "backoff.h"
#include "clock.h"
#include "errortext.h"
#include "log.h"
#include "status.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* What is said of a certificate, and what may help. */
typedef struct
{
  GTlsCertificateFlags flag;
  const gchar *text;
  const gchar *advice;
} TlsFault;

#define CHECK_CLOCK "Check the system's clock"

static const TlsFault tls_faults[] = {
  {G_TLS_CERTIFICATE_UNKNOWN_CA, "is not signed by a known authority",
      "If it is right nevertheless, name the PEM file of its authority in "
        "tls-ca-file; else check endpoint and proxy, and that the package "
        "ca-certificates is installed"},
  {G_TLS_CERTIFICATE_BAD_IDENTITY, "is for another host",
      "Set endpoint to the name that the certificate is for (tls-ca-file "
        "doesn't change that)"},
  {G_TLS_CERTIFICATE_NOT_ACTIVATED, "is not valid yet", CHECK_CLOCK},
  {G_TLS_CERTIFICATE_EXPIRED, "has expired",
      CHECK_CLOCK "; if it is right, the certificate has to be renewed "
        "(tls-ca-file doesn't change that)"},
  {G_TLS_CERTIFICATE_REVOKED, "has been revoked",
      "The certificate has to be renewed"},
  {G_TLS_CERTIFICATE_INSECURE, "is signed with an insecure algorithm",
      "The certificate has to be renewed"},
};

#define PROXY_HINT \
    ". Check proxy, or http_proxy and https_proxy in the environment"

static void
append_date (GString * text, const gchar * word, GDateTime * date)
{
  gchar *day = date ? g_date_time_format (date, "%F %R") : NULL;

  if (day)
    g_string_append_printf (text, " (%s %s UTC)", word, day);
  g_free (day);
  g_clear_pointer (&date, g_date_time_unref);
}

static gboolean
is_self_signed (GTlsCertificate * certificate)
{
  gchar *subject = g_tls_certificate_get_subject_name (certificate);
  gchar *issuer = g_tls_certificate_get_issuer_name (certificate);
  gboolean same = subject && issuer && g_str_equal (subject, issuer);

  g_free (subject);
  g_free (issuer);

  return same;
}

/* The names are the other side's words: no more of them than a line, and none
 * that could be anything but a name. */
#define MAX_NAMES 3

static gboolean
is_name_char (gchar c)
{
  return g_ascii_isalnum (c) || c == '-' || c == '.' || c == '_' || c == '*';
}

static void
append_names (GString * text, GTlsCertificate * certificate)
{
  GPtrArray *names = g_tls_certificate_get_dns_names (certificate);
  guint i, n = 0;

  for (i = 0; names && i < names->len && n < MAX_NAMES; i++) {
    gsize size;
    const gchar *name = g_bytes_get_data (g_ptr_array_index (names, i), &size);
    gsize good;

    for (good = 0; good < size && is_name_char (name[good]); good++);
    if (good == 0 || good < size || size > 253)
      continue;
    g_string_append_printf (text, "%s%.*s", n++ == 0 ? " (" : ", ", (int) size,
        name);
  }
  if (n > 0)
    g_string_append_c (text, ')');
  g_clear_pointer (&names, g_ptr_array_unref);
}

/* What the certificate itself says about its fault. */
static void
append_evidence (GString * text, GTlsCertificateFlags flag,
    GTlsCertificate * certificate)
{
  switch (flag) {
    case G_TLS_CERTIFICATE_UNKNOWN_CA:
      if (is_self_signed (certificate))
        g_string_append (text, " (but by itself)");
      break;
    case G_TLS_CERTIFICATE_BAD_IDENTITY:
      append_names (text, certificate);
      break;
    case G_TLS_CERTIFICATE_NOT_ACTIVATED:
      append_date (text, "from",
          g_tls_certificate_get_not_valid_before (certificate));
      break;
    case G_TLS_CERTIFICATE_EXPIRED:
      append_date (text, "on",
          g_tls_certificate_get_not_valid_after (certificate));
      break;
    default:
      break;
  }
}

static gchar *
describe_certificate (const IdentifaiResponse * answer)
{
  GString *faults = g_string_new (NULL);
  GString *advice = g_string_new (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (tls_faults); i++) {
    const TlsFault *fault = &tls_faults[i];

    if (!(answer->tls_errors & fault->flag))
      continue;
    g_string_append_printf (faults, "%s %s", faults->len ? " and" :
        "its certificate", fault->text);
    if (answer->certificate)
      append_evidence (faults, fault->flag, answer->certificate);
    if (!strstr (advice->str, fault->advice))
      g_string_append_printf (advice, ". %s", fault->advice);
  }
  if (faults->len == 0)
    g_string_append (faults, answer->error->message);
  g_string_append (faults, advice->str);
  g_string_free (advice, TRUE);

  return g_string_free (faults, FALSE);
}

static gboolean
is_bad_certificate (const IdentifaiResponse * answer)
{
  return g_error_matches (answer->error, G_TLS_ERROR,
      G_TLS_ERROR_BAD_CERTIFICATE);
}

static gchar *
describe_tls_error (const IdentifaiResponse * answer, const gchar * host)
{
  gchar *fault, *text;

  if (is_bad_certificate (answer))
    fault = describe_certificate (answer);
  else
    fault = g_strdup_printf ("%s. Check endpoint, the network and proxy "
        "settings", answer->error->message);
  text = g_strdup_printf ("No secure connection to %s: %s", host, fault);
  g_free (fault);

  return text;
}

static gboolean
is_proxy_error (const GError * error)
{
  return error->domain == G_IO_ERROR && error->code >= G_IO_ERROR_PROXY_FAILED
      && error->code <= G_IO_ERROR_PROXY_NOT_ALLOWED;
}

/* What isn't HTTP is no answer: libsoup says the same of one that breaks off in its
 * headers. */
static gboolean
is_no_http (const GError * error)
{
  return g_error_matches (error, SOUP_SESSION_ERROR,
      SOUP_SESSION_ERROR_PARSING);
}

static gchar *
describe_error (const IdentifaiResponse * answer, const gchar * host)
{
  const GError *error = answer->error;
  const gchar *hint = "";

  if (error->domain == G_TLS_ERROR)
    return describe_tls_error (answer, host);
  if (answer->direct && answer->duration == 0
      && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return g_strdup_printf (answer->loopback ?
        "nothing listens on %s: is identifai-emulator running?" :
        "nothing listens on %s. Check endpoint and the network", host);
  if (is_no_http (error))
    return g_strdup_printf ("%s sent no HTTP answer, or only the beginning of "
        "one. Check endpoint and proxy if this stays so", host);

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
describe_status (const IdentifaiResponse * answer, const gchar * words,
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
init_from_status (IdentifaiAttempt * self, const gchar * name,
    const IdentifaiResponse * answer, const gchar * host)
{
  gsize size;
  const gchar *data = g_bytes_get_data (answer->body, &size);
  gchar *words = NULL;

  if (size > 0 && !SOUP_STATUS_IS_REDIRECTION (answer->http_status))
    words = identifai_result_parse_error (name, data, size);
  self->reason = identifai_status_to_reason (answer->http_status,
      words != NULL && identifai_error_speaks_of_credits (words));
  self->temporary = identifai_status_is_temporary (answer->http_status);
  self->message = describe_status (answer, words, host);
  self->retry_after = identifai_backoff_parse_retry_after (answer->retry_after,
      identifai_clock_now_real () / G_USEC_PER_SEC);
  if (answer->retry_after != NULL)
    GST_DEBUG_ID (name, "%s asks by Retry-After for %d s%s", host,
        (gint) (self->retry_after / G_TIME_SPAN_SECOND), self->retry_after < 0 ?
        ": it can't be read, and is left out" : "");
  g_free (words);
}

/* A certificate doesn't become better within seconds, but it may be renewed while
 * a pipeline runs for months, and the clock of a small device is set by and by. */
static void
init_from_error (IdentifaiAttempt * self, const gchar * name,
    const IdentifaiResponse * answer, const gchar * host)
{
  gboolean nonsense = (answer->error->domain == SOUP_SESSION_ERROR
      && !is_no_http (answer->error))
      || g_error_matches (answer->error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);

  self->reason = nonsense ?
      IDENTIFAI_REASON_BAD_RESPONSE : IDENTIFAI_REASON_NETWORK;
  self->temporary = TRUE;
  GST_DEBUG_ID (name, "%s: %s, an error of %s", host, nonsense ?
      "what came can't be understood" : "no answer",
      g_quark_to_string (answer->error->domain));
  self->lasting = is_bad_certificate (answer)
      || (is_proxy_error (answer->error)
      && answer->error->code != G_IO_ERROR_PROXY_FAILED);
  self->message = describe_error (answer, host);
}

static gchar *
describe_proxy (const IdentifaiResponse * answer, const gchar * host)
{
  gboolean asks = answer->http_status == SOUP_STATUS_PROXY_UNAUTHORIZED;
  gboolean refuses = asks || answer->http_status == SOUP_STATUS_UNAUTHORIZED;

  if (refuses && answer->proxy_password)
    return
        g_strdup_printf ("The proxy doesn't let through: it refused the user "
        "name and password (HTTP %u). As accounts get locked, they aren't sent "
        "again for a quarter of an hour" PROXY_HINT, answer->http_status);
  if (asks)
    return g_strdup ("The proxy doesn't let through: it wants a user name and "
        "password (HTTP 407), as in http://user:password@host:port" PROXY_HINT);

  return g_strdup_printf ("The proxy doesn't let through to %s: HTTP %u %s"
      PROXY_HINT, host, answer->http_status,
      soup_status_get_phrase (answer->http_status));
}

/* The proxy speaks for the network, not for the service. What it refuses, it hardly
 * will grant within minutes. */
static void
init_from_proxy (IdentifaiAttempt * self, const IdentifaiResponse * answer,
    const gchar * host)
{
  self->reason = IDENTIFAI_REASON_NETWORK;
  self->temporary = TRUE;
  self->lasting = SOUP_STATUS_IS_CLIENT_ERROR (answer->http_status)
      && !identifai_status_is_temporary (answer->http_status);
  self->message = describe_proxy (answer, host);
}

void
identifai_attempt_init (IdentifaiAttempt * self, const gchar * name,
    const IdentifaiResponse * answer, const gchar * host)
{
  *self = (IdentifaiAttempt) {
  .http_status = answer->http_status,.retry_after = -1,.retry_in =
        -1,.unexpected = answer->unexpected,};

  if (answer->from_proxy) {
    GST_DEBUG_ID (name, "HTTP %u is the proxy's word, and says nothing of %s",
        answer->http_status, host);
    init_from_proxy (self, answer, host);
    return;
  }

  /* The status of an error counts, even if its text got lost on the way. */
  if (answer->http_status >= 300)
    init_from_status (self, name, answer, host);
  else if (answer->error)
    init_from_error (self, name, answer, host);
}

void
identifai_attempt_clear (IdentifaiAttempt * self)
{
  g_clear_pointer (&self->message, g_free);
}

gboolean
identifai_attempt_is_throttled (const IdentifaiAttempt * self)
{
  return self->reason == IDENTIFAI_REASON_THROTTLED;
}

gboolean
identifai_attempt_is_unauthorized (const IdentifaiAttempt * self)
{
  return self->reason == IDENTIFAI_REASON_UNAUTHORIZED
      && self->http_status == SOUP_STATUS_UNAUTHORIZED;
}

/* With limits, a 429 says no more than that others use the key: where there is room
 * takes some calls to find out. */
static gboolean
may_share (IdentifaiTries * self, const IdentifaiAttempt * attempt,
    const IdentifaiClientSettings * settings, IdentifaiCall call)
{
  const IdentifaiLimit *limit = &settings->limits[call];
  gint64 now = identifai_clock_now ();

  if (!identifai_attempt_is_throttled (attempt) || settings->retries == 0
      || (limit->per_second == 0 && limit->per_minute == 0))
    return FALSE;
  if (self->refused_since == 0)
    self->refused_since = now;

  return now - self->refused_since <
      identifai_backoff_scale (IDENTIFAI_BACKOFF_THROTTLED);
}

static gboolean
may_retry (IdentifaiTries * self, const IdentifaiAttempt * attempt,
    const IdentifaiClientSettings * settings, IdentifaiCall call)
{
  gint retries = settings->retries;

  if (attempt->unexpected)
    return TRUE;
  /* What hardly passes is waited for only by those who wait for everything: the
   * others hear of it at once. Polls go on in any case, as the file is judged and
   * paid for. */
  if (!attempt->temporary || (attempt->lasting && retries >= 0)
      || identifai_attempt_is_unauthorized (attempt))
    return FALSE;

  return retries < 0 || self->failures <= (guint) retries
      || may_share (self, attempt, settings, call);
}

void
identifai_tries_plan (IdentifaiTries * self, IdentifaiAttempt * attempt,
    const IdentifaiClientSettings * settings, IdentifaiCall call)
{
  if (!attempt->unexpected)
    self->failures++;
  attempt->pause = identifai_backoff_delay_asked (self->failures,
      attempt->retry_after);
  if (may_retry (self, attempt, settings, call))
    attempt->retry_in = attempt->pause;
}

/* What a front's page says; NULL if it is none. */
static gchar *
quote_page (const gchar * name, GBytes * answer)
{
  gsize size, i = 0;
  const gchar *data = g_bytes_get_data (answer, &size);

  while (i < size && !g_ascii_isgraph (data[i]))
    i++;

  return i < size && data[i] == '<' ?
      identifai_result_parse_error (name, data, size) : NULL;
}

void
identifai_attempt_set_bad_response (IdentifaiAttempt * self,
    const gchar * name, const gchar * call, const gchar * why, GBytes * answer)
{
  gchar *words = quote_page (name, answer);

  identifai_attempt_clear (self);
  self->reason = IDENTIFAI_REASON_BAD_RESPONSE;
  self->temporary = TRUE;
  if (words != NULL)
    self->message = g_strdup_printf ("The answer to the %s is a page, which "
        "says: %s", call, words);
  else
    self->message = g_strdup_printf ("The answer to the %s is not to be "
        "understood: %s", call, why);
  g_free (words);
}
