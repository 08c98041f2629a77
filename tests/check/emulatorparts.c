/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator's plain C parts, without a server: the choice of frames,
 * heuristics, models, limits, keys, faults and the look for C2PA.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "../../examples/emulator/c2pa.h"
#include "../../examples/emulator/faults.h"
#include "../../examples/emulator/frames.h"
#include "../../examples/emulator/keys.h"
#include "../../examples/emulator/models.h"
#include "../../examples/emulator/sound.h"

#define SECOND G_USEC_PER_SEC

/* Writes which row of a table comes, for who looks for the one that fails. */
#define FOR_ROWS(i, rows) \
  for (i = 0; i < G_N_ELEMENTS (rows) \
      && (g_printerr ("%s %u\n", #rows, i), TRUE); i++)

/* The choice of frames */

/* Frames one second apart; K = key frame, any other letter is not. The letter
 * is the frame's colour, and the motion its difference from the one before. */
static const struct
{
  const gchar *frames;
  EmuChoice choice;
  guint max;
  const gchar *chosen;          /* numbers, separated by spaces */
} choice_rows[] = {
  {"", EMU_CHOICE_EVEN, 5, ""},
  {"K", EMU_CHOICE_EVEN, 5, "0"},
  {"Kaa", EMU_CHOICE_EVEN, 5, "0 1 2"},
  {"Kaaaaaaaaa", EMU_CHOICE_EVEN, 5, "0 2 4 6 8"},
  {"Kaaaaaaaaa", EMU_CHOICE_EVEN, 10, "0 1 2 3 4 5 6 7 8 9"},
  {"Kaaaaaaaaa", EMU_CHOICE_EVEN, 1, "0"},
  {"KaaKaKaaa", EMU_CHOICE_IFRAMES, 5, "0 3 5"},
  {"KKKKKKKKKK", EMU_CHOICE_IFRAMES, 5, "0 2 4 6 8"},
  /* before the first key frame there is a shot, too */
  {"aaKaa", EMU_CHOICE_IFRAMES, 5, "0 2"},
  /* K is 75: the average is 102, m is 109; a to z: it is 106, i is 105 */
  {"Kmmmmm", EMU_CHOICE_COLOR, 5, "1"},
  {"aeizK", EMU_CHOICE_COLOR, 5, "2 4"},
  /* the first one of a shot differs from another shot */
  {"Kamn", EMU_CHOICE_FLOW, 5, "3"},
  {"KaaKzKbc", EMU_CHOICE_FLOW, 5, "2 4 7"},
  {"KK", EMU_CHOICE_FLOW, 5, "0 1"},
};

static EmuFrame *
make_frames (const gchar * letters, GstClockTime start)
{
  EmuFrame *frames = g_new0 (EmuFrame, strlen (letters) + 1);
  guint i;

  for (i = 0; letters[i] != '\0'; i++) {
    frames[i].pts = start == GST_CLOCK_TIME_NONE ? start
        : start + i * GST_SECOND;
    frames[i].key = letters[i] == 'K';
    memset (frames[i].mean, letters[i], 3);
    frames[i].motion = i == 0 ? 0 : ABS (letters[i] - letters[i - 1]);
  }
  return frames;
}

static gchar *
choose (const EmuFrame * frames, guint n, EmuChoice choice, guint max)
{
  guint chosen[30], i, n_chosen;
  GString *text = g_string_new (NULL);

  n_chosen = emu_frames_choose (frames, n, choice, max, chosen);
  for (i = 0; i < n_chosen; i++)
    g_string_append_printf (text, "%s%u", i > 0 ? " " : "", chosen[i]);
  return g_string_free (text, FALSE);
}

static void
check_choice (guint row)
{
  static const GstClockTime starts[] = { 0, 3600 * GST_SECOND,
    GST_CLOCK_TIME_NONE
  };
  const gchar *letters = choice_rows[row].frames;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (starts); i++) {
    EmuFrame *frames = make_frames (letters, starts[i]);
    gchar *chosen = choose (frames, strlen (letters),
        choice_rows[row].choice, choice_rows[row].max);

    fail_unless_equals_string (chosen, choice_rows[row].chosen);
    g_free (chosen);
    g_free (frames);
  }
}

GST_START_TEST (test_choice)
{
  guint i;

  FOR_ROWS (i, choice_rows)
      check_choice (i);
}

GST_END_TEST;

/* Distances in time, not in number: ten frames in the first second, then one a
 * second until the eleventh. */
GST_START_TEST (test_choice_varying_rate)
{
  EmuFrame *frames = make_frames ("KaaaaaaaaaKaaaaaaaaa", 0);
  gchar *chosen;
  guint i;

  for (i = 0; i < 20; i++)
    frames[i].pts = i < 10 ? i * GST_SECOND / 10 : (i - 9) * GST_SECOND;
  chosen = choose (frames, 20, EMU_CHOICE_EVEN, 5);
  fail_unless_equals_string (chosen, "0 11 13 15 17");
  g_free (chosen);
  g_free (frames);
}

GST_END_TEST;

/* Heuristics */

#define YES {1}
#define NO {0}
#define UNKNOWN {1, TRUE}
#define OBSOLETE(score) {score, FALSE, TRUE}

static const struct
{
  EmuOpinion opinions[4];
  guint n;
  struct
  {
    gboolean unknown, artificial;
    gdouble confidence;
    guint count;
  } verdicts[EMU_N_HEURISTICS];
} heuristic_rows[] = {
  {{YES, NO, YES}, 3, {{0, 1, 2 / 3., 3}, {0, 1, 2 / 3., 3}, {0, 1, 2 / 3.,
              3}}},
  {{NO, NO}, 2, {{0, 0, 1, 2}, {0, 0, 1, 2}, {0, 0, 1, 2}}},
  /* a tie: more than half is needed, and half an average is enough */
  {{YES, NO}, 2, {{0, 0, .5, 2}, {0, 1, .5, 2}, {0, 1, .5, 2}}},
  /* two weak ones against a strong one */
  {{{.6}, {.6}, {0}}, 3, {{0, 1, 2 / 3., 3}, {0, 0, .6, 3}, {0, 0, .6, 3}}},
  /* only the obsolete one sees something */
  {{{.3}, {.6}, OBSOLETE (.9)}, 3, {{0, 1, 2 / 3., 3}, {0, 1, .6, 3}, {0, 0,
              .55, 2}}},
  {{YES, UNKNOWN, UNKNOWN}, 3, {{0, 1, 1, 1}, {0, 1, 1, 1}, {0, 1, 1, 1}}},
  {{OBSOLETE (1), UNKNOWN}, 2, {{0, 1, 1, 1}, {0, 1, 1, 1}, {1, 0, 0, 0}}},
  {{UNKNOWN}, 1, {{1, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}}},
  {{NO}, 0, {{1, 0, 0, 0}, {1, 0, 0, 0}, {1, 0, 0, 0}}},
};

static void
check_heuristics (guint row)
{
  guint h;

  for (h = 0; h < EMU_N_HEURISTICS; h++) {
    EmuVerdict verdict = emu_heuristic_judge (h,
        heuristic_rows[row].opinions, heuristic_rows[row].n);

    fail_unless_equals_int (verdict.unknown,
        heuristic_rows[row].verdicts[h].unknown);
    fail_unless_equals_int (verdict.artificial,
        heuristic_rows[row].verdicts[h].artificial);
    fail_unless_equals_int (verdict.count,
        heuristic_rows[row].verdicts[h].count);
    fail_unless (ABS (verdict.confidence
            - heuristic_rows[row].verdicts[h].confidence) < 1e-9);
  }
}

GST_START_TEST (test_heuristics)
{
  guint i;

  FOR_ROWS (i, heuristic_rows)
      check_heuristics (i);
}

GST_END_TEST;

/* Models: a picture of ten pixels, a letter each */

static const struct
{
  const gchar *pixels;
  gdouble scores[EMU_N_MODELS]; /* -1 = unknown */
} model_rows[] = {
  /*            share keen obs. tamp. morph. nsfw */
  {"MMMMMMMMMM", {1, 1, 1, 0, -1, 0}},
  {"MMMwwwwwww", {.3, .6, .3, 0, -1, 0}},
  {"GGGGGGGGGG", {0, 0, 1, 0, -1, 0}},
  {"YYYwwwwwww", {0, 0, 0, .6, -1, 0}},
  {"RRRRRRRRRk", {0, 0, 0, 0, -1, 1}},
  {"CBwwwwwwww", {0, 0, 0, 0, .5, 0}},
  {"wwwwCwwwww", {0, 0, 0, 0, 1, 0}},
  {"gggggggggg", {0, 0, 0, 0, -1, 0}},
  {"kkkkkkkkkk", {-1, -1, -1, -1, -1, -1}},
};

static void
paint (guint8 * rgb, gchar letter)
{
  static const struct
  {
    gchar letter;
    guint8 rgb[3];
  } colors[] = {
    {'R', {250, 5, 5}}, {'G', {90, 170, 99}}, {'Y', {255, 255, 0}},
    {'B', {0, 0, 255}}, {'M', {170, 60, 180}}, {'C', {0, 255, 255}},
    {'w', {255, 255, 255}}, {'k', {16, 16, 16}}, {'g', {128, 128, 128}},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (colors); i++) {
    if (colors[i].letter == letter)
      memcpy (rgb, colors[i].rgb, 3);
  }
}

static void
check_models (guint row)
{
  guint8 rgb[30];
  EmuPixels pixels;
  guint i;

  for (i = 0; i < 10; i++)
    paint (rgb + 3 * i, model_rows[row].pixels[i]);
  pixels = emu_pixels_count (rgb, 5, 2);
  for (i = 0; i < EMU_N_MODELS; i++) {
    EmuOpinion opinion = emu_model_judge (&emu_models[i], &pixels);
    gdouble score = model_rows[row].scores[i];

    fail_unless_equals_int (opinion.unknown, score < 0);
    if (score >= 0)
      fail_unless (ABS (opinion.score - score) < 1e-9, "%s: %g",
          emu_models[i].name, opinion.score);
  }
}

GST_START_TEST (test_models)
{
  guint i;

  FOR_ROWS (i, model_rows)
      check_models (i);
}

GST_END_TEST;

GST_START_TEST (test_face_box)
{
  guint8 rgb[30];
  EmuPixels pixels;
  EmuBox box;
  guint i;

  for (i = 0; i < 10; i++)
    paint (rgb + 3 * i, "wBwwwwwwCw"[i]);
  pixels = emu_pixels_count (rgb, 5, 2);
  box = emu_pixels_face_box (&pixels);
  fail_unless_equals_int (box.left, 1);
  fail_unless_equals_int (box.top, 0);
  fail_unless_equals_int (box.right, 3);
  fail_unless_equals_int (box.bottom, 1);
}

GST_END_TEST;

/* Sound: a square wave's fundamental has 81 % of its energy */

static const struct
{
  guint frequency;              /* 0 = silence */
  guint tenths;
  gdouble scores[EMU_N_SOUND_MODELS];   /* -1 = unknown */
  guint clips;
} sound_rows[] = {
  {1000, 30, {1, 1}, 1},
  {440, 30, {0, 1}, 1},
  {300, 65, {0, 0}, 3},
  {0, 31, {-1, -1}, 2},
};

static void
check_sound (guint row)
{
  guint n = sound_rows[row].tenths * EMU_SOUND_RATE / 10, i;
  guint frequency = sound_rows[row].frequency;
  gint16 *samples = g_new0 (gint16, n);
  EmuSound *sound = emu_sound_new ();
  EmuSoundClip sum;

  for (i = 0; i < n && frequency > 0; i++)
    samples[i] = 2 * i * frequency / EMU_SOUND_RATE % 2 ? 8000 : -8000;
  /* in pieces that divide nothing */
  for (i = 0; i < n; i += 777)
    emu_sound_push (sound, samples + i, MIN (777, n - i));
  fail_unless_equals_uint64 (emu_sound_get_samples (sound), n);
  fail_unless_equals_int (emu_sound_get_clips (sound)->len,
      sound_rows[row].clips);
  sum = emu_sound_sum (emu_sound_get_clips (sound));
  for (i = 0; i < EMU_N_SOUND_MODELS; i++) {
    EmuOpinion opinion = emu_sound_judge (i, &sum);

    fail_unless_equals_int (opinion.unknown, sound_rows[row].scores[i] < 0);
    if (!opinion.unknown)
      fail_unless_equals_float (opinion.score, sound_rows[row].scores[i]);
  }
  emu_sound_free (sound);
  g_free (samples);
}

GST_START_TEST (test_sound)
{
  guint i;

  FOR_ROWS (i, sound_rows)
      check_sound (i);
}

GST_END_TEST;

/* Limits: + taken, - refused, at times in tenths of a second */

static const struct
{
  EmuRate rate;
  const gchar *steps;
} rate_rows[] = {
  {{1, 0}, "0+ 9- 19+ 28- 30- 38+"},
  {{1, 0}, "0+ 10+ 20+ 30+"},
  {{2, 0}, "0+ 1+ 2- 11- 12+ 13+"},
  {{0, 3}, "0+ 1+ 2+ 3- 599- 600+ 601+ 602+ 603-"},
  {{2, 3}, "0+ 1+ 20+ 30- 590- 600+"},
  {{0, 0}, "0+ 0+ 0+ 0+"},
};

static void
check_rate_limit (guint row)
{
  EmuRateLimit *limit = emu_rate_limit_new (rate_rows[row].rate);
  gchar **steps = g_strsplit (rate_rows[row].steps, " ", -1);
  guint i;

  for (i = 0; steps[i] != NULL; i++) {
    guint retry_after = 0;
    gchar *sign;
    gint64 now = (gint64) g_ascii_strtoull (steps[i], &sign, 10) * SECOND / 10;
    gboolean taken = emu_rate_limit_take (limit, 1000 * SECOND + now,
        &retry_after);

    fail_unless (taken == (*sign == '+'), "%s", steps[i]);
    fail_unless (taken == (retry_after == 0));
  }
  g_strfreev (steps);
  emu_rate_limit_free (limit);
}

GST_START_TEST (test_rate_limit)
{
  guint i;

  FOR_ROWS (i, rate_rows)
      check_rate_limit (i);
}

GST_END_TEST;

static const struct
{
  const gchar *text;
  gint post_per_second;         /* -1 = refused */
  guint get_per_minute;
} rates_rows[] = {
  {"published", 1, 60},
  {"off", 0, 0},
  {"5,6,7,8", 5, 8},
  {"0,0,0,0", 0, 0},
  {"5,6,7", -1},
  {"5,6,7,8,", -1},
  {"a", -1},
  {"-1,1,1,1", -1},
  {"999999,1,1,1", -1},
  {"", -1},
};

static void
check_rates (guint row)
{
  EmuRate rates[EMU_N_RATES];
  gboolean ok = emu_rates_parse (rates_rows[row].text, rates, NULL);

  fail_unless_equals_int (ok, rates_rows[row].post_per_second >= 0);
  if (ok) {
    fail_unless_equals_int (rates[EMU_RATE_POST].per_second,
        rates_rows[row].post_per_second);
    fail_unless_equals_int (rates[EMU_RATE_GET].per_minute,
        rates_rows[row].get_per_minute);
  }
}

GST_START_TEST (test_rates)
{
  guint i;

  FOR_ROWS (i, rates_rows)
      check_rates (i);
}

GST_END_TEST;

GST_START_TEST (test_keys)
{
  gchar *specs[] = { "one", "two=2", "three=forbidden", "a=b=revoked", NULL };
  const EmuRate rates[EMU_N_RATES] = { {0, 0}, {0, 0} };
  EmuKeys *keys = emu_keys_new (specs, rates, NULL);
  EmuKey *key;

  fail_unless (emu_keys_find (keys, NULL) == NULL);
  fail_unless (emu_keys_find (keys, "") == NULL);
  fail_unless (emu_keys_find (keys, "other") == NULL);
  fail_unless (emu_keys_find (keys, "a=b") == NULL);
  fail_unless (emu_keys_find (keys, "three")->forbidden);
  fail_unless (emu_key_spend (emu_keys_find (keys, "one"), 1000));
  key = emu_keys_find (keys, "two");
  fail_unless (emu_key_spend (key, 2));
  fail_if (emu_key_spend (key, 1));
  fail_unless (key->spent == 2);
  fail_unless (emu_keys_set (keys, "two=5", NULL));
  fail_unless (emu_key_spend (key, 5));
  fail_unless (emu_keys_set (keys, "two=revoked", NULL));
  fail_unless (emu_keys_find (keys, "two") == NULL);
  fail_if (emu_keys_set (keys, "two=many", NULL));
  fail_if (emu_keys_set (keys, "=1", NULL));
  emu_keys_free (keys);

  keys = emu_keys_new (NULL, rates, NULL);
  fail_unless (emu_keys_find (keys, "other") != NULL);
  fail_unless (emu_keys_find (keys, "") == NULL);
  emu_keys_free (keys);
}

GST_END_TEST;

/* Faults: which of ten requests meet it, or NULL: not to be understood */

static const struct
{
  const gchar *spec;
  const gchar *met;
} fault_rows[] = {
  {"chunked:status=411", "-+-+-+-+-+"}, {"chunked#2+:reset", "---+-+-+-+"},
  {"submit:reset", "+++++++++++"},
  {"submit#3:status=503", "..+......."},
  {"any#2-4:delay=1.5", ".+++......"},
  {"post#8+:silence", ".......+++"},
  {"submit#%3:drip=1", "..+..+..+."},
  {"get:reset", ".........."},
  {"batch:reset", ".........."},
  {"submit#1:status=429,header=Retry-After: 3,body={\"a\":1,\"b\":2}",
      "+........."},
  {"submit:truncate=0", "++++++++++"},
  {"submit", NULL}, {"submit:", NULL}, {"nothing:reset", NULL},
  {"submit#-3+:reset", NULL}, {"submit#2++:reset", NULL},
  {"submit#2-4+:reset", NULL}, {"submit#%:reset", NULL},
  {"submit#0:reset", NULL}, {"submit#:reset", NULL}, {"submit#+:reset", NULL},
  {"submit#4-2:reset", NULL}, {"submit#%0:reset", NULL},
  {"submit:explode", NULL}, {"submit:status=99", NULL},
  {"submit:status=abc", NULL}, {"submit:delay=-1", NULL},
  {"submit:delay=1e9", NULL}, {"submit:delay=nan", NULL},
  {"submit:drip=0", NULL}, {"submit:header=Retry-After: 1", NULL},
  {"submit:status=503,header=x", NULL}, {"submit:body=x", NULL},
  {"submit:reset-upload=-5", NULL}, {"", NULL},
};

static void
check_faults (guint row)
{
  GPtrArray *faults =
      g_ptr_array_new_with_free_func ((GDestroyNotify) emu_fault_unref);
  EmuFault *fault = emu_fault_parse (fault_rows[row].spec, NULL);
  guint i;

  fail_unless ((fault != NULL) == (fault_rows[row].met != NULL));
  if (fault != NULL) {
    g_ptr_array_add (faults, fault);
    for (i = 0; i < 10; i++)
      fail_unless_equals_int (emu_faults_meet (faults, "submit", "POST", i % 2)
          == fault, fault_rows[row].met[i] == '+');
  }
  g_ptr_array_unref (faults);
}

GST_START_TEST (test_faults)
{
  guint i;

  FOR_ROWS (i, fault_rows)
      check_faults (i);
}

GST_END_TEST;

GST_START_TEST (test_fault_fields)
{
  EmuFault *fault = emu_fault_parse ("submit:delay=0.25,status=429,"
      "header=Retry-After:  3,body={\"a\":1,\"b\":2}", NULL);

  fail_unless_equals_int (fault->delay, 250);
  fail_unless_equals_int (fault->status, 429);
  fail_unless_equals_string (fault->header_name, "Retry-After");
  fail_unless_equals_string (fault->header_value, "3");
  fail_unless_equals_string (fault->body, "{\"a\":1,\"b\":2}");
  fail_unless (fault->truncate == -1 && fault->reset_upload == -1);
  emu_fault_unref (fault);
}

GST_END_TEST;

/* C2PA */

static void
append_box (GByteArray * to, const gchar * type, const guint8 * body,
    gsize length)
{
  guint32 size = GUINT32_TO_BE (length + 8);

  g_byte_array_append (to, (const guint8 *) &size, 4);
  g_byte_array_append (to, (const guint8 *) type, 4);
  if (length > 0)
    g_byte_array_append (to, body, length);
}

/* A superbox with that label, and inside in it. */
static GByteArray *
make_superbox (const gchar * label, GByteArray * inside)
{
  GByteArray *description = g_byte_array_new ();
  GByteArray *body = g_byte_array_new ();
  GByteArray *box = g_byte_array_new ();

  g_byte_array_append (description, (const guint8 *) "0123456789abcdef\3", 17);
  g_byte_array_append (description, (const guint8 *) label, strlen (label) + 1);
  append_box (body, "jumd", description->data, description->len);
  if (inside != NULL)
    g_byte_array_append (body, inside->data, inside->len);
  append_box (box, "jumb", body->data, body->len);
  g_byte_array_unref (description);
  g_byte_array_unref (body);
  if (inside != NULL)
    g_byte_array_unref (inside);
  return box;
}

static GByteArray *
make_c2pa_mp4 (const gchar * purpose, const gchar * store_label)
{
  GByteArray *store = make_superbox (store_label, make_superbox ("urn:c2pa:1",
          NULL));
  GByteArray *body = g_byte_array_new ();
  GByteArray *mp4 = g_byte_array_new ();

  append_box (mp4, "ftyp", (const guint8 *) "isomiso2", 8);
  g_byte_array_append (body, (const guint8 *) "\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c"
      "\x92\x97\x58\x28\x87\x7e\xc4\x81\0\0\0\0", 20);
  g_byte_array_append (body, (const guint8 *) purpose, strlen (purpose) + 1);
  g_byte_array_append (body, (const guint8 *) "\0\0\0\0\0\0\0\0", 8);
  g_byte_array_append (body, store->data, store->len);
  append_box (mp4, "uuid", body->data, body->len);
  append_box (mp4, "mdat", NULL, 0);
  g_byte_array_unref (store);
  g_byte_array_unref (body);
  return mp4;
}

static void
check_c2pa (GByteArray * file, gboolean found, const gchar * label)
{
  gchar *is = NULL;

  fail_unless_equals_int (emu_c2pa_find (file->data, file->len, &is), found);
  fail_unless_equals_string (is, label);
  g_free (is);
}

GST_START_TEST (test_c2pa)
{
  GByteArray *file = make_c2pa_mp4 ("manifest", "c2pa");
  guint i, length = file->len;

  check_c2pa (file, TRUE, "urn:c2pa:1");
  /* Whatever is cut off or changed, it stays within the bytes. */
  for (i = 0; i < length; i++) {
    guint8 *copy = g_memdup2 (file->data, i);
    gchar *label;

    emu_c2pa_find (copy, i, &label);
    g_free (label);
    g_free (copy);
    file->data[i] ^= 0xff;
    emu_c2pa_find (file->data, length, &label);
    g_free (label);
    file->data[i] ^= 0xff;
  }
  g_byte_array_unref (file);

  file = make_c2pa_mp4 ("merkle", "c2pa");
  check_c2pa (file, FALSE, NULL);
  g_byte_array_unref (file);
  file = make_c2pa_mp4 ("manifest", "other");
  check_c2pa (file, TRUE, NULL);
  g_byte_array_unref (file);
}

GST_END_TEST;

GST_START_TEST (test_c2pa_pictures)
{
  GByteArray *store = make_superbox ("c2pa", make_superbox ("m", NULL));
  GByteArray *file = g_byte_array_new ();
  guint16 size = GUINT16_TO_BE (store->len + 10);
  guint32 chunk = GUINT32_TO_BE (store->len);

  g_byte_array_append (file, (const guint8 *) "\xff\xd8\xff\xe0\0\4ab\xff\xeb",
      10);
  g_byte_array_append (file, (const guint8 *) &size, 2);
  g_byte_array_append (file, (const guint8 *) "JP\0\1\0\0\0\1", 8);
  g_byte_array_append (file, store->data, store->len);
  check_c2pa (file, TRUE, "m");

  g_byte_array_set_size (file, 0);
  g_byte_array_append (file, (const guint8 *) "\x89PNG\r\n\x1a\n\0\0\0\1IHDRx"
      "crcc", 21);
  check_c2pa (file, FALSE, NULL);
  g_byte_array_append (file, (const guint8 *) &chunk, 4);
  g_byte_array_append (file, (const guint8 *) "caBX", 4);
  g_byte_array_append (file, store->data, store->len);
  check_c2pa (file, TRUE, "m");

  g_byte_array_set_size (file, 0);
  chunk = GUINT32_TO_LE (store->len);
  g_byte_array_append (file, (const guint8 *) "RIFF\0\0\0\0WAVEC2PA", 16);
  g_byte_array_append (file, (const guint8 *) &chunk, 4);
  g_byte_array_append (file, store->data, store->len);
  check_c2pa (file, TRUE, "m");
  g_byte_array_unref (file);
  g_byte_array_unref (store);
}

GST_END_TEST;

static Suite *
emulatorparts_suite (void)
{
  Suite *suite = suite_create ("emulatorparts");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_choice);
  tcase_add_test (tc, test_choice_varying_rate);
  tcase_add_test (tc, test_heuristics);
  tcase_add_test (tc, test_models);
  tcase_add_test (tc, test_face_box);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_rate_limit);
  tcase_add_test (tc, test_rates);
  tcase_add_test (tc, test_keys);
  tcase_add_test (tc, test_faults);
  tcase_add_test (tc, test_fault_fields);
  tcase_add_test (tc, test_c2pa);
  tcase_add_test (tc, test_c2pa_pictures);
  return suite;
}

GST_CHECK_MAIN (emulatorparts);
