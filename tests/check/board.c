/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When identifai-moderate says that a verdict is overdue: after some time more than is
 * usual, whatever came before. The time is the test's.
 */

#include "../../examples/moderate/board.h"

#include <gst/check/gstcheck.h>
#include <string.h>

static gint64 now;
static ModListener listener;
static gpointer board_of_listener;

/* What the board asks for. */

gint64
g_get_monotonic_time (void)
{
  return now;
}

void
mod_hub_listen (ModHub * hub, ModListener call, gpointer user_data)
{
  listener = call;
  board_of_listener = user_data;
}

gboolean
mod_supervisor_knows (const ModSupervisor * self, const gchar * name)
{
  return strcmp (name, "gone") != 0;
}

static void
tell (const gchar * stream, const gchar * event, const gchar * state)
{
  JsonObject *line = json_object_new ();

  json_object_set_string_member (line, "event", event);
  json_object_set_string_member (line, "stream", stream);
  if (state != NULL)
    json_object_set_string_member (line, "state", state);
  listener (line, "", board_of_listener);
  json_object_unref (line);
}

static void
pass (guint seconds)
{
  now += seconds * G_USEC_PER_SEC;
}

/* What happens in an outage, or a pause: each letter is 10 minutes, without a line or with
 * failures, drops, a silent or a waiting source, each two and a half minutes. */
static void
miss (const gchar * what)
{
  for (; *what != '\0'; what++) {
    guint i;

    for (i = 0; i < 4; i++) {
      pass (150);
      if (*what == 'f' || *what == 'd')
        tell ("a", *what == 'f' ? "failed" : "dropped", NULL);
      else if (*what == 's' || *what == 'w')
        tell ("a", "stream", *what == 's' ? "silent" : "waiting");
    }
  }
}

typedef struct
{
  const gchar *what;
  guint before;                 /* verdicts, one each so many s */
  guint interval;
  const gchar *missed;
  guint after;                  /* verdicts */
  guint patience;               /* s */
} Row;

static const Row rows[] = {
  {"steady", 10, 10, "", 0, 60},
  {"steady, and seldom", 10, 120, "", 0, 270},
  {"none yet", 0, 10, "", 0, 60},
  {"after an outage", 10, 10, "fff", 1, 60},
  {"after one that began at once", 1, 10, "d", 1, 60},
  {"after one at the source", 10, 10, "ss", 1, 60},
  {"after one between sessions", 10, 10, "w", 1, 60},
  {"after a pause", 10, 10, "---", 1, 60},
};

GST_START_TEST (test_patience)
{
  const Row *row = &rows[__i__];
  ModBoard *board;
  const ModBoardStream *stream;
  guint i;

  now = 1000 * G_USEC_PER_SEC;
  board = mod_board_new (NULL);
  tell ("a", "stream", "starting");
  for (i = 0; i < row->before; i++) {
    tell ("a", "verdict", NULL);
    if (i + 1 < row->before)
      pass (row->interval);
  }
  miss (row->missed);
  for (i = 0; i < row->after; i++) {
    tell ("a", "verdict", NULL);
    if (i + 1 < row->after)
      pass (row->interval);
  }
  stream = mod_board_find (board, "a");
  pass (row->patience - 1);
  fail_if (mod_board_is_overdue (stream), "%s: too soon", row->what);
  pass (2);
  fail_unless (mod_board_is_overdue (stream), "%s: not told", row->what);
  mod_board_free (board);
}

GST_END_TEST;

GST_START_TEST (test_sweep)
{
  ModBoard *board = mod_board_new (NULL);

  tell ("a", "verdict", NULL);
  tell ("gone", "verdict", NULL);
  tell ("b", "verdict", NULL);
  mod_board_sweep (board, NULL);
  fail_unless_equals_int (mod_board_get_streams (board)->len, 2);
  fail_unless (mod_board_find (board, "gone") == NULL);
  fail_unless (mod_board_find (board, "b") != NULL);
  mod_board_free (board);
}

GST_END_TEST;

static Suite *
board_suite (void)
{
  Suite *suite = suite_create ("board");
  TCase *tcase = tcase_create ("board");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_patience, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tcase, test_sweep);
  return suite;
}

GST_CHECK_MAIN (board);
