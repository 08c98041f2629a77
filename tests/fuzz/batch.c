/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "target.h"

#include <string.h>

#include "identifier.h"
#include "result.h"

/* A slice lies in the data, and reads as an object, if it is read at all. */
static void
check_slice (const gchar * identifier, GBytes * slice, const guint8 * data,
    gsize size)
{
  gsize length;
  const gchar *text = g_bytes_get_data (slice, &length);
  IdentifaiResult *result;

  g_assert_true ((const guint8 *) text >= data);
  g_assert_true ((const guint8 *) text + length <= data + size);
  g_assert_true (length >= 2 && text[0] == '{' && text[length - 1] == '}');
  g_assert_cmpuint (strlen (identifier), <=, IDENTIFAI_MAX_IDENTIFIER_BYTES);
  g_assert_true (g_str_is_ascii (identifier) && *identifier != '\0');

  result = identifai_result_parse (NULL, text, length, NULL, NULL);
  g_clear_pointer (&result, identifai_result_free);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GBytes *bytes = g_bytes_new_static (data, size);
  GError *error = NULL;
  GHashTable *slices = identifai_result_split_batch (NULL, bytes, &error);
  GHashTableIter iter;
  gpointer identifier, slice;

  g_assert_true ((slices == NULL) == (error != NULL));
  if (slices != NULL) {
    g_hash_table_iter_init (&iter, slices);
    while (g_hash_table_iter_next (&iter, &identifier, &slice))
      check_slice (identifier, slice, data, size);
    g_hash_table_unref (slices);
  }
  g_clear_error (&error);
  g_bytes_unref (bytes);

  return 0;
}
