/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Stretches are taken under the outbox's lock while the segment is open; they are written,
 * and the file is completed, on a mux worker's thread. Times of frames are ns, signed;
 * those of tracks are moved by IDENTIFAI_TRACK_EPOCH.
 */

#include "earlyfile.h"

#include "codecs.h"
#include "framereader.h"
#include "log.h"
#include "mp4edit.h"
#include "mp4fragments.h"
#include "muxerchoice.h"
#include "muxpipeline.h"
#include "timestamps.h"
#include "videotrack.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

#define MUXER "mp4mux"
/* So much is written at a time, in ns: what is left at the end takes that long to be
 * sent, at worst. */
#define STRETCH (250 * (gint64) GST_MSECOND)

/* A frame that was taken. */
typedef struct
{
  gint64 pts, dts;
} Taken;

struct _IdentifaiEarlyFile
{
  gatomicrefcount refcount;
  gchar *name;
  guint number;
  guint64 max_bytes;
  IdentifaiGrowingFile *growing;
  gint broken;                  /* atomic */

  /* Of who takes, while the segment is open, and the worker writes what was taken; then
   * of the worker. */
  GArray *frames;               /* of Taken, of the video */
  guint n_tracks;               /* of the file; 0: it isn't begun */
  guint sounds[IDENTIFAI_MP4_MAX_TRACKS];       /* buffers taken, of the tracks */

  /* The worker's. */
  IdentifaiMp4Fragments fragments;
  IdentifaiFrameReader *reader; /* or NULL: frames need no headers */
};

struct _IdentifaiEarlyStretch
{
  IdentifaiEarlyFile *file;     /* a reference */
  IdentifaiSegment *segment;    /* with no more than its tracks */
  gboolean is_first, is_written;
  GstClockTime shown_from;      /* of the first one: when its first picture is shown */
  IdentifaiMp4Stretch places[IDENTIFAI_MP4_MAX_TRACKS];
  guint n_places;
};

IdentifaiEarlyFile *
identifai_early_file_new (const gchar * name, guint number, guint64 max_bytes)
{
  IdentifaiEarlyFile *self = g_new0 (IdentifaiEarlyFile, 1);

  g_atomic_ref_count_init (&self->refcount);
  self->name = g_strdup (name);
  self->number = number;
  self->max_bytes = max_bytes;
  self->growing = identifai_growing_file_new ();
  self->frames = g_array_new (FALSE, FALSE, sizeof (Taken));

  return self;
}

IdentifaiEarlyFile *
identifai_early_file_ref (IdentifaiEarlyFile * self)
{
  g_atomic_ref_count_inc (&self->refcount);

  return self;
}

void
identifai_early_file_unref (IdentifaiEarlyFile * self)
{
  if (!g_atomic_ref_count_dec (&self->refcount))
    return;
  identifai_growing_file_unref (self->growing);
  g_clear_pointer (&self->reader, identifai_frame_reader_free);
  g_array_unref (self->frames);
  g_free (self->name);
  g_free (self);
}

void
identifai_early_file_break (IdentifaiEarlyFile * self, const gchar * why)
{
  if (g_atomic_int_exchange (&self->broken, TRUE))
    return;
  GST_INFO_ID (self->name, "segment %u is not written early: %s", self->number,
      why);
}

gboolean
identifai_early_file_is_broken (IdentifaiEarlyFile * self)
{
  return g_atomic_int_get (&self->broken);
}

IdentifaiGrowingFile *
identifai_early_file_get_growing (IdentifaiEarlyFile * self)
{
  return self->growing;
}

/*** stretches ***/

static IdentifaiEarlyStretch *
stretch_new (IdentifaiEarlyFile * file)
{
  IdentifaiEarlyStretch *self = g_new0 (IdentifaiEarlyStretch, 1);

  self->file = identifai_early_file_ref (file);
  self->segment = identifai_segment_new (file->number);

  return self;
}

void
identifai_early_stretch_free (IdentifaiEarlyStretch * self)
{
  if (!self->is_written)
    identifai_early_file_break (self->file, "a stretch of it was left out");
  identifai_segment_free (self->segment);
  identifai_early_file_unref (self->file);
  g_free (self);
}

static const Taken *
first_taken (IdentifaiEarlyFile * self)
{
  return &g_array_index (self->frames, Taken, 0);
}

/* The next buffer that is added belongs to that track of the file. start: its decoding
 * time, in running time. */
static IdentifaiTrack *
add_track (IdentifaiEarlyStretch * self, guint track, GstCaps * caps,
    gint64 start)
{
  gint64 origin = first_taken (self->file)->dts;

  self->places[self->n_places++] = (IdentifaiMp4Stretch) {
  track, MAX (start - origin, 0)};

  return identifai_segment_add_track (self->segment, caps);
}

/* When the frame is decoded: as upstream says, or when it is shown. FALSE: that can't
 * be said before all frames are known, or is before the first one is. */
static gboolean
note_frame (IdentifaiEarlyFile * self, gint64 pts, gint64 dts)
{
  Taken taken = { pts, dts != IDENTIFAI_NO_TIME ? dts : pts };
  const Taken *last = self->frames->len == 0 ? NULL :
      &g_array_index (self->frames, Taken, self->frames->len - 1);

  if (taken.dts > pts || (last != NULL && taken.dts <= last->dts)) {
    identifai_early_file_break (self, "its frames have no decoding times that "
        "can be gone by");
    return FALSE;
  }
  if (pts < 0 || (last != NULL && pts < first_taken (self)->pts)) {
    identifai_early_file_break (self, "its first frame isn't the first shown");
    return FALSE;
  }
  g_array_append_val (self->frames, taken);

  return TRUE;
}

/* buffer: with its PTS, is the track's now; of the frame that was noted as the i-th. */
static void
add_picture (IdentifaiTrack * video, IdentifaiEarlyFile * self,
    GstBuffer * buffer, guint i)
{
  const Taken *taken = &g_array_index (self->frames, Taken, i);

  GST_BUFFER_DTS (buffer) = taken->dts + IDENTIFAI_TRACK_EPOCH;
  g_ptr_array_add (video->buffers, buffer);
}

/* The last picture lasts until the next one is decoded. */
static void
set_last_duration (IdentifaiTrack * video, gint64 next_dts)
{
  GstBuffer *last = g_ptr_array_index (video->buffers, video->buffers->len - 1);

  GST_BUFFER_DURATION (last) = next_dts + IDENTIFAI_TRACK_EPOCH
      - GST_BUFFER_DTS (last);
}

/* What is new of a track of sound. */
static void
take_sound (IdentifaiEarlyStretch * self, guint i, IdentifaiTrack * track)
{
  guint *taken = &self->file->sounds[i];
  IdentifaiTrack *sound;
  GstBuffer *first;

  if (*taken >= track->buffers->len)
    return;
  first = g_ptr_array_index (track->buffers, *taken);
  sound = add_track (self, i, track->caps,
      (gint64) GST_BUFFER_PTS (first) - (gint64) IDENTIFAI_TRACK_EPOCH);
  for (; *taken < track->buffers->len; *taken += 1)
    g_ptr_array_add (sound->buffers,
        gst_buffer_ref (g_ptr_array_index (track->buffers, *taken)));
}

/* Of the tracks that have something in them. */
static guint
count_tracks (GPtrArray * tracks)
{
  guint i, n = 0;

  for (i = 0; i < tracks->len; i++) {
    const IdentifaiTrack *track = g_ptr_array_index (tracks, i);

    n += i == 0 || track->buffers->len > 0;
  }

  return n;
}

/* Which codecs are sent early: those of which a stretch can be written by itself. */
static gboolean
is_fit (IdentifaiEarlyFile * self, GPtrArray * tracks)
{
  const IdentifaiTrack *video = g_ptr_array_index (tracks, 0);
  GstCaps *caps[IDENTIFAI_MP4_MAX_TRACKS];
  const IdentifaiCodec *codec;
  gboolean fit;
  guint i;

  codec = identifai_codec_of_caps (video->caps);
  fit = codec->id == IDENTIFAI_CODEC_H264 || codec->id == IDENTIFAI_CODEC_H265
      || codec->id == IDENTIFAI_CODEC_AV1;
  for (i = 0; fit && i < tracks->len; i++) {
    caps[i] = ((IdentifaiTrack *) g_ptr_array_index (tracks, i))->caps;
    codec = identifai_codec_of_caps (caps[i]);
    fit = i == 0 || codec->id == IDENTIFAI_CODEC_AAC
        || codec->id == IDENTIFAI_CODEC_MP3 || codec->id == IDENTIFAI_CODEC_OPUS
        || codec->id == IDENTIFAI_CODEC_AC3;
  }

  return fit
      && identifai_muxer_choose (self->name, MUXER, caps, tracks->len,
      NULL) != NULL;
}

/* FALSE: it is, or becomes, broken. */
static gboolean
check_tracks (IdentifaiEarlyFile * self, GPtrArray * tracks)
{
  guint n = count_tracks (tracks);

  if (tracks->len > IDENTIFAI_MP4_MAX_TRACKS)
    identifai_early_file_break (self, "it has too many tracks");
  if (identifai_early_file_is_broken (self))
    return FALSE;
  if (self->n_tracks == 0 && (n != tracks->len || !is_fit (self, tracks)))
    identifai_early_file_break (self, "its codecs can't be");
  else if (self->n_tracks != 0 && n != self->n_tracks)
    identifai_early_file_break (self,
        "sound came that its header doesn't have");
  else
    self->n_tracks = n;

  return !identifai_early_file_is_broken (self);
}

static gboolean
is_enough (IdentifaiEarlyFile * self, GPtrArray * frames)
{
  const IdentifaiFrame *next, *last;

  if (frames->len < self->frames->len + 2)
    return FALSE;
  next = g_ptr_array_index (frames, self->frames->len);
  last = g_ptr_array_index (frames, frames->len - 1);

  return last->pts - next->pts >= STRETCH;
}

IdentifaiEarlyStretch *
identifai_early_file_take (IdentifaiEarlyFile * self, GPtrArray * frames,
    GPtrArray * tracks)
{
  guint i, first = self->frames->len;
  const IdentifaiTrack *whole;
  IdentifaiEarlyStretch *stretch;
  IdentifaiTrack *video;

  if (!is_enough (self, frames) || !check_tracks (self, tracks))
    return NULL;
  /* The last one is noted, to see when it is decoded, and left for the next stretch. */
  for (i = first; i < frames->len; i++) {
    const IdentifaiFrame *frame = g_ptr_array_index (frames, i);

    if (!note_frame (self, frame->pts, frame->dts))
      return NULL;
  }
  stretch = stretch_new (self);
  stretch->is_first = first == 0;
  stretch->shown_from = first_taken (self)->pts - first_taken (self)->dts;
  whole = g_ptr_array_index (tracks, 0);
  video = add_track (stretch, 0, whole->caps,
      g_array_index (self->frames, Taken, first).dts);
  for (i = first; i + 1 < frames->len; i++)
    add_picture (video, self,
        identifai_video_track_copy (g_ptr_array_index (frames, i)), i);
  set_last_duration (video, g_array_index (self->frames, Taken, i).dts);
  g_array_set_size (self->frames, i);
  for (i = 1; i < tracks->len; i++)
    take_sound (stretch, i, g_ptr_array_index (tracks, i));
  GST_LOG_ID (self->name, "segment %u: frames %u to %u are written early",
      self->number, first, self->frames->len - 1);

  return stretch;
}

/*** writing ***/

/* A parser finds nothing in what has no headers: where frames bring them along, the
 * first one of a stretch gets them. */
static void
complete_headers (IdentifaiEarlyStretch * self)
{
  IdentifaiTrack *video = g_ptr_array_index (self->segment->tracks, 0);
  IdentifaiEarlyFile *file = self->file;
  IdentifaiFrameInfo info;
  guint i;

  if (file->reader == NULL)
    file->reader = identifai_frame_reader_new (file->name, video->caps);
  for (i = 0; i < video->buffers->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (video->buffers, i);

    identifai_frame_reader_read (file->reader, buffer, &info);
    if (i == 0 && !self->is_first)
      g_ptr_array_index (video->buffers, 0) =
          identifai_frame_reader_complete (file->reader, buffer, &info);
  }
}

/* av1parse reads nothing of frames whose key frame it hasn't seen. What is in whole
 * temporal units, as mp4mux wants them, needs it for the configuration only, which is
 * in the movie of the first stretch: so later ones get one that nobody reads. */
static void
pass_by_parser (IdentifaiEarlyStretch * self)
{
  static const guint8 configuration[] = { 0x81, 0, 0, 0 };
  IdentifaiTrack *video = g_ptr_array_index (self->segment->tracks, 0);
  GstBuffer *buffer;

  if (self->is_first
      || identifai_codec_of_caps (video->caps)->id != IDENTIFAI_CODEC_AV1
      || gst_structure_has_field (gst_caps_get_structure (video->caps, 0),
          "codec_data"))
    return;
  GST_LOG_ID (self->file->name,
      "segment %u: av1parse gets a configuration that nobody reads",
      self->file->number);
  buffer = gst_buffer_new_memdup (configuration, sizeof (configuration));
  video->caps = gst_caps_make_writable (video->caps);
  gst_caps_set_simple (video->caps, "codec_data", GST_TYPE_BUFFER, buffer,
      NULL);
  gst_buffer_unref (buffer);
}

/* The movie of all of it. */
static IdentifaiMemoryFile *
make_header (IdentifaiEarlyStretch * self, IdentifaiMemoryFile * file)
{
  IdentifaiTrack *video = g_ptr_array_index (self->segment->tracks, 0);
  const gchar *orientation = identifai_codec_get_orientation (video->caps);

  identifai_mp4_mend_lengths (self->file->name, file);
  if (orientation != NULL && !identifai_mp4_orient (self->file->name, file,
          orientation))
    return NULL;

  return identifai_mp4_fragments_begin (&self->file->fragments,
      self->file->name, file, self->shown_from);
}

/* FALSE: it isn't as expected. */
static gboolean
append_stretch (IdentifaiEarlyStretch * self, IdentifaiMemoryFile * made)
{
  IdentifaiEarlyFile *file = self->file;
  IdentifaiMemoryFile *header = NULL, *body = NULL;
  gboolean ok = !self->is_first || (header = make_header (self, made)) != NULL;

  if (ok)
    body = identifai_mp4_fragments_add (&file->fragments, made, self->places,
        self->n_places);
  if (body != NULL)
    GST_LOG_ID (file->name,
        "segment %u: %" G_GUINT64_FORMAT " bytes more, after %" G_GUINT64_FORMAT
        " of %" G_GUINT64_FORMAT, file->number,
        identifai_memory_file_get_size (body),
        identifai_growing_file_get_size (file->growing), file->max_bytes);
  ok = body != NULL && identifai_growing_file_get_size (file->growing)
      + identifai_memory_file_get_size (body) <= file->max_bytes
      && (header == NULL || identifai_growing_file_append (file->growing,
          header)) && identifai_growing_file_append (file->growing, body);
  g_clear_pointer (&header, identifai_memory_file_unref);
  g_clear_pointer (&body, identifai_memory_file_unref);

  return ok;
}

/* Breaks it if that fails. */
static void
write_stretch (IdentifaiEarlyStretch * self, GCancellable * cancellable)
{
  IdentifaiMemoryFile *made;
  GstCaps *caps = NULL;
  GError *error = NULL;
  guint i;

  self->is_written = TRUE;
  complete_headers (self);
  pass_by_parser (self);
  for (i = 0; i < self->segment->tracks->len; i++)
    identifai_timestamps_complete_durations (self->file->name,
        g_ptr_array_index (self->segment->tracks, i));
  made =
      identifai_mux_pipeline_run (self->file->name, self->file->number, MUXER,
      TRUE, self->segment->tracks, 0, self->file->max_bytes, cancellable, &caps,
      &error);
  if (made == NULL)
    identifai_early_file_break (self->file, error->message);
  else if (!append_stretch (self, made))
    identifai_early_file_break (self->file, "mp4mux wrote other fragments than "
        "expected, or they don't fit");
  g_clear_pointer (&made, identifai_memory_file_unref);
  gst_clear_caps (&caps);
  g_clear_error (&error);
}

void
identifai_early_stretch_write (IdentifaiEarlyStretch * self,
    GCancellable * cancellable)
{
  if (!identifai_early_file_is_broken (self->file))
    write_stretch (self, cancellable);
  identifai_early_stretch_free (self);
}

/*** the end ***/

/* Whether the segment begins with what was taken. */
static gboolean
has_taken (IdentifaiEarlyFile * self, IdentifaiSegment * segment)
{
  guint i;

  if (segment->pictures == NULL || self->frames->len == 0
      || segment->pictures->len <= self->frames->len
      || segment->tracks->len > IDENTIFAI_MP4_MAX_TRACKS) {
    GST_DEBUG_ID (self->name, "segment %u has %u pictures, and %u were written",
        self->number, segment->pictures != NULL ? segment->pictures->len : 0,
        self->frames->len);
    return FALSE;
  }
  for (i = 0; i < self->frames->len; i++) {
    const IdentifaiFrame *frame = g_ptr_array_index (segment->pictures, i);
    const Taken *taken = &g_array_index (self->frames, Taken, i);

    if (frame->pts != taken->pts || (frame->dts != taken->dts
            && frame->dts != IDENTIFAI_NO_TIME)) {
      GST_DEBUG_ID (self->name, "segment %u: frame %u was written with another "
          "time", self->number, i);
      return FALSE;
    }
  }
  for (i = 1; i < segment->tracks->len; i++) {
    const IdentifaiTrack *track = g_ptr_array_index (segment->tracks, i);

    if (track->buffers->len < self->sounds[i]) {
      GST_DEBUG_ID (self->name, "segment %u has %u buffers of sound %u, and %u "
          "were written", self->number, track->buffers->len, i,
          self->sounds[i]);
      return FALSE;
    }
  }

  return count_tracks (segment->tracks) == self->n_tracks;
}

/* The times of the rest; and whether a file that hides no picture says all of it: what
 * is shown last isn't the next segment's, and all is decoded in time. */
static gboolean
note_rest (IdentifaiEarlyFile * self, IdentifaiSegment * segment)
{
  gint64 last_shown = 0, shown, decoded;
  guint i;

  for (i = 0; i < segment->pictures->len; i++) {
    const IdentifaiFrame *frame = g_ptr_array_index (segment->pictures, i);

    last_shown = MAX (last_shown, frame->pts);
    if (i >= self->frames->len && !note_frame (self, frame->pts, frame->dts))
      return FALSE;
  }
  shown = last_shown - first_taken (self)->pts;
  decoded = g_array_index (self->frames, Taken, i - 1).dts
      - first_taken (self)->dts;

  return decoded >= shown && (!GST_CLOCK_TIME_IS_VALID (segment->duration)
      || segment->duration == 0 || shown < (gint64) segment->duration);
}

static void
take_rest (IdentifaiEarlyStretch * stretch, IdentifaiSegment * segment,
    guint first)
{
  IdentifaiTrack *whole = g_ptr_array_index (segment->tracks, 0), *video;
  guint i;

  video = add_track (stretch, 0, whole->caps,
      g_array_index (stretch->file->frames, Taken, first).dts);
  for (i = first; i < whole->buffers->len; i++)
    add_picture (video, stretch->file,
        gst_buffer_copy (g_ptr_array_index (whole->buffers, i)), i);
  for (i = 1; i < segment->tracks->len; i++)
    take_sound (stretch, i, g_ptr_array_index (segment->tracks, i));
}

static void
put_file (IdentifaiEarlyFile * self, IdentifaiSegment * segment)
{
  g_clear_pointer (&segment->tracks, g_ptr_array_unref);
  segment->file = identifai_memory_file_ref (identifai_growing_file_get_file
      (self->growing));
  segment->bytes = identifai_memory_file_get_size (segment->file);
  g_free (segment->content_type);
  segment->content_type = g_strdup ("video/mp4");
  segment->extension = "mp4";
  GST_DEBUG_ID (self->name, "segment %u was written early, in %u fragments",
      self->number, self->fragments.sequence);
}

gboolean
identifai_early_file_complete (IdentifaiEarlyFile * self,
    IdentifaiSegment * segment, GCancellable * cancellable)
{
  guint first = self->frames->len;
  IdentifaiEarlyStretch *stretch;

  if (identifai_early_file_is_broken (self))
    return FALSE;
  if (!has_taken (self, segment) || !note_rest (self, segment)) {
    identifai_early_file_break (self, "it is another one than it began as");
    return FALSE;
  }
  identifai_video_track_make (segment);
  stretch = stretch_new (self);
  take_rest (stretch, segment, first);
  write_stretch (stretch, cancellable);
  identifai_early_stretch_free (stretch);
  if (identifai_early_file_is_broken (self))
    return FALSE;
  put_file (self, segment);

  return TRUE;
}
