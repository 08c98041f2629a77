/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Muxers that don't come to an end: one that stands still fails, one that is
 * slow doesn't, and one that can't be started or stopped is left behind.
 */

#include <gst/check/gstcheck.h>
#include "muxer.h"
#include "muxpipeline.h"

/* So long may a muxer stand still here, in ms. A slow one says something much
 * more often, and takes longer in all. */
#define PATIENCE 1500
#define PIECE_TIME 150
#define N_PIECES 15
/* Of what can be left behind, ms and how many. */
#define SHORT_PATIENCE 150
#define MAX_LEFT 4

/* A muxer with a fault. */

typedef enum
{
  ODD_SWALLOWS,                 /* takes all that comes, and says nothing */
  ODD_HOLDS,                    /* takes nothing, until it is stopped */
  ODD_STOPS,                    /* begins a file, and doesn't go on */
  ODD_IS_SLOW,                  /* a piece now and then, until it is done */
  ODD_BLOCKS_START,             /* doesn't come back from a state change */
  ODD_BLOCKS_CHAIN,             /* nor from taking a buffer, whatever happens */
  ODD_BLOCKS_STOP,              /* makes its file, and doesn't stop */
} OddKind;

static OddKind odd_kind;

/* What blocks does so until released is set. */
static GMutex gate_lock;
static GCond gate_cond;
static gboolean released;
static guint n_alive;           /* odd muxers */

static void
gate_wait (void)
{
  g_mutex_lock (&gate_lock);
  while (!released)
    g_cond_wait (&gate_cond, &gate_lock);
  g_mutex_unlock (&gate_lock);
}

/* Returns when all of them are gone. */
static void
gate_release (void)
{
  gint64 until = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;

  g_mutex_lock (&gate_lock);
  released = TRUE;
  g_cond_broadcast (&gate_cond);
  while (n_alive > 0 && g_cond_wait_until (&gate_cond, &gate_lock, until));
  g_mutex_unlock (&gate_lock);
  fail_unless_equals_int (n_alive, 0);
}

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
  if (odd_kind == ODD_BLOCKS_CHAIN)
    gate_wait ();

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
    else if (odd_kind == ODD_BLOCKS_STOP) {
      odd_muxer_begin (self);
      gst_pad_push_event (self->src, gst_event_new_eos ());
    }
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

  if ((odd_kind == ODD_BLOCKS_START
          && transition == GST_STATE_CHANGE_NULL_TO_READY)
      || (odd_kind == ODD_BLOCKS_STOP
          && transition == GST_STATE_CHANGE_PAUSED_TO_READY))
    gate_wait ();
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

  g_mutex_lock (&gate_lock);
  n_alive--;
  g_cond_broadcast (&gate_cond);
  g_mutex_unlock (&gate_lock);
}

static void
odd_muxer_init (OddMuxer * self)
{
  g_mutex_lock (&gate_lock);
  n_alive++;
  g_mutex_unlock (&gate_lock);
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

  identifai_mux_pipeline_set_patience (G_MAXINT / 1000);
  odd_kind = __i__;
  thread = g_thread_new ("cancel", cancel, cancellable);
  fail_if (identifai_muxer_run ("oddmuxer", segment, 1000000, cancellable,
          &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED));
  g_thread_join (thread);
  g_error_free (error);
  g_object_unref (cancellable);
  identifai_segment_free (segment);
  gate_release ();
}

GST_END_TEST;

/* Nobody waits for one that blocks, and it is let go of when it doesn't any more.
 * The file that it has made before is one. */
GST_START_TEST (test_is_left_behind)
{
  IdentifaiSegment *segment = make_segment ();
  GError *error = NULL;

  identifai_mux_pipeline_set_patience (SHORT_PATIENCE);
  odd_kind = __i__;
  if (odd_kind == ODD_BLOCKS_STOP) {
    fail_unless (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL,
            &error));
    fail_unless_equals_uint64 (identifai_memory_file_get_size (segment->file),
        10);
  } else {
    fail_if (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL, &error));
    fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
    g_error_free (error);
  }
  identifai_segment_free (segment);
  fail_unless_equals_int (n_alive, 1);
  gate_release ();
}

GST_END_TEST;

/* There are not more and more of them. */
GST_START_TEST (test_many_are_left_behind)
{
  IdentifaiSegment *segment;
  GError *error = NULL;
  guint i;

  identifai_mux_pipeline_set_patience (SHORT_PATIENCE);
  odd_kind = ODD_BLOCKS_STOP;
  for (i = 0; i < MAX_LEFT; i++) {
    segment = make_segment ();
    fail_unless (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL,
            NULL));
    identifai_segment_free (segment);
  }
  segment = make_segment ();
  fail_if (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL, &error));
  fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY));
  fail_unless_equals_int (n_alive, MAX_LEFT);
  gate_release ();
  fail_unless (identifai_muxer_run ("oddmuxer", segment, 1000000, NULL, NULL));
  g_error_free (error);
  identifai_segment_free (segment);
  gate_release ();
}

GST_END_TEST;

static void
setup (void)
{
  identifai_mux_pipeline_set_patience (PATIENCE);
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
  tcase_add_loop_test (general, test_cancel, ODD_SWALLOWS, ODD_BLOCKS_STOP);
  tcase_add_loop_test (general, test_is_left_behind, ODD_BLOCKS_START,
      ODD_BLOCKS_STOP + 1);
  tcase_add_test (general, test_many_are_left_behind);

  return suite;
}

GST_CHECK_MAIN (muxerstall);
