/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A clock that stands still while anybody in the test's process is at work, and goes on
 * to the next thing that goes by it when nobody is. What lasts seconds takes as long as it
 * is work then, and no machine is too slow for it. What has another clock, the kernel's or
 * GStreamer's, mustn't matter to the test.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In this process, from now on; before there are elements. Time is
 * identifai_clock_now(). */
void held_clock_use (void);

/* Who waits for something calls one of these instead of sleeping, and looks each time
 * whether it is there. With a clock that isn't held they take a millisecond. */
void held_clock_go_on (void);
/* Not past that time. */
void held_clock_go_on_until (gint64 until);
/* Until nobody else is at work: what is asked then is the same each time. */
void held_clock_settle (void);
/* In place of g_cond_wait_until(); until is real time. */
gboolean held_clock_wait (GCond * cond, GMutex * lock, gint64 until);

G_END_DECLS
