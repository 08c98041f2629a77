/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all elements share: the settings, the segmenter and the lock around it, the
 * way of closed segments to the outbox, the timer for late sound, what people are
 * told, and key frame requests. An element makes one, starts and stops it with its
 * own states, and gives it what its pads get; its audio pads
 * (gstidentifaiaudiopad.h) do that themselves.
 *
 *   lock; …_locked (); unlock; gst_identifai_engine_act ();
 *
 * Never is a message posted, an event pushed or a file read under the lock: what
 * _locked functions have to say is queued, and _act posts it.
 *
 * Locks, outermost first: stream locks, GST_BASE_SINK_PREROLL_LOCK, lock, the
 * outbox's, the reporter's. key_lock comes before lock, and no streaming thread takes it.
 *
 * Threads: the video pad's streaming thread, one for each audio pad (or the same
 * one, when a demuxer feeds them without queues), the system clock's for the
 * timer, the client's when there is room, the application's.
 */

#pragma once

#include "gstidentifaicaps.h"
#include "gstidentifaioutbox.h"
#include "gstidentifaireporter.h"
#include "gstidentifaisettings.h"
#include "arrivalpace.h"
#include "cond.h"
#include "codecs.h"
#include "segmenter.h"

G_BEGIN_DECLS

typedef struct
{
  GstElement *element;          /* borrowed: owns the engine */
  GstPad *video_pad;            /* of the element */
  GstIdentifaiReporter *reporter;       /* these two have locks of their own */
  GstIdentifaiOutbox *outbox;
  GstIdentifaiOutboxCallbacks callbacks;

  GMutex key_lock;              /* one key, or set of headers, is passed on at
                                 * a time, the latest last */

  GMutex lock;
  IdentifaiCond cond;           /* sound came, room, what the element waits for */

  /* All below: lock. */
  GstIdentifaiSettings settings;
  gboolean running;             /* from start to stop */
  gboolean starting;            /* running, but not connected yet */
  gboolean changed;             /* a setting, while it was starting */
  gboolean stopping;            /* from PAUSED to READY */
  guint next_number;            /* of segments */

  IdentifaiSegmenter *segmenter;
  GQueue files;                 /* of IdentifaiSegment: closed, not the segmenter's */
  IdentifaiSegment *in_hand;    /* closed, but there is no room for it yet */
  GstClockID timer;             /* for segments that wait for audio */

  GThread *video_thread, *sound_thread; /* only to be compared; or NULL */
  gint64 sound_came;            /* monotonic µs, the latest */
  gboolean hurry;               /* no more waiting for sound */

  gboolean live;                /* says upstream */
  IdentifaiArrivalPace pace;    /* of elementary video */
  gboolean boosted;             /* the segmenter makes no pauses */
  gboolean claimed;             /* the key's other users know of it */
  guint keyframe_requests;      /* sent so far */

  GstIdentifaiCaps *caps;       /* of all streams */
  gboolean caps_refused;        /* by the muxers; the error is queued */
  guint next_audio;             /* number of the next audio pad */
  GstClockTime first_sound;     /* running time, while there is no video */
  gboolean told_no_video;
} GstIdentifaiEngine;

/* element is borrowed and outlives it; kind: which one that is. callbacks: what the
 * element wants to hear of the outbox, or NULL; their user_data is the engine, and
 * room is the engine's. */
GstIdentifaiEngine *gst_identifai_engine_new (GstElement * element,
    GstIdentifaiElements kind, GstPad * video_pad,
    const GstIdentifaiOutboxCallbacks * callbacks);
void gst_identifai_engine_free (GstIdentifaiEngine * self);

/* READY to PAUSED, before the pads are active. FALSE with error: settings are
 * unusable. Reads the files that settings name. */
gboolean gst_identifai_engine_start (GstIdentifaiEngine * self,
    GError ** error);
/* A stream in real time: so many uploads a minute as its settings mean are added to
 * what all elements of the key in this process want, and a warning says so if that is
 * more than the limits let through. Once from start to stop. */
void gst_identifai_engine_claim_locked (GstIdentifaiEngine * self);
/* PAUSED to READY, before the pads are deactivated: nothing waits any more. */
void gst_identifai_engine_begin_stop (GstIdentifaiEngine * self);
/* And when no streaming thread is left. What has no outcome yet is dropped, and all
 * is on the bus when it returns. */
void gst_identifai_engine_stop (GstIdentifaiEngine * self);

/* Of the element's class; stats is the element's. A new key may be read from its file,
 * so that is no call for a streaming thread. */
void gst_identifai_engine_set_property (GstIdentifaiEngine * self, guint id,
    const GValue * value, GParamSpec * pspec);
void gst_identifai_engine_get_property (GstIdentifaiEngine * self, guint id,
    GValue * value);

/* After unlocking, on any thread: posts what is queued, and asks upstream for a key
 * frame if one is due. */
void gst_identifai_engine_act (GstIdentifaiEngine * self);
/* Whether there is anything to do. Takes the lock. */
gboolean gst_identifai_engine_has_to_act (GstIdentifaiEngine * self);
/* Takes over the message, or the error, which may be NULL. */
void gst_identifai_engine_queue (GstIdentifaiEngine * self,
    GstMessage * message);
void gst_identifai_engine_queue_error (GstIdentifaiEngine * self,
    GError * error);

/* Numbers a new segment, which will be submitted with the settings of now; the
 * segmenter's segments are numbered by themselves. */
void gst_identifai_engine_open_segment_locked (GstIdentifaiEngine * self,
    IdentifaiSegment * segment);
/* What is closed or open, but not handed on, gets its outcome: dropped. */
void gst_identifai_engine_drop_locked (GstIdentifaiEngine * self,
    GstIdentifaiDrop reason);
/* Hands what is closed to the outbox while it takes more. */
void gst_identifai_engine_dispatch_locked (GstIdentifaiEngine * self);
/* Whether more waits for its sound than may. */
gboolean gst_identifai_engine_is_full_locked (GstIdentifaiEngine * self);
/* Whether nothing is closed that isn't handed on. */
gboolean gst_identifai_engine_is_empty_locked (GstIdentifaiEngine * self);

/* As the settings and the policy are now. */
void gst_identifai_engine_configure_segmenter_locked (GstIdentifaiEngine *
    self);

/* gstidentifaistreams.c: the video. */

/* Another stream, or a flush: its caps are tried anew, and it waits for its sound. */
void gst_identifai_engine_restart_locked (GstIdentifaiEngine * self);
/* FALSE, with an error message queued: no muxer takes it. */
gboolean gst_identifai_engine_set_video_caps_locked (GstIdentifaiEngine * self,
    GstCaps * caps);
/* The pad has no elementary video any more. */
void gst_identifai_engine_forget_video_locked (GstIdentifaiEngine * self);
/* At the first buffer of a stream: what the latency query says. */
void gst_identifai_engine_set_live_locked (GstIdentifaiEngine * self,
    gboolean live);
/* Upstream says that it is live, or comes at the pace of its times. */
gboolean gst_identifai_engine_is_real_time_locked (GstIdentifaiEngine * self);
/* At each buffer with a position, its running time: at what pace they come.
 * _push_video does so itself. now: monotonic µs. */
void gst_identifai_engine_watch_pace_locked (GstIdentifaiEngine * self,
    GstBuffer * buffer, GstClockTime position, gint64 now);
/* Takes over a held buffer. position: its running time, in decoding order; due: when
 * sound of that time is, by the clock: in real time, a segment that ends now waits for
 * its own until then, and a moment longer. Takes the element's object lock. */
void gst_identifai_engine_push_video_locked (GstIdentifaiEngine * self,
    GstBuffer * buffer, GstClockTime position, GstClockTime due,
    const IdentifaiCaptureTime * arrival);
/* What upstream of the pad says. Takes no lock of ours. */
gboolean gst_identifai_engine_ask_live (GstPad * pad);
/* NULL: the video pad has no caps, or none of ours. Takes no lock of ours. */
const IdentifaiCodec *gst_identifai_engine_get_codec (GstIdentifaiEngine *
    self);

/* The sound. stream: the segmenter's number. */

guint gst_identifai_engine_add_audio_locked (GstIdentifaiEngine * self,
    const gchar * pad_name);
void gst_identifai_engine_remove_audio_locked (GstIdentifaiEngine * self,
    guint stream);
/* FALSE: that is no sound. Where no muxer takes it, it is left out. */
gboolean gst_identifai_engine_set_audio_caps_locked (GstIdentifaiEngine * self,
    guint stream, GstCaps * caps);
/* Takes over a held buffer. */
void gst_identifai_engine_push_audio_locked (GstIdentifaiEngine * self,
    guint stream, GstBuffer * buffer);

G_END_DECLS
