/* identifai-moderate: which segments become evidence
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "evidence.h"
#include "jsontext.h"
#include "record.h"

#include <string.h>

/* So many of a session wait to be a neighbour: outcomes come in nearly any order. */
#define REMEMBERED 4

/* Ended, and not evidence yet. */
typedef struct
{
  guint number;
  gboolean flagged;
  JsonObject *line;             /* NULL: it is on its way to the disk */
  GstBuffer *file;              /* NULL: none was attached */
  gchar *answer;                /* of the service, as received; may be NULL */
} Ended;

/* Of one session of a stream. */
typedef struct
{
  gchar *session;
  GQueue ended;                 /* of Ended * */
} Recent;

struct _ModEvidence
{
  ModEvidenceStore *store;
  ModHub *hub;
  GHashTable *recents;          /* stream's name -> Recent * */
  gboolean trouble;             /* the latest one could not be written */
  gboolean stuck;               /* what should have been deleted couldn't be */
};

static void
free_ended (gpointer data)
{
  Ended *self = data;

  g_clear_pointer (&self->line, json_object_unref);
  gst_clear_buffer (&self->file);
  g_free (self->answer);
  g_free (self);
}

static void
free_recent (gpointer data)
{
  Recent *self = data;

  g_queue_clear_full (&self->ended, free_ended);
  g_free (self->session);
  g_free (self);
}

ModEvidence *
mod_evidence_new (const ModProgramConfig * config, ModHub * hub,
    GError ** error)
{
  ModRetention retention = {
    config->evidence_max_age == G_MAXUINT64 ? 0 : config->evidence_max_age,
    config->evidence_max_bytes, config->evidence_max_count
  };
  ModEvidenceStore *store =
      mod_evidence_store_new (config->evidence_folder, &retention, error);
  ModEvidence *self;

  if (store == NULL)
    return NULL;
  self = g_new0 (ModEvidence, 1);
  self->store = store;
  self->hub = hub;
  self->recents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_recent);
  return self;
}

static void
tell_rest (ModEvidence * self, guint left)
{
  JsonObject *line = mod_record_new ("evidence", NULL);
  g_autofree gchar *what = g_strdup_printf ("the disk is too slow: %u pieces "
      "are left at the end", left);

  json_object_set_string_member (line, "error", what);
  mod_hub_tell (self->hub, line);
}

void
mod_evidence_free (ModEvidence * self)
{
  guint left = mod_evidence_store_waiting (self->store);

  if (left > 0)
    tell_rest (self, left);
  mod_evidence_store_free (self->store);
  g_hash_table_unref (self->recents);
  g_free (self);
}

ModEvidenceStore *
mod_evidence_get_store (ModEvidence * self)
{
  return self->store;
}

/* Telling. */

typedef struct
{
  ModEvidence *evidence;
  JsonObject *line;
} Told;

/* Each piece is a line; a disk that is full is a line once, and once when it isn't. */
static void
on_stored (const gchar * path, const gchar * error, gpointer user_data)
{
  Told *told = user_data;
  ModEvidence *self = told->evidence;
  gboolean again = error != NULL && self->trouble;

  self->trouble = error != NULL;
  json_object_set_string_member (told->line, "path", path);
  if (error != NULL)
    json_object_set_string_member (told->line, "error", error);
  if (again)
    json_object_unref (told->line);
  else
    mod_hub_tell (self->hub, told->line);
  g_free (told);
}

static void
copy_member (JsonObject * from, JsonObject * to, const gchar * name)
{
  JsonNode *node = json_object_get_member (from, name);

  if (node != NULL)
    json_object_set_member (to, name, json_node_copy (node));
}

static Told *
make_told (ModEvidence * self, const gchar * stream, JsonObject * line,
    const gchar * role)
{
  Told *told = g_new0 (Told, 1);

  told->evidence = self;
  told->line = mod_record_new ("evidence", stream);
  copy_member (line, told->line, "session");
  copy_member (line, told->line, "segment");
  copy_member (line, told->line, "identifier");
  copy_member (line, told->line, "sha256");
  json_object_set_string_member (told->line, "role", role);
  return told;
}

/* A disk that doesn't let go of what is old isn't bounded. Told when it begins. */
static void
tell_stuck (ModEvidence * self)
{
  g_autofree gchar *stuck = mod_evidence_store_get_stuck (self->store);
  JsonObject *line;

  if (stuck != NULL && !self->stuck) {
    line = mod_record_new ("evidence", NULL);
    json_object_set_string_member (line, "error", stuck);
    mod_hub_tell (self->hub, line);
  }
  self->stuck = stuck != NULL;
}

/* Writing. */

static const gchar *
get_text (JsonObject * object, const gchar * name)
{
  return mod_json_get_text (object, name, "");
}

const gchar *
mod_evidence_find_extension (JsonObject * line)
{
  static const gchar *const known[][2] = {
    {"video/mp4", ".mp4"}, {"video/quicktime", ".mov"},
    {"video/webm", ".webm"}, {"video/x-matroska", ".mkv"},
    {"video/mp2t", ".ts"}, {"audio/flac", ".flac"}, {"audio/mp4", ".m4a"},
    {"audio/mpeg", ".mp3"}, {"audio/ogg", ".ogg"}, {"image/jpeg", ".jpg"},
    {"image/png", ".png"}, {"image/webp", ".webp"}
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (known); i++)
    if (strcmp (known[i][0], get_text (line, "content_type")) == 0)
      return known[i][1];
  return ".bin";
}

/* Sorts by time, and is used once. */
gchar *
mod_evidence_make_name (JsonObject * line)
{
  g_autoptr (GDateTime) start =
      g_date_time_new_from_iso8601 (get_text (line, "start"), NULL);
  g_autofree gchar *time = NULL;

  if (start == NULL)
    start = g_date_time_new_now_utc ();
  time = g_date_time_format (start, "%Y%m%dT%H%M%S");
  return g_strdup_printf ("%s.%03dZ-%.8s-%05u", time,
      g_date_time_get_microsecond (start) / 1000, get_text (line, "session"),
      (guint) json_object_get_int_member_with_default (line, "segment", 0));
}

static void
write_evidence (ModEvidence * self, const gchar * stream, Ended * ended,
    const gchar * role)
{
  g_autofree gchar *name = mod_evidence_make_name (ended->line);
  JsonNode *answer = ended->answer != NULL ?
      mod_json_node_from_text (ended->answer) : NULL;
  Told *told = make_told (self, stream, ended->line, role);
  const gchar *extension = mod_evidence_find_extension (ended->line);

  json_object_set_string_member (ended->line, "role", role);
  if (answer != NULL)
    json_object_set_member (ended->line, "answer", answer);
  mod_evidence_store_put (self->store, stream, name, extension, ended->file,
      g_steal_pointer (&ended->line), on_stored, told);
  gst_clear_buffer (&ended->file);
}

/* Choosing. */

static Ended *
find_ended (Recent * recent, guint number)
{
  GList *l;

  for (l = recent->ended.head; l != NULL; l = l->next)
    if (((Ended *) l->data)->number == number)
      return l->data;
  return NULL;
}

static gboolean
is_flagged (Recent * recent, guint number)
{
  const Ended *ended = find_ended (recent, number);

  return ended != NULL && ended->flagged;
}

static void
write_neighbour (ModEvidence * self, const gchar * stream, Recent * recent,
    guint number, const gchar * role)
{
  Ended *ended = find_ended (recent, number);

  if (ended != NULL && ended->line != NULL)
    write_evidence (self, stream, ended, role);
}

static void
choose (ModEvidence * self, const ModStreamConfig * config, Recent * recent,
    Ended * ended)
{
  const gchar *stream = config->name;

  if (ended->flagged) {
    write_evidence (self, stream, ended, "flagged");
    if (config->neighbours > 0) {
      write_neighbour (self, stream, recent, ended->number - 1, "before");
      write_neighbour (self, stream, recent, ended->number + 1, "after");
    }
  } else if (config->evidence == MOD_EVIDENCE_ALL) {
    write_evidence (self, stream, ended, "all");
  } else if (config->neighbours > 0) {
    if (is_flagged (recent, ended->number - 1))
      write_evidence (self, stream, ended, "after");
    else if (is_flagged (recent, ended->number + 1))
      write_evidence (self, stream, ended, "before");
  }
}

static Recent *
get_recent (ModEvidence * self, const gchar * stream, const gchar * session)
{
  Recent *recent = g_hash_table_lookup (self->recents, stream);

  if (recent != NULL && strcmp (recent->session, session) == 0)
    return recent;
  recent = g_new0 (Recent, 1);
  recent->session = g_strdup (session);
  g_queue_init (&recent->ended);
  g_hash_table_replace (self->recents, g_strdup (stream), recent);
  return recent;
}

static Ended *
make_ended (JsonObject * line, const GstStructure * s, guint number)
{
  Ended *ended = g_new0 (Ended, 1);
  g_autofree gchar *text = mod_json_to_text (line);

  ended->number = number;
  ended->flagged =
      strcmp (get_text (line, "classification"), "artificial") == 0;
  ended->line = mod_json_from_text (text);
  ended->answer = g_strdup (gst_structure_get_string (s, "json"));
  gst_structure_get (s, "file", GST_TYPE_BUFFER, &ended->file, NULL);
  return ended;
}

/* Late, or of an earlier run: its neighbours are long gone. */
static void
take_late (ModEvidence * self, const ModStreamConfig * config,
    JsonObject * line, const GstStructure * s)
{
  Ended *ended = make_ended (line, s, 0);

  if (ended->flagged || config->evidence == MOD_EVIDENCE_ALL)
    write_evidence (self, config->name, ended,
        ended->flagged ? "flagged" : "all");
  free_ended (ended);
}

void
mod_evidence_take (ModEvidence * self, const ModStreamConfig * config,
    JsonObject * line, const GstStructure * s)
{
  Recent *recent;
  guint number = 0;
  Ended *ended;

  if (config->evidence == MOD_EVIDENCE_NONE)
    return;
  if (json_object_has_member (line, "late")
      || json_object_has_member (line, "resumed")) {
    take_late (self, config, line, s);
    return;
  }
  recent = get_recent (self, config->name, get_text (line, "session"));
  gst_structure_get_uint (s, "segment", &number);
  ended = make_ended (line, s, number);
  g_queue_push_tail (&recent->ended, ended);
  choose (self, config, recent, ended);
  if (recent->ended.length > REMEMBERED)
    free_ended (g_queue_pop_head (&recent->ended));
}

/* Files wait in memory to be a neighbour. */
static gboolean
is_gone (gpointer stream, gpointer unused, gpointer supervisor)
{
  return !mod_supervisor_knows (supervisor, stream);
}

void
mod_evidence_sweep (ModEvidence * self, ModSupervisor * supervisor)
{
  g_hash_table_foreach_remove (self->recents, is_gone, supervisor);
  tell_stuck (self);
}
