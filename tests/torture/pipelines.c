/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pipelines.h"
#include "failing.h"

#define CLIP "clip.mp4"
#define READ "filesrc location=%s ! qtdemux name=d "
#define SINK "identifaisink segment-duration=500000000 "
#define LOSS 23                 /* one packet of so many */

typedef struct
{
  const gchar *name;
  const gchar *description;     /* %s: the clip */
} Row;

static const Row rows[] = {
  {"file", READ "d.video_0 ! queue ! " SINK},
  {"live", "appsrc name=video is-live=true format=time ! " SINK "name=s "
        "appsrc name=audio is-live=true format=time ! s.audio_0"},
  {"container", "filesrc location=%s blocksize=4096 ! " SINK},
  {"rtp", READ "d.video_0 ! queue ! h264parse ! rtph264pay mtu=300 "
        "config-interval=-1 ! identity name=loss ! rtph264depay ! h264parse ! "
        SINK},
  {"several", READ "d.video_0 ! tee name=t  t. ! queue ! " SINK
        "t. ! queue ! " SINK "t. ! queue ! " SINK},
  {"image", "videotestsrc num-buffers=12 ! video/x-raw,width=64,height=48 ! "
        "jpegenc ! identifaiimagesink"},
  {"speech", READ "d.audio_0 ! queue ! identifaispeechsink "
        "segment-duration=1000000000"},
  {"gate", READ "d.video_0 ! queue ! identifaigate segment-duration=500000000 "
        "! fakesink"},
};

const gchar *const pipeline_names[] = {
  "file", "live", "container", "rtp", "several", "image", "speech", "gate", NULL
};

static GstElement *
parse (const gchar * description)
{
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (description, &error);

  if (error != NULL)
    g_error ("%s: %s", description, error->message);

  return gst_object_ref_sink (pipeline);
}

static void
run (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    g_error ("%s", gst_structure_to_string (gst_message_get_structure
            (message)));
  gst_message_unref (message);
  gst_object_unref (bus);
}

static void
stop (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

void
pipeline_make_clip (const gchar * folder)
{
  gchar *description =
      g_strdup_printf ("videotestsrc num-buffers=75 ! video/x-raw,format=I420,"
      "width=64,height=48,framerate=25/1 ! x264enc key-int-max=12 bframes=2 "
      "speed-preset=ultrafast ! h264parse ! mp4mux name=m ! filesink "
      "location=%s/" CLIP " audiotestsrc num-buffers=130 ! audio/x-raw,"
      "rate=44100,channels=1 ! avenc_aac ! aacparse ! m.", folder);
  GstElement *pipeline = parse (description);

  run (pipeline);
  stop (pipeline);
  g_free (description);
}

static GstPadProbeReturn
lose (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  guint *n_packets = user_data;

  return ++ * n_packets % LOSS == 0 ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
}

static void
add_loss (GstElement * pipeline)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (pipeline), "loss");
  GstPad *pad;

  if (element == NULL)
    return;
  pad = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, lose,
      g_new0 (guint, 1), g_free);
  gst_object_unref (pad);
  gst_object_unref (element);
}

typedef struct
{
  const gchar *url;
  gchar *key_file;
} Settings;

static void
set_up_judge (const GValue * item, gpointer user_data)
{
  GstElement *sink = g_value_get_object (item);
  Settings *settings = user_data;

  gst_util_set_object_arg (G_OBJECT (sink), "rate-limits", "limits,"
      "post-per-second=(uint)0,post-per-minute=(uint)0,"
      "get-per-second=(uint)0,get-per-minute=(uint)0");
  g_object_set (sink, "endpoint", settings->url, "allow-plain-http", TRUE,
      "api-key-file", settings->key_file, "retries", 1, "timeout", 5,
      "verdict-timeout", 8 * GST_SECOND, "drain-timeout", 10 * GST_SECOND,
      NULL);
}

static const gchar *
description_of (const gchar * name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_str_equal (rows[i].name, name))
      return rows[i].description;
  g_error ("there is no pipeline \"%s\"", name);
}

void
pipeline_for_each_judge (GstElement * pipeline, GstIteratorForeachFunction act,
    gpointer user_data)
{
  static const gchar *const names[] = { "identifaisink", "identifaiimagesink",
    "identifaispeechsink", "identifaigate"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstIterator *judges =
        gst_bin_iterate_all_by_element_factory_name (GST_BIN (pipeline),
        names[i]);

    gst_iterator_foreach (judges, act, user_data);
    gst_iterator_free (judges);
  }
}

GstElement *
pipeline_new (const gchar * name, const gchar * folder, const gchar * url)
{
  gchar *clip = g_build_filename (folder, CLIP, NULL);
  gchar **parts = g_strsplit (description_of (name), "%s", 2);
  gchar *description = g_strjoinv (clip, parts);
  Settings settings = { url, g_build_filename (folder, FAILING_FILE, NULL) };
  GstElement *pipeline = parse (description);

  pipeline_for_each_judge (pipeline, set_up_judge, &settings);
  add_loss (pipeline);
  g_free (settings.key_file);
  g_free (description);
  g_strfreev (parts);
  g_free (clip);

  return pipeline;
}

/* What is fed. */

/* A pipeline that ended, with its samples in appsinks. */
static GstElement *
load (const gchar * folder)
{
  gchar *description = g_strdup_printf ("filesrc location=%s/" CLIP
      " ! qtdemux name=d d.video_0 ! queue ! appsink name=video sync=false "
      "wait-on-eos=false d.audio_0 ! queue ! appsink name=audio sync=false "
      "wait-on-eos=false", folder);
  GstElement *pipeline = parse (description);

  run (pipeline);
  g_free (description);

  return pipeline;
}

/* FALSE: there is no more. */
static gboolean
pass_sample (GstElement * from, GstElement * to, GstFlowReturn * flow)
{
  GstSample *sample = NULL;

  g_signal_emit_by_name (from, "pull-sample", &sample);
  if (sample == NULL)
    return FALSE;
  g_signal_emit_by_name (to, "push-sample", sample, flow);
  gst_sample_unref (sample);

  return *flow == GST_FLOW_OK;
}

static void
pass_stream (GstElement * loaded, GstElement * pipeline, const gchar * name)
{
  GstElement *from = gst_bin_get_by_name (GST_BIN (loaded), name);
  GstElement *to = gst_bin_get_by_name (GST_BIN (pipeline), name);
  GstFlowReturn flow = GST_FLOW_OK;

  while (pass_sample (from, to, &flow));
  g_signal_emit_by_name (to, "end-of-stream", &flow);
  gst_object_unref (from);
  gst_object_unref (to);
}

void
pipeline_feed (GstElement * pipeline, const gchar * folder)
{
  GstElement *source = gst_bin_get_by_name (GST_BIN (pipeline), "audio");
  GstElement *loaded;

  if (source == NULL)
    return;
  gst_object_unref (source);
  loaded = load (folder);
  pass_stream (loaded, pipeline, "video");
  pass_stream (loaded, pipeline, "audio");
  stop (loaded);
}
