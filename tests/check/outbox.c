/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The outbox with a client and a muxer that this test plays: what happens at
 * moments that real ones can't be held at.
 */

#include "fakeclient.h"
#include "gstidentifaimessages.h"
#include "gstidentifaioutbox.h"

static GstElement *element;
static GstIdentifaiSettings settings;
static GstIdentifaiReporter *reporter;
static GstIdentifaiOutbox *outbox;
static guint next_number;

static IdentifaiSegment *
open_segment (void)
{
  IdentifaiSegment *segment = identifai_segment_new (next_number++);

  segment->last_buffer = g_get_monotonic_time ();
  gst_identifai_outbox_open (outbox, segment, &settings);

  return segment;
}

/* One that has its file, as container input. */
static IdentifaiSegment *
new_segment (void)
{
  IdentifaiSegment *segment = open_segment ();

  fake_give_file (segment);

  return segment;
}

/* One to be muxed. */
static IdentifaiSegment *
new_tracks (void)
{
  IdentifaiSegment *segment = open_segment ();
  GstCaps *caps = gst_caps_new_empty_simple ("video/x-vp8");
  IdentifaiTrack *track = identifai_segment_add_track (segment, caps);

  g_ptr_array_add (track->buffers, gst_buffer_new_allocate (NULL, 90, NULL));
  segment->bytes = 90;
  gst_caps_unref (caps);

  return segment;
}

static void
offer (gboolean taken)
{
  IdentifaiSegment *segment = new_segment ();
  guint jobs = fake.client.n_jobs;

  fail_unless_equals_int (gst_identifai_outbox_offer (outbox, segment), taken);
  if (taken)
    fake_wait_for_job (jobs);
  else
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
  gst_identifai_register_tags ();
  fake_init ();
  next_number = 0;
  element = gst_element_factory_make ("fakesink", NULL);
  gst_identifai_settings_init (&settings, GST_IDENTIFAI_ELEMENT_SINK);
  settings.api_key = g_strdup ("key-one");
  settings.overflow = GST_IDENTIFAI_OVERFLOW_BLOCK;
  settings.max_pending_segments = 1;
  reporter = gst_identifai_reporter_new (element);
  outbox = gst_identifai_outbox_new (element, reporter, &callbacks, NULL);
  fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
      && gst_identifai_outbox_start (outbox, NULL));
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

static gboolean
expire_drain (void)
{
  fail_if (gst_identifai_outbox_wait_drained (outbox, g_get_monotonic_time ()));
  gst_identifai_outbox_expire (outbox);

  return gst_identifai_outbox_wait_drained (outbox, -1);
}

/* A callback that was under way makes room, and another thread offers. */
static void
submit_and_offer (void)
{
  fake_say_submitted (0);
  offer (FALSE);
}

GST_START_TEST (test_offer_while_all_fails)
{
  offer (TRUE);
  offer (FALSE);
  fake.during_cancel = submit_and_offer;
  fail_unless (expire_drain ());
  fail_unless_equals_uint64 (get_stat ("segments"), 1);
  fail_unless_equals_uint64 (get_stat ("submitted"), 1);
  fail_unless_equals_uint64 (get_stat ("failed"), 1);
  fail_unless_equals_int (fake.client.n_jobs, 1);

  /* More may come after a seek, on the same client. */
  fake.during_cancel = NULL;
  offer (TRUE);
  fail_unless_equals_int (fake.client.n_jobs, 2);
  fake_say_finished (1);
  fail_unless (gst_identifai_outbox_wait_drained (outbox, -1));
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
  fail_unless (expire_drain ());
  offer (TRUE);
  fail_unless_equals_string (fake.client.key, "key-two");
  fail_unless_equals_int (fake.n_clients, 1);
}

GST_END_TEST;

/* Both end all that there is. */

static gpointer
expire (gpointer unused)
{
  gst_identifai_outbox_expire (outbox);

  return NULL;
}

GST_START_TEST (test_stop_while_all_fails)
{
  GThread *thread;
  guint i;

  for (i = 0; i < 300; i++) {
    fake.client.n_jobs = 0;
    offer (TRUE);
    fake_wait_for_job (0);
    thread = g_thread_new ("expire", expire, NULL);
    gst_identifai_outbox_stop (outbox);
    g_thread_join (thread);
    fail_unless_equals_uint64 (get_stat ("segments"), 1);
    fail_unless_equals_uint64 (get_stat ("failed") + get_stat ("dropped"), 1);
    fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
        && gst_identifai_outbox_start (outbox, NULL));
  }
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
  fail_unless (gst_identifai_outbox_wait_within_bounds (outbox, 0));
  gst_identifai_outbox_push (outbox, new_segment ());
  fail_if (gst_identifai_outbox_wait_within_bounds (outbox, 0));
  offer (FALSE);
  fake_say_submitted (0);
  fail_unless (gst_identifai_outbox_wait_within_bounds (outbox, -1));
  offer (FALSE);
  fake_say_submitted (1);
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
  fake_say_submitted (0);
  handler_wait (&handler, &handler.entered);
  fake_say_finished (0);
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
    fake_say_submitted (0);
    if (i % 2)
      fake_say_finished (0);
    gst_identifai_outbox_stop (outbox);
    fail_unless_equals_int (count_messages (bus, i % 2 ? "identifai-failed" :
            "identifai-dropped"), 1);
    fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
        && gst_identifai_outbox_start (outbox, NULL));
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
  fake_say_submitted (0);
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

/* Announcements come in the order of numbers, whatever becomes of a segment while
 * the one in front of it is muxed. */

/* Waits for as many element messages, "segment 0, dropped 0" say, and finds no
 * more. */
static void
check_messages (GstBus * bus, const gchar * expected)
{
  gchar **names = g_strsplit (expected, ", ", -1);
  GString *list = g_string_new (NULL);
  guint n = g_strv_length (names), number, i;
  GstMessage *message;

  gst_identifai_reporter_post (reporter);
  for (i = 0; i < n; i++) {
    const GstStructure *structure;

    message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
        GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL, "%s, and no more", list->str);
    structure = gst_message_get_structure (message);
    fail_unless (gst_structure_get_uint (structure, "segment", &number));
    g_string_append_printf (list, "%s%s %u", i > 0 ? ", " : "",
        gst_structure_get_name (structure) + strlen ("identifai-"), number);
    gst_message_unref (message);
  }
  fail_unless_equals_string (list->str, expected);
  fail_unless (gst_identifai_reporter_post_all (reporter));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
  fail_unless (message == NULL);
  g_string_free (list, TRUE);
  g_strfreev (names);
}

static void
flush_second (IdentifaiSegment * segment)
{
  gst_identifai_outbox_drop (outbox, segment, GST_IDENTIFAI_DROP_FLUSHED);
}

static void
stop_second (IdentifaiSegment * segment)
{
  gst_identifai_outbox_drop (outbox, segment, GST_IDENTIFAI_DROP_STOPPED);
}

static void
offer_second (IdentifaiSegment * segment)
{
  fail_unless (gst_identifai_outbox_offer (outbox, segment));
}

static void
push_second (IdentifaiSegment * segment)
{
  gst_identifai_outbox_push (outbox, segment);
}

static void
fail_second (IdentifaiSegment * segment)
{
  identifai_segment_fail (segment, IDENTIFAI_REASON_TOO_LARGE, "too large");
  offer_second (segment);
}

/* The one behind it is dropped as another one comes. */
static void
overflow_second (IdentifaiSegment * segment)
{
  IdentifaiSegment *third;

  offer_second (segment);
  third = new_tracks ();
  offer_second (third);
  fail_unless_equals_uint64 (get_stat ("dropped"), 1);
}

typedef struct
{
  void (*end_second) (IdentifaiSegment * segment);
  GstIdentifaiOverflow overflow;
  guint max_segments, max_uploads;
  const gchar *second;          /* what is said of it */
  const gchar *third;           /* if there is one */
} OrderRow;

static const OrderRow order_rows[] = {
  {flush_second, GST_IDENTIFAI_OVERFLOW_BLOCK, 9, 0, "dropped 1", ""},
  {stop_second, GST_IDENTIFAI_OVERFLOW_BLOCK, 9, 0, "dropped 1", ""},
  {fail_second, GST_IDENTIFAI_OVERFLOW_BLOCK, 9, 0, "failed 1", ""},
  {offer_second, GST_IDENTIFAI_OVERFLOW_BLOCK, 9, 1, "dropped 1", ""},
  {push_second, GST_IDENTIFAI_OVERFLOW_BLOCK, 9, 1, "dropped 1", ""},
  {offer_second, GST_IDENTIFAI_OVERFLOW_DROP_NEWEST, 1, 0, "dropped 1", ""},
  {overflow_second, GST_IDENTIFAI_OVERFLOW_DROP_OLDEST, 2, 0, "dropped 1",
      ", segment 2"},
};

static void
restart (const OrderRow * row)
{
  gst_identifai_outbox_stop (outbox);
  settings.overflow = row->overflow;
  settings.max_pending_segments = row->max_segments;
  settings.max_uploads_per_hour = row->max_uploads;
  fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
      && gst_identifai_outbox_start (outbox, NULL));
}

/* stops: the first one is let go of as it is muxed. */
static void
check_order (const OrderRow * row, gboolean stops)
{
  GstBus *bus = gst_bus_new ();
  IdentifaiSegment *first, *second;
  gchar *expected = g_strdup_printf ("segment 0, segment 1, %s%s%s%s",
      row->second, stops ? ", dropped 0" : "", row->third,
      stops && *row->third ? ", dropped 2" : "");

  gst_element_set_bus (element, bus);
  restart (row);
  fake_muxer_hold (TRUE);
  first = new_tracks ();
  second = new_tracks ();
  fail_unless (gst_identifai_outbox_offer (outbox, first));
  fake_muxer_wait (1);
  row->end_second (second);
  check_messages (bus, "");

  if (stops)
    gst_identifai_outbox_stop (outbox);
  else
    fake_muxer_hold (FALSE);
  check_messages (bus, expected);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  g_free (expected);
}

GST_START_TEST (test_order_muxed)
{
  check_order (&order_rows[__i__], FALSE);
}

GST_END_TEST;

GST_START_TEST (test_order_stopped)
{
  check_order (&order_rows[__i__], TRUE);
}

GST_END_TEST;

/* One that came to nothing keeps nobody waiting, nor does one that comes late. */
GST_START_TEST (test_order_of_opening)
{
  GstBus *bus = gst_bus_new ();
  IdentifaiSegment *nothing = open_segment (), *late = open_segment ();
  guint i;

  gst_element_set_bus (element, bus);
  for (i = 0; i < 2; i++)
    gst_identifai_outbox_drop (outbox, open_segment (),
        GST_IDENTIFAI_DROP_FLUSHED);
  check_messages (bus, "");
  identifai_segment_free (nothing);
  check_messages (bus, "");
  gst_identifai_outbox_drop (outbox, late, GST_IDENTIFAI_DROP_FLUSHED);
  check_messages (bus, "segment 1, segment 2, dropped 2, segment 3, dropped 3, "
      "dropped 1");
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
}

GST_END_TEST;

/* What was sent whole, and heard nothing, counts in max-uploads-per-hour; what
 * never was doesn't. */
GST_START_TEST (test_budget_of_withdrawn)
{
  guint i;

  fake.withdraws = TRUE;
  fake.maybe_taken = __i__;
  settings.max_uploads_per_hour = 1;
  for (i = 0; i < 2; i++) {
    IdentifaiSegment *segment = new_tracks ();

    gst_identifai_outbox_stop (outbox);
    fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
        && gst_identifai_outbox_start (outbox, NULL));
    g_clear_pointer (&segment->tracks, g_ptr_array_unref);
    fake_give_file (segment);
    offer_second (segment);
    if (i == 0 || !__i__)
      fake_wait_for_job (i);
    fail_unless_equals_int (fake.client.n_jobs, i == 0 || !__i__ ? i + 1 : 1);
  }
}

GST_END_TEST;

/* By when a verdict has to be there; in s. */
typedef struct
{
  const gchar *name;
  guint hold;
  guint took[3];                /* judging of those before; 0: there was none */
  gint age, waits;              /* since the first frame: at the submit, and then */
  gboolean contended, starts;
} InTimeRow;

static const InTimeRow in_time_rows[] = {
  {"any verdict is of use", 0, {2}, 4, 100, TRUE, TRUE},
  {"nothing is known", 10, {0}, 4, 5, TRUE, TRUE},
  {"it has left", 10, {0}, 4, 7, FALSE, FALSE},
  {"in time", 10, {2}, 4, 2, TRUE, TRUE},
  {"perhaps too late", 10, {2}, 4, 4, TRUE, FALSE},
  {"and nobody else waits", 10, {1, 3}, 4, 4, FALSE, TRUE},
  {"too late for sure", 10, {3, 3}, 4, 4, FALSE, FALSE},
  {"a straggler doesn't count", 10, {1, 9, 1}, 4, 3, TRUE, TRUE},
  {"two do", 10, {6, 1, 6}, 0, 3, TRUE, FALSE},
  {"late from the start", 10, {7}, 4, 1, TRUE, TRUE},
  {"its first frame isn't known", 10, {0}, -1, 5, TRUE, TRUE},
};

static IdentifaiSegment *
submit (gint64 first_frame)
{
  IdentifaiSegment *segment = new_segment ();
  guint job = fake.client.n_jobs;

  segment->first_frame = first_frame;
  fail_unless (gst_identifai_outbox_offer (outbox, segment));

  return fake_wait_for_job (job);
}

GST_START_TEST (test_in_time)
{
  const InTimeRow *row = &in_time_rows[__i__];
  gint64 now = g_get_monotonic_time ();
  IdentifaiSegment *segment;
  guint i;

  gst_identifai_outbox_set_hold (outbox, row->hold * GST_SECOND);
  for (i = 0; i < G_N_ELEMENTS (row->took) && row->took[i] > 0; i++) {
    segment = submit (now);
    fake_say_submitted (i);
    segment->posted = now - row->took[i] * G_TIME_SPAN_SECOND;
    fake_say_judged (i, "human");
  }
  segment = submit (row->age < 0 ? 0 : now - row->age * G_TIME_SPAN_SECOND);
  if (row->age >= 0)
    segment->first_frame -= row->waits * G_TIME_SPAN_SECOND;
  fail_unless (fake.client.callbacks->starting (segment,
          row->contended, FALSE, fake.client.user_data) == row->starts, "%s",
      row->name);
  fail_unless_equals_uint64 (get_stat ("dropped"), !row->starts);
  fail_unless_equals_uint64 (get_stat ("pending"), row->starts);
}

GST_END_TEST;

/* What the element hears of. */

typedef struct
{
  GMutex lock;
  GCond changed;
  GString *said;
  guint count;                  /* of outcomes and policies */
  guint inside;                 /* atomic: callbacks that are under way */
  GThread *caller;              /* of the outbox's functions */
} Heard;

static Heard heard;

static void
hear (const gchar * text)
{
  fail_unless (g_thread_self () != heard.caller);
  fail_unless (g_atomic_int_add (&heard.inside, 1) == 0);
  /* no lock is held */
  fail_unless (get_stat ("segments") <= next_number);
  g_mutex_lock (&heard.lock);
  g_string_append_printf (heard.said, "%s%s", heard.said->len > 0 ? ", " : "",
      text);
  heard.count++;
  gst_identifai_reporter_queue (reporter,
      gst_message_new_element (GST_OBJECT (element),
          gst_structure_new ("identifai-heard", "segment", G_TYPE_UINT,
              heard.count, NULL)));
  g_cond_broadcast (&heard.changed);
  g_mutex_unlock (&heard.lock);
  g_atomic_int_add (&heard.inside, -1);
}

static void
on_outcome (const GstIdentifaiOutcome * outcome, gpointer user_data)
{
  static const gchar *const ends[] = { "verdict", "failed", "dropped" };
  gchar *text;

  fail_unless (user_data == &heard);
  fail_unless ((outcome->result != NULL) ==
      (outcome->end == IDENTIFAI_END_VERDICT && !outcome->overridden));
  text = g_strdup_printf ("%u %s %s%s", outcome->segment, ends[outcome->end],
      outcome->end == IDENTIFAI_END_VERDICT ? outcome->classification :
      outcome->reason, outcome->overridden ? " overridden" : "");
  hear (text);
  g_free (text);
}

static void
on_policy (const IdentifaiPolicyChange * change, gboolean enforced,
    gpointer user_data)
{
  gchar *text = g_strdup_printf ("%s by %u",
      identifai_policy_state_to_string (change->state), change->cause.segment);

  fail_unless (user_data == &heard && enforced);
  hear (text);
  g_free (text);
}

static const GstIdentifaiOutboxCallbacks hearing = {
  .outcome = on_outcome,
  .policy = on_policy,
};

static void
check_heard (guint count, const gchar * expected)
{
  g_mutex_lock (&heard.lock);
  while (heard.count < count)
    g_cond_wait (&heard.changed, &heard.lock);
  fail_unless_equals_string (heard.said->str, expected);
  g_string_truncate (heard.said, 0);
  heard.count = 0;
  g_mutex_unlock (&heard.lock);
}

/* The client's thread. */

static gpointer
judge_first_artificial (gpointer unused)
{
  fake_say_judged (0, "artificial");
  return NULL;
}

static gpointer
judge_second_human (gpointer unused)
{
  fake_say_judged (1, "human");
  return NULL;
}

static gpointer
fail_third (gpointer unused)
{
  fake_say_finished (2);
  return NULL;
}

static void
on_network_thread (GThreadFunc func)
{
  g_thread_join (g_thread_new ("network", func, NULL));
}

static void
setup_hearing (void)
{
  setup ();
  gst_identifai_outbox_stop (outbox);
  gst_identifai_outbox_free (outbox);
  outbox = gst_identifai_outbox_new (element, reporter, &hearing, &heard);
  settings.max_pending_segments = 9;
  settings.policy = gst_structure_new ("policy", "enter", G_TYPE_UINT, 1,
      "window", G_TYPE_UINT, 1, "leave", G_TYPE_UINT, 1, "min-time",
      G_TYPE_UINT64, (guint64) 0, NULL);
  fail_unless (gst_identifai_outbox_configure (outbox, &settings, NULL)
      && gst_identifai_outbox_start (outbox, NULL));
  memset (&heard, 0, sizeof (heard));
  heard.said = g_string_new (NULL);
  heard.caller = g_thread_self ();
}

static void
teardown_hearing (void)
{
  heard.caller = NULL;
  teardown ();
  g_string_free (heard.said, TRUE);
}

GST_START_TEST (test_outcomes)
{
  GstBus *bus = gst_bus_new ();
  guint i;

  gst_element_set_bus (element, bus);
  for (i = 0; i < 3; i++)
    offer (TRUE);
  gst_identifai_outbox_drop (outbox, open_segment (),
      GST_IDENTIFAI_DROP_FLUSHED);
  check_heard (1, "3 dropped flushed");
  on_network_thread (judge_second_human);
  check_heard (1, "1 verdict human");
  on_network_thread (judge_first_artificial);
  /* the second one counts now, in its turn */
  check_heard (3, "0 verdict artificial, blocked by 0, clear by 1");
  on_network_thread (fail_third);
  check_heard (1, "2 failed rejected");

  check_messages (bus, "segment 0, segment 1, segment 2, segment 3, dropped 3, "
      "heard 1, verdict 1, heard 1, verdict 0, policy 0, policy 1, heard 1, "
      "heard 2, heard 3, failed 2, heard 1");
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
}

GST_END_TEST;

GST_START_TEST (test_outcomes_at_stop)
{
  offer (TRUE);
  offer (TRUE);
  heard.caller = NULL;
  gst_identifai_outbox_stop (outbox);
  check_heard (2, "0 dropped stopped, 1 dropped stopped");
}

GST_END_TEST;

/* Before the service's outcome, after it, and one that is none. */
GST_START_TEST (test_override)
{
  offer (TRUE);
  offer (TRUE);
  fail_if (gst_identifai_outbox_override (outbox, 0, "canine"));
  fail_if (gst_identifai_outbox_override (outbox, 0, NULL));
  fail_unless (gst_identifai_outbox_override (outbox, 0, "human"));
  check_heard (1, "0 verdict human overridden");
  on_network_thread (judge_first_artificial);
  fail_unless_equals_uint64 (get_stat ("verdicts"), 1);
  on_network_thread (judge_second_human);
  /* neither the first one's own, nor its effect on the policy */
  check_heard (1, "1 verdict human");
  fail_unless (gst_identifai_outbox_override (outbox, 1, "artificial"));
  check_heard (1, "1 verdict artificial overridden");
  /* who is stopped hears nothing */
  gst_identifai_outbox_stop (outbox);
  fail_if (gst_identifai_outbox_override (outbox, 1, "human"));
  check_heard (0, "");
}

GST_END_TEST;

static Suite *
outbox_suite (void)
{
  Suite *suite = suite_create ("outbox");
  TCase *general = tcase_create ("general");
  TCase *outcomes = tcase_create ("outcomes");

  suite_add_tcase (suite, general);
  tcase_add_checked_fixture (general, setup, teardown);
  tcase_add_test (general, test_offer_while_all_fails);
  tcase_add_test (general, test_key_while_all_fails);
  tcase_add_test (general, test_stop_while_all_fails);
  tcase_add_test (general, test_set_key_takes_long);
  tcase_add_test (general, test_push_over_bounds);
  tcase_add_test (general, test_handler_takes_long);
  tcase_add_test (general, test_stop_posts_all);
  tcase_add_test (general, test_stop_in_handler);
  tcase_add_loop_test (general, test_order_muxed, 0, G_N_ELEMENTS (order_rows));
  tcase_add_loop_test (general, test_order_stopped, 0,
      G_N_ELEMENTS (order_rows));
  tcase_add_test (general, test_order_of_opening);
  tcase_add_loop_test (general, test_budget_of_withdrawn, 0, 2);
  tcase_add_loop_test (general, test_in_time, 0, G_N_ELEMENTS (in_time_rows));

  suite_add_tcase (suite, outcomes);
  tcase_add_checked_fixture (outcomes, setup_hearing, teardown_hearing);
  tcase_add_test (outcomes, test_outcomes);
  tcase_add_test (outcomes, test_outcomes_at_stop);
  tcase_add_test (outcomes, test_override);

  return suite;
}

GST_CHECK_MAIN (outbox);
