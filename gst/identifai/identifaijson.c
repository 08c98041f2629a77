/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "identifaijson.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define MAX_NUMBER_BYTES 128    /* longer ones are no numbers to us */
#define MAX_ESCAPE_BYTES 6      /* \uXXXX: one byte's longest spelling */

/* What may come next. */
typedef enum
{
  EXPECT_VALUE,
  EXPECT_VALUE_OR_CLOSE,
  EXPECT_KEY,
  EXPECT_KEY_OR_CLOSE,
  EXPECT_COLON,
  EXPECT_COMMA_OR_CLOSE,
  EXPECT_END,
  EXPECT_NOTHING                /* the text is bad */
} Expect;

typedef struct
{
  const gchar *next;
  const gchar *end;
  guint max_nesting;
  GByteArray *open;             /* the brackets that are open: '{' or '[' */
  const gchar *complaint;       /* static; why the text is bad */
} Checker;

static const gchar *
skip_space (const gchar * p, const gchar * end)
{
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
    p++;

  return p;
}

static gint
hex_digits (const gchar * p, const gchar * end)
{
  gint i, code = 0;

  if (end - p < 4)
    return -1;
  for (i = 0; i < 4; i++) {
    if (!g_ascii_isxdigit (p[i]))
      return -1;
    code = code << 4 | g_ascii_xdigit_value (p[i]);
  }

  return code;
}

/* The scan functions return the end of what starts at p, or NULL if it is not
 * well formed. */

static const gchar *
scan_escape (const gchar * p, const gchar * end)
{
  if (p == end)
    return NULL;
  if (*p == 'u')
    return hex_digits (p + 1, end) < 0 ? NULL : p + 5;

  return *p != '\0' && strchr ("\"\\/bfnrt", *p) ? p + 1 : NULL;
}

static const gchar *
scan_string (const gchar * p, const gchar * end)
{
  p++;
  while (p != NULL && p < end && *p != '"') {
    if ((guchar) * p < 0x20)
      return NULL;
    p = *p == '\\' ? scan_escape (p + 1, end) : p + 1;
  }

  return p != NULL && p < end ? p + 1 : NULL;
}

static const gchar *
scan_digits (const gchar * p, const gchar * end)
{
  if (p == end || !g_ascii_isdigit (*p))
    return NULL;
  while (p < end && g_ascii_isdigit (*p))
    p++;

  return p;
}

static const gchar *
scan_number (const gchar * p, const gchar * end)
{
  if (*p == '-')
    p++;
  if (p < end && *p == '0')
    p++;
  else
    p = scan_digits (p, end);

  if (p != NULL && p < end && *p == '.')
    p = scan_digits (p + 1, end);
  if (p != NULL && p < end && (*p == 'e' || *p == 'E')) {
    p++;
    if (p < end && (*p == '+' || *p == '-'))
      p++;
    p = scan_digits (p, end);
  }

  return p;
}

static const gchar *
scan_word (const gchar * p, const gchar * end)
{
  static const gchar *const words[] = { "true", "false", "null" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (words); i++) {
    gsize length = strlen (words[i]);

    if ((gsize) (end - p) >= length && memcmp (p, words[i], length) == 0)
      return p + length;
  }

  return NULL;
}

static const gchar *
scan_scalar (const gchar * p, const gchar * end)
{
  if (*p == '"')
    return scan_string (p, end);
  if (*p == '-' || g_ascii_isdigit (*p))
    return scan_number (p, end);

  return scan_word (p, end);
}

static Expect
checker_fail (Checker * self, const gchar * complaint)
{
  self->complaint = complaint;
  return EXPECT_NOTHING;
}

static Expect
checker_after_value (Checker * self)
{
  return self->open->len > 0 ? EXPECT_COMMA_OR_CLOSE : EXPECT_END;
}

static Expect
checker_open (Checker * self)
{
  guint8 bracket = *self->next++;

  if (self->open->len >= self->max_nesting)
    return checker_fail (self, "nested too deep");
  g_byte_array_append (self->open, &bracket, 1);

  return bracket == '{' ? EXPECT_KEY_OR_CLOSE : EXPECT_VALUE_OR_CLOSE;
}

static gboolean
checker_at_close (Checker * self)
{
  gchar bracket = self->open->data[self->open->len - 1];

  return *self->next == (bracket == '{' ? '}' : ']');
}

static Expect
checker_close (Checker * self)
{
  self->next++;
  g_byte_array_set_size (self->open, self->open->len - 1);

  return checker_after_value (self);
}

static Expect
checker_value (Checker * self)
{
  if (*self->next == '{' || *self->next == '[')
    return checker_open (self);
  self->next = scan_scalar (self->next, self->end);
  if (self->next == NULL)
    return checker_fail (self, "no valid value");

  return checker_after_value (self);
}

static Expect
checker_key (Checker * self)
{
  if (*self->next != '"')
    return checker_fail (self, "no key");
  self->next = scan_string (self->next, self->end);

  return self->next ? EXPECT_COLON : checker_fail (self, "no valid key");
}

static Expect
checker_comma (Checker * self)
{
  if (*self->next++ != ',')
    return checker_fail (self, "no comma or closing bracket");

  return self->open->data[self->open->len - 1] == '{' ?
      EXPECT_KEY : EXPECT_VALUE;
}

static Expect
checker_step (Checker * self, Expect expect)
{
  switch (expect) {
    case EXPECT_VALUE:
      return checker_value (self);
    case EXPECT_VALUE_OR_CLOSE:
      return checker_at_close (self) ? checker_close (self) :
          checker_value (self);
    case EXPECT_KEY:
      return checker_key (self);
    case EXPECT_KEY_OR_CLOSE:
      return checker_at_close (self) ? checker_close (self) :
          checker_key (self);
    case EXPECT_COLON:
      return *self->next++ == ':' ? EXPECT_VALUE :
          checker_fail (self, "no colon");
    case EXPECT_COMMA_OR_CLOSE:
      return checker_at_close (self) ? checker_close (self) :
          checker_comma (self);
    default:
      return checker_fail (self, "more than one value");
  }
}

static gboolean
checker_run (Checker * self)
{
  Expect expect = EXPECT_VALUE;

  for (;;) {
    self->next = skip_space (self->next, self->end);
    if (self->next == self->end)
      break;
    expect = checker_step (self, expect);
    if (expect == EXPECT_NOTHING)
      return FALSE;
  }
  if (expect != EXPECT_END)
    checker_fail (self, "cut short");

  return expect == EXPECT_END;
}

gboolean
identifai_json_check (const gchar * data, gsize length, guint max_nesting,
    IdentifaiJson * value, GError ** error)
{
  Checker checker = { data, data + length, max_nesting, NULL, NULL };
  gboolean good;

  if (length >= 3 && memcmp (data, "\357\273\277", 3) == 0)
    checker.next += 3;
  value->text = skip_space (checker.next, checker.end);
  value->length = 0;

  checker.open = g_byte_array_new ();
  good = checker_run (&checker);
  g_byte_array_unref (checker.open);
  if (!good) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "The answer is no valid JSON: %s", checker.complaint);
    return FALSE;
  }

  value->length = checker.end - value->text;
  while (g_ascii_isspace (value->text[value->length - 1]))
    value->length--;

  return TRUE;
}

IdentifaiJsonType
identifai_json_get_type (const IdentifaiJson * value)
{
  if (value->text == NULL)
    return IDENTIFAI_JSON_NULL;

  switch (*value->text) {
    case '{':
      return IDENTIFAI_JSON_OBJECT;
    case '[':
      return IDENTIFAI_JSON_ARRAY;
    case '"':
      return IDENTIFAI_JSON_STRING;
    case 't':
    case 'f':
      return IDENTIFAI_JSON_BOOLEAN;
    case 'n':
      return IDENTIFAI_JSON_NULL;
    default:
      return IDENTIFAI_JSON_NUMBER;
  }
}

/* The end of the array or object at p, in a text that was checked. */
static const gchar *
skip_container (const gchar * p, const gchar * end)
{
  gsize open = 0;

  while (p < end) {
    if (*p == '"') {
      p = scan_string (p, end);
      continue;
    }
    if (*p == '{' || *p == '[')
      open++;
    else if ((*p == '}' || *p == ']') && --open == 0)
      return p + 1;
    p++;
  }

  return end;
}

static const gchar *
take_value (const gchar * p, const gchar * end, IdentifaiJson * value)
{
  const gchar *after;

  p = skip_space (p, end);
  after = *p == '{' || *p == '[' ? skip_container (p, end) :
      scan_scalar (p, end);
  value->text = p;
  value->length = after - p;

  return skip_space (after, end);
}

void
identifai_json_iter_init (IdentifaiJsonIter * iter,
    const IdentifaiJson * container)
{
  IdentifaiJsonType type = identifai_json_get_type (container);

  memset (iter, 0, sizeof (*iter));
  if (type != IDENTIFAI_JSON_OBJECT && type != IDENTIFAI_JSON_ARRAY)
    return;

  iter->has_keys = type == IDENTIFAI_JSON_OBJECT;
  iter->end = container->text + container->length - 1;
  iter->next = skip_space (container->text + 1, iter->end);
}

gboolean
identifai_json_iter_next (IdentifaiJsonIter * iter, IdentifaiJson * key,
    IdentifaiJson * value)
{
  IdentifaiJson name = { NULL, 0 };

  if (iter->next == iter->end)
    return FALSE;

  if (iter->has_keys)           /* the colon follows */
    iter->next = take_value (iter->next, iter->end, &name) + 1;
  if (key != NULL)
    *key = name;
  iter->next = take_value (iter->next, iter->end, value);
  if (iter->next < iter->end)   /* a comma */
    iter->next++;

  return TRUE;
}

gboolean
identifai_json_get_member (const IdentifaiJson * object, const gchar * name,
    IdentifaiJson * value)
{
  IdentifaiJson key, member;
  IdentifaiJsonIter iter;

  value->text = NULL;
  value->length = 0;
  if (identifai_json_get_type (object) != IDENTIFAI_JSON_OBJECT)
    return FALSE;

  identifai_json_iter_init (&iter, object);
  while (identifai_json_iter_next (&iter, &key, &member)) {
    if (identifai_json_equals (&key, name))
      *value = member;
  }

  return value->text != NULL;
}

gboolean
identifai_json_equals (const IdentifaiJson * value, const gchar * string)
{
  gsize length = strlen (string);
  gchar *content;
  gboolean same;

  if (identifai_json_get_type (value) != IDENTIFAI_JSON_STRING
      || value->length > 2 + length * MAX_ESCAPE_BYTES)
    return FALSE;
  if (memchr (value->text, '\\', value->length) == NULL)
    return value->length == length + 2
        && memcmp (value->text + 1, string, length) == 0;

  content = identifai_json_dup_string (value);
  same = strcmp (content, string) == 0;
  g_free (content);

  return same;
}

/* Appends what the escape of four hexadecimal digits at p stands for, with the
 * low surrogate that follows a high one. Returns its end. */
static const gchar *
unescape_unicode (const gchar * p, const gchar * end, GString * out)
{
  gunichar code = hex_digits (p, end);
  gint low = -1;

  p += 4;
  if (code >= 0xd800 && code < 0xdc00 && end - p >= 6 && p[0] == '\\'
      && p[1] == 'u')
    low = hex_digits (p + 2, end);
  if (low >= 0xdc00 && low < 0xe000) {
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    p += 6;
  }

  /* a C string can't hold U+0000, UTF-8 no surrogate */
  if (code == 0 || (code >= 0xd800 && code < 0xe000))
    code = 0xfffd;
  g_string_append_unichar (out, code);

  return p;
}

static const gchar *
unescape (const gchar * p, const gchar * end, GString * out)
{
  static const gchar letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
  const gchar *letter = strchr (letters, *p);

  if (*p == 'u')
    return unescape_unicode (p + 1, end, out);
  g_string_append_c (out, letter ? meanings[letter - letters] : *p);

  return p + 1;
}

gchar *
identifai_json_dup_string (const IdentifaiJson * value)
{
  const gchar *p, *end, *escape;
  GString *out;

  if (identifai_json_get_type (value) != IDENTIFAI_JSON_STRING)
    return NULL;

  p = value->text + 1;
  end = value->text + value->length - 1;
  out = g_string_sized_new (end - p + 1);
  while ((escape = memchr (p, '\\', end - p)) != NULL) {
    g_string_append_len (out, p, escape - p);
    p = unescape (escape + 1, end, out);
  }
  g_string_append_len (out, p, end - p);

  return g_string_free (out, FALSE);
}

gboolean
identifai_json_get_boolean (const IdentifaiJson * value, gboolean * result)
{
  if (identifai_json_get_type (value) != IDENTIFAI_JSON_BOOLEAN)
    return FALSE;
  *result = *value->text == 't';

  return TRUE;
}

/* The number with a NUL behind it, for the C library. */
static gboolean
copy_number (const IdentifaiJson * value, gchar copy[MAX_NUMBER_BYTES + 1])
{
  if (identifai_json_get_type (value) != IDENTIFAI_JSON_NUMBER
      || value->length > MAX_NUMBER_BYTES)
    return FALSE;
  memcpy (copy, value->text, value->length);
  copy[value->length] = '\0';

  return TRUE;
}

gboolean
identifai_json_get_double (const IdentifaiJson * value, gdouble * result)
{
  gchar copy[MAX_NUMBER_BYTES + 1];

  if (!copy_number (value, copy))
    return FALSE;
  *result = g_ascii_strtod (copy, NULL);

  return isfinite (*result);
}

gboolean
identifai_json_get_int64 (const IdentifaiJson * value, gint64 * result)
{
  gchar copy[MAX_NUMBER_BYTES + 1];

  if (!copy_number (value, copy) || strpbrk (copy, ".eE") != NULL)
    return FALSE;
  errno = 0;
  *result = g_ascii_strtoll (copy, NULL, 10);

  return errno == 0;
}
