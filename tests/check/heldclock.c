/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "heldclock.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"

#define PATIENCE (20 * G_TIME_SPAN_SECOND)
/* Until the caller had better look whether what it waits for is there. */
#define SHORT (20 * G_TIME_SPAN_MILLISECOND)

static gboolean in_use;

void
held_clock_use (void)
{
  identifai_clock_hold ();
  in_use = TRUE;
}

/* "123 (a name) S ..." */
static gboolean
is_at_work (const gchar * thread)
{
  gchar *path = g_strdup_printf ("/proc/self/task/%s/stat", thread);
  gchar *stat = NULL, *state = NULL;
  gboolean runs;

  if (g_file_get_contents (path, &stat, NULL, NULL))
    state = strrchr (stat, ')');
  runs = state != NULL && (state[2] == 'R' || state[2] == 'D');
  g_free (stat);
  g_free (path);

  return runs;
}

/* Besides the caller. */
static gboolean
is_anybody_at_work (void)
{
  gchar *own = g_strdup_printf ("%d", (int) syscall (SYS_gettid));
  GDir *dir = g_dir_open ("/proc/self/task", 0, NULL);
  gboolean found = FALSE;
  const gchar *thread;

  while (!found && (thread = g_dir_read_name (dir)) != NULL)
    found = !g_str_equal (thread, own) && is_at_work (thread);
  g_dir_close (dir);
  g_free (own);

  return found;
}

/* FALSE: somebody is at work all the time. */
static gboolean
await_rest (gint64 patience)
{
  gint64 until = g_get_monotonic_time () + patience;
  guint quiet = 0;

  /* twice, as one may have woken another that was looked at before */
  while (quiet < 2 && g_get_monotonic_time () < until) {
    quiet = is_anybody_at_work ()? 0 : quiet + 1;
    if (quiet == 0)
      g_usleep (50);
  }

  return quiet == 2;
}

void
held_clock_go_on_until (gint64 until)
{
  if (in_use && await_rest (SHORT) && identifai_clock_move (until))
    await_rest (SHORT);
  else
    g_usleep (1000);
}

void
held_clock_settle (void)
{
  if (in_use)
    await_rest (PATIENCE);
}

void
held_clock_go_on (void)
{
  held_clock_go_on_until (G_MAXINT64);
}

gboolean
held_clock_wait (GCond * cond, GMutex * lock, gint64 until)
{
  if (!in_use)
    return g_cond_wait_until (cond, lock, until);

  g_mutex_unlock (lock);
  held_clock_go_on ();
  g_mutex_lock (lock);

  return g_get_monotonic_time () < until;
}
