/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator's form reader, without a server: from bytes to parameters.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "../../examples/emulator/form.h"
#include "../../examples/emulator/multipart.h"
#include "../../examples/emulator/parameters.h"

/* Writes which row of a table comes, for who looks for the one that fails. */
#define FOR_ROWS(i, rows) \
  for (i = 0; i < G_N_ELEMENTS (rows) \
      && (g_printerr ("%s %u\n", #rows, i), TRUE); i++)

/* The multipart reader */

/* Everything that the reader says, as text: <name|filename|type:data> a part,
 * ~ for NULL. */
static void
note_begin (const EmuPart * part, gpointer user_data)
{
  g_string_append_printf (user_data, "<%s|%s|%s:",
      part->name ? part->name : "~", part->filename ? part->filename : "~",
      part->content_type ? part->content_type : "~");
}

static void
note_data (const guint8 * data, gsize length, gpointer user_data)
{
  g_string_append_len (user_data, (const gchar *) data, length);
}

static void
note_end (gpointer user_data)
{
  g_string_append_c (user_data, '>');
}

static const EmuMultipartCallbacks note_callbacks = {
  note_begin, note_data, note_end
};

#define FIELD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static const struct
{
  const gchar *body;            /* boundary: B */
  const gchar *says;
  gboolean ok;
} multipart_rows[] = {
  {"--B\r\n" FIELD ("a") "1\r\n--B--", "<a|~|~:1>", TRUE},
  {"--B\r\n" FIELD ("a") "1\r\n--B--\r\nepilogue", "<a|~|~:1>", TRUE},
  {"preamble\r\n--B\r\n" FIELD ("a") "1\r\n--B--", "<a|~|~:1>", TRUE},
  {"--B\r\n" FIELD ("a") "1\r\n--B \t\r\n" FIELD ("b") "2\r\n--B--\r\n",
      "<a|~|~:1><b|~|~:2>", TRUE},
  /* data that looks like a boundary, up to its last byte */
  {"--B\r\n" FIELD ("a") "\r\n--\r\n-\r\n--A--B\r\n\r\n--B--",
      "<a|~|~:\r\n--\r\n-\r\n--A--B\r\n>", TRUE},
  {"--B\r\n" FIELD ("a") "\r\n--B--", "<a|~|~:>", TRUE},
  {"--B\r\nContent-Type: video/mp4\r\ncontent-disposition:form-data ; "
        "filename=\"a \\\"b\\\" c\\d.mp4\"; NAME=video\r\n\r\nx\r\n--B--",
      "<video|a \"b\" c\\d.mp4|video/mp4:x>", TRUE},
  /* no headers, no name, a parameter that isn't closed */
  {"--B\r\n\r\nx\r\n--B--", "<~|~|~:x>", TRUE},
  {"--B\r\nX: y\r\n\r\nx\r\n--B--", "<~|~|~:x>", TRUE},
  {"--B\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--B--",
      "<a|~|~:x>", TRUE},
  {"--B\r\nContent-Disposition: form-data; name\r\n\r\nx\r\n--B--",
      "<~|~|~:x>", TRUE},
  /* that end early, or are none */
  {"--B\r\n" FIELD ("a") "1\r\n--B\r\n", "<a|~|~:1>", FALSE},
  {"--B\r\n" FIELD ("a") "1\r\n--B", "<a|~|~:1>", FALSE},
  {"--B\r\n" FIELD ("a") "1", "<a|~|~:", FALSE},
  {"--B\r\nContent-Disp", "", FALSE},
  {"--Bad\r\n" FIELD ("a") "1\r\n--B--", "", FALSE},
  {"no boundary at all", "", FALSE},
  {"", "", FALSE},
};

/* In pieces of each length: a boundary may be split anywhere. */
GST_START_TEST (test_multipart)
{
  gsize length = strlen (multipart_rows[__i__].body), piece, at;

  for (piece = 1; piece <= length + 1; piece++) {
    GString *says = g_string_new (NULL);
    EmuMultipart *reader = emu_multipart_new ("B", &note_callbacks, says);
    gboolean ok = TRUE;

    for (at = 0; at < length && ok; at += piece)
      ok = emu_multipart_push (reader,
          (const guint8 *) multipart_rows[__i__].body + at,
          MIN (piece, length - at), NULL);
    ok = ok && emu_multipart_finish (reader, NULL);
    fail_unless_equals_int (ok, multipart_rows[__i__].ok);
    /* Of a body without an end it is open how much of the data came. */
    if (!ok)
      g_string_truncate (says, strlen (multipart_rows[__i__].says));
    fail_unless_equals_string (says->str, multipart_rows[__i__].says);
    emu_multipart_free (reader);
    g_string_free (says, TRUE);
  }
}

GST_END_TEST;

GST_START_TEST (test_multipart_bounds)
{
  GString *body = g_string_new ("--B\r\nX-Long: ");
  GString *says = g_string_new (NULL);
  EmuMultipart *reader = emu_multipart_new ("B", &note_callbacks, says);
  guint i;

  while (body->len < EMU_MULTIPART_MAX_HEADER_BYTES + 100)
    g_string_append (body, "0123456789");
  fail_if (emu_multipart_push (reader, (const guint8 *) body->str, body->len,
          NULL));
  fail_if (emu_multipart_push (reader, (const guint8 *) "x", 1, NULL));
  emu_multipart_free (reader);

  g_string_assign (body, "--B\r\n");
  for (i = 0; i < EMU_MULTIPART_MAX_PARTS + 1; i++)
    g_string_append (body, "\r\n\r\n--B\r\n");
  reader = emu_multipart_new ("B", &note_callbacks, says);
  fail_if (emu_multipart_push (reader, (const guint8 *) body->str, body->len,
          NULL));
  emu_multipart_free (reader);
  g_string_free (says, TRUE);
  g_string_free (body, TRUE);
}

GST_END_TEST;

static const struct
{
  const gchar *type;
  const gchar *boundary;        /* NULL = no form */
} boundary_rows[] = {
  {"multipart/form-data; boundary=abc", "abc"},
  {"Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"", "a b"},
  {"multipart/form-data; boundary=", NULL},
  {"multipart/form-data", NULL},
  {"multipart/form-dataset; boundary=abc", NULL},
  {"multipart/mixed; boundary=abc", NULL},
  {"", NULL},
  {NULL, NULL},
  {"multipart/form-data; boundary="
        "0123456789012345678901234567890123456789012345678901234567890123456789",
      "0123456789012345678901234567890123456789012345678901234567890123456789"},
  {"multipart/form-data; boundary="
        "01234567890123456789012345678901234567890123456789012345678901234567890",
      NULL},
};

static void
check_boundary (guint row)
{
  gchar *boundary = emu_multipart_parse_boundary (boundary_rows[row].type);

  fail_unless_equals_string (boundary, boundary_rows[row].boundary);
  g_free (boundary);
}

GST_START_TEST (test_boundary)
{
  guint i;

  FOR_ROWS (i, boundary_rows)
      check_boundary (i);
}

GST_END_TEST;

/* The form: into memory and a file */

#define FILE_PART "--B\r\nContent-Disposition: form-data; name=\"video\"; " \
    "filename=\"a.mp4\"\r\n\r\n"

static EmuForm *
read_form (const gchar * body, guint64 max_bytes)
{
  EmuForm *form = emu_form_new ("multipart/form-data; boundary=B", "video",
      g_get_tmp_dir (), max_bytes);

  emu_form_push (form, (const guint8 *) body, strlen (body));
  return form;
}

GST_START_TEST (test_form)
{
  EmuForm *form = read_form ("--B\r\n" FIELD ("frames") "5\r\n" FILE_PART
      "0123456789\r\n--B\r\n" FIELD ("frames") "10\r\n--B--", 10);
  gchar *path, *data;
  gsize length;

  fail_unless (emu_form_finish (form, NULL));
  fail_unless_equals_string (emu_form_find (form, "frames")->value, "10");
  fail_unless_equals_int (emu_form_get_fields (form)->len, 2);
  fail_unless (emu_form_has_file (form));
  fail_if (emu_form_file_is_too_large (form));
  path = g_strdup (emu_form_get_path (form));
  fail_unless (g_file_get_contents (path, &data, &length, NULL));
  fail_unless_equals_int (length, 10);
  fail_unless (memcmp (data, "0123456789", 10) == 0);
  g_free (data);
  emu_form_free (form);
  fail_if (g_file_test (path, G_FILE_TEST_EXISTS));
  g_free (path);
}

GST_END_TEST;

GST_START_TEST (test_form_too_large)
{
  EmuForm *form = read_form (FILE_PART "0123456789\r\n--B--", 9);
  gchar *data;
  gsize length;

  fail_unless (emu_form_finish (form, NULL));
  fail_unless (emu_form_file_is_too_large (form));
  fail_unless_equals_uint64 (emu_form_get_size (form), 10);
  fail_unless (g_file_get_contents (emu_form_get_path (form), &data, &length,
          NULL));
  fail_unless_equals_int (length, 0);
  g_free (data);
  emu_form_free (form);
}

GST_END_TEST;

GST_START_TEST (test_form_fields_too_long)
{
  GString *body = g_string_new ("--B\r\n" FIELD ("ref_id"));
  EmuForm *form;

  while (body->len < EMU_FORM_MAX_FIELD_BYTES + 100)
    g_string_append (body, "0123456789");
  g_string_append (body, "\r\n--B--");
  form = read_form (body->str, 10);
  fail_if (emu_form_finish (form, NULL));
  emu_form_free (form);
  g_string_free (body, TRUE);
}

GST_END_TEST;

/* Which part is the file, which one a field, and which field counts */

#define PART(name, more) "--B\r\nContent-Disposition: form-data; name=\"" name \
    "\"" more "\r\n\r\nx\r\n"
#define NAMED(filename) "; filename=\"" filename "\""

static const struct
{
  const gchar *parts;
  const gchar *filename;        /* of the file; NULL = there is none */
  gboolean file_is_field;
  const gchar *value;           /* of the field "a"; NULL = there is none */
  gboolean plain;
} part_rows[] = {
  {PART ("video", NAMED ("f")), "f", FALSE, NULL, FALSE},
  {PART ("video", ""), NULL, TRUE, NULL, FALSE},
  {PART ("video[]", NAMED ("f")), NULL, TRUE, NULL, FALSE},
  /* what a browser sends for a file that wasn't chosen */
  {PART ("video", NAMED ("")), NULL, FALSE, NULL, FALSE},
  {PART ("Video", NAMED ("f")), NULL, FALSE, NULL, FALSE},
  {PART ("video", NAMED ("1")) PART ("video", NAMED ("2")), "2", FALSE, NULL,
      FALSE},
  {PART ("video", NAMED ("1")) PART ("video", ""), "1", TRUE, NULL, FALSE},
  {PART ("video", "") PART ("video", NAMED ("1")), "1", FALSE, NULL, FALSE},
  {PART ("a", ""), NULL, FALSE, "x", TRUE},
  {PART ("a", "") PART ("A", "") PART ("ab", ""), NULL, FALSE, "x", TRUE},
  {PART ("a", NAMED ("f")), NULL, FALSE, "@f", FALSE},
  {PART ("a", NAMED ("")), NULL, FALSE, NULL, FALSE},
  {PART ("a[]", ""), NULL, FALSE, "x", FALSE},
  {PART ("a[b][]", "") PART ("a", ""), NULL, FALSE, "x", TRUE},
  {PART ("a", "") PART ("a[]", ""), NULL, FALSE, "x", FALSE},
};

static void
check_parts (guint row)
{
  gchar *body = g_strconcat (part_rows[row].parts, "--B--", NULL);
  EmuForm *form = read_form (body, 10);
  const EmuField *field = emu_form_find (form, "a");

  fail_unless (emu_form_finish (form, NULL));
  fail_unless_equals_int (emu_form_has_file (form),
      part_rows[row].filename != NULL);
  fail_unless_equals_string (emu_form_get_filename (form),
      part_rows[row].filename);
  fail_unless_equals_int (emu_form_file_is_field (form),
      part_rows[row].file_is_field);
  fail_unless_equals_string (field != NULL ? field->value : NULL,
      part_rows[row].value);
  if (field != NULL)
    fail_unless_equals_int (emu_field_is_plain (field), part_rows[row].plain);
  emu_form_free (form);
  g_free (body);
}

GST_START_TEST (test_parts)
{
  guint i;

  FOR_ROWS (i, part_rows)
      check_parts (i);
}

GST_END_TEST;

/* Bodies without parts: names and values of all fields, in brackets what is not
 * plain. */

static const struct
{
  const gchar *type, *body;
  const gchar *fields;
  gboolean file_is_field;
} body_rows[] = {
  {"application/x-www-form-urlencoded", "a=1&b=%C3%A4+x%2B&c&=d&e=f=g",
      "a=1 b=ä x+ c= e=f=g "},
  {"Application/X-WWW-form-urlencoded; charset=UTF-8", "a=1", "a=1 "},
  {"application/x-www-form-urlencoded", "a=%zz&a[]=2&a[b]=3",
      "a=%zz (a[]=2) (a[b]=3) "},
  {"application/x-www-form-urlencoded", "a=%00&b=%ff", "a=%00 b=\357\277\275 "},
  {"application/x-www-form-urlencoded", "video=x&a=1", "a=1 ", TRUE},
  {"application/x-www-form-urlencoded", "", ""},
  {"application/json", "{\"a\":\"x\",\"b\":5,\"c\":true,\"d\":null}",
      "a=x b=5 c=true d= "},
  {"application/json", "{\"a\":[1],\"b\":{\"c\":2}}", "(a[]=) (b[]=) "},
  {"application/json;x", "{\"video\":1}", "", TRUE},
  {"application/json", "[1]", ""},
  {"application/json", "{\"a\":", ""},
  {"application/json", "", ""},
  {"text/plain", "a=1", ""},
  {NULL, "a=1", ""},
};

static void
check_body (guint row)
{
  const gchar *body = body_rows[row].body;
  EmuForm *form = emu_form_new (body_rows[row].type, "video", g_get_tmp_dir (),
      10);
  GString *fields = g_string_new (NULL);
  GPtrArray *list;
  guint i;

  for (i = 0; body[i] != '\0'; i++)
    emu_form_push (form, (const guint8 *) body + i, 1);
  fail_unless (emu_form_finish (form, NULL));
  list = emu_form_get_fields (form);
  for (i = 0; i < list->len; i++) {
    const EmuField *field = g_ptr_array_index (list, i);

    g_string_append_printf (fields, emu_field_is_plain (field) ? "%s=%s "
        : "(%s=%s) ", field->name, field->value);
  }
  fail_unless_equals_string (fields->str, body_rows[row].fields);
  fail_unless_equals_int (emu_form_file_is_field (form),
      body_rows[row].file_is_field);
  fail_if (emu_form_has_file (form));
  g_string_free (fields, TRUE);
  emu_form_free (form);
}

GST_START_TEST (test_bodies)
{
  guint i;

  FOR_ROWS (i, body_rows)
      check_body (i);
}

GST_END_TEST;

GST_START_TEST (test_bodies_too_long)
{
  EmuForm *form = emu_form_new ("application/json", NULL, g_get_tmp_dir (), 10);
  guint8 spaces[1024];
  GError *error = NULL;
  guint i;

  memset (spaces, ' ', sizeof spaces);
  for (i = 0; i <= EMU_FORM_MAX_FIELD_BYTES / sizeof spaces; i++)
    emu_form_push (form, spaces, sizeof spaces);
  fail_if (emu_form_finish (form, &error));
  fail_unless (emu_form_error_is_theirs (error));
  g_clear_error (&error);
  emu_form_free (form);
}

GST_END_TEST;

/* Who is to blame: a form that is none, or a folder that is gone. */
GST_START_TEST (test_form_errors)
{
  EmuForm *form = read_form (FILE_PART "x", 10);
  GError *error = NULL;

  fail_if (emu_form_finish (form, &error));
  fail_unless (emu_form_error_is_theirs (error));
  g_clear_error (&error);
  emu_form_free (form);

  form = emu_form_new ("multipart/form-data; boundary=B", "video",
      "/nowhere/at/all", 10);
  emu_form_push (form, (const guint8 *) FILE_PART "x\r\n--B--",
      strlen (FILE_PART "x\r\n--B--"));
  fail_if (emu_form_finish (form, &error));
  fail_if (emu_form_error_is_theirs (error));
  fail_if (emu_form_has_file (form));
  g_clear_error (&error);
  emu_form_free (form);
}

GST_END_TEST;

/* The parameters */

static const struct
{
  const gchar *fields;          /* name=value, separated by &; @… is a file */
  const gchar *errors;          /* part of them, or NULL: valid */
  guint frames;
  EmuChoice choice;
} parameter_rows[] = {
  {"", NULL, 10, EMU_CHOICE_EVEN},
  {"frames=5", NULL, 5, EMU_CHOICE_EVEN},
  {"frames=30&key_frames=true", NULL, 30, EMU_CHOICE_IFRAMES},
  {"key_frames=1&key_frames_method=color", NULL, 10, EMU_CHOICE_COLOR},
  {"key_frames=true&key_frames_method=flow", NULL, 10, EMU_CHOICE_FLOW},
  {"key_frames_method=flow", NULL, 10, EMU_CHOICE_EVEN},
  {"key_frames=false&key_frames_method=iframes", NULL, 10, EMU_CHOICE_EVEN},
  {"webhook_url=https://example.com/x%3Fy", NULL, 10, EMU_CHOICE_EVEN},
  {"unheard_of=1", NULL, 10, EMU_CHOICE_EVEN},
  {"frames=7", "{\"frames\":[\"The selected frames is invalid.\"]}"},
  {"frames=five", "\"The frames field must be an integer.\""},
  {"frames=", "\"The frames field must be an integer.\""},
  {"key_frames=yes", "\"The key frames field must be true or false.\""},
  {"key_frames_method=best", "\"The selected key frames method is invalid.\""},
  {"with_audio=2", "{\"with_audio\":[\"The with audio field must be true or "
        "false.\"]}"},
  {"webhook_url=ftp://example.com/", "\"The webhook url field must be a valid "
        "URL.\""},
  {"no_cache=x&with_nsfw=x", "\"no_cache\":"},
  /* the last one counts */
  {"frames=7&frames=5", NULL, 5, EMU_CHOICE_EVEN},
  {"frames=5&frames=7", "\"frames\":"},
  {"ref_id=", NULL, 10, EMU_CHOICE_EVEN},
  {"Frames=7&WITH_NSFW=x", NULL, 10, EMU_CHOICE_EVEN},
  {"with_heatmap=x", NULL, 10, EMU_CHOICE_EVEN},        /* images only */
  {"frames=5.0", "\"The frames field must be an integer.\""},
  {"frames=+5", NULL, 5, EMU_CHOICE_EVEN},
  {"frames=99999999999999999999", "\"The frames field must be an integer.\""},
  {"frames=-5", "\"The selected frames is invalid.\""},
  {"frames[]=5", "\"The frames field must be an integer.\""},
  {"frames=@5", "\"The frames field must be an integer.\""},
  {"key_frames=TRUE", "\"The key frames field must be true or false.\""},
  {"key_frames=", "\"The key frames field must be true or false.\""},
  {"key_frames=@x", "\"The key frames field must be true or false.\""},
  {"key_frames_method=", "\"The selected key frames method is invalid.\""},
  {"key_frames_method=Flow", "\"The selected key frames method is invalid.\""},
  {"key_frames_method[a]=flow", "\"The selected key frames method is "
        "invalid.\""},
  {"with_nsfw=", "\"The with nsfw field must be true or false.\""},
  {"with_tampering[]=true", "\"with_tampering\":"},
  {"ref_id=@x", "{\"ref_id\":[\"The ref id field must be a string.\"]}"},
  {"ref_id[]=x", "{\"ref_id\":[\"The ref id field must be a string.\"]}"},
  {"webhook_url=", "\"webhook_url\":"},
  {"webhook_url=http:///x", "\"webhook_url\":"},
  {"webhook_url=http://", "\"webhook_url\":"},
  {"webhook_url=//example.com/", "\"webhook_url\":"},
  {"webhook_url=@x", "\"webhook_url\":"},
};

/* name=value, separated by &; @… is a file. */
static EmuForm *
make_form (const gchar * text)
{
  GString *body = g_string_new (FILE_PART "x\r\n");
  gchar **fields = g_strsplit (text, "&", -1);
  EmuForm *form;
  guint i;

  for (i = 0; fields[i] != NULL; i++) {
    gchar **pair = g_strsplit (fields[i], "=", 2);

    if (*pair[1] == '@')
      g_string_append_printf (body, PART ("%s", NAMED ("%s")), pair[0],
          pair[1] + 1);
    else
      g_string_append_printf (body, "--B\r\n" FIELD ("%s") "%s\r\n", pair[0],
          pair[1]);
    g_strfreev (pair);
  }
  g_string_append (body, "--B--");
  form = read_form (body->str, 10);
  fail_unless (emu_form_finish (form, NULL));
  g_strfreev (fields);
  g_string_free (body, TRUE);
  return form;
}

static void
check_parameters (guint row)
{
  EmuForm *form = make_form (parameter_rows[row].fields);
  EmuParameters parameters;
  gchar *errors = NULL;
  gboolean ok = emu_parameters_read (&parameters, EMU_KIND_VIDEO, form,
      EMU_SOURCE_FORM, &errors);

  fail_unless (ok == (parameter_rows[row].errors == NULL), "%s", errors);
  if (ok) {
    fail_unless_equals_int (parameters.frames, parameter_rows[row].frames);
    fail_unless_equals_int (parameters.choice, parameter_rows[row].choice);
  } else {
    fail_unless (strstr (errors, parameter_rows[row].errors) != NULL,
        "%s", errors);
  }
  g_free (errors);
  emu_parameters_clear (&parameters);
  emu_form_free (form);
}

GST_START_TEST (test_parameters)
{
  guint i;

  FOR_ROWS (i, parameter_rows)
      check_parameters (i);
}

GST_END_TEST;

/* Of images and speech, too: what isn't documented for them doesn't matter. */

static const struct
{
  EmuKind kind;
  const gchar *fields;
  gboolean valid;
} kind_rows[] = {
  {EMU_KIND_IMAGE, "frames=x&key_frames=x&with_audio=x", TRUE},
  {EMU_KIND_IMAGE, "with_heatmap=true&with_nsfw=1&with_morphing=0", TRUE},
  {EMU_KIND_IMAGE, "with_heatmap=x", FALSE},
  {EMU_KIND_AUDIO, "with_nsfw=x&with_tampering=x&frames=x", TRUE},
  {EMU_KIND_AUDIO, "no_cache=x", FALSE},
  {EMU_KIND_AUDIO, "webhook_url=x", FALSE},
};

static void
check_parameters_of_kinds (guint row)
{
  EmuForm *form = make_form (kind_rows[row].fields);
  EmuParameters parameters;
  gchar *errors = NULL;

  emu_parameters_read (&parameters, kind_rows[row].kind, form,
      EMU_SOURCE_FORM, &errors);
  fail_unless_equals_int (errors == NULL, kind_rows[row].valid);
  g_free (errors);
  emu_parameters_clear (&parameters);
  emu_form_free (form);
}

GST_START_TEST (test_parameters_of_kinds)
{
  guint i;

  FOR_ROWS (i, kind_rows)
      check_parameters_of_kinds (i);
}

GST_END_TEST;

/* Which options make it other work, and another identifier. */

static const struct
{
  const gchar *one, *other;
  gboolean same;
} cache_rows[] = {
  {"a=b", "ref_id=x", TRUE},
  {"a=b", "no_cache=true", TRUE},
  {"a=b", "webhook_url=http://example.com/", TRUE},
  {"a=b", "frames=10", TRUE},
  {"a=b", "key_frames_method=flow", TRUE},
  {"key_frames=1", "key_frames=true&key_frames_method=iframes", TRUE},
  {"a=b", "frames=5", FALSE},
  {"a=b", "key_frames=1", FALSE},
  {"key_frames=1", "key_frames=1&key_frames_method=color", FALSE},
  {"a=b", "with_tampering=1", FALSE},
  {"a=b", "with_morphing=1", FALSE},
  {"a=b", "with_audio=1", FALSE},
  {"a=b", "with_nsfw=1", FALSE},
  {"a=b", "ensure_face_per_frame=1", FALSE},
  {"a=b", "prevent_c2pa_forces=1", FALSE},
};

static gchar *
make_cache_key (const gchar * fields)
{
  EmuForm *form = make_form (fields);
  EmuParameters parameters;
  gchar *errors, *key;

  fail_unless (emu_parameters_read (&parameters, EMU_KIND_VIDEO, form,
          EMU_SOURCE_FORM, &errors));
  key = emu_parameters_cache_key (&parameters);
  emu_parameters_clear (&parameters);
  emu_form_free (form);
  return key;
}

static void
check_cache_key (guint row)
{
  gchar *one = make_cache_key (cache_rows[row].one);
  gchar *other = make_cache_key (cache_rows[row].other);

  fail_unless (g_str_equal (one, other) == cache_rows[row].same, "%s, %s",
      one, other);
  g_free (one);
  g_free (other);
}

GST_START_TEST (test_cache_key)
{
  guint i;

  FOR_ROWS (i, cache_rows)
      check_cache_key (i);
}

GST_END_TEST;

static Suite *
emulatorform_suite (void)
{
  Suite *suite = suite_create ("emulatorform");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
#define ROWS(test, rows) \
  tcase_add_loop_test (tc, test, 0, G_N_ELEMENTS (rows))
  ROWS (test_multipart, multipart_rows);
  tcase_add_test (tc, test_multipart_bounds);
  tcase_add_test (tc, test_boundary);
  tcase_add_test (tc, test_form);
  tcase_add_test (tc, test_form_too_large);
  tcase_add_test (tc, test_form_fields_too_long);
  tcase_add_test (tc, test_parts);
  tcase_add_test (tc, test_bodies);
  tcase_add_test (tc, test_bodies_too_long);
  tcase_add_test (tc, test_form_errors);
  tcase_add_test (tc, test_parameters);
  tcase_add_test (tc, test_parameters_of_kinds);
  tcase_add_test (tc, test_cache_key);
  return suite;
}

GST_CHECK_MAIN (emulatorform);
