/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A frame at which decoding can start is set aside together with the leading
 * pictures that follow it until the first picture that isn't one settles what
 * kind of cut the group makes (rapgroup.h). It joins the open part first;
 * then the part is split there if it is time, or later, if what follows turns
 * out not to fit.
 *
 * Audio waits in its stream until the video has passed it, then it goes to the
 * part that covers it; so where a part ends is known by then.
 */

#include "segmenterprivate.h"
#include "codecs.h"
#include "overhead.h"
#include "runningtime.h"
#include "schedule.h"

#define SECOND ((gint64) GST_SECOND)
#define SLACK SECOND            /* of audio before a segment that may open */
/* How long sound that goes back waits for the video to do so. */
#define STEP_PATIENCE (5 * SECOND)
#define STEP_PATIENCE_LIVE SECOND
#define STEP_SLACK (100 * (gint64) GST_MSECOND) /* back, of bad clocks */
#define GRACE (SECOND / 2)      /* a key frame that was asked for is late */
#define EARLY_SHARE 100         /* of the duration, by which a cut may be early */
#define EARLY_MOST (50 * GST_MSECOND)
#define NO_TIME IDENTIFAI_NO_TIME

/* Of the open segment, at the next key frame. */
void
identifai_cutter_request_split (IdentifaiSegmenter * self)
{
  if (self->state != STATE_OPEN || self->split_now)
    return;
  GST_DEBUG_ID (self->name, "segment %u ends at the next key frame",
      self->open->segment->number);
  self->split_now = TRUE;
  identifai_key_units_ask (&self->key_frames, GST_CLOCK_TIME_NONE);
}

/*** audio ***/

static void
add_audio (IdentifaiSegmenter * self, IdentifaiBuilder * part,
    IdentifaiAudioStream * sound, IdentifaiAudioBuffer * item)
{
  GST_LOG_ID (self->name, "segment %u: sound %u at %" GST_STIME_FORMAT "%s",
      part->segment->number, sound->id, GST_STIME_ARGS (item->time),
      item->buffer ? "" : ", which is missing");
  if (item->buffer == NULL) {
    part->segment->audio_missing += MAX (item->duration, 0);
    return;
  }
  part->segment->last_buffer = MAX (part->segment->last_buffer,
      self->monotonic);
  if (!identifai_builder_add_audio (part, sound->id, item->caps,
          gst_buffer_ref (item->buffer)) && part == self->open)
    identifai_cutter_request_split (self);
}

/* The part is of the item's round, and the item is heard while it is shown. */
static gboolean
covers (IdentifaiBuilder * part, const IdentifaiAudioBuffer * item, gint64 end)
{
  return item->round == part->round && item->time < end
      && item->time >= identifai_builder_heard_from (part);
}

/* TRUE: item is settled, in a part or past all of them. */
static gboolean
place_audio (IdentifaiSegmenter * self, IdentifaiAudioStream * sound,
    IdentifaiAudioBuffer * item)
{
  GList *link;

  for (link = self->sealed.head; link; link = link->next) {
    IdentifaiBuilder *part = link->data;

    if (covers (part, item, part->end)) {
      add_audio (self, part, sound, item);
      return TRUE;
    }
  }
  if (item->round < self->round)
    GST_DEBUG_ID (self->name, "sound %u at %" GST_STIME_FORMAT " is of a round "
        "that is over", sound->id, GST_STIME_ARGS (item->time));
  if (item->round != self->round)
    return item->round < self->round;
  if (self->open) {
    if (covers (self->open, item, self->open->counts.newest))
      add_audio (self, self->open, sound, item);
    return item->time < self->open->counts.newest;
  }
  if (self->eos && item->time < self->last_end)
    self->sound_is_late |= self->may_be_late;
  if (self->eos || self->off)
    return TRUE;
  if (self->not_before != NO_TIME)
    return item->time < self->not_before;

  return self->run_end != NO_TIME && item->time < self->run_end - SLACK;
}

/* Up to where the video is; NO_TIME: nowhere yet. */
static gint64
get_now (IdentifaiSegmenter * self)
{
  return self->open ? self->open->counts.newest : self->run_end;
}

/* Called whenever the video has moved on or audio came. */
void
identifai_cutter_place_audio (IdentifaiSegmenter * self)
{
  gint64 patience = self->patience < 0 ? STEP_PATIENCE : STEP_PATIENCE_LIVE;
  guint id;

  if (self->eos || self->off)
    patience = -1;

  for (id = 1; id <= self->sounds->len; id++) {
    IdentifaiAudioStream *sound =
        identifai_audio_streams_get (self->sounds, id);
    IdentifaiAudioBuffer *item;

    if (sound)
      identifai_audio_stream_settle (sound, get_now (self), patience);
    while (sound && (item = identifai_audio_stream_peek (sound))
        && place_audio (self, sound, item))
      identifai_audio_stream_drop (sound);
  }
}

/*** sizes ***/

IdentifaiAudioSpan
identifai_cutter_get_span (IdentifaiBuilder * part)
{
  return (IdentifaiAudioSpan) {
  part->round, part->start, part->end};
}

/* Whether the open part's file has room for n_frames frames of cost bytes more,
 * with the audio up to end, also that which is still to come. */
static gboolean
fits (IdentifaiSegmenter * self, guint64 cost, guint n_frames, gint64 end)
{
  IdentifaiBuilder *part = self->open;
  guint64 payload = part->counts.cost + part->audio_cost + cost;
  guint n_tracks = 1, n_audio = part->n_audio;
  IdentifaiAudioSpan span = identifai_cutter_get_span (part);

  span.end = MAX (end, part->end);
  payload += identifai_audio_streams_expect (self->sounds, &span, &n_tracks,
      &n_audio);

  return payload + identifai_container_overhead (n_tracks,
      part->frames->len + n_audio + n_frames,
      payload) <= self->settings.max_bytes;
}

static gboolean
frame_fits (IdentifaiSegmenter * self, const IdentifaiFrame * frame)
{
  gint64 duration = frame->duration != NO_TIME ? frame->duration : 0;

  return fits (self, frame->cost, 1, frame->pts + duration);
}

/*** parts ***/

static IdentifaiBuilder *
make_part (IdentifaiSegmenter * self, gint64 start)
{
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiBuilder *part;

  segment->name = g_strdup (self->name);
  self->open_func (segment, self->user_data);
  part = identifai_builder_new (segment,
      identifai_video_stream_get_caps (self->video), start);
  part->round = self->round;

  return part;
}

/* The part is open, and has its first frame. */
static void
schedule (IdentifaiSegmenter * self)
{
  IdentifaiBuilder *part = self->open;

  /* pictures before 0 come on top */
  self->due = identifai_schedule_end (&self->settings, MAX (part->start, 0),
      part->segment->utc);
  if (self->due != NO_TIME && self->state == STATE_OPEN)
    identifai_key_units_ask (&self->key_frames, self->due);
}

/* How much later than it should end time is. */
static gint64
get_lateness (IdentifaiSegmenter * self, gint64 time)
{
  return time - (self->due != NO_TIME ? self->due : self->open->start);
}

static void
start_part (IdentifaiSegmenter * self, IdentifaiBuilder * part)
{
  GST_DEBUG_ID (self->name, "segment %u starts at %" GST_STIME_FORMAT,
      part->segment->number, GST_STIME_ARGS (part->start));
  self->open = part;
  self->state = STATE_OPEN;
  self->not_before = NO_TIME;
  self->split_now = FALSE;
  identifai_key_units_reset_late (&self->key_frames);
}

void
identifai_cutter_sign (IdentifaiSegmenter * self, IdentifaiBuilder * part)
{
  IdentifaiTrack *video;

  if (part->frames->len == 0)
    return;
  video = g_ptr_array_index (part->segment->tracks, 0);
  if (video->caps == identifai_video_stream_get_caps (self->video))
    identifai_video_stream_sign (self->video, g_ptr_array_index (part->frames,
            0));
}

/* The open part is over at end. After it, no segment is open. */
void
identifai_cutter_seal (IdentifaiSegmenter * self, gint64 end, const gchar * why)
{
  IdentifaiBuilder *part = self->open;
  gint64 late;

  identifai_cutter_sign (self, part);
  identifai_builder_seal (part, end);
  late = get_lateness (self, part->end);
  self->open = NULL;
  GST_DEBUG_ID (self->name, "segment %u: %" GST_STIME_FORMAT " to %"
      GST_STIME_FORMAT ", %s, due at %" GST_STIME_FORMAT
      ", %u frames, %u of them " "key frames, %u losses, %" G_GUINT64_FORMAT
      " bytes", part->segment->number, GST_STIME_ARGS (part->start),
      GST_STIME_ARGS (part->end), why, GST_STIME_ARGS (self->due),
      part->segment->frames, part->segment->keyframes,
      part->segment->discontinuities, part->segment->bytes);
  identifai_key_units_come (&self->key_frames, late, self->settings.duration);
  part->deadline = self->patience < 0 ? G_MAXINT64 :
      self->monotonic + self->patience;
  self->covered += part->end - part->start;
  self->latest = part->segment->number;
  g_queue_push_tail (&self->sealed, part);
  self->state = STATE_WAITING;
  self->not_before = identifai_schedule_next (&self->settings, part->start,
      part->segment->utc);
  self->wished_start = FALSE;
}

/* The open part is over where the group starts. */
static void
seal_at_group (IdentifaiSegmenter * self, const gchar * why)
{
  identifai_builder_note_loss (self->open,
      g_ptr_array_index (self->group->frames, 0));
  identifai_cutter_seal (self, self->group->start, why);
}

/* After a segment ended at time: whether the next one may start there. */
static gboolean
may_start (IdentifaiSegmenter * self, gint64 time)
{
  if (self->not_before == NO_TIME || time >= self->not_before)
    return TRUE;
  GST_LOG_ID (self->name,
      "a key frame at %" GST_STIME_FORMAT " is too early, the "
      "next segment starts at %" GST_STIME_FORMAT, GST_STIME_ARGS (time),
      GST_STIME_ARGS (self->not_before));
  /* times may have gone back */
  self->not_before = MIN (self->not_before,
      time + (gint64) self->settings.interval);
  if (!self->wished_start)
    identifai_key_units_ask (&self->key_frames, MAX (self->not_before, 0));
  self->wished_start = TRUE;

  return FALSE;
}

/* Moves what is after the cut to a part of its own; NULL if it is too early for
 * one. */
static IdentifaiBuilder *
take_rest (IdentifaiSegmenter * self, IdentifaiBuilder * part,
    const IdentifaiCut * cut)
{
  IdentifaiTrack *video = g_ptr_array_index (part->segment->tracks, 0);
  gboolean wanted = cut->start >= identifai_schedule_next (&self->settings,
      part->start, part->segment->utc);
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiBuilder *rest;

  segment->name = g_strdup (self->name);
  if (wanted)
    self->open_func (segment, self->user_data);
  rest = identifai_builder_new (segment, video->caps, cut->start);
  rest->round = part->round;
  identifai_builder_split (part, cut, rest);
  if (!wanted) {
    GST_DEBUG_ID (self->name, "%u frames from %" GST_STIME_FORMAT " on are too "
        "early for a segment", rest->segment->frames,
        GST_STIME_ARGS (cut->start));
    identifai_notices_part (self, rest, FALSE);
    g_clear_pointer (&rest, identifai_builder_free);
  }

  return rest;
}

/* What follows the cut is the new open part, if any. */
static void
split_part (IdentifaiSegmenter * self, const IdentifaiCut * at,
    const gchar * why)
{
  IdentifaiCut cut = *at;
  IdentifaiBuilder *rest = take_rest (self, self->open, &cut);

  identifai_cutter_seal (self, cut.start, why);
  if (rest) {
    start_part (self, rest);
    schedule (self);
  } else {
    may_start (self, cut.start);
  }
}

/* Segments are numbered as they follow each other: what was split off has the
 * latest number, but is older than what came after. */
static void
renumber (IdentifaiSegmenter * self, GList * link)
{
  IdentifaiBuilder *part;

  for (; link->next; link = link->next) {
    part = link->next->data;
    identifai_segment_swap_identity (((IdentifaiBuilder *) link->data)->segment,
        part->segment);
  }
  part = link->data;
  if (self->open)
    identifai_segment_swap_identity (part->segment, self->open->segment);
}

/* The audio of the oldest part is there, and may be more than was reckoned with:
 * the part ends earlier then, and the rest of it is the next one. */
void
identifai_cutter_shrink_oldest (IdentifaiSegmenter * self)
{
  IdentifaiBuilder *part = g_queue_peek_head (&self->sealed), *rest;
  const IdentifaiCut *found = identifai_builder_find_fitting_cut (part,
      self->settings.max_bytes);
  gint64 end = part->end;
  IdentifaiCut cut;

  if (found == NULL)
    return;
  cut = *found;
  rest = take_rest (self, part, &cut);
  GST_DEBUG_ID (self->name, "segment %u ends at %" GST_STIME_FORMAT " already: "
      "it doesn't fit with its sound", part->segment->number,
      GST_STIME_ARGS (cut.start));
  identifai_builder_seal (part, cut.start);
  if (rest == NULL) {
    self->covered -= end - cut.start;
    return;
  }
  rest->deadline = part->deadline;
  identifai_cutter_sign (self, rest);
  identifai_builder_seal (rest, end);
  g_queue_insert_after (&self->sealed, self->sealed.head, rest);
  renumber (self, self->sealed.head->next);
}

static void
fail_part (IdentifaiSegmenter * self)
{
  gchar *text = g_strdup_printf ("No key frame within %" G_GUINT64_FORMAT
      " bytes (max-segment-bytes); lower the bit rate or the key frame "
      "interval, or raise max-segment-bytes", self->settings.max_bytes);

  GST_DEBUG_ID (self->name, "segment %u: %s", self->open->segment->number,
      text);
  identifai_builder_fail (self->open, IDENTIFAI_REASON_TOO_LARGE, text);
  g_free (text);
  self->state = STATE_TOO_LARGE;
  identifai_key_units_ask_late (&self->key_frames);
}

/* A frame that is no point. */
static void
add_frame (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  const IdentifaiCut *cut = self->open ?
      identifai_builder_find_cut (self->open) : NULL;

  GST_LOG_ID (self->name, "frame at %" GST_STIME_FORMAT ", %" G_GSIZE_FORMAT
      " bytes", GST_STIME_ARGS (frame->pts), (gsize) frame->cost);
  if (self->state == STATE_OPEN && !frame_fits (self, frame) && cut)
    split_part (self, cut, "as the next frame doesn't fit");
  if (self->state == STATE_OPEN && !frame_fits (self, frame))
    fail_part (self);

  if (self->state == STATE_WAITING) {
    if (self->not_before == NO_TIME) {
      self->skipped++;
      GST_LOG_ID (self->name,
          "frame at %" GST_STIME_FORMAT " is in no segment: "
          "it waits for a key frame", GST_STIME_ARGS (frame->pts));
      identifai_key_units_ask_late (&self->key_frames);
    }
    identifai_notices_frame (self, frame, identifai_notices_none (self));
    identifai_frame_free (frame);
    return;
  }
  identifai_builder_add_frame (self->open, frame);
  if (self->state == STATE_OPEN && !fits (self,
          self->settings.max_bytes / 4, 0, NO_TIME))
    identifai_key_units_ask_late (&self->key_frames);
}

/* A due key frame that was asked for should have come by now. What has failed
 * doesn't wait for one that may never come. */
static void
check_overdue (IdentifaiSegmenter * self)
{
  gint64 duration = self->settings.duration;
  gint64 late = 0;

  if (self->open && (duration > 0 || self->state == STATE_TOO_LARGE))
    late = get_lateness (self, self->open->counts.newest);
  else if (self->open == NULL)
    late = self->run_end - MAX (self->run_start, self->not_before);
  if (self->open && late >= GRACE)
    GST_LOG_ID (self->name, "segment %u is %" GST_STIME_FORMAT " late",
        self->open->segment->number, GST_STIME_ARGS (late));
  if (self->open && late >= GRACE)
    identifai_key_units_ask_late (&self->key_frames);
  if (identifai_key_units_wait (&self->key_frames, late, duration)
      && self->state == STATE_TOO_LARGE)
    identifai_cutter_seal (self, identifai_builder_guess_end (self->open),
        "as no key frame comes");
}

/*** groups ***/

/* The times of live sources jitter: a group that should start when the segment is
 * due may start a little before. */
static gboolean
is_due (IdentifaiSegmenter * self)
{
  gint64 early = self->live ?
      MIN (self->settings.duration / EARLY_SHARE, EARLY_MOST) : 0;

  return self->split_now || self->group->new_headers
      || (self->due != NO_TIME && self->group->start >= self->due - early);
}

static gboolean
group_fits (IdentifaiSegmenter * self)
{
  return fits (self, self->group->cost, self->group->frames->len,
      self->group->end);
}

/* No segment is open: the group starts one, if it is time. */
static void
open_with_group (IdentifaiSegmenter * self)
{
  if (!may_start (self, self->group->start)) {
    identifai_notices_frames (self, self->group->frames, 0);
    identifai_rap_group_clear (self->group);
    return;
  }
  if (self->group->overlap > 0)
    identifai_notices_frames (self, self->group->frames, self->group->n_point);
  if (self->group->overlap > 0)
    GST_DEBUG_ID (self->name,
        "leading pictures of %" GST_STIME_FORMAT " can't be "
        "decoded, and are in no segment", GST_STIME_ARGS (self->group->start));
  self->skipped += identifai_rap_group_drop_leading (self->group);
  start_part (self, make_part (self, self->group->start));
  if (!group_fits (self))
    fail_part (self);
  identifai_rap_group_move_to (self->group, self->open);
  schedule (self);
}

static const gchar *
get_cause (IdentifaiSegmenter * self)
{
  if (self->split_now)
    return "as asked for";
  if (self->group->new_headers)
    return "at other headers";

  return is_due (self) ? "in time" : "as what follows doesn't fit";
}

/* The open segment ends here: with the leading pictures, if they need it and
 * fit into it. */
static void
cut_at_group (IdentifaiSegmenter * self)
{
  const IdentifaiCut *earlier = identifai_builder_find_cut (self->open);

  if (self->group->overlap > 0 && !group_fits (self) && earlier)
    split_part (self, earlier, "as the leading pictures don't fit");
  if (self->group->overlap > 0 && self->state == STATE_OPEN
      && group_fits (self)) {
    IdentifaiCut cut = *identifai_builder_mark_cut (self->open,
        self->group->overlap, self->group->start);

    identifai_rap_group_move_to (self->group, self->open);
    split_part (self, &cut, "with leading pictures");
  } else {
    if (self->state != STATE_WAITING)
      seal_at_group (self, get_cause (self));
    open_with_group (self);
  }
}

static void
settle_group (IdentifaiSegmenter * self)
{
  if (identifai_rap_group_is_empty (self->group))
    return;

  switch (self->state) {
    case STATE_WAITING:
      open_with_group (self);
      break;
    case STATE_TOO_LARGE:
      seal_at_group (self, "as it is too large");
      open_with_group (self);
      break;
    case STATE_OPEN:
      if (is_due (self) || !group_fits (self)) {
        cut_at_group (self);
      } else {
        GST_LOG_ID (self->name, "segment %u goes on at a key frame at %"
            GST_STIME_FORMAT ", %u leading", self->open->segment->number,
            GST_STIME_ARGS (self->group->start), self->group->overlap);
        identifai_builder_mark_cut (self->open, self->group->overlap,
            self->group->start);
        identifai_rap_group_move_to (self->group, self->open);
      }
      break;
  }
}

/*** frames ***/

/* Takes over what stands for a frame before it. */
static void
drop_placeholder (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  identifai_notices_frame (self, frame, IDENTIFAI_PLACEMENT_HEADERS);
  identifai_frame_free (frame);
}

/* Takes over a frame of which all is known. */
static void
take_frame (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  gint64 end = frame->pts;

  if (frame->duration != NO_TIME)
    end += frame->duration;
  if (self->run_start == NO_TIME)
    self->run_start = self->run_end = frame->pts;
  self->run_start = MIN (self->run_start, frame->pts);
  self->run_end = MAX (self->run_end, end);

  if (identifai_rap_group_is_led_by (self->group, frame)) {
    identifai_rap_group_add (self->group, frame);
    identifai_notices_frame (self, frame, IDENTIFAI_PLACEMENT_OPEN);
    return;
  }
  identifai_notices_frame (self, frame, IDENTIFAI_PLACEMENT_OPEN);
  settle_group (self);
  if (frame->info.point != IDENTIFAI_POINT_NONE) {
    gboolean may_lead = frame->info.may_lead;

    identifai_rap_group_add (self->group, frame);
    if (!may_lead)
      settle_group (self);
  } else {
    add_frame (self, frame);
  }
  check_overdue (self);
}

static void
take_ready_frames (IdentifaiSegmenter * self)
{
  IdentifaiFrame *frame;

  while ((frame = identifai_video_stream_pop (self->video))) {
    if (frame->info.has_picture)
      take_frame (self, frame);
    else
      drop_placeholder (self, frame);
  }
}

/* What follows has nothing to do with what came: the open segment ends with its
 * last frame. */
void
identifai_cutter_end_run (IdentifaiSegmenter * self, const gchar * why)
{
  identifai_video_stream_drain (self->video);
  take_ready_frames (self);
  settle_group (self);
  if (self->open) {
    self->run_end =
        MAX (self->run_end, identifai_builder_guess_end (self->open));
    identifai_cutter_seal (self, identifai_builder_guess_end (self->open), why);
  }
  if (self->run_start != NO_TIME)
    self->seen += self->run_end - self->run_start;
  self->last_end = self->run_end;
  if (self->run_end != NO_TIME)
    self->step_from = self->run_end;
  self->run_start = self->run_end = NO_TIME;
  identifai_key_units_reset_late (&self->key_frames);
  identifai_cutter_place_audio (self);
}

/* Moves what is open of this run. */
static void
move_run (IdentifaiSegmenter * self, gint64 shift)
{
  GST_DEBUG_ID (self->name, "running times move by %" GST_STIME_FORMAT,
      GST_STIME_ARGS (shift));
  identifai_video_stream_drain (self->video);
  take_ready_frames (self);
  identifai_rap_group_shift (self->group, shift);
  if (self->open)
    identifai_builder_shift (self->open, shift);
  if (self->open && self->due != NO_TIME)
    self->due += shift;
  if (self->run_start != NO_TIME) {
    self->run_start += shift;
    self->run_end += shift;
  }
}

/* The frame is the first one of a run, or of one whose times were mended. What the
 * sound makes of that it does as the video. */
static void
note_step (IdentifaiSegmenter * self, const IdentifaiFrame * frame,
    gint64 shift)
{
  IdentifaiVideoStep step = {.shift = shift };

  step.restarts = (self->step_from != NO_TIME);
  step.from = step.restarts ? self->step_from : self->run_end;
  self->step_from = NO_TIME;
  if (step.from == NO_TIME)
    return;
  step.to = step.restarts ? frame->stamp : step.from - shift;
  if (step.to >= step.from - STEP_SLACK)
    return;
  if (step.restarts)
    self->round++;
  GST_DEBUG_ID (self->name,
      "the video goes back from %" GST_STIME_FORMAT " to %" GST_STIME_FORMAT
      ": %s", GST_STIME_ARGS (step.from), GST_STIME_ARGS (step.to),
      step.restarts ? "it starts over" : "times are re-based");
  step.round = self->round;
  identifai_audio_streams_note_step (self->sounds, &step);
}

void
identifai_cutter_push (IdentifaiSegmenter * self, GstBuffer * buffer,
    const IdentifaiCaptureTime * arrival)
{
  IdentifaiFrame *frame;
  IdentifaiVideoLink link;
  gint64 shift;

  frame =
      identifai_video_stream_read (self->video, buffer, arrival, &link, &shift);
  if (frame == NULL) {
    identifai_notices_buffer (self, arrival->id,
        link == IDENTIFAI_VIDEO_LINK_HEADERS ? IDENTIFAI_PLACEMENT_HEADERS :
        IDENTIFAI_PLACEMENT_NONE);
    return;
  }
  self->live = arrival->live;
  self->eos = FALSE;
  if (link == IDENTIFAI_VIDEO_LINK_MOVES)
    move_run (self, shift);
  else if (link == IDENTIFAI_VIDEO_LINK_BREAKS)
    identifai_cutter_end_run (self, "at a break");
  note_step (self, frame, identifai_video_stream_take_rebase (self->video));
  identifai_video_stream_push (self->video, frame);
  take_ready_frames (self);
  identifai_cutter_place_audio (self);
}
