/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "fakeclient.h"

Fake fake;

static struct
{
  GMutex lock;
  GCond changed;
  gboolean held;                /* those that begin now go on when it is unset */
  guint begun;
} muxer;

void
fake_init (void)
{
  memset (&fake, 0, sizeof (fake));
  muxer.held = FALSE;
  muxer.begun = 0;
}

IdentifaiClient *
identifai_client_new (const IdentifaiClientSettings * client_settings,
    const IdentifaiClientCallbacks * callbacks, gpointer user_data,
    GError ** error)
{
  fake.n_clients++;
  fake.client.callbacks = callbacks;
  fake.client.user_data = user_data;

  return &fake.client;
}

IdentifaiClient *
identifai_client_ref (IdentifaiClient * client)
{
  return client;
}

void
identifai_client_unref (IdentifaiClient * client)
{
}

void
identifai_client_set_headers (IdentifaiClient * client,
    IdentifaiExtraHeaders * headers)
{
}

void
identifai_client_set_first (IdentifaiClient * client, gboolean first)
{
}

void
identifai_client_set_demand (IdentifaiClient * client, gdouble per_minute,
    IdentifaiDemand * all)
{
  *all = (IdentifaiDemand) {
  1, per_minute};
}

void
identifai_client_look (IdentifaiClient * client, const gchar * identifier)
{
}

void
identifai_client_call (IdentifaiClient * client,
    const IdentifaiServiceCall * call, IdentifaiServiceAnswerFunc func,
    gpointer data)
{
}

void
identifai_client_set_key (IdentifaiClient * client, const gchar * api_key)
{
  g_free (client->key);
  client->key = g_strdup (api_key);
  if (fake.during_set_key)
    fake.during_set_key ();
}

void
identifai_client_submit (IdentifaiClient * client, IdentifaiRequest * request,
    gpointer data, GDestroyNotify free_data)
{
  fail_unless (client->n_jobs < FAKE_MAX_JOBS);
  g_mutex_lock (&fake.lock);
  client->jobs[client->n_jobs++] = data;
  g_cond_broadcast (&fake.changed);
  g_mutex_unlock (&fake.lock);
}

/* None is made here: nothing is sent early. */

IdentifaiEarlyUpload *
identifai_early_upload_new (IdentifaiClient * client,
    IdentifaiRequest * request)
{
  g_assert_not_reached ();
}

gboolean
identifai_early_upload_is_over (IdentifaiEarlyUpload * upload)
{
  g_assert_not_reached ();
}

void
identifai_early_upload_cancel (IdentifaiEarlyUpload * upload)
{
}

void
identifai_early_upload_submit (IdentifaiEarlyUpload * upload,
    IdentifaiMemoryFile * file, gpointer data, GDestroyNotify free_data)
{
}

gpointer
fake_wait_for_job (guint job)
{
  gpointer data;

  g_mutex_lock (&fake.lock);
  while (fake.client.n_jobs <= job)
    g_cond_wait (&fake.changed, &fake.lock);
  data = fake.client.jobs[job];
  g_mutex_unlock (&fake.lock);

  return data;
}

gboolean
identifai_client_withdraw (IdentifaiClient * client, gpointer data,
    gboolean * maybe_taken)
{
  fail_unless (client == &fake.client);
  if (maybe_taken)
    *maybe_taken = fake.maybe_taken;

  return fake.withdraws;
}

gboolean
identifai_client_abandon (IdentifaiClient * client, gpointer data,
    gboolean * maybe_taken)
{
  return identifai_client_withdraw (client, data, maybe_taken);
}

void
identifai_client_get_stats (IdentifaiClient * client,
    IdentifaiClientStats * stats)
{
  memset (stats, 0, sizeof (IdentifaiClientStats));
}

void
identifai_client_cancel (IdentifaiClient * client)
{
  fail_unless (client == &fake.client);
  if (fake.during_cancel)
    fake.during_cancel ();
}

void
identifai_client_close (IdentifaiClient * client)
{
}

/* The muxer. */

static void
on_cancelled (GCancellable * cancellable, gpointer unused)
{
  g_mutex_lock (&muxer.lock);
  g_cond_broadcast (&muxer.changed);
  g_mutex_unlock (&muxer.lock);
}

void
fake_give_file (IdentifaiSegment * segment)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);

  segment->file = identifai_memory_file_new ();
  identifai_memory_file_write (segment->file, buffer);
  segment->bytes = 100;
  segment->content_type = g_strdup ("video/mp4");
  segment->extension = "mp4";
  gst_buffer_unref (buffer);
}

gboolean
identifai_muxer_run (const gchar * name, IdentifaiSegment * segment,
    guint64 max_bytes, GCancellable * cancellable, GError ** error)
{
  gulong id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled),
      NULL, NULL);
  gboolean cancelled;

  g_mutex_lock (&muxer.lock);
  muxer.begun++;
  g_cond_broadcast (&muxer.changed);
  while (muxer.held && !g_cancellable_is_cancelled (cancellable))
    g_cond_wait (&muxer.changed, &muxer.lock);
  g_mutex_unlock (&muxer.lock);
  cancelled = g_cancellable_set_error_if_cancelled (cancellable, error);
  g_cancellable_disconnect (cancellable, id);
  if (cancelled)
    return FALSE;

  g_clear_pointer (&segment->tracks, g_ptr_array_unref);
  fake_give_file (segment);

  return TRUE;
}

void
fake_muxer_hold (gboolean held)
{
  g_mutex_lock (&muxer.lock);
  muxer.held = held;
  g_cond_broadcast (&muxer.changed);
  g_mutex_unlock (&muxer.lock);
}

void
fake_muxer_wait (guint begun)
{
  g_mutex_lock (&muxer.lock);
  while (muxer.begun < begun)
    g_cond_wait (&muxer.changed, &muxer.lock);
  g_mutex_unlock (&muxer.lock);
}

void
fake_say_submitted (guint job)
{
  fake.client.callbacks->submitted (fake_wait_for_job (job), "id", GST_MSECOND,
      fake.client.user_data);
}

void
fake_say_judged (guint job, const gchar * classification)
{
  gchar *json = g_strdup_printf ("{\"identifier\": \"id\", \"status\": "
      "\"done\", \"verdict\": {\"classification\": \"%s\", "
      "\"confidence\": 0.9}, \"verdicts\": [], \"results\": {}}",
      classification);
  IdentifaiOutcome outcome = {.identifier = (gchar *) "id" };

  outcome.result =
      identifai_result_parse (NULL, json, strlen (json), NULL, NULL);
  fail_unless (outcome.result != NULL);
  fake.client.callbacks->finished (fake_wait_for_job (job), &outcome,
      fake.client.user_data);
  g_clear_pointer (&outcome.result, identifai_result_free);
  g_free (json);
}

void
fake_say_finished (guint job)
{
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_REJECTED,
    .http_status = 422,.message = (gchar *) "no"
  };

  fake.client.callbacks->finished (fake_wait_for_job (job), &outcome,
      fake.client.user_data);
}
