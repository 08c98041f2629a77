/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a fuzz target without libFuzzer: over the files of a corpus, then over
 * so many changed copies of them, the same ones each time.
 *
 *   fuzz-NAME-replay FOLDER [CHANGED-COPIES [SEED]]
 */

#include "target.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES (64 * 1024)

static const gchar *const tokens[] = {
  "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud800", "null",
  "true", "-1e999", "0.5", "\"status\":\"done\"", "\"verdict\":",
  "\"verdicts\":",
  "\"classification\":", "\"confidence\":", "\"identifier\":", "\"results\":",
  "\"unknown\":true", "\"errors\":", "\"Average\"", "<", ">", "<title>",
  "</script", "<!--", "&amp;", "\377", "\303", "\342\200\246", "\r\n",
};

/* A copy of exactly that size, so that a sanitizer sees a read behind it. */
static void
run (const guint8 * data, gsize size)
{
  guint8 *copy = g_memdup2 (data, size);

  LLVMFuzzerTestOneInput (copy, size);
  g_free (copy);
}

static guint
random_below (GRand * rand, guint end)
{
  return end > 0 ? g_rand_int (rand) % end : 0;
}

static void
insert_part (GByteArray * input, guint at, const guint8 * part, guint size)
{
  guint tail = input->len - at;

  g_byte_array_set_size (input, input->len + size);
  memmove (input->data + at + size, input->data + at, tail);
  memcpy (input->data + at, part, size);
}

/* One change. other is a file of the corpus to take a part from. */
static void
change (GByteArray * input, GBytes * other, GRand * rand)
{
  guint at = random_below (rand, input->len);
  gsize size;
  const guint8 *data = g_bytes_get_data (other, &size);
  guint from = random_below (rand, size);

  switch (random_below (rand, 5)) {
    case 0:
      if (input->len > 0)
        input->data[at] = g_rand_int (rand);
      break;
    case 1:
      if (input->len > 0)
        input->data[at] ^= 1 << random_below (rand, 8);
      break;
    case 2:
      if (input->len > 0)
        g_byte_array_remove_range (input, at,
            1 + random_below (rand, MIN (input->len - at, 64) - 1));
      break;
    case 3:
      data = (const guint8 *) tokens[random_below (rand,
              G_N_ELEMENTS (tokens))];
      insert_part (input, at, data, strlen ((const gchar *) data));
      break;
    default:
      insert_part (input, at, data + from, random_below (rand, size - from));
      break;
  }
}

static void
run_changed (GPtrArray * corpus, guint n_copies, guint32 seed)
{
  GRand *rand = g_rand_new_with_seed (seed);
  guint i, n_changes;

  for (i = 0; i < n_copies; i++) {
    GBytes *file = g_ptr_array_index (corpus, i % corpus->len);
    GByteArray *input = g_byte_array_new ();

    g_byte_array_append (input, g_bytes_get_data (file, NULL),
        g_bytes_get_size (file));
    for (n_changes = 1 + random_below (rand, 6);
        n_changes > 0 && input->len < MAX_BYTES; n_changes--)
      change (input, g_ptr_array_index (corpus, random_below (rand,
                  corpus->len)), rand);
    run (input->data, input->len);
    g_byte_array_unref (input);
  }
  g_rand_free (rand);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const gchar * const *) a, *(const gchar * const *) b);
}

static GPtrArray *
list_files (const gchar * folder)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (paths, g_build_filename (folder, name, NULL));
  g_clear_pointer (&dir, g_dir_close);
  g_ptr_array_sort (paths, compare_names);

  return paths;
}

static GPtrArray *
load_corpus (const gchar * folder)
{
  GPtrArray *corpus =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  GPtrArray *paths = list_files (folder);
  gchar *content;
  gsize size;
  guint i;

  for (i = 0; i < paths->len; i++) {
    if (g_file_get_contents (g_ptr_array_index (paths, i), &content, &size,
            NULL))
      g_ptr_array_add (corpus, g_bytes_new_take (content, size));
  }
  g_ptr_array_unref (paths);

  return corpus;
}

int
main (int argc, char **argv)
{
  guint n_copies = argc > 2 ? strtoul (argv[2], NULL, 10) : 100000;
  guint32 seed = argc > 3 ? strtoul (argv[3], NULL, 10) : 1;
  GPtrArray *corpus = argc > 1 ? load_corpus (argv[1]) : NULL;
  guint i;

  if (corpus == NULL || corpus->len == 0) {
    g_printerr ("usage: %s FOLDER-WITH-FILES [CHANGED-COPIES [SEED]]\n",
        argv[0]);
    return 2;
  }

  LLVMFuzzerInitialize (&argc, &argv);
  for (i = 0; i < corpus->len; i++) {
    GBytes *file = g_ptr_array_index (corpus, i);

    run (g_bytes_get_data (file, NULL), g_bytes_get_size (file));
  }
  run_changed (corpus, n_copies, seed);
  g_print ("%u files, %u changed copies\n", corpus->len, n_copies);
  g_ptr_array_unref (corpus);

  return 0;
}
