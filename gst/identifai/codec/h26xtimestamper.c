/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A demuxer that knows decoding times only gives them out as PTS of key frames,
 * too: so a PTS that is the DTS counts only once two frames in a row had one.
 *
 * How many pictures are reordered (the depth) is in the stream's headers, mostly.
 * If not, the first frames are held back to find out, as many as a decoder may
 * hold at most.
 *
 * Where some frames have a PTS and others don't (transport streams need not repeat
 * it), the counts tell the others' distance from one that has.
 *
 * The count may start over where nothing tells, or be nonsense: what was decoded
 * before would wait for ever for the counts in front of its own, and all frames
 * behind it. So a count that falls far ends a group, and so do too many frames.
 */

#include "h26xtimestamper.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CODEC)

#define NO_TIME IDENTIFAI_NO_TIME
#define SURE_FRAMES 2           /* with a PTS, for all to have one */
#define UNDECIDED_FRAMES 16
#define FALLBACK_STEP (40 * (gint64) GST_MSECOND)
#define MAX_STEP (10 * (gint64) GST_SECOND)     /* more is a gap */

/* No encoder decodes a picture so many others, or counts, too early. */
#define MAX_HELD 48
#define MAX_FALL (4 * UNDECIDED_FRAMES)

typedef enum
{
  STATE_UNKNOWN,                /* all so far had a PTS that is the DTS */
  STATE_GIVEN,                  /* frames have a PTS */
  STATE_UNDECIDED,              /* they have none, and the depth isn't known */
  STATE_ORDERING,
} State;

struct _IdentifaiH26xTimestamper
{
  gchar *name;
  State state;
  guint depth;
  gint64 latest;                /* DTS of the latest frame; NO_TIME */
  gint64 step;                  /* to it from the one before */
  GQueue held;                  /* of IdentifaiFrame, as decoded; the first one
                                 * has no PTS yet (or, STATE_UNKNOWN, a doubtful
                                 * one) */
  GQueue unseen;                /* the frames of held that have none, as shown */
  IdentifaiDisplayOrder seen;   /* of the last one shown */

  /* the last frame with a PTS of its own, and how long so many counts last */
  IdentifaiDisplayOrder anchor;
  gint64 anchor_pts;
  gint64 counts, length;        /* 0: not known */
};

IdentifaiH26xTimestamper *
identifai_h26x_timestamper_new (const gchar * name)
{
  IdentifaiH26xTimestamper *self = g_new0 (IdentifaiH26xTimestamper, 1);

  self->name = g_strdup (name);
  g_queue_init (&self->held);
  g_queue_init (&self->unseen);
  identifai_h26x_timestamper_clear (self);

  return self;
}

void
identifai_h26x_timestamper_free (IdentifaiH26xTimestamper * self)
{
  identifai_h26x_timestamper_clear (self);
  g_free (self->name);
  g_free (self);
}

void
identifai_h26x_timestamper_clear (IdentifaiH26xTimestamper * self)
{
  g_queue_clear (&self->unseen);
  g_queue_clear_full (&self->held, (GDestroyNotify) identifai_frame_free);
  self->state = STATE_UNKNOWN;
  self->depth = 0;
  self->latest = NO_TIME;
  self->step = FALLBACK_STEP;
  self->seen.is_known = self->anchor.is_known = FALSE;
  self->counts = 0;
}

/* Whether the PTS is nothing but a copy. */
static gboolean
is_in_doubt (const IdentifaiFrame * frame)
{
  return frame->pts == NO_TIME || frame->pts == frame->dts;
}

/* A frame without an order is shown in its turn. */
static gboolean
is_before (const IdentifaiDisplayOrder * a, const IdentifaiDisplayOrder * b)
{
  if (!a->is_known || !b->is_known)
    return FALSE;

  return a->epoch < b->epoch || (a->epoch == b->epoch && a->count < b->count);
}

/* Returns how many frames that are decoded before it are shown after it. */
static guint
insert (GQueue * unseen, IdentifaiFrame * frame)
{
  GList *link = unseen->tail;
  guint passed = 0;

  for (; link; link = link->prev) {
    IdentifaiFrame *other = link->data;

    if (!is_before (&frame->info.order, &other->info.order))
      break;
    passed++;
  }
  g_queue_insert_after (unseen, link, frame);

  return passed;
}

static void
release (IdentifaiH26xTimestamper * self, GQueue * ready)
{
  IdentifaiFrame *frame;

  while ((frame = g_queue_peek_head (&self->held)) && frame->pts != NO_TIME)
    g_queue_push_tail (ready, g_queue_pop_head (&self->held));
}

/* How many counts it is after the last frame with a PTS; FALSE: that is far off. */
static gboolean
find_distance (IdentifaiH26xTimestamper * self,
    const IdentifaiDisplayOrder * order, gint64 * counts)
{
  if (!order->is_known || !self->anchor.is_known
      || order->epoch != self->anchor.epoch)
    return FALSE;
  *counts = order->count - self->anchor.count;

  return ABS (*counts) <= MAX_FALL;
}

/* From a frame with a PTS of its own. */
static void
learn (IdentifaiH26xTimestamper * self, const IdentifaiFrame * frame)
{
  gint64 length = frame->pts - self->anchor_pts, counts;

  if (find_distance (self, &frame->info.order, &counts) && counts != 0
      && ABS (length) <= MAX_STEP && (length > 0) == (counts > 0)) {
    GST_LOG_ID (self->name, "%" G_GINT64_FORMAT " counts last %"
        GST_STIME_FORMAT, counts, GST_STIME_ARGS (length));
    self->counts = counts;
    self->length = length;
  }
  self->anchor = frame->info.order;
  self->anchor_pts = frame->pts;
}

/* FALSE: its PTS can't be told by another's. */
static gboolean
place_by_count (IdentifaiH26xTimestamper * self, IdentifaiFrame * frame)
{
  gint64 counts, pts;

  if (self->counts == 0 || !find_distance (self, &frame->info.order, &counts))
    return FALSE;
  pts = self->anchor_pts + counts * self->length / self->counts;
  if (frame->dts != NO_TIME && frame->dts - pts > self->step / 2)
    return FALSE;
  frame->pts = frame->dts != NO_TIME ? MAX (pts, frame->dts) : pts;
  GST_LOG_ID (self->name, "frame of count %" G_GINT64_FORMAT " is shown at %"
      GST_STIME_FORMAT ", %" G_GINT64_FORMAT " counts from one with a time",
      frame->info.order.count, GST_STIME_ARGS (frame->pts), counts);

  return TRUE;
}

/* There is another frame with a PTS. */
static void
place_unseen (IdentifaiH26xTimestamper * self)
{
  GList *link = self->unseen.head, *next;

  for (; link; link = next) {
    next = link->next;
    if (place_by_count (self, link->data))
      g_queue_delete_link (&self->unseen, link);
  }
  if (self->state == STATE_ORDERING && self->unseen.length == 0) {
    GST_DEBUG_ID (self->name, "frames have presentation times again, or are "
        "placed beside those that do");
    self->state = STATE_GIVEN;
  }
}

static void
show_next (IdentifaiH26xTimestamper * self, gint64 time)
{
  IdentifaiFrame *frame = g_queue_pop_head (&self->unseen);

  GST_LOG_ID (self->name, "frame of count %" G_GINT64_FORMAT " is shown at %"
      GST_STIME_FORMAT ", in its turn", frame->info.order.count,
      GST_STIME_ARGS (time));
  frame->pts = time;
  self->seen = frame->info.order;
}

/* They need no more frames to be decoded. */
static void
show_all (IdentifaiH26xTimestamper * self)
{
  gint64 time = self->latest;

  while (self->unseen.length > 0) {
    time += self->step;
    show_next (self, time);
  }
  self->seen.is_known = FALSE;
}

static gboolean
starts_over (IdentifaiH26xTimestamper * self,
    const IdentifaiDisplayOrder * order)
{
  return self->held.length >= MAX_HELD || (is_before (order, &self->seen)
      && order->epoch == self->seen.epoch
      && order->count < self->seen.count - MAX_FALL);
}

static void
order_frame (IdentifaiH26xTimestamper * self, IdentifaiFrame * frame)
{
  gint64 time = frame->dts != NO_TIME ? frame->dts : frame->pts;

  if (starts_over (self, &frame->info.order)) {
    GST_DEBUG_ID (self->name, "the order starts over at a count of %"
        G_GINT64_FORMAT " after %" G_GINT64_FORMAT ", with %u frames held",
        frame->info.order.count, self->seen.count, self->held.length);
    show_all (self);
  }
  if (self->latest != NO_TIME && time > self->latest
      && time - self->latest <= MAX_STEP)
    self->step = time - self->latest;
  self->latest = time;
  g_queue_push_tail (&self->held, frame);
  if (is_in_doubt (frame) && !place_by_count (self, frame)) {
    frame->pts = NO_TIME;
    insert (&self->unseen, frame);
    /* the headers promised less */
    if (is_before (&frame->info.order, &self->seen)) {
      self->depth = MIN (self->depth + 1, UNDECIDED_FRAMES);
      GST_DEBUG_ID (self->name, "a frame was shown too early: %u are reordered "
          "from now on", self->depth);
    }
  }
  while (self->unseen.length > self->depth)
    show_next (self, time);
}

static guint
measure_depth (IdentifaiH26xTimestamper * self)
{
  guint depth = self->depth, passed;
  GQueue unseen = G_QUEUE_INIT;
  GList *link;

  for (link = self->held.head; link; link = link->next) {
    passed = insert (&unseen, link->data);
    depth = MAX (depth, passed);
  }
  g_queue_clear (&unseen);

  return depth;
}

static void
start_ordering (IdentifaiH26xTimestamper * self)
{
  GQueue all = self->held;
  IdentifaiFrame *frame;

  self->depth = measure_depth (self);
  GST_DEBUG_ID (self->name,
      "frames have decoding times only: they are shown by "
      "their picture order count, %u reordered, as seen in %u frames and their "
      "headers", self->depth, self->held.length);
  self->state = STATE_ORDERING;
  g_queue_init (&self->held);
  while ((frame = g_queue_pop_head (&all)))
    order_frame (self, frame);
}

static void
hold (IdentifaiH26xTimestamper * self, IdentifaiFrame * frame)
{
  const IdentifaiDisplayOrder *order = &frame->info.order;

  g_queue_push_tail (&self->held, frame);
  if (order->is_known && order->depth >= 0)
    self->depth = order->depth;
  else if (!is_in_doubt (frame))
    self->depth = MAX (self->depth, 1);
  else if (self->held.length < UNDECIDED_FRAMES)
    return;
  start_ordering (self);
}

static void
find_state (IdentifaiH26xTimestamper * self, const IdentifaiFrame * frame)
{
  if (frame->pts == NO_TIME)
    self->state = STATE_UNDECIDED;
  else if (!is_in_doubt (frame) || self->held.length + 1 == SURE_FRAMES)
    self->state = STATE_GIVEN;
  GST_DEBUG_ID (self->name, "presentation times are %s",
      self->state == STATE_GIVEN ? "the frames' own" :
      self->state == STATE_UNDECIDED ? "missing" : "perhaps copies");
}

void
identifai_h26x_timestamper_push (IdentifaiH26xTimestamper * self,
    IdentifaiFrame * frame, GQueue * ready)
{
  gboolean is_given;

  if (self->state == STATE_UNKNOWN || (self->state == STATE_GIVEN
          && frame->pts == NO_TIME && !place_by_count (self, frame)))
    find_state (self, frame);
  is_given = self->state == STATE_GIVEN || !is_in_doubt (frame);
  switch (self->state) {
    case STATE_UNKNOWN:
      g_queue_push_tail (&self->held, frame);
      return;
    case STATE_UNDECIDED:
      hold (self, frame);
      break;
    case STATE_GIVEN:
      g_queue_push_tail (&self->held, frame);
      break;
    case STATE_ORDERING:
      order_frame (self, frame);
      break;
  }
  if (self->state == STATE_UNDECIDED)
    return;
  if (is_given) {
    learn (self, frame);
    place_unseen (self);
  }
  release (self, ready);
}

void
identifai_h26x_timestamper_drain (IdentifaiH26xTimestamper * self,
    GQueue * ready)
{
  if (self->held.length > 0)
    GST_DEBUG_ID (self->name, "drained: %u frames are held, %u without a time",
        self->held.length, self->unseen.length);
  if (self->state == STATE_UNDECIDED)
    start_ordering (self);
  show_all (self);
  release (self, ready);
}
