/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The key in an answer, in any spelling that a reader would decode.
 */

#include <gst/check/gstcheck.h>
#include <string.h>
#include "extraheaders.h"
#include "redact.h"
#include "result.h"

static const struct
{
  const gchar *secret;
  const gchar *text;
  const gchar *hidden;
} rows[] = {
  {"sk/one=5ecret", "", ""},
  {"sk/one=5ecret", "sk/one=5ecret", "*************"},
  {"sk/one=5ecret", "a sk/one=5ecret b", "a ************* b"},
  {"sk/one=5ecret", "sk/one=5ecretsk/one=5ecret",
      "**************************"},
  {"sk/one=5ecret", "sk/one=5ecre", "sk/one=5ecre"},
  {"sk/one=5ecret", "Sk/one=5ecret", "Sk/one=5ecret"},
  {"sk/one=5ecret", "sk/sk/one=5ecret", "sk/*************"},
  /* JSON */
  {"sk/one=5ecret", "{\"a\":\"sk\\/one=5ecret\"}",
      "{\"a\":\"**************\"}"},
  {"sk/one=5ecret", "{\"a\":\"s\\u006b\\u002Fone\\u003d5ecret\"}",
      "{\"a\":\"****************************\"}"},
  {"sk/one=5ecret", "{\"a\":\"\\u0073k/one=5ecret\\n\"}",
      "{\"a\":\"******************\\n\"}"},
  {"sk/one=5ecret", "{\"a\":\"\\\\sk/one=5ecret\"}",
      "{\"a\":\"\\\\*************\"}"},
  {"sk\\one\"5ecret", "{\"a\":\"sk\\\\one\\\"5ecret\"}",
      "{\"a\":\"***************\"}"},
  {"sk\\one\"5ecret", "sk\\one\"5ecret", "*************"},
  /* an escape that would end in the middle of the secret stays whole */
  {"nk-one-5ecret", "{\"a\":\"\\nk-one-5ecret\"}",
      "{\"a\":\"**************\"}"},
  {"nk-one-5ecret", "{\"a\":\"\\\\nk-one-5ecret\"}",
      "{\"a\":\"\\\\*************\"}"},
  {"0041bcdefgh", "{\"a\":\"\\u0041bcdefgh\"}", "{\"a\":\"\\u0041bcdefgh\"}"},
  {"sk/one=5ecret", "{\"a\":\"\\u12", "{\"a\":\"\\u12"},
  {"sk/one=5ecret", "\\", "\\"},
  /* pages and URLs */
  {"sk&one=5ecret", "<p>sk&amp;one&#61;5ecret", "<p>*********************"},
  {"sk&one=5ecret", "<p>sk&#x26;one=5ecret&", "<p>******************&"},
  {"sk/one=5ecret", "?k=sk%2Fone%3d5ecret&b", "?k=*****************&b"},
  {"sk%one5ecret", "sk%one5ecret sk%25one5ecret",
      "************ **************"},
  {"sk/one=5ecret", "sk&#47", "sk&#47"},
  {"sk/one=5ecret", "sk%", "sk%"},
  /* too short for a key */
  {"any", "{\"any\":\"any\"}", "{\"any\":\"any\"}"},
};

GST_START_TEST (test_rows)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    gchar *text = g_strdup (rows[i].text);

    identifai_redact (text, strlen (text), rows[i].secret, FALSE);
    fail_unless_equals_string (text, rows[i].hidden);
    g_free (text);
  }
}

GST_END_TEST;

/* A key that is a word doesn't make results unreadable. */
GST_START_TEST (test_words)
{
  static const gchar *const words[] = { "identifier", "classification" };
  static const gchar answer[] =
      "{\"identifier\" : \"id-1\",\"status\":\"done\","
      "\"verdict\":{\"classification\":\"human\",\"x\":\"the identifier\"}}";
  guint i;

  for (i = 0; i < G_N_ELEMENTS (words); i++) {
    gchar *text = g_strdup (answer);
    IdentifaiResult *result;

    identifai_redact (text, strlen (text), words[i], TRUE);
    result = identifai_result_parse (NULL, text, strlen (text), NULL, NULL);
    fail_unless (result != NULL, "%s", text);
    fail_unless_equals_string (result->identifier, "id-1");
    fail_unless_equals_string (result->classification, "human");
    identifai_result_free (result);
    fail_unless (i != 0 || strstr (text, "the **********") != NULL);

    identifai_redact (text, strlen (text), words[i], FALSE);
    fail_unless (strstr (text, words[i]) == NULL);
    g_free (text);
  }
}

GST_END_TEST;

/* Wherever a text is cut, nothing behind it is read, and what is JSON stays JSON. */
GST_START_TEST (test_cut)
{
  static const gchar whole[] =
      "{\"a\":\"\\nk\\/one=5ecret\\\\nk&#47;one%3D5ecret\","
      "\"nk/one=5ecret\":\"\\u006ek/one=5ecret\"}";
  gsize length;

  for (length = 0; length < sizeof (whole); length++) {
    gchar *text = g_memdup2 (whole, length);

    identifai_redact (text, length, "nk/one=5ecret", FALSE);
    if (length == sizeof (whole) - 1) {
      gchar *words = identifai_result_parse_error (NULL, text, length);

      fail_unless (strstr (words, "one") == NULL, "%s", words);
      g_free (words);
    }
    g_free (text);
  }
}

GST_END_TEST;

/* What an answer quotes of a header is a part of its value. */
GST_START_TEST (test_headers)
{
  static const struct
  {
    const gchar *name;
    const gchar *value;
    const gchar *text;
    const gchar *hidden;
  } headers[] = {
    {"Authorization", "Bearer 5ecret-token", "no 5ecret-token",
        "no ************"},
    {"Authorization", "Basic dXNlcjo1ZWNyZXQ=", "no dXNlcjo1ZWNyZXQ=",
        "no ****************"},
    {"Cookie", "a=b; session=5ecret-token", "no session 5ecret-token",
        "no session ************"},
    {"Cookie", "a=b; session=5ecret-token", "no session=5ecret-token",
        "no ********************"},
    {"Cookie", "session=\"5ecret-token\"", "no 5ecret-token",
        "no ************"},
    {"Signature", "keyId=\"5ecret=token\",algorithm=\"x\"",
        "algorithm 5ecret=token", "algorithm ************"},
    {"Cookie", "a=", "a= b", "a= b"},
    {"Cookie", "a=\"", "a=\" b", "a=\" b"},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (headers); i++) {
    IdentifaiExtraHeaders *all = identifai_extra_headers_new ();
    gchar *text = g_strdup (headers[i].text);

    fail_unless (identifai_extra_headers_add (all, headers[i].name,
            headers[i].value, NULL));
    identifai_extra_headers_hide (all, text, strlen (text), FALSE);
    fail_unless_equals_string (text, headers[i].hidden);
    g_free (text);
    identifai_extra_headers_unref (all);
  }
}

GST_END_TEST;

static Suite *
redact_suite (void)
{
  Suite *suite = suite_create ("redact");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_test (general, test_rows);
  tcase_add_test (general, test_words);
  tcase_add_test (general, test_headers);
  tcase_add_test (general, test_cut);

  return suite;
}

GST_CHECK_MAIN (redact);
