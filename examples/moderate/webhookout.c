/* identifai-moderate: webhook-out=: posts what is alarming to an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "webhookout.h"
#include "record.h"

#include <libsoup/soup.h>
#include <string.h>

#define LONGEST_ANSWER 10       /* s */
#define FIRST_WAIT 1000         /* ms */
#define LONGEST_WAIT 60000      /* ms */
#define MOST_WAITING 1000

struct _ModWebhookOut
{
  ModHub *hub;
  SoupSession *session;
  GCancellable *cancellable;
  GHashTable *targets;          /* URI -> Target * */
};

/* An address, and what is to go there. */
typedef struct
{
  ModWebhookOut *owner;
  gchar *uri, *stream;          /* stream: of the latest post, for what is told */
  GQueue waiting;               /* of gchar *; the first one is on its way */
  gboolean busy, trouble;
  guint wait, timer;
} Target;

static void post_next (Target * self);

static void
free_target (gpointer data)
{
  Target *self = data;

  g_clear_handle_id (&self->timer, g_source_remove);
  g_queue_clear_full (&self->waiting, g_free);
  g_free (self->uri);
  g_free (self->stream);
  g_free (self);
}

/* Where it goes may have a token in its path: told is the host. */
static void
tell (Target * self, const gchar * state, const gchar * what)
{
  JsonObject *line = mod_record_new ("webhook", self->stream);
  g_autoptr (GUri) uri = g_uri_parse (self->uri, G_URI_FLAGS_NONE, NULL);

  json_object_set_string_member (line, "state", state);
  json_object_set_string_member (line, "host",
      uri != NULL ? g_uri_get_host (uri) : "");
  if (what != NULL)
    json_object_set_string_member (line, "error", what);
  mod_hub_tell (self->owner->hub, line);
}

static gboolean
on_wait_over (gpointer user_data)
{
  Target *self = user_data;

  self->timer = 0;
  post_next (self);
  return G_SOURCE_REMOVE;
}

static void
finish_first (Target * self)
{
  g_free (g_queue_pop_head (&self->waiting));
  self->wait = FIRST_WAIT;
  post_next (self);
}

static void
try_again (Target * self, const gchar * what)
{
  if (!self->trouble)
    tell (self, "trying again", what);
  self->trouble = TRUE;
  self->timer = g_timeout_add (self->wait * g_random_double_range (0.5, 1.5),
      on_wait_over, self);
  self->wait = MIN (2 * self->wait, LONGEST_WAIT);
}

static void
take_answer (Target * self, guint status, const gchar * error)
{
  g_autofree gchar *what = error != NULL ? g_strdup (error) :
      g_strdup_printf ("HTTP status %u", status);

  if (error == NULL && status >= 200 && status < 300) {
    if (self->trouble)
      tell (self, "taken", NULL);
    self->trouble = FALSE;
    finish_first (self);
  } else if (error == NULL && status >= 300 && status < 500 && status != 408
      && status != 425 && status != 429) {
    tell (self, "refused", what);
    finish_first (self);
  } else {
    try_again (self, what);
  }
}

static void
on_answer (GObject * session, GAsyncResult * result, gpointer user_data)
{
  Target *self;
  g_autoptr (GError) error = NULL;
  SoupMessage *message =
      soup_session_get_async_result_message (SOUP_SESSION (session), result);
  g_autoptr (GBytes) body =
      soup_session_send_and_read_finish (SOUP_SESSION (session), result,
      &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  self = user_data;
  self->busy = FALSE;
  take_answer (self, body != NULL ? soup_message_get_status (message) : 0,
      error != NULL ? error->message : NULL);
}

static void
post_next (Target * self)
{
  const gchar *text = g_queue_peek_head (&self->waiting);
  g_autoptr (SoupMessage) message = NULL;
  g_autoptr (GBytes) body = NULL;

  if (text == NULL || self->busy || self->timer != 0)
    return;
  message = soup_message_new ("POST", self->uri);
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  body = g_bytes_new (text, strlen (text));
  soup_message_set_request_body_from_bytes (message, "application/json", body);
  self->busy = TRUE;
  soup_session_send_and_read_async (self->owner->session, message,
      G_PRIORITY_DEFAULT, self->owner->cancellable, on_answer, self);
}

static Target *
get_target (ModWebhookOut * self, const gchar * uri)
{
  Target *target = g_hash_table_lookup (self->targets, uri);

  if (target != NULL)
    return target;
  target = g_new0 (Target, 1);
  target->owner = self;
  target->uri = g_strdup (uri);
  target->wait = FIRST_WAIT;
  g_queue_init (&target->waiting);
  g_hash_table_insert (self->targets, target->uri, target);
  return target;
}

void
mod_webhook_out_post (ModWebhookOut * self, const gchar * stream,
    const gchar * uri, const gchar * text)
{
  Target *target = get_target (self, uri);

  g_free (target->stream);
  target->stream = g_strdup (stream);
  if (target->waiting.length >= MOST_WAITING) {
    /* the first one is on its way */
    g_free (g_queue_pop_nth (&target->waiting, 1));
    tell (target, "given up", "too many wait");
  }
  g_queue_push_tail (&target->waiting, g_strdup (text));
  post_next (target);
}

guint
mod_webhook_out_waiting (const ModWebhookOut * self)
{
  GHashTableIter iter;
  gpointer target;
  guint waiting = 0;

  g_hash_table_iter_init (&iter, self->targets);
  while (g_hash_table_iter_next (&iter, NULL, &target))
    waiting += ((Target *) target)->waiting.length;
  return waiting;
}

ModWebhookOut *
mod_webhook_out_new (ModHub * hub)
{
  ModWebhookOut *self = g_new0 (ModWebhookOut, 1);

  self->hub = hub;
  self->session = soup_session_new_with_options ("timeout", LONGEST_ANSWER,
      "user-agent", "identifai-moderate", NULL);
  self->cancellable = g_cancellable_new ();
  self->targets = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      free_target);
  return self;
}

void
mod_webhook_out_free (ModWebhookOut * self)
{
  g_cancellable_cancel (self->cancellable);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_object_unref (self->cancellable);
  g_hash_table_unref (self->targets);
  g_free (self);
}
