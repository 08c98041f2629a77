/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "codecs.h"

#define GOOD "gstreamer1.0-plugins-good"
#define BAD "gstreamer1.0-plugins-bad"
#define BASE "gstreamer1.0-plugins-base"

static const IdentifaiCodec codecs[IDENTIFAI_N_CODECS] = {
  {IDENTIFAI_CODEC_H264, "H.264", TRUE, IDENTIFAI_CAPS_H264,
      "h264parse", BAD, TRUE},
  {IDENTIFAI_CODEC_H265, "H.265", TRUE, IDENTIFAI_CAPS_H265,
      "h265parse", BAD, TRUE},
  {IDENTIFAI_CODEC_AV1, "AV1", TRUE, IDENTIFAI_CAPS_AV1,
      "av1parse", BAD, TRUE},
  {IDENTIFAI_CODEC_VP8, "VP8", TRUE, IDENTIFAI_CAPS_VP8, NULL, NULL, FALSE},
  {IDENTIFAI_CODEC_VP9, "VP9", TRUE, IDENTIFAI_CAPS_VP9,
      "vp9parse", BAD, FALSE},
  {IDENTIFAI_CODEC_MPEG12, "MPEG-1/2 video", TRUE, IDENTIFAI_CAPS_MPEG12,
      "mpegvideoparse", BAD, FALSE},
  {IDENTIFAI_CODEC_MPEG4, "MPEG-4 part 2", TRUE, IDENTIFAI_CAPS_MPEG4,
      "mpeg4videoparse", BAD, TRUE},
  {IDENTIFAI_CODEC_JPEG, "JPEG", TRUE, IDENTIFAI_CAPS_JPEG,
      "jpegparse", BAD, FALSE},
  {IDENTIFAI_CODEC_THEORA, "Theora", TRUE, IDENTIFAI_CAPS_THEORA,
      "theoraparse", BASE, FALSE},
  {IDENTIFAI_CODEC_AAC, "AAC", FALSE, IDENTIFAI_CAPS_AAC,
      "aacparse", GOOD, TRUE},
  {IDENTIFAI_CODEC_MP3, "MP3", FALSE, IDENTIFAI_CAPS_MP3,
      "mpegaudioparse", GOOD, FALSE},
  {IDENTIFAI_CODEC_MP2, "MP2", FALSE, IDENTIFAI_CAPS_MP2,
      "mpegaudioparse", GOOD, FALSE},
  {IDENTIFAI_CODEC_OPUS, "Opus", FALSE, IDENTIFAI_CAPS_OPUS,
      "opusparse", BAD, FALSE},
  {IDENTIFAI_CODEC_VORBIS, "Vorbis", FALSE, IDENTIFAI_CAPS_VORBIS,
      "vorbisparse", BASE, FALSE},
  {IDENTIFAI_CODEC_AC3, "AC-3", FALSE, IDENTIFAI_CAPS_AC3,
      "ac3parse", GOOD, FALSE},
  {IDENTIFAI_CODEC_EAC3, "E-AC-3", FALSE, IDENTIFAI_CAPS_EAC3,
      "ac3parse", GOOD, FALSE},
  {IDENTIFAI_CODEC_DTS, "DTS", FALSE, IDENTIFAI_CAPS_DTS,
      "dcaparse", GOOD, FALSE},
  {IDENTIFAI_CODEC_FLAC, "FLAC", FALSE, IDENTIFAI_CAPS_FLAC,
      "flacparse", GOOD, FALSE},
  {IDENTIFAI_CODEC_ALAC, "ALAC", FALSE, IDENTIFAI_CAPS_ALAC, NULL, NULL, FALSE},
  {IDENTIFAI_CODEC_SOUND, NULL, FALSE, "audio/x-unknown", NULL, NULL, FALSE},
};

/* Parsed once; never freed, as static caps are. */
static GstStaticCaps static_caps[IDENTIFAI_N_CODECS] = {
  GST_STATIC_CAPS (IDENTIFAI_CAPS_H264),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_H265),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_AV1),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_VP8),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_VP9),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_MPEG12),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_MPEG4),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_JPEG),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_THEORA),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_AAC),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_MP3),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_MP2),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_OPUS),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_VORBIS),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_AC3),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_EAC3),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_DTS),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_FLAC),
  GST_STATIC_CAPS (IDENTIFAI_CAPS_ALAC),
  GST_STATIC_CAPS ("audio/x-unknown"),
};

static void
call_mpeg4 (GstStructure * structure)
{
  gst_structure_set_name (structure, "video/mpeg");
  gst_structure_remove_field (structure, "divxversion");
  gst_structure_set (structure, "mpegversion", G_TYPE_INT, 4, "systemstream",
      G_TYPE_BOOLEAN, FALSE, NULL);
}

/* What av1enc of GStreamer before 1.24 sends; annexb says that it is one. */
static gboolean
lacks_obu_stream (const GstStructure * structure)
{
  return gst_structure_has_name (structure, "video/x-av1")
      && gst_structure_has_field (structure, "alignment")
      && !gst_structure_has_field (structure, "stream-format");
}

gboolean
identifai_codec_is_loas (const GstCaps * caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);

  return gst_structure_has_name (structure, "audio/mpeg")
      && g_strcmp0 (gst_structure_get_string (structure, "stream-format"),
      "loas") == 0;
}

GstCaps *
identifai_codec_usual_caps (GstCaps * caps)
{
  GstCaps *usual = gst_caps_copy (caps);
  GstStructure *structure = gst_caps_get_structure (usual, 0);

  if (gst_structure_has_name (structure, "video/x-divx")
      || gst_structure_has_name (structure, "video/x-xvid")) {
    call_mpeg4 (structure);
  } else if (lacks_obu_stream (structure)) {
    gst_structure_set (structure, "stream-format", G_TYPE_STRING, "obu-stream",
        NULL);
  } else if (identifai_codec_is_loas (caps)) {
    gst_structure_set (structure, "stream-format", G_TYPE_STRING, "raw", NULL);
  } else {
    gst_caps_unref (usual);
    usual = gst_caps_ref (caps);
  }

  return usual;
}

const IdentifaiCodec *
identifai_codec_of_caps (const GstCaps * caps)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (codecs); i++) {
    GstCaps *accepted = gst_static_caps_get (&static_caps[i]);
    gboolean match = gst_caps_can_intersect (accepted, caps);

    gst_caps_unref (accepted);
    if (match)
      return &codecs[i];
  }
  if (g_str_has_prefix (gst_structure_get_name (gst_caps_get_structure (caps,
                  0)), "audio/"))
    return &codecs[IDENTIFAI_CODEC_SOUND];

  return NULL;
}

const gchar *
identifai_codec_get_name (const IdentifaiCodec * codec, const GstCaps * caps)
{
  if (codec->name != NULL)
    return codec->name;

  return gst_structure_get_name (gst_caps_get_structure (caps, 0));
}

GstCaps *
identifai_codec_orient_caps (GstCaps * caps, const gchar * orientation)
{
  GstStructure *structure;

  if (g_strcmp0 (orientation, identifai_codec_get_orientation (caps)) == 0)
    return gst_caps_ref (caps);
  caps = gst_caps_copy (caps);
  structure = gst_caps_get_structure (caps, 0);
  if (orientation)
    gst_structure_set (structure, IDENTIFAI_ORIENTATION, G_TYPE_STRING,
        orientation, NULL);
  else
    gst_structure_remove_field (structure, IDENTIFAI_ORIENTATION);

  return caps;
}

const gchar *
identifai_codec_get_orientation (const GstCaps * caps)
{
  return gst_structure_get_string (gst_caps_get_structure (caps, 0),
      IDENTIFAI_ORIENTATION);
}

/* Bytes of a sample of all channels. */
static gint
get_sample_size (const GstStructure * structure)
{
  const gchar *format = gst_structure_get_string (structure, "format");
  gint channels = 1, bits = 8;

  gst_structure_get_int (structure, "channels", &channels);
  if (gst_structure_has_name (structure, "audio/x-raw")) {
    while (format != NULL && *format != '\0' && !g_ascii_isdigit (*format))
      format++;
    bits = format ? g_ascii_strtoll (format, NULL, 10) : 0;
    bits = bits <= 8 ? bits : bits <= 16 ? 16 : MAX (bits, 24);
  } else if (!gst_structure_has_name (structure, "audio/x-alaw")
      && !gst_structure_has_name (structure, "audio/x-mulaw")) {
    bits = 0;
  }

  return channels > 0 && channels <= 64 ? channels * (bits / 8) : 0;
}

#define AAC_SAMPLES 1024

GstClockTime
identifai_codec_sound_length (const GstCaps * caps, gsize size)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  gint rate = 0, sample_size;

  if (!gst_structure_get_int (structure, "rate", &rate) || rate <= 0)
    return GST_CLOCK_TIME_NONE;
  if (codec != NULL && codec->id == IDENTIFAI_CODEC_AAC)
    return gst_util_uint64_scale (GST_SECOND, AAC_SAMPLES, rate);
  sample_size = get_sample_size (structure);

  return sample_size > 0 ? gst_util_uint64_scale (GST_SECOND,
      size / sample_size, rate) : GST_CLOCK_TIME_NONE;
}

static gboolean
fields_differ (const GstStructure * a, const GstStructure * b,
    const gchar * field)
{
  const GValue *in_a = gst_structure_get_value (a, field);
  const GValue *in_b = gst_structure_get_value (b, field);

  if (in_a == NULL || in_b == NULL)
    return in_a != in_b;

  return gst_value_compare (in_a, in_b) != GST_VALUE_EQUAL;
}

gboolean
identifai_codec_caps_differ (const GstCaps * a, const GstCaps * b)
{
  static const gchar *const fields[] = { "mpegversion", "layer",
    "stream-format", "alignment", "codec_data", "streamheader", "width",
    "height", "rate", "channels", IDENTIFAI_ORIENTATION
  };
  /* A parser may find these out later. */
  static const gchar *const known[] = { "pixel-aspect-ratio", "colorimetry",
    "mastering-display-info", "content-light-level", "multiview-mode",
    "format", "channel-mask"
  };
  const GstStructure *in_a = gst_caps_get_structure (a, 0);
  const GstStructure *in_b = gst_caps_get_structure (b, 0);
  guint i;

  if (!gst_structure_has_name (in_a, gst_structure_get_name (in_b)))
    return TRUE;
  for (i = 0; i < G_N_ELEMENTS (fields); i++) {
    if (fields_differ (in_a, in_b, fields[i]))
      return TRUE;
  }
  for (i = 0; i < G_N_ELEMENTS (known); i++) {
    if (gst_structure_has_field (in_a, known[i])
        && gst_structure_has_field (in_b, known[i])
        && fields_differ (in_a, in_b, known[i]))
      return TRUE;
  }

  return FALSE;
}
