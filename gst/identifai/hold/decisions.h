/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is done with each segment of a stream that is held back: outcomes in, in
 * any order, decisions out.
 *
 * A decision is made with all that is known when it is asked for, which is as late
 * as can be: when the segment's first buffer has to leave. From then on it can only
 * become stricter, as what is gone is gone, and what was withheld leaves a hole
 * anyway. Not thread-safe; no clock.
 */

#pragma once

#include "policy.h"

G_BEGIN_DECLS

/* The stricter, the later. */
typedef enum
{
  IDENTIFAI_ACTION_PASS,
  IDENTIFAI_ACTION_SLATE,       /* drop, and something else is shown */
  IDENTIFAI_ACTION_DROP,
  IDENTIFAI_ACTION_EOS,         /* drop, and the stream is over */
} IdentifaiAction;

/* Why something passes or is withheld. */
typedef enum
{
  IDENTIFAI_WHY_VERDICT,        /* its own, or the policy's */
  IDENTIFAI_WHY_UNKNOWN,        /* the service could not judge it */
  IDENTIFAI_WHY_UNJUDGED,       /* no verdict, in time or at all; in no segment */
  IDENTIFAI_WHY_UNSAMPLED,      /* between segments */
  IDENTIFAI_WHY_FORCED,
  IDENTIFAI_WHY_DUMPED,
  IDENTIFAI_WHY_SKIPPED,        /* the hold became shorter */
  IDENTIFAI_WHY_OVERFLOW,       /* more would be held than may */
  IDENTIFAI_WHY_START,          /* nothing could leave yet */
  IDENTIFAI_N_WHYS
} IdentifaiWhy;

const gchar *identifai_why_to_string (IdentifaiWhy why);

typedef struct
{
  IdentifaiAction on_artificial, on_unknown, on_unjudged;
  guint pre_roll, post_roll;    /* segments */
  gboolean has_policy;          /* FALSE: each verdict counts by itself */
  IdentifaiPolicySettings policy;
} IdentifaiDecisionSettings;

/* Policy of the defaults, pass what is unknown, drop what isn't judged. */
void identifai_decision_settings_init (IdentifaiDecisionSettings * self);

typedef struct
{
  IdentifaiAction action;
  IdentifaiWhy why;
  gboolean in_shadow;           /* passes as the policy isn't enforced, and wouldn't */
} IdentifaiDecision;

typedef struct _IdentifaiDecisions IdentifaiDecisions;

IdentifaiDecisions *identifai_decisions_new (const gchar * name);
/* The element's, for the log: it may have none yet when this is made. */
void identifai_decisions_set_name (IdentifaiDecisions * self,
    const gchar * name);
void identifai_decisions_free (IdentifaiDecisions * self);
/* For what isn't decided yet. */
void identifai_decisions_configure (IdentifaiDecisions * self,
    const IdentifaiDecisionSettings * settings);
/* The next segment is number 0. Settings stay. */
void identifai_decisions_reset (IdentifaiDecisions * self);

/* How a segment ended; artificial: the service's classification, which counts
 * where there is no policy. The first outcome of a segment counts. FALSE: it comes
 * too late, the segment was decided without it. */
gboolean identifai_decisions_add (IdentifaiDecisions * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial);
/* An operator's word on a segment, a verdict: it counts whatever the service says,
 * also beside a policy that isn't enforced. What is decided becomes what it says, as
 * far as it has not left. */
void identifai_decisions_override (IdentifaiDecisions * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial);
/* The stream is over, there is no segment from number end on. */
void identifai_decisions_end (IdentifaiDecisions * self, guint end);

/* Whether nothing that may come would change the decision. */
gboolean identifai_decisions_is_settled (IdentifaiDecisions * self,
    guint segment);
/* The segment has to leave: without an outcome, it counts as not judged from now
 * on, and so do those before it. why_not: the reason that it is given then. */
IdentifaiDecision identifai_decisions_make (IdentifaiDecisions * self,
    guint segment, IdentifaiWhy why_not);
/* What that would say now, of one that has not to leave yet. */
IdentifaiDecision identifai_decisions_foresee (IdentifaiDecisions * self,
    guint segment);
/* What is done with what nobody judges. */
IdentifaiAction identifai_decisions_get_unjudged (IdentifaiDecisions * self);
/* What is done with what an operator withholds: DROP, or as with what is artificial,
 * SLATE. */
IdentifaiAction identifai_decisions_get_withheld (IdentifaiDecisions * self);
gboolean identifai_decisions_has_outcome (IdentifaiDecisions * self,
    guint segment);
/* Whether an outcome that comes when the segment is leaving may change what is left. */
gboolean identifai_decisions_want_late (IdentifaiDecisions * self);
/* No outcome of a segment below it would change what leaves any more. */
guint identifai_decisions_get_useless (IdentifaiDecisions * self);
/* How many had to leave without one. */
guint64 identifai_decisions_count_late (IdentifaiDecisions * self);
/* Segments below it may be forgotten; they aren't judged, if they are asked for. */
void identifai_decisions_forget (IdentifaiDecisions * self, guint segment);

/* Changes of the policy's state, as identifai_policy_pop(). */
gboolean identifai_decisions_pop (IdentifaiDecisions * self,
    IdentifaiPolicyChange * change);
IdentifaiPolicyState identifai_decisions_get_state (IdentifaiDecisions * self);
gboolean identifai_decisions_want_more (IdentifaiDecisions * self);

G_END_DECLS
