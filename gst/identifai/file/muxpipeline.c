/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One file, one pipeline:
 *
 *   feed [! parser] ! muxer ! output
 *   feed [! parser] !
 *
 * The feeds are bare source pads, the output is a bare sink pad that writes into
 * memory: no queue lies between them but the muxer's own. Every track has a feed with
 * a task of its own, as muxers wait for each of their pads. The output answers and
 * obeys as filesink does, so that muxers go back and complete their headers.
 *
 * Threads: the caller's builds, starts and waits. A driver changes the
 * pipeline's state: one that blocks there holds up nobody but the driver, which is
 * left behind with it. The feeds' and the muxer's exist while the pipeline runs.
 * Run.lock is a leaf: nothing is called under it.
 */

#include "muxpipeline.h"
#include "cleantext.h"
#include "codecs.h"
#include "heldbuffer.h"
#include "log.h"
#include "muxerchoice.h"
#include "timestamps.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

/* How long a muxer may stand still, in ms, and in how many looks at it. */
#define PATIENCE 30000
#define PATIENCE_STEPS 30

/* How long a pipeline may take to stop before it is left behind, in ms, and how
 * many of the process may be, as each holds its segment. */
#define STOP_PATIENCE 2000
#define MAX_LEFT 4
/* Of what an element says of its error. */
#define MAX_WHY_BYTES 500

static guint patience = PATIENCE;
static gint n_left;             /* atomic */

/* The caller, the driver, the output pad and the bus have a reference each. */
typedef struct
{
  gatomicrefcount refcount;
  gchar *name;                  /* of the element, for the log; or NULL */
  guint number;                 /* of the segment, for the log */
  const gchar *factory;         /* static */
  gboolean fragments;           /* that is what it writes */

  GMutex lock;
  GCond cond;
  /* lock: */
  gboolean started;             /* it can be fed */
  gboolean finished;            /* EOS came out, or error is set, or cancelled */
  GError *error;                /* of what finished it; NULL: the file is whole */
  gboolean stopping;            /* the driver is to stop it */
  gboolean stopped;
  gboolean left;                /* nobody waits for that any more */

  gint n_moves;                 /* atomic: what went in and came out so far, of any
                                 * kind */

  /* The muxer's streaming thread, while the output pad is active; before and after
   * that the caller's: */
  IdentifaiMemoryFile *file;
  guint64 max_bytes;
  GstCaps *caps;                /* of the file */
} Run;

static Run *
run_new (const gchar * name, guint number, const gchar * factory,
    gboolean fragments, guint64 max_bytes)
{
  Run *run = g_new0 (Run, 1);

  g_atomic_ref_count_init (&run->refcount);
  run->name = g_strdup (name);
  run->number = number;
  run->factory = g_intern_string (factory);
  run->fragments = fragments;
  g_mutex_init (&run->lock);
  g_cond_init (&run->cond);
  run->file = identifai_memory_file_new ();
  run->max_bytes = max_bytes;

  return run;
}

static Run *
run_ref (Run * run)
{
  g_atomic_ref_count_inc (&run->refcount);

  return run;
}

static void
run_unref (gpointer data)
{
  Run *run = data;

  if (!g_atomic_ref_count_dec (&run->refcount))
    return;
  g_clear_error (&run->error);
  gst_clear_caps (&run->caps);
  g_cond_clear (&run->cond);
  g_mutex_clear (&run->lock);
  g_free (run->name);
  g_free (run);
}

/*** the output pad ***/

/* Takes over error. What comes first counts. */
static void
finish (Run * run, GError * error)
{
  g_mutex_lock (&run->lock);
  GST_LOG_ID (run->name, "segment %u: %s %s: %s", run->number, run->factory,
      run->finished ? "has ended, then" : "ends",
      error ? error->message : "the file is whole");
  if (!run->finished)
    run->error = g_steal_pointer (&error);
  run->finished = TRUE;
  g_cond_broadcast (&run->cond);
  g_mutex_unlock (&run->lock);
  g_clear_error (&error);
}

static GstFlowReturn
output_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  Run *run = gst_pad_get_element_private (pad);
  guint64 end = identifai_memory_file_get_position (run->file)
      + gst_buffer_get_size (buffer);
  GstBuffer *held;

  g_atomic_int_inc (&run->n_moves);
  if (end > run->max_bytes) {
    gst_buffer_unref (buffer);
    finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_MESSAGE_TOO_LARGE,
            "The file would be larger than %" G_GUINT64_FORMAT " bytes",
            run->max_bytes));
    return GST_FLOW_ERROR;
  }
  held = identifai_buffer_hold (buffer);
  gst_buffer_unref (buffer);
  identifai_memory_file_write (run->file, held);
  gst_buffer_unref (held);
  if (identifai_memory_file_is_broken (run->file)) {
    finish (run, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_FAILED,
            "What the muxer wrote can't be read: its memory can't be mapped"));
    return GST_FLOW_ERROR;
  }

  return GST_FLOW_OK;
}

static gboolean
output_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  Run *run = gst_pad_get_element_private (pad);
  const GstSegment *segment;
  GstCaps *caps;

  g_atomic_int_inc (&run->n_moves);
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      gst_caps_replace (&run->caps, caps);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      if (segment->format == GST_FORMAT_BYTES)
        identifai_memory_file_seek (run->file, segment->start);
      break;
    case GST_EVENT_EOS:
      finish (run, NULL);
      break;
    default:
      break;
  }
  gst_event_unref (event);

  return TRUE;
}

static gboolean
output_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  GstFormat format;

  if (GST_QUERY_TYPE (query) != GST_QUERY_SEEKING)
    return gst_pad_query_default (pad, parent, query);

  gst_query_parse_seeking (query, &format, NULL, NULL, NULL);
  if (format == GST_FORMAT_BYTES || format == GST_FORMAT_DEFAULT)
    gst_query_set_seeking (query, GST_FORMAT_BYTES, TRUE, 0, -1);
  else
    gst_query_set_seeking (query, format, FALSE, 0, -1);

  return TRUE;
}

static GstPad *
make_output (Run * run)
{
  GstPad *pad = gst_pad_new ("output", GST_PAD_SINK);

  gst_object_ref_sink (pad);
  gst_pad_set_element_private (pad, run);
  gst_pad_set_chain_function_full (pad, output_chain, run_ref (run), run_unref);
  gst_pad_set_event_function (pad, output_event);
  gst_pad_set_query_function (pad, output_query);
  gst_pad_set_active (pad, TRUE);

  return pad;
}

/*** feeds ***/

/* Of a pad, which owns it. */
typedef struct
{
  Run *run;
  GstCaps *caps;
  GPtrArray *buffers;           /* or NULL; its own references */
  const gchar *orientation;     /* static; or NULL */
  GstClockTime origin;          /* the segment starts there */
} Feed;

static void
feed_clear (gpointer data)
{
  Feed *feed = data;

  run_unref (feed->run);
  gst_caps_unref (feed->caps);
  g_clear_pointer (&feed->buffers, g_ptr_array_unref);
  g_free (feed);
}

static Feed *
feed_of (GstPad * pad)
{
  return g_object_get_data (G_OBJECT (pad), "feed");
}

/* Whatever comes from the muxer is nothing that a file should do. */
static gboolean
feed_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  gst_event_unref (event);

  return TRUE;
}

static gboolean
feed_query (GstPad * pad, GstObject * parent, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gst_query_set_latency (query, FALSE, 0, GST_CLOCK_TIME_NONE);

  return TRUE;
}

static GstPad *
make_feed (Run * run, GstCaps * caps)
{
  GstPad *pad = gst_pad_new (NULL, GST_PAD_SRC);
  Feed *feed = g_new0 (Feed, 1);

  gst_object_ref_sink (pad);
  feed->run = run_ref (run);
  feed->caps = gst_caps_ref (caps);
  g_object_set_data_full (G_OBJECT (pad), "feed", feed, feed_clear);
  gst_pad_set_event_function (pad, feed_event);
  gst_pad_set_query_function (pad, feed_query);
  gst_pad_set_active (pad, TRUE);

  return pad;
}

/* When its task, if any, has come to its end. A pad that goes with a task that hasn't
 * begun yet waits for it for ever (GStreamer 1.22's gst_pad_finalize() joins it, and the
 * task's own pause starts it anew): so it is stopped before. */
static void
free_feed (gpointer pad)
{
  gst_pad_set_active (pad, FALSE);
  gst_pad_stop_task (pad);
  gst_object_unref (pad);
}

/* The segment is one by which the first frame shown is at running time 0, and frames
 * decoded before it have a negative DTS. Muxers that know the orientation are told;
 * MP4's is written into the file afterwards. */
static void
push_head (GstPad * pad, const Feed * feed)
{
  GstSegment segment;
  gchar *id = g_strdup_printf ("%p", pad);

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.position = feed->origin;
  gst_pad_push_event (pad, gst_event_new_stream_start (id));
  gst_pad_push_event (pad, gst_event_new_caps (feed->caps));
  gst_pad_push_event (pad, gst_event_new_segment (&segment));
  if (feed->orientation != NULL)
    gst_pad_push_event (pad,
        gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION,
                feed->orientation, NULL)));
  g_free (id);
}

static void
note_end (const Feed * feed, guint n_pushed, GstFlowReturn result)
{
  Run *run = feed->run;

  GST_LOG_ID (run->name, "segment %u: %s took %u of %u buffers from %"
      GST_TIME_FORMAT " on: %s", run->number, run->factory, n_pushed,
      feed->buffers->len, GST_TIME_ARGS (feed->origin),
      gst_flow_get_name (result));
  if (result != GST_FLOW_OK && result != GST_FLOW_FLUSHING
      && result != GST_FLOW_EOS)
    finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
            "%s takes no more of the stream: %s", run->factory,
            gst_flow_get_name (result)));
}

/* The pad's task, once. */
static void
push_all (gpointer data)
{
  GstPad *pad = data;
  Feed *feed = feed_of (pad);
  GstFlowReturn result = GST_FLOW_OK;
  guint i;

  push_head (pad, feed);
  for (i = 0; i < feed->buffers->len && result == GST_FLOW_OK; i++) {
    result = gst_pad_push (pad,
        gst_buffer_ref (g_ptr_array_index (feed->buffers, i)));
    g_atomic_int_inc (&feed->run->n_moves);
  }
  if (result == GST_FLOW_OK)
    gst_pad_push_event (pad, gst_event_new_eos ());
  note_end (feed, i, result);
  gst_pad_pause_task (pad);
}

static gpointer
ref_buffer (gconstpointer buffer, gpointer unused)
{
  return gst_buffer_ref ((GstBuffer *) buffer);
}

/* One that is left behind has its own references: the caller may make another file
 * of the track. */
static void
start_feed (GstPad * pad, IdentifaiTrack * track, GstClockTime origin)
{
  Feed *feed = feed_of (pad);

  feed->buffers = g_ptr_array_copy (track->buffers, ref_buffer, NULL);
  feed->orientation = identifai_codec_get_orientation (track->caps);
  feed->origin = origin;
  gst_pad_start_task (pad, push_all, pad, NULL);
}

/* When the first of so many tracks starts. In the middle of a stream that may be sound,
 * as it comes later. */
static GstClockTime
find_origin (GPtrArray * tracks, guint n)
{
  GstClockTime origin = GST_CLOCK_TIME_NONE;
  guint i;

  for (i = 0; i < n; i++)
    origin = MIN (origin, identifai_timestamps_first_shown (g_ptr_array_index
            (tracks, i)));

  return origin;
}

/* lead: how much the first picture is shown after its leading ones, or before the
 * first that isn't hidden. mp4mux puts it where the first one shown belongs, so the
 * sound goes with it; the edit list is moved back afterwards. */
static void
start_feeds (GPtrArray * feeds, GPtrArray * tracks, gboolean fragments,
    GstClockTimeDiff lead)
{
  GstClockTime origin = find_origin (tracks, fragments ? tracks->len : 1);
  guint i, next = 0;

  for (i = 0; i < tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (tracks, i);

    if (track->buffers->len > 0)
      start_feed (g_ptr_array_index (feeds, next++), track,
          i == 0 ? origin : origin - lead);
  }
}

/*** the pipeline ***/

/* An element's error, and what it says of it behind the place in its source. */
static GError *
read_error (GstMessage * message)
{
  GError *error = NULL, *told;
  gchar *details = NULL, *why, *text = NULL;

  gst_message_parse_error (message, &error, &details);
  why = details != NULL ? strchr (details, '\n') : NULL;
  if (why != NULL)
    text = identifai_clean_text (why, strlen (why), MAX_WHY_BYTES);
  told = g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED, "%s: %s%s%s",
      GST_MESSAGE_SRC_NAME (message), error->message, text ? " " : "",
      text ? text : "");
  g_error_free (error);
  g_free (details);
  g_free (text);

  return told;
}

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Run *run = user_data;
  GError *error;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    error = read_error (message);
    GST_DEBUG_ID (run->name, "segment %u: %s", run->number, error->message);
    finish (run, error);
  }
  gst_message_unref (message);

  return GST_BUS_DROP;
}

static GstElement *
make_element (GstElement * pipeline, const gchar * factory, GError ** error)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "There is no element %s", factory);
    return NULL;
  }
  gst_bin_add (GST_BIN (pipeline), element);

  return element;
}

static gboolean
link_pads (GstPad * source, GstElement * to, const gchar * name,
    gboolean is_request, GError ** error)
{
  GstPad *pad = is_request ? gst_element_request_pad_simple (to, name) :
      gst_element_get_static_pad (to, name);
  gboolean linked = pad != NULL
      && gst_pad_link (source, pad) == GST_PAD_LINK_OK;

  gst_clear_object (&pad);
  if (!linked)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "%s takes no further stream like this", GST_OBJECT_NAME (to));

  return linked;
}

/* Between the feed and the muxer. Returns its source pad, or NULL. */
static GstPad *
add_parser (const gchar * name, GstElement * pipeline, GstPad * feed,
    const gchar * factory, IdentifaiTrack * track, GError ** error)
{
  GstElement *parser = make_element (pipeline, factory, error);

  if (parser == NULL || !link_pads (feed, parser, "sink", FALSE, error))
    return NULL;
  if (identifai_codec_of_caps (track->caps)->video)
    identifai_timestamps_keep (name, track, parser);

  return gst_element_get_static_pad (parser, "src");
}

/* Returns the feed of a track, linked, or NULL. */
static GstPad *
add_track (GstElement * pipeline, GstElement * muxer, IdentifaiTrack * track,
    Run * run, GError ** error)
{
  gboolean is_linked = FALSE;
  IdentifaiMuxerFit fit;
  GstPad *feed, *last;

  identifai_muxer_fit (run->name, gst_element_get_factory (muxer),
      track->caps, &fit);
  GST_LOG_ID (run->name, "segment %u: %s goes to %s by its %s, %s%s",
      run->number,
      identifai_codec_get_name (identifai_codec_of_caps (track->caps),
          track->caps), run->factory, fit.pad_template,
      fit.parser ? "through " : "as it is", fit.parser ? fit.parser : "");
  feed = make_feed (run, fit.caps);
  last = fit.parser == NULL ? gst_object_ref (feed) :
      add_parser (run->name, pipeline, feed, fit.parser, track, error);
  if (last != NULL)
    is_linked = link_pads (last, muxer, fit.pad_template,
        !g_str_equal (fit.pad_template, "sink"), error);
  if (is_linked && identifai_codec_of_caps (track->caps)->video)
    identifai_timestamps_keep_precise (track, last);
  identifai_muxer_fit_clear (&fit);
  gst_clear_object (&last);
  if (!is_linked)
    free_feed (g_steal_pointer (&feed));

  return feed;
}

/* Muxers of this family take one buffer of a pad at a time, each of them a hand-over
 * from one thread to another, but for a latency: with one without end, they take all
 * that there is. None of it is live, so nothing waits for it. */
static void
open_queues (GstElement * muxer)
{
  GType aggregator = g_type_from_name ("GstAggregator");

  if (aggregator != 0 && g_type_is_a (G_OBJECT_TYPE (muxer), aggregator))
    g_object_set (muxer, "latency", (guint64) G_MAXINT64 / 2, NULL);
}

/* matroskamux (1.22) flags no simple block of sound as one that can be decoded alone.
 * FFmpeg knows that of its codecs but for Speex, of which it leaves out what isn't
 * flagged at the start of a copy. Version 1 has no simple blocks. */
static void
prepare_muxer (GstElement * muxer, GPtrArray * tracks, Run * run)
{
  gboolean is_speex = FALSE;
  guint i;

  for (i = 1; i < tracks->len; i++) {
    const GstCaps *caps =
        ((IdentifaiTrack *) g_ptr_array_index (tracks, i))->caps;

    is_speex |= gst_structure_has_name (gst_caps_get_structure (caps, 0),
        "audio/x-speex");
  }
  if (is_speex)
    GST_DEBUG_ID (run->name, "segment %u: Speex goes into blocks of version 1",
        run->number);
  if (is_speex
      && g_object_class_find_property (G_OBJECT_GET_CLASS (muxer), "version"))
    gst_util_set_object_arg (G_OBJECT (muxer), "version", "1");
  if (run->fragments)
    g_object_set (muxer, "fragment-duration", (guint) G_MAXINT32, "streamable",
        TRUE, NULL);
  open_queues (muxer);
}

/* Adds the feeds to feeds, in the order of the tracks that have buffers. */
static gboolean
build (GstElement * pipeline, Run * run, GPtrArray * tracks, GstPad * output,
    GPtrArray * feeds, GError ** error)
{
  GstElement *muxer = make_element (pipeline, run->factory, error);
  GstPad *pad;
  guint i;

  if (muxer == NULL)
    return FALSE;
  prepare_muxer (muxer, tracks, run);
  for (i = 0; i < tracks->len; i++) {
    IdentifaiTrack *track = g_ptr_array_index (tracks, i);

    if (track->buffers->len == 0)
      continue;
    pad = add_track (pipeline, muxer, track, run, error);
    if (pad == NULL)
      return FALSE;
    g_ptr_array_add (feeds, pad);
  }
  pad = gst_element_get_static_pad (muxer, "src");
  gst_pad_link (pad, output);
  gst_object_unref (pad);

  return TRUE;
}

/* A muxer that is stopped between its first word and its first byte: those of
 * the qtmux family read back the caps that they have just set, and up to GStreamer
 * 1.22 without a look at whether the pad, flushing by then, kept them. So it has
 * caps from the start; what the muxer sets later takes their place. Called while
 * the pad is active and before there is data, so the muxer's thread sleeps. Goes
 * with 1.22: those of 1.26 don't need it. */
static void
set_first_caps (GstPad * pad)
{
  GstCaps *caps = gst_pad_get_pad_template_caps (pad);
  GstEvent *event;

  if (!gst_caps_is_any (caps) && !gst_caps_is_empty (caps)) {
    event = gst_event_new_stream_start ("file");
    gst_pad_store_sticky_event (pad, event);
    gst_event_unref (event);
    caps = gst_caps_fixate (caps);
    event = gst_event_new_caps (caps);
    gst_pad_store_sticky_event (pad, event);
    gst_event_unref (event);
  }
  gst_caps_unref (caps);
}

/*** its life ***/

/* what: a field of run. */
static gboolean
is_over (Run * run, const gboolean * what)
{
  gboolean over;

  g_mutex_lock (&run->lock);
  over = *what;
  g_mutex_unlock (&run->lock);

  return over;
}

/* The driver's thread. data: the pipeline, which goes back to the caller unless it is
 * left behind. What it is fed by goes when it has stopped. */
static gpointer
drive (gpointer data)
{
  GstElement *pipeline = data;
  Run *run = g_object_get_data (G_OBJECT (pipeline), "run");
  gboolean left;

  if (gst_element_set_state (pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_FAILURE)
    finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_FAILED,
            "%s does not start", run->factory));

  g_mutex_lock (&run->lock);
  run->started = TRUE;
  g_cond_broadcast (&run->cond);
  while (!run->stopping)
    g_cond_wait (&run->cond, &run->lock);
  g_mutex_unlock (&run->lock);

  gst_element_set_state (pipeline, GST_STATE_NULL);
  g_object_set_data (G_OBJECT (pipeline), "feeds", NULL);

  run_ref (run);
  g_mutex_lock (&run->lock);
  run->stopped = TRUE;
  left = run->left;
  g_cond_broadcast (&run->cond);
  g_mutex_unlock (&run->lock);

  if (left) {
    GST_DEBUG_ID (run->name, "segment %u: %s has stopped after all",
        run->number, run->factory);
    g_atomic_int_add (&n_left, -1);
    gst_object_unref (pipeline);
  }
  run_unref (run);

  return NULL;
}

/* TRUE: pipeline is the driver's. */
static gboolean
start_driver (GstElement * pipeline, Run * run)
{
  GError *error = NULL;
  GThread *thread;

  g_object_set_data_full (G_OBJECT (pipeline), "run", run_ref (run), run_unref);
  thread = g_thread_try_new ("identifai-mux", drive, pipeline, &error);
  if (thread == NULL) {
    finish (run, error);
    return FALSE;
  }
  g_thread_unref (thread);

  return TRUE;
}

/* Nothing goes into the file any more. TRUE: the pipeline has stopped, and is the
 * caller's again; else it is left behind with its driver. */
static gboolean
stop_driver (Run * run, GstPad * output)
{
  gint64 until = g_get_monotonic_time ()
      + (gint64) MIN (patience, STOP_PATIENCE) * G_TIME_SPAN_MILLISECOND;
  gboolean left;

  gst_pad_set_active (output, FALSE);

  g_mutex_lock (&run->lock);
  run->stopping = TRUE;
  g_cond_broadcast (&run->cond);
  while (!run->stopped && g_cond_wait_until (&run->cond, &run->lock, until));
  GST_LOG_ID (run->name, "segment %u: %s stopped %d ms before it would be left",
      run->number, run->factory,
      (gint) (until - g_get_monotonic_time ()) / 1000);
  left = run->left = !run->stopped;
  if (left)
    g_atomic_int_inc (&n_left);
  g_mutex_unlock (&run->lock);

  if (left)
    GST_WARNING_ID (run->name,
        "segment %u: %s doesn't stop, and is left behind", run->number,
        run->factory);

  return !left;
}

static void
start_feeding (Run * run, GPtrArray * feeds, GPtrArray * tracks,
    GstPad * output, GstClockTimeDiff lead)
{
  GstPad *pad = gst_pad_get_peer (output);
  GstElement *muxer = gst_pad_get_parent_element (pad);

  if (!gst_plugin_feature_check_version (GST_PLUGIN_FEATURE
          (gst_element_get_factory (muxer)), 1, 25, 0))
    set_first_caps (pad);
  gst_object_unref (muxer);
  gst_object_unref (pad);
  start_feeds (feeds, tracks, run->fragments, lead);
}

static void
on_cancelled (GCancellable * cancellable, gpointer user_data)
{
  finish (user_data, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
          "Cancelled"));
}

/* FALSE: neither is it finished yet, nor is what is waited for so. */
static gboolean
wait_a_moment (Run * run, const gboolean * what)
{
  gint64 until = g_get_monotonic_time ()
      + (gint64) patience * 1000 / PATIENCE_STEPS;
  gboolean is_over;

  g_mutex_lock (&run->lock);
  while (!run->finished && !*what
      && g_cond_wait_until (&run->cond, &run->lock, until));
  is_over = run->finished || *what;
  g_mutex_unlock (&run->lock);

  return is_over;
}

/* what: a field of run. A muxer that stands still for too long fails, however long
 * the file takes. Time is counted in steps that this thread has waited for: those
 * in which the process was stopped, or got no turn, don't count. */
static void
wait_for (Run * run, const gboolean * what)
{
  gint moves = g_atomic_int_get (&run->n_moves);
  guint still = 0;

  while (!wait_a_moment (run, what)) {
    gint now = g_atomic_int_get (&run->n_moves);

    still = now == moves ? still + 1 : 0;
    moves = now;
    if (still > 0)
      GST_DEBUG_ID (run->name, "segment %u: %s stands still, look %u of %u",
          run->number, run->factory, still, PATIENCE_STEPS);
    if (still >= PATIENCE_STEPS)
      finish (run, g_error_new (G_IO_ERROR, G_IO_ERROR_TIMED_OUT,
              "%s doesn't finish the file: nothing went in or came out for "
              "%u s", run->factory, patience / 1000));
  }
}

/* The cancellable's callback never waits for this thread, and disconnecting
 * waits for the callback: so it is done without the lock. */
static void
run_to_end (Run * run, GPtrArray * feeds, GPtrArray * tracks,
    GstPad * output, GstClockTimeDiff lead, GCancellable * cancellable)
{
  gulong id = 0;

  if (cancellable)
    id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), run,
        NULL);
  wait_for (run, &run->started);
  GST_LOG_ID (run->name, "segment %u: %s has started", run->number,
      run->factory);
  if (!is_over (run, &run->finished)) {
    start_feeding (run, feeds, tracks, output, lead);
    wait_for (run, &run->finished);
  }
  g_cancellable_disconnect (cancellable, id);
}

static void
run_pipeline (Run * run, GPtrArray * tracks, GstClockTimeDiff lead,
    GCancellable * cancellable)
{
  GPtrArray *feeds = g_ptr_array_new_with_free_func (free_feed);
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstPad *output = make_output (run);
  GstBus *bus = gst_element_get_bus (pipeline);
  GError *error = NULL;
  gboolean is_ours = TRUE;

  gst_bus_set_sync_handler (bus, on_message, run_ref (run), run_unref);
  gst_object_unref (bus);
  /* the pipeline owns them, as it may be left behind with them */
  g_object_set_data_full (G_OBJECT (pipeline), "feeds", feeds,
      (GDestroyNotify) g_ptr_array_unref);
  if (!build (pipeline, run, tracks, output, feeds, &error)) {
    GST_DEBUG_ID (run->name, "segment %u: %s can't be set up: %s", run->number,
        run->factory, error->message);
    finish (run, error);
  } else if (start_driver (pipeline, run)) {
    run_to_end (run, feeds, tracks, output, lead, cancellable);
    is_ours = stop_driver (run, output);
  }
  gst_object_unref (output);
  if (is_ours)
    gst_object_unref (pipeline);
}

/* What was left behind may be all that there is to work with: threads, memory. */
static gboolean
may_run (GError ** error)
{
  gint left = g_atomic_int_get (&n_left);

  if (left < MAX_LEFT)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
      "%d muxers were told to stop, and don't: no other is started", left);

  return FALSE;
}

static gboolean
check_result (Run * run, GError ** error)
{
  if (run->error != NULL) {
    g_propagate_error (error, g_error_copy (run->error));
    return FALSE;
  }
  if (run->caps == NULL || identifai_memory_file_get_size (run->file) == 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "The muxer made no file of the stream");
    return FALSE;
  }

  return TRUE;
}

/* The file is let go of at once, whoever still has a reference to the run. */
IdentifaiMemoryFile *
identifai_mux_pipeline_run (const gchar * name, guint number,
    const gchar * factory, gboolean fragments, GPtrArray * tracks,
    GstClockTimeDiff lead, guint64 max_bytes, GCancellable * cancellable,
    GstCaps ** caps, GError ** error)
{
  IdentifaiMemoryFile *file = NULL;
  Run *run;

  if (!may_run (error))
    return NULL;

  run = run_new (name, number, factory, fragments, max_bytes);
  run_pipeline (run, tracks, lead, cancellable);
  if (check_result (run, error)) {
    file = g_steal_pointer (&run->file);
    *caps = g_steal_pointer (&run->caps);
  }
  g_clear_pointer (&run->file, identifai_memory_file_unref);
  run_unref (run);

  return file;
}

void
identifai_mux_pipeline_set_patience (guint ms)
{
  patience = ms;
}
