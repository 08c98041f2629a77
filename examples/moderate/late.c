/* identifai-moderate: what could not be judged is kept, and judged when there is time
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "late.h"
#include "jsontext.h"
#include "latebudget.h"
#include "lateitems.h"
#include "latejudge.h"
#include "record.h"

#include <string.h>

#define TICK 200                /* ms, while anything is kept */
/* A file that the service doesn't judge, or that costs an upload each time. */
#define MOST_ATTEMPTS 3

struct _ModLate
{
  ModLateItems *items;
  ModLateBudget *budget;
  ModHub *hub;
  ModPendingState *pending;     /* NULL: none */
  ModSupervisor *supervisor;    /* NULL: before the start */
  gboolean stopping;            /* what is being judged may end, and nothing new begins */
  ModLateVerdict verdict;
  gpointer user_data;
  GHashTable *attempts;         /* of Attempt *, those that are on */
  guint tick;
};

/* One is being judged. */
typedef struct
{
  ModLate *late;
  ModLateItem *item;
  ModLateKey *key;
  GstBuffer *file;              /* NULL: it is being read */
  ModLateJudge *judge;          /* NULL: not yet */
  gboolean uploading;           /* it is an upload, and not taken yet */
} Attempt;

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

/* What live streams tell. */

/* Not what was asked for again. */
static void
keep_if_wanted (ModLate * self, const ModStreamConfig * config,
    const GstStructure * s, JsonObject * line)
{
  g_autoptr (GstBuffer) file = NULL;
  g_autofree gchar *id = mod_late_make_id (line);

  if (config->late != MOD_LATE_NO
      && !gst_structure_has_name (s, "identifai-verdict")
      && g_strv_contains (reasons, get (line, "reason"))
      && mod_late_items_find (self->items, id) == NULL
      && gst_structure_get (s, "file", GST_TYPE_BUFFER, &file, NULL))
    mod_late_items_keep (self->items, config->name, line, file);
}

/* A verdict that came after all, of what was submitted before a kill. */
static void
take_resumed (ModLate * self, const GstStructure * s, JsonObject * line)
{
  g_autofree gchar *id = mod_late_make_id (line);
  ModLateItem *item = mod_late_items_find (self->items, id);

  if (item == NULL)
    return;
  mod_late_item_describe (item, line);
  if (gst_structure_has_name (s, "identifai-verdict") && !item->busy)
    mod_late_items_remove (self->items, item);
}

void
mod_late_take (ModLate * self, ModStream * stream, const GstStructure * s,
    JsonObject * line)
{
  const ModStreamConfig *config = mod_stream_get_config (stream);
  gboolean resumed = FALSE;

  mod_late_budget_note (self->budget, config, s);
  if (!mod_is_outcome (s) || line == NULL)
    return;
  gst_structure_get_boolean (s, "resumed", &resumed);
  if (resumed)
    take_resumed (self, s, line);
  else
    keep_if_wanted (self, config, s, line);
}

/* Judging. */

/* What runs, as long as it does, though its section may have changed. NULL: it has none. */
static const ModStreamConfig *
find_config (ModLate * self, const ModLateItem * item)
{
  const ModStreamConfig *config =
      mod_config_find (mod_supervisor_get_config (self->supervisor),
      item->stream);
  ModStream *live = config != NULL ?
      mod_supervisor_find (self->supervisor, item->stream) : NULL;

  return live != NULL ? mod_stream_get_config (live) : config;
}

static void
free_attempt (gpointer data)
{
  Attempt *self = data;

  g_clear_pointer (&self->judge, mod_late_judge_free);
  gst_clear_buffer (&self->file);
  mod_late_key_end (self->key);
  self->item->busy = FALSE;
  g_free (self);
}

static void
end_attempt (Attempt * self)
{
  ModLate *late = self->late;

  if (late->pending != NULL && self->file != NULL)
    mod_pending_state_forget (late->pending, self->item->id);
  g_hash_table_remove (late->attempts, self);
}

static void
try_later (ModLate * self, ModLateItem * item, ModLateKey * key,
    const gchar * reason, const gchar * error)
{
  if (!g_strv_contains (not_of_file, reason)
      && ++item->attempts >= MOST_ATTEMPTS) {
    mod_late_items_give_up (self->items, item, reason, error);
    return;
  }
  mod_late_key_put_off (key);
  if (item->attempts > 0)
    mod_late_items_put_last (self->items, item);
}

static void
tell_verdict (Attempt * attempt, const GstStructure * s)
{
  ModLate *self = attempt->late;
  const ModStreamConfig *config = find_config (self, attempt->item);
  JsonObject *line = mod_record_message (attempt->item->stream, s);
  GstStructure *with_file = gst_structure_copy (s);

  mod_late_item_describe (attempt->item, line);
  gst_structure_set (with_file, "file", GST_TYPE_BUFFER, attempt->file, NULL);
  if (config != NULL)
    self->verdict (config, line, with_file, self->user_data);
  gst_structure_free (with_file);
  mod_hub_tell (self->hub, line);
}

static void
on_submitted (const GstStructure * s, gpointer user_data)
{
  Attempt *attempt = user_data;
  ModPendingState *pending = attempt->late->pending;
  const ModLateItem *item = attempt->item;
  GstStructure *as_before;

  attempt->uploading = FALSE;
  if (pending == NULL)
    return;
  as_before = gst_structure_copy (s);
  gst_structure_set (as_before, "session", G_TYPE_STRING,
      get (item->about, "session"), "segment", G_TYPE_UINT,
      (guint) json_object_get_int_member (item->about, "segment"), NULL);
  mod_pending_state_take (pending, item->stream,
      mod_late_key_get_account (attempt->key), NULL, as_before);
  gst_structure_free (as_before);
}

/* The service had it, and has no verdict of it: it is uploaded next. */
static gboolean
was_asked_for (ModLateItem * item, const gchar * reason)
{
  if (item->identifier == NULL || g_strv_contains (not_of_file, reason))
    return FALSE;
  g_clear_pointer (&item->identifier, g_free);
  return TRUE;
}

/* The service answered that it didn't take it: that is no upload. */
static gboolean
was_refused (const Attempt * attempt, const GstStructure * s)
{
  guint status = 0;

  return attempt->uploading && s != NULL
      && gst_structure_get_uint (s, "http-status", &status) && status >= 400;
}

static void
take_failure (Attempt * attempt, const GstStructure * s, const gchar * error)
{
  ModLate *self = attempt->late;
  ModLateItem *item = attempt->item;
  ModLateKey *key = attempt->key;
  const gchar *reason =
      s != NULL ? gst_structure_get_string (s, "reason") : "service-error";

  if (was_refused (attempt, s))
    mod_late_budget_take_back (self->budget, item->stream);
  end_attempt (attempt);
  if (was_asked_for (item, reason))
    return;
  if (s != NULL) {
    error = gst_structure_get_string (s, "message");
    g_free (item->identifier);
    item->identifier = g_strdup (gst_structure_get_string (s, "identifier"));
  }
  try_later (self, item, key, reason, error);
}

static void
on_ended (const GstStructure * s, const gchar * error, gpointer user_data)
{
  Attempt *attempt = user_data;
  ModLate *self = attempt->late;
  ModLateItem *item = attempt->item;

  if (s == NULL || !gst_structure_has_name (s, "identifai-verdict")) {
    take_failure (attempt, s, error);
    return;
  }
  tell_verdict (attempt, s);
  mod_late_key_hurry (attempt->key);
  end_attempt (attempt);
  mod_late_items_remove (self->items, item);
}

static const ModLateJudgeCalls judge_calls = { on_submitted, on_ended };

/* Of what the service has; NULL: it hasn't. */
static GstStructure *
make_entry (const ModLateItem * item)
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
judge (Attempt * attempt, const ModStreamConfig * config)
{
  ModLate *self = attempt->late;
  ModLateItem *item = attempt->item;
  ModLateKey *key = attempt->key;
  GstStructure *entry = make_entry (item);
  g_autoptr (GError) problem = NULL;

  if (entry == NULL) {
    attempt->uploading = TRUE;
    mod_late_budget_note_upload (self->budget, key, item->stream);
  }
  attempt->judge = mod_late_judge_new (config, attempt->file, get (item->about,
          "content_type"), get (item->about, "ref_id"), entry, &judge_calls,
      attempt, &problem);
  gst_clear_structure (&entry);
  if (attempt->judge != NULL)
    return;
  end_attempt (attempt);
  try_later (self, item, key, "bad-response", problem->message);
}

static void
on_read (GstBuffer * file, const gchar * error, gpointer user_data)
{
  Attempt *attempt = user_data;
  ModLate *self = attempt->late;
  ModLateItem *item = attempt->item;
  const ModStreamConfig *config =
      self->stopping ? NULL : find_config (self, item);

  if (file != NULL && config != NULL) {
    attempt->file = gst_buffer_ref (file);
    judge (attempt, config);
    return;
  }
  end_attempt (attempt);
  if (file == NULL)
    mod_late_items_give_up (self->items, item, "disk", error);
}

static void
begin_attempt (ModLate * self, ModLateItem * item, ModLateKey * key)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->late = self;
  attempt->item = item;
  attempt->key = key;
  item->busy = TRUE;
  mod_late_key_begin (key);
  g_hash_table_add (self->attempts, attempt);
  mod_late_items_read (self->items, item, on_read, attempt);
}

static gboolean
is_ready (ModLate * self, const ModLateItem * item)
{
  return mod_late_item_is_ready (item) && !item->busy && (self->pending == NULL
      || !mod_pending_state_has (self->pending, item->id));
}

static void
judge_some (ModLate * self)
{
  GList *l;

  for (l = mod_late_items_get (self->items); l != NULL; l = l->next) {
    ModLateItem *item = l->data;
    const ModStreamConfig *config =
        is_ready (self, item) ? find_config (self, item) : NULL;
    ModLateKey *key = config == NULL ? NULL :
        mod_late_budget_find (self->budget, config, item->identifier == NULL);

    if (key != NULL)
      begin_attempt (self, item, key);
  }
}

static gboolean
on_tick (gpointer user_data)
{
  ModLate *self = user_data;

  mod_late_items_retain (self->items);
  if (self->supervisor != NULL && !self->stopping) {
    mod_late_budget_look (self->budget, self->supervisor);
    judge_some (self);
  }
  if (mod_late_items_get (self->items) != NULL)
    return G_SOURCE_CONTINUE;
  self->tick = 0;
  return G_SOURCE_REMOVE;
}

static void
on_added (gpointer user_data)
{
  ModLate *self = user_data;

  if (self->tick == 0)
    self->tick = g_timeout_add (TICK, on_tick, self);
}

/* Beginning and end. */

ModLate *
mod_late_new (const ModProgramConfig * config, ModHub * hub,
    ModUploads * uploads, ModPendingState * pending, ModLateVerdict verdict,
    gpointer user_data, GError ** error)
{
  ModLate *self = g_new0 (ModLate, 1);

  self->hub = hub;
  self->pending = pending;
  self->verdict = verdict;
  self->user_data = user_data;
  self->attempts = g_hash_table_new_full (NULL, NULL, free_attempt, NULL);
  self->budget = mod_late_budget_new (uploads);
  self->items = mod_late_items_new (config, hub, on_added, self, error);
  if (self->items != NULL)
    return self;
  mod_late_free (self);
  return NULL;
}

void
mod_late_start (ModLate * self, ModSupervisor * supervisor)
{
  self->supervisor = supervisor;
  mod_late_items_tell_lost (self->items, self->pending);
}

void
mod_late_sweep (ModLate * self)
{
  mod_late_budget_sweep (self->budget, self->supervisor);
  mod_late_items_look (self->items);
}

void
mod_late_stop (ModLate * self)
{
  self->stopping = TRUE;
}

void
mod_late_free (ModLate * self)
{
  g_clear_handle_id (&self->tick, g_source_remove);
  g_hash_table_unref (self->attempts);
  g_clear_pointer (&self->items, mod_late_items_free);
  mod_late_budget_free (self->budget);
  g_free (self);
}

guint
mod_late_waiting (const ModLate * self)
{
  return mod_late_items_waiting (self->items);
}
