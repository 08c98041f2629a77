/* identifai-emulator: what a submit call sent
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The form's fields in memory, bounded, and its file in a temporary file. Used
 * by one thread at a time.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define EMU_FORM_MAX_FIELD_BYTES (64 * 1024)    /* of all fields together */

typedef struct
{
  gchar *name;                  /* as sent; NAME[] for a list or an object of JSON's */
  gchar *value;                 /* valid UTF-8; "@" and its name for a file */
  gboolean is_file;             /* nothing of which is kept */
} EmuField;

typedef struct _EmuForm EmuForm;

/* file_field: which part is the file; NULL: none is. The file goes into
 * directory. What content_type is no form's has no fields; JSON's are the members
 * of its object. */
EmuForm *emu_form_new (const gchar * content_type, const gchar * file_field,
    const gchar * directory, guint64 max_bytes);
/* Removes the temporary file unless it was taken. */
void emu_form_free (EmuForm * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (EmuForm, emu_form_free)

void emu_form_push (EmuForm * self, const guint8 * data, gsize length);
/* All was pushed. FALSE with error: no form could be read, or written. */
gboolean emu_form_finish (EmuForm * self, GError ** error);
/* Whether what was sent is to blame, and not this machine. */
gboolean emu_form_error_is_theirs (const GError * error);

/* A file from elsewhere, in place of one that was sent. FALSE: there is no need
 * for more of it. */
void emu_form_begin_file (EmuForm * self, const gchar * filename);
gboolean emu_form_write_file (EmuForm * self, const guint8 * data,
    gsize length);
/* FALSE with error: it could not be written. */
gboolean emu_form_end_file (EmuForm * self, GError ** error);

/* In the order sent. */
GPtrArray *emu_form_get_fields (EmuForm * self);
/* The last field sent under that name, or as a list under NAME[] and its like;
 * NULL if there is none. */
const EmuField *emu_form_find (EmuForm * self, const gchar * name);
/* Whether it is one plain value. */
gboolean emu_field_is_plain (const EmuField * self);

/* Whether the file's part came, and if so, as a file, and not too large. */
gboolean emu_form_has_file (EmuForm * self);
gboolean emu_form_file_is_field (EmuForm * self);
gboolean emu_form_file_is_too_large (EmuForm * self);
guint64 emu_form_get_size (EmuForm * self);
const gchar *emu_form_get_filename (EmuForm * self);
const gchar *emu_form_get_file_type (EmuForm * self);
const gchar *emu_form_get_path (EmuForm * self);
/* The caller removes the file from now on. */
gchar *emu_form_take_path (EmuForm * self);

G_END_DECLS
