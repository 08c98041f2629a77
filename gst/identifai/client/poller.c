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

#define NAME(pending) identifai_pending_get_job (pending)->client->settings.name

#define MAX_BATCH 100
/* How long a batch call that didn't work is left alone. */
#define BATCH_PAUSE (10 * G_TIME_SPAN_MINUTE)
/* A batch of two whose connection breaks so often in a row may be at fault. */
#define MAX_SMALL_BREAKS 3
/* So many batches in a row may name nothing that was asked for: the service may
 * leave out what isn't final. */
#define MAX_NAMELESS 3

/* How far polls are apart while so much of a minute's aren't used. */
#define CLOSE (300 * G_TIME_SPAN_MILLISECOND)
#define CLOSE_USE 0.75
/* What a poll has to gain; more, where the key is shared. */
#define PRICE (30 * G_TIME_SPAN_MILLISECOND)
#define SHARED_PRICE (4 * PRICE)

/* When the next one is worth it. */

static gboolean
may_be_close (IdentifaiAccount * account, gint64 now)
{
  return identifai_limiter_get_use (account->limits->starts,
      IDENTIFAI_CALL_GET, now) < CLOSE_USE;
}

/* Between two polls, evenly in a minute unless they may be close. */
static gint64
get_distance (IdentifaiAccount * account, gboolean close)
{
  gint64 least = identifai_backoff_scale (CLOSE);

  return close ? least : MAX (least, account->poll_distance);
}

static gint64
get_price (IdentifaiPoller * self)
{
  gdouble part = identifai_limiter_get_part (self->account->limits->starts,
      IDENTIFAI_CALL_GET);

  return identifai_backoff_scale (part < 1 ? SHARED_PRICE / MAX (part, 0.1) :
      PRICE);
}

/* µs since the service took the file. age: of the latest poll, 0 = none. */
static gint64
next_age (IdentifaiPoller * self, gint64 age)
{
  gboolean close = may_be_close (self->account, identifai_clock_now ());

  return identifai_poll_times_next (&self->judging, age,
      get_distance (self->account, close), get_price (self), close);
}

void
identifai_poller_learn (IdentifaiPending * pending)
{
  IdentifaiPoller *self = pending->poller;
  gint64 after = MAX (pending->unfinished_at - pending->since, 0);
  gint64 until = pending->asked_at - pending->since;

  /* While polls failed, it may have been final for long. */
  if (pending->failures > 0 || pending->resumed)
    return;
  GST_DEBUG_ID (NAME (pending), "segment %u (%s): the result took between "
      "%.2f and %.2f s", identifai_pending_get_job (pending)->segment,
      pending->identifier, after / (gdouble) G_TIME_SPAN_SECOND,
      until / (gdouble) G_TIME_SPAN_SECOND);
  identifai_poll_times_learn (&self->judging, after, until);
}

void
identifai_poller_keep_waiting (IdentifaiPending * pending)
{
  IdentifaiJob *job = identifai_pending_get_job (pending);
  gint64 age = pending->asked_at - pending->since;
  gint64 next = pending->poll_interval > 0 ? age + pending->poll_interval :
      next_age (pending->poller, age);

  if (pending->wanted)
    next = age;

  GST_DEBUG_ID (job->client->settings.name, "segment %u (%s) isn't final "
      "after %.2f s, asked for again %.2f s after the latest poll",
      job->segment, pending->identifier, age / (gdouble) G_TIME_SPAN_SECOND,
      (next - age) / (gdouble) G_TIME_SPAN_SECOND);
  pending->alone = FALSE;
  pending->unfinished_at = pending->asked_at;
  identifai_pending_note (pending, NULL, 0);
  identifai_pending_schedule (pending, pending->since + next);
}

gboolean
identifai_poller_may_join (const IdentifaiPending * pending, gint64 now)
{
  gint64 interval = pending->poll_interval;

  if (pending->asked_at == 0)
    return TRUE;
  if (interval == 0)
    interval = identifai_backoff_scale (IDENTIFAI_POLL_INTERVAL) / 2;

  return pending->asked_at + interval <= now;
}

/* Together or one by one. */

gboolean
identifai_poller_uses_batch (IdentifaiPoller * self, gint64 now)
{
  return now >= self->no_batch_until && self->doubt == IDENTIFAI_DOUBT_NONE
      && g_hash_table_size (self->pending) > 1;
}

void
identifai_poller_doubt_batch (IdentifaiPoller * self, const gchar * names,
    IdentifaiDoubt doubt)
{
  if (!self->single_works) {
    GST_INFO_ID (names, "batch call of %s doesn't work, trying a single one",
        self->account->host);
    self->doubt = doubt;
    return;
  }

  GST_INFO_ID (names,
      "batch call of %s doesn't work, asking for single results",
      self->account->host);
  self->single_works = FALSE;
  self->n_nameless = 0;
  self->max_batch = MAX_BATCH;
  self->no_batch_until = identifai_clock_now ()
      + identifai_backoff_scale (BATCH_PAUSE);
}

gboolean
identifai_poller_batch_broke (IdentifaiPoller * self, const gchar * names,
    guint size)
{
  if (size <= 2)
    return ++self->n_small_breaks < MAX_SMALL_BREAKS;

  self->n_breaks = MIN (self->n_breaks + 1, g_bit_storage (MAX_BATCH));
  GST_DEBUG_ID (names,
      "a poll of %u results at %s broke off, up to %u at once now", size,
      self->account->host, identifai_poller_get_max_batch (self));

  return TRUE;
}

guint
identifai_poller_get_max_batch (IdentifaiPoller * self)
{
  return MAX (self->max_batch >> self->n_breaks, MIN (self->max_batch, 2));
}

void
identifai_poller_batch_worked (IdentifaiPoller * self, const gchar * names,
    gboolean named)
{
  GST_LOG_ID (names,
      "batch call of %s works, and names %s of what was asked for",
      self->account->host, named ? "some" : "none");
  self->n_small_breaks = 0;
  if (self->n_breaks > 0)
    self->n_breaks--;
  if (named) {
    self->single_works = FALSE;
    self->n_nameless = 0;
  } else if (++self->n_nameless >= MAX_NAMELESS) {
    identifai_poller_doubt_batch (self, names, IDENTIFAI_DOUBT_NAMELESS);
  }
}

void
identifai_poller_end_doubt (IdentifaiPoller * self, const gchar * names,
    gboolean single_works)
{
  if (self->doubt == IDENTIFAI_DOUBT_NONE)
    return;

  GST_INFO_ID (names, "a poll of a single result at %s %s", self->account->host,
      single_works ? "works" : "fails or finds nothing, too");
  self->doubt = IDENTIFAI_DOUBT_NONE;
  self->single_works = single_works;
  self->max_batch = MAX_BATCH;
}

void
identifai_poller_single_found_nothing (IdentifaiPoller * self,
    const gchar * names)
{
  /* The batches were right to name nothing. Of one that is broken this tells
   * nothing. */
  if (self->doubt != IDENTIFAI_DOUBT_NAMELESS)
    return;
  self->n_nameless = 0;
  identifai_poller_end_doubt (self, names, FALSE);
}

/* The poller. */

IdentifaiPoller *
identifai_poller_new (IdentifaiAccount * account, IdentifaiKind kind)
{
  IdentifaiPoller *self = g_new0 (IdentifaiPoller, 1);

  self->account = account;
  self->kind = identifai_kind_get_info (kind);
  self->pending = g_hash_table_new (g_str_hash, g_str_equal);
  self->max_batch = MAX_BATCH;

  return self;
}

void
identifai_poller_free (IdentifaiPoller * self)
{
  g_hash_table_unref (self->pending);
  g_free (self);
}

void
identifai_poller_add (IdentifaiPoller * self, IdentifaiJob * job)
{
  gint64 delay = next_age (self, 0);

  GST_DEBUG_ID (job->client->settings.name, "segment %u: first poll %.2f s "
      "after its upload, as of %u results before it", job->segment,
      delay / (gdouble) G_TIME_SPAN_SECOND, self->judging.n);
  identifai_pending_add (self, job, delay);
  identifai_account_wake (self->account);
}

/* What a poll asks for that is under way may have been answered before it is. */
void
identifai_poller_look (IdentifaiPoller * self, const gchar * identifier)
{
  IdentifaiPending *pending = g_hash_table_lookup (self->pending, identifier);

  if (!pending)
    return;
  GST_DEBUG_ID (NAME (pending),
      "somebody wants to know of %s now%s", identifier, pending->poll ?
      ", which is being asked for" : "");
  pending->wanted = pending->poll != NULL;
  if (!pending->poll)
    identifai_pending_schedule (pending, identifai_clock_now ());
  identifai_account_wake (self->account);
}

static void
hurry (IdentifaiPoller * self, gint64 now)
{
  IdentifaiPending *pending;
  GHashTableIter iter;

  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) & pending))
    if (pending->failures > 0 && pending->due_iter != NULL
        && pending->due > now)
      identifai_pending_schedule (pending, now);
}

/* How many failed in a row is remembered: if it is the polls alone that fail, there is
 * one for each upload. */
void
identifai_pollers_reached (IdentifaiAccount * account)
{
  IdentifaiPending *first = identifai_pending_first (account);
  gint64 now = identifai_clock_now ();
  guint kind;

  if (!account->unreachable)
    return;
  if (first != NULL)
    GST_DEBUG_ID (NAME (first),
        "%s is there again: polls that would wait %d ms " "don't",
        account->host, (gint) (MAX (account->no_poll_before - now, 0)
            / G_TIME_SPAN_MILLISECOND));
  account->unreachable = FALSE;
  account->no_poll_before = 0;
  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    hurry (account->pollers[kind], now);
  identifai_account_wake (account);
}

gint64
identifai_pollers_next (IdentifaiAccount * account, gint64 now)
{
  IdentifaiPending *first = identifai_pending_first (account);
  gint64 due, distance;

  if (!first)
    return G_MAXINT64;
  /* A poll that ends wakes the account. */
  if (account->n_polls >= IDENTIFAI_MAX_POLLS) {
    GST_LOG_ID (NAME (first), "the next poll of %s waits for the end of one of "
        "%u", account->host, account->n_polls);
    return G_MAXINT64;
  }

  /* While one is on the way it isn't known when it arrives, and so how close the next
   * one may be. */
  distance = get_distance (account, account->n_polls == 0
      && may_be_close (account, now));
  due = MAX (first->due, account->latest_poll + distance);
  due = MAX (due, account->no_poll_before);
  if (due > now) {
    GST_LOG_ID (NAME (first), "the next poll of %s is due in %d ms, %u are "
        "under way", account->host, (gint) ((due - now)
            / G_TIME_SPAN_MILLISECOND), account->n_polls);
    return due;
  }

  /* The limits are asked for polls that wait for it only. */
  return identifai_account_next_call (account, IDENTIFAI_CALL_GET, now,
      NAME (first));
}
