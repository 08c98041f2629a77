/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The enum types of the properties.
 */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

typedef enum
{
  GST_IDENTIFAI_FRAMES_DEFAULT = 0,
  GST_IDENTIFAI_FRAMES_5 = 5,
  GST_IDENTIFAI_FRAMES_10 = 10,
  GST_IDENTIFAI_FRAMES_30 = 30,
} GstIdentifaiFrames;

typedef enum
{
  GST_IDENTIFAI_KEY_FRAMES_IFRAMES,
  GST_IDENTIFAI_KEY_FRAMES_FLOW,
  GST_IDENTIFAI_KEY_FRAMES_COLOR,
} GstIdentifaiKeyFramesMethod;

typedef enum
{
  GST_IDENTIFAI_RESPONSE_JSON,
  GST_IDENTIFAI_RESPONSE_TEXT,
} GstIdentifaiResponseFormat;

typedef enum
{
  GST_IDENTIFAI_OVERFLOW_AUTO,
  GST_IDENTIFAI_OVERFLOW_BLOCK,
  GST_IDENTIFAI_OVERFLOW_DROP_OLDEST,
  GST_IDENTIFAI_OVERFLOW_DROP_NEWEST,
} GstIdentifaiOverflow;

typedef enum
{
  GST_IDENTIFAI_ON_REFUSAL_ERROR,
  GST_IDENTIFAI_ON_REFUSAL_WARN,
} GstIdentifaiOnRefusal;

typedef enum
{
  GST_IDENTIFAI_ATTACH_FILE_NONE,
  GST_IDENTIFAI_ATTACH_FILE_FLAGGED,
  GST_IDENTIFAI_ATTACH_FILE_ALL,
} GstIdentifaiAttachFile;

typedef enum
{
  GST_IDENTIFAI_GATE_DROP,
  GST_IDENTIFAI_GATE_SLATE,
  GST_IDENTIFAI_GATE_PASS,
  GST_IDENTIFAI_GATE_EOS,
} GstIdentifaiGateAction;

typedef enum
{
  GST_IDENTIFAI_GATE_UNSAMPLED_FOLLOW,
  GST_IDENTIFAI_GATE_UNSAMPLED_PASS,
  GST_IDENTIFAI_GATE_UNSAMPLED_DROP,
} GstIdentifaiGateUnsampled;

/* Those of GstIdentifaiOverflow, but for block: nothing holds a live stream. */
typedef enum
{
  GST_IDENTIFAI_GATE_OVERFLOW_AUTO = GST_IDENTIFAI_OVERFLOW_AUTO,
  GST_IDENTIFAI_GATE_OVERFLOW_DROP_OLDEST = GST_IDENTIFAI_OVERFLOW_DROP_OLDEST,
  GST_IDENTIFAI_GATE_OVERFLOW_DROP_NEWEST = GST_IDENTIFAI_OVERFLOW_DROP_NEWEST,
} GstIdentifaiGateOverflow;

typedef enum
{
  GST_IDENTIFAI_GATE_FORCE_NONE,
  GST_IDENTIFAI_GATE_FORCE_PASS,
  GST_IDENTIFAI_GATE_FORCE_DROP,
  GST_IDENTIFAI_GATE_FORCE_SLATE,
} GstIdentifaiGateForce;

#define GST_TYPE_IDENTIFAI_GATE_OVERFLOW (gst_identifai_gate_overflow_get_type ())
GType gst_identifai_gate_overflow_get_type (void);

#define GST_TYPE_IDENTIFAI_GATE_ACTION (gst_identifai_gate_action_get_type ())
GType gst_identifai_gate_action_get_type (void);

#define GST_TYPE_IDENTIFAI_GATE_UNSAMPLED (gst_identifai_gate_unsampled_get_type ())
GType gst_identifai_gate_unsampled_get_type (void);

#define GST_TYPE_IDENTIFAI_GATE_FORCE (gst_identifai_gate_force_get_type ())
GType gst_identifai_gate_force_get_type (void);

#define GST_TYPE_IDENTIFAI_FRAMES (gst_identifai_frames_get_type ())
GType gst_identifai_frames_get_type (void);

#define GST_TYPE_IDENTIFAI_KEY_FRAMES_METHOD (gst_identifai_key_frames_method_get_type ())
GType gst_identifai_key_frames_method_get_type (void);

#define GST_TYPE_IDENTIFAI_RESPONSE_FORMAT (gst_identifai_response_format_get_type ())
GType gst_identifai_response_format_get_type (void);

#define GST_TYPE_IDENTIFAI_OVERFLOW (gst_identifai_overflow_get_type ())
GType gst_identifai_overflow_get_type (void);

#define GST_TYPE_IDENTIFAI_ATTACH_FILE (gst_identifai_attach_file_get_type ())
GType gst_identifai_attach_file_get_type (void);

#define GST_TYPE_IDENTIFAI_ON_REFUSAL (gst_identifai_on_refusal_get_type ())
GType gst_identifai_on_refusal_get_type (void);

G_END_DECLS
