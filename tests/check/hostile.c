/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers that are made to hurt: huge, deep, cut, changed in any byte.
 */

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <string.h>

#include "identifier.h"
#include "result.h"
#include "result-example.h"

#define VERDICT "\"verdict\":{\"classification\":\"human\",\"confidence\":0.5}"

/* The sanitizers take many times as long. */
#ifdef __SANITIZE_ADDRESS__
#define HUGE_BYTES (128 * 1024)
#define STRIDE 31
#else
#define STRIDE 1
#define HUGE_BYTES IDENTIFAI_MAX_ANSWER_BYTES
#endif
#define MAX_PRINTED (256 * 1024 * 1024) /* bytes; four times the room */

/* Parses it with every reader, and prints what comes out. */
static gboolean
survive (const gchar * data, gsize length)
{
  GBytes *bytes = g_bytes_new_static (data, length);
  IdentifaiResult *result =
      identifai_result_parse (NULL, data, length, NULL, NULL);
  GHashTable *slices = identifai_result_split_batch (NULL, bytes, NULL);
  gboolean understood = result != NULL;

  g_free (identifai_identifier_parse (NULL, data, length, NULL));
  g_free (identifai_result_parse_error (NULL, data, length));
  g_clear_pointer (&slices, g_hash_table_unref);
  if (understood) {
    gchar *printed = gst_structure_to_string (result->results);

    fail_unless (strlen (printed) < MAX_PRINTED);
    g_free (printed);
    identifai_result_free (result);
  }
  g_bytes_unref (bytes);

  return understood;
}

/* Appends head, then body as often as it fits, then tail, up to size bytes. A
 * '#' in body is replaced by a number that differs each time. */
static GString *
fill (const gchar * head, const gchar * body, const gchar * tail, gsize size)
{
  GString *text = g_string_sized_new (size);
  const gchar *mark = strchr (body, '#');
  guint n = 0;

  g_string_append (text, head);
  while (text->len + strlen (body) + 10 + strlen (tail) < size) {
    if (mark == NULL)
      g_string_append (text, body);
    else
      g_string_append_printf (text, "%.*s%u%s", (gint) (mark - body), body,
          n++, mark + 1);
  }

  return g_string_append (text, tail);
}

/* -- size -- */

static const struct
{
  const gchar *head, *body, *tail;
  gboolean too_many;            /* values, or members of an object, for it */
} huge[] = {
  {"{" VERDICT ",\"results\":{\"a\":[0", ",1", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[0", ",0.5", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[0", ",\"\"", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[[]", ",[]", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[{}", ",{}", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[{}", ",{\"score\":1}", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[{}",
        ",[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "]}}",
      TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[{}",
        ",{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":\"\\\\\"}}}}}}}}",
      "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":\"", "\\\"", "\"}}"},
  {"{" VERDICT ",\"results\":{\"a\":\"", "\303\251", "\"}}"},
  {"{" VERDICT ",\"results\":{\"a\":\"", "\\u0001", "\"}}"},
  {"{" VERDICT ",\"results\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":\"",
      "\360\237\230\200", "\"}}}}}}}"},
  {"{" VERDICT ",\"results\":{\"a\":1", ",\"hostile-#\":1", "}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":[{}", ",{\"hostile-#\":1}", "]}}", TRUE},
  {"{" VERDICT ",\"results\":{\"a\":1", ",\"a\":2", "}}", TRUE},
  {"{" VERDICT ",\"results\":{\"", "a", "\":1}}"},
  {"{" VERDICT ",\"results\":{\"a\":", "1", "}}"},
  {"{" VERDICT, "," VERDICT, "}", TRUE},
  {"{" VERDICT ",\"verdicts\":[1", ",{\"unknown\":true}", "]}", TRUE},
  {"{" VERDICT, ",\"n#\":1", "}", TRUE},
  {"{" VERDICT ",\"identifier\":\"", "a", "\"}"},
  {"{" VERDICT, " ", "}"},
  {"{\"status\":\"errored\",\"errors\":[1", ",\"a#\"", "]}", TRUE},
  {"{\"status\":\"errored\",\"errors\":\"", "\\u0000", "\"}"},
  {"{\"status\":\"", "x", "\"}"},
};

static gboolean
survive_filled (gint i, gsize size)
{
  GString *text = fill (huge[i].head, huge[i].body, huge[i].tail, size);
  gboolean understood = survive (text->str, text->len);

  g_string_free (text, TRUE);

  return understood;
}

/* The same text is read if it is modest; between the two, anything may be. */
GST_START_TEST (test_huge)
{
  gboolean understood = survive_filled (__i__, HUGE_BYTES);

  fail_unless (understood || huge[__i__].too_many);
  fail_if (understood && huge[__i__].too_many
      && HUGE_BYTES == IDENTIFAI_MAX_ANSWER_BYTES);
  survive_filled (__i__, HUGE_BYTES / 16);
  fail_unless (survive_filled (__i__, 8 * 1024));
}

GST_END_TEST;

/* Errors, batches and noise of a quarter of that size. */
static const struct
{
  const gchar *head, *body, *tail;
} noise[] = {
  {"", "[", ""},
  {"", "[]", ""},
  {"[0", ",{\"identifier\":\"#\"}", "]"},
  {"[0", ",{\"identifier\":\"a\"}", "]"},
  {"", "{\"a\":", ""},
  {"", "{\"errors\":", ""},
  {"\"", "\\\\", ""},
  {"\"", "\\", ""},
  {"", "\"", ""},
  {"", "-", ""},
  {"", "1", ""},
  {"", "1e", ""},
  {"", "\377", ""},
  {"", "\360\237", ""},
  {"", "\033", ""},
  {"", " ", ""},
  {"<", "<", ""},
  {"<", "<!--", ""},
  {"<", "<script", ""},
  {"<", "<script>", ""},
  {"<", "<title", ""},
  {"<", "<title>", ""},
  {"<", "&amp", ""},
  {"<p>", "&", ""},
  {"<p>", "&a#;", ""},
  {"<p>", " ", ""},
  {"{\"errors\":[0", ",\"a\"", "]}"},
  {"{\"errors\":[0", ",{\"error\":0,\"message\":[]}", "]}"},
};

GST_START_TEST (test_noise)
{
  GString *text = fill (noise[__i__].head, noise[__i__].body,
      noise[__i__].tail, HUGE_BYTES / 4);

  survive (text->str, text->len);
  g_string_free (text, TRUE);
}

GST_END_TEST;

GST_START_TEST (test_limit)
{
  gchar *data = g_strnfill (IDENTIFAI_MAX_ANSWER_BYTES + 1, ' ');
  gsize limit = IDENTIFAI_MAX_ANSWER_BYTES;
  GBytes *fits = g_bytes_new_static (data, limit);
  GBytes *too_large = g_bytes_new_static (data, limit + 1);
  IdentifaiResult *result;
  GHashTable *slices;

  memcpy (data, "{}", 2);
  result = identifai_result_parse (NULL, data, limit, NULL, NULL);
  fail_unless (result != NULL);
  identifai_result_free (result);
  fail_unless (identifai_result_parse (NULL, data, limit + 1, NULL,
          NULL) == NULL);

  memcpy (data, "[]", 2);
  slices = identifai_result_split_batch (NULL, fits, NULL);
  fail_unless (slices != NULL);
  g_hash_table_unref (slices);
  fail_unless (identifai_result_split_batch (NULL, too_large, NULL) == NULL);

  memcpy (data, "id", 2);
  fail_unless (identifai_identifier_parse (NULL, data, limit + 1,
          NULL) == NULL);

  g_bytes_unref (fits);
  g_bytes_unref (too_large);
  g_free (data);
}

GST_END_TEST;

static gboolean
is_truncated (const GString * text)
{
  IdentifaiResult *result =
      identifai_result_parse (NULL, text->str, text->len, NULL, NULL);
  gboolean truncated = FALSE;

  fail_unless (result != NULL);
  gst_structure_get_boolean (result->results, "truncated", &truncated);
  fail_unless_equals_int (truncated,
      gst_structure_has_field (result->results, "truncated"));
  identifai_result_free (result);

  return truncated;
}

/* More than is ever printed is left out, and said so; the largest answers that
 * the service is known to give, of thirty frames, are far from that. */
GST_START_TEST (test_room)
{
  GString *text = fill ("{" VERDICT ",\"results\":{\"a\":[{}",
      ",{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}", "]}}",
      512 * 1024);

  fail_unless (is_truncated (text));
  g_string_free (text, TRUE);

  text = fill ("{" VERDICT ",\"results\":{\"images\":["
      EXAMPLE_IMAGE ("a.png", "0.5"), "," EXAMPLE_IMAGE ("b.png", "1"), "]}}",
      300 * 1024);
  fail_if (is_truncated (text));
  g_string_free (text, TRUE);
}

GST_END_TEST;

/* GStreamer never frees a field's name, so new ones are rationed. */
GST_START_TEST (test_names_are_rationed)
{
  GString *text = fill ("{" VERDICT ",\"results\":{\"a\":[{}",
      ",{\"rationed-#\":1}", "]}}", 1024 * 1024);
  GQuark before = g_quark_from_string ("the quark before");

  fail_unless (survive (text->str, text->len));
  fail_unless (g_quark_from_string ("the quark after") - before < 5000);
  g_string_free (text, TRUE);
}

GST_END_TEST;

/* Not what comes again and again: an answer has the same names as the last one. */
GST_START_TEST (test_known_names_go_on)
{
  GString *text = fill ("{" VERDICT ",\"results\":{\"a\":[{}",
      ",{\"again\":1}", "]}}", 100 * 1024);
  IdentifaiResult *result =
      identifai_result_parse (NULL, text->str, text->len, NULL, NULL);
  const GValue *all = gst_structure_get_value (result->results, "a");
  guint i, n = gst_value_array_get_size (all);

  fail_unless (n > 5000);
  for (i = 1; i < n; i++)
    fail_unless (gst_structure_has_field (gst_value_get_structure
            (gst_value_array_get_value (all, i)), "again"), "not in %u", i);
  identifai_result_free (result);
  g_string_free (text, TRUE);
}

GST_END_TEST;

/* -- depth -- */

static gchar *
nest (const gchar * open, const gchar * close, guint depth)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < depth; i++)
    g_string_append (text, open);
  g_string_append_c (text, '1');
  for (i = 0; i < depth; i++)
    g_string_append (text, close);

  return g_string_free (text, FALSE);
}

static gboolean
survive_nested (const gchar * open, const gchar * close, guint depth)
{
  gchar *inner = nest (open, close, depth);
  gchar *text = g_strdup_printf ("{" VERDICT ",\"results\":{\"a\":%s}}", inner);
  gboolean understood = survive (text, strlen (text));

  survive (inner, strlen (inner));
  survive (inner, strlen (inner) / 2);  /* nothing but opening ones */
  g_free (text);
  g_free (inner);

  return understood;
}

GST_START_TEST (test_depth)
{
  static const struct
  {
    const gchar *open, *close;
    guint levels;
  } nests[] = {
    {"[", "]", 1}, {"{\"a\":", "}", 1}, {"[{\"errors\":", "}]", 2},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (nests); i++) {
    /* two levels are around it */
    guint most = (IDENTIFAI_MAX_NESTING - 2) / nests[i].levels;

    fail_unless (survive_nested (nests[i].open, nests[i].close, most));
    fail_if (survive_nested (nests[i].open, nests[i].close, most + 1));
    fail_if (survive_nested (nests[i].open, nests[i].close, 1000000));
  }
}

GST_END_TEST;

GST_START_TEST (test_brackets_in_strings)
{
  gchar *brackets = nest ("[{\\\"", "}]", 1000);
  gchar *text = g_strdup_printf ("{" VERDICT ",\"name\":\"%s\"}", brackets);

  fail_unless (survive (text, strlen (text)));
  g_free (text);
  g_free (brackets);
}

GST_END_TEST;

/* A result that is too deep fails alone. */
GST_START_TEST (test_deep_in_batch)
{
  gchar *deep = nest ("[", "]", 1000000);
  gchar *text = g_strdup_printf ("[{\"identifier\":\"a\",\"x\":%s},"
      "{\"identifier\":\"b\"}]", deep);
  GBytes *data = g_bytes_new_take (text, strlen (text)), *slice;
  GHashTable *slices = identifai_result_split_batch (NULL, data, NULL);
  IdentifaiResult *result;

  fail_unless (slices != NULL);
  fail_unless_equals_int (g_hash_table_size (slices), 2);
  slice = g_hash_table_lookup (slices, "a");
  fail_unless (identifai_result_parse (NULL, g_bytes_get_data (slice, NULL),
          g_bytes_get_size (slice), NULL, NULL) == NULL);
  slice = g_hash_table_lookup (slices, "b");
  result = identifai_result_parse (NULL, g_bytes_get_data (slice, NULL),
      g_bytes_get_size (slice), NULL, NULL);
  fail_unless (result != NULL);

  identifai_result_free (result);
  g_hash_table_unref (slices);
  g_bytes_unref (data);
  g_free (deep);
}

GST_END_TEST;

/* -- an answer that is nearly right -- */

/* A copy of exactly that length, so that a read behind it shows. */
static gboolean
survive_copy (const gchar * data, gsize length)
{
  gchar *copy = g_memdup2 (data, length);
  gboolean understood = survive (copy, length);

  g_free (copy);

  return understood;
}

GST_START_TEST (test_cut)
{
  gsize length;

  for (length = 0; length < strlen (EXAMPLE_ANSWER); length += STRIDE)
    fail_if (survive_copy (EXAMPLE_ANSWER, length), "cut at %" G_GSIZE_FORMAT,
        length);
  fail_unless (survive_copy (EXAMPLE_ANSWER, strlen (EXAMPLE_ANSWER)));
}

GST_END_TEST;

/* Every byte becomes two of those that mean something, in turn. */
GST_START_TEST (test_changed)
{
  static const gchar bytes[] = "\"\\{}[]:,0e \0\377\303";
  gchar *text = g_strdup (EXAMPLE_ANSWER);
  gsize length = strlen (text), i, k;

  for (i = 0; i < length; i += STRIDE) {
    gchar original = text[i];

    for (k = 0; k < 2; k++) {
      text[i] = bytes[(2 * i + k) % sizeof (bytes)];
      survive (text, length);
    }
    text[i] = original;
  }
  g_free (text);
}

GST_END_TEST;

/* Each byte left out, and each byte doubled. */
GST_START_TEST (test_shifted)
{
  gsize length = strlen (EXAMPLE_ANSWER), i;

  for (i = 0; i < length; i += STRIDE) {
    GString *text = g_string_new (EXAMPLE_ANSWER);

    g_string_erase (text, i, 1);
    survive (text->str, text->len);
    g_string_assign (text, EXAMPLE_ANSWER);
    g_string_insert_c (text, i, text->str[i]);
    survive (text->str, text->len);
    g_string_free (text, TRUE);
  }
}

GST_END_TEST;

static Suite *
hostile_suite (void)
{
  Suite *s = suite_create ("hostile");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_huge, 0, G_N_ELEMENTS (huge));
  tcase_add_loop_test (tc, test_noise, 0, G_N_ELEMENTS (noise));
  tcase_add_test (tc, test_limit);
  tcase_add_test (tc, test_room);
  tcase_add_test (tc, test_known_names_go_on);
  tcase_add_test (tc, test_names_are_rationed);
  tcase_add_test (tc, test_depth);
  tcase_add_test (tc, test_brackets_in_strings);
  tcase_add_test (tc, test_deep_in_batch);
  tcase_add_test (tc, test_cut);
  tcase_add_test (tc, test_changed);
  tcase_add_test (tc, test_shifted);

  return s;
}

GST_CHECK_MAIN (hostile);
