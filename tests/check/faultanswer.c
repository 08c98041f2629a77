/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the fault server says to a request: by its steps, else as the service would.
 */

#define _GNU_SOURCE             /* memmem */
#include "faultanswer.h"

#include <string.h>

const FaultStep *
fault_step_find (FaultServer * self, FaultCall call, guint nth)
{
  static const FaultStep none = { 0, };
  const FaultStep *each = NULL;
  guint i;

  for (i = 0; i < self->n_steps; i++) {
    const FaultStep *step = &self->steps[i];

    if (step->call != call)
      continue;
    if (step->nth == nth)
      return step;
    if (step->nth == 0)
      each = step;
  }

  return each ? each : &none;
}

/* Of a file it has; 0: of another. */
static guint64
get_number (FaultServer * self, const gchar * identifier)
{
  guint64 number = 0;

  if (g_str_has_prefix (identifier, "id-"))
    number = g_ascii_strtoull (identifier + 3, NULL, 10);

  return number < G_N_ELEMENTS (self->submitted) ? number : 0;
}

static gboolean
is_final (FaultServer * self, guint64 number)
{
  gboolean final;

  g_mutex_lock (&self->lock);
  final = self->delay != FAULT_NEVER && (number == 0
      || g_get_monotonic_time () - self->submitted[number]
      >= self->delay * G_TIME_SPAN_MILLISECOND);
  g_mutex_unlock (&self->lock);

  return final;
}

static gchar
get_letter (FaultServer * self, guint64 number)
{
  gchar letter;

  g_mutex_lock (&self->lock);
  letter = self->letters[number];
  g_mutex_unlock (&self->lock);

  return letter;
}

static gchar *
make_result (FaultServer * self, const gchar * identifier)
{
  guint64 number = get_number (self, identifier);
  gchar letter = get_letter (self, number);

  if (!is_final (self, number) || letter == '.')
    return g_strdup_printf ("{\"identifier\":\"%s\",\"status\":\"new\"}",
        identifier);
  if (letter == 'f')
    return g_strdup_printf ("{\"identifier\":\"%s\",\"status\":\"errored\"}",
        identifier);

  return g_strdup_printf ("{\"identifier\":\"%s\",\"status\":\"done\","
      "\"verdict\":{\"heuristic\":\"Majority\",\"confidence\":0.95,"
      "\"classification\":\"%s\",\"unknown\":%s},\"verdicts\":[]}",
      identifier, letter == 'a' ? "artificial" : letter == 'u' ? "unknown" :
      "human", letter == 'u' ? "true" : "false");
}

static gchar *
make_batch (FaultServer * self, const gchar * target)
{
  GString *text = g_string_new ("[");
  gchar **parts = g_strsplit_set (target, "?&", -1);
  guint i;

  for (i = 1; parts[0] && parts[i]; i++) {
    gchar *equals = strchr (parts[i], '=');
    gchar *identifier = g_uri_unescape_string (equals ? equals + 1 : "", NULL);
    gchar *result = make_result (self, identifier);

    g_string_append_printf (text, "%s%s", i > 1 ? "," : "", result);
    g_free (identifier);
    g_free (result);
  }
  g_strfreev (parts);

  return g_string_free (g_string_append_c (text, ']'), FALSE);
}

/* By its ref_id, a number. */
static gchar
find_letter (FaultServer * self, GBytes * body)
{
  static const gchar name[] = "name=\"ref_id\"\r\n\r\n";
  const gchar *data, *at;
  guint64 number;
  gsize size;

  /* One that was answered before it was whole has no body. */
  if (self->verdicts == NULL || body == NULL)
    return 0;
  data = g_bytes_get_data (body, &size);
  at = memmem (data, size, name, sizeof (name) - 1);
  if (at == NULL)
    return 0;
  number = g_ascii_strtoull (at + sizeof (name) - 1, NULL, 10);

  return number < strlen (self->verdicts) ? self->verdicts[number] : 0;
}

static gchar *
make_identifier (FaultServer * self, GBytes * body)
{
  guint number;

  g_mutex_lock (&self->lock);
  number = ++self->n_submitted;
  if (number < G_N_ELEMENTS (self->submitted)) {
    self->submitted[number] = g_get_monotonic_time ();
    self->letters[number] = find_letter (self, body);
  }
  g_mutex_unlock (&self->lock);

  return g_strdup_printf ("{\"identifier\":\"id-%u\"}", number);
}

static gchar *
make_body (FaultServer * self, const FaultRequest * request)
{
  const gchar *slash = strrchr (request->target, '/');
  gchar *identifier, *body;

  switch (request->call) {
    case FAULT_POST:
      return make_identifier (self, request->body);
    case FAULT_BATCH:
      return make_batch (self, request->target);
    case FAULT_OVERRIDE:
      return g_strndup (g_bytes_get_data (request->body, NULL),
          g_bytes_get_size (request->body));
    case FAULT_CREDITS:
      return g_strdup ("{\"available_credits\":159,\"total_spent\":41}");
    default:
      identifier = g_uri_unescape_string (slash + 1, NULL);
      body = make_result (self, identifier);
      g_free (identifier);
      return body;
  }
}

GString *
fault_answer_make (FaultServer * self, const FaultRequest * request,
    const FaultStep * step, gsize missing)
{
  guint status = step->status ? step->status : 200;
  GString *answer = g_string_new (NULL);
  gchar *body = NULL;
  gsize length;

  if (!step->body && status == 200)
    body = make_body (self, request);
  length = body ? strlen (body) : step->body_length;
  if (!body && length == 0 && step->body)
    length = strlen (step->body);

  g_string_append_printf (answer, "HTTP/1.1 %u Scripted\r\n%s", status,
      step->headers ? step->headers : "");
  if (status != 204)
    g_string_append_printf (answer, "Content-Length: %" G_GSIZE_FORMAT "\r\n",
        length + missing);
  g_string_append (answer, "\r\n");
  if (length > 0)
    g_string_append_len (answer, body ? body : step->body, length);
  g_free (body);

  return answer;
}
