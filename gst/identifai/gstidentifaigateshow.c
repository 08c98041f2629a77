/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What downstream is told before a buffer: the stream's caps and segment, or the
 * slate's, and where that begins. On the task of a source pad.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

#define NO_TIME IDENTIFAI_NO_TIME

static void
replace_event (GstEvent ** event, GstEvent * by)
{
  gst_event_replace (event, by);
  gst_event_unref (by);
}

static void
push_segment (GstIdentifaiBranch * branch, gint64 shift)
{
  GstIdentifaiShow *show = &branch->show;
  GstSegment segment;
  GstEvent *event = gst_event_ref (show->segment);

  show->shift = shift;
  show->segment_due = FALSE;
  gst_event_copy_segment (event, &segment);
  if (shift != 0 && segment.format == GST_FORMAT_TIME) {
    guint32 seqnum = gst_event_get_seqnum (event);

    GST_DEBUG_OBJECT (branch->src, "the segment's running times are later by %"
        GST_STIME_FORMAT, GST_STIME_ARGS (shift));
    segment.base += shift;
    replace_event (&event, gst_event_new_segment (&segment));
    gst_event_set_seqnum (event, seqnum);
  }
  gst_pad_push_event (branch->src, event);
}

/* Takes over the event. Downstream isn't told twice of the same. */
static void
push_other_caps (GstIdentifaiBranch * branch, GstEvent * event)
{
  GstCaps *caps, *current = gst_pad_get_current_caps (branch->src);

  gst_event_parse_caps (event, &caps);
  if (current != NULL && !gst_caps_is_equal (caps, current))
    GST_DEBUG_OBJECT (branch->src, "other caps: %" GST_PTR_FORMAT, caps);
  if (current == NULL || !gst_caps_is_equal (caps, current))
    gst_pad_push_event (branch->src, event);
  else
    gst_event_unref (event);
  gst_clear_caps (&current);
}

static void
push_caps (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;

  if (show->caps_due && show->caps != NULL)
    push_other_caps (branch, gst_event_ref (show->caps));
  show->caps_due = FALSE;
}

void
gst_identifai_gate_show_stop (GstIdentifaiBranch * branch)
{
  GstIdentifaiShow *show = &branch->show;

  if (!show->slate)
    return;
  GST_DEBUG_OBJECT (branch->src, "no more slate behind %" GST_STIME_FORMAT,
      GST_STIME_ARGS (show->last));
  show->slate = FALSE;
  branch->hole = TRUE;
  identifai_slate_loop_stop (&show->loop);
}

void
gst_identifai_gate_show_stream (GstIdentifaiBranch * branch, gint64 shift)
{
  GstIdentifaiShow *show = &branch->show;

  gst_identifai_gate_show_stop (branch);
  push_caps (branch);
  if (show->segment != NULL && (show->segment_due || show->shift != shift))
    push_segment (branch, shift);
}

/* FALSE: downstream doesn't take it. */
static gboolean
push_slate_caps (GstIdentifaiBranch * branch, IdentifaiSlateTrack * track)
{
  GstCaps *caps = identifai_slate_track_get_caps (track);

  if (!gst_pad_peer_query_accept_caps (branch->src, caps))
    return FALSE;
  branch->show.caps_due = TRUE;
  push_other_caps (branch, gst_event_new_caps (caps));

  return TRUE;
}

/* In a flush nobody takes anything. */
static void
refuse_slate (GstIdentifaiBranch * branch, IdentifaiSlateTrack * track)
{
  gboolean flushing;

  g_mutex_lock (&branch->gate->engine->lock);
  flushing = branch->flushing;
  branch->slate_refused |= !flushing;
  g_mutex_unlock (&branch->gate->engine->lock);
  if (!flushing)
    gst_identifai_gate_slate_refuse (branch,
        identifai_slate_track_get_caps (track));
}

/* Its times are running times. */
static void
push_slate_segment (GstIdentifaiBranch * branch)
{
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (branch->src, gst_event_new_segment (&segment));
  branch->show.segment_due = TRUE;
}

/* Of a branch, new references. of: the video's, for sound. */
static IdentifaiSlateTrack *
get_slate (GstIdentifaiBranch * branch, IdentifaiSlateTrack ** of)
{
  GstIdentifaiGate *self = branch->gate;
  IdentifaiSlateTrack *track;

  g_mutex_lock (&self->engine->lock);
  track = branch->slate_refused ? NULL :
      gst_identifai_gate_slate_get_locked (self, branch);
  *of = branch->stream == IDENTIFAI_SEGMENTER_VIDEO ? NULL :
      gst_identifai_gate_slate_get_locked (self,
      g_ptr_array_index (self->branches, 0));
  g_mutex_unlock (&self->engine->lock);

  return track;
}

/* position: of the outgoing end. track: NULL, silence. */
static void
start_loop (GstIdentifaiBranch * branch, IdentifaiSlateTrack * track,
    IdentifaiSlateTrack * of, gint64 position)
{
  GstIdentifaiShow *show = &branch->show;

  if (show->last != NO_TIME && position < show->last - GST_IDENTIFAI_GATE_JUMP)
    show->last = show->end = NO_TIME;
  position = MAX (position, 0);
  if (show->last != NO_TIME)
    position = MAX (position, show->last + 1);
  show->is_first = TRUE;
  show->silent_at = position;
  GST_DEBUG_OBJECT (branch->src, "%s from %" GST_STIME_FORMAT " on",
      track ? "the slate" : "silence", GST_STIME_ARGS (position));
  if (track != NULL)
    identifai_slate_loop_start (&show->loop, track, of, position,
        branch->stream == IDENTIFAI_SEGMENTER_VIDEO ? show->end : NO_TIME);
}

void
gst_identifai_gate_show_slate (GstIdentifaiBranch * branch, gint64 wall,
    gint64 position)
{
  GstIdentifaiShow *show = &branch->show;
  IdentifaiSlateTrack *of = NULL, *track = get_slate (branch, &of);

  if (track != NULL && !push_slate_caps (branch, track)) {
    refuse_slate (branch, track);
    g_clear_pointer (&track, identifai_slate_track_unref);
  }
  if (track == NULL)
    push_caps (branch);
  push_slate_segment (branch);
  show->slate = TRUE;
  show->wall = wall;
  show->position = position;
  start_loop (branch, track, of, position);
  g_clear_pointer (&track, identifai_slate_track_unref);
  g_clear_pointer (&of, identifai_slate_track_unref);
}
