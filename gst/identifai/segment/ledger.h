/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The books of an element: every closed segment that has no outcome yet, where
 * it is, and the totals of stats. Who removes a segment from the ledger posts
 * its outcome: that makes it exactly one.
 *
 * Not thread-safe: its owner's lock guards it.
 */

#pragma once

#include "segment.h"

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_STAGE_MUXING,       /* the mux worker has it, begun with or not */
  IDENTIFAI_STAGE_UPLOADING,    /* the client has it, the service not yet */
  IDENTIFAI_STAGE_SUBMITTED,    /* the service took the file */
} IdentifaiStage;

typedef enum
{
  IDENTIFAI_END_VERDICT,
  IDENTIFAI_END_FAILED,
  IDENTIFAI_END_DROPPED,
  IDENTIFAI_N_ENDS
} IdentifaiEnd;

typedef struct
{
  guint64 segments;
  guint64 submitted;
  guint64 ends[IDENTIFAI_N_ENDS];
  guint64 pending;              /* segments - sum of ends */
  guint64 resumed;              /* of earlier runs, in none of these */
  guint64 resumed_pending;      /* those without an outcome */
  guint64 held_segments;        /* pending that the service has not taken */
  guint64 held_bytes;           /* what they hold */
  GstClockTime latency_last, latency_sum, latency_max;  /* of verdicts */
} IdentifaiTotals;

/* For the log: GST_DEBUG (… "%" IDENTIFAI_TOTALS_FORMAT …). */
#define IDENTIFAI_TOTALS_FORMAT G_GUINT64_FORMAT " bytes held by %" \
    G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT " without an outcome"
#define IDENTIFAI_TOTALS_ARGS(totals) (totals)->held_bytes, \
    (totals)->held_segments, (totals)->pending

typedef struct _IdentifaiLedger IdentifaiLedger;

IdentifaiLedger *identifai_ledger_new (void);
void identifai_ledger_free (IdentifaiLedger * self);

/* Forgets all totals; no segment may be left. */
void identifai_ledger_reset (IdentifaiLedger * self);

/* How many bytes a segment may hold at most until it is UPLOADING: a file is larger
 * than the tracks that it is made of. */
guint64 identifai_ledger_get_need (const IdentifaiSegment * segment);

/* What may be held, by segments that the service hasn't taken. */
void identifai_ledger_set_bounds (IdentifaiLedger * self, guint64 max_bytes,
    guint max_segments);
/* Why a segment of that many bytes may not be added; NULL: it may, as a single one
 * always may. Static. */
const gchar *identifai_ledger_get_obstacle (IdentifaiLedger * self,
    guint64 bytes);
/* Bytes that may be held besides what is. */
guint64 identifai_ledger_get_space (IdentifaiLedger * self);
/* FALSE: more is held than may be, and not by a single one. */
gboolean identifai_ledger_is_within_bounds (IdentifaiLedger * self);

/* Takes over the segment. bytes: its need, so that its file doesn't break the
 * bound. One that is resumed counts as such, and not among the others. */
void identifai_ledger_add (IdentifaiLedger * self, IdentifaiSegment * segment,
    guint64 bytes, IdentifaiStage stage);

/* NULL-safe: whether segment (maybe freed: only the pointer counts) is here. */
gboolean identifai_ledger_has (IdentifaiLedger * self,
    const IdentifaiSegment * segment);
IdentifaiStage identifai_ledger_get_stage (IdentifaiLedger * self,
    const IdentifaiSegment * segment);
/* Moves it on; books segment->bytes once it is UPLOADING, 0 once SUBMITTED. */
void identifai_ledger_move (IdentifaiLedger * self, IdentifaiSegment * segment,
    IdentifaiStage stage);

/* The n-th oldest segment, from 0, or NULL. */
IdentifaiSegment *identifai_ledger_peek (IdentifaiLedger * self, guint n);
/* The one behind it; NULL: it is the last one, or isn't there. */
IdentifaiSegment *identifai_ledger_next (IdentifaiLedger * self,
    const IdentifaiSegment * segment);

/* Removes it with its outcome; the caller owns it. FALSE: it is not here. */
gboolean identifai_ledger_remove (IdentifaiLedger * self,
    IdentifaiSegment * segment, IdentifaiEnd end);

void identifai_ledger_add_latency (IdentifaiLedger * self,
    GstClockTime latency);

/* Adds the fields of stats that it knows. */
void identifai_ledger_get_stats (IdentifaiLedger * self, GstStructure * stats);

const IdentifaiTotals *identifai_ledger_get_totals (IdentifaiLedger * self);

G_END_DECLS
