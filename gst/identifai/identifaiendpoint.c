/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the client is told before it starts: endpoint, key, settings.
 */

#include "identifaiendpoint.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <gio/gio.h>
#include <glib/gstdio.h>

#define MAX_KEY_BYTES 4096
/* For keys from a pipe (process substitution): how long all of it may take. */
#define KEY_PATIENCE (2 * G_TIME_SPAN_SECOND)

void
identifai_client_settings_clear (IdentifaiClientSettings * self)
{
  g_clear_pointer (&self->endpoint, g_free);
  g_clear_pointer (&self->api_key, g_free);
  g_clear_pointer (&self->api_key_file, g_free);
  g_clear_pointer (&self->extra_headers, identifai_headers_unref);
  g_clear_pointer (&self->proxy, g_free);
  g_clear_pointer (&self->user_agent, g_free);
  g_clear_pointer (&self->tls_ca_file, g_free);
}

void
identifai_client_settings_copy (const IdentifaiClientSettings * self,
    IdentifaiClientSettings * copy)
{
  *copy = *self;
  copy->endpoint = g_strdup (self->endpoint);
  copy->api_key = g_strdup (self->api_key);
  copy->api_key_file = g_strdup (self->api_key_file);
  copy->extra_headers = identifai_headers_ref (self->extra_headers);
  copy->proxy = g_strdup (self->proxy);
  copy->user_agent = g_strdup (self->user_agent);
  copy->tls_ca_file = g_strdup (self->tls_ca_file);
}

gboolean
identifai_client_is_loopback (const gchar * host)
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
  if (strpbrk (host, " \t<>\"\\^`{|}"))
    return "its host has characters that no host name has";
  if (g_uri_get_userinfo (uri))
    return "it holds a user name or password; give the key with api-key-file";
  if (g_uri_get_query (uri) || g_uri_get_fragment (uri))
    return "a base URL has no query (?) and no fragment (#)";
  if (plain && !allow_plain_http && !identifai_client_is_loopback (host))
    return "with plain http the key would travel in clear; use https, "
        "or set allow-plain-http if that network is trusted";

  return NULL;
}

/* What may be said of a URL that may hold a password: all but user:password. */
static gchar *
printable_endpoint (const gchar * endpoint)
{
  const gchar *at = strrchr (endpoint, '@');
  gchar *text, *safe;

  text = at ? g_strconcat ("…", at, NULL) : g_strdup (endpoint);
  safe = g_strescape (text, "…");
  g_free (text);

  return safe;
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
identifai_client_check_endpoint (const gchar * endpoint,
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

  uri = g_uri_parse (endpoint, G_URI_FLAGS_ENCODED | G_URI_FLAGS_HAS_PASSWORD
      | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
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

static int
get_milliseconds_until (gint64 until)
{
  gint64 left = until - g_get_monotonic_time ();

  return left > 0 ? left / G_TIME_SPAN_MILLISECOND + 1 : 0;
}

/* Reads up to size bytes, or the end of the first line; -1 with errno. Waits no
 * longer than KEY_PATIENCE. */
static gssize
read_start (int fd, gchar * buffer, gsize size)
{
  struct pollfd ready = {.fd = fd,.events = POLLIN };
  gint64 until = g_get_monotonic_time () + KEY_PATIENCE;
  gsize length = 0;

  while (length < size) {
    gssize got;

    if (poll (&ready, 1, get_milliseconds_until (until)) == 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    got = read (fd, buffer + length, size - length);
    if (got < 0 && errno != EINTR && errno != EAGAIN)
      return -1;
    if (got == 0)
      break;
    length += MAX (got, 0);
    if (memchr (buffer, '\n', length))
      break;
  }

  return length;
}

/* Some editors write a mark of the encoding in front of the text. */
static const gchar *
skip_byte_order_mark (const gchar * text)
{
  return g_str_has_prefix (text, "\357\273\277") ? text + 3 : text;
}

gchar *
identifai_client_check_key (const gchar * key, GError ** error)
{
  gchar *checked = g_strstrip (g_strdup (skip_byte_order_mark (key)));
  const gchar *p;

  for (p = checked; g_ascii_isgraph (*p); p++);
  if (p > checked && !*p)
    return checked;

  /* A line break would end the header, and what follows begin another one. */
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      p == checked && !*p ? "the API key is empty" : "the API key is none: it "
      "may only hold printable ASCII characters and no spaces");
  g_free (checked);

  return NULL;
}

/* A key has no spaces. */
#define KEYLESS "extra headers "

gchar *
identifai_client_get_keyless_account (IdentifaiHeaders * headers)
{
  gchar *authority = identifai_headers_get_authority (headers);
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

static gchar *
take_first_line (const gchar * path, gchar * text, GError ** error)
{
  gchar *key = NULL;

  text[strcspn (text, "\n")] = '\0';
  if (strlen (text) < MAX_KEY_BYTES)
    key = identifai_client_check_key (text, error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "its first line is too long for a key");
  if (!key)
    g_prefix_error (error, "key file %s can't be used: ", path);

  return key;
}

gchar *
identifai_client_read_key_file (const gchar * path, GError ** error)
{
  gchar buffer[MAX_KEY_BYTES + 1];
  gchar *key = NULL;
  gssize length = -1;
  int fd;

  /* Non-blocking, as a FIFO without a writer would wait for one. */
  fd = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0)
    length = read_start (fd, buffer, MAX_KEY_BYTES);

  if (length < 0) {
    int code = errno;

    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "key file %s can't be read: %s", path, code == ETIMEDOUT ?
        "its first line took too long to come" : g_strerror (code));
  } else {
    buffer[length] = '\0';
    key = take_first_line (path, buffer, error);
  }

  if (fd >= 0)
    close (fd);
  /* The rest of the file, if any, is nobody's business. */
  memset (buffer, 0, sizeof (buffer));

  return key;
}

/* What GIO takes. */
static const gchar *const proxy_schemes[] = {
  "http", "https", "socks", "socks4", "socks4a", "socks5", NULL
};

static gboolean
check_proxy (const gchar * proxy, GError ** error)
{
  GUri *uri;
  gboolean usable;

  if (!proxy || !proxy[0])
    return TRUE;

  uri = g_uri_parse (proxy, G_URI_FLAGS_HAS_PASSWORD
      | G_URI_FLAGS_PARSE_RELAXED, NULL);
  usable = strstr (proxy, "://") ? uri && g_uri_get_host (uri)
      && g_uri_get_host (uri)[0]
      && g_strv_contains (proxy_schemes, g_uri_get_scheme (uri)) : TRUE;
  g_clear_pointer (&uri, g_uri_unref);
  /* It may hold a password. */
  if (!usable)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "proxy can't be used: it is no URL such as http://proxy.example:3128 or "
        "http://user:password@proxy.example:3128 (write / ? # % of a password "
        "as %2F %3F %23 %25)");

  return usable;
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

  return check_proxy (settings->proxy, error);
}
