/* identifai-moderate: what the streams ask of their keys, and whether the service answers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "check.h"
#include "pipeline.h"

#include <libsoup/soup.h>
#include <string.h>

#define LONGEST_WAIT 15         /* s */

/* Streams with one endpoint and key share its limits. */
typedef struct
{
  const ModStreamConfig *first; /* where it is named in messages */
  gchar *endpoint, *key_file, *proxy, *ca_file;
  guint streams;
  gdouble uploads;              /* a minute */
  guint per_minute;             /* the strictest limit; 0: none */
} Account;

static void
free_account (Account * self)
{
  g_free (self->endpoint);
  g_free (self->key_file);
  g_free (self->proxy);
  g_free (self->ca_file);
  g_free (self);
}

static gdouble
get_uploads (GstElement * judge)
{
  gdouble uploads = mod_pipeline_get_uploads (judge);
  guint bound = 0;

  if (uploads > 0)
    g_object_get (judge, "max-uploads-per-hour", &bound, NULL);
  return bound > 0 ? MIN (uploads, bound / 60.0) : uploads;
}

static guint
get_limit (GstElement * judge)
{
  GstStructure *limits = NULL;
  guint limit = 0;

  g_object_get (judge, "rate-limits", &limits, NULL);
  if (limits != NULL) {
    gst_structure_get_uint (limits, "post-per-minute", &limit);
    gst_structure_free (limits);
  }
  return limit;
}

static Account *
find_account (GPtrArray * accounts, const ModStreamConfig * stream,
    GstElement * judge)
{
  Account *self = g_new0 (Account, 1);
  guint i;

  g_object_get (judge, "endpoint", &self->endpoint, "api-key-file",
      &self->key_file, "proxy", &self->proxy, "tls-ca-file", &self->ca_file,
      NULL);
  for (i = 0; i < accounts->len; i++) {
    Account *other = g_ptr_array_index (accounts, i);

    if (g_strcmp0 (other->endpoint, self->endpoint) == 0
        && g_strcmp0 (other->key_file, self->key_file) == 0) {
      free_account (self);
      return other;
    }
  }
  self->first = stream;
  g_ptr_array_add (accounts, self);
  return self;
}

static void
add_stream (GPtrArray * accounts, const ModStreamConfig * stream,
    GString * report)
{
  GstElement *judge = NULL;
  g_autoptr (GstElement) pipeline =
      mod_pipeline_new (stream, &judge, NULL, NULL);
  Account *account;
  gdouble uploads;
  guint limit;

  if (pipeline == NULL)
    return;
  account = find_account (accounts, stream, judge);
  uploads = get_uploads (judge);
  limit = get_limit (judge);
  account->streams++;
  account->uploads += uploads;
  if (limit > 0 && (account->per_minute == 0 || limit < account->per_minute))
    account->per_minute = limit;
  g_string_append_printf (report, "%s: %.1f uploads a minute\n", stream->name,
      uploads);
}

static GPtrArray *
collect (const ModConfig * config, GString * report)
{
  GPtrArray *accounts =
      g_ptr_array_new_with_free_func ((GDestroyNotify) free_account);
  guint i;

  for (i = 0; i < config->streams->len; i++)
    add_stream (accounts, g_ptr_array_index (config->streams, i), report);
  return accounts;
}

/* The stream's own line for a setting, else its section's. */
static void
complain (const ModStreamConfig * stream, const gchar * name,
    ModProblems * problems, const gchar * what)
{
  const ModSetting *setting = mod_stream_config_setting (stream, name);

  if (setting != NULL)
    mod_problems_add (problems, setting->line,
        setting->from_defaults ? "defaults" : stream->name, name, "%s", what);
  else
    mod_problems_add (problems, stream->line, stream->name, name, "%s", what);
}

static void
describe_account (const Account * self, GString * report,
    ModProblems * problems)
{
  g_autofree gchar *what = NULL;

  g_string_append_printf (report, "%u streams at %s: %.1f uploads a minute",
      self->streams, self->endpoint, self->uploads);
  if (self->per_minute == 0)
    g_string_append (report, ", without a limit\n");
  else
    g_string_append_printf (report, " of %u that its key may do\n",
        self->per_minute);
  if (self->per_minute == 0 || self->uploads <= self->per_minute + 0.01
      || problems == NULL)
    return;
  what = g_strdup_printf ("the %u streams of this key want %.1f uploads a "
      "minute, and it may do %u: segments that are %.1f times as long would "
      "fit, or segment-interval, or another key", self->streams, self->uploads,
      self->per_minute, self->uploads / self->per_minute);
  complain (self->first, "segment-duration", problems, what);
}

gchar *
mod_demand_describe (const ModConfig * config, ModProblems * problems)
{
  GString *report = g_string_new (NULL);
  g_autoptr (GPtrArray) accounts = collect (config, report);
  guint i;

  for (i = 0; i < accounts->len; i++)
    describe_account (g_ptr_array_index (accounts, i), report, problems);
  return g_string_free (report, FALSE);
}

/* The service. */

static gchar *
read_first_line (const gchar * path)
{
  gchar *text = NULL;

  if (path == NULL || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  text[strcspn (text, "\r\n")] = '\0';
  return g_strstrip (text);
}

/* As the elements choose it. */
static gchar *
find_key (const Account * self)
{
  if (self->key_file != NULL)
    return read_first_line (self->key_file);
  if (g_getenv ("IDENTIFAI_API_KEY") != NULL)
    return g_strdup (g_getenv ("IDENTIFAI_API_KEY"));
  return read_first_line (g_getenv ("IDENTIFAI_API_KEY_FILE"));
}

static SoupSession *
make_session (const Account * self)
{
  SoupSession *session =
      soup_session_new_with_options ("timeout", LONGEST_WAIT, "user-agent",
      "identifai-moderate", NULL);
  g_autoptr (GProxyResolver) resolver = NULL;
  g_autoptr (GTlsDatabase) database = NULL;

  if (self->proxy != NULL) {
    resolver = g_simple_proxy_resolver_new (self->proxy, NULL);
    g_object_set (session, "proxy-resolver", resolver, NULL);
  }
  if (self->ca_file != NULL) {
    database = g_tls_file_database_new (self->ca_file, NULL);
    g_object_set (session, "tls-database", database, NULL);
  }
  return session;
}

static void
add_header (SoupMessage * message, const gchar * name, const gchar * value)
{
  if (value != NULL)
    soup_message_headers_replace (soup_message_get_request_headers (message),
        name, value);
}

static void
add_extra_headers (const Account * self, SoupMessage * message)
{
  const ModSetting *extra =
      mod_stream_config_setting (self->first, "extra-headers");
  GstStructure *headers = extra != NULL ?
      gst_structure_from_string (extra->text, NULL) : NULL;
  gint i;

  for (i = 0; headers != NULL && i < gst_structure_n_fields (headers); i++) {
    const gchar *name = gst_structure_nth_field_name (headers, i);

    add_header (message, name, gst_structure_get_string (headers, name));
  }
  if (headers != NULL)
    gst_structure_free (headers);
}

static void
judge_answer (const Account * self, guint status, GString * report,
    ModProblems * problems)
{
  g_autofree gchar *what = NULL;

  if (status == 401 || status == 403)
    what = g_strdup_printf ("%s refuses this key (HTTP status %u)",
        self->endpoint, status);
  else if (status >= 300 && status != 429)
    what = g_strdup_printf ("%s answers with HTTP status %u: is that the "
        "service?", self->endpoint, status);
  if (what != NULL)
    complain (self->first, status < 404 ? "api-key-file" : "endpoint",
        problems, what);
  else
    g_string_append_printf (report, "%s answers, and takes the key\n",
        self->endpoint);
}

static void
ask (const Account * self, GString * report, ModProblems * problems)
{
  g_autoptr (SoupSession) session = make_session (self);
  g_autofree gchar *key = find_key (self);
  g_autofree gchar *uri = g_strdup_printf ("%s%sapi/user/credits",
      self->endpoint, g_str_has_suffix (self->endpoint, "/") ? "" : "/");
  g_autoptr (SoupMessage) message = soup_message_new ("GET", uri);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) answer = NULL;
  g_autofree gchar *what = NULL;

  if (message == NULL)
    return;
  add_extra_headers (self, message);
  add_header (message, "X-Api-Key", key);
  add_header (message, "Accept", "application/json");
  answer = soup_session_send_and_read (session, message, NULL, &error);
  if (answer != NULL) {
    judge_answer (self, soup_message_get_status (message), report, problems);
    return;
  }
  what = g_strdup_printf ("%s can't be reached: %s", self->endpoint,
      error->message);
  complain (self->first, "endpoint", problems, what);
}

gchar *
mod_service_check (const ModConfig * config, ModProblems * problems)
{
  GString *report = g_string_new (NULL);
  g_autoptr (GString) unused = g_string_new (NULL);
  g_autoptr (GPtrArray) accounts = collect (config, unused);
  guint i;

  for (i = 0; i < accounts->len; i++)
    ask (g_ptr_array_index (accounts, i), report, problems);
  return g_string_free (report, FALSE);
}
