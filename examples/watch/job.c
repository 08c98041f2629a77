/* identifai-watch: one input: its pipeline, from being looked into to its end
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 *   NEW ──► LOOKING ──► RUNNING ──► ENDED
 *    └──────────────────────┘  (a pipeline, an address)
 *
 * What may block (changes of state, EOS) runs on GStreamer's worker threads, all else on
 * the main thread. A pipeline that can't be stopped is left behind.
 */

#include "job.h"
#include "content.h"
#include "ending.h"
#include "links.h"
#include "pipeline.h"
#include "pipelineend.h"

/* How long a stream may take through queues, in ms; one that is live until it has told
 * what it is, with its first key frame. */
#define ON_ITS_WAY 1000
#define LIVE_ON_ITS_WAY 10000

/* How often is looked whether an end gets there, in ms. */
#define ENDING_INTERVAL 500

/* How long a pipeline may take to stop, in ms; once who waits for that asks again. */
#define LONGEST_STOP 10000
#define HURRIED_STOP 1000

typedef enum
{
  JOB_NEW,
  JOB_LOOKING,
  JOB_RUNNING,
  JOB_ENDED
} JobState;

struct _WatchJob
{
  const WatchInput *input;
  const WatchOptions *options;
  WatchReport *report;
  WatchJobEnded ended;
  gpointer user_data;

  JobState state;
  GCancellable *cancellable;    /* of looking into it */
  GstElement *pipeline;         /* RUNNING, and until it has stopped */
  guint bus_watch;
  guint works;                  /* on worker threads */
  gboolean starting;            /* one of them starts it */
  guint end_source;             /* it is to be stopped, and ENDED to be told */
  guint stop_timer;             /* while it is being stopped */
  gboolean hurried;
  guint ending_source;          /* its end was sent */
  WatchEnding ending;
  guint pads_source;            /* atomic; a streaming thread sets it once */
  gint live;                    /* atomic: it is, or may be */
  gboolean refused;             /* the service doesn't take the key, or has no credits */
  gboolean left;                /* something of it may still run */
  gboolean orphan;              /* freed by its owner while it did */
};

WatchJob *
watch_job_new (const WatchInput * input, const WatchOptions * options,
    WatchReport * report, WatchJobEnded ended, gpointer user_data)
{
  WatchJob *self = g_new0 (WatchJob, 1);

  self->input = input;
  self->options = options;
  self->report = report;
  self->ended = ended;
  self->user_data = user_data;
  self->cancellable = g_cancellable_new ();

  return self;
}

gboolean
watch_job_is_refused (WatchJob * self)
{
  return self->refused;
}

gboolean
watch_job_is_left (WatchJob * self)
{
  return self->left;
}

/* Worker threads. */

typedef struct
{
  WatchJob *job;
  void (*work) (WatchJob * self, GstElement * pipeline);
  void (*done) (WatchJob * self);       /* main thread, unless the job was freed */
} Work;

static gboolean
on_worked (gpointer user_data)
{
  Work *work = user_data;
  WatchJob *self = work->job;

  self->works--;
  if (self->orphan)
    watch_job_free (self);
  else
    work->done (self);
  g_free (work);

  return G_SOURCE_REMOVE;
}

static void
run_work (GstElement * pipeline, gpointer user_data)
{
  Work *work = user_data;

  work->work (work->job, pipeline);
  g_idle_add_full (G_PRIORITY_DEFAULT, on_worked, work, NULL);
}

static void
start_work (WatchJob * self, void (*act) (WatchJob *, GstElement *),
    void (*done) (WatchJob *))
{
  Work *work = g_new (Work, 1);

  *work = (Work) {
  self, act, done};
  self->works++;
  gst_element_call_async (self->pipeline, run_work, work, NULL);
}

static gchar *
find_label (WatchJob * self, GstMessage * message)
{
  if (self->input->kind == WATCH_INPUT_PIPELINE)
    return g_strdup (GST_MESSAGE_SRC_NAME (message));

  return g_strdup (self->input->label);
}

static void
read_element_message (WatchJob * self, GstMessage * message)
{
  g_autofree gchar *label = find_label (self, message);

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT
      && gst_message_get_structure (message) != NULL)
    watch_report_message (self->report, label,
        gst_message_get_structure (message));
}

/* What was posted while the pipeline stopped: segments without a verdict are dropped
 * then. */
static void
take_the_rest (WatchJob * self)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  GstMessage *message;

  g_clear_handle_id (&self->bus_watch, g_source_remove);
  while ((message = gst_bus_pop (bus)) != NULL) {
    read_element_message (self, message);
    gst_message_unref (message);
  }
}

static void
on_stopped (WatchJob * self)
{
  g_clear_handle_id (&self->stop_timer, g_source_remove);
  take_the_rest (self);
  self->ended (self, self->user_data);
}

/* What judges was stopped first: the outcomes are there. */
static gboolean
on_stop_timeout (gpointer user_data)
{
  WatchJob *self = user_data;

  self->stop_timer = 0;
  self->left = TRUE;
  take_the_rest (self);
  watch_report_problem (self->report, self->input->label, "warning",
      "can't be stopped, and is left as it is: an element in it waits for "
      "something that doesn't come, of a disk, a device or another program say",
      NULL);
  self->ended (self, self->user_data);

  return G_SOURCE_REMOVE;
}

static void
stop (WatchJob * self, GstElement * pipeline)
{
  pipeline_stop (pipeline);
}

static gboolean
on_over (gpointer user_data)
{
  WatchJob *self = user_data;

  self->end_source = 0;
  if (self->pipeline == NULL) {
    self->ended (self, self->user_data);
    return G_SOURCE_REMOVE;
  }
  self->stop_timer = g_timeout_add (LONGEST_STOP, on_stop_timeout, self);
  start_work (self, stop, on_stopped);

  return G_SOURCE_REMOVE;
}

static void
end (WatchJob * self)
{
  if (self->state == JOB_ENDED)
    return;
  self->state = JOB_ENDED;
  g_clear_handle_id (&self->ending_source, g_source_remove);
  self->end_source = g_idle_add (on_over, self);
}

static void
give_up (WatchJob * self, const gchar * text, const gchar * details)
{
  watch_report_problem (self->report, self->input->label, "error", text,
      details);
  watch_report_broken (self->report, self->input->label);
  end (self);
}

void
watch_job_free (WatchJob * self)
{
  self->orphan = self->works > 0;
  if (self->orphan)
    return;
  g_clear_handle_id (&self->end_source, g_source_remove);
  g_clear_handle_id (&self->ending_source, g_source_remove);
  g_clear_handle_id (&self->bus_watch, g_source_remove);
  if (self->pads_source != 0)
    g_source_remove (self->pads_source);
  gst_clear_object (&self->pipeline);
  g_object_unref (self->cancellable);
  g_free (self);
}

/* What its pipeline says. */

static gchar *
explain_links (WatchJob * self)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  watch_links_explain (self->pipeline, lines);
  g_ptr_array_add (lines, NULL);

  return g_strjoinv ("\n", (gchar **) lines->pdata);
}

static gboolean
is_refusal (const GError * error)
{
  return g_error_matches (error, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED)
      || g_error_matches (error, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT);
}

static void
on_error (WatchJob * self, GstMessage * message)
{
  g_autofree gchar *label = find_label (self, message);
  g_autofree gchar *advice = explain_links (self);
  g_autofree gchar *debug = NULL, *details = NULL;
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, &debug);
  details = g_strjoin ("\n", debug != NULL ? debug : "", advice, NULL);
  watch_report_problem (self->report, label, "error", error->message, details);
  /* a row of its own only for what judges */
  watch_report_broken (self->report, GST_IS_ELEMENT (GST_MESSAGE_SRC (message))
      && pipeline_element_judges (GST_ELEMENT (GST_MESSAGE_SRC (message))) ?
      label : self->input->label);
  self->refused = is_refusal (error);
  end (self);
}

static void
tell_problem (WatchJob * self, GstMessage * message, const gchar * kind,
    void (*parse) (GstMessage *, GError **, gchar **))
{
  g_autofree gchar *label = find_label (self, message);
  g_autofree gchar *debug = NULL;
  g_autoptr (GError) error = NULL;

  parse (message, &error, &debug);
  watch_report_problem (self->report, label, kind, error->message, debug);
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  WatchJob *self = user_data;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      read_element_message (self, message);
      break;
    case GST_MESSAGE_ERROR:
      if (self->state == JOB_RUNNING)
        on_error (self, message);
      break;
    case GST_MESSAGE_WARNING:
      tell_problem (self, message, "warning", gst_message_parse_warning);
      break;
    case GST_MESSAGE_INFO:
      tell_problem (self, message, "info", gst_message_parse_info);
      break;
    case GST_MESSAGE_EOS:
      end (self);
      break;
    default:
      break;
  }

  return G_SOURCE_CONTINUE;
}

/* All pads are there, or all of a file was read, a while ago: what didn't come never
 * comes, and nothing would end the pipeline. */
static gboolean
on_all_pads (gpointer user_data)
{
  WatchJob *self = user_data;
  g_autofree gchar *advice = NULL;

  if (self->state == JOB_RUNNING
      && watch_links_count_streams (self->pipeline) == 0) {
    advice = explain_links (self);
    give_up (self, "nothing comes to what judges", advice);
  }

  return G_SOURCE_CONTINUE;
}

/* A streaming thread. The source is destroyed with the job. */
static void
on_no_more_pads (GstElement * element, gpointer user_data)
{
  WatchJob *self = user_data;
  guint wait = g_atomic_int_get (&self->live) ? LIVE_ON_ITS_WAY : ON_ITS_WAY;

  watch_links_complete (self->pipeline, element);
  if (g_atomic_int_compare_and_exchange (&self->pads_source, 0, G_MAXINT))
    g_atomic_int_set (&self->pads_source, g_timeout_add (wait, on_all_pads,
            self));
}

static void
play (WatchJob * self, GstElement * pipeline)
{
  if (pipeline_set_state (pipeline, GST_STATE_PLAYING) ==
      GST_STATE_CHANGE_NO_PREROLL)
    g_atomic_int_set (&self->live, TRUE);
}

static void
on_playing (WatchJob * self)
{
  self->starting = FALSE;
}

static void
run (WatchJob * self, GstElement * pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);

  self->state = JOB_RUNNING;
  self->pipeline = pipeline;
  self->bus_watch = gst_bus_add_watch (bus, on_message, self);
  /* what a stop ends is told then, and read after it */
  gst_pipeline_set_auto_flush_bus (GST_PIPELINE (pipeline), FALSE);
  watch_links_follow (pipeline, on_no_more_pads, self);
  g_atomic_int_set (&self->live, self->input->kind == WATCH_INPUT_ADDRESS);
  self->starting = TRUE;
  start_work (self, play, on_playing);
}

/* A pipeline's words. */

static GstElement *
parse (gchar ** words, GError ** error)
{
  GstParseFlags flags = GST_PARSE_FLAG_FATAL_ERRORS |
      GST_PARSE_FLAG_PLACE_IN_BIN;
  GstElement *bin = words[1] != NULL ?
      gst_parse_launchv_full ((const gchar **) words, NULL, flags, error) :
      gst_parse_launch_full (words[0], NULL, flags, error);
  GstElement *pipeline;

  if (bin == NULL || GST_IS_PIPELINE (bin))
    return bin;
  pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  gst_bin_add (GST_BIN (pipeline), bin);

  return pipeline;
}

static gboolean
check_pipeline (GstElement * pipeline, GError ** error)
{
  if (watch_links_count_judges (pipeline) > 0)
    return TRUE;
  g_set_error_literal (error, GST_CORE_ERROR, GST_CORE_ERROR_NEGOTIATION,
      "nothing in this pipeline judges: put an identifaisink at its end, or an "
      "identifaigate into it");

  return FALSE;
}

static void
set_on_judge (GstElement * judge, gpointer settings)
{
  watch_element_set (judge, settings);
}

static gboolean
start_words (WatchJob * self)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = parse (self->input->words, &error);

  if (pipeline != NULL && !check_pipeline (pipeline, &error))
    gst_clear_object (&pipeline);
  if (pipeline == NULL) {
    watch_report_problem (self->report, self->input->label, "error",
        error->message, watch_links_explain_error (error));
    return FALSE;
  }
  watch_links_for_each_judge (pipeline, set_on_judge, self->options->settings);
  run (self, pipeline);

  return TRUE;
}

/* Files and addresses. */

static void
start_content (WatchJob * self, WatchContent content)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = watch_pipeline_new (self->input, content,
      self->options->settings, &error);

  if (pipeline != NULL)
    run (self, pipeline);
  else
    give_up (self, error->message, NULL);
}

static void
on_content (GObject * source, GAsyncResult * result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  WatchContent content = watch_content_find_finish (result, &error);
  WatchJob *self = user_data;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    self->left = TRUE;
    watch_report_broken (self->report, self->input->label);
    end (self);
  } else if (error == NULL) {
    start_content (self, content);
  } else if (self->input->found
      && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA)) {
    watch_report_skipped (self->report, self->input->label, error->message);
    end (self);
  } else {
    give_up (self, error->message, NULL);
  }
}

gboolean
watch_job_start (WatchJob * self)
{
  switch (self->input->kind) {
    case WATCH_INPUT_PIPELINE:
      return start_words (self);
    case WATCH_INPUT_ADDRESS:
      start_content (self, WATCH_CONTENT_NONE);
      break;
    case WATCH_INPUT_FILE:
      self->state = JOB_LOOKING;
      watch_content_find (self->input->location, self->cancellable, on_content,
          self);
      break;
  }

  return TRUE;
}

static gboolean
on_ending (gpointer user_data)
{
  WatchJob *self = user_data;
  g_autoptr (GError) error = NULL;

  if (watch_ending_check (&self->ending, self->pipeline, &error))
    return G_SOURCE_CONTINUE;
  self->ending_source = 0;
  give_up (self, error->message, NULL);

  return G_SOURCE_REMOVE;
}

void
watch_job_end (WatchJob * self)
{
  if (self->state == JOB_LOOKING)
    g_cancellable_cancel (self->cancellable);
  if (self->state != JOB_RUNNING)
    return;
  if (self->starting) {
    watch_job_stop (self);
    return;
  }
  pipeline_end_streams (self->pipeline);
  if (self->ending_source == 0)
    self->ending_source = g_timeout_add (ENDING_INTERVAL, on_ending, self);
}

static void
hurry (WatchJob * self)
{
  if (self->hurried || self->stop_timer == 0)
    return;
  self->hurried = TRUE;
  g_source_remove (self->stop_timer);
  self->stop_timer = g_timeout_add (HURRIED_STOP, on_stop_timeout, self);
}

void
watch_job_stop (WatchJob * self)
{
  g_cancellable_cancel (self->cancellable);
  if (self->state == JOB_ENDED)
    hurry (self);
  if (self->state != JOB_RUNNING)
    return;
  watch_report_broken (self->report, self->input->label);
  end (self);
}

/* How it stands. */

typedef struct
{
  guint64 pending, waiting_bytes, uploaded_bytes, sending_bytes, judged;
} Standing;

static void
add_stats (GstElement * judge, gpointer standing)
{
  Standing *sum = standing;
  g_autoptr (GstStructure) stats = NULL;
  guint64 number;

  g_object_get (judge, "stats", &stats, NULL);
  if (stats == NULL)
    return;
  if (gst_structure_get_uint64 (stats, "pending", &number))
    sum->pending += number;
  if (gst_structure_get_uint64 (stats, "pending-bytes", &number))
    sum->waiting_bytes += number;
  if (gst_structure_get_uint64 (stats, "bytes-uploaded", &number))
    sum->uploaded_bytes += number;
  if (gst_structure_get_uint64 (stats, "bytes-sending", &number))
    sum->sending_bytes += number;
  if (gst_structure_get_uint64 (stats, "verdicts", &number))
    sum->judged += number;
}

gchar *
watch_job_describe (WatchJob * self)
{
  g_autofree gchar *name = watch_terminal_shorten (self->input->label);
  Standing sum = { 0, };

  if (self->state == JOB_LOOKING)
    return g_strdup_printf ("  %s: looking into it", name);
  if (self->state != JOB_RUNNING)
    return NULL;
  watch_links_for_each_judge (self->pipeline, add_stats, &sum);
  if (sum.waiting_bytes > 0)
    return g_strdup_printf ("  %s: %.1f of %.1f MB uploaded, %" G_GUINT64_FORMAT
        " judged", name,
        (sum.uploaded_bytes + sum.sending_bytes) / 1e6,
        (sum.uploaded_bytes + sum.waiting_bytes) / 1e6, sum.judged);
  if (sum.pending > 0)
    return g_strdup_printf ("  %s: %.1f MB uploaded, waiting for %"
        G_GUINT64_FORMAT " verdict%s, %" G_GUINT64_FORMAT " judged",
        name, sum.uploaded_bytes / 1e6, sum.pending,
        sum.pending == 1 ? "" : "s", sum.judged);

  return g_strdup_printf ("  %s: %" G_GUINT64_FORMAT " judged",
      name, sum.judged);
}
