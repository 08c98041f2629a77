/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaicaps.h"

#include "codecs.h"
#include "log.h"
#include "muxerchoice.h"
#include "segmenter.h"

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_SINK)

typedef struct
{
  gchar *name;                  /* of its pad */
  GstCaps *caps;                /* as muxers know them; NULL: none yet */
} Stream;

struct _GstIdentifaiCaps
{
  GPtrArray *streams;           /* of Stream, at its number; NULL: removed */
};

static void
stream_free (gpointer data)
{
  Stream *stream = data;

  if (stream == NULL)
    return;
  gst_clear_caps (&stream->caps);
  g_free (stream->name);
  g_free (stream);
}

GstIdentifaiCaps *
gst_identifai_caps_new (void)
{
  GstIdentifaiCaps *self = g_new0 (GstIdentifaiCaps, 1);

  self->streams = g_ptr_array_new_with_free_func (stream_free);
  gst_identifai_caps_add (self, IDENTIFAI_SEGMENTER_VIDEO, "sink");

  return self;
}

void
gst_identifai_caps_free (GstIdentifaiCaps * self)
{
  g_ptr_array_unref (self->streams);
  g_free (self);
}

static Stream *
get_stream (GstIdentifaiCaps * self, guint number)
{
  return number < self->streams->len ?
      g_ptr_array_index (self->streams, number) : NULL;
}

static void
replace_stream (GstIdentifaiCaps * self, guint number, Stream * stream)
{
  gpointer *place;

  if (number >= self->streams->len)
    g_ptr_array_set_size (self->streams, number + 1);
  place = &g_ptr_array_index (self->streams, number);
  stream_free (*place);
  *place = stream;
}

void
gst_identifai_caps_add (GstIdentifaiCaps * self, guint number,
    const gchar * name)
{
  Stream *stream = g_new0 (Stream, 1);

  stream->name = g_strdup (name);
  replace_stream (self, number, stream);
}

void
gst_identifai_caps_remove (GstIdentifaiCaps * self, guint number)
{
  replace_stream (self, number, NULL);
}

const gchar *
gst_identifai_caps_get_name (GstIdentifaiCaps * self, guint number)
{
  Stream *stream = get_stream (self, number);

  return stream ? stream->name : "?";
}

gboolean
gst_identifai_caps_set (GstIdentifaiCaps * self, const gchar * name,
    guint number, GstCaps * caps, const gchar * muxer, GError ** error)
{
  Stream *stream = get_stream (self, number);
  GstCaps *usual = caps ? identifai_codec_usual_caps (caps) : NULL;

  if (stream == NULL || (usual && number == IDENTIFAI_SEGMENTER_VIDEO
          && !identifai_muxer_choose (name, muxer, &usual, 1, error))) {
    gst_clear_caps (&usual);
    return FALSE;
  }
  if (usual != NULL && usual != caps)
    GST_DEBUG_ID (name, "%s: what muxers call it is %" GST_PTR_FORMAT,
        stream->name, usual);
  gst_caps_replace (&stream->caps, usual);
  gst_clear_caps (&usual);

  return TRUE;
}

void
gst_identifai_caps_reset (GstIdentifaiCaps * self)
{
  guint i;

  for (i = 0; i < self->streams->len; i++) {
    Stream *stream = get_stream (self, i);

    if (stream)
      gst_clear_caps (&stream->caps);
  }
}

static gboolean
has_video (GstIdentifaiCaps * self)
{
  Stream *video = get_stream (self, IDENTIFAI_SEGMENTER_VIDEO);
  const IdentifaiCodec *codec = video->caps ?
      identifai_codec_of_caps (video->caps) : NULL;

  return codec != NULL && codec->video;
}

void
gst_identifai_caps_judge_sound (GstIdentifaiCaps * self, const gchar * name,
    const gchar * muxer, GstIdentifaiCapsFunc func, gpointer user_data)
{
  GstCaps **caps = g_new0 (GstCaps *, self->streams->len);
  guint *numbers = g_new0 (guint, self->streams->len);
  gchar **obstacles = g_new0 (gchar *, self->streams->len);
  guint n = 0, i;

  for (i = 0; i < self->streams->len && has_video (self); i++) {
    Stream *stream = get_stream (self, i);

    if (stream == NULL || stream->caps == NULL)
      continue;
    numbers[n] = i;
    caps[n++] = stream->caps;
  }
  if (n > 1)
    identifai_muxer_leave_out (name, muxer, caps, n, obstacles);
  for (i = 1; i < n; i++) {
    GST_DEBUG_ID (name, "the sound of %s %s%s",
        gst_identifai_caps_get_name (self, numbers[i]),
        obstacles[i] ? "can't go into the video's file: " :
        "goes into the video's file", obstacles[i] ? obstacles[i] : "");
    func (numbers[i], obstacles[i], user_data);
    g_free (obstacles[i]);
  }
  g_free (obstacles);
  g_free (numbers);
  g_free (caps);
}
