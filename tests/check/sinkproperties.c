/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of identifaisink: that each is there as documented, what may
 * change when, and what is made of those that are more than a number.
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

static guint n_warnings;        /* of the plugin's own, since the last look */

static void
count_warning (const gchar * domain, GLogLevelFlags level,
    const gchar * message, gpointer user_data)
{
  n_warnings++;
}

static guint
take_warnings (void)
{
  guint count = n_warnings;

  n_warnings = 0;

  return count;
}

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
  g_log_set_handler ("identifai", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL,
      count_warning, NULL);
  n_warnings = 0;
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
  /* and stats and pending */
  fail_unless_equals_int (own, G_N_ELEMENTS (properties) + 2);
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

#define JPEGS "videotestsrc num-buffers=2 ! jpegenc ! avimux ! " \
    "identifaisink name=sink"

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
    fail_unless (take_warnings () == (allowed ? 0 : 1), "%s", spec->name);
    g_object_set_property (G_OBJECT (sink), spec->name, &value);
    fail_unless_equals_int (notified, allowed && readable);
    take_warnings ();
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
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", JPEGS);
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
  fail_unless_equals_int (take_warnings (), 0);
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
  run = sink_run_new (url, JPEGS);
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
  run = sink_run_new (NULL, JPEGS);
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

/* policy, rate-limits, ref-id. */

/* A policy that makes no sense leaves the one before. */
GST_START_TEST (test_policy)
{
  GstElement *sink =
      gst_parse_launch ("identifaisink policy=\"policy,enter=1\"",
      NULL);
  GstStructure *wrong = gst_structure_from_string ("policy,enter=9", NULL);
  GstStructure *got = NULL;
  gint enter;

  g_object_set (sink, "policy", wrong, NULL);
  fail_unless_equals_int (take_warnings (), 1);
  g_object_get (sink, "policy", &got, NULL);
  fail_unless (gst_structure_get_int (got, "enter", &enter) && enter == 1);
  gst_structure_free (got);
  g_object_set (sink, "policy", NULL, NULL);
  g_object_get (sink, "policy", &got, NULL);
  fail_unless (got == NULL);
  fail_unless_equals_int (take_warnings (), 0);
  gst_structure_free (wrong);
  gst_object_unref (sink);
}

GST_END_TEST;

/* What is written on a command line to have none: NULL itself can't be. */
GST_START_TEST (test_no_policy)
{
  static const struct
  {
    const gchar *element, *set;
    gboolean has_policy;
    guint warnings;
  } rows[] = {
    {"identifaisink", "none", FALSE, 0},
    {"identifaisink", "NULL", FALSE, 0},
    {"identifaisink", "policy", TRUE, 0},
    {"identifaisink", "off", TRUE, 1},
    {"identifaisink", "none,enter=1", TRUE, 0},
    {"identifaigate", "none", FALSE, 0},
    {"identifaigate", "NULL", FALSE, 0},
    {"identifaigate", "false", TRUE, 1},
  };
  GstElement *element = gst_element_factory_make (rows[__i__].element, NULL);
  GstStructure *got = NULL;

  gst_util_set_object_arg (G_OBJECT (element), "policy", "policy,enter=1");
  gst_util_set_object_arg (G_OBJECT (element), "policy", rows[__i__].set);
  g_object_get (element, "policy", &got, NULL);
  fail_unless_equals_int (got != NULL, rows[__i__].has_policy);
  fail_unless_equals_int (take_warnings (), rows[__i__].warnings);
  g_clear_pointer (&got, gst_structure_free);
  gst_object_unref (element);
}

GST_END_TEST;

static const struct
{
  const gchar *set;
  guint expected[4];            /* posts a second, a minute, GETs */
  guint warnings;
} limits[] = {
  {"limits", {1, 30, 2, 60}},
  {"limits, post-per-second=(uint)0", {0, 30, 2, 60}},
  {"limits, get-per-minute=5", {1, 30, 2, 5}},
  {"anything, get-per-second=(guint64)7, post-per-minute=(int)9", {1, 9, 7,
          60}},
  {"limits, unknown=3", {1, 30, 2, 60}, 1},
  {"none", {0, 0, 0, 0}},
  {"none, get-per-minute=5", {0, 0, 0, 5}},
  {"off", {1, 30, 2, 60}, 1},
  {"limits, post-per-second=-1", {1, 30, 2, 60}, 1},
  {"limits, post-per-second=many, get-per-second=4", {1, 30, 4, 60}, 1},
  {"limits, get-per-minute=(guint64)4294967296", {1, 30, 2, 60}, 1},
};

static const gchar *const limit_names[] = { "post-per-second",
  "post-per-minute", "get-per-second", "get-per-minute"
};

GST_START_TEST (test_rate_limits)
{
  GstElement *sink = gst_check_setup_element ("identifaisink");
  GstStructure *set = gst_structure_from_string (limits[__i__].set, NULL);
  GstStructure *got = NULL;
  guint i, value;

  fail_unless (set != NULL);
  g_object_set (sink, "rate-limits", set, NULL);
  fail_unless_equals_int (take_warnings (), limits[__i__].warnings);
  g_object_get (sink, "rate-limits", &got, NULL);
  fail_unless (gst_structure_has_name (got, "limits"));
  fail_unless_equals_int (gst_structure_n_fields (got), 4);
  for (i = 0; i < G_N_ELEMENTS (limit_names); i++) {
    fail_unless (gst_structure_get_uint (got, limit_names[i], &value));
    fail_unless_equals_int (value, limits[__i__].expected[i]);
  }
  gst_structure_free (got);
  gst_structure_free (set);
  gst_object_unref (sink);
}

GST_END_TEST;

/* As gst-launch-1.0 and gst_parse_launch() read it. */
GST_START_TEST (test_rate_limits_none)
{
  GstElement *sink = gst_parse_launch ("identifaisink rate-limits=none", NULL);
  GstStructure *got = NULL;
  guint i, value;

  g_object_get (sink, "rate-limits", &got, NULL);
  for (i = 0; i < G_N_ELEMENTS (limit_names); i++) {
    fail_unless (gst_structure_get_uint (got, limit_names[i], &value));
    fail_unless_equals_int (value, 0);
  }
  fail_unless_equals_int (take_warnings (), 0);
  gst_structure_free (got);
  gst_object_unref (sink);
}

GST_END_TEST;

/* extra-headers. */

static const struct
{
  const gchar *set;             /* NULL: a line break, which has no spelling */
  const gchar *sent[3];         /* lines of the request */
  guint warnings;
  gboolean keyless;             /* starts without a key, too */
} header_rows[] = {
  {"h, X-Camera=(string)seven", {"X-Camera: seven"}},
  {"h, X-Camera=7", {"X-Camera: 7"}},
  {"h, X-Flag=true", {"X-Flag: TRUE"}},
  {"h, X-Many=(string)< one, two >", {"X-Many: one", "X-Many: two"}},
  {"h, X-Many=(string){ one, two }", {"X-Many: one", "X-Many: two"}},
  {"h, Authorization=\"Bearer 5ecret-token\"", {"Authorization: Bearer "
              "5ecret-token"}, 0, TRUE},
  {"h, Cookie=\"a=b; c=d\"", {"Cookie: a=b; c=d"}, 0, TRUE},
  {"h, x-gateway-token=abc", {"x-gateway-token: abc"}, 0, TRUE},
  {"h, Ocp-Apim-Subscription-Key=abc", {"Ocp-Apim-Subscription-Key: abc"}, 0,
      TRUE},
  {"h, Authorization=(string)\"\"", {"Authorization: "}},
  {"h, X-Api-Key=other, X-Good=fine", {"X-Good: fine"}, 1},
  {"h, x-api-key=other", {NULL}, 1},
  {"h, Accept=text/html", {NULL}, 1},
  {"h, accept-encoding=gzip", {NULL}, 1},
  {"h, Content-Type=text/plain", {NULL}, 1},
  {"h, Content-Length=1", {NULL}, 1},
  {"h, Host=elsewhere", {NULL}, 1},
  {"h, User-Agent=other", {NULL}, 1},
  {"h, Expect=100-continue", {NULL}, 1},
  {"h, Transfer-Encoding=chunked", {NULL}, 1},
  {"h, Connection=close, Keep-Alive=1, TE=trailers, Upgrade=h2c, Trailer=x",
      {NULL}, 5},
  {"h, Proxy-Authorization=\"Basic eA==\"", {NULL}, 1},
  {"h, a/b=c, a:b=c", {NULL}, 2},
  {"h, X-Hidden=(string)\"***\", X-Good=fine", {"X-Good: fine"}, 1},
  {NULL, {"X-Good: fine"}, 3},
  {"h", {NULL}},
};

static GstStructure *
make_headers (guint row)
{
  if (header_rows[row].set != NULL)
    return gst_structure_from_string (header_rows[row].set, NULL);

  return gst_structure_new ("h", "X-One", G_TYPE_STRING, "a\r\nX-Evil: yes",
      "X-Two", G_TYPE_STRING, "a\nb", "X-Three", G_TYPE_STRING, "a\001b",
      "X-Good", G_TYPE_STRING, " fine ", NULL);
}

static void
check_headers_sent (FaultServer * server, FaultCall call, guint row)
{
  const gchar *sent = fault_server_get (server, call, 0)->headers;
  guint i;

  for (i = 0; i < 3 && header_rows[row].sent[i] != NULL; i++) {
    gchar *line = g_strdup_printf ("\r\n%s\r\n", header_rows[row].sent[i]);

    fail_unless (strstr (sent, line) != NULL, "no %s in %s", line, sent);
    g_free (line);
  }
  fail_unless (strstr (sent, "Evil") == NULL);
  fail_unless (strstr (sent, "other") == NULL && strstr (sent, "***") == NULL);
}

GST_START_TEST (test_extra_headers)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  GstStructure *headers = make_headers (__i__);
  SinkRun *run = sink_run_new (url, JPEGS);

  fail_unless (headers != NULL);
  g_object_set (sink_run_get_sink (run), "extra-headers", headers, NULL);
  fail_unless_equals_int (take_warnings (), header_rows[__i__].warnings);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  check_headers_sent (server, FAULT_POST, __i__);
  fail_unless_equals_string (fault_server_get (server, FAULT_POST, 0)->key,
      SINK_KEY);
  sink_run_free (run);
  gst_structure_free (headers);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_extra_headers_without_key)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  GstStructure *headers = make_headers (__i__);
  SinkRun *run = sink_run_new (url, JPEGS);

  g_object_set (sink_run_get_sink (run), "extra-headers", headers, "api-key",
      "", NULL);
  if (header_rows[__i__].keyless) {
    fail_unless (sink_run_start (run));
    sink_run_wait (run, "identifai-failed", 1);
    fail_unless (fault_server_get (server, FAULT_POST, 0)->key == NULL);
    check_headers_sent (server, FAULT_POST, __i__);
  } else {
    fail_if (sink_run_start (run));
    fail_unless_equals_int (sink_run_count (run, "error"), 1);
  }
  sink_run_free (run);
  gst_structure_free (headers);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

/* The names are, the values aren't. */
GST_START_TEST (test_extra_headers_hidden)
{
  GstElement *sink = gst_parse_launch ("identifaisink extra-headers=\"h, "
      "Authorization=(string)5ecret-token, X-Camera=(string)5ecret-seven\"",
      NULL);
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstStructure *got = NULL;
  gchar *dump;

  g_object_get (sink, "extra-headers", &got, NULL);
  fail_unless_equals_string (gst_structure_get_string (got, "Authorization"),
      "***");
  fail_unless_equals_string (gst_structure_get_string (got, "X-Camera"), "***");
  gst_structure_free (got);

  gst_bin_add (GST_BIN (pipeline), sink);
  dump = gst_debug_bin_to_dot_data (GST_BIN (pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);
  fail_unless (strstr (dump, "extra-headers") != NULL);
  fail_unless (strstr (dump, "5ecret") == NULL);
  g_free (dump);

  g_object_set (sink, "extra-headers", NULL, NULL);
  g_object_get (sink, "extra-headers", &got, NULL);
  fail_unless (got == NULL);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/*** proxy: its password is hidden ***/

static const struct
{
  const gchar *set, *read;
} proxies[] = {
  {"http://proxy.example:3128", "http://proxy.example:3128"},
  {"proxy.example:3128", "proxy.example:3128"},
  {"http://user:5ecret@proxy.example:3128",
      "http://user:***@proxy.example:3128"},
  {"user:5ecret@proxy.example:3128", "user:***@proxy.example:3128"},
  {"socks5://user:5ecret@proxy.example", "socks5://user:***@proxy.example"},
  {"http://user:5ecret:5ecret@[::1]:1", "http://user:***@[::1]:1"},
  {"http://user:%355ecret@a/", "http://user:***@a/"},
  /* names that are tokens */
  {"http://5ecret@proxy.example", "http://***@proxy.example"},
  {"http://5ecret:@proxy.example", "http://***@proxy.example"},
  {"http://:5ecret@proxy.example", "http://:***@proxy.example"},
  /* what is no URL, or has more in it than it seems */
  {"http://user:5ecret#5ecret@a:1", "http://user:***@a:1"},
  {"http://user:5ecret/5ecret?@a:1", "http://user:***@a:1"},
  {"http://user:5ecret@5ecret@a:1", "http://user:***@a:1"},
  {"user:5ecret://5ecret@a:1", "user:***@a:1"},
  {"@a", "***@a"},
};

static void
check_proxy_read (GstElement * sink, const gchar * expected)
{
  gchar *text = NULL;

  g_object_get (sink, "proxy", &text, NULL);
  fail_unless_equals_string (text, expected);
  g_free (text);
}

GST_START_TEST (test_proxy_hidden)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *sink = gst_element_factory_make ("identifaisink", NULL);
  guint notified = 0;
  gchar *dump;

  gst_bin_add (GST_BIN (pipeline), sink);
  g_object_set (sink, "proxy", proxies[__i__].set, NULL);
  check_proxy_read (sink, proxies[__i__].read);
  dump = gst_debug_bin_to_dot_data (GST_BIN (pipeline),
      GST_DEBUG_GRAPH_SHOW_ALL);
  fail_unless (strstr (dump, "proxy=") != NULL);
  fail_unless (strstr (dump, "5ecret") == NULL);
  g_free (dump);

  /* what was read isn't a change; its password in another URL isn't known */
  g_signal_connect (sink, "notify", G_CALLBACK (count_notify), &notified);
  g_object_set (sink, "proxy", proxies[__i__].read, NULL);
  fail_unless_equals_int (take_warnings (), 0);
  g_object_set (sink, "proxy", "http://other:***@elsewhere", NULL);
  fail_unless_equals_int (take_warnings (), 1);
  g_object_set (sink, "proxy", "***@elsewhere", NULL);
  fail_unless_equals_int (take_warnings (), 1);
  check_proxy_read (sink, proxies[__i__].read);
  fail_unless_equals_int (notified, 0);

  g_object_set (sink, "proxy", "http://user:%2A%2A%2A@a", NULL);
  check_proxy_read (sink, "http://user:***@a");
  g_object_set (sink, "proxy", NULL, NULL);
  check_proxy_read (sink, NULL);
  fail_unless_equals_int (take_warnings (), 0);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* The password itself is what is kept. */
GST_START_TEST (test_proxy_set_as_read)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server), *read = NULL, *proxy;
  SinkRun *run = sink_run_new ("http://service.example", JPEGS);
  GstElement *sink = sink_run_get_sink (run);

  proxy = g_strconcat ("http://user:5ecret@", url + strlen ("http://"), NULL);
  g_object_set (sink, "proxy", proxy, "allow-plain-http", TRUE, NULL);
  g_object_get (sink, "proxy", &read, NULL);
  g_object_set (sink, "proxy", read, NULL);
  fail_unless (sink_run_start (run));
  sink_run_wait (run, "identifai-failed", 1);
  fail_unless (strstr (fault_server_get (server, FAULT_POST, 0)->headers,
          "\r\nProxy-Authorization: Basic dXNlcjo1ZWNyZXQ=\r\n") != NULL);
  sink_run_free (run);
  fault_server_free (server);
  g_free (proxy);
  g_free (read);
  g_free (url);
}

GST_END_TEST;

/* Another element has no password to keep: nothing goes out, past the proxy or
 * with asterisks. */
GST_START_TEST (test_proxy_of_another)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", JPEGS);
  GError *error = NULL;

  g_object_set (sink_run_get_sink (run), "proxy", "http://user:***@127.0.0.1:9",
      NULL);
  fail_unless_equals_int (take_warnings (), 1);
  fail_if (sink_run_start (run));
  gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
  fail_unless (strstr (error->message, "hidden") != NULL, "%s", error->message);
  g_error_free (error);
  sink_run_free (run);
}

GST_END_TEST;

/* Segment 0 and 1; NULL: not valid, the element can't start. */
static const struct
{
  const gchar *set;
  const gchar *first, *second;
} ref_ids[] = {
  {"plain", "plain", "plain"},
  {"cam7-%05u", "cam7-00000", "cam7-00001"},
  {"%u", "0", "1"},
  {"%d|%%", "0|%", "1|%"},
  {"%3u.", "  0.", "  1."},
  {"%020u", "00000000000000000000", "00000000000000000001"},
  {"100%%", "100%", "100%"},
  {"%%u", "%u", "%u"},
  {"\303\251 %i", "\303\251 0", "\303\251 1"},
  {"%s", NULL},
  {"%n", NULL},
  {"%", NULL},
  {"%5", NULL},
  {"%u-%u", NULL},
  {"%99u", NULL},
  {"%99999999999999999999u", NULL},
  {"%lu", NULL},
  {"%*u", NULL},
  {"%-5u", NULL},
  {"%1$u", NULL},
  {"%c", NULL},
  {"%x", NULL},
  {"bad \377 %u", NULL},
};

GST_START_TEST (test_ref_id)
{
  FaultServer *server = fault_server_new (rejecting, 1);
  gchar *url = fault_server_get_url (server);
  SinkRun *run = sink_run_new (url, JPEGS);

  g_object_set (sink_run_get_sink (run), "ref-id", ref_ids[__i__].set, NULL);
  if (ref_ids[__i__].first == NULL) {
    fail_if (sink_run_start (run));
    fail_unless_equals_int (sink_run_count (run, "error"), 1);
  } else {
    const GstStructure *message;

    fail_unless (sink_run_start (run));
    sink_run_wait (run, "identifai-failed", 1);
    message = sink_run_get_structure (run, "identifai-failed", 0);
    fail_unless_equals_string (gst_structure_get_string (message, "ref-id"),
        ref_ids[__i__].first);
  }
  sink_run_free (run);
  fault_server_free (server);
  g_free (url);
}

GST_END_TEST;

GST_START_TEST (test_ref_id_format)
{
  const gchar *set = ref_ids[__i__].set;
  gchar *text;

  if (ref_ids[__i__].first == NULL)
    return;
  text = gst_identifai_ref_id_format (set, 1);
  fail_unless_equals_string (text, ref_ids[__i__].second);
  g_free (text);
}

GST_END_TEST;

/* While playing, one that is not valid is not taken. */
GST_START_TEST (test_ref_id_playing)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9",
      "appsrc ! identifaisink name=sink");
  gchar *value = NULL;

  g_object_set (sink_run_get_sink (run), "ref-id", "good-%u", NULL);
  fail_unless (sink_run_start (run));
  g_object_set (sink_run_get_sink (run), "ref-id", "%s", NULL);
  fail_unless_equals_int (take_warnings (), 1);
  g_object_get (sink_run_get_sink (run), "ref-id", &value, NULL);
  fail_unless_equals_string (value, "good-%u");
  g_free (value);
  g_object_set (sink_run_get_sink (run), "ref-id", NULL, NULL);
  g_object_get (sink_run_get_sink (run), "ref-id", &value, NULL);
  fail_unless (value == NULL);
  fail_unless_equals_int (take_warnings (), 0);
  sink_run_free (run);
}

GST_END_TEST;

/* No field comes twice, however the service's framework spells it. */
static const struct
{
  const gchar *properties;
  const gchar *text;            /* of the error; NULL: fine */
} doubled[] = {
  {"ref-id=a extra-parameters=p,ref_id=b", "ref_id"},
  {"ref-id=a extra-parameters=p,ref.id=b", "ref.id"},
  {"webhook-url=http://a extra-parameters=p,webhook_url=b", "webhook_url"},
  {"frames=5 extra-parameters=p,frames=10", "frames"},
  {"key-frames=true extra-parameters=p,key_frames_method=flow",
      "key_frames_method"},
  {"with-nsfw=true extra-parameters=p,with_nsfw=false", "with_nsfw"},
  {"extra-parameters=p,video=b", "video"},
  {"extra-parameters=p,frames=15", NULL},
  {"extra-parameters=p,Video=b,ref_id=c", NULL},
};

GST_START_TEST (test_doubled_fields)
{
  gchar *line = g_strconcat ("appsrc ! identifaisink name=sink ",
      doubled[__i__].properties, NULL);
  SinkRun *run = sink_run_new ("http://127.0.0.1:9", line);
  GError *error = NULL;

  if (doubled[__i__].text == NULL) {
    fail_unless (sink_run_start (run), "%s", line);
  } else {
    fail_if (sink_run_start (run), "%s", line);
    gst_message_parse_error (sink_run_get (run, "error", 0), &error, NULL);
    fail_unless (strstr (error->message, doubled[__i__].text)
        && strstr (error->message, "already"), "%s", error->message);
    g_error_free (error);
  }
  sink_run_free (run);
  g_free (line);
}

GST_END_TEST;

/* While playing, whichever of the two comes later isn't set. */
GST_START_TEST (test_doubled_while_playing)
{
  SinkRun *run = sink_run_new ("http://127.0.0.1:9",
      "appsrc ! identifaisink name=sink extra-parameters=p,with_nsfw=false");
  GstElement *sink = sink_run_get_sink (run);
  GstStructure *extra = gst_structure_from_string ("p,with_audio=1", NULL);
  gboolean nsfw = TRUE;

  fail_unless (sink_run_start (run));
  g_object_set (sink, "with-nsfw", TRUE, NULL);
  fail_unless_equals_int (take_warnings (), 1);
  g_object_get (sink, "with-nsfw", &nsfw, NULL);
  fail_if (nsfw);
  g_object_set (sink, "with-audio", TRUE, NULL);
  fail_unless_equals_int (take_warnings (), 0);
  g_object_set (sink, "extra-parameters", extra, NULL);
  fail_unless_equals_int (take_warnings (), 1);
  g_object_set (sink, "with-audio", FALSE, "extra-parameters", extra, NULL);
  fail_unless_equals_int (take_warnings (), 0);
  gst_structure_free (extra);
  sink_run_free (run);
}

GST_END_TEST;

/* What is too long, at start and while playing; and a name that only an
 * application can set. */
GST_START_TEST (test_long_fields)
{
  gchar *long_text = g_strnfill (64 * 1024, 'x');
  GstStructure *extra[] = {
    gst_structure_new ("p", "more", G_TYPE_STRING, long_text, NULL),
    gst_structure_new ("p", "video[]", G_TYPE_STRING, "x", NULL),
    gst_structure_new ("p", "more", G_TYPE_STRING, "x", NULL),
  };
  SinkRun *run;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (extra); i++) {
    run = sink_run_new ("http://127.0.0.1:9",
        "appsrc ! identifaisink name=sink");
    g_object_set (sink_run_get_sink (run), "extra-parameters", extra[i], NULL);
    fail_unless_equals_int (sink_run_start (run), i == 2);
    fail_unless_equals_int (sink_run_count (run, "error"), i < 2);
    sink_run_stop (run);

    g_object_set (sink_run_get_sink (run), "extra-parameters", NULL, NULL);
    fail_unless (sink_run_start (run));
    g_object_set (sink_run_get_sink (run), "extra-parameters", extra[i], NULL);
    fail_unless_equals_int (take_warnings (), i < 2);
    gst_structure_free (extra[i]);
    long_text[1001] = '\0';
    g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
    fail_unless_equals_int (take_warnings (), 1);
    sink_run_free (run);
  }

  run = sink_run_new ("http://127.0.0.1:9", "appsrc ! identifaisink name=sink");
  g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
  fail_if (sink_run_start (run));
  long_text[1000] = '\0';
  sink_run_stop (run);
  g_object_set (sink_run_get_sink (run), "ref-id", long_text, NULL);
  fail_unless (sink_run_start (run));
  sink_run_free (run);
  g_free (long_text);
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
  tcase_add_loop_test (tcase, test_rate_limits, 0, G_N_ELEMENTS (limits));
  tcase_add_test (tcase, test_rate_limits_none);
  tcase_add_test (tcase, test_policy);
  tcase_add_loop_test (tcase, test_no_policy, 0, 8);
  tcase_add_loop_test (tcase, test_extra_headers, 0,
      G_N_ELEMENTS (header_rows));
  tcase_add_loop_test (tcase, test_extra_headers_without_key, 0,
      G_N_ELEMENTS (header_rows));
  tcase_add_test (tcase, test_extra_headers_hidden);
  tcase_add_loop_test (tcase, test_proxy_hidden, 0, G_N_ELEMENTS (proxies));
  tcase_add_test (tcase, test_proxy_set_as_read);
  tcase_add_test (tcase, test_proxy_of_another);
  tcase_add_loop_test (tcase, test_ref_id, 0, G_N_ELEMENTS (ref_ids));
  tcase_add_loop_test (tcase, test_ref_id_format, 0, G_N_ELEMENTS (ref_ids));
  tcase_add_test (tcase, test_ref_id_playing);
  tcase_add_loop_test (tcase, test_doubled_fields, 0, G_N_ELEMENTS (doubled));
  tcase_add_test (tcase, test_doubled_while_playing);
  tcase_add_test (tcase, test_long_fields);

  return suite;
}

GST_CHECK_MAIN (sinkproperties);
