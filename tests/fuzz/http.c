/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Texts that come from users and servers: an endpoint, a key, a key file, a proxy, a
 * Retry-After, a Location, a header. The text is all of them; one in the first line
 * with a key in the second is for what hides keys.
 */

#include "target.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "backoff.h"
#include "endpoint.h"
#include "extraheaders.h"
#include "keyfile.h"
#include "proxy.h"
#include "redact.h"
#include "transportprivate.h"

static gchar *key_file;

static void
clean_up (void)
{
  g_unlink (key_file);
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL
      | G_LOG_LEVEL_WARNING);
  g_assert_cmpint (g_file_open_tmp ("fuzz-http-XXXXXX", &key_file, NULL), >=,
      0);
  atexit (clean_up);

  return 0;
}

/* A reader's word: a value, or a reason. */
static void
check_result (gchar * value, GError * error)
{
  g_assert_true ((value == NULL) == (error != NULL));
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_clear_error (&error);
  g_free (value);
}

static void
check_key (const gchar * key)
{
  const gchar *p;

  if (key == NULL)
    return;
  g_assert_true (*key != '\0');
  for (p = key; *p != '\0'; p++)
    g_assert_true (g_ascii_isgraph (*p));
}

static void
read_key (const gchar * text, const guint8 * data, gsize size)
{
  GError *error = NULL;
  gchar *key = identifai_key_check (text, &error);

  check_key (key);
  check_result (key, error);

  error = NULL;
  g_assert_true (g_file_set_contents_full (key_file, (const gchar *) data,
          size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  key = identifai_key_file_read (key_file, &error);
  check_key (key);
  check_result (key, error);
}

static void
read_endpoint (const gchar * text)
{
  GError *error = NULL;
  gchar *checked = identifai_endpoint_check (text, TRUE, &error), *again;

  if (checked != NULL) {
    again = identifai_endpoint_check (checked, TRUE, NULL);
    g_assert_cmpstr (again, ==, checked);
    g_free (again);
  }
  check_result (checked, error);
}

static void
read_headers (const gchar * text)
{
  GUri *base = g_uri_parse ("https://service.test/api", G_URI_FLAGS_NONE, NULL);
  IdentifaiExtraHeaders *headers = identifai_extra_headers_new ();
  gint64 wait = identifai_backoff_parse_retry_after (text, 1700000000);
  gchar *location = identifai_describe_location (base, text);

  g_assert_cmpint (wait, >=, -1);
  g_assert_cmpint (wait, <=, IDENTIFAI_RETRY_AFTER_MAX);
  if (location != NULL)
    g_assert_true (g_utf8_validate (location, -1, NULL));
  identifai_extra_headers_add (headers, "X-Value", text, NULL);
  identifai_extra_headers_add (headers, text, "value", NULL);
  identifai_extra_headers_unref (headers);
  g_free (location);
  g_uri_unref (base);
}

/* Neither a name nor a password is left of what is shown, whatever it is. */
static void
read_proxy (const gchar * text)
{
  gchar *hidden = identifai_proxy_hide_password (text), *again;
  const gchar *at = strrchr (text, '@');
  IdentifaiProxy *proxy;

  if (at == NULL) {
    g_assert_cmpstr (hidden, ==, text);
  } else {
    g_assert_true (g_str_has_suffix (hidden, at));
    g_assert_true (identifai_proxy_is_hidden (hidden));
  }
  again = identifai_proxy_hide_password (hidden);
  g_assert_cmpstr (again, ==, hidden);
  proxy = identifai_proxy_new (text);
  identifai_proxy_unref (proxy);
  g_free (again);
  g_free (hidden);
}

static void
hide_key (const gchar * text)
{
  gchar **lines = g_strsplit (text, "\n", 2);
  gchar *key = NULL;
  gsize length;

  if (g_strv_length (lines) == 2)
    key = identifai_key_check (lines[0], NULL);
  if (key != NULL) {
    length = strlen (lines[1]);
    identifai_redact (lines[1], length, key, FALSE);
    g_assert_cmpuint (strlen (lines[1]), ==, length);
    /* behind a backslash may be the end of an escape */
    g_assert_true (strlen (key) < 8 || strchr (key, '*') != NULL
        || strchr (lines[1], '\\') != NULL || strstr (lines[1], key) == NULL);
  }
  g_free (key);
  g_strfreev (lines);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *text;

  if (size == 0)
    return 0;
  text = g_strndup ((const gchar *) data, size);
  read_key (text, data, size);
  read_endpoint (text);
  read_headers (text);
  read_proxy (text);
  hide_key (text);
  g_free (text);

  return 0;
}
