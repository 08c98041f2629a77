/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What lanes share, and how they end: at every point of an exchange.
 */

#include <glib/gstdio.h>
#include "faultserver.h"
#include "identifaibackoff.h"
#include "lanelog.h"

#define TIME_SCALE 0.01
#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND
#define MAX_LANES 8

/* A server, and lanes to it with a log each. */
typedef struct
{
  FaultServer *server;
  IdentifaiClientSettings settings;
  IdentifaiLane *lanes[MAX_LANES];
  LaneLog logs[MAX_LANES];
  guint n_lanes;
} World;

static void
world_init (World * world, const FaultStep * steps, guint n_steps)
{
  memset (world, 0, sizeof (World));
  world->server = fault_server_new (steps, n_steps);
  lane_log_fill_settings (&world->settings,
      fault_server_get_url (world->server), "key-one");
}

static IdentifaiLane *
world_open (World * world)
{
  guint index = world->n_lanes++;
  GError *error = NULL;

  lane_log_init (&world->logs[index]);
  world->lanes[index] = identifai_lane_new (&world->settings,
      &lane_log_callbacks, &world->logs[index], &error);
  fail_unless (world->lanes[index] != NULL, "%s", error ? error->message : "");

  return world->lanes[index];
}

static void
world_clear (World * world)
{
  guint i;

  for (i = 0; i < world->n_lanes; i++) {
    if (world->lanes[i])
      identifai_lane_close (world->lanes[i]);
    lane_log_clear (&world->logs[i]);
  }
  g_clear_pointer (&world->server, fault_server_free);
  identifai_client_settings_clear (&world->settings);
}

static void
world_push (World * world, guint lane, guint first, guint count)
{
  guint i;

  for (i = 0; i < count; i++)
    lane_log_push_new (&world->logs[lane], world->lanes[lane], first + i,
        1000 + first + i);
}

static void
world_wait (World * world, guint lane, guint finished)
{
  fail_unless (lane_log_wait (&world->logs[lane],
          &world->logs[lane].n_freed, finished), "%u of %u outcomes: %s",
      world->logs[lane].n_finished, finished, world->logs[lane].attempts->str);
}

/* Sharing. */

GST_START_TEST (test_one_client_a_key)
{
  World world;

  world_init (&world, NULL, 0);
  fail_unless_equals_int (lane_log_count_threads (), 0);
  world_open (&world);
  world_open (&world);
  g_free (world.settings.user_agent);
  world.settings.user_agent = g_strdup ("another-agent/2");
  world_open (&world);
  fail_unless (lane_log_wait_for_threads (1));
  g_free (world.settings.api_key);
  world.settings.api_key = g_strdup ("key-two");
  world_open (&world);
  fail_unless (lane_log_wait_for_threads (2));

  /* Transport settings are the lane's own, whoever shares its client. */
  world_push (&world, 0, 1, 1);
  world_wait (&world, 0, 1);
  world_push (&world, 2, 1, 1);
  world_wait (&world, 2, 1);
  fail_unless (strstr (fault_server_get (world.server, FAULT_POST, 0)->headers,
          "identifai-test/1"));
  fail_unless (strstr (fault_server_get (world.server, FAULT_POST, 1)->headers,
          "another-agent/2"));

  identifai_lane_close (g_steal_pointer (&world.lanes[3]));
  fail_unless (lane_log_wait_for_threads (1));
  identifai_lane_close (g_steal_pointer (&world.lanes[0]));
  identifai_lane_close (g_steal_pointer (&world.lanes[1]));
  fail_unless_equals_int (lane_log_count_threads (), 1);
  identifai_lane_close (g_steal_pointer (&world.lanes[2]));
  fail_unless (lane_log_wait_for_threads (0));
  world_clear (&world);
}

GST_END_TEST;

/* Which lane a submit call came from: by the range of its file's size. */
static guint
count_posts_between (FaultServer * server, guint first, guint last,
    gsize min_size, gsize max_size)
{
  guint i, count = 0;

  for (i = first; i < last; i++) {
    const FaultRequest *request = fault_server_get (server, FAULT_POST, i);
    gchar *length = strstr (request->headers, "Content-Length: ");
    guint64 size = g_ascii_strtoull (length + 16, NULL, 10);

    if (size >= min_size && size < max_size)
      count++;
  }

  return count;
}

GST_START_TEST (test_lanes_take_turns)
{
  World world;
  guint i;

  world_init (&world, NULL, 0);
  /* Nothing goes before all is queued: the first one takes the token. */
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 1;
  world_open (&world);
  world_push (&world, 0, 1, 1);
  world_wait (&world, 0, 1);
  world_open (&world);
  world_open (&world);
  for (i = 2; i <= 30; i++)
    lane_log_push_new (&world.logs[0], world.lanes[0], i, 100000);
  for (i = 1; i <= 2; i++) {
    lane_log_push_new (&world.logs[1], world.lanes[1], i, 200000);
    lane_log_push_new (&world.logs[2], world.lanes[2], i, 300000);
  }
  world_wait (&world, 1, 2);
  world_wait (&world, 2, 2);

  /* Six rounds at most for two jobs of each, the busy lane between them. */
  fail_unless (world.logs[0].n_finished <= 4, "%u before the others",
      world.logs[0].n_finished);
  fail_unless_equals_int (count_posts_between (world.server, 1, 4, 200000,
          210000), 1);
  fail_unless_equals_int (count_posts_between (world.server, 1, 4, 300000,
          310000), 1);
  world_clear (&world);
}

GST_END_TEST;

/* No second holds more than max of the times. */
static void
check_seconds (GArray * times, guint max)
{
  guint i, first = 0;

  for (i = 0; i < times->len; i++) {
    while (g_array_index (times, gint64, first) + SECOND
        <= g_array_index (times, gint64, i))
      first++;
    fail_unless (i - first < max, "%u calls in a second", i - first + 1);
  }
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 one = *(const gint64 *) a, other = *(const gint64 *) b;

  return one < other ? -1 : one > other;
}

static void
check_posts_by_second (FaultServer * server, guint max)
{
  GArray *starts = g_array_new (FALSE, FALSE, sizeof (gint64));
  GArray *ends = g_array_new (FALSE, FALSE, sizeof (gint64));
  const FaultRequest *request;
  guint i;

  for (i = 0; (request = fault_server_get (server, FAULT_POST, i)); i++) {
    g_array_append_val (starts, request->time);
    g_array_append_val (ends, request->whole_at);
  }
  /* The first one waits for nobody. */
  fail_unless (g_array_index (ends, gint64, 0)
      - g_array_index (starts, gint64, 0) < SECOND);
  g_array_sort (starts, compare_times);
  g_array_sort (ends, compare_times);
  check_seconds (starts, max);
  check_seconds (ends, max);
  g_array_unref (starts);
  g_array_unref (ends);
}

/* The strictest lane's limit is the key's, whichever lane calls. */
GST_START_TEST (test_limits_are_shared)
{
  World world;
  guint lane;

  world_init (&world, NULL, 0);
  for (lane = 0; lane < 3; lane++) {
    world.settings.limits[IDENTIFAI_CALL_POST].per_second = lane == 1 ? 2 : 50;
    world_open (&world);
  }
  for (lane = 0; lane < 3; lane++)
    world_push (&world, lane, 1, 2);
  for (lane = 0; lane < 3; lane++)
    world_wait (&world, lane, 2);
  check_posts_by_second (world.server, 2);
  world_clear (&world);
}

GST_END_TEST;

/* A pipeline after the other, each with a client of its own. */
GST_START_TEST (test_limits_outlive_lanes)
{
  World world;
  guint i;

  world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_POST].per_second = 2;
  for (i = 0; i < 4; i++) {
    world_open (&world);
    world_push (&world, i, 1, 1);
    world_wait (&world, i, 1);
    identifai_lane_close (g_steal_pointer (&world.lanes[i]));
    fail_unless (lane_log_wait_for_threads (0));
  }
  check_posts_by_second (world.server, 2);
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_few_uploads_at_once)
{
  static const FaultStep steps[] = { {FAULT_POST, 0, FAULT_SILENT} };
  World world;
  IdentifaiLaneStats stats;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world_open (&world);
  world_push (&world, 0, 1, 20);
  fail_unless (fault_server_wait (world.server, FAULT_POST, 4));
  identifai_lane_get_stats (world.lanes[0], &stats);
  fail_unless_equals_int (stats.in_flight, 4);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 4);
  world_clear (&world);
}

GST_END_TEST;

/* The batch call. */

GST_START_TEST (test_batch)
{
  const FaultRequest *request;
  World world;
  guint i, asked;

  world_init (&world, NULL, 0);
  world.settings.limits[IDENTIFAI_CALL_GET].per_second = 10;
  fault_server_set_delay (world.server, 1500);
  world_open (&world);
  world_push (&world, 0, 1, 250);
  world_wait (&world, 0, 250);
  for (i = 1; i <= 250; i++)
    fail_unless_equals_int (world.logs[0].finished[i], 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);

  /* As many as fit, and few calls for many results. */
  for (i = 0, asked = 0; (request = fault_server_get (world.server,
              FAULT_BATCH, i)); i++) {
    gchar **parts = g_strsplit (request->target, "identifiers[]=", -1);

    fail_unless (g_strv_length (parts) - 1 <= 100);
    asked = MAX (asked, g_strv_length (parts) - 1);
    g_strfreev (parts);
  }
  fail_unless_equals_int (asked, 100);
  fail_unless (i <= 50, "%u batch calls", i);
  world_clear (&world);
}

GST_END_TEST;

/* What a batch call answers, and how the client gets at the results. Up to four
 * of them may be on the wire before the first one is answered. */
static const struct
{
  const gchar *name;
  FaultStep steps[3];
  guint max_batches;
  gboolean singles;
} batch_rows[] = {
  {"no such call", {{FAULT_BATCH, 0,.status = 404}}, 4, TRUE},
  {"not allowed", {{FAULT_BATCH, 0,.status = 405}}, 4, TRUE},
  {"not implemented", {{FAULT_BATCH, 0,.status = 501}}, 4, TRUE},
  {"elsewhere", {{FAULT_BATCH, 0,.status = 301,.headers =
                    "Location: https://elsewhere.example/\r\n"}}, 4, TRUE},
  {"garbage", {{FAULT_BATCH, 0,.body = "<html>hello</html>"}}, 4, TRUE},
  {"too long an answer", {{FAULT_BATCH, 0, FAULT_ENDLESS_BODY}}, 4, TRUE},
  {"too long an URL", {{FAULT_BATCH, 0,.status = 414}}, 8, TRUE},
  {"too long an URL, once", {{FAULT_BATCH, 1,.status = 414}}, G_MAXUINT, FALSE},
  {"too many", {{FAULT_BATCH, 0,.status = 422}}, 8, TRUE},
  {"500 for good", {{FAULT_BATCH, 0,.status = 500}}, 8, TRUE},
  {"500 once", {{FAULT_BATCH, 1,.status = 500}}, G_MAXUINT, FALSE},
  {"429 once", {{FAULT_BATCH, 1,.status = 429}}, G_MAXUINT, FALSE},
  {"no answer, once", {{FAULT_BATCH, 1, FAULT_RAW,.body = "HTTP"}}, G_MAXUINT,
      FALSE},
  {"nothing yet", {{FAULT_BATCH, 1,.body = "[]"}}, G_MAXUINT, FALSE},
  {"202, 204", {{FAULT_BATCH, 1,.status = 202}, {FAULT_BATCH, 2,
              .status = 204}}, G_MAXUINT, FALSE},
};

GST_START_TEST (test_batch_faults)
{
  World world;

  world_init (&world, batch_rows[__i__].steps,
      G_N_ELEMENTS (batch_rows[__i__].steps));
  world.settings.retries = 3;
  world.settings.poll_interval = 50 * GST_MSECOND;
  /* None is final before all have been submitted. */
  fault_server_set_delay (world.server, 400);
  world_open (&world);
  world_push (&world, 0, 1, 8);
  world_wait (&world, 0, 8);
  fail_unless_equals_int (world.logs[0].n_finished, 8);
  fail_unless (world.logs[0].reason == IDENTIFAI_REASON_NONE, "%s: %s",
      batch_rows[__i__].name, world.logs[0].message);
  fail_unless (fault_server_count (world.server, FAULT_BATCH)
      <= batch_rows[__i__].max_batches, "%s: %u batch calls",
      batch_rows[__i__].name, fault_server_count (world.server, FAULT_BATCH));
  fail_unless (fault_server_count (world.server, FAULT_BATCH) > 0);
  if (batch_rows[__i__].singles)
    fail_unless (fault_server_count (world.server, FAULT_GET) >= 8);
  world_clear (&world);
}

GST_END_TEST;

/* Refusals count for all that the call asked for. */
GST_START_TEST (test_batch_refused)
{
  static const FaultStep steps[] = {
    {FAULT_BATCH, 0,.status = 403,.body = "{\"error\":\"Forbidden\"}"},
    {FAULT_GET, 0,.status = 403,.body = "{\"error\":\"Forbidden\"}"}
  };
  World world;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.retries = 5;
  world_open (&world);
  world_push (&world, 0, 1, 5);
  world_wait (&world, 0, 5);
  fail_unless_equals_int (world.logs[0].n_finished, 5);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_UNAUTHORIZED);
  fail_unless_equals_string (world.logs[0].message, "Forbidden");
  world_clear (&world);
}

GST_END_TEST;

/* The service knows a file again: two jobs, one identifier, two lanes. */
GST_START_TEST (test_shared_identifier)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 0,.body = "{\"identifier\":\"same\"}"},
    {FAULT_GET, 1,.body = "{\"identifier\":\"same\",\"status\":\"new\"}",
        .delay = 300},
  };
  World world;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.poll_interval = 300 * GST_MSECOND;
  world_open (&world);
  world_open (&world);
  world_push (&world, 0, 1, 2);
  world_push (&world, 1, 1, 1);
  world_wait (&world, 0, 2);
  world_wait (&world, 1, 1);
  fail_unless_equals_int (world.logs[0].n_finished, 2);
  fail_unless_equals_int (world.logs[1].n_finished, 1);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_BATCH), 0);
  fail_unless (fault_server_count (world.server, FAULT_GET) <= 3);
  world_clear (&world);
}

GST_END_TEST;

/* The first look comes when results lately took so long. */
GST_START_TEST (test_first_look_is_learned)
{
  World world;
  guint before, after;

  world_init (&world, NULL, 0);
  fault_server_set_delay (world.server, 500);
  world_open (&world);
  world_push (&world, 0, 1, 1);
  world_wait (&world, 0, 1);
  before = fault_server_count (world.server, FAULT_GET);
  world_push (&world, 0, 2, 1);
  world_wait (&world, 0, 2);
  after = fault_server_count (world.server, FAULT_GET) - before;
  fail_unless (before >= 4 && after <= before / 2, "%u looks, then %u",
      before, after);
  world_clear (&world);
}

GST_END_TEST;

/* Keys. */

GST_START_TEST (test_set_key)
{
  World world;

  world_init (&world, NULL, 0);
  world_open (&world);
  fault_server_set_delay (world.server, 200);
  world_push (&world, 0, 1, 1);
  fail_unless (lane_log_wait (&world.logs[0], &world.logs[0].n_submitted, 1));
  identifai_lane_set_key (world.lanes[0], "key-two");
  world_push (&world, 0, 2, 1);
  world_wait (&world, 0, 2);
  fail_unless_equals_string (fault_server_get (world.server, FAULT_POST,
          0)->key, "key-one");
  fail_unless_equals_string (fault_server_get (world.server, FAULT_POST,
          1)->key, "key-two");
  /* The service has the first file under the first key. */
  fail_unless_equals_string (fault_server_get (world.server, FAULT_GET,
          0)->key, "key-one");
  /* The old client goes with its last job. */
  fail_unless (lane_log_wait_for_threads (1));
  world_clear (&world);
  fail_unless (lane_log_wait_for_threads (0));
}

GST_END_TEST;

/* One refusal moves all that waits; nothing is lost, nothing sent twice. */
GST_START_TEST (test_new_key_moves_all)
{
  const FaultRequest *request;
  World world;
  gchar *path = NULL;
  guint i, refused = 0;
  int fd = g_file_open_tmp ("identifai-key-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, "key-one", -1, NULL));
  world_init (&world, NULL, 0);
  g_clear_pointer (&world.settings.api_key, g_free);
  world.settings.api_key_file = path;
  fault_server_set_key (world.server, "key-two");
  world_open (&world);
  fail_unless (g_file_set_contents (path, "key-two", -1, NULL));
  world_push (&world, 0, 1, 40);
  world_wait (&world, 0, 40);
  fail_unless_equals_int (world.logs[0].n_finished, 40);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  for (i = 0; (request = fault_server_get (world.server, FAULT_POST, i)); i++) {
    if (g_str_equal (request->key, "key-one"))
      refused++;
  }
  /* Those that were on the wire when the first refusal came. */
  fail_unless (refused >= 1 && refused <= 5, "%u refused", refused);
  fail_unless_equals_int (i, 40 + refused);
  fail_unless (lane_log_wait_for_threads (1));
  g_unlink (path);
  world_clear (&world);
}

GST_END_TEST;

/* A redirect doesn't take the key, or the file, to another host. */
GST_START_TEST (test_redirect_keeps_key)
{
  static const guint statuses[] = { 301, 302, 303, 307, 308 };
  FaultServer *other = fault_server_new (NULL, 0);
  gchar *url = fault_server_get_url (other);
  gchar *location = g_strdup_printf ("Location: %s/api/x\r\n", url);
  FaultStep step = { FAULT_POST, 0,.status = statuses[__i__ % 5],.headers =
        location
  };
  guint call;
  World world;

  step.call = __i__ < 5 ? FAULT_POST : FAULT_GET;
  world_init (&world, &step, 1);
  world.settings.retries = 3;
  world_open (&world);
  world_push (&world, 0, 1, 1);
  world_wait (&world, 0, 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_BAD_RESPONSE);
  for (call = 0; call < FAULT_N_CALLS; call++)
    fail_unless_equals_int (fault_server_count (other, call), 0);
  world_clear (&world);
  fault_server_free (other);
  g_free (location);
  g_free (url);
}

GST_END_TEST;

/* Taking back. */

GST_START_TEST (test_withdraw)
{
  static const FaultStep steps[] = { {FAULT_POST, 1, FAULT_SILENT} };
  World world;
  LaneLog *log = &world.logs[0];
  gpointer queued = GUINT_TO_POINTER (7), sent = GUINT_TO_POINTER (8);
  IdentifaiRequest *request = lane_log_request (1000);
  gint refcount;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.limits[IDENTIFAI_CALL_POST].per_minute = 1;
  world_open (&world);
  identifai_lane_push (world.lanes[0], request, sent, NULL);
  fail_unless (fault_server_wait (world.server, FAULT_POST, 1));
  refcount = request->refcount;
  identifai_lane_push (world.lanes[0], request, queued, NULL);
  fail_unless (identifai_lane_withdraw (world.lanes[0], queued));
  fail_if (identifai_lane_withdraw (world.lanes[0], queued));
  fail_if (identifai_lane_withdraw (world.lanes[0], sent));
  fail_if (identifai_lane_withdraw (world.lanes[0], GUINT_TO_POINTER (9)));

  /* What a withdrawn job held is let go of at once. */
  fail_unless_equals_int (request->refcount, refcount);
  identifai_request_unref (request);
  fail_unless_equals_int (log->n_finished, 0);
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_withdraw_from_retry)
{
  static const FaultStep steps[] = {
    {FAULT_POST, 0,.status = 503,.headers = "Retry-After: 600\r\n"}
  };
  gpointer data = GUINT_TO_POINTER (7);
  IdentifaiRequest *request = lane_log_request (1000);
  World world;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.retries = 5;
  world_open (&world);
  identifai_lane_push (world.lanes[0], request, data, NULL);
  identifai_request_unref (request);
  fail_unless (lane_log_wait (&world.logs[0], &world.logs[0].n_attempts, 1));
  while (!identifai_lane_withdraw (world.lanes[0], data))
    g_thread_yield ();
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  world_clear (&world);
}

GST_END_TEST;

/* The file's memory goes as soon as the service has the file. */
GST_START_TEST (test_file_is_let_go)
{
  IdentifaiRequest *request = lane_log_request (1000);
  World world;

  world_init (&world, NULL, 0);
  fault_server_set_delay (world.server, 10000);
  world_open (&world);
  lane_log_push (&world.logs[0], world.lanes[0], request, 1);
  fail_unless (lane_log_wait (&world.logs[0], &world.logs[0].n_submitted, 1));
  fail_unless_equals_int (request->refcount, 1);
  identifai_request_unref (request);
  world_clear (&world);
}

GST_END_TEST;

/* Closing. */

/* Where an exchange stands when the lane is closed. */
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
  World world;

  world_init (&world, steps, G_N_ELEMENTS (close_rows[__i__].steps));
  if (close_rows[__i__].deaf) {
    fault_server_free (world.server);
    world.server = fault_server_new_deaf ();
    g_free (world.settings.endpoint);
    world.settings.endpoint = fault_server_get_url (world.server);
  }
  world.settings.retries = 5;
  world_open (&world);
  lane_log_push_new (&world.logs[0], world.lanes[0], 1, size);
  if (close_rows[__i__].wait_for != FAULT_UNUSED)
    fail_unless (fault_server_wait (world.server, close_rows[__i__].wait_for,
            1));

  started = g_get_monotonic_time ();
  identifai_lane_close (g_steal_pointer (&world.lanes[0]));
  took = g_get_monotonic_time () - started;
  GST_INFO ("%s: closed in %d µs", close_rows[__i__].name, (int) took);
  /* It takes a few ms; a busy machine gets a second. */
  fail_unless (took < SECOND, "%s took %d ms", close_rows[__i__].name,
      (int) (took / MS));
  fail_unless_equals_int (world.logs[0].n_finished, 0);
  fail_unless_equals_int (world.logs[0].n_freed, 1);
  fail_unless (lane_log_wait_for_threads (0), "%s: thread lives on",
      close_rows[__i__].name);
  world_clear (&world);
}

GST_END_TEST;

/* One lane's end is nothing to another one. */
GST_START_TEST (test_close_one_of_two)
{
  static const FaultStep steps[] = {
    {FAULT_BATCH, 1, FAULT_ENDLESS_DRIP,.delay = 100},
    {FAULT_GET, 1, FAULT_ENDLESS_DRIP,.delay = 100},
  };
  World world;

  world_init (&world, steps, G_N_ELEMENTS (steps));
  world.settings.retries = 5;
  world.settings.timeout = 1;
  world_open (&world);
  world_open (&world);
  world_push (&world, 0, 1, 3);
  world_push (&world, 1, 1, 3);
  fail_unless (lane_log_wait (&world.logs[0], &world.logs[0].n_submitted, 3));
  identifai_lane_close (g_steal_pointer (&world.lanes[0]));
  world_wait (&world, 1, 3);
  fail_unless_equals_int (world.logs[1].n_finished, 3);
  fail_unless_equals_int (world.logs[1].reason, IDENTIFAI_REASON_NONE);
  world_clear (&world);
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
  World world;
  guint i, before = 0;

  for (i = 0; i < 100; i++) {
    world_init (&world, NULL, 0);
    world_open (&world);
    if (i % 4 > 0)
      world_push (&world, 0, 1, i % 4);
    if (i % 2)
      world_wait (&world, 0, i % 4);
    world_clear (&world);
    fail_unless (lane_log_wait_for_threads (0));
    if (i == 10)
      before = count_descriptors ();
  }
  fail_unless (count_descriptors () <= before, "%u descriptors, then %u",
      before, count_descriptors ());
}

GST_END_TEST;

/* From within the callbacks. */

typedef struct
{
  IdentifaiLane *lane;
  guint close_in;               /* 0 submitted, 1 finished, 2 attempted */
  GMutex lock;
  GCond changed;
  guint n_finished, n_freed;
  gboolean closed;
} Closer;

static void
closer_act (Closer * closer, guint where)
{
  IdentifaiLane *lane;

  if (closer->close_in != where)
    return;

  g_mutex_lock (&closer->lock);
  lane = g_steal_pointer (&closer->lane);
  g_mutex_unlock (&closer->lock);
  if (!lane)
    return;

  identifai_lane_close (lane);
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
    guint http_status, const gchar * message, gpointer user_data)
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
  static const IdentifaiLaneCallbacks callbacks = {
    closer_submitted, closer_finished, closer_attempted
  };
  Closer closer = {.close_in = __i__ };
  IdentifaiRequest *request = lane_log_request (1000);
  World world;

  g_mutex_init (&closer.lock);
  g_cond_init (&closer.changed);
  world_init (&world, NULL, 0);
  g_mutex_lock (&closer.lock);
  closer.lane = identifai_lane_new (&world.settings, &callbacks, &closer, NULL);
  identifai_lane_push (closer.lane, request, &closer, closer_freed);
  identifai_request_unref (request);
  while (!closer.closed || closer.n_freed == 0)
    g_cond_wait (&closer.changed, &closer.lock);
  g_mutex_unlock (&closer.lock);

  fail_unless (lane_log_wait_for_threads (0));
  fail_unless_equals_int (closer.n_finished, __i__ == 1 ? 1 : 0);
  fail_unless_equals_int (closer.n_freed, 1);
  g_mutex_clear (&closer.lock);
  g_cond_clear (&closer.changed);
  world_clear (&world);
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
    LaneLog log;
    IdentifaiLane *lane;
    guint count = g_rand_int_range (random, 0, 6);

    lane_log_init (&log);
    lane = identifai_lane_new (settings, &lane_log_callbacks, &log, NULL);
    for (i = 1; i <= count; i++)
      lane_log_push_new (&log, lane, i, 1000);
    if (g_rand_boolean (random))
      identifai_lane_set_key (lane, g_rand_boolean (random) ? "a" : "b");
    if (count > 0 && g_rand_boolean (random))
      lane_log_wait (&log, &log.n_finished, g_rand_int_range (random, 0,
              count) + 1);
    identifai_lane_close (lane);
    fail_unless_equals_int (log.n_freed, count);
    for (i = 1; i <= count; i++)
      fail_unless (log.finished[i] <= 1);
    lane_log_clear (&log);
  }
  g_rand_free (random);

  return NULL;
}

GST_START_TEST (test_churn)
{
  GThread *threads[6];
  World world;
  guint i;

  world_init (&world, NULL, 0);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("churn", churn, &world.settings);
  for (i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  fail_unless (lane_log_wait_for_threads (0));
  world_clear (&world);
}

GST_END_TEST;

/* The service is away for a while: uploads resume by themselves. */
GST_START_TEST (test_service_comes_back)
{
  World world;
  guint16 port;
  guint i;

  world_init (&world, NULL, 0);
  world.settings.retries = -1;
  port = fault_server_get_port (world.server);
  world_open (&world);
  world_push (&world, 0, 1, 3);
  world_wait (&world, 0, 3);
  fault_server_free (world.server);

  world_push (&world, 0, 4, 5);
  fail_unless (lane_log_wait (&world.logs[0], &world.logs[0].n_attempts, 40));
  fail_unless_equals_int (world.logs[0].n_finished, 3);
  world.server = fault_server_new_at (port, NULL, 0);
  world_wait (&world, 0, 8);
  for (i = 1; i <= 8; i++)
    fail_unless_equals_int (world.logs[0].finished[i], 1);
  fail_unless_equals_int (world.logs[0].reason, IDENTIFAI_REASON_NONE);
  fail_unless_equals_int (fault_server_count (world.server, FAULT_POST), 5);
  world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
lanes_suite (void)
{
  Suite *suite = suite_create ("lanes");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_set_timeout (general, 120);
  tcase_add_test (general, test_one_client_a_key);
  tcase_add_test (general, test_lanes_take_turns);
  tcase_add_test (general, test_limits_are_shared);
  tcase_add_test (general, test_limits_outlive_lanes);
  tcase_add_test (general, test_few_uploads_at_once);
  tcase_add_test (general, test_batch);
  tcase_add_loop_test (general, test_batch_faults, 0,
      G_N_ELEMENTS (batch_rows));
  tcase_add_test (general, test_batch_refused);
  tcase_add_test (general, test_shared_identifier);
  tcase_add_test (general, test_first_look_is_learned);
  tcase_add_test (general, test_set_key);
  tcase_add_test (general, test_new_key_moves_all);
  tcase_add_loop_test (general, test_redirect_keeps_key, 0, 10);
  tcase_add_test (general, test_withdraw);
  tcase_add_test (general, test_withdraw_from_retry);
  tcase_add_test (general, test_file_is_let_go);
  tcase_add_loop_test (general, test_close, 0, G_N_ELEMENTS (close_rows));
  tcase_add_test (general, test_close_one_of_two);
  tcase_add_test (general, test_cycles);
  tcase_add_loop_test (general, test_close_in_callback, 0, 3);
  tcase_add_test (general, test_churn);
  tcase_add_test (general, test_service_comes_back);

  return suite;
}

GST_CHECK_MAIN (lanes);
