/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the outcomes of segments mean for their stream: they are counted by the
 * policy, the element hears of them, and somebody who knows better overrides them.
 *
 * A lock of its own, which the reporter's comes after. Functions may be called
 * with any lock of the element or the outbox held, except where it says that they
 * deliver, and on any thread.
 */

#pragma once

#include "gstidentifaireporter.h"
#include "ledger.h"
#include "policy.h"
#include "result.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiOutcomes GstIdentifaiOutcomes;

/* What became of a segment. Borrowed by the callback. */
typedef struct
{
  guint segment;                /* its number */
  IdentifaiEnd end;
  gboolean overridden;          /* by gst_identifai_outbox_override(): a verdict */

  /* END_VERDICT: */
  const gchar *classification;  /* "human", "artificial", "unknown" */
  gboolean unknown;             /* the service could not tell */
  gdouble score;                /* 0..1, probability of artificial; 0.5 unknown */
  guint artificial_frames;      /* of those judged; G_MAXUINT if overridden so */
  const IdentifaiResult *result;        /* the service's; NULL if overridden */

  /* END_FAILED, END_DROPPED: as in the message, "timeout", "overflow" */
  const gchar *reason;

  /* As IdentifaiSegment; unknown if it is overridden before its own outcome. */
  GstClockTime running_time, stream_time, duration;
  gint64 utc;
  const GstStructure *structure;        /* of the message; NULL if overridden */
} GstIdentifaiOutcome;

typedef void (*GstIdentifaiOutcomeFunc) (const GstIdentifaiOutcome * outcome,
    gpointer user_data);
typedef void (*GstIdentifaiPolicyFunc) (const IdentifaiPolicyChange * change,
    gboolean enforced, gpointer user_data);

/* element and reporter are borrowed. NULL for a function: nobody wants to hear of
 * that. */
GstIdentifaiOutcomes *gst_identifai_outcomes_new (GstElement * element,
    GstIdentifaiReporter * reporter, GstIdentifaiOutcomeFunc outcome_func,
    GstIdentifaiPolicyFunc policy_func, gpointer user_data);
void gst_identifai_outcomes_free (GstIdentifaiOutcomes * self);

/* The next segment is number 0. */
void gst_identifai_outcomes_start (GstIdentifaiOutcomes * self,
    const GstStructure * policy);
/* A policy that was checked; NULL: none. From the next outcome on. */
void gst_identifai_outcomes_set_policy (GstIdentifaiOutcomes * self,
    const GstStructure * policy);
/* Where there is none: the element knows. Else ignored. */
void gst_identifai_outcomes_boost (GstIdentifaiOutcomes * self,
    gboolean boosted);
/* Whether it wants all of the stream to be judged, without pauses. Takes no
 * lock. */
gboolean gst_identifai_outcomes_is_boosted (GstIdentifaiOutcomes * self);

/* One of them for each segment, when its message is queued. result and structure,
 * the message's: transfer full. */
void gst_identifai_outcomes_judged (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, IdentifaiResult * result,
    GstStructure * structure);
void gst_identifai_outcomes_failed (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    GstStructure * structure);
void gst_identifai_outcomes_dropped (GstIdentifaiOutcomes * self,
    const IdentifaiSegment * segment, GstIdentifaiDrop reason,
    GstStructure * structure);

/* See gst_identifai_outbox_override(). */
gboolean gst_identifai_outcomes_override (GstIdentifaiOutcomes * self,
    guint segment, const gchar * classification);

/* Calls what is to be called, one after the other: here, with no lock held; on a
 * thread of a pool; here, and returns when all was called. */
void gst_identifai_outcomes_deliver (GstIdentifaiOutcomes * self);
void gst_identifai_outcomes_deliver_elsewhere (GstIdentifaiOutcomes * self);
void gst_identifai_outcomes_deliver_all (GstIdentifaiOutcomes * self);

G_END_DECLS
