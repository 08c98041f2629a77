/* identifai-emulator: a first look at an uploaded file, in a worker thread
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <gst/gst.h>
#include "parameters.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *hash;                  /* SHA-256, hexadecimal */
  gboolean supported;           /* its type is one that the call takes */
  gboolean too_short;           /* for its kind; FALSE if it can't be told */
  gboolean has_c2pa;
  gchar *c2pa_label;            /* of the active manifest, NULL if unreadable */
} EmuIntake;

void emu_intake_free (EmuIntake * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuIntake, emu_intake_free)

typedef struct
{
  EmuForm *form;                /* must stay as it is until the callback */
  EmuKind kind;
  const gchar *record_dir;      /* NULL = keep nothing; must stay, too */
  guint number;                 /* of the record */
  gboolean chunked;             /* it came with no length */
  GstClockTime timeout;         /* for the look at a sound's length */
} EmuIntakeRequest;

/* Looks at the form's file: its hash, its type by name and by content, whether
 * it is long enough; and keeps a copy under record_dir as NNNNN.ext with
 * NNNNN.json beside it. */
void emu_intake_start (const EmuIntakeRequest * request,
    GCancellable * cancellable, GAsyncReadyCallback callback,
    gpointer user_data);

/* NULL with error: the temporary file or the record directory failed. */
EmuIntake *emu_intake_finish (GAsyncResult * result, GError ** error);

G_END_DECLS
