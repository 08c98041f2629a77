/* identifai-moderate: what each stream uploaded within the hour
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "uploads.h"

#define HOUR (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
/* Of a time that is read twice. */
#define ALIKE (G_USEC_PER_SEC / 10)

/* Times are monotonic, in us, the oldest first. */
typedef struct
{
  GArray *live, *late;          /* of gint64 */
  gboolean bounded;             /* it has max-uploads-per-hour */
} Stream;

struct _ModUploads
{
  GHashTable *streams;          /* name -> Stream * */
};

static GArray *
new_times (void)
{
  return g_array_new (FALSE, FALSE, sizeof (gint64));
}

static void
free_stream (gpointer data)
{
  Stream *self = data;

  g_array_unref (self->live);
  g_array_unref (self->late);
  g_free (self);
}

ModUploads *
mod_uploads_new (void)
{
  ModUploads *self = g_new0 (ModUploads, 1);

  self->streams = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_stream);
  return self;
}

void
mod_uploads_free (ModUploads * self)
{
  g_hash_table_unref (self->streams);
  g_free (self);
}

static Stream *
get_stream (ModUploads * self, const gchar * name)
{
  Stream *stream = g_hash_table_lookup (self->streams, name);

  if (stream != NULL)
    return stream;
  stream = g_new0 (Stream, 1);
  stream->live = new_times ();
  stream->late = new_times ();
  g_hash_table_insert (self->streams, g_strdup (name), stream);
  return stream;
}

static void
forget_old (GArray * times, gint64 now)
{
  guint n = 0;

  while (n < times->len && g_array_index (times, gint64, n) <= now - HOUR)
    n++;
  g_array_remove_range (times, 0, n);
}

static guint
count (GArray * times)
{
  forget_old (times, g_get_monotonic_time ());
  return times->len;
}

/* What the element counts. */

static Stream *
get_stream_of (ModUploads * self, const gchar * name, GstElement * judge)
{
  Stream *stream = get_stream (self, name);
  guint most = 0;

  g_object_get (judge, "max-uploads-per-hour", &most, NULL);
  stream->bounded = most > 0;
  return stream;
}

void
mod_uploads_give (ModUploads * self, const gchar * stream, GstElement * judge)
{
  const GArray *times = get_stream_of (self, stream, judge)->live;
  gint64 now = g_get_monotonic_time ();
  GValue ages = G_VALUE_INIT, age = G_VALUE_INIT;
  guint i;

  g_value_init (&ages, GST_TYPE_ARRAY);
  for (i = 0; i < times->len; i++) {
    g_value_init (&age, G_TYPE_UINT64);
    g_value_set_uint64 (&age,
        (now - g_array_index (times, gint64, i)) * GST_USECOND);
    gst_value_array_append_and_take_value (&ages, &age);
  }
  if (times->len > 0)
    g_object_set_property (G_OBJECT (judge), "uploads", &ages);
  g_value_unset (&ages);
}

static GArray *
read_times (GstElement * judge)
{
  GArray *times = new_times ();
  gint64 now = g_get_monotonic_time ();
  GValue ages = G_VALUE_INIT;
  guint i;

  g_value_init (&ages, GST_TYPE_ARRAY);
  g_object_get_property (G_OBJECT (judge), "uploads", &ages);
  for (i = 0; i < gst_value_array_get_size (&ages); i++) {
    gint64 time = now - (gint64) (g_value_get_uint64 (gst_value_array_get_value
            (&ages, i)) / GST_USECOND);

    g_array_append_val (times, time);
  }
  g_value_unset (&ages);
  return times;
}

static gint64
get_latest (const GArray * times)
{
  return times->len > 0 ? g_array_index (times, gint64, times->len - 1) :
      G_MININT64 / 2;
}

gboolean
mod_uploads_take (ModUploads * self, const gchar * stream, GstElement * judge)
{
  Stream *of = get_stream_of (self, stream, judge);
  GArray *times = read_times (judge);
  gboolean more = get_latest (times) > get_latest (of->live) + ALIKE;

  g_array_unref (of->live);
  of->live = times;
  return of->bounded && more;
}

guint
mod_uploads_count_live (ModUploads * self, const gchar * stream)
{
  return count (get_stream (self, stream)->live);
}

/* What is late. */

void
mod_uploads_note_late (ModUploads * self, const gchar * stream)
{
  gint64 now = g_get_monotonic_time ();

  g_array_append_val (get_stream (self, stream)->late, now);
}

void
mod_uploads_take_back_late (ModUploads * self, const gchar * stream)
{
  GArray *late = get_stream (self, stream)->late;

  if (late->len > 0)
    g_array_set_size (late, late->len - 1);
}

guint
mod_uploads_count_late (ModUploads * self, const gchar * stream)
{
  return count (get_stream (self, stream)->late);
}

static gboolean
is_gone (gpointer name, gpointer stream, gpointer supervisor)
{
  Stream *self = stream;

  return !mod_supervisor_knows (supervisor, name) && count (self->live) == 0
      && count (self->late) == 0;
}

void
mod_uploads_sweep (ModUploads * self, const ModSupervisor * supervisor)
{
  g_hash_table_foreach_remove (self->streams, is_gone, (gpointer) supervisor);
}

/* Written down: us since 1970, as the monotonic clock begins anew with the machine. */

static gint64
get_difference (void)
{
  return g_get_real_time () - g_get_monotonic_time ();
}

static JsonArray *
describe_times (GArray * times)
{
  JsonArray *array = json_array_new ();
  gint64 difference = get_difference ();
  guint i, n = count (times);

  for (i = 0; i < n; i++)
    json_array_add_int_element (array,
        g_array_index (times, gint64, i) + difference);
  return array;
}

JsonObject *
mod_uploads_describe (ModUploads * self)
{
  JsonObject *object = json_object_new (), *of;
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->streams);
  while (g_hash_table_iter_next (&iter, &name, &value)) {
    const Stream *stream = value;

    if (!stream->bounded || stream->live->len + stream->late->len == 0)
      continue;
    of = json_object_new ();
    json_object_set_array_member (of, "live", describe_times (stream->live));
    json_object_set_array_member (of, "late", describe_times (stream->late));
    json_object_set_object_member (object, name, of);
  }
  return object;
}

static gint
compare_times (gconstpointer one, gconstpointer other)
{
  gint64 a = *(const gint64 *) one, b = *(const gint64 *) other;

  return (a > b) - (a < b);
}

/* One that the clock has gone back behind was just now, to be sure. */
static void
read_array (JsonObject * object, const gchar * name, GArray * times)
{
  JsonNode *node = json_object_get_member (object, name);
  JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ?
      json_node_get_array (node) : NULL;
  gint64 now = g_get_monotonic_time (), difference = get_difference ();
  guint i;

  for (i = 0; array != NULL && i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    gint64 time = json_node_get_value_type (element) == G_TYPE_INT64 ?
        json_node_get_int (element) : 0;

    time = MIN (MAX (time, 0) - difference, now);
    g_array_append_val (times, time);
  }
  g_array_sort (times, compare_times);
  forget_old (times, now);
}

static void
read_stream (JsonObject * object, const gchar * name, JsonNode * node,
    gpointer user_data)
{
  Stream *stream;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return;
  stream = get_stream (user_data, name);
  stream->bounded = TRUE;
  read_array (json_node_get_object (node), "live", stream->live);
  read_array (json_node_get_object (node), "late", stream->late);
}

void
mod_uploads_read (ModUploads * self, JsonObject * object)
{
  json_object_foreach_member (object, read_stream, self);
}
