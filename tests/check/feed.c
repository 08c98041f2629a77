/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* memmem() */

#include "feed.h"

#include "clock.h"
#include "heldclock.h"

#include <string.h>

#include <gst/video/video-event.h>

FaultServer *feed_server;
gchar *feed_url, *feed_folder;

void
feed_set_up (void)
{
  g_unsetenv ("IDENTIFAI_ENDPOINT");
  feed_server = fault_server_new (NULL, 0);
  feed_url = fault_server_get_url (feed_server);
  feed_folder = sink_folder_new ();
}

void
feed_tear_down (void)
{
  g_clear_pointer (&feed_server, fault_server_free);
  g_clear_pointer (&feed_folder, sink_folder_free);
  g_clear_pointer (&feed_url, g_free);
}

/* Clips. */

static void
on_handoff (GstElement * sink, GstBuffer * buffer, GstPad * pad, Clip * clip)
{
  if (clip->caps == NULL)
    clip->caps = gst_pad_get_current_caps (pad);
  /* A copy, as the muxers and parsers of a test must not share metadata. */
  g_ptr_array_add (clip->buffers, gst_buffer_copy_deep (buffer));
}

Clip *
clip_new (const gchar * description)
{
  Clip *clip = g_new0 (Clip, 1);
  gchar *launch = g_strdup_printf ("%s ! fakesink name=out sync=false "
      "signal-handoffs=true", description);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  GstMessage *message;
  GstElement *out;
  GstBus *bus;

  fail_unless (error == NULL, "%s", error ? error->message : "");
  clip->buffers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_signal_connect (out, "handoff", G_CALLBACK (on_handoff), clip);
  bus = gst_element_get_bus (pipeline);

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS,
      "no clip from %s", description);
  gst_element_set_state (pipeline, GST_STATE_NULL);

  gst_message_unref (message);
  gst_object_unref (bus);
  gst_object_unref (out);
  gst_object_unref (pipeline);
  g_free (launch);

  return clip;
}

Clip *
clip_new_h264 (guint n_frames, guint gop)
{
  gchar *description = g_strdup_printf ("videotestsrc num-buffers=%u ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc bframes=0 "
      "tune=zerolatency speed-preset=ultrafast threads=1 option-string="
      "scenecut=0 key-int-max=%u ! h264parse ! "
      "video/x-h264,stream-format=avc,alignment=au ! identity", n_frames, gop);
  Clip *clip = clip_new (description);
  guint i;

  g_free (description);
  fail_unless_equals_int (clip->buffers->len, n_frames);
  /* x264enc starts at an hour. */
  for (i = 0; i < n_frames; i++) {
    GstBuffer *buffer = g_ptr_array_index (clip->buffers, i);

    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * 40 * GST_MSECOND;
    GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DISCONT);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (buffer,
            GST_BUFFER_FLAG_DELTA_UNIT), i % gop != 0);
  }

  return clip;
}

Clip *
clip_new_aac (guint n_frames)
{
  gchar *description = g_strdup_printf ("audiotestsrc samplesperbuffer=1024 "
      "num-buffers=%u ! audio/x-raw,rate=44100,channels=1 ! avenc_aac ! "
      "aacparse ! audio/mpeg,stream-format=raw", n_frames);
  Clip *clip = clip_new (description);

  g_free (description);

  return clip;
}

void
clip_free (Clip * clip)
{
  gst_clear_caps (&clip->caps);
  g_ptr_array_unref (clip->buffers);
  g_free (clip);
}

guint64
clip_count_bytes (Clip * clip, guint from, guint to)
{
  guint64 bytes = 0;
  guint i;

  for (i = from; i < to; i++)
    bytes += gst_buffer_get_size (g_ptr_array_index (clip->buffers, i));

  return bytes;
}

/* Pads. */

static gboolean
on_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Feed *feed = gst_pad_get_element_private (pad);
  GstClockTime time;

  if (gst_video_event_is_force_key_unit (event)) {
    gst_video_event_parse_upstream_force_key_unit (event, &time, NULL, NULL);
    g_mutex_lock (&feed->lock);
    g_array_append_val (feed->requests, time);
    g_cond_broadcast (&feed->cond);
    g_mutex_unlock (&feed->lock);
  }
  gst_event_unref (event);

  return TRUE;
}

static gboolean
on_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  Feed *feed = gst_pad_get_element_private (pad);

  if (GST_QUERY_TYPE (query) == GST_QUERY_DURATION && feed->duration > 0) {
    gst_query_set_duration (query, GST_FORMAT_TIME, feed->duration);
    return TRUE;
  }
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, feed->live, 0, GST_CLOCK_TIME_NONE);

  return TRUE;
}

static void
link_pad (Feed * feed, const gchar * pad_name)
{
  GstPad *peer = g_str_equal (pad_name, "sink") ?
      gst_element_get_static_pad (feed->sink, pad_name) :
      gst_element_request_pad_simple (feed->sink, pad_name);

  fail_unless (peer != NULL, "no pad %s", pad_name);
  fail_unless_equals_int (gst_pad_link (feed->pad, peer), GST_PAD_LINK_OK);
  gst_object_unref (peer);
}

static void
push_segment (Feed * feed, const GstSegment * segment)
{
  GstSegment from_zero;

  gst_segment_init (&from_zero, GST_FORMAT_TIME);
  gst_pad_push_event (feed->pad,
      gst_event_new_segment (segment ? segment : &from_zero));
}

Feed *
feed_new (SinkRun * run, const gchar * pad_name, GstCaps * caps,
    const GstSegment * segment, gboolean live)
{
  return feed_new_to (sink_run_get_sink (run), pad_name, caps, segment, live);
}

Feed *
feed_new_to (GstElement * sink, const gchar * pad_name, GstCaps * caps,
    const GstSegment * segment, gboolean live)
{
  Feed *feed = g_new0 (Feed, 1);

  g_mutex_init (&feed->lock);
  g_cond_init (&feed->cond);
  feed->requests = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  feed->sink = sink;
  feed->live = live;
  feed->burst = G_MAXUINT / 2;

  feed->pad = gst_pad_new (NULL, GST_PAD_SRC);
  gst_pad_set_element_private (feed->pad, feed);
  gst_pad_set_event_function (feed->pad, on_event);
  gst_pad_set_query_function (feed->pad, on_query);
  link_pad (feed, pad_name);
  gst_pad_set_active (feed->pad, TRUE);

  gst_pad_push_event (feed->pad, gst_event_new_stream_start (pad_name));
  if (caps != NULL)
    gst_pad_push_event (feed->pad, gst_event_new_caps (caps));
  push_segment (feed, segment);

  return feed;
}

void
feed_free (Feed * feed)
{
  GstPad *peer = gst_pad_get_peer (feed->pad);

  if (feed->thread != NULL)
    feed_join (feed);
  if (peer != NULL) {
    gst_pad_unlink (feed->pad, peer);
    if (GST_PAD_TEMPLATE_PRESENCE (GST_PAD_PAD_TEMPLATE (peer)) ==
        GST_PAD_REQUEST)
      gst_element_release_request_pad (feed->sink, peer);
    gst_object_unref (peer);
  }
  gst_pad_set_active (feed->pad, FALSE);
  gst_object_unref (feed->pad);
  g_array_unref (feed->requests);
  g_mutex_clear (&feed->lock);
  g_cond_clear (&feed->cond);
  g_free (feed);
}

static GstFlowReturn
push_one (Feed * feed, Clip * clip, guint i, GstClockTimeDiff offset)
{
  GstBuffer *buffer = gst_buffer_copy (g_ptr_array_index (clip->buffers, i));

  GST_BUFFER_PTS (buffer) += offset;
  if (GST_BUFFER_DTS_IS_VALID (buffer))
    GST_BUFFER_DTS (buffer) += offset;

  return gst_pad_push (feed->pad, buffer);
}

GstFlowReturn
feed_push (Feed * feed, Clip * clip, guint from, guint to,
    GstClockTimeDiff offset)
{
  GstFlowReturn ret = GST_FLOW_OK;
  guint i;

  fail_unless (to <= clip->buffers->len);
  for (i = from; i < to && ret == GST_FLOW_OK; i++)
    ret = push_one (feed, clip, i, offset);

  return ret;
}

gboolean
feed_event (Feed * feed, GstEvent * event)
{
  return gst_pad_push_event (feed->pad, event);
}

void
feed_flush (Feed * feed, const GstSegment * segment)
{
  fail_unless (feed_event (feed, gst_event_new_flush_start ()));
  fail_unless (feed_event (feed, gst_event_new_flush_stop (TRUE)));
  push_segment (feed, segment);
}

/* Threads. */

/* A source in real time. */
static void
wait_until_due (Feed * feed, guint i, gint64 start)
{
  GstClockTime first = GST_BUFFER_PTS (g_ptr_array_index (feed->clip->buffers,
          feed->from + feed->burst));
  GstClockTime time = GST_BUFFER_PTS (g_ptr_array_index (feed->clip->buffers,
          i));
  gint64 due = start + (gint64) (time - first) / 1000;

  g_mutex_lock (&feed->lock);
  while (identifai_clock_now () < due)
    identifai_clock_wait (&feed->cond, &feed->lock, due);
  g_mutex_unlock (&feed->lock);
}

static gpointer
feed_thread (gpointer data)
{
  Feed *feed = data;
  GstFlowReturn flow = GST_FLOW_OK;
  gint64 start = identifai_clock_now ();
  guint i;

  for (i = feed->from; i < feed->to && flow == GST_FLOW_OK; i++) {
    if (i >= feed->from + feed->burst)
      wait_until_due (feed, i, start);
    flow = push_one (feed, feed->clip, i, 0);
    g_mutex_lock (&feed->lock);
    feed->pushed++;
    g_cond_broadcast (&feed->cond);
    g_mutex_unlock (&feed->lock);
  }
  if (feed->eos && flow == GST_FLOW_OK
      && !gst_pad_push_event (feed->pad, gst_event_new_eos ()))
    flow = GST_FLOW_FLUSHING;

  g_mutex_lock (&feed->lock);
  feed->done = TRUE;
  feed->flow = flow;
  g_cond_broadcast (&feed->cond);
  g_mutex_unlock (&feed->lock);

  return NULL;
}

void
feed_start (Feed * feed, Clip * clip, guint from, guint to, gboolean eos)
{
  fail_unless (feed->thread == NULL && to <= clip->buffers->len);
  feed->clip = clip;
  feed->from = from;
  feed->to = to;
  feed->eos = eos;
  feed->pushed = 0;
  feed->done = FALSE;
  feed->thread = g_thread_new ("feed", feed_thread, feed);
}

void
feed_wait (Feed * feed, guint pushed)
{
  gint64 deadline = g_get_monotonic_time () + SINK_PATIENCE;

  g_mutex_lock (&feed->lock);
  while (feed->pushed < pushed && !feed->done)
    fail_unless (held_clock_wait (&feed->cond, &feed->lock, deadline),
        "stuck after %u of %u frames", feed->pushed, pushed);
  g_mutex_unlock (&feed->lock);
}

guint
feed_get_pushed (Feed * feed)
{
  guint pushed;

  g_mutex_lock (&feed->lock);
  pushed = feed->pushed;
  g_mutex_unlock (&feed->lock);

  return pushed;
}

gboolean
feed_is_done (Feed * feed)
{
  gboolean done;

  g_mutex_lock (&feed->lock);
  done = feed->done;
  g_mutex_unlock (&feed->lock);

  return done;
}

GstFlowReturn
feed_join (Feed * feed)
{
  gint64 deadline = g_get_monotonic_time () + SINK_PATIENCE;

  g_mutex_lock (&feed->lock);
  while (!feed->done)
    fail_unless (held_clock_wait (&feed->cond, &feed->lock, deadline),
        "the feeding thread is stuck after %u frames", feed->pushed);
  g_mutex_unlock (&feed->lock);
  g_thread_join (g_steal_pointer (&feed->thread));

  return feed->flow;
}

guint
feed_count_requests (Feed * feed)
{
  guint count;

  g_mutex_lock (&feed->lock);
  count = feed->requests->len;
  g_mutex_unlock (&feed->lock);

  return count;
}

GstClockTime
feed_get_request (Feed * feed, guint nth)
{
  GstClockTime time;

  g_mutex_lock (&feed->lock);
  fail_unless (nth < feed->requests->len);
  time = g_array_index (feed->requests, GstClockTime, nth);
  g_mutex_unlock (&feed->lock);

  return time;
}

/* What was sent. */

static const gchar *
find (const gchar * data, gsize size, const gchar * text)
{
  const gchar *found = memmem (data, size, text, strlen (text));

  fail_unless (found != NULL, "no \"%s\" in the body", text);

  return found;
}

GBytes *
feed_get_file (FaultServer * server, guint nth)
{
  const FaultRequest *request = fault_server_get (server, FAULT_POST, nth);
  const gchar *data, *part, *end, *boundary_end;
  gchar *boundary, *delimiter;
  gsize size;

  fail_unless (request != NULL && request->whole_at > 0);
  data = g_bytes_get_data (request->body, &size);
  boundary_end = find (data, size, "\r\n");
  boundary = g_strndup (data, boundary_end - data);
  delimiter = g_strconcat ("\r\n", boundary, NULL);

  part = find (data, size, "; filename=");
  part = find (part, data + size - part, "\r\n\r\n") + 4;
  end = find (part, data + size - part, delimiter);
  g_free (boundary);
  g_free (delimiter);

  return g_bytes_new_from_bytes (request->body, part - data, end - part);
}

static guint
count_lines (gchar * text)
{
  gchar *line, *rest = NULL;
  guint n = 0;

  for (line = strtok_r (text, "\n", &rest); line;
      line = strtok_r (NULL, "\n", &rest))
    n += (*line != '#');

  return n;
}

guint
feed_decode_paths (const gchar * const *paths, const gchar * stream)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  gchar *output = NULL, *complaints = NULL;
  GError *error = NULL;
  gint status = 0;
  guint i, n;

  g_ptr_array_add (argv, g_strdup ("ffmpeg"));
  g_ptr_array_add (argv, g_strdup ("-nostdin"));
  g_ptr_array_add (argv, g_strdup ("-v"));
  g_ptr_array_add (argv, g_strdup ("error"));
  for (i = 0; paths[i] != NULL; i++) {
    g_ptr_array_add (argv, g_strdup ("-threads"));
    g_ptr_array_add (argv, g_strdup ("1"));
    g_ptr_array_add (argv, g_strdup ("-i"));
    g_ptr_array_add (argv, g_strdup (paths[i]));
  }
  for (i = 0; paths[i] != NULL; i++) {
    g_ptr_array_add (argv, g_strdup ("-map"));
    g_ptr_array_add (argv, g_strdup_printf ("%u:%s?", i, stream));
  }
  g_ptr_array_add (argv, g_strdup ("-fps_mode"));
  g_ptr_array_add (argv, g_strdup ("passthrough"));
  g_ptr_array_add (argv, g_strdup ("-f"));
  g_ptr_array_add (argv, g_strdup ("framemd5"));
  g_ptr_array_add (argv, g_strdup ("-"));
  g_ptr_array_add (argv, NULL);

  fail_unless (g_spawn_sync (NULL, (gchar **) argv->pdata, NULL,
          G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &complaints, &status,
          &error), "%s", error ? error->message : "");
  fail_unless (status == 0 && *complaints == '\0', "ffmpeg on %s and so on: "
      "%s", paths[0], complaints);
  n = count_lines (output);
  g_free (output);
  g_free (complaints);
  g_ptr_array_unref (argv);

  return n;
}

guint
feed_decode (FaultServer * server, guint n_files, const gchar * stream)
{
  gchar *folder = sink_folder_new ();
  gchar **paths = g_new0 (gchar *, n_files + 1);
  GBytes *file;
  guint i, n;

  for (i = 0; i < n_files; i++) {
    file = feed_get_file (server, i);
    paths[i] = g_strdup_printf ("%s/%u", folder, i);
    fail_unless (g_file_set_contents (paths[i], g_bytes_get_data (file, NULL),
            g_bytes_get_size (file), NULL));
    g_bytes_unref (file);
  }
  n = feed_decode_paths ((const gchar * const *) paths, stream);
  g_strfreev (paths);
  sink_folder_free (folder);

  return n;
}
