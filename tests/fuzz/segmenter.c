/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whatever a pipeline does to the segmenter: buffers, gaps, caps, segments, flushes,
 * ends, pads that come and go, in any order and with any times. Input: events, each
 * a byte and what it takes, as in the table.
 *
 * What has to hold: a picture is in one segment at most, and it is told once which;
 * segments come in order; the bytes of each add up, and are no more than allowed;
 * sound lies where its segment does; nothing is held at the end.
 */

#include "target.h"

#include "overhead.h"
#include "segmenter.h"
#include "videotrack.h"

#include <string.h>

#define MAX_EVENTS 2000
#define MAX_SOUNDS 4
#define MAX_HELD 4096           /* added to the first frame of a file */

static const gchar *const videos[] = {
  "video/x-vp8, width = 320, height = 240, framerate = 25/1",
  "video/x-vp8, width = 160, height = 120",
  "video/x-h264, stream-format = avc, alignment = au, width = 320, height = 240,"
      "codec_data = (buffer) 0164001fffe1000467640bac01000368ee3c",
  "video/x-h264, stream-format = byte-stream, alignment = au",
  "video/mpeg, mpegversion = 4, systemstream = false, width = 320, "
      "height = 240, codec_data = (buffer) 00000120",
  "video/mpeg, mpegversion = 2, systemstream = false, width = 320, "
      "height = 240, framerate = 25/1",
  "image/jpeg, width = 320, height = 240",
};

static const gchar *const sounds[] = {
  "audio/x-opus, channel-mapping-family = 0, channels = 2, rate = 48000",
  "audio/mpeg, mpegversion = 4, stream-format = raw, channels = 2, "
      "rate = 48000, codec_data = (buffer) 1190",
  "audio/x-raw, format = S16LE, layout = interleaved, channels = 1, rate = 8000",
  "audio/mpeg, mpegversion = 4, stream-format = loas, channels = 2, "
      "rate = 48000",
  "audio/x-ac3, rate = 48000, channels = 2",
};

typedef enum
{
  FRAME_NEW,
  FRAME_OPEN,                   /* it was read */
  FRAME_SETTLED,
} FrameState;

typedef struct
{
  const guint8 *data;
  gsize size;

  IdentifaiSegmenter *segmenter;
  GArray *frames;               /* of guint8: FrameState, at id - 1 */
  guint n_opened;               /* segments */
  gint latest;                  /* number of the latest one that was popped */
  gint n_memories;              /* of buffers, that are held */

  guint8 format;                /* of the video */
  GstClockTime video_time, sound_time[MAX_SOUNDS];
  guint streams[MAX_SOUNDS];    /* 0: none */
  gint64 monotonic;
  gboolean live;
  guint64 max_bytes;            /* 0: it has changed */
} Fuzz;

static guint
take (Fuzz * self)
{
  if (self->size == 0)
    return 0;
  self->size--;

  return *self->data++;
}

/* ns: up to 3.3 s by ms, or as much as 64 bits can say. */
static gint64
take_step (Fuzz * self)
{
  guint scale = take (self);
  gint64 value = (gint8) take (self);

  if (scale < 0xf0)
    return value * (1 + scale / 9) * (gint64) GST_MSECOND;

  return (guint64) value << (4 * (scale & 0xf));
}

/*** what the segmenter says ***/

static void
on_open (IdentifaiSegment * segment, gpointer user_data)
{
  Fuzz *self = user_data;

  segment->number = self->n_opened++;
}

static void
on_placed (const IdentifaiPlacement * placement, gpointer user_data)
{
  Fuzz *self = user_data;
  guint8 *state;

  g_assert_cmpuint (placement->id, >, 0);
  g_assert_cmpuint (placement->id, <=, self->frames->len);
  state = &g_array_index (self->frames, guint8, placement->id - 1);
  if (placement->kind == IDENTIFAI_PLACEMENT_OPEN) {
    g_assert_cmpint (*state, ==, FRAME_NEW);
    *state = FRAME_OPEN;
    return;
  }
  g_assert_cmpint (*state, !=, FRAME_SETTLED);
  g_assert_cmpint (placement->kind, !=, IDENTIFAI_PLACEMENT_SEGMENT);
  *state = FRAME_SETTLED;
}

/* No frame that isn't read yet is between them. */
static void
on_settled (const IdentifaiSettlement * settlement, gpointer user_data)
{
  Fuzz *self = user_data;
  guint64 id;

  g_assert_cmpuint (settlement->from, >, 0);
  g_assert_cmpuint (settlement->from, <=, settlement->to);
  g_assert_cmpuint (settlement->to, <=, self->frames->len);
  for (id = settlement->from; id <= settlement->to; id++) {
    guint8 *state = &g_array_index (self->frames, guint8, id - 1);

    g_assert_cmpint (*state, !=, FRAME_NEW);
    *state = FRAME_SETTLED;
  }
  if (settlement->kind == IDENTIFAI_PLACEMENT_SEGMENT)
    g_assert_cmpuint (settlement->segment, <, self->n_opened);
}

/*** segments ***/

static guint64
count_bytes (IdentifaiSegment * segment, guint * n_buffers)
{
  guint64 bytes = 0;
  guint i, k;

  for (i = 0; segment->tracks && i < segment->tracks->len; i++) {
    GPtrArray *buffers = ((IdentifaiTrack *)
        g_ptr_array_index (segment->tracks, i))->buffers;

    for (k = 0; k < buffers->len; k++)
      bytes += gst_buffer_get_size (g_ptr_array_index (buffers, k));
    *n_buffers += buffers->len;
  }

  return bytes;
}

/* While it is shown, or up to its last picture, where times are a mess; those of the
 * video may be moved by up to a second after sound came. */
static void
check_times (IdentifaiSegment * segment)
{
  guint64 start = segment->running_time + IDENTIFAI_TRACK_EPOCH;
  guint64 end = start + segment->duration;
  guint i, k;

  for (i = 0; i < segment->tracks->len; i++) {
    GPtrArray *buffers = ((IdentifaiTrack *)
        g_ptr_array_index (segment->tracks, i))->buffers;

    for (k = 0; k < buffers->len; k++) {
      GstBuffer *buffer = g_ptr_array_index (buffers, k);

      g_assert (GST_BUFFER_PTS_IS_VALID (buffer));
      if (i == 0) {
        end = MAX (end, GST_BUFFER_PTS (buffer));
        continue;
      }
      g_assert_cmpuint (GST_BUFFER_PTS (buffer) + GST_SECOND, >=, start);
      g_assert_cmpuint (GST_BUFFER_PTS (buffer), <, end + GST_SECOND);
    }
  }
}

/* However often it was split: each picture counts that is shown within the segment,
 * and no other does but where times are a mess. */
static void
check_counts (IdentifaiSegment * segment)
{
  guint n = 0, n_shown = 0, n_points = 0, n_points_shown = 0, i;
  gint64 from = segment->running_time;

  for (i = 0; i < segment->pictures->len; i++) {
    const IdentifaiFrame *frame = g_ptr_array_index (segment->pictures, i);
    gboolean is_shown = frame->pts >= from + frame->moved
        && frame->pts < segment->pictures_end;
    gboolean is_point = frame->info.point != IDENTIFAI_POINT_NONE;
    gboolean counts = !frame->info.hidden && !frame->info.order.is_second_field;

    n += counts;
    n_shown += counts && is_shown;
    n_points += is_point;
    n_points_shown += is_point && is_shown;
  }
  g_assert_cmpuint (segment->frames, <=, n);
  g_assert_cmpuint (segment->frames, >=, n_shown);
  g_assert_cmpuint (segment->keyframes, <=, n_points);
  g_assert_cmpuint (segment->keyframes, >=, n_points_shown);
}

/* Takes it over. */
static void
check_segment (Fuzz * self, IdentifaiSegment * segment, gboolean is_flushed)
{
  guint n_buffers = 0;
  guint64 bytes;

  if (segment->pictures != NULL)
    check_counts (segment);
  identifai_video_track_make (segment);
  bytes = count_bytes (segment, &n_buffers);

  g_assert_cmpuint (segment->number, <, self->n_opened);
  g_assert_cmpint ((gint) segment->number, >, self->latest);
  self->latest = segment->number;
  g_assert ((segment->tracks == NULL) ==
      (segment->failure != IDENTIFAI_REASON_NONE));
  if (segment->tracks == NULL) {
    g_assert_cmpuint (segment->bytes, ==, 0);
  } else {
    IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);

    g_assert_cmpuint (video->buffers->len, >, 0);
    g_assert_cmpuint (segment->bytes, ==, bytes);
    check_times (segment);
    if (self->max_bytes > 0 && !is_flushed)
      g_assert_cmpuint (bytes + identifai_container_overhead
          (segment->tracks->len, n_buffers, bytes), <=,
          self->max_bytes + MAX_HELD);
  }
  identifai_segment_free (segment);
}

static void
pop (Fuzz * self, gint64 now)
{
  IdentifaiSegment *segment;

  while ((segment = identifai_segmenter_pop (self->segmenter, now)) != NULL)
    check_segment (self, segment, FALSE);
}

/* What isn't settled by now never is. */
static void
pop_flushed (Fuzz * self)
{
  IdentifaiSegment *segment;
  guint i;

  while ((segment = identifai_segmenter_pop_flushed (self->segmenter)) != NULL)
    check_segment (self, segment, TRUE);
  for (i = 0; i < self->frames->len; i++)
    g_array_index (self->frames, guint8, i) = FRAME_SETTLED;
}

/*** events ***/

typedef struct
{
  Fuzz *owner;
  guint8 data[];
} Block;

static void
free_block (gpointer block)
{
  ((Block *) block)->owner->n_memories--;
  g_free (block);
}

/* At least n bytes, which start so. */
static GstBuffer *
make_buffer (Fuzz * self, const guint8 * start, gsize n, gsize size)
{
  Block *block = g_malloc0 (sizeof (Block) + MAX (size, n));

  block->owner = self;
  self->n_memories++;
  memcpy (block->data, start, n);

  return gst_buffer_new_wrapped_full (0, block->data, MAX (size, n), 0,
      MAX (size, n), block, free_block);
}

/* flags: 1 key, 2 PTS, 4 DTS, 8 duration, 16 DISCONT, 32 another order */
static GstBuffer *
make_frame (Fuzz * self, guint flags, gsize size)
{
  static const guint8 vp8[] = { 0x10, 0, 0, 0x9d, 1, 0x2a, 0x40, 1, 0xf0, 0 };
  guint8 key = flags & 1, other = flags >> 5;
  guint8 avc[] = { 0, 0, 0, 2, key ? 0x65 : 0x41, 0x80 };
  guint8 h264[] = { 0, 0, 0, 1, 0x67, 0x64, 0x0b, 0xac, 0, 0, 0, 1, 0x68, 0xee,
    0x3c, 0, 0, 0, 1, 0x65, 0x80
  };
  guint8 bare[] = { 0, 0, 0, 1, 0x41, 0x80 };
  guint8 mpeg4[] = { 0, 0, 1, 0xb6, (key ? 0 : 0x40) | (other & 1) << 7, 0x80 };
  guint8 mpeg2[] = { 0, 0, 1, 0, 0, (key ? 1 : 2 + (other & 1)) << 3, 0, 0 };
  static const guint8 jpeg[] = { 0xff, 0xd8, 0xff, 0xd9 };
  GstBuffer *buffer;

  switch (self->format) {
    case 0:
    case 1:
      buffer = make_buffer (self, vp8, sizeof (vp8), size);
      if (!key)
        gst_buffer_memset (buffer, 0, 0x11, 1);
      return buffer;
    case 2:
      return make_buffer (self, avc, sizeof (avc), 0);
    case 3:
      return key ? make_buffer (self, h264, sizeof (h264), 0) :
          make_buffer (self, bare, sizeof (bare), 0);
    case 4:
      return make_buffer (self, mpeg4, sizeof (mpeg4), size);
    case 5:
      return make_buffer (self, mpeg2, sizeof (mpeg2), size);
    default:
      return make_buffer (self, jpeg, sizeof (jpeg), 0);
  }
}

static void
set_times (Fuzz * self, GstBuffer * buffer, guint flags, GstClockTime * time)
{
  GstClockTime step = take_step (self);

  *time += step;
  if (flags & 2)
    GST_BUFFER_PTS (buffer) = *time;
  if (flags & 4)
    GST_BUFFER_DTS (buffer) = *time - (flags >> 6) * 40 * GST_MSECOND;
  if (flags & 8)
    GST_BUFFER_DURATION (buffer) = step;
  if (flags & 16)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
}

static void
push (Fuzz * self, guint stream, GstBuffer * buffer, guint64 id)
{
  IdentifaiCaptureTime arrival = {
    .monotonic = self->monotonic,
    .utc = 1000000 + self->monotonic,
    .live = self->live,
    .running = self->monotonic * 1000,
    .id = id,
  };

  identifai_segmenter_push (self->segmenter, stream, buffer, &arrival);
}

static void
push_video (Fuzz * self)
{
  guint flags = take (self);
  GstBuffer *buffer = make_frame (self, flags, take (self) * 64);
  guint8 state = FRAME_NEW;

  set_times (self, buffer, flags, &self->video_time);
  g_array_append_val (self->frames, state);
  push (self, IDENTIFAI_SEGMENTER_VIDEO, buffer, self->frames->len);
}

static void
push_sound (Fuzz * self, guint which)
{
  guint flags = take (self);
  gsize size = take (self) * 16;
  GstBuffer *buffer;

  if (self->streams[which] == 0)
    return;
  buffer = make_buffer (self, (const guint8 *) "", 1, size);
  if (flags & 1)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  set_times (self, buffer, flags, &self->sound_time[which]);
  push (self, self->streams[which], buffer, 0);
}

static guint
take_stream (Fuzz * self)
{
  guint which = take (self) % (MAX_SOUNDS + 1);

  return which == 0 ? IDENTIFAI_SEGMENTER_VIDEO : self->streams[which - 1];
}

static void
send_gap (Fuzz * self)
{
  guint stream = take_stream (self);
  GstClockTime time = self->video_time + take_step (self);

  identifai_segmenter_gap (self->segmenter, stream, time, take_step (self));
}

static void
send_caps (Fuzz * self)
{
  guint stream = take_stream (self), which = take (self);
  GstCaps *caps;

  if (stream == IDENTIFAI_SEGMENTER_VIDEO) {
    self->format = which % G_N_ELEMENTS (videos);
    caps = gst_caps_from_string (videos[self->format]);
  } else {
    caps = gst_caps_from_string (sounds[which % G_N_ELEMENTS (sounds)]);
  }
  identifai_segmenter_set_caps (self->segmenter, stream, caps);
  gst_caps_unref (caps);
}

static void
send_segment (Fuzz * self)
{
  guint stream = take_stream (self), kind = take (self);
  GstSegment segment;

  gst_segment_init (&segment, kind & 1 ? GST_FORMAT_BYTES : GST_FORMAT_TIME);
  segment.start = segment.position = take_step (self);
  segment.base = take_step (self);
  segment.time = segment.start;
  if (kind & 2)
    segment.stop = segment.start + (take_step (self) & G_MAXINT64);
  if (kind & 4)
    segment.rate = kind & 8 ? -1.0 : 2.0;
  identifai_segmenter_set_segment (self->segmenter, stream, &segment);
}

static void
send_flush (Fuzz * self)
{
  guint stream = take_stream (self);

  identifai_segmenter_flush (self->segmenter, stream);
  if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    pop_flushed (self);
}

static void
reset (Fuzz * self)
{
  identifai_segmenter_reset (self->segmenter);
  pop_flushed (self);
}

static void
configure (Fuzz * self)
{
  IdentifaiSegmenterSettings settings = { 0, };
  guint flags = take (self);

  settings.duration = take (self) * 50 * GST_MSECOND;
  settings.interval = flags & 1 ? take (self) * 100 * GST_MSECOND : 0;
  settings.max_bytes = 50000000;
  if (flags & 2)
    settings.max_bytes = 100000 + take (self) * 1000;
  settings.keyframe_requests = flags & 4;
  settings.align = flags & 8;
  self->max_bytes = self->n_opened == 0 ? settings.max_bytes : 0;
  identifai_segmenter_configure (self->segmenter, &settings);
}

static void
change_pads (Fuzz * self)
{
  guint which = take (self), *stream = &self->streams[which % MAX_SOUNDS];

  if (*stream == 0) {
    *stream = identifai_segmenter_add_audio (self->segmenter);
  } else if (which & 0x10) {
    identifai_segmenter_remove_audio (self->segmenter, *stream);
    *stream = 0;
  } else if (which & 0x20) {
    identifai_segmenter_link_audio (self->segmenter, *stream, which & 0x40);
  } else {
    identifai_segmenter_leave_out (self->segmenter, *stream, which & 0x40);
  }
}

static void
ask (Fuzz * self)
{
  IdentifaiSegmenterStats stats;
  IdentifaiNews news;
  GstClockTime when;
  guint n_news = 0;

  identifai_segmenter_get_stats (self->segmenter, &stats);
  identifai_segmenter_next_deadline (self->segmenter);
  identifai_segmenter_count_sealed (self->segmenter);
  identifai_segmenter_take_keyframe_request (self->segmenter, &when);
  while (identifai_segmenter_take_news (self->segmenter, &news))
    g_assert_cmpuint (n_news++, <, 10);
}

static void
pass_time (Fuzz * self)
{
  self->monotonic += take (self) * 10000;
  identifai_segmenter_set_patience (self->segmenter,
      self->live ? (gint64) take (self) * 10000 : -1, self->monotonic);
}

static void
handle_event (Fuzz * self)
{
  guint event = take (self);

  switch (event % 24) {
    case 0:
      send_gap (self);
      break;
    case 1:
      send_caps (self);
      break;
    case 2:
      send_segment (self);
      break;
    case 3:
      send_flush (self);
      break;
    case 4:
      identifai_segmenter_eos (self->segmenter, take_stream (self),
          self->monotonic);
      break;
    case 5:
      identifai_segmenter_change_stream (self->segmenter);
      break;
    case 6:
      identifai_segmenter_set_judging (self->segmenter, take (self) & 1);
      break;
    case 7:
      identifai_segmenter_split_now (self->segmenter);
      break;
    case 8:
      change_pads (self);
      break;
    case 9:
      configure (self);
      break;
    case 10:
      pass_time (self);
      break;
    case 11:
      pop (self, take (self) & 1 ? self->monotonic : G_MAXINT64);
      break;
    case 12:
      ask (self);
      break;
    case 13:
      if (take (self) == 0x5a)
        reset (self);
      break;
    case 14:
    case 15:
    case 16:
    case 17:
      push_sound (self, event % MAX_SOUNDS);
      break;
    default:
      push_video (self);
      break;
  }
}

/* All of it ends: each picture has its place then. */
static void
finish (Fuzz * self)
{
  IdentifaiSegmenterStats stats;
  guint i;

  for (i = 0; i < MAX_SOUNDS; i++) {
    if (self->streams[i] != 0)
      identifai_segmenter_eos (self->segmenter, self->streams[i],
          self->monotonic);
  }
  identifai_segmenter_eos (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      self->monotonic);
  pop (self, G_MAXINT64);
  for (i = 0; i < self->frames->len; i++)
    g_assert_cmpint (g_array_index (self->frames, guint8, i), ==,
        FRAME_SETTLED);
  identifai_segmenter_get_stats (self->segmenter, &stats);
  g_assert_cmpuint (stats.bytes, ==, 0);
}

static void
start (Fuzz * self)
{
  self->segmenter = identifai_segmenter_new (on_open, self);
  self->frames = g_array_new (FALSE, FALSE, 1);
  self->latest = -1;
  self->max_bytes = 50000000;
  self->live = take (self) & 1;
  identifai_segmenter_set_place_funcs (self->segmenter, on_placed, on_settled);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  Fuzz self = {.data = data,.size = size };
  guint n;

  start (&self);
  for (n = 0; self.size > 0 && n < MAX_EVENTS; n++)
    handle_event (&self);
  finish (&self);
  identifai_segmenter_free (self.segmenter);
  g_array_unref (self.frames);
  g_assert_cmpint (self.n_memories, ==, 0);

  return 0;
}
