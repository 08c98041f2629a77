/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where segments of sound end: a stream of buffers of half a second, by a script.
 *
 *   a..z       so many buffers: a is one, z 26
 *   |          the end
 *   >          the next one is 5 s later than it is due; . half a second
 *   <          10 s earlier; , 50 ms
 *   #          other caps
 *   ~          nothing comes for long
 *   2          what follows is played at twice the rate; 5 at half
 *
 * What comes out, of each segment: when it starts and how long it is, in tenths of a
 * second, "0+50"; in brackets if it is too short.
 */

#include <gst/check/gstcheck.h>
#include "soundcutter.h"

#define LENGTH (GST_SECOND / 2)
#define BYTES 100

typedef struct
{
  IdentifaiSoundCutter *cutter;
  GstClockTime time;            /* of the sound */
  gdouble rate;
  guint n_caps;
  guint next_number;
  guint n_pushed, n_out;        /* buffers, but those that are in front */
  GString *out;
} World;

static void
on_opened (IdentifaiSegment * segment, gpointer user_data)
{
  World *world = user_data;

  segment->number = world->next_number++;
}

static void
on_joined (IdentifaiSegment * segment, gpointer user_data)
{
  World *world = user_data;

  fail_unless_equals_int (segment->number + 1, world->next_number);
  world->next_number--;
}

static const IdentifaiSoundFuncs funcs = { on_opened, on_joined };

static void
set_caps (World * world, const gchar * caps)
{
  GstCaps *fixed = gst_caps_from_string (caps);

  gst_caps_set_simple (fixed, "rate", G_TYPE_INT, 8000 + world->n_caps++, NULL);
  identifai_sound_cutter_set_caps (world->cutter, fixed);
  gst_caps_unref (fixed);
}

static void
push (World * world)
{
  IdentifaiSoundBuffer item = {
    gst_buffer_new_allocate (NULL, BYTES, NULL), world->time / world->rate,
    LENGTH, GST_CLOCK_TIME_NONE, -1, 0, world->rate
  };

  fail_unless (identifai_sound_cutter_push (world->cutter, &item));
  fail_unless (item.buffer == NULL);
  world->time += LENGTH;
  world->n_pushed++;
}

/* Its buffers are as long as it says, one after the other. */
static void
check_track (World * world, IdentifaiSegment * segment)
{
  IdentifaiTrack *track = g_ptr_array_index (segment->tracks, 0);
  GstBuffer *own = g_ptr_array_index (track->buffers, segment->lead);

  fail_unless_equals_uint64 (GST_BUFFER_PTS (own),
      segment->running_time * world->rate + IDENTIFAI_TRACK_EPOCH);
  fail_unless_equals_uint64 (segment->bytes, track->buffers->len * BYTES);
  world->n_out += track->buffers->len - segment->lead;
}

static void
take_out (World * world)
{
  IdentifaiSegment *segment;
  gboolean is_short;

  while ((segment = identifai_sound_cutter_pop (world->cutter, &is_short))) {
    check_track (world, segment);
    g_string_append_printf (world->out, "%s%s%u+%u%s", world->out->len ? " " :
        "", is_short ? "(" : "",
        (guint) (segment->running_time / (100 * GST_MSECOND)),
        (guint) (segment->duration / (100 * GST_MSECOND)), is_short ? ")" : "");
    identifai_segment_free (segment);
  }
}

static void
play (World * world, gchar step, const gchar * caps)
{
  if (step == '|')
    identifai_sound_cutter_break (world->cutter);
  else if (step == '~')
    identifai_sound_cutter_release (world->cutter);
  else if (step == '>')
    world->time += 5 * GST_SECOND;
  else if (step == '.')
    world->time += LENGTH;
  else if (step == '<')
    world->time -= 10 * GST_SECOND;
  else if (step == ',')
    world->time -= 50 * GST_MSECOND;
  else if (step == '2' || step == '5')
    world->rate = step == '2' ? 2 : 0.5;
  else if (step == '#')
    set_caps (world, caps);
  for (; step >= 'a' && step <= 'z'; step--)
    push (world);
  take_out (world);
}

static const struct
{
  guint duration, interval;     /* s */
  guint max_buffers;            /* 0: any */
  const gchar *script;
  const gchar *expected;
} rows[] = {
  {10, 0, 0, "|", ""},
  {10, 0, 0, "a|", "(0+5)"},
  {10, 0, 0, "e|", "(0+25)"},
  {10, 0, 0, "f|", "0+30"},
  {10, 0, 0, "s", ""},
  /* kept until there is enough behind it */
  {10, 0, 0, "t", ""},
  {10, 0, 0, "te", ""},
  {10, 0, 0, "tf", "0+100"},
  {10, 0, 0, "t|", "0+100"},
  {10, 0, 0, "ta|", "0+105"},
  {10, 0, 0, "te|", "0+125"},
  {10, 0, 0, "tf|", "0+100 100+30"},
  {10, 0, 0, "tte|", "0+100 100+125"},
  {10, 0, 0, "tt|", "0+100 100+100"},
  /* not any longer than until nothing comes */
  {10, 0, 0, "t~", "0+100"},
  {10, 0, 0, "t~e|", "0+100 (100+25)"},
  {10, 0, 0, "tc~d|", "0+100 100+35"},
  /* less than 3 s counts as 3 s; 0 has no end */
  {1, 0, 0, "l|", "0+30 30+30"},
  {0, 0, 0, "zzzz|", "0+520"},
  {0, 0, 0, "e|", "(0+25)"},
  /* breaks: what is on either side doesn't join */
  {10, 0, 0, "te>e|", "0+125 (175+25)"},
  {10, 0, 0, "f>f|", "0+30 80+30"},
  {10, 0, 0, "zf<t|", "0+100 100+60 60+100"},
  {10, 0, 0, "te#e|", "0+125 (125+25)"},
  {10, 0, 0, "t|t|", "0+100 100+100"},
  /* a hole, or times that overlap a little, are none */
  {10, 0, 0, "j.j|", "0+105"},
  {10, 0, 0, "j,k|", "0+104"},
  /* 10 s of each 20; a rest behind a pause has nothing to join */
  {10, 20, 0, "zzz|", "0+100 200+100"},
  {10, 20, 0, "zw|", "0+100 200+45"},
  {10, 20, 0, "zp|", "0+100 (200+10)"},
  {10, 10, 0, "te|", "0+125"},
  /* at most 8 buffers a segment, and of those that join */
  {10, 0, 8, "t|", "0+40 40+40 (80+20)"},
  {10, 0, 8, "h|", "0+40"},
  {0, 0, 8, "z|", "0+40 40+40 80+40 (120+10)"},
  /* at other rates it is as long, and starts as much earlier or later */
  {10, 0, 0, "2zt|", "0+100 50+100 100+30"},
  {10, 0, 0, "5zt|", "0+100 200+100 400+30"},
  {10, 0, 0, "2te>e|", "0+125 (87+25)"},
  {10, 20, 0, "2zw|", "0+100 100+45"},
};

static void
run (guint row, const gchar * caps)
{
  IdentifaiSoundSettings settings = {
    rows[row].duration * GST_SECOND, rows[row].interval * GST_SECOND,
    rows[row].max_buffers ? rows[row].max_buffers * BYTES : G_MAXUINT64
  };
  World world = {.rate = 1 };
  const gchar *step;

  world.out = g_string_new (NULL);
  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  set_caps (&world, caps);
  for (step = rows[row].script; *step != '\0'; step++)
    play (&world, *step, caps);
  if (g_str_has_prefix (caps, "audio/x-flac") || rows[row].max_buffers == 0)
    fail_unless_equals_string (world.out->str, rows[row].expected);
  if (rows[row].interval <= rows[row].duration
      && g_str_has_suffix (rows[row].script, "|"))
    fail_unless_equals_int (world.n_out, world.n_pushed);
  identifai_sound_cutter_free (world.cutter);
  g_string_free (world.out, TRUE);
}

GST_START_TEST (test_cuts)
{
  run (__i__, "audio/x-flac,channels=1");
}

GST_END_TEST;

/* With buffers in front, which are counted by nobody. */
GST_START_TEST (test_cuts_with_lead)
{
  run (__i__, "audio/mpeg,mpegversion=4,stream-format=raw,channels=1");
}

GST_END_TEST;

/* How many buffers are in front of the second segment. */
static const struct
{
  const gchar *caps;
  guint lead;
} lead_rows[] = {
  {"audio/x-flac", 0},
  {"audio/x-raw,format=S16LE", 0},
  {"audio/x-alaw", 0},
  {"audio/mpeg,mpegversion=4,stream-format=raw", 2},
  {"audio/x-vorbis", 1},
  {"audio/x-opus", 1},
  {"audio/x-ac3", 1},
};

GST_START_TEST (test_lead)
{
  IdentifaiSoundSettings settings = { 10 * GST_SECOND, 0, G_MAXUINT64 };
  World world = {.rate = 1 };
  IdentifaiSegment *segment;
  gboolean is_short;
  guint i, k;

  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  for (k = 0; k < 2; k++) {
    set_caps (&world, lead_rows[__i__].caps);
    for (i = 0; i < 40; i++)
      push (&world);
    for (i = 0; i < 2; i++) {
      if (i == 1)
        identifai_sound_cutter_break (world.cutter);
      segment = identifai_sound_cutter_pop (world.cutter, &is_short);
      fail_unless (segment != NULL && !is_short);
      /* none of what was before a break */
      fail_unless_equals_int (segment->lead, i == 0 ? 0 :
          lead_rows[__i__].lead);
      identifai_segment_free (segment);
    }
  }
  identifai_sound_cutter_free (world.cutter);
}

GST_END_TEST;

/* Without times, or all at the same: one after the other, from 0, if they have a
 * length. */
GST_START_TEST (test_untimed)
{
  IdentifaiSoundSettings settings = { 10 * GST_SECOND, 0, G_MAXUINT64 };
  World world = {.rate = 1 };
  GstClockTime seen, covered;
  guint i;

  world.out = g_string_new (NULL);
  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  set_caps (&world, "audio/x-flac");
  for (i = 0; i < 30; i++) {
    IdentifaiSoundBuffer item = { gst_buffer_new_allocate (NULL, BYTES, NULL),
      __i__ == 2 ? 0 : GST_CLOCK_TIME_NONE,
      __i__ == 1 ? GST_CLOCK_TIME_NONE : LENGTH,
      GST_CLOCK_TIME_NONE, -1, 0, 1
    };

    fail_unless (identifai_sound_cutter_push (world.cutter, &item) ==
        (__i__ != 1));
  }
  identifai_sound_cutter_break (world.cutter);
  take_out (&world);
  fail_unless_equals_string (world.out->str, __i__ != 1 ? "0+100 100+50" : "");
  identifai_sound_cutter_get_times (world.cutter, &seen, &covered);
  fail_unless_equals_uint64 (seen, __i__ != 1 ? 15 * GST_SECOND : 0);
  fail_unless_equals_uint64 (covered, seen);
  identifai_sound_cutter_free (world.cutter);
  g_string_free (world.out, TRUE);
}

GST_END_TEST;

/* All at one time, and nobody knows how long they are: no longer than some frames
 * of a packet might be. */
GST_START_TEST (test_stuck)
{
  IdentifaiSoundSettings settings = { 10 * GST_SECOND, 0, G_MAXUINT64 };
  World world = {.rate = 1 };
  guint n;

  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  set_caps (&world, "audio/x-vorbis");
  for (n = 0; n < 1000; n++) {
    IdentifaiSoundBuffer item = { gst_buffer_new_allocate (NULL, BYTES, NULL),
      GST_SECOND, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE, -1, 0, 1
    };

    if (!identifai_sound_cutter_push (world.cutter, &item))
      break;
  }
  fail_unless (n > 30 && n < 1000, "%u", n);
  identifai_sound_cutter_free (world.cutter);
}

GST_END_TEST;

/* A break isn't the start: what has no times goes on where it was. */
GST_START_TEST (test_untimed_break)
{
  IdentifaiSoundSettings settings = { 10 * GST_SECOND, 0, G_MAXUINT64 };
  World world = {.rate = 1 };
  guint i;

  world.out = g_string_new (NULL);
  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  set_caps (&world, "audio/x-flac");
  for (i = 0; i < 20; i++) {
    IdentifaiSoundBuffer item = { gst_buffer_new_allocate (NULL, BYTES, NULL),
      GST_CLOCK_TIME_NONE, LENGTH, GST_CLOCK_TIME_NONE, -1, 0, 1
    };

    if (i == 8)
      identifai_sound_cutter_break (world.cutter);
    fail_unless (identifai_sound_cutter_push (world.cutter, &item));
  }
  identifai_sound_cutter_break (world.cutter);
  take_out (&world);
  fail_unless_equals_string (world.out->str, "0+40 40+60");
  identifai_sound_cutter_free (world.cutter);
  g_string_free (world.out, TRUE);
}

GST_END_TEST;

/* What one file can't have both of. */
static const struct
{
  const gchar *before, *after;
  gboolean breaks;
} caps_rows[] = {
  {"audio/x-raw, rate=8000, channels=1, format=S16LE",
      "audio/x-raw, rate=8000, channels=1, format=S16LE", FALSE},
  {"audio/x-raw, rate=8000, channels=1, format=S16LE",
      "audio/x-raw, rate=8000, channels=1, format=F32LE", TRUE},
  {"audio/x-raw, rate=8000, channels=1, format=S16LE",
      "audio/x-raw, rate=8000, channels=2, format=S16LE", TRUE},
  {"audio/x-raw, rate=8000, channels=3, channel-mask=(bitmask)0x7",
      "audio/x-raw, rate=8000, channels=3, channel-mask=(bitmask)0xb", TRUE},
  {"audio/mpeg, mpegversion=1, rate=8000, channels=1",
      "audio/mpeg, mpegversion=1, rate=8000, channels=1, parsed=true", FALSE},
};

GST_START_TEST (test_caps)
{
  IdentifaiSoundSettings settings = { 10 * GST_SECOND, 0, G_MAXUINT64 };
  GstCaps *before = gst_caps_from_string (caps_rows[__i__].before);
  GstCaps *after = gst_caps_from_string (caps_rows[__i__].after);
  World world = {.rate = 1 };
  guint i;

  world.out = g_string_new (NULL);
  world.cutter = identifai_sound_cutter_new (&funcs, &world);
  identifai_sound_cutter_configure (world.cutter, "test", &settings);
  for (i = 0; i < 16; i++) {
    identifai_sound_cutter_set_caps (world.cutter, i < 8 ? before : after);
    push (&world);
  }
  identifai_sound_cutter_break (world.cutter);
  take_out (&world);
  fail_unless_equals_string (world.out->str, caps_rows[__i__].breaks ?
      "0+40 40+40" : "0+80");
  identifai_sound_cutter_free (world.cutter);
  g_string_free (world.out, TRUE);
  gst_caps_unref (before);
  gst_caps_unref (after);
}

GST_END_TEST;

static Suite *
soundcutter_suite (void)
{
  Suite *suite = suite_create ("soundcutter");
  TCase *general = tcase_create ("general");

  suite_add_tcase (suite, general);
  tcase_add_loop_test (general, test_untimed, 0, 3);
  tcase_add_test (general, test_stuck);
  tcase_add_test (general, test_untimed_break);
  tcase_add_loop_test (general, test_caps, 0, G_N_ELEMENTS (caps_rows));
  tcase_add_loop_test (general, test_lead, 0, G_N_ELEMENTS (lead_rows));
  tcase_add_loop_test (general, test_cuts, 0, G_N_ELEMENTS (rows));
  tcase_add_loop_test (general, test_cuts_with_lead, 0, G_N_ELEMENTS (rows));

  return suite;
}

GST_CHECK_MAIN (soundcutter);
