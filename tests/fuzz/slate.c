/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A slate's file, behind its demuxer: frames with any times. Input: a byte that chooses
 * the codec of the video, then frames: a byte that says whose, four times of two bytes
 * (scale and value: decoding, presentation, duration), the length of the data, and the
 * data.
 *
 * What has to hold: a track begins where decoding can start, and has a length; what a
 * loop gives out goes forwards, is shown after it is decoded, and never ends.
 */

#include "target.h"

#include "framereader.h"
#include "slate.h"

#define MAX_FRAMES 500
#define ROUNDS 3

static const gchar *const formats[] = {
  "video/x-vp8",
  "video/x-h264, stream-format = byte-stream, alignment = au",
  "video/x-h264, stream-format = avc, alignment = au, "
      "codec_data = (buffer) 0164001fffe1000467640bac01000368ee3c",
  "video/x-h265, stream-format = byte-stream, alignment = au",
  "video/mpeg, mpegversion = 2, systemstream = false",
  "image/jpeg",
};

typedef struct
{
  const guint8 *data;
  gsize size;
} Input;

static guint
take (Input * self)
{
  if (self->size == 0)
    return 0;
  self->size--;

  return *self->data++;
}

/* By ms, or as much as a running time can say. */
static gint64
take_time (Input * self)
{
  guint scale = take (self);
  gint64 value = (gint8) take (self);

  if (scale == 0)
    return IDENTIFAI_NO_TIME;
  if (scale < 0xf0)
    return value * scale * (gint64) GST_MSECOND;

  return CLAMP (value * ((gint64) 1 << (3 * (scale & 0xf) + 9)),
      -(gint64) (G_GINT64_CONSTANT (1) << 61), G_GINT64_CONSTANT (1) << 61);
}

static gint64
take_duration (Input * self)
{
  gint64 time = take_time (self);

  return time < 0 ? IDENTIFAI_NO_TIME : MIN (time, G_GINT64_CONSTANT (1) << 50);
}

static GstBuffer *
take_frame (Input * self)
{
  gsize wanted = take (self), length = MIN (wanted, self->size);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, length, NULL);

  gst_buffer_fill (buffer, 0, self->data, length);
  self->data += length;
  self->size -= length;

  return buffer;
}

static void
fill (Input * input, IdentifaiSlateTrack * video, IdentifaiSlateTrack * sound)
{
  guint i;

  for (i = 0; i < MAX_FRAMES && input->size > 0; i++) {
    IdentifaiSlateTrack *track = take (input) & 1 ? sound : video;
    gint64 dts = take_time (input), pts = take_time (input);
    gint64 duration = take_duration (input);

    identifai_slate_track_add (track, take_frame (input), dts, pts, duration);
  }
}

static void
show (IdentifaiSlateTrack * track, IdentifaiSlateTrack * of, gint64 start)
{
  IdentifaiSlateLoop loop = { NULL, };
  IdentifaiSlateTimes times;
  gint64 last = G_MININT64;
  guint i, n = ROUNDS * identifai_slate_track_count (track);

  identifai_slate_loop_start (&loop, track, of, start, start);
  for (i = 0; i < n; i++) {
    GstBuffer *buffer;

    g_assert_true (identifai_slate_loop_peek (&loop, &times));
    g_assert_cmpint (times.dts, >, last);
    g_assert_cmpint (times.dts, >=, start);
    g_assert_cmpint (times.pts, >=, times.dts);
    g_assert_cmpint (times.end, >, times.pts);
    g_assert_false (identifai_slate_loop_fits (&loop, times.dts, 0));
    last = times.dts;
    buffer = identifai_slate_loop_pop (&loop);
    g_assert_cmpint ((gint64) GST_BUFFER_DTS (buffer), ==, times.dts);
    g_assert_cmpint ((gint64) GST_BUFFER_PTS (buffer), ==, times.pts);
    gst_buffer_unref (buffer);
  }
  identifai_slate_loop_stop (&loop);
}

static IdentifaiSlateTrack *
make_track (const gchar * format)
{
  GstCaps *caps = gst_caps_from_string (format);
  IdentifaiSlateTrack *track = identifai_slate_track_new ("fuzz", caps);

  gst_caps_unref (caps);

  return track;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  Input input = { data, size };
  IdentifaiSlateTrack *video =
      make_track (formats[take (&input) % G_N_ELEMENTS (formats)]);
  IdentifaiSlateTrack *sound = make_track ("audio/x-opus, "
      "channel-mapping-family = 0, channels = 2, rate = 48000");
  gboolean has_video, has_sound;

  fill (&input, video, sound);
  has_video = identifai_slate_track_finish (video);
  has_sound = identifai_slate_track_finish (sound);
  g_assert_true (has_video == (identifai_slate_track_count (video) > 0));
  if (has_video)
    g_assert_cmpint (identifai_slate_track_get_length (video), >, 0);
  if (has_video)
    show (video, NULL, 1000);
  if (has_video && has_sound)
    show (sound, video, 1000);
  identifai_slate_track_unref (video);
  identifai_slate_track_unref (sound);

  return 0;
}
