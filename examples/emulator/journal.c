/* identifai-emulator: what was refused or went wrong on purpose, for the page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "journal.h"

struct _EmuJournal
{
  GQueue incidents;             /* of JsonObject, newest first */
  guint64 count;                /* of incidents ever */
  gint64 number;                /* of the newest one that isn't the same again */
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

gchar *
emu_journal_cut (const gchar * text)
{
  g_autofree gchar *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  g_autofree gchar *start = NULL;

  if (g_utf8_strlen (valid, -1) <= EMU_MAX_TEXT)
    return g_steal_pointer (&valid);
  start = g_utf8_substring (valid, 0, EMU_MAX_TEXT);
  return g_strconcat (start, "…", NULL);
}

static void
set_text (JsonObject * object, const gchar * name, const gchar * text)
{
  g_autofree gchar *cut = emu_journal_cut (text);

  json_object_set_string_member (object, name, cut);
}

static JsonObject *
make_incident (const gchar * method, const gchar * path, guint status,
    const gchar * why, const gchar * fields)
{
  JsonObject *object = json_object_new ();

  set_text (object, "method", method);
  set_text (object, "path", path);
  json_object_set_int_member (object, "status", status);
  set_text (object, "why", why);
  set_text (object, "fields", fields);
  return object;
}

static gboolean
is_same (JsonObject * one, JsonObject * other)
{
  static const gchar *const texts[] = { "method", "path", "why", "fields" };
  gboolean same = json_object_get_int_member (one, "status")
      == json_object_get_int_member (other, "status");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (texts); i++)
    same = same && g_str_equal (json_object_get_string_member (one, texts[i]),
        json_object_get_string_member (other, texts[i]));
  return same;
}

void
emu_journal_add (EmuJournal * self, const gchar * method, const gchar * path,
    guint status, const gchar * why, const gchar * fields)
{
  JsonObject *object = make_incident (method, path, status, why, fields);
  JsonObject *newest = g_queue_peek_head (&self->incidents);
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autofree gchar *date = g_date_time_format_iso8601 (now);
  gint64 times = 1;

  /* Who is throttled tries on and on, and would push out all the others. */
  if (newest != NULL && is_same (newest, object)) {
    times += json_object_get_int_member (newest, "times");
    json_object_unref (g_queue_pop_head (&self->incidents));
  }
  json_object_set_string_member (object, "date", date);
  json_object_set_int_member (object, "times", times);
  json_object_set_int_member (object, "number", times == 1 ? ++self->number
      : self->number);
  self->count++;
  g_queue_push_head (&self->incidents, object);
  if (g_queue_get_length (&self->incidents) > EMU_MAX_INCIDENTS)
    json_object_unref (g_queue_pop_tail (&self->incidents));
}

guint64
emu_journal_get_count (EmuJournal * self)
{
  return self->count;
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
