/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Cuts one stream of sound, which may be cut between any two of its buffers, into
 * segments. None is shorter than the shortest file that the service takes: a rest
 * that is joins the segment before, which is kept until there is enough after it.
 *
 *   push ─► open ─► kept ─► ready, popped
 *            │       ▲
 *            └───────┘  a rest: joins it, or is too short alone
 *
 * Times are running times in ns. No lock: its owner's.
 */

#pragma once

#include "segment.h"

G_BEGIN_DECLS

#define IDENTIFAI_SHORTEST_SOUND (3 * GST_SECOND)

typedef struct _IdentifaiSoundCutter IdentifaiSoundCutter;

typedef struct
{
  GstClockTime duration;        /* of segments; 0: until a break, or the end */
  GstClockTime interval;        /* from start to start, at least; 0: back to back */
  guint64 max_bytes;            /* of a segment's buffers */
} IdentifaiSoundSettings;

/* One buffer. */
typedef struct
{
  GstBuffer *buffer;            /* owned */
  GstClockTime time, duration;  /* GST_CLOCK_TIME_NONE: not known */
  GstClockTime stream_time;     /* the same */
  gint64 utc;                   /* µs since 1970, or -1 */
  gint64 arrival;               /* monotonic µs */
  gdouble rate;                 /* at which it is played, as in GstSegment; time is
                                 * running time, duration isn't */
} IdentifaiSoundBuffer;

typedef struct
{
  /* Gives a segment its number, as it opens. */
  void (*opened) (IdentifaiSegment * segment, gpointer user_data);
  /* Its sound is in the one before now: it is freed, and the number, which is the
   * latest, is free again. */
  void (*joined) (IdentifaiSegment * segment, gpointer user_data);
} IdentifaiSoundFuncs;

/* funcs: static. */
IdentifaiSoundCutter *identifai_sound_cutter_new (const IdentifaiSoundFuncs *
    funcs, gpointer user_data);
void identifai_sound_cutter_free (IdentifaiSoundCutter * self);

/* Before the first buffer, and when they change. name: of the element, for the
 * log. */
void identifai_sound_cutter_configure (IdentifaiSoundCutter * self,
    const gchar * name, const IdentifaiSoundSettings * settings);
/* Of the buffers from now on; others than before are a break. */
void identifai_sound_cutter_set_caps (IdentifaiSoundCutter * self,
    GstCaps * caps);

/* Takes over what is in item. FALSE: when it is can't be told, and it is lost. */
gboolean identifai_sound_cutter_push (IdentifaiSoundCutter * self,
    IdentifaiSoundBuffer * item);
/* What comes next has nothing to do with what came, if anything comes. */
void identifai_sound_cutter_break (IdentifaiSoundCutter * self);
/* Nothing has come for so long that what is kept isn't any more. */
void identifai_sound_cutter_release (IdentifaiSoundCutter * self);
/* Whether a segment is kept until more has come, and the number of it. */
gboolean identifai_sound_cutter_keeps (IdentifaiSoundCutter * self,
    guint * number);

/* The next one, or NULL; its owner is the caller. is_short: it is too short to be
 * judged. */
IdentifaiSegment *identifai_sound_cutter_pop (IdentifaiSoundCutter * self,
    gboolean * is_short);
/* All that isn't popped; what comes next starts anew. */
IdentifaiSegment *identifai_sound_cutter_pop_flushed (IdentifaiSoundCutter *
    self);

/* Since the start. */
void identifai_sound_cutter_get_times (IdentifaiSoundCutter * self,
    GstClockTime * seen, GstClockTime * covered);
void identifai_sound_cutter_reset (IdentifaiSoundCutter * self);

G_END_DECLS
