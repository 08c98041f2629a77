/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties as users see them: documentation, ranges, mutability.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiproperties.h"

/* How the service is reached */
static void
install_connection (GObjectClass * klass)
{
  /**
   * GstIdentifaiSink:endpoint:
   *
   * Base URL of the service: `https://`, or `http://` for loopback hosts
   * (see #GstIdentifaiSink:allow-plain-http). A path prefix is kept; a
   * query, a fragment and a user name are refused when the element starts.
   *
   * Default: the environment's `IDENTIFAI_ENDPOINT`, else
   * `https://backend.identifai.net`.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ENDPOINT,
      g_param_spec_string ("endpoint", "Endpoint",
          "Base URL of the service (default: $IDENTIFAI_ENDPOINT, else "
          "the public service); a path prefix is kept",
          DEFAULT_ENDPOINT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:api-key:
   *
   * The key of the account, sent as `X-Api-Key`. Write-only: it can't be
   * read back, and appears in no log, message or dump of the pipeline by
   * this element. A key on a command line can be seen by other users and is
   * logged by gst-launch-1.0: prefer the environment or
   * #GstIdentifaiSink:api-key-file.
   *
   * Default: the environment's `IDENTIFAI_API_KEY`, unless a key file is
   * set. A new key counts from the next segment on.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_API_KEY,
      g_param_spec_string ("api-key", "API key",
          "The key that is sent as X-Api-Key (default: "
          "$IDENTIFAI_API_KEY); prefer the environment or api-key-file: "
          "a key on a command line ends up in logs",
          NULL,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:api-key-file:
   *
   * Path of a file whose first line is the key. It is read when the element
   * starts, and again after the service refused the key (401), so that a key
   * can be replaced while a stream runs.
   *
   * Default: the environment's `IDENTIFAI_API_KEY_FILE`.
   * #GstIdentifaiSink:api-key goes first; it is an error at start if the
   * file can't be read or holds no key.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_API_KEY_FILE,
      g_param_spec_string ("api-key-file", "API key file",
          "File whose first line is the key (default: "
          "$IDENTIFAI_API_KEY_FILE); read again after a 401",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:allow-plain-http:
   *
   * Whether an `http://` endpoint may be on a host that is not loopback. The
   * key and the video then travel in clear.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ALLOW_PLAIN_HTTP,
      g_param_spec_boolean ("allow-plain-http", "Allow plain HTTP",
          "Accept http:// endpoints on hosts other than loopback: the "
          "key and the video then travel in clear",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:proxy:
   *
   * URL of the proxy, `http://user:password@host:port` or `socks5://…`.
   * Default: %NULL, the environment's `http_proxy`, `https_proxy`, `all_proxy`
   * and `no_proxy`. The password goes out with the first request; once refused,
   * it isn't sent again for a quarter of an hour.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_PROXY,
      g_param_spec_string ("proxy", "Proxy",
          "URL of the proxy, http://host:port or socks5://host:port "
          "(default: the environment's http_proxy, https_proxy, "
          "no_proxy)",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:user-agent:
   *
   * The `User-Agent` header of the requests (RFC 9110, 10.1.5).
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_USER_AGENT,
      g_param_spec_string ("user-agent", "User agent",
          "User-Agent of the requests",
          DEFAULT_USER_AGENT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:tls-ca-file:
   *
   * PEM file of certificate authorities that are trusted instead of the
   * system's. Certificates are always checked. It is an error at start if
   * the file can't be read.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TLS_CA_FILE,
      g_param_spec_string ("tls-ca-file", "TLS CA file",
          "PEM file of the authorities that may sign the service's "
          "certificate, instead of the system's",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:timeout:
   *
   * Longest silence on a connection, in seconds (1 to 3600), before a
   * request counts as failed for the network's sake.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TIMEOUT,
      g_param_spec_uint ("timeout", "Timeout",
          "Longest silence on a connection in seconds",
          1, 3600, DEFAULT_TIMEOUT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:retries:
   *
   * How often a submit call is tried again for what may pass: network errors,
   * 408, 425, 429, 5xx and answers that can't be understood, with exponential
   * backoff. -1: endlessly. Looks at results are free, and made until
   * verdict-timeout.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RETRIES,
      g_param_spec_int ("retries", "Retries",
          "How often a submit call is tried again after network errors, "
          "408, 425, 429 and 5xx (-1 = endlessly)",
          -1, G_MAXINT, DEFAULT_RETRIES,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:extra-headers:
   *
   * Further request headers, in the form of souphttpsrc's property: a
   * structure whose fields are headers, `headers,X-Camera=7`; an array is a
   * header several times. For a gateway in front of the service; with a
   * header that authorises there (by its name: `Authorization`, `Cookie`, or
   * one with `auth`, `key`, `token`, `secret` or the like in it),
   * #GstIdentifaiSink:api-key may be empty.
   *
   * Headers that the element sets or that belong to the connection
   * (`X-Api-Key`, `Accept`, `Content-Type`, `Host`, …), and values with line
   * breaks, are refused with a warning; the others are sent. The values can't
   * be read back: each reads as `***`. They appear in no log or message by
   * this element.
   *
   * A change counts from the next request on. A changed value is taken for
   * another token of the same account.
   *
   * Default: %NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_EXTRA_HEADERS,
      g_param_spec_boxed ("extra-headers", "Extra headers",
          "Further request headers, for a gateway in front of the service: "
          "headers,name=value,… (values read as ***)",
          GST_TYPE_STRUCTURE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:rate-limits:
   *
   * How many calls of each kind may start in any second and any minute: a
   * structure `limits` with the #guint fields `post-per-second` (default 1),
   * `post-per-minute` (30), `get-per-second` (2) and `get-per-minute` (60),
   * the service's published limits per key. 0, or more than 100000: no limit.
   * Fields left out keep their value; the word `none` lifts all four. All
   * elements of a process with the same endpoint and key share one budget; the
   * strictest of their limits counts.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RATE_LIMITS,
      g_param_spec_boxed ("rate-limits", "Rate limits",
          "Calls a second and a minute, shared by all elements of the "
          "process with the same endpoint and key (0 = no limit; none lifts "
          "all)",
          GST_TYPE_STRUCTURE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

/* What is asked of the service, as form fields of the submit call */
static void
install_parameters (GObjectClass * klass)
{
  /**
   * GstIdentifaiSink:ref-id:
   *
   * Sent as `ref_id`, for the caller's own bookkeeping. It may hold one
   * conversion, `%u`, `%d` or `%i`, `cam7-%05u` say, which becomes the
   * segment's number; `%%` is a percent sign. Anything else after a percent
   * sign, and more than 1000 bytes, is an error at start and ignored while
   * playing.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_REF_ID,
      g_param_spec_string ("ref-id", "Reference ID",
          "Sent as ref_id; may hold one %u-style conversion for the "
          "segment number",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:frames:
   *
   * Sent as `frames`, the largest number of frames that are judged: 5, 10 or
   * 30; more cost more credits. `default` sends nothing.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_FRAMES,
      g_param_spec_enum ("frames", "Frames",
          "How many frames of a segment are judged at most; more cost "
          "more credits",
          GST_TYPE_IDENTIFAI_FRAMES, GST_IDENTIFAI_FRAMES_DEFAULT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:key-frames:
   *
   * Sent as `key_frames` when %TRUE: key frames are judged instead of frames
   * at fixed distances, possibly fewer than #GstIdentifaiSink:frames.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_KEY_FRAMES,
      g_param_spec_boolean ("key-frames", "Key frames",
          "Judge key frames instead of frames at fixed distances",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:key-frames-method:
   *
   * Sent as `key_frames_method` together with #GstIdentifaiSink:key-frames.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_KEY_FRAMES_METHOD,
      g_param_spec_enum ("key-frames-method", "Key frames method",
          "How the service finds key frames; sent with key-frames",
          GST_TYPE_IDENTIFAI_KEY_FRAMES_METHOD,
          GST_IDENTIFAI_KEY_FRAMES_IFRAMES,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:with-tampering:
   *
   * Sent as `with_tampering` when %TRUE: asks the service to look for
   * manipulation without generative AI, too.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WITH_TAMPERING,
      g_param_spec_boolean ("with-tampering", "With tampering",
          "Ask the service to look for manipulation without generative "
          "AI, too",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:with-morphing:
   *
   * Sent as `with_morphing` when %TRUE: asks the service to look for morphed
   * faces, too; the service advises against it where there are no faces.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WITH_MORPHING,
      g_param_spec_boolean ("with-morphing", "With morphing",
          "Ask the service to look for morphed faces, too; the service "
          "advises against it where there are no faces",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:with-audio:
   *
   * Sent as `with_audio` when %TRUE: asks the service to judge the sound
   * track, too (beta; the pricing plan must include it).
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WITH_AUDIO,
      g_param_spec_boolean ("with-audio", "With audio",
          "Ask the service to judge the sound track, too (beta; the "
          "pricing plan must include it)",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:with-nsfw:
   *
   * Sent as `with_nsfw` when %TRUE: asks the service to look for content
   * that is not safe for work, too.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WITH_NSFW,
      g_param_spec_boolean ("with-nsfw", "With nsfw",
          "Ask the service to look for content that is not safe for "
          "work, too",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:ensure-face-per-frame:
   *
   * Sent as `ensure_face_per_frame` when %TRUE: asks the service to judge
   * only frames that show a face; together with with-morphing; may take
   * longer.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ENSURE_FACE_PER_FRAME,
      g_param_spec_boolean ("ensure-face-per-frame", "Ensure face per frame",
          "Ask the service to judge only frames that show a face; "
          "together with with-morphing; may take longer",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:no-cache:
   *
   * Sent as `no_cache` when %TRUE: asks the service to judge the file again
   * even if it was submitted before with the same options; may be charged
   * again.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_NO_CACHE,
      g_param_spec_boolean ("no-cache", "No cache",
          "Ask the service to judge the file again even if it was "
          "submitted before with the same options; may be charged again",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:prevent-c2pa-forces:
   *
   * Sent as `prevent_c2pa_forces` when %TRUE: asks the service not to let
   * a C2PA signature force the verdict to artificial.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_PREVENT_C2PA_FORCES,
      g_param_spec_boolean ("prevent-c2pa-forces", "Prevent c2pa forces",
          "Ask the service not to let a C2PA signature force the "
          "verdict to artificial",
          FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:webhook-url:
   *
   * Sent as `webhook_url`. The service ignores it unless the account is
   * enabled for webhooks, and does not call it for answers from its cache;
   * the element polls anyway.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WEBHOOK_URL,
      g_param_spec_string ("webhook-url", "Webhook URL",
          "Sent as webhook_url; the service ignores it unless the "
          "account is enabled for it",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:extra-parameters:
   *
   * A structure whose fields are sent as further form fields, for parameters
   * that the service adds later: `parameters,new_option=true`. Strings go as
   * they are, booleans as `true` and `false`, numbers in decimal. 64 KiB in
   * all; a field that another property sends is an error at start, and
   * refused with a warning while playing. Default: %NULL.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_EXTRA_PARAMETERS,
      g_param_spec_boxed ("extra-parameters", "Extra parameters",
          "Further form fields, for parameters that the service adds "
          "later: parameters,name=value,…",
          GST_TYPE_STRUCTURE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:response-format:
   *
   * The `Accept` header of the submit call: `application/json` or
   * `text/plain`. Both answers are understood, whatever was asked for.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RESPONSE_FORMAT,
      g_param_spec_enum ("response-format", "Response format",
          "What the submit call asks for in Accept; both answers are "
          "understood whatever was asked",
          GST_TYPE_IDENTIFAI_RESPONSE_FORMAT, GST_IDENTIFAI_RESPONSE_JSON,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:heuristic:
   *
   * Which of the service's `verdicts` becomes the verdict of messages and
   * tags, by the name of its heuristic. Default: %NULL, the service's own
   * `verdict`. A result without that heuristic fails as `bad-response`.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_HEURISTIC,
      g_param_spec_string ("heuristic", "Heuristic",
          "Which of the verdicts counts (Majority, Average, …); NULL: "
          "the service's own choice",
          NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstIdentifaiSink:policy:
   *
   * From the verdicts on a stream's segments to a state of the stream, told by
   * `identifai-policy` messages: a structure `policy` with the fields
   *
   * * gdouble `review` (default 0.5), `block` (0.8): scores, 0 to 1, from which
   *   a segment is suspicious, and artificial; `review` <= `block`
   * * gint `frames` (0): if above 0, a segment is artificial when that many of
   *   its judged frames are, whatever its score
   * * gint `enter` (2), `window` (3): `blocked` after `enter` artificial segments
   *   among the last `window` that count; `enter` <= `window`
   * * gint `leave` (3), guint64 `min-time` (30000000000 ns): `clear` again after
   *   `leave` clean segments in a row, and not before the state is that old
   * * string `unjudged` (`keep`), `unknown` (`keep`): what a segment without a
   *   verdict, and one that the service could not judge, counts as: `keep` (as
   *   nothing), `clean` or `artificial`
   * * gboolean `boost` (%TRUE): while in `review`, segment-interval is taken for
   *   0, and this stream's uploads go first among those of the key
   * * gboolean `enforce` (%TRUE): told in the messages; %FALSE is for trying out
   *
   * Segments count in the stream's order, whatever order the verdicts come in.
   * Fields left out have their defaults; what makes no sense is refused with a
   * warning. %NULL: no policy.
   *
   * Since: 0.2
   */
  g_object_class_install_property (klass, PROP_POLICY,
      g_param_spec_boxed ("policy", "Policy",
          "From the verdicts on segments to a state of the stream: clear, "
          "review or blocked (NULL = none)",
          GST_TYPE_STRUCTURE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
}

/* How elementary streams are cut */
static void
install_segments (GObjectClass * klass)
{
  /**
   * GstIdentifaiSink:segment-duration:
   *
   * Elementary input: a segment is closed at the first key frame at or after
   * this many nanoseconds of running time. 0: one segment until EOS.
   * Container input is one segment, whatever this says.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SEGMENT_DURATION,
      g_param_spec_uint64 ("segment-duration", "Segment duration",
          "Elementary input: cut at the first key frame at or after "
          "this many nanoseconds (0 = one segment until EOS)",
          0, G_MAXUINT64, DEFAULT_SEGMENT_DURATION,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:segment-interval:
   *
   * Elementary input: a segment starts at most this often, in nanoseconds of
   * running time; what lies between is not judged. `segment-duration=5000000000 segment-interval=60000000000` judges five seconds of
   * each minute. 0: back to back.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SEGMENT_INTERVAL,
      g_param_spec_uint64 ("segment-interval", "Segment interval",
          "Elementary input: start a segment at most this often, in "
          "nanoseconds (0 = back to back)",
          0, G_MAXUINT64, 0,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
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
  g_object_class_install_property (klass, PROP_MAX_SEGMENT_BYTES,
      g_param_spec_uint64 ("max-segment-bytes", "Maximum segment size",
          "No uploaded file is larger, in bytes: a segment is cut early "
          "at a key frame, or fails as too-large",
          1, G_MAXUINT64, DEFAULT_MAX_SEGMENT_BYTES,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:send-keyframe-requests:
   *
   * Whether upstream is asked for a key frame (GstForceKeyUnit) where a
   * segment should end, so that encoders with long groups of pictures cut on
   * time.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_SEND_KEYFRAME_REQUESTS,
      g_param_spec_boolean ("send-keyframe-requests", "Send key frame requests",
          "Ask upstream for a key frame where a segment should end",
          DEFAULT_SEND_KEYFRAME_REQUESTS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:align-to-clock:
   *
   * Elementary input: segments end at multiples of
   * #GstIdentifaiSink:segment-duration of UTC (12:00:00, 12:00:10 …), at the
   * first key frame from then on, so that those of several cameras, and logs,
   * line up; the first one is shorter. With #GstIdentifaiSink:segment-interval
   * they start at its multiples. The time of day is that of `date-time` in the
   * messages; of a file that is read faster than real time it means little.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ALIGN_TO_CLOCK,
      g_param_spec_boolean ("align-to-clock", "Align to clock",
          "Cut at multiples of segment-duration of UTC",
          DEFAULT_ALIGN_TO_CLOCK,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
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
  g_object_class_install_property (klass, PROP_JUDGING,
      g_param_spec_boolean ("judging", "Judging",
          "Whether what comes is judged",
          DEFAULT_JUDGING,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstIdentifaiSink:muxer:
   *
   * Elementary input: factory name of the muxer, or `auto`: mp4mux if it
   * takes every stream's codec, else webmmux, else matroskamux, else qtmux.
   * Sound that none of them takes beside the video is left out. A factory that
   * is missing, is no muxer or does not take the video is an error when the
   * caps are known.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MUXER,
      g_param_spec_string ("muxer", "Muxer",
          "Factory name of the muxer for elementary input; auto: "
          "mp4mux, else webmmux, matroskamux or qtmux, by the caps",
          DEFAULT_MUXER,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

/* What waits, and for how long */
static void
install_queue (GObjectClass * klass)
{
  /**
   * GstIdentifaiSink:overflow:
   *
   * What happens when segments wait longer than they are judged: `block`
   * holds the video pad, `drop-oldest` and `drop-newest` give a segment up
   * with `identifai-dropped`. `auto`: `drop-oldest` if upstream is live, or
   * if buffers come at the pace of their times; else `block`. A warning is
   * posted when the pad has been held for a second.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_OVERFLOW,
      g_param_spec_enum ("overflow", "Overflow",
          "What to do when more waits than max-pending-bytes or max-"
          "pending-segments allow",
          GST_TYPE_IDENTIFAI_OVERFLOW, GST_IDENTIFAI_OVERFLOW_AUTO,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:max-pending-bytes:
   *
   * Bound of the bytes that closed segments hold until the service has taken
   * them. A single segment that is larger is let through when nothing else
   * waits.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_PENDING_BYTES,
      g_param_spec_uint64 ("max-pending-bytes", "Maximum pending bytes",
          "Bound of what closed segments hold until the service has "
          "taken them, in bytes",
          1, G_MAXUINT64, DEFAULT_MAX_PENDING_BYTES,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:max-pending-segments:
   *
   * Bound of the number of closed segments that the service has not taken
   * yet.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_PENDING_SEGMENTS,
      g_param_spec_uint ("max-pending-segments", "Maximum pending segments",
          "Bound of the number of closed segments that the service has "
          "not taken yet",
          1, G_MAXUINT, DEFAULT_MAX_PENDING_SEGMENTS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:max-uploads-per-hour:
   *
   * So many segments are posted in any hour, as each is paid for; the others are
   * dropped, reason `budget`. The count outlives a restart of the element. 0: no
   * bound.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_UPLOADS_PER_HOUR,
      g_param_spec_uint ("max-uploads-per-hour", "Maximum uploads per hour",
          "So many segments are posted in any hour, the others are dropped "
          "(0 = no bound)",
          0, G_MAXUINT, DEFAULT_MAX_UPLOADS_PER_HOUR,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:poll-interval:
   *
   * Shortest time between two looks at one result, in nanoseconds. 0:
   * learned from how long the service took lately.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_POLL_INTERVAL,
      g_param_spec_uint64 ("poll-interval", "Poll interval",
          "Shortest time between two looks at one result in nanoseconds "
          "(0 = learned from the service's own times)",
          0, G_MAXUINT64, 0,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:verdict-timeout:
   *
   * Longest time from the submit call's answer to the final result, in
   * nanoseconds; then the segment fails as `timeout`. Until then a look that
   * fails, in whatever way, is made again.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_VERDICT_TIMEOUT,
      g_param_spec_uint64 ("verdict-timeout", "Verdict timeout",
          "Longest time from submit to the final result in nanoseconds",
          1, G_MAXUINT64, DEFAULT_VERDICT_TIMEOUT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:drain-timeout:
   *
   * How long EOS waits for outstanding verdicts, in nanoseconds; what is
   * left then fails as `timeout`. 0: EOS does not wait, and what is
   * outstanding goes on until the element stops. %GST_CLOCK_TIME_NONE:
   * without bound.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_DRAIN_TIMEOUT,
      g_param_spec_uint64 ("drain-timeout", "Drain timeout",
          "How long EOS waits for outstanding verdicts in nanoseconds "
          "(0 = not at all, GST_CLOCK_TIME_NONE = without bound)",
          0, G_MAXUINT64, DEFAULT_DRAIN_TIMEOUT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstIdentifaiSink:on-refusal:
   *
   * Whether a refusal (401, 403, no credits) of a submit call posts an error,
   * which stops most applications, or a warning, and the segments fail. A
   * look at a result that is refused is warned of, and made again. `warn`: the
   * summary at EOS is a warning, too, whatever failed.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_ON_REFUSAL,
      g_param_spec_enum ("on-refusal", "On refusal",
          "Whether 401, 403 and missing credits stop the pipeline, or "
          "are warned of while segments fail",
          GST_TYPE_IDENTIFAI_ON_REFUSAL, GST_IDENTIFAI_ON_REFUSAL_ERROR,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

void
gst_identifai_settings_install_properties (GObjectClass * klass)
{
  install_connection (klass);
  install_parameters (klass);
  install_segments (klass);
  install_queue (klass);
}
