/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The client engine in one thread and simulated time, from a seed: hours of uploads
 * and polls through all that a service and a network do, and of users that withdraw,
 * cancel, close, and change keys. The laws are checked after each thing that
 * happens.
 *
 * IDENTIFAI_SEED=n runs that seed only, IDENTIFAI_SEEDS=n so many of them.
 */

#include <gst/check/gstcheck.h>
#include <stdlib.h>
#include "earlyupload.h"
#include "simulation.h"

#define SECOND G_TIME_SPAN_SECOND
#define HOUR G_TIME_SPAN_HOUR
#define N_USERS 5
#define N_KEYS 3
#define SEEDS 4

typedef struct
{
  guint segment;
  gsize size;
  gboolean submitted;
  gboolean began;               /* before its file was whole */
  guint ends;                   /* outcomes, and being taken back: one */
  guint freed;
} Job;

/* A segment that is open, and sent meanwhile. */
typedef struct
{
  IdentifaiEarlyUpload *upload;
  IdentifaiGrowingFile *file;
} Open;

/* What an element would be. */
typedef struct
{
  gchar *name;
  IdentifaiClient *client;
  GPtrArray *jobs;
  GQueue open;                  /* of Open */
  guint64 bytes;                /* of files that were taken */
} User;

static struct
{
  Simulation *simulation;
  GRand *random;
  User *users[N_USERS];
  GPtrArray *jobs;              /* all there ever were */
  guint n_users;
  guint n_verdicts, n_failed, n_taken_back, n_inside, n_early, n_unwanted;
  Job *called;                  /* a callback is about it */
} world;

static const SimulationOdds odds = {
  .reset = 0.05,.lost = 0.02,.unavailable = 0.05,.throttled = 0.02,
  .rejected = 0.01,.silent = 0.005,.errored = 0.02,.known = 0.05,
  .lengthless = 0.001
};

static const IdentifaiLimit limits[IDENTIFAI_N_CALLS] = { {2, 30}, {3, 60} };

static guint
any (guint count)
{
  return g_rand_int_range (world.random, 0, count);
}

/* What the client says. */

static void act_inside (User * user, Job * job);

static void
on_submitted (gpointer data, const gchar * identifier,
    GstClockTime upload_time, gpointer user_data)
{
  User *user = user_data;
  Job *job = data;

  simulation_note (world.simulation, "%s: %u is %s", user->name, job->segment,
      identifier);
  simulation_law (user->client != NULL && job->ends == 0 && job->freed == 0
      && !job->submitted, "%s: %u", user->name, job->segment);
  job->submitted = TRUE;
  world.n_early += job->began;
  user->bytes += job->size;
  act_inside (user, job);
}

static void
on_finished (gpointer data, IdentifaiOutcome * outcome, gpointer user_data)
{
  User *user = user_data;
  Job *job = data;

  simulation_note (world.simulation, "%s: %u ends with %s", user->name,
      job->segment, identifai_reason_to_string (outcome->reason));
  simulation_law (user->client != NULL && job->ends++ == 0 && job->freed == 0,
      "%s: %u ended before", user->name, job->segment);
  simulation_law (outcome->result == NULL ?
      outcome->reason != IDENTIFAI_REASON_NONE : job->submitted, "%s: %u",
      user->name, job->segment);
  if (outcome->reason == IDENTIFAI_REASON_NONE)
    world.n_verdicts++;
  else
    world.n_failed++;
  act_inside (user, job);
}

static void
on_attempted (IdentifaiCall call, IdentifaiReason reason, guint http_status,
    const gchar * message, gint64 retry_in, gpointer user_data)
{
  User *user = user_data;

  simulation_law (user->client != NULL
      && (reason == IDENTIFAI_REASON_NONE) == (message == NULL), "%s", message);
  act_inside (user, NULL);
}

/* Some are given up then. */
static gboolean
on_starting (gpointer data, gboolean contended, gboolean maybe_taken,
    gpointer user_data)
{
  User *user = user_data;
  Job *job = data;

  simulation_law (user->client != NULL && job->ends == 0 && job->freed == 0
      && !job->submitted, "%s: %u would start", user->name, job->segment);
  if (any (40) == 0) {
    simulation_note (world.simulation, "%s: %u isn't wanted", user->name,
        job->segment);
    job->ends++;
    world.n_unwanted++;
    return FALSE;
  }
  act_inside (user, job);

  return TRUE;
}

static const IdentifaiClientCallbacks callbacks = {
  .submitted = on_submitted,.finished = on_finished,.attempted = on_attempted,
  .starting = on_starting
};

static void
on_freed (gpointer data)
{
  Job *job = data;

  simulation_law (job->freed++ == 0, "%u was freed before", job->segment);
}

/* What users do. */

static gchar *
any_key (void)
{
  return g_strdup_printf ("key-%u", any (N_KEYS));
}

static void
user_open (User * user)
{
  static const gint retries[] = { 0, 3, -1 };
  IdentifaiClientSettings settings = {.endpoint = (gchar *) "http://sim.test",
    .timeout = 20,.retries = retries[any (3)],
    .verdict_timeout = 600 * GST_SECOND
  };

  g_free (user->name);
  user->name = g_strdup_printf ("user%u", world.n_users++);
  settings.name = user->name;
  settings.api_key = any_key ();
  settings.poll_interval = any (3) == 0 ? 5 * GST_SECOND : 0;
  memcpy (settings.limits, limits, sizeof (limits));
  user->bytes = 0;
  user->client = identifai_client_new (&settings, &callbacks, user, NULL);
  fail_unless (user->client != NULL);
  g_free (settings.api_key);
}

static IdentifaiMemoryFile *
any_file (void)
{
  IdentifaiMemoryFile *file = identifai_memory_file_new ();
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, 1 + any (100), NULL);

  identifai_memory_file_write (file, buffer);
  gst_buffer_unref (buffer);

  return file;
}

static Job *
add_job (User * user, IdentifaiMemoryFile * file)
{
  Job *job = g_new0 (Job, 1);

  job->segment = world.jobs->len;
  job->size = identifai_memory_file_get_size (file);
  g_ptr_array_add (world.jobs, job);
  g_ptr_array_add (user->jobs, job);

  return job;
}

static void
user_submit (User * user)
{
  IdentifaiMemoryFile *file = any_file ();
  Job *job = add_job (user, file);
  IdentifaiRequest *request;

  request = identifai_request_new (file, "segment.mp4", "video/mp4");
  request->segment = job->segment;
  identifai_client_submit (user->client, request, job, on_freed);
  identifai_request_unref (request);
}

static void
user_begin (User * user)
{
  IdentifaiRequest *request = identifai_request_new (NULL, "segment.mp4",
      "video/mp4");
  Open *open = g_new0 (Open, 1);

  open->file = identifai_growing_file_new ();
  request->growing = identifai_growing_file_ref (open->file);
  open->upload = identifai_early_upload_new (user->client, request);
  g_queue_push_tail (&user->open, open);
  identifai_request_unref (request);
}

/* The segment is gone, or another than it began as. */
static void
user_break (User * user)
{
  Open *open = g_queue_pop_head (&user->open);

  if (open == NULL)
    return;
  identifai_early_upload_cancel (open->upload);
  identifai_growing_file_unref (open->file);
  g_free (open);
}

static void
user_grow (User * user)
{
  IdentifaiMemoryFile *more = any_file ();
  Open *open = g_queue_peek_tail (&user->open);

  if (open != NULL)
    identifai_growing_file_append (open->file, more);
  identifai_memory_file_unref (more);
}

/* It is whole. */
static void
user_complete (User * user)
{
  Open *open = g_queue_pop_head (&user->open);
  Job *job;

  if (open == NULL)
    return;
  job = add_job (user, identifai_growing_file_get_file (open->file));
  job->began = !identifai_early_upload_is_over (open->upload);
  identifai_early_upload_submit (open->upload,
      identifai_growing_file_get_file (open->file), job, on_freed);
  identifai_growing_file_unref (open->file);
  g_free (open);
}

static void
take_back (Job * job)
{
  fail_unless_equals_int (job->freed, job == world.called ? 0 : 1);
  fail_unless_equals_int (job->ends++, 0);
  world.n_taken_back++;
}

static void
user_withdraw (User * user)
{
  Job *job;

  if (user->jobs->len == 0)
    return;
  job = g_ptr_array_index (user->jobs, any (user->jobs->len));
  if (identifai_client_withdraw (user->client, job, NULL)) {
    fail_if (job->submitted);
    take_back (job);
  }
}

/* What hasn't ended has, now. */
static void
user_take_all_back (User * user)
{
  guint i;

  for (i = 0; i < user->jobs->len; i++) {
    Job *job = g_ptr_array_index (user->jobs, i);

    if (job->ends == 0)
      take_back (job);
  }
  g_ptr_array_set_size (user->jobs, 0);
}

static void
user_close (User * user)
{
  identifai_client_close (g_steal_pointer (&user->client));
  user_take_all_back (user);
  while (user->open.length > 0)
    user_break (user);
}

static void
user_set_key (User * user)
{
  gchar *key = any_key ();

  identifai_client_set_key (user->client, key);
  g_free (key);
}

static void
refuse_keys (void)
{
  gchar *key = any_key ();

  simulation_refuse_key (world.simulation, key, any (4) == 0);
  g_free (key);
}

/* None is open for long. */
static void
act_early (User * user, guint what)
{
  if (user->open.length == 0)
    user_begin (user);
  else if (what < 30)
    user_grow (user);
  else if (what < 55)
    user_complete (user);
  else
    user_break (user);
}

static void
act (void)
{
  User *user = world.users[any (N_USERS)];
  guint what = any (100);

  simulation_note (world.simulation, "%s does %u", user->name, what);
  if (what < 20) {
    user_submit (user);
  } else if (what < 60) {
    act_early (user, what);
  } else if (what < 75) {
    user_withdraw (user);
  } else if (what < 80) {
    identifai_client_set_first (user->client, any (2));
  } else if (what < 85) {
    user_set_key (user);
  } else if (what < 90) {
    refuse_keys ();
  } else if (what < 93) {
    identifai_client_cancel (user->client);
    user_take_all_back (user);
  } else if (what < 96) {
    user_close (user);
    user_open (user);
  } else if (what < 98) {
    identifai_clock_shift_real (any (60) * SECOND - 30 * SECOND);
  } else {
    simulation_set_down (world.simulation,
        identifai_clock_now () + any (180) * SECOND);
  }
}

/* Users act from within what they are told, too. job: that it is about, which goes on
 * being used. */
static void
act_inside (User * user, Job * job)
{
  guint what = any (300);

  if (what >= 5)
    return;
  simulation_note (world.simulation, "%s does %u inside", user->name, what);
  world.called = job;
  world.n_inside++;
  if (what == 0) {
    user_submit (user);
  } else if (what == 1) {
    user_withdraw (user);
  } else if (what == 2) {
    user_set_key (user);
  } else if (what == 3) {
    identifai_client_cancel (user->client);
    user_take_all_back (user);
  } else {
    user_close (user);
    user_open (user);
  }
  world.called = NULL;
}

/* The laws. That of limits, and of calls at a time, the simulation checks. */

static void
check_user (User * user)
{
  IdentifaiClientStats stats;
  guint posts, posting, gets;

  posting = simulation_count_calls (world.simulation, user->name,
      IDENTIFAI_CALL_POST, TRUE);
  posts = simulation_count_calls (world.simulation, user->name,
      IDENTIFAI_CALL_POST, FALSE);
  gets = simulation_count_calls (world.simulation, user->name,
      IDENTIFAI_CALL_GET, FALSE);
  identifai_client_get_stats (user->client, &stats);
  simulation_law (stats.in_flight == posting && stats.post_requests == posts
      && stats.get_requests == gets && stats.bytes_uploaded == user->bytes
      && (posting > 0 || stats.bytes_sending == 0),
      "%s: %u posts of %u, %u polls", user->name, posting, posts, gets);
}

static void
check_laws (gpointer user_data)
{
  guint i;

  for (i = 0; i < N_USERS; i++) {
    if (world.users[i]->client)
      check_user (world.users[i]);
  }
}

static void
check_jobs (void)
{
  guint i;

  for (i = 0; i < world.jobs->len; i++) {
    Job *job = g_ptr_array_index (world.jobs, i);

    simulation_law (job->ends == 1 && job->freed == 1, "%u ended %u times",
        job->segment, job->ends);
  }
}

static void
user_free (User * user)
{
  g_ptr_array_unref (user->jobs);
  g_free (user->name);
  g_free (user);
}

/* Returns a checksum of all that happened. */
static gchar *
run_seed (guint32 seed, gint64 duration)
{
  gint64 end;
  gchar *trace;
  guint i;

  memset (&world, 0, sizeof (world));
  world.simulation = simulation_new (seed, &odds, limits);
  world.random = simulation_get_random (world.simulation);
  world.jobs = g_ptr_array_new_with_free_func (g_free);
  for (i = 0; i < N_USERS; i++) {
    world.users[i] = g_new0 (User, 1);
    world.users[i]->jobs = g_ptr_array_new ();
    user_open (world.users[i]);
  }
  for (end = identifai_clock_now () + duration; identifai_clock_now () < end;) {
    simulation_run (world.simulation, identifai_clock_now ()
        + any (10 * SECOND), check_laws, NULL);
    act ();
  }
  for (i = 0; i < N_USERS; i++)
    user_close (world.users[i]);
  simulation_run (world.simulation, identifai_clock_now () + SECOND, check_laws,
      NULL);
  check_jobs ();
  GST_INFO ("seed %u: %u jobs: %u verdicts, %u failed, %u taken back, "
      "%u acts inside, %u that may have gone early", seed, world.jobs->len,
      world.n_verdicts, world.n_failed, world.n_taken_back, world.n_inside,
      world.n_early);
  fail_unless (world.n_verdicts > world.jobs->len / 8 && world.n_unwanted > 0);

  trace = simulation_get_trace (world.simulation);
  for (i = 0; i < N_USERS; i++)
    user_free (world.users[i]);
  g_ptr_array_unref (world.jobs);
  simulation_free (world.simulation);

  return trace;
}

GST_START_TEST (test_seeds)
{
  const gchar *one = g_getenv ("IDENTIFAI_SEED");
  const gchar *many = g_getenv ("IDENTIFAI_SEEDS");
  guint32 first = one ? atoi (one) : 1, i;
  guint32 count = one ? 1 : many ? atoi (many) : SEEDS;

  for (i = first; i < first + count; i++) {
    g_print ("seed %u\n", i);
    g_free (run_seed (i, 2 * HOUR));
    fail_unless (world.n_early > 0);
  }
}

GST_END_TEST;

/* A seed that failed can be run again. */
GST_START_TEST (test_same_again)
{
  gchar *one = run_seed (100, HOUR / 2);
  gchar *again = run_seed (100, HOUR / 2);
  gchar *other = run_seed (101, HOUR / 2);

  fail_unless_equals_string (one, again);
  fail_if (g_str_equal (one, other));
  g_free (one);
  g_free (again);
  g_free (other);
}

GST_END_TEST;

static void
check_nothing (gpointer user_data)
{
}

static gint64
judge_soon (gpointer user_data)
{
  return SECOND;
}

static guint
count_posts (User * user)
{
  return simulation_count_calls (world.simulation, user->name,
      IDENTIFAI_CALL_POST, FALSE);
}

/* Of segments that are open, those of who goes first do, too. */
GST_START_TEST (test_first)
{
  static const SimulationOdds none = { 0, };
  static const IdentifaiLimit slow[IDENTIFAI_N_CALLS] = { {1, 0}, {0, 0} };
  static const SimulationRules near = {.judge = judge_soon };
  User users[2] = { {NULL,}, {NULL,} };
  guint i;

  memset (&world, 0, sizeof (world));
  world.simulation = simulation_new (1, &none, slow);
  simulation_set_rules (world.simulation, &near);
  for (i = 0; i < G_N_ELEMENTS (users); i++) {
    IdentifaiClientSettings settings = {.name = (gchar *) (i > 0 ? "first" :
          "other"),.endpoint = (gchar *) "http://sim.test",.timeout = 20,
      .api_key = (gchar *) "key"
    };

    memcpy (settings.limits, slow, sizeof (slow));
    users[i].name = g_strdup (settings.name);
    users[i].jobs = g_ptr_array_new ();
    users[i].client = identifai_client_new (&settings, &callbacks, &users[i],
        NULL);
  }
  identifai_client_set_first (users[1].client, TRUE);
  for (i = 0; i < 3; i++)
    user_begin (&users[0]);
  user_begin (&users[1]);
  simulation_run (world.simulation, identifai_clock_now () + SECOND / 2,
      check_nothing, NULL);
  fail_unless_equals_int (count_posts (&users[1]), 1);
  fail_unless_equals_int (count_posts (&users[0]), 0);
  for (i = 0; i < G_N_ELEMENTS (users); i++) {
    user_close (&users[i]);
    g_ptr_array_unref (users[i].jobs);
    g_free (users[i].name);
  }
  simulation_run (world.simulation, identifai_clock_now () + SECOND,
      check_nothing, NULL);
  simulation_free (world.simulation);
}

GST_END_TEST;

static Suite *
clientsim_suite (void)
{
  Suite *suite = suite_create ("clientsim");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_test (general, test_seeds);
  tcase_add_test (general, test_same_again);
  tcase_add_test (general, test_first);

  return suite;
}

GST_CHECK_MAIN (clientsim);
