/* identifai-emulator: answers with recorded results
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>
#include "kinds.h"

G_BEGIN_DECLS

typedef struct _EmuReplay EmuReplay;

/* Reads all of directory's *.json files, each one result as the service
 * answered it, or an array of them as the batch call does. NULL with error if
 * there are none, or one is something else. */
EmuReplay *emu_replay_new (const gchar * directory, GError ** error);
void emu_replay_free (EmuReplay * self);

/* Of those whose shape is that kind's: the recorded result of the file with that
 * hash; else the next one in the order of the files' names, starting over after
 * the last. Borrowed. NULL: there is none of that kind. */
JsonNode *emu_replay_next (EmuReplay * self, EmuKind kind,
    const gchar * hash);

G_END_DECLS
