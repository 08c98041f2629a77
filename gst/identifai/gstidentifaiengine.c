/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What ends in _locked is called with the engine's lock. Timers come on the system
 * clock's thread, room on the client's or a mux worker's.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiengine.h"

#include <gst/video/video-event.h>

#include "gstidentifaierrors.h"
#include "gstidentifaisignals.h"
#include "clock.h"
#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define LONGEST ((GstClockTime) G_MAXINT64 / 4)

static void on_room (gpointer user_data);

static void
open_segment_locked (IdentifaiSegment * segment, gpointer user_data)
{
  gst_identifai_engine_open_segment_locked (user_data, segment);
}

GstIdentifaiEngine *
gst_identifai_engine_new (GstElement * element, GstIdentifaiElements kind,
    GstPad * video_pad, const GstIdentifaiOutboxCallbacks * callbacks)
{
  GstIdentifaiEngine *self = g_new0 (GstIdentifaiEngine, 1);

  self->element = element;
  gst_identifai_signals_attach (element, self);
  self->video_pad = gst_object_ref (video_pad);
  g_mutex_init (&self->key_lock);
  g_mutex_init (&self->lock);
  identifai_cond_init (&self->cond);
  gst_identifai_settings_init (&self->settings, kind);
  self->reporter = gst_identifai_reporter_new (element);
  if (callbacks != NULL)
    self->callbacks = *callbacks;
  self->callbacks.room = on_room;
  self->outbox = gst_identifai_outbox_new (element, self->reporter,
      &self->callbacks, self);
  self->segmenter = identifai_segmenter_new (open_segment_locked, self);
  self->caps = gst_identifai_caps_new ();
  self->first_sound = GST_CLOCK_TIME_NONE;

  return self;
}

void
gst_identifai_engine_free (GstIdentifaiEngine * self)
{
  gst_identifai_outbox_free (self->outbox);
  identifai_segmenter_free (self->segmenter);
  gst_identifai_reporter_unref (self->reporter);
  gst_identifai_caps_free (self->caps);
  gst_identifai_settings_clear (&self->settings);
  gst_object_unref (self->video_pad);
  identifai_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->key_lock);
  g_free (self);
}

/* What people are told. */

void
gst_identifai_engine_queue (GstIdentifaiEngine * self, GstMessage * message)
{
  gst_identifai_reporter_queue (self->reporter, message);
}

void
gst_identifai_engine_queue_error (GstIdentifaiEngine * self, GError * error)
{
  if (error == NULL)
    return;
  GST_ERROR_OBJECT (self->element, "%s", error->message);
  gst_identifai_engine_queue (self,
      gst_message_new_error (GST_OBJECT (self->element), error, NULL));
  g_error_free (error);
}

const IdentifaiCodec *
gst_identifai_engine_get_codec (GstIdentifaiEngine * self)
{
  GstCaps *caps = gst_pad_get_current_caps (self->video_pad), *usual;
  const IdentifaiCodec *codec;

  if (caps == NULL)
    return NULL;
  usual = identifai_codec_usual_caps (caps);
  codec = identifai_codec_of_caps (usual);
  gst_caps_unref (usual);
  gst_caps_unref (caps);

  return codec;
}

static void
queue_news_locked (GstIdentifaiEngine * self)
{
  IdentifaiNews news;

  while (identifai_segmenter_take_news (self->segmenter, &news))
    gst_identifai_engine_queue (self,
        gst_identifai_message_news (self->element, &news,
            gst_identifai_engine_get_codec (self)));
}

gboolean
gst_identifai_engine_has_to_act (GstIdentifaiEngine * self)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted = identifai_segmenter_wants_keyframe (self->segmenter);
  g_mutex_unlock (&self->lock);

  return wanted || gst_identifai_reporter_has_queued (self->reporter);
}

void
gst_identifai_engine_act (GstIdentifaiEngine * self)
{
  GstClockTime when = GST_CLOCK_TIME_NONE;
  gboolean wanted;
  guint count = 0;

  gst_identifai_reporter_post (self->reporter);

  g_mutex_lock (&self->lock);
  wanted = identifai_segmenter_take_keyframe_request (self->segmenter, &when);
  if (wanted)
    count = self->keyframe_requests++;
  g_mutex_unlock (&self->lock);

  if (wanted) {
    GST_DEBUG_OBJECT (self->element, "asking for a key frame at %"
        GST_TIME_FORMAT ", request %u", GST_TIME_ARGS (when), count);
    gst_pad_push_event (self->video_pad,
        gst_video_event_new_upstream_force_key_unit (when, TRUE, count));
  }
}

/* Handing on what is closed. */

void
gst_identifai_engine_open_segment_locked (GstIdentifaiEngine * self,
    IdentifaiSegment * segment)
{
  segment->kind = self->settings.kind;
  segment->number = self->next_number++;
  if (segment->name == NULL)
    segment->name = g_strdup (GST_OBJECT_NAME (self->element));
  gst_identifai_outbox_open (self->outbox, segment, &self->settings);
  GST_DEBUG_OBJECT (self->element, "segment %u opens, ref-id %s",
      segment->number, GST_STR_NULL (segment->ref_id));
}

static void
drop_segment_locked (GstIdentifaiEngine * self, IdentifaiSegment * segment,
    GstIdentifaiDrop reason)
{
  GST_DEBUG_OBJECT (self->element, "segment %u is %s", segment->number,
      gst_identifai_drop_to_string (reason));
  gst_identifai_outbox_drop (self->outbox, segment, reason);
}

void
gst_identifai_engine_drop_locked (GstIdentifaiEngine * self,
    GstIdentifaiDrop reason)
{
  IdentifaiSegment *segment;

  if ((segment = g_steal_pointer (&self->in_hand)) != NULL)
    drop_segment_locked (self, segment, reason);
  while ((segment = g_queue_pop_head (&self->files)) != NULL)
    drop_segment_locked (self, segment, reason);

  identifai_segmenter_flush (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO);
  while ((segment = identifai_segmenter_pop_flushed (self->segmenter)))
    drop_segment_locked (self, segment, reason);
}

typedef struct
{
  GWeakRef element;
  GstIdentifaiEngine *engine;   /* as long as the element is there */
} TimerData;

/* The system clock's thread, which the process shares: a segment has waited long
 * enough for its audio. The streaming threads ask for key frames. */
static gboolean
on_timer (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  TimerData *data = user_data;
  GstIdentifaiEngine *self = data->engine;
  GstElement *element = g_weak_ref_get (&data->element);

  if (element == NULL)
    return FALSE;

  g_mutex_lock (&self->lock);
  if (id == self->timer) {
    GST_DEBUG_OBJECT (element, "a segment has waited for its sound");
    gst_clock_id_unref (self->timer);
    self->timer = NULL;
    gst_identifai_engine_dispatch_locked (self);
    identifai_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_post_elsewhere (self->reporter);
  gst_object_unref (element);

  return TRUE;
}

static void
timer_data_free (gpointer user_data)
{
  TimerData *data = user_data;

  g_weak_ref_clear (&data->element);
  g_free (data);
}

static void
set_timer_locked (GstIdentifaiEngine * self, GstClockTime delay)
{
  GstClock *clock = gst_system_clock_obtain ();
  TimerData *data = g_new (TimerData, 1);

  g_weak_ref_init (&data->element, self->element);
  data->engine = self;
  self->timer = gst_clock_new_single_shot_id (clock, gst_clock_get_time (clock)
      + delay);
  gst_clock_id_wait_async (self->timer, on_timer, data, timer_data_free);
  gst_object_unref (clock);
}

static void
arm_timer_locked (GstIdentifaiEngine * self)
{
  gint64 deadline = identifai_segmenter_next_deadline (self->segmenter), delay;

  /* what is in hand is handed on when there is room */
  if (deadline < 0 || deadline == G_MAXINT64 || self->in_hand != NULL
      || self->timer != NULL || self->stopping)
    return;

  delay = MAX (deadline - identifai_clock_now (), 0);
  GST_DEBUG_OBJECT (self->element, "a segment waits for its sound, %"
      G_GINT64_FORMAT " ms at most", delay / 1000);
  /* A moment later than the deadline, so that it is over then. */
  set_timer_locked (self, (delay + 1000) * GST_USECOND);
}

gboolean
gst_identifai_engine_is_full_locked (GstIdentifaiEngine * self)
{
  guint64 bytes = identifai_segmenter_count_sealed (self->segmenter);

  return bytes > 0 && bytes > gst_identifai_outbox_get_space (self->outbox);
}

gboolean
gst_identifai_engine_is_empty_locked (GstIdentifaiEngine * self)
{
  return self->in_hand == NULL && g_queue_is_empty (&self->files)
      && identifai_segmenter_next_deadline (self->segmenter) < 0;
}

/* Whether the video thread may be held until sound comes, which it is then. */
static gboolean
holds_for_sound_locked (GstIdentifaiEngine * self)
{
  return self->sound_thread != NULL && self->sound_thread != self->video_thread
      && !self->hurry && gst_identifai_outbox_blocks (self->outbox);
}

/* The next one that has its sound. What waits for it without bound gives way where
 * more waits than may. */
static IdentifaiSegment *
pop_segment_locked (GstIdentifaiEngine * self)
{
  IdentifaiSegment *segment;

  if (identifai_segmenter_next_deadline (self->segmenter) < 0)
    return NULL;
  segment = identifai_segmenter_pop (self->segmenter,
      self->hurry ? G_MAXINT64 : identifai_clock_now ());
  if (segment == NULL && gst_identifai_engine_is_full_locked (self)
      && !holds_for_sound_locked (self)) {
    segment = identifai_segmenter_pop (self->segmenter, G_MAXINT64);
    GST_DEBUG_OBJECT (self->element,
        "segment %u doesn't wait for its sound any "
        "longer: no more may be held", segment ? segment->number : 0);
  }

  return segment;
}

static IdentifaiSegment *
next_segment_locked (GstIdentifaiEngine * self)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->in_hand);

  if (segment == NULL)
    segment = g_queue_pop_head (&self->files);

  return segment ? segment : pop_segment_locked (self);
}

/* Any thread. */
void
gst_identifai_engine_dispatch_locked (GstIdentifaiEngine * self)
{
  IdentifaiSegment *segment;
  gboolean some = FALSE;

  /* why segments fail comes before that they do; what they lack, behind them */
  queue_news_locked (self);
  while ((segment = next_segment_locked (self)) != NULL) {
    guint number = segment->number;

    some = TRUE;
    if (!gst_identifai_outbox_offer (self->outbox, segment)) {
      GST_LOG_OBJECT (self->element, "no room for segment %u", number);
      self->in_hand = segment;
      break;
    }
    GST_DEBUG_OBJECT (self->element, "segment %u is handed on", number);
  }

  if (some)
    queue_news_locked (self);
  arm_timer_locked (self);
}

/* The client's or a muxing thread. */
static void
on_room (gpointer user_data)
{
  GstIdentifaiEngine *self = user_data;

  g_mutex_lock (&self->lock);
  if (!self->stopping)
    gst_identifai_engine_dispatch_locked (self);
  identifai_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* Settings. */

/* The segmenter reckons with signed times: a duration without end, such as
 * GST_CLOCK_TIME_NONE, is one segment until EOS; an interval is just long. */
void
gst_identifai_engine_configure_segmenter_locked (GstIdentifaiEngine * self)
{
  const GstIdentifaiSettings *settings = &self->settings;
  IdentifaiSegmenterSettings cut = {
    .duration = settings->segment_duration,
    .interval = MIN (settings->segment_interval, LONGEST),
    .max_bytes = settings->max_segment_bytes,
    .keyframe_requests = settings->send_keyframe_requests,
    .align = settings->align_to_clock,
  };

  if (cut.duration > LONGEST)
    cut.duration = 0;
  self->boosted = gst_identifai_outbox_is_boosted (self->outbox);
  if (self->boosted)
    cut.interval = 0;
  GST_DEBUG_OBJECT (self->element, "segments of %" GST_TIME_FORMAT " each %"
      GST_TIME_FORMAT ", %" G_GUINT64_FORMAT " bytes at most%s%s",
      GST_TIME_ARGS (cut.duration), GST_TIME_ARGS (cut.interval), cut.max_bytes,
      cut.align ? ", by the wall's clock" : "",
      self->boosted ? ", without pauses by the policy" : "");
  identifai_segmenter_configure (self->segmenter, &cut);
  identifai_segmenter_set_judging (self->segmenter, settings->judging);
}

/* Passing a change on to the network thread, as it reads the settings by itself
 * at the start only. Without a key that of the file counts, and reading that may
 * take long: no streaming thread waits for it. */
static void
pass_key (GstIdentifaiEngine * self)
{
  gchar *key;

  g_mutex_lock (&self->key_lock);
  g_mutex_lock (&self->lock);
  key = g_strdup (self->settings.api_key);
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "the key is set anew, %s",
      key && key[0] ? "by api-key" : "from its file");
  gst_identifai_outbox_set_key (self->outbox, key);
  g_mutex_unlock (&self->key_lock);
  g_free (key);
}

static void
pass_headers (GstIdentifaiEngine * self)
{
  IdentifaiExtraHeaders *headers;

  g_mutex_lock (&self->key_lock);
  g_mutex_lock (&self->lock);
  headers = gst_identifai_settings_get_headers (&self->settings);
  g_mutex_unlock (&self->lock);
  gst_identifai_outbox_set_headers (self->outbox, headers);
  identifai_extra_headers_unref (headers);
  g_mutex_unlock (&self->key_lock);
}

static void
pass_policy (GstIdentifaiEngine * self)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outbox_set_policy (self->outbox, self->settings.policy);
  g_mutex_unlock (&self->lock);
}

static void
pass_attach_file (GstIdentifaiEngine * self)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outbox_set_attach_file (self->outbox,
      self->settings.attach_file);
  g_mutex_unlock (&self->lock);
}

static void
apply_judging (GstIdentifaiEngine * self)
{
  g_mutex_lock (&self->lock);
  if (self->running) {
    GST_INFO_OBJECT (self->element, "what comes is %sjudged",
        self->settings.judging ? "" : "not ");
    identifai_segmenter_set_judging (self->segmenter, self->settings.judging);
    gst_identifai_engine_dispatch_locked (self);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_engine_act (self);
}

/* The others are read where they are used, or can't change meanwhile. */
static void
apply (GstIdentifaiEngine * self, guint id)
{
  switch (id) {
    case PROP_API_KEY:
      pass_key (self);
      break;
    case PROP_EXTRA_HEADERS:
      pass_headers (self);
      break;
    case PROP_POLICY:
    case PROP_GATE_POLICY:
      pass_policy (self);
      break;
    case PROP_ATTACH_FILE:
      pass_attach_file (self);
      break;
    case PROP_JUDGING:
      apply_judging (self);
      break;
    default:
      break;
  }
}

/* Whether it runs isn't told by the element's state: that is READY until the first
 * buffer came. */
void
gst_identifai_engine_set_property (GstIdentifaiEngine * self, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GPtrArray *warnings;
  GstIdentifaiSet result;
  guint i;

  if (id == PROP_UPLOADS) {
    gst_identifai_outbox_set_uploads (self->outbox, value);
    return;
  }
  warnings = g_ptr_array_new_with_free_func (g_free);
  g_mutex_lock (&self->lock);
  result = gst_identifai_settings_set (&self->settings, id, value,
      self->running, warnings);
  self->changed |= self->starting;
  g_mutex_unlock (&self->lock);

  /* without the value, which may be a secret; why, and what was left out of it, are
   * warnings for all to see */
  if (result != GST_IDENTIFAI_SET_AGAIN)
    GST_DEBUG_OBJECT (self->element, "%s is %s", pspec->name,
        result == GST_IDENTIFAI_SET_CHANGED ? "changed" : "refused");
  for (i = 0; i < warnings->len; i++)
    GST_INFO_OBJECT (self->element, "%s",
        (gchar *) g_ptr_array_index (warnings, i));
  for (i = 0; i < warnings->len; i++)
    g_warning ("%s: %s", GST_OBJECT_NAME (self->element),
        (gchar *) g_ptr_array_index (warnings, i));
  g_ptr_array_unref (warnings);
  if (result != GST_IDENTIFAI_SET_REFUSED)
    apply (self, id);
  if (result == GST_IDENTIFAI_SET_CHANGED)
    g_object_notify_by_pspec (G_OBJECT (self->element), pspec);
}

void
gst_identifai_engine_get_property (GstIdentifaiEngine * self, guint id,
    GValue * value)
{
  GValue computed = G_VALUE_INIT;

  if (id == PROP_PENDING || id == PROP_UPLOADS) {
    if (id == PROP_PENDING)
      gst_identifai_outbox_get_pending (self->outbox, &computed);
    else
      gst_identifai_outbox_get_uploads (self->outbox, &computed);
    g_value_copy (&computed, value);
    g_value_unset (&computed);
    return;
  }
  g_mutex_lock (&self->lock);
  gst_identifai_settings_get (&self->settings, id, value);
  g_mutex_unlock (&self->lock);
}

/* Start and stop. */

static void
warn_of_times_locked (GstIdentifaiEngine * self)
{
  gchar *times = gst_identifai_settings_list_short (&self->settings);

  if (times != NULL)
    gst_identifai_engine_queue (self,
        gst_identifai_warning_short (self->element, times));
  g_free (times);
}

static void
reset_locked (GstIdentifaiEngine * self)
{
  self->next_number = 0;
  self->stopping = FALSE;
  self->hurry = self->live = FALSE;
  self->video_thread = self->sound_thread = NULL;
  identifai_arrival_pace_init (&self->pace);
  self->keyframe_requests = 0;
  self->claimed = FALSE;
  self->caps_refused = FALSE;
  self->first_sound = GST_CLOCK_TIME_NONE;
  self->told_no_video = FALSE;
  gst_identifai_engine_configure_segmenter_locked (self);
}

/* The files that settings name are read without the lock, and may lie on a mount that
 * hangs. What may change while the element runs may change meanwhile. */
static gboolean
connect_outbox (GstIdentifaiEngine * self, GError ** error)
{
  gint64 start = identifai_clock_now ();
  gboolean started = gst_identifai_outbox_start (self->outbox, error);
  gboolean changed;

  GST_INFO_OBJECT (self->element, "%s, within %" G_GINT64_FORMAT " ms",
      started ? "ready to post" : "not started",
      (identifai_clock_now () - start) / 1000);
  g_mutex_lock (&self->lock);
  self->starting = FALSE;
  self->running = started;
  changed = self->changed;
  g_mutex_unlock (&self->lock);

  if (started && changed) {
    pass_key (self);
    pass_headers (self);
    pass_policy (self);
    pass_attach_file (self);
  }

  return started;
}

gboolean
gst_identifai_engine_start (GstIdentifaiEngine * self, GError ** error)
{
  gboolean usable;

  g_mutex_lock (&self->lock);
  identifai_segmenter_set_name (self->segmenter,
      GST_OBJECT_NAME (self->element));
  usable = gst_identifai_outbox_configure (self->outbox, &self->settings,
      error);
  if (usable) {
    reset_locked (self);
    warn_of_times_locked (self);
  }
  self->running = self->starting = usable;
  self->changed = FALSE;
  g_mutex_unlock (&self->lock);

  if (!usable || !connect_outbox (self, error))
    return FALSE;
  gst_identifai_reporter_post (self->reporter);

  return TRUE;
}

void
gst_identifai_engine_begin_stop (GstIdentifaiEngine * self)
{
  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  identifai_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_engine_stop (GstIdentifaiEngine * self)
{
  gint64 start = identifai_clock_now ();
  GstClockID timer;

  g_mutex_lock (&self->lock);
  timer = g_steal_pointer (&self->timer);
  gst_identifai_engine_drop_locked (self, GST_IDENTIFAI_DROP_STOPPED);
  identifai_segmenter_reset (self->segmenter);
  gst_identifai_caps_reset (self->caps);
  g_mutex_unlock (&self->lock);

  if (timer != NULL) {
    gst_clock_id_unschedule (timer);
    gst_clock_id_unref (timer);
  }
  gst_identifai_outbox_stop (self->outbox);

  g_mutex_lock (&self->lock);
  self->running = FALSE;
  g_mutex_unlock (&self->lock);

  GST_INFO_OBJECT (self->element, "stopped within %" G_GINT64_FORMAT " ms",
      (identifai_clock_now () - start) / 1000);
}

/* Demand. */

/* Of uploads a minute; 0: nobody knows, or none. */
static gdouble
get_demand (const GstIdentifaiSettings * settings)
{
  GstClockTime period = MAX (settings->segment_duration,
      settings->segment_interval);

  if (settings->segment_duration == 0 || period >= LONGEST)
    return 0;

  return 60.0 * GST_SECOND / period;
}

/* Of uploads a minute; 0: there is none. */
static gdouble
get_limit (const GstIdentifaiSettings * settings)
{
  IdentifaiLimit limits[IDENTIFAI_N_CALLS];
  const IdentifaiLimit *post = &limits[IDENTIFAI_CALL_POST];

  gst_identifai_settings_get_limits (settings, limits);
  if (post->per_second > 0 && (post->per_minute == 0
          || post->per_second * 60 < post->per_minute))
    return post->per_second * 60;

  return post->per_minute;
}

void
gst_identifai_engine_claim_locked (GstIdentifaiEngine * self)
{
  gdouble demand = get_demand (&self->settings);
  gdouble limit = get_limit (&self->settings);
  IdentifaiDemand all;

  if (self->claimed || demand <= 0
      || !gst_identifai_outbox_set_demand (self->outbox, demand, &all))
    return;
  self->claimed = TRUE;
  GST_INFO_OBJECT (self->element, "wants %.3g uploads a minute, all %u "
      "elements of the key in this process %.3g, of %.3g (0: no limit)", demand,
      all.users, all.per_minute, limit);
  if (limit > 0 && all.per_minute > limit * 1.001)
    gst_identifai_engine_queue (self,
        gst_identifai_warning_demand (self->element, &all, limit,
            MAX (self->settings.segment_duration,
                self->settings.segment_interval)));
}
