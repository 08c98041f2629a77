/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The way of a closed segment: muxed by a worker thread if it needs a file,
 * handed to the client, and to its one outcome on the bus. Knows the element
 * only to post messages for it.
 */

#pragma once

#include "gstidentifaisettings.h"
#include "segment.h"

G_BEGIN_DECLS

typedef struct _GstIdentifaiOutbox GstIdentifaiOutbox;

/* What a segment was opened with; a segment's user_data. */
typedef struct
{
  IdentifaiRequest *request;    /* without its file until the segment has one */
  gchar *ref_id;                /* formatted, or NULL */
  gchar *identifier;            /* once the service took the file */
  gboolean announced;           /* identifai-segment is queued */
  gboolean counted;             /* of max-uploads-per-hour */
} GstIdentifaiTicket;

void gst_identifai_ticket_attach (IdentifaiSegment * segment,
    const GstIdentifaiSettings * settings);

/* element is borrowed and must outlive the outbox. */
GstIdentifaiOutbox *gst_identifai_outbox_new (GstElement * element);
void gst_identifai_outbox_free (GstIdentifaiOutbox * self);

/* Connects to the client. FALSE
 * with error if settings are unusable; then it stays stopped. */
gboolean gst_identifai_outbox_start (GstIdentifaiOutbox * self,
    const GstIdentifaiSettings * settings, GError ** error);

/* Cancels everything and gives each outstanding segment its outcome; all
 * messages are on the bus when it returns. Within a second. */
void gst_identifai_outbox_stop (GstIdentifaiOutbox * self);

/* Whether upstream is live or comes in real time: what overflow=auto means. */
void gst_identifai_outbox_set_live (GstIdentifaiOutbox * self, gboolean live);
/* A policy that was checked; NULL: none. */
void gst_identifai_outbox_set_policy (GstIdentifaiOutbox * self,
    const GstStructure * policy);
/* Whether it wants all of the stream to be judged, without pauses. Takes no
 * lock. */
gboolean gst_identifai_outbox_is_boosted (GstIdentifaiOutbox * self);
/* Never holds the lock for long, whatever the key file's file system does. */
/* For all requests from now on. */
void gst_identifai_outbox_set_headers (GstIdentifaiOutbox * self,
    IdentifaiExtraHeaders * headers);
void gst_identifai_outbox_set_key (GstIdentifaiOutbox * self,
    const gchar * api_key);

/* Takes over the segment (with a ticket) and returns TRUE; FALSE if it must
 * wait for room. Never blocks. Messages are queued, see _post. */
gboolean gst_identifai_outbox_offer (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);

/* After an offer that found none: func is called once when there may be room, with
 * no lock held, on a thread that nothing long may be done on. Set it before the
 * start. */
typedef void (*GstIdentifaiRoomFunc) (GstElement * element);
void gst_identifai_outbox_set_room_func (GstIdentifaiOutbox * self,
    GstIdentifaiRoomFunc func);
/* Bytes that may be held besides what is. */
guint64 gst_identifai_outbox_get_space (GstIdentifaiOutbox * self);
/* Whether what finds no room is to wait. */
gboolean gst_identifai_outbox_blocks (GstIdentifaiOutbox * self);

/* The stream is over and doesn't wait for room: takes over the segment even if
 * there is none. What comes after a seek has to wait, see _await_bounds. */
void gst_identifai_outbox_push (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment);

/* Takes over a segment that nobody will judge: "flushed" or "stopped". */
void gst_identifai_outbox_give_up (GstIdentifaiOutbox * self,
    IdentifaiSegment * segment, const gchar * reason);

/* Queue a message in order, and post what is queued: here, with no lock held, or
 * on another thread, for those that others depend on. */
void gst_identifai_outbox_queue (GstIdentifaiOutbox * self,
    GstMessage * message);
void gst_identifai_outbox_post (GstIdentifaiOutbox * self);
void gst_identifai_outbox_post_elsewhere (GstIdentifaiOutbox * self);

/* Wakes the waits below; they return FALSE at once until it is unset. */
void gst_identifai_outbox_set_flushing (GstIdentifaiOutbox * self,
    gboolean flushing);

/* How many bytes the segment may hold at most until it is uploaded: a file is
 * larger than the tracks that it is made of. */
guint64 gst_identifai_outbox_get_need (const IdentifaiSegment * segment);

/* Waits until there may be room for bytes; deadline as in _drain. FALSE:
 * flushing. */
gboolean gst_identifai_outbox_wait_room (GstIdentifaiOutbox * self,
    guint64 bytes, gint64 deadline);

/* Waits until there may be room for bytes, until then (monotonic µs, -1 = no
 * bound), or until flushing. Nothing fails. */
void gst_identifai_outbox_await_room (GstIdentifaiOutbox * self, guint64 bytes,
    gint64 until);
/* The stream is held for want of room: a warning, when that starts. */
void gst_identifai_outbox_tell_held (GstIdentifaiOutbox * self);

/* Whether no more waits than may: what _push brought has found its room. TRUE
 * unless overflow says to block. And a wait for it, as _await_room. */
gboolean gst_identifai_outbox_is_within_bounds (GstIdentifaiOutbox * self);
void gst_identifai_outbox_await_bounds (GstIdentifaiOutbox * self,
    gint64 until);

/* Waits until nothing is outstanding or until deadline (monotonic µs, -1 =
 * none), when the rest fails as timeout. FALSE: flushing. */
gboolean gst_identifai_outbox_drain (GstIdentifaiOutbox * self,
    gint64 deadline);

/* As _post, and waits until everything queued is on the bus: nothing may come
 * after EOS. FALSE: flushing. */
gboolean gst_identifai_outbox_post_all (GstIdentifaiOutbox * self);

/* The stream is over: an error message if segments came since the last call but
 * none was judged (failed, or dropped for want of room), a warning if only some
 * were, or under on-refusal=warn; NULL if all is well, or if the error was posted
 * before. at_end: not in the middle of the stream, where it can't go on. */
GstMessage *gst_identifai_outbox_summary (GstIdentifaiOutbox * self,
    gboolean at_end);

/* Adds all fields of stats but coverage. */
void gst_identifai_outbox_get_stats (GstIdentifaiOutbox * self,
    GstStructure * stats);

G_END_DECLS
