/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One frame as it goes from reader to segment. Whoever has it owns it.
 *
 * A segment's frames are made on a streaming thread and let go of on another, all at
 * once. One by one, glibc would leave it to the next malloc() of the streaming thread
 * to sort what was freed, up to 10,000 chunks in one call, which takes some ms. So
 * they are made in blocks.
 */

#include "framereader.h"

#include <string.h>

#define BLOCK_FRAMES 32

struct _IdentifaiFrameBlock
{
  gint refcount;                /* atomic: frames, and who makes them */
  guint n_made;                 /* of who does */
  IdentifaiFrame frames[BLOCK_FRAMES];
};

void
identifai_frame_block_unref (IdentifaiFrameBlock * self)
{
  if (g_atomic_int_dec_and_test (&self->refcount))
    g_free (self);
}

IdentifaiFrame *
identifai_frame_new (IdentifaiFrameBlock ** block)
{
  IdentifaiFrameBlock *from = *block;
  IdentifaiFrame *self;

  if (from == NULL) {
    *block = from = g_new (IdentifaiFrameBlock, 1);
    from->refcount = 1;
    from->n_made = 0;
  }
  self = &from->frames[from->n_made++];
  memset (self, 0, sizeof (*self));
  self->block = from;
  g_atomic_int_inc (&from->refcount);
  if (from->n_made == BLOCK_FRAMES)
    g_clear_pointer (block, identifai_frame_block_unref);

  return self;
}

void
identifai_frame_free (IdentifaiFrame * self)
{
  gst_clear_buffer (&self->buffer);
  if (self->block != NULL)
    identifai_frame_block_unref (self->block);
  else
    g_free (self);
}

IdentifaiFrame *
identifai_frame_copy (const IdentifaiFrame * self)
{
  IdentifaiFrame *copy = g_new (IdentifaiFrame, 1);

  *copy = *self;
  copy->block = NULL;
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
