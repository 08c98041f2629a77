/* identifai-emulator: the emulated models for sound, rules on samples
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "sound.h"

#include <math.h>

#define WINDOW (EMU_SOUND_RATE / 10)
#define WINDOWS_A_CLIP (EMU_SOUND_CLIP_SECONDS * 10)
#define MAX_CLIPS 10000         /* eight hours */
#define SILENCE 1e-6            /* mean square: -60 dB */

struct _EmuSound
{
  gdouble window[WINDOW];       /* -1..1 */
  guint filled;
  guint windows;
  GArray *clips;
};

const EmuSoundModel emu_sound_models[EMU_N_SOUND_MODELS + 1] = {
  {"emulator-tone", FALSE, "score = share of the tenths of a second, silent "
        "ones left out, of which half the energy or more is at 1 kHz"},
  {"emulator-tone-obsolete", TRUE, "obsolete; as emulator-tone, but takes "
        "440 Hz for artificial, too"},
  {NULL}
};

EmuSound *
emu_sound_new (void)
{
  EmuSound *self = g_new0 (EmuSound, 1);

  self->clips = g_array_new (FALSE, TRUE, sizeof (EmuSoundClip));
  return self;
}

void
emu_sound_free (EmuSound * self)
{
  g_array_unref (self->clips);
  g_free (self);
}

GArray *
emu_sound_get_clips (EmuSound * self)
{
  return self->clips;
}

guint64
emu_sound_get_samples (EmuSound * self)
{
  return (guint64) self->windows * WINDOW + self->filled;
}

/* The share of the window's energy at one frequency: Goertzel's algorithm. */
static gdouble
share_at (const gdouble * window, gdouble energy, gdouble frequency)
{
  gdouble factor = 2 * cos (2 * G_PI * frequency / EMU_SOUND_RATE);
  gdouble now, before = 0, long_before = 0;
  guint i;

  for (i = 0; i < WINDOW; i++) {
    now = window[i] + factor * before - long_before;
    long_before = before;
    before = now;
  }
  return (before * before + long_before * long_before
      - factor * before * long_before) * 2 / WINDOW / energy;
}

static void
judge_window (EmuSound * self)
{
  gdouble energy = 0;
  EmuSoundClip *clip;
  gboolean marked;
  guint i;

  self->filled = 0;
  if (self->clips->len >= MAX_CLIPS)
    return;
  if (self->windows++ % WINDOWS_A_CLIP == 0)
    g_array_set_size (self->clips, self->clips->len + 1);
  clip = &g_array_index (self->clips, EmuSoundClip, self->clips->len - 1);
  clip->windows++;
  for (i = 0; i < WINDOW; i++)
    energy += self->window[i] * self->window[i];
  if (energy < SILENCE * WINDOW)
    return;
  clip->loud++;
  marked = share_at (self->window, energy, 1000) >= 0.5;
  clip->marked += marked;
  clip->tones += marked || share_at (self->window, energy, 440) >= 0.5;
}

void
emu_sound_push (EmuSound * self, const gint16 * samples, gsize n_samples)
{
  gsize i;

  for (i = 0; i < n_samples; i++) {
    self->window[self->filled++] = samples[i] / 32768.0;
    if (self->filled == WINDOW)
      judge_window (self);
  }
}

EmuOpinion
emu_sound_judge (guint model, const EmuSoundClip * clip)
{
  EmuOpinion opinion = { 0, clip->loud == 0, emu_sound_models[model].obsolete };

  if (clip->loud > 0)
    opinion.score = (gdouble) (model == 0 ? clip->marked : clip->tones)
        / clip->loud;
  return opinion;
}

EmuSoundClip
emu_sound_sum (GArray * clips)
{
  EmuSoundClip sum = { 0, };
  guint i;

  for (i = 0; i < clips->len; i++) {
    const EmuSoundClip *clip = &g_array_index (clips, EmuSoundClip, i);

    sum.windows += clip->windows;
    sum.loud += clip->loud;
    sum.marked += clip->marked;
    sum.tones += clip->tones;
  }
  return sum;
}
