/* identifai-emulator: API keys, their credits and rate limits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <json-glib/json-glib.h>
#include "parameters.h"
#include "ratelimit.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean revoked;             /* 401 */
  gboolean forbidden;           /* 403: the terms were not accepted */
  gboolean partner;             /* has users of its own */
  guint user;                   /* a partner's id among them; 0 = none yet */
  gint64 credits;               /* left; -1 = without end */
  gint64 spent;
  EmuRateLimit *limits[EMU_N_RATES];
} EmuKey;

typedef struct _EmuKeys EmuKeys;

/* specs: "KEY" or "KEY=STATE" each, where STATE is a number of credits,
 * "unlimited", "forbidden" or "revoked", and "partner" or one with ",partner";
 * NULL = any key is taken. NULL with error, which doesn't quote the key. */
EmuKeys *emu_keys_new (gchar ** specs, const EmuRate * rates, GError ** error);
void emu_keys_free (EmuKeys * self);

/* Every key as after emu_keys_new() with these specs and emu_keys_add_partner()
 * with these, limits too. One that only came later isn't taken any more, unless
 * any is. None is freed. */
void emu_keys_reset (EmuKeys * self, gchar ** specs, gchar ** partners);

/* Adds or changes a key. */
gboolean emu_keys_set (EmuKeys * self, const gchar * spec, GError ** error);

/* Makes that key a partner's, too. Others are taken or not as before. */
void emu_keys_add_partner (EmuKeys * self, const gchar * key);

/* NULL: no such key, or it is revoked. key may be NULL. */
EmuKey *emu_keys_find (EmuKeys * self, const gchar * key);

/* For the page, at most 100: the start of each key, credits left (-1 = without
 * end) and spent, and what is said of it. */
JsonArray *emu_keys_build_state (EmuKeys * self);

/* What a submission costs: 1 credit for every 5 frames looked at. */
gint64 emu_keys_cost (const EmuParameters * parameters);
/* FALSE: not enough credits. */
gboolean emu_key_spend (EmuKey * self, gint64 cost);

G_END_DECLS
