/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When trouble is told of: once when it starts, once when it ends.
 */

#include <gst/check/gstcheck.h>

#include "alarm.h"

/* Events: a letter is a kind of trouble, '.' is a good event. Told: '!' for a
 * start, ':' for an end, '-' for nothing. */
static const struct
{
  guint needed;
  const gchar *events;
  const gchar *told;
} rows[] = {
  {1, "..aa..", "--!-:-"},
  {2, "aa..aa", "!--:!-"},
  {3, "a..a...", "!-----:"},
  /* All kinds end at once. */
  {1, "aba.", "!!-:"},
  {2, "ab.a..b", "!!---:!"},
  /* It comes and goes: more is needed to end it each time. */
  {1, "a.a.a..a....", "!:!---:!---:"},
};

GST_START_TEST (test_told)
{
  IdentifaiAlarm trouble;
  GString *told = g_string_new (NULL);
  const gchar *event;

  identifai_alarm_init (&trouble, rows[__i__].needed);
  for (event = rows[__i__].events; *event != '\0'; event++) {
    if (*event == '.')
      g_string_append_c (told, identifai_alarm_good (&trouble) ? ':' : '-');
    else
      g_string_append_c (told, identifai_alarm_bad (&trouble,
              *event - 'a') ? '!' : '-');
  }
  fail_unless_equals_string (told->str, rows[__i__].told);
  g_string_free (told, TRUE);
}

GST_END_TEST;

/* Every second event, or every tenth, is bad for a long time. */
GST_START_TEST (test_flapping)
{
  static const guint periods[] = { 2, 3, 5, 10, 30 };
  guint period = periods[__i__], starts = 0, ends = 0, i;
  IdentifaiAlarm trouble;

  identifai_alarm_init (&trouble, 2);
  for (i = 0; i < 10000; i++) {
    if (i % period == 0)
      starts += identifai_alarm_bad (&trouble, 0);
    else
      ends += identifai_alarm_good (&trouble);
  }
  fail_unless (starts <= 6, "%u warnings", starts);
  fail_unless (starts - ends <= 1);
  /* In the end it ends. */
  for (i = 0; i < 100; i++)
    ends += identifai_alarm_good (&trouble);
  fail_unless_equals_int (starts, ends);
}

GST_END_TEST;

/* After a long time without, it takes as little as at first to end it. */
GST_START_TEST (test_forgiven)
{
  IdentifaiAlarm trouble;
  guint i, starts = 0;

  identifai_alarm_init (&trouble, 2);
  for (i = 0; i < 1000; i++)
    starts += i % 5 == 0 ? identifai_alarm_bad (&trouble, 0) :
        0 * identifai_alarm_good (&trouble);
  fail_unless (starts > 0);
  for (i = 0; i < 1000; i++)
    identifai_alarm_good (&trouble);
  fail_unless (identifai_alarm_bad (&trouble, 0));
  fail_if (identifai_alarm_good (&trouble));
  fail_unless (identifai_alarm_good (&trouble));
}

GST_END_TEST;

static Suite *
alarm_suite (void)
{
  Suite *suite = suite_create ("alarm");
  TCase *tcase = tcase_create ("trouble");

  suite_add_tcase (suite, tcase);
  tcase_add_loop_test (tcase, test_told, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tcase, test_flapping, 0, 5);
  tcase_add_test (tcase, test_forgiven);

  return suite;
}

GST_CHECK_MAIN (alarm);
