/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files of the outbox share: gstidentifaioutbox.c has the way of a segment,
 * gstidentifaioutboxearly.c what is sent while one is open, gstidentifaioutboxwaits.c
 * what waits for its end, gstidentifaioutboxcalls.c what programs ask for; below them,
 * gstidentifaioutboxroom.c has room for segments, gstidentifaioutboxends.c their ends,
 * gstidentifaioutboxlate.c whether their verdicts are of use.
 */

#pragma once

#include "gstidentifaiheatmaps.h"
#include "gstidentifaioutbox.h"

#include "client.h"
#include "earlyupload.h"
#include "gstidentifaiattachments.h"
#include "gstidentifaioverrides.h"
#include "hourlyquota.h"
#include "muxworker.h"

G_BEGIN_DECLS

/* In µs: a longer wait is told of. */
#define LONG_WAIT (100 * G_TIME_SPAN_MILLISECOND)

/* Of which it is known how long judging them took. */
#define JUDGED 8

/* An offer that found no room. */
typedef struct
{
  gboolean notify;              /* the element wants to hear of room */
  gint64 since;                 /* monotonic µs; 0: there was none */
  guint number;                 /* of the segment */
  guint64 bytes;
} RoomWanted;

struct _GstIdentifaiOutbox
{
  GstElement *element;          /* borrowed, as these */
  GstIdentifaiReporter *reporter;
  const GstIdentifaiOutboxCallbacks *callbacks;
  gpointer user_data;           /* theirs */

  IdentifaiMuxWorker *worker;
  IdentifaiClientSettings client_settings;      /* from _configure to _start */
  GstIdentifaiOutcomes *outcomes;
  GstIdentifaiOverrides *overrides;

  GMutex lock;
  GCond cond;                   /* room, an outcome, flushing */

  /* All below: lock. */
  IdentifaiLedger *ledger;
  IdentifaiClient *client;      /* NULL: stopped */
  IdentifaiClientStats past;    /* of the client when it was closed */

  IdentifaiKind kind;           /* of what the element submits */
  GstIdentifaiOverflow overflow;        /* as set */
  gboolean live;
  IdentifaiHourlyQuota quota;   /* max-uploads-per-hour; outlives a restart */

  gboolean flushing;
  gboolean halting;             /* all that is outstanding ends: none is added */
  RoomWanted wanted;
  guint useless;                /* segments below it are: see _give_up_before */
  gint64 hold;                  /* µs, see _set_hold; 0: any verdict is of use */
  gint64 judging[JUDGED];       /* µs, from the start of the call that a segment was
                                 * posted with to its verdict: the latest ones; 0: none */
  guint n_judged;
  gboolean goes_first;          /* among the streams of the key */
  guint64 max_segment_bytes;
  gboolean may_be_early;        /* files are MP4, if they can be */
  guint early_misses;           /* segments in a row that broke off */
  guint early_pause;            /* so many aren't sent early, therefore */
  GstIdentifaiAttachments attachments;
  GstIdentifaiHeatmaps *heatmaps;
};

/* gstidentifaioutbox.c */

/* Before the worker and the client are halted, which wait for callbacks that want
 * the lock. */
void gst_identifai_outbox_begin_halt_locked (GstIdentifaiOutbox * self);
/* Keeps its memory while another thread may close it. NULL: stopped. */
IdentifaiClient *gst_identifai_outbox_ref_client (GstIdentifaiOutbox * self);

/* gstidentifaioutboxearly.c */

/* The segment has its file: the call that has begun to send it, or NULL. */
IdentifaiEarlyUpload *gst_identifai_outbox_take_early_locked
    (GstIdentifaiOutbox * self, IdentifaiSegment * segment);

/* gstidentifaioutboxroom.c */

GstIdentifaiOverflow gst_identifai_outbox_get_overflow_locked
    (GstIdentifaiOutbox * self);
/* It isn't uploaded after all. */
void gst_identifai_outbox_give_back_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);
/* Whether the segment could still be taken back from where it is. It doesn't count
 * as uploaded then, unless the service may have it. */
gboolean gst_identifai_outbox_withdraw_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
gboolean gst_identifai_outbox_has_room_locked (GstIdentifaiOutbox * self,
    guint64 bytes);
/* TRUE: there is room now. */
gboolean gst_identifai_outbox_make_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);
/* It waits for room. */
void gst_identifai_outbox_want_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);
/* It is taken, or gone; whether it was waited for. */
gboolean gst_identifai_outbox_has_waited_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);
/* Whether the element gets to hear of room, once. */
gboolean gst_identifai_outbox_take_room_locked (GstIdentifaiOutbox * self);
/* result: what is done about it. */
void gst_identifai_outbox_log_no_room_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, const gchar * result);

/* gstidentifaioutboxends.c */

/* What threads of the element do, which hold locks. */
void gst_identifai_outbox_unlock (GstIdentifaiOutbox * self);
/* Take the segment over. */
void gst_identifai_outbox_end_dropped_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, GstIdentifaiDrop reason);
void gst_identifai_outbox_end_failed_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, IdentifaiReason reason, guint http_status,
    const gchar * text);
/* And the result. */
void gst_identifai_outbox_end_judged_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, IdentifaiResult * result);

/* gstidentifaioutboxlate.c */

/* Nobody wants its verdict any more. */
gboolean gst_identifai_outbox_is_useless_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);
/* It is as good as with the client. */
void gst_identifai_outbox_note_submitted_locked (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);
/* It would be posted now, but there was time for its verdict, and isn't any more.
 * contended: another one would be instead. */
gboolean gst_identifai_outbox_is_too_late_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment, gboolean contended);
/* Its verdict came. */
void gst_identifai_outbox_note_judged_locked (GstIdentifaiOutbox * self,
    const IdentifaiSegment * segment);

G_END_DECLS
