/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The kinds of files that the service judges, and how its calls differ by them.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  IDENTIFAI_KIND_VIDEO,
  IDENTIFAI_KIND_SPEECH,
  IDENTIFAI_KIND_IMAGE,
  IDENTIFAI_N_KINDS
} IdentifaiKind;

#define IDENTIFAI_N_SINGLE_PATHS 2

/* All static. Paths are behind the endpoint's. */
typedef struct
{
  const gchar *name;            /* of messages */
  const gchar *noun;            /* for people: "The … is too large" */
  const gchar *part;            /* of the form, that has the file */
  const gchar *submit_path;
  const gchar *batch_path;      /* ?identifiers[]=… */
  /* An identifier goes behind it. The second is tried where the first has never
   * found anything. */
  const gchar *single_paths[IDENTIFAI_N_SINGLE_PATHS];
  const gchar *heatmap_path;    /* the same; or NULL */
} IdentifaiKindInfo;

const IdentifaiKindInfo *identifai_kind_get_info (IdentifaiKind kind);

G_END_DECLS
