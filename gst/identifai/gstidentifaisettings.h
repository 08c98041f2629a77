/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The values of an element's properties, and what is made of them.
 *
 * The element's lock guards the struct: set_property writes it, on any thread,
 * and whoever reads it holds the lock. What may change in READY only stays as it
 * is between the element's start and stop. Others get copies: the client at start
 * and at each change, the outbox at start, a segment's request when it opens.
 * Nothing here takes a lock, waits or warns.
 */

#pragma once

#include "gstidentifaienums.h"
#include "gstidentifaiproperties.h"
#include "client.h"
#include "request.h"

G_BEGIN_DECLS

/* Times in ns unless the name says otherwise; strings and structures are owned,
 * and NULL where there is none. */
typedef struct
{
  GstIdentifaiElements element; /* whose they are */
  IdentifaiKind kind;           /* of what it submits */
  gboolean set[GST_IDENTIFAI_N_PROPS];  /* by the application */

  gchar *endpoint;
  gchar *api_key;
  gchar *api_key_file;
  GstStructure *extra_headers;  /* as set: with what isn't sent */
  gboolean allow_plain_http;
  gchar *proxy;
  gchar *user_agent;
  gchar *tls_ca_file;
  guint timeout;                /* s */
  gint retries;
  GstStructure *rate_limits;    /* all four, as guint */

  gchar *ref_id;
  GstIdentifaiFrames frames;
  gboolean key_frames;
  GstIdentifaiKeyFramesMethod key_frames_method;
  gboolean with_tampering;
  gboolean with_morphing;
  gboolean with_audio;
  gboolean with_nsfw;
  gboolean with_heatmap;
  gboolean ensure_face_per_frame;
  gboolean no_cache;
  gboolean prevent_c2pa_forces;
  gchar *webhook_url;
  GstStructure *extra_parameters;
  GstIdentifaiResponseFormat response_format;
  gchar *heuristic;
  GstStructure *policy;         /* makes sense */

  GstClockTime segment_duration;
  GstClockTime segment_interval;
  guint64 max_segment_bytes;
  gboolean send_keyframe_requests;
  gboolean align_to_clock;
  gboolean judging;
  gboolean early_upload;
  gchar *muxer;

  GstIdentifaiOverflow overflow;
  guint64 max_pending_bytes;
  guint max_pending_segments;
  guint max_uploads_per_hour;

  GstClockTime credits_interval;
  guint credits_warning;
  GstIdentifaiAttachFile attach_file;
  guint64 max_attached_bytes;
  gboolean sha256;

  GstClockTime hold;
  GstIdentifaiGateAction on_artificial, on_unknown, on_unjudged;
  GstIdentifaiGateUnsampled on_unsampled;
  gboolean resume_at_idr;
  guint pre_roll, post_roll;
  guint64 max_held_bytes;
  GstIdentifaiGateForce force;
  gchar *slate_location;

  GstClockTime poll_interval;
  GstClockTime verdict_timeout;
  GstClockTime drain_timeout;
  GstIdentifaiOnRefusal on_refusal;
} GstIdentifaiSettings;

/* The defaults of an element. */
void gst_identifai_settings_init (GstIdentifaiSettings * self,
    GstIdentifaiElements element);
void gst_identifai_settings_clear (GstIdentifaiSettings * self);

typedef enum
{
  GST_IDENTIFAI_SET_REFUSED,
  GST_IDENTIFAI_SET_AGAIN,      /* to what it was */
  GST_IDENTIFAI_SET_CHANGED,
} GstIdentifaiSet;

/* While the element is running, what may not change then, and what would keep
 * it from starting, is refused. warnings takes the strings that the caller is to
 * warn of once it has unlocked. */
GstIdentifaiSet gst_identifai_settings_set (GstIdentifaiSettings * self,
    guint id, const GValue * value, gboolean running, GPtrArray * warnings);
/* value has the property's type. */
void gst_identifai_settings_get (const GstIdentifaiSettings * self, guint id,
    GValue * value);

/* Names of those that were set and do nothing for container input, "muxer,
 * segment-duration"; NULL: none. */
gchar *gst_identifai_settings_list_idle (const GstIdentifaiSettings * self);

/* Times that are so short that they were meant in another unit,
 * "segment-duration=10"; NULL: none. */
gchar *gst_identifai_settings_list_short (const GstIdentifaiSettings * self);

/* For the table. */
GstStructure *gst_identifai_settings_adopt_headers (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings);
GstStructure *gst_identifai_settings_hide_headers (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings);
gchar *gst_identifai_settings_adopt_proxy (const gchar * now,
    const gchar * wanted, GPtrArray * warnings);
gchar *gst_identifai_settings_hide_proxy (const gchar * now,
    const gchar * wanted, GPtrArray * warnings);
GstStructure *gst_identifai_settings_adopt_limits (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings);
GstStructure *gst_identifai_settings_adopt_policy (const GstStructure * now,
    const GstStructure * wanted, GPtrArray * warnings);

/* Those of extra-headers that are sent, or NULL. */
IdentifaiExtraHeaders *gst_identifai_settings_get_headers (const
    GstIdentifaiSettings * self);
/* For the client: IDENTIFAI_N_CALLS of them. */
void gst_identifai_settings_get_limits (const GstIdentifaiSettings * self,
    IdentifaiLimit * limits);

/* FALSE with error (of GST_LIBRARY_ERROR): what is to be sent with a segment is
 * wrong, too long, or would be sent twice. */
gboolean gst_identifai_settings_check_fields (const GstIdentifaiSettings * self,
    GError ** error);

/* Checks what can be checked before data flows and fills in what the client
 * needs. FALSE with an error (of GST_RESOURCE_ERROR or GST_LIBRARY_ERROR) that
 * says what to do. */
gboolean gst_identifai_settings_to_client (const GstIdentifaiSettings * self,
    IdentifaiClientSettings * client, GError ** error);

/* ref_id with its conversion, of the %u family, replaced by the segment's
 * number. */
gchar *gst_identifai_ref_id_format (const gchar * ref_id, guint number);

/* A segment's form fields and answers, as of now; file and names come later.
 * formatted_ref_id may be NULL. */
IdentifaiRequest *gst_identifai_settings_to_request (const GstIdentifaiSettings
    * self, const gchar * formatted_ref_id);

G_END_DECLS
