/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A refusal may quote the key that it refuses, and its words end up in messages
 * and logs, after they have been decoded. Pure.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Overwrites secret in text with asterisks, as it is and in the spellings of JSON
 * (\/, \u0041), of HTML (&amp;, &#65;) and of URLs (%41). JSON stays JSON. A
 * secret of less than eight characters is none: it might be part of a word.
 * spare_names: one that looks like a word is left alone in the names of JSON's
 * members, so that results can be read with "emulator" for a key. */
void identifai_redact (gchar * text, gsize length, const gchar * secret,
    gboolean spare_names);

G_END_DECLS
