/* identifai-moderate: properties of the judging element, from the key file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "settings.h"
#include "slate.h"
#include "units.h"

#include <string.h>

static const gchar *const judges[] = {
  "identifaisink", "identifaigate", "identifaispeechsink",
  "identifaiimagesink", NULL
};

gboolean
mod_is_judge (GstElement * element)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory != NULL && g_strv_contains (judges, GST_OBJECT_NAME (factory));
}

/* From text to a value. */

/* A structure's name may be left out, as people write what they mean. */
static gboolean
to_structure (GParamSpec * pspec, const gchar * text, GValue * value)
{
  const gchar *equals = strchr (text, '='), *comma = strchr (text, ',');
  g_autofree gchar *named = NULL;

  if (strcmp (text, "none") == 0 && strcmp (pspec->name, "rate-limits") != 0)
    return TRUE;
  if (equals != NULL && (comma == NULL || equals < comma))
    named = g_strdup_printf ("%s,%s", pspec->name, text);
  return gst_value_deserialize (value, named != NULL ? named : text);
}

static gchar *
to_number (GParamSpec * pspec, const gchar * text, GValue * value)
{
  gboolean bytes = g_str_has_suffix (pspec->name, "-bytes");
  guint64 number;

  if (bytes ? !mod_parse_size (text, &number) : !mod_parse_time (text, &number))
    return g_strdup (bytes ? "a number of bytes, 64M say" :
        "a time with its unit, 10s or 500ms say");
  g_value_set_uint64 (value, number);
  return NULL;
}

static gchar *
list_words (GEnumClass * words)
{
  GString *list = g_string_new ("one of ");
  guint i;

  for (i = 0; i < words->n_values; i++)
    g_string_append_printf (list, "%s%s", i > 0 ? ", " : "",
        words->values[i].value_nick);
  return g_string_free (list, FALSE);
}

static gchar *
describe (GParamSpec * pspec)
{
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    return list_words (G_PARAM_SPEC_ENUM (pspec)->enum_class);
  return g_strdup (pspec->value_type == G_TYPE_BOOLEAN ? "true or false" :
      "a whole number");
}

/* Puts text into value; else what was wanted, to be freed. Numbers of 64 bits are times,
 * or bytes. */
static gchar *
to_value (GParamSpec * pspec, const gchar * text, GValue * value)
{
  if (pspec->value_type == G_TYPE_UINT64)
    return to_number (pspec, text, value);
  if (pspec->value_type == G_TYPE_STRING) {
    g_value_set_string (value, text);
    return NULL;
  }
  if (pspec->value_type == GST_TYPE_STRUCTURE)
    return to_structure (pspec, text, value) ? NULL :
        g_strdup ("a list NAME=VALUE,…");
  return gst_value_deserialize (value, text) ? NULL : describe (pspec);
}

/* Setting. */

/* Not those of GstObject and GstBaseSink, and not what the program sets by itself. */
static GParamSpec *
find_property (GstElement * judge, const gchar * name)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (judge), name);

  if (pspec == NULL || (pspec->flags & G_PARAM_WRITABLE) == 0)
    return NULL;
  if (strcmp (name, "sha256") == 0 || strcmp (name, "uploads") == 0)
    return NULL;
  if (!g_str_has_prefix (g_type_name (pspec->owner_type), "GstIdentifai"))
    return NULL;
  return pspec;
}

static const gchar *
get_section (const ModStreamConfig * config, const ModSetting * setting)
{
  return setting->from_defaults ? "defaults" : config->name;
}

/* What makes no sense is refused with a warning of GLib's, which says why. */
static void
keep_warning (const gchar * domain, GLogLevelFlags level, const gchar * text,
    gpointer user_data)
{
  gchar **kept = user_data;
  const gchar *name = strstr (text, ": ");

  g_free (*kept);
  *kept = g_strdup (name != NULL ? name + 2 : text);
}

static void
set_property (GstElement * judge, GParamSpec * pspec, const GValue * value,
    const ModStreamConfig * config, const ModSetting * setting,
    ModProblems * problems)
{
  g_autofree gchar *warning = NULL;
  GLogFunc before = g_log_set_default_handler (keep_warning, &warning);

  g_object_set_property (G_OBJECT (judge), pspec->name, value);
  g_log_set_default_handler (before, NULL);
  if (warning != NULL && problems != NULL)
    mod_problems_add (problems, setting->line, get_section (config, setting),
        setting->name, "%s", warning);
}

static const gchar *
explain_name (const ModStreamConfig * config, const gchar * name)
{
  if (strcmp (name, "api-key") == 0)
    return "is not for a file that others may read: use api-key-file";
  if (strcmp (name, "sha256") == 0)
    return "is always true here, as the log has it of each verdict";
  if (config->mode == MOD_MODE_GATE)
    return "is neither a key of a stream nor a property of identifaigate";
  return "is neither a key of a stream nor a property of the element that "
      "judges it (identifaisink, unless pipeline= has another one)";
}

/* A value of [defaults] that only the other elements have is for those. */
static gboolean
is_for_others (const ModSetting * setting)
{
  guint i;

  for (i = 0; setting->from_defaults && judges[i] != NULL; i++) {
    GstElement *other = gst_element_factory_make (judges[i], NULL);
    gboolean has = other != NULL
        && find_property (gst_object_ref_sink (other), setting->name) != NULL;

    gst_clear_object (&other);
    if (has)
      return TRUE;
  }
  return FALSE;
}

static void
complain (const ModStreamConfig * config, const ModSetting * setting,
    ModProblems * problems)
{
  if (problems != NULL && !is_for_others (setting))
    mod_problems_add (problems, setting->line, get_section (config, setting),
        setting->name, "%s", explain_name (config, setting->name));
}

static void
apply_setting (const ModStreamConfig * config, const ModSetting * setting,
    GstElement * judge, ModProblems * problems)
{
  GParamSpec *pspec = find_property (judge, setting->name);
  GValue value = G_VALUE_INIT;
  g_autofree gchar *wanted = NULL;

  if (pspec == NULL || strcmp (setting->name, "api-key") == 0) {
    complain (config, setting, problems);
    return;
  }
  g_value_init (&value, pspec->value_type);
  wanted = to_value (pspec, setting->text, &value);
  if (wanted == NULL && g_param_value_validate (pspec, &value))
    wanted = g_strdup ("a value in its range (gst-inspect-1.0 tells it)");
  if (wanted == NULL)
    set_property (judge, pspec, &value, config, setting, problems);
  else if (problems != NULL)
    mod_problems_add (problems, setting->line, get_section (config, setting),
        setting->name, "wants %s, not \"%s\"", wanted, setting->text);
  g_value_unset (&value);
}

/* Whether a pipeline= has set it: unlike a new element's. */
static gboolean
is_set (GstElement * judge, const gchar * name)
{
  GParamSpec *pspec = find_property (judge, name);
  GValue a = G_VALUE_INIT, b = G_VALUE_INIT;
  GstElement *fresh;
  gboolean equal;

  if (pspec == NULL || (pspec->flags & G_PARAM_READABLE) == 0)
    return FALSE;
  fresh = gst_element_factory_create (gst_element_get_factory (judge), NULL);
  gst_object_ref_sink (fresh);
  g_value_init (&a, pspec->value_type);
  g_value_init (&b, pspec->value_type);
  g_object_get_property (G_OBJECT (judge), name, &a);
  g_object_get_property (G_OBJECT (fresh), name, &b);
  equal = gst_value_compare (&a, &b) == GST_VALUE_EQUAL;
  g_value_unset (&a);
  g_value_unset (&b);
  gst_object_unref (fresh);
  return !equal;
}

/* Whose bytes are wanted with their outcome. */
static const gchar *
find_attached (const ModStreamConfig * config)
{
  if (config->evidence == MOD_EVIDENCE_NONE)
    return config->pictures || config->late == MOD_LATE_YES ? "flagged" : NULL;
  return config->evidence == MOD_EVIDENCE_ALL || config->neighbours > 0 ?
      "all" : "flagged";
}

static void
set_action (GstElement * judge, const gchar * name)
{
  if (!is_set (judge, name))
    gst_util_set_object_arg (G_OBJECT (judge), name, "slate");
}

/* slate= is for gates: in [defaults] it may stand beside streams that are watched. */
static void
apply_slate (const ModStreamConfig * config, GstElement * judge,
    ModProblems * problems)
{
  const gchar *location = config->slate;
  g_autoptr (GError) error = NULL;

  if (location == NULL || find_property (judge, "slate-location") == NULL)
    return;
  if (strcmp (location, MOD_SLATE_BUILTIN) == 0)
    location = mod_slate_get_builtin (&error);
  else if (!g_file_test (location, G_FILE_TEST_IS_REGULAR))
    g_set_error (&error, G_FILE_ERROR, G_FILE_ERROR_NOENT,
        "there is no file %s", location);
  if (error != NULL && problems != NULL)
    mod_problems_add (problems, config->line, config->name, "slate", "%s",
        error->message);
  if (error != NULL)
    return;
  g_object_set (judge, "slate-location", location, NULL);
  set_action (judge, "on-artificial");
  set_action (judge, "on-unjudged");
}

/* What a program that runs for weeks wants: a refusal is told and doesn't end a
 * stream, the end doesn't take minutes, and the account's lists say whose it is. The
 * log always has the file's SHA-256. */
static void
apply_preferences (const ModStreamConfig * config, GstElement * judge)
{
  g_autofree gchar *ref_id = g_strdup_printf ("%s-%%05u", config->name);
  const gchar *attached = find_attached (config);

  if (!is_set (judge, "on-refusal"))
    gst_util_set_object_arg (G_OBJECT (judge), "on-refusal", "warn");
  if (find_property (judge, "drain-timeout") && !is_set (judge,
          "drain-timeout"))
    g_object_set (judge, "drain-timeout", 10 * GST_SECOND, NULL);
  if (attached != NULL && !is_set (judge, "attach-file"))
    gst_util_set_object_arg (G_OBJECT (judge), "attach-file", attached);
  if (!is_set (judge, "ref-id"))
    g_object_set (judge, "ref-id", ref_id, NULL);
  g_object_set (judge, "sha256", TRUE, NULL);
}

void
mod_settings_apply (const ModStreamConfig * config, GstElement * judge,
    ModProblems * problems)
{
  gboolean may_be_set = config->pipeline != NULL;
  guint i;

  apply_preferences (config, judge);
  apply_slate (config, judge, problems);
  for (i = 0; i < config->settings->len; i++) {
    const ModSetting *setting = g_ptr_array_index (config->settings, i);

    if (!setting->from_defaults || !may_be_set
        || !is_set (judge, setting->name))
      apply_setting (config, setting, judge, problems);
  }
}
