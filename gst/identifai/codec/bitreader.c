/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "bitreader.h"

#include <string.h>

/*** bits ***/

void
identifai_bit_reader_init (IdentifaiBitReader * bits, const guint8 * data,
    gsize size)
{
  memset (bits, 0, sizeof (*bits));
  bits->data = data;
  bits->size = size;
}

static void
bits_next_byte (IdentifaiBitReader * bits)
{
  bits->zeros = bits->data[bits->pos] == 0 ? bits->zeros + 1 : 0;
  bits->pos++;
  if (bits->zeros >= 2 && bits->pos < bits->size && bits->data[bits->pos] == 3) {
    bits->pos++;
    bits->zeros = 0;
  }
}

guint
identifai_bit_reader_get (IdentifaiBitReader * bits, guint n)
{
  guint value = 0;

  for (; n > 0; n--) {
    if (bits->pos >= bits->size) {
      value = value << 1 | 1;
      continue;
    }
    value = value << 1 | ((bits->data[bits->pos] >> (7 - bits->bit)) & 1);
    if (++bits->bit == 8) {
      bits->bit = 0;
      bits_next_byte (bits);
    }
  }

  return value;
}

gboolean
identifai_bit_reader_at_end (const IdentifaiBitReader * bits)
{
  return bits->pos >= bits->size;
}

guint
identifai_bit_reader_get_ue (IdentifaiBitReader * bits)
{
  guint zeros = 0;

  while (zeros < 31 && identifai_bit_reader_get (bits, 1) == 0)
    zeros++;

  return (1u << zeros) - 1 + identifai_bit_reader_get (bits, zeros);
}

gint
identifai_bit_reader_get_se (IdentifaiBitReader * bits)
{
  guint code = identifai_bit_reader_get_ue (bits);
  gint value = (code + (code & 1)) / 2;

  return code & 1 ? value : -value;
}

gboolean
identifai_bit_reader_get_flag (IdentifaiBitReader * bits)
{
  return identifai_bit_reader_get (bits, 1);
}

void
identifai_bit_reader_skip (IdentifaiBitReader * bits, guint n)
{
  for (; n > 0; n--)
    identifai_bit_reader_get (bits, 1);
}

/*** NAL units ***/

gsize
identifai_find_start_code (const guint8 * data, gsize size, gsize from)
{
  const guint8 *one;

  for (; from + 3 <= size; from = one + 1 - data) {
    one = memchr (data + from, 1, size - from);
    if (one == NULL)
      return size;
    if (one - data >= 2 && one[-1] == 0 && one[-2] == 0)
      return one - 2 - data;
  }

  return size;
}

void
identifai_units_init (IdentifaiUnits * units, guint length_size,
    const guint8 * data, gsize size)
{
  memset (units, 0, sizeof (*units));
  units->data = data;
  units->size = size;
  units->length_size = length_size;
  if (length_size == 0)
    units->next = identifai_find_start_code (data, size, 0);
}

static gboolean
units_next_by_length (IdentifaiUnits * units)
{
  gsize length = 0;
  guint i;

  if (units->size - units->next < units->length_size)
    return FALSE;
  for (i = 0; i < units->length_size; i++)
    length = length << 8 | units->data[units->next++];
  units->unit = units->data + units->next;
  units->unit_size = MIN (length, units->size - units->next);
  units->next += units->unit_size;

  return TRUE;
}

static gboolean
units_next_by_start_code (IdentifaiUnits * units)
{
  gsize end;

  if (units->size - units->next < 4)
    return FALSE;
  units->unit = units->data + units->next + 3;
  units->next =
      identifai_find_start_code (units->data, units->size, units->next + 3);
  end = units->next;
  if (end < units->size) {
    /* zeros before a start code are not the unit's */
    while (end > 0 && units->data + end > units->unit
        && units->data[end - 1] == 0)
      end--;
  }
  units->unit_size = units->data + end - units->unit;

  return TRUE;
}

/* IdentifaiUnits of no byte are passed over. */
gboolean
identifai_units_next (IdentifaiUnits * units)
{
  do {
    if (!(units->length_size ? units_next_by_length (units)
            : units_next_by_start_code (units)))
      return FALSE;
  } while (units->unit_size == 0);

  return TRUE;
}

gsize
identifai_units_end (const IdentifaiUnits * units)
{
  return units->unit + units->unit_size - units->data;
}
