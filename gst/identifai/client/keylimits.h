/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How many calls a key has left. The service counts on when the last element
 * goes, so the count outlives the client by two minutes, longer than the service looks
 * back: an application that judges one file after another, with a new pipeline each,
 * keeps the limits.
 *
 * The network thread's: there is only one at a time. Times in monotonic µs.
 */

#pragma once

#include "limiter.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *id;                    /* a digest: no key is kept for it */
  guint users;
  gint64 released_at;

  IdentifaiLimiter *starts;     /* of all calls */
  IdentifaiLimiter *arrivals;   /* of posts, by the second only */
  gint64 no_early_until;        /* no post begins before its file is whole */
} IdentifaiKeyLimits;

/* Stands for both where the key isn't to be kept. Any thread. */
gchar *identifai_key_digest (const gchar * endpoint, const gchar * api_key);

/* The one of that endpoint and key, with a reference. */
IdentifaiKeyLimits *identifai_key_limits_get (const gchar * endpoint,
    const gchar * api_key);
void identifai_key_limits_release (IdentifaiKeyLimits * self);

void identifai_key_limits_set_limit (IdentifaiKeyLimits * self, IdentifaiCall call,
    const IdentifaiLimit * limit);

/* Uploads that started well apart may end together, and a service behind a
 * buffering front counts them then. How long the end of one has to wait; 0: it
 * is booked. */
gint64 identifai_key_limits_arrive (IdentifaiKeyLimits * self, gint64 now);

/* For the tests: forgets what nobody uses. */
void identifai_key_limits_forget_all (void);

G_END_DECLS
