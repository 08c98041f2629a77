/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstidentifaierrors.h"

#include <gio/gio.h>

typedef struct
{
  GstResourceError code;
  const gchar *what;            /* is the trouble */
  const gchar *advice;
} Explanation;

/* What each reason means on the bus. */
static const Explanation explanations[GST_IDENTIFAI_N_LOSSES] = {
  [GST_IDENTIFAI_LOSS_OVERFLOW] = {GST_RESOURCE_ERROR_FAILED,
        "Segments were dropped",
      "See identifai-dropped. Judge less (segment-interval, a longer "
        "segment-duration), look whether the service can be reached, or raise "
        "max-pending-segments and max-pending-bytes."},
  [IDENTIFAI_REASON_TOO_LARGE] = {GST_RESOURCE_ERROR_NO_SPACE_LEFT,
        "The file is too large for one upload",
      "Encode at a lower bitrate; a file is cut into segments by parsebin in "
        "front of this element; raise max-segment-bytes if the service takes "
        "more."},
  [IDENTIFAI_REASON_MUX] = {GST_RESOURCE_ERROR_FAILED,
        "No file could be made of a segment",
      "The stream may be damaged; GST_DEBUG=identifai*:5 tells more."},
  [IDENTIFAI_REASON_REJECTED] = {GST_RESOURCE_ERROR_WRITE,
        "The classification service rejected a segment",
      "Its words say why; check the parameters, the file's format, and the "
        "path of endpoint."},
  [IDENTIFAI_REASON_UNAUTHORIZED] = {GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        "The classification service refused the API key",
      "Check the key (IDENTIFAI_API_KEY, api-key-file, api-key): it may be cut, "
        "or of another account. A new one may be written into api-key-file "
        "while the stream runs."},
  [IDENTIFAI_REASON_NO_CREDITS] = {GST_RESOURCE_ERROR_NOT_AUTHORIZED,
        "The account has no credits left",
      "Buy credits, or judge less: frames, segment-interval."},
  [IDENTIFAI_REASON_THROTTLED] = {GST_RESOURCE_ERROR_BUSY,
        "The classification service throttles this key",
      "The next calls are slower. Where this goes on, the key is used elsewhere, "
        "too, or its limits are lower than rate-limits says."},
  [IDENTIFAI_REASON_NETWORK] = {GST_RESOURCE_ERROR_OPEN_WRITE,
        "The connection to the classification service failed",
      "Check the network, endpoint and proxy. With retries=-1 segments wait "
        "for the service, however long it is gone."},
  [IDENTIFAI_REASON_BAD_RESPONSE] = {GST_RESOURCE_ERROR_READ,
        "The classification service's answer can't be understood",
      "Check that endpoint is identifAI's, and the name in heuristic."},
  [IDENTIFAI_REASON_SERVICE_ERROR] = {GST_RESOURCE_ERROR_FAILED,
        "The classification service failed",
      "If its words are about the file, check that it plays; else the service "
        "has trouble of its own. With retries=-1 segments wait for it."},
  [IDENTIFAI_REASON_TIMEOUT] = {GST_RESOURCE_ERROR_READ,
        "No verdict came in time",
      "Raise verdict-timeout or drain-timeout, whichever is named, or judge "
        "less."},
  [GST_IDENTIFAI_LOSS_BUDGET] = {GST_RESOURCE_ERROR_NO_SPACE_LEFT,
        "Segments were dropped to keep to max-uploads-per-hour",
      "Judge less of the stream (segment-interval, a longer segment-duration), "
        "or raise max-uploads-per-hour: each upload is paid for."},
  [GST_IDENTIFAI_LOSS_LATE] = {GST_RESOURCE_ERROR_BUSY,
        "Segments could not be posted in time to be judged",
      "Look whether the service can be reached and how fast the upload is; a "
        "longer hold or shorter segments give it more time."},
};

static const Explanation forbidden = { GST_RESOURCE_ERROR_NOT_AUTHORIZED,
  "The classification service doesn't let this account use it",
  "The key is known. Accept the terms of service in the account, and check its "
      "rights and its plan, or ask identifAI."
};

static const Explanation revoked = { GST_RESOURCE_ERROR_NOT_AUTHORIZED,
  "The classification service doesn't take the API key any more",
  "It was revoked, has expired, or was replaced by a wrong one. Make a new key in "
      "the account, and write it into api-key-file, which is read again after a "
      "401, or set api-key."
};

static const Explanation failed_poll = { GST_RESOURCE_ERROR_READ,
  "A look at a result failed",
  "No segment is lost by that: looks are free, and go on until verdict-timeout. "
      "If it lasts, check what stands in front of the service, and the key."
};

static gboolean
speaks_of_revocation (const gchar * text)
{
  gchar *lower = g_utf8_strdown (text != NULL ? text : "", -1);
  gboolean found = strstr (lower, "revoked") != NULL
      || strstr (lower, "expired") != NULL;

  g_free (lower);

  return found;
}

static const Explanation *
explain (const GstIdentifaiFailure * self)
{
  if (self->call == IDENTIFAI_CALL_GET
      && self->reason != IDENTIFAI_REASON_NETWORK
      && self->reason != IDENTIFAI_REASON_THROTTLED)
    return &failed_poll;
  if (self->reason == IDENTIFAI_REASON_UNAUTHORIZED && self->http_status == 403)
    return &forbidden;
  if (self->reason == IDENTIFAI_REASON_UNAUTHORIZED
      && (self->key_worked || speaks_of_revocation (self->text)))
    return &revoked;

  return &explanations[self->reason];
}

static GError *
new_error (const GstIdentifaiFailure * failure)
{
  const Explanation *explanation = explain (failure);
  const gchar *text = failure->text != NULL ? failure->text : "";

  return g_error_new (GST_RESOURCE_ERROR, explanation->code, "%s%s%s",
      explanation->what, *text != '\0' ? ": " : "", text);
}

/* Of identifai-failed, or of identifai-dropped. */
static const gchar *
reason_name (guint reason)
{
  if (reason == GST_IDENTIFAI_LOSS_OVERFLOW)
    return "overflow";
  if (reason == GST_IDENTIFAI_LOSS_BUDGET)
    return "budget";
  if (reason == GST_IDENTIFAI_LOSS_LATE)
    return "late";

  return identifai_reason_to_string (reason);
}

static GstStructure *
new_details (guint reason, guint http_status)
{
  GstStructure *details = gst_structure_new ("details", "reason",
      G_TYPE_STRING, reason_name (reason), NULL);

  if (http_status != 0)
    gst_structure_set (details, "http-status-code", G_TYPE_UINT, http_status,
        NULL);

  return details;
}

typedef GstMessage *(*NewFunc) (GstObject *, GError *, const gchar *,
    GstStructure *);

/* Takes over error. */
static GstMessage *
new_message (NewFunc func, GstElement * src, GError * error,
    const GstIdentifaiFailure * failure)
{
  const gchar *advice = explain (failure)->advice;
  gchar *again = failure->retry_in < 0 ? NULL :
      g_strdup_printf ("%s Trying again in %.1f s.", advice,
      failure->retry_in / (gdouble) G_TIME_SPAN_SECOND);
  GstMessage *message = func (GST_OBJECT (src), error, again ? again : advice,
      new_details (failure->reason, failure->http_status));

  g_error_free (error);
  g_free (again);

  return message;
}

/* Not of a call. */
static GstMessage *
new_plain_message (NewFunc func, GstElement * src, GError * error, guint reason)
{
  GstIdentifaiFailure failure = {.reason = reason,.retry_in = -1 };

  return new_message (func, src, error, &failure);
}

GstMessage *
gst_identifai_warning_call (GstElement * src,
    const GstIdentifaiFailure * failure)
{
  return new_message (gst_message_new_warning_with_details, src,
      new_error (failure), failure);
}

GstMessage *
gst_identifai_warning_file (GstElement * src, IdentifaiReason reason,
    const gchar * text)
{
  GstIdentifaiFailure failure = {.reason = reason,.text = text,.retry_in = -1 };

  return gst_identifai_warning_call (src, &failure);
}

GstMessage *
gst_identifai_warning_overflow (GstElement * src)
{
  GError *error = g_error_new_literal (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "Segments close faster than they are judged: some are dropped");

  return new_plain_message (gst_message_new_warning_with_details, src, error,
      GST_IDENTIFAI_LOSS_OVERFLOW);
}

GstMessage *
gst_identifai_warning_budget (GstElement * src, guint uploads)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "%u segments were posted within an hour (max-uploads-per-hour): others are "
      "dropped until there is room", uploads);

  return new_plain_message (gst_message_new_warning_with_details, src, error,
      GST_IDENTIFAI_LOSS_BUDGET);
}

GstMessage *
gst_identifai_warning_credits (GstElement * src, guint64 available, guint least)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT, "The account has %" G_GUINT64_FORMAT
      " credits left, fewer than %u (credits-warning)", available, least);
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, "Without credits nothing is judged. Buy some, or judge less "
      "(segment-interval, a longer segment-duration, frames).",
      gst_structure_new ("details", "reason", G_TYPE_STRING, "credits",
          "available", G_TYPE_UINT64, available, NULL));

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_warning_no_credits (GstElement * src,
    const IdentifaiCredits * credits)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
      "The account's credits can't be asked for: %s", credits->message);
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error,
      "Segments are judged all the same, as long as there are some. They "
      "are asked for again each credits-interval.",
      new_details (credits->reason, credits->http_status));

  g_error_free (error);

  return message;
}

/* Takes over error. */
static GstMessage *
new_gate_warning (GstElement * src, GError * error, const gchar * details,
    const gchar * advice)
{
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, advice, gst_structure_new_empty (details));

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_warning_late (GstElement * src, guint segment, GstClockTime hold,
    GstClockTime delay)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_FAILED,
      "Segment %u had to leave without a verdict", segment);
  gchar *advice = g_strdup_printf ("Nothing is held for longer than %"
      GST_TIME_FORMAT " (hold), and outcomes came up to %" GST_TIME_FORMAT
      " after a segment's start. Raise hold, or lower segment-duration",
      GST_TIME_ARGS (hold), GST_TIME_ARGS (delay));
  GstMessage *message = new_gate_warning (src, error,
      "identifaigate/excessive-delay", advice);

  g_free (advice);

  return message;
}

GstMessage *
gst_identifai_warning_demand (GstElement * src, const IdentifaiDemand * all,
    gdouble limit, GstClockTime period)
{
  GstClockTime fitting =
      gst_util_uint64_scale_ceil (1, (guint64) (period * all->per_minute /
          limit), 100 * GST_MSECOND) * 100 * GST_MSECOND;
  GError *error = g_error_new (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "What judges with this key (%u in all) wants %.4g uploads a minute, and %.4g "
      "is what it has: segments will come late, or be dropped", all->users,
      all->per_minute, limit);
  gchar *advice = g_strdup_printf ("With segment-duration=%" G_GUINT64_FORMAT
      " (%.1f s) here, and as much longer ones in the others, they fit. Or judge "
      "less (segment-interval), or use another key", fitting,
      (gdouble) fitting / GST_SECOND);
  GstMessage *message =
      gst_message_new_warning_with_details (GST_OBJECT (src), error, advice,
      gst_structure_new ("identifai/demand", "elements", G_TYPE_UINT,
          all->users, "uploads-per-minute", G_TYPE_DOUBLE, all->per_minute,
          "limit-per-minute", G_TYPE_DOUBLE, limit, "segment-duration",
          G_TYPE_UINT64, fitting, NULL));

  g_error_free (error);
  g_free (advice);

  return message;
}

GstMessage *
gst_identifai_warning_short_hold (GstElement * src, GstClockTime hold,
    GstClockTime needed, guint enter)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "%u segments make the policy block, and hold (%.3f s) is too short for "
      "them: the first ones will have left", enter,
      (gdouble) hold / GST_SECOND);
  gchar *advice = g_strdup_printf ("Raise hold above %.3f s, or lower "
      "segment-duration or the policy's enter", (gdouble) needed / GST_SECOND);
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, advice, gst_structure_new ("identifaigate/short-hold",
          "hold", G_TYPE_UINT64, hold, "needed", G_TYPE_UINT64, needed, NULL));

  g_error_free (error);
  g_free (advice);

  return message;
}

GstMessage *
gst_identifai_warning_hold_full (GstElement * src, guint64 bytes)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "What is held would be more than %" G_GUINT64_FORMAT " bytes: the oldest "
      "leaves before its time", bytes);

  return new_gate_warning (src, error, "identifaigate/held-bytes",
      "Raise max-held-bytes, or lower hold");
}

GstMessage *
gst_identifai_warning_slate (GstElement * src, const gchar * what)
{
  GError *error = g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
      "There is no slate: %s", what);

  return new_gate_warning (src, error, "identifaigate/slate",
      "What is withheld leaves a hole. A slate is a file (slate-location) or "
      "what ends at the pad slate, with a key frame, in the stream's codec and "
      "best with its size, profile and sound: see docs/gate.md");
}

GstMessage *
gst_identifai_warning_held (GstElement * src)
{
  GError *error = g_error_new_literal (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_BUSY,
      "The stream is held: segments close faster than the service takes them");
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, "With overflow=block, or auto and a source that is faster than "
      "real time, nothing is lost, but all that shares the stream waits. A "
      "stream that must go on wants overflow=drop-oldest. Judge less "
      "(segment-interval, a longer segment-duration), or look whether the "
      "service can be reached.",
      gst_structure_new ("details", "reason", G_TYPE_STRING, "held", NULL));

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_warning_container (GstElement * src, const gchar * content_type,
    guint64 max_bytes)
{
  GError *error = g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "This stream comes in a container (%s), which is judged when it ends, "
      "and not before", content_type);
  gchar *advice = g_strdup_printf ("To have it cut into segments, put parsebin "
      "in front of this element (or the demuxer and the parser), or leave out "
      "the muxer. Beyond max-segment-bytes, %" G_GUINT64_FORMAT
      " bytes, it is not judged at all.", max_bytes);
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, advice, gst_structure_new ("details", "reason", G_TYPE_STRING,
          "container", NULL));

  g_free (advice);
  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_warning_short (GstElement * src, const gchar * times)
{
  GError *error = g_error_new (GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "Times are in nanoseconds, and this is next to nothing: %s", times);
  GstMessage *message = gst_message_new_warning (GST_OBJECT (src), error,
      "10000000000 are ten seconds.");

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_warning_idle (GstElement * src, const gchar * names)
{
  GError *error = g_error_new (GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "A container's bytes are posted as they are, this has no effect: %s",
      names);
  GstMessage *message = gst_message_new_warning (GST_OBJECT (src), error,
      "To have the stream cut into segments, put parsebin in front of "
      "this element.");

  g_error_free (error);

  return message;
}

/* What the stream lacks. */

/* reason: in the message's details. */
static GstMessage *
new_stream_warning (GstElement * src, GstStreamError code,
    const gchar * reason, const gchar * advice, gchar * text)
{
  GError *error = g_error_new_literal (GST_STREAM_ERROR, code, text);
  GstMessage *message = gst_message_new_warning_with_details (GST_OBJECT (src),
      error, advice, gst_structure_new ("details", "reason", G_TYPE_STRING,
          reason, NULL));

  g_error_free (error);
  g_free (text);

  return message;
}

GstMessage *
gst_identifai_warning_sound (GstElement * src, const gchar * pad,
    const gchar * obstacle)
{
  return new_stream_warning (src, GST_STREAM_ERROR_CODEC_NOT_FOUND,
      "sound-left-out", "The video is judged without it, and audio-missing of "
      "identifai-segment counts it. Encode the sound anew, to AAC or Opus for "
      "instance, or leave muxer at auto.",
      g_strdup_printf ("The sound%s%s is left out: %s", pad ? " of " : "",
          pad ? pad : "", obstacle));
}

GstMessage *
gst_identifai_warning_orientation (GstElement * src, const gchar * orientation)
{
  return new_stream_warning (src, GST_STREAM_ERROR_MUX, "orientation",
      "The video is judged as it is coded. MP4 can say it: encode the sound to AAC, "
      "or leave it out; matroskamux can since GStreamer 1.26.",
      g_strdup_printf
      ("The pictures should be turned (%s), which the muxer that "
          "takes these streams can't say", orientation));
}

GstMessage *
gst_identifai_warning_silence (GstElement * src, IdentifaiKind kind,
    guint seconds, const gchar * advice)
{
  if (advice != NULL)
    return new_stream_warning (src, GST_STREAM_ERROR_FAILED, "silence", advice,
        g_strdup_printf ("No %s has come within %u s: nothing is judged",
            identifai_kind_get_info (kind)->noun, seconds));

  return new_stream_warning (src, GST_STREAM_ERROR_FAILED, "silence",
      "The source has stopped, or what is between it and this element; what came "
      "last is judged when the stream goes on or ends.",
      g_strdup_printf ("The stream has stopped: nothing has come for %u s",
          seconds));
}

static GstMessage *
warning_key_frames (GstElement * src)
{
  return new_stream_warning (src, GST_STREAM_ERROR_FAILED, "no-key-frames",
      "Have the encoder make one at least every few seconds, without intra "
      "refresh, or let it heed key frame requests; check that the source sends "
      "the codec that its caps say. Else a segment fails as too-large when it "
      "reaches max-segment-bytes.",
      g_strdup ("The stream has no key frames any more, and segments start and "
          "end at key frames only"));
}

static GstMessage *
warning_late_sound (GstElement * src)
{
  return new_stream_warning (src, GST_STREAM_ERROR_FAILED, "late-sound",
      "audio-missing of identifai-segment says how much. A live source's sound "
      "must come by the pipeline's latency, see GstPipeline; else so much waits "
      "for it as max-pending-bytes allows, and at the end as long as sound goes "
      "on. A queue in front of each of the sink's pads helps where one branch "
      "holds up the other.",
      g_strdup ("Sound comes too late: segments go without some of it"));
}

static GstMessage *
warning_stamped (GstElement * src, GstClockTime step)
{
  gchar *text = step == 0 ?
      g_strdup ("The stream has no timestamps: its pictures get the time at "
      "which they come") :
      g_strdup_printf ("The stream has no timestamps: its pictures count as "
      "%.4g a second", (gdouble) GST_SECOND / step);

  return new_stream_warning (src, GST_STREAM_ERROR_FORMAT, "no-timestamps",
      "All of them are judged, but the times of segments are guessed, and sound "
      "may be off. Let the source set timestamps (do-timestamp=true), or put "
      "the frame rate into the caps.", text);
}

static GstMessage *
warning_sound_times (GstElement * src, gboolean is_lost)
{
  return new_stream_warning (src, GST_STREAM_ERROR_FORMAT, "sound-times",
      "Let its source set timestamps (do-timestamp=true), or put a parser of its "
      "codec in between.", g_strdup (is_lost ?
          "The sound has neither timestamps nor durations: it is left out, and "
          "audio-missing of identifai-segment counts it" :
          "The sound has no timestamps: it may be off from the pictures"));
}

static GstMessage *
warning_short (GstElement * src, GstClockTime missing)
{
  return new_stream_warning (src, GST_STREAM_ERROR_DEMUX, "ended-early",
      "Check that the file is whole. GStreamer 1.22 drops the end of MP4 files "
      "that were trimmed at their start: judge such a file as it is, without a "
      "demuxer, or cut it anew.",
      g_strdup_printf ("The video ended %.1f s before its source said: what is "
          "missing was not judged", (gdouble) missing / GST_SECOND));
}

static GstMessage *
warning_no_picture (GstElement * src, guint64 count,
    const IdentifaiCodec * codec)
{
  const gchar *parser = codec && codec->parser ? codec->parser : "parsebin";
  gchar *advice = g_strdup_printf ("Check that the source sends the codec that "
      "its caps say, one whole picture a buffer; %s in front of this element "
      "makes pictures of bytes.", parser);
  GstMessage *message = new_stream_warning (src, GST_STREAM_ERROR_DECODE,
      "no-picture", advice, g_strdup_printf ("There is no picture of %s in %"
          G_GUINT64_FORMAT " buffers: they are not judged",
          codec ? codec->name : "video", count));

  g_free (advice);

  return message;
}

static GstMessage *
warning_flaw (GstElement * src, const IdentifaiNews * news,
    const IdentifaiCodec * codec)
{
  switch (news->flaw) {
    case IDENTIFAI_FLAW_REVERSE:
      return new_stream_warning (src, GST_STREAM_ERROR_NOT_IMPLEMENTED,
          "reverse", "Play the stream forwards.",
          g_strdup ("Reverse playback is not judged"));
    case IDENTIFAI_FLAW_TIMES:
      return new_stream_warning (src, GST_STREAM_ERROR_FORMAT, "times",
          "Check the timestamps and the segment events of the source.",
          g_strdup_printf ("The times of %" G_GUINT64_FORMAT
              " pictures are out of all range: they are not judged",
              news->count));
    default:
      return warning_no_picture (src, news->count, codec);
  }
}

GstMessage *
gst_identifai_message_news (GstElement * src, const IdentifaiNews * news,
    const IdentifaiCodec * codec)
{
  if (news->kind == IDENTIFAI_NEWS_LATE_SOUND)
    return warning_late_sound (src);
  if (news->kind == IDENTIFAI_NEWS_STAMPED)
    return warning_stamped (src, news->step);
  if (news->kind == IDENTIFAI_NEWS_SOUND_TIMES)
    return warning_sound_times (src, news->is_lost);
  if (news->kind == IDENTIFAI_NEWS_SHORT)
    return warning_short (src, news->step);
  if (news->kind == IDENTIFAI_NEWS_FLAW)
    return news->is_over ? gst_identifai_info (src,
        "What comes is judged again")
        : warning_flaw (src, news, codec);

  return news->is_over ? gst_identifai_info (src,
      "The stream has key frames again") : warning_key_frames (src);
}

GError *
gst_identifai_error_nothing (const IdentifaiSegmenterStats * stats,
    const IdentifaiCodec * codec)
{
  const gchar *name = codec ? codec->name : "video";

  if (stats->n_bytes == 0)
    return g_error_new_literal (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
        "The stream is empty: nothing was judged. Check the source.");
  if (stats->flaw == IDENTIFAI_FLAW_REVERSE)
    return g_error_new_literal (GST_STREAM_ERROR,
        GST_STREAM_ERROR_NOT_IMPLEMENTED, "The stream was played in reverse: "
        "nothing was judged. Play it forwards.");
  if (stats->skipped == 0)
    return g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE,
        "The stream ended without a picture of %s in %" G_GUINT64_FORMAT
        " buffers (%" G_GUINT64_FORMAT
        " bytes): nothing was judged. Check that "
        "the source sends what its caps say, one whole picture a buffer.", name,
        stats->n_buffers, stats->n_bytes);

  return g_error_new (GST_STREAM_ERROR, GST_STREAM_ERROR_FAILED,
      "The stream ended without a key frame of %s: %" G_GUINT64_FORMAT
      " other pictures came in %" G_GUINT64_FORMAT " buffers (%"
      G_GUINT64_FORMAT " bytes), nothing was judged. Send a complete group of "
      "pictures, or key frames more often, and the codec that the caps say.",
      name, stats->skipped, stats->n_buffers, stats->n_bytes);
}

GstMessage *
gst_identifai_message_no_video (GstElement * src, const gchar * advice,
    gboolean is_error)
{
  GError *error = g_error_new (GST_STREAM_ERROR,
      GST_STREAM_ERROR_TYPE_NOT_FOUND, "%s. %s", is_error ?
      "There is no video in this stream, only sound" :
      "There is sound, but no video", advice);
  GstMessage *message = is_error ?
      gst_message_new_error (GST_OBJECT (src), error, NULL) :
      gst_message_new_warning (GST_OBJECT (src), error, NULL);

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_info (GstElement * src, const gchar * text)
{
  GError *error = g_error_new_literal (GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_FAILED, text);
  GstMessage *message = gst_message_new_info (GST_OBJECT (src), error, NULL);

  g_error_free (error);

  return message;
}

GstMessage *
gst_identifai_error_refused (GstElement * src,
    const GstIdentifaiFailure * failure)
{
  return new_message (gst_message_new_error_with_details, src,
      new_error (failure), failure);
}

/* Applications look for GStreamer's own domains. */
static GstResourceError
resource_code (const GError * error)
{
  if (error->domain != G_IO_ERROR)
    return GST_RESOURCE_ERROR_SETTINGS;

  switch (error->code) {
    case G_IO_ERROR_NOT_FOUND:
      return GST_RESOURCE_ERROR_NOT_FOUND;
    case G_IO_ERROR_INVALID_DATA:
    case G_IO_ERROR_INVALID_ARGUMENT:
      return GST_RESOURCE_ERROR_SETTINGS;
    default:
      return GST_RESOURCE_ERROR_OPEN_READ;
  }
}

GstMessage *
gst_identifai_error_start (GstElement * src, const GError * error)
{
  GError *shown = g_error_copy (error);
  GstMessage *message;

  if (error->domain != GST_RESOURCE_ERROR && error->domain != GST_LIBRARY_ERROR) {
    shown->code = resource_code (error);
    shown->domain = GST_RESOURCE_ERROR;
  }
  message = gst_message_new_error (GST_OBJECT (src), shown, NULL);
  g_error_free (shown);

  return message;
}

/* "4 overflow, 1 unauthorized" */
static gchar *
count_reasons (const IdentifaiLosses * losses)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i < GST_IDENTIFAI_N_LOSSES; i++) {
    if (losses->by_reason[i] > 0)
      g_string_append_printf (text, "%s%" G_GUINT64_FORMAT " %s",
          text->len > 0 ? ", " : "", losses->by_reason[i], reason_name (i));
  }

  return g_string_free (text, FALSE);
}

GstMessage *
gst_identifai_summary (GstElement * src, const IdentifaiLosses * losses,
    guint64 segments, gboolean may_be_error)
{
  GstIdentifaiFailure failure = {.reason = losses->reason,.http_status =
        losses->http_status,.text = losses->text,.key_worked =
        losses->key_worked,.retry_in = -1
  };
  gboolean all = (losses->total == segments);
  GError *last = new_error (&failure);
  gchar *reasons = count_reasons (losses);
  GError *error;

  if (segments == 1)
    error = g_error_new (GST_RESOURCE_ERROR, last->code,
        "The %s was not judged. %s",
        identifai_kind_get_info (losses->kind)->noun, last->message);
  else if (all)
    error = g_error_new (GST_RESOURCE_ERROR, last->code,
        "None of the %" G_GUINT64_FORMAT " segments was judged (%s). The last "
        "one: %s", segments, reasons, last->message);
  else
    error = g_error_new (GST_RESOURCE_ERROR, last->code,
        "%" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " segments %s not "
        "judged (%s). The last one: %s", losses->total, segments,
        losses->total == 1 ? "was" : "were", reasons, last->message);
  g_error_free (last);
  g_free (reasons);

  return new_message (all && may_be_error ?
      gst_message_new_error_with_details :
      gst_message_new_warning_with_details, src, error, &failure);
}
