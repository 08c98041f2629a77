/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator and images and speech: which files it takes, the shape of its
 * results, where they are found, heat maps.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"
#define IMAGE "/api/classification"
#define AUDIO "/api/classification_audio"

#define COLOR(argb) "videotestsrc num-buffers=1 pattern=solid-color " \
    "foreground-color=0x" argb " ! video/x-raw,width=64,height=48 ! " \
    "videoconvert ! "
#define MAGENTA COLOR ("ffff00ff")
#define GREY COLOR ("ff808080")
/* That many tenths of a second. */
#define TONE(n) "audiotestsrc freq=1000 samplesperbuffer=4410 num-buffers=" n \
    " ! audio/x-raw,rate=44100,channels=1 ! audioconvert ! "
#define PNG MAGENTA "pngenc"
#define WAV TONE ("40") "wavenc"
#define CLIP MAGENTA "jpegenc ! qtmux"

/* One pixel, magenta: there is no encoder of GStreamer's for it. */
static const guint8 gif[] = "GIF89a\1\0\1\0\x80\0\0\xff\0\xff\0\0\0"
    "\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b";

static GBytes *
make_file (const gchar * pipeline)
{
  if (g_str_equal (pipeline, "gif"))
    return g_bytes_new_static (gif, sizeof gif - 1);
  return make_clip (pipeline);
}

/* By content, and not by what the part or the name says. */

#define UNSUPPORTED "{\"error\":\"The uploaded file format is not supported.\"}"
#define SHORT "{\"error\":\"The uploaded audio is too short: at least 3 " \
    "seconds are needed.\"}"

static const struct
{
  const gchar *path, *part, *type;
  const gchar *file;
  const gchar *refusal;         /* NULL: taken, and artificial */
} type_rows[] = {
  {IMAGE, "image", "image/png", PNG},
  {IMAGE, "image", "image/jpeg", MAGENTA "jpegenc"},
  {IMAGE, "image", "image/webp", MAGENTA "webpenc"},
  {IMAGE, "image", "image/tiff", MAGENTA "avenc_tiff"},
  {IMAGE, "image", "image/gif", "gif"},
  {IMAGE, "image", "image/png", "gif"},
  {IMAGE, "image", "application/octet-stream", PNG},
  {IMAGE, "image", "Image/PNG; x=y", PNG},
  {IMAGE, "image", "video/mp4", PNG, UNSUPPORTED},
  {IMAGE, "image", "text/plain", PNG, UNSUPPORTED},
  {IMAGE, "image", "image/bmp", MAGENTA "avenc_bmp", UNSUPPORTED},
  {IMAGE, "image", "image/png", CLIP, UNSUPPORTED},
  {IMAGE, "image", "image/png", WAV, UNSUPPORTED},
  {VIDEO, "video", "video/mp4", PNG, UNSUPPORTED},
  {AUDIO, "audio", "audio/wav", WAV},
  {AUDIO, "audio", "audio/mpeg", TONE ("40") "lamemp3enc"},
  {AUDIO, "audio", "audio/mpeg", TONE ("40") "lamemp3enc ! id3v2mux"},
  {AUDIO, "audio", "audio/flac", TONE ("40") "flacenc"},
  {AUDIO, "audio", "audio/ogg", TONE ("40") "vorbisenc ! oggmux"},
  {AUDIO, "audio", "audio/ogg", TONE ("40") "audioresample ! opusenc ! oggmux"},
  {AUDIO, "audio", "audio/aac", TONE ("40") "avenc_aac ! aacparse ! "
        "audio/mpeg,stream-format=adts"},
  {AUDIO, "audio", "audio/3gp", TONE ("40") "avenc_aac ! aacparse ! 3gppmux"},
  {AUDIO, "audio", "audio/m4a", TONE ("40") "avenc_aac ! aacparse ! mp4mux"},
  {AUDIO, "audio", "video/mp4", TONE ("40") "avenc_aac ! aacparse ! mp4mux"},
  {AUDIO, "audio", "video/quicktime", TONE ("40") "avenc_aac ! aacparse ! "
        "mp4mux", UNSUPPORTED},
  {AUDIO, "audio", "audio/m4a", TONE ("40") "qtmux", UNSUPPORTED},
  {AUDIO, "audio", "audio/ogg", TONE ("40") "vorbisenc ! webmmux", UNSUPPORTED},
  {AUDIO, "audio", "audio/wav", PNG, UNSUPPORTED},
  {AUDIO, "audio", "application/octet-stream", TONE ("30") "wavenc"},
  {AUDIO, "audio", "audio/flac", TONE ("30") "flacenc"},
  {AUDIO, "audio", "audio/wav", TONE ("29") "wavenc", SHORT},
  {AUDIO, "audio", "audio/mpeg", TONE ("10") "lamemp3enc", SHORT},
};

/* What needs an element that this GStreamer doesn't have. */
static gboolean
is_makeable (const gchar * pipeline)
{
  gchar **words = g_strsplit_set (pipeline, " !", -1);
  gboolean makeable = TRUE;
  guint i;

  for (i = 0; words[i] != NULL && makeable; i++) {
    GstElementFactory *factory = NULL;

    if (strstr (words[i], "enc") == NULL && strstr (words[i], "mux") == NULL)
      continue;
    factory = gst_element_factory_find (words[i]);
    makeable = factory != NULL;
    g_clear_object (&factory);
  }
  g_strfreev (words);
  if (!makeable)
    g_printerr ("not tested: %s\n", pipeline);
  return makeable;
}

static void
check_type (Emulator * emulator, guint row)
{
  const gchar *refusal = type_rows[row].refusal;
  GBytes *file = make_file (type_rows[row].file);
  GBytes *form = make_form ("a=b", type_rows[row].part, "file.bin",
      type_rows[row].type, file);
  Answer answer;

  emulator_ask (emulator, "POST", type_rows[row].path, "k", NULL, FORM_TYPE,
      form, &answer);
  if (refusal != NULL) {
    fail_unless_equals_int (answer.status, 400);
    fail_unless_equals_string (answer.body, refusal);
  } else {
    JsonNode *result = emulator_wait (emulator, type_rows[row].path,
        answer.body);
    JsonObject *object = json_node_get_object (result);

    fail_unless (!json_object_get_null_member (object, "verdict"), "%s",
        json_object_get_string_member (object, "errors"));
    fail_unless_equals_string (json_object_get_string_member
        (json_object_get_object_member (object, "verdict"), "classification"),
        "artificial");
    json_node_unref (result);
  }
  answer_clear (&answer);
  g_bytes_unref (form);
  g_bytes_unref (file);
}

GST_START_TEST (test_types)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, type_rows)
      if (is_makeable (type_rows[i].file))
    check_type (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* The documented members: S string, N number, B boolean, O object, A array, 0
 * null. A result that isn't done yet has the same ones. */

static const struct
{
  const gchar *path, *fields, *file;
  const gchar *status;          /* "new" needs its own emulator: it waits */
  const gchar *shape;
} shape_rows[] = {
  {IMAGE, "ref_id=r", PNG, "done", "hash=S identifier=S name=S ref_id=S c2pa=0 "
        "has_heatmap=B verdict=O verdicts=A force_classification=0 results=A "
        "details=A status=S errors=0 api_version=S result_url=S is_nsfw=0"},
  {IMAGE, "a=b", PNG, "new", "hash=S identifier=S name=S ref_id=0 c2pa=0 "
        "has_heatmap=B verdict=0 verdicts=A force_classification=0 results=A "
        "details=A status=S errors=0 is_nsfw=0"},
  {AUDIO, "ref_id=r", WAV, "done", "hash=S identifier=S name=S ref_id=S "
        "verdict=O verdicts=A force_classification=0 results=A details=O "
        "status=S errors=0 api_version=S result_url=S"},
  {AUDIO, "a=b", WAV, "new", "hash=S identifier=S name=S verdict=0 verdicts=A "
        "force_classification=0 results=A details=O status=S errors=0"},
  {VIDEO, "a=b", CLIP, "new", "hash=S identifier=S verdict=0 verdicts=A "
        "results=O status=S is_nsfw=0"},
};

static gchar
letter_of (JsonNode * node)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return '0';
  if (JSON_NODE_HOLDS_OBJECT (node))
    return 'O';
  if (JSON_NODE_HOLDS_ARRAY (node))
    return 'A';
  switch (json_node_get_value_type (node)) {
    case G_TYPE_STRING:
      return 'S';
    case G_TYPE_BOOLEAN:
      return 'B';
    default:
      return 'N';
  }
}

static void
check_members (JsonObject * object, const gchar * shape)
{
  gchar **members = g_strsplit (shape, " ", -1);
  guint i;

  for (i = 0; members[i] != NULL; i++) {
    gchar *equals = strchr (members[i], '=');
    JsonNode *node;

    *equals = '\0';
    node = json_object_get_member (object, members[i]);
    fail_unless (node != NULL, "there is no %s", members[i]);
    fail_unless (letter_of (node) == equals[1], "%s is %c", members[i],
        letter_of (node));
  }
  g_strfreev (members);
}

static void
check_models (JsonArray * results)
{
  guint i;

  for (i = 0; i < json_array_get_length (results); i++) {
    JsonObject *model = json_array_get_object_element (results, i);
    JsonArray *scores = json_object_get_array_member (model, "classification");

    check_members (model, "model=S unknown=B elapsed_time=N classification=A "
        "classification_details=O");
    fail_unless_equals_int (json_array_get_length (scores), 2);
    check_members (json_array_get_object_element (scores, 0),
        "label=S score=N");
  }
}

static void
check_clips (JsonObject * result)
{
  JsonArray *clips = json_object_get_array_member
      (json_object_get_object_member (result, "details"), "clips");
  guint i;

  fail_unless_equals_int (json_array_get_length (clips), 2);
  for (i = 0; i < json_array_get_length (clips); i++) {
    JsonObject *clip = json_array_get_object_element (clips, i);

    check_members (clip, "index=N start=N end=N results=A verdict=O");
    fail_unless_equals_int (json_object_get_int_member (clip, "index"), i);
    check_models (json_object_get_array_member (clip, "results"));
  }
}

static void
check_shape (guint row)
{
  const gchar *path = shape_rows[row].path;
  GBytes *file = make_file (shape_rows[row].file);
  gchar *hash = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, file);
  gboolean done = g_str_equal (shape_rows[row].status, "done");
  Emulator emulator;
  JsonObject *object;
  gchar *identifier, *url;
  Answer answer;
  JsonNode *node;

  emulator_start (&emulator, done ? "--rate-limits off --delay 0"
      : "--rate-limits off --delay 3600");
  identifier = emulator_submit (&emulator, path, shape_rows[row].fields, file);
  if (done)
    json_node_unref (emulator_wait (&emulator, path, identifier));
  url = g_strdup_printf ("%s/%s", path, identifier);
  emulator_ask (&emulator, "GET", url, "k", NULL, NULL, NULL, &answer);
  node = json_from_string (answer.body, NULL);
  object = json_node_get_object (node);
  check_members (object, shape_rows[row].shape);
  fail_unless_equals_string (json_object_get_string_member (object, "hash"),
      hash);
  fail_unless_equals_string (json_object_get_string_member (object, "status"),
      shape_rows[row].status);
  if (done)
    check_models (json_object_get_array_member (object, "results"));
  if (done && g_str_equal (path, AUDIO))
    check_clips (object);
  json_node_unref (node);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_free (url);
  g_free (identifier);
  g_free (hash);
  g_bytes_unref (file);
}

GST_START_TEST (test_shapes)
{
  guint i;

  FOR_ROWS (i, shape_rows)
      check_shape (i);
}

GST_END_TEST;

/* Where which kind's result is found: only /api/classification/ has them all */

static const struct
{
  const gchar *path;            /* %s = identifier */
  guint found;                  /* 1 = of the video, 2 = image, 4 = speech */
} place_rows[] = {
  {VIDEO "/%s", 1}, {IMAGE "/%s", 7}, {IMAGE "_image/%s", 2}, {AUDIO "/%s", 4},
  {"/api/classifications_video?identifiers[]=%s", 1},
  {"/api/classifications?identifiers[]=%s", 2},
  {"/api/classifications_image?identifiers[]=%s", 2},
  {"/api/classifications_audio?identifiers[]=%s", 4},
};

static void
check_place (Emulator * emulator, guint row, gchar ** identifiers)
{
  guint i;

  for (i = 0; i < 3; i++) {
    gchar **parts = g_strsplit (place_rows[row].path, "%s", -1);
    gchar *path = g_strjoinv (identifiers[i], parts);
    Answer answer;

    emulator_ask (emulator, "GET", path, "k", NULL, NULL, NULL, &answer);
    fail_unless_equals_int (answer.status == 200
        && strstr (answer.body, identifiers[i]) != NULL,
        (place_rows[row].found >> i) & 1);
    answer_clear (&answer);
    g_free (path);
    g_strfreev (parts);
  }
}

GST_START_TEST (test_places)
{
  static const gchar *const paths[] = { VIDEO, IMAGE, AUDIO };
  static const gchar *const files[] = { CLIP, PNG, WAV };
  gchar *identifiers[3];
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 3600");
  for (i = 0; i < 3; i++) {
    GBytes *file = make_file (files[i]);

    identifiers[i] = emulator_submit (&emulator, paths[i], "a=b", file);
    g_bytes_unref (file);
  }
  FOR_ROWS (i, place_rows)
      check_place (&emulator, i, identifiers);
  emulator_stop (&emulator);
  for (i = 0; i < 3; i++)
    g_free (identifiers[i]);
}

GST_END_TEST;

/* Heat maps: red where there is magenta, and only for who asked. */

static const struct
{
  const gchar *fields, *file;
  guint status;
  const gchar *rgb;             /* of its first pixel */
} heatmap_rows[] = {
  {"with_heatmap=true", MAGENTA "pngenc", 200, "255 0 0"},
  {"with_heatmap=1", GREY "pngenc", 200, "0 0 255"},
  {"with_heatmap=true", COLOR ("ff000000") "pngenc", 200, "0 0 255"},
  {"with_heatmap=false", MAGENTA "pngenc", 404},
  {"a=b", GREY "pngenc", 404},
};

/* As any viewer would decode it. */
static gchar *
decode_pixel (GBytes * png)
{
  GstElement *pipeline = gst_parse_launch ("appsrc name=in ! pngdec ! "
      "videoconvert ! video/x-raw,format=RGB,width=64,height=48 ! "
      "appsink name=out", NULL);
  GstElement *in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  GstElement *out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (png);
  GstFlowReturn flow;
  GstSample *sample = NULL;
  guint8 rgb[3];

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (in, "push-buffer", buffer, &flow);
  g_signal_emit_by_name (in, "end-of-stream", &flow);
  g_signal_emit_by_name (out, "pull-sample", &sample);
  fail_unless (sample != NULL);
  fail_unless_equals_int (gst_buffer_extract (gst_sample_get_buffer (sample), 0,
          rgb, 3), 3);
  gst_sample_unref (sample);
  gst_buffer_unref (buffer);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (in);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  return g_strdup_printf ("%u %u %u", rgb[0], rgb[1], rgb[2]);
}

static void
check_heatmap (Emulator * emulator, guint row)
{
  static const gchar *const places[] = { IMAGE, IMAGE "_image" };
  GBytes *file = make_file (heatmap_rows[row].file);
  gchar *identifier = emulator_submit (emulator, IMAGE,
      heatmap_rows[row].fields, file);
  JsonNode *result = emulator_wait (emulator, IMAGE, identifier);
  guint i;

  fail_unless_equals_int (json_object_get_boolean_member (json_node_get_object
          (result), "has_heatmap"), heatmap_rows[row].status == 200);
  for (i = 0; i < G_N_ELEMENTS (places); i++) {
    gchar *path = g_strdup_printf ("%s/heatmap/%s", places[i], identifier);
    Answer answer;

    emulator_ask (emulator, "GET", path, "k", NULL, NULL, NULL, &answer);
    fail_unless_equals_int (answer.status, heatmap_rows[row].status);
    if (answer.status == 200) {
      GBytes *png = g_bytes_new (answer.body, answer.length);
      gchar *pixel = decode_pixel (png);

      fail_unless_equals_string (answer.type, "image/png");
      fail_unless_equals_string (pixel, heatmap_rows[row].rgb);
      g_free (pixel);
      g_bytes_unref (png);
    }
    answer_clear (&answer);
    g_free (path);
  }
  json_node_unref (result);
  g_free (identifier);
  g_bytes_unref (file);
}

GST_START_TEST (test_heatmaps)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, heatmap_rows)
      check_heatmap (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Verdicts on demand: of files whose name ("file") or ref_id is like the pattern.
 * The result is the same all through. */

static const struct
{
  const gchar *arguments;
  const gchar *at_run_time;     /* rules, or NULL */
  const gchar *path, *fields, *file;
  const gchar *outcome;
} rule_rows[] = {
  {"", NULL, IMAGE, "ref_id=cam7", PNG, "artificial"},
  {"--verdict human", NULL, IMAGE, "a=b", PNG, "human"},
  {"--verdict unknown", NULL, IMAGE, "a=b", PNG, "unknown"},
  {"--verdict errored", NULL, IMAGE, "a=b", PNG, "errored"},
  {"--verdict human", NULL, VIDEO, "a=b", CLIP, "human"},
  {"--verdict artificial", NULL, VIDEO, "a=b", GREY "jpegenc ! qtmux",
      "artificial"},
  {"--verdict human", NULL, AUDIO, "a=b", WAV, "human"},
  {"--verdict unknown", NULL, AUDIO, "a=b", WAV, "unknown"},
  {"--rule cam7*=human", NULL, IMAGE, "ref_id=cam7-00001", PNG, "human"},
  {"--rule cam7*=human", NULL, IMAGE, "ref_id=cam8", PNG, "artificial"},
  {"--rule f?le=human", NULL, IMAGE, "ref_id=cam8", PNG, "human"},
  {"--rule a=b=human", NULL, IMAGE, "ref_id=a=b", PNG, "human"},
  {"--rule x=human --rule *=errored", NULL, IMAGE, "ref_id=x", PNG, "human"},
  {"--verdict errored --rule x=human", NULL, IMAGE, "ref_id=x", PNG, "human"},
  {"", "y=errored\n*=human", IMAGE, "ref_id=x", PNG, "human"},
  {"", "y=errored\n*=human", IMAGE, "ref_id=y", PNG, "errored"},
  {"--verdict errored", "cam*=human", IMAGE, "ref_id=cam1", PNG, "human"},
  {"--verdict errored", "cam*=human", IMAGE, "ref_id=x", PNG, "errored"},
  {"", "*=human\nnonsense", IMAGE, "ref_id=y", PNG, "artificial"},
};

static void
check_outcome (JsonNode * node, const gchar * outcome)
{
  JsonObject *result = json_node_get_object (node);
  JsonObject *verdict = json_object_get_object_member (result, "verdict");
  gboolean errored = g_str_equal (outcome, "errored");
  gboolean unknown = g_str_equal (outcome, "unknown");

  fail_unless_equals_string (json_object_get_string_member (result, "status"),
      errored ? "errored" : "done");
  if (errored)
    return;
  fail_unless_equals_int (json_object_get_boolean_member (verdict, "unknown"),
      unknown);
  if (!unknown)
    fail_unless_equals_string (json_object_get_string_member (verdict,
            "classification"), outcome);
}

static void
check_rule (guint row)
{
  gchar *arguments = g_strconcat ("--rate-limits off --delay 0 ",
      rule_rows[row].arguments, NULL);
  GBytes *file = make_file (rule_rows[row].file);
  Emulator emulator;
  gchar *identifier;
  Answer answer;
  JsonNode *node;

  emulator_start (&emulator, arguments);
  if (rule_rows[row].at_run_time != NULL) {
    GBytes *text = make_text (rule_rows[row].at_run_time);

    /* what was said before the rule doesn't count */
    g_free (emulator_submit (&emulator, rule_rows[row].path,
            rule_rows[row].fields, file));
    emulator_ask (&emulator, "POST", "/emulator/rules", NULL, NULL,
        "text/plain", text, &answer);
    answer_clear (&answer);
    g_bytes_unref (text);
  }
  identifier = emulator_submit (&emulator, rule_rows[row].path,
      rule_rows[row].fields, file);
  node = emulator_wait (&emulator, rule_rows[row].path, identifier);
  check_outcome (node, rule_rows[row].outcome);
  json_node_unref (node);
  emulator_stop (&emulator);
  g_free (identifier);
  g_free (arguments);
  g_bytes_unref (file);
}

GST_START_TEST (test_rules)
{
  guint i;

  FOR_ROWS (i, rule_rows)
      check_rule (i);
}

GST_END_TEST;

static Suite *
emulatorkinds_suite (void)
{
  Suite *suite = suite_create ("emulatorkinds");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_types);
  tcase_add_test (tc, test_shapes);
  tcase_add_test (tc, test_places);
  tcase_add_test (tc, test_heatmaps);
  tcase_add_test (tc, test_rules);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorkinds);
