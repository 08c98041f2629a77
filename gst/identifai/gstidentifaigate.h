/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element that holds a stream back and lets out what its verdicts let out, as
 * its files share it:
 *
 *   gstidentifaigate.c  class, properties, signals, pads, states, outcomes
 *   gstidentifaigatein.c  what comes in: to the engine, and to the hold queue
 *   gstidentifaigatesettings.c  what the settings say
 *   gstidentifaigateout.c  what leaves: a task a source pad
 *   gstidentifaigateshow.c  what downstream is told before it
 *   gstidentifaigateslate.c  what is shown instead, and where it comes from
 *   gstidentifaigateshift.c  how much later its times are
 *   gstidentifaigatetell.c  what people are told of all that
 *   gstidentifaigatebranch.c  whose a pad is, and by which pace media leaves
 *
 * Each calls those below it, and none above.
 *
 * When what leaves, and whether, is decided in holdqueue.h and decisions.h; what is
 * judged, in the engine.
 */

#pragma once

#include "gstidentifaiengine.h"
#include "gstidentifaisilence.h"
#include "alarm.h"
#include "holdqueue.h"
#include "slatefile.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_GATE (gst_identifai_gate_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiGate, gst_identifai_gate, GST,
    IDENTIFAI_GATE, GstElement)
GST_ELEMENT_REGISTER_DECLARE (identifaigate);

/* A delay that is to be built: running times on the way out go by the clock. */
typedef struct
{
  gboolean due;                 /* it begins, or began */
  gint64 wall;                  /* µs, monotonic: when the outgoing end was at */
  gint64 position;              /* ns */
} GstIdentifaiBuild;

/* What downstream of a branch sees; times are running times on the way out, in ns,
 * or IDENTIFAI_NO_TIME. */
typedef struct
{
  GstEvent *caps, *segment;     /* the stream's latest; owned, or NULL */
  gboolean caps_due, segment_due;       /* downstream has to be told of them */
  gint64 shift;                 /* by which the segment was shifted */
  gboolean begun;               /* stream-start left */

  gboolean slate;               /* the slate is shown, or silence of it */
  gboolean is_first;            /* its next buffer */
  IdentifaiSlateLoop loop;      /* of it; silence: has no track */
  gint64 wall;                  /* µs: when its position was */
  gint64 position;
  gint64 silent_at;             /* silence is told of up to here */

  gint64 came;                  /* decoding time of the stream's last buffer, as it
                                 * came; or IDENTIFAI_NO_TIME; */
  gboolean turned;              /* it went back there */
  gint64 last;                  /* decoding time of the last buffer, */
  gint64 last_shift;            /* and by which it was shifted; IDENTIFAI_NO_TIME:
                                 * of a slate's */
  gint64 shown, end;            /* the latest start, and end, of what was shown */
} GstIdentifaiShow;

/* A pad that media comes in by, and the one that it leaves by, which owns it. */
typedef struct
{
  GstIdentifaiGate *gate;       /* borrowed */
  GstPad *sink, *src;           /* of the gate; borrowed */
  guint stream;                 /* of the hold queue; 0 is the video */

  /* The engine's lock: */
  gboolean removed;             /* nothing starts any more */
  gboolean ended;               /* on-artificial and the like: eos */
  GstSegment segment;           /* of what comes in */
  GstFlowReturn flow;           /* what the src pad's last push said */
  gboolean flushing;
  GstIdentifaiBuild build;
  gboolean slate_refused;       /* downstream doesn't take it */
  gint64 away;                  /* µs: the pipeline was paused, which the slate's clock
                                 * hasn't left out yet */

  /* The source pad's task: */
  gboolean hole;                /* what came before wasn't let out */
  GstIdentifaiShow show;
} GstIdentifaiBranch;

/* Locks: the stream locks of the sink pads, or of the source pads (a task never
 * takes a sink pad's), then the engine's, which guards all fields but the pointers.
 * Nothing is pushed and no message posted under it. The engine's condition is
 * signalled when something comes that may leave, and when something left. */
struct _GstIdentifaiGate
{
  GstElement parent;

  GstIdentifaiEngine *engine;
  GstIdentifaiSilence *silence;
  IdentifaiDecisions *decisions;
  IdentifaiHoldQueue *hold;

  GPtrArray *branches;          /* of GstIdentifaiBranch, the video's first; with a
                                 * reference on the pad that owns it */

  GHashTable *verdicts;         /* number of a segment -> GstStructure, owned: of its
                                 * outcome's message, until it leaves */

  gboolean started;             /* the first buffer of the stream was seen */
  gboolean has_end;             /* upstream knows how long it is: a file */
  gchar *stream_id;             /* or NULL */
  const gchar *orientation;     /* of the video, by its tags; NULL: upright */

  gboolean told;                /* the state of the outgoing end, and: */
  gboolean passing;
  gboolean delay_grew;          /* and that isn't notified yet */
  gboolean showing;             /* the slate */
  IdentifaiWhy why;
  guint64 late;                 /* segments, that were told of */
  IdentifaiAlarm late_alarm, overflow_alarm;
  gboolean told_short;          /* the hold is, for the policy */
  GstClockTime hold_set;        /* that the queue goes by */
  GstClockTime hold_told;       /* to the outbox, 0: any verdict is of use */
  gint64 ask_again;             /* µs, monotonic: when what is useless is given up, as it
                                 * couldn't be before; G_MAXINT64: there is none */
  GstClockID drain;             /* drain-timeout, of a file that is over; or NULL */
  gdouble last_coverage;        /* while it is not running */

  IdentifaiSlate *slate;        /* of the file; or NULL */
  GPtrArray *slate_pads;        /* of GstIdentifaiSlatePad, owned */
  gboolean slate_told;          /* that there is none */
  gboolean began;               /* the video's first buffer came */
  gint64 paused;                /* µs, monotonic: since when the pipeline, which was
                                 * playing, is; or 0 */
  gint64 resumed;               /* the same: since when it plays again; or 0 */
  gint64 reorder;               /* ns, by which its key frames are shown after they
                                 * are decoded; -1: unknown */
  gint64 shift;                 /* ns: running times are later on the way out, so that
                                 * what was shown before the delay was built has some, */
  gint64 built;                 /* of which so much isn't latency any more, */
  gint64 lag;                   /* of which so much was added as upstream stood still,
                                 * and is given back when it has caught up, */
  gint64 stall;                 /* and about so much may be added with what is held
                                 * of the video */
  gint64 lead;                  /* from a picture's decoding time to its arrival, ns, at
                                 * least, as the shift reckons with; or IDENTIFAI_NO_TIME */
  gint64 leads[2];              /* the least in the second that is, and the one before */
  gint64 second;                /* µs, monotonic: when that began */
  gint64 newest;                /* the decoding time of the picture that came last; the
                                 * same */
  gboolean catching_up;         /* what would be shown a second time is withheld */
};

/* gstidentifaigatebranch.c */

/* NULL: pad is none of the gate's, or not any more. */
GstIdentifaiBranch *gst_identifai_gate_find_locked (GstIdentifaiGate * self,
    GstPad * pad);
/* Whether media leaves by the clock; else with its verdicts. */
gboolean gst_identifai_gate_is_paced_locked (GstIdentifaiGate * self);

/* gstidentifaigatesettings.c */

void gst_identifai_gate_configure_decisions_locked (GstIdentifaiGate * self);
/* The rest, as upstream's pace says, too. */
void gst_identifai_gate_configure_locked (GstIdentifaiGate * self);
/* The outbox, by when it wants verdicts: it was paused, or plays. */
void gst_identifai_gate_tell_hold (GstIdentifaiGate * self);
/* What this element makes of a change of the property. No lock is held. */
void gst_identifai_gate_apply (GstIdentifaiGate * self, guint id);

/* gstidentifaigatetell.c: what is queued for the bus */

/* Nothing leaves until the delay is built. */
void gst_identifai_gate_tell_start_locked (GstIdentifaiGate * self);
/* A picture's turn has come. TRUE: passing changes. */
gboolean gst_identifai_gate_tell_held_locked (GstIdentifaiGate * self,
    const IdentifaiHeld * held);
/* What there is to say of the policy: an outcome came, or a segment left without. */
void gst_identifai_gate_tell_policy_locked (GstIdentifaiGate * self);
/* Once, if the hold is too short for it. */
void gst_identifai_gate_tell_short_locked (GstIdentifaiGate * self);
gdouble gst_identifai_gate_get_coverage_locked (GstIdentifaiGate * self);
GstStructure *gst_identifai_gate_get_stats (GstIdentifaiGate * self);

/* gstidentifaigatein.c */

void gst_identifai_gate_in_init (GstIdentifaiGate * self, GstPad * sink);
void gst_identifai_gate_in_reset_locked (GstIdentifaiGate * self);
/* The file isn't over, or doesn't wait any more. */
void gst_identifai_gate_in_stop_drain (GstIdentifaiGate * self);
/* For audio pads: what the engine has. Take over the object. */
GstFlowReturn gst_identifai_gate_in_pass (GstIdentifaiGate * self,
    GstPad * pad, GstBuffer * buffer);
gboolean gst_identifai_gate_in_pass_event (GstIdentifaiGate * self,
    GstPad * pad, GstEvent * event);

/* gstidentifaigateslate.c */

void gst_identifai_gate_slate_init (GstIdentifaiGate * self);
void gst_identifai_gate_slate_free (GstIdentifaiGate * self);
/* A pad of the gate's that a slate comes by, or NULL. */
GstPad *gst_identifai_gate_slate_request_pad (GstIdentifaiGate * self,
    GstPadTemplate * pad_template, const gchar * name);
/* FALSE: it is none. */
gboolean gst_identifai_gate_slate_release_pad (GstIdentifaiGate * self,
    GstPad * pad);
/* READY to PAUSED: reads the file, and warns if it can't be used. No lock is held. */
void gst_identifai_gate_slate_start (GstIdentifaiGate * self);
void gst_identifai_gate_slate_stop (GstIdentifaiGate * self);
/* Running time stands still meanwhile, and so does the slate's clock. */
void gst_identifai_gate_slate_pause (GstIdentifaiGate * self);
void gst_identifai_gate_slate_play (GstIdentifaiGate * self);
/* The hold queue has nothing of the branch any more. */
void gst_identifai_gate_slate_flushed_locked (GstIdentifaiBranch * branch);
/* A buffer of the video came: with the first one, the delay begins to be built. */
void gst_identifai_gate_slate_came_locked (GstIdentifaiGate * self,
    GstBuffer * buffer, gint64 arrival);
/* The hold is another one. */
void gst_identifai_gate_slate_hold_locked (GstIdentifaiGate * self,
    GstClockTime before, GstClockTime hold);
/* Whether the slate can be shown instead of the video; else it is told, once. */
gboolean gst_identifai_gate_slate_is_usable_locked (GstIdentifaiGate * self);
/* The branch's, new references: sound goes with the video's. NULL: it is silent. */
IdentifaiSlateTrack *gst_identifai_gate_slate_get_locked (GstIdentifaiGate *
    self, GstIdentifaiBranch * branch);
/* Downstream doesn't take it. */
void gst_identifai_gate_slate_refuse (GstIdentifaiBranch * branch,
    const GstCaps * caps);

/* gstidentifaigateout.c */

/* While the task doesn't run: after a flush, caps: those that it found held, borrowed,
 * or NULL; and all that it has. */
void gst_identifai_gate_out_flushed (GstIdentifaiBranch * branch,
    GstEvent * caps);
void gst_identifai_gate_out_clear (GstIdentifaiBranch * branch);

/* A source pad, whose branch is its private data. */
void gst_identifai_gate_out_init (GstPad * src, GstIdentifaiBranch * branch);
/* The outgoing end starts, and waits for what comes. */
void gst_identifai_gate_out_start (GstIdentifaiBranch * branch);
/* The same, where it was over, but not flushing. */
void gst_identifai_gate_out_restart (GstIdentifaiBranch * branch);
/* What comes for an outgoing end that is over, until it is started again: what sticks
 * waits on the pad. Takes over the event. */
void gst_identifai_gate_out_keep_locked (GstIdentifaiBranch * branch,
    GstEvent * event);
/* The task pauses; it may be started again. No lock may be held. */
void gst_identifai_gate_out_pause (GstIdentifaiBranch * branch);

/* gstidentifaigateshift.c */

/* No lag, and nothing known. */
void gst_identifai_gate_shift_reset_locked (GstIdentifaiGate * self);
/* A picture came. */
void gst_identifai_gate_shift_came_locked (GstIdentifaiGate * self,
    gint64 decoding, gint64 arrival);
/* So long (µs), in which running time stood still. */
void gst_identifai_gate_shift_paused_locked (GstIdentifaiGate * self,
    gint64 took);
/* Where the outgoing end is by the clock (µs), while the slate is shown. */
gint64 gst_identifai_gate_shift_get_position (const GstIdentifaiShow * show,
    gint64 now);
/* What is held first of the branch is decoded at next, and due then (µs). */
void gst_identifai_gate_shift_note_stall_locked (GstIdentifaiBranch * branch,
    gint64 next, gint64 due);
/* Before a buffer's turn: how much later it is, and whether it has to be withheld. */
void gst_identifai_gate_shift_settle_locked (GstIdentifaiBranch * branch);
/* Its turn has come: no time leaves that did before. */
void gst_identifai_gate_shift_mend_locked (GstIdentifaiBranch * branch,
    const IdentifaiHeld * held);
/* What would be heard a second time. */
gboolean gst_identifai_gate_shift_is_over_locked (GstIdentifaiBranch * branch,
    const IdentifaiHeld * held);
/* The stream's own times, whatever was shown meanwhile. */
gboolean gst_identifai_gate_shift_went_back (const GstIdentifaiShow * show,
    gint64 decoding);

/* gstidentifaigateshow.c; the branch's task */

/* The slate follows the stream's times, but doesn't fill or wait for such a jump. */
#define GST_IDENTIFAI_GATE_JUMP ((gint64) GST_SECOND)

/* The stream's caps and segment, from now on. */
void gst_identifai_gate_show_stream (GstIdentifaiBranch * branch,
    gint64 shift);
/* The slate's. wall: when (µs) the outgoing end is at position. */
void gst_identifai_gate_show_slate (GstIdentifaiBranch * branch, gint64 wall,
    gint64 position);
/* No more of it. */
void gst_identifai_gate_show_stop (GstIdentifaiBranch * branch);

G_END_DECLS
