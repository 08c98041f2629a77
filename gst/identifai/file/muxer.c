/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which muxer makes the file, what it isn't told, and what it can't be told.
 */

#include "muxer.h"
#include "codecs.h"
#include "log.h"
#include "mp4edit.h"
#include "muxerchoice.h"
#include "muxpipeline.h"
#include "timestamps.h"
#include "videotrack.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

typedef struct
{
  const gchar *caps;            /* name of the structure */
  const gchar *content_type;
  const gchar *extension;
} FileType;

static const FileType *
find_file_type (const GstCaps * caps)
{
  static const FileType types[] = {
    {"video/x-matroska", "video/x-matroska", "mkv"},
    {"video/webm", "video/webm", "webm"},
    {"video/mpegts", "video/mp2t", "ts"},
    {"video/mpeg", "video/mpeg", "mpg"},
    {"video/x-msvideo", "video/x-msvideo", "avi"},
    {"video/x-flv", "video/x-flv", "flv"},
    {"application/ogg", "video/ogg", "ogv"},
  };
  static const FileType mp4 = { NULL, "video/mp4", "mp4" };
  static const FileType mov = { NULL, "video/quicktime", "mov" };
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *variant = gst_structure_get_string (structure, "variant");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (gst_structure_has_name (structure, types[i].caps))
      return &types[i];
  }

  return g_strcmp0 (variant, "apple") == 0 ? &mov : &mp4;
}

/* Negative: pictures from the first one on are hidden. */
static GstClockTimeDiff
find_lead (IdentifaiSegment * segment)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  GstBuffer *first = g_ptr_array_index (video->buffers, 0);

  return GST_CLOCK_DIFF (identifai_timestamps_shown_from (video),
      GST_BUFFER_PTS (first));
}

/* Leading pictures of the first one are shown before it; a picture at or after
 * the segment's end is there for the others to be decoded, and the next
 * segment's to show. Other containers than MP4 show all they have. */
static void
set_shown_range (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  GstClockTime range = identifai_timestamps_last_shown (video)
      - identifai_timestamps_shown_from (video);
  GstClockTime shown = GST_CLOCK_TIME_NONE;

  if (GST_CLOCK_TIME_IS_VALID (segment->duration) && segment->duration > 0
      && (range >= segment->duration || lead < 0))
    shown = segment->duration;
  if (lead == 0 && shown == GST_CLOCK_TIME_NONE)
    return;
  GST_DEBUG_ID (segment->name, "segment %u: shown from %" GST_STIME_FORMAT
      " after its first picture, for %" GST_TIME_FORMAT, segment->number,
      GST_STIME_ARGS (-lead), GST_TIME_ARGS (shown));
  if (!identifai_mp4_edit (segment->name, file, lead, shown))
    GST_WARNING_ID (segment->name, "segment %u: the edit list could not be "
        "changed", segment->number);
}

/* What mp4mux can't be told. FALSE: the file would lie. */
static gboolean
complete_mp4 (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead, GError ** error)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);

  const gchar *orientation = identifai_codec_get_orientation (video->caps);

  set_shown_range (segment, file, lead);
  if (orientation && !identifai_mp4_orient (segment->name, file, orientation))
    GST_WARNING_ID (segment->name,
        "segment %u: can't say that its pictures are %s", segment->number,
        orientation);
  else if (orientation)
    GST_DEBUG_ID (segment->name, "segment %u: its pictures are %s",
        segment->number, orientation);
  identifai_mp4_mend_lengths (segment->name, file);
  if (identifai_codec_of_caps (video->caps)->id != IDENTIFAI_CODEC_MPEG12
      || identifai_mp4_call_mpeg2 (segment->name, file))
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      "mp4mux wrote another kind of file than expected");

  return FALSE;
}

/* Takes over file and caps. */
static void
put_file (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    GstCaps * caps)
{
  const FileType *type = find_file_type (caps);

  g_clear_pointer (&segment->tracks, g_ptr_array_unref);
  g_clear_pointer (&segment->file, identifai_memory_file_unref);
  segment->file = file;
  segment->bytes = identifai_memory_file_get_size (segment->file);
  g_free (segment->content_type);
  segment->content_type = g_strdup (type->content_type);
  segment->extension = type->extension;
  gst_caps_unref (caps);
}

/* Sound whose codec changed after it was decided to take it along. */
static void
leave_out_unfit (const gchar * muxer, IdentifaiSegment * segment)
{
  guint n = segment->tracks->len, i;
  GstCaps **caps = g_new (GstCaps *, n);
  gchar **obstacles = g_new0 (gchar *, n);

  for (i = 0; i < n; i++)
    caps[i] = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks, i))->caps;
  identifai_muxer_leave_out (segment->name, muxer, caps, n, obstacles);
  for (i = n; i > 0; i--) {
    if (obstacles[i - 1])
      GST_DEBUG_ID (segment->name, "segment %u: track %u is left out, %s",
          segment->number, i - 1, obstacles[i - 1]);
    if (obstacles[i - 1])
      identifai_segment_leave_out (segment, i - 1, obstacles[i - 1]);
    g_free (obstacles[i - 1]);
  }
  g_free (obstacles);
  g_free (caps);
}

/* Pictures that are to be turned go into MP4 or QuickTime, if they can: matroskamux
 * can say so since 1.26 only. */
static const gchar *
choose_for_caps (const gchar * name, const gchar * muxer, GstCaps ** caps,
    guint n, GError ** error)
{
  static const gchar *const oriented[] = { "mp4mux", "qtmux" };
  const gchar *chosen = NULL;
  guint i;

  if (identifai_codec_get_orientation (caps[0])
      && g_str_equal (muxer, "auto")) {
    for (i = 0; i < G_N_ELEMENTS (oriented) && chosen == NULL; i++)
      chosen = identifai_muxer_choose (name, oriented[i], caps, n, NULL);
  }

  return chosen ? chosen : identifai_muxer_choose (name, muxer, caps, n, error);
}

static const gchar *
choose_for_segment (const gchar * muxer, IdentifaiSegment * segment,
    GError ** error)
{
  GstCaps **caps = g_new (GstCaps *, segment->tracks->len);
  const gchar *chosen;
  guint i;

  for (i = 0; i < segment->tracks->len; i++)
    caps[i] = ((IdentifaiTrack *) g_ptr_array_index (segment->tracks, i))->caps;
  chosen = choose_for_caps (segment->name, muxer, caps, segment->tracks->len,
      error);
  g_free (caps);

  return chosen;
}

/* matroskamux writes it since 1.26. */
static gboolean
says_orientation (const gchar * factory)
{
  GstElementFactory *found = gst_element_factory_find (factory);
  gboolean says;

  if (g_str_equal (factory, "mp4mux") || g_str_equal (factory, "qtmux"))
    says = TRUE;
  else
    says = (g_str_equal (factory, "matroskamux")
        || g_str_equal (factory, "webmmux"))
        && gst_plugin_feature_check_version (GST_PLUGIN_FEATURE (found), 1, 25,
        0);
  gst_object_unref (found);

  return says;
}

static void
note_orientation (const gchar * factory, IdentifaiSegment * segment)
{
  IdentifaiTrack *video = g_ptr_array_index (segment->tracks, 0);
  const gchar *orientation = identifai_codec_get_orientation (video->caps);

  segment->lost_orientation = orientation != NULL
      && !says_orientation (factory) ? g_intern_string (orientation) : NULL;
  if (segment->lost_orientation != NULL)
    GST_DEBUG_ID (segment->name,
        "segment %u: %s can't say that its pictures are " "%s", segment->number,
        factory, orientation);
}

static void
complete_durations (gpointer track, gpointer name)
{
  identifai_timestamps_complete_durations (name, track);
}

static void
log_tracks (IdentifaiSegment * segment, const gchar * factory)
{
  guint i;

  GST_DEBUG_ID (segment->name, "segment %u: %s, %u tracks", segment->number,
      factory, segment->tracks->len);
  for (i = 0; i < segment->tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (segment->tracks, i);

    GST_LOG_ID (segment->name, "segment %u: track %u, %u buffers, %"
        GST_PTR_FORMAT, segment->number, i, track->buffers->len, track->caps);
  }
}

/* One file of all tracks. */
static gboolean
make_file (const gchar * muxer, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error)
{
  const gchar *factory = choose_for_segment (muxer, segment, error);
  IdentifaiMemoryFile *file;
  GstClockTimeDiff lead = 0;
  gboolean is_mp4;
  GstCaps *caps;

  if (factory == NULL) {
    GST_DEBUG_ID (segment->name, "segment %u: no muxer takes its %u tracks",
        segment->number, segment->tracks->len);
    return FALSE;
  }

  log_tracks (segment, factory);
  note_orientation (factory, segment);
  is_mp4 = g_str_equal (factory, "mp4mux") || g_str_equal (factory, "qtmux");
  if (is_mp4)
    lead = find_lead (segment);
  file = identifai_mux_pipeline_run (segment->name, segment->number, factory,
      FALSE, segment->tracks, lead, max_bytes, cancellable, &caps, error);
  if (file == NULL)
    return FALSE;
  if (is_mp4 && !complete_mp4 (segment, file, lead, error)) {
    identifai_memory_file_unref (file);
    gst_caps_unref (caps);
    return FALSE;
  }
  put_file (segment, file, caps);

  return TRUE;
}

/* Whether it may be the sound that a file can't be made with. */
static gboolean
may_be_sound (IdentifaiSegment * segment, const GError * error)
{
  return segment->tracks->len > 1 && error->domain == G_IO_ERROR
      && (error->code == G_IO_ERROR_FAILED
      || error->code == G_IO_ERROR_NOT_SUPPORTED
      || error->code == G_IO_ERROR_NOT_FOUND
      || error->code == G_IO_ERROR_TIMED_OUT);
}

gboolean
identifai_muxer_run (const gchar * muxer, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error)
{
  GError *trouble = NULL;
  gboolean ok;

  identifai_video_track_make (segment);
  leave_out_unfit (muxer, segment);
  identifai_timestamps_complete_dts (segment->name,
      g_ptr_array_index (segment->tracks, 0));
  g_ptr_array_foreach (segment->tracks, complete_durations, segment->name);
  ok = make_file (muxer, segment, max_bytes, cancellable, &trouble);
  if (!ok && may_be_sound (segment, trouble)) {
    GST_WARNING_ID (segment->name, "segment %u goes without its sound: %s",
        segment->number, trouble->message);
    while (segment->tracks->len > 1)
      identifai_segment_leave_out (segment, segment->tracks->len - 1,
          trouble->message);
    g_clear_error (&trouble);
    ok = make_file (muxer, segment, max_bytes, cancellable, &trouble);
  }
  if (!ok)
    g_propagate_error (error, trouble);

  return ok;
}
