/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "faultrequest.h"
#include <string.h>

static gchar *
find_header (const gchar * headers, const gchar * name)
{
  gchar **lines = g_strsplit (headers, "\r\n", -1);
  gchar *value = NULL;
  gsize length = strlen (name);
  guint i;

  for (i = 0; lines[i] && !value; i++) {
    if (g_ascii_strncasecmp (lines[i], name, length) == 0
        && lines[i][length] == ':')
      value = g_strstrip (g_strdup (lines[i] + length + 1));
  }
  g_strfreev (lines);

  return value;
}

static FaultCall
classify (const gchar * method, const gchar * target)
{
  static const struct
  {
    const gchar *method, *prefix;
    FaultCall call;
  } calls[] = {
    {"POST", "/api/classification_video", FAULT_POST},
    {"GET", "/api/classification_video/", FAULT_GET},
    {"GET", "/api/classifications_video", FAULT_BATCH},
    {"POST", "/api/classification_audio", FAULT_POST},
    {"GET", "/api/classification_audio/", FAULT_GET},
    {"GET", "/api/classifications_audio", FAULT_BATCH},
    {"POST", "/api/classification", FAULT_POST},
    {"GET", "/api/classification/", FAULT_PLAIN},
    {"GET", "/api/classification_image/", FAULT_GET},
    {"GET", "/api/classifications?", FAULT_BATCH},
  };
  const gchar *path = strstr (target, "://");
  guint i;

  if (g_str_equal (method, "CONNECT"))
    return FAULT_CONNECT;
  if (g_str_equal (method, "POST") && g_str_has_suffix (target, "/override"))
    return FAULT_OVERRIDE;
  if (g_str_has_suffix (target, "/api/user/credits"))
    return FAULT_CREDITS;
  path = path ? strchr (path + 3, '/') : target;
  for (i = 0; path && i < G_N_ELEMENTS (calls); i++) {
    if (g_str_equal (method, calls[i].method)
        && g_str_has_prefix (path, calls[i].prefix))
      return calls[i].call;
  }

  return FAULT_OTHER;
}

void
fault_request_free (FaultRequest * request)
{
  g_free (request->target);
  g_free (request->headers);
  g_free (request->key);
  g_clear_pointer (&request->body, g_bytes_unref);
  g_free (request);
}

FaultRequest *
fault_request_new (const gchar * headers, gsize length)
{
  FaultRequest *request = g_new0 (FaultRequest, 1);
  gchar **words;

  request->time = g_get_monotonic_time ();
  request->headers = g_strndup (headers, length);
  words = g_strsplit (request->headers, " ", 3);
  request->target = g_strdup (words[1]);
  request->call = classify (words[0], words[1]);
  request->key = find_header (request->headers, "X-Api-Key");
  g_strfreev (words);

  return request;
}

gsize
fault_request_get_length (const FaultRequest * request)
{
  gchar *value = find_header (request->headers, "Content-Length");
  gsize length = value ? g_ascii_strtoull (value, NULL, 10) : 0;

  g_free (value);

  return length;
}
