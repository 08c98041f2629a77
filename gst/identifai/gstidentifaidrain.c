/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the video streaming thread waits: for room (overflow=block), and at EOS
 * for the last segments' audio and all verdicts.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* How long a stream is held without a word, in µs. */
#define MAX_SILENT_HOLD G_TIME_SPAN_SECOND

/* The video thread waits for longer, in render or at EOS, where it has the
 * preroll lock. A state change needs that lock, so it is given away meanwhile;
 * have_preroll tells the base class that this thread holds a buffer or EOS and
 * need not be waited for, as in gst_base_sink_wait_preroll(). A pause or PLAYING
 * does not end the wait, a flush or the end does, see unlock_stop(). */
static void
let_go (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  bsink->have_preroll = TRUE;
  GST_BASE_SINK_PREROLL_UNLOCK (bsink);
}

static GstFlowReturn
take_back (GstIdentifaiSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);

  GST_BASE_SINK_PREROLL_LOCK (bsink);
  bsink->have_preroll = FALSE;
  g_mutex_lock (&self->lock);
  self->waits_for_room = FALSE;
  identifai_arrival_pace_resume (&self->pace, g_get_monotonic_time ());
  g_mutex_unlock (&self->lock);

  return bsink->flushing ? GST_FLOW_FLUSHING : GST_FLOW_OK;
}

/* Whether a segment needs room for that many bytes. */
static gboolean
needs_room (GstIdentifaiSink * self, guint64 * bytes)
{
  gboolean waits;

  g_mutex_lock (&self->lock);
  gst_identifai_input_dispatch_locked (self);
  waits = (self->in_hand != NULL);
  if (waits)
    *bytes = gst_identifai_outbox_get_need (self->in_hand);
  self->video_held = self->waits_for_room = waits;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);

  return waits;
}

GstFlowReturn
gst_identifai_drain_wait_for_room (GstIdentifaiSink * self, gint64 deadline)
{
  GstFlowReturn ret = GST_FLOW_OK;
  guint64 bytes = 0;
  gboolean waits;

  do {
    waits = needs_room (self, &bytes);
    if (waits) {
      let_go (self);
      gst_identifai_outbox_wait_room (self->outbox, bytes, deadline);
      ret = take_back (self);
    }
  } while (waits && ret == GST_FLOW_OK);

  return ret;
}

/* TRUE: overflow=auto lets the stream run on, to see at what pace it comes. */
static gboolean
may_run_on (GstIdentifaiSink * self)
{
  gboolean runs;

  g_mutex_lock (&self->lock);
  runs = self->settings.overflow == GST_IDENTIFAI_OVERFLOW_AUTO
      && identifai_arrival_pace_try (&self->pace);
  self->video_held = self->video_held && !runs;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  if (runs)
    GST_INFO_OBJECT (self, "not held any longer, to learn its pace");

  return runs;
}

/* TRUE: the stream was held for so long that it runs on. Says so if it doesn't. */
static gboolean
lose_patience (GstIdentifaiSink * self, gint64 * patience)
{
  if (*patience < 0 || g_get_monotonic_time () < *patience)
    return FALSE;

  *patience = -1;
  if (may_run_on (self))
    return TRUE;
  gst_identifai_reporter_held (self->reporter);
  gst_identifai_reporter_post (self->reporter);

  return FALSE;
}

GstFlowReturn
gst_identifai_drain_hold (GstIdentifaiSink * self)
{
  gint64 patience = g_get_monotonic_time () + MAX_SILENT_HOLD;
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean runs_on = FALSE;
  guint64 bytes = 0;

  while (ret == GST_FLOW_OK && !runs_on && needs_room (self, &bytes)) {
    let_go (self);
    gst_identifai_outbox_await_room (self->outbox, bytes, patience);
    ret = take_back (self);
    runs_on = lose_patience (self, &patience);
  }

  return ret;
}

static void
set_video_held (GstIdentifaiSink * self, gboolean held)
{
  g_mutex_lock (&self->lock);
  self->video_held = held;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* As long as sound goes on to come, more waits for it than may, and what has its
 * sound finds room. Where none comes, the thread that feeds it may wait for this
 * one, so it isn't held again before there is some. */
static void
await_sound_locked (GstIdentifaiSink * self)
{
  gint64 until = g_get_monotonic_time () + IDENTIFAI_AUDIO_PATIENCE;
  gboolean in_time = TRUE;

  while (!self->flushing && self->in_hand == NULL && in_time
      && gst_identifai_input_is_full_locked (self)) {
    in_time = g_cond_wait_until (&self->cond, &self->lock, until);
    in_time |= self->sound_came + IDENTIFAI_AUDIO_PATIENCE > until;
    until = MAX (until, self->sound_came + IDENTIFAI_AUDIO_PATIENCE);
  }
  if (!in_time) {
    GST_INFO_OBJECT (self, "no sound comes while the video waits for it");
    self->sound_thread = NULL;
    gst_identifai_input_dispatch_locked (self);
  }
}

GstFlowReturn
gst_identifai_drain_wait_for_sound (GstIdentifaiSink * self)
{
  GstFlowReturn ret;
  gboolean waits;

  let_go (self);
  g_mutex_lock (&self->lock);
  await_sound_locked (self);
  waits = (self->in_hand != NULL && !self->pace.on_trial);
  g_mutex_unlock (&self->lock);
  gst_identifai_input_act (self);
  ret = take_back (self);

  return ret == GST_FLOW_OK && waits ? gst_identifai_drain_hold (self) : ret;
}

/* drain-timeout=0 with overflow=block: what an earlier stream left when it didn't
 * wait at its EOS finds its room before more comes in. */
GstFlowReturn
gst_identifai_drain_wait_for_earlier (GstIdentifaiSink * self)
{
  gint64 patience = g_get_monotonic_time () + MAX_SILENT_HOLD;
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean runs_on = FALSE;

  while (ret == GST_FLOW_OK && !runs_on
      && !gst_identifai_outbox_is_within_bounds (self->outbox)) {
    set_video_held (self, TRUE);
    let_go (self);
    gst_identifai_outbox_await_bounds (self->outbox, patience);
    ret = take_back (self);
    set_video_held (self, FALSE);
    runs_on = lose_patience (self, &patience);
  }

  return ret;
}

/* drain-timeout=0: EOS doesn't wait for room, either. */
static void
hand_on_rest (GstIdentifaiSink * self)
{
  g_mutex_lock (&self->lock);
  gst_identifai_input_dispatch_locked (self);
  while (self->in_hand != NULL) {
    gst_identifai_outbox_push (self->outbox, g_steal_pointer (&self->in_hand));
    gst_identifai_input_dispatch_locked (self);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_input_act (self);
}

/* Segments that wait for the last of their audio: as long as some comes, and no
 * longer than until the deadline (-1: none). */
static GstFlowReturn
wait_for_audio (GstIdentifaiSink * self, gint64 last)
{
  gint64 deadline;

  let_go (self);
  g_mutex_lock (&self->lock);
  gst_identifai_input_dispatch_locked (self);
  while (!self->flushing && self->in_hand == NULL
      && (deadline =
          identifai_segmenter_next_deadline (self->segmenter)) >= 0) {
    if (last >= 0)
      deadline = MIN (deadline, last);
    if (!g_cond_wait_until (&self->cond, &self->lock, deadline + 1000))
      self->hurry = (deadline == last);
    gst_identifai_input_dispatch_locked (self);
  }
  g_mutex_unlock (&self->lock);

  return take_back (self);
}

static gboolean
all_handed_on (GstIdentifaiSink * self)
{
  gboolean done;

  g_mutex_lock (&self->lock);
  done = (self->in_hand == NULL && g_queue_is_empty (&self->files)
      && identifai_segmenter_next_deadline (self->segmenter) < 0);
  g_mutex_unlock (&self->lock);

  return done;
}

/* Hands on all segments and waits for their verdicts. The base class holds the
 * preroll lock for serialized events, as for render. */
static GstFlowReturn
wait_for_verdicts (GstIdentifaiSink * self)
{
  GstFlowReturn ret = gst_base_sink_do_preroll (GST_BASE_SINK (self), NULL);
  GstClockTime timeout;
  gint64 deadline = -1;
  gboolean done = FALSE;

  g_mutex_lock (&self->lock);
  timeout = self->settings.drain_timeout;
  self->hurry = FALSE;
  g_mutex_unlock (&self->lock);
  if (timeout != 0 && GST_CLOCK_TIME_IS_VALID (timeout))
    deadline = g_get_monotonic_time () + timeout / GST_USECOND;

  while (ret == GST_FLOW_OK && !all_handed_on (self)) {
    ret = wait_for_audio (self, deadline);
    if (ret == GST_FLOW_OK && timeout == 0)
      hand_on_rest (self);
    else if (ret == GST_FLOW_OK)
      ret = gst_identifai_drain_wait_for_room (self, deadline);
  }
  while (ret == GST_FLOW_OK && timeout != 0 && !done) {
    let_go (self);
    done = gst_identifai_outbox_drain (self->outbox, deadline);
    ret = take_back (self);
  }

  return ret;
}

/* All that there is to say is on the bus when it returns OK: applications leave
 * at EOS. */
static GstFlowReturn
sum_up (GstIdentifaiSink * self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean done = FALSE;

  gst_identifai_outbox_sum_up (self->outbox, TRUE);
  while (ret == GST_FLOW_OK && !done) {
    let_go (self);
    done = gst_identifai_reporter_post_all (self->reporter);
    ret = take_back (self);
  }

  return ret;
}

GstFlowReturn
gst_identifai_drain (GstIdentifaiSink * self)
{
  GstFlowReturn ret = wait_for_verdicts (self);

  if (ret == GST_FLOW_OK)
    ret = sum_up (self);
  GST_DEBUG_OBJECT (self, "%s", gst_flow_get_name (ret));

  return ret;
}
