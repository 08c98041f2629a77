/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * MP4 files that are changed after the muxer. Input: two times of two bytes, in ms,
 * a byte that chooses the orientation, and the file, which comes in pieces.
 *
 * What has to hold: the file keeps its size, and what is outside of its moov box
 * stays as it is, also where the file is left alone.
 */

#include "target.h"

#include "mp4edit.h"
#include "pieces.h"

#include <string.h>

static const gchar *const orientations[] = {
  "rotate-0", "rotate-90", "rotate-180", "rotate-270", "flip-rotate-0",
  "flip-rotate-90", "flip-rotate-180", "flip-rotate-270", "upside-down"
};

/* Nothing is aligned. */
static guint64
read_number (const guint8 * data, guint n)
{
  guint64 number = 0;

  while (n-- > 0)
    number = number << 8 | *data++;

  return number;
}

/* Where the first top-level box called moov is; size if there is none. */
static gsize
find_movie (const guint8 * data, gsize size, gsize * length)
{
  gsize at = 0;

  while (size - at >= 8) {
    guint64 box = read_number (data + at, 4);

    if (box == 1 && size - at >= 16)
      box = read_number (data + at + 8, 8);
    else if (box == 0)
      box = size - at;
    if (box < 8 || box > size - at)
      break;
    *length = box;
    if (memcmp (data + at + 4, "moov", 4) == 0)
      return at;
    at += box;
  }
  *length = 0;

  return size;
}

static void
check (IdentifaiMemoryFile * file, const guint8 * data, gsize size)
{
  guint8 *now = g_malloc (size + 1);
  gsize movie, length = 0;

  g_assert_cmpuint (identifai_memory_file_get_size (file), ==, size);
  g_assert_cmpuint (identifai_memory_file_read (file, 0, now, size), ==, size);
  movie = find_movie (data, size, &length);
  g_assert (memcmp (data, now, movie) == 0);
  g_assert (memcmp (data + movie + length, now + movie + length,
          size - movie - length) == 0);
  g_free (now);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  IdentifaiMemoryFile *file;
  GstClockTimeDiff lead;
  GstClockTime shown;
  guint which;

  if (size < 5)
    return 0;
  lead = (gint16) read_number (data, 2) * GST_MSECOND;
  shown = read_number (data + 2, 2) * GST_MSECOND;
  which = data[4];
  data += 5;
  size -= 5;
  file = make_file (data, size);
  identifai_mp4_edit (NULL, file, lead,
      which & 0x80 ? GST_CLOCK_TIME_NONE : shown);
  check (file, data, size);
  identifai_mp4_orient (NULL, file, orientations[which % G_N_ELEMENTS
          (orientations)]);
  check (file, data, size);
  identifai_mp4_mend_lengths (NULL, file);
  check (file, data, size);
  identifai_mp4_call_mpeg2 (NULL, file);
  check (file, data, size);
  identifai_memory_file_unref (file);

  return 0;
}
