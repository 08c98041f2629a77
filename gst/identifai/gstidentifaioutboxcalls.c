/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What programs ask for, beside the way of segments.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaioutboxprivate.h"

#include "clock.h"
#include "gstidentifaipending.h"
#include "log.h"
#include "request.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

/* Overrides. */

gboolean
gst_identifai_outbox_send_override (GstIdentifaiOutbox * self, guint segment,
    gboolean exists, const gchar * classification)
{
  return gst_identifai_overrides_add (self->overrides, segment, exists,
      classification);
}

gboolean
gst_identifai_outbox_send_override_of (GstIdentifaiOutbox * self,
    const gchar * identifier, const gchar * classification)
{
  return gst_identifai_overrides_add_identifier (self->overrides, identifier,
      classification);
}

gboolean
gst_identifai_outbox_find (GstIdentifaiOutbox * self,
    const gchar * identifier, guint * segment)
{
  return gst_identifai_overrides_find (self->overrides, identifier, segment);
}

/* What the service has. */

/* The first of those behind another one, or of all. NULL: no more. There may be
 * thousands. */
static IdentifaiSegment *
next_submitted_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment)
{
  do {
    segment = segment != NULL ? identifai_ledger_next (self->ledger, segment) :
        identifai_ledger_peek (self->ledger, 0);
  } while (segment != NULL && identifai_ledger_get_stage (self->ledger, segment)
      != IDENTIFAI_STAGE_SUBMITTED);

  return segment;
}

static gboolean
waits_for_locked (GstIdentifaiOutbox * self, const gchar * identifier)
{
  IdentifaiSegment *segment = NULL;

  while ((segment = next_submitted_locked (self, segment)) != NULL)
    if (g_str_equal (segment->identifier, identifier))
      return TRUE;

  return FALSE;
}

gboolean
gst_identifai_outbox_look (GstIdentifaiOutbox * self, const gchar * identifier)
{
  gboolean waits;

  if (identifier == NULL)
    return FALSE;
  g_mutex_lock (&self->lock);
  waits = self->client != NULL && waits_for_locked (self, identifier);
  if (waits)
    identifai_client_look (self->client, identifier);
  g_mutex_unlock (&self->lock);
  GST_DEBUG_OBJECT (self->element, "look at %s%s", identifier,
      waits ? "" : ", which nothing waits for");

  return waits;
}

void
gst_identifai_outbox_get_pending (GstIdentifaiOutbox * self, GValue * value)
{
  gchar *session = gst_identifai_reporter_get_session (self->reporter);
  GValue item = G_VALUE_INIT;
  IdentifaiSegment *segment = NULL;

  g_value_init (value, GST_TYPE_ARRAY);
  g_mutex_lock (&self->lock);
  while ((segment = next_submitted_locked (self, segment)) != NULL) {
    g_value_init (&item, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&item, gst_identifai_pending_write (segment, session));
    gst_value_array_append_and_take_value (value, &item);
  }
  g_mutex_unlock (&self->lock);
  g_free (session);
}

/* What counts in max-uploads-per-hour. */

void
gst_identifai_outbox_get_uploads (GstIdentifaiOutbox * self, GValue * value)
{
  gint64 now = identifai_clock_now ();
  GValue item = G_VALUE_INIT;
  const GArray *times;
  guint i;

  g_value_init (value, GST_TYPE_ARRAY);
  g_mutex_lock (&self->lock);
  times = identifai_hourly_quota_get_times (&self->quota, now);
  for (i = 0; i < times->len; i++) {
    g_value_init (&item, G_TYPE_UINT64);
    g_value_set_uint64 (&item, MAX (now - g_array_index (times, gint64, i), 0)
        * GST_USECOND);
    gst_value_array_append_and_take_value (value, &item);
  }
  g_mutex_unlock (&self->lock);
}

/* In us; below 0: it is no number, or none that an age has. */
static gint64
read_age (const GValue * entry)
{
  GValue number = G_VALUE_INIT;
  gint64 age = -1;

  /* Python's GObject.Value */
  if (G_VALUE_HOLDS (entry, G_TYPE_VALUE) && g_value_get_boxed (entry) != NULL)
    entry = g_value_get_boxed (entry);
  g_value_init (&number, G_TYPE_INT64);
  if (!G_VALUE_HOLDS_STRING (entry) && g_value_transform (entry, &number))
    age = g_value_get_int64 (&number);
  g_value_unset (&number);

  return age < 0 ? -1 : age / GST_USECOND;
}

void
gst_identifai_outbox_set_uploads (GstIdentifaiOutbox * self,
    const GValue * value)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gint64 now = identifai_clock_now ();
  guint i, n = gst_value_array_get_size (value);

  for (i = 0; i < n; i++) {
    gint64 age = read_age (gst_value_array_get_value (value, i));
    gint64 time = now - age;

    if (age >= 0)
      g_array_append_val (times, time);
  }
  GST_INFO_OBJECT (self->element, "%u uploads of the hour before count, of %u "
      "in uploads", times->len, n);
  g_mutex_lock (&self->lock);
  identifai_hourly_quota_set_times (&self->quota, times);
  g_mutex_unlock (&self->lock);
}

/* Resuming. */

static gboolean
is_same (const IdentifaiSegment * one, const IdentifaiSegment * other)
{
  return one->resumed && other->resumed && one->number == other->number
      && g_str_equal (one->session, other->session)
      && g_str_equal (one->identifier, other->identifier);
}

static gboolean
has_locked (GstIdentifaiOutbox * self, const IdentifaiSegment * wanted)
{
  IdentifaiSegment *segment = NULL;

  while ((segment = next_submitted_locked (self, segment)) != NULL)
    if (is_same (segment, wanted))
      return TRUE;

  return FALSE;
}

static IdentifaiRequest *
make_request (const IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings)
{
  IdentifaiRequest *request = identifai_request_new (NULL, NULL, NULL);

  request->kind = segment->kind;
  request->segment = segment->number;
  request->identifier = g_strdup (segment->identifier);
  request->heuristic = g_strdup (settings->heuristic);

  return request;
}

static void
resume_locked (GstIdentifaiOutbox * self, IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings)
{
  IdentifaiRequest *request = make_request (segment, settings);

  GST_INFO_OBJECT (self->element, "segment %u of session %s is resumed: %s",
      segment->number, segment->session, segment->identifier);
  identifai_ledger_add (self->ledger, segment, 0, IDENTIFAI_STAGE_SUBMITTED);
  identifai_client_submit (self->client, request, segment, NULL);
  identifai_request_unref (request);
}

gboolean
gst_identifai_outbox_resume (GstIdentifaiOutbox * self,
    const GstStructure * entry, const GstIdentifaiSettings * settings)
{
  IdentifaiSegment *segment = entry != NULL ?
      gst_identifai_pending_read (entry, settings->kind) : NULL;
  gboolean taken;

  if (segment == NULL) {
    GST_WARNING_OBJECT (self->element, "nothing to resume: there is no "
        "identifier in %" GST_PTR_FORMAT, entry);
    return FALSE;
  }
  g_mutex_lock (&self->lock);
  taken = self->client != NULL && !self->halting && !has_locked (self, segment);
  if (taken)
    resume_locked (self, segment, settings);
  g_mutex_unlock (&self->lock);
  if (!taken) {
    GST_WARNING_OBJECT (self->element, "%s isn't resumed: it is already, or "
        "this element doesn't run", segment->identifier);
    identifai_segment_free (segment);
  }

  return taken;
}
