/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "mp4fragments.h"

#include <string.h>
#include "log.h"
#include "mp4box.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define HEADER_BYTES IDENTIFAI_MP4_HEADER_BYTES
#define MAX_INDEX (16 * 1024 * 1024)    /* of a movie, or a fragment */
#define EDIT_BYTES 36           /* an edts box with a list of one entry */

/* A box at the top level of a file. */
typedef struct
{
  guint8 header[HEADER_BYTES];
  guint64 offset, size;         /* header included */
} Top;

/* The next one; FALSE: there is none, or it isn't whole. Before the first: zeros. */
static gboolean
next_top (IdentifaiMemoryFile * file, Top * top)
{
  top->offset += top->size;
  if (identifai_memory_file_read (file, top->offset, top->header,
          HEADER_BYTES) < HEADER_BYTES)
    return FALSE;
  top->size = identifai_mp4_read_u32 (top->header);

  return top->size >= HEADER_BYTES
      && top->size <= identifai_memory_file_get_size (file) - top->offset;
}

/* All of the box, to be freed; NULL: it is too large, or can't be read. */
static guint8 *
read_top (const gchar * name, IdentifaiMemoryFile * file, const Top * top)
{
  guint8 *data;

  if (top->size > MAX_INDEX) {
    GST_DEBUG_ID (name, "an index of %" G_GUINT64_FORMAT " bytes is too large",
        top->size);
    return NULL;
  }
  data = g_malloc (top->size);
  if (identifai_memory_file_read (file, top->offset, data, top->size) <
      top->size)
    g_clear_pointer (&data, g_free);

  return data;
}

/* Takes over data. */
static void
write_data (IdentifaiMemoryFile * file, guint8 * data, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_wrapped (data, size);

  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);
}

static gboolean
has_box (const IdentifaiMp4Box * parent, const gchar * type,
    const guint8 * previous)
{
  IdentifaiMp4Box box;

  return identifai_mp4_find_box (parent, type, previous, &box);
}

/*** the movie ***/

/* It is as long as its fragments: 0. at: of the duration, in a box of version 0. */
static void
clear_duration (const IdentifaiMp4Box * box, gsize at)
{
  if (box->size >= at + 4 && box->data[0] == 0)
    identifai_mp4_write_u32 (box->data + at, 0);
}

/* An edit without a duration lasts as long as the fragments do. */
static void
append_edit (GByteArray * out, guint32 media_time)
{
  guint8 box[EDIT_BYTES] = { 0, };

  identifai_mp4_write_u32 (box, EDIT_BYTES);
  memcpy (box + 4, "edts", 4);
  identifai_mp4_write_u32 (box + 8, EDIT_BYTES - HEADER_BYTES);
  memcpy (box + 12, "elst", 4);
  identifai_mp4_write_u32 (box + 20, 1);
  identifai_mp4_write_u32 (box + 28, media_time);
  identifai_mp4_write_u32 (box + 32, 0x10000);  /* at its own speed */
  g_byte_array_append (out, box, EDIT_BYTES);
}

/* The size of the box that begins at start is known now. */
static void
end_box (GByteArray * out, gsize start)
{
  identifai_mp4_write_u32 (out->data + start, out->len - start);
}

/* inner: of a trak box. FALSE: it isn't as expected. */
static gboolean
append_track (GByteArray * out, IdentifaiMp4Fragments * self,
    const IdentifaiMp4Box * inner, GstClockTime shown_from)
{
  static const gchar *const to_media[] = { "mdia", "mdhd", NULL };
  gsize start = out->len, head;
  IdentifaiMp4Box box;
  guint32 scale;

  if (self->n_tracks == IDENTIFAI_MP4_MAX_TRACKS
      || !identifai_mp4_find_path (inner, to_media, &box)
      || (scale = identifai_mp4_read_timescale (&box)) == 0
      || !identifai_mp4_find_box (inner, "tkhd", NULL, &box)
      || box.data != inner->data + HEADER_BYTES
      || has_box (inner, "edts", NULL))
    return FALSE;
  self->timescales[self->n_tracks++] = scale;
  clear_duration (&box, 20);
  head = HEADER_BYTES + box.size;
  g_byte_array_append (out, inner->data - HEADER_BYTES, HEADER_BYTES + head);
  if (shown_from > 0)
    append_edit (out, gst_util_uint64_scale_round (shown_from, scale,
            GST_SECOND));
  g_byte_array_append (out, inner->data + head, inner->size - head);
  end_box (out, start);

  return TRUE;
}

/* What it says of how long the fragments are is of the first stretch. */
static void
forget_extent (const IdentifaiMp4Box * extends)
{
  IdentifaiMp4Box box;

  if (identifai_mp4_find_box (extends, "mehd", NULL, &box))
    memcpy (box.data - 4, "free", 4);
}

/* whole: a moov box. NULL: it isn't as expected. */
static GByteArray *
make_movie (IdentifaiMp4Fragments * self, guint8 * whole, gsize size,
    GstClockTime shown_from)
{
  GByteArray *out = g_byte_array_new ();
  IdentifaiMp4Box moov = { whole + HEADER_BYTES, size - HEADER_BYTES }, box;
  gboolean ok = identifai_mp4_find_box (&moov, "mvex", NULL, &box);
  gsize at, length;

  if (ok)
    forget_extent (&box);
  if (identifai_mp4_find_box (&moov, "mvhd", NULL, &box))
    clear_duration (&box, 16);
  g_byte_array_append (out, whole, HEADER_BYTES);
  for (at = 0; ok && moov.size - at >= HEADER_BYTES; at += length) {
    length = identifai_mp4_read_u32 (moov.data + at);
    ok = length >= HEADER_BYTES && length <= moov.size - at;
    box = (IdentifaiMp4Box) {
    moov.data + at + HEADER_BYTES, length - HEADER_BYTES};
    if (ok && identifai_mp4_has_type (moov.data + at, "trak"))
      ok = append_track (out, self, &box, shown_from);
    else if (ok)
      g_byte_array_append (out, moov.data + at, length);
  }
  end_box (out, 0);
  if (!ok || self->n_tracks == 0)
    g_clear_pointer (&out, g_byte_array_unref);

  return out;
}

/* The movie's box at top, as it is in the whole. */
static gboolean
write_movie (IdentifaiMp4Fragments * self, IdentifaiMemoryFile * first,
    const Top * top, GstClockTime shown_from, IdentifaiMemoryFile * out)
{
  guint8 *data = read_top (self->name, first, top);
  GByteArray *movie = data == NULL ? NULL : make_movie (self, data, top->size,
      shown_from);

  if (movie != NULL) {
    gsize size = movie->len;

    write_data (out, g_byte_array_free (movie, FALSE), size);
  }
  g_free (data);

  return movie != NULL;
}

IdentifaiMemoryFile *
identifai_mp4_fragments_begin (IdentifaiMp4Fragments * self,
    const gchar * name, IdentifaiMemoryFile * first, GstClockTime shown_from)
{
  IdentifaiMemoryFile *out = identifai_memory_file_new ();
  gboolean done = FALSE;
  Top top = { {0,}, };

  *self = (IdentifaiMp4Fragments) {
  .name = name};
  while (!done && next_top (first, &top)
      && !identifai_mp4_has_type (top.header, "moof")) {
    if (identifai_mp4_has_type (top.header, "ftyp"))
      identifai_memory_file_append (out, first, top.offset, top.size);
    if (identifai_mp4_has_type (top.header, "moov")) {
      if (!write_movie (self, first, &top, shown_from, out))
        break;
      done = TRUE;
    }
  }
  if (!done) {
    GST_DEBUG_ID (name,
        "no movie of fragments as expected, %u tracks of it are good",
        self->n_tracks);
    g_clear_pointer (&out, identifai_memory_file_unref);
  }

  return out;
}

/*** fragments ***/

/* Of the tracks of a stretch's file, as their first fragment has it. */
typedef struct
{
  gboolean begun[IDENTIFAI_MP4_MAX_TRACKS];
  guint32 origin[IDENTIFAI_MP4_MAX_TRACKS];
} Origins;

/* moof: what is inside of the box. FALSE: it isn't as expected. */
static gboolean
place_fragment (IdentifaiMp4Fragments * self, const IdentifaiMp4Box * moof,
    const IdentifaiMp4Stretch * stretches, guint n_stretches, Origins * origins)
{
  IdentifaiMp4Box number, traf, head, time;
  guint64 start;
  guint own;

  if (!identifai_mp4_find_box (moof, "mfhd", NULL, &number)
      || !identifai_mp4_find_box (moof, "traf", NULL, &traf)
      || has_box (moof, "traf", traf.data)
      || !identifai_mp4_find_box (&traf, "tfhd", NULL, &head)
      || !identifai_mp4_find_box (&traf, "tfdt", NULL, &time)
      || number.size < 8 || head.size < 8 || time.size < 8 || time.data[0] != 0)
    return FALSE;
  own = identifai_mp4_read_u32 (head.data + 4) - 1;
  if (own >= n_stretches || stretches[own].track >= self->n_tracks)
    return FALSE;
  if (!origins->begun[own])
    origins->origin[own] = identifai_mp4_read_u32 (time.data + 4);
  origins->begun[own] = TRUE;
  start = gst_util_uint64_scale_round (stretches[own].start,
      self->timescales[stretches[own].track], GST_SECOND)
      + identifai_mp4_read_u32 (time.data + 4) - origins->origin[own];
  if (start > G_MAXUINT32) {
    GST_DEBUG_ID (self->name, "a fragment at %" G_GUINT64_FORMAT " is too late "
        "for 32 bits", start);
    return FALSE;
  }
  identifai_mp4_write_u32 (number.data + 4, ++self->sequence);
  identifai_mp4_write_u32 (head.data + 4, stretches[own].track + 1);
  identifai_mp4_write_u32 (time.data + 4, start);

  return TRUE;
}

static gboolean
add_fragment (IdentifaiMp4Fragments * self, IdentifaiMemoryFile * file,
    const Top * top, const IdentifaiMp4Stretch * stretches, guint n_stretches,
    Origins * origins, IdentifaiMemoryFile * out)
{
  guint8 *data = read_top (self->name, file, top);
  IdentifaiMp4Box moof = { data + HEADER_BYTES, top->size - HEADER_BYTES };

  if (data == NULL || !place_fragment (self, &moof, stretches, n_stretches,
          origins)) {
    g_free (data);
    return FALSE;
  }
  GST_LOG_ID (self->name, "fragment %u, its index has %" G_GUINT64_FORMAT
      " bytes", self->sequence, top->size);
  write_data (out, data, top->size);

  return TRUE;
}

IdentifaiMemoryFile *
identifai_mp4_fragments_add (IdentifaiMp4Fragments * self,
    IdentifaiMemoryFile * file, const IdentifaiMp4Stretch * stretches,
    guint n_stretches)
{
  IdentifaiMemoryFile *out = identifai_memory_file_new ();
  Origins origins = { {0,}, };
  gboolean ok = n_stretches <= IDENTIFAI_MP4_MAX_TRACKS;
  Top top = { {0,}, };

  while (ok && next_top (file, &top)) {
    if (identifai_mp4_has_type (top.header, "moof"))
      ok = add_fragment (self, file, &top, stretches, n_stretches, &origins,
          out);
    else if (identifai_mp4_has_type (top.header, "mdat"))
      identifai_memory_file_append (out, file, top.offset, top.size);
  }
  ok = ok && top.offset == identifai_memory_file_get_size (file);
  if (!ok || identifai_memory_file_get_size (out) == 0
      || identifai_memory_file_is_broken (out)) {
    GST_DEBUG_ID (self->name, "no fragments as expected: %s",
        identifai_memory_file_is_broken (out) ? "a part can't be read" :
        identifai_memory_file_get_size (out) == 0 ? "there are none" :
        "one is of another form");
    g_clear_pointer (&out, identifai_memory_file_unref);
  }

  return out;
}
