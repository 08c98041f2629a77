/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How long the service took for its latest results, as far as it can be known, and
 * when it is best asked for the next one: what was so lately is taken for what may
 * be, and asking has a price.
 *
 * Pure. Times in µs since the service took the file.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define IDENTIFAI_N_POLL_TIMES 16
/* Times that each of the latest results stands for: it may have been final at any
 * time within what is known. */
#define IDENTIFAI_POLL_TIME_PARTS 4

/* Between two polls of one result that takes longer than is known; half of it while
 * polls may be close. */
#define IDENTIFAI_POLL_INTERVAL (1 * G_TIME_SPAN_SECOND)

typedef struct
{
  struct
  {
    gint64 after, until;
  } latest[IDENTIFAI_N_POLL_TIMES];
  gint64 times[IDENTIFAI_N_POLL_TIMES * IDENTIFAI_POLL_TIME_PARTS];
  guint n_times;                /* in order */
  guint n;                      /* results there ever were */
  guint n_at_once;              /* in a row: final when asked for first */
} IdentifaiPollTimes;

/* A result was final when it was asked for at that time; it wasn't when it was asked
 * for after that, the time before; 0 = there was none. */
void identifai_poll_times_learn (IdentifaiPollTimes * self,
    gint64 after, gint64 until);

/* When to ask next for a result that wasn't final when it was asked for at age (0 =
 * wasn't yet). gap: between two polls. price: what one poll has to gain, as µs by which
 * a result is known earlier. close: polls may be close. */
gint64 identifai_poll_times_next (const IdentifaiPollTimes * self,
    gint64 age, gint64 gap, gint64 price, gboolean close);

G_END_DECLS
