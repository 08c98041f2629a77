/* identifai-emulator: which frames of a video are judged
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "frames.h"

static gboolean
have_times (const EmuFrame * frames, guint n_frames)
{
  guint i;

  for (i = 0; i < n_frames; i++) {
    if (!GST_CLOCK_TIME_IS_VALID (frames[i].pts)
        || (i > 0 && frames[i].pts < frames[i - 1].pts))
      return FALSE;
  }
  return n_frames > 1 && frames[n_frames - 1].pts > frames[0].pts;
}

static guint64
distance (GstClockTime a, GstClockTime b)
{
  return a > b ? a - b : b - a;
}

/* The frames nearest to max points in time, each once. The clip's length is
 * that of its frames, the last one as long as the average one. */
static guint
choose_by_time (const EmuFrame * frames, guint n_frames, guint max,
    guint * chosen)
{
  GstClockTime first = frames[0].pts;
  GstClockTime span = frames[n_frames - 1].pts - first;
  GstClockTime length = span + span / (n_frames - 1);
  guint i, n = 0, at = 0;

  for (i = 0; i < max; i++) {
    GstClockTime want = first + gst_util_uint64_scale (length, i, max);

    while (at + 1 < n_frames
        && distance (frames[at + 1].pts, want) <= distance (frames[at].pts,
            want))
      at++;
    if (n == 0 || chosen[n - 1] != at)
      chosen[n++] = at;
  }
  return n;
}

static guint
choose_by_number (guint n_frames, guint max, guint * chosen)
{
  guint i, n = MIN (n_frames, max);

  for (i = 0; i < n; i++)
    chosen[i] = (guint64) i *n_frames / n;
  return n;
}

/* Thins out an ascending list in place. */
static guint
thin_out (GArray * list, guint max, guint * chosen)
{
  guint i, n = choose_by_number (list->len, max, chosen);

  for (i = 0; i < n; i++)
    chosen[i] = g_array_index (list, guint, chosen[i]);
  return n;
}

static guint
color_distance (const EmuFrame * frame, const guint64 * mean)
{
  guint i, sum = 0;

  for (i = 0; i < 3; i++) {
    gint difference = (gint) frame->mean[i] - (gint) mean[i];

    sum += difference * difference;
  }
  return sum;
}

static guint
nearest_to_average (const EmuFrame * frames, guint start, guint end)
{
  guint64 mean[3] = { 0, };
  guint i, c, best = start;

  for (i = start; i < end; i++) {
    for (c = 0; c < 3; c++)
      mean[c] += frames[i].mean[c];
  }
  for (c = 0; c < 3; c++)
    mean[c] = (mean[c] + (end - start) / 2) / (end - start);
  for (i = start + 1; i < end; i++) {
    if (color_distance (&frames[i], mean) < color_distance (&frames[best],
            mean))
      best = i;
  }
  return best;
}

/* A shot's first frame differs from the shot before, not from this one: it
 * counts only if it is alone. */
static guint
stillest (const EmuFrame * frames, guint start, guint end)
{
  guint i, best = start + 1 < end ? start + 1 : start;

  for (i = best + 1; i < end; i++) {
    if (frames[i].motion < frames[best].motion)
      best = i;
  }
  return best;
}

static guint
choose_in_shot (const EmuFrame * frames, guint start, guint end,
    EmuChoice choice)
{
  if (choice == EMU_CHOICE_COLOR)
    return nearest_to_average (frames, start, end);
  if (choice == EMU_CHOICE_FLOW)
    return stillest (frames, start, end);
  return start;
}

static guint
choose_by_shot (const EmuFrame * frames, guint n_frames, EmuChoice choice,
    guint max, guint * chosen)
{
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (guint));
  guint start, end;

  for (start = 0; start < n_frames; start = end) {
    guint best;

    for (end = start + 1; end < n_frames && !frames[end].key;)
      end++;
    best = choose_in_shot (frames, start, end, choice);
    g_array_append_val (list, best);
  }
  return thin_out (list, max, chosen);
}

guint
emu_frames_choose (const EmuFrame * frames, guint n_frames, EmuChoice choice,
    guint max, guint * chosen)
{
  if (n_frames == 0 || max == 0)
    return 0;
  if (choice != EMU_CHOICE_EVEN)
    return choose_by_shot (frames, n_frames, choice, max, chosen);
  if (have_times (frames, n_frames))
    return choose_by_time (frames, n_frames, max, chosen);
  return choose_by_number (n_frames, max, chosen);
}
