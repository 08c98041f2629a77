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

#define IDENTIFAI_CAPS_AAC "audio/mpeg, mpegversion = (int) { 2, 4 }, " \
    "stream-format = (string) { raw, adts }"
#define IDENTIFAI_CAPS_MP3 "audio/mpeg, mpegversion = (int) 1, " \
    "layer = (int) 3"
#define IDENTIFAI_CAPS_OPUS "audio/x-opus"
#define IDENTIFAI_CAPS_VORBIS "audio/x-vorbis"
#define IDENTIFAI_CAPS_AC3 "audio/x-ac3"
#define IDENTIFAI_CAPS_FLAC "audio/x-flac"

/* For pad templates. */
#define IDENTIFAI_VIDEO_CAPS \
    IDENTIFAI_CAPS_H264 "; " IDENTIFAI_CAPS_H265 "; " IDENTIFAI_CAPS_AV1 "; " \
    IDENTIFAI_CAPS_VP8 "; " IDENTIFAI_CAPS_VP9 "; " IDENTIFAI_CAPS_MPEG12 "; " \
    IDENTIFAI_CAPS_MPEG4 "; " IDENTIFAI_CAPS_JPEG
#define IDENTIFAI_AUDIO_CAPS \
    IDENTIFAI_CAPS_AAC "; " IDENTIFAI_CAPS_MP3 "; " IDENTIFAI_CAPS_OPUS "; " \
    IDENTIFAI_CAPS_VORBIS "; " IDENTIFAI_CAPS_AC3 "; " IDENTIFAI_CAPS_FLAC

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
  IDENTIFAI_CODEC_AAC,
  IDENTIFAI_CODEC_MP3,
  IDENTIFAI_CODEC_OPUS,
  IDENTIFAI_CODEC_VORBIS,
  IDENTIFAI_CODEC_AC3,
  IDENTIFAI_CODEC_FLAC,
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

/* NULL: not among them. caps need not be fixed. */
const IdentifaiCodec *identifai_codec_of_caps (const GstCaps * caps);

/* The caps that muxers know for what AVI files call by other names, and for what
 * an encoder leaves out; transfer full. */
GstCaps *identifai_codec_usual_caps (GstCaps * caps);

/* Whether going from one to the other needs a new file: another codec, size,
 * stream-format or codec header. Other fields (colours, bit rate, …) may change
 * within a file. */
gboolean identifai_codec_caps_differ (const GstCaps * a, const GstCaps * b);

G_END_DECLS
