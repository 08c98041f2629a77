/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How clients and jobs end: at every point of an exchange, and from within their
 * own callbacks.
 */

#include <glib/gstdio.h>
#include "backoff.h"
#include "clientworld.h"
#include "linkcount.h"

#define TIME_SCALE 0.01
#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

/* Taking back. */

GST_START_TEST (test_withdraw)
{
  static const FaultStep steps[] = { {FAULT_POST, 1, FAULT_SILENT} };
  ClientWorld world;
  ClientLog *log = &world.logs[0];
  gpointer queued = GUINT_TO_POINTER (7), sent = GUINT_TO_POINTER (8);
  IdentifaiRequest *request = client_log_request (1000);
  gint refcount;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.limits[IDENTIFAI_CALL_POST].per_minute = 1;
  client_world_open (&world);
  identifai_client_submit (world.clients[0], request, sent, NULL);
  fail_unless (fault_server_wait (world.server, FAULT_POST, 1));
  refcount = request->refcount;
  identifai_client_submit (world.clients[0], request, queued, NULL);
  fail_unless (identifai_client_withdraw (world.clients[0], queued, NULL));
  fail_if (identifai_client_withdraw (world.clients[0], queued, NULL));
  fail_if (identifai_client_withdraw (world.clients[0], sent, NULL));
  fail_if (identifai_client_withdraw (world.clients[0], GUINT_TO_POINTER (9),
          NULL));

  /* What a withdrawn job held is let go of at once. */
  fail_unless_equals_int (request->refcount, refcount);
  identifai_request_unref (request);
  fail_unless_equals_int (log->n_finished, 0);
  client_world_clear (&world);
}

GST_END_TEST;

/* From between two attempts. Of what went out whole, and was not refused, nobody
 * knows. */
static const struct
{
  FaultStep step;
  gboolean maybe_taken;
} withdraw_rows[] = {
  {{FAULT_POST, 0,.status = 503,.headers = "Retry-After: 600\r\n"}, FALSE},
  {{FAULT_POST, 0, FAULT_CLOSE}, TRUE},
};

GST_START_TEST (test_withdraw_from_retry)
{
  gpointer data = GUINT_TO_POINTER (7);
  IdentifaiRequest *request = client_log_request (1000);
  gboolean maybe_taken;
  ClientWorld world;

  client_world_init (&world, &withdraw_rows[__i__].step, 1);
  world.settings.retries = -1;
  client_world_open (&world);
  identifai_client_submit (world.clients[0], request, data, NULL);
  identifai_request_unref (request);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_attempts, 1));
  while (!identifai_client_withdraw (world.clients[0], data, &maybe_taken))
    g_thread_yield ();
  fail_unless_equals_int (maybe_taken, withdraw_rows[__i__].maybe_taken);
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  client_world_clear (&world);
}

GST_END_TEST;

/* Also from the wire: what isn't whole at once, and the next one goes in its place;
 * what is, when its answer is overdue; but not what the service has. */
static const struct
{
  const gchar *name;
  FaultStep step;
  gsize size;
  gboolean can, maybe_taken;
} abandon_rows[] = {
  {"in the middle", {FAULT_POST, 1, FAULT_STUCK,.at = 100000}, 8000000, TRUE,
      FALSE},
  {"whole", {FAULT_POST, 1, FAULT_SILENT}, 1000, TRUE, TRUE},
  {"submitted", {FAULT_GET, 1, FAULT_SILENT}, 1000, FALSE, FALSE},
};

GST_START_TEST (test_abandon)
{
  gpointer data = GUINT_TO_POINTER (7);
  IdentifaiRequest *request = client_log_request (abandon_rows[__i__].size);
  gboolean can = abandon_rows[__i__].can, maybe_taken = FALSE;
  ClientWorld world;
  ClientLog *log = &world.logs[0];

  client_world_init (&world, &abandon_rows[__i__].step, 1);
  world.settings.timeout = 600;
  client_world_open (&world);
  identifai_client_submit (world.clients[0], request, data, NULL);
  fail_unless (fault_server_wait (world.server, abandon_rows[__i__].step.call,
          1));
  while (abandon_rows[__i__].maybe_taken
      && identifai_request_get_sent (request) < abandon_rows[__i__].size)
    g_thread_yield ();
  identifai_request_unref (request);
  while (can
      && !identifai_client_abandon (world.clients[0], data, &maybe_taken))
    g_thread_yield ();
  if (!can)
    fail_if (identifai_client_abandon (world.clients[0], data, NULL));
  fail_unless_equals_int (maybe_taken, abandon_rows[__i__].maybe_taken);
  fail_unless_equals_int (log->n_finished, 0);
  if (can)
    client_world_push (&world, 0, 1, 1);
  if (can)
    client_world_wait (&world, 0, 1);
  client_world_clear (&world);
}

GST_END_TEST;

/* The file's memory goes as soon as the service has the file. */
GST_START_TEST (test_file_is_let_go)
{
  IdentifaiRequest *request = client_log_request (1000);
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_log_push (&world.logs[0], world.clients[0], request, 1);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted, 1));
  fail_unless_equals_int (request->refcount, 1);
  identifai_request_unref (request);
  client_world_clear (&world);
}

GST_END_TEST;

/* Closing. */

/* Where an exchange stands when the client is closed. */
static const struct
{
  const gchar *name;
  gboolean deaf;
  FaultStep steps[2];
  FaultCall wait_for;           /* FAULT_UNUSED: close at once */
  gsize size;
} close_rows[] = {
  {"queued"},
  {"connecting", TRUE},
  {"uploading", FALSE, {{FAULT_POST, 0, FAULT_STUCK,.at = 100000}},
      FAULT_POST, 8000000},
  {"waiting for headers", FALSE, {{FAULT_POST, 0, FAULT_SILENT}}, FAULT_POST},
  {"headers drip", FALSE, {{FAULT_POST, 0, FAULT_DRIP,.delay = 200}},
      FAULT_POST},
  {"body drips", FALSE, {{FAULT_POST, 0, FAULT_ENDLESS_DRIP,.delay = 10}},
      FAULT_POST},
  {"body floods", FALSE, {{FAULT_POST, 0, FAULT_ENDLESS_BODY}}, FAULT_POST},
  {"waiting to retry", FALSE, {{FAULT_POST, 0,.status = 503,.headers =
                    "Retry-After: 600\r\n"}}, FAULT_POST},
  {"waiting to look", FALSE, {{FAULT_GET, 0,.status = 503,.headers =
                    "Retry-After: 600\r\n"}}, FAULT_GET},
  {"looking", FALSE, {{FAULT_GET, 0, FAULT_SILENT}}, FAULT_GET},
  {"result drips", FALSE, {{FAULT_GET, 0, FAULT_ENDLESS_DRIP,.delay = 10}},
      FAULT_GET},
};

GST_START_TEST (test_close)
{
  const FaultStep *steps = close_rows[__i__].steps;
  gsize size = MAX (close_rows[__i__].size, 1000);
  gint64 started, took;
  ClientWorld world;

  client_world_init (&world, steps, G_N_ELEMENTS (close_rows[__i__].steps));
  if (close_rows[__i__].deaf) {
    fault_server_free (world.server);
    world.server = fault_server_new_deaf ();
    g_free (world.settings.endpoint);
    world.settings.endpoint = fault_server_get_url (world.server);
  }
  world.settings.retries = 5;
  world.settings.timeout = 600;
  world.settings.verdict_timeout = 600 * GST_SECOND;
  client_world_open (&world);
  client_log_push_new (&world.logs[0], world.clients[0], 1, size);
  if (close_rows[__i__].wait_for != FAULT_UNUSED)
    fail_unless (fault_server_wait (world.server, close_rows[__i__].wait_for,
            1));

  started = g_get_monotonic_time ();
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  took = g_get_monotonic_time () - started;
  GST_INFO ("%s: closed in %d µs", close_rows[__i__].name, (int) took);
  /* It takes a few ms; a busy machine gets some seconds. */
  fail_unless (took < 10 * SECOND, "%s took %d ms", close_rows[__i__].name,
      (int) (took / MS));
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  fail_unless_equals_int (world.logs[0].n_freed, 1);
  fail_unless (client_log_wait_for_threads (0), "%s: thread lives on",
      close_rows[__i__].name);
  client_world_clear (&world);
}

GST_END_TEST;

/* One client's end is nothing to another one. */
GST_START_TEST (test_close_one_of_two)
{
  static const FaultStep steps[] = {
    {FAULT_BATCH, 1, FAULT_ENDLESS_DRIP,.delay = 100},
    {FAULT_GET, 1, FAULT_ENDLESS_DRIP,.delay = 100},
  };
  ClientWorld world;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.retries = 5;
  world.settings.timeout = 1;
  client_world_open (&world);
  client_world_open (&world);
  client_world_push (&world, 0, 1, 3);
  client_world_push (&world, 1, 1, 3);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted, 3));
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  client_world_wait (&world, 1, 3);
  fail_unless_equals_int (world.logs[1].n_finished, 3);
  fail_unless_equals_int (world.logs[1].reason, IDENTIFAI_REASON_NONE);
  client_world_clear (&world);
}

GST_END_TEST;

/* The client goes on without what was cancelled. */

static const struct
{
  const gchar *name;
  FaultStep step;
  FaultCall wait_for;           /* FAULT_UNUSED: cancel at once */
} cancel_rows[] = {
  {"queued"},
  {"on the wire", {FAULT_POST, 1, FAULT_SILENT}, FAULT_POST},
  {"waiting to retry", {FAULT_POST, 1,.status = 503,.headers =
              "Retry-After: 600\r\n"}, FAULT_POST},
  {"looking", {FAULT_GET, 1, FAULT_SILENT}, FAULT_GET},
};

GST_START_TEST (test_cancel)
{
  ClientWorld world;
  ClientLog *log = &world.logs[0];

  client_world_init (&world, &cancel_rows[__i__].step, 1);
  world.settings.retries = 5;
  client_world_open (&world);
  client_world_push (&world, 0, 1, 1);
  if (cancel_rows[__i__].wait_for != FAULT_UNUSED)
    fail_unless (fault_server_wait (world.server, cancel_rows[__i__].wait_for,
            1));
  identifai_client_cancel (world.clients[0]);
  fail_unless_equals_int (log->n_finished, 0);
  fail_unless_equals_int (log->n_freed, 1);

  identifai_client_set_key (world.clients[0], "key-two");
  client_world_push (&world, 0, 2, 1);
  client_world_wait (&world, 0, 2);
  fail_unless_equals_int (log->finished[1], 0);
  fail_unless_equals_int (log->finished[2], 1);
  fail_unless (log->reason == IDENTIFAI_REASON_NONE, "%s: %s",
      cancel_rows[__i__].name, log->message);
  fail_unless (client_log_wait_for_accounts (1));
  client_world_clear (&world);
}

GST_END_TEST;

/* Who still has a reference may come too late with a key. */
GST_START_TEST (test_set_key_after_close)
{
  ClientWorld world;
  IdentifaiClient *client;

  client_world_init (&world, NULL, 0);
  client = identifai_client_ref (client_world_open (&world));
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  identifai_client_set_key (client, "key-two");
  fail_unless (client_log_wait_for_threads (0));
  identifai_client_unref (client);
  client_world_clear (&world);
}

GST_END_TEST;

/* Jobs by the hundred leave nothing behind, not even a link of a list. */

#ifdef __SANITIZE_ADDRESS__
#define MANY 20                 /* it tells of each one, and is slow */
#else
#define MANY 400
#endif

/* Cancels jobs that the service has, of which the network thread hears by a
 * list. */
static void
cancel_many (void)
{
  ClientWorld world;

  client_world_init (&world, NULL, 0);
  fault_server_set_delay (world.server, FAULT_NEVER);
  client_world_open (&world);
  client_world_push (&world, 0, 1, MANY);
  fail_unless (client_log_wait (&world.logs[0], &world.logs[0].n_submitted,
          MANY));
  client_world_clear (&world);
  fail_unless (client_log_wait_for_threads (0));
}

/* A new key moves jobs that the service has from one thread to another. */
static void
move_many (void)
{
  static const FaultStep steps[] = { {FAULT_BATCH, 1,.status = 401} };
  ClientWorld world;
  gchar *path = NULL;
  int fd = g_file_open_tmp ("identifai-key-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, "key-one", -1, NULL));
  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  g_clear_pointer (&world.settings.api_key, g_free);
  world.settings.api_key_file = path;
  world.settings.poll_interval = 100 * GST_MSECOND;
  fault_server_set_delay (world.server, 1000);
  client_world_open (&world);
  fail_unless (g_file_set_contents (path, "key-two", -1, NULL));
  client_world_push (&world, 0, 1, MANY);
  client_world_wait (&world, 0, MANY);
  fail_unless_equals_int (world.logs[0].n_finished, MANY);
  g_unlink (path);
  client_world_clear (&world);
  fail_unless (client_log_wait_for_threads (0));
}

GST_START_TEST (test_many_leave_nothing)
{
  void (*func) (void) = __i__ == 0 ? cancel_many : move_many;
  gint before, after;

  /* What stays for good is there after the first time. */
  func ();
  before = link_count_get ();
  func ();
  after = link_count_get ();
  GST_INFO ("%d blocks, then %d", before, after);
  fail_unless (after - before < 50, "%d blocks, then %d", before, after);
}

GST_END_TEST;

static guint
count_descriptors (void)
{
  GDir *dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint count = 0;

  while (dir && g_dir_read_name (dir))
    count++;
  g_clear_pointer (&dir, g_dir_close);

  return count;
}

GST_START_TEST (test_cycles)
{
  ClientWorld world;
  gint64 until;
  guint i, before = 0;

  for (i = 0; i < 100; i++) {
    client_world_init (&world, NULL, 0);
    client_world_open (&world);
    if (i % 4 > 0)
      client_world_push (&world, 0, 1, i % 4);
    if (i % 2)
      client_world_wait (&world, 0, i % 4);
    client_world_clear (&world);
    fail_unless (client_log_wait_for_threads (0));
    if (i == 10)
      before = count_descriptors ();
  }
  /* One of GIO's threads may be about to close another. */
  until = g_get_monotonic_time () + 30 * SECOND;
  while (count_descriptors () > before && g_get_monotonic_time () < until)
    g_usleep (MS);
  fail_unless (count_descriptors () <= before, "%u descriptors, then %u",
      before, count_descriptors ());
}

GST_END_TEST;

/* From within the callbacks. */

typedef struct
{
  IdentifaiClient *client;
  guint close_in;               /* 0 submitted, 1 finished, 2 attempted */
  GMutex lock;
  GCond changed;
  guint n_finished, n_freed;
  gboolean closed;
} Closer;

static void
closer_act (Closer * closer, guint where)
{
  IdentifaiClient *client;

  if (closer->close_in != where)
    return;

  g_mutex_lock (&closer->lock);
  client = g_steal_pointer (&closer->client);
  g_mutex_unlock (&closer->lock);
  if (!client)
    return;

  identifai_client_close (client);
  g_mutex_lock (&closer->lock);
  closer->closed = TRUE;
  g_cond_signal (&closer->changed);
  g_mutex_unlock (&closer->lock);
}

static void
closer_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  closer_act (user_data, 0);
  /* The callback that closed goes on, and its job is still there. */
  fail_unless (((Closer *) data)->n_freed == 0);
  fail_unless (identifier[0] != '\0');
}

static void
closer_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  Closer *closer = user_data;

  closer->n_finished++;
  closer_act (user_data, 1);
  fail_unless (((Closer *) data)->n_freed == 0);
  fail_unless (outcome->identifier != NULL);
}

static void
closer_attempted (IdentifaiCall call, IdentifaiReason reason,
    guint http_status, const gchar * message, gint64 retry_in,
    gpointer user_data)
{
  closer_act (user_data, 2);
}

static void
closer_freed (gpointer data)
{
  Closer *closer = data;

  g_mutex_lock (&closer->lock);
  closer->n_freed++;
  g_cond_signal (&closer->changed);
  g_mutex_unlock (&closer->lock);
}

GST_START_TEST (test_close_in_callback)
{
  static const IdentifaiClientCallbacks callbacks = {
    closer_submitted, closer_finished, closer_attempted
  };
  Closer closer = {.close_in = __i__ };
  IdentifaiRequest *request = client_log_request (1000);
  ClientWorld world;

  g_mutex_init (&closer.lock);
  g_cond_init (&closer.changed);
  client_world_init (&world, NULL, 0);
  g_mutex_lock (&closer.lock);
  closer.client =
      identifai_client_new (&world.settings, &callbacks, &closer, NULL);
  identifai_client_submit (closer.client, request, &closer, closer_freed);
  identifai_request_unref (request);
  while (!closer.closed || closer.n_freed == 0)
    g_cond_wait (&closer.changed, &closer.lock);
  g_mutex_unlock (&closer.lock);

  fail_unless (client_log_wait_for_threads (0));
  fail_unless_equals_int (closer.n_finished, __i__ == 1 ? 1 : 0);
  fail_unless_equals_int (closer.n_freed, 1);
  g_mutex_clear (&closer.lock);
  g_cond_clear (&closer.changed);
  client_world_clear (&world);
}

GST_END_TEST;

/* What callbacks came, in order: attempted, submitted, finished. */

typedef struct
{
  GMutex lock;
  GCond changed;
  GString *order;
  gboolean hold;                /* finished doesn't return */
} Diary;

static void
diary_init (Diary * diary)
{
  g_mutex_init (&diary->lock);
  g_cond_init (&diary->changed);
  diary->order = g_string_new (NULL);
  diary->hold = FALSE;
}

static void
diary_clear (Diary * diary)
{
  g_string_free (diary->order, TRUE);
  g_cond_clear (&diary->changed);
  g_mutex_clear (&diary->lock);
}

static void
diary_add (Diary * diary, gchar what)
{
  g_mutex_lock (&diary->lock);
  g_string_append_c (diary->order, what);
  g_cond_broadcast (&diary->changed);
  while (what == 'f' && diary->hold)
    g_cond_wait (&diary->changed, &diary->lock);
  g_mutex_unlock (&diary->lock);
}

static void
diary_wait (Diary * diary, gchar what)
{
  g_mutex_lock (&diary->lock);
  while (!strchr (diary->order->str, what))
    g_cond_wait (&diary->changed, &diary->lock);
  g_mutex_unlock (&diary->lock);
}

static void
diary_release (Diary * diary)
{
  g_mutex_lock (&diary->lock);
  diary->hold = FALSE;
  g_cond_broadcast (&diary->changed);
  g_mutex_unlock (&diary->lock);
}

static void
diary_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  diary_add (user_data, 's');
}

static void
diary_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  diary_add (user_data, 'f');
}

static void
diary_attempted (IdentifaiCall call, IdentifaiReason reason,
    guint http_status, const gchar * message, gint64 retry_in,
    gpointer user_data)
{
  diary_add (user_data, reason == IDENTIFAI_REASON_NONE ? 'a' : 'x');
}

static const IdentifaiClientCallbacks diary_callbacks = {
  diary_submitted, diary_finished, diary_attempted
};

/* Users that leave with the last outcome have heard all about its call. */
static const struct
{
  const gchar *name;
  FaultStep step;
  const gchar *order;
  const gchar *heuristic;
} order_rows[] = {
  {"verdict", {FAULT_UNUSED}, "asaf"},
  {"errored", {FAULT_GET, 0,.body = "{\"identifier\":\"id-1\","
              "\"status\":\"errored\"}"}, "asaf"},
  {"result not to be understood, once", {FAULT_GET, 1,.body = "nonsense"},
      "asxaf"},
  {"look refused, once", {FAULT_GET, 1,.status = 403}, "asxaf"},
  {"heuristic not there", {FAULT_GET, 0,.body = "{\"identifier\":\"id-1\","
              "\"verdict\":{\"classification\":\"human\"}}"}, "asaf",
      "Majority"},
  {"submit rejected", {FAULT_POST, 0,.status = 422}, "xf"},
};

GST_START_TEST (test_attempt_comes_first)
{
  IdentifaiRequest *request = client_log_request (1000);
  IdentifaiClient *client;
  ClientWorld world;
  Diary diary;

  request->heuristic = g_strdup (order_rows[__i__].heuristic);
  client_world_init (&world, &order_rows[__i__].step, 1);
  diary_init (&diary);
  client =
      identifai_client_new (&world.settings, &diary_callbacks, &diary, NULL);
  identifai_client_submit (client, request, NULL, NULL);
  identifai_request_unref (request);
  diary_wait (&diary, 'f');
  identifai_client_close (client);
  fail_unless_equals_string (diary.order->str, order_rows[__i__].order);
  diary_clear (&diary);
  client_world_clear (&world);
}

GST_END_TEST;

/* Taking back the last job of a key lets go of its account, whose thread
 * may be busy for long: the streaming thread doesn't wait for it. How long it
 * took, in µs. */
static gint64
withdraw_last (ClientWorld * world, guint round)
{
  gpointer data = GUINT_TO_POINTER (7);
  IdentifaiRequest *request = client_log_request (1000);
  IdentifaiClient *client;
  gint64 took;
  Diary diary;

  diary_init (&diary);
  diary.hold = TRUE;
  g_free (world->settings.api_key);
  world->settings.api_key = g_strdup_printf ("key-%u", round);
  client =
      identifai_client_new (&world->settings, &diary_callbacks, &diary, NULL);
  identifai_client_submit (client, request, NULL, NULL);
  diary_wait (&diary, 'f');
  /* There was one call for this minute. */
  identifai_client_submit (client, request, data, NULL);
  identifai_request_unref (request);
  identifai_client_set_key (client, "key-two");
  took = g_get_monotonic_time ();
  fail_unless (identifai_client_withdraw (client, data, NULL));
  took = g_get_monotonic_time () - took;

  diary_release (&diary);
  identifai_client_close (client);
  fail_unless (client_log_wait_for_threads (0));
  diary_clear (&diary);

  return took;
}

/* One of many tries may take as long as it likes, on a busy machine. */
GST_START_TEST (test_withdraw_does_not_wait)
{
  gint64 took, best = G_MAXINT64;
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_POST].per_minute = 1;
  for (i = 0; i < 20 && best > 20 * MS; i++) {
    took = withdraw_last (&world, i);
    best = MIN (best, took);
  }
  fail_unless (best <= 20 * MS, "it took %d ms at least", (int) (best / MS));
  client_world_clear (&world);
}

GST_END_TEST;

/* Threads that open, push, withdraw and close while answers come in. */
static gpointer
churn (gpointer user_data)
{
  IdentifaiClientSettings *settings = user_data;
  GRand *random = g_rand_new ();
  guint round, i;

  for (round = 0; round < 40; round++) {
    ClientLog log;
    IdentifaiClient *client;
    guint count = g_rand_int_range (random, 0, 6);

    client_log_init (&log);
    client = identifai_client_new (settings, &client_log_callbacks, &log, NULL);
    for (i = 1; i <= count; i++)
      client_log_push_new (&log, client, i, 1000);
    if (g_rand_boolean (random))
      identifai_client_set_key (client, g_rand_boolean (random) ? "a" : "b");
    if (count > 0 && g_rand_boolean (random))
      client_log_wait (&log, &log.n_finished, g_rand_int_range (random, 0,
              count) + 1);
    identifai_client_close (client);
    fail_unless_equals_int (log.n_freed, count);
    for (i = 1; i <= count; i++)
      fail_unless (log.finished[i] <= 1);
    client_log_clear (&log);
  }
  g_rand_free (random);

  return NULL;
}

GST_START_TEST (test_churn)
{
  GThread *threads[6];
  ClientWorld world;
  guint i;

  client_world_init (&world, NULL, 0);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("churn", churn, &world.settings);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  fail_unless (client_log_wait_for_threads (0));
  client_world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
clientends_suite (void)
{
  Suite *suite = suite_create ("clientends");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_set_timeout (general, 180);
  tcase_add_test (general, test_withdraw);
  tcase_add_loop_test (general, test_abandon, 0, G_N_ELEMENTS (abandon_rows));
  tcase_add_loop_test (general, test_withdraw_from_retry, 0,
      G_N_ELEMENTS (withdraw_rows));
  tcase_add_test (general, test_file_is_let_go);
  tcase_add_loop_test (general, test_close, 0, G_N_ELEMENTS (close_rows));
  tcase_add_test (general, test_close_one_of_two);
  tcase_add_loop_test (general, test_cancel, 0, G_N_ELEMENTS (cancel_rows));
  tcase_add_test (general, test_set_key_after_close);
  tcase_add_loop_test (general, test_many_leave_nothing, 0, 2);
  tcase_add_loop_test (general, test_attempt_comes_first, 0,
      G_N_ELEMENTS (order_rows));
  tcase_add_test (general, test_withdraw_does_not_wait);
  tcase_add_test (general, test_cycles);
  tcase_add_loop_test (general, test_close_in_callback, 0, 3);
  tcase_add_test (general, test_churn);

  return suite;
}

GST_CHECK_MAIN (clientends);
