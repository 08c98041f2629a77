/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is taken from an answer, and how strictly:
 *
 *   the text     strict JSON in valid UTF-8; NaN and Infinity are none
 *   duplicates   of two members with one name the last counts
 *   status       a string or null; anything else is not understood. Unknown
 *                strings mean that the service is still at it
 *   verdict      what a final answer must have, an object with a
 *                classification, or unknown: true. If it is null, and there is
 *                one verdict in the list, then that one counts
 *   confidence   0 if missing or null; a number, or a number in a string (as
 *                database layers like to send decimals), from 0 to 1
 *   unknown      false if missing or null; a boolean, 0 or 1
 *   is_nsfw      not judged if missing, null or of a wrong type
 *   the others   left out if of a wrong type: a verdict that was paid for is
 *                not lost for an odd detail
 */

#include "identifairesult.h"

#include <math.h>
#include <string.h>

#include "identifaierror.h"
#include "identifaijson.h"
#include "identifaistructure.h"

#define MAX_NAME_BYTES 256      /* of a classification, a heuristic */
#define MAX_NAMES 20            /* of heuristics in a complaint */
#define CONFIDENCE_SLACK 1e-6   /* a float's rounding */

/* The fields of an answer that mean something to us; each may be unset. */
typedef struct
{
  IdentifaiJson identifier, status, verdict, verdicts, results, is_nsfw, forced;
  IdentifaiJson whole;
} Answer;

/* One verdict as read; the strings are owned. */
typedef struct
{
  gchar *classification;
  gchar *heuristic;
  gdouble confidence;
  gboolean unknown;
} Verdict;

static gboolean
bad (GError ** error, const gchar * text)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, text);
  return FALSE;
}

void
identifai_result_free (IdentifaiResult * self)
{
  g_free (self->identifier);
  g_free (self->classification);
  g_free (self->heuristic);
  g_free (self->forced);
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
is_null (const IdentifaiJson * value)
{
  return identifai_json_get_type (value) == IDENTIFAI_JSON_NULL;
}

static gboolean
is_object (const IdentifaiJson * value)
{
  return identifai_json_get_type (value) == IDENTIFAI_JSON_OBJECT;
}

/* A string of a sane length that is not empty, else NULL. */
static gchar *
dup_name (const IdentifaiJson * value)
{
  gchar *name = identifai_json_dup_string (value);

  if (name != NULL && (*name == '\0' || strlen (name) > MAX_NAME_BYTES))
    g_clear_pointer (&name, g_free);

  return name;
}

static gboolean
identifier_is_usable (const gchar * text, gsize length)
{
  gsize i;

  if (length == 0 || length > IDENTIFAI_MAX_IDENTIFIER_BYTES)
    return FALSE;
  for (i = 0; i < length; i++) {
    if (!g_ascii_isgraph (text[i]))
      return FALSE;
  }

  /* no URL can hold these as a path's segment, escaped or not */
  return strncmp (text, "..", length) != 0;
}

/* A string, or the digits of a number, that can be an identifier, else NULL. */
static gchar *
dup_identifier (const IdentifaiJson * value)
{
  gchar *identifier = identifai_json_dup_string (value);

  if (identifai_json_get_type (value) == IDENTIFAI_JSON_NUMBER)
    identifier = g_strndup (value->text, value->length);
  if (identifier != NULL
      && !identifier_is_usable (identifier, strlen (identifier)))
    g_clear_pointer (&identifier, g_free);

  return identifier;
}

/* TRUE, FALSE, or -1 for neither. */
static gint
get_flag (const IdentifaiJson * value)
{
  gboolean flag;
  gint64 number;

  if (identifai_json_get_boolean (value, &flag))
    return flag;
  if (identifai_json_get_int64 (value, &number)
      && (number == 0 || number == 1))
    return number;

  return -1;
}

/* A number, or a string that is one. */
static gboolean
get_number (const IdentifaiJson * value, gdouble * number)
{
  IdentifaiJson inner;

  if (identifai_json_get_type (value) != IDENTIFAI_JSON_STRING)
    return identifai_json_get_double (value, number);

  return identifai_json_check (value->text + 1, value->length - 2, 0, &inner,
      NULL) && identifai_json_get_double (&inner, number);
}

static gboolean
get_confidence (const IdentifaiJson * value, gdouble * confidence)
{
  *confidence = 0;
  if (is_null (value))
    return TRUE;
  if (!get_number (value, confidence)
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

/* "unknown" where it says so, else the service's word, whose case doesn't
 * matter for those that we know. NULL if there is none. */
static gchar *
get_classification (const IdentifaiJson * value, gboolean unknown)
{
  static const gchar *const known[] = { "human", "artificial", "unknown" };
  gchar *name;
  guint i;

  if (unknown)
    return g_strdup ("unknown");

  name = dup_name (value);
  for (i = 0; name != NULL && i < G_N_ELEMENTS (known); i++) {
    if (g_ascii_strcasecmp (name, known[i]) == 0) {
      g_free (name);
      return g_strdup (known[i]);
    }
  }

  return name;
}

/* FALSE (nothing to clear) if json can't be understood as a verdict. */
static gboolean
verdict_read (Verdict * self, const IdentifaiJson * json, GError ** error)
{
  IdentifaiJson classification, heuristic, confidence, unknown;

  memset (self, 0, sizeof (*self));
  if (!is_object (json))
    return bad (error, "The answer's verdict is no object");

  identifai_json_get_member (json, "confidence", &confidence);
  identifai_json_get_member (json, "unknown", &unknown);
  identifai_json_get_member (json, "classification", &classification);
  identifai_json_get_member (json, "heuristic", &heuristic);

  if (!get_confidence (&confidence, &self->confidence))
    return bad (error, "The verdict's confidence is no number from 0 to 1");
  if (!is_null (&unknown) && get_flag (&unknown) < 0)
    return bad (error, "The verdict's unknown is no boolean");
  self->classification = get_classification (&classification,
      get_flag (&unknown) == TRUE);
  if (self->classification == NULL)
    return bad (error, "The verdict has no classification");
  self->unknown = g_str_equal (self->classification, "unknown");
  self->heuristic = dup_name (&heuristic);

  return TRUE;
}

/* One element of the list of verdicts: all that the service gives (count,
 * models), and what we understood under the same names and types as in the
 * message. */
static void
append_verdict (GValue * array, const Verdict * verdict,
    const IdentifaiJson * json, IdentifaiRoom * room)
{
  GstStructure *structure =
      identifai_structure_from_json (json, "verdict", room);
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

/* Those that can't be understood are left out. */
static void
read_verdicts (const IdentifaiJson * list, GValue * array, IdentifaiRoom * room)
{
  IdentifaiJsonIter iter;
  IdentifaiJson json;
  Verdict verdict;

  if (identifai_json_get_type (list) != IDENTIFAI_JSON_ARRAY)
    return;

  identifai_json_iter_init (&iter, list);
  while (*room >= 0 && identifai_json_iter_next (&iter, NULL, &json)) {
    if (verdict_read (&verdict, &json, NULL)) {
      append_verdict (array, &verdict, &json, room);
      verdict_clear (&verdict);
    }
  }
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
static gboolean
find_heuristic (const Answer * answer, const gchar * heuristic,
    IdentifaiJson * found, GPtrArray * names)
{
  IdentifaiJson candidate = answer->verdict, member;
  IdentifaiJsonIter iter;
  gboolean exact = FALSE, any = FALSE;

  identifai_json_iter_init (&iter, &answer->verdicts);
  do {
    gchar *name = identifai_json_get_member (&candidate, "heuristic", &member) ?
        dup_name (&member) : NULL;

    if (name == NULL)
      continue;
    if (!exact && g_ascii_strcasecmp (name, heuristic) == 0) {
      exact = g_str_equal (name, heuristic);
      *found = candidate;
      any = TRUE;
    }
    add_name (names, name);
  } while (identifai_json_iter_next (&iter, NULL, &candidate));

  return any;
}

static void
complain_of_heuristic (const gchar * heuristic, GPtrArray * names,
    GError ** error)
{
  gchar *list, *line;

  g_ptr_array_add (names, NULL);
  list = g_strjoinv (", ", (gchar **) names->pdata);
  line = identifai_error_clean (list, strlen (list), IDENTIFAI_MAX_TEXT_BYTES);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "The answer has no verdict of the heuristic \"%s\"; it has: %s",
      heuristic, line ? line : "none");
  g_free (line);
  g_free (list);
}

static gboolean
choose_by_heuristic (const Answer * answer, const gchar * heuristic,
    IdentifaiJson * chosen, GError ** error)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  gboolean found = find_heuristic (answer, heuristic, chosen, names);

  if (!found)
    complain_of_heuristic (heuristic, names, error);
  g_ptr_array_unref (names);

  return found;
}

/* The service's own verdict; failing that, the only one in the list. */
static void
choose_main (const Answer * answer, IdentifaiJson * chosen)
{
  IdentifaiJson only = { NULL, 0 }, more;
  IdentifaiJsonIter iter;

  *chosen = answer->verdict;
  if (!is_null (chosen))
    return;

  identifai_json_iter_init (&iter, &answer->verdicts);
  if (identifai_json_iter_next (&iter, NULL, &only)
      && !identifai_json_iter_next (&iter, NULL, &more))
    *chosen = only;
}

static gboolean
read_chosen_verdict (IdentifaiResult * self, const Answer * answer,
    const gchar * heuristic, GError ** error)
{
  IdentifaiJson chosen;
  Verdict verdict;

  if (heuristic == NULL)
    choose_main (answer, &chosen);
  else if (!choose_by_heuristic (answer, heuristic, &chosen, error))
    return FALSE;

  if (is_null (&chosen))
    return bad (error, "The answer is final, but has no verdict");
  if (!verdict_read (&verdict, &chosen, error))
    return FALSE;

  self->classification = verdict.classification;
  self->heuristic = verdict.heuristic;
  self->confidence = verdict.confidence;
  self->unknown = verdict.unknown;

  return TRUE;
}

/* -- one answer -- */

static void
answer_read (Answer * self, const IdentifaiJson * object)
{
  const struct
  {
    const gchar *name;
    IdentifaiJson *value;
  } members[] = {
    {"identifier", &self->identifier}, {"status", &self->status},
    {"verdict", &self->verdict}, {"verdicts", &self->verdicts},
    {"results", &self->results}, {"is_nsfw", &self->is_nsfw},
    {"force_classification", &self->forced},
  };
  guint i;

  self->whole = *object;
  for (i = 0; i < G_N_ELEMENTS (members); i++)
    identifai_json_get_member (object, members[i].name, members[i].value);
}

/* By the rule: a status that says so, or without a status a verdict. */
static gboolean
read_state (const Answer * answer, IdentifaiResultState * state,
    GError ** error)
{
  gchar *status = identifai_json_dup_string (&answer->status);
  gboolean is_final;

  *state = IDENTIFAI_RESULT_PENDING;
  if (status == NULL && !is_null (&answer->status))
    return bad (error, "The answer's status is no string");

  is_final = status ? g_ascii_strcasecmp (status, "done") == 0 :
      !is_null (&answer->verdict);
  if (is_final)
    *state = IDENTIFAI_RESULT_FINAL;
  else if (status != NULL && g_ascii_strcasecmp (status, "errored") == 0)
    *state = IDENTIFAI_RESULT_ERRORED;
  g_free (status);

  return TRUE;
}

static void
read_results (IdentifaiResult * self, const Answer * answer,
    IdentifaiRoom * room)
{
  GValue list = G_VALUE_INIT;

  if (is_object (&answer->results)) {
    gst_structure_free (self->results);
    self->results =
        identifai_structure_from_json (&answer->results, "results", room);
  } else if (identifai_json_get_type (&answer->results) ==
      IDENTIFAI_JSON_ARRAY
      && identifai_structure_value_from_json (&answer->results, &list, room)) {
    /* the service's introduction speaks of an array */
    gst_structure_take_value (self->results, "results", &list);
  }
  if (*room < 0)
    gst_structure_set (self->results, "truncated", G_TYPE_BOOLEAN, TRUE, NULL);
}

static gboolean
read_final (IdentifaiResult * self, const Answer * answer,
    const gchar * heuristic, GError ** error)
{
  IdentifaiRoom room = IDENTIFAI_ROOM;

  if (!read_chosen_verdict (self, answer, heuristic, error))
    return FALSE;
  self->nsfw = get_flag (&answer->is_nsfw);
  self->forced = dup_name (&answer->forced);
  read_verdicts (&answer->verdicts, &self->verdicts, &room);
  read_results (self, answer, &room);

  return TRUE;
}

static void
read_errors (IdentifaiResult * self, const Answer * answer)
{
  static const gchar *const names[] = { "errors", "error", "message" };
  IdentifaiJson member;
  guint i;

  for (i = 0; self->error_text == NULL && i < G_N_ELEMENTS (names); i++) {
    if (identifai_json_get_member (&answer->whole, names[i], &member))
      self->error_text = identifai_error_words (&member);
  }
  if (self->error_text == NULL)
    self->error_text = g_strdup ("The service gave up and gives no reason");
}

static IdentifaiResult *
read_result (const Answer * answer, const gchar * heuristic, GError ** error)
{
  IdentifaiResult *self = result_new ();

  if (!read_state (answer, &self->state, error)
      || (self->state == IDENTIFAI_RESULT_FINAL
          && !read_final (self, answer, heuristic, error))) {
    identifai_result_free (self);
    return NULL;
  }
  if (self->state == IDENTIFAI_RESULT_ERRORED)
    read_errors (self, answer);
  self->identifier = dup_identifier (&answer->identifier);
  self->json = g_strndup (answer->whole.text, answer->whole.length);

  return self;
}

static gboolean
check_size (gsize length, GError ** error)
{
  if (length > IDENTIFAI_MAX_ANSWER_BYTES)
    return bad (error, "The answer is too large");

  return TRUE;
}

IdentifaiResult *
identifai_result_parse (const gchar * data, gsize length,
    const gchar * heuristic, GError ** error)
{
  IdentifaiJson json;
  Answer answer;

  if (!check_size (length, error))
    return NULL;
  if (!g_utf8_validate_len (data, length, NULL)) {
    bad (error, "The answer is no valid UTF-8");
    return NULL;
  }
  if (!identifai_json_check (data, length, IDENTIFAI_MAX_NESTING, &json, error))
    return NULL;
  if (!is_object (&json)) {
    bad (error, "The answer is no JSON object");
    return NULL;
  }
  answer_read (&answer, &json);

  return read_result (&answer, heuristic, error);
}

/* -- many answers -- */

/* Its identifier; failing that, the file's hash. */
static gchar *
dup_result_identifier (const IdentifaiJson * json)
{
  IdentifaiJson member;
  gchar *identifier = NULL;

  if (identifai_json_get_member (json, "identifier", &member))
    identifier = dup_identifier (&member);
  if (identifier == NULL && identifai_json_get_member (json, "hash", &member))
    identifier = dup_identifier (&member);

  return identifier;
}

static void
add_slice (GHashTable * slices, GBytes * data, const IdentifaiJson * json)
{
  const gchar *start = g_bytes_get_data (data, NULL);
  gchar *identifier = dup_result_identifier (json);

  if (identifier != NULL)
    g_hash_table_replace (slices, identifier,
        g_bytes_new_from_bytes (data, json->text - start, json->length));
}

/* The array of results in json: itself, or an object's first array. */
static gboolean
find_list (const IdentifaiJson * json, IdentifaiJson * list)
{
  IdentifaiJsonIter iter;

  *list = *json;
  if (!is_object (json))
    return identifai_json_get_type (json) == IDENTIFAI_JSON_ARRAY;

  identifai_json_iter_init (&iter, json);
  while (identifai_json_iter_next (&iter, NULL, list)) {
    if (identifai_json_get_type (list) == IDENTIFAI_JSON_ARRAY)
      return TRUE;
  }

  return FALSE;
}

static gboolean
split (GHashTable * slices, GBytes * data, const IdentifaiJson * json)
{
  IdentifaiJsonIter iter;
  IdentifaiJson list, element;
  gchar *identifier = dup_result_identifier (json);

  if (identifier != NULL) {     /* one result without the array around it */
    add_slice (slices, data, json);
    g_free (identifier);
    return TRUE;
  }
  if (!find_list (json, &list))
    return FALSE;

  identifai_json_iter_init (&iter, &list);
  while (identifai_json_iter_next (&iter, NULL, &element))
    add_slice (slices, data, &element);

  return TRUE;
}

/* One result that nests too deep or has invalid UTF-8 must not spoil those
 * beside it: it fails when it is parsed. */
GHashTable *
identifai_result_split_batch (GBytes * data, GError ** error)
{
  gsize length;
  const gchar *text = g_bytes_get_data (data, &length);
  GHashTable *slices;
  IdentifaiJson json;

  if (!check_size (length, error)
      || !identifai_json_check (text, length, G_MAXUINT, &json, error))
    return NULL;

  slices = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);
  if (!split (slices, data, &json)) {
    g_hash_table_unref (slices);
    bad (error, "The answer is no array of results");
    return NULL;
  }

  return slices;
}

/* -- the answer to a submit call -- */

static gchar *
identifier_from_json (const IdentifaiJson * json)
{
  IdentifaiJson member = *json;

  if (is_object (json))
    identifai_json_get_member (json, "identifier", &member);

  return dup_identifier (&member);
}

/* Text as it is, if it can't be meant as a page or as broken JSON. */
static gchar *
identifier_from_text (const gchar * data, gsize length)
{
  while (length > 0 && g_ascii_isspace (*data)) {
    data++;
    length--;
  }
  while (length > 0 && g_ascii_isspace (data[length - 1]))
    length--;

  if (length == 0 || strchr ("<{[\"", *data) != NULL
      || !identifier_is_usable (data, length))
    return NULL;

  return g_strndup (data, length);
}

gchar *
identifai_result_parse_identifier (const gchar * data, gsize length,
    GError ** error)
{
  gchar *identifier;
  IdentifaiJson json;

  if (!check_size (length, error))
    return NULL;

  if (identifai_json_check (data, length, IDENTIFAI_MAX_NESTING, &json, NULL))
    identifier = identifier_from_json (&json);
  else
    identifier = identifier_from_text (data, length);
  if (identifier == NULL)
    bad (error, "The answer to the upload has no usable identifier");

  return identifier;
}
