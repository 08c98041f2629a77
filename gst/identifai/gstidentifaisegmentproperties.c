/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties: how streams are cut, what waits and for how long, and what programs
 * are given beside verdicts.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaipropertyrows.h"

/* *INDENT-OFF* */
const GstIdentifaiProperty gst_identifai_segment_properties[GST_IDENTIFAI_N_PROPS] = {
  /* How elementary streams are cut. */

  /**
   * GstIdentifaiSink:segment-duration:
   *
   * Elementary input: a segment is closed at the first key frame at or after
   * this many nanoseconds of running time. 0: one segment until EOS.
   * Container input is one segment, whatever this says.
   *
   * Since: 0.1
   */
  [PROP_SEGMENT_DURATION] = {"segment-duration", "Segment duration",
      "Elementary input: cut at the first key frame at or after this many "
      "nanoseconds (0 = one segment until EOS)",
      SINK, FIXED, TIME (segment_duration, 10 * GST_SECOND, 0),
      .idle = TRUE, .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiGate:segment-duration:
   *
   * As identifaisink's #GstIdentifaiSink:segment-duration, but shorter: so there
   * is a verdict earlier, and less is withheld with what had to be; there are
   * more uploads, too.
   *
   * Since: 0.2
   */
  [PROP_GATE_SEGMENT_DURATION] = {"segment-duration", "Segment duration",
      "Cut at the first key frame at or after this many nanoseconds (0 = one "
      "segment until EOS)",
      GATE, FIXED, TIME (segment_duration, 4 * GST_SECOND, 0),
      .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiSpeechSink:segment-duration:
   *
   * A segment ends after this many nanoseconds of running time, with the buffer that
   * reaches them. Less than 3 s counts as 3 s, as the service refuses shorter files; it
   * advises 10 s or more. 0: one segment until EOS.
   *
   * Since: 0.2
   */
  [PROP_SPEECH_SEGMENT_DURATION] = {"segment-duration", "Segment duration",
      "Cut after this many nanoseconds, 3 s at least (0 = one segment until EOS)",
      SPEECH, FIXED, TIME (segment_duration, 15 * GST_SECOND, 0),
      .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiSink:segment-interval:
   *
   * Elementary input: a segment starts at most this often, in nanoseconds of
   * running time; what lies between is not judged.
   * `segment-duration=5000000000 segment-interval=60000000000` judges five
   * seconds of each minute. 0: back to back.
   *
   * Since: 0.1
   */
  [PROP_SEGMENT_INTERVAL] = {"segment-interval", "Segment interval",
      "Elementary input: start a segment at most this often, in "
      "nanoseconds (0 = back to back)",
      VIDEO | SPEECH, FIXED, TIME (segment_interval, 0, 0),
      .idle = TRUE, .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiImageSink:segment-interval:
   *
   * An image is judged at most this often, in nanoseconds of running time, or of the
   * time at which it comes where it has none; the others are passed over. 0: each.
   *
   * Since: 0.2
   */
  [PROP_IMAGE_SEGMENT_INTERVAL] = {"segment-interval", "Segment interval",
      "Judge an image at most this often, in nanoseconds (0 = each)",
      IMAGE, FIXED, TIME (segment_interval, 0, 0),
      .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiSink:max-segment-bytes:
   *
   * No file that is posted is larger, in bytes, container overhead included.
   * Elementary input is cut early at a key frame; a group of pictures that
   * does not fit, and container input, fail as `too-large`. The default is
   * the limit that the service documents, 50 MB.
   *
   * Since: 0.1
   */
  [PROP_MAX_SEGMENT_BYTES] = {"max-segment-bytes", "Maximum segment size",
      "No uploaded file is larger, in bytes: a segment is cut early at a "
      "key frame, or fails as too-large",
      ALL, FIXED, BYTES (max_segment_bytes, 50000000)},
  /**
   * GstIdentifaiSink:send-keyframe-requests:
   *
   * Whether upstream is asked for a key frame (GstForceKeyUnit) where a
   * segment should end, so that encoders with long groups of pictures cut on
   * time.
   *
   * Since: 0.1
   */
  [PROP_SEND_KEYFRAME_REQUESTS] = {"send-keyframe-requests", "Send key frame requests",
      "Ask upstream for a key frame where a segment should end",
      VIDEO, FIXED, BOOLEAN (send_keyframe_requests, TRUE), .idle = TRUE},
  /**
   * GstIdentifaiSink:align-to-clock:
   *
   * Elementary input: segments end at multiples of
   * #GstIdentifaiSink:segment-duration of UTC (12:00:00, 12:00:10 …), at the
   * first key frame from then on. So those of several cameras, and logs, line
   * up. The first one is shorter. With #GstIdentifaiSink:segment-interval they
   * start at its multiples. The time of day is that of `date-time` in the
   * messages; of a file that is read faster than real time it means little.
   *
   * Since: 0.1
   */
  [PROP_ALIGN_TO_CLOCK] = {"align-to-clock", "Align to clock",
      "Cut at multiples of segment-duration of UTC",
      VIDEO, FIXED, BOOLEAN (align_to_clock, FALSE), .idle = TRUE},
  /**
   * GstIdentifaiSink:judging:
   *
   * %FALSE: what comes is not judged, and doesn't count as seen in `coverage`,
   * for cameras that are judged when something happens only. A segment that is
   * open ends with what it has, and is judged; when it becomes %TRUE, the next
   * key frame starts one, and is asked for if
   * #GstIdentifaiSink:send-keyframe-requests is set. A container's bytes can't
   * be cut: what counts is the value when a file begins.
   *
   * Since: 0.1
   */
  [PROP_JUDGING] = {"judging", "Judging",
      "Whether what comes is judged",
      ALL, LIVE, BOOLEAN (judging, TRUE)},
  /**
   * GstIdentifaiSink:early-upload:
   *
   * Elementary input: a segment is sent while it is recorded, so that the
   * service has it a moment after its last frame, however slow the uplink is.
   * It goes out as fragmented MP4, in a request whose length isn't known when
   * it begins (`Transfer-Encoding: chunked`). If the limits have no call left,
   * or anything else stands in the way, it is sent whole when it is closed, as
   * without this. See [Early upload](identifaisink.md#early-upload).
   *
   * Since: 0.2
   */
  [PROP_EARLY_UPLOAD] = {"early-upload", "Early upload",
      "Elementary input: send a segment while it is recorded",
      VIDEO, FIXED, BOOLEAN (early_upload, FALSE), .idle = TRUE},
  /**
   * GstIdentifaiSink:muxer:
   *
   * Elementary input: factory name of the muxer, or `auto`: mp4mux if it
   * takes every stream's codec, else webmmux, else matroskamux, else qtmux;
   * sound that none of them takes beside the video is left out. A factory that
   * is missing, is no muxer or does not take the video is an error when the
   * caps are known.
   *
   * Since: 0.1
   */
  [PROP_MUXER] = {"muxer", "Muxer",
      "Factory name of the muxer for elementary input; auto: mp4mux, else "
      "webmmux, matroskamux or qtmux, by the caps",
      VIDEO, FIXED, STRING (muxer, "auto"), .idle = TRUE},

  /* What waits, and for how long. */

  /**
   * GstIdentifaiSink:overflow:
   *
   * What happens when segments wait longer than they are judged: `block` holds
   * the video pad, `drop-oldest` and `drop-newest` give a segment up with
   * `identifai-dropped`. `auto`: `drop-oldest` if upstream is live, or if what
   * comes does so in real time; else `block`. See [Live or not](identifaisink.md#live-or-not).
   * A warning is posted when the pad has been held for a second.
   *
   * Since: 0.1
   */
  [PROP_OVERFLOW] = {"overflow", "Overflow",
      "What to do when more waits than max-pending-bytes or "
      "max-pending-segments allow",
      SINKS, FIXED, ENUM (overflow, OVERFLOW_AUTO)},
  /**
   * GstIdentifaiGate:overflow:
   *
   * Which segment is given up, with `identifai-dropped`, when more wait than may. It
   * isn't judged then, and goes by #GstIdentifaiGate:on-unjudged. `auto`: of a live
   * stream the one that has waited longest; a file waits at the door.
   *
   * Since: 0.2
   */
  [PROP_GATE_OVERFLOW] = {"overflow", "Overflow",
      "What to do when more waits than max-pending-bytes or "
      "max-pending-segments allow",
      GATE, FIXED, GATE_ENUM (overflow, overflow, OVERFLOW_AUTO)},
  /**
   * GstIdentifaiSink:max-pending-bytes:
   *
   * Bound of the bytes that closed segments hold until the service has taken
   * them. A single segment that is larger is let through when nothing else
   * waits.
   *
   * Since: 0.1
   */
  [PROP_MAX_PENDING_BYTES] = {"max-pending-bytes", "Maximum pending bytes",
      "Bound of what closed segments hold until the service has taken "
      "them, in bytes",
      ALL, FIXED, BYTES (max_pending_bytes, 256 * 1024 * 1024)},
  /**
   * GstIdentifaiSink:max-pending-segments:
   *
   * Bound of the number of closed segments that the service has not taken
   * yet.
   *
   * Since: 0.1
   */
  [PROP_MAX_PENDING_SEGMENTS] = {"max-pending-segments", "Maximum pending segments",
      "Bound of the number of closed segments that the service has not "
      "taken yet",
      ALL, FIXED, UINT (max_pending_segments, 16, 1, G_MAXUINT)},
  /**
   * GstIdentifaiSink:max-uploads-per-hour:
   *
   * So many segments are posted in any hour, as each is paid for; the others
   * are dropped, reason `budget`, and one warning says so. The count outlives
   * a restart of the element, and goes on in another one by `uploads`. 0: no
   * bound.
   *
   * Since: 0.1
   */
  [PROP_MAX_UPLOADS_PER_HOUR] = {"max-uploads-per-hour", "Maximum uploads per hour",
      "So many segments are posted in any hour, the others are dropped (0 "
      "= no bound)",
      ALL, FIXED, UINT (max_uploads_per_hour, 0, 0, G_MAXUINT)},
  /**
   * GstIdentifaiSink:drain-timeout:
   *
   * How long EOS waits for outstanding verdicts, in nanoseconds; what is left
   * then fails as `timeout`. 0: EOS does not wait, and what is outstanding
   * goes on until the element stops. With `overflow=block`, the last segments
   * are then taken over the bounds, and what comes after a seek waits until
   * they have found their room. %GST_CLOCK_TIME_NONE: without bound.
   * identifaigate: of a file, after which what has no verdict goes by
   * `on-unjudged`; 0: at once.
   *
   * Since: 0.1
   */
  [PROP_DRAIN_TIMEOUT] = {"drain-timeout", "Drain timeout",
      "How long EOS waits for outstanding verdicts in nanoseconds (0 = "
      "not at all, GST_CLOCK_TIME_NONE = without bound)",
      SINKS | GATE, FIXED, TIME (drain_timeout, 2 * 60 * GST_SECOND, 0),
      .shortest = GST_MSECOND},
  /* What programs are given beside verdicts. */

  /**
   * GstIdentifaiSink:attach-file:
   *
   * Which outcome messages carry `file`, a GstBuffer with the bytes that are
   * posted: `flagged`, those of what the service finds artificial or could not
   * judge (`unknown`), and of what failed or was dropped; or `all`. It refers to
   * the memory that is posted; to map it makes one piece of that. A change counts
   * from the next outcome on, `none` at once; what was submitted under `none` has
   * no file any more. To print such a message prints the file.
   *
   * Since: 0.2
   */
  [PROP_ATTACH_FILE] = {"attach-file", "Attach file",
      "Which outcome messages carry the file",
      ALL, LIVE, ENUM (attach_file, ATTACH_FILE_NONE)},
  /**
   * GstIdentifaiSink:max-attached-bytes:
   *
   * Bound of the bytes that are kept, under #GstIdentifaiSink:attach-file, of what
   * the service has taken and not judged yet. Beyond it the oldest file goes, and
   * its outcome says `file-dropped`. It comes on top of
   * #GstIdentifaiSink:max-pending-bytes; what is in a message is the
   * application's.
   *
   * Since: 0.2
   */
  [PROP_MAX_ATTACHED_BYTES] = {"max-attached-bytes", "Maximum attached bytes",
      "Bound of the files that wait for their outcome, in bytes",
      ALL, FIXED, BYTES (max_attached_bytes, 64 * 1024 * 1024)},
  /**
   * GstIdentifaiSink:sha256:
   *
   * Whether messages and #GstIdentifaiSink:pending say the SHA-256 of the posted
   * file, by which it can be found again. %FALSE saves the time that it takes, which
   * is half of what is used for a recording that is read as fast as it goes. The
   * action signal `override` asks for the service's hash first, then.
   *
   * Since: 0.2
   */
  [PROP_SHA256] = {"sha256", "SHA-256",
      "Whether messages say the SHA-256 of the posted file",
      ALL, FIXED, BOOLEAN (sha256, TRUE)},
  /**
   * GstIdentifaiSink:pending:
   *
   * What the service has taken and not judged yet, as a GstValueArray of
   * structures `pending`. They have `identifier`, `session`, `kind`,
   * `segment`, `running-time`, `stream-time`, `duration` and `bytes`; if there
   * are any, also `date-time`, `ref-id` and `sha256`, as in the messages. An
   * application that keeps them can give them to the action signal `resume` in
   * its next run. It changes with each `identifai-submitted` and each outcome,
   * and isn't notified.
   *
   * Since: 0.2
   */
  [PROP_PENDING] = {"pending", "Pending",
      "What the service has taken and not judged yet",
      ALL, G_PARAM_READABLE, G_TYPE_BOXED, .get_type = gst_value_array_get_type},
  /**
   * GstIdentifaiSink:uploads:
   *
   * What counts in max-uploads-per-hour: how long ago each upload of the last
   * hour was, in nanoseconds, as a GstValueArray of guint64, the oldest first.
   * An application that replaces the element, or starts again, sets what it
   * read before, older by the time since, so that nobody has another hour.
   * What is set counts instead of what was. It isn't notified.
   *
   * Since: 0.2
   */
  [PROP_UPLOADS] = {"uploads", "Uploads",
      "How long ago the uploads of the last hour were, in nanoseconds",
      ALL, LIVE, G_TYPE_BOXED, .get_type = gst_value_array_get_type,
      .maximum = G_MAXUINT64},
  /**
   * GstIdentifaiSink:stats:
   *
   * Totals since the element started, see [Statistics](messages.md#statistics).
   *
   * Fields of the structure `stats`:
   *
   * * #guint64 `segments`, `submitted`, `verdicts`, `failed`, `dropped`,
   *   `pending`, `in-flight`: closed segments, those that the service took, their
   *   outcomes, those without one yet, and submit calls on the wire now;
   *   `segments` = `verdicts` + `failed` + `dropped` + `pending` at every moment
   * * #guint64 `resumed`: those of earlier runs (`resume`), which are in none of
   *   these
   * * #guint64 `pending-bytes`: what closed segments hold that the service has
   *   not taken yet, in bytes
   * * #guint64 `bytes-uploaded`, `post-requests`, `get-requests`, `retries`,
   *   `throttled`: bytes of files that the service took, requests sent, repeated
   *   requests, answers with status 429
   * * #guint64 `bytes-sending`: bytes of files that are being uploaded now, as far
   *   as the connection has taken them
   * * #gdouble `coverage`: stream time in closed segments / stream time seen,
   *   0 to 1; for container input bytes, as times are not known
   * * #guint64 `latency-last`, `latency-average`, `latency-max`: nanoseconds from
   *   a segment's last buffer to its verdict; 0 before the first one
   *
   * Since: 0.1
   */
  [PROP_STATS] = {"stats", "Statistics",
      "Counts of segments, requests and bytes, and latencies, since the "
      "element started",
      ALL, G_PARAM_READABLE, COMPUTED},
};
/* *INDENT-ON* */
