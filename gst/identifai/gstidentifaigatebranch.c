/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What all that comes in and leaves is asked: whose pad it is, and by which pace.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

GstIdentifaiBranch *
gst_identifai_gate_find_locked (GstIdentifaiGate * self, GstPad * pad)
{
  guint i;

  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);

    if (branch->sink == pad || branch->src == pad)
      return branch;
  }

  return NULL;
}

/* Upstream that has an end is a file, unless it comes in real time. */
gboolean
gst_identifai_gate_is_paced_locked (GstIdentifaiGate * self)
{
  return !self->has_end
      || gst_identifai_engine_is_real_time_locked (self->engine);
}
