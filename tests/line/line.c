/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs pipelines of which one has an identifaigate, and writes down what happens,
 * a line each; times are monotonic µs, pts ns:
 *
 *   i|o|v|a|b T RUNNING PTS KEY  a buffer comes to or leaves the gate: video in, out, the
 *                          slate's out, sound in, out; RUNNING is the running time, -1:
 *                          none; KEY 1: no delta unit
 *   t T REAL BASE          the wall clock's time, in µs, and the gate's base time, in ns
 *   w CAME LATE            a frame that came at CAME would have left that late (µs), had
 *                          a thread with nothing else to do let it out
 *   f T FORCE              the operator's force (SIGUSR1: slate, SIGUSR2: none)
 *   c NAME T PTS N COLOUR  an appsink of that name got a picture: its number, as the
 *                          bar code has it (-1: unreadable, -2: of another size, the
 *                          slate's), and whether it is marked
 *   p T N COLOUR           such a picture was made (appsrc name=marker)
 *   m T NAME …             a message, as gst_structure_to_string() has it
 *   s T …                  the gate's stats, each ten seconds and at the end
 *
 * What is outside the element is measured outside of it, by pad probes.
 */

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/video/video.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>

#include "control.h"

#define WIDTH 320
#define HEIGHT 240
#define BLOCK 20                /* pixels; two rows of 16 blocks, a bit each */
#define RATE 25
#define FRAME (GST_SECOND / RATE)

typedef struct
{
  GMainLoop *loop;
  GPtrArray *pipelines;         /* of GstElement */
  GstElement *gate;             /* or NULL */
  Control *control;             /* of the gate */
  gboolean has_policy;          /* of its own; else each verdict counts */
  FILE *log;                    /* the writer's */
  GAsyncQueue *lines;           /* of gchar *, owned; "": it is over */
  GThread *writer;
  gint status;

  /* The pictures' maker. */
  GstElement *marker;           /* or NULL */
  GThread *thread;
  gint stopping;                /* atomic */
  GRand *rand;
} Line;

/* Nobody who is measured waits for the disk. */
static void
note (Line * line, const gchar * format, ...)
{
  va_list args;

  va_start (args, format);
  g_async_queue_push (line->lines, g_strdup_vprintf (format, args));
  va_end (args);
}

static gpointer
write_lines (gpointer user_data)
{
  Line *line = user_data;
  gchar *text;

  while (*(text = g_async_queue_pop (line->lines)) != '\0') {
    fputs (text, line->log);
    g_free (text);
  }
  g_free (text);
  fclose (line->log);

  return NULL;
}

static gboolean
open_log (Line * line, const gchar * path)
{
  line->log = fopen (path, "w");
  if (line->log == NULL)
    return FALSE;
  setvbuf (line->log, NULL, _IOFBF, 1 << 16);
  line->lines = g_async_queue_new ();
  line->writer = g_thread_new ("writer", write_lines, line);

  return TRUE;
}

static void
close_log (Line * line)
{
  g_async_queue_push (line->lines, g_strdup (""));
  g_thread_join (line->writer);
  g_async_queue_unref (line->lines);
}

/* Pictures. */

/* No sum of two codes is one: a decoder that misses a picture shows sums. */
static guint32
add_check (guint n)
{
  n &= 0xffffff;

  return n | (n * 2654435761u ^ 0x5a000000) >> 24 << 24;
}

static void
fill (guint8 * data, gint stride, gint x, gint y, gint w, gint h, guint8 value)
{
  for (h += y; y < h; y++)
    memset (data + y * stride + x, value, w);
}

/* Something moves, so that the encoder has work. */
static void
draw (GstVideoFrame * frame, guint n, gboolean marked)
{
  guint8 *planes[3];
  gint strides[3], i;
  guint32 code = add_check (n);

  for (i = 0; i < 3; i++) {
    planes[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    strides[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
  /* BT.601 of magenta, and of a grey */
  fill (planes[0], strides[0], 0, 0, WIDTH, HEIGHT, marked ? 106 : 110);
  fill (planes[1], strides[1], 0, 0, WIDTH / 2, HEIGHT / 2, marked ? 202 : 128);
  fill (planes[2], strides[2], 0, 0, WIDTH / 2, HEIGHT / 2, marked ? 222 : 128);
  fill (planes[0], strides[0], n * 4 % (WIDTH - 8), 200, 8, 8, 180);
  for (i = 0; i < 32; i++)
    fill (planes[0], strides[0], i % 16 * BLOCK, i / 16 * BLOCK, BLOCK, BLOCK,
        code >> i & 1 ? 210 : 30);
}

static gboolean
is_ours (const GstVideoInfo * info)
{
  return GST_VIDEO_INFO_WIDTH (info) == WIDTH
      && GST_VIDEO_INFO_HEIGHT (info) == HEIGHT;
}

static gint
read_number (const GstVideoFrame * frame)
{
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, 0);
  gint stride = GST_VIDEO_FRAME_PLANE_STRIDE (frame, 0), i, x, y;
  guint32 code = 0;

  for (i = 0; i < 32; i++) {
    guint sum = 0;

    for (y = 6; y < 14; y++)
      for (x = 6; x < 14; x++)
        sum += data[(i / 16 * BLOCK + y) * stride + i % 16 * BLOCK + x];
    code |= (guint32) (sum > 64 * 120) << i;
  }

  return add_check (code) == code ? (gint) (code & 0xffffff) : -1;
}

static gboolean
is_marked (const GstVideoFrame * frame)
{
  const guint8 *data = GST_VIDEO_FRAME_PLANE_DATA (frame, 2);

  return data[80 * GST_VIDEO_FRAME_PLANE_STRIDE (frame, 2) + 80] > 180;
}

static GstFlowReturn
on_picture (GstAppSink * sink, gpointer user_data)
{
  Line *line = user_data;
  GstSample *sample = gst_app_sink_pull_sample (sink);
  GstBuffer *buffer = sample ? gst_sample_get_buffer (sample) : NULL;
  GstVideoFrame frame;
  GstVideoInfo info;

  if (buffer != NULL
      && gst_video_info_from_caps (&info, gst_sample_get_caps (sample))
      && gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ)) {
    gboolean ours = is_ours (&info);

    note (line, "c %s %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT " %d %d\n",
        GST_OBJECT_NAME (sink), g_get_monotonic_time (),
        GST_BUFFER_PTS (buffer), ours ? read_number (&frame) : -2,
        ours && is_marked (&frame));
    gst_video_frame_unmap (&frame);
  }
  if (sample != NULL)
    gst_sample_unref (sample);

  return GST_FLOW_OK;
}

static GstBuffer *
make_picture (guint n, gboolean marked)
{
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, WIDTH * HEIGHT * 3 / 2, NULL);
  GstVideoFrame frame;
  GstVideoInfo info;

  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, WIDTH, HEIGHT);
  gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE);
  draw (&frame, n, marked);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = n * FRAME;
  GST_BUFFER_DURATION (buffer) = FRAME;

  return buffer;
}

/* In real time; it is marked for 1 to 20 s, and then isn't for as long. */
static gpointer
make_pictures (gpointer user_data)
{
  Line *line = user_data;
  gint64 start = g_get_monotonic_time ();
  guint n, change = 8 * RATE;
  gboolean marked = FALSE;

  for (n = 0; !g_atomic_int_get (&line->stopping); n++) {
    gint64 wait = start + n * (gint64) (FRAME / 1000) - g_get_monotonic_time ();

    if (wait > 0)
      g_usleep (wait);
    if (n == change) {
      marked = !marked;
      change += g_rand_int_range (line->rand, RATE, 20 * RATE);
    }
    note (line, "p %" G_GINT64_FORMAT " %u %d\n", g_get_monotonic_time (), n,
        marked);
    if (gst_app_src_push_buffer (GST_APP_SRC (line->marker), make_picture (n,
                marked)) != GST_FLOW_OK)
      break;
  }
  gst_app_src_end_of_stream (GST_APP_SRC (line->marker));

  return NULL;
}

/* The gate. */

typedef struct
{
  Line *line;
  gchar letter;
} Probe;

static GstClockTime
get_running_time (GstPad * pad, GstClockTime time)
{
  GstEvent *event = gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;

  if (event == NULL)
    return GST_CLOCK_TIME_NONE;
  gst_event_parse_segment (event, &segment);
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME, time);
  gst_event_unref (event);

  return time;
}

/* By its width. */
static gboolean
is_slate (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  gint width = WIDTH;

  if (caps != NULL)
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &width);
  gst_clear_caps (&caps);

  return width != WIDTH;
}

static GstPadProbeReturn
on_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gint64 now = g_get_monotonic_time ();
  Probe *probe = user_data;
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstClockTime time = GST_BUFFER_PTS (buffer);

  if (probe->letter == 'i')
    control_add (probe->line->control, now);
  note (probe->line, "%c %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %"
      G_GINT64_FORMAT " %d\n",
      probe->letter == 'o' && is_slate (pad) ? 'v' : probe->letter, now,
      (gint64) get_running_time (pad, time), (gint64) time,
      !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT));

  return GST_PAD_PROBE_OK;
}

static void
watch_pad (Line * line, const gchar * name, gchar letter)
{
  GstPad *pad = gst_element_get_static_pad (line->gate, name);
  Probe *probe;

  if (pad == NULL)
    return;
  probe = g_new (Probe, 1);
  probe->line = line;
  probe->letter = letter;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, probe, g_free);
  gst_object_unref (pad);
}

static void
note_control (gint64 came, gint64 late, gpointer user_data)
{
  note (user_data, "w %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", came, late);
}

static void
force (Line * line, const gchar * what)
{
  if (line->gate == NULL)
    return;
  note (line, "f %" G_GINT64_FORMAT " %s\n", g_get_monotonic_time (), what);
  gst_util_set_object_arg (G_OBJECT (line->gate), "force", what);
}

static gboolean
force_slate (gpointer user_data)
{
  force (user_data, "slate");

  return G_SOURCE_CONTINUE;
}

static gboolean
force_none (gpointer user_data)
{
  force (user_data, "none");

  return G_SOURCE_CONTINUE;
}

static gboolean
note_stats (gpointer user_data)
{
  Line *line = user_data;
  GstStructure *stats;
  gchar *text;

  if (line->gate == NULL)
    return G_SOURCE_CONTINUE;
  g_object_get (line->gate, "stats", &stats, NULL);
  text = gst_structure_to_string (stats);
  note (line, "t %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %"
      G_GUINT64_FORMAT "\n", g_get_monotonic_time (), g_get_real_time (),
      gst_element_get_base_time (line->gate));
  note (line, "s %" G_GINT64_FORMAT " %s\n", g_get_monotonic_time (), text);
  g_free (text);
  gst_structure_free (stats);

  return G_SOURCE_CONTINUE;
}

/* Messages. */

static void
note_structure (Line * line, const GstStructure * structure)
{
  static const gchar *const long_fields[] = { "json", "results", "verdicts",
    "file", NULL
  };
  GstStructure *copy = gst_structure_copy (structure);
  gchar *text;
  guint i;

  for (i = 0; long_fields[i] != NULL; i++)
    gst_structure_remove_field (copy, long_fields[i]);
  text = gst_structure_to_string (copy);
  note (line, "m %" G_GINT64_FORMAT " %s\n", g_get_monotonic_time (), text);
  g_free (text);
  gst_structure_free (copy);
}

static void
note_trouble (Line * line, GstMessage * message)
{
  GError *error = NULL;
  gchar *debug = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, &debug);
  else
    gst_message_parse_warning (message, &error, &debug);
  note (line, "m %" G_GINT64_FORMAT " %s %s: %s\n", g_get_monotonic_time (),
      GST_MESSAGE_TYPE_NAME (message), GST_MESSAGE_SRC_NAME (message),
      error->message);
  g_error_free (error);
  g_free (debug);
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Line *line = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      if (g_str_has_prefix (gst_structure_get_name (gst_message_get_structure
                  (message)), "identifai-"))
        note_structure (line, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_WARNING:
      note_trouble (line, message);
      break;
    case GST_MESSAGE_ERROR:
      note_trouble (line, message);
      line->status = 1;
      g_main_loop_quit (line->loop);
      break;
    case GST_MESSAGE_EOS:
      note (line, "m %" G_GINT64_FORMAT " eos\n", g_get_monotonic_time ());
      g_main_loop_quit (line->loop);
      break;
    default:
      break;
  }

  return G_SOURCE_CONTINUE;
}

static gboolean
quit (gpointer user_data)
{
  g_main_loop_quit (((Line *) user_data)->loop);

  return G_SOURCE_CONTINUE;
}

/* Pipelines. */

static void
adopt (const GValue * item, gpointer user_data)
{
  Line *line = user_data;
  GstElement *element = g_value_get_object (item);
  static GstAppSinkCallbacks callbacks = {.new_sample = on_picture };

  if (GST_IS_APP_SINK (element))
    gst_app_sink_set_callbacks (GST_APP_SINK (element), &callbacks, line, NULL);
  if (g_str_equal (GST_OBJECT_NAME (element), "marker"))
    line->marker = gst_object_ref (element);
  if (g_str_equal (GST_OBJECT_NAME (element), "gate"))
    line->gate = gst_object_ref (element);
}

static gboolean
add_pipeline (Line * line, const gchar * description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);
  GstIterator *it;
  GstBus *bus;

  if (error != NULL) {
    g_printerr ("%s: %s\n", description, error->message);
    return FALSE;
  }
  line->has_policy |= strstr (description, "policy=") != NULL;
  it = gst_bin_iterate_recurse (GST_BIN (pipeline));
  gst_iterator_foreach (it, adopt, line);
  gst_iterator_free (it);
  bus = gst_pipeline_get_bus (GST_PIPELINE (pipeline));
  gst_bus_add_watch (bus, on_message, line);
  gst_object_unref (bus);
  g_ptr_array_add (line->pipelines, pipeline);

  return TRUE;
}

static void
watch_gate (Line * line)
{
  guint64 hold;

  if (!line->has_policy)
    g_object_set (line->gate, "policy", NULL, NULL);
  g_object_get (line->gate, "hold", &hold, NULL);
  line->control = control_new (hold / 1000, note_control, line);
  watch_pad (line, "sink", 'i');
  watch_pad (line, "src", 'o');
  watch_pad (line, "audio_0", 'a');
  watch_pad (line, "audio_src_0", 'b');
}

static void
start (Line * line)
{
  guint i;

  if (line->gate != NULL)
    watch_gate (line);
  for (i = 0; i < line->pipelines->len; i++)
    gst_element_set_state (g_ptr_array_index (line->pipelines, i),
        GST_STATE_PLAYING);
  if (line->marker != NULL)
    line->thread = g_thread_new ("marker", make_pictures, line);
}

static void
stop (Line * line)
{
  guint i;

  g_atomic_int_set (&line->stopping, TRUE);
  note_stats (line);
  for (i = 0; i < line->pipelines->len; i++)
    gst_element_set_state (g_ptr_array_index (line->pipelines, i),
        GST_STATE_NULL);
  if (line->thread != NULL)
    g_thread_join (line->thread);
  g_clear_pointer (&line->control, control_free);
}

int
main (int argc, char **argv)
{
  Line line = {.pipelines = g_ptr_array_new_with_free_func (gst_object_unref) };
  gint i;

  gst_init (&argc, &argv);
  if (argc < 4) {
    g_printerr ("usage: line LOG SEED PIPELINE…\n");
    return 2;
  }
  if (!open_log (&line, argv[1])) {
    g_printerr ("%s can't be written\n", argv[1]);
    return 2;
  }
  line.rand = g_rand_new_with_seed (g_ascii_strtoull (argv[2], NULL, 10));
  line.loop = g_main_loop_new (NULL, FALSE);
  for (i = 3; i < argc; i++) {
    if (!add_pipeline (&line, argv[i]))
      return 2;
  }
  g_unix_signal_add (SIGINT, quit, &line);
  g_unix_signal_add (SIGTERM, quit, &line);
  g_unix_signal_add (SIGUSR1, force_slate, &line);
  g_unix_signal_add (SIGUSR2, force_none, &line);
  g_timeout_add_seconds (10, note_stats, &line);
  start (&line);
  g_main_loop_run (line.loop);
  stop (&line);
  close_log (&line);
  g_clear_object (&line.gate);
  g_clear_object (&line.marker);
  g_ptr_array_unref (line.pipelines);
  g_main_loop_unref (line.loop);
  g_rand_free (line.rand);

  return line.status;
}
