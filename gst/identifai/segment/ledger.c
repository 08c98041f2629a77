/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "ledger.h"

#include "overhead.h"

typedef struct
{
  IdentifaiSegment *segment;    /* owned by the ledger */
  IdentifaiStage stage;
  guint64 bytes;                /* as booked in held_bytes */
} Entry;

struct _IdentifaiLedger
{
  GQueue entries;               /* of Entry, oldest first */
  GHashTable *links;            /* IdentifaiSegment -> its link in entries */
  IdentifaiTotals totals;
  guint64 max_bytes;
  guint max_segments;
};

IdentifaiLedger *
identifai_ledger_new (void)
{
  IdentifaiLedger *self = g_new0 (IdentifaiLedger, 1);

  g_queue_init (&self->entries);
  self->links = g_hash_table_new (NULL, NULL);

  return self;
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  identifai_segment_free (entry->segment);
  g_free (entry);
}

void
identifai_ledger_free (IdentifaiLedger * self)
{
  g_queue_clear_full (&self->entries, entry_free);
  g_hash_table_unref (self->links);
  g_free (self);
}

void
identifai_ledger_reset (IdentifaiLedger * self)
{
  g_return_if_fail (g_queue_is_empty (&self->entries));

  self->totals = (IdentifaiTotals) {
  0};
}

static Entry *
find (IdentifaiLedger * self, const IdentifaiSegment * segment)
{
  GList *link = g_hash_table_lookup (self->links, segment);

  return link ? link->data : NULL;
}

guint64
identifai_ledger_get_need (const IdentifaiSegment * segment)
{
  guint n_buffers = 0, i;

  if (segment->tracks == NULL)
    return segment->bytes;

  if (segment->pictures != NULL)
    n_buffers = segment->pictures->len;
  for (i = 0; i < segment->tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (segment->tracks, i);

    n_buffers += track->buffers->len;
  }

  return segment->bytes + identifai_container_overhead (segment->tracks->len,
      n_buffers, segment->bytes);
}

void
identifai_ledger_set_bounds (IdentifaiLedger * self, guint64 max_bytes,
    guint max_segments)
{
  self->max_bytes = max_bytes;
  self->max_segments = max_segments;
}

guint64
identifai_ledger_get_space (IdentifaiLedger * self)
{
  guint64 held = self->totals.held_bytes;

  return held < self->max_bytes ? self->max_bytes - held : 0;
}

const gchar *
identifai_ledger_get_obstacle (IdentifaiLedger * self, guint64 bytes)
{
  const IdentifaiTotals *totals = &self->totals;

  if (totals->held_segments == 0)
    return NULL;
  if (totals->held_segments >= self->max_segments)
    return "max-pending-segments is reached";
  if (totals->held_bytes > self->max_bytes
      || bytes > identifai_ledger_get_space (self))
    return "max-pending-bytes would be exceeded";

  return NULL;
}

gboolean
identifai_ledger_is_within_bounds (IdentifaiLedger * self)
{
  const IdentifaiTotals *totals = &self->totals;

  return totals->held_segments <= 1
      || (totals->held_segments <= self->max_segments
      && totals->held_bytes <= self->max_bytes);
}

static gboolean
holds (const Entry * entry)
{
  return entry->stage != IDENTIFAI_STAGE_SUBMITTED;
}

static void
book (IdentifaiLedger * self, Entry * entry)
{
  if (entry->stage == IDENTIFAI_STAGE_UPLOADING)
    entry->bytes = entry->segment->bytes;
  else if (entry->stage == IDENTIFAI_STAGE_SUBMITTED)
    entry->bytes = 0;
  self->totals.held_bytes += entry->bytes;
  self->totals.held_segments += holds (entry);
}

static void
unbook (IdentifaiLedger * self, Entry * entry)
{
  self->totals.held_bytes -= entry->bytes;
  self->totals.held_segments -= holds (entry);
}

void
identifai_ledger_add (IdentifaiLedger * self, IdentifaiSegment * segment,
    guint64 bytes, IdentifaiStage stage)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->segment = segment;
  entry->bytes = bytes;
  entry->stage = stage;
  g_queue_push_tail (&self->entries, entry);
  g_hash_table_insert (self->links, segment,
      g_queue_peek_tail_link (&self->entries));

  if (segment->resumed) {
    self->totals.resumed++;
    self->totals.resumed_pending++;
  } else {
    self->totals.segments++;
    self->totals.pending++;
  }
  book (self, entry);
}

gboolean
identifai_ledger_has (IdentifaiLedger * self, const IdentifaiSegment * segment)
{
  return find (self, segment) != NULL;
}

IdentifaiStage
identifai_ledger_get_stage (IdentifaiLedger * self,
    const IdentifaiSegment * segment)
{
  Entry *entry = find (self, segment);

  g_return_val_if_fail (entry != NULL, IDENTIFAI_STAGE_SUBMITTED);

  return entry->stage;
}

void
identifai_ledger_move (IdentifaiLedger * self, IdentifaiSegment * segment,
    IdentifaiStage stage)
{
  Entry *entry = find (self, segment);

  g_return_if_fail (entry != NULL);

  unbook (self, entry);
  if (stage == IDENTIFAI_STAGE_SUBMITTED && entry->stage != stage)
    self->totals.submitted++;
  entry->stage = stage;
  book (self, entry);
}

IdentifaiSegment *
identifai_ledger_peek (IdentifaiLedger * self, guint n)
{
  Entry *entry = g_queue_peek_nth (&self->entries, n);

  return entry ? entry->segment : NULL;
}

IdentifaiSegment *
identifai_ledger_next (IdentifaiLedger * self, const IdentifaiSegment * segment)
{
  GList *link = g_hash_table_lookup (self->links, segment);
  GList *next = link ? link->next : NULL;

  return next ? ((Entry *) next->data)->segment : NULL;
}

gboolean
identifai_ledger_remove (IdentifaiLedger * self, IdentifaiSegment * segment,
    IdentifaiEnd end)
{
  GList *link = g_hash_table_lookup (self->links, segment);

  if (link == NULL)
    return FALSE;

  unbook (self, link->data);
  if (segment->resumed) {
    self->totals.resumed_pending--;
  } else {
    self->totals.pending--;
    self->totals.ends[end]++;
  }
  g_hash_table_remove (self->links, segment);
  g_free (link->data);
  g_queue_delete_link (&self->entries, link);

  return TRUE;
}

void
identifai_ledger_add_latency (IdentifaiLedger * self, GstClockTime latency)
{
  IdentifaiTotals *totals = &self->totals;

  totals->latency_last = latency;
  totals->latency_sum += latency;
  totals->latency_max = MAX (totals->latency_max, latency);
}

const IdentifaiTotals *
identifai_ledger_get_totals (IdentifaiLedger * self)
{
  return &self->totals;
}

void
identifai_ledger_get_stats (IdentifaiLedger * self, GstStructure * stats)
{
  const IdentifaiTotals *totals = &self->totals;
  guint64 verdicts = totals->ends[IDENTIFAI_END_VERDICT];

  gst_structure_set (stats,
      "segments", G_TYPE_UINT64, totals->segments,
      "submitted", G_TYPE_UINT64, totals->submitted,
      "verdicts", G_TYPE_UINT64, verdicts,
      "failed", G_TYPE_UINT64, totals->ends[IDENTIFAI_END_FAILED],
      "dropped", G_TYPE_UINT64, totals->ends[IDENTIFAI_END_DROPPED],
      "pending", G_TYPE_UINT64, totals->pending,
      "resumed", G_TYPE_UINT64, totals->resumed,
      "pending-bytes", G_TYPE_UINT64, totals->held_bytes,
      "latency-last", G_TYPE_UINT64, totals->latency_last,
      "latency-average", G_TYPE_UINT64,
      verdicts > 0 ? totals->latency_sum / verdicts : 0,
      "latency-max", G_TYPE_UINT64, totals->latency_max, NULL);
}
