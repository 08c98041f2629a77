/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of mp4mux that become stretches of one that grows. Input: how many tracks the
 * stretch is said to have, two bytes of when it starts, in ms, and the file.
 *
 * What has to hold: what is made can be read whole, and the fragments' numbers go up.
 */

#include "target.h"

#include "mp4fragments.h"
#include "pieces.h"

static void
check_file (IdentifaiMemoryFile * file)
{
  guint64 size = identifai_memory_file_get_size (file);
  guint8 *data = g_malloc (size + 1);

  g_assert_cmpuint (identifai_memory_file_read (file, 0, data, size), ==, size);
  g_free (data);
  identifai_memory_file_unref (file);
}

static void
add (IdentifaiMp4Fragments * fragments, const guint8 * data, gsize size,
    guint n, GstClockTime start)
{
  IdentifaiMp4Stretch stretches[IDENTIFAI_MP4_MAX_TRACKS];
  IdentifaiMemoryFile *file = make_file (data, size), *made;
  guint32 before = fragments->sequence;
  guint i;

  for (i = 0; i < n; i++)
    stretches[i] = (IdentifaiMp4Stretch) {
    i % fragments->n_tracks, start};
  made = identifai_mp4_fragments_add (fragments, file, stretches, n);
  if (made != NULL) {
    g_assert_cmpuint (fragments->sequence, >=, before);
    check_file (made);
  }
  identifai_memory_file_unref (file);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  IdentifaiMp4Fragments fragments = { 0, };
  IdentifaiMemoryFile *file, *header;
  GstClockTime start;
  guint n;

  if (size < 3)
    return 0;
  n = data[0] % (IDENTIFAI_MP4_MAX_TRACKS + 1);
  start = (data[1] << 8 | data[2]) * GST_MSECOND;
  file = make_file (data + 3, size - 3);
  header = identifai_mp4_fragments_begin (&fragments, NULL, file, start);
  identifai_memory_file_unref (file);
  if (header == NULL)
    return 0;

  check_file (header);
  g_assert_cmpuint (fragments.n_tracks, <=, IDENTIFAI_MP4_MAX_TRACKS);
  if (fragments.n_tracks > 0) {
    add (&fragments, data + 3, size - 3, n, 0);
    add (&fragments, data + 3, size - 3, n, start);
  }

  return 0;
}
