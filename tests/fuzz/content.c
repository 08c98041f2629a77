/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A packed answer: the first line is its Content-Encoding, the rest its body. The line
 * is an address, too, from which a file gets its name.
 */

#include "target.h"

#include <string.h>

#include "container.h"
#include "contentdecoder.h"

#define MAX_UNPACKED 20000

static void
unpack (const gchar * coding, const guint8 * data, gsize size)
{
  GBytes *packed = g_bytes_new (data, size), *unpacked = NULL;
  GError *error = NULL;
  gboolean good = identifai_content_decode (packed, coding, MAX_UNPACKED,
      &unpacked, &error);

  g_assert_true (good == (error == NULL));
  g_assert_nonnull (unpacked);
  if (error != NULL)
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  if (!identifai_content_is_encoded (coding))
    g_assert_true (good && g_bytes_equal (packed, unpacked));
  else
    g_assert_cmpuint (g_bytes_get_size (unpacked), <=, MAX (MAX_UNPACKED,
            size));
  g_clear_error (&error);
  g_bytes_unref (unpacked);
  g_bytes_unref (packed);
}

/* What has a meaning in a header is escaped where it goes into one. */
static void
find_name (const gchar * uri)
{
  gchar *name = identifai_container_name_from_uri ("fuzz", uri, "mp4");

  g_assert_true (name == NULL || strchr (name, '/') == NULL);
  g_assert_true (name == NULL || (*name != '\0'
          && g_utf8_validate (name, -1, NULL)));
  g_free (name);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  const guint8 *end = size > 0 ? memchr (data, '\n', size) : NULL;
  gsize head = end != NULL ? (gsize) (end - data) : size;
  gchar *line;

  if (size == 0)
    return 0;
  line = g_strndup ((const gchar *) data, head);
  unpack (line, data + MIN (head + 1, size), size - MIN (head + 1, size));
  find_name (line);
  g_free (line);

  return 0;
}
