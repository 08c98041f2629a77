/* identifai-moderate: when a key's budget is idle
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "idle.h"

#define SECOND G_USEC_PER_SEC
#define MINUTE (60 * SECOND)
/* A stream of which so long nothing came is forgotten. */
#define LONGEST_PAUSE (G_GINT64_CONSTANT (60) * MINUTE)
/* Segments end at key frames: a stream's next one comes about when it is due. */
#define SLACK (SECOND / 4)
/* One that is later than that isn't waited for. */
#define OVERDUE (2 * SECOND)
/* Of the minute's posts, what may be used: what comes together then goes together, as
 * far as the minute isn't used much; and with a little left for what isn't foreseen. */
#define USE_STRICT 0.5
#define USE_MOST (14 / 15.0)

typedef struct
{
  gint64 latest;                /* when a segment closed */
  gint64 interval;              /* between two of them */
} Stream;

struct _ModIdle
{
  gdouble per_second, per_minute;
  GHashTable *streams;          /* name -> Stream * */
  GQueue posts, late;           /* of gint64 *, within the minute, the oldest first */
  gint64 throttled;             /* when; 0: never */
};

ModIdle *
mod_idle_new (void)
{
  ModIdle *self = g_new0 (ModIdle, 1);

  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  g_queue_init (&self->posts);
  g_queue_init (&self->late);
  return self;
}

void
mod_idle_free (ModIdle * self)
{
  g_hash_table_unref (self->streams);
  g_queue_clear_full (&self->posts, g_free);
  g_queue_clear_full (&self->late, g_free);
  g_free (self);
}

void
mod_idle_set_limits (ModIdle * self, gdouble per_second, gdouble per_minute)
{
  self->per_second = per_second;
  self->per_minute = per_minute;
}

void
mod_idle_note_closed (ModIdle * self, const gchar * stream, gint64 now,
    gint64 duration)
{
  Stream *of = g_hash_table_lookup (self->streams, stream);

  if (of == NULL) {
    of = g_new0 (Stream, 1);
    g_hash_table_insert (self->streams, g_strdup (stream), of);
  }
  of->interval = of->latest == 0 ? duration : now - of->latest;
  of->latest = now;
}

static void
forget_old (GQueue * times, gint64 now)
{
  while (times->length > 0
      && *(gint64 *) g_queue_peek_head (times) <= now - MINUTE)
    g_free (g_queue_pop_head (times));
}

static void
note (GQueue * times, gint64 now)
{
  gint64 *time = g_new (gint64, 1);

  *time = now;
  g_queue_push_tail (times, time);
  forget_old (times, now);
}

void
mod_idle_note_posts (ModIdle * self, gint64 now, guint posts)
{
  while (posts-- > 0)
    note (&self->posts, now);
}

void
mod_idle_note_late (ModIdle * self, gint64 now)
{
  note (&self->late, now);
}

void
mod_idle_note_throttled (ModIdle * self, gint64 now)
{
  self->throttled = now;
}

/* What the streams want of a minute, as far as they go on as they did. */
static gdouble
get_demand (ModIdle * self, gint64 now)
{
  GHashTableIter iter;
  gpointer stream;
  gdouble demand = 0;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream)) {
    const Stream *of = stream;

    if (of->interval > 0 && now - of->latest < 3 * of->interval)
      demand += (gdouble) MINUTE / of->interval;
    else if (now - of->latest > LONGEST_PAUSE)
      g_hash_table_iter_remove (&iter);
  }
  return MAX (demand, self->posts.length);
}

static gboolean
has_minute (ModIdle * self, gint64 now, gboolean strict)
{
  forget_old (&self->posts, now);
  forget_old (&self->late, now);
  return self->per_minute <= 0 || self->late.length + 1 + get_demand (self,
      now) <= self->per_minute * (strict ? USE_STRICT : USE_MOST);
}

static gint64
get_latest (GQueue * times)
{
  const gint64 *time = g_queue_peek_tail (times);

  return time != NULL ? *time : G_MININT64 / 2;
}

static gboolean
is_due (const Stream * stream, gint64 now, gint64 gap)
{
  gint64 due = stream->latest + stream->interval;

  return now > due - gap - SLACK
      && now < due + MIN (OVERDUE, stream->interval / 2);
}

static gboolean
has_second (ModIdle * self, gint64 now, gboolean strict)
{
  gint64 gap = self->per_second > 0 ? SECOND / self->per_second : 0;
  gint64 share = strict && self->per_minute > 0 ? MINUTE / self->per_minute : 0;
  GHashTableIter iter;
  gpointer stream;

  if (gap + share == 0)
    return TRUE;
  if (now - MAX (get_latest (&self->posts), get_latest (&self->late)) < gap)
    return FALSE;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    if (is_due (stream, now, MAX (gap, share)))
      return FALSE;
  return TRUE;
}

gboolean
mod_idle_is (ModIdle * self, gint64 now, gboolean strict)
{
  return (self->throttled == 0 || now - self->throttled >= MINUTE)
      && has_minute (self, now, strict) && has_second (self, now, strict);
}
