/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Parses headers, and refuses those that are the client's own. Immutable once made: any
 * thread.
 */

#include "extraheaders.h"
#include <string.h>
#include "redact.h"

struct _IdentifaiExtraHeaders
{
  gatomicrefcount refcount;
  GPtrArray *headers;           /* of Header */
};

typedef struct
{
  gchar *name;
  gchar *value;
} Header;

/* What we send ourselves, and what belongs to a connection. */
static const gchar *const reserved[] = {
  "X-Api-Key", "Accept", "Accept-Encoding", "Content-Type", "Content-Length",
  "Content-Encoding", "Host", "User-Agent", "Expect", "Transfer-Encoding",
  "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE",
  "Trailer", "Upgrade", "HTTP2-Settings",
};

/* A name with one of these in it authorises. */
static const gchar *const authorising[] = {
  "auth", "cookie", "credential", "key", "password", "secret", "session",
  "signature", "token", "access",
};

static void
header_free (gpointer data)
{
  Header *header = data;

  memset (header->value, 0, strlen (header->value));
  g_free (header->name);
  g_free (header->value);
  g_free (header);
}

IdentifaiExtraHeaders *
identifai_extra_headers_new (void)
{
  IdentifaiExtraHeaders *self = g_new0 (IdentifaiExtraHeaders, 1);

  g_atomic_ref_count_init (&self->refcount);
  self->headers = g_ptr_array_new_with_free_func (header_free);

  return self;
}

IdentifaiExtraHeaders *
identifai_extra_headers_ref (IdentifaiExtraHeaders * self)
{
  if (self != NULL)
    g_atomic_ref_count_inc (&self->refcount);

  return self;
}

void
identifai_extra_headers_unref (IdentifaiExtraHeaders * self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->refcount))
    return;

  g_ptr_array_unref (self->headers);
  g_free (self);
}

static gboolean
is_reserved (const gchar * name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (reserved); i++) {
    if (g_ascii_strcasecmp (name, reserved[i]) == 0)
      return TRUE;
  }

  return FALSE;
}

/* RFC 9110, 5.6.2. */
static gboolean
is_token (const gchar * name)
{
  const gchar *p;

  for (p = name; g_ascii_isalnum (*p) || (*p != '\0'
          && strchr ("!#$%&'*+-.^_`|~", *p) != NULL); p++);

  return p > name && *p == '\0';
}

static const gchar *
find_fault (const gchar * name, const gchar * value)
{
  const gchar *p;

  if (!is_token (name))
    return "that is no name of a header";
  if (g_ascii_strcasecmp (name, "Proxy-Authorization") == 0)
    return "give the proxy's password in the property proxy";
  if (is_reserved (name))
    return "this one is set by the element, or belongs to the connection";
  for (p = value; *p != '\0'; p++) {
    /* A line break would end the header, and what follows begin another one. */
    if (g_ascii_iscntrl (*p) && *p != '\t')
      return "its value holds a line break or another control character";
  }

  return NULL;
}

gboolean
identifai_extra_headers_add (IdentifaiExtraHeaders * self, const gchar * name,
    const gchar * value, GError ** error)
{
  const gchar *fault = find_fault (name, value);
  Header *header;

  if (fault != NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "%s is not "
        "sent: %s", name, fault);
    return FALSE;
  }

  header = g_new (Header, 1);
  header->name = g_strdup (name);
  header->value = g_strstrip (g_strdup (value));
  g_ptr_array_add (self->headers, header);

  return TRUE;
}

guint
identifai_extra_headers_get_count (const IdentifaiExtraHeaders * self)
{
  return self != NULL ? self->headers->len : 0;
}

static const Header *
get_header (const IdentifaiExtraHeaders * self, guint index)
{
  return g_ptr_array_index (self->headers, index);
}

const gchar *
identifai_extra_headers_get_name (const IdentifaiExtraHeaders * self,
    guint index)
{
  return get_header (self, index)->name;
}

gboolean
identifai_extra_headers_equal (const IdentifaiExtraHeaders * one,
    const IdentifaiExtraHeaders * other)
{
  guint count = identifai_extra_headers_get_count (one), i;

  if (one == other)
    return TRUE;
  if (count != identifai_extra_headers_get_count (other))
    return FALSE;

  for (i = 0; i < count; i++) {
    const Header *a = get_header (one, i), *b = get_header (other, i);

    if (g_ascii_strcasecmp (a->name, b->name) != 0
        || !g_str_equal (a->value, b->value))
      return FALSE;
  }

  return TRUE;
}

void
identifai_extra_headers_append_to (const IdentifaiExtraHeaders * self,
    SoupMessageHeaders * headers)
{
  guint i;

  for (i = 0; i < identifai_extra_headers_get_count (self); i++)
    soup_message_headers_append (headers, get_header (self, i)->name,
        get_header (self, i)->value);
}

static gboolean
is_authorising (const gchar * name)
{
  gchar *lower = g_ascii_strdown (name, -1);
  gboolean found = FALSE;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (authorising) && !found; i++)
    found = strstr (lower, authorising[i]) != NULL;
  g_free (lower);

  return found;
}

gchar *
identifai_extra_headers_get_authority (const IdentifaiExtraHeaders * self)
{
  GChecksum *checksum = g_checksum_new (G_CHECKSUM_SHA256);
  gchar *authority = NULL;
  gboolean found = FALSE;
  guint i;

  for (i = 0; i < identifai_extra_headers_get_count (self); i++) {
    const Header *header = get_header (self, i);

    if (!is_authorising (header->name) || header->value[0] == '\0')
      continue;
    found = TRUE;
    g_checksum_update (checksum, (const guchar *) header->value,
        strlen (header->value) + 1);
  }
  if (found)
    authority = g_strdup (g_checksum_get_string (checksum));
  g_checksum_free (checksum);

  return authority;
}

/* Of "session=TOKEN" or keyId="TOKEN", an answer quotes the token. */
static void
hide_assigned (gchar * word, gchar * text, gsize length, gboolean is_result)
{
  gchar *value = strchr (word, '=');

  if (value == NULL)
    return;
  value += strspn (value, "=\"");
  value[strcspn (value, "\"")] = '\0';
  identifai_redact (text, length, value, is_result);
}

/* Word by word: of "Bearer TOKEN", an answer quotes the token. */
static void
hide_value (const gchar * value, gchar * text, gsize length, gboolean is_result)
{
  gchar **words = g_strsplit_set (value, " \t,;", -1);
  guint i;

  for (i = 0; words[i] != NULL; i++) {
    gsize size = strlen (words[i]);

    identifai_redact (text, length, words[i], is_result);
    hide_assigned (words[i], text, length, is_result);
    memset (words[i], 0, size);
  }
  g_strfreev (words);
}

void
identifai_extra_headers_hide (const IdentifaiExtraHeaders * self, gchar * text,
    gsize length, gboolean is_result)
{
  guint i;

  for (i = 0; i < identifai_extra_headers_get_count (self); i++) {
    const Header *header = get_header (self, i);

    if (!is_result || is_authorising (header->name))
      hide_value (header->value, text, length, is_result);
  }
}
