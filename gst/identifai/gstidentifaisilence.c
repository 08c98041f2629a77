/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include "gstidentifaierrors.h"
#include "gstidentifaiupstream.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define TICK (5 * GST_SECOND)
#define FIRST 2                 /* ticks until people are told */
#define AGAIN 12                /* until they are again */

/* Held by this element, or in the middle of something: also in preroll and at EOS. */
static gboolean
is_inside (GstPad * pad)
{
  if (!g_rec_mutex_trylock (GST_PAD_GET_STREAM_LOCK (pad)))
    return TRUE;
  g_rec_mutex_unlock (GST_PAD_GET_STREAM_LOCK (pad));

  return FALSE;
}

/* Live sources send nothing before PLAYING, as the application knows by this. */
static gboolean
waits_for_playing (GstElement * element)
{
  GstObject *top = gst_object_ref (element), *parent;
  gboolean waits;

  while ((parent = gst_object_get_parent (top)) != NULL) {
    gst_object_unref (top);
    top = parent;
  }
  GST_OBJECT_LOCK (top);
  waits = GST_STATE_TARGET (top) < GST_STATE_PLAYING
      && GST_STATE_RETURN (top) == GST_STATE_CHANGE_NO_PREROLL;
  GST_OBJECT_UNLOCK (top);
  gst_object_unref (top);

  return waits;
}

static gboolean
is_real_time (GstIdentifaiSink * self)
{
  return self->live || self->pace.state == IDENTIFAI_ARRIVAL_PACE_REAL_TIME;
}

/* Whether something should have come by now. What isn't live pauses as it likes, once
 * it has come. */
static gboolean
is_expected (GstIdentifaiSink * self)
{
  GstPad *pad = GST_BASE_SINK_PAD (self);
  gboolean has_come, expected;

  g_mutex_lock (&self->lock);
  has_come = self->silence.n_came > 0;
  expected = self->running && !self->stopping && self->settings.judging
      && (!has_come || is_real_time (self));
  g_mutex_unlock (&self->lock);
  if (!expected || GST_PAD_IS_EOS (pad) || is_inside (pad))
    return FALSE;
  /* it stays in PLAYING until a buffer comes that prerolls */
  if (has_come)
    return GST_STATE_TARGET (self) == GST_STATE_PLAYING
        && gst_pad_is_linked (pad);

  return !waits_for_playing (GST_ELEMENT (self));
}

static void
count_tick_locked (GstIdentifaiSilence * self, gboolean expected)
{
  if (expected && self->n_came == self->n_seen) {
    self->quiet++;
    return;
  }
  if (self->n_came != self->n_seen)
    self->longest = MAX (self->longest, self->quiet);
  self->n_seen = self->n_came;
  self->quiet = 0;
}

/* A stream of slides has longer pauses. */
static gboolean
is_time (const GstIdentifaiSilence * self)
{
  guint first = MAX (FIRST, 2 * self->longest);

  return self->quiet >= first && (self->quiet - first) % AGAIN == 0;
}

/* For how long nothing came, in s, if people should be told; else 0. */
static guint
look (GstIdentifaiSink * self, gboolean expected, gboolean * has_come)
{
  gboolean tells;
  guint seconds;

  g_mutex_lock (&self->lock);
  count_tick_locked (&self->silence, expected);
  *has_come = self->silence.n_came > 0;
  tells = is_time (&self->silence);
  /* the audio pads have said it */
  if (tells && self->silence.quiet == FIRST && self->told_no_video)
    tells = FALSE;
  if (tells)
    self->silence.told = self->told_no_video = TRUE;
  seconds = self->silence.quiet * (TICK / GST_SECOND);
  g_mutex_unlock (&self->lock);

  return tells ? seconds : 0;
}

static gboolean
on_tick (GstClock * clock, GstClockTime time, GstClockID id, gpointer user_data)
{
  GstIdentifaiSink *self = g_weak_ref_get (user_data);
  gboolean has_come;
  gchar *advice;
  guint seconds;

  if (self == NULL)
    return FALSE;
  seconds = look (self, is_expected (self), &has_come);
  if (seconds > 0) {
    advice = has_come ? NULL :
        gst_identifai_upstream_advise (GST_ELEMENT (self));
    gst_identifai_reporter_queue (self->reporter,
        gst_identifai_warning_silence (GST_ELEMENT (self), seconds, advice));
    gst_identifai_reporter_post_elsewhere (self->reporter);
    g_free (advice);
  }
  gst_object_unref (self);

  return TRUE;
}

static void
weak_ref_free (gpointer data)
{
  g_weak_ref_clear (data);
  g_free (data);
}

void
gst_identifai_silence_start_locked (GstIdentifaiSink * self)
{
  GstClock *clock = gst_system_clock_obtain ();
  GWeakRef *weak = g_new (GWeakRef, 1);

  g_weak_ref_init (weak, self);
  self->silence = (GstIdentifaiSilence) {
  NULL};
  self->silence.timer = gst_clock_new_periodic_id (clock,
      gst_clock_get_time (clock) + TICK, TICK);
  gst_clock_id_wait_async (self->silence.timer, on_tick, weak, weak_ref_free);
  gst_object_unref (clock);
}

void
gst_identifai_silence_stop_locked (GstIdentifaiSink * self)
{
  if (self->silence.timer == NULL)
    return;
  gst_clock_id_unschedule (self->silence.timer);
  gst_clock_id_unref (self->silence.timer);
  self->silence.timer = NULL;
}

void
gst_identifai_silence_end_locked (GstIdentifaiSink * self)
{
  self->silence.n_came++;
  if (!self->silence.told)
    return;
  self->silence.told = FALSE;
  GST_INFO_OBJECT (self, "something comes, after %u s or more",
      self->silence.quiet * (guint) (TICK / GST_SECOND));
  gst_identifai_reporter_queue (self->reporter,
      gst_identifai_info (GST_ELEMENT (self), "Something comes again"));
}
