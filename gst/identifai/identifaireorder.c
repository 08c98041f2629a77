/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MPEG-1, -2 and -4 part 2: a B picture is shown when it is decoded. Any other
 * one (a reference) is shown when the next reference is decoded, if the stream
 * has B pictures, else at once. Demuxers that know only decoding times give them
 * out as PTS, too, at least of key frames: so in a stream with B pictures, a
 * reference's PTS counts only if it is later than its DTS.
 *
 * Whether there are B pictures shows within the first frames that have no time
 * of their own: two references in a row and something else than a B after them
 * means no, until one comes.
 *
 * The other codecs show which frame is which only deep in their slices; their
 * demuxers give a PTS.
 */

#include "identifaireorder.h"

#define UNDECIDED_FRAMES 3      /* held back to find out */

typedef enum
{
  B_UNKNOWN,
  B_NONE,
  B_SEEN,
} BFrames;

struct _IdentifaiReorder
{
  gboolean has_types;           /* the codec's frames tell B from others */
  BFrames b_frames;
  GQueue held;                  /* of IdentifaiFrame; the first one waits */
  GQueue ready;                 /* of IdentifaiFrame */
};

IdentifaiReorder *
identifai_reorder_new (IdentifaiCodecId codec)
{
  IdentifaiReorder *self = g_new0 (IdentifaiReorder, 1);

  self->has_types = codec == IDENTIFAI_CODEC_MPEG12
      || codec == IDENTIFAI_CODEC_MPEG4;
  g_queue_init (&self->held);
  g_queue_init (&self->ready);

  return self;
}

void
identifai_reorder_clear (IdentifaiReorder * self)
{
  g_queue_clear_full (&self->held, (GDestroyNotify) identifai_frame_free);
  g_queue_clear_full (&self->ready, (GDestroyNotify) identifai_frame_free);
  self->b_frames = B_UNKNOWN;
}

void
identifai_reorder_free (IdentifaiReorder * self)
{
  identifai_reorder_clear (self);
  g_free (self);
}

static gboolean
is_in_doubt (IdentifaiReorder * self, const IdentifaiFrame * frame)
{
  if (frame->pts == IDENTIFAI_NO_TIME)
    return TRUE;

  return !frame->info.is_b && frame->pts == frame->dts
      && self->b_frames != B_NONE;
}

/* Lets all held ones go. next: when the next reference is decoded. */
static void
release (IdentifaiReorder * self, gint64 next)
{
  IdentifaiFrame *frame = g_queue_peek_head (&self->held);

  if (frame && next != IDENTIFAI_NO_TIME && self->b_frames == B_SEEN)
    frame->pts = next;
  while ((frame = g_queue_pop_head (&self->held))) {
    if (frame->pts == IDENTIFAI_NO_TIME)
      frame->pts = frame->dts;
    g_queue_push_tail (&self->ready, frame);
  }
}

/* Each of the held ones waits for the next, now that there are B pictures. */
static void
release_one_by_one (IdentifaiReorder * self)
{
  GQueue all = self->held;
  IdentifaiFrame *frame;

  g_queue_init (&self->held);
  while ((frame = g_queue_pop_head (&all))) {
    if (!frame->info.is_b)
      release (self, frame->dts);
    g_queue_push_tail (&self->held, frame);
  }
}

static void
hold_undecided (IdentifaiReorder * self, IdentifaiFrame * frame)
{
  g_queue_push_tail (&self->held, frame);
  if (frame->info.is_b) {
    self->b_frames = B_SEEN;
    release_one_by_one (self);
  } else if (self->held.length == UNDECIDED_FRAMES) {
    self->b_frames = B_NONE;
    release (self, IDENTIFAI_NO_TIME);
  }
}

void
identifai_reorder_push (IdentifaiReorder * self, IdentifaiFrame * frame)
{
  gboolean in_doubt;

  if (self->b_frames == B_NONE && frame->info.is_b)
    self->b_frames = B_SEEN;
  in_doubt = self->has_types && is_in_doubt (self, frame);

  if (in_doubt && self->b_frames == B_UNKNOWN) {
    hold_undecided (self, frame);
  } else if (frame->info.is_b && self->held.length > 0) {
    self->b_frames = B_SEEN;
    g_queue_push_tail (&self->held, frame);
  } else {
    release (self, frame->dts);
    g_queue_push_tail (&self->held, frame);
    if (!in_doubt || frame->info.is_b || self->b_frames != B_SEEN)
      release (self, frame->pts);
  }
}

void
identifai_reorder_drain (IdentifaiReorder * self)
{
  IdentifaiFrame *last = g_queue_peek_tail (&self->held);
  gint64 next = IDENTIFAI_NO_TIME;

  if (last && last->dts != IDENTIFAI_NO_TIME
      && last->duration != IDENTIFAI_NO_TIME)
    next = last->dts + last->duration;
  release (self, next);
}

IdentifaiFrame *
identifai_reorder_pop (IdentifaiReorder * self)
{
  return g_queue_pop_head (&self->ready);
}
