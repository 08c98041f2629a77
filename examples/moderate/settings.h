/* identifai-moderate: properties of the judging element, from the key file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* Whether this element judges: identifaisink and its kin. */
gboolean mod_is_judge (GstElement * element);

/* Sets what the program prefers, then [defaults], then the stream's section; what a
 * pipeline= has set by itself gives way to the section only. problems may be NULL. */
void mod_settings_apply (const ModStreamConfig * config, GstElement * judge,
    ModProblems * problems);

G_END_DECLS
