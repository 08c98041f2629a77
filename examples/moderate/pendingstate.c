/* identifai-moderate: what the service has and hasn't judged, kept over a kill
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "pendingstate.h"
#include "disk.h"
#include "jsontext.h"
#include "pipeline.h"
#include "record.h"

#include <string.h>
#include <unistd.h>

#define VERSION_OF_FILE 2
/* A disk that takes longer is told. */
#define LONGEST_WRITE (5 * G_USEC_PER_SEC)
#define LAST_WAIT (2 * G_USEC_PER_SEC)

typedef struct
{
  gchar *stream;
  gchar *account;               /* see mod_pipeline_get_account() */
  GstStructure *entry;          /* as resume takes it */
  gpointer judge;               /* who waits for it, not to be used; NULL: nobody yet */
  gboolean held;                /* somebody else waits for it in this run */
  guint64 told;                 /* where its line ends in the log; 0: it has none */
} Pending;

struct _ModPendingState
{
  gchar *path;
  gint lock_file;               /* whose lock says that the file is ours; below 0: it isn't */
  ModHub *hub;
  ModUploads *uploads;
  GHashTable *pending;          /* "SESSION/SEGMENT" -> Pending * */
  GHashTable *accounts;         /* fingerprint of a section -> its account */
  gchar *trouble;               /* that was told */
  GThreadPool *pool;            /* one thread, which writes; a sync takes its time */

  GMutex lock;                  /* of what follows */
  GCond written;
  gint64 since;                 /* when the write began, monotonic; 0: none is on */
  gchar *next;                  /* to be written; NULL: nothing */
  gchar *failure;               /* of the latest write; NULL: none */
};

static void
free_pending (gpointer data)
{
  Pending *self = data;

  g_free (self->stream);
  g_free (self->account);
  gst_structure_free (self->entry);
  g_free (self);
}

static gchar *
make_key (const gchar * session, guint segment)
{
  return g_strdup_printf ("%s/%u", session != NULL ? session : "", segment);
}

static gchar *
make_key_of (const GstStructure * s)
{
  guint segment = 0;

  gst_structure_get_uint (s, "segment", &segment);
  return make_key (gst_structure_get_string (s, "session"), segment);
}

static Pending *
add (ModPendingState * self, const gchar * stream, const gchar * account,
    GstStructure * entry)
{
  Pending *pending = g_new0 (Pending, 1);

  pending->stream = g_strdup (stream);
  pending->account = g_strdup (account);
  pending->entry = entry;
  g_hash_table_replace (self->pending, make_key_of (entry), pending);
  return pending;
}

/* The file. */

static void
append (JsonArray * array, const Pending * pending)
{
  JsonObject *object = json_object_new ();
  gchar *text = gst_structure_to_string (pending->entry);

  json_object_set_string_member (object, "stream", pending->stream);
  json_object_set_string_member (object, "account", pending->account);
  json_object_set_string_member (object, "entry", text);
  json_array_add_object_element (array, object);
  g_free (text);
}

static gchar *
describe (ModPendingState * self)
{
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *array = json_array_new ();
  GHashTableIter iter;
  gpointer pending;

  json_object_set_int_member (object, "version", VERSION_OF_FILE);
  json_object_set_array_member (object, "pending", array);
  json_object_set_object_member (object, "uploads",
      mod_uploads_describe (self->uploads));
  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, &pending))
    append (array, pending);
  return mod_json_to_text (object);
}

static gchar *
describe_failure_locked (ModPendingState * self)
{
  if (self->since != 0 && g_get_monotonic_time () - self->since > LONGEST_WRITE)
    return g_strdup_printf ("%s: the disk doesn't answer", self->path);
  return g_strdup (self->failure);
}

/* Told when it begins and when it ends. */
static void
tell_trouble (ModPendingState * self, const gchar * failure)
{
  JsonObject *line;

  if ((failure != NULL) == (self->trouble != NULL))
    return;
  g_free (self->trouble);
  self->trouble = g_strdup (failure);
  line = mod_record_new ("state-file", NULL);
  json_object_set_boolean_member (line, "written", failure == NULL);
  if (failure != NULL)
    json_object_set_string_member (line, "error", failure);
  mod_hub_tell (self->hub, line);
}

/* The pool's thread; the latest of what was to be written meanwhile. */
static void
write_file (gpointer data, gpointer unused)
{
  ModPendingState *self = data;
  g_autofree gchar *text = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->lock);
  text = g_steal_pointer (&self->next);
  self->since = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
  g_file_set_contents_full (self->path, text, -1,
      G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE, 0600,
      &error);
  g_mutex_lock (&self->lock);
  g_free (self->failure);
  self->failure = error != NULL ? g_strdup (error->message) : NULL;
  self->since = 0;
  g_cond_signal (&self->written);
  g_mutex_unlock (&self->lock);
}

static void
save (ModPendingState * self)
{
  gboolean asked;

  g_mutex_lock (&self->lock);
  asked = self->next != NULL;
  g_free (self->next);
  self->next = describe (self);
  g_mutex_unlock (&self->lock);
  if (!asked)
    g_thread_pool_push (self->pool, self, NULL);
}

/* What couldn't be written is tried again, also if nothing changes. */
static void
look_at_file (ModPendingState * self)
{
  g_autofree gchar *failure = NULL;
  gboolean failed;

  g_mutex_lock (&self->lock);
  failure = describe_failure_locked (self);
  failed = self->failure != NULL && self->next == NULL && self->since == 0;
  g_mutex_unlock (&self->lock);
  tell_trouble (self, failure);
  if (failed)
    save (self);
}

static gboolean
read_entry (ModPendingState * self, JsonNode * node)
{
  JsonObject *object = JSON_NODE_HOLDS_OBJECT (node) ?
      json_node_get_object (node) : NULL;
  const gchar *stream = object == NULL ? NULL :
      mod_json_get_text (object, "stream", NULL);
  const gchar *account = object == NULL ? NULL :
      mod_json_get_text (object, "account", NULL);
  const gchar *text = object == NULL ? NULL :
      mod_json_get_text (object, "entry", NULL);
  GstStructure *entry =
      text != NULL ? gst_structure_from_string (text, NULL) : NULL;

  if (stream == NULL || account == NULL || entry == NULL) {
    gst_clear_structure (&entry);
    return FALSE;
  }
  add (self, stream, account, entry);
  return TRUE;
}

static gboolean
read_entries (ModPendingState * self, JsonObject * object)
{
  JsonNode *node = json_object_get_member (object, "pending");
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ?
      json_node_get_array (node) : NULL;
  guint i;

  if (array == NULL || json_object_get_int_member_with_default (object,
          "version", 0) != VERSION_OF_FILE)
    return FALSE;
  for (i = 0; i < json_array_get_length (array); i++)
    if (!read_entry (self, json_array_get_element (array, i)))
      return FALSE;
  return TRUE;
}

/* One of an earlier version has none. */
static void
read_uploads (ModPendingState * self, JsonObject * object)
{
  JsonNode *node = json_object_get_member (object, "uploads");

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    mod_uploads_read (self->uploads, json_node_get_object (node));
}

static gboolean
load (ModPendingState * self, GError ** error)
{
  g_autofree gchar *text = NULL;
  g_autoptr (JsonObject) object = NULL;

  if (!g_file_test (self->path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (!g_file_get_contents (self->path, &text, NULL, error))
    return FALSE;
  object = mod_json_from_text (text);
  if (object != NULL && read_entries (self, object)) {
    read_uploads (self, object);
    return TRUE;
  }
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "%s is no state file of this version: move it away", self->path);
  return FALSE;
}

/* Lines. */

/* The key of what the line is the outcome of, or NULL. */
static gchar *
find_ended (JsonObject * line)
{
  const gchar *event = mod_json_get_text (line, "event", "");

  if (strcmp (event, "verdict") != 0 && strcmp (event, "failed") != 0
      && strcmp (event, "dropped") != 0)
    return NULL;
  return make_key (mod_json_get_text (line, "session",
          NULL), json_object_get_int_member_with_default (line, "segment", 0));
}

/* It is forgotten once its line is written: a kill may come before. What has lost its line
 * is for the next run. */
static void
on_line (JsonObject * line, const gchar * text, gpointer user_data)
{
  ModPendingState *self = user_data;
  g_autofree gchar *key = find_ended (line);
  Pending *pending =
      key != NULL ? g_hash_table_lookup (self->pending, key) : NULL;

  if (pending != NULL)
    pending->told = mod_log_writer_get_latest (mod_hub_get_log (self->hub));
}

static gboolean
is_written (gpointer key, gpointer pending, gpointer safe)
{
  guint64 told = ((Pending *) pending)->told;

  return told != 0 && told <= *(guint64 *) safe;
}

/* More of the log is on the disk. */
static void
on_safe (gpointer user_data)
{
  ModPendingState *self = user_data;
  guint64 safe = mod_log_writer_get_safe (mod_hub_get_log (self->hub));

  if (g_hash_table_foreach_remove (self->pending, is_written, &safe) > 0)
    save (self);
}

/* Killed between the line and the file. What is kept may have been submitted since. */
static void
on_old_line (JsonObject * line, gpointer user_data)
{
  ModPendingState *self = user_data;
  g_autofree gchar *key = find_ended (line);

  if (key != NULL
      && !json_object_get_boolean_member_with_default (line, "kept", FALSE))
    g_hash_table_remove (self->pending, key);
}

ModPendingState *
mod_pending_state_new (const gchar * path, const gchar * log, ModHub * hub,
    ModUploads * uploads, GError ** error)
{
  ModPendingState *self = g_new0 (ModPendingState, 1);

  self->path = g_strdup (path);
  self->hub = hub;
  self->uploads = uploads;
  g_mutex_init (&self->lock);
  g_cond_init (&self->written);
  self->pool = g_thread_pool_new (write_file, NULL, 1, TRUE, NULL);
  self->pending = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_pending);
  self->accounts =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->lock_file = mod_disk_lock (path, error);
  if (self->lock_file < 0 || !load (self, error)) {
    mod_pending_state_free (self);
    return NULL;
  }
  if (g_hash_table_size (self->pending) > 0)
    mod_lines_visit (log, NULL, on_old_line, self);
  self->next = describe (self);
  write_file (self, NULL);
  if (self->failure != NULL) {
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_FAILED,
        self->failure);
    mod_pending_state_free (self);
    return NULL;
  }
  mod_hub_listen (hub, on_line, self);
  mod_log_writer_watch (mod_hub_get_log (hub), on_safe, self);
  return self;
}

/* FALSE: the disk hangs. */
static gboolean
wait_for_write (ModPendingState * self)
{
  gint64 end = g_get_monotonic_time () + LAST_WAIT;
  gboolean written;

  g_mutex_lock (&self->lock);
  while ((self->next != NULL || self->since != 0)
      && g_cond_wait_until (&self->written, &self->lock, end));
  written = self->next == NULL && self->since == 0;
  g_mutex_unlock (&self->lock);
  return written;
}

/* What a write that hangs uses is left to it. */
void
mod_pending_state_free (ModPendingState * self)
{
  mod_log_writer_watch (mod_hub_get_log (self->hub), NULL, NULL);
  on_safe (self);
  if (!wait_for_write (self)) {
    g_printerr ("%s: the disk doesn't answer: it is left as it was\n",
        self->path);
    return;
  }
  g_thread_pool_free (self->pool, FALSE, TRUE);
  if (self->lock_file >= 0)
    close (self->lock_file);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->written);
  g_hash_table_unref (self->pending);
  g_hash_table_unref (self->accounts);
  g_free (self->next);
  g_free (self->failure);
  g_free (self->path);
  g_free (self->trouble);
  g_free (self);
}

void
mod_pending_state_take (ModPendingState * self, const gchar * stream,
    const gchar * account, GstElement * judge, const GstStructure * s)
{
  g_autofree gchar *own = NULL;
  GstStructure *entry;
  Pending *pending;

  if (!gst_structure_has_name (s, "identifai-submitted"))
    return;
  entry = gst_structure_copy (s);
  gst_structure_set_name (entry, "pending");
  gst_structure_remove_field (entry, "upload-time");
  if (judge != NULL)
    account = own = mod_pipeline_get_account (judge);
  pending = add (self, stream, account, entry);
  pending->judge = judge;
  pending->held = judge == NULL;
  save (self);
}

void
mod_pending_state_take_uploads (ModPendingState * self)
{
  save (self);
}

gboolean
mod_pending_state_has (const ModPendingState * self, const gchar * id)
{
  const Pending *pending = g_hash_table_lookup (self->pending, id);

  return pending != NULL && pending->told == 0;
}

void
mod_pending_state_forget (ModPendingState * self, const gchar * id)
{
  if (mod_pending_state_has (self, id)
      && g_hash_table_remove (self->pending, id))
    save (self);
}

const gchar *
mod_pending_state_find_stream (ModPendingState * self, const GstStructure * s)
{
  g_autofree gchar *key = make_key_of (s);
  const Pending *pending = g_hash_table_lookup (self->pending, key);

  return pending != NULL ? pending->stream : NULL;
}

/* Going on. */

/* Of one that can't be built: none. */
static const gchar *
find_account (ModPendingState * self, const ModStreamConfig * config)
{
  gchar *account = g_hash_table_lookup (self->accounts, config->fingerprint);
  g_autoptr (GstElement) pipeline = NULL;
  GstElement *judge = NULL;

  if (account != NULL)
    return account;
  pipeline = mod_pipeline_new (config, &judge, NULL, NULL);
  account = pipeline != NULL ? mod_pipeline_get_account (judge) : g_strdup ("");
  g_hash_table_insert (self->accounts, g_strdup (config->fingerprint), account);
  return account;
}

/* NULL: it has none now. */
static GstElement *
find_judge_of (ModSupervisor * supervisor, const gchar * name)
{
  ModStream *stream = mod_supervisor_find (supervisor, name);
  ModSession *session = stream != NULL ? mod_stream_get_session (stream) : NULL;

  return session != NULL
      && mod_session_get_state (session) < MOD_SESSION_DRAINING ?
      mod_session_get_judge (session) : NULL;
}

/* The stream's own, else that of any other one of its account: what another account's is
 * asked for isn't there. any: whether there is a stream of it, whatever it does now. */
static GstElement *
find_judge (ModPendingState * self, const Pending * pending,
    ModSupervisor * supervisor, gboolean * any)
{
  const GPtrArray *streams = mod_supervisor_get_config (supervisor)->streams;
  GstElement *found = NULL;
  guint i;

  for (i = 0; i < streams->len; i++) {
    const ModStreamConfig *config = g_ptr_array_index (streams, i);
    gboolean own = strcmp (config->name, pending->stream) == 0;
    GstElement *judge;

    if (strcmp (find_account (self, config), pending->account) != 0)
      continue;
    *any = TRUE;
    judge = find_judge_of (supervisor, config->name);
    if (judge != NULL && (found == NULL || own))
      found = judge;
  }
  return found;
}

static void
tell_lost (ModPendingState * self, const Pending * pending)
{
  GstStructure *s = gst_structure_copy (pending->entry);
  JsonObject *line;

  gst_structure_set_name (s, "identifai-dropped");
  gst_structure_set (s, "reason", G_TYPE_STRING, "stopped", NULL);
  line = mod_record_message (pending->stream, s);
  json_object_set_string_member (line, "error", "no stream has the endpoint "
      "and the key file that it was submitted with");
  mod_hub_tell (self->hub, line);
  gst_structure_free (s);
}

static void
find_waiting (gpointer stream, gpointer user_data)
{
  ModSession *session = mod_stream_get_session (stream);
  gpointer *judge = user_data;

  if (session != NULL && mod_session_get_judge (session) == *judge)
    *judge = NULL;
}

/* One that drains still waits for it, and tells what comes of it. */
static gboolean
is_waited_for (const Pending * pending, ModSupervisor * supervisor)
{
  gpointer judge = pending->judge;

  if (judge != NULL)
    mod_supervisor_foreach (supervisor, find_waiting, &judge);
  return pending->judge != NULL && judge == NULL;
}

static void
resume_one (ModPendingState * self, Pending * pending,
    ModSupervisor * supervisor)
{
  gboolean taken = FALSE, any = FALSE;
  GstElement *judge;

  if (pending->held || pending->told != 0
      || is_waited_for (pending, supervisor))
    return;
  judge = find_judge (self, pending, supervisor, &any);
  if (!any)
    tell_lost (self, pending);
  if (judge == NULL || g_signal_lookup ("resume", G_OBJECT_TYPE (judge)) == 0)
    return;
  g_signal_emit_by_name (judge, "resume", pending->entry, &taken);
  if (taken)
    pending->judge = judge;
}

static gboolean
is_gone (gpointer fingerprint, gpointer unused, gpointer user_data)
{
  const GPtrArray *streams = user_data;
  guint i;

  for (i = 0; i < streams->len; i++)
    if (strcmp (((const ModStreamConfig *) g_ptr_array_index (streams,
                    i))->fingerprint, fingerprint) == 0)
      return FALSE;
  return TRUE;
}

/* Those of sections that were changed since. */
static void
forget_accounts (ModPendingState * self, ModSupervisor * supervisor)
{
  GPtrArray *streams = mod_supervisor_get_config (supervisor)->streams;

  if (g_hash_table_size (self->accounts) > streams->len)
    g_hash_table_foreach_remove (self->accounts, is_gone, streams);
}

void
mod_pending_state_resume (ModPendingState * self, ModSupervisor * supervisor)
{
  GHashTableIter iter;
  gpointer pending;

  look_at_file (self);
  forget_accounts (self, supervisor);
  g_hash_table_iter_init (&iter, self->pending);
  while (g_hash_table_iter_next (&iter, NULL, &pending))
    resume_one (self, pending, supervisor);
}

guint
mod_pending_state_count (const ModPendingState * self)
{
  return g_hash_table_size (self->pending);
}

const gchar *
mod_pending_state_trouble (const ModPendingState * self)
{
  return self->trouble;
}
