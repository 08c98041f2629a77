/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where the slate comes from, a file or pads of its own, and when the outgoing end has
 * to be filled with it while a delay is built. What leaves of it, and when, is in
 * gstidentifaigateout.c.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include <string.h>

#include "gstidentifaierrors.h"
#include "clock.h"
#include "codecs.h"
#include "framereader.h"
#include "log.h"
#include "runningtime.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NO_TIME IDENTIFAI_NO_TIME
#define VIDEO IDENTIFAI_SEGMENTER_VIDEO

typedef struct
{
  GstIdentifaiGate *gate;       /* borrowed */
  GstPad *pad;                  /* of the gate; borrowed */
  gboolean is_video;

  GstSegment segment;           /* its streaming thread's */
  IdentifaiSlateTrack *making;  /* the same; or NULL */

  IdentifaiSlateTrack *track;   /* the engine's lock: it is whole; or NULL */
} GstIdentifaiSlatePad;

/* Pads. */

static void
slate_pad_free (gpointer data)
{
  GstIdentifaiSlatePad *self = data;

  g_clear_pointer (&self->making, identifai_slate_track_unref);
  g_clear_pointer (&self->track, identifai_slate_track_unref);
  g_free (self);
}

/* What came is the slate from now on. */
static void
finish (GstIdentifaiSlatePad * self)
{
  IdentifaiSlateTrack *track = g_steal_pointer (&self->making);

  if (track == NULL)
    return;
  if (!identifai_slate_track_finish (track)) {
    GST_WARNING_OBJECT (self->pad, "no key frame came");
    identifai_slate_track_unref (track);
    return;
  }
  if (identifai_slate_track_is_cut (track))
    GST_WARNING_OBJECT (self->pad, "it is too long: the first %u frames count",
        identifai_slate_track_count (track));
  g_mutex_lock (&self->gate->engine->lock);
  g_clear_pointer (&self->track, identifai_slate_track_unref);
  self->track = track;
  g_mutex_unlock (&self->gate->engine->lock);
}

static GstFlowReturn
chain_slate (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstIdentifaiSlatePad *self = gst_pad_get_element_private (pad);
  gint64 dts = NO_TIME, pts = NO_TIME, duration = NO_TIME;

  if (self->segment.format == GST_FORMAT_TIME) {
    dts = identifai_running_time (&self->segment, GST_BUFFER_DTS (buffer));
    pts = identifai_running_time (&self->segment, GST_BUFFER_PTS (buffer));
    duration = identifai_running_duration (&self->segment,
        GST_BUFFER_DURATION (buffer));
  }
  if (self->making == NULL) {
    GST_LOG_OBJECT (pad, "the slate is whole: a buffer isn't used");
    gst_buffer_unref (buffer);
    return GST_FLOW_EOS;
  }
  if (identifai_slate_track_add (self->making, buffer, dts, pts, duration))
    return GST_FLOW_OK;
  finish (self);

  return GST_FLOW_EOS;
}

/* Other caps begin another slate. */
static void
set_slate_caps (GstIdentifaiSlatePad * self, GstEvent * event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  GST_INFO_OBJECT (self->pad, "%" GST_PTR_FORMAT, caps);
  g_clear_pointer (&self->making, identifai_slate_track_unref);
  self->making = identifai_slate_track_new (GST_OBJECT_NAME (self->gate), caps);
}

static void
restart_slate (GstIdentifaiSlatePad * self)
{
  GstCaps *caps = gst_pad_get_current_caps (self->pad);

  gst_segment_init (&self->segment, GST_FORMAT_UNDEFINED);
  g_clear_pointer (&self->making, identifai_slate_track_unref);
  if (caps != NULL)
    self->making =
        identifai_slate_track_new (GST_OBJECT_NAME (self->gate), caps);
  gst_clear_caps (&caps);
}

static gboolean
handle_slate_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstIdentifaiSlatePad *self = gst_pad_get_element_private (pad);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      set_slate_caps (self, event);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &self->segment);
      identifai_running_bound_segment (&self->segment);
      break;
    case GST_EVENT_FLUSH_STOP:
      restart_slate (self);
      break;
    case GST_EVENT_EOS:
      finish (self);
      break;
    default:
      break;
  }
  gst_event_unref (event);

  return TRUE;
}

static gboolean
has_pad (GstIdentifaiGate * self, const gchar * name)
{
  GstPad *pad = gst_element_get_static_pad (GST_ELEMENT (self), name);
  gboolean has = pad != NULL;

  gst_clear_object (&pad);

  return has;
}

/* NULL: it is taken. */
static gchar *
choose_name (GstIdentifaiGate * self, gboolean is_video, const gchar * name)
{
  guint number = 0;
  gchar *chosen;

  if (is_video || (name != NULL && strchr (name, '%') == NULL))
    return has_pad (self, is_video ? "slate" : name) ? NULL :
        g_strdup (is_video ? "slate" : name);
  while (has_pad (self, chosen = g_strdup_printf ("slate_audio_%u", number))) {
    g_free (chosen);
    number++;
  }

  return chosen;
}

GstPad *
gst_identifai_gate_slate_request_pad (GstIdentifaiGate * self,
    GstPadTemplate * pad_template, const gchar * name)
{
  gboolean is_video = strcmp (GST_PAD_TEMPLATE_NAME_TEMPLATE (pad_template),
      "slate") == 0;
  gchar *chosen = choose_name (self, is_video, name);
  GstIdentifaiSlatePad *slate;

  if (chosen == NULL)
    return NULL;
  slate = g_new0 (GstIdentifaiSlatePad, 1);
  slate->gate = self;
  slate->is_video = is_video;
  slate->pad = gst_pad_new_from_template (pad_template, chosen);
  g_free (chosen);
  gst_segment_init (&slate->segment, GST_FORMAT_UNDEFINED);
  gst_pad_set_element_private (slate->pad, slate);
  gst_pad_set_chain_function (slate->pad, chain_slate);
  gst_pad_set_event_function (slate->pad, handle_slate_event);
  g_mutex_lock (&self->engine->lock);
  g_ptr_array_add (self->slate_pads, slate);
  g_mutex_unlock (&self->engine->lock);
  if (GST_STATE (self) > GST_STATE_READY
      || GST_STATE_PENDING (self) > GST_STATE_READY)
    gst_pad_set_active (slate->pad, TRUE);
  gst_element_add_pad (GST_ELEMENT (self), slate->pad);

  return slate->pad;
}

gboolean
gst_identifai_gate_slate_release_pad (GstIdentifaiGate * self, GstPad * pad)
{
  gboolean found;
  guint i;

  g_mutex_lock (&self->engine->lock);
  for (i = 0; i < self->slate_pads->len; i++)
    if (((GstIdentifaiSlatePad *) g_ptr_array_index (self->slate_pads,
                i))->pad == pad)
      break;
  found = i < self->slate_pads->len;
  g_mutex_unlock (&self->engine->lock);
  if (!found)
    return FALSE;

  gst_pad_set_active (pad, FALSE);
  g_mutex_lock (&self->engine->lock);
  g_ptr_array_remove (self->slate_pads, gst_pad_get_element_private (pad));
  g_mutex_unlock (&self->engine->lock);
  gst_element_remove_pad (GST_ELEMENT (self), pad);

  return TRUE;
}

/* The file. */

/* What follows a branch takes; a new reference, or NULL. */
static GstCaps *
get_taken (GstIdentifaiBranch * branch)
{
  return gst_pad_is_linked (branch->src) ?
      gst_pad_peer_query_caps (branch->src, NULL) : NULL;
}

static void
tell (GstIdentifaiGate * self, const gchar * what)
{
  GST_WARNING_OBJECT (self, "no slate: %s", what);
  gst_identifai_engine_queue (self->engine,
      gst_identifai_warning_slate (GST_ELEMENT (self), what));
}

/* No branches are added or removed meanwhile: the element changes its state. */
static IdentifaiSlate *
load (GstIdentifaiGate * self, const gchar * path)
{
  GstIdentifaiBranch *sound = self->branches->len > 1 ?
      g_ptr_array_index (self->branches, 1) : NULL;
  GstCaps *video_caps = get_taken (g_ptr_array_index (self->branches, 0));
  GstCaps *sound_caps = sound ? get_taken (sound) : NULL;
  GError *error = NULL;
  IdentifaiSlate *slate = identifai_slate_load (GST_OBJECT_NAME (self), path,
      video_caps, sound_caps, IDENTIFAI_SLATE_PATIENCE, &error);
  gchar *what;

  gst_clear_caps (&video_caps);
  gst_clear_caps (&sound_caps);
  if (slate == NULL) {
    what = g_strdup_printf ("%s can't be used, %s", path, error->message);
    tell (self, what);
    g_free (what);
    g_error_free (error);
  }

  return slate;
}

static void
tell_silent (GstIdentifaiGate * self, const gchar * what)
{
  gchar *text = g_strdup_printf ("The slate is silent: %s", what);

  GST_WARNING_OBJECT (self, "%s", text);
  gst_identifai_engine_queue (self->engine,
      gst_identifai_info (GST_ELEMENT (self), text));
  g_free (text);
}

static void
tell_cut (GstIdentifaiGate * self, const gchar * path)
{
  gchar *text =
      g_strdup_printf ("The slate %s is too long, what is shown of it is "
      "the first %" GST_TIME_FORMAT, path,
      GST_TIME_ARGS (identifai_slate_track_get_length (self->slate->video)));

  GST_WARNING_OBJECT (self, "%s", text);
  gst_identifai_engine_queue (self->engine,
      gst_identifai_info (GST_ELEMENT (self), text));
  g_free (text);
}

/* Another stream, or a flush of the video. */
static void
reset_locked (GstIdentifaiGate * self)
{
  guint i;

  self->began = FALSE;
  self->reorder = -1;
  for (i = 0; i < self->branches->len; i++)
    ((GstIdentifaiBranch *) g_ptr_array_index (self->branches, i))->build.due =
        FALSE;
}

void
gst_identifai_gate_slate_pause (GstIdentifaiGate * self)
{
  g_mutex_lock (&self->engine->lock);
  self->paused = identifai_clock_now ();
  g_mutex_unlock (&self->engine->lock);
}

void
gst_identifai_gate_slate_play (GstIdentifaiGate * self)
{
  gint64 took;
  guint i;

  g_mutex_lock (&self->engine->lock);
  took = self->paused != 0 ? identifai_clock_now () - self->paused : 0;
  if (self->paused != 0)
    self->resumed = self->paused + took;
  self->paused = 0;
  gst_identifai_gate_shift_paused_locked (self, took);
  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);

    branch->away += took;
    branch->build.wall += took;
  }
  g_mutex_unlock (&self->engine->lock);
}

void
gst_identifai_gate_slate_start (GstIdentifaiGate * self)
{
  IdentifaiSlate *slate = NULL;
  gchar *path;
  guint i;

  g_mutex_lock (&self->engine->lock);
  path = g_strdup (self->engine->settings.slate_location);
  self->slate_told = FALSE;
  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);

    branch->slate_refused = FALSE;
    branch->away = 0;
  }
  self->paused = 0;
  reset_locked (self);
  gst_identifai_gate_shift_reset_locked (self);
  g_mutex_unlock (&self->engine->lock);

  if (path != NULL)
    slate = load (self, path);
  g_mutex_lock (&self->engine->lock);
  self->slate = slate;
  self->slate_told = path != NULL && slate == NULL;
  g_mutex_unlock (&self->engine->lock);
  if (slate != NULL && identifai_slate_track_is_cut (slate->video))
    tell_cut (self, path);
  g_free (path);
  gst_identifai_reporter_post (self->engine->reporter);
}

void
gst_identifai_gate_slate_stop (GstIdentifaiGate * self)
{
  guint i;

  g_mutex_lock (&self->engine->lock);
  g_clear_pointer (&self->slate, identifai_slate_free);
  for (i = 0; i < self->slate_pads->len; i++) {
    GstIdentifaiSlatePad *pad = g_ptr_array_index (self->slate_pads, i);

    g_clear_pointer (&pad->making, identifai_slate_track_unref);
    g_clear_pointer (&pad->track, identifai_slate_track_unref);
    gst_segment_init (&pad->segment, GST_FORMAT_UNDEFINED);
  }
  g_mutex_unlock (&self->engine->lock);
}

void
gst_identifai_gate_slate_init (GstIdentifaiGate * self)
{
  self->slate_pads = g_ptr_array_new_with_free_func (slate_pad_free);
}

void
gst_identifai_gate_slate_free (GstIdentifaiGate * self)
{
  g_clear_pointer (&self->slate, identifai_slate_free);
  g_ptr_array_unref (self->slate_pads);
}

/* Which one. */

static GstIdentifaiBranch *
get_video (GstIdentifaiGate * self)
{
  return g_ptr_array_index (self->branches, 0);
}

static IdentifaiSlateTrack *
find_video (GstIdentifaiGate * self)
{
  guint i;

  if (self->slate != NULL)
    return self->slate->video;
  for (i = 0; i < self->slate_pads->len; i++) {
    GstIdentifaiSlatePad *pad = g_ptr_array_index (self->slate_pads, i);

    if (pad->is_video)
      return pad->track;
  }

  return NULL;
}

/* Of the pads; the nth, or the last one. */
static IdentifaiSlateTrack *
find_pad_sound (GstIdentifaiGate * self, guint nth)
{
  IdentifaiSlateTrack *track = NULL;
  guint i;

  for (i = 0; i < self->slate_pads->len; i++) {
    GstIdentifaiSlatePad *pad = g_ptr_array_index (self->slate_pads, i);

    if (pad->is_video)
      continue;
    track = pad->track;
    if (nth-- == 0)
      break;
  }

  return track;
}

static IdentifaiSlateTrack *
find_sound (GstIdentifaiGate * self, guint nth)
{
  GPtrArray *sounds = self->slate ? self->slate->sounds : NULL;

  if (sounds == NULL)
    return find_pad_sound (self, nth);

  return sounds->len > 0 ?
      g_ptr_array_index (sounds, MIN (nth, sounds->len - 1)) : NULL;
}

/* What came says another codec; what hasn't come says nothing. */
static gboolean
is_other_codec (GstIdentifaiBranch * branch, IdentifaiSlateTrack * track)
{
  GstCaps *caps = gst_pad_get_current_caps (branch->sink);
  gboolean other = caps != NULL && identifai_codec_of_caps (caps) !=
      identifai_codec_of_caps (identifai_slate_track_get_caps (track));

  gst_clear_caps (&caps);

  return other;
}

gboolean
gst_identifai_gate_slate_is_usable_locked (GstIdentifaiGate * self)
{
  IdentifaiSlateTrack *track = find_video (self);
  GstIdentifaiBranch *video = get_video (self);

  if (track != NULL && !is_other_codec (video, track)
      && !video->slate_refused)
    return TRUE;
  if (!self->slate_told)
    tell (self, track == NULL ? "neither slate-location nor a whole stream at "
        "the pad slate" : "its video has another codec than the stream");
  self->slate_told = TRUE;

  return FALSE;
}

/* In the order in which the pads were requested. */
static guint
get_nth (GstIdentifaiGate * self, GstIdentifaiBranch * branch)
{
  guint nth = 0;

  g_ptr_array_find (self->branches, branch, &nth);

  return nth - 1;
}

IdentifaiSlateTrack *
gst_identifai_gate_slate_get_locked (GstIdentifaiGate * self,
    GstIdentifaiBranch * branch)
{
  IdentifaiSlateTrack *track = branch->stream == VIDEO ? find_video (self) :
      find_sound (self, get_nth (self, branch));

  return track != NULL && !is_other_codec (branch, track) ?
      identifai_slate_track_ref (track) : NULL;
}

/* Sound is silent then, which is told; without the video, there is no slate. */
void
gst_identifai_gate_slate_refuse (GstIdentifaiBranch * branch,
    const GstCaps * caps)
{
  GstIdentifaiGate *self = branch->gate;
  gchar *name = gst_caps_to_string (caps);
  gchar *what = g_strdup_printf ("what follows %s doesn't take its caps, %s",
      GST_PAD_NAME (branch->src), name);

  g_mutex_lock (&self->engine->lock);
  if (branch->stream == VIDEO && !self->slate_told)
    tell (self, what);
  self->slate_told |= branch->stream == VIDEO;
  g_mutex_unlock (&self->engine->lock);
  if (branch->stream != VIDEO)
    tell_silent (self, what);
  gst_identifai_reporter_post_elsewhere (self->engine->reporter);
  g_free (what);
  g_free (name);
}

/* Delays that are built. */

/* Times that leave stay later as long as a stream is there that has them. */
void
gst_identifai_gate_slate_flushed_locked (GstIdentifaiBranch * branch)
{
  GstIdentifaiGate *self = branch->gate;
  gboolean begun = FALSE;
  guint i;

  if (branch->stream == VIDEO)
    reset_locked (self);
  branch->build.due = FALSE;
  for (i = 0; i < self->branches->len; i++)
    begun |= identifai_hold_queue_has_begun (self->hold, ((GstIdentifaiBranch *)
            g_ptr_array_index (self->branches, i))->stream);
  if (!begun && !self->began)
    gst_identifai_gate_shift_reset_locked (self);
}

/* Whether there is one that could be shown, without a word. */
static gboolean
is_there (GstIdentifaiGate * self)
{
  IdentifaiSlateTrack *track = find_video (self);

  return track != NULL && !get_video (self)->slate_refused
      && gst_identifai_gate_is_paced_locked (self)
      && !is_other_codec (get_video (self), track);
}

static void
build (GstIdentifaiBranch * branch, gint64 wall, gint64 position)
{
  branch->build = (GstIdentifaiBuild) {
  .due = TRUE,.wall = wall,.position = MAX (position, 0)};
}

/* Sound that wasn't flushed with the video has its delay. */
static void
build_first (GstIdentifaiBranch * branch, gint64 wall, gint64 position)
{
  if (!identifai_hold_queue_has_begun (branch->gate->hold, branch->stream))
    build (branch, wall, position);
}

static void
note_reorder (GstIdentifaiGate * self, GstBuffer * buffer)
{
  GstClockTimeDiff reorder;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT)
      || !GST_BUFFER_PTS_IS_VALID (buffer) || !GST_BUFFER_DTS_IS_VALID (buffer))
    return;
  reorder = MAX (GST_CLOCK_DIFF (GST_BUFFER_DTS (buffer),
          GST_BUFFER_PTS (buffer)), 0);
  self->reorder = self->reorder < 0 ? reorder : MIN (self->reorder, reorder);
}

/* From the arrival of the first buffer on, which leaves a hold later. */
void
gst_identifai_gate_slate_came_locked (GstIdentifaiGate * self,
    GstBuffer * buffer, gint64 arrival)
{
  gint64 hold = (gint64) self->engine->settings.hold;
  IdentifaiHoldQueueStats stats;
  gint64 position, due;
  guint i;

  note_reorder (self, buffer);
  if (self->began)
    return;
  self->began = TRUE;
  identifai_hold_queue_get_stats (self->hold, arrival, &stats);
  if (hold == 0 || stats.held > 1 || !is_there (self)
      || !identifai_hold_queue_peek (self->hold, VIDEO, &position, &due)
      || position == NO_TIME)
    return;
  self->built = hold;
  self->shift = MAX (self->shift, hold);
  GST_INFO_OBJECT (self, "the slate is shown until the delay is built, running "
      "times are later by %" GST_TIME_FORMAT, GST_TIME_ARGS (self->shift));
  identifai_hold_queue_begin (self->hold);
  for (i = 0; i < self->branches->len; i++)
    build_first (g_ptr_array_index (self->branches, i), arrival, position +
        self->shift - hold);
  gst_identifai_engine_queue (self->engine,
      gst_message_new_latency (GST_OBJECT (self)));
}

/* Where it goes on. */
static void
build_raised (GstIdentifaiGate * self, gint64 now)
{
  guint i;

  identifai_hold_queue_begin (self->hold);
  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);
    gint64 position, due;

    if (identifai_hold_queue_peek (self->hold, branch->stream, &position, &due)
        && position != NO_TIME)
      build (branch, now, position + self->shift);
  }
}

void
gst_identifai_gate_slate_hold_locked (GstIdentifaiGate * self,
    GstClockTime before, GstClockTime hold)
{
  gint64 more = (gint64) hold - (gint64) before;

  if (!self->began || more == 0 || (more < 0 && self->shift == 0))
    return;
  if (more > 0 && !is_there (self))
    return;
  if (more > 0)
    build_raised (self, identifai_clock_now ());
  self->shift = MAX (self->shift + more, 0);
  self->lag = MIN (self->lag, self->shift);
  self->built = MAX (self->built + more, 0);
  GST_INFO_OBJECT (self, "running times are later by %" GST_TIME_FORMAT,
      GST_TIME_ARGS (self->shift));
}
