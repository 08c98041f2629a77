/* identifai-moderate: files of evidence on disk: written whole, kept for a time
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "evidencestore.h"
#include "disk.h"
#include "jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define OWNER "identifai-moderate"
/* A disk that is slow, or hangs, must not have all memory wait for it. */
#define MOST_QUEUED (256 * 1024 * 1024)
#define SIZE_OF_ABOUT 4096
/* Between two looks at what is too old, at most. */
#define LONGEST_LOOK 60         /* s */

/* What is kept, the oldest first. */
typedef struct
{
  gchar *base;                  /* FOLDER/STREAM/NAME */
  gchar *name;                  /* NAME */
  gchar *extension;             /* of the file; NULL: there is none */
  guint64 bytes;                /* of both */
  gint64 time;                  /* s since 1970, when it was written */
} Pair;

struct _ModEvidenceStore
{
  gchar *folder;
  gint lock_file;               /* says that the folder is ours */
  ModRetention retention;
  GThreadPool *pool;            /* one thread: order, and no locks on pairs */
  GSequence *pairs;             /* of Pair *, the worker's */

  GMutex lock;                  /* of what follows */
  guint64 count, bytes, failed;
  gchar *stuck;                 /* what could not be deleted, and why; NULL: nothing */
  guint64 queued;               /* bytes that wait for the worker */

  /* main thread */
  guint timer;                  /* 0: nothing is deleted by age */
  guint jobs;                   /* not called back yet */
  gboolean left;                /* freed, as far as others know */
};

typedef enum
{
  JOB_WRITE,
  JOB_READ,
  JOB_REMOVE,
  JOB_LOOK                      /* at what is too old */
} JobKind;

typedef struct
{
  ModEvidenceStore *store;
  JobKind kind;
  gchar *stream, *name, *extension;
  GstBuffer *file;              /* to be written; NULL: none */
  gboolean there;               /* was written before */
  JsonObject *about;
  gsize size;                   /* of file, and about's share */
  ModStored stored;
  ModRead read;
  gpointer user_data;
  gchar *path, *error;          /* what came of it */
} Job;

static void
free_pair (gpointer data)
{
  Pair *self = data;

  g_free (self->base);
  g_free (self->name);
  g_free (self->extension);
  g_free (self);
}

/* By when it was written: the time in a name is a camera's, whose clock may be wrong. */
static gint
compare_pairs (gconstpointer one, gconstpointer other, gpointer unused)
{
  const Pair *a = one, *b = other;

  return a->time != b->time ? (a->time > b->time ? 1 : -1) :
      strcmp (a->name, b->name);
}

/* What was made by us: YYYYmmddTHHMMSS.mmmZ-SESSION-SEGMENT.json */
static gboolean
is_our_name (const gchar * name)
{
  static const gchar form[] = "dddddddTdddddd.dddZ-";
  gsize i;

  if (!g_ascii_isdigit (*name++))
    return FALSE;
  for (i = 0; form[i] != '\0'; i++)
    if (form[i] == 'd' ? !g_ascii_isdigit (name[i]) : form[i] != name[i])
      return FALSE;
  return strchr (name, '/') == NULL;
}

/* Counting. */

static void
account (ModEvidenceStore * self, const Pair * pair, gboolean add)
{
  g_mutex_lock (&self->lock);
  self->count += add ? 1 : -1;
  self->bytes += add ? pair->bytes : -pair->bytes;
  g_mutex_unlock (&self->lock);
}

static guint64
get_size (const gchar * path)
{
  GStatBuf st;

  return g_lstat (path, &st) == 0 && S_ISREG (st.st_mode) ? st.st_size : 0;
}

static void
remember (ModEvidenceStore * self, const gchar * base, const gchar * name,
    const gchar * extension, gint64 time)
{
  Pair *pair = g_new0 (Pair, 1);
  g_autofree gchar *json = g_strconcat (base, ".json", NULL);
  g_autofree gchar *file = extension != NULL ?
      g_strconcat (base, extension, NULL) : NULL;

  pair->base = g_strdup (base);
  pair->name = g_strdup (name);
  pair->extension = g_strdup (extension);
  pair->bytes = get_size (json) + (file != NULL ? get_size (file) : 0);
  pair->time = time;
  g_sequence_insert_sorted (self->pairs, pair, compare_pairs, NULL);
  account (self, pair, TRUE);
}

/* What is there already. */

/* Whatever lies there: only what says that it is ours is, and names its own file. The
 * extension of that, "" if it names none, or NULL: it isn't ours. */
static gchar *
read_pair (const gchar * path, const gchar * stem)
{
  g_autofree gchar *text = NULL;
  g_autoptr (JsonObject) about = NULL;
  const gchar *file;
  GStatBuf st;

  if (g_lstat (path, &st) != 0 || !S_ISREG (st.st_mode)
      || !g_file_get_contents (path, &text, NULL, NULL))
    return NULL;
  about = mod_json_from_text (text);
  if (about == NULL
      || strcmp (mod_json_get_text (about, "owner", ""), OWNER) != 0)
    return NULL;
  file = mod_json_get_text (about, "file", stem);
  if (!g_str_has_prefix (file, stem) || strchr (file, '/') != NULL)
    return NULL;
  file += strlen (stem);
  return *file == '.' || *file == '\0' ? g_strdup (file) : NULL;
}

static void
look_at (ModEvidenceStore * self, const gchar * folder, const gchar * name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  g_autofree gchar *base = g_strndup (path, strlen (path) - strlen (".json"));
  g_autofree gchar *stem = g_path_get_basename (base);
  g_autofree gchar *extension = read_pair (path, stem);
  GStatBuf st;

  if (extension != NULL && g_lstat (path, &st) == 0)
    remember (self, base, stem, *extension != '\0' ? extension : NULL,
        st.st_mtime);
}

/* The JSON is whole, and so is its file, which has its name already. */
static gboolean
is_nearly_done (const gchar * folder, const gchar * part, const gchar * name)
{
  g_autofree gchar *stem = g_strndup (name, strlen (name) - strlen (".json"));
  g_autofree gchar *extension = read_pair (part, stem);
  g_autofree gchar *file = NULL;

  if (extension == NULL)
    return FALSE;
  file = g_strdup_printf ("%s/%s%s", folder, stem, extension);
  return *extension == '\0' || g_file_test (file, G_FILE_TEST_IS_REGULAR);
}

/* What a kill left in the middle. */
static void
clean_up (const gchar * folder, const gchar * name)
{
  g_autofree gchar *part = g_build_filename (folder, name, NULL);
  g_autofree gchar *whole =
      g_strndup (name + 1, strlen (name) - strlen ("..part"));
  g_autofree gchar *path = g_build_filename (folder, whole, NULL);

  if (!is_our_name (whole))
    return;
  if (!g_str_has_suffix (whole, ".json")
      || g_file_test (path, G_FILE_TEST_EXISTS)
      || !is_nearly_done (folder, part, whole) || g_rename (part, path) != 0)
    g_unlink (part);
}

static void
look_into (ModEvidenceStore * self, const gchar * stream)
{
  g_autofree gchar *folder = g_build_filename (self->folder, stream, NULL);
  g_autoptr (GDir) dir = NULL;
  const gchar *name;

  if (g_file_test (folder, G_FILE_TEST_IS_SYMLINK))
    return;
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (*name == '.' && g_str_has_suffix (name, ".part"))
      clean_up (folder, name);
  if (dir != NULL)
    g_dir_rewind (dir);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    if (is_our_name (name) && g_str_has_suffix (name, ".json"))
      look_at (self, folder, name);
}

/* Keeping. */

static gboolean
is_too_much (ModEvidenceStore * self, const Pair * oldest)
{
  const ModRetention *bounds = &self->retention;
  gint64 age = g_get_real_time () / G_USEC_PER_SEC - oldest->time;

  return (bounds->max_count > 0 && self->count > bounds->max_count)
      || (bounds->max_bytes > 0 && self->bytes > bounds->max_bytes)
      || (bounds->max_age > 0 && age > 0
      && (guint64) age > bounds->max_age / 1000000000);
}

/* stuck: that it can't be deleted. */
static gboolean
delete (const gchar * base, const gchar * extension, gchar ** stuck)
{
  g_autofree gchar *path = g_strconcat (base, extension, NULL);

  if (g_unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  g_free (*stuck);
  *stuck = g_strdup_printf ("%s can't be deleted: %s", path,
      g_strerror (errno));
  return FALSE;
}

/* The JSON goes last: without it nobody would know whose file that is. FALSE: it is still
 * there, and counts. */
static gboolean
discard (ModEvidenceStore * self, GSequenceIter * iter, gchar ** stuck)
{
  Pair *pair = g_sequence_get (iter);

  if ((pair->extension != NULL && !delete (pair->base, pair->extension, stuck))
      || !delete (pair->base, ".json", stuck))
    return FALSE;
  account (self, pair, FALSE);
  g_sequence_remove (iter);
  return TRUE;
}

/* One that can't be deleted isn't in the way of others. */
static void
retain (ModEvidenceStore * self, gchar ** stuck)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (self->pairs);

  while (!g_sequence_iter_is_end (iter)
      && is_too_much (self, g_sequence_get (iter))) {
    GSequenceIter *next = g_sequence_iter_next (iter);

    discard (self, iter, stuck);
    iter = next;
  }
}

static void
note_stuck (ModEvidenceStore * self, gchar * stuck)
{
  g_mutex_lock (&self->lock);
  g_free (self->stuck);
  self->stuck = stuck;
  g_mutex_unlock (&self->lock);
}

/* Writing. */

static gboolean
write_all (gint fd, const guint8 * data, gsize size)
{
  while (size > 0) {
    gssize done = write (fd, data, size);

    if (done < 0 && errno != EINTR)
      return FALSE;
    if (done > 0) {
      data += done;
      size -= done;
    }
  }
  return TRUE;
}

/* Piece by piece: mapped as a whole it would be copied. */
static gboolean
write_buffer (gint fd, GstBuffer * buffer)
{
  gboolean good = TRUE;
  guint i;

  for (i = 0; good && i < gst_buffer_n_memory (buffer); i++) {
    GstMemory *memory = gst_buffer_peek_memory (buffer, i);
    GstMapInfo map;

    good = gst_memory_map (memory, &map, GST_MAP_READ);
    if (!good) {
      errno = ENOMEM;
    } else {
      good = write_all (fd, map.data, map.size);
      gst_memory_unmap (memory, &map);
    }
  }
  return good;
}

static gchar *
get_part (const gchar * folder, const gchar * name)
{
  return g_strdup_printf ("%s/.%s.part", folder, name);
}

/* Leaves errno. */
static void
remove_part (const gchar * folder, const gchar * name)
{
  g_autofree gchar *part = get_part (folder, name);
  gint number = errno;

  g_unlink (part);
  errno = number;
}

/* Exactly one of buffer and text. FALSE with errno, and nothing is there. */
static gboolean
write_part (const gchar * folder, const gchar * name, GstBuffer * buffer,
    const gchar * text)
{
  g_autofree gchar *part = get_part (folder, name);
  gint fd = g_open (part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gint number = 0;

  if (fd < 0)
    return FALSE;
  if (!(buffer != NULL ? write_buffer (fd, buffer) : write_all (fd,
              (const guint8 *) text, strlen (text))) || fsync (fd) != 0)
    number = errno;
  /* it is closed then, whatever it says */
  if (close (fd) != 0 && number == 0)
    number = errno;
  if (number != 0)
    g_unlink (part);
  errno = number;
  return number == 0;
}

static gboolean
take_part (const gchar * folder, const gchar * name)
{
  g_autofree gchar *part = get_part (folder, name);
  g_autofree gchar *path = g_build_filename (folder, name, NULL);

  return g_rename (part, path) == 0;
}

/* Without its JSON nobody would ever delete it. Leaves errno. */
static void
remove_file (const gchar * folder, const gchar * name)
{
  g_autofree gchar *path = g_build_filename (folder, name, NULL);
  gint number = errno;

  g_unlink (path);
  errno = number;
}

/* Both are whole before one has its name, and the JSON has it last: what a kill leaves
 * in the middle is finished, or is deleted, at the next start. FALSE with errno. */
static gboolean
write_parts (const gchar * folder, const gchar * file, GstBuffer * buffer,
    const gchar * json, const gchar * text)
{
  if (buffer != NULL && !write_part (folder, file, buffer, NULL))
    return FALSE;
  if (write_part (folder, json, NULL, text)) {
    if (buffer == NULL || take_part (folder, file)) {
      if (take_part (folder, json))
        return TRUE;
      if (buffer != NULL)
        remove_file (folder, file);
    }
    remove_part (folder, json);
  }
  if (buffer != NULL)
    remove_part (folder, file);
  return FALSE;
}

/* FALSE with errno. */
static gboolean
make_folder (ModEvidenceStore * self, const gchar * folder)
{
  if (g_file_test (folder, G_FILE_TEST_IS_DIR))
    return TRUE;
  return g_mkdir_with_parents (folder, 0700) == 0
      && mod_disk_sync_folder (self->folder);
}

static gboolean
write_pair (ModEvidenceStore * self, Job * job, const gchar * folder)
{
  g_autofree gchar *file = g_strconcat (job->name, job->extension, NULL);
  g_autofree gchar *json = g_strconcat (job->name, ".json", NULL);
  g_autofree gchar *text = NULL;

  json_object_set_string_member (job->about, "owner", OWNER);
  if (job->file != NULL || job->there)
    json_object_set_string_member (job->about, "file", file);
  text = mod_json_to_text (job->about);
  return make_folder (self, folder)
      && write_parts (folder, file, job->file, json, text);
}

static void
free_job (Job * self)
{
  g_free (self->stream);
  g_free (self->name);
  g_free (self->extension);
  g_free (self->path);
  g_free (self->error);
  gst_clear_buffer (&self->file);
  g_clear_pointer (&self->about, json_object_unref);
  g_free (self);
}

/* Main thread. */
static gboolean
on_done (gpointer user_data)
{
  Job *job = user_data;

  job->store->jobs--;
  if (job->store->left) {
    free_job (job);
    return G_SOURCE_REMOVE;
  }
  if (job->kind == JOB_WRITE)
    job->stored (job->path, job->error, job->user_data);
  else if (job->kind == JOB_READ)
    job->read (job->file, job->error, job->user_data);
  free_job (job);
  return G_SOURCE_REMOVE;
}

static void
finish (Job * job)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_done, job, NULL);
}

static void
count_failure (ModEvidenceStore * self)
{
  g_mutex_lock (&self->lock);
  self->failed++;
  g_mutex_unlock (&self->lock);
}

static GSequenceIter *
find_pair (ModEvidenceStore * self, const Job * job)
{
  g_autofree gchar *base =
      g_build_filename (self->folder, job->stream, job->name, NULL);
  GSequenceIter *iter = g_sequence_get_begin_iter (self->pairs);

  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    if (strcmp (((Pair *) g_sequence_get (iter))->base, base) == 0)
      return iter;
  return NULL;
}

/* Written anew. */
static void
forget (ModEvidenceStore * self, GSequenceIter * iter)
{
  account (self, g_sequence_get (iter), FALSE);
  g_sequence_remove (iter);
}

/* A verdict that is told again after a kill has no file, but what was written before it
 * may lie there. */
static void
take_over (Job * job, const Pair * pair)
{
  if (job->file != NULL || pair->extension == NULL)
    return;
  job->there = TRUE;
  g_free (job->extension);
  job->extension = g_strdup (pair->extension);
}

/* With errno. */
static void
fail_job (ModEvidenceStore * self, Job * job)
{
  job->error = g_strdup (g_strerror (errno));
  count_failure (self);
}

static void
write_job (ModEvidenceStore * self, Job * job)
{
  g_autofree gchar *folder = g_build_filename (self->folder, job->stream, NULL);
  g_autofree gchar *base = g_build_filename (folder, job->name, NULL);
  GSequenceIter *iter;

  iter = find_pair (self, job);
  if (iter != NULL)
    take_over (job, g_sequence_get (iter));
  if (g_file_test (folder, G_FILE_TEST_IS_SYMLINK)) {
    job->error = g_strdup_printf ("%s is a symbolic link, which isn't followed",
        folder);
    count_failure (self);
  } else if (write_pair (self, job, folder)) {
    if (iter != NULL)
      forget (self, iter);
    remember (self, base, job->name,
        job->file != NULL || job->there ? job->extension : NULL,
        g_get_real_time () / G_USEC_PER_SEC);
    if (!mod_disk_sync_folder (folder))
      fail_job (self, job);
  } else {
    fail_job (self, job);
  }
  gst_clear_buffer (&job->file);
  g_mutex_lock (&self->lock);
  self->queued -= job->size;
  g_mutex_unlock (&self->lock);
}

static void
read_job (ModEvidenceStore * self, Job * job)
{
  GSequenceIter *iter = find_pair (self, job);
  const Pair *pair = iter != NULL ? g_sequence_get (iter) : NULL;
  g_autofree gchar *path = pair == NULL || pair->extension == NULL ? NULL :
      g_strconcat (pair->base, pair->extension, NULL);
  g_autoptr (GError) error = NULL;
  gchar *bytes;
  gsize size;

  if (path == NULL)
    job->error = g_strdup ("there is no such file");
  else if (g_file_get_contents (path, &bytes, &size, &error))
    job->file = gst_buffer_new_wrapped (bytes, size);
  else
    job->error = g_strdup (error->message);
}

static void
remove_job (ModEvidenceStore * self, Job * job, gchar ** stuck)
{
  GSequenceIter *iter = find_pair (self, job);

  if (iter != NULL)
    discard (self, iter, stuck);
}

static void
work (gpointer data, gpointer user_data)
{
  ModEvidenceStore *self = user_data;
  Job *job = data;
  gchar *stuck = NULL;

  switch (job->kind) {
    case JOB_WRITE:
      write_job (self, job);
      break;
    case JOB_READ:
      read_job (self, job);
      break;
    case JOB_REMOVE:
      remove_job (self, job, &stuck);
      break;
    case JOB_LOOK:
      break;
  }
  retain (self, &stuck);
  note_stuck (self, stuck);
  finish (job);
}

static Job *
new_job (ModEvidenceStore * self, JobKind kind, const gchar * stream,
    const gchar * name)
{
  Job *job = g_new0 (Job, 1);

  job->store = self;
  job->kind = kind;
  job->stream = g_strdup (stream);
  job->name = g_strdup (name);
  self->jobs++;
  return job;
}

/* What is old goes, also when nothing new comes. */
static gboolean
on_look (gpointer user_data)
{
  ModEvidenceStore *self = user_data;

  if (g_thread_pool_unprocessed (self->pool) == 0)
    g_thread_pool_push (self->pool, new_job (self, JOB_LOOK, NULL, NULL), NULL);
  return G_SOURCE_CONTINUE;
}

ModEvidenceStore *
mod_evidence_store_new (const gchar * folder, const ModRetention * retention,
    GError ** error)
{
  ModEvidenceStore *self;
  g_autoptr (GDir) dir = NULL;
  const gchar *name;
  gchar *stuck = NULL;
  gint lock_file;

  g_mkdir_with_parents (folder, 0700);
  dir = g_dir_open (folder, 0, error);
  /* what another one writes looks as if a kill had left it */
  lock_file = dir != NULL ? mod_disk_lock (folder, error) : -1;
  if (lock_file < 0)
    return NULL;
  self = g_new0 (ModEvidenceStore, 1);
  self->lock_file = lock_file;
  g_mutex_init (&self->lock);
  self->folder = g_strdup (folder);
  self->retention = *retention;
  self->pairs = g_sequence_new (free_pair);
  while ((name = g_dir_read_name (dir)) != NULL)
    look_into (self, name);
  retain (self, &stuck);
  self->stuck = stuck;
  self->pool = g_thread_pool_new (work, self, 1, TRUE, NULL);
  if (retention->max_age > 0)
    self->timer = g_timeout_add_seconds (CLAMP (retention->max_age /
            GST_SECOND / 2, 1, LONGEST_LOOK), on_look, self);
  return self;
}

static void
visit_pair (const Pair * pair, ModFound found, gpointer user_data)
{
  g_autofree gchar *folder = g_path_get_dirname (pair->base);
  g_autofree gchar *stream = g_path_get_basename (folder);
  g_autofree gchar *path = g_strconcat (pair->base, ".json", NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (JsonObject) about = NULL;

  if (g_file_get_contents (path, &text, NULL, NULL))
    about = mod_json_from_text (text);
  if (about != NULL)
    found (stream, pair->name, about, pair->bytes, pair->time, user_data);
}

void
mod_evidence_store_visit (ModEvidenceStore * self, ModFound found,
    gpointer user_data)
{
  GSequenceIter *iter = g_sequence_get_begin_iter (self->pairs);

  for (; !g_sequence_iter_is_end (iter); iter = g_sequence_iter_next (iter))
    visit_pair (g_sequence_get (iter), found, user_data);
}

guint
mod_evidence_store_waiting (const ModEvidenceStore * self)
{
  return self->jobs;
}

void
mod_evidence_store_free (ModEvidenceStore * self)
{
  g_clear_handle_id (&self->timer, g_source_remove);
  self->left = self->jobs > 0;
  if (self->left)
    return;
  g_thread_pool_free (self->pool, FALSE, TRUE);
  g_sequence_free (self->pairs);
  g_mutex_clear (&self->lock);
  close (self->lock_file);
  g_free (self->stuck);
  g_free (self->folder);
  g_free (self);
}

static gboolean
reserve (ModEvidenceStore * self, gsize size)
{
  gboolean good;

  g_mutex_lock (&self->lock);
  good = self->queued + size <= MOST_QUEUED || self->queued == 0;
  if (good)
    self->queued += size;
  g_mutex_unlock (&self->lock);
  return good;
}

void
mod_evidence_store_put (ModEvidenceStore * self, const gchar * stream,
    const gchar * name, const gchar * extension, GstBuffer * file,
    JsonObject * about, ModStored stored, gpointer user_data)
{
  Job *job = new_job (self, JOB_WRITE, stream, name);
  g_autofree gchar *base = g_build_filename (self->folder, stream, name, NULL);

  job->extension = g_strdup (extension);
  job->file = file != NULL ? gst_buffer_ref (file) : NULL;
  job->about = about;
  job->stored = stored;
  job->user_data = user_data;
  job->path = g_strconcat (base, ".json", NULL);
  job->size = SIZE_OF_ABOUT + (file != NULL ? gst_buffer_get_size (file) : 0);
  if (reserve (self, job->size)) {
    g_thread_pool_push (self->pool, job, NULL);
    return;
  }
  gst_clear_buffer (&job->file);
  job->error = g_strdup ("the disk is too slow: too much waits to be written");
  count_failure (self);
  finish (job);
}

void
mod_evidence_store_read (ModEvidenceStore * self, const gchar * stream,
    const gchar * name, ModRead read, gpointer user_data)
{
  Job *job = new_job (self, JOB_READ, stream, name);

  job->read = read;
  job->user_data = user_data;
  g_thread_pool_push (self->pool, job, NULL);
}

void
mod_evidence_store_remove (ModEvidenceStore * self, const gchar * stream,
    const gchar * name)
{
  g_thread_pool_push (self->pool, new_job (self, JOB_REMOVE, stream, name),
      NULL);
}

void
mod_evidence_store_count (ModEvidenceStore * self, guint64 * pairs,
    guint64 * bytes, guint64 * failed)
{
  g_mutex_lock (&self->lock);
  *pairs = self->count;
  *bytes = self->bytes;
  *failed = self->failed;
  g_mutex_unlock (&self->lock);
}

gchar *
mod_evidence_store_get_stuck (ModEvidenceStore * self)
{
  gchar *stuck;

  g_mutex_lock (&self->lock);
  stuck = g_strdup (self->stuck);
  g_mutex_unlock (&self->lock);
  return stuck;
}
