/* identifai-moderate: what the streams ask of their keys, and whether the service answers
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include "config.h"

G_BEGIN_DECLS

/* Adds up the uploads a minute of each key. What is above its limit is added to problems
 * (NULL: not); free the text, a line a stream and a line a key. */
gchar *mod_demand_describe (const ModConfig * config, ModProblems * problems);

/* Asks for each key's credits: waits up to 15 s for each. Free the text. */
gchar *mod_service_check (const ModConfig * config, ModProblems * problems);

G_END_DECLS
