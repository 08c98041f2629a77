/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "muxerchoice.h"
#include "codecs.h"
#include "log.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_FILE)

typedef enum
{
  FIT_NONE,
  FIT_PARSED,                   /* after a parser */
  FIT_DIRECT
} Fit;

/* What "auto" tries. Of what none takes, the one that takes the most says why. */
static const gchar *const automatic[] = { "mp4mux", "webmmux", "matroskamux",
  "qtmux", NULL
};

#define TAKES_THE_MOST "matroskamux"

static GstElementFactory *
find_factory (const gchar * name)
{
  return name ? gst_element_factory_find (name) : NULL;
}

static gboolean
has_factory (const gchar * name)
{
  GstElementFactory *factory = find_factory (name);
  gboolean found = factory != NULL;

  gst_clear_object (&factory);

  return found;
}

/* What a parser doesn't change. */
static GstCaps *
without_format (const GstCaps * caps)
{
  static const gchar *const kept[] = { "mpegversion", "layer", "systemstream",
    "width", "height", "rate", "channels"
  };
  const GstStructure *from = gst_caps_get_structure (caps, 0);
  GstStructure *to = gst_structure_new_empty (gst_structure_get_name (from));
  guint i;

  for (i = 0; i < G_N_ELEMENTS (kept); i++) {
    const GValue *value = gst_structure_get_value (from, kept[i]);

    if (value)
      gst_structure_set_value (to, kept[i], value);
  }

  return gst_caps_new_full (to, NULL);
}

static gboolean
is_true (const GstStructure * structure, const gchar * field)
{
  gboolean value = FALSE;

  return gst_structure_get_boolean (structure, field, &value) && value;
}

/* Whether the stream lacks what muxers need beyond the template's caps: codec
 * headers, or buffers that are whole frames. */
static gboolean
wants_parser (const IdentifaiCodec * codec, const GstCaps * caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const gchar *format = gst_structure_get_string (structure, "stream-format");

  switch (codec->id) {
    case IDENTIFAI_CODEC_MP3:
    case IDENTIFAI_CODEC_MP2:
      return !is_true (structure, "parsed");
    case IDENTIFAI_CODEC_AC3:
    case IDENTIFAI_CODEC_EAC3:
    case IDENTIFAI_CODEC_DTS:
    case IDENTIFAI_CODEC_FLAC:
      return !is_true (structure, "framed");
    case IDENTIFAI_CODEC_AAC:
      return g_strcmp0 (format, "adts") == 0 && !is_true (structure, "framed");
    case IDENTIFAI_CODEC_THEORA:
      return !gst_structure_has_field (structure, "streamheader");
    case IDENTIFAI_CODEC_OPUS:
      return !gst_structure_has_field (structure, "channel-mapping-family");
    default:
      return codec->wants_codec_data && g_strcmp0 (format, "byte-stream") != 0
          && !gst_structure_has_field (structure, "codec_data");
  }
}

static Fit
fit_template (GstStaticPadTemplate * template, const IdentifaiCodec * codec,
    const GstCaps * caps)
{
  GstCaps *wanted = gst_static_pad_template_get_caps (template);
  GstCaps *relaxed = without_format (caps);
  Fit fit = FIT_NONE;

  if (gst_caps_is_subset (caps, wanted) && !wants_parser (codec, caps))
    fit = FIT_DIRECT;
  else if (codec->parser && gst_caps_can_intersect (relaxed, wanted))
    fit = FIT_PARSED;
  gst_caps_unref (relaxed);
  gst_caps_unref (wanted);

  return fit;
}

/* mp4mux writes VP9 since 1.22, but crashes on caps without chroma-site in all
 * releases of that series; players expect it in WebM anyway. */
static gboolean
is_barred (GstElementFactory * muxer, const IdentifaiCodec * codec)
{
  return codec->id == IDENTIFAI_CODEC_VP9
      && g_str_equal (GST_OBJECT_NAME (muxer), "mp4mux");
}

/* mp4mux knows MPEG-4 part 2 only, but MP4 has MPEG-1 and -2 in tracks of the
 * same kind: they go in as if they were, and identifai_mp4_call_mpeg2()
 * puts it right. Their headers are in the frames. Transfer full. */
static GstCaps *
caps_for_muxer (GstElementFactory * muxer, const IdentifaiCodec * codec,
    GstCaps * caps)
{
  caps = identifai_codec_orient_caps (caps, NULL);
  if (codec->id != IDENTIFAI_CODEC_MPEG12
      || !g_str_equal (GST_OBJECT_NAME (muxer), "mp4mux"))
    return caps;
  caps = gst_caps_make_writable (caps);
  gst_caps_set_simple (caps, "mpegversion", G_TYPE_INT, 4, NULL);

  return caps;
}

/* Of raw sound an encoder takes few formats. */
static gboolean
is_converted (GstElementFactory * muxer, GstCaps * caps)
{
  return g_str_equal (GST_OBJECT_NAME (muxer), "flacenc")
      && gst_structure_has_name (gst_caps_get_structure (caps, 0),
      "audio/x-raw");
}

void
identifai_muxer_fit (const gchar * name, GstElementFactory * muxer,
    GstCaps * caps, IdentifaiMuxerFit * fit)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  const GList *item = gst_element_factory_get_static_pad_templates (muxer);
  Fit best = FIT_NONE, found;

  fit->caps = caps_for_muxer (muxer, codec, caps);
  fit->pad_template = NULL;
  for (; item && !is_barred (muxer, codec); item = item->next) {
    GstStaticPadTemplate *template = item->data;

    if (template->direction != GST_PAD_SINK)
      continue;
    found = fit_template (template, codec, fit->caps);
    if (found > best)
      fit->pad_template = template->name_template;
    best = MAX (best, found);
  }
  if (is_barred (muxer, codec))
    GST_LOG_ID (name, "%s mustn't have %s", GST_OBJECT_NAME (muxer),
        codec->name);
  fit->parser = best == FIT_PARSED ? codec->parser : NULL;
  if (best == FIT_NONE && is_converted (muxer, caps)) {
    fit->pad_template = "sink";
    fit->parser = "audioconvert";
  }
  GST_LOG_ID (name, "%s takes %s by %s, behind %s", GST_OBJECT_NAME (muxer),
      codec->name ? codec->name : "other sound",
      fit->pad_template ? fit->pad_template : "no pad",
      fit->parser ? fit->parser : "no parser");
}

void
identifai_muxer_fit_clear (IdentifaiMuxerFit * fit)
{
  gst_clear_caps (&fit->caps);
}

/* A parser takes the stream, too, and a splitmuxsink is a muxer to its class. */
static gboolean
is_muxer (GstElementFactory * factory)
{
  GstCaps *any = gst_caps_new_any ();
  gboolean has_output = gst_element_factory_can_src_any_caps (factory, any);

  gst_caps_unref (any);

  return has_output
      && gst_element_factory_list_is_type (factory,
      GST_ELEMENT_FACTORY_TYPE_MUXER);
}

static gchar *
find_unfit (const gchar * name, GstElementFactory * factory,
    const IdentifaiCodec * codec, GstCaps * caps)
{
  const gchar *muxer = GST_OBJECT_NAME (factory);
  IdentifaiMuxerFit fit;
  gchar *obstacle = NULL;

  identifai_muxer_fit (name, factory, caps, &fit);
  if (fit.pad_template == NULL)
    obstacle = g_strdup_printf ("%s does not take %s of this kind", muxer,
        identifai_codec_get_name (codec, caps));
  else if (fit.parser != NULL && !has_factory (fit.parser))
    obstacle = g_strdup_printf ("%s needs the element %s for %s, which is in "
        "Debian's %s", muxer, fit.parser, codec->name, codec->package);
  identifai_muxer_fit_clear (&fit);

  return obstacle;
}

/* What is in the way of muxing caps with muxer, for people; NULL: nothing. */
static gchar *
find_obstacle (const gchar * name, const gchar * muxer, GstCaps * caps)
{
  const IdentifaiCodec *codec = identifai_codec_of_caps (caps);
  GstElementFactory *factory = find_factory (muxer);
  gchar *obstacle = NULL;

  if (codec == NULL) {
    gchar *text = gst_caps_to_string (caps);

    obstacle = g_strdup_printf ("%s is no codec that can be muxed", text);
    g_free (text);
  } else if (factory == NULL) {
    obstacle = g_strdup_printf ("there is no element %s; mp4mux, webmmux and "
        "matroskamux are in Debian's gstreamer1.0-plugins-good", muxer);
  } else if (!is_muxer (factory)) {
    obstacle = g_strdup_printf ("%s is no muxer", muxer);
  } else {
    obstacle = find_unfit (name, factory, codec, caps);
  }
  gst_clear_object (&factory);

  return obstacle;
}

static gboolean
takes_all (const gchar * name, const gchar * muxer, GstCaps * const *caps,
    guint n_caps, gchar ** obstacle)
{
  guint i;

  *obstacle = NULL;
  for (i = 0; i < n_caps && *obstacle == NULL; i++)
    *obstacle = find_obstacle (name, muxer, caps[i]);
  if (*obstacle != NULL)
    GST_LOG_ID (name, "not %s: %s", muxer, *obstacle);

  return *obstacle == NULL;
}

/* NULL: none takes them all, and obstacle (owned) says why. */
static const gchar *
find_muxer (const gchar * name, const gchar * muxer, GstCaps * const *caps,
    guint n_caps, gchar ** obstacle)
{
  const gchar *const named[] = { muxer, NULL };
  gboolean is_auto = g_strcmp0 (muxer, "auto") == 0;
  const gchar *const *candidate = is_auto ? automatic : named;
  gchar *found;

  *obstacle = NULL;
  for (; *candidate; candidate++) {
    if (takes_all (name, *candidate, caps, n_caps, &found)) {
      g_clear_pointer (obstacle, g_free);
      return g_intern_string (*candidate);
    }
    if (!is_auto || g_str_equal (*candidate, TAKES_THE_MOST))
      *obstacle = found;
    else
      g_free (found);
  }

  return NULL;
}

const gchar *
identifai_muxer_choose (const gchar * name, const gchar * muxer,
    GstCaps * const *caps, guint n_caps, GError ** error)
{
  gchar *obstacle;
  const gchar *found = find_muxer (name, muxer, caps, n_caps, &obstacle);

  GST_LOG_ID (name, "%s for %u streams: %s", muxer, n_caps,
      found ? found : obstacle);
  if (found == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
        "No file can be made of these streams: %s", obstacle);
  g_free (obstacle);

  return found;
}

void
identifai_muxer_leave_out (const gchar * name, const gchar * muxer,
    GstCaps * const *caps, guint n_caps, gchar ** obstacles)
{
  GstCaps **kept = g_new (GstCaps *, n_caps);
  guint n_kept = 1, i;
  gchar *obstacle;

  kept[0] = caps[0];
  memset (obstacles, 0, n_caps * sizeof (gchar *));
  if (find_muxer (name, muxer, kept, 1, &obstacle) == NULL)
    n_caps = 1;
  for (i = 1; i < n_caps; i++) {
    kept[n_kept] = caps[i];
    if (find_muxer (name, muxer, kept, n_kept + 1, &obstacles[i]) != NULL)
      n_kept++;
    else
      GST_DEBUG_ID (name, "stream %u of %u has to be left out: %s", i, n_caps,
          obstacles[i]);
  }
  g_free (obstacle);
  g_free (kept);
}
