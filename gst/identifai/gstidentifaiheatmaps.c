/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstidentifaiheatmaps.h"

#include "backoff.h"
#include "clock.h"
#include "gstidentifaisubmission.h"
#include "log.h"

#include <string.h>

#define GST_CAT_DEFAULT identifai_log_get (IDENTIFAI_LOG_OUTBOX)

#define HEATMAP_PATIENCE (30 * G_TIME_SPAN_SECOND)

struct _GstIdentifaiHeatmap
{
  GstIdentifaiHeatmaps *all;
  IdentifaiSegment *segment;    /* borrowed, as long as result is there */
  IdentifaiResult *result;      /* NULL: nobody waits for it */
};

struct _GstIdentifaiHeatmaps
{
  GstIdentifaiHeatmapFunc func;
  gpointer user_data;
  GPtrArray *asked;             /* of GstIdentifaiHeatmap, until the answer */
};

static void
heatmap_free (gpointer data)
{
  GstIdentifaiHeatmap *self = data;

  g_clear_pointer (&self->result, identifai_result_free);
  g_free (self);
}

GstIdentifaiHeatmaps *
gst_identifai_heatmaps_new (GstIdentifaiHeatmapFunc func, gpointer user_data)
{
  GstIdentifaiHeatmaps *self = g_new0 (GstIdentifaiHeatmaps, 1);

  self->func = func;
  self->user_data = user_data;
  self->asked = g_ptr_array_new_with_free_func (heatmap_free);

  return self;
}

void
gst_identifai_heatmaps_free (GstIdentifaiHeatmaps * self)
{
  g_ptr_array_unref (self->asked);
  g_free (self);
}

static void
on_answer (const IdentifaiServiceAnswer * answer, gpointer data)
{
  GstIdentifaiHeatmap *heatmap = data;

  heatmap->all->func (heatmap, answer, heatmap->all->user_data);
}

gboolean
gst_identifai_heatmaps_ask (GstIdentifaiHeatmaps * self,
    IdentifaiClient * client, IdentifaiSegment * segment,
    IdentifaiResult * result)
{
  const gchar *path = identifai_kind_get_info (segment->kind)->heatmap_path;
  IdentifaiServiceCall call = {.what = "heat map",.method = "GET",.accept =
        "image/png",.deadline = identifai_clock_now () +
        identifai_backoff_scale (HEATMAP_PATIENCE)
  };
  GstIdentifaiHeatmap *heatmap;
  gchar *escaped, *full;

  if (path == NULL || client == NULL || !result->has_heatmap
      || !gst_identifai_submission_wants_heatmap (segment))
    return FALSE;

  heatmap = g_new0 (GstIdentifaiHeatmap, 1);
  heatmap->all = self;
  heatmap->segment = segment;
  heatmap->result = result;
  g_ptr_array_add (self->asked, heatmap);
  GST_DEBUG_ID (segment->name,
      "segment %u: its outcome waits for its heat map, with %u others",
      segment->number, self->asked->len - 1);
  escaped = g_uri_escape_string (segment->identifier, NULL, FALSE);
  full = g_strconcat (path, escaped, NULL);
  call.path = full;
  identifai_client_call (client, &call, on_answer, heatmap);
  g_free (full);
  g_free (escaped);

  return TRUE;
}

static gboolean
is_png (GBytes * bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size > 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static void
add_answer (IdentifaiResult * result, const IdentifaiServiceAnswer * answer)
{
  if (answer->reason != IDENTIFAI_REASON_NONE)
    result->heatmap_error = g_strdup (answer->message);
  else if (!is_png (answer->body))
    result->heatmap_error = g_strdup ("The answer is no PNG image");
  else
    result->heatmap = g_bytes_ref (answer->body);
}

IdentifaiResult *
gst_identifai_heatmaps_take (GstIdentifaiHeatmaps * self,
    GstIdentifaiHeatmap * heatmap, const IdentifaiServiceAnswer * answer,
    IdentifaiSegment ** segment)
{
  IdentifaiResult *result = g_steal_pointer (&heatmap->result);

  *segment = heatmap->segment;
  if (result != NULL)
    add_answer (result, answer);
  if (result != NULL && result->heatmap_error != NULL)
    GST_INFO_ID ((*segment)->name, "segment %u goes without its heat map: %s",
        (*segment)->number, result->heatmap_error);
  else if (result != NULL)
    GST_DEBUG_ID ((*segment)->name, "segment %u: its heat map is there, %"
        G_GSIZE_FORMAT " bytes", (*segment)->number,
        g_bytes_get_size (result->heatmap));
  g_ptr_array_remove_fast (self->asked, heatmap);

  return result;
}

IdentifaiResult *
gst_identifai_heatmaps_pop (GstIdentifaiHeatmaps * self,
    IdentifaiSegment ** segment)
{
  guint i;

  for (i = 0; i < self->asked->len; i++) {
    GstIdentifaiHeatmap *heatmap = g_ptr_array_index (self->asked, i);

    if (heatmap->result == NULL)
      continue;
    *segment = heatmap->segment;
    heatmap->result->heatmap_error =
        g_strdup ("The element didn't wait for it");
    GST_DEBUG_ID ((*segment)->name, "segment %u ends without its heat map, "
        "which isn't waited for any longer", (*segment)->number);
    return g_steal_pointer (&heatmap->result);
  }

  return NULL;
}

void
gst_identifai_heatmaps_reset (GstIdentifaiHeatmaps * self)
{
  g_ptr_array_set_size (self->asked, 0);
}
