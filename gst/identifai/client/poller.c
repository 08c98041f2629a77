/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to look at results: as often as the limit lets it, and at the results
 * that may be there. A look that is on the wire has its watches out of the
 * schedule; they get back with its answer, unless that was final.
 */

#include "log.h"
#include "pollerprivate.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

#define MAX_BATCH 100
/* How long a batch call that didn't work is left alone. */
#define BATCH_PAUSE (10 * G_TIME_SPAN_MINUTE)
/* So many batches in a row may name nothing that was asked for: the service may
 * leave out what isn't final. */
#define MAX_NAMELESS 3

/* Before anything was learned: from the submit call to the first look. */
#define FIRST_LOOK (1 * G_TIME_SPAN_SECOND)
#define FIRST_LOOK_MIN (250 * G_TIME_SPAN_MILLISECOND)
/* Between two looks at one result: at least LOOK_INTERVAL, and longer for one
 * that takes long, a LOOK_SHARE of the time that it has taken. */
#define LOOK_INTERVAL (1 * G_TIME_SPAN_SECOND)
#define LOOK_SHARE 60

/* What was learned. */

static gint64
first_delay (IdentifaiPoller * self)
{
  gint64 shortest = G_MAXINT64;
  guint i;

  if (self->n_recent == 0)
    return identifai_backoff_scale (FIRST_LOOK);

  for (i = 0; i < MIN (self->n_recent, IDENTIFAI_N_RECENT); i++)
    shortest = MIN (shortest, self->recent[i]);

  return MAX (shortest - shortest / 10,
      identifai_backoff_scale (FIRST_LOOK_MIN));
}

gint64
identifai_poller_estimate (const IdentifaiPending * watch, gint64 now)
{
  gint64 took = now - watch->since;

  /* Final at the first look: it may have been for long. */
  return watch->n_looks <= 1 ? took - took / 3 : took;
}

void
identifai_poller_learn (IdentifaiPoller * self, gint64 took)
{
  self->recent[self->n_recent++ % IDENTIFAI_N_RECENT] = took;
}

gint64
identifai_poller_next_due (const IdentifaiPending * watch, gint64 now)
{
  gint64 interval = watch->poll_interval;

  if (interval == 0)
    interval = MAX (identifai_backoff_scale (LOOK_INTERVAL),
        (now - watch->since) / LOOK_SHARE);

  return watch->looked_at + interval;
}

gboolean
identifai_poller_may_join (const IdentifaiPending * watch, gint64 now)
{
  gint64 interval = watch->poll_interval;

  if (watch->looked_at == 0)
    return TRUE;
  if (interval == 0)
    interval = identifai_backoff_scale (LOOK_INTERVAL) / 2;

  return watch->looked_at + interval <= now;
}

/* Together or one by one. */

gboolean
identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now)
{
  return now >= self->no_batch_until && self->doubt == IDENTIFAI_DOUBT_NONE
      && identifai_pending_set_get_count (self->watches) > 1;
}

void
identifai_poller_doubt_batch (IdentifaiPoller * self, IdentifaiDoubt doubt)
{
  if (!self->single_works) {
    GST_INFO ("batch call of %s doesn't work, trying a single one",
        self->client->host);
    self->doubt = doubt;
    return;
  }

  GST_INFO ("batch call of %s doesn't work, asking for single results",
      self->client->host);
  self->single_works = FALSE;
  self->n_nameless = 0;
  self->max_batch = MAX_BATCH;
  self->no_batch_until = g_get_monotonic_time ()
      + identifai_backoff_scale (BATCH_PAUSE);
}

void
identifai_poller_batch_worked (IdentifaiPoller * self, gboolean named)
{
  if (named) {
    self->single_works = FALSE;
    self->n_nameless = 0;
  } else if (++self->n_nameless >= MAX_NAMELESS) {
    identifai_poller_doubt_batch (self, IDENTIFAI_DOUBT_NAMELESS);
  }
}

static void
end_doubt (IdentifaiPoller * self, gboolean single_works)
{
  if (self->doubt == IDENTIFAI_DOUBT_NONE)
    return;

  GST_INFO ("a single look at %s %s", self->client->host,
      single_works ? "works" : "fails or finds nothing, too");
  self->doubt = IDENTIFAI_DOUBT_NONE;
  self->single_works = single_works;
  self->max_batch = MAX_BATCH;
}

void
identifai_poller_single_worked (IdentifaiPoller * self)
{
  end_doubt (self, TRUE);
}

void
identifai_poller_single_found_nothing (IdentifaiPoller * self)
{
  /* The batches were right to name nothing. Of one that is broken this tells
   * nothing. */
  if (self->doubt != IDENTIFAI_DOUBT_NAMELESS)
    return;
  self->n_nameless = 0;
  end_doubt (self, FALSE);
}

void
identifai_poller_single_failed (IdentifaiPoller * self)
{
  end_doubt (self, FALSE);
}

/* The poller. */

IdentifaiPoller *
identifai_poller_new (IdentifaiAccount * client)
{
  IdentifaiPoller *self = g_new0 (IdentifaiPoller, 1);

  self->client = client;
  self->watches = identifai_pending_set_new (identifai_poll_lose, self);
  self->max_batch = MAX_BATCH;

  return self;
}

void
identifai_poller_free (IdentifaiPoller * self)
{
  identifai_pending_set_free (self->watches);
  g_free (self);
}

void
identifai_poller_add (IdentifaiPoller * self, IdentifaiJob * job)
{
  job->client = self->client;
  identifai_pending_set_add (self->watches, job, first_delay (self));
}

void
identifai_poller_remove (IdentifaiPoller * self, IdentifaiJob * job)
{
  identifai_pending_set_remove (self->watches, job);
}

/* The latest look may tell why. */
static gchar *
describe_expiry (const IdentifaiJob * job)
{
  guint64 seconds = job->lane->settings.verdict_timeout / GST_SECOND;
  const gchar *failure = job->watch->failure;

  return g_strdup_printf ("No final result within %" G_GUINT64_FORMAT
      " s of the upload (verdict-timeout)%s%s", seconds,
      failure ? ". The latest look at it: " : "", failure ? failure : "");
}

static void
expire (IdentifaiPoller * self, IdentifaiJob * job)
{
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_TIMEOUT,
    .http_status = job->watch->failure_status
  };

  outcome.message = describe_expiry (job);
  identifai_job_ref (job);
  identifai_pending_set_remove (self->watches, job);
  identifai_job_finish (job, &outcome);
  identifai_job_unref (job);
  g_free (outcome.message);
}

/* When the next look may start, if there is anything to look at. */
static gint64
next_look (IdentifaiPoller * self, gint64 now)
{
  IdentifaiPending *watch = identifai_pending_set_first (self->watches);
  gint64 due;

  /* A look that ends wakes the client. */
  if (!watch || self->n_looks >= IDENTIFAI_MAX_POLLS)
    return G_MAXINT64;

  /* The budget is asked for looks that wait for it only. */
  due = MAX (watch->due, self->next_start);
  if (due > now)
    return due;

  return identifai_launch_next (self->client, IDENTIFAI_CALL_GET, now);
}

gint64
identifai_poller_run (IdentifaiPoller * self, gint64 now)
{
  IdentifaiJob *job;
  gint64 next;

  while ((job = identifai_pending_set_first_deadline (self->watches))
      && job->deadline <= now)
    expire (self, job);

  while ((next = next_look (self, now)) <= now)
    identifai_poll_start (self, identifai_pending_set_first (self->watches),
        now);

  job = identifai_pending_set_first_deadline (self->watches);

  return job ? MIN (next, job->deadline) : next;
}
