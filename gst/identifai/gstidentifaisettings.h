/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The properties of identifaisink, except stats: their documentation, their
 * values, and what is made of them. No locks: the element guards the struct.
 */

#pragma once

#include "gstidentifaienums.h"
#include "client.h"
#include "request.h"

G_BEGIN_DECLS

/* The form fields that are booleans of the service. */
typedef enum
{
  GST_IDENTIFAI_FLAG_KEY_FRAMES,
  GST_IDENTIFAI_FLAG_WITH_TAMPERING,
  GST_IDENTIFAI_FLAG_WITH_MORPHING,
  GST_IDENTIFAI_FLAG_WITH_AUDIO,
  GST_IDENTIFAI_FLAG_WITH_NSFW,
  GST_IDENTIFAI_FLAG_ENSURE_FACE_PER_FRAME,
  GST_IDENTIFAI_FLAG_NO_CACHE,
  GST_IDENTIFAI_FLAG_PREVENT_C2PA_FORCES,
  GST_IDENTIFAI_N_FLAGS
} GstIdentifaiFlag;

/* Times in ns unless the name says otherwise; strings are owned. */
typedef struct
{
  guint64 set;                  /* a bit an id: the application set it */

  gchar *endpoint;
  gchar *api_key;
  gchar *api_key_file;
  IdentifaiExtraHeaders *extra_headers;      /* NULL = none */
  gboolean allow_plain_http;
  gchar *proxy;
  gchar *user_agent;
  gchar *tls_ca_file;
  guint timeout;                /* s */
  gint retries;
  IdentifaiLimit limits[IDENTIFAI_N_CALLS];

  gchar *ref_id;
  GstIdentifaiFrames frames;
  GstIdentifaiKeyFramesMethod key_frames_method;
  gboolean flags[GST_IDENTIFAI_N_FLAGS];
  gchar *webhook_url;
  GstStructure *extra_parameters;
  GstIdentifaiResponseFormat response_format;
  gchar *heuristic;
  GstStructure *policy;         /* NULL = none; makes sense */

  GstClockTime segment_duration;
  GstClockTime segment_interval;
  guint64 max_segment_bytes;
  gboolean send_keyframe_requests;
  gboolean align_to_clock;
  gboolean judging;
  gchar *muxer;

  GstIdentifaiOverflow overflow;
  guint64 max_pending_bytes;
  guint max_pending_segments;
  guint max_uploads_per_hour;

  GstClockTime poll_interval;
  GstClockTime verdict_timeout;
  GstClockTime drain_timeout;
  GstIdentifaiOnRefusal on_refusal;
} GstIdentifaiSettings;

/* Installs the properties with the ids from 1 to GST_IDENTIFAI_N_SETTINGS. */
#define GST_IDENTIFAI_N_SETTINGS 42
void gst_identifai_settings_install_properties (GObjectClass * klass);

void gst_identifai_settings_init (GstIdentifaiSettings * self);
void gst_identifai_settings_clear (GstIdentifaiSettings * self);

/* FALSE: id is none of ours. */
gboolean gst_identifai_settings_set (GstIdentifaiSettings * self, guint id,
    const GValue * value);
gboolean gst_identifai_settings_get (const GstIdentifaiSettings * self,
    guint id, GValue * value);

/* Names of those that were set and do nothing for container input, "muxer,
 * segment-duration"; NULL: none. */
gchar *gst_identifai_settings_list_idle (const GstIdentifaiSettings * self);

/* Times that are so short that they were meant in another unit,
 * "segment-duration=10"; NULL: none. */
gchar *gst_identifai_settings_list_short (const GstIdentifaiSettings * self);

/* Whether a change counts while the element runs (else only before it starts). */
gboolean gst_identifai_settings_is_mutable (guint id);

/* Checks what can be checked before data flows and fills in what the client
 * needs. FALSE with an error (of GST_RESOURCE_ERROR or GST_LIBRARY_ERROR) that
 * says what to do. */
gboolean gst_identifai_settings_to_client (const GstIdentifaiSettings * self,
    IdentifaiClientSettings * client, GError ** error);

/* Whether ref_id holds nothing but one conversion of the %u family at most. */
gboolean gst_identifai_ref_id_is_valid (const gchar * ref_id);
/* ref_id with its conversion replaced by the segment's number. */
gchar *gst_identifai_ref_id_format (const gchar * ref_id, guint number);

/* FALSE with error: extra-parameters are too long, or one of them can't be sent,
 * or would double a field. */
gboolean gst_identifai_settings_check_fields (const GstIdentifaiSettings * self,
    GError ** error);

/* A segment's form fields and answers, as of now; file and names come later.
 * formatted_ref_id may be NULL. */
IdentifaiRequest *gst_identifai_settings_to_request (const GstIdentifaiSettings
    * self, const gchar * formatted_ref_id);

G_END_DECLS
