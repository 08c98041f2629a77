/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The names in the comments are those of ISO/IEC 14496-3.
 */

#include "latm.h"
#include "log.h"

#include <gst/base/gstbitreader.h>

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_CODEC)

#define HEADER 3                /* bytes: syncword, audioMuxLengthBytes */
#define MAX_CONFIG 64           /* bytes of an AudioSpecificConfig */

#define AOT_SBR 5
#define AOT_PS 29

struct _IdentifaiLatm
{
  gchar *name;
  GByteArray *bytes;            /* that came and weren't used yet */
  GQueue frames;                /* of GstSample: raw, with the caps it came by */
  GstCaps *popped;              /* of the frame that was popped last; or NULL */
  GstClockTime next;            /* PTS of the next frame; NONE */

  /* Of the latest StreamMuxConfig: */
  GstCaps *caps;                /* or NULL */
  GstClockTime duration;        /* of a frame */
  guint n_subframes;
};

/* What an AudioSpecificConfig says. */
typedef struct
{
  guint object_type;
  guint core_rate;              /* Hz, of what is in the frames */
  guint rate;                   /* Hz, of what comes out of a decoder */
  guint channel_configuration;
  guint samples;                /* of a frame */
} AudioConfig;

IdentifaiLatm *
identifai_latm_new (const gchar * name)
{
  IdentifaiLatm *self = g_new0 (IdentifaiLatm, 1);

  self->name = g_strdup (name);
  self->bytes = g_byte_array_new ();
  self->next = GST_CLOCK_TIME_NONE;
  g_queue_init (&self->frames);

  return self;
}

void
identifai_latm_clear (IdentifaiLatm * self)
{
  if (self->bytes->len > 0 || !g_queue_is_empty (&self->frames))
    GST_DEBUG_ID (self->name, "%u bytes of LOAS and %u frames are left out",
        self->bytes->len, g_queue_get_length (&self->frames));
  g_byte_array_set_size (self->bytes, 0);
  g_queue_clear_full (&self->frames, (GDestroyNotify) gst_sample_unref);
  self->next = GST_CLOCK_TIME_NONE;
}

void
identifai_latm_free (IdentifaiLatm * self)
{
  identifai_latm_clear (self);
  g_byte_array_unref (self->bytes);
  gst_clear_caps (&self->caps);
  gst_clear_caps (&self->popped);
  g_free (self->name);
  g_free (self);
}

GstBuffer *
identifai_latm_pop (IdentifaiLatm * self)
{
  GstSample *sample = g_queue_pop_head (&self->frames);
  GstBuffer *frame;

  if (sample == NULL)
    return NULL;
  frame = gst_buffer_ref (gst_sample_get_buffer (sample));
  gst_caps_replace (&self->popped, gst_sample_get_caps (sample));
  gst_sample_unref (sample);

  return frame;
}

GstCaps *
identifai_latm_get_caps (IdentifaiLatm * self)
{
  return self->popped;
}

gboolean
identifai_latm_is_readable (IdentifaiLatm * self)
{
  return self->caps != NULL || !g_queue_is_empty (&self->frames);
}

/*** bits: past the end there are zeros, which end every loop ***/

static guint
get (GstBitReader * bits, guint n)
{
  guint32 value = 0;

  if (!gst_bit_reader_get_bits_uint32 (bits, &value, n))
    gst_bit_reader_set_pos (bits, bits->size * 8);

  return value;
}

static void
skip (GstBitReader * bits, guint n)
{
  if (!gst_bit_reader_skip (bits, n))
    gst_bit_reader_set_pos (bits, bits->size * 8);
}

/* LatmGetValue() */
static guint
get_value (GstBitReader * bits)
{
  guint n_bytes = get (bits, 2) + 1;

  return get (bits, n_bytes * 8);
}

/*** AudioSpecificConfig ***/

static guint
get_object_type (GstBitReader * bits)
{
  guint type = get (bits, 5);

  return type == 31 ? 32 + get (bits, 6) : type;
}

static guint
get_rate (GstBitReader * bits)
{
  static const guint rates[] = { 96000, 88200, 64000, 48000, 44100, 32000,
    24000, 22050, 16000, 12000, 11025, 8000, 7350
  };
  guint index = get (bits, 4);

  if (index == 15)
    return get (bits, 24);

  return index < G_N_ELEMENTS (rates) ? rates[index] : 0;
}

/* program_config_element(): start is where the AudioSpecificConfig does. */
static void
skip_program_config (GstBitReader * bits, guint start)
{
  guint n_elements, n_lfe, n_assoc, n_coupling;

  skip (bits, 4 + 2 + 4);
  n_elements = get (bits, 4);
  n_elements += get (bits, 4);
  n_elements += get (bits, 4);
  n_lfe = get (bits, 2);
  n_assoc = get (bits, 3);
  n_coupling = get (bits, 4);
  if (get (bits, 1))
    skip (bits, 4);             /* mono_mixdown */
  if (get (bits, 1))
    skip (bits, 4);             /* stereo_mixdown */
  if (get (bits, 1))
    skip (bits, 3);             /* matrix_mixdown */
  skip (bits, 5 * (n_elements + n_coupling) + 4 * (n_lfe + n_assoc));
  skip (bits, (start - gst_bit_reader_get_pos (bits)) % 8);
  skip (bits, 8 * get (bits, 8));       /* comment_field_data */
}

/* GASpecificConfig() */
static void
read_ga_config (GstBitReader * bits, AudioConfig * config, guint start)
{
  config->samples = get (bits, 1) ? 960 : 1024;
  if (get (bits, 1))
    skip (bits, 14);            /* coreCoderDelay */
  if (get (bits, 1))
    config->samples = 0;        /* an extension: of none of the types below */
  if (config->channel_configuration == 0)
    skip_program_config (bits, start);
}

/* Of AAC Main, LC, SSR and LTP, with or without SBR and PS; FALSE: of another
 * coding, or damaged. */
static gboolean
read_audio_config (GstBitReader * bits, AudioConfig * config)
{
  guint start = gst_bit_reader_get_pos (bits), type;

  config->object_type = type = get_object_type (bits);
  config->core_rate = config->rate = get_rate (bits);
  config->channel_configuration = get (bits, 4);
  if (type == AOT_SBR || type == AOT_PS) {
    config->rate = get_rate (bits);
    type = get_object_type (bits);
  }
  if (type < 1 || type > 4)
    return FALSE;
  read_ga_config (bits, config, start);

  return config->samples > 0 && config->core_rate > 0 && config->rate > 0
      && gst_bit_reader_get_remaining (bits) > 0;
}

/*** StreamMuxConfig ***/

/* What bits have from start to end, moved to the start of a byte. */
static GstBuffer *
copy_bits (GstBitReader * bits, guint start, guint end)
{
  guint8 data[MAX_CONFIG] = { 0, };
  GstBitReader from = *bits;
  guint n_bytes = (end - start + 7) / 8, i;

  if (n_bytes > MAX_CONFIG)
    return NULL;
  gst_bit_reader_set_pos (&from, start);
  for (i = 0; i < n_bytes; i++) {
    guint n = MIN (8, end - start - 8 * i);

    data[i] = get (&from, n) << (8 - n);
  }

  return gst_buffer_new_memdup (data, n_bytes);
}

static void
set_config (IdentifaiLatm * self, const AudioConfig * config,
    GstBuffer * codec_data)
{
  static const guint channels[] = { 0, 1, 2, 3, 4, 5, 6, 8 };
  guint n_channels = 0;
  GstCaps *caps;

  if (config->channel_configuration < G_N_ELEMENTS (channels))
    n_channels = channels[config->channel_configuration];
  if (config->object_type == AOT_PS)
    n_channels = 2;
  caps = gst_caps_new_simple ("audio/mpeg",
      "mpegversion", G_TYPE_INT, 4, "stream-format", G_TYPE_STRING, "raw",
      "framed", G_TYPE_BOOLEAN, TRUE, "rate", G_TYPE_INT, config->rate,
      "codec_data", GST_TYPE_BUFFER, codec_data, NULL);
  if (n_channels > 0)
    gst_caps_set_simple (caps, "channels", G_TYPE_INT, n_channels, NULL);
  if (self->caps == NULL || !gst_caps_is_equal (caps, self->caps)) {
    GST_DEBUG_ID (self->name, "what is in LOAS: %" GST_PTR_FORMAT, caps);
    gst_caps_replace (&self->caps, caps);
  }
  gst_caps_unref (caps);
  self->duration = gst_util_uint64_scale (config->samples, GST_SECOND,
      config->core_rate);
}

/* FALSE: of a kind that nobody sends, or damaged. */
static gboolean
read_config (IdentifaiLatm * self, GstBitReader * bits, guint version)
{
  guint length = version ? get_value (bits) : 0;
  guint start = gst_bit_reader_get_pos (bits), end;
  GstBuffer *codec_data;
  AudioConfig config;

  if (!read_audio_config (bits, &config)) {
    GST_DEBUG_ID (self->name, "sound of object type %u, core rate %u, in LOAS "
        "can't be read", config.object_type, config.core_rate);
    return FALSE;
  }
  end = gst_bit_reader_get_pos (bits);
  if (version && (length < end - start
          || length - (end - start) > gst_bit_reader_get_remaining (bits))) {
    GST_DEBUG_ID (self->name,
        "a configuration of %u bits in LOAS is said to have " "%u", end - start,
        length);
    return FALSE;
  }
  if (version) {
    skip (bits, length - (end - start));
    end = start + length;
  }
  codec_data = copy_bits (bits, start, end);
  if (codec_data == NULL) {
    GST_DEBUG_ID (self->name, "a configuration of %u bits in LOAS is too long",
        end - start);
    return FALSE;
  }
  set_config (self, &config, codec_data);
  gst_buffer_unref (codec_data);

  return TRUE;
}

static void
skip_other_data_length (GstBitReader * bits, guint version)
{
  gboolean more = TRUE;

  if (version) {
    get_value (bits);
    return;
  }
  while (more) {
    more = get (bits, 1);
    skip (bits, 8);
  }
}

static gboolean
not_unpacked (IdentifaiLatm * self, const gchar * why)
{
  GST_DEBUG_ID (self->name, "LOAS can't be unpacked: %s", why);

  return FALSE;
}

static gboolean
read_mux_config (IdentifaiLatm * self, GstBitReader * bits)
{
  guint version = get (bits, 1);

  if (version && get (bits, 1))
    return not_unpacked (self, "audioMuxVersionA isn't 0");
  if (version)
    get_value (bits);           /* taraBufferFullness */
  if (!get (bits, 1))
    return not_unpacked (self, "allStreamsSameTimeFraming isn't set");
  self->n_subframes = get (bits, 6) + 1;
  if (get (bits, 4) != 0 || get (bits, 3) != 0)
    return not_unpacked (self, "it has several programs or layers");
  if (!read_config (self, bits, version))
    return FALSE;
  if (get (bits, 3) != 0)
    return not_unpacked (self, "frameLengthType isn't 0");
  skip (bits, 8);               /* latmBufferFullness */
  if (get (bits, 1))
    skip_other_data_length (bits, version);
  if (get (bits, 1))
    skip (bits, 8);             /* crcCheckSum */

  return TRUE;
}

/*** frames ***/

static void
add_frame (IdentifaiLatm * self, GstBitReader * bits, guint size)
{
  guint8 *data = g_malloc (size);
  GstBuffer *frame;
  guint i;

  for (i = 0; i < size; i++)
    data[i] = get (bits, 8);
  frame = gst_buffer_new_wrapped (data, size);
  GST_BUFFER_PTS (frame) = self->next;
  GST_BUFFER_DURATION (frame) = self->duration;
  if (GST_CLOCK_TIME_IS_VALID (self->next))
    self->next += self->duration;
  g_queue_push_tail (&self->frames, gst_sample_new (frame, self->caps, NULL,
          NULL));
  gst_buffer_unref (frame);
}

/* PayloadLengthInfo() */
static guint
get_payload_length (GstBitReader * bits)
{
  guint length = 0, part;

  do {
    part = get (bits, 8);
    length += part;
  } while (part == 255);

  return length;
}

/* AudioMuxElement(). Without a StreamMuxConfig so far it can't be read. */
static void
read_element (IdentifaiLatm * self, const guint8 * data, guint size)
{
  GstBitReader bits = GST_BIT_READER_INIT (data, size);
  guint i, length;

  if (!get (&bits, 1) && !read_mux_config (self, &bits))
    gst_clear_caps (&self->caps);
  for (i = 0; self->caps && i < self->n_subframes; i++) {
    length = get_payload_length (&bits);
    if (length == 0 || length * 8 > gst_bit_reader_get_remaining (&bits)) {
      GST_DEBUG_ID (self->name, "frame %u of %u in LOAS is damaged", i + 1,
          self->n_subframes);
      return;
    }
    add_frame (self, &bits, length);
  }
}

static gboolean
is_sync (const guint8 * data)
{
  return data[0] == 0x56 && (data[1] & 0xe0) == 0xe0;
}

static guint
get_frame_size (const guint8 * data)
{
  return HEADER + ((data[1] & 0x1f) << 8 | data[2]);
}

/* Reads the frame at *at; FALSE: it isn't complete yet. What isn't followed by
 * another one, where there is more, is none. */
static gboolean
read_frame (IdentifaiLatm * self, guint * at)
{
  const guint8 *data = self->bytes->data + *at;
  guint left = self->bytes->len - *at, size;

  if (!is_sync (data)) {
    (*at)++;
    return TRUE;
  }
  size = get_frame_size (data);
  if (left < size)
    return FALSE;
  if (left >= size + HEADER && !is_sync (data + size)) {
    (*at)++;
    return TRUE;
  }
  read_element (self, data + HEADER, size - HEADER);
  *at += size;

  return TRUE;
}

void
identifai_latm_push (IdentifaiLatm * self, GstBuffer * buffer)
{
  guint before = self->bytes->len, at = 0;
  gboolean timed = !GST_BUFFER_PTS_IS_VALID (buffer);
  GstMapInfo map;

  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    g_byte_array_append (self->bytes, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
  } else {
    GST_DEBUG_ID (self->name, "a buffer of LOAS can't be mapped");
  }
  while (self->bytes->len - at >= HEADER) {
    if (!timed && at >= before) {
      self->next = GST_BUFFER_PTS (buffer);
      timed = TRUE;
    }
    if (!read_frame (self, &at))
      break;
  }
  /* it starts here, and the rest of it comes with the next one */
  if (!timed && at >= before)
    self->next = GST_BUFFER_PTS (buffer);
  g_byte_array_remove_range (self->bytes, 0, at);
  gst_buffer_unref (buffer);
}
