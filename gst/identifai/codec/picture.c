/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "picture.h"
#include "bitreader.h"

#include <string.h>

/*** VP8, RFC 6386, 9.1 ***/

#define VP8_HEADER 10           /* bytes, of a key frame */
#define VP8_LAST_PROFILE 3

gboolean
identifai_picture_read_vp8 (const guint8 * data, gsize size,
    IdentifaiPicture * picture)
{
  static const guint8 start_code[] = { 0x9d, 0x01, 0x2a };

  memset (picture, 0, sizeof (*picture));
  if (size == 0 || ((data[0] >> 1) & 7) > VP8_LAST_PROFILE)
    return FALSE;
  picture->is_key = (data[0] & 0x01) == 0;
  picture->is_shown = (data[0] & 0x10) != 0;
  if (!picture->is_key)
    return TRUE;
  if (size < VP8_HEADER || memcmp (data + 3, start_code, 3) != 0)
    return FALSE;
  picture->width = (data[7] & 0x3f) << 8 | data[6];
  picture->height = (data[9] & 0x3f) << 8 | data[8];

  return TRUE;
}

/*** VP9, bitstream specification, 6.2 ***/

#define VP9_HEADER 10           /* bytes at least, of a key frame */
#define VP9_SYNC_CODE 0x498342
#define VP9_COLOUR_RGB 7

static void
skip_vp9_colours (IdentifaiBitReader * bits, guint profile)
{
  gboolean has_subsampling = profile & 1;

  if (profile >= 2)
    identifai_bit_reader_get (bits, 1); /* bit depth */
  if (identifai_bit_reader_get (bits, 3) != VP9_COLOUR_RGB)
    identifai_bit_reader_get (bits, has_subsampling ? 4 : 1);
  else if (has_subsampling)
    identifai_bit_reader_get (bits, 1);
}

/* Several frames in one, of which the last one is shown: an index ends it (B.3). */
static gboolean
is_vp9_superframe (const guint8 * data, gsize size)
{
  guint8 marker = data[size - 1];
  gsize index = 2 + ((marker & 7) + 1) * (((marker >> 3) & 3) + 1);

  return (marker & 0xe0) == 0xc0 && size >= index
      && data[size - index] == marker;
}

gboolean
identifai_picture_read_vp9 (const guint8 * data, gsize size,
    IdentifaiPicture * picture)
{
  IdentifaiBitReader bits;
  guint profile;

  memset (picture, 0, sizeof (*picture));
  picture->is_shown = TRUE;
  identifai_bit_reader_init (&bits, data, size);
  if (size == 0 || identifai_bit_reader_get (&bits, 2) != 2)
    return FALSE;
  profile = identifai_bit_reader_get (&bits, 1);
  profile |= identifai_bit_reader_get (&bits, 1) << 1;
  if (profile == 3)
    identifai_bit_reader_get (&bits, 1);
  if (identifai_bit_reader_get (&bits, 1))      /* shows one that is there already */
    return TRUE;
  picture->is_key = identifai_bit_reader_get (&bits, 1) == 0;
  picture->is_shown = identifai_bit_reader_get (&bits, 1)
      || is_vp9_superframe (data, size);
  if (!picture->is_key)
    return TRUE;
  identifai_bit_reader_get (&bits, 1);  /* resilience */
  if (size < VP9_HEADER
      || identifai_bit_reader_get (&bits, 24) != VP9_SYNC_CODE)
    return FALSE;
  skip_vp9_colours (&bits, profile);
  picture->width = identifai_bit_reader_get (&bits, 16) + 1;
  picture->height = identifai_bit_reader_get (&bits, 16) + 1;

  return TRUE;
}

/*** JPEG, ITU-T T.81, annex B ***/

enum
{
  JPEG_TEM = 0x01,
  JPEG_SOF0 = 0xc0,
  JPEG_DHT = 0xc4,
  JPEG_JPG = 0xc8,
  JPEG_DAC = 0xcc,
  JPEG_SOF15 = 0xcf,
  JPEG_RST0 = 0xd0,
  JPEG_SOI = 0xd8,
  JPEG_EOI = 0xd9,
  JPEG_SOS = 0xda,
};

static gboolean
is_jpeg_frame_header (guint marker)
{
  return marker >= JPEG_SOF0 && marker <= JPEG_SOF15 && marker != JPEG_DHT
      && marker != JPEG_JPG && marker != JPEG_DAC;
}

static gboolean
has_jpeg_length (guint marker)
{
  return marker != JPEG_TEM && (marker < JPEG_RST0 || marker > JPEG_SOI);
}

/* The segment of a marker that has a length, which is part of it. */
static void
read_jpeg_segment (const guint8 * data, gsize size, guint marker,
    IdentifaiPicture * picture)
{
  if (!is_jpeg_frame_header (marker) || size < 7)
    return;
  picture->height = data[3] << 8 | data[4];
  picture->width = data[5] << 8 | data[6];
}

/* Returns where the first scan starts; size: there is none. */
static gsize
read_jpeg_headers (const guint8 * data, gsize size, IdentifaiPicture * picture)
{
  gsize at = 2, length;

  while (at + 4 <= size && data[at] == 0xff) {
    guint marker = data[at + 1];

    if (marker == JPEG_SOS)
      return at;
    if (marker == 0xff) {       /* fills */
      at++;
      continue;
    }
    at += 2;
    if (!has_jpeg_length (marker))
      continue;
    length = data[at] << 8 | data[at + 1];
    read_jpeg_segment (data + at, MIN (length, size - at), marker, picture);
    at += MAX (length, 2);
  }

  return size;
}

/* In what is coded, 0xff stands in front of 0 or a marker. */
static gboolean
has_jpeg_end (const guint8 * data, gsize size)
{
  const guint8 *at = data, *end = data + size;

  if (size >= 2 && end[-2] == 0xff && end[-1] == JPEG_EOI)
    return TRUE;
  while (at < end && (at = memchr (at, 0xff, end - at)) != NULL && ++at < end) {
    if (*at == JPEG_EOI)
      return TRUE;
  }

  return FALSE;
}

gboolean
identifai_picture_read_jpeg (const guint8 * data, gsize size,
    gboolean must_end, IdentifaiPicture * picture)
{
  gsize scan;

  memset (picture, 0, sizeof (*picture));
  picture->is_key = picture->is_shown = TRUE;
  if (size < 2 || data[0] != 0xff || data[1] != JPEG_SOI)
    return FALSE;
  scan = read_jpeg_headers (data, size, picture);

  return !must_end || has_jpeg_end (data + scan, size - scan);
}
