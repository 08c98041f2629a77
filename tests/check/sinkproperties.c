/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of the elements: that each is there as documented, what may change
 * when, and what the environment and the key file stand for.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>
#include "faultserver.h"
#include "gstidentifaisettings.h"
#include "sinkutil.h"

#define MAXUINT64 G_MAXUINT64

typedef struct
{
  const gchar *name;
  const gchar *type;
  const gchar *value;           /* default, as gst_value_serialize() writes it */
  gboolean mutable;             /* while playing */
  guint64 minimum, maximum;     /* of numbers, as guint64 */
} Property;

static const Property properties[] = {
  {"endpoint", "gchararray", "https://backend.identifai.net"},
  {"api-key", "gchararray", NULL, TRUE},
  {"api-key-file", "gchararray", NULL},
  {"extra-headers", "GstStructure", NULL, TRUE},
  {"allow-plain-http", "gboolean", "false"},
  {"proxy", "gchararray", NULL},
  {"user-agent", "gchararray", "gst-identifai/" VERSION},
  {"tls-ca-file", "gchararray", NULL},
  {"timeout", "guint", "30", FALSE, 1, 3600},
  {"retries", "gint", "5", FALSE, (guint64) - 1, G_MAXINT},
  {"rate-limits", "GstStructure", NULL},
  {"ref-id", "gchararray", NULL, TRUE},
  {"frames", "GstIdentifaiFrames", "default", TRUE},
  {"key-frames", "gboolean", "false", TRUE},
  {"key-frames-method", "GstIdentifaiKeyFramesMethod", "iframes", TRUE},
  {"with-tampering", "gboolean", "false", TRUE},
  {"with-morphing", "gboolean", "false", TRUE},
  {"with-audio", "gboolean", "false", TRUE},
  {"with-nsfw", "gboolean", "false", TRUE},
  {"ensure-face-per-frame", "gboolean", "false", TRUE},
  {"no-cache", "gboolean", "false", TRUE},
  {"prevent-c2pa-forces", "gboolean", "false", TRUE},
  {"webhook-url", "gchararray", NULL, TRUE},
  {"extra-parameters", "GstStructure", NULL, TRUE},
  {"response-format", "GstIdentifaiResponseFormat", "json", TRUE},
  {"segment-duration", "guint64", "10000000000", FALSE, 0, MAXUINT64},
  {"segment-interval", "guint64", "0", FALSE, 0, MAXUINT64},
  {"max-segment-bytes", "guint64", "50000000", FALSE, 1, MAXUINT64},
  {"send-keyframe-requests", "gboolean", "true"},
  {"align-to-clock", "gboolean", "false"},
  {"early-upload", "gboolean", "false"},
  {"judging", "gboolean", "true", TRUE},
  {"muxer", "gchararray", "auto"},
  {"overflow", "GstIdentifaiOverflow", "auto"},
  {"max-pending-bytes", "guint64", "268435456", FALSE, 1, MAXUINT64},
  {"max-pending-segments", "guint", "16", FALSE, 1, G_MAXUINT},
  {"max-uploads-per-hour", "guint", "0", FALSE, 0, G_MAXUINT},
  {"poll-interval", "guint64", "0", FALSE, 0, MAXUINT64},
  {"verdict-timeout", "guint64", "300000000000", FALSE, 1, MAXUINT64},
  {"drain-timeout", "guint64", "120000000000", FALSE, 0, MAXUINT64},
  {"heuristic", "gchararray", NULL, TRUE},
  {"policy", "GstStructure", NULL, TRUE},
  {"on-refusal", "GstIdentifaiOnRefusal", "error"},
  {"attach-file", "GstIdentifaiAttachFile", "none", TRUE},
  {"max-attached-bytes", "guint64", "67108864", FALSE, 1, MAXUINT64},
  {"sha256", "gboolean", "true"},
  {"credits-interval", "guint64", "0", FALSE, 0, MAXUINT64},
  {"credits-warning", "guint", "0", FALSE, 0, G_MAXUINT},
};

/* What each enum's property takes, in the order of the contract. */
static const struct
{
  const gchar *name;
  const gchar *nicks;
} enums[] = {
  {"frames", "default 5 10 30"},
  {"key-frames-method", "iframes flow color"},
  {"response-format", "json text"},
  {"overflow", "auto block drop-oldest drop-newest"},
  {"on-refusal", "error warn"},
  {"attach-file", "none flagged all"},
};

static void
unset_environment (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  g_unsetenv ("IDENTIFAI_API_KEY");
  g_unsetenv ("IDENTIFAI_API_KEY_FILE");
}

static void
setup (void)
{
  unset_environment ();
  sink_watch_warnings ();
}

static GParamSpec *
find_property (GstElement * sink, const gchar * name)
{
  GParamSpec *spec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (sink), name);

  fail_unless (spec != NULL, "there is no %s", name);

  return spec;
}

static gchar *
value_text (const GValue * value)
{
  if (G_VALUE_HOLDS_STRING (value))
    return g_value_dup_string (value);
  if (G_VALUE_HOLDS_BOXED (value) && g_value_get_boxed (value) == NULL)
    return NULL;

  return gst_value_serialize (value);
}

/* That they are there. */

static void
check_range (GParamSpec * spec, const Property * property)
{
  guint64 minimum = 0, maximum = 0;

  if (G_IS_PARAM_SPEC_UINT (spec)) {
    minimum = G_PARAM_SPEC_UINT (spec)->minimum;
    maximum = G_PARAM_SPEC_UINT (spec)->maximum;
  } else if (G_IS_PARAM_SPEC_INT (spec)) {
    minimum = (guint64) G_PARAM_SPEC_INT (spec)->minimum;
    maximum = (guint64) G_PARAM_SPEC_INT (spec)->maximum;
  } else if (G_IS_PARAM_SPEC_UINT64 (spec)) {
    minimum = G_PARAM_SPEC_UINT64 (spec)->minimum;
    maximum = G_PARAM_SPEC_UINT64 (spec)->maximum;
  }
  fail_unless (minimum == property->minimum && maximum == property->maximum,
      "%s goes from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT,
      property->name, minimum, maximum);
}

static void
check_flags (GParamSpec * spec, const Property * property)
{
  gboolean secret = g_str_equal (property->name, "api-key");

  fail_unless (spec->flags & G_PARAM_WRITABLE, "%s", property->name);
  fail_unless (secret == !(spec->flags & G_PARAM_READABLE), "%s",
      property->name);
  fail_unless (property->mutable ==
      !!(spec->flags & GST_PARAM_MUTABLE_PLAYING), "%s", property->name);
  fail_unless (property->mutable !=
      !!(spec->flags & GST_PARAM_MUTABLE_READY), "%s", property->name);
  fail_if (spec->flags & G_PARAM_CONSTRUCT, "%s", property->name);
}

/* Both the documented default and the value of a new element. */
static void
check_default (GstElement * sink, GParamSpec * spec, const Property * property)
{
  gchar *text = value_text (g_param_spec_get_default_value (spec));
  GValue value = G_VALUE_INIT;

  fail_unless_equals_string (text, property->value);
  g_free (text);
  if (!(spec->flags & G_PARAM_READABLE)
      || g_str_equal (property->name, "rate-limits"))
    return;

  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (sink), property->name, &value);
  text = value_text (&value);
  fail_unless (g_strcmp0 (text, property->value) == 0, "%s is %s",
      property->name, text);
  g_free (text);
  g_value_unset (&value);
}

GST_START_TEST (test_property)
{
  const Property *property = &properties[__i__];
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GParamSpec *spec = find_property (sink, property->name);

  fail_unless_equals_string (g_type_name (spec->value_type), property->type);
  fail_unless (g_param_spec_get_blurb (spec) != NULL
      && strlen (g_param_spec_get_blurb (spec)) > 10);
  check_range (spec, property);
  check_flags (spec, property);
  check_default (sink, spec, property);
  gst_object_unref (sink);
}

GST_END_TEST;

/* The contract has no other ones, and nothing is there that is in no table. */
GST_START_TEST (test_no_others)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GParamSpec **specs;
  guint n, i, own = 0;

  specs = g_object_class_list_properties (G_OBJECT_GET_CLASS (sink), &n);
  for (i = 0; i < n; i++)
    own += specs[i]->owner_type == G_OBJECT_TYPE (sink);
  /* and stats, pending and uploads */
  fail_unless_equals_int (own, G_N_ELEMENTS (properties) + 3);
  g_free (specs);
  fail_unless (find_property (sink, "stats")->flags & G_PARAM_READABLE);
  fail_if (find_property (sink, "stats")->flags & G_PARAM_WRITABLE);
  gst_object_unref (sink);
}

GST_END_TEST;

GST_START_TEST (test_enums)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GEnumClass *klass =
      G_PARAM_SPEC_ENUM (find_property (sink, enums[__i__].name))->enum_class;
  GString *nicks = g_string_new (NULL);
  guint i;

  for (i = 0; i < klass->n_values; i++)
    g_string_append_printf (nicks, "%s%s", i ? " " : "",
        klass->values[i].value_nick);
  fail_unless_equals_string (nicks->str, enums[__i__].nicks);
  g_string_free (nicks, TRUE);
  gst_object_unref (sink);
}

GST_END_TEST;

/* A sink that needs no clock and keeps no sample; its class. */
GST_START_TEST (test_element)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GstElementFactory *factory = gst_element_get_factory (sink);
  gboolean sync = TRUE, last_sample = TRUE;

  g_object_get (sink, "sync", &sync, "enable-last-sample", &last_sample, NULL);
  fail_if (sync || last_sample);
  fail_unless_equals_string (gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_KLASS), "Sink/Network/Video");
  fail_unless_equals_int (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE
          (factory)), GST_RANK_NONE);
  fail_unless_equals_string (gst_plugin_feature_get_plugin_name
      (GST_PLUGIN_FEATURE (factory)), "identifai");
  gst_object_unref (sink);
}

GST_END_TEST;

/* When they may change. */

static const FaultStep rejecting[] = {
  {FAULT_POST,.status = 400,.body = "{\"error\":\"No.\"}"},
};

/* Something else than the default. */
static void
make_other_value (GParamSpec * spec, GValue * value)
{
  g_value_init (value, spec->value_type);
  if (G_IS_PARAM_SPEC_STRING (spec))
    g_value_set_static_string (value, "other");
  else if (G_IS_PARAM_SPEC_BOOLEAN (spec))
    g_value_set_boolean (value, !G_PARAM_SPEC_BOOLEAN (spec)->default_value);
  else if (G_IS_PARAM_SPEC_ENUM (spec))
    g_value_set_enum (value, G_PARAM_SPEC_ENUM (spec)->enum_class->maximum);
  else if (G_IS_PARAM_SPEC_UINT (spec))
    g_value_set_uint (value, G_PARAM_SPEC_UINT (spec)->default_value + 1);
  else if (G_IS_PARAM_SPEC_INT (spec))
    g_value_set_int (value, G_PARAM_SPEC_INT (spec)->default_value + 1);
  else if (G_IS_PARAM_SPEC_UINT64 (spec))
    g_value_set_uint64 (value, G_PARAM_SPEC_UINT64 (spec)->default_value + 1);
  else if (g_str_equal (spec->name, "policy"))
    g_value_take_boxed (value, gst_structure_new ("policy", "leave",
            G_TYPE_INT, 7, NULL));
  else
    g_value_take_boxed (value, gst_structure_new ("other", "post-per-second",
            G_TYPE_UINT, 77, NULL));
}

static gchar *
get_text (GstElement * sink, GParamSpec * spec)
{
  GValue value = G_VALUE_INIT;
  gchar *text;

  g_value_init (&value, spec->value_type);
  g_object_get_property (G_OBJECT (sink), spec->name, &value);
  text = value_text (&value);
  g_value_unset (&value);

  return text;
}

static void
count_notify (GObject * object, GParamSpec * spec, gpointer count)
{
  (*(guint *) count)++;
}

/* Sets every property, twice; each must change or not, as allowed says, and only
 * a change is told (of what can be read: GObject tells of no other). */
static void
change_all (GstElement * sink, gboolean running)
{
  guint i, notified = 0;
  gulong id;

  id = g_signal_connect (sink, "notify", G_CALLBACK (count_notify), &notified);
  for (i = 0; i < G_N_ELEMENTS (properties); i++, notified = 0) {
    GParamSpec *spec = find_property (sink, properties[i].name);
    gboolean allowed = !running || properties[i].mutable;
    gboolean readable = !!(spec->flags & G_PARAM_READABLE);
    GValue value = G_VALUE_INIT;
    gchar *before, *after;

    make_other_value (spec, &value);
    before = readable ? get_text (sink, spec) : NULL;
    g_object_set_property (G_OBJECT (sink), spec->name, &value);
    fail_unless_equals_int (notified, allowed && readable);
    after = readable ? get_text (sink, spec) : NULL;
    fail_unless (!readable || allowed == (g_strcmp0 (before, after) != 0),
        "%s: %s, then %s", spec->name, before, after);
    fail_unless (sink_take_warnings () == (allowed ? 0 : 1), "%s", spec->name);
    g_object_set_property (G_OBJECT (sink), spec->name, &value);
    fail_unless_equals_int (notified, allowed && readable);
    sink_take_warnings ();
    g_free (before);
    g_free (after);
    g_value_unset (&value);
  }
  g_signal_handler_disconnect (sink, id);
}

GST_START_TEST (test_mutable_when_stopped)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");

  change_all (sink, FALSE);
  gst_object_unref (sink);
}

GST_END_TEST;

/* In PAUSED before the first buffer, where the state is still changing, and in
 * PLAYING. */
GST_START_TEST (test_mutable_when_running)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9",
      __i__ == 0 ? "appsrc ! identifaisink name=sink" :
      "videotestsrc ! jpegenc ! avimux ! identifaisink name=sink");

  fail_unless (sink_run_start (run));
  if (__i__ > 0)
    fail_unless_equals_int (gst_element_get_state (sink_run_get_pipeline (run),
            NULL, NULL, 20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  change_all (sink_run_get_sink (run), TRUE);
  sink_run_free (run);
}

GST_END_TEST;

/* What is set in READY counts for the next start, and nothing is left running
 * in READY. */
GST_START_TEST (test_set_in_ready)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", SINK_JPEGS);
  GstElement *pipeline = sink_run_get_pipeline (run);

  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_object_set (sink_run_get_sink (run), "endpoint", url, NULL);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 1);

  gst_element_set_state (pipeline, GST_STATE_READY);
  g_object_set (sink_run_get_sink (run), "endpoint", "http://127.0.0.1:9",
      NULL);
  fail_unless_equals_int (sink_take_warnings (), 0);
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* Structures, and what counts as a change of one: set in turn. */
static const struct
{
  const gchar *name, *set;
  gboolean changes;
} structures[] = {
  {"rate-limits", "limits", FALSE},
  {"rate-limits", "limits, post-per-minute=30", FALSE},
  {"rate-limits", "limits, post-per-minute=15", TRUE},
  {"rate-limits", "limits, post-per-second=1", FALSE},
  {"rate-limits", "limits, post-per-second=-1", FALSE},
  {"rate-limits", "none", TRUE},
  {"rate-limits", "none", FALSE},
  {"extra-headers", "h, Authorization=one", TRUE},
  {"extra-headers", "h, Authorization=one", FALSE},
  {"extra-headers", "h, Authorization=two", TRUE},
  {"extra-headers", NULL, TRUE},
  {"extra-headers", NULL, FALSE},
  {"policy", "policy, enter=9", FALSE},
  {"policy", "policy, enter=1", TRUE},
  {"policy", "policy, enter=1", FALSE},
  {"policy", "policy, enter=9", FALSE},
  {"policy", NULL, TRUE},
  {"extra-parameters", "p, a=b", TRUE},
  {"extra-parameters", "p, a=b", FALSE},
  {"extra-parameters", "p, a=c", TRUE},
};

GST_START_TEST (test_notify_of_structures)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  guint i, notified = 0;

  g_signal_connect (sink, "notify", G_CALLBACK (count_notify), &notified);
  for (i = 0; i < G_N_ELEMENTS (structures); i++, notified = 0) {
    GstStructure *set = NULL;

    if (structures[i].set != NULL)
      set = gst_structure_from_string (structures[i].set, NULL);
    g_object_set (sink, structures[i].name, set, NULL);
    fail_unless ((notified == 1) == structures[i].changes, "row %u", i);
    gst_clear_structure (&set);
  }
  gst_object_unref (sink);
}

GST_END_TEST;

/* An empty one is none. */
GST_START_TEST (test_notify_of_strings)
{
  static const gchar *const set[] = { "", NULL, "one", "one", "two", "" };
  static const gboolean changes[] = { FALSE, FALSE, TRUE, FALSE, TRUE, TRUE };
  GstElement *sink = gst_check_setup_element ("identifaisink");
  guint i, notified = 0;

  g_signal_connect (sink, "notify::proxy", G_CALLBACK (count_notify),
      &notified);
  for (i = 0; i < G_N_ELEMENTS (set); i++, notified = 0) {
    g_object_set (sink, "proxy", set[i], NULL);
    fail_unless ((notified == 1) == changes[i], "row %u", i);
  }
  gst_object_unref (sink);
}

GST_END_TEST;

/* Each element has its part of the table. */

static void
ignore_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
}

static void
part_init (gpointer klass, gpointer element)
{
  G_OBJECT_CLASS (klass)->set_property = ignore_property;
  G_OBJECT_CLASS (klass)->get_property =
      (void (*)(GObject *, guint, GValue *, GParamSpec *)) ignore_property;
  gst_identifai_properties_install (klass, GPOINTER_TO_UINT (element));
}

static GObjectClass *
make_part (GstIdentifaiElements element)
{
  GTypeInfo info = {.class_size = sizeof (GObjectClass),.class_init =
        part_init,.class_data = GUINT_TO_POINTER ((guint) element),
    .instance_size = sizeof (GObject)
  };
  gchar *name = g_strdup_printf ("Part%u", element);
  GType type = g_type_register_static (G_TYPE_OBJECT, name, &info, 0);

  g_free (name);

  return g_type_class_ref (type);
}

GST_START_TEST (test_part)
{
  GstIdentifaiElements element = 1 << __i__;
  GObjectClass *klass = make_part (element);
  guint id, n = 0, n_installed;

  g_free (g_object_class_list_properties (klass, &n_installed));
  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    const GstIdentifaiProperty *row = gst_identifai_property_get (id);

    fail_unless (row->name != NULL && row->elements != 0, "row %u", id);
    if (!(row->elements & element))
      continue;
    n++;
    fail_unless (g_object_class_find_property (klass, row->name), "%s",
        row->name);
  }
  fail_unless_equals_int (n, n_installed);
  fail_unless_equals_int (n > 0, __i__ < 4);
  g_type_class_unref (klass);
}

GST_END_TEST;

/* The environment, and what goes before what. */

static const struct
{
  const gchar *environment, *environment_file;  /* keys */
  const gchar *property, *property_file;
  const gchar *sent;            /* NULL: can't start */
} keys[] = {
  {NULL, NULL, NULL, NULL, NULL},
  {"env", NULL, NULL, NULL, "env"},
  {"", NULL, NULL, NULL, NULL},
  {NULL, "envfile", NULL, NULL, "envfile"},
  {"env", "envfile", NULL, NULL, "env"},
  {"env", "envfile", NULL, "file", "file"},
  {"env", NULL, "prop", NULL, "prop"},
  {NULL, "envfile", "prop", NULL, "prop"},
  {"env", "envfile", "prop", "file", "prop"},
  {"env", NULL, "", NULL, "env"},
};

/* Returns the path for key, or NULL. */
static gchar *
write_key (const gchar * folder, const gchar * name, const gchar * key)
{
  gchar *path, *content;

  if (key == NULL)
    return NULL;
  path = g_build_filename (folder, name, NULL);
  content = g_strconcat (key, "\nnot this\n", NULL);
  fail_unless (g_file_set_contents (path, content, -1, NULL));
  g_free (content);

  return path;
}

static void
set_or_unset (const gchar * variable, const gchar * value)
{
  if (value != NULL)
    g_setenv (variable, value, TRUE);
  else
    g_unsetenv (variable);
}

GST_START_TEST (test_key)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server), *folder = sink_folder_new ();
  gchar *env_file = write_key (folder, "env", keys[__i__].environment_file);
  gchar *file = write_key (folder, "file", keys[__i__].property_file);
  SinkRun *run;

  set_or_unset ("IDENTIFAI_API_KEY", keys[__i__].environment);
  set_or_unset ("IDENTIFAI_API_KEY_FILE", env_file);
  run = sink_run_new (url, SINK_JPEGS);
  g_object_set (sink_run_get_sink (run), "api-key", keys[__i__].property,
      "api-key-file", file, NULL);

  if (keys[__i__].sent == NULL) {
    fail_if (sink_run_start (run));
    fail_unless_equals_int (sink_run_count (run, "error"), 1);
  } else {
    fail_unless (sink_run_start (run));
    sink_run_wait (run, "identifai-failed", 1);
    fail_unless_equals_string (fault_server_get (server, FAULT_POST, 0)->key,
        keys[__i__].sent);
  }
  sink_run_free (run);
  fault_server_free (server);
  sink_folder_free (folder);
  g_free (env_file);
  g_free (file);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_endpoint_from_environment)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server), *set = NULL;
  SinkRun *run;

  g_setenv ("IDENTIFAI_ENDPOINT", url, TRUE);
  run = sink_run_new (NULL, SINK_JPEGS);
  g_object_get (sink_run_get_sink (run), "endpoint", &set, NULL);
  fail_unless_equals_string (set, url);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  fail_unless_equals_int (fault_server_count (server, FAULT_POST), 1);
  sink_run_free (run);

  /* The property goes first. */
  run = sink_run_new ("http://127.0.0.1:9", "identifaisink name=sink");
  g_free (set);
  g_object_get (sink_run_get_sink (run), "endpoint", &set, NULL);
  fail_unless_equals_string (set, "http://127.0.0.1:9");
  sink_run_free (run);
  fault_server_free (server);
  g_free (set);
  g_free (url);
}

GST_END_TEST;

static Suite *
sinkproperties_suite (void)
{
  Suite *suite = suite_create ("sinkproperties");
  TCase *tcase = tcase_create ("properties");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, NULL);
  tcase_add_loop_test (tcase, test_property, 0, G_N_ELEMENTS (properties));
  tcase_add_test (tcase, test_no_others);
  tcase_add_loop_test (tcase, test_enums, 0, G_N_ELEMENTS (enums));
  tcase_add_test (tcase, test_element);
  tcase_add_test (tcase, test_mutable_when_stopped);
  tcase_add_loop_test (tcase, test_mutable_when_running, 0, 2);
  tcase_add_test (tcase, test_set_in_ready);
  tcase_add_test (tcase, test_notify_of_structures);
  tcase_add_test (tcase, test_notify_of_strings);
  tcase_add_loop_test (tcase, test_part, 0, 5);
  tcase_add_loop_test (tcase, test_key, 0, G_N_ELEMENTS (keys));
  tcase_add_test (tcase, test_endpoint_from_environment);

  return suite;
}

GST_CHECK_MAIN (sinkproperties);
