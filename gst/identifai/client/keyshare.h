/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * This process's share of a key that other processes use, too. Nobody tells how
 * many they are: a 429 is all there is to go by, as a lost packet is for TCP.
 *
 * Time is cut into slots, as many as the limit has calls, by the wall clock, so
 * that all processes with the same limits have the same ones. 64 rounds of slots
 * are a ring, and a process holds places in it: a call goes in a slot that it
 * holds, and the same slot of the next ring is its own again. So who has found
 * free places is in nobody's way, and two processes that hold as many do not meet.
 * Places are taken in boxes: every 8th slot, or for the 9th process and more,
 * every 16th, 32nd, 64th.
 *
 * - Who holds less, sends earlier in the slot. Of two that meet, the service takes
 *   the first: the poorer wins, and the other gives the place up when it was
 *   refused there twice in a row. Shares become equal.
 * - Whoever has more to send asks for a little more, so late in the slot that it
 *   wins only where it will have no more than who is there. What was refused is
 *   remembered; when all is, it asks seldom.
 *   What was given up as it waited for too long counts as more to send.
 * - Who has no place looks for one, slot by slot, and every few times takes a
 *   single call from whoever is there (it knocks), so that nobody starves.
 * - Where all was taken for minutes, then several calls in a row were refused, and then
 *   all is taken, it was the service, not others: until a refusal says otherwise, what
 *   is held doubles with each call or two, in the slots that come next.
 *
 * It takes clocks that agree within a tenth of a slot, as NTP keeps them. Where
 * they don't, the key is used just as well, and shared less evenly.
 *
 * Pure: the caller passes the time (monotonic, µs). Not thread-safe.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _IdentifaiShare IdentifaiShare;

/* seed: of what is left to chance; another one in each process. */
IdentifaiShare *identifai_share_new (guint32 seed);
void identifai_share_free (IdentifaiShare * self);

/* distance: µs between two calls at full use; per_second: 0 = no such limit.
 * A change forgets what was held. */
void identifai_share_set_pace (IdentifaiShare * self, gint64 distance,
    guint per_second);
/* What is to be added to a time to get the wall clock's. It may be set again and
 * again: that clock is set, too. */
void identifai_share_set_epoch (IdentifaiShare * self, gint64 epoch);

/* Whether there are others, as far as is known. If not, calls go at any time. */
gboolean identifai_share_is_active (IdentifaiShare * self);
/* How much of the limit is held: 0 to 1. */
gdouble identifai_share_get_part (IdentifaiShare * self);

/* When the next call may start; asked for a call that waits. */
gint64 identifai_share_next (IdentifaiShare * self, gint64 now);
/* A call starts now. Returns its slot, for its outcome. */
gint64 identifai_share_take (IdentifaiShare * self, gint64 now);

/* A call that waited won't be made: more was to go than could. */
void identifai_share_gave_up (IdentifaiShare * self, gint64 now);

/* Whether the call of slot is one that may well be refused. */
gboolean identifai_share_is_doubtful (IdentifaiShare * self, gint64 slot);

/* A call was refused: none before until. n_recent: calls of the last minute, of
 * this process. */
void identifai_share_refused (IdentifaiShare * self, gint64 slot, gint64 now,
    gint64 until, guint n_recent);
void identifai_share_accepted (IdentifaiShare * self, gint64 slot,
    gint64 now);

G_END_DECLS
