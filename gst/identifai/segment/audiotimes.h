/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When a buffer of sound is heard: what a stream says, what follows where it says
 * nothing, and what a step back of its times means. That is the video's to say, so
 * that both of them start over, or go on, together: sound waits for it.
 *
 * A round is the video's: it is over when the video starts over at an earlier time,
 * and sound of it belongs to no segment of the next one.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* One encoded audio buffer. */
typedef struct
{
  GstBuffer *buffer;            /* owned. NULL: lost, but to be counted */
  GstCaps *caps;                /* owned; or NULL, if lost */
  gint64 time;                  /* running time; NO_TIME: not known yet */
  gint64 duration;              /* or NO_TIME */
  guint round;
  gboolean lossy;               /* DISCONT, or a new segment, in front of it */
} IdentifaiAudioBuffer;

/* The video's times went back. */
typedef struct
{
  gint64 from, to;
  gboolean restarts;            /* FALSE: it was re-based, nothing starts over */
  gint64 shift;                 /* by so much, then */
  guint round;                  /* from then on */
} IdentifaiVideoStep;

typedef struct
{
  gchar *name;                  /* for the log */
  guint id;                     /* the same */
  GstSegment segment;
  gboolean lossy;               /* of the next buffer */
  gint64 rebase;                /* added to times, as upstream set them back for
                                 * no reason; see videostream.c */
  gint64 position;              /* everything before it is here; NO_TIME: nothing */
  gint64 end;                   /* of the latest buffer; the same */
  guint round;

  GQueue steps;                 /* the video's, that the stream has not made yet */
  gint64 ahead_of;              /* re-based by so much at end_then, before the video
                                 * was; or 0 */
  gint64 end_then;
  GQueue undecided;             /* of IdentifaiAudioBuffer: its times went back */
  gint64 back;                  /* by so much */
  GQueue untimed;               /* the same, before the first one with a time */
  gint64 untimed_length;        /* of them; NO_TIME: nobody knows */
  GQueue ready;                 /* the same, with times */

  gboolean is_guessed;          /* the stream has no times of its own */
  gboolean is_hopeless;         /* nor can they be guessed */
  gboolean has_news;            /* of that */
} IdentifaiAudioTimes;

void identifai_audio_times_init (IdentifaiAudioTimes * self,
    const gchar * name, guint id, guint round);
void identifai_audio_times_clear (IdentifaiAudioTimes * self);

/* Forgets all buffers; the next one may have any time. */
void identifai_audio_times_flush (IdentifaiAudioTimes * self);
void identifai_audio_times_set_segment (IdentifaiAudioTimes * self,
    const GstSegment * segment);
void identifai_audio_times_gap (IdentifaiAudioTimes * self,
    GstClockTime timestamp, GstClockTime duration);

/* Takes over the buffer, which may be NULL (lost): times are those of timed. now:
 * where the video is, if both are live; else NO_TIME. */
void identifai_audio_times_push (IdentifaiAudioTimes * self, GstBuffer * buffer,
    GstCaps * caps, GstBuffer * timed, gint64 now);

/* No more comes. now: as above. */
void identifai_audio_times_end (IdentifaiAudioTimes * self, gint64 now);

void identifai_audio_times_note_step (IdentifaiAudioTimes * self,
    const IdentifaiVideoStep * step);
/* The video is at now, or NO_TIME. What went back there alone is waited for as long
 * as the video goes on by patience, in ns; -1: no more, it is over. */
void identifai_audio_times_settle (IdentifaiAudioTimes * self, gint64 now,
    gint64 patience);

/* The next one whose time is known, or NULL. Owned by the caller. */
IdentifaiAudioBuffer *identifai_audio_times_pop (IdentifaiAudioTimes * self);
void identifai_audio_buffer_free (IdentifaiAudioBuffer * item);

/* What is held here. */
guint64 identifai_audio_times_count_bytes (IdentifaiAudioTimes * self);

G_END_DECLS
