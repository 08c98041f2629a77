/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file whose tracks are a slate, read by a small private pipeline:
 *
 *   filesrc ! parsebin [! parser] ! a bare pad that fills a track
 *                      [! parser] !
 *
 * Any thread may load one. A file system that hangs holds up nobody but the thread
 * that drives the pipeline, which is left behind with it.
 */

#pragma once

#include <gio/gio.h>
#include "slate.h"

G_BEGIN_DECLS

/* How long reading one may take, in µs. */
#define IDENTIFAI_SLATE_PATIENCE (5 * G_TIME_SPAN_SECOND)

typedef struct
{
  IdentifaiSlateTrack *video;
  GPtrArray *sounds;            /* of IdentifaiSlateTrack, may be empty */
} IdentifaiSlate;

/* name: of the element, for the log. video, sound: what its tracks are turned into, as
 * far as parsers can, or NULL: any caps. NULL with error, whose text says what is wrong
 * with the file. */
IdentifaiSlate *identifai_slate_load (const gchar * name, const gchar * path,
    GstCaps * video, GstCaps * sound, gint64 patience, GError ** error);
void identifai_slate_free (IdentifaiSlate * self);

G_END_DECLS
