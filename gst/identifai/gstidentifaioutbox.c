/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Threads: segments are offered by the streaming threads and a timer, muxed by
 * a worker of a thread pool that all elements of the process share, and come
 * back on the client's network thread.
 *
 * Locks, outermost first: the element's own lock, this lock, then the client's
 * lane or the poster's. Messages are queued under the lock and posted after it.
 * The lane is closed without the lock, as closing waits for callbacks.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutbox.h"

#include "gstidentifaierrors.h"
#include "gstidentifaimessages.h"
#include "gstidentifaiposter.h"
#include "identifailedger.h"
#include "identifaimuxer.h"
#include "identifaitrouble.h"

GST_DEBUG_CATEGORY_STATIC (identifai_outbox_debug);
#define GST_CAT_DEFAULT identifai_outbox_debug

/* Two calls are a submit and a look: one that got through after failures is
 * not the end of trouble yet. */
#define GOOD_CALLS 2
#define GOOD_SEGMENTS 3

struct _GstIdentifaiOutbox
{
  GstElement *element;          /* borrowed */
  GstIdentifaiPoster *poster;

  GMutex lock;
  GCond cond;                   /* room, an outcome, the worker ends, flushing */

  /* All below: lock. */
  IdentifaiLedger *ledger;
  IdentifaiLane *lane;
  IdentifaiLaneStats past;      /* of lanes before this one */
  IdentifaiClientSettings client;

  GstIdentifaiOverflow overflow;        /* as set */
  gboolean live;
  guint64 max_pending_bytes;
  guint max_pending_segments;
  gchar *muxer;
  guint64 max_segment_bytes;
  GstIdentifaiOnRefusal on_refusal;

  GQueue to_mux;                /* of IdentifaiSegment, owned by the ledger */
  GThread *worker;              /* while it runs */
  gboolean worker_queued;       /* from when it is asked for until it ends */
  GCancellable *cancellable;    /* of the worker */

  gboolean flushing;
  gboolean halting;             /* all that is outstanding fails: none is added */
  gboolean refused;             /* the error for a refusal is posted */

  IdentifaiTrouble call_trouble;
  IdentifaiTrouble file_trouble;
  IdentifaiTrouble overflow_trouble;

  /* For the summary at EOS: segments since the last one. */
  guint64 judged;
  guint64 lost;                 /* failed, or dropped for want of room */
  IdentifaiReason last_reason;
  guint last_status;
  gchar *last_text;
};

static void worker_run (gpointer data, gpointer user_data);

static GThreadPool *
worker_pool (void)
{
  static GThreadPool *pool = NULL;

  if (g_once_init_enter (&pool)) {
    GThreadPool *made = g_thread_pool_new (worker_run, NULL,
        g_get_num_processors (), FALSE, NULL);

    g_once_init_leave (&pool, made);
  }

  return pool;
}

static void
ticket_free (gpointer data)
{
  GstIdentifaiTicket *ticket = data;

  identifai_request_unref (ticket->request);
  g_free (ticket->ref_id);
  g_free (ticket->identifier);
  g_free (ticket);
}

void
gst_identifai_ticket_attach (IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings)
{
  GstIdentifaiTicket *ticket = g_new0 (GstIdentifaiTicket, 1);

  ticket->ref_id =
      gst_identifai_ref_id_format (settings->ref_id, segment->number);
  ticket->request =
      gst_identifai_settings_to_request (settings, ticket->ref_id);
  segment->user_data = ticket;
  segment->free_user_data = ticket_free;
}

static GstIdentifaiTicket *
ticket_of (const IdentifaiSegment * segment)
{
  return segment->user_data;
}

GstIdentifaiOutbox *
gst_identifai_outbox_new (GstElement * element)
{
  static gsize once = 0;
  GstIdentifaiOutbox *self = g_new0 (GstIdentifaiOutbox, 1);

  if (g_once_init_enter (&once)) {
    GST_DEBUG_CATEGORY_INIT (identifai_outbox_debug, "identifaioutbox", 0,
        "identifAI: closed segments on their way to a verdict");
    g_once_init_leave (&once, 1);
  }

  self->element = element;
  self->poster = gst_identifai_poster_new (element);
  self->ledger = identifai_ledger_new ();
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->to_mux);

  return self;
}

void
gst_identifai_outbox_free (GstIdentifaiOutbox * self)
{
  g_assert (self->worker == NULL);

  /* Only if the element went without a state change, which core complains of. */
  g_clear_pointer (&self->lane, identifai_lane_close);
  identifai_client_settings_clear (&self->client);
  identifai_ledger_free (self->ledger);
  gst_identifai_poster_free (self->poster);
  g_clear_object (&self->cancellable);
  g_free (self->muxer);
  g_free (self->last_text);
  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
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

gboolean
gst_identifai_outbox_post_all (GstIdentifaiOutbox * self)
{
  return gst_identifai_poster_drain (self->poster);
}

/* Outcomes. The caller holds the lock and owns the segment, which is no longer
 * in the ledger. */

static void
announce_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  GstIdentifaiTicket *ticket = ticket_of (segment);

  if (ticket->announced)
    return;
  ticket->announced = TRUE;
  gst_identifai_outbox_queue (self,
      gst_identifai_message_segment (self->element, segment, ticket->ref_id));
}

static void
lost_locked (GstIdentifaiOutbox * self, IdentifaiReason reason,
    guint http_status, const gchar * text)
{
  self->lost++;
  self->last_reason = reason;
  self->last_status = http_status;
  g_free (self->last_text);
  self->last_text = g_strdup (text);
}

static void
end_failed_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    const IdentifaiOutcome * outcome)
{
  GST_WARNING_OBJECT (self->element, "segment %u failed: %s, HTTP status %u, "
      "%s", segment->number, identifai_reason_to_string (outcome->reason),
      outcome->http_status, GST_STR_NULL (outcome->message));

  announce_locked (self, segment);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_failed (self->element, segment,
          ticket_of (segment)->ref_id, outcome));
  lost_locked (self, outcome->reason, outcome->http_status, outcome->message);
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

static void
end_dropped_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    const gchar * reason)
{
  GST_INFO_OBJECT (self->element, "segment %u dropped: %s", segment->number,
      reason);

  announce_locked (self, segment);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_dropped (self->element, segment,
          ticket_of (segment)->ref_id, reason));
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

static void
end_verdict_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    const IdentifaiOutcome * outcome)
{
  const IdentifaiResult *result = outcome->result;
  GstClockTime latency = (g_get_monotonic_time () - segment->last_buffer)
      * GST_USECOND;
  const gchar *identifier = outcome->identifier ? outcome->identifier : "";

  GST_INFO_OBJECT (self->element, "segment %u is %s, confidence %f, after %"
      GST_TIME_FORMAT, segment->number, result->classification,
      result->confidence, GST_TIME_ARGS (latency));

  self->judged++;
  identifai_ledger_add_latency (self->ledger, latency);
  gst_identifai_outbox_queue (self,
      gst_identifai_message_verdict (self->element, segment,
          ticket_of (segment)->ref_id, identifier, result, latency));
  gst_identifai_outbox_queue (self,
      gst_identifai_message_tags (self->element, identifier, result));
  identifai_segment_free (segment);
  g_cond_broadcast (&self->cond);
}

/* What the client says, on its network thread. */

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  GstElement *element = gst_object_ref (self->element);
  IdentifaiSegment *segment = data;

  g_mutex_lock (&self->lock);
  if (identifai_ledger_has (self->ledger, segment)) {
    gst_identifai_outbox_queue (self,
        gst_identifai_message_submitted (self->element, segment,
            ticket_of (segment)->ref_id, identifier, upload_time));
    ticket_of (segment)->identifier = g_strdup (identifier);
    g_clear_pointer (&segment->file, identifai_bytes_unref);
    g_clear_pointer (&ticket_of (segment)->request->file,
        identifai_bytes_unref);
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_TAKEN);
    g_cond_broadcast (&self->cond);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);
  /* A message handler may have stopped and let go of the element: self may be
   * gone with this. */
  gst_object_unref (element);
}

static gboolean
is_refusal (IdentifaiReason reason)
{
  return reason == IDENTIFAI_REASON_UNAUTHORIZED
      || reason == IDENTIFAI_REASON_NO_CREDITS;
}

static void
refuse_locked (GstIdentifaiOutbox * self, const IdentifaiOutcome * outcome)
{
  if (self->on_refusal != GST_IDENTIFAI_ON_REFUSAL_ERROR || self->refused)
    return;
  self->refused = TRUE;
  gst_identifai_outbox_queue (self,
      gst_identifai_error_refused (self->element, outcome->reason,
          outcome->http_status, outcome->message));
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  GstElement *element = gst_object_ref (self->element);
  IdentifaiSegment *segment = data;
  gboolean good = (outcome->reason == IDENTIFAI_REASON_NONE);

  g_mutex_lock (&self->lock);
  if (identifai_ledger_remove (self->ledger, segment,
          good ? IDENTIFAI_END_VERDICT : IDENTIFAI_END_FAILED)) {
    if (good)
      end_verdict_locked (self, segment, outcome);
    else
      end_failed_locked (self, segment, outcome);
    if (is_refusal (outcome->reason))
      refuse_locked (self, outcome);
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);
  gst_object_unref (element);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gpointer user_data)
{
  GstIdentifaiOutbox *self = user_data;
  GstElement *element = gst_object_ref (self->element);
  gboolean as_error;

  g_mutex_lock (&self->lock);
  as_error = is_refusal (reason)
      && self->on_refusal == GST_IDENTIFAI_ON_REFUSAL_ERROR;
  if (reason == IDENTIFAI_REASON_NONE) {
    if (identifai_trouble_good (&self->call_trouble))
      gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
              "The classification service works again"));
  } else if (identifai_trouble_bad (&self->call_trouble, reason) && !as_error) {
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_call (self->element, reason, http_status,
            message));
  }
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_post (self);
  gst_object_unref (element);
}

static const IdentifaiLaneCallbacks lane_callbacks = {
  .submitted = on_submitted,
  .finished = on_finished,
  .attempted = on_attempted,
};

/* From a file to the client. */

static void
file_failed_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  IdentifaiOutcome outcome = {
    .reason = segment->failure,
    .message = segment->failure_text,
  };

  if (identifai_trouble_bad (&self->file_trouble, segment->failure))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_file (self->element, segment->failure,
            segment->failure_text));
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
  end_failed_locked (self, segment, &outcome);
}

static void
submit_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  IdentifaiRequest *request = ticket_of (segment)->request;

  if (self->lane == NULL) {
    identifai_segment_fail (segment, IDENTIFAI_REASON_UNAUTHORIZED,
        "the API key can't be read any more");
    file_failed_locked (self, segment);
    return;
  }
  if (identifai_trouble_good (&self->file_trouble))
    gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
            "Files can be made of the segments again"));

  request->file = identifai_bytes_ref (segment->file);
  request->filename = g_strdup_printf ("segment-%05u.%s", segment->number,
      segment->extension);
  request->content_type = g_strdup (segment->content_type);
  segment->bytes = identifai_bytes_get_size (segment->file);

  announce_locked (self, segment);
  identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_WAITING);
  identifai_lane_push (self->lane, request, segment, NULL);
}

/* Muxes one segment; entered and left with the lock held. */
static void
mux_one_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  GCancellable *cancellable = g_object_ref (self->cancellable);
  gchar *muxer = g_strdup (self->muxer);
  guint64 max_bytes = self->max_segment_bytes;
  GError *error = NULL;
  gboolean done;

  identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_MUXING);
  g_mutex_unlock (&self->lock);
  done = identifai_muxer_run (muxer, segment, max_bytes, cancellable, &error);
  g_mutex_lock (&self->lock);

  if (done) {
    submit_locked (self, segment);
  } else if (g_cancellable_is_cancelled (cancellable)) {
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_CLOSED);
  } else {
    identifai_segment_fail (segment, g_error_matches (error, G_IO_ERROR,
            G_IO_ERROR_MESSAGE_TOO_LARGE) ? IDENTIFAI_REASON_TOO_LARGE :
        IDENTIFAI_REASON_MUX, error->message);
    file_failed_locked (self, segment);
  }
  g_clear_error (&error);
  g_free (muxer);
  g_object_unref (cancellable);
}

/* A thread of the pool. data: an outbox whose element it holds a reference of. */
static void
worker_run (gpointer data, gpointer user_data)
{
  GstIdentifaiOutbox *self = data;
  GstElement *element = self->element;
  IdentifaiSegment *segment;

  g_mutex_lock (&self->lock);
  self->worker = g_thread_self ();
  while ((segment = g_queue_pop_head (&self->to_mux)) != NULL) {
    mux_one_locked (self, segment);
    g_mutex_unlock (&self->lock);
    gst_identifai_outbox_post (self);
    g_mutex_lock (&self->lock);
  }
  self->worker = NULL;
  self->worker_queued = FALSE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_object_unref (element);
}

static void
enqueue_mux_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  g_queue_push_tail (&self->to_mux, segment);
  if (self->worker_queued)
    return;
  self->worker_queued = TRUE;
  gst_object_ref (self->element);
  g_thread_pool_push (worker_pool (), self, NULL);
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

  return segment->bytes + identifai_muxer_overhead (segment->tracks->len,
      n_buffers, segment->bytes);
}

static gboolean
has_room_locked (GstIdentifaiOutbox * self, guint64 bytes)
{
  return identifai_ledger_has_room (self->ledger, bytes,
      self->max_pending_bytes, self->max_pending_segments);
}

static void
drop_for_overflow_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  if (identifai_trouble_bad (&self->overflow_trouble, 0))
    gst_identifai_outbox_queue (self,
        gst_identifai_warning_overflow (self->element));
  lost_locked (self, IDENTIFAI_REASON_NONE, 0, NULL);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  end_dropped_locked (self, segment, "overflow");
}

/* Whether the segment can still be taken back from where it is. */
static gboolean
withdraw_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  switch (identifai_ledger_get_place (self->ledger, segment)) {
    case IDENTIFAI_PLACE_CLOSED:
      return g_queue_remove (&self->to_mux, segment);
    case IDENTIFAI_PLACE_WAITING:
      return identifai_lane_withdraw (self->lane, segment);
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
      drop_for_overflow_locked (self, segment);
      return TRUE;
    }
  }

  return FALSE;
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

static void
accept_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  add_locked (self, segment);
  if (segment->failure != IDENTIFAI_REASON_NONE)
    file_failed_locked (self, segment);
  else if (segment->file != NULL)
    submit_locked (self, segment);
  else
    enqueue_mux_locked (self, segment);
}

gboolean
gst_identifai_outbox_offer (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  gboolean taken = TRUE;

  g_mutex_lock (&self->lock);
  if (segment->failure != IDENTIFAI_REASON_NONE) {
    accept_locked (self, segment);
  } else if (self->halting) {
    taken = FALSE;
  } else if (make_room_locked (self, gst_identifai_outbox_get_need (segment))) {
    if (identifai_trouble_good (&self->overflow_trouble))
      gst_identifai_outbox_queue (self, gst_identifai_info (self->element,
              "No more segments are dropped"));
    accept_locked (self, segment);
  } else if (policy_locked (self) == GST_IDENTIFAI_OVERFLOW_BLOCK) {
    taken = FALSE;
  } else {
    add_locked (self, segment);
    drop_for_overflow_locked (self, segment);
  }
  g_mutex_unlock (&self->lock);

  return taken;
}

void
gst_identifai_outbox_give_up (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const gchar * reason)
{
  g_mutex_lock (&self->lock);
  add_locked (self, segment);
  identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
  end_dropped_locked (self, segment, reason);
  g_mutex_unlock (&self->lock);
}

/* Starting and stopping. */

static void
copy_settings_locked (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings)
{
  self->overflow = settings->overflow;
  self->max_pending_bytes = settings->max_pending_bytes;
  self->max_pending_segments = settings->max_pending_segments;
  self->max_segment_bytes = settings->max_segment_bytes;
  self->on_refusal = settings->on_refusal;
  g_free (self->muxer);
  self->muxer = g_strdup (settings->muxer ? settings->muxer : "auto");
}

static void
reset_locked (GstIdentifaiOutbox * self)
{
  identifai_ledger_reset (self->ledger);
  self->past = (IdentifaiLaneStats) {
  0};
  self->judged = self->lost = 0;
  self->live = FALSE;
  self->flushing = FALSE;
  gst_identifai_poster_set_interrupted (self->poster, FALSE);
  self->refused = FALSE;
  identifai_trouble_init (&self->call_trouble, GOOD_CALLS);
  identifai_trouble_init (&self->file_trouble, 1);
  identifai_trouble_init (&self->overflow_trouble, GOOD_SEGMENTS);
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
}

gboolean
gst_identifai_outbox_start (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error)
{
  IdentifaiClientSettings client;
  IdentifaiLane *lane;

  if (!gst_identifai_settings_to_client (settings, &client, error))
    return FALSE;
  lane = identifai_lane_new (&client, &lane_callbacks, self, error);
  if (lane == NULL) {
    identifai_client_settings_clear (&client);
    return FALSE;
  }

  g_mutex_lock (&self->lock);
  g_assert (self->lane == NULL);
  copy_settings_locked (self, settings);
  reset_locked (self);
  identifai_client_settings_clear (&self->client);
  self->client = client;
  self->lane = lane;
  g_mutex_unlock (&self->lock);

  return TRUE;
}

static void
add_lane_stats (IdentifaiLaneStats * sum, IdentifaiLane * lane)
{
  IdentifaiLaneStats stats;

  if (lane == NULL)
    return;
  identifai_lane_get_stats (lane, &stats);
  sum->bytes_uploaded += stats.bytes_uploaded;
  sum->post_requests += stats.post_requests;
  sum->get_requests += stats.get_requests;
  sum->retries += stats.retries;
  sum->throttled += stats.throttled;
  sum->in_flight = stats.in_flight;
}

/* After it nothing of what was outstanding moves any more; the lane is gone. A
 * worker that has not started yet will find nothing to do. A message handler may
 * stop the element from within the worker: that one is not waited for, as it
 * holds no segment while it posts. */
static void
halt_locked (GstIdentifaiOutbox * self)
{
  IdentifaiLane *lane;

  g_cancellable_cancel (self->cancellable);
  g_queue_clear (&self->to_mux);
  while (self->worker != NULL && self->worker != g_thread_self ())
    g_cond_wait (&self->cond, &self->lock);

  lane = g_steal_pointer (&self->lane);
  add_lane_stats (&self->past, lane);
  self->past.in_flight = 0;
  g_mutex_unlock (&self->lock);
  if (lane != NULL)
    identifai_lane_close (lane);
  g_mutex_lock (&self->lock);
}

void
gst_identifai_outbox_stop (GstIdentifaiOutbox * self)
{
  IdentifaiSegment *segment;

  g_mutex_lock (&self->lock);
  if (self->cancellable != NULL)
    halt_locked (self);
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL) {
    identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_DROPPED);
    end_dropped_locked (self, segment, "stopped");
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

void
gst_identifai_outbox_set_key (GstIdentifaiOutbox * self, const gchar * api_key)
{
  g_mutex_lock (&self->lock);
  if (self->lane != NULL) {
    g_free (self->client.api_key);
    self->client.api_key = g_strdup (api_key);
    identifai_lane_set_key (self->lane, api_key);
  }
  g_mutex_unlock (&self->lock);
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
  IdentifaiOutcome outcome = {
    .reason = IDENTIFAI_REASON_TIMEOUT,
    .message = (gchar *) "no verdict within drain-timeout after end of stream",
  };
  IdentifaiSegment *segment;

  /* The lane is closed without the lock: an audio thread or the timer must not
   * add a segment to what is about to be freed. */
  self->halting = TRUE;
  halt_locked (self);
  self->halting = FALSE;
  while ((segment = identifai_ledger_peek (self->ledger, 0)) != NULL) {
    identifai_ledger_remove (self->ledger, segment, IDENTIFAI_END_FAILED);
    outcome.identifier = ticket_of (segment)->identifier;
    end_failed_locked (self, segment, &outcome);
  }
  /* More may come after a seek. */
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  self->lane = identifai_lane_new (&self->client, &lane_callbacks, self, NULL);
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

gboolean
gst_identifai_outbox_drain (GstIdentifaiOutbox * self, gint64 deadline)
{
  return wait_for (self, nothing_pending_locked, 0, deadline);
}

GstMessage *
gst_identifai_outbox_summary (GstIdentifaiOutbox * self)
{
  GstMessage *message = NULL;
  guint64 segments;

  g_mutex_lock (&self->lock);
  segments = self->judged + self->lost
      + identifai_ledger_get_totals (self->ledger)->pending;
  if (self->lost > 0 && !self->refused)
    message = gst_identifai_summary (self->element, self->lost, segments,
        self->last_reason, self->last_status, self->last_text);
  self->judged = self->lost = 0;
  g_mutex_unlock (&self->lock);

  return message;
}

guint64
gst_identifai_outbox_count_segments (GstIdentifaiOutbox * self)
{
  guint64 segments;

  g_mutex_lock (&self->lock);
  segments = identifai_ledger_get_totals (self->ledger)->segments;
  g_mutex_unlock (&self->lock);

  return segments;
}

void
gst_identifai_outbox_get_stats (GstIdentifaiOutbox * self, GstStructure * stats)
{
  IdentifaiLaneStats calls;
  IdentifaiTotals totals;
  guint64 verdicts;

  g_mutex_lock (&self->lock);
  totals = *identifai_ledger_get_totals (self->ledger);
  calls = self->past;
  add_lane_stats (&calls, self->lane);
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
