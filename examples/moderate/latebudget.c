/* identifai-moderate: when what was kept may be judged
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "latebudget.h"
#include "idle.h"
#include "pipeline.h"

#include <string.h>

/* After a failure that isn't the file's, as long as no live upload succeeds. */
#define FIRST_WAIT (5 * G_USEC_PER_SEC)
#define LONGEST_WAIT (300 * G_USEC_PER_SEC)
/* So long a moment is looked for in which nothing live is waited for, or due. */
#define LONGEST_PATIENCE (60 * G_USEC_PER_SEC)

struct _ModLateKey
{
  const gchar *account;
  ModIdle *idle;
  gboolean judges;              /* one is being judged */
  gint64 not_before, wait;      /* monotonic; of the next failure */
  gint64 quiet;                 /* the latest time that would disturb nobody */
  gboolean waits, pending;      /* live segments: for their upload, at all */
  gboolean used;                /* while looking for those that aren't */
};

/* What has to be known of a stream's settings. */
typedef struct
{
  gchar *fingerprint;           /* of the section that it was taken from */
  ModLateKey *key;              /* NULL: they can't be had */
  guint per_hour;               /* max-uploads-per-hour; 0: any number */
  gdouble wanted;               /* by live segments, an hour, as it is set */
  guint64 posts, throttled;     /* of its session, when they were read last */
} Stream;

struct _ModLateBudget
{
  ModUploads *uploads;
  GHashTable *keys;             /* account -> ModLateKey * */
  GHashTable *streams;          /* name -> Stream * */
};

static void
free_key (gpointer data)
{
  ModLateKey *self = data;

  mod_idle_free (self->idle);
  g_free (self);
}

static void
free_stream (gpointer data)
{
  Stream *self = data;

  g_free (self->fingerprint);
  g_free (self);
}

ModLateBudget *
mod_late_budget_new (ModUploads * uploads)
{
  ModLateBudget *self = g_new0 (ModLateBudget, 1);

  self->uploads = uploads;
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_key);
  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_stream);
  return self;
}

void
mod_late_budget_free (ModLateBudget * self)
{
  g_hash_table_unref (self->streams);
  g_hash_table_unref (self->keys);
  g_free (self);
}

/* Settings. */

static ModLateKey *
get_key (ModLateBudget * self, GstElement * element)
{
  g_autofree gchar *account = mod_pipeline_get_account (element);
  ModLateKey *key = g_hash_table_lookup (self->keys, account);

  if (key != NULL)
    return key;
  key = g_new0 (ModLateKey, 1);
  key->account = account;
  key->idle = mod_idle_new ();
  key->wait = FIRST_WAIT;
  key->quiet = g_get_monotonic_time ();
  g_hash_table_insert (self->keys, g_steal_pointer (&account), key);
  return key;
}

static gdouble
get_limit (const GstStructure * limits, const gchar * name)
{
  const GValue *value = gst_structure_get_value (limits, name);
  GValue number = G_VALUE_INIT;
  gdouble limit = 0;

  g_value_init (&number, G_TYPE_DOUBLE);
  if (value != NULL && g_value_transform (value, &number))
    limit = g_value_get_double (&number);
  g_value_unset (&number);
  return limit;
}

static void
read_settings (ModLateBudget * self, Stream * stream, GstElement * judge)
{
  GstStructure *limits = NULL;

  stream->key = get_key (self, judge);
  stream->wanted = 60 * mod_pipeline_get_uploads (judge);
  g_object_get (judge, "rate-limits", &limits, "max-uploads-per-hour",
      &stream->per_hour, NULL);
  if (limits != NULL)
    mod_idle_set_limits (stream->key->idle,
        get_limit (limits, "post-per-second"),
        get_limit (limits, "post-per-minute"));
  gst_clear_structure (&limits);
}

static Stream *
get_stream (ModLateBudget * self, const ModStreamConfig * config)
{
  Stream *stream = g_hash_table_lookup (self->streams, config->name);
  g_autoptr (GstElement) pipeline = NULL;
  GstElement *judge = NULL;

  if (stream == NULL) {
    stream = g_new0 (Stream, 1);
    g_hash_table_insert (self->streams, g_strdup (config->name), stream);
  }
  if (g_strcmp0 (stream->fingerprint, config->fingerprint) == 0)
    return stream;
  g_free (stream->fingerprint);
  stream->fingerprint = g_strdup (config->fingerprint);
  stream->key = NULL;
  stream->per_hour = 0;
  stream->wanted = 0;
  pipeline = mod_pipeline_new (config, &judge, NULL, NULL);
  if (pipeline != NULL)
    read_settings (self, stream, judge);
  return stream;
}

static gboolean
is_gone (gpointer name, gpointer unused, gpointer supervisor)
{
  return !mod_supervisor_knows (supervisor, name);
}

static gboolean
is_unused (gpointer unused, gpointer key, gpointer user_data)
{
  return !((ModLateKey *) key)->used && !((ModLateKey *) key)->judges;
}

void
mod_late_budget_sweep (ModLateBudget * self, const ModSupervisor * supervisor)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_foreach_remove (self->streams, is_gone, (gpointer) supervisor);
  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    ((ModLateKey *) value)->used = FALSE;
  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (((Stream *) value)->key != NULL)
      ((Stream *) value)->key->used = TRUE;
  g_hash_table_foreach_remove (self->keys, is_unused, NULL);
}

/* What live streams do. */

static void
note_closed (Stream * stream, const gchar * name, const GstStructure * s)
{
  guint64 duration = GST_CLOCK_TIME_NONE;

  gst_structure_get_uint64 (s, "duration", &duration);
  mod_idle_note_closed (stream->key->idle, name, g_get_monotonic_time (),
      GST_CLOCK_TIME_IS_VALID (duration) ? duration / GST_USECOND : 0);
}

void
mod_late_budget_note (ModLateBudget * self, const ModStreamConfig * config,
    const GstStructure * s)
{
  Stream *stream = get_stream (self, config);

  if (stream->key == NULL)
    return;
  if (gst_structure_has_name (s, "identifai-segment"))
    note_closed (stream, config->name, s);
  else if (gst_structure_has_name (s, "identifai-submitted"))
    mod_late_key_hurry (stream->key);
}

static guint64
get_number (const GstStructure * stats, const gchar * name)
{
  guint64 number = 0;

  gst_structure_get_uint64 (stats, name, &number);
  return number;
}

/* Of a session: they begin anew with the next. */
static guint64
take_difference (guint64 * before, guint64 now)
{
  guint64 more = now >= *before ? now - *before : now;

  *before = now;
  return more;
}

static void
take_stats (Stream * stream, const GstStructure * stats)
{
  ModLateKey *key = stream->key;
  gint64 now = g_get_monotonic_time ();

  mod_idle_note_posts (key->idle, now, MIN (take_difference (&stream->posts,
              get_number (stats, "post-requests")), 1000));
  if (take_difference (&stream->throttled, get_number (stats, "throttled")) > 0)
    mod_idle_note_throttled (key->idle, now);
  key->waits |= get_number (stats, "pending-bytes") > 0;
  key->pending |= get_number (stats, "pending") > 0;
}

static void
look (gpointer live, gpointer user_data)
{
  ModSession *session = mod_stream_get_session (live);
  Stream *stream = get_stream (user_data, mod_stream_get_config (live));
  GstStructure *stats = NULL;

  if (session == NULL || stream->key == NULL)
    return;
  g_object_get (mod_session_get_judge (session), "stats", &stats, NULL);
  if (stats == NULL)
    return;
  take_stats (stream, stats);
  gst_structure_free (stats);
}

void
mod_late_budget_look (ModLateBudget * self, const ModSupervisor * supervisor)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    ModLateKey *key = value;

    key->waits = key->pending = FALSE;
  }
  mod_supervisor_foreach (supervisor, look, self);
}

/* Choosing. */

/* Live uploads come first: what they may take of the next hour is left to them, so that
 * both together keep to it. */
static gboolean
has_upload_left (ModLateBudget * self, const Stream * stream,
    const gchar * name)
{
  gdouble live = MAX (mod_uploads_count_live (self->uploads, name),
      stream->wanted);

  return stream->per_hour == 0 || mod_uploads_count_late (self->uploads,
      name) + live + 1 <= stream->per_hour;
}

static gboolean
is_free (ModLateKey * self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->judges || now < self->not_before || self->waits)
    return FALSE;
  if (!self->pending && mod_idle_is (self->idle, now, TRUE)) {
    self->quiet = now;
    return TRUE;
  }
  return now - self->quiet > LONGEST_PATIENCE
      && mod_idle_is (self->idle, now, FALSE);
}

ModLateKey *
mod_late_budget_find (ModLateBudget * self, const ModStreamConfig * config,
    gboolean upload)
{
  Stream *stream = get_stream (self, config);

  if (stream->key == NULL || !is_free (stream->key))
    return NULL;
  return !upload || has_upload_left (self, stream, config->name) ?
      stream->key : NULL;
}

const gchar *
mod_late_key_get_account (const ModLateKey * self)
{
  return self->account;
}

void
mod_late_key_begin (ModLateKey * self)
{
  self->judges = TRUE;
}

void
mod_late_key_end (ModLateKey * self)
{
  self->judges = FALSE;
}

void
mod_late_budget_note_upload (ModLateBudget * self, ModLateKey * key,
    const gchar * stream)
{
  mod_idle_note_late (key->idle, g_get_monotonic_time ());
  mod_uploads_note_late (self->uploads, stream);
}

void
mod_late_budget_take_back (ModLateBudget * self, const gchar * stream)
{
  mod_uploads_take_back_late (self->uploads, stream);
}

void
mod_late_key_put_off (ModLateKey * self)
{
  self->not_before = g_get_monotonic_time () + self->wait;
  self->wait = MIN (2 * self->wait, LONGEST_WAIT);
}

/* The service works. */
void
mod_late_key_hurry (ModLateKey * self)
{
  self->wait = FIRST_WAIT;
  self->not_before = 0;
}
