/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Container input: which media types are containers, and how a file of each is
 * named to the service.
 */

#pragma once

#include "memoryfile.h"

G_BEGIN_DECLS

/* Caps of the containers that are accepted, for a pad template. */
#define IDENTIFAI_CONTAINER_CAPS \
    "video/quicktime; video/x-matroska; video/webm; video/mpegts; " \
    "video/mpeg, systemstream = (boolean) true; video/x-msvideo; " \
    "video/x-flv; video/x-ms-asf; application/ogg; video/ogg; " \
    "application/x-3gp"
typedef struct
{
  const gchar *content_type;    /* "video/mp4"; always video/ */
  const gchar *extension;       /* "mp4" */
} IdentifaiContainer;

/* NULL: caps are no container of ours. Static. */
const IdentifaiContainer *identifai_container_from_caps (GstCaps * caps);

/* What a file is called, by its URI. name: of the element, for the log. extension: that
 * of what it holds now, or NULL if it is still the same file. NULL: the URI names none. Only what looks like the
 * name of a file counts: the last part of a stream's address may be its key. */
gchar *identifai_container_name_from_uri (const gchar * name,
    const gchar * uri, const gchar * extension);

typedef enum
{
  IDENTIFAI_TYPE_UNSURE,        /* more bytes may tell */
  IDENTIFAI_TYPE_CONTAINER,
  IDENTIFAI_TYPE_OTHER,
} IdentifaiTypeFound;

/* Looks at the first bytes of a file. name: of the element. at_end: no more will
 * come. For TYPE_OTHER, error says what it is and what to do. */
IdentifaiTypeFound identifai_container_typefind (const gchar * name,
    IdentifaiMemoryFile * bytes, gboolean at_end,
    const IdentifaiContainer ** container, GError ** error);

G_END_DECLS
