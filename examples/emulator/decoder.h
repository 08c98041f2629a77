/* identifai-emulator: decodes what was posted
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Two passes over the file. The first one finds out what frames there are: it
 * parses without decoding where the choice of frames allows that. The second
 * one decodes up to the last chosen frame, and converts the chosen ones only,
 * scaled down. Sound, where it is wanted, is decoded to its end. Blocks the calling worker thread.
 */

#pragma once

#include "frames.h"
#include "sound.h"

G_BEGIN_DECLS

#define EMU_PICTURE_MAX_SIDE 256        /* pixels */

/* One decoded frame, scaled down, packed RGB. */
typedef struct
{
  GstClockTime pts;             /* from the start of the file */
  guint number;                 /* of the frame in the order of display */
  guint width, height;
  guint full_width, full_height;        /* as decoded, not scaled */
  GBytes *rgb;                  /* width * height * 3 */
} EmuPicture;

EmuPicture *emu_picture_new (guint width, guint height, GBytes * rgb);
void emu_picture_free (EmuPicture * self);

typedef struct
{
  EmuKind kind;                 /* video: the chosen frames; image: the first
                                 * one; audio: none */
  guint max_frames;
  EmuChoice choice;
  gboolean sound;               /* wanted, too */
  guint64 enough;               /* samples of sound; then decoding ends; 0 = all */
  GstClockTime timeout;         /* for both passes together */
} EmuDecodeRequest;

typedef struct
{
  GPtrArray *pictures;          /* of EmuPicture */
  guint n_frames;               /* in the file; 0 = it has no video */
  GstClockTime duration;        /* of the frames; 0 if unknown */
  EmuSound *sound;              /* NULL: not wanted, or the file has none */
} EmuDecoded;

/* NULL with error if the file can't be decoded, or not in time. */
EmuDecoded *emu_decode (const gchar * path, const EmuDecodeRequest * request,
    GCancellable * cancellable, GError ** error);
void emu_decoded_free (EmuDecoded * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuDecoded, emu_decoded_free)

G_END_DECLS
