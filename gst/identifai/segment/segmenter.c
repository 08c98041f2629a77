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

#include "segmenter.h"
#include "codecs.h"
#include "rapgroup.h"
#include "keyunits.h"
#include "overhead.h"
#include "builder.h"
#include "schedule.h"
#include "audiostream.h"
#include "runningtime.h"
#include "videostream.h"

GST_DEBUG_CATEGORY_STATIC (identifai_segmenter_debug);
#define GST_CAT_DEFAULT identifai_segmenter_debug

#define SECOND ((gint64) GST_SECOND)
#define SLACK SECOND            /* of audio before a segment that may open */
#define LATE_TOLERANCE (100 * GST_MSECOND)
#define GRACE (SECOND / 2)      /* a key frame that was asked for is late */
#define EARLY_SHARE 100         /* of the duration, by which a cut may be early */
#define EARLY_MOST (50 * GST_MSECOND)
#define NO_TIME IDENTIFAI_NO_TIME

typedef enum
{
  STATE_WAITING,                /* for a point, at or after not_before; open is NULL */
  STATE_OPEN,
  STATE_TOO_LARGE,              /* open has failed and ends at the next point, if
                                 * there is one */
} State;

struct _IdentifaiSegmenter
{
  IdentifaiSegmenterOpenFunc open_func;
  gpointer user_data;
  IdentifaiSegmenterSettings settings;

  IdentifaiVideo *video;
  gboolean live, eos;           /* the video's source is; it is over */
  gint64 monotonic;             /* µs, of the latest buffer or EOS */

  /* frames on their way */
  IdentifaiGroup *group;        /* not settled yet */
  gint64 run_start, run_end;    /* of the frames since the last break; NO_TIME */
  gint64 last_end;              /* the last run_end, or NO_TIME */

  State state;
  IdentifaiPart *open;
  gint64 due;                   /* when open should end; NO_TIME = never */
  gint64 not_before;            /* STATE_WAITING; NO_TIME = at once */
  gboolean off;                 /* nothing is judged */
  gboolean split_now;
  GQueue sealed;                /* of IdentifaiPart: wait for audio */
  GQueue given_up;              /* of IdentifaiSegment */

  GPtrArray *sounds;            /* of IdentifaiSound, at stream - 1; NULL: removed */

  IdentifaiKeyFrames key_frames;
  gboolean wished_start;        /* once a pause between segments */

  gint64 patience;              /* µs, for sound; -1: until it is there */
  gboolean sound_is_late, told_late;

  guint64 withheld, skipped;
  guint64 seen, covered;        /* ns; seen: of runs that are over */
};

/* Of the open segment, at the next key frame. */
static void
request_split (IdentifaiSegmenter * self)
{
  if (self->state != STATE_OPEN || self->split_now)
    return;
  self->split_now = TRUE;
  identifai_key_frames_ask (&self->key_frames, GST_CLOCK_TIME_NONE);
}

/*** audio ***/

static void
add_audio (IdentifaiSegmenter * self, IdentifaiPart * part,
    IdentifaiSound * sound, IdentifaiSoundBuffer * item)
{
  if (item->buffer == NULL) {
    part->segment->audio_missing += MAX (item->duration, 0);
    return;
  }
  part->segment->last_buffer = MAX (part->segment->last_buffer,
      self->monotonic);
  if (!identifai_part_add_audio (part, sound->id, item->caps,
          gst_buffer_ref (item->buffer)) && part == self->open)
    request_split (self);
}

/* TRUE: item is settled, in a part or past all of them. */
static gboolean
place_audio (IdentifaiSegmenter * self, IdentifaiSound * sound,
    IdentifaiSoundBuffer * item)
{
  GList *link;

  for (link = self->sealed.head; link; link = link->next) {
    IdentifaiPart *part = link->data;

    if (item->time >= identifai_part_heard_from (part)
        && item->time < part->end) {
      add_audio (self, part, sound, item);
      return TRUE;
    }
  }
  if (self->open) {
    if (item->time >= identifai_part_heard_from (self->open)
        && item->time < self->open->newest)
      add_audio (self, self->open, sound, item);
    return item->time < self->open->newest;
  }
  if (self->eos || self->off)
    return TRUE;
  if (self->not_before != NO_TIME)
    return item->time < self->not_before;

  return self->run_end != NO_TIME && item->time < self->run_end - SLACK;
}

/* Called whenever the video has moved on or audio came. */
static void
place_all_audio (IdentifaiSegmenter * self)
{
  guint id;

  for (id = 1; id <= self->sounds->len; id++) {
    IdentifaiSound *sound = identifai_sounds_get (self->sounds, id);
    IdentifaiSoundBuffer *item;

    while (sound && (item = identifai_sound_peek (sound))
        && place_audio (self, sound, item))
      identifai_sound_drop (sound);
  }
}

/*** sizes ***/

/* Whether the open part's file has room for n_frames frames of cost bytes more,
 * with the audio up to end, also that which is still to come. */
static gboolean
fits (IdentifaiSegmenter * self, guint64 cost, guint n_frames, gint64 end)
{
  IdentifaiPart *part = self->open;
  guint64 payload = part->video_cost + part->audio_cost + cost;
  guint n_tracks = 1, n_audio = part->n_audio;

  end = MAX (end, part->end);
  payload += identifai_sounds_expect (self->sounds, part->start, end,
      &n_tracks, &n_audio);

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

static IdentifaiPart *
make_part (IdentifaiSegmenter * self, gint64 start)
{
  IdentifaiSegment *segment = identifai_segment_new (0);

  self->open_func (segment, self->user_data);

  return identifai_part_new (segment,
      identifai_video_get_caps (self->video), start);
}

/* The part is open, and has its first frame. */
static void
schedule (IdentifaiSegmenter * self)
{
  IdentifaiPart *part = self->open;

  /* pictures before 0 come on top */
  self->due = identifai_schedule_end (&self->settings, MAX (part->start, 0),
      part->segment->utc);
  if (self->due != NO_TIME && self->state == STATE_OPEN)
    identifai_key_frames_ask (&self->key_frames, self->due);
}

/* How much later than it should end time is. */
static gint64
get_lateness (IdentifaiSegmenter * self, gint64 time)
{
  return time - (self->due != NO_TIME ? self->due : self->open->start);
}

static void
start_part (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  GST_DEBUG ("segment %u starts at %" GST_STIME_FORMAT, part->segment->number,
      GST_STIME_ARGS (part->start));
  self->open = part;
  self->state = STATE_OPEN;
  self->not_before = NO_TIME;
  self->split_now = FALSE;
  identifai_key_frames_reset_late (&self->key_frames);
}

static void
sign_first_frame (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  IdentifaiTrack *video;

  if (part->frames->len == 0)
    return;
  video = g_ptr_array_index (part->segment->tracks, 0);
  if (video->caps == identifai_video_get_caps (self->video))
    identifai_video_sign (self->video, g_ptr_array_index (part->frames, 0));
}

/* The open part is over at end. After it, no segment is open. */
static void
seal_part (IdentifaiSegmenter * self, gint64 end)
{
  IdentifaiPart *part = self->open;
  gint64 late;

  sign_first_frame (self, part);
  identifai_part_seal (part, end);
  late = get_lateness (self, part->end);
  self->open = NULL;
  GST_DEBUG ("segment %u ends at %" GST_STIME_FORMAT ", %u frames",
      part->segment->number, GST_STIME_ARGS (end), part->segment->frames);
  identifai_key_frames_come (&self->key_frames, late, self->settings.duration);
  part->deadline = self->patience < 0 ? G_MAXINT64 :
      self->monotonic + self->patience;
  self->covered += part->end - part->start;
  g_queue_push_tail (&self->sealed, part);
  self->state = STATE_WAITING;
  self->not_before = identifai_schedule_next (&self->settings, part->start,
      part->segment->utc);
  self->wished_start = FALSE;
}

/* The open part is over where the group starts. */
static void
seal_at_group (IdentifaiSegmenter * self)
{
  identifai_part_note_loss (self->open,
      g_ptr_array_index (self->group->frames, 0));
  seal_part (self, self->group->start);
}

/* After a segment ended at time: whether the next one may start there. */
static gboolean
may_start (IdentifaiSegmenter * self, gint64 time)
{
  if (self->not_before == NO_TIME || time >= self->not_before)
    return TRUE;
  /* times may have gone back */
  self->not_before = MIN (self->not_before,
      time + (gint64) self->settings.interval);
  if (!self->wished_start)
    identifai_key_frames_ask (&self->key_frames, MAX (self->not_before, 0));
  self->wished_start = TRUE;

  return FALSE;
}

/* Moves what is after the cut to a part of its own; NULL if it is too early for
 * one. */
static IdentifaiPart *
take_rest (IdentifaiSegmenter * self, IdentifaiPart * part,
    const IdentifaiCut * cut)
{
  IdentifaiTrack *video = g_ptr_array_index (part->segment->tracks, 0);
  gboolean wanted = cut->start >= identifai_schedule_next (&self->settings,
      part->start, part->segment->utc);
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiPart *rest;

  if (wanted)
    self->open_func (segment, self->user_data);
  rest = identifai_part_new (segment, video->caps, cut->start);
  identifai_part_split (part, cut, rest);
  if (!wanted)
    g_clear_pointer (&rest, identifai_part_free);

  return rest;
}

/* What follows the cut is the new open part, if any. */
static void
split_part (IdentifaiSegmenter * self, const IdentifaiCut * at)
{
  IdentifaiCut cut = *at;
  IdentifaiPart *rest = take_rest (self, self->open, &cut);

  seal_part (self, cut.start);
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
  IdentifaiPart *part;

  for (; link->next; link = link->next) {
    part = link->next->data;
    identifai_segment_swap_identity (((IdentifaiPart *) link->data)->segment,
        part->segment);
  }
  part = link->data;
  if (self->open)
    identifai_segment_swap_identity (part->segment, self->open->segment);
}

/* The audio of the oldest part is there, and may be more than was reckoned with:
 * the part ends earlier then, and the rest of it is the next one. */
static void
shrink_oldest (IdentifaiSegmenter * self)
{
  IdentifaiPart *part = g_queue_peek_head (&self->sealed), *rest;
  const IdentifaiCut *found = identifai_part_find_fitting_cut (part,
      self->settings.max_bytes);
  gint64 end = part->end;
  IdentifaiCut cut;

  if (found == NULL)
    return;
  cut = *found;
  rest = take_rest (self, part, &cut);
  GST_DEBUG ("segment %u ends at %" GST_STIME_FORMAT " already",
      part->segment->number, GST_STIME_ARGS (cut.start));
  identifai_part_seal (part, cut.start);
  if (rest == NULL) {
    self->covered -= end - cut.start;
    return;
  }
  rest->deadline = part->deadline;
  sign_first_frame (self, rest);
  identifai_part_seal (rest, end);
  g_queue_insert_after (&self->sealed, self->sealed.head, rest);
  renumber (self, self->sealed.head->next);
}

static void
fail_part (IdentifaiSegmenter * self)
{
  gchar *text = g_strdup_printf ("No key frame within %" G_GUINT64_FORMAT
      " bytes (max-segment-bytes); lower the bit rate or the key frame "
      "interval, or raise max-segment-bytes", self->settings.max_bytes);

  GST_INFO ("segment %u: %s", self->open->segment->number, text);
  identifai_part_fail (self->open, IDENTIFAI_REASON_TOO_LARGE, text);
  g_free (text);
  self->state = STATE_TOO_LARGE;
  identifai_key_frames_ask_late (&self->key_frames);
}

/* A frame that is no point. */
static void
add_frame (IdentifaiSegmenter * self, IdentifaiFrame * frame)
{
  const IdentifaiCut *cut = self->open ?
      identifai_part_find_cut (self->open) : NULL;

  if (self->state == STATE_OPEN && !frame_fits (self, frame) && cut)
    split_part (self, cut);
  if (self->state == STATE_OPEN && !frame_fits (self, frame))
    fail_part (self);

  if (self->state == STATE_WAITING) {
    if (self->not_before == NO_TIME) {
      self->skipped++;
      identifai_key_frames_ask_late (&self->key_frames);
    }
    identifai_frame_free (frame);
    return;
  }
  identifai_part_add_frame (self->open, frame);
  if (self->state == STATE_OPEN && !fits (self,
          self->settings.max_bytes / 4, 0, NO_TIME))
    identifai_key_frames_ask_late (&self->key_frames);
}

/* A due key frame that was asked for should have come by now. What has failed
 * doesn't wait for one that may never come. */
static void
check_overdue (IdentifaiSegmenter * self)
{
  gint64 duration = self->settings.duration;
  gint64 late = 0;

  if (self->open && (duration > 0 || self->state == STATE_TOO_LARGE))
    late = get_lateness (self, self->open->newest);
  else if (self->open == NULL)
    late = self->run_end - MAX (self->run_start, self->not_before);
  if (self->open && late >= GRACE)
    identifai_key_frames_ask_late (&self->key_frames);
  if (identifai_key_frames_wait (&self->key_frames, late, duration)
      && self->state == STATE_TOO_LARGE)
    seal_part (self, identifai_part_guess_end (self->open));
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
    identifai_group_clear (self->group);
    return;
  }
  self->skipped += identifai_group_drop_leading (self->group);
  start_part (self, make_part (self, self->group->start));
  if (!group_fits (self))
    fail_part (self);
  identifai_group_move_to (self->group, self->open);
  schedule (self);
}

/* The open segment ends here: with the leading pictures, if they need it and
 * fit into it. */
static void
cut_at_group (IdentifaiSegmenter * self)
{
  const IdentifaiCut *earlier = identifai_part_find_cut (self->open);

  if (self->group->overlap > 0 && !group_fits (self) && earlier)
    split_part (self, earlier);
  if (self->group->overlap > 0 && self->state == STATE_OPEN
      && group_fits (self)) {
    IdentifaiCut cut = { self->open->frames->len, self->group->overlap,
      self->group->start
    };

    identifai_group_move_to (self->group, self->open);
    split_part (self, &cut);
  } else {
    if (self->state != STATE_WAITING)
      seal_at_group (self);
    open_with_group (self);
  }
}

static void
settle_group (IdentifaiSegmenter * self)
{
  if (identifai_group_is_empty (self->group))
    return;

  switch (self->state) {
    case STATE_WAITING:
      open_with_group (self);
      break;
    case STATE_TOO_LARGE:
      seal_at_group (self);
      open_with_group (self);
      break;
    case STATE_OPEN:
      if (is_due (self) || !group_fits (self)) {
        cut_at_group (self);
      } else {
        identifai_part_mark_cut (self->open, self->group->overlap,
            self->group->start);
        identifai_group_move_to (self->group, self->open);
      }
      break;
  }
}

/*** frames ***/

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

  if (identifai_group_is_led_by (self->group, frame)) {
    identifai_group_add (self->group, frame);
    return;
  }
  settle_group (self);
  if (frame->info.point != IDENTIFAI_POINT_NONE) {
    gboolean may_lead = frame->info.may_lead;

    identifai_group_add (self->group, frame);
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

  while ((frame = identifai_video_pop (self->video)))
    take_frame (self, frame);
}

/* What follows has nothing to do with what came: the open segment ends with its
 * last frame. */
static void
end_run (IdentifaiSegmenter * self)
{
  identifai_video_drain (self->video);
  take_ready_frames (self);
  settle_group (self);
  if (self->open) {
    self->run_end = MAX (self->run_end, identifai_part_guess_end (self->open));
    seal_part (self, identifai_part_guess_end (self->open));
  }
  if (self->run_start != NO_TIME)
    self->seen += self->run_end - self->run_start;
  self->last_end = self->run_end;
  self->run_start = self->run_end = NO_TIME;
  identifai_key_frames_reset_late (&self->key_frames);
  place_all_audio (self);
}

/* Moves what is open of this run. */
static void
move_run (IdentifaiSegmenter * self, gint64 shift)
{
  GST_DEBUG ("running times move by %" GST_STIME_FORMAT,
      GST_STIME_ARGS (shift));
  identifai_video_drain (self->video);
  take_ready_frames (self);
  identifai_group_shift (self->group, shift);
  if (self->open)
    identifai_part_shift (self->open, shift);
  if (self->open && self->due != NO_TIME)
    self->due += shift;
  if (self->run_start != NO_TIME) {
    self->run_start += shift;
    self->run_end += shift;
  }
}

static void
push_video (IdentifaiSegmenter * self, GstBuffer * buffer,
    const IdentifaiArrival * arrival)
{
  IdentifaiFrame *frame;
  IdentifaiLink link;
  gint64 shift;

  frame = identifai_video_read (self->video, buffer, arrival, &link, &shift);
  if (frame == NULL)
    return;
  self->live = arrival->live;
  self->eos = FALSE;
  if (link == IDENTIFAI_LINK_MOVES)
    move_run (self, shift);
  else if (link == IDENTIFAI_LINK_BREAKS)
    end_run (self);
  identifai_video_push (self->video, frame);
  take_ready_frames (self);
  place_all_audio (self);
}

/*** public ***/

IdentifaiSegmenter *
identifai_segmenter_new (IdentifaiSegmenterOpenFunc open, gpointer user_data)
{
  IdentifaiSegmenter *self = g_new0 (IdentifaiSegmenter, 1);

  GST_DEBUG_CATEGORY_INIT (identifai_segmenter_debug, "identifaisegmenter", 0,
      "identifAI segmenter");
  self->open_func = open;
  self->user_data = user_data;
  self->settings.duration = 10 * GST_SECOND;
  self->settings.max_bytes = 50 * 1000 * 1000;
  self->patience = IDENTIFAI_AUDIO_PATIENCE;
  identifai_key_frames_init (&self->key_frames);
  self->video = identifai_video_new ();
  self->group = identifai_group_new ();
  self->sounds = identifai_sounds_new ();
  g_queue_init (&self->sealed);
  g_queue_init (&self->given_up);
  self->run_start = self->run_end = self->due = self->not_before = NO_TIME;

  return self;
}

void
identifai_segmenter_free (IdentifaiSegmenter * self)
{
  g_clear_pointer (&self->open, identifai_part_free);
  g_queue_clear_full (&self->sealed, (GDestroyNotify) identifai_part_free);
  g_queue_clear_full (&self->given_up, (GDestroyNotify) identifai_segment_free);
  identifai_group_free (self->group);
  g_ptr_array_unref (self->sounds);
  identifai_video_free (self->video);
  g_free (self);
}

void
identifai_segmenter_configure (IdentifaiSegmenter * self,
    const IdentifaiSegmenterSettings * settings)
{
  self->settings = *settings;
  if (settings->interval == 0)
    self->not_before = NO_TIME;
  self->key_frames.enabled = settings->keyframe_requests;
}

guint
identifai_segmenter_add_audio (IdentifaiSegmenter * self)
{
  return identifai_sounds_add (self->sounds);
}

void
identifai_segmenter_remove_audio (IdentifaiSegmenter * self, guint stream)
{
  identifai_sounds_remove (self->sounds, stream);
}

gboolean
identifai_segmenter_set_caps (IdentifaiSegmenter * self, guint stream,
    GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  gboolean is_video = stream == IDENTIFAI_SEGMENTER_VIDEO;
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  if (codec == NULL || codec->video != is_video || (!is_video && !sound))
    return FALSE;
  if (is_video) {
    if (identifai_video_needs_new_file (self->video, caps))
      end_run (self);
    identifai_video_set_caps (self->video, caps);
  } else {
    identifai_sound_set_caps (sound, caps);
  }

  return TRUE;
}

void
identifai_segmenter_link_audio (IdentifaiSegmenter * self, guint stream,
    gboolean linked)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  if (sound)
    sound->linked = linked;
}

gboolean
identifai_segmenter_leave_out (IdentifaiSegmenter * self, guint stream,
    gboolean left_out)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);
  gboolean before;

  if (sound == NULL)
    return FALSE;
  before = sound->left_out;
  identifai_sound_leave_out (sound, left_out);

  return left_out && !before;
}

void
identifai_segmenter_set_segment (IdentifaiSegmenter * self, guint stream,
    const GstSegment * given)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);
  GstSegment segment = *given;

  if (segment.format != GST_FORMAT_TIME)
    return;
  identifai_running_bound_segment (&segment);
  if (sound)
    identifai_sound_set_segment (sound, &segment);
  else if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    identifai_video_set_segment (self->video, &segment);
}

void
identifai_segmenter_push (IdentifaiSegmenter * self, guint stream,
    GstBuffer * buffer, const IdentifaiArrival * arrival)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  self->monotonic = MAX (self->monotonic, arrival->monotonic);
  if (stream == IDENTIFAI_SEGMENTER_VIDEO && self->off) {
    self->withheld++;
    gst_buffer_unref (buffer);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    push_video (self, buffer, arrival);
  } else if (sound) {
    identifai_sound_push (sound, buffer);
    place_all_audio (self);
  } else {
    gst_buffer_unref (buffer);
  }
}

void
identifai_segmenter_gap (IdentifaiSegmenter * self, guint stream,
    GstClockTime timestamp, GstClockTime duration)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  if (sound)
    identifai_sound_gap (sound, timestamp, duration);
  else if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    identifai_video_gap (self->video, timestamp, duration);
}

void
identifai_segmenter_eos (IdentifaiSegmenter * self, guint stream,
    gint64 monotonic)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  self->monotonic = MAX (self->monotonic, monotonic);
  if (sound) {
    sound->eos = TRUE;
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    end_run (self);
    identifai_video_end (self->video, self->last_end);
    self->eos = TRUE;
    place_all_audio (self);
  }
}

void
identifai_segmenter_change_stream (IdentifaiSegmenter * self)
{
  end_run (self);
  identifai_video_restart (self->video);
}

void
identifai_segmenter_set_judging (IdentifaiSegmenter * self, gboolean judging)
{
  if (self->off == !judging)
    return;
  self->off = !judging;
  if (judging) {
    identifai_key_frames_ask (&self->key_frames, GST_CLOCK_TIME_NONE);
  } else {
    identifai_segmenter_change_stream (self);
    identifai_key_frames_drop_request (&self->key_frames);
  }
}

void
identifai_segmenter_split_now (IdentifaiSegmenter * self)
{
  request_split (self);
}

static void
give_up (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  g_queue_push_tail (&self->given_up, identifai_part_finish (part,
          G_MAXUINT64));
}

static void
flush_video (IdentifaiSegmenter * self)
{
  IdentifaiPart *part;

  identifai_video_flush (self->video);
  identifai_group_clear (self->group);
  if (self->open)
    seal_part (self, identifai_part_guess_end (self->open));
  while ((part = g_queue_pop_head (&self->sealed)))
    give_up (self, part);
  end_run (self);
  self->not_before = NO_TIME;
  identifai_key_frames_drop_request (&self->key_frames);
  self->split_now = self->eos = FALSE;
}

void
identifai_segmenter_flush (IdentifaiSegmenter * self, guint stream)
{
  IdentifaiSound *sound = identifai_sounds_get (self->sounds, stream);

  if (sound) {
    identifai_sound_flush (sound);
    gst_segment_init (&sound->segment, GST_FORMAT_TIME);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    flush_video (self);
  }
}

IdentifaiSegment *
identifai_segmenter_pop_flushed (IdentifaiSegmenter * self)
{
  return g_queue_pop_head (&self->given_up);
}

void
identifai_segmenter_reset (IdentifaiSegmenter * self)
{
  guint i;

  flush_video (self);
  for (i = 0; i < self->sounds->len; i++) {
    IdentifaiSound *sound = g_ptr_array_index (self->sounds, i);

    if (sound == NULL)
      continue;
    identifai_segmenter_flush (self, sound->id);
    gst_clear_caps (&sound->caps);
    identifai_sound_leave_out (sound, FALSE);
  }
  identifai_video_reset (self->video);
  self->monotonic = 0;
  self->withheld = self->skipped = 0;
  self->sound_is_late = self->told_late = FALSE;
  self->seen = self->covered = 0;
  identifai_key_frames_init (&self->key_frames);
  self->key_frames.enabled = self->settings.keyframe_requests;
}

static gboolean
has_its_audio (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  return part->segment->failure != IDENTIFAI_REASON_NONE
      || identifai_sounds_have_passed (self->sounds, part->end);
}

/* It goes without what has not come, which a buffer more or less at its end isn't. */
static void
count_missing (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  GstClockTime late = identifai_sounds_count_late (self->sounds, part->start,
      part->end);

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return;
  part->segment->audio_missing += identifai_sounds_count_left_out (self->sounds,
      part->start, part->end);
  if (late <= LATE_TOLERANCE)
    return;
  GST_INFO ("segment %u goes without %" GST_TIME_FORMAT " of sound",
      part->segment->number, GST_TIME_ARGS (late));
  part->segment->audio_missing += late;
  self->sound_is_late = TRUE;
}

/* Of a part that waits as long as it takes: at the end of the video, as long as
 * sound goes on. */
static gint64
get_deadline (IdentifaiSegmenter * self, IdentifaiPart * part)
{
  if (part->deadline < G_MAXINT64 || !self->eos)
    return part->deadline;

  return self->monotonic + IDENTIFAI_AUDIO_PATIENCE;
}

void
identifai_segmenter_set_patience (IdentifaiSegmenter * self, gint64 patience,
    gint64 now)
{
  GList *link;

  self->patience = patience;
  for (link = self->sealed.head; link && patience >= 0; link = link->next) {
    IdentifaiPart *part = link->data;

    part->deadline = MIN (part->deadline, now + patience);
  }
}

guint64
identifai_segmenter_count_sealed (IdentifaiSegmenter * self)
{
  guint64 bytes = 0;
  GList *link;

  for (link = self->sealed.head; link; link = link->next)
    bytes += ((IdentifaiPart *) link->data)->segment->bytes;

  return bytes;
}

IdentifaiSegment *
identifai_segmenter_pop (IdentifaiSegmenter * self, gint64 now)
{
  IdentifaiPart *part = g_queue_peek_head (&self->sealed);

  if (part == NULL || (now < get_deadline (self, part)
          && !has_its_audio (self, part)))
    return NULL;
  identifai_sounds_name_tracks (self->sounds, part);
  count_missing (self, part);
  shrink_oldest (self);
  g_queue_pop_head (&self->sealed);

  return identifai_part_finish (part, self->settings.max_bytes);
}

gint64
identifai_segmenter_next_deadline (IdentifaiSegmenter * self)
{
  IdentifaiPart *part = g_queue_peek_head (&self->sealed);

  return part ? get_deadline (self, part) : -1;
}

gboolean
identifai_segmenter_take_keyframe_request (IdentifaiSegmenter * self,
    GstClockTime * running_time)
{
  return identifai_key_frames_take_request (&self->key_frames, running_time);
}

gboolean
identifai_segmenter_take_news (IdentifaiSegmenter * self, IdentifaiNews * news)
{
  gboolean missing;

  memset (news, 0, sizeof (*news));
  if (self->sound_is_late && !self->told_late) {
    self->told_late = TRUE;
    news->kind = IDENTIFAI_NEWS_LATE_SOUND;
    return TRUE;
  }
  if (!identifai_key_frames_take_news (&self->key_frames, &missing))
    return identifai_video_take_news (self->video, news);
  news->kind = IDENTIFAI_NEWS_KEY_FRAMES;
  news->is_over = !missing;

  return TRUE;
}

static guint64
count_bytes (IdentifaiSegmenter * self)
{
  guint64 bytes = self->open ? self->open->segment->bytes : 0;

  bytes += identifai_segmenter_count_sealed (self);
  bytes += identifai_group_count_bytes (self->group);
  bytes += identifai_sounds_count_waiting (self->sounds);

  return bytes;
}

void
identifai_segmenter_get_stats (IdentifaiSegmenter * self,
    IdentifaiSegmenterStats * stats)
{
  guint64 seen = self->seen;

  if (self->run_start != NO_TIME)
    seen += self->run_end - self->run_start;
  identifai_video_get_stats (self->video, stats);
  stats->withheld = self->withheld;
  stats->skipped += self->skipped;
  stats->seen += seen;
  stats->covered = self->covered;
  stats->bytes = count_bytes (self);
}
