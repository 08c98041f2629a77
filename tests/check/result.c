/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The reader of single results. GstCheck makes every critical and warning of
 * GLib or GStreamer a failure, so a value that GStreamer can't hold shows.
 */

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <string.h>

#include "result.h"
#include "result-example.h"

#define GOOD "\"classification\":\"human\",\"confidence\":0.5"
#define BAD (-1)

static IdentifaiResult *
parse (const gchar * text, const gchar * heuristic)
{
  return identifai_result_parse (NULL, text, strlen (text), heuristic, NULL);
}

/* What an application does first with a message. */
static gsize
print_result (const IdentifaiResult * result)
{
  GstStructure *message = gst_structure_new ("identifai-verdict",
      "results", GST_TYPE_STRUCTURE, result->results, NULL);
  gchar *text;
  gsize length;

  gst_structure_set_value (message, "verdicts", &result->verdicts);
  text = gst_structure_to_string (message);
  length = strlen (text);
  g_free (text);
  gst_structure_free (message);

  return length;
}

/* -- the rule, row by row -- */

typedef struct
{
  const gchar *text;
  gint state;                   /* or BAD */
  const gchar *classification;
  gdouble confidence;
  gint nsfw;
  const gchar *heuristic;       /* asked for; NULL = the service's */
} Row;

#define PENDING IDENTIFAI_RESULT_PENDING
#define FINAL IDENTIFAI_RESULT_FINAL
#define ERRORED IDENTIFAI_RESULT_ERRORED
#define UNCHOSEN IDENTIFAI_RESULT_UNCHOSEN

static const Row rows[] = {
  /* no JSON, or not quite */
  {"", BAD},
  {" \n", BAD},
  {"nonsense", BAD},
  {"<html><body>502 Bad Gateway</body></html>", BAD},
  {"{", BAD},
  {"{}}", BAD},
  {"{} {}", BAD},
  {"{\"status\":\"new\",}", BAD},
  {"{'status':'new'}", BAD},
  {"{status:\"new\"}", BAD},
  {"{\"status\" \"new\"}", BAD},
  {"{\"status\":}", BAD},
  {"{/* */\"status\":\"new\"}", BAD},
  {"var a = {\"status\":\"new\"};", BAD},
  {"{\"a\":[1,2}", BAD},
  {"{\"a\":[1 2]}", BAD},
  {"{\"a\":01}", BAD},
  {"{\"a\":+1}", BAD},
  {"{\"a\":.5}", BAD},
  {"{\"a\":1.}", BAD},
  {"{\"a\":1e}", BAD},
  {"{\"a\":-}", BAD},
  {"{\"a\":0x10}", BAD},
  {"{\"a\":nul}", BAD},
  {"{\"a\":True}", BAD},
  {"{\"a\":[1true]}", BAD},
  {"{\"a\":[truefalse]}", BAD},
  {"{\"a\":[0 0]}", BAD},
  {"{\"a\":[\"b\"\"c\"]}", BAD},
  {"{\"a\":[}", BAD},
  {"{\"a\":1]", BAD},
  {"{\"a\":1,,\"b\":2}", BAD},
  {"{,}", BAD},
  {"{\"a\"}", BAD},
  {"// new\n{\"status\":\"new\"}", BAD},
  {"{\"a\":\"\n\"}", BAD},
  {"{\"a\":\"\\x41\"}", BAD},
  {"{\"a\":\"\\u12g4\"}", BAD},
  {"{\"a\":\"\\u12", BAD},
  {"{\"a\":\"\\", BAD},
  {"{\"a\":\"unclosed}", BAD},
  {"{\"a\":\"\377\376\"}", BAD},
  {"{\"a\":\"\355\240\200\"}", BAD},
  {"{\"a\":\"\300\200\"}", BAD},
  {"{\"\303\":1}", BAD},
  {"{\"verdict\":{\"confidence\":NaN,\"classification\":\"human\"}}", BAD},
  {"{\"verdict\":{\"confidence\":Infinity,\"classification\":\"human\"}}", BAD},
  /* JSON, but no result */
  {"null", BAD},
  {"true", BAD},
  {"5", BAD},
  {"\"done\"", BAD},
  {"[]", BAD},
  {"[{\"status\":\"done\"}]", BAD},
  /* status */
  {"{\"message\":\"Please wait\"}", BAD},
  {"{\"error\":{\"text\":\"Busy\"},\"code\":1}", BAD},
  {"{\"message\":\"Judging\",\"identifier\":\"a\"}", PENDING},
  {"{\"message\":\"\",\"errors\":[]}", PENDING},
  {"{\"status\":1}", BAD},
  {"{\"status\":true}", BAD},
  {"{\"status\":[\"done\"]}", BAD},
  {"{\"status\":{\"done\":true}}", BAD},
  {"{}", PENDING},
  {"\357\273\277{}", PENDING},
  {" \t\r\n{ } \n", PENDING},
  {"{\"status\":null}", PENDING},
  {"{\"status\":\"new\"}", PENDING},
  {"{\"status\":\"new\",\"verdict\":{" GOOD "}}", PENDING},
  {"{\"status\":\"\"}", PENDING},
  {"{\"status\":\"queued for a while\"}", PENDING},
  {"{\"status\":\"done\\u0000\"}", PENDING},
  {"{\"verdict\":null}", PENDING},
  {"{\"verdicts\":[{" GOOD "}]}", PENDING},
  {"{\"status\":\"done\",\"status\":\"new\"}", PENDING},
  {"{\"\":{\"status\":\"done\"},\"statu\":\"done\",\"status2\":\"done\"}",
      PENDING},
  {"{\"status\":\"errored\"}", ERRORED},
  {"{\"status\":\"ERRORED\",\"verdict\":{" GOOD "}}", ERRORED},
  /* final without a verdict to be understood */
  {"{\"status\":\"done\"}", BAD},
  {"{\"status\":\"done\",\"verdict\":null}", BAD},
  {"{\"status\":\"done\",\"verdict\":\"human\"}", BAD},
  {"{\"status\":\"done\",\"verdict\":[]}", BAD},
  {"{\"status\":\"done\",\"verdict\":{}}", BAD},
  {"{\"status\":\"done\",\"verdict\":{\"confidence\":1}}", BAD},
  {"{\"verdict\":true}", BAD},
  {"{\"verdict\":{\"classification\":null}}", BAD},
  {"{\"verdict\":{\"classification\":\"\"}}", BAD},
  {"{\"verdict\":{\"classification\":3}}", BAD},
  {"{\"verdict\":{\"classification\":[\"human\"]}}", BAD},
  {"{\"verdict\":{\"classification\":null,\"unknown\":false}}", BAD},
  {"{\"status\":\"done\",\"verdicts\":[]}", BAD},
  {"{\"status\":\"done\",\"verdicts\":[{" GOOD "},{" GOOD "}]}", BAD},
  {"{\"status\":\"done\",\"verdicts\":[\"human\"]}", BAD},
  {"{\"status\":\"done\",\"verdicts\":{\"a\":{" GOOD "},\"b\":{" GOOD "}}}",
      BAD},
  /* confidence */
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":1.01}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":-0.1}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":97}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":1e999}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":true}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":[0.5]}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"high\"}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"\"}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"0.5x\"}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"[1]\"}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"NaN\"}}", BAD},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":\"0.75\"}}",
      FINAL, "human", 0.75, -1},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":1}}",
      FINAL, "human", 1, -1},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":1.0000000001}}",
      FINAL, "human", 1, -1},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":-0.0}}",
      FINAL, "human", 0, -1},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":5e-1}}",
      FINAL, "human", 0.5, -1},
  {"{\"verdict\":{\"classification\":\"human\",\"confidence\":null}}",
      FINAL, "human", 0, -1},
  {"{\"verdict\":{\"classification\":\"human\"}}", FINAL, "human", 0, -1},
  {"{\"verdict\":{" GOOD ",\"confidence\":0.25}}", FINAL, "human", 0.25, -1},
  /* classification and unknown */
  {"{\"verdict\":{" GOOD "}}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":{\"classification\":\"Artificial\"}}",
      FINAL, "artificial", 0, -1},
  {"{\"verdict\":{\"classification\":\"tampered\"}}", FINAL, "unknown", 0, -1},
  {"{\"verdict\":{\"classification\":\"unknown\"}}", FINAL, "unknown", 0, -1},
  {"{\"verdict\":{\"unknown\":true}}", FINAL, "unknown", 0, -1},
  {"{\"verdict\":{\"unknown\":true," GOOD "}}", FINAL, "unknown", 0.5, -1},
  {"{\"verdict\":{\"unknown\":1," GOOD "}}", FINAL, "unknown", 0.5, -1},
  {"{\"verdict\":{\"unknown\":0," GOOD "}}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":{\"unknown\":null," GOOD "}}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":{\"unknown\":2," GOOD "}}", BAD},
  {"{\"verdict\":{\"unknown\":\"true\"," GOOD "}}", BAD},
  {"{\"status\":\"Done\",\"verdict\":{" GOOD "}}", FINAL, "human", 0.5, -1},
  {"{\"\\u0073tatus\":\"\\u0064one\",\"verdict\":{" GOOD "}}",
      FINAL, "human", 0.5, -1},
  {"{\"status\":\"done\",\"verdicts\":[{" GOOD "}]}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":null,\"verdict\":{" GOOD "}}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":{" GOOD ",\"heuristic\":7}}", FINAL, "human", 0.5, -1},
  /* nsfw */
  {"{\"verdict\":{" GOOD "},\"is_nsfw\":true}", FINAL, "human", 0.5, 1},
  {"{\"verdict\":{" GOOD "},\"is_nsfw\":false}", FINAL, "human", 0.5, 0},
  {"{\"verdict\":{" GOOD "},\"is_nsfw\":0}", FINAL, "human", 0.5, 0},
  {"{\"verdict\":{" GOOD "},\"is_nsfw\":null}", FINAL, "human", 0.5, -1},
  {"{\"verdict\":{" GOOD "},\"is_nsfw\":\"no\"}", FINAL, "human", 0.5, -1},
  /* odd company */
  {"{\"verdict\":{" GOOD "},\"verdicts\":7,\"results\":\"x\"}",
      FINAL, "human", 0.5, -1},
  {"{\"verdict\":{" GOOD "},\"results\":null,\"identifier\":{}}",
      FINAL, "human", 0.5, -1},
  /* a heuristic that was asked for */
  {"{\"verdict\":{" GOOD "}}", UNCHOSEN, NULL, 0, -1, "Majority"},
  {"{\"status\":\"done\",\"verdict\":null,\"verdicts\":[{" GOOD "}]}",
      UNCHOSEN, NULL, 0, -1, "Majority"},
  {"{\"status\":\"done\",\"verdict\":null,\"verdicts\":[]}",
      BAD,.heuristic = "Majority"},
  {"{\"status\":\"done\",\"verdicts\":[{\"heuristic\":\"A\"}]}",
      BAD,.heuristic = "Majority"},
  {"{\"verdict\":{" GOOD ",\"heuristic\":\"Majority\"}}",
      FINAL, "human", 0.5, -1, "Majority"},
  {"{\"verdict\":{" GOOD "},\"verdicts\":[1,{\"heuristic\":\"B\"},"
        "{\"heuristic\":\"A\",\"classification\":\"artificial\"}]}",
      FINAL, "artificial", 0, -1, "A"},
  {"{\"verdict\":{" GOOD "},\"verdicts\":[{\"heuristic\":\"a\"},"
        "{\"heuristic\":\"A\",\"classification\":\"artificial\"}]}",
      FINAL, "artificial", 0, -1, "A"},
  {"{\"verdict\":{" GOOD "},\"verdicts\":["
        "{\"heuristic\":\"majority\",\"classification\":\"artificial\"}]}",
      FINAL, "artificial", 0, -1, "MAJORITY"},
  {"{\"verdict\":{" GOOD "},\"verdicts\":[{\"heuristic\":\"A\"}]}",
      BAD,.heuristic = "A"},
  {"{\"status\":\"new\"}", PENDING,.heuristic = "Majority"},
  {"{\"status\":\"errored\"}", ERRORED,.heuristic = "Majority"},
};

static void
check_row (const Row * row)
{
  IdentifaiResult *result;
  GError *error = NULL;

  result = identifai_result_parse (NULL, row->text, strlen (row->text),
      row->heuristic, &error);
  if (row->state == BAD) {
    fail_unless (result == NULL, "taken for a result: %s", row->text);
    fail_unless (g_error_matches (error, G_IO_ERROR,
            G_IO_ERROR_INVALID_DATA), "%s", row->text);
    g_clear_error (&error);
    return;
  }

  fail_unless (result != NULL, "%s: %s", row->text,
      error ? error->message : NULL);
  fail_unless (result->state == (IdentifaiResultState) row->state, "%s",
      row->text);
  fail_unless_equals_string (result->classification, row->classification);
  fail_unless_equals_float (result->confidence, row->confidence);
  fail_unless_equals_int (result->nsfw, row->state == FINAL ? row->nsfw : -1);
  fail_unless_equals_int (result->unknown,
      g_strcmp0 (row->classification, "unknown") == 0);
  fail_unless_equals_int (result->error_text != NULL,
      row->state == ERRORED || row->state == UNCHOSEN);
  fail_unless (result->results != NULL);
  fail_unless (GST_VALUE_HOLDS_ARRAY (&result->verdicts));
  print_result (result);
  identifai_result_free (result);
}

GST_START_TEST (test_rule)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++)
    check_row (&rows[i]);
}

GST_END_TEST;

/* -- how likely it is artificial -- */

#define V(fields) "{\"verdict\":{" fields "}}"
#define IMAGE(own, other) "{\"verdict\":{\"classification\":\"" own "\"," \
    "\"heuristic\":\"A\"},\"verdicts\":[{\"heuristic\":\"B\"," \
    "\"classification\":\"" other "\"}]}"
#define IMAGES(list) "{\"verdict\":{\"classification\":\"human\"," \
    "\"heuristic\":\"A\"},\"verdicts\":[{\"classification\":\"human\"," \
    "\"heuristic\":\"B\"}],\"results\":" list "}"

static const struct
{
  const gchar *text;
  gdouble score;
  guint artificial_frames;
  const gchar *heuristic;
} scores[] = {
  {V ("\"classification\":\"artificial\",\"confidence\":0.75"), .75},
  {V ("\"classification\":\"human\",\"confidence\":0.75"), .25},
  {V ("\"classification\":\"artificial\",\"confidence\":1"), 1},
  {V ("\"classification\":\"human\",\"confidence\":1"), 0},
  /* Less sure than a guess, and still on that side. */
  {V ("\"classification\":\"artificial\",\"confidence\":0.25"), .5},
  {V ("\"classification\":\"human\",\"confidence\":0.25"), .5},
  /* Nothing but the classification is known. */
  {V ("\"classification\":\"artificial\""), 1},
  {V ("\"classification\":\"human\",\"confidence\":null"), 0},
  {V ("\"classification\":\"unknown\",\"confidence\":0.9"), .5},
  {V ("\"classification\":\"artificial\",\"confidence\":0.9,"
            "\"unknown\":true"), .5},
  {V ("\"classification\":\"tampered\",\"confidence\":0.9"), .5},
  {IMAGES ("{\"images\":[" IMAGE ("artificial", "human") ","
            IMAGE ("human", "artificial") "," IMAGE ("artificial", "artificial")
          "]}"), 0, 2},
  {IMAGES ("{\"images\":[" IMAGE ("artificial", "human") ","
            IMAGE ("artificial", "human") "," IMAGE ("human", "artificial")
          "]}"), 0, 1, "B"},
  {IMAGES ("{\"images\":[" IMAGE ("artificial", "human") ","
            IMAGE ("artificial", "human") "]}"), 0, 2, "A"},
  {IMAGES ("{\"images\":[1,null,{},{\"verdict\":[]},{\"verdict\":{}},"
            IMAGE ("artificial", "") "]}"), 0, 1, "A"},
  {IMAGES ("{\"images\":[" IMAGE ("artificial", "") "]}"), 0, 0, "B"},
  {IMAGES ("{\"images\":{\"a\":" IMAGE ("artificial", "") "}}"), 0, 0},
  {IMAGES ("[" IMAGE ("artificial", "") "]"), 0, 0},
  {IMAGES ("{\"audios\":[" IMAGE ("artificial", "artificial") "]}"), 0, 0},
};

GST_START_TEST (test_score)
{
  IdentifaiResult *result = parse (scores[__i__].text, scores[__i__].heuristic);

  fail_unless (result != NULL, "%s", scores[__i__].text);
  fail_unless_equals_float (result->score, scores[__i__].score);
  fail_unless_equals_int (result->artificial_frames,
      scores[__i__].artificial_frames);
  identifai_result_free (result);
}

GST_END_TEST;

/* -- the full shape -- */

static const GstStructure *
element (const GstStructure * structure, const gchar * field, guint i)
{
  const GValue *array = gst_structure_get_value (structure, field);

  fail_unless (array != NULL && GST_VALUE_HOLDS_ARRAY (array), "%s", field);
  fail_unless (i < gst_value_array_get_size (array));
  array = gst_value_array_get_value (array, i);
  fail_unless (GST_VALUE_HOLDS_STRUCTURE (array), "%s", field);

  return gst_value_get_structure (array);
}

static gdouble
number (const GstStructure * structure, const gchar * field)
{
  gdouble value = -1;

  fail_unless (gst_structure_get_double (structure, field, &value), "%s",
      field);

  return value;
}

GST_START_TEST (test_full)
{
  IdentifaiResult *result = parse (EXAMPLE_ANSWER, NULL);
  const GstStructure *image, *model, *label, *box;
  gboolean flag = TRUE;
  gint integer = -1;

  fail_unless (result != NULL);
  fail_unless_equals_string (result->identifier, EXAMPLE_IDENTIFIER);
  fail_unless_equals_string (result->classification, "artificial");
  fail_unless_equals_string (result->heuristic, "Average");
  fail_unless_equals_float (result->confidence, 0.9375);
  fail_unless_equals_float (result->score, 0.9375);
  fail_unless_equals_int (result->artificial_frames, 2);
  fail_unless_equals_string (result->json, EXAMPLE_ANSWER);
  fail_unless (result->forced == NULL);
  fail_unless_equals_int (result->nsfw, 0);

  image = element (result->results, "images", 1);
  fail_unless_equals_string (gst_structure_get_string (image, "name"),
      "frame-1.png");
  fail_if (gst_structure_has_field (image, "c2pa"));
  fail_unless (gst_structure_get_boolean (image, "has_heatmap", &flag));
  fail_if (flag);
  fail_unless_equals_float (number (element (image, "verdicts", 0),
          "confidence"), 1);
  model = element (image, "results", 1);
  fail_unless_equals_string (gst_structure_get_string (model, "model"),
      "spectrum-1");
  fail_unless_equals_float (number (model, "elapsed_time"), 2);
  label = element (model, "classification", 0);
  fail_unless_equals_string (gst_structure_get_string (label, "label"),
      "artificial");
  fail_unless_equals_float (number (label, "score"), 1);
  box = element (element (image, "details", 0), "detections", 0);
  fail_unless (gst_structure_get_int (box, "x1", &integer));
  fail_unless_equals_int (integer, 12);
  fail_unless_equals_float (number (box, "x2"), 80.5);
  element (result->results, "audios", 0);

  identifai_result_free (result);
}

GST_END_TEST;

GST_START_TEST (test_verdicts)
{
  static const gchar *const heuristics[] = {
    "Majority", "Average", "AverageExcludeObsolete"
  };
  static const gdouble confidences[] = { 1, 0.9375, 0.875 };
  IdentifaiResult *result;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (heuristics); i++) {
    const GstStructure *verdict;
    const GValue *models;
    gint count = 0;

    result = parse (EXAMPLE_ANSWER, heuristics[i]);
    fail_unless (result != NULL);
    fail_unless_equals_string (result->heuristic, heuristics[i]);
    fail_unless_equals_float (result->confidence, confidences[i]);

    fail_unless_equals_int (gst_value_array_get_size (&result->verdicts), 3);
    verdict = gst_value_get_structure
        (gst_value_array_get_value (&result->verdicts, i));
    fail_unless (gst_structure_has_name (verdict, "verdict"));
    fail_unless_equals_string (gst_structure_get_string (verdict, "heuristic"),
        heuristics[i]);
    fail_unless_equals_float (number (verdict, "confidence"), confidences[i]);
    fail_unless (gst_structure_has_field_typed (verdict, "unknown",
            G_TYPE_BOOLEAN));
    fail_unless (gst_structure_get_int (verdict, "count", &count));
    fail_unless_equals_int (count, 2);
    models = gst_structure_get_value (verdict, "models");
    fail_unless_equals_string (g_value_get_string (gst_value_array_get_value
            (models, 0)), "texture-2");
    identifai_result_free (result);
  }
}

GST_END_TEST;

/* Names of other types, empty or endless ones are none. */
GST_START_TEST (test_odd_names)
{
  gchar *endless = g_strnfill (257, 'a');
  gchar *text = g_strdup_printf ("{\"verdict\":{" GOOD ",\"heuristic\":\"%s\"},"
      "\"force_classification\":\"%s\",\"verdicts\":["
      "{" GOOD ",\"heuristic\":7},{" GOOD ",\"heuristic\":\"\"},"
      "{\"classification\":\"%s\"}]}", endless, endless, endless);
  IdentifaiResult *result = parse (text, NULL);
  guint i;

  fail_unless (result != NULL);
  fail_unless (result->heuristic == NULL && result->forced == NULL);
  fail_unless_equals_int (gst_value_array_get_size (&result->verdicts), 2);
  for (i = 0; i < 2; i++)
    fail_if (gst_structure_has_field (gst_value_get_structure
            (gst_value_array_get_value (&result->verdicts, i)), "heuristic"));
  identifai_result_free (result);
  g_free (text);
  g_free (endless);
}

GST_END_TEST;

/* What it lacks is named together with what it has. */
GST_START_TEST (test_missing_heuristic)
{
  IdentifaiResult *result = parse (EXAMPLE_ANSWER, "Median");

  fail_unless (result != NULL && result->state == UNCHOSEN);
  fail_unless_equals_string (result->identifier, EXAMPLE_IDENTIFIER);
  fail_unless (strstr (result->error_text, "Median") != NULL);
  fail_unless (strstr (result->error_text,
          "Average, Majority, AverageExcludeObsolete") != NULL, "%s",
      result->error_text);
  identifai_result_free (result);
}

GST_END_TEST;

GST_START_TEST (test_forced)
{
  IdentifaiResult *result = parse ("{\"verdict\":{" GOOD "},"
      "\"force_classification\":\"artificial\"}", NULL);

  fail_unless_equals_string (result->forced, "artificial");
  identifai_result_free (result);
}

GST_END_TEST;

/* -- the text of an errored result -- */

static const struct
{
  const gchar *text;
  const gchar *error_text;
} errored[] = {
  {"{\"status\":\"errored\",\"errors\":\"No video stream.\"}",
      "No video stream."},
  {"{\"status\":\"errored\",\"errors\":[\"One.\",\"Two\"]}", "One. Two"},
  {"{\"status\":\"errored\",\"errors\":[{\"message\":\"One\"}]}", "One"},
  {"{\"status\":\"errored\",\"errors\":{\"video\":[\"broken\"]}}",
      "video: broken"},
  {"{\"status\":\"errored\",\"errors\":[],\"message\":\"Too short\"}",
      "Too short"},
  {"{\"status\":\"errored\",\"errors\":null}",
      "The service gave up and gives no reason"},
  {"{\"status\":\"errored\",\"errors\":17}",
      "The service gave up and gives no reason"},
};

GST_START_TEST (test_errored)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (errored); i++) {
    IdentifaiResult *result = parse (errored[i].text, NULL);

    fail_unless_equals_string (result->error_text, errored[i].error_text);
    identifai_result_free (result);
  }
}

GST_END_TEST;

/* -- JSON values as GStreamer's -- */

/* In words of our own, as GStreamer's printing changes with its releases. */
static const struct
{
  const gchar *json;
  const gchar *described;
} values[] = {
  {"{}", "{}"},
  {"{\"a\":null}", "{}"},
  {"{\"a\":1,\"b\":-1,\"c\":0.5,\"d\":true}",
      "{a=int 1,b=int -1,c=double 0.5,d=boolean 1}"},
  {"{\"a\":2147483647,\"b\":2147483648}",
      "{a=int 2147483647,b=int64 2147483648}"},
  {"{\"a\":-9223372036854775808,\"b\":9223372036854775808}",
      "{a=int64 -9223372036854775808,b=double 9.22337e+18}"},
  {"{\"a\":1e999,\"b\":1}", "{b=int 1}"},
  {"{\"score\":1,\"confidence\":0,\"x\":0}",
      "{score=double 1,confidence=double 0,x=int 0}"},
  {"{\"score\":[1,\"a\"],\"confidence\":\"x\"}",
      "{score=[string 1,string a],confidence=string x}"},
  {"{\"a\":\"\"}", "{a=string }"},
  {"{\"a\":1,\"a\":\"x\"}", "{a=string x}"},
  /* names */
  {"{\"a b\":1,\"\":2,\"9\":3,\"\303\251t\":4,\"_x\":5,\"k-v.2\":6}",
      "{a_b=int 1,_=int 2,_9=int 3,__t=int 4,_x=int 5,k-v.2=int 6}"},
  {"{\"a\\\"=,;\\u0000\":1}", "{a_____=int 1}"},
  {"{\"a b\":1,\"a_b\":2}", "{a_b=int 2}"},
  /* arrays: one type for all elements */
  {"{\"a\":[]}", "{a=[]}"},
  {"{\"a\":[null]}", "{a=[]}"},
  {"{\"a\":[1,2]}", "{a=[int 1,int 2]}"},
  {"{\"a\":[1,null,2]}", "{a=[int 1,int 2]}"},
  {"{\"a\":[1,0.5]}", "{a=[double 1,double 0.5]}"},
  {"{\"a\":[1,9999999999]}", "{a=[int64 1,int64 9999999999]}"},
  {"{\"a\":[1,9999999999,1.5]}", "{a=[double 1,double 1e+10,double 1.5]}"},
  {"{\"a\":[1e999,1]}", "{a=[int 1]}"},
  {"{\"a\":[true,false]}", "{a=[boolean 1,boolean 0]}"},
  {"{\"a\":[true,1,null,\"x\"]}", "{a=[string true,string 1,string x]}"},
  {"{\"a\":[[1,2],[0.5]]}", "{a=[[double 1,double 2],[double 0.5]]}"},
  {"{\"a\":[[1],[]]}", "{a=[[int 1],[]]}"},
  {"{\"a\":[[1],[[2]]]}", "{a=[[int 1],[[int 2]]]}"},
  {"{\"a\":[[1],[\"x\"]]}", "{a=[string [1],string [\"x\"]]}"},
  {"{\"a\":[1,[2]]}", "{a=[string 1,string [2]]}"},
  {"{\"a\":[{},1]}", "{a=[string {},string 1]}"},
  {"{\"a\":[[[],{}],[{\"b\":2}]]}",
      "{a=[string [[],{}],string [{\"b\":2}]]}"},
  {"{\"a\":[[{\"b\":[1]}],[{\"b\":[0.5]}]]}",
      "{a=[[{b=[int 1]}],[{b=[double 0.5]}]]}"},
  {"{\"a\":{\"b\":1}}", "{a={b=int 1}}"},
  {"{\"a\":[{\"b\":1},{}]}", "{a=[{b=int 1},{}]}"},
  {"[]", "{results=[]}"},
  {"[1]", "{results=[int 1]}"},
  /* ten levels, then text */
  {"{\"a\":[[[[[[[[[1]]]]]]]]]}", "{a=[[[[[[[[[int 1]]]]]]]]]}"},
  {"{\"a\":[[[[[[[[[[1],2]]]]]]]]]}",
      "{a=[string [[[[[[[[[1],2]]]]]]]]]}"},
  {"{\"a\":[[[[[[[[[[1],[2]]]]]]]]]]}",
      "{a=[[[[[[[[[string [1],string [2]]]]]]]]]]}"},
  {"{\"a\":[[[[[[[[[{\"b\": 1}]]]]]]]]]}",
      "{a=[[[[[[[[[string {\"b\":1}]]]]]]]]]}"},
  {"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
        "}}}}}}}}}}}",
      "{a={a={a={a={a={a={a={a={a={a=string {}}}}}}}}}}}"},
};

static void describe_structure (const GstStructure * structure, GString * out);

static void
describe_value (const GValue * value, GString * out)
{
  guint i;

  if (GST_VALUE_HOLDS_STRUCTURE (value)) {
    describe_structure (gst_value_get_structure (value), out);
  } else if (GST_VALUE_HOLDS_ARRAY (value)) {
    g_string_append_c (out, '[');
    for (i = 0; i < gst_value_array_get_size (value); i++) {
      if (i > 0)
        g_string_append_c (out, ',');
      describe_value (gst_value_array_get_value (value, i), out);
    }
    g_string_append_c (out, ']');
  } else if (G_VALUE_HOLDS_STRING (value)) {
    g_string_append_printf (out, "string %s", g_value_get_string (value));
  } else if (G_VALUE_HOLDS_DOUBLE (value)) {
    g_string_append_printf (out, "double %g", g_value_get_double (value));
  } else if (G_VALUE_HOLDS_INT64 (value)) {
    g_string_append_printf (out, "int64 %" G_GINT64_FORMAT,
        g_value_get_int64 (value));
  } else if (G_VALUE_HOLDS_BOOLEAN (value)) {
    g_string_append_printf (out, "boolean %d", g_value_get_boolean (value));
  } else {
    g_string_append_printf (out, "int %d", g_value_get_int (value));
  }
}

static void
describe_structure (const GstStructure * structure, GString * out)
{
  gint i;

  g_string_append_c (out, '{');
  for (i = 0; i < gst_structure_n_fields (structure); i++) {
    const gchar *name = gst_structure_nth_field_name (structure, i);

    g_string_append_printf (out, "%s%s=", i > 0 ? "," : "", name);
    describe_value (gst_structure_get_value (structure, name), out);
  }
  g_string_append_c (out, '}');
}

static IdentifaiResult *
parse_results (const gchar * json)
{
  gchar *text = g_strdup_printf ("{\"verdict\":{" GOOD "},\"results\":%s}",
      json);
  IdentifaiResult *result = parse (text, NULL);

  fail_unless (result != NULL, "%s", json);
  g_free (text);

  return result;
}

GST_START_TEST (test_values)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (values); i++) {
    IdentifaiResult *result = parse_results (values[i].json);
    GString *described = g_string_new (NULL);

    fail_unless (gst_structure_has_name (result->results, "results"));
    describe_structure (result->results, described);
    fail_unless_equals_string (described->str, values[i].described);
    print_result (result);
    g_string_free (described, TRUE);
    identifai_result_free (result);
  }
}

GST_END_TEST;

GST_START_TEST (test_strings)
{
  static const struct
  {
    const gchar *json, *content;
  } strings[] = {
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t"},
    {"\\u00e9\\u20AC", "\303\251\342\202\254"},
    {"\\ud83d\\ude00", "\360\237\230\200"},
    {"a\\u0000b", "a\357\277\275b"},
    {"\\ud83d", "\357\277\275"},
    {"\\ud83dx", "\357\277\275x"},
    {"\\ud83d\\n", "\357\277\275\n"},
    {"\\ud83d\\u0041", "\357\277\275A"},
    {"\\ud83d\\ud83d\\ude00", "\357\277\275\360\237\230\200"},
    {"\\ude00\\ud83d", "\357\277\275\357\277\275"},
    {"{[\\\"]}", "{[\"]}"},
    {"\177", "\177"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (strings); i++) {
    gchar *json = g_strdup_printf ("{\"a\":\"%s\"}", strings[i].json);
    IdentifaiResult *result = parse_results (json);
    GstStructure *copy;
    gchar *printed = gst_structure_to_string (result->results);

    fail_unless_equals_string (gst_structure_get_string (result->results, "a"),
        strings[i].content);
    copy = gst_structure_from_string (printed, NULL);
    fail_unless (copy != NULL && gst_structure_is_equal (copy,
            result->results), "%s", printed);
    gst_structure_free (copy);
    g_free (printed);
    identifai_result_free (result);
    g_free (json);
  }
}

GST_END_TEST;

/* The whole of a documented answer survives being printed and read. */
GST_START_TEST (test_printed_is_read)
{
  IdentifaiResult *result = parse (EXAMPLE_ANSWER, NULL);
  gchar *printed = gst_structure_to_string (result->results), *again;
  GstStructure *copy = gst_structure_from_string (printed, NULL);

  fail_unless (copy != NULL);
  again = gst_structure_to_string (copy);
  fail_unless_equals_string (again, printed);

  g_free (again);
  g_free (printed);
  gst_structure_free (copy);
  identifai_result_free (result);
}

GST_END_TEST;

/* -- the kinds: whose results have which shape, as documented -- */

#define JUDGED \
  "\"verdict\":{\"heuristic\":\"Majority\",\"confidence\":0.91," \
  "\"classification\":\"artificial\",\"count\":3,\"models\":[\"a\",\"b\"]," \
  "\"unknown\":false},\"verdicts\":[{\"heuristic\":\"Majority\"," \
  "\"confidence\":0.91,\"classification\":\"artificial\",\"unknown\":false}," \
  "{\"heuristic\":\"Average\",\"confidence\":0.7,\"classification\":\"human\"," \
  "\"unknown\":false}],\"force_classification\":null,"
#define MODELS \
  "[{\"model\":\"a\",\"unknown\":false,\"elapsed_time\":1,\"classification\":" \
  "[{\"label\":\"artificial\",\"score\":0.91},{\"label\":\"human\"," \
  "\"score\":0.09}],\"classification_details\":null},{\"model\":\"b\"," \
  "\"unknown\":true,\"elapsed_time\":0.2,\"classification\":[]," \
  "\"classification_details\":{\"x\":1}}]"

static const struct
{
  const gchar *text;
  const gchar *list;            /* in results, and how long it is */
  guint length;
  guint artificial_frames;
  gboolean has_heatmap;
} kind_rows[] = {
  /* a video: lists by what was judged */
  {"{\"hash\":\"h\",\"identifier\":\"v\",\"status\":\"done\",\"errors\":[],"
        JUDGED "\"is_nsfw\":false,\"results\":{\"images\":[{\"verdict\":"
        "{\"classification\":\"artificial\",\"confidence\":0.9},\"results\":"
        MODELS "}],\"audios\":[]}}", "images", 1, 1, FALSE},
  /* speech: one sound, with its clips */
  {"{\"hash\":\"h\",\"identifier\":\"s\",\"status\":\"done\",\"errors\":[],"
        JUDGED "\"results\":{\"audios\":[{\"verdict\":{\"classification\":"
        "\"artificial\",\"confidence\":0.9},\"results\":" MODELS
        ",\"details\":[{\"clips\":[{\"index\":0,\"start\":0,\"end\":4.0,"
        "\"results\":" MODELS ",\"verdict\":{\"classification\":\"human\","
        "\"confidence\":0.6}}]}]}]}}", "audios", 1, 0, FALSE},
  /* an image: a list of models */
  {"{\"hash\":\"h\",\"identifier\":\"i\",\"name\":\"a.png\",\"ref_id\":null,"
        "\"c2pa\":null,\"has_heatmap\":true," JUDGED "\"results\":" MODELS "}",
      "results", 2, 0, TRUE},
};

GST_START_TEST (test_kinds)
{
  IdentifaiResult *result = parse (kind_rows[__i__].text, NULL);
  const GValue *list;

  fail_unless (result != NULL && result->state == FINAL);
  fail_unless_equals_string (result->classification, "artificial");
  fail_unless_equals_float (result->confidence, 0.91);
  fail_unless_equals_int (gst_value_array_get_size (&result->verdicts), 2);
  fail_unless_equals_int (result->artificial_frames,
      kind_rows[__i__].artificial_frames);
  fail_unless_equals_int (result->has_heatmap, kind_rows[__i__].has_heatmap);
  list = gst_structure_get_value (result->results, kind_rows[__i__].list);
  fail_unless (list != NULL && GST_VALUE_HOLDS_ARRAY (list));
  fail_unless_equals_int (gst_value_array_get_size (list),
      kind_rows[__i__].length);
  print_result (result);
  identifai_result_free (result);

  result = parse (kind_rows[__i__].text, "Average");
  fail_unless_equals_string (result->classification, "human");
  identifai_result_free (result);
}

GST_END_TEST;

static Suite *
result_suite (void)
{
  Suite *s = suite_create ("result");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_rule);
  tcase_add_loop_test (tc, test_score, 0, G_N_ELEMENTS (scores));
  tcase_add_test (tc, test_full);
  tcase_add_loop_test (tc, test_kinds, 0, G_N_ELEMENTS (kind_rows));
  tcase_add_test (tc, test_verdicts);
  tcase_add_test (tc, test_odd_names);
  tcase_add_test (tc, test_missing_heuristic);
  tcase_add_test (tc, test_forced);
  tcase_add_test (tc, test_errored);
  tcase_add_test (tc, test_values);
  tcase_add_test (tc, test_strings);
  tcase_add_test (tc, test_printed_is_read);

  return s;
}

GST_CHECK_MAIN (result);
