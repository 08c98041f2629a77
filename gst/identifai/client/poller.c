/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When to ask for results: as often as the limit lets it, and for those that may
 * be there. What a poll on the wire asks for is out of the schedule, and gets back
 * with its answer, unless that was final. The call itself: pollcall.c.
 */

#include "log.h"
#include "pollerprivate.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

#define MAX_BATCH 100
/* How long a batch call that didn't work is left alone. */
#define BATCH_PAUSE (10 * G_TIME_SPAN_MINUTE)
/* A batch of two whose connection breaks so often in a row may be at fault. */
#define MAX_SMALL_BREAKS 3
/* So many batches in a row may name nothing that was asked for: the service may
 * leave out what isn't final. */
#define MAX_NAMELESS 3

/* Before anything was learned: from the submit call to the first poll. */
#define FIRST_POLL (1 * G_TIME_SPAN_SECOND)
#define FIRST_POLL_MIN (250 * G_TIME_SPAN_MILLISECOND)
/* Between two polls of one result: at least POLL_INTERVAL, and longer for one
 * that takes long, a POLL_SHARE of the time that it has taken. */
#define POLL_INTERVAL (1 * G_TIME_SPAN_SECOND)
#define POLL_SHARE 60

/* What was learned. */

static gint64
first_delay (IdentifaiPoller * self)
{
  gint64 shortest = G_MAXINT64;
  guint i;

  if (self->n_recent == 0)
    return identifai_backoff_scale (FIRST_POLL);

  for (i = 0; i < MIN (self->n_recent, IDENTIFAI_N_RECENT); i++)
    shortest = MIN (shortest, self->recent[i]);

  return MAX (shortest - shortest / 10,
      identifai_backoff_scale (FIRST_POLL_MIN));
}

gint64
identifai_poller_estimate (const IdentifaiPending * pending, gint64 now)
{
  gint64 took = now - pending->since;

  /* Final at the first poll: it may have been for long. */
  return pending->n_answers <= 1 ? took - took / 3 : took;
}

void
identifai_poller_learn (IdentifaiPoller * self, gint64 took)
{
  GST_DEBUG ("a result of %s took about %.1f s", self->account->host,
      took / (gdouble) G_TIME_SPAN_SECOND);
  self->recent[self->n_recent++ % IDENTIFAI_N_RECENT] = took;
}

void
identifai_poller_keep_waiting (IdentifaiPoller * self,
    IdentifaiPending * pending)
{
  gint64 now = identifai_clock_now ();
  gint64 interval = pending->poll_interval;

  if (interval == 0)
    interval = MAX (identifai_backoff_scale (POLL_INTERVAL),
        (now - pending->since) / POLL_SHARE);
  if (pending->wanted)
    interval = 0;

  GST_LOG
      ("%s of %s isn't final after %.1f s, asked for again %.2f s after the "
      "latest poll", pending->identifier, self->account->host,
      (now - pending->since) / (gdouble) G_TIME_SPAN_SECOND,
      interval / (gdouble) G_TIME_SPAN_SECOND);
  pending->alone = FALSE;
  identifai_pending_note (pending, NULL, 0);
  identifai_pending_schedule (&self->pending, pending,
      pending->asked_at + interval);
}

gboolean
identifai_poller_may_join (const IdentifaiPending * pending, gint64 now)
{
  gint64 interval = pending->poll_interval;

  if (pending->asked_at == 0)
    return TRUE;
  if (interval == 0)
    interval = identifai_backoff_scale (POLL_INTERVAL) / 2;

  return pending->asked_at + interval <= now;
}

/* Together or one by one. */

gboolean
identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now)
{
  return now >= self->no_batch_until && self->doubt == IDENTIFAI_DOUBT_NONE
      && g_hash_table_size (self->pending.by_identifier) > 1;
}

void
identifai_poller_doubt_batch (IdentifaiPoller * self, IdentifaiDoubt doubt)
{
  if (!self->single_works) {
    GST_INFO ("batch call of %s doesn't work, trying a single one",
        self->account->host);
    self->doubt = doubt;
    return;
  }

  GST_INFO ("batch call of %s doesn't work, asking for single results",
      self->account->host);
  self->single_works = FALSE;
  self->n_nameless = 0;
  self->max_batch = MAX_BATCH;
  self->no_batch_until = identifai_clock_now ()
      + identifai_backoff_scale (BATCH_PAUSE);
}

gboolean
identifai_poller_batch_broke (IdentifaiPoller * self, guint size)
{
  if (size <= 2)
    return ++self->n_small_breaks < MAX_SMALL_BREAKS;

  self->n_breaks = MIN (self->n_breaks + 1, g_bit_storage (MAX_BATCH));
  GST_DEBUG ("a poll of %u results at %s broke off, up to %u at once now", size,
      self->account->host, identifai_poller_get_max_batch (self));

  return TRUE;
}

guint
identifai_poller_get_max_batch (IdentifaiPoller * self)
{
  return MAX (self->max_batch >> self->n_breaks, MIN (self->max_batch, 2));
}

void
identifai_poller_batch_worked (IdentifaiPoller * self, gboolean named)
{
  GST_LOG ("batch call of %s works, and names %s of what was asked for",
      self->account->host, named ? "some" : "none");
  self->n_small_breaks = 0;
  if (self->n_breaks > 0)
    self->n_breaks--;
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

  GST_INFO ("a poll of a single result at %s %s", self->account->host,
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
identifai_poller_new (IdentifaiAccount * account, IdentifaiKind kind)
{
  IdentifaiPoller *self = g_new0 (IdentifaiPoller, 1);

  self->account = account;
  self->kind = identifai_kind_get_info (kind);
  identifai_pending_init (&self->pending);
  self->max_batch = MAX_BATCH;

  return self;
}

void
identifai_poller_free (IdentifaiPoller * self)
{
  identifai_pending_clear (&self->pending);
  g_free (self);
}

void
identifai_poller_add (IdentifaiPoller * self, IdentifaiJob * job)
{
  gint64 delay = first_delay (self);

  GST_DEBUG_ID (job->client->settings.name, "segment %u: first poll %.2f s "
      "after its upload, as of %u results before it", job->segment,
      delay / (gdouble) G_TIME_SPAN_SECOND,
      MIN (self->n_recent, IDENTIFAI_N_RECENT));
  identifai_pending_add (&self->pending, job, delay);
  identifai_account_wake (self->account);
}

void
identifai_poller_remove (IdentifaiPoller * self, IdentifaiJob * job)
{
  if (job->pending)
    identifai_pending_remove (&self->pending, job);
}

/* What a poll asks for that is under way may have been answered before it is. */
void
identifai_poller_look (IdentifaiPoller * self, const gchar * identifier)
{
  IdentifaiPending *pending =
      g_hash_table_lookup (self->pending.by_identifier, identifier);

  if (!pending)
    return;
  GST_DEBUG_ID (identifai_pending_get_client (pending)->settings.name,
      "somebody wants to know of %s now%s", identifier, pending->poll ?
      ", which is being asked for" : "");
  pending->wanted = pending->poll != NULL;
  if (!pending->poll)
    identifai_pending_schedule (&self->pending, pending,
        identifai_clock_now ());
  identifai_account_wake (self->account);
}

/* The latest poll may tell why. */
static void
expire (IdentifaiPoller * self, IdentifaiJob * job)
{
  GstClockTime timeout = job->client->settings.verdict_timeout;
  gboolean whole = timeout % GST_SECOND == 0;
  const gchar *failure = job->pending->failure;
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_TIMEOUT,
    .http_status = job->pending->failure_status
  };

  outcome.message = g_strdup_printf ("No final result within %.15g %s of the "
      "upload (verdict-timeout)%s%s", timeout / (gdouble) (whole ? GST_SECOND :
          GST_MSECOND), whole ? "s" : "ms",
      failure ? ". The latest look at it: " : "", failure ? failure : "");
  GST_INFO_ID (job->client->settings.name, "segment %u (%s): %s", job->segment,
      job->identifier, outcome.message);
  identifai_job_finish (job, &outcome);
  g_free (outcome.message);
}

static void
expire_all (IdentifaiPoller * self, gint64 now)
{
  IdentifaiJob *job;

  while ((job = identifai_pending_first_deadline (&self->pending))
      && job->deadline <= now)
    expire (self, job);
}

/* Of all kinds, and whose it is: who has waited for longest goes first. NULL: there
 * is nothing to ask for. */
static IdentifaiPending *
find_first (IdentifaiAccount * account, IdentifaiPoller ** poller)
{
  IdentifaiPending *first = NULL;
  guint kind;

  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++) {
    IdentifaiPending *pending =
        identifai_pending_first (&account->pollers[kind]->pending);

    if (!pending || (first && first->due <= pending->due))
      continue;
    first = pending;
    *poller = account->pollers[kind];
  }

  return first;
}

/* When the next poll may start, if there is anything to ask for. */
static gint64
next_poll (IdentifaiAccount * account, IdentifaiPending * first, gint64 now)
{
  gint64 due;

  /* A poll that ends wakes the account. */
  if (first && account->n_polls >= IDENTIFAI_MAX_POLLS)
    GST_LOG ("the next poll of %s waits for the end of one of %u",
        account->host, account->n_polls);
  if (!first || account->n_polls >= IDENTIFAI_MAX_POLLS)
    return G_MAXINT64;

  /* The budget is asked for polls that wait for it only. */
  due = MAX (first->due, account->next_poll);
  if (due > now)
    GST_LOG ("the next poll of %s is due in %d ms", account->host,
        (gint) ((due - now) / G_TIME_SPAN_MILLISECOND));
  if (due > now)
    return due;

  return identifai_account_next_call (account, IDENTIFAI_CALL_GET, now,
      identifai_pending_get_client (first)->settings.name);
}

gint64
identifai_pollers_run (IdentifaiAccount * account, gint64 now)
{
  IdentifaiPoller *poller = NULL;
  IdentifaiPending *first;
  IdentifaiJob *job;
  gint64 next;
  guint kind;

  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    expire_all (account->pollers[kind], now);

  first = find_first (account, &poller);
  while ((next = next_poll (account, first, now)) <= now) {
    identifai_poll_start (poller, first, now);
    first = find_first (account, &poller);
  }

  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++) {
    job = identifai_pending_first_deadline (&account->pollers[kind]->pending);
    next = job ? MIN (next, job->deadline) : next;
  }

  return next;
}
