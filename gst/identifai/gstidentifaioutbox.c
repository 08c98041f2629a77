/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutbox.h"

#include "client.h"
#include "hourlyquota.h"
#include "log.h"
#include "muxworker.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* In µs: a longer wait is told of. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

/* An offer that found no room. */
typedef struct
{
  gboolean notify;              /* the element wants to hear of room */
  gint64 since;                 /* monotonic µs; 0: there was none */
  guint number;                 /* of the segment */
  guint64 bytes;
} RoomWanted;

struct _GstIdentifaiOutbox
{
  GstElement *element;          /* borrowed, as these */
  GstIdentifaiReporter *reporter;
  const GstIdentifaiOutboxCallbacks *callbacks;
  gpointer user_data;           /* theirs */

  IdentifaiMuxWorker *worker;
  GstIdentifaiOutcomes *outcomes;

  GMutex lock;
  GCond cond;                   /* room, an outcome, flushing */

  /* All below: lock. */
  IdentifaiLedger *ledger;
  IdentifaiClient *client;      /* NULL: stopped */
  IdentifaiClientStats past;    /* of the client when it was closed */

  GstIdentifaiOverflow overflow;        /* as set */
  gboolean live;
  guint64 max_pending_bytes;
  guint max_pending_segments;
  guint max_uploads;            /* in an hour; 0 = no bound */
  IdentifaiHourlyQuota quota;   /* outlives a restart */

  gboolean flushing;
  gboolean halting;             /* all that is outstanding ends: none is added */
  RoomWanted wanted;
  gboolean goes_first;          /* among the streams of the key */
};

static gint64
now (void)
{
  return g_get_monotonic_time ();
}

/* What a segment is submitted with; its user_data. */
typedef struct
{
  IdentifaiRequest *request;    /* without a file until the segment has one */
  GstIdentifaiReporter *reporter;
  guint number;
} Submission;

static void
submission_free (gpointer data)
{
  Submission *submission = data;

  gst_identifai_reporter_forget (submission->reporter, submission->number);
  gst_identifai_reporter_unref (submission->reporter);
  identifai_request_unref (submission->request);
  g_free (submission);
}

void
gst_identifai_outbox_open (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const GstIdentifaiSettings * settings)
{
  Submission *submission = g_new0 (Submission, 1);

  segment->ref_id =
      gst_identifai_ref_id_format (settings->ref_id, segment->number);
  submission->request =
      gst_identifai_settings_to_request (settings, segment->ref_id);
  submission->reporter = gst_identifai_reporter_ref (self->reporter);
  submission->number = segment->number;
  segment->user_data = submission;
  segment->free_user_data = submission_free;
  gst_identifai_reporter_open (self->reporter, segment->number);
}

static IdentifaiRequest *
get_request (const IdentifaiSegment * segment)
{
  return ((Submission *) segment->user_data)->request;
}

/* What threads of the element do, which hold locks. */
static void
unlock (GstIdentifaiOutbox * self)
{
  g_mutex_unlock (&self->lock);
  gst_identifai_outcomes_deliver_elsewhere (self->outcomes);
}

/* Policy. */

/* A stream that is boosted goes first among those of its key. */
static void
boost_locked (GstIdentifaiOutbox * self)
{
  gboolean boosted = gst_identifai_outcomes_is_boosted (self->outcomes);

  if (boosted != self->goes_first && self->client != NULL)
    identifai_client_set_first (self->client, boosted);
  self->goes_first = boosted;
}

void
gst_identifai_outbox_set_policy (GstIdentifaiOutbox * self,
    const GstStructure * policy)
{
  g_mutex_lock (&self->lock);
  gst_identifai_outcomes_set_policy (self->outcomes, policy);
  boost_locked (self);
  g_mutex_unlock (&self->lock);
}

gboolean
gst_identifai_outbox_is_boosted (GstIdentifaiOutbox * self)
{
  return gst_identifai_outcomes_is_boosted (self->outcomes);
}

gboolean
gst_identifai_outbox_override (GstIdentifaiOutbox * self, guint segment,
    const gchar * classification)
{
  return gst_identifai_outcomes_override (self->outcomes, segment,
      classification);
}

/* Outcomes: who removes a segment from the ledger reports what became of it. */

static void
end_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  boost_locked (self);
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

static void
end_dropped_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    GstIdentifaiDrop reason)
{
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  gst_identifai_reporter_dropped (self->reporter, segment, reason);
  gst_identifai_outcomes_dropped (self->outcomes, segment, reason);
  end_locked (self, segment);
}

static void
end_failed_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    IdentifaiReason reason, guint http_status, const gchar * text)
{
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
  gst_identifai_reporter_failed (self->reporter, segment, reason, http_status,
      text);
  gst_identifai_outcomes_failed (self->outcomes, segment, reason);
  end_locked (self, segment);
}

/* result: transfer full. */
static void
end_judged_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    IdentifaiResult * result)
{
  GstClockTime latency = (now () - segment->last_buffer) * GST_USECOND;

  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_VERDICT);
  identifai_ledger_add_latency (self->ledger, latency);
  gst_identifai_reporter_verdict (self->reporter, segment, result, latency);
  gst_identifai_outcomes_judged (self->outcomes, segment, result);
  end_locked (self, segment);
}

/* Room. */

static GstIdentifaiOverflow
get_overflow_locked (GstIdentifaiOutbox * self)
{
  if (self->overflow != GST_IDENTIFAI_OVERFLOW_AUTO)
    return self->overflow;

  return self->live ? GST_IDENTIFAI_OVERFLOW_DROP_OLDEST :
      GST_IDENTIFAI_OVERFLOW_BLOCK;
}

guint64
gst_identifai_outbox_get_need (const IdentifaiSegment * segment)
{
  return identifai_ledger_get_need (segment);
}

static gboolean
has_room_locked (GstIdentifaiOutbox * self, guint64 bytes)
{
  return identifai_ledger_has_room (self->ledger, bytes,
      self->max_pending_bytes, self->max_pending_segments);
}

/* result: what is done about it. */
static void
log_no_room_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * segment,
    const gchar * result)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (self->ledger);

  GST_DEBUG_OBJECT (self->element, "segment %u: no room for %" G_GUINT64_FORMAT
      " bytes beside %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " segments, "
      "%s (of %" G_GUINT64_FORMAT " bytes and %u segments): %s",
      segment->number, gst_identifai_outbox_get_need (segment),
      totals->held_bytes, totals->held_segments,
      totals->held_segments >= self->max_pending_segments ?
      "max-pending-segments is reached" : "max-pending-bytes would be exceeded",
      self->max_pending_bytes, self->max_pending_segments, result);
}

/* Whether the segment can still be taken back from where it is. */
static gboolean
withdraw_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  switch (identifai_ledger_get_stage (self->ledger, segment)) {
    case IDENTIFAI_STAGE_MUXING:
      return identifai_mux_worker_remove (self->worker, segment);
    case IDENTIFAI_STAGE_UPLOADING:
      return identifai_client_withdraw (self->client, segment);
    case IDENTIFAI_STAGE_SUBMITTED:
      break;
  }

  return FALSE;
}

/* max-uploads-per-hour: a segment counts when it is taken, unless it isn't
 * uploaded in the end. */

static gboolean
is_within_budget_locked (GstIdentifaiOutbox * self)
{
  return self->max_uploads == 0
      || identifai_hourly_quota_is_left (&self->quota, self->max_uploads,
      now ());
}

static void
take_of_budget_locked (GstIdentifaiOutbox * self)
{
  if (self->max_uploads > 0)
    identifai_hourly_quota_take (&self->quota, now ());
}

static void
give_back_locked (GstIdentifaiOutbox * self)
{
  if (self->max_uploads > 0)
    identifai_hourly_quota_give_back (&self->quota);
}

/* FALSE: everything that waits is on its way already. */
static gboolean
drop_oldest_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  guint i;

  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (withdraw_locked (self, segment)) {
      give_back_locked (self);
      end_dropped_locked (self, segment, GST_IDENTIFAI_DROP_OVERFLOW);
      return TRUE;
    }
  }

  return FALSE;
}

/* TRUE: there is room now. */
static gboolean
make_room_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * segment)
{
  guint64 bytes = gst_identifai_outbox_get_need (segment);

  while (!has_room_locked (self, bytes)) {
    if (get_overflow_locked (self) != GST_IDENTIFAI_OVERFLOW_DROP_OLDEST)
      return FALSE;
    log_no_room_locked (self, segment, "the oldest one goes");
    if (!drop_oldest_locked (self))
      return FALSE;
  }

  return TRUE;
}

static void
want_room_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * segment)
{
  RoomWanted *wanted = &self->wanted;

  if (wanted->since == 0 || wanted->number != segment->number) {
    log_no_room_locked (self, segment, "it waits");
    wanted->since = now ();
  }
  wanted->notify = TRUE;
  wanted->number = segment->number;
  wanted->bytes = gst_identifai_outbox_get_need (segment);
}

/* Whether the element gets to hear of room, once. */
static gboolean
take_room_locked (GstIdentifaiOutbox * self)
{
  gboolean notify = self->wanted.notify && !self->halting
      && self->client != NULL && self->callbacks->room != NULL
      && has_room_locked (self, self->wanted.bytes);

  if (notify)
    self->wanted.notify = FALSE;

  return notify;
}

/* What threads of the engine do when they have changed something. */
static void
unlock_and_tell (GstIdentifaiOutbox * self)
{
  gboolean has_room = take_room_locked (self);

  g_mutex_unlock (&self->lock);
  gst_identifai_outcomes_deliver (self->outcomes);
  gst_identifai_reporter_post_elsewhere (self->reporter);
  if (has_room)
    self->callbacks->room (self->user_data);
}

/* The way of a segment: muxed, submitted, its outcome. */

static void
submit_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  IdentifaiRequest *request = get_request (segment);

  request->segment = segment->number;
  request->file = identifai_memory_file_ref (segment->file);
  request->filename = segment->filename ? g_strdup (segment->filename) :
      g_strdup_printf ("segment-%05u.%s", segment->number, segment->extension);
  request->content_type = g_strdup (segment->content_type);
  segment->bytes = identifai_memory_file_get_size (segment->file);

  gst_identifai_reporter_closed (self->reporter, segment);
  identifai_ledger_move (self->ledger, segment, IDENTIFAI_STAGE_UPLOADING);
  GST_DEBUG_OBJECT (self->element, "segment %u goes to the client as %s, %"
      G_GUINT64_FORMAT " bytes of %s", segment->number, request->filename,
      segment->bytes, segment->content_type);
  identifai_client_submit (self->client, request, segment, NULL);
}

/* The mux worker's thread. While all is halted the segment's end is near. */
static void
on_muxed (IdentifaiSegment * segment, const GError * error, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;

  g_mutex_lock (&self->lock);
  if (error != NULL) {
    identifai_segment_fail (segment, g_error_matches (error, G_IO_ERROR,
            G_IO_ERROR_MESSAGE_TOO_LARGE) ? IDENTIFAI_REASON_TOO_LARGE :
        IDENTIFAI_REASON_MUX, error->message);
    if (!self->halting)
      give_back_locked (self);
    end_failed_locked (self, segment, segment->failure, 0,
        segment->failure_text);
  } else if (!self->halting) {
    submit_locked (self, segment);
  }
  unlock_and_tell (self);
}

/* What the client says, on its network thread. The outbox is there as long as
 * the client, which waits for these when it is closed. */

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;

  g_mutex_lock (&self->lock);
  if (identifai_ledger_has (self->ledger, segment)) {
    segment->identifier = g_strdup (identifier);
    gst_identifai_reporter_submitted (self->reporter, segment, upload_time);
    g_clear_pointer (&segment->file, identifai_memory_file_unref);
    g_clear_pointer (&get_request (segment)->file, identifai_memory_file_unref);
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_STAGE_SUBMITTED);
    g_cond_broadcast (&self->cond);
  }
  unlock_and_tell (self);
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;

  g_mutex_lock (&self->lock);
  if (identifai_ledger_has (self->ledger, segment)) {
    if (segment->identifier == NULL)
      segment->identifier = g_strdup (outcome->identifier);
    if (outcome->reason == IDENTIFAI_REASON_NONE)
      end_judged_locked (self, segment, g_steal_pointer (&outcome->result));
    else
      end_failed_locked (self, segment, outcome->reason, outcome->http_status,
          outcome->message);
  }
  unlock_and_tell (self);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gint64 retry_in, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  GstIdentifaiFailure attempt = { call, reason, http_status, message, FALSE,
    retry_in
  };

  gst_identifai_reporter_call (self->reporter, &attempt);
  gst_identifai_reporter_post_elsewhere (self->reporter);
}

static const IdentifaiClientCallbacks client_callbacks = {
  .submitted = on_submitted,
  .finished = on_finished,
  .attempted = on_attempted,
};

/* What the element hands in. */

static void
add_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  identifai_ledger_add (self->ledger, segment,
      gst_identifai_outbox_get_need (segment), IDENTIFAI_STAGE_MUXING);
}

static void
add_and_drop_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    GstIdentifaiDrop reason)
{
  add_locked (self, segment);
  end_dropped_locked (self, segment, reason);
}

static void
add_and_fail_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  add_locked (self, segment);
  end_failed_locked (self, segment, segment->failure, 0, segment->failure_text);
}

static gboolean
has_waited_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * segment)
{
  gboolean waited = self->wanted.since != 0
      && self->wanted.number == segment->number;
  gint64 time = now () - self->wanted.since;

  if (waited && time >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element, "segment %u waited %" G_GINT64_FORMAT
        " ms for room", segment->number, time / 1000);
  self->wanted = (RoomWanted) {
  0};

  return waited;
}

/* The segment has its room. waited: the stream was held for it, or may be. */
static void
accept_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    gboolean waited)
{
  const IdentifaiTotals *totals;

  add_locked (self, segment);
  take_of_budget_locked (self);
  gst_identifai_reporter_accepted (self->reporter, waited);
  totals = identifai_ledger_get_totals (self->ledger);
  GST_DEBUG_OBJECT (self->element, "segment %u is taken, %s: %" G_GUINT64_FORMAT
      " bytes of %" G_GUINT64_FORMAT " segments are held, %" G_GUINT64_FORMAT
      " have no outcome", segment->number, segment->file ? "with its file" :
      "to be muxed", totals->held_bytes, totals->held_segments,
      totals->pending);
  if (segment->file != NULL)
    submit_locked (self, segment);
  else
    identifai_mux_worker_push (self->worker, segment);
}

/* FALSE: it has to wait. */
static gboolean
offer_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  if (segment->failure != IDENTIFAI_REASON_NONE) {
    add_and_fail_locked (self, segment);
  } else if (self->halting || self->client == NULL) {
    GST_DEBUG_OBJECT (self->element, "segment %u is not taken: %s",
        segment->number, self->halting ? "what is there ends" : "stopped");
    return FALSE;
  } else if (!is_within_budget_locked (self)) {
    add_and_drop_locked (self, segment, GST_IDENTIFAI_DROP_BUDGET);
  } else if (make_room_locked (self, segment)) {
    accept_locked (self, segment, has_waited_locked (self, segment));
  } else if (get_overflow_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK) {
    want_room_locked (self, segment);
    return FALSE;
  } else {
    log_no_room_locked (self, segment, "it goes");
    add_and_drop_locked (self, segment, GST_IDENTIFAI_DROP_OVERFLOW);
  }

  return TRUE;
}

gboolean
gst_identifai_outbox_offer (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = offer_locked (self, segment);
  unlock (self);

  return taken;
}

void
gst_identifai_outbox_push (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  g_mutex_lock (&self->lock);
  if (segment->failure != IDENTIFAI_REASON_NONE)
    add_and_fail_locked (self, segment);
  else if (is_within_budget_locked (self))
    accept_locked (self, segment, TRUE);
  else
    add_and_drop_locked (self, segment, GST_IDENTIFAI_DROP_BUDGET);
  unlock (self);
}

void
gst_identifai_outbox_drop (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, GstIdentifaiDrop reason)
{
  g_mutex_lock (&self->lock);
  add_and_drop_locked (self, segment, reason);
  unlock (self);
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
  blocks = get_overflow_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK;
  g_mutex_unlock (&self->lock);

  return blocks;
}

/* Starting and stopping. */

GstIdentifaiOutbox *
gst_identifai_outbox_new (GstElement * element,
    GstIdentifaiReporter * reporter,
    const GstIdentifaiOutboxCallbacks * callbacks, gpointer user_data)
{
  GstIdentifaiOutbox *self = g_new0 (GstIdentifaiOutbox, 1);

  self->element = element;
  self->reporter = reporter;
  self->callbacks = callbacks;
  self->user_data = user_data;
  self->worker = identifai_mux_worker_new (on_muxed, self);
  self->outcomes = gst_identifai_outcomes_new (element, reporter,
      callbacks->outcome, callbacks->policy, user_data);
  self->ledger = identifai_ledger_new ();
  identifai_hourly_quota_init (&self->quota);
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);

  return self;
}

void
gst_identifai_outbox_free (GstIdentifaiOutbox * self)
{
  /* Both are there only if the element went without a state change, which core
   * complains of. */
  identifai_mux_worker_free (self->worker);
  g_clear_pointer (&self->client, identifai_client_close);

  gst_identifai_outcomes_free (self->outcomes);
  identifai_ledger_free (self->ledger);
  identifai_hourly_quota_clear (&self->quota);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static void
copy_settings_locked (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings)
{
  self->overflow = settings->overflow;
  self->max_pending_bytes = settings->max_pending_bytes;
  self->max_pending_segments = settings->max_pending_segments;
  self->max_uploads = settings->max_uploads_per_hour;
  identifai_mux_worker_configure (self->worker,
      GST_OBJECT_NAME (self->element),
      settings->muxer ? settings->muxer : "auto", settings->max_segment_bytes);
  gst_identifai_outcomes_start (self->outcomes, settings->policy);
}

static void
reset_locked (GstIdentifaiOutbox * self)
{
  identifai_ledger_reset (self->ledger);
  self->goes_first = FALSE;
  self->past = (IdentifaiClientStats) {
  0};
  self->wanted = (RoomWanted) {
  0};
  self->live = self->flushing = self->halting = FALSE;
}

gboolean
gst_identifai_outbox_start (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error)
{
  IdentifaiClientSettings client_settings;
  IdentifaiClient *client;

  if (!gst_identifai_settings_to_client (settings, &client_settings, error))
    return FALSE;
  client_settings.name = gst_object_get_name (GST_OBJECT (self->element));
  client = identifai_client_new (&client_settings, &client_callbacks, self,
      error);
  identifai_client_settings_clear (&client_settings);
  if (client == NULL)
    return FALSE;

  gst_identifai_reporter_start (self->reporter, settings);
  g_mutex_lock (&self->lock);
  g_assert (self->client == NULL);
  copy_settings_locked (self, settings);
  reset_locked (self);
  self->client = client;
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "started: %u segments and %" G_GUINT64_FORMAT
      " bytes may wait, %u uploads an hour (0: any number)",
      settings->max_pending_segments, settings->max_pending_bytes,
      settings->max_uploads_per_hour);

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

/* Before the worker and the client are halted, which wait for callbacks that want
 * the lock: what isn't uploaded by now isn't of the budget. What such a callback
 * makes room for might be offered: it must not be added to what is about to end. */
static void
begin_halt_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  guint i;

  self->halting = TRUE;
  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (identifai_ledger_get_stage (self->ledger, segment)
        == IDENTIFAI_STAGE_MUXING || withdraw_locked (self, segment))
      give_back_locked (self);
  }
}

static void
close_client (GstIdentifaiOutbox * self)
{
  IdentifaiClient *client;

  g_mutex_lock (&self->lock);
  begin_halt_locked (self);
  client = g_steal_pointer (&self->client);
  add_client_stats (&self->past, client);
  self->past.in_flight = 0;
  g_mutex_unlock (&self->lock);

  identifai_mux_worker_halt (self->worker);
  g_clear_pointer (&client, identifai_client_close);
}

void
gst_identifai_outbox_stop (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;

  GST_DEBUG_OBJECT (self->element, "stopping");
  close_client (self);

  g_mutex_lock (&self->lock);
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL)
    end_dropped_locked (self, segment, GST_IDENTIFAI_DROP_STOPPED);
  g_mutex_unlock (&self->lock);

  gst_identifai_outcomes_deliver_all (self->outcomes);
  gst_identifai_reporter_stop (self->reporter);
}

void
gst_identifai_outbox_set_live (GstIdentifaiOutbox * self, gboolean live)
{
  g_mutex_lock (&self->lock);
  self->live = live;
  GST_DEBUG_OBJECT (self->element, "%slive: what finds no room %s",
      live ? "" : "not ",
      get_overflow_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK ?
      "holds the stream" : "drops segments");
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

  if (client == NULL)
    return;
  GST_INFO_OBJECT (self->element, "extra-headers change");
  identifai_client_set_headers (client, headers);
  identifai_client_unref (client);
}

void
gst_identifai_outbox_set_key (GstIdentifaiOutbox * self, const gchar * api_key)
{
  IdentifaiClient *client = ref_client (self);

  if (client == NULL)
    return;
  GST_INFO_OBJECT (self->element, "the key changes, to that of %s",
      api_key ? "api-key" : "api-key-file");
  identifai_client_set_key (client, api_key);
  identifai_client_unref (client);
}

/* Waits. */

void
gst_identifai_outbox_set_flushing (GstIdentifaiOutbox * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_set_flushing (self->reporter, flushing);
}

static void
fail_all_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  guint http_status;
  gchar *text;

  GST_INFO_OBJECT (self->element, "drain-timeout is over, %" G_GUINT64_FORMAT
      " segments have no outcome",
      identifai_ledger_get_totals (self->ledger)->pending);
  begin_halt_locked (self);
  g_mutex_unlock (&self->lock);
  identifai_mux_worker_halt (self->worker);
  identifai_client_cancel (self->client);
  g_mutex_lock (&self->lock);
  self->halting = FALSE;

  text = gst_identifai_reporter_explain_timeout (self->reporter, &http_status);
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL)
    end_failed_locked (self, segment, IDENTIFAI_REASON_TIMEOUT, http_status,
        text);
  g_free (text);
}

typedef gboolean (*ReadyFunc) (GstIdentifaiOutbox * self, guint64 bytes);

static gboolean
nothing_pending_locked (GstIdentifaiOutbox * self, guint64 unused)
{
  return identifai_ledger_get_totals (self->ledger)->pending == 0;
}

/* No more waits than may: only _push brings more. */
static gboolean
within_bounds_locked (GstIdentifaiOutbox * self, guint64 unused)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (self->ledger);

  return get_overflow_locked (self) != GST_IDENTIFAI_OVERFLOW_BLOCK
      || totals->held_segments <= 1
      || (totals->held_segments <= self->max_pending_segments
      && totals->held_bytes <= self->max_pending_bytes);
}

static void
log_wait_locked (GstIdentifaiOutbox * self, const gchar * cause, gint64 since)
{
  const IdentifaiTotals *totals = identifai_ledger_get_totals (self->ledger);
  gint64 waited = now () - since;

  if (waited >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element, "waited %" G_GINT64_FORMAT " ms for %s%s: "
        "%" G_GUINT64_FORMAT " bytes of %" G_GUINT64_FORMAT " segments are "
        "held, %" G_GUINT64_FORMAT " have no outcome", waited / 1000, cause,
        self->flushing ? ", flushing" : "", totals->held_bytes,
        totals->held_segments, totals->pending);
}

/* Until ready, flushing (FALSE), or the deadline (monotonic µs, -1: none). */
static gboolean
wait_locked (GstIdentifaiOutbox * self, ReadyFunc ready, guint64 bytes,
    gint64 deadline, const gchar * cause)
{
  gint64 since = now ();
  gboolean in_time = TRUE;

  while (!self->flushing && in_time && !ready (self, bytes)) {
    if (deadline < 0)
      g_cond_wait (&self->cond, &self->lock);
    else
      in_time = g_cond_wait_until (&self->cond, &self->lock, deadline);
  }
  log_wait_locked (self, cause, since);

  return !self->flushing;
}

/* At the deadline all that is outstanding fails. */
static gboolean
wait_or_fail (GstIdentifaiOutbox * self, ReadyFunc ready, guint64 bytes,
    gint64 deadline, const gchar * cause)
{
  gboolean flows;

  g_mutex_lock (&self->lock);
  flows = wait_locked (self, ready, bytes, deadline, cause);
  if (flows && !ready (self, bytes))
    fail_all_locked (self);
  unlock (self);
  gst_identifai_reporter_post (self->reporter);

  return flows;
}

gboolean
gst_identifai_outbox_wait_room (GstIdentifaiOutbox * self, guint64 bytes,
    gint64 deadline)
{
  return wait_or_fail (self, has_room_locked, bytes, deadline, "room, at the "
      "end");
}

gboolean
gst_identifai_outbox_drain (GstIdentifaiOutbox * self, gint64 deadline)
{
  return wait_or_fail (self, nothing_pending_locked, 0, deadline,
      "outcomes, at the end");
}

static void
await (GstIdentifaiOutbox * self, ReadyFunc ready, guint64 bytes, gint64 until,
    const gchar * cause)
{
  g_mutex_lock (&self->lock);
  wait_locked (self, ready, bytes, until, cause);
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_post (self->reporter);
}

void
gst_identifai_outbox_await_room (GstIdentifaiOutbox * self, guint64 bytes,
    gint64 until)
{
  await (self, has_room_locked, bytes, until, "room");
}

void
gst_identifai_outbox_await_bounds (GstIdentifaiOutbox * self, gint64 until)
{
  await (self, within_bounds_locked, 0, until, "what an earlier stream left");
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
gst_identifai_outbox_sum_up (GstIdentifaiOutbox * self, gboolean at_end)
{
  guint64 pending;

  g_mutex_lock (&self->lock);
  pending = identifai_ledger_get_totals (self->ledger)->pending;
  g_mutex_unlock (&self->lock);

  gst_identifai_reporter_sum_up (self->reporter, pending, at_end);
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
