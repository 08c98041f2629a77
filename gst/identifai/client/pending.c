/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pending.h"

struct _IdentifaiWatches
{
  GHashTable *by_identifier;    /* owns the watches */
  GSequence *schedule;          /* of IdentifaiWatch, by due */
  GSequence *deadlines;         /* of IdentifaiJob, by deadline */
  IdentifaiWatchFunc gone;
  gpointer user_data;
};

static gint
compare_due (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const IdentifaiWatch *one = a, *other = b;

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
  IdentifaiWatch *watch = data;

  g_free (watch->identifier);
  g_free (watch->failure);
  g_free (watch);
}

IdentifaiWatches *
identifai_watches_new (IdentifaiWatchFunc gone, gpointer user_data)
{
  IdentifaiWatches *self = g_new0 (IdentifaiWatches, 1);

  self->by_identifier = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      watch_free);
  self->schedule = g_sequence_new (NULL);
  self->deadlines = g_sequence_new (NULL);
  self->gone = gone;
  self->user_data = user_data;

  return self;
}

void
identifai_watches_free (IdentifaiWatches * self)
{
  g_return_if_fail (g_hash_table_size (self->by_identifier) == 0);

  g_hash_table_unref (self->by_identifier);
  g_sequence_free (self->schedule);
  g_sequence_free (self->deadlines);
  g_free (self);
}

guint
identifai_watches_get_count (IdentifaiWatches * self)
{
  return g_hash_table_size (self->by_identifier);
}

IdentifaiWatch *
identifai_watches_find (IdentifaiWatches * self, const gchar * identifier)
{
  return g_hash_table_lookup (self->by_identifier, identifier);
}

static IdentifaiWatch *
add_watch (IdentifaiWatches * self, IdentifaiJob * job, gint64 first_delay)
{
  IdentifaiWatch *watch = g_new0 (IdentifaiWatch, 1);

  watch->identifier = g_strdup (job->identifier);
  watch->lane = job->lane;
  watch->since = job->submitted_at;
  g_hash_table_insert (self->by_identifier, watch->identifier, watch);
  identifai_watches_schedule (self, watch, watch->since + first_delay);

  return watch;
}

void
identifai_watches_add (IdentifaiWatches * self, IdentifaiJob * job,
    gint64 first_delay)
{
  IdentifaiWatch *watch = identifai_watches_find (self, job->identifier);
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
remove_watch (IdentifaiWatches * self, IdentifaiWatch * watch)
{
  self->gone (watch, self->user_data);
  identifai_watches_hold (self, watch);
  g_hash_table_remove (self->by_identifier, watch->identifier);
}

void
identifai_watches_remove (IdentifaiWatches * self, IdentifaiJob * job)
{
  IdentifaiWatch *watch = job->watch;

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
identifai_watches_hold (IdentifaiWatches * self, IdentifaiWatch * watch)
{
  if (watch->due_iter)
    g_sequence_remove (watch->due_iter);
  watch->due_iter = NULL;
}

void
identifai_watches_schedule (IdentifaiWatches * self, IdentifaiWatch * watch,
    gint64 due)
{
  identifai_watches_hold (self, watch);
  watch->due = due;
  watch->due_iter = g_sequence_insert_sorted (self->schedule, watch,
      compare_due, NULL);
}

void
identifai_watch_note (IdentifaiWatch * watch, const gchar * failure,
    guint http_status)
{
  watch->failures = failure != NULL ? watch->failures + 1 : 0;
  g_free (watch->failure);
  watch->failure = g_strdup (failure);
  watch->failure_status = http_status;
}

static IdentifaiWatch *
get_watch (GSequenceIter * iter)
{
  return g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);
}

IdentifaiWatch *
identifai_watches_first (IdentifaiWatches * self)
{
  return get_watch (g_sequence_get_begin_iter (self->schedule));
}

IdentifaiWatch *
identifai_watches_after (IdentifaiWatches * self, IdentifaiWatch * watch)
{
  return get_watch (g_sequence_iter_next (watch->due_iter));
}

IdentifaiJob *
identifai_watches_first_deadline (IdentifaiWatches * self)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (self->deadlines);

  return g_sequence_iter_is_end (iter) ? NULL : g_sequence_get (iter);
}
