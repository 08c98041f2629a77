/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the words in JSON, HTML or plain text, and cuts them to a sentence. Pure.
 */

#include "errortext.h"
#include "cleantext.h"
#include "log.h"

#include <string.h>

#include "result.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

#define MAX_KEY_BYTES 64        /* of a field's name in front of its complaint */

/* The members that carry the words by their names. */
static const gchar *const known_names[] = {
  "error", "message", "detail", "reason", "title", "errors", NULL
};

/* -- JSON -- */

static void collect_words (JsonNode * node, GString * words);

static void
add_words (GString * words, const gchar * text)
{
  if (words->len > 0)
    g_string_append (words, words->str[words->len - 1] == '.' ? " " : "; ");
  g_string_append (words, text);
}

static void
collect_string (const gchar * content, GString * words)
{
  gchar *text = identifai_clean_text (content, strlen (content),
      IDENTIFAI_MAX_TEXT_BYTES);

  /* frameworks like to say the same in two members */
  if (text != NULL && strstr (words->str, text) == NULL)
    add_words (words, text);
  g_free (text);
}

static gboolean
collect_known (JsonObject * object, GString * words)
{
  gsize before = words->len;
  guint i;

  for (i = 0; known_names[i] != NULL; i++)
    collect_words (json_object_get_member (object, known_names[i]), words);

  return words->len > before;
}

/* A form's complaints: {"field":["…","…"],…} */
static void
collect_field (const gchar * name, JsonNode * node, GString * words)
{
  GString *own = g_string_new (NULL);
  gchar *label = identifai_clean_text (name, strlen (name), MAX_KEY_BYTES);

  collect_words (node, own);
  if (own->len > 0) {
    if (label != NULL) {
      g_string_prepend (own, ": ");
      g_string_prepend (own, label);
    }
    add_words (words, own->str);
  }
  g_string_free (own, TRUE);
  g_free (label);
}

/* Leaves out the known members: there are no words in them, and to look twice
 * at every level would be exponential. */
static void
collect_fields (JsonObject * object, GString * words)
{
  JsonObjectIter iter;
  JsonNode *node;
  const gchar *name;

  json_object_iter_init_ordered (&iter, object);
  while (words->len <= IDENTIFAI_MAX_TEXT_BYTES
      && json_object_iter_next_ordered (&iter, &name, &node)) {
    if (!g_strv_contains (known_names, name))
      collect_field (name, node, words);
  }
}

static void
collect_elements (JsonArray * array, GString * words)
{
  guint i;

  for (i = 0; words->len <= IDENTIFAI_MAX_TEXT_BYTES
      && i < json_array_get_length (array); i++)
    collect_words (json_array_get_element (array, i), words);
}

/* Recursion is as deep as the text may be. */
static void
collect_words (JsonNode * node, GString * words)
{
  GType type = identifai_json_get_type (node);

  if (type == G_TYPE_STRING)
    collect_string (json_node_get_string (node), words);
  else if (type == JSON_TYPE_ARRAY)
    collect_elements (json_node_get_array (node), words);
  else if (type == JSON_TYPE_OBJECT
      && !collect_known (json_node_get_object (node), words))
    collect_fields (json_node_get_object (node), words);
}

gchar *
identifai_error_text (JsonNode * node)
{
  GString *words = g_string_new (NULL);
  gchar *line;

  collect_words (node, words);
  line = identifai_clean_text (words->str, words->len,
      IDENTIFAI_MAX_TEXT_BYTES);
  g_string_free (words, TRUE);

  return line;
}

/* -- HTML -- */

static const gchar *
find_ignoring_case (const gchar * p, const gchar * end, const gchar * needle)
{
  gsize length = strlen (needle);

  for (; (gsize) (end - p) >= length; p++) {
    if (g_ascii_strncasecmp (p, needle, length) == 0)
      return p;
  }

  return NULL;
}

/* Whether the tag at p has that name. */
static gboolean
is_tag (const gchar * p, const gchar * end, const gchar * name)
{
  gsize length = strlen (name);

  return (gsize) (end - p) > length
      && g_ascii_strncasecmp (p, name, length) == 0
      && !g_ascii_isalnum (p[length]);
}

/* The end of the tag at p, or of the element if its content is not text. What
 * isn't closed reaches to the end. */
static const gchar *
skip_tag (const gchar * p, const gchar * end)
{
  static const struct
  {
    const gchar *start, *stop;
  } elements[] = {
    {"<script", "</script"}, {"<style", "</style"},
    {"<title", "</title"},
  };
  const gchar *after;
  guint i;

  if (end - p >= 4 && memcmp (p, "<!--", 4) == 0) {
    after = find_ignoring_case (p + 4, end, "-->");
    return after ? after + 3 : end;
  }
  for (i = 0; i < G_N_ELEMENTS (elements); i++) {
    if (is_tag (p, end, elements[i].start)) {
      p = find_ignoring_case (p, end, elements[i].stop);
      break;
    }
  }
  after = p != NULL ? memchr (p, '>', end - p) : NULL;

  return after ? after + 1 : end;
}

/* Entities that error pages use; any other becomes a blank. Returns its end, or
 * p if there is none at p. */
static const gchar *
take_entity (const gchar * p, const gchar * end, GString * text)
{
  static const struct
  {
    const gchar *name, *meaning;
  } entities[] = {
    {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""},
    {"&apos;", "'"}, {"&#39;", "'"}, {"&#039;", "'"}, {"&#x27;", "'"},
  };
  const gchar *stop = p + 1;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (entities); i++) {
    gsize length = strlen (entities[i].name);

    if ((gsize) (end - p) >= length
        && memcmp (p, entities[i].name, length) == 0) {
      g_string_append (text, entities[i].meaning);
      return p + length;
    }
  }

  while (stop < end && (g_ascii_isalnum (*stop) || *stop == '#'))
    stop++;
  if (stop == end || *stop != ';' || stop == p + 1)
    return p;
  g_string_append_c (text, ' ');

  return stop + 1;
}

static void
append_page_byte (GString * text, gchar byte)
{
  if (!g_ascii_isspace (byte))
    g_string_append_c (text, byte);
  else if (text->len > 0 && text->str[text->len - 1] != ' ')
    g_string_append_c (text, ' ');
}

/* Appends the text of the page between p and end, as much as is of use. */
static void
append_page_text (const gchar * p, const gchar * end, GString * text)
{
  gsize enough = text->len + 2 * IDENTIFAI_MAX_TEXT_BYTES;

  while (p < end && text->len < enough) {
    const gchar *after = p;

    if (*p == '<') {
      append_page_byte (text, ' ');
      after = skip_tag (p, end);
    } else if (*p == '&') {
      after = take_entity (p, end, text);
    }
    if (after == p)
      append_page_byte (text, *after++);
    p = after;
  }
}

static gchar *
find_title (const gchar * data, const gchar * end)
{
  const gchar *start = find_ignoring_case (data, end, "<title"), *stop;
  GString *text;
  gchar *title;

  if (start == NULL || (start = memchr (start, '>', end - start)) == NULL)
    return NULL;
  stop = find_ignoring_case (start, end, "</title");
  if (stop == NULL)
    return NULL;

  text = g_string_new (NULL);
  append_page_text (start + 1, stop, text);
  title = identifai_clean_text (text->str, text->len, IDENTIFAI_MAX_TEXT_BYTES);
  g_string_free (text, TRUE);

  return title;
}

/* The title, then what the page says beyond it. */
static gchar *
page_words (const gchar * data, gsize length)
{
  gchar *title = find_title (data, data + length), *body, *words;
  GString *text = g_string_new (NULL);

  append_page_text (data, data + length, text);
  body = identifai_clean_text (text->str, text->len, IDENTIFAI_MAX_TEXT_BYTES);
  if (title != NULL && body != NULL && !g_str_has_prefix (body, title))
    g_string_printf (text, "%s: %s", title, body);
  else
    g_string_assign (text, body ? body : title ? title : "");
  words = identifai_clean_text (text->str, text->len, IDENTIFAI_MAX_TEXT_BYTES);

  g_string_free (text, TRUE);
  g_free (body);
  g_free (title);

  return words;
}

/* -- whole answers -- */

static gboolean
is_page (const gchar * data, gsize length)
{
  while (length > 0 && !g_ascii_isgraph (*data)) {
    data++;
    length--;
  }

  return length > 0 && *data == '<';
}

/* What is no page. */
static gchar *
json_words (const gchar * name, const gchar * data, gsize length)
{
  JsonNode *json =
      identifai_json_skim (data, length, IDENTIFAI_MAX_NESTING, NULL, NULL);
  gboolean has_more;
  gchar *words;

  if (json != NULL) {
    words = identifai_error_text (json);
    has_more = identifai_json_get_size (json) > 0;
    json_node_unref (json);
    GST_DEBUG_ID (name, "an error in JSON, %s", words != NULL ?
        "with words" : has_more ? "with figures only, which are quoted" :
        "which is empty");
    if (words != NULL || !has_more)
      return words;
  } else {
    GST_DEBUG_ID (name, "an error that is neither page nor JSON is quoted");
  }

  /* no JSON, or no words in it, but figures: as it is */
  return identifai_clean_text (data, length, IDENTIFAI_MAX_TEXT_BYTES);
}

gchar *
identifai_result_parse_error (const gchar * name, const gchar * data,
    gsize length)
{
  if (data == NULL || length == 0) {
    GST_DEBUG_ID (name, "an error without a body: there are no words");
    return NULL;
  }
  if (length > IDENTIFAI_MAX_ANSWER_BYTES)
    GST_DEBUG_ID (name, "of an error of %" G_GSIZE_FORMAT " bytes, only %d are "
        "read", length, IDENTIFAI_MAX_ANSWER_BYTES);
  length = MIN (length, IDENTIFAI_MAX_ANSWER_BYTES);
  if (is_page (data, length)) {
    GST_DEBUG_ID (name, "an error of %" G_GSIZE_FORMAT " bytes is a page, of "
        "which title and text are quoted", length);
    return page_words (data, length);
  }

  return json_words (name, data, length);
}

/* "credit", "credits", "available_credits", but not "accredited". */
gboolean
identifai_error_speaks_of_credits (const gchar * text)
{
  const gchar *start = text, *end = text + strlen (text), *hit;

  while ((hit = find_ignoring_case (start, end, "credit")) != NULL) {
    if (hit == text || !g_ascii_isalpha (hit[-1]))
      return TRUE;
    start = hit + 1;
  }

  return FALSE;
}
