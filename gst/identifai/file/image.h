/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The images that the service takes: which one some bytes are, and where it ends, so
 * that what comes in pieces (a file that is read in blocks, a download) is put
 * together, and what comes one after the other is told apart. Reads of an image no
 * more than its structure.
 */

#pragma once

#include "container.h"

G_BEGIN_DECLS

#define IDENTIFAI_IMAGE_CAPS \
    "image/jpeg; image/png; image/webp; image/gif; image/tiff"

/* By its first bytes, 12 of which are enough. NULL: none of ours. Static. */
const IdentifaiContainer *identifai_image_recognise (const guint8 * data,
    gsize size);

/* Fewer than 12 are the first bytes of one, or may be. */
gboolean identifai_image_may_begin (const guint8 * data, gsize size);

typedef enum
{
  IDENTIFAI_IMAGE_UNSURE,       /* more may come: of it, or that tells what it is */
  IDENTIFAI_IMAGE_WHOLE,
  IDENTIFAI_IMAGE_OTHER,        /* none of ours */
} IdentifaiImageState;

/* How far a file was looked at. All zero at first. */
typedef struct
{
  const IdentifaiContainer *type;       /* once it is known */
  guint64 position;             /* what is looked at next; TIFF: what has to be there
                                 * before it is worth another look */
  guint n_looks;                /* TIFF: at its values, so far */
  gboolean within;              /* JPEG: coded data; GIF: sub-blocks */
  gboolean lost;                /* the structure is broken: its end won't be found */
  guint64 end;                  /* of one that is whole; 0: TIFF doesn't say */
} IdentifaiImageScan;

/* Looks at what the file has by now; again when it has more. name: of the element. */
IdentifaiImageState identifai_image_scan (IdentifaiImageScan * self,
    const gchar * name, IdentifaiMemoryFile * file);

/* Whether bytes that come next, in a buffer of their own, can't belong to it, as they
 * begin another image. */
gboolean identifai_image_excludes (const IdentifaiImageScan * self,
    const guint8 * data, gsize size);

G_END_DECLS
