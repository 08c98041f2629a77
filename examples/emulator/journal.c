/* identifai-emulator: what was refused or went wrong on purpose, for the page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "journal.h"

#define MAX_TEXT 300            /* characters */

struct _EmuJournal
{
  GQueue incidents;             /* of JsonObject, newest first */
};

EmuJournal *
emu_journal_new (void)
{
  return g_new0 (EmuJournal, 1);
}

void
emu_journal_free (EmuJournal * self)
{
  g_queue_clear_full (&self->incidents, (GDestroyNotify) json_object_unref);
  g_free (self);
}

static void
set_text (JsonObject * object, const gchar * name, const gchar * text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autofree gchar *cut = g_utf8_substring (valid, 0,
      MIN (g_utf8_strlen (valid, -1), MAX_TEXT));

  json_object_set_string_member (object, name, cut);
}

void
emu_journal_add (EmuJournal * self, const gchar * method, const gchar * path,
    guint status, const gchar * why, const gchar * fields)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format_iso8601 (now);

  json_object_set_string_member (object, "date", date);
  set_text (object, "method", method);
  set_text (object, "path", path);
  json_object_set_int_member (object, "status", status);
  set_text (object, "why", why);
  set_text (object, "fields", fields);
  g_queue_push_head (&self->incidents, object);
  if (g_queue_get_length (&self->incidents) > EMU_MAX_INCIDENTS)
    json_object_unref (g_queue_pop_tail (&self->incidents));
}

JsonArray *
emu_journal_build (EmuJournal * self)
{
  JsonArray *array = json_array_new ();
  GList *link;

  for (link = self->incidents.head; link != NULL; link = link->next)
    json_array_add_object_element (array, json_object_ref (link->data));
  return array;
}
