/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a closed segment to a file, on a worker, and to the client.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "muxer.h"

/* Tickets. */

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

/* To the client. */

void
gst_identifai_outbox_submit_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  IdentifaiRequest *request = gst_identifai_outbox_ticket (segment)->request;

  gst_identifai_outbox_file_made_locked (self);

  request->file = identifai_memory_file_ref (segment->file);
  if (request->filename == NULL)
    request->filename = g_strdup_printf ("segment-%05u.%s", segment->number,
        segment->extension);
  request->content_type = g_strdup (segment->content_type);
  segment->bytes = identifai_memory_file_get_size (segment->file);

  gst_identifai_outbox_announce_locked (self, segment);
  identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_WAITING);
  identifai_client_submit (self->client, request, segment, NULL);
}

/* The worker. */

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
    gst_identifai_outbox_tell_sound_locked (self, segment);
    gst_identifai_outbox_submit_locked (self, segment);
  } else if (g_cancellable_is_cancelled (cancellable)) {
    identifai_ledger_move (self->ledger, segment, IDENTIFAI_PLACE_CLOSED);
  } else {
    identifai_segment_fail (segment, g_error_matches (error, G_IO_ERROR,
            G_IO_ERROR_MESSAGE_TOO_LARGE) ? IDENTIFAI_REASON_TOO_LARGE :
        IDENTIFAI_REASON_MUX, error->message);
    gst_identifai_outbox_file_failed_locked (self, segment);
  }
  g_clear_error (&error);
  g_free (muxer);
  g_object_unref (cancellable);
}

/* A thread of the pool. data: an outbox, with a reference; its element is there
 * while there is something to mux, as stopping waits for that. */
static void
worker_run (gpointer data, gpointer user_data)
{
  GstIdentifaiOutbox *self = data;
  IdentifaiSegment *segment;

  g_mutex_lock (&self->lock);
  while ((segment = g_queue_pop_head (&self->to_mux)) != NULL) {
    /* Not before: it may start after the end, when nobody waits for it. */
    self->worker = g_thread_self ();
    mux_one_locked (self, segment);
    g_mutex_unlock (&self->lock);
    gst_identifai_outbox_tell_room (self);
    g_mutex_lock (&self->lock);
    gst_identifai_poster_kick (self->poster);
  }
  self->worker = NULL;
  self->worker_queued = FALSE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  gst_identifai_outbox_unref (self);
}

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

void
gst_identifai_outbox_mux_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment)
{
  g_queue_push_tail (&self->to_mux, segment);
  if (self->worker_queued)
    return;
  self->worker_queued = TRUE;
  g_thread_pool_push (worker_pool (), gst_identifai_outbox_ref (self), NULL);
}

void
gst_identifai_outbox_halt_worker_locked (GstIdentifaiOutbox * self)
{
  g_cancellable_cancel (self->cancellable);
  g_queue_clear (&self->to_mux);
  while (self->worker != NULL)
    g_cond_wait (&self->cond, &self->lock);
}
