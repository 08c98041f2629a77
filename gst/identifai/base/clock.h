/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What time it is, and timers that go by it. A test may set the clock: then time
 * stands still until the test moves it on, from timer to timer, and all that goes
 * by it runs in the test's one thread, the same each time.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* µs: monotonic, and since 1970. Any thread. */
gint64 identifai_clock_now (void);
gint64 identifai_clock_now_real (void);

typedef struct _IdentifaiTimer IdentifaiTimer;

typedef void (*IdentifaiTimerFunc) (gpointer user_data);

/* Not set yet. Belongs to the thread that runs context. */
IdentifaiTimer *identifai_timer_new (GMainContext * context,
    const gchar * name, IdentifaiTimerFunc func, gpointer user_data);
/* Calls func once, from the main context, when that time has come; instead of what
 * was set before. G_MAXINT64: never. */
void identifai_timer_set (IdentifaiTimer * self, gint64 at);
/* May be called from func. */
void identifai_timer_free (IdentifaiTimer * self);

/* As g_cond_wait_until(), or g_cond_wait() if until is G_MAXINT64: until is monotonic.
 * In a simulation time goes on meanwhile. */
gboolean identifai_clock_wait (GCond * cond, GMutex * lock, gint64 until);

/* One thing happens, or time moves on, not past until. FALSE: there was nothing, and it
 * is until now. */
typedef gboolean (*IdentifaiClockStep) (gint64 until);

/* For tests, before anything runs: time stands at now and real. step: how it goes on
 * while somebody waits. */
void identifai_clock_simulate (gint64 now, gint64 real,
    IdentifaiClockStep step);
/* Moves on to the next timer, and calls its func, but not past until. FALSE: there was
 * none, and it is until now. */
gboolean identifai_clock_advance (gint64 until);
/* Somebody sets the system's clock. */
void identifai_clock_shift_real (gint64 by);

/* For tests with threads, before those run: time stands still but for what the test
 * moves it. */
void identifai_clock_hold (void);
/* To when the next timer or wait ends, but not past until; by whole milliseconds. Nobody
 * may be at work but the caller. FALSE: that is never, or not later than now. */
gboolean identifai_clock_move (gint64 until);

G_END_DECLS
