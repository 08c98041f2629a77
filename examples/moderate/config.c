/* identifai-moderate: from the key file to checked structures
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "config.h"
#include "connections.h"
#include "mqtt.h"
#include "keyfile.h"
#include "units.h"

#include <glib/gstdio.h>
#include <string.h>

#define DEFAULT_STALL_TIMEOUT G_GUINT64_CONSTANT (60000000000)
#define DEFAULT_STATISTICS_INTERVAL G_GUINT64_CONSTANT (60000000000)
#define DEFAULT_STOP_TIMEOUT G_GUINT64_CONSTANT (25000000000)

#define DEFAULT_EVIDENCE_AGE G_GUINT64_CONSTANT (2592000000000000)
#define DEFAULT_EVIDENCE_BYTES G_GUINT64_CONSTANT (10000000000)
#define DEFAULT_LATE_AGE G_GUINT64_CONSTANT (86400000000000)
#define DEFAULT_LATE_BYTES G_GUINT64_CONSTANT (1000000000)

#define PROGRAM "program"
#define DEFAULTS "defaults"
#define LONGEST_NAME 64

typedef enum
{
  KIND_TEXT,
  KIND_TIME,
  KIND_SIZE,
  KIND_NUMBER,
  KIND_WORD
} Kind;

typedef struct
{
  const gchar *name;
  Kind kind;
  gsize offset;
  const gchar *words[4];        /* KIND_WORD: the values 0, 1, … */
  gboolean of_one;              /* makes no sense in [defaults] */
  guint64 most;                 /* KIND_NUMBER */
} Key;

#define STREAM(field) G_STRUCT_OFFSET (ModStreamConfig, field)
#define OF_PROGRAM(field) G_STRUCT_OFFSET (ModProgramConfig, field)

static const Key stream_keys[] = {
  {"uri", KIND_TEXT, STREAM (uri), {NULL}, TRUE},
  {"pipeline", KIND_TEXT, STREAM (pipeline), {NULL}, TRUE},
  {"mode", KIND_WORD, STREAM (mode), {"watch", "gate"}},
  {"output", KIND_TEXT, STREAM (output), {NULL}, TRUE},
  {"slate", KIND_TEXT, STREAM (slate)},
  {"at-end", KIND_WORD, STREAM (at_end), {"auto", "restart", "stop"}},
  {"stall-timeout", KIND_TIME, STREAM (stall_timeout)},
  {"alert", KIND_TEXT, STREAM (alert)},
  {"webhook-out", KIND_TEXT, STREAM (webhook_out)},
  {"alert-on", KIND_WORD, STREAM (alert_on), {"artificial", "blocked", "all"}},
  {"evidence", KIND_WORD, STREAM (evidence), {"none", "flagged", "all"}},
  {"late", KIND_WORD, STREAM (late), {"yes", "no"}},
  {"evidence-neighbours", KIND_NUMBER, STREAM (neighbours), {NULL}, FALSE, 1},
  {NULL}
};

static const Key program_keys[] = {
  {"log", KIND_TEXT, OF_PROGRAM (log)},
  {"log-max-bytes", KIND_SIZE, OF_PROGRAM (log_max_bytes)},
  {"statistics-interval", KIND_TIME, OF_PROGRAM (statistics_interval)},
  {"stop-timeout", KIND_TIME, OF_PROGRAM (stop_timeout)},
  {"listen", KIND_TEXT, OF_PROGRAM (listen)},
  {"token-file", KIND_TEXT, OF_PROGRAM (token_file)},
  {"webhook-secret-file", KIND_TEXT, OF_PROGRAM (webhook_secret_file)},
  {"state-file", KIND_TEXT, OF_PROGRAM (state_file)},
  {"mqtt", KIND_TEXT, OF_PROGRAM (mqtt)},
  {"mqtt-topic", KIND_TEXT, OF_PROGRAM (mqtt_topic)},
  {"mqtt-password-file", KIND_TEXT, OF_PROGRAM (mqtt_password_file)},
  {"evidence-folder", KIND_TEXT, OF_PROGRAM (evidence_folder)},
  {"evidence-max-age", KIND_TIME, OF_PROGRAM (evidence_max_age)},
  {"evidence-max-bytes", KIND_SIZE, OF_PROGRAM (evidence_max_bytes)},
  {"evidence-max-count", KIND_NUMBER, OF_PROGRAM (evidence_max_count), {NULL},
      FALSE, G_MAXINT64},
  {"late-folder", KIND_TEXT, OF_PROGRAM (late_folder)},
  {"late-max-age", KIND_TIME, OF_PROGRAM (late_max_age)},
  {"late-max-bytes", KIND_SIZE, OF_PROGRAM (late_max_bytes)},
  {NULL}
};

/* Settings. */

static void
free_setting (ModSetting * self)
{
  g_free (self->name);
  g_free (self->text);
  g_free (self);
}

static ModSetting *
find_setting (const ModStreamConfig * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->settings->len; i++) {
    ModSetting *setting = g_ptr_array_index (self->settings, i);

    if (strcmp (setting->name, name) == 0)
      return setting;
  }
  return NULL;
}

const ModSetting *
mod_stream_config_setting (const ModStreamConfig * self, const gchar * name)
{
  return find_setting (self, name);
}

static void
put_setting (ModStreamConfig * self, const ModEntry * entry,
    gboolean from_defaults)
{
  ModSetting *setting = find_setting (self, entry->key);

  if (setting == NULL) {
    setting = g_new0 (ModSetting, 1);
    setting->name = g_strdup (entry->key);
    g_ptr_array_add (self->settings, setting);
  }
  g_free (setting->text);
  setting->text = g_strdup (entry->value);
  setting->line = entry->line;
  setting->from_defaults = from_defaults;
}

/* Keys. */

static const Key *
find_key (const Key * keys, const gchar * name)
{
  for (; keys->name != NULL; keys++)
    if (strcmp (keys->name, name) == 0)
      return keys;
  return NULL;
}

static gboolean
store_word (const Key * key, const gchar * text, gint * field, gchar ** wanted)
{
  g_autofree gchar *words = NULL;
  gint i;

  for (i = 0; i < (gint) G_N_ELEMENTS (key->words) && key->words[i]; i++) {
    if (strcmp (key->words[i], text) == 0) {
      *field = i;
      return TRUE;
    }
  }
  words = g_strjoinv (", ", (gchar **) key->words);
  *wanted = g_strdup_printf ("one of %s", words);
  return FALSE;
}

/* NULL, or what was wanted; free it. */
static gchar *
store (const Key * key, const gchar * text, gpointer target)
{
  gpointer field = G_STRUCT_MEMBER_P (target, key->offset);
  gchar *wanted = NULL;

  switch (key->kind) {
    case KIND_TEXT:
      g_free (*(gchar **) field);
      *(gchar **) field = g_strdup (text);
      if (*text == '\0')
        wanted = g_strdup ("a value");
      break;
    case KIND_TIME:
      if (!mod_parse_time (text, field))
        wanted = g_strdup ("a time with its unit, 10s or 5min say");
      break;
    case KIND_SIZE:
      if (!mod_parse_size (text, field))
        wanted = g_strdup ("a number of bytes, 64M or 10GiB say");
      break;
    case KIND_NUMBER:
      if (!g_ascii_string_to_unsigned (text, 10, 0, key->most, field, NULL))
        wanted = g_strdup_printf ("a number from 0 to %" G_GUINT64_FORMAT,
            key->most);
      break;
    case KIND_WORD:
      store_word (key, text, field, &wanted);
      break;
  }
  return wanted;
}

static void
read_key (const Key * key, const ModEntry * entry, const gchar * section,
    gpointer target, ModProblems * problems)
{
  g_autofree gchar *wanted = store (key, entry->value, target);

  if (wanted != NULL)
    mod_problems_add (problems, entry->line, section, entry->key,
        "wants %s, not \"%s\"", wanted, entry->value);
}

static void
free_texts (const Key * keys, gpointer target)
{
  for (; keys->name != NULL; keys++)
    if (keys->kind == KIND_TEXT)
      g_free (*(gchar **) G_STRUCT_MEMBER_P (target, keys->offset));
}

/* The program. */

static gboolean
check_listen (const ModProgramConfig * config, GError ** error)
{
  guint port;
  g_autoptr (GInetAddress) address =
      mod_connections_parse_address (config->listen, &port, error);

  if (address == NULL)
    return FALSE;
  if (config->token_file != NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "listen wants token-file, too: who has it may act");
  return FALSE;
}

static gboolean
is_same_folder (const gchar * one, const gchar * other)
{
  g_autofree gchar *a = g_canonicalize_filename (one, NULL);
  g_autofree gchar *b = g_canonicalize_filename (other, NULL);
  GStatBuf x, y;

  return strcmp (a, b) == 0 || (g_stat (a, &x) == 0 && g_stat (b, &y) == 0
      && x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

/* What is late wants a folder of its own. */
static gboolean
check_late_folder (const ModProgramConfig * config, GError ** error)
{
  if (config->evidence_folder == NULL
      || !is_same_folder (config->late_folder, config->evidence_folder))
    return TRUE;
  g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "is the evidence-folder, too: it wants one of its own");
  return FALSE;
}

typedef gboolean (*ProgramCheck) (const ModProgramConfig * config,
    GError ** error);

static void
check_key (const ModProgramConfig * self, const ModSection * section,
    const gchar * key, ProgramCheck check, ModProblems * problems)
{
  const ModEntry *entry = section != NULL ?
      mod_section_find (section, key) : NULL;
  g_autoptr (GError) error = NULL;

  if (entry != NULL && !check (self, &error))
    mod_problems_add (problems, entry->line, section->name, key, "%s",
        error->message);
}

static void
read_program (ModConfig * self, const ModSection * section,
    ModProblems * problems)
{
  GString *all = g_string_new (NULL);
  guint i;

  for (i = 0; section != NULL && i < section->entries->len; i++) {
    const ModEntry *entry = g_ptr_array_index (section->entries, i);
    const Key *key = find_key (program_keys, entry->key);

    if (key != NULL)
      read_key (key, entry, section->name, &self->program, problems);
    else
      mod_problems_add (problems, entry->line, section->name, entry->key,
          "is no key of this section");
    g_string_append_printf (all, "%s=%s\n", entry->key, entry->value);
  }
  self->program_fingerprint = g_string_free (all, FALSE);
  check_key (&self->program, section, "listen", check_listen, problems);
  check_key (&self->program, section, "mqtt", mod_mqtt_check, problems);
  check_key (&self->program, section, "late-folder", check_late_folder,
      problems);
}

static void
set_program_defaults (ModProgramConfig * self)
{
  self->log = g_strdup ("-");
  self->mqtt_topic = g_strdup ("identifai");
  self->statistics_interval = DEFAULT_STATISTICS_INTERVAL;
  self->stop_timeout = DEFAULT_STOP_TIMEOUT;
  self->evidence_max_age = DEFAULT_EVIDENCE_AGE;
  self->evidence_max_bytes = DEFAULT_EVIDENCE_BYTES;
  self->late_max_age = DEFAULT_LATE_AGE;
  self->late_max_bytes = DEFAULT_LATE_BYTES;
}

/* Streams. */

static void
free_stream (gpointer data)
{
  ModStreamConfig *self = data;

  free_texts (stream_keys, self);
  g_free (self->name);
  g_free (self->fingerprint);
  g_ptr_array_unref (self->settings);
}

const ModStreamConfig *
mod_stream_config_ref (const ModStreamConfig * self)
{
  return g_rc_box_acquire ((gpointer) self);
}

void
mod_stream_config_unref (const ModStreamConfig * self)
{
  g_rc_box_release_full ((gpointer) self, free_stream);
}

/* It is in file names, topics and labels. */
static gboolean
is_name (const gchar * text)
{
  const gchar *c;

  for (c = text; *c != '\0'; c++)
    if (!g_ascii_isalnum (*c) && strchr ("._-", *c) == NULL)
      return FALSE;
  return c - text <= LONGEST_NAME && *text != '.';
}

static void
read_entries (ModStreamConfig * self, const ModSection * section,
    gboolean defaults, ModProblems * problems)
{
  guint i;

  for (i = 0; i < section->entries->len; i++) {
    const ModEntry *entry = g_ptr_array_index (section->entries, i);
    const Key *key = find_key (stream_keys, entry->key);

    if (key == NULL)
      put_setting (self, entry, defaults);
    else if (!defaults || !key->of_one)
      read_key (key, entry, section->name, self, problems);
  }
}

static gint
compare_settings (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(ModSetting **) a)->name, (*(ModSetting **) b)->name);
}

static void
append_key (GString * all, const ModStreamConfig * self, const Key * key)
{
  gconstpointer field = G_STRUCT_MEMBER_P (self, key->offset);

  g_string_append_printf (all, "%s=", key->name);
  if (key->kind == KIND_TEXT && *(gchar * const *) field != NULL)
    g_string_append (all, *(gchar * const *) field);
  else if (key->kind == KIND_WORD)
    g_string_append_printf (all, "%d", *(const gint *) field);
  else if (key->kind != KIND_TEXT)
    g_string_append_printf (all, "%" G_GUINT64_FORMAT,
        *(const guint64 *) field);
  g_string_append_c (all, '\n');
}

/* What the stream is made of, wherever it is written. */
static gchar *
take_fingerprint (const ModStreamConfig * self)
{
  GString *all = g_string_new (NULL);
  guint i;

  for (i = 0; stream_keys[i].name != NULL; i++)
    append_key (all, self, &stream_keys[i]);
  g_string_append_printf (all, "pictures=%d\n", self->pictures);
  for (i = 0; i < self->settings->len; i++) {
    const ModSetting *setting = g_ptr_array_index (self->settings, i);

    g_string_append_printf (all, "%s=%s %d\n", setting->name, setting->text,
        setting->from_defaults && self->pipeline != NULL);
  }
  return g_string_free (all, FALSE);
}

/* What doesn't go together. */
static void
check_stream (const ModStreamConfig * self, ModProblems * problems)
{
  const gchar *what = NULL;

  if (!is_name (self->name))
    what = "the name of a stream is up to 64 letters, digits, - _ and ., and "
        "doesn't begin with a .";
  else if (self->uri == NULL && self->pipeline == NULL)
    what = "a stream wants uri= or pipeline= (only [program] and [defaults] "
        "are no streams)";
  else if (self->uri != NULL && self->pipeline != NULL)
    what = "uri= and pipeline= exclude each other";
  else if (self->pipeline != NULL && self->output != NULL)
    what = "output= goes with uri=; a pipeline= has its output in it";
  else if (self->mode == MOD_MODE_GATE && self->uri && self->output == NULL)
    what = "mode=gate with uri= wants output=";
  else if (self->mode == MOD_MODE_WATCH && self->output != NULL)
    what = "output= wants mode=gate";
  if (what != NULL)
    mod_problems_add (problems, self->line, self->name, NULL, "%s", what);
}

/* Where a key was written: its own section goes before [defaults]. */
G_GNUC_PRINTF (5, 6)
     static void
         complain (const gchar * key, const ModSection * section,
    const ModSection * defaults, ModProblems * problems, const gchar * format,
    ...)
{
  const ModEntry *entry = mod_section_find (section, key);
  g_autofree gchar *what = NULL;
  va_list args;

  if (entry == NULL) {
    section = defaults;
    entry = mod_section_find (defaults, key);
  }
  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  mod_problems_add (problems, entry->line, section->name, key, "%s", what);
}

static void
check_alert (const ModStreamConfig * self, const ModSection * section,
    const ModSection * defaults, ModProblems * problems)
{
  g_auto (GStrv) words = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *program = NULL;

  if (self->alert == NULL)
    return;
  if (!g_shell_parse_argv (self->alert, NULL, &words, &error)) {
    complain ("alert", section, defaults, problems, "%s", error->message);
    return;
  }
  program = g_find_program_in_path (words[0]);
  if (program == NULL)
    complain ("alert", section, defaults, problems,
        "there is no program %s", words[0]);
}

static void
check_webhook (const ModStreamConfig * self, const ModSection * section,
    const ModSection * defaults, ModProblems * problems)
{
  g_autoptr (GUri) uri = self->webhook_out == NULL ? NULL :
      g_uri_parse (self->webhook_out, G_URI_FLAGS_NONE, NULL);

  if (self->webhook_out == NULL)
    return;
  if (uri == NULL || (strcmp (g_uri_get_scheme (uri), "http") != 0
          && strcmp (g_uri_get_scheme (uri), "https") != 0)
      || g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    complain ("webhook-out", section, defaults, problems,
        "wants http://HOST/… or https://HOST/…");
}

static ModStreamConfig *
new_stream (const ModSection * section)
{
  ModStreamConfig *self = g_rc_box_new0 (ModStreamConfig);

  self->name = g_strdup (section->name);
  self->line = section->line;
  self->stall_timeout = DEFAULT_STALL_TIMEOUT;
  self->evidence = MOD_EVIDENCE_FLAGGED;
  self->neighbours = 1;
  self->settings =
      g_ptr_array_new_with_free_func ((GDestroyNotify) free_setting);
  return self;
}

static ModStreamConfig *
read_stream (const ModSection * section, const ModSection * defaults,
    const ModProgramConfig * program, ModProblems * problems)
{
  ModStreamConfig *self = new_stream (section);
  g_autoptr (ModProblems) told = mod_problems_new ("");

  if (defaults != NULL)
    read_entries (self, defaults, TRUE, told);
  read_entries (self, section, FALSE, problems);
  self->pictures = program->listen != NULL
      && self->evidence != MOD_EVIDENCE_NONE;
  if (program->evidence_folder == NULL)
    self->evidence = MOD_EVIDENCE_NONE;
  if (program->late_folder == NULL)
    self->late = MOD_LATE_NO;
  g_ptr_array_sort (self->settings, compare_settings);
  self->fingerprint = take_fingerprint (self);
  check_stream (self, problems);
  check_alert (self, section, defaults, problems);
  check_webhook (self, section, defaults, problems);
  return self;
}

/* They are read for each stream again: what is wrong with them is told once. */
static void
check_defaults (const ModSection * section, ModProblems * problems)
{
  ModStreamConfig *unused = new_stream (section);
  guint i;

  read_entries (unused, section, TRUE, problems);
  mod_stream_config_unref (unused);

  for (i = 0; i < section->entries->len; i++) {
    const ModEntry *entry = g_ptr_array_index (section->entries, i);
    const Key *key = find_key (stream_keys, entry->key);

    if (key != NULL && key->of_one)
      mod_problems_add (problems, entry->line, section->name, entry->key,
          "is of one stream, and goes into its section");
  }
}

static const ModSection *
find_section (const GPtrArray * sections, const gchar * name)
{
  guint i;

  for (i = 0; i < sections->len; i++) {
    const ModSection *section = g_ptr_array_index (sections, i);

    if (strcmp (section->name, name) == 0)
      return section;
  }
  return NULL;
}

static void
read_sections (ModConfig * self, const GPtrArray * sections,
    ModProblems * problems)
{
  const ModSection *defaults = find_section (sections, DEFAULTS);
  guint i;

  read_program (self, find_section (sections, PROGRAM), problems);
  if (defaults != NULL)
    check_defaults (defaults, problems);
  for (i = 0; i < sections->len; i++) {
    const ModSection *section = g_ptr_array_index (sections, i);

    if (section != defaults && strcmp (section->name, PROGRAM) != 0)
      g_ptr_array_add (self->streams, read_stream (section, defaults,
              &self->program, problems));
  }
  if (self->streams->len == 0)
    mod_problems_add (problems, 0, NULL, NULL,
        "there is no stream in it: a section [NAME] with uri= or pipeline=");
}

ModConfig *
mod_config_load (const gchar * path, ModProblems * problems)
{
  g_autoptr (ModConfig) self = g_new0 (ModConfig, 1);
  g_autoptr (GPtrArray) sections = NULL;

  self->path = g_strdup (path);
  self->streams = g_ptr_array_new_with_free_func ((GDestroyNotify)
      mod_stream_config_unref);
  set_program_defaults (&self->program);
  sections = mod_key_file_load (path, problems);
  if (sections != NULL)
    read_sections (self, sections, problems);
  return mod_problems_any (problems) ? NULL : g_steal_pointer (&self);
}

void
mod_config_free (ModConfig * self)
{
  g_free (self->path);
  free_texts (program_keys, &self->program);
  g_free (self->program_fingerprint);
  g_ptr_array_unref (self->streams);
  g_free (self);
}

const ModStreamConfig *
mod_config_find (const ModConfig * self, const gchar * name)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    const ModStreamConfig *stream = g_ptr_array_index (self->streams, i);

    if (strcmp (stream->name, name) == 0)
      return stream;
  }
  return NULL;
}
