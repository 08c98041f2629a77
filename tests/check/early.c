/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Servers that answer, break off or stop reading in the middle of uploads: what
 * comes of it doesn't depend on the moment, on TLS, nor on how many uploads there
 * are. A server that offers HTTP/2 gets HTTP/1.1. The TLS rows are skipped where
 * openssl isn't installed.
 */

#include "backoff.h"
#include "clientworld.h"

/* Too much for what the sockets between hold. */
#define SIZE (400 * 1000)
#define MIDDLE (SIZE / 2)

typedef enum
{
  FRONT_NONE,
  FRONT_TLS,
  FRONT_H2,
  N_FRONTS
} FrontKind;

static const gchar *const front_names[] = { "plain", "TLS", "HTTP/2" };

static const guint counts[] = { 1, 4 };

static const struct
{
  const gchar *name;
  gsize at;
} moments[] = {
  {"at the headers", 0},
  {"in the middle", MIDDLE},
  {"at the last byte", FAULT_LAST_BYTE},
};

static const struct
{
  FaultStep step;
  gint retries;
  IdentifaiReason reason;       /* NONE: the next attempt gets a verdict */
  guint http_status;
  const gchar *attempt;         /* NULL: it succeeds at once */
} rows[] = {
  {{FAULT_POST, 0, FAULT_EARLY, 401,.body = "{\"error\":\"Wrong key\"}"}, 5,
      IDENTIFAI_REASON_UNAUTHORIZED, 401, "Wrong key"},
  {{FAULT_POST, 0, FAULT_EARLY, 413,.body = "<title>413 Too Large</title>"},
      5, IDENTIFAI_REASON_REJECTED, 413, "413 Too Large"},
  {{FAULT_POST, 0, FAULT_EARLY, 429,.body = "{\"error\":\"Slow down\"}"}, 0,
      IDENTIFAI_REASON_THROTTLED, 429, "Slow down"},
  {{FAULT_POST, 1, FAULT_EARLY, 500,.body = "{\"error\":\"Oops\"}"}, 1,
      IDENTIFAI_REASON_NONE, 0, "Oops"},
  {{FAULT_POST, 1, FAULT_RESET}, 1, IDENTIFAI_REASON_NONE, 0, "broke"},
  {{FAULT_POST, 1, FAULT_EARLY_CLOSE}, 1, IDENTIFAI_REASON_NONE, 0, "broke"},
  {{FAULT_POST, 1, FAULT_STALL,.delay = 100}, 0, IDENTIFAI_REASON_NONE, 0,
      NULL},
};

#define N_ROWS (N_FRONTS * G_N_ELEMENTS (counts) * G_N_ELEMENTS (moments) \
    * G_N_ELEMENTS (rows))

static gchar *folder;           /* NULL: no certificate */

typedef struct
{
  guint row, moment, count;
  FrontKind front;
  FaultStep steps[4];           /* one an upload */
} Case;

static void
fill_case (guint index, Case * self)
{
  guint i;

  self->row = index % G_N_ELEMENTS (rows);
  index /= G_N_ELEMENTS (rows);
  self->moment = index % G_N_ELEMENTS (moments);
  index /= G_N_ELEMENTS (moments);
  self->count = counts[index % G_N_ELEMENTS (counts)];
  self->front = index / G_N_ELEMENTS (counts);
  for (i = 0; i < self->count; i++) {
    self->steps[i] = rows[self->row].step;
    self->steps[i].nth = rows[self->row].step.nth > 0 ? i + 1 : 0;
    self->steps[i].at = moments[self->moment].at;
  }
}

static gchar *
describe (const Case * self)
{
  const FaultStep *step = &rows[self->row].step;

  return g_strdup_printf ("%s, %u uploads, kind %u, status %u, %s",
      front_names[self->front], self->count, step->kind, step->status,
      moments[self->moment].name);
}

static void
check_outcomes (const Case * self, const ClientLog * log)
{
  gchar *name = describe (self);
  guint i;

  for (i = 1; i <= self->count; i++)
    fail_unless (log->finished[i] == 1, "%s: upload %u ended %u times", name,
        i, log->finished[i]);
  fail_unless (log->reason == rows[self->row].reason, "%s: %s: %s", name,
      identifai_reason_to_string (log->reason), log->attempts->str);
  fail_unless (log->reason == IDENTIFAI_REASON_NONE
      || log->http_status == rows[self->row].http_status, "%s: %u", name,
      log->http_status);
  if (rows[self->row].attempt)
    fail_unless (strstr (log->attempts->str, rows[self->row].attempt),
        "%s: \"%s\" is not in \"%s\"", name, rows[self->row].attempt,
        log->attempts->str);
  else
    fail_unless (log->attempts->len == 0, "%s: %s", name, log->attempts->str);
  g_free (name);
}

static TlsFront *
put_front (FrontKind kind, ClientWorld * world)
{
  return kind == FRONT_NONE ? NULL :
      client_world_put_front (world, folder, kind == FRONT_H2);
}

GST_START_TEST (test_early)
{
  TlsFront *front;
  ClientWorld world;
  Case self;
  guint i;

  fill_case (__i__, &self);
  if (self.front != FRONT_NONE && !folder)
    return;

  client_world_init (&world, self.steps, self.count);
  front = put_front (self.front, &world);
  world.settings.retries = rows[self.row].retries;
  client_world_open (&world);
  for (i = 1; i <= self.count; i++)
    client_log_push_new (&world.logs[0], world.clients[0], i, SIZE);
  client_world_wait (&world, 0, self.count);
  check_outcomes (&self, &world.logs[0]);
  if (front)
    fail_unless_equals_int (tls_front_count (front, "h2"), 0);
  client_world_clear (&world);
  g_clear_pointer (&front, tls_front_free);
}

GST_END_TEST;

/* Silence at a bad moment is given up after `timeout`, and holds up neither that
 * nor the end of the client. */
static const struct
{
  const gchar *name;
  FrontKind front;
  gboolean no_handshake;        /* the server waits for HTTP, and gets TLS */
} silent_rows[] = {
  {"stops reading", FRONT_NONE},
  {"stops reading, no room for TLS's good bye", FRONT_TLS},
  {"stops reading, offers HTTP/2", FRONT_H2},
  {"no handshake", FRONT_NONE, TRUE},
};

static void
open_silent (guint row, ClientWorld * world)
{
  if (silent_rows[row].no_handshake) {
    g_free (world->settings.endpoint);
    world->settings.endpoint = g_strdup_printf ("https://127.0.0.1:%u",
        fault_server_get_port (world->server));
  }
  client_world_open (world);
  client_log_push_new (&world->logs[0], world->clients[0], 1, 10 * SIZE);
}

static void
wait_for_silence (guint row, ClientWorld * world)
{
  while (fault_server_count_connections (world->server) == 0)
    g_usleep (1000);
  if (!silent_rows[row].no_handshake)
    fail_unless (fault_server_wait (world->server, FAULT_POST, 1));
  /* the rest of what is sent is on its way: nothing says when it is there */
  g_usleep (100 * G_TIME_SPAN_MILLISECOND);
}

GST_START_TEST (test_silent)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 0, FAULT_STUCK,.at = MIDDLE}
  };
  guint row = __i__ / 2;
  FrontKind kind = silent_rows[row].front;
  gboolean closes = __i__ % 2;
  gint64 started;
  TlsFront *front;
  ClientWorld world;

  if (kind != FRONT_NONE && !folder)
    return;

  client_world_init (&world, steps, G_N_ELEMENTS (steps));
  front = put_front (kind, &world);
  world.settings.timeout = closes ? 600 : 1;
  open_silent (row, &world);
  if (closes) {
    wait_for_silence (row, &world);
  } else {
    client_world_wait (&world, 0, 1);
    fail_unless (strstr (world.logs[0].message, "nothing was heard for 1 s"),
        "%s: %s", silent_rows[row].name, world.logs[0].message);
  }
  started = g_get_monotonic_time ();
  identifai_client_close (g_steal_pointer (&world.clients[0]));
  /* It takes a few ms; a busy machine gets some seconds. */
  fail_unless (g_get_monotonic_time () - started < 10 * G_TIME_SPAN_SECOND,
      "%s", silent_rows[row].name);
  fail_unless (client_log_wait_for_threads (0), "%s", silent_rows[row].name);
  client_world_clear (&world);
  g_clear_pointer (&front, tls_front_free);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (0.01);
  folder = tls_front_make_folder ();
}

static void
teardown (void)
{
  tls_front_remove_folder (folder);
  folder = NULL;
}

static Suite *
early_suite (void)
{
  Suite *suite = suite_create ("early");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_unchecked_fixture (general, setup, teardown);
  tcase_add_loop_test (general, test_early, 0, N_ROWS);
  tcase_add_loop_test (general, test_silent, 0, 2 * G_N_ELEMENTS (silent_rows));

  return suite;
}

GST_CHECK_MAIN (early);
