/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asks for a key's credits, once for all of its clients that want to know.
 */

#include "clientprivate.h"
#include "json.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* However short the interval. */
#define SHORTEST_INTERVAL G_TIME_SPAN_SECOND

/* Of those for whom this is the key of now. */
static gboolean
wants_credits (const IdentifaiQueue * queue)
{
  return queue->client->queue == queue
      && queue->client->settings.credits_interval > 0;
}

static void
tell_client (IdentifaiClient * client, const IdentifaiCredits * credits)
{
  g_rec_mutex_lock (&client->calling);
  if (!identifai_client_is_closed (client))
    client->callbacks->credits (credits, client->user_data);
  g_rec_mutex_unlock (&client->calling);
}

static void
tell_all (IdentifaiAccount * account, const IdentifaiCredits * credits)
{
  GList *walk;

  for (walk = account->queues.head; walk; walk = walk->next)
    if (wants_credits (walk->data))
      tell_client (((IdentifaiQueue *) walk->data)->client, credits);
}

/* FALSE: there is no such number. */
static gboolean
read_number (JsonNode * root, const gchar * name, guint64 * number)
{
  gdouble value;

  if (!identifai_json_get_double (identifai_json_get_member (root, name),
          &value) || value < 0 || value >= G_MAXINT64)
    return FALSE;
  *number = value;

  return TRUE;
}

static gboolean
read_answer (GBytes * body, IdentifaiCredits * credits)
{
  gsize size;
  const gchar *data = g_bytes_get_data (body, &size);
  JsonNode *root = identifai_json_read (data, size, NULL);
  gboolean good = root != NULL
      && read_number (root, "available_credits", &credits->available)
      && read_number (root, "total_spent", &credits->spent);

  g_clear_pointer (&root, json_node_unref);

  return good;
}

static void
on_answer (const IdentifaiServiceAnswer * answer, gpointer data)
{
  IdentifaiAccount *account = data;
  IdentifaiQueue *queue = g_steal_pointer (&account->credits_asker);
  IdentifaiCredits credits = { answer->reason, answer->http_status,
    answer->message, 0, 0
  };
  g_auto (IdentifaiAttempt) attempt = { 0, };

  /* Then they are those of the other key, whose account asks for them. */
  if (answer->http_status == SOUP_STATUS_UNAUTHORIZED
      && queue->client->renew_key (queue)) {
    GST_DEBUG_ID (queue->client->settings.name, "the credits are those of the "
        "other key, which is asked anew");
    return;
  }
  if (answer->reason == IDENTIFAI_REASON_NONE
      && !read_answer (answer->body, &credits)) {
    identifai_attempt_set_bad_response (&attempt,
        queue->client->settings.name, "question for credits", "it has no "
        "available_credits and total_spent", answer->body);
    credits.reason = attempt.reason;
    credits.message = attempt.message;
  }
  tell_all (account, &credits);
}

static void
on_dropped (gpointer data)
{
  IdentifaiAccount *account = data;

  account->credits_asker = NULL;
  account->credits_asked_at = 0;
}

/* The shortest of what the clients want, in µs, and who is to ask. 0: nobody. */
static gint64
find_interval (IdentifaiAccount * account, IdentifaiQueue ** queue)
{
  gint64 shortest = 0;
  GList *walk;

  for (walk = account->queues.head; walk; walk = walk->next) {
    IdentifaiClient *client = ((IdentifaiQueue *) walk->data)->client;
    gint64 interval = MIN (client->settings.credits_interval / GST_USECOND,
        G_MAXINT64 / 4);

    if (!wants_credits (walk->data) || (shortest > 0 && interval >= shortest))
      continue;
    *queue = walk->data;
    shortest = MAX (interval, 1);
  }

  return shortest > 0 ?
      MAX (shortest, identifai_backoff_scale (SHORTEST_INTERVAL)) : 0;
}

gint64
identifai_credits_run (IdentifaiAccount * account, gint64 now)
{
  static const IdentifaiServiceCall call = {.what = "question for credits",
    .method = "GET",.path = "/api/user/credits"
  };
  IdentifaiQueue *queue = NULL;
  gint64 interval = find_interval (account, &queue);

  if (interval == 0 || account->credits_asker != NULL)
    return G_MAXINT64;
  if (account->credits_asked_at != 0
      && account->credits_asked_at + interval > now)
    return account->credits_asked_at + interval;

  GST_DEBUG_ID (queue->client->settings.name,
      "asks for credits, each %d s, for all who use the key",
      (gint) (interval / G_TIME_SPAN_SECOND));
  account->credits_asked_at = now;
  account->credits_asker = queue;
  identifai_service_call_add (queue, &call, on_answer, on_dropped, account);

  return G_MAXINT64;
}
