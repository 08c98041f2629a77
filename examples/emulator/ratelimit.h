/* identifai-emulator: the service's rate limits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Pure: the caller passes the time. So many requests in any second and so many
 * in any minute; past that everything is refused for a while.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  EMU_RATE_POST,
  EMU_RATE_GET,
  EMU_N_RATES
} EmuRateKind;

typedef struct
{
  guint per_second, per_minute; /* 0 = no limit */
} EmuRate;

/* "published", "off", or POST/s,POST/min,GET/s,GET/min such as "1,30,2,60".
 * rates: EMU_N_RATES of them. */
gboolean emu_rates_parse (const gchar * text, EmuRate * rates, GError ** error);

/* The state of one key and one kind. */
typedef struct _EmuRateLimit EmuRateLimit;

EmuRateLimit *emu_rate_limit_new (EmuRate rate);
void emu_rate_limit_free (EmuRateLimit * self);

/* now: monotonic µs, never less than before. FALSE: refused, and *retry_after
 * says for how many seconds, rounded up. */
gboolean emu_rate_limit_take (EmuRateLimit * self, gint64 now,
    guint * retry_after);

G_END_DECLS
