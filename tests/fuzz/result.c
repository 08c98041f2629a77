/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "target.h"

#include <string.h>

#include "result.h"

static void
check_text (const gchar * text, gboolean needed)
{
  g_assert_true (text != NULL || !needed);
  g_assert_true (text == NULL || (*text != '\0'
          && g_utf8_validate (text, -1, NULL)));
}

/* What was printed can be read, and is the same then. */
static void
check_structure (const GstStructure * structure)
{
  gchar *printed = gst_structure_to_string (structure);
  GstStructure *copy = gst_structure_from_string (printed, NULL);

  g_assert_nonnull (copy);
  g_assert_cmpint (gst_structure_n_fields (copy), ==,
      gst_structure_n_fields (structure));
  gst_structure_free (copy);
  g_free (printed);
}

static void
check_verdicts (const GValue * verdicts)
{
  guint i;

  for (i = 0; i < gst_value_array_get_size (verdicts); i++) {
    const GstStructure *verdict =
        gst_value_get_structure (gst_value_array_get_value (verdicts, i));
    gdouble confidence;

    check_text (gst_structure_get_string (verdict, "classification"), TRUE);
    check_text (gst_structure_get_string (verdict, "heuristic"), FALSE);
    g_assert_true (gst_structure_get_double (verdict, "confidence",
            &confidence));
    g_assert_true (confidence >= 0 && confidence <= 1);
    check_structure (verdict);
  }
}

static void
check_result (const IdentifaiResult * result, gsize size)
{
  check_text (result->identifier, FALSE);
  check_text (result->classification, result->state == IDENTIFAI_RESULT_FINAL);
  check_text (result->heuristic, FALSE);
  check_text (result->forced, FALSE);
  check_text (result->error_text, result->state == IDENTIFAI_RESULT_ERRORED
      || result->state == IDENTIFAI_RESULT_UNCHOSEN);
  check_text (result->json, TRUE);
  g_assert_true (result->confidence >= 0 && result->confidence <= 1);
  g_assert_true (result->nsfw >= -1 && result->nsfw <= 1);
  g_assert_cmpuint (strlen (result->json), <=, size);
  check_structure (result->results);
  check_verdicts (&result->verdicts);
}

static void
parse (const guint8 * data, gsize size, const gchar * heuristic)
{
  GError *error = NULL;
  IdentifaiResult *result =
      identifai_result_parse (NULL, (const gchar *) data, size, heuristic,
      &error);

  g_assert_true ((result == NULL) == (error != NULL));
  if (error != NULL)
    check_text (error->message, TRUE);
  else
    check_result (result, size);
  g_clear_error (&error);
  g_clear_pointer (&result, identifai_result_free);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  parse (data, size, NULL);
  parse (data, size, "Average");

  return 0;
}
