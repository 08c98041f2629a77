/* identifai-moderate: lines of JSON in a file, each with the hash of the one before
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "lines.h"
#include "jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define MOST_WAITING (16 * 1024 * 1024)
#define LONGEST_LINE (4 * 1024 * 1024)
#define LAST_WAIT 2000          /* ms, for a pipe's reader at the end */

static gchar *find_old_name (const gchar * path);

struct _ModLines
{
  gchar *path;                  /* NULL: stdout */
  gint fd;
  guint64 max_bytes, bytes;     /* of this file */
  gchar *prev;                  /* hash of the latest line; NULL before the first */
  gchar *text;                  /* the latest line */
  GString *waiting;             /* what could not be written */
  gboolean broken;              /* the file ends within a line */
  guint64 lost;
  gint trouble;                 /* errno of the latest write; 0: none */
  gboolean pipe;                /* no file: who reads it may stand still */
  guint watch;                  /* source, while a pipe is full */
};

static gchar *
hash_line (const gchar * text, gssize length)
{
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *) text,
      length);
}

static gboolean
fail (GError ** error, const gchar * path, const gchar * what)
{
  gint number = errno;

  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (number),
      "%s: %s: %s", path, what, g_strerror (number));
  return FALSE;
}

/* The end of the file, from which its last line is taken; free it. */
static gchar *
read_end (gint fd, guint64 size, gsize * length)
{
  gsize wanted = MIN (size, LONGEST_LINE);
  gchar *end = g_malloc (wanted + 1);
  gssize got = pread (fd, end, wanted, size - wanted);

  *length = MAX (got, 0);
  end[*length] = '\0';
  return end;
}

static void
take_link (ModLines * self, gchar * end, gsize length)
{
  const gchar *start;

  if (length > 0 && end[length - 1] == '\n')
    end[--length] = '\0';
  if (length == 0)
    return;
  start = strrchr (end, '\n');
  self->prev = hash_line (start != NULL ? start + 1 : end, -1);
}

/* Killed when the file had been renamed, and nothing was in the new one yet. */
static void
take_old_line (ModLines * self)
{
  g_autofree gchar *old = find_old_name (self->path);
  gint fd = old != NULL ? g_open (old, O_RDONLY | O_CLOEXEC, 0) : -1;
  g_autofree gchar *end = NULL;
  struct stat st;
  gsize length;

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode)) {
    end = read_end (fd, st.st_size, &length);
    take_link (self, end, length);
  }
  if (fd >= 0)
    close (fd);
}

/* A line that was broken off by a kill is closed, and is a link of the chain, too. */
static gboolean
take_last_line (ModLines * self, GError ** error)
{
  gsize length;
  g_autofree gchar *end = read_end (self->fd, self->bytes, &length);

  if (length > 0 && end[length - 1] != '\n') {
    if (write (self->fd, "\n", 1) != 1)
      return fail (error, self->path, "can't be written");
    self->bytes++;
  }
  if (length > 0)
    take_link (self, end, length);
  else if (!self->pipe)
    take_old_line (self);
  return TRUE;
}

static gboolean
is_file (gint fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && S_ISREG (st.st_mode);
}

static gboolean
open_file (ModLines * self, GError ** error)
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
  return TRUE;
}

ModLines *
mod_lines_new (const gchar * path, guint64 max_bytes, GError ** error)
{
  ModLines *self = g_new0 (ModLines, 1);

  self->waiting = g_string_new (NULL);
  self->max_bytes = max_bytes;
  self->fd = STDOUT_FILENO;
  self->pipe = strcmp (path, "-") == 0 && !is_file (self->fd);
  if (strcmp (path, "-") == 0)
    return self;
  self->path = g_strdup (path);
  if (!open_file (self, error) || !take_last_line (self, error)) {
    mod_lines_free (self);
    return NULL;
  }
  return self;
}

static void flush_waiting (ModLines * self);

static gboolean
on_writable (gint fd, GIOCondition condition, gpointer user_data)
{
  ModLines *self = user_data;

  self->watch = 0;
  flush_waiting (self);
  return G_SOURCE_REMOVE;
}

/* A pipe that takes something takes as much as goes in at once; it isn't made
 * non-blocking, as others may have it, too. */
static gsize
get_room (ModLines * self, gint wait)
{
  struct pollfd fd = { self->fd, POLLOUT, 0 };

  if (!self->pipe)
    return self->waiting->len;
  return poll (&fd, 1, wait) != 0 ? MIN (self->waiting->len, PIPE_BUF) : 0;
}

static void
flush_waiting (ModLines * self)
{
  while (self->waiting->len > 0) {
    gsize room = get_room (self, 0);
    gssize done;

    if (room == 0) {
      self->trouble = EAGAIN;
      if (self->watch == 0)
        self->watch = g_unix_fd_add (self->fd, G_IO_OUT | G_IO_ERR, on_writable,
            self);
      return;
    }
    done = write (self->fd, self->waiting->str, room);
    if (done < 0 && errno == EINTR)
      continue;
    self->trouble = done < 0 ? errno : 0;
    if (done < 0)
      return;
    self->bytes += done;
    self->broken =
        done > 0 ? self->waiting->str[done - 1] != '\n' : self->broken;
    g_string_erase (self->waiting, 0, done);
  }
  self->trouble = 0;
}

/* There is no log to tell it in. */
static void
tell_rest (ModLines * self)
{
  if (self->waiting->len > 0 || self->lost > 0)
    g_printerr ("%s: the log lacks its last %" G_GSIZE_FORMAT " bytes, and %"
        G_GUINT64_FORMAT " lines: %s\n", self->path != NULL ? self->path :
        "stdout", self->waiting->len, self->lost, mod_lines_trouble (self) ?
        mod_lines_trouble (self) : "too much waited");
}

/* ms */
static gint
get_rest (gint64 end)
{
  return MAX (end - g_get_monotonic_time (), 0) / G_TIME_SPAN_MILLISECOND;
}

void
mod_lines_free (ModLines * self)
{
  gint64 end = g_get_monotonic_time () + LAST_WAIT * G_TIME_SPAN_MILLISECOND;

  if (self->fd >= 0)
    flush_waiting (self);
  while (self->watch != 0 && get_room (self, get_rest (end)) > 0) {
    g_clear_handle_id (&self->watch, g_source_remove);
    flush_waiting (self);
  }
  g_clear_handle_id (&self->watch, g_source_remove);
  tell_rest (self);
  if (self->path != NULL && self->fd >= 0)
    close (self->fd);
  g_string_free (self->waiting, TRUE);
  g_free (self->path);
  g_free (self->prev);
  g_free (self->text);
  g_free (self);
}

const gchar *
mod_lines_write (ModLines * self, JsonObject * line)
{
  if (self->prev != NULL)
    json_object_set_string_member (line, "prev", self->prev);
  else
    json_object_set_null_member (line, "prev");
  g_free (self->text);
  g_free (self->prev);
  self->text = mod_json_to_text (line);
  self->prev = hash_line (self->text, -1);
  if (self->waiting->len + strlen (self->text) > MOST_WAITING) {
    self->lost++;
  } else {
    g_string_append_printf (self->waiting, "%s\n", self->text);
  }
  flush_waiting (self);
  if (self->max_bytes > 0 && self->bytes >= self->max_bytes
      && self->trouble == 0)
    mod_lines_rotate (self, NULL);
  return self->text;
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

gboolean
mod_lines_rotate (ModLines * self, GError ** error)
{
  g_autofree gchar *old = NULL;
  gint before = self->fd;

  if (self->path == NULL || self->bytes == 0)
    return TRUE;
  if (self->broken) {
    errno = self->trouble;
    return fail (error, self->path, "the rest of its last line waits");
  }
  old = make_old_name (self->path);
  /* gone: somebody else has moved it */
  if (g_rename (self->path, old) != 0 && errno != ENOENT)
    return fail (error, self->path, "can't be renamed");
  if (open_file (self, error)) {
    close (before);
    return TRUE;
  }
  /* better the old file than none */
  if (self->fd >= 0)
    close (self->fd);
  g_rename (old, self->path);
  self->fd = before;
  return FALSE;
}

guint
mod_lines_waiting (const ModLines * self)
{
  return self->waiting->len;
}

guint64
mod_lines_lost (const ModLines * self)
{
  return self->lost;
}

const gchar *
mod_lines_trouble (const ModLines * self)
{
  if (self->trouble == EAGAIN)
    return "nobody reads it";
  return self->trouble != 0 ? g_strerror (self->trouble) : NULL;
}

/* Looking back. */

static gboolean
has_any (const gchar * text, const gchar * const *words)
{
  const gchar *const *word;

  for (word = words; word != NULL && *word != NULL; word++)
    if (strstr (text, *word) != NULL)
      return TRUE;
  return words == NULL;
}

static void
visit_file (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  g_autoptr (GDataInputStream) data = NULL;
  gchar *text;

  if (stream == NULL)
    return;
  data = g_data_input_stream_new (G_INPUT_STREAM (stream));
  while ((text = g_data_input_stream_read_line (data, NULL, NULL, NULL))) {
    JsonObject *line = has_any (text, words) ? mod_json_from_text (text) : NULL;

    if (line != NULL) {
      visit (line, user_data);
      json_object_unref (line);
    }
    g_free (text);
  }
}

/* The latest of the files that were renamed; their names sort by time. */
static gchar *
find_old_name (const gchar * path)
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

void
mod_lines_visit (const gchar * path, const gchar * const *words,
    ModLineVisitor visit, gpointer user_data)
{
  g_autofree gchar *old = NULL;

  if (strcmp (path, "-") == 0)
    return;
  old = find_old_name (path);
  if (old != NULL)
    visit_file (old, words, visit, user_data);
  visit_file (path, words, visit, user_data);
}
