/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "simulation.h"
#include "keylimits.h"
#include "pool.h"
#include <gst/check/gstcheck.h>

#define SECOND G_TIME_SPAN_SECOND
#define MS G_TIME_SPAN_MILLISECOND

/* How long a connection that nobody uses is kept. */
#define IDLE_TIME (45 * SECOND)

/* The longest time that anything takes on a network that is near. */
#define NEAR (30 * MS)

/* One key of the service. */
typedef struct
{
  gchar *name;
  gboolean refused;
  SimulationCounts counts;
  GArray *arrivals[IDENTIFAI_N_CALLS];  /* gint64, in order */
} Key;

/* One file that it has. */
typedef struct
{
  gchar *identifier;
  gint64 ready;
  gboolean errored, artificial;
  guint n_polls;
} Result;

struct _Simulation
{
  guint32 seed;
  GRand *random;
  GMainContext *context;
  SimulationOdds odds;
  SimulationRules rules;
  IdentifaiLimit limits[IDENTIFAI_N_CALLS];
  gint64 down_until;
  GPtrArray *keys;
  GHashTable *results;          /* by identifier */
  gchar *latest;                /* identifier */
  guint n_results;
  GQueue exchanges;             /* under way */
  GQueue work;                  /* of Work: what pools of threads have to do */
  void (*check) (gpointer user_data);
  gpointer user_data;           /* its */
  GHashTable *calls[IDENTIFAI_N_CALLS]; /* by client: how many there were */
  guint64 trace;
};

static Simulation *simulation;  /* that runs */

struct _IdentifaiTransport
{
  gint64 timeout;
  gint64 connected_until;       /* a kept connection */
  guint n_exchanges;
};

struct _IdentifaiExchange
{
  IdentifaiTransport *transport;
  IdentifaiCall call;
  Key *key;
  gchar *name, *url;
  IdentifaiRequest *upload;
    gint64 (*hold) (gpointer user_data);
  void (*sent) (gboolean fresh, gpointer user_data);
  IdentifaiResponseFunc func;
  gpointer user_data;

  IdentifaiTimer *timer;
  void (*next) (IdentifaiExchange * self);
  gboolean fresh;
  gboolean early;               /* its file grows, or did when it began */
  gboolean ended;               /* all of that went out */
  gboolean over;                /* the limits */
  gint64 started;
};

static gboolean
happens (gdouble odds)
{
  return g_rand_double (simulation->random) < odds;
}

static gint64
any_time (gint64 least, gint64 most)
{
  gdouble x = g_rand_double (simulation->random);

  /* mostly short */
  return least + (most - least) * x * x * x;
}

/* Of a network that is near, if that was asked for. */
static gint64
network_time (gint64 least, gint64 most)
{
  return any_time (least, simulation->rules.judge != NULL ?
      MIN (most, NEAR) : most);
}

static Key *
find_key (const gchar * name)
{
  guint i, call;
  Key *key;

  for (i = 0; i < simulation->keys->len; i++) {
    key = g_ptr_array_index (simulation->keys, i);
    if (g_str_equal (key->name, name))
      return key;
  }

  key = g_new0 (Key, 1);
  key->name = g_strdup (name);
  for (call = 0; call < IDENTIFAI_N_CALLS; call++)
    key->arrivals[call] = g_array_new (FALSE, FALSE, sizeof (gint64));
  g_ptr_array_add (simulation->keys, key);

  return key;
}

static void
key_free (gpointer data)
{
  Key *key = data;
  guint call;

  for (call = 0; call < IDENTIFAI_N_CALLS; call++)
    g_array_unref (key->arrivals[call]);
  g_free (key->name);
  g_free (key);
}

static void
result_free (gpointer data)
{
  Result *result = data;

  g_free (result->identifier);
  g_free (result);
}

/* What comes back. */

static void
exchange_free (IdentifaiExchange * self)
{
  SimulationCounts *counts = &self->key->counts;

  g_queue_remove (&simulation->exchanges, self);
  self->transport->n_exchanges--;
  if (self->call == IDENTIFAI_CALL_POST)
    counts->uploads--, counts->early -= self->early;
  else
    counts->polls--;
  identifai_timer_free (self->timer);
  g_clear_pointer (&self->upload, identifai_request_unref);
  g_free (self->name);
  g_free (self->url);
  g_free (self);
}

static guint64
get_file_size (IdentifaiExchange * self)
{
  return self->upload->growing != NULL ?
      identifai_growing_file_get_size (self->upload->growing) :
      identifai_memory_file_get_size (self->upload->file);
}

/* Takes over body and error. */
static void
answer (IdentifaiExchange * self, guint status, const gchar * retry_after,
    gchar * body, GError * error)
{
  IdentifaiResponse response = {.http_status = status,.error = error,
    .retry_after = (gchar *) retry_after,.direct = TRUE,
    .sent_whole = self->started > 0 && (!self->early || self->ended)
  };

  if (body == NULL)
    body = g_strdup ("");
  response.body = g_bytes_new_take (body, strlen (body));
  if (self->started > 0)
    response.duration = (identifai_clock_now () - self->started) * GST_USECOND;
  if (self->upload)
    response.bytes_sent = get_file_size (self);
  self->transport->connected_until = identifai_clock_now () + IDLE_TIME;
  simulation_note (simulation, "%s: %u %s", self->url, status,
      error ? error->message : "");

  g_clear_pointer (&self->upload, identifai_request_unref);
  self->func (&response, self->user_data);
  g_bytes_unref (response.body);
  g_clear_error (&error);
  exchange_free (self);
}

static void
break_off (IdentifaiExchange * self)
{
  answer (self, 0, NULL, NULL, g_error_new_literal (G_IO_ERROR,
          G_IO_ERROR_CONNECTION_CLOSED, "Connection reset by peer"));
}

static void
time_out (IdentifaiExchange * self)
{
  answer (self, 0, NULL, NULL, g_error_new_literal (G_IO_ERROR,
          G_IO_ERROR_TIMED_OUT, "nothing was heard"));
}

static gint64
judging_time (void)
{
  const SimulationRules *rules = &simulation->rules;

  return rules->judge != NULL ? rules->judge (rules->user_data) :
      any_time (SECOND, 200 * SECOND);
}

static void
accept_file (IdentifaiExchange * self)
{
  Result *result;

  if (simulation->latest == NULL || !happens (simulation->odds.known)) {
    result = g_new0 (Result, 1);
    result->identifier = g_strdup_printf ("id-%u", ++simulation->n_results);
    result->ready = identifai_clock_now () + judging_time ();
    result->errored = happens (simulation->odds.errored);
    result->artificial = simulation->odds.artificial > 0
        && happens (simulation->odds.artificial);
    g_hash_table_insert (simulation->results, result->identifier, result);
    g_free (simulation->latest);
    simulation->latest = g_strdup (result->identifier);
  }
  self->key->counts.accepted++;
  if (happens (simulation->odds.lost))
    break_off (self);
  else
    answer (self, 201, NULL, g_strdup_printf ("{\"identifier\":\"%s\"}",
            simulation->latest), NULL);
}

static void
append_result (GString * body, const gchar * identifier)
{
  Result *result = g_hash_table_lookup (simulation->results, identifier);

  simulation_law (result != NULL, "asked for %s", identifier);
  result->n_polls++;
  g_string_append_printf (body, "{\"identifier\":\"%s\",\"status\":\"%s\"%s}",
      identifier, result->ready > identifai_clock_now ()? "new" :
      result->errored ? "errored" : "done",
      result->ready > identifai_clock_now () || result->errored ? "" :
      result->artificial ? ",\"verdict\":{\"classification\":\"artificial\"}" :
      ",\"verdict\":{\"classification\":\"human\"}");
}

static void
tell_results (IdentifaiExchange * self)
{
  GString *body = g_string_new (NULL);
  gchar **asked = g_strsplit (self->url, "identifiers[]=", -1);
  guint i;

  if (asked[1] == NULL) {
    append_result (body, strrchr (self->url, '/') + 1);
  } else {
    for (i = 1; asked[i]; i++) {
      g_strdelimit (asked[i], "&", '\0');
      g_string_append (body, i == 1 ? "[" : ",");
      append_result (body, asked[i]);
    }
    g_string_append_c (body, ']');
  }
  g_strfreev (asked);
  answer (self, 200, NULL, g_string_free (body, FALSE), NULL);
}

static void
respond (IdentifaiExchange * self)
{
  const SimulationOdds *odds = &simulation->odds;
  SimulationCounts *counts = &self->key->counts;

  if (self->over) {
    answer (self, 429, "1", NULL, NULL);
  } else if (self->key->refused) {
    counts->refused++;
    answer (self, 401, NULL, g_strdup ("Unauthorized"), NULL);
  } else if (happens (odds->throttled)) {
    counts->throttled++;
    answer (self, 429, happens (0.5) ? "2" : NULL, NULL, NULL);
  } else if (happens (odds->unavailable)) {
    answer (self, 503, happens (0.3) ? "7" : NULL, NULL, NULL);
  } else if (self->upload && happens (odds->rejected)) {
    answer (self, 422, NULL, g_strdup ("{\"error\":\"no video\"}"), NULL);
  } else if (self->upload) {
    accept_file (self);
  } else {
    tell_results (self);
  }
}

/* The way there. */

static void
exchange_wait (IdentifaiExchange * self, gint64 time,
    void (*next) (IdentifaiExchange * self))
{
  self->next = next;
  identifai_timer_set (self->timer, identifai_clock_now () + time);
}

static void
on_timer (gpointer user_data)
{
  IdentifaiExchange *self = user_data;

  self->next (self);
}

/* The law of limits: so many in any second, and in any minute. */
static void
check_window (Key * key, IdentifaiCall call, gint64 window, guint limit)
{
  GArray *arrivals = key->arrivals[call];
  gint64 latest, first;

  if (limit == 0 || arrivals->len <= limit)
    return;
  latest = g_array_index (arrivals, gint64, arrivals->len - 1);
  first = g_array_index (arrivals, gint64, arrivals->len - 1 - limit);
  simulation_law (latest - first >= window, "%u calls of kind %u within %d ms",
      limit + 1, call, (gint) ((latest - first) / MS));
}

static void
send_end (IdentifaiExchange * self)
{
  gint64 wait = self->hold && self->upload ? self->hold (self->user_data) : 0;

  self->ended = wait <= 0;
  if (wait > 0)
    exchange_wait (self, wait, send_end);
  else if (identifai_clock_now () < simulation->down_until
      || happens (simulation->odds.reset))
    exchange_wait (self, any_time (0, SECOND), break_off);
  else if (happens (simulation->odds.silent))
    exchange_wait (self, self->transport->timeout, time_out);
  else
    exchange_wait (self, network_time (5 * MS, 5 * SECOND), respond);
}

/* While the file grows. Whoever says no doesn't wait for its end. */
static void
send_more (IdentifaiExchange * self)
{
  const SimulationOdds *odds = &simulation->odds;

  identifai_request_set_sent (self->upload, get_file_size (self));
  if (identifai_growing_file_has_ended (self->upload->growing)) {
    send_end (self);
  } else if (identifai_clock_now () < simulation->down_until
      || happens (odds->reset / 10)) {
    break_off (self);
  } else if (self->over || self->key->refused) {
    respond (self);
  } else if (happens (odds->lengthless)) {
    answer (self, 411, NULL, NULL, NULL);
  } else {
    exchange_wait (self, any_time (100 * MS, 3 * SECOND), send_more);
  }
}

/* Its headers: then it counts. */
static void
arrive (IdentifaiExchange * self)
{
  const SimulationRules *rules = &simulation->rules;
  Key *key = self->key;
  gint64 now = identifai_clock_now ();

  if (rules->take != NULL) {
    self->over = !rules->take (key->name, self->call, rules->user_data);
    key->counts.throttled += self->over;
  } else {
    g_array_append_val (key->arrivals[self->call], now);
    check_window (key, self->call, SECOND,
        simulation->limits[self->call].per_second);
    check_window (key, self->call, 60 * SECOND,
        simulation->limits[self->call].per_minute);
  }
  exchange_wait (self, self->upload ? network_time (MS, 20 * SECOND) : 0,
      self->early ? send_more : send_end);
}

static void
send_headers (IdentifaiExchange * self)
{
  self->started = identifai_clock_now ();
  self->sent (self->fresh, self->user_data);
  exchange_wait (self, network_time (0, 50 * MS), arrive);
}

/* The transport. */

static IdentifaiTransport *
sim_open (const IdentifaiTransportSettings * settings)
{
  IdentifaiTransport *self = g_new0 (IdentifaiTransport, 1);

  self->timeout = settings->timeout * SECOND;

  return self;
}

typedef struct
{
  IdentifaiTransport *transport;
  void (*closed) (gpointer user_data);
  gpointer user_data;
} Closing;

static gboolean
on_closed (gpointer user_data)
{
  Closing *closing = user_data;

  fail_unless_equals_int (closing->transport->n_exchanges, 0);
  g_free (closing->transport);
  closing->closed (closing->user_data);

  return G_SOURCE_REMOVE;
}

static void
sim_close (IdentifaiTransport * self, void (*closed) (gpointer user_data),
    gpointer user_data)
{
  GSource *source = g_idle_source_new ();
  Closing *closing = g_new (Closing, 1);

  *closing = (Closing) {
  self, closed, user_data};
  g_source_set_callback (source, on_closed, closing, g_free);
  g_source_attach (source, simulation->context);
  g_source_unref (source);
}

static void
count_call_of (GHashTable * calls, const gchar * name)
{
  guint *count = g_hash_table_lookup (calls, name);

  if (count == NULL) {
    count = g_new0 (guint, 1);
    g_hash_table_insert (calls, g_strdup (name), count);
  }
  (*count)++;
}

/* A call may be of several. */
static void
count_call (IdentifaiExchange * self)
{
  GHashTable *calls = simulation->calls[self->call];
  SimulationCounts *counts = &self->key->counts;
  gchar **names;
  guint i;

  if (strchr (self->name, ',') == NULL) {
    count_call_of (calls, self->name);
  } else {
    names = g_strsplit (self->name, ",", -1);
    for (i = 0; names[i]; i++)
      count_call_of (calls, names[i]);
    g_strfreev (names);
  }

  if (self->upload) {
    counts->posts++;
    counts->uploads++;
    counts->early += self->early;
    simulation_law (counts->uploads - counts->early <= IDENTIFAI_MAX_UPLOADS
        && counts->early <= IDENTIFAI_MAX_EARLY_UPLOADS, "%u uploads, %u early",
        counts->uploads, counts->early);
  } else {
    counts->gets++;
    counts->polls++;
    simulation_law (counts->polls <= IDENTIFAI_MAX_POLLS, "%u polls",
        counts->polls);
  }
}

static IdentifaiExchange *
sim_send (IdentifaiTransport * transport, const IdentifaiCallSpec * spec,
    IdentifaiResponseFunc func, gpointer user_data)
{
  IdentifaiExchange *self = g_new0 (IdentifaiExchange, 1);
  gint64 now = identifai_clock_now ();

  self->transport = transport;
  transport->n_exchanges++;
  self->call = spec->upload ? IDENTIFAI_CALL_POST : IDENTIFAI_CALL_GET;
  self->key = find_key (spec->api_key);
  self->name = g_strdup (spec->name);
  self->url = g_strdup (spec->url);
  if (spec->upload)
    self->upload = identifai_request_ref (spec->upload);
  self->early = spec->upload && spec->upload->growing
      && !identifai_growing_file_has_ended (spec->upload->growing);
  self->hold = spec->hold;
  self->sent = spec->sent;
  self->func = func;
  self->user_data = user_data;
  self->timer = identifai_timer_new (simulation->context, "call", on_timer,
      self);
  self->fresh = now > transport->connected_until;
  g_queue_push_tail (&simulation->exchanges, self);
  count_call (self);
  if (spec->upload && !self->early && simulation->rules.post != NULL)
    simulation->rules.post (spec->name, spec->upload->segment,
        simulation->rules.user_data);
  simulation_note (simulation, "%s by %s", self->url, self->name);
  exchange_wait (self, self->fresh ? network_time (MS, 2 * SECOND) : 0,
      send_headers);

  return self;
}

static void
sim_connect (IdentifaiTransport * self, const IdentifaiCallSpec * spec)
{
  self->connected_until = identifai_clock_now () + IDLE_TIME;
}

static const IdentifaiTransportFuncs sim_transport = {
  sim_open, sim_close, sim_send, exchange_free, sim_connect
};

/* All of it. */

static gint
poll_nothing (GPollFD * fds, guint n_fds, gint timeout)
{
  return 0;
}

/* A whole iteration takes the context's lock a dozen times, and seldom has anything to
 * do: all that is attached are idle sources. */
static gboolean
iterate (GMainContext * context)
{
  gint priority;

  return g_main_context_prepare (context, &priority)
      && g_main_context_iteration (context, FALSE);
}

static gboolean
step (gint64 until)
{
  gboolean done = iterate (simulation->context)
      || identifai_clock_advance (until);

  if (simulation->check != NULL)
    simulation->check (simulation->user_data);

  return done;
}

/* What threads of pools do is done by and by. */

typedef struct
{
  GThreadPool *pool;
  gpointer item;
  IdentifaiTimer *timer;
} Work;

static void
do_work (gpointer data)
{
  Work work = *(Work *) data;

  g_queue_remove (&simulation->work, data);
  identifai_timer_free (work.timer);
  g_free (data);
  work.pool->func (work.item, work.pool->user_data);
}

static void
push_work (GThreadPool * pool, gpointer item)
{
  Work *work = g_new (Work, 1);

  work->pool = pool;
  work->item = item;
  work->timer = identifai_timer_new (simulation->context, "work", do_work,
      work);
  g_queue_push_tail (&simulation->work, work);
  identifai_timer_set (work->timer, identifai_clock_now ()
      + any_time (0, SECOND));
}

Simulation *
simulation_new (guint32 seed, const SimulationOdds * odds,
    const IdentifaiLimit * limits)
{
  Simulation *self = g_new0 (Simulation, 1);
  guint call;

  fail_unless (simulation == NULL);
  simulation = self;
  /* The client's own chances. */
  g_random_set_seed (seed);
  self->seed = seed;
  self->random = g_rand_new_with_seed (seed);
  self->context = g_main_context_new ();
  self->odds = *odds;
  self->keys = g_ptr_array_new_with_free_func (key_free);
  self->results = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      result_free);
  for (call = 0; call < IDENTIFAI_N_CALLS; call++) {
    self->limits[call] = limits[call];
    self->calls[call] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
        g_free);
  }
  self->trace = G_GUINT64_CONSTANT (0xcbf29ce484222325);
  identifai_clock_simulate (G_TIME_SPAN_DAY, 1700000000 * SECOND, step);
  /* There is nothing to poll. */
  g_main_context_set_poll_func (self->context, poll_nothing);
  fail_unless (g_main_context_acquire (self->context));
  identifai_network_simulate (self->context, &sim_transport);
  identifai_pool_simulate (push_work);

  return self;
}

void
simulation_free (Simulation * self)
{
  guint call;

  while (self->work.head != NULL)
    do_work (self->work.head->data);
  identifai_pool_simulate (NULL);
  fail_unless_equals_int (self->exchanges.length, 0);
  fail_unless_equals_int (identifai_network_count_accounts (), 0);
  identifai_network_simulate (NULL, NULL);
  identifai_key_limits_forget_all ();
  g_rand_free (self->random);
  g_ptr_array_unref (self->keys);
  g_hash_table_unref (self->results);
  for (call = 0; call < IDENTIFAI_N_CALLS; call++)
    g_hash_table_unref (self->calls[call]);
  g_free (self->latest);
  g_main_context_release (self->context);
  g_main_context_unref (self->context);
  g_free (self);
  simulation = NULL;
}

void
simulation_set_rules (Simulation * self, const SimulationRules * rules)
{
  self->rules = *rules;
}

GRand *
simulation_get_random (Simulation * self)
{
  return self->random;
}

const SimulationCounts *
simulation_get_counts (Simulation * self, const gchar * key)
{
  return &find_key (key)->counts;
}

void
simulation_refuse_key (Simulation * self, const gchar * key, gboolean refuse)
{
  find_key (key)->refused = refuse;
}

void
simulation_set_down (Simulation * self, gint64 until)
{
  self->down_until = until;
}

guint
simulation_count_calls (Simulation * self, const gchar * name,
    IdentifaiCall call, gboolean now)
{
  GList *walk;
  guint *all = g_hash_table_lookup (self->calls[call], name), count = 0;

  if (!now)
    return all != NULL ? *all : 0;

  for (walk = self->exchanges.head; walk; walk = walk->next) {
    IdentifaiExchange *exchange = walk->data;

    count += exchange->call == call && g_str_equal (exchange->name, name);
  }

  return count;
}

gint64
simulation_get_ready (Simulation * self, const gchar * identifier,
    guint * n_polls)
{
  const Result *result = g_hash_table_lookup (self->results, identifier);

  *n_polls = result->n_polls;

  return result->ready;
}

void
simulation_run (Simulation * self, gint64 until,
    void (*check) (gpointer user_data), gpointer user_data)
{
  self->check = check;
  self->user_data = user_data;
  do {
    while (iterate (self->context));
    check (user_data);
  } while (identifai_clock_advance (until));
}

/* FNV-1a: a checksum of all there was, which costs little. */
static void
mix (Simulation * self, gconstpointer data, gsize length)
{
  const guint8 *bytes = data;
  gsize i;

  for (i = 0; i < length; i++)
    self->trace = (self->trace ^ bytes[i]) * G_GUINT64_CONSTANT (0x100000001b3);
}

void
simulation_note (Simulation * self, const gchar * format, ...)
{
  gint64 now = identifai_clock_now ();
  gchar text[1024];
  va_list args;

  va_start (args, format);
  g_vsnprintf (text, sizeof (text), format, args);
  va_end (args);
  GST_LOG ("%s", text);
  mix (self, &now, sizeof (now));
  mix (self, text, strlen (text));
}

gchar *
simulation_get_trace (Simulation * self)
{
  return g_strdup_printf ("%016" G_GINT64_MODIFIER "x", self->trace);
}

void
simulation_tell (void)
{
  gchar *trace = simulation_get_trace (simulation);

  g_print ("seed %u breaks a law after %.1f s, trace %s\n", simulation->seed,
      identifai_clock_now () / (gdouble) SECOND, trace);
  g_free (trace);
}
