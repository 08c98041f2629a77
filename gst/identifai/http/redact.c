/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Finds the key in a text in all spellings that a server may give it. Pure.
 */

#include "redact.h"

#include <string.h>

#define MIN_HIDDEN 8
#define MAX_NAME_REST 64        /* of a member's name, behind a secret in it */
#define MAX_ENTITY 12

/* The value of the hexadecimal or decimal digits at p; *end is behind them. -1:
 * there are none, or they are no ASCII character. */
static gint
read_code (const gchar * p, const gchar * limit, guint base, gsize max_digits,
    const gchar ** end)
{
  const gchar *start = p;
  guint code = 0;

  for (; p < limit && (gsize) (p - start) < max_digits
      && (base == 16 ? g_ascii_isxdigit (*p) : g_ascii_isdigit (*p)); p++) {
    code = code * base + g_ascii_xdigit_value (*p);
    code = MIN (code, 0x10ffff);
  }
  *end = p;

  return p > start && code < 0x80 ? (gint) code : -1;
}

/* Each of these returns the length of a spelling of c at p, or 0. */

static gsize
match_json (const gchar * p, const gchar * limit, gchar c)
{
  const gchar *end;

  if (limit - p < 2 || p[0] != '\\')
    return 0;
  if (p[1] == c && strchr ("\"\\/", c) != NULL)
    return 2;
  if (p[1] == 'u' && read_code (p + 2, limit, 16, 4, &end) == c && end == p + 6)
    return 6;

  return 0;
}

static gsize
match_entity (const gchar * p, const gchar * limit, gchar c)
{
  static const struct
  {
    const gchar *name;
    gchar c;
  } entities[] = {
    {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'},
    {"&apos;", '\''},
  };
  const gchar *end;
  gboolean hex;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (entities); i++) {
    gsize length = strlen (entities[i].name);

    if (entities[i].c == c && (gsize) (limit - p) >= length
        && memcmp (p, entities[i].name, length) == 0)
      return length;
  }
  if (limit - p < 4 || p[0] != '&' || p[1] != '#')
    return 0;
  hex = p[2] == 'x' || p[2] == 'X';
  if (read_code (p + 2 + hex, limit, hex ? 16 : 10, MAX_ENTITY, &end) != c
      || end == limit || *end != ';')
    return 0;

  return end + 1 - p;
}

static gsize
match_percent (const gchar * p, const gchar * limit, gchar c)
{
  const gchar *end;

  return p[0] == '%' && read_code (p + 1, limit, 16, 2, &end) == c
      && end == p + 3 ? 3 : 0;
}

static gsize
match_character (const gchar * p, const gchar * limit, gchar c)
{
  gsize length = 0;

  if (*p == '\\')
    length = match_json (p, limit, c);
  else if (*p == '&')
    length = match_entity (p, limit, c);
  else if (*p == '%')
    length = match_percent (p, limit, c);

  return length > 0 ? length : *p == c;
}

/* The end of secret at p, or NULL. */
static gchar *
match_secret (gchar * p, const gchar * limit, const gchar * secret)
{
  gsize plain = strlen (secret);

  /* What is a spelling of something may be meant as it stands. */
  if ((gsize) (limit - p) >= plain && memcmp (p, secret, plain) == 0)
    return p + plain;

  for (; *secret != '\0'; secret++) {
    gsize length = p < limit ? match_character (p, limit, *secret) : 0;

    if (length == 0)
      return NULL;
    p += length;
  }

  return p;
}

static gboolean
looks_like_word (const gchar * secret)
{
  for (; g_ascii_islower (*secret) || *secret == '_' || *secret == '-';
      secret++);

  return *secret == '\0';
}

/* Whether the string that p is in is the name of a member. */
static gboolean
is_in_name (const gchar * p, const gchar * limit)
{
  const gchar *end = limit - p > MAX_NAME_REST ? p + MAX_NAME_REST : limit;

  while (p < end && (g_ascii_isalnum (*p) || *p == '_' || *p == '-'))
    p++;
  if (p == limit || *p++ != '"')
    return FALSE;
  while (p < limit && g_ascii_isspace (*p))
    p++;

  return p < limit && *p == ':';
}

/* How far to the next place where secret may start. An escape is one character,
 * unless it is none and its backslash stands for itself. */
static gsize
step_over (const gchar * p, const gchar * limit)
{
  if (*p != '\\' || limit - p < 2)
    return 1;

  return p[1] == 'u' && limit - p >= 6 ? 6 : 2;
}

void
identifai_redact (gchar * text, gsize length, const gchar * secret,
    gboolean spare_names)
{
  gchar *p = text, *limit = text + length, *end;

  if (strlen (secret) < MIN_HIDDEN)
    return;
  spare_names = spare_names && looks_like_word (secret);

  while (p < limit) {
    end = match_secret (p, limit, secret);
    /* In text that isn't JSON, a backslash in front of it. */
    if (end == NULL && *p == '\\' && p + 1 < limit)
      end = match_secret (p + 1, limit, secret);
    if (end == NULL || (spare_names && is_in_name (end, limit))) {
      p += step_over (p, limit);
    } else {
      memset (p, '*', end - p);
      p = end;
    }
  }
}
