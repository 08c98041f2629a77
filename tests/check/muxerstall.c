/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Muxers that don't come to an end: one that stands still fails, one that is
 * slow doesn't.
 */

#include <gst/check/gstcheck.h>
#include "muxer.h"

/* So long may a muxer stand still here, in ms. A slow one says something much
 * more often, and takes longer in all. */
#define PATIENCE 1500
#define PIECE_TIME 150
#define N_PIECES 15

/* A muxer with a fault. */

typedef enum
{
  ODD_SWALLOWS,                 /* takes all that comes, and says nothing */
  ODD_HOLDS,                    /* takes nothing, until it is stopped */
  ODD_STOPS,                    /* begins a file, and doesn't go on */
  ODD_IS_SLOW                   /* a piece now and then, until it is done */
} OddKind;

static OddKind odd_kind;

typedef struct
{
  GstElement parent;
  GstPad *src;
  GMutex lock;
  GCond cond;
  gboolean stopped;
} OddMuxer;

typedef GstElementClass OddMuxerClass;

static GType odd_muxer_get_type (void);
G_DEFINE_TYPE (OddMuxer, odd_muxer, GST_TYPE_ELEMENT);

static GstStaticPadTemplate sink_template =
GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS ("image/jpeg"));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("video/x-odd"));

/* FALSE: it is stopped. */
static gboolean
odd_muxer_sleep (OddMuxer * self, gint64 until)
{
  gboolean stopped;

  g_mutex_lock (&self->lock);
  while (!self->stopped) {
    if (until < 0)
      g_cond_wait (&self->cond, &self->lock);
    else if (!g_cond_wait_until (&self->cond, &self->lock, until))
      break;
  }
  stopped = self->stopped;
  g_mutex_unlock (&self->lock);

  return !stopped;
}

static void
odd_muxer_begin (OddMuxer * self)
{
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-odd");
  GstSegment segment;

  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_pad_push_event (self->src, gst_event_new_stream_start ("odd"));
  gst_pad_push_event (self->src, gst_event_new_caps (caps));
  gst_pad_push_event (self->src, gst_event_new_segment (&segment));
  gst_pad_push (self->src, gst_buffer_new_allocate (NULL, 10, NULL));
  gst_caps_unref (caps);
}

static GstFlowReturn
odd_muxer_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  OddMuxer *self = (OddMuxer *) parent;

  gst_buffer_unref (buffer);

  return odd_kind == ODD_HOLDS && !odd_muxer_sleep (self, -1) ?
      GST_FLOW_FLUSHING : GST_FLOW_OK;
}

static void
odd_muxer_finish (OddMuxer * self)
{
  guint i;

  odd_muxer_begin (self);
  for (i = 0; i < N_PIECES; i++) {
    if (!odd_muxer_sleep (self, g_get_monotonic_time ()
            + PIECE_TIME * G_TIME_SPAN_MILLISECOND))
      return;
    gst_pad_push (self->src, gst_buffer_new_allocate (NULL, 10, NULL));
  }
  gst_pad_push_event (self->src, gst_event_new_eos ());
}

static gboolean
odd_muxer_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  OddMuxer *self = (OddMuxer *) parent;

  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS) {
    if (odd_kind == ODD_STOPS)
      odd_muxer_begin (self);
    else if (odd_kind == ODD_IS_SLOW)
      odd_muxer_finish (self);
  }
  gst_event_unref (event);

  return TRUE;
}

static GstPad *
odd_muxer_request (GstElement * element, GstPadTemplate * template,
    const gchar * name, const GstCaps * caps)
{
  GstPad *pad = gst_pad_new_from_template (template, name);

  gst_pad_set_chain_function (pad, odd_muxer_chain);
  gst_pad_set_event_function (pad, odd_muxer_event);
  gst_element_add_pad (element, pad);

  return pad;
}

static GstStateChangeReturn
odd_muxer_change_state (GstElement * element, GstStateChange transition)
{
  OddMuxer *self = (OddMuxer *) element;

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    g_mutex_lock (&self->lock);
    self->stopped = TRUE;
    g_cond_broadcast (&self->cond);
    g_mutex_unlock (&self->lock);
  }

  return GST_ELEMENT_CLASS (odd_muxer_parent_class)->change_state (element,
      transition);
}

static void
odd_muxer_finalize (GObject * object)
{
  OddMuxer *self = (OddMuxer *) object;

  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (odd_muxer_parent_class)->finalize (object);
}

static void
odd_muxer_init (OddMuxer * self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}

static void
odd_muxer_class_init (OddMuxerClass * klass)
{
  G_OBJECT_CLASS (klass)->finalize = odd_muxer_finalize;
  klass->request_new_pad = odd_muxer_request;
  klass->change_state = odd_muxer_change_state;
  gst_element_class_add_static_pad_template (klass, &sink_template);
  gst_element_class_add_static_pad_template (klass, &src_template);
  gst_element_class_set_static_metadata (klass, "Odd muxer", "Codec/Muxer",
      "Doesn't come to an end", "tests");
}

/* The tests. */

static IdentifaiSegment *
make_segment (void)
{
  IdentifaiSegment *segment = identifai_segment_new (0);
  GstCaps *caps = gst_caps_from_string ("image/jpeg,width=16,height=16,"
      "framerate=25/1");
  IdentifaiTrack *track = identifai_segment_add_track (segment, caps);
  guint i;

  for (i = 0; i < 5; i++) {
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, 1000, NULL);

    GST_BUFFER_PTS (buffer) = IDENTIFAI_TRACK_EPOCH + i * 40 * GST_MSECOND;
    GST_BUFFER_DTS (buffer) = GST_BUFFER_PTS (buffer);
    GST_BUFFER_DURATION (buffer) = 40 * GST_MSECOND;
    g_ptr_array_add (track->buffers, buffer);
  }
  gst_caps_unref (caps);

  return segment;
}

GST_START_TEST (test_stands_still)
{
  IdentifaiSegment *segment = make_segment ();
  GError *error = NULL;

  odd_kind = __i__;
  fail_if (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT), "%s",
      error->message);
  fail_unless (strstr (error->message, "oddmuxer doesn't finish the file"),
      "%s", error->message);
  g_error_free (error);
  identifai_segment_free (segment);
}

GST_END_TEST;

GST_START_TEST (test_is_slow)
{
  IdentifaiSegment *segment = make_segment ();
  GError *error = NULL;

  odd_kind = ODD_IS_SLOW;
  fail_unless (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL,
          &error), "%s", error ? error->message : "");
  fail_unless_equals_uint64 (identifai_memory_file_get_size (segment->file),
      10 + 10 * N_PIECES);
  identifai_segment_free (segment);
}

GST_END_TEST;

static gpointer
cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);

  return NULL;
}

/* Who stops doesn't wait that long. */
GST_START_TEST (test_cancel)
{
  IdentifaiSegment *segment = make_segment ();
  GCancellable *cancellable = g_cancellable_new ();
  GError *error = NULL;
  GThread *thread;

  identifai_muxer_set_patience (G_MAXINT / 1000);
  odd_kind = __i__;
  thread = g_thread_new ("cancel", cancel, cancellable);
  fail_if (identifai_muxer_run ("oddmuxer", segment, 1000000, cancellable,
          &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_thread_join (thread);
  g_error_free (error);
  g_object_unref (cancellable);
  identifai_segment_free (segment);
}

GST_END_TEST;

static void
setup (void)
{
  identifai_muxer_set_patience (PATIENCE);
  fail_unless (gst_element_register (NULL, "oddmuxer", GST_RANK_NONE,
          odd_muxer_get_type ()));
}

static Suite *
muxerstall_suite (void)
{
  Suite *suite = suite_create ("muxerstall");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, NULL);
  tcase_add_loop_test (general, test_stands_still, ODD_SWALLOWS, ODD_IS_SLOW);
  tcase_add_test (general, test_is_slow);
  tcase_add_loop_test (general, test_cancel, ODD_SWALLOWS, ODD_IS_SLOW + 1);

  return suite;
}

GST_CHECK_MAIN (muxerstall);
