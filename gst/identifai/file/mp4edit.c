/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * On a mux worker's thread. Sizes and offsets are bytes. Of an edit list, the duration is
 * in the movie's units, where it starts in those of the track's media.
 */

#include "mp4edit.h"
#include "log.h"
#include "mp4box.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define MAX_MOOV (64 * 1024 * 1024)     /* of hours of frames */
#define ENTRY_BYTES 12          /* of an edit list of version 0 */
#define MPEG2_MAIN 0x61         /* objectTypeIndication; stands for all profiles */
#define VISUAL_BYTES 78         /* of a visual sample entry before its boxes */
#define VERSION_BYTES 4         /* version and flags of a box */
#define STREAM_BYTES 3          /* of an ES_Descriptor: its id, no flags */
#define DECODER_BYTES 13        /* of a DecoderConfigDescriptor */
#define SL_CONFIG_BYTES 3       /* of the descriptor behind that */

/* handler: "vide", "soun" */
static gboolean
find_track (const IdentifaiMp4Box * moov, const gchar * wanted,
    IdentifaiMp4Box * track)
{
  static const gchar *const path[] = { "mdia", "hdlr", NULL };
  const guint8 *previous = NULL;
  IdentifaiMp4Box handler;

  while (identifai_mp4_find_box (moov, "trak", previous, track)) {
    if (identifai_mp4_find_path (track, path, &handler) && handler.size >= 12
        && memcmp (handler.data + 8, wanted, 4) == 0)
      return TRUE;
    previous = track->data;
  }

  return FALSE;
}

static gboolean
find_video_track (const IdentifaiMp4Box * moov, IdentifaiMp4Box * track)
{
  return find_track (moov, "vide", track);
}

/* Reads the first box of that type from the top level of the file; NULL: there is
 * none that is whole and of a sane size. offset: of what was read, in the file. */
static guint8 *
read_top_level (const gchar * name, IdentifaiMemoryFile * file,
    const gchar * type, gsize * size, guint64 * offset)
{
  guint64 file_size = identifai_memory_file_get_size (file);
  guint64 at = 0, length;
  guint8 header[16];
  guint8 *data;

  while (identifai_memory_file_read (file, at, header, 16) == 16) {
    length = identifai_mp4_read_u32 (header);
    if (length == 1)
      length =
          (guint64) identifai_mp4_read_u32 (header +
          8) << 32 | identifai_mp4_read_u32 (header + 12);
    if (length < 8 || length > file_size - at) {
      GST_DEBUG_ID (name, "a box at %" G_GUINT64_FORMAT " is %" G_GUINT64_FORMAT
          " bytes long", at, length);
      return NULL;
    }
    if (identifai_mp4_has_type (header, type)) {
      if (length > MAX_MOOV || identifai_mp4_read_u32 (header) == 1) {
        GST_DEBUG_ID (name, "%s of %" G_GUINT64_FORMAT " bytes isn't read: it "
            "is too large", type, length);
        return NULL;
      }
      data = g_malloc (length);
      *offset = at + 8;
      *size = identifai_memory_file_read (file, *offset, data, length - 8);
      return data;
    }
    at += length;
  }

  return NULL;
}

typedef struct
{
  guint32 movie;                /* units a second */
  guint32 media;
} Timescales;

/* An edit list of one entry: the first track that starts has no other. */
static gboolean
rewrite_edit (const gchar * name, IdentifaiMp4Box * list,
    const Timescales * scales, GstClockTimeDiff lead, GstClockTime shown)
{
  guint32 lead_media = gst_util_uint64_scale_round (ABS (lead), scales->media,
      GST_SECOND);
  guint32 duration, media_time;

  if (list->size != 8 + ENTRY_BYTES || list->data[0] != 0
      || identifai_mp4_read_u32 (list->data + 4) != 1)
    return FALSE;
  duration = identifai_mp4_read_u32 (list->data + 8);
  media_time = identifai_mp4_read_u32 (list->data + 12);
  /* a unit less: a picture at the very end is not shown */
  if (GST_CLOCK_TIME_IS_VALID (shown))
    duration = gst_util_uint64_scale (shown, scales->movie, GST_SECOND) - 1;
  if (lead < 0)
    media_time += lead_media;
  else
    media_time -= MIN (media_time, lead_media);
  GST_LOG_ID (name, "the edit list is %u+%u, was %u+%u", media_time, duration,
      identifai_mp4_read_u32 (list->data + 12),
      identifai_mp4_read_u32 (list->data + 8));
  identifai_mp4_write_u32 (list->data + 8, duration);
  identifai_mp4_write_u32 (list->data + 12, media_time);

  return TRUE;
}

/* moov: what is inside of the box. */
static gboolean
edit_movie (const gchar * name, IdentifaiMp4Box * moov, GstClockTimeDiff lead,
    GstClockTime shown, IdentifaiMp4Box * changed)
{
  static const gchar *const to_list[] = { "edts", "elst", NULL };
  static const gchar *const to_media[] = { "mdia", "mdhd", NULL };
  Timescales scales;
  IdentifaiMp4Box track, box;

  if (!identifai_mp4_find_box (moov, "mvhd", NULL, &box))
    return FALSE;
  scales.movie = identifai_mp4_read_timescale (&box);
  if (!find_video_track (moov, &track)
      || !identifai_mp4_find_path (&track, to_media, &box))
    return FALSE;
  scales.media = identifai_mp4_read_timescale (&box);
  if (scales.movie == 0 || scales.media == 0
      || !identifai_mp4_find_path (&track, to_list, changed))
    return FALSE;

  return rewrite_edit (name, changed, &scales, lead, shown);
}

/* Reads the movie; NULL: there is none. */
static guint8 *
read_movie (const gchar * name, IdentifaiMemoryFile * file,
    IdentifaiMp4Box * moov, guint64 * offset)
{
  moov->data = read_top_level (name, file, "moov", &moov->size, offset);

  return moov->data;
}

/* offset: of the movie's inside, in the file. */
static void
write_back (const gchar * name, IdentifaiMemoryFile * file,
    const IdentifaiMp4Box * moov, guint64 offset,
    const IdentifaiMp4Box * changed)
{
  GstBuffer *buffer;

  if (changed->size == 0)
    return;
  GST_LOG_ID (name,
      "%" G_GSIZE_FORMAT " bytes at %" G_GUINT64_FORMAT " are changed",
      changed->size, offset + (changed->data - moov->data));
  buffer = gst_buffer_new_memdup (changed->data, changed->size);
  identifai_memory_file_seek (file, offset + (changed->data - moov->data));
  identifai_memory_file_write (file, buffer);
  identifai_memory_file_seek (file, identifai_memory_file_get_size (file));
  gst_buffer_unref (buffer);
}

gboolean
identifai_mp4_edit (const gchar * name, IdentifaiMemoryFile * file,
    GstClockTimeDiff lead, GstClockTime shown)
{
  IdentifaiMp4Box moov, changed;
  guint64 offset;
  gboolean ok;

  if (read_movie (name, file, &moov, &offset) == NULL)
    return FALSE;
  ok = edit_movie (name, &moov, lead, shown, &changed);
  if (!ok)
    GST_DEBUG_ID (name, "there is no edit list of one entry");
  if (ok)
    write_back (name, file, &moov, offset, &changed);
  g_free (moov.data);

  return ok;
}

/*** sound alone ***/

/* list: of one entry. */
static gboolean
hide_start (IdentifaiMp4Box * list, const Timescales * scales,
    GstClockTime time)
{
  guint32 media = gst_util_uint64_scale_round (time, scales->media, GST_SECOND);
  guint32 movie = gst_util_uint64_scale (time, scales->movie, GST_SECOND);
  guint32 duration;

  if (list->size != 8 + ENTRY_BYTES || list->data[0] != 0
      || identifai_mp4_read_u32 (list->data + 4) != 1)
    return FALSE;
  duration = identifai_mp4_read_u32 (list->data + 8);
  identifai_mp4_write_u32 (list->data + 8, duration - MIN (duration, movie));
  identifai_mp4_write_u32 (list->data + 12,
      identifai_mp4_read_u32 (list->data + 12) + media);

  return TRUE;
}

static gboolean
hide_in_movie (IdentifaiMp4Box * moov, GstClockTime time,
    IdentifaiMp4Box * changed)
{
  static const gchar *const to_list[] = { "edts", "elst", NULL };
  static const gchar *const to_media[] = { "mdia", "mdhd", NULL };
  Timescales scales;
  IdentifaiMp4Box track, box;

  if (!identifai_mp4_find_box (moov, "mvhd", NULL, &box))
    return FALSE;
  scales.movie = identifai_mp4_read_timescale (&box);
  if (!find_track (moov, "soun", &track)
      || !identifai_mp4_find_path (&track, to_media, &box))
    return FALSE;
  scales.media = identifai_mp4_read_timescale (&box);

  return scales.movie > 0 && scales.media > 0
      && identifai_mp4_find_path (&track, to_list, changed)
      && hide_start (changed, &scales, time);
}

gboolean
identifai_mp4_hide_sound (const gchar * name, IdentifaiMemoryFile * file,
    GstClockTime time)
{
  IdentifaiMp4Box moov, changed;
  guint64 offset;
  gboolean ok;

  if (read_movie (name, file, &moov, &offset) == NULL)
    return FALSE;
  ok = hide_in_movie (&moov, time, &changed);
  GST_DEBUG_ID (name, "%" GST_TIME_FORMAT " at the start of the sound %s",
      GST_TIME_ARGS (time), ok ? "are hidden" : "can't be hidden: there is no "
      "edit list of one entry");
  if (ok)
    write_back (name, file, &moov, offset, &changed);
  g_free (moov.data);

  return ok;
}

/*** orientation ***/

#define MATRIX_BYTES 36

/* Where a picture's x and y go: the signs of a, b, c, d of the matrix (ISO/IEC
 * 14496-12, 6.2.2). What goes to negative coordinates is moved back by the size. */
typedef struct
{
  const gchar *name;
  gint8 a, b, c, d;
} Orientation;

static const Orientation *
find_orientation (const gchar * name)
{
  static const Orientation all[] = {
    {"rotate-0", 1, 0, 0, 1},
    {"rotate-90", 0, 1, -1, 0},
    {"rotate-180", -1, 0, 0, -1},
    {"rotate-270", 0, -1, 1, 0},
    {"flip-rotate-0", -1, 0, 0, 1},
    {"flip-rotate-90", 0, -1, -1, 0},
    {"flip-rotate-180", 1, 0, 0, -1},
    {"flip-rotate-270", 0, 1, 1, 0},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (all); i++) {
    if (g_strcmp0 (all[i].name, name) == 0)
      return &all[i];
  }

  return NULL;
}

/* Of a sum of two products: by how much it is below 0 at most, in 16.16. */
static guint32
shift_back (gint8 from_x, gint8 from_y, guint32 width, guint32 height)
{
  return (from_x < 0 ? width : 0) + (from_y < 0 ? height : 0);
}

/* header: what is inside of the tkhd box; changed: the matrix in it. */
static gboolean
write_matrix (const gchar * name, IdentifaiMp4Box * header,
    const Orientation * to, IdentifaiMp4Box * changed)
{
  gsize at = header->size > 0 && header->data[0] == 1 ? 52 : 40;
  guint32 width, height;
  guint8 *matrix;

  if (header->size < at + MATRIX_BYTES + 8)
    return FALSE;
  matrix = header->data + at;
  width = identifai_mp4_read_u32 (matrix + MATRIX_BYTES);
  height = identifai_mp4_read_u32 (matrix + MATRIX_BYTES + 4);
  GST_LOG_ID (name, "pictures of %ux%u are %s", width >> 16, height >> 16,
      to->name);
  memset (matrix, 0, MATRIX_BYTES);
  identifai_mp4_write_u32 (matrix, (guint32) to->a << 16);
  identifai_mp4_write_u32 (matrix + 4, (guint32) to->b << 16);
  identifai_mp4_write_u32 (matrix + 12, (guint32) to->c << 16);
  identifai_mp4_write_u32 (matrix + 16, (guint32) to->d << 16);
  identifai_mp4_write_u32 (matrix + 24, shift_back (to->a, to->c, width,
          height));
  identifai_mp4_write_u32 (matrix + 28, shift_back (to->b, to->d, width,
          height));
  identifai_mp4_write_u32 (matrix + 32, 1 << 30);
  changed->data = matrix;
  changed->size = MATRIX_BYTES;

  return TRUE;
}

gboolean
identifai_mp4_orient (const gchar * name, IdentifaiMemoryFile * file,
    const gchar * orientation)
{
  const Orientation *to = find_orientation (orientation);
  IdentifaiMp4Box moov, track, header, changed;
  guint64 offset;
  gboolean ok;

  if (to == NULL || read_movie (name, file, &moov, &offset) == NULL)
    return FALSE;
  ok = find_video_track (&moov, &track)
      && identifai_mp4_find_box (&track, "tkhd", NULL, &header)
      && write_matrix (name, &header, to, &changed);
  if (!ok)
    GST_DEBUG_ID (name, "there is no track header for %s", orientation);
  if (ok)
    write_back (name, file, &moov, offset, &changed);
  g_free (moov.data);

  return ok;
}

/* The header of a descriptor: tag and a length of up to four bytes. Moves on
 * behind it; FALSE: it has another tag. */
static gboolean
skip_descriptor_header (IdentifaiMp4Box * box, guint8 tag)
{
  gsize at = 1;

  if (box->size < 2 || box->data[0] != tag)
    return FALSE;
  while (at < 4 && at + 1 < box->size && box->data[at] & 0x80)
    at++;
  box->data += at + 1;
  box->size -= at + 1;

  return TRUE;
}

/* ES_Descriptor, its DecoderConfigDescriptor, whose first byte it is. */
static gboolean
find_object_type (IdentifaiMp4Box * esds, IdentifaiMp4Box * type)
{
  *type = *esds;
  if (type->size < VERSION_BYTES)
    return FALSE;
  type->data += VERSION_BYTES;
  type->size -= VERSION_BYTES;
  if (!skip_descriptor_header (type, 3) || type->size < STREAM_BYTES
      || type->data[2] != 0)
    return FALSE;
  type->data += STREAM_BYTES;
  type->size -= STREAM_BYTES;
  if (!skip_descriptor_header (type, 4) || type->size < 1)
    return FALSE;
  type->size = 1;

  return TRUE;
}

static gboolean
find_sample_entry (const IdentifaiMp4Box * moov, IdentifaiMp4Box * entry)
{
  static const gchar *const to_entries[] = { "mdia", "minf", "stbl", "stsd",
    NULL
  };
  IdentifaiMp4Box track, entries;

  if (!find_video_track (moov, &track)
      || !identifai_mp4_find_path (&track, to_entries, &entries)
      || entries.size < 8)
    return FALSE;
  entries.data += 8;            /* version, flags, count */
  entries.size -= 8;
  if (!identifai_mp4_find_box (&entries, "mp4v", NULL, entry)
      || entry->size < VISUAL_BYTES)
    return FALSE;
  entry->data += VISUAL_BYTES;
  entry->size -= VISUAL_BYTES;

  return TRUE;
}

/*** lengths of descriptors ***/

/* The n bytes of a descriptor's length, seven bits each. */
static gsize
read_length (const guint8 * bytes, gsize n, gboolean reversed)
{
  gsize length = 0, i;

  for (i = 0; i < n; i++)
    length = length << 7 | (bytes[reversed ? n - 1 - i : i] & 0x7f);

  return length;
}

/* Whether it leaves just what follows it at that level. */
static gboolean
fills (gsize length, gsize room)
{
  return length <= room && room - length <= SL_CONFIG_BYTES;
}

/* All but the last byte say that there are more. */
static void
reverse_length (guint8 * bytes, gsize n)
{
  gsize i;

  for (i = 0; i < n / 2; i++) {
    guint8 byte = bytes[i];

    bytes[i] = bytes[n - 1 - i];
    bytes[n - 1 - i] = byte;
  }
  for (i = 0; i < n; i++)
    bytes[i] = (bytes[i] & 0x7f) | (i < n - 1 ? 0x80 : 0);
}

/* box: starts with a descriptor; moves on into it. */
static gboolean
mend_length (const gchar * name, IdentifaiMp4Box * box, guint8 tag)
{
  guint8 *bytes = box->data + 1;
  IdentifaiMp4Box inside = *box;
  gsize n;

  if (!skip_descriptor_header (&inside, tag))
    return FALSE;
  n = inside.data - bytes;
  if (!fills (read_length (bytes, n, FALSE), inside.size)
      && fills (read_length (bytes, n, TRUE), inside.size)) {
    GST_DEBUG_ID (name, "the length of descriptor %u was written backwards",
        tag);
    reverse_length (bytes, n);
  }
  *box = inside;

  return TRUE;
}

/* ES_Descriptor, DecoderConfigDescriptor, DecoderSpecificInfo. */
static void
mend_descriptors (const gchar * name, IdentifaiMp4Box * esds)
{
  IdentifaiMp4Box box =
      { esds->data + VERSION_BYTES, esds->size - VERSION_BYTES };

  if (esds->size < VERSION_BYTES || !mend_length (name, &box, 3)
      || box.size < STREAM_BYTES)
    return;
  box.data += STREAM_BYTES;
  box.size -= STREAM_BYTES;
  if (!mend_length (name, &box, 4) || box.size < DECODER_BYTES)
    return;
  box.data += DECODER_BYTES;
  box.size -= DECODER_BYTES;
  mend_length (name, &box, 5);
}

void
identifai_mp4_mend_lengths (const gchar * name, IdentifaiMemoryFile * file)
{
  IdentifaiMp4Box moov, entry, esds;
  guint64 offset;

  if (read_movie (name, file, &moov, &offset) == NULL)
    return;
  if (find_sample_entry (&moov, &entry)
      && identifai_mp4_find_box (&entry, "esds", NULL, &esds)) {
    GST_LOG_ID (name, "descriptors of %" G_GSIZE_FORMAT " bytes", esds.size);
    mend_descriptors (name, &esds);
    write_back (name, file, &moov, offset, &esds);
  }
  g_free (moov.data);
}

/*** the codec's name ***/

gboolean
identifai_mp4_call_mpeg2 (const gchar * name, IdentifaiMemoryFile * file)
{
  IdentifaiMp4Box moov, entry, esds, changed;
  guint64 offset;
  gboolean ok;

  if (read_movie (name, file, &moov, &offset) == NULL)
    return FALSE;
  ok = find_sample_entry (&moov, &entry)
      && identifai_mp4_find_box (&entry, "esds", NULL, &esds)
      && find_object_type (&esds, &changed);
  GST_DEBUG_ID (name, "%s", ok ? "its codec is called MPEG-2" :
      "there is no description of a codec that could be called MPEG-2");
  if (ok) {
    changed.data[0] = MPEG2_MAIN;
    write_back (name, file, &moov, offset, &changed);
  }
  g_free (moov.data);

  return ok;
}
