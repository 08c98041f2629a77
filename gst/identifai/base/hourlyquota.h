/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * So many uploads in any hour. Not thread-safe; the caller passes monotonic times
 * in µs.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  GArray *times;                /* of gint64, in order: of the last hour */
} IdentifaiAllowance;

void identifai_allowance_init (IdentifaiAllowance * self);
void identifai_allowance_clear (IdentifaiAllowance * self);

/* FALSE: most were taken within the hour before now. */
gboolean identifai_allowance_is_left (IdentifaiAllowance * self, guint most,
    gint64 now);
void identifai_allowance_take (IdentifaiAllowance * self, gint64 now);
/* One that was taken isn't needed. */
void identifai_allowance_give_back (IdentifaiAllowance * self);

G_END_DECLS
