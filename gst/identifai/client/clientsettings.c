/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Refuses what no client can be made of, before it starts. Any thread; what is checked
 * is the caller's.
 */

#include "clientsettings.h"

#include <string.h>

#include "proxy.h"

void
identifai_client_settings_clear (IdentifaiClientSettings * self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->endpoint, g_free);
  g_clear_pointer (&self->api_key, g_free);
  g_clear_pointer (&self->api_key_file, g_free);
  g_clear_pointer (&self->extra_headers, identifai_extra_headers_unref);
  g_clear_pointer (&self->proxy, g_free);
  g_clear_pointer (&self->user_agent, g_free);
  g_clear_pointer (&self->tls_ca_file, g_free);
}

void
identifai_client_settings_copy (const IdentifaiClientSettings * self,
    IdentifaiClientSettings * copy)
{
  *copy = *self;
  copy->name = g_strdup (self->name);
  copy->endpoint = g_strdup (self->endpoint);
  copy->api_key = g_strdup (self->api_key);
  copy->api_key_file = g_strdup (self->api_key_file);
  copy->extra_headers = identifai_extra_headers_ref (self->extra_headers);
  copy->proxy = g_strdup (self->proxy);
  copy->user_agent = g_strdup (self->user_agent);
  copy->tls_ca_file = g_strdup (self->tls_ca_file);
}

/* A key has no spaces. */
#define KEYLESS "extra headers "

gchar *
identifai_client_get_keyless_account (IdentifaiExtraHeaders * headers)
{
  gchar *authority = identifai_extra_headers_get_authority (headers);
  gchar *account = authority != NULL ?
      g_strconcat (KEYLESS, authority, NULL) : NULL;

  g_free (authority);

  return account;
}

gboolean
identifai_client_account_is_keyless (const gchar * account)
{
  return g_str_has_prefix (account, KEYLESS);
}

/* What GIO takes. */
static const gchar *const proxy_schemes[] = {
  "http", "https", "socks", "socks4", "socks4a", "socks5", NULL
};

static gboolean
is_proxy_url (const gchar * proxy)
{
  GUri *uri = g_uri_parse (proxy, G_URI_FLAGS_HAS_PASSWORD
      | G_URI_FLAGS_PARSE_RELAXED, NULL);
  gboolean usable = uri && g_uri_get_host (uri) && g_uri_get_host (uri)[0]
      && g_strv_contains (proxy_schemes, g_uri_get_scheme (uri));

  g_clear_pointer (&uri, g_uri_unref);

  return usable;
}

/* What the endpoint is reached by. */
static gboolean
has_usable_proxy (const IdentifaiClientSettings * settings)
{
  GUri *uri = g_uri_parse (settings->endpoint, SOUP_HTTP_URI_FLAGS, NULL);
  IdentifaiProxy *proxy = identifai_proxy_new (settings->proxy);
  gboolean usable = uri == NULL || !identifai_proxy_is_unusable (proxy, uri);

  identifai_proxy_unref (proxy);
  g_clear_pointer (&uri, g_uri_unref);

  return usable;
}

static gboolean
check_proxy (const IdentifaiClientSettings * settings, GError ** error)
{
  const gchar *proxy = settings->proxy;
  gboolean given = proxy && proxy[0];

  if (given && identifai_proxy_is_hidden (proxy)) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "proxy can't be used: *** stands in it where the password was hidden "
        "when it was read. Set the password itself");
    return FALSE;
  }
  if ((!given || !strstr (proxy, "://") || is_proxy_url (proxy))
      && has_usable_proxy (settings))
    return TRUE;

  /* It may hold a password. */
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "%s can't be used: it is no URL such as http://proxy.example:3128 or "
      "http://user:password@proxy.example:3128 (write / ? # %% of a password "
      "as %%2F %%3F %%23 %%25)", given ? "proxy" : "the environment's "
      "http_proxy, https_proxy or all_proxy");

  return FALSE;
}

gboolean
identifai_client_check_settings (const IdentifaiClientSettings * settings,
    GError ** error)
{
  const gchar *p = settings->user_agent ? settings->user_agent : "";

  for (; *p; p++) {
    if (g_ascii_iscntrl (*p)) {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
          "user-agent can't hold line breaks or other control characters");
      return FALSE;
    }
  }

  return check_proxy (settings, error);
}
