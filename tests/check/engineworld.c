/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "engineworld.h"
#include "gstidentifaimessages.h"

#define SECOND G_TIME_SPAN_SECOND
#define HOUR G_TIME_SPAN_HOUR
#define FILE_BYTES 512          /* what the file refers to; it would gather fewer */
#define MUXING (2 * SECOND)     /* at most, and to tell of an outcome */

EngineWorld engine_world;

guint
engine_any (guint count)
{
  return g_rand_int_range (engine_world.random, 0, count);
}

static EngineSegment *
find (EngineStream * self, guint number)
{
  simulation_law (number < self->segments->len, "%s: there is no segment %u",
      GST_OBJECT_NAME (self->element), number);

  return &g_array_index (self->segments, EngineSegment, number);
}

/* The gate. */

/* What has begun to leave isn't posted any more, unless it was open then. */
void
engine_on_post (const gchar * name, guint number, gpointer user_data)
{
  EngineStream *self = engine_world.streams[name[strlen ("stream")] - '0'];
  const EngineSegment *segment = find (self, number);
  gint64 leaves = segment->first + engine_world.hold;

  simulation_law (!segment->left || segment->closed > leaves, "segment %u is "
      "posted %d ms after it had to leave", number,
      (gint) ((identifai_clock_now () - leaves) / 1000));
}

/* A frame is judged by its segment as that is known when its first frame leaves;
 * later it may only become stricter. */
static gboolean
may_pass (EngineStream * self, const IdentifaiHeld * held, guint frame)
{
  EngineSegment *segment;

  if (!held->in_segment)
    return FALSE;
  segment = find (self, held->segment);

  return frame == 0 ? segment->how == 'h' : segment->passed
      && segment->how != 'a';
}

static void
check_leaving (EngineStream * self, const IdentifaiHeld * held, guint frame)
{
  gint64 now = identifai_clock_now ();
  gboolean passes = may_pass (self, held, frame);

  simulation_law (now == held->arrival + engine_world.hold,
      "frame %u of segment %u leaves " "after %d ms", frame, held->segment,
      (gint) ((now - held->arrival) / 1000));
  simulation_law (held->passes == passes, "frame %u of segment %u %s", frame,
      held->segment, held->passes ? "passes" : "is withheld");
  find (self, GST_BUFFER_OFFSET_END (held->object))->left |= frame == 0;
  if (frame == 0 && held->in_segment)
    find (self, held->segment)->passed = passes;
  if (passes)
    engine_world.n_passed++;
  else
    engine_world.n_withheld++;
  if (!passes) {
    engine_world.withheld_at = now;
    engine_world.n_segments_withheld += frame == 0;
  }
}

void
engine_set_leave (EngineStream * self)
{
  identifai_timer_set (self->leave, MIN (self->ask_again,
          identifai_hold_queue_get_due (self->hold, 0,
              identifai_clock_now ())));
}

static void
give_up (EngineStream * self)
{
  self->ask_again = gst_identifai_outbox_give_up_before (self->outbox,
      identifai_decisions_get_useless (self->decisions));
}

static void
on_leave (gpointer user_data)
{
  EngineStream *self = user_data;
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (self->hold, 0, identifai_clock_now (),
          &held)) {
    check_leaving (self, &held, GST_BUFFER_OFFSET (held.object));
    if (held.starts_segment)
      give_up (self);
    gst_mini_object_unref (held.object);
  }
  if (self->ask_again <= identifai_clock_now ())
    give_up (self);
  engine_set_leave (self);
}

void
engine_hold_frame (EngineStream * self)
{
  GstBuffer *buffer = gst_buffer_new ();
  gint64 now = identifai_clock_now ();
  IdentifaiPlacement placement = {.kind = IDENTIFAI_PLACEMENT_OPEN,
    .has_picture = TRUE,.is_point = self->frame == 0
  };

  GST_BUFFER_OFFSET (buffer) = self->frame;
  GST_BUFFER_OFFSET_END (buffer) = self->open->number;
  if (self->frame == 0)
    find (self, self->open->number)->first = self->open->first_frame = now;
  placement.id = identifai_hold_queue_push_buffer (self->hold, 0, buffer,
      now * 1000, now * 1000, GST_SECOND, now);
  identifai_hold_queue_place (self->hold, &placement);
  self->ids[self->frame++] = placement.id;
  engine_set_leave (self);
}

static void
place_frames (EngineStream * self, guint number)
{
  IdentifaiSettlement settlement = {.kind = IDENTIFAI_PLACEMENT_SEGMENT,
    .segment = number
  };
  EngineSegment *segment = find (self, number);

  segment->placed = self->frame > 0;
  segment->closed = identifai_clock_now ();
  if (self->frame > 0) {
    settlement.from = self->ids[0];
    settlement.to = self->ids[self->frame - 1];
    identifai_hold_queue_settle (self->hold, &settlement);
  }
  engine_set_leave (self);
}

/* Each segment of which something left is counted. */
static void
check_gate (EngineStream * self)
{
  IdentifaiHoldQueueStats stats;
  guint passed = 0, withheld = 0, i;

  identifai_hold_queue_get_stats (self->hold, identifai_clock_now (), &stats);
  for (i = 0; i < self->segments->len; i++) {
    const EngineSegment *segment = find (self, i);

    passed += segment->placed && segment->left && segment->passed;
    withheld += segment->placed && segment->left && !segment->passed;
  }
  simulation_law (stats.passed_segments == passed
      && stats.withheld_segments == withheld, "%u passed, not %u; %u withheld, "
      "not %u", (guint) stats.passed_segments, passed,
      (guint) stats.withheld_segments, withheld);
}

static void
reset_gate (EngineStream * self)
{
  check_gate (self);
  identifai_hold_queue_reset (self->hold);
  identifai_decisions_reset (self->decisions);
  engine_set_leave (self);
}

static void
make_gate (EngineStream * self)
{
  IdentifaiHoldQueueSettings hold = {.hold = engine_world.hold * 1000,.paced =
        TRUE,
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
  ((EngineStream *) user_data)->room = TRUE;
}

static void
count_outcome (EngineSegment * segment, const GstIdentifaiOutcome * outcome)
{
  segment->how = 'x';
  if (outcome->end == IDENTIFAI_END_VERDICT)
    segment->how = outcome->unknown ? 'u' : outcome->classification[0];
  engine_world.n_judged += outcome->end == IDENTIFAI_END_VERDICT;
  engine_world.n_failed += outcome->end == IDENTIFAI_END_FAILED;
  engine_world.n_dropped += outcome->end == IDENTIFAI_END_DROPPED;
}

/* By how long judging took at most, and half as long again. */
static void
check_late (const EngineSegment * segment, const GstIdentifaiOutcome * outcome)
{
  gint64 now = identifai_clock_now ();

  if (outcome->end == IDENTIFAI_END_VERDICT)
    engine_world.longest = MAX (engine_world.longest, now - segment->closed);
  if (g_strcmp0 (outcome->reason, "late") != 0)
    return;
  engine_world.n_late++;
  simulation_law (now + engine_world.longest * 3 / 2 + MUXING >=
      segment->first + engine_world.hold,
      "segment %u is late %d ms before it has to leave", outcome->segment,
      (gint) ((segment->first + engine_world.hold - now) / 1000));
}

static void
on_outcome (const GstIdentifaiOutcome * outcome, gpointer user_data)
{
  EngineStream *self = user_data;
  EngineSegment *segment = find (self, outcome->segment);
  IdentifaiPolicyOutcome counted = {
    .segment = outcome->segment,.judged = outcome->end ==
        IDENTIFAI_END_VERDICT,.unknown = outcome->unknown,
    .score = outcome->score,.running_time = outcome->running_time,
    .stream_time = outcome->stream_time,.duration = outcome->duration,
    .utc = outcome->utc
  };

  self->changed = TRUE;
  if (engine_world.planted && engine_any (500) == 0)
    segment->outcomes++;
  simulation_law (segment->outcomes++ == 0, "segment %u has a second outcome",
      outcome->segment);
  count_outcome (segment, outcome);
  check_late (segment, outcome);
  simulation_note (engine_world.simulation, "%s: segment %u is %c",
      GST_OBJECT_NAME (self->element), outcome->segment, segment->how);
  identifai_hold_queue_add_outcome (self->hold, &counted, segment->how == 'a',
      identifai_clock_now ());
  engine_set_leave (self);
}

static const GstIdentifaiOutboxCallbacks callbacks = {
  .room = on_room,.outcome = on_outcome
};

/* What comes on the bus. */

static void
check_message (EngineStream * self, const GstStructure * structure)
{
  const gchar *name = gst_structure_get_name (structure);
  EngineSegment *segment;
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
check_stats (EngineStream * self, gboolean over)
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
void
engine_check_quota (EngineStream * self)
{
  gint64 since = identifai_clock_now () - HOUR;
  guint most = self->settings.max_uploads_per_hour, count, i;

  if (most == 0)
    return;
  count = count_within_hour (self->accepted, since);
  for (i = self->segments->len; i > 0
      && find (self, i - 1)->offered > since; i--) {
    const EngineSegment *segment =
        &g_array_index (self->segments, EngineSegment, i - 1);

    count += segment->submitted && segment->offered > since;
  }
  simulation_law (count <= most, "%u uploads within the hour", count);
}

void
engine_check_step (gpointer user_data)
{
  guint i;

  engine_world.n_steps++;
  for (i = 0; i < ENGINE_STREAMS; i++)
    if (engine_world.streams[i]->changed)
      check_stats (engine_world.streams[i], FALSE);
}

/* What streams do. */

void
engine_open_segment (EngineStream * self)
{
  EngineSegment segment = {.offered = G_MAXINT64 };

  self->open = identifai_segment_new (self->segments->len);
  g_array_append_val (self->segments, segment);
  self->open->last_buffer = identifai_clock_now ();
  self->open->running_time = identifai_clock_now () * 1000;
  self->open->duration = 20 * GST_SECOND;
  gst_identifai_outbox_open (self->outbox, self->open, &self->settings);
  self->frame = 0;
  engine_world.n_segments++;
}

void
engine_close_segment (EngineStream * self)
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
void
engine_give_up_segment (EngineStream * self, GstIdentifaiDrop why)
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
gboolean
engine_offer_segment (EngineStream * self)
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

void
engine_start (EngineStream * self)
{
  self->settings.overflow = GST_IDENTIFAI_OVERFLOW_DROP_OLDEST;
  if (engine_world.choose != NULL)
    engine_world.choose (self);
  fail_unless (gst_identifai_outbox_configure (self->outbox, &self->settings,
          NULL));
  fail_unless (gst_identifai_outbox_start (self->outbox, NULL));
  gst_identifai_outbox_set_hold (self->outbox, engine_world.hold * GST_USECOND);
  self->ask_again = G_MAXINT64;
  engine_world.n_starts++;
}

/* All have their outcome, whatever threads had to do. */
void
engine_stop (EngineStream * self)
{
  guint i;

  engine_give_up_segment (self, GST_IDENTIFAI_DROP_STOPPED);
  gst_identifai_outbox_stop (self->outbox);
  check_stats (self, TRUE);
  for (i = 0; i < self->segments->len; i++) {
    const EngineSegment *segment = find (self, i);

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

EngineStream *
engine_stream_new (guint number)
{
  EngineStream *self = g_new0 (EngineStream, 1);
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
  self->settings.max_uploads_per_hour = number == 0
      || engine_world.choose == NULL ? 0 : 20 + engine_any (60);
  self->reporter = gst_identifai_reporter_new (self->element);
  self->outbox = gst_identifai_outbox_new (self->element, self->reporter,
      &callbacks, self);
  self->segments = g_array_new (FALSE, FALSE, sizeof (EngineSegment));
  self->accepted = g_array_new (FALSE, FALSE, sizeof (gint64));
  self->next = identifai_clock_now ();
  self->stats = gst_structure_new_empty ("stats");
  make_gate (self);
  engine_start (self);
  g_free (name);

  return self;
}

void
engine_stream_free (EngineStream * self)
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

EngineStream *
engine_find_next (void)
{
  EngineStream *next = engine_world.streams[0];
  guint i;

  for (i = 1; i < ENGINE_STREAMS; i++) {
    if (engine_world.streams[i]->next < next->next)
      next = engine_world.streams[i];
  }

  return next;
}
