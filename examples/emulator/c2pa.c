/* identifai-emulator: finds a C2PA manifest in a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "c2pa.h"

#include <string.h>

#define MAX_BOXES 100000        /* looked at in one file */
#define MAX_LABEL 256

/* A piece of the file that is being read from its front. */
typedef struct
{
  const guint8 *data;
  gsize length;
} Span;

typedef struct
{
  guint32 type;
  Span body;
} Box;

#define FOURCC(a, b, c, d) \
  ((guint32) (a) << 24 | (guint32) (b) << 16 | (guint32) (c) << 8 | (guint32) (d))

static guint32
read32 (const guint8 * data)
{
  return FOURCC (data[0], data[1], data[2], data[3]);
}

static void
skip (Span * span, gsize length)
{
  length = MIN (length, span->length);
  span->data += length;
  span->length -= length;
}

/* The next ISO base media (or JUMBF) box. FALSE at the end, or where the bytes
 * are none. */
static gboolean
next_box (Span * span, Box * box)
{
  guint64 size;
  gsize header = 8;

  if (span->length < 8)
    return FALSE;
  size = read32 (span->data);
  box->type = read32 (span->data + 4);
  if (size == 1) {
    if (span->length < 16)
      return FALSE;
    size = (guint64) read32 (span->data + 8) << 32 | read32 (span->data + 12);
    header = 16;
  } else if (size == 0) {
    size = span->length;
  }
  if (size < header)
    return FALSE;
  size = MIN (size, span->length);
  box->body.data = span->data + header;
  box->body.length = size - header;
  skip (span, size);
  return TRUE;
}

/* The label in a description box: UUID, toggles, label if bit 1 is set. */
static gchar *
read_label (Span description)
{
  gsize length;

  if (description.length < 18 || !(description.data[16] & 2))
    return NULL;
  skip (&description, 17);
  length = strnlen ((const gchar *) description.data, description.length);
  if (length == 0 || length == description.length || length > MAX_LABEL)
    return NULL;
  return g_utf8_make_valid ((const gchar *) description.data, length);
}

static gchar *
label_of (Span super)
{
  Box box;

  if (!next_box (&super, &box) || box.type != FOURCC ('j', 'u', 'm', 'd'))
    return NULL;
  return read_label (box.body);
}

/* A manifest store is a superbox labelled c2pa, whose superboxes are the
 * manifests, the active one last. */
static gboolean
read_store (Span span, gchar ** label)
{
  Box store, box;
  g_autofree gchar *name = NULL;

  if (!next_box (&span, &store) || store.type != FOURCC ('j', 'u', 'm', 'b'))
    return FALSE;
  name = label_of (store.body);
  if (g_strcmp0 (name, "c2pa") != 0)
    return FALSE;
  while (next_box (&store.body, &box)) {
    if (box.type == FOURCC ('j', 'u', 'm', 'b')) {
      g_free (*label);
      *label = label_of (box.body);
    }
  }
  return TRUE;
}

/* A uuid box: the UUID, version and flags, what it is for, an offset, the
 * store. Box and purpose are proof enough, whatever the store looks like. */
static gboolean
read_uuid_box (Span body, gchar ** label)
{
  static const guint8 uuid[16] = { 0xd8, 0xfe, 0xc3, 0xd6, 0x1b, 0x0e, 0x48,
    0x3c, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7e, 0xc4, 0x81
  };
  static const gchar purpose[] = "manifest";

  if (body.length < 20 || memcmp (body.data, uuid, sizeof uuid) != 0)
    return FALSE;
  skip (&body, 20);
  if (body.length < sizeof purpose
      || memcmp (body.data, purpose, sizeof purpose) != 0)
    return FALSE;
  skip (&body, sizeof purpose + 8);
  read_store (body, label);
  return TRUE;
}

static gboolean
find_in_mp4 (Span span, gchar ** label)
{
  guint i;
  Box box;

  for (i = 0; i < MAX_BOXES && next_box (&span, &box); i++) {
    if (box.type == FOURCC ('u', 'u', 'i', 'd')
        && read_uuid_box (box.body, label))
      return TRUE;
  }
  return FALSE;
}

/* APP11: marker, length, "JP", box number, packet number, then the box, whose
 * header every further packet repeats. Only the first packet is looked at. */
static gboolean
read_app11 (Span segment, gchar ** label)
{
  if (segment.length < 8 || memcmp (segment.data, "JP", 2) != 0)
    return FALSE;
  skip (&segment, 8);
  return read_store (segment, label);
}

static gboolean
find_in_jpeg (Span span, gchar ** label)
{
  guint i;

  skip (&span, 2);
  for (i = 0; i < MAX_BOXES && span.length >= 4 && span.data[0] == 0xff; i++) {
    guint8 marker = span.data[1];
    gsize size = (gsize) span.data[2] << 8 | span.data[3];
    Span segment;

    if (marker == 0xda || size < 2)
      return FALSE;
    skip (&span, 4);
    segment.data = span.data;
    segment.length = MIN (size - 2, span.length);
    if (marker == 0xeb && read_app11 (segment, label))
      return TRUE;
    skip (&span, size - 2);
  }
  return FALSE;
}

static gboolean
find_in_png (Span span, gchar ** label)
{
  guint i;

  skip (&span, 8);
  for (i = 0; i < MAX_BOXES && span.length >= 8; i++) {
    guint32 size = read32 (span.data);
    guint32 type = read32 (span.data + 4);
    Span chunk;

    skip (&span, 8);
    chunk.data = span.data;
    chunk.length = MIN (size, span.length);
    if (type == FOURCC ('c', 'a', 'B', 'X'))
      return read_store (chunk, label);
    skip (&span, (gsize) size + 4);
  }
  return FALSE;
}

static gboolean
find_in_riff (Span span, gchar ** label)
{
  guint i;

  skip (&span, 12);
  for (i = 0; i < MAX_BOXES && span.length >= 8; i++) {
    guint32 size = GUINT32_SWAP_LE_BE (read32 (span.data + 4));
    guint32 type = read32 (span.data);
    Span chunk;

    skip (&span, 8);
    chunk.data = span.data;
    chunk.length = MIN (size, span.length);
    if (type == FOURCC ('C', '2', 'P', 'A'))
      return read_store (chunk, label);
    skip (&span, (gsize) size + (size & 1));
  }
  return FALSE;
}

gboolean
emu_c2pa_find (const guint8 * data, gsize length, gchar ** label)
{
  static const guint8 png[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
  Span span = { data, length };

  *label = NULL;
  if (length < 12)
    return FALSE;
  if (data[0] == 0xff && data[1] == 0xd8)
    return find_in_jpeg (span, label);
  if (memcmp (data, png, sizeof png) == 0)
    return find_in_png (span, label);
  if (memcmp (data, "RIFF", 4) == 0)
    return find_in_riff (span, label);
  if (memcmp (data + 4, "ftyp", 4) == 0 || memcmp (data + 4, "uuid", 4) == 0
      || memcmp (data + 4, "moov", 4) == 0 || memcmp (data + 4, "mdat", 4) == 0)
    return find_in_mp4 (span, label);
  return FALSE;
}
