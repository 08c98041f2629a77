/* identifai-moderate: what people may do to a stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "acts.h"
#include "jsontext.h"
#include "record.h"

#include <string.h>

#define MOST_ARGUMENTS 4096     /* bytes, as JSON */

/* NULL: done; else what is wrong. */
typedef const gchar *(*Act) (GstElement * judge, JsonObject * arguments);

static gboolean
get_number (JsonObject * object, const gchar * name, gdouble * number)
{
  JsonNode *node = json_object_get_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node)
      || json_node_get_value_type (node) == G_TYPE_STRING)
    return FALSE;
  *number = json_node_get_double (node);
  return *number >= 0 && *number < 4294967295.0;
}

static gboolean
has_signal (GstElement * judge, const gchar * name)
{
  return g_signal_lookup (name, G_OBJECT_TYPE (judge)) != 0;
}

static const gchar *
force (GstElement * judge, JsonObject * arguments)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (judge), "force");
  const gchar *word = mod_json_get_text (arguments, "force", NULL);
  const GEnumValue *value;

  if (pspec == NULL)
    return "this stream has no gate";
  value = word == NULL ? NULL : g_enum_get_value_by_nick (G_PARAM_SPEC_ENUM
      (pspec)->enum_class, word);
  if (value == NULL)
    return "force wants none, pass, drop or slate";
  g_object_set (judge, "force", value->value, NULL);
  return NULL;
}

static const gchar *
dump (GstElement * judge, JsonObject * arguments)
{
  gdouble back = 0;

  if (!has_signal (judge, "dump"))
    return "this stream has no gate";
  if (json_object_has_member (arguments, "back")
      && !get_number (arguments, "back", &back))
    return "back wants a number of seconds";
  g_signal_emit_by_name (judge, "dump", (guint64) (back * GST_SECOND));
  return NULL;
}

static const gchar *
release (GstElement * judge, JsonObject * arguments)
{
  if (!has_signal (judge, "release"))
    return "this stream has no gate";
  g_signal_emit_by_name (judge, "release");
  return NULL;
}

static const gchar *
split (GstElement * judge, JsonObject * arguments)
{
  if (!has_signal (judge, "split-now"))
    return "this stream can't be split";
  g_signal_emit_by_name (judge, "split-now");
  return NULL;
}

static const gchar *
override (GstElement * judge, JsonObject * arguments)
{
  static const gchar *const words[] =
      { "human", "artificial", "unknown", NULL };
  const gchar *word = mod_json_get_text (arguments, "classification", NULL);
  const gchar *identifier = mod_json_get_text (arguments, "identifier", NULL);
  gdouble segment;

  if (!has_signal (judge, "override"))
    return "this element takes no override";
  if (word == NULL || !g_strv_contains (words, word))
    return "classification wants human, artificial or unknown";
  if (identifier != NULL)
    g_signal_emit_by_name (judge, "override-identifier", identifier, word);
  else if (get_number (arguments, "segment", &segment))
    g_signal_emit_by_name (judge, "override", (guint) segment, word);
  else
    return "override wants a segment or an identifier";
  return NULL;
}

static const struct
{
  const gchar *name;
  Act act;
} acts[] = {
  {"force", force},
  {"dump", dump},
  {"release", release},
  {"split", split},
  {"override", override},
};

static Act
find_act (const gchar * name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (acts); i++)
    if (strcmp (acts[i].name, name) == 0)
      return acts[i].act;
  return NULL;
}

static void
tell_act (ModHub * hub, const gchar * stream, const gchar * act,
    JsonObject * arguments, const gchar * problem)
{
  JsonObject *line = mod_record_new ("act", stream);

  json_object_set_string_member (line, "act", act);
  json_object_set_object_member (line, "arguments",
      json_object_ref (arguments));
  if (problem != NULL)
    json_object_set_string_member (line, "problem", problem);
  mod_hub_tell (hub, line);
}

/* They are told, as a line and to a broker, which is no place for a megabyte. */
static gboolean
is_too_long (JsonObject * arguments)
{
  g_autofree gchar *text = mod_json_to_text (arguments);

  return strlen (text) > MOST_ARGUMENTS;
}

guint
mod_act (ModSupervisor * supervisor, ModHub * hub, const gchar * name,
    const gchar * act, JsonObject * arguments, gchar ** problem)
{
  ModStream *stream = mod_supervisor_find (supervisor, name);
  ModSession *session = stream != NULL ? mod_stream_get_session (stream) : NULL;
  Act call = find_act (act);
  const gchar *what;

  if (stream == NULL || call == NULL) {
    *problem = g_strdup (stream == NULL ? "there is no such stream" :
        "there is no such act");
    return 404;
  }
  if (is_too_long (arguments)) {
    *problem = g_strdup ("the arguments are too long");
    return 400;
  }
  what = session == NULL ? "this stream isn't running" :
      call (mod_session_get_judge (session), arguments);
  tell_act (hub, name, act, arguments, what);
  *problem = g_strdup (what);
  return what == NULL ? 200 : session == NULL ? 409 : 400;
}

typedef struct
{
  const gchar *identifier;
  gboolean waited;
} Look;

static void
look (gpointer stream, gpointer user_data)
{
  Look *self = user_data;
  ModSession *session = mod_stream_get_session (stream);
  GstElement *judge = session != NULL ? mod_session_get_judge (session) : NULL;

  if (judge != NULL && !self->waited && has_signal (judge, "look"))
    g_signal_emit_by_name (judge, "look", self->identifier, &self->waited);
}

gboolean
mod_look (ModSupervisor * supervisor, const gchar * identifier)
{
  Look self = { identifier, FALSE };

  mod_supervisor_foreach (supervisor, look, &self);
  return self.waited;
}
