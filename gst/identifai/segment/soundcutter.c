/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the element's lock. Running times are ns; arrival is monotonic, in µs.
 */

#include "soundcutter.h"

#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SEGMENT)

/* A hole that is longer, or a step back, is a break. A lost packet is none. */
#define MAX_HOLE GST_SECOND
#define MAX_STEP_BACK (100 * GST_MSECOND)
#define MAX_STUCK 100           /* buffers at one time, if none says how long it is */

/* One that is being made. */
typedef struct
{
  IdentifaiSegment *segment;    /* NULL: none */
  GstClockTime start, end;
} Part;

/* What a decoder needs of the sound before, until it is at its own: all three. */
typedef struct
{
  IdentifaiCodecId codec;
  guint n_buffers;
  gsize bytes;
  GstClockTime time;
} Lead;

struct _IdentifaiSoundCutter
{
  gchar *name;
  const IdentifaiSoundFuncs *funcs;
  gpointer user_data;
  IdentifaiSoundSettings settings;
  GstCaps *caps;

  Part open, kept;
  GQueue ready;                 /* of IdentifaiSegment */
  GQueue too_short;             /* the same */
  GQueue tail;                  /* of GstBuffer, with a track's times: the last ones */

  gboolean has_end;
  GstClockTime end;             /* of the latest buffer; what has no times goes on there
                                 * after a break, too */
  GstClockTime next_start;      /* a segment may start then; NONE: at once */
  GstClockTime last_time;       /* of the latest buffer, as it came, if has_end */
  GstClockTime last_duration;
  guint n_stuck;                /* buffers in a row that came with last_time */
  GstClockTime seen, covered;
};

/* MDCT codecs overlap a frame with the next; MP3 has a bit reservoir of up to 511
 * bytes besides, HE-AAC a frame of filters, Opus wants 80 ms (RFC 7845, 4.6). Those
 * of speech go by what was before. */
static const Lead leads[] = {
  {IDENTIFAI_CODEC_AAC, 2, 0, 0},
  {IDENTIFAI_CODEC_MP3, 8, 0, 0},       /* no more can be hidden: mp3info.h */
  {IDENTIFAI_CODEC_AC3, 1, 0, 0},
  {IDENTIFAI_CODEC_VORBIS, 1, 0, 0},
  {IDENTIFAI_CODEC_OPUS, 1, 0, 80 * GST_MSECOND},
};

static const Lead *
find_lead (const GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  guint i;

  for (i = 0; codec != NULL && i < G_N_ELEMENTS (leads); i++) {
    if (leads[i].codec == codec->id)
      return &leads[i];
  }

  return NULL;
}

IdentifaiSoundCutter *
identifai_sound_cutter_new (const IdentifaiSoundFuncs * funcs,
    gpointer user_data)
{
  IdentifaiSoundCutter *self = g_new0 (IdentifaiSoundCutter, 1);

  self->funcs = funcs;
  self->user_data = user_data;
  self->next_start = GST_CLOCK_TIME_NONE;

  return self;
}

static void
clear_tail (IdentifaiSoundCutter * self)
{
  g_queue_clear_full (&self->tail, (GDestroyNotify) gst_buffer_unref);
}

void
identifai_sound_cutter_free (IdentifaiSoundCutter * self)
{
  identifai_sound_cutter_reset (self);
  g_free (self->name);
  g_free (self);
}

void
identifai_sound_cutter_reset (IdentifaiSoundCutter * self)
{
  IdentifaiSegment *segment;

  while ((segment = identifai_sound_cutter_pop_flushed (self)) != NULL)
    identifai_segment_free (segment);
  gst_clear_caps (&self->caps);
  self->seen = self->covered = 0;
}

void
identifai_sound_cutter_configure (IdentifaiSoundCutter * self,
    const gchar * name, const IdentifaiSoundSettings * settings)
{
  if (self->name != name) {
    g_free (self->name);
    self->name = g_strdup (name);
  }
  self->settings = *settings;
  if (settings->duration > 0)
    self->settings.duration =
        MAX (settings->duration, IDENTIFAI_SHORTEST_SOUND);
}

/* What becomes of segments. */

static void
make_ready (IdentifaiSoundCutter * self, Part * part)
{
  if (part->segment == NULL)
    return;
  part->segment->duration = part->end - part->start;
  self->covered += part->segment->duration;
  GST_DEBUG_ID (self->name, "segment %u: %" GST_TIME_FORMAT " of sound from %"
      GST_TIME_FORMAT " on, %" G_GUINT64_FORMAT " bytes",
      part->segment->number, GST_TIME_ARGS (part->segment->duration),
      GST_TIME_ARGS (part->start), part->segment->bytes);
  g_queue_push_tail (&self->ready, g_steal_pointer (&part->segment));
}

static gboolean
fits (IdentifaiSoundCutter * self)
{
  return self->kept.segment->bytes + self->open.segment->bytes
      <= self->settings.max_bytes;
}

/* The open one's buffers behind those of the one before, of which it may have some
 * itself, in front of its own. */
static void
join (IdentifaiSoundCutter * self)
{
  IdentifaiSegment *into = self->kept.segment, *from = self->open.segment;
  IdentifaiTrack *to = g_ptr_array_index (into->tracks, 0);
  IdentifaiTrack *rest = g_ptr_array_index (from->tracks, 0);
  guint i;

  GST_DEBUG_ID (self->name, "the rest, %" GST_TIME_FORMAT ", joins segment %u",
      GST_TIME_ARGS (self->open.end - self->open.start), into->number);
  for (i = from->lead; i < rest->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (rest->buffers, i);

    into->bytes += gst_buffer_get_size (buffer);
    g_ptr_array_add (to->buffers, gst_buffer_ref (buffer));
  }
  into->last_buffer = from->last_buffer;
  self->kept.end = self->open.end;
  self->funcs->joined (from, self->user_data);
  g_clear_pointer (&self->open.segment, identifai_segment_free);
}

static void
drop_short (IdentifaiSoundCutter * self)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open.segment);

  segment->duration = self->open.end - self->open.start;
  GST_INFO_ID (self->name, "segment %u is too short, %" GST_TIME_FORMAT,
      segment->number, GST_TIME_ARGS (segment->duration));
  g_queue_push_tail (&self->too_short, segment);
}

/* follows: the next one starts where it ends, and may be too short. */
static void
end_open (IdentifaiSoundCutter * self, gboolean follows)
{
  if (self->open.segment == NULL)
    return;
  if (self->open.end - self->open.start >= IDENTIFAI_SHORTEST_SOUND) {
    make_ready (self, &self->kept);
    self->kept = self->open;
    self->open.segment = NULL;
  } else if (self->kept.segment != NULL && fits (self)) {
    join (self);
  } else {
    drop_short (self);
  }
  if (!follows)
    make_ready (self, &self->kept);
}

void
identifai_sound_cutter_break (IdentifaiSoundCutter * self)
{
  end_open (self, FALSE);
  make_ready (self, &self->kept);
  clear_tail (self);
  self->has_end = FALSE;
  self->next_start = GST_CLOCK_TIME_NONE;
}

void
identifai_sound_cutter_release (IdentifaiSoundCutter * self)
{
  make_ready (self, &self->kept);
}

gboolean
identifai_sound_cutter_keeps (IdentifaiSoundCutter * self, guint * number)
{
  if (self->kept.segment == NULL)
    return FALSE;
  *number = self->kept.segment->number;

  return TRUE;
}

void
identifai_sound_cutter_set_caps (IdentifaiSoundCutter * self, GstCaps * caps)
{
  if (self->caps != NULL && identifai_codec_caps_differ (self->caps, caps)) {
    GST_INFO_ID (self->name, "other sound: %" GST_PTR_FORMAT, caps);
    identifai_sound_cutter_break (self);
  }
  gst_caps_replace (&self->caps, caps);
}

/* Buffers. */

static gboolean
has_enough (const Lead * lead, guint n, gsize bytes, GstClockTime time)
{
  return n >= lead->n_buffers && bytes >= lead->bytes && time >= lead->time;
}

/* Keeps what the next segment may need of this one's end. */
static void
remember (IdentifaiSoundCutter * self, GstBuffer * buffer)
{
  const Lead *lead = find_lead (self->caps);
  GstClockTime time = 0;
  gsize bytes = 0;
  GList *walk;
  guint n = 0;

  if (lead == NULL)
    return;
  g_queue_push_tail (&self->tail, gst_buffer_ref (buffer));
  for (walk = self->tail.tail; walk != NULL; walk = walk->prev, n++) {
    if (has_enough (lead, n, bytes, time))
      break;
    bytes += gst_buffer_get_size (walk->data);
    time = GST_BUFFER_PTS (self->tail.tail->data) - GST_BUFFER_PTS (walk->data)
        + (GST_BUFFER_DURATION_IS_VALID (self->tail.tail->data) ?
        GST_BUFFER_DURATION (self->tail.tail->data) : 0);
  }
  while (walk != NULL && self->tail.length > n)
    gst_buffer_unref (g_queue_pop_head (&self->tail));
}

static void
add_buffer (IdentifaiSegment * segment, GstBuffer * buffer)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);

  segment->bytes += gst_buffer_get_size (buffer);
  g_ptr_array_add (track->buffers, gst_buffer_ref (buffer));
}

static void
open_segment (IdentifaiSoundCutter * self, const IdentifaiSoundBuffer * item)
{
  IdentifaiSegment *segment = identifai_segment_new (0);
  GList *walk;

  segment->name = g_strdup (self->name);
  segment->running_time = item->rate != 1 ? item->time / ABS (item->rate) :
      item->time;
  segment->stream_time = item->stream_time;
  segment->utc = item->utc;
  identifai_segment_add_track (segment, self->caps);
  for (walk = self->tail.head; walk != NULL; walk = walk->next, segment->lead++)
    add_buffer (segment, walk->data);
  self->funcs->opened (segment, self->user_data);
  self->open.segment = segment;
  self->open.start = self->open.end = item->time;
  if (self->settings.interval > 0)
    self->next_start = item->time + self->settings.interval;
}

/* Upstream gives all the same time: that is none. Some frames of a packet may have
 * it, and who doesn't know how long they are needs it. */
static gboolean
is_stuck (IdentifaiSoundCutter * self, GstClockTime time)
{
  if (self->has_end && GST_CLOCK_TIME_IS_VALID (time)
      && time == self->last_time)
    self->n_stuck++;
  else
    self->n_stuck = 0;

  return self->n_stuck > (self->last_duration > 0 ? 0 : MAX_STUCK);
}

/* Where it would be at a rate of 1: sound is as long as it is. */
static void
stretch (IdentifaiSoundBuffer * item)
{
  if (GST_CLOCK_TIME_IS_VALID (item->time) && item->rate != 1)
    item->time *= ABS (item->rate);
}

/* FALSE: it can't be told. */
static gboolean
complete_times (IdentifaiSoundCutter * self, IdentifaiSoundBuffer * item)
{
  GstClockTime time = item->time;

  if (is_stuck (self, time))
    item->time = GST_CLOCK_TIME_NONE;
  self->last_time = time;
  if (!GST_CLOCK_TIME_IS_VALID (item->duration))
    item->duration = identifai_codec_sound_length (self->caps,
        gst_buffer_get_size (item->buffer));
  if (!GST_CLOCK_TIME_IS_VALID (item->time))
    GST_LOG_ID (self->name, "sound without a time is taken to follow at %"
        GST_TIME_FORMAT, GST_TIME_ARGS (self->end));
  if (!GST_CLOCK_TIME_IS_VALID (item->time) && self->has_end
      && self->last_duration > 0)
    item->time = self->end;
  if (!GST_CLOCK_TIME_IS_VALID (item->time) && !self->has_end
      && GST_CLOCK_TIME_IS_VALID (item->duration))
    item->time = self->end;
  if (!GST_CLOCK_TIME_IS_VALID (item->time))
    return FALSE;

  return TRUE;
}

static gboolean
is_break (IdentifaiSoundCutter * self, GstClockTime time)
{
  return self->has_end && (time > self->end + MAX_HOLE
      || time + MAX_STEP_BACK < self->end);
}

/* With the times that a track's buffers have. */
static GstBuffer *
make_track_buffer (IdentifaiSoundBuffer * item)
{
  GstBuffer *buffer = gst_buffer_copy (item->buffer);

  GST_BUFFER_PTS (buffer) = item->time + IDENTIFAI_TRACK_EPOCH;
  GST_BUFFER_DTS (buffer) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (buffer) = item->duration;

  return buffer;
}

/* A buffer that has no duration ends where the next one starts, or lasts as long as
 * the one before. */
static void
note_times (IdentifaiSoundCutter * self, const IdentifaiSoundBuffer * item)
{
  GstClockTime before = self->end;

  if (GST_CLOCK_TIME_IS_VALID (item->duration))
    self->last_duration = item->duration;
  if (self->has_end)
    self->seen += MAX (item->time + self->last_duration, before) - before;
  else
    self->seen += self->last_duration;
  self->end = self->has_end ? MAX (before, item->time + self->last_duration) :
      item->time + self->last_duration;
  self->has_end = TRUE;
}

static gboolean
is_long (IdentifaiSoundCutter * self, GstClockTime end)
{
  return self->open.segment != NULL && self->settings.duration > 0
      && end - self->open.start >= self->settings.duration;
}

/* Whether one that ends now is followed by another without a pause. */
static gboolean
is_followed (IdentifaiSoundCutter * self)
{
  return !GST_CLOCK_TIME_IS_VALID (self->next_start)
      || self->next_start <= self->open.end;
}

static void
append (IdentifaiSoundCutter * self, IdentifaiSoundBuffer * item,
    GstBuffer * buffer)
{
  IdentifaiSegment *segment = self->open.segment;

  add_buffer (segment, buffer);
  segment->last_buffer = item->arrival;
  self->open.end = self->end;
  if (self->open.end - self->open.start >= IDENTIFAI_SHORTEST_SOUND)
    make_ready (self, &self->kept);
  if (is_long (self, self->open.end))
    end_open (self, is_followed (self));
}

static gboolean
is_pause (IdentifaiSoundCutter * self, GstClockTime time)
{
  return self->open.segment == NULL
      && GST_CLOCK_TIME_IS_VALID (self->next_start) && time < self->next_start;
}

static void
take (IdentifaiSoundCutter * self, IdentifaiSoundBuffer * item)
{
  GstBuffer *buffer = make_track_buffer (item);
  gsize size = gst_buffer_get_size (buffer);

  note_times (self, item);
  if (is_pause (self, item->time)) {
    GST_LOG_ID (self->name,
        "sound at %" GST_TIME_FORMAT " isn't judged: the next "
        "segment starts at %" GST_TIME_FORMAT, GST_TIME_ARGS (item->time),
        GST_TIME_ARGS (self->next_start));
  } else {
    if (self->open.segment != NULL
        && self->open.segment->bytes + size > self->settings.max_bytes) {
      GST_DEBUG_ID (self->name,
          "segment %u ends before its time: no more than %" G_GUINT64_FORMAT
          " bytes", self->open.segment->number,
          (guint64) self->settings.max_bytes);
      end_open (self, TRUE);
    }
    if (self->open.segment == NULL)
      open_segment (self, item);
    append (self, item, buffer);
  }
  remember (self, buffer);
  gst_buffer_unref (buffer);
}

gboolean
identifai_sound_cutter_push (IdentifaiSoundCutter * self,
    IdentifaiSoundBuffer * item)
{
  gboolean known;

  stretch (item);
  known = self->caps != NULL && complete_times (self, item);
  if (known && is_break (self, item->time)) {
    GST_INFO_ID (self->name, "a break: %" GST_TIME_FORMAT " follows %"
        GST_TIME_FORMAT, GST_TIME_ARGS (item->time), GST_TIME_ARGS (self->end));
    identifai_sound_cutter_break (self);
  }
  if (known)
    take (self, item);
  else
    GST_DEBUG_ID (self->name, "sound isn't used: %s", self->caps != NULL ?
        "it has neither a time nor a length" : "it has no caps");
  gst_clear_buffer (&item->buffer);

  return known;
}

/* Out of it. */

IdentifaiSegment *
identifai_sound_cutter_pop (IdentifaiSoundCutter * self, gboolean * is_short)
{
  IdentifaiSegment *segment = g_queue_pop_head (&self->ready);

  *is_short = segment == NULL;

  return segment != NULL ? segment : g_queue_pop_head (&self->too_short);
}

IdentifaiSegment *
identifai_sound_cutter_pop_flushed (IdentifaiSoundCutter * self)
{
  gboolean is_short;
  IdentifaiSegment *segment = identifai_sound_cutter_pop (self, &is_short);

  if (segment == NULL)
    segment = g_steal_pointer (&self->kept.segment);
  if (segment == NULL)
    segment = g_steal_pointer (&self->open.segment);
  if (segment == NULL) {
    clear_tail (self);
    self->has_end = FALSE;
    self->end = 0;
    self->next_start = GST_CLOCK_TIME_NONE;
  }

  return segment;
}

void
identifai_sound_cutter_get_times (IdentifaiSoundCutter * self,
    GstClockTime * seen, GstClockTime * covered)
{
  *seen = self->seen;
  *covered = self->covered;
}
