/* identifai-emulator: faults on demand
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure: which fault, if any, a request meets. exchange.c carries it out. The
 * reference count is not atomic.
 *
 * A fault is written CALLS[#REQUESTS]:ACTION[,ACTION...]
 *
 * CALLS: submit, result, batch, credits, override, heatmap,
 * fromurl, users; post, get, delete; chunked (whose body's length isn't known); any.
 * REQUESTS, counted from 1 since the fault was set: 3, 2-4, 2+ (from the second
 * one on), %3 (every third). Without it: all of them.
 * ACTION: delay=SECONDS; status=CODE; header=NAME: VALUE (with a status);
 * reset (instead of an answer), reset-upload=BYTES (that many bytes of the body
 * came), silence (no answer at all), truncate=BYTES (of the answer's body, then
 * the connection closes), drip=BYTES (of the answer, a second); body=TEXT (with
 * a status; last, as it takes the rest of the line).
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gchar *spec;                  /* as written */
  gchar *calls;
  guint first, last, every;     /* of the requests; last 0 = no end */
  guint seen, met;              /* requests of those calls; that met the fault */

  guint delay;                  /* ms */
  guint status;                 /* 0 = the answer as it would be */
  gchar *header_name, *header_value;
  gchar *body;                  /* NULL: the service's own words, if known */
  gint64 reset_upload;          /* bytes; -1 = no */
  gint64 truncate;              /* bytes; -1 = no */
  guint drip;                   /* bytes a second; 0 = no */
  gboolean reset, silence;
} EmuFault;

EmuFault *emu_fault_parse (const gchar * spec, GError ** error);
EmuFault *emu_fault_ref (EmuFault * self);
void emu_fault_unref (EmuFault * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuFault, emu_fault_unref)

/* Counts a request of call ("submit") with that method in every fault of the
 * list (of EmuFault); returns the first one that it meets, borrowed, or NULL. */
EmuFault *emu_faults_meet (GPtrArray * faults, const gchar * call,
    const gchar * method, gboolean chunked);

G_END_DECLS
