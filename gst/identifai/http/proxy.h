/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The proxy: which one, and its password, which goes out with the first request
 * and, once refused, not again for long: who is sent a wrong one over and over
 * locks the account.
 *
 * libsoup can't do that, so it never sees one (workaround PROXY).
 *
 * One thread.
 */

#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

/* proxy, as it may be read: its password, or a user name without one, is ***. */
gchar *identifai_proxy_hide_password (const gchar * proxy);
/* Whether it is such a text, and so can't be used. */
gboolean identifai_proxy_is_hidden (const gchar * proxy);

typedef struct _IdentifaiProxy IdentifaiProxy;

/* For `proxy`, or for the environment's proxies where it is NULL. */
IdentifaiProxy *identifai_proxy_new (const gchar * proxy);
IdentifaiProxy *identifai_proxy_ref (IdentifaiProxy * self);
void identifai_proxy_unref (IdentifaiProxy * self);

/* All requests of session go by it from now on. */
void identifai_proxy_attach (IdentifaiProxy * self, SoupSession * session);

/* Whether uri is reached through a proxy that speaks HTTP. */
gboolean identifai_proxy_is_used (IdentifaiProxy * self, GUri * uri);
/* Whether it is reached without any proxy. */
gboolean identifai_proxy_is_direct (IdentifaiProxy * self, GUri * uri);
/* Whether what was given as its proxy is no URL: no request may go out. */
gboolean identifai_proxy_is_unusable (IdentifaiProxy * self, GUri * uri);
/* Whether it has a password for that. */
gboolean identifai_proxy_has_password (IdentifaiProxy * self, GUri * uri);
/* Whether that goes out with the next request, and nobody knows yet if it is
 * right: then one request is enough. */
gboolean identifai_proxy_is_on_trial (IdentifaiProxy * self, GUri * uri);

/* Looks whether an answer to message that libsoup doesn't know of refuses the
 * password. */
void identifai_proxy_judge (IdentifaiProxy * self, SoupMessage * message,
    guint status, SoupMessageHeaders * headers);
/* Whether message, a plain one, was answered by the proxy, which refused the
 * password in it. */
gboolean identifai_proxy_has_refused (SoupMessage * message);

G_END_DECLS
