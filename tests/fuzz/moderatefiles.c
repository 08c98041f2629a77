/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What identifai-moderate finds when it starts, whatever a kill, a power cut or somebody
 * else left there. Input: the first line is the state file, the second the JSON of a
 * piece of evidence, the rest the log.
 *
 * What has to hold: what is written to the log from then on can be read, and is linked to
 * what stood before it, at each start; a state file that was taken is taken again.
 */

#include "target.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>

#include "../../examples/moderate/evidence.h"
#include "../../examples/moderate/jsontext.h"
#include "../../examples/moderate/late.h"
#include "../../examples/moderate/pendingstate.h"
#include "../../examples/moderate/record.h"
#include "../../examples/moderate/replay.h"
#include "../../examples/moderate/verify.h"

static gchar *state, *folder, *of_stream, *piece, *logfile;
static GString *printed;
static ModConfig *config;
static ModUploads *uploads;

static void
print (const gchar * text)
{
  g_string_append (printed, text);
}

/* What is said on stderr is for people. */
static void
drop (const gchar * text)
{
}

static void
ignore (const gchar * domain, GLogLevelFlags level, const gchar * text,
    gpointer unused)
{
}

static void
load_config (void)
{
  static const gchar text[] =
      "[a]\npipeline=appsrc ! identifaisink policy=\"policy,enter=1,window=1\"\n";
  gchar *path = scratch_path ("streams.ini");
  ModProblems *problems = mod_problems_new (path);

  scratch_write (path, (const guint8 *) text, strlen (text));
  config = mod_config_load (path, problems);
  g_assert_nonnull (config);
  mod_problems_free (problems);
  g_free (path);
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  /* of an entry that is no structure, GStreamer itself is critical */
  g_log_set_fatal_mask ("identifai", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_fatal_mask ("Json", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_fatal_mask ("GLib", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_handler ("GStreamer", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL,
      ignore, NULL);
  scratch_init ();
  state = scratch_path ("state");
  folder = scratch_path ("late");
  of_stream = g_build_filename (folder, "a", NULL);
  piece = g_build_filename (of_stream,
      "20261126T101500.000Z-abcdefgh-00001.json", NULL);
  logfile = scratch_path ("log");
  load_config ();
  uploads = mod_uploads_new ();
  printed = g_string_new (NULL);
  g_set_print_handler (print);
  g_set_printerr_handler (drop);

  return 0;
}

static ModHub *
open_log (void)
{
  GError *error = NULL;
  ModLines *lines = mod_lines_new (logfile, 0, FALSE, &error);

  g_assert_no_error (error);

  return mod_hub_new (lines);
}

/* A start, a line, and a kill. */
static void
write_line (void)
{
  ModHub *hub = open_log ();

  mod_hub_tell (hub, mod_record_new ("program", NULL));
  mod_hub_free (hub);
}

/* Of what was printed: where it begins. */
static gsize
last_line (void)
{
  gsize at = printed->len - 1;

  while (at > 0 && printed->str[at - 1] != '\n')
    at--;

  return at;
}

/* The last one says how many lines there are; of the others, none may be about one of
 * the last two. */
static void
check_links (void)
{
  gchar *paths[] = { logfile, NULL }, *wrong;
  guint64 n, i;

  g_string_truncate (printed, 0);
  mod_verify_log (paths);
  n = g_ascii_strtoull (printed->str + last_line (), NULL, 10);
  g_assert_cmpuint (n, >=, 2);
  for (i = n - 1; i <= n; i++) {
    wrong = g_strdup_printf ("%s:%" G_GUINT64_FORMAT ": ", logfile, i);
    if (strstr (printed->str, wrong) != NULL && i > 1)
      g_error ("%s", printed->str);
    g_free (wrong);
  }
}

static void
count (JsonObject * line, gpointer n)
{
  ++*(guint *) n;
}

static void
read_log (void)
{
  gchar *paths[] = { logfile, NULL };
  guint n = 0;

  write_line ();
  write_line ();
  check_links ();
  mod_lines_visit (logfile, NULL, count, &n);
  g_assert_cmpuint (n, >=, 2);
  mod_replay (config, paths);
}

/*** state ***/

static ModPendingState *
load_state (ModHub * hub)
{
  GError *error = NULL;
  ModPendingState *pending =
      mod_pending_state_new (state, logfile, hub, uploads, &error);

  g_assert_true ((pending == NULL) == (error != NULL));
  g_clear_error (&error);

  return pending;
}

static void
read_state (void)
{
  ModHub *hub = open_log ();
  ModPendingState *pending = load_state (hub);
  guint waiting;

  if (pending != NULL) {
    waiting = mod_pending_state_count (pending);
    mod_pending_state_free (pending);
    pending = load_state (hub);
    g_assert_nonnull (pending);
    g_assert_cmpuint (mod_pending_state_count (pending), ==, waiting);
    mod_pending_state_free (pending);
  }
  mod_hub_free (hub);
}

/*** evidence ***/

static void
read_kept (void)
{
  ModProgramConfig program = config->program;
  ModHub *hub = open_log ();
  GError *error = NULL;
  ModLate *late;

  program.late_folder = folder;
  program.log = logfile;
  late = mod_late_new (&program, hub, uploads, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  mod_late_start (late, NULL);
  while (mod_late_waiting (late) > 0)
    g_main_context_iteration (NULL, TRUE);
  mod_late_free (late);
  mod_hub_free (hub);
}

static void
name_piece (const gchar * text)
{
  JsonObject *about = mod_json_from_text (text);
  gchar *name, *again;

  if (about == NULL)
    return;
  name = mod_evidence_make_name (about);
  g_assert_nonnull (mod_evidence_find_extension (about));
  again = mod_json_to_text (about);
  json_object_unref (about);
  about = mod_json_from_text (again);
  g_assert_nonnull (about);
  json_object_unref (about);
  g_free (again);
  g_free (name);
}

/* Up to its newline; *data is what follows. */
static gchar *
take_line (const guint8 ** data, gsize * size)
{
  const guint8 *end = *size > 0 ? memchr (*data, '\n', *size) : NULL;
  gsize length = end != NULL ? (gsize) (end - *data) : *size;
  gchar *line = *size > 0 ? g_strndup ((const gchar *) *data, length) :
      g_strdup ("");

  *data += MIN (length + 1, *size);
  *size -= MIN (length + 1, *size);

  return line;
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *first = take_line (&data, &size), *second = take_line (&data, &size);

  scratch_write (state, (const guint8 *) first, strlen (first));
  g_mkdir_with_parents (of_stream, 0700);
  scratch_write (piece, (const guint8 *) second, strlen (second));
  scratch_write (logfile, data, size);
  name_piece (second);
  read_kept ();
  read_state ();
  read_log ();
  g_free (first);
  g_free (second);

  return 0;
}
