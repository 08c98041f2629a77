/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The server of the tests that does as it is told: its sockets, and a thread a connection.
 */

#define _GNU_SOURCE             /* POLLRDHUP, memmem */
#include "faultanswer.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER 16384
#define PATIENCE (40 * G_TIME_SPAN_SECOND)

typedef struct
{
  FaultServer *server;
  int fd;
  GByteArray *in;               /* read but not used */
  guint number;                 /* from 1 */
  gboolean answered;            /* the first request, before it came */
} Connection;

/* Sockets. Everything ends early once the server stops. */

/* FALSE: stop, or events didn't come for ms (-1 = wait). */
static gboolean
wait_for (FaultServer * self, int fd, short events, int ms)
{
  struct pollfd fds[2] = {
    {.fd = self->wake[0],.events = POLLIN},
    {.fd = fd,.events = events},
  };

  while (poll (fds, 2, ms) < 0 && errno == EINTR);

  return !fds[0].revents && fds[1].revents;
}

/* FALSE: the server stops. */
static gboolean
pause_for (FaultServer * self, guint ms)
{
  struct pollfd fd = {.fd = self->wake[0],.events = POLLIN };

  while (poll (&fd, 1, ms) < 0 && errno == EINTR);

  return !fd.revents;
}

static gboolean
write_all (Connection * self, const gchar * data, gsize length)
{
  while (length > 0) {
    gssize written;

    if (!wait_for (self->server, self->fd, POLLOUT, -1))
      return FALSE;
    written = send (self->fd, data, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written < 0 && errno != EAGAIN)
      return FALSE;
    data += MAX (written, 0);
    length -= MAX (written, 0);
  }

  return TRUE;
}

static gboolean
read_some (Connection * self, gsize max)
{
  guint8 buffer[65536];
  gssize got;

  if (!wait_for (self->server, self->fd, POLLIN, -1))
    return FALSE;
  got = recv (self->fd, buffer, MIN (max, sizeof (buffer)), 0);
  if (got > 0)
    g_byte_array_append (self->in, buffer, got);

  return got > 0;
}

static void
reset (Connection * self)
{
  struct linger linger = { 1, 0 };

  setsockopt (self->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof (linger));
}

/* Requests. */

/* Up to the empty line; NULL at the end of the connection. */
static FaultRequest *
read_request (Connection * self)
{
  FaultRequest *request;
  gchar *end = NULL;

  while (self->in->len == 0 || !(end = memmem (self->in->data, self->in->len,
              "\r\n\r\n", 4))) {
    if (!read_some (self, RECEIVE_BUFFER))
      return NULL;
  }

  request = fault_request_new ((gchar *) self->in->data,
      end - (gchar *) self->in->data + 2);
  g_byte_array_remove_range (self->in, 0, end - (gchar *) self->in->data + 4);

  return request;
}

static gboolean
read_body (Connection * self, gsize length)
{
  while (self->in->len < length) {
    if (!read_some (self, length - self->in->len))
      return FALSE;
  }

  return TRUE;
}

/* Books it; nth counts from 1. */
static guint
record (FaultServer * self, FaultRequest * request)
{
  guint nth;

  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->requests, request);
  nth = ++self->counts[request->call];
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  return nth;
}

static gboolean
drip (Connection * self, const GString * answer, guint delay)
{
  gsize i;

  for (i = 0; i < answer->len; i++) {
    if (!write_all (self, answer->str + i, 1)
        || !pause_for (self->server, delay))
      return FALSE;
  }

  return TRUE;
}

/* Returns when the other side has had enough. */
static void
repeat (Connection * self, const gchar * start, const gchar * piece,
    guint delay)
{
  if (!write_all (self, start, strlen (start)))
    return;
  while (write_all (self, piece, strlen (piece))) {
    if (delay > 0 && !pause_for (self->server, delay))
      return;
  }
}

static void
send_endless (Connection * self, const FaultStep * step)
{
  gchar *chunked = g_strdup_printf ("HTTP/1.1 %u Scripted\r\n%s"
      "Transfer-Encoding: chunked\r\n\r\n", step->status ? step->status : 200,
      step->headers ? step->headers : "");

  switch (step->kind) {
    case FAULT_ENDLESS_BODY:
    {
      gchar *filler = g_strnfill (65536, ' ');
      gchar *piece = g_strdup_printf ("10000\r\n%s\r\n", filler);

      repeat (self, chunked, piece, 0);
      g_free (piece);
      g_free (filler);
      break;
    }
    case FAULT_ENDLESS_DRIP:
      repeat (self, chunked, "1\r\n \r\n", step->delay);
      break;
    case FAULT_ENDLESS_HEADERS:
      repeat (self, "HTTP/1.1 200 OK\r\n", "X-Noise: abcdefghijklm\r\n", 0);
      break;
    default:
      repeat (self, "", "HTTP/1.1 102 Processing\r\n\r\n", 0);
  }
  g_free (chunked);
}

/* Until the other side closes, or the server stops. */
static void
be_silent (Connection * self)
{
  guint8 buffer[4096];

  while (wait_for (self->server, self->fd, POLLIN, -1)
      && recv (self->fd, buffer, sizeof (buffer), 0) > 0);
}

/* Doesn't read, but notices the end of the server. */
static void
be_stuck (Connection * self)
{
  struct pollfd fds[2] = {
    {.fd = self->server->wake[0],.events = POLLIN},
    {.fd = self->fd,.events = POLLRDHUP},
  };

  while (poll (fds, 2, -1) < 0 && errno == EINTR);
}

/* FALSE: the server stops. */
static gboolean
be_held (FaultServer * self)
{
  gboolean released;

  g_mutex_lock (&self->lock);
  while (!self->released && !self->stopping)
    g_cond_wait (&self->changed, &self->lock);
  released = self->released;
  g_mutex_unlock (&self->lock);

  return released;
}

/* FALSE: the connection is to be closed. */
static gboolean
send_answer (Connection * self, const FaultRequest * request,
    const FaultStep * step)
{
  GString *answer = fault_answer_make (self->server, request, step,
      step->kind == FAULT_SHORT ? step->at : 0);
  gboolean keep;
  gsize i;

  for (i = 0; step->kind == FAULT_INTERIM && i < step->at; i++)
    write_all (self, "HTTP/1.1 102 Processing\r\n\r\n", 27);
  if (step->kind == FAULT_DRIP) {
    keep = drip (self, answer, step->delay);
  } else {
    keep = write_all (self, answer->str, answer->len);
    keep = keep && step->kind != FAULT_SHORT && step->kind != FAULT_EARLY;
  }
  g_string_free (answer, TRUE);

  return keep;
}

static void
answer_beforehand (Connection * self)
{
  const FaultStep *step =
      fault_step_find (self->server, FAULT_ACCEPT, self->number);

  if (step->call != FAULT_ACCEPT)
    return;
  self->answered = TRUE;
  write_all (self, step->body, strlen (step->body));
}

static gboolean
act (Connection * self, const FaultRequest * request, const FaultStep * step)
{
  if (self->answered) {
    self->answered = FALSE;
    return TRUE;
  }
  if (step->kind != FAULT_DRIP && step->kind != FAULT_ENDLESS_DRIP
      && step->kind != FAULT_STALL && step->delay > 0
      && !pause_for (self->server, step->delay))
    return FALSE;

  switch (step->kind) {
    case FAULT_RAW:
      write_all (self, step->body,
          step->body_length ? step->body_length : strlen (step->body));
      return FALSE;
    case FAULT_RESET:
      reset (self);
      return FALSE;
    case FAULT_CLOSE:
    case FAULT_EARLY_CLOSE:
      return FALSE;
    case FAULT_SILENT:
      be_silent (self);
      return FALSE;
    case FAULT_STUCK:
      be_stuck (self);
      return FALSE;
    case FAULT_HELD:
      return be_held (self->server) && send_answer (self, request, step);
    case FAULT_ENDLESS_BODY:
    case FAULT_ENDLESS_DRIP:
    case FAULT_ENDLESS_HEADERS:
    case FAULT_ENDLESS_INTERIM:
      send_endless (self, step);
      return FALSE;
    default:
      return send_answer (self, request, step);
  }
}

static gboolean
is_authorized (FaultServer * self, const FaultRequest * request)
{
  gboolean authorized;

  g_mutex_lock (&self->lock);
  authorized = !self->key || g_strcmp0 (self->key, request->key) == 0;
  g_mutex_unlock (&self->lock);

  return authorized;
}

/* Resets at random moments. */

typedef enum
{
  RESET_NEVER,
  RESET_AFTER_HEADERS,
  RESET_IN_BODY,
  RESET_AFTER_BODY,
  RESET_IN_ANSWER,
  RESET_AFTER_ANSWER,           /* the connection is kept, unused or in use */
  N_RESETS
} ResetMoment;

static ResetMoment
choose_reset (FaultServer * self)
{
  guint resets;

  g_mutex_lock (&self->lock);
  resets = self->resets;
  g_mutex_unlock (&self->lock);

  return (guint) g_random_int_range (0, 100) < resets ?
      g_random_int_range (RESET_NEVER + 1, N_RESETS) : RESET_NEVER;
}

/* An answer, up to the moment. */
static void
reset_answer (Connection * self, const FaultRequest * request,
    ResetMoment moment)
{
  static const FaultStep none = { 0, };
  GString *answer = fault_answer_make (self->server, request, &none, 0);

  if (moment == RESET_IN_ANSWER)
    g_string_truncate (answer, g_random_int_range (1, answer->len));
  write_all (self, answer->str, answer->len);
  if (moment == RESET_AFTER_ANSWER)
    g_usleep (g_random_int_range (0, 5000));
  g_string_free (answer, TRUE);
}

static void
serve_reset (Connection * self, const FaultRequest * request,
    ResetMoment moment)
{
  gsize length = fault_request_get_length (request);

  if (moment == RESET_IN_BODY)
    length = g_random_int_range (0, length + 1);
  if (moment == RESET_AFTER_HEADERS || read_body (self, length)) {
    if (moment >= RESET_IN_ANSWER)
      reset_answer (self, request, moment);
  }
  reset (self);
}

/* Of the body, before the server acts. */
static gsize
count_wanted (const FaultStep * step, gsize length)
{
  switch (step->kind) {
    case FAULT_RESET:
    case FAULT_EARLY:
    case FAULT_EARLY_CLOSE:
    case FAULT_STUCK:
    case FAULT_STALL:
      return step->at == FAULT_LAST_BYTE && length > 0 ? length - 1 :
          MIN (length, step->at);
    default:
      return length;
  }
}

static gboolean
serve (Connection * self)
{
  static const FaultStep refusal = {.status = 401,
    .body = "{\"error\":\"Unauthorized\"}"
  };
  FaultRequest *request = read_request (self);
  const FaultStep *step;
  ResetMoment moment;
  gsize length, wanted;
  guint nth;

  if (!request)
    return FALSE;

  length = fault_request_get_length (request);
  nth = record (self->server, request);
  moment = choose_reset (self->server);
  if (moment != RESET_NEVER) {
    serve_reset (self, request, moment);
    return FALSE;
  }
  step = fault_step_find (self->server, request->call, nth);
  if (!is_authorized (self->server, request))
    step = &refusal;

  wanted = count_wanted (step, length);
  if (step->kind == FAULT_STALL) {
    if (!read_body (self, wanted) || !pause_for (self->server, step->delay))
      return FALSE;
    wanted = length;
  }
  if (!read_body (self, wanted))
    return FALSE;
  g_mutex_lock (&self->server->lock);
  request->body = g_bytes_new (self->in->data, wanted);
  request->whole_at = wanted == length ? g_get_monotonic_time () : 0;
  g_mutex_unlock (&self->server->lock);
  g_byte_array_remove_range (self->in, 0, wanted);

  return act (self, request, step);
}

static gpointer
run_connection (gpointer user_data)
{
  Connection *self = user_data;
  FaultServer *server = self->server;

  answer_beforehand (self);
  while (serve (self));

  close (self->fd);
  g_byte_array_unref (self->in);
  g_free (self);
  g_mutex_lock (&server->lock);
  server->n_running--;
  g_cond_broadcast (&server->changed);
  g_mutex_unlock (&server->lock);

  return NULL;
}

/* Takes over fd. */
static void
start_connection (FaultServer * self, int fd)
{
  Connection *connection = g_new0 (Connection, 1);

  connection->server = self;
  connection->in = g_byte_array_new ();
  connection->fd = fd;
  g_mutex_lock (&self->lock);
  connection->number = ++self->n_connections;
  self->n_running++;
  g_mutex_unlock (&self->lock);
  g_thread_unref (g_thread_new ("fault-conn", run_connection, connection));
}

static gpointer
run_listener (gpointer user_data)
{
  FaultServer *self = user_data;

  while (wait_for (self, self->listener, POLLIN, -1)) {
    int fd = accept (self->listener, NULL, NULL);

    if (fd >= 0)
      start_connection (self, fd);
  }

  return NULL;
}

/* The server. */

/* Of a port in use by one that doesn't listen, two that share it may. */
static int
bind_to (in_addr_t host, guint16 * port)
{
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons (*port)
  };
  socklen_t length = sizeof (address);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int reuse = 1;

  address.sin_addr.s_addr = htonl (host);
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof (reuse));
  if (bind (fd, (struct sockaddr *) &address, length) < 0
      || getsockname (fd, (struct sockaddr *) &address, &length) < 0)
    g_error ("no port: %s", g_strerror (errno));
  *port = ntohs (address.sin_port);

  return fd;
}

static void
listen_on (FaultServer * self, in_addr_t host, guint16 port, int backlog)
{
  int buffer = RECEIVE_BUFFER;

  self->port = port;
  self->keeper = bind_to (host, &self->port);
  self->listener = bind_to (host, &self->port);
  /* Small, so that who doesn't read is soon noticed. */
  setsockopt (self->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof (buffer));
  if (listen (self->listener, backlog) < 0)
    g_error ("no server: %s", g_strerror (errno));
}

static FaultServer *
create (in_addr_t host, guint16 port, int backlog)
{
  FaultServer *self = g_new0 (FaultServer, 1);
  guint i;

  if (pipe (self->wake) < 0)
    g_error ("no pipe: %s", g_strerror (errno));
  for (i = 0; i < G_N_ELEMENTS (self->crowd); i++)
    self->crowd[i] = -1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->requests = g_ptr_array_new_with_free_func ((GDestroyNotify)
      fault_request_free);
  listen_on (self, host, port, backlog);

  return self;
}

static FaultServer *
start (FaultServer * self, const FaultStep * steps, guint n_steps)
{
  self->steps = steps;
  self->n_steps = n_steps;
  self->thread = g_thread_new ("fault-listen", run_listener, self);

  return self;
}

FaultServer *
fault_server_new (const FaultStep * steps, guint n_steps)
{
  return fault_server_new_at (0, steps, n_steps);
}

FaultServer *
fault_server_new_at (guint16 port, const FaultStep * steps, guint n_steps)
{
  return start (create (INADDR_LOOPBACK, port, 64), steps, n_steps);
}

FaultServer *
fault_server_new_everywhere (const FaultStep * steps, guint n_steps)
{
  return start (create (INADDR_ANY, 0, 64), steps, n_steps);
}

FaultServer *
fault_server_new_deaf (void)
{
  FaultServer *self = create (INADDR_LOOPBACK, 0, 0);
  struct sockaddr_in address = {.sin_family = AF_INET };
  guint i;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  address.sin_port = htons (self->port);
  for (i = 0; i < G_N_ELEMENTS (self->crowd); i++) {
    self->crowd[i] = socket (AF_INET, SOCK_STREAM | SOCK_NONBLOCK
        | SOCK_CLOEXEC, 0);
    (void) connect (self->crowd[i], (struct sockaddr *) &address,
        sizeof (address));
  }

  return self;
}

void
fault_server_close (FaultServer * self)
{
  guint i;

  if (self->listener < 0)
    return;

  g_mutex_lock (&self->lock);
  self->stopping = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  if (write (self->wake[1], "", 1) < 0)
    g_error ("no wakeup: %s", g_strerror (errno));
  if (self->thread)
    g_thread_join (self->thread);
  g_mutex_lock (&self->lock);
  while (self->n_running > 0)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
  for (i = 0; i < G_N_ELEMENTS (self->crowd); i++) {
    if (self->crowd[i] >= 0)
      close (self->crowd[i]);
  }
  close (self->listener);
  self->listener = -1;
}

void
fault_server_free (FaultServer * self)
{
  fault_server_close (self);
  close (self->keeper);
  close (self->wake[0]);
  close (self->wake[1]);
  g_ptr_array_unref (self->requests);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self->key);
  g_free (self);
}

guint16
fault_server_get_port (FaultServer * self)
{
  return self->port;
}

gchar *
fault_server_get_url (FaultServer * self)
{
  return g_strdup_printf ("http://127.0.0.1:%u", self->port);
}

guint
fault_server_count (FaultServer * self, FaultCall call)
{
  guint count;

  g_mutex_lock (&self->lock);
  count = self->counts[call];
  g_mutex_unlock (&self->lock);

  return count;
}

guint
fault_server_count_connections (FaultServer * self)
{
  guint count;

  g_mutex_lock (&self->lock);
  count = self->n_connections;
  g_mutex_unlock (&self->lock);

  return count;
}

const FaultRequest *
fault_server_get (FaultServer * self, FaultCall call, guint nth)
{
  const FaultRequest *found = NULL;
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < self->requests->len && !found; i++) {
    FaultRequest *request = g_ptr_array_index (self->requests, i);

    if (request->call == call && nth-- == 0)
      found = request;
  }
  g_mutex_unlock (&self->lock);

  return found;
}

gboolean
fault_server_wait (FaultServer * self, FaultCall call, guint count)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;
  gboolean reached;

  g_mutex_lock (&self->lock);
  while (self->counts[call] < count
      && g_cond_wait_until (&self->changed, &self->lock, until));
  reached = self->counts[call] >= count;
  g_mutex_unlock (&self->lock);

  return reached;
}

void
fault_server_set_key (FaultServer * self, const gchar * key)
{
  g_mutex_lock (&self->lock);
  g_free (self->key);
  self->key = g_strdup (key);
  g_mutex_unlock (&self->lock);
}

void
fault_server_set_verdicts (FaultServer * self, const gchar * verdicts)
{
  g_mutex_lock (&self->lock);
  self->verdicts = verdicts;
  g_mutex_unlock (&self->lock);
}

void
fault_server_set_delay (FaultServer * self, guint delay)
{
  g_mutex_lock (&self->lock);
  self->delay = delay;
  g_mutex_unlock (&self->lock);
}

void
fault_server_set_resets (FaultServer * self, guint percent)
{
  g_mutex_lock (&self->lock);
  self->resets = percent;
  g_mutex_unlock (&self->lock);
}

void
fault_server_release (FaultServer * self)
{
  g_mutex_lock (&self->lock);
  self->released = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
}
