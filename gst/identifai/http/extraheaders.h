/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Further request headers of the user's, for a gateway in front of the service.
 * Their values may be secrets: no error, log or message holds one.
 *
 * Complete once it is shared: from then on any thread may read and unref it.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct _IdentifaiExtraHeaders IdentifaiExtraHeaders;

IdentifaiExtraHeaders *identifai_extra_headers_new (void);
/* NULL is fine for both, and gives NULL. */
IdentifaiExtraHeaders *identifai_extra_headers_ref (IdentifaiExtraHeaders * self);
void identifai_extra_headers_unref (IdentifaiExtraHeaders * self);

/* FALSE with error: the header is ours or the connection's, or it is none. The
 * other ones stay. */
gboolean identifai_extra_headers_add (IdentifaiExtraHeaders * self, const gchar * name,
    const gchar * value, GError ** error);

/* From here on, NULL is a list without headers. */

guint identifai_extra_headers_get_count (const IdentifaiExtraHeaders * self);
const gchar *identifai_extra_headers_get_name (const IdentifaiExtraHeaders * self,
    guint index);
gboolean identifai_extra_headers_equal (const IdentifaiExtraHeaders * one,
    const IdentifaiExtraHeaders * other);
void identifai_extra_headers_append_to (const IdentifaiExtraHeaders * self,
    SoupMessageHeaders * headers);

/* A checksum of the headers that authorise (by their names: Authorization,
 * Cookie, X-Gateway-Token, …), NULL if there is none: who may call without a
 * key of the service, and whose calls count together. */
gchar *identifai_extra_headers_get_authority (const IdentifaiExtraHeaders * self);

/* Overwrites what text quotes of the values. is_result: of those only that
 * authorise, as there is more to it than words. */
void identifai_extra_headers_hide (const IdentifaiExtraHeaders * self, gchar * text,
    gsize length, gboolean is_result);

G_END_DECLS
