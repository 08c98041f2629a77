/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A folder for what a target reads from files, in memory where there is such a place;
 * it is gone at the end.
 */

#pragma once

#include <glib.h>

/* Makes it; once. */
void scratch_init (void);
/* FOLDER/NAME. Free it. */
gchar *scratch_path (const gchar * name);
void scratch_write (const gchar * path, const guint8 * data, gsize size);
/* Whatever is below it goes; it stays. */
void scratch_clear (void);
