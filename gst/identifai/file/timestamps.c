/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * On a mux worker's thread, but restore_times(): on the one that feeds the muxer. Times
 * are ns, moved by IDENTIFAI_TRACK_EPOCH.
 */

#include "timestamps.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define FALLBACK_DURATION (40 * GST_MSECOND)    /* of the only frame of a file */
#define MIN_TIMESCALE 90000     /* units a second, of MP4 */
#define MAX_TIMESCALE 240000    /* of frame rates that are no mere average */

static GstBuffer *
buffer_at (IdentifaiTrack * track, guint i)
{
  return g_ptr_array_index (track->buffers, i);
}

static GstBuffer *
writable_at (IdentifaiTrack * track, guint i)
{
  GstBuffer *buffer = gst_buffer_make_writable (buffer_at (track, i));

  g_ptr_array_index (track->buffers, i) = buffer;

  return buffer;
}

GstClockTime
identifai_timestamps_first_shown (IdentifaiTrack * track)
{
  GstClockTime first = GST_CLOCK_TIME_NONE;
  guint i;

  /* NONE is the largest number */
  for (i = 0; i < track->buffers->len; i++)
    first = MIN (first, GST_BUFFER_PTS (buffer_at (track, i)));

  return first;
}

GstClockTime
identifai_timestamps_shown_from (IdentifaiTrack * track)
{
  if (GST_BUFFER_PTS (buffer_at (track, 0)) < IDENTIFAI_TRACK_EPOCH
      && identifai_timestamps_last_shown (track) >= IDENTIFAI_TRACK_EPOCH)
    return IDENTIFAI_TRACK_EPOCH;

  return identifai_timestamps_first_shown (track);
}

GstClockTime
identifai_timestamps_last_shown (IdentifaiTrack * track)
{
  GstClockTime last = 0;
  guint i;

  for (i = 0; i < track->buffers->len; i++)
    last = MAX (last, GST_BUFFER_PTS (buffer_at (track, i)));

  return last;
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  GstClockTime time_a = *(const GstClockTime *) a;
  GstClockTime time_b = *(const GstClockTime *) b;

  return time_a < time_b ? -1 : time_a > time_b;
}

/* All PTS in the order shown. */
static GArray *
sort_pts (IdentifaiTrack * track)
{
  GArray *sorted = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  guint i;

  for (i = 0; i < track->buffers->len; i++)
    g_array_append_val (sorted, GST_BUFFER_PTS (buffer_at (track, i)));
  g_array_sort (sorted, compare_times);

  return sorted;
}

/* A missing DTS counts as equal to the PTS, as demuxers mean it. Frames must be
 * decoded for as long as they are shown, or a file ends before its last picture. */
static gboolean
dts_is_usable (IdentifaiTrack * track)
{
  GstClockTime first = 0, last = 0;
  guint i;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = buffer_at (track, i);
    GstClockTime dts = GST_BUFFER_DTS_OR_PTS (buffer);

    if ((i > 0 && dts <= last) || dts > GST_BUFFER_PTS (buffer))
      return FALSE;
    if (i == 0)
      first = dts;
    last = dts;
  }

  return last - first >= identifai_timestamps_last_shown (track)
      - identifai_timestamps_first_shown (track);
}

/* Whether frames are shown as they are decoded. */
static gboolean
is_in_order (IdentifaiTrack * track)
{
  guint i;

  for (i = 1; i < track->buffers->len; i++) {
    if (GST_BUFFER_PTS (buffer_at (track, i)) <=
        GST_BUFFER_PTS (buffer_at (track, i - 1)))
      return FALSE;
  }

  return TRUE;
}

/* The frames are decoded at the times at which frames are shown, as much
 * earlier as it takes for none to be shown before it is decoded. */
static void
derive_dts (IdentifaiTrack * track, GArray * sorted)
{
  GstClockTime delay = 0;
  guint i;

  for (i = 0; i < sorted->len; i++) {
    GstClockTime dts = g_array_index (sorted, GstClockTime, i);
    GstClockTime pts = GST_BUFFER_PTS (buffer_at (track, i));

    if (dts > pts)
      delay = MAX (delay, dts - pts);
  }
  for (i = 0; i < sorted->len; i++)
    GST_BUFFER_DTS (writable_at (track, i)) =
        g_array_index (sorted, GstClockTime, i) - delay;
}

/* From a PTS to the next one that differs. The last frame lasts as long as the
 * one before. */
static GstClockTime
find_duration (GArray * sorted, GstClockTime pts)
{
  guint low = 0, high = sorted->len;

  /* index of the first that is later */
  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (g_array_index (sorted, GstClockTime, middle) <= pts)
      low = middle + 1;
    else
      high = middle;
  }
  if (low < sorted->len)
    return g_array_index (sorted, GstClockTime, low) - pts;
  if (sorted->len < 2)
    return FALLBACK_DURATION;

  return pts - g_array_index (sorted, GstClockTime, sorted->len - 2);
}

void
identifai_timestamps_complete_durations (const gchar * name,
    IdentifaiTrack * track)
{
  GArray *sorted = sort_pts (track);
  guint i, n = 0;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = writable_at (track, i);

    if (GST_BUFFER_DURATION_IS_VALID (buffer))
      continue;
    GST_BUFFER_DURATION (buffer) =
        find_duration (sorted, GST_BUFFER_PTS (buffer));
    n++;
  }
  GST_LOG_ID (name,
      "%u of %u buffers get a duration, up to the next one's time", n,
      track->buffers->len);
  g_array_unref (sorted);
}

/* The times of a buffer. */
typedef struct
{
  GstClockTime pts, dts, duration;
} Times;

/* The times of a track on their way through a parser. */
typedef struct
{
  GArray *times;                /* of its buffers */
  GHashTable *places;           /* of them, by PTS */
  guint last;                   /* place of the latest that came out */
} Keeper;

static void
keeper_free (gpointer data)
{
  Keeper *self = data;

  g_hash_table_unref (self->places);
  g_array_unref (self->times);
  g_free (self);
}

/* A picture that its buffer had beside another has that one's times. */
static GstPadProbeReturn
restore_times (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *buffer = gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER
      (info));
  Keeper *self = user_data;
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  const Times *times;
  gpointer place;

  if (g_hash_table_lookup_extended (self->places, &pts, NULL, &place))
    self->last = GPOINTER_TO_UINT (place);
  times = &g_array_index (self->times, Times, self->last);
  GST_LOG_OBJECT (pad, "%" GST_TIME_FORMAT " is %" GST_TIME_FORMAT " again",
      GST_TIME_ARGS (pts), GST_TIME_ARGS (times->pts));
  GST_BUFFER_PTS (buffer) = times->pts;
  GST_BUFFER_DTS (buffer) = times->dts;
  GST_BUFFER_DURATION (buffer) = times->duration;
  GST_PAD_PROBE_INFO_DATA (info) = buffer;

  return GST_PAD_PROBE_OK;
}

/* Makes all PTS differ, and remembers them. */
static void
tell_apart (const gchar * name, Keeper * self, IdentifaiTrack * track)
{
  guint i;

  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = buffer_at (track, i);
    Times times = { GST_BUFFER_PTS (buffer), GST_BUFFER_DTS (buffer),
      GST_BUFFER_DURATION (buffer)
    };

    while (g_hash_table_contains (self->places, &times.pts))
      times.pts++;
    if (times.pts != GST_BUFFER_PTS (buffer))
      GST_LOG_ID (name,
          "buffer %u has the time of one before, %" GST_TIME_FORMAT, i,
          GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
    if (times.pts != GST_BUFFER_PTS (buffer))
      GST_BUFFER_PTS (writable_at (track, i)) = times.pts;
    g_hash_table_insert (self->places, g_memdup2 (&times.pts,
            sizeof (times.pts)), GUINT_TO_POINTER (i));
    g_array_append_val (self->times, times);
  }
}

void
identifai_timestamps_keep (const gchar * name, IdentifaiTrack * track,
    GstElement * parser)
{
  GstPad *pad = gst_element_get_static_pad (parser, "src");
  Keeper *self = g_new0 (Keeper, 1);

  self->times = g_array_new (FALSE, FALSE, sizeof (Times));
  self->places = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
      NULL);
  tell_apart (name, self, track);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, restore_times, self,
      keeper_free);
  gst_object_unref (pad);
}

/* Every frame of a constant rate lasts whole units, and what comes at other times
 * is not moved by more than some microseconds. */
static gint
choose_timescale (const GstCaps * caps)
{
  gint num, denom;

  if (!gst_structure_get_fraction (gst_caps_get_structure (caps, 0),
          "framerate", &num, &denom) || num <= 0 || denom <= 0
      || num > MAX_TIMESCALE)
    return MIN_TIMESCALE;

  return num * ((MIN_TIMESCALE + num - 1) / num);
}

void
identifai_timestamps_keep_precise (IdentifaiTrack * track, GstPad * last)
{
  GstPad *pad = gst_pad_get_peer (last);

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (pad), "trak-timescale"))
    g_object_set (pad, "trak-timescale", choose_timescale (track->caps), NULL);
  gst_object_unref (pad);
}

void
identifai_timestamps_complete_dts (const gchar * name, IdentifaiTrack * track)
{
  GArray *sorted;
  guint i;

  /* qtdemux (1.22) finds nothing in a file of one picture that waits */
  if (is_in_order (track) || !dts_is_usable (track)) {
    GST_LOG_ID (name, "decoding times of %u frames are derived, %s",
        track->buffers->len, is_in_order (track) ?
        "as they are shown in their order" : "as theirs can't be gone by");
    sorted = sort_pts (track);
    derive_dts (track, sorted);
    g_array_unref (sorted);
    return;
  }
  for (i = 0; i < track->buffers->len; i++) {
    GstBuffer *buffer = writable_at (track, i);

    if (!GST_BUFFER_DTS_IS_VALID (buffer))
      GST_BUFFER_DTS (buffer) = GST_BUFFER_PTS (buffer);
  }
}
