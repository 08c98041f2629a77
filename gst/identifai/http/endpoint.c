/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses the base URL, and refuses what would send the key in the clear. Pure.
 */

#include "endpoint.h"

#include <string.h>

gboolean
identifai_endpoint_is_loopback (const gchar * host)
{
  GInetAddress *address;
  gboolean loopback;

  if (g_ascii_strcasecmp (host, "localhost") == 0)
    return TRUE;

  address = g_inet_address_new_from_string (host);
  if (!address)
    return FALSE;
  loopback = g_inet_address_get_is_loopback (address);
  g_object_unref (address);

  return loopback;
}

/* As GUri has it, with its percent-encoding undone: what means something in a URL would
 * make another one of it. */
static gboolean
is_host (const gchar * host)
{
  const gchar *c;

  for (c = host; *c != '\0'; c++)
    if (g_ascii_iscntrl (*c) || strchr (" <>\"\\^`{|}@/?#[]", *c) != NULL)
      return FALSE;

  return strchr (host, ':') == NULL ? strchr (host, '%') == NULL :
      g_hostname_is_ip_address (host);
}

/* What is wrong with uri as a base URL, or NULL. */
static const gchar *
find_fault (GUri * uri, gboolean allow_plain_http)
{
  const gchar *scheme = g_uri_get_scheme (uri);
  const gchar *host = g_uri_get_host (uri);
  gboolean plain = g_str_equal (scheme, "http");

  if (!plain && !g_str_equal (scheme, "https"))
    return "its scheme is neither https nor http";
  if (!host || !host[0])
    return "it has no host";
  if (!is_host (host))
    return "its host has characters that no host name has";
  if (g_uri_get_userinfo (uri))
    return "it holds a user name or password; give the key with api-key-file";
  if (g_uri_get_query (uri) || g_uri_get_fragment (uri))
    return "a base URL has no query (?) and no fragment (#)";
  if (plain && !allow_plain_http && !identifai_endpoint_is_loopback (host))
    return "with plain http the key would travel in clear; use https, "
        "or set allow-plain-http if that network is trusted";

  return NULL;
}

/* What may be said of a URL that may hold a password: all but user:password. */
static gchar *
printable_endpoint (const gchar * endpoint)
{
  const gchar *at = strrchr (endpoint, '@');
  gchar *safe = g_strescape (at != NULL ? at : endpoint, NULL), *text;

  text = g_strconcat (at != NULL ? "…" : "", safe, NULL);
  g_free (safe);

  return text;
}

static void
set_endpoint_error (GError ** error, const gchar * endpoint,
    const gchar * fault)
{
  gchar *printable = printable_endpoint (endpoint);

  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "endpoint \"%s\" can't be used: %s", printable, fault);
  g_free (printable);
}

gchar *
identifai_endpoint_check (const gchar * endpoint,
    gboolean allow_plain_http, GError ** error)
{
  const gchar *fault;
  gchar *checked;
  gsize length;
  GUri *uri;

  if (!endpoint || !endpoint[0]) {
    set_endpoint_error (error, "",
        "it is empty; expected a URL such as https://backend.identifai.net");
    return NULL;
  }

  /* not G_URI_FLAGS_ENCODED, which prints the % of an IPv6 address's zone as it is */
  uri = g_uri_parse (endpoint, G_URI_FLAGS_ENCODED_PATH
      | G_URI_FLAGS_ENCODED_QUERY | G_URI_FLAGS_ENCODED_FRAGMENT
      | G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  fault = uri ? find_fault (uri, allow_plain_http) :
      "it is no absolute URL such as https://backend.identifai.net";
  if (fault) {
    set_endpoint_error (error, endpoint, fault);
    g_clear_pointer (&uri, g_uri_unref);
    return NULL;
  }

  checked = g_uri_to_string (uri);
  g_uri_unref (uri);
  for (length = strlen (checked); checked[length - 1] == '/'; length--)
    checked[length - 1] = '\0';

  return checked;
}
