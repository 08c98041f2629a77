/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element that holds a stream back and lets out what its verdicts let out, as
 * its files share it:
 *
 *   gstidentifaigate.c     class, properties, signals, pads, states, outcomes; calls
 *   gstidentifaigatein.c   what comes in: to the engine, and to the hold queue
 *   gstidentifaigateout.c  what leaves: a task a source pad
 *
 * When what leaves, and whether, is decided in holdqueue.h and decisions.h; what is
 * judged, in the engine.
 */

#pragma once

#include "gstidentifaiengine.h"
#include "gstidentifaisilence.h"
#include "alarm.h"
#include "holdqueue.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_GATE (gst_identifai_gate_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiGate, gst_identifai_gate, GST,
    IDENTIFAI_GATE, GstElement)
GST_ELEMENT_REGISTER_DECLARE (identifaigate);

/* A pad that media comes in by, and the one that it leaves by. */
typedef struct
{
  GstIdentifaiGate *gate;       /* borrowed */
  GstPad *sink, *src;           /* of the gate; borrowed */
  guint stream;                 /* of the hold queue; 0 is the video */

  /* The engine's lock: */
  GstSegment segment;           /* of what comes in */
  GstFlowReturn flow;           /* what the src pad's last push said */
  gboolean flushing;

  /* The source pad's task: */
  gboolean hole;                /* what came before wasn't let out */
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

  GPtrArray *branches;          /* of GstIdentifaiBranch, the video's first; owned */

  gboolean started;             /* the first buffer of the stream was seen */
  gboolean has_end;             /* upstream knows how long it is: a file */
  gchar *stream_id;             /* or NULL */
  const gchar *orientation;     /* of the video, by its tags; NULL: upright */

  gboolean ended;               /* on-artificial and the like: eos */
  gboolean told;                /* the state of the outgoing end, and: */
  gboolean passing;
  IdentifaiWhy why;
  guint64 late;                 /* segments, that were told of */
  IdentifaiAlarm late_alarm, overflow_alarm;
  gdouble last_coverage;        /* while it is not running */
};

/* gstidentifaigate.c */

/* NULL: pad is none of the gate's, or not any more. */
GstIdentifaiBranch *gst_identifai_gate_find_locked (GstIdentifaiGate * self,
    GstPad * pad);
/* Whether media leaves by the clock; else with its verdicts. */
gboolean gst_identifai_gate_is_paced_locked (GstIdentifaiGate * self);
/* As the settings and upstream's pace say. */
void gst_identifai_gate_configure_locked (GstIdentifaiGate * self);

/* Queues what there is to say of the policy. */
void gst_identifai_gate_tell_policy_locked (GstIdentifaiGate * self);

/* gstidentifaigatein.c */

void gst_identifai_gate_in_init (GstIdentifaiGate * self, GstPad * sink);
void gst_identifai_gate_in_reset_locked (GstIdentifaiGate * self);
/* For audio pads: what the engine has. Take over the object. */
GstFlowReturn gst_identifai_gate_in_pass (GstIdentifaiGate * self,
    GstPad * pad, GstBuffer * buffer);
gboolean gst_identifai_gate_in_pass_event (GstIdentifaiGate * self,
    GstPad * pad, GstEvent * event);

/* gstidentifaigateout.c */

/* A source pad, whose branch is its private data. */
void gst_identifai_gate_out_init (GstPad * src, GstIdentifaiBranch * branch);
/* The outgoing end starts, and waits for what comes. */
void gst_identifai_gate_out_start (GstIdentifaiBranch * branch);
/* The task pauses; it may be started again. No lock may be held. */
void gst_identifai_gate_out_pause (GstIdentifaiBranch * branch);

G_END_DECLS
