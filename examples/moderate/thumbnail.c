/* identifai-moderate: a small picture of one moment of a file
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "thumbnail.h"

#include <gio/gio.h>

#define PATIENCE (5 * GST_SECOND)       /* for a picture, and for one after a seek */

/* The file is in memory; its sound goes nowhere. Larger pictures are made smaller. */
static const gchar description[] =
    "giostreamsrc name=in ! decodebin ! videoconvertscale ! video/x-raw,format=I420,width=[2,320],height=[2,320],"
    "pixel-aspect-ratio=1/1 ! jpegenc quality=75 ! "
    "fakesink name=out sync=false";

static GstElement *
make_pipeline (GInputStream * stream)
{
  GstElement *pipeline = gst_parse_launch (description, NULL);
  GstElement *in;

  if (pipeline == NULL)
    return NULL;
  gst_object_ref_sink (pipeline);
  in = gst_bin_get_by_name (GST_BIN (pipeline), "in");
  g_object_set (in, "stream", stream, NULL);
  gst_object_unref (in);
  return pipeline;
}

static gboolean
is_there (GstElement * pipeline)
{
  return gst_element_get_state (pipeline, NULL, NULL, PATIENCE)
      == GST_STATE_CHANGE_SUCCESS;
}

static GBytes *
take_picture (GstElement * pipeline)
{
  GstElement *out = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  GstSample *sample = NULL;
  GBytes *picture = NULL;
  GstMapInfo map;

  g_object_get (out, "last-sample", &sample, NULL);
  if (sample != NULL && gst_buffer_map (gst_sample_get_buffer (sample), &map,
          GST_MAP_READ)) {
    picture = g_bytes_new (map.data, map.size);
    gst_buffer_unmap (gst_sample_get_buffer (sample), &map);
  }
  g_clear_pointer (&sample, gst_sample_unref);
  gst_object_unref (out);
  return picture;
}

static GBytes *
decode (GstElement * pipeline, GstClockTime moment)
{
  GBytes *first, *wanted = NULL;

  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  if (!is_there (pipeline))
    return NULL;
  first = take_picture (pipeline);
  if (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, moment)
      && is_there (pipeline))
    wanted = take_picture (pipeline);
  if (wanted == NULL)
    return first;
  g_clear_pointer (&first, g_bytes_unref);
  return wanted;
}

GBytes *
mod_thumbnail_make (GstBuffer * file, GstClockTime moment)
{
  g_autoptr (GInputStream) stream = NULL;
  g_autoptr (GstElement) pipeline = NULL;
  GBytes *picture = NULL;
  GstMapInfo map;

  if (!gst_buffer_map (file, &map, GST_MAP_READ))
    return NULL;
  stream = g_memory_input_stream_new_from_data (map.data, map.size, NULL);
  pipeline = make_pipeline (stream);
  if (pipeline != NULL) {
    picture = decode (pipeline, moment);
    gst_element_set_state (pipeline, GST_STATE_NULL);
  }
  gst_buffer_unmap (file, &map);
  return picture;
}
