/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pending.h"

struct _IdentifaiPendingSet
{
  GHashTable *by_identifier;    /* owns the watches */
  GSequence *schedule;          /* of IdentifaiPending, by due */
  GSequence *deadlines;         /* of IdentifaiJob, by deadline */
  IdentifaiPendingFunc gone;
  gpointer user_data;
};

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

static void
watch_free (gpointer data)
{
  IdentifaiPending *watch = data;

  g_free (watch->identifier);
  g_free (watch->failure);
  g_free (watch);
}

IdentifaiPendingSet *
identifai_pending_set_new (IdentifaiPendingFunc gone, gpointer user_data)
{
  IdentifaiPendingSet *self = g_new0 (IdentifaiPendingSet, 1);

  self->by_identifier = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      watch_free);
  self->schedule = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);
  self->gone = gone;
  self->user_data = user_data;

  return self;
}

void
identifai_pending_set_free (IdentifaiPendingSet * self)
{
  g_return_if_fail (g_hash_table_size (self->by_identifier) == 0);

  g_hash_table_unref (self->by_identifier);
  g_sequence_free (self->schedule);
  g_sequence_free (self->deadlines);
  g_free (self);
}

guint
identifai_pending_set_get_count (IdentifaiPendingSet * self)
{
  return g_hash_table_size (self->by_identifier);
}

IdentifaiPending *
identifai_pending_set_find (IdentifaiPendingSet * self,
    const gchar * identifier)
{
  return g_hash_table_lookup (self->by_identifier, identifier);
}

static IdentifaiPending *
add_watch (IdentifaiPendingSet * self, IdentifaiJob * job, gint64 first_delay)
{
  IdentifaiPending *watch = g_new0 (IdentifaiPending, 1);

  watch->identifier = g_strdup (job->identifier);
  watch->lane = job->lane;
  watch->since = job->submitted_at;
  g_hash_table_insert (self->by_identifier, watch->identifier, watch);
  identifai_pending_set_schedule (self, watch, watch->since + first_delay);

  return watch;
}

void
identifai_pending_set_add (IdentifaiPendingSet * self, IdentifaiJob * job,
    gint64 first_delay)
{
  IdentifaiPending *watch = identifai_pending_set_find (self, job->identifier);
  gint64 interval = job->lane->settings.poll_interval / GST_USECOND;

  if (!watch)
    watch = add_watch (self, job, first_delay);

  watch->poll_interval = MAX (watch->poll_interval, interval);
  g_queue_push_tail_link (&watch->jobs, &job->watch_link);
  job->watch = watch;
  job->deadline_iter = g_sequence_insert_sorted (self->deadlines, job,
      compare_deadline, NULL);
  identifai_job_ref (job);
}

static void
remove_watch (IdentifaiPendingSet * self, IdentifaiPending * watch)
{
  self->gone (watch, self->user_data);
  identifai_pending_set_hold (self, watch);
  g_hash_table_remove (self->by_identifier, watch->identifier);
}

void
identifai_pending_set_remove (IdentifaiPendingSet * self, IdentifaiJob * job)
{
  IdentifaiPending *watch = job->watch;

  if (!watch)
    return;

  job->watch = NULL;
  g_queue_unlink (&watch->jobs, &job->watch_link);
  g_sequence_remove (job->deadline_iter);
  job->deadline_iter = NULL;

  if (g_queue_is_empty (&watch->jobs))
    remove_watch (self, watch);
  else
    watch->lane = ((IdentifaiJob *) watch->jobs.head->data)->lane;
  identifai_job_unref (job);
}

void
identifai_pending_set_hold (IdentifaiPendingSet * self,
    IdentifaiPending * watch)
{
  if (watch->due_iter)
    g_sequence_remove (watch->due_iter);
  watch->due_iter = NULL;
}

void
identifai_pending_set_schedule (IdentifaiPendingSet * self,
    IdentifaiPending * watch, gint64 due)
{
  identifai_pending_set_hold (self, watch);
  watch->due = due;
  watch->due_iter = g_sequence_insert_sorted (self->schedule, watch,
      compare_due, NULL);
}

void
identifai_pending_note (IdentifaiPending * watch, const gchar * failure,
    guint http_status)
{
  watch->failures = failure != NULL ? watch->failures + 1 : 0;
  g_free (watch->failure);
  watch->failure = g_strdup (failure);
  watch->failure_status = http_status;
}

static IdentifaiPending *
get_watch (GSequenceIter * iter)
{
  return g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);
}

IdentifaiPending *
identifai_pending_set_first (IdentifaiPendingSet * self)
{
  return get_watch (g_sequence_get_begin_iter (self->schedule));
}

IdentifaiPending *
identifai_pending_set_after (IdentifaiPendingSet * self,
    IdentifaiPending * watch)
{
  return get_watch (g_sequence_iter_next (watch->due_iter));
}

IdentifaiJob *
identifai_pending_set_first_deadline (IdentifaiPendingSet * self)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (self->deadlines);

  return g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);
}
