/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaipending.h"

#include <string.h>

#include "identifier.h"
#include "result.h"

#define MAX_TEXT_BYTES 1000     /* of a field, as of ref-id */

static void
set_string (GstStructure * entry, const gchar * field, const gchar * text)
{
  if (text != NULL)
    gst_structure_set (entry, field, G_TYPE_STRING, text, NULL);
}

static void
set_date_time (GstStructure * entry, gint64 utc)
{
  GstDateTime *date_time;

  if (utc < 0)
    return;
  date_time = gst_date_time_new_from_unix_epoch_utc_usecs (utc);
  gst_structure_set (entry, "date-time", GST_TYPE_DATE_TIME, date_time, NULL);
  gst_date_time_unref (date_time);
}

GstStructure *
gst_identifai_pending_write (const IdentifaiSegment * segment,
    const gchar * session)
{
  GstStructure *entry = gst_structure_new ("pending",
      "identifier", G_TYPE_STRING, segment->identifier,
      "session", G_TYPE_STRING, segment->session ? segment->session : session,
      "kind", G_TYPE_STRING, identifai_kind_get_info (segment->kind)->name,
      "segment", G_TYPE_UINT, segment->number,
      "running-time", G_TYPE_UINT64, segment->running_time,
      "stream-time", G_TYPE_UINT64, segment->stream_time,
      "duration", G_TYPE_UINT64, segment->duration,
      "bytes", G_TYPE_UINT64, segment->bytes, NULL);

  set_date_time (entry, segment->utc);
  set_string (entry, "ref-id", segment->ref_id);
  set_string (entry, "sha256", segment->sha256);

  return entry;
}

/* Reading. A number may have come through a text, or Python. */

static guint64
read_number (const GstStructure * entry, const gchar * field, guint64 unknown)
{
  const GValue *value = gst_structure_get_value (entry, field);
  GValue number = G_VALUE_INIT;
  guint64 result = unknown;

  g_value_init (&number, G_TYPE_UINT64);
  if (value != NULL && !G_VALUE_HOLDS_STRING (value)
      && g_value_transform (value, &number))
    result = g_value_get_uint64 (&number);
  g_value_unset (&number);

  return result;
}

static gchar *
read_string (const GstStructure * entry, const gchar * field)
{
  const gchar *text = gst_structure_get_string (entry, field);

  return text != NULL && strlen (text) <= MAX_TEXT_BYTES ? g_strdup (text) :
      NULL;
}

/* As one that the service answers with. */
static gchar *
read_identifier (const GstStructure * entry)
{
  const gchar *text = gst_structure_get_string (entry, "identifier");

  return text != NULL && *text != '{' && *text != '"' ?
      identifai_identifier_parse (NULL, text, strlen (text), NULL) : NULL;
}

static gint64
read_date_time (const GstStructure * entry)
{
  const GValue *value = gst_structure_get_value (entry, "date-time");
  GDateTime *date_time = NULL;
  gint64 utc = -1;

  if (value != NULL && G_VALUE_HOLDS (value, GST_TYPE_DATE_TIME)
      && g_value_get_boxed (value) != NULL)
    date_time = gst_date_time_to_g_date_time (g_value_get_boxed (value));
  if (date_time == NULL)
    return utc;
  utc = g_date_time_to_unix (date_time) * G_USEC_PER_SEC
      + g_date_time_get_microsecond (date_time);
  g_date_time_unref (date_time);

  return utc;
}

static IdentifaiKind
read_kind (const GstStructure * entry, IdentifaiKind unknown)
{
  const gchar *name = gst_structure_get_string (entry, "kind");
  guint kind;

  for (kind = 0; kind < IDENTIFAI_N_KINDS; kind++)
    if (g_strcmp0 (name, identifai_kind_get_info (kind)->name) == 0)
      return kind;

  return unknown;
}

IdentifaiSegment *
gst_identifai_pending_read (const GstStructure * entry, IdentifaiKind kind)
{
  gchar *identifier = read_identifier (entry);
  IdentifaiSegment *segment;

  if (identifier == NULL)
    return NULL;

  segment = identifai_segment_new (read_number (entry, "segment", 0));
  segment->resumed = TRUE;
  segment->identifier = identifier;
  segment->session = read_string (entry, "session");
  if (segment->session == NULL)
    segment->session = g_strdup ("");
  segment->kind = read_kind (entry, kind);
  segment->running_time = read_number (entry, "running-time",
      GST_CLOCK_TIME_NONE);
  segment->stream_time = read_number (entry, "stream-time",
      GST_CLOCK_TIME_NONE);
  segment->duration = read_number (entry, "duration", GST_CLOCK_TIME_NONE);
  segment->utc = read_date_time (entry);
  segment->bytes = read_number (entry, "bytes", 0);
  segment->ref_id = read_string (entry, "ref-id");
  segment->sha256 = read_string (entry, "sha256");

  return segment;
}
