/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Of three streams in one process, one segment of one of them fails: the lines of the
 * log that have its element's name and its number tell why, without any others.
 */

#include "sinkutil.h"

typedef struct
{
  const gchar *message;         /* "identifai-" and this */
  const gchar *reason;
  const gchar *options;         /* of the sinks */
  const gchar *fault;           /* of the emulator; NULL: none */
  /* What the lines say, in this order. */
  const gchar *told[7];
  const gchar *identifier;      /* of the segment; NULL: it has none, or any */
  guint http_status;            /* of what failed; 0: none */
} Row;

#define SUBMIT "submit#5:"
#define STOPPED "stopped"

static const Row rows[] = {
  {"failed", "rejected", "",
        SUBMIT "status=422,body={\"error\":\"It is no video\"}",
        {"a file of ", "POST of segment ", ": 422 in ", "It is no video",
          "failed "}, NULL, 422},
  {"failed", "throttled", "", SUBMIT "status=429",
        {"a file of ", "POST of segment ", ": 429 in ", "not again",
          "failed "}, NULL, 429},
  {"failed", "service-error", "", SUBMIT "status=503",
        {"a file of ", "POST of segment ", ": 503 in ", "not again",
          "failed "}, NULL, 503},
  /* on a connection that was kept, and on a new one */
  {"failed", "network", "", "submit#5+:reset",
        {"a file of ", "POST of segment ", "no answer in ",
          "The connection broke to ", "failed "}},
  {"failed", "timeout", "",
        SUBMIT "status=201,body={\"identifier\":\"nobody\"}",
        {"it is nobody", "nobody is of another form", "(nobody) is asked for",
              "(nobody) isn't found at ", "(nobody) isn't final after ",
            "answers had no word of it (404", "HTTP status 404"}, "nobody",
      404},
  {"failed", "mux", "muxer=faultymux", NULL,
        {"faultymux, 1 tracks",
              "Could not multiplex stream. Its first buffer is odd.",
          "no file after ", "failed ", "no other file is made of it"}},
  {"failed", "too-large", "max-segment-bytes=1000", NULL,
      {"No key frame within 1000 bytes", "as it is too large", "failed "}},
  {"dropped", "overflow", "overflow=drop-oldest max-pending-segments=1 "
        "drain-timeout=300000000", "submit:delay=20",
        /* the oldest one that can be taken back, or itself */
      {" no room", "is dropped "}},
  /* by the application, once a segment is announced */
  {"dropped", STOPPED, "", "submit:delay=20",
      {"goes to the client", "taken back", "is dropped "}},
};

/* mp4mux, but that the third file of the process comes to nothing. */

static GstPad *(*request_pad) (GstElement * element, GstPadTemplate * template,
    const gchar * name, const GstCaps * caps);

static GstPadProbeReturn
refuse (GstPad * pad, GstPadProbeInfo * info, gpointer muxer)
{
  GST_ELEMENT_ERROR (muxer, STREAM, MUX, (NULL), ("Its first buffer is odd."));
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_ERROR;

  return GST_PAD_PROBE_HANDLED;
}

static GstPad *
request_faulty_pad (GstElement * element, GstPadTemplate * template,
    const gchar * name, const GstCaps * caps)
{
  static gint count = 0;        /* atomic */
  GstPad *pad = request_pad (element, template, name, caps);

  if (g_atomic_int_add (&count, 1) == 2)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, refuse, element, NULL);

  return pad;
}

static void
faulty_muxer_class_init (gpointer klass, gpointer unused)
{
  request_pad = GST_ELEMENT_CLASS (klass)->request_new_pad;
  GST_ELEMENT_CLASS (klass)->request_new_pad = request_faulty_pad;
}

static void
register_faulty_muxer (void)
{
  GstElement *real = gst_element_factory_make ("mp4mux", NULL);
  GTypeInfo info = {.class_init = faulty_muxer_class_init };
  GTypeQuery query;

  fail_unless (real != NULL);
  g_type_query (G_OBJECT_TYPE (real), &query);
  gst_object_unref (real);
  info.class_size = query.class_size;
  info.instance_size = query.instance_size;
  fail_unless (gst_element_register (NULL, "faultymux", GST_RANK_NONE,
          g_type_register_static (query.type, "FaultyMux", &info, 0)));
}

/* The log. */

static GMutex lock;
static GPtrArray *lines;        /* "NAME message"; lock */

static void
on_log (GstDebugCategory * category, GstDebugLevel level, const gchar * file,
    const gchar * function, gint line, GObject * object,
    GstDebugMessage * message, gpointer user_data)
{
  const gchar *id = gst_debug_message_get_id (message);

  if (!g_str_has_prefix (gst_debug_category_get_name (category), "identifai"))
    return;
  if (GST_IS_OBJECT (object))
    id = GST_OBJECT_NAME (object);
  g_mutex_lock (&lock);
  g_ptr_array_add (lines, g_strdup_printf ("%s %s", id != NULL ? id : "-",
          gst_debug_message_get (message)));
  g_mutex_unlock (&lock);
}

static void
start_log (void)
{
  lines = g_ptr_array_new_with_free_func (g_free);
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (on_log, NULL, NULL);
  gst_debug_set_threshold_from_string ("identifai*:6", TRUE);
}

/* The lines that have both, as grep finds them. Who polls for several elements names
 * them all, with commas. */
static gchar *
grep (const gchar * element, guint segment)
{
  gchar *pattern = g_strdup_printf ("^\\S*\\b%s\\b.*\\bsegment %u\\b", element,
      segment);
  GString *found = g_string_new (NULL);
  guint i;

  g_mutex_lock (&lock);
  for (i = 0; i < lines->len; i++) {
    const gchar *line = g_ptr_array_index (lines, i);

    if (g_regex_match_simple (pattern, line, 0, 0))
      g_string_append_printf (found, "%s\n", line);
  }
  g_mutex_unlock (&lock);
  g_free (pattern);

  return g_string_free (found, FALSE);
}

static const GstStructure *
find_failed (SinkRun * run, const Row * row, gchar ** element)
{
  guint cam, i;

  for (cam = 1; cam <= 3; cam++) {
    gchar *name = g_strdup_printf ("identifai-%s@cam%u", row->message, cam);

    for (i = 0; i < sink_run_count (run, name); i++) {
      const GstStructure *failed = sink_run_get_structure (run, name, i);

      if (g_strcmp0 (gst_structure_get_string (failed, "reason"),
              row->reason) == 0
          && (row->identifier == NULL
              || g_strcmp0 (gst_structure_get_string (failed, "identifier"),
                  row->identifier) == 0)) {
        *element = g_strdup (strchr (name, '@') + 1);
        g_free (name);
        return failed;
      }
    }
    g_free (name);
  }

  return NULL;
}

static void
check_story (const Row * row, const gchar * story)
{
  const gchar *place = story;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (row->told) && row->told[i] != NULL; i++) {
    place = strstr (place, row->told[i]);
    /* it is longer than what a message may be */
    if (place == NULL)
      g_printerr ("%s\n", story);
    fail_unless (place != NULL, "%s: \"%s\" isn't told", row->reason,
        row->told[i]);
  }
  fail_unless (strstr (story, row->reason) != NULL, "%s", story);
}

static gchar *
describe (const gchar * url, const gchar * options)
{
  GString *text = g_string_new (NULL);
  guint cam;

  for (cam = 1; cam <= 3; cam++)
    g_string_append_printf (text, "videotestsrc num-buffers=15 ! "
        "video/x-raw,width=64,height=48,framerate=5/1 ! x264enc "
        "speed-preset=ultrafast key-int-max=5 ! identifaisink name=cam%u "
        "endpoint=%s api-key=any retries=0 rate-limits=none "
        "segment-duration=1000000000 verdict-timeout=%" G_GUINT64_FORMAT
        " %s ", cam, url, 8 * GST_SECOND, options);

  return g_string_free (text, FALSE);
}

GST_START_TEST (test_failures)
{
  const Row *row = &rows[__i__];
  const gchar *options[] = { "--delay", "0", row->fault ? "--fault" : NULL,
    row->fault, NULL
  };
  SinkEmulator *emulator = sink_emulator_new (options);
  gchar *text = describe (sink_emulator_get_url (emulator), row->options);
  gchar *element = NULL, *story;
  const GstStructure *failed;
  SinkRun *run;
  guint segment = 0, status = 0;

  sink_use_own_plugin ();
  register_faulty_muxer ();
  start_log ();
  run = sink_run_new (NULL, text);
  fail_unless (sink_run_start (run));
  if (g_str_equal (row->reason, STOPPED))
    sink_run_wait (run, "identifai-segment@cam1", 1);
  else
    sink_run_wait_end (run);
  /* sink_run_stop() forgets what was said so far */
  gst_element_set_state (sink_run_get_pipeline (run), GST_STATE_NULL);
  failed = find_failed (run, row, &element);
  fail_unless (failed != NULL, "nothing failed as %s:\n%s", row->reason,
      grep ("\\w+", 0));
  fail_unless (gst_structure_get_uint (failed, "segment", &segment));
  gst_structure_get_uint (failed, "http-status", &status);
  fail_unless (status == row->http_status, "%s: %u", row->reason, status);
  story = grep (element, segment);
  check_story (row, story);
  sink_run_free (run);
  sink_emulator_free (emulator);
  g_free (story);
  g_free (element);
  g_free (text);
}

GST_END_TEST;

static Suite *
failures_suite (void)
{
  Suite *suite = suite_create ("failures");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_failures, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (failures);
