/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What identifai-moderate does when a call to the disk fails, each once: it is told, nothing
 * is left half, no descriptor is closed twice, and the next time all is well.
 */

#define _GNU_SOURCE

#include "../../examples/moderate/evidencestore.h"
#include "../../examples/moderate/logwriter.h"

#include <dlfcn.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>
#include <string.h>
#include <unistd.h>

static
_Atomic (const gchar *)
    failing;                    /* the call that fails; NULL: none */
     static gint failed, closed_twice;  /* atomic */

     static gboolean fails (const gchar * call)
{
  const gchar *now = failing;

  if (now == NULL || strcmp (now, call) != 0)
    return FALSE;
  g_atomic_int_inc (&failed);
  errno = EIO;
  return TRUE;
}

#define REAL(name) dlsym (RTLD_NEXT, #name)

int
fsync (int fd)
{
  int (*real) (int) = REAL (fsync);

  return fails ("fsync") ? -1 : real (fd);
}

int
fdatasync (int fd)
{
  int (*real) (int) = REAL (fdatasync);

  return fails ("fdatasync") ? -1 : real (fd);
}

/* As Linux does: it is closed, whatever comes of it. */
int
close (int fd)
{
  int (*real) (int) = REAL (close);
  int result = real (fd);

  if (result != 0 && errno == EBADF)
    g_atomic_int_inc (&closed_twice);
  return fails ("close") ? -1 : result;
}

int
rename (const char *from, const char *to)
{
  int (*real) (const char *, const char *) = REAL (rename);

  return fails ("rename") ? -1 : real (from, to);
}

int
unlink (const char *path)
{
  int (*real) (const char *) = REAL (unlink);

  return fails ("unlink") ? -1 : real (path);
}

ssize_t
pread (int fd, void *data, size_t size, off_t offset)
{
  ssize_t (*real) (int, void *, size_t, off_t) = REAL (pread);

  return fails ("pread") ? -1 : real (fd, data, size, offset);
}

static void
begin_failing (const gchar * call)
{
  g_atomic_int_set (&failed, 0);
  failing = call;
}

static gchar *folder;

static void
setup (void)
{
  failing = NULL;
  g_atomic_int_set (&closed_twice, 0);
  folder = g_dir_make_tmp ("bad-disk-XXXXXX", NULL);
}

static guint
count_files (const gchar * where, gboolean delete)
{
  GDir *dir = g_dir_open (where, 0, NULL);
  const gchar *name;
  guint count = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (where, name, NULL);

    count += g_file_test (path, G_FILE_TEST_IS_DIR) ?
        count_files (path, delete) : 1;
    if (delete)
      g_remove (path);
    g_free (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  return count;
}

static void
teardown (void)
{
  failing = NULL;
  fail_unless_equals_int (g_atomic_int_get (&closed_twice), 0);
  count_files (folder, TRUE);
  g_rmdir (folder);
  g_free (folder);
}

/* Evidence. */

static gchar *said;             /* what was said of the latest piece; NULL: all is well */
static guint stored;

static void
on_stored (const gchar * path, const gchar * error, gpointer unused)
{
  g_free (said);
  said = g_strdup (error);
  stored++;
}

static void
put (ModEvidenceStore * store, guint number)
{
  gchar *name = g_strdup_printf ("20261126T101500.%03uZ-session-00000", number);
  GstBuffer *file = gst_buffer_new_allocate (NULL, 1000, NULL);
  guint before = stored;

  gst_buffer_memset (file, 0, 0, 1000);
  mod_evidence_store_put (store, "camera", name, ".mp4", file,
      json_object_new (), on_stored, NULL);
  while (stored == before)
    g_main_context_iteration (NULL, TRUE);
  gst_buffer_unref (file);
  g_free (name);
}

static guint64
count_pairs (ModEvidenceStore * store)
{
  guint64 pairs, bytes, not_written;

  mod_evidence_store_count (store, &pairs, &bytes, &not_written);
  return pairs;
}

static const gchar *const of_a_write[] = { "fsync", "close", "rename" };

GST_START_TEST (test_evidence)
{
  const ModRetention none = { 0, };
  ModEvidenceStore *store = mod_evidence_store_new (folder, &none, NULL);

  put (store, 0);
  fail_unless (said == NULL, "%s", said);
  begin_failing (of_a_write[__i__]);
  put (store, 1);
  failing = NULL;
  fail_unless (said != NULL && g_atomic_int_get (&failed) > 0);
  fail_unless_equals_string (said, g_strerror (EIO));
  fail_unless_equals_int (count_files (folder, FALSE), 2);
  put (store, 1);
  fail_unless (said == NULL, "%s", said);
  fail_unless_equals_int (count_files (folder, FALSE), 4);
  fail_unless_equals_uint64 (count_pairs (store), 2);
  mod_evidence_store_free (store);
}

GST_END_TEST;

/* What can't be replaced is still there, and counts. */
GST_START_TEST (test_evidence_again)
{
  const ModRetention one = {.max_count = 1 };
  ModEvidenceStore *store = mod_evidence_store_new (folder, &one, NULL);

  put (store, 0);
  begin_failing (of_a_write[__i__]);
  put (store, 0);
  failing = NULL;
  fail_unless_equals_string (said, g_strerror (EIO));
  fail_unless_equals_int (count_files (folder, FALSE), 2);
  fail_unless_equals_uint64 (count_pairs (store), 1);
  put (store, 1);
  fail_unless (said == NULL, "%s", said);
  fail_unless_equals_int (count_files (folder, FALSE), 2);
  fail_unless_equals_uint64 (count_pairs (store), 1);
  mod_evidence_store_free (store);
}

GST_END_TEST;

/* What can't be deleted still counts, is told, and goes when it can. */
GST_START_TEST (test_stuck)
{
  const ModRetention one = {.max_count = 1 };
  ModEvidenceStore *store = mod_evidence_store_new (folder, &one, NULL);
  gchar *stuck;

  put (store, 0);
  begin_failing ("unlink");
  put (store, 1);
  failing = NULL;
  fail_unless (said == NULL);
  fail_unless_equals_uint64 (count_pairs (store), 2);
  fail_unless_equals_int (count_files (folder, FALSE), 4);
  stuck = mod_evidence_store_get_stuck (store);
  fail_unless (stuck != NULL && strstr (stuck, "can't be deleted") != NULL);
  g_free (stuck);
  put (store, 2);
  fail_unless_equals_uint64 (count_pairs (store), 1);
  fail_unless_equals_int (count_files (folder, FALSE), 2);
  fail_unless (mod_evidence_store_get_stuck (store) == NULL);
  mod_evidence_store_free (store);
}

GST_END_TEST;

/* The log. */

static void
wait_for_failure (void)
{
  while (g_atomic_int_get (&failed) < 2)
    g_usleep (1000);
}

static void
wait_for_files (guint count)
{
  while (count_files (folder, FALSE) < count)
    g_usleep (1000);
}

/* What isn't on the disk isn't called safe, and its file isn't left behind for a new one. */
GST_START_TEST (test_log_not_synced)
{
  gchar *path = g_build_filename (folder, "log", NULL), *last = NULL;
  ModLogWriter *log = mod_log_writer_new (path, 0, TRUE, &last, NULL);

  begin_failing ("fdatasync");
  mod_log_writer_push (log, "line");
  mod_log_writer_rotate (log);
  wait_for_failure ();
  fail_unless_equals_uint64 (mod_log_writer_get_safe (log), 0);
  fail_unless_equals_string (mod_log_writer_get_trouble (log),
      g_strerror (EIO));
  fail_unless_equals_int (count_files (folder, FALSE), 1);
  failing = NULL;
  wait_for_files (2);
  while (mod_log_writer_get_safe (log) != strlen ("line\n"))
    g_usleep (1000);
  mod_log_writer_free (log);
  g_free (path);
}

GST_END_TEST;

/* Whose last line isn't known can't be gone on with: the next one would not be its link. */
GST_START_TEST (test_log_not_read)
{
  gchar *path = g_build_filename (folder, "log", NULL), *last = NULL;
  GError *error = NULL;

  fail_unless (g_file_set_contents (path, "{}\n", -1, NULL));
  begin_failing ("pread");
  fail_unless (mod_log_writer_new (path, 0, TRUE, &last, &error) == NULL);
  failing = NULL;
  fail_unless (strstr (error->message, "can't be read") != NULL, "%s",
      error->message);
  g_error_free (error);
  g_free (path);
}

GST_END_TEST;

static Suite *
baddisk_suite (void)
{
  Suite *suite = suite_create ("baddisk");
  TCase *tcase = tcase_create ("baddisk");

  suite_add_tcase (suite, tcase);
  tcase_add_checked_fixture (tcase, setup, teardown);
  tcase_add_loop_test (tcase, test_evidence, 0, G_N_ELEMENTS (of_a_write));
  tcase_add_loop_test (tcase, test_evidence_again, 0,
      G_N_ELEMENTS (of_a_write));
  tcase_add_test (tcase, test_stuck);
  tcase_add_test (tcase, test_log_not_synced);
  tcase_add_test (tcase, test_log_not_read);
  return suite;
}

GST_CHECK_MAIN (baddisk);
