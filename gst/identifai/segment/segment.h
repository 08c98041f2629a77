/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One segment, from its first buffer to its outcome: what is known of it, and
 * the encoded buffers or the file that it holds.
 *
 * One owner at a time: the streaming thread while it is open, then the mux
 * worker, then the element. No locks of its own.
 */

#pragma once

#include "kind.h"
#include "memoryfile.h"
#include "reason.h"

G_BEGIN_DECLS

/* Running time 0 in the timestamps of tracks: decoding may start before it. */
#define IDENTIFAI_TRACK_EPOCH (1000 * 3600 * GST_SECOND)

/* One elementary stream of a segment. */
typedef struct
{
  GstCaps *caps;
  GPtrArray *buffers;           /* of GstBuffer, in decoding order; PTS and DTS
                                 * are running times + IDENTIFAI_TRACK_EPOCH,
                                 * possibly DTS < running_time of the segment */
} IdentifaiTrack;

typedef struct
{
  IdentifaiKind kind;
  guint number;                 /* from 0 */
  gchar *name;                  /* of the element, for the log; or NULL */
  gboolean resumed;             /* an earlier run submitted it */
  gchar *session;               /* of that run; NULL: of this one */
  gchar *ref_id;                /* sent as ref_id; or NULL */
  gchar *identifier;            /* the service's, once it has the file; or NULL */
  /* All in ns; GST_CLOCK_TIME_NONE where unknown. */
  GstClockTime running_time;    /* of the first frame shown */
  GstClockTime stream_time;
  GstClockTime duration;
  gint64 utc;                   /* µs since 1970 at running_time; -1 unknown */
  gint64 last_buffer;           /* monotonic µs when its last buffer came, */
  gint64 first_frame;           /* and its first frame; 0: unknown */
  guint frames, keyframes;      /* video; 0 where unknown (container input) */
  guint discontinuities;        /* losses inside it; the same */
  GstClockTime audio_missing;   /* ns of sound that its file doesn't have */
  gchar *audio_trouble;         /* why, if it is the file's fault; or NULL */
  const gchar *lost_orientation;        /* static: what its file can't say; or NULL */
  guint64 bytes;                /* held now: payload, then size of the file */

  /* Container input has a file from the start. Elementary input has tracks,
   * video first, until the muxer turns them into a file. */
  GPtrArray *tracks;            /* of IdentifaiTrack, or NULL */
  guint lead;                   /* so many buffers of sound alone are the end of the
                                 * segment before: a decoder needs them */
  GPtrArray *pictures;          /* of IdentifaiFrame, what the first track's buffers
                                 * are made of: videotrack.h; NULL: they are made */
  gint64 pictures_end;          /* ns, when the last of them is over */
  IdentifaiMemoryFile *file;         /* or NULL */
  gchar *content_type;          /* "video/mp4", or NULL until muxed */
  const gchar *extension;       /* "mp4", static */
  gchar *filename;              /* if it came with one; or NULL */
  gchar *sha256;                /* of its file, as soon as it is known; or NULL */
  gboolean file_dropped;        /* it went before the outcome that would have it */
  gboolean beyond_budget;       /* its file is made for the outcome only */
  GstBuffer *attachment;        /* its file, for the outcome's message; or NULL */

  /* Set if no file can be posted (TOO_LARGE, MUX): the tracks and the file are
   * let go of, the segment only waits for its message. */
  IdentifaiReason failure;
  gchar *failure_text;

  gint64 counted;               /* monotonic µs: when it was counted as an upload */
  gint64 posted;                /* monotonic µs: when the call that took it began */
  gboolean in_time;             /* when it was submitted, a verdict could be */

  gpointer user_data;           /* the outbox's: what it is submitted with */
  GDestroyNotify free_user_data;
} IdentifaiSegment;

IdentifaiSegment *identifai_segment_new (guint number);
void identifai_segment_free (IdentifaiSegment * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdentifaiSegment, identifai_segment_free)

IdentifaiTrack *identifai_segment_add_track (IdentifaiSegment * self,
    GstCaps * caps);

/* Takes a track out that no file can have, and counts its sound as missing. text
 * says why, and is copied. */
void identifai_segment_leave_out (IdentifaiSegment * self, guint track,
    const gchar * text);

/* Each gets the other's number, ref_id and user_data. */
void identifai_segment_swap_identity (IdentifaiSegment * self,
    IdentifaiSegment * other);

/* Lets go of all tracks and the file, and says why. text is copied. */
void identifai_segment_fail (IdentifaiSegment * self, IdentifaiReason reason,
    const gchar * text);

G_END_DECLS
