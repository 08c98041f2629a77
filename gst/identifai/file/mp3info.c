/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "mp3info.h"

#include <string.h>

/* What decoders skip besides: their own delay. */
#define DECODER_DELAY (528 + 1)
#define MAX_DELAY 0xfff         /* 12 bits */

#define HEADER_SIZE 4
#define KBITS 64                /* room enough for all that it says */

/* Of layer III; MPEG-2.5 is as MPEG-2 but for its rates. */
typedef struct
{
  guint8 header[HEADER_SIZE];
  gboolean is_mpeg1, is_mono;
  guint rate, kbits;
  guint samples;
} Frame;

static const guint16 kbits_mpeg1[] = { 0, 32, 40, 48, 56, 64, 80, 96, 112, 128,
  160, 192, 224, 256, 320, 0
};

static const guint16 kbits_mpeg2[] = { 0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96,
  112, 128, 144, 160, 0
};

/* ISO 11172-3, 2.4.1.3. */
static gboolean
read_header (GstBuffer * buffer, Frame * frame)
{
  static const guint rates[] = { 44100, 48000, 32000, 0 };
  guint8 *header = frame->header;
  guint version, layer;

  if (gst_buffer_extract (buffer, 0, header, HEADER_SIZE) < HEADER_SIZE
      || header[0] != 0xff || (header[1] & 0xe0) != 0xe0)
    return FALSE;
  version = (header[1] >> 3) & 3;
  layer = (header[1] >> 1) & 3;
  if (version == 1 || layer != 1)
    return FALSE;
  frame->is_mpeg1 = version == 3;
  frame->is_mono = header[3] >> 6 == 3;
  frame->rate = rates[(header[2] >> 2) & 3] >> (version == 3 ? 0 :
      version == 2 ? 1 : 2);
  frame->kbits = frame->is_mpeg1 ? kbits_mpeg1[header[2] >> 4] :
      kbits_mpeg2[header[2] >> 4];
  frame->samples = frame->is_mpeg1 ? 1152 : 576;

  return frame->rate > 0 && frame->kbits > 0;
}

static gsize
get_size (const Frame * frame, guint kbits)
{
  return frame->samples / 8 * kbits * 1000 / frame->rate;
}

static gboolean
is_one_frame (GstBuffer * buffer, Frame * frame)
{
  return read_header (buffer, frame) && gst_buffer_get_size (buffer) ==
      get_size (frame, frame->kbits) + ((frame->header[2] >> 1) & 1);
}

/* Where it stands nothing is aligned. */
static void
write_uint32 (guint8 * data, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (data, &number, sizeof (number));
}

/* Xing's fields, then LAME's up to the delay; the rest is zero: not said. */
static void
write_info (const Frame * frame, guint8 * data, guint32 n_frames,
    guint32 n_bytes, guint delay)
{
  guint side = frame->is_mpeg1 ? (frame->is_mono ? 17 : 32) :
      (frame->is_mono ? 9 : 17);
  guint8 *info = data + HEADER_SIZE + side, *lame = info + 16;

  memcpy (data, frame->header, HEADER_SIZE);
  data[1] |= 1;                 /* no checksum */
  data[2] = (frame->is_mpeg1 ? 5 : 8) << 4 | (data[2] & 0x0c);  /* KBITS */
  memcpy (info, "Info", 4);
  write_uint32 (info + 4, 3);   /* frames and bytes follow */
  write_uint32 (info + 8, n_frames);
  write_uint32 (info + 12, n_bytes);
  memcpy (lame, "LAME3.100", 9);
  GST_WRITE_UINT24_BE (lame + 21, delay << 12);
}

static gsize
count_bytes (GPtrArray * frames, guint first)
{
  gsize bytes = 0;
  guint i;

  for (i = first; i < frames->len; i++)
    bytes += gst_buffer_get_size (g_ptr_array_index (frames, i));

  return bytes;
}

GstBuffer *
identifai_mp3_info_make (GPtrArray * frames, guint lead, guint * first)
{
  guint samples = 0, i;
  Frame frame;
  guint8 *data;
  gsize size;

  for (i = lead; i > 0; i--) {
    if (!is_one_frame (g_ptr_array_index (frames, i - 1), &frame))
      return NULL;
    if (samples + frame.samples > MAX_DELAY + DECODER_DELAY)
      break;
    samples += frame.samples;
  }
  if (samples < DECODER_DELAY)
    return NULL;
  *first = i;
  size = get_size (&frame, KBITS);
  data = g_malloc0 (size);
  write_info (&frame, data, frames->len - i, size + count_bytes (frames, i),
      samples - DECODER_DELAY);

  return gst_buffer_new_wrapped (data, size);
}
