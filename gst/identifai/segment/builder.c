/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "builder.h"
#include "codecs.h"
#include "log.h"
#include "overhead.h"
#include "waste.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

#define LONE_FRAME_DURATION (40 * (gint64) GST_MSECOND)

static GPtrArray *
new_frames (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) identifai_frame_free);
}

/* As upstream has it: times that were mended are the file's. */
static void
tell_start (IdentifaiBuilder * self)
{
  self->segment->running_time = MAX (self->start - self->moved, 0);
}

static void
waste_frames (GPtrArray * frames)
{
  identifai_waste (frames, (GDestroyNotify) g_ptr_array_unref, frames->len);
}

IdentifaiBuilder *
identifai_builder_new (IdentifaiSegment * segment, GstCaps * video_caps,
    gint64 start)
{
  IdentifaiBuilder *self = g_new0 (IdentifaiBuilder, 1);

  self->segment = segment;
  self->frames = new_frames ();
  self->failed = g_array_new (FALSE, FALSE, sizeof (IdentifaiFrame));
  self->streams = g_array_new (FALSE, FALSE, sizeof (guint));
  self->cuts = g_array_new (FALSE, FALSE, sizeof (IdentifaiCut));
  self->start = self->end = self->oldest = self->newest = start;
  tell_start (self);
  identifai_segment_add_track (segment, video_caps);

  return self;
}

void
identifai_builder_free (IdentifaiBuilder * self)
{
  g_clear_pointer (&self->segment, identifai_segment_free);
  g_clear_pointer (&self->frames, waste_frames);
  g_array_unref (self->failed);
  g_array_unref (self->streams);
  g_array_unref (self->cuts);
  g_free (self);
}

static gboolean
is_decoded_from_before (IdentifaiBuilder * self)
{
  return self->frames->len > 0
      && ((IdentifaiFrame *) g_ptr_array_index (self->frames, 0))->pts < 0;
}

gint64
identifai_builder_shown_from (IdentifaiBuilder * self)
{
  return is_decoded_from_before (self) && self->newest >= 0 ? 0 : self->start;
}

gint64
identifai_builder_heard_from (IdentifaiBuilder * self)
{
  return is_decoded_from_before (self) ? 0 : self->start;
}

/* The frame's times were taken before its PTS was known. */
static void
set_start (IdentifaiBuilder * self, const IdentifaiFrame * frame)
{
  gint64 later = frame->pts - frame->stamp - frame->moved;

  self->moved = frame->moved;
  tell_start (self);
  self->segment->stream_time = frame->stream_time;
  if (GST_CLOCK_TIME_IS_VALID (frame->stream_time)
      && (later >= 0 || (guint64) - later < frame->stream_time))
    self->segment->stream_time += later;
  self->segment->utc = frame->utc;
}

/* As a frame of its own. */
static gboolean
counts (const IdentifaiFrame * frame)
{
  return !frame->info.hidden && !frame->info.order.is_second_field;
}

static void
count_frame (IdentifaiBuilder * self, const IdentifaiFrame * frame)
{
  IdentifaiSegment *segment = self->segment;
  gint64 duration = frame->duration != IDENTIFAI_NO_TIME ? frame->duration : 0;

  self->oldest = MIN (self->oldest, frame->pts);
  self->newest = MAX (self->newest, frame->pts);
  self->end = MAX (self->end, frame->pts + duration);
  segment->last_buffer = MAX (segment->last_buffer, frame->monotonic);
  if (segment->frames > 0 && frame->lossy)
    segment->discontinuities++;
  if (counts (frame))
    segment->frames++;
  if (frame->info.point != IDENTIFAI_POINT_NONE)
    segment->keyframes++;
  if (frame->pts == self->start)
    set_start (self, frame);
}

static void
remember_failed (IdentifaiBuilder * self, const IdentifaiFrame * frame)
{
  IdentifaiFrame copy = *frame;

  copy.buffer = NULL;
  if (frame->id != 0 && self->places)
    g_array_append_val (self->failed, copy);
}

void
identifai_builder_add_frame (IdentifaiBuilder * self, IdentifaiFrame * frame)
{
  count_frame (self, frame);
  if (self->segment->failure != IDENTIFAI_REASON_NONE) {
    remember_failed (self, frame);
    identifai_frame_free (frame);
    return;
  }
  GST_LOG_ID (self->segment->name,
      "segment %u: frame at %" GST_STIME_FORMAT "%s", self->segment->number,
      GST_STIME_ARGS (frame->pts),
      frame->info.point != IDENTIFAI_POINT_NONE ? ", a key frame" : "");
  frame->latest = self->newest;
  if (self->unreadable == NULL)
    self->unreadable = frame->unreadable;
  self->video_cost += frame->cost;
  self->segment->bytes += gst_buffer_get_size (frame->buffer);
  g_ptr_array_add (self->frames, frame);
}

/* NULL if the stream has no track yet. */
static IdentifaiTrack *
find_track (IdentifaiBuilder * self, guint stream)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    if (g_array_index (self->streams, guint, i) == stream)
      return g_ptr_array_index (self->segment->tracks, i + 1);
  }

  return NULL;
}

gboolean
identifai_builder_has_track (IdentifaiBuilder * self, guint stream)
{
  return self->segment->tracks && find_track (self, stream) != NULL;
}

static void
append_audio (IdentifaiBuilder * self, IdentifaiTrack * track,
    GstBuffer * buffer)
{
  gsize size = gst_buffer_get_size (buffer);

  g_ptr_array_add (track->buffers, buffer);
  self->audio_cost += size;
  self->segment->bytes += size;
  self->n_audio++;
}

gboolean
identifai_builder_add_audio (IdentifaiBuilder * self, guint stream,
    GstCaps * caps, GstBuffer * buffer)
{
  IdentifaiTrack *track;

  if (self->segment->failure != IDENTIFAI_REASON_NONE) {
    gst_buffer_unref (buffer);
    return TRUE;
  }
  track = find_track (self, stream);
  if (track == NULL) {
    track = identifai_segment_add_track (self->segment, caps);
    g_array_append_val (self->streams, stream);
  } else if (track->caps != caps
      && identifai_codec_caps_differ (track->caps, caps)) {
    GST_DEBUG_ID (self->segment->name,
        "audio stream %u changes within segment %u", stream,
        self->segment->number);
    gst_buffer_unref (buffer);
    return FALSE;
  }
  append_audio (self, track, buffer);

  return TRUE;
}

void
identifai_builder_note_loss (IdentifaiBuilder * self,
    const IdentifaiFrame * next)
{
  if (next->lossy)
    self->segment->discontinuities++;
}

void
identifai_builder_fail (IdentifaiBuilder * self, IdentifaiReason reason,
    const gchar * text)
{
  guint i;

  identifai_segment_fail (self->segment, reason, text);
  for (i = 0; self->places && i < self->frames->len; i++)
    remember_failed (self, g_ptr_array_index (self->frames, i));
  waste_frames (self->frames);
  self->frames = new_frames ();
  g_array_set_size (self->streams, 0);
  self->video_cost = self->audio_cost = self->segment->bytes = 0;
  self->n_audio = 0;
  g_array_set_size (self->cuts, 0);
}

void
identifai_builder_mark_cut (IdentifaiBuilder * self, guint overlap,
    gint64 start)
{
  IdentifaiCut cut = { self->frames->len, overlap, start };

  if (cut.frame > 0)
    g_array_append_val (self->cuts, cut);
}

static const IdentifaiCut *
cut_at (IdentifaiBuilder * self, guint i)
{
  return &g_array_index (self->cuts, IdentifaiCut, i);
}

const IdentifaiCut *
identifai_builder_find_cut (IdentifaiBuilder * self)
{
  guint i;

  for (i = self->cuts->len; i > 0; i--) {
    if (cut_at (self, i - 1)->overlap == 0)
      return cut_at (self, i - 1);
  }

  return self->cuts->len > 0 ? cut_at (self, self->cuts->len - 1) : NULL;
}

static gboolean
fits (IdentifaiBuilder * self, guint n_buffers, guint64 payload,
    guint64 max_bytes)
{
  return payload + identifai_container_overhead (self->segment->tracks->len,
      n_buffers, payload) <= max_bytes;
}

/* Whether what comes before the cut does, with its audio. */
static gboolean
cut_fits (IdentifaiBuilder * self, const IdentifaiCut * cut, guint64 max_bytes)
{
  GstClockTime limit = cut->start + IDENTIFAI_TRACK_EPOCH;
  guint n_buffers = cut->frame + cut->overlap, i, k;
  guint64 payload = 0;

  for (i = 0; i < n_buffers; i++)
    payload += ((IdentifaiFrame *) g_ptr_array_index (self->frames, i))->cost;
  for (i = 1; i < self->segment->tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (self->segment->tracks, i);

    for (k = 0; k < track->buffers->len; k++) {
      GstBuffer *buffer = g_ptr_array_index (track->buffers, k);

      if (GST_BUFFER_PTS (buffer) >= limit)
        break;
      payload += gst_buffer_get_size (buffer);
      n_buffers++;
    }
  }

  return fits (self, n_buffers, payload, max_bytes);
}

const IdentifaiCut *
identifai_builder_find_fitting_cut (IdentifaiBuilder * self, guint64 max_bytes)
{
  const IdentifaiCut *found = NULL;
  guint i;

  if (self->segment->failure != IDENTIFAI_REASON_NONE
      || fits (self, self->frames->len + self->n_audio,
          self->video_cost + self->audio_cost, max_bytes))
    return NULL;
  for (i = self->cuts->len; i > 0; i--) {
    const IdentifaiCut *cut = cut_at (self, i - 1);

    if ((found && cut->overlap > 0) || !cut_fits (self, cut, max_bytes))
      continue;
    found = cut;
    if (cut->overlap == 0)
      break;
  }

  return found;
}

static void
move_audio (IdentifaiBuilder * self, IdentifaiBuilder * rest, guint stream,
    IdentifaiTrack * track, GstBuffer * buffer)
{
  gsize size = gst_buffer_get_size (buffer);

  self->audio_cost -= size;
  self->segment->bytes -= size;
  self->n_audio--;
  identifai_builder_add_audio (rest, stream, track->caps,
      gst_buffer_ref (buffer));
}

/* Audio from the cut on goes over to rest. */
static void
split_audio (IdentifaiBuilder * self, IdentifaiBuilder * rest, guint stream)
{
  IdentifaiTrack *track = find_track (self, stream);
  GstClockTime limit = rest->start + IDENTIFAI_TRACK_EPOCH;
  GPtrArray *kept =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  guint i;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);

    if (GST_BUFFER_PTS (buffer) >= limit)
      move_audio (self, rest, stream, track, buffer);
    else
      g_ptr_array_add (kept, gst_buffer_ref (buffer));
  }
  g_ptr_array_unref (track->buffers);
  track->buffers = kept;
}

/* All counts start over: the frames that stay are counted again. n: those from
 * shared on go to the rest, too. */
static void
keep_frames (IdentifaiBuilder * self, GPtrArray * frames, guint kept,
    guint shared, guint n)
{
  IdentifaiSegment *segment = self->segment;
  guint i;

  segment->frames = segment->keyframes = segment->discontinuities = 0;
  segment->last_buffer = 0;
  segment->bytes = self->audio_cost;
  self->video_cost = 0;
  self->unreadable = NULL;
  self->end = self->oldest = self->newest = self->start;
  for (i = 0; i < kept; i++) {
    IdentifaiFrame *frame = g_ptr_array_index (frames, i);
    gboolean is_shared = i >= shared && i < shared + n;

    if (is_shared)
      frame = identifai_frame_copy (frame);
    frame->shared |= is_shared;
    identifai_builder_add_frame (self, frame);
  }
}

/* How many buffers a key frame has. */
static guint
count_fields (GPtrArray * frames, guint at)
{
  const IdentifaiFrame *next = at + 1 < frames->len ?
      g_ptr_array_index (frames, at + 1) : NULL;

  return next != NULL && next->info.order.is_second_field ? 2 : 1;
}

static void
split_cuts (IdentifaiBuilder * self, const IdentifaiCut * cut, guint n_point,
    IdentifaiBuilder * rest)
{
  guint gone = cut->frame + (cut->overlap > 0 ? cut->overlap - n_point : 0), i;

  for (i = 0; i < self->cuts->len && cut_at (self, i)->frame < cut->frame; i++);
  while (i < self->cuts->len) {
    IdentifaiCut later = *cut_at (self, i);

    g_array_remove_index (self->cuts, i);
    if (later.frame <= gone)
      continue;
    later.frame -= gone;
    g_array_append_val (rest->cuts, later);
  }
}

/* Each frame goes where it belongs; none but the point of an overlapping cut, which
 * both get, is copied, as there may be many. */
void
identifai_builder_split (IdentifaiBuilder * self, const IdentifaiCut * at,
    IdentifaiBuilder * rest)
{
  GPtrArray *frames = g_steal_pointer (&self->frames);
  IdentifaiCut cut = *at;       /* it may be one of those that move */
  guint n_point = count_fields (frames, cut.frame), i;

  GST_DEBUG_ID (self->segment->name,
      "segment %u keeps %u of %u frames, of which %u overlap",
      self->segment->number, cut.frame + cut.overlap, frames->len, cut.overlap);
  self->frames = new_frames ();
  keep_frames (self, frames, cut.frame + cut.overlap, cut.frame,
      cut.overlap > 0 ? n_point : 0);
  /* the leading pictures of an open point stay behind */
  for (i = cut.frame; i < frames->len; i++) {
    if (i < cut.frame + n_point || i >= cut.frame + cut.overlap)
      identifai_builder_add_frame (rest, g_ptr_array_index (frames, i));
  }
  if (cut.overlap == 0)
    identifai_builder_note_loss (self, g_ptr_array_index (frames, cut.frame));
  g_ptr_array_set_free_func (frames, NULL);
  g_ptr_array_unref (frames);
  for (i = 0; i < self->streams->len; i++)
    split_audio (self, rest, g_array_index (self->streams, guint, i));
  split_cuts (self, &cut, n_point, rest);
}

void
identifai_builder_shift (IdentifaiBuilder * self, gint64 shift)
{
  guint i;

  for (i = 0; i < self->frames->len; i++) {
    IdentifaiFrame *frame = g_ptr_array_index (self->frames, i);

    identifai_frame_shift (frame, shift);
    frame->latest += shift;
  }
  self->start += shift;
  self->end += shift;
  self->oldest += shift;
  self->newest += shift;
  for (i = 0; i < self->cuts->len; i++)
    g_array_index (self->cuts, IdentifaiCut, i).start += shift;
  tell_start (self);
}

/* If it isn't shown from its first frame on: by the first one that is. */
static void
move_start (IdentifaiBuilder * self)
{
  gint64 from = identifai_builder_shown_from (self);
  guint i;

  for (i = 0; from != self->start && i < self->frames->len; i++) {
    IdentifaiFrame *frame = g_ptr_array_index (self->frames, i);

    if (frame->stamp < from || frame->stream_time < (guint64) frame->stamp
        || !GST_CLOCK_TIME_IS_VALID (frame->stream_time))
      continue;
    self->segment->stream_time = frame->stream_time - frame->stamp;
    return;
  }
}

static void
discount (IdentifaiSegment * segment, const IdentifaiFrame * frame)
{
  segment->frames -= counts (frame) ? 1 : 0;
  segment->keyframes -= frame->info.point != IDENTIFAI_POINT_NONE ? 1 : 0;
}

/* The picture of the point that an overlapping cut is at counts for the next
 * segment, and what is shown before its start for none. Looks at no more frames
 * than may be such. */
static void
discount_overlap (IdentifaiBuilder * self)
{
  gint64 from = identifai_builder_shown_from (self);
  const IdentifaiFrame *frame;
  guint i;

  for (i = self->frames->len; i > 0; i--) {
    frame = g_ptr_array_index (self->frames, i - 1);
    if (frame->latest < self->end)
      break;
    if (frame->pts >= self->end)
      discount (self->segment, frame);
  }
  for (i = 0; self->oldest < from && i < self->frames->len; i++) {
    frame = g_ptr_array_index (self->frames, i);
    if (frame->pts < MIN (from, self->end))
      discount (self->segment, frame);
  }
}

gint64
identifai_builder_guess_end (IdentifaiBuilder * self)
{
  guint n = self->segment->frames;

  if (self->end > self->newest)
    return self->end;
  if (n < 2)
    return self->newest + LONE_FRAME_DURATION;

  return self->newest + (self->newest - self->start) / (n - 1);
}

void
identifai_builder_seal (IdentifaiBuilder * self, gint64 end)
{
  self->end = MAX (end, self->start);
  self->segment->duration = self->end - identifai_builder_shown_from (self);
}

/* Late audio of a single group of pictures may be more than was reckoned with. */
static void
trim_audio (IdentifaiBuilder * self, guint64 max_bytes)
{
  guint i = self->segment->tracks->len - 1;

  while (i > 0 && !fits (self, self->frames->len + self->n_audio,
          self->video_cost + self->audio_cost, max_bytes)) {
    IdentifaiTrack *track = g_ptr_array_index (self->segment->tracks, i);
    gsize size;

    if (track->buffers->len == 0) {
      i--;
      continue;
    }
    size = gst_buffer_get_size (g_ptr_array_index (track->buffers,
            track->buffers->len - 1));
    GST_DEBUG_ID (self->segment->name,
        "segment %u: %" G_GSIZE_FORMAT " bytes of late audio don't fit",
        self->segment->number, size);
    self->audio_cost -= size;
    self->segment->bytes -= size;
    self->n_audio--;
    g_ptr_array_set_size (track->buffers, track->buffers->len - 1);
  }
}

/* A frame that can't be read is missing in the file. */
static void
check_frames (IdentifaiBuilder * self)
{
  gchar *text;

  if (self->unreadable == NULL
      || self->segment->failure != IDENTIFAI_REASON_NONE)
    return;

  text =
      g_strdup_printf ("A frame can't be read: its memory, of type %s, can't "
      "be mapped", self->unreadable);
  GST_WARNING_ID (self->segment->name, "segment %u: %s", self->segment->number,
      text);
  identifai_builder_fail (self, IDENTIFAI_REASON_MUX, text);
  g_free (text);
}

IdentifaiSegment *
identifai_builder_finish (IdentifaiBuilder * self, guint64 max_bytes)
{
  IdentifaiSegment *segment;

  move_start (self);
  discount_overlap (self);
  check_frames (self);
  segment = self->segment;
  if (segment->tracks != NULL) {
    trim_audio (self, max_bytes);
    segment->pictures = g_steal_pointer (&self->frames);
    segment->pictures_end = self->end;
  }
  self->segment = NULL;
  GST_DEBUG_ID (segment->name, "segment %u: %" GST_TIME_FORMAT " of video, %u "
      "buffers of sound, %" G_GUINT64_FORMAT " bytes", segment->number,
      GST_TIME_ARGS (segment->duration), self->n_audio, segment->bytes);
  identifai_builder_free (self);

  return segment;
}
