/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held back, of any stream and any orders, against a model that looks at all frames
 * each time.
 */

#include "holdworld.h"

#include <string.h>

#define SEEDS 10
#define LENGTH 12000            /* ms */
#define MOST_SEGMENTS 64

typedef struct
{
  HoldWorld world;
  GRand *rand;
  guint n_segments;
  gchar results[MOST_SEGMENTS];
  gint64 outcomes[MOST_SEGMENTS];       /* ms; -1: never */
  gint64 dump[2], force[2];     /* ms, from and to */
  IdentifaiForce forced;
  gint64 back;                  /* ms */
  gboolean open;

  /* The model's. */
  gboolean closed[MOST_SEGMENTS], late[MOST_SEGMENTS], passes[MOST_SEGMENTS];
  gboolean gap, leads;
} Any;

/* A group of pictures, in a segment or not. */
static void
make_group (Any * any, gint64 * time, gint64 end, guint * segment,
    gboolean * starts)
{
  guint n = g_rand_int_range (any->rand, 1, 12);
  guint n_leading = *time > 0 ? g_rand_int_range (any->rand, 0, 3) : 0;
  guint before = *segment, i;
  IdentifaiPlacementKind kind = IDENTIFAI_PLACEMENT_SEGMENT;

  if (*starts)
    *segment = any->n_segments++;
  for (i = 0; i < n_leading + n && *time < end; i++) {
    gint64 jitter = g_rand_int_range (any->rand, 0, 60);
    gboolean leads = i > 0 && i <= n_leading;
    HoldFrame *frame =
        hold_world_add_frame (&any->world, 0, *time + jitter, *time);

    if (i == 0)
      frame->running += n_leading * 40;
    if (leads)
      frame->running -= 40;
    if (any->world.n[0] > 1)
      frame->arrival = MAX (frame->arrival, (frame - 1)->arrival);
    frame->is_point = i == 0;
    frame->is_leading = leads;
    frame->kind = g_rand_int_range (any->rand, 0, 40) == 0 ?
        IDENTIFAI_PLACEMENT_NONE : kind;
    frame->segment = leads && *starts ? before : *segment;
    if (!leads && i > 0 && g_rand_int_range (any->rand, 0, 30) == 0) {
      frame->kind = IDENTIFAI_PLACEMENT_HEADERS;
      frame->has_picture = FALSE;
    }
    *time += 40;
  }
  *starts = FALSE;
}

static void
make_pause (Any * any, gint64 * time, guint segment)
{
  guint n = g_rand_int_range (any->rand, 1, 20), i;

  for (i = 0; i < n; i++, *time += 40) {
    HoldFrame *frame = hold_world_add_frame (&any->world, 0, *time, *time);

    frame->arrival = MAX (frame->arrival, (frame - 1)->arrival);
    frame->is_point = i == 0 || i == 10;
    frame->kind = IDENTIFAI_PLACEMENT_PAUSE;
    frame->segment = segment;
  }
}

static void
make_video (Any * any)
{
  gint64 time = 0;
  guint segment = 0;

  while (time < LENGTH) {
    gint64 end = time + g_rand_int_range (any->rand, 200, 2000);
    gboolean starts = TRUE;

    while (time < end)
      make_group (any, &time, end, &segment, &starts);
    if (g_rand_int_range (any->rand, 0, 4) == 0)
      make_pause (any, &time, segment);
  }
}

/* A segment is settled a while after its last frame came, and judged later. */
static void
make_outcomes (Any * any)
{
  static const gchar results[] = "cccaauf";
  guint i, n;

  for (n = 0; n < any->n_segments; n++) {
    gint64 settled = 0;

    for (i = 0; i < any->world.n[0]; i++) {
      HoldFrame *frame = &any->world.frames[0][i];

      if (frame->kind == IDENTIFAI_PLACEMENT_SEGMENT && frame->segment == n)
        settled = MAX (settled, frame->arrival);
    }
    settled += g_rand_int_range (any->rand, 0, 400);
    for (i = 0; i < any->world.n[0]; i++) {
      HoldFrame *frame = &any->world.frames[0][i];

      if (frame->kind == IDENTIFAI_PLACEMENT_SEGMENT && frame->segment == n)
        frame->settled = settled;
    }
    any->results[n] = results[g_rand_int_range (any->rand, 0,
            sizeof (results) - 1)];
    any->outcomes[n] = g_rand_int_range (any->rand, 0, 10) == 0 ? -1 :
        settled + g_rand_int_range (any->rand, 0, 1500);
  }
}

static void
make_sound (Any * any)
{
  gint64 offset = g_rand_int_range (any->rand, -300, 300), time;

  for (time = -100; time < LENGTH; time += 21)
    hold_world_add_frame (&any->world, 1, MAX (0, time + offset), time);
}

static void
any_init (Any * any, guint seed)
{
  memset (any, 0, sizeof (*any));
  any->rand = g_rand_new_with_seed (seed);
  any->open = g_rand_boolean (any->rand);
  hold_world_init (&any->world, any->open ? "o" : "c");
  any->world.settings.hold = g_rand_int_range (any->rand, 500, 4000) * HOLD_MS;
  any->world.settings.on_unsampled = g_rand_int_range (any->rand, 0, 3);
  make_video (any);
  make_outcomes (any);
  make_sound (any);
  any->dump[0] = g_rand_int_range (any->rand, 0, 2 * LENGTH);
  any->dump[1] = any->dump[0] + g_rand_int_range (any->rand, 0, 1000);
  any->back = g_rand_int_range (any->rand, 0, 1500);
  any->force[0] = g_rand_int_range (any->rand, 0, 2 * LENGTH);
  any->force[1] = any->force[0] + g_rand_int_range (any->rand, 0, 2000);
  any->forced = g_rand_boolean (any->rand) ? IDENTIFAI_FORCE_PASS :
      IDENTIFAI_FORCE_DROP;
  any->leads = TRUE;
}

/*** the model: looks at all frames, each time ***/

static gboolean
is_dumped (const Any * any, const HoldFrame * frame)
{
  return any->world.now >= any->dump[0]
      && frame->arrival >= any->dump[0] - any->back
      && frame->arrival <= any->dump[1]
      && (frame->left < 0 || frame->left >= any->dump[0]);
}

static gboolean
model_segment (Any * any, guint segment, gint64 now)
{
  gboolean known = any->outcomes[segment] >= 0 && any->outcomes[segment] <= now;
  guint i;

  for (i = 0; i <= segment; i++) {
    gboolean has = any->outcomes[i] >= 0 && any->outcomes[i] <= now;

    any->late[i] |= !any->closed[i] && !has;
    any->closed[i] = TRUE;
  }
  if (any->late[segment] && any->open && known && any->results[segment] == 'a')
    return FALSE;
  if (any->late[segment])
    return any->open;

  return any->results[segment] == 'f' ? any->open :
      any->results[segment] != 'a';
}

/* By its place alone; NULL: it has none. */
static gboolean
model_place (Any * any, const HoldFrame * frame, gint64 now)
{
  if (frame == NULL || frame->kind == IDENTIFAI_PLACEMENT_NONE
      || frame->kind == IDENTIFAI_PLACEMENT_HEADERS)
    return any->open;
  if (frame->kind == IDENTIFAI_PLACEMENT_PAUSE) {
    switch (any->world.settings.on_unsampled) {
      case IDENTIFAI_UNSAMPLED_FOLLOW:
        return model_segment (any, frame->segment, now);
      default:
        return any->world.settings.on_unsampled == IDENTIFAI_UNSAMPLED_PASS;
    }
  }
  if (frame->settled > now)
    return any->open;

  return model_segment (any, frame->segment, now);
}

/* frame is what leaves, picture is what it follows. */
static gboolean
model_order (Any * any, const HoldFrame * frame, const HoldFrame * picture,
    gint64 now)
{
  gboolean forced = now >= any->force[0] && now < any->force[1];

  if (forced && any->forced == IDENTIFAI_FORCE_DROP)
    return FALSE;
  if (is_dumped (any, frame) || (picture && is_dumped (any, picture)))
    return FALSE;
  if (forced)
    return TRUE;

  return model_place (any, picture, now);
}

static gboolean
model_decodes (const Any * any, const HoldFrame * frame)
{
  return (!any->gap || frame->is_point) && (!frame->is_leading || any->leads);
}

static gboolean
model_headers (Any * any, const HoldFrame * frame, guint i, gint64 now)
{
  for (i++; i < any->world.came[0]; i++) {
    const HoldFrame *next = &any->world.frames[0][i];

    if (next->has_picture)
      return !is_dumped (any, frame) && model_order (any, next, next, now)
          && model_decodes (any, next);
  }

  return model_order (any, frame, NULL, now);
}

static gboolean
model_video (Any * any, guint i, gint64 now)
{
  const HoldFrame *frame = &any->world.frames[0][i];
  gboolean passes;

  if (!frame->has_picture)
    return model_headers (any, frame, i, now);
  passes = model_order (any, frame, frame, now) && model_decodes (any, frame);
  if (passes && frame->is_point)
    any->leads = !any->gap;
  if (passes)
    any->gap = FALSE;
  else if (!frame->is_leading)
    any->gap = TRUE;

  return passes;
}

static gboolean
model_sound (Any * any, const HoldFrame * sound, gint64 now)
{
  const HoldFrame *best = NULL;
  gboolean passed = FALSE;
  guint i;

  for (i = 0; i < any->world.came[0]; i++) {
    const HoldFrame *frame = &any->world.frames[0][i];

    if (!frame->has_picture)
      continue;
    passed |= frame->running > sound->running;
    if (frame->running <= sound->running
        && (best == NULL || frame->running >= best->running))
      best = frame;
  }
  if (!passed && (best == NULL || sound->running >= best->running + 40))
    best = NULL;

  return model_order (any, sound, best, now);
}

static void
any_tell (Any * any)
{
  HoldWorld *world = &any->world;
  guint i, n;

  for (i = 0; i < world->came[0]; i++) {
    if (world->frames[0][i].settled == world->now)
      hold_world_place (world, &world->frames[0][i], TRUE);
  }
  for (n = 0; n < any->n_segments; n++) {
    if (any->outcomes[n] == world->now)
      hold_world_add_outcome (world, n, any->results[n]);
  }
  if (world->now == any->dump[0])
    identifai_hold_queue_dump (world->hold, any->back * HOLD_MS,
        world->now * 1000);
  if (world->now == any->dump[1])
    identifai_hold_queue_release (world->hold);
  world->settings.force = world->now >= any->force[0]
      && world->now < any->force[1] ? any->forced : IDENTIFAI_FORCE_NONE;
  hold_world_configure (world);
}

static void
any_check (Any * any, guint stream, guint seed)
{
  HoldWorld *world = &any->world;
  gint64 hold = world->settings.hold / HOLD_MS;
  guint first = world->left[stream], i;

  for (i = first; i < world->came[stream]; i++) {
    HoldFrame *frame = &world->frames[stream][i];

    if (frame->arrival + hold > world->now)
      break;
    frame->predicted = stream == 0 ? model_video (any, i, world->now) :
        model_sound (any, frame, world->now);
  }
  hold_world_pop_all (world, stream);
  for (i = first; i < world->came[stream]; i++) {
    HoldFrame *frame = &world->frames[stream][i];

    if (frame->arrival + hold > world->now)
      break;
    fail_unless_equals_int64 (frame->left, frame->arrival + hold);
    fail_unless (frame->held.passes == frame->predicted,
        "seed %u: %s %u, which came at %" G_GINT64_FORMAT
        " ms, segment %u, %s: %s", seed, stream == 0 ? "video" : "sound", i,
        frame->arrival, frame->segment,
        frame->held.passes ? "passes" : "is withheld",
        identifai_why_to_string (frame->held.why));
  }
}

/* Each counts once, by its first picture, also if it left before that was known. */
static void
any_check_segments (Any * any, guint seed)
{
  HoldWorld *world = &any->world;
  gboolean seen[MOST_SEGMENTS] = { FALSE, };
  IdentifaiHoldQueueStats stats;
  guint n[2] = { 0, 0 }, i;

  for (i = 0; i < world->n[0]; i++) {
    const HoldFrame *frame = &world->frames[0][i];

    if (frame->kind != IDENTIFAI_PLACEMENT_SEGMENT || seen[frame->segment])
      continue;
    seen[frame->segment] = TRUE;
    n[frame->held.passes]++;
  }
  identifai_hold_queue_get_stats (world->hold, world->now * 1000, &stats);
  fail_unless (stats.passed_segments == n[1]
      && stats.withheld_segments == n[0], "seed %u: %u passed instead of %u, "
      "%u withheld instead of %u", seed, (guint) stats.passed_segments, n[1],
      (guint) stats.withheld_segments, n[0]);
}

static void
run_any (guint seed)
{
  HoldWorld *world;
  Any any;

  any_init (&any, seed);
  world = &any.world;
  for (; world->now < LENGTH + 6000; world->now++) {
    hold_world_come (world, 0, 40);
    hold_world_come (world, 1, 21);
    any_tell (&any);
    any_check (&any, 0, seed);
    any_check (&any, 1, seed);
    hold_world_check_law (world);
  }
  any_check_segments (&any, seed);
  fail_unless_equals_int (world->left[0], world->n[0]);
  fail_unless_equals_int (world->left[1], world->n[1]);
  g_rand_free (any.rand);
  hold_world_clear (world);
}

GST_START_TEST (test_any)
{
  guint i;

  for (i = 0; i < SEEDS; i++)
    run_any (__i__ * SEEDS + i);
}

GST_END_TEST;

static Suite *
holdmodel_suite (void)
{
  Suite *suite = suite_create ("holdmodel");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_any, 0, 4);

  return suite;
}

GST_CHECK_MAIN (holdmodel);
