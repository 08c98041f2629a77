/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "builder.h"
#include "codecs.h"
#include "log.h"
#include "overhead.h"
#include "waste.h"

#include <string.h>

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

static void
clear_sound (gpointer sound)
{
  g_array_unref (((IdentifaiSoundTrack *) sound)->ends);
}

static GArray *
new_sounds (void)
{
  GArray *sounds = g_array_new (FALSE, FALSE, sizeof (IdentifaiSoundTrack));

  g_array_set_clear_func (sounds, clear_sound);

  return sounds;
}

IdentifaiBuilder *
identifai_builder_new (IdentifaiSegment * segment, GstCaps * video_caps,
    gint64 start)
{
  IdentifaiBuilder *self = g_new0 (IdentifaiBuilder, 1);

  self->segment = segment;
  self->frames = new_frames ();
  self->ids = g_array_new (FALSE, FALSE, sizeof (IdentifaiIds));
  self->sounds = new_sounds ();
  self->cuts = g_array_new (FALSE, FALSE, sizeof (IdentifaiCut));
  self->start = self->end = start;
  self->counts.oldest = self->counts.newest = self->counts.end = start;
  self->counts.first_frame = G_MAXINT64;
  tell_start (self);
  identifai_segment_add_track (segment, video_caps);

  return self;
}

void
identifai_builder_free (IdentifaiBuilder * self)
{
  g_clear_pointer (&self->segment, identifai_segment_free);
  g_clear_pointer (&self->frames, waste_frames);
  g_array_unref (self->ids);
  g_array_unref (self->sounds);
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
  return is_decoded_from_before (self)
      && self->counts.newest >= 0 ? 0 : self->start;
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

static const IdentifaiCounts no_counts = {
  .oldest = G_MAXINT64,
  .newest = G_MININT64,
  .end = G_MININT64,
  .first_frame = G_MAXINT64,
};

static void
add_counts (IdentifaiCounts * self, const IdentifaiCounts * more)
{
  self->frames += more->frames;
  self->keyframes += more->keyframes;
  self->discontinuities += more->discontinuities;
  self->bytes += more->bytes;
  self->cost += more->cost;
  self->oldest = MIN (self->oldest, more->oldest);
  self->newest = MAX (self->newest, more->newest);
  self->end = MAX (self->end, more->end);
  self->first_frame = MIN (self->first_frame, more->first_frame);
  self->last_buffer = MAX (self->last_buffer, more->last_buffer);
  if (self->unreadable == NULL)
    self->unreadable = more->unreadable;
}

static IdentifaiCounts
count_frame (const IdentifaiFrame * frame)
{
  gint64 duration = frame->duration != IDENTIFAI_NO_TIME ? frame->duration : 0;

  return (IdentifaiCounts) {
  .frames = counts (frame) ? 1 : 0,.keyframes =
        frame->info.point != IDENTIFAI_POINT_NONE ? 1 : 0,.discontinuities =
        frame->lossy ? 1 : 0,.bytes =
        gst_buffer_get_size (frame->buffer),.cost = frame->cost,.oldest =
        frame->pts,.newest = frame->pts,.end =
        frame->pts + duration,.first_frame =
        frame->monotonic,.last_buffer = frame->monotonic,.unreadable =
        frame->unreadable,};
}

static void
tell_counts (IdentifaiBuilder * self)
{
  IdentifaiSegment *segment = self->segment;

  self->end = self->counts.end;
  segment->frames = self->counts.frames;
  segment->keyframes = self->counts.keyframes;
  segment->discontinuities = self->counts.discontinuities;
  segment->first_frame = self->counts.first_frame == G_MAXINT64 ? 0 :
      self->counts.first_frame;
  segment->last_buffer = MAX (segment->last_buffer, self->counts.last_buffer);
  segment->bytes = self->counts.bytes + self->audio_cost;
}

/* The next frame is one of those that lead a cut, which is the latest. */
static gboolean
leads_cut (IdentifaiBuilder * self, const IdentifaiCut * cut,
    const IdentifaiFrame * frame)
{
  guint at = self->frames->len - cut->frame;

  return at < MAX (cut->overlap, 1)
      || (at == 1 && frame->info.order.is_second_field);
}

static void
add_to_counts (IdentifaiBuilder * self, const IdentifaiFrame * frame)
{
  IdentifaiCut *cut = self->cuts->len > 0 ?
      &g_array_index (self->cuts, IdentifaiCut, self->cuts->len - 1) : NULL;
  IdentifaiCounts one = count_frame (frame);

  /* nothing is lost in front of the first one */
  if (self->counts.frames == 0)
    one.discontinuities = 0;
  if (self->segment->failure != IDENTIFAI_REASON_NONE)
    one.bytes = one.cost = 0;
  add_counts (&self->counts, &one);
  if (cut != NULL && !leads_cut (self, cut, frame))
    add_counts (&cut->behind, &one);
  tell_counts (self);
  if (frame->pts == self->start)
    set_start (self, frame);
}

static IdentifaiIds *
ids_at (IdentifaiBuilder * self, guint i)
{
  return &g_array_index (self->ids, IdentifaiIds, i);
}

/* Nobody asks for a frame without one. */
static void
add_id (IdentifaiBuilder * self, guint64 id)
{
  IdentifaiIds ids = { id, id };

  if (id == 0)
    return;
  if (self->ids->len > 0 && !self->gap)
    ids_at (self, self->ids->len - 1)->to = id;
  else
    g_array_append_val (self->ids, ids);
  self->gap = FALSE;
}

/* Takes it over. */
static void
append_frame (IdentifaiBuilder * self, IdentifaiFrame * frame)
{
  add_to_counts (self, frame);
  if (self->segment->failure != IDENTIFAI_REASON_NONE) {
    identifai_frame_free (frame);
    return;
  }
  GST_LOG_ID (self->segment->name,
      "segment %u: frame at %" GST_STIME_FORMAT "%s", self->segment->number,
      GST_STIME_ARGS (frame->pts),
      frame->info.point != IDENTIFAI_POINT_NONE ? ", a key frame" : "");
  frame->latest = self->counts.newest;
  g_ptr_array_add (self->frames, frame);
}

void
identifai_builder_add_frame (IdentifaiBuilder * self, IdentifaiFrame * frame)
{
  add_id (self, frame->id);
  append_frame (self, frame);
}

static IdentifaiSoundTrack *
sound_at (IdentifaiBuilder * self, guint i)
{
  return &g_array_index (self->sounds, IdentifaiSoundTrack, i);
}

static IdentifaiTrack *
sound_track_at (IdentifaiBuilder * self, guint i)
{
  return g_ptr_array_index (self->segment->tracks, i + 1);
}

/* Its number of tracks if the stream has none yet. */
static guint
find_sound (IdentifaiBuilder * self, guint stream)
{
  guint i;

  for (i = 0; i < self->sounds->len; i++) {
    if (sound_at (self, i)->stream == stream)
      break;
  }

  return i;
}

gboolean
identifai_builder_has_track (IdentifaiBuilder * self, guint stream)
{
  return find_sound (self, stream) < self->sounds->len;
}

static void
add_sound (IdentifaiBuilder * self, guint stream, GstCaps * caps)
{
  IdentifaiSoundTrack sound = { stream,
    g_array_new (FALSE, FALSE, sizeof (guint64))
  };

  identifai_segment_add_track (self->segment, caps);
  g_array_append_val (self->sounds, sound);
}

/* Bytes of the first n buffers of a track. */
static guint64
count_sound (IdentifaiBuilder * self, guint track, guint n)
{
  return n > 0 ?
      g_array_index (sound_at (self, track)->ends, guint64, n - 1) : 0;
}

static void
append_audio (IdentifaiBuilder * self, guint track, GstBuffer * buffer)
{
  GPtrArray *buffers = sound_track_at (self, track)->buffers;
  gsize size = gst_buffer_get_size (buffer);
  guint64 end = count_sound (self, track, buffers->len) + size;

  g_ptr_array_add (buffers, buffer);
  g_array_append_val (sound_at (self, track)->ends, end);
  self->audio_cost += size;
  self->segment->bytes += size;
  self->n_audio++;
}

gboolean
identifai_builder_add_audio (IdentifaiBuilder * self, guint stream,
    GstCaps * caps, GstBuffer * buffer)
{
  guint track = find_sound (self, stream);

  if (self->segment->failure != IDENTIFAI_REASON_NONE) {
    gst_buffer_unref (buffer);
    return TRUE;
  }
  if (track == self->sounds->len) {
    add_sound (self, stream, caps);
  } else if (sound_track_at (self, track)->caps != caps
      && identifai_codec_caps_differ (sound_track_at (self, track)->caps,
          caps)) {
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
    self->segment->discontinuities = ++self->counts.discontinuities;
}

void
identifai_builder_fail (IdentifaiBuilder * self, IdentifaiReason reason,
    const gchar * text)
{
  GST_DEBUG_ID (self->segment->name,
      "segment %u comes to no file, its %u frames are let go of: %s",
      self->segment->number, self->frames->len, text);
  identifai_segment_fail (self->segment, reason, text);
  waste_frames (self->frames);
  self->frames = new_frames ();
  g_array_set_size (self->sounds, 0);
  self->counts.cost = self->counts.bytes = 0;
  self->counts.unreadable = NULL;
  self->audio_cost = self->segment->bytes = 0;
  self->n_audio = 0;
  g_array_set_size (self->cuts, 0);
}

const IdentifaiCut *
identifai_builder_mark_cut (IdentifaiBuilder * self, guint overlap,
    gint64 start)
{
  IdentifaiCut cut = { self->frames->len, overlap, start, self->counts,
    no_counts
  };

  if (cut.frame == 0)
    return NULL;
  GST_LOG_ID (self->segment->name, "segment %u could be cut at %"
      GST_STIME_FORMAT ", behind %u frames, %u overlap", self->segment->number,
      GST_STIME_ARGS (start), cut.frame, overlap);
  g_array_append_val (self->cuts, cut);

  return &g_array_index (self->cuts, IdentifaiCut, self->cuts->len - 1);
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
  guint64 payload = cut->before.cost;

  for (i = cut->frame; i < cut->frame + cut->overlap; i++)
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
          self->counts.cost + self->audio_cost, max_bytes))
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

/* What is behind at, however much, goes to the end of the other one. */
static void
move_tail (GPtrArray * from, guint at, GPtrArray * to, GDestroyNotify free_func)
{
  guint n = from->len - at, end = to->len;

  g_ptr_array_set_size (to, end + n);
  if (n > 0)
    memcpy (to->pdata + end, from->pdata + at, n * sizeof (gpointer));
  g_ptr_array_set_free_func (from, NULL);
  g_ptr_array_set_size (from, at);
  g_ptr_array_set_free_func (from, free_func);
}

/* How many buffers come before then: their times grow, but for bad clocks'. */
static guint
search_time (GPtrArray * buffers, GstClockTime limit)
{
  guint low = 0, high = buffers->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (GST_BUFFER_PTS (g_ptr_array_index (buffers, middle)) < limit)
      low = middle + 1;
    else
      high = middle;
  }

  return low;
}

/* The same of the bytes of sound: to one that is empty. */
static void
move_ends (GArray * from, guint at, GArray * to)
{
  guint64 before = at > 0 ? g_array_index (from, guint64, at - 1) : 0;
  guint i;

  g_array_set_size (to, from->len - at);
  for (i = 0; i < to->len; i++)
    g_array_index (to, guint64, i) =
        g_array_index (from, guint64, at + i) - before;
  g_array_set_size (from, at);
}

/* Audio from the cut on goes over to rest, which has none of the stream. */
static void
split_audio (IdentifaiBuilder * self, IdentifaiBuilder * rest, guint track)
{
  IdentifaiTrack *from = sound_track_at (self, track);
  guint kept = search_time (from->buffers, rest->start + IDENTIFAI_TRACK_EPOCH);
  guint n = from->buffers->len - kept, added = rest->sounds->len;
  guint64 bytes;

  if (n == 0)
    return;
  add_sound (rest, sound_at (self, track)->stream, from->caps);
  move_ends (sound_at (self, track)->ends, kept, sound_at (rest, added)->ends);
  move_tail (from->buffers, kept, sound_track_at (rest, added)->buffers,
      (GDestroyNotify) gst_buffer_unref);
  bytes = count_sound (rest, added, n);
  self->audio_cost -= bytes;
  self->segment->bytes -= bytes;
  self->n_audio -= n;
  rest->audio_cost += bytes;
  rest->segment->bytes += bytes;
  rest->n_audio += n;
}

/* How many buffers a key frame has. */
static guint
count_fields (GPtrArray * frames, guint at)
{
  const IdentifaiFrame *next = at + 1 < frames->len ?
      g_ptr_array_index (frames, at + 1) : NULL;

  return next != NULL && next->info.order.is_second_field ? 2 : 1;
}

/* Frames in a row that were counted together, after a point. */
static void
add_frames (IdentifaiBuilder * self, gpointer * frames, guint n,
    const IdentifaiCounts * counts)
{
  guint at = self->frames->len;

  if (n == 0)
    return;
  g_ptr_array_set_size (self->frames, at + n);
  memcpy (self->frames->pdata + at, frames, n * sizeof (gpointer));
  add_counts (&self->counts, counts);
  tell_counts (self);
  if (self->cuts->len > 0)
    add_counts (&g_array_index (self->cuts, IdentifaiCut,
            self->cuts->len - 1).behind, counts);
}

/* What a cut is in front of, up to the next one, at end. Of the point and what leads
 * it no more than n_lead go along. */
static void
add_stretch (IdentifaiBuilder * self, const IdentifaiCut * cut,
    GPtrArray * frames, guint end, guint n_lead)
{
  guint n = MAX (cut->overlap, count_fields (frames, cut->frame)), i;

  n = MIN (n, end - cut->frame);
  for (i = 0; i < MIN (n, n_lead); i++)
    append_frame (self, g_ptr_array_index (frames, cut->frame + i));
  add_frames (self, frames->pdata + cut->frame + n, end - cut->frame - n,
      &cut->behind);
}

/* All of cuts, the first of which is where self, which is new, starts; they count from
 * there. */
static void
add_stretches (IdentifaiBuilder * self, GPtrArray * frames, GArray * cuts,
    guint n_point)
{
  guint i;

  for (i = 0; i < cuts->len; i++) {
    const IdentifaiCut *cut = &g_array_index (cuts, IdentifaiCut, i);
    guint end = i + 1 < cuts->len ?
        g_array_index (cuts, IdentifaiCut, i + 1).frame : frames->len;

    /* the leading pictures of an open point stay behind */
    if (i > 0)
      identifai_builder_mark_cut (self, cut->overlap, cut->start);
    add_stretch (self, cut, frames, end, i > 0 ? G_MAXUINT : n_point);
  }
}

/* Takes out that cut and those behind it, which count from it on. */
static GArray *
take_cuts (IdentifaiBuilder * self, guint frame)
{
  GArray *taken = g_array_new (FALSE, FALSE, sizeof (IdentifaiCut));
  guint at = self->cuts->len, i;

  while (cut_at (self, at - 1)->frame > frame)
    at--;
  at--;
  g_array_append_vals (taken, cut_at (self, at), self->cuts->len - at);
  g_array_set_size (self->cuts, at);
  for (i = 0; i < taken->len; i++)
    g_array_index (taken, IdentifaiCut, i).frame -= frame;

  return taken;
}

/* Its last frames are the first ones of frames, of which the point is the rest's. */
static void
keep_overlap (IdentifaiBuilder * self, GPtrArray * frames, guint overlap,
    guint n_point)
{
  guint i;

  for (i = 0; i < overlap; i++) {
    IdentifaiFrame *frame = g_ptr_array_index (frames, i);

    if (i < n_point)
      frame = identifai_frame_copy (frame);
    append_frame (self, frame);
  }
}

static guint64
id_at (GPtrArray * frames, guint i)
{
  return ((IdentifaiFrame *) g_ptr_array_index (frames, i))->id;
}

/* The ids from the cut on, which frames start with, go over to rest. */
static void
move_ids (IdentifaiBuilder * self, GPtrArray * frames, IdentifaiBuilder * rest)
{
  guint64 last = id_at (self->frames, self->frames->len - 1);
  guint n = self->ids->len;

  while (n > 0 && ids_at (self, n - 1)->from > last)
    n--;
  if (n > 0 && ids_at (self, n - 1)->to > last) {
    IdentifaiIds divided = { id_at (frames, 0), ids_at (self, n - 1)->to };

    g_array_append_val (rest->ids, divided);
    ids_at (self, n - 1)->to = last;
  }
  if (n < self->ids->len)
    g_array_append_vals (rest->ids, ids_at (self, n), self->ids->len - n);
  g_array_set_size (self->ids, n);
}

/* Those of leading pictures, which are behind the point, come back. */
static void
return_ids (IdentifaiBuilder * self, GPtrArray * frames, guint overlap,
    guint n_point, IdentifaiBuilder * rest)
{
  IdentifaiIds leading, point;

  if (overlap <= n_point || rest->ids->len == 0)
    return;
  leading.from = id_at (frames, n_point);
  leading.to = id_at (frames, overlap - 1);
  point.from = ids_at (rest, 0)->from;
  point.to = id_at (frames, n_point - 1);
  if (overlap < frames->len && id_at (frames, overlap) <= ids_at (rest, 0)->to)
    ids_at (rest, 0)->from = id_at (frames, overlap);
  else
    g_array_remove_index (rest->ids, 0);
  rest->gap = rest->ids->len == 0;
  g_array_prepend_val (rest->ids, point);
  g_array_append_val (self->ids, leading);
}

/* Each frame goes where it belongs; none but the point of an overlapping cut, which
 * both get, is copied, and few are looked at, as there may be many. */
void
identifai_builder_split (IdentifaiBuilder * self, const IdentifaiCut * at,
    IdentifaiBuilder * rest)
{
  IdentifaiCut cut = *at;       /* it is one of those that move */
  GPtrArray *frames = g_ptr_array_new ();
  GArray *cuts = take_cuts (self, cut.frame);
  guint n_point, i;

  move_tail (self->frames, cut.frame, frames,
      (GDestroyNotify) identifai_frame_free);
  n_point = count_fields (frames, 0);
  move_ids (self, frames, rest);
  return_ids (self, frames, cut.overlap, n_point, rest);
  GST_DEBUG_ID (self->segment->name,
      "segment %u keeps %u of %u frames, of which %u overlap",
      self->segment->number, cut.frame + cut.overlap, cut.frame + frames->len,
      cut.overlap);
  self->counts = cut.before;
  self->segment->last_buffer = 0;
  tell_counts (self);
  keep_overlap (self, frames, cut.overlap, n_point);
  if (cut.overlap == 0)
    identifai_builder_note_loss (self, g_ptr_array_index (frames, 0));
  add_stretches (rest, frames, cuts, n_point);
  g_ptr_array_unref (frames);
  g_array_unref (cuts);
  for (i = 0; i < self->sounds->len; i++)
    split_audio (self, rest, i);
}

static void
shift_counts (IdentifaiCounts * counts, gint64 shift)
{
  if (counts->oldest == no_counts.oldest)
    return;
  counts->oldest += shift;
  counts->newest += shift;
  counts->end += shift;
}

static void
shift_cut (IdentifaiCut * cut, gint64 shift)
{
  cut->start += shift;
  shift_counts (&cut->before, shift);
  shift_counts (&cut->behind, shift);
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
  shift_counts (&self->counts, shift);
  for (i = 0; i < self->cuts->len; i++)
    shift_cut (&g_array_index (self->cuts, IdentifaiCut, i), shift);
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
  for (i = 0; self->counts.oldest < from && i < self->frames->len; i++) {
    frame = g_ptr_array_index (self->frames, i);
    if (frame->pts < MIN (from, self->end))
      discount (self->segment, frame);
  }
}

gint64
identifai_builder_guess_end (IdentifaiBuilder * self)
{
  guint n = self->segment->frames;

  if (self->end > self->counts.newest)
    return self->end;
  if (n < 2)
    return self->counts.newest + LONE_FRAME_DURATION;

  return self->counts.newest + (self->counts.newest - self->start) / (n - 1);
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
          self->counts.cost + self->audio_cost, max_bytes)) {
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

  if (self->counts.unreadable == NULL
      || self->segment->failure != IDENTIFAI_REASON_NONE)
    return;

  text =
      g_strdup_printf ("A frame can't be read: its memory, of type %s, can't "
      "be mapped", self->counts.unreadable);
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
