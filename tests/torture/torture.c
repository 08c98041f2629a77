/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs each pipeline once to count the calls that can fail, then again for each
 * of them, which fails. A run is a process of its own; it goes wrong when it
 * crashes, says something critical, breaks a law, or doesn't end. --help tells
 * how to run some of them only.
 */

#include "failing.h"
#include "laws.h"
#include "pipelines.h"

#include <errno.h>
#include <execinfo.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED 77
#define END_WAIT (60 * GST_SECOND)      /* for EOS, or an error */
#define STOP_LIMIT (10 * G_TIME_SPAN_SECOND)
#define HANGS 120               /* s; a run that isn't over then */

static gchar **only_pipelines, **only_calls;
static gint every = 1, only_nth, jobs = 4;
static gboolean verbose;

static GOptionEntry options[] = {
  {"pipeline", 'p', 0, G_OPTION_ARG_STRING_ARRAY, &only_pipelines,
      "Only this pipeline (file, live, container, rtp, several)", "NAME"},
  {"call", 'c', 0, G_OPTION_ARG_STRING_ARRAY, &only_calls, "Only this call "
        "(map, factory, thread, connect, send, receive, lookup, open)", "NAME"},
  {"nth", 'n', 0, G_OPTION_ARG_INT, &only_nth, "Only the Nth of its calls",
      "N"},
  {"every", 'e', 0, G_OPTION_ARG_INT, &every,
      "Only every Kth of many calls; the first ones always (1)", "K"},
  {"jobs", 'j', 0, G_OPTION_ARG_INT, &jobs, "Runs at the same time (4)", "N"},
  {"verbose", 'v', 0, G_OPTION_ARG_NONE, &verbose, "Tell of every run", NULL},
  {NULL}
};

typedef struct
{
  const gchar *pipeline;
  FailingCall call;             /* N_CALLS: none fails */
  guint nth;
  GPid pid;
  gchar *output;                /* path */
} Run;

typedef struct
{
  gchar *folder;
  gchar *url;                   /* of the service, by the name that is looked up */
  guint16 port;
  GPid emulator;
  guint *counts;                /* of the run that counts; shared with it */
  GPtrArray *running;           /* of Run */
  guint n_runs, n_failed;
} Torture;

static void
run_free (gpointer data)
{
  Run *run = data;

  g_unlink (run->output);
  g_free (run->output);
  g_free (run);
}

/* One run: in the child. */

/* Whatever still holds it lets go soon. */
static void
check_freed (GstElement * pipeline)
{
  gint64 until = g_get_monotonic_time () + STOP_LIMIT;
  GWeakRef weak;
  gpointer object;

  g_weak_ref_init (&weak, pipeline);
  gst_object_unref (pipeline);
  while ((object = g_weak_ref_get (&weak)) != NULL) {
    g_object_unref (object);
    if (g_get_monotonic_time () > until)
      g_error ("the pipeline leaks");
    g_usleep (1000);
  }
  g_weak_ref_clear (&weak);
}

static void
stop (GstElement * pipeline)
{
  gint64 start = g_get_monotonic_time ();

  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (g_get_monotonic_time () - start > STOP_LIMIT)
    g_error ("to stop took more than %d s",
        (gint) (STOP_LIMIT / G_TIME_SPAN_SECOND));
}

static void
play (Torture * self, const Run * run)
{
  GstElement *pipeline = pipeline_new (run->pipeline, self->folder, self->url);
  Laws *laws = laws_new (pipeline);
  gchar *text;

  failing_arm (run->call, run->nth, self->port);
  if (gst_element_set_state (pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE) {
    pipeline_feed (pipeline, self->folder);
    if (!laws_wait (laws, END_WAIT))
      g_error ("neither EOS nor an error came");
  }
  stop (pipeline);
  laws_check_end (laws);
  text = laws_describe (laws);
  g_print ("%s\n", text);
  g_free (text);
  laws_free (laws);
  check_freed (pipeline);
}

/* Into the run's output: where it was. */
static void
on_crash (int number)
{
  void *frames[40];

  backtrace_symbols_fd (frames, backtrace (frames, G_N_ELEMENTS (frames)),
      STDERR_FILENO);
  signal (number, SIG_DFL);
  raise (number);
}

static void
run_child (Torture * self, const Run * run)
{
  struct rlimit no_core = { 0, 0 };
  FailingCall call;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  setrlimit (RLIMIT_CORE, &no_core);
  alarm (HANGS);
  signal (SIGSEGV, on_crash);
  signal (SIGTRAP, on_crash);   /* g_error() */
  signal (SIGABRT, on_crash);
  if (!freopen (run->output, "w", stdout) || !freopen (run->output, "a",
          stderr))
    _exit (1);
  play (self, run);
  for (call = 0; run->call == N_CALLS && call < N_CALLS; call++)
    self->counts[call] = failing_get_count (call);
  fflush (stdout);
  _exit (0);
}

/* Runs: in the parent, which has no threads. */

static gchar *
describe_end (int status)
{
  if (WIFSIGNALED (status) && WTERMSIG (status) == SIGALRM)
    return g_strdup ("hangs");
  if (WIFSIGNALED (status))
    return g_strdup_printf ("ends by signal %d", WTERMSIG (status));

  return g_strdup_printf ("exits with %d", WEXITSTATUS (status));
}

static gchar *
name_of (const Run * run)
{
  return run->call == N_CALLS ? g_strdup_printf ("%s", run->pipeline)
      : g_strdup_printf ("%s, %s %u", run->pipeline, failing_name (run->call),
      run->nth);
}

static void
tell (Torture * self, Run * run, int status)
{
  gchar *name = name_of (run);
  gchar *output = NULL, *end;

  g_file_get_contents (run->output, &output, NULL, NULL);
  g_strchomp (output != NULL ? output : (output = g_strdup ("")));
  if (status != 0) {
    end = describe_end (status);
    g_print ("FAILED %s: %s\n%s\n", name, end, output);
    self->n_failed++;
    g_free (end);
  } else if (verbose || run->call == N_CALLS) {
    g_print ("%s: %s\n", name, output);
  }
  g_free (output);
  g_free (name);
}

/* Until at most so many are running. */
static void
wait_for_runs (Torture * self, guint limit)
{
  while (self->running->len > limit) {
    int status;
    GPid pid = waitpid (-1, &status, 0);
    guint i;

    if (pid < 0 && errno != EINTR)
      g_error ("waitpid: %s", g_strerror (errno));
    for (i = 0; i < self->running->len; i++) {
      Run *run = g_ptr_array_index (self->running, i);

      if (run->pid == pid) {
        tell (self, run, status);
        g_ptr_array_remove_index (self->running, i);
        break;
      }
    }
  }
}

static void
start (Torture * self, const gchar * pipeline, FailingCall call, guint nth)
{
  Run *run = g_new0 (Run, 1);

  wait_for_runs (self, MAX (jobs, 1) - 1);
  run->pipeline = pipeline;
  run->call = call;
  run->nth = nth;
  run->output = g_strdup_printf ("%s/output-%u", self->folder, self->n_runs++);
  fflush (NULL);
  run->pid = fork ();
  if (run->pid == 0)
    run_child (self, run);
  g_ptr_array_add (self->running, run);
}

static gboolean
is_wanted (gchar ** only, const gchar * name)
{
  return only == NULL || g_strv_contains ((const gchar * const *) only, name);
}

/* The first ones are made at start, where most differs. */
#define FIRST 3

static void
torture_call (Torture * self, const gchar * pipeline, FailingCall call,
    guint count)
{
  guint nth;

  g_print ("%s: %u calls of %s\n", pipeline, count, failing_name (call));
  for (nth = 1; nth <= count; nth++)
    if (only_nth > 0 ? nth == (guint) only_nth
        : nth <= FIRST || nth % MAX (every, 1) == 0)
      start (self, pipeline, call, nth);
}

static void
torture_pipeline (Torture * self, const gchar * pipeline)
{
  FailingCall call;

  memset (self->counts, 0, N_CALLS * sizeof *self->counts);
  start (self, pipeline, N_CALLS, 0);
  wait_for_runs (self, 0);
  for (call = 0; call < N_CALLS; call++)
    if (is_wanted (only_calls, failing_name (call)))
      torture_call (self, pipeline, call, self->counts[call]);
  wait_for_runs (self, 0);
}

/* The service, and what all runs need. */

static void
make_clip (Torture * self)
{
  int status;
  pid_t pid = fork ();

  if (pid == 0) {
    pipeline_make_clip (self->folder);
    _exit (0);
  }
  if (waitpid (pid, &status, 0) != pid || status != 0)
    g_error ("no clip could be made");
}

static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

/* "identifai-emulator: listening on http://127.0.0.1:1234" */
static void
read_port (Torture * self, int fd)
{
  FILE *stream = fdopen (fd, "r");
  char line[200] = "";

  if (fgets (line, sizeof line, stream) == NULL || strrchr (line, ':') == NULL)
    g_error ("the emulator said \"%s\"", line);
  self->port = atoi (strrchr (line, ':') + 1);
  self->url = g_strdup_printf ("http://" FAILING_HOST ":%u", self->port);
}

static void
start_emulator (Torture * self, const gchar * program)
{
  const gchar *arguments[] = { program, "--port=0", "--quiet",
    "--rate-limits=off", "--delay=0", "--host-name=" FAILING_HOST, NULL
  };
  GError *error = NULL;
  int out;

  if (!g_spawn_async_with_pipes (NULL, (gchar **) arguments, NULL,
          G_SPAWN_DO_NOT_REAP_CHILD, die_with_parent, NULL, &self->emulator,
          NULL, &out, NULL, &error))
    g_error ("%s", error->message);
  read_port (self, out);
}

static void
prepare (Torture * self, const gchar * program)
{
  gchar *path;

  self->folder = g_dir_make_tmp ("identifai-torture-XXXXXX", NULL);
  path = g_build_filename (self->folder, FAILING_FILE, NULL);
  if (!g_file_set_contents (path, "a-key\n", -1, NULL))
    g_error ("can't write %s", path);
  g_free (path);
  self->running = g_ptr_array_new_with_free_func (run_free);
  self->counts = mmap (NULL, N_CALLS * sizeof *self->counts,
      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  make_clip (self);
  start_emulator (self, program);
}

static void
clean_up (Torture * self)
{
  GDir *dir = g_dir_open (self->folder, 0, NULL);
  const gchar *name;

  kill (self->emulator, SIGTERM);
  waitpid (self->emulator, NULL, 0);
  while ((name = g_dir_read_name (dir)) != NULL) {
    gchar *path = g_build_filename (self->folder, name, NULL);

    g_unlink (path);
    g_free (path);
  }
  g_dir_close (dir);
  g_rmdir (self->folder);
  g_ptr_array_unref (self->running);
  g_free (self->folder);
  g_free (self->url);
}

static void
parse_options (int argc, char **argv)
{
  GOptionContext *context = g_option_context_new (NULL);
  GError *error = NULL;

  g_option_context_set_summary (context, "Lets one call after the other fail. "
      "The plugin is found by GST_PLUGIN_PATH, the emulator by "
      "IDENTIFAI_EMULATOR.");
  g_option_context_add_main_entries (context, options, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error)) {
    g_printerr ("%s\n", error->message);
    exit (2);
  }
  g_option_context_free (context);
}

int
main (int argc, char **argv)
{
  const gchar *program = g_getenv ("IDENTIFAI_EMULATOR");
  Torture torture = { NULL };
  guint i;

  parse_options (argc, argv);
  if (program == NULL) {
    g_printerr ("skipped: IDENTIFAI_EMULATOR is not set\n");
    return SKIPPED;
  }
  /* loads the registry once; the runs inherit it */
  gst_init (NULL, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  prepare (&torture, program);
  for (i = 0; pipeline_names[i] != NULL; i++)
    if (is_wanted (only_pipelines, pipeline_names[i]))
      torture_pipeline (&torture, pipeline_names[i]);
  clean_up (&torture);
  g_print ("%u runs, %u failed\n", torture.n_runs, torture.n_failed);

  return torture.n_runs > 0 && torture.n_failed == 0 ? 0 : 1;
}
