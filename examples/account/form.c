/* identifai-account: forms
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include <string.h>

struct _AccountForm
{
  gchar *boundary, *content_type;
  GString *text;
  GBytes *body;                 /* NULL before it is filled in */
};

/* No value that anybody makes up has it. */
AccountForm *
account_form_new (void)
{
  AccountForm *self = g_new0 (AccountForm, 1);

  self->boundary = g_uuid_string_random ();
  self->content_type = g_strdup_printf ("multipart/form-data; boundary=%s",
      self->boundary);
  self->text = g_string_new (NULL);

  return self;
}

/* It may hold a password. */
void
account_form_free (AccountForm * self)
{
  memset (self->text->str, 0, self->text->len);
  g_string_free (self->text, TRUE);
  g_clear_pointer (&self->body, g_bytes_unref);
  g_free (self->content_type);
  g_free (self->boundary);
  g_free (self);
}

/* As browsers do (HTML, 4.10.21.8). */
static void
append_name (GString * text, const gchar * name)
{
  for (; *name != '\0'; name++) {
    if (*name == '"')
      g_string_append (text, "%22");
    else if (*name == '\r')
      g_string_append (text, "%0D");
    else if (*name == '\n')
      g_string_append (text, "%0A");
    else
      g_string_append_c (text, *name);
  }
}

void
account_form_add (AccountForm * self, const gchar * name, const gchar * value)
{
  if (value == NULL)
    return;
  g_string_append_printf (self->text, "--%s\r\n"
      "Content-Disposition: form-data; name=\"", self->boundary);
  append_name (self->text, name);
  g_string_append_printf (self->text, "\"\r\n\r\n%s\r\n", value);
}

void
account_form_fill (AccountForm * self, IdentifaiServiceCall * call)
{
  g_string_append_printf (self->text, "--%s--\r\n", self->boundary);
  self->body = g_bytes_new_static (self->text->str, self->text->len);
  call->method = "POST";
  call->content_type = self->content_type;
  call->body = self->body;
}
