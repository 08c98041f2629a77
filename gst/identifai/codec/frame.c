/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame as it goes from reader to segment. Whoever has it owns it.
 */

#include "framereader.h"

void
identifai_frame_free (IdentifaiFrame * self)
{
  gst_clear_buffer (&self->buffer);
  g_free (self);
}

IdentifaiFrame *
identifai_frame_copy (const IdentifaiFrame * self)
{
  IdentifaiFrame *copy = g_new (IdentifaiFrame, 1);

  *copy = *self;
  gst_buffer_ref (copy->buffer);

  return copy;
}

void
identifai_frame_shift (IdentifaiFrame * self, gint64 shift)
{
  if (self->pts != IDENTIFAI_NO_TIME)
    self->pts += shift;
  if (self->dts != IDENTIFAI_NO_TIME)
    self->dts += shift;
  self->stamp += shift;
}
