/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the sinks have in common: the engine and its life, the properties, what
 * comes in on the always pad as far as it is the same for all of them, and EOS, which
 * waits for verdicts (gstidentifaidrain.h). A class below says what becomes of a
 * buffer.
 *
 * Locks and threads: as for the engine, whose lock guards all fields but the pointers
 * and what is marked otherwise.
 */

#pragma once

#include <gst/base/gstbasesink.h>

#include "gstidentifaiengine.h"
#include "gstidentifaisilence.h"

G_BEGIN_DECLS

#define GST_TYPE_IDENTIFAI_BASE_SINK (gst_identifai_base_sink_get_type ())
#define GST_IDENTIFAI_BASE_SINK(obj) (G_TYPE_CHECK_INSTANCE_CAST ((obj), \
    GST_TYPE_IDENTIFAI_BASE_SINK, GstIdentifaiBaseSink))
#define GST_IDENTIFAI_BASE_SINK_CLASS(klass) (G_TYPE_CHECK_CLASS_CAST ((klass), \
    GST_TYPE_IDENTIFAI_BASE_SINK, GstIdentifaiBaseSinkClass))
#define GST_IDENTIFAI_BASE_SINK_GET_CLASS(obj) (G_TYPE_INSTANCE_GET_CLASS ((obj), \
    GST_TYPE_IDENTIFAI_BASE_SINK, GstIdentifaiBaseSinkClass))

typedef struct
{
  GstBaseSink parent;

  GstIdentifaiEngine *engine;
  GstIdentifaiSilence *silence;

  gdouble last_coverage;        /* while it is not running */
  gboolean started;             /* the first buffer of the stream was seen */

  gboolean held;                /* the streaming thread waits in this element */
  gboolean interrupted;         /* its wait: by a state change or a flush */
  gboolean waits;               /* the preroll lock: gstidentifaidrain.c waits */
} GstIdentifaiBaseSink;

/* _locked: with the engine's lock. All but reset, drop and get_coverage are called on
 * the streaming thread. */
typedef struct
{
  GstBaseSinkClass parent_class;

  /* At the start, when no data flows. */
  void (*reset_locked) (GstIdentifaiBaseSink * self);
  /* What is open or closed but not handed on gets its outcome: dropped. */
  void (*drop_locked) (GstIdentifaiBaseSink * self, GstIdentifaiDrop reason);
  gdouble (*get_coverage_locked) (GstIdentifaiBaseSink * self);

  /* Any event but EOS and FLUSH_START, before the base class has it. */
  void (*handle_event_locked) (GstIdentifaiBaseSink * self, GstEvent * event);
  /* At the first buffer of a stream, which it borrows. Not OK: the stream can't be
   * judged, and why is queued. May be NULL. */
  GstFlowReturn (*start_stream) (GstIdentifaiBaseSink * self,
      GstBuffer * buffer);
  /* Takes over a held buffer. */
  GstFlowReturn (*take) (GstIdentifaiBaseSink * self, GstBuffer * buffer);
  /* The stream is over: what is open is closed. error: there was nothing to judge. */
  void (*finish_locked) (GstIdentifaiBaseSink * self, GError ** error);
} GstIdentifaiBaseSinkClass;

GType gst_identifai_base_sink_get_type (void);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstIdentifaiBaseSink, gst_object_unref)

/* For the class_init function of a class below: finalize, which frees what the class
 * has, properties, always pad and what is said of the element. what it posts: "images",
 * media as GStreamer classifies it: "Image". */
void gst_identifai_base_sink_set_up_class (gpointer klass,
    GstIdentifaiElements element, void (*finalize) (GObject * object),
    GstStaticPadTemplate * pad, const gchar * name, const gchar * media,
    const gchar * what);
/* For its init function: makes the engine. */
void gst_identifai_base_sink_set_up (GstIdentifaiBaseSink * self,
    GstIdentifaiElements element);

/* The running time of a buffer's time; GST_CLOCK_TIME_NONE: it has none. */
GstClockTime gst_identifai_base_sink_get_running_time (GstIdentifaiBaseSink *
    self, GstClockTime time);

G_END_DECLS
