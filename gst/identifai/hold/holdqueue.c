/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Under the engine's lock. Running and decoding times are ns, signed; arrival, due and
 * now are monotonic, in µs.
 */

#include "holdqueueprivate.h"
#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

#define NO_TIME IDENTIFAI_NO_TIME
#define VIDEO IDENTIFAI_HOLD_VIDEO
#define NEVER G_MAXINT64
#define KEPT_SEGMENTS 64        /* that have left: sound may ask for them */

static void
restart (IdentifaiHoldQueue * self)
{
  self->gap = FALSE;
  self->leads = TRUE;
  self->video_over = FALSE;
  self->last_segment = -1;
  self->begun = FALSE;
  self->floor = NO_TIME;
}

static void
clear_stats (IdentifaiHoldQueue * self)
{
  self->stats = (IdentifaiHoldQueueStats) {
  .margin_last = NEVER,.margin_min = NEVER};
  self->counted = -1;
  self->n_late_open = 0;
}

IdentifaiHoldQueue *
identifai_hold_queue_new (IdentifaiDecisions * decisions, const gchar * name)
{
  IdentifaiHoldQueue *self = g_new0 (IdentifaiHoldQueue, 1);

  self->name = g_strdup (name);
  self->decisions = decisions;
  self->settings.paced = TRUE;
  self->settings.max_bytes = G_MAXUINT64;
  self->streams = g_ptr_array_new_with_free_func (identifai_held_stream_free);
  self->marks = identifai_marks_new ();
  self->next_id = 1;
  restart (self);
  clear_stats (self);
  identifai_hold_queue_add_stream (self);

  return self;
}

void
identifai_hold_queue_set_name (IdentifaiHoldQueue * self, const gchar * name)
{
  g_free (self->name);
  self->name = g_strdup (name);
  identifai_decisions_set_name (self->decisions, name);
}

void
identifai_hold_queue_free (IdentifaiHoldQueue * self)
{
  g_ptr_array_unref (self->streams);
  identifai_marks_free (self->marks);
  g_free (self->name);
  g_free (self);
}

guint
identifai_hold_queue_add_stream (IdentifaiHoldQueue * self)
{
  g_ptr_array_add (self->streams, identifai_held_stream_new ());
  GST_DEBUG_ID (self->name, "stream %u is held", self->streams->len - 1);

  return self->streams->len - 1;
}

static void
throw_away (IdentifaiHoldQueue * self, guint number, GQueue * events)
{
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, number);
  IdentifaiHeldItem *item;

  while (stream != NULL && (item = g_queue_pop_head (&stream->items)) != NULL) {
    self->stats.held_bytes -= item->size;
    if (number == VIDEO && item->id != 0) {
      self->stats.flushed++;
      self->stats.held--;
    }
    if (item->id == 0 && events != NULL)
      g_queue_push_tail (events, gst_mini_object_ref (item->object));
    identifai_held_item_free (item);
  }
}

static void
mark_flushed (IdentifaiHeldItem * item, gint64 unused, gint64 unused_too)
{
  item->flushed = TRUE;
}

void
identifai_hold_queue_flush (IdentifaiHoldQueue * self, guint number,
    GQueue * events)
{
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, number);

  if (stream != NULL && !g_queue_is_empty (&stream->items))
    GST_DEBUG_ID (self->name, "stream %u is flushed: %u buffers and events; %"
        G_GUINT64_FORMAT " bytes are held of all", number,
        g_queue_get_length (&stream->items), self->stats.held_bytes);
  throw_away (self, number, events);
  if (stream != NULL)
    identifai_held_stream_restart (stream);
  if (number != VIDEO)
    return;
  identifai_hold_queue_for_each (self, mark_flushed, 0, 0);
  identifai_marks_clear (self->marks);
  restart (self);
}

gboolean
identifai_hold_queue_has_begun (IdentifaiHoldQueue * self, guint number)
{
  const IdentifaiHeldStream *stream =
      identifai_hold_queue_get_stream (self, number);

  return stream != NULL && stream->begun;
}

void
identifai_hold_queue_remove_stream (IdentifaiHoldQueue * self, guint stream)
{
  GST_DEBUG_ID (self->name, "stream %u goes, with what is held of it", stream);
  throw_away (self, stream, NULL);
  identifai_held_stream_free (identifai_hold_queue_get_stream (self, stream));
  if (stream < self->streams->len)
    g_ptr_array_index (self->streams, stream) = NULL;
}

void
identifai_hold_queue_reset (IdentifaiHoldQueue * self)
{
  guint i;

  for (i = 0; i < self->streams->len; i++)
    identifai_hold_queue_flush (self, i, NULL);
  self->dumping = self->overflowed = self->told_overflow = FALSE;
  clear_stats (self);
}

/* What comes in. */

guint64
identifai_hold_queue_push_buffer (IdentifaiHoldQueue * self, guint stream,
    GstBuffer * buffer, gint64 running, gint64 decoding, gint64 duration,
    gint64 arrival)
{
  IdentifaiHeldItem *item =
      identifai_held_stream_push (identifai_hold_queue_get_stream (self,
          stream),
      GST_MINI_OBJECT (buffer), arrival);

  item->id = self->next_id++;
  item->running = running;
  item->duration = duration;
  item->size = gst_buffer_get_size (buffer);
  item->dumped = self->dumping;
  self->stats.held_bytes += item->size;
  if (stream == VIDEO) {
    identifai_marks_add (self->marks, item->id, running, decoding, duration,
        arrival, GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT))
        ->dumped = item->dumped;
    self->stats.came++;
    self->stats.held++;
    self->video_over = FALSE;
  } else {
    identifai_held_stream_note_time (identifai_hold_queue_get_stream (self,
            stream), item);
  }
  GST_LOG_ID (self->name, "stream %u, buffer %" G_GUINT64_FORMAT " at %"
      GST_STIME_FORMAT ", %" G_GSIZE_FORMAT " bytes, is held%s", stream,
      item->id, GST_STIME_ARGS (running), item->size,
      item->dumped ? ", and dumped" : "");

  return item->id;
}

void
identifai_hold_queue_push_event (IdentifaiHoldQueue * self, guint stream,
    GstMiniObject * event, gboolean is_eos, gint64 arrival)
{
  identifai_held_stream_push (identifai_hold_queue_get_stream (self, stream),
      event, arrival)->is_eos = is_eos;
  if (stream != VIDEO || !is_eos)
    return;
  self->video_over = TRUE;
  self->over_at = self->next_id;
  GST_DEBUG_ID (self->name, "the video is over: sound from buffer %"
      G_GUINT64_FORMAT " on waits for no picture", self->over_at);
}

static const gchar *const place_names[] = {
  [IDENTIFAI_PLACEMENT_OPEN] = "not placed yet, near segment",
  [IDENTIFAI_PLACEMENT_SEGMENT] = "of segment",
  [IDENTIFAI_PLACEMENT_PAUSE] = "unsampled, behind segment",
  [IDENTIFAI_PLACEMENT_NONE] = "in no segment, near",
  [IDENTIFAI_PLACEMENT_HEADERS] = "headers, near segment",
};

/* By the first of its pictures that left. */
static void
count_segment (IdentifaiHoldQueue * self, guint segment, gboolean passed)
{
  if (segment <= self->counted)
    return;
  self->counted = segment;
  if (passed)
    self->stats.passed_segments++;
  else
    self->stats.withheld_segments++;
}

void
identifai_hold_queue_place (IdentifaiHoldQueue * self,
    const IdentifaiPlacement * placement)
{
  GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " is %s %u%s%s%s",
      placement->id, place_names[placement->kind], placement->segment,
      placement->is_closed ? ", a closed point" : placement->is_point ?
      ", an open point" : "", placement->is_leading ? ", leading" : "",
      placement->has_picture ? "" : ", without a picture");
  identifai_marks_place (self->marks, placement);
}

/* All of it left before it was placed: no decision was made of it. */
static gboolean
has_left_open (IdentifaiHoldQueue * self, guint segment)
{
  return self->settings.hold > 0 && segment > self->last_segment
      && segment <= self->counted
      && !identifai_marks_is_held (self->marks, segment);
}

void
identifai_hold_queue_settle (IdentifaiHoldQueue * self,
    const IdentifaiSettlement * settlement)
{
  const IdentifaiMark *first;

  GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
      " is %s %u", settlement->from, settlement->to,
      place_names[settlement->kind], settlement->segment);
  first = identifai_marks_settle (self->marks, settlement);
  /* it left while the segment was open */
  if (first != NULL && first->has_left
      && first->kind == IDENTIFAI_PLACEMENT_SEGMENT)
    count_segment (self, first->segment, first->passed);
}

gboolean
identifai_hold_queue_add_outcome (IdentifaiHoldQueue * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial, gint64 now)
{
  gint64 arrival = identifai_marks_get_arrival (self->marks, outcome->segment);
  gint64 delay = now - arrival
      - identifai_marks_get_absence (self->marks, outcome->segment);
  gint64 margin = (gint64) (self->settings.hold / 1000) - delay;
  gboolean in_time =
      identifai_decisions_add (self->decisions, outcome, artificial);

  /* nothing leaves by a decision, by which they are forgotten */
  if (self->settings.hold == 0 && outcome->segment > KEPT_SEGMENTS)
    identifai_decisions_forget (self->decisions,
        outcome->segment - KEPT_SEGMENTS);
  if (arrival < 0) {
    GST_DEBUG_ID (self->name, "segment %u: its outcome has no margin, as none "
        "of its buffers is known", outcome->segment);
    return in_time;
  }
  if (in_time && has_left_open (self, outcome->segment))
    self->n_late_open++;
  self->stats.max_delay = MAX (self->stats.max_delay, delay);
  self->stats.margin_last = margin;
  self->stats.margin_min = MIN (self->stats.margin_min, margin);
  GST_DEBUG_ID (self->name,
      "segment %u: outcome %" G_GINT64_FORMAT " µs after "
      "its first buffer, margin %" G_GINT64_FORMAT " µs, without %"
      G_GINT64_FORMAT " µs that the source was away%s", outcome->segment,
      now - arrival, margin, now - arrival - delay,
      in_time ? "" : ", too late");

  return in_time;
}

gboolean
identifai_hold_queue_override (IdentifaiHoldQueue * self,
    const IdentifaiPolicyOutcome * outcome, gboolean artificial)
{
  identifai_decisions_override (self->decisions, outcome, artificial);

  return outcome->segment > self->last_segment
      || identifai_marks_is_held (self->marks, outcome->segment);
}

gboolean
identifai_hold_queue_pop_change (IdentifaiHoldQueue * self,
    IdentifaiPolicyChange * change)
{
  if (!identifai_decisions_pop (self->decisions, change))
    return FALSE;
  if (!GST_CLOCK_TIME_IS_VALID (change->cause.running_time))
    identifai_marks_get_span (self->marks, change->cause.segment,
        &change->cause.running_time, &change->cause.duration);

  return TRUE;
}

void
identifai_hold_queue_break (IdentifaiHoldQueue * self)
{
  GST_DEBUG_ID (self->name, "a break: the video goes on at a point");
  self->gap = TRUE;
  self->gap_by = (IdentifaiDecision) {
  IDENTIFAI_ACTION_DROP, IDENTIFAI_WHY_START};
}

static gboolean
are_same (const IdentifaiHoldQueueSettings * a,
    const IdentifaiHoldQueueSettings * b)
{
  return a->hold == b->hold && a->paced == b->paced
      && a->max_bytes == b->max_bytes && a->on_unsampled == b->on_unsampled
      && a->force == b->force && a->at_idr == b->at_idr;
}

/* For the log: of IdentifaiUnsampled and IdentifaiForce. */
static const gchar *const unsampled_names[] = { "follows", "passes", "goes" };

static const gchar *const force_names[] = { "nothing", "passes", "is dropped",
  "slate"
};

void
identifai_hold_queue_configure (IdentifaiHoldQueue * self,
    const IdentifaiHoldQueueSettings * settings, gint64 now)
{
  gboolean shorter = settings->hold < self->settings.hold;

  if (!are_same (settings, &self->settings))
    GST_DEBUG_ID (self->name, "held for %" GST_TIME_FORMAT ", %s, up to %"
        G_GUINT64_FORMAT " bytes; unsampled: %s, forced: %s; goes on at %s",
        GST_TIME_ARGS (settings->hold), settings->paced ? "by the clock" :
        "until it is decided", settings->max_bytes,
        unsampled_names[settings->on_unsampled], force_names[settings->force],
        settings->at_idr ? "closed points" : "any point");
  self->settings = *settings;
  if (shorter && (settings->paced || settings->hold == 0))
    identifai_hold_queue_jump (self, now);
}

void
identifai_hold_queue_begin (IdentifaiHoldQueue * self)
{
  const IdentifaiDecision start = {
    IDENTIFAI_ACTION_SLATE, IDENTIFAI_WHY_START
  };

  GST_DEBUG_ID (self->name, "the slate comes first: events don't wait for "
      "the hold, the video starts at a point");
  self->begun = TRUE;
  self->gap = TRUE;
  self->gap_by = start;
}

gboolean
identifai_hold_queue_peek (IdentifaiHoldQueue * self, guint number,
    gint64 * decoding, gint64 * due)
{
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, number);
  GList *link = stream ? stream->items.head : NULL;
  const IdentifaiHeldItem *item;

  while (link != NULL && ((IdentifaiHeldItem *) link->data)->id == 0)
    link = link->next;
  if (link == NULL)
    return FALSE;
  item = link->data;
  *decoding = identifai_held_item_get_decoding (item);
  *due = item->arrival + (gint64) (self->settings.hold / 1000);

  return TRUE;
}

/* What is shown a second time. */

gboolean
identifai_hold_queue_has_gap (IdentifaiHoldQueue * self)
{
  return self->gap;
}

gint64
identifai_hold_queue_get_lead (IdentifaiHoldQueue * self, gint64 since)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;
  gint64 lead = NO_TIME;

  for (; link != NULL; link = link->next) {
    const IdentifaiHeldItem *item = link->data;
    gint64 decoding = item->id != 0 ? identifai_held_item_get_decoding (item)
        : NO_TIME;
    gint64 own = item->arrival * (gint64) GST_USECOND - decoding;

    if (item->arrival >= since && decoding != NO_TIME
        && (lead == NO_TIME || own < lead))
      lead = own;
  }

  return lead;
}

gboolean
identifai_hold_queue_set_floor (IdentifaiHoldQueue * self, gint64 decoding)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;

  self->floor = decoding;
  for (; decoding != NO_TIME && link != NULL; link = link->next) {
    const IdentifaiHeldItem *item = link->data;
    const IdentifaiMark *mark = identifai_marks_find (self->marks, item->id);

    if (mark != NULL && identifai_hold_can_resume (self, mark)
        && identifai_hold_is_above_floor (self, item))
      return TRUE;
  }
  self->floor = NO_TIME;

  return FALSE;
}

/* What becomes of the outgoing end. */

/* TRUE: it is a new one. Behind a key frame that opens one, leading pictures of the
 * one before may leave. */
static gboolean
note_segment (IdentifaiHoldQueue * self,
    const IdentifaiHoldJudgement * judgement)
{
  if (!judgement->in_segment || judgement->segment <= self->last_segment)
    return FALSE;
  self->last_segment = judgement->segment;
  if (judgement->segment > KEPT_SEGMENTS)
    identifai_decisions_forget (self->decisions,
        judgement->segment - KEPT_SEGMENTS);
  count_segment (self, judgement->segment,
      judgement->decision.action == IDENTIFAI_ACTION_PASS);
  if (judgement->decision.in_shadow)
    self->stats.shadow_segments++;

  return TRUE;
}

/* A leading picture that is missing is missed by none but other leading ones. */
static void
note_withheld (IdentifaiHoldQueue * self, const IdentifaiMark * mark,
    IdentifaiDecision decision)
{
  self->stats.withheld[decision.why]++;
  if (!mark->has_picture || mark->is_leading)
    return;
  if (!self->gap)
    GST_DEBUG_ID (self->name, "a hole from video %" G_GUINT64_FORMAT " at %"
        GST_STIME_FORMAT " on: %s", mark->id, GST_STIME_ARGS (mark->running),
        identifai_why_to_string (decision.why));
  self->gap = TRUE;
  self->gap_by = decision;
}

static void
note_passed (IdentifaiHoldQueue * self, const IdentifaiMark * mark)
{
  self->stats.passed++;
  if (mark->is_point)
    self->leads = !self->gap;
  if (mark->has_picture)
    self->gap = FALSE;
}

/* A decoder that starts here gets the headers that it needs. */
static void
complete (IdentifaiMark * mark, IdentifaiHeld * held)
{
  if (mark->complete == NULL)
    return;
  gst_mini_object_unref (held->object);
  held->object = GST_MINI_OBJECT (g_steal_pointer (&mark->complete));
}

static void
pop_video (IdentifaiHoldQueue * self, IdentifaiHeldItem * item,
    IdentifaiHeld * held)
{
  IdentifaiMark *mark = identifai_marks_find (self->marks, item->id);
  IdentifaiHoldJudgement judgement = mark->kind == IDENTIFAI_PLACEMENT_HEADERS ?
      identifai_hold_judge_headers (self,
      item) : identifai_hold_judge_picture (self, item, mark);
  gboolean passes = judgement.decision.action == IDENTIFAI_ACTION_PASS;

  held->starts_segment = note_segment (self, &judgement);
  held->passes = passes;
  held->why = judgement.decision.why;
  held->slate = judgement.decision.action == IDENTIFAI_ACTION_SLATE;
  held->ends = judgement.decision.action == IDENTIFAI_ACTION_EOS;
  held->in_segment = judgement.in_segment;
  held->segment = judgement.segment;
  held->is_first = passes && self->gap && mark->has_picture;
  if (held->is_first) {
    GST_DEBUG_ID (self->name, "the video goes on at %" G_GUINT64_FORMAT ", %"
        GST_STIME_FORMAT ", behind a hole (%s)%s", item->id,
        GST_STIME_ARGS (item->running),
        identifai_why_to_string (self->gap_by.why),
        mark->complete ? ", with headers" : "");
    complete (mark, held);
  }
  if (passes)
    note_passed (self, mark);
  else
    note_withheld (self, mark, judgement.decision);
  gst_clear_buffer (&mark->complete);
  mark->has_left = TRUE;
  mark->passed = passes;
  mark->was_slate = held->slate;
  self->stats.held--;
  GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " %s: %s", item->id,
      passes ? "passes" : "is withheld", identifai_why_to_string (held->why));
}

static void
pop_sound (IdentifaiHoldQueue * self, IdentifaiHeldStream * stream,
    IdentifaiHeldItem * item, IdentifaiHeld * held)
{
  IdentifaiHoldJudgement judgement =
      identifai_hold_judge_sound (self, stream, item);

  GST_LOG_ID (self->name, "sound %" G_GUINT64_FORMAT " at %" GST_STIME_FORMAT
      " %s: %s", item->id, GST_STIME_ARGS (item->running),
      judgement.decision.action == IDENTIFAI_ACTION_PASS ? "passes" :
      "is withheld", identifai_why_to_string (judgement.decision.why));
  held->passes = judgement.decision.action == IDENTIFAI_ACTION_PASS;
  held->slate = judgement.decision.action == IDENTIFAI_ACTION_SLATE;
  held->why = judgement.decision.why;
  held->in_segment = judgement.in_segment;
  held->segment = judgement.segment;
}

/* When. */

static gboolean
is_oldest (IdentifaiHoldQueue * self, const IdentifaiHeldItem * item)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, i);
    const IdentifaiHeldItem *head =
        stream ? g_queue_peek_head (&stream->items) : NULL;

    if (head != NULL && head->arrival < item->arrival)
      return FALSE;
  }

  return TRUE;
}

/* For want of room, with what is known now. */
static gboolean
is_segment_settled (IdentifaiHoldQueue * self, guint segment)
{
  return identifai_decisions_is_settled (self->decisions, segment)
      || (identifai_hold_queue_is_over_bounds (self)
      && identifai_decisions_has_outcome (self->decisions, segment));
}

/* Not paced. */
static gboolean
is_settled (IdentifaiHoldQueue * self, const IdentifaiMark * mark)
{
  switch (mark->kind) {
    case IDENTIFAI_PLACEMENT_OPEN:
      return FALSE;
    case IDENTIFAI_PLACEMENT_PAUSE:
      return self->settings.on_unsampled != IDENTIFAI_UNSAMPLED_FOLLOW
          || is_segment_settled (self, mark->segment);
    case IDENTIFAI_PLACEMENT_SEGMENT:
      return is_segment_settled (self, mark->segment);
    default:
      return TRUE;
  }
}

/* Headers wait for what is behind them. */
static gboolean
is_video_settled (IdentifaiHoldQueue * self, IdentifaiHeldStream * stream)
{
  GList *link;

  for (link = stream->items.head; link; link = link->next) {
    const IdentifaiMark *mark = identifai_marks_find (self->marks,
        ((IdentifaiHeldItem *) link->data)->id);

    if (mark != NULL && mark->kind != IDENTIFAI_PLACEMENT_HEADERS)
      return is_settled (self, mark);
  }

  return self->video_over;
}

static gboolean
is_sound_settled (IdentifaiHoldQueue * self, IdentifaiHeldStream * stream,
    const IdentifaiHeldItem * item)
{
  const GPtrArray *found = identifai_hold_find_pictures (self, stream, item);
  guint i;

  for (i = 0; found != NULL && i < found->len; i++) {
    if (!is_settled (self, g_ptr_array_index (found, i)))
      return FALSE;
  }

  return TRUE;
}

static gboolean
is_decided (IdentifaiHoldQueue * self, IdentifaiHeldStream * stream,
    const IdentifaiHeldItem * item)
{
  if (item->id == 0 || identifai_hold_has_order (self, item))
    return TRUE;

  return stream == identifai_hold_queue_get_stream (self, VIDEO) ?
      is_video_settled (self, stream) : is_sound_settled (self, stream, item);
}

static gint64
get_due (IdentifaiHoldQueue * self, IdentifaiHeldStream * stream,
    const IdentifaiHeldItem * item, gint64 now)
{
  if (item->id == 0 && !item->is_eos && self->begun && !stream->begun)
    return now;
  if (!self->settings.paced)
    return is_decided (self, stream, item) ? now : NEVER;
  if (identifai_hold_queue_is_over_bounds (self) && is_oldest (self, item))
    return MIN (now, item->arrival + (gint64) (self->settings.hold / 1000));

  return item->arrival + (gint64) (self->settings.hold / 1000);
}

gint64
identifai_hold_queue_get_due (IdentifaiHoldQueue * self, guint number,
    gint64 now)
{
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, number);
  const IdentifaiHeldItem *item =
      stream ? g_queue_peek_head (&stream->items) : NULL;

  return item != NULL ? get_due (self, stream, item, now) : NEVER;
}

static void
note_overflow (IdentifaiHoldQueue * self, const IdentifaiHeldItem * item,
    gint64 now)
{
  self->overflowed = self->settings.paced
      && identifai_hold_queue_is_over_bounds (self)
      && item->arrival + (gint64) (self->settings.hold / 1000) > now;
  if (self->overflowed && !self->told_overflow)
    GST_DEBUG_ID (self->name, "%" G_GUINT64_FORMAT " bytes are held, %"
        G_GUINT64_FORMAT " may be: buffer %" G_GUINT64_FORMAT " leaves %"
        G_GINT64_FORMAT " ms early", identifai_hold_queue_count_bytes (self),
        self->settings.max_bytes, item->id,
        (item->arrival + (gint64) (self->settings.hold / 1000) - now) / 1000);
}

gboolean
identifai_hold_queue_pop (IdentifaiHoldQueue * self, guint number, gint64 now,
    IdentifaiHeld * held)
{
  IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, number);
  IdentifaiHeldItem *item;

  if (identifai_hold_queue_get_due (self, number, now) > now)
    return FALSE;
  item = g_queue_peek_head (&stream->items);
  note_overflow (self, item, now);
  self->told_overflow |= self->overflowed;
  g_queue_pop_head (&stream->items);
  *held = (IdentifaiHeld) {
  .object = item->object,.is_buffer = item->id != 0,.arrival =
        item->arrival,.running = item->running,.duration = item->duration};
  self->stats.held_bytes -= item->size;
  held->decoding =
      item->id != 0 ? identifai_held_item_get_decoding (item) : NO_TIME;
  stream->begun |= item->id != 0;
  if (item->id == 0)
    held->passes = TRUE;
  else if (number == VIDEO)
    pop_video (self, item, held);
  else
    pop_sound (self, stream, item, held);
  if (number == VIDEO)
    identifai_marks_trim (self->marks,
        now - (gint64) (self->settings.hold / 1000));
  g_free (item);

  return TRUE;
}

/* Not paced: what is open has to come whole, however large it is. */
static gboolean
waits_for_outcome (IdentifaiHoldQueue * self)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;

  for (; link != NULL; link = link->next) {
    const IdentifaiMark *mark = identifai_marks_find (self->marks,
        ((IdentifaiHeldItem *) link->data)->id);

    if (mark != NULL && mark->kind != IDENTIFAI_PLACEMENT_HEADERS)
      return mark->kind == IDENTIFAI_PLACEMENT_SEGMENT;
  }

  return FALSE;
}

gboolean
identifai_hold_queue_is_full (IdentifaiHoldQueue * self)
{
  return identifai_hold_queue_is_over_bounds (self) && (self->settings.paced
      || waits_for_outcome (self));
}

gboolean
identifai_hold_queue_take_overflow (IdentifaiHoldQueue * self)
{
  gboolean told = self->told_overflow;

  self->told_overflow = FALSE;

  return told;
}

void
identifai_hold_queue_get_stats (IdentifaiHoldQueue * self, gint64 now,
    IdentifaiHoldQueueStats * stats)
{
  guint i;

  *stats = self->stats;
  stats->late_segments = identifai_decisions_count_late (self->decisions)
      + self->n_late_open;
  for (i = 0; i < self->streams->len; i++) {
    IdentifaiHeldStream *stream = identifai_hold_queue_get_stream (self, i);
    const IdentifaiHeldItem *head =
        stream ? g_queue_peek_head (&stream->items) : NULL;

    if (head != NULL)
      stats->held_time = MAX (stats->held_time, now - head->arrival);
  }
}
