/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signals come on any thread, answers on the network thread.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioverrides.h"

#include "gstidentifaimessages.h"
#include "json.h"
#include "log.h"
#include "servicecall.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* Segments that are remembered, the latest ones. */
#define MAX_RECORDS 1000

/* A reason, beside those of identifai-failed. */
#define UNKNOWN "unknown-segment"

/* What is known of a segment that the service has, or that has its outcome. */
typedef struct
{
  guint segment;
  IdentifaiKind kind;
  gchar *identifier;            /* NULL: the service never had it */
  gchar *hash;                  /* the service's, else our SHA-256; or NULL */
} Record;

typedef struct
{
  GstIdentifaiOverrides *owner;
  GList link;                   /* in the owner's open */
  GstIdentifaiOverride told;    /* its message; strings are owned */
  IdentifaiKind kind;
  guint path;                   /* of the kind's single_paths, to ask for the hash */
  gboolean asked;               /* for the hash */
  gboolean sent;                /* the call is the client's */
} Override;

struct _GstIdentifaiOverrides
{
  GstElement *element;          /* borrowed */
  GstIdentifaiReporter *reporter;       /* borrowed */

  GMutex lock;

  /* All below: lock. */
  IdentifaiClient *client;      /* a reference; NULL: stopped */
  IdentifaiKind kind;
  GQueue records;               /* of Record, by number */
  guint n_forgotten;            /* all with a lower number may be forgotten */
  GQueue open;                  /* of Override, without a message yet */
};

static void
record_free (gpointer data)
{
  Record *record = data;

  g_free (record->identifier);
  g_free (record->hash);
  g_free (record);
}

static void
override_free (Override * override)
{
  g_free (override->told.identifier);
  g_free (override->told.hash);
  g_free (override->told.classification);
  g_free (override);
}

/* Records. */

/* The last one up to that number: mostly the last of all. */
static GList *
find_place_locked (GstIdentifaiOverrides * self, guint segment)
{
  GList *walk = self->records.tail;

  while (walk != NULL && ((Record *) walk->data)->segment > segment)
    walk = walk->prev;

  return walk;
}

static Record *
find_locked (GstIdentifaiOverrides * self, guint segment)
{
  GList *place = find_place_locked (self, segment);
  Record *record = place != NULL ? place->data : NULL;

  return record != NULL && record->segment == segment ? record : NULL;
}

static Record *
find_identifier_locked (GstIdentifaiOverrides * self, const gchar * identifier)
{
  GList *walk;

  for (walk = self->records.tail; walk; walk = walk->prev)
    if (g_strcmp0 (((Record *) walk->data)->identifier, identifier) == 0)
      return walk->data;

  return NULL;
}

static void
forget_oldest_locked (GstIdentifaiOverrides * self)
{
  Record *oldest = g_queue_pop_head (&self->records);

  self->n_forgotten = MAX (self->n_forgotten, oldest->segment + 1);
  GST_LOG_OBJECT (self->element, "segment %u can't be overridden by its "
      "number any more", oldest->segment);
  record_free (oldest);
}

static Record *
get_record_locked (GstIdentifaiOverrides * self,
    const IdentifaiSegment * segment)
{
  Record *record = find_locked (self, segment->number);

  if (record == NULL) {
    if (self->records.length == MAX_RECORDS)
      forget_oldest_locked (self);
    record = g_new0 (Record, 1);
    record->segment = segment->number;
    g_queue_insert_after (&self->records, find_place_locked (self,
            segment->number), record);
  }
  record->kind = segment->kind;
  if (record->identifier == NULL)
    record->identifier = g_strdup (segment->identifier);
  if (record->hash == NULL)
    record->hash = g_strdup (segment->sha256);

  return record;
}

gboolean
gst_identifai_overrides_find (GstIdentifaiOverrides * self,
    const gchar * identifier, guint * segment)
{
  Record *record;

  g_mutex_lock (&self->lock);
  record = identifier != NULL ? find_identifier_locked (self, identifier) :
      NULL;
  if (record != NULL)
    *segment = record->segment;
  g_mutex_unlock (&self->lock);

  return record != NULL;
}

/* How an override ends. */

/* reason: NULL if the service took it. */
static void
end_locked (Override * override, const gchar * reason, guint http_status,
    const gchar * text)
{
  GstIdentifaiOverrides *self = override->owner;

  g_queue_unlink (&self->open, &override->link);
  override->told.reason = reason;
  override->told.http_status = http_status;
  override->told.text = text;
  GST_INFO_OBJECT (self->element, "override to %s of %s: %s",
      override->told.classification, override->told.identifier ?
      override->told.identifier : "a segment", text ? text : "done");
  gst_identifai_reporter_queue (self->reporter,
      gst_identifai_message_override (self->element, &override->told));
  override_free (override);
}

static void
end_answered_locked (Override * override, const IdentifaiServiceAnswer * answer)
{
  end_locked (override, answer->reason != IDENTIFAI_REASON_NONE ?
      identifai_reason_to_string (answer->reason) : NULL, answer->http_status,
      answer->message);
}

/* Calls. */

static void on_overridden (const IdentifaiServiceAnswer * answer,
    gpointer data);
static void on_result (const IdentifaiServiceAnswer * answer, gpointer data);

/* What stays open after the client is told of at the stop. */
static void
call_locked (Override * override, IdentifaiServiceCall * call,
    const gchar * path, IdentifaiServiceAnswerFunc func)
{
  GST_DEBUG_OBJECT (override->owner->element, "%s of segment %u, %s: %s",
      call->what, override->told.segment,
      GST_STR_NULL (override->told.identifier),
      override->owner->client ? path : "not sent, the element stops");
  if (override->owner->client == NULL)
    return;
  override->sent = TRUE;
  call->path = path;
  identifai_client_call (override->owner->client, call, func, override);
}

static void
post_locked (Override * override)
{
  gchar *hash = g_uri_escape_string (override->told.hash, NULL, FALSE);
  gchar *path = g_strconcat (identifai_kind_get_info
      (override->kind)->submit_path, "/", hash, "/override", NULL);
  gchar *body = g_strdup_printf ("{\"classification\":\"%s\"}",
      override->told.classification);
  IdentifaiServiceCall call = {.what = "override",.method = "POST",
    .content_type = "application/json",.body =
        g_bytes_new_take (body, strlen (body))
  };

  call_locked (override, &call, path, on_overridden);
  g_bytes_unref (call.body);
  g_free (path);
  g_free (hash);
}

static void
ask_locked (Override * override)
{
  gchar *identifier = g_uri_escape_string (override->told.identifier, NULL,
      FALSE);
  gchar *path = g_strconcat (identifai_kind_get_info
      (override->kind)->single_paths[override->path], identifier, NULL);
  IdentifaiServiceCall call = {.what = "look at a result to override",.method =
        "GET"
  };

  override->asked = TRUE;
  call_locked (override, &call, path, on_result);
  g_free (path);
  g_free (identifier);
}

/* All that is known is there. */
static void
send_locked (Override * override)
{
  if (override->told.hash != NULL)
    post_locked (override);
  else
    ask_locked (override);
}

/* A page of a front's is no answer of the service's. */
static gboolean
is_confirmed (const IdentifaiServiceAnswer * answer,
    const gchar * classification)
{
  gsize size;
  const gchar *data = g_bytes_get_data (answer->body, &size);
  JsonNode *root = identifai_json_read (data, size, NULL);
  gboolean same = g_strcmp0 (identifai_json_get_string
      (identifai_json_get_member (root, "classification")),
      classification) == 0;

  g_clear_pointer (&root, json_node_unref);

  return same || answer->http_status == 204;
}

static void
end_posted_locked (Override * override, const IdentifaiServiceAnswer * answer)
{
  if (answer->reason == IDENTIFAI_REASON_NONE
      && !is_confirmed (answer, override->told.classification))
    end_locked (override, "bad-response", answer->http_status, "The answer "
        "doesn't say that the classification was taken");
  else
    end_answered_locked (override, answer);
}

/* On the network thread, as the client's callbacks. */
static void
on_overridden (const IdentifaiServiceAnswer * answer, gpointer data)
{
  Override *override = data;
  GstIdentifaiOverrides *self = override->owner;

  g_mutex_lock (&self->lock);
  /* It may know the file by another hash than ours. */
  GST_DEBUG_OBJECT (self->element, "override of %s: HTTP status %u%s",
      GST_STR_NULL (override->told.identifier), answer->http_status,
      answer->http_status == 404 && !override->asked ?
      ", its hash may be another" : "");
  if (answer->http_status == 404 && override->told.identifier != NULL
      && !override->asked)
    ask_locked (override);
  else
    end_posted_locked (override, answer);
  g_mutex_unlock (&self->lock);
  gst_identifai_reporter_post_elsewhere (self->reporter);
}

/* NULL: it is another one's result, or none, or has no hash. */
static gchar *
read_hash (GstIdentifaiOverrides * self, const gchar * identifier,
    GBytes * body)
{
  gsize size;
  const gchar *data = g_bytes_get_data (body, &size);
  IdentifaiResult *result = identifai_result_parse
      (GST_OBJECT_NAME (self->element), data, size, NULL, NULL);
  gchar *hash = NULL;

  if (result != NULL && identifai_result_is_of (result, identifier))
    hash = g_strdup (result->hash);
  g_clear_pointer (&result, identifai_result_free);

  return hash;
}

static void
take_result_locked (Override * override, const IdentifaiServiceAnswer * answer)
{
  gchar *hash = read_hash (override->owner,
      override->told.identifier, answer->body);

  if (hash == NULL || g_strcmp0 (hash, override->told.hash) == 0) {
    end_locked (override, hash == NULL ? "bad-response" : "rejected",
        answer->http_status, hash == NULL ?
        "The answer has no hash of the file, by which it would be overridden" :
        "The service has the file, and nothing to override");
    g_free (hash);
    return;
  }
  GST_DEBUG_OBJECT (override->owner->element, "the service knows %s by another "
      "hash, by which it is overridden", override->told.identifier);
  g_free (override->told.hash);
  override->told.hash = hash;
  post_locked (override);
}

static void
on_result (const IdentifaiServiceAnswer * answer, gpointer data)
{
  Override *override = data;
  GstIdentifaiOverrides *self = override->owner;

  g_mutex_lock (&self->lock);
  if (answer->reason == IDENTIFAI_REASON_NONE)
    take_result_locked (override, answer);
  else if (answer->http_status == 404
      && ++override->path < IDENTIFAI_N_SINGLE_PATHS) {
    GST_DEBUG_OBJECT (self->element, "%s isn't found, asked for by another "
        "path", override->told.identifier);
    ask_locked (override);
  } else {
    end_answered_locked (override, answer);
  }
  g_mutex_unlock (&self->lock);
  gst_identifai_reporter_post_elsewhere (self->reporter);
}

/* What comes in. */

static void
take_record (Override * override, const Record * record)
{
  override->told.has_segment = TRUE;
  override->told.segment = record->segment;
  g_free (override->told.identifier);
  override->told.identifier = g_strdup (record->identifier);
  g_free (override->told.hash);
  override->told.hash = g_strdup (record->hash);
  override->kind = record->kind;
}

/* The segment is known now. */
static void
go_locked (GstIdentifaiOverrides * self, const Record * record)
{
  GList *walk, *next;

  for (walk = self->open.head; walk; walk = next) {
    Override *override = walk->data;

    next = walk->next;
    if (override->sent || !override->told.has_segment
        || override->told.segment != record->segment)
      continue;
    take_record (override, record);
    if (record->identifier != NULL)
      send_locked (override);
    else
      end_locked (override, UNKNOWN, 0,
          "The service never had the segment's file");
  }
}

void
gst_identifai_overrides_note_submitted (GstIdentifaiOverrides * self,
    const IdentifaiSegment * segment)
{
  g_mutex_lock (&self->lock);
  go_locked (self, get_record_locked (self, segment));
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_overrides_note_ended (GstIdentifaiOverrides * self,
    const IdentifaiSegment * segment, const gchar * hash)
{
  Record *record;

  g_mutex_lock (&self->lock);
  record = get_record_locked (self, segment);
  if (hash != NULL) {
    g_free (record->hash);
    record->hash = g_strdup (hash);
  }
  go_locked (self, record);
  g_mutex_unlock (&self->lock);
}

/* What keeps it from the service; NULL: nothing. */
static const gchar *
check_classification (const gchar * classification)
{
  if (g_strcmp0 (classification, "human") == 0
      || g_strcmp0 (classification, "artificial") == 0)
    return NULL;
  if (g_strcmp0 (classification, "unknown") == 0)
    return "The service takes human and artificial only; here it counts";

  return "That is no classification: there are human, artificial and unknown";
}

/* NULL: stopped. */
static Override *
new_override_locked (GstIdentifaiOverrides * self, const gchar * classification)
{
  Override *override;

  if (self->client == NULL)
    return NULL;
  override = g_new0 (Override, 1);
  override->owner = self;
  override->told.classification = g_strdup (classification ? classification :
      "");
  override->kind = self->kind;
  override->link.data = override;
  g_queue_push_tail_link (&self->open, &override->link);

  return override;
}

/* Now, or when the service has it. */
static void
aim_locked (Override * override, guint segment, gboolean exists)
{
  GstIdentifaiOverrides *self = override->owner;
  const gchar *fault = check_classification (override->told.classification);
  Record *record = find_locked (self, segment);

  override->told.has_segment = TRUE;
  override->told.segment = segment;
  if (fault != NULL)
    end_locked (override, "rejected", 0, fault);
  else if (record != NULL)
    go_locked (self, record);
  else if (segment < self->n_forgotten)
    end_locked (override, UNKNOWN, 0, "The segment is too long ago: use its "
        "identifier (override-identifier)");
  else if (!exists)
    end_locked (override, UNKNOWN, 0, "There is no such segment yet");
  else
    GST_DEBUG_OBJECT (self->element, "the override of segment %u waits until "
        "the service has it", segment);
}

gboolean
gst_identifai_overrides_add (GstIdentifaiOverrides * self, guint segment,
    gboolean exists, const gchar * classification)
{
  Override *override;

  g_mutex_lock (&self->lock);
  override = new_override_locked (self, classification);
  GST_DEBUG_OBJECT (self->element, "override of segment %u%s%s", segment,
      exists ? "" : ", which doesn't exist yet",
      override != NULL ? "" : ": refused, the element doesn't run");
  if (override != NULL)
    aim_locked (override, segment, exists);
  g_mutex_unlock (&self->lock);

  return override != NULL;
}

static void
aim_at_identifier_locked (Override * override, const gchar * identifier)
{
  const gchar *fault = check_classification (override->told.classification);
  Record *record = identifier[0] != '\0' ?
      find_identifier_locked (override->owner, identifier) : NULL;

  if (record != NULL)
    take_record (override, record);
  else
    override->told.identifier = g_strdup (identifier);
  if (fault == NULL && identifier[0] == '\0')
    fault = "There is no identifier";
  if (fault != NULL)
    end_locked (override, "rejected", 0, fault);
  else
    send_locked (override);
}

gboolean
gst_identifai_overrides_add_identifier (GstIdentifaiOverrides * self,
    const gchar * identifier, const gchar * classification)
{
  Override *override;

  g_mutex_lock (&self->lock);
  override = new_override_locked (self, classification);
  GST_DEBUG_OBJECT (self->element, "override of %s%s",
      GST_STR_NULL (identifier),
      override != NULL ? "" : ": refused, the element doesn't run");
  if (override != NULL)
    aim_at_identifier_locked (override, identifier ? identifier : "");
  g_mutex_unlock (&self->lock);

  return override != NULL;
}

/* Its life. */

GstIdentifaiOverrides *
gst_identifai_overrides_new (GstElement * element,
    GstIdentifaiReporter * reporter)
{
  GstIdentifaiOverrides *self = g_new0 (GstIdentifaiOverrides, 1);

  self->element = element;
  self->reporter = reporter;
  g_mutex_init (&self->lock);

  return self;
}

void
gst_identifai_overrides_start (GstIdentifaiOverrides * self,
    IdentifaiKind kind, IdentifaiClient * client)
{
  g_mutex_lock (&self->lock);
  self->kind = kind;
  self->client = identifai_client_ref (client);
  self->n_forgotten = 0;
  g_queue_clear_full (&self->records, record_free);
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_overrides_begin_stop (GstIdentifaiOverrides * self)
{
  IdentifaiClient *client;

  g_mutex_lock (&self->lock);
  client = g_steal_pointer (&self->client);
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&client, identifai_client_unref);
}

void
gst_identifai_overrides_stop (GstIdentifaiOverrides * self)
{
  g_mutex_lock (&self->lock);
  while (self->open.head)
    end_locked (self->open.head->data, "stopped", 0, "The element stopped "
        "before it was known what became of it");
  g_mutex_unlock (&self->lock);
}

void
gst_identifai_overrides_free (GstIdentifaiOverrides * self)
{
  g_clear_pointer (&self->client, identifai_client_unref);
  while (self->open.head) {
    Override *override = self->open.head->data;

    g_queue_unlink (&self->open, &override->link);
    override_free (override);
  }
  g_queue_clear_full (&self->records, record_free);
  g_mutex_clear (&self->lock);
  g_free (self);
}
