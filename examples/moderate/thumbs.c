/* identifai-moderate: pictures of flagged moments, for the page
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "thumbs.h"
#include "thumbnail.h"

#include <string.h>

#define OF_A_STREAM 12
#define LARGEST_PICTURE (256 * 1024)
/* Files that wait to be looked at. */
#define MOST_WAITING 16
#define MOST_WAITING_BYTES (64 * 1024 * 1024)
#define LAST_WAIT (12 * G_USEC_PER_SEC) /* more than one takes */

typedef struct
{
  JsonObject *about;
  GBytes *picture;
} Thumb;

struct _ModThumbs
{
  GThreadPool *pool;            /* of Job * */
  gint stopping;                /* atomic: what waits is let go */
  GHashTable *streams;          /* name -> GQueue * of Thumb *, oldest first */
  guint waiting;
  gsize waiting_bytes;
  ModThumbMade made;
  gpointer user_data;
};

typedef struct
{
  ModThumbs *thumbs;
  gchar *stream;
  JsonObject *about;
  GstBuffer *file;
  GstClockTime moment;
  GBytes *picture;              /* what was made; NULL: nothing */
} Job;

static void
free_thumb (gpointer data)
{
  Thumb *self = data;

  json_object_unref (self->about);
  g_bytes_unref (self->picture);
  g_free (self);
}

static void
free_queue (gpointer data)
{
  g_queue_free_full (data, free_thumb);
}

static void
free_job (Job * self)
{
  g_clear_pointer (&self->about, json_object_unref);
  g_clear_pointer (&self->picture, g_bytes_unref);
  gst_buffer_unref (self->file);
  g_free (self->stream);
  g_free (self);
}

/* Keeping. */

static void
keep (ModThumbs * self, Job * job)
{
  GQueue *thumbs = g_hash_table_lookup (self->streams, job->stream);
  Thumb *thumb = g_new0 (Thumb, 1);

  if (thumbs == NULL) {
    thumbs = g_queue_new ();
    g_hash_table_insert (self->streams, g_strdup (job->stream), thumbs);
  }
  thumb->about = g_steal_pointer (&job->about);
  thumb->picture = g_steal_pointer (&job->picture);
  g_queue_push_tail (thumbs, thumb);
  if (thumbs->length > OF_A_STREAM)
    free_thumb (g_queue_pop_head (thumbs));
  self->made (job->stream, thumb->about, self->user_data);
}

static gboolean
on_made (gpointer user_data)
{
  Job *job = user_data;
  ModThumbs *self = job->thumbs;

  self->waiting--;
  self->waiting_bytes -= gst_buffer_get_size (job->file);
  if (job->picture != NULL
      && g_bytes_get_size (job->picture) <= LARGEST_PICTURE
      && !g_atomic_int_get (&self->stopping))
    keep (self, job);
  free_job (job);
  return G_SOURCE_REMOVE;
}

/* The thread. */

static void
run (gpointer data, gpointer user_data)
{
  Job *job = data;
  ModThumbs *self = user_data;

  if (!g_atomic_int_get (&self->stopping))
    job->picture = mod_thumbnail_make (job->file, job->moment);
  g_idle_add (on_made, job);
}

ModThumbs *
mod_thumbs_new (ModThumbMade made, gpointer user_data)
{
  ModThumbs *self = g_new0 (ModThumbs, 1);

  self->pool = g_thread_pool_new (run, self, 1, FALSE, NULL);
  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_queue);
  self->made = made;
  self->user_data = user_data;
  return self;
}

static gboolean
on_wake (gpointer unused)
{
  return G_SOURCE_CONTINUE;
}

void
mod_thumbs_free (ModThumbs * self)
{
  gint64 end = g_get_monotonic_time () + LAST_WAIT;
  guint wake = g_timeout_add_seconds (1, on_wake, NULL);

  g_atomic_int_set (&self->stopping, TRUE);
  while (self->waiting > 0 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (wake);
  /* the thread has what there is */
  if (self->waiting > 0)
    return;
  g_thread_pool_free (self->pool, FALSE, TRUE);
  g_hash_table_unref (self->streams);
  g_free (self);
}

/* Where to look. */

static const gchar *
get_text (const GstStructure * s, const gchar * name)
{
  const gchar *text = gst_structure_get_string (s, name);

  return text != NULL ? text : "";
}

/* How sure the service is that the frame is artificial; below 0: it says it isn't. */
static gdouble
rate_frame (const GValue * frame)
{
  const GstStructure *s = GST_VALUE_HOLDS_STRUCTURE (frame) ?
      gst_value_get_structure (frame) : NULL;
  const GValue *value = s != NULL ?
      gst_structure_get_value (s, "verdict") : NULL;
  const GstStructure *verdict = value != NULL
      && GST_VALUE_HOLDS_STRUCTURE (value) ?
      gst_value_get_structure (value) : NULL;
  GValue confidence = G_VALUE_INIT;

  if (verdict == NULL
      || strcmp (get_text (verdict, "classification"), "artificial") != 0)
    return -1;
  /* may be written as a whole number */
  g_value_init (&confidence, G_TYPE_DOUBLE);
  value = gst_structure_get_value (verdict, "confidence");
  if (value != NULL)
    g_value_transform (value, &confidence);
  return g_value_get_double (&confidence);
}

/* The service looks at pictures that are evenly spaced, and tells of each: the first one of
 * those that it is surest of. */
static gdouble
find_share (const GstStructure * s)
{
  const GValue *value = gst_structure_get_value (s, "results");
  const GValue *frames = value != NULL && GST_VALUE_HOLDS_STRUCTURE (value) ?
      gst_structure_get_value (gst_value_get_structure (value), "images")
      : NULL;
  guint n = frames != NULL && GST_VALUE_HOLDS_ARRAY (frames) ?
      gst_value_array_get_size (frames) : 0;
  gdouble best = -1;
  guint i, at = 0;

  for (i = 0; i < n; i++) {
    gdouble rate = rate_frame (gst_value_array_get_value (frames, i));

    if (rate <= best)
      continue;
    best = rate;
    at = i;
  }
  return n > 0 ? (gdouble) at / n : 0;
}

/* Taking. */

static void
copy_member (JsonObject * from, JsonObject * to, const gchar * name)
{
  JsonNode *node = json_object_get_member (from, name);

  if (node != NULL)
    json_object_set_member (to, name, json_node_copy (node));
}

/* A picture is named by what it is of. */
static JsonObject *
describe (JsonObject * line, const GstStructure * s, GstClockTime moment)
{
  JsonObject *about = json_object_new ();
  guint segment = 0;
  g_autofree gchar *id = NULL;

  gst_structure_get_uint (s, "segment", &segment);
  id = g_strdup_printf ("%s-%u", get_text (s, "session"), segment);
  json_object_set_string_member (about, "id", id);
  copy_member (line, about, "session");
  copy_member (line, about, "segment");
  copy_member (line, about, "start");
  copy_member (line, about, "score");
  copy_member (line, about, "identifier");
  json_object_set_double_member (about, "moment", moment / 1e9);
  return about;
}

static GstBuffer *
find_file (ModThumbs * self, const GstStructure * s)
{
  GstBuffer *file = NULL;

  if (!gst_structure_has_name (s, "identifai-verdict")
      || strcmp (get_text (s, "classification"), "artificial") != 0
      || strcmp (get_text (s, "kind"), "speech") == 0)
    return NULL;
  gst_structure_get (s, "file", GST_TYPE_BUFFER, &file, NULL);
  if (file == NULL || (self->waiting < MOST_WAITING
          && self->waiting_bytes + gst_buffer_get_size (file)
          <= MOST_WAITING_BYTES))
    return file;
  gst_buffer_unref (file);
  return NULL;
}

void
mod_thumbs_take (ModThumbs * self, const gchar * stream, JsonObject * line,
    const GstStructure * s)
{
  GstBuffer *file = find_file (self, s);
  guint64 duration = 0;
  Job *job;

  if (file == NULL)
    return;
  gst_structure_get_uint64 (s, "duration", &duration);
  job = g_new0 (Job, 1);
  job->thumbs = self;
  job->stream = g_strdup (stream);
  job->file = file;
  job->moment = duration * find_share (s);
  job->about = describe (line, s, job->moment);
  self->waiting++;
  self->waiting_bytes += gst_buffer_get_size (file);
  g_thread_pool_push (self->pool, job, NULL);
}

typedef struct
{
  gboolean (*wanted) (const gchar * stream, gpointer user_data);
  gpointer user_data;
} Forgetting;

static gboolean
is_unwanted (gpointer stream, gpointer thumbs, gpointer user_data)
{
  Forgetting *self = user_data;

  return !self->wanted (stream, self->user_data);
}

void
mod_thumbs_forget (ModThumbs * self,
    gboolean (*wanted) (const gchar * stream, gpointer user_data),
    gpointer user_data)
{
  Forgetting forgetting = { wanted, user_data };

  g_hash_table_foreach_remove (self->streams, is_unwanted, &forgetting);
}

/* Asking. */

JsonArray *
mod_thumbs_list (ModThumbs * self, const gchar * stream)
{
  GQueue *thumbs = g_hash_table_lookup (self->streams, stream);
  JsonArray *list = json_array_new ();
  GList *l;

  for (l = thumbs != NULL ? thumbs->head : NULL; l != NULL; l = l->next)
    json_array_add_object_element (list,
        json_object_ref (((Thumb *) l->data)->about));
  return list;
}

GBytes *
mod_thumbs_get (ModThumbs * self, const gchar * stream, const gchar * id)
{
  GQueue *thumbs = g_hash_table_lookup (self->streams, stream);
  GList *l;

  for (l = thumbs != NULL ? thumbs->head : NULL; l != NULL; l = l->next) {
    Thumb *thumb = l->data;

    if (strcmp (json_object_get_string_member (thumb->about, "id"), id) == 0)
      return thumb->picture;
  }
  return NULL;
}
