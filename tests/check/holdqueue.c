/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is held back leaves when it should, and what shouldn't doesn't. Time is the
 * test's own, in ms.
 */

#include "holdqueue.h"
#include "framereader.h"

#include <gst/check/gstcheck.h>
#include <stdlib.h>
#include <string.h>

#define MS ((gint64) GST_MSECOND)
#define FRAME 100               /* ms, of the rows */
#define HOLD 1000               /* ms */
#define MOST 4000               /* frames of a stream */

/* A frame as it comes, and what became of it. */
typedef struct
{
  gint64 arrival, running;      /* ms */
  gint64 decoding;              /* ms; 0: unknown */
  gint64 settled;               /* ms, when its segment is; -1: as it comes */
  IdentifaiPlacementKind kind;
  guint segment;
  gboolean is_point, is_closed, is_leading, has_picture;
  guint64 id;

  gint64 left;                  /* ms; -1: it is held */
  gboolean predicted;           /* by the model: it passes */
  IdentifaiHeld held;
} Frame;

typedef struct
{
  IdentifaiDecisions *decisions;
  IdentifaiHoldQueue *hold;
  IdentifaiHoldQueueSettings settings;
  gint64 now;                   /* ms */
  Frame *frames[2];             /* video, sound */
  guint n[2], came[2], left[2];
} World;

static void
world_init (World * world, const gchar * actions)
{
  IdentifaiDecisionSettings settings;

  memset (world, 0, sizeof (*world));
  identifai_decision_settings_init (&settings);
  settings.has_policy = FALSE;
  settings.on_unjudged = actions[0] == 'o' ? IDENTIFAI_ACTION_PASS :
      IDENTIFAI_ACTION_DROP;
  settings.on_artificial = actions[0] == 'e' ? IDENTIFAI_ACTION_EOS :
      IDENTIFAI_ACTION_DROP;
  world->decisions = identifai_decisions_new ("gate");
  identifai_decisions_configure (world->decisions, &settings);
  world->hold = identifai_hold_queue_new (world->decisions, "gate");
  world->settings = (IdentifaiHoldQueueSettings) {
  .hold = HOLD * MS,.paced = TRUE,.max_bytes = G_MAXUINT64};
  identifai_hold_queue_configure (world->hold, &world->settings, 0);
  fail_unless_equals_int (identifai_hold_queue_add_stream (world->hold), 1);
  world->frames[0] = g_new0 (Frame, MOST);
  world->frames[1] = g_new0 (Frame, MOST);
}

static void
world_clear (World * world)
{
  identifai_hold_queue_free (world->hold);
  identifai_decisions_free (world->decisions);
  g_free (world->frames[0]);
  g_free (world->frames[1]);
}

static void
configure (World * world)
{
  identifai_hold_queue_configure (world->hold, &world->settings,
      world->now * 1000);
}

static Frame *
add_frame (World * world, guint stream, gint64 arrival, gint64 running)
{
  Frame *frame = &world->frames[stream][world->n[stream]++];

  fail_unless (world->n[stream] < MOST);
  frame->arrival = arrival;
  frame->running = running;
  frame->has_picture = TRUE;
  frame->left = frame->settled = -1;

  return frame;
}

static void
push (World * world, guint stream, Frame * frame, gint64 duration)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 10, NULL);

  frame->id = identifai_hold_queue_push_buffer (world->hold, stream, buffer,
      frame->running * MS, frame->decoding ? frame->decoding * MS :
      IDENTIFAI_NO_TIME, duration * MS, world->now * 1000);
}

static void
place (World * world, const Frame * frame, gboolean settled)
{
  GstBuffer *complete = gst_buffer_new_allocate (NULL, 20, NULL);
  IdentifaiPlacement placement = {
    .id = frame->id,
    .kind = settled ? frame->kind : IDENTIFAI_PLACEMENT_OPEN,
    .segment = frame->segment,
    .has_picture = frame->has_picture,
    .is_point = frame->is_point,
    .is_closed = frame->is_closed,
    .is_leading = frame->is_leading,
    .complete = complete,
  };

  identifai_hold_queue_place (world->hold, &placement);
  gst_buffer_unref (complete);
}

static void
add_outcome (World * world, guint segment, gchar letter)
{
  IdentifaiPolicyOutcome outcome = {
    .segment = segment,
    .judged = letter != 'f',
    .unknown = letter == 'u',
  };

  identifai_hold_queue_add_outcome (world->hold, &outcome, letter == 'a',
      world->now * 1000);
}

static void
check_law (World * world)
{
  IdentifaiHoldQueueStats stats;
  guint64 sum;
  guint i;

  identifai_hold_queue_get_stats (world->hold, world->now * 1000, &stats);
  sum = stats.passed + stats.flushed + stats.held;
  for (i = 0; i < IDENTIFAI_N_WHYS; i++)
    sum += stats.withheld[i];
  fail_unless_equals_uint64 (stats.came, sum);
  fail_unless_equals_uint64 (stats.came, world->came[0]);
}

/* All that leaves now, in order. */
static void
pop_all (World * world, guint stream)
{
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (world->hold, stream, world->now * 1000,
          &held)) {
    Frame *frame = &world->frames[stream][world->left[stream]++];

    fail_unless (held.is_buffer);
    fail_unless_equals_int64 (held.arrival, frame->arrival * 1000);
    fail_unless_equals_int64 (held.running, frame->running * MS);
    fail_unless_equals_int (gst_buffer_get_size (GST_BUFFER (held.object)),
        held.is_first && stream == 0 ? 20 : 10);
    frame->left = world->now;
    frame->held = held;
    gst_mini_object_unref (held.object);
  }
}

/*** rows ***/

/* Frames, 100 ms apart: K an open point, I a closed one, p another, l a leading one, h headers, and the
 * segment: its number, - in none, _ in the pause behind the segment before, ? not
 * settled in time. Outcomes, which come when the segment is settled: c clean, a
 * artificial, u unknown, f failed, . none; behind them the same, much later, or -.
 * Orders, "ms:what": d dump the last 200 ms, r release, F, P and N force drop, pass
 * and none, h shorter by half, H longer by half, 0 nothing held any more, i
 * behind a hole to go on at closed points only.
 * Expected: P passes, F passes as the first one, else why it is withheld: v verdict,
 * u unknown, j unjudged, s unsampled, f forced, d dumped, k skipped, o overflow, t start. */
typedef struct
{
  const gchar *name;
  const gchar *frames;
  const gchar *outcomes;
  const gchar *orders;
  const gchar *actions;         /* c closed, o open, e the end */
  IdentifaiUnsampled on_unsampled;
  guint max_bytes;              /* 10 a frame; 0: plenty */
  const gchar *expected;
} Row;

#define FOLLOW IDENTIFAI_UNSAMPLED_FOLLOW

static const Row rows[] = {
  {"clean", "K0p0p0K1p1K2", "ccc", "", "c", FOLLOW, 0, "PPPPPP"},
  {"artificial", "K0p0K1p1K2p2", "cac", "", "c", FOLLOW, 0, "PPvvFP"},
  {"artificial from the start", "K0p0K1p1", "ac", "", "c", FOLLOW, 0, "vvFP"},
  {"none, in time", "K0p0K1p1K2p2", "c.c", "", "c", FOLLOW, 0, "PPjjFP"},
  {"none, and open", "K0p0K1p1K2p2", "c.c", "", "o", FOLLOW, 0, "PPPPPP"},
  {"failed", "K0p0K1p1K2p2", "cfc", "", "c", FOLLOW, 0, "PPjjFP"},
  {"unknown passes", "K0p0K1p1K2p2", "cuc", "", "c", FOLLOW, 0, "PPPPPP"},
  {"the end", "K0p0K1p1", "ca", "", "e", FOLLOW, 0, "PPvv"},
  {"before the first key frame", "p-p-K0p0", "c", "", "c", FOLLOW, 0, "ttFP"},
  {"before it, and open", "p-p-K0p0", "c", "", "o", FOLLOW, 0, "PPPP"},
  {"not settled in time", "K0p0K?p?K2p2", "ccc", "", "c", FOLLOW, 0, "PPjjFP"},
  {"not settled, and open", "K0p0K?p?K2p2", "ccc", "", "o", FOLLOW, 0,
      "PPPPPP"},
  {"one in no segment spoils the group", "K0p-p0p0K0p0", "c", "", "c", FOLLOW,
        0,
      "PjjjFP"},
  {"headers go with their picture", "h-K0p0hhK1p1h-K2p2", "acc", "", "c",
        FOLLOW,
        0,
      "vvvPFPPPP"},
  {"headers of what is withheld", "K0h-K1p1h-K2", "cac", "", "c", FOLLOW, 0,
      "PvvvPF"},
  {"headers at the end", "K0h-", "c", "", "c", FOLLOW, 0, "Pj"},
  {"open group, both pass", "K0p0K1l0l0p1", "cc", "", "c", FOLLOW, 0,
      "PPPPPP"},
  {"open group behind what is withheld", "K0p0K1l0l0p1K2l1l1p2", "acc", "", "c",
      FOLLOW, 0, "vvFvvPPPPP"},
  {"open group in front of what is withheld", "K0p0K1l0l0p1K2l1l1p2", "cac", "",
      "c", FOLLOW, 0, "PPvvvvFvvP"},
  {"open group inside, behind a hole", "K0p-p0K0l0p0", "c", "", "c", FOLLOW, 0,
      "PjjFjP"},
  {"open group in no segment at the start", "K0l-l-p0", "c", "", "c", FOLLOW, 0,
      "PjjP"},
  {"behind a hole at a closed point only", "K0p0K1p1K2l1p2I2p2", "cac", "0:i",
      "c", FOLLOW, 0, "PPvvvvvFP"},
  {"no closed point comes", "K0p0K1p1K2p2", "cac", "0:i", "c", FOLLOW, 0,
      "PPvvvv"},
  {"no hole, no closed point needed", "K0p0K1l0p1", "cc", "0:i", "c", FOLLOW, 0,
      "PPPPP"},
  {"shorter, to a closed point", "K0p0p0p0K0p0p0p0I0p0p0p0", "c", "0:i 650:h",
      "c", FOLLOW, 0, "kkkkkkkkFPPP"},
  {"sampled", "K0p0K_p_K1p1K_p_", "ca", "", "c", FOLLOW, 0, "PPPPvvss"},
  {"sampled, the pause passes", "K0p0K_p_K1p1", "ac", "", "c",
      IDENTIFAI_UNSAMPLED_PASS, 0, "vvFPPP"},
  {"sampled, the pause is withheld", "K0p0K_p_K1p1", "cc", "", "c",
      IDENTIFAI_UNSAMPLED_DROP, 0, "PPssFP"},
  {"late, and clean", "K0p0p0p0K1p1", ".c", "1150:c", "c", FOLLOW, 0,
      "jjjjFP"},
  {"late, and artificial", "K0p0p0p0K1p1", ".c", "1150:a", "o", FOLLOW, 0,
      "PPvvFP"},
  {"in time by a moment", "K0p0p0K1", ".c", "999:c", "c", FOLLOW, 0, "PPPP"},
  {"too late by a moment", "K0p0p0K1", ".c", "1001:c", "c", FOLLOW, 0, "jjjF"},

  {"dumped: the last two, and on", "K0p0p0p0K0p0K0p0", "c", "350:d 450:r", "c",
      FOLLOW, 0, "PPddddFP"},
  {"dumped, what left stays", "K0p0K0p0", "c", "1350:d 1360:r", "c", FOLLOW, 0,
      "PPPP"},
  {"dumped beside force=pass", "K0p0p0K0p0", "c", "250:d 260:r 0:P", "c",
      FOLLOW, 0, "PddFP"},
  {"force drop at once, pass at a key frame", "K0p0p0K0p0p0K0p0", "c",
      "1150:F 1450:N", "c", FOLLOW, 0, "PPffffFP"},
  {"force pass", "K0p0K1p1K2p2", "aac", "1150:P", "c", FOLLOW, 0, "vvFPPP"},
  {"force pass waits for a key frame", "K0p0p0K1p1", "ac", "1050:P", "c",
      FOLLOW, 0, "vvvFP"},
  {"force drop over what is open", "K0p0p0K1p1", "..", "1050:F", "o", FOLLOW, 0,
      "Pffff"},
  {"shorter: jumps to a key frame", "K0p0p0p0K0p0p0p0K0p0p0p0", "c", "950:h",
      "c", FOLLOW, 0, "kkkkkkkkFPPP"},
  {"shorter, at a key frame", "K0p0p0p0K0p0p0p0", "c", "900:h", "c", FOLLOW, 0,
      "kkkkFPPP"},
  {"nothing held any more, but what was doesn't leave", "K0p0p0p0p0K1p1", "aa",
      "350:0", "c", FOLLOW, 0, "kkkkkFP"},
  {"longer", "K0p0p0p0K0p0p0p0", "c", "1150:H", "c", FOLLOW, 0, "PPPPPPPP"},
  {"more than may be held", "K0p0K1p1K2p2", "c.c", "", "c", FOLLOW, 20,
      "PPooFP"},
  {"more than may be held, and open", "K0p0K1p1K2p2", "c.c", "", "o", FOLLOW,
      30, "PPPPPP"},
};

static IdentifaiPlacementKind
read_kind (gchar type, gchar place)
{
  if (type == 'h')
    return IDENTIFAI_PLACEMENT_HEADERS;
  switch (place) {
    case '-':
      return IDENTIFAI_PLACEMENT_NONE;
    case '_':
      return IDENTIFAI_PLACEMENT_PAUSE;
    case '?':
      return IDENTIFAI_PLACEMENT_OPEN;
    default:
      return IDENTIFAI_PLACEMENT_SEGMENT;
  }
}

static void
read_frames (World * world, const gchar * text)
{
  guint latest = 0;
  gint64 time = 0;

  for (; *text; text += 2, time += FRAME) {
    Frame *frame = add_frame (world, 0, time, time);

    frame->kind = read_kind (text[0], text[1]);
    if (frame->kind == IDENTIFAI_PLACEMENT_SEGMENT)
      latest = text[1] - '0';
    frame->segment = latest;
    frame->is_point = text[0] == 'K' || text[0] == 'I';
    frame->is_closed = text[0] == 'I';
    frame->is_leading = text[0] == 'l';
    frame->has_picture = text[0] != 'h';
  }
}

static void
obey (World * world, gchar order)
{
  gint64 hold = world->settings.hold;

  switch (order) {
    case 'd':
      identifai_hold_queue_dump (world->hold, 200 * MS, world->now * 1000);
      return;
    case 'r':
      identifai_hold_queue_release (world->hold);
      return;
    case 'c':
    case 'a':
      add_outcome (world, 0, order);
      return;
    case 'h':
    case 'H':
      world->settings.hold = order == 'h' ? hold / 2 : hold + hold / 2;
      break;
    case 'i':
      world->settings.at_idr = TRUE;
      break;
    case '0':
      world->settings.hold = 0;
      break;
    default:
      world->settings.force = order == 'F' ? IDENTIFAI_FORCE_DROP :
          order == 'P' ? IDENTIFAI_FORCE_PASS : IDENTIFAI_FORCE_NONE;
      break;
  }
  configure (world);
}

static const gchar *
obey_until_now (World * world, const gchar * orders)
{
  while (*orders && strtoll (orders, NULL, 10) <= world->now) {
    orders = strchr (orders, ':');
    obey (world, orders[1]);
    orders += orders[2] ? 3 : 2;
  }

  return orders;
}

static void
come (World * world)
{
  Frame *frame;

  while (world->came[0] < world->n[0] && (frame =
          &world->frames[0][world->came[0]])->arrival <= world->now) {
    world->came[0]++;
    push (world, 0, frame, FRAME);
    place (world, frame, FALSE);
    place (world, frame, TRUE);
  }
}

static gchar
describe (const Frame * frame)
{
  static const gchar letters[] = "vujsfdkot";

  if (frame->left < 0)
    return '?';
  if (frame->held.passes)
    return frame->held.is_first ? 'F' : 'P';

  return letters[frame->held.why];
}

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  const gchar *orders = row->orders;
  GString *made = g_string_new (NULL);
  World world;
  guint i;

  world_init (&world, row->actions);
  world.settings.on_unsampled = row->on_unsampled;
  world.settings.max_bytes = row->max_bytes ? row->max_bytes : G_MAXUINT64;
  configure (&world);
  read_frames (&world, row->frames);
  for (i = 0; row->outcomes[i]; i++) {
    if (row->outcomes[i] != '.')
      add_outcome (&world, i, row->outcomes[i]);
  }
  for (; world.now < 4000; world.now++) {
    come (&world);
    orders = obey_until_now (&world, orders);
    pop_all (&world, 0);
    check_law (&world);
  }
  for (i = 0; i < world.n[0]; i++) {
    g_string_append_c (made, describe (&world.frames[0][i]));
    if (world.settings.hold == HOLD * MS && row->max_bytes == 0)
      fail_unless_equals_int64 (world.frames[0][i].left,
          world.frames[0][i].arrival + HOLD);
  }
  fail_unless (strcmp (made->str, row->expected) == 0, "%s: %s instead of %s",
      row->name, made->str, row->expected);
  g_string_free (made, TRUE);
  world_clear (&world);
}

GST_END_TEST;

/*** any stream, against a model ***/

#define SEEDS 10
#define LENGTH 12000            /* ms */
#define MOST_SEGMENTS 64

typedef struct
{
  World world;
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
    Frame *frame = add_frame (&any->world, 0, *time + jitter, *time);

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
    Frame *frame = add_frame (&any->world, 0, *time, *time);

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
      Frame *frame = &any->world.frames[0][i];

      if (frame->kind == IDENTIFAI_PLACEMENT_SEGMENT && frame->segment == n)
        settled = MAX (settled, frame->arrival);
    }
    settled += g_rand_int_range (any->rand, 0, 400);
    for (i = 0; i < any->world.n[0]; i++) {
      Frame *frame = &any->world.frames[0][i];

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
    add_frame (&any->world, 1, MAX (0, time + offset), time);
}

static void
any_init (Any * any, guint seed)
{
  memset (any, 0, sizeof (*any));
  any->rand = g_rand_new_with_seed (seed);
  any->open = g_rand_boolean (any->rand);
  world_init (&any->world, any->open ? "o" : "c");
  any->world.settings.hold = g_rand_int_range (any->rand, 500, 4000) * MS;
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
is_dumped (const Any * any, const Frame * frame)
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
model_place (Any * any, const Frame * frame, gint64 now)
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
model_order (Any * any, const Frame * frame, const Frame * picture, gint64 now)
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
model_decodes (const Any * any, const Frame * frame)
{
  return (!any->gap || frame->is_point) && (!frame->is_leading || any->leads);
}

static gboolean
model_headers (Any * any, const Frame * frame, guint i, gint64 now)
{
  for (i++; i < any->world.came[0]; i++) {
    const Frame *next = &any->world.frames[0][i];

    if (next->has_picture)
      return !is_dumped (any, frame) && model_order (any, next, next, now)
          && model_decodes (any, next);
  }

  return model_order (any, frame, NULL, now);
}

static gboolean
model_video (Any * any, guint i, gint64 now)
{
  const Frame *frame = &any->world.frames[0][i];
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
model_sound (Any * any, const Frame * sound, gint64 now)
{
  const Frame *best = NULL;
  gboolean passed = FALSE;
  guint i;

  for (i = 0; i < any->world.came[0]; i++) {
    const Frame *frame = &any->world.frames[0][i];

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
any_push (Any * any, guint stream)
{
  World *world = &any->world;

  while (world->came[stream] < world->n[stream]) {
    Frame *frame = &world->frames[stream][world->came[stream]];

    if (frame->arrival > world->now)
      break;
    world->came[stream]++;
    push (world, stream, frame, stream == 0 ? 40 : 21);
    if (stream == 0)
      place (world, frame, FALSE);
    if (stream == 0 && frame->settled < 0)
      place (world, frame, TRUE);
  }
}

static void
any_tell (Any * any)
{
  World *world = &any->world;
  guint i, n;

  for (i = 0; i < world->came[0]; i++) {
    if (world->frames[0][i].settled == world->now)
      place (world, &world->frames[0][i], TRUE);
  }
  for (n = 0; n < any->n_segments; n++) {
    if (any->outcomes[n] == world->now)
      add_outcome (world, n, any->results[n]);
  }
  if (world->now == any->dump[0])
    identifai_hold_queue_dump (world->hold, any->back * MS, world->now * 1000);
  if (world->now == any->dump[1])
    identifai_hold_queue_release (world->hold);
  world->settings.force = world->now >= any->force[0]
      && world->now < any->force[1] ? any->forced : IDENTIFAI_FORCE_NONE;
  configure (world);
}

static void
any_check (Any * any, guint stream, guint seed)
{
  World *world = &any->world;
  gint64 hold = world->settings.hold / MS;
  guint first = world->left[stream], i;

  for (i = first; i < world->came[stream]; i++) {
    Frame *frame = &world->frames[stream][i];

    if (frame->arrival + hold > world->now)
      break;
    frame->predicted = stream == 0 ? model_video (any, i, world->now) :
        model_sound (any, frame, world->now);
  }
  pop_all (world, stream);
  for (i = first; i < world->came[stream]; i++) {
    Frame *frame = &world->frames[stream][i];

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

static void
run_any (guint seed)
{
  World *world;
  Any any;

  any_init (&any, seed);
  world = &any.world;
  for (; world->now < LENGTH + 6000; world->now++) {
    any_push (&any, 0);
    any_push (&any, 1);
    any_tell (&any);
    any_check (&any, 0, seed);
    any_check (&any, 1, seed);
    check_law (world);
  }
  fail_unless_equals_int (world->left[0], world->n[0]);
  fail_unless_equals_int (world->left[1], world->n[1]);
  g_rand_free (any.rand);
  world_clear (world);
}

GST_START_TEST (test_any)
{
  guint i;

  for (i = 0; i < SEEDS; i++)
    run_any (__i__ * SEEDS + i);
}

GST_END_TEST;

/*** sound, where times go back ***/

/* Frames that come in [from, to) ms, with times that start at running; video is of
 * one segment each. */
typedef struct
{
  gint64 from, to, running;
} Stretch;

/* A stretch of video is a segment, of which outcomes says what it is: c clean, a
 * artificial, . none in time. expected: of the stretches of sound, P all of it
 * passes, - none of it, ? either. */
typedef struct
{
  const gchar *name;
  Stretch video[6], sound[6];
  const gchar *outcomes, *expected;
  gint64 skew;                  /* of sound, ms: so much later than its video */
  gboolean reordered;           /* each other picture is shown before the one in
                                 * front of it */
} Turn;

#define TURN_HOLD 3000
#define TWO(running) { {0, 2000, 10000}, {2000, 4000, running} }
#define THREE { {0, 2000, 10000}, {2000, 4000, 10000}, {4000, 6000, 10000} }
#define FOUR { {0, 1000, 10000}, {1000, 2000, 10000}, {2000, 3000, 10000}, \
    {3000, 4000, 10000} }

static const Turn turns[] = {
  {"over and over", THREE, THREE, "cac", "P-P"},
  {"over and over, the other ones", THREE, THREE, "aca", "-P-"},
  {"over and over, sound early", THREE, THREE, "cac", "P-P", -500},
  {"over and over, sound late", THREE, THREE, "cac", "P-P", 500},
  {"over and over, reordered", THREE, THREE, "cac", "P-P", 0, TRUE},
  {"over and over, not judged in time", THREE, THREE, "c.c", "P-P"},
  {"short rounds", FOUR, FOUR, "caca", "P-P-"},
  {"short rounds, sound early", FOUR, FOUR, "acac", "-P-P", -300},
  {"short rounds, sound late", FOUR, FOUR, "acac", "-P-P", 300},
  {"back by half", TWO (11000), TWO (11000), "ca", "P-"},
  {"back by half, and clean", TWO (11000), TWO (11000), "ac", "-P"},
  {"back a little", TWO (11800), TWO (11800), "ca", "P-"},
  {"back a little, late", TWO (11800), TWO (11800), "ca", "P-", 400},
  {"back a little, early", TWO (11800), TWO (11800), "ac", "-P", -400},
  {"back a long way", TWO (100), TWO (100), "ca", "P-"},
  {"forward", TWO (90000), TWO (90000), "ca", "P-"},
  {"forward, early", TWO (90000), TWO (90000), "ac", "-P", -400},
  {"the new round has sound first", {{0, 2000, 10000}, {3000, 4000, 11000}},
      {{0, 2000, 10000}, {2000, 3000, 10000}, {3000, 4000, 11000}}, "cc",
      "P-P"},
  {"the new round has no pictures yet", {{0, 2000, 10000}}, TWO (10000), "c",
      "P-"},
  {"only the video goes back", TWO (10000), {{0, 4000, 10000}}, "ca", "?"},
  {"only the sound goes back", {{0, 2000, 10000}, {2000, 4000, 12000}},
      {{0, 2000, 10000}, {2000, 2500, 11500}, {2500, 4000, 12500}}, "ca",
      "PP-"},
  {"sound before the first picture", {{1000, 2000, 11000}},
      {{0, 1000, 10000}, {1000, 2000, 11000}}, "c", "-P"},
  {"sound alone", {{0, 0, 0}}, {{0, 2000, 10000}}, "", "-"},
};

static guint
add_stretches (World * world, guint stream, const Turn * turn)
{
  const Stretch *stretches = stream == 0 ? turn->video : turn->sound;
  gint64 step = stream == 0 ? 40 : 20, time;
  guint i;

  for (i = 0; i < 6 && stretches[i].to > 0; i++) {
    for (time = stretches[i].from; time < stretches[i].to; time += step) {
      gint64 skew = stream == 0 ? 0 : turn->skew;
      Frame *frame = add_frame (world, stream, MAX (0, time + skew),
          stretches[i].running + time - stretches[i].from);

      frame->kind = IDENTIFAI_PLACEMENT_SEGMENT;
      frame->segment = i;
      frame->is_point = time == stretches[i].from;
      frame->decoding = stream == 0 ? frame->running - 80 : 0;
      if (stream == 0 && turn->reordered)
        frame->running += (time / step) % 2 ? -step : step;
    }
  }

  return i;
}

static void
come_in_turn (World * world, guint stream)
{
  Frame *frame;

  while (world->came[stream] < world->n[stream] && (frame =
          &world->frames[stream][world->came[stream]])->arrival <= world->now) {
    world->came[stream]++;
    push (world, stream, frame, stream == 0 ? 40 : 20);
    if (stream == 0) {
      place (world, frame, FALSE);
      place (world, frame, TRUE);
    }
  }
}

static gchar
sum_up (const World * world, guint stretch)
{
  guint passed = 0, withheld = 0, i;

  for (i = 0; i < world->n[1]; i++) {
    const Frame *frame = &world->frames[1][i];

    fail_unless (frame->left >= 0);
    passed += frame->segment == stretch && frame->held.passes;
    withheld += frame->segment == stretch && !frame->held.passes;
  }

  return withheld == 0 ? 'P' : passed == 0 ? '-' : 'x';
}

/* Paced, and as a file, of which all is there before anything is judged. */
static void
run_turn (const Turn * turn, gboolean paced)
{
  World world;
  guint n, i;

  world_init (&world, "c");
  world.settings.hold = TURN_HOLD * MS;
  world.settings.paced = paced;
  configure (&world);
  add_stretches (&world, 0, turn);
  n = add_stretches (&world, 1, turn);
  for (i = 0; turn->outcomes[i]; i++) {
    if (turn->outcomes[i] != '.')
      add_outcome (&world, i, turn->outcomes[i]);
    else if (!paced)
      add_outcome (&world, i, 'f');
  }
  for (; world.now < 10000; world.now++) {
    come_in_turn (&world, 0);
    come_in_turn (&world, 1);
    if (world.now < 9900)
      pop_all (&world, 0);
    else if (world.now == 9900)
      identifai_hold_queue_push_event (world.hold, 0,
          GST_MINI_OBJECT (gst_event_new_eos ()), TRUE, world.now * 1000);
    pop_all (&world, 1);
  }
  for (i = 0; i < n; i++) {
    gchar made = sum_up (&world, i);

    fail_unless (turn->expected[i] == '?' || made == turn->expected[i],
        "%s, %s: stretch %u: %c", turn->name, paced ? "paced" : "a file", i,
        made);
  }
  world_clear (&world);
}

GST_START_TEST (test_turns)
{
  run_turn (&turns[__i__], TRUE);
  run_turn (&turns[__i__], FALSE);
}

GST_END_TEST;

/*** an operator's figures ***/

#define BAD_FROM 30000          /* ms; in the middle of a group */
#define BAD_TO 41300
#define STEP 40
#define GROUP 1000

static gboolean
is_bad (const Frame * frame)
{
  return frame->running >= BAD_FROM && frame->running < BAD_TO;
}

/* 20 s are held, and all is judged clean. He presses 2 s after the first bad frame came,
 * with as much for his reaction, and again when it is over: no bad frame leaves, and of
 * the good ones no more than 4 s are lost. */
GST_START_TEST (test_operator)
{
  guint bad = 0, lost = 0, i;
  gint64 time;
  World world;

  world_init (&world, "c");
  world.settings.hold = 20000 * MS;
  configure (&world);
  add_outcome (&world, 0, 'c');
  for (time = 0; time < 60000; time += STEP) {
    Frame *frame = add_frame (&world, 0, time, time);

    frame->kind = IDENTIFAI_PLACEMENT_SEGMENT;
    frame->is_point = time % GROUP == 0;
  }
  for (; world.now < 81000; world.now++) {
    come (&world);
    if (world.now == BAD_FROM + 2000)
      identifai_hold_queue_dump (world.hold, 2000 * MS, world.now * 1000);
    if (world.now == BAD_TO + 1000)
      identifai_hold_queue_release (world.hold);
    pop_all (&world, 0);
    check_law (&world);
  }
  for (i = 0; i < world.n[0]; i++) {
    const Frame *frame = &world.frames[0][i];

    fail_unless (frame->left >= 0);
    bad += is_bad (frame) && frame->held.passes;
    lost += !is_bad (frame) && !frame->held.passes;
  }
  fail_unless_equals_int (bad, 0);
  fail_unless (lost * STEP <= 4000, "%u good frames are lost", lost);
  world_clear (&world);
}

GST_END_TEST;

/*** events, flush, and what isn't paced ***/

static void
push_event (World * world, guint stream, GstEvent * event)
{
  identifai_hold_queue_push_event (world->hold, stream, GST_MINI_OBJECT (event),
      GST_EVENT_TYPE (event) == GST_EVENT_EOS, world->now * 1000);
}

/* Frames of 100 ms that are there at once. */
static void
push_now (World * world, const gchar * text)
{
  guint first = world->n[0];

  read_frames (world, text);
  for (; first < world->n[0]; first++) {
    world->frames[0][first].arrival = world->now;
    world->frames[0][first].running += world->came[0] * FRAME;
  }
  come (world);
}

/* Types of events, and B for buffers that pass, b for those that don't, S for those
 * that a slate replaces. */
static gchar *
pop_list (World * world, guint stream)
{
  GString *list = g_string_new (NULL);
  IdentifaiHeld held;

  while (identifai_hold_queue_pop (world->hold, stream, world->now * 1000,
          &held)) {
    if (held.is_buffer)
      g_string_append_c (list, held.passes ? 'B' : held.slate ? 'S' : 'b');
    else
      g_string_append_c (list,
          gst_event_type_get_name (GST_EVENT_TYPE (held.object))[0]);
    gst_mini_object_unref (held.object);
  }

  return g_string_free (list, FALSE);
}

static void
check_list (World * world, guint stream, const gchar * expected)
{
  gchar *list = pop_list (world, stream);

  fail_unless_equals_string (list, expected);
  g_free (list);
}

/* They pass, in order, as late as buffers, whatever becomes of those. */
GST_START_TEST (test_events)
{
  World world;

  world_init (&world, "c");
  add_outcome (&world, 0, 'a');
  push_event (&world, 0, gst_event_new_stream_start ("s"));
  push_now (&world, "K0p0");
  push_event (&world, 0, gst_event_new_gap (0, 1));
  push_now (&world, "p0");
  push_event (&world, 0, gst_event_new_eos ());
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0, 0),
      HOLD * 1000);
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 1, 0),
      G_MAXINT64);
  world.now = HOLD - 1;
  check_list (&world, 0, "");
  world.now++;
  check_list (&world, 0, "sbbgbe");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0, 0),
      G_MAXINT64);
  world_clear (&world);
}

GST_END_TEST;

static void
push_sound_now (World * world)
{
  Frame *frame = add_frame (world, 1, world->now, world->now);

  push (world, 1, frame, FRAME);
}

static void
force (World * world, IdentifaiForce force)
{
  world->settings.force = force;
  configure (world);
}

/* At once, until the next key frame; sound comes back with that. */
GST_START_TEST (test_slate)
{
  static const gchar *const frames[] = { "K0", "p0", "p0", "K1", "p1" };
  World world;
  guint i;

  world_init (&world, "c");
  for (i = 0; i < G_N_ELEMENTS (frames); i++, world.now += FRAME) {
    push_now (&world, frames[i]);
    push_sound_now (&world);
  }
  add_outcome (&world, 0, 'c');
  add_outcome (&world, 1, 'c');
  world.now = HOLD;
  check_list (&world, 0, "B");
  check_list (&world, 1, "B");
  force (&world, IDENTIFAI_FORCE_SLATE);
  world.now += FRAME;
  check_list (&world, 1, "S");
  check_list (&world, 0, "S");
  force (&world, IDENTIFAI_FORCE_NONE);
  world.now += FRAME;
  check_list (&world, 1, "S");
  check_list (&world, 0, "S");
  world.now += 2 * FRAME;
  check_list (&world, 1, "BB");
  check_list (&world, 0, "BB");
  world_clear (&world);
}

GST_END_TEST;

/* What a stream starts with leaves at once, the stream from a key frame on. */
GST_START_TEST (test_begin)
{
  gint64 decoding, due;
  World world;

  world_init (&world, "o");
  push_event (&world, 0, gst_event_new_stream_start ("s"));
  check_list (&world, 0, "");
  push_now (&world, "p0K0");
  identifai_hold_queue_begin (world.hold);
  check_list (&world, 0, "s");
  fail_unless (identifai_hold_queue_peek (world.hold, 0, &decoding, &due));
  fail_unless_equals_int64 (decoding, 0);
  fail_unless_equals_int64 (due, HOLD * 1000);
  /* but for the end of sound of which there is none */
  push_event (&world, 1, gst_event_new_stream_start ("s"));
  push_event (&world, 1, gst_event_new_eos ());
  check_list (&world, 1, "s");
  world.now = HOLD;
  check_list (&world, 1, "e");
  check_list (&world, 0, "SB");
  fail_if (identifai_hold_queue_peek (world.hold, 0, &decoding, &due));
  push_event (&world, 0, gst_event_new_gap (0, 1));
  check_list (&world, 0, "");
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GQueue events = G_QUEUE_INIT;
  IdentifaiHoldQueueStats stats;
  World world;

  world_init (&world, "c");
  add_outcome (&world, 0, 'a');
  push_now (&world, "K0p0p0");
  world.now = HOLD;
  check_list (&world, 0, "bbb");
  push_now (&world, "K0p0");
  push_event (&world, 0, gst_event_new_eos ());
  identifai_hold_queue_flush (world.hold, 0, &events);
  fail_unless_equals_int (events.length, 1);
  g_queue_clear_full (&events, (GDestroyNotify) gst_event_unref);
  check_law (&world);
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_uint64 (stats.flushed, 2);
  fail_unless_equals_uint64 (stats.held_bytes, 0);
  /* what comes behind it is another stream: there is no hole in it */
  push_now (&world, "p1");
  identifai_hold_queue_dump (world.hold, 0, (world.now + 1) * 1000);
  push_now (&world, "p1");
  add_outcome (&world, 1, 'c');
  world.now += HOLD;
  check_list (&world, 0, "Bb");
  identifai_hold_queue_reset (world.hold);
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_uint64 (stats.came + stats.passed + stats.flushed, 0);
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_streams)
{
  World world;
  guint two;

  world_init (&world, "c");
  two = identifai_hold_queue_add_stream (world.hold);
  fail_unless_equals_int (two, 2);
  push_event (&world, 1, gst_event_new_eos ());
  push_event (&world, two, gst_event_new_eos ());
  identifai_hold_queue_remove_stream (world.hold, 1);
  world.now = HOLD;
  check_list (&world, 1, "");
  check_list (&world, two, "e");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 1, 0),
      G_MAXINT64);
  fail_unless_equals_int (identifai_hold_queue_add_stream (world.hold), 3);
  world_clear (&world);
}

GST_END_TEST;

/* A file: what is decided leaves at once, and nothing else, however late it gets. */
GST_START_TEST (test_not_paced)
{
  World world;

  world_init (&world, "c");
  world.settings.paced = FALSE;
  world.settings.max_bytes = 40;
  configure (&world);
  push_now (&world, "p-h-K0p0h-K1p1");
  fail_unless (identifai_hold_queue_is_full (world.hold) == FALSE);
  /* what no segment has isn't waited for */
  check_list (&world, 0, "b");
  world.now = 10 * HOLD;
  check_list (&world, 0, "");
  fail_unless_equals_int64 (identifai_hold_queue_get_due (world.hold, 0,
          world.now), G_MAXINT64);
  add_outcome (&world, 1, 'c');
  check_list (&world, 0, "");
  add_outcome (&world, 0, 'a');
  check_list (&world, 0, "bbbBBB");
  push_event (&world, 0, gst_event_new_gap (0, 1));
  push_now (&world, "K2p2p2p2p2p2");
  fail_unless (identifai_hold_queue_is_full (world.hold));
  add_outcome (&world, 2, 'c');
  check_list (&world, 0, "gBBBBBB");
  fail_if (identifai_hold_queue_is_full (world.hold));
  /* nor do headers in front of it let more in */
  push_now (&world, "h-K3p3p3p3");
  fail_unless (identifai_hold_queue_is_full (world.hold));
  add_outcome (&world, 3, 'c');
  check_list (&world, 0, "BBBBB");
  /* a segment that is larger than the bound has to come whole */
  push_now (&world, "K?p?p?p?p?p?p?");
  fail_if (identifai_hold_queue_is_full (world.hold));
  world_clear (&world);
}

GST_END_TEST;

/* Headers at the end wait for the end. */
GST_START_TEST (test_not_paced_end)
{
  World world;

  world_init (&world, "c");
  world.settings.paced = FALSE;
  configure (&world);
  add_outcome (&world, 0, 'c');
  push_now (&world, "K0h-");
  check_list (&world, 0, "B");
  push_event (&world, 0, gst_event_new_eos ());
  check_list (&world, 0, "be");
  world_clear (&world);
}

GST_END_TEST;

static void
push_sound (World * world, gint64 running)
{
  push (world, 1, add_frame (world, 1, world->now, running), 20);
}

/* What was held of the round before has no pictures among those of the new one, nor
 * does it leave without them, also when open. */
GST_START_TEST (test_turn_by_flush)
{
  World world;

  world_init (&world, __i__ == 0 ? "c" : "o");
  push_now (&world, "K0p0p0");
  push_sound (&world, 0);
  push_sound (&world, 100);
  identifai_hold_queue_flush (world.hold, 0, NULL);
  world.frames[0][3].running = 0;
  read_frames (&world, "K1p1p1");
  come (&world);
  push_sound (&world, 0);
  add_outcome (&world, 0, 'a');
  add_outcome (&world, 1, 'c');
  world.now = HOLD;
  fail_if (identifai_hold_queue_has_begun (world.hold, 1));
  check_list (&world, 1, "bbB");
  fail_unless (identifai_hold_queue_has_begun (world.hold, 1));
  world_clear (&world);
}

GST_END_TEST;

/* Nor has what comes behind EOS, as long as there is no picture of it. */
GST_START_TEST (test_turn_by_end)
{
  World world;

  world_init (&world, "c");
  world.settings.paced = FALSE;
  configure (&world);
  push_now (&world, "K0p0p0");
  add_outcome (&world, 0, 'c');
  push_sound (&world, 0);
  push_sound (&world, 250);
  push_event (&world, 0, gst_event_new_eos ());
  /* sound that is longer than its video goes with the last picture */
  push_sound (&world, 700);
  check_list (&world, 1, "BBB");
  push_sound (&world, 0);
  check_list (&world, 1, "b");
  world_clear (&world);
}

GST_END_TEST;

/* Sound came before its picture, or comes later. */
GST_START_TEST (test_dumped_sound)
{
  World world;

  world_init (&world, "c");
  push_now (&world, "K0");
  push_sound (&world, 0);
  push_sound (&world, 100);
  world.now = 300;
  push_now (&world, "p0");
  identifai_hold_queue_dump (world.hold, 200 * MS, world.now * 1000);
  push_now (&world, "p0");
  identifai_hold_queue_release (world.hold);
  world.now = 400;
  push_sound (&world, 200);
  push_now (&world, "K0");
  push_sound (&world, 300);
  add_outcome (&world, 0, 'c');
  world.now += HOLD;
  check_list (&world, 1, "BbbB");
  check_list (&world, 0, "BbbB");
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_nothing_held)
{
  World world;

  world_init (&world, "c");
  world.settings.hold = 0;
  configure (&world);
  push_now (&world, "p-p-K0p0");
  add_outcome (&world, 0, 'a');
  push_event (&world, 0, gst_event_new_eos ());
  check_list (&world, 0, "BBBBe");
  world_clear (&world);
}

GST_END_TEST;

GST_START_TEST (test_margins)
{
  IdentifaiHoldQueueStats stats;
  World world;

  world_init (&world, "c");
  push_now (&world, "K0p0");
  identifai_hold_queue_get_stats (world.hold, 0, &stats);
  fail_unless_equals_int64 (stats.margin_min, G_MAXINT64);
  world.now = 400;
  add_outcome (&world, 0, 'c');
  push_now (&world, "K1p1");
  world.now = 500;
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.margin_last, 600 * 1000);
  fail_unless_equals_int64 (stats.max_delay, 400 * 1000);
  fail_unless_equals_int64 (stats.held_time, 500 * 1000);
  world.now = 1500;
  check_list (&world, 0, "BBbb");
  add_outcome (&world, 1, 'c');
  identifai_hold_queue_get_stats (world.hold, world.now * 1000, &stats);
  fail_unless_equals_int64 (stats.margin_min, -100 * 1000);
  fail_unless_equals_uint64 (stats.late_segments, 1);
  fail_unless_equals_uint64 (stats.passed_segments, 1);
  fail_unless_equals_uint64 (stats.withheld_segments, 1);
  world_clear (&world);
}

GST_END_TEST;

/* In an open group, pictures of the segment before leave behind the key frame. */
GST_START_TEST (test_count_open_groups)
{
  IdentifaiHoldQueueStats stats;
  World world;

  world_init (&world, "c");
  world.settings.paced = FALSE;
  configure (&world);
  push_now (&world, "K0p0K1l0l0p1K2l1l1p2");
  add_outcome (&world, 0, 'c');
  add_outcome (&world, 1, 'a');
  add_outcome (&world, 2, 'c');
  check_list (&world, 0, "BBbbbbBbbB");
  identifai_hold_queue_get_stats (world.hold, 0, &stats);
  fail_unless_equals_uint64 (stats.passed_segments, 2);
  fail_unless_equals_uint64 (stats.withheld_segments, 1);
  world_clear (&world);
}

GST_END_TEST;

static Suite *
holdqueue_suite (void)
{
  Suite *suite = suite_create ("holdqueue");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (tc, test_any, 0, 4);
  tcase_add_loop_test (tc, test_turns, 0, G_N_ELEMENTS (turns));
  tcase_add_test (tc, test_operator);
  tcase_add_loop_test (tc, test_turn_by_flush, 0, 2);
  tcase_add_test (tc, test_turn_by_end);
  tcase_add_test (tc, test_events);
  tcase_add_test (tc, test_slate);
  tcase_add_test (tc, test_begin);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_streams);
  tcase_add_test (tc, test_not_paced);
  tcase_add_test (tc, test_not_paced_end);
  tcase_add_test (tc, test_dumped_sound);
  tcase_add_test (tc, test_nothing_held);
  tcase_add_test (tc, test_margins);
  tcase_add_test (tc, test_count_open_groups);

  return suite;
}

GST_CHECK_MAIN (holdqueue);
