/* identifai-emulator: faults on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "faults.h"

#include <string.h>

#define MAX_DELAY 86400         /* s */
#define MAX_BYTES (G_GINT64_CONSTANT (1) << 50)

static void
clear (gpointer data)
{
  EmuFault *self = data;

  g_free (self->spec);
  g_free (self->calls);
  g_free (self->header_name);
  g_free (self->header_value);
  g_free (self->body);
}

EmuFault *
emu_fault_ref (EmuFault * self)
{
  return g_rc_box_acquire (self);
}

void
emu_fault_unref (EmuFault * self)
{
  g_rc_box_release_full (self, clear);
}

static gboolean
parse_uint (const gchar * text, guint64 max, guint64 * value)
{
  return g_ascii_string_to_unsigned (text, 10, 0, max, value, NULL);
}

static gboolean
parse_calls (EmuFault * self, const gchar * text)
{
  static const gchar *const names[] = { "submit", "result", "batch", "credits",
    "override", "heatmap", "fromurl", "users", "post",
    "get", "delete", "chunked", "any", NULL
  };

  self->calls = g_strdup (text);
  return g_strv_contains (names, text);
}

static gboolean
parse_count (const gchar * text, guint * count)
{
  guint64 value;

  if (!parse_uint (text, G_MAXUINT, &value) || value == 0)
    return FALSE;
  *count = value;
  return TRUE;
}

/* "3", "2-4", "2+" or "%3" */
static gboolean
parse_requests (EmuFault * self, const gchar * text)
{
  g_autofree gchar *first = g_strndup (text, strcspn (text, "-+"));
  const gchar *rest = text + strlen (first);

  if (text[0] == '%')
    return parse_count (text + 1, &self->every);
  if (!parse_count (first, &self->first))
    return FALSE;
  self->last = self->first;
  if (*rest == '-')
    return parse_count (rest + 1, &self->last) && self->last >= self->first;
  if (*rest == '\0')
    return TRUE;
  self->last = 0;
  return g_str_equal (rest, "+");
}

static gboolean
parse_header (EmuFault * self, const gchar * text)
{
  const gchar *colon = strchr (text, ':');

  if (colon == NULL || colon == text || strpbrk (text, "\r\n") != NULL)
    return FALSE;
  g_free (self->header_name);
  g_free (self->header_value);
  self->header_name = g_strndup (text, colon - text);
  self->header_value = g_strstrip (g_strdup (colon + 1));
  return TRUE;
}

static gboolean
parse_number_action (EmuFault * self, const gchar * name, const gchar * value)
{
  guint64 number;
  gchar *end;
  gdouble seconds;

  if (g_str_equal (name, "delay")) {
    seconds = g_ascii_strtod (value, &end);
    self->delay = seconds >= 0 && seconds <= MAX_DELAY ? seconds * 1000 : 0;
    return end != value && *end == '\0' && seconds >= 0 && seconds <= MAX_DELAY;
  }
  if (!parse_uint (value, MAX_BYTES, &number))
    return FALSE;
  if (g_str_equal (name, "status"))
    self->status = number;
  else if (g_str_equal (name, "reset-upload"))
    self->reset_upload = number;
  else if (g_str_equal (name, "truncate"))
    self->truncate = number;
  else if (g_str_equal (name, "drip"))
    self->drip = MIN (number, G_MAXINT);
  else
    return FALSE;
  return (self->status == 0 || (self->status >= 200 && self->status <= 599))
      && (self->drip > 0 || !g_str_equal (name, "drip"));
}

static gboolean
parse_action (EmuFault * self, const gchar * text)
{
  const gchar *equals = strchr (text, '=');
  g_autofree gchar *name = NULL;

  if (g_str_equal (text, "reset"))
    return (self->reset = TRUE);
  if (g_str_equal (text, "silence"))
    return (self->silence = TRUE);
  if (equals == NULL)
    return FALSE;
  name = g_strndup (text, equals - text);
  if (g_str_equal (name, "header"))
    return parse_header (self, equals + 1);
  return parse_number_action (self, name, equals + 1);
}

/* Returns the action that can't be understood (to be freed), or NULL. */
static gchar *
parse_actions (EmuFault * self, const gchar * text)
{
  while (*text != '\0') {
    gsize length = strcspn (text, ",");
    g_autofree gchar *action = NULL;

    if (g_str_has_prefix (text, "body=")) {
      self->body = g_strdup (text + strlen ("body="));
      return NULL;
    }
    action = g_strndup (text, length);
    if (!parse_action (self, action))
      return g_steal_pointer (&action);
    text += length + (text[length] == ',');
  }
  return NULL;
}

static gboolean
refuse (GError ** error, const gchar * what, const gchar * text)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "a fault is written CALLS[#REQUESTS]:ACTION[,ACTION...]; %s: %s", what,
      text);
  return FALSE;
}

static gboolean
parse (EmuFault * self, GError ** error)
{
  const gchar *colon = strchr (self->spec, ':');
  g_autofree gchar *subject = NULL;
  g_autofree gchar *wrong = NULL;
  gchar *hash;

  if (colon == NULL || colon[1] == '\0')
    return refuse (error, "no action", self->spec);
  subject = g_strndup (self->spec, colon - self->spec);
  hash = strchr (subject, '#');
  if (hash != NULL)
    *hash++ = '\0';
  if (!parse_calls (self, subject))
    return refuse (error, "no such call", subject);
  if (hash != NULL && !parse_requests (self, hash))
    return refuse (error, "no number of requests", hash);
  wrong = parse_actions (self, colon + 1);
  if (wrong != NULL)
    return refuse (error, "no such action", wrong);
  if ((self->body != NULL || self->header_name != NULL) && self->status == 0)
    return refuse (error, "a body or header needs a status", self->spec);
  return TRUE;
}

EmuFault *
emu_fault_parse (const gchar * spec, GError ** error)
{
  g_autoptr (EmuFault) self = g_rc_box_new0 (EmuFault);

  self->spec = g_strdup (spec);
  self->first = 1;
  self->reset_upload = self->truncate = -1;
  return parse (self, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
concerns (EmuFault * self, const gchar * call, const gchar * method,
    gboolean chunked)
{
  if (g_str_equal (self->calls, "chunked"))
    return chunked;

  return g_str_equal (self->calls, "any") || g_str_equal (self->calls, call)
      || g_ascii_strcasecmp (self->calls, method) == 0;
}

static gboolean
is_due (EmuFault * self)
{
  if (self->every > 0)
    return self->seen % self->every == 0;
  return self->seen >= self->first
      && (self->last == 0 || self->seen <= self->last);
}

EmuFault *
emu_faults_meet (GPtrArray * faults, const gchar * call, const gchar * method,
    gboolean chunked)
{
  EmuFault *met = NULL;
  guint i;

  for (i = 0; i < faults->len; i++) {
    EmuFault *fault = g_ptr_array_index (faults, i);

    if (!concerns (fault, call, method, chunked))
      continue;
    fault->seen++;
    if (met == NULL && is_due (fault))
      met = fault;
  }
  if (met != NULL)
    met->met++;
  return met;
}
