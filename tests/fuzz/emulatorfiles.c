/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the emulator is told at its start: keys and rules, one a line, and a
 * recorded result.
 */

#include "target.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../examples/emulator/keys.h"
#include "../../examples/emulator/replay.h"
#include "../../examples/emulator/rules.h"

static gchar *folder, *file;

static void
clean_up (void)
{
  g_unlink (file);
  g_rmdir (folder);
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  folder = g_dir_make_tmp ("fuzz-replay-XXXXXX", NULL);
  g_assert_nonnull (folder);
  file = g_build_filename (folder, "a.json", NULL);
  atexit (clean_up);

  return 0;
}

static void
read_keys (const gchar * text)
{
  static const EmuRate rates[EMU_N_RATES];
  gchar **specs = g_strsplit (text, "\n", 20);
  GError *error = NULL;
  EmuKeys *keys = emu_keys_new (specs, rates, &error);
  EmuKey *key;

  g_assert_true ((keys == NULL) == (error != NULL));
  if (keys != NULL) {
    key = emu_keys_find (keys, specs[0]);
    g_assert_true (key == NULL || key->credits >= -1);
    emu_keys_free (keys);
  }
  g_clear_error (&error);
  g_strfreev (specs);
}

static void
read_rule (const gchar * text)
{
  GError *error = NULL;
  EmuRule *rule = emu_rule_parse (text, &error);

  g_assert_true ((rule == NULL) == (error != NULL));
  if (rule != NULL) {
    g_assert_cmpint (rule->ruling, !=, EMU_RULING_NONE);
    emu_rule_free (rule);
  }
  g_clear_error (&error);
}

static void
read_result (const guint8 * data, gsize size)
{
  GError *error = NULL;
  EmuReplay *replay;
  EmuKind kind;

  g_assert_true (g_file_set_contents_full (file, (const gchar *) data, size,
          G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  replay = emu_replay_new (folder, &error);
  g_assert_true ((replay == NULL) == (error != NULL));
  for (kind = 0; replay != NULL && kind < EMU_N_KINDS; kind++) {
    emu_replay_next (replay, kind, "0123");
    emu_replay_next (replay, kind, "0123");
  }
  g_clear_pointer (&replay, emu_replay_free);
  g_clear_error (&error);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *text;

  if (size == 0)
    return 0;
  text = g_strndup ((const gchar *) data, size);
  read_keys (text);
  read_rule (text);
  read_result (data, size);
  g_free (text);

  return 0;
}
