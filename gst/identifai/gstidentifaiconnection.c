/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the properties mean to the client: where to connect, and who asks.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisettings.h"
#include "endpoint.h"

#include <string.h>

static const gchar *
environment (const gchar * variable)
{
  const gchar *value = g_getenv (variable);

  return value != NULL && *value != '\0' ? value : NULL;
}

/* A property goes before the environment, a key before a file of one. */
static void
choose_key (const GstIdentifaiSettings * self, IdentifaiClientSettings * client)
{
  if (self->api_key != NULL || self->api_key_file != NULL) {
    client->api_key = g_strdup (self->api_key);
    client->api_key_file = g_strdup (self->api_key_file);
  } else {
    client->api_key = g_strdup (environment ("IDENTIFAI_API_KEY"));
    client->api_key_file = g_strdup (environment ("IDENTIFAI_API_KEY_FILE"));
  }
}

/* A gateway may have the key, and let in whoever has a header of its own. */
static gboolean
has_authority (const IdentifaiClientSettings * client)
{
  gchar *authority;
  gboolean found;

  if (client->api_key != NULL || client->api_key_file != NULL)
    return TRUE;
  authority = identifai_extra_headers_get_authority (client->extra_headers);
  found = authority != NULL;
  g_free (authority);

  return found;
}

gboolean
gst_identifai_settings_to_client (const GstIdentifaiSettings * self,
    IdentifaiClientSettings * client, GError ** error)
{
  GError *reason = NULL;

  memset (client, 0, sizeof *client);
  if (!gst_identifai_settings_check_fields (self, error))
    return FALSE;

  client->endpoint = identifai_endpoint_check (self->endpoint
      ? self->endpoint : "", self->allow_plain_http, &reason);
  if (client->endpoint == NULL) {
    g_set_error_literal (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        reason->message);
    g_error_free (reason);
    return FALSE;
  }

  choose_key (self, client);
  client->extra_headers = gst_identifai_settings_get_headers (self);
  if (!has_authority (client)) {
    g_set_error_literal (error, GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        "There is no API key: set IDENTIFAI_API_KEY in the environment, or "
        "api-key-file to a file whose first line is the key. Where a gateway "
        "has the key, set extra-headers to what authorises there, such as "
        "headers,Authorization=…");
    identifai_client_settings_clear (client);
    return FALSE;
  }

  client->proxy = g_strdup (self->proxy);
  client->user_agent = g_strdup (self->user_agent);
  /* GIO takes absolute paths only. */
  if (self->tls_ca_file != NULL)
    client->tls_ca_file = g_canonicalize_filename (self->tls_ca_file, NULL);
  client->timeout = self->timeout;
  client->retries = self->retries;
  gst_identifai_settings_get_limits (self, client->limits);
  client->poll_interval = self->poll_interval;
  client->verdict_timeout = self->verdict_timeout;
  client->credits_interval = self->credits_interval;

  return TRUE;
}
