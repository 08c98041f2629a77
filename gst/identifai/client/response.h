/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an answer, or the lack of one, means, and whether another attempt is made.
 * Pure.
 */

#pragma once

#include "client.h"
#include "transport.h"

G_BEGIN_DECLS

/* How one attempt of a call ended. */
typedef struct
{
  IdentifaiReason reason;       /* NONE: the call succeeded */
  guint http_status;
  gchar *message;               /* owned; NULL on success */
  gboolean temporary;           /* another attempt may help */
  gboolean lasting;             /* but hardly within minutes */
  gboolean unexpected;          /* what was refused isn't the file, but our way to ask */
  gint64 retry_after;           /* µs from now on; -1 = not said */
  gint64 pause;                 /* the same; before that it isn't made again */
  gint64 retry_in;              /* the same; when it is made again, -1 = not */
} IdentifaiAttempt;

/* A call's attempts so far. */
typedef struct
{
  guint failures;               /* in a row */
  gint64 refused_since;         /* monotonic µs: with a 429, when it had no retries
                                 * left; 0 = never */
  gboolean rekeyed;             /* it had its second chance after a 401 */
} IdentifaiTries;

/* host: for the texts. */
void identifai_attempt_init (IdentifaiAttempt * self, const gchar * name,
    const IdentifaiResponse * answer, const gchar * host);
void identifai_attempt_clear (IdentifaiAttempt * self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (IdentifaiAttempt, identifai_attempt_clear)

/* By the service; a proxy may use the same statuses. */
gboolean identifai_attempt_is_throttled (const IdentifaiAttempt * self);
gboolean identifai_attempt_is_unauthorized (const IdentifaiAttempt * self);

/* Counts a failure, and says whether another attempt is made: attempt's pause and
 * retry_in. A 401 may end in one, too, with another key: that shows later. */
void identifai_tries_plan (IdentifaiTries * self, IdentifaiAttempt * attempt,
    const IdentifaiClientSettings * settings, IdentifaiCall call);

/* Turns a success into one that can't be understood. answer: if it is a page, it is
 * quoted. */
void identifai_attempt_set_bad_response (IdentifaiAttempt * self,
    const gchar * name, const gchar * call, const gchar * why, GBytes * answer);

G_END_DECLS
