/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "scene.h"

void
scene_init (Scene * scene, const FaultStep * steps, guint n_steps,
    const gchar * description)
{
  gchar *url;

  scene->server = fault_server_new (steps, n_steps);
  url = fault_server_get_url (scene->server);
  scene->run = sink_run_new (url, description);
  scene->clip = clip_new_h264 (SCENE_FRAMES, SCENE_GOP);
  scene->feed = NULL;
  g_free (url);
}

void
scene_start (Scene * scene, const GstSegment * segment)
{
  fail_unless (sink_run_start (scene->run));
  if (scene->feed != NULL)
    feed_free (scene->feed);
  scene->feed = feed_new (scene->run, "sink", scene->clip->caps, segment,
      FALSE);
}

void
scene_open (Scene * scene, const gchar * description,
    const GstSegment * segment)
{
  scene_init (scene, NULL, 0, description);
  scene_start (scene, segment);
}

void
scene_clear (Scene * scene)
{
  sink_run_stop (scene->run);
  if (scene->feed != NULL)
    feed_free (scene->feed);
  sink_run_free (scene->run);
  fault_server_free (scene->server);
  clip_free (scene->clip);
}

void
scene_push (Scene * scene, guint from, guint to)
{
  fail_unless_equals_int (feed_push (scene->feed, scene->clip, from, to, 0),
      GST_FLOW_OK);
}

void
scene_finish (Scene * scene)
{
  if (scene->feed != NULL)
    fail_unless (feed_event (scene->feed, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene->run));
}

guint64
scene_get_time (Scene * scene, guint nth, const gchar * field)
{
  guint64 value = 0;

  fail_unless (gst_structure_get_uint64 (sink_run_get_structure (scene->run,
              "identifai-segment", nth), field, &value), "no %s", field);

  return value;
}

const gchar *
scene_get_reason (Scene * scene, const gchar * name, guint nth)
{
  return gst_structure_get_string (sink_run_get_structure (scene->run, name,
          nth), "reason");
}

void
scene_check_frames (Scene * scene, const gchar * expected)
{
  guint n = sink_run_count (scene->run, "identifai-segment"), i, frames;
  GString *list = g_string_new (NULL);

  for (i = 0; i < n; i++) {
    fail_unless (gst_structure_get_uint (sink_run_get_structure (scene->run,
                "identifai-segment", i), "frames", &frames));
    g_string_append_printf (list, "%s%u", i ? " " : "", frames);
  }
  fail_unless_equals_string (list->str, expected);
  g_string_free (list, TRUE);
}
