/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What rows of the table of properties are written with, and its parts. A row is in one
 * of them, at its id. The comments are the text of docs/reference/, up to the fields
 * of a structure: docs/tables.py writes its tables.
 */

#pragma once

#include "gstidentifaisettings.h"

G_BEGIN_DECLS

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

extern const GstIdentifaiProperty
    gst_identifai_service_properties[GST_IDENTIFAI_N_PROPS];
extern const GstIdentifaiProperty
    gst_identifai_segment_properties[GST_IDENTIFAI_N_PROPS];
extern const GstIdentifaiProperty
    gst_identifai_gate_properties[GST_IDENTIFAI_N_PROPS];

G_END_DECLS
