/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads a key, by a thread of its own so that a hanging mount holds up nobody. Any
 * thread.
 */

#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <glib/gstdio.h>
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_HTTP)

#define MAX_KEY_BYTES 4096
/* For keys from a pipe (process substitution): how long all of it may take. */
#define KEY_PATIENCE (2 * G_TIME_SPAN_SECOND)
/* What a thread that others wait for has. */
#define MOMENT (100 * G_TIME_SPAN_MILLISECOND)

static int
get_milliseconds_until (gint64 until)
{
  gint64 left = until - g_get_monotonic_time ();

  return left > 0 ? left / G_TIME_SPAN_MILLISECOND + 1 : 0;
}

/* Reads up to size bytes, or the end of the first line; -1 with errno. Waits no
 * longer than KEY_PATIENCE. */
static gssize
read_start (int fd, gchar * buffer, gsize size)
{
  struct pollfd ready = {.fd = fd,.events = POLLIN };
  gint64 until = g_get_monotonic_time () + KEY_PATIENCE;
  gsize length = 0;

  while (length < size) {
    gssize got;

    if (poll (&ready, 1, get_milliseconds_until (until)) == 0) {
      errno = ETIMEDOUT;
      return -1;
    }
    got = read (fd, buffer + length, size - length);
    if (got < 0 && errno != EINTR && errno != EAGAIN)
      return -1;
    if (got == 0)
      break;
    length += MAX (got, 0);
    if (memchr (buffer, '\n', length))
      break;
  }

  return length;
}

/* Some editors write a mark of the encoding in front of the text. */
static const gchar *
skip_byte_order_mark (const gchar * text)
{
  return g_str_has_prefix (text, "\357\273\277") ? text + 3 : text;
}

gchar *
identifai_key_check (const gchar * key, GError ** error)
{
  gchar *checked = g_strstrip (g_strdup (skip_byte_order_mark (key)));
  const gchar *p;

  for (p = checked; g_ascii_isgraph (*p); p++);
  if (p > checked && !*p)
    return checked;

  /* A line break would end the header, and what follows begin another one. */
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      p == checked && !*p ? "the API key is empty" : "the API key is none: it "
      "may only hold printable ASCII characters and no spaces");
  g_free (checked);

  return NULL;
}

static gchar *
take_first_line (const gchar * path, gchar * text, GError ** error)
{
  gchar *key = NULL;

  text[strcspn (text, "\n")] = '\0';
  if (strlen (text) < MAX_KEY_BYTES)
    key = identifai_key_check (text, error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "its first line is too long for a key");
  if (!key)
    g_prefix_error (error, "key file %s can't be used: ", path);

  return key;
}

/* An IdentifaiReadFunc. */
static gpointer
read_key (const gchar * path, GError ** error)
{
  gchar buffer[MAX_KEY_BYTES + 1];
  gchar *key = NULL;
  gint64 start = g_get_monotonic_time ();
  gssize length = -1;
  int fd, code;

  /* Non-blocking, as a FIFO without a writer would wait for one. */
  fd = g_open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd >= 0)
    length = read_start (fd, buffer, MAX_KEY_BYTES);
  code = errno;                 /* the log may set another */
  GST_DEBUG ("key file %s: %s, after %d ms", path, length >= 0 ? "read" :
      g_strerror (code), (gint) ((g_get_monotonic_time () - start) / 1000));

  if (length < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "key file %s can't be read: %s", path, code == ETIMEDOUT ?
        "its first line took too long to come" : g_strerror (code));
  } else {
    buffer[length] = '\0';
    key = take_first_line (path, buffer, error);
  }

  if (fd >= 0)
    close (fd);
  /* The rest of the file, if any, is nobody's business. */
  memset (buffer, 0, sizeof (buffer));

  return key;
}

static gchar *
read_within (const gchar * path, gint64 patience, IdentifaiLateRead * late,
    GError ** error)
{
  gchar *key = identifai_bounded_read_or_late (path, read_key, g_free,
      patience, late, error);

  if (key == NULL && error != NULL
      && g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT)
      && !g_str_has_prefix ((*error)->message, "key file "))
    g_prefix_error (error, "key file ");

  return key;
}

gchar *
identifai_key_file_read (const gchar * path, GError ** error)
{
  return read_within (path, IDENTIFAI_READ_PATIENCE, NULL, error);
}

gchar *
identifai_key_file_read_or_late (const gchar * path, IdentifaiLateRead * late,
    GError ** error)
{
  return read_within (path, MOMENT, late, error);
}
