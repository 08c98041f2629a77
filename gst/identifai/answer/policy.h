/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From the outcomes of a stream's segments to what should be done about the
 * stream: a single verdict errs too often to act on.
 *
 *            score >= review            enter artificial of the last window
 *   clear ───────────────────► review ─────────────────────────────► blocked
 *     ▲                          │                                      │
 *     └──── leave clean in a row and min-time since the state began ────┘
 *
 * Outcomes come in any order and count in the segments' order. Not thread-safe;
 * no clock: time is the segments' running time.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_POLICY_CLEAR,
  IDENTIFAI_POLICY_REVIEW,
  IDENTIFAI_POLICY_BLOCKED,
} IdentifaiPolicyState;

/* "clear", "review", "blocked" */
const gchar *identifai_policy_state_to_string (IdentifaiPolicyState state);

/* What a segment without a verdict of its own counts as. */
typedef enum
{
  IDENTIFAI_POLICY_KEEP,        /* as nothing: all stays */
  IDENTIFAI_POLICY_CLEAN,
  IDENTIFAI_POLICY_ARTIFICIAL,
} IdentifaiPolicyVote;

typedef struct
{
  gdouble review;               /* scores from which a segment is suspicious, */
  gdouble block;                /* and artificial; 0 <= review <= block <= 1 */
  guint frames;                 /* > 0: artificial is what has that many judged
                                 * frames that are, whatever its score */
  guint enter, window;          /* 1 <= enter <= window */
  guint leave;                  /* >= 1 */
  GstClockTime min_time;
  IdentifaiPolicyVote unjudged; /* failed or dropped */
  IdentifaiPolicyVote unknown;  /* the service could not judge it */
  gboolean boost;               /* for the caller: see contract of `policy` */
  gboolean enforce;             /* for the caller: FALSE = only tell */
} IdentifaiPolicySettings;

void identifai_policy_settings_init (IdentifaiPolicySettings * self);
/* Defaults, and what the structure's fields say instead. FALSE, and self is as it
 * was: a field that there isn't, of another type, or they contradict each other;
 * error says which and why. */
gboolean identifai_policy_settings_read (IdentifaiPolicySettings * self,
    const GstStructure * structure, GError ** error);

/* How one segment ended. */
typedef struct
{
  guint segment;                /* number: each from 0 on comes once */
  gboolean judged;              /* FALSE: failed or dropped */
  gboolean unknown;             /* judged, but the service can't tell */
  gdouble score;                /* of a judged one: probability of artificial */
  guint artificial_frames;
  GstClockTime running_time;    /* GST_CLOCK_TIME_NONE: unknown */
  GstClockTime stream_time, duration;
  gint64 utc;                   /* µs since 1970 at running_time; -1 unknown */
} IdentifaiPolicyOutcome;

/* What the policy counts it as; one that is merely suspicious is no artificial one. */
IdentifaiPolicyVote identifai_policy_settings_vote (const
    IdentifaiPolicySettings * self, const IdentifaiPolicyOutcome * outcome);

typedef struct
{
  IdentifaiPolicyState state, previous;
  IdentifaiPolicyOutcome cause; /* the segment at which it changed */
  GArray *segments;             /* of guint: the numbers of those that made it */
} IdentifaiPolicyChange;

void identifai_policy_change_clear (IdentifaiPolicyChange * self);

typedef struct _IdentifaiPolicy IdentifaiPolicy;

/* Without settings, nothing counts. */
IdentifaiPolicy *identifai_policy_new (void);
/* The element's, for the log; NULL: none. */
void identifai_policy_set_name (IdentifaiPolicy * self, const gchar * name);
void identifai_policy_free (IdentifaiPolicy * self);
/* From the next segment that counts on. NULL: nothing counts, and what did is
 * forgotten. */
void identifai_policy_configure (IdentifaiPolicy * self,
    const IdentifaiPolicySettings * settings);
/* The next segment is number 0, and nothing came before it. Settings stay. */
void identifai_policy_reset (IdentifaiPolicy * self);
/* One that came before, or whose turn is over, is ignored. */
void identifai_policy_add (IdentifaiPolicy * self,
    const IdentifaiPolicyOutcome * outcome);
/* The oldest change that wasn't taken; FALSE: there is none. To be cleared. */
gboolean identifai_policy_pop (IdentifaiPolicy * self,
    IdentifaiPolicyChange * change);
IdentifaiPolicyState identifai_policy_get_state (IdentifaiPolicy * self);
/* Whether the stream should be looked at closer: `boost`, in review. */
gboolean identifai_policy_wants_more (IdentifaiPolicy * self);

G_END_DECLS
