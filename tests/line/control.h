/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the machine does to whoever waits: a thread that sleeps until arrival + hold
 * of each frame, as the gate does, and has nothing else to do. Frames that leave late
 * when it wakes up late are the machine's, the others the gate's.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _Control Control;

/* On the control's thread: a frame that came then (monotonic µs) would have left
 * that late (µs). */
typedef void (*ControlFunc) (gint64 came, gint64 late, gpointer user_data);

/* hold: µs. */
Control *control_new (gint64 hold, ControlFunc func, gpointer user_data);
/* What has not been waited for isn't told of. */
void control_free (Control * control);

void control_add (Control * control, gint64 came);

G_END_DECLS
