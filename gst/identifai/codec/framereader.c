/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "framereader.h"
#include "codecs.h"
#include "bitreader.h"
#include "log.h"
#include "picture.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CODEC)

#define MAX_HEADERS 64          /* parameter sets remembered, against nonsense */

/* A parameter set, or the sequence header of codecs that have one. */
typedef struct
{
  guint type;                   /* NAL unit type; 0 for other codecs */
  guint id;
  GBytes *bytes;                /* without start code or length */
} Header;

struct _IdentifaiFrameReader
{
  gchar *name;
  IdentifaiCodecId codec;
  guint length_size;            /* of NAL units' lengths; 0 = start codes */
  gboolean in_band;             /* headers must be in the frames */
  GArray *headers;              /* of Header, in the order to be sent */
  GBytes *note;                 /* x264's, a SEI unit; or NULL */
  gboolean replaced;            /* a header by another, in the latest frame */
  IdentifaiPictureOrder *poc;   /* of codecs with NAL units; else NULL */
  gboolean has_b, packed;       /* MPEG-4 */
  gboolean framed;              /* JPEG: buffers are pictures, say the caps */
};

typedef void (*ReadFunc) (IdentifaiFrameReader * self, const guint8 * data,
    gsize size, IdentifaiFrameInfo * info);

/*** headers ***/

static void
header_clear (gpointer data)
{
  Header *header = data;

  g_bytes_unref (header->bytes);
}

static void
remember (IdentifaiFrameReader * self, guint type, guint id,
    const guint8 * data, gsize size)
{
  Header header = { type, id, NULL };
  guint i;

  for (i = 0; i < self->headers->len; i++) {
    Header *known = &g_array_index (self->headers, Header, i);

    if (known->type != type || known->id != id)
      continue;
    if (g_bytes_get_size (known->bytes) == size
        && memcmp (g_bytes_get_data (known->bytes, NULL), data, size) == 0)
      return;
    g_bytes_unref (known->bytes);
    known->bytes = g_bytes_new (data, size);
    self->replaced = TRUE;
    GST_DEBUG_ID (self->name,
        "the stream has another header of type %u, number "
        "%u: it needs a new file", type, id);
    return;
  }
  if (self->headers->len == MAX_HEADERS) {
    GST_DEBUG_ID (self->name,
        "a header of type %u, number %u, isn't kept: there are %u", type, id,
        MAX_HEADERS);
    return;
  }

  /* VPS 32, SPS 33, PPS 34; SPS 7, PPS 8: by type, they come in order */
  for (i = self->headers->len; i > 0; i--) {
    if (g_array_index (self->headers, Header, i - 1).type <= type)
      break;
  }
  header.bytes = g_bytes_new (data, size);
  g_array_insert_val (self->headers, i, header);
  GST_DEBUG_ID (self->name, "header of type %u, number %u, %" G_GSIZE_FORMAT
      " bytes, is kept as one of %u", type, id, size, self->headers->len);
}

/*** H.264 ***/

enum
{
  H264_SLICE = 1,
  H264_PARTITION_A = 2,
  H264_IDR = 5,
  H264_SEI = 6,
  H264_SPS = 7,
  H264_PPS = 8,
  H264_AUD = 9,
};

#define SEI_RECOVERY_POINT 6

static guint
sei_get_varied (IdentifaiBitReader * bits)
{
  guint value = 0, byte;

  do {
    byte = identifai_bit_reader_get (bits, 8);
    value += byte;
  } while (byte == 0xff && !identifai_bit_reader_at_end (bits));

  return value;
}

/* A recovery point of which the first picture is right already. */
static gboolean
h264_sei_is_recovery_point (IdentifaiFrameReader * self, const guint8 * unit,
    gsize size)
{
  IdentifaiBitReader bits;
  guint n_frames;

  identifai_bit_reader_init (&bits, unit + 1, size - 1);
  while (bits.pos + 2 < bits.size) {
    guint type = sei_get_varied (&bits);
    guint length = sei_get_varied (&bits);

    if (type == SEI_RECOVERY_POINT) {
      n_frames = length > 0 ? identifai_bit_reader_get_ue (&bits) : G_MAXUINT;
      if (n_frames > 0)
        GST_LOG_ID (self->name, "no place to cut: pictures are right %u frames "
            "after this recovery point", n_frames);
      return n_frames == 0;
    }
    for (; length > 0 && !identifai_bit_reader_at_end (&bits); length--)
      identifai_bit_reader_get (&bits, 8);
  }

  return FALSE;
}

/* The first message is user_data_unregistered with the UUID of x264. */
static gboolean
h264_sei_is_note (const guint8 * unit, gsize size)
{
  static const guint8 uuid[] = { 0xdc, 0x45, 0xe9, 0xbd, 0xe6, 0xd9, 0x48,
    0xb7, 0x96, 0x2c, 0xd8, 0x20, 0xd9, 0x23, 0xee, 0xef
  };
  gsize at = 2;

  if (size < 3 || unit[1] != 5)
    return FALSE;
  while (at < size && unit[at] == 0xff)
    at++;

  return at + 1 + sizeof (uuid) <= size
      && memcmp (unit + at + 1, uuid, sizeof (uuid)) == 0;
}

static void
h264_read_sei (IdentifaiFrameReader * self, const guint8 * unit, gsize size,
    gboolean * recovery_point, IdentifaiFrameInfo * info)
{
  *recovery_point |= h264_sei_is_recovery_point (self, unit, size);
  if (!h264_sei_is_note (unit, size))
    return;
  info->has_note = TRUE;
  if (self->note != NULL)
    return;
  GST_DEBUG_ID (self->name, "x264's note is kept for the files to come, %"
      G_GSIZE_FORMAT " bytes", size);
  self->note = g_bytes_new (unit, size);
}

static void
h264_remember (IdentifaiFrameReader * self, const guint8 * unit, gsize size)
{
  guint type = unit[0] & 0x1f;
  IdentifaiBitReader bits;

  identifai_bit_reader_init (&bits, unit, size);
  identifai_bit_reader_get (&bits, 8);
  if (type == H264_SPS)
    identifai_bit_reader_get (&bits, 24);       /* profile, constraints, level */
  remember (self, type, identifai_bit_reader_get_ue (&bits), unit, size);
}

static void
read_h264 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  gboolean recovery_point = FALSE, has_sps = FALSE, has_pps = FALSE;
  IdentifaiUnits units;

  identifai_units_init (&units, self->length_size, data, size);
  while (identifai_units_next (&units)) {
    guint type = units.unit[0] & 0x1f;

    identifai_picture_order_read (self->poc, units.unit, units.unit_size,
        &info->order);
    if (type == H264_IDR)
      info->point = IDENTIFAI_POINT_CLOSED;
    else if (type == H264_SEI)
      h264_read_sei (self, units.unit, units.unit_size, &recovery_point, info);
    else if (type == H264_AUD)
      info->headers_at = identifai_units_end (&units);
    else if (type == H264_SPS || type == H264_PPS)
      h264_remember (self, units.unit, units.unit_size);
    has_sps |= type == H264_SPS;
    has_pps |= type == H264_PPS;
    info->has_picture = type >= H264_SLICE && type <= H264_IDR;
    if (info->has_picture)
      break;
    if (type != H264_SEI)
      info->note_at = identifai_units_end (&units);
  }
  info->has_headers = has_sps && has_pps;
  if (info->point == IDENTIFAI_POINT_NONE && recovery_point
      && !info->order.is_second_field)
    info->point = IDENTIFAI_POINT_OPEN;
  /* camcorders show pictures before the IDR that they refer to */
  info->may_lead = info->point == IDENTIFAI_POINT_OPEN
      || (info->point == IDENTIFAI_POINT_CLOSED && info->order.depth != 0);
}

/*** H.265 ***/

enum
{
  H265_RADL_N = 6,
  H265_RADL_R = 7,
  H265_BLA_W_LP = 16,
  H265_BLA_N_LP = 18,
  H265_IDR_W_RADL = 19,
  H265_IDR_N_LP = 20,
  H265_CRA = 21,
  H265_LAST_SLICE = 31,
  H265_VPS = 32,
  H265_SPS = 33,
  H265_PPS = 34,
  H265_AUD = 35,
};

static void
h265_remember (IdentifaiFrameReader * self, const guint8 * unit, gsize size)
{
  guint type = (unit[0] >> 1) & 0x3f;
  guint layer = (unit[0] & 1) << 5 | unit[1] >> 3;
  guint id = 0;
  IdentifaiBitReader bits;

  identifai_bit_reader_init (&bits, unit, size);
  identifai_bit_reader_get (&bits, 16);
  if (type == H265_PPS) {
    id = identifai_bit_reader_get_ue (&bits);
  } else if (type == H265_VPS) {
    id = identifai_bit_reader_get (&bits, 4);
  } else {
    identifai_bit_reader_get (&bits, 4);
    if (identifai_bit_reader_get (&bits, 3) == 0) {     /* no sub-layers before the id */
      identifai_bit_reader_get (&bits, 1);
      identifai_bit_reader_get (&bits, 32);
      identifai_bit_reader_get (&bits, 32);
      identifai_bit_reader_get (&bits, 32);     /* profile_tier_level */
      id = identifai_bit_reader_get_ue (&bits);
    }
  }
  /* layers may use the same ids */
  remember (self, type, layer << 16 | id, unit, size);
}

static void
h265_read_slice (guint type, IdentifaiFrameInfo * info)
{
  if (type == H265_CRA)
    info->point = IDENTIFAI_POINT_OPEN;
  else if (type >= H265_BLA_W_LP && type <= H265_IDR_N_LP)
    info->point = IDENTIFAI_POINT_CLOSED;
  info->may_lead = info->point != IDENTIFAI_POINT_NONE
      && type != H265_IDR_N_LP && type != H265_BLA_N_LP;
  info->decodable = type == H265_RADL_N || type == H265_RADL_R;
}

static void
read_h265 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  gboolean has_sps = FALSE, has_pps = FALSE;
  IdentifaiUnits units;

  identifai_units_init (&units, self->length_size, data, size);
  while (identifai_units_next (&units)) {
    guint type = (units.unit[0] >> 1) & 0x3f;

    if (units.unit_size < 2)
      continue;
    identifai_picture_order_read (self->poc, units.unit, units.unit_size,
        &info->order);
    if (type <= H265_LAST_SLICE) {
      info->has_picture = TRUE;
      h265_read_slice (type, info);
      break;
    }
    if (type == H265_AUD)
      info->headers_at = identifai_units_end (&units);
    else if (type >= H265_VPS && type <= H265_PPS)
      h265_remember (self, units.unit, units.unit_size);
    has_sps |= type == H265_SPS;
    has_pps |= type == H265_PPS;
  }
  info->has_headers = has_sps && has_pps;
}

/* Every start code may have three bytes where a length has four. */
static gsize
count_growth (IdentifaiFrameReader * self, const guint8 * data, gsize size)
{
  gsize count = 0, at;

  if (self->length_size != 0)
    return 0;
  for (at = identifai_find_start_code (data, size, 0); at < size;
      at = identifai_find_start_code (data, size, at + 3))
    count++;

  return count;
}

/*** MPEG-1, -2, -4 part 2 ***/

enum
{
  MPEG12_PICTURE = 0x00,
  MPEG12_SEQUENCE = 0xb3,
  MPEG12_GROUP = 0xb8,

  MPEG4_VOL_FIRST = 0x20,
  MPEG4_VOL_LAST = 0x2f,
  MPEG4_USER_DATA = 0xb2,
  MPEG4_GOV = 0xb3,
  MPEG4_VOP = 0xb6,
};

#define NOT_FOUND G_MAXSIZE
#define MAX_NAME 32             /* of an encoder, in user data */
#define MPEG4_REPEAT_BYTES 4    /* no coded VOP is as short: type, time, flag */

/* I_PICTURE = 1, P = 2, B = 3 */
static void
mpeg12_read_picture (const guint8 * payload, gboolean entry, gboolean closed,
    IdentifaiFrameInfo * info)
{
  guint type = (payload[1] >> 3) & 7;

  info->is_b = type == 3;
  if (type != 1 || !entry)
    return;
  info->point = closed ? IDENTIFAI_POINT_CLOSED : IDENTIFAI_POINT_OPEN;
  info->may_lead = TRUE;
}

static void
read_mpeg12 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  gsize sequence = NOT_FOUND, group = NOT_FOUND, at;
  gboolean closed = FALSE;

  for (at = identifai_find_start_code (data, size, 0); size - at >= 6;
      at = identifai_find_start_code (data, size, at + 3)) {
    guint code = data[at + 3];

    if (code == MPEG12_SEQUENCE)
      sequence = at;
    if (code != MPEG12_GROUP && code != MPEG12_PICTURE)
      continue;
    if (sequence != NOT_FOUND && !info->has_headers) {
      info->has_headers = TRUE;
      remember (self, 0, 0, data + sequence, at - sequence);
    }
    if (code == MPEG12_PICTURE) {
      info->has_picture = TRUE;
      mpeg12_read_picture (data + at + 4, info->has_headers
          || group != NOT_FOUND, closed, info);
      break;
    }
    group = at;
    closed = size - at >= 8 && (data[at + 7] & 0x40);
  }
}

/* I_VOP = 0, P = 1, B = 2, S = 3; payload: size bytes */
static void
mpeg4_read_vop (const guint8 * payload, gsize size, gboolean closed,
    IdentifaiFrameInfo * info)
{
  guint type = payload[0] >> 6;

  info->is_b = type == 2;
  info->is_repeat = type != 2 && size <= MPEG4_REPEAT_BYTES;
  if (type != 0 || info->is_repeat)
    return;
  info->point = closed ? IDENTIFAI_POINT_CLOSED : IDENTIFAI_POINT_OPEN;
  info->may_lead = TRUE;
}

/* Whether a video object layer says that pictures are reordered; payload: after
 * the start code. */
static gboolean
mpeg4_read_layer (const guint8 * payload, gsize size)
{
  IdentifaiBitReader bits;

  identifai_bit_reader_init (&bits, payload, size);
  identifai_bit_reader_skip (&bits, 9); /* random access, type */
  if (identifai_bit_reader_get_flag (&bits))
    identifai_bit_reader_skip (&bits, 7);       /* version, priority */
  if (identifai_bit_reader_get (&bits, 4) == 15)
    identifai_bit_reader_skip (&bits, 16);      /* aspect ratio */
  if (!identifai_bit_reader_get_flag (&bits))   /* control parameters */
    return FALSE;
  identifai_bit_reader_skip (&bits, 2);

  return !identifai_bit_reader_get_flag (&bits);        /* low delay */
}

/* "DivX503b1393p": Xvid says so, too. */
static gboolean
mpeg4_says_packed (const guint8 * payload, gsize size)
{
  const guint8 *end = memchr (payload, 0, MIN (size, MAX_NAME));
  gsize length = end ? (gsize) (end - payload) : MIN (size, MAX_NAME);

  return length > 5 && memcmp (payload, "DivX", 4) == 0
      && g_ascii_isdigit (payload[length - 2]) && payload[length - 1] == 'p';
}

static void
read_mpeg4 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  gboolean closed = FALSE, has_vol = FALSE;
  gsize start = identifai_find_start_code (data, size, 0), at;

  for (at = start; size - at >= 5;
      at = identifai_find_start_code (data, size, at + 3)) {
    guint code = data[at + 3];

    if (code >= MPEG4_VOL_FIRST && code <= MPEG4_VOL_LAST) {
      has_vol = TRUE;
      self->has_b = mpeg4_read_layer (data + at + 4, size - at - 4);
    }
    if (code == MPEG4_USER_DATA && !self->packed
        && mpeg4_says_packed (data + at + 4, size - at - 4)) {
      GST_DEBUG_ID (self->name,
          "B pictures share frames with their references: "
          "the stream says that it is packed");
      self->packed = TRUE;
    }
    if (code != MPEG4_GOV && code != MPEG4_VOP)
      continue;
    if (has_vol && !info->has_headers) {
      info->has_headers = TRUE;
      remember (self, 0, 0, data + start, at - start);
    }
    if (code == MPEG4_VOP) {
      info->has_picture = TRUE;
      mpeg4_read_vop (data + at + 4, size - at - 4, closed, info);
      break;
    }
    closed = size - at >= 7 && (data[at + 6] & 0x20);
  }
}

/*** VP8, VP9, AV1, JPEG ***/

static void
take_picture (const IdentifaiPicture * picture, IdentifaiFrameInfo * info)
{
  info->has_headers = info->has_picture = TRUE;
  info->hidden = !picture->is_shown;
  info->width = picture->width;
  info->height = picture->height;
  if (picture->is_key)
    info->point = IDENTIFAI_POINT_CLOSED;
}

static void
read_vp8 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  IdentifaiPicture picture;

  if (identifai_picture_read_vp8 (data, size, &picture))
    take_picture (&picture, info);
  else
    GST_LOG_ID (self->name, "this is no frame of VP8");
}

static void
read_vp9 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  IdentifaiPicture picture;

  if (identifai_picture_read_vp9 (data, size, &picture))
    take_picture (&picture, info);
  else
    GST_LOG_ID (self->name, "this is no frame of VP9");
}

enum
{
  AV1_SEQUENCE_HEADER = 1,
  AV1_TEMPORAL_DELIMITER = 2,
  AV1_FRAME_HEADER = 3,
  AV1_FRAME = 6,
};

/* leb128 at *at, which moves on. */
static gsize
av1_get_size (const guint8 * data, gsize size, gsize * at)
{
  guint64 value = 0;
  guint i;

  for (i = 0; i < 8 && *at < size; i++) {
    guint8 byte = data[(*at)++];

    value |= (guint64) (byte & 0x7f) << (7 * i);
    if (!(byte & 0x80))
      break;
  }

  return MIN (value, G_MAXSIZE);
}

/* What starts at a key frame that is shown later (a forward key frame) has
 * pictures around it that need earlier ones: no point. */
static void
av1_read_frame_header (guint8 payload, IdentifaiFrameInfo * info)
{
  gboolean show_existing_frame = payload >> 7;
  guint frame_type = (payload >> 5) & 3;
  gboolean shown = show_existing_frame || ((payload >> 4) & 1);

  if (!info->has_picture && !show_existing_frame && frame_type == 0 && shown)
    info->point = IDENTIFAI_POINT_CLOSED;
  info->hidden = shown ? FALSE : !info->has_picture || info->hidden;
  info->has_picture = TRUE;
}

/* One open bitstream unit at *at, which moves on. FALSE: no more. */
static gboolean
av1_read_unit (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    gsize * at, IdentifaiFrameInfo * info)
{
  gsize start = *at, length;
  guint type = (data[start] >> 3) & 0xf;
  gboolean extended = data[start] & 4, sized = data[start] & 2;

  *at = MIN (start + (extended ? 2 : 1), size);
  length = sized ? av1_get_size (data, size, at) : size - *at;
  if (length > size - *at) {
    GST_DEBUG_ID (self->name, "an AV1 unit of %" G_GSIZE_FORMAT " bytes breaks "
        "off: what follows isn't read", length);
    return FALSE;
  }
  if (length > 0 && (type == AV1_FRAME || type == AV1_FRAME_HEADER))
    av1_read_frame_header (data[*at], info);
  *at += length;
  if (type == AV1_TEMPORAL_DELIMITER) {
    info->headers_at = *at;
  } else if (type == AV1_SEQUENCE_HEADER) {
    info->has_headers = TRUE;
    remember (self, 0, 0, data + start, *at - start);
  }

  return *at < size;
}

static void
read_av1 (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  gsize at = 0;

  while (av1_read_unit (self, data, size, &at, info));
}

static void
read_jpeg (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  IdentifaiPicture picture;

  if (identifai_picture_read_jpeg (data, size, !self->framed, &picture))
    take_picture (&picture, info);
  else
    GST_LOG_ID (self->name, "this is no JPEG%s", self->framed ? "" :
        ", or not to its end");
}

/* Theora specification, 6.1 and 7.1. A packet of no bytes is the picture before
 * once more; headers, which have the highest bit set, are in the caps. */
static void
read_theora (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    IdentifaiFrameInfo * info)
{
  info->has_headers = TRUE;
  info->has_picture = size == 0 || (data[0] & 0x80) == 0;
  if (size > 0 && (data[0] & 0xc0) == 0)
    info->point = IDENTIFAI_POINT_CLOSED;
}

static const ReadFunc read_funcs[IDENTIFAI_N_CODECS] = {
  [IDENTIFAI_CODEC_H264] = read_h264,
  [IDENTIFAI_CODEC_H265] = read_h265,
  [IDENTIFAI_CODEC_AV1] = read_av1,
  [IDENTIFAI_CODEC_VP8] = read_vp8,
  [IDENTIFAI_CODEC_VP9] = read_vp9,
  [IDENTIFAI_CODEC_MPEG12] = read_mpeg12,
  [IDENTIFAI_CODEC_MPEG4] = read_mpeg4,
  [IDENTIFAI_CODEC_JPEG] = read_jpeg,
  [IDENTIFAI_CODEC_THEORA] = read_theora,
};

/*** public ***/

static gboolean
has_units (IdentifaiFrameReader * self)
{
  return self->codec == IDENTIFAI_CODEC_H264
      || self->codec == IDENTIFAI_CODEC_H265;
}

/* avcC: the lowest two bits of byte 4; hvcC: of byte 21. */
static guint
read_length_size (IdentifaiCodecId codec, const guint8 * data, gsize size)
{
  gsize at = codec == IDENTIFAI_CODEC_H264 ? 4 : 21;

  return size > at ? (data[at] & 3) + 1 : 4;
}

/* So many units, each after its length in two bytes; returns how many bytes. */
static gsize
read_sets (IdentifaiFrameReader * self, const guint8 * data, gsize size,
    guint count)
{
  IdentifaiDisplayOrder order;
  gsize at = 0, length;

  for (; count > 0 && size - at >= 2; count--) {
    length = data[at] << 8 | data[at + 1];
    at += 2;
    length = MIN (length, size - at);
    identifai_picture_order_read (self->poc, data + at, length, &order);
    at += length;
  }

  return at;
}

/* avcC: sequence sets and picture sets, both after their number; hvcC: arrays
 * of one type of unit, each after the type and their number. */
static void
read_all_sets (IdentifaiFrameReader * self, const guint8 * data, gsize size)
{
  gsize at;

  if (self->codec == IDENTIFAI_CODEC_H264) {
    if (size < 7) {
      GST_DEBUG_ID (self->name,
          "codec_data of %" G_GSIZE_FORMAT " bytes has no parameter sets",
          size);
      return;
    }
    at = 6 + read_sets (self, data + 6, size - 6, data[5] & 0x1f);
    if (at < size)
      read_sets (self, data + at + 1, size - at - 1, data[at]);
  } else {
    for (at = 23; size >= at + 3;)
      at += 3 + read_sets (self, data + at + 3, size - at - 3,
          data[at + 1] << 8 | data[at + 2]);
  }
}

static void
read_codec_data (IdentifaiFrameReader * self, const guint8 * data, gsize size)
{
  IdentifaiFrameInfo info = { 0, };

  switch (self->codec) {
    case IDENTIFAI_CODEC_H264:
    case IDENTIFAI_CODEC_H265:
      self->length_size = read_length_size (self->codec, data, size);
      read_all_sets (self, data, size);
      break;
    case IDENTIFAI_CODEC_MPEG12:
      if (size > 0)
        remember (self, 0, 0, data, size);
      break;
    case IDENTIFAI_CODEC_MPEG4:
      read_mpeg4 (self, data, size, &info);
      g_array_set_size (self->headers, 0);      /* the file has them itself */
      break;
    case IDENTIFAI_CODEC_AV1:
      if (size > 4)             /* av1C */
        read_av1 (self, data + 4, size - 4, &info);
      break;
    default:
      break;
  }
}

static gboolean
get_codec_data (const GstStructure * structure, GstMapInfo * map,
    GstBuffer ** buffer)
{
  const GValue *value = gst_structure_get_value (structure, "codec_data");

  if (value == NULL || !GST_VALUE_HOLDS_BUFFER (value))
    return FALSE;
  *buffer = gst_value_get_buffer (value);

  return *buffer && gst_buffer_map (*buffer, map, GST_MAP_READ);
}

IdentifaiFrameReader *
identifai_frame_reader_new (const gchar * name, const GstCaps * caps)
{
  IdentifaiFrameReader *self = g_new0 (IdentifaiFrameReader, 1);
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *format = gst_structure_get_string (structure, "stream-format");
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  GstBuffer *buffer = NULL;
  GstMapInfo map;

  g_return_val_if_fail (codec && codec->video, NULL);
  self->name = g_strdup (name);
  self->codec = codec->id;
  self->framed = gst_structure_has_field (structure, "framerate")
      || gst_structure_has_field (structure, "parsed");
  if (has_units (self))
    self->poc = identifai_picture_order_new (name, codec->id);
  self->headers = g_array_new (FALSE, FALSE, sizeof (Header));
  g_array_set_clear_func (self->headers, header_clear);
  if (get_codec_data (structure, &map, &buffer)) {
    read_codec_data (self, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    /* MPEG-4's goes into the file's own headers */
    self->in_band = self->codec != IDENTIFAI_CODEC_MPEG4;
  } else {
    self->in_band = TRUE;
  }
  if (g_strcmp0 (format, "avc") == 0 || g_strcmp0 (format, "hvc1") == 0)
    self->in_band = FALSE;
  if (g_strcmp0 (format, "byte-stream") == 0)
    self->length_size = 0;
  else if (has_units (self) && self->length_size == 0)
    self->length_size = 4;
  GST_DEBUG_ID (name,
      "reads %s: lengths of %u bytes (0 = start codes), headers " "%s",
      gst_structure_get_name (structure), self->length_size,
      self->in_band ? "in the frames" : "in the caps");

  return self;
}

void
identifai_frame_reader_free (IdentifaiFrameReader * self)
{
  g_array_unref (self->headers);
  g_clear_pointer (&self->note, g_bytes_unref);
  g_clear_pointer (&self->poc, identifai_picture_order_free);
  g_free (self->name);
  g_free (self);
}

static const gchar *const point_names[] = {
  "decoding can't start here", "an open point", "a closed point"
};

void
identifai_frame_reader_read (IdentifaiFrameReader * self, GstBuffer * buffer,
    IdentifaiFrameInfo * info)
{
  GstMapInfo map;

  memset (info, 0, sizeof (*info));
  self->replaced = FALSE;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    GST_DEBUG_ID (self->name, "a frame of %" G_GSIZE_FORMAT " bytes can't be "
        "mapped, and nothing be read of it", gst_buffer_get_size (buffer));
    return;
  }
  if (map.size > 0)
    read_funcs[self->codec] (self, map.data, map.size, info);
  if (has_units (self))
    info->growth = count_growth (self, map.data, map.size);
  info->new_headers = self->replaced;
  info->has_b = self->has_b;
  info->packed = self->packed;
  GST_LOG_ID (self->name, "%" G_GSIZE_FORMAT " bytes: %s, %s%s%s", map.size,
      info->has_picture ? "a picture" : "no picture", point_names[info->point],
      info->may_lead ? " with leading pictures, perhaps" : "",
      info->has_headers ? ", with headers" : "");
  gst_buffer_unmap (buffer, &map);
}

/* With a start code or length in front, if the codec has units. */
static void
append_unit (IdentifaiFrameReader * self, GByteArray * all, GBytes * bytes)
{
  guint8 prefix[4] = { 0, 0, 0, 1 };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint i;

  for (i = 0; i < self->length_size; i++)
    prefix[i] = size >> (8 * (self->length_size - 1 - i));
  if (has_units (self))
    g_byte_array_append (all, prefix,
        self->length_size ? self->length_size : 4);
  g_byte_array_append (all, data, size);
}

/* Takes over buffer and bytes; the buffer's own bytes are not copied. */
static GstBuffer *
insert (GstBuffer * buffer, gsize at, GByteArray * bytes)
{
  GstBuffer *result = gst_buffer_copy_region (buffer, GST_BUFFER_COPY_ALL, 0,
      at);
  gsize size = bytes->len;

  result = gst_buffer_append (result,
      gst_buffer_new_wrapped (g_byte_array_free (bytes, FALSE), size));
  gst_buffer_copy_into (result, buffer, GST_BUFFER_COPY_MEMORY, at, -1);
  gst_buffer_unref (buffer);

  return result;
}

GstBuffer *
identifai_frame_reader_complete (IdentifaiFrameReader * self,
    GstBuffer * buffer, IdentifaiFrameInfo * info)
{
  GByteArray *all;
  guint i;

  if (!self->in_band || info->has_headers)
    return buffer;
  if (self->headers->len == 0) {
    GST_LOG_ID (self->name,
        "a key frame without headers, and none came so far");
    return buffer;
  }
  all = g_byte_array_new ();
  for (i = 0; i < self->headers->len; i++)
    append_unit (self, all, g_array_index (self->headers, Header, i).bytes);
  GST_LOG_ID (self->name, "%u headers, %u bytes, are put in front of a frame "
      "that lacks them", self->headers->len, all->len);
  info->has_headers = TRUE;
  if (info->note_at >= info->headers_at)
    info->note_at += all->len;

  return insert (buffer, info->headers_at, all);
}

GstBuffer *
identifai_frame_reader_sign (IdentifaiFrameReader * self, GstBuffer * buffer,
    IdentifaiFrameInfo * info)
{
  GByteArray *all;

  if (self->note == NULL || info->has_note)
    return buffer;
  all = g_byte_array_new ();
  append_unit (self, all, self->note);
  GST_LOG_ID (self->name, "x264's note, %u bytes, is put in front of a file's "
      "first frame", all->len);
  info->has_note = TRUE;

  return insert (buffer, info->note_at, all);
}
