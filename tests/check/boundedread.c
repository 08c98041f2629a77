/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading that may hang for ever is waited for no longer than a bound.
 */

#include <gst/check/gstcheck.h>

#include "boundedread.h"

static GMutex lock;
static GCond cond;
static gboolean open;           /* lock, as below */
static guint n_reading, n_freed;

static void
free_result (gpointer data)
{
  g_mutex_lock (&lock);
  n_freed++;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  g_free (data);
}

static void
wait_until (guint * count, guint wanted)
{
  gint64 until = g_get_monotonic_time () + 20 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&lock);
  while (*count < wanted)
    fail_unless (g_cond_wait_until (&cond, &lock, until));
  g_mutex_unlock (&lock);
}

static gpointer
read_at_once (const gchar * path, GError ** error)
{
  if (g_str_equal (path, "/bad")) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "bad");
    return NULL;
  }

  return g_strdup (path);
}

/* As on a mount whose server has gone. */
static gpointer
read_hangs (const gchar * path, GError ** error)
{
  g_mutex_lock (&lock);
  n_reading++;
  g_cond_broadcast (&cond);
  while (!open)
    g_cond_wait (&cond, &lock);
  g_mutex_unlock (&lock);

  return g_strdup (path);
}

GST_START_TEST (test_in_time)
{
  GError *error = NULL;
  gchar *text = identifai_bounded_read ("/good", read_at_once, free_result,
      IDENTIFAI_READ_PATIENCE, &error);

  fail_unless_equals_string (text, "/good");
  fail_unless (error == NULL);
  g_free (text);

  fail_unless (identifai_bounded_read ("/bad", read_at_once, free_result,
          IDENTIFAI_READ_PATIENCE, &error) == NULL);
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND));
  g_clear_error (&error);
  fail_unless_equals_int (n_freed, 0);
}

GST_END_TEST;

/* Only so many threads are left with it; later, all goes well again. */
GST_START_TEST (test_hangs)
{
  GError *error = NULL;
  guint i, n;
  gchar *text;

  for (i = 0; i < 20; i++) {
    fail_unless (identifai_bounded_read ("/hangs", read_hangs, free_result,
            1000, &error) == NULL);
    fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
    fail_unless (strstr (error->message, "/hangs") != NULL);
    g_clear_error (&error);
  }
  wait_until (&n_reading, 8);
  g_mutex_lock (&lock);
  n = n_reading;
  open = TRUE;
  g_cond_broadcast (&cond);
  g_mutex_unlock (&lock);
  fail_unless_equals_int (n, 8);
  wait_until (&n_freed, n);

  text = identifai_bounded_read ("/hangs", read_hangs, free_result,
      IDENTIFAI_READ_PATIENCE, &error);
  fail_unless_equals_string (text, "/hangs");
  g_free (text);
}

GST_END_TEST;

static Suite *
boundedread_suite (void)
{
  Suite *suite = suite_create ("boundedread");
  TCase *tcase = tcase_create ("read");

  suite_add_tcase (suite, tcase);
  tcase_add_test (tcase, test_in_time);
  tcase_add_test (tcase, test_hangs);

  return suite;
}

GST_CHECK_MAIN (boundedread);
