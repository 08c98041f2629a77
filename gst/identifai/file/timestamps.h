/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Timestamps that a stream doesn't have but a muxer needs. name: the element's, for
 * the log.
 */

#pragma once

#include "segment.h"

G_BEGIN_DECLS

/* When the first and the last picture of the track are shown; track times. */
GstClockTime identifai_timestamps_first_shown (IdentifaiTrack * track);
GstClockTime identifai_timestamps_last_shown (IdentifaiTrack * track);
/* Running time 0 if decoding starts before it, as identifai_builder_shown_from(). */
GstClockTime identifai_timestamps_shown_from (IdentifaiTrack * track);

/* Gives every buffer of a track, all of which have a PTS, a duration. Muxers
 * take the last one for 0 long otherwise, and players leave it out. */
void identifai_timestamps_complete_durations (const gchar * name,
    IdentifaiTrack * track);

/* A parser counts durations by the frame rate, guesses decoding times, and lets a
 * PTS count once only: gives the buffers that come out of it their times back, but
 * for a nanosecond where two have one PTS. */
void identifai_timestamps_keep (const gchar * name, IdentifaiTrack * track,
    GstElement * parser);

/* last: the source pad that feeds that video track into a muxer. mp4mux counts in a hundredth of a
 * frame by the caps' rate, which is 10 ms of a stream that has one a second. */
void identifai_timestamps_keep_precise (IdentifaiTrack * track, GstPad * last);

/* Gives every buffer of a video track, all of which have a PTS, a DTS that
 * rises where the PTS differ and is never after its PTS. */
void identifai_timestamps_complete_dts (const gchar * name,
    IdentifaiTrack * track);

G_END_DECLS
