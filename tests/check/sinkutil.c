/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "sinkutil.h"
#include "backoff.h"
#include "clock.h"
#include "heldclock.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MS G_TIME_SPAN_MILLISECOND

/* Folders and files. */

gchar *
sink_folder_new (void)
{
  GError *error = NULL;
  gchar *folder = g_dir_make_tmp ("identifai-check-XXXXXX", &error);

  fail_unless (folder != NULL, "%s", error ? error->message : "");

  return folder;
}

void
sink_folder_free (gchar * folder)
{
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (folder, name, NULL);

    g_unlink (path);
    g_free (path);
  }
  g_clear_pointer (&dir, g_dir_close);
  g_rmdir (folder);
  g_free (folder);
}

gchar *
sink_make_file (const gchar * folder, const gchar * name,
    const gchar * description)
{
  gchar *path = g_build_filename (folder, name, NULL);
  gchar *line = g_strdup_printf ("%s ! filesink location=%s", description,
      path);
  SinkRun *run = sink_run_new (NULL, line);

  fail_unless (sink_run_start (run), "%s", line);
  fail_unless (sink_run_wait_end (run), "%s", line);
  sink_run_free (run);
  g_free (line);

  return path;
}

gchar *
sink_sha256 (const gchar * path)
{
  GError *error = NULL;
  gchar *content = NULL, *hash;
  gsize length = 0;

  fail_unless (g_file_get_contents (path, &content, &length, &error), "%s",
      error ? error->message : "");
  hash = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) content,
      length);
  g_free (content);

  return hash;
}

/* The emulator. */

struct _SinkEmulator
{
  GPid pid;
  int out;                      /* its standard output */
  gchar *folder;
  gchar *url;
};

/* Between fork and exec. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* Its first line, "identifai-emulator: listening on http://127.0.0.1:1234". */
static gchar *
read_line (int fd)
{
  GString *line = g_string_new (NULL);
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gchar byte = 0;

  while (byte != '\n') {
    struct pollfd ready = {.fd = fd,.events = POLLIN };
    gint64 left = (until - g_get_monotonic_time ()) / MS;

    if (poll (&ready, 1, MAX (left, 0)) < 0 && errno == EINTR)
      continue;
    if (left <= 0 || read (fd, &byte, 1) <= 0)
      fail ("the emulator said only \"%s\"", line->str);
    if (byte != '\n')
      g_string_append_c (line, byte);
  }

  return g_string_free (line, FALSE);
}

static gchar **
make_arguments (SinkEmulator * self, const gchar * const *options)
{
  static const gchar *const usual[] = { "--delay", "0", NULL };
  const gchar *program = g_getenv ("IDENTIFAI_EMULATOR");
  GPtrArray *arguments = g_ptr_array_new ();

  fail_unless (program != NULL, "IDENTIFAI_EMULATOR is not set");
  g_ptr_array_add (arguments, g_strdup (program));
  g_ptr_array_add (arguments, g_strdup ("--port=0"));
  g_ptr_array_add (arguments, g_strdup ("--quiet"));
  g_ptr_array_add (arguments, g_strdup ("--rate-limits=off"));
  g_ptr_array_add (arguments, g_strconcat ("--record=", self->folder, NULL));
  for (options = options ? options : usual; *options != NULL; options++)
    g_ptr_array_add (arguments, g_strdup (*options));
  g_ptr_array_add (arguments, NULL);

  return (gchar **) g_ptr_array_free (arguments, FALSE);
}

SinkEmulator *
sink_emulator_new (const gchar * const *options)
{
  SinkEmulator *self = g_new0 (SinkEmulator, 1);
  GError *error = NULL;
  gchar **arguments;
  gchar *line;

  self->folder = sink_folder_new ();
  arguments = make_arguments (self, options);
  fail_unless (g_spawn_async_with_pipes (NULL, arguments, NULL,
          G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL, &self->pid, NULL,
          &self->out, NULL, &error), "%s", error ? error->message : "");
  g_strfreev (arguments);

  line = read_line (self->out);
  fail_unless (strstr (line, "listening on http://") != NULL, "%s", line);
  self->url = g_strdup (strstr (line, "http://"));
  g_free (line);

  return self;
}

void
sink_emulator_free (SinkEmulator * self)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  kill (self->pid, SIGTERM);
  while (waitpid (self->pid, NULL, WNOHANG) == 0) {
    if (g_get_monotonic_time () > until) {
      kill (self->pid, SIGKILL);
      fail ("the emulator did not end");
    }
    g_usleep (MS);
  }
  g_spawn_close_pid (self->pid);
  close (self->out);
  sink_folder_free (self->folder);
  g_free (self->url);
  g_free (self);
}

const gchar *
sink_emulator_get_url (SinkEmulator * self)
{
  return self->url;
}

static gchar *
record_path (SinkEmulator * self, guint number)
{
  return g_strdup_printf ("%s/%05u.json", self->folder, number);
}

static gboolean
has_record (SinkEmulator * self, guint number)
{
  gchar *path = record_path (self, number);
  gboolean exists = g_file_test (path, G_FILE_TEST_EXISTS);

  g_free (path);

  return exists;
}

guint
sink_emulator_count (SinkEmulator * self)
{
  guint count = 0;

  while (has_record (self, count + 1))
    count++;

  return count;
}

JsonObject *
sink_emulator_read (SinkEmulator * self, guint number)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  JsonParser *parser = json_parser_new ();
  gchar *path = record_path (self, number);
  GError *error = NULL;
  JsonObject *object;

  while (!has_record (self, number)) {
    fail_unless (g_get_monotonic_time () < until, "no file %u came", number);
    g_usleep (MS);
  }
  fail_unless (json_parser_load_from_file (parser, path, &error), "%s",
      error ? error->message : "");
  object = json_node_dup_object (json_parser_get_root (parser));
  g_object_unref (parser);
  g_free (path);

  return object;
}

gchar *
sink_emulator_get_path (SinkEmulator * self, guint number)
{
  JsonObject *object = sink_emulator_read (self, number);
  gchar *path = g_build_filename (self->folder,
      json_object_get_string_member (object, "file"), NULL);

  json_object_unref (object);

  return path;
}

/* Pipelines. */

typedef struct
{
  gchar *name;
  GstMessage *message;
} Entry;

struct _SinkRun
{
  GstElement *pipeline;
  GstElement *sink;             /* or NULL */
  SinkRunFunc func;
  gpointer user_data;

  GMutex lock;
  GCond cond;
  GPtrArray *entries;           /* of Entry */
  guint round;                  /* where the entries since the last stop begin */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  gst_message_unref (entry->message);
  g_free (entry->name);
  g_free (entry);
}

static gboolean
is_other_tag (GstMessage * message)
{
  GstTagList *tags;
  gboolean other;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_TAG)
    return FALSE;
  gst_message_parse_tag (message, &tags);
  other = gst_tag_list_get_tag_size (tags, "identifai-classification") == 0;
  gst_tag_list_unref (tags);

  return other;
}

static gchar *
name_of (SinkRun * self, GstMessage * message)
{
  const GstStructure *structure = gst_message_get_structure (message);
  const gchar *name = GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT
      ? gst_structure_get_name (structure) : GST_MESSAGE_TYPE_NAME (message);
  GstObject *source = GST_MESSAGE_SRC (message);

  if (is_other_tag (message))
    name = "other-tag";

  if (source == NULL || source == GST_OBJECT (self->sink)
      || source == GST_OBJECT (self->pipeline))
    return g_strdup (name);

  return g_strconcat (name, "@", GST_OBJECT_NAME (source), NULL);
}

/* Whatever thread posts. */
static GstBusSyncReply
on_message (GstBus * bus, GstMessage * message, gpointer user_data)
{
  SinkRun *self = user_data;
  Entry *entry = g_new0 (Entry, 1);

  entry->name = name_of (self, message);
  entry->message = message;
  if (self->func != NULL)
    self->func (self, message, entry->name, self->user_data);

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->entries, entry);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  /* The reference is ours now. */
  return GST_BUS_DROP;
}

static void
set_up_sink (SinkRun * self, const gchar * url)
{
  GstStructure *limits = gst_structure_new ("limits",
      "post-per-second", G_TYPE_UINT, 0, "post-per-minute", G_TYPE_UINT, 0,
      "get-per-second", G_TYPE_UINT, 0, "get-per-minute", G_TYPE_UINT, 0, NULL);

  g_object_set (self->sink, "api-key", SINK_KEY, "rate-limits", limits,
      "retries", 0, NULL);
  if (url != NULL)
    g_object_set (self->sink, "endpoint", url, NULL);
  gst_structure_free (limits);
}

/* Of gstidentifai.c, which is compiled into the tests. */
void gst_plugin_identifai_register (void);

void
sink_use_own_plugin (void)
{
  static gsize done = 0;

  if (!g_once_init_enter (&done))
    return;
  gst_plugin_identifai_register ();
  identifai_backoff_set_time_scale (SINK_TIME_SCALE);
  g_once_init_leave (&done, 1);
}

SinkRun *
sink_run_new (const gchar * url, const gchar * description)
{
  SinkRun *self = g_new0 (SinkRun, 1);
  GError *error = NULL;
  GstElement *parsed;
  GstBus *bus;

  sink_use_own_plugin ();
  parsed = gst_parse_launch (description, &error);
  fail_unless (error == NULL, "%s: %s", description,
      error ? error->message : "");
  if (GST_IS_PIPELINE (parsed)) {
    self->pipeline = gst_object_ref_sink (parsed);
  } else {
    self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
    gst_bin_add (GST_BIN (self->pipeline), parsed);
  }

  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  self->entries = g_ptr_array_new_with_free_func (entry_free);
  self->sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "sink");
  if (self->sink != NULL)
    set_up_sink (self, url);

  bus = gst_element_get_bus (self->pipeline);
  gst_bus_set_sync_handler (bus, on_message, self, NULL);
  gst_object_unref (bus);

  return self;
}

/* Another thread may hold a reference for a moment. */
static void
wait_for_end_of (GWeakRef * weak, const gchar * what)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gpointer object;

  while ((object = g_weak_ref_get (weak)) != NULL) {
    g_object_unref (object);
    fail_unless (g_get_monotonic_time () < until, "the %s leaks", what);
    g_usleep (MS);
  }
  g_weak_ref_clear (weak);
}

/* Frames that are artificial to the emulator, a segment each. */
#define FRAMES "videotestsrc pattern=solid-color foreground-color=0xffff00ff " \
    "num-buffers=%u ! video/x-raw,width=64,height=48,framerate=10/1 ! jpegenc ! " \
    "identifaisink name=sink segment-duration=100000000 overflow=block "

SinkRun *
sink_run_new_frames (const gchar * url, guint frames, const gchar * properties)
{
  gchar *source = g_strdup_printf (FRAMES, frames);
  gchar *description = g_strconcat (source, properties, NULL);
  SinkRun *run = sink_run_new (url, description);

  g_free (source);
  g_free (description);

  return run;
}

void
sink_run_free (SinkRun * self)
{
  GstBus *bus = gst_element_get_bus (self->pipeline);
  GWeakRef pipeline, sink;

  sink_run_stop (self);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  gst_object_unref (bus);
  g_ptr_array_unref (self->entries);

  g_weak_ref_init (&pipeline, self->pipeline);
  g_weak_ref_init (&sink, self->sink);
  g_clear_pointer (&self->sink, gst_object_unref);
  gst_object_unref (self->pipeline);
  wait_for_end_of (&pipeline, "pipeline");
  wait_for_end_of (&sink, "sink");

  g_cond_clear (&self->cond);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
sink_run_set_func (SinkRun * self, SinkRunFunc func, gpointer user_data)
{
  self->func = func;
  self->user_data = user_data;
}

GstElement *
sink_run_get_pipeline (SinkRun * self)
{
  return self->pipeline;
}

GstElement *
sink_run_get_sink (SinkRun * self)
{
  return self->sink;
}

gboolean
sink_run_start (SinkRun * self)
{
  return gst_element_set_state (self->pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE;
}

gint64
sink_run_stop (SinkRun * self)
{
  gint64 start = g_get_monotonic_time ();
  gint64 took;

  fail_unless (gst_element_set_state (self->pipeline, GST_STATE_NULL)
      == GST_STATE_CHANGE_SUCCESS);
  took = g_get_monotonic_time () - start;
  sink_run_check (self, TRUE);

  g_mutex_lock (&self->lock);
  self->round = self->entries->len;
  g_mutex_unlock (&self->lock);

  return took;
}

/* The messages. */

static Entry *
entry_at (SinkRun * self, guint i)
{
  return g_ptr_array_index (self->entries, i);
}

static GstMessage *
find_locked (SinkRun * self, const gchar * name, guint nth)
{
  guint i;

  for (i = 0; i < self->entries->len; i++) {
    if (g_str_equal (entry_at (self, i)->name, name) && nth-- == 0)
      return entry_at (self, i)->message;
  }

  return NULL;
}

static gboolean
is_listed (const gchar * name)
{
  static const gchar *const names[] = { "error", "warning", "info", "tag",
    "eos", NULL
  };

  return g_str_has_prefix (name, "identifai-") || g_strv_contains (names, name)
      || g_str_has_prefix (name, "error@");
}

static gchar *
list_locked (SinkRun * self)
{
  GString *list = g_string_new (NULL);
  guint i;

  for (i = 0; i < self->entries->len; i++) {
    if (is_listed (entry_at (self, i)->name))
      g_string_append_printf (list, "%s%s", list->len ? " " : "",
          entry_at (self, i)->name);
  }

  return g_string_free (list, FALSE);
}

/* For a failure: Check stands still at a longer one. */
static const gchar *
list_latest_locked (SinkRun * self)
{
  gchar *list = list_locked (self);
  gsize length = strlen (list);

  return list + length - MIN (length, 2000);
}

gchar *
sink_run_list (SinkRun * self)
{
  gchar *list;

  g_mutex_lock (&self->lock);
  list = list_locked (self);
  g_mutex_unlock (&self->lock);

  return list;
}

void
sink_run_wait (SinkRun * self, const gchar * name, guint count)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  gboolean in_time = TRUE;

  g_mutex_lock (&self->lock);
  while (in_time && count > 0 && find_locked (self, name, count - 1) == NULL)
    in_time = held_clock_wait (&self->cond, &self->lock, until);
  if (!in_time)
    fail ("no %u \"%s\" came, but: %s", count, name, list_latest_locked (self));
  g_mutex_unlock (&self->lock);
}

static const gchar *
find_end_locked (SinkRun * self)
{
  guint i;

  for (i = 0; i < self->entries->len; i++) {
    const gchar *name = entry_at (self, i)->name;

    if (g_str_equal (name, "eos") || g_str_equal (name, "error")
        || g_str_has_prefix (name, "error@"))
      return name;
  }

  return NULL;
}

gboolean
sink_run_wait_end (SinkRun * self)
{
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;
  const gchar *end;
  gboolean eos;

  g_mutex_lock (&self->lock);
  while ((end = find_end_locked (self)) == NULL) {
    if (!held_clock_wait (&self->cond, &self->lock, until))
      fail ("no end came, but: %s", list_latest_locked (self));
  }
  eos = g_str_equal (end, "eos");
  g_mutex_unlock (&self->lock);

  return eos;
}

guint
sink_run_count (SinkRun * self, const gchar * name)
{
  guint count = 0;

  g_mutex_lock (&self->lock);
  while (find_locked (self, name, count) != NULL)
    count++;
  g_mutex_unlock (&self->lock);

  return count;
}

GstMessage *
sink_run_get (SinkRun * self, const gchar * name, guint nth)
{
  GstMessage *message;

  g_mutex_lock (&self->lock);
  message = find_locked (self, name, nth);
  if (message == NULL)
    fail ("there is no \"%s\" number %u, but: %s", name, nth,
        list_latest_locked (self));
  g_mutex_unlock (&self->lock);

  return message;
}

const GstStructure *
sink_run_get_structure (SinkRun * self, const gchar * name, guint nth)
{
  return gst_message_get_structure (sink_run_get (self, name, nth));
}

const gchar *
sink_run_get_text (SinkRun * self, const gchar * name, guint nth,
    const gchar * field)
{
  const gchar *text = gst_structure_get_string (sink_run_get_structure (self,
          name, nth), field);

  fail_unless (text != NULL, "%s has no %s", name, field);

  return text;
}

void
sink_run_forget (SinkRun * self)
{
  g_mutex_lock (&self->lock);
  g_ptr_array_set_size (self->entries, 0);
  self->round = 0;
  g_mutex_unlock (&self->lock);
}

/* What must hold. */

static guint64
get_stat (const GstStructure * stats, const gchar * name)
{
  guint64 value = 0;

  fail_unless (gst_structure_get_uint64 (stats, name, &value), "no %s", name);

  return value;
}

static GstStructure *
get_stats (SinkRun * self)
{
  GstStructure *stats = NULL;

  g_object_get (self->sink, "stats", &stats, NULL);
  fail_unless (stats != NULL);

  return stats;
}

guint64
sink_run_get_stat (SinkRun * self, const gchar * name)
{
  GstStructure *stats = get_stats (self);
  guint64 value = get_stat (stats, name);

  gst_structure_free (stats);

  return value;
}

void
sink_run_check_stats (SinkRun * self)
{
  GstStructure *stats = get_stats (self);
  gchar *text = gst_structure_to_string (stats);

  fail_unless_equals_uint64 (get_stat (stats, "segments"),
      get_stat (stats, "verdicts") + get_stat (stats, "failed")
      + get_stat (stats, "dropped") + get_stat (stats, "pending"));
  fail_unless (get_stat (stats, "in-flight") <= get_stat (stats, "pending"),
      "%s", text);
  fail_unless (get_stat (stats, "verdicts") <= get_stat (stats, "submitted"),
      "%s", text);
  g_free (text);
  gst_structure_free (stats);
}

typedef enum
{
  PHASE_UNKNOWN,
  PHASE_ANNOUNCED,
  PHASE_SUBMITTED,
  PHASE_OVER
} Phase;

/* Where a message brings its segment; UNKNOWN: it is no segment's. */
static Phase
phase_of (const gchar * name)
{
  static const struct
  {
    const gchar *name;
    Phase phase;
  } names[] = {
    {"identifai-segment", PHASE_ANNOUNCED},
    {"identifai-submitted", PHASE_SUBMITTED},
    {"identifai-verdict", PHASE_OVER},
    {"identifai-failed", PHASE_OVER},
    {"identifai-dropped", PHASE_OVER},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_str_equal (names[i].name, name))
      return names[i].phase;
  }

  return PHASE_UNKNOWN;
}

static void
check_step (GHashTable * phases, Entry * entry, Phase next)
{
  const GstStructure *structure = gst_message_get_structure (entry->message);
  Phase phase;
  guint number;

  fail_unless (gst_structure_get_uint (structure, "segment", &number),
      "%s has no segment", entry->name);
  phase = GPOINTER_TO_UINT (g_hash_table_lookup (phases,
          GUINT_TO_POINTER (number)));
  fail_unless (phase < next && phase != PHASE_OVER
      && (phase == PHASE_UNKNOWN) == (next == PHASE_ANNOUNCED),
      "%s of segment %u at the wrong time", entry->name, number);
  fail_unless (phase != PHASE_SUBMITTED
      || gst_structure_has_field (structure, "identifier"),
      "%s of segment %u has lost its identifier", entry->name, number);
  g_hash_table_insert (phases, GUINT_TO_POINTER (number),
      GUINT_TO_POINTER (next));
}

/* Announcements come in the order of numbers. */
static void
check_order (Entry * entry, gint64 * last)
{
  guint number = 0;

  gst_structure_get_uint (gst_message_get_structure (entry->message), "segment",
      &number);
  fail_unless (number > *last, "segment %u is announced behind segment %"
      G_GINT64_FORMAT, number, *last);
  *last = number;
}

void
sink_run_check (SinkRun * self, gboolean ended)
{
  GHashTable *phases = g_hash_table_new (NULL, NULL);
  GHashTableIter iter;
  gpointer number, phase;
  gint64 last = -1;
  guint i;

  g_mutex_lock (&self->lock);
  for (i = self->round; i < self->entries->len; i++) {
    Phase next = phase_of (entry_at (self, i)->name);

    if (next != PHASE_UNKNOWN)
      check_step (phases, entry_at (self, i), next);
    if (next == PHASE_ANNOUNCED)
      check_order (entry_at (self, i), &last);
  }
  g_mutex_unlock (&self->lock);

  g_hash_table_iter_init (&iter, phases);
  while (g_hash_table_iter_next (&iter, &number, &phase)) {
    fail_unless (!ended || GPOINTER_TO_UINT (phase) == PHASE_OVER,
        "segment %u has no outcome", GPOINTER_TO_UINT (number));
  }
  g_hash_table_unref (phases);
}

void
sink_let_pass (guint ms)
{
  gint64 until = identifai_clock_now () + ms * MS;

  while (identifai_clock_now () < until)
    held_clock_go_on_until (until);
}

static guint n_warnings;        /* since the last look */

static void
count_warning (const gchar * domain, GLogLevelFlags level,
    const gchar * message, gpointer user_data)
{
  n_warnings++;
}

void
sink_watch_warnings (void)
{
  g_log_set_handler ("identifai", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL,
      count_warning, NULL);
  n_warnings = 0;
}

guint
sink_take_warnings (void)
{
  guint count = n_warnings;

  n_warnings = 0;

  return count;
}
