/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One row a kind. Static: any thread.
 */

#include "kind.h"

/* The service's documents disagree on where a single result is. */
static const IdentifaiKindInfo kinds[IDENTIFAI_N_KINDS] = {
  [IDENTIFAI_KIND_VIDEO] = {"video", "video", "video",
        "/api/classification_video", "/api/classifications_video",
      {"/api/classification_video/", "/api/classification/"}},
  [IDENTIFAI_KIND_SPEECH] = {"speech", "sound", "audio",
        "/api/classification_audio", "/api/classifications_audio",
      {"/api/classification_audio/", "/api/classification/"}},
  [IDENTIFAI_KIND_IMAGE] = {"image", "image", "image",
        "/api/classification", "/api/classifications",
        {"/api/classification/", "/api/classification_image/"},
      "/api/classification/heatmap/"},
};

const IdentifaiKindInfo *
identifai_kind_get_info (IdentifaiKind kind)
{
  g_return_val_if_fail ((guint) kind < IDENTIFAI_N_KINDS, &kinds[0]);

  return &kinds[kind];
}
