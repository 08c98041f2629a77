/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "laws.h"
#include "pipelines.h"

#include <string.h>

/* Of one element. */
typedef struct
{
  GArray *announced;            /* of guint: how often, by segment */
  GArray *outcomes;
  guint n_announced, n_verdicts, n_failed, n_dropped;
} Tally;

struct _Laws
{
  GstElement *pipeline;
  GMutex lock;
  GHashTable *tallies;          /* by element */
};

static void
tally_free (gpointer data)
{
  Tally *self = data;

  g_array_unref (self->announced);
  g_array_unref (self->outcomes);
  g_free (self);
}

static Tally *
get_tally (Laws * self, GstObject * element)
{
  Tally *tally = g_hash_table_lookup (self->tallies, element);

  if (tally == NULL) {
    tally = g_new0 (Tally, 1);
    tally->announced = g_array_new (FALSE, TRUE, sizeof (guint));
    tally->outcomes = g_array_new (FALSE, TRUE, sizeof (guint));
    g_hash_table_insert (self->tallies, gst_object_ref (element), tally);
  }

  return tally;
}

static guint *
count_of (GArray * counts, guint segment)
{
  if (counts->len <= segment)
    g_array_set_size (counts, segment + 1);

  return &g_array_index (counts, guint, segment);
}

static guint *
outcome_of (Tally * tally, const gchar * name)
{
  if (strcmp (name, "identifai-verdict") == 0)
    return &tally->n_verdicts;
  if (strcmp (name, "identifai-failed") == 0)
    return &tally->n_failed;

  return strcmp (name, "identifai-dropped") == 0 ? &tally->n_dropped : NULL;
}

static void
look_at (Tally * tally, const gchar * name, guint segment)
{
  guint *outcome = outcome_of (tally, name);

  if (strcmp (name, "identifai-segment") == 0) {
    if ((*count_of (tally->announced, segment))++ > 0)
      g_error ("segment %u is announced twice", segment);
    tally->n_announced++;
  } else if (*count_of (tally->announced, segment) == 0) {
    g_error ("%s of segment %u, which wasn't announced", name, segment);
  } else if (strcmp (name, "identifai-gate") == 0) {
    /* what leaves comes behind the outcome, or before */
  } else if (*count_of (tally->outcomes, segment) > 0) {
    g_error ("%s of segment %u, which has its outcome", name, segment);
  } else if (outcome != NULL) {
    (*count_of (tally->outcomes, segment))++;
    (*outcome)++;
  }
}

/* Whatever thread posts. */
static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Laws *self = user_data;
  const GstStructure *structure = gst_message_get_structure (message);
  guint segment;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT
      && g_str_has_prefix (gst_structure_get_name (structure), "identifai-")
      && gst_structure_get_uint (structure, "segment", &segment)) {
    g_mutex_lock (&self->lock);
    look_at (get_tally (self, GST_MESSAGE_SRC (message)),
        gst_structure_get_name (structure), segment);
    g_mutex_unlock (&self->lock);
  }

  return GST_BUS_PASS;
}

/* Those of which nothing is ever heard count, too. */
static void
add_element (const GValue * item, gpointer user_data)
{
  get_tally (user_data, g_value_get_object (item));
}

Laws *
laws_new (GstElement * pipeline)
{
  Laws *self = g_new0 (Laws, 1);
  GstBus *bus = gst_element_get_bus (pipeline);

  self->pipeline = gst_object_ref (pipeline);
  g_mutex_init (&self->lock);
  self->tallies = g_hash_table_new_full (NULL, NULL, gst_object_unref,
      tally_free);
  pipeline_for_each_judge (pipeline, add_element, self);
  gst_bus_set_sync_handler (bus, on_message, self, NULL);
  gst_object_unref (bus);

  return self;
}

void
laws_free (Laws * self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);

  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  gst_object_unref (bus);
  g_hash_table_unref (self->tallies);
  gst_object_unref (self->pipeline);
  g_mutex_clear (&self->lock);
  g_free (self);
}

gboolean
laws_wait (Laws * self, GstClockTime timeout)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, timeout,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  gst_object_unref (bus);
  if (message == NULL)
    return FALSE;
  gst_message_unref (message);

  return TRUE;
}

static guint64
get_stat (GstStructure * stats, const gchar * name)
{
  guint64 value = 0;

  if (!gst_structure_get_uint64 (stats, name, &value))
    g_error ("no %s in stats", name);

  return value;
}

static void
expect_stat (GstStructure * stats, const gchar * name, guint64 expected)
{
  if (get_stat (stats, name) != expected) {
    gchar *all = gst_structure_to_string (stats);

    g_error ("%s should be %" G_GUINT64_FORMAT ": %s", name, expected, all);
  }
}

static void
check_element (GstElement * element, Tally * tally)
{
  GstStructure *stats;
  guint i;

  for (i = 0; i < tally->announced->len; i++)
    if (*count_of (tally->announced, i) != *count_of (tally->outcomes, i))
      g_error ("segment %u of %s has no outcome", i, GST_OBJECT_NAME (element));
  g_object_get (element, "stats", &stats, NULL);
  expect_stat (stats, "segments", tally->n_announced);
  expect_stat (stats, "verdicts", tally->n_verdicts);
  expect_stat (stats, "failed", tally->n_failed);
  expect_stat (stats, "dropped", tally->n_dropped);
  expect_stat (stats, "pending", 0);
  expect_stat (stats, "in-flight", 0);
  expect_stat (stats, "pending-bytes", 0);
  gst_structure_free (stats);
}

void
laws_check_end (Laws * self)
{
  GHashTableIter iter;
  gpointer element, tally;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->tallies);
  while (g_hash_table_iter_next (&iter, &element, &tally))
    check_element (element, tally);
  g_mutex_unlock (&self->lock);
}

gchar *
laws_describe (Laws * self)
{
  guint announced = 0, verdicts = 0, failed = 0, dropped = 0;
  GHashTableIter iter;
  gpointer value;

  g_mutex_lock (&self->lock);
  g_hash_table_iter_init (&iter, self->tallies);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Tally *tally = value;

    announced += tally->n_announced;
    verdicts += tally->n_verdicts;
    failed += tally->n_failed;
    dropped += tally->n_dropped;
  }
  g_mutex_unlock (&self->lock);

  return g_strdup_printf ("%u segments: %u verdicts, %u failed, %u dropped",
      announced, verdicts, failed, dropped);
}
