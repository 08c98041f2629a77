/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * utc and monotonic are µs; running times are ns, as everywhere.
 */

#include "gstidentifaicapturetime.h"
#include "clock.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

#include "runningtime.h"

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
    if (!GST_CLOCK_TIME_IS_VALID (meta->timestamp)
        || gst_caps_get_size (meta->reference) == 0)
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

/* The running time now; FALSE: there is no clock. */
static gboolean
read_running_time (GstElement * element, gint64 * running)
{
  GstClock *clock = gst_element_get_clock (element);

  if (clock == NULL)
    return FALSE;
  *running = gst_clock_get_time (clock) - gst_element_get_base_time (element);
  gst_object_unref (clock);

  return TRUE;
}

/* How long ago, at running, the buffer was due; FALSE: unknown. */
static gboolean
read_age (const GstSegment * segment, GstBuffer * buffer, gint64 running,
    GstClockTimeDiff * age)
{
  gint64 time = identifai_running_time (segment, GST_BUFFER_PTS (buffer));

  if (time < 0)
    return FALSE;
  *age = running - time;

  return TRUE;
}

void
gst_identifai_capture_time_read (GstElement * element,
    const GstSegment * segment, GstBuffer * buffer, gboolean live,
    IdentifaiCaptureTime * arrival)
{
  gint64 running = 0;
  gboolean has_clock = read_running_time (element, &running);
  GstClockTimeDiff age;

  arrival->id = 0;
  arrival->monotonic = identifai_clock_now ();
  arrival->utc = identifai_clock_now_real ();
  arrival->live = live && has_clock;
  arrival->running = arrival->live ? running : 0;
  if (buffer != NULL && read_reference (buffer, &arrival->utc)) {
    GST_LOG_OBJECT (element, "captured at %" G_GINT64_FORMAT " µs UTC, by its "
        "reference timestamp", arrival->utc);
    return;
  }
  if (buffer == NULL)
    return;

  if (has_clock && read_age (segment, buffer, running, &age) && age >= 0
      && age < (GstClockTimeDiff) MAX_AGE)
    arrival->utc -= age / 1000;
  else
    GST_LOG_OBJECT (element, "captured when it came: %s", !has_clock ?
        "there is no clock" : "by its time it is no few seconds old");
}
