/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiaudiopad.h"

#include <stdio.h>

#include "gstidentifaierrors.h"
#include "gstidentifaiupstream.h"
#include "clock.h"
#include "heldbuffer.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* Sound for so long and nothing linked to the sink pad: it won't come any more. */
#define MAX_ALONE (10 * GST_SECOND)

/* Waits that are longer leave a line, in µs. */
#define LONG_WAIT (100 * 1000)

struct _GstIdentifaiAudioPad
{
  GstPad parent;

  GstIdentifaiEngine *engine;   /* the parent's, and there as long as that is */
  const GstIdentifaiAudioPadFuncs *funcs;
  guint stream;                 /* of the segmenter */

  GstSegment segment;           /* streaming thread */
  guint32 flush_seqnum;         /* the engine's lock; 0: none */
};

G_DEFINE_TYPE (GstIdentifaiAudioPad, gst_identifai_audio_pad, GST_TYPE_PAD);

gboolean
gst_identifai_audio_pad_was_flushed (GstIdentifaiAudioPad * self,
    guint32 seqnum)
{
  gboolean was;

  g_mutex_lock (&self->engine->lock);
  was = self->flush_seqnum == seqnum;
  g_mutex_unlock (&self->engine->lock);

  return was;
}

static GstClockTime
running_time_of (GstIdentifaiAudioPad * self, GstBuffer * buffer)
{
  return self->segment.format == GST_FORMAT_TIME ?
      gst_segment_to_running_time (&self->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer)) : GST_CLOCK_TIME_NONE;
}

/* Sound without video. */

/* Nor was there any: an application may take the video away before the sound. */
static gboolean
lacks_video_locked (GstIdentifaiEngine * engine)
{
  return engine->next_number == 0 && !gst_pad_is_linked (engine->video_pad);
}

/* TRUE once, when it is time to say that sound alone makes no segment. A demuxer
 * links this pad only, and nobody ever tells the sink pad anything. */
static gboolean
is_alone_locked (GstIdentifaiEngine * engine, GstClockTime time)
{
  if (!GST_CLOCK_TIME_IS_VALID (time) || engine->told_no_video
      || !lacks_video_locked (engine))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (engine->first_sound))
    engine->first_sound = time;
  engine->told_no_video = time > engine->first_sound + MAX_ALONE;

  return engine->told_no_video;
}

/* is_error: it is over. The sink pad, which ends streams, has none that could end. */
static void
tell_no_video (GstIdentifaiEngine * engine, gboolean is_error)
{
  gchar *advice = gst_identifai_upstream_advise (engine->element);

  GST_WARNING_OBJECT (engine->element, "sound, and no video. %s", advice);
  gst_identifai_engine_queue (engine,
      gst_identifai_message_no_video (engine->element, advice, is_error));
  gst_identifai_reporter_post (engine->reporter);
  g_free (advice);
}

/* Buffers. */

static gboolean
must_wait_locked (GstIdentifaiAudioPad * self, GstElement * element,
    GstClockTime time)
{
  return self->funcs->holds_locked != NULL && !self->engine->stopping
      && !GST_PAD_IS_FLUSHING (self) && GST_CLOCK_TIME_IS_VALID (time)
      && self->funcs->holds_locked (element, time);
}

static void
wait_locked (GstIdentifaiAudioPad * self, GstElement * element,
    GstClockTime time)
{
  gint64 start = identifai_clock_now (), took;

  while (must_wait_locked (self, element, time))
    identifai_cond_wait (&self->engine->cond, &self->engine->lock);

  took = identifai_clock_now () - start;
  if (took > LONG_WAIT)
    GST_DEBUG_OBJECT (self, "sound at %" GST_TIME_FORMAT " waited for %"
        G_GINT64_FORMAT " ms, as the video is held", GST_TIME_ARGS (time),
        took / 1000);
}

/* Takes over a held buffer. */
static GstFlowReturn
push_locked (GstIdentifaiAudioPad * self, GstBuffer * buffer, GstClockTime time)
{
  if (self->engine->stopping || GST_PAD_IS_FLUSHING (self)) {
    GST_DEBUG_OBJECT (self, "sound at %" GST_TIME_FORMAT " comes too late, "
        "%s", GST_TIME_ARGS (time),
        self->engine->stopping ? "as the element stops" : "in a flush");
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }

  GST_LOG_OBJECT (self, "sound at %" GST_TIME_FORMAT ": %" GST_PTR_FORMAT,
      GST_TIME_ARGS (time), buffer);
  gst_identifai_engine_push_audio_locked (self->engine, self->stream, buffer);

  return GST_FLOW_OK;
}

static GstFlowReturn
gst_identifai_audio_pad_chain (GstPad * pad, GstObject * parent,
    GstBuffer * buffer)
{
  GstIdentifaiAudioPad *self = GST_IDENTIFAI_AUDIO_PAD (pad);
  GstIdentifaiEngine *engine = self->engine;
  GstElement *element = GST_ELEMENT (parent);
  GstClockTime time = running_time_of (self, buffer);
  GstBuffer *held = identifai_buffer_hold (buffer), *passed = NULL;
  GstFlowReturn ret;
  gboolean alone;

  gst_buffer_unref (buffer);
  if (self->funcs->pass != NULL)
    passed = gst_buffer_ref (held);

  g_mutex_lock (&engine->lock);
  wait_locked (self, element, time);
  ret = push_locked (self, held, time);
  alone = is_alone_locked (engine, time);
  g_mutex_unlock (&engine->lock);

  gst_identifai_engine_act (engine);
  if (alone)
    tell_no_video (engine, FALSE);
  if (ret == GST_FLOW_OK && passed != NULL)
    return self->funcs->pass (element, self, passed);
  gst_clear_buffer (&passed);

  return ret;
}

/* Events. */

static void
set_segment_locked (GstIdentifaiAudioPad * self, GstEvent * event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  GST_DEBUG_OBJECT (self, "%" GST_SEGMENT_FORMAT, segment);
  self->segment = *segment;
  identifai_running_bound_segment (&self->segment);
  identifai_segmenter_set_segment (self->engine->segmenter, self->stream,
      segment);
}

static void
flush_locked (GstIdentifaiAudioPad * self)
{
  GST_DEBUG_OBJECT (self, "flushed: what waits for its segment goes");
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  identifai_segmenter_flush (self->engine->segmenter, self->stream);
}

static gboolean
handle_event_locked (GstIdentifaiAudioPad * self, GstEvent * event)
{
  GstIdentifaiEngine *engine = self->engine;
  GstClockTime timestamp, duration;
  GstCaps *caps;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      GST_INFO_OBJECT (self, "%" GST_PTR_FORMAT, caps);
      return gst_identifai_engine_set_audio_caps_locked (engine, self->stream,
          caps);
    case GST_EVENT_SEGMENT:
      set_segment_locked (self, event);
      break;
    case GST_EVENT_GAP:
      gst_event_parse_gap (event, &timestamp, &duration);
      identifai_segmenter_gap (engine->segmenter, self->stream, timestamp,
          duration);
      break;
    case GST_EVENT_EOS:
      GST_DEBUG_OBJECT (self, "the sound is over");
      identifai_segmenter_eos (engine->segmenter, self->stream,
          identifai_clock_now ());
      break;
    case GST_EVENT_FLUSH_START:
      self->flush_seqnum = gst_event_get_seqnum (event);
      break;
    case GST_EVENT_FLUSH_STOP:
      flush_locked (self);
      break;
    default:
      break;
  }

  return TRUE;
}

static gboolean
gst_identifai_audio_pad_event (GstPad * pad, GstObject * parent,
    GstEvent * event)
{
  GstIdentifaiAudioPad *self = GST_IDENTIFAI_AUDIO_PAD (pad);
  GstIdentifaiEngine *engine = self->engine;
  gboolean handled, lacks_video;

  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, event);

  g_mutex_lock (&engine->lock);
  handled = handle_event_locked (self, event);
  lacks_video = lacks_video_locked (engine);
  gst_identifai_engine_dispatch_locked (engine);
  identifai_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);

  gst_identifai_engine_act (engine);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && lacks_video)
    tell_no_video (engine, TRUE);
  if (handled && self->funcs->pass_event != NULL)
    return self->funcs->pass_event (GST_ELEMENT (parent), self, event);
  gst_event_unref (event);

  return handled;
}

/* Deactivation (the flushing flag is set already) wakes a waiting chain. */
static gboolean
gst_identifai_audio_pad_activate_mode (GstPad * pad, GstObject * parent,
    GstPadMode mode, gboolean active)
{
  GstIdentifaiAudioPad *self = GST_IDENTIFAI_AUDIO_PAD (pad);

  if (mode != GST_PAD_MODE_PUSH)
    return FALSE;
  if (active)
    gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  /* A pad is activated before it is added: it has no parent then. */
  if (parent != NULL) {
    g_mutex_lock (&self->engine->lock);
    identifai_cond_broadcast (&self->engine->cond);
    g_mutex_unlock (&self->engine->lock);
  }

  return TRUE;
}

/* Nothing is waited for from a pad that isn't linked. The pad may outlive its
 * element. */
static void
gst_identifai_audio_pad_relink (GstPad * pad, GstPad * peer)
{
  GstIdentifaiAudioPad *self = GST_IDENTIFAI_AUDIO_PAD (pad);
  GstElement *element = gst_pad_get_parent_element (pad);

  if (element == NULL)
    return;
  GST_DEBUG_OBJECT (self, "%s", gst_pad_is_linked (pad) ? "linked" :
      "not linked: nothing is waited for from it");

  g_mutex_lock (&self->engine->lock);
  identifai_segmenter_link_audio (self->engine->segmenter, self->stream,
      gst_pad_is_linked (pad));
  gst_identifai_engine_dispatch_locked (self->engine);
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_act (self->engine);
  gst_object_unref (element);
}

static void
gst_identifai_audio_pad_init (GstIdentifaiAudioPad * self)
{
  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
}

/* The direction is known by now. */
static void
gst_identifai_audio_pad_constructed (GObject * object)
{
  GstPad *pad = GST_PAD (object);

  G_OBJECT_CLASS (gst_identifai_audio_pad_parent_class)->constructed (object);
  gst_pad_set_chain_function (pad, gst_identifai_audio_pad_chain);
  gst_pad_set_event_function (pad, gst_identifai_audio_pad_event);
  gst_pad_set_activatemode_function (pad,
      gst_identifai_audio_pad_activate_mode);
}

static void
gst_identifai_audio_pad_class_init (GstIdentifaiAudioPadClass * klass)
{
  GstPadClass *pad_class = GST_PAD_CLASS (klass);

  G_OBJECT_CLASS (klass)->constructed = gst_identifai_audio_pad_constructed;
  pad_class->linked = gst_identifai_audio_pad_relink;
  pad_class->unlinked = gst_identifai_audio_pad_relink;
}

/* Request and release. */

static gchar *
make_name_locked (GstIdentifaiEngine * engine, const gchar * wanted)
{
  guint number;

  if (wanted != NULL && sscanf (wanted, "audio_%u", &number) == 1) {
    engine->next_audio = MAX (engine->next_audio, number + 1);
    return g_strdup (wanted);
  }

  return g_strdup_printf ("audio_%u", engine->next_audio++);
}

static GstIdentifaiAudioPad *
new_pad (GstIdentifaiEngine * engine, GstPadTemplate * pad_template,
    const gchar * wanted)
{
  GstIdentifaiAudioPad *self;
  gchar *name;

  g_mutex_lock (&engine->lock);
  name = make_name_locked (engine, wanted);
  g_mutex_unlock (&engine->lock);

  self = g_object_new (GST_TYPE_IDENTIFAI_AUDIO_PAD, "name", name,
      "direction", GST_PAD_SINK, "template", pad_template, NULL);
  self->engine = engine;

  g_mutex_lock (&engine->lock);
  self->stream = gst_identifai_engine_add_audio_locked (engine, name);
  g_mutex_unlock (&engine->lock);
  g_free (name);

  return self;
}

static void
remove_stream (GstIdentifaiEngine * engine, guint stream)
{
  g_mutex_lock (&engine->lock);
  gst_identifai_engine_remove_audio_locked (engine, stream);
  g_mutex_unlock (&engine->lock);

  gst_identifai_engine_act (engine);
}

GstPad *
gst_identifai_audio_pad_request (GstElement * element,
    GstIdentifaiEngine * engine, const GstIdentifaiAudioPadFuncs * funcs,
    GstPadTemplate * pad_template, const gchar * name)
{
  GstIdentifaiAudioPad *self = new_pad (engine, pad_template, name);
  guint stream = self->stream;

  self->funcs = funcs;
  if (GST_STATE (element) > GST_STATE_READY
      || GST_STATE_NEXT (element) == GST_STATE_PAUSED)
    gst_pad_set_active (GST_PAD (self), TRUE);
  GST_DEBUG_OBJECT (element, "new pad %s, stream %u", GST_PAD_NAME (self),
      stream);
  if (!gst_element_add_pad (element, GST_PAD (self))) {
    remove_stream (engine, stream);
    return NULL;
  }

  return GST_PAD (self);
}

void
gst_identifai_audio_pad_release (GstIdentifaiAudioPad * self)
{
  GstElement *element = gst_pad_get_parent_element (GST_PAD (self));
  GstIdentifaiEngine *engine = self->engine;
  guint stream = self->stream;

  GST_DEBUG_OBJECT (self, "released");
  gst_pad_set_active (GST_PAD (self), FALSE);
  gst_element_remove_pad (element, GST_PAD (self));
  remove_stream (engine, stream);
  gst_object_unref (element);
}
