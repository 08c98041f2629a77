/* identifai-emulator: judges a file in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "decoder.h"
#include "models.h"
#include "rules.h"

G_BEGIN_DECLS

typedef struct
{
  GstClockTime pts;             /* from the first frame on; NONE if unknown */
  guint number;                 /* in the order of display */
  guint width, height;          /* of the frame; the pixels are those of a picture
                                 * that may be smaller */
  GBytes *thumbnail;            /* PNG; NULL when it was let go of */
  GBytes *heatmap;              /* PNG; NULL: not asked for */
  EmuPixels pixels;
  EmuOpinion opinions[EMU_N_MODELS];    /* in the order of emu_models */
  gdouble elapsed;              /* s */
} EmuJudgedFrame;

/* All that was found in one file. */
typedef struct
{
  gchar *error;                 /* why the file doesn't decode, or NULL */
  GPtrArray *frames;            /* of EmuJudgedFrame */
  guint n_frames;               /* in the file */
  GstClockTime duration;
  GArray *clips;                /* of EmuSoundClip; NULL: no sound was judged */
} EmuJudgement;

/* Keeps what was judged, lets go of the pictures. */
void emu_judgement_drop_thumbnails (EmuJudgement * self);

/* Has every model of generation say the same, whatever the file is; one that
 * doesn't decode stays so. */
void emu_judgement_rule (EmuJudgement * self, EmuRuling ruling);

void emu_judgement_free (EmuJudgement * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuJudgement, emu_judgement_free)

/* Called in the context that the court was made in; the judgement is the
 * callee's to free. */
typedef void (*EmuJudgedFunc) (EmuJudgement * judgement, gpointer user_data);

/* A few worker threads. Used in the thread that made it. */
typedef struct _EmuCourt EmuCourt;

EmuCourt *emu_court_new (guint n_threads, GstClockTime timeout);
/* Gives up what is under way: no callback comes any more. FALSE: a worker didn't
 * stop in time, and nothing was freed; the process should end at once. */
gboolean emu_court_free (EmuCourt * self);

/* parameters are copied; path must stay until the callback. free_data is called
 * after the callback, or in its stead. */
void emu_court_submit (EmuCourt * self, const gchar * path,
    const EmuParameters * parameters, EmuJudgedFunc judged, gpointer user_data,
    GDestroyNotify free_data);

G_END_DECLS
