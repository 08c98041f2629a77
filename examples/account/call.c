/* identifai-account: one call of the service, by the plugin's own client
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include "endpoint.h"
#include "json.h"

#include <string.h>

#define PATIENCE (3 * G_USEC_PER_SEC)
#define DEFAULT_ENDPOINT "https://backend.identifai.net"

/* What the network thread says, and the main one waits for. */
typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean done;
  IdentifaiReason reason;
  guint http_status;
  gchar *message;
  GBytes *body;
} Answer;

static const gchar *
from_environment (const gchar * variable)
{
  const gchar *value = g_getenv (variable);

  return value != NULL && *value != '\0' ? value : NULL;
}

/* An option goes before the environment, a key before a file of one. */
static void
choose_key (const AccountOptions * options, IdentifaiClientSettings * settings)
{
  if (options->api_key_file != NULL) {
    settings->api_key_file = g_strdup (options->api_key_file);
    return;
  }
  settings->api_key = g_strdup (from_environment ("IDENTIFAI_API_KEY"));
  settings->api_key_file =
      g_strdup (from_environment ("IDENTIFAI_API_KEY_FILE"));
}

static void
set_limits (const AccountOptions * options, IdentifaiClientSettings * settings)
{
  static const IdentifaiLimit published[IDENTIFAI_N_CALLS] = {
    [IDENTIFAI_CALL_POST] = {1, 30},
    [IDENTIFAI_CALL_GET] = {2, 60},
  };

  if (!options->no_limits)
    memcpy (settings->limits, published, sizeof (published));
}

static IdentifaiClient *
open_client (const AccountOptions * options, GError ** error)
{
  static const IdentifaiClientCallbacks callbacks = { NULL, };
  const gchar *endpoint = options->endpoint ? options->endpoint :
      from_environment ("IDENTIFAI_ENDPOINT");
  IdentifaiClientSettings settings = { NULL, };
  IdentifaiClient *client = NULL;

  settings.endpoint = identifai_endpoint_check (endpoint ? endpoint :
      DEFAULT_ENDPOINT, options->allow_plain_http, error);
  if (settings.endpoint == NULL)
    return NULL;
  settings.name = g_strdup ("identifai-account");
  settings.user_agent = g_strdup ("identifai-account/" VERSION);
  settings.proxy = g_strdup (options->proxy);
  if (options->tls_ca_file != NULL)
    settings.tls_ca_file = g_canonicalize_filename (options->tls_ca_file, NULL);
  settings.timeout = options->timeout;
  settings.retries = options->retries;
  settings.verdict_timeout = GST_CLOCK_TIME_NONE;
  choose_key (options, &settings);
  set_limits (options, &settings);
  if (settings.api_key == NULL && settings.api_key_file == NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "there is no API key: set IDENTIFAI_API_KEY in the environment, or "
        "--api-key-file to a file whose first line is the key");
  else
    client = identifai_client_new (&settings, &callbacks, NULL, error);
  identifai_client_settings_clear (&settings);

  return client;
}

void
account_close (Account * self)
{
  g_clear_pointer (&self->client, identifai_client_close);
}

/* The network thread. */
static void
on_answer (const IdentifaiServiceAnswer * said, gpointer data)
{
  Answer *answer = data;

  g_mutex_lock (&answer->lock);
  answer->reason = said->reason;
  answer->http_status = said->http_status;
  answer->message = g_strdup (said->message);
  answer->body = g_bytes_ref (said->body);
  answer->done = TRUE;
  g_cond_signal (&answer->changed);
  g_mutex_unlock (&answer->lock);
}

/* Who waits for long is told that he does. */
static void
wait_for (Answer * answer, const Account * self,
    const IdentifaiServiceCall * call)
{
  gint64 patience = g_get_monotonic_time () + PATIENCE;

  g_mutex_lock (&answer->lock);
  while (!answer->done) {
    if (patience == 0) {
      g_cond_wait (&answer->changed, &answer->lock);
    } else if (!g_cond_wait_until (&answer->changed, &answer->lock, patience)) {
      patience = 0;
      if (call->once)
        g_printerr ("identifai-account: %s: no answer yet, waiting "
            "(--timeout %d)\n", call->what, self->options.timeout);
      else
        g_printerr ("identifai-account: %s: no answer yet, waiting and trying "
            "on (--timeout %d, --retries %d)\n", call->what,
            self->options.timeout, self->options.retries);
    }
  }
  g_mutex_unlock (&answer->lock);
}

/* The first row that fits. */
static const gchar *
get_advice (const gchar * what, const Answer * answer)
{
  static const struct
  {
    const gchar *what;          /* NULL: any call */
    guint http_status;
    const gchar *advice;
  } rows[] = {
    {NULL, 401, ". Check the key"},
    {NULL, 403, ". The key is known: check its rights and its plan, or accept "
          "the terms of service"},
    {"list", 400, ". Documented is a list of images only"},
    {"override", 404, ". HASH is the SHA-256 of a file that was sent, as "
          "results --json has it, and no identifier; --kind says of what kind "
          "it is"},
    {"heatmap", 404, ". Only an image that was sent with-heatmap and is judged "
          "has one"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (rows[i].http_status == answer->http_status && (rows[i].what == NULL
            || g_str_equal (rows[i].what, what)))
      return rows[i].advice;
  }

  return "";
}

/* By how it failed. */
static gint
tell_failure (Account * self, const gchar * what, const Answer * answer)
{
  gboolean refused = answer->reason == IDENTIFAI_REASON_REJECTED
      || answer->reason == IDENTIFAI_REASON_UNAUTHORIZED
      || answer->reason == IDENTIFAI_REASON_NO_CREDITS;
  g_autofree gchar *status = answer->http_status > 0 ?
      g_strdup_printf (" (HTTP status %u)", answer->http_status) :
      g_strdup ("");

  return account_fail (self, refused ? ACCOUNT_REFUSED : ACCOUNT_TROUBLE,
      "%s: %s%s%s", what, answer->message, status, get_advice (what, answer));
}

GBytes *
account_call (Account * self, const IdentifaiServiceCall * call, gint * status)
{
  g_autoptr (GError) error = NULL;
  GBytes *body = NULL;
  Answer answer = { {NULL}, };

  if (self->client == NULL)
    self->client = open_client (&self->options, &error);
  if (self->client == NULL) {
    *status = account_fail (self, ACCOUNT_WRONG_USE, "%s", error->message);
    return NULL;
  }

  g_mutex_init (&answer.lock);
  g_cond_init (&answer.changed);
  identifai_client_call (self->client, call, on_answer, &answer);
  wait_for (&answer, self, call);
  if (answer.reason == IDENTIFAI_REASON_NONE)
    body = g_bytes_ref (answer.body);
  else
    *status = tell_failure (self, call->what, &answer);
  g_bytes_unref (answer.body);
  g_free (answer.message);
  g_cond_clear (&answer.changed);
  g_mutex_clear (&answer.lock);

  return body;
}

JsonNode *
account_call_json (Account * self, const IdentifaiServiceCall * call,
    gint * status)
{
  g_autoptr (GBytes) body = account_call (self, call, status);
  g_autoptr (GError) error = NULL;
  JsonNode *root;
  gsize size;
  const gchar *data;

  if (body == NULL)
    return NULL;
  data = g_bytes_get_data (body, &size);
  root = identifai_json_read (data, size, &error);
  if (root == NULL)
    *status =
        account_fail (self, ACCOUNT_TROUBLE,
        "%s: the answer is not to be " "understood: %s", call->what,
        error->message);

  return root;
}

gboolean
account_read_kind (Account * self, const gchar * name, IdentifaiKind fallback,
    IdentifaiKind * kind)
{
  guint i;

  *kind = fallback;
  if (name == NULL)
    return TRUE;
  for (i = 0; i < IDENTIFAI_N_KINDS; i++) {
    const gchar *known = identifai_kind_get_info (i)->name;

    *kind = i;
    /* "videos" will do, too */
    if (g_str_has_prefix (name, known) && (name[strlen (known)] == '\0'
            || g_str_equal (name + strlen (known), "s")))
      return TRUE;
  }
  account_fail (self, ACCOUNT_WRONG_USE, "there are videos, images and speech, "
      "and no \"%s\"", name);

  return FALSE;
}
