/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Jobs that wait for their result, for how long, and which poll asks for it. The network
 * thread's.
 */

#include "log.h"
#include "pollerprivate.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

static gint
compare_due (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const IdentifaiPending *one = a, *other = b;

  return one->due < other->due ? -1 : one->due > other->due;
}

static gint
compare_deadline (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const IdentifaiJob *one = a, *other = b;

  return one->deadline < other->deadline ? -1 : one->deadline > other->deadline;
}

void
identifai_pending_add (IdentifaiPoller * poller, IdentifaiJob * job,
    gint64 first_delay)
{
  IdentifaiPending *self =
      g_hash_table_lookup (poller->pending, job->identifier);
  gint64 interval = job->client->settings.poll_interval / GST_USECOND;

  if (!self) {
    self = g_new0 (IdentifaiPending, 1);
    self->poller = poller;
    self->identifier = g_strdup (job->identifier);
    self->poll_link.data = self;
    self->since = job->submitted_at;
    self->resumed = job->wire.booking.start == 0;
    g_hash_table_insert (poller->pending, self->identifier, self);
    identifai_pending_schedule (self, self->since + first_delay);
  }

  GST_DEBUG_ID (job->client->settings.name,
      "segment %u waits for the result %s%s", job->segment, job->identifier,
      self->jobs.length >
      0 ? ", as another one does: the service knew the file" : "");
  self->poll_interval = MAX (self->poll_interval, interval);
  g_queue_push_tail_link (&self->jobs, &job->pending_link);
  job->pending = self;
  job->deadline_iter =
      g_sequence_insert_sorted (poller->account->deadlines, job,
      compare_deadline, NULL);
  identifai_job_ref (job);
}

static void
forget_pending (IdentifaiPending * pending)
{
  g_queue_unlink (&pending->poll->pending, &pending->poll_link);
  pending->poll = NULL;
}

void
identifai_poll_free (IdentifaiPoll * poll)
{
  while (poll->pending.head)
    forget_pending (poll->pending.head->data);
  g_array_unref (poll->endings);
  g_free (poll->names);
  g_free (poll);
}

/* No poll asks for it any more. */
static void
lose_poll (IdentifaiPending * pending)
{
  IdentifaiPoll *poll = pending->poll;

  if (!poll)
    return;
  forget_pending (pending);
  GST_LOG_ID (poll->names, "%s isn't waited for any more, %u others are",
      pending->identifier, poll->pending.length);
  /* Nobody is interested in the answer any more. */
  if (poll->pending.length == 0 && poll->wire.exchange) {
    GST_DEBUG_ID (poll->names, "poll is cancelled");
    identifai_wire_cancel (&poll->wire);
    identifai_poll_free (poll);
  }
}

/* With its last job. */
static void
pending_free (IdentifaiPending * self)
{
  lose_poll (self);
  identifai_pending_unschedule (self);
  g_hash_table_remove (self->poller->pending, self->identifier);
  g_free (self->identifier);
  g_free (self->failure);
  g_free (self);
}

void
identifai_pending_remove (IdentifaiJob * job)
{
  IdentifaiPending *self = g_steal_pointer (&job->pending);

  if (self == NULL)
    return;

  g_queue_unlink (&self->jobs, &job->pending_link);
  g_sequence_remove (job->deadline_iter);
  if (self->jobs.length == 0)
    pending_free (self);
  identifai_job_unref (job);
}

IdentifaiJob *
identifai_pending_get_job (IdentifaiPending * self)
{
  return self->jobs.head->data;
}

void
identifai_pending_unschedule (IdentifaiPending * self)
{
  if (self->due_iter)
    g_sequence_remove (self->due_iter);
  self->due_iter = NULL;
}

void
identifai_pending_schedule (IdentifaiPending * self, gint64 due)
{
  identifai_pending_unschedule (self);
  self->due = due;
  self->due_iter = g_sequence_insert_sorted (self->poller->account->schedule,
      self, compare_due, NULL);
}

void
identifai_pending_note (IdentifaiPending * self, const gchar * failure,
    guint http_status)
{
  self->failures = failure != NULL ? self->failures + 1 : 0;
  g_free (self->failure);
  self->failure = g_strdup (failure);
  self->failure_status = http_status;
}

static gpointer
get_or_null (GSequenceIter * iter)
{
  return g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);
}

IdentifaiPending *
identifai_pending_first (IdentifaiAccount * account)
{
  return get_or_null (g_sequence_get_begin_iter (account->schedule));
}

IdentifaiPending *
identifai_pending_next (IdentifaiPending * self)
{
  return get_or_null (g_sequence_iter_next (self->due_iter));
}

IdentifaiJob *
identifai_pending_first_deadline (IdentifaiAccount * account)
{
  return get_or_null (g_sequence_get_begin_iter (account->deadlines));
}
