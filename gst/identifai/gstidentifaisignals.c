/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisignals.h"

#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#define ENGINE "identifai-engine"

void
gst_identifai_signals_attach (GstElement * element, GstIdentifaiEngine * engine)
{
  g_object_set_data (G_OBJECT (element), ENGINE, engine);
}

static GstIdentifaiEngine *
get_engine (GstElement * element)
{
  return g_object_get_data (G_OBJECT (element), ENGINE);
}

static gboolean
on_look (GstElement * element, const gchar * identifier)
{
  return gst_identifai_outbox_look (get_engine (element)->outbox, identifier);
}

static gboolean
on_resume (GstElement * element, const GstStructure * entry)
{
  GstIdentifaiEngine *engine = get_engine (element);
  gboolean taken;

  g_mutex_lock (&engine->lock);
  taken = gst_identifai_outbox_resume (engine->outbox, entry,
      &engine->settings);
  g_mutex_unlock (&engine->lock);

  return taken;
}

static void
warn_if_stopped (GstElement * element, gboolean taken)
{
  if (!taken)
    g_warning ("%s: an override is for PAUSED and PLAYING: nothing is changed",
        GST_OBJECT_NAME (element));
}

static void
on_override (GstElement * element, guint segment, const gchar * classification)
{
  GstIdentifaiEngine *engine = get_engine (element);
  gboolean exists, taken;

  g_mutex_lock (&engine->lock);
  exists = segment < engine->next_number;
  taken = gst_identifai_outbox_send_override (engine->outbox, segment, exists,
      classification);
  if (taken && exists)
    gst_identifai_outbox_override (engine->outbox, segment, classification);
  g_mutex_unlock (&engine->lock);
  gst_identifai_reporter_post (engine->reporter);
  warn_if_stopped (element, taken);
}

static void
on_override_identifier (GstElement * element, const gchar * identifier,
    const gchar * classification)
{
  GstIdentifaiEngine *engine = get_engine (element);
  guint segment;
  gboolean taken;

  g_mutex_lock (&engine->lock);
  taken = gst_identifai_outbox_send_override_of (engine->outbox, identifier,
      classification);
  if (taken && gst_identifai_outbox_find (engine->outbox, identifier, &segment))
    gst_identifai_outbox_override (engine->outbox, segment, classification);
  g_mutex_unlock (&engine->lock);
  gst_identifai_reporter_post (engine->reporter);
  warn_if_stopped (element, taken);
}

#define FLAGS (G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION)

static void
install_results (GType type)
{
  /**
   * GstIdentifaiSink::look:
   * @sink: the element
   * @identifier: the service's, of `identifai-submitted`
   *
   * Asks for that result as soon as the key's limits let it: for who gets to hear
   * that it is there, by the service's webhook say.
   *
   * Returns: %FALSE if no segment waits for it
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("look", type, FLAGS, G_CALLBACK (on_look), NULL,
      NULL, NULL, G_TYPE_BOOLEAN, 1, G_TYPE_STRING);
  /**
   * GstIdentifaiSink::resume:
   * @sink: the element, in PAUSED or PLAYING
   * @entry: a #GstStructure, an entry of #GstIdentifaiSink:pending of an earlier run
   *
   * Waits for that result, too: it becomes an `identifai-verdict` or
   * `identifai-failed` (or `identifai-dropped`, if the element stops before) with
   * `resumed`, and the session and number of its own run. It is counted in
   * `resumed` of the statistics, by no policy and in no gate; the end of the
   * stream waits for it.
   *
   * Returns: %FALSE if it has no identifier, is waited for already, or the element
   *     doesn't run
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("resume", type, FLAGS, G_CALLBACK (on_resume),
      NULL, NULL, NULL, G_TYPE_BOOLEAN, 1, GST_TYPE_STRUCTURE);
}

static void
install_overrides (GType type)
{
  /**
   * GstIdentifaiSink::override:
   * @sink: the element
   * @segment: the number of a segment of this run
   * @classification: `human`, `artificial` or `unknown`
   *
   * Somebody knows better, before the verdict or after it: this counts instead of
   * what the service says, by the policy and by what the gate does with the
   * segment, as far as that has not left (else an INFO message tells so). The
   * service is told, which applies it to every submission of that file, but for
   * `unknown`, which it has no word for. One `identifai-override` message says what
   * came of that, unless the element is not in PAUSED or PLAYING.
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("override", type, FLAGS,
      G_CALLBACK (on_override), NULL, NULL, NULL, G_TYPE_NONE, 2,
      G_TYPE_UINT, G_TYPE_STRING);
  /**
   * GstIdentifaiSink::override-identifier:
   * @sink: the element
   * @identifier: the service's, whoever submitted it
   * @classification: `human` or `artificial`
   *
   * The same by the identifier, also of earlier runs.
   *
   * Since: 0.2
   */
  g_signal_new_class_handler ("override-identifier", type, FLAGS,
      G_CALLBACK (on_override_identifier), NULL, NULL, NULL, G_TYPE_NONE, 2,
      G_TYPE_STRING, G_TYPE_STRING);
}

void
gst_identifai_signals_install (GType type)
{
  install_results (type);
  install_overrides (type);
}
