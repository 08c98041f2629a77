/* identifai-emulator: the emulated models, rules on pixels
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "models.h"

#define HIGH 160
#define LOW 100
#define DARK 24
#define DARK_SHARE 0.999        /* of a frame that can't be judged */

/* -1: none of them. */
static gint
classify (const guint8 * pixel)
{
  /* By the bits of red, green and blue: black and white are no colours. */
  static const gint colors[8] = { -1, EMU_COLOR_RED, EMU_COLOR_GREEN,
    EMU_COLOR_YELLOW, EMU_COLOR_BLUE, EMU_COLOR_MAGENTA, EMU_COLOR_CYAN, -1
  };
  gint i, bits = 0;

  for (i = 0; i < 3; i++) {
    if (pixel[i] >= HIGH)
      bits |= 1 << i;
    else if (pixel[i] > LOW)
      return -1;
  }
  return colors[bits];
}

gboolean
emu_pixel_has_color (const guint8 * pixel, EmuColor color)
{
  return classify (pixel) == (gint) color;
}

static void
add_to_box (EmuBox * box, gboolean first, guint x, guint y)
{
  box->left = first ? x : MIN (box->left, x);
  box->right = first ? x : MAX (box->right, x);
  box->top = first ? y : MIN (box->top, y);
  box->bottom = first ? y : MAX (box->bottom, y);
}

static void
count_pixel (EmuPixels * self, const guint8 * pixel, guint x, guint y)
{
  gint color = classify (pixel);

  if (pixel[0] <= DARK && pixel[1] <= DARK && pixel[2] <= DARK)
    self->dark++;
  if (color < 0)
    return;
  add_to_box (&self->boxes[color], self->count[color] == 0, x, y);
  self->count[color]++;
}

EmuPixels
emu_pixels_count (const guint8 * rgb, guint width, guint height)
{
  EmuPixels self = { width, height, width * height, };
  guint x, y;

  for (y = 0; y < height; y++) {
    for (x = 0; x < width; x++, rgb += 3)
      count_pixel (&self, rgb, x, y);
  }
  return self;
}

gdouble
emu_pixels_share (const EmuPixels * self, EmuColor color)
{
  return self->total == 0 ? 0 : (gdouble) self->count[color] / self->total;
}

gboolean
emu_pixels_have_face (const EmuPixels * self)
{
  return emu_pixels_share (self, EMU_COLOR_BLUE)
      + emu_pixels_share (self, EMU_COLOR_CYAN) >= EMU_FACE_SHARE;
}

EmuBox
emu_pixels_face_box (const EmuPixels * self)
{
  const EmuBox *blue = &self->boxes[EMU_COLOR_BLUE];
  const EmuBox *cyan = &self->boxes[EMU_COLOR_CYAN];
  EmuBox box;

  if (self->count[EMU_COLOR_CYAN] == 0)
    return *blue;
  if (self->count[EMU_COLOR_BLUE] == 0)
    return *cyan;
  box.left = MIN (blue->left, cyan->left);
  box.top = MIN (blue->top, cyan->top);
  box.right = MAX (blue->right, cyan->right);
  box.bottom = MAX (blue->bottom, cyan->bottom);
  return box;
}

static EmuOpinion
score (gdouble value)
{
  EmuOpinion opinion = { CLAMP (value, 0, 1), };

  return opinion;
}

static EmuOpinion
judge_share (const EmuPixels * pixels)
{
  return score (emu_pixels_share (pixels, EMU_COLOR_MAGENTA));
}

static EmuOpinion
judge_keen (const EmuPixels * pixels)
{
  return score (2 * emu_pixels_share (pixels, EMU_COLOR_MAGENTA));
}

static EmuOpinion
judge_obsolete (const EmuPixels * pixels)
{
  return score (emu_pixels_share (pixels, EMU_COLOR_MAGENTA)
      + emu_pixels_share (pixels, EMU_COLOR_GREEN));
}

static EmuOpinion
judge_tampering (const EmuPixels * pixels)
{
  return score (2 * emu_pixels_share (pixels, EMU_COLOR_YELLOW));
}

/* Of the face, so without one there is no opinion. */
static EmuOpinion
judge_morphing (const EmuPixels * pixels)
{
  EmuOpinion opinion = { 0, TRUE, };
  guint cyan = pixels->count[EMU_COLOR_CYAN];

  if (!emu_pixels_have_face (pixels))
    return opinion;
  return score ((gdouble) cyan / (cyan + pixels->count[EMU_COLOR_BLUE]));
}

static EmuOpinion
judge_nsfw (const EmuPixels * pixels)
{
  return score (2 * emu_pixels_share (pixels, EMU_COLOR_RED));
}

const EmuModel emu_models[EMU_N_MODELS + 1] = {
  {"emulator-magenta", EMU_PURPOSE_GENERATION, FALSE,
      "score = share of magenta pixels", judge_share},
  {"emulator-magenta-keen", EMU_PURPOSE_GENERATION, FALSE,
      "score = twice the share of magenta pixels, at most 1", judge_keen},
  {"emulator-obsolete", EMU_PURPOSE_GENERATION, TRUE,
      "obsolete; score = share of magenta and green pixels, as it takes "
        "green for artificial", judge_obsolete},
  {"emulator-tampering", EMU_PURPOSE_TAMPERING, FALSE,
      "score = twice the share of yellow pixels, at most 1", judge_tampering},
  {"emulator-morphing", EMU_PURPOSE_MORPHING, FALSE,
      "a face is 1 % or more of blue and cyan pixels; score = share of cyan "
        "ones among them", judge_morphing},
  {"emulator-nsfw", EMU_PURPOSE_NSFW, FALSE,
      "score = twice the share of red pixels, at most 1", judge_nsfw},
  {NULL}
};

/* No model has an opinion on a picture that is all black. */
EmuOpinion
emu_model_judge (const EmuModel * model, const EmuPixels * pixels)
{
  EmuOpinion opinion = { 0, TRUE, };

  if (pixels->total > 0 && pixels->dark < DARK_SHARE * pixels->total)
    opinion = model->judge (pixels);
  opinion.obsolete = model->obsolete;
  return opinion;
}
