/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Caps of elementary streams: what the muxers make of all of them together. Only
 * the video can be refused; sound that no muxer takes beside it is left out.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaisink.h"

#include "gstidentifaierrors.h"
#include "codecs.h"
#include "muxerchoice.h"

/* The streams whose caps are known, the video first. */
typedef struct
{
  GPtrArray *caps;              /* of GstCaps, as muxers know them */
  GPtrArray *pads;              /* borrowed, under the element's object lock */
} Streams;

static guint
stream_of (GstPad * pad)
{
  return GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
}

static void
add_stream (Streams * streams, GstPad * pad, GstCaps * caps)
{
  gint place = stream_of (pad) == IDENTIFAI_SEGMENTER_VIDEO ? 0 : -1;

  if (caps == NULL)
    return;
  g_ptr_array_insert (streams->caps, place, identifai_codec_usual_caps (caps));
  g_ptr_array_insert (streams->pads, place, gst_object_ref (pad));
}

/* stream has new ones, which its pad doesn't know yet. */
static void
find_streams (GstIdentifaiSink * self, guint stream, GstCaps * caps,
    Streams * streams)
{
  GList *l;

  streams->caps =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_caps_unref);
  streams->pads = g_ptr_array_new_with_free_func (gst_object_unref);
  GST_OBJECT_LOCK (self);
  for (l = GST_ELEMENT (self)->sinkpads; l; l = l->next) {
    GstCaps *known = stream_of (l->data) == stream ? gst_caps_ref (caps) :
        gst_pad_get_current_caps (l->data);

    add_stream (streams, l->data, known);
    gst_clear_caps (&known);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
streams_clear (Streams * streams)
{
  g_ptr_array_unref (streams->caps);
  g_ptr_array_unref (streams->pads);
}

/* Sound is judged by the video, which may come later, and not by a container's. */
static gboolean
has_video (Streams * streams)
{
  const IdentifaiCodec *codec;

  if (streams->pads->len == 0
      || stream_of (g_ptr_array_index (streams->pads, 0)) !=
      IDENTIFAI_SEGMENTER_VIDEO)
    return FALSE;
  codec = identifai_codec_of_caps (g_ptr_array_index (streams->caps, 0));

  return codec != NULL && codec->video;
}

static void
leave_out_locked (GstIdentifaiSink * self, GstPad * pad, const gchar * obstacle)
{
  gboolean is_new = identifai_segmenter_leave_out (self->segmenter,
      stream_of (pad), obstacle != NULL);

  if (!is_new)
    return;
  GST_WARNING_OBJECT (pad, "the sound is left out: %s", obstacle);
  gst_identifai_reporter_queue (self->reporter,
      gst_identifai_warning_sound (GST_ELEMENT (self), GST_PAD_NAME (pad),
          obstacle));
}

static void
decide_on_sound_locked (GstIdentifaiSink * self, Streams * streams,
    const gchar * muxer)
{
  guint n = streams->caps->len, i;
  gchar **obstacles = g_new0 (gchar *, n);

  identifai_muxer_leave_out (muxer, (GstCaps * const *) streams->caps->pdata, n,
      obstacles);
  for (i = 1; i < n; i++) {
    leave_out_locked (self, g_ptr_array_index (streams->pads, i), obstacles[i]);
    g_free (obstacles[i]);
  }
  g_free (obstacles);
}

static gboolean
decide_locked (GstIdentifaiSink * self, guint stream, GstCaps * caps,
    GError ** error)
{
  const gchar *muxer = self->settings.muxer ? self->settings.muxer : "auto";
  gboolean taken = TRUE;
  Streams streams;

  find_streams (self, stream, caps, &streams);
  if (stream == IDENTIFAI_SEGMENTER_VIDEO)
    taken = identifai_muxer_choose (muxer,
        (GstCaps * const *) streams.caps->pdata, 1, error) != NULL;
  if (taken && has_video (&streams))
    decide_on_sound_locked (self, &streams, muxer);
  streams_clear (&streams);

  return taken;
}

static void
refuse_locked (GstIdentifaiSink * self, GError * error)
{
  /* Upstream may try again with every buffer: once is enough. */
  if (!self->caps_refused)
    gst_identifai_reporter_queue (self->reporter,
        gst_message_new_error (GST_OBJECT (self), error, NULL));
  self->caps_refused = TRUE;
}

gboolean
gst_identifai_caps_set_locked (GstIdentifaiSink * self, guint stream,
    GstCaps * caps)
{
  GstCaps *usual = stream == IDENTIFAI_SEGMENTER_VIDEO ?
      identifai_codec_usual_caps (caps) : gst_caps_ref (caps);
  GError *error = NULL;
  gboolean taken = decide_locked (self, stream, caps, &error);

  if (taken) {
    taken = identifai_segmenter_set_caps (self->segmenter, stream, usual);
  } else {
    error->domain = GST_STREAM_ERROR;
    error->code = GST_STREAM_ERROR_CODEC_NOT_FOUND;
    refuse_locked (self, error);
    g_error_free (error);
  }
  gst_caps_unref (usual);

  return taken;
}
