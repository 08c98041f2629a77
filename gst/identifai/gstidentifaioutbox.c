/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Streaming threads offer, mux workers and the network thread report: each takes the
 * lock, and what is to be told is told when it has let go of it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "gstidentifaisubmission.h"
#include "log.h"
#include "waste.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* What may change meanwhile. */

gboolean
gst_identifai_outbox_set_demand (GstIdentifaiOutbox * self, gdouble per_minute,
    IdentifaiDemand * all)
{
  gboolean started;

  g_mutex_lock (&self->lock);
  started = self->client != NULL;
  if (started)
    identifai_client_set_demand (self->client, per_minute, all);
  g_mutex_unlock (&self->lock);

  return started;
}

gboolean
gst_identifai_outbox_override (GstIdentifaiOutbox * self, guint segment,
    const gchar * classification)
{
  gboolean taken;

  g_mutex_lock (&self->lock);
  taken = self->client != NULL
      && gst_identifai_outcomes_override (self->outcomes, segment,
      classification);
  g_mutex_unlock (&self->lock);

  return taken;
}

void
gst_identifai_outbox_set_attach_file (GstIdentifaiOutbox * self,
    GstIdentifaiAttachFile mode)
{
  g_mutex_lock (&self->lock);
  GST_DEBUG_OBJECT (self->element,
      "attach-file: %" G_GUINT64_FORMAT " bytes of " "files %s",
      self->attachments.bytes,
      mode == GST_IDENTIFAI_ATTACH_FILE_NONE ? "are let go" : "wait on");
  gst_identifai_attachments_set_mode (&self->attachments, mode);
  g_mutex_unlock (&self->lock);
}

/* What threads of the engine do when they have changed something. */
static void
unlock_and_tell (GstIdentifaiOutbox * self)
{
  gboolean has_room = gst_identifai_outbox_take_room_locked (self);

  g_mutex_unlock (&self->lock);
  gst_identifai_outcomes_deliver (self->outcomes);
  if (has_room)
    self->callbacks->room (self->user_data);
  gst_identifai_reporter_post_elsewhere (self->reporter);
}

/* The way of a segment: muxed, submitted, its outcome. */

static void
submit_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  IdentifaiRequest *request = gst_identifai_submission_complete (segment);
  IdentifaiEarlyUpload *early = gst_identifai_outbox_take_early_locked (self,
      segment);

  gst_identifai_reporter_closed (self->reporter, segment);
  identifai_ledger_move (self->ledger, segment, IDENTIFAI_STAGE_UPLOADING);
  gst_identifai_outbox_note_submitted_locked (self, segment);
  GST_DEBUG_OBJECT (self->element, "segment %u goes to the client as %s, %"
      G_GUINT64_FORMAT " bytes of %s", segment->number, request->filename,
      segment->bytes, segment->content_type);
  if (early != NULL)
    identifai_early_upload_submit (early, segment->file, segment, NULL);
  else
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
      gst_identifai_outbox_give_back_locked (self, segment);
    gst_identifai_outbox_end_failed_locked (self, segment, segment->failure, 0,
        segment->failure_text);
  } else if (self->halting) {
    GST_DEBUG_OBJECT (self->element, "segment %u is muxed, but not posted: the "
        "element stops", segment->number);
  } else if (segment->beyond_budget) {
    gst_identifai_outbox_end_dropped_locked (self, segment,
        GST_IDENTIFAI_DROP_BUDGET);
  } else if (gst_identifai_outbox_is_useless_locked (self, segment)) {
    gst_identifai_outbox_give_back_locked (self, segment);
    gst_identifai_outbox_end_dropped_locked (self, segment,
        GST_IDENTIFAI_DROP_LATE);
  } else {
    submit_locked (self, segment);
  }
  unlock_and_tell (self);
}

/* What the client says, on its network thread. The outbox is there as long as
 * the client, which waits for these when it is closed. */

static gboolean
on_starting (gpointer data, gboolean contended, gboolean maybe_taken,
    gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;
  gboolean too_late;

  g_mutex_lock (&self->lock);
  too_late = identifai_ledger_has (self->ledger, segment)
      && gst_identifai_outbox_is_too_late_locked (self, segment, contended);
  if (too_late && !maybe_taken)
    gst_identifai_outbox_give_back_locked (self, segment);
  if (too_late)
    gst_identifai_outbox_end_dropped_locked (self, segment,
        GST_IDENTIFAI_DROP_LATE);
  unlock_and_tell (self);

  return !too_late;
}

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment = data;

  g_mutex_lock (&self->lock);
  if (identifai_ledger_has (self->ledger, segment)) {
    segment->identifier = g_strdup (identifier);
    segment->posted = MAX (identifai_clock_now () - (gint64) (upload_time /
            GST_USECOND), segment->last_buffer);
    gst_identifai_reporter_submitted (self->reporter, segment, upload_time);
    gst_identifai_submission_release_file (segment);
    gst_identifai_attachments_keep (&self->attachments, segment);
    gst_identifai_overrides_note_submitted (self->overrides, segment);
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_STAGE_SUBMITTED);
    g_cond_broadcast (&self->cond);
  }
  unlock_and_tell (self);
}

/* Its heat map comes first, if there is to be one. */
static void
judge_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    IdentifaiResult * result)
{
  if (self->halting || !gst_identifai_heatmaps_ask (self->heatmaps,
          self->client, segment, result))
    gst_identifai_outbox_end_judged_locked (self, segment, result);
}

static void
on_heatmap (GstIdentifaiHeatmap * heatmap,
    const IdentifaiServiceAnswer * answer, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  IdentifaiSegment *segment;
  IdentifaiResult *result;

  g_mutex_lock (&self->lock);
  result = gst_identifai_heatmaps_take (self->heatmaps, heatmap, answer,
      &segment);
  if (result != NULL)
    gst_identifai_outbox_end_judged_locked (self, segment, result);
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
      judge_locked (self, segment, g_steal_pointer (&outcome->result));
    else
      gst_identifai_outbox_end_failed_locked (self, segment, outcome->reason,
          outcome->http_status, outcome->message);
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

static void
on_credits (const IdentifaiCredits * credits, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;

  gst_identifai_reporter_credits (self->reporter, credits);
  gst_identifai_reporter_post_elsewhere (self->reporter);
}

static const IdentifaiClientCallbacks client_callbacks = {
  .starting = on_starting,
  .submitted = on_submitted,
  .finished = on_finished,
  .attempted = on_attempted,
  .credits = on_credits,
};

/* What the element hands in. */

void
gst_identifai_outbox_open (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const GstIdentifaiSettings * settings)
{
  gst_identifai_submission_attach (segment, settings, self->reporter);
}

static void
add_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  identifai_ledger_add (self->ledger, segment,
      identifai_ledger_get_need (segment), IDENTIFAI_STAGE_MUXING);
}

static void
add_and_drop_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    GstIdentifaiDrop reason)
{
  add_locked (self, segment);
  gst_identifai_outbox_end_dropped_locked (self, segment, reason);
}

static void
add_and_fail_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  add_locked (self, segment);
  gst_identifai_outbox_end_failed_locked (self, segment, segment->failure, 0,
      segment->failure_text);
}

/* The segment has its room. waited: the stream was held for it, or may be. */
static void
accept_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    gboolean waited)
{
  add_locked (self, segment);
  segment->counted = identifai_clock_now ();
  identifai_hourly_quota_take (&self->quota, segment->counted);
  gst_identifai_reporter_accepted (self->reporter, waited);
  GST_DEBUG_OBJECT (self->element, "segment %u is taken, %s; %"
      IDENTIFAI_TOTALS_FORMAT, segment->number, segment->file ? "with its file"
      : "to be muxed",
      IDENTIFAI_TOTALS_ARGS (identifai_ledger_get_totals (self->ledger)));
  identifai_mux_worker_push (self->worker, segment,
      gst_identifai_submission_get_early (segment)->file);
}

static void
drop_beyond_budget_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  GST_DEBUG_OBJECT (self->element, "segment %u: %u were uploaded within the "
      "hour, as many as max-uploads-per-hour", segment->number,
      self->quota.most);
  add_and_drop_locked (self, segment, GST_IDENTIFAI_DROP_BUDGET);
}

/* attach-file wants the file of what isn't posted, too, if there is room to make it. */
static gboolean
mux_beyond_budget_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  if (self->attachments.mode == GST_IDENTIFAI_ATTACH_FILE_NONE
      || segment->file != NULL || self->halting
      || !gst_identifai_outbox_has_room_locked (self,
          identifai_ledger_get_need (segment)))
    return FALSE;
  GST_DEBUG_OBJECT (self->element, "segment %u isn't posted, for its "
      "max-uploads-per-hour, but muxed: attach-file wants its file",
      segment->number);
  segment->beyond_budget = TRUE;
  add_locked (self, segment);
  identifai_mux_worker_push (self->worker, segment,
      gst_identifai_submission_get_early (segment)->file);
  return TRUE;
}

/* force: without room, too. FALSE: it has to wait. */
static gboolean
offer_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    gboolean force)
{
  if (segment->failure != IDENTIFAI_REASON_NONE) {
    add_and_fail_locked (self, segment);
  } else if (!force && (self->halting || self->client == NULL)) {
    GST_DEBUG_OBJECT (self->element, "segment %u is not taken: %s",
        segment->number, self->halting ? "what is there ends" : "stopped");
    return FALSE;
  } else if (!identifai_hourly_quota_is_left (&self->quota,
          identifai_clock_now ())) {
    if (!mux_beyond_budget_locked (self, segment))
      drop_beyond_budget_locked (self, segment);
  } else if (force || gst_identifai_outbox_make_room_locked (self, segment)) {
    accept_locked (self, segment, gst_identifai_outbox_has_waited_locked (self,
            segment) || force);
  } else if (gst_identifai_outbox_get_overflow_locked (self) ==
      GST_IDENTIFAI_OVERFLOW_BLOCK) {
    gst_identifai_outbox_want_room_locked (self, segment);
    return FALSE;
  } else {
    gst_identifai_outbox_log_no_room_locked (self, segment, "it goes");
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
  taken = offer_locked (self, segment, FALSE);
  gst_identifai_outbox_unlock (self);

  return taken;
}

void
gst_identifai_outbox_push (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  g_mutex_lock (&self->lock);
  offer_locked (self, segment, TRUE);
  gst_identifai_outbox_unlock (self);
}

void
gst_identifai_outbox_drop (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, GstIdentifaiDrop reason)
{
  g_mutex_lock (&self->lock);
  add_and_drop_locked (self, segment, reason);
  gst_identifai_outbox_unlock (self);
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
  self->overrides = gst_identifai_overrides_new (element, reporter);
  self->ledger = identifai_ledger_new ();
  self->heatmaps = gst_identifai_heatmaps_new (on_heatmap, self);
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

  identifai_client_settings_clear (&self->client_settings);
  gst_identifai_overrides_free (self->overrides);
  gst_identifai_heatmaps_free (self->heatmaps);
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
  identifai_ledger_set_bounds (self->ledger, settings->max_pending_bytes,
      settings->max_pending_segments);
  gst_identifai_attachments_configure (&self->attachments, settings);
  identifai_hourly_quota_set_most (&self->quota,
      settings->max_uploads_per_hour);
  identifai_mux_worker_configure (self->worker,
      GST_OBJECT_NAME (self->element),
      settings->muxer ? settings->muxer : "auto", settings->max_segment_bytes,
      settings->sha256);
  self->kind = settings->kind;
  self->max_segment_bytes = settings->max_segment_bytes;
  self->may_be_early = settings->muxer == NULL
      || g_str_equal (settings->muxer, "auto")
      || g_str_equal (settings->muxer, "mp4mux");
  gst_identifai_outcomes_start (self->outcomes,
      self->callbacks->has_policy ? NULL : settings->policy);
}

static void
reset_locked (GstIdentifaiOutbox * self)
{
  identifai_ledger_reset (self->ledger);
  self->goes_first = FALSE;
  self->early_misses = self->early_pause = 0;
  self->past = (IdentifaiClientStats) {
  0};
  self->wanted = (RoomWanted) {
  0};
  self->live = self->flushing = self->halting = FALSE;
  self->useless = self->n_judged = 0;
  memset (self->judging, 0, sizeof (self->judging));
}

gboolean
gst_identifai_outbox_configure (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error)
{
  IdentifaiClientSettings client = { NULL, };

  if (!gst_identifai_settings_to_client (settings, &client, error))
    return FALSE;
  client.name = gst_object_get_name (GST_OBJECT (self->element));
  gst_identifai_reporter_start (self->reporter, settings);

  g_mutex_lock (&self->lock);
  g_assert (self->client == NULL);
  identifai_client_settings_clear (&self->client_settings);
  self->client_settings = client;
  copy_settings_locked (self, settings);
  reset_locked (self);
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "%u segments and %" G_GUINT64_FORMAT
      " bytes may wait, %u uploads an hour (0: any number)",
      settings->max_pending_segments, settings->max_pending_bytes,
      settings->max_uploads_per_hour);

  return TRUE;
}

gboolean
gst_identifai_outbox_start (GstIdentifaiOutbox * self, GError ** error)
{
  IdentifaiClient *client = identifai_client_new (&self->client_settings,
      &client_callbacks, self, error);

  identifai_client_settings_clear (&self->client_settings);
  if (client == NULL)
    return FALSE;

  g_mutex_lock (&self->lock);
  self->client = client;
  gst_identifai_overrides_start (self->overrides, self->kind, client);
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "started");

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
  sum->bytes_sending += stats.bytes_sending;
  sum->post_requests += stats.post_requests;
  sum->get_requests += stats.get_requests;
  sum->retries += stats.retries;
  sum->throttled += stats.throttled;
  sum->in_flight = stats.in_flight;
}

/* Before the worker and the client are halted, which wait for callbacks that want
 * the lock: what isn't uploaded by now isn't of the budget. What such a callback
 * makes room for might be offered: it must not be added to what is about to end. */
void
gst_identifai_outbox_begin_halt_locked (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;
  IdentifaiResult *result;
  guint i;

  self->halting = TRUE;
  while ((result = gst_identifai_heatmaps_pop (self->heatmaps, &segment)))
    gst_identifai_outbox_end_judged_locked (self, segment, result);
  for (i = 0; (segment = identifai_ledger_peek (self->ledger, i)); i++) {
    if (identifai_ledger_get_stage (self->ledger, segment)
        == IDENTIFAI_STAGE_MUXING)
      gst_identifai_outbox_give_back_locked (self, segment);
    else
      gst_identifai_outbox_withdraw_locked (self, segment);
  }
}

static void
close_client (GstIdentifaiOutbox * self)
{
  IdentifaiClient *client;

  g_mutex_lock (&self->lock);
  gst_identifai_outbox_begin_halt_locked (self);
  client = g_steal_pointer (&self->client);
  add_client_stats (&self->past, client);
  self->past.in_flight = 0;
  self->past.bytes_sending = 0;
  g_mutex_unlock (&self->lock);

  gst_identifai_overrides_begin_stop (self->overrides);
  identifai_mux_worker_halt (self->worker);
  g_clear_pointer (&client, identifai_client_close);
}

static void
log_stop (GstIdentifaiOutbox * self, gint64 since, const gchar * cause)
{
  gint64 took = identifai_clock_now () - since;

  if (took >= LONG_WAIT)
    GST_DEBUG_OBJECT (self->element, "to stop took %" G_GINT64_FORMAT " ms so "
        "far, the latest for %s", took / 1000, cause);
}

void
gst_identifai_outbox_stop (GstIdentifaiOutbox * self)
{
  gint64 start = identifai_clock_now ();
  IdentifaiSegment *segment;

  GST_DEBUG_OBJECT (self->element, "stopping");
  close_client (self);
  log_stop (self, start, "muxer and network");

  g_mutex_lock (&self->lock);
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL)
    gst_identifai_outbox_end_dropped_locked (self, segment,
        GST_IDENTIFAI_DROP_STOPPED);
  gst_identifai_overrides_stop (self->overrides);
  gst_identifai_heatmaps_reset (self->heatmaps);
  g_mutex_unlock (&self->lock);

  gst_identifai_outcomes_deliver_all (self->outcomes);
  gst_identifai_reporter_stop (self->reporter);
  log_stop (self, start, "handlers of messages");
  identifai_waste_wait ();
  GST_DEBUG_OBJECT (self->element, "stopped after %" G_GINT64_FORMAT " ms",
      (identifai_clock_now () - start) / 1000);
}

void
gst_identifai_outbox_set_live (GstIdentifaiOutbox * self, gboolean live)
{
  g_mutex_lock (&self->lock);
  if (live != self->live)
    GST_DEBUG_OBJECT (self->element, "now %s, which counts if overflow is auto",
        live ? "live" : "not live");
  self->live = live;
  g_mutex_unlock (&self->lock);
}

IdentifaiClient *
gst_identifai_outbox_ref_client (GstIdentifaiOutbox * self)
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
  IdentifaiClient *client = gst_identifai_outbox_ref_client (self);

  if (client == NULL)
    return;
  GST_INFO_OBJECT (self->element, "extra-headers change");
  identifai_client_set_headers (client, headers);
  identifai_client_unref (client);
}

void
gst_identifai_outbox_set_key (GstIdentifaiOutbox * self, const gchar * api_key)
{
  IdentifaiClient *client = gst_identifai_outbox_ref_client (self);

  if (client == NULL)
    return;
  GST_INFO_OBJECT (self->element, "the key changes, to that of %s",
      api_key ? "api-key" : "api-key-file");
  identifai_client_set_key (client, api_key);
  identifai_client_unref (client);
}

void
gst_identifai_outbox_get_stats (GstIdentifaiOutbox * self, GstStructure * stats)
{
  IdentifaiClientStats calls;

  g_mutex_lock (&self->lock);
  identifai_ledger_get_stats (self->ledger, stats);
  calls = self->past;
  add_client_stats (&calls, self->client);
  g_mutex_unlock (&self->lock);

  gst_structure_set (stats,
      "in-flight", G_TYPE_UINT64, (guint64) calls.in_flight,
      "bytes-uploaded", G_TYPE_UINT64, calls.bytes_uploaded,
      "bytes-sending", G_TYPE_UINT64, calls.bytes_sending,
      "post-requests", G_TYPE_UINT64, calls.post_requests,
      "get-requests", G_TYPE_UINT64, calls.get_requests,
      "retries", G_TYPE_UINT64, calls.retries,
      "throttled", G_TYPE_UINT64, calls.throttled, NULL);
}
