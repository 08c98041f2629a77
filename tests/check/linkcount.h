/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Counts blocks of the size of a list's link, for tests of what leaks a link at
 * a time. Replaces the C library's malloc() and its likes in the program that it
 * is compiled into; with a sanitizer, which does that itself and finds leaks in
 * its own way, nothing is counted.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Blocks allocated and not freed yet. Links are among them only if GLib takes
 * them from malloc(): G_SLICE=always-malloc, or GLib 2.76. */
gint link_count_get (void);

G_END_DECLS
