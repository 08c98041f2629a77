/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstidentifaiarrival.h"

/* Seconds from 1900 (NTP) to 1970. */
#define NTP_UNIX_OFFSET (G_GINT64_CONSTANT (2208988800) * G_USEC_PER_SEC)

/* A buffer that is further from the clock is not of a source in real time. */
#define MAX_AGE (60 * GST_SECOND)

static gboolean
read_reference (GstBuffer * buffer, gint64 * utc)
{
  GstReferenceTimestampMeta *meta;
  gpointer state = NULL;
  GstMeta *m;

  while ((m = gst_buffer_iterate_meta_filtered (buffer, &state,
              GST_REFERENCE_TIMESTAMP_META_API_TYPE))) {
    const GstStructure *structure;

    meta = (GstReferenceTimestampMeta *) m;
    if (!GST_CLOCK_TIME_IS_VALID (meta->timestamp))
      continue;
    structure = gst_caps_get_structure (meta->reference, 0);
    *utc = meta->timestamp / GST_USECOND;
    if (gst_structure_has_name (structure, "timestamp/x-unix"))
      return TRUE;
    if (gst_structure_has_name (structure, "timestamp/x-ntp")) {
      *utc -= NTP_UNIX_OFFSET;
      return TRUE;
    }
  }

  return FALSE;
}

/* How long ago the buffer was due on the pipeline's clock; FALSE: unknown. */
static gboolean
read_age (GstElement * element, const GstSegment * segment,
    GstBuffer * buffer, GstClockTimeDiff * age)
{
  GstClock *clock = gst_element_get_clock (element);
  GstClockTime time, now;

  if (clock == NULL)
    return FALSE;
  now = gst_clock_get_time (clock);
  gst_object_unref (clock);

  if (segment->format != GST_FORMAT_TIME)
    return FALSE;
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return FALSE;
  *age = GST_CLOCK_DIFF (time, now - gst_element_get_base_time (element));

  return TRUE;
}

void
gst_identifai_arrival_read (GstElement * element, const GstSegment * segment,
    GstBuffer * buffer, IdentifaiArrival * arrival)
{
  GstClockTimeDiff age;

  arrival->monotonic = g_get_monotonic_time ();
  arrival->utc = g_get_real_time ();
  if (buffer == NULL || read_reference (buffer, &arrival->utc))
    return;

  if (read_age (element, segment, buffer, &age) && age >= 0
      && age < (GstClockTimeDiff) MAX_AGE)
    arrival->utc -= age / 1000;
}
