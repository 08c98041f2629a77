/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * By ITU-T H.264, 7.3.2, 7.3.3 and 8.2.1, and H.265, 7.3.2, 7.3.6 and 8.3.1.
 * Parameter sets come from the stream, so every number of theirs is bounded
 * before it is used.
 */

#include "pictureorder.h"
#include "bitreader.h"
#include "log.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CODEC)

#define MAX_SETS 64             /* of each kind; H.264 allows 256 picture ones */
#define MAX_CYCLE 255
#define MAX_OFFSET (1 << 20)    /* of a cycle: more is nonsense */
#define MAX_DEPTH 16
#define MAX_FRAMES (G_GINT64_CONSTANT (1) << 30)        /* since a restart */

typedef struct
{
  gboolean is_known;
  gboolean frames_only;
  gboolean separate_planes;
  guint type;
  guint lsb_bits;
  gint depth;
  /* H.264 */
  guint frame_num_bits;
  gboolean no_deltas;
  gint64 other_offset;          /* of pictures that are no reference */
  gint64 bottom_offset;
  guint n_cycle;
  gint64 cycle[MAX_CYCLE];
} SequenceSet;

typedef struct
{
  gboolean is_known;
  guint sequence;
  gboolean has_bottom;          /* H.264: a delta for the bottom field */
  gboolean has_output_flag;     /* H.265 */
  guint extra_bits;             /* H.265: of a slice header */
} PictureSet;

/* What a slice header says. */
typedef struct
{
  const SequenceSet *sequence;
  gboolean is_reference;
  gboolean restarts;            /* IDR or its like */
  gboolean is_field, is_bottom;
  gint64 frame_num, lsb;
  gint64 deltas[2];
} Slice;

struct _IdentifaiPictureOrder
{
  gchar *name;
  IdentifaiCodecId codec;
  SequenceSet *sequences[MAX_SETS];
  PictureSet pictures[MAX_SETS];

  /* of the picture before, or the reference picture before */
  guint64 epoch;
  gint64 msb, lsb;
  gint64 frame_num, frame_offset;
  Slice half;                   /* H.264: a field, while the other one may come */
};

IdentifaiPictureOrder *
identifai_picture_order_new (const gchar * name, IdentifaiCodecId codec)
{
  IdentifaiPictureOrder *self = g_new0 (IdentifaiPictureOrder, 1);

  self->name = g_strdup (name);
  self->codec = codec;

  return self;
}

void
identifai_picture_order_free (IdentifaiPictureOrder * self)
{
  guint i;

  for (i = 0; i < MAX_SETS; i++)
    g_free (self->sequences[i]);
  g_free (self->name);
  g_free (self);
}

/*** parameter sets ***/

static gint
read_depth (IdentifaiBitReader * bits)
{
  guint depth = identifai_bit_reader_get_ue (bits);

  return depth <= MAX_DEPTH ? (gint) depth : -1;
}

static guint
read_bounded (IdentifaiBitReader * bits, guint max)
{
  guint value = identifai_bit_reader_get_ue (bits);

  return MIN (value, max);
}

static gint64
read_offset (IdentifaiBitReader * bits)
{
  gint value = identifai_bit_reader_get_se (bits);

  return CLAMP (value, -MAX_OFFSET, MAX_OFFSET);
}

static void
put_sequence (IdentifaiPictureOrder * self, guint id, const SequenceSet * set)
{
  GST_LOG_ID (self->name, "sequence set %u: order of type %u in %u bits, %d "
      "pictures reordered (-1 = not said)", id, set->type, set->lsb_bits,
      set->depth);
  if (id >= MAX_SETS) {
    GST_DEBUG_ID (self->name,
        "sequence set %u is left out: numbers go up to %u", id, MAX_SETS - 1);
    return;
  }
  if (self->sequences[id] == NULL)
    self->sequences[id] = g_new (SequenceSet, 1);
  *self->sequences[id] = *set;
}

static void
put_picture (IdentifaiPictureOrder * self, guint id, const PictureSet * set)
{
  if (id >= MAX_SETS) {
    GST_DEBUG_ID (self->name, "picture set %u is left out: numbers go up to %u",
        id, MAX_SETS - 1);
    return;
  }
  GST_LOG_ID (self->name, "picture set %u goes by sequence set %u", id,
      set->sequence);
  self->pictures[id] = *set;
}

static const SequenceSet *
find_sequence (IdentifaiPictureOrder * self, guint picture)
{
  guint id;

  if (picture >= MAX_SETS || !self->pictures[picture].is_known) {
    GST_DEBUG_ID (self->name,
        "a slice goes by picture set %u, which hasn't come: "
        "its order isn't known", picture);
    return NULL;
  }
  id = self->pictures[picture].sequence;
  if (id >= MAX_SETS || self->sequences[id] == NULL)
    GST_DEBUG_ID (self->name, "picture set %u goes by sequence set %u, which "
        "hasn't come: the order isn't known", picture, id);

  return id < MAX_SETS ? self->sequences[id] : NULL;
}

/* A slice, within its header. */
static gboolean
breaks_off (IdentifaiPictureOrder * self, IdentifaiBitReader * bits)
{
  gboolean breaks = identifai_bit_reader_at_end (bits);

  if (breaks)
    GST_DEBUG_ID (self->name,
        "a slice breaks off in its header: its order isn't known");

  return breaks;
}

/*** H.264 ***/

static void
h264_skip_scaling_list (IdentifaiBitReader * bits, guint size)
{
  guint last = 8, next = 8, i;

  for (i = 0; i < size; i++) {
    if (next != 0)
      next = (last + (guint) identifai_bit_reader_get_se (bits)) & 0xff;
    last = next == 0 ? last : next;
  }
}

static gboolean
h264_is_high_profile (guint profile)
{
  static const guint8 profiles[] = { 100, 110, 122, 244, 44, 83, 86, 118, 128,
    138, 139, 134, 135
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (profiles); i++) {
    if (profiles[i] == profile)
      return TRUE;
  }

  return FALSE;
}

static void
h264_read_chroma (IdentifaiBitReader * bits, SequenceSet * set)
{
  guint format = identifai_bit_reader_get_ue (bits), i;

  if (format == 3)
    set->separate_planes = identifai_bit_reader_get_flag (bits);
  identifai_bit_reader_get_ue (bits);   /* bit depths */
  identifai_bit_reader_get_ue (bits);
  identifai_bit_reader_get_flag (bits);
  if (!identifai_bit_reader_get_flag (bits))
    return;
  for (i = 0; i < (format == 3 ? 12 : 8); i++) {
    if (identifai_bit_reader_get_flag (bits))
      h264_skip_scaling_list (bits, i < 6 ? 16 : 64);
  }
}

static void
h264_read_order_type (IdentifaiBitReader * bits, SequenceSet * set)
{
  guint i;

  set->type = identifai_bit_reader_get_ue (bits);
  if (set->type == 0) {
    set->lsb_bits = read_bounded (bits, 12) + 4;
  } else if (set->type == 1) {
    set->no_deltas = identifai_bit_reader_get_flag (bits);
    set->other_offset = read_offset (bits);
    set->bottom_offset = read_offset (bits);
    set->n_cycle = read_bounded (bits, MAX_CYCLE);
    for (i = 0; i < set->n_cycle; i++)
      set->cycle[i] = read_offset (bits);
  }
}

/* hrd_parameters() */
static void
h264_skip_buffering (IdentifaiBitReader * bits)
{
  guint n = read_bounded (bits, 31) + 1, i;

  identifai_bit_reader_skip (bits, 8);
  for (i = 0; i < n; i++) {
    identifai_bit_reader_get_ue (bits);
    identifai_bit_reader_get_ue (bits);
    identifai_bit_reader_get_flag (bits);
  }
  identifai_bit_reader_skip (bits, 20);
}

/* Of vui_parameters(), what is in front of the bitstream restrictions. */
static void
h264_skip_usability (IdentifaiBitReader * bits)
{
  gboolean has_nal, has_vcl;

  if (identifai_bit_reader_get_flag (bits)
      && identifai_bit_reader_get (bits, 8) == 255)
    identifai_bit_reader_skip (bits, 32);       /* aspect ratio */
  if (identifai_bit_reader_get_flag (bits))
    identifai_bit_reader_skip (bits, 1);        /* overscan */
  if (identifai_bit_reader_get_flag (bits)) {
    identifai_bit_reader_skip (bits, 4);        /* video signal */
    if (identifai_bit_reader_get_flag (bits))
      identifai_bit_reader_skip (bits, 24);
  }
  if (identifai_bit_reader_get_flag (bits)) {
    identifai_bit_reader_get_ue (bits); /* chroma location */
    identifai_bit_reader_get_ue (bits);
  }
  if (identifai_bit_reader_get_flag (bits))
    identifai_bit_reader_skip (bits, 65);       /* timing */
  has_nal = identifai_bit_reader_get_flag (bits);
  if (has_nal)
    h264_skip_buffering (bits);
  has_vcl = identifai_bit_reader_get_flag (bits);
  if (has_vcl)
    h264_skip_buffering (bits);
  if (has_nal || has_vcl)
    identifai_bit_reader_skip (bits, 1);
  identifai_bit_reader_skip (bits, 1);  /* pic_struct */
}

static gint
h264_read_depth (IdentifaiBitReader * bits)
{
  gint depth;
  guint i;

  if (!identifai_bit_reader_get_flag (bits))
    return -1;
  h264_skip_usability (bits);
  if (!identifai_bit_reader_get_flag (bits))
    return -1;
  identifai_bit_reader_skip (bits, 1);
  for (i = 0; i < 4; i++)
    identifai_bit_reader_get_ue (bits);
  depth = read_depth (bits);

  return identifai_bit_reader_at_end (bits) ? -1 : depth;
}

static void
h264_read_sequence (IdentifaiPictureOrder * self, IdentifaiBitReader * bits)
{
  SequenceSet set = { TRUE, };
  guint profile = identifai_bit_reader_get (bits, 8), id;

  identifai_bit_reader_skip (bits, 16); /* constraints, level */
  id = identifai_bit_reader_get_ue (bits);
  if (h264_is_high_profile (profile))
    h264_read_chroma (bits, &set);
  set.frame_num_bits = read_bounded (bits, 12) + 4;
  h264_read_order_type (bits, &set);
  identifai_bit_reader_get_ue (bits);   /* references */
  identifai_bit_reader_get_flag (bits);
  identifai_bit_reader_get_ue (bits);   /* width, height */
  identifai_bit_reader_get_ue (bits);
  set.frames_only = identifai_bit_reader_get_flag (bits);
  if (!set.frames_only)
    identifai_bit_reader_get_flag (bits);
  identifai_bit_reader_get_flag (bits);
  if (identifai_bit_reader_get_flag (bits)) {
    guint i;

    for (i = 0; i < 4; i++)
      identifai_bit_reader_get_ue (bits);       /* cropping */
  }
  set.depth = h264_read_depth (bits);
  if (set.type == 2)
    set.depth = 0;
  put_sequence (self, id, &set);
}

static void
h264_read_picture (IdentifaiPictureOrder * self, IdentifaiBitReader * bits)
{
  PictureSet set = { TRUE, };
  guint id = identifai_bit_reader_get_ue (bits);

  set.sequence = identifai_bit_reader_get_ue (bits);
  identifai_bit_reader_get_flag (bits);
  set.has_bottom = identifai_bit_reader_get_flag (bits);
  put_picture (self, id, &set);
}

static void
h264_read_order (IdentifaiBitReader * bits, const PictureSet * picture,
    Slice * slice)
{
  const SequenceSet *sequence = slice->sequence;
  gboolean has_bottom = picture->has_bottom && !slice->is_field;

  if (sequence->type == 0) {
    slice->lsb = identifai_bit_reader_get (bits, sequence->lsb_bits);
    if (has_bottom)
      slice->deltas[1] = identifai_bit_reader_get_se (bits);
  } else if (sequence->type == 1 && !sequence->no_deltas) {
    slice->deltas[0] = identifai_bit_reader_get_se (bits);
    if (has_bottom)
      slice->deltas[1] = identifai_bit_reader_get_se (bits);
  }
}

/* FALSE: its parameter sets are missing. */
static gboolean
h264_read_slice (IdentifaiPictureOrder * self, const guint8 * unit, gsize size,
    Slice * slice)
{
  IdentifaiBitReader bits;
  guint picture;

  identifai_bit_reader_init (&bits, unit + 1, size - 1);
  identifai_bit_reader_get_ue (&bits);  /* first macroblock */
  identifai_bit_reader_get_ue (&bits);  /* type */
  picture = identifai_bit_reader_get_ue (&bits);
  slice->sequence = find_sequence (self, picture);
  if (slice->sequence == NULL)
    return FALSE;
  slice->is_reference = (unit[0] & 0x60) != 0;
  slice->restarts = (unit[0] & 0x1f) == 5;
  if (slice->sequence->separate_planes)
    identifai_bit_reader_skip (&bits, 2);
  slice->frame_num = identifai_bit_reader_get (&bits,
      slice->sequence->frame_num_bits);
  if (!slice->sequence->frames_only)
    slice->is_field = identifai_bit_reader_get_flag (&bits);
  if (slice->is_field)
    slice->is_bottom = identifai_bit_reader_get_flag (&bits);
  if (slice->restarts)
    identifai_bit_reader_get_ue (&bits);        /* IDR picture's id */
  h264_read_order (&bits, &self->pictures[picture], slice);

  return !breaks_off (self, &bits);
}

/* The high bits that bring lsb closest to the reference picture before. */
static gint64
find_msb (IdentifaiPictureOrder * self, const Slice * slice)
{
  gint64 range = G_GINT64_CONSTANT (1) << slice->sequence->lsb_bits;

  if (slice->lsb < self->lsb && self->lsb - slice->lsb >= range / 2)
    return self->msb + range;
  if (slice->lsb > self->lsb && slice->lsb - self->lsb > range / 2)
    return self->msb - range;

  return self->msb;
}

/* The earlier one of a frame's two fields. */
static gint64
first_field (const Slice * slice, gint64 top, gint64 bottom)
{
  if (!slice->is_field)
    return MIN (top, bottom);

  return slice->is_bottom ? bottom : top;
}

static gint64
h264_count_by_lsb (IdentifaiPictureOrder * self, const Slice * slice)
{
  gint64 msb, top;

  if (slice->restarts)
    self->msb = self->lsb = 0;
  msb = find_msb (self, slice);
  if (slice->is_reference) {
    self->msb = msb;
    self->lsb = slice->lsb;
  }
  top = msb + slice->lsb;

  return first_field (slice, top, top + slice->deltas[1]);
}

/* Frames since the restart. */
static gint64
h264_count_frames (IdentifaiPictureOrder * self, const Slice * slice)
{
  if (slice->restarts)
    self->frame_offset = 0;
  else if (slice->frame_num < self->frame_num)
    self->frame_offset = (self->frame_offset
        + (G_GINT64_CONSTANT (1) << slice->sequence->frame_num_bits))
        % MAX_FRAMES;
  self->frame_num = slice->frame_num;

  return self->frame_offset + slice->frame_num;
}

static gint64
h264_count_by_cycle (IdentifaiPictureOrder * self, const Slice * slice)
{
  const SequenceSet *sequence = slice->sequence;
  gint64 frames = h264_count_frames (self, slice), count = 0, sum = 0, bottom;
  guint i;

  if (sequence->n_cycle == 0)
    frames = 0;
  else if (!slice->is_reference && frames > 0)
    frames--;
  if (frames > 0) {
    for (i = 0; i < sequence->n_cycle; i++)
      sum += sequence->cycle[i];
    count = (frames - 1) / sequence->n_cycle * sum;
    for (i = 0; i <= (frames - 1) % sequence->n_cycle; i++)
      count += sequence->cycle[i];
  }
  if (!slice->is_reference)
    count += sequence->other_offset;
  count += slice->deltas[0];
  bottom = count + sequence->bottom_offset + slice->deltas[1];

  return first_field (slice, count, bottom);
}

static gint64
h264_count (IdentifaiPictureOrder * self, const Slice * slice)
{
  gint64 frames;

  switch (slice->sequence->type) {
    case 0:
      return h264_count_by_lsb (self, slice);
    case 1:
      return h264_count_by_cycle (self, slice);
    default:
      frames = h264_count_frames (self, slice);
      return 2 * frames - (slice->is_reference ? 0 : 1);
  }
}

/* Whether the picture makes a frame of the field before (7.4.1.2.4, 3.30). */
static gboolean
h264_completes_frame (IdentifaiPictureOrder * self, const Slice * slice)
{
  const Slice *half = &self->half;
  gboolean completes = half->is_field && slice->is_field
      && slice->is_bottom != half->is_bottom && !slice->restarts
      && slice->frame_num == half->frame_num
      && slice->is_reference == half->is_reference;

  if (half->is_field && !completes && slice->is_field)
    GST_LOG_ID (self->name, "a field is followed by none that completes it");
  self->half = *slice;
  if (completes)
    self->half.is_field = FALSE;

  return completes;
}

/*** H.265 ***/

/* profile_tier_level() */
static void
h265_skip_profile (IdentifaiBitReader * bits, guint n_layers)
{
  gboolean has_profile[8], has_level[8];
  guint i;

  identifai_bit_reader_skip (bits, 96);
  for (i = 0; i < n_layers; i++) {
    has_profile[i] = identifai_bit_reader_get_flag (bits);
    has_level[i] = identifai_bit_reader_get_flag (bits);
  }
  if (n_layers > 0)
    identifai_bit_reader_skip (bits, 2 * (8 - n_layers));
  for (i = 0; i < n_layers; i++)
    identifai_bit_reader_skip (bits, (has_profile[i] ? 88 : 0)
        + (has_level[i] ? 8 : 0));
}

static void
h265_read_sequence (IdentifaiPictureOrder * self, IdentifaiBitReader * bits)
{
  SequenceSet set = { TRUE, };
  guint n_layers, id, i;

  identifai_bit_reader_skip (bits, 4);
  n_layers = identifai_bit_reader_get (bits, 3);        /* less one */
  identifai_bit_reader_skip (bits, 1);
  h265_skip_profile (bits, n_layers);
  id = identifai_bit_reader_get_ue (bits);
  if (identifai_bit_reader_get_ue (bits) == 3)
    set.separate_planes = identifai_bit_reader_get_flag (bits);
  identifai_bit_reader_get_ue (bits);   /* width, height */
  identifai_bit_reader_get_ue (bits);
  if (identifai_bit_reader_get_flag (bits)) {
    for (i = 0; i < 4; i++)
      identifai_bit_reader_get_ue (bits);       /* cropping */
  }
  identifai_bit_reader_get_ue (bits);   /* bit depths */
  identifai_bit_reader_get_ue (bits);
  set.lsb_bits = read_bounded (bits, 12) + 4;
  /* of all layers, or of the highest only */
  for (i = identifai_bit_reader_get_flag (bits) ? 0 : n_layers; i <= n_layers;
      i++) {
    identifai_bit_reader_get_ue (bits);
    set.depth = read_depth (bits);
    identifai_bit_reader_get_ue (bits);
  }
  if (!identifai_bit_reader_at_end (bits))
    put_sequence (self, id, &set);
  else
    GST_DEBUG_ID (self->name, "sequence set %u breaks off", id);
}

static void
h265_read_picture (IdentifaiPictureOrder * self, IdentifaiBitReader * bits)
{
  PictureSet set = { TRUE, };
  guint id = identifai_bit_reader_get_ue (bits);

  set.sequence = identifai_bit_reader_get_ue (bits);
  identifai_bit_reader_get_flag (bits);
  set.has_output_flag = identifai_bit_reader_get_flag (bits);
  set.extra_bits = identifai_bit_reader_get (bits, 3);
  put_picture (self, id, &set);
}

/* Other views, or a better picture, of which sets may have the same ids. */
static gboolean
h265_is_base_layer (const guint8 * unit)
{
  return (unit[0] & 1) == 0 && unit[1] >> 3 == 0;
}

/* References of the lowest sub-layer carry the count on; leading pictures don't. */
static gboolean
h265_carries_on (const guint8 * unit)
{
  guint type = (unit[0] >> 1) & 0x3f;

  if ((unit[1] & 7) != 1 || (type >= 6 && type <= 9))
    return FALSE;

  return type > 14 || type % 2 == 1;
}

static gboolean
h265_read_slice (IdentifaiPictureOrder * self, const guint8 * unit, gsize size,
    Slice * slice)
{
  guint type = (unit[0] >> 1) & 0x3f, picture;
  IdentifaiBitReader bits;

  identifai_bit_reader_init (&bits, unit + 2, size - 2);
  if (!identifai_bit_reader_get_flag (&bits))   /* not the first slice */
    return FALSE;
  if (type >= 16 && type <= 23)
    identifai_bit_reader_skip (&bits, 1);
  picture = identifai_bit_reader_get_ue (&bits);
  slice->sequence = find_sequence (self, picture);
  if (slice->sequence == NULL)
    return FALSE;
  slice->is_reference = h265_carries_on (unit);
  slice->restarts = type >= 16 && type <= 20;
  if (type == 19 || type == 20)
    return TRUE;
  identifai_bit_reader_skip (&bits, self->pictures[picture].extra_bits);
  identifai_bit_reader_get_ue (&bits);  /* type */
  if (self->pictures[picture].has_output_flag)
    identifai_bit_reader_skip (&bits, 1);
  if (slice->sequence->separate_planes)
    identifai_bit_reader_skip (&bits, 2);
  slice->lsb = identifai_bit_reader_get (&bits, slice->sequence->lsb_bits);

  return !breaks_off (self, &bits);
}

static gint64
h265_count (IdentifaiPictureOrder * self, const Slice * slice)
{
  gint64 msb = slice->restarts ? 0 : find_msb (self, slice);

  if (slice->is_reference) {
    self->msb = msb;
    self->lsb = slice->lsb;
  }

  return msb + slice->lsb;
}

/*** public ***/

static void
set_order (IdentifaiPictureOrder * self, const Slice * slice,
    IdentifaiDisplayOrder * order)
{
  if (slice->restarts) {
    GST_LOG_ID (self->name, "the order starts over, the %" G_GUINT64_FORMAT
        ". time", self->epoch);
    self->epoch++;
  }
  order->is_known = TRUE;
  order->epoch = self->epoch;
  order->count = self->codec == IDENTIFAI_CODEC_H264 ?
      h264_count (self, slice) : h265_count (self, slice);
  order->depth = slice->sequence->depth;
}

static void
read_h264 (IdentifaiPictureOrder * self, const guint8 * unit, gsize size,
    IdentifaiDisplayOrder * order)
{
  guint type = unit[0] & 0x1f;
  Slice slice = { NULL, };
  IdentifaiBitReader bits;

  identifai_bit_reader_init (&bits, unit + 1, size - 1);
  if (type == 7)
    h264_read_sequence (self, &bits);
  else if (type == 8)
    h264_read_picture (self, &bits);
  else if ((type == 1 || type == 2 || type == 5)
      && h264_read_slice (self, unit, size, &slice)) {
    set_order (self, &slice, order);
    order->is_second_field = h264_completes_frame (self, &slice);
  }
}

static void
read_h265 (IdentifaiPictureOrder * self, const guint8 * unit, gsize size,
    IdentifaiDisplayOrder * order)
{
  guint type = (unit[0] >> 1) & 0x3f;
  Slice slice = { NULL, };
  IdentifaiBitReader bits;

  if (size < 2 || !h265_is_base_layer (unit))
    return;
  identifai_bit_reader_init (&bits, unit + 2, size - 2);
  if (type == 33)
    h265_read_sequence (self, &bits);
  else if (type == 34)
    h265_read_picture (self, &bits);
  else if (type <= 31 && h265_read_slice (self, unit, size, &slice))
    set_order (self, &slice, order);
}

void
identifai_picture_order_read (IdentifaiPictureOrder * self, const guint8 * unit,
    gsize size, IdentifaiDisplayOrder * order)
{
  if (size == 0)
    return;
  if (self->codec == IDENTIFAI_CODEC_H264)
    read_h264 (self, unit, size, order);
  else
    read_h265 (self, unit, size, order);
}
