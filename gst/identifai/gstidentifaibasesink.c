/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaibasesink.h"

#include <string.h>

#include "gstidentifaidrain.h"
#include "gstidentifaierrors.h"
#include "gstidentifaisignals.h"
#include "clock.h"
#include "heldbuffer.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

G_DEFINE_ABSTRACT_TYPE (GstIdentifaiBaseSink, gst_identifai_base_sink,
    GST_TYPE_BASE_SINK);

#define parent_class GST_BASE_SINK_CLASS (gst_identifai_base_sink_parent_class)

/* Properties. */

static void
gst_identifai_base_sink_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  gst_identifai_engine_set_property (GST_IDENTIFAI_BASE_SINK (object)->engine,
      id, value, pspec);
}

static gdouble
coverage_locked (GstIdentifaiBaseSink * self)
{
  if (!self->engine->running)
    return self->last_coverage;

  return GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->get_coverage_locked (self);
}

static GstStructure *
get_stats (GstIdentifaiBaseSink * self)
{
  GstStructure *stats = gst_structure_new_empty ("stats");

  gst_identifai_outbox_get_stats (self->engine->outbox, stats);
  g_mutex_lock (&self->engine->lock);
  gst_structure_set (stats, "coverage", G_TYPE_DOUBLE, coverage_locked (self),
      NULL);
  g_mutex_unlock (&self->engine->lock);

  return stats;
}

static void
gst_identifai_base_sink_get_property (GObject * object, guint id,
    GValue * value, GParamSpec * pspec)
{
  GstIdentifaiBaseSink *self = GST_IDENTIFAI_BASE_SINK (object);

  if (id == PROP_STATS)
    g_value_take_boxed (value, get_stats (self));
  else
    gst_identifai_engine_get_property (self->engine, id, value);
}

/* States. */

static void
drop_locked (GstIdentifaiBaseSink * self, GstIdentifaiDrop reason)
{
  GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->drop_locked (self, reason);
}

/* From READY to PAUSED. */
static gboolean
start (GstIdentifaiBaseSink * self)
{
  GError *error = NULL;

  if (!gst_identifai_engine_start (self->engine, &error)) {
    GST_WARNING_OBJECT (self, "can't start: %s", error->message);
    gst_identifai_engine_queue (self->engine,
        gst_identifai_error_start (GST_ELEMENT (self), error));
    gst_identifai_reporter_post (self->engine->reporter);
    g_error_free (error);
    return FALSE;
  }

  g_mutex_lock (&self->engine->lock);
  self->started = self->held = self->interrupted = FALSE;
  GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->reset_locked (self);
  gst_identifai_silence_start_locked (self->silence);
  g_mutex_unlock (&self->engine->lock);

  return TRUE;
}

/* From PAUSED to READY. Pads are inactive: no streaming thread is left. */
static void
stop (GstIdentifaiBaseSink * self)
{
  g_mutex_lock (&self->engine->lock);
  gst_identifai_silence_stop_locked (self->silence);
  drop_locked (self, GST_IDENTIFAI_DROP_STOPPED);
  self->last_coverage = coverage_locked (self);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_stop (self->engine);
}

/* The base class would start and stop between NULL and READY, so that what is
 * set in READY would count for nothing, and post an error of its own. */
static GstStateChangeReturn
gst_identifai_base_sink_change_state (GstElement * element,
    GstStateChange transition)
{
  GstIdentifaiBaseSink *self = GST_IDENTIFAI_BASE_SINK (element);
  GstStateChangeReturn ret;

  GST_DEBUG_OBJECT (self, "%s", gst_state_change_get_name (transition));
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  /* Other threads of the element may wait for the streaming thread, which is
   * stopped: they go on before the pads are deactivated. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_identifai_engine_begin_stop (self->engine);

  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    stop (self);
  GST_DEBUG_OBJECT (self, "%s: %s", gst_state_change_get_name (transition),
      gst_element_state_change_return_get_name (ret));

  return ret;
}

/* Buffers. */

GstClockTime
gst_identifai_base_sink_get_running_time (GstIdentifaiBaseSink * self,
    GstClockTime time)
{
  const GstSegment *segment = &GST_BASE_SINK_CAST (self)->segment;
  gint64 running = -1;

  if (segment->format == GST_FORMAT_TIME)
    running = identifai_running_time (segment, time);

  return running >= 0 ? (GstClockTime) running : GST_CLOCK_TIME_NONE;
}

static GstFlowReturn
start_stream (GstIdentifaiBaseSink * self, GstBuffer * buffer)
{
  GstIdentifaiBaseSinkClass *klass = GST_IDENTIFAI_BASE_SINK_GET_CLASS (self);
  gboolean live = gst_identifai_engine_ask_live (GST_BASE_SINK_PAD (self));

  GST_DEBUG_OBJECT (self, "the first buffer of a stream: %" GST_PTR_FORMAT,
      buffer);
  g_mutex_lock (&self->engine->lock);
  gst_identifai_engine_set_live_locked (self->engine, live);
  g_mutex_unlock (&self->engine->lock);

  if (klass->start_stream != NULL
      && klass->start_stream (self, buffer) != GST_FLOW_OK) {
    gst_identifai_outbox_sum_up (self->engine->outbox, FALSE);
    gst_identifai_drain_act (self);
    return GST_FLOW_ERROR;
  }

  return gst_identifai_drain_wait_for_earlier (self);
}

static GstFlowReturn
gst_identifai_base_sink_render (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiBaseSink *self = (GstIdentifaiBaseSink *) bsink;
  GstIdentifaiEngine *engine = self->engine;
  GstBuffer *held = identifai_buffer_hold (buffer);
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean first;

  g_mutex_lock (&engine->lock);
  first = !self->started;
  self->started = TRUE;
  gst_identifai_silence_end_locked (self->silence);
  if (self->held)
    identifai_arrival_pace_resume (&engine->pace, identifai_clock_now ());
  self->held = FALSE;
  identifai_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);

  if (first)
    ret = start_stream (self, held);
  if (ret != GST_FLOW_OK) {
    gst_buffer_unref (held);
    return ret;
  }

  return GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->take (self, held);
}

/* The streaming thread waits for PLAYING with its first buffer. */
static GstFlowReturn
gst_identifai_base_sink_preroll (GstBaseSink * bsink, GstBuffer * buffer)
{
  GstIdentifaiBaseSink *self = GST_IDENTIFAI_BASE_SINK (bsink);

  GST_DEBUG_OBJECT (self, "prerolled with %" GST_PTR_FORMAT, buffer);
  g_mutex_lock (&self->engine->lock);
  self->held = TRUE;
  g_mutex_unlock (&self->engine->lock);

  return GST_FLOW_OK;
}

/* End of stream. */

/* Takes over the event. */
static gboolean
handle_eos (GstIdentifaiBaseSink * self, GstEvent * eos)
{
  GError *error = NULL;

  GST_DEBUG_OBJECT (self, "the stream is over");
  g_mutex_lock (&self->engine->lock);
  GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->finish_locked (self, &error);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_engine_queue_error (self->engine, error);

  if (gst_identifai_drain_act (self) != GST_FLOW_OK
      || gst_identifai_drain (self, eos) != GST_FLOW_OK) {
    gst_event_unref (eos);
    return FALSE;
  }

  return parent_class->event (GST_BASE_SINK (self), eos);
}

/* Events. */

/* Takes over the event. The base class asks GstSegment for running times, too. */
static GstEvent *
bound_segment (GstIdentifaiBaseSink * self, GstEvent * event)
{
  GstSegment segment;
  GstEvent *bounded;

  gst_event_copy_segment (event, &segment);
  if (!identifai_running_bound_segment (&segment))
    return event;
  GST_WARNING_OBJECT (self, "times without bound: %" GST_PTR_FORMAT, event);
  bounded = gst_event_new_segment (&segment);
  gst_event_set_seqnum (bounded, gst_event_get_seqnum (event));
  gst_event_unref (event);

  return bounded;
}

static void
handle_event_locked (GstIdentifaiBaseSink * self, GstEvent * event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      self->started = FALSE;
      break;
    case GST_EVENT_GAP:
      gst_identifai_silence_end_locked (self->silence);
      break;
    case GST_EVENT_FLUSH_STOP:
      GST_DEBUG_OBJECT (self, "flushed: what isn't handed on is dropped");
      drop_locked (self, GST_IDENTIFAI_DROP_FLUSHED);
      self->started = FALSE;
      break;
    default:
      break;
  }
  GST_IDENTIFAI_BASE_SINK_GET_CLASS (self)->handle_event_locked (self, event);
}

/* The base class has the preroll lock for serialized events, but for FLUSH_STOP. */
static GstFlowReturn
act_after_event (GstIdentifaiBaseSink * self, GstEvent * event)
{
  if (GST_EVENT_IS_SERIALIZED (event)
      && GST_EVENT_TYPE (event) != GST_EVENT_FLUSH_STOP)
    return gst_identifai_drain_act (self);
  gst_identifai_engine_act (self->engine);

  return GST_FLOW_OK;
}

static gboolean
gst_identifai_base_sink_event (GstBaseSink * bsink, GstEvent * event)
{
  GstIdentifaiBaseSink *self = GST_IDENTIFAI_BASE_SINK (bsink);

  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    return handle_eos (self, event);
  if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
    event = bound_segment (self, event);

  g_mutex_lock (&self->engine->lock);
  handle_event_locked (self, event);
  gst_identifai_engine_dispatch_locked (self->engine);
  g_mutex_unlock (&self->engine->lock);

  if (act_after_event (self, event) != GST_FLOW_OK) {
    gst_event_unref (event);
    return FALSE;
  }

  return parent_class->event (bsink, event);
}

/* With the preroll lock. */
static gboolean
gst_identifai_base_sink_unlock_stop (GstBaseSink * bsink)
{
  gst_identifai_drain_interrupt (GST_IDENTIFAI_BASE_SINK (bsink));

  return TRUE;
}

/* Its life. */

void
gst_identifai_base_sink_set_up (GstIdentifaiBaseSink * self,
    GstIdentifaiElements element)
{
  self->engine = gst_identifai_engine_new (GST_ELEMENT (self), element,
      GST_BASE_SINK_PAD (self), NULL);
  self->silence = gst_identifai_silence_new (self->engine);
}

/* GObject calls the functions of the class that has a property. */
void
gst_identifai_base_sink_set_up_class (gpointer klass,
    GstIdentifaiElements element, void (*finalize) (GObject * object),
    GstStaticPadTemplate * pad, const gchar * name, const gchar * media,
    const gchar * what)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  gchar *classification = g_strconcat ("Sink/Network/", media, NULL);
  gchar *text = g_strdup_printf ("Posts %s to identifAI's classification "
      "service and emits the verdicts", what);
  gchar *type = g_ascii_strdown (G_OBJECT_CLASS_NAME (klass), -1);
  gchar *page = g_strconcat (GST_IDENTIFAI_PAGES, type + strlen ("gst"), ".md",
      NULL);

  object_class->finalize = finalize;
  object_class->set_property = gst_identifai_base_sink_set_property;
  object_class->get_property = gst_identifai_base_sink_get_property;
  gst_identifai_properties_install (object_class, element);
  gst_element_class_add_static_pad_template (element_class, pad);
  gst_element_class_set_metadata (element_class, name, classification, text,
      "identifAI <https://www.identifai.net/>");
  gst_element_class_add_metadata (element_class, GST_ELEMENT_METADATA_DOC_URI,
      page);
  g_free (classification);
  g_free (text);
  g_free (type);
  g_free (page);
}

static void
gst_identifai_base_sink_finalize (GObject * object)
{
  GstIdentifaiBaseSink *self = GST_IDENTIFAI_BASE_SINK (object);

  gst_identifai_silence_free (self->silence);
  gst_identifai_engine_free (self->engine);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_identifai_base_sink_init (GstIdentifaiBaseSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  gst_base_sink_set_sync (bsink, FALSE);
  gst_base_sink_set_last_sample_enabled (bsink, FALSE);
}

static void
gst_identifai_base_sink_class_init (GstIdentifaiBaseSinkClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *bsink_class = GST_BASE_SINK_CLASS (klass);

  object_class->finalize = gst_identifai_base_sink_finalize;
  gst_identifai_signals_install (G_TYPE_FROM_CLASS (klass));

  element_class->change_state = gst_identifai_base_sink_change_state;

  bsink_class->preroll = gst_identifai_base_sink_preroll;
  bsink_class->render = gst_identifai_base_sink_render;
  bsink_class->event = gst_identifai_base_sink_event;
  bsink_class->unlock_stop = gst_identifai_base_sink_unlock_stop;

  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_BASE_SINK, 0);
}
