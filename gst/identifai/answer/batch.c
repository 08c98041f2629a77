/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the text of a batch's answer to those of its results. Pure.
 */

#include "result.h"

#include <string.h>

#include "identifier.h"
#include "json.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_ANSWER)

#define MAX_RESULTS 10000       /* a call asks for a hundred */

/* Its identifier; failing that, the file's hash. */
static gchar *
dup_result_identifier (JsonNode * result)
{
  gchar *identifier =
      identifai_identifier_dup (identifai_json_get_member (result,
          "identifier"));

  return identifier ? identifier :
      identifai_identifier_dup (identifai_json_get_member (result, "hash"));
}

/* Takes over identifier. */
static void
add_result (GHashTable * results, GBytes * data, gchar * identifier,
    const IdentifaiJsonSlice * slice)
{
  const gchar *start = g_bytes_get_data (data, NULL);

  g_hash_table_replace (results, identifier,
      g_bytes_new_from_bytes (data, slice->text - start, slice->length));
}

/* That of the entry, or NULL. */
static gchar *
read_entry (const gchar * name, const IdentifaiJsonSlice * slice, gsize at)
{
  GError *error = NULL;
  JsonNode *result =
      identifai_json_skim (slice->text, slice->length, 1, NULL, &error);
  gchar *identifier = dup_result_identifier (result);

  if (identifier == NULL)
    GST_DEBUG_ID (name, "of a batch, the entry of %" G_GSIZE_FORMAT " bytes at "
        "byte %" G_GSIZE_FORMAT " is left out: %s", slice->length, at,
        error != NULL ? error->message : "it has no usable identifier");
  g_clear_error (&error);
  g_clear_pointer (&result, json_node_unref);

  return identifier;
}

/* slices: the entries of a list that begins at start. */
static gboolean
add_entries (const gchar * name, GHashTable * results, GBytes * data,
    const GArray * slices, const gchar * start, GError ** error)
{
  guint i;

  if (slices->len > MAX_RESULTS)
    return identifai_json_fail (error, "The answer has too many results");

  for (i = 0; i < slices->len; i++) {
    IdentifaiJsonSlice *slice = &g_array_index (slices, IdentifaiJsonSlice, i);
    gchar *identifier = read_entry (name, slice, slice->text - start);

    if (identifier != NULL && g_hash_table_contains (results, identifier))
      GST_DEBUG_ID (name, "of a batch, %s comes again at byte %"
          G_GSIZE_FORMAT ": the last one counts", identifier,
          (gsize) (slice->text - start));
    if (identifier != NULL)
      add_result (results, data, identifier, slice);
  }

  return TRUE;
}

/* list is the text of an array. */
static gboolean
split_list (const gchar * name, GHashTable * results, GBytes * data,
    const IdentifaiJsonSlice * list)
{
  GArray *slices = g_array_new (FALSE, FALSE, sizeof (IdentifaiJsonSlice));
  JsonNode *array =
      identifai_json_skim (list->text, list->length, 1, slices, NULL);
  gboolean good = array != NULL
      && add_entries (name, results, data, slices, list->text, NULL);

  g_clear_pointer (&array, json_node_unref);
  g_array_unref (slices);

  return good;
}

/* The results of all arrays in the object that can be read: there may be others
 * beside that of the results. */
static gboolean
split_lists (const gchar * name, GHashTable * results, GBytes * data,
    const GArray * slices, GError ** error)
{
  guint i, lists = 0;

  for (i = 0; i < slices->len; i++) {
    IdentifaiJsonSlice *list = &g_array_index (slices, IdentifaiJsonSlice, i);

    if (*list->text == '[' && g_hash_table_size (results) <= MAX_RESULTS
        && split_list (name, results, data, list))
      lists++;
  }
  GST_LOG_ID (name, "a batch is an object of %u members, %u of them lists with "
      "%u results", slices->len, lists, g_hash_table_size (results));
  if (lists == 0)
    return identifai_json_fail (error, "The answer is no array of results");

  return TRUE;
}

static gboolean
split (const gchar * name, GHashTable * results, GBytes * data, GError ** error)
{
  GArray *slices = g_array_new (FALSE, FALSE, sizeof (IdentifaiJsonSlice));
  IdentifaiJsonSlice whole;
  JsonNode *node;
  gchar *identifier;
  gboolean good = FALSE;

  whole.text = g_bytes_get_data (data, &whole.length);
  node = identifai_json_skim (whole.text, whole.length, 1, slices, error);
  identifier = dup_result_identifier (node);
  if (identifier != NULL) {     /* one result without the array around it */
    GST_LOG_ID (name, "a batch is one result, of %s, without a list",
        identifier);
    whole = identifai_json_find_object (whole.text, whole.length);
    add_result (results, data, identifier, &whole);
    good = TRUE;
  } else if (identifai_json_get_type (node) == JSON_TYPE_OBJECT) {
    good = split_lists (name, results, data, slices, error);
  } else if (identifai_json_get_type (node) == JSON_TYPE_ARRAY) {
    good = add_entries (name, results, data, slices, whole.text, error);
  } else if (node != NULL) {
    identifai_json_fail (error, "The answer is no array of results");
  }
  g_clear_pointer (&node, json_node_unref);
  g_array_unref (slices);

  return good;
}

/* One result that nests too deep or has invalid UTF-8 must not spoil those
 * beside it: it fails when it is parsed. */
GHashTable *
identifai_result_split_batch (const gchar * name, GBytes * data,
    GError ** error)
{
  gsize size = g_bytes_get_size (data);
  GHashTable *results = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) g_bytes_unref);
  GError *reason = NULL;

  if (split (name, results, data, &reason)) {
    GST_DEBUG_ID (name, "a batch of %" G_GSIZE_FORMAT " bytes has %u results "
        "with an identifier", size, g_hash_table_size (results));
  } else {
    GST_DEBUG_ID (name, "a batch of %" G_GSIZE_FORMAT " bytes can't be read: "
        "%s", size, reason->message);
    g_propagate_error (error, reason);
    g_clear_pointer (&results, g_hash_table_unref);
  }

  return results;
}
