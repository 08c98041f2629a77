/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties: how the service is reached, what is asked of it, and what counts of
 * its answer.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaipropertyrows.h"

/* *INDENT-OFF* */
const GstIdentifaiProperty gst_identifai_service_properties[GST_IDENTIFAI_N_PROPS] = {
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
   * [Proxies](service.md#proxies). Default: %NULL, the environment's `http_proxy`,
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
   * ([fleet.md](../fleet.md)): with a header that authorises there (by its name:
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
   * How many calls of each kind may start in any second and any minute. A
   * structure `limits` with the #guint fields `post-per-second` (default 1),
   * `post-per-minute` (30), `get-per-second` (2) and `get-per-minute` (60).
   * The defaults are the service's published limits per key. 0, or more than
   * 100000: no limit; the word `none` lifts all four. Fields left out keep
   * their value, unknown ones are warned of. All elements of a process with
   * the same endpoint and key share one budget; the strictest of their limits
   * counts.
   *
   * Since: 0.1
   */
  [PROP_RATE_LIMITS] = {"rate-limits", "Rate limits",
      "Calls a second and a minute, shared by all elements of the process "
      "with the same endpoint and key (0 = no limit; none lifts all)",
      ALL, FIXED, STRUCTURE (rate_limits),
      .adopt = gst_identifai_settings_adopt_limits},

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
   * GstIdentifaiImageSink:with-heatmap:
   *
   * Sent as `with_heatmap` when %TRUE: asks the service for a heat map, which is
   * fetched once the verdict is there, by a further call under the limits. The
   * `identifai-verdict` message then has `heatmap`, a #GstBuffer of PNG; or
   * `heatmap-error`, why it has none. A verdict waits for it for 30 s at most.
   *
   * Since: 0.2
   */
  [PROP_WITH_HEATMAP] = {"with-heatmap", "With heat map",
      "Ask the service for a heat map, which the verdict message then has",
      IMAGE, LIVE, FORM_FIELD (with_heatmap)},
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
   * `identifai-policy` messages, see [Policy](policy.md). What makes no sense is
   * refused with a warning that says why. %NULL, and on a command line
   * `policy=none`: no policy.
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
      SINKS, LIVE, STRUCTURE (policy),
      .adopt = gst_identifai_settings_adopt_policy},

};
/* *INDENT-ON* */
