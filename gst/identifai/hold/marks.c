/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "marks.h"
#include "framereader.h"

#define NO_TIME IDENTIFAI_NO_TIME
#define KEPT 2048               /* at least, and */
#define KEPT_TIME G_TIME_SPAN_MINUTE
#define TRIM_STEP 256           /* not each time, nor */
#define TRIM_SHARE 4            /* for less than such a part of all */
#define BEHIND 64               /* pictures before the likely one that are looked at */
#define AHEAD 256               /* later ones in a row after which it is given up */
#define REORDERED (2 * (gint64) GST_SECOND)     /* at most, where only times of showing
                                                 * are known */
#define DEPTH 16                /* pictures that are reordered at most */
#define ABSENCE G_TIME_SPAN_SECOND      /* a shorter pause is a stream's own */
#define TAIL ((gint64) GST_SECOND)      /* of sound behind a run's last picture */
/* By the ids: sound and video turn back together if they are no further apart; what is
 * about as near as the nearest. */
#define TOGETHER 512
#define NEAR 64

/* Of the pictures that may be shown. */
typedef struct
{
  const IdentifaiMark *mark;
  guint64 distance;             /* from the sound, by the ids */
} Candidate;

/* The source was away: nothing came, and then what is no continuation. */
typedef struct
{
  guint64 id;                   /* of what came then */
  gint64 length;                /* µs */
} Absence;

struct _IdentifaiMarks
{
  GArray *marks;                /* of IdentifaiMark */
  guint n_gone;                 /* of the first of them, that can be let go of */
  GArray *settled;              /* of IdentifaiSettlement, by id */
  GArray *absences;             /* of Absence, by id */
  GArray *runs;                 /* of guint64: the first id of each */
  gint64 decoding;              /* of the latest one, or NO_TIME */
  IdentifaiMark to_come;        /* stands for those that aren't here */
  GArray *candidates;           /* of Candidate */
  GPtrArray *found;             /* of IdentifaiMark, borrowed */
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
  self->settled = g_array_new (FALSE, FALSE, sizeof (IdentifaiSettlement));
  self->absences = g_array_new (FALSE, FALSE, sizeof (Absence));
  self->runs = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->candidates = g_array_new (FALSE, FALSE, sizeof (Candidate));
  self->found = g_ptr_array_new ();
  self->decoding = NO_TIME;
  self->to_come.kind = IDENTIFAI_PLACEMENT_OPEN;

  return self;
}

void
identifai_marks_free (IdentifaiMarks * self)
{
  g_array_unref (self->marks);
  g_array_unref (self->settled);
  g_array_unref (self->absences);
  g_array_unref (self->runs);
  g_array_unref (self->candidates);
  g_ptr_array_unref (self->found);
  g_free (self);
}

void
identifai_marks_clear (IdentifaiMarks * self)
{
  g_array_set_size (self->marks, 0);
  g_array_set_size (self->settled, 0);
  g_array_set_size (self->absences, 0);
  g_array_set_size (self->runs, 0);
  self->n_gone = 0;
  self->decoding = NO_TIME;
}

static IdentifaiMark *
get (IdentifaiMarks * self, guint i)
{
  return &g_array_index (self->marks, IdentifaiMark, i);
}

/* Whether a picture starts a run. Times of decoding never go back within one. */
static gboolean
turns_back (IdentifaiMarks * self, gint64 running, gint64 decoding, gint64 peak)
{
  if (self->marks->len == 0)
    return TRUE;
  if (decoding != NO_TIME && self->decoding != NO_TIME)
    return decoding < self->decoding;

  return running != NO_TIME && peak != NO_TIME && running < peak - REORDERED;
}

/* The next one isn't there yet. */
static void
note_absence (IdentifaiMarks * self, guint64 id, gint64 arrival)
{
  guint n = self->marks->len;
  Absence absence = { id,
    n > 0 ? arrival - get (self, n - 1)->arrival : 0
  };

  if (absence.length >= ABSENCE)
    g_array_append_val (self->absences, absence);
}

IdentifaiMark *
identifai_marks_add (IdentifaiMarks * self, guint64 id, gint64 running,
    gint64 decoding, gint64 duration, gint64 arrival, gboolean discont)
{
  guint n = self->marks->len;
  gint64 peak = n > 0 ? get (self, n - 1)->peak : NO_TIME;
  IdentifaiMark mark = {
    .id = id,
    .running = running,
    .duration = duration,
    .arrival = arrival,
    .kind = IDENTIFAI_PLACEMENT_OPEN,
    .has_picture = TRUE,
  };

  if (turns_back (self, running, decoding, peak)) {
    g_array_append_val (self->runs, id);
    discont = TRUE;
    peak = NO_TIME;
  }
  if (discont)
    note_absence (self, id, arrival);
  if (decoding != NO_TIME)
    self->decoding = decoding;
  mark.peak = MAX (peak, running);
  g_array_append_val (self->marks, mark);

  return get (self, n);
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

/* What is told of many at once. */

static const IdentifaiSettlement *
settled_at (IdentifaiMarks * self, guint i)
{
  return &g_array_index (self->settled, IdentifaiSettlement, i);
}


/* NULL: it isn't settled. */
static const IdentifaiSettlement *
find_settlement (IdentifaiMarks * self, guint64 id)
{
  guint low = 0, high = self->settled->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;

    if (settled_at (self, middle)->to < id)
      low = middle + 1;
    else
      high = middle;
  }

  return low < self->settled->len && settled_at (self, low)->from <= id ?
      settled_at (self, low) : NULL;
}

static IdentifaiMark *
update (IdentifaiMarks * self, IdentifaiMark * mark)
{
  const IdentifaiSettlement *settlement =
      mark->kind == IDENTIFAI_PLACEMENT_OPEN ?
      find_settlement (self, mark->id) : NULL;

  if (settlement != NULL) {
    mark->kind = settlement->kind;
    mark->segment = settlement->segment;
  }

  return mark;
}

const IdentifaiMark *
identifai_marks_settle (IdentifaiMarks * self,
    const IdentifaiSettlement * settlement)
{
  guint i = self->settled->len;

  while (i > 0 && settled_at (self, i - 1)->from > settlement->from)
    i--;
  g_array_insert_vals (self->settled, i, settlement, 1);
  i = search (self, settlement->from);
  /* what was placed by itself is none of them */
  while (i < self->marks->len && get (self, i)->id <= settlement->to
      && get (self, i)->kind != IDENTIFAI_PLACEMENT_OPEN)
    i++;

  return i < self->marks->len && get (self, i)->id <= settlement->to ?
      update (self, get (self, i)) : NULL;
}

IdentifaiMark *
identifai_marks_find (IdentifaiMarks * self, guint64 id)
{
  guint i = search (self, id);

  return i < self->marks->len && get (self, i)->id == id ?
      update (self, get (self, i)) : NULL;
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
  mark->is_closed = placement->is_closed;
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

/* What is shown with sound. */

static guint64
get_run_start (IdentifaiMarks * self, guint run)
{
  return g_array_index (self->runs, guint64, run);
}

static guint64
get_distance (guint64 a, guint64 b)
{
  return a > b ? a - b : b - a;
}

/* The first one of [from, to) that raises the run's peak above the time. */
static guint
search_peak (IdentifaiMarks * self, guint from, guint to, gint64 running)
{
  while (from < to) {
    guint middle = from + (to - from) / 2;

    if (get (self, middle)->peak <= running)
      from = middle + 1;
    else
      to = middle;
  }

  return from;
}

/* The one of a run that is shown then, or NULL. passed: one that is shown later
 * came, too. */
static IdentifaiMark *
find_in_run (IdentifaiMarks * self, guint run, gint64 running,
    gboolean * passed)
{
  guint from = search (self, get_run_start (self, run));
  guint to = run + 1 < self->runs->len ?
      search (self, get_run_start (self, run + 1)) : self->marks->len;
  guint middle = search_peak (self, from, to, running), later = 0, i;
  IdentifaiMark *best = NULL;

  *passed = FALSE;
  for (i = middle - MIN (BEHIND, middle - from); i < to && later < AHEAD; i++) {
    IdentifaiMark *mark = get (self, i);

    if (!mark->has_picture || mark->running == NO_TIME)
      continue;
    later = mark->running > running ? later + 1 : 0;
    *passed |= later > 0;
    if (mark->running <= running
        && (best == NULL || mark->running >= best->running))
      best = mark;
  }

  return best != NULL ? update (self, best) : NULL;
}

static guint64
get_newest (IdentifaiMarks * self)
{
  guint n = self->marks->len;

  return n > 0 ? get (self, n - 1)->id : 0;
}

/* An earlier picture may come behind a later one. */
static gboolean
is_short (IdentifaiMarks * self, guint run)
{
  return self->marks->len - search (self, get_run_start (self, run)) <= DEPTH;
}

static void
add_candidate (IdentifaiMarks * self, const IdentifaiMark * mark,
    guint64 distance)
{
  Candidate candidate = { mark, distance };

  g_array_append_val (self->candidates, candidate);
}

/* One that is to come does so behind the newest. */
static void
look_at_run (IdentifaiMarks * self, guint run,
    const IdentifaiMarksSound * sound)
{
  gboolean is_open = run + 1 == self->runs->len && !sound->video_over;
  guint64 newest = get_newest (self);
  gboolean passed;
  const IdentifaiMark *mark = find_in_run (self, run, sound->running, &passed);

  if (is_open && (mark != NULL ? !passed && sound->running >= get_end (mark) :
          !passed || is_short (self, run)))
    add_candidate (self, &self->to_come,
        newest > sound->id ? newest - sound->id : 0);
  else if (mark != NULL && (passed || run + 1 == self->runs->len
          || sound->running < get_end (mark) + TAIL))
    add_candidate (self, mark, get_distance (mark->id, sound->id));
}

/* The run that starts where the sound turns back; 0: none does. */
static guint
find_turn (IdentifaiMarks * self, guint64 turn)
{
  guint64 best = TOGETHER + 1;
  guint found = 0, i;

  for (i = 1; turn != 0 && i < self->runs->len; i++) {
    guint64 distance = get_distance (get_run_start (self, i), turn);

    if (distance < best) {
      best = distance;
      found = i;
    }
  }

  return found;
}

/* Of those that are about as near. */
static void
choose (IdentifaiMarks * self)
{
  guint nearest = 0, i;
  Candidate *candidates = (Candidate *) self->candidates->data;

  for (i = 1; i < self->candidates->len; i++) {
    if (candidates[i].distance < candidates[nearest].distance)
      nearest = i;
  }
  if (self->candidates->len > 0)
    g_ptr_array_add (self->found, (gpointer) candidates[nearest].mark);
  for (i = 0; i < self->candidates->len; i++) {
    if (i != nearest
        && candidates[i].distance <= candidates[nearest].distance + NEAR)
      g_ptr_array_add (self->found, (gpointer) candidates[i].mark);
  }
}

/* The sound turned back, and the video may have yet to do so. */
static gboolean
is_early (IdentifaiMarks * self, const IdentifaiMarksSound * sound)
{
  return sound->turn != 0 && get_newest (self) < sound->turn
      + (sound->video_over ? 1 : sound->lead);
}

const GPtrArray *
identifai_marks_find_shown (IdentifaiMarks * self,
    const IdentifaiMarksSound * sound)
{
  guint run = find_turn (self, sound->turn);
  guint end = find_turn (self, sound->next_turn);
  gboolean early = is_early (self, sound);
  gboolean waits = sound->waits && !sound->video_over;

  g_array_set_size (self->candidates, 0);
  g_ptr_array_set_size (self->found, 0);
  if (sound->running == NO_TIME || (early && !waits))
    return self->found;
  if (self->runs->len == 0 && !sound->video_over)
    add_candidate (self, &self->to_come, 0);
  if (end <= run)
    end = self->runs->len;
  for (; run < end; run++)
    look_at_run (self, run, sound);
  choose (self);
  if (early)
    g_ptr_array_add (self->found, &self->to_come);

  return self->found;
}

/* Segments. */

static gboolean
is_of (const IdentifaiSettlement * settlement, guint segment)
{
  return settlement->kind == IDENTIFAI_PLACEMENT_SEGMENT
      && settlement->segment == segment;
}

gint64
identifai_marks_get_arrival (IdentifaiMarks * self, guint segment)
{
  guint i, first;

  for (i = 0; i < self->settled->len; i++) {
    const IdentifaiSettlement *settlement = settled_at (self, i);

    if (!is_of (settlement, segment))
      continue;
    first = search (self, settlement->from);
    if (first < self->marks->len && get (self, first)->id <= settlement->to)
      return get (self, first)->arrival;
  }

  return -1;
}

static void
add_to_span (IdentifaiMarks * self, guint from, guint to, gint64 * start,
    gint64 * end)
{
  guint i;

  for (i = from; i < to; i++) {
    const IdentifaiMark *mark = get (self, i);

    if (mark->running == NO_TIME || !mark->has_picture)
      continue;
    *start = MIN (*start, MAX (mark->running, 0));
    *end = MAX (*end, get_end (mark));
  }
}

/* At its ends, as no picture is shown further from where it is decoded. */
void
identifai_marks_get_span (IdentifaiMarks * self, guint segment,
    GstClockTime * running_time, GstClockTime * duration)
{
  gint64 start = G_MAXINT64, end = 0;
  guint i, from, to;

  for (i = 0; i < self->settled->len; i++) {
    const IdentifaiSettlement *settlement = settled_at (self, i);

    if (!is_of (settlement, segment))
      continue;
    from = search (self, settlement->from);
    to = search (self, settlement->to + 1);
    add_to_span (self, from, MIN (to, from + BEHIND), &start, &end);
    add_to_span (self, MAX (from, to - MIN (to, BEHIND)), to, &start, &end);
  }
  if (end > start) {
    *running_time = start;
    *duration = end - start;
  }
}

gint64
identifai_marks_get_absence (IdentifaiMarks * self, guint segment)
{
  gint64 absence = 0;
  guint i, at;

  for (i = 0; i < self->absences->len; i++) {
    const Absence *one = &g_array_index (self->absences, Absence, i);
    const IdentifaiMark *before;

    at = search (self, one->id);
    before = at > 0 ? update (self, get (self, at - 1)) : NULL;
    if (before != NULL && before->kind == IDENTIFAI_PLACEMENT_SEGMENT
        && before->segment == segment)
      absence += one->length;
  }

  return absence;
}

/* They leave in the order in which they came. */
gboolean
identifai_marks_is_held (IdentifaiMarks * self, guint segment)
{
  guint i, end;

  for (i = 0; i < self->settled->len; i++) {
    const IdentifaiSettlement *settlement = settled_at (self, i);

    if (!is_of (settlement, segment))
      continue;
    end = search (self, settlement->to + 1);
    if (end > 0 && get (self, end - 1)->id >= settlement->from
        && !get (self, end - 1)->has_left)
      return TRUE;
  }

  return FALSE;
}

static void
trim_runs (IdentifaiMarks * self)
{
  guint n = 0;

  while (n + 1 < self->runs->len
      && get_run_start (self, n + 1) <= get (self, 0)->id)
    n++;
  if (n > 0)
    g_array_remove_range (self->runs, 0, n);
}

static void
trim_segments (IdentifaiMarks * self)
{
  guint64 first = get (self, 0)->id;
  guint n = 0;

  while (n < self->settled->len && settled_at (self, n)->to < first)
    n++;
  if (n > 0)
    g_array_remove_range (self->settled, 0, n);
  for (n = 0; n < self->absences->len
      && g_array_index (self->absences, Absence, n).id <= first;)
    n++;
  if (n > 0)
    g_array_remove_range (self->absences, 0, n);
}

/* What is left moves: the more there is, the more rarely. */
void
identifai_marks_trim (IdentifaiMarks * self, gint64 before)
{
  guint len = self->marks->len;

  if (len < KEPT + TRIM_STEP)
    return;
  while (self->n_gone < len - KEPT && get (self, self->n_gone)->has_left
      && get (self, self->n_gone)->arrival < before - KEPT_TIME)
    self->n_gone++;
  if (self->n_gone < MAX (TRIM_STEP, len / TRIM_SHARE))
    return;
  g_array_remove_range (self->marks, 0, self->n_gone);
  self->n_gone = 0;
  trim_runs (self);
  trim_segments (self);
}
