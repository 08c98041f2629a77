/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A request pad for sound: it gives what comes to the engine's segmenter, and knows
 * its element by the functions below only.
 *
 * An audio thread waits for nothing but the element, and only where that holds its
 * video thread: then it is certainly another thread, and what would pile up
 * meanwhile has a bound.
 */

#pragma once

#include "gstidentifaiengine.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_AUDIO_PAD (gst_identifai_audio_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstIdentifaiAudioPad, gst_identifai_audio_pad, GST,
    IDENTIFAI_AUDIO_PAD, GstPad)

/* What the element does; each may be NULL. On the pad's streaming thread. */
typedef struct
{
  /* Under the engine's lock: whether sound of that running time has to wait. Asked
   * again whenever the engine's condition is signalled; a flush and the end let go
   * of it. */
  gboolean (*holds_locked) (GstElement * element, GstClockTime running_time);
  /* After the engine has it, with no lock held. Takes over a held buffer, which is
   * read-only. */
  GstFlowReturn (*pass) (GstElement * element, GstIdentifaiAudioPad * pad,
      GstBuffer * buffer);
  /* The same of an event. FALSE: it was refused. */
  gboolean (*pass_event) (GstElement * element, GstIdentifaiAudioPad * pad,
      GstEvent * event);
} GstIdentifaiAudioPadFuncs;

/* For GstElementClass.request_new_pad and release_pad. The engine is the element's;
 * funcs: static. NULL: the element has a pad of that name. */
GstPad *gst_identifai_audio_pad_request (GstElement * element,
    GstIdentifaiEngine * engine, const GstIdentifaiAudioPadFuncs * funcs,
    GstPadTemplate * pad_template, const gchar * name);
void gst_identifai_audio_pad_release (GstIdentifaiAudioPad * self);

/* Whether the latest flush was of the event with that seqnum: some demuxers flush all
 * their pads at each seek, even one that they have just done. */
gboolean gst_identifai_audio_pad_was_flushed (GstIdentifaiAudioPad * self,
    guint32 seqnum);

G_END_DECLS
