/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "target.h"

#include <string.h>

#include "errortext.h"
#include "result.h"

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *words = identifai_result_parse_error (NULL,
      (const gchar *) data, size);
  const gchar *p;

  if (words == NULL)
    return 0;

  g_assert_cmpuint (strlen (words), >, 0);
  g_assert_cmpuint (strlen (words), <=, IDENTIFAI_MAX_TEXT_BYTES);
  g_assert_true (g_utf8_validate (words, -1, NULL));
  for (p = words; *p != '\0'; p = g_utf8_next_char (p))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (p)));
  identifai_error_speaks_of_credits (words);
  g_free (words);

  return 0;
}
