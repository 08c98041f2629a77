/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The muxer with frames of no content: containers don't look into them. What
 * players make of the files is tests/exact.py's to tell.
 */

#include "mp4edit.h"
#include "muxer.h"
#include "overhead.h"
#include "muxerchoice.h"
#include "timestamps.h"
#include "waste.h"

#include <gst/check/gstcheck.h>
#include <string.h>

#define FRAME (40 * GST_MSECOND)
#define PLENTY (50 * 1000 * 1000)

#define AVC "video/x-h264, stream-format = avc, alignment = au, width = 320, " \
    "height = 240, framerate = 25/1, " \
    "codec_data = (buffer) 0164001fffe1000467640bac01000368ee3c"
#define BYTE_STREAM "video/x-h264, stream-format = byte-stream, alignment = au"
#define HVC "video/x-h265, stream-format = hvc1, alignment = au, width = 320," \
    " height = 240, codec_data = (buffer) 0101600000009000000000005df000fcfd" \
    "f8f800000f03"
#define VP8 "video/x-vp8, width = 320, height = 240, framerate = 25/1"
#define VP9 "video/x-vp9, width = 320, height = 240"
#define AV1 "video/x-av1, stream-format = obu-stream, alignment = tu, " \
    "width = 320, height = 240, codec_data = (buffer) 81000c00"
#define MPEG2 "video/mpeg, mpegversion = 2, systemstream = false, " \
    "width = 320, height = 240"
#define MPEG4 "video/mpeg, mpegversion = 4, systemstream = false, " \
    "width = 320, height = 240, codec_data = (buffer) 00000120"
#define MPEG4_BARE "video/mpeg, mpegversion = 4, systemstream = false, " \
    "width = 320, height = 240"
#define HEX_10 "01020304050607080910"
#define MATRICES ", codec_data = (buffer) " HEX_10 HEX_10 HEX_10 HEX_10 \
    HEX_10 HEX_10 HEX_10 HEX_10 HEX_10 HEX_10 HEX_10 HEX_10 HEX_10
#define JPEG "image/jpeg, width = 320, height = 240, framerate = 25/1"
#define AAC "audio/mpeg, mpegversion = 4, stream-format = raw, framed = true, " \
    "channels = 2, rate = 48000, codec_data = (buffer) 1190"
#define ADTS "audio/mpeg, mpegversion = 4, stream-format = adts, " \
    "framed = true, channels = 2, rate = 48000"
#define MP3 "audio/mpeg, mpegversion = 1, layer = 3, parsed = true, " \
    "channels = 2, rate = 48000"
#define OPUS "audio/x-opus, channel-mapping-family = 0, channels = 2, " \
    "rate = 48000, streamheader = (buffer) < " \
    "4f707573486561640102380180bb0000000000 >"
#define VORBIS "audio/x-vorbis, channels = 2, rate = 48000"
#define AC3 "audio/x-ac3, framed = true, channels = 2, rate = 48000"
#define MP2 "audio/mpeg, mpegversion = 1, layer = 2, channels = 2, rate = 48000"
#define EAC3 "audio/x-eac3, channels = 2, rate = 48000"
#define DTS "audio/x-dts, framed = true, channels = 2, rate = 48000"
#define ALAC "audio/x-alac, channels = 2, rate = 48000, codec_data = " \
    "(buffer) 00000024616c6163"
#define PCM "audio/x-raw, format = S16LE, layout = interleaved, " \
    "channels = 2, rate = 48000"
#define ALAW "audio/x-alaw, channels = 1, rate = 8000"
#define AMR "audio/AMR, channels = 1, rate = 8000"
#define LOAS "audio/mpeg, mpegversion = 4, stream-format = raw, " \
    "framed = true, channels = 2, rate = 48000"
#define TRUEHD "audio/x-true-hd, channels = 2, rate = 48000"
#define FLAC "audio/x-flac, framed = true, channels = 2, rate = 48000"

/*** choosing ***/

typedef struct
{
  const gchar *muxer;
  const gchar *video;
  const gchar *audio;           /* or NULL */
  const gchar *expected;        /* NULL: an error */
  const gchar *text;            /* in the error */
} ChoiceRow;

static const ChoiceRow choice_rows[] = {
  {"auto", AVC, NULL, "mp4mux", NULL},
  {"auto", AVC, AAC, "mp4mux", NULL},
  {"auto", AVC, ADTS, "mp4mux", NULL},
  {"auto", AVC, MP3, "mp4mux", NULL},
  {"auto", AVC, AC3, "mp4mux", NULL},
  {"auto", AVC, OPUS, "mp4mux", NULL},
  {"auto", AVC, VORBIS, "matroskamux", NULL},
  {"auto", AVC, FLAC, "matroskamux", NULL},
  {"auto", AVC, MP2, "mp4mux", NULL},
  {"auto", AVC, EAC3, "matroskamux", NULL},
  {"auto", AVC, DTS, "matroskamux", NULL},
  {"auto", AVC, ALAC, "mp4mux", NULL},
  {"auto", AVC, PCM, "matroskamux", NULL},
  {"auto", AVC, ALAW, "matroskamux", NULL},
  {"auto", AVC, AMR, "qtmux", NULL},
  {"auto", AVC, LOAS, "mp4mux", NULL},
  {"auto", MPEG2, MP2, "mp4mux", NULL},
  {"auto", VP8, AMR, "qtmux", NULL},
  {"auto", AVC, TRUEHD, NULL, "matroskamux does not take audio/x-true-hd"},
  {"auto", BYTE_STREAM, AAC, "mp4mux", NULL},
  {"auto", HVC, AAC, "mp4mux", NULL},
  {"auto", AV1, OPUS, "mp4mux", NULL},
  {"auto", AV1, VORBIS, "webmmux", NULL},
  {"auto", VP8, NULL, "webmmux", NULL},
  {"auto", VP8, OPUS, "webmmux", NULL},
  {"auto", VP8, VORBIS, "webmmux", NULL},
  {"auto", VP8, AAC, "matroskamux", NULL},
  {"auto", VP9, OPUS, "webmmux", NULL},
  {"auto", VP9, AAC, "matroskamux", NULL},
  {"auto", MPEG2, MP3, "mp4mux", NULL},
  {"auto", MPEG2, FLAC, "matroskamux", NULL},
  {"qtmux", MPEG2, NULL, NULL, "qtmux does not take MPEG-1/2 video"},
  {"auto", MPEG4, MP3, "mp4mux", NULL},
  {"auto", MPEG4, VORBIS, "matroskamux", NULL},
  {"auto", JPEG, AC3, "matroskamux", NULL},
  {"matroskamux", AVC, AAC, "matroskamux", NULL},
  {"qtmux", JPEG, NULL, "qtmux", NULL},
  {"mp4mux", VP8, NULL, NULL, "mp4mux does not take VP8"},
  {"mp4mux", VP9, NULL, NULL, "VP9"},
  {"webmmux", AVC, NULL, NULL, "H.264"},
  {"mp4mux", AVC, VORBIS, NULL, "Vorbis"},
  {"nomux", AVC, NULL, NULL, "no element nomux"},
  {"identity", AVC, NULL, NULL, "identity is no muxer"},
  {"splitmuxsink", AVC, NULL, NULL, "splitmuxsink is no muxer"},
  {"auto", "video/x-theora, width = 320, height = 240", VORBIS, "matroskamux",
      NULL},
  {"auto", "video/x-vp6", NULL, NULL, "video/x-vp6"},
  {"auto", AVC, "audio/x-wma", NULL, "audio/x-wma"},
};

GST_START_TEST (test_choice)
{
  const ChoiceRow *row = &choice_rows[__i__];
  GstCaps *caps[2];
  GError *error = NULL;
  guint n = row->audio ? 2 : 1;
  const gchar *muxer;

  caps[0] = gst_caps_from_string (row->video);
  caps[1] = row->audio ? gst_caps_from_string (row->audio) : NULL;
  muxer = identifai_muxer_choose ("muxer", row->muxer, caps, n, &error);
  fail_unless (g_strcmp0 (muxer, row->expected) == 0, "%s + %s: %s, %s",
      row->video, row->audio, muxer, error ? error->message : "");
  fail_unless ((muxer == NULL) == (error != NULL));
  if (row->text)
    fail_unless (strstr (error->message, row->text) != NULL, "%s",
        error->message);
  g_clear_error (&error);
  gst_caps_unref (caps[0]);
  gst_clear_caps (&caps[1]);
}

GST_END_TEST;

/* The video goes in any case; of the sound, what some muxer takes beside it and
 * what came before. */
typedef struct
{
  const gchar *muxer;
  const gchar *caps[4];         /* the video first */
  const gchar *expected;        /* "+" goes along, "-" is left out */
} LeaveOutRow;

static const LeaveOutRow leave_out_rows[] = {
  {"auto", {AVC, AAC}, "+"},
  {"auto", {AVC, TRUEHD}, "-"},
  {"auto", {AVC, AAC, TRUEHD}, "+-"},
  {"auto", {AVC, TRUEHD, AAC}, "-+"},
  {"auto", {AVC, AAC, DTS, VORBIS}, "+++"},
  {"auto", {AVC, AMR, AAC}, "++"},
  {"auto", {AVC, AMR, DTS}, "+-"},
  {"auto", {AVC, DTS, AMR}, "+-"},
  {"mp4mux", {AVC, VORBIS, AAC}, "-+"},
  {"webmmux", {VP8, MP3, OPUS}, "-+"},
  {"auto", {"video/x-nothing", AAC}, "+"},
  {"nomux", {AVC, AAC}, "+"},
};

GST_START_TEST (test_leave_out)
{
  const LeaveOutRow *row = &leave_out_rows[__i__];
  gchar *obstacles[G_N_ELEMENTS (row->caps)];
  GstCaps *caps[G_N_ELEMENTS (row->caps)];
  guint n, i;

  for (n = 0; n < G_N_ELEMENTS (row->caps) && row->caps[n]; n++)
    caps[n] = gst_caps_from_string (row->caps[n]);
  identifai_muxer_leave_out ("muxer", row->muxer, caps, n, obstacles);
  fail_unless (obstacles[0] == NULL);
  for (i = 1; i < n; i++)
    fail_unless ((obstacles[i] != NULL) == (row->expected[i - 1] == '-'),
        "%s: %s", row->caps[i], obstacles[i]);
  for (i = 0; i < n; i++) {
    g_free (obstacles[i]);
    gst_caps_unref (caps[i]);
  }
}

GST_END_TEST;

/*** files ***/

static void
count_free (gpointer counter)
{
  g_atomic_int_add ((gint *) counter, -1);
}

typedef struct
{
  guint8 data[4096];
  gint alive;                   /* memories not freed */
} Payload;

static GstBuffer *
make_buffer (Payload * payload, gsize size, gint64 pts, GstClockTime duration)
{
  GstBuffer *buffer;

  g_atomic_int_inc (&payload->alive);
  buffer = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
      payload->data, sizeof (payload->data), 0, size, &payload->alive,
      count_free);
  GST_BUFFER_PTS (buffer) = pts + (gint64) IDENTIFAI_TRACK_EPOCH;
  GST_BUFFER_DURATION (buffer) = duration;

  return buffer;
}

static IdentifaiTrack *
add_track (IdentifaiSegment * segment, const gchar * text)
{
  GstCaps *caps = gst_caps_from_string (text);
  IdentifaiTrack *track = identifai_segment_add_track (segment, caps);

  gst_caps_unref (caps);

  return track;
}

/* n frames of video from running time start on, a key frame every ten; sound of
 * 20 ms as long, if audio isn't NULL. */
static IdentifaiSegment *
make_segment (Payload * payload, const gchar * video, const gchar * audio,
    guint n, gsize size, GstClockTime start)
{
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiTrack *track = add_track (segment, video);
  GstBuffer *buffer;
  guint i;

  segment->running_time = start;
  segment->duration = n * FRAME;
  for (i = 0; i < n; i++) {
    buffer = make_buffer (payload, size, start + i * FRAME, FRAME);
    if (i % 10)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    g_ptr_array_add (track->buffers, buffer);
  }
  if (audio == NULL)
    return segment;
  track = add_track (segment, audio);
  for (i = 0; i < 2 * n; i++)
    g_ptr_array_add (track->buffers,
        make_buffer (payload, 600, start + i * FRAME / 2, FRAME / 2));

  return segment;
}

/* Whether the bytes are somewhere in the file. */
static gboolean
contains_bytes (IdentifaiMemoryFile * file, const gchar * bytes, gsize length)
{
  gsize size = identifai_memory_file_get_size (file), i;
  gchar *data = g_malloc (size);
  gboolean found = FALSE;

  identifai_memory_file_read (file, 0, data, size);
  for (i = 0; i + length <= size && !found; i++)
    found = memcmp (data + i, bytes, length) == 0;
  g_free (data);

  return found;
}

static gboolean
contains (IdentifaiMemoryFile * file, const gchar * text)
{
  return contains_bytes (file, text, strlen (text));
}

/* Many memories are let go of on a thread of their own, and payload is on the stack. */
static void
free_segment (IdentifaiSegment * segment, Payload * payload)
{
  identifai_segment_free (segment);
  identifai_waste_wait ();
  fail_unless_equals_int (g_atomic_int_get (&payload->alive), 0);
}

typedef struct
{
  const gchar *video;
  const gchar *audio;
  const gchar *content_type;
  const gchar *extension;
  const gchar *inside;          /* the file */
} FileRow;

#define CUES "\x1c\x53\xbb\x6b"

static const FileRow file_rows[] = {
  {AVC, NULL, "video/mp4", "mp4", "moov"},
  {AVC, AAC, "video/mp4", "mp4", "mp4a"},
  {HVC, OPUS, "video/mp4", "mp4", "Opus"},
  {VP8, NULL, "video/webm", "webm", CUES},
  {VP8, OPUS, "video/webm", "webm", CUES},
  {JPEG, AAC, "video/x-matroska", "mkv", CUES},
  /* objectTypeIndication, streamType */
  {MPEG2, NULL, "video/mp4", "mp4", "\x61\x11"},
  {MPEG4, NULL, "video/mp4", "mp4", "\x20\x11"},
  /* DecoderSpecificInfo of more than 127 bytes: tag, length */
  {MPEG2 MATRICES, NULL, "video/mp4", "mp4", "\x05\x81\x02"},
  {MPEG4_BARE MATRICES, AAC, "video/mp4", "mp4", "\x05\x81\x02"},
};

GST_START_TEST (test_file)
{
  const FileRow *row = &file_rows[__i__];
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment;
  GError *error = NULL;
  guint64 held = 50 * 2000 + (row->audio ? 100 * 600 : 0);
  gint n_memories = row->audio ? 150 : 50;

  memset (payload.data, 0x55, sizeof (payload.data));
  segment = make_segment (&payload, row->video, row->audio, 50, 2000,
      77 * GST_SECOND);
  segment->bytes = held;
  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, &error),
      "%s: %s", row->video, error ? error->message : "");
  fail_unless_equals_string (segment->content_type, row->content_type);
  fail_unless_equals_string (segment->extension, row->extension);
  fail_unless (segment->tracks == NULL);
  fail_unless_equals_uint64 (segment->bytes,
      identifai_memory_file_get_size (segment->file));
  fail_unless (segment->bytes > held);
  fail_unless (segment->bytes <= held +
      identifai_container_overhead (2, n_memories, held));
  fail_unless (contains (segment->file, row->inside), "%s", row->inside);

  /* The file refers to the memories and has no copies of them. */
  fail_unless_equals_int (g_atomic_int_get (&payload.alive), n_memories);
  free_segment (segment, &payload);
}

GST_END_TEST;

/* Frames of no size are the worst case for what containers add. */
GST_START_TEST (test_overhead)
{
  static const gchar *const videos[] = { AVC, VP8, JPEG };
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment;
  guint64 bound;
  guint i;

  segment = make_segment (&payload, videos[__i__], OPUS, 1000, 1, 0);
  for (i = 0; i < 1000; i++) {  /* all key frames, no two distances equal */
    IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);

    GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    GST_BUFFER_PTS (buffer) += (i * i % 7) * GST_MSECOND;
  }
  bound = 1000 + 2000 * 600;
  bound += identifai_container_overhead (2, 3000, bound);
  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, NULL));
  fail_unless (segment->bytes <= bound,
      "%s: %" G_GUINT64_FORMAT " > %" G_GUINT64_FORMAT, videos[__i__],
      segment->bytes, bound);
  free_segment (segment, &payload);
}

GST_END_TEST;

/* Where each frame of no content can't be made a file: an error in time, never
 * a crash or a wait without end; the segment keeps its tracks. */
typedef struct
{
  const gchar *name;
  const gchar *muxer;
  const gchar *video;
  const gchar *audio;
  guint64 max_bytes;
  gboolean cancelled;
  gint code;                    /* of GIOErrorEnum */
} FailureRow;

static const FailureRow failure_rows[] = {
  {"too large for MP4", "auto", AVC, NULL, 60000, FALSE,
      G_IO_ERROR_MESSAGE_TOO_LARGE},
  {"too large for WebM", "auto", VP8, OPUS, 60000, FALSE,
      G_IO_ERROR_MESSAGE_TOO_LARGE},
  {"no room at all", "auto", AVC, NULL, 1, FALSE,
      G_IO_ERROR_MESSAGE_TOO_LARGE},
  {"cancelled", "auto", AVC, AAC, PLENTY, TRUE, G_IO_ERROR_CANCELLED},
  {"no such muxer", "nomux", AVC, NULL, PLENTY, FALSE,
      G_IO_ERROR_NOT_SUPPORTED},
  {"a muxer that takes no such stream", "mp4mux", VP8, NULL, PLENTY, FALSE,
      G_IO_ERROR_NOT_SUPPORTED},
  {"nothing a parser can parse", "auto", BYTE_STREAM, NULL, PLENTY, FALSE,
      G_IO_ERROR_FAILED},
};

GST_START_TEST (test_failure)
{
  const FailureRow *row = &failure_rows[__i__];
  GCancellable *cancellable = g_cancellable_new ();
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment;
  GError *error = NULL;

  segment = make_segment (&payload, row->video, row->audio, 50, 2000, 0);
  if (row->cancelled)
    g_cancellable_cancel (cancellable);
  fail_if (identifai_muxer_run (row->muxer, segment, row->max_bytes,
          cancellable, &error), "%s", row->name);
  fail_unless (g_error_matches (error, G_IO_ERROR, row->code), "%s: %s",
      row->name, error->message);
  fail_unless (segment->tracks != NULL && segment->file == NULL);
  fail_unless_equals_int (segment->failure, IDENTIFAI_REASON_NONE);
  g_clear_error (&error);
  free_segment (segment, &payload);
  g_object_unref (cancellable);
}

GST_END_TEST;

/* The parser's error and its end of stream come together: the pipeline is taken
 * down while the muxer begins its file, which is no reason for it to complain. */
GST_START_TEST (test_stopped_at_the_first_word)
{
  Payload payload = { {0,}, 0 };
  guint i;

  for (i = 0; i < 200; i++) {
    IdentifaiSegment *segment = make_segment (&payload, BYTE_STREAM, NULL, 5,
        200, 0);

    fail_if (identifai_muxer_run ("auto", segment, PLENTY, NULL, NULL));
    free_segment (segment, &payload);
  }
}

GST_END_TEST;

typedef struct
{
  GCancellable *cancellable;
  gint64 at;                    /* monotonic µs */
} Cancel;

static gpointer
cancel_later (gpointer data)
{
  Cancel *cancel = data;

  while (g_get_monotonic_time () < cancel->at);
  g_cancellable_cancel (cancel->cancellable);

  return NULL;
}

/* Those that people name in `muxer`, too, each with what it takes. */
static const struct
{
  const gchar *muxer;
  const gchar *video;
  const gchar *audio;
} cancel_rows[] = {
  {"mp4mux", AVC, AAC},
  {"qtmux", AVC, AAC},
  {"webmmux", VP8, OPUS},
  {"matroskamux", JPEG, AAC},
  {"flvmux", AVC, AAC},
  {"avimux", JPEG, NULL},
  {"mpegtsmux", MPEG2 ", parsed = true", NULL},
};

/* A tenth of a millisecond later each time: it takes some to make the file. */
#define CANCEL_ROUNDS 40
#define CANCEL_STEP 100         /* µs */

/* At any moment: the result is a file or a cancellation, with nothing left, and
 * nothing for the muxer to complain about. */
GST_START_TEST (test_cancel_meanwhile)
{
  const gchar *muxer = cancel_rows[__i__].muxer;
  guint i;

  for (i = 0; i < CANCEL_ROUNDS; i++) {
    Cancel cancel = { g_cancellable_new (),
      g_get_monotonic_time () + i * CANCEL_STEP
    };
    Payload payload = { {0,}, 0 };
    IdentifaiSegment *segment;
    GError *error = NULL;
    GThread *thread;

    segment = make_segment (&payload, cancel_rows[__i__].video,
        cancel_rows[__i__].audio, 100, 100, 0);
    thread = g_thread_new ("cancel", cancel_later, &cancel);
    if (identifai_muxer_run (muxer, segment, PLENTY, cancel.cancellable,
            &error))
      fail_unless (segment->file != NULL);
    else
      fail_unless (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED),
          "%s: %s", muxer, error->message);
    g_thread_join (thread);
    g_clear_error (&error);
    free_segment (segment, &payload);
    g_object_unref (cancel.cancellable);
  }
}

GST_END_TEST;

/* Frames of no content are no AC-3, which a parser says, and no codec that the
 * muxer knows: the file is made without them. */
GST_START_TEST (test_without_sound)
{
  static const gchar *const sounds[] = { "audio/x-ac3", TRUEHD };
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment;
  GError *error = NULL;

  segment = make_segment (&payload, AVC, sounds[__i__], 50, 100, 0);
  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, &error),
      "%s", error ? error->message : "");
  fail_unless_equals_uint64 (segment->audio_missing, 50 * FRAME);
  fail_unless (segment->audio_trouble != NULL);
  fail_unless_equals_string (segment->extension, "mp4");
  free_segment (segment, &payload);
}

GST_END_TEST;

/* Of 320x240 pictures; in 16.16, but for the last column. */
typedef struct
{
  const gchar *orientation;
  gint a, b, c, d, x, y;
} MatrixRow;

static const MatrixRow matrix_rows[] = {
  {"rotate-90", 0, 1, -1, 0, 240, 0},
  {"rotate-180", -1, 0, 0, -1, 320, 240},
  {"rotate-270", 0, -1, 1, 0, 0, 320},
  {"flip-rotate-0", -1, 0, 0, 1, 320, 0},
  {"flip-rotate-90", 0, -1, -1, 0, 240, 320},
  {"flip-rotate-180", 1, 0, 0, -1, 0, 240},
  {"flip-rotate-270", 0, 1, 1, 0, 0, 0},
};

GST_START_TEST (test_orientation)
{
  const MatrixRow *row = &matrix_rows[__i__ / 2];
  /* into MP4, and into QuickTime, rather than into Matroska, which can't say it */
  const gchar *audio = __i__ % 2 ? PCM : NULL;
  gchar *caps = g_strdup_printf (AVC ", identifai-image-orientation = "
      "(string) %s", row->orientation);
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = make_segment (&payload, caps, audio, 10, 100, 0);
  gint matrix[] = { row->a, row->b, 0, row->c, row->d, 0, row->x, row->y };
  GError *error = NULL;
  gchar bytes[32];
  guint i;

  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, &error),
      "%s", error ? error->message : "");
  fail_unless_equals_string (segment->extension, audio ? "mov" : "mp4");
  for (i = 0; i < 8; i++)
    GST_WRITE_UINT32_BE (bytes + 4 * i, (guint32) matrix[i] << 16);
  fail_unless (contains_bytes (segment->file, bytes, sizeof (bytes)), "%s",
      row->orientation);
  free_segment (segment, &payload);
  g_free (caps);
}

GST_END_TEST;

/* Matroska, which only newer muxers say it in. */
GST_START_TEST (test_orientation_lost)
{
  GstPluginFeature *muxer = gst_registry_lookup_feature (gst_registry_get (),
      "matroskamux");
  gboolean is_new = gst_plugin_feature_check_version (muxer, 1, 25, 0);
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = make_segment (&payload, AVC
      ", identifai-image-orientation = (string) rotate-90", NULL, 10, 100, 0);

  fail_unless (identifai_muxer_run ("matroskamux", segment, PLENTY, NULL,
          NULL));
  fail_unless_equals_string (segment->extension, "mkv");
  fail_unless_equals_string (segment->lost_orientation,
      is_new ? NULL : "rotate-90");
  free_segment (segment, &payload);
  gst_object_unref (muxer);
}

GST_END_TEST;

/* FFmpeg doesn't take Speex in simple blocks for what can be decoded alone. */
#define SPEEX "audio/x-speex, rate = 16000, channels = 1, streamheader = (buffer) <" \
    " 5370656578202020312e312e3132000000000000000000000000000001000000" \
    "50000000803e0000010000000400000001000000ffffffff5000000000000000" \
    "01000000000000000000000000000000, 0000 >"

GST_START_TEST (test_speex)
{
  /* DocTypeReadVersion: what says more of the pictures is of version 4 in 1.26 */
  static const guint8 version[] = { 0x42, 0x85, 0x81, 1 };
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = make_segment (&payload, AVC, SPEEX, 10, 100, 0);
  GError *error = NULL;

  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, &error),
      "%s", error ? error->message : "");
  fail_unless_equals_string (segment->extension, "mkv");
  fail_unless (segment->audio_trouble == NULL, "%s", segment->audio_trouble);
  fail_unless (contains_bytes (segment->file, (const gchar *) version,
          sizeof (version)));
  free_segment (segment, &payload);
}

GST_END_TEST;

/* A silent stream has a track without buffers. */
GST_START_TEST (test_empty_track)
{
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment;
  GError *error = NULL;

  segment = make_segment (&payload, AVC, NULL, 10, 100, 0);
  add_track (segment, VORBIS);
  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, &error),
      "%s", error ? error->message : "");
  fail_unless_equals_string (segment->extension, "mkv");
  free_segment (segment, &payload);
}

GST_END_TEST;

/*** times ***/

/* Places shown, in decoding order; DTS given or not; DTS expected. In frames. */
typedef struct
{
  const gchar *name;
  gint pts[6];
  gint dts[6];                  /* -9: none */
  gint expected[6];
} TimesRow;

static const TimesRow times_rows[] = {
  {"in order", {0, 1, 2, 3, 4, 5}, {-9, -9, -9, -9, -9, -9},
      {0, 1, 2, 3, 4, 5}},
  {"B pictures without DTS", {0, 3, 1, 2, 5, 4}, {-9, -9, -9, -9, -9, -9},
      {-1, 0, 1, 2, 3, 4}},
  {"a pyramid without DTS", {0, 4, 2, 1, 3, 5}, {-9, -9, -9, -9, -9, -9},
      {-2, -1, 0, 1, 2, 3}},
  {"DTS given", {0, 3, 1, 2, 5, 4}, {-2, -1, 0, 1, 2, 3},
      {-2, -1, 0, 1, 2, 3}},
  {"DTS where it isn't the PTS", {1, 4, 2, 3, 6, 5}, {0, 1, -9, -9, 4, -9},
      {0, 1, 2, 3, 4, 5}},
  {"DTS that falls", {0, 1, 2, 3, 4, 5}, {0, 3, 2, 3, 4, 5},
      {0, 1, 2, 3, 4, 5}},
  {"DTS after PTS", {1, 0, 2, 3, 4, 5}, {1, 1, 2, 3, 4, 5},
      {-1, 0, 1, 2, 3, 4}},
  {"DTS of a stream that is reordered elsewhere", {2, 3, 4, 5, 6, 7},
      {0, 1, 2, 3, 4, 5}, {2, 3, 4, 5, 6, 7}},
  {"DTS that stays", {1, 2, 3, 4, 5, 6}, {0, 1, 1, 3, 4, 5},
      {1, 2, 3, 4, 5, 6}},
};

GST_START_TEST (test_dts)
{
  const TimesRow *row = &times_rows[__i__];
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiTrack *track = add_track (segment, AVC);
  gint64 epoch = IDENTIFAI_TRACK_EPOCH, frame = FRAME;
  guint i;

  for (i = 0; i < 6; i++) {
    GstBuffer *buffer = make_buffer (&payload, 1, row->pts[i] * frame,
        GST_CLOCK_TIME_NONE);

    if (row->dts[i] != -9)
      GST_BUFFER_DTS (buffer) = epoch + row->dts[i] * frame;
    g_ptr_array_add (track->buffers, buffer);
  }
  identifai_timestamps_complete_dts (NULL, track);
  identifai_timestamps_complete_durations (NULL, track);
  for (i = 0; i < 6; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->buffers, i);

    fail_unless (GST_BUFFER_DTS (buffer) ==
        (guint64) (epoch + row->expected[i] * frame), "%s: frame %u",
        row->name, i);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), FRAME);
  }
  free_segment (segment, &payload);
}

GST_END_TEST;

/*** edit lists ***/

/* A number at so many bytes in the first box of that type. */
static guint32
read_box (IdentifaiMemoryFile * file, const gchar * type, guint at)
{
  gsize size = identifai_memory_file_get_size (file), i;
  guint8 *data = g_malloc (size);
  guint32 value = 0;

  identifai_memory_file_read (file, 0, data, size);
  for (i = 0; i + 8 + at <= size; i++) {
    if (memcmp (data + i, type, 4) == 0) {
      memcpy (&value, data + i + 4 + at, sizeof (value));
      value = GUINT32_FROM_BE (value);
      break;
    }
  }
  g_free (data);

  return value;
}

/* Leading pictures of a closed point (RADL) are shown; the last picture is not
 * if it is the next segment's. Decoding order 2 0 1 3 4 5, of which 5 is. */
typedef struct
{
  const gchar *name;
  gint places[6];               /* in decoding order, in frames */
  guint shown;                  /* so many */
  guint start;                  /* in the media: with the first one's delay */
} EditRow;

static const EditRow edit_rows[] = {
  {"leading ones, and the next one's key frame", {2, 0, 1, 3, 4, 5}, 5, 1},
  {"decoding starts before 0", {-3, -2, -1, 0, 1, 2}, 3, 3},
  {"before 0, reordered", {-2, 0, -1, 3, 1, 2}, 4, 3},
  {"leading ones before 0", {0, -2, -1, 1, 2, 3}, 6, 1},
  {"nothing but before 0", {-6, -5, -4, -3, -2, -1}, 6, 0},
};

GST_START_TEST (test_edit_list)
{
  const EditRow *row = &edit_rows[__i__];
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = identifai_segment_new (0);
  IdentifaiTrack *track = add_track (segment, AVC);
  guint32 movie_scale, media_scale, shown, start;
  gint64 frame = FRAME;
  guint i;

  segment->running_time = 0;
  segment->duration = row->shown * FRAME;
  for (i = 0; i < 6; i++)
    g_ptr_array_add (track->buffers,
        make_buffer (&payload, 100, row->places[i] * frame, FRAME));
  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, NULL));
  shown = read_box (segment->file, "elst", 8);
  start = read_box (segment->file, "elst", 12);
  movie_scale = read_box (segment->file, "mvhd", 12);
  media_scale = read_box (segment->file, "mdhd", 12);
  fail_unless (shown <= movie_scale * row->shown / 25
      && shown >= movie_scale * row->shown / 25 - 2, "%s: %u", row->name,
      shown);
  fail_unless (start == media_scale * row->start / 25, "%s: %u", row->name,
      start);
  free_segment (segment, &payload);
}

GST_END_TEST;

/* Of rates that are a mere average, and of those that are one. */
typedef struct
{
  const gchar *rate;
  guint32 expected;             /* units a second */
} ScaleRow;

static const ScaleRow scale_rows[] = {
  {", framerate = 25/1", 90000},
  {", framerate = 1/1", 90000},
  {", framerate = 199/100", 90147},
  {", framerate = 24000/1001", 96000},
  {", framerate = 120000/1001", 120000},
  {", framerate = 1000000/33333", 90000},
  {", framerate = 0/1", 90000},
  {"", 90000},
};

GST_START_TEST (test_timescale)
{
  const ScaleRow *row = &scale_rows[__i__];
  gchar *caps = g_strconcat (MPEG4, row->rate, NULL);
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = make_segment (&payload, caps, NULL, 20, 50, 0);

  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, NULL));
  fail_unless (read_box (segment->file, "mdhd", 12) == row->expected, "%s",
      caps);
  free_segment (segment, &payload);
  g_free (caps);
}

GST_END_TEST;

/* Anything else than a movie is left alone. */
GST_START_TEST (test_edit_noise)
{
  GRand *random = g_rand_new_with_seed (__i__);
  Payload payload = { {0,}, 0 };
  IdentifaiSegment *segment = make_segment (&payload, AVC, AAC, 20, 50, 0);
  IdentifaiMemoryFile *noise = identifai_memory_file_new ();
  GstBuffer *buffer;
  guint8 *data;
  gsize size;
  guint i;

  fail_unless (identifai_muxer_run ("auto", segment, PLENTY, NULL, NULL));
  size = identifai_memory_file_get_size (segment->file);
  data = g_malloc (size);
  identifai_memory_file_read (segment->file, 0, data, size);
  for (i = 0; i < 40; i++)
    data[size - 1 - g_rand_int_range (random, 0, 1400)] = g_rand_int (random);
  buffer = gst_buffer_new_wrapped (data, size);
  identifai_memory_file_write (noise, buffer);
  identifai_mp4_edit (NULL, noise, FRAME, 10 * FRAME);
  identifai_mp4_mend_lengths (NULL, noise);
  fail_unless_equals_uint64 (identifai_memory_file_get_size (noise), size);

  gst_buffer_unref (buffer);
  identifai_memory_file_unref (noise);
  free_segment (segment, &payload);
  g_rand_free (random);
}

GST_END_TEST;

static Suite *
muxer_suite (void)
{
  Suite *suite = suite_create ("muxer");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_choice, 0, G_N_ELEMENTS (choice_rows));
  tcase_add_loop_test (tc, test_leave_out, 0, G_N_ELEMENTS (leave_out_rows));
  tcase_add_loop_test (tc, test_without_sound, 0, 2);
  tcase_add_test (tc, test_orientation_lost);
  tcase_add_test (tc, test_speex);
  tcase_add_loop_test (tc, test_orientation, 0, 2 * G_N_ELEMENTS (matrix_rows));
  tcase_add_loop_test (tc, test_file, 0, G_N_ELEMENTS (file_rows));
  tcase_add_loop_test (tc, test_overhead, 0, 3);
  tcase_add_loop_test (tc, test_failure, 0, G_N_ELEMENTS (failure_rows));
  tcase_add_test (tc, test_stopped_at_the_first_word);
  tcase_add_loop_test (tc, test_cancel_meanwhile, 0,
      G_N_ELEMENTS (cancel_rows));
  tcase_add_test (tc, test_empty_track);
  tcase_add_loop_test (tc, test_dts, 0, G_N_ELEMENTS (times_rows));
  tcase_add_loop_test (tc, test_edit_list, 0, G_N_ELEMENTS (edit_rows));
  tcase_add_loop_test (tc, test_timescale, 0, G_N_ELEMENTS (scale_rows));
  tcase_add_loop_test (tc, test_edit_noise, 0, 50);

  return suite;
}

GST_CHECK_MAIN (muxer);
