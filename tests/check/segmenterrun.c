/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "segmenterrun.h"

#include "codecs.h"

#include <string.h>

static void
on_open (IdentifaiSegment * segment, gpointer user_data)
{
  SegmenterRun *run = user_data;

  segment->number = run->opened++;
}

void
run_configure (SegmenterRun * run, guint duration_ms, guint interval_ms,
    guint64 max_bytes)
{
  IdentifaiSegmenterSettings settings = { duration_ms * GST_MSECOND,
    interval_ms * GST_MSECOND, max_bytes ? max_bytes : PLENTY, TRUE
  };

  identifai_segmenter_configure (run->segmenter, &settings);
}

gboolean
run_set_caps (SegmenterRun * run, guint stream, const gchar * text)
{
  GstCaps *caps = gst_caps_from_string (text);
  gboolean ok;

  fail_unless (caps != NULL, "%s", text);
  ok = identifai_segmenter_set_caps (run->segmenter, stream, caps);
  gst_caps_unref (caps);

  return ok;
}

void
run_set_segment (SegmenterRun * run, guint stream, GstClockTime start,
    GstClockTime base)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = start;
  segment.base = base;
  identifai_segmenter_set_segment (run->segmenter, stream, &segment);
}

void
run_init (SegmenterRun * run, const gchar * caps)
{
  memset (run, 0, sizeof (*run));
  run->segmenter = identifai_segmenter_new (on_open, run);
  run->log = g_string_new (NULL);
  run_configure (run, 300, 0, 0);
  fail_unless (run_set_caps (run, 0, caps));
  run_set_segment (run, 0, 0, 0);
}

void
run_clear (SegmenterRun * run)
{
  identifai_segmenter_free (run->segmenter);
  g_string_free (run->log, TRUE);
}

IdentifaiSegment *
pop_whole (IdentifaiSegmenter * segmenter, gint64 now)
{
  IdentifaiSegment *segment = identifai_segmenter_pop (segmenter, now);

  if (segment != NULL)
    identifai_video_track_make (segment);

  return segment;
}

IdentifaiSegment *
run_pop (SegmenterRun * run, gint64 now)
{
  IdentifaiSegment *segment = pop_whole (run->segmenter, now);

  if (segment) {
    fail_unless (segment->number >= run->next);
    run->next = segment->number + 1;
  }

  return segment;
}

void
run_log (SegmenterRun * run, IdentifaiSegment * segment)
{
  guint64 start = segment->running_time / GST_MSECOND;

  g_string_append_printf (run->log, "%s%" G_GUINT64_FORMAT "-%"
      G_GUINT64_FORMAT ":%u%s", run->log->len ? " " : "", start,
      start + segment->duration / GST_MSECOND, segment->frames,
      segment->failure == IDENTIFAI_REASON_TOO_LARGE ? "!" : "");
  if (segment->discontinuities > 0)
    g_string_append_printf (run->log, "~%u", segment->discontinuities);
  fail_unless ((segment->tracks == NULL) ==
      (segment->failure != IDENTIFAI_REASON_NONE));
  fail_unless (segment->failure == IDENTIFAI_REASON_NONE
      || segment->bytes == 0);
}

void
run_collect (SegmenterRun * run)
{
  IdentifaiSegment *segment;

  while ((segment = run_pop (run, run->monotonic))) {
    run_log (run, segment);
    identifai_segment_free (segment);
  }
}

void
run_push (SegmenterRun * run, guint stream, GstBuffer * buffer)
{
  IdentifaiCaptureTime arrival = { run->monotonic, 1000000 + run->monotonic,
    run->live, run->monotonic * 1000, run->ids
  };

  if (run->ids > 0)
    run->ids++;

  identifai_segmenter_push (run->segmenter, stream, buffer, &arrival);
}

GstBuffer *
make_buffer (const guint8 * start, gsize n, gsize size, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, MAX (size, n), NULL);

  gst_buffer_memset (buffer, 0, 0x80, -1);
  gst_buffer_fill (buffer, 0, start, n);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = FRAME;

  return buffer;
}

GstBuffer *
make_vp8 (gboolean key, gsize size, GstClockTime pts)
{
  static const guint8 header[] = { 0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0x01,
    0xf0, 0
  };
  GstBuffer *buffer = make_buffer (header, sizeof (header), size, pts);

  if (!key)
    gst_buffer_memset (buffer, 0, 0x11, 1);

  return buffer;
}

GstBuffer *
make_unit (gboolean h265, gchar type, gint place)
{
  static const guint8 open_avc[] = { 0, 0, 0, 4, 6, 6, 1, 0x80, 0, 0, 0, 2,
    0x41, 0x9a
  };
  guint8 unit[] = { 0, 0, 0, 2, 0, 1 };
  GstClockTime pts = place * FRAME;

  if (!h265 && type == 'O')
    return make_buffer (open_avc, sizeof (open_avc), 0, pts);
  if (h265)
    unit[4] = (type == 'I' ? 19 : type == 'O' ? 21 : type == 'R' ? 7 :
        type == 'r' ? 9 : 1) << 1;
  else
    unit[4] = type == 'I' ? 0x65 : 0x41;

  return make_buffer (unit, sizeof (unit), 0, pts);
}

void
run_finish (SegmenterRun * run)
{
  identifai_segmenter_eos (run->segmenter, IDENTIFAI_SEGMENTER_VIDEO,
      run->monotonic);
  run->monotonic += IDENTIFAI_AUDIO_PATIENCE;
  run_collect (run);
}

void
run_push_audio (SegmenterRun * run, guint stream, guint from_ms, guint to_ms)
{
  guint at;

  for (at = from_ms; at < to_ms; at += 20) {
    GstBuffer *buffer = make_buffer ((guint8 *) "", 1, 10, at * GST_MSECOND);

    GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
    run_push (run, stream, buffer);
  }
}

void
run_push_video (SegmenterRun * run, guint from, guint to)
{
  guint i;

  for (i = from; i < to; i++)
    run_push (run, 0, make_vp8 (i % 3 == 0, SMALL, i * FRAME));
}

gint
run_pop_audio (SegmenterRun * run, gint64 now, guint track, guint * start)
{
  IdentifaiSegment *segment = run_pop (run, now);
  GPtrArray *buffers;
  gint n = 0;

  if (segment == NULL)
    return -1;
  if (segment->tracks->len > track) {
    buffers = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks,
            track))->buffers;
    n = buffers->len;
    if (n > 0)
      *start = (GST_BUFFER_PTS (g_ptr_array_index (buffers, 0))
          - IDENTIFAI_TRACK_EPOCH) / GST_MSECOND;
  }
  identifai_segment_free (segment);

  return n;
}

guint
run_init_with_audio (SegmenterRun * run)
{
  guint stream;

  run_init (run, VP8);
  stream = identifai_segmenter_add_audio (run->segmenter);
  fail_unless (stream != IDENTIFAI_SEGMENTER_VIDEO);
  fail_unless (run_set_caps (run, stream, OPUS));
  run_set_segment (run, stream, 0, 0);

  return stream;
}
