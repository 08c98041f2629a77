/* identifai-watch: why streams don't reach what judges them, and what to do
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "links.h"
#include "pipelineend.h"

#include <string.h>

void
watch_links_for_each_judge (GstElement * pipeline, void (*act) (GstElement *,
        gpointer), gpointer user_data)
{
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pipeline));
  GValue item = G_VALUE_INIT;

  while (gst_iterator_next (elements, &item) == GST_ITERATOR_OK) {
    GstElement *element = g_value_get_object (&item);

    if (pipeline_element_judges (element))
      act (element, user_data);
    g_value_reset (&item);
  }
  g_value_unset (&item);
  gst_iterator_free (elements);
}

static void
count (GstElement * element, gpointer number)
{
  (*(guint *) number)++;
}

guint
watch_links_count_judges (GstElement * pipeline)
{
  guint number = 0;

  watch_links_for_each_judge (pipeline, count, &number);

  return number;
}

/* What to put in between, by who judges. */
typedef struct
{
  const gchar *judge;           /* name of its factory; the last row: all others */
  const gchar *link;            /* when the pipeline can't be built */
  const gchar *raw, *rtp, *other;       /* when there is such a stream beside it */
} Advice;

static const Advice advices[] = {
  {"identifaispeechsink",
        "It takes sound, encoded in frames or raw. Put in between: behind RTP the "
        "depayloader and parser\nof its codec, rtpopusdepay ! opusparse say; for a "
        "file or a radio parsebin; for a codec that it\ndoesn't take, decodebin ! "
        "audioconvert.", NULL,
        "is RTP: put the depayloader and the parser of its codec in between, "
        "rtpopusdepay ! opusparse for instance",
      "is no sound that identifaispeechsink takes: put parsebin, or decodebin ! "
        "audioconvert, in between"},
  {"identifaiimagesink",
        "It takes images: JPEG, PNG, WebP, GIF, TIFF. Put in between: behind raw "
        "video\nvideorate ! video/x-raw,framerate=1/10 ! videoconvert ! jpegenc; "
        "in front of that, for an\nencoded video, decodebin.",
        "is not encoded: put videoconvert ! jpegenc in between, and videorate in "
        "front for fewer images",
        "is RTP: put decodebin ! videoconvert ! jpegenc in between",
      "is no image that identifaiimagesink takes: put decodebin ! videoconvert ! "
        "jpegenc in between"},
  {NULL,
        "It takes containers, and encoded media in frames. Put in between: behind "
        "raw video\nvideoconvert ! x264enc ! h264parse; behind RTP the "
        "depayloader and parser of its codec,\nrtph264depay ! h264parse say; "
        "instead of decodebin, parsebin.",
        "is not encoded: put videoconvert ! x264enc ! h264parse in between; for a "
        "file, take parsebin instead of decodebin",
        "is RTP: put the depayloader and the parser of its codec in between, "
        "rtph264depay ! h264parse for instance",
      "is of no codec that identifaisink takes: judge the file as it is, "
        "filesrc ! identifaisink, or encode it anew, "
        "decodebin ! videoconvert ! x264enc ! h264parse"},
};

static const Advice *
find_advice (const gchar * judge)
{
  guint i = 0;

  while (advices[i].judge != NULL && strstr (judge, advices[i].judge) == NULL)
    i++;

  return &advices[i];
}

/* Streams that are none of the judge's are no reason. NULL: neither is this. */
static const gchar *
find_words (const Advice * advice, const gchar * media_type)
{
  gboolean is_speech = g_strcmp0 (advice->judge, "identifaispeechsink") == 0;
  gboolean is_sound = g_str_has_prefix (media_type, "audio/");

  if (g_str_equal (media_type, "application/x-icy"))
    return
        "is a radio with its titles in between: put parsebin, or icydemux and "
        "a parser, in between";
  if (g_str_equal (media_type, "application/x-rtp"))
    return advice->rtp;
  if (g_str_equal (media_type, "video/x-raw") && !is_speech)
    return advice->raw;
  if (is_speech && g_str_has_prefix (media_type, "video/"))
    return "is video: identifaispeechsink judges sound";
  if (is_speech ? is_sound : g_str_has_prefix (media_type, "video/")
      || g_str_has_prefix (media_type, "image/"))
    return advice->other;

  return NULL;
}

typedef struct
{
  const Advice *advice;
  GstPad *sink;                 /* of what judges */
  GPtrArray *lines;
} Explanation;

/* It is linked, and what it leads to takes what it has. */
static gboolean
is_taken (GstPad * pad, GstCaps * caps)
{
  return gst_pad_is_linked (pad) && (!gst_pad_has_current_caps (pad)
      || gst_pad_peer_query_accept_caps (pad, caps));
}

static void
explain_pad (const GValue * item, gpointer user_data)
{
  Explanation *self = user_data;
  GstPad *pad = g_value_get_object (item);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  const gchar *media_type, *words;

  if (caps == NULL)
    caps = gst_pad_query_caps (pad, NULL);
  if (gst_caps_is_empty (caps) || gst_caps_is_any (caps)
      || is_taken (pad, caps))
    return;
  media_type = gst_structure_get_name (gst_caps_get_structure (caps, 0));
  words = !gst_pad_is_linked (pad) && gst_pad_can_link (pad, self->sink) ?
      "comes, and is linked to nothing: link it to the pad named sink" :
      find_words (self->advice, media_type);
  if (words != NULL)
    g_ptr_array_add (self->lines, g_strdup_printf ("%s (%s) %s",
            GST_PAD_NAME (pad), media_type, words));
}

static void
explain_element (const GValue * item, gpointer explanation)
{
  GstIterator *pads = gst_element_iterate_src_pads (g_value_get_object (item));

  gst_iterator_foreach (pads, explain_pad, explanation);
  gst_iterator_free (pads);
}

/* Nothing came to it: its neighbours may have what it doesn't take. */
static void
explain_judge (GstElement * judge, gpointer lines)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (judge, "sink");
  g_autoptr (GstObject) parent = gst_object_get_parent (GST_OBJECT (judge));
  Explanation explanation = { find_advice (GST_OBJECT_NAME
        (gst_element_get_factory (judge))), pad, lines
  };
  GstIterator *elements;

  if (pad == NULL || gst_pad_has_current_caps (pad) || !GST_IS_BIN (parent))
    return;
  elements = gst_bin_iterate_elements (GST_BIN (parent));
  gst_iterator_foreach (elements, explain_element, &explanation);
  gst_iterator_free (elements);
}

void
watch_links_explain (GstElement * pipeline, GPtrArray * lines)
{
  watch_links_for_each_judge (pipeline, explain_judge, lines);
}

/* Sound that comes first is linked first, by itself, and nothing links the video then. */

/* FALSE: it comes from element. */
static gboolean
is_from_another (GstElement * judge, GstPad * pad, gpointer element)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  g_autoptr (GstElement) from =
      peer != NULL ? gst_pad_get_parent_element (peer) : NULL;

  return from != element;
}

static void
link_pad (const GValue * item, gpointer sink)
{
  GstPad *pad = g_value_get_object (item);

  if (!gst_pad_is_linked (pad) && !gst_pad_is_linked (sink)
      && gst_pad_can_link (pad, sink))
    gst_pad_link (pad, sink);
}

/* Of an element that it has nothing of, another one's video may be on its way. */
static void
link_judge (GstElement * judge, gpointer element)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (judge, "sink");
  GstIterator *pads;

  if (sink == NULL || gst_pad_is_linked (sink)
      || gst_element_foreach_sink_pad (judge, is_from_another, element))
    return;
  pads = gst_element_iterate_src_pads (element);
  gst_iterator_foreach (pads, link_pad, sink);
  gst_iterator_free (pads);
}

void
watch_links_complete (GstElement * pipeline, GstElement * element)
{
  watch_links_for_each_judge (pipeline, link_judge, element);
}

static void
count_stream (GstElement * judge, gpointer number)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (judge, "sink");
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_STREAM_START, 0);

  if (event != NULL)
    (*(guint *) number)++;
}

guint
watch_links_count_streams (GstElement * pipeline)
{
  guint number = 0;

  watch_links_for_each_judge (pipeline, count_stream, &number);

  return number;
}

typedef struct
{
  void (*callback) (GstElement *, gpointer);
  gpointer user_data;
} Follower;

/* parsebin says "drained" instead of "no-more-pads". */
static void
follow (GstElement * element, const Follower * follower)
{
  g_signal_connect (element, "no-more-pads", G_CALLBACK (follower->callback),
      follower->user_data);
  if (g_signal_lookup ("drained", G_OBJECT_TYPE (element)) != 0)
    g_signal_connect (element, "drained", G_CALLBACK (follower->callback),
        follower->user_data);
}

static void
follow_item (const GValue * item, gpointer follower)
{
  follow (g_value_get_object (item), follower);
}

static void
on_element_added (GstBin * bin, GstBin * child, GstElement * element,
    gpointer follower)
{
  follow (element, follower);
}

static void
free_follower (gpointer follower, GClosure * closure)
{
  g_free (follower);
}

void
watch_links_follow (GstElement * pipeline, void (*callback) (GstElement *,
        gpointer), gpointer user_data)
{
  Follower *follower = g_new (Follower, 1);
  GstIterator *elements = gst_bin_iterate_recurse (GST_BIN (pipeline));

  follower->callback = callback;
  follower->user_data = user_data;
  gst_iterator_foreach (elements, follow_item, follower);
  gst_iterator_free (elements);
  g_signal_connect_data (pipeline, "deep-element-added",
      G_CALLBACK (on_element_added), follower, free_follower, 0);
}

/* The pipeline can't be built: nothing of it is left to look at. */
const gchar *
watch_links_explain_error (const GError * error)
{
  if (!g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_LINK)
      || strstr (error->message, "identifai") == NULL)
    return NULL;

  return find_advice (error->message)->link;
}
