/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the emulator reads: a form in pieces (the first byte says how long they
 * are), a file with or without C2PA, faults, limits, content types.
 */

#include "target.h"

#include <string.h>

#include "../../examples/emulator/c2pa.h"
#include "../../examples/emulator/faults.h"
#include "../../examples/emulator/multipart.h"
#include "../../examples/emulator/ratelimit.h"

typedef struct
{
  gboolean open;
  gsize bytes;
  guint parts;
} Seen;

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  return 0;
}

static void
begin (const EmuPart * part, gpointer user_data)
{
  Seen *seen = user_data;

  g_assert_false (seen->open);
  seen->open = TRUE;
  g_assert_cmpuint (++seen->parts, <=, EMU_MULTIPART_MAX_PARTS);
  if (part->content_type != NULL)
    g_assert_true (g_utf8_validate (part->content_type, -1, NULL));
}

static void
take (const guint8 * data, gsize length, gpointer user_data)
{
  Seen *seen = user_data;

  g_assert_true (seen->open);
  g_assert_cmpuint (length, >, 0);
  seen->bytes += length;
}

static void
end (gpointer user_data)
{
  Seen *seen = user_data;

  g_assert_true (seen->open);
  seen->open = FALSE;
}

static void
read_form (const guint8 * data, gsize size, gsize piece)
{
  static const EmuMultipartCallbacks callbacks = { begin, take, end };
  Seen seen = { FALSE, 0, 0 };
  EmuMultipart *reader = emu_multipart_new ("B", &callbacks, &seen);
  gboolean ok = TRUE;
  gsize at;

  for (at = 0; at < size && ok; at += piece)
    ok = emu_multipart_push (reader, data + at, MIN (piece, size - at), NULL);
  if (ok && emu_multipart_finish (reader, NULL))
    g_assert_false (seen.open);
  g_assert_cmpuint (seen.bytes, <=, size);
  emu_multipart_free (reader);
}

static void
read_text (const guint8 * data, gsize size)
{
  gchar *text = g_strndup ((const gchar *) data, size);
  EmuFault *fault = emu_fault_parse (text, NULL);
  gchar *boundary = emu_multipart_parse_boundary (text);
  EmuRate rates[EMU_N_RATES];

  if (fault != NULL) {
    g_assert_true (fault->every > 0 || fault->first > 0);
    g_assert_true (fault->last == 0 || fault->last >= fault->first);
    emu_fault_unref (fault);
  }
  if (boundary != NULL)
    g_assert_cmpuint (strlen (boundary), <=, 70);
  emu_rates_parse (text, rates, NULL);
  g_free (boundary);
  g_free (text);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *label = NULL;

  if (size < 1)
    return 0;
  read_form (data + 1, size - 1, data[0] + 1);
  read_text (data + 1, size - 1);
  emu_c2pa_find (data + 1, size - 1, &label);
  if (label != NULL)
    g_assert_true (g_utf8_validate (label, -1, NULL));
  g_free (label);
  return 0;
}
