/* identifai-emulator: the parameters of the submit calls
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "form.h"
#include "kinds.h"

G_BEGIN_DECLS

typedef enum
{
  EMU_CHOICE_EVEN,              /* at equal distances */
  EMU_CHOICE_IFRAMES,
  EMU_CHOICE_COLOR,
  EMU_CHOICE_FLOW,
} EmuChoice;

/* Where the file is. */
typedef enum
{
  EMU_SOURCE_FORM,
  EMU_SOURCE_URL,
} EmuSource;

/* What a submit call asked for. */
typedef struct
{
  EmuKind kind;
  guint frames;                 /* at most */
  EmuChoice choice;
  gboolean tampering, morphing, audio, nsfw, ensure_face, no_cache;
  gboolean prevent_c2pa_forces, heatmap;
  gchar *ref_id;
  gchar *webhook_url;
  gchar *file_url;              /* NULL: the file itself was sent */
} EmuParameters;

void emu_parameters_clear (EmuParameters * self);

/* The documented validation. FALSE: *errors is a JSON object with one list of
 * sentences a field, as the service answers it. Fields that the service doesn't
 * document for that kind are ignored. */
gboolean emu_parameters_read (EmuParameters * self, EmuKind kind,
    EmuForm * form, EmuSource source, gchar ** errors);

/* For people: "frames=5, with_nsfw=true", without what is off, and ref_id. */
gchar *emu_parameters_describe (const EmuParameters * self);

/* What makes two submissions of one file the same work: every option except
 * no_cache, ref_id and the addresses. */
gchar *emu_parameters_cache_key (const EmuParameters * self);

G_END_DECLS
