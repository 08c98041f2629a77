/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GIO's own resolver knows the environment's proxies only with a module of
 * glib-networking, which a small system doesn't have, and the desktop's with
 * one that starts threads and writes files. So this reads the environment, and
 * nothing else.
 */

#include "identifaitransport.h"

static const gchar *
get_variable (const gchar * lower, const gchar * upper)
{
  const gchar *value = g_getenv (lower);

  if (!value && upper)
    value = g_getenv (upper);

  return value && value[0] ? value : NULL;
}

/* "host:port" means an HTTP proxy. */
static gchar *
complete_url (const gchar * proxy)
{
  if (strstr (proxy, "://"))
    return g_strdup (proxy);

  return g_strconcat ("http://", proxy, NULL);
}

static gchar **
split_no_proxy (const gchar * no_proxy)
{
  gchar **hosts = g_strsplit_set (no_proxy ? no_proxy : "", ", ", -1);
  gchar **from, **to = hosts;

  for (from = hosts; *from; from++) {
    if ((*from)[0])
      *to++ = *from;
    else
      g_free (*from);
  }
  *to = NULL;

  return hosts;
}

static void
set_for_scheme (GSimpleProxyResolver * resolver, const gchar * scheme,
    const gchar * proxy)
{
  gchar *url;

  if (!proxy)
    return;

  url = complete_url (proxy);
  g_simple_proxy_resolver_set_uri_proxy (resolver, scheme, url);
  g_free (url);
}

static GProxyResolver *
resolver_from_environment (void)
{
  /* Not HTTP_PROXY: in a CGI, that is a header of the request. */
  const gchar *http = get_variable ("http_proxy", NULL);
  const gchar *https = get_variable ("https_proxy", "HTTPS_PROXY");
  const gchar *all = get_variable ("all_proxy", "ALL_PROXY");
  const gchar *none = get_variable ("no_proxy", "NO_PROXY");
  GProxyResolver *resolver;
  gchar **hosts;
  gchar *url;

  if ((!http && !https && !all) || (none && g_str_equal (none, "*")))
    return g_simple_proxy_resolver_new (NULL, NULL);

  url = all ? complete_url (all) : NULL;
  hosts = split_no_proxy (none);
  resolver = g_simple_proxy_resolver_new (url, hosts);
  set_for_scheme (G_SIMPLE_PROXY_RESOLVER (resolver), "http", http);
  set_for_scheme (G_SIMPLE_PROXY_RESOLVER (resolver), "https", https);
  g_strfreev (hosts);
  g_free (url);

  return resolver;
}

GProxyResolver *
identifai_proxy_resolver_new (const gchar * proxy)
{
  GProxyResolver *resolver;
  gchar *url;

  if (!proxy || !proxy[0])
    return resolver_from_environment ();

  url = complete_url (proxy);
  resolver = g_simple_proxy_resolver_new (url, NULL);
  g_free (url);

  return resolver;
}
