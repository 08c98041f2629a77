/* identifai-moderate: the log's file, written on a thread of its own
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "logwriter.h"
#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MOST_WAITING (16 * 1024 * 1024)
#define LONGEST_LINE (4 * 1024 * 1024)
#define MOST_AT_ONCE (64 * 1024)
#define LONGEST_POLL 200        /* ms: how soon the end is seen */
#define RETRY_WAIT G_USEC_PER_SEC       /* after what failed */
/* So long without any progress is told. */
#define LONGEST_STAND (1 * G_USEC_PER_SEC)
#define LAST_WAIT (2 * G_USEC_PER_SEC)
/* For the thread to see that nobody waits for it any more. */
#define LAST_LOOK (2 * LONGEST_POLL * 1000)

struct _ModLogWriter
{
  gchar *path;                  /* NULL: stdout */
  guint64 max_bytes;            /* 0: never a new file for its size */
  gboolean sync;
  GThread *thread;
  gint64 deadline;              /* of the end, monotonic; 0: not yet */
  ModLogSafe call;
  gpointer user_data;

  /* the thread's, once it runs */
  gint fd;
  gboolean pipe;                /* no file: who reads it may stand still */
  guint64 bytes;                /* of this file */
  gboolean broken;              /* the file ends within a line */
  gboolean not_renamed;         /* told */
  GString *chunk;               /* being written */
  gsize done;                   /* of it */
  gint failure;                 /* errno of the latest try; 0: none */
  gboolean last_try;            /* at the end, of what failed */

  GMutex lock;                  /* of what follows */
  GCond changed;
  GString *waiting;             /* after the chunk */
  guint64 end, written, safe;   /* positions */
  guint64 latest;               /* where the latest line ends; G_MAXUINT64: lost */
  guint64 lost;
  gint trouble;                 /* failure, to be seen */
  gint64 since;                 /* when something was to be written, and nothing was since; 0: nothing is */
  gboolean rotate, quit, abandoned, over;
  guint source;                 /* calls watch */
};

static gboolean
fail (GError ** error, const gchar * path, const gchar * what)
{
  gint number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number),
      "%s: %s: %s", path, what, g_strerror (number));
  return FALSE;
}

/* The file. */

static gboolean
is_file (gint fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && S_ISREG (st.st_mode);
}

/* A new file is there after a power cut. */
static gboolean
sync_name (const gchar * path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);

  return mod_disk_sync_folder (folder);
}

static gboolean
open_file (ModLogWriter * self, GError ** error)
{
  struct stat st;

  self->fd = g_open (self->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
  if (self->fd < 0)
    return fail (error, self->path, "can't be opened");
  if (flock (self->fd, LOCK_EX | LOCK_NB) != 0)
    return fail (error, self->path, "another process writes it");
  if (fstat (self->fd, &st) != 0)
    return fail (error, self->path, "can't be looked at");
  self->bytes = S_ISREG (st.st_mode) ? st.st_size : 0;
  self->pipe = !S_ISREG (st.st_mode);
  return self->pipe || !self->sync || sync_name (self->path)
      || fail (error, self->path, "its folder can't be synced");
}

/* The end of the file, from which its last line is taken; free it. NULL with errno. */
static gchar *
read_end (gint fd, guint64 size, gsize * length)
{
  gsize wanted = MIN (size, LONGEST_LINE), done = 0;
  g_autofree gchar *end = g_malloc (wanted + 1);

  while (done < wanted) {
    gssize got = pread (fd, end + done, wanted - done, size - wanted + done);

    if (got < 0 && errno != EINTR)
      return NULL;
    if (got == 0)
      break;
    done += MAX (got, 0);
  }
  *length = done;
  end[done] = '\0';
  return g_steal_pointer (&end);
}

/* There may be zeros in it, as a power cut leaves them. */
static gchar *
take_line (gchar * end, gsize length)
{
  gsize start;

  if (length == 0)
    return NULL;
  if (end[length - 1] == '\n')
    end[--length] = '\0';
  for (start = length; start > 0 && end[start - 1] != '\n'; start--);
  return g_strdup (end + start);
}

/* Killed when the file had been renamed, and nothing was in the new one yet. */
static gchar *
read_old_line (ModLogWriter * self)
{
  g_autofree gchar *old = mod_log_find_old (self->path);
  gint fd = old != NULL ? g_open (old, O_RDONLY | O_CLOEXEC, 0) : -1;
  g_autofree gchar *end = NULL;
  gchar *line = NULL;
  struct stat st;
  gsize length;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode)) {
    end = read_end (fd, st.st_size, &length);
    line = end != NULL ? take_line (end, length) : NULL;
  }
  if (fd >= 0)
    close (fd);
  return line;
}

/* A line that was broken off by a kill is closed, and is a link of the chain, too. */
static gboolean
read_last_line (ModLogWriter * self, gchar ** last, GError ** error)
{
  gsize length;
  g_autofree gchar *end = read_end (self->fd, self->bytes, &length);

  if (end == NULL)
    return fail (error, self->path, "can't be read");
  if (length > 0 && end[length - 1] != '\n') {
    if (write (self->fd, "\n", 1) != 1)
      return fail (error, self->path, "can't be written");
    self->bytes++;
  }
  if (length > 0)
    *last = take_line (end, length);
  else if (!self->pipe)
    *last = read_old_line (self);
  return TRUE;
}

/* A name that isn't taken. */
static gchar *
make_old_name (const gchar * path)
{
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *stamp = g_date_time_format (now, "%Y%m%dT%H%M%SZ");
  gchar *name = g_strdup_printf ("%s.%s", path, stamp);
  guint i;

  for (i = 1; g_file_test (name, G_FILE_TEST_EXISTS); i++) {
    g_free (name);
    name = g_strdup_printf ("%s.%s-%03u", path, stamp, i);
  }
  return name;
}

gchar *
mod_log_find_old (const gchar * path)
{
  g_autofree gchar *folder = g_path_get_dirname (path);
  g_autofree gchar *base = g_path_get_basename (path);
  g_autofree gchar *prefix = g_strconcat (base, ".2", NULL);
  g_autofree gchar *latest = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    if (g_str_has_prefix (name, prefix) && g_strcmp0 (name, latest) > 0) {
      g_free (latest);
      latest = g_strdup (name);
    }
  }
  return latest != NULL ? g_build_filename (folder, latest, NULL) : NULL;
}

/* The thread. */

/* Whether what is written stays, also after a power cut. */
static gboolean
make_safe (ModLogWriter * self)
{
  if (!self->sync || self->pipe || fdatasync (self->fd) == 0)
    return TRUE;
  self->failure = errno;
  return FALSE;
}

/* Better the old file than none. */
static void
go_on_with (ModLogWriter * self, gint before, const gchar * old)
{
  if (self->fd >= 0)
    close (self->fd);
  if (g_rename (old, self->path) != 0)
    g_printerr ("%s goes on as %s: %s\n", self->path, old, g_strerror (errno));
  self->fd = before;
}

static gboolean
rename_file (ModLogWriter * self, GError ** error)
{
  g_autofree gchar *old = make_old_name (self->path);
  gint before = self->fd;

  /* gone: somebody else has moved it */
  if (g_rename (self->path, old) != 0 && errno != ENOENT)
    return fail (error, self->path, "can't be renamed");
  if (!open_file (self, error)) {
    go_on_with (self, before, old);
    return FALSE;
  }
  /* a network's disk may say only now that it was full */
  if (close (before) != 0)
    self->failure = errno;
  return TRUE;
}

/* Told once. FALSE: later, as nobody would sync the old file any more. */
static gboolean
rotate (ModLogWriter * self)
{
  g_autoptr (GError) error = NULL;

  if (self->path == NULL || self->pipe || self->bytes == 0)
    return TRUE;
  if (!make_safe (self))
    return FALSE;
  if (!rename_file (self, &error) && !self->not_renamed)
    g_printerr ("%s\n", error->message);
  self->not_renamed = error != NULL;
  return TRUE;
}

/* How much of it at once: a line, where the file's size is watched. */
static gsize
get_length (const ModLogWriter * self, const gchar * text, gsize left)
{
  const gchar *end = self->max_bytes > 0 ? memchr (text, '\n', left) : NULL;

  return end != NULL ? (gsize) (end + 1 - text) : MIN (left, MOST_AT_ONCE);
}

/* A pipe that takes something takes as much as goes in at once; it isn't made
 * non-blocking, as others may have it, too. */
static gboolean
has_room (const ModLogWriter * self)
{
  struct pollfd fd = { self->fd, POLLOUT, 0 };

  return !self->pipe || poll (&fd, 1, LONGEST_POLL) > 0;
}

/* Returns how much. */
static gsize
write_some (ModLogWriter * self)
{
  const gchar *text = self->chunk->str + self->done;
  gsize left = self->chunk->len - self->done;
  gssize count;

  if (left == 0 || !has_room (self))
    return 0;
  left = get_length (self, text, left);
  count = write (self->fd, text, self->pipe ? MIN (left, PIPE_BUF) : left);
  if (count < 0 && errno == EINTR)
    return 0;
  if (count < 0)
    self->failure = errno;
  if (count <= 0)
    return 0;
  self->bytes += count;
  self->done += count;
  self->broken = text[count - 1] != '\n';
  return count;
}

static gboolean
on_safe (gpointer user_data)
{
  ModLogWriter *self = user_data;

  g_mutex_lock (&self->lock);
  self->source = 0;
  g_mutex_unlock (&self->lock);
  self->call (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
note_safe_locked (ModLogWriter * self)
{
  self->safe = self->written;
  if (self->call != NULL && self->source == 0)
    self->source = g_idle_add_full (G_PRIORITY_DEFAULT, on_safe, self, NULL);
}

static gboolean
has_work_locked (const ModLogWriter * self)
{
  return self->safe < self->end || self->rotate;
}

/* FALSE: it is to end. */
static gboolean
wait_for_work_locked (ModLogWriter * self)
{
  gint64 again = g_get_monotonic_time () + RETRY_WAIT;

  while (self->trouble != 0 && !self->quit
      && g_cond_wait_until (&self->changed, &self->lock, again));
  while (!self->quit && !has_work_locked (self))
    g_cond_wait (&self->changed, &self->lock);
  if (self->abandoned || !has_work_locked (self)
      || (self->last_try && self->trouble != 0))
    return FALSE;
  self->last_try = self->quit;
  return TRUE;
}

static void
take_chunk_locked (ModLogWriter * self)
{
  if (self->done < self->chunk->len || self->waiting->len == 0)
    return;
  g_string_free (self->chunk, TRUE);
  self->chunk = self->waiting;
  self->waiting = g_string_new (NULL);
  self->done = 0;
}

/* A new file. */
static gboolean
is_due (const ModLogWriter * self, gboolean wanted)
{
  return wanted || (self->max_bytes > 0 && self->bytes >= self->max_bytes);
}

/* One step: a piece, and what is to follow it. */
static void
work (ModLogWriter * self, gboolean wanted)
{
  gboolean whole, safe, rotated;
  gsize count;

  self->failure = 0;
  count = write_some (self);
  whole = self->done == self->chunk->len;
  safe = whole && make_safe (self);
  rotated = !self->broken && (safe || !whole)
      && (!is_due (self, wanted) || rotate (self));
  g_mutex_lock (&self->lock);
  self->written += count;
  self->trouble = self->failure;
  if (count > 0 || whole)
    self->since = g_get_monotonic_time ();
  if (safe)
    note_safe_locked (self);
  if (!has_work_locked (self))
    self->since = 0;
  if (rotated)
    self->rotate &= !wanted;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static gpointer
run (gpointer user_data)
{
  ModLogWriter *self = user_data;
  gboolean wanted;

  g_mutex_lock (&self->lock);
  while (wait_for_work_locked (self)) {
    take_chunk_locked (self);
    if (self->since == 0)
      self->since = g_get_monotonic_time ();
    wanted = self->rotate;
    g_mutex_unlock (&self->lock);
    work (self, wanted);
    g_mutex_lock (&self->lock);
  }
  self->over = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  return NULL;
}

/* The main thread. */

static void
release (ModLogWriter * self)
{
  if (self->path != NULL && self->fd >= 0)
    close (self->fd);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_string_free (self->chunk, TRUE);
  g_string_free (self->waiting, TRUE);
  g_free (self->path);
  g_free (self);
}

ModLogWriter *
mod_log_writer_new (const gchar * path, guint64 max_bytes, gboolean sync,
    gchar ** last, GError ** error)
{
  ModLogWriter *self = g_new0 (ModLogWriter, 1);

  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->path = g_strdup (path);
  self->max_bytes = max_bytes;
  self->sync = sync;
  self->chunk = g_string_new (NULL);
  self->waiting = g_string_new (NULL);
  self->fd = STDOUT_FILENO;
  self->pipe = path == NULL && !is_file (self->fd);
  if (path != NULL && (!open_file (self, error)
          || !read_last_line (self, last, error))) {
    release (self);
    return NULL;
  }
  self->thread = g_thread_new ("log", run, self);
  return self;
}

gboolean
mod_log_writer_push (ModLogWriter * self, const gchar * line)
{
  gsize length = strlen (line) + 1;
  gboolean fits;

  g_mutex_lock (&self->lock);
  fits = self->end - self->written + length <= MOST_WAITING;
  if (fits) {
    g_string_append_printf (self->waiting, "%s\n", line);
    self->end += length;
    g_cond_broadcast (&self->changed);
  } else {
    self->lost++;
  }
  self->latest = fits ? self->end : G_MAXUINT64;
  g_mutex_unlock (&self->lock);
  return fits;
}

void
mod_log_writer_rotate (ModLogWriter * self)
{
  g_mutex_lock (&self->lock);
  self->rotate = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}

static void
set_deadline (ModLogWriter * self)
{
  if (self->deadline == 0)
    self->deadline = g_get_monotonic_time () + LAST_WAIT;
}

void
mod_log_writer_flush (ModLogWriter * self)
{
  set_deadline (self);
  g_mutex_lock (&self->lock);
  while (self->safe < self->end && self->trouble == 0
      && g_cond_wait_until (&self->changed, &self->lock, self->deadline));
  g_mutex_unlock (&self->lock);
}

void
mod_log_writer_watch (ModLogWriter * self, ModLogSafe call, gpointer user_data)
{
  g_mutex_lock (&self->lock);
  self->call = call;
  self->user_data = user_data;
  if (call == NULL)
    g_clear_handle_id (&self->source, g_source_remove);
  g_mutex_unlock (&self->lock);
}

static guint64
get (ModLogWriter * self, const guint64 * field)
{
  guint64 value;

  g_mutex_lock (&self->lock);
  value = *field;
  g_mutex_unlock (&self->lock);
  return value;
}

guint64
mod_log_writer_get_latest (ModLogWriter * self)
{
  return get (self, &self->latest);
}

guint64
mod_log_writer_get_safe (ModLogWriter * self)
{
  return get (self, &self->safe);
}

guint64
mod_log_writer_get_lost (ModLogWriter * self)
{
  return get (self, &self->lost);
}

guint64
mod_log_writer_get_waiting (ModLogWriter * self)
{
  guint64 waiting;

  g_mutex_lock (&self->lock);
  waiting = self->end - self->written;
  g_mutex_unlock (&self->lock);
  return waiting;
}

static const gchar *
get_trouble_locked (const ModLogWriter * self)
{
  if (self->trouble != 0)
    return g_strerror (self->trouble);
  if (self->since == 0 || g_get_monotonic_time () - self->since < LONGEST_STAND)
    return NULL;
  return self->pipe ? "nobody reads it" : "the disk doesn't answer";
}

const gchar *
mod_log_writer_get_trouble (ModLogWriter * self)
{
  const gchar *trouble;

  g_mutex_lock (&self->lock);
  trouble = get_trouble_locked (self);
  g_mutex_unlock (&self->lock);
  return trouble;
}

/* There is no log to tell it in. */
static void
tell_rest_locked (const ModLogWriter * self)
{
  const gchar *trouble = get_trouble_locked (self);

  if (self->end > self->written || self->lost > 0)
    g_printerr ("%s: the log lacks its last %" G_GUINT64_FORMAT " bytes, and %"
        G_GUINT64_FORMAT " lines: %s\n", self->path != NULL ? self->path :
        "stdout", self->end - self->written, self->lost,
        trouble != NULL ? trouble : "too much waited");
}

static void
wait_for_thread_locked (ModLogWriter * self, gint64 deadline)
{
  while (!self->over
      && g_cond_wait_until (&self->changed, &self->lock, deadline));
}

void
mod_log_writer_free (ModLogWriter * self)
{
  gboolean over;

  set_deadline (self);
  mod_log_writer_watch (self, NULL, NULL);
  g_mutex_lock (&self->lock);
  self->quit = TRUE;
  g_cond_broadcast (&self->changed);
  wait_for_thread_locked (self, self->deadline);
  tell_rest_locked (self);
  self->abandoned = TRUE;
  wait_for_thread_locked (self, g_get_monotonic_time () + LAST_LOOK);
  over = self->over;
  g_mutex_unlock (&self->lock);
  if (!over)
    return;
  g_thread_join (self->thread);
  release (self);
}
