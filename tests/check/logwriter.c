/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What identifai-moderate does with lines that nobody takes: they wait up to a bound,
 * those beyond it are counted, and what waits comes whole and in order.
 */

#include "../../examples/moderate/logwriter.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH 1024             /* of a line with its newline */
#define LINES (17 * 1024)       /* more than may wait */
#define LEAST (16 * 1024)       /* of them wait; a pipe takes some more */

static gboolean
push (ModLogWriter * writer, guint number)
{
  gchar line[LENGTH];

  memset (line, '.', LENGTH - 1);
  line[LENGTH - 1] = '\0';
  g_snprintf (line, 9, "%08u", number);
  line[8] = ' ';
  return mod_log_writer_push (writer, line);
}

/* It ends where the numbers do. */
static void
read_lines (gint fd, const gboolean * taken)
{
  gchar line[LENGTH];
  guint i;

  for (i = 0; i < LINES; i++) {
    gsize length = 0;

    while (taken[i] && length < LENGTH) {
      gssize got = read (fd, line + length, LENGTH - length);

      fail_unless (got > 0);
      length += got;
    }
    fail_if (taken[i] && (g_ascii_strtoull (line, NULL, 10) != i
            || line[LENGTH - 1] != '\n'), "line %u: %.20s", i, line);
  }
}

static void
wait_for_safe (ModLogWriter * writer, guint64 position)
{
  while (mod_log_writer_get_safe (writer) < position)
    g_usleep (1000);
  fail_unless_equals_uint64 (mod_log_writer_get_safe (writer), position);
}

GST_START_TEST (test_bound)
{
  gchar *folder = g_dir_make_tmp ("log-XXXXXX", NULL);
  gchar *path = g_build_filename (folder, "pipe", NULL), *last = NULL;
  gboolean *taken = g_new0 (gboolean, LINES);
  ModLogWriter *writer;
  guint i, lost = 0;
  gint fd;

  fail_unless (mkfifo (path, 0600) == 0);
  writer = mod_log_writer_new (path, 0, TRUE, &last, NULL);
  fail_unless (writer != NULL && last == NULL);
  for (i = 0; i < LINES; i++) {
    taken[i] = push (writer, i);
    lost += !taken[i];
    fail_unless_equals_uint64 (mod_log_writer_get_latest (writer),
        taken[i] ? (guint64) (i + 1 - lost) * LENGTH : G_MAXUINT64);
  }
  fail_unless (lost > 0 && LINES - lost >= LEAST, "%u lost", lost);
  fail_unless_equals_uint64 (mod_log_writer_get_lost (writer), lost);
  while (mod_log_writer_get_trouble (writer) == NULL)
    g_usleep (1000);
  fail_unless_equals_string (mod_log_writer_get_trouble (writer),
      "nobody reads it");

  fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  read_lines (fd, taken);
  wait_for_safe (writer, (guint64) (LINES - lost) * LENGTH);
  fail_unless (mod_log_writer_get_trouble (writer) == NULL);
  fail_unless_equals_uint64 (mod_log_writer_get_waiting (writer), 0);
  fail_unless (push (writer, 0));
  wait_for_safe (writer, (guint64) (LINES - lost + 1) * LENGTH);
  fail_unless_equals_uint64 (mod_log_writer_get_lost (writer), lost);

  mod_log_writer_free (writer);
  close (fd);
  g_unlink (path);
  g_rmdir (folder);
  g_free (taken);
  g_free (path);
  g_free (folder);
}

GST_END_TEST;

static Suite *
logwriter_suite (void)
{
  Suite *s = suite_create ("logwriter");
  TCase *tc = tcase_create ("logwriter");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_bound);
  return s;
}

GST_CHECK_MAIN (logwriter);
