/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is taken from an answer, and how strictly:
 *
 *   the text     strict JSON in valid UTF-8; NaN and Infinity are none. Texts
 *                with more values than any answer has are refused: json-glib
 *                takes some hundred bytes for each
 *   a batch      is checked as far as the results' own members; a result that
 *                is broken within them fails alone, when it is read
 *   duplicates   of two members with one name the last counts
 *   identifier   a string, or an integer that fits into 64 bits
 *   status       a string or null; anything else is not understood. Unknown
 *                strings mean that the service is still at it
 *   verdict      what a final answer must have, an object with a
 *                classification, or unknown: true. If it is null, and there is
 *                one verdict in the list, then that one counts
 *   confidence   0 if missing or null; a number, or a number in a string (as
 *                database layers like to send decimals), from 0 to 1
 *   score        the confidence of an artificial verdict, 1 less that of a human
 *                one; 1 and 0 without confidence; 0.5 if unknown. A confidence
 *                below 0.5 doesn't turn a verdict into the other one: 0.5
 *   unknown      false if missing or null; a boolean, 0 or 1
 *   is_nsfw      not judged if missing, null or of a wrong type
 *   the others   left out if of a wrong type: a verdict that was paid for is
 *                not lost for an odd detail
 */

#include "result.h"
#include "cleantext.h"

#include <string.h>

#include "errortext.h"
#include "identifier.h"
#include "json.h"
#include "log.h"
#include "structure.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

#define MAX_NAME_BYTES 256      /* of a classification, a heuristic */
#define MAX_NAMES 20            /* of heuristics in a complaint */
#define CONFIDENCE_SLACK 1e-6   /* a float's rounding */

/* One verdict as read; the strings are owned. */
typedef struct
{
  gchar *classification;
  gchar *heuristic;
  gdouble confidence;
  gdouble score;
  gboolean unknown;
} Verdict;

void
identifai_result_free (IdentifaiResult * self)
{
  g_free (self->identifier);
  g_free (self->hash);
  g_free (self->classification);
  g_free (self->heuristic);
  g_free (self->forced);
  g_clear_pointer (&self->heatmap, g_bytes_unref);
  g_free (self->heatmap_error);
  if (G_IS_VALUE (&self->verdicts))
    g_value_unset (&self->verdicts);
  if (self->results != NULL)
    gst_structure_free (self->results);
  g_free (self->error_text);
  g_free (self->json);
  g_free (self);
}

static IdentifaiResult *
result_new (void)
{
  IdentifaiResult *self = g_new0 (IdentifaiResult, 1);

  self->nsfw = -1;
  gst_value_array_init (&self->verdicts, 0);
  self->results = gst_structure_new_empty ("results");

  return self;
}

/* -- parts of an answer -- */

static gboolean
is_null (JsonNode * node)
{
  return identifai_json_get_type (node) == G_TYPE_INVALID;
}

static gboolean
is_object (JsonNode * node)
{
  return identifai_json_get_type (node) == JSON_TYPE_OBJECT;
}

static gboolean
is_array (JsonNode * node)
{
  return identifai_json_get_type (node) == JSON_TYPE_ARRAY;
}

/* A string of a sane length that is not empty, else NULL. */
static gchar *
dup_name (JsonNode * node)
{
  const gchar *name = identifai_json_get_string (node);

  if (name == NULL || *name == '\0' || strlen (name) > MAX_NAME_BYTES)
    return NULL;

  return g_strdup (name);
}

/* TRUE, FALSE, or -1 for neither. */
static gint
get_flag (JsonNode * node)
{
  GType type = identifai_json_get_type (node);

  if (type == G_TYPE_BOOLEAN)
    return json_node_get_boolean (node);
  if (type == G_TYPE_INT64 && (json_node_get_int (node) >> 1) == 0)
    return json_node_get_int (node);

  return -1;
}

/* A number, or a string that is one. */
static gboolean
get_number (JsonNode * node, gdouble * number)
{
  const gchar *text = identifai_json_get_string (node);
  gboolean found;

  if (text == NULL)
    return identifai_json_get_double (node, number);

  node = identifai_json_read (text, strlen (text), NULL);
  found = identifai_json_get_double (node, number);
  g_clear_pointer (&node, json_node_unref);

  return found;
}

static gboolean
get_confidence (JsonNode * node, gdouble * confidence)
{
  *confidence = 0;
  if (is_null (node))
    return TRUE;
  if (!get_number (node, confidence)
      || !(*confidence >= -CONFIDENCE_SLACK
          && *confidence <= 1 + CONFIDENCE_SLACK))
    return FALSE;
  *confidence = CLAMP (*confidence, 0, 1);

  return TRUE;
}

/* -- verdicts -- */

static void
verdict_clear (Verdict * self)
{
  g_free (self->classification);
  g_free (self->heuristic);
}

/* "unknown" where it says so, and for a word that we don't know, which is still
 * in the JSON; case doesn't matter. NULL if there is none. */
static const gchar *
get_classification (JsonNode * node, gboolean unknown)
{
  static const gchar *const known[] = { "human", "artificial" };
  gchar *name = dup_name (node);
  const gchar *found = unknown || name != NULL ? "unknown" : NULL;
  guint i;

  for (i = 0; !unknown && name != NULL && i < G_N_ELEMENTS (known); i++) {
    if (g_ascii_strcasecmp (name, known[i]) == 0)
      found = known[i];
  }
  g_free (name);

  return found;
}

/* How likely it is that the video is artificial. */
static gdouble
get_score (const Verdict * self, gboolean has_confidence)
{
  gdouble sure = has_confidence ? MAX (self->confidence, 0.5) : 1;

  if (self->unknown)
    return 0.5;

  return g_str_equal (self->classification, "artificial") ? sure : 1 - sure;
}

/* FALSE (nothing to clear) if node can't be understood as a verdict. */
static gboolean
verdict_read (Verdict * self, JsonNode * node, GError ** error)
{
  JsonNode *unknown = identifai_json_get_member (node, "unknown");
  JsonNode *confidence = identifai_json_get_member (node, "confidence");

  memset (self, 0, sizeof (*self));
  if (!is_object (node))
    return identifai_json_fail (error, "The answer's verdict is no object");

  if (!get_confidence (confidence, &self->confidence))
    return identifai_json_fail (error,
        "The verdict's confidence is no number from 0 to 1");
  if (!is_null (unknown) && get_flag (unknown) < 0)
    return identifai_json_fail (error, "The verdict's unknown is no boolean");
  self->classification =
      g_strdup (get_classification (identifai_json_get_member (node,
              "classification"), get_flag (unknown) == TRUE));
  if (self->classification == NULL)
    return identifai_json_fail (error, "The verdict has no classification");
  self->unknown = g_str_equal (self->classification, "unknown");
  self->score = get_score (self, !is_null (confidence));
  self->heuristic = dup_name (identifai_json_get_member (node, "heuristic"));

  return TRUE;
}

/* One element of the list of verdicts: all that the service gives (count,
 * models), and what we understood under the same names and types as in the
 * message. */
static void
append_verdict (const gchar * name, GValue * array, const Verdict * verdict,
    JsonNode * node, IdentifaiRoom * room)
{
  GstStructure *structure =
      identifai_structure_from_json (name, json_node_get_object (node),
      "verdict", room);
  GValue value = G_VALUE_INIT;

  gst_structure_set (structure,
      "classification", G_TYPE_STRING, verdict->classification,
      "confidence", G_TYPE_DOUBLE, verdict->confidence,
      "unknown", G_TYPE_BOOLEAN, verdict->unknown, NULL);
  gst_structure_remove_field (structure, "heuristic");
  if (verdict->heuristic != NULL)
    gst_structure_set (structure,
        "heuristic", G_TYPE_STRING, verdict->heuristic, NULL);

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, structure);
  gst_value_array_append_and_take_value (array, &value);
}

/* The list of verdicts; empty if there is none. */
static JsonNode *
get_verdicts (JsonNode * answer)
{
  JsonNode *list = identifai_json_get_member (answer, "verdicts");

  return is_array (list) ? list : NULL;
}

static JsonNode *
get_element (JsonNode * list, guint i)
{
  return json_array_get_element (json_node_get_array (list), i);
}

/* Those that can't be understood are left out. */
static void
read_verdicts (const gchar * name, JsonNode * list, GValue * array,
    IdentifaiRoom * room)
{
  GError *error = NULL;
  Verdict verdict;
  guint i;

  for (i = 0; *room >= 0 && i < identifai_json_get_size (list); i++) {
    if (verdict_read (&verdict, get_element (list, i), &error)) {
      append_verdict (name, array, &verdict, get_element (list, i), room);
      verdict_clear (&verdict);
    } else {
      GST_DEBUG_ID (name, "the %u. of the verdicts is left out: %s", i + 1,
          error->message);
      g_clear_error (&error);
    }
  }
  if (i < identifai_json_get_size (list))
    GST_DEBUG_ID (name, "%u of %u verdicts are read, there is no room for more",
        i, identifai_json_get_size (list));
}

static void
add_name (GPtrArray * names, gchar * name)
{
  if (names->len >= MAX_NAMES
      || g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_free (name);
  else
    g_ptr_array_add (names, name);
}

/* Which verdict, the main one or one of the list, has that heuristic; the exact
 * name goes before one of other case. names collects those there are. */
static JsonNode *
find_heuristic (JsonNode * answer, const gchar * heuristic, GPtrArray * names)
{
  JsonNode *candidate = identifai_json_get_member (answer, "verdict");
  JsonNode *list = get_verdicts (answer), *found = NULL;
  gboolean exact = FALSE;
  guint i = 0;

  for (;;) {
    gchar *name = dup_name (identifai_json_get_member (candidate, "heuristic"));

    if (name != NULL && !exact && g_ascii_strcasecmp (name, heuristic) == 0) {
      exact = g_str_equal (name, heuristic);
      found = candidate;
    }
    if (name != NULL)
      add_name (names, name);
    if (i >= identifai_json_get_size (list))
      return found;
    candidate = get_element (list, i++);
  }
}

static gchar *
complain_of_heuristic (const gchar * heuristic, GPtrArray * names)
{
  gchar *list, *line, *text;

  g_ptr_array_add (names, NULL);
  list = g_strjoinv (", ", (gchar **) names->pdata);
  line = identifai_clean_text (list, strlen (list), IDENTIFAI_MAX_TEXT_BYTES);
  text = g_strdup_printf ("The answer has no verdict of the heuristic \"%s\"; "
      "it has: %s", heuristic, line ? line : "none");
  g_free (line);
  g_free (list);

  return text;
}

/* Whether node is a verdict that can be understood. */
static gboolean
is_verdict (JsonNode * node)
{
  Verdict verdict;

  if (!verdict_read (&verdict, node, NULL))
    return FALSE;
  verdict_clear (&verdict);

  return TRUE;
}

/* Any verdict at all: a final answer without one is no answer. */
static gboolean
has_verdict (JsonNode * answer)
{
  JsonNode *list = get_verdicts (answer);
  guint i;

  for (i = 0; i < identifai_json_get_size (list); i++) {
    if (is_verdict (get_element (list, i)))
      return TRUE;
  }

  return is_verdict (identifai_json_get_member (answer, "verdict"));
}

static JsonNode *
choose_by_heuristic (IdentifaiResult * self, const gchar * name,
    JsonNode * answer, const gchar * heuristic, GError ** error)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  JsonNode *found = find_heuristic (answer, heuristic, names);

  GST_LOG_ID (name, "the verdict of %s is %s, of %u heuristics", heuristic,
      found == NULL ? "missing" : found == identifai_json_get_member (answer,
          "verdict") ? "the main one" : "one of the list", names->len);
  if (found == NULL && has_verdict (answer)) {
    self->state = IDENTIFAI_RESULT_UNCHOSEN;
    self->error_text = complain_of_heuristic (heuristic, names);
  } else if (found == NULL) {
    identifai_json_fail (error, "The answer is final, but has no verdict");
  }
  g_ptr_array_unref (names);

  return found;
}

/* The service's own verdict; failing that, the only one in the list. */
static JsonNode *
choose_main (const gchar * name, JsonNode * answer, GError ** error)
{
  JsonNode *verdict = identifai_json_get_member (answer, "verdict");
  JsonNode *list = get_verdicts (answer);

  if (is_null (verdict) && identifai_json_get_size (list) == 1) {
    GST_DEBUG_ID (name, "there is no main verdict: the only one of the list");
    verdict = get_element (list, 0);
  }
  if (!is_null (verdict))
    return verdict;
  identifai_json_fail (error, "The answer is final, but has no verdict");

  return NULL;
}

/* What was made of a verdict that isn't as most are. */
static void
log_odd_verdict (const gchar * name, const Verdict * self, JsonNode * node)
{
  JsonNode *confidence = identifai_json_get_member (node, "confidence");
  gint unknown = get_flag (identifai_json_get_member (node, "unknown"));

  if (identifai_json_get_string (confidence) != NULL)
    GST_DEBUG_ID (name, "the confidence is a text, read as %.3f",
        self->confidence);
  if (self->unknown && unknown != TRUE)
    GST_DEBUG_ID (name, "the classification is no word that is known: unknown");
  else if (self->unknown)
    GST_DEBUG_ID (name, "the verdict says that it is unknown, which counts");
  else if (is_null (confidence))
    GST_DEBUG_ID (name, "there is no confidence: the score is %.0f",
        self->score);
  else if (self->confidence < 0.5)
    GST_DEBUG_ID (name, "a confidence of %.3f, below 0.5: the score is 0.5",
        self->confidence);
}

/* What has a wrong type is left out. */
static void
log_odd_members (const gchar * name, const IdentifaiResult * self,
    JsonNode * answer)
{
  static const gchar *const flags[] = { "is_nsfw", "has_heatmap" };
  JsonNode *forced = identifai_json_get_member (answer, "force_classification");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (flags); i++) {
    JsonNode *flag = identifai_json_get_member (answer, flags[i]);

    if (!is_null (flag) && get_flag (flag) < 0)
      GST_DEBUG_ID (name, "%s is no boolean: it counts as not said", flags[i]);
  }
  if (!is_null (forced) && self->forced == NULL)
    GST_DEBUG_ID (name, "force_classification is left out: empty, too long or "
        "no string");
}

static gboolean
read_chosen_verdict (IdentifaiResult * self, const gchar * name,
    JsonNode * answer, const gchar * heuristic, GError ** error)
{
  JsonNode *chosen = heuristic == NULL ? choose_main (name, answer, error) :
      choose_by_heuristic (self, name, answer, heuristic, error);
  Verdict verdict;

  if (self->state == IDENTIFAI_RESULT_UNCHOSEN)
    return TRUE;
  if (chosen == NULL || !verdict_read (&verdict, chosen, error))
    return FALSE;

  log_odd_verdict (name, &verdict, chosen);
  self->classification = verdict.classification;
  self->heuristic = verdict.heuristic;
  self->confidence = verdict.confidence;
  self->score = verdict.score;
  self->unknown = verdict.unknown;

  return TRUE;
}

/* By the heuristic, if the image has a verdict of it; else by its own. */
static gboolean
is_artificial (JsonNode * image, const gchar * heuristic)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  JsonNode *chosen = heuristic && is_object (image) ?
      find_heuristic (image, heuristic, names) : NULL;
  gboolean artificial;
  Verdict verdict;

  g_ptr_array_unref (names);
  if (chosen == NULL)
    chosen = identifai_json_get_member (image, "verdict");
  if (!verdict_read (&verdict, chosen, NULL))
    return FALSE;
  artificial = g_str_equal (verdict.classification, "artificial");
  verdict_clear (&verdict);

  return artificial;
}

static guint
count_artificial (JsonNode * results, const gchar * heuristic)
{
  JsonNode *images = identifai_json_get_member (results, "images");
  guint count = 0, i;

  for (i = 0; is_array (images) && i < identifai_json_get_size (images); i++)
    count += is_artificial (get_element (images, i), heuristic);

  return count;
}

/* -- one answer -- */

/* By the rule: a status that says so, or without a status a verdict. */
static gboolean
read_state (const gchar * name, JsonNode * answer,
    IdentifaiResultState * state, GError ** error)
{
  JsonNode *node = identifai_json_get_member (answer, "status");
  const gchar *status = identifai_json_get_string (node);
  gboolean is_final;

  *state = IDENTIFAI_RESULT_PENDING;
  if (status == NULL && !is_null (node))
    return identifai_json_fail (error, "The answer's status is no string");

  is_final = status ? g_ascii_strcasecmp (status, "done") == 0 :
      !is_null (identifai_json_get_member (answer, "verdict"));
  if (is_final)
    *state = IDENTIFAI_RESULT_FINAL;
  else if (status != NULL && g_ascii_strcasecmp (status, "errored") == 0)
    *state = IDENTIFAI_RESULT_ERRORED;
  GST_LOG_ID (name, "status %s: %s", status ? status :
      "isn't said, so a verdict tells", *state == IDENTIFAI_RESULT_FINAL ?
      "final" : *state == IDENTIFAI_RESULT_ERRORED ? "given up" : "not yet");

  return TRUE;
}

static void
read_results (IdentifaiResult * self, const gchar * name, JsonNode * node,
    IdentifaiRoom * room)
{
  GValue list = G_VALUE_INIT;

  if (is_object (node)) {
    gst_structure_free (self->results);
    self->results =
        identifai_structure_from_json (name, json_node_get_object (node),
        "results", room);
  } else if (is_array (node)
      && identifai_structure_value_from_json (name, node, &list, room)) {
    /* the service's introduction speaks of an array */
    gst_structure_take_value (self->results, "results", &list);
  } else if (!is_null (node)) {
    GST_DEBUG_ID (name, "results are left out: neither object nor array");
  }
  if (*room < 0)
    gst_structure_set (self->results, "truncated", G_TYPE_BOOLEAN, TRUE, NULL);
}

static gboolean
read_final (IdentifaiResult * self, const gchar * name, JsonNode * answer,
    const gchar * heuristic, GError ** error)
{
  IdentifaiRoom room = IDENTIFAI_ROOM;

  if (!read_chosen_verdict (self, name, answer, heuristic, error))
    return FALSE;
  self->nsfw = get_flag (identifai_json_get_member (answer, "is_nsfw"));
  self->has_heatmap =
      get_flag (identifai_json_get_member (answer, "has_heatmap")) == TRUE;
  self->forced =
      dup_name (identifai_json_get_member (answer, "force_classification"));
  log_odd_members (name, self, answer);
  self->artificial_frames =
      count_artificial (identifai_json_get_member (answer, "results"),
      heuristic);
  read_verdicts (name, get_verdicts (answer), &self->verdicts, &room);
  read_results (self, name, identifai_json_get_member (answer, "results"),
      &room);

  return TRUE;
}

static void
read_errors (IdentifaiResult * self, const gchar * name, JsonNode * answer)
{
  static const gchar *const names[] = { "errors", "error", "message" };
  guint i;

  for (i = 0; self->error_text == NULL && i < G_N_ELEMENTS (names); i++)
    self->error_text =
        identifai_error_text (identifai_json_get_member (answer, names[i]));
  GST_DEBUG_ID (name, "why the service gave up %s%s", i > 0
      && self->error_text != NULL ? "is said by its " : "isn't said",
      i > 0 && self->error_text != NULL ? names[i - 1] : "");
  if (self->error_text == NULL)
    self->error_text = g_strdup ("The service gave up and gives no reason");
}

/* Whoever can't say how far the service is, and complains, isn't the service:
 * a front answers {"message":"Please wait"} with status 200, too. */
static gboolean
check_complaint (JsonNode * answer, GError ** error)
{
  static const gchar *const results[] = {
    "identifier", "hash", "status", "verdict", "verdicts", "results"
  };
  static const gchar *const complaints[] = { "error", "errors", "message" };
  gchar *words = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (results); i++) {
    if (identifai_json_get_member (answer, results[i]) != NULL)
      return TRUE;
  }
  for (i = 0; words == NULL && i < G_N_ELEMENTS (complaints); i++)
    words = identifai_error_text (identifai_json_get_member (answer,
            complaints[i]));
  if (words == NULL)
    return TRUE;

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "The answer is no result, but says: %s", words);
  g_free (words);

  return FALSE;
}

static IdentifaiResult *
read_result (const gchar * name, JsonNode * answer, const gchar * heuristic,
    GError ** error)
{
  IdentifaiResult *self = result_new ();

  if (!check_complaint (answer, error)
      || !read_state (name, answer, &self->state, error)
      || (self->state == IDENTIFAI_RESULT_FINAL
          && !read_final (self, name, answer, heuristic, error))) {
    identifai_result_free (self);
    return NULL;
  }
  if (self->state == IDENTIFAI_RESULT_ERRORED)
    read_errors (self, name, answer);
  self->identifier =
      identifai_identifier_dup (identifai_json_get_member (answer,
          "identifier"));
  self->hash =
      identifai_identifier_dup (identifai_json_get_member (answer, "hash"));

  return self;
}

static IdentifaiResult *
parse (const gchar * name, const gchar * data, gsize length,
    const gchar * heuristic, GError ** error)
{
  IdentifaiResult *self = NULL;
  JsonNode *answer;

  answer = identifai_json_read (data, length, error);
  if (answer == NULL)
    return NULL;

  if (is_object (answer))
    self = read_result (name, answer, heuristic, error);
  else
    identifai_json_fail (error, "The answer is no JSON object");
  json_node_unref (answer);
  if (self != NULL) {
    IdentifaiJsonSlice slice = identifai_json_find_object (data, length);

    self->json = g_strndup (slice.text, slice.length);
  }

  return self;
}

static void
log_final (const gchar * name, const IdentifaiResult * self)
{
  GST_DEBUG_ID (name, "%s is judged: %s, confidence %.3f, by %s, one of %u "
      "verdicts%s%s; %u frames are artificial, %d fields of results%s",
      GST_STR_NULL (self->identifier), self->classification, self->confidence,
      self->heuristic ? self->heuristic : "no heuristic with a name",
      gst_value_array_get_size (&self->verdicts),
      self->forced ? ", forced to " : "", self->forced ? self->forced : "",
      self->artificial_frames, gst_structure_n_fields (self->results),
      gst_structure_has_field (self->results, "truncated") ?
      ", which are cut short" : "");
}

static void
log_result (const gchar * name, const IdentifaiResult * self)
{
  if (self->state == IDENTIFAI_RESULT_FINAL)
    log_final (name, self);
  else
    GST_DEBUG_ID (name, "%s has no verdict: %s",
        GST_STR_NULL (self->identifier),
        self->error_text ? self->error_text : "the service is still at it");
}

IdentifaiResult *
identifai_result_parse (const gchar * name, const gchar * data, gsize length,
    const gchar * heuristic, GError ** error)
{
  GError *reason = NULL;
  IdentifaiResult *self = parse (name, data, length, heuristic, &reason);

  if (self != NULL) {
    log_result (name, self);
  } else {
    GST_DEBUG_ID (name, "a result of %" G_GSIZE_FORMAT " bytes can't be read: "
        "%s", length, reason->message);
    g_propagate_error (error, reason);
  }

  return self;
}

gboolean
identifai_result_is_of (const IdentifaiResult * self, const gchar * identifier)
{
  return self->identifier == NULL || g_str_equal (self->identifier, identifier)
      || g_strcmp0 (self->hash, identifier) == 0;
}
