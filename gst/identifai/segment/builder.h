/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A segment while the segmenter has it: its frames and audio, and where it
 * could be split. Times are running times in ns, signed, as decoding starts
 * before 0 where frames are reordered.
 */

#pragma once

#include "framereader.h"
#include "segment.h"

G_BEGIN_DECLS

/* What is known of some frames in a row. */
typedef struct
{
  guint frames, keyframes, discontinuities;
  guint64 bytes;                /* as they came, */
  guint64 cost;                 /* and in the file */
  gint64 oldest, newest;        /* earliest and latest PTS */
  gint64 end;                   /* of all of them */
  gint64 first_frame, last_buffer;      /* monotonic µs */
  const gchar *unreadable;      /* IdentifaiFrame.unreadable of the first that is; or
                                 * NULL */
} IdentifaiCounts;

/* Where a part could be split: frames[frame] starts the second one. The first
 * one keeps that many frames from there on, too: the key frame and its leading
 * pictures. To split costs the same then, however many frames there are. */
typedef struct
{
  guint frame;
  guint overlap;
  gint64 start;                 /* of the second one */
  IdentifaiCounts before;       /* of the frames in front of it, */
  IdentifaiCounts behind;       /* and from the key frame and its leading pictures to
                                 * the next cut */
} IdentifaiCut;

/* Frames in a row, by IdentifaiFrame.id. */
typedef struct
{
  guint64 from, to;
} IdentifaiIds;

/* A track after the first. */
typedef struct
{
  guint stream;                 /* of sound, that it holds */
  GArray *ends;                 /* of guint64: bytes up to the end of each buffer */
} IdentifaiSoundTrack;

typedef struct
{
  IdentifaiSegment *segment;    /* owned; its first track is the video */
  GPtrArray *frames;            /* of IdentifaiFrame */
  GArray *ids;                  /* of IdentifaiIds, growing: of frames that are judged
                                 * in it, also once it has failed and has none */
  gboolean gap;                 /* the next one doesn't follow the last of them */
  GArray *sounds;               /* of IdentifaiSoundTrack */

  guint round;                  /* of the video, see audiotimes.h */
  gint64 start;                 /* first frame shown, */
  gint64 moved;                 /* so much later than upstream has it */
  gint64 end;                   /* open: of all frames so far; sealed: for good */
  IdentifaiCounts counts;       /* of all frames so far */
  guint64 audio_cost;           /* bytes */
  guint n_audio;                /* buffers */

  GArray *cuts;                 /* of IdentifaiCut, in order */

  gint64 deadline;              /* sealed: monotonic µs, when to go without the
                                 * rest of the audio */
} IdentifaiBuilder;

/* From when on pictures are shown. What comes before the first one, as decoding
 * starts there, is hidden (MP4 with an edit list that starts between two key
 * frames); pictures before a key frame that is shown are not. */
gint64 identifai_builder_shown_from (IdentifaiBuilder * self);
/* The same of sound, which comes before it is known what else does. */
gint64 identifai_builder_heard_from (IdentifaiBuilder * self);

/* Takes over segment. */
IdentifaiBuilder *identifai_builder_new (IdentifaiSegment * segment,
    GstCaps * video_caps, gint64 start);
void identifai_builder_free (IdentifaiBuilder * self);

/* Take over frame and buffer. A frame in the overlap of a cut must be the last
 * kept of both. */
void identifai_builder_add_frame (IdentifaiBuilder * self, IdentifaiFrame * frame);
/* FALSE, and the buffer is let go of, if its caps don't fit to those before. */
gboolean identifai_builder_add_audio (IdentifaiBuilder * self, guint stream,
    GstCaps * caps, GstBuffer * buffer);
gboolean identifai_builder_has_track (IdentifaiBuilder * self, guint stream);

/* Counts a loss at the end: in front of the frame that another part starts with. */
void identifai_builder_note_loss (IdentifaiBuilder * self,
    const IdentifaiFrame * next);

/* Lets go of all it holds and counts on. */
void identifai_builder_fail (IdentifaiBuilder * self, IdentifaiReason reason,
    const gchar * text);

/* Moves all video times of an open part. */
void identifai_builder_shift (IdentifaiBuilder * self, gint64 shift);

/* It could be split behind the frames so far. NULL: there are none. Until the next
 * call. */
const IdentifaiCut *identifai_builder_mark_cut (IdentifaiBuilder * self,
    guint overlap, gint64 start);
/* The last one, but no later one with an overlap; NULL: none. */
const IdentifaiCut *identifai_builder_find_cut (IdentifaiBuilder * self);
/* NULL if the part fits into a file of max_bytes, or no piece of it does; else
 * where the largest one ends that does. Looks at the audio that is there. */
const IdentifaiCut *identifai_builder_find_fitting_cut (IdentifaiBuilder * self,
    guint64 max_bytes);

/* Moves what comes after the cut, one of its own, to rest, which is new. Frames that
 * belong to both are shared. Those that are sealed have to be sealed anew. */
void identifai_builder_split (IdentifaiBuilder * self, const IdentifaiCut * cut,
    IdentifaiBuilder * rest);

/* When the last frame of an open part is over, by the others' distance where
 * frames have no duration. */
gint64 identifai_builder_guess_end (IdentifaiBuilder * self);

/* No frames will come: the end is known. */
void identifai_builder_seal (IdentifaiBuilder * self, gint64 end);

/* Frees the part, but not its segment. Audio that would make the file larger
 * than max_bytes is left out, from the end. Its frames are left as they are, however
 * many: videotrack.h. */
IdentifaiSegment *identifai_builder_finish (IdentifaiBuilder * self,
    guint64 max_bytes);

G_END_DECLS
