/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An early upload from its request for a call to the job that takes it over, which
 * uploader.c starts. The user's threads send commands; all else is the network thread's.
 */

#include "clientprivate.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long one waits for a call, before its file is sent as any other. */
#define PATIENCE (2 * G_TIME_SPAN_SECOND)
/* How long none is begun at an endpoint that takes no body of an unknown length, and at
 * one where something else went wrong. */
#define REFUSED_FOR G_TIME_SPAN_HOUR
#define FAILED_FOR G_TIME_SPAN_MINUTE

#define NAME(self) (self)->client->settings.name

void
identifai_early_upload_unref (IdentifaiEarlyUpload * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;
  identifai_request_unref (self->request);
  identifai_client_unref (self->client);
  g_free (self);
}

static void
note_failure (IdentifaiAccount * account, const gchar * name,
    const IdentifaiAttempt * attempt)
{
  gboolean refused = attempt->http_status == SOUP_STATUS_LENGTH_REQUIRED
      || attempt->http_status == SOUP_STATUS_NOT_IMPLEMENTED
      || attempt->http_status == SOUP_STATUS_HTTP_VERSION_NOT_SUPPORTED;

  account->limits->no_early_until = identifai_clock_now () + (refused ?
      REFUSED_FOR : FAILED_FOR);
  GST_INFO_ID (name,
      "no upload to %s begins before its file is whole for %s: %s",
      account->host, refused ? "an hour" : "a minute", attempt->message);
}

/* Its end. */

static void
set_over_locked (IdentifaiEarlyUpload * self)
{
  if (!self->over)
    g_queue_unlink (&self->client->early, &self->link);
  self->over = TRUE;
}

static void
set_over (IdentifaiEarlyUpload * self)
{
  g_mutex_lock (&self->client->lock);
  set_over_locked (self);
  g_mutex_unlock (&self->client->lock);
}

/* Out of its account's list. */
static void
leave_account (IdentifaiEarlyUpload * self)
{
  IdentifaiQueue *queue = g_steal_pointer (&self->queue);

  if (queue == NULL)
    return;
  g_queue_remove (&queue->account->early, self);
  queue->n_jobs--;
  identifai_account_wake (queue->account);
  identifai_queue_check (queue);
  identifai_early_upload_unref (self);
}

void
identifai_early_upload_drop (IdentifaiEarlyUpload * self, const gchar * why)
{
  if (self->queue == NULL)
    return;
  GST_DEBUG_ID (NAME (self), "the early POST of segment %u ends: %s",
      self->request->segment, why);
  set_over (self);
  if (self->wire.exchange != NULL)
    identifai_client_count (self->client, in_flight, -1);
  identifai_wire_cancel (&self->wire);
  leave_account (self);
}

void
identifai_early_upload_fail (IdentifaiEarlyUpload * self,
    const IdentifaiResponse * answer)
{
  IdentifaiAccount *account = self->queue->account;
  g_auto (IdentifaiAttempt) attempt = { 0, };

  identifai_client_count (self->client, in_flight, -1);
  identifai_attempt_init (&attempt, NAME (self), answer, account->host);
  if (attempt.reason == IDENTIFAI_REASON_NONE)
    identifai_attempt_set_bad_response (&attempt, NAME (self), "upload",
        "it came before the file was whole", answer->body);
  if (identifai_attempt_is_throttled (&attempt)) {
    identifai_wire_throttled (&self->wire, identifai_clock_now ()
        + identifai_backoff_delay_asked (1, attempt.retry_after));
    identifai_client_count (self->client, throttled, 1);
  } else {
    note_failure (account, NAME (self), &attempt);
  }
  GST_INFO_ID (NAME (self), "POST of segment %u, whose file isn't whole: %u, "
      "%.2f MB sent; it is sent when it is whole: %s", self->request->segment,
      answer->http_status, answer->bytes_sent / 1e6, attempt.message);
  set_over (self);
  leave_account (self);
}

void
identifai_early_uploads_drop (IdentifaiAccount * account,
    IdentifaiClient * client)
{
  GList *walk, *next;

  for (walk = account->early.head; walk != NULL; walk = next) {
    next = walk->next;
    if (((IdentifaiEarlyUpload *) walk->data)->client == client)
      identifai_early_upload_drop (walk->data, "its client is closed");
  }
}

guint64
identifai_early_uploads_count_sent_locked (IdentifaiClient * client)
{
  guint64 bytes = 0;
  GList *walk;

  for (walk = client->early.head; walk != NULL; walk = walk->next)
    bytes += identifai_request_get_sent (((IdentifaiEarlyUpload *)
            walk->data)->request);

  return bytes;
}

/* What its user does. */

static void
on_begin (IdentifaiClient * client, gpointer argument)
{
  IdentifaiEarlyUpload *self = argument;

  if (identifai_early_upload_is_over (self)) {
    identifai_early_upload_unref (self);
    return;
  }
  self->queue = client->queue;
  self->queue->n_jobs++;
  if (client->first)
    g_queue_push_head (&self->queue->account->early, self);
  else
    g_queue_push_tail (&self->queue->account->early, self);
  identifai_account_wake (self->queue->account);
}

/* The client is closed. */
static void
end_in_vain (gpointer self)
{
  set_over (self);
  identifai_early_upload_unref (self);
}

IdentifaiEarlyUpload *
identifai_early_upload_new (IdentifaiClient * client,
    IdentifaiRequest * request)
{
  IdentifaiEarlyUpload *self = g_new0 (IdentifaiEarlyUpload, 1);

  /* its user's, and that of the command */
  self->refcount = 2;
  self->client = identifai_client_ref (client);
  self->request = identifai_request_ref (request);
  self->give_up_at = identifai_clock_now () + PATIENCE;
  self->link.data = self;
  g_mutex_lock (&client->lock);
  g_queue_push_tail_link (&client->early, &self->link);
  g_mutex_unlock (&client->lock);
  identifai_client_send (client, on_begin, self, end_in_vain);

  return self;
}

gboolean
identifai_early_upload_is_over (IdentifaiEarlyUpload * self)
{
  gboolean over;

  g_mutex_lock (&self->client->lock);
  over = self->over;
  g_mutex_unlock (&self->client->lock);

  return over;
}

static void
on_cancel (IdentifaiClient * client, gpointer argument)
{
  identifai_early_upload_drop (argument, "nobody wants it any more");
  identifai_early_upload_unref (argument);
}

void
identifai_early_upload_cancel (IdentifaiEarlyUpload * self)
{
  set_over (self);
  identifai_client_send (self->client, on_cancel, self, end_in_vain);
}

/* From now on the job can't be withdrawn, and what was sent is its. FALSE: it was, a
 * moment ago. */
static gboolean
commit_job (IdentifaiEarlyUpload * self, IdentifaiJob * job)
{
  gboolean open;

  g_mutex_lock (&self->client->lock);
  open = job->sent = job->open;
  if (open)
    set_over_locked (self);
  g_mutex_unlock (&self->client->lock);

  return open;
}

/* FALSE: it isn't under way, or with a key that has changed. */
static gboolean
adopt (IdentifaiEarlyUpload * self, IdentifaiJob * job)
{
  if (self->wire.exchange == NULL || self->queue != job->queue
      || !commit_job (self, job))
    return FALSE;
  GST_DEBUG_ID (NAME (self), "segment %u is whole, and on its way",
      job->segment);
  g_atomic_int_inc (&self->refcount);
  job->early = self;
  job->state = IDENTIFAI_JOB_UPLOADING;
  job->held_since = 0;
  self->job = job;
  leave_account (self);

  return TRUE;
}

gboolean
identifai_early_upload_join (IdentifaiEarlyUpload * self, IdentifaiJob * job)
{
  gboolean adopted = adopt (self, job);

  if (!adopted)
    identifai_early_upload_drop (self, "its file is whole");
  identifai_growing_file_end (self->request->growing);
  identifai_early_upload_unref (self);

  return adopted;
}

void
identifai_early_upload_abandon (IdentifaiEarlyUpload * self)
{
  self->job = NULL;
  identifai_wire_cancel (&self->wire);
  identifai_early_upload_unref (self);
}

/* A connection that breaks when all was sent may have broken before, and the service
 * may have the file. */
gboolean
identifai_early_upload_falls_back (IdentifaiAccount * account,
    const gchar * name, const IdentifaiResponse * answer,
    const IdentifaiAttempt * attempt)
{
  gboolean broke = attempt->reason == IDENTIFAI_REASON_NETWORK;
  gboolean refused = attempt->reason == IDENTIFAI_REASON_REJECTED
      || attempt->http_status == SOUP_STATUS_NOT_IMPLEMENTED
      || attempt->http_status == SOUP_STATUS_HTTP_VERSION_NOT_SUPPORTED;

  if ((broke && !answer->stale) || refused)
    note_failure (account, name, attempt);

  return refused || (broke && !answer->sent_whole);
}
