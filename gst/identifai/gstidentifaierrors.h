/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Errors, warnings and infos for people: what is wrong, and what to do.
 */

#pragma once

#include "client.h"
#include "codecs.h"
#include "segmenter.h"

G_BEGIN_DECLS

/* All transfer full. */

/* A call of the service that failed. */
typedef struct
{
  IdentifaiCall call;
  guint reason;                 /* of IdentifaiReason, or GST_IDENTIFAI_LOSS_… */
  guint http_status;            /* 0: none */
  const gchar *text;            /* NULL: none */
  gboolean key_worked;          /* the service took the key before */
  gint64 retry_in;              /* µs; -1: it isn't made again */
} GstIdentifaiFailure;

/* Trouble of the service's calls starts. */
GstMessage *gst_identifai_warning_call (GstElement * src,
    const GstIdentifaiFailure * failure);
/* A file could not be made (TOO_LARGE, MUX). */
GstMessage *gst_identifai_warning_file (GstElement * src,
    IdentifaiReason reason, const gchar * text);
GstMessage *gst_identifai_warning_overflow (GstElement * src);
/* max-uploads-per-hour is used up. */
GstMessage *gst_identifai_warning_budget (GstElement * src, guint uploads);
/* There are fewer than credits-warning. */
GstMessage *gst_identifai_warning_credits (GstElement * src, guint64 available,
    guint least);
/* They can't be asked for. */
GstMessage *gst_identifai_warning_no_credits (GstElement * src,
    const IdentifaiCredits * credits);
/* A segment had to leave before its outcome came. delay: the longest seen; 0: none. */
GstMessage *gst_identifai_warning_late (GstElement * src, guint segment,
    GstClockTime hold, GstClockTime delay);
/* max-held-bytes is reached. */
/* More uploads a minute are wanted than the key has; period: of those of src. */
GstMessage *gst_identifai_warning_demand (GstElement * src,
    const IdentifaiDemand * all, gdouble limit, GstClockTime period);
/* The policy can't block before what blocks it has left: needed is what hold would
 * have to be, at least. */
GstMessage *gst_identifai_warning_short_hold (GstElement * src,
    GstClockTime hold, GstClockTime needed, guint enter);
GstMessage *gst_identifai_warning_hold_full (GstElement * src, guint64 bytes);
/* What is to be replaced by a slate leaves a hole. what: what is wrong, for people. */
GstMessage *gst_identifai_warning_slate (GstElement * src, const gchar * what);
/* overflow=block holds the stream. */
GstMessage *gst_identifai_warning_held (GstElement * src);
/* Container input, content_type ("video/mp2t") say, that is live or doesn't end. */
GstMessage *gst_identifai_warning_container (GstElement * src,
    const gchar * content_type, guint64 max_bytes);
/* Times that may be of another unit: "segment-duration=10". */
GstMessage *gst_identifai_warning_short (GstElement * src, const gchar * times);
/* These do nothing for container input: "muxer, segment-duration". */
GstMessage *gst_identifai_warning_idle (GstElement * src, const gchar * names);
/* What the stream lacks; codec: of its caps, NULL if they have gone. */
GstMessage *gst_identifai_message_news (GstElement * src,
    const IdentifaiNews * news, const IdentifaiCodec * codec);
/* A stream that ended without a segment. */
GError *gst_identifai_error_nothing (const IdentifaiSegmenterStats * stats,
    const IdentifaiCodec * codec);
/* Nothing has come for so many seconds. advice: what to do where none ever came; NULL:
 * the stream has stopped. */
GstMessage *gst_identifai_warning_silence (GstElement * src,
    IdentifaiKind kind, guint seconds, const gchar * advice);
/* No file can have this sound. pad: its name, or NULL: of all. */
GstMessage *gst_identifai_warning_sound (GstElement * src, const gchar * pad,
    const gchar * obstacle);
/* There is sound only. advice: how to send video, too. An error: it is over. */
GstMessage *gst_identifai_message_no_video (GstElement * src,
    const gchar * advice, gboolean is_error);
/* The pictures lie on their side in the files. */
GstMessage *gst_identifai_warning_orientation (GstElement * src,
    const gchar * orientation);
GstMessage *gst_identifai_info (GstElement * src, const gchar * text);

/* on-refusal=error: the service wants no more of us. */
GstMessage *gst_identifai_error_refused (GstElement * src,
    const GstIdentifaiFailure * failure);

/* The element can't start. error: of GST_RESOURCE_ERROR or GST_LIBRARY_ERROR, or
 * what GIO says of a file that a setting names. */
GstMessage *gst_identifai_error_start (GstElement * src, const GError * error);

/* Segments without a verdict: reasons of identifai-failed, or dropped. */
#define GST_IDENTIFAI_LOSS_OVERFLOW ((guint) IDENTIFAI_REASON_NONE)
#define GST_IDENTIFAI_LOSS_BUDGET ((guint) IDENTIFAI_N_REASONS)
#define GST_IDENTIFAI_LOSS_LATE ((guint) IDENTIFAI_N_REASONS + 1)
#define GST_IDENTIFAI_N_LOSSES (IDENTIFAI_N_REASONS + 2)

typedef struct
{
  IdentifaiKind kind;           /* of all segments */
  guint64 total;
  guint64 by_reason[GST_IDENTIFAI_N_LOSSES];
  /* The last one: */
  guint reason;
  guint http_status;
  gchar *text;                  /* owned; NULL: none */
  gboolean key_worked;
} IdentifaiLosses;

/* So many of segments have no verdict, and why. All of them: an error, if that
 * may be; else a warning. */
GstMessage *gst_identifai_summary (GstElement * src,
    const IdentifaiLosses * losses, guint64 segments, gboolean may_be_error);

G_END_DECLS
