/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The outbox with a client that this test plays: what happens at moments that a
 * real one can't be held at. The functions of client.h that are about
 * clients are the ones below.
 */

#include <gst/check/gstcheck.h>
#include "client.h"
#include "gstidentifaioutbox.h"

#define MAX_JOBS 8

struct _IdentifaiClient
{
  const IdentifaiClientCallbacks *callbacks;
  gpointer user_data;
  gpointer jobs[MAX_JOBS];      /* the outbox's handles, in order */
  guint n_jobs;
  gchar *key;
};

static struct
{
  IdentifaiClient client;
  guint n_clients;              /* made so far */
  /* What goes on while these are under way. */
  void (*during_set_key) (void);
  void (*during_cancel) (void);
} fake;

static GstElement *element;
static GstIdentifaiSettings settings;
static GstIdentifaiReporter *reporter;
static GstIdentifaiOutbox *outbox;
static guint next_number;

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
  fail_unless (client->n_jobs < MAX_JOBS);
  client->jobs[client->n_jobs++] = data;
}

gboolean
identifai_client_withdraw (IdentifaiClient * client, gpointer data)
{
  return FALSE;
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
  if (fake.during_cancel)
    fake.during_cancel ();
}

void
identifai_client_close (IdentifaiClient * client)
{
}

/* What the client says of a job. */

static void
say_submitted (guint job)
{
  fake.client.callbacks->submitted (fake.client.jobs[job], "id", GST_MSECOND,
      fake.client.user_data);
}

static void
say_finished (guint job)
{
  IdentifaiOutcome outcome = {.reason = IDENTIFAI_REASON_REJECTED,
    .http_status = 422,.message = (gchar *) "no"
  };

  fake.client.callbacks->finished (fake.client.jobs[job], &outcome,
      fake.client.user_data);
}

static IdentifaiSegment *
new_segment (void)
{
  IdentifaiSegment *segment = identifai_segment_new (next_number++);
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 100, NULL);

  segment->file = identifai_memory_file_new ();
  identifai_memory_file_write (segment->file, buffer);
  segment->bytes = 100;
  segment->content_type = g_strdup ("video/mp4");
  segment->extension = "mp4";
  gst_identifai_outbox_open (outbox, segment, &settings);
  gst_buffer_unref (buffer);

  return segment;
}

static void
offer (gboolean taken)
{
  IdentifaiSegment *segment = new_segment ();

  fail_unless_equals_int (gst_identifai_outbox_offer (outbox, segment), taken);
  if (!taken)
    identifai_segment_free (segment);
}

static guint64
get_stat (const gchar * name)
{
  GstStructure *stats = gst_structure_new_empty ("stats");
  guint64 value = G_MAXUINT64;

  gst_identifai_outbox_get_stats (outbox, stats);
  fail_unless (gst_structure_get_uint64 (stats, name, &value));
  gst_structure_free (stats);

  return value;
}

static guint
count_messages (GstBus * bus, const gchar * name)
{
  GstMessage *message;
  guint count = 0;

  while ((message = gst_bus_pop (bus))) {
    if (gst_message_has_name (message, name))
      count++;
    gst_message_unref (message);
  }

  return count;
}

static const GstIdentifaiOutboxCallbacks callbacks;

static void
setup (void)
{
  memset (&fake, 0, sizeof (fake));
  next_number = 0;
  element = gst_element_factory_make ("fakesink", NULL);
  gst_identifai_settings_init (&settings, GST_IDENTIFAI_ELEMENT_SINK);
  settings.api_key = g_strdup ("key-one");
  settings.overflow = GST_IDENTIFAI_OVERFLOW_BLOCK;
  settings.max_pending_segments = 1;
  reporter = gst_identifai_reporter_new (element);
  outbox = gst_identifai_outbox_new (element, reporter, &callbacks);
  fail_unless (gst_identifai_outbox_start (outbox, &settings, NULL));
}

static void
teardown (void)
{
  gst_identifai_outbox_stop (outbox);
  fail_unless_equals_uint64 (get_stat ("pending"), 0);
  gst_identifai_outbox_free (outbox);
  gst_identifai_reporter_unref (reporter);
  gst_identifai_settings_clear (&settings);
  ASSERT_OBJECT_REFCOUNT (element, "element", 1);
  gst_object_unref (element);
  g_free (fake.client.key);
}

/* drain-timeout is over. */

/* A callback that was under way makes room, and another thread offers. */
static void
submit_and_offer (void)
{
  say_submitted (0);
  offer (FALSE);
}

GST_START_TEST (test_offer_while_all_fails)
{
  offer (TRUE);
  offer (FALSE);
  fake.during_cancel = submit_and_offer;
  fail_unless (gst_identifai_outbox_drain (outbox, g_get_monotonic_time ()));
  fail_unless_equals_uint64 (get_stat ("segments"), 1);
  fail_unless_equals_uint64 (get_stat ("submitted"), 1);
  fail_unless_equals_uint64 (get_stat ("failed"), 1);
  fail_unless_equals_int (fake.client.n_jobs, 1);

  /* More may come after a seek, on the same client. */
  fake.during_cancel = NULL;
  offer (TRUE);
  fail_unless_equals_int (fake.client.n_jobs, 2);
  say_finished (1);
  fail_unless (gst_identifai_outbox_drain (outbox, -1));
  fail_unless_equals_uint64 (get_stat ("failed"), 2);
  fail_unless_equals_int (fake.n_clients, 1);
}

GST_END_TEST;

static void
change_key (void)
{
  gst_identifai_outbox_set_key (outbox, "key-two");
}

GST_START_TEST (test_key_while_all_fails)
{
  offer (TRUE);
  fake.during_cancel = change_key;
  fail_unless (gst_identifai_outbox_drain (outbox, g_get_monotonic_time ()));
  offer (TRUE);
  fail_unless_equals_string (fake.client.key, "key-two");
  fail_unless_equals_int (fake.n_clients, 1);
}

GST_END_TEST;

/* Nobody waits while the key file is read. */
static void
use_outbox (void)
{
  fail_unless_equals_uint64 (get_stat ("segments"), 0);
  offer (TRUE);
}

GST_START_TEST (test_set_key_takes_long)
{
  fake.during_set_key = use_outbox;
  gst_identifai_outbox_set_key (outbox, NULL);
  fail_unless_equals_uint64 (get_stat ("segments"), 1);
}

GST_END_TEST;

/* drain-timeout=0. */

GST_START_TEST (test_push_over_bounds)
{
  offer (TRUE);
  fail_unless (gst_identifai_outbox_is_within_bounds (outbox));
  gst_identifai_outbox_push (outbox, new_segment ());
  fail_if (gst_identifai_outbox_is_within_bounds (outbox));
  offer (FALSE);
  say_submitted (0);
  gst_identifai_outbox_await_bounds (outbox, -1);
  offer (FALSE);
  say_submitted (1);
  offer (TRUE);
  fail_unless_equals_uint64 (get_stat ("segments"), 3);
}

GST_END_TEST;

/* A message handler that takes long holds nobody up but its own bus. */

typedef struct
{
  GMutex lock;
  GCond changed;
  gboolean entered, released;
} Handler;

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Handler *handler = user_data;

  g_mutex_lock (&handler->lock);
  handler->entered = TRUE;
  g_cond_broadcast (&handler->changed);
  while (!handler->released)
    g_cond_wait (&handler->changed, &handler->lock);
  g_mutex_unlock (&handler->lock);

  return GST_BUS_PASS;
}

static void
handler_set (Handler * handler, gboolean * what)
{
  g_mutex_lock (&handler->lock);
  *what = TRUE;
  g_cond_broadcast (&handler->changed);
  g_mutex_unlock (&handler->lock);
}

static void
handler_wait (Handler * handler, gboolean * what)
{
  g_mutex_lock (&handler->lock);
  while (!*what)
    g_cond_wait (&handler->changed, &handler->lock);
  g_mutex_unlock (&handler->lock);
}

GST_START_TEST (test_handler_takes_long)
{
  GstBus *bus = gst_bus_new ();
  Handler handler = { 0, };

  g_mutex_init (&handler.lock);
  g_cond_init (&handler.changed);
  gst_bus_set_sync_handler (bus, on_message, &handler, NULL);
  gst_element_set_bus (element, bus);

  offer (TRUE);
  say_submitted (0);
  handler_wait (&handler, &handler.entered);
  say_finished (0);
  fail_unless_equals_uint64 (get_stat ("failed"), 1);
  offer (TRUE);

  handler_set (&handler, &handler.released);
  fail_unless (gst_identifai_reporter_post_all (reporter));
  fail_unless_equals_int (count_messages (bus, "identifai-failed"), 1);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  g_cond_clear (&handler.changed);
  g_mutex_clear (&handler.lock);
}

GST_END_TEST;

/* All is on the bus when stop returns, whoever was to post it; and what comes
 * late finds no element. */
GST_START_TEST (test_stop_posts_all)
{
  GstBus *bus = gst_bus_new ();
  guint i;

  gst_element_set_bus (element, bus);
  for (i = 0; i < 200; i++) {
    fake.client.n_jobs = 0;
    offer (TRUE);
    say_submitted (0);
    if (i % 2)
      say_finished (0);
    gst_identifai_outbox_stop (outbox);
    fail_unless_equals_int (count_messages (bus, i % 2 ? "identifai-failed" :
            "identifai-dropped"), 1);
    fail_unless (gst_identifai_outbox_start (outbox, &settings, NULL));
    ASSERT_OBJECT_REFCOUNT (element, "element", 1);
  }
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
}

GST_END_TEST;

/* A handler stops the element, which nobody should do and some do: the outcomes
 * come while it does, as there is no bus to post to afterwards. */

typedef struct
{
  Handler handler;
  guint depth, dropped, at_stop;
} Stopper;

static GstBusSyncReply
on_message_stop (GstBus * bus, GstMessage * message, gpointer user_data)
{
  Stopper *stopper = user_data;

  stopper->dropped += gst_message_has_name (message, "identifai-dropped");
  gst_message_unref (message);
  if (stopper->depth++ == 0) {
    handler_wait (&stopper->handler, &stopper->handler.released);
    gst_identifai_outbox_stop (outbox);
    stopper->at_stop = stopper->dropped;
    handler_set (&stopper->handler, &stopper->handler.entered);
  }

  return GST_BUS_DROP;
}

GST_START_TEST (test_stop_in_handler)
{
  GstBus *bus = gst_bus_new ();
  Stopper stopper = { {{0},}, };

  g_mutex_init (&stopper.handler.lock);
  g_cond_init (&stopper.handler.changed);
  gst_bus_set_sync_handler (bus, on_message_stop, &stopper, NULL);
  gst_element_set_bus (element, bus);

  offer (TRUE);
  say_submitted (0);
  offer (TRUE);
  handler_set (&stopper.handler, &stopper.handler.released);
  handler_wait (&stopper.handler, &stopper.handler.entered);
  fail_unless_equals_int (stopper.at_stop, 2);
  fail_unless (gst_identifai_reporter_post_all (reporter));
  fail_unless_equals_int (stopper.dropped, 2);

  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  g_cond_clear (&stopper.handler.changed);
  g_mutex_clear (&stopper.handler.lock);
}

GST_END_TEST;

static Suite *
outbox_suite (void)
{
  Suite *suite = suite_create ("outbox");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, teardown);
  tcase_add_test (general, test_offer_while_all_fails);
  tcase_add_test (general, test_key_while_all_fails);
  tcase_add_test (general, test_set_key_takes_long);
  tcase_add_test (general, test_push_over_bounds);
  tcase_add_test (general, test_handler_takes_long);
  tcase_add_test (general, test_stop_posts_all);
  tcase_add_test (general, test_stop_in_handler);

  return suite;
}

GST_CHECK_MAIN (outbox);
