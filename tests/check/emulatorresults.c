/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator's results: of clips whose every frame is known, what each model,
 * heuristic and choice of frames makes of them.
 */

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <string.h>

#include "emulatortool.h"

#define VIDEO "/api/classification_video"
#define IMAGE "/api/classification"
#define AUDIO "/api/classification_audio"

#define WIDTH 320               /* more than the emulator looks at */
#define HEIGHT 240

#define JPEG "jpegenc ! qtmux"
#define EVERYTHING "with_tampering=true&with_morphing=true&with_nsfw=true&" \
    "frames=5"

/* Clips and pictures, a letter a frame */

static const struct
{
  gchar letter;
  guint8 rgb[3];
} colors[] = {
  {'M', {255, 0, 255}}, {'G', {0, 255, 0}}, {'Y', {255, 255, 0}},
  {'C', {0, 255, 255}}, {'B', {0, 0, 255}}, {'R', {255, 0, 0}},
  {'k', {0, 0, 0}}, {'w', {255, 255, 255}}, {'g', {128, 128, 128}},
};

/* A digit is a grey: 1 dark, 7 bright. */
static void
paint (guint8 * rgb, gsize n_pixels, gchar letter)
{
  guint8 color[3];
  gsize i;

  memset (color, 0x20 * (letter - '0'), 3);
  for (i = 0; i < G_N_ELEMENTS (colors); i++) {
    if (colors[i].letter == letter)
      memcpy (color, colors[i].rgb, 3);
  }
  for (i = 0; i < n_pixels; i++)
    memcpy (rgb + 3 * i, color, 3);
}

/* What raw RGB pictures, ten a second, are after these elements. */
static GBytes *
encode (const guint8 * rgb, gsize length, const gchar * elements)
{
  gchar *path, *pipeline;
  GBytes *clip;

  g_close (g_file_open_tmp ("raw-XXXXXX", &path, NULL), NULL);
  fail_unless (g_file_set_contents (path, (const gchar *) rgb, length, NULL));
  pipeline = g_strdup_printf ("filesrc location=%s ! rawvideoparse format=rgb "
      "width=%d height=%d framerate=10/1 ! videoconvert ! %s", path, WIDTH,
      HEIGHT, elements);
  clip = make_clip (pipeline);
  g_unlink (path);
  g_free (pipeline);
  g_free (path);
  return clip;
}

static GBytes *
make_frames (const gchar * letters, const gchar * elements)
{
  gsize n = strlen (letters), size = WIDTH * HEIGHT * 3, i;
  guint8 *rgb = g_malloc (n * size);
  GBytes *clip;

  for (i = 0; i < n; i++)
    paint (rgb + i * size, WIDTH * HEIGHT, letters[i]);
  clip = encode (rgb, n * size, elements);
  g_free (rgb);
  return clip;
}

/* One picture of upright stripes, a letter each. */
static GBytes *
make_stripes (const gchar * letters)
{
  gsize n = strlen (letters), stripe = WIDTH / n, x, y;
  guint8 *rgb = g_malloc0 (WIDTH * HEIGHT * 3);
  GBytes *picture;

  for (y = 0; y < HEIGHT; y++) {
    for (x = 0; x < n; x++)
      paint (rgb + (y * WIDTH + x * stripe) * 3, stripe, letters[x]);
  }
  picture = encode (rgb, WIDTH * HEIGHT * 3, "pngenc");
  g_free (rgb);
  return picture;
}

/* The result of one file. */
static JsonNode *
judge (Emulator * emulator, const gchar * path, const gchar * fields,
    GBytes * file)
{
  gchar *identifier = emulator_submit (emulator, path, fields, file);
  JsonNode *result = emulator_wait (emulator, path, identifier);

  g_free (identifier);
  return result;
}

/* A way down through objects and arrays, "results.images.0.name"; NULL is null,
 * and what isn't there. */
static JsonNode *
find (JsonNode * node, const gchar * path)
{
  gchar **steps = g_strsplit (path, ".", -1);
  guint i;

  for (i = 0; steps[i] != NULL && node != NULL; i++) {
    guint64 index;

    if (JSON_NODE_HOLDS_OBJECT (node)) {
      node = json_object_get_member (json_node_get_object (node), steps[i]);
    } else if (JSON_NODE_HOLDS_ARRAY (node)
        && g_ascii_string_to_unsigned (steps[i], 10, 0, 10000, &index, NULL)) {
      JsonArray *array = json_node_get_array (node);

      node = index < json_array_get_length (array)
          ? json_array_get_element (array, index) : NULL;
    } else {
      node = NULL;
    }
  }
  g_strfreev (steps);
  return node == NULL || JSON_NODE_HOLDS_NULL (node) ? NULL : node;
}

/* "" for null and what isn't there. */
static const gchar *
get_string (JsonNode * node, const gchar * path)
{
  JsonNode *found = find (node, path);

  return found != NULL ? json_node_get_string (found) : "";
}

static gdouble
get_number (JsonNode * node, const gchar * path)
{
  JsonNode *found = find (node, path);

  fail_unless (found != NULL, "there is no %s", path);
  return json_node_get_double (found);
}

static guint
get_length (JsonNode * node, const gchar * path)
{
  JsonNode *found = find (node, path);

  fail_unless (found != NULL && JSON_NODE_HOLDS_ARRAY (found),
      "there is no array %s", path);
  return json_array_get_length (json_node_get_array (found));
}

/* What is found besides, where it was asked for */

static const struct
{
  const gchar *stripes;
  const gchar *fields;
  const gchar *nsfw;            /* "true", "false", "" = null */
  const gchar *tampered, *morphed;      /* class and box; "" = no detection, NULL
                                         * = not looked for */
} finding_rows[] = {
  {"Y", EVERYTHING, "false", "tampered 0-319", ""},
  {"gggggggY", EVERYTHING, "false", "authentic 280-319", ""},
  {"YYgg", EVERYTHING, "false", "tampered 0-159", ""},
  {"C", EVERYTHING, "false", "", "morphed 0-319"},
  {"gCBg", EVERYTHING, "false", "", "morphed 80-239"},
  {"BgBC", EVERYTHING, "false", "", "authentic 0-319"},
  {"R", EVERYTHING, "true", "", ""},
  {"RgggG", EVERYTHING, "false", "", ""},
  {"RRggY", EVERYTHING, "true", "authentic 256-319", ""},
  {"k", EVERYTHING, "", "", ""},
  {"YCRg", "a=b", "", NULL, NULL},
  {"YCRg", "with_tampering=1", "", "tampered 0-79", NULL},
  {"YCRg", "with_morphing=1", "", NULL, "morphed 80-159"},
  {"RCRg", "with_nsfw=1", "true", NULL, NULL},
};

/* Left and right side: the picture is looked at scaled down, so that a side may
 * be off by a pixel or two. */
static void
check_detection (JsonNode * frame, guint detail, const gchar * wanted)
{
  gchar *path = g_strdup_printf ("details.%u.detections", detail);
  JsonNode *detections = find (frame, path);
  gchar **words = g_strsplit_set (wanted, " -", -1);

  fail_unless (detections != NULL);
  if (*wanted == '\0') {
    fail_unless_equals_int (get_length (detections, "0.results"), 0);
  } else {
    fail_unless_equals_string (get_string (detections,
            "0.verdict.classification"), words[0]);
    fail_unless (ABS (get_number (detections, "0.box.x1")
            - g_ascii_strtod (words[1], NULL)) <= 2);
    fail_unless (ABS (get_number (detections, "0.box.x2")
            - g_ascii_strtod (words[2], NULL)) <= 2);
    fail_unless_equals_float (get_number (detections, "0.box.y1"), 0);
    fail_unless_equals_float (get_number (detections, "0.box.y2"), HEIGHT - 1);
    fail_unless_equals_int (get_length (detections, "0.results"), 1);
  }
  g_strfreev (words);
  g_free (path);
}

static void
check_details (JsonNode * frame, guint row)
{
  const gchar *wanted[] = { finding_rows[row].tampered,
    finding_rows[row].morphed
  };
  guint i, n = 0;

  for (i = 0; i < G_N_ELEMENTS (wanted); i++) {
    if (wanted[i] == NULL)
      continue;
    if (*wanted[i] != '\0')
      check_detection (frame, n, wanted[i]);
    else {
      gchar *path = g_strdup_printf ("details.%u.detections", n);

      fail_unless_equals_int (get_length (frame, path), 0);
      g_free (path);
    }
    n++;
  }
  fail_unless_equals_int (get_length (frame, "details"), n);
}

static void
check_nsfw (JsonNode * node, const gchar * wanted)
{
  JsonNode *found = find (node, "is_nsfw");

  fail_unless_equals_string (found == NULL ? ""
      : json_node_get_boolean (found) ? "true" : "false", wanted);
}

static void
check_findings (Emulator * emulator, guint row)
{
  GBytes *picture = make_stripes (finding_rows[row].stripes);
  JsonNode *result = judge (emulator, IMAGE, finding_rows[row].fields, picture);

  fail_unless_equals_string (get_string (result, "status"), "done");
  check_nsfw (result, finding_rows[row].nsfw);
  check_details (result, row);
  json_node_unref (result);
  g_bytes_unref (picture);
}

GST_START_TEST (test_findings)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, finding_rows)
      check_findings (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Of a video each frame has its own findings; one frame is enough for NSFW. */
GST_START_TEST (test_findings_of_frames)
{
  static const gchar *const nsfw[] = { "false", "false", "true", "false", "" };
  GBytes *clip = make_frames ("YCRgk", JPEG);
  Emulator emulator;
  JsonNode *result;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  result = judge (&emulator, VIDEO, EVERYTHING, clip);
  check_nsfw (result, "true");
  fail_unless_equals_int (get_length (result, "results.images"), 5);
  for (i = 0; i < 5; i++) {
    gchar *path = g_strdup_printf ("results.images.%u", i);
    JsonNode *frame = find (result, path);

    check_nsfw (frame, nsfw[i]);
    fail_unless_equals_int (get_length (frame, "details.0.detections"), i == 0);
    fail_unless_equals_int (get_length (frame, "details.1.detections"), i == 1);
    fail_unless_equals_int (find (frame, "verdict.classification") == NULL,
        i == 4);
    g_free (path);
  }
  emulator_stop (&emulator);
  json_node_unref (result);
  g_bytes_unref (clip);
}

GST_END_TEST;

/* Heuristics: of m magenta and g green, the models say m, 2m and m + g */

static const struct
{
  const gchar *stripes;
  const gchar *verdicts;        /* Majority, Average, AverageExcludeObsolete */
  gdouble confidence[3];
} heuristic_rows[] = {
  {"gggggggggg", "human human human", {1, 1, 1}},
  {"MMMMMMMMMM", "artificial artificial artificial", {1, 1, 1}},
  {"GGGGGGGGGG", "human human human", {2 / 3., 2 / 3., 1}},
  {"MMMGGGGggg", "artificial artificial human", {2 / 3., 1.6 / 3, .55}},
  {"MMGGGGGGGG", "human artificial human", {2 / 3., 1.6 / 3, .7}},
  {"MMMggggggg", "human human human", {2 / 3., .6, .55}},
  {"MMMGGggggg", "artificial human human", {2 / 3., 1.6 / 3, .55}},
  {"kkkkkkkkkk", "  ", {0, 0, 0}},
};

static void
check_heuristics (Emulator * emulator, guint row)
{
  static const gchar *const names[] = { "Majority", "Average",
    "AverageExcludeObsolete"
  };
  gchar **verdicts = g_strsplit (heuristic_rows[row].verdicts, " ", -1);
  GBytes *picture = make_stripes (heuristic_rows[row].stripes);
  JsonNode *result = judge (emulator, IMAGE, "a=b", picture);
  guint i;

  fail_unless_equals_int (get_length (result, "verdicts"), 3);
  for (i = 0; i < 3; i++) {
    gchar *path = g_strdup_printf ("verdicts.%u", i);
    JsonNode *verdict = find (result, path);

    fail_unless_equals_string (get_string (verdict, "heuristic"), names[i]);
    fail_unless_equals_string (get_string (verdict, "classification"),
        verdicts[i]);
    /* stripes don't end where pixels do */
    fail_unless (ABS (get_number (verdict, "confidence")
            - heuristic_rows[row].confidence[i]) < 0.02, "%s %g", names[i],
        get_number (verdict, "confidence"));
    g_free (path);
  }
  fail_unless_equals_string (get_string (result, "verdict.heuristic"),
      "Majority");
  fail_unless_equals_string (get_string (result, "verdict.classification"),
      verdicts[0]);
  g_strfreev (verdicts);
  json_node_unref (result);
  g_bytes_unref (picture);
}

GST_START_TEST (test_heuristics)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, heuristic_rows)
      check_heuristics (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Of a video: each frame has one vote, black ones have none */

static const struct
{
  const gchar *frames;
  const gchar *classification;  /* "" = unknown */
  gdouble confidence;
  guint count;
} vote_rows[] = {
  {"MMMgg", "artificial", .6, 5},
  {"MMggg", "human", .6, 5},
  {"MkkkM", "artificial", 1, 2},
  {"kkkMg", "human", .5, 2},
  {"kkkkk", "", 0, 0},
  {"M", "artificial", 1, 1},
};

static void
check_votes (Emulator * emulator, guint row)
{
  GBytes *clip = make_frames (vote_rows[row].frames, JPEG);
  JsonNode *result = judge (emulator, VIDEO, "frames=5", clip);

  fail_unless_equals_string (get_string (result, "verdict.classification"),
      vote_rows[row].classification);
  fail_unless_equals_float (get_number (result, "verdict.confidence"),
      vote_rows[row].confidence);
  fail_unless_equals_int (get_number (result, "verdict.count"),
      vote_rows[row].count);
  fail_unless_equals_int (json_node_get_boolean (find (result,
              "verdict.unknown")), vote_rows[row].count == 0);
  json_node_unref (result);
  g_bytes_unref (clip);
}

GST_START_TEST (test_votes)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, vote_rows)
      check_votes (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* The choice of frames on the decoded video. Two shots of eight frames each: the
 * frame nearest to the average of the first is the 4th, of the second the 7th;
 * only the 6th of the first and the 2nd of the second are like the one before. */
#define SHOTS "1234556777531246"
#define TWO_SHOTS "vp8enc deadline=1 target-bitrate=4000000 " \
    "keyframe-max-dist=8 ! webmmux"
#define THEORA "theoraenc ! oggmux"     /* begins with three headers */

static const struct
{
  const gchar *frames, *elements, *fields;
  const gchar *numbers;
} choice_rows[] = {
  {SHOTS, TWO_SHOTS, "frames=5", "0 3 6 10 13"},
  {SHOTS, THEORA, "frames=5", "0 3 6 10 13"},
  {SHOTS, THEORA, "frames=30", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"},
  {SHOTS, TWO_SHOTS, "frames=30", "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"},
  {SHOTS, TWO_SHOTS, "key_frames=true", "0 8"},
  {SHOTS, TWO_SHOTS, "key_frames=true&key_frames_method=iframes", "0 8"},
  {SHOTS, TWO_SHOTS, "key_frames=true&key_frames_method=color", "3 14"},
  {SHOTS, TWO_SHOTS, "key_frames=true&key_frames_method=flow", "5 9"},
  /* without times, by number */
  {SHOTS, "jpegenc ! multipartmux", "frames=5", "0 3 6 9 12"},
  {SHOTS, "jpegenc ! multipartmux", "frames=5&key_frames=1&"
        "key_frames_method=color", "0 3 6 9 12"},
  /* only key frames: each is a shot */
  {"1234567", JPEG, "frames=5&key_frames=1&key_frames_method=flow",
      "0 1 2 4 5"},
  /* faces only, of those that were chosen */
  {"gBgBgCgBgg", JPEG, "frames=10&ensure_face_per_frame=true", "1 3 5 7"},
  {"gBgBgCgBgg", JPEG, "frames=5&ensure_face_per_frame=true", ""},
};

static void
check_choice (Emulator * emulator, guint row)
{
  GBytes *clip = make_frames (choice_rows[row].frames,
      choice_rows[row].elements);
  JsonNode *result = judge (emulator, VIDEO, choice_rows[row].fields, clip);
  GString *numbers = g_string_new (NULL);
  guint i, n = get_length (result, "results.images");

  for (i = 0; i < n; i++) {
    gchar *path = g_strdup_printf ("results.images.%u.name", i);

    g_string_append_printf (numbers, "%s%s", i > 0 ? " " : "",
        get_string (result, path) + strlen ("frame-"));
    g_free (path);
  }
  fail_unless_equals_string (numbers->str, choice_rows[row].numbers);
  g_string_free (numbers, TRUE);
  json_node_unref (result);
  g_bytes_unref (clip);
}

GST_START_TEST (test_choice)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, choice_rows)
      check_choice (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Sound beside the video: judged by itself, and only when asked for */

#define WITH_SOUND(freq) "audiotestsrc num-buffers=40 samplesperbuffer=4410 " \
    "freq=" freq " ! audio/x-raw,rate=44100,channels=1 ! vorbisenc ! " \
    "matroskamux name=m videotestsrc num-buffers=40 ! " \
    "video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc ! m. m."

static const struct
{
  const gchar *clip, *fields;
  guint audios;
  const gchar *classification;
} sound_rows[] = {
  {WITH_SOUND ("1000"), "with_audio=true", 1, "artificial"},
  {WITH_SOUND ("300"), "with_audio=true", 1, "human"},
  {WITH_SOUND ("1000"), "with_audio=false", 0},
  {"videotestsrc num-buffers=5 ! jpegenc ! qtmux", "with_audio=true", 0},
};

static void
check_sound (Emulator * emulator, guint row)
{
  GBytes *clip = make_clip (sound_rows[row].clip);
  JsonNode *result = judge (emulator, VIDEO, sound_rows[row].fields, clip);

  /* the video's verdict is about its frames alone */
  fail_unless_equals_string (get_string (result, "verdict.classification"),
      "human");
  fail_unless_equals_int (get_length (result, "results.audios"),
      sound_rows[row].audios);
  if (sound_rows[row].audios > 0) {
    JsonNode *audio = find (result, "results.audios.0");

    fail_unless_equals_string (get_string (audio, "verdict.classification"),
        sound_rows[row].classification);
    fail_unless_equals_int (get_length (audio, "results"), 2);
    fail_unless_equals_int (get_length (audio, "details.clips"), 2);
    fail_unless_equals_float (get_number (audio, "details.clips.1.start"), 3);
  }
  json_node_unref (result);
  g_bytes_unref (clip);
}

GST_START_TEST (test_sound)
{
  Emulator emulator;
  guint i;

  emulator_start (&emulator, "--rate-limits off --delay 0");
  FOR_ROWS (i, sound_rows)
      check_sound (&emulator, i);
  emulator_stop (&emulator);
}

GST_END_TEST;

/* Decoding that takes longer than allowed is an error like any other. */
GST_START_TEST (test_decode_timeout)
{
  GBytes *clip = make_clip ("videotestsrc num-buffers=200 pattern=snow ! "
      "video/x-raw,width=640,height=480 ! jpegenc ! qtmux");
  Emulator emulator;
  JsonNode *result;

  emulator_start (&emulator, "--rate-limits off --decode-timeout 0.001");
  result = judge (&emulator, VIDEO, "key_frames=1&key_frames_method=flow",
      clip);
  fail_unless_equals_string (get_string (result, "status"), "errored");
  fail_unless_equals_string (get_string (result, "errors"),
      "The file could not be decoded: decoding took too long");
  emulator_stop (&emulator);
  json_node_unref (result);
  g_bytes_unref (clip);
}

GST_END_TEST;

static Suite *
emulatorresults_suite (void)
{
  Suite *suite = suite_create ("emulatorresults");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_findings);
  tcase_add_test (tc, test_findings_of_frames);
  tcase_add_test (tc, test_heuristics);
  tcase_add_test (tc, test_votes);
  tcase_add_test (tc, test_choice);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_decode_timeout);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorresults);
