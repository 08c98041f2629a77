/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The element messages and tags: structures only, nothing is posted here. All
 * functions return messages that the caller posts (transfer full).
 */

#pragma once

#include "holdqueue.h"
#include "policy.h"
#include "result.h"
#include "segment.h"

G_BEGIN_DECLS

#define GST_IDENTIFAI_TAG_CLASSIFICATION "identifai-classification"
#define GST_IDENTIFAI_TAG_CONFIDENCE "identifai-confidence"
#define GST_IDENTIFAI_TAG_IDENTIFIER "identifai-identifier"
#define GST_IDENTIFAI_TAG_NSFW "identifai-nsfw"

void gst_identifai_register_tags (void);

GstMessage *gst_identifai_message_segment (GstElement * src,
    const IdentifaiSegment * segment);
/* The segment has its identifier. */
GstMessage *gst_identifai_message_submitted (GstElement * src,
    const IdentifaiSegment * segment, GstClockTime upload_time);
GstMessage *gst_identifai_message_verdict (GstElement * src,
    const IdentifaiSegment * segment, const IdentifaiResult * result,
    GstClockTime latency);
/* text: the service's words, or ours; NULL: none. */
GstMessage *gst_identifai_message_failed (GstElement * src,
    const IdentifaiSegment * segment, IdentifaiReason reason,
    guint http_status, const gchar * text);
GstMessage *gst_identifai_message_dropped (GstElement * src,
    const IdentifaiSegment * segment, const gchar * reason);
GstMessage *gst_identifai_message_policy (GstElement * src,
    const IdentifaiPolicyChange * change, gboolean enforced);

/* What came of an override. */
typedef struct
{
  gboolean has_segment;
  guint segment;
  gchar *identifier;            /* NULL: not known */
  gchar *hash;                  /* of the file; the same */
  gchar *classification;
  const gchar *reason;          /* NULL: the service took it */
  guint http_status;            /* 0: none */
  const gchar *text;            /* unless it took it */
} GstIdentifaiOverride;

GstMessage *gst_identifai_message_override (GstElement * src,
    const GstIdentifaiOverride * override);
GstMessage *gst_identifai_message_credits (GstElement * src, guint64 available,
    guint64 spent);
/* The outgoing end changes with a buffer that leaves, or doesn't. */
GstMessage *gst_identifai_message_gate (GstElement * src,
    const IdentifaiHeld * held);
GstMessage *gst_identifai_message_tags (GstElement * src,
    const gchar * identifier, const IdentifaiResult * result);

G_END_DECLS
