/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "gstidentifaienums.h"

#define DEFINE_ENUM(TypeName, type_name, ...) \
GType \
type_name##_get_type (void) \
{ \
  static GType type = 0; \
  static const GEnumValue values[] = { __VA_ARGS__, {0, NULL, NULL} }; \
  \
  if (g_once_init_enter (&type)) \
    g_once_init_leave (&type, g_enum_register_static (#TypeName, values)); \
  \
  return type; \
}

/* *INDENT-OFF* */
DEFINE_ENUM (GstIdentifaiFrames, gst_identifai_frames,
    {GST_IDENTIFAI_FRAMES_DEFAULT, "The service's own default", "default"},
    {GST_IDENTIFAI_FRAMES_5, "At most 5 frames", "5"},
    {GST_IDENTIFAI_FRAMES_10, "At most 10 frames", "10"},
    {GST_IDENTIFAI_FRAMES_30, "At most 30 frames", "30"})

DEFINE_ENUM (GstIdentifaiKeyFramesMethod, gst_identifai_key_frames_method,
    {GST_IDENTIFAI_KEY_FRAMES_IFRAMES, "The I-frames of the video", "iframes"},
    {GST_IDENTIFAI_KEY_FRAMES_FLOW, "The stillest frame of every shot sequence",
        "flow"},
    {GST_IDENTIFAI_KEY_FRAMES_COLOR,
        "The frame of average colour of every shot sequence", "color"})

DEFINE_ENUM (GstIdentifaiResponseFormat, gst_identifai_response_format,
    {GST_IDENTIFAI_RESPONSE_JSON, "application/json", "json"},
    {GST_IDENTIFAI_RESPONSE_TEXT, "text/plain", "text"})

DEFINE_ENUM (GstIdentifaiOverflow, gst_identifai_overflow,
    {GST_IDENTIFAI_OVERFLOW_AUTO,
        "Drop the oldest if upstream is live or comes in real time, else block",
        "auto"},
    {GST_IDENTIFAI_OVERFLOW_BLOCK, "Hold the video pad until there is room",
        "block"},
    {GST_IDENTIFAI_OVERFLOW_DROP_OLDEST,
        "Give up the segment that has waited longest", "drop-oldest"},
    {GST_IDENTIFAI_OVERFLOW_DROP_NEWEST, "Give up the segment that just closed",
        "drop-newest"})

DEFINE_ENUM (GstIdentifaiOnRefusal, gst_identifai_on_refusal,
    {GST_IDENTIFAI_ON_REFUSAL_ERROR, "Post an error", "error"},
    {GST_IDENTIFAI_ON_REFUSAL_WARN, "Post a warning and fail the segments",
        "warn"})

DEFINE_ENUM (GstIdentifaiAttachFile, gst_identifai_attach_file,
    {GST_IDENTIFAI_ATTACH_FILE_NONE, "Without files", "none"},
    {GST_IDENTIFAI_ATTACH_FILE_FLAGGED,
        "The files of what is artificial, or not judged", "flagged"},
    {GST_IDENTIFAI_ATTACH_FILE_ALL, "All files", "all"})

DEFINE_ENUM (GstIdentifaiGateAction, gst_identifai_gate_action,
    {GST_IDENTIFAI_GATE_DROP, "Withhold it", "drop"},
    {GST_IDENTIFAI_GATE_SLATE, "Withhold it, and show the slate", "slate"},
    {GST_IDENTIFAI_GATE_PASS, "Let it out", "pass"},
    {GST_IDENTIFAI_GATE_EOS, "Withhold it, and end the stream", "eos"})

DEFINE_ENUM (GstIdentifaiGateOverflow, gst_identifai_gate_overflow,
    {GST_IDENTIFAI_GATE_OVERFLOW_AUTO,
        "Drop the oldest if upstream is live or comes in real time; a file waits",
        "auto"},
    {GST_IDENTIFAI_GATE_OVERFLOW_DROP_OLDEST,
        "Give up the segment that has waited longest", "drop-oldest"},
    {GST_IDENTIFAI_GATE_OVERFLOW_DROP_NEWEST,
        "Give up the segment that just closed", "drop-newest"})

DEFINE_ENUM (GstIdentifaiGateUnsampled, gst_identifai_gate_unsampled,
    {GST_IDENTIFAI_GATE_UNSAMPLED_FOLLOW, "As the segment before", "follow"},
    {GST_IDENTIFAI_GATE_UNSAMPLED_PASS, "Let it out", "pass"},
    {GST_IDENTIFAI_GATE_UNSAMPLED_DROP, "Withhold it", "drop"})

DEFINE_ENUM (GstIdentifaiGateForce, gst_identifai_gate_force,
    {GST_IDENTIFAI_GATE_FORCE_NONE, "As verdicts say", "none"},
    {GST_IDENTIFAI_GATE_FORCE_PASS, "Let all out, from the next key frame on",
        "pass"},
    {GST_IDENTIFAI_GATE_FORCE_DROP, "Withhold all, at once", "drop"},
    {GST_IDENTIFAI_GATE_FORCE_SLATE, "Show the slate, at once", "slate"})

/* *INDENT-ON* */
