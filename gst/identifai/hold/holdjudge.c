/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Why what has to leave the hold queue doesn't pass, if so. Not thread-safe: as holdqueue.h,
 * under the element's lock.
 */

#include "holdqueueprivate.h"
#include "framereader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HOLD)

#define NO_TIME IDENTIFAI_NO_TIME
#define VIDEO IDENTIFAI_HOLD_VIDEO
#define LEAD 512                /* buffers by which a file's video may come later than
                                 * its sound */

/* Why what isn't decided has to go. */
static IdentifaiWhy
get_why_not (IdentifaiHoldQueue * self)
{
  return self->overflowed ? IDENTIFAI_WHY_OVERFLOW : IDENTIFAI_WHY_UNJUDGED;
}

/* segment: the one before. */
static IdentifaiHoldJudgement
judge_unsampled (IdentifaiHoldQueue * self, guint segment)
{
  IdentifaiHoldJudgement judgement = {.decision = {.why =
          IDENTIFAI_WHY_UNSAMPLED}
  };

  switch (self->settings.on_unsampled) {
    case IDENTIFAI_UNSAMPLED_FOLLOW:
      judgement.decision.action = identifai_decisions_make (self->decisions,
          segment, get_why_not (self)).action;
      break;
    case IDENTIFAI_UNSAMPLED_PASS:
      judgement.decision.action = IDENTIFAI_ACTION_PASS;
      break;
    case IDENTIFAI_UNSAMPLED_DROP:
      judgement.decision.action = IDENTIFAI_ACTION_DROP;
      break;
  }

  return judgement;
}

static IdentifaiHoldJudgement
judge_segment (IdentifaiHoldQueue * self, guint segment)
{
  IdentifaiHoldJudgement judgement = {.in_segment = TRUE,.segment = segment };

  judgement.decision = identifai_decisions_make (self->decisions, segment,
      get_why_not (self));

  return judgement;
}

/* In no segment. Before the first one, it is the start that lacks. */
static IdentifaiHoldJudgement
judge_nowhere (IdentifaiHoldQueue * self)
{
  IdentifaiHoldJudgement judgement = {.decision.why = IDENTIFAI_WHY_UNJUDGED };

  judgement.decision.action = identifai_decisions_get_unjudged
      (self->decisions);
  if (self->last_segment < 0
      && judgement.decision.action != IDENTIFAI_ACTION_PASS)
    judgement.decision.why = IDENTIFAI_WHY_START;

  return judgement;
}

/* By its place alone. mark: the picture's, or NULL. */
static IdentifaiHoldJudgement
judge_mark (IdentifaiHoldQueue * self, const IdentifaiMark * mark)
{
  IdentifaiPlacementKind kind = mark ? mark->kind : IDENTIFAI_PLACEMENT_NONE;

  switch (kind) {
    case IDENTIFAI_PLACEMENT_SEGMENT:
      return judge_segment (self, mark->segment);
    case IDENTIFAI_PLACEMENT_PAUSE:
      return judge_unsampled (self, mark->segment);
    case IDENTIFAI_PLACEMENT_OPEN:
    return (IdentifaiHoldJudgement) { {
    identifai_decisions_get_unjudged (self->decisions), get_why_not (self)}
    };
    default:
      return judge_nowhere (self);
  }
}

/* The operator's word, and a jump. FALSE: neither says anything. */
static gboolean
find_order (IdentifaiHoldQueue * self, const IdentifaiHeldItem * item,
    IdentifaiDecision * decision)
{
  decision->action = IDENTIFAI_ACTION_DROP;
  if (self->settings.force == IDENTIFAI_FORCE_DROP
      || self->settings.force == IDENTIFAI_FORCE_SLATE) {
    decision->why = IDENTIFAI_WHY_FORCED;
    if (self->settings.force == IDENTIFAI_FORCE_SLATE)
      decision->action = IDENTIFAI_ACTION_SLATE;
  } else if (item->dumped) {
    decision->why = IDENTIFAI_WHY_DUMPED;
    decision->action = identifai_decisions_get_withheld (self->decisions);
  } else if (item->skipped || item->flushed) {
    decision->why = IDENTIFAI_WHY_SKIPPED;
  } else if (self->settings.force == IDENTIFAI_FORCE_PASS
      || self->settings.hold == 0) {
    decision->action = IDENTIFAI_ACTION_PASS;
    decision->why = self->settings.force == IDENTIFAI_FORCE_PASS ?
        IDENTIFAI_WHY_FORCED : IDENTIFAI_WHY_VERDICT;
  } else {
    return FALSE;
  }

  return TRUE;
}

gboolean
identifai_hold_has_order (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item)
{
  IdentifaiDecision unused;

  return find_order (self, item, &unused);
}

/* What would be done with what is at a place, as far as it is known. */
static IdentifaiDecision
foresee (IdentifaiHoldQueue * self, const IdentifaiMark * mark)
{
  if (mark->kind == IDENTIFAI_PLACEMENT_SEGMENT
      || (mark->kind == IDENTIFAI_PLACEMENT_PAUSE
          && self->settings.on_unsampled == IDENTIFAI_UNSAMPLED_FOLLOW))
    return identifai_decisions_foresee (self->decisions, mark->segment);

  return judge_mark (self, mark).decision;
}

static IdentifaiHoldJudgement
judge (IdentifaiHoldQueue * self, const IdentifaiHeldItem * item,
    const IdentifaiMark * mark)
{
  IdentifaiHoldJudgement judgement = { {0,} };

  if (!find_order (self, item, &judgement.decision))
    return judge_mark (self, mark);
  GST_LOG_ID (self->name, "buffer %" G_GUINT64_FORMAT " goes by an order: %s",
      item->id, identifai_why_to_string (judgement.decision.why));
  if (mark != NULL && mark->kind == IDENTIFAI_PLACEMENT_SEGMENT) {
    judgement.in_segment = TRUE;
    judgement.segment = mark->segment;
  }

  return judgement;
}

/* As what made the hole; the stream goes on, where that ended it. */
static IdentifaiHoldJudgement
withhold (IdentifaiHoldJudgement judgement, IdentifaiDecision as)
{
  judgement.decision = as;
  if (as.action == IDENTIFAI_ACTION_EOS)
    judgement.decision.action = IDENTIFAI_ACTION_DROP;

  return judgement;
}

gboolean
identifai_hold_can_resume (IdentifaiHoldQueue * self,
    const IdentifaiMark * mark)
{
  return mark->is_point && (mark->is_closed || !self->settings.at_idr);
}

gboolean
identifai_hold_is_above_floor (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item)
{
  gint64 decoding = identifai_held_item_get_decoding (item);

  return self->floor == NO_TIME || decoding == NO_TIME
      || decoding > self->floor;
}

/* The same, with what a decoder needs. */
IdentifaiHoldJudgement
identifai_hold_judge_picture (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item, const IdentifaiMark * mark)
{
  const IdentifaiDecision missing = {
    IDENTIFAI_ACTION_DROP, self->gap_by.why
  };
  const IdentifaiDecision skipped = {
    self->gap_by.action, IDENTIFAI_WHY_SKIPPED
  };
  IdentifaiHoldJudgement judgement = judge (self, item, mark);

  if (judgement.decision.action != IDENTIFAI_ACTION_PASS)
    return judgement;
  if (self->gap && !identifai_hold_is_above_floor (self, item)) {
    GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " is behind a hole, and "
        "of what is skipped", item->id);
    return withhold (judgement, skipped);
  }
  if (self->gap && !identifai_hold_can_resume (self, mark)) {
    GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " is behind a hole, and "
        "%s", item->id, mark->is_point ? "no closed point" : "no point");
    return withhold (judgement, self->gap_by);
  }
  if (mark->is_leading && !self->leads) {
    GST_LOG_ID (self->name, "video %" G_GUINT64_FORMAT " leads a point behind "
        "a hole: it can't be decoded", item->id);
    return withhold (judgement, missing);
  }

  return judgement;
}

/* Headers go with the picture behind them. They are out of the queue already. */
IdentifaiHoldJudgement
identifai_hold_judge_headers (IdentifaiHoldQueue * self,
    const IdentifaiHeldItem * item)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;
  IdentifaiHoldJudgement own = judge (self, item, NULL);

  if (own.decision.why == IDENTIFAI_WHY_DUMPED
      || own.decision.why == IDENTIFAI_WHY_SKIPPED)
    return own;
  for (; link; link = link->next) {
    const IdentifaiHeldItem *next = link->data;
    const IdentifaiMark *mark = identifai_marks_find (self->marks, next->id);

    if (mark != NULL && mark->kind != IDENTIFAI_PLACEMENT_HEADERS)
      return identifai_hold_judge_picture (self, next, mark);
  }

  return own;
}

/* NULL: there is none. What starts over behind the video's end belongs to none of
 * what was before. */
const GPtrArray *
identifai_hold_find_pictures (IdentifaiHoldQueue * self,
    IdentifaiHeldStream * stream, const IdentifaiHeldItem * item)
{
  IdentifaiMarksSound sound = {
    .id = item->id,
    .running = identifai_held_stream_find_time (stream, item),
    .video_over = self->video_over,
    .lead = self->settings.paced ? 1 : LEAD,
    .waits = self->settings.paced
        || !identifai_hold_queue_is_over_bounds (self),
  };
  const GPtrArray *found;

  identifai_held_stream_find_turns (stream, &sound);
  if (self->video_over && sound.turn >= self->over_at)
    return NULL;
  found = identifai_marks_find_shown (self->marks, &sound);

  return found->len > 0 ? found : NULL;
}

/* One of them was. */
static gboolean
are_dumped (const GPtrArray * pictures)
{
  guint i;

  for (i = 0; pictures != NULL && i < pictures->len; i++)
    if (((const IdentifaiMark *) g_ptr_array_index (pictures, i))->dumped)
      return TRUE;

  return FALSE;
}

/* Whether something else is shown in the place of a picture that passes by itself:
 * until the point at which the stream goes on. */
static gboolean
is_behind_slate (IdentifaiHoldQueue * self, const IdentifaiMark * picture)
{
  GList *link = identifai_hold_queue_get_stream (self, VIDEO)->items.head;

  if (picture->has_left || !self->gap
      || self->gap_by.action != IDENTIFAI_ACTION_SLATE)
    return picture->was_slate;
  for (; link != NULL; link = link->next) {
    const IdentifaiHeldItem *item = link->data;
    const IdentifaiMark *mark = identifai_marks_find (self->marks, item->id);

    if (mark == NULL)
      continue;
    if (identifai_hold_can_resume (self, mark)
        && identifai_hold_is_above_floor (self, item)
        && judge (self, item, mark).decision.action == IDENTIFAI_ACTION_PASS)
      return FALSE;
    if (mark->id >= picture->id)
      break;
  }

  return TRUE;
}

/* The strictest: the likeliest one alone has to be decided now. */
IdentifaiHoldJudgement
identifai_hold_judge_sound (IdentifaiHoldQueue * self,
    IdentifaiHeldStream * stream, const IdentifaiHeldItem * item)
{
  const GPtrArray *found = identifai_hold_find_pictures (self, stream, item);
  const IdentifaiMark *picture = found ? g_ptr_array_index (found, 0) : NULL;
  IdentifaiHeldItem as = *item;
  IdentifaiHoldJudgement judgement;
  guint i;

  as.dumped |= are_dumped (found);
  judgement = judge (self, &as, picture);

  for (i = 1; found != NULL && i < found->len; i++) {
    IdentifaiDecision other = foresee (self, g_ptr_array_index (found, i));

    if (!identifai_hold_has_order (self, &as)
        && other.action > judgement.decision.action) {
      GST_LOG_ID (self->name, "sound %" G_GUINT64_FORMAT " may be of %u "
          "pictures: the strictest counts", item->id, found->len);
      judgement.decision = other;
    }
  }
  if (picture != NULL && judgement.decision.action == IDENTIFAI_ACTION_PASS
      && is_behind_slate (self, picture)) {
    GST_LOG_ID (self->name, "sound %" G_GUINT64_FORMAT " is of a picture in "
        "whose place the slate is shown", item->id);
    judgement = withhold (judgement, self->gap_by);
  }

  return judgement;
}
