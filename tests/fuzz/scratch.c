/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "scratch.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

static gchar *folder;

static void
remove_below (const gchar * path)
{
  GDir *dir = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    gchar *below = g_build_filename (path, name, NULL);

    remove_below (below);
    g_remove (below);
    g_free (below);
  }
  g_clear_pointer (&dir, g_dir_close);
}

void
scratch_clear (void)
{
  remove_below (folder);
}

static void
clean_up (void)
{
  scratch_clear ();
  g_rmdir (folder);
  g_free (folder);
}

void
scratch_init (void)
{
  const gchar *place =
      access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : g_get_tmp_dir ();

  folder = g_build_filename (place, "fuzz-XXXXXX", NULL);
  g_assert_nonnull (g_mkdtemp (folder));
  atexit (clean_up);
}

gchar *
scratch_path (const gchar * name)
{
  return g_build_filename (folder, name, NULL);
}

void
scratch_write (const gchar * path, const guint8 * data, gsize size)
{
  g_assert_true (g_file_set_contents_full (path, (const gchar *) data, size,
          G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}
