/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An exchange goes through these steps, all on the transport's thread:
 *
 *   soup_session_send_async()        headers and body out, headers in
 *   g_input_stream_read_async()      the answer's body in, up to a bound
 *   g_input_stream_close_async()     connection back to the pool, or closed
 *   func()                           unless cancelled
 *
 * A watchdog cancels an exchange that takes too long (workaround TIMEOUT). Only
 * what brings the call forward counts as progress.
 */

#include "log.h"
#include "transportprivate.h"
#include "session.h"
#include "workarounds.h"
#include "upload.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

#define CHUNK_BYTES (32 * 1024)
#define MAX_INFORMATIONAL 32
/* How long an unused connection is kept, in s: routers forget them later. */
#define IDLE_TIMEOUT 45
/* How long a connection is new, in µs. */
#define FRESH G_TIME_SPAN_SECOND
/* How long a body waits for leave to be sent, in µs. */
#define EXPECT_TIME G_TIME_SPAN_SECOND
/* How long the other calls wait for what a proxy says to a password, in µs. */
#define TRIAL_TIME (2 * G_TIME_SPAN_SECOND)
/* How often is asked, in µs, whether an early answer is whole. */
#define EARLY_INTERVAL (10 * G_TIME_SPAN_MILLISECOND)

/* The watchdog. */

static const gchar *const cut_names[] = {
  [CUT_NONE] = "nothing",
  [CUT_SILENCE] = "nothing was heard for long",
  [CUT_SLOW] = "the answer takes too long",
  [CUT_TOO_LONG] = "the answer is too long",
  [CUT_CHATTER] = "interim answers don't end",
  [CUT_ANSWERED] = "the answer is there before all is sent",
  [CUT_MISDIRECTED] = "it was misdirected",
  [CUT_CANCELLED] = "nobody waits for it",
};

static gboolean
on_cancel (gpointer user_data)
{
  IdentifaiExchange *self = user_data;

  if (self->rounds-- > 0)
    return G_SOURCE_CONTINUE;
  g_cancellable_cancel (self->cancellable);

  return G_SOURCE_REMOVE;
}

/* Workaround CANCEL: when this is called from within the answer's headers, libsoup
 * puts what tells of them into the main loop after this, for the next round at the
 * latest. So this lets that round go by. Not at a lower priority: a body without end
 * would keep it from coming. */
static void
exchange_cancel_later (IdentifaiExchange * self)
{
  if (self->canceller)
    return;

  self->rounds = 1;
  self->canceller = g_idle_source_new ();
  g_source_set_priority (self->canceller, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->canceller, on_cancel, self, NULL);
  g_source_attach (self->canceller, g_main_context_get_thread_default ());
}

static void
exchange_cut (IdentifaiExchange * self, Cut cut)
{
  if (self->cut != CUT_NONE)
    return;

  GST_DEBUG_ID (self->name, "%s: cut, as %s", self->what, cut_names[cut]);
  self->cut = cut;
  identifai_timer_set (self->watchdog, self->waiting ? 0 : G_MAXINT64);
  if (self->chunked && !self->end_is_out)
    identifai_session_break_off (self->transport->session, self->message);
  if (self->answer_by != G_MAXINT64 && !self->input)
    exchange_cancel_later (self);
  else
    g_cancellable_cancel (self->cancellable);
}

static void exchange_finish (IdentifaiExchange * self, GError * error);

static void
on_watchdog (gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  gint64 now = identifai_clock_now (), silent_at;

  if (self->waiting && self->cut != CUT_NONE) {
    exchange_finish (self, NULL);
    return;
  }
  /* Nobody is silent who waits for us, or did. */
  if (self->waiting)
    self->progress = now;
  if (self->body != NULL)
    self->progress = MAX (self->progress,
        identifai_request_body_get_fed_at (self->body));
  silent_at = self->progress + self->transport->timeout;

  if (now >= silent_at) {
    exchange_cut (self, CUT_SILENCE);
  } else if (now >= self->answer_by) {
    exchange_cut (self, CUT_SLOW);
  } else {
    /* Looks only when the time may have come, so progress costs nothing. */
    GST_LOG_ID (self->name, "%s: nothing was heard for %d ms", self->what,
        (gint) ((now - self->progress) / G_TIME_SPAN_MILLISECOND));
    identifai_timer_set (self->watchdog, MIN (silent_at, self->answer_by));
  }
}

static void
exchange_start_watchdog (IdentifaiExchange * self)
{
  self->progress = identifai_clock_now ();
  self->answer_by = G_MAXINT64;
  self->watchdog = identifai_timer_new (g_main_context_get_thread_default (),
      "identifai watchdog", on_watchdog, self);
  identifai_timer_set (self->watchdog,
      self->progress + self->transport->timeout);
}

static void
exchange_progress (IdentifaiExchange * self)
{
  self->progress = identifai_clock_now ();
}

/* A password of the proxy that nobody knows to be right goes out with one call, not
 * with all there are. */

static void on_sent (GObject * source, GAsyncResult * result,
    gpointer user_data);
static void on_connected (GObject * source, GAsyncResult * result,
    gpointer user_data);

static gboolean
exchange_is_on_trial (IdentifaiExchange * self)
{
  return identifai_proxy_is_on_trial (self->transport->proxy,
      soup_message_get_uri (self->message));
}

/* Or waits for its turn. */
static void
exchange_start (IdentifaiExchange * self)
{
  IdentifaiTransport *transport = self->transport;
  gboolean on_trial = exchange_is_on_trial (self);

  self->waiting = on_trial && transport->trial != NULL;
  if (self->waiting) {
    GST_DEBUG_ID (self->name, "%s: waits for what the proxy says to the "
        "password", self->what);
    return;
  }

  GST_LOG_ID (self->name, "%s: goes to libsoup", self->what);
  if (on_trial) {
    GST_DEBUG_ID (self->name, "%s: goes first, as the proxy may not take the "
        "password", self->what);
    transport->trial = self;
  }
  self->progress = identifai_clock_now ();
  if (self->func)
    soup_session_send_async (transport->session, self->message,
        G_PRIORITY_DEFAULT, self->cancellable, on_sent, self);
  else
    soup_session_preconnect_async (transport->session, self->message,
        G_PRIORITY_DEFAULT, self->cancellable, on_connected, self);
}

/* The others go on, or the next one is on trial. */
static void
transport_end_trial (IdentifaiTransport * self)
{
  GList *walk;

  GST_DEBUG ("the proxy has seen the password: other calls go on");
  self->trial = NULL;
  identifai_timer_set (self->trial_over, G_MAXINT64);
  for (walk = self->exchanges.head; walk; walk = walk->next) {
    IdentifaiExchange *exchange = walk->data;

    if (exchange->waiting && exchange->cut == CUT_NONE)
      exchange_start (exchange);
  }
}

static void
on_trial_over (gpointer user_data)
{
  IdentifaiTransport *self = user_data;

  if (self->trial == NULL)
    return;
  GST_DEBUG_ID (self->trial->name, "%s: the proxy has not refused the password "
      "so far, the next call goes out", self->trial->what);
  transport_end_trial (self);
}

static void
exchange_check_trial (IdentifaiExchange * self)
{
  if (self->transport->trial == self && !exchange_is_on_trial (self))
    transport_end_trial (self->transport);
}

/* A proxy that refuses a password says so at once. One that doesn't waits, with a
 * plain request, for what the service says in the end: to a large upload, late. */
static void
exchange_bound_trial (IdentifaiExchange * self)
{
  IdentifaiTransport *transport = self->transport;

  if (transport->trial == self)
    identifai_timer_set (transport->trial_over, identifai_clock_now ()
        + TRIAL_TIME);
}

/* What libsoup tells on the way. */

static void
on_network_event (IdentifaiExchange * self, GSocketClientEvent event,
    GIOStream * connection)
{
  gint64 before = self->progress;

  exchange_progress (self);
  self->connected = TRUE;
  self->transport->connected_at = self->progress;
  identifai_session_log_event (self->name, self->what, event,
      self->progress - before);
}

static void on_wrote_body_data (IdentifaiExchange * self, guint size);

static void
on_early_answer (gpointer user_data)
{
  IdentifaiExchange *self = user_data;

  GST_DEBUG_ID (self->name, "%s: answered with %u before all was sent",
      self->what, identifai_early_response_get_status (self->early));
  exchange_cut (self, CUT_ANSWERED);
}

static void
on_wrote (gsize bytes, gpointer user_data)
{
  on_wrote_body_data (user_data, bytes);
}

static void
exchange_listen (IdentifaiExchange * self)
{
  GIOStream *connection;

  if (self->early)
    return;
  connection = identifai_session_find_connection (self->transport->session,
      self->message);
  if (connection == NULL)
    return;
  if (self->stream && !self->chunked)
    identifai_upload_set_output (IDENTIFAI_UPLOAD (self->stream), connection,
        on_wrote);
  self->early =
      identifai_early_response_new (connection, self->name, self->what,
      on_early_answer, self);
  GST_LOG_ID (self->name, "%s: %s for an answer before all is sent", self->what,
      self->early ? "listens" : "can't listen");
  g_object_unref (connection);
}

static void
on_wrote_headers (IdentifaiExchange * self)
{
  gboolean fresh;

  exchange_progress (self);
  exchange_check_trial (self);
  exchange_bound_trial (self);
  self->started = self->sent_until = self->progress;
  fresh = self->progress - self->transport->connected_at < FRESH;
  GST_DEBUG_ID (self->name, "%s: headers are out%s", self->what,
      fresh ? ", a connection was made just now" : "");
  if (self->expects)
    exchange_listen (self);
  if (self->sent)
    self->sent (fresh, self->user_data);
}

/* From now on libsoup may read. */
static void
exchange_stop_listening (IdentifaiExchange * self)
{
  g_clear_pointer (&self->early, identifai_early_response_free);
}

static void
on_wrote_body_data (IdentifaiExchange * self, guint size)
{
  exchange_progress (self);
  GST_TRACE_ID (self->name, "%s: %u bytes of the body went out", self->what,
      size);
  self->sent_until = self->progress;
  self->wrote += size;
  if (!self->end_is_out)
    exchange_listen (self);
}

static void
on_got_informational (IdentifaiExchange * self)
{
  GST_LOG_ID (self->name, "%s: interim answer %u, the %u.", self->what,
      soup_message_get_status (self->message), self->n_informational + 1);
  if (++self->n_informational > MAX_INFORMATIONAL)
    exchange_cut (self, CUT_CHATTER);
}

static void
on_got_headers (IdentifaiExchange * self)
{
  exchange_progress (self);
  exchange_check_trial (self);
  self->answer_by = self->progress + ANSWER_TIMEOUTS * self->transport->timeout;
  GST_LOG_ID (self->name, "%s: headers of the answer are in, %u", self->what,
      soup_message_get_status (self->message));
  /* Workaround 421. */
  if (soup_message_get_status (self->message)
      == SOUP_STATUS_MISDIRECTED_REQUEST)
    exchange_cut (self, CUT_MISDIRECTED);
}

/* Leave to send the body is an interim answer (RFC 9110, 10.1.1); who knows nothing of
 * that gets it a moment later. An answer that has begun is about to cut the
 * exchange, or the watchdog does. */
static gint64
on_begin (gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  gint64 now = identifai_clock_now ();

  if (!self->expects || !self->early
      || identifai_early_response_is_welcome (self->early))
    return 0;
  if (self->cut != CUT_NONE || identifai_early_response_has_begun (self->early))
    return EARLY_INTERVAL;
  exchange_progress (self);

  return now - self->started < EXPECT_TIME ? EARLY_INTERVAL : 0;
}

static gboolean
exchange_is_broken (IdentifaiExchange * self)
{
  return self->early != NULL
      && identifai_early_response_get_error (self->early) != NULL;
}

/* Waiting that we choose is no silence of the service. An answer that has begun is
 * about to cut the exchange, which takes no place among those that arrive; one that has
 * cut it is still to be read, though libsoup may have a read left that it didn't cancel.
 * On a broken connection nothing arrives, so libsoup may go on and find out. */
static gint64
on_hold (gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  gint64 wait;

  if (self->cut != CUT_NONE || (self->early
          && identifai_early_response_has_begun (self->early)))
    return EARLY_INTERVAL;

  if (exchange_is_broken (self)) {
    GST_DEBUG_ID (self->name, "%s: its end won't arrive, the connection is "
        "broken", self->what);
    return 0;
  }

  wait = self->hold ? self->hold (self->user_data) : 0;
  exchange_progress (self);
  if (wait > 0) {
    GST_DEBUG_ID (self->name, "%s: its end waits %d ms for the limit of "
        "arrivals", self->what, (gint) (wait / G_TIME_SPAN_MILLISECOND));
  } else {
    GST_LOG_ID (self->name, "%s: the end of the body goes out", self->what);
    self->end_is_out = TRUE;
    exchange_stop_listening (self);
  }

  return MIN (wait, self->transport->timeout / 2);
}

/* The connection broke, perhaps as the server had said all it had to say. */
static void
on_stopped (gpointer user_data)
{
  IdentifaiExchange *self = user_data;

  GST_DEBUG_ID (self->name, "%s: libsoup stops before all is sent, after %"
      G_GUINT64_FORMAT " bytes", self->what, self->wrote);
  /* What we cut may be all written, with libsoup about to hear of it. */
  self->stopped = self->cut == CUT_NONE;
  exchange_listen (self);
  if (self->early)
    identifai_early_response_read (self->early);
}

static void
exchange_drop_body (IdentifaiExchange * self)
{
  /* libsoup, or a read that is being finished further down the stack, may hold
   * the stream for longer than we need the file. */
  if (self->stream)
    identifai_upload_release (IDENTIFAI_UPLOAD (self->stream));
  if (self->body)
    identifai_request_body_release (self->body);
  g_clear_object (&self->stream);
  g_clear_object (&self->body);
}

/* So few bytes that nobody answers before they are sent. */
static void
exchange_attach_bytes (IdentifaiExchange * self)
{
  if (self->bytes == NULL)
    return;
  self->end_is_out = TRUE;
  soup_message_set_request_body_from_bytes (self->message, self->content_type,
      self->bytes);
}

/* Chunks are libsoup's to write. */
static void
exchange_attach_body (IdentifaiExchange * self)
{
  guint64 length;

  exchange_drop_body (self);
  self->wrote = 0;
  self->stopped = FALSE;
  self->body =
      IDENTIFAI_REQUEST_BODY (identifai_request_body_new (self->upload));
  length = identifai_request_body_get_length (self->body);
  self->chunked = length == IDENTIFAI_UNKNOWN_LENGTH;
  GST_LOG_ID (self->name, "%s: a body of %u fields and a file%s", self->what,
      self->upload->fields->len, self->chunked ? ", which grows" : "");
  self->stream =
      identifai_upload_new (self->body, self->name, self->what, on_begin,
      on_hold, on_stopped, self);
  soup_message_set_request_body (self->message,
      identifai_request_body_get_content_type (self->body), self->stream,
      self->chunked ? -1 : (gssize) length);
}

/* Workaround RESTART: a new connection takes longer. */
static void
on_restarted (IdentifaiExchange * self)
{
  GST_DEBUG_ID (self->name, "%s: the connection was closed meanwhile, libsoup "
      "starts over on another one", self->what);
  exchange_progress (self);
  self->answer_by = G_MAXINT64;
  self->end_is_out = FALSE;
  exchange_stop_listening (self);
  soup_message_add_flags (self->message, SOUP_MESSAGE_NEW_CONNECTION);
  if (self->upload)
    exchange_attach_body (self);
  exchange_attach_bytes (self);
}

static void
exchange_watch_message (IdentifaiExchange * self)
{
  static const struct
  {
    const gchar *signal;
    GCallback callback;
  } signals[] = {
    {"network-event", G_CALLBACK (on_network_event)},
    {"wrote-headers", G_CALLBACK (on_wrote_headers)},
    {"wrote-body-data", G_CALLBACK (on_wrote_body_data)},
    {"got-informational", G_CALLBACK (on_got_informational)},
    {"got-headers", G_CALLBACK (on_got_headers)},
    {"restarted", G_CALLBACK (on_restarted)},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (signals); i++) {
    g_signal_connect_swapped (self->message, signals[i].signal,
        signals[i].callback, self);
  }
}

/* The end. */

static void transport_check_closed (IdentifaiTransport * self);

static void
exchange_free (IdentifaiExchange * self)
{
  g_queue_unlink (&self->transport->exchanges, &self->link);
  transport_check_closed (self->transport);
  identifai_timer_free (self->watchdog);
  if (self->canceller) {
    g_source_destroy (self->canceller);
    g_source_unref (self->canceller);
  }
  exchange_stop_listening (self);
  g_signal_handlers_disconnect_by_data (self->message, self);
  g_object_unref (self->message);
  g_object_unref (self->cancellable);
  g_clear_object (&self->input);
  exchange_drop_body (self);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->content_type);
  g_clear_pointer (&self->upload, identifai_request_unref);
  identifai_extra_headers_unref (self->extra_headers);
  g_byte_array_unref (self->received);
  g_free (self->chunk);
  g_free (self->name);
  g_free (self->what);
  g_free (self);
}

/* Takes over error. */
static void
exchange_answer (IdentifaiExchange * self, GError * error)
{
  IdentifaiResponse answer;

  identifai_exchange_read_response (self, error, &answer);
  answer.unexpected = self->expects
      && answer.http_status == SOUP_STATUS_EXPECTATION_FAILED;
  if (answer.unexpected)
    self->transport->no_offers = TRUE;

  /* Lets go of the file before the user hears that the service has it. */
  exchange_drop_body (self);
  g_clear_pointer (&self->upload, identifai_request_unref);
  soup_message_set_request_body (self->message, NULL, NULL, 0);

  GST_DEBUG_ID (self->name, "%s: status %u (0 = no answer), %" G_GSIZE_FORMAT
      " bytes, sent in %d ms, over after %d ms%s%s%s%s", self->what,
      answer.http_status,
      g_bytes_get_size (answer.body), (gint) (answer.sending / GST_MSECOND),
      (gint) (answer.duration / GST_MSECOND),
      answer.from_proxy ? ", by the proxy" : "", answer.stale ?
      ", on a connection that was kept" : "", answer.error ? ": " : "",
      answer.error ? answer.error->message : "");

  self->func (&answer, self->user_data);

  g_bytes_unref (answer.body);
  g_clear_error (&answer.error);
  g_free (answer.retry_after);
  g_free (answer.location);
}

/* Takes over error. func may do anything but free the transport. */
static void
exchange_finish (IdentifaiExchange * self, GError * error)
{
  IdentifaiTransport *transport = self->transport;
  gboolean was_trial = transport->trial == self;

  /* Nothing more may cut it, from within func. */
  identifai_timer_set (self->watchdog, G_MAXINT64);

  if (self->cut == CUT_CANCELLED || !self->func)
    g_clear_error (&error);
  else
    exchange_answer (self, error);

  exchange_free (self);
  if (was_trial)
    transport_end_trial (transport);
}

/* The answer's body. */

static void
on_closed (GObject * source, GAsyncResult * result, gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  GError *error = g_object_steal_data (source, "identifai-error");

  GST_LOG_ID (self->name, "%s: the connection is free again, or closed",
      self->what);
  g_input_stream_close_finish (G_INPUT_STREAM (source), result, NULL);
  exchange_finish (self, error);
}

/* Takes over error. */
static void
exchange_close (IdentifaiExchange * self, GError * error)
{
  if (error)
    g_object_set_data_full (G_OBJECT (self->input), "identifai-error", error,
        (GDestroyNotify) g_error_free);
  g_input_stream_close_async (self->input, G_PRIORITY_DEFAULT,
      self->cancellable, on_closed, self);
}

static void on_read (GObject * source, GAsyncResult * result,
    gpointer user_data);

static void
exchange_read (IdentifaiExchange * self)
{
  g_input_stream_read_async (self->input, self->chunk, CHUNK_BYTES,
      G_PRIORITY_DEFAULT, self->cancellable, on_read, self);
}

static void
on_read (GObject * source, GAsyncResult * result, gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  GError *error = NULL;
  gssize got;

  got = g_input_stream_read_finish (self->input, result, &error);
  GST_LOG_ID (self->name,
      "%s: %" G_GSSIZE_FORMAT " bytes of the answer, after %u", self->what, got,
      self->received->len);
  if (got <= 0) {
    exchange_close (self, error);
    return;
  }

  exchange_progress (self);
  g_byte_array_append (self->received, self->chunk, got);
  if (self->received->len > identifai_exchange_get_max_bytes (self)) {
    exchange_cut (self, CUT_TOO_LONG);
    exchange_close (self, NULL);
  } else {
    exchange_read (self);
  }
}

static void
on_sent (GObject * source, GAsyncResult * result, gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  GError *error = NULL;

  self->input = soup_session_send_finish (SOUP_SESSION (source), result,
      &error);
  if (self->input) {
    exchange_read (self);
    return;
  }
  GST_DEBUG_ID (self->name,
      "%s: libsoup gave up, %d ms after it was last heard of: %s",
      self->what, (gint) ((identifai_clock_now () - self->progress)
          / G_TIME_SPAN_MILLISECOND), error->message);
  exchange_finish (self, error);
}

static void
on_connected (GObject * source, GAsyncResult * result, gpointer user_data)
{
  IdentifaiExchange *self = user_data;
  GError *error = NULL;

  soup_session_preconnect_finish (SOUP_SESSION (source), result, &error);
  GST_DEBUG_ID (self->name, "%s %s%s", self->what, error ? "failed: " :
      "stands", error ? error->message : "");
  exchange_finish (self, error);
}

static const gchar *
get_method (const IdentifaiCallSpec * spec)
{
  if (spec->upload)
    return "POST";

  return spec->method ? spec->method : "GET";
}

static const gchar *
get_accept (const IdentifaiCallSpec * spec)
{
  if (spec->upload && spec->upload->accept_text)
    return "text/plain";

  return spec->accept ? spec->accept : "application/json";
}

static SoupMessage *
create_message (const IdentifaiCallSpec * spec, gboolean expects)
{
  SoupMessage *message;
  SoupMessageHeaders *headers;

  message = soup_message_new (get_method (spec), spec->url);
  g_return_val_if_fail (message != NULL, NULL);

  /* A redirect could take the key to another host, or post a file twice.
   * IDEMPOTENT means no more than that a kept connection may be used: to send
   * again what came back broken, libsoup goes by the method and leaves a POST to
   * us. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT
      | SOUP_MESSAGE_IDEMPOTENT);
  if (spec->new_connection)
    soup_message_add_flags (message, SOUP_MESSAGE_NEW_CONNECTION);
  /* Workaround 401. */
  soup_message_disable_feature (message, SOUP_TYPE_AUTH_MANAGER);
  headers = soup_message_get_request_headers (message);
  if (spec->api_key != NULL)
    soup_message_headers_replace (headers, "X-Api-Key", spec->api_key);
  identifai_extra_headers_append_to (spec->extra_headers, headers);
  soup_message_headers_replace (headers, "Accept", get_accept (spec));
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  /* Workaround EXPECT: with the blank, which nobody sees behind it, libsoup doesn't
   * know the value. */
  GST_LOG_ID (spec->name, "%s: %s%s", spec->what, spec->api_key != NULL ?
      "with a key" : "without a key", expects ?
      ", offers its body before sending it" : "");
  if (expects)
    soup_message_headers_replace (headers, "Expect", "100-continue ");

  return message;
}

static IdentifaiExchange *
transport_send (IdentifaiTransport * self, const IdentifaiCallSpec * spec,
    IdentifaiResponseFunc func, gpointer user_data)
{
  IdentifaiExchange *exchange = g_new0 (IdentifaiExchange, 1);

  exchange->transport = self;
  exchange->link.data = exchange;
  g_queue_push_tail_link (&self->exchanges, &exchange->link);
  exchange->name = g_strdup (spec->name);
  exchange->what = g_strdup (spec->what);
  exchange->expects = spec->expects && spec->upload && !self->no_offers;
  exchange->message = create_message (spec, exchange->expects);
  exchange->cancellable = g_cancellable_new ();
  exchange->extra_headers = identifai_extra_headers_ref (spec->extra_headers);
  exchange->hold = spec->hold;
  exchange->sent = spec->sent;
  exchange->func = func;
  exchange->user_data = user_data;
  exchange->chunk = g_malloc (CHUNK_BYTES);
  exchange->received = g_byte_array_new ();
  if (spec->upload) {
    exchange->upload = identifai_request_ref (spec->upload);
    exchange_attach_body (exchange);
  }
  if (spec->body) {
    exchange->bytes = g_bytes_ref (spec->body);
    exchange->content_type = g_strdup (spec->content_type);
  }
  exchange_attach_bytes (exchange);

  GST_LOG_ID (exchange->name, "%s: %s %s", exchange->what,
      soup_message_get_method (exchange->message), spec->url);
  if (exchange->chunked)
    GST_DEBUG_ID (exchange->name, "%s: a body that grows", exchange->what);
  else if (spec->upload)
    GST_DEBUG_ID (exchange->name, "%s: a body of %" G_GUINT64_FORMAT " bytes",
        exchange->what, identifai_request_body_get_length (exchange->body));
  exchange_watch_message (exchange);
  exchange_start_watchdog (exchange);
  exchange_start (exchange);

  return exchange;
}

static void
transport_connect (IdentifaiTransport * self, const IdentifaiCallSpec * spec)
{
  transport_send (self, spec, NULL, NULL);
}

static void
exchange_cancel (IdentifaiExchange * self)
{
  GST_DEBUG_ID (self->name, "%s: cancelled, %s", self->what,
      self->started == 0 ? "before its headers went out" : "under way");
  /* It may have been cut a moment ago, too. */
  self->cut = CUT_NONE;
  self->sent = NULL;
  exchange_drop_body (self);
  g_clear_pointer (&self->upload, identifai_request_unref);
  exchange_cut (self, CUT_CANCELLED);
}

/* The session. */

static IdentifaiTransport *
transport_open (const IdentifaiTransportSettings * settings)
{
  IdentifaiTransport *self = g_new0 (IdentifaiTransport, 1);

  identifai_workarounds_check (GST_CAT_DEFAULT);
  self->proxy = identifai_proxy_new (settings->proxy);
  self->timeout = MAX (settings->timeout, 1) * G_TIME_SPAN_SECOND;
  self->max_bytes = settings->max_bytes;
  self->session = soup_session_new_with_options ("max-conns",
      settings->max_connections, "max-conns-per-host",
      settings->max_connections, "timeout", 0,
      "idle-timeout", IDLE_TIMEOUT, NULL);
  self->trial_over = identifai_timer_new (g_main_context_get_thread_default (),
      "identifai proxy trial", on_trial_over, self);
  identifai_proxy_attach (self->proxy, self->session);
  identifai_session_prepare (self->session);
  GST_DEBUG ("transport opens: timeout %u s, proxy as of %s, authorities of %s",
      settings->timeout, settings->proxy && settings->proxy[0] ? "the setting" :
      "the environment", settings->tls_database ? "a file" : "the system");
  if (settings->user_agent)
    soup_session_set_user_agent (self->session, settings->user_agent);
  if (settings->tls_database)
    soup_session_set_tls_database (self->session, settings->tls_database);
  /* Workaround UNPACK. */
  soup_session_remove_feature_by_type (self->session,
      SOUP_TYPE_CONTENT_DECODER);

  return self;
}

static gboolean
on_closed_down (gpointer user_data)
{
  IdentifaiTransport *self = user_data;

  GST_DEBUG ("transport is closed");

  soup_session_abort (self->session);
  g_object_unref (self->session);
  identifai_timer_free (self->trial_over);
  identifai_proxy_unref (self->proxy);
  self->closed (self->user_data);
  g_free (self);

  return G_SOURCE_REMOVE;
}

/* Later, as this may be one of the session's own callbacks. */
static void
transport_check_closed (IdentifaiTransport * self)
{
  GSource *source;

  if (self->closed == NULL || !g_queue_is_empty (&self->exchanges))
    return;

  source = g_idle_source_new ();
  g_source_set_callback (source, on_closed_down, self, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  g_source_unref (source);
}

static void
transport_close (IdentifaiTransport * self,
    void (*closed) (gpointer user_data), gpointer user_data)
{
  GList *walk, *next;

  /* Connections that are being made; one that waits is cut later, so none goes
   * from the list meanwhile. */
  for (walk = self->exchanges.head; walk; walk = next) {
    IdentifaiExchange *exchange = walk->data;

    next = walk->next;
    if (!exchange->func)
      exchange_cut (exchange, CUT_CANCELLED);
  }
  GST_DEBUG ("transport closes, %u exchanges wind up", self->exchanges.length);
  self->closed = closed;
  self->user_data = user_data;
  transport_check_closed (self);
}

const IdentifaiTransportFuncs identifai_http_transport = {
  .open = transport_open,
  .close = transport_close,
  .send = transport_send,
  .cancel = exchange_cancel,
  .connect = transport_connect,
};
