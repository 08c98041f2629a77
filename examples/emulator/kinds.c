/* identifai-emulator: the kinds of files that are classified
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "kinds.h"

#include <string.h>

/* The service doesn't say how many frames it judges unless told. */
#define DEFAULT_FRAMES 10

static const gchar *const any_video[] = { "video/", NULL };
static const gchar *const any_image[] = { "image/", NULL };
static const gchar *const speech[] = { "audio/", "video/mp4", NULL };

/* Containers that are named unlike what they are. */
static const gchar *const videos[] = {
  "video/", "application/ogg", "application/mxf",
  "application/vnd.rn-realmedia", "application/x-3gp",
  "multipart/x-mixed-replace", NULL
};

static const gchar *const images[] = {
  "image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", NULL
};

/* MP3, WAV, OGG, FLAC, AAC, 3GP, M4A and its like, MP4. */
static const gchar *const sounds[] = {
  "audio/mpeg", "application/x-id3", "audio/x-wav", "audio/ogg",
  "application/ogg", "audio/x-flac", "application/x-3gp", "audio/x-m4a",
  "video/mp4", NULL
};

const EmuKindInfo emu_kinds[EMU_N_KINDS] = {
  {"video", any_video, videos, DEFAULT_FRAMES, 0},
  {"image", any_image, images, 1, 0},
  {"audio", speech, sounds, 1, 3},
};

gboolean
emu_kind_takes (const gchar * const *list, const gchar * type)
{
  gsize length = strcspn (type, "; \t");

  for (; *list != NULL; list++) {
    gsize wanted = strlen (*list);

    if (g_ascii_strncasecmp (*list, type, wanted) == 0
        && ((*list)[wanted - 1] == '/' || wanted == length))
      return TRUE;
  }
  return FALSE;
}
