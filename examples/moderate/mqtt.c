/* identifai-moderate: lines to a broker
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "mqtt.h"
#include "jsontext.h"
#include "record.h"

#include <gio/gio.h>

#ifdef HAVE_MOSQUITTO

#include <errno.h>
#include <mosquitto.h>
#include <string.h>

#define MOST_WAITING 20000
#define MOST_ON_THE_WAY 20
#define KEEPALIVE 30            /* s */
#define LAST_WAIT (5 * G_USEC_PER_SEC)
#define LONGEST_JOIN (2 * G_USEC_PER_SEC)
#define LONGEST_RECONNECT (16 * G_USEC_PER_SEC)
#define LOOK 200                /* ms, at whether the end has come */

typedef struct
{
  gchar *topic, *text;
} Letter;

struct _ModMqtt
{
  ModHub *hub;
  gchar *prefix, *host;
  gint port;
  struct mosquitto *client;     /* called back on the thread below */
  GThread *thread;
  gint stop, ended;             /* atomic: the thread is to end; has ended */
  GQueue waiting;               /* of Letter * */
  GHashTable *on_the_way;       /* message id; the library sends those again */
  gboolean connected, told;     /* told: that there is none */
  gboolean closing;
  guint64 lost;
};

static void
free_letter (gpointer data)
{
  Letter *self = data;

  g_free (self->topic);
  g_free (self->text);
  g_free (self);
}

static void
send_waiting (ModMqtt * self)
{
  while (self->connected && self->waiting.length > 0
      && g_hash_table_size (self->on_the_way) < MOST_ON_THE_WAY) {
    Letter *letter = g_queue_peek_head (&self->waiting);
    gint id = 0;

    if (mosquitto_publish (self->client, &id, letter->topic,
            strlen (letter->text), letter->text, 1, false)
        != MOSQ_ERR_SUCCESS)
      return;
    g_hash_table_add (self->on_the_way, GINT_TO_POINTER (id));
    free_letter (g_queue_pop_head (&self->waiting));
  }
}

/* From the library's thread to ours. */

typedef struct
{
  ModMqtt *mqtt;
  gint what;                    /* an id; or one of these */
  gchar *error;
} Call;

enum
{ CONNECTED = -1, DISCONNECTED = -2, REFUSED = -3 };

static void
tell (ModMqtt * self, const gchar * state, const gchar * what)
{
  JsonObject *line = mod_record_new ("mqtt", NULL);

  json_object_set_string_member (line, "state", state);
  json_object_set_string_member (line, "host", self->host);
  if (what != NULL)
    json_object_set_string_member (line, "error", what);
  mod_hub_tell (self->hub, line);
}

static void
take_state (ModMqtt * self, const Call * call)
{
  self->connected = call->what == CONNECTED;
  if (self->closing)
    return;
  if (self->connected)
    tell (self, "connected", NULL);
  else if (!self->told)
    tell (self, call->what == REFUSED ? "refused" : "disconnected",
        call->error);
  self->told = !self->connected;
}

static gboolean
on_call (gpointer user_data)
{
  Call *call = user_data;
  ModMqtt *self = call->mqtt;

  if (call->what >= 0)
    g_hash_table_remove (self->on_the_way, GINT_TO_POINTER (call->what));
  else
    take_state (self, call);
  send_waiting (self);
  g_free (call->error);
  g_free (call);
  return G_SOURCE_REMOVE;
}

static void
call_main (ModMqtt * self, gint what, const gchar * error)
{
  Call *call = g_new0 (Call, 1);

  call->mqtt = self;
  call->what = what;
  call->error = g_strdup (error);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_call, call, NULL);
}

static void
on_connect (struct mosquitto *client, void *user_data, int code)
{
  call_main (user_data, code == 0 ? CONNECTED : REFUSED,
      code == 0 ? NULL : mosquitto_connack_string (code));
}

static void
on_disconnect (struct mosquitto *client, void *user_data, int code)
{
  call_main (user_data, DISCONNECTED, code != 0 ? mosquitto_strerror (code) :
      NULL);
}

static void
on_published (struct mosquitto *client, void *user_data, int id)
{
  call_main (user_data, id, NULL);
}

/* The library's own thread (2.0.11) gives up on a broker that isn't there at first. */

static void
pause_thread (ModMqtt * self, gint64 wait)
{
  gint64 end = g_get_monotonic_time () + wait;

  while (!g_atomic_int_get (&self->stop) && g_get_monotonic_time () < end)
    g_usleep (LOOK * 1000);
}

static gpointer
run_client (gpointer user_data)
{
  ModMqtt *self = user_data;
  gint64 wait = G_USEC_PER_SEC;
  gint code = mosquitto_connect (self->client, self->host, self->port,
      KEEPALIVE);

  while (!g_atomic_int_get (&self->stop)) {
    if (code == MOSQ_ERR_SUCCESS)
      code = mosquitto_loop (self->client, LOOK, 1);
    if (code == MOSQ_ERR_SUCCESS) {
      wait = G_USEC_PER_SEC;
      continue;
    }
    call_main (self, DISCONNECTED, code == MOSQ_ERR_ERRNO ?
        g_strerror (errno) : mosquitto_strerror (code));
    pause_thread (self, wait);
    wait = MIN (2 * wait, LONGEST_RECONNECT);
    if (!g_atomic_int_get (&self->stop))
      code = mosquitto_reconnect (self->client);
  }
  g_atomic_int_set (&self->ended, 1);
  return NULL;
}

/* The hub. */

static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  ModMqtt *self = user_data;
  const gchar *event = json_object_get_string_member (line, "event");
  const gchar *stream = mod_json_get_text (line, "stream", NULL);
  Letter *letter = g_new0 (Letter, 1);

  letter->topic = stream != NULL ?
      g_strdup_printf ("%s/%s/%s", self->prefix, stream, event) :
      g_strdup_printf ("%s/%s", self->prefix, event);
  letter->text = g_strdup (text);
  g_queue_push_tail (&self->waiting, letter);
  if (self->waiting.length > MOST_WAITING) {
    free_letter (g_queue_pop_head (&self->waiting));
    self->lost++;
  }
  send_waiting (self);
}

/* Setting up. */

static gboolean
check (gint code, GError ** error)
{
  if (code == MOSQ_ERR_SUCCESS)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
      mosquitto_strerror (code));
  return FALSE;
}

static gchar *
read_password (const gchar * path, GError ** error)
{
  gchar *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, error))
    return NULL;
  text[strcspn (text, "\r\n")] = '\0';
  return text;
}

static gboolean
set_user (ModMqtt * self, const ModProgramConfig * config, GUri * uri,
    GError ** error)
{
  g_autofree gchar *password = NULL;

  if (g_uri_get_user (uri) == NULL)
    return TRUE;
  if (config->mqtt_password_file != NULL) {
    password = read_password (config->mqtt_password_file, error);
    if (password == NULL)
      return FALSE;
  }
  return check (mosquitto_username_pw_set (self->client, g_uri_get_user (uri),
          password), error);
}

static gboolean
connect_client (ModMqtt * self, const ModProgramConfig * config, GUri * uri,
    GError ** error)
{
  gboolean tls = strcmp (g_uri_get_scheme (uri), "mqtts") == 0;
  gint port = g_uri_get_port (uri);

  mosquitto_connect_callback_set (self->client, on_connect);
  mosquitto_disconnect_callback_set (self->client, on_disconnect);
  mosquitto_publish_callback_set (self->client, on_published);
  if (!set_user (self, config, uri, error))
    return FALSE;
  if (tls && !check (mosquitto_tls_set (self->client, NULL,
              "/etc/ssl/certs", NULL, NULL, NULL), error))
    return FALSE;
  self->port = port > 0 ? port : tls ? 8883 : 1883;
  mosquitto_threaded_set (self->client, true);
  self->thread = g_thread_new ("mqtt", run_client, self);
  return TRUE;
}

static GUri *
parse (const gchar * text, GError ** error)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_HAS_PASSWORD, error);

  if (uri == NULL)
    return NULL;
  if ((strcmp (g_uri_get_scheme (uri), "mqtt") == 0
          || strcmp (g_uri_get_scheme (uri), "mqtts") == 0)
      && g_uri_get_host (uri) != NULL && *g_uri_get_host (uri) != '\0'
      && g_uri_get_password (uri) == NULL)
    return g_steal_pointer (&uri);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "wants mqtt://[USER@]HOST[:PORT] or mqtts://…, and a password in "
      "mqtt-password-file");
  return NULL;
}

gboolean
mod_mqtt_check (const ModProgramConfig * config, GError ** error)
{
  g_autoptr (GUri) uri = parse (config->mqtt, error);

  return uri != NULL;
}

ModMqtt *
mod_mqtt_new (const ModProgramConfig * config, ModHub * hub, GError ** error)
{
  g_autoptr (GUri) uri = parse (config->mqtt, error);
  ModMqtt *self;

  if (uri == NULL)
    return NULL;
  mosquitto_lib_init ();
  self = g_new0 (ModMqtt, 1);
  self->hub = hub;
  self->host = g_strdup (g_uri_get_host (uri));
  self->prefix = g_strdup (config->mqtt_topic);
  self->on_the_way = g_hash_table_new (NULL, NULL);
  self->client = mosquitto_new (NULL, true, self);
  if (!connect_client (self, config, uri, error)) {
    mod_mqtt_free (self);
    return NULL;
  }
  mod_hub_listen (hub, on_line, self);
  return self;
}

static gboolean
is_busy (ModMqtt * self)
{
  return self->connected && (self->waiting.length > 0
      || g_hash_table_size (self->on_the_way) > 0);
}

static gboolean
on_wake (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

/* A connect takes minutes when nobody answers, and nothing ends it. */
static gboolean
end_thread (ModMqtt * self)
{
  gint64 end = g_get_monotonic_time () + LONGEST_JOIN;

  g_atomic_int_set (&self->stop, 1);
  if (self->thread == NULL)
    return TRUE;
  while (!g_atomic_int_get (&self->ended) && g_get_monotonic_time () < end)
    g_usleep (10000);
  if (g_atomic_int_get (&self->ended))
    g_thread_join (self->thread);
  else
    g_thread_unref (self->thread);
  return g_atomic_int_get (&self->ended);
}

void
mod_mqtt_free (ModMqtt * self)
{
  gint64 end = g_get_monotonic_time () + LAST_WAIT;
  guint wake = g_timeout_add (100, on_wake, NULL);

  self->closing = TRUE;
  while (is_busy (self) && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  mosquitto_disconnect (self->client);
  /* else what it uses is left to it: the program ends */
  if (!end_thread (self)) {
    g_source_remove (wake);
    return;
  }
  /* what it called last */
  while (g_main_context_iteration (NULL, FALSE));
  g_source_remove (wake);
  mosquitto_destroy (self->client);
  g_queue_clear_full (&self->waiting, free_letter);
  g_hash_table_unref (self->on_the_way);
  g_free (self->host);
  g_free (self->prefix);
  g_free (self);
}

guint
mod_mqtt_waiting (const ModMqtt * self)
{
  return self->waiting.length + g_hash_table_size (self->on_the_way);
}

guint64
mod_mqtt_lost (const ModMqtt * self)
{
  return self->lost;
}

gboolean
mod_mqtt_is_connected (const ModMqtt * self)
{
  return self->connected;
}

#else

gboolean
mod_mqtt_check (const ModProgramConfig * config, GError ** error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
      "this program was built without libmosquitto (meson's option mqtt)");
  return FALSE;
}

ModMqtt *
mod_mqtt_new (const ModProgramConfig * config, ModHub * hub, GError ** error)
{
  mod_mqtt_check (config, error);
  return NULL;
}

void
mod_mqtt_free (ModMqtt * self)
{
}

guint
mod_mqtt_waiting (const ModMqtt * self)
{
  return 0;
}

guint64
mod_mqtt_lost (const ModMqtt * self)
{
  return 0;
}

gboolean
mod_mqtt_is_connected (const ModMqtt * self)
{
  return FALSE;
}

#endif
