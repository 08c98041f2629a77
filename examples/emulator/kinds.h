/* identifai-emulator: the kinds of files that are classified
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure. What is the same of all kinds but for a value stands in this table;
 * their parameters are in parameters.c, their paths in calls.c, the shapes of
 * their results in result.c.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EMU_KIND_VIDEO,
  EMU_KIND_IMAGE,
  EMU_KIND_AUDIO,
  EMU_N_KINDS
} EmuKind;

#define EMU_KIND_ANY EMU_N_KINDS        /* of a call that is about all of them */

/* Lists of media types end in NULL; "video/" stands for all that begin so. */
typedef struct
{
  const gchar *name;            /* of the file's part, and of the kind in answers */
  const gchar *const *declared; /* what the part may say that it is */
  const gchar *const *found;    /* what its content may be, see intake.c */
  guint frames;                 /* looked at unless the call says how many */
  guint min_seconds;            /* of sound; 0 = however short */
} EmuKindInfo;

extern const EmuKindInfo emu_kinds[EMU_N_KINDS];

/* Whether the list has that type, without its parameters. */
gboolean emu_kind_takes (const gchar * const *list, const gchar * type);

G_END_DECLS
