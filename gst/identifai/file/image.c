/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * JPEG: ITU-T T.81, annex B; PNG: its specification, 5; GIF89a; WebP: RIFF;
 * TIFF 6.0, section 2.
 */

#include "image.h"

#include <string.h>

#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define MAGIC_BYTES 12
#define MAX_DIRECTORIES 1000    /* of a TIFF, one a page */
#define MAX_ENTRIES 1000        /* of a directory */
#define MAX_LOOKS 4000000       /* at values, as directories may go round in circles */

typedef struct
{
  IdentifaiImageScan *scan;
  const gchar *name;            /* of the element */
  IdentifaiMemoryFile *file;
  guint64 size;
} Look;

/* FALSE: it isn't there yet. */
static gboolean
peek (Look * look, guint64 offset, guint8 * bytes, gsize count)
{
  return identifai_memory_file_read (look->file, offset, bytes, count) == count;
}

static IdentifaiImageState
whole_at (Look * look, guint64 end)
{
  if (look->size < end)
    return IDENTIFAI_IMAGE_UNSURE;
  look->scan->end = end;
  GST_LOG_ID (look->name,
      "%s: whole at byte %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT,
      look->scan->type->content_type, end, look->size);

  return IDENTIFAI_IMAGE_WHOLE;
}

static IdentifaiImageState
lose (Look * look)
{
  GST_DEBUG_ID (look->name, "%s: broken at byte %" G_GUINT64_FORMAT,
      look->scan->type->content_type, look->scan->position);
  look->scan->lost = TRUE;

  return IDENTIFAI_IMAGE_UNSURE;
}

/* JPEG. */

/* Up to the next marker that isn't a restart. FALSE: it isn't there yet. */
static gboolean
skip_coded_data (Look * look)
{
  guint8 bytes[4096];
  gsize got, i;

  while ((got = identifai_memory_file_read (look->file, look->scan->position,
              bytes, sizeof (bytes))) >= 2) {
    for (i = 0; i + 1 < got; i++) {
      gboolean is_data = bytes[i] != 0xff || bytes[i + 1] == 0x00
          || (bytes[i + 1] >= 0xd0 && bytes[i + 1] <= 0xd7);

      if (!is_data) {
        look->scan->position += i;
        look->scan->within = FALSE;
        return TRUE;
      }
    }
    look->scan->position += i;
  }

  return FALSE;
}

static gboolean
stands_alone (guint8 marker)
{
  return marker == 0x01 || (marker >= 0xd0 && marker <= 0xd8);
}

static IdentifaiImageState
scan_jpeg (Look * look)
{
  IdentifaiImageScan *scan = look->scan;
  guint8 bytes[4];

  if (scan->position == 0)
    scan->position = 2;
  for (;;) {
    if (scan->within && !skip_coded_data (look))
      return IDENTIFAI_IMAGE_UNSURE;
    if (!peek (look, scan->position, bytes, 2))
      return IDENTIFAI_IMAGE_UNSURE;
    if (bytes[0] != 0xff)
      return lose (look);
    if (bytes[1] == 0xd9)
      return whole_at (look, scan->position + 2);
    if (bytes[1] == 0xff) {
      scan->position++;
    } else if (stands_alone (bytes[1])) {
      scan->position += 2;
    } else {
      if (!peek (look, scan->position, bytes, 4))
        return IDENTIFAI_IMAGE_UNSURE;
      scan->within = (bytes[1] == 0xda);
      scan->position += 2 + GST_READ_UINT16_BE (bytes + 2);
    }
  }
}

/* PNG. */

static IdentifaiImageState
scan_png (Look * look)
{
  IdentifaiImageScan *scan = look->scan;
  guint8 bytes[8];

  if (scan->position == 0)
    scan->position = 8;
  while (peek (look, scan->position, bytes, 8)) {
    guint64 end = scan->position + 12 + GST_READ_UINT32_BE (bytes);

    if (memcmp (bytes + 4, "IEND", 4) == 0)
      return whole_at (look, end);
    scan->position = end;
  }

  return IDENTIFAI_IMAGE_UNSURE;
}

/* WebP. */

static IdentifaiImageState
scan_webp (Look * look)
{
  guint8 bytes[8];
  guint64 length;

  peek (look, 0, bytes, 8);
  length = GST_READ_UINT32_LE (bytes + 4);

  return whole_at (look, 8 + length);
}

/* GIF. */

/* FALSE: their end isn't there yet. */
static gboolean
skip_sub_blocks (Look * look)
{
  guint8 length;

  while (peek (look, look->scan->position, &length, 1)) {
    look->scan->position += 1 + length;
    look->scan->within = length > 0;
    if (length == 0)
      return TRUE;
  }

  return FALSE;
}

/* Of colours, in bytes. */
static guint
get_table_size (guint8 flags)
{
  return flags & 0x80 ? 3 << ((flags & 0x07) + 1) : 0;
}

static IdentifaiImageState
scan_gif (Look * look)
{
  IdentifaiImageScan *scan = look->scan;
  guint8 bytes[13];

  if (scan->position == 0) {
    if (!peek (look, 0, bytes, 13))
      return IDENTIFAI_IMAGE_UNSURE;
    scan->position = 13 + get_table_size (bytes[10]);
  }
  for (;;) {
    if (scan->within && !skip_sub_blocks (look))
      return IDENTIFAI_IMAGE_UNSURE;
    if (!peek (look, scan->position, bytes, 1))
      return IDENTIFAI_IMAGE_UNSURE;
    if (bytes[0] == 0x3b)
      return whole_at (look, scan->position + 1);
    if (bytes[0] == 0x21) {     /* an extension, and its label */
      scan->position += 2;
    } else if (bytes[0] == 0x2c) {      /* an image, and the size of its codes */
      if (!peek (look, scan->position, bytes, 10))
        return IDENTIFAI_IMAGE_UNSURE;
      scan->position += 11 + get_table_size (bytes[9]);
    } else {
      return lose (look);
    }
    scan->within = TRUE;
  }
}

/* TIFF: it has no end of its own, but directories say where its parts are. */

typedef struct
{
  Look *look;
  gboolean big_endian;
} Tiff;

/* FALSE: that much isn't there yet. */
static gboolean
reaches (const Tiff * tiff, guint64 end)
{
  if (tiff->look->size >= end)
    return TRUE;
  tiff->look->scan->position = end;

  return FALSE;
}

/* FALSE: it isn't there yet, or more was looked at than any real one has. */
static gboolean
look_at (const Tiff * tiff, guint64 offset, guint8 * bytes, gsize count)
{
  return tiff->look->scan->n_looks++ < MAX_LOOKS
      && reaches (tiff, offset + count)
      && peek (tiff->look, offset, bytes, count);
}

static guint16
read_short (const Tiff * tiff, const guint8 * bytes)
{
  return tiff->big_endian ? GST_READ_UINT16_BE (bytes) :
      GST_READ_UINT16_LE (bytes);
}

static guint32
read_long (const Tiff * tiff, const guint8 * bytes)
{
  return tiff->big_endian ? GST_READ_UINT32_BE (bytes) :
      GST_READ_UINT32_LE (bytes);
}

typedef struct
{
  guint type, count;
  guint64 values;               /* where they are */
} Entry;

static guint
get_value_size (guint type)
{
  static const guint sizes[] = { 0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8 };

  return type < G_N_ELEMENTS (sizes) ? sizes[type] : 0;
}

static void
read_entry (const Tiff * tiff, guint64 offset, const guint8 * bytes,
    Entry * entry)
{
  entry->type = read_short (tiff, bytes + 2);
  entry->count = read_long (tiff, bytes + 4);
  entry->values = offset + 8;
  if ((guint64) entry->count * get_value_size (entry->type) > 4)
    entry->values = read_long (tiff, bytes + 8);
}

/* FALSE: it isn't there. */
static gboolean
get_value (const Tiff * tiff, const Entry * entry, guint i, guint64 * value)
{
  guint size = get_value_size (entry->type);
  guint8 bytes[4];

  if ((size != 2 && size != 4) || !look_at (tiff, entry->values
          + (guint64) i * size, bytes, size))
    return FALSE;
  *value = size == 2 ? read_short (tiff, bytes) : read_long (tiff, bytes);

  return TRUE;
}

/* Strips, or tiles: all of them end within the file. */
static gboolean
has_parts (const Tiff * tiff, const Entry * offsets, const Entry * lengths)
{
  guint64 offset, length;
  guint i;

  for (i = 0; i < MIN (offsets->count, lengths->count); i++) {
    if (!get_value (tiff, offsets, i, &offset)
        || !get_value (tiff, lengths, i, &length)
        || !reaches (tiff, offset + length))
      return FALSE;
  }

  return TRUE;
}

/* next: where the next directory is, or 0. FALSE: not all of it is there. */
static gboolean
has_directory (const Tiff * tiff, guint64 offset, guint64 * next)
{
  Entry offsets = { 0, }, lengths = { 0, }, entry;
  guint8 bytes[12];
  guint n, i;

  if (!look_at (tiff, offset, bytes, 2))
    return FALSE;
  n = read_short (tiff, bytes);
  for (i = 0; i < MIN (n, MAX_ENTRIES); i++) {
    guint64 place = offset + 2 + 12 * i;
    guint tag;

    if (!look_at (tiff, place, bytes, 12))
      return FALSE;
    tag = read_short (tiff, bytes);
    read_entry (tiff, place, bytes, &entry);
    if (!reaches (tiff, entry.values
            + (guint64) entry.count * get_value_size (entry.type)))
      return FALSE;
    if (tag == 273 || tag == 324)
      offsets = entry;
    if (tag == 279 || tag == 325)
      lengths = entry;
  }
  if (!has_parts (tiff, &offsets, &lengths)
      || !look_at (tiff, offset + 2 + 12 * (guint64) n, bytes, 4))
    return FALSE;
  *next = read_long (tiff, bytes);

  return TRUE;
}

static IdentifaiImageState
scan_tiff (Look * look)
{
  Tiff tiff = { look, FALSE };
  guint64 next;
  guint8 bytes[8];
  guint i;

  if (look->size < look->scan->position || !peek (look, 0, bytes, 8))
    return IDENTIFAI_IMAGE_UNSURE;
  tiff.big_endian = bytes[0] == 'M';
  if (read_short (&tiff, bytes + 2) != 42)
    return lose (look);         /* BigTIFF */
  next = read_long (&tiff, bytes + 4);
  for (i = 0; i < MAX_DIRECTORIES && next != 0; i++) {
    if (!has_directory (&tiff, next, &next))
      return look->scan->n_looks < MAX_LOOKS ? IDENTIFAI_IMAGE_UNSURE :
          lose (look);
  }

  return IDENTIFAI_IMAGE_WHOLE;
}

/* All. */

static const struct
{
  IdentifaiContainer type;
  guint offset, length;
  const gchar *magic;
    IdentifaiImageState (*scan) (Look * look);
} types[] = {
  {{"image/jpeg", "jpg"}, 0, 3, "\xff\xd8\xff", scan_jpeg},
  {{"image/png", "png"}, 0, 8, "\x89PNG\r\n\x1a\n", scan_png},
  {{"image/gif", "gif"}, 0, 6, "GIF87a", scan_gif},
  {{"image/gif", "gif"}, 0, 6, "GIF89a", scan_gif},
  {{"image/webp", "webp"}, 8, 4, "WEBP", scan_webp},
  {{"image/tiff", "tiff"}, 0, 4, "II*\0", scan_tiff},
  {{"image/tiff", "tiff"}, 0, 4, "MM\0*", scan_tiff},
  {{"image/tiff", "tiff"}, 0, 4, "II+\0", scan_tiff},
  {{"image/tiff", "tiff"}, 0, 4, "MM\0+", scan_tiff},
};

const IdentifaiContainer *
identifai_image_recognise (const guint8 * data, gsize size)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (size >= types[i].offset + types[i].length
        && memcmp (data + types[i].offset, types[i].magic,
            types[i].length) == 0
        && (types[i].offset == 0 || memcmp (data, "RIFF", 4) == 0))
      return &types[i].type;
  }

  return NULL;
}

gboolean
identifai_image_may_begin (const guint8 * data, gsize size)
{
  guint i;

  if (size >= MAGIC_BYTES)
    return identifai_image_recognise (data, size) != NULL;
  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    const gchar *magic = types[i].offset > 0 ? "RIFF" : types[i].magic;
    guint length = types[i].offset > 0 ? 4 : types[i].length;

    if (memcmp (data, magic, MIN (size, length)) == 0)
      return TRUE;
  }

  return FALSE;
}

static IdentifaiImageState
scan_type (Look * look)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (look->scan->type == &types[i].type)
      return types[i].scan (look);
  }

  return IDENTIFAI_IMAGE_UNSURE;
}

IdentifaiImageState
identifai_image_scan (IdentifaiImageScan * self, const gchar * name,
    IdentifaiMemoryFile * file)
{
  Look look = { self, name, file, identifai_memory_file_get_size (file) };
  guint8 bytes[MAGIC_BYTES];
  gsize got;

  if (self->type == NULL) {
    got = identifai_memory_file_read (file, 0, bytes, sizeof (bytes));
    self->type = identifai_image_recognise (bytes, got);
    if (self->type == NULL && got < sizeof (bytes))
      return IDENTIFAI_IMAGE_UNSURE;
    GST_DEBUG_ID (name, "the first bytes are those of %s",
        self->type ? self->type->content_type : "no image that is known");
    if (self->type == NULL)
      return IDENTIFAI_IMAGE_OTHER;
  }

  return self->lost ? IDENTIFAI_IMAGE_UNSURE : scan_type (&look);
}

/* In the coded data of a JPEG there is no such marker; elsewhere anything may be, as a
 * picture may have a small one of itself in it. */
gboolean
identifai_image_excludes (const IdentifaiImageScan * self, const guint8 * data,
    gsize size)
{
  gboolean may_end = self->type == NULL || self->lost
      || (self->within && self->type == &types[0].type);

  return may_end && identifai_image_recognise (data, size) != NULL;
}
