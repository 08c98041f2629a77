/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Limiters by key, kept for a while after their account has gone. The network
 * thread's.
 */

#include "keylimits.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CLIENT)

/* How long one is kept that nobody uses: longer than the service looks back. */
#define KEPT (2 * G_TIME_SPAN_MINUTE)

static GHashTable *all;         /* of IdentifaiKeyLimits, by their id; or NULL */

gchar *
identifai_key_digest (const gchar * endpoint, const gchar * api_key)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *digest;

  g_checksum_update (checksum, (const guchar *) endpoint,
      strlen (endpoint) + 1);
  g_checksum_update (checksum, (const guchar *) api_key, -1);
  digest = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);

  return digest;
}

static IdentifaiKeyLimits *
key_limits_new (const gchar * id)
{
  IdentifaiKeyLimits *self = g_new0 (IdentifaiKeyLimits, 1);

  self->id = g_strdup (id);
  self->starts = identifai_limiter_new (g_random_int ());
  self->arrivals = identifai_limiter_new (g_random_int ());

  return self;
}

static void
key_limits_free (gpointer data)
{
  IdentifaiKeyLimits *self = data;

  identifai_limiter_free (self->starts);
  identifai_limiter_free (self->arrivals);
  g_free (self->id);
  g_free (self);
}

/* A GHRFunc. */
static gboolean
is_older (gpointer id, gpointer limits, gpointer time)
{
  const IdentifaiKeyLimits *self = limits;

  return self->users == 0 && self->released_at < *(gint64 *) time;
}

static void
forget_older (gint64 time)
{
  if (all != NULL)
    g_hash_table_foreach_remove (all, is_older, &time);
}

IdentifaiKeyLimits *
identifai_key_limits_get (const gchar * endpoint, const gchar * api_key)
{
  gchar *id = identifai_key_digest (endpoint, api_key);
  IdentifaiKeyLimits *limits;

  forget_older (identifai_clock_now () - KEPT);
  if (all == NULL)
    all = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
        key_limits_free);
  limits = g_hash_table_lookup (all, id);
  GST_DEBUG ("%s", limits ? "calls of this key were counted before" :
      "the calls of a key begin to be counted");
  if (!limits) {
    limits = key_limits_new (id);
    g_hash_table_insert (all, limits->id, limits);
  }
  limits->users++;
  g_free (id);

  return limits;
}

void
identifai_key_limits_release (IdentifaiKeyLimits * self)
{
  self->users--;
  self->released_at = identifai_clock_now ();
}

void
identifai_key_limits_forget_all (void)
{
  forget_older (G_MAXINT64);
}

void
identifai_key_limits_set_limit (IdentifaiKeyLimits * self, IdentifaiCall call,
    const IdentifaiLimit * limit)
{
  IdentifaiLimit by_second = { limit->per_second, 0 };

  identifai_limiter_set_limit (self->starts, call, limit);
  identifai_limiter_set_limit (self->arrivals, call, &by_second);
}

gint64
identifai_key_limits_arrive (IdentifaiKeyLimits * self, gint64 now)
{
  if (identifai_limiter_take (self->arrivals, IDENTIFAI_CALL_POST, now, NULL))
    return 0;

  return identifai_limiter_next (self->arrivals, IDENTIFAI_CALL_POST,
      now) - now;
}
