/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The order in which pictures are shown, as H.264 and H.265 headers that are
 * written bit by bit here say it, and the times that it makes.
 */

#include "h26xtimestamper.h"
#include "pictureorder.h"

#include <gst/check/gstcheck.h>
#include <stdio.h>
#include <string.h>

/*** writing NAL units ***/

typedef struct
{
  guint8 data[256];
  guint n;                      /* bits */
} Writer;

static void
put (Writer * w, guint value, guint n)
{
  for (; n > 0; n--, w->n++) {
    fail_unless (w->n < 8 * sizeof (w->data));
    w->data[w->n / 8] |= ((value >> (n - 1)) & 1) << (7 - w->n % 8);
  }
}

static void
put_ue (Writer * w, guint value)
{
  guint n = g_bit_storage (value + 1);

  put (w, 0, n - 1);
  put (w, value + 1, n);
}

static void
put_se (Writer * w, gint value)
{
  put_ue (w, value > 0 ? 2 * value - 1 : -2 * value);
}

/* The stop bit, and what keeps start codes out; frees nothing. */
static IdentifaiDisplayOrder
give (IdentifaiPictureOrder * poc, Writer * w)
{
  guint8 unit[2 * sizeof (w->data)];
  guint size = 0, zeros = 0, i;
  IdentifaiDisplayOrder order = { FALSE, };

  put (w, 0x80, 8);
  for (i = 0; i < (w->n + 7) / 8; i++) {
    if (zeros >= 2 && w->data[i] <= 3) {
      unit[size++] = 3;
      zeros = 0;
    }
    unit[size++] = w->data[i];
    zeros = w->data[i] ? 0 : zeros + 1;
  }
  identifai_picture_order_read (poc, unit, size, &order);

  return order;
}

/*** H.264 ***/

typedef struct
{
  guint profile;
  guint type;
  gboolean interlaced;
  gint depth;                   /* -1: not said */
  gboolean hrd;                 /* in front of it */
} Sequence;

static void
put_order_type (Writer * w, guint type)
{
  put_ue (w, type);
  if (type == 0)
    put_ue (w, 0);              /* lsb: 4 bits */
  if (type == 1) {
    put (w, 0, 1);
    put_se (w, -1);             /* no reference */
    put_se (w, 1);              /* bottom */
    put_ue (w, 2);
    put_se (w, 2);
    put_se (w, 4);
  }
}

static void
put_hrd (Writer * w)
{
  put_ue (w, 0);
  put (w, 0, 8);
  put_ue (w, 1000);
  put_ue (w, 2000);
  put (w, 0, 21);
}

static void
put_usability (Writer * w, const Sequence * sequence)
{
  put (w, 1, 1);
  put (w, 1, 1);
  put (w, 255, 8);
  put (w, 0x00010001, 32);      /* aspect */
  put (w, 1, 1);
  put (w, 0, 1);                /* overscan */
  put (w, 1, 1);
  put (w, 1, 4);
  put (w, 1, 1);
  put (w, 0x010101, 24);        /* video signal */
  put (w, 1, 1);
  put_ue (w, 0);
  put_ue (w, 0);                /* chroma */
  put (w, 1, 1);
  put (w, 1, 32);
  put (w, 50, 32);
  put (w, 1, 1);                /* timing */
  put (w, sequence->hrd, 1);
  if (sequence->hrd)
    put_hrd (w);
  put (w, 0, 1);
  put (w, 0, sequence->hrd ? 2 : 1);
  put (w, sequence->depth >= 0, 1);
  if (sequence->depth < 0)
    return;
  put (w, 1, 1);
  put_ue (w, 0);
  put_ue (w, 0);
  put_ue (w, 11);
  put_ue (w, 11);
  put_ue (w, sequence->depth);
  put_ue (w, 4);
}

static void
give_h264_sets (IdentifaiPictureOrder * poc, const Sequence * sequence)
{
  Writer sps = { {0x67}, 8 }, pps = { {0x68}, 8 };
  guint i;

  put (&sps, sequence->profile, 8);
  put (&sps, 30, 16);
  put_ue (&sps, 3);             /* id */
  if (sequence->profile == 100) {
    put_ue (&sps, 1);
    put_ue (&sps, 0);
    put_ue (&sps, 0);
    put (&sps, 1, 2);           /* scaling matrix: */
    put (&sps, 1, 1);
    for (i = 0; i < 16; i++)
      put_se (&sps, i % 2 ? 1 : -1);
    put (&sps, 1, 1);
    put_se (&sps, -8);          /* the rest is as before */
    put (&sps, 0, 6);
  }
  put_ue (&sps, 0);             /* frame_num: 4 bits */
  put_order_type (&sps, sequence->type);
  put_ue (&sps, 4);
  put (&sps, 0, 1);
  put_ue (&sps, 19);
  put_ue (&sps, 14);
  put (&sps, !sequence->interlaced, 1);
  if (sequence->interlaced)
    put (&sps, 0, 1);
  put (&sps, 1, 1);
  put (&sps, 1, 1);
  for (i = 0; i < 4; i++)
    put_ue (&sps, 1);           /* cropping */
  put_usability (&sps, sequence);
  fail_if (give (poc, &sps).is_known);

  put_ue (&pps, 5);
  put_ue (&pps, 3);
  put (&pps, 1, 1);
  put (&pps, 1, 1);             /* bottom field's order in frames */
  fail_if (give (poc, &pps).is_known);
}

/* One picture: "I" IDR, "P" a reference, "b" none; frame_num, lsb (type 0);
 * then "t" or "b" of a field. */
static IdentifaiDisplayOrder
give_h264_picture (IdentifaiPictureOrder * poc, const Sequence * sequence,
    const gchar * text)
{
  gchar kind = text[0], field = 0;
  guint frame_num = 0, lsb = 0;
  Writer slice = { {0}, 8 };

  fail_unless (sscanf (text + 1, "%u/%u%c", &frame_num, &lsb, &field) >= 2);
  slice.data[0] = kind == 'I' ? 0x65 : kind == 'P' ? 0x41 : 0x01;
  put_ue (&slice, 0);
  put_ue (&slice, 7);
  put_ue (&slice, 5);
  put (&slice, frame_num, 4);
  if (sequence->interlaced)
    put (&slice, field == 't' ? 2 : field == 'b' ? 3 : 0,
        field == 't' || field == 'b' ? 2 : 1);
  if (kind == 'I')
    put_ue (&slice, 1);
  if (sequence->type == 0)
    put (&slice, lsb, 4);
  if (sequence->type == 1)
    put_se (&slice, 0);
  if (sequence->type < 2 && field != 't' && field != 'b')
    put_se (&slice, sequence->type == 0 ? 1 : 0);
  put (&slice, 0xabcdef, 24);

  return give (poc, &slice);
}

typedef struct
{
  Sequence sequence;
  const gchar *pictures;
  const gchar *orders;          /* epoch:count, "+" a second field */
} OrderRow;

static const OrderRow order_rows[] = {
  {{77, 0, FALSE, 2, FALSE}, "I0/0 P1/8 b2/4 b2/2 b2/6 P2/0 b3/12 P3/8",
      "1:0 1:8 1:4 1:2 1:6 1:16 1:12 1:24"},
  /* pictures before an I that is no IDR; a second IDR */
  {{100, 0, FALSE, 0, TRUE}, "I0/0 P1/14 b2/12 I0/0 P1/2",
      "1:0 1:-2 1:-4 2:0 2:2"},
  {{100, 0, TRUE, 3, FALSE}, "I0/0t P0/1b P1/8t P1/9b b2/4t b2/5b P2/10 ",
      "1:0 1:1+ 1:8 1:9+ 1:4 1:5+ 1:10"},
  /* a cycle of 2 and 4, -1 if no reference */
  {{77, 1, FALSE, 1, FALSE}, "I0/0 P1/0 b2/0 P2/0 P3/0 b4/0",
      "1:0 1:2 1:1 1:6 1:8 1:7"},
  {{77, 1, TRUE, -1, FALSE}, "I0/0t P0/0b P1/0t P1/0b", "1:0 1:1+ 1:2 1:3+"},
  /* fields that make no frame: the same parity, another frame, a new start */
  {{77, 1, TRUE, -1, FALSE}, "I0/0t P0/0t P0/0b P0/0t P1/0b b1/0t I0/0b",
      "1:0 1:0 1:1+ 1:0 1:3 1:-1 2:1"},
  /* frame_num wraps */
  {{66, 2, FALSE, -1, TRUE}, "I0/0 P1/0 b2/0 P2/0 P15/0 P0/0 P1/0 I0/0",
      "1:0 1:2 1:3 1:4 1:30 1:32 1:34 2:0"},
};

static void
check_orders (IdentifaiPictureOrder * poc, const OrderRow * row)
{
  gchar **pictures = g_strsplit (row->pictures, " ", -1);
  gchar **orders = g_strsplit (row->orders, " ", -1);
  gint depth = row->sequence.type == 2 ? 0 : row->sequence.depth;
  guint i;

  for (i = 0; orders[i]; i++) {
    IdentifaiDisplayOrder order = give_h264_picture (poc, &row->sequence,
        pictures[i]);
    gchar *text = g_strdup_printf ("%" G_GUINT64_FORMAT ":%" G_GINT64_FORMAT
        "%s", order.epoch, order.count, order.is_second_field ? "+" : "");

    fail_unless (order.is_known, "%s", pictures[i]);
    fail_unless_equals_string (text, orders[i]);
    fail_unless_equals_int (order.depth, depth);
    g_free (text);
  }
  g_strfreev (pictures);
  g_strfreev (orders);
}

GST_START_TEST (test_h264)
{
  IdentifaiPictureOrder *poc =
      identifai_picture_order_new ("test", IDENTIFAI_CODEC_H264);
  const OrderRow *row = &order_rows[__i__];

  /* without its parameter sets nothing is known */
  fail_if (give_h264_picture (poc, &row->sequence, "I0/0").is_known);
  give_h264_sets (poc, &row->sequence);
  check_orders (poc, row);
  identifai_picture_order_free (poc);
}

GST_END_TEST;

/*** H.265 ***/

static void
give_h265_sets (IdentifaiPictureOrder * poc, guint n_layers, gint depth)
{
  Writer sps = { {33 << 1, 1}, 16 }, pps = { {34 << 1, 1}, 16 };
  guint i;

  put (&sps, 0, 4);
  put (&sps, n_layers - 1, 3);
  put (&sps, 1, 1);
  for (i = 0; i < 96 / 8; i++)
    put (&sps, 0x11, 8);
  for (i = 1; i < n_layers; i++)
    put (&sps, 3, 2);
  if (n_layers > 1)
    put (&sps, 0, 2 * (9 - n_layers));
  for (i = 1; i < n_layers; i++) {
    put (&sps, 0, 32);
    put (&sps, 0, 32);
    put (&sps, 0, 32);
  }
  put_ue (&sps, 2);             /* id */
  put_ue (&sps, 3);
  put (&sps, 1, 1);             /* separate planes */
  put_ue (&sps, 320);
  put_ue (&sps, 240);
  put (&sps, 0, 1);
  put_ue (&sps, 0);
  put_ue (&sps, 0);
  put_ue (&sps, 0);             /* lsb: 4 bits */
  put (&sps, 1, 1);
  for (i = 1; i <= n_layers; i++) {
    put_ue (&sps, 4);
    put_ue (&sps, i == n_layers ? depth : 0);
    put_ue (&sps, 0);
  }
  put (&sps, 0, 24);
  fail_if (give (poc, &sps).is_known);

  put_ue (&pps, 1);
  put_ue (&pps, 2);
  put (&pps, 0, 1);
  put (&pps, 1, 1);             /* output flag */
  put (&pps, 2, 3);             /* extra bits */
  fail_if (give (poc, &pps).is_known);
}

static IdentifaiDisplayOrder
give_h265_slice (IdentifaiPictureOrder * poc, guint type, guint layer,
    gboolean first, guint lsb)
{
  Writer slice = { {type << 1, layer + 1}, 16 };

  put (&slice, first, 1);
  if (type >= 16)
    put (&slice, 0, 1);
  put_ue (&slice, 1);
  put (&slice, 3, 2);
  put_ue (&slice, 1);
  put (&slice, 1, 1);
  put (&slice, 2, 2);
  if (type != 19 && type != 20)
    put (&slice, lsb, 4);
  put (&slice, 0xabcdef, 24);

  return give (poc, &slice);
}

typedef struct
{
  guint type, layer, lsb;
  guint64 epoch;
  gint64 count;
} H265Row;

/* One stream. */
static const H265Row h265_rows[] = {
  {19, 0, 0, 1, 0},             /* IDR */
  {7, 0, 14, 1, -2},            /* RADL: carries nothing on */
  {1, 0, 8, 1, 8},
  {0, 0, 4, 1, 4},              /* no reference */
  {1, 1, 2, 1, 2},              /* of a higher layer */
  {1, 0, 15, 1, 15},
  {1, 0, 4, 1, 20},
  {21, 0, 12, 1, 28},           /* CRA: goes on */
  {9, 0, 9, 1, 25},             /* RASL */
  {1, 0, 2, 1, 34},
  {16, 0, 12, 2, 12},           /* BLA: starts over */
  {1, 0, 0, 2, 16},
};

GST_START_TEST (test_h265)
{
  IdentifaiPictureOrder *poc =
      identifai_picture_order_new ("test", IDENTIFAI_CODEC_H265);
  guint i;

  fail_if (give_h265_slice (poc, 19, 0, TRUE, 0).is_known);
  give_h265_sets (poc, 1 + __i__, 3);
  for (i = 0; i < G_N_ELEMENTS (h265_rows); i++) {
    const H265Row *row = &h265_rows[i];
    IdentifaiDisplayOrder order =
        give_h265_slice (poc, row->type, row->layer, TRUE,
        row->lsb);

    fail_unless (order.is_known);
    fail_unless_equals_uint64 (order.epoch, row->epoch);
    fail_unless_equals_int64 (order.count, row->count);
    fail_unless_equals_int (order.depth, 3);
    fail_if (give_h265_slice (poc, row->type, row->layer, FALSE, 7).is_known);
  }
  identifai_picture_order_free (poc);
}

GST_END_TEST;

/* Two views: the second one's sets and slices change nothing. */
GST_START_TEST (test_h265_views)
{
  static const guint8 layers[][2] = { {0, 1 << 3}, {1, 0} };
  IdentifaiPictureOrder *poc =
      identifai_picture_order_new ("test", IDENTIFAI_CODEC_H265);
  IdentifaiDisplayOrder order;
  guint i, k;

  give_h265_sets (poc, 1, 3);
  fail_unless_equals_int64 (give_h265_slice (poc, 19, 0, TRUE, 0).count, 0);
  for (i = 0; i < G_N_ELEMENTS (layers); i++) {
    Writer sps = { {33 << 1 | layers[i][0], 1 | layers[i][1]}, 16 };
    Writer slice = { {1 << 1 | layers[i][0], 1 | layers[i][1]}, 16 };

    for (k = 0; k < 13; k++)
      put (&sps, 0, 8);
    put_ue (&sps, 2);           /* the same id, and the rest is another's */
    put (&sps, 0x55555555, 32);
    put (&sps, 0x55555555, 32);
    put (&sps, 0x55555555, 32);
    give (poc, &sps);
    put (&slice, 1, 1);
    put_ue (&slice, 1);
    put (&slice, 0x5555, 16);
    fail_if (give (poc, &slice).is_known);
  }
  order = give_h265_slice (poc, 1, 0, TRUE, 8);
  fail_unless_equals_int64 (order.count, 8);
  fail_unless_equals_int (order.depth, 3);
  identifai_picture_order_free (poc);
}

GST_END_TEST;

/* They are the same sets again with the next key frame. */
GST_START_TEST (test_h265_views_repeat)
{
  static const guint8 data[] = { 0, 0, 1, 33 << 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9,
    10, 11, 12, 13, 0x80,
    0, 0, 1, 33 << 1, 1 | 1 << 3, 0x0e, 0x80,
    0, 0, 1, 34 << 1, 1, 0x80,
    0, 0, 1, 19 << 1, 1, 0x80, 0x55
  };
  GstCaps *caps = gst_caps_from_string ("video/x-h265, "
      "stream-format=byte-stream, alignment=au");
  IdentifaiFrameReader *reader = identifai_frame_reader_new ("test", caps);
  GstBuffer *buffer = gst_buffer_new_memdup (data, sizeof (data));
  IdentifaiFrameInfo info;
  guint i;

  for (i = 0; i < 3; i++) {
    identifai_frame_reader_read (reader, buffer, &info);
    fail_unless (info.has_headers);
    fail_unless_equals_int (info.point, IDENTIFAI_POINT_CLOSED);
    fail_if (info.new_headers);
  }
  gst_buffer_unref (buffer);
  identifai_frame_reader_free (reader);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Every cut of every unit is read without going past its end (sanitizers), and
 * hostile numbers make no difference to what comes after new sets. */
GST_START_TEST (test_hostile)
{
  IdentifaiCodecId codec = __i__ ? IDENTIFAI_CODEC_H265 : IDENTIFAI_CODEC_H264;
  IdentifaiPictureOrder *poc = identifai_picture_order_new ("test", codec);
  GRand *rand = g_rand_new_with_seed (7);
  IdentifaiDisplayOrder order;
  guint i, k;

  for (i = 0; i < 200000; i++) {
    gsize size = g_rand_int_range (rand, 0, 40);
    guint8 *unit = g_malloc (size);
    static const guint8 types[2][4] = { {0x67, 0x68, 0x65, 0x41},
    {33 << 1, 34 << 1, 19 << 1, 1 << 1}
    };

    for (k = 0; k < size; k++)
      unit[k] = g_rand_int (rand) & (i % 3 ? 0xff : g_rand_int (rand));
    if (size > 0)
      unit[0] = types[__i__][i % 4];
    identifai_picture_order_read (poc, unit, size, &order);
    g_free (unit);
  }
  g_rand_free (rand);
  if (codec == IDENTIFAI_CODEC_H264) {
    give_h264_sets (poc, &order_rows[0].sequence);
    order = give_h264_picture (poc, &order_rows[0].sequence, "I0/0");
  } else {
    give_h265_sets (poc, 1, 3);
    order = give_h265_slice (poc, 19, 0, TRUE, 0);
  }
  fail_unless (order.is_known);
  fail_unless_equals_int64 (order.count, 0);
  identifai_picture_order_free (poc);
}

GST_END_TEST;

/*** times ***/

/* "COUNT" of a frame, "!" in front: it restarts the count; "?": not known; then
 * "=": its PTS is its DTS, "@MS": its PTS; DTS are 0, 10, 20, … */
static IdentifaiFrame *
make_frame (const gchar * text, guint i, gint depth, guint64 * epoch)
{
  IdentifaiFrame *frame = g_new0 (IdentifaiFrame, 1);
  const gchar *at = strchr (text, '@');

  if (text[0] == '!')
    ++ * epoch;
  frame->dts = i * 10;
  frame->pts = IDENTIFAI_NO_TIME;
  if (strchr (text, '='))
    frame->pts = frame->dts;
  if (at)
    frame->pts = atoi (at + 1);
  frame->info.order.is_known = text[0] != '?';
  frame->info.order.epoch = *epoch;
  frame->info.order.count = atoi (text + strspn (text, "!?"));
  frame->info.order.depth = depth;

  return frame;
}

static void
log_ready (GQueue * ready, GString * log)
{
  IdentifaiFrame *frame;

  while ((frame = g_queue_pop_head (ready))) {
    fail_unless (frame->pts >= frame->dts);
    g_string_append_printf (log, "%s%" G_GINT64_FORMAT, log->len ? " " : "",
        frame->pts);
    identifai_frame_free (frame);
  }
}

typedef struct
{
  gint depth;                   /* as the headers say */
  const gchar *frames;          /* as decoded */
  const gchar *times;           /* PTS, as decoded */
} TimeRow;

static const TimeRow time_rows[] = {
  {2, "!0= 4 2 1 3 8 6 5 7", "20 60 40 30 50 100 80 70 90"},
  /* not said in the headers */
  {-1, "!0= 4 2 1 3 8 6 5 7", "20 60 40 30 50 100 80 70 90"},
  {-1, "!0= 1 2 3", "0 10 20 30"},
  {-1, "!0= 2 1 4 3 6 5 8 7 10 9 12 11 14 13 16 15 18 17 20 19",
      "10 30 20 50 40 70 60 90 80 110 100 130 120 150 140 170 160 190 180 "
        "210 200"},
  /* the headers say too little, too much */
  {1, "!0= 4 2 1 3", "10 60 20 40 50"},
  {3, "!0= 2 1 4 3", "30 50 40 70 60"},
  {0, "!0= 1 2", "0 10 20"},
  /* groups; the first key frames of a demuxer without PTS */
  {1, "!0= 2 1 !0= 2 1 !0=", "10 30 20 40 60 50 70"},
  {1, "!0= !0= 2 1", "0 10 40 30"},
  /* PTS are given */
  {1, "!0@10 2@30 1@20", "10 30 20"},
  {0, "!0= 1= 2=", "0 10 20"},
  {2, "!0= 1= 2= 3=", "0 10 20 30"},
  {2, "!0=", "0"},
  /* some are */
  {1, "!0@10 2@30 1@20 4 3 6 5", "10 30 20 50 40 70 60"},
  {2, "!0 4@60 2@40 1@30 3@50", "20 60 40 30 50"},
  {-1, "!0 4@60 2@40 1@30 3@50", "20 60 40 30 50"},
  {2, "!0@20 8@100 4 2 6 16@180 12 !0 8@270 4", "20 100 60 40 80 180 140 "
        "190 270 230"},
  {1, "!0@10 2@30 1@20 4 3 6@70 5@60 8 7", "10 30 20 50 40 70 60 90 80"},
  {0, "!0@0 2@20 !0 1@30", "0 20 20 30"},
  /* an order that is missing */
  {1, "!0= 2 ? 4 3", "10 20 30 50 40"},
  /* it starts over within a group */
  {1, "!0= 102 101 104 103 0 2 1 4 3", "10 30 20 50 40 60 80 70 100 90"},
};

GST_START_TEST (test_times)
{
  const TimeRow *row = &time_rows[__i__];
  IdentifaiH26xTimestamper *orderer = identifai_h26x_timestamper_new ("test");
  gchar **frames = g_strsplit (row->frames, " ", -1);
  GString *log = g_string_new (NULL);
  GQueue ready = G_QUEUE_INIT;
  guint64 epoch = 0;
  guint i;

  for (i = 0; frames[i]; i++) {
    identifai_h26x_timestamper_push (orderer, make_frame (frames[i], i,
            row->depth, &epoch), &ready);
    log_ready (&ready, log);
  }
  identifai_h26x_timestamper_drain (orderer, &ready);
  log_ready (&ready, log);
  fail_unless_equals_string (log->str, row->times);
  /* what is held goes, too */
  identifai_h26x_timestamper_push (orderer, make_frame ("0", i, -1, &epoch),
      &ready);
  identifai_h26x_timestamper_clear (orderer);
  identifai_h26x_timestamper_push (orderer, make_frame ("0", i, -1, &epoch),
      &ready);
  identifai_h26x_timestamper_free (orderer);
  log_ready (&ready, log);
  g_string_free (log, TRUE);
  g_strfreev (frames);
}

GST_END_TEST;

/* A count that starts over where nothing tells (memory management operation 5),
 * that falls for ever, or that is nonsense: frames go on all the same. */

typedef struct
{
  gint depth;
    gint64 (*count) (guint i);
    gint64 (*dts) (guint i);
} EndlessRow;

static gint64
count_restarts (guint i)
{
  return i < 6 ? 1000 + i : i;
}

static gint64
count_falls (guint i)
{
  return -(gint64) i;
}

static gint64
count_random (guint i)
{
  return (i * G_GUINT64_CONSTANT (2654435761)) % 100003;
}

static gint64
dts_even (guint i)
{
  return i * 10;
}

static gint64
dts_leaps (guint i)
{
  return i % 7 == 6 ? ((gint64) 1 << 62) - 1000 + i : i;
}

static const EndlessRow endless_rows[] = {
  {2, count_restarts, dts_even},
  {-1, count_restarts, dts_even},
  {2, count_falls, dts_even},
  {16, count_falls, dts_even},
  {3, count_random, dts_even},
  {-1, count_random, dts_leaps},
  {16, count_falls, dts_leaps},
};

GST_START_TEST (test_endless)
{
  const EndlessRow *row = &endless_rows[__i__];
  IdentifaiH26xTimestamper *orderer = identifai_h26x_timestamper_new ("test");
  GQueue ready = G_QUEUE_INIT;
  guint64 epoch = 0;
  guint i;

  for (i = 0; i < 500; i++) {
    IdentifaiFrame *frame = make_frame ("0", i, row->depth, &epoch);

    frame->info.order.count = row->count (i);
    frame->dts = row->dts (i);
    identifai_h26x_timestamper_push (orderer, frame, &ready);
    fail_unless (i + 1 - ready.length <= 64, "%u frames are held",
        i + 1 - ready.length);
  }
  identifai_h26x_timestamper_drain (orderer, &ready);
  fail_unless_equals_int (ready.length, 500);
  g_queue_clear_full (&ready, (GDestroyNotify) identifai_frame_free);
  identifai_h26x_timestamper_free (orderer);
}

GST_END_TEST;

static Suite *
pictureorder_suite (void)
{
  Suite *suite = suite_create ("pictureorder");
  TCase *poc = tcase_create ("poc");

  suite_add_tcase (suite, poc);
  tcase_add_loop_test (poc, test_hostile, 0, 2);
  tcase_add_loop_test (poc, test_h264, 0, G_N_ELEMENTS (order_rows));
  tcase_add_loop_test (poc, test_h265, 0, 3);
  tcase_add_test (poc, test_h265_views);
  tcase_add_test (poc, test_h265_views_repeat);
  tcase_add_loop_test (poc, test_times, 0, G_N_ELEMENTS (time_rows));
  tcase_add_loop_test (poc, test_endless, 0, G_N_ELEMENTS (endless_rows));

  return suite;
}

GST_CHECK_MAIN (pictureorder);
