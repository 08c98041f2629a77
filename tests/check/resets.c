/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A server, or a balancer in front of it, that resets connections at any moment:
 * nothing crashes, and each job has its verdict. The row with TLS is skipped where
 * openssl isn't installed.
 *
 * IDENTIFAI_RESETS=20000 makes that many jobs of it.
 */

#include <glib/gstdio.h>
#include <stdlib.h>
#include "backoff.h"
#include "clientworld.h"

#define TIME_SCALE 0.001
/* Of one round: fewer than a log has room for. */
#define JOBS 250

static gchar *folder;           /* NULL: no certificate */

static guint
count_rounds (guint usual)
{
  const gchar *jobs = g_getenv ("IDENTIFAI_RESETS");

  return jobs ? ((guint) atoi (jobs) + JOBS - 1) / JOBS : usual;
}

static void
check_finished (const ClientLog * log, guint rounds)
{
  guint i;

  for (i = 1; i <= JOBS; i++)
    fail_unless (log->finished[i] == rounds, "job %u ended %u times in %u "
        "rounds", i, log->finished[i], rounds);
}

static const struct
{
  const gchar *name;
  guint percent;
  gsize size;
  guint rounds;
  gboolean tls;
} reset_rows[] = {
  {"now and then", 2, 1000, 4},
  {"a quarter", 25, 1000, 4},
  {"most", 60, 1000, 2},
  {"in large files", 25, 300 * 1000, 1},
  {"through TLS", 25, 1000, 1, TRUE},
};

GST_START_TEST (test_resets)
{
  guint rounds = count_rounds (reset_rows[__i__].rounds), i, k;
  TlsFront *front = NULL;
  ClientWorld world;

  if (reset_rows[__i__].tls && !folder)
    return;

  client_world_init (&world, NULL, 0);
  fault_server_set_resets (world.server, reset_rows[__i__].percent);
  world.settings.retries = -1;
  world.settings.verdict_timeout = 600 * GST_SECOND;
  if (reset_rows[__i__].tls)
    front = client_world_put_front (&world, folder, FALSE);
  client_world_open (&world);
  for (i = 1; i <= rounds; i++) {
    for (k = 1; k <= JOBS; k++)
      client_log_push_new (&world.logs[0], world.clients[0], k,
          reset_rows[__i__].size);
    client_world_wait (&world, 0, i * JOBS);
    fail_unless (world.logs[0].reason == IDENTIFAI_REASON_NONE, "%s: %s",
        reset_rows[__i__].name, world.logs[0].message);
    check_finished (&world.logs[0], i);
  }
  GST_INFO ("%s: %u jobs, %u connections", reset_rows[__i__].name,
      rounds * JOBS, fault_server_count_connections (world.server));
  client_world_clear (&world);
  g_clear_pointer (&front, tls_front_free);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
  folder = tls_front_make_folder ();
}

static void
teardown (void)
{
  tls_front_remove_folder (folder);
  folder = NULL;
}

static Suite *
resets_suite (void)
{
  Suite *suite = suite_create ("resets");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_unchecked_fixture (general, setup, teardown);
  if (g_getenv ("IDENTIFAI_RESETS"))
    tcase_set_timeout (general, 0);
  tcase_add_loop_test (general, test_resets, 0, G_N_ELEMENTS (reset_rows));

  return suite;
}

GST_CHECK_MAIN (resets);
