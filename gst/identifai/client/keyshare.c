/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "keyshare.h"
#include <math.h>

/* Rounds of a ring, and so places that make up the full limit. */
#define PLACES 64
/* A class of level l is every 2^l th place: 64 >> l of them. */
#define BOX_LEVEL 3
#define BOX (PLACES >> BOX_LEVEL)
#define LAST_LEVEL 6

#define DECREASE 0.7
/* From nothing to all, if nobody is in the way. */
#define GROWTH_TIME (44 * G_TIME_SPAN_SECOND)
/* So long after others were noticed, all try for more at their pace. Later, one
 * that was refused a box waits for so many calls: at most one in so many fails. */
#define SETTLING_TIME (110 * G_TIME_SPAN_SECOND)
#define PATIENCE 14
/* How long a slot is left alone where a call was refused. */
#define MEMORY (2 * G_TIME_SPAN_MINUTE)
/* Nothing refused for so long and nothing waiting, or so many calls with all
 * places: the others are gone, or there is room for all. */
#define CALM (10 * G_TIME_SPAN_MINUTE)
#define CALM_CALLS 60

/* How far from the middle of its slot a call goes, of half a slot but a second at
 * most: from an eighth of a box, first, to eight boxes, last. */
#define SPREAD 0.45
#define SPREAD_LOST 0.9
#define SPREAD_DOUBLINGS 3
/* Who asks for more counts as richer than it is, so that it loses against its
 * equals. What it tries for counts so often. */
#define ASKING 0.8
#define ASKING_POOR 1.2
#define NEWCOMER 1.5
/* After so many refusals in a row, anywhere in the slot; after some more, with
 * less. */
#define ROW_LOST 3
#define ROW_CROWDED 6

#define MAX_REFUSED 32

/* A timer is as late as that, and so no slot is shorter, unless the limit itself
 * is. */
#define LATE (5 * G_TIME_SPAN_MILLISECOND)
#define LEAST_SLOT (20 * G_TIME_SPAN_MILLISECOND)

struct _IdentifaiShare
{
  gint64 slot;                  /* µs */
  guint slots_a_round;          /* of which one is the full limit's */
  gint64 half;                  /* µs: half of a slot, a second at most */
  gint64 epoch;

  gboolean active;
  guint held[PLACES];           /* numbers in the ring */
  guint n_held;
  guint asked[PLACES];          /* what may be added */
  guint n_asked;
  gboolean newcomer;            /* no call was taken in what is held */
  guint claim_level;            /* of the box to begin with */

  gint64 latest;                /* slot that was used; -1 = none */
  gint64 before;                /* the latest before others were noticed */
  gint64 blocked_until;
  gboolean waiting;             /* a call waits since the latest started */
  guint row;                    /* refused in a row */
  gdouble lost;                 /* -1 to 1: where in the slot, once lost */
  guint n_accepted;             /* in a row */
  guint n_failed;               /* boxes that weren't to be had, in a row */
  gint64 entered, changed, refused;     /* when */

  struct
  {
    gint64 slot;
    gint64 time;
  } refusals[MAX_REFUSED];
  guint n_refusals;
};

/* Slots and places. */

static guint
ring_length (const IdentifaiShare * self)
{
  return PLACES * self->slots_a_round;
}

/* Slots between two places of a class. */
static guint
stride (const IdentifaiShare * self, guint level)
{
  return self->slots_a_round << level;
}

/* Of the class with as many places, a box at most. */
static guint
level_of (guint n_places)
{
  guint level = BOX_LEVEL;

  while (level < LAST_LEVEL && (guint) PLACES >> level > n_places)
    level++;

  return level;
}

static gboolean
contains (const guint * places, guint n, guint place)
{
  guint i;

  for (i = 0; i < n && places[i] != place; i++);

  return i < n;
}

static gboolean
holds (const IdentifaiShare * self, guint place)
{
  return contains (self->held, self->n_held, place);
}

static gboolean
asks_for (const IdentifaiShare * self, guint place)
{
  return contains (self->asked, self->n_asked, place);
}

/* Fills places with the class that slot is in. Returns how many. */
static guint
get_class (const IdentifaiShare * self, gint64 slot, guint level,
    guint * places)
{
  guint step = stride (self, level), first = slot % step, i;

  for (i = 0; i < (guint) PLACES >> level; i++)
    places[i] = first + i * step;

  return i;
}

/* How many of the places that are held are in the class. */
static guint
count_class (const IdentifaiShare * self, gint64 slot, guint level)
{
  guint step = stride (self, level), i, n = 0;

  for (i = 0; i < self->n_held; i++)
    n += (self->held[i] % step) == slot % step;

  return n;
}

static void
drop_class (IdentifaiShare * self, gint64 slot, guint level)
{
  guint step = stride (self, level), i, kept = 0;

  for (i = 0; i < self->n_held; i++) {
    if (self->held[i] % step != slot % step)
      self->held[kept++] = self->held[i];
  }
  self->n_held = kept;
}

/* Somebody else was there lately. */
static gboolean
is_taken (const IdentifaiShare * self, gint64 slot, guint level, gint64 now)
{
  guint step = stride (self, level), i;

  for (i = 0; i < self->n_refusals; i++) {
    if (now - self->refusals[i].time <= MEMORY
        && self->refusals[i].slot % step == slot % step)
      return TRUE;
  }

  return FALSE;
}

static void
remember_refusal (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint i, oldest = 0;

  if (self->n_refusals < MAX_REFUSED) {
    oldest = self->n_refusals++;
  } else {
    for (i = 1; i < MAX_REFUSED; i++) {
      if (self->refusals[i].time < self->refusals[oldest].time)
        oldest = i;
    }
  }
  self->refusals[oldest].slot = slot;
  self->refusals[oldest].time = now;
}

/* Where in a slot. */

/* In boxes, as others are to see it. */
static gdouble
wealth (const IdentifaiShare * self, gboolean asking)
{
  gdouble places = self->n_held;

  if (self->newcomer)
    places *= self->row <= ROW_LOST ? NEWCOMER : 1 / NEWCOMER;
  if (asking)
    places += self->n_asked * (self->n_held < BOX ? ASKING_POOR : ASKING);

  return places / BOX;
}

/* µs from the slot's middle. */
static gint64
lead (const IdentifaiShare * self, gboolean asking)
{
  gdouble boxes = wealth (self, asking), where;

  if (self->row >= ROW_LOST)
    return self->lost * SPREAD_LOST * self->half;
  where = boxes > 0 ? log2 (boxes) / SPREAD_DOUBLINGS : -1;

  return CLAMP (where, -1, 1) * SPREAD * self->half;
}

static gint64
slot_time (const IdentifaiShare * self, gint64 slot, gboolean asking)
{
  return slot * self->slot + lead (self, asking) - self->epoch;
}

/* The first slot from time on, where one that has just begun will do. */
static gint64
find_slot (const IdentifaiShare * self, gint64 time)
{
  gint64 late = MAX (self->slot / 8, LATE);
  gint64 slot = (time + self->epoch - self->half) / self->slot - 1;
  gint64 end = slot + 2 * ring_length (self) + 2;

  for (slot = MAX (slot, self->latest + 1); slot < end; slot++) {
    guint place = slot % ring_length (self);
    gboolean held = holds (self, place);

    if ((held || asks_for (self, place))
        && slot_time (self, slot, !held) + late >= time)
      return slot;
  }

  return slot;
}

/* The share. */

IdentifaiShare *
identifai_share_new (void)
{
  IdentifaiShare *self = g_new0 (IdentifaiShare, 1);

  self->latest = -1;
  self->blocked_until = G_MININT64;
  identifai_share_set_pace (self, G_TIME_SPAN_SECOND, 0);

  return self;
}

void
identifai_share_free (IdentifaiShare * self)
{
  g_free (self);
}

void
identifai_share_set_pace (IdentifaiShare * self, gint64 distance,
    guint per_second)
{
  /* Twice what the second allows, as calls don't arrive on time. */
  gint64 least = per_second > 0 ? MAX (2 * G_TIME_SPAN_SECOND / per_second,
      LEAST_SLOT) : distance;
  guint slots = MAX (distance / MAX (least, 1), 1);
  gint64 slot = MAX (distance / slots, 1);

  if (slot == self->slot && slots == self->slots_a_round)
    return;

  self->slots_a_round = slots;
  self->slot = slot;
  self->half = MIN (slot / 2, G_TIME_SPAN_SECOND);
  self->active = FALSE;
  self->n_held = self->n_asked = self->n_refusals = 0;
  self->latest = -1;
}

void
identifai_share_set_epoch (IdentifaiShare * self, gint64 epoch)
{
  self->epoch = epoch;
}

gboolean
identifai_share_is_active (IdentifaiShare * self)
{
  return self->active;
}

gdouble
identifai_share_get_part (IdentifaiShare * self)
{
  return self->active ? (gdouble) self->n_held / PLACES : 1;
}

gint64
identifai_share_next (IdentifaiShare * self, gint64 now)
{
  gint64 time = MAX (now, self->blocked_until);
  gint64 slot;

  self->waiting = TRUE;
  if (!self->active)
    return time;

  slot = find_slot (self, time);

  return MAX (time, slot_time (self, slot, !holds (self,
              slot % ring_length (self))));
}

gint64
identifai_share_take (IdentifaiShare * self, gint64 now)
{
  if (self->active)
    self->latest = find_slot (self, now);
  else
    self->latest = (now + self->epoch) / self->slot;
  self->waiting = FALSE;

  return self->latest;
}

/* Refusals. */

/* Begins with one box, soon: the more were refused, the longer it may take. */
static void
claim (IdentifaiShare * self, gint64 now)
{
  guint level = self->claim_level, n = 0, window;
  gint64 first = (MAX (now, self->blocked_until) + self->epoch + self->half)
      / self->slot + 1;
  gint64 chosen, slot;

  window = MIN (stride (self, level), 8u << MIN (MAX (self->row, 1) - 1, 2));
  chosen = first + g_random_int_range (0, window);
  for (slot = first; slot < first + window; slot++) {
    /* Each of the free ones with the same chance. */
    if (!is_taken (self, slot, level, now)
        && g_random_int_range (0, ++n) == 0)
      chosen = slot;
  }
  self->n_held = get_class (self, chosen, level, self->held);
  self->n_asked = 0;
  self->newcomer = TRUE;
}

/* Whole boxes at random, but not where it was refused. */
static void
hold_boxes (IdentifaiShare * self, gint64 refused, guint n)
{
  guint boxes = stride (self, BOX_LEVEL), start = g_random_int_range (0, boxes);
  guint i;

  self->n_held = 0;
  for (i = 0; i < boxes && n > 0; i++) {
    guint box = (start + i) % boxes;

    if (box == refused % boxes)
      continue;
    self->n_held += get_class (self, box, BOX_LEVEL, self->held + self->n_held);
    n--;
  }
  self->newcomer = FALSE;
}

/* The first refusal: there are others. Who has made many calls lately is the one
 * that they come to. */
static void
enter (IdentifaiShare * self, gint64 slot, gint64 now, guint n_recent)
{
  gint64 distance = self->slot * self->slots_a_round;
  gdouble part = (gdouble) n_recent * distance / G_TIME_SPAN_MINUTE;
  guint boxes = DECREASE * MIN (part, 1) * (PLACES / BOX) + 0.5;

  self->active = TRUE;
  self->before = self->latest;
  self->entered = self->changed = now;
  self->n_failed = 0;
  self->n_asked = 0;
  /* A limit below what a second allows is a share already. */
  self->claim_level = self->slots_a_round > 1 ? 0 : BOX_LEVEL;
  if (boxes <= 1 || self->slots_a_round > 1)
    claim (self, now);
  else
    hold_boxes (self, slot, boxes);
}

static void
decrease (IdentifaiShare * self, gint64 slot)
{
  guint before = self->n_held, level = BOX_LEVEL;

  /* The largest class that isn't all there is. */
  while (level < LAST_LEVEL && count_class (self, slot, level) == before)
    level++;
  drop_class (self, slot, level);

  while (self->n_held > DECREASE * before + BOX / 2 && self->n_held > BOX)
    drop_class (self, self->held[g_random_int_range (0, self->n_held)],
        BOX_LEVEL);
}

static void
lose_newcomer (IdentifaiShare * self, gint64 now)
{
  gboolean settling = now - self->entered < SETTLING_TIME;
  gdouble chance = self->row < ROW_CROWDED && settling ? 0.05 : 0.2;

  /* Shares that were given leave room for all. */
  if (self->slots_a_round > 1 && self->row < ROW_CROWDED)
    chance = 0;

  if (self->claim_level < LAST_LEVEL && g_random_double () < chance)
    self->claim_level++;
  claim (self, now);
}

static void
lose_place (IdentifaiShare * self, gint64 slot, gint64 now)
{
  gboolean all = self->n_held >= PLACES;

  self->n_asked = 0;
  if (all && self->slots_a_round > 1) {
    claim (self, now);
  } else if (self->n_held == BOX && g_random_boolean ()) {
    self->claim_level = BOX_LEVEL;
    claim (self, now);
  } else {
    decrease (self, slot);
    if (self->n_held == 0) {
      self->claim_level = LAST_LEVEL;
      claim (self, now);
    }
  }
}

void
identifai_share_refused (IdentifaiShare * self, gint64 slot, gint64 now,
    gint64 until, guint n_recent)
{
  guint place = slot % ring_length (self);

  self->row++;
  self->n_accepted = 0;
  self->refused = now;
  self->blocked_until = MAX (self->blocked_until, MAX (now, until));
  self->lost = g_random_double_range (-1, 1);

  if (!self->active) {
    enter (self, slot, now, n_recent);
    return;
  }

  remember_refusal (self, slot, now);
  if (slot <= self->before)
    return;
  if (asks_for (self, place)) {
    self->n_asked = 0;
    self->n_failed++;
    self->changed = now;
  } else if (holds (self, place)) {
    self->changed = now;
    if (self->newcomer)
      lose_newcomer (self, now);
    else
      lose_place (self, slot, now);
  }
}

/* Successes. */

static gint64
time_to_grow (const IdentifaiShare * self, guint level, gint64 now)
{
  gint64 time = GROWTH_TIME >> level, settling = SETTLING_TIME;

  /* Who has less than a box may be poor, and tries for longer. */
  if (self->n_held < BOX)
    settling *= 2;
  if (now - self->entered > settling && self->n_failed > 0)
    time = MAX (time, PATIENCE * self->slot * ring_length (self)
        / (gint64) MAX (self->n_held, 1));

  return time * g_random_double_range (0.8, 1.2);
}

/* What isn't held of it. */
static void
ask_for_class (IdentifaiShare * self, gint64 slot, guint level)
{
  guint places[PLACES], n = get_class (self, slot, level, places), i;

  self->n_asked = 0;
  for (i = 0; i < n; i++) {
    if (!holds (self, places[i]))
      self->asked[self->n_asked++] = places[i];
  }
}

/* For as much as is held, a box at most. */
static void
ask (IdentifaiShare * self, gint64 now)
{
  guint level = level_of (self->n_held), i, n = 0, chosen = 0;

  if (now - self->changed < time_to_grow (self, level, now))
    return;

  for (i = 0; i < stride (self, level); i++) {
    if (count_class (self, i, level) < (guint) PLACES >> level
        && !is_taken (self, i, level, now)
        && g_random_int_range (0, ++n) == 0)
      chosen = i;
  }
  if (n > 0) {
    ask_for_class (self, chosen, level);
  } else {
    self->changed = now;
    self->n_failed++;
  }
}

static void
win (IdentifaiShare * self, gint64 now)
{
  guint i;

  for (i = 0; i < self->n_asked && self->n_held < PLACES; i++)
    self->held[self->n_held++] = self->asked[i];
  self->n_asked = 0;
  self->n_failed -= self->n_failed > 0;
  self->changed = now;
}

static gboolean
is_calm (const IdentifaiShare * self, gint64 now)
{
  return (now - self->refused > CALM && !self->waiting)
      || (self->n_held >= PLACES && self->slots_a_round == 1
      && self->n_accepted > CALM_CALLS);
}

void
identifai_share_accepted (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint place = slot % ring_length (self);

  self->row = 0;
  self->n_accepted++;
  if (!self->active || slot <= self->before)
    return;

  if (asks_for (self, place)) {
    win (self, now);
    return;
  }
  if (holds (self, place))
    self->newcomer = FALSE;
  if (is_calm (self, now))
    self->active = FALSE;
  else if (self->waiting && self->n_asked == 0 && !self->newcomer
      && self->n_held < PLACES)
    ask (self, now);
}
