/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* memmem */
#include "soundfile.h"

#include <gst/pbutils/pbutils.h>
#include <string.h>

#include "codecs.h"
#include "log.h"
#include "muxerchoice.h"
#include "mp3info.h"
#include "mp4edit.h"
#include "muxpipeline.h"
#include "timestamps.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

/* What a kind of sound is put into. */
typedef struct
{
  const gchar *caps;            /* the first row that these can be counts */
  const gchar *muxer;           /* or encoder; NULL: frames make a file as they are */
  const gchar *content_type;
  const gchar *extension;
  const gchar *package;         /* of Debian, that has it */
} Way;

#define GOOD "gstreamer1.0-plugins-good"
#define BASE "gstreamer1.0-plugins-base"

static const Way ways[] = {
  {"audio/mpeg, mpegversion = (int) 1", NULL, "audio/mpeg", "mp3", NULL},
  {IDENTIFAI_CAPS_AAC, "mp4mux", "audio/mp4", "m4a", GOOD},
  {IDENTIFAI_CAPS_OPUS, "oggmux", "audio/ogg", "ogg", BASE},
  {IDENTIFAI_CAPS_VORBIS, "oggmux", "audio/ogg", "ogg", BASE},
  {"audio/x-speex", "oggmux", "audio/ogg", "ogg", BASE},
  {IDENTIFAI_CAPS_FLAC, NULL, "audio/flac", "flac", NULL},
  {IDENTIFAI_CAPS_AC3, "mp4mux", "audio/mp4", "m4a", GOOD},
  {IDENTIFAI_CAPS_ALAC, "mp4mux", "audio/mp4", "m4a", GOOD},
  {"audio/AMR; audio/AMR-WB", "3gppmux", "audio/3gpp", "3gp", GOOD},
  {"audio/x-alaw; audio/x-mulaw", "wavenc", "audio/wav", "wav", GOOD},
  {"audio/x-raw", "flacenc", "audio/flac", "flac", GOOD},
};

static const Way *
find_way (const GstCaps * caps)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (ways); i++) {
    GstCaps *taken = gst_caps_from_string (ways[i].caps);
    gboolean fits = gst_caps_can_intersect (caps, taken);

    gst_caps_unref (taken);
    if (fits)
      return &ways[i];
  }

  return NULL;
}

static gboolean
G_GNUC_PRINTF (2, 3)
refuse (GError ** error, const gchar * format, ...)
{
  va_list args;
  gchar *text;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, text);
  g_free (text);

  return FALSE;
}

/* Of the caps, borrowed. Whatever else stands there is none. */
static GPtrArray *
list_headers (const GstCaps * caps)
{
  GPtrArray *headers = g_ptr_array_new ();
  const GValue *all = gst_structure_get_value (gst_caps_get_structure (caps, 0),
      "streamheader");
  guint i, n = all != NULL && GST_VALUE_HOLDS_ARRAY (all) ?
      gst_value_array_get_size (all) : 0;

  for (i = 0; i < n; i++) {
    const GValue *value = gst_value_array_get_value (all, i);

    if (GST_VALUE_HOLDS_BUFFER (value) && gst_value_get_buffer (value) != NULL)
      g_ptr_array_add (headers, gst_value_get_buffer (value));
  }

  return headers;
}

static gboolean
has_headers (const GstCaps * caps)
{
  GPtrArray *headers = list_headers (caps);
  gboolean has = headers->len > 0;

  g_ptr_array_unref (headers);

  return has;
}

static gboolean
check_muxer (const gchar * name, const Way * way, GstCaps * caps,
    GError ** error)
{
  GstElementFactory *factory = gst_element_factory_find (way->muxer);
  IdentifaiMuxerFit fit;
  gboolean fits = TRUE;

  if (factory == NULL)
    return refuse (error,
        "There is no element %s, which makes files of this sound: "
        "it is in Debian's %s.", way->muxer, way->package);
  identifai_muxer_fit (name, factory, caps, &fit);
  if (fit.pad_template == NULL)
    fits = refuse (error, "%s doesn't take sound of this kind. Decode it: put "
        "decodebin ! audioconvert in front of identifaispeechsink.",
        way->muxer);
  identifai_muxer_fit_clear (&fit);
  gst_object_unref (factory);

  return fits;
}

gboolean
identifai_sound_file_check_caps (const gchar * name, GstCaps * caps,
    GError ** error)
{
  const Way *way = find_way (caps);

  if (way == NULL)
    return refuse (error, "The service takes no files of %s. Decode it: put "
        "decodebin ! audioconvert in front of identifaispeechsink.",
        gst_structure_get_name (gst_caps_get_structure (caps, 0)));
  if (way->muxer != NULL)
    return check_muxer (name, way, caps, error);
  if (g_str_equal (way->extension, "flac") && !has_headers (caps))
    return refuse (error,
        "This FLAC isn't cut into frames: put flacparse in front "
        "of identifaispeechsink.");

  return TRUE;
}

/* Files of frames one after the other. */

/* STREAMINFO without what it says of the whole stream: how long it is, and its MD5
 * (RFC 9639, 8.2). In front of it caps have what Ogg wants. */
static GstBuffer *
mend_header (GstBuffer * header)
{
  gsize skip = 0;
  GstMapInfo map;

  header = gst_buffer_copy_deep (header);
  if (gst_buffer_map (header, &map, GST_MAP_READWRITE)) {
    guint8 *info = memmem (map.data, map.size, "fLaC", 4);

    skip = info != NULL ? info - map.data : 0;
    /* behind "fLaC" and the block's header */
    if (info != NULL && map.size - skip >= 8 + 34) {
      info[8 + 13] &= 0xf0;
      memset (info + 8 + 14, 0, 4 + 16);
    }
    gst_buffer_unmap (header, &map);
  }
  gst_buffer_resize (header, skip, -1);

  return header;
}

static void
write_headers (IdentifaiMemoryFile * file, const GstCaps * caps)
{
  GPtrArray *headers = list_headers (caps);
  guint i;

  for (i = 0; i < headers->len; i++) {
    GstBuffer *header = mend_header (g_ptr_array_index (headers, i));

    identifai_memory_file_write (file, header);
    gst_buffer_unref (header);
  }
  g_ptr_array_unref (headers);
}

/* Parsers send the headers among the buffers, too. */
static gboolean
is_header (GstBuffer * buffer)
{
  return GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER);
}

/* Of MP3: what says that the frames in front aren't to be heard. Returns how many of
 * them are left out, as it can't say so. */
static guint
write_lead_info (IdentifaiMemoryFile * file, const IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  guint first = segment->lead;
  GstBuffer *info = NULL;

  if (segment->lead > 0)
    info = identifai_mp3_info_make (track->buffers, segment->lead, &first);
  GST_DEBUG_ID (segment->name, "segment %u: of %u frames in front, %u are left "
      "out%s", segment->number, segment->lead, first,
      info ? ", a note hides the others" : "");
  if (info == NULL)
    return first;
  identifai_memory_file_write (file, info);
  gst_buffer_unref (info);

  return first;
}

static IdentifaiMemoryFile *
join_frames (IdentifaiSegment * segment, guint64 max_bytes, GError ** error)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  guint i;

  write_headers (file, track->caps);
  for (i = write_lead_info (file, segment); i < track->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);

    if (!is_header (buffer))
      identifai_memory_file_write (file, buffer);
  }
  if (!identifai_memory_file_is_broken (file)
      && identifai_memory_file_get_size (file) <= max_bytes)
    return file;

  g_set_error_literal (error, G_IO_ERROR,
      identifai_memory_file_is_broken (file) ? G_IO_ERROR_FAILED :
      G_IO_ERROR_MESSAGE_TOO_LARGE, identifai_memory_file_is_broken (file) ?
      "A part of the sound can't be read: its memory can't be mapped" :
      "The file would be larger than max-segment-bytes allows");
  identifai_memory_file_unref (file);

  return NULL;
}

/* What isn't to be heard. */

static GstClockTime
get_lead (const IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  GstBuffer *first = g_ptr_array_index (track->buffers, 0), *own;

  if (segment->lead == 0)
    return 0;
  own = g_ptr_array_index (track->buffers, segment->lead);

  return GST_BUFFER_PTS (own) - GST_BUFFER_PTS (first);
}

/* A header that says how many samples of 48 kHz are to be skipped (RFC 7845, 5.1);
 * it may be one of a stream whose caps have none. Transfer full, or NULL. */
static GstCaps *
make_opus_caps (GstCaps * caps, GstClockTime lead)
{
  guint8 channels, family, streams, coupled, mapping[256];
  GstBuffer *header;
  GstCaps *made;
  guint32 rate;

  if (!gst_codec_utils_opus_parse_caps (caps, &rate, &channels, &family,
          &streams, &coupled, mapping))
    return NULL;
  header = gst_codec_utils_opus_create_header (rate, channels, family, streams,
      coupled, mapping, gst_util_uint64_scale_round (lead, 48000, GST_SECOND),
      0);
  if (header == NULL)
    return NULL;
  made = gst_codec_utils_opus_create_caps_from_header (header, NULL);
  gst_buffer_unref (header);

  return made;
}

/* oggmux takes the first packets of Speex for its headers. */
static void
put_headers_first (IdentifaiTrack * track)
{
  GPtrArray *headers = list_headers (track->caps);
  GstClockTime first = GST_BUFFER_PTS (g_ptr_array_index (track->buffers, 0));
  guint i;

  for (i = 0; i < headers->len; i++) {
    GstBuffer *header = gst_buffer_copy (g_ptr_array_index (headers, i));

    GST_BUFFER_PTS (header) = first;
    GST_BUFFER_DURATION (header) = 0;
    g_ptr_array_insert (track->buffers, i, header);
  }
  g_ptr_array_unref (headers);
}

/* Before it is muxed. */
static void
prepare_track (IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  const IdentifaiCodec *codec = identifai_codec_of_caps (track->caps);
  GstCaps *caps = NULL;

  if (codec->id == IDENTIFAI_CODEC_OPUS && (segment->lead > 0
          || !has_headers (track->caps)))
    caps = make_opus_caps (track->caps, get_lead (segment));
  if (codec->id == IDENTIFAI_CODEC_OPUS && caps == NULL && segment->lead > 0)
    GST_DEBUG_ID (segment->name, "segment %u: Opus gets no header of its own: "
        "what is in front is heard", segment->number);
  if (caps != NULL) {
    GST_DEBUG_ID (segment->name, "segment %u: Opus gets a header that skips %"
        GST_TIME_FORMAT, segment->number, GST_TIME_ARGS (get_lead (segment)));
    gst_caps_unref (track->caps);
    track->caps = caps;
  }
  if (gst_structure_has_name (gst_caps_get_structure (track->caps, 0),
          "audio/x-speex")) {
    GST_LOG_ID (segment->name, "segment %u: Speex, its headers go in as its "
        "first packets", segment->number);
    put_headers_first (track);
  }
}

static void
hide_lead (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    const Way * way, GstClockTime lead)
{
  if (lead == 0 || g_strcmp0 (way->muxer, "mp4mux") != 0)
    return;
  if (!identifai_mp4_hide_sound (segment->name, file, lead))
    GST_WARNING_ID (segment->name,
        "segment %u: %" GST_TIME_FORMAT " of the sound "
        "before are heard, too", segment->number, GST_TIME_ARGS (lead));
}

/* All. */

/* Takes over file. */
static void
put_file (IdentifaiSegment * segment, IdentifaiMemoryFile * file,
    const Way * way)
{
  g_clear_pointer (&segment->tracks, g_ptr_array_unref);
  g_clear_pointer (&segment->file, identifai_memory_file_unref);
  segment->file = file;
  segment->bytes = identifai_memory_file_get_size (file);
  g_free (segment->content_type);
  segment->content_type = g_strdup (way->content_type);
  segment->extension = way->extension;
}

gboolean
identifai_sound_file_run (IdentifaiSegment * segment, guint64 max_bytes,
    GCancellable * cancellable, GError ** error)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  const Way *way = find_way (track->caps);
  GstClockTime lead = get_lead (segment);
  IdentifaiMemoryFile *file;
  GstCaps *caps = NULL;

  if (!identifai_sound_file_check_caps (segment->name, track->caps, error))
    return FALSE;
  GST_DEBUG_ID (segment->name,
      "segment %u: %u buffers, %u of them in front, into " "%s",
      segment->number, track->buffers->len, segment->lead, way->content_type);
  identifai_timestamps_complete_durations (segment->name, track);
  prepare_track (segment);
  if (way->muxer == NULL)
    file = join_frames (segment, max_bytes, error);
  else
    file = identifai_mux_pipeline_run (segment->name, segment->number,
        way->muxer, FALSE, segment->tracks, 0, max_bytes, cancellable, &caps,
        error);
  gst_clear_caps (&caps);
  if (file == NULL)
    return FALSE;
  hide_lead (segment, file, way, lead);
  put_file (segment, file, way);

  return TRUE;
}
