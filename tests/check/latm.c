/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * AAC out of LOAS: streams are written bit by bit, as ISO/IEC 14496-3 has it, and
 * come in pieces of any size.
 */

#include "latm.h"

#include <gst/check/gstcheck.h>
#include <string.h>

#define FRAME_DURATION gst_util_uint64_scale (1024, GST_SECOND, 48000)

/*** writing ***/

typedef struct
{
  guint8 data[16384];
  guint n_bits;
} Bits;

static void
put (Bits * bits, guint n, guint value)
{
  for (; n > 0; n--, bits->n_bits++) {
    if (bits->n_bits % 8 == 0)
      bits->data[bits->n_bits / 8] = 0;
    bits->data[bits->n_bits / 8] |=
        (value >> (n - 1) & 1) << (7 - bits->n_bits % 8);
  }
}

/* What a stream is like. */
typedef struct
{
  const gchar *name;
  guint version;                /* audioMuxVersion */
  guint subframes;
  guint object_type;            /* 2: LC, 5: SBR, 29: PS */
  guint channels;               /* channelConfiguration; 0: of its own */
  gboolean other_data, crc;
  guint config_every;           /* frames */
  gsize piece;                  /* bytes of a buffer; 0: a frame each */
  gsize size;                   /* of a payload */
  const gchar *codec_data;      /* of the caps, hexadecimal */
  gint caps_channels;           /* 0: none */
  gint caps_rate;
} Row;

static const Row rows[] = {
  {"LC", 0, 1, 2, 2, FALSE, FALSE, 1, 0, 100, "1190", 2, 48000},
  {"mono", 0, 1, 2, 1, FALSE, FALSE, 20, 0, 300, "1188", 1, 48000},
  {"5.1", 0, 1, 2, 6, FALSE, TRUE, 5, 0, 765, "11b0", 6, 48000},
  {"7.1", 0, 1, 2, 7, FALSE, FALSE, 5, 0, 40, "11b8", 8, 48000},
  {"SBR", 0, 1, 5, 2, FALSE, FALSE, 3, 0, 255, "2b118800", 2, 48000},
  {"PS", 0, 1, 29, 1, FALSE, FALSE, 3, 0, 256, "eb098800", 2, 48000},
  {"version 1", 1, 1, 2, 2, FALSE, FALSE, 4, 0, 100, "1190", 2, 48000},
  {"version 1, all of it", 1, 2, 2, 2, TRUE, TRUE, 4, 0, 510, "1190", 2,
      48000},
  {"subframes", 0, 4, 2, 2, TRUE, FALSE, 2, 0, 90, "1190", 2, 48000},
  {"other data", 0, 1, 2, 2, TRUE, TRUE, 2, 0, 90, "1190", 2, 48000},
  {"channels of its own", 0, 1, 2, 0, FALSE, FALSE, 2, 0, 90,
      "118004c80000200000", 0, 48000},
  {"pieces", 0, 1, 2, 2, FALSE, FALSE, 4, 7, 100, "1190", 2, 48000},
  {"packets", 0, 1, 2, 2, FALSE, FALSE, 4, 184, 100, "1190", 2, 48000},
  {"many at once", 0, 1, 2, 2, FALSE, FALSE, 4, 1000, 100, "1190", 2, 48000},
  {"bytes", 0, 2, 5, 2, TRUE, TRUE, 1, 1, 60, "2b118800", 2, 48000},
};

static void
put_audio_config (Bits * bits, const Row * row)
{
  guint i;

  put (bits, 5, row->object_type);
  put (bits, 4, row->object_type == 2 ? 3 : 6); /* 48000 or 24000 Hz */
  put (bits, 4, row->channels);
  if (row->object_type != 2) {
    put (bits, 4, 3);
    put (bits, 5, 2);
  }
  put (bits, 3, 0);             /* GASpecificConfig */
  if (row->channels == 0) {
    put (bits, 4, 0);
    put (bits, 2, 1);
    put (bits, 4, 3);
    put (bits, 4, 2);           /* two front elements */
    for (i = 0; i < 4; i++)
      put (bits, i == 2 ? 2 : i == 3 ? 3 : 4, 0);
    put (bits, 4, 0);
    put (bits, 3, 0);           /* mixdowns */
    put (bits, 10, 1 << 9);
  }
}

static void
put_value (Bits * bits, guint value)
{
  put (bits, 2, 1);
  put (bits, 16, value);
}

/* The program_config_element is aligned to the start of the config. */
static void
put_config (Bits * bits, const Row * row)
{
  Bits config = { {0,}, 0 };
  guint i;

  put_audio_config (&config, row);
  if (row->channels == 0) {
    put (&config, (8 - config.n_bits % 8) % 8, 0);
    put (&config, 8, 0);        /* no comment */
  }
  if (row->version)
    put_value (bits, config.n_bits);
  for (i = 0; i < config.n_bits; i++)
    put (bits, 1, config.data[i / 8] >> (7 - i % 8) & 1);
}

static void
put_mux_config (Bits * bits, const Row * row)
{
  put (bits, 1, row->version);
  if (row->version) {
    put (bits, 1, 0);
    put_value (bits, 1000);
  }
  put (bits, 1, 1);
  put (bits, 6, row->subframes - 1);
  put (bits, 4, 0);
  put (bits, 3, 0);
  put_config (bits, row);
  put (bits, 3, 0);
  put (bits, 8, 255);
  put (bits, 1, row->other_data);
  if (row->other_data && row->version) {
    put_value (bits, 8);
  } else if (row->other_data) {
    put (bits, 1, 1);
    put (bits, 8, 0);
    put (bits, 1, 0);
    put (bits, 8, 8);
  }
  put (bits, 1, row->crc);
  if (row->crc)
    put (bits, 8, 0x77);
}

/* Payloads are told apart by what they are filled with. */
static void
put_frame (GByteArray * stream, const Row * row, guint n)
{
  Bits bits = { {0,}, 0 };
  guint8 header[3];
  guint i, k, length;

  put (&bits, 1, n % row->config_every != 0);
  if (n % row->config_every == 0)
    put_mux_config (&bits, row);
  for (i = 0; i < row->subframes; i++) {
    for (length = row->size; length >= 255; length -= 255)
      put (&bits, 8, 255);
    put (&bits, 8, length);
    for (k = 0; k < row->size; k++)
      put (&bits, 8, n * row->subframes + i + k);
  }
  if (row->other_data)
    put (&bits, 8, 0xaa);
  length = (bits.n_bits + 7) / 8;
  header[0] = 0x56;
  header[1] = 0xe0 | length >> 8;
  header[2] = length;
  g_byte_array_append (stream, header, 3);
  g_byte_array_append (stream, bits.data, length);
}

/*** reading ***/

static void
push (IdentifaiLatm * latm, const guint8 * data, gsize size, GstClockTime pts)
{
  GstBuffer *buffer = gst_buffer_new_memdup (data, size);

  GST_BUFFER_PTS (buffer) = pts;
  identifai_latm_push (latm, buffer);
}

/* Takes all, which must be n and up; returns how many there were. */
static guint
pop_all (IdentifaiLatm * latm, const Row * row, guint n, gboolean timed)
{
  GstBuffer *frame;
  guint8 expected[1024];
  guint count = 0, k;

  for (; (frame = identifai_latm_pop (latm)); n++, count++) {
    for (k = 0; k < row->size; k++)
      expected[k] = n + k;
    gst_check_buffer_data (frame, expected, row->size);
    if (timed)
      fail_unless_equals_uint64 (GST_BUFFER_PTS (frame), n *
          GST_BUFFER_DURATION (frame));
    gst_buffer_unref (frame);
  }

  return count;
}

static void
check_caps (IdentifaiLatm * latm, const Row * row)
{
  gchar *text = g_strdup_printf ("audio/mpeg, mpegversion=4, "
      "stream-format=raw, framed=true, rate=%d, codec_data=(buffer)%s",
      row->caps_rate, row->codec_data);
  GstCaps *caps = gst_caps_from_string (text);

  if (row->caps_channels > 0)
    gst_caps_set_simple (caps, "channels", G_TYPE_INT, row->caps_channels,
        NULL);
  fail_unless (identifai_latm_get_caps (latm) != NULL, "%s", row->name);
  fail_unless (gst_caps_is_equal (caps, identifai_latm_get_caps (latm)),
      "%s: %" GST_PTR_FORMAT, row->name, identifai_latm_get_caps (latm));
  gst_caps_unref (caps);
  g_free (text);
}

#define FRAMES 40

GST_START_TEST (test_rows)
{
  const Row *row = &rows[__i__];
  IdentifaiLatm *latm = identifai_latm_new ("test");
  GByteArray *stream = g_byte_array_new ();
  GstClockTime length = row->subframes * FRAME_DURATION;
  guint n = 0, i, from;

  if (row->object_type != 2)
    length = gst_util_uint64_scale (row->subframes * 1024, GST_SECOND, 24000);
  for (i = 0; row->piece == 0 && i < FRAMES; i++) {
    g_byte_array_set_size (stream, 0);
    put_frame (stream, row, i);
    push (latm, stream->data, stream->len, i * length);
    n += pop_all (latm, row, n, row->subframes == 1);
  }
  for (i = 0; row->piece > 0 && i < FRAMES; i++)
    put_frame (stream, row, i);
  for (from = 0; row->piece > 0 && from < stream->len; from += row->piece) {
    push (latm, stream->data + from, MIN (row->piece, stream->len - from),
        from == 0 ? 0 : GST_CLOCK_TIME_NONE);
    n += pop_all (latm, row, n, TRUE);
  }
  fail_unless_equals_int (n, FRAMES * row->subframes);
  check_caps (latm, row);
  g_byte_array_unref (stream);
  identifai_latm_free (latm);
}

GST_END_TEST;

/* It may start anywhere, and lose something: nothing is made up, and all that is
 * whole comes, once there was a config. */
GST_START_TEST (test_damage)
{
  const Row *row = &rows[1];    /* a config each 20 frames */
  IdentifaiLatm *latm = identifai_latm_new ("test");
  GByteArray *stream = g_byte_array_new ();
  guint at[FRAMES + 1], middle, i;

  for (i = 0; i < FRAMES; i++) {
    at[i] = stream->len;
    put_frame (stream, row, i);
  }
  at[FRAMES] = stream->len;
  middle = (at[5] + at[6]) / 2;
  push (latm, stream->data + middle, at[20] - middle, 0);
  fail_unless (identifai_latm_pop (latm) == NULL);
  fail_unless (identifai_latm_get_caps (latm) == NULL);
  push (latm, stream->data + at[20], at[FRAMES] - at[20], 0);
  fail_unless_equals_int (pop_all (latm, row, 20, FALSE), 20);

  identifai_latm_clear (latm);
  stream->data[at[21]] ^= 0xff;
  push (latm, stream->data + at[21], at[23] - at[21], 0);
  fail_unless_equals_int (pop_all (latm, row, 22, FALSE), 1);
  g_byte_array_unref (stream);
  identifai_latm_free (latm);
}

GST_END_TEST;

/* What came in one buffer need not be of one kind, nor all of it whole. */
GST_START_TEST (test_configs_in_one_buffer)
{
  const Row *row = &rows[0], *other = &rows[4];
  IdentifaiLatm *latm = identifai_latm_new ("test");
  GByteArray *stream = g_byte_array_new ();
  guint last;

  put_frame (stream, row, 0);
  put_frame (stream, other, 0);
  last = stream->len;
  put_frame (stream, row, 0);
  stream->data[last + 3] |= 0x60;       /* a version that isn't defined yet */
  push (latm, stream->data, stream->len, 0);
  fail_unless (identifai_latm_is_readable (latm));
  gst_buffer_unref (identifai_latm_pop (latm));
  check_caps (latm, row);
  gst_buffer_unref (identifai_latm_pop (latm));
  check_caps (latm, other);
  fail_unless (identifai_latm_pop (latm) == NULL);
  fail_unless (!identifai_latm_is_readable (latm));
  g_byte_array_unref (stream);
  identifai_latm_free (latm);
}

GST_END_TEST;

/* The config says that it is longer than the frame. */
GST_START_TEST (test_config_without_end)
{
  IdentifaiLatm *latm = identifai_latm_new ("test");
  GByteArray *stream = g_byte_array_new ();
  Row row = rows[6];

  row.size = 20;
  put_frame (stream, &row, 0);
  fail_unless_equals_int (stream->data[3 + 5], 0x00);
  stream->data[3 + 5] = 0x0f;   /* 35 bits before it; 16 bits of a length */
  push (latm, stream->data, stream->len, 0);
  fail_unless (identifai_latm_pop (latm) == NULL);
  fail_unless (!identifai_latm_is_readable (latm));
  g_byte_array_unref (stream);
  identifai_latm_free (latm);
}

GST_END_TEST;

/* Whatever the bits say, it ends, and what comes out is within what came in. */
GST_START_TEST (test_noise)
{
  const Row *row = &rows[__i__ % G_N_ELEMENTS (rows)];
  GRand *random = g_rand_new_with_seed (__i__);
  IdentifaiLatm *latm = identifai_latm_new ("test");
  GByteArray *stream = g_byte_array_new ();
  GstBuffer *frame;
  gsize sum = 0;
  guint i;

  for (i = 0; i < FRAMES; i++)
    put_frame (stream, row, i);
  for (i = 0; i < 200; i++)
    stream->data[g_rand_int_range (random, 0, stream->len)] =
        g_rand_int (random);
  for (i = 0; i < stream->len; i += 100)
    push (latm, stream->data + i, MIN (100, stream->len - i), i * GST_MSECOND);
  while ((frame = identifai_latm_pop (latm))) {
    sum += gst_buffer_get_size (frame);
    gst_buffer_unref (frame);
  }
  fail_unless (sum <= stream->len);
  g_byte_array_unref (stream);
  identifai_latm_free (latm);
  g_rand_free (random);
}

GST_END_TEST;

static Suite *
latm_suite (void)
{
  Suite *suite = suite_create ("latm");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_loop_test (tc, test_rows, 0, G_N_ELEMENTS (rows));
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_configs_in_one_buffer);
  tcase_add_test (tc, test_config_without_end);
  tcase_add_loop_test (tc, test_noise, 0, 60);

  return suite;
}

GST_CHECK_MAIN (latm);
