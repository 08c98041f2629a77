/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * GIO's own resolver knows the environment's proxies only with a module of
 * glib-networking, which a small system doesn't have, and the desktop's with
 * one that starts threads and writes files. So this reads the environment, and
 * nothing else.
 */

#include "proxy.h"
#include <gst/gst.h>
#include <string.h>
#include "backoff.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

/* How long a password that was refused isn't sent: a directory server that was
 * away may have refused it, too. */
#define REFUSAL_PAUSE (15 * G_TIME_SPAN_MINUTE)

/* Stands for what is no URL. GIO would print that, with its password, or do without a
 * proxy. */
#define UNUSABLE "unusable://"

/* A message's data, if the proxy refused its password. */
#define REFUSED "identifai-proxy-refused"

typedef struct
{
  gchar *header;                /* value of Proxy-Authorization */
  gchar *id;                    /* of proxy and password, in refusals */
  gboolean proven;              /* it was taken */
} Password;

struct _IdentifaiProxy
{
  guint refcount;
  GProxyResolver *resolver;     /* its URLs have no passwords of HTTP proxies */
  Password *http, *https;       /* by the target's scheme; NULL = none */
};

#define HIDDEN "***"

/* Passwords that proxies have refused, by Password.id: monotonic µs. They outlive
 * their users, which an application starts again and again. */
static GMutex refusals_lock;
static GHashTable *refusals;

static gboolean
is_refused (const Password * password)
{
  gint64 *at, since = G_MAXINT64;

  g_mutex_lock (&refusals_lock);
  at = refusals != NULL ? g_hash_table_lookup (refusals, password->id) : NULL;
  if (at != NULL)
    since = identifai_clock_now () - *at;
  g_mutex_unlock (&refusals_lock);

  return since < identifai_backoff_scale (REFUSAL_PAUSE);
}

static void
note_refusal (Password * password)
{
  gint64 *at = g_new (gint64, 1);

  GST_WARNING ("the proxy refused the password (HTTP 407), which isn't sent "
      "again for %d minutes", (int) (REFUSAL_PAUSE / G_TIME_SPAN_MINUTE));
  *at = identifai_clock_now ();
  password->proven = FALSE;

  g_mutex_lock (&refusals_lock);
  if (refusals == NULL)
    refusals = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (refusals, g_strdup (password->id), at);
  g_mutex_unlock (&refusals_lock);
}

/* Takes over user_and_password. */
static Password *
password_new (const gchar * url, gchar * user_and_password)
{
  Password *self = g_new0 (Password, 1);
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *encoded = g_base64_encode ((const guchar *) user_and_password,
      strlen (user_and_password));

  self->header = g_strconcat ("Basic ", encoded, NULL);
  g_checksum_update (checksum, (const guchar *) url, strlen (url) + 1);
  g_checksum_update (checksum, (const guchar *) self->header, -1);
  self->id = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);
  g_free (encoded);
  g_free (user_and_password);

  return self;
}

static void
password_free (Password * self)
{
  if (self == NULL)
    return;

  memset (self->header, 0, strlen (self->header));
  g_free (self->header);
  g_free (self->id);
  g_free (self);
}

/* What may be shown. By the text alone, as what is no URL holds passwords, too. */

/* User name and password, up to *end; or NULL. */
static const gchar *
find_userinfo (const gchar * proxy, const gchar ** end)
{
  const gchar *colon = proxy + strcspn (proxy, ":");

  *end = strrchr (proxy, '@');
  if (*end == NULL)
    return NULL;

  return g_str_has_prefix (colon, "://") && colon < *end ? colon + 3 : proxy;
}

gchar *
identifai_proxy_hide_password (const gchar * proxy)
{
  const gchar *end, *start = find_userinfo (proxy, &end);
  const gchar *colon;

  if (start == NULL)
    return g_strdup (proxy);
  /* Some take a token for a name. */
  colon = memchr (start, ':', end - start);
  if (colon != NULL && colon + 1 < end)
    start = colon + 1;

  return g_strdup_printf ("%.*s" HIDDEN "%s", (gint) (start - proxy), proxy,
      end);
}

gboolean
identifai_proxy_is_hidden (const gchar * proxy)
{
  const gchar *end, *start = find_userinfo (proxy, &end);
  const gchar *marks;

  if (start == NULL || end - start < (gssize) strlen (HIDDEN))
    return FALSE;
  marks = end - strlen (HIDDEN);

  return g_str_has_prefix (marks, HIDDEN) && (marks == start
      || marks[-1] == ':');
}

/* Where the proxy is. */

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

/* GUri ends some hosts early (";"), and can't print what it has then. */
static gboolean
is_whole (GUri * uri)
{
  const gchar *path = g_uri_get_path (uri);

  return *path == '\0' || *path == '/';
}

/* Takes the password of an HTTP proxy out of *url. GIO itself sends those of other
 * proxies, with the first request. */
static Password *
take_password (gchar ** url)
{
  GUri *uri = g_uri_parse (*url, G_URI_FLAGS_HAS_PASSWORD
      | G_URI_FLAGS_PARSE_RELAXED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  Password *password = NULL;
  const gchar *words;

  if (uri != NULL && !is_whole (uri)) {
    g_free (*url);
    *url = g_strdup ("");
  } else if (uri != NULL && g_uri_get_user (uri) != NULL
      && g_str_equal (g_uri_get_scheme (uri), "http")) {
    g_free (*url);
    *url = g_uri_to_string_partial (uri, G_URI_HIDE_USERINFO);
    words = g_uri_get_password (uri);
    password = password_new (*url, g_strdup_printf ("%s:%s",
            g_uri_get_user (uri), words ? words : ""));
  }
  g_clear_pointer (&uri, g_uri_unref);

  return password;
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

/* The URL for the resolver, and its password. */
static gchar *
make_url (const gchar * proxy, Password ** password)
{
  gchar *url = complete_url (proxy);

  *password = take_password (&url);
  if (!g_uri_is_valid (url, G_URI_FLAGS_NONE, NULL)) {
    GST_DEBUG ("the proxy's address is no URL");
    g_free (url);
    url = g_strdup (UNUSABLE "proxy");
  }

  return url;
}

/* proxy may be NULL. Returns its password. */
static Password *
set_for_scheme (GSimpleProxyResolver * resolver, const gchar * scheme,
    const gchar * proxy)
{
  Password *password;
  gchar *url;

  if (proxy == NULL)
    return NULL;

  url = make_url (proxy, &password);
  g_simple_proxy_resolver_set_uri_proxy (resolver, scheme, url);
  g_free (url);

  return password;
}

/* For all schemes, but those of their own. */
static void
set_for_all (IdentifaiProxy * self, const gchar * proxy, gchar ** no_proxy)
{
  Password *password = NULL;
  gchar *url = proxy != NULL ? make_url (proxy, &password) : NULL;

  self->resolver = g_simple_proxy_resolver_new (url, no_proxy);
  if (password != NULL) {
    self->http = password;
    self->https = g_new0 (Password, 1);
    self->https->header = g_strdup (password->header);
    self->https->id = g_strdup (password->id);
  }
  g_free (url);
}

static void
read_scheme (IdentifaiProxy * self, const gchar * scheme, const gchar * proxy,
    Password ** password)
{
  if (proxy == NULL)
    return;

  password_free (*password);
  *password = set_for_scheme (G_SIMPLE_PROXY_RESOLVER (self->resolver), scheme,
      proxy);
}

static void
read_environment (IdentifaiProxy * self)
{
  const gchar *none = get_variable ("no_proxy", "NO_PROXY");
  gchar **hosts;

  if (none != NULL && g_str_equal (none, "*")) {
    GST_DEBUG ("no_proxy is *: no proxy for any host");
    set_for_all (self, NULL, NULL);
    return;
  }

  hosts = split_no_proxy (none);
  set_for_all (self, get_variable ("all_proxy", "ALL_PROXY"), hosts);
  /* Not HTTP_PROXY: in a CGI, that is a header of the request. */
  read_scheme (self, "http", get_variable ("http_proxy", NULL), &self->http);
  read_scheme (self, "https", get_variable ("https_proxy", "HTTPS_PROXY"),
      &self->https);
  g_strfreev (hosts);
}

IdentifaiProxy *
identifai_proxy_new (const gchar * proxy)
{
  IdentifaiProxy *self = g_new0 (IdentifaiProxy, 1);

  self->refcount = 1;
  if (proxy != NULL && proxy[0] != '\0')
    set_for_all (self, proxy, NULL);
  else
    read_environment (self);
  GST_DEBUG ("proxy as of %s; it has %s password", proxy != NULL
      && proxy[0] != '\0' ? "the setting" : "the environment",
      self->http != NULL || self->https != NULL ? "a" : "no");

  return self;
}

IdentifaiProxy *
identifai_proxy_ref (IdentifaiProxy * self)
{
  self->refcount++;

  return self;
}

void
identifai_proxy_unref (IdentifaiProxy * self)
{
  if (--self->refcount > 0)
    return;

  g_object_unref (self->resolver);
  password_free (self->http);
  password_free (self->https);
  g_free (self);
}

/* Its password. */

static gboolean
has_prefix (IdentifaiProxy * self, GUri * uri, const gchar * prefix)
{
  gchar *url = g_uri_to_string_partial (uri, G_URI_HIDE_QUERY);
  gchar **proxies = g_proxy_resolver_lookup (self->resolver, url, NULL, NULL);
  gboolean found = proxies != NULL && proxies[0] != NULL
      && g_ascii_strncasecmp (proxies[0], prefix, strlen (prefix)) == 0;

  g_strfreev (proxies);
  g_free (url);

  return found;
}

gboolean
identifai_proxy_is_used (IdentifaiProxy * self, GUri * uri)
{
  return has_prefix (self, uri, "http://");
}

gboolean
identifai_proxy_is_direct (IdentifaiProxy * self, GUri * uri)
{
  return has_prefix (self, uri, "direct://");
}

gboolean
identifai_proxy_is_unusable (IdentifaiProxy * self, GUri * uri)
{
  return has_prefix (self, uri, UNUSABLE);
}

static Password *
find_password (IdentifaiProxy * self, GUri * uri)
{
  Password *password = g_str_equal (g_uri_get_scheme (uri), "https") ?
      self->https : self->http;

  return password != NULL && identifai_proxy_is_used (self, uri) ? password :
      NULL;
}

gboolean
identifai_proxy_has_password (IdentifaiProxy * self, GUri * uri)
{
  return find_password (self, uri) != NULL;
}

gboolean
identifai_proxy_is_on_trial (IdentifaiProxy * self, GUri * uri)
{
  Password *password = find_password (self, uri);

  return password != NULL && !password->proven && !is_refused (password);
}

static gboolean
is_connect (SoupMessage * message)
{
  return g_str_equal (soup_message_get_method (message), "CONNECT");
}

/* tinyproxy (1.11) answers 401 to a wrong password. Of a plain request that may be
 * the service, too; but it has no passwords to ask for, and speaks only once the
 * proxy has taken ours. */
static gboolean
is_refusal (SoupMessage * message, guint status, SoupMessageHeaders * headers,
    const Password * password)
{
  if (status == SOUP_STATUS_PROXY_UNAUTHORIZED)
    return TRUE;
  if (status != SOUP_STATUS_UNAUTHORIZED)
    return FALSE;

  return is_connect (message) || (!password->proven
      && soup_message_headers_get_one (headers, "WWW-Authenticate") != NULL);
}

void
identifai_proxy_judge (IdentifaiProxy * self, SoupMessage * message,
    guint status, SoupMessageHeaders * headers)
{
  Password *password = find_password (self, soup_message_get_uri (message));

  /* Not sent to the proxy, or not with this one. */
  if (password == NULL || soup_message_headers_get_one
      (soup_message_get_request_headers (message),
          "Proxy-Authorization") == NULL)
    return;

  if (is_refusal (message, status, headers, password)) {
    note_refusal (password);
    g_object_set_data (G_OBJECT (message), REFUSED, password);
  } else if (status >= 200) {
    if (!password->proven)
      GST_DEBUG ("the proxy took the password (status %u)", status);
    password->proven = TRUE;
  }
}

static void
on_got_headers (SoupMessage * message, gpointer user_data)
{
  identifai_proxy_judge (user_data, message, soup_message_get_status (message),
      soup_message_get_response_headers (message));
}

gboolean
identifai_proxy_has_refused (SoupMessage * message)
{
  return g_object_get_data (G_OBJECT (message), REFUSED) != NULL;
}

static void
unref_proxy (gpointer self, GClosure * unused)
{
  identifai_proxy_unref (self);
}

/* A proxy gets to see plain requests, and of the others libsoup's CONNECT only. */
static void
on_request_queued (SoupSession * session, SoupMessage * message,
    gpointer user_data)
{
  IdentifaiProxy *self = user_data;
  GUri *uri = soup_message_get_uri (message);
  Password *password;

  if (!is_connect (message) && !g_str_equal (g_uri_get_scheme (uri), "http"))
    return;
  password = find_password (self, uri);
  if (password == NULL)
    return;
  if (is_refused (password)) {
    GST_DEBUG ("a %s goes without the password that the proxy refused",
        soup_message_get_method (message));
    return;
  }

  GST_LOG ("a %s to the proxy has the password",
      soup_message_get_method (message));
  soup_message_headers_replace (soup_message_get_request_headers (message),
      "Proxy-Authorization", password->header);
  g_signal_connect_data (message, "got-headers", G_CALLBACK (on_got_headers),
      identifai_proxy_ref (self), unref_proxy, 0);
}

void
identifai_proxy_attach (IdentifaiProxy * self, SoupSession * session)
{
  soup_session_set_proxy_resolver (session, self->resolver);
  g_signal_connect_data (session, "request-queued",
      G_CALLBACK (on_request_queued), identifai_proxy_ref (self), unref_proxy,
      0);
}
