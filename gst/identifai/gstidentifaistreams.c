/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The streams that an engine judges: their caps, what comes of them and at what pace.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiengine.h"

#include "gstidentifaierrors.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

/* Video may come so much earlier than it is due. */
#define MAX_LEAD ((GstClockTimeDiff) (10 * GST_SECOND))

/* What is asked of upstream, and of the clock. */

/* How long a segment that ends now waits for its sound, in µs; -1: no matter how long,
 * as it doesn't come in real time. */
static gint64
get_patience_locked (GstIdentifaiEngine * self, GstClockTime due)
{
  GstClockTimeDiff lead = 0;
  GstClock *clock;

  if (!gst_identifai_engine_is_real_time_locked (self))
    return -1;
  clock = gst_element_get_clock (self->element);
  if (clock != NULL && GST_CLOCK_TIME_IS_VALID (due))
    lead = GST_CLOCK_DIFF (gst_clock_get_time (clock),
        gst_element_get_base_time (self->element) + due);
  gst_clear_object (&clock);

  return CLAMP (lead, 0, MAX_LEAD) / GST_USECOND + IDENTIFAI_AUDIO_PATIENCE;
}

gboolean
gst_identifai_engine_ask_live (GstPad * pad)
{
  GstQuery *query = gst_query_new_latency ();
  gboolean live = FALSE;

  if (gst_pad_peer_query (pad, query))
    gst_query_parse_latency (query, &live, NULL, NULL);
  else
    GST_DEBUG_OBJECT (pad, "upstream doesn't say whether it is live: taken for "
        "not live");
  gst_query_unref (query);

  return live;
}

/* Caps of all streams together. */

static void
on_sound_judged (guint stream, const gchar * obstacle, gpointer user_data)
{
  GstIdentifaiEngine *self = user_data;
  const gchar *name = gst_identifai_caps_get_name (self->caps, stream);

  if (!identifai_segmenter_leave_out (self->segmenter, stream,
          obstacle != NULL))
    return;
  GST_WARNING_OBJECT (self->element, "the sound of %s is left out: %s", name,
      obstacle);
  gst_identifai_engine_queue (self,
      gst_identifai_warning_sound (self->element, name, obstacle));
}

static const gchar *
get_muxer (GstIdentifaiEngine * self)
{
  return self->settings.muxer ? self->settings.muxer : "auto";
}

/* Upstream may try again with every buffer: once is enough. Takes over error. */
static void
refuse_video_locked (GstIdentifaiEngine * self, GError * error)
{
  error->domain = GST_STREAM_ERROR;
  error->code = GST_STREAM_ERROR_CODEC_NOT_FOUND;
  GST_DEBUG_OBJECT (self->element, "the video is refused%s: %s",
      self->caps_refused ? ", as before" : "", error->message);
  if (self->caps_refused)
    g_error_free (error);
  else
    gst_identifai_engine_queue_error (self, error);
  self->caps_refused = TRUE;
}

gboolean
gst_identifai_engine_set_video_caps_locked (GstIdentifaiEngine * self,
    GstCaps * caps)
{
  GError *error = NULL;
  GstCaps *usual;
  gboolean taken;

  if (!gst_identifai_caps_set (self->caps,
          GST_OBJECT_NAME (self->element), IDENTIFAI_SEGMENTER_VIDEO, caps,
          get_muxer (self), &error)) {
    refuse_video_locked (self, error);
    return FALSE;
  }
  GST_DEBUG_OBJECT (self->element, "video as muxers know it: %" GST_PTR_FORMAT,
      caps);
  usual = identifai_codec_usual_caps (caps);
  gst_identifai_caps_judge_sound (self->caps,
      GST_OBJECT_NAME (self->element), get_muxer (self), on_sound_judged, self);
  taken = identifai_segmenter_set_caps (self->segmenter,
      IDENTIFAI_SEGMENTER_VIDEO, usual);
  gst_caps_unref (usual);

  return taken;
}

void
gst_identifai_engine_forget_video_locked (GstIdentifaiEngine * self)
{
  gst_identifai_caps_set (self->caps,
      GST_OBJECT_NAME (self->element), IDENTIFAI_SEGMENTER_VIDEO, NULL, NULL,
      NULL);
}

gboolean
gst_identifai_engine_set_audio_caps_locked (GstIdentifaiEngine * self,
    guint stream, GstCaps * caps)
{
  if (!gst_identifai_caps_set (self->caps, GST_OBJECT_NAME (self->element),
          stream, caps, NULL, NULL))
    return FALSE;
  gst_identifai_caps_judge_sound (self->caps,
      GST_OBJECT_NAME (self->element), get_muxer (self), on_sound_judged, self);

  return identifai_segmenter_set_caps (self->segmenter, stream, caps);
}

/* Video. */

void
gst_identifai_engine_restart_locked (GstIdentifaiEngine * self)
{
  self->caps_refused = FALSE;
  self->hurry = FALSE;
  identifai_arrival_pace_restart (&self->pace);
}

gboolean
gst_identifai_engine_is_real_time_locked (GstIdentifaiEngine * self)
{
  return self->live || self->pace.state == IDENTIFAI_ARRIVAL_PACE_REAL_TIME;
}

static void
apply_pace_locked (GstIdentifaiEngine * self)
{
  static const gchar *const names[] = { "unknown", "real time",
    "faster than real time"
  };

  GST_INFO_OBJECT (self->element, "upstream says that it is %slive; its pace: "
      "%s", self->live ? "" : "not ", names[self->pace.state]);
  gst_identifai_outbox_set_live (self->outbox,
      gst_identifai_engine_is_real_time_locked (self));
  if (gst_identifai_engine_is_real_time_locked (self)
      && gst_identifai_engine_get_codec (self) != NULL)
    gst_identifai_engine_claim_locked (self);
}

void
gst_identifai_engine_set_live_locked (GstIdentifaiEngine * self, gboolean live)
{
  self->live = live;
  apply_pace_locked (self);
}

static guint64
count_files_locked (GstIdentifaiEngine * self)
{
  guint64 bytes = self->in_hand ? self->in_hand->bytes : 0;
  GList *walk;

  for (walk = self->files.head; walk != NULL; walk = walk->next)
    bytes += ((IdentifaiSegment *) walk->data)->bytes;

  return bytes;
}

/* More than one file's bytes are not taken on trial. */
void
gst_identifai_engine_watch_pace_locked (GstIdentifaiEngine * self,
    GstBuffer * buffer, GstClockTime position, gint64 now)
{
  IdentifaiSegmenterStats stats;
  gboolean changed = identifai_arrival_pace_push (&self->pace, now, position,
      GST_BUFFER_DURATION (buffer));

  if (self->pace.on_trial) {
    identifai_segmenter_get_stats (self->segmenter, &stats);
    changed = stats.bytes + count_files_locked (self)
        > self->settings.max_segment_bytes;
    if (changed) {
      GST_DEBUG_OBJECT (self->element, "a file's bytes came within the trial: "
          "the pace is what it is by now");
      identifai_arrival_pace_end_trial (&self->pace);
    }
  }
  if (changed)
    apply_pace_locked (self);
}

/* early-upload */
static void
grow_locked (GstIdentifaiEngine * self)
{
  IdentifaiOpenSegment open;

  if (self->settings.early_upload
      && identifai_segmenter_peek (self->segmenter, &open))
    gst_identifai_outbox_grow (self->outbox, &open);
}

void
gst_identifai_engine_push_video_locked (GstIdentifaiEngine * self,
    GstBuffer * buffer, GstClockTime position, GstClockTime due,
    const IdentifaiCaptureTime * arrival)
{
  GST_LOG_OBJECT (self->element, "video at %" GST_TIME_FORMAT ": %"
      GST_PTR_FORMAT, GST_TIME_ARGS (position), buffer);
  self->video_thread = g_thread_self ();
  identifai_segmenter_set_patience (self->segmenter,
      get_patience_locked (self, due), arrival->monotonic);
  gst_identifai_engine_watch_pace_locked (self, buffer, position,
      arrival->monotonic);
  if (self->boosted != gst_identifai_outbox_is_boosted (self->outbox))
    gst_identifai_engine_configure_segmenter_locked (self);
  identifai_segmenter_push (self->segmenter, IDENTIFAI_SEGMENTER_VIDEO, buffer,
      arrival);
  grow_locked (self);
  gst_identifai_engine_dispatch_locked (self);
}

/* Sound. */

guint
gst_identifai_engine_add_audio_locked (GstIdentifaiEngine * self,
    const gchar * pad_name)
{
  guint stream = identifai_segmenter_add_audio (self->segmenter);

  identifai_segmenter_link_audio (self->segmenter, stream, FALSE);
  gst_identifai_caps_add (self->caps, stream, pad_name);
  GST_DEBUG_OBJECT (self->element, "%s is sound %u", pad_name, stream);

  return stream;
}

void
gst_identifai_engine_remove_audio_locked (GstIdentifaiEngine * self,
    guint stream)
{
  GST_DEBUG_OBJECT (self->element, "%s goes: nothing waits for sound %u any "
      "more", gst_identifai_caps_get_name (self->caps, stream), stream);
  identifai_segmenter_remove_audio (self->segmenter, stream);
  gst_identifai_caps_remove (self->caps, stream);
  gst_identifai_engine_dispatch_locked (self);
  identifai_cond_broadcast (&self->cond);
}

void
gst_identifai_engine_push_audio_locked (GstIdentifaiEngine * self,
    guint stream, GstBuffer * buffer)
{
  IdentifaiCaptureTime arrival = {.monotonic = identifai_clock_now (),
    .utc = -1
  };

  self->sound_came = arrival.monotonic;
  self->sound_thread = g_thread_self ();
  identifai_segmenter_push (self->segmenter, stream, buffer, &arrival);
  gst_identifai_engine_dispatch_locked (self);
  identifai_cond_broadcast (&self->cond);       /* it may be waited for */
}
