/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The transport alone, in this thread's rounds of the main loop: each answer at
 * which libsoup starts over by itself, and others, met by a cancel in each round, and
 * between them. Nothing is let go of twice, no answer comes after the cancel, no
 * request is sent again, and the transport closes.
 *
 * IDENTIFAI_CANCELS=100 does all of that so many times.
 */

#include <stdlib.h>
#include "clientlog.h"
#include "faultserver.h"
#include "transport.h"

/* More rounds than any call takes. */
#define MAX_ROUNDS 400

/* When the answer is there. */
typedef enum
{
  WAY_BEFOREHAND,               /* before the request, on a new connection */
  WAY_NEW,                      /* as soon as it can, the same */
  WAY_KEPT,                     /* as soon as it can, on one that was used */
  WAY_AHEAD,                    /* the same, on one that is being made for it */
  N_WAYS
} Way;

static const gchar *const way_names[] = {
  "beforehand", "on a new connection", "on a kept connection",
  "on a connection that is being made"
};

typedef enum
{
  CALL_GET,
  CALL_POST,
  CALL_PIECES,                  /* a POST that goes out in two pieces */
  CALL_OFFER,                   /* the body waits for leave */
  CALL_TUNNEL,                  /* a GET by TLS; the answer is the proxy's */
  N_CALLS
} Call;

static const gchar *const call_names[] = {
  "GET", "POST", "POST in pieces", "POST with an offer", "CONNECT"
};

static const FaultCall fault_calls[] = {
  FAULT_GET, FAULT_POST, FAULT_POST, FAULT_POST, FAULT_CONNECT
};

#define ANSWER(status, headers, length, body) "HTTP/1.1 " status " Scripted\r\n" \
    headers "Content-Length: " length "\r\n\r\n" body
#define CHUNKED "Transfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n"

static const struct
{
  const gchar *name;
  guint status;                 /* 0 = no answer */
  FaultKind kind;
  const gchar *answer;          /* NULL: not beforehand */
} answer_rows[] = {
  {"200", 200, FAULT_RAW, ANSWER ("200", "", "2", "{}")},
  {"204", 204, FAULT_RAW, "HTTP/1.1 204 Scripted\r\n\r\n"},
  {"interim, then 200", 200, FAULT_RAW, "HTTP/1.1 102 Wait\r\n\r\n"
        ANSWER ("200", "", "2", "{}")},
  {"HSTS", 200, FAULT_RAW, ANSWER ("200",
          "Strict-Transport-Security: max-age=9999\r\n", "2", "{}")},
  {"301", 301, FAULT_RAW, ANSWER ("301", "Location: /other\r\n", "2", "{}")},
  {"302 without a body", 302, FAULT_RAW, ANSWER ("302", "Location: /other\r\n",
          "0", "")},
  {"307", 307, FAULT_RAW, ANSWER ("307", "Location: /other\r\n", "2", "{}")},
  {"401", 401, FAULT_RAW, ANSWER ("401",
          "WWW-Authenticate: Basic realm=\"x\"\r\n", "2", "{}")},
  {"407", 407, FAULT_RAW, ANSWER ("407",
          "Proxy-Authenticate: Basic realm=\"x\"\r\n", "2", "{}")},
  {"421", 421, FAULT_RAW, ANSWER ("421", "", "2", "{}")},
  {"421 without a body", 421, FAULT_RAW, ANSWER ("421", "", "0", "")},
  {"421 in chunks", 421, FAULT_RAW, "HTTP/1.1 421 Scripted\r\n" CHUNKED},
  {"421 to the end", 421, FAULT_RAW, "HTTP/1.1 421 Scripted\r\n"
        "Connection: close\r\n\r\nabcd"},
  {"503", 503, FAULT_RAW, ANSWER ("503", "", "2", "{}")},
  {"a close", 0, FAULT_CLOSE},
  {"a reset", 0, FAULT_RESET,.answer = NULL},
};

#define N_ANSWERS G_N_ELEMENTS (answer_rows)

typedef struct
{
  guint row;
  Way way;
  Call call;
  FaultStep step;
  FaultServer *server;

  IdentifaiTransport *transport;
  IdentifaiRequest *upload;     /* NULL: none */
  IdentifaiExchange *exchange;  /* NULL once it was cancelled, or is over */
  guint n_answers, status;
  gboolean cancelled, closed;
} World;

/* What would only take a while: an answer in front of a body that waits for leave, and
 * a handshake that waits for a proxy. */
static gboolean
is_possible (const World * self)
{
  const gchar *answer = answer_rows[self->row].answer;
  gboolean closes = answer == NULL || strstr (answer, "close") != NULL;

  switch (self->call) {
    case CALL_PIECES:
    case CALL_OFFER:
      return self->way == WAY_BEFOREHAND && !closes;
    case CALL_TUNNEL:
      return self->way == WAY_NEW || self->way == WAY_AHEAD
          || (self->way == WAY_BEFOREHAND && !closes
          && answer_rows[self->row].status >= 300);
    default:
      return answer != NULL || self->way != WAY_BEFOREHAND;
  }
}

static gchar *
describe (const World * self)
{
  return g_strdup_printf ("%s, %s, %s", answer_rows[self->row].name,
      call_names[self->call], way_names[self->way]);
}

static void
world_init (World * self, guint index)
{
  memset (self, 0, sizeof (World));
  self->row = index % N_ANSWERS;
  self->way = index / N_ANSWERS % N_WAYS;
  self->call = index / N_ANSWERS / N_WAYS;

  self->step.call = fault_calls[self->call];
  if (self->way == WAY_BEFOREHAND)
    self->step.call = FAULT_ACCEPT;
  self->step.kind = answer_rows[self->row].kind;
  self->step.body = answer_rows[self->row].answer;
  self->step.at = G_MAXSIZE;
  self->server = fault_server_new (&self->step, 1);
}

static void
on_answer (const IdentifaiResponse * answer, gpointer user_data)
{
  World *self = user_data;

  fail_if (self->cancelled);
  self->n_answers++;
  self->status = answer->http_status;
  self->exchange = NULL;
}

static void
on_closed (gpointer user_data)
{
  ((World *) user_data)->closed = TRUE;
}

static gint64
on_hold (gpointer user_data)
{
  return 0;
}

/* exchange: NULL, or the call. */
static void
send_call (World * self, const gchar * path, Call call,
    IdentifaiExchange ** exchange)
{
  gchar *base = call == CALL_TUNNEL ? g_strdup ("https://service.invalid") :
      fault_server_get_url (self->server);
  gchar *url = g_strconcat (base, path, NULL);
  IdentifaiCallSpec spec = {.name = "test",.what = "call",.url = url,
    .expects = call == CALL_OFFER,.hold = on_hold
  };

  if (fault_calls[call] == FAULT_POST)
    spec.upload = client_log_request (call == CALL_PIECES ? 12000 : 1000);
  if (exchange == NULL)
    identifai_http_transport.connect (self->transport, &spec);
  else
    *exchange = identifai_http_transport.send (self->transport, &spec,
        on_answer, self);
  self->upload = spec.upload;
  g_free (url);
  g_free (base);
}

/* Rounds until there is an answer. */
static guint
run (World * self, guint max)
{
  guint rounds;

  for (rounds = 0; rounds < max && self->exchange != NULL; rounds++)
    g_main_context_iteration (NULL, TRUE);

  return rounds;
}

static void
start (World * self)
{
  gchar *url = fault_server_get_url (self->server);
  const gchar *path;
  IdentifaiTransportSettings settings = {.timeout = 20,.max_bytes =
        10000,.max_connections = 14,
    .proxy = self->call == CALL_TUNNEL ? url : NULL
  };

  self->transport = identifai_http_transport.open (&settings);
  g_free (url);
  self->n_answers = 0;
  self->cancelled = self->closed = FALSE;
  if (self->way == WAY_KEPT) {
    send_call (self, "/api/classifications_video?i=1", CALL_GET,
        &self->exchange);
    run (self, G_MAXUINT);
    fail_unless_equals_int (self->status, 200);
  }
  path = fault_calls[self->call] == FAULT_POST ? "/api/classification_video" :
      "/api/classification_video/id-1";
  if (self->way == WAY_AHEAD) {
    send_call (self, path, self->call == CALL_TUNNEL ? CALL_TUNNEL : CALL_GET,
        NULL);
    g_main_context_iteration (NULL, TRUE);
  }
  send_call (self, path, self->call, &self->exchange);
}

static void
stop (World * self)
{
  identifai_http_transport.close (self->transport, on_closed, self);
  while (!self->closed)
    g_main_context_iteration (NULL, TRUE);
  g_clear_pointer (&self->upload, identifai_request_unref);
  /* What libsoup has left to do. */
  while (g_main_context_iteration (NULL, FALSE));
}

static gboolean
cancel (gpointer user_data)
{
  World *self = user_data;

  if (self->exchange != NULL) {
    self->cancelled = TRUE;
    identifai_http_transport.cancel (g_steal_pointer (&self->exchange));
    /* What is cancelled holds no file. */
    fail_unless (self->upload == NULL || self->upload->refcount == 1);
  }

  return G_SOURCE_REMOVE;
}

static guint
count_requests (World * self)
{
  return fault_server_count (self->server, fault_calls[self->call])
      + fault_server_count (self->server, FAULT_OTHER);
}

/* How many rounds it takes. */
static guint
run_to_end (World * self)
{
  gchar *name = describe (self);
  guint before = count_requests (self), rounds;

  start (self);
  rounds = run (self, G_MAXUINT);
  /* To a CONNECT, all but a refusal by itself is a broken connection. */
  fail_unless (self->status == answer_rows[self->row].status
      || self->call == CALL_TUNNEL, "%s: %u", name, self->status);
  stop (self);
  /* A look that was reset on a kept connection is sent again, once. */
  fail_unless (count_requests (self) - before <= (self->call == CALL_GET
          && self->status == 0 && self->way == WAY_KEPT ? 2 : 1),
      "%s: %u requests", name, count_requests (self) - before);
  fail_unless (rounds < MAX_ROUNDS, "%s: %u rounds", name, rounds);
  g_free (name);

  return rounds;
}

/* After so many rounds; within the next one, in front of what is ready then, or
 * behind it. */
static void
run_cancelled (World * self, guint rounds, gint priority)
{
  GSource *source = NULL;

  start (self);
  run (self, rounds);
  if (priority == G_MAXINT) {
    cancel (self);
  } else {
    source = g_idle_source_new ();
    g_source_set_priority (source, priority);
    g_source_set_callback (source, cancel, self, NULL);
    g_source_attach (source, NULL);
    g_main_context_iteration (NULL, TRUE);
    g_source_destroy (source);
    g_source_unref (source);
    cancel (self);
  }
  stop (self);
}

static void
run_all (World * self)
{
  static const gint priorities[] = { G_MAXINT, G_PRIORITY_HIGH,
    G_PRIORITY_DEFAULT
  };
  guint rounds = run_to_end (self), i, k;

  for (i = 0; i <= rounds; i++) {
    for (k = 0; k < G_N_ELEMENTS (priorities); k++)
      run_cancelled (self, i, priorities[k]);
  }
}

GST_START_TEST (test_cancel)
{
  const gchar *wanted = g_getenv ("IDENTIFAI_CANCELS");
  guint times = wanted != NULL ? (guint) atoi (wanted) : 1, i;
  World world;

  for (i = 0; i < times; i++) {
    world_init (&world, __i__);
    if (is_possible (&world))
      run_all (&world);
    fault_server_free (world.server);
  }
}

GST_END_TEST;

static Suite *
cancels_suite (void)
{
  Suite *suite = suite_create ("cancels");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  if (g_getenv ("IDENTIFAI_CANCELS"))
    tcase_set_timeout (general, 0);
  tcase_add_loop_test (general, test_cancel, 0, N_ANSWERS * N_WAYS * N_CALLS);

  return suite;
}

GST_CHECK_MAIN (cancels);
