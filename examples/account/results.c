/* identifai-account: results, what is done to them, and credits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "account.h"

#include "identifier.h"
#include "json.h"
#include "result.h"

#include <string.h>
#include <unistd.h>

#define MAX_BATCH 100           /* identifiers a call, as documented */

static const GOptionEntry kind_entries[] = {
  {"kind", 'k', 0, G_OPTION_ARG_STRING, &account_options.kind,
      "Of videos, images or speech", "KIND"},
  {NULL}
};

/* Results. */

/* The service's JSON of one, in a line. */
static void
print_result (JsonNode * node)
{
  g_autofree gchar *text = json_to_string (node, FALSE);
  g_autofree gchar *identifier = account_get_text (node, "identifier");
  g_autofree gchar *name = account_get_text (node, "name");
  g_autofree gchar *ref_id = account_get_text (node, "ref_id");
  g_autoptr (IdentifaiResult) result = identifai_result_parse (NULL, text,
      strlen (text), NULL, NULL);
  g_autofree gchar *verdict = NULL;

  if (result == NULL)
    verdict = g_strdup ("not to be understood");
  else if (result->state == IDENTIFAI_RESULT_PENDING)
    verdict = g_strdup ("pending");
  else if (result->state != IDENTIFAI_RESULT_FINAL)
    verdict = g_strdup_printf ("errored: %s", result->error_text);
  else
    verdict = g_strdup_printf ("%s, confidence %.2f%s%s%s",
        result->classification, result->confidence,
        result->heuristic ? " by " : "",
        result->heuristic ? result->heuristic : "",
        result->forced ? ", forced" : "");
  g_print ("%s  %s  name %s, ref_id %s\n", identifier, verdict, name, ref_id);
}

static void
print_results (Account * self, JsonArray * results)
{
  g_autoptr (JsonNode) root = NULL;
  guint i;

  if (self->options.json) {
    root = json_node_new (JSON_NODE_ARRAY);
    json_node_set_array (root, results);
    account_print_json (root);
    return;
  }
  if (json_array_get_length (results) == 0)
    g_printerr ("none\n");
  for (i = 0; i < json_array_get_length (results); i++)
    print_result (json_array_get_element (results, i));
}

/* Of those in wanted, from first on, as many as a call may ask for. */
static gchar *
make_batch_path (IdentifaiKind kind, GPtrArray * wanted, guint first)
{
  GString *path = g_string_new (identifai_kind_get_info (kind)->batch_path);
  guint i;

  for (i = first; i < wanted->len && i < first + MAX_BATCH; i++) {
    g_autofree gchar *escaped = g_uri_escape_string (g_ptr_array_index (wanted,
            i), NULL, FALSE);

    g_string_append_printf (path, "%cidentifiers[]=%s", i == first ? '?' : '&',
        escaped);
  }

  return g_string_free (path, FALSE);
}

/* Calls for an array. NULL: *status says how to end. */
static JsonNode *
call_for_array (Account * self, const gchar * what, const gchar * path,
    gint * status)
{
  IdentifaiServiceCall call = {.what = what,.method = "GET",.path = path };
  JsonNode *root = account_call_json (self, &call, status);

  if (root != NULL && account_get_array (root) == NULL) {
    *status = account_fail (self, ACCOUNT_TROUBLE, "%s: the answer is no list",
        what);
    g_clear_pointer (&root, json_node_unref);
  }

  return root;
}

static void
sort_in (GHashTable * found, JsonArray * results)
{
  guint i;

  for (i = 0; i < json_array_get_length (results); i++) {
    JsonNode *node = json_array_get_element (results, i);
    gchar *identifier = identifai_identifier_dup
        (identifai_json_get_member (node, "identifier"));

    if (identifier != NULL)
      g_hash_table_insert (found, identifier, json_node_ref (node));
  }
}

static GPtrArray *
list_missing (gchar ** identifiers, GHashTable * found)
{
  GPtrArray *missing = g_ptr_array_new ();

  for (; *identifiers != NULL; identifiers++)
    if (!g_hash_table_contains (found, *identifiers))
      g_ptr_array_add (missing, *identifiers);

  return missing;
}

static gint
look_up (Account * self, IdentifaiKind kind, gchar ** identifiers,
    GHashTable * found)
{
  g_autoptr (GPtrArray) missing = list_missing (identifiers, found);
  gint status = ACCOUNT_DONE;
  guint first;

  for (first = 0; first < missing->len && status == ACCOUNT_DONE;
      first += MAX_BATCH) {
    g_autofree gchar *path = make_batch_path (kind, missing, first);
    g_autoptr (JsonNode) root = call_for_array (self, "results", path, &status);

    if (root != NULL)
      sort_in (found, account_get_array (root));
  }

  return status;
}

/* In the order asked for; says which ones there are not. */
static gint
print_found (Account * self, gchar ** identifiers, GHashTable * found,
    gint status)
{
  g_autoptr (JsonArray) results = json_array_new ();
  guint i;

  for (i = 0; identifiers[i] != NULL; i++) {
    JsonNode *node = g_hash_table_lookup (found, identifiers[i]);

    if (node != NULL)
      json_array_add_element (results, json_node_ref (node));
  }
  if (status == ACCOUNT_DONE || json_array_get_length (results) > 0)
    print_results (self, results);
  for (i = 0; identifiers[i] != NULL && status <= ACCOUNT_REFUSED; i++) {
    if (!g_hash_table_contains (found, identifiers[i]))
      status = account_fail (self, ACCOUNT_REFUSED,
          "%s: the service has no such result", identifiers[i]);
  }

  return status;
}

static gint
run_results (Account * self, gchar ** arguments)
{
  static const IdentifaiKind all[] = { IDENTIFAI_KIND_VIDEO,
    IDENTIFAI_KIND_IMAGE, IDENTIFAI_KIND_SPEECH
  };
  g_autoptr (GHashTable) found = g_hash_table_new_full (g_str_hash,
      g_str_equal, g_free, (GDestroyNotify) json_node_unref);
  gboolean any = self->options.kind == NULL;
  gint status = ACCOUNT_DONE;
  IdentifaiKind kind;
  guint i;

  if (!account_read_kind (self, self->options.kind, all[0], &kind))
    return ACCOUNT_WRONG_USE;
  for (i = 0; i < G_N_ELEMENTS (all) && status == ACCOUNT_DONE; i++)
    if (any || all[i] == kind)
      status = look_up (self, all[i], arguments, found);

  return print_found (self, arguments, found, status);
}

static gint
run_list (Account * self, gchar ** arguments)
{
  g_autoptr (JsonNode) root = NULL;
  gint status = ACCOUNT_DONE;
  IdentifaiKind kind;

  if (!account_read_kind (self, arguments[0], IDENTIFAI_KIND_IMAGE, &kind))
    return ACCOUNT_WRONG_USE;
  root = call_for_array (self, "list",
      identifai_kind_get_info (kind)->batch_path, &status);
  if (root != NULL)
    print_results (self, account_get_array (root));

  return status;
}

/* Overrides. */

static gint
run_override (Account * self, gchar ** arguments)
{
  g_autofree gchar *hash = g_uri_escape_string (arguments[0], NULL, FALSE);
  g_autofree gchar *path = NULL, *body = NULL;
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (JsonNode) root = NULL;
  gint status = ACCOUNT_DONE;
  IdentifaiServiceCall call = {.what = "override",.method = "POST",
    .content_type = "application/json"
  };
  IdentifaiKind kind;

  if (!account_read_kind (self, self->options.kind, IDENTIFAI_KIND_VIDEO,
          &kind))
    return ACCOUNT_WRONG_USE;
  if (!g_str_equal (arguments[1], "human")
      && !g_str_equal (arguments[1], "artificial"))
    return account_fail (self, ACCOUNT_WRONG_USE,
        "a classification is human or artificial, and not \"%s\"",
        arguments[1]);

  path = g_strconcat (identifai_kind_get_info (kind)->submit_path, "/", hash,
      "/override", NULL);
  body = g_strdup_printf ("{\"classification\":\"%s\"}", arguments[1]);
  bytes = g_bytes_new (body, strlen (body));
  call.path = path;
  call.body = bytes;
  root = account_call_json (self, &call, &status);
  if (root == NULL)
    return status;
  if (g_strcmp0 (identifai_json_get_string (identifai_json_get_member (root,
                  "classification")), arguments[1]) != 0)
    return account_fail (self, ACCOUNT_TROUBLE, "override: the answer doesn't "
        "say that the classification was taken");
  if (self->options.json)
    account_print_json (root);
  else
    g_print ("%s is %s from now on\n", arguments[0], arguments[1]);

  return ACCOUNT_DONE;
}

/* Heat maps. */

static gboolean
is_png (GBytes * bytes)
{
  static const guint8 signature[] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a,
    '\n'
  };
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  return size > sizeof (signature)
      && memcmp (data, signature, sizeof (signature)) == 0;
}

static gint
write_out (Account * self, GBytes * bytes)
{
  g_autoptr (GError) error = NULL;
  gsize size, done = 0;
  const gchar *data = g_bytes_get_data (bytes, &size);

  if (self->options.output != NULL) {
    if (!g_file_set_contents (self->options.output, data, size, &error))
      return account_fail (self, ACCOUNT_WRONG_USE, "%s", error->message);
    return ACCOUNT_DONE;
  }
  while (done < size) {
    gssize n = write (STDOUT_FILENO, data + done, size - done);

    if (n < 0)
      return account_fail (self, ACCOUNT_WRONG_USE, "can't write: %s",
          g_strerror (errno));
    done += n;
  }

  return ACCOUNT_DONE;
}

static gint
run_heatmap (Account * self, gchar ** arguments)
{
  g_autofree gchar *identifier = g_uri_escape_string (arguments[0], NULL,
      FALSE);
  g_autofree gchar *path = g_strconcat ("/api/classification/heatmap/",
      identifier, NULL);
  IdentifaiServiceCall call = {.what = "heatmap",.method = "GET",.path = path,
    .accept = "image/png"
  };
  g_autoptr (GBytes) png = NULL;
  gint status = ACCOUNT_DONE;

  if (self->options.output == NULL && isatty (STDOUT_FILENO))
    return account_fail (self, ACCOUNT_WRONG_USE, "a PNG isn't for a terminal: "
        "add > FILE, or --output FILE");
  png = account_call (self, &call, &status);
  if (png == NULL)
    return status;
  if (!is_png (png))
    return account_fail (self, ACCOUNT_TROUBLE,
        "heatmap: the answer is no PNG");

  return write_out (self, png);
}

/* Credits. */

static gint
run_credits (Account * self, gchar ** arguments)
{
  IdentifaiServiceCall call = {.what = "credits",.method = "GET",.path =
        "/api/user/credits"
  };
  gint status = ACCOUNT_DONE;
  g_autoptr (JsonNode) root = account_call_json (self, &call, &status);
  g_autofree gchar *available = NULL, *spent = NULL;
  gdouble number;

  if (root == NULL)
    return status;
  if (!identifai_json_get_double (identifai_json_get_member (root,
              "available_credits"), &number))
    return account_fail (self, ACCOUNT_TROUBLE, "credits: the answer has no "
        "available_credits");
  available = account_get_text (root, "available_credits");
  spent = account_get_text (root, "total_spent");
  if (self->options.json)
    account_print_json (root);
  else
    g_print ("%s available, %s spent\n", available, spent);

  return ACCOUNT_DONE;
}

/* By address. */

static const GOptionEntry url_entries[] = {
  {"kind", 'k', 0, G_OPTION_ARG_STRING, &account_options.kind,
      "It is a video (the default), an image or speech", "KIND"},
  {"ref-id", 0, 0, G_OPTION_ARG_STRING, &account_options.ref_id,
      "Sent as ref_id, for your own bookkeeping", "TEXT"},
  {"field", 'f', 0, G_OPTION_ARG_STRING_ARRAY, &account_options.fields,
        "Another field of the submit call, frames=30 say; may be given again",
      "NAME=VALUE"},
  {NULL}
};

static gboolean
add_fields (Account * self, AccountForm * form)
{
  gchar **field = self->options.fields;

  for (; field != NULL && *field != NULL; field++) {
    gchar *equals = strchr (*field, '=');
    g_autofree gchar *name = NULL;

    if (equals == NULL || equals == *field) {
      account_fail (self, ACCOUNT_WRONG_USE, "--field is NAME=VALUE, and not "
          "\"%s\"", *field);
      return FALSE;
    }
    name = g_strndup (*field, equals - *field);
    account_form_add (form, name, equals + 1);
  }

  return TRUE;
}

static gboolean
is_address (const gchar * text)
{
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);

  return uri != NULL && g_uri_get_host (uri) != NULL
      && (g_str_equal (g_uri_get_scheme (uri), "http")
      || g_str_equal (g_uri_get_scheme (uri), "https"));
}

static gint
submit_address (Account * self, const gchar * path, AccountForm * form)
{
  IdentifaiServiceCall call = {.what = "from-url",.path = path };
  g_autofree gchar *identifier = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GBytes) body = NULL;
  g_autoptr (GError) error = NULL;
  gint status = ACCOUNT_DONE;
  gsize size;
  const gchar *data;

  account_form_fill (form, &call);
  body = account_call (self, &call, &status);
  if (body == NULL)
    return status;
  data = g_bytes_get_data (body, &size);
  identifier = identifai_identifier_parse (NULL, data, size, &error);
  if (identifier == NULL)
    return account_fail (self, ACCOUNT_TROUBLE,
        "from-url: the answer is not to be understood: %s", error->message);
  if (self->options.json) {
    root = identifai_json_read (data, size, NULL);
    if (root != NULL)
      account_print_json (root);
  }
  if (root == NULL)
    g_print ("%s\n", identifier);

  return ACCOUNT_DONE;
}

static gint
run_from_url (Account * self, gchar ** arguments)
{
  static const gchar *const paths[IDENTIFAI_N_KINDS] = {
    [IDENTIFAI_KIND_VIDEO] = "/api/video_fromurl",
    [IDENTIFAI_KIND_IMAGE] = "/api/image_fromurl",
    [IDENTIFAI_KIND_SPEECH] = "/api/audio_fromurl",
  };
  g_autoptr (AccountForm) form = account_form_new ();
  IdentifaiKind kind;

  if (!account_read_kind (self, self->options.kind, IDENTIFAI_KIND_VIDEO,
          &kind))
    return ACCOUNT_WRONG_USE;
  if (!is_address (arguments[0]))
    return account_fail (self, ACCOUNT_WRONG_USE, "\"%s\" is no http:// or "
        "https:// address. A file of yours is judged by identifai-watch",
        arguments[0]);
  account_form_add (form, "file_url", arguments[0]);
  account_form_add (form, "ref_id", self->options.ref_id);
  if (!add_fields (self, form))
    return ACCOUNT_WRONG_USE;

  return submit_address (self, paths[kind], form);
}

static const GOptionEntry heatmap_entries[] = {
  {"output", 'o', 0, G_OPTION_ARG_FILENAME, &account_options.output,
      "Write it to that file", "FILE"},
  {NULL}
};

const AccountCommand account_result_commands[] = {
  {"results", "ID…", "Results, by their identifiers",
        "Up to 100 are asked for in a call. Without --kind, what is no video is looked\n"
        "for among images, and then among speech; each is a call of the key's limit.\n"
        "Not documented: how long the service keeps results.",
      kind_entries, 1, -1, run_results},
  {"list", "[images|videos|speech]", "All results of a kind",
        "Documented for images only, which are the default: for videos and speech the\n"
        "service may refuse. Not documented: whether the list has an end, or pages.",
      NULL, 0, 1, run_list},
  {"override", "HASH human|artificial",
        "Says what a file is, for all its submissions",
        "HASH is the result's `hash`, the SHA-256 of the file. Documented for videos;\n"
        "inferred for images and speech (--kind). Not documented: how to take it back.",
      kind_entries, 2, 2, run_override},
  {"heatmap", "ID > FILE", "The heat map of an image, a PNG",
        "Of an image that was submitted with with_heatmap, and is done. Not documented:\n"
        "what the colours mean; heat maps of videos.",
      heatmap_entries, 1, 1, run_heatmap},
  {"credits", "", "The account's credits", NULL, NULL, 0, 0, run_credits},
  {"from-url", "URL", "Has the service judge a file that it fetches itself",
        "Prints the identifier, for `results`. The service fetches the file, which has to\n"
        "be public. Not documented: speech by address (--kind speech asks all the same),\n"
        "whether all fields of the submit call are taken, how long the fetch may take.",
      url_entries, 1, 1, run_from_url},
  {NULL}
};
