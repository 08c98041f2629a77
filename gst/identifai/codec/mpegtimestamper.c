/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MPEG-1, -2 and -4 part 2: a B picture is shown when it is decoded. Any other
 * one (a reference) is shown when the next reference is decoded, if the stream
 * has B pictures, else at once, or after as long as the last one that had both
 * times. Demuxers that know only decoding times give them
 * out as PTS, too, at least of key frames: so in a stream with B pictures, a
 * reference's PTS counts only if it is later than its DTS.
 *
 * Whether there are B pictures shows within the first frames that have no time
 * of their own, by their headers, or by what comes: two references in a row and
 * something else than a B after them means no, until one comes.
 *
 * Packed bitstreams (DivX, Xvid) have a reference and the B picture that comes
 * after it in one AVI frame, and later a VOP that is not coded where a frame is
 * missing therefore: that one is let go of. The B pictures' own times count AVI
 * frames, so they are shown at even distances between their references.
 *
 * H.264 and H.265 are ordered by a count of their own: h26xtimestamper.h. All
 * frames of the other codecs are shown when they are decoded.
 */

#include "mpegtimestamper.h"
#include "h26xtimestamper.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CODEC)

#define UNDECIDED_FRAMES 3      /* held back to find out */
#define MAX_HELD 48             /* B pictures that wait with their reference */
#define MAX_DELAY (10 * (gint64) GST_SECOND)    /* more is nonsense */

typedef enum
{
  B_UNKNOWN,
  B_NONE,
  B_SEEN,
} BFrames;

struct _IdentifaiMpegTimestamper
{
  gchar *name;
  gboolean has_types;           /* the codec's frames tell B from others */
  IdentifaiH26xTimestamper *orderer;    /* of codecs with an order in their headers */
  BFrames b_frames;
  gboolean packed;
  gint64 next;                  /* when a frame should follow; NO_TIME */
  gint64 last_reference;        /* PTS of the last one let go; NO_TIME */
  gint64 delay;                 /* from DTS to PTS of the last one with both */
  GQueue held;                  /* of IdentifaiFrame; the first one waits */
  GQueue ready;                 /* of IdentifaiFrame */
};

IdentifaiMpegTimestamper *
identifai_mpeg_timestamper_new (const gchar * name, IdentifaiCodecId codec)
{
  IdentifaiMpegTimestamper *self = g_new0 (IdentifaiMpegTimestamper, 1);

  self->name = g_strdup (name);
  self->has_types = codec == IDENTIFAI_CODEC_MPEG12
      || codec == IDENTIFAI_CODEC_MPEG4;
  if (codec == IDENTIFAI_CODEC_H264 || codec == IDENTIFAI_CODEC_H265)
    self->orderer = identifai_h26x_timestamper_new (name);
  g_queue_init (&self->held);
  g_queue_init (&self->ready);
  self->last_reference = self->next = IDENTIFAI_NO_TIME;
  GST_DEBUG_ID (name, "frames without a presentation time are shown %s",
      self->orderer ? "by their picture order count" : self->has_types ?
      "by their types" : "when they are decoded");

  return self;
}

void
identifai_mpeg_timestamper_clear (IdentifaiMpegTimestamper * self)
{
  g_queue_clear_full (&self->held, (GDestroyNotify) identifai_frame_free);
  g_queue_clear_full (&self->ready, (GDestroyNotify) identifai_frame_free);
  if (self->orderer)
    identifai_h26x_timestamper_clear (self->orderer);
  self->b_frames = B_UNKNOWN;
  self->packed = FALSE;
  self->next = IDENTIFAI_NO_TIME;
  self->last_reference = IDENTIFAI_NO_TIME;
  self->delay = 0;
}

void
identifai_mpeg_timestamper_free (IdentifaiMpegTimestamper * self)
{
  identifai_mpeg_timestamper_clear (self);
  g_clear_pointer (&self->orderer, identifai_h26x_timestamper_free);
  g_free (self->name);
  g_free (self);
}

/* Of a reference. */
static gboolean
is_in_doubt (IdentifaiMpegTimestamper * self, const IdentifaiFrame * frame)
{
  if (frame->pts == IDENTIFAI_NO_TIME)
    return TRUE;

  return frame->pts == frame->dts && self->b_frames != B_NONE;
}

static void
let_go (IdentifaiMpegTimestamper * self, IdentifaiFrame * frame)
{
  if (frame->pts == IDENTIFAI_NO_TIME) {
    frame->pts = frame->dts + (frame->info.is_b ? 0 : self->delay);
    GST_LOG_ID (self->name, "a frame that is decoded at %" GST_STIME_FORMAT
        " is taken to be shown at %" GST_STIME_FORMAT,
        GST_STIME_ARGS (frame->dts), GST_STIME_ARGS (frame->pts));
  }
  if (!frame->info.is_b)
    self->last_reference = frame->pts;
  g_queue_push_tail (&self->ready, frame);
}

/* Of a packed bitstream: the held reference is shown at end, its B pictures at
 * even distances before it. */
static void
spread (IdentifaiMpegTimestamper * self, gint64 end)
{
  IdentifaiFrame *reference = g_queue_peek_head (&self->held);
  gint64 n = self->held.length, i = 0;
  gint64 start = self->last_reference;
  GList *link;

  if (start == IDENTIFAI_NO_TIME || start >= end)
    start = end - 1;
  if (reference->duration != IDENTIFAI_NO_TIME)
    start = MAX (start, end - n * reference->duration);
  GST_LOG_ID (self->name,
      "%d packed pictures are spread from %" GST_STIME_FORMAT " to %"
      GST_STIME_FORMAT, (gint) n, GST_STIME_ARGS (start), GST_STIME_ARGS (end));
  for (link = self->held.head; link; link = link->next) {
    IdentifaiFrame *frame = link->data;

    frame->pts = i == 0 ? end : start + (gint64)
        gst_util_uint64_scale (end - start, i, n);
    i++;
  }
}

/* Lets all held ones go. next: when the next reference is decoded. */
static void
release (IdentifaiMpegTimestamper * self, gint64 next)
{
  IdentifaiFrame *frame = g_queue_peek_head (&self->held);
  gboolean is_late = self->b_frames == B_SEEN && next != IDENTIFAI_NO_TIME;

  if (frame && is_late && self->packed && self->held.length > 1)
    spread (self, next);
  else if (frame && is_late)
    frame->pts = next;
  while ((frame = g_queue_pop_head (&self->held)))
    let_go (self, frame);
}

/* Each of the held ones waits for the next, now that there are B pictures. */
static void
release_one_by_one (IdentifaiMpegTimestamper * self)
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

/* From this frame on. */
static void
expect_b (IdentifaiMpegTimestamper * self, const IdentifaiFrame * frame)
{
  self->b_frames = B_SEEN;
  self->packed |= frame->info.packed;
  GST_DEBUG_ID (self->name, "there are B pictures%s, %s", self->packed ?
      ", packed" : "", frame->info.is_b ? "one came" : "say the headers");
  release_one_by_one (self);
}

static void
push_b (IdentifaiMpegTimestamper * self, IdentifaiFrame * frame)
{
  if (self->b_frames != B_SEEN)
    expect_b (self, frame);
  if (self->held.length >= MAX_HELD) {
    GST_DEBUG_ID (self->name,
        "%u B pictures after a reference: they go without the next one",
        self->held.length);
    release (self, IDENTIFAI_NO_TIME);
  }
  if (self->held.length > 0)
    g_queue_push_tail (&self->held, frame);
  else
    let_go (self, frame);
}

static void
push_reference (IdentifaiMpegTimestamper * self, IdentifaiFrame * frame)
{
  gboolean in_doubt = is_in_doubt (self, frame);

  if (frame->pts != IDENTIFAI_NO_TIME && frame->dts != IDENTIFAI_NO_TIME)
    self->delay = CLAMP (frame->pts - frame->dts, 0, MAX_DELAY);
  if (self->b_frames == B_UNKNOWN && frame->info.has_b
      && frame->pts == IDENTIFAI_NO_TIME)
    expect_b (self, frame);
  if (self->b_frames == B_UNKNOWN && in_doubt) {
    g_queue_push_tail (&self->held, frame);
    if (self->held.length == UNDECIDED_FRAMES) {
      GST_DEBUG_ID (self->name, "no B picture among the first %u: there are "
          "none until one comes", UNDECIDED_FRAMES);
      self->b_frames = B_NONE;
      release (self, IDENTIFAI_NO_TIME);
    }
    return;
  }
  release (self, frame->dts);
  if (in_doubt && self->b_frames == B_SEEN)
    g_queue_push_tail (&self->held, frame);
  else
    let_go (self, frame);
}

/* Takes over the VOP that stands for the held reference. It is no frame. */
static void
push_placeholder (IdentifaiMpegTimestamper * self, IdentifaiFrame * frame)
{
  GST_LOG_ID (self->name, "a VOP that is not coded stands for the one held");
  self->packed = TRUE;
  frame->info.has_picture = FALSE;
  g_queue_push_tail (&self->ready, frame);
}

void
identifai_mpeg_timestamper_push (IdentifaiMpegTimestamper * self,
    IdentifaiFrame * frame)
{
  self->next = IDENTIFAI_NO_TIME;
  if (frame->dts != IDENTIFAI_NO_TIME && frame->duration != IDENTIFAI_NO_TIME)
    self->next = frame->dts + frame->duration;
  if (self->orderer)
    identifai_h26x_timestamper_push (self->orderer, frame, &self->ready);
  else if (!self->has_types)
    let_go (self, frame);
  else if (frame->info.is_b)
    push_b (self, frame);
  else if (frame->info.is_repeat && (self->packed || self->held.length > 1)
      && self->b_frames == B_SEEN && frame->dts != IDENTIFAI_NO_TIME)
    push_placeholder (self, frame);
  else
    push_reference (self, frame);
}

/* When the held ones are over, if nothing follows. The VOP that would stand for
 * one of a packed group need not have come. */
static gint64
find_end (IdentifaiMpegTimestamper * self)
{
  IdentifaiFrame *first = g_queue_peek_head (&self->held);
  gint64 length;

  if (first == NULL || self->next == IDENTIFAI_NO_TIME || !self->packed
      || self->last_reference == IDENTIFAI_NO_TIME
      || first->duration == IDENTIFAI_NO_TIME)
    return self->next;
  length = self->held.length * first->duration;

  return MAX (self->next, self->last_reference + length);
}

void
identifai_mpeg_timestamper_drain (IdentifaiMpegTimestamper * self)
{
  if (self->orderer)
    identifai_h26x_timestamper_drain (self->orderer, &self->ready);
  if (self->held.length > 0)
    GST_DEBUG_ID (self->name, "%u pictures that waited for the next reference "
        "are shown as if it came", self->held.length);
  release (self, find_end (self));
}

IdentifaiFrame *
identifai_mpeg_timestamper_pop (IdentifaiMpegTimestamper * self)
{
  return g_queue_pop_head (&self->ready);
}
