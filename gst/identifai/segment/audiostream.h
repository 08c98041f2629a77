/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The audio streams of the segmenter: what came and has no segment yet, and how
 * far each stream has come. Times are running times in ns, signed.
 */

#pragma once

#include "latm.h"
#include "builder.h"

G_BEGIN_DECLS

/* One encoded audio buffer. */
typedef struct
{
  GstBuffer *buffer;            /* owned; its PTS is a track time. NULL: lost,
                                 * but to be counted */
  GstCaps *caps;                /* owned */
  gint64 time;
  gint64 duration;              /* or NO_TIME */
  gboolean starts_over;         /* times went back in front of it */
} IdentifaiAudioBuffer;

typedef struct
{
  guint id;
  GstCaps *caps;                /* as in a file; or NULL */
  IdentifaiLatm *latm;          /* of LOAS; or NULL */
  gboolean linked;              /* there may be more */
  gboolean left_out;            /* no muxer takes it: it is only counted */
  GstSegment segment;
  gboolean eos;
  gboolean lossy;               /* DISCONT, or a new segment, since the last one */
  gint64 rebase;                /* added to times, as upstream set them back for
                                 * no reason; see videostream.c */
  gint64 position;              /* everything before it is here; NO_TIME: nothing */
  gint64 end;                   /* of the latest buffer; the same */
  gint64 before;                /* position when times last went back; the same */
  gboolean starts_over;         /* they did, and the next item has to say so */
  GQueue waiting;               /* of IdentifaiAudioBuffer, as they came */
  guint64 waiting_bytes;
  guint64 total_bytes;          /* since the last flush */
  guint64 n_total;              /* buffers since */
  gint64 first;                 /* time of the first buffer since */
} IdentifaiAudioStream;

IdentifaiAudioStream *identifai_audio_stream_new (guint id);
void identifai_audio_stream_free (IdentifaiAudioStream * self);

void identifai_audio_stream_set_segment (IdentifaiAudioStream * self,
    const GstSegment * segment);
void identifai_audio_stream_set_caps (IdentifaiAudioStream * self, GstCaps * caps);

/* From now on, or no longer; what waits is let go of. */
void identifai_audio_stream_leave_out (IdentifaiAudioStream * self, gboolean left_out);

/* Takes over the buffer. */
void identifai_audio_stream_push (IdentifaiAudioStream * self, GstBuffer * buffer);
void identifai_audio_stream_gap (IdentifaiAudioStream * self, GstClockTime timestamp,
    GstClockTime duration);

/* The oldest that waits, or NULL; taken out by _drop (which frees it). */
IdentifaiAudioBuffer *identifai_audio_stream_peek (IdentifaiAudioStream * self);
void identifai_audio_stream_drop (IdentifaiAudioStream * self);

/* Whether the oldest that waits is of before the stream started over, and the video,
 * which is at time, has done so, too. */
gboolean identifai_audio_stream_is_over (IdentifaiAudioStream * self, gint64 time);

/* Frees what waits; the next buffer may have any time. */
void identifai_audio_stream_flush (IdentifaiAudioStream * self);

/* Whether nothing before time is still to come. */
gboolean identifai_audio_stream_has_passed (IdentifaiAudioStream * self, gint64 time);

/* How many bytes wait or are likely to come, at most, from start up to time;
 * their number of buffers is added to *n_buffers. */
guint64 identifai_audio_stream_expect (IdentifaiAudioStream * self, gint64 start,
    gint64 time, guint * n_buffers);

/* All streams: of IdentifaiAudioStream, at id - 1; NULL: removed. */
GPtrArray *identifai_audio_streams_new (void);
guint identifai_audio_streams_add (GPtrArray * sounds);
void identifai_audio_streams_remove (GPtrArray * sounds, guint id);
/* NULL: there is none. */
IdentifaiAudioStream *identifai_audio_streams_get (GPtrArray * sounds, guint id);

/* Of all of them together, but for those that are left out where it is about
 * what files have. */
gboolean identifai_audio_streams_have_passed (GPtrArray * sounds, gint64 time);
guint64 identifai_audio_streams_expect (GPtrArray * sounds, gint64 start,
    gint64 time, guint * n_tracks, guint * n_buffers);
/* How much of the time from start to end is still to come, in ns, or is left out:
 * nothing of streams that are over or never had caps. */
GstClockTime identifai_audio_streams_count_late (GPtrArray * sounds,
    gint64 start, gint64 end);
GstClockTime identifai_audio_streams_count_left_out (GPtrArray * sounds,
    gint64 start, gint64 end);
guint64 identifai_audio_streams_count_waiting (GPtrArray * sounds);
/* Streams that have been silent get an empty track, so that the choice of the
 * muxer doesn't change from segment to segment. */
void identifai_audio_streams_name_tracks (GPtrArray * sounds, IdentifaiBuilder * part);

G_END_DECLS
