/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The preroll lock is given away while the thread waits or posts messages, as the
 * base class does for its own waits on the clock: a state change or a flush comes in,
 * interrupts the wait, and gst_base_sink_do_preroll() then commits the state and waits
 * by gst_base_sink_wait_preroll() until it goes on.
 *
 * unlock() has nothing to do, as no wait keeps the lock. What interrupts calls
 * unlock_stop() with the lock, and the waiting thread clears that with the lock, too:
 * none is slept through, however short it is.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaidrain.h"

#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* How long a stream is held without a word, in µs. */
#define MAX_SILENT_HOLD G_TIME_SPAN_SECOND

/* Waits that are longer leave a line, in µs. */
#define LONG_WAIT (100 * 1000)

static void
set_interrupted (GstIdentifaiBaseSink * self, gboolean interrupted)
{
  g_mutex_lock (&self->engine->lock);
  self->interrupted = interrupted;
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_outbox_set_flushing (self->engine->outbox, interrupted);
}

void
gst_identifai_drain_interrupt (GstIdentifaiBaseSink * self)
{
  if (!self->waits)
    return;
  GST_DEBUG_OBJECT (self, "the wait of the video is interrupted");
  set_interrupted (self, TRUE);
}

/* Gives the preroll lock away until it is taken back, and posts what is queued. */
static void
begin_wait (GstIdentifaiBaseSink * self)
{
  self->waits = TRUE;
  GST_BASE_SINK_PREROLL_UNLOCK (GST_BASE_SINK (self));
  gst_identifai_engine_act (self->engine);
}

/* TRUE: a state change or a flush came meanwhile. */
static gboolean
take_lock_back (GstIdentifaiBaseSink * self)
{
  gboolean interrupted;

  GST_BASE_SINK_PREROLL_LOCK (GST_BASE_SINK (self));
  self->waits = FALSE;
  g_mutex_lock (&self->engine->lock);
  interrupted = self->interrupted;
  g_mutex_unlock (&self->engine->lock);
  if (interrupted) {
    GST_DEBUG_OBJECT (self, "a state change or a flush came in the wait");
    set_interrupted (self, FALSE);
  }

  return interrupted;
}

GstFlowReturn
gst_identifai_drain_act (GstIdentifaiBaseSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK_CAST (self);
  gboolean interrupted = FALSE;

  if (gst_identifai_engine_has_to_act (self->engine)) {
    begin_wait (self);
    interrupted = take_lock_back (self);
  }
  if (bsink->flushing)
    return GST_FLOW_FLUSHING;

  /* What comes next may be a wait, which nobody would interrupt any more. */
  return interrupted ? gst_base_sink_do_preroll (bsink, NULL) : GST_FLOW_OK;
}

static GstFlowReturn
end_wait (GstIdentifaiBaseSink * self)
{
  GstBaseSink *bsink = GST_BASE_SINK (self);
  GstFlowReturn ret = GST_FLOW_FLUSHING;

  take_lock_back (self);
  if (!bsink->flushing)
    ret = gst_base_sink_do_preroll (bsink, NULL);

  g_mutex_lock (&self->engine->lock);
  identifai_arrival_pace_resume (&self->engine->pace, identifai_clock_now ());
  g_mutex_unlock (&self->engine->lock);

  return ret;
}

static void
note_wait (GstIdentifaiBaseSink * self, gint64 start, const gchar * cause)
{
  gint64 took = identifai_clock_now () - start;

  if (took > LONG_WAIT)
    GST_DEBUG_OBJECT (self, "the video was held for %" G_GINT64_FORMAT " ms: "
        "%s", took / 1000, cause);
}

/* Room. */

/* FALSE: a segment finds no room. */
static gboolean
hand_on (GstIdentifaiBaseSink * self)
{
  GstIdentifaiEngine *engine = self->engine;
  gboolean waits;

  g_mutex_lock (&engine->lock);
  gst_identifai_engine_dispatch_locked (engine);
  self->held = waits = (engine->in_hand != NULL);
  identifai_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);

  return !waits;
}

/* Until the outbox has taken what is in hand, which happens as soon as there is room,
 * or until then (monotonic µs, -1 = no bound), when what it has fails if expires is
 * set. */
static GstFlowReturn
wait_for_room (GstIdentifaiBaseSink * self, gint64 until, gboolean expires)
{
  GstIdentifaiEngine *engine = self->engine;
  gboolean in_time = TRUE;

  begin_wait (self);
  g_mutex_lock (&engine->lock);
  while (!self->interrupted && engine->in_hand != NULL && in_time) {
    if (until < 0)
      identifai_cond_wait (&engine->cond, &engine->lock);
    else
      in_time = identifai_cond_wait_until (&engine->cond, &engine->lock, until);
  }
  g_mutex_unlock (&engine->lock);
  if (!in_time)
    GST_DEBUG_OBJECT (self, "no room in time%s",
        expires ? ": drain-timeout is over" : "");
  if (!in_time && expires)
    gst_identifai_outbox_expire (engine->outbox);

  return end_wait (self);
}

/* deadline: monotonic µs, -1 = none. */
static GstFlowReturn
wait_for_room_at_end (GstIdentifaiBaseSink * self, gint64 deadline)
{
  gint64 start = identifai_clock_now ();
  GstFlowReturn ret = GST_FLOW_OK;

  while (ret == GST_FLOW_OK && !hand_on (self))
    ret = wait_for_room (self, deadline, TRUE);
  note_wait (self, start, "no room at the end of the stream");

  return ret == GST_FLOW_OK ? gst_identifai_drain_act (self) : ret;
}

/* TRUE: overflow=auto lets the stream run on, to see at what pace it comes. */
static gboolean
may_run_on (GstIdentifaiBaseSink * self)
{
  GstIdentifaiEngine *engine = self->engine;
  gboolean runs;

  g_mutex_lock (&engine->lock);
  runs = engine->settings.overflow == GST_IDENTIFAI_OVERFLOW_AUTO
      && identifai_arrival_pace_try (&engine->pace);
  self->held = self->held && !runs;
  identifai_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);

  if (runs)
    GST_INFO_OBJECT (self, "not held any longer, to learn its pace");

  return runs;
}

/* TRUE: the stream was held for so long that it runs on. Says so if it doesn't. */
static gboolean
lose_patience (GstIdentifaiBaseSink * self, gint64 * patience)
{
  if (*patience < 0 || identifai_clock_now () < *patience)
    return FALSE;

  *patience = -1;
  if (may_run_on (self))
    return TRUE;
  GST_INFO_OBJECT (self, "held for want of room");
  gst_identifai_reporter_held (self->engine->reporter);

  return FALSE;
}

GstFlowReturn
gst_identifai_drain_hold (GstIdentifaiBaseSink * self)
{
  gint64 start = identifai_clock_now (), patience = start + MAX_SILENT_HOLD;
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean runs_on = FALSE;

  while (ret == GST_FLOW_OK && !runs_on && !hand_on (self)) {
    ret = wait_for_room (self, patience, FALSE);
    runs_on = lose_patience (self, &patience);
  }
  note_wait (self, start, "no room, overflow=block");

  return ret == GST_FLOW_OK ? gst_identifai_drain_act (self) : ret;
}

/* drain-timeout=0 with overflow=block: what an earlier stream left when it didn't
 * wait at its EOS finds its room before more comes in. */
static void
set_held (GstIdentifaiBaseSink * self, gboolean held)
{
  g_mutex_lock (&self->engine->lock);
  self->held = held;
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
}

GstFlowReturn
gst_identifai_drain_wait_for_earlier (GstIdentifaiBaseSink * self)
{
  gint64 start = identifai_clock_now (), patience = start + MAX_SILENT_HOLD;
  GstIdentifaiOutbox *outbox = self->engine->outbox;
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean runs_on = FALSE;

  while (ret == GST_FLOW_OK && !runs_on
      && !gst_identifai_outbox_wait_within_bounds (outbox, 0)) {
    set_held (self, TRUE);
    begin_wait (self);
    gst_identifai_outbox_wait_within_bounds (outbox, patience);
    ret = end_wait (self);
    set_held (self, FALSE);
    runs_on = lose_patience (self, &patience);
  }
  note_wait (self, start, "no room beside what an earlier stream left");

  return ret;
}

/* Sound. */

/* As long as sound goes on to come, more waits for it than may, and what has its
 * sound finds room. Where none comes, the thread that feeds it may wait for this
 * one, so it isn't held again before there is some. */
static void
await_sound_locked (GstIdentifaiBaseSink * self)
{
  GstIdentifaiEngine *engine = self->engine;
  gint64 until = identifai_clock_now () + IDENTIFAI_AUDIO_PATIENCE;
  gboolean in_time = TRUE;

  while (!self->interrupted && engine->in_hand == NULL && in_time
      && gst_identifai_engine_is_full_locked (engine)) {
    in_time = identifai_cond_wait_until (&engine->cond, &engine->lock, until);
    in_time |= engine->sound_came + IDENTIFAI_AUDIO_PATIENCE > until;
    until = MAX (until, engine->sound_came + IDENTIFAI_AUDIO_PATIENCE);
  }
  if (!in_time) {
    GST_INFO_OBJECT (self, "no sound comes while the video waits for it");
    engine->sound_thread = NULL;
    gst_identifai_engine_dispatch_locked (engine);
  }
}

GstFlowReturn
gst_identifai_drain_wait_for_sound (GstIdentifaiBaseSink * self)
{
  gint64 start = identifai_clock_now ();
  GstFlowReturn ret;
  gboolean waits;

  begin_wait (self);
  g_mutex_lock (&self->engine->lock);
  await_sound_locked (self);
  waits = (self->engine->in_hand != NULL && !self->engine->pace.on_trial);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_engine_act (self->engine);
  ret = end_wait (self);
  note_wait (self, start, "more waits for its sound than may");

  return ret == GST_FLOW_OK && waits ? gst_identifai_drain_hold (self) : ret;
}

/* Segments that wait for the last of their audio: as long as some comes, and no
 * longer than until the deadline (-1: none). */
static GstFlowReturn
wait_for_audio (GstIdentifaiBaseSink * self, gint64 last)
{
  GstIdentifaiEngine *engine = self->engine;
  gint64 start = identifai_clock_now (), deadline;
  GstFlowReturn ret;

  begin_wait (self);
  g_mutex_lock (&engine->lock);
  gst_identifai_engine_dispatch_locked (engine);
  while (!self->interrupted && engine->in_hand == NULL
      && (deadline =
          identifai_segmenter_next_deadline (engine->segmenter)) >= 0) {
    if (last >= 0)
      deadline = MIN (deadline, last);
    if (!identifai_cond_wait_until (&engine->cond, &engine->lock,
            deadline + 1000))
      engine->hurry = (deadline == last);
    gst_identifai_engine_dispatch_locked (engine);
  }
  g_mutex_unlock (&engine->lock);
  ret = end_wait (self);
  note_wait (self, start, "the last of the sound is still to come");

  return ret;
}

/* End of stream. */

/* drain-timeout=0: EOS doesn't wait for room, either. */
static void
hand_on_rest (GstIdentifaiBaseSink * self)
{
  GstIdentifaiEngine *engine = self->engine;

  g_mutex_lock (&engine->lock);
  gst_identifai_engine_dispatch_locked (engine);
  while (engine->in_hand != NULL) {
    gst_identifai_outbox_push (engine->outbox,
        g_steal_pointer (&engine->in_hand));
    gst_identifai_engine_dispatch_locked (engine);
  }
  g_mutex_unlock (&engine->lock);
}

static gboolean
all_handed_on (GstIdentifaiBaseSink * self)
{
  gboolean done;

  g_mutex_lock (&self->engine->lock);
  done = gst_identifai_engine_is_empty_locked (self->engine);
  g_mutex_unlock (&self->engine->lock);

  return done;
}

/* timeout: drain-timeout; deadline: when it is over, monotonic µs, -1 = never. */
static GstFlowReturn
hand_on_all (GstIdentifaiBaseSink * self, GstClockTime timeout, gint64 deadline)
{
  GstFlowReturn ret = GST_FLOW_OK;

  while (ret == GST_FLOW_OK && !all_handed_on (self)) {
    ret = wait_for_audio (self, deadline);
    if (ret == GST_FLOW_OK && timeout == 0)
      hand_on_rest (self);
    else if (ret == GST_FLOW_OK)
      ret = wait_for_room_at_end (self, deadline);
  }

  return ret;
}

/* At the deadline, those that there aren't are failures. */
static gboolean
wait_for_outcomes (GstIdentifaiOutbox * outbox, gint64 deadline)
{
  gboolean drained = gst_identifai_outbox_wait_drained (outbox, deadline);

  if (!drained && deadline >= 0 && identifai_clock_now () >= deadline)
    gst_identifai_outbox_expire (outbox);

  return drained;
}

/* Hands on all segments and waits for their verdicts. */
static GstFlowReturn
wait_for_verdicts (GstIdentifaiBaseSink * self)
{
  gint64 start = identifai_clock_now (), deadline = -1;
  GstClockTime timeout;
  gboolean done = FALSE;
  GstFlowReturn ret;

  g_mutex_lock (&self->engine->lock);
  timeout = self->engine->settings.drain_timeout;
  self->engine->hurry = FALSE;
  g_mutex_unlock (&self->engine->lock);
  if (timeout != 0 && GST_CLOCK_TIME_IS_VALID (timeout))
    deadline = start + timeout / GST_USECOND;

  GST_INFO_OBJECT (self, "the stream is over: waiting for outcomes, %"
      GST_TIME_FORMAT " at most", GST_TIME_ARGS (timeout));
  ret = hand_on_all (self, timeout, deadline);
  while (ret == GST_FLOW_OK && timeout != 0 && !done) {
    begin_wait (self);
    done = wait_for_outcomes (self->engine->outbox, deadline);
    ret = end_wait (self);
  }
  note_wait (self, start,
      "verdicts are still to come at the end of the stream");

  return ret;
}

/* All that there is to say is on the bus when it returns OK: applications leave
 * at EOS. */
static GstFlowReturn
sum_up (GstIdentifaiBaseSink * self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  gboolean done = FALSE;

  gst_identifai_outbox_sum_up (self->engine->outbox, TRUE);
  while (ret == GST_FLOW_OK && !done) {
    begin_wait (self);
    done = gst_identifai_reporter_post_all (self->engine->reporter);
    ret = end_wait (self);
  }

  return ret;
}

GstFlowReturn
gst_identifai_drain (GstIdentifaiBaseSink * self, GstEvent * eos)
{
  GstFlowReturn ret = gst_base_sink_do_preroll (GST_BASE_SINK (self),
      GST_MINI_OBJECT_CAST (eos));

  if (ret == GST_FLOW_OK)
    ret = wait_for_verdicts (self);
  if (ret == GST_FLOW_OK)
    ret = sum_up (self);
  GST_DEBUG_OBJECT (self, "at the end of the stream: %s",
      gst_flow_get_name (ret));

  return ret;
}
