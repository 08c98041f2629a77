/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The NAL units of an H.264 or H.265 access unit, and the bits of one. Nothing
 * is ever read behind the end, whatever the bytes say.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The payload of a NAL unit, bit by bit, without emulation prevention. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize pos;                    /* byte */
  guint bit;                    /* 0 = the highest of the byte at pos */
  guint zeros;                  /* zero bytes right before pos */
} IdentifaiBitReader;

void identifai_bit_reader_init (IdentifaiBitReader * bits, const guint8 * data,
    gsize size);
/* n: up to 32. Past the end all bits are 1, which ends every loop over zeros. */
guint identifai_bit_reader_get (IdentifaiBitReader * bits, guint n);
gboolean identifai_bit_reader_at_end (const IdentifaiBitReader * bits);
/* ue(v), se(v) */
guint identifai_bit_reader_get_ue (IdentifaiBitReader * bits);
gint identifai_bit_reader_get_se (IdentifaiBitReader * bits);
/* u(1) */
gboolean identifai_bit_reader_get_flag (IdentifaiBitReader * bits);
/* n: any. */
void identifai_bit_reader_skip (IdentifaiBitReader * bits, guint n);

/* A walk over the NAL units of an access unit. */
typedef struct
{
  const guint8 *data;
  gsize size;
  gsize next;                   /* where to look for the next unit */
  guint length_size;
  /* the current unit: */
  const guint8 *unit;
  gsize unit_size;
} IdentifaiUnits;

/* length_size: of the units' lengths; 0 = start codes. */
void identifai_units_init (IdentifaiUnits * units, guint length_size,
    const guint8 * data, gsize size);
/* To the next one of at least a byte; FALSE: there is none. */
gboolean identifai_units_next (IdentifaiUnits * units);
/* Where the current unit ends, bytes from the start of the access unit. */
gsize identifai_units_end (const IdentifaiUnits * units);

/* Position of the next 00 00 01, or size. */
gsize identifai_find_start_code (const guint8 * data, gsize size, gsize from);

G_END_DECLS
