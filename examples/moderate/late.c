/* identifai-moderate: what could not be judged is kept, and judged when there is time
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "late.h"
#include "idle.h"
#include "jsontext.h"
#include "latejudge.h"
#include "pipeline.h"
#include "record.h"

#include <glib/gstdio.h>
#include <string.h>

#define TICK 200                /* ms, while anything is kept */
/* After a failure that isn't the file's, as long as no live upload succeeds. */
#define FIRST_WAIT (5 * G_USEC_PER_SEC)
#define LONGEST_WAIT (300 * G_USEC_PER_SEC)
/* A file that the service doesn't judge, or that costs an upload each time. */
#define MOST_ATTEMPTS 3
/* So long a moment is looked for in which nothing live is waited for, or due. */
#define LONGEST_PATIENCE (60 * G_USEC_PER_SEC)
#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/* Of an endpoint and a key. */
typedef struct
{
  const gchar *account;
  ModIdle *idle;
  struct _Item *item;           /* that is being judged; NULL: none */
  ModLateJudge *judge;          /* NULL: its file is being read */
  gint64 not_before, wait;      /* monotonic; of the next failure */
  gint64 quiet;                 /* the latest time that would disturb nobody */
} Key;

/* What has to be known of a stream's settings. */
typedef struct
{
  gchar *fingerprint;           /* of the section that it was taken from */
  Key *key;                     /* NULL: they can't be had */
  guint per_hour;               /* max-uploads-per-hour; 0: any number */
  gdouble wanted;               /* by live segments, an hour, as it is set */
  GQueue live, late;            /* uploads within the hour: gint64 *, monotonic */
  guint64 posts, throttled;     /* of its session, when they were read last */
} Stream;

typedef struct _Item
{
  ModLate *late;
  gchar *id;                    /* SESSION/SEGMENT */
  gchar *stream, *name;         /* in the store */
  JsonObject *about;            /* the line of what it came to */
  gchar *identifier;            /* the service has it: it is asked first; NULL: it hasn't */
  guint64 bytes;
  gint64 written;               /* s since 1970 */
  guint attempts;
  gboolean stored, told;
  gboolean uploading;           /* this try is an upload, and not taken yet */
  gboolean gone;                /* before it was stored: to be freed then */
  gchar *error;                 /* it could not be stored */
  GstBuffer *file;              /* while it is judged */
} Item;

struct _ModLate
{
  ModEvidenceStore *store;
  ModHub *hub;
  ModPendingState *pending;     /* NULL: none */
  ModSupervisor *supervisor;    /* NULL: before the start */
  gboolean stopping;            /* what is being judged may end, and nothing new begins */
  ModLateVerdict verdict;
  gpointer user_data;
  guint64 max_age, max_bytes, bytes;    /* 0: any */
  GQueue items;                 /* of Item *, the oldest first */
  GHashTable *by_id;            /* id -> GList * in items */
  GHashTable *keys;             /* endpoint and key file -> Key * */
  GHashTable *streams;          /* name -> Stream * */
  GHashTable *lost;             /* id -> its line: kept as it says, and nothing after it */
  guint tick;
};

/* Why a segment has no verdict, where it may have one later. */
static const gchar *const reasons[] = {
  "network", "throttled", "service-error", "bad-response", "timeout",
  "unauthorized", "no-credits", "overflow", "budget", "stopped", NULL
};

/* Those that say nothing of the file. */
static const gchar *const not_of_file[] = {
  "network", "throttled", "unauthorized", "no-credits", "stopped", NULL
};

static const gchar *
get (JsonObject * object, const gchar * name)
{
  return mod_json_get_text (object, name, "");
}

static gchar *
make_id (const gchar * session, guint64 segment)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT, session, segment);
}

static gchar *
make_id_of (JsonObject * line)
{
  return make_id (get (line, "session"),
      json_object_get_int_member_with_default (line, "segment", 0));
}

/* Keys and streams. */

static void
free_key (gpointer data)
{
  Key *self = data;

  g_clear_pointer (&self->judge, mod_late_judge_free);
  mod_idle_free (self->idle);
  g_free (self);
}

static void
free_stream (gpointer data)
{
  Stream *self = data;

  g_queue_clear_full (&self->live, g_free);
  g_queue_clear_full (&self->late, g_free);
  g_free (self->fingerprint);
  g_free (self);
}

static Key *
get_key (ModLate * self, GstElement * element)
{
  g_autofree gchar *account = mod_pipeline_get_account (element);
  Key *key = g_hash_table_lookup (self->keys, account);

  if (key != NULL)
    return key;
  key = g_new0 (Key, 1);
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
read_settings (ModLate * self, Stream * stream, GstElement * judge)
{
  GstStructure *limits = NULL;

  stream->key = get_key (self, judge);
  stream->wanted = 60 * mod_pipeline_get_uploads (judge);
  g_object_get (judge, "rate-limits", &limits, NULL);
  if (limits != NULL)
    mod_idle_set_limits (stream->key->idle,
        get_limit (limits, "post-per-second"),
        get_limit (limits, "post-per-minute"));
  gst_clear_structure (&limits);
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (judge),
          "max-uploads-per-hour"))
    g_object_get (judge, "max-uploads-per-hour", &stream->per_hour, NULL);
}

/* When its section changes, what went within the hour counts on. */
static Stream *
get_stream (ModLate * self, const ModStreamConfig * config)
{
  Stream *stream = g_hash_table_lookup (self->streams, config->name);
  g_autoptr (GstElement) pipeline = NULL;
  GstElement *judge = NULL;

  if (stream == NULL) {
    stream = g_new0 (Stream, 1);
    g_queue_init (&stream->live);
    g_queue_init (&stream->late);
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

static void
note_upload (GQueue * uploads)
{
  gint64 *time = g_new (gint64, 1);

  *time = g_get_monotonic_time ();
  g_queue_push_tail (uploads, time);
}

static guint
count_uploads (GQueue * uploads)
{
  gint64 since = g_get_monotonic_time () - HOUR;

  while (uploads->length > 0
      && *(gint64 *) g_queue_peek_head (uploads) <= since)
    g_free (g_queue_pop_head (uploads));
  return uploads->length;
}

/* The element counts live uploads only: what they may take of the next hour is left to
 * them, so that both together keep to it. */
static gboolean
has_upload_left (Stream * stream)
{
  gdouble live = MAX (count_uploads (&stream->live), stream->wanted);

  return stream->per_hour == 0
      || count_uploads (&stream->late) + live + 1 <= stream->per_hour;
}

/* Items. */

static void
free_item (gpointer data)
{
  Item *self = data;

  g_free (self->id);
  g_free (self->stream);
  g_free (self->name);
  g_free (self->error);
  g_free (self->identifier);
  json_object_unref (self->about);
  gst_clear_buffer (&self->file);
  g_free (self);
}

static Item *
find_item (ModLate * self, const gchar * id)
{
  GList *link = g_hash_table_lookup (self->by_id, id);

  return link != NULL ? link->data : NULL;
}

static gboolean on_tick (gpointer user_data);

static Item *
add_item (ModLate * self, const gchar * stream, const gchar * name,
    JsonObject * about, guint64 bytes, gint64 written)
{
  Item *item = g_new0 (Item, 1);

  item->late = self;
  item->id = make_id_of (about);
  item->stream = g_strdup (stream);
  item->name = g_strdup (name);
  item->about = json_object_ref (about);
  item->identifier = g_strdup (mod_json_get_text (about, "identifier", NULL));
  item->bytes = bytes;
  item->written = written;
  g_queue_push_tail (&self->items, item);
  g_hash_table_insert (self->by_id, item->id, self->items.tail);
  self->bytes += bytes;
  if (self->tick == 0)
    self->tick = g_timeout_add (TICK, on_tick, self);
  return item;
}

static void
remove_item (ModLate * self, Item * item)
{
  GList *link = g_hash_table_lookup (self->by_id, item->id);

  g_hash_table_remove (self->by_id, item->id);
  g_queue_delete_link (&self->items, link);
  self->bytes -= item->bytes;
  mod_evidence_store_remove (self->store, item->stream, item->name);
  item->gone = TRUE;
  if (item->stored)
    free_item (item);
}

static void
copy_members (JsonObject * from, JsonObject * to, const gchar * const *names)
{
  for (; *names != NULL; names++) {
    JsonNode *node = json_object_get_member (from, *names);

    if (node != NULL)
      json_object_set_member (to, *names, json_node_copy (node));
  }
}

static void
tell_given_up (ModLate * self, const gchar * stream, JsonObject * about,
    const gchar * reason, const gchar * error)
{
  static const gchar *const names[] =
      { "session", "segment", "start", "duration", "ref_id", "sha256", NULL };
  JsonObject *line = mod_record_new ("late", stream);

  copy_members (about, line, names);
  json_object_set_string_member (line, "state", "given-up");
  json_object_set_string_member (line, "reason", reason);
  if (error != NULL)
    json_object_set_string_member (line, "error", error);
  mod_hub_tell (self->hub, line);
}

static void
give_up (ModLate * self, Item * item, const gchar * reason, const gchar * error)
{
  tell_given_up (self, item->stream, item->about, reason, error);
  remove_item (self, item);
}

static Key *
find_judging_key (ModLate * self, const Item * item)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &key))
    if (((Key *) key)->item == item)
      return key;
  return NULL;
}

static const gchar *
find_reason_to_give_up (ModLate * self, const Item * item, guint64 more)
{
  gint64 age = g_get_real_time () / G_USEC_PER_SEC - item->written;

  if (item->error != NULL)
    return "disk";
  if (self->max_age > 0 && age > 0
      && (guint64) age > self->max_age / GST_SECOND)
    return "age";
  return self->max_bytes > 0 && self->bytes + more > self->max_bytes ?
      "bytes" : NULL;
}

/* The oldest go, but for those that are being judged. What is told of one goes first. */
static void
retain (ModLate * self, guint64 more)
{
  GList *l = self->items.head, *next;

  for (; l != NULL; l = next) {
    Item *item = l->data;
    const gchar *reason = find_reason_to_give_up (self, item, more);

    next = l->next;
    if (reason != NULL && item->told && find_judging_key (self, item) == NULL)
      give_up (self, item, reason, item->error);
  }
}

/* Keeping. */

static void
on_stored (const gchar * path, const gchar * error, gpointer user_data)
{
  Item *item = user_data;

  item->stored = TRUE;
  if (item->gone)
    free_item (item);
  else
    item->error = g_strdup (error);
}

static void
keep (ModLate * self, const gchar * stream, JsonObject * line, GstBuffer * file)
{
  g_autofree gchar *text = mod_json_to_text (line);
  JsonObject *about = mod_json_from_text (text);
  g_autofree gchar *name = mod_evidence_make_name (about);
  guint64 bytes = gst_buffer_get_size (file);
  Item *item;

  retain (self, bytes);
  item = add_item (self, stream, name, about, bytes,
      g_get_real_time () / G_USEC_PER_SEC);
  mod_evidence_store_put (self->store, stream, name,
      mod_evidence_find_extension (about), file, about, on_stored, item);
}

/* Not what was asked for again, and not where the file alone is more than may be kept. */
static void
keep_if_wanted (ModLate * self, const ModStreamConfig * config,
    const GstStructure * s, JsonObject * line)
{
  g_autoptr (GstBuffer) file = NULL;
  g_autofree gchar *id = make_id_of (line);

  if (config->late == MOD_LATE_NO
      || gst_structure_has_name (s, "identifai-verdict")
      || !g_strv_contains (reasons, get (line, "reason"))
      || find_item (self, id) != NULL
      || !gst_structure_get (s, "file", GST_TYPE_BUFFER, &file, NULL)
      || (self->max_bytes > 0 && gst_buffer_get_size (file) > self->max_bytes))
    return;
  json_object_set_boolean_member (line, "kept", TRUE);
  keep (self, config->name, line, file);
}

/* s, from the end of what is in it until now; below 0: its time isn't known. */
static gdouble
get_age (JsonObject * about)
{
  g_autoptr (GDateTime) start =
      g_date_time_new_from_iso8601 (get (about, "start"), NULL);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  gdouble duration =
      json_object_get_double_member_with_default (about, "duration", 0);

  return start == NULL ? -1 :
      g_date_time_difference (now, start) / 1e6 - duration;
}

/* It is of the segment that it was cut from. */
static void
add_about (JsonObject * line, const Item * item)
{
  static const gchar *const names[] = { "session", "segment", "start",
    "running_time", "stream_time", "duration", "ref_id", "frames",
    "keyframes", "discontinuities", "audio_missing", "content_type", NULL
  };
  gdouble age = get_age (item->about);

  copy_members (item->about, line, names);
  json_object_set_boolean_member (line, "late", TRUE);
  if (age >= 0)
    json_object_set_double_member (line, "latency", age);
}

/* A verdict that came after all, of what was submitted before a kill. */
static void
take_resumed (ModLate * self, const GstStructure * s, JsonObject * line)
{
  g_autofree gchar *id = make_id_of (line);
  Item *item = find_item (self, id);

  if (item == NULL)
    return;
  add_about (line, item);
  if (gst_structure_has_name (s, "identifai-verdict"))
    remove_item (self, item);
}

static void
note_submitted (Stream * stream)
{
  note_upload (&stream->live);
  stream->key->wait = FIRST_WAIT;
  stream->key->not_before = 0;
}

static void
note_closed (Stream * stream, const gchar * name, const GstStructure * s)
{
  guint64 duration = GST_CLOCK_TIME_NONE;

  gst_structure_get_uint64 (s, "duration", &duration);
  mod_idle_note_closed (stream->key->idle, name, g_get_monotonic_time (),
      GST_CLOCK_TIME_IS_VALID (duration) ? duration / GST_USECOND : 0);
}

void
mod_late_take (ModLate * self, ModStream * stream, const GstStructure * s,
    JsonObject * line)
{
  const ModStreamConfig *config = mod_stream_get_config (stream);
  Stream *of = get_stream (self, config);
  gboolean resumed = FALSE;

  if (of->key == NULL)
    return;
  if (gst_structure_has_name (s, "identifai-segment"))
    note_closed (of, config->name, s);
  else if (gst_structure_has_name (s, "identifai-submitted"))
    note_submitted (of);
  if (!mod_is_outcome (s) || line == NULL)
    return;
  gst_structure_get_boolean (s, "resumed", &resumed);
  if (resumed)
    take_resumed (self, s, line);
  else
    keep_if_wanted (self, config, s, line);
}

/* What is told of it goes first, whatever it comes to later. */
static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  ModLate *self = user_data;
  g_autofree gchar *id = NULL;
  Item *item;

  if (!json_object_get_boolean_member_with_default (line, "kept", FALSE))
    return;
  id = make_id_of (line);
  item = find_item (self, id);
  if (item != NULL)
    item->told = TRUE;
}

/* Judging. */

/* What runs, as long as it does, though its section may have changed. NULL: it has none. */
static const ModStreamConfig *
find_config (ModLate * self, const Item * item)
{
  const ModStreamConfig *config =
      mod_config_find (mod_supervisor_get_config (self->supervisor),
      item->stream);
  ModStream *live = config != NULL ?
      mod_supervisor_find (self->supervisor, item->stream) : NULL;

  return live != NULL ? mod_stream_get_config (live) : config;
}

static void
stop_judging (ModLate * self, Key * key)
{
  Item *item = key->item;

  g_clear_pointer (&key->judge, mod_late_judge_free);
  gst_clear_buffer (&item->file);
  key->item = NULL;
  if (self->pending != NULL)
    mod_pending_state_forget (self->pending, item->id);
}

static void
put_off (Key * key)
{
  key->not_before = g_get_monotonic_time () + key->wait;
  key->wait = MIN (2 * key->wait, LONGEST_WAIT);
}

/* It goes behind the others. */
static void
try_later (ModLate * self, Key * key, Item * item, const gchar * reason,
    const gchar * error)
{
  GList *link = g_hash_table_lookup (self->by_id, item->id);

  if (!g_strv_contains (not_of_file, reason)
      && ++item->attempts >= MOST_ATTEMPTS) {
    give_up (self, item, reason, error);
    return;
  }
  put_off (key);
  if (item->attempts > 0) {
    g_queue_unlink (&self->items, link);
    g_queue_push_tail_link (&self->items, link);
  }
}

static void
tell_verdict (ModLate * self, Item * item, const GstStructure * s)
{
  const ModStreamConfig *config = find_config (self, item);
  JsonObject *line = mod_record_message (item->stream, s);
  GstStructure *with_file = gst_structure_copy (s);

  add_about (line, item);
  gst_structure_set (with_file, "file", GST_TYPE_BUFFER, item->file, NULL);
  if (config != NULL)
    self->verdict (config, line, with_file, self->user_data);
  gst_structure_free (with_file);
  mod_hub_tell (self->hub, line);
}

static void
on_submitted (const GstStructure * s, gpointer user_data)
{
  Item *item = user_data;
  ModLate *self = item->late;
  GstStructure *as_before;

  item->uploading = FALSE;
  if (self->pending == NULL)
    return;
  as_before = gst_structure_copy (s);
  gst_structure_set (as_before, "session", G_TYPE_STRING,
      get (item->about, "session"), "segment", G_TYPE_UINT,
      (guint) json_object_get_int_member (item->about, "segment"), NULL);
  mod_pending_state_take (self->pending, item->stream,
      find_judging_key (self, item)->account, NULL, as_before);
  gst_structure_free (as_before);
}

/* The service had it, and has no verdict of it: it is uploaded next. */
static gboolean
was_asked_for (Item * item, const gchar * reason)
{
  if (item->identifier == NULL || g_strv_contains (not_of_file, reason))
    return FALSE;
  g_clear_pointer (&item->identifier, g_free);
  return TRUE;
}

/* The service answered that it didn't take it: that is no upload. */
static void
take_back (ModLate * self, Item * item, const GstStructure * s)
{
  Stream *stream = g_hash_table_lookup (self->streams, item->stream);
  gboolean uploading = item->uploading;
  guint status = 0;

  item->uploading = FALSE;
  if (uploading && stream != NULL && s != NULL
      && gst_structure_get_uint (s, "http-status", &status) && status >= 400)
    g_free (g_queue_pop_tail (&stream->late));
}

static void
finish_judging (ModLate * self, Key * key, const GstStructure * s,
    const gchar * error)
{
  Item *item = key->item;
  const gchar *reason =
      s != NULL ? gst_structure_get_string (s, "reason") : "service-error";

  if (s != NULL && gst_structure_has_name (s, "identifai-verdict")) {
    tell_verdict (self, item, s);
    stop_judging (self, key);
    key->wait = FIRST_WAIT;
    remove_item (self, item);
    return;
  }
  stop_judging (self, key);
  take_back (self, item, s);
  if (was_asked_for (item, reason))
    return;
  if (s != NULL) {
    error = gst_structure_get_string (s, "message");
    g_free (item->identifier);
    item->identifier = g_strdup (gst_structure_get_string (s, "identifier"));
  }
  try_later (self, key, item, reason, error);
}

static void
on_ended (const GstStructure * s, const gchar * error, gpointer user_data)
{
  Item *item = user_data;

  finish_judging (item->late, find_judging_key (item->late, item), s, error);
}

static const ModLateJudgeCalls judge_calls = { on_submitted, on_ended };

/* Of what the service has; NULL: it hasn't. */
static GstStructure *
make_entry (const Item * item)
{
  JsonObject *about = item->about;

  if (item->identifier == NULL)
    return NULL;
  return gst_structure_new ("pending",
      "identifier", G_TYPE_STRING, item->identifier,
      "session", G_TYPE_STRING, get (about, "session"),
      "segment", G_TYPE_UINT,
      (guint) json_object_get_int_member_with_default (about, "segment", 0),
      "bytes", G_TYPE_UINT64,
      (guint64) json_object_get_int_member_with_default (about, "bytes", 0),
      "kind", G_TYPE_STRING, get (about, "kind"),
      "sha256", G_TYPE_STRING, mod_json_get_text (about, "sha256", NULL), NULL);
}

static void
on_read (GstBuffer * file, const gchar * error, gpointer user_data)
{
  Item *item = user_data;
  ModLate *self = item->late;
  Key *key = find_judging_key (self, item);
  const ModStreamConfig *config;
  GstStructure *entry;
  g_autoptr (GError) problem = NULL;

  if (key == NULL)
    return;
  config = self->stopping ? NULL : find_config (self, item);
  if (file == NULL || config == NULL) {
    key->item = NULL;
    if (file == NULL)
      give_up (self, item, "disk", error);
    return;
  }
  item->file = gst_buffer_ref (file);
  entry = make_entry (item);
  if (entry == NULL) {
    mod_idle_note_late (key->idle, g_get_monotonic_time ());
    item->uploading = TRUE;
    note_upload (&get_stream (self, config)->late);
  }
  key->judge = mod_late_judge_new (config, file, get (item->about,
          "content_type"), get (item->about, "ref_id"), entry, &judge_calls,
      item, &problem);
  gst_clear_structure (&entry);
  if (key->judge != NULL)
    return;
  stop_judging (self, key);
  try_later (self, key, item, "bad-response", problem->message);
}

/* Choosing. */

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

/* Whether live segments wait for their upload, or are uploaded, or are waited for. */
static gboolean
look_at_stream (ModLate * self, ModStream * live, gboolean * waits,
    gboolean * pending)
{
  Stream *stream = get_stream (self, mod_stream_get_config (live));
  ModSession *session = mod_stream_get_session (live);
  gint64 now = g_get_monotonic_time ();
  GstStructure *stats = NULL;

  if (session == NULL || stream->key == NULL)
    return FALSE;
  g_object_get (mod_session_get_judge (session), "stats", &stats, NULL);
  if (stats == NULL)
    return FALSE;
  mod_idle_note_posts (stream->key->idle, now,
      MIN (take_difference (&stream->posts, get_number (stats,
                  "post-requests")), 1000));
  if (take_difference (&stream->throttled, get_number (stats, "throttled")) > 0)
    mod_idle_note_throttled (stream->key->idle, now);
  *waits = get_number (stats, "pending-bytes") > 0;
  *pending = get_number (stats, "pending") > 0;
  gst_structure_free (stats);
  return TRUE;
}

typedef struct
{
  ModLate *late;
  GHashTable *busy, *pending;   /* sets of Key * */
} Look;

static void
look (gpointer live, gpointer user_data)
{
  Look *self = user_data;
  gboolean waits, pending;
  Key *key;

  if (!look_at_stream (self->late, live, &waits, &pending))
    return;
  key = get_stream (self->late, mod_stream_get_config (live))->key;
  if (waits)
    g_hash_table_add (self->busy, key);
  if (pending)
    g_hash_table_add (self->pending, key);
}

static Key *
find_key (ModLate * self, const Item * item)
{
  const ModStreamConfig *config = find_config (self, item);
  Stream *stream = config != NULL ? get_stream (self, config) : NULL;

  return stream != NULL && (item->identifier != NULL
      || has_upload_left (stream)) ? stream->key : NULL;
}

static gboolean
is_ready (ModLate * self, const Item * item)
{
  return item->stored && item->told && item->error == NULL
      && (self->pending == NULL
      || !mod_pending_state_has (self->pending, item->id));
}

static gboolean
is_free (Key * key, const Look * live, gint64 now)
{
  if (key->item != NULL || now < key->not_before
      || g_hash_table_contains (live->busy, key))
    return FALSE;
  if (!g_hash_table_contains (live->pending, key)
      && mod_idle_is (key->idle, now, TRUE)) {
    key->quiet = now;
    return TRUE;
  }
  return now - key->quiet > LONGEST_PATIENCE
      && mod_idle_is (key->idle, now, FALSE);
}

static void
judge_some (ModLate * self, const Look * live)
{
  gint64 now = g_get_monotonic_time ();
  GList *l;

  for (l = self->items.head; l != NULL; l = l->next) {
    Item *item = l->data;
    Key *key = is_ready (self, item) ? find_key (self, item) : NULL;

    if (key == NULL || !is_free (key, live, now))
      continue;
    key->item = item;
    mod_evidence_store_read (self->store, item->stream, item->name, on_read,
        item);
  }
}

static gboolean
on_tick (gpointer user_data)
{
  ModLate *self = user_data;
  Look live = { self, g_hash_table_new (NULL, NULL),
    g_hash_table_new (NULL, NULL)
  };

  retain (self, 0);
  if (self->supervisor != NULL && !self->stopping) {
    mod_supervisor_foreach (self->supervisor, look, &live);
    judge_some (self, &live);
  }
  g_hash_table_unref (live.busy);
  g_hash_table_unref (live.pending);
  if (self->items.length > 0)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

/* Beginning and end. */

static void
on_found (const gchar * stream, const gchar * name, JsonObject * about,
    guint64 bytes, gint64 written, gpointer user_data)
{
  ModLate *self = user_data;
  g_autofree gchar *id = make_id_of (about);
  Item *item;

  /* a copy in another folder, say */
  if (!json_object_get_boolean_member_with_default (about, "kept", FALSE)
      || find_item (self, id) != NULL)
    return;
  item = add_item (self, stream, name, about, bytes, written);
  item->stored = item->told = TRUE;
}

/* One that failed again may still be judged. */
static gboolean
is_last_line (JsonObject * line)
{
  static const gchar *const lasts[] = { "late", "verdict", NULL };
  static const gchar *const others[] = { "failed", "dropped", NULL };

  return g_strv_contains (lasts, get (line, "event"))
      || (g_strv_contains (others, get (line, "event"))
      && !json_object_has_member (line, "late"));
}

/* Killed between the line and the removal, or between the line and the file. */
static void
on_old_line (JsonObject * line, gpointer user_data)
{
  ModLate *self = user_data;
  g_autofree gchar *id = make_id_of (line);
  Item *item;

  if (json_object_get_boolean_member_with_default (line, "kept", FALSE)) {
    g_hash_table_insert (self->lost, g_steal_pointer (&id),
        json_object_ref (line));
  } else if (is_last_line (line)) {
    g_hash_table_remove (self->lost, id);
    item = find_item (self, id);
    if (item != NULL)
      remove_item (self, item);
  }
}

static void
tell_lost (ModLate * self)
{
  GHashTableIter iter;
  gpointer id, line;

  g_hash_table_iter_init (&iter, self->lost);
  while (g_hash_table_iter_next (&iter, &id, &line))
    if (find_item (self, id) == NULL && (self->pending == NULL
            || !mod_pending_state_has (self->pending, id)))
      tell_given_up (self, get (line, "stream"), line, "disk",
          "its file isn't there");
  g_hash_table_remove_all (self->lost);
}

static gboolean
is_same_folder (const gchar * one, const gchar * other)
{
  g_autofree gchar *a = g_canonicalize_filename (one, NULL);
  g_autofree gchar *b = g_canonicalize_filename (other, NULL);
  GStatBuf x, y;

  return strcmp (a, b) == 0 || (g_stat (a, &x) == 0 && g_stat (b, &y) == 0
      && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

gboolean
mod_late_check (const ModProgramConfig * config, GError ** error)
{
  if (config->evidence_folder == NULL
      || !is_same_folder (config->late_folder, config->evidence_folder))
    return TRUE;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "is the evidence-folder, too: it wants one of its own");
  return FALSE;
}

ModLate *
mod_late_new (const ModProgramConfig * config, ModHub * hub,
    ModPendingState * pending, ModLateVerdict verdict, gpointer user_data,
    GError ** error)
{
  static const gchar *const words[] =
      { "\"kept\"", "\"late\"", "\"resumed\"", NULL };
  const ModRetention none = { 0, };
  ModEvidenceStore *store =
      mod_evidence_store_new (config->late_folder, &none, error);
  ModLate *self;

  if (store == NULL)
    return NULL;
  self = g_new0 (ModLate, 1);
  self->store = store;
  self->hub = hub;
  self->pending = pending;
  self->verdict = verdict;
  self->user_data = user_data;
  self->max_age =
      config->late_max_age == G_MAXUINT64 ? 0 : config->late_max_age;
  self->max_bytes = config->late_max_bytes;
  g_queue_init (&self->items);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_key);
  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_stream);
  self->lost = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) json_object_unref);
  mod_evidence_store_visit (store, on_found, self);
  mod_lines_visit (config->log, words, on_old_line, self);
  mod_hub_listen (hub, on_line, self);
  return self;
}

void
mod_late_start (ModLate * self, ModSupervisor * supervisor)
{
  self->supervisor = supervisor;
  tell_lost (self);
}

void
mod_late_stop (ModLate * self)
{
  self->stopping = TRUE;
}

void
mod_late_free (ModLate * self)
{
  mod_late_stop (self);
  g_hash_table_remove_all (self->keys);
  g_clear_handle_id (&self->tick, g_source_remove);
  mod_evidence_store_free (self->store);
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->keys);
  g_hash_table_unref (self->streams);
  g_hash_table_unref (self->lost);
  g_queue_clear_full (&self->items, free_item);
  g_free (self);
}

guint
mod_late_waiting (const ModLate * self)
{
  return mod_evidence_store_waiting (self->store);
}
