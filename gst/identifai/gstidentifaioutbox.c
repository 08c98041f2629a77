/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is offered and whether there is room for it, the waits at EOS, and how it
 * all starts and stops.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "log.h"
#include "overhead.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

GstIdentifaiOutbox *
gst_identifai_outbox_new (GstElement * element)
{
  GstIdentifaiOutbox *self = g_new0 (GstIdentifaiOutbox, 1);

  self->refcount = 1;
  self->element = element;
  self->poster = gst_identifai_poster_new (element);
  self->ledger = identifai_ledger_new ();
  self->policy = identifai_policy_new ();
  identifai_hourly_quota_init (&self->allowance);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->to_mux);

  return self;
}

GstIdentifaiOutbox *
gst_identifai_outbox_ref (GstIdentifaiOutbox * self)
{
  g_atomic_int_inc (&self->refcount);

  return self;
}

void
gst_identifai_outbox_unref (GstIdentifaiOutbox * self)
{
  if (!g_atomic_int_dec_and_test (&self->refcount))
    return;

  identifai_ledger_free (self->ledger);
  identifai_policy_free (self->policy);
  identifai_hourly_quota_clear (&self->allowance);
  gst_identifai_poster_free (self->poster);
  g_clear_object (&self->cancellable);
  g_free (self->muxer);
  g_free (self->losses.text);
  g_free (self->call_failure);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
gst_identifai_outbox_free (GstIdentifaiOutbox * self)
{
  g_assert (self->worker == NULL);

  /* Only if the element went without a state change, which core complains of. */
  g_clear_pointer (&self->client, identifai_client_close);
  self->element = NULL;
  gst_identifai_outbox_unref (self);
}

void
gst_identifai_outbox_queue (GstIdentifaiOutbox * self, GstMessage * message)
{
  gst_identifai_poster_queue (self->poster, message);
}

void
gst_identifai_outbox_post (GstIdentifaiOutbox * self)
{
  gst_identifai_poster_run (self->poster);
}

void
gst_identifai_outbox_post_elsewhere (GstIdentifaiOutbox * self)
{
  gst_identifai_poster_kick (self->poster);
}

gboolean
gst_identifai_outbox_post_all (GstIdentifaiOutbox * self)
{
  return gst_identifai_poster_drain (self->poster);
}

/* Room. */

static GstIdentifaiOverflow
policy_locked (GstIdentifaiOutbox * self)
{
  if (self->overflow != GST_IDENTIFAI_OVERFLOW_AUTO)
    return self->overflow;

  return self->live ? GST_IDENTIFAI_OVERFLOW_DROP_OLDEST :
      GST_IDENTIFAI_OVERFLOW_BLOCK;
}

guint64
gst_identifai_outbox_get_need (const IdentifaiSegment * segment)
{
  guint n_buffers = 0, i;

  if (segment->tracks == NULL)
    return segment->bytes;

  for (i = 0; i < segment->tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (segment->tracks, i);

    n_buffers += track->buffers->len;
  }

  return segment->bytes + identifai_container_overhead (segment->tracks->len,
      n_buffers, segment->bytes);
}

static gboolean
has_room_locked (GstIdentifaiOutbox * self, guint64 bytes)
{
  return identifai_ledger_has_room (self->ledger, bytes,
      self->max_pending_bytes, self->max_pending_segments);
}

/* Whether the segment can still be taken back from where it is. */
static gboolean
withdraw_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  switch (identifai_ledger_get_place (self->ledger, segment)) {
    case IDENTIFAI_PLACE_CLOSED:
      return g_queue_remove (&self->to_mux, segment);
    case IDENTIFAI_PLACE_WAITING:
      return identifai_client_withdraw (self->client, segment);
    case IDENTIFAI_PLACE_MUXING:
    case IDENTIFAI_PLACE_TAKEN:
      break;
  }

  return FALSE;
}

/* FALSE: everything that waits is on its way already. */
static gboolean
drop_oldest_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  guint i;

  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (withdraw_locked (self, segment)) {
      gst_identifai_outbox_overflowed_locked (self, segment);
      return TRUE;
    }
  }

  return FALSE;
}

/* Without a worker: what isn't posted before the end doesn't count. */
static void
uncount_unsent_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  guint i;

  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (identifai_ledger_get_place (self->ledger, segment)
        == IDENTIFAI_PLACE_CLOSED || withdraw_locked (self, segment))
      gst_identifai_outbox_uncount_locked (self, segment);
  }
}

/* TRUE: there is room now. */
static gboolean
make_room_locked (GstIdentifaiOutbox * self, guint64 bytes)
{
  while (!has_room_locked (self, bytes)) {
    if (policy_locked (self) != GST_IDENTIFAI_OVERFLOW_DROP_OLDEST
        || !drop_oldest_locked (self))
      return FALSE;
  }

  return TRUE;
}

static void
add_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  identifai_ledger_add (self->ledger, segment,
      gst_identifai_outbox_get_need (segment), IDENTIFAI_PLACE_CLOSED);
}

/* Whether it may be posted, for all that was posted in the last hour. */
static gboolean
is_within_budget_locked (GstIdentifaiOutbox * self)
{
  return self->max_uploads == 0
      || identifai_hourly_quota_is_left (&self->allowance, self->max_uploads,
      g_get_monotonic_time ());
}

static void
count_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  if (self->max_uploads == 0)
    return;
  identifai_hourly_quota_take (&self->allowance, g_get_monotonic_time ());
  gst_identifai_outbox_ticket (segment)->counted = TRUE;
  gst_identifai_outbox_within_budget_locked (self);
}

static void
accept_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  add_locked (self, segment);
  if (segment->failure == IDENTIFAI_REASON_NONE)
    count_locked (self, segment);
  if (segment->failure != IDENTIFAI_REASON_NONE)
    gst_identifai_outbox_file_failed_locked (self, segment);
  else if (segment->file != NULL)
    gst_identifai_outbox_submit_locked (self, segment);
  else
    gst_identifai_outbox_mux_locked (self, segment);
}

static void
accept_with_room_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  gst_identifai_outbox_found_room_locked (self);
  if (!self->had_to_wait)
    gst_identifai_outbox_not_held_locked (self);
  self->had_to_wait = FALSE;
  accept_locked (self, segment);
}

gboolean
gst_identifai_outbox_offer (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  gboolean taken = TRUE;

  g_mutex_lock (&self->lock);
  if (segment->failure != IDENTIFAI_REASON_NONE) {
    accept_locked (self, segment);
  } else if (self->halting || self->client == NULL) {
    taken = FALSE;
  } else if (!is_within_budget_locked (self)) {
    add_locked (self, segment);
    gst_identifai_outbox_over_budget_locked (self, segment);
  } else if (make_room_locked (self, gst_identifai_outbox_get_need (segment))) {
    accept_with_room_locked (self, segment);
  } else if (policy_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK) {
    self->had_to_wait = TRUE;
    self->room_wanted = TRUE;
    taken = FALSE;
  } else {
    add_locked (self, segment);
    gst_identifai_outbox_overflowed_locked (self, segment);
  }
  g_mutex_unlock (&self->lock);

  return taken;
}

void
gst_identifai_outbox_push (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  g_mutex_lock (&self->lock);
  if (segment->failure != IDENTIFAI_REASON_NONE
      || is_within_budget_locked (self)) {
    accept_locked (self, segment);
  } else {
    add_locked (self, segment);
    gst_identifai_outbox_over_budget_locked (self, segment);
  }
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_outbox_give_up (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const gchar * reason)
{
  g_mutex_lock (&self->lock);
  add_locked (self, segment);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  gst_identifai_outbox_end_dropped_locked (self, segment, reason);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_outbox_set_room_func (GstIdentifaiOutbox * self,
    GstIdentifaiRoomFunc func)
{
  self->room_func = func;
}

void
gst_identifai_outbox_tell_room (GstIdentifaiOutbox * self)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted = self->room_wanted && !self->halting && self->client != NULL;
  self->room_wanted = self->room_wanted && !wanted;
  g_mutex_unlock (&self->lock);

  if (wanted && self->room_func)
    self->room_func (self->element);
}

guint64
gst_identifai_outbox_get_space (GstIdentifaiOutbox * self)
{
  guint64 held, most;

  g_mutex_lock (&self->lock);
  held = identifai_ledger_get_totals (self->ledger)->held_bytes;
  most = self->max_pending_bytes;
  g_mutex_unlock (&self->lock);

  return held < most ? most - held : 0;
}

gboolean
gst_identifai_outbox_blocks (GstIdentifaiOutbox * self)
{
  gboolean blocks;

  g_mutex_lock (&self->lock);
  blocks = policy_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK;
  g_mutex_unlock (&self->lock);

  return blocks;
}

/* Starting and stopping. */

static void
copy_settings_locked (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings)
{
  self->overflow = settings->overflow;
  self->max_pending_bytes = settings->max_pending_bytes;
  self->max_pending_segments = settings->max_pending_segments;
  self->max_uploads = settings->max_uploads_per_hour;
  self->max_segment_bytes = settings->max_segment_bytes;
  self->on_refusal = settings->on_refusal;
  g_free (self->muxer);
  self->muxer = g_strdup (settings->muxer ? settings->muxer : "auto");
  gst_identifai_outbox_set_policy_locked (self, settings->policy);
}

static void
reset_locked (GstIdentifaiOutbox * self)
{
  identifai_ledger_reset (self->ledger);
  identifai_policy_reset (self->policy);
  g_atomic_int_set (&self->boosted, FALSE);
  self->past = (IdentifaiClientStats) {
  0};
  self->live = FALSE;
  self->had_to_wait = FALSE;
  self->flushing = self->room_wanted = FALSE;
  gst_identifai_poster_set_interrupted (self->poster, FALSE);
  gst_identifai_outbox_reset_outcomes_locked (self);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
}

gboolean
gst_identifai_outbox_start (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error)
{
  IdentifaiClientSettings client_settings;
  IdentifaiClient *client;

  if (!gst_identifai_settings_to_client (settings, &client_settings, error))
    return FALSE;
  client =
      identifai_client_new (&client_settings, &gst_identifai_outbox_callbacks,
      self, error);
  identifai_client_settings_clear (&client_settings);
  if (client == NULL)
    return FALSE;

  g_mutex_lock (&self->lock);
  g_assert (self->client == NULL);
  copy_settings_locked (self, settings);
  reset_locked (self);
  self->client = client;
  g_mutex_unlock (&self->lock);

  return TRUE;
}

static void
add_client_stats (IdentifaiClientStats * sum, IdentifaiClient * client)
{
  IdentifaiClientStats stats;

  if (client == NULL)
    return;
  identifai_client_get_stats (client, &stats);
  sum->bytes_uploaded += stats.bytes_uploaded;
  sum->post_requests += stats.post_requests;
  sum->get_requests += stats.get_requests;
  sum->retries += stats.retries;
  sum->throttled += stats.throttled;
  sum->in_flight = stats.in_flight;
}

void
gst_identifai_outbox_stop (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  IdentifaiClient *client;

  g_mutex_lock (&self->lock);
  if (self->client != NULL) {
    gst_identifai_outbox_halt_worker_locked (self);
    uncount_unsent_locked (self);
    client = g_steal_pointer (&self->client);
    add_client_stats (&self->past, client);
    self->past.in_flight = 0;
    /* Waits for a callback that runs, and that one may want the lock. */
    g_mutex_unlock (&self->lock);
    identifai_client_close (client);
    g_mutex_lock (&self->lock);
  }
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL) {
    identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
    gst_identifai_outbox_end_dropped_locked (self, segment, "stopped");
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_poster_finish (self->poster);
}

void
gst_identifai_outbox_set_live (GstIdentifaiOutbox * self, gboolean live)
{
  g_mutex_lock (&self->lock);
  self->live = live;
  g_mutex_unlock (&self->lock);
}

/* Keeps its memory while another thread may close it. */
static IdentifaiClient *
ref_client (GstIdentifaiOutbox * self)
{
  IdentifaiClient *client = NULL;

  g_mutex_lock (&self->lock);
  if (self->client != NULL)
    client = identifai_client_ref (self->client);
  g_mutex_unlock (&self->lock);

  return client;
}

void
gst_identifai_outbox_set_headers (GstIdentifaiOutbox * self,
    IdentifaiExtraHeaders * headers)
{
  IdentifaiClient *client = ref_client (self);

  if (client != NULL) {
    identifai_client_set_headers (client, headers);
    identifai_client_unref (client);
  }
}

void
gst_identifai_outbox_set_key (GstIdentifaiOutbox * self, const gchar * api_key)
{
  IdentifaiClient *client = ref_client (self);

  if (client != NULL) {
    identifai_client_set_key (client, api_key);
    identifai_client_unref (client);
  }
}

/* Waits. */

void
gst_identifai_outbox_set_flushing (GstIdentifaiOutbox * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_poster_set_interrupted (self->poster, flushing);
}

static void
fail_all_locked (GstIdentifaiOutbox * self)
{
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_TIMEOUT };
  IdentifaiSegment *segment;

  /* Unlocks, as a callback that runs may want the lock. What that one makes room
   * for, an audio thread or the timer might offer: it must not be added to what
   * is about to be freed. */
  self->halting = TRUE;
  gst_identifai_outbox_halt_worker_locked (self);
  uncount_unsent_locked (self);
  g_mutex_unlock (&self->lock);
  identifai_client_cancel (self->client);
  g_mutex_lock (&self->lock);
  self->halting = FALSE;

  outcome.http_status = self->call_status;
  outcome.message = g_strdup_printf ("no verdict within drain-timeout after "
      "end of stream%s%s", self->call_failure ? ". The latest call: " : "",
      self->call_failure ? self->call_failure : "");
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL) {
    identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
    outcome.identifier = gst_identifai_outbox_ticket (segment)->identifier;
    gst_identifai_outbox_end_failed_locked (self, segment, &outcome);
  }
  g_free (outcome.message);
  /* More may come after a seek. */
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
}

typedef gboolean (*ReadyFunc) (GstIdentifaiOutbox * self, guint64 bytes);

static gboolean
nothing_pending_locked (GstIdentifaiOutbox * self, guint64 unused)
{
  return identifai_ledger_get_totals (self->ledger)->pending == 0;
}

/* Waits until ready, until flushing (FALSE), or until the deadline, when all
 * that is outstanding fails. */
static gboolean
wait_for (GstIdentifaiOutbox * self, ReadyFunc ready, guint64 bytes,
    gint64 deadline)
{
  gboolean flushing, in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (!self->flushing && in_time && !ready (self, bytes)) {
    if (deadline < 0)
      g_cond_wait (&self->cond, &self->lock);
    else
      in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
  }
  flushing = self->flushing;
  if (!flushing && !ready (self, bytes))
    fail_all_locked (self);
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);

  return !flushing;
}

gboolean
gst_identifai_outbox_wait_room (GstIdentifaiOutbox * self, guint64 bytes,
    gint64 deadline)
{
  return wait_for (self, has_room_locked, bytes, deadline);
}

static void
await (GstIdentifaiOutbox * self, ReadyFunc ready, guint64 bytes, gint64 until)
{
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (!self->flushing && in_time && !ready (self, bytes)) {
    if (until < 0)
      g_cond_wait (&self->cond, &self->lock);
    else
      in_time = g_cond_wait_until (&self->cond, &self->lock, until);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);
}

void
gst_identifai_outbox_await_room (GstIdentifaiOutbox * self, guint64 bytes,
    gint64 until)
{
  await (self, has_room_locked, bytes, until);
}

void
gst_identifai_outbox_tell_held (GstIdentifaiOutbox * self)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outbox_held_locked (self);
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);
}

/* No more waits than may: only _push brings more. */
static gboolean
within_bounds_locked (GstIdentifaiOutbox * self, guint64 unused)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (self->ledger);

  return policy_locked (self) != GST_IDENTIFAI_OVERFLOW_BLOCK
      || totals->held_segments <= 1
      || (totals->held_segments <= self->max_pending_segments
      && totals->held_bytes <= self->max_pending_bytes);
}

gboolean
gst_identifai_outbox_is_within_bounds (GstIdentifaiOutbox * self)
{
  gboolean within;

  g_mutex_lock (&self->lock);
  within = within_bounds_locked (self, 0);
  g_mutex_unlock (&self->lock);

  return within;
}

void
gst_identifai_outbox_await_bounds (GstIdentifaiOutbox * self, gint64 until)
{
  await (self, within_bounds_locked, 0, until);
}

gboolean
gst_identifai_outbox_drain (GstIdentifaiOutbox * self, gint64 deadline)
{
  return wait_for (self, nothing_pending_locked, 0, deadline);
}

void
gst_identifai_outbox_get_stats (GstIdentifaiOutbox * self, GstStructure * stats)
{
  IdentifaiClientStats calls;
  IdentifaiTotals totals;
  guint64 verdicts;

  g_mutex_lock (&self->lock);
  totals = *identifai_ledger_get_totals (self->ledger);
  calls = self->past;
  add_client_stats (&calls, self->client);
  g_mutex_unlock (&self->lock);

  verdicts = totals.ends[IDENTIFAI_END_VERDICT];
  gst_structure_set (stats,
      "segments", G_TYPE_UINT64, totals.segments,
      "submitted", G_TYPE_UINT64, totals.submitted,
      "verdicts", G_TYPE_UINT64, verdicts,
      "failed", G_TYPE_UINT64, totals.ends[IDENTIFAI_END_FAILED],
      "dropped", G_TYPE_UINT64, totals.ends[IDENTIFAI_END_DROPPED],
      "pending", G_TYPE_UINT64, totals.pending,
      "in-flight", G_TYPE_UINT64, (guint64) calls.in_flight,
      "pending-bytes", G_TYPE_UINT64, totals.held_bytes,
      "bytes-uploaded", G_TYPE_UINT64, calls.bytes_uploaded,
      "post-requests", G_TYPE_UINT64, calls.post_requests,
      "get-requests", G_TYPE_UINT64, calls.get_requests,
      "retries", G_TYPE_UINT64, calls.retries,
      "throttled", G_TYPE_UINT64, calls.throttled,
      "latency-last", G_TYPE_UINT64, totals.latency_last,
      "latency-average", G_TYPE_UINT64,
      verdicts > 0 ? totals.latency_sum / verdicts : 0,
      "latency-max", G_TYPE_UINT64, totals.latency_max, NULL);
}
