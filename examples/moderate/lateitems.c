/* identifai-moderate: files of segments that are kept, bounded by age and bytes
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "lateitems.h"
#include "evidence.h"
#include "jsontext.h"
#include "record.h"

#include <string.h>

struct _ModLateItems
{
  ModEvidenceStore *store;
  ModHub *hub;
  void (*added) (gpointer user_data);
  gpointer user_data;
  guint64 max_age, max_bytes, bytes;    /* 0: any */
  GQueue items;                 /* of ModLateItem *, the oldest first */
  GHashTable *by_id;            /* id -> GList * in items */
  GHashTable *lost;             /* id -> its line: kept as it says, and nothing after it */
  gboolean stuck;               /* told: something can't be deleted */
};

static const gchar *
get (JsonObject * object, const gchar * name)
{
  return mod_json_get_text (object, name, "");
}

gchar *
mod_late_make_id (JsonObject * line)
{
  return g_strdup_printf ("%s/%" G_GUINT64_FORMAT, get (line, "session"),
      (guint64) json_object_get_int_member_with_default (line, "segment", 0));
}

static void
free_item (gpointer data)
{
  ModLateItem *self = data;

  g_free (self->id);
  g_free (self->stream);
  g_free (self->name);
  g_free (self->error);
  g_free (self->identifier);
  json_object_unref (self->about);
  g_free (self);
}

ModLateItem *
mod_late_items_find (ModLateItems * self, const gchar * id)
{
  GList *link = g_hash_table_lookup (self->by_id, id);

  return link != NULL ? link->data : NULL;
}

GList *
mod_late_items_get (ModLateItems * self)
{
  return self->items.head;
}

gboolean
mod_late_item_is_ready (const ModLateItem * self)
{
  return self->stored && self->told && self->error == NULL;
}

static ModLateItem *
add_item (ModLateItems * self, const gchar * stream, const gchar * name,
    JsonObject * about, guint64 bytes, gint64 written)
{
  ModLateItem *item = g_new0 (ModLateItem, 1);

  item->id = mod_late_make_id (about);
  item->stream = g_strdup (stream);
  item->name = g_strdup (name);
  item->about = json_object_ref (about);
  item->identifier = g_strdup (mod_json_get_text (about, "identifier", NULL));
  item->bytes = bytes;
  item->written = written;
  g_queue_push_tail (&self->items, item);
  g_hash_table_insert (self->by_id, item->id, self->items.tail);
  self->bytes += bytes;
  if (self->items.length == 1)
    self->added (self->user_data);
  return item;
}

void
mod_late_items_remove (ModLateItems * self, ModLateItem * item)
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

void
mod_late_items_put_last (ModLateItems * self, ModLateItem * item)
{
  GList *link = g_hash_table_lookup (self->by_id, item->id);

  g_queue_unlink (&self->items, link);
  g_queue_push_tail_link (&self->items, link);
}

/* Lines. */

static void
copy_members (JsonObject * from, JsonObject * to, const gchar * const *names)
{
  for (; *names != NULL; names++) {
    JsonNode *node = json_object_get_member (from, *names);

    if (node != NULL)
      json_object_set_member (to, *names, json_node_copy (node));
  }
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

void
mod_late_item_describe (const ModLateItem * self, JsonObject * line)
{
  static const gchar *const names[] = { "session", "segment", "start",
    "running_time", "stream_time", "duration", "ref_id", "frames",
    "keyframes", "discontinuities", "audio_missing", "content_type", NULL
  };
  gdouble age = get_age (self->about);

  copy_members (self->about, line, names);
  json_object_set_boolean_member (line, "late", TRUE);
  if (age >= 0)
    json_object_set_double_member (line, "latency", age);
}

static void
tell_given_up (ModLateItems * self, const gchar * stream, JsonObject * about,
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

void
mod_late_items_give_up (ModLateItems * self, ModLateItem * item,
    const gchar * reason, const gchar * error)
{
  tell_given_up (self, item->stream, item->about, reason, error);
  mod_late_items_remove (self, item);
}

void
mod_late_items_look (ModLateItems * self)
{
  g_autofree gchar *stuck = mod_evidence_store_get_stuck (self->store);
  JsonObject *line;

  if (stuck != NULL && !self->stuck) {
    line = mod_record_new ("late", NULL);
    json_object_set_string_member (line, "state", "stuck");
    json_object_set_string_member (line, "error", stuck);
    mod_hub_tell (self->hub, line);
  }
  self->stuck = stuck != NULL;
}

/* What is told of it goes first, whatever it comes to later. */
static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  g_autofree gchar *id = NULL;
  ModLateItem *item;

  if (!json_object_get_boolean_member_with_default (line, "kept", FALSE))
    return;
  id = mod_late_make_id (line);
  item = mod_late_items_find (user_data, id);
  if (item != NULL)
    item->told = TRUE;
}

/* Keeping. */

static const gchar *
find_reason_to_give_up (ModLateItems * self, const ModLateItem * item,
    guint64 more)
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
make_room (ModLateItems * self, guint64 more)
{
  GList *l = self->items.head, *next;

  for (; l != NULL; l = next) {
    ModLateItem *item = l->data;
    const gchar *reason = find_reason_to_give_up (self, item, more);

    next = l->next;
    if (reason != NULL && item->told && !item->busy)
      mod_late_items_give_up (self, item, reason, item->error);
  }
}

void
mod_late_items_retain (ModLateItems * self)
{
  make_room (self, 0);
}

static void
on_stored (const gchar * path, const gchar * error, gpointer user_data)
{
  ModLateItem *item = user_data;

  item->stored = TRUE;
  if (item->gone)
    free_item (item);
  else
    item->error = g_strdup (error);
}

gboolean
mod_late_items_keep (ModLateItems * self, const gchar * stream,
    JsonObject * line, GstBuffer * file)
{
  guint64 bytes = gst_buffer_get_size (file);
  g_autofree gchar *text = NULL, *name = NULL;
  JsonObject *about;
  ModLateItem *item;

  if (self->max_bytes > 0 && bytes > self->max_bytes)
    return FALSE;
  json_object_set_boolean_member (line, "kept", TRUE);
  text = mod_json_to_text (line);
  about = mod_json_from_text (text);
  name = mod_evidence_make_name (about);
  make_room (self, bytes);
  item = add_item (self, stream, name, about, bytes,
      g_get_real_time () / G_USEC_PER_SEC);
  mod_evidence_store_put (self->store, stream, name,
      mod_evidence_find_extension (about), file, about, on_stored, item);
  return TRUE;
}

void
mod_late_items_read (ModLateItems * self, const ModLateItem * item,
    ModRead read, gpointer user_data)
{
  mod_evidence_store_read (self->store, item->stream, item->name, read,
      user_data);
}

guint
mod_late_items_waiting (const ModLateItems * self)
{
  return mod_evidence_store_waiting (self->store);
}

/* What is there at the start. */

static void
on_found (const gchar * stream, const gchar * name, JsonObject * about,
    guint64 bytes, gint64 written, gpointer user_data)
{
  ModLateItems *self = user_data;
  g_autofree gchar *id = mod_late_make_id (about);
  ModLateItem *item;

  /* a copy in another folder, say */
  if (!json_object_get_boolean_member_with_default (about, "kept", FALSE)
      || mod_late_items_find (self, id) != NULL)
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
  ModLateItems *self = user_data;
  g_autofree gchar *id = mod_late_make_id (line);
  ModLateItem *item;

  if (json_object_get_boolean_member_with_default (line, "kept", FALSE)) {
    g_hash_table_insert (self->lost, g_steal_pointer (&id),
        json_object_ref (line));
  } else if (is_last_line (line)) {
    g_hash_table_remove (self->lost, id);
    item = mod_late_items_find (self, id);
    if (item != NULL)
      mod_late_items_remove (self, item);
  }
}

void
mod_late_items_tell_lost (ModLateItems * self, ModPendingState * pending)
{
  GHashTableIter iter;
  gpointer id, line;

  g_hash_table_iter_init (&iter, self->lost);
  while (g_hash_table_iter_next (&iter, &id, &line))
    if (mod_late_items_find (self, id) == NULL && (pending == NULL
            || !mod_pending_state_has (pending, id)))
      tell_given_up (self, get (line, "stream"), line, "disk",
          "its file isn't there");
  g_hash_table_remove_all (self->lost);
}

ModLateItems *
mod_late_items_new (const ModProgramConfig * config, ModHub * hub,
    void (*added) (gpointer user_data), gpointer user_data, GError ** error)
{
  static const gchar *const words[] =
      { "\"kept\"", "\"late\"", "\"resumed\"", NULL };
  const ModRetention none = { 0, };
  ModEvidenceStore *store =
      mod_evidence_store_new (config->late_folder, &none, error);
  ModLateItems *self;

  if (store == NULL)
    return NULL;
  self = g_new0 (ModLateItems, 1);
  self->store = store;
  self->hub = hub;
  self->added = added;
  self->user_data = user_data;
  self->max_age =
      config->late_max_age == G_MAXUINT64 ? 0 : config->late_max_age;
  self->max_bytes = config->late_max_bytes;
  g_queue_init (&self->items);
  self->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  self->lost = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) json_object_unref);
  mod_evidence_store_visit (store, on_found, self);
  mod_lines_visit (config->log, words, on_old_line, self);
  mod_hub_listen (hub, on_line, self);
  return self;
}

void
mod_late_items_free (ModLateItems * self)
{
  mod_evidence_store_free (self->store);
  g_hash_table_unref (self->by_id);
  g_hash_table_unref (self->lost);
  g_queue_clear_full (&self->items, free_item);
  g_free (self);
}
