/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table of properties.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisettings.h"

#define SINK GST_IDENTIFAI_ELEMENT_SINK
#define GATE GST_IDENTIFAI_ELEMENT_GATE
#define SPEECH GST_IDENTIFAI_ELEMENT_SPEECH_SINK
#define IMAGE GST_IDENTIFAI_ELEMENT_IMAGE_SINK
#define VIDEO (SINK | GATE)
#define SINKS (SINK | SPEECH | IMAGE)
#define ALL (SINKS | GATE)

/* When a property may change. */
#define FIXED (G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY)
#define LIVE (G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING)
#define SECRET (G_PARAM_WRITABLE | GST_PARAM_MUTABLE_PLAYING)

/* What it is, the field it goes to, default and range. */
#define FIELD(name) .offset = G_STRUCT_OFFSET (GstIdentifaiSettings, name)
#define STRING(name, def) G_TYPE_STRING, FIELD (name), .text = def
#define BOOLEAN(name, def) G_TYPE_BOOLEAN, FIELD (name), .value = def
#define FORM_FIELD(name) BOOLEAN (name, FALSE), .form = TRUE
#define INT(name, def, min, max) \
    G_TYPE_INT, FIELD (name), .value = def, .minimum = min, .maximum = max
#define UINT(name, def, min, max) \
    G_TYPE_UINT, FIELD (name), .value = def, .minimum = min, .maximum = max
#define UINT64(name, def, min) \
    G_TYPE_UINT64, FIELD (name), .value = def, .minimum = min, \
    .maximum = G_MAXUINT64
#define TIME(name, def, min) UINT64 (name, def, min)
#define BYTES(name, def) UINT64 (name, def, 1)
#define ENUM(name, def) \
    G_TYPE_ENUM, FIELD (name), .get_type = gst_identifai_##name##_get_type, \
    .value = GST_IDENTIFAI_##def
#define GATE_ENUM(name, type, def) \
    G_TYPE_ENUM, FIELD (name), .get_type = gst_identifai_gate_##type##_get_type, \
    .value = GST_IDENTIFAI_GATE_##def
#define STRUCTURE(name) \
    G_TYPE_BOXED, FIELD (name), .get_type = gst_structure_get_type
#define COMPUTED G_TYPE_BOXED, .get_type = gst_structure_get_type

/* The comments are the text of docs/reference.md, up to the fields of a
 * structure: docs/properties.py writes its table. */
/* *INDENT-OFF* */
const GstIdentifaiProperty gst_identifai_properties[GST_IDENTIFAI_N_PROPS] = {
  /* How the service is reached. */

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
  [PROP_ENDPOINT] = {"endpoint", "Endpoint",
      "Base URL of the service (default: $IDENTIFAI_ENDPOINT, else the "
      "public service); a path prefix is kept",
      ALL, FIXED, STRING (endpoint, "https://backend.identifai.net"),
      .environment = "IDENTIFAI_ENDPOINT"},
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
  [PROP_API_KEY] = {"api-key", "API key",
      "The key that is sent as X-Api-Key (default: $IDENTIFAI_API_KEY); "
      "prefer the environment or api-key-file: a key on a command line "
      "ends up in logs",
      ALL, SECRET, STRING (api_key, NULL)},
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
  [PROP_API_KEY_FILE] = {"api-key-file", "API key file",
      "File whose first line is the key (default: "
      "$IDENTIFAI_API_KEY_FILE); read again after a 401",
      ALL, FIXED, STRING (api_key_file, NULL)},
  /**
   * GstIdentifaiSink:allow-plain-http:
   *
   * Whether an `http://` endpoint may be on a host that is not loopback. The
   * key and the video then travel in clear.
   *
   * Since: 0.1
   */
  [PROP_ALLOW_PLAIN_HTTP] = {"allow-plain-http", "Allow plain HTTP",
      "Accept http:// endpoints on hosts other than loopback: the key and "
      "the video then travel in clear",
      ALL, FIXED, BOOLEAN (allow_plain_http, FALSE)},
  /**
   * GstIdentifaiSink:proxy:
   *
   * URL of the proxy, `http://user:password@host:port` or `socks5://…`; see
   * [Proxies](#proxies). Default: %NULL, the environment's `http_proxy`,
   * `https_proxy`, `all_proxy` and `no_proxy`. The password goes out with the
   * first request; once refused, it isn't sent again for a quarter of an hour.
   * It (or a user name without one) reads as `***`, and appears in no log,
   * message or dump by this element. To set what was read keeps it; `***` in
   * another URL is refused with a warning.
   *
   * Since: 0.1
   */
  [PROP_PROXY] = {"proxy", "Proxy",
      "URL of the proxy, http://host:port or socks5://host:port (default: "
      "the environment's http_proxy, https_proxy, all_proxy, no_proxy; a "
      "password reads as ***)",
      ALL, FIXED, STRING (proxy, NULL),
      .adopt_text = gst_identifai_settings_adopt_proxy,
      .hide_text = gst_identifai_settings_hide_proxy},
  /**
   * GstIdentifaiSink:user-agent:
   *
   * The `User-Agent` header of the requests (RFC 9110, 10.1.5).
   *
   * Since: 0.1
   */
  [PROP_USER_AGENT] = {"user-agent", "User agent",
      "User-Agent of the requests",
      ALL, FIXED, STRING (user_agent, "gst-identifai/" VERSION)},
  /**
   * GstIdentifaiSink:tls-ca-file:
   *
   * PEM file of certificate authorities that are trusted instead of the
   * system's. Certificates are always checked. It is an error at start if
   * the file can't be read.
   *
   * Since: 0.1
   */
  [PROP_TLS_CA_FILE] = {"tls-ca-file", "TLS CA file",
      "PEM file of the authorities that may sign the service's "
      "certificate, instead of the system's",
      ALL, FIXED, STRING (tls_ca_file, NULL)},
  /**
   * GstIdentifaiSink:timeout:
   *
   * Longest silence on a connection, in seconds (1 to 3600), before a
   * request counts as failed for the network's sake.
   *
   * Since: 0.1
   */
  [PROP_TIMEOUT] = {"timeout", "Timeout",
      "Longest silence on a connection in seconds",
      ALL, FIXED, UINT (timeout, 30, 1, 3600)},
  /**
   * GstIdentifaiSink:retries:
   *
   * How often a submit call is tried again for what may pass: network errors,
   * 408, 417, 425, 429, 5xx and answers that can't be understood, with exponential
   * backoff. -1: endlessly. Looks at results are free, and made until
   * #GstIdentifaiSink:verdict-timeout.
   *
   * Since: 0.1
   */
  [PROP_RETRIES] = {"retries", "Retries",
      "How often a submit call is tried again after network errors, 408, "
      "417, 425, 429, 5xx and answers that can't be understood (-1 = endlessly)",
      ALL, FIXED, INT (retries, 5, -1, G_MAXINT)},
  /**
   * GstIdentifaiSink:extra-headers:
   *
   * Further request headers, in the form of souphttpsrc's property: a
   * structure whose fields are headers, `headers,X-Camera=7`; an array is a
   * header several times. For a gateway in front of the service
   * ([fleet.md](fleet.md)): with a header that authorises there (by its name:
   * `Authorization`, `Cookie`, or one with `auth`, `key`, `token`, `secret` or
   * the like in it), #GstIdentifaiSink:api-key may be empty.
   *
   * Headers that the element sets or that belong to the connection
   * (`X-Api-Key`, `Accept`, `Content-Type`, `Host`, …), and values with line
   * breaks, are refused with a warning; the others are sent. A value reads as
   * `***`, and appears in no log, message or dump by this element.
   *
   * A change counts from the next request on, and is taken for another token
   * of the same account. Looks at results are shared only by elements with
   * equal headers.
   *
   * Since: 0.1
   */
  [PROP_EXTRA_HEADERS] = {"extra-headers", "Extra headers",
      "Further request headers, for a gateway in front of the service: "
      "headers,name=value,… (values read as ***)",
      ALL, LIVE, STRUCTURE (extra_headers),
      .adopt = gst_identifai_settings_adopt_headers,
      .hide = gst_identifai_settings_hide_headers},
  /**
   * GstIdentifaiSink:rate-limits:
   *
   * How many calls of each kind may start in any second and any minute: a
   * structure `limits` with the #guint fields `post-per-second` (default 1),
   * `post-per-minute` (30), `get-per-second` (2) and `get-per-minute` (60),
   * the service's published limits per key. 0, or more than 100000: no limit;
   * the word `none` lifts all four. Fields left out keep their value, unknown
   * ones are warned of. All elements of a process with the same endpoint and
   * key share one budget; the strictest of their limits counts.
   *
   * Since: 0.1
   */
  [PROP_RATE_LIMITS] = {"rate-limits", "Rate limits",
      "Calls a second and a minute, shared by all elements of the process "
      "with the same endpoint and key (0 = no limit; none lifts all)",
      ALL, FIXED, STRUCTURE (rate_limits),
      .adopt = gst_identifai_settings_adopt_limits},

  /* What is asked of the service, and what counts of its answer. */

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
  [PROP_REF_ID] = {"ref-id", "Reference ID",
      "Sent as ref_id; may hold one %u-style conversion for the segment "
      "number",
      ALL, LIVE, STRING (ref_id, NULL)},
  /**
   * GstIdentifaiSink:frames:
   *
   * Sent as `frames`, the largest number of frames that are judged: 5, 10 or
   * 30; more cost more credits. `default` sends nothing.
   *
   * Since: 0.1
   */
  [PROP_FRAMES] = {"frames", "Frames",
      "How many frames of a segment are judged at most; more cost more "
      "credits",
      VIDEO, LIVE, ENUM (frames, FRAMES_DEFAULT)},
  /**
   * GstIdentifaiSink:key-frames:
   *
   * Sent as `key_frames` when %TRUE: key frames are judged instead of frames
   * at fixed distances, possibly fewer than #GstIdentifaiSink:frames.
   *
   * Since: 0.1
   */
  [PROP_KEY_FRAMES] = {"key-frames", "Key frames",
      "Judge key frames instead of frames at fixed distances",
      VIDEO, LIVE, FORM_FIELD (key_frames)},
  /**
   * GstIdentifaiSink:key-frames-method:
   *
   * Sent as `key_frames_method` together with #GstIdentifaiSink:key-frames.
   *
   * Since: 0.1
   */
  [PROP_KEY_FRAMES_METHOD] = {"key-frames-method", "Key frames method",
      "How the service finds key frames; sent with key-frames",
      VIDEO, LIVE, ENUM (key_frames_method, KEY_FRAMES_IFRAMES)},
  /**
   * GstIdentifaiSink:with-tampering:
   *
   * Sent as `with_tampering` when %TRUE: asks the service to look for
   * manipulation without generative AI, too.
   *
   * Since: 0.1
   */
  [PROP_WITH_TAMPERING] = {"with-tampering", "With tampering",
      "Ask the service to look for manipulation without generative AI, "
      "too",
      VIDEO | IMAGE, LIVE, FORM_FIELD (with_tampering)},
  /**
   * GstIdentifaiSink:with-morphing:
   *
   * Sent as `with_morphing` when %TRUE: asks the service to look for morphed
   * faces, too; the service advises against it where there are no faces.
   *
   * Since: 0.1
   */
  [PROP_WITH_MORPHING] = {"with-morphing", "With morphing",
      "Ask the service to look for morphed faces, too; the service "
      "advises against it where there are no faces",
      VIDEO | IMAGE, LIVE, FORM_FIELD (with_morphing)},
  /**
   * GstIdentifaiSink:with-audio:
   *
   * Sent as `with_audio` when %TRUE: asks the service to judge the sound
   * track, too (beta; the pricing plan must include it).
   *
   * Since: 0.1
   */
  [PROP_WITH_AUDIO] = {"with-audio", "With audio",
      "Ask the service to judge the sound track, too (beta; the pricing "
      "plan must include it)",
      VIDEO, LIVE, FORM_FIELD (with_audio)},
  /**
   * GstIdentifaiSink:with-nsfw:
   *
   * Sent as `with_nsfw` when %TRUE: asks the service to look for content
   * that is not safe for work, too.
   *
   * Since: 0.1
   */
  [PROP_WITH_NSFW] = {"with-nsfw", "With nsfw",
      "Ask the service to look for content that is not safe for work, too",
      VIDEO, LIVE, FORM_FIELD (with_nsfw)},
  /**
   * GstIdentifaiSink:ensure-face-per-frame:
   *
   * Sent as `ensure_face_per_frame` when %TRUE: asks the service to judge
   * only frames that show a face; together with with-morphing; may take
   * longer.
   *
   * Since: 0.1
   */
  [PROP_ENSURE_FACE_PER_FRAME] = {"ensure-face-per-frame", "Ensure face per frame",
      "Ask the service to judge only frames that show a face; together "
      "with with-morphing; may take longer",
      VIDEO, LIVE, FORM_FIELD (ensure_face_per_frame)},
  /**
   * GstIdentifaiSink:no-cache:
   *
   * Sent as `no_cache` when %TRUE: asks the service to judge the file again
   * even if it was submitted before with the same options; may be charged
   * again.
   *
   * Since: 0.1
   */
  [PROP_NO_CACHE] = {"no-cache", "No cache",
      "Ask the service to judge the file again even if it was submitted "
      "before with the same options; may be charged again",
      ALL, LIVE, FORM_FIELD (no_cache)},
  /**
   * GstIdentifaiSink:prevent-c2pa-forces:
   *
   * Sent as `prevent_c2pa_forces` when %TRUE: asks the service not to let
   * a C2PA signature force the verdict to artificial.
   *
   * Since: 0.1
   */
  [PROP_PREVENT_C2PA_FORCES] = {"prevent-c2pa-forces", "Prevent c2pa forces",
      "Ask the service not to let a C2PA signature force the verdict to "
      "artificial",
      ALL, LIVE, FORM_FIELD (prevent_c2pa_forces)},
  /**
   * GstIdentifaiSink:webhook-url:
   *
   * Sent as `webhook_url`. The service ignores it unless the account is
   * enabled for webhooks, and does not call it for answers from its cache;
   * the element polls anyway.
   *
   * Since: 0.1
   */
  [PROP_WEBHOOK_URL] = {"webhook-url", "Webhook URL",
      "Sent as webhook_url; the service ignores it unless the account is "
      "enabled for it",
      ALL, LIVE, STRING (webhook_url, NULL)},
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
  [PROP_EXTRA_PARAMETERS] = {"extra-parameters", "Extra parameters",
      "Further form fields, for parameters that the service adds later: "
      "parameters,name=value,…",
      ALL, LIVE, STRUCTURE (extra_parameters)},
  /**
   * GstIdentifaiSink:response-format:
   *
   * The `Accept` header of the submit call: `application/json` or
   * `text/plain`. Both answers are understood, whatever was asked for.
   *
   * Since: 0.1
   */
  [PROP_RESPONSE_FORMAT] = {"response-format", "Response format",
      "What the submit call asks for in Accept; both answers are "
      "understood whatever was asked",
      ALL, LIVE, ENUM (response_format, RESPONSE_JSON)},
  /**
   * GstIdentifaiSink:heuristic:
   *
   * Which of the service's `verdicts` becomes the verdict of messages and
   * tags, by the name of its heuristic. Default: %NULL, the service's own
   * `verdict`. A result without that heuristic fails as `bad-response`.
   *
   * Since: 0.1
   */
  [PROP_HEURISTIC] = {"heuristic", "Heuristic",
      "Which of the verdicts counts (Majority, Average, …); NULL: the "
      "service's own choice",
      ALL, LIVE, STRING (heuristic, NULL)},
  /**
   * GstIdentifaiSink:policy:
   *
   * From the verdicts on segments to a state of the stream, told by
   * `identifai-policy` messages, see [Policy](#policy). What makes no sense is
   * refused with a warning that says why. %NULL: no policy.
   *
   * Fields of the structure `policy`; those left out have their defaults:
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
   *
   * Since: 0.2
   */
  [PROP_POLICY] = {"policy", "Policy",
      "From the verdicts on segments to a state of the stream: clear, "
      "review or blocked (NULL = none)",
      ALL, LIVE, STRUCTURE (policy),
      .adopt = gst_identifai_settings_adopt_policy},

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
   * first key frame from then on, so that those of several cameras, and logs,
   * line up; the first one is shorter. With #GstIdentifaiSink:segment-interval
   * they start at its multiples. The time of day is that of `date-time` in the
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
   * comes does so in real time; else `block`. See [Live or not](#live-or-not).
   * A warning is posted when the pad has been held for a second.
   *
   * Since: 0.1
   */
  [PROP_OVERFLOW] = {"overflow", "Overflow",
      "What to do when more waits than max-pending-bytes or "
      "max-pending-segments allow",
      SINKS, FIXED, ENUM (overflow, OVERFLOW_AUTO)},
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
   * a restart of the element. 0: no bound.
   *
   * Since: 0.1
   */
  [PROP_MAX_UPLOADS_PER_HOUR] = {"max-uploads-per-hour", "Maximum uploads per hour",
      "So many segments are posted in any hour, the others are dropped (0 "
      "= no bound)",
      ALL, FIXED, UINT (max_uploads_per_hour, 0, 0, G_MAXUINT)},
  /**
   * GstIdentifaiSink:poll-interval:
   *
   * Shortest time between two looks at one result, in nanoseconds. 0:
   * learned from how long the service took lately.
   *
   * Since: 0.1
   */
  [PROP_POLL_INTERVAL] = {"poll-interval", "Poll interval",
      "Shortest time between two looks at one result in nanoseconds (0 = "
      "learned from the service's own times)",
      ALL, FIXED, TIME (poll_interval, 0, 0), .shortest = GST_MSECOND},
  /**
   * GstIdentifaiSink:verdict-timeout:
   *
   * Longest time from the submit call's answer to the final result, in
   * nanoseconds; then the segment fails as `timeout`. Until then a look that
   * fails, in whatever way, is made again.
   *
   * Since: 0.1
   */
  [PROP_VERDICT_TIMEOUT] = {"verdict-timeout", "Verdict timeout",
      "Longest time from submit to the final result in nanoseconds",
      ALL, FIXED, TIME (verdict_timeout, 5 * 60 * GST_SECOND, 1),
      .shortest = GST_MSECOND},
  /**
   * GstIdentifaiSink:drain-timeout:
   *
   * How long EOS waits for outstanding verdicts, in nanoseconds; what is left
   * then fails as `timeout`. 0: EOS does not wait, and what is outstanding
   * goes on until the element stops (with `overflow=block`, the last segments
   * are taken over the bounds, and what comes after a seek waits until they
   * have found their room). %GST_CLOCK_TIME_NONE: without bound.
   *
   * Since: 0.1
   */
  [PROP_DRAIN_TIMEOUT] = {"drain-timeout", "Drain timeout",
      "How long EOS waits for outstanding verdicts in nanoseconds (0 = "
      "not at all, GST_CLOCK_TIME_NONE = without bound)",
      SINKS, FIXED, TIME (drain_timeout, 2 * 60 * GST_SECOND, 0),
      .shortest = GST_MSECOND},
  /**
   * GstIdentifaiSink:on-refusal:
   *
   * Whether a refusal (401, 403, no credits) of a submit call posts an error,
   * which stops most applications, or a warning, and the segments fail. A look
   * at a result that is refused is warned of, and made again. Under `warn` the
   * summary at EOS is a warning, too, whatever failed.
   *
   * Since: 0.1
   */
  [PROP_ON_REFUSAL] = {"on-refusal", "On refusal",
      "Whether 401, 403 and missing credits stop the pipeline, or are "
      "warned of while segments fail",
      ALL, FIXED, ENUM (on_refusal, ON_REFUSAL_ERROR)},
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
   * GstIdentifaiSink:credits-interval:
   *
   * How often the account's credits are asked for, from the start on; each answer
   * is an `identifai-credits` message. All elements of the process with the same
   * key share one call, at the shortest of their intervals, and each gets its
   * answer; the limits of the key count. When they can't be had, one warning says
   * why. 0: never.
   *
   * Since: 0.2
   */
  [PROP_CREDITS_INTERVAL] = {"credits-interval", "Credits interval",
      "How often the account's credits are asked for, in nanoseconds (0 = never)",
      ALL, FIXED, TIME (credits_interval, 0, 0), .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiSink:credits-warning:
   *
   * One warning is posted when #GstIdentifaiSink:credits-interval finds fewer
   * credits than these, and an info when there are as many again. 0: none.
   *
   * Since: 0.2
   */
  [PROP_CREDITS_WARNING] = {"credits-warning", "Credits warning",
      "So few credits are warned of (0 = none)",
      ALL, FIXED, UINT (credits_warning, 0, 0, G_MAXUINT)},
  /**
   * GstIdentifaiSink:pending:
   *
   * What the service has taken and not judged yet, as a GstValueArray of
   * structures `pending`, with `identifier`, `session`, `kind`, `segment`,
   * `running-time`, `stream-time`, `duration`, `bytes`, and, if there are any,
   * `date-time`, `ref-id` and `sha256`, as in the messages. An application that
   * keeps them can give them to the action signal `resume` in its next run. It
   * changes with each `identifai-submitted` and each outcome, and isn't notified.
   *
   * Since: 0.2
   */
  [PROP_PENDING] = {"pending", "Pending",
      "What the service has taken and not judged yet",
      ALL, G_PARAM_READABLE, G_TYPE_BOXED, .get_type = gst_value_array_get_type},
  /* What is held back, and what leaves. */

  /**
   * GstIdentifaiGate:hold:
   *
   * How long after it came every buffer leaves, by the monotonic clock. It is added
   * to the answer to latency queries, and a change posts a latency message. Raised,
   * nothing leaves until the delay is built, but a slate; lowered, the outgoing end jumps forward
   * to a key frame, and what is jumped over is withheld. 0: nothing is held or
   * withheld, and verdicts are only told. A file that is read faster than real time
   * leaves with its verdicts instead. What `hold` needs is in
   * [gate.md](gate.md#how-long-to-hold).
   *
   * Since: 0.2
   */
  [PROP_HOLD] = {"hold", "Hold",
      "How long after it came every buffer leaves, in nanoseconds (0 = nothing "
      "is held)",
      GATE, LIVE, TIME (hold, 20 * GST_SECOND, 0),
      .shortest = 100 * GST_MSECOND},
  /**
   * GstIdentifaiGate:on-artificial:
   *
   * What is done with artificial segments: with a policy, with those of `blocked`,
   * and those that led there and are still held; without one, with each that the
   * service classifies so. `drop` leaves a hole, `slate` shows the slate in it
   * (see #GstIdentifaiGate:slate-location), `eos` ends the stream, downstream and up.
   * With `slate`, what an operator dumped is replaced, too.
   *
   * Since: 0.2
   */
  [PROP_ON_ARTIFICIAL] = {"on-artificial", "On artificial",
      "What is done with what is artificial",
      GATE, LIVE, GATE_ENUM (on_artificial, action, DROP)},
  /**
   * GstIdentifaiGate:on-unknown:
   *
   * What is done with segments that the service could not judge (`unknown`).
   *
   * Since: 0.2
   */
  [PROP_ON_UNKNOWN] = {"on-unknown", "On unknown",
      "What is done with what the service could not judge",
      GATE, LIVE, GATE_ENUM (on_unknown, action, PASS)},
  /**
   * GstIdentifaiGate:on-unjudged:
   *
   * What is done with what has no verdict when it has to leave: its segment failed,
   * was dropped or is late, or it is in no segment. `drop` is fail-closed, `pass`
   * fail-open.
   *
   * Since: 0.2
   */
  [PROP_ON_UNJUDGED] = {"on-unjudged", "On unjudged",
      "What is done with what has no verdict in time (drop = fail-closed, pass "
      "= fail-open)",
      GATE, LIVE, GATE_ENUM (on_unjudged, action, DROP)},
  /**
   * GstIdentifaiGate:on-unsampled:
   *
   * What is done with pictures between segments, where
   * #GstIdentifaiSink:segment-interval leaves any. `follow`: as with the segment
   * before.
   *
   * Since: 0.2
   */
  [PROP_ON_UNSAMPLED] = {"on-unsampled", "On unsampled",
      "What is done with what lies between segments, under segment-interval",
      GATE, LIVE, GATE_ENUM (on_unsampled, unsampled, UNSAMPLED_FOLLOW)},
  /**
   * GstIdentifaiGate:pre-roll:
   *
   * So many segments before an artificial one are withheld, too, if they have not
   * left.
   *
   * Since: 0.2
   */
  [PROP_PRE_ROLL] = {"pre-roll", "Pre-roll",
      "So many segments before an artificial one are withheld, too",
      GATE, LIVE, UINT (pre_roll, 0, 0, 1000)},
  /**
   * GstIdentifaiGate:post-roll:
   *
   * So many segments after an artificial one are withheld, too.
   *
   * Since: 0.2
   */
  [PROP_POST_ROLL] = {"post-roll", "Post-roll",
      "So many segments after an artificial one are withheld, too",
      GATE, LIVE, UINT (post_roll, 0, 0, 1000)},
  /**
   * GstIdentifaiGate:max-held-bytes:
   *
   * Bound of the bytes held. Beyond it the oldest ones leave before their time: by
   * their verdict if there is one, else by #GstIdentifaiGate:on-unjudged, and a
   * warning says so. A file waits instead.
   *
   * Since: 0.2
   */
  [PROP_MAX_HELD_BYTES] = {"max-held-bytes", "Maximum held bytes",
      "Bound of what is held, in bytes",
      GATE, LIVE, BYTES (max_held_bytes, 256 * 1024 * 1024)},
  /**
   * GstIdentifaiGate:force:
   *
   * The operator's cut at the outgoing end: `drop` withholds all that would leave,
   * at once; `slate` does, too, and shows the slate; `pass` lets all out, whatever its verdict, from the next key frame on
   * (but not what was dumped).
   *
   * Since: 0.2
   */
  [PROP_FORCE] = {"force", "Force",
      "The operator's word on what leaves",
      GATE, LIVE, GATE_ENUM (force, force, FORCE_NONE)},
  /**
   * GstIdentifaiGate:slate-location:
   *
   * A file of any container that GStreamer reads, whose first video track and sound
   * are shown in a loop in place of what is withheld with `slate`, and until the delay
   * is built. It is read into memory when the element starts, which takes five seconds
   * at most; its first minute counts, and 64 MiB a track. The video's codec has to be
   * that of the stream. A file that can't be used is warned of, and what is withheld
   * leaves a hole then. Without one, the `slate` and `slate_audio_%u` pads' media is
   * the slate; with one, they aren't looked at. See [gate.md](gate.md#the-slate).
   *
   * Since: 0.2
   */
  [PROP_SLATE_LOCATION] = {"slate-location", "Slate location",
      "File that is shown in place of what is withheld",
      GATE, FIXED, STRING (slate_location, NULL)},
  /**
   * GstIdentifaiGate:passing:
   *
   * Whether the latest picture that had to leave passed. Notified on the thread of
   * the src pad: a handler that takes long holds up what leaves.
   *
   * Since: 0.2
   */
  [PROP_PASSING] = {"passing", "Passing",
      "Whether the latest picture that had to leave passed",
      GATE, G_PARAM_READABLE, G_TYPE_BOOLEAN},
  /**
   * GstIdentifaiGate:max-observed-delay:
   *
   * The longest time so far from when a segment's first buffer came to its outcome,
   * in nanoseconds: what #GstIdentifaiGate:hold has to be larger than.
   *
   * Since: 0.2
   */
  [PROP_MAX_OBSERVED_DELAY] = {"max-observed-delay", "Maximum observed delay",
      "The longest time from a segment's first buffer to its outcome, in "
      "nanoseconds",
      GATE, G_PARAM_READABLE, G_TYPE_UINT64, .maximum = G_MAXUINT64},
  /**
   * GstIdentifaiSink:stats:
   *
   * Totals since the element started, see [Statistics](#statistics).
   *
   * Fields of the structure `stats`:
   *
   * * #guint64 `segments`, `submitted`, `verdicts`, `failed`, `dropped`,
   *   `pending`, `in-flight`: closed segments, those that the service took, their
   *   outcomes, those without one yet, and those on the wire now;
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

/* Of what isn't computed by a number's or a string's rule. */
static GParamSpec *
make_other_spec (const GstIdentifaiProperty * row, GParamFlags flags)
{
  const gchar *name = row->name, *nick = row->nick, *blurb = row->blurb;
  GType type = row->get_type ();

  if (type == GST_TYPE_ARRAY)
    return gst_param_spec_array (name, nick, blurb,
        g_param_spec_boxed ("entry", "Entry", "One of them",
            GST_TYPE_STRUCTURE, flags), flags);

  return g_param_spec_boxed (name, nick, blurb, type, flags);
}

static GParamSpec *
make_spec (const GstIdentifaiProperty * row)
{
  const gchar *name = row->name, *nick = row->nick, *blurb = row->blurb;
  GParamFlags flags = row->flags | G_PARAM_STATIC_STRINGS |
      G_PARAM_EXPLICIT_NOTIFY;

  switch (row->type) {
    case G_TYPE_STRING:
      return g_param_spec_string (name, nick, blurb, row->text, flags);
    case G_TYPE_BOOLEAN:
      return g_param_spec_boolean (name, nick, blurb, row->value, flags);
    case G_TYPE_INT:
      return g_param_spec_int (name, nick, blurb, row->minimum, row->maximum,
          row->value, flags);
    case G_TYPE_UINT:
      return g_param_spec_uint (name, nick, blurb, row->minimum, row->maximum,
          row->value, flags);
    case G_TYPE_UINT64:
      return g_param_spec_uint64 (name, nick, blurb, row->minimum,
          row->maximum, row->value, flags);
    case G_TYPE_ENUM:
      return g_param_spec_enum (name, nick, blurb, row->get_type (),
          row->value, flags);
    default:
      return make_other_spec (row, flags);
  }
}

void
gst_identifai_properties_install (GObjectClass * klass,
    GstIdentifaiElements element)
{
  guint id;

  for (id = 1; id < GST_IDENTIFAI_N_PROPS; id++) {
    if (gst_identifai_properties[id].elements & element)
      g_object_class_install_property (klass, id,
          make_spec (&gst_identifai_properties[id]));
  }
}
