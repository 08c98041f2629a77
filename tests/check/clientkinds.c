/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Video, speech and images on one key: each kind has calls of its own, and all of
 * them one budget.
 */

#include "backoff.h"
#include "clientworld.h"

#define TIME_SCALE 0.01

static gint
compare_text (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar * const *) a, *(const gchar * const *) b);
}

/* The paths of the requests of a call, each once. */
static gchar *
list_paths (FaultServer * server, FaultCall call)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  const FaultRequest *request;
  gchar *list;
  guint i;

  for (i = 0; (request = fault_server_get (server, call, i)) != NULL; i++) {
    gchar *path = g_strndup (request->target, strcspn (request->target, "?"));

    if (g_ptr_array_find_with_equal_func (paths, path, g_str_equal, NULL))
      g_free (path);
    else
      g_ptr_array_add (paths, path);
  }
  g_ptr_array_sort (paths, compare_text);
  g_ptr_array_add (paths, NULL);
  list = g_strjoinv (" ", (gchar **) paths->pdata);
  g_ptr_array_unref (paths);

  return list;
}

static void
check_paths (FaultServer * server, FaultCall call, const gchar * expected)
{
  gchar *paths = list_paths (server, call);

  fail_unless_equals_string (paths, expected);
  g_free (paths);
}

/* Each has calls of its own, and all of them one budget. */
GST_START_TEST (test_kinds_share_a_key)
{
  ClientWorld world;
  guint kind, i;

  client_world_init (&world, NULL, 0);
  fault_server_set_delay (world.server, FAULT_NEVER);
  world.settings.limits[IDENTIFAI_CALL_GET].per_second = 4;
  world.settings.poll_interval = 50 * GST_MSECOND;
  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++) {
    client_world_open (&world);
    for (i = 1; i <= 3; i++) {
      IdentifaiRequest *request = client_log_request (1000);

      request->kind = kind;
      client_log_push (&world.logs[kind], world.clients[kind], request, i);
      identifai_request_unref (request);
    }
  }
  fail_unless (client_log_wait_for_accounts (1));
  fail_unless (fault_server_wait (world.server, FAULT_BATCH, 9));
  check_paths (world.server, FAULT_POST, "/api/classification "
      "/api/classification_audio /api/classification_video");
  check_paths (world.server, FAULT_BATCH, "/api/classifications "
      "/api/classifications_audio /api/classifications_video");
  fail_unless (fault_server_get (world.server, FAULT_BATCH, 8)->time
      - fault_server_get (world.server, FAULT_BATCH, 0)->time
      >= 1900 * G_TIME_SPAN_MILLISECOND);

  fault_server_set_delay (world.server, 0);
  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    client_world_wait (&world, kind, 3);
  client_world_clear (&world);
}

GST_END_TEST;

static const struct
{
  IdentifaiKind kind;
  const gchar *field;
  FaultCall look;               /* the first one, and the other */
  FaultCall other;
} kind_rows[] = {
  {IDENTIFAI_KIND_VIDEO, "name=\"video\"; filename=", FAULT_GET, FAULT_PLAIN},
  {IDENTIFAI_KIND_SPEECH, "name=\"audio\"; filename=", FAULT_GET, FAULT_PLAIN},
  {IDENTIFAI_KIND_IMAGE, "name=\"image\"; filename=", FAULT_PLAIN, FAULT_GET},
};

/* One file of a kind, whose result is where it is said to be, or elsewhere. */
GST_START_TEST (test_kind)
{
  gboolean elsewhere = __i__ % 2;
  guint row = __i__ / 2;
  const FaultStep steps[] = {
    {kind_rows[row].look,.status = 404}
  };
  IdentifaiRequest *request = client_log_request (1000);
  const FaultRequest *posted;
  ClientWorld world;
  gsize size;

  client_world_init (&world, steps, elsewhere ? 1 : 0);
  client_world_open (&world);
  request->kind = kind_rows[row].kind;
  client_log_push (&world.logs[0], world.clients[0], request, 1);
  identifai_request_unref (request);
  client_world_wait (&world, 0, 1);
  fail_unless_equals_string (world.logs[0].classification, "human");
  fail_unless_equals_int (fault_server_count (world.server, elsewhere ?
          kind_rows[row].other : kind_rows[row].look), 1);

  posted = fault_server_get (world.server, FAULT_POST, 0);
  fail_unless (g_strstr_len (g_bytes_get_data (posted->body, &size),
          g_bytes_get_size (posted->body), kind_rows[row].field) != NULL);
  client_world_clear (&world);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_backoff_set_time_scale (TIME_SCALE);
}

static Suite *
clientkinds_suite (void)
{
  Suite *suite = suite_create ("clientkinds");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 60);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_add_loop_test (general, test_kind, 0, 2 * G_N_ELEMENTS (kind_rows));
  tcase_add_test (general, test_kinds_share_a_key);

  return suite;
}

GST_CHECK_MAIN (clientkinds);
