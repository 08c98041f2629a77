/* identifai-watch: the pipeline of a file or an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "content.h"
#include "inputs.h"

#include <gst/gst.h>

G_BEGIN_DECLS

/* content: of a file; of an address it is found when its streams come, picture or sound.
 * In state NULL; settings are set on whatever judges, and borrowed. NULL with an error if an element is
 * missing. */
GstElement *watch_pipeline_new (const WatchInput * input, WatchContent content,
    gchar ** settings, GError ** error);

/* Sets those of PROPERTY=VALUE… that element has. */
void watch_element_set (GstElement * element, gchar ** settings);

/* Whether each has an element, and a value that suits it. */
gboolean watch_settings_check (gchar ** settings, GError ** error);

G_END_DECLS
