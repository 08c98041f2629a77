/* identifai-moderate: one file judged on its own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "latejudge.h"
#include "pipeline.h"
#include "record.h"
#include "settings.h"

#include <string.h>

/* Of an upload that goes on, but slowly; a result has verdict-timeout, or, unless the
 * file sets one, as long again. */
#define LONGEST_RUN (15 * 60)   /* s */

struct _ModLateJudge
{
  ModLateJudgeCalls calls;
  gpointer user_data;
  GstElement *pipeline, *judge; /* judge: borrowed */
  gchar *identifier;            /* once the service has the file */
  GstBuffer *file;
  guint watch, timer, end;      /* sources */
  gboolean ended;
  GstStructure *outcome;        /* until it is told */
  gchar *error;
};

/* The element. */

static gboolean
is_factory (GstElement * element, const gchar * name)
{
  return strcmp (GST_OBJECT_NAME (gst_element_get_factory (element)),
      name) == 0;
}

static void
set (GstElement * element, const gchar * name, const gchar * value)
{
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), name) != NULL)
    gst_util_set_object_arg (G_OBJECT (element), name, value);
}

static void
copy_property (GstElement * from, GstElement * to, GParamSpec * pspec)
{
  GParamSpec *other =
      g_object_class_find_property (G_OBJECT_GET_CLASS (to), pspec->name);
  GValue value = G_VALUE_INIT;

  if (other == NULL || (pspec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE
      || other->value_type != pspec->value_type
      || !g_str_has_prefix (g_type_name (pspec->owner_type), "GstIdentifai"))
    return;
  g_value_init (&value, pspec->value_type);
  g_object_get_property (G_OBJECT (from), pspec->name, &value);
  if (g_param_value_validate (other, &value) == FALSE)
    g_object_set_property (G_OBJECT (to), pspec->name, &value);
  g_value_unset (&value);
}

/* A gate takes no files. */
static GstElement *
make_sink_like (GstElement * gate)
{
  GstElement *sink = gst_element_factory_make ("identifaisink", NULL);
  g_autofree GParamSpec **all = NULL;
  guint i, n;

  if (sink == NULL)
    return NULL;
  gst_object_ref_sink (sink);
  all = g_object_class_list_properties (G_OBJECT_GET_CLASS (gate), &n);
  for (i = 0; i < n; i++)
    copy_property (gate, sink, all[i]);
  return sink;
}

static gboolean
release_if_requested (GstElement * element, GstPad * pad, gpointer unused)
{
  GstPadTemplate *template = gst_pad_get_pad_template (pad);

  if (template != NULL
      && GST_PAD_TEMPLATE_PRESENCE (template) == GST_PAD_REQUEST)
    gst_element_release_request_pad (element, pad);
  gst_clear_object (&template);
  return TRUE;
}

static GstElement *
take_out (GstElement * judge)
{
  GstObject *parent = gst_object_get_parent (GST_OBJECT (judge));

  gst_object_ref (judge);
  gst_element_foreach_sink_pad (judge, release_if_requested, NULL);
  if (parent != NULL)
    gst_bin_remove (GST_BIN (parent), judge);
  gst_clear_object (&parent);
  return judge;
}

/* A file at a time, tried again by us; what is about a stream doesn't apply. */
static void
adapt (GstElement * element)
{
  set (element, "retries", "0");
  set (element, "on-refusal", "warn");
  set (element, "drain-timeout", "18446744073709551615");
  set (element, "attach-file", "none");
  set (element, "max-uploads-per-hour", "0");
  set (element, "credits-interval", "0");
  set (element, "segment-interval", "0");
  set (element, "judging", "true");
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (element), "policy"))
    g_object_set (element, "policy", NULL, NULL);
  if (is_factory (element, "identifaispeechsink"))
    set (element, "segment-duration", "3600000000000");
}

GstElement *
mod_late_element_new (const ModStreamConfig * config, GError ** error)
{
  GstElement *judge = NULL, *element;
  g_autoptr (GstElement) pipeline =
      mod_pipeline_new (config, &judge, NULL, error);

  if (pipeline == NULL)
    return NULL;
  element = is_factory (judge, "identifaigate") ? make_sink_like (judge) :
      take_out (judge);
  adapt (element);
  return element;
}

/* The run. */

/* What it calls may free it. */
static gboolean
on_end (gpointer user_data)
{
  ModLateJudge *self = user_data;
  GstStructure *outcome = g_steal_pointer (&self->outcome);
  gchar *error = g_steal_pointer (&self->error);

  self->end = 0;
  self->calls.ended (outcome, error, self->user_data);
  gst_clear_structure (&outcome);
  g_free (error);
  return G_SOURCE_REMOVE;
}

static void
end (ModLateJudge * self, const GstStructure * s, const gchar * error)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  self->outcome = s != NULL ? gst_structure_copy (s) : NULL;
  self->error = g_strdup (error);
  self->end = g_idle_add_full (G_PRIORITY_DEFAULT, on_end, self, NULL);
}

/* What the service has by then is asked for at the next try, and isn't uploaded again. */
static gboolean
on_too_long (gpointer user_data)
{
  ModLateJudge *self = user_data;
  GstStructure *s = gst_structure_new ("identifai-failed",
      "reason", G_TYPE_STRING, "timeout",
      "message", G_TYPE_STRING, self->identifier != NULL ?
      "no result in time" : "the upload takes too long", NULL);

  self->timer = 0;
  if (self->identifier != NULL)
    gst_structure_set (s, "identifier", G_TYPE_STRING, self->identifier, NULL);
  end (self, s, NULL);
  gst_structure_free (s);
  return G_SOURCE_REMOVE;
}

/* The element ends what lasts longer than its verdict-timeout: this is for one that has
 * none. */
static void
wait_for_result (ModLateJudge * self)
{
  guint64 timeout = GST_CLOCK_TIME_NONE;

  g_object_get (self->judge, "verdict-timeout", &timeout, NULL);
  g_clear_handle_id (&self->timer, g_source_remove);
  self->timer = g_timeout_add_seconds (LONGEST_RUN
      + (GST_CLOCK_TIME_IS_VALID (timeout) ?
          MIN (timeout / GST_SECOND, G_MAXINT32) : 0), on_too_long, self);
}

static void
take_message (ModLateJudge * self, const GstStructure * s)
{
  if (self->ended)
    return;
  if (gst_structure_has_name (s, "identifai-submitted")) {
    g_free (self->identifier);
    self->identifier = g_strdup (gst_structure_get_string (s, "identifier"));
    wait_for_result (self);
    self->calls.submitted (s, self->user_data);
  } else if (mod_is_outcome (s)) {
    end (self, s, NULL);
  }
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  ModLateJudge *self = user_data;
  g_autoptr (GError) error = NULL;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ELEMENT:
      take_message (self, gst_message_get_structure (message));
      break;
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, NULL);
      end (self, NULL, error->message);
      break;
    case GST_MESSAGE_EOS:
      end (self, NULL, "the file had nothing to judge in it");
      break;
    default:
      break;
  }
  return G_SOURCE_CONTINUE;
}

/* The whole file, and its end. */
static void
on_need_data (GstElement * source, guint length, gpointer user_data)
{
  ModLateJudge *self = user_data;
  GstFlowReturn done;

  if (self->file == NULL)
    return;
  g_signal_emit_by_name (source, "push-buffer", self->file, &done);
  gst_clear_buffer (&self->file);
  g_signal_emit_by_name (source, "end-of-stream", &done);
}

static void
on_parsed (GstElement * parser, GstPad * pad, gpointer judge)
{
  GstPad *sink = gst_element_get_static_pad (judge, "sink");

  if (!gst_pad_is_linked (sink))
    gst_pad_link (pad, sink);
  gst_object_unref (sink);
}

/* Sound is judged as a stream, and has to be taken out of its file; a picture's type
 * isn't looked for. */
static gboolean
link_source (ModLateJudge * self, GstElement * source, GstElement * judge,
    const gchar * type)
{
  GstElement *parser;
  GstCaps *caps;

  if (is_factory (judge, "identifaiimagesink")) {
    caps = gst_caps_new_empty_simple (type);
    g_object_set (source, "caps", caps, NULL);
    gst_caps_unref (caps);
  }
  if (!is_factory (judge, "identifaispeechsink"))
    return gst_element_link (source, judge);
  parser = gst_element_factory_make ("parsebin", NULL);
  if (parser == NULL)
    return FALSE;
  gst_bin_add (GST_BIN (self->pipeline), parser);
  g_signal_connect (parser, "pad-added", G_CALLBACK (on_parsed), judge);
  return gst_element_link (source, parser);
}

static gboolean
fill (ModLateJudge * self, GstElement * judge, const gchar * type,
    GError ** error)
{
  GstElement *source = gst_element_factory_make ("appsrc", NULL);

  gst_bin_add (GST_BIN (self->pipeline), judge);
  if (source == NULL) {
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "the element appsrc is missing");
    return FALSE;
  }
  g_object_set (source, "max-bytes", (guint64) 0, NULL);
  g_signal_connect (source, "need-data", G_CALLBACK (on_need_data), self);
  gst_bin_add (GST_BIN (self->pipeline), source);
  if (link_source (self, source, judge, type))
    return TRUE;
  g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_PAD,
      "a file of %s can't be judged on its own", type);
  return FALSE;
}

/* It may hold what would be a conversion. */
static void
set_ref_id (GstElement * judge, const gchar * ref_id)
{
  g_auto (GStrv) parts = g_strsplit (ref_id != NULL ? ref_id : "", "%", -1);
  g_autofree gchar *literal = g_strjoinv ("%%", parts);

  g_object_set (judge, "ref-id", ref_id != NULL ? literal : NULL, NULL);
}

static void
watch (ModLateJudge * self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);

  self->watch = gst_bus_add_watch (bus, on_message, self);
  gst_object_unref (bus);
  self->timer = g_timeout_add_seconds (LONGEST_RUN, on_too_long, self);
}

static void
resume (ModLateJudge * self, GstElement * judge, const GstStructure * entry)
{
  gboolean taken = FALSE;

  g_signal_emit_by_name (judge, "resume", entry, &taken);
  if (!taken)
    end (self, NULL, "the service can't be asked for it");
}

ModLateJudge *
mod_late_judge_new (const ModStreamConfig * config, GstBuffer * file,
    const gchar * type, const gchar * ref_id, const GstStructure * entry,
    const ModLateJudgeCalls * calls, gpointer user_data, GError ** error)
{
  GstElement *judge = mod_late_element_new (config, error);
  ModLateJudge *self;

  if (judge == NULL)
    return NULL;
  self = g_new0 (ModLateJudge, 1);
  self->calls = *calls;
  self->user_data = user_data;
  self->file = entry == NULL ? gst_buffer_ref (file) : NULL;
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->judge = judge;
  set_ref_id (judge, ref_id);
  if (!fill (self, judge, type, error)) {
    gst_object_unref (judge);
    mod_late_judge_free (self);
    return NULL;
  }
  gst_object_unref (judge);
  watch (self);
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  if (entry != NULL) {
    wait_for_result (self);
    resume (self, judge, entry);
  }
  return self;
}

void
mod_late_judge_free (ModLateJudge * self)
{
  self->ended = TRUE;
  g_clear_handle_id (&self->watch, g_source_remove);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_handle_id (&self->end, g_source_remove);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_object_unref (self->pipeline);
  gst_clear_buffer (&self->file);
  gst_clear_structure (&self->outcome);
  g_free (self->identifier);
  g_free (self->error);
  g_free (self);
}
