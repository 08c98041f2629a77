/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the lock of whoever owns it. Running times are ns, signed; when something came
 * is monotonic, in µs.
 */

#include "segmenterprivate.h"
#include "codecs.h"
#include "runningtime.h"
#include "schedule.h"

#define SECOND ((gint64) GST_SECOND)
#define NO_TIME IDENTIFAI_NO_TIME

IdentifaiSegmenter *
identifai_segmenter_new (IdentifaiSegmenterOpenFunc open, gpointer user_data)
{
  IdentifaiSegmenter *self = g_new0 (IdentifaiSegmenter, 1);

  self->open_func = open;
  self->user_data = user_data;
  self->settings.duration = 10 * GST_SECOND;
  self->settings.max_bytes = 50 * 1000 * 1000;
  self->patience = IDENTIFAI_AUDIO_PATIENCE;
  identifai_key_units_init (&self->key_frames);
  self->video = identifai_video_stream_new ();
  self->group = identifai_rap_group_new ();
  self->sounds = identifai_audio_streams_new ();
  g_queue_init (&self->sealed);
  g_queue_init (&self->given_up);
  self->run_start = self->run_end = self->due = self->not_before = NO_TIME;
  self->last_end = self->step_from = NO_TIME;

  return self;
}

void
identifai_segmenter_set_name (IdentifaiSegmenter * self, const gchar * name)
{
  g_free (self->name);
  self->name = g_strdup (name);
  self->key_frames.name = self->name;
  identifai_video_stream_set_name (self->video, name);
  identifai_audio_streams_set_name (self->sounds, name);
}

void
identifai_segmenter_set_place_funcs (IdentifaiSegmenter * self,
    IdentifaiSegmenterPlaceFunc place, IdentifaiSegmenterSettleFunc settle)
{
  self->place_func = place;
  self->settle_func = settle;
}

void
identifai_segmenter_free (IdentifaiSegmenter * self)
{
  g_clear_pointer (&self->open, identifai_builder_free);
  g_queue_clear_full (&self->sealed, (GDestroyNotify) identifai_builder_free);
  g_queue_clear_full (&self->given_up, (GDestroyNotify) identifai_segment_free);
  identifai_rap_group_free (self->group);
  g_ptr_array_unref (self->sounds);
  identifai_video_stream_free (self->video);
  g_free (self->name);
  g_free (self);
}

void
identifai_segmenter_configure (IdentifaiSegmenter * self,
    const IdentifaiSegmenterSettings * settings)
{
  GST_DEBUG_ID (self->name, "segments of %" GST_TIME_FORMAT ", one each %"
      GST_TIME_FORMAT ", %" G_GUINT64_FORMAT " bytes at most",
      GST_TIME_ARGS (settings->duration), GST_TIME_ARGS (settings->interval),
      settings->max_bytes);
  self->settings = *settings;
  if (settings->interval == 0)
    self->not_before = NO_TIME;
  self->key_frames.enabled = settings->keyframe_requests;
}

guint
identifai_segmenter_add_audio (IdentifaiSegmenter * self)
{
  GST_DEBUG_ID (self->name, "sound %u comes, in round %u",
      self->sounds->len + 1, self->round);

  return identifai_audio_streams_add (self->sounds, self->name, self->round);
}

void
identifai_segmenter_remove_audio (IdentifaiSegmenter * self, guint stream)
{
  GST_DEBUG_ID (self->name, "sound %u goes", stream);
  identifai_audio_streams_remove (self->sounds, stream);
}

gboolean
identifai_segmenter_set_caps (IdentifaiSegmenter * self, guint stream,
    GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  gboolean is_video = stream == IDENTIFAI_SEGMENTER_VIDEO;
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  if (codec == NULL || codec->video != is_video || (!is_video && !sound))
    return FALSE;
  GST_DEBUG_ID (self->name, "stream %u: %s%s", stream, is_video
      && identifai_video_stream_needs_new_file (self->video, caps) ?
      "a new file with " : "", codec->name ? codec->name : "other sound");
  if (is_video) {
    if (identifai_video_stream_needs_new_file (self->video, caps))
      identifai_cutter_end_run (self, "other caps");
    identifai_video_stream_set_caps (self->video, caps);
  } else {
    identifai_audio_stream_set_caps (sound, caps);
  }

  return TRUE;
}

void
identifai_segmenter_link_audio (IdentifaiSegmenter * self, guint stream,
    gboolean linked)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  if (sound == NULL)
    return;
  GST_DEBUG_ID (self->name, "sound %u is %slinked", stream, linked ? "" :
      "not ");
  sound->linked = linked;
}

gboolean
identifai_segmenter_leave_out (IdentifaiSegmenter * self, guint stream,
    gboolean left_out)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);
  gboolean before;

  if (sound == NULL)
    return FALSE;
  before = sound->left_out;
  if (left_out != before)
    GST_DEBUG_ID (self->name, "sound %u is %s", stream, left_out ?
        "left out, and counted" : "taken along");
  identifai_audio_stream_leave_out (sound, left_out);

  return left_out && !before;
}

void
identifai_segmenter_set_segment (IdentifaiSegmenter * self, guint stream,
    const GstSegment * given)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);
  GstSegment segment = *given;

  GST_DEBUG_ID (self->name, "stream %u: %" GST_SEGMENT_FORMAT, stream, given);
  if (segment.format != GST_FORMAT_TIME)
    return;
  identifai_running_bound_segment (&segment);
  if (sound)
    identifai_audio_times_set_segment (&sound->times, &segment);
  else if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    identifai_video_stream_set_segment (self->video, &segment);
}

/* Where the video is now, if that tells when sound is heard that comes now. */
static gint64
get_live_position (IdentifaiSegmenter * self)
{
  return self->live ? self->run_end : NO_TIME;
}

void
identifai_segmenter_push (IdentifaiSegmenter * self, guint stream,
    GstBuffer * buffer, const IdentifaiCaptureTime * arrival)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  self->monotonic = MAX (self->monotonic, arrival->monotonic);
  if (stream == IDENTIFAI_SEGMENTER_VIDEO && self->off) {
    GST_LOG_ID (self->name, "nothing is judged: a buffer is withheld");
    self->withheld++;
    identifai_notices_buffer (self, arrival->id, IDENTIFAI_PLACEMENT_NONE);
    gst_buffer_unref (buffer);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    identifai_cutter_push (self, buffer, arrival);
  } else if (sound) {
    identifai_audio_stream_push (sound, buffer, get_live_position (self));
    identifai_cutter_place_audio (self);
  } else {
    gst_buffer_unref (buffer);
  }
}

void
identifai_segmenter_gap (IdentifaiSegmenter * self, guint stream,
    GstClockTime timestamp, GstClockTime duration)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  GST_LOG_ID (self->name, "stream %u: nothing from %" GST_TIME_FORMAT " for %"
      GST_TIME_FORMAT, stream, GST_TIME_ARGS (timestamp),
      GST_TIME_ARGS (duration));
  if (sound)
    identifai_audio_times_gap (&sound->times, timestamp, duration);
  else if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    identifai_video_stream_gap (self->video, timestamp, duration);
}

void
identifai_segmenter_eos (IdentifaiSegmenter * self, guint stream,
    gint64 monotonic)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  GST_DEBUG_ID (self->name, "stream %u is over", stream);
  self->monotonic = MAX (self->monotonic, monotonic);
  if (sound) {
    identifai_audio_stream_end (sound, get_live_position (self));
    identifai_cutter_place_audio (self);
  } else if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    identifai_cutter_end_run (self, "the end");
    identifai_video_stream_end (self->video, self->last_end);
    self->eos = TRUE;
    identifai_cutter_place_audio (self);
  }
}

void
identifai_segmenter_change_stream (IdentifaiSegmenter * self)
{
  identifai_cutter_end_run (self, "another stream");
  identifai_video_stream_restart (self->video);
}

void
identifai_segmenter_set_judging (IdentifaiSegmenter * self, gboolean judging)
{
  if (self->off == !judging)
    return;
  GST_DEBUG_ID (self->name, "what comes is %sjudged", judging ? "" : "not ");
  self->off = !judging;
  if (judging) {
    identifai_key_units_ask (&self->key_frames, GST_CLOCK_TIME_NONE);
  } else {
    identifai_segmenter_change_stream (self);
    identifai_key_units_drop_request (&self->key_frames);
  }
}

void
identifai_segmenter_split_now (IdentifaiSegmenter * self)
{
  identifai_cutter_request_split (self);
}

gboolean
identifai_segmenter_peek (IdentifaiSegmenter * self,
    IdentifaiOpenSegment * open)
{
  IdentifaiBuilder *part = self->open;
  guint id;

  if (part == NULL || self->state != STATE_OPEN || part->frames->len == 0)
    return FALSE;
  identifai_cutter_sign (self, part);
  *open = (IdentifaiOpenSegment) {
  part->segment, part->frames, TRUE};
  for (id = 1; id <= self->sounds->len; id++) {
    IdentifaiAudioStream *sound =
        identifai_audio_streams_get (self->sounds, id);

    if (sound != NULL && sound->caps != NULL && !sound->left_out)
      open->has_sound &= identifai_builder_has_track (part, id);
  }

  return TRUE;
}

static void
give_up (IdentifaiSegmenter * self, IdentifaiBuilder * part)
{
  GST_DEBUG_ID (self->name, "segment %u is flushed", part->segment->number);
  g_queue_push_tail (&self->given_up, identifai_builder_finish (part,
          G_MAXUINT64));
}

static void
flush_video (IdentifaiSegmenter * self)
{
  IdentifaiBuilder *part;

  identifai_video_stream_flush (self->video);
  identifai_rap_group_clear (self->group);
  if (self->open)
    identifai_cutter_seal (self, identifai_builder_guess_end (self->open),
        "a flush");
  while ((part = g_queue_pop_head (&self->sealed)))
    give_up (self, part);
  identifai_cutter_end_run (self, "a flush");
  self->not_before = self->step_from = NO_TIME;
  identifai_key_units_drop_request (&self->key_frames);
  self->split_now = self->eos = FALSE;
}

void
identifai_segmenter_flush (IdentifaiSegmenter * self, guint stream)
{
  IdentifaiAudioStream *sound =
      identifai_audio_streams_get (self->sounds, stream);

  GST_DEBUG_ID (self->name, "stream %u is flushed", stream);
  if (sound) {
    identifai_audio_stream_flush (sound);
    gst_segment_init (&sound->times.segment, GST_FORMAT_TIME);
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
    IdentifaiAudioStream *sound = g_ptr_array_index (self->sounds, i);

    if (sound == NULL)
      continue;
    identifai_segmenter_flush (self, sound->id);
    gst_clear_caps (&sound->caps);
    identifai_audio_stream_leave_out (sound, FALSE);
  }
  identifai_video_stream_reset (self->video);
  self->monotonic = 0;
  self->withheld = self->skipped = 0;
  self->sound_is_late = self->may_be_late = self->told_late = FALSE;
  self->seen = self->covered = 0;
  identifai_key_units_init (&self->key_frames);
  self->key_frames.enabled = self->settings.keyframe_requests;
}

static gboolean
has_its_audio (IdentifaiSegmenter * self, IdentifaiBuilder * part)
{
  IdentifaiAudioSpan span = identifai_cutter_get_span (part);

  return part->segment->failure != IDENTIFAI_REASON_NONE
      || identifai_audio_streams_have_passed (self->sounds, &span);
}

/* It goes without what has not come. */
static void
count_missing (IdentifaiSegmenter * self, IdentifaiBuilder * part)
{
  IdentifaiAudioSpan span = identifai_cutter_get_span (part);
  GstClockTime late = identifai_audio_streams_count_late (self->sounds, &span);

  if (part->segment->failure != IDENTIFAI_REASON_NONE)
    return;
  part->segment->audio_missing +=
      identifai_audio_streams_count_left_out (self->sounds, &span);
  if (late == 0)
    return;
  GST_DEBUG_ID (self->name,
      "segment %u goes without %" GST_TIME_FORMAT " of sound",
      part->segment->number, GST_TIME_ARGS (late));
  part->segment->audio_missing += late;
  /* at the end of what isn't live, sound may just be shorter */
  if (self->eos && self->patience < 0)
    self->may_be_late = TRUE;
  else
    self->sound_is_late = TRUE;
}

/* Of a part that waits as long as it takes: at the end of the video, as long as
 * sound goes on. */
static gint64
get_deadline (IdentifaiSegmenter * self, IdentifaiBuilder * part)
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
    IdentifaiBuilder *part = link->data;

    if (now + patience < part->deadline)
      GST_LOG_ID (self->name, "segment %u waits for its sound for %"
          G_GINT64_FORMAT " ms at most", part->segment->number,
          patience / 1000);
    part->deadline = MIN (part->deadline, now + patience);
  }
}

guint64
identifai_segmenter_count_sealed (IdentifaiSegmenter * self)
{
  guint64 bytes = 0;
  GList *link;

  for (link = self->sealed.head; link; link = link->next)
    bytes += ((IdentifaiBuilder *) link->data)->segment->bytes;

  return bytes;
}

IdentifaiSegment *
identifai_segmenter_pop (IdentifaiSegmenter * self, gint64 now)
{
  IdentifaiBuilder *part = g_queue_peek_head (&self->sealed);

  if (part == NULL || (now < get_deadline (self, part)
          && !has_its_audio (self, part)))
    return NULL;
  GST_DEBUG_ID (self->name, "segment %u goes: %s", part->segment->number,
      has_its_audio (self, part) ? "its sound is there" :
      "it has waited long enough for its sound");
  identifai_audio_streams_name_tracks (self->sounds, part);
  count_missing (self, part);
  identifai_cutter_shrink_oldest (self);
  g_queue_pop_head (&self->sealed);
  identifai_notices_part (self, part, TRUE);

  return identifai_builder_finish (part, self->settings.max_bytes);
}

gint64
identifai_segmenter_next_deadline (IdentifaiSegmenter * self)
{
  IdentifaiBuilder *part = g_queue_peek_head (&self->sealed);

  return part ? get_deadline (self, part) : -1;
}

gboolean
identifai_segmenter_take_keyframe_request (IdentifaiSegmenter * self,
    GstClockTime * running_time)
{
  gboolean wanted =
      identifai_key_units_take_request (&self->key_frames, running_time);
  GstClockTime moved = identifai_video_stream_get_rebase (self->video);

  if (wanted && GST_CLOCK_TIME_IS_VALID (*running_time))
    *running_time -= MIN (*running_time, moved);
  if (wanted)
    GST_DEBUG_ID (self->name, "a key frame is wanted at %" GST_TIME_FORMAT,
        GST_TIME_ARGS (*running_time));

  return wanted;
}

gboolean
identifai_segmenter_wants_keyframe (IdentifaiSegmenter * self)
{
  return self->key_frames.wanted;
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
  if (identifai_audio_streams_take_news (self->sounds, &news->is_lost)) {
    news->kind = IDENTIFAI_NEWS_SOUND_TIMES;
    return TRUE;
  }
  if (!identifai_key_units_take_news (&self->key_frames, &missing))
    return identifai_video_stream_take_news (self->video, news);
  news->kind = IDENTIFAI_NEWS_KEY_FRAMES;
  news->is_over = !missing;

  return TRUE;
}

static guint64
count_bytes (IdentifaiSegmenter * self)
{
  guint64 bytes = self->open ? self->open->segment->bytes : 0;

  bytes += identifai_segmenter_count_sealed (self);
  bytes += identifai_rap_group_count_bytes (self->group);
  bytes += identifai_audio_streams_count_waiting (self->sounds);

  return bytes;
}

void
identifai_segmenter_get_stats (IdentifaiSegmenter * self,
    IdentifaiSegmenterStats * stats)
{
  guint64 seen = self->seen;

  if (self->run_start != NO_TIME)
    seen += self->run_end - self->run_start;
  identifai_video_stream_get_stats (self->video, stats);
  stats->withheld = self->withheld;
  stats->skipped += self->skipped;
  stats->seen += seen;
  stats->covered = self->covered;
  stats->bytes = count_bytes (self);
}
