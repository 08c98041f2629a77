/* identifai-emulator: multipart/form-data (RFC 7578), read as a stream
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bytes are pushed in pieces of any size and come out as parts. At most the
 * headers of one part, or a delimiter's length of data, are held back. Whatever
 * the bytes are, memory stays bounded and a call takes time linear in them.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EMU_MULTIPART_MAX_HEADER_BYTES (16 * 1024)      /* of one part */
#define EMU_MULTIPART_MAX_PARTS 128

typedef struct _EmuMultipart EmuMultipart;

/* What a part's headers say; borrowed by the callback. */
typedef struct
{
  const gchar *name;            /* NULL if the part has none */
  const gchar *filename;        /* NULL: a form field */
  const gchar *content_type;    /* NULL if none */
} EmuPart;

typedef struct
{
  void (*begin) (const EmuPart * part, gpointer user_data);
  void (*data) (const guint8 * data, gsize length, gpointer user_data);
  void (*end) (gpointer user_data);
} EmuMultipartCallbacks;

/* The boundary in a Content-Type, or NULL if it is no multipart/form-data or
 * has no usable boundary (1 to 70 characters). */
gchar *emu_multipart_parse_boundary (const gchar * content_type);

EmuMultipart *emu_multipart_new (const gchar * boundary,
    const EmuMultipartCallbacks * callbacks, gpointer user_data);
void emu_multipart_free (EmuMultipart * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuMultipart, emu_multipart_free)

/* FALSE with error: the body is no multipart; further pushes fail, too. */
gboolean emu_multipart_push (EmuMultipart * self, const guint8 * data,
    gsize length, GError ** error);

/* After the last push: FALSE with error if the final boundary didn't come. */
gboolean emu_multipart_finish (EmuMultipart * self, GError ** error);

G_END_DECLS
