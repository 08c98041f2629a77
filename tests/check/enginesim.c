/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The whole engine in one thread and simulated time, from a seed: outbox, reporter,
 * client, limiter, poller, and the gate's hold, of two streams that share a key. Hours
 * of segments through all that a service and a network do, with ends of streams, seeks,
 * restarts, other keys, and clocks that are set. What the tests above it take for
 * granted, this checks as it happens:
 *
 *   each segment is announced once, in order, and has one outcome, as a message and for
 *   the element; the stats add up whenever one came or ended; no more uploads an hour than may be; each buffer that
 *   is held leaves at its time, and passes only if its segment was judged human by then.
 *   That of the key's limits the simulation checks.
 *
 * IDENTIFAI_SEED=n runs that seed only, IDENTIFAI_SEEDS=n so many of them, of
 * IDENTIFAI_HOURS=n hours each; IDENTIFAI_PLANT=1 counts some outcome twice.
 */

#include <stdio.h>
#include <stdlib.h>
#include "gstidentifaimessages.h"
#include "gstidentifaioutbox.h"
#include "holdqueue.h"
#include "simulation.h"

#define SECOND G_TIME_SPAN_SECOND
#define HOUR G_TIME_SPAN_HOUR
#define N_STREAMS 2
#define FRAMES 2                /* of a segment */
#define FILE_BYTES 512          /* what the file refers to; it would gather fewer */
#define HOLD (120 * SECOND)
#define SEEDS 20
#define HOURS 3

typedef struct
{
  gboolean announced, submitted;
  guint ends;                   /* outcomes, as messages */
  guint outcomes;               /* and for the element */
  gchar how;                    /* h, a, u, x: the outcome; 0: none yet */
  gboolean passed;              /* its first frame */
  gint64 offered;               /* when */
} Segment;

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstIdentifaiSettings settings;
  GstIdentifaiReporter *reporter;
  GstIdentifaiOutbox *outbox;

  IdentifaiDecisions *decisions;
  IdentifaiHoldQueue *hold;
  IdentifaiTimer *leave;
  guint64 ids[FRAMES];          /* of the segment that is open */

  GArray *segments;             /* of Segment, since the start */
  GArray *accepted;             /* of gint64: of earlier starts */
  guint n_announced;            /* the next one's number */
  IdentifaiSegment *open;       /* NULL: a pause */
  guint frame;                  /* the next one of it */
  gboolean room;
  gint64 next;                  /* when it does something */
  GstStructure *stats;
  gboolean changed;             /* since they were checked */
} Stream;

static struct
{
  Simulation *simulation;
  GRand *random;
  Stream *streams[N_STREAMS];
  guint n_segments, n_judged, n_failed, n_dropped, n_starts;
  guint n_passed, n_withheld;
  guint n_steps;
  gboolean planted;             /* a fault of the test's own */
} world;

static const SimulationOdds odds = {
  .reset = 0.05,.lost = 0.02,.unavailable = 0.05,.throttled = 0.02,
  .rejected = 0.01,.silent = 0.005,.errored = 0.02,.known = 0.05,
  .artificial = 0.2
};

static const IdentifaiLimit limits[IDENTIFAI_N_CALLS] = { {1, 30}, {2, 60} };

static guint
any (guint count)
{
  return g_rand_int_range (world.random, 0, count);
}

static Segment *
find (Stream * self, guint number)
{
  simulation_law (number < self->segments->len, "%s: there is no segment %u",
      GST_OBJECT_NAME (self->element), number);

  return &g_array_index (self->segments, Segment, number);
}

static guint
get_number (const gchar * variable, guint usual)
{
  const gchar *text = g_getenv (variable);

  return text != NULL ? (guint) atoi (text) : usual;
}

/* The gate. */

/* A frame is judged by its segment as that is known when its first frame leaves;
 * later it may only become stricter. */
static gboolean
may_pass (Stream * self, const IdentifaiHeld * held, guint frame)
{
  Segment *segment;

  if (!held->in_segment)
    return FALSE;
  segment = find (self, held->segment);

  return frame == 0 ? segment->how == 'h' : segment->passed
      && segment->how != 'a';
}

static void
check_leaving (Stream * self, const IdentifaiHeld * held, guint frame)
{
  gint64 now = identifai_clock_now ();
  gboolean passes = may_pass (self, held, frame);

  simulation_law (now == held->arrival + HOLD, "frame %u of segment %u leaves "
      "after %d ms", frame, held->segment,
      (gint) ((now - held->arrival) / 1000));
  simulation_law (held->passes == passes, "frame %u of segment %u %s", frame,
      held->segment, held->passes ? "passes" : "is withheld");
  if (frame == 0 && held->in_segment)
    find (self, held->segment)->passed = passes;
  if (passes)
    world.n_passed++;
  else
    world.n_withheld++;
}

static void
set_leave (Stream * self)
{
  identifai_timer_set (self->leave, identifai_hold_queue_get_due (self->hold,
          0, identifai_clock_now ()));
}

static void
on_leave (gpointer user_data)
{
  Stream *self = user_data;
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (self->hold, 0, identifai_clock_now (),
          &held)) {
    check_leaving (self, &held, GST_BUFFER_OFFSET (held.object));
    gst_mini_object_unref (held.object);
  }
  set_leave (self);
}

static void
hold_frame (Stream * self)
{
  GstBuffer *buffer = gst_buffer_new ();
  gint64 now = identifai_clock_now ();
  IdentifaiPlacement placement = {.kind = IDENTIFAI_PLACEMENT_OPEN,
    .has_picture = TRUE,.is_point = self->frame == 0
  };

  GST_BUFFER_OFFSET (buffer) = self->frame;
  placement.id = identifai_hold_queue_push_buffer (self->hold, 0, buffer,
      now * 1000, now * 1000, GST_SECOND, now);
  identifai_hold_queue_place (self->hold, &placement);
  self->ids[self->frame++] = placement.id;
  set_leave (self);
}

static void
place_frames (Stream * self, guint number)
{
  IdentifaiSettlement settlement = {.kind = IDENTIFAI_PLACEMENT_SEGMENT,
    .segment = number
  };

  if (self->frame > 0) {
    settlement.from = self->ids[0];
    settlement.to = self->ids[self->frame - 1];
    identifai_hold_queue_settle (self->hold, &settlement);
  }
  set_leave (self);
}

static void
reset_gate (Stream * self)
{
  identifai_hold_queue_flush (self->hold, 0, NULL);
  identifai_decisions_reset (self->decisions);
  set_leave (self);
}

static void
make_gate (Stream * self)
{
  IdentifaiHoldQueueSettings hold = {.hold = HOLD * 1000,.paced = TRUE,
    .max_bytes = G_MAXUINT64
  };
  IdentifaiDecisionSettings decisions;

  identifai_decision_settings_init (&decisions);
  decisions.has_policy = FALSE;
  decisions.on_artificial = IDENTIFAI_ACTION_DROP;
  decisions.on_unjudged = IDENTIFAI_ACTION_DROP;
  self->decisions = identifai_decisions_new ("gate");
  identifai_decisions_configure (self->decisions, &decisions);
  self->hold = identifai_hold_queue_new (self->decisions, "gate");
  identifai_hold_queue_configure (self->hold, &hold, identifai_clock_now ());
  self->leave = identifai_timer_new (NULL, "leave", on_leave, self);
}

/* What the outbox says. */

static void
on_room (gpointer user_data)
{
  ((Stream *) user_data)->room = TRUE;
}

static void
count_outcome (Segment * segment, const GstIdentifaiOutcome * outcome)
{
  segment->how = 'x';
  if (outcome->end == IDENTIFAI_END_VERDICT)
    segment->how = outcome->unknown ? 'u' : outcome->classification[0];
  world.n_judged += outcome->end == IDENTIFAI_END_VERDICT;
  world.n_failed += outcome->end == IDENTIFAI_END_FAILED;
  world.n_dropped += outcome->end == IDENTIFAI_END_DROPPED;
}

static void
on_outcome (const GstIdentifaiOutcome * outcome, gpointer user_data)
{
  Stream *self = user_data;
  Segment *segment = find (self, outcome->segment);
  IdentifaiPolicyOutcome counted = {
    .segment = outcome->segment,.judged = outcome->end ==
        IDENTIFAI_END_VERDICT,.unknown = outcome->unknown,
    .score = outcome->score,.running_time = outcome->running_time,
    .stream_time = outcome->stream_time,.duration = outcome->duration,
    .utc = outcome->utc
  };

  self->changed = TRUE;
  if (world.planted && any (500) == 0)
    segment->outcomes++;
  simulation_law (segment->outcomes++ == 0, "segment %u has a second outcome",
      outcome->segment);
  count_outcome (segment, outcome);
  simulation_note (world.simulation, "%s: segment %u is %c",
      GST_OBJECT_NAME (self->element), outcome->segment, segment->how);
  identifai_hold_queue_add_outcome (self->hold, &counted, segment->how == 'a',
      identifai_clock_now ());
  set_leave (self);
}

static const GstIdentifaiOutboxCallbacks callbacks = {
  .room = on_room,.outcome = on_outcome
};

/* What comes on the bus. */

static void
check_message (Stream * self, const GstStructure * structure)
{
  const gchar *name = gst_structure_get_name (structure);
  Segment *segment;
  guint number;

  if (!gst_structure_get_uint (structure, "segment", &number))
    return;
  segment = find (self, number);
  if (g_str_equal (name, "identifai-segment")) {
    simulation_law (!segment->announced && number >= self->n_announced,
        "segment %u is announced behind %u", number, self->n_announced);
    segment->announced = TRUE;
    self->n_announced = number + 1;
    return;
  }

  simulation_law (segment->announced && segment->ends == 0,
      "segment %u: %s before it is announced, or behind its end", number, name);
  if (g_str_equal (name, "identifai-submitted"))
    segment->submitted = TRUE;
  else
    segment->ends++;
}

static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT)
    check_message (user_data, gst_message_get_structure (message));

  return GST_BUS_DROP;
}

/* Laws. */

/* All but the pending ones have their outcome, though perhaps not yet told of. */
static void
check_stats (Stream * self, gboolean over)
{
  guint64 ends, pending = G_MAXUINT64, segments = G_MAXUINT64;
  guint64 verdicts = 0, failed = 0, dropped = 0;

  gst_identifai_outbox_get_stats (self->outbox, self->stats);
  gst_structure_get_uint64 (self->stats, "pending", &pending);
  gst_structure_get_uint64 (self->stats, "segments", &segments);
  gst_structure_get_uint64 (self->stats, "verdicts", &verdicts);
  gst_structure_get_uint64 (self->stats, "failed", &failed);
  gst_structure_get_uint64 (self->stats, "dropped", &dropped);
  ends = verdicts + failed + dropped;
  simulation_law (ends + pending == segments, "%u ends, %u pending, %u "
      "segments", (guint) ends, (guint) pending, (guint) segments);
  simulation_law (segments == self->segments->len - (self->open != NULL),
      "%u segments, not %u", (guint) segments, self->segments->len);
  simulation_law (!over || pending == 0, "%u pending", (guint) pending);
  self->changed = FALSE;
}

static guint
count_within_hour (const GArray * times, gint64 since)
{
  guint i, count = 0;

  for (i = times->len; i > 0
      && g_array_index (times, gint64, i - 1) > since; i--)
    count++;

  return count;
}

/* Of what the service has taken, by when it was offered. */
static void
check_quota (Stream * self)
{
  gint64 since = identifai_clock_now () - HOUR;
  guint most = self->settings.max_uploads_per_hour, count, i;

  if (most == 0)
    return;
  count = count_within_hour (self->accepted, since);
  for (i = self->segments->len; i > 0
      && find (self, i - 1)->offered > since; i--) {
    const Segment *segment = &g_array_index (self->segments, Segment, i - 1);

    count += segment->submitted && segment->offered > since;
  }
  simulation_law (count <= most, "%u uploads within the hour", count);
}

static void
check_step (gpointer user_data)
{
  guint i;

  world.n_steps++;
  for (i = 0; i < N_STREAMS; i++)
    if (world.streams[i]->changed)
      check_stats (world.streams[i], FALSE);
}

/* What streams do. */

static void
open_segment (Stream * self)
{
  Segment segment = {.offered = G_MAXINT64 };

  self->open = identifai_segment_new (self->segments->len);
  g_array_append_val (self->segments, segment);
  self->open->last_buffer = identifai_clock_now ();
  self->open->running_time = identifai_clock_now () * 1000;
  self->open->duration = 20 * GST_SECOND;
  gst_identifai_outbox_open (self->outbox, self->open, &self->settings);
  self->frame = 0;
  world.n_segments++;
}

static void
close_segment (Stream * self)
{
  IdentifaiSegment *segment = self->open;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, FILE_BYTES, NULL);

  segment->file = identifai_memory_file_new ();
  segment->bytes = gst_buffer_get_size (buffer);
  identifai_memory_file_write (segment->file, buffer);
  segment->content_type = g_strdup ("video/mp4");
  segment->extension = "mp4";
  segment->last_buffer = identifai_clock_now ();
  place_frames (self, segment->number);
  gst_buffer_unref (buffer);
}

/* The stream is over, or goes on elsewhere. */
static void
give_up_segment (Stream * self, GstIdentifaiDrop why)
{
  IdentifaiSegment *segment = g_steal_pointer (&self->open);

  if (segment == NULL)
    return;
  if (self->frame > 0)
    place_frames (self, segment->number);
  gst_identifai_outbox_drop (self->outbox, segment, why);
  self->changed = TRUE;
}

/* FALSE: it has to wait. */
static gboolean
offer_segment (Stream * self)
{
  IdentifaiSegment *segment = self->open;
  guint number = segment->number;

  self->room = FALSE;
  if (!gst_identifai_outbox_offer (self->outbox, segment))
    return FALSE;
  self->open = NULL;
  self->changed = TRUE;
  find (self, number)->offered = identifai_clock_now ();
  gst_identifai_reporter_post (self->reporter);
  return TRUE;
}

static void
set_key (Stream * self)
{
  gchar *key = g_strdup_printf ("key-%u", any (2));

  gst_identifai_outbox_set_key (self->outbox, key);
  g_free (self->settings.api_key);
  self->settings.api_key = key;
}

static void
start (Stream * self)
{
  static const GstIdentifaiOverflow overflows[] = {
    GST_IDENTIFAI_OVERFLOW_BLOCK, GST_IDENTIFAI_OVERFLOW_DROP_OLDEST,
    GST_IDENTIFAI_OVERFLOW_DROP_NEWEST
  };

  self->settings.overflow = overflows[any (3)];
  self->settings.max_pending_segments = 1 + any (10);
  self->settings.retries = (gint) any (4) - 1;
  /* Seldom as it likes: else most of the time goes by with polls. */
  self->settings.poll_interval = any (8) == 0 ? 0 :
      (15 + any (45)) * GST_SECOND;
  fail_unless (gst_identifai_outbox_configure (self->outbox, &self->settings,
          NULL));
  fail_unless (gst_identifai_outbox_start (self->outbox, NULL));
  world.n_starts++;
}

/* All have their outcome, whatever threads had to do. */
static void
stop (Stream * self)
{
  guint i;

  give_up_segment (self, GST_IDENTIFAI_DROP_STOPPED);
  gst_identifai_outbox_stop (self->outbox);
  check_stats (self, TRUE);
  for (i = 0; i < self->segments->len; i++) {
    const Segment *segment = find (self, i);

    simulation_law (segment->announced && segment->ends == 1
        && segment->outcomes == 1, "segment %u: %s, %u outcomes, %u told", i,
        segment->announced ? "announced" : "not announced", segment->ends,
        segment->outcomes);
    if (segment->submitted)
      g_array_append_val (self->accepted, segment->offered);
  }
  reset_gate (self);
  g_array_set_size (self->segments, 0);
  self->n_announced = 0;
}

static void
drain (Stream * self)
{
  gint64 deadline = identifai_clock_now () + any (300) * SECOND;

  if (!gst_identifai_outbox_wait_drained (self->outbox, deadline))
    gst_identifai_outbox_expire (self->outbox);
  fail_unless (gst_identifai_outbox_wait_drained (self->outbox, -1));
  gst_identifai_outbox_sum_up (self->outbox, any (2));
  gst_identifai_reporter_post_all (self->reporter);
}

static void
seek (Stream * self)
{
  gst_identifai_outbox_set_flushing (self->outbox, TRUE);
  give_up_segment (self, GST_IDENTIFAI_DROP_FLUSHED);
  identifai_hold_queue_flush (self->hold, 0, NULL);
  set_leave (self);
  gst_identifai_outbox_set_flushing (self->outbox, FALSE);
  gst_identifai_reporter_post (self->reporter);
}

static void
refuse_key (void)
{
  gboolean refuse = any (4) == 0;

  if (!refuse || any (2))
    simulation_refuse_key (world.simulation, "key-0", refuse);
  if (!refuse || any (2))
    simulation_refuse_key (world.simulation, "key-1", refuse);
}

/* Besides its segments. */
static void
act (Stream * self)
{
  guint what = any (200);

  if (what >= 10)
    return;
  simulation_note (world.simulation, "%s does %u",
      GST_OBJECT_NAME (self->element), what);
  if (what < 2) {
    drain (self);
  } else if (what < 4) {
    stop (self);
    start (self);
  } else if (what < 5) {
    seek (self);
  } else if (what < 6) {
    set_key (self);
  } else if (what < 7) {
    refuse_key ();
  } else if (what < 8) {
    identifai_clock_shift_real (any (60) * SECOND - 30 * SECOND);
  } else {
    simulation_set_down (world.simulation,
        identifai_clock_now () + any (600) * SECOND);
  }
}

/* Returns how long it takes until it goes on. */
static gint64
go_on (Stream * self)
{
  gboolean closes = FALSE;

  if (self->open == NULL) {
    open_segment (self);
  } else if (self->frame < FRAMES) {
    hold_frame (self);
  } else {
    if (self->open->file == NULL)
      close_segment (self);
    closes = offer_segment (self);
    if (!closes)
      return SECOND;
    check_quota (self);
    act (self);
  }

  return closes ? 10 * SECOND + any (130 * SECOND) : any (10 * SECOND);
}

static Stream *
stream_new (guint number)
{
  Stream *self = g_new0 (Stream, 1);
  gchar *name = g_strdup_printf ("stream%u", number);

  self->element = gst_element_factory_make ("fakesink", name);
  self->bus = gst_bus_new ();
  gst_bus_set_sync_handler (self->bus, on_message, self, NULL);
  gst_element_set_bus (self->element, self->bus);
  gst_identifai_settings_init (&self->settings, GST_IDENTIFAI_ELEMENT_SINK);
  g_free (self->settings.endpoint);
  self->settings.endpoint = g_strdup ("http://sim.test");
  self->settings.allow_plain_http = TRUE;
  self->settings.api_key = g_strdup ("key-0");
  self->settings.max_uploads_per_hour = number == 0 ? 0 : 20 + any (60);
  self->reporter = gst_identifai_reporter_new (self->element);
  self->outbox = gst_identifai_outbox_new (self->element, self->reporter,
      &callbacks, self);
  self->segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  self->accepted = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->next = identifai_clock_now ();
  self->stats = gst_structure_new_empty ("stats");
  make_gate (self);
  start (self);
  g_free (name);

  return self;
}

static void
stream_free (Stream * self)
{
  gst_identifai_outbox_free (self->outbox);
  gst_identifai_reporter_unref (self->reporter);
  identifai_timer_free (self->leave);
  identifai_hold_queue_free (self->hold);
  identifai_decisions_free (self->decisions);
  gst_identifai_settings_clear (&self->settings);
  gst_element_set_bus (self->element, NULL);
  gst_object_unref (self->bus);
  gst_object_unref (self->element);
  gst_structure_free (self->stats);
  g_array_unref (self->segments);
  g_array_unref (self->accepted);
  g_free (self);
}

static Stream *
find_next (void)
{
  Stream *next = world.streams[0];
  guint i;

  for (i = 1; i < N_STREAMS; i++) {
    if (world.streams[i]->next < next->next)
      next = world.streams[i];
  }

  return next;
}

/* Returns a checksum of all that happened. */
static gchar *
run_seed (guint32 seed, guint hours)
{
  Stream *stream;
  gint64 end;
  gchar *trace;
  guint i;

  memset (&world, 0, sizeof (world));
  world.planted = get_number ("IDENTIFAI_PLANT", 0);
  world.simulation = simulation_new (seed, &odds, limits);
  world.random = simulation_get_random (world.simulation);
  end = identifai_clock_now () + hours * HOUR;
  for (i = 0; i < N_STREAMS; i++)
    world.streams[i] = stream_new (i);
  while ((stream = find_next ())->next < end) {
    simulation_run (world.simulation, stream->next, check_step, NULL);
    stream->next = go_on (stream) + identifai_clock_now ();
  }
  for (i = 0; i < N_STREAMS; i++)
    stop (world.streams[i]);
  simulation_run (world.simulation, identifai_clock_now () + 10 * SECOND,
      check_step, NULL);
  GST_INFO ("seed %u: %u segments, %u judged, %u failed, %u dropped, %u frames "
      "passed, %u withheld, %u starts, %u steps", seed, world.n_segments,
      world.n_judged, world.n_failed, world.n_dropped, world.n_passed,
      world.n_withheld, world.n_starts, world.n_steps);
  /* A key may be refused for most of a day. */
  simulation_law (world.n_judged > world.n_segments / 50, "%u of %u judged",
      world.n_judged, world.n_segments);

  trace = simulation_get_trace (world.simulation);
  for (i = 0; i < N_STREAMS; i++)
    stream_free (world.streams[i]);
  simulation_free (world.simulation);

  return trace;
}

GST_START_TEST (test_seeds)
{
  guint first = get_number ("IDENTIFAI_SEED", 1), i;
  guint count = g_getenv ("IDENTIFAI_SEED") != NULL ? 1 :
      get_number ("IDENTIFAI_SEEDS", SEEDS);
  guint hours = get_number ("IDENTIFAI_HOURS", HOURS);

  gst_identifai_register_tags ();
  for (i = first; i < first + count; i++) {
    g_print ("seed %u\n", i);
    g_free (run_seed (i, hours));
  }
}

GST_END_TEST;

/* A seed that failed can be run again. */
GST_START_TEST (test_same_again)
{
  gchar *one, *again, *other;

  gst_identifai_register_tags ();
  one = run_seed (100, 2);
  again = run_seed (100, 2);
  other = run_seed (101, 2);
  fail_unless_equals_string (one, again);
  fail_if (g_str_equal (one, other));
  g_free (one);
  g_free (again);
  g_free (other);
}

GST_END_TEST;

/* This program again, with a fault in it. Returns what it said of the law that it
 * broke. */
static gchar *
run_planted (const gchar * variable, guint number)
{
  gchar *argv[] = { "/proc/self/exe", NULL };
  gchar *value = g_strdup_printf ("%u", number), *output = NULL, *line;
  gchar **env = g_environ_setenv (g_get_environ (), variable, value, TRUE);
  gint status = 0;

  env = g_environ_setenv (env, "IDENTIFAI_PLANT", "1", TRUE);
  env = g_environ_setenv (env, "IDENTIFAI_HOURS", "1", TRUE);
  env = g_environ_setenv (env, "GST_CHECKS", "test_seeds", TRUE);
  env = g_environ_setenv (env, "CK_FORK", "no", TRUE);
  fail_unless (g_spawn_sync (NULL, argv, env, 0, NULL, NULL, &output, NULL,
          &status, NULL));
  fail_if (g_spawn_check_wait_status (status, NULL), "%s", output);
  line = strstr (output, "breaks a law");
  fail_unless (line != NULL, "%s", output);
  while (line > output && line[-1] != '\n')
    line--;
  strchr (line, '\n')[0] = '\0';
  line = g_strdup (line);
  g_strfreev (env);
  g_free (value);
  g_free (output);

  return line;
}

/* A law that is broken is found, its seed is printed, and comes to the same. */
GST_START_TEST (test_planted)
{
  gchar *found = run_planted ("IDENTIFAI_SEEDS", SEEDS), *again;
  guint seed = 0;

  fail_unless_equals_int (sscanf (found, "seed %u breaks", &seed), 1);
  again = run_planted ("IDENTIFAI_SEED", seed);
  fail_unless_equals_string (found, again);
  g_free (found);
  g_free (again);
}

GST_END_TEST;

static Suite *
enginesim_suite (void)
{
  Suite *suite = suite_create ("enginesim");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_set_timeout (general, 0);
  tcase_add_test (general, test_seeds);
  tcase_add_test (general, test_same_again);
  tcase_add_test (general, test_planted);

  return suite;
}

GST_CHECK_MAIN (enginesim);
