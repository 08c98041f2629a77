/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "marks.h"
#include "framereader.h"

#define NO_TIME IDENTIFAI_NO_TIME
#define KEPT 2048               /* at least, and */
#define KEPT_TIME G_TIME_SPAN_MINUTE
#define TRIM_STEP 256           /* not each time */
#define BEHIND 64               /* pictures before the hint that are looked at */
#define AHEAD 256               /* later ones in a row after which it is given up */

struct _IdentifaiMarks
{
  GArray *marks;                /* of IdentifaiMark */
  IdentifaiMark to_come;        /* stands for those that aren't here */
};

static void
mark_clear (gpointer data)
{
  IdentifaiMark *mark = data;

  gst_clear_buffer (&mark->complete);
}

IdentifaiMarks *
identifai_marks_new (void)
{
  IdentifaiMarks *self = g_new0 (IdentifaiMarks, 1);

  self->marks = g_array_new (FALSE, TRUE, sizeof (IdentifaiMark));
  g_array_set_clear_func (self->marks, mark_clear);
  self->to_come.kind = IDENTIFAI_PLACEMENT_OPEN;

  return self;
}

void
identifai_marks_free (IdentifaiMarks * self)
{
  g_array_unref (self->marks);
  g_free (self);
}

void
identifai_marks_clear (IdentifaiMarks * self)
{
  g_array_set_size (self->marks, 0);
}

static IdentifaiMark *
get (IdentifaiMarks * self, guint i)
{
  return &g_array_index (self->marks, IdentifaiMark, i);
}

void
identifai_marks_add (IdentifaiMarks * self, guint64 id, gint64 running,
    gint64 duration, gint64 arrival)
{
  IdentifaiMark mark = {
    .id = id,
    .running = running,
    .duration = duration,
    .arrival = arrival,
    .kind = IDENTIFAI_PLACEMENT_OPEN,
    .has_picture = TRUE,
  };

  g_array_append_val (self->marks, mark);
}

/* The first one with that id or a later one. */
static guint
search (IdentifaiMarks * self, guint64 id)
{
  guint low = 0, high = self->marks->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (get (self, middle)->id < id)
      low = middle + 1;
    else
      high = middle;
  }

  return low;
}

IdentifaiMark *
identifai_marks_find (IdentifaiMarks * self, guint64 id)
{
  guint i = search (self, id);

  return i < self->marks->len && get (self, i)->id == id ? get (self, i) : NULL;
}

void
identifai_marks_place (IdentifaiMarks * self,
    const IdentifaiPlacement * placement)
{
  IdentifaiMark *mark = identifai_marks_find (self, placement->id);

  if (mark == NULL)
    return;
  mark->kind = placement->kind;
  mark->segment = placement->segment;
  mark->has_picture = placement->has_picture;
  mark->is_point = placement->is_point;
  mark->is_leading = placement->is_leading;
  /* as it came, but for the headers: a file's first frame has more */
  if (placement->is_point && placement->kind == IDENTIFAI_PLACEMENT_OPEN
      && !mark->has_left)
    gst_buffer_replace (&mark->complete, placement->complete);
}

static gint64
get_end (const IdentifaiMark * mark)
{
  return mark->running + (mark->duration != NO_TIME ? mark->duration : 0);
}

const IdentifaiMark *
identifai_marks_find_shown (IdentifaiMarks * self, gint64 running,
    gboolean is_over, guint64 * hint)
{
  const IdentifaiMark *best = NULL;
  guint i = search (self, *hint), later = 0;
  gboolean passed = FALSE;      /* one that is shown later came */

  if (running == NO_TIME)
    return NULL;
  for (i -= MIN (i, BEHIND); i < self->marks->len && later < AHEAD; i++) {
    const IdentifaiMark *mark = get (self, i);

    if (!mark->has_picture || mark->running == NO_TIME)
      continue;
    later = mark->running > running ? later + 1 : 0;
    passed |= later > 0;
    if (mark->running <= running
        && (best == NULL || mark->running >= best->running))
      best = mark;
  }
  if (best == NULL)
    return passed || is_over ? NULL : &self->to_come;
  *hint = best->id;
  if (!passed && !is_over && running >= get_end (best))
    return &self->to_come;

  return best;
}

gint64
identifai_marks_get_span (IdentifaiMarks * self, guint segment,
    GstClockTime * running_time, GstClockTime * duration)
{
  gint64 arrival = -1, start = G_MAXINT64, end = 0;
  guint i;

  for (i = 0; i < self->marks->len; i++) {
    const IdentifaiMark *mark = get (self, i);

    if (mark->kind != IDENTIFAI_PLACEMENT_SEGMENT || mark->segment != segment)
      continue;
    if (arrival < 0)
      arrival = mark->arrival;
    if (mark->running == NO_TIME)
      continue;
    start = MIN (start, MAX (mark->running, 0));
    end = MAX (end, get_end (mark));
  }
  if (end > start) {
    *running_time = start;
    *duration = end - start;
  }

  return arrival;
}

void
identifai_marks_trim (IdentifaiMarks * self, gint64 before)
{
  guint n = 0;

  if (self->marks->len < KEPT + TRIM_STEP)
    return;
  while (n < self->marks->len - KEPT && get (self, n)->has_left
      && get (self, n)->arrival < before - KEPT_TIME)
    n++;
  if (n >= TRIM_STEP)
    g_array_remove_range (self->marks, 0, n);
}
