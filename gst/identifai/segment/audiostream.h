/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The audio streams of the segmenter: what came and has no segment yet, and how
 * far each stream has come. Times are running times in ns, signed.
 */

#pragma once

#include "audiotimes.h"
#include "builder.h"
#include "latm.h"

G_BEGIN_DECLS

typedef struct
{
  guint id;
  GstCaps *caps;                /* as in a file; or NULL */
  IdentifaiLatm *latm;          /* of LOAS; or NULL */
  gboolean linked;              /* there may be more */
  gboolean left_out;            /* no muxer takes it: it is only counted */
  gboolean eos;
  IdentifaiAudioTimes times;
  GQueue waiting;               /* of IdentifaiAudioBuffer, as they came */
  guint64 waiting_bytes;
  guint64 total_bytes;          /* since the last flush */
  guint64 n_total;              /* buffers since */
  gint64 first;                 /* time of the first buffer since; it moves with
                                 * those of a new round */
  gint64 latest;                /* of the latest one, once there was a first */
} IdentifaiAudioStream;

/* name: of the element, for the log; round: the video's. */
IdentifaiAudioStream *identifai_audio_stream_new (const gchar * name, guint id,
    guint round);
void identifai_audio_stream_free (IdentifaiAudioStream * self);

void identifai_audio_stream_set_caps (IdentifaiAudioStream * self, GstCaps * caps);

/* From now on, or no longer; what waits is let go of. */
void identifai_audio_stream_leave_out (IdentifaiAudioStream * self, gboolean left_out);

/* Takes over the buffer. now: see audiotimes.h. */
void identifai_audio_stream_push (IdentifaiAudioStream * self, GstBuffer * buffer,
    gint64 now);
/* It is over. now: the same. */
void identifai_audio_stream_end (IdentifaiAudioStream * self, gint64 now);
/* The video's times went back; or where it is, see audiotimes.h. */
void identifai_audio_stream_note_step (IdentifaiAudioStream * self,
    const IdentifaiVideoStep * step);
void identifai_audio_stream_settle (IdentifaiAudioStream * self, gint64 now,
    gint64 patience);

/* The oldest that waits, or NULL; taken out by _drop (which frees it). */
IdentifaiAudioBuffer *identifai_audio_stream_peek (IdentifaiAudioStream * self);
void identifai_audio_stream_drop (IdentifaiAudioStream * self);

/* Frees what waits; the next buffer may have any time. */
void identifai_audio_stream_flush (IdentifaiAudioStream * self);

/* A stretch of time of one of the video's rounds. */
typedef struct
{
  guint round;
  gint64 start, end;
} IdentifaiAudioSpan;

/* Whether nothing of the span is still to come. */
gboolean identifai_audio_stream_has_passed (IdentifaiAudioStream * self,
    const IdentifaiAudioSpan * span);

/* How many bytes of it wait or are likely to come, at most; their number of
 * buffers is added to *n_buffers. */
guint64 identifai_audio_stream_expect (IdentifaiAudioStream * self,
    const IdentifaiAudioSpan * span, guint * n_buffers);

/* All streams: of IdentifaiAudioStream, at id - 1; NULL: removed. */
GPtrArray *identifai_audio_streams_new (void);
guint identifai_audio_streams_add (GPtrArray * sounds, const gchar * name,
    guint round);
void identifai_audio_streams_remove (GPtrArray * sounds, guint id);
/* NULL: there is none. */
IdentifaiAudioStream *identifai_audio_streams_get (GPtrArray * sounds, guint id);

/* Of all of them together, but for those that are left out where it is about
 * what files have. */
gboolean identifai_audio_streams_have_passed (GPtrArray * sounds,
    const IdentifaiAudioSpan * span);
guint64 identifai_audio_streams_expect (GPtrArray * sounds,
    const IdentifaiAudioSpan * span, guint * n_tracks, guint * n_buffers);
/* How much of the span is still to come, in ns, if that is more than a buffer, or is
 * left out: nothing of streams that are over or never had caps. */
GstClockTime identifai_audio_streams_count_late (GPtrArray * sounds,
    const IdentifaiAudioSpan * span);
GstClockTime identifai_audio_streams_count_left_out (GPtrArray * sounds,
    const IdentifaiAudioSpan * span);
void identifai_audio_streams_note_step (GPtrArray * sounds,
    const IdentifaiVideoStep * step);
/* TRUE once a stream that has no times; is_lost: nor can they be guessed. */
gboolean identifai_audio_streams_take_news (GPtrArray * sounds,
    gboolean * is_lost);
void identifai_audio_streams_set_name (GPtrArray * sounds, const gchar * name);
guint64 identifai_audio_streams_count_waiting (GPtrArray * sounds);
/* Streams that have been silent get an empty track, so that the choice of the
 * muxer doesn't change from segment to segment. */
void identifai_audio_streams_name_tracks (GPtrArray * sounds, IdentifaiBuilder * part);

G_END_DECLS
