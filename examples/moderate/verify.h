/* identifai-moderate: whether a log is whole
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Reads the files as one log, in that order, and prints what is wrong: TRUE if nothing
 * is. What was cut off at its end can't be seen but by the hash that is printed. */
gboolean mod_verify_log (gchar ** paths);

G_END_DECLS
