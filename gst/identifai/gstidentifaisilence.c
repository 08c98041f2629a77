/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Ticks come on the system clock's thread, which mustn't wait: the pool posts.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisilence.h"

#include "gstidentifaierrors.h"
#include "gstidentifaiupstream.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define TICK (5 * GST_SECOND)
#define FIRST 2                 /* ticks until people are told */
#define AGAIN 12                /* until they are again */

struct _GstIdentifaiSilence
{
  GstIdentifaiEngine *engine;   /* borrowed */

  /* All below: the engine's lock. */
  GstClockID timer;             /* periodic; NULL while the element doesn't run */
  guint64 n_came;               /* buffers and gaps, since the start */
  guint64 n_seen;               /* the same at the latest tick */
  guint quiet;                  /* ticks in a row without any */
  guint idle;                   /* ticks in a row without any, expected or not */
  guint longest;                /* such a row, that ended: the stream is like that */
  gboolean told;
};

typedef struct
{
  GWeakRef element;
  GstIdentifaiSilence *silence; /* as long as the element is there */
} TickData;

GstIdentifaiSilence *
gst_identifai_silence_new (GstIdentifaiEngine * engine)
{
  GstIdentifaiSilence *self = g_new0 (GstIdentifaiSilence, 1);

  self->engine = engine;

  return self;
}

void
gst_identifai_silence_free (GstIdentifaiSilence * self)
{
  gst_identifai_silence_stop_locked (self);
  g_free (self);
}

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

/* A pause is over with the next buffer only, if that comes. */
static gboolean
is_to_play (GstElement * element)
{
  gboolean plays;

  GST_OBJECT_LOCK (element);
  plays = GST_STATE_TARGET (element) == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (element);

  return plays;
}

/* NULL: something should have come by now; else why not. What isn't live pauses as it
 * likes, once it has come. */
static const gchar *
find_excuse (GstIdentifaiSilence * self)
{
  GstIdentifaiEngine *engine = self->engine;
  GstPad *pad = engine->video_pad;
  gboolean has_come, expected;

  g_mutex_lock (&engine->lock);
  has_come = self->n_came > 0;
  expected = engine->running && !engine->stopping && engine->settings.judging
      && (!has_come || gst_identifai_engine_is_real_time_locked (engine));
  g_mutex_unlock (&engine->lock);
  if (!expected)
    return "it isn't judged, or isn't live and pauses as it likes";
  if (GST_PAD_IS_EOS (pad))
    return "its stream is over";
  if (is_inside (pad))
    return "the element holds the stream";
  if (!has_come)
    return waits_for_playing (engine->element) ? "it isn't played yet" : NULL;
  if (!is_to_play (engine->element))
    return "it is paused";

  return gst_pad_is_linked (pad) ? NULL : "nothing is linked";
}

static void
count_tick_locked (GstIdentifaiSilence * self, const gchar * excuse)
{
  self->idle = self->n_came == self->n_seen ? self->idle + 1 : 0;
  if (self->idle == FIRST && excuse != NULL)
    GST_DEBUG_OBJECT (self->engine->element,
        "nothing came for %u s, which isn't " "told: %s",
        FIRST * (guint) (TICK / GST_SECOND), excuse);
  if (excuse == NULL && self->n_came == self->n_seen) {
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
look (GstIdentifaiSilence * self, const gchar * excuse, gboolean * has_come)
{
  GstIdentifaiEngine *engine = self->engine;
  gboolean tells;
  guint seconds;

  g_mutex_lock (&engine->lock);
  count_tick_locked (self, excuse);
  *has_come = self->n_came > 0;
  tells = is_time (self);
  /* the audio pads have said it */
  if (tells && self->quiet == FIRST && engine->told_no_video) {
    GST_DEBUG_OBJECT (engine->element, "nothing comes, as was told before");
    tells = FALSE;
  }
  if (self->quiet > 0)
    GST_LOG_OBJECT (engine->element, "nothing came for %u ticks, %u before",
        self->quiet, self->longest);
  if (tells)
    self->told = engine->told_no_video = TRUE;
  seconds = self->quiet * (TICK / GST_SECOND);
  g_mutex_unlock (&engine->lock);

  return tells ? seconds : 0;
}

static void
tell (GstIdentifaiEngine * engine, guint seconds, gboolean has_come)
{
  IdentifaiKind kind = engine->settings.kind;
  gchar *advice = NULL;

  if (!has_come)
    advice = kind == IDENTIFAI_KIND_VIDEO ?
        gst_identifai_upstream_advise (engine->element) :
        g_strdup
        ("Check the source, and what is linked to the pad named sink.");

  GST_WARNING_OBJECT (engine->element, "nothing has come for %u s", seconds);
  gst_identifai_engine_queue (engine,
      gst_identifai_warning_silence (engine->element, kind, seconds, advice));
  gst_identifai_reporter_post_elsewhere (engine->reporter);
  g_free (advice);
}

static gboolean
on_tick (GstClock * clock, GstClockTime time, GstClockID id, gpointer user_data)
{
  TickData *data = user_data;
  GstIdentifaiSilence *self = data->silence;
  GstElement *element = g_weak_ref_get (&data->element);
  gboolean has_come;
  guint seconds;

  if (element == NULL)
    return FALSE;
  seconds = look (self, find_excuse (self), &has_come);
  if (seconds > 0)
    tell (self->engine, seconds, has_come);
  gst_object_unref (element);

  return TRUE;
}

static void
tick_data_free (gpointer user_data)
{
  TickData *data = user_data;

  g_weak_ref_clear (&data->element);
  g_free (data);
}

void
gst_identifai_silence_start_locked (GstIdentifaiSilence * self)
{
  GstClock *clock = gst_system_clock_obtain ();
  TickData *data = g_new (TickData, 1);

  g_weak_ref_init (&data->element, self->engine->element);
  data->silence = self;
  self->n_came = self->n_seen = 0;
  self->quiet = self->idle = self->longest = 0;
  self->told = FALSE;
  self->timer = gst_clock_new_periodic_id (clock, gst_clock_get_time (clock)
      + TICK, TICK);
  gst_clock_id_wait_async (self->timer, on_tick, data, tick_data_free);
  gst_object_unref (clock);
}

void
gst_identifai_silence_stop_locked (GstIdentifaiSilence * self)
{
  if (self->timer == NULL)
    return;
  gst_clock_id_unschedule (self->timer);
  gst_clock_id_unref (self->timer);
  self->timer = NULL;
}

void
gst_identifai_silence_end_locked (GstIdentifaiSilence * self)
{
  GstElement *element = self->engine->element;

  self->n_came++;
  if (!self->told)
    return;
  self->told = FALSE;
  GST_INFO_OBJECT (element, "something comes, after %u s or more",
      self->quiet * (guint) (TICK / GST_SECOND));
  gst_identifai_engine_queue (self->engine, gst_identifai_info (element,
          "Something comes again"));
}
