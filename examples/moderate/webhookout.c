/* identifai-moderate: webhook-out=: posts what is alarming to an address
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "webhookout.h"
#include "record.h"

#include <libsoup/soup.h>
#include <string.h>

#define LONGEST_ANSWER 10       /* s, in all */
#define FIRST_WAIT 1000         /* ms */
#define LONGEST_WAIT 60000      /* ms */
#define MOST_WAITING 1000

struct _ModWebhookOut
{
  ModHub *hub;
  SoupSession *session;
  GHashTable *targets;          /* URI -> Target * */
};

/* An address, and what is to go there. */
typedef struct
{
  ModWebhookOut *owner;
  gchar *uri, *stream;          /* stream: of the latest post, for what is told */
  GQueue waiting;               /* of Item *; the first one is on its way */
  gboolean trouble;
  guint wait, timer;
  struct _Post *post;           /* on its way; NULL: none */
} Target;

typedef struct
{
  gchar *stream, *text;
} Item;

/* Until libsoup lets go of it. */
typedef struct _Post
{
  Target *target;               /* NULL: freed meanwhile */
  SoupMessage *message;
  GCancellable *cancellable;
  guint timer;
  gboolean too_long;
} Post;

static void post_next (Target * self);

static void
free_item (gpointer data)
{
  Item *self = data;

  g_free (self->stream);
  g_free (self->text);
  g_free (self);
}

static void
free_target (gpointer data)
{
  Target *self = data;

  g_clear_handle_id (&self->timer, g_source_remove);
  if (self->post != NULL) {
    self->post->target = NULL;
    g_cancellable_cancel (self->post->cancellable);
  }
  g_queue_clear_full (&self->waiting, free_item);
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
  free_item (g_queue_pop_head (&self->waiting));
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
free_post (Post * self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  g_object_unref (self->cancellable);
  g_object_unref (self->message);
  g_free (self);
}

/* The status is the answer: who sends a body without end holds up nothing. */
static void
on_answer (GObject * session, GAsyncResult * result, gpointer user_data)
{
  Post *post = user_data;
  Target *self = post->target;
  g_autoptr (GError) error = NULL;
  g_autoptr (GInputStream) body =
      soup_session_send_finish (SOUP_SESSION (session), result, &error);
  guint status = soup_message_get_status (post->message);
  gboolean too_long = post->too_long;

  free_post (post);
  if (self == NULL)
    return;
  self->post = NULL;
  if (too_long)
    take_answer (self, 0, "no answer in time");
  else
    take_answer (self, body != NULL ? status : 0,
        error != NULL ? error->message : NULL);
}

static gboolean
on_too_long (gpointer user_data)
{
  Post *post = user_data;

  post->timer = 0;
  post->too_long = TRUE;
  g_cancellable_cancel (post->cancellable);
  return G_SOURCE_REMOVE;
}

static void
post_next (Target * self)
{
  const Item *item = g_queue_peek_head (&self->waiting);
  g_autoptr (GBytes) body = NULL;
  Post *post;

  if (item == NULL || self->post != NULL || self->timer != 0)
    return;
  post = g_new0 (Post, 1);
  post->target = self;
  post->cancellable = g_cancellable_new ();
  post->message = soup_message_new ("POST", self->uri);
  post->timer = g_timeout_add_seconds (LONGEST_ANSWER, on_too_long, post);
  soup_message_add_flags (post->message, SOUP_MESSAGE_NO_REDIRECT);
  body = g_bytes_new (item->text, strlen (item->text));
  soup_message_set_request_body_from_bytes (post->message, "application/json",
      body);
  self->post = post;
  soup_session_send_async (self->owner->session, post->message,
      G_PRIORITY_DEFAULT, post->cancellable, on_answer, post);
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
  Item *item = g_new0 (Item, 1);

  item->stream = g_strdup (stream);
  item->text = g_strdup (text);
  g_free (target->stream);
  target->stream = g_strdup (stream);
  if (target->waiting.length >= MOST_WAITING) {
    /* the first one is on its way */
    free_item (g_queue_pop_nth (&target->waiting, 1));
    tell (target, "given up", "too many wait");
  }
  g_queue_push_tail (&target->waiting, item);
  post_next (target);
}

/* An address that is gone. */

typedef struct
{
  const gchar *uri;
  gboolean found;
} Search;

static void
compare_uri (gpointer stream, gpointer user_data)
{
  Search *search = user_data;

  search->found |= g_strcmp0 (mod_stream_get_config (stream)->webhook_out,
      search->uri) == 0;
}

/* Streams on their way out count, too. */
static gboolean
is_in_use (const Target * self, ModSupervisor * supervisor)
{
  const GPtrArray *streams = mod_supervisor_get_config (supervisor)->streams;
  Search search = { self->uri, FALSE };
  guint i;

  for (i = 0; i < streams->len; i++)
    search.found |= g_strcmp0 (((const ModStreamConfig *)
            g_ptr_array_index (streams, i))->webhook_out, self->uri) == 0;
  mod_supervisor_foreach (supervisor, compare_uri, &search);
  return search.found;
}

static void
move_rest (Target * self, const ModConfig * config)
{
  g_autofree gchar *what = NULL;
  guint lost = 0;
  Item *item;

  while ((item = g_queue_pop_head (&self->waiting)) != NULL) {
    const ModStreamConfig *stream = mod_config_find (config, item->stream);

    if (stream != NULL && stream->webhook_out != NULL)
      mod_webhook_out_post (self->owner, item->stream, stream->webhook_out,
          item->text);
    else
      lost++;
    free_item (item);
  }
  what = g_strdup_printf ("%u posts are left, and no stream has the address "
      "any more", lost);
  if (lost > 0)
    tell (self, "given up", what);
}

void
mod_webhook_out_sweep (ModWebhookOut * self, ModSupervisor * supervisor)
{
  g_autoptr (GList) targets = g_hash_table_get_values (self->targets);
  GList *l;

  for (l = targets; l != NULL; l = l->next) {
    Target *target = l->data;

    if (is_in_use (target, supervisor))
      continue;
    g_hash_table_steal (self->targets, target->uri);
    move_rest (target, mod_supervisor_get_config (supervisor));
    free_target (target);
  }
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
  self->targets = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      free_target);
  return self;
}

/* One line an address. */
static void
tell_rest (ModWebhookOut * self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->targets);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Target *target = value;
    g_autofree gchar *what = g_strdup_printf ("%u posts are left at the end",
        target->waiting.length);

    if (target->waiting.length > 0)
      tell (target, "given up", what);
  }
}

void
mod_webhook_out_free (ModWebhookOut * self)
{
  tell_rest (self);
  g_hash_table_unref (self->targets);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_free (self);
}
