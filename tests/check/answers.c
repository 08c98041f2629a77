/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The readers of all answers but single results: batches, identifiers, errors,
 * statuses.
 */

#include <gio/gio.h>
#include <gst/check/gstcheck.h>
#include <string.h>

#include "errortext.h"
#include "identifier.h"
#include "result.h"
#include "status.h"

/* -- batches -- */

static const struct
{
  const gchar *text;
  /* "identifier=slice" sorted, one a line; NULL = not understood */
  const gchar *slices;
} batches[] = {
  {"", NULL},
  {"nonsense", NULL},
  {"null", NULL},
  {"7", NULL},
  {"\"a\"", NULL},
  {"{}", NULL},
  {"{\"data\":{}}", NULL},
  {"{\"error\":\"no\"}", NULL},
  {"[{\"identifier\":\"a\"}", NULL},
  {"[{\"identifier\":\"a\"},]", NULL},
  {"[{\"identifier\":\"a\"}]]", NULL},
  {"[{\"identifier\":\"a\"}{\"identifier\":\"b\"}]", NULL},
  {"[{\"identifier\":\"a\",\"x\":NaN}]", NULL},
  {"[]", ""},
  {"{\"data\":[]}", ""},
  {"[{\"identifier\":\"a\"}]", "a={\"identifier\":\"a\"}"},
  {" [ {\"identifier\" : \"a\"} ,\n{ \"identifier\":\"b\" } ] ",
      "a={\"identifier\" : \"a\"}\nb={ \"identifier\":\"b\" }"},
  {"{\"total\":1,\"data\":[{\"identifier\":\"a\"}],\"links\":[1]}",
      "a={\"identifier\":\"a\"}"},
  {"{\"classifications\":[{\"identifier\":\"a\"}]}",
      "a={\"identifier\":\"a\"}"},
  /* other arrays beside that of the results */
  {"{\"errors\":[],\"data\":[{\"identifier\":\"a\"}]}",
      "a={\"identifier\":\"a\"}"},
  {"{\"data\":[{\"identifier\":\"a\"}],\"errors\":[1 2],\"more\":"
        "[{\"identifier\":\"b\"}]}",
      "a={\"identifier\":\"a\"}\nb={\"identifier\":\"b\"}"},
  {"{\"errors\":[1 2]}", NULL},
  /* one result without the array, with arrays in it */
  {"{\"errors\":[],\"identifier\":\"a\"}",
      "a={\"errors\":[],\"identifier\":\"a\"}"},
  /* brackets and quotes in strings, and further identifiers below */
  {"[{\"x\":\"]}[{\\\"\",\"identifier\":\"a\"}]",
      "a={\"x\":\"]}[{\\\"\",\"identifier\":\"a\"}"},
  {"[{\"v\":{\"identifier\":\"b\"},\"identifier\":\"a\"}]",
      "a={\"v\":{\"identifier\":\"b\"},\"identifier\":\"a\"}"},
  {"[{\"v\":[{\"identifier\":\"b\"}]}]", ""},
  {"[{\"\\u0069dentifier\":\"\\u0061\"}]",
      "a={\"\\u0069dentifier\":\"\\u0061\"}"},
  /* identifiers: odd ones, unusable ones, the hash instead */
  {"[{\"identifier\":\"../a%2F/b\"}]",
      "../a%2F/b={\"identifier\":\"../a%2F/b\"}"},
  {"[{\"identifier\":17}]", "17={\"identifier\":17}"},
  {"[{\"identifier\":null,\"hash\":\"h\"}]",
      "h={\"identifier\":null,\"hash\":\"h\"}"},
  {"[{\"hash\":\"h\",\"identifier\":\"a\"}]",
      "a={\"hash\":\"h\",\"identifier\":\"a\"}"},
  {"[{\"identifier\":\"\"},{\"identifier\":\"a b\"},{\"identifier\":\"..\"},"
        "{\"identifier\":true},{\"identifier\":[\"a\"]},{},null,1,\"a\",[]]",
      ""},
  {"[null,{\"identifier\":\"a\"},[{\"identifier\":\"b\"}]]",
      "a={\"identifier\":\"a\"}"},
  /* the last of duplicates */
  {"[{\"identifier\":\"a\",\"n\":1},{\"identifier\":\"a\",\"n\":2}]",
      "a={\"identifier\":\"a\",\"n\":2}"},
  {"[{\"identifier\":\"a\",\"identifier\":\"b\"}]",
      "b={\"identifier\":\"a\",\"identifier\":\"b\"}"},
  /* what spoils one result doesn't spoil its neighbours */
  {"[{\"identifier\":\"a\",\"x\":\"\377\"},{\"identifier\":\"b\"}]",
      "a={\"identifier\":\"a\",\"x\":\"\377\"}\nb={\"identifier\":\"b\"}"},
  {"[{\"identifier\":\"a\",\"x\":[1 2]},{\"identifier\":\"b\"}]",
      "a={\"identifier\":\"a\",\"x\":[1 2]}\nb={\"identifier\":\"b\"}"},
  {"[{\"identifier\":\"a\" \"x\":1},{\"identifier\":\"b\"}]",
      "b={\"identifier\":\"b\"}"},
};

static gchar *
describe_slices (GHashTable * slices)
{
  GList *keys = g_list_sort (g_hash_table_get_keys (slices),
      (GCompareFunc) strcmp), *key;
  GString *out = g_string_new (NULL);

  for (key = keys; key != NULL; key = key->next) {
    gsize length;
    const gchar *data =
        g_bytes_get_data (g_hash_table_lookup (slices, key->data), &length);

    g_string_append_printf (out, "%s%s=", out->len > 0 ? "\n" : "",
        (gchar *) key->data);
    g_string_append_len (out, data, length);
  }
  g_list_free (keys);

  return g_string_free (out, FALSE);
}

GST_START_TEST (test_batch)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (batches); i++) {
    GBytes *data = g_bytes_new (batches[i].text, strlen (batches[i].text));
    GError *error = NULL;
    GHashTable *slices = identifai_result_split_batch (NULL, data, &error);
    gchar *described;

    g_bytes_unref (data);       /* the slices keep it */
    fail_unless_equals_int (slices == NULL, error != NULL);
    if (batches[i].slices == NULL) {
      fail_unless (slices == NULL, "%s", batches[i].text);
      g_clear_error (&error);
      continue;
    }
    fail_unless (slices != NULL, "%s", batches[i].text);
    described = describe_slices (slices);
    fail_unless_equals_string (described, batches[i].slices);
    g_free (described);
    g_hash_table_unref (slices);
  }
}

GST_END_TEST;

/* A call asks for a hundred; so many are no answer to it. */
GST_START_TEST (test_batch_size)
{
  static const guint sizes[] = { 0, 100, 10000, 10001 };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GString *text = g_string_new ("[0");
    GHashTable *slices;
    GBytes *data;

    for (k = 0; k < sizes[i]; k++)
      g_string_append_printf (text, ",{\"identifier\":%u}", k);
    g_string_append_c (text, ']');
    data = g_string_free_to_bytes (text);
    slices = identifai_result_split_batch (NULL, data, NULL);
    fail_unless_equals_int (slices != NULL, sizes[i] <= 10000);
    if (slices != NULL)
      fail_unless_equals_int (g_hash_table_size (slices), sizes[i]);
    g_clear_pointer (&slices, g_hash_table_unref);
    g_bytes_unref (data);
  }
}

GST_END_TEST;

/* -- identifiers -- */

#define HASH "8d64370a87b820cc1cf620338f5c898bab37439c9a405f32d9eaffc50c4f27b0"

static const struct
{
  const gchar *text;
  const gchar *identifier;      /* or NULL */
} identifiers[] = {
  {"{\"identifier\":\"" HASH "\"}", HASH},
  {HASH, HASH},
  {HASH "\n", HASH},
  {" \r\n" HASH " \t\r\n", HASH},
  {"\"" HASH "\"", HASH},
  {"{\"cached\":true,\"identifier\":\"a\",\"credits\":[1,2]}", "a"},
  {"{\"identifier\":\"a\",\"identifier\":\"b\"}", "b"},
  {"{\"identifier\":12}", "12"},
  {"12", "12"},
  {"12345678901234567890123", "12345678901234567890123"},
  {"12e4567", "12e4567"},
  {"007", "007"},
  {"a/b/../c", "a/b/../c"},
  {"%2e%2e%00", "%2e%2e%00"},
  {"...", "..."},
  {"{\"identifier\":\"a\\/b\"}", "a/b"},
  {"a\"b", "a\"b"},
  {"", NULL},
  {" \n", NULL},
  {".", NULL},
  {"..", NULL},
  {"{\"identifier\":\"..\"}", NULL},
  {"two words", NULL},
  {"two\nlines", NULL},
  {"a\tb", NULL},
  {"\177", NULL},
  {"caf\303\251", NULL},
  {"\377\376", NULL},
  {"\357\273\277abc", NULL},
  {"null", NULL},
  {"true", NULL},
  {"false", NULL},
  {"[]", NULL},
  {"[\"a\"]", NULL},
  {"{}", NULL},
  {"{\"identifier\":null}", NULL},
  {"{\"identifier\":\"\"}", NULL},
  {"{\"identifier\":\" \"}", NULL},
  {"{\"identifier\":\"a b\"}", NULL},
  {"{\"identifier\":\"a\\u0000b\"}", NULL},
  {"{\"identifier\":\"a\\nX-Evil:1\"}", NULL},
  {"{\"identifier\":[\"a\"]}", NULL},
  {"{\"identifier\":{\"identifier\":\"a\"}}", NULL},
  {"{\"identifier\":true}", NULL},
  {"{\"Identifier\":\"a\"}", NULL},
  {"{\"error\":\"a\"}", NULL},
  {"{\"identifier\":\"a\"", NULL},
  {"{broken", NULL},
  {"[broken", NULL},
  {"\"broken", NULL},
  {"<html></html>", NULL},
  {"<!DOCTYPE", NULL},
};

GST_START_TEST (test_identifier)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (identifiers); i++) {
    const gchar *text = identifiers[i].text;
    GError *error = NULL;
    gchar *identifier =
        identifai_identifier_parse (NULL, text, strlen (text), &error);

    fail_unless (g_strcmp0 (identifier, identifiers[i].identifier) == 0,
        "%s: %s", text, identifier);
    fail_unless_equals_int (identifier == NULL, error != NULL);
    g_clear_error (&error);
    g_free (identifier);
  }
}

GST_END_TEST;

GST_START_TEST (test_identifier_length)
{
  static const gsize lengths[] = { 255, 256, 257, 1024 * 1024 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (lengths); i++) {
    gchar *long_one = g_strnfill (lengths[i], 'a');
    gchar *json = g_strdup_printf ("{\"identifier\":\"%s\"}", long_one);
    gchar *from_text =
        identifai_identifier_parse (NULL, long_one, lengths[i], NULL);
    gchar *from_json =
        identifai_identifier_parse (NULL, json, strlen (json), NULL);

    if (lengths[i] <= IDENTIFAI_MAX_IDENTIFIER_BYTES) {
      fail_unless_equals_string (from_text, long_one);
      fail_unless_equals_string (from_json, long_one);
    } else {
      fail_unless (from_text == NULL && from_json == NULL);
    }
    g_free (from_json);
    g_free (from_text);
    g_free (json);
    g_free (long_one);
  }
}

GST_END_TEST;

/* -- the service's words -- */

static const struct
{
  const gchar *text;
  const gchar *words;           /* or NULL */
} errors[] = {
  /* as documented */
  {"{\"video\":[\"The video field is required.\"]}",
      "video: The video field is required."},
  {"{\"error\":\"The uploaded file format is not supported.\"}",
      "The uploaded file format is not supported."},
  {"{\"error\":\"Unauthorized\"}", "Unauthorized"},
  {"{\"message\":\"Too Many Attempts.\"}", "Too Many Attempts."},
  {"{\"video\":[\"One.\",\"Two.\"],\"frames\":[\"Three.\"]}",
      "video: One. Two. frames: Three."},
  /* as frameworks like it */
  {"{\"message\":\"The given data was invalid.\",\"errors\":"
        "{\"frames\":[\"The selected frames is invalid.\"]}}",
      "The given data was invalid. frames: The selected frames is invalid."},
  {"{\"message\":\"Server Error\",\"exception\":\"X\",\"trace\":[{\"a\":\"b\"}]}",
      "Server Error"},
  {"{\"error\":{\"code\":400,\"message\":\"No file\"}}", "No file"},
  {"{\"errors\":[{\"status\":\"422\",\"title\":\"Bad\",\"detail\":\"Too short\"}]}",
      "Too short; Bad"},
  {"{\"status\":400,\"error\":\"Bad Request\",\"message\":\"No file\"}",
      "Bad Request; No file"},
  {"{\"error\":\"No file\",\"message\":\"No file\"}", "No file"},
  {"{\"error\":null,\"message\":\"No file\"}", "No file"},
  {"{\"error\":true,\"reason\":\"No file\"}", "No file"},
  {"[\"No file\"]", "No file"},
  {"\"No file\"", "No file"},
  {"{\"error\":\"caf\\u00e9\"}", "caf\303\251"},
  /* other JSON */
  {"{\"code\":17}", "{\"code\":17}"},
  {"{ \"code\":\n  17 }", "{ \"code\": 17 }"},
  {"{\"error\":{}}", "{\"error\":{}}"},
  {"[1,2]", "[1,2]"},
  {"{}", NULL},
  {"[]", NULL},
  {"null", NULL},
  {"\"\"", NULL},
  {"\"...\"", NULL},
  /* lines, control characters, what reorders text */
  {"{\"error\":\"a\\r\\nb\\tc\\u0000d\\u001b[31me\"}", "a b c d [31me"},
  {"a\r\n\r\nb", "a b"},
  {"a\001\033[31mb\177c", "a [31mb c"},
  {"a\342\200\256b\342\200\250c\357\273\277d\302\240e", "a b c d e"},
  {"  a  ", "a"},
  /* pages */
  {"<html><head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n" "<center><h1>413 Request Entity Too Large</h1></center>\r\n" "<hr><center>nginx/1.22.1</center>\r\n</body></html>\r\n",
      "413 Request Entity Too Large nginx/1.22.1"},
  {"<!DOCTYPE html><title>Oops</title><p>It &amp; you &lt;b&gt;&nbsp;&bull;x",
      "Oops: It & you <b> x"},
  {"<p>a<script>b('<p>')</script>c<STYLE type=x>d</style>e<!-- <p>f -->g",
      "a c e g"},
  {"<p>a<script>b", "a"},
  {"<p>a<!-- b", "a"},
  {"<p>a<b", "a"},
  {"<title>a", NULL},
  {"<title>a</title>", "a"},
  {"<title></title>", NULL},
  {"<", NULL},
  {"<>a", "a"},
  {"<p>a & b &amp b &#; &;", "a & b &amp b &;"},
  {"<scripts>a</scripts>", "a"},
  {"<?xml version=\"1.0\"?><Error><Code>Slow</Code><Message>Down</Message>"
        "</Error>", "Slow Down"},
  /* noise */
  {"", NULL},
  {" ", NULL},
  {"-- !", NULL},
  {"\377\376\300", NULL},
  {"a\377b", "a b"},
  {"upstream connect error or disconnect",
      "upstream connect error or disconnect"},
  {"{\"error\":\"cut", "{\"error\":\"cut"},
  {"{\"error\":\"a\377b\"}", "a b"},
};

GST_START_TEST (test_error)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (errors); i++) {
    const gchar *text = errors[i].text;
    gchar *words = identifai_result_parse_error (NULL, text, strlen (text));

    fail_unless (g_strcmp0 (words, errors[i].words) == 0, "%s: %s", text,
        words);
    g_free (words);
  }
  fail_unless (identifai_result_parse_error (NULL, NULL, 0) == NULL);
}

GST_END_TEST;

/* Bytes with NULs in them are not strings. */
GST_START_TEST (test_error_with_nul)
{
  gchar *words = identifai_result_parse_error (NULL, "a\0b", 3);

  fail_unless_equals_string (words, "a b");
  g_free (words);
}

GST_END_TEST;

/* Cut at a character, not in one, wherever the limit falls. */
GST_START_TEST (test_error_length)
{
  static const gchar *const characters[] = {
    "a", "\303\251", "\342\202\254", "\360\235\204\236"
  };
  guint i, n;

  for (i = 0; i < G_N_ELEMENTS (characters); i++) {
    for (n = 1; n < 600; n++) {
      GString *text = g_string_new ("x");
      gchar *words;
      guint k;

      for (k = 0; k < n; k++)
        g_string_append (text, characters[i]);
      words = identifai_result_parse_error (NULL, text->str, text->len);
      fail_unless (g_utf8_validate (words, -1, NULL));
      fail_unless (strlen (words) <= IDENTIFAI_MAX_TEXT_BYTES);
      if (text->len <= IDENTIFAI_MAX_TEXT_BYTES) {
        fail_unless_equals_string (words, text->str);
      } else {
        fail_unless (g_str_has_suffix (words, "\342\200\246"));
        fail_unless (strlen (words) > IDENTIFAI_MAX_TEXT_BYTES - 4);
      }
      g_free (words);
      g_string_free (text, TRUE);
    }
  }
}

GST_END_TEST;

/* -- statuses -- */

static const struct
{
  guint status;
  const gchar *text;
  IdentifaiReason reason;
  gboolean is_temporary;
} statuses[] = {
  {200, NULL, IDENTIFAI_REASON_NONE, FALSE},
  {201, "no credits", IDENTIFAI_REASON_NONE, FALSE},
  {299, NULL, IDENTIFAI_REASON_NONE, FALSE},
  {0, NULL, IDENTIFAI_REASON_NETWORK, FALSE},
  {100, NULL, IDENTIFAI_REASON_BAD_RESPONSE, FALSE},
  {301, NULL, IDENTIFAI_REASON_BAD_RESPONSE, FALSE},
  {399, NULL, IDENTIFAI_REASON_BAD_RESPONSE, FALSE},
  {400, NULL, IDENTIFAI_REASON_REJECTED, FALSE},
  {400, "", IDENTIFAI_REASON_REJECTED, FALSE},
  {400, "The video field is required.", IDENTIFAI_REASON_REJECTED, FALSE},
  {400, "Invalid credentials", IDENTIFAI_REASON_REJECTED, FALSE},
  {400, "Not an accredited user", IDENTIFAI_REASON_REJECTED, FALSE},
  {400, "accredited, but no credit", IDENTIFAI_REASON_NO_CREDITS, FALSE},
  {400, "You have no enough CREDITS", IDENTIFAI_REASON_NO_CREDITS, FALSE},
  {400, "Credit exhausted", IDENTIFAI_REASON_NO_CREDITS, FALSE},
  {400, "{\"available_credits\":0}", IDENTIFAI_REASON_NO_CREDITS, FALSE},
  {401, "credits", IDENTIFAI_REASON_UNAUTHORIZED, FALSE},
  {402, NULL, IDENTIFAI_REASON_NO_CREDITS, FALSE},
  {403, NULL, IDENTIFAI_REASON_UNAUTHORIZED, FALSE},
  {404, "credits", IDENTIFAI_REASON_REJECTED, FALSE},
  {408, NULL, IDENTIFAI_REASON_REJECTED, TRUE},
  {413, NULL, IDENTIFAI_REASON_REJECTED, FALSE},
  {415, NULL, IDENTIFAI_REASON_REJECTED, FALSE},
  {422, NULL, IDENTIFAI_REASON_REJECTED, FALSE},
  {425, NULL, IDENTIFAI_REASON_REJECTED, TRUE},
  {429, "credits", IDENTIFAI_REASON_THROTTLED, TRUE},
  {499, NULL, IDENTIFAI_REASON_REJECTED, FALSE},
  {500, NULL, IDENTIFAI_REASON_SERVICE_ERROR, TRUE},
  {502, NULL, IDENTIFAI_REASON_SERVICE_ERROR, TRUE},
  {503, NULL, IDENTIFAI_REASON_SERVICE_ERROR, TRUE},
  {599, NULL, IDENTIFAI_REASON_SERVICE_ERROR, TRUE},
  {600, NULL, IDENTIFAI_REASON_BAD_RESPONSE, FALSE},
  {999, NULL, IDENTIFAI_REASON_BAD_RESPONSE, FALSE},
};

GST_START_TEST (test_status)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (statuses); i++) {
    IdentifaiReason reason =
        identifai_status_to_reason (statuses[i].status, statuses[i].text != NULL
        && identifai_error_speaks_of_credits (statuses[i].text));

    fail_unless (reason == statuses[i].reason, "%u %s: %s",
        statuses[i].status, statuses[i].text,
        identifai_reason_to_string (reason));
    fail_unless (identifai_status_is_temporary (statuses[i].status) ==
        statuses[i].is_temporary, "%u", statuses[i].status);
  }
}

GST_END_TEST;

static Suite *
answers_suite (void)
{
  Suite *s = suite_create ("answers");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_batch);
  tcase_add_test (tc, test_batch_size);
  tcase_add_test (tc, test_identifier);
  tcase_add_test (tc, test_identifier_length);
  tcase_add_test (tc, test_error);
  tcase_add_test (tc, test_error_with_nul);
  tcase_add_test (tc, test_error_length);
  tcase_add_test (tc, test_status);

  return s;
}

GST_CHECK_MAIN (answers);
