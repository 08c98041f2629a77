/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Segments end at key frames: when to ask upstream for one, and when to tell
 * people that none come. Times are running times in ns.
 */

#pragma once

#include <gst/gst.h>

#include "alarm.h"

G_BEGIN_DECLS

typedef struct
{
  const gchar *name;            /* of the element, for the log: the segmenter's */
  gboolean enabled;             /* requests */
  gboolean wanted;              /* and not asked for yet */
  GstClockTime when;            /* GST_CLOCK_TIME_NONE = as soon as possible */
  gboolean asked_late;          /* once a segment: overdue or nearly full */

  IdentifaiAlarm trouble;     /* none come */
  gint64 told_late;             /* ns: one was so late when people were told */
  gboolean has_news;            /* not told yet */
  gboolean missing;             /* the news: they are; they come again */
} IdentifaiKeyUnits;

void identifai_key_units_init (IdentifaiKeyUnits * self);

void identifai_key_units_ask (IdentifaiKeyUnits * self, GstClockTime when);
/* As soon as possible, once until _reset_late. */
void identifai_key_units_ask_late (IdentifaiKeyUnits * self);
void identifai_key_units_reset_late (IdentifaiKeyUnits * self);
/* TRUE once a wish. */
gboolean identifai_key_units_take_request (IdentifaiKeyUnits * self,
    GstClockTime * when);
/* Forgets the wish. */
void identifai_key_units_drop_request (IdentifaiKeyUnits * self);

/* By how much a key frame is late that should end or start a segment, and how
 * long one should be. TRUE: none is to be expected any more. */
gboolean identifai_key_units_wait (IdentifaiKeyUnits * self, gint64 late,
    gint64 duration);
/* A segment ended at a key frame that came so late. */
void identifai_key_units_come (IdentifaiKeyUnits * self, gint64 late,
    gint64 duration);
/* TRUE once a change, and each minute while they are missing. */
gboolean identifai_key_units_take_news (IdentifaiKeyUnits * self,
    gboolean * missing);

G_END_DECLS
