/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A whole configuration of identifai-moderate, with the pipelines and the settings of
 * its elements.
 *
 * What has to hold: it is taken, or what is wrong is told, with its line; what is taken
 * is the same when it is read again.
 */

#include "target.h"
#include "scratch.h"

#include "../../examples/moderate/config.h"
#include "../../examples/moderate/pipeline.h"

#include <string.h>

static gchar *path;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  scratch_init ();
  path = scratch_path ("streams.ini");

  return 0;
}

static ModConfig *
load (ModProblems * problems)
{
  ModConfig *config = mod_config_load (path, problems);

  g_assert_true ((config == NULL) == mod_problems_any (problems));

  return config;
}

/* Any element may be in a pipeline=, and what those do with any text isn't ours. */
static gboolean
has_pipeline (const ModConfig * config)
{
  guint i;

  for (i = 0; i < config->streams->len; i++)
    if (((const ModStreamConfig *)
            g_ptr_array_index (config->streams, i))->pipeline != NULL)
      return TRUE;

  return FALSE;
}

static void
compare (const ModConfig * one, const ModConfig * other)
{
  guint i;

  g_assert_nonnull (other);
  g_assert_cmpuint (one->streams->len, ==, other->streams->len);
  g_assert_cmpstr (one->program_fingerprint, ==, other->program_fingerprint);
  for (i = 0; i < one->streams->len; i++) {
    const ModStreamConfig *stream = g_ptr_array_index (one->streams, i);

    g_assert_nonnull (mod_config_find (other, stream->name));
    g_assert_cmpstr (stream->fingerprint, ==, ((const ModStreamConfig *)
            g_ptr_array_index (other->streams, i))->fingerprint);
  }
}

static void
check_problems (const ModProblems * problems)
{
  guint i;

  for (i = 0; i < problems->lines->len; i++)
    g_assert_true (g_str_has_prefix (g_ptr_array_index (problems->lines, i),
            path));
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  ModProblems *problems = mod_problems_new (path);
  ModConfig *config, *again;

  scratch_write (path, data, size);
  config = load (problems);
  if (config != NULL) {
    again = load (problems);
    compare (config, again);
    mod_config_free (again);
    if (!has_pipeline (config))
      mod_pipelines_check (config, FALSE, problems);
    mod_config_free (config);
  }
  check_problems (problems);
  mod_problems_free (problems);

  return 0;
}
