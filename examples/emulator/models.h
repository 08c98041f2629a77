/* identifai-emulator: the emulated models, rules on pixels
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. Each rule is made so that a test clip can trigger it at will, with
 * nothing but videotestsrc; none of them detects anything.
 */

#pragma once

#include "heuristics.h"

G_BEGIN_DECLS

/* The colours that rules look for: pixels whose channels are each clearly high
 * (160 or more) or clearly low (100 or less), which survives any codec. */
typedef enum
{
  EMU_COLOR_RED,
  EMU_COLOR_GREEN,
  EMU_COLOR_YELLOW,
  EMU_COLOR_BLUE,
  EMU_COLOR_MAGENTA,
  EMU_COLOR_CYAN,
  EMU_N_COLORS
} EmuColor;

/* In pixels, right and bottom inclusive. */
typedef struct
{
  guint left, top, right, bottom;
} EmuBox;

typedef struct
{
  guint width, height;
  guint total;                  /* pixels; 0 = no picture */
  guint count[EMU_N_COLORS];
  EmuBox boxes[EMU_N_COLORS];   /* around all pixels of the colour, if any */
  guint dark;                   /* no channel above 24 */
} EmuPixels;

/* pixel: 3 bytes. */
gboolean emu_pixel_has_color (const guint8 * pixel, EmuColor color);
/* rgb: width * height * 3 bytes. */
EmuPixels emu_pixels_count (const guint8 * rgb, guint width, guint height);
gdouble emu_pixels_share (const EmuPixels * self, EmuColor color);

/* What stands for a face: at least this share of blue and cyan pixels. */
#define EMU_FACE_SHARE 0.01
gboolean emu_pixels_have_face (const EmuPixels * self);
/* The box around all blue and cyan pixels, of which there are some. */
EmuBox emu_pixels_face_box (const EmuPixels * self);

typedef enum
{
  EMU_PURPOSE_GENERATION,       /* always asked; their verdict is the verdict */
  EMU_PURPOSE_TAMPERING,        /* with_tampering */
  EMU_PURPOSE_MORPHING,         /* with_morphing */
  EMU_PURPOSE_NSFW,             /* with_nsfw */
} EmuPurpose;

typedef struct
{
  const gchar *name;
  EmuPurpose purpose;
  gboolean obsolete;
  const gchar *rule;            /* for people */
  EmuOpinion (*judge) (const EmuPixels * pixels);
} EmuModel;

/* All models, ended by one without a name. */
extern const EmuModel emu_models[];
#define EMU_N_MODELS 6

EmuOpinion emu_model_judge (const EmuModel * model, const EmuPixels * pixels);

G_END_DECLS
