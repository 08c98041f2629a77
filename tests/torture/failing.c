/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#define _GNU_SOURCE             /* RTLD_NEXT, dladdr() */
#undef _FILE_OFFSET_BITS        /* makes open() another name of open64() */
#include "failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gst/gst.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_FD 4096

static const gchar *const names[N_CALLS] = {
  "map", "factory", "thread", "connect", "send", "receive", "lookup", "open"
};

static gint counts[N_CALLS];
static FailingCall the_call = N_CALLS;
static gint the_nth;
static guint16 the_port;
static gint to_service[MAX_FD]; /* sockets */

/* An item of a pool that found no thread waits in the pool's queue. */
static GMutex held_lock;
static GPtrArray *held_pools, *held_items;

const gchar *
failing_name (FailingCall call)
{
  return names[call];
}

void
failing_arm (FailingCall call, guint nth, guint16 port)
{
  memset (counts, 0, sizeof counts);
  the_call = call;
  the_nth = nth;
  the_port = port;
}

guint
failing_get_count (FailingCall call)
{
  return g_atomic_int_get (&counts[call]);
}

/* Counts the call; whether it has to fail. */
static gboolean
fails (FailingCall call)
{
  gint nth = g_atomic_int_add (&counts[call], 1) + 1;

  return call == the_call && nth == the_nth;
}

static gboolean
is_ours (gconstpointer caller)
{
  Dl_info info;

  return dladdr (caller, &info) != 0 && info.dli_fname != NULL
      && strstr (info.dli_fname, "libgstidentifai") != NULL;
}

#define CALLED_BY_US() is_ours (__builtin_return_address (0))
#define REAL(name) ((__typeof__ (&name)) dlsym (RTLD_NEXT, #name))

/* GStreamer. */

gboolean
gst_buffer_map (GstBuffer * buffer, GstMapInfo * info, GstMapFlags flags)
{
  if (CALLED_BY_US () && fails (CALL_MAP))
    return FALSE;

  return REAL (gst_buffer_map) (buffer, info, flags);
}

gboolean
gst_memory_map (GstMemory * memory, GstMapInfo * info, GstMapFlags flags)
{
  if (CALLED_BY_US () && fails (CALL_MAP))
    return FALSE;

  return REAL (gst_memory_map) (memory, info, flags);
}

GstElement *
gst_element_factory_make (const gchar * factory, const gchar * name)
{
  if (CALLED_BY_US () && fails (CALL_FACTORY))
    return NULL;

  return REAL (gst_element_factory_make) (factory, name);
}

GstElementFactory *
gst_element_factory_find (const gchar * name)
{
  if (CALLED_BY_US () && fails (CALL_FACTORY))
    return NULL;

  return REAL (gst_element_factory_find) (name);
}

/* Threads. */

static void
set_thread_error (GError ** error)
{
  g_set_error (error, G_THREAD_ERROR, G_THREAD_ERROR_AGAIN,
      "Error creating thread: %s", g_strerror (EAGAIN));
}

GThread *
g_thread_new (const gchar * name, GThreadFunc func, gpointer data)
{
  if (CALLED_BY_US () && fails (CALL_THREAD))
    g_error ("creating thread '%s': %s", name, g_strerror (EAGAIN));

  return REAL (g_thread_new) (name, func, data);
}

GThread *
g_thread_try_new (const gchar * name, GThreadFunc func, gpointer data,
    GError ** error)
{
  if (CALLED_BY_US () && fails (CALL_THREAD)) {
    set_thread_error (error);
    return NULL;
  }

  return REAL (g_thread_try_new) (name, func, data, error);
}

static void
hold (GThreadPool * pool, gpointer item)
{
  g_mutex_lock (&held_lock);
  if (held_pools == NULL) {
    held_pools = g_ptr_array_new ();
    held_items = g_ptr_array_new ();
  }
  g_ptr_array_add (held_pools, pool);
  g_ptr_array_add (held_items, item);
  g_mutex_unlock (&held_lock);
}

/* One that waits in the pool, or NULL. */
static gpointer
take_held (GThreadPool * pool)
{
  gpointer item = NULL;
  guint i;

  g_mutex_lock (&held_lock);
  if (held_pools != NULL && g_ptr_array_find (held_pools, pool, &i)) {
    item = g_ptr_array_index (held_items, i);
    g_ptr_array_remove_index (held_pools, i);
    g_ptr_array_remove_index (held_items, i);
  }
  g_mutex_unlock (&held_lock);

  return item;
}

static void
push_held (GThreadPool * pool)
{
  gpointer item;

  while ((item = take_held (pool)) != NULL)
    REAL (g_thread_pool_push) (pool, item, NULL);
}

gboolean
g_thread_pool_push (GThreadPool * pool, gpointer data, GError ** error)
{
  if (!CALLED_BY_US ())
    return REAL (g_thread_pool_push) (pool, data, error);
  if (fails (CALL_THREAD)) {
    hold (pool, data);
    set_thread_error (error);
    return FALSE;
  }
  push_held (pool);

  return REAL (g_thread_pool_push) (pool, data, error);
}

/* Looks for threads for what waits, even if the number is the same. */
gboolean
g_thread_pool_set_max_threads (GThreadPool * pool, gint n, GError ** error)
{
  push_held (pool);

  return REAL (g_thread_pool_set_max_threads) (pool, n, error);
}

/* Sockets. */

static gboolean
is_service (int fd, const struct sockaddr *address)
{
  const struct sockaddr_in *in = (const struct sockaddr_in *) address;
  gboolean yes = address->sa_family == AF_INET && ntohs (in->sin_port)
      == the_port;

  if (fd >= 0 && fd < MAX_FD)
    g_atomic_int_set (&to_service[fd], yes);

  return yes;
}

static gboolean
breaks (int fd, FailingCall call)
{
  if (fd < 0 || fd >= MAX_FD || !g_atomic_int_get (&to_service[fd])
      || !fails (call))
    return FALSE;
  errno = ECONNRESET;

  return TRUE;
}

int
connect (int fd, const struct sockaddr *address, socklen_t length)
{
  if (is_service (fd, address) && fails (CALL_CONNECT)) {
    errno = EHOSTUNREACH;
    return -1;
  }

  return REAL (connect) (fd, address, length);
}

ssize_t
send (int fd, const void *data, size_t size, int flags)
{
  return breaks (fd, CALL_SEND) ? -1 : REAL (send) (fd, data, size, flags);
}

ssize_t
sendmsg (int fd, const struct msghdr *message, int flags)
{
  return breaks (fd, CALL_SEND) ? -1 : REAL (sendmsg) (fd, message, flags);
}

ssize_t
recv (int fd, void *data, size_t size, int flags)
{
  return breaks (fd, CALL_RECEIVE) ? -1 : REAL (recv) (fd, data, size, flags);
}

ssize_t
recvmsg (int fd, struct msghdr *message, int flags)
{
  return breaks (fd, CALL_RECEIVE) ? -1 : REAL (recvmsg) (fd, message, flags);
}

int
getaddrinfo (const char *node, const char *service,
    const struct addrinfo *hints, struct addrinfo **found)
{
  if (g_strcmp0 (node, FAILING_HOST) != 0)
    return REAL (getaddrinfo) (node, service, hints, found);
  if (fails (CALL_LOOKUP))
    return EAI_AGAIN;

  return REAL (getaddrinfo) ("127.0.0.1", service, hints, found);
}

/* Files. */

static gboolean
cannot_open (const char *path)
{
  if (!g_str_has_suffix (path, FAILING_FILE) || !fails (CALL_OPEN))
    return FALSE;
  errno = EMFILE;

  return TRUE;
}

static mode_t
read_mode (int flags, va_list list)
{
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg (list, mode_t) : 0;
}

int
open (const char *path, int flags, ...)
{
  va_list list;
  mode_t mode;

  va_start (list, flags);
  mode = read_mode (flags, list);
  va_end (list);

  return cannot_open (path) ? -1 : REAL (open) (path, flags, mode);
}

int
open64 (const char *path, int flags, ...)
{
  va_list list;
  mode_t mode;

  va_start (list, flags);
  mode = read_mode (flags, list);
  va_end (list);

  return cannot_open (path) ? -1 : REAL (open64) (path, flags, mode);
}
