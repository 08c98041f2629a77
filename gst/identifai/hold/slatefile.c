/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "slatefile.h"
#include "codecs.h"
#include "framereader.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

/* The caller, the thread and each pad have a reference. */
typedef struct
{
  gatomicrefcount refcount;
  gchar *name, *path;
  GstCaps *video_caps, *sound_caps;     /* or NULL */
  gint64 deadline;

  GMutex lock;
  GCond cond;
  /* lock: */
  GPtrArray *inputs;            /* of Input, owned by their pads */
  guint n_open;                 /* of them, that have no EOS yet */
  gboolean complete;            /* there will be no more */
  GError *error;                /* the first one */
  gboolean stopped;
} Load;

/* A bare pad, and what it fills: its streaming thread's, until the pipeline stopped. */
typedef struct
{
  Load *load;
  GstPad *pad;                  /* owned by the load's inputs */
  gboolean is_video;
  gboolean over;
  GstSegment segment;
  IdentifaiSlateTrack *track;   /* or NULL */
} Input;

static void
input_free (gpointer data)
{
  Input *input = data;

  gst_object_unref (input->pad);
  g_clear_pointer (&input->track, identifai_slate_track_unref);
  g_free (input);
}

static Load *
load_ref (Load * load)
{
  g_atomic_ref_count_inc (&load->refcount);

  return load;
}

static void
load_unref (Load * load)
{
  if (!g_atomic_ref_count_dec (&load->refcount))
    return;
  g_ptr_array_unref (load->inputs);
  g_clear_error (&load->error);
  gst_clear_caps (&load->video_caps);
  gst_clear_caps (&load->sound_caps);
  g_cond_clear (&load->cond);
  g_mutex_clear (&load->lock);
  g_free (load->name);
  g_free (load->path);
  g_free (load);
}

/* Takes over error. */
static void
fail (Load * load, GError * error)
{
  g_mutex_lock (&load->lock);
  GST_DEBUG_ID (load->name, "%s: %s", load->path, error->message);
  if (load->error == NULL)
    load->error = g_steal_pointer (&error);
  g_cond_broadcast (&load->cond);
  g_mutex_unlock (&load->lock);
  g_clear_error (&error);
}

/* Pads. */

static void
end_input (Input * input)
{
  g_mutex_lock (&input->load->lock);
  if (!input->over)
    input->load->n_open--;
  input->over = TRUE;
  g_cond_broadcast (&input->load->cond);
  g_mutex_unlock (&input->load->lock);
}

static GstFlowReturn
chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Input *input = gst_pad_get_element_private (pad);
  const GstSegment *segment = &input->segment;
  gint64 dts = IDENTIFAI_NO_TIME, pts = IDENTIFAI_NO_TIME, duration =
      IDENTIFAI_NO_TIME;

  if (segment->format == GST_FORMAT_TIME) {
    dts = identifai_running_time (segment, GST_BUFFER_DTS (buffer));
    pts = identifai_running_time (segment, GST_BUFFER_PTS (buffer));
    duration = identifai_running_duration (segment,
        GST_BUFFER_DURATION (buffer));
  }
  if (input->track != NULL
      && identifai_slate_track_add (input->track, buffer, dts, pts, duration))
    return GST_FLOW_OK;
  if (input->track == NULL)
    gst_buffer_unref (buffer);
  end_input (input);

  return GST_FLOW_EOS;
}

/* Other caps than those that it began with end it. */
static void
set_caps (Input * input, GstCaps * caps)
{
  GST_DEBUG_ID (input->load->name, "%" GST_PTR_FORMAT, caps);
  if (input->track == NULL)
    input->track = identifai_slate_track_new (input->load->name, caps);
  else if (identifai_codec_caps_differ (caps,
          identifai_slate_track_get_caps (input->track))) {
    GST_DEBUG_ID (input->load->name, "other caps end it after %u frames",
        identifai_slate_track_count (input->track));
    identifai_slate_track_finish (input->track);
  }
}

static gboolean
handle_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Input *input = gst_pad_get_element_private (pad);
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      set_caps (input, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &input->segment);
      identifai_running_bound_segment (&input->segment);
      break;
    case GST_EVENT_EOS:
      end_input (input);
      break;
    default:
      break;
  }
  gst_event_unref (event);

  return TRUE;
}

/* caps: what it takes; NULL: any. Borrowed. */
static GstPad *
add_input (Load * load, gboolean is_video, GstCaps * caps)
{
  GstCaps *taken = caps ? gst_caps_ref (caps) : gst_caps_new_any ();
  GstPadTemplate *pad_template = gst_pad_template_new ("sink", GST_PAD_SINK,
      GST_PAD_ALWAYS, taken);
  Input *input = g_new0 (Input, 1);

  input->load = load;
  input->is_video = is_video;
  gst_segment_init (&input->segment, GST_FORMAT_UNDEFINED);
  gst_object_ref_sink (pad_template);
  input->pad = gst_pad_new_from_template (pad_template, "sink");
  gst_object_unref (pad_template);
  gst_caps_unref (taken);
  gst_object_ref_sink (input->pad);
  gst_pad_set_element_private (input->pad, input);
  gst_pad_set_chain_function (input->pad, chain);
  gst_pad_set_event_function (input->pad, handle_event);
  gst_pad_set_active (input->pad, TRUE);

  g_mutex_lock (&load->lock);
  g_ptr_array_add (load->inputs, input);
  load->n_open++;
  g_mutex_unlock (&load->lock);

  return input->pad;
}

static gboolean
has_video (Load * load)
{
  gboolean has = FALSE;
  guint i;

  g_mutex_lock (&load->lock);
  for (i = 0; i < load->inputs->len; i++)
    has |= ((Input *) g_ptr_array_index (load->inputs, i))->is_video;
  g_mutex_unlock (&load->lock);

  return has;
}

/* A new reference: where a parser's media leaves. NULL: there is none. */
static GstPad *
add_parser (GstElement * pipeline, GstPad * pad, const IdentifaiCodec * codec)
{
  GstElement *parser = codec->parser ?
      gst_element_factory_make (codec->parser, NULL) : NULL;
  GstPad *sink;

  GST_DEBUG_OBJECT (pad, "%s goes through %s", codec->name,
      parser ? codec->parser : "no parser");
  if (parser == NULL)
    return gst_object_ref (pad);
  gst_bin_add (GST_BIN (pipeline), parser);
  sink = gst_element_get_static_pad (parser, "sink");
  gst_element_set_state (parser, GST_STATE_PLAYING);
  if (GST_PAD_LINK_FAILED (gst_pad_link (pad, sink)))
    GST_WARNING_OBJECT (pad, "%s doesn't take it", codec->parser);
  gst_object_unref (sink);

  return gst_element_get_static_pad (parser, "src");
}

static void
refuse (Load * load, GstPad * pad, const IdentifaiCodec * codec)
{
  GST_DEBUG_ID (load->name, "%s isn't taken", codec->name);
  if (codec->video)
    fail (load, g_error_new (G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
            "what follows the gate doesn't take its video, %s", codec->name));
  end_input (gst_pad_get_element_private (pad));
}

static void
on_pad_added (GstElement * demuxer, GstPad * pad, gpointer user_data)
{
  Load *load = user_data;
  GstElement *pipeline = GST_ELEMENT (GST_OBJECT_PARENT (demuxer));
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const IdentifaiCodec *codec;
  GstPad *last, *input;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  codec = identifai_codec_of_caps (caps);
  GST_DEBUG_ID (load->name, "%s: %" GST_PTR_FORMAT, load->path, caps);
  if (codec != NULL && !(codec->video && has_video (load))) {
    last = add_parser (pipeline, pad, codec);
    input = add_input (load, codec->video,
        codec->video ? load->video_caps : load->sound_caps);
    if (GST_PAD_LINK_FAILED (gst_pad_link (last, input)))
      refuse (load, input, codec);
    gst_object_unref (last);
  } else {
    GST_DEBUG_ID (load->name, "%s isn't used: %s", GST_PAD_NAME (pad),
        codec ? "there is video already" : "its codec is unknown");
  }
  gst_caps_unref (caps);
}

static void
on_all_pads (GstElement * demuxer, gpointer user_data)
{
  Load *load = user_data;

  g_mutex_lock (&load->lock);
  GST_DEBUG_ID (load->name, "%s has %u streams that are used, %u aren't over",
      load->path, load->inputs->len, load->n_open);
  load->complete = TRUE;
  g_cond_broadcast (&load->cond);
  g_mutex_unlock (&load->lock);
}

/* The pipeline. */

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Load *load = user_data;
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    fail (load, error);
  }
  gst_message_unref (message);

  return GST_BUS_DROP;
}

static gboolean
build (Load * load, GstElement * pipeline)
{
  GstElement *source = gst_element_factory_make ("filesrc", NULL);
  GstElement *demuxer = gst_element_factory_make ("parsebin", NULL);
  GstBus *bus;

  if (source == NULL || demuxer == NULL) {
    gst_clear_object (&source);
    gst_clear_object (&demuxer);
    fail (load, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
            "it takes filesrc and parsebin, of gstreamer1.0-plugins-base"));
    return FALSE;
  }
  g_object_set (source, "location", load->path, NULL);
  g_signal_connect (demuxer, "pad-added", G_CALLBACK (on_pad_added), load);
  g_signal_connect (demuxer, "no-more-pads", G_CALLBACK (on_all_pads), load);
  g_signal_connect (demuxer, "drained", G_CALLBACK (on_all_pads), load);
  gst_bin_add_many (GST_BIN (pipeline), source, demuxer, NULL);
  gst_element_link (source, demuxer);
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, on_message, load_ref (load),
      (GDestroyNotify) load_unref);
  gst_object_unref (bus);

  return TRUE;
}

static gboolean
is_over_locked (Load * load)
{
  return load->error != NULL || (load->complete && load->n_open == 0);
}

static gpointer
drive (gpointer user_data)
{
  Load *load = user_data;
  GstElement *pipeline = gst_pipeline_new ("slate");

  if (build (load, pipeline))
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_mutex_lock (&load->lock);
  while (!is_over_locked (load))
    if (!g_cond_wait_until (&load->cond, &load->lock, load->deadline))
      break;
  if (!is_over_locked (load))
    load->error = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "reading it takes too long");
  g_mutex_unlock (&load->lock);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);

  g_mutex_lock (&load->lock);
  load->stopped = TRUE;
  g_cond_broadcast (&load->cond);
  g_mutex_unlock (&load->lock);
  load_unref (load);

  return NULL;
}

/* What came of it. */

static gboolean
add_track (IdentifaiSlate * slate, const Input * input, GError ** error)
{
  gboolean usable = input->track != NULL
      && identifai_slate_track_finish (input->track);

  if (usable && input->is_video)
    slate->video = identifai_slate_track_ref (input->track);
  else if (usable)
    g_ptr_array_add (slate->sounds, identifai_slate_track_ref (input->track));
  else if (input->is_video)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "there is no key frame in its video");

  return usable || !input->is_video;
}

static IdentifaiSlate *
collect (Load * load, GError ** error)
{
  IdentifaiSlate *slate = g_new0 (IdentifaiSlate, 1);
  guint i;

  slate->sounds = g_ptr_array_new_with_free_func ((GDestroyNotify)
      identifai_slate_track_unref);
  for (i = 0; i < load->inputs->len; i++)
    if (!add_track (slate, g_ptr_array_index (load->inputs, i), error))
      break;
  if (i == load->inputs->len && slate->video != NULL)
    return slate;
  if (i == load->inputs->len)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "there is no video in it");
  identifai_slate_free (slate);

  return NULL;
}

static Load *
load_new (const gchar * name, const gchar * path, GstCaps * video,
    GstCaps * sound, gint64 patience)
{
  Load *load = g_new0 (Load, 1);

  g_atomic_ref_count_init (&load->refcount);
  load->name = g_strdup (name);
  load->path = g_strdup (path);
  load->video_caps = video ? gst_caps_ref (video) : NULL;
  load->sound_caps = sound ? gst_caps_ref (sound) : NULL;
  load->deadline = g_get_monotonic_time () + patience;
  g_mutex_init (&load->lock);
  g_cond_init (&load->cond);
  load->inputs = g_ptr_array_new_with_free_func (input_free);

  return load;
}

IdentifaiSlate *
identifai_slate_load (const gchar * name, const gchar * path, GstCaps * video,
    GstCaps * sound, gint64 patience, GError ** error)
{
  Load *load = load_new (name, path, video, sound, patience);
  /* stopping it takes a moment, too */
  gint64 until = load->deadline + G_TIME_SPAN_SECOND;
  IdentifaiSlate *slate = NULL;
  gboolean stopped;

  g_thread_unref (g_thread_new ("identifai-slate", drive, load_ref (load)));
  g_mutex_lock (&load->lock);
  while (!load->stopped)
    if (!g_cond_wait_until (&load->cond, &load->lock, until))
      break;
  stopped = load->stopped;
  if (load->error != NULL)
    g_propagate_error (error, g_error_copy (load->error));
  else if (!stopped)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
        "reading it takes too long");
  else
    slate = collect (load, error);
  g_mutex_unlock (&load->lock);
  GST_DEBUG_ID (name, "reading %s took %" G_GINT64_FORMAT " ms of %"
      G_GINT64_FORMAT "%s", path, (g_get_monotonic_time () + patience -
          load->deadline) / 1000, patience / 1000,
      stopped ? "" : ", and still isn't stopped");
  load_unref (load);

  return slate;
}

void
identifai_slate_free (IdentifaiSlate * self)
{
  g_clear_pointer (&self->video, identifai_slate_track_unref);
  g_ptr_array_unref (self->sounds);
  g_free (self);
}
