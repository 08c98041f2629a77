/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A submit call's form: the first line is its Content-Type, the rest the body,
 * which comes in pieces of seven bytes.
 */

#include "target.h"

#include <string.h>

#include "../../examples/emulator/parameters.h"
#include "../../examples/emulator/users.h"

#define MAX_FILE 1000
#define PIECE 7

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  return 0;
}

static EmuForm *
read_form (const guint8 * data, gsize size)
{
  const guint8 *end = memchr (data, '\n', size);
  gsize head = end != NULL ? (gsize) (end - data) : size;
  gchar *type = g_strndup ((const gchar *) data, head);
  EmuForm *form = emu_form_new (type, "video", g_get_tmp_dir (), MAX_FILE);
  gsize at;

  for (at = head + 1; at < size; at += PIECE)
    emu_form_push (form, data + at, MIN (PIECE, size - at));
  g_free (type);

  return form;
}

static void
check_fields (EmuForm * form)
{
  GPtrArray *fields = emu_form_get_fields (form);
  gsize bytes = 0;
  guint i;

  for (i = 0; i < fields->len; i++) {
    const EmuField *field = g_ptr_array_index (fields, i);

    g_assert_true (g_utf8_validate (field->name, -1, NULL));
    g_assert_true (g_utf8_validate (field->value, -1, NULL));
    bytes += strlen (field->value);
    g_assert_nonnull (emu_form_find (form, field->name));
  }
  /* what isn't UTF-8 becomes longer when it is mended */
  g_assert_cmpuint (bytes, <=, 3 * EMU_FORM_MAX_FIELD_BYTES);
  g_assert_cmpuint (emu_form_get_size (form), <=, MAX_FILE);
}

static void
read_parameters (EmuForm * form, EmuKind kind)
{
  EmuParameters parameters = { 0 };
  gchar *errors = NULL, *text;
  gboolean good = emu_parameters_read (&parameters, kind, form,
      EMU_SOURCE_FORM, &errors);

  g_assert_true (good == (errors == NULL));
  if (good) {
    text = emu_parameters_describe (&parameters);
    g_assert_true (g_utf8_validate (text, -1, NULL));
    g_free (text);
    text = emu_parameters_cache_key (&parameters);
    g_free (text);
  }
  emu_parameters_clear (&parameters);
  g_free (errors);
}

static void
save_user (EmuForm * form)
{
  EmuUsers *users = emu_users_new ();
  guint partner = emu_users_add_partner (users);
  gchar *errors = NULL;
  EmuUser *user = emu_users_save (users, partner, form, &errors);

  g_assert_true ((user == NULL) == (errors != NULL));
  if (user != NULL)
    json_node_unref (emu_users_build (users, user));
  g_free (errors);
  emu_users_free (users);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  GError *error = NULL;
  EmuForm *form;
  EmuKind kind;

  if (size == 0)
    return 0;
  form = read_form (data, size);
  if (emu_form_finish (form, &error)) {
    check_fields (form);
    for (kind = 0; kind < EMU_N_KINDS; kind++)
      read_parameters (form, kind);
    save_user (form);
  }
  g_assert_true (error == NULL || emu_form_error_is_theirs (error));
  g_clear_error (&error);
  emu_form_free (form);

  return 0;
}
