/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Sound on request pads: it never holds up the video, whatever it does, and the
 * threads that feed both pads never wait for themselves.
 */

#include "scene.h"

#include <string.h>

#define GOP SCENE_GOP
#define FRAMES SCENE_FRAMES     /* 2 s of video */
#define SEGMENTS (FRAMES / GOP)
#define SOUND 86                /* frames, about as long */

#define SINK SCENE_SINK "segment-duration=200000000 "

static const FaultStep slow[] = {
  {FAULT_POST, 0, FAULT_ANSWER,.delay = 20},
};

static const FaultStep silent[] = {
  {FAULT_POST, 0, FAULT_SILENT},
};

static Clip *sound;

static void
setup (void)
{
  sound = clip_new_aac (SOUND);
}

static void
teardown (void)
{
  clip_free (sound);
}

/* Of sound, ns in all segments. */
static guint64
count_missing (SinkRun * run)
{
  guint64 sum = 0, missing;
  guint i;

  for (i = 0; i < sink_run_count (run, "identifai-segment"); i++) {
    fail_unless (gst_structure_get_uint64 (sink_run_get_structure (run,
                "identifai-segment", i), "audio-missing", &missing));
    sum += missing;
  }

  return sum;
}

/* What the sound does while the video goes its way. */

typedef enum
{
  SOUND_NOT_LINKED,             /* only requested */
  SOUND_NO_CAPS,
  SOUND_NOTHING,                /* caps, and that was it */
  SOUND_EOS_ONLY,
  SOUND_GAPS,
  SOUND_FIRST,                  /* all of it before the video */
  SOUND_LAST,                   /* all of it when the video has come */
  SOUND_ENDS_EARLY,
  SOUND_STARTS_LATE,
  SOUND_SPARSE,                 /* each tenth frame */
  SOUND_RELEASED,               /* the pad goes away in the middle */
  SOUND_FLUSHED,                /* in the middle */
  SOUND_N_BEHAVIOURS
} Behaviour;

static void
push_gap (Feed * feed, GstClockTime start, GstClockTime duration)
{
  fail_unless (feed_event (feed, gst_event_new_gap (start, duration)));
}

/* The sound that comes along with the i-th part of the video. */
static void
make_sound (Behaviour behaviour, Feed ** feed, guint i)
{
  guint from = i * SOUND / SEGMENTS, to = (i + 1) * SOUND / SEGMENTS, k;
  GstClockTime start = i * 200 * GST_MSECOND;

  switch (behaviour) {
    case SOUND_GAPS:
      push_gap (*feed, start, 200 * GST_MSECOND);
      break;
    case SOUND_ENDS_EARLY:
      if (i < SEGMENTS / 2)
        feed_push (*feed, sound, from, to, 0);
      else if (i == SEGMENTS / 2)
        feed_event (*feed, gst_event_new_eos ());
      break;
    case SOUND_STARTS_LATE:
      if (i >= SEGMENTS / 2)
        feed_push (*feed, sound, from, to, 0);
      break;
    case SOUND_SPARSE:
      for (k = from; k < to; k += 10)
        feed_push (*feed, sound, k, k + 1, 0);
      break;
    case SOUND_RELEASED:
      if (i < SEGMENTS / 2)
        feed_push (*feed, sound, from, to, 0);
      else if (i == SEGMENTS / 2)
        g_clear_pointer (feed, feed_free);
      break;
    case SOUND_FLUSHED:
      feed_push (*feed, sound, from, to, 0);
      if (i == SEGMENTS / 2)
        feed_flush (*feed, NULL);
      break;
    default:
      break;
  }
}

static Feed *
start_sound (Behaviour behaviour, SinkRun * run)
{
  Feed *feed = NULL;
  GstPad *pad;

  if (behaviour == SOUND_NOT_LINKED) {
    pad = gst_element_request_pad_simple (sink_run_get_sink (run), "audio_%u");
    fail_unless_equals_string (GST_PAD_NAME (pad), "audio_0");
    gst_object_unref (pad);
    return NULL;
  }
  feed = feed_new (run, "audio_%u",
      behaviour == SOUND_NO_CAPS ? NULL : sound->caps, NULL, FALSE);
  if (behaviour == SOUND_EOS_ONLY)
    fail_unless (feed_event (feed, gst_event_new_eos ()));
  if (behaviour == SOUND_FIRST)
    fail_unless_equals_int (feed_push (feed, sound, 0, SOUND, 0), GST_FLOW_OK);

  return feed;
}

/* One thread feeds both pads: what waited for the other pad would never end. */
GST_START_TEST (test_behaviours)
{
  Feed *video, *feed;
  guint i, warnings, may_lack;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = start_sound (__i__, scene.run);

  for (i = 0; i < SEGMENTS; i++) {
    make_sound (__i__, &feed, i);
    fail_unless_equals_int (feed_push (video, scene.clip, i * GOP,
            (i + 1) * GOP, 0), GST_FLOW_OK);
  }
  if (__i__ == SOUND_LAST)
    feed_push (feed, sound, 0, SOUND, 0);
  fail_unless (feed_event (video, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));

  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"),
      SEGMENTS);
  fail_unless_equals_int (feed_decode (scene.server, SEGMENTS, "v"), FRAMES);
  /* Where sound was promised, or stopped without a word, files may lack some, which
   * is counted; that it is late is known only if it comes after all. */
  warnings = sink_run_count (scene.run, "warning");
  may_lack = __i__ == SOUND_NOTHING || __i__ == SOUND_SPARSE;
  fail_unless (warnings <= may_lack, "%u warnings", warnings);
  fail_unless (may_lack || count_missing (scene.run) == 0);
  fail_unless (warnings == 0 || count_missing (scene.run) > 0);
  if (__i__ == SOUND_FIRST || __i__ == SOUND_LAST)
    fail_unless (feed_decode (scene.server, SEGMENTS, "a") >= SOUND - 2);

  feed_free (video);
  if (feed != NULL)
    feed_free (feed);
  scene_clear (&scene);
}

GST_END_TEST;

/* In step: all of the sound is in the files, once. */
GST_START_TEST (test_in_step)
{
  gboolean audio_first = __i__;
  Feed *video, *feed;
  Scene scene;
  guint i, from, to, frames;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = feed_new (scene.run, "audio_7", sound->caps, NULL, FALSE);
  for (i = 0; i < SEGMENTS; i++) {
    from = i * SOUND / SEGMENTS;
    to = (i + 1) * SOUND / SEGMENTS;
    if (audio_first)
      feed_push (feed, sound, from, to, 0);
    fail_unless_equals_int (feed_push (video, scene.clip, i * GOP,
            (i + 1) * GOP, 0), GST_FLOW_OK);
    if (!audio_first)
      feed_push (feed, sound, from, to, 0);
  }
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless (feed_event (video, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));

  fail_unless_equals_int (feed_decode (scene.server, SEGMENTS, "v"), FRAMES);
  /* The last ones may begin after the video's end. */
  frames = feed_decode (scene.server, SEGMENTS, "a");
  fail_unless (frames <= SOUND && frames >= SOUND - 2, "%u frames", frames);

  feed_free (video);
  feed_free (feed);
  scene_clear (&scene);
}

GST_END_TEST;

/* Sound of another thread, that comes when the video has long been there. */

typedef struct
{
  const gchar *options;
  gboolean live;
  gboolean complete;
} LateRow;

static const LateRow late_rows[] = {
  {"overflow=block", FALSE, TRUE},
  /* the video waits for the sound, as long as some comes */
  {"overflow=block max-pending-bytes=2000", FALSE, TRUE},
  {"overflow=drop-newest", FALSE, TRUE},
  /* no room to wait for it */
  {"overflow=drop-newest max-pending-bytes=1", FALSE, FALSE},
  /* the clock and the latency say when it is due */
  {"overflow=drop-newest", TRUE, FALSE},
};

/* Only where the sound comes for sure does all of the video come. */
#define ROUNDS 3

/* Returns how much sound is missing, in ns. */
static guint64
run_late (const LateRow * row, guint * warnings)
{
  gchar *launch = g_strconcat (SINK "max-pending-segments=100 ", row->options,
      NULL);
  Feed *video, *feed;
  guint64 missing;
  Scene scene;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, row->live);
  feed = feed_new (scene.run, "audio_0", sound->caps, NULL, row->live);
  feed_push (feed, sound, 0, 1, 0);
  feed_start (video, scene.clip, 0, FRAMES, TRUE);
  if (!row->complete)
    sink_run_wait (scene.run, "identifai-segment", 1);
  fail_unless_equals_int (feed_push (feed, sound, 1, SOUND, 0), GST_FLOW_OK);
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless_equals_int (feed_join (video), GST_FLOW_OK);
  fail_unless (sink_run_wait_end (scene.run));
  missing = count_missing (scene.run);
  *warnings = sink_run_count (scene.run, "warning");
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"),
      SEGMENTS);

  feed_free (video);
  feed_free (feed);
  g_free (launch);
  scene_clear (&scene);

  return missing;
}

GST_START_TEST (test_late)
{
  const LateRow *row = &late_rows[__i__];
  guint64 missing = 1;
  guint warnings, i;

  /* half a second without a turn for this thread is no sound, either */
  for (i = 0; i < ROUNDS && missing > 0; i++) {
    missing = run_late (row, &warnings);
    fail_unless (row->complete || (missing > 0 && warnings >= 1));
    if (!row->complete)
      return;
  }
  fail_unless_equals_uint64 (missing, 0);
  fail_unless_equals_int (warnings, 0);
}

GST_END_TEST;

/* What finds no room is handed on when there is some, without more input. */
GST_START_TEST (test_room)
{
  Feed *video, *feed;
  Scene scene;

  scene_init (&scene, slow, G_N_ELEMENTS (slow),
      SINK "overflow=block max-pending-segments=1");
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = feed_new (scene.run, "audio_0", sound->caps, NULL, FALSE);
  fail_unless_equals_int (feed_push (video, scene.clip, 0, 3 * GOP + 2, 0),
      GST_FLOW_OK);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), 0);
  fail_unless_equals_int (feed_push (feed, sound, 0, 30, 0), GST_FLOW_OK);
  sink_run_wait (scene.run, "identifai-verdict", 3);
  sink_run_stop (scene.run);

  feed_free (video);
  feed_free (feed);
  scene_clear (&scene);
}

GST_END_TEST;

/* The timer for late sound runs on a thread that the whole process shares, so no
 * message handler may. */

typedef struct
{
  GThread *timers;
  gint on_timers;               /* atomic: messages posted there */
} Posters;

static gboolean
remember_thread (GstClock * clock, GstClockTime time, GstClockID id,
    gpointer user_data)
{
  g_atomic_pointer_set (&((Posters *) user_data)->timers, g_thread_self ());

  return TRUE;
}

static void
find_timers (Posters * posters)
{
  GstClock *clock = gst_system_clock_obtain ();
  GstClockID id = gst_clock_new_single_shot_id (clock,
      gst_clock_get_time (clock));
  gint64 until = g_get_monotonic_time () + SINK_PATIENCE;

  gst_clock_id_wait_async (id, remember_thread, posters, NULL);
  while (g_atomic_pointer_get (&posters->timers) == NULL) {
    fail_unless (g_get_monotonic_time () < until);
    g_usleep (1000);
  }
  gst_clock_id_unref (id);
  gst_object_unref (clock);
}

static void
on_posted (SinkRun * run, GstMessage * message, const gchar * name,
    gpointer user_data)
{
  Posters *posters = user_data;

  if (g_thread_self () == posters->timers)
    g_atomic_int_inc (&posters->on_timers);
}

GST_START_TEST (test_timer_runs_no_handler)
{
  Posters posters = { NULL, };
  Feed *video, *feed;
  Scene scene;

  find_timers (&posters);
  scene_init (&scene, silent, G_N_ELEMENTS (silent),
      SINK "overflow=drop-newest max-pending-segments=1 drain-timeout=0");
  sink_run_set_func (scene.run, on_posted, &posters);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, TRUE);
  feed = feed_new (scene.run, "audio_0", sound->caps, NULL, TRUE);
  fail_unless_equals_int (feed_push (video, scene.clip, 0, FRAMES, 0),
      GST_FLOW_OK);
  sink_run_wait (scene.run, "identifai-dropped", SEGMENTS - 2);
  fail_unless_equals_int (g_atomic_int_get (&posters.on_timers), 0);

  feed_free (video);
  feed_free (feed);
  scene_clear (&scene);
}

GST_END_TEST;

/* While the video is held, sound that runs far ahead waits, too; it is let go of
 * by whatever ends the wait. */

typedef enum
{
  LET_GO_STOP,
  LET_GO_RELEASE,
  LET_GO_FLUSH,
  LET_GO_VIDEO,                 /* the video goes on */
  LET_GO_N_WAYS
} LetGo;

static void
let_go (LetGo way, Scene * scene, Feed * feed)
{
  GstPad *peer;

  switch (way) {
    case LET_GO_STOP:
      sink_run_stop (scene->run);
      break;
    case LET_GO_RELEASE:
      peer = gst_pad_get_peer (feed->pad);
      gst_element_release_request_pad (sink_run_get_sink (scene->run), peer);
      gst_object_unref (peer);
      break;
    case LET_GO_FLUSH:
      fail_unless (feed_event (feed, gst_event_new_flush_start ()));
      break;
    case LET_GO_VIDEO:
    case LET_GO_N_WAYS:
      break;
  }
}

/* The video waits in preroll, as long as the pipeline is paused. */
GST_START_TEST (test_sound_far_ahead)
{
  GstElement *pipeline;
  Clip *long_sound = clip_new_aac (200);        /* 4.6 s */
  Feed *video, *feed;
  GstFlowReturn flow;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  pipeline = sink_run_get_pipeline (scene.run);
  fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_PAUSED),
      GST_STATE_CHANGE_ASYNC);
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = feed_new (scene.run, "audio_%u", long_sound->caps, NULL, FALSE);
  feed_start (video, scene.clip, 0, FRAMES, TRUE);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          40 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  feed_start (feed, long_sound, 0, 200, TRUE);
  /* A second of it is always let in. */
  feed_wait (feed, 43);
  if (__i__ == LET_GO_VIDEO) {
    fail_unless (sink_run_start (scene.run));
    fail_unless_equals_int (feed_join (feed), GST_FLOW_OK);
    fail_unless_equals_int (feed_join (video), GST_FLOW_OK);
    fail_unless (sink_run_wait_end (scene.run));
  } else {
    sink_let_pass (100);
    fail_if (feed_is_done (feed));
    let_go (__i__, &scene, feed);
    flow = feed_join (feed);
    fail_unless (flow == GST_FLOW_FLUSHING || flow == GST_FLOW_NOT_LINKED,
        "%s", gst_flow_get_name (flow));
    sink_run_stop (scene.run);
    feed_join (video);
  }

  feed_free (video);
  feed_free (feed);
  clip_free (long_sound);
  scene_clear (&scene);
}

GST_END_TEST;

/* Files through one demuxer thread, without queues. */

static const gchar *const links[] = {
  "d.video_0 ! h264parse ! sink.sink d.audio_0 ! sink.audio_0",
  "d.audio_0 ! sink.audio_0 d.video_0 ! h264parse ! sink.sink",
  "d.video_0 ! h264parse ! sink.sink d.audio_0 ! queue ! sink.audio_0",
  "d.video_0 ! queue ! h264parse ! sink.sink d.audio_0 ! queue ! sink.audio_0",
};

/* The sound is interleaved late: 0.5 s after the video of its time; or fine. */
static const gchar *const muxers[] = {
  "qtmux interleave-time=500000000", "qtmux", "matroskamux"
};

static gchar *
make_clip (const gchar * folder, const gchar * muxer)
{
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=100 ! "
      "video/x-raw,width=64,height=48,framerate=25/1 ! x264enc bframes=0 "
      "key-int-max=5 option-string=scenecut=0 threads=1 ! h264parse ! "
      "%s name=m audiotestsrc num-buffers=172 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=44100,channels=1 ! avenc_aac ! aacparse ! m. m.",
      muxer);
  gchar *path = sink_make_file (folder, "clip", launch);

  g_free (launch);

  return path;
}

GST_START_TEST (test_one_thread)
{
  const gchar *muxer = muxers[__i__ / G_N_ELEMENTS (links)];
  gchar *folder = sink_folder_new ();
  gchar *path = make_clip (folder, muxer);
  gchar *launch = g_strdup_printf ("filesrc location=%s ! %s name=d "
      SINK "overflow=block max-pending-segments=1 %s", path,
      g_str_has_prefix (muxer, "qtmux") ? "qtdemux" : "matroskademux",
      links[__i__ % G_N_ELEMENTS (links)]);
  Scene scene;

  scene_init (&scene, slow, G_N_ELEMENTS (slow), launch);
  fail_unless (sink_run_start (scene.run));
  fail_unless (sink_run_wait_end (scene.run));
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-verdict"), 20);
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  fail_unless_equals_int (feed_decode (scene.server, 20, "v"), 100);
  fail_unless (feed_decode (scene.server, 20, "a") >= 168);
  scene_clear (&scene);

  g_free (launch);
  g_free (path);
  sink_folder_free (folder);
}

GST_END_TEST;

/* The same with a silent service: everything stands still, and stops. */
GST_START_TEST (test_one_thread_stops)
{
  gchar *folder = sink_folder_new ();
  gchar *path = make_clip (folder, muxers[0]);
  gchar *launch = g_strdup_printf ("filesrc location=%s ! qtdemux name=d "
      SINK "overflow=block max-pending-segments=1 %s", path, links[__i__]);
  Scene scene;

  scene_init (&scene, silent, G_N_ELEMENTS (silent), launch);
  fail_unless (sink_run_start (scene.run));
  fail_unless (fault_server_wait (scene.server, FAULT_POST, 1));
  sink_run_wait (scene.run, "identifai-segment", 1);
  /* Checks that all segments have their outcomes. */
  sink_run_stop (scene.run);
  fail_unless_equals_int (sink_run_count (scene.run, "eos"), 0);

  scene_clear (&scene);
  g_free (launch);
  g_free (path);
  sink_folder_free (folder);
}

GST_END_TEST;

/* What no muxer takes is refused before anything flows, and says so. */

typedef struct
{
  const gchar *muxer;
  const gchar *text;            /* in the error */
} RefusedRow;

static const RefusedRow refused_rows[] = {
  {"webmmux", "H.264"},
  {"nosuchmux", "nosuchmux"},
};

GST_START_TEST (test_refused)
{
  const RefusedRow *row = &refused_rows[__i__];
  gchar *launch = g_strconcat (SINK "muxer=", row->muxer, NULL);
  Feed *video;
  GError *error = NULL;
  Scene scene;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  fail_unless_equals_int (feed_push (video, scene.clip, 0, 1, 0),
      GST_FLOW_NOT_NEGOTIATED);
  sink_run_wait (scene.run, "error", 1);
  gst_message_parse_error (sink_run_get (scene.run, "error", 0), &error, NULL);
  fail_unless (error->domain == GST_STREAM_ERROR);
  fail_unless (strstr (error->message, row->text) != NULL, "%s",
      error->message);
  fail_unless_equals_int (sink_run_count (scene.run, "identifai-segment"), 0);
  g_error_free (error);

  sink_run_stop (scene.run);
  feed_free (video);
  g_free (launch);
  scene_clear (&scene);
}

GST_END_TEST;

/* Sound that no muxer takes beside the video is left out: told once, counted, and
 * the video goes on. So is sound that isn't what its caps say. */

typedef struct
{
  const gchar *options;
  const gchar *caps;
  gboolean sound_first;
  const gchar *text;            /* in the warning */
} LeftOutRow;

static const LeftOutRow left_out_rows[] = {
  {"muxer=mp4mux", "audio/x-vorbis, channels=1, rate=44100", FALSE, "Vorbis"},
  {"muxer=mp4mux", "audio/x-vorbis, channels=1, rate=44100", TRUE, "Vorbis"},
  {"muxer=mp4mux", "audio/x-raw, format=S16LE, layout=interleaved, "
        "channels=1, rate=44100", FALSE, "audio/x-raw"},
  {"", "audio/x-true-hd, channels=1, rate=44100", FALSE, "audio/x-true-hd"},
  {"", "audio/x-qdm2, channels=1, rate=44100", TRUE, "audio/x-qdm2"},
  {"", "audio/x-private-ts-lpcm, channels=1, rate=44100", FALSE, "lpcm"},
  {"", "audio/x-ac3", FALSE, "No valid frames"},
  {"", "audio/mpeg, mpegversion=4, stream-format=loas", FALSE, NULL},
};

static void
check_left_out (SinkRun * run, const LeftOutRow * row)
{
  GError *error = NULL;
  guint64 missing = count_missing (run);

  fail_unless_equals_int (sink_run_count (run, "identifai-verdict"), SEGMENTS);
  fail_unless (missing > 1800 * GST_MSECOND && missing <= 2 * GST_SECOND,
      "%" GST_TIME_FORMAT, GST_TIME_ARGS (missing));
  fail_unless_equals_int (sink_run_count (run, "warning"), row->text ? 1 : 0);
  if (row->text == NULL)
    return;
  gst_message_parse_warning (sink_run_get (run, "warning", 0), &error, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_CODEC_NOT_FOUND));
  fail_unless (strstr (error->message, row->text) != NULL, "%s",
      error->message);
  g_error_free (error);
}

GST_START_TEST (test_left_out)
{
  const LeftOutRow *row = &left_out_rows[__i__];
  gchar *launch = g_strconcat (SINK, row->options, NULL);
  GstCaps *caps = gst_caps_from_string (row->caps);
  Feed *video = NULL, *feed;
  Scene scene;
  guint i;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  if (!row->sound_first)
    video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = feed_new (scene.run, "audio_%u", caps, NULL, FALSE);
  if (row->sound_first)
    video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  for (i = 0; i < SEGMENTS; i++) {
    fail_unless_equals_int (feed_push (feed, sound, i * SOUND / SEGMENTS,
            (i + 1) * SOUND / SEGMENTS, 0), GST_FLOW_OK);
    fail_unless_equals_int (feed_push (video, scene.clip, i * GOP,
            (i + 1) * GOP, 0), GST_FLOW_OK);
  }
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless (feed_event (video, gst_event_new_eos ()));
  fail_unless (sink_run_wait_end (scene.run));
  check_left_out (scene.run, row);
  fail_unless_equals_int (feed_decode (scene.server, SEGMENTS, "v"), FRAMES);

  feed_free (video);
  feed_free (feed);
  gst_caps_unref (caps);
  g_free (launch);
  scene_clear (&scene);
}

GST_END_TEST;

/* Sound of other codecs goes along, Matroska taking what MP4 doesn't. */

typedef struct
{
  const gchar *encoder;
  const gchar *extension;       /* of the files */
} CodecRow;

static const CodecRow codec_rows[] = {
  {"avenc_mp2", ".mp4"},
  {"avenc_eac3", ".mkv"},
  {"avenc_alac", ".mp4"},
  {"alawenc", ".mkv"},
  {"audioconvert ! audio/x-raw,format=S24BE", ".mkv"},
};

GST_START_TEST (test_codecs)
{
  const CodecRow *row = &codec_rows[__i__];
  gchar *launch = g_strdup_printf (SINK "audiotestsrc num-buffers=44 "
      "samplesperbuffer=2205 ! audio/x-raw,rate=48000,channels=1 ! %s ! "
      "sink.audio_0 videotestsrc num-buffers=50 ! video/x-raw,width=64,"
      "height=48,framerate=25/1 ! x264enc bframes=0 key-int-max=5 "
      "option-string=scenecut=0 threads=1 ! h264parse ! sink.sink",
      row->encoder);
  const GstStructure *structure;
  Scene scene;
  guint n;

  scene_init (&scene, NULL, 0, launch);
  fail_unless (sink_run_start (scene.run));
  fail_unless (sink_run_wait_end (scene.run));
  structure = sink_run_get_structure (scene.run, "identifai-segment", 0);
  fail_unless_equals_string (gst_structure_get_string (structure,
          "content-type"), g_str_equal (row->extension, ".mp4") ? "video/mp4" :
      "video/x-matroska");
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  fail_unless_equals_uint64 (count_missing (scene.run), 0);
  n = sink_run_count (scene.run, "identifai-verdict");
  fail_unless_equals_int (feed_decode (scene.server, n, "v"), FRAMES);
  fail_unless (feed_decode (scene.server, n, "a") >= n);

  g_free (launch);
  scene_clear (&scene);
}

GST_END_TEST;

/* Names of pads, and pads that come and go. */
GST_START_TEST (test_pads)
{
  static const gchar *const names[] = { "audio_%u", "audio_5", "audio_%u",
    NULL
  };
  static const gchar *const expected[] = { "audio_0", "audio_5", "audio_6" };
  GstPad *pads[3];
  GstElement *sink;
  Scene scene;
  guint i;

  scene_init (&scene, NULL, 0, SINK);
  sink = sink_run_get_sink (scene.run);
  for (i = 0; names[i] != NULL; i++) {
    pads[i] = gst_element_request_pad_simple (sink, names[i]);
    fail_unless_equals_string (GST_PAD_NAME (pads[i]), expected[i]);
  }
  ASSERT_CRITICAL (fail_unless (gst_element_request_pad_simple (sink,
              "audio_5") == NULL));
  for (i = 0; names[i] != NULL; i++) {
    gst_element_release_request_pad (sink, pads[i]);
    ASSERT_OBJECT_REFCOUNT (pads[i], "pad", 1);
    gst_object_unref (pads[i]);
  }
  scene_clear (&scene);
}

GST_END_TEST;

/* An application may keep a pad for longer than its element. */
GST_START_TEST (test_pad_alone)
{
  GstElement *sink = gst_element_factory_make ("identifaisink", NULL);
  GstPad *pad = gst_element_request_pad_simple (sink, "audio_%u");
  GstPad *peer = gst_pad_new ("src", GST_PAD_SRC);

  gst_object_unref (sink);
  fail_unless_equals_int (gst_pad_link (peer, pad), GST_PAD_LINK_OK);
  fail_unless (gst_pad_unlink (peer, pad));
  gst_object_unref (pad);
  gst_object_unref (peer);
}

GST_END_TEST;

/* No video was linked, as with a demuxer that has none: that is said, not waited
 * out. Rows: how much sound; after ten seconds of it there is a warning, for
 * streams that never end. */
static const struct
{
  const gchar *sound;
  const gchar *messages;
} alone_rows[] = {
  {"audiotestsrc num-buffers=20", "error"},
  {"audiotestsrc num-buffers=480 samplesperbuffer=1000 ! "
        "audio/x-raw,rate=48000", "error"},
  {"audiotestsrc num-buffers=600 samplesperbuffer=1000 ! "
        "audio/x-raw,rate=48000", "warning error"},
};

GST_START_TEST (test_sound_alone)
{
  gchar *description = g_strdup_printf ("identifaisink name=sink  "
      "%s ! opusenc ! sink.audio_0", alone_rows[__i__].sound);
  SinkRun *run = sink_run_new ("http://127.0.0.1:1", description);
  GstMessage *message;
  GError *error = NULL;
  gchar *list;

  sink_run_start (run);
  fail_if (sink_run_wait_end (run));
  message = sink_run_get (run, "error", 0);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_TYPE_NOT_FOUND), "%s", error->message);
  g_error_free (error);
  list = sink_run_list (run);
  fail_unless_equals_string (list, alone_rows[__i__].messages);
  g_free (list);
  sink_run_free (run);
  g_free (description);
}

GST_END_TEST;

/* The video that was there is taken away before the sound ends. */
GST_START_TEST (test_video_taken_away)
{
  Feed *video, *feed;
  Scene scene;

  scene_init (&scene, NULL, 0, SINK);
  fail_unless (sink_run_start (scene.run));
  video = feed_new (scene.run, "sink", scene.clip->caps, NULL, FALSE);
  feed = feed_new (scene.run, "audio_0", sound->caps, NULL, FALSE);
  fail_unless_equals_int (feed_push (video, scene.clip, 0, 2 * GOP, 0),
      GST_FLOW_OK);
  feed_free (video);
  fail_unless_equals_int (feed_push (feed, sound, 0, 2, 20 * GST_SECOND),
      GST_FLOW_OK);
  fail_unless_equals_int (feed_push (feed, sound, 0, 2, 40 * GST_SECOND),
      GST_FLOW_OK);
  fail_unless (feed_event (feed, gst_event_new_eos ()));
  fail_unless_equals_int (sink_run_count (scene.run, "warning"), 0);
  fail_unless_equals_int (sink_run_count (scene.run, "error"), 0);

  feed_free (feed);
  scene_clear (&scene);
}

GST_END_TEST;

static Suite *
audio_suite (void)
{
  Suite *suite = suite_create ("audio");
  TCase *traps = tcase_create ("traps");
  TCase *pads = tcase_create ("pads");

  suite_add_tcase (suite, traps);
  tcase_add_checked_fixture (traps, setup, teardown);
  tcase_add_test (traps, test_timer_runs_no_handler);
  tcase_add_loop_test (traps, test_sound_far_ahead, 0, LET_GO_N_WAYS);
  tcase_add_loop_test (traps, test_one_thread_stops, 0, G_N_ELEMENTS (links));
  tcase_add_loop_test (traps, test_one_thread, 0,
      G_N_ELEMENTS (links) * G_N_ELEMENTS (muxers));

  suite_add_tcase (suite, pads);
  tcase_add_checked_fixture (pads, setup, teardown);
  tcase_add_loop_test (pads, test_refused, 0, G_N_ELEMENTS (refused_rows));
  tcase_add_loop_test (pads, test_left_out, 0, G_N_ELEMENTS (left_out_rows));
  tcase_add_loop_test (pads, test_codecs, 0, G_N_ELEMENTS (codec_rows));
  tcase_add_loop_test (pads, test_sound_alone, 0, G_N_ELEMENTS (alone_rows));
  tcase_add_test (pads, test_video_taken_away);
  tcase_add_test (pads, test_pads);
  tcase_add_test (pads, test_pad_alone);
  tcase_add_loop_test (pads, test_behaviours, 0, SOUND_N_BEHAVIOURS);
  tcase_add_loop_test (pads, test_in_step, 0, 2);
  tcase_add_loop_test (pads, test_late, 0, G_N_ELEMENTS (late_rows));
  tcase_add_test (pads, test_room);

  return suite;
}

GST_CHECK_MAIN (audio);
