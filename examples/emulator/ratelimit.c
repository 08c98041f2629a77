/* identifai-emulator: the service's rate limits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "ratelimit.h"

#include <stdio.h>

#define SECOND G_USEC_PER_SEC
#define MINUTE (60 * SECOND)
#define MAX_RATE 100000

struct _EmuRateLimit
{
  EmuRate rate;
  GArray *taken;                /* gint64: when, of the last minute, in order */
  gint64 blocked_until;
};

gboolean
emu_rates_parse (const gchar * text, EmuRate * rates, GError ** error)
{
  static const EmuRate published[EMU_N_RATES] = { {1, 30}, {2, 60} };
  guint i, n[4];
  gint end = 0;

  for (i = 0; i < EMU_N_RATES; i++) {
    rates[i].per_second = rates[i].per_minute = 0;
    if (g_str_equal (text, "published"))
      rates[i] = published[i];
  }
  if (g_str_equal (text, "published") || g_str_equal (text, "off"))
    return TRUE;
  if (sscanf (text, "%6u,%6u,%6u,%6u%n", &n[0], &n[1], &n[2], &n[3], &end) == 4
      && text[end] == '\0' && MAX (MAX (n[0], n[1]), MAX (n[2],
              n[3])) <= MAX_RATE) {
    for (i = 0; i < EMU_N_RATES; i++) {
      rates[i].per_second = n[2 * i];
      rates[i].per_minute = n[2 * i + 1];
    }
    return TRUE;
  }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "--rate-limits takes published, off, or POST/s,POST/min,GET/s,GET/min "
      "such as 1,30,2,60, not %s", text);
  return FALSE;
}

EmuRateLimit *
emu_rate_limit_new (EmuRate rate)
{
  EmuRateLimit *self = g_new0 (EmuRateLimit, 1);

  self->rate = rate;
  self->taken = g_array_new (FALSE, FALSE, sizeof (gint64));
  return self;
}

void
emu_rate_limit_free (EmuRateLimit * self)
{
  g_array_unref (self->taken);
  g_free (self);
}

static void
forget_old (EmuRateLimit * self, gint64 before)
{
  guint n = 0;

  while (n < self->taken->len && g_array_index (self->taken, gint64,
          n) <= before)
    n++;
  if (n > 0)
    g_array_remove_range (self->taken, 0, n);
}

/* When there is room again in a window of that length; 0 = there is room. */
static gint64
room_at (EmuRateLimit * self, guint limit, gint64 window, gint64 now)
{
  gint64 oldest;

  if (limit == 0 || self->taken->len < limit)
    return 0;
  oldest = g_array_index (self->taken, gint64, self->taken->len - limit);
  return oldest > now - window ? oldest + window : 0;
}

gboolean
emu_rate_limit_take (EmuRateLimit * self, gint64 now, guint * retry_after)
{
  gint64 until;

  if (self->rate.per_second == 0 && self->rate.per_minute == 0)
    return TRUE;
  forget_old (self, now - MINUTE);
  until = MAX (room_at (self, self->rate.per_second, SECOND, now),
      room_at (self, self->rate.per_minute, MINUTE, now));
  /* Blocked for at least a second, as the service blocks «for a while». */
  if (until > 0 && now >= self->blocked_until)
    self->blocked_until = MAX (until, now + SECOND);
  if (now < self->blocked_until) {
    *retry_after = (self->blocked_until - now + SECOND - 1) / SECOND;
    return FALSE;
  }
  g_array_append_val (self->taken, now);
  return TRUE;
}
