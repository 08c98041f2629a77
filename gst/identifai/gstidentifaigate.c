/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

/**
 * SECTION:element-identifaigate
 * @title: identifaigate
 * @short_description: lets encoded video out only as identifAI's verdicts let it
 *
 * identifaigate holds encoded media back for #GstIdentifaiGate:hold, has it judged
 * meanwhile, as identifaisink does, and then lets out what its verdict lets out.
 * It uploads by itself: an identifaisink on the same stream would be a second one.
 *
 * Each `audio_%u` pad that is requested has an `audio_src_%u` pad; sound follows
 * the picture that is shown when it starts.
 *
 * All properties, messages, tags and statistics of identifaisink's elementary input
 * are there. docs/gate.md says what it guarantees.
 *
 * ## Example
 * |[
 * gst-launch-1.0 -m rtmp2src location=$IN ! flvdemux name=d
 *   d.video ! queue ! h264parse ! identifaigate name=g ! queue ! flvmux name=m streamable=true ! rtmp2sink location=$OUT
 *   d.audio ! queue ! aacparse ! g.audio_0 g.audio_src_0 ! queue ! m.
 * ]|
 *
 * Since: 0.2
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaigate.h"

#include <stdio.h>

#include "gstidentifaiaudiopad.h"
#include "gstidentifaierrors.h"
#include "gstidentifaisignals.h"
#include "clock.h"
#include "codecs.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_GATE)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (IDENTIFAI_VIDEO_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (IDENTIFAI_VIDEO_CAPS));

static GstStaticPadTemplate audio_template =
GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

static GstStaticPadTemplate audio_src_template =
GST_STATIC_PAD_TEMPLATE ("audio_src_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
    GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

static GstStaticPadTemplate slate_template = GST_STATIC_PAD_TEMPLATE ("slate",
    GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (IDENTIFAI_VIDEO_CAPS));

static GstStaticPadTemplate slate_audio_template =
GST_STATIC_PAD_TEMPLATE ("slate_audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (IDENTIFAI_AUDIO_CAPS));

G_DEFINE_TYPE (GstIdentifaiGate, gst_identifai_gate, GST_TYPE_ELEMENT);
GST_ELEMENT_REGISTER_DEFINE (identifaigate, "identifaigate", GST_RANK_NONE,
    GST_TYPE_IDENTIFAI_GATE);

/* Branches. */

static GstIterator *
iterate_links (GstPad * pad, GstObject * parent)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (parent);
  GValue value = G_VALUE_INIT;
  GstIdentifaiBranch *branch;
  GstIterator *it = NULL;

  g_mutex_lock (&self->engine->lock);
  branch = gst_identifai_gate_find_locked (self, pad);
  if (branch != NULL) {
    g_value_init (&value, GST_TYPE_PAD);
    g_value_set_object (&value, branch->sink == pad ? branch->src :
        branch->sink);
    it = gst_iterator_new_single (GST_TYPE_PAD, &value);
    g_value_unset (&value);
  }
  g_mutex_unlock (&self->engine->lock);

  return it;
}

static void
branch_free (gpointer data)
{
  gst_identifai_gate_out_clear (data);
  g_free (data);
}

static void
branch_release (gpointer data)
{
  gst_object_unref (((GstIdentifaiBranch *) data)->src);
}

static void
add_branch_locked (GstIdentifaiGate * self, GstIdentifaiBranch * branch)
{
  gst_object_ref (branch->src);
  g_ptr_array_add (self->branches, branch);
}

/* pads: of the gate, soon. */
static GstIdentifaiBranch *
new_branch (GstIdentifaiGate * self, GstPad * sink, GstPad * src)
{
  GstIdentifaiBranch *branch = g_new0 (GstIdentifaiBranch, 1);

  branch->gate = self;
  branch->sink = sink;
  branch->src = src;
  branch->flushing = TRUE;
  gst_segment_init (&branch->segment, GST_FORMAT_UNDEFINED);
  gst_pad_set_iterate_internal_links_function (sink, iterate_links);
  gst_pad_set_iterate_internal_links_function (src, iterate_links);
  gst_identifai_gate_out_init (src, branch);
  g_object_set_data_full (G_OBJECT (src), "identifai-branch", branch,
      branch_free);

  return branch;
}

/* Properties. */

static void
gst_identifai_gate_set_property (GObject * object, guint id,
    const GValue * value, GParamSpec * pspec)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (object);

  gst_identifai_engine_set_property (self->engine, id, value, pspec);
  switch (id) {
    case PROP_GATE_POLICY:
    case PROP_HOLD:
    case PROP_ON_ARTIFICIAL:
    case PROP_ON_UNKNOWN:
    case PROP_ON_UNJUDGED:
    case PROP_ON_UNSAMPLED:
    case PROP_PRE_ROLL:
    case PROP_POST_ROLL:
    case PROP_MAX_HELD_BYTES:
    case PROP_FORCE:
    case PROP_RESUME_AT_IDR:
      gst_identifai_gate_apply (self, id);
      break;
    default:
      break;
  }
}

static guint64
max_delay_locked (GstIdentifaiGate * self)
{
  IdentifaiHoldQueueStats stats;

  identifai_hold_queue_get_stats (self->hold, identifai_clock_now (), &stats);

  return stats.max_delay * GST_USECOND;
}

static guint64
get_max_delay (GstIdentifaiGate * self)
{
  guint64 delay;

  g_mutex_lock (&self->engine->lock);
  delay = max_delay_locked (self);
  g_mutex_unlock (&self->engine->lock);

  return delay;
}

static gboolean
is_passing (GstIdentifaiGate * self)
{
  gboolean passing;

  g_mutex_lock (&self->engine->lock);
  passing = self->passing;
  g_mutex_unlock (&self->engine->lock);

  return passing;
}

static void
gst_identifai_gate_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (object);

  switch (id) {
    case PROP_STATS:
      g_value_take_boxed (value, gst_identifai_gate_get_stats (self));
      break;
    case PROP_PASSING:
      g_value_set_boolean (value, is_passing (self));
      break;
    case PROP_MAX_OBSERVED_DELAY:
      g_value_set_uint64 (value, get_max_delay (self));
      break;
    default:
      gst_identifai_engine_get_property (self->engine, id, value);
      break;
  }
}

/* What the engine and the outbox tell. */

/* Under the lock; user_data is the segmenter's. */
static void
on_place (const IdentifaiPlacement * placement, gpointer user_data)
{
  GstIdentifaiEngine *engine = user_data;

  identifai_hold_queue_place (GST_IDENTIFAI_GATE (engine->element)->hold,
      placement);
}

/* The same. */
static void
on_settle (const IdentifaiSettlement * settlement, gpointer user_data)
{
  GstIdentifaiEngine *engine = user_data;

  identifai_hold_queue_settle (GST_IDENTIFAI_GATE (engine->element)->hold,
      settlement);
}

/* Takes over the structure. Where nothing is held, the segment has left. A file is the
 * message's alone: here it would be in nobody's bounds. */
static void
keep_verdict_locked (GstIdentifaiGate * self, guint segment,
    GstStructure * structure)
{
  gst_structure_remove_field (structure, "file");
  if (self->engine->settings.hold == 0)
    gst_structure_free (structure);
  else
    g_hash_table_insert (self->verdicts, GUINT_TO_POINTER (segment), structure);
}

static void
override_verdict_locked (GstIdentifaiGate * self, guint segment,
    const gchar * classification)
{
  GstStructure *structure = g_hash_table_lookup (self->verdicts,
      GUINT_TO_POINTER (segment));

  structure = structure != NULL ? gst_structure_copy (structure) :
      gst_structure_new ("identifai-verdict", "segment", G_TYPE_UINT, segment,
      NULL);
  gst_structure_set_name (structure, "identifai-verdict");
  gst_structure_set (structure, "classification", G_TYPE_STRING,
      classification, "overridden", G_TYPE_BOOLEAN, TRUE, NULL);
  keep_verdict_locked (self, segment, structure);
}

static void
override_locked (GstIdentifaiGate * self,
    const IdentifaiPolicyOutcome * counted, const gchar * classification)
{
  gboolean is_held = identifai_hold_queue_override (self->hold, counted,
      g_strcmp0 (classification, "artificial") == 0);

  GST_INFO_OBJECT (self, "segment %u is overridden: %s%s", counted->segment,
      classification, is_held ? "" : ", but it has left");
  if (is_held)
    override_verdict_locked (self, counted->segment, classification);
  else
    gst_identifai_engine_queue (self->engine,
        gst_identifai_info (GST_ELEMENT (self), "An overridden segment had "
            "left the gate by then: nothing is changed"));
}

static void
on_outcome_locked (GstIdentifaiGate * self, const GstIdentifaiOutcome * outcome)
{
  IdentifaiPolicyOutcome counted = {
    .segment = outcome->segment,
    .judged = outcome->end == IDENTIFAI_END_VERDICT,
    .unknown = outcome->unknown,
    .score = outcome->score,
    .artificial_frames = outcome->artificial_frames,
    .running_time = outcome->running_time,
    .stream_time = outcome->stream_time,
    .duration = outcome->duration,
    .utc = outcome->utc,
  };

  if (outcome->structure != NULL)
    keep_verdict_locked (self, outcome->segment,
        gst_structure_copy (outcome->structure));
  if (outcome->overridden)
    override_locked (self, &counted, outcome->classification);
  else
    identifai_hold_queue_add_outcome (self->hold, &counted,
        g_strcmp0 (outcome->classification, "artificial") == 0,
        identifai_clock_now ());
  gst_identifai_gate_tell_policy_locked (self);
  gst_identifai_gate_tell_short_locked (self);
}

/* No lock is held; user_data is the engine. */
static void
on_outcome (const GstIdentifaiOutcome * outcome, gpointer user_data)
{
  GstIdentifaiEngine *engine = user_data;
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (engine->element);
  guint64 before;

  g_mutex_lock (&engine->lock);
  before = max_delay_locked (self);
  on_outcome_locked (self, outcome);
  self->delay_grew |= max_delay_locked (self) > before;
  identifai_cond_broadcast (&engine->cond);
  g_mutex_unlock (&engine->lock);
  gst_identifai_reporter_post_elsewhere (engine->reporter);
}

/* Signals. */

static void
gst_identifai_gate_split_now (GstIdentifaiGate * self)
{
  g_mutex_lock (&self->engine->lock);
  identifai_segmenter_split_now (self->engine->segmenter);
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_engine_act (self->engine);
}

static void
gst_identifai_gate_dump (GstIdentifaiGate * self, guint64 back)
{
  g_mutex_lock (&self->engine->lock);
  identifai_hold_queue_dump (self->hold, back, identifai_clock_now ());
  g_mutex_unlock (&self->engine->lock);
}

static void
gst_identifai_gate_release (GstIdentifaiGate * self)
{
  g_mutex_lock (&self->engine->lock);
  identifai_hold_queue_release (self->hold);
  g_mutex_unlock (&self->engine->lock);
}

/* Audio pads. */

static GstFlowReturn
pass (GstElement * element, GstIdentifaiAudioPad * pad, GstBuffer * buffer)
{
  return gst_identifai_gate_in_pass (GST_IDENTIFAI_GATE (element),
      GST_PAD (pad), buffer);
}

static gboolean
pass_event (GstElement * element, GstIdentifaiAudioPad * pad, GstEvent * event)
{
  return gst_identifai_gate_in_pass_event (GST_IDENTIFAI_GATE (element),
      GST_PAD (pad), event);
}

static GstPad *
new_audio_src (GstPad * sink)
{
  GstPadTemplate *pad_template =
      gst_static_pad_template_get (&audio_src_template);
  guint number = 0;
  GstPad *src;
  gchar *name;

  sscanf (GST_PAD_NAME (sink), "audio_%u", &number);
  name = g_strdup_printf ("audio_src_%u", number);
  src = gst_pad_new_from_template (pad_template, name);
  gst_object_unref (pad_template);
  g_free (name);

  return src;
}

static gboolean
is_active (GstPad * pad)
{
  return GST_PAD_MODE (pad) != GST_PAD_MODE_NONE;
}

static GstPad *
gst_identifai_gate_request_new_pad (GstElement * element,
    GstPadTemplate * pad_template, const gchar * name, const GstCaps * caps)
{
  static const GstIdentifaiAudioPadFuncs funcs = {
    .pass = pass,
    .pass_event = pass_event,
  };
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (element);
  GstIdentifaiBranch *branch;
  GstPad *sink, *src;

  if (g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (pad_template), "slate"))
    return gst_identifai_gate_slate_request_pad (self, pad_template, name);
  sink = gst_identifai_audio_pad_request (element, self->engine, &funcs,
      pad_template, name);
  if (sink == NULL)
    return NULL;
  src = new_audio_src (sink);
  branch = new_branch (self, sink, src);
  GST_PAD_SET_PROXY_CAPS (sink);
  g_mutex_lock (&self->engine->lock);
  branch->stream = identifai_hold_queue_add_stream (self->hold);
  GST_DEBUG_OBJECT (self, "%s is stream %u, and leaves by %s",
      GST_PAD_NAME (sink), branch->stream, GST_PAD_NAME (src));
  add_branch_locked (self, branch);
  g_mutex_unlock (&self->engine->lock);

  if (is_active (sink))
    gst_pad_set_active (src, TRUE);
  gst_element_add_pad (element, src);

  return sink;
}

static void
gst_identifai_gate_release_pad (GstElement * element, GstPad * pad)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (element);
  GstIdentifaiBranch *branch;
  GstPad *src;

  if (gst_identifai_gate_slate_release_pad (self, pad))
    return;
  g_mutex_lock (&self->engine->lock);
  branch = gst_identifai_gate_find_locked (self, pad);
  if (branch != NULL) {
    GST_DEBUG_OBJECT (self, "%s goes, stream %u", GST_PAD_NAME (pad),
        branch->stream);
    branch->removed = TRUE;
  }
  g_mutex_unlock (&self->engine->lock);
  if (branch == NULL)
    return;

  /* both threads let go of it first */
  src = gst_object_ref (branch->src);
  gst_pad_set_active (src, FALSE);
  gst_pad_set_element_private (src, NULL);
  gst_pad_set_active (pad, FALSE);
  g_mutex_lock (&self->engine->lock);
  identifai_hold_queue_remove_stream (self->hold, branch->stream);
  g_ptr_array_remove (self->branches, branch);
  identifai_cond_broadcast (&self->engine->cond);
  g_mutex_unlock (&self->engine->lock);
  gst_element_remove_pad (element, src);
  gst_object_unref (src);
  gst_identifai_audio_pad_release (GST_IDENTIFAI_AUDIO_PAD (pad));
}

/* States. */

static gboolean
gst_identifai_gate_start (GstIdentifaiGate * self)
{
  GError *error = NULL;

  if (!gst_identifai_engine_start (self->engine, &error)) {
    gst_identifai_engine_queue (self->engine,
        gst_identifai_error_start (GST_ELEMENT (self), error));
    gst_identifai_reporter_post (self->engine->reporter);
    g_error_free (error);
    return FALSE;
  }

  g_mutex_lock (&self->engine->lock);
  identifai_hold_queue_set_name (self->hold, GST_OBJECT_NAME (self));
  identifai_decisions_reset (self->decisions);
  identifai_hold_queue_reset (self->hold);
  g_hash_table_remove_all (self->verdicts);
  self->told = self->passing = self->showing = FALSE;
  self->late = 0;
  self->ask_again = G_MAXINT64;
  identifai_alarm_init (&self->late_alarm, 3);
  identifai_alarm_init (&self->overflow_alarm, 3);
  gst_identifai_gate_in_reset_locked (self);
  gst_identifai_gate_configure_decisions_locked (self);
  gst_identifai_gate_configure_locked (self);
  gst_identifai_silence_start_locked (self->silence);
  gst_identifai_engine_claim_locked (self->engine);
  self->told_short = FALSE;
  gst_identifai_gate_tell_short_locked (self);
  g_mutex_unlock (&self->engine->lock);
  gst_identifai_gate_slate_start (self);
  gst_identifai_reporter_post (self->engine->reporter);

  return TRUE;
}

/* Pads are inactive: no streaming thread is left. */
static void
gst_identifai_gate_stop (GstIdentifaiGate * self)
{
  guint i;

  g_mutex_lock (&self->engine->lock);
  gst_identifai_silence_stop_locked (self->silence);
  self->last_coverage = gst_identifai_gate_get_coverage_locked (self);
  for (i = 0; i < self->branches->len; i++) {
    GstIdentifaiBranch *branch = g_ptr_array_index (self->branches, i);

    identifai_hold_queue_flush (self->hold, branch->stream, NULL);
  }
  g_mutex_unlock (&self->engine->lock);

  gst_identifai_gate_in_stop_drain (self);
  gst_identifai_gate_slate_stop (self);
  gst_identifai_engine_stop (self->engine);
}

static GstStateChangeReturn
gst_identifai_gate_change_state (GstElement * element,
    GstStateChange transition)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && !gst_identifai_gate_start (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    gst_identifai_gate_slate_play (self);
  if (transition == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    gst_identifai_gate_slate_pause (self);
  gst_identifai_gate_tell_hold (self);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    gst_identifai_engine_begin_stop (self->engine);

  ret = GST_ELEMENT_CLASS (gst_identifai_gate_parent_class)->change_state
      (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    gst_identifai_gate_stop (self);

  return ret;
}

static void
gst_identifai_gate_finalize (GObject * object)
{
  GstIdentifaiGate *self = GST_IDENTIFAI_GATE (object);

  gst_identifai_silence_free (self->silence);
  gst_identifai_engine_free (self->engine);
  identifai_hold_queue_free (self->hold);
  identifai_decisions_free (self->decisions);
  g_ptr_array_unref (self->branches);
  g_hash_table_unref (self->verdicts);
  gst_identifai_gate_slate_free (self);
  g_free (self->stream_id);

  G_OBJECT_CLASS (gst_identifai_gate_parent_class)->finalize (object);
}

static void
add_video (GstIdentifaiGate * self, GstPad * sink)
{
  GstPad *src = gst_pad_new_from_static_template (&src_template, "src");

  add_branch_locked (self, new_branch (self, sink, src));
  gst_pad_set_element_private (sink, g_ptr_array_index (self->branches, 0));
  gst_identifai_gate_in_init (self, sink);
  gst_element_add_pad (GST_ELEMENT (self), sink);
  gst_element_add_pad (GST_ELEMENT (self), src);
}

static void
gst_identifai_gate_init (GstIdentifaiGate * self)
{
  static const GstIdentifaiOutboxCallbacks callbacks = {
    .outcome = on_outcome,
    .has_policy = TRUE,
  };
  GstPad *sink = gst_pad_new_from_static_template (&sink_template, "sink");

  self->branches = g_ptr_array_new_with_free_func (branch_release);
  gst_identifai_gate_slate_init (self);
  self->verdicts = g_hash_table_new_full (NULL, NULL, NULL,
      (GDestroyNotify) gst_structure_free);
  self->decisions = identifai_decisions_new (NULL);
  self->hold = identifai_hold_queue_new (self->decisions, NULL);
  self->engine = gst_identifai_engine_new (GST_ELEMENT (self),
      GST_IDENTIFAI_ELEMENT_GATE, sink, &callbacks);
  identifai_segmenter_set_place_funcs (self->engine->segmenter, on_place,
      on_settle);
  self->silence = gst_identifai_silence_new (self->engine);
  add_video (self, sink);
}

static void
install_signals (GstIdentifaiGateClass * klass)
{
  /**
   * GstIdentifaiGate::split-now:
   * @gate: the gate
   *
   * As #GstIdentifaiSink::split-now.
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("split-now", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_identifai_gate_split_now), NULL, NULL, NULL,
      G_TYPE_NONE, 0);
  /**
   * GstIdentifaiGate::dump:
   * @gate: the gate
   * @back: nanoseconds, the operator's time of reaction
   *
   * The operator's cut at the incoming end: what came in the last @back
   * nanoseconds, and what comes until #GstIdentifaiGate::release, is withheld,
   * whatever its verdict, when its turn to leave comes. What has left stays so.
   * May be emitted from any thread.
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("dump", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_identifai_gate_dump), NULL, NULL, NULL,
      G_TYPE_NONE, 1, G_TYPE_UINT64);
  /**
   * GstIdentifaiGate::release:
   * @gate: the gate
   *
   * What comes from now on isn't dumped any more. May be emitted from any thread.
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("release", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_identifai_gate_release), NULL, NULL, NULL,
      G_TYPE_NONE, 0);
}

static void
gst_identifai_gate_class_init (GstIdentifaiGateClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_identifai_gate_set_property;
  object_class->get_property = gst_identifai_gate_get_property;
  object_class->finalize = gst_identifai_gate_finalize;
  gst_identifai_properties_install (object_class, GST_IDENTIFAI_ELEMENT_GATE);
  install_signals (klass);
  gst_identifai_signals_install (G_TYPE_FROM_CLASS (klass));

  element_class->change_state = gst_identifai_gate_change_state;
  element_class->request_new_pad = gst_identifai_gate_request_new_pad;
  element_class->release_pad = gst_identifai_gate_release_pad;
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_add_static_pad_template (element_class,
      &audio_src_template);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &slate_template);
  gst_element_class_add_static_pad_template (element_class,
      &slate_audio_template);
  gst_element_class_set_static_metadata (element_class, "identifAI gate",
      "Filter/Network/Video",
      "Holds video back until identifAI's classification service has judged it",
      "identifAI <https://www.identifai.net/>");
  gst_element_class_add_static_metadata (element_class,
      GST_ELEMENT_METADATA_DOC_URI, GST_IDENTIFAI_PAGES "identifaigate.md");

  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_GATE_ACTION, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_GATE_OVERFLOW, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_GATE_UNSAMPLED, 0);
  gst_type_mark_as_plugin_api (GST_TYPE_IDENTIFAI_GATE_FORCE, 0);
}
