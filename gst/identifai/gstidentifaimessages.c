/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every message starts with the same fields:
 *
 * * #gchararray `kind`: of its file, `video`, `speech` or `image`
 * * #guint `segment`: the segment's number, from 0
 * * #GstClockTime `running-time`, `stream-time`: of its first frame, as
 *   its buffer has it, in nanoseconds; %GST_CLOCK_TIME_NONE where unknown (container input)
 * * #GstClockTime `duration`: nanoseconds; %GST_CLOCK_TIME_NONE where unknown
 * * #GstDateTime `date-time`: UTC of its start, if known
 * * #guint64 `bytes`: size of its file
 * * #gchararray `ref-id`: what was sent as `ref_id`, if anything
 * * #gchararray `sha256`: SHA-256 of its file, in hexadecimal; left out if it has
 *   none, none was taken before it was dropped, or #GstIdentifaiSink:sha256 is %FALSE
 *
 * The three outcomes have what `attach-file` asks for:
 *
 * * #GstBuffer `file`: the file, whose bytes are those that are posted. It refers to
 *   the memory that was posted; to map it makes one piece of that
 * * #gboolean `file-dropped`: %TRUE if it had to go as more than
 *   `max-attached-bytes` waited; else left out
 *
 * The reporter adds to each element message #gchararray `session`: another one at each
 * start. Outcomes of what was resumed have that of the run that submitted it, and
 * #gboolean `resumed`, %TRUE.
 */

#include "gstidentifaimessages.h"

#include "clock.h"

void
gst_identifai_register_tags (void)
{
  gst_tag_register_static (GST_IDENTIFAI_TAG_CLASSIFICATION, GST_TAG_FLAG_META,
      G_TYPE_STRING, "identifAI classification",
      "identifAI's verdict: human, artificial or unknown",
      gst_tag_merge_use_first);
  gst_tag_register_static (GST_IDENTIFAI_TAG_CONFIDENCE, GST_TAG_FLAG_META,
      G_TYPE_DOUBLE, "identifAI confidence",
      "confidence of identifAI's verdict, 0 to 1", NULL);
  gst_tag_register_static (GST_IDENTIFAI_TAG_IDENTIFIER, GST_TAG_FLAG_META,
      G_TYPE_STRING, "identifAI identifier",
      "identifAI's identifier of the classification", gst_tag_merge_use_first);
  gst_tag_register_static (GST_IDENTIFAI_TAG_NSFW, GST_TAG_FLAG_META,
      G_TYPE_BOOLEAN, "identifAI NSFW",
      "whether identifAI finds the content not safe for work", NULL);
}

/* In UTC; -1: unknown. */
static void
set_date_time (GstStructure * structure, gint64 utc)
{
  GstDateTime *date_time;

  if (utc < 0)
    return;
  date_time = gst_date_time_new_from_unix_epoch_utc_usecs (utc);
  gst_structure_set (structure, "date-time", GST_TYPE_DATE_TIME, date_time,
      NULL);
  gst_date_time_unref (date_time);
}

static const gchar *
or_empty (const gchar * text)
{
  return text != NULL ? text : "";
}

static void
set_identifier (GstStructure * structure, const IdentifaiSegment * segment)
{
  if (segment->identifier != NULL)
    gst_structure_set (structure, "identifier", G_TYPE_STRING,
        segment->identifier, NULL);
}

/* Of an outcome: what attach-file asks for. */
static void
set_file (GstStructure * structure, const IdentifaiSegment * segment)
{
  if (segment->attachment != NULL)
    gst_structure_set (structure, "file", GST_TYPE_BUFFER, segment->attachment,
        NULL);
  if (segment->file_dropped)
    gst_structure_set (structure, "file-dropped", G_TYPE_BOOLEAN, TRUE, NULL);
}

static GstStructure *
new_structure (const gchar * name, const IdentifaiSegment * segment)
{
  GstStructure *structure = gst_structure_new (name,
      "kind", G_TYPE_STRING, identifai_kind_get_info (segment->kind)->name,
      "segment", G_TYPE_UINT, segment->number,
      "running-time", G_TYPE_UINT64, segment->running_time,
      "stream-time", G_TYPE_UINT64, segment->stream_time,
      "duration", G_TYPE_UINT64, segment->duration,
      "bytes", G_TYPE_UINT64, segment->bytes, NULL);

  set_date_time (structure, segment->utc);
  if (segment->ref_id != NULL)
    gst_structure_set (structure, "ref-id", G_TYPE_STRING, segment->ref_id,
        NULL);
  if (segment->sha256 != NULL)
    gst_structure_set (structure, "sha256", G_TYPE_STRING, segment->sha256,
        NULL);
  if (segment->session != NULL)
    gst_structure_set (structure, "session", G_TYPE_STRING, segment->session,
        NULL);
  if (segment->resumed)
    gst_structure_set (structure, "resumed", G_TYPE_BOOLEAN, TRUE, NULL);

  return structure;
}

/**
 * identifai-segment:
 *
 * A segment is closed. Besides the common fields:
 *
 * * #guint `frames`, `keyframes`: of its video; 0 where unknown (container
 *   input)
 * * #guint `discontinuities`: losses inside it, as flagged upstream (DISCONT) and
 *   without a jump in time; 0 where unknown
 * * #guint64 `audio-missing`: nanoseconds of sound that its file doesn't have, of
 *   all audio pads: it came too late, or no muxer takes its codec
 * * #gchararray `content-type`: of its file, "video/mp4" say; empty if no file
 *   could be made of it
 */
GstMessage *
gst_identifai_message_segment (GstElement * src,
    const IdentifaiSegment * segment)
{
  GstStructure *structure = new_structure ("identifai-segment", segment);

  gst_structure_set (structure,
      "frames", G_TYPE_UINT, segment->frames,
      "keyframes", G_TYPE_UINT, segment->keyframes,
      "discontinuities", G_TYPE_UINT, segment->discontinuities,
      "audio-missing", G_TYPE_UINT64, segment->audio_missing,
      "content-type", G_TYPE_STRING, or_empty (segment->content_type), NULL);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

/**
 * identifai-submitted:
 *
 * The service took the file. Besides the common fields:
 *
 * * #gchararray `identifier`: the service's, for its other calls
 * * #GstClockTime `upload-time`: nanoseconds from the request to its answer
 */
GstMessage *
gst_identifai_message_submitted (GstElement * src,
    const IdentifaiSegment * segment, GstClockTime upload_time)
{
  GstStructure *structure = new_structure ("identifai-submitted", segment);

  gst_structure_set (structure,
      "identifier", G_TYPE_STRING, segment->identifier,
      "upload-time", G_TYPE_UINT64, upload_time, NULL);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

static void
set_heatmap (GstStructure * structure, GBytes * heatmap)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (heatmap);

  gst_structure_set (structure, "heatmap", GST_TYPE_BUFFER, buffer, NULL);
  gst_buffer_unref (buffer);
}

/**
 * identifai-verdict:
 *
 * The service judged the segment. Besides the common fields:
 *
 * * #gchararray `identifier`
 * * #gchararray `classification`: `human`, `artificial` or `unknown`
 * * #gdouble `confidence`: of the classification, 0 to 1; 0 if the service gives
 *   none
 * * #gdouble `score`: probability that the video is artificial, 0 to 1: the
 *   confidence of `artificial`, 1 less that of `human`, 0.5 if `unknown`
 * * #guint `artificial-frames`: of the frames that were judged
 * * #gchararray `heuristic`: the one that gave the verdict; empty if unnamed
 * * #gboolean `unknown`: whether the service could not tell
 * * #gboolean `nsfw`: if judged
 * * #gchararray `forced`: if somebody or a C2PA signature forced the verdict
 * * #GstBuffer `heatmap`: PNG, if identifaiimagesink's `with-heatmap` asked for it
 * * #gchararray `heatmap-error`: why it was asked for and isn't there
 * * #GstValueArray `verdicts`: of #GstStructure, one a heuristic, with
 *   `heuristic`, `classification`, `confidence`, `unknown` and what else the
 *   service gives
 * * #GstStructure `results`: the service's `results`
 * * #gchararray `json`: the answer as received
 * * #GstClockTime `latency`: nanoseconds from the segment's last buffer to this
 *   message
 */
GstMessage *
gst_identifai_message_verdict (GstElement * src,
    const IdentifaiSegment * segment, const IdentifaiResult * result,
    GstClockTime latency)
{
  GstStructure *structure = new_structure ("identifai-verdict", segment);

  gst_structure_set (structure,
      "identifier", G_TYPE_STRING, or_empty (segment->identifier),
      "classification", G_TYPE_STRING, result->classification,
      "confidence", G_TYPE_DOUBLE, result->confidence,
      "score", G_TYPE_DOUBLE, result->score,
      "artificial-frames", G_TYPE_UINT, result->artificial_frames,
      "heuristic", G_TYPE_STRING, or_empty (result->heuristic),
      "unknown", G_TYPE_BOOLEAN, result->unknown,
      "results", GST_TYPE_STRUCTURE, result->results,
      "json", G_TYPE_STRING, result->json,
      "latency", G_TYPE_UINT64, latency, NULL);
  gst_structure_set_value (structure, "verdicts", &result->verdicts);
  if (result->nsfw >= 0)
    gst_structure_set (structure, "nsfw", G_TYPE_BOOLEAN, result->nsfw != 0,
        NULL);
  if (result->heatmap != NULL)
    set_heatmap (structure, result->heatmap);
  if (result->heatmap_error != NULL)
    gst_structure_set (structure, "heatmap-error", G_TYPE_STRING,
        result->heatmap_error, NULL);
  if (result->forced != NULL)
    gst_structure_set (structure, "forced", G_TYPE_STRING, result->forced,
        NULL);
  set_file (structure, segment);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

/**
 * identifai-failed:
 *
 * The segment has no verdict and will have none. Besides the common fields:
 *
 * * #gchararray `reason`: `too-large`, `mux`, `rejected`, `unauthorized`,
 *   `no-credits`, `throttled`, `network`, `bad-response`, `service-error` or
 *   `timeout`
 * * #guint `http-status`: 0 if there was none; after a `timeout`, that of the latest
 *   look if it failed, or 404 if it found nothing
 * * #gchararray `message`: the service's words if any, else the element's
 * * #gchararray `identifier`: if the service had taken the file
 */
GstMessage *
gst_identifai_message_failed (GstElement * src,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    guint http_status, const gchar * text)
{
  GstStructure *structure = new_structure ("identifai-failed", segment);

  gst_structure_set (structure,
      "reason", G_TYPE_STRING, identifai_reason_to_string (reason),
      "http-status", G_TYPE_UINT, http_status,
      "message", G_TYPE_STRING, or_empty (text), NULL);
  set_identifier (structure, segment);
  set_file (structure, segment);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

/**
 * identifai-dropped:
 *
 * The element gave the segment up. Besides the common fields:
 *
 * * #gchararray `reason`: `overflow` (more waited than may wait), `budget`
 *   (max-uploads-per-hour is used up), `flushed` (by a seek), `stopped` (by a state
 *   change), `too-short` (identifaispeechsink: under 3 s), `late` (identifaigate: no
 *   verdict could come any more before its pictures have to leave)
 * * #gchararray `identifier`: if the service had taken the file
 */
GstMessage *
gst_identifai_message_dropped (GstElement * src,
    const IdentifaiSegment * segment, const gchar * reason)
{
  GstStructure *structure = new_structure ("identifai-dropped", segment);

  gst_structure_set (structure, "reason", G_TYPE_STRING, reason, NULL);
  set_identifier (structure, segment);
  set_file (structure, segment);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

static void
set_segments (GstStructure * structure, const GArray * segments)
{
  GValue list = G_VALUE_INIT, item = G_VALUE_INIT;
  guint i;

  gst_value_array_init (&list, segments->len);
  g_value_init (&item, G_TYPE_UINT);
  for (i = 0; i < segments->len; i++) {
    g_value_set_uint (&item, g_array_index (segments, guint, i));
    gst_value_array_append_value (&list, &item);
  }
  gst_structure_take_value (structure, "segments", &list);
}

/**
 * identifai-policy:
 *
 * The stream's state changed, by `policy`:
 *
 * * #gchararray `state`, `previous`: `clear`, `review` or `blocked`
 * * #gboolean `enforced`: the policy's `enforce`
 * * #gdouble `score`: of the segment at which it changed; 0 if that has no
 *   verdict
 * * #guint `segment`; #GstClockTime `running-time`, `stream-time`, `duration`;
 *   #GstDateTime `date-time`: that segment's, as in the other messages
 * * #GstValueArray `segments`: of #guint, the numbers of those that made it
 */
GstMessage *
gst_identifai_message_policy (GstElement * src,
    const IdentifaiPolicyChange * change, gboolean enforced)
{
  const IdentifaiPolicyOutcome *cause = &change->cause;
  GstStructure *structure = gst_structure_new ("identifai-policy",
      "state", G_TYPE_STRING, identifai_policy_state_to_string (change->state),
      "previous", G_TYPE_STRING,
      identifai_policy_state_to_string (change->previous),
      "enforced", G_TYPE_BOOLEAN, enforced,
      "score", G_TYPE_DOUBLE, cause->score,
      "segment", G_TYPE_UINT, cause->segment,
      "running-time", G_TYPE_UINT64, cause->running_time,
      "stream-time", G_TYPE_UINT64, cause->stream_time,
      "duration", G_TYPE_UINT64, cause->duration, NULL);

  set_date_time (structure, cause->utc);
  set_segments (structure, change->segments);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

static void
set_string (GstStructure * structure, const gchar * field, const gchar * text)
{
  if (text != NULL)
    gst_structure_set (structure, field, G_TYPE_STRING, text, NULL);
}

/**
 * identifai-override:
 *
 * What came of an override, one for each:
 *
 * * #guint `segment`, #gchararray `identifier`, `hash`: whose, as far as known
 * * #gchararray `classification`: `human`, `artificial` or `unknown`
 * * #gboolean `ok`: whether the service took it. What else follows from it, by a
 *   policy or in a gate, happens in any case
 * * #gchararray `reason`: unless `ok`, as of `identifai-failed`, `unknown-segment`
 *   (that doesn't exist yet, that the service never had, or that was too long ago),
 *   or `stopped` (the element did)
 * * #guint `http-status`: 0 if there was none
 * * #gchararray `message`: the service's words if any, else the element's
 */
GstMessage *
gst_identifai_message_override (GstElement * src,
    const GstIdentifaiOverride * override)
{
  GstStructure *structure = gst_structure_new ("identifai-override",
      "classification", G_TYPE_STRING, override->classification,
      "ok", G_TYPE_BOOLEAN, override->reason == NULL,
      "http-status", G_TYPE_UINT, override->http_status,
      "message", G_TYPE_STRING, or_empty (override->text), NULL);

  if (override->has_segment)
    gst_structure_set (structure, "segment", G_TYPE_UINT, override->segment,
        NULL);
  set_string (structure, "identifier", override->identifier);
  set_string (structure, "hash", override->hash);
  set_string (structure, "reason", override->reason);

  return gst_message_new_element (GST_OBJECT (src), structure);
}

/**
 * identifai-credits:
 *
 * The service's answer to the question for credits, which `credits-interval` has
 * asked:
 *
 * * #guint64 `available`, `spent`: of the account
 */
GstMessage *
gst_identifai_message_credits (GstElement * src, guint64 available,
    guint64 spent)
{
  return gst_message_new_element (GST_OBJECT (src),
      gst_structure_new ("identifai-credits",
          "available", G_TYPE_UINT64, available,
          "spent", G_TYPE_UINT64, spent, NULL));
}

/**
 * identifai-gate:
 *
 * What the gate does changes, with a picture that has to leave:
 *
 * * #gchararray `state`: `pass`, `drop` or `slate`
 * * #gchararray `reason`: `verdict`, `unknown`, `unjudged` (no verdict, in time or
 *   at all, or in no segment), `unsampled`, `forced`, `dumped`, `skipped` (`hold`
 *   was lowered, or it would be shown where the slate was, as upstream stood still
 *   and catches up), `overflow` (`max-held-bytes`), `start` (the delay is being
 *   built). Of a `drop` that lasts until a key frame, that with which it began
 * * #guint `segment`: the picture's; left out if it is in none
 * * #GstClockTime `running-time`: when it is shown, in nanoseconds;
 *   %GST_CLOCK_TIME_NONE where unknown
 * * #GstDateTime `date-time`: UTC, now
 * * #guint64 `delay`: nanoseconds since it came
 */
GstMessage *
gst_identifai_message_gate (GstElement * src, const IdentifaiHeld * held)
{
  gint64 delay = identifai_clock_now () - held->arrival;
  GstStructure *structure = gst_structure_new ("identifai-gate",
      "state", G_TYPE_STRING, held->passes ? "pass" :
      held->slate ? "slate" : "drop",
      "reason", G_TYPE_STRING, identifai_why_to_string (held->why),
      "running-time", G_TYPE_UINT64,
      held->running >= 0 ? (guint64) held->running : GST_CLOCK_TIME_NONE,
      "delay", G_TYPE_UINT64, (guint64) delay * GST_USECOND, NULL);

  if (held->in_segment)
    gst_structure_set (structure, "segment", G_TYPE_UINT, held->segment, NULL);
  set_date_time (structure, identifai_clock_now_real ());

  return gst_message_new_element (GST_OBJECT (src), structure);
}

GstMessage *
gst_identifai_message_tags (GstElement * src, const gchar * identifier,
    const IdentifaiResult * result)
{
  GstTagList *tags = gst_tag_list_new (GST_IDENTIFAI_TAG_CLASSIFICATION,
      result->classification,
      GST_IDENTIFAI_TAG_CONFIDENCE, result->confidence, NULL);

  if (identifier != NULL && *identifier != '\0')
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE,
        GST_IDENTIFAI_TAG_IDENTIFIER, identifier, NULL);
  if (result->nsfw >= 0)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_IDENTIFAI_TAG_NSFW,
        result->nsfw != 0, NULL);

  return gst_message_new_tag (GST_OBJECT (src), tags);
}
