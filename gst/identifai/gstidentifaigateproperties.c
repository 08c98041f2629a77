/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Properties of the gate's own: what is held back, and what leaves.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaipropertyrows.h"

/* *INDENT-OFF* */
const GstIdentifaiProperty gst_identifai_gate_properties[GST_IDENTIFAI_N_PROPS] = {
  /* What is held back, and what leaves. */

  /**
   * GstIdentifaiGate:hold:
   *
   * How long after it came every buffer leaves, by the monotonic clock. It is added
   * to the answer to latency queries, and a change posts a latency message. Raised,
   * nothing leaves until the delay is built, but a slate; lowered, the outgoing end jumps forward
   * to a key frame, and what is jumped over is withheld. 0: what was held is withheld,
   * what comes leaves at once, and verdicts are only told. A file that is read faster
   * than real time leaves with its verdicts instead. What `hold` needs is in
   * [gate.md](../gate.md#how-long-to-hold).
   *
   * Since: 0.2
   */
  [PROP_HOLD] = {"hold", "Hold",
      "How long after it came every buffer leaves, in nanoseconds (0 = nothing "
      "is held)",
      GATE, LIVE, G_TYPE_UINT64, FIELD (hold), .value = 20 * GST_SECOND,
      .maximum = G_MAXINT64,    /* latencies are added to it */
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
   * warning says so. A file waits instead. Each buffer and event counts 1 KiB more
   * than its bytes, which is about what keeping it takes.
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
   * GstIdentifaiGate:policy:
   *
   * As that of identifaisink, see [Policy](policy.md). By default a structure
   * `policy` without fields, so that all have their defaults. %NULL, and on a
   * command line `policy=none`: each verdict counts by itself.
   *
   * Since: 0.2
   */
  [PROP_GATE_POLICY] = {"policy", "Policy",
      "From the verdicts on segments to a state of the stream: clear, "
      "review or blocked (NULL = each verdict counts by itself)",
      GATE, LIVE, STRUCTURE (policy), .text = "policy",
      .adopt = gst_identifai_settings_adopt_policy},
  /**
   * GstIdentifaiGate:resume-at-idr:
   *
   * Behind a hole the stream goes on at a picture with which a closed group starts (an
   * IDR picture, or its like), not at the first one at which decoding can start. For
   * receivers whose decoder isn't told of the hole, and mixes up the pictures of open
   * groups then: FFmpeg's does. Of a stream in which no such picture comes, nothing
   * leaves any more.
   *
   * Since: 0.2
   */
  [PROP_RESUME_AT_IDR] = {"resume-at-idr", "Resume at IDR",
      "Go on behind a hole at an IDR picture only, not at any at which decoding "
      "can start",
      GATE, LIVE, BOOLEAN (resume_at_idr, FALSE)},
  /**
   * GstIdentifaiGate:slate-location:
   *
   * A file of any container that GStreamer reads, whose first video track and sound
   * are shown in a loop in place of what is withheld with `slate`, and until the delay
   * is built. It is read into memory when the element starts, which takes five seconds
   * at most; its first minute counts, and 64 MiB a track. The video's codec has to be
   * that of the stream. A file that can't be used is warned of, and what is withheld
   * leaves a hole then. Without one, the `slate` and `slate_audio_%u` pads' media is
   * the slate; with one, they aren't looked at. See [gate.md](../gate.md#the-slate).
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
   * in nanoseconds: what #GstIdentifaiGate:hold has to be larger than. Without the time
   * that the source was away while the segment was open. Notified when the next picture
   * has to leave, on the thread of the src pad.
   *
   * Since: 0.2
   */
  [PROP_MAX_OBSERVED_DELAY] = {"max-observed-delay", "Maximum observed delay",
      "The longest time from a segment's first buffer to its outcome, in "
      "nanoseconds",
      GATE, G_PARAM_READABLE, G_TYPE_UINT64, .maximum = G_MAXUINT64},
};
/* *INDENT-ON* */
