/* identifai-emulator: the emulated models for sound, rules on samples
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. Sound is looked at in tenths of a second and told about in clips of
 * three seconds. audiotestsrc freq=1000 sets the rule off.
 */

#pragma once

#include "heuristics.h"

G_BEGIN_DECLS

#define EMU_SOUND_RATE 16000    /* samples a second, one channel */
#define EMU_SOUND_CLIP_SECONDS 3

/* What was counted in one clip. */
typedef struct
{
  guint windows;                /* tenths of a second, whole ones */
  guint loud;                   /* of them, above -60 dB */
  guint marked;                 /* of the loud, half or more of it at 1 kHz */
  guint tones;                  /* of the loud, the same at 1 kHz or at 440 Hz */
} EmuSoundClip;

typedef struct _EmuSound EmuSound;

EmuSound *emu_sound_new (void);
void emu_sound_free (EmuSound * self);
void emu_sound_push (EmuSound * self, const gint16 * samples, gsize n_samples);

/* Of EmuSoundClip; the last one may be shorter. Borrowed. */
GArray *emu_sound_get_clips (EmuSound * self);
/* Pushed so far. */
guint64 emu_sound_get_samples (EmuSound * self);

typedef struct
{
  const gchar *name;
  gboolean obsolete;
  const gchar *rule;            /* for people */
} EmuSoundModel;

#define EMU_N_SOUND_MODELS 2
extern const EmuSoundModel emu_sound_models[EMU_N_SOUND_MODELS + 1];

EmuOpinion emu_sound_judge (guint model, const EmuSoundClip * clip);
/* All clips as one. */
EmuSoundClip emu_sound_sum (GArray * clips);

G_END_DECLS
