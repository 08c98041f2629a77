/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The document of what the emulator serves says no more and no less than what it
 * does serve, and real answers have the shapes in it.
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "emulatortool.h"
#include "../../examples/emulator/calls.h"
#include "../../examples/emulator/control.h"

#define VIDEO "/api/classification_video"
#define IMAGE "/api/classification"
#define AUDIO "/api/classification_audio"

#define NOISE " ! video/x-raw,width=64,height=48"
#define CLIP "videotestsrc num-buffers=20 pattern=smpte" NOISE \
    " ! jpegenc ! qtmux"
#define PICTURE "videotestsrc num-buffers=1 pattern=smpte" NOISE " ! pngenc"
#define TONE "audiotestsrc freq=1000 samplesperbuffer=4410 num-buffers=40 ! " \
    "audio/x-raw,rate=44100,channels=1 ! wavenc"

static JsonNode *
load_document (void)
{
  const gchar *argv[] = { g_getenv ("IDENTIFAI_EMULATOR"), "--openapi", NULL };
  GSubprocess *process = g_subprocess_newv (argv,
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, NULL);
  gchar *text = NULL;
  GError *error = NULL;
  JsonNode *node;

  fail_unless (g_subprocess_communicate_utf8 (process, NULL, NULL, &text, NULL,
          NULL));
  fail_unless (g_subprocess_get_successful (process));
  node = json_from_string (text, &error);
  fail_unless (node != NULL, "%s", error != NULL ? error->message : "");
  g_object_unref (process);
  g_free (text);
  return node;
}

static JsonObject *
look_up (JsonObject * object, const gchar * name)
{
  fail_unless (json_object_has_member (object, name), "no %s", name);
  return json_object_get_object_member (object, name);
}

/* Which calls there are */

/* "get /a/{}" of a path in the document or in the table. */
static gchar *
call_name (const gchar * method, const gchar * path)
{
  GRegex *regex = g_regex_new ("\\{[^}]*\\}|\\*", 0, 0, NULL);
  gchar *plain = g_regex_replace_literal (regex, path, -1, 0, "{}", 0, NULL);
  gchar *lower = g_ascii_strdown (method, -1);
  gchar *name = g_strconcat (lower, " ", plain, NULL);

  g_regex_unref (regex);
  g_free (plain);
  g_free (lower);
  return name;
}

static void
check_served (GHashTable * documented, const EmuCall * calls, guint * n)
{
  for (; calls->method != NULL; calls++, (*n)++) {
    gchar *name = call_name (calls->method, calls->path);

    fail_unless (g_hash_table_contains (documented, name), "%s is served, and "
        "not in openapi.json", name);
    g_free (name);
  }
}

static void
add_operations (GHashTable * table, JsonObject * paths, const gchar * path)
{
  GList *methods = json_object_get_members (look_up (paths, path)), *link;

  for (link = methods; link != NULL; link = link->next)
    g_hash_table_add (table, call_name (link->data, path));
  g_list_free (methods);
}

GST_START_TEST (test_calls)
{
  JsonNode *document = load_document ();
  JsonObject *root = json_node_get_object (document);
  JsonObject *paths = look_up (root, "paths");
  GHashTable *documented = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);
  GList *names = json_object_get_members (paths), *link;
  guint served = 0;

  fail_unless (g_str_has_prefix (json_object_get_string_member (root,
              "openapi"), "3."));
  fail_unless_equals_string (json_object_get_string_member (look_up (root,
              "info"), "version"), VERSION);
  for (link = names; link != NULL; link = link->next)
    add_operations (documented, paths, link->data);
  check_served (documented, emu_calls, &served);
  check_served (documented, emu_control_calls, &served);
  /* All of them are, and each is there once. */
  fail_unless_equals_int (served, g_hash_table_size (documented));
  g_list_free (names);
  g_hash_table_unref (documented);
  json_node_unref (document);
}

GST_END_TEST;

/* What of JSON Schema the document uses: whoever writes more into it finds that
 * it isn't known here. */

static const gchar *const keywords[] = { "type", "nullable", "enum", "required",
  "properties", "additionalProperties", "items", "allOf", "oneOf", "$ref",
  "minimum", "maximum", "pattern", "description", "format", NULL
};

static gchar *check_value (JsonObject * root, JsonObject * schema,
    JsonNode * value);

static JsonObject *
resolve (JsonObject * root, JsonObject * object)
{
  gchar **parts;
  guint i;

  if (!json_object_has_member (object, "$ref"))
    return object;
  parts = g_strsplit (json_object_get_string_member (object, "$ref"), "/", -1);
  for (i = 1, object = root; parts[i] != NULL; i++)
    object = look_up (object, parts[i]);
  g_strfreev (parts);
  return object;
}

static gboolean
is_type (const gchar * type, JsonNode * value)
{
  GType found = json_node_get_value_type (value);

  if (JSON_NODE_HOLDS_OBJECT (value) || JSON_NODE_HOLDS_ARRAY (value))
    return g_str_equal (type, JSON_NODE_HOLDS_OBJECT (value) ? "object"
        : "array");
  if (g_str_equal (type, "number"))
    return found == G_TYPE_INT64 || found == G_TYPE_DOUBLE;
  return found == (g_str_equal (type, "integer") ? G_TYPE_INT64
      : g_str_equal (type, "boolean") ? G_TYPE_BOOLEAN
      : g_str_equal (type, "string") ? G_TYPE_STRING : G_TYPE_INVALID);
}

/* Returns what is wrong, or NULL. */
static gchar *
check_members (JsonObject * root, JsonObject * schema, JsonObject * object)
{
  JsonObject *known = json_object_has_member (schema, "properties")
      ? look_up (schema, "properties") : NULL;
  JsonNode *others = json_object_get_member (schema, "additionalProperties");
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &value)) {
    JsonObject *own = known != NULL && json_object_has_member (known, name)
        ? look_up (known, name) : NULL;
    gchar *wrong, *text;

    if (own == NULL && others != NULL && JSON_NODE_HOLDS_OBJECT (others))
      own = json_node_get_object (others);
    if (own == NULL && others != NULL && JSON_NODE_HOLDS_VALUE (others))
      return g_strdup_printf ("%s isn't documented", name);
    wrong = own != NULL ? check_value (root, own, value) : NULL;
    if (wrong == NULL)
      continue;
    text = g_strdup_printf ("%s.%s", name, wrong);
    g_free (wrong);
    return text;
  }
  return NULL;
}

static gchar *
check_required (JsonObject * schema, JsonObject * object)
{
  JsonArray *names = json_object_has_member (schema, "required")
      ? json_object_get_array_member (schema, "required") : NULL;
  guint i, n = names != NULL ? json_array_get_length (names) : 0;

  for (i = 0; i < n; i++) {
    if (!json_object_has_member (object, json_array_get_string_element (names,
                i)))
      return g_strdup_printf ("%s is missing",
          json_array_get_string_element (names, i));
  }
  return NULL;
}

static gchar *
check_elements (JsonObject * root, JsonObject * schema, JsonArray * array)
{
  gchar *wrong = NULL;
  guint i;

  for (i = 0; i < json_array_get_length (array) && wrong == NULL; i++)
    wrong = check_value (root, look_up (schema, "items"),
        json_array_get_element (array, i));
  return wrong;
}

static gboolean
is_one_of (JsonArray * values, const gchar * text)
{
  guint i;

  for (i = 0; i < json_array_get_length (values); i++) {
    if (g_strcmp0 (json_array_get_string_element (values, i), text) == 0)
      return TRUE;
  }
  return FALSE;
}

static gchar *
check_plain (JsonObject * schema, JsonNode * value)
{
  gdouble number = json_node_get_double (value);

  if ((json_object_has_member (schema, "minimum")
          && number < json_object_get_double_member (schema, "minimum"))
      || (json_object_has_member (schema, "maximum")
          && number > json_object_get_double_member (schema, "maximum")))
    return g_strdup_printf (" is %g", number);
  if (json_object_has_member (schema, "enum")
      && !is_one_of (json_object_get_array_member (schema, "enum"),
          json_node_get_string (value)))
    return g_strdup_printf (" is %s", json_node_get_string (value));
  if (json_object_has_member (schema, "pattern")
      && !g_regex_match_simple (json_object_get_string_member (schema,
              "pattern"), json_node_get_string (value), 0, 0))
    return g_strdup_printf (" is %s", json_node_get_string (value));
  return NULL;
}

static gchar *
check_alternatives (JsonObject * root, JsonArray * schemas, JsonNode * value,
    guint wanted)
{
  gchar *wrong = NULL;
  guint i, right = 0;

  for (i = 0; i < json_array_get_length (schemas); i++) {
    gchar *one = check_value (root, json_array_get_object_element (schemas, i),
        value);

    right += one == NULL;
    if (one != NULL) {
      g_free (wrong);
      wrong = one;
    }
  }
  if (right == wanted)
    g_clear_pointer (&wrong, g_free);
  else if (wrong == NULL)
    wrong = g_strdup (" is more than one of these");
  return wrong;
}

static void
check_keywords (JsonObject * schema)
{
  GList *names = json_object_get_members (schema), *link;

  for (link = names; link != NULL; link = link->next)
    fail_unless (g_strv_contains (keywords, link->data), "this test doesn't "
        "know the keyword %s", (gchar *) link->data);
  g_list_free (names);
}

static gchar *
check_typed (JsonObject * root, JsonObject * schema, JsonNode * value)
{
  const gchar *type = json_object_get_string_member (schema, "type");
  gchar *wrong;

  if (!is_type (type, value))
    return g_strdup_printf (" is no %s", type);
  if (JSON_NODE_HOLDS_ARRAY (value))
    return check_elements (root, schema, json_node_get_array (value));
  if (!JSON_NODE_HOLDS_OBJECT (value))
    return check_plain (schema, value);
  wrong = check_required (schema, json_node_get_object (value));
  return wrong != NULL ? wrong : check_members (root, schema,
      json_node_get_object (value));
}

static gchar *
check_value (JsonObject * root, JsonObject * schema, JsonNode * value)
{
  schema = resolve (root, schema);
  check_keywords (schema);
  if (JSON_NODE_HOLDS_NULL (value))
    return json_object_has_member (schema, "nullable") ? NULL
        : g_strdup (" is null");
  if (json_object_has_member (schema, "oneOf"))
    return check_alternatives (root, json_object_get_array_member (schema,
            "oneOf"), value, 1);
  if (json_object_has_member (schema, "allOf")) {
    JsonArray *all = json_object_get_array_member (schema, "allOf");

    return check_alternatives (root, all, value, json_array_get_length (all));
  }
  return check_typed (root, schema, value);
}

/* Answers. %v, %i and %a are a video's, an image's and a speech's identifiers,
 * %h, %j and %k the hashes of those, %p one that is hardly judged yet, %e one that
 * failed, %b the emulator's address. */

typedef struct
{
  const gchar *method, *path;   /* as in the document */
  const gchar *target;          /* NULL = path */
  guint status;
  const gchar *key;             /* NULL = "boss", a partner's */
  const gchar *fields;          /* of a form; or a body, JSON or behind an @ */
  const gchar *file;            /* name of the part, or NULL */
} AnswerRow;

static const AnswerRow answer_rows[] = {
  {"GET", VIDEO "/{identifier}", VIDEO "/%p", 200},
  {"GET", VIDEO "/{identifier}", VIDEO "/%v", 200},
  {"GET", IMAGE "/{identifier}", IMAGE "/%i", 200},
  {"GET", AUDIO "/{identifier}", AUDIO "/%a", 200},
  {"GET", IMAGE "/{identifier}", IMAGE "/%v", 200},
  {"GET", IMAGE "/{identifier}", IMAGE "/%a", 200},
  {"GET", IMAGE "_image/{identifier}", IMAGE "_image/%i", 200},
  {"GET", VIDEO "/{identifier}", VIDEO "/%e", 200},
  {"GET", VIDEO "/{identifier}", VIDEO "/x", 404},
  {"GET", VIDEO "/{identifier}", VIDEO "/%v", 401, "nobody"},
  {"GET", VIDEO "/{identifier}", VIDEO "/%v", 403, "banned"},
  {"GET", "/api/classifications_video",
      "/api/classifications_video?identifiers[]=%v&identifiers[]=%p", 200},
  {"GET", "/api/classifications", "/api/classifications?identifiers[]=%i", 200},
  {"GET", "/api/classifications", NULL, 200},
  {"GET", "/api/classifications_image", NULL, 200},
  {"GET", "/api/classifications_audio",
      "/api/classifications_audio?identifiers[]=%a", 200},
  {"GET", "/api/classifications_video", NULL, 400},
  {"GET", IMAGE "/heatmap/{identifier}", IMAGE "/heatmap/%i", 200},
  {"GET", IMAGE "_image/heatmap/{identifier}", IMAGE "_image/heatmap/%i", 200},
  {"GET", IMAGE "/heatmap/{identifier}", IMAGE "/heatmap/%v", 404},
  {"GET", "/api/user/credits", NULL, 200},
  {"POST", VIDEO, NULL, 200, NULL, "frames=5", "video"},
  {"POST", IMAGE, NULL, 200, NULL, "a=b", "image"},
  {"POST", AUDIO, NULL, 200, NULL, "a=b", "audio"},
  {"POST", VIDEO, NULL, 400, NULL, "frames=7", "video"},
  {"POST", AUDIO, NULL, 400, NULL, "a=b", "video"},
  {"POST", VIDEO, NULL, 403, "banned", "a=b", "video"},
  {"POST", "/api/video_fromurl", NULL, 400, NULL,
      "file_url=http://127.0.0.1:1/x"},
  {"POST", "/api/image_fromurl", NULL, 200, NULL,
      "file_url=%b/emulator/frames/%v/0"},
  {"POST", "/api/image_fromurl", NULL, 400, NULL, "file_url=x"},
  {"POST", "/api/audio_fromurl", NULL, 400, NULL, "a=b"},
  {"POST", VIDEO "/{hash}/override", VIDEO "/%h/override", 200, NULL,
      "{\"classification\":\"human\"}"},
  {"POST", IMAGE "/{hash}/override", IMAGE "/x/override", 404, NULL,
      "{\"classification\":\"human\"}"},
  {"POST", AUDIO "/{hash}/override", AUDIO "/x/override", 400, NULL,
      "{\"classification\":\"cat\"}"},
  {"POST", IMAGE "/{hash}/override", IMAGE "/%j/override", 200, NULL,
      "{\"classification\":\"artificial\"}"},
  {"POST", AUDIO "/{hash}/override", AUDIO "/%k/override", 200, NULL,
      "{\"classification\":\"human\"}"},
  {"GET", VIDEO "/{identifier}", VIDEO "/%v", 200},
  {"POST", "/api/partner/user", NULL, 200, NULL,
      "name=A&email=a@b.cc&heuristic=Majority&pricing_id=1"},
  {"POST", "/api/user", NULL, 200, NULL,
      "id=2&name=B&email=a@b.cc&heuristic=Average&pricing_id=2&readonly=1"},
  {"POST", "/api/partner/user", NULL, 400, NULL, "name=A"},
  {"POST", "/api/partner/user", NULL, 403, "any", "name=A"},
  {"GET", "/api/partner/users", "/api/partner/users?per_page=1", 200},
  {"GET", "/api/partner/users", "/api/partner/users?order=size", 400},
  {"GET", "/api/partner/users", NULL, 403, "any"},
  {"GET", "/api/partner/pricings", NULL, 200},
  {"POST", "/api/partner/send_creation_email", NULL, 200, NULL, "id=2"},
  {"DELETE", "/api/user", "/api/user?id=2", 200},
  {"DELETE", "/api/user", "/api/user?id=2", 400},
  {"GET", "/", NULL, 200, ""},
  {"GET", "/health", NULL, 200, ""},
  {"GET", "/openapi.json", NULL, 200, ""},
  {"GET", "/emulator/state", NULL, 200, ""},
  {"GET", "/emulator/state", "/emulator/state?after=1", 200, ""},
  {"GET", "/emulator/frames/{identifier}/{number}", "/emulator/frames/%v/0",
      200, ""},
  {"GET", "/emulator/frames/{identifier}/{number}", "/emulator/frames/%v/99",
      404, ""},
  {"POST", "/emulator/faults", NULL, 200, "", "@credits#9:status=500"},
  {"GET", "/emulator/faults", NULL, 200, ""},
  {"DELETE", "/emulator/faults", NULL, 200, ""},
  {"POST", "/emulator/faults", NULL, 400, "", "@nothing"},
  {"POST", "/emulator/rules", NULL, 200, "", "@a*=human"},
  {"GET", "/emulator/rules", NULL, 200, ""},
  {"DELETE", "/emulator/rules", NULL, 200, ""},
  {"POST", "/emulator/keys", NULL, 200, "", "@k=3"},
  {"POST", "/emulator/keys", NULL, 400, "", "@=3"},
  {"GET", "/emulator/requests", NULL, 200, ""},
  {"GET", "/emulator/requests/{number}", "/emulator/requests/1", 200, ""},
  {"GET", "/emulator/requests/{number}", "/emulator/requests/0", 404, ""},
  {"POST", "/emulator/reset", NULL, 200, "", "@"},
};

typedef struct
{
  Emulator emulator;
  JsonNode *document;
  GHashTable *names;            /* "%v" -> identifier */
  GHashTable *seen;             /* "get /a/{}" that was answered with 200 */
  GBytes *clip, *picture, *tone;
} Fixture;

static gchar *
fill_in (Fixture * self, const gchar * path)
{
  GString *text = g_string_new (path);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->names);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_string_replace (text, name, value, 0);
  return g_string_free (text, FALSE);
}

static GBytes *
make_body (Fixture * self, const AnswerRow * row, const gchar ** type)
{
  GBytes *file = g_strcmp0 (row->file, "image") == 0 ? self->picture
      : g_strcmp0 (row->file, "audio") == 0 ? self->tone : self->clip;
  gchar *media = g_strconcat (row->file != NULL ? row->file : "", "/x", NULL);
  gchar *filled = row->fields != NULL ? fill_in (self, row->fields) : NULL;
  gchar *fields = filled;
  GBytes *body = NULL;

  *type = fields == NULL ? NULL : *fields == '{' ? "application/json"
      : *fields == '@' ? "text/plain" : FORM_TYPE;
  if (fields != NULL && *fields == '{')
    body = make_text (fields);
  else if (fields != NULL && *fields == '@')
    body = make_text (fields + 1);
  else if (fields != NULL)
    body = make_form (fields, row->file, "file.x", media,
        row->file != NULL ? file : NULL);
  g_free (media);
  g_free (filled);
  return body;
}

/* The part of the document about that answer. */
static JsonObject *
find_response (Fixture * self, const AnswerRow * row)
{
  JsonObject *root = json_node_get_object (self->document);
  gchar *method = g_ascii_strdown (row->method, -1);
  gchar *status = g_strdup_printf ("%u", row->status);
  JsonObject *call = look_up (look_up (look_up (root, "paths"), row->path),
      method);
  JsonObject *response = look_up (look_up (call, "responses"), status);

  if (row->status == 200)
    g_hash_table_add (self->seen, call_name (method, row->path));
  g_free (method);
  g_free (status);
  return resolve (root, response);
}

static void
check_answer (Fixture * self, const AnswerRow * row, const Answer * answer)
{
  JsonObject *content = look_up (find_response (self, row), "content");
  gchar *type = g_strndup (answer->type, strcspn (answer->type, ";"));
  JsonObject *schema = look_up (look_up (content, type), "schema");

  if (g_str_equal (type, "application/json")) {
    JsonNode *value = json_from_string (answer->body, NULL);
    gchar *wrong = check_value (json_node_get_object (self->document), schema,
        value);

    fail_unless (wrong == NULL, "%s: %.500s", wrong, answer->body);
    json_node_unref (value);
  }
  g_free (type);
}

static void
check_row (Fixture * self, const AnswerRow * row)
{
  const gchar *type, *key = row->key == NULL ? "boss" : row->key;
  gchar *path = fill_in (self, row->target != NULL ? row->target : row->path);
  GBytes *body = make_body (self, row, &type);
  Answer answer;

  emulator_ask (&self->emulator, row->method, path, *key != '\0' ? key : NULL,
      "application/json", type, body, &answer);
  fail_unless (answer.status == row->status, "%s: %u %s", path, answer.status,
      answer.body);
  check_answer (self, row, &answer);
  answer_clear (&answer);
  g_clear_pointer (&body, g_bytes_unref);
  g_free (path);
}

static void
name (Fixture * self, const gchar * word, const gchar * text)
{
  g_hash_table_insert (self->names, g_strdup (word), g_strdup (text));
}

/* hash: what the file's is called, NULL: it isn't waited for. */
static void
submit (Fixture * self, const gchar * word, const gchar * hash,
    const gchar * path, const gchar * fields, GBytes * file)
{
  gchar *identifier = emulator_submit (&self->emulator, path, fields, file);
  JsonNode *result = hash != NULL ? emulator_wait (&self->emulator, path,
      identifier) : NULL;

  name (self, word, identifier);
  if (result != NULL)
    name (self, hash, json_object_get_string_member (json_node_get_object
            (result), "hash"));
  g_clear_pointer (&result, json_node_unref);
  g_free (identifier);
}

static void
prepare (Fixture * self, const gchar * arguments)
{
  self->clip = make_clip (CLIP);
  self->picture = make_clip (PICTURE);
  self->tone = make_clip (TONE);
  self->document = load_document ();
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  emulator_start (&self->emulator, arguments);
  name (self, "%b", self->emulator.base);
}

static void
clean_up (Fixture * self)
{
  emulator_stop (&self->emulator);
  json_node_unref (self->document);
  g_hash_table_unref (self->names);
  g_hash_table_unref (self->seen);
  g_bytes_unref (self->clip);
  g_bytes_unref (self->picture);
  g_bytes_unref (self->tone);
}

/* Each call that the document has, but for the two that would need a server to
 * fetch from, was answered well. */
static void
check_seen (Fixture * self)
{
  JsonObject *paths = look_up (json_node_get_object (self->document), "paths");
  GHashTable *documented = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);
  GList *names = json_object_get_members (paths), *link;
  GHashTableIter iter;
  gpointer call;

  for (link = names; link != NULL; link = link->next)
    add_operations (documented, paths, link->data);
  g_hash_table_iter_init (&iter, documented);
  while (g_hash_table_iter_next (&iter, &call, NULL))
    fail_unless (g_hash_table_contains (self->seen, call)
        || g_str_equal (call, "post /api/video_fromurl")
        || g_str_equal (call, "post /api/audio_fromurl"), "%s isn't tested",
        (gchar *) call);
  g_list_free (names);
  g_hash_table_unref (documented);
}

GST_START_TEST (test_answers)
{
  Fixture fixture;
  guint i;

  prepare (&fixture, "--rate-limits off --delay 0.3 --api-key boss=partner "
      "--api-key k --api-key any --api-key banned=forbidden "
      "--rule fail*=errored --allow-fetch");
  submit (&fixture, "%v", "%h", VIDEO,
      "with_tampering=1&with_morphing=1&with_nsfw=1", fixture.clip);
  submit (&fixture, "%i", "%j", IMAGE, "with_heatmap=1", fixture.picture);
  submit (&fixture, "%a", "%k", AUDIO, "ref_id=s", fixture.tone);
  submit (&fixture, "%e", "%h", VIDEO, "ref_id=fail", fixture.clip);
  submit (&fixture, "%p", NULL, VIDEO, "ref_id=p&no_cache=1", fixture.clip);
  FOR_ROWS (i, answer_rows)
      check_row (&fixture, &answer_rows[i]);
  check_seen (&fixture);
  clean_up (&fixture);
}

GST_END_TEST;

GST_START_TEST (test_throttled)
{
  static const AnswerRow rows[] = {
    {"GET", "/api/user/credits", NULL, 200},
    {"GET", "/api/user/credits", NULL, 429},
  };
  Fixture fixture;
  guint i;

  prepare (&fixture, "--rate-limits 9,9,9,1");
  FOR_ROWS (i, rows)
      check_row (&fixture, &rows[i]);
  clean_up (&fixture);
}

GST_END_TEST;

static Suite *
emulatoropenapi_suite (void)
{
  Suite *suite = suite_create ("emulatoropenapi");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_calls);
  tcase_add_test (tc, test_answers);
  tcase_add_test (tc, test_throttled);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatoropenapi);
