/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reading a file may take as long as a network mount hangs, and nothing ends it. So it
 * is done on a thread of its own, and waited for no longer than a bound.
 *
 * Any thread.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Opens and reads; not NULL, or NULL with error. */
typedef gpointer (*IdentifaiReadFunc) (const gchar * path, GError ** error);

/* How long it may take, in µs. */
#define IDENTIFAI_READ_PATIENCE (5 * G_TIME_SPAN_SECOND)

/* What func returns. NULL with error, G_IO_ERROR_TIMED_OUT: not within patience (µs).
 * Then the thread is left alone with it, and its result is freed whenever it comes. */
gpointer identifai_bounded_read (const gchar * path, IdentifaiReadFunc func,
    GDestroyNotify free_result, gint64 patience, GError ** error);

/* The same, but what doesn't come within patience is given away when it comes, on
 * the thread that read it. */
typedef struct
{
  /* Takes over result; NULL: there is none. */
  void (*func) (gpointer result, gpointer user_data);
  gpointer user_data;
  gboolean expected;            /* set: func will be called */
} IdentifaiLateRead;

gpointer identifai_bounded_read_or_late (const gchar * path,
    IdentifaiReadFunc func, GDestroyNotify free_result, gint64 patience,
    IdentifaiLateRead * late, GError ** error);

G_END_DECLS
