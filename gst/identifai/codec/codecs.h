/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The codecs that elementary input may have: their caps, and the parser that
 * brings each into the form that a muxer wants.
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

#define IDENTIFAI_CAPS_H264 "video/x-h264, " \
    "stream-format = (string) { avc, avc3, byte-stream }, " \
    "alignment = (string) au"
#define IDENTIFAI_CAPS_H265 "video/x-h265, " \
    "stream-format = (string) { hvc1, hev1, byte-stream }, " \
    "alignment = (string) au"
#define IDENTIFAI_CAPS_AV1 "video/x-av1, " \
    "stream-format = (string) obu-stream, alignment = (string) { tu, frame }"
#define IDENTIFAI_CAPS_VP8 "video/x-vp8"
#define IDENTIFAI_CAPS_VP9 "video/x-vp9"
#define IDENTIFAI_CAPS_MPEG12 "video/mpeg, mpegversion = (int) { 1, 2 }, " \
    "systemstream = (boolean) false"
#define IDENTIFAI_CAPS_MPEG4 "video/mpeg, mpegversion = (int) 4, " \
    "systemstream = (boolean) false; " \
    "video/x-divx, divxversion = (int) [ 4, 5 ]; video/x-xvid"
#define IDENTIFAI_CAPS_JPEG "image/jpeg"
#define IDENTIFAI_CAPS_THEORA "video/x-theora"

#define IDENTIFAI_CAPS_AAC "audio/mpeg, mpegversion = (int) { 2, 4 }, " \
    "stream-format = (string) { raw, adts, loas }"
#define IDENTIFAI_CAPS_MP3 "audio/mpeg, mpegversion = (int) 1, " \
    "layer = (int) 3"
#define IDENTIFAI_CAPS_MP2 "audio/mpeg, mpegversion = (int) 1, " \
    "layer = (int) [ 1, 2 ]"
#define IDENTIFAI_CAPS_OPUS "audio/x-opus"
#define IDENTIFAI_CAPS_VORBIS "audio/x-vorbis"
#define IDENTIFAI_CAPS_AC3 "audio/x-ac3"
#define IDENTIFAI_CAPS_EAC3 "audio/x-eac3"
#define IDENTIFAI_CAPS_DTS "audio/x-dts"
#define IDENTIFAI_CAPS_FLAC "audio/x-flac"
#define IDENTIFAI_CAPS_ALAC "audio/x-alac"

/* For pad templates. */
#define IDENTIFAI_VIDEO_CAPS \
    IDENTIFAI_CAPS_H264 "; " IDENTIFAI_CAPS_H265 "; " IDENTIFAI_CAPS_AV1 "; " \
    IDENTIFAI_CAPS_VP8 "; " IDENTIFAI_CAPS_VP9 "; " IDENTIFAI_CAPS_MPEG12 "; " \
    IDENTIFAI_CAPS_MPEG4 "; " IDENTIFAI_CAPS_JPEG "; " IDENTIFAI_CAPS_THEORA
/* What the muxers take comes first, as upstream may choose; then all other sound
 * that GStreamer has a name for: it links, and is told of if it is left out. */
#define IDENTIFAI_AUDIO_CAPS \
    IDENTIFAI_CAPS_AAC "; " IDENTIFAI_CAPS_MP3 "; " IDENTIFAI_CAPS_OPUS "; " \
    IDENTIFAI_CAPS_VORBIS "; " IDENTIFAI_CAPS_AC3 "; " IDENTIFAI_CAPS_FLAC \
    "; " IDENTIFAI_CAPS_MP2 "; " IDENTIFAI_CAPS_EAC3 "; " IDENTIFAI_CAPS_DTS \
    "; " IDENTIFAI_CAPS_ALAC "; audio/x-raw, layout = (string) interleaved, " \
    "format = (string) { S16LE, U8, S16BE, S24LE, S24BE, S32LE, S32BE, F32LE, " \
    "F64LE }; audio/x-alaw; audio/x-mulaw; audio/x-speex; audio/AMR; " \
    "audio/AMR-WB; audio/x-adpcm; audio/x-wma; audio/x-tta; " \
    "audio/x-pn-realaudio; " IDENTIFAI_CAPS_OTHER_SOUND
#define IDENTIFAI_CAPS_OTHER_SOUND \
    "audio/mpeg; audio/x-raw; audio/G722; audio/G723; audio/G723.1; " \
    "audio/G726; audio/G729; audio/G719; audio/G7221; audio/QCELP; " \
    "audio/qcelp; audio/aptx; audio/amr; audio/iLBC-sh; audio/ac3; " \
    "audio/ms-gsm; audio/usac; audio/x-aptx; audio/x-atrac; audio/x-audible; " \
    "audio/x-bv; audio/x-celt; audio/x-cinepak; audio/x-codec2; audio/x-dpcm; " \
    "audio/x-dsd; audio/x-dv; audio/x-ffmpeg-parsed-musepack; audio/x-gsm; " \
    "audio/x-gst-fourcc-unknown; audio/x-iLBC; audio/x-iec958; " \
    "audio/x-imc; audio/x-ac4; audio/x-lc3; audio/x-ldac; audio/x-lpcm; " \
    "audio/x-lpcm-1; audio/x-mace; audio/x-mpeg-h; audio/x-musepack; " \
    "audio/x-nellymoser; audio/x-private-ac3; audio/x-private-lg-lpcm; " \
    "audio/x-private-ts-lpcm; audio/x-private1-ac3; audio/x-private1-dts; " \
    "audio/x-private1-lpcm; audio/x-private2-lpcm; audio/x-qdm; " \
    "audio/x-qdm2; audio/x-ralf-mpeg4-generic; audio/x-sbc; " \
    "audio/x-shorten; audio/x-sipro; audio/x-siren; audio/x-smpte-302m; " \
    "audio/x-smv; audio/x-true-hd; audio/x-ttafile; audio/x-unknown; " \
    "audio/x-vnd.sony.atrac3; audio/x-vmr-wb; audio/x-voxware; " \
    "audio/x-wavpack; audio/x-wavpack-correction; audio/x-wms; audio/x-xma"

typedef enum
{
  IDENTIFAI_CODEC_H264,
  IDENTIFAI_CODEC_H265,
  IDENTIFAI_CODEC_AV1,
  IDENTIFAI_CODEC_VP8,
  IDENTIFAI_CODEC_VP9,
  IDENTIFAI_CODEC_MPEG12,
  IDENTIFAI_CODEC_MPEG4,
  IDENTIFAI_CODEC_JPEG,
  IDENTIFAI_CODEC_THEORA,
  IDENTIFAI_CODEC_AAC,
  IDENTIFAI_CODEC_MP3,
  IDENTIFAI_CODEC_MP2,
  IDENTIFAI_CODEC_OPUS,
  IDENTIFAI_CODEC_VORBIS,
  IDENTIFAI_CODEC_AC3,
  IDENTIFAI_CODEC_EAC3,
  IDENTIFAI_CODEC_DTS,
  IDENTIFAI_CODEC_FLAC,
  IDENTIFAI_CODEC_ALAC,
  IDENTIFAI_CODEC_SOUND,        /* any other: some muxer may know it */
  IDENTIFAI_N_CODECS
} IdentifaiCodecId;

/* All static. */
typedef struct
{
  IdentifaiCodecId id;
  const gchar *name;            /* for people: "H.264" */
  gboolean video;
  const gchar *caps;
  const gchar *parser;          /* factory, or NULL: none needed or known */
  const gchar *package;         /* of Debian, that has the parser */
  gboolean wants_codec_data;    /* muxers need codec_data in the caps */
} IdentifaiCodec;

/* NULL: not among them. caps need not be fixed. All sound is among them. */
const IdentifaiCodec *identifai_codec_of_caps (const GstCaps * caps);

/* For people: the caps' own name where the codec has none. Valid as long as caps. */
const gchar *identifai_codec_get_name (const IdentifaiCodec * codec,
    const GstCaps * caps);

/* The caps that muxers know for what AVI files call by other names, for what an
 * encoder leaves out, and for AAC that is taken out of LOAS (latm.h);
 * transfer full. */
GstCaps *identifai_codec_usual_caps (GstCaps * caps);

/* A field of video caps, where the stream's tags say that players should turn or
 * mirror its pictures (GST_TAG_IMAGE_ORIENTATION, but for "rotate-0"): like other
 * caps it is a file's, and muxers and parsers don't get to see it. */
#define IDENTIFAI_ORIENTATION "identifai-image-orientation"

/* With the field, or without it (orientation NULL); transfer full. */
GstCaps *identifai_codec_orient_caps (GstCaps * caps,
    const gchar * orientation);
/* NULL: upright. Valid as long as caps. */
const gchar *identifai_codec_get_orientation (const GstCaps * caps);

/* How long a buffer of sound lasts that has no duration; GST_CLOCK_TIME_NONE: that
 * can't be told by its size. */
GstClockTime identifai_codec_sound_length (const GstCaps * caps, gsize size);

/* AAC that latm.h takes out of it. */
gboolean identifai_codec_is_loas (const GstCaps * caps);

/* Whether going from one to the other needs a new file: another codec, size,
 * stream-format, codec header or orientation, or other pixels or colours than those
 * that were known. Other fields (bit rate, …) may change within a file. */
gboolean identifai_codec_caps_differ (const GstCaps * a, const GstCaps * b);

G_END_DECLS
