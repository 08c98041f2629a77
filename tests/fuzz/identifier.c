/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "target.h"

#include <string.h>

#include "identifier.h"
#include "result.h"

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GError *error = NULL;
  gchar *identifier = identifai_identifier_parse (NULL,
      (const gchar *) data, size, &error);
  const gchar *p;

  g_assert_true ((identifier == NULL) == (error != NULL));
  if (identifier != NULL) {
    g_assert_cmpuint (strlen (identifier), >, 0);
    g_assert_cmpuint (strlen (identifier), <=, IDENTIFAI_MAX_IDENTIFIER_BYTES);
    for (p = identifier; *p != '\0'; p++)
      g_assert_true (g_ascii_isgraph (*p));
  }
  g_clear_error (&error);
  g_free (identifier);

  return 0;
}
