/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which places of the ring are held, and what each call says about them. Pure; the
 * limiter's, on the network thread.
 */

#include "keyshare.h"
#include <math.h>

/* Rounds of a ring, and so places that make up the full limit. */
#define PLACES 64
/* A class of level l is every 2^l th place: 64 >> l of them. */
#define BOX_LEVEL 3
#define BOX (PLACES >> BOX_LEVEL)
#define LAST_LEVEL 6

/* Of what it used lately, a process keeps so much when it learns of others. */
#define ENTER_PART 0.7
/* So long after that, places are taken and lost all the time: who has some asks for
 * more at once, and after half of it forgets what it knows and looks again. */
#define SETTLING_TIME (90 * G_TIME_SPAN_SECOND)
#define REVIEW_TIME (55 * G_TIME_SPAN_SECOND)
#define GROWTH_TIME (2 * G_TIME_SPAN_SECOND)
/* So long after a call was given up as it waited, more is asked for. */
#define SHORT_TIME (60 * G_TIME_SPAN_SECOND)
/* Calls between two that ask for more: at most one in so many fails. Who has less
 * than a box begins with one. */
#define PATIENCE 25
/* How long a refusal is remembered. */
#define MEMORY (10 * G_TIME_SPAN_MINUTE)
#define MAX_REFUSED 64
/* Nothing refused for so long and nothing waiting, or so many calls with all
 * places: the others are gone, or there is room for all. */
#define CALM (10 * G_TIME_SPAN_MINUTE)
#define CALM_CALLS 60
/* For so long, and of so many calls, all was taken: nobody was there. */
#define ALONE_TIME (100 * G_TIME_SPAN_SECOND)
#define ALONE_CALLS 12
/* So many refusals in a row are the service's; one who comes takes a slot or two. */
#define OUTAGE 3

/* Who has no place chooses among so many of the next slots. After so many refusals
 * it is content with half a box, and after some more, with less. Until then, it
 * takes one call in so many from whoever holds the slot. */
#define CHOICE 2u
#define CROWDED 12
#define MORE_CROWDED 5
#define KNOCK 5

/* How far from the middle of its slot a call goes, of half a slot but a second at
 * most: from an eighth of a box, first, to eight boxes, last. */
#define SPREAD 0.45
#define SPREAD_KNOCK 0.9
#define SPREAD_DOUBLINGS 3
/* What isn't held yet counts so often: of two, the one that has less after it has
 * won is to win, and with half of what is asked for as a margin. */
#define ASKING 1.5

/* A timer is as late as that, and so no slot is shorter, unless the limit itself
 * is. */
#define LATE (5 * G_TIME_SPAN_MILLISECOND)
#define LEAST_SLOT (20 * G_TIME_SPAN_MILLISECOND)

/* Numbers in the ring. */
typedef struct
{
  guint numbers[PLACES];
  guint n;
} Places;

struct _IdentifaiShare
{
  gint64 slot;                  /* µs */
  guint slots_a_round;          /* of which one is the full limit's */
  gint64 half;                  /* µs: half of a slot, a second at most */
  gboolean single;              /* one call in a slot is taken, not more */
  gint64 epoch;
  GRand *random;

  gboolean active;
  Places held;
  Places asked;                 /* what may be added */
  Places strikes;               /* held, and refused the latest time */
  guint claim_level;            /* of the class to begin with */
  gboolean newcomer;            /* no call was taken in what is held */
  gboolean alone;               /* nobody was there, then all was refused, and since
                                 * then all was taken: no sign of others yet */
  gboolean knocks;              /* and the next one is somebody's */

  gint64 latest;                /* slot that was used; -1 = none */
  gint64 before;                /* the latest before others were noticed */
  gint64 blocked_until;
  gboolean waiting;             /* a call waits since the latest started */
  gint64 gave_up;               /* when one that waited was given up; G_MININT64: never */
  guint row;                    /* refused in a row */
  guint n_accepted;             /* in a row */
  guint n_lost;                 /* claims of that level, in a row */
  guint n_failed;               /* classes that weren't to be had, in a row */
  gboolean reviewed;
  gboolean explored;            /* all of the others are known to be taken */
  gint64 began;                 /* with its first call; 0 = not yet */
  gint64 changed, refused;      /* when */

  struct
  {
    gint64 slot;
    gint64 time;
  } refusals[MAX_REFUSED];      /* the latest */
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
contains (const Places * places, guint number)
{
  guint i;

  for (i = 0; i < places->n && places->numbers[i] != number; i++);

  return i < places->n;
}

static void
add_place (Places * places, guint number)
{
  if (places->n < PLACES && !contains (places, number))
    places->numbers[places->n++] = number;
}

/* The class that slot is in. */
static void
add_class (const IdentifaiShare * self, Places * places, gint64 slot,
    guint level)
{
  guint step = stride (self, level), i;

  for (i = 0; i < (guint) PLACES >> level; i++)
    add_place (places, slot % step + i * step);
}

/* How many of the places are in the class. */
static guint
count_class (const IdentifaiShare * self, const Places * places, gint64 slot,
    guint level)
{
  guint step = stride (self, level), i, n = 0;

  for (i = 0; i < places->n; i++)
    n += places->numbers[i] % step == slot % step;

  return n;
}

static void
drop_class (const IdentifaiShare * self, Places * places, gint64 slot,
    guint level)
{
  guint step = stride (self, level), i, kept = 0;

  for (i = 0; i < places->n; i++) {
    if (places->numbers[i] % step != slot % step)
      places->numbers[kept++] = places->numbers[i];
  }
  places->n = kept;
}

/* When somebody else was there; G_MININT64: not lately. */
static gint64
refused_at (const IdentifaiShare * self, gint64 slot, guint level, gint64 now)
{
  guint step = stride (self, level), i;
  gint64 at = G_MININT64;

  for (i = 0; i < MIN (self->n_refusals, MAX_REFUSED); i++) {
    if (self->refusals[i].slot % step == slot % step)
      at = MAX (at, self->refusals[i].time);
  }

  return at != G_MININT64 && now - at <= MEMORY ? at : G_MININT64;
}

static void
remember_refusal (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint i = self->n_refusals++ % MAX_REFUSED;

  self->refusals[i].slot = slot;
  self->refusals[i].time = now;
}

/* Where in a slot. */

/* In boxes, as others are to see it. */
static gdouble
wealth (const IdentifaiShare * self, gboolean asking)
{
  gdouble places = self->held.n;

  if (self->newcomer)
    places *= ASKING;
  if (asking)
    places += self->asked.n * ASKING;

  return places / BOX;
}

/* µs from the slot's middle. */
static gint64
lead (const IdentifaiShare * self, gboolean asking)
{
  gdouble boxes = wealth (self, asking), where;

  if (self->knocks)
    return -SPREAD_KNOCK * self->half;
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
    gboolean held = contains (&self->held, place);

    if ((held || contains (&self->asked, place))
        && slot_time (self, slot, !held) + late >= time)
      return slot;
  }

  return slot;
}

/* The share. */

IdentifaiShare *
identifai_share_new (guint32 seed)
{
  IdentifaiShare *self = g_new0 (IdentifaiShare, 1);

  self->random = g_rand_new_with_seed (seed);
  self->latest = -1;
  self->blocked_until = self->gave_up = G_MININT64;
  identifai_share_set_pace (self, G_TIME_SPAN_SECOND, 0);

  return self;
}

void
identifai_share_free (IdentifaiShare * self)
{
  g_rand_free (self->random);
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

  self->single = per_second == 1;
  if (slot == self->slot && slots == self->slots_a_round)
    return;

  self->slots_a_round = slots;
  self->slot = slot;
  self->half = MIN (slot / 2, G_TIME_SPAN_SECOND);
  self->active = self->newcomer = self->knocks = FALSE;
  self->held.n = self->asked.n = self->strikes.n = self->n_refusals = 0;
  self->latest = -1;
}

/* Where the clock was set, places stay, wherever they are now: whether they are
 * free shows. Two clocks that are read one after the other differ a little. */
void
identifai_share_set_epoch (IdentifaiShare * self, gint64 epoch)
{
  gint64 step = ABS (epoch - self->epoch);

  if (step > self->half / 4) {
    self->latest = self->before = -1;
    self->n_refusals = 0;
  }
  if (step > LATE)
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
  return self->active ? (gdouble) self->held.n / PLACES : 1;
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

  return MAX (time, slot_time (self, slot, !contains (&self->held,
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
  if (self->began == 0)
    self->began = now;

  return self->latest;
}

void
identifai_share_gave_up (IdentifaiShare * self, gint64 now)
{
  if (self->waiting)
    self->gave_up = now;
}

gboolean
identifai_share_is_doubtful (IdentifaiShare * self, gint64 slot)
{
  return self->active && (self->row > 0 || self->newcomer
      || !contains (&self->held, slot % ring_length (self)));
}

/* No place. */

/* Of the next slots, one where there was nobody, or not for the longest time. */
static gint64
choose_slot (IdentifaiShare * self, gint64 now)
{
  guint level = self->claim_level, window = stride (self, level), n = 0;
  gint64 first = (MAX (now, self->blocked_until) + self->epoch + self->half)
      / self->slot + 1;
  gint64 slot, chosen = first, oldest = G_MAXINT64;

  /* Where nobody gets anything, all try less. */
  if (level >= BOX_LEVEL)
    window = MIN (window, CHOICE << MIN (level - BOX_LEVEL
            + self->n_lost / CROWDED, LAST_LEVEL));
  for (slot = first; slot < first + window; slot++) {
    gint64 at = refused_at (self, slot, level, now);

    if (at > oldest)
      continue;
    if (at < oldest)
      n = 0;
    oldest = at;
    /* Each of them with the same chance. */
    if (g_rand_int_range (self->random, 0, ++n) == 0)
      chosen = slot;
  }

  return chosen;
}

static void
claim (IdentifaiShare * self, gint64 now)
{
  self->held.n = self->asked.n = self->strikes.n = 0;
  add_class (self, &self->held, choose_slot (self, now), self->claim_level);
  self->newcomer = TRUE;
  self->knocks = self->claim_level == BOX_LEVEL && self->row > 0
      && self->row % KNOCK == 0;
}

static void
claim_anew (IdentifaiShare * self, guint level, gint64 now)
{
  self->claim_level = level;
  self->n_lost = 0;
  claim (self, now);
}

static void
lose_claim (IdentifaiShare * self, gint64 now)
{
  guint enough = self->claim_level <= BOX_LEVEL ? CROWDED : MORE_CROWDED;

  if (++self->n_lost >= enough && self->claim_level < LAST_LEVEL)
    claim_anew (self, self->claim_level + 1, now);
  else
    claim (self, now);
}

/* A call was taken. That of one that knocked was another's, and is so again. */
static void
win_claim (IdentifaiShare * self, gint64 now)
{
  if (self->knocks) {
    self->row = self->alone ? OUTAGE : 1;
    claim (self, now);
  } else {
    self->newcomer = FALSE;
  }
}

/* More places. */

/* Who has about a box asks for half a one: if it has less than the others, it
 * gets that of any of them. */
static guint
ask_level (const IdentifaiShare * self)
{
  gboolean half = self->reviewed && self->held.n >= BOX
      && self->held.n < BOX * 3 / 2;

  return half ? BOX_LEVEL + 1 : level_of (self->held.n);
}

static gboolean
is_settling (const IdentifaiShare * self, gint64 now)
{
  return now - self->began < SETTLING_TIME;
}

static gint64
time_to_grow (const IdentifaiShare * self, gint64 now)
{
  gint64 call = self->slot * ring_length (self) / MAX (self->held.n, 1);
  guint calls = PATIENCE;

  if (self->n_failed == 0)
    return GROWTH_TIME;

  if (self->held.n < BOX)
    calls = MIN (1u << MIN (self->n_failed, 5u), calls);

  return (self->explored || !is_settling (self, now) ? calls * call :
      GROWTH_TIME) * g_rand_double_range (self->random, 0.8, 1.2);
}

/* What was never refused, or not for the longest time. */
static void
ask (IdentifaiShare * self, gint64 now, gboolean unknown_only)
{
  guint level = ask_level (self), known = level_of (self->held.n), i, n = 0;
  guint chosen = 0;
  gint64 oldest = G_MAXINT64;

  for (i = 0; i < stride (self, level); i++) {
    gint64 at = refused_at (self, i, known, now);

    if (at > oldest || count_class (self, &self->held, i, level)
        == (guint) PLACES >> level)
      continue;
    if (at < oldest)
      n = 0;
    oldest = at;
    if (g_rand_int_range (self->random, 0, ++n) == 0)
      chosen = i;
  }
  self->explored = oldest != G_MININT64;
  if (n == 0 || (unknown_only && self->explored))
    return;

  add_class (self, &self->asked, chosen, level);
  for (i = 0; i < self->held.n; i++)
    drop_class (self, &self->asked, self->held.numbers[i], LAST_LEVEL);
}

/* Nobody may be there: box by box, as many as are held, in the slots that come next. */
static void
ask_for_as_many (IdentifaiShare * self, gint64 now)
{
  guint n = MAX (self->held.n / BOX, 1), boxes = stride (self, BOX_LEVEL), i;
  gint64 slot = (now + self->epoch + self->half) / self->slot + 1;

  for (i = 0; i < boxes && n > 0; i++, slot++) {
    if (count_class (self, &self->held, slot, BOX_LEVEL) > 0)
      continue;
    add_class (self, &self->asked, slot, BOX_LEVEL);
    n--;
  }
}

static void
win_asked (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint level = self->alone ? BOX_LEVEL : 0, i;

  for (i = 0; i < self->asked.n; i++) {
    if (self->asked.numbers[i] % stride (self, level) == slot
        % stride (self, level))
      add_place (&self->held, self->asked.numbers[i]);
  }
  drop_class (self, &self->asked, slot, level);
  self->n_failed = 0;
  self->explored = FALSE;
  self->changed = now;
}

/* It was the service: all is taken again. */
static void
come_back (IdentifaiShare * self, gint64 now)
{
  if (self->held.n >= PLACES)
    self->active = FALSE;
  else if (self->asked.n == 0 && !self->newcomer)
    ask_for_as_many (self, now);
}

static void
lose_asked (IdentifaiShare * self, gint64 now)
{
  self->asked.n = 0;
  self->n_failed++;
  self->changed = now;
  if (is_settling (self, now))
    ask (self, now, TRUE);
}

/* While all were looking for places, what was taken became free. */
static void
review (IdentifaiShare * self)
{
  self->reviewed = TRUE;
  self->explored = FALSE;
  self->n_refusals = 0;
  self->n_failed = 0;
}

/* Refusals. */

/* Whole boxes at random, but not where it was refused. */
static void
hold_boxes (IdentifaiShare * self, gint64 refused, guint n)
{
  guint boxes = stride (self, BOX_LEVEL);
  guint start = g_rand_int_range (self->random, 0, boxes), i;

  self->newcomer = self->knocks = FALSE;
  self->held.n = self->asked.n = self->strikes.n = 0;
  for (i = 0; i < boxes && self->held.n < n * BOX; i++) {
    guint box = (start + i) % boxes;

    if (box != refused % boxes)
      add_class (self, &self->held, box, BOX_LEVEL);
  }
}

/* The first refusal: there are others. Who has made many calls lately is the one
 * that they come to. */
static void
enter (IdentifaiShare * self, gint64 slot, gint64 now, guint n_recent)
{
  gint64 distance = self->slot * self->slots_a_round;
  gdouble part = (gdouble) n_recent * distance / G_TIME_SPAN_MINUTE;
  guint boxes = ENTER_PART * MIN (part, 1) * (PLACES / BOX) + 0.5;

  self->active = TRUE;
  self->before = self->latest;
  self->changed = now;
  self->n_failed = 0;
  self->reviewed = self->explored = FALSE;
  /* A limit below what a second allows is a share already. */
  if (self->slots_a_round > 1)
    claim_anew (self, 0, now);
  else if (boxes == 0)
    claim_anew (self, BOX_LEVEL, now);
  else
    hold_boxes (self, slot, boxes);
}

/* Refused in a place that was held. Once may be anything, and be it one that
 * knocks: twice in a row, somebody who has less took it. Where several calls go in
 * a slot, it isn't said whose place it is. Returns the level of the class that is
 * lost; 0 = none. */
static guint
count_strike (IdentifaiShare * self, gint64 slot)
{
  guint level = level_of (self->held.n);

  if (!self->single)
    return level;
  /* The call in the other half of the class may have been taken in between. */
  if (level < LAST_LEVEL
      && count_class (self, &self->strikes, slot, level + 1) > 0)
    return level + 1;
  if (count_class (self, &self->strikes, slot, level) > 0)
    return level;
  add_place (&self->strikes, slot % ring_length (self));

  return 0;
}

static void
lose_place (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint before = self->held.n, level;

  self->asked.n = 0;
  if (before >= PLACES && self->slots_a_round > 1) {
    remember_refusal (self, slot, now);
    claim_anew (self, 0, now);
    return;
  }
  level = count_strike (self, slot);
  if (level == 0)
    return;

  remember_refusal (self, slot, now);
  drop_class (self, &self->strikes, slot, level);
  drop_class (self, &self->held, slot, level);
  if (self->held.n == 0)
    claim_anew (self, level_of (before), now);
}

void
identifai_share_refused (IdentifaiShare * self, gint64 slot, gint64 now,
    gint64 until, guint n_recent)
{
  guint place = slot % ring_length (self);
  gboolean held = contains (&self->held, place);

  self->alone = self->active ? self->alone && self->n_accepted == 0 :
      self->slots_a_round == 1 && self->n_accepted >= ALONE_CALLS
      && now - MAX (self->began, self->refused) >= ALONE_TIME;
  self->row++;
  self->n_accepted = 0;
  self->refused = now;
  self->blocked_until = MAX (self->blocked_until, MAX (now, until));
  if (!self->active) {
    enter (self, slot, now, n_recent);
    return;
  }
  if (self->alone) {
    claim_anew (self, BOX_LEVEL, now);
    return;
  }

  if (!held || (self->newcomer && !self->knocks))
    remember_refusal (self, slot, now);
  if (slot <= self->before)
    return;
  if (contains (&self->asked, place)) {
    lose_asked (self, now);
  } else if (held) {
    self->changed = now;
    if (self->newcomer)
      lose_claim (self, now);
    else
      lose_place (self, slot, now);
  }
}

/* Successes. */

/* More is to go than can: also where what waited was given up, and so there is no queue. */
static gboolean
is_short (const IdentifaiShare * self, gint64 now)
{
  return self->waiting || (self->gave_up != G_MININT64
      && now - self->gave_up < SHORT_TIME);
}

static gboolean
is_calm (const IdentifaiShare * self, gint64 now)
{
  return (now - self->refused > CALM && !is_short (self, now))
      || (self->held.n >= PLACES && self->slots_a_round == 1
      && self->n_accepted > CALM_CALLS);
}

/* Whether it is time to ask for more. */
static gboolean
wants_more (const IdentifaiShare * self, gint64 now)
{
  return is_short (self, now) && self->asked.n == 0 && !self->newcomer
      && self->held.n < PLACES
      && now - self->changed >= time_to_grow (self, now);
}

void
identifai_share_accepted (IdentifaiShare * self, gint64 slot, gint64 now)
{
  guint place = slot % ring_length (self);

  self->alone = self->alone && (self->row == 0 || self->row >= OUTAGE);
  self->row = 0;
  self->n_accepted++;
  if (!self->active || slot <= self->before)
    return;

  if (contains (&self->asked, place)) {
    win_asked (self, slot, now);
    if (self->alone)
      come_back (self, now);
    return;
  }
  if (!self->reviewed && now - self->began > REVIEW_TIME)
    review (self);
  if (contains (&self->held, place)) {
    drop_class (self, &self->strikes, slot,
        MIN (level_of (self->held.n) + 1, LAST_LEVEL));
    if (self->newcomer)
      win_claim (self, now);
  }
  if (self->alone)
    come_back (self, now);
  else if (is_calm (self, now))
    self->active = FALSE;
  else if (wants_more (self, now))
    ask (self, now, FALSE);
}
