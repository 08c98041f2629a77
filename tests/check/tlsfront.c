/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "tlsfront.h"
#include <errno.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* Small, so that a backend that doesn't read is noticed through it. */
#define RECEIVE_BUFFER 16384

struct _TlsFront
{
  GTlsCertificate *certificate;
  guint16 port, backend;
  gboolean offers_h2;
  int listener;
  GThread *thread;

  GMutex lock;
  GCond changed;
  GPtrArray *open;              /* borrowed: Connections */
  GPtrArray *protocols;         /* strings, one a handshake */
};

typedef struct
{
  TlsFront *front;
  GIOStream *tls;
  int client;                   /* borrowed from tls */
  int backend;
} Connection;

/* For 127.0.0.1, and its own authority: PEM files in folder. */
static gboolean
make_certificate (const gchar * folder)
{
  gchar *command = g_strdup_printf ("openssl req -x509 -newkey ec -pkeyopt "
      "ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=127.0.0.1 -addext "
      "subjectAltName=IP:127.0.0.1 -keyout %s/key.pem -out %s/cert.pem", folder,
      folder);
  gchar *errors = NULL;
  gint status = -1;
  gboolean made = g_spawn_command_line_sync (command, NULL, &errors, &status,
      NULL) && status == 0;

  g_free (errors);
  g_free (command);

  return made;
}

gchar *
tls_front_make_folder (void)
{
  gchar *folder = g_dir_make_tmp ("identifai-tls-XXXXXX", NULL);

  if (!make_certificate (folder)) {
    g_rmdir (folder);
    g_clear_pointer (&folder, g_free);
  }

  return folder;
}

void
tls_front_remove_folder (gchar * folder)
{
  static const gchar *const names[] = { "cert.pem", "key.pem" };
  guint i;

  for (i = 0; folder != NULL && i < G_N_ELEMENTS (names); i++) {
    gchar *path = g_build_filename (folder, names[i], NULL);

    g_unlink (path);
    g_free (path);
  }
  if (folder != NULL)
    g_rmdir (folder);
  g_free (folder);
}

/* Sockets. */

static int
open_socket (guint16 * port, int (*attach) (int, const struct sockaddr *,
        socklen_t))
{
  struct sockaddr_in address = {.sin_family = AF_INET,.sin_port = htons (*port)
  };
  socklen_t length = sizeof (address);
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int buffer = RECEIVE_BUFFER;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  setsockopt (fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof (buffer));
  setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof (buffer));
  if (attach (fd, (struct sockaddr *) &address, length) < 0) {
    close (fd);
    return -1;
  }
  if (getsockname (fd, (struct sockaddr *) &address, &length) == 0)
    *port = ntohs (address.sin_port);

  return fd;
}

static int
connect_to (guint16 port)
{
  return open_socket (&port, connect);
}

static void
reset (int fd)
{
  struct linger linger = { 1, 0 };

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof (linger));
}

/* One connection: a thread each way. */

static gpointer
run_upstream (gpointer user_data)
{
  Connection *self = user_data;
  GInputStream *in = g_io_stream_get_input_stream (self->tls);
  guint8 buffer[16384];
  gssize got;

  while ((got = g_input_stream_read (in, buffer, sizeof (buffer), NULL,
              NULL)) > 0) {
    if (send (self->backend, buffer, got, MSG_NOSIGNAL) != got)
      break;
  }
  shutdown (self->backend, SHUT_WR);

  return NULL;
}

static void
run_downstream (Connection * self)
{
  GOutputStream *out = g_io_stream_get_output_stream (self->tls);
  guint8 buffer[16384];
  gssize got;

  while ((got = recv (self->backend, buffer, sizeof (buffer), 0)) > 0) {
    if (!g_output_stream_write_all (out, buffer, got, NULL, NULL, NULL))
      break;
  }
  if (got < 0 && errno == ECONNRESET)
    reset (self->client);
}

static gboolean
shake_hands (Connection * self)
{
  static const gchar *const both[] = { "h2", "http/1.1", NULL };
  TlsFront *front = self->front;
  GTlsConnection *tls = G_TLS_CONNECTION (self->tls);
  const gchar *protocol;

  g_tls_connection_set_advertised_protocols (tls,
      front->offers_h2 ? both : both + 1);
  if (!g_tls_connection_handshake (tls, NULL, NULL))
    return FALSE;

  protocol = g_tls_connection_get_negotiated_protocol (tls);
  g_mutex_lock (&front->lock);
  g_ptr_array_add (front->protocols, g_strdup (protocol ? protocol : "none"));
  g_mutex_unlock (&front->lock);

  return TRUE;
}

static GIOStream *
wrap (TlsFront * front, int fd)
{
  GSocket *socket = g_socket_new_from_fd (fd, NULL);
  GSocketConnection *connection =
      g_socket_connection_factory_create_connection (socket);
  GIOStream *tls = g_tls_server_connection_new (G_IO_STREAM (connection),
      front->certificate, NULL);

  g_object_unref (connection);
  g_object_unref (socket);

  return tls;
}

static void
leave (Connection * self)
{
  TlsFront *front = self->front;

  g_mutex_lock (&front->lock);
  g_ptr_array_remove (front->open, self);
  g_cond_broadcast (&front->changed);
  g_mutex_unlock (&front->lock);
}

/* Closing with bytes unread resets, as it does with any server. */
static gpointer
run_connection (gpointer user_data)
{
  Connection *self = user_data;
  GThread *upstream;

  if (self->backend >= 0 && shake_hands (self)) {
    upstream = g_thread_new ("tls-up", run_upstream, self);
    run_downstream (self);
    shutdown (self->client, SHUT_RD);
    shutdown (self->backend, SHUT_RDWR);
    g_thread_join (upstream);
  }
  leave (self);
  g_object_unref (self->tls);
  close (self->backend);
  g_free (self);

  return NULL;
}

static gpointer
run_listener (gpointer user_data)
{
  TlsFront *self = user_data;
  int fd;

  while ((fd = accept (self->listener, NULL, NULL)) >= 0) {
    Connection *connection = g_new0 (Connection, 1);

    connection->front = self;
    connection->client = fd;
    connection->backend = connect_to (self->backend);
    connection->tls = wrap (self, fd);
    g_mutex_lock (&self->lock);
    g_ptr_array_add (self->open, connection);
    g_mutex_unlock (&self->lock);
    g_thread_unref (g_thread_new ("tls-conn", run_connection, connection));
  }

  return NULL;
}

/* The front. */

TlsFront *
tls_front_new (const gchar * folder, guint16 backend, gboolean offers_h2)
{
  TlsFront *self = g_new0 (TlsFront, 1);
  gchar *certificate = g_build_filename (folder, "cert.pem", NULL);
  gchar *key = g_build_filename (folder, "key.pem", NULL);
  GError *error = NULL;

  self->certificate =
      g_tls_certificate_new_from_files (certificate, key, &error);
  if (!self->certificate)
    g_error ("no certificate: %s", error->message);
  g_free (certificate);
  g_free (key);
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  self->open = g_ptr_array_new ();
  self->protocols = g_ptr_array_new_with_free_func (g_free);
  self->backend = backend;
  self->offers_h2 = offers_h2;
  self->listener = open_socket (&self->port, bind);
  if (self->listener < 0 || listen (self->listener, 64) < 0)
    g_error ("no server: %s", g_strerror (errno));
  self->thread = g_thread_new ("tls-listen", run_listener, self);

  return self;
}

void
tls_front_free (TlsFront * self)
{
  guint i;

  shutdown (self->listener, SHUT_RDWR);
  g_thread_join (self->thread);
  close (self->listener);
  g_mutex_lock (&self->lock);
  for (i = 0; i < self->open->len; i++) {
    Connection *connection = g_ptr_array_index (self->open, i);

    shutdown (connection->client, SHUT_RDWR);
    shutdown (connection->backend, SHUT_RDWR);
  }
  while (self->open->len > 0)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);

  g_ptr_array_unref (self->open);
  g_ptr_array_unref (self->protocols);
  g_object_unref (self->certificate);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->changed);
  g_free (self);
}

gchar *
tls_front_get_url (TlsFront * self)
{
  return g_strdup_printf ("https://127.0.0.1:%u", self->port);
}

guint
tls_front_count (TlsFront * self, const gchar * protocol)
{
  guint count = 0, i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < self->protocols->len; i++)
    count += g_str_equal (g_ptr_array_index (self->protocols, i), protocol);
  g_mutex_unlock (&self->lock);

  return count;
}
