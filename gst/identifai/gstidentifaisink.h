/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element. Its code lies in gstidentifaisink.c (class, properties, states),
 * gstidentifaiinput.c (what comes in on the always pad), gstidentifaicaps.c (what
 * muxers make of all streams together), gstidentifairecorder.c (if
 * it is a container), gstidentifaidrain.c (where its thread waits),
 * gstidentifaisilence.c (when nothing comes) and gstidentifaiaudiopad.c (the request
 * pads).
 */

#pragma once

#include <gst/base/gstbasesink.h>

#include "gstidentifaioutbox.h"
#include "gstidentifaisettings.h"
#include "gstidentifaisilence.h"
#include "container.h"
#include "arrivalpace.h"
#include "segmenter.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_SINK (gst_identifai_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiSink, gst_identifai_sink, GST,
    IDENTIFAI_SINK, GstBaseSink)
GST_ELEMENT_REGISTER_DECLARE (identifaisink);

/* What the always pad gets. */
typedef enum
{
  GST_IDENTIFAI_INPUT_RAW,      /* no caps: container to be found out */
  GST_IDENTIFAI_INPUT_CONTAINER,
  GST_IDENTIFAI_INPUT_ELEMENTARY,
  GST_IDENTIFAI_INPUT_REFUSED,  /* rest of a file that failed: thrown away */
} GstIdentifaiInput;

/* Locks, outermost first: the video pad's stream lock, GST_BASE_SINK_PREROLL_LOCK
 * (held by render and while EOS waits), lock, the outbox's. key_lock comes before
 * lock, and no streaming thread takes it. Never is a message posted or an event
 * pushed under lock.
 *
 * Threads: the video pad's streaming thread, one for each audio pad (or the same
 * one, when a demuxer feeds them without queues), the system clock's for the
 * timer, the application's. */
struct _GstIdentifaiSink
{
  GstBaseSink parent;

  GstIdentifaiReporter *reporter;       /* these two have locks of their own */
  GstIdentifaiOutbox *outbox;

  GMutex key_lock;              /* one key, or set of headers, is passed on at
                                 * a time, the latest last */

  GMutex lock;
  GCond cond;                   /* audio came, the video goes on, flushing */

  /* All below: lock. */
  GstIdentifaiSettings settings;
  guint next_number;            /* of segments */
  gboolean running;             /* from start to stop */
  gdouble last_coverage;        /* while it is not running */
  gboolean flushing;            /* unlock() to unlock_stop() */
  gboolean stopping;            /* from PAUSED to READY */

  GstIdentifaiInput input;
  const IdentifaiContainer *container;  /* once it is known */
  gboolean caps_refused;        /* by the muxers; the error is posted */
  IdentifaiSegment *open;       /* container input: the file so far */
  gint64 file_start;            /* monotonic µs, of the first byte of it */
  guint64 refused_bytes;        /* of a stream that goes on: since it failed last */
  guint64 lost_bytes, posted_bytes;     /* container input since the start */
  gboolean unwanted;            /* INPUT_REFUSED, as it began while judging was off */
  gboolean told_container;      /* that it isn't judged before its end */
  gboolean told_idle;           /* which settings and pads do nothing */
  GQueue files;                 /* of IdentifaiSegment: those that are over */
  gboolean started;             /* the first buffer of the stream was seen */
  gchar *stream_id;             /* or NULL */
  const gchar *orientation;     /* of the video, by its tags; NULL: upright */

  IdentifaiSegmenter *segmenter;
  IdentifaiSegment *in_hand;    /* closed, but there is no room for it yet */
  gboolean waits_for_room;      /* it does, and hands on what is in hand */
  GstIdentifaiSilence silence;
  GThread *video_thread, *sound_thread; /* only to be compared; or NULL */
  gint64 sound_came;            /* monotonic µs, the latest */
  gboolean hurry;               /* no more waiting for sound */
  gboolean video_held;          /* the video thread waits in this element */
  gboolean boosted;             /* the segmenter makes no pauses */
  IdentifaiArrivalPace pace;           /* of elementary video */
  gboolean live;                /* says upstream */
  gboolean has_length;          /* upstream knows its end */
  gboolean has_size;            /* in bytes: they are a file's */
  gchar *uri;                   /* of the file, until it is closed; or NULL */
  GstClockTime video_position;  /* running time */
  GstClockID timer;             /* for segments that wait for audio */
  guint next_audio;             /* number of the next audio pad */
  GstClockTime first_sound;     /* running time, while sink is not linked */
  gboolean told_no_video;
  guint keyframe_requests;      /* sent so far */
};

/* gstidentifaisink.c: numbers a new segment; called under
 * lock by the segmenter and for container input. user_data: the element. */
/* From the settings, and what the policy wants. */
void gst_identifai_sink_configure_segmenter_locked (GstIdentifaiSink * self);
void gst_identifai_sink_open_segment (IdentifaiSegment * segment,
    gpointer user_data);

/* gstidentifaiinput.c */
void gst_identifai_input_init_class (GstBaseSinkClass * klass);
void gst_identifai_input_reset_locked (GstIdentifaiSink * self);
/* What is open or closed but not handed on gets its outcome: dropped. */
void gst_identifai_input_drop_locked (GstIdentifaiSink * self,
    GstIdentifaiDrop reason);
/* Hands what is closed to the outbox while it takes more. */
void gst_identifai_input_dispatch_locked (GstIdentifaiSink * self);
/* Whether more waits for its sound than may. */
gboolean gst_identifai_input_is_full_locked (GstIdentifaiSink * self);
/* The outbox may have room again. user_data: the element. */
void gst_identifai_input_on_room (gpointer user_data);
/* The setting judging has changed. */
void gst_identifai_input_set_judging_locked (GstIdentifaiSink * self);
/* After unlocking: messages, and the key frame request if one is due. */
void gst_identifai_input_act (GstIdentifaiSink * self);

/* Takes over error, which may be NULL, and posts all that waits. */
void gst_identifai_input_post_error (GstIdentifaiSink * self, GError * error);

/* gstidentifaicaps.c. FALSE, with an error message queued: no muxer takes this
 * video. stream is the segmenter's. */
gboolean gst_identifai_caps_set_locked (GstIdentifaiSink * self, guint stream,
    GstCaps * caps);

/* gstidentifairecorder.c. The video streaming thread. */
/* Before the first buffer: FALSE if the source knows that its file is too large,
 * which has failed then. */
gboolean gst_identifai_file_fits (GstIdentifaiSink * self, GstBuffer * buffer);
/* Appends a borrowed buffer. */
GstFlowReturn gst_identifai_file_render (GstIdentifaiSink * self,
    GstBuffer * buffer);
void gst_identifai_file_seek_locked (GstIdentifaiSink * self,
    const GstSegment * segment);
/* The bytes so far are a file. FALSE with error: they are none. */
gboolean gst_identifai_file_close_locked (GstIdentifaiSink * self,
    GError ** error);
/* Of the bytes since the start, those in closed files. */
gdouble gst_identifai_file_get_coverage_locked (GstIdentifaiSink * self);
gboolean gst_identifai_file_query_locked (GstIdentifaiSink * self,
    GstQuery * query);

/* gstidentifaidrain.c. The video streaming thread, with the preroll lock. */
/* deadline: monotonic µs, -1 = none. */
GstFlowReturn gst_identifai_drain_wait_for_room (GstIdentifaiSink * self,
    gint64 deadline);
/* overflow=block holds the stream until there is room, and says so. */
GstFlowReturn gst_identifai_drain_hold (GstIdentifaiSink * self);
/* More waits for its sound than may: the thread waits for that, if another one
 * feeds it. */
GstFlowReturn gst_identifai_drain_wait_for_sound (GstIdentifaiSink * self);
/* At the first buffer of a stream. */
GstFlowReturn gst_identifai_drain_wait_for_earlier (GstIdentifaiSink * self);
/* Waits until all that is closed has its outcome, and all is posted. */
GstFlowReturn gst_identifai_drain (GstIdentifaiSink * self);

/* gstidentifaiaudiopad.c */
GstPad *gst_identifai_audio_request_pad (GstElement * element,
    GstPadTemplate * template, const gchar * name, const GstCaps * caps);
void gst_identifai_audio_release_pad (GstElement * element, GstPad * pad);

G_END_DECLS
