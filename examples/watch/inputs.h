/* identifai-watch: what is to be judged, of what the command line names
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  WATCH_INPUT_PIPELINE,
  WATCH_INPUT_FILE,
  WATCH_INPUT_ADDRESS
} WatchInputKind;

typedef struct
{
  WatchInputKind kind;
  gchar *label;                 /* as it is shown; of an address without password */
  gchar *location;              /* path or address */
  gchar **words;                /* a pipeline's, borrowed */
  gboolean found;               /* in a folder: may be no media at all */
} WatchInput;

/* Of WatchInput. Folders are gone through, without hidden files and links to folders.
 * A path that isn't there is an error. */
GPtrArray *watch_inputs_new (gchar ** arguments, GError ** error);

G_END_DECLS
