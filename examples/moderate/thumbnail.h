/* identifai-moderate: a small picture of one moment of a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Any thread; decodes for as long as it takes, but 10 s at most. moment: ns from the file's
 * start; where it can't be seeked in, its first picture is taken. A JPEG of 320 pixels'
 * width at most, without metadata; NULL: nothing in it can be shown. */
GBytes *mod_thumbnail_make (GstBuffer * file, GstClockTime moment);

G_END_DECLS
