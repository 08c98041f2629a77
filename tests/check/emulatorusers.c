/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The emulator and the users of partners.
 */

#include <gst/check/gstcheck.h>
#include <string.h>

#include "emulatortool.h"

#define SAVE "/api/partner/user"
#define LIST "/api/partner/users"
#define MAIL "/api/partner/send_creation_email"
#define DELETE "/api/user"
#define URL_TYPE "application/x-www-form-urlencoded"
#define JSON_TYPE "application/json"
#define USER(name) "name=" name "&email=" name "@example.com&" \
    "heuristic=Majority&pricing_id=1"

/* One call after the other, by partners p and q, and by k, who is none. The first
 * user of p is number 2, as p itself is number 1. */

static const struct
{
  const gchar *method, *path, *key;
  const gchar *type;            /* FORM_TYPE: the body is name=value&… */
  const gchar *body;
  guint status;
  const gchar *says[4];         /* parts of the answer */
} rows[] = {
  {"POST", SAVE, NULL, FORM_TYPE, USER ("ann"), 401, {"Unauthorized"}},
  {"POST", SAVE, "k", FORM_TYPE, USER ("ann"), 403,
      {"{\"error\":\"Forbidden\"}"}},
  {"GET", LIST, "k", NULL, NULL, 403, {"{\"error\":\"Forbidden\"}"}},
  {"GET", "/api/partner/pricings", "k", NULL, NULL, 403, {"Forbidden"}},
  {"POST", MAIL, "k", FORM_TYPE, "id=1", 403, {"Forbidden"}},
  {"POST", DELETE, "k", FORM_TYPE, USER ("ann"), 403, {"Forbidden"}},
  {"DELETE", DELETE "?id=1", "k", NULL, NULL, 403, {"Forbidden"}},
  {"GET", SAVE, "p", NULL, NULL, 405, {"Method Not Allowed"}},
  {"DELETE", SAVE, "p", NULL, NULL, 405, {"Method Not Allowed"}},

  /* nobody yet; what is missing, and wrong */
  {"GET", LIST, "p", NULL, NULL, 200, {"\"data\":[]", "\"total\":0",
          "\"from\":null,", "\"last_page\":1"}},
  {"POST", SAVE, "p", FORM_TYPE, "id=", 400, {
              "\"name\":[\"The name field is required.\"]",
              "\"email\":[\"The email field is required.\"]",
              "\"heuristic\":[\"The heuristic field is required.\"]",
          "\"pricing_id\":[\"The pricing id field is required.\"]"}},
  {"POST", SAVE, "p", FORM_TYPE, "name=a&email=a&heuristic=Best&pricing_id=x",
        400, {"\"email\":[\"The email field must be a valid email address.\"]",
              "\"heuristic\":[\"The selected heuristic is invalid.\"]",
          "\"pricing_id\":[\"The pricing id field must be an integer.\"]"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&pricing_id=99&readonly=x&"
        "newsletter=2&save_files=", 400, {
              "\"pricing_id\":[\"The selected pricing id is invalid.\"]",
              "\"readonly\":[\"The readonly field must be true or false.\"]",
          "\"newsletter\":[\"The newsletter field must be true or false.\"]"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&id=7", 400,
      {"{\"id\":[\"The selected id is invalid.\"]}"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&id=x", 400,
      {"{\"id\":[\"The id field must be an integer.\"]}"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&id[]=1", 400,
      {"{\"id\":[\"The id field must be an integer.\"]}"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&name[]=x", 400,
      {"{\"name\":[\"The name field must be a string.\"]}"}},

  /* created, in each form of a body */
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&id=&password=secret", 200, {
              "{\"data\":{\"id\":2,\"name\":\"ann\",\"email\":\"ann@example.com\"",
              "\"vat\":null",
          "\"pricing\":{\"id\":1,\"name\":\"Emulator Basic\","
              "\"sku\":\"emulatorBasic\"}", "\"partner\":{\"id\":1,"}},
  {"POST", DELETE, "p", URL_TYPE, USER ("bob") "&readonly=1&save_files=true",
      200, {"\"id\":3,", "\"readonly\":true", "\"balance\":null"}},
  {"POST", SAVE, "p", JSON_TYPE, "{\"id\":null,\"name\":\"Cy\",\"email\":"
        "\"cy@example.com\",\"heuristic\":\"Average\",\"pricing_id\":2,"
        "\"newsletter\":true}", 200, {"\"id\":4,", "\"heuristic\":\"Average\"",
          "\"readonly\":null"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("dan") "&email=ANN@example.com", 400,
      {"{\"email\":[\"The email has already been taken.\"]}"}},
  {"POST", SAVE, "q", FORM_TYPE, USER ("ann"), 400, {"already been taken."}},

  /* changed, by whom they belong to */
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann") "&id=2&heuristic=TopRelevant",
      200, {"\"id\":2,", "\"heuristic\":\"TopRelevant\""}},
  {"POST", SAVE, "q", FORM_TYPE, USER ("eve") "&id=2", 400,
      {"{\"id\":[\"The selected id is invalid.\"]}"}},
  {"POST", SAVE, "p", FORM_TYPE, USER ("eve") "&id=1", 400,
      {"{\"id\":[\"The selected id is invalid.\"]}"}},

  /* lists */
  {"GET", LIST, "q", NULL, NULL, 200, {"\"data\":[]"}},
  {"GET", LIST, "p", NULL, NULL, 200,
        {"\"current_page\":1,\"data\":[{\"id\":2,",
              "\"per_page\":3,\"to\":3,\"total\":3", "\"next_page_url\":null",
          "\"last_page\":1"}},
  {"GET", LIST "?per_page=2", "p", NULL, NULL, 200, {"\"from\":1,",
              "\"last_page\":2,\"per_page\":2,\"to\":2,\"total\":3",
          LIST "?per_page=2&page=2\""}},
  {"GET", LIST "?per_page=2&page=2", "p", NULL, NULL, 200, {
              "\"data\":[{\"id\":4,", "\"from\":3,", "\"to\":3,",
          "\"next_page_url\":null"}},
  {"GET", LIST "?per_page=2&page=3", "p", NULL, NULL, 200, {"\"data\":[]",
          "\"from\":null", "\"to\":null", "\"total\":3"}},
  {"GET", LIST "?per_page=1&page=4294967295", "p", NULL, NULL, 200,
      {"\"data\":[]"}},
  {"GET", LIST "?order=name&direction=desc&per_page=1", "p", NULL, NULL, 200,
        {"\"data\":[{\"id\":4,",
          "?direction=desc&order=name&per_page=1&page=2\""}},
  {"GET", LIST "?order=email", "p", NULL, NULL, 200, {"\"data\":[{\"id\":2,"}},
  {"GET", LIST "?direction=desc", "p", NULL, NULL, 200,
      {"\"data\":[{\"id\":4,"}},
  {"GET", LIST "?order=heuristic&direction=asc", "p", NULL, NULL, 200,
      {"\"data\":[{\"id\":4,"}},
  {"GET", LIST "?pricing_id=2", "p", NULL, NULL, 200, {"\"data\":[{\"id\":4,",
          "\"total\":1"}},
  {"GET", LIST "?filter=CY@", "p", NULL, NULL, 200, {"\"data\":[{\"id\":4,",
          "\"total\":1"}},
  {"GET", LIST "?search=a%6Ev", "p", NULL, NULL, 200, {"\"total\":0"}},
  {"GET", LIST "?order=password", "p", NULL, NULL, 400,
      {"{\"order\":[\"The selected order is invalid.\"]}"}},
  {"GET", LIST "?direction=up", "p", NULL, NULL, 400, {"\"direction\""}},
  {"GET", LIST "?per_page=x", "p", NULL, NULL, 400,
      {"{\"per_page\":[\"The per page field must be an integer.\"]}"}},
  {"GET", LIST "?per_page=0", "p", NULL, NULL, 400, {"must be at least 1"}},
  {"GET", LIST "?page=-1", "p", NULL, NULL, 400, {"\"page\""}},
  {"GET", LIST "?pricing_id=x", "p", NULL, NULL, 400, {"\"pricing_id\""}},
  {"GET", "/api/partner/pricings", "p", NULL, NULL, 200,
      {"{\"data\":[{\"id\":1,"}},

  /* mails, and goodbye */
  {"POST", MAIL, "p", FORM_TYPE, "a=b", 400,
      {"{\"id\":[\"The id field is required.\"]}"}},
  {"POST", MAIL, "p", FORM_TYPE, "id=99", 400, {"\"id\""}},
  {"POST", MAIL, "q", FORM_TYPE, "id=2", 400, {"\"id\""}},
  {"POST", MAIL, "p", FORM_TYPE, "id=2", 200, {"{\"data\":{\"id\":2,"}},
  {"DELETE", DELETE, "p", NULL, NULL, 400,
      {"{\"id\":[\"The id field is required.\"]}"}},
  {"DELETE", DELETE "?id=1", "p", NULL, NULL, 400, {"\"id\""}},
  {"DELETE", DELETE "?id=2", "q", NULL, NULL, 400, {"\"id\""}},
  {"DELETE", DELETE "?id=2x", "p", NULL, NULL, 400, {"must be an integer"}},
  /* of a form in parts it sees nothing */
  {"DELETE", DELETE, "p", FORM_TYPE, "id=2", 400, {"is required"}},
  {"DELETE", DELETE "?id=2", "p", NULL, NULL, 200, {"OK"}},
  {"DELETE", DELETE "?id=2", "p", NULL, NULL, 400, {"\"id\""}},
  {"DELETE", DELETE, "p", JSON_TYPE, "{\"id\":3}", 200, {"OK"}},
  {"DELETE", DELETE, "p", URL_TYPE, "id=4", 200, {"OK"}},
  {"GET", LIST, "p", NULL, NULL, 200, {"\"total\":0"}},
  /* nobody gets a number that was another's */
  {"POST", SAVE, "p", FORM_TYPE, USER ("ann"), 200, {"\"id\":6,"}},
};

static void
check_row (Emulator * emulator, guint row)
{
  const gchar *text = rows[row].body;
  GBytes *body = NULL;
  Answer answer;
  guint i;

  if (g_strcmp0 (rows[row].type, FORM_TYPE) == 0)
    body = make_form (text, NULL, NULL, NULL, NULL);
  else if (text != NULL)
    body = g_bytes_new (text, strlen (text));
  emulator_ask (emulator, rows[row].method, rows[row].path, rows[row].key,
      "application/json", rows[row].type, body, &answer);
  fail_unless (answer.status == rows[row].status, "%u %s", answer.status,
      answer.body);
  for (i = 0; i < G_N_ELEMENTS (rows[0].says); i++)
    fail_unless (rows[row].says[i] == NULL
        || strstr (answer.body, rows[row].says[i]) != NULL, "%s: %s",
        rows[row].says[i], answer.body);
  answer_clear (&answer);
  g_clear_pointer (&body, g_bytes_unref);
}

/* What was sent for good comes nowhere to light. */
static void
check_secret (Emulator * emulator)
{
  Answer answer;

  emulator_ask (emulator, "GET", "/emulator/state", NULL, NULL, NULL, NULL,
      &answer);
  fail_unless (strstr (answer.body, "ann@example.com") != NULL);
  fail_unless (strstr (answer.body, "password=(hidden)") != NULL);
  fail_unless (strstr (answer.body, "secret") == NULL);
  answer_clear (&answer);
}

GST_START_TEST (test_users)
{
  GBytes *refused = make_form ("password=secret", NULL, NULL, NULL, NULL);
  Emulator emulator;
  Answer answer;
  guint i;

  emulator_start (&emulator, "--rate-limits off --partner p --partner q");
  FOR_ROWS (i, rows)
      check_row (&emulator, i);
  emulator_ask (&emulator, "POST", SAVE, "p", NULL, FORM_TYPE, refused,
      &answer);
  fail_unless_equals_int (answer.status, 400);
  answer_clear (&answer);
  check_secret (&emulator);
  emulator_stop (&emulator);
  g_bytes_unref (refused);
}

GST_END_TEST;

/* Who is a partner: by options, and at run time */

static const struct
{
  const gchar *arguments;
  const gchar *state;           /* set at run time, or NULL */
  const gchar *key;
  guint status;                 /* of a look at the list */
} key_rows[] = {
  {"", NULL, "k", 403},
  {"--partner p", NULL, "p", 200},
  {"--partner p", NULL, "k", 403},
  {"--api-key k --partner p", NULL, "p", 200},
  {"--api-key k --partner p", NULL, "x", 401},
  {"--api-key p=partner --api-key k", NULL, "p", 200},
  {"--api-key p=10,partner", NULL, "p", 200},
  {"--api-key p=forbidden,partner", NULL, "p", 403},
  {"", "k=partner", "k", 200},
  {"--partner p", "p=unlimited", "p", 403},
  {"--partner p", "p=revoked", "p", 401},
  {"--partner p --fault users:status=500", NULL, "p", 500},
  {"--partner p --fault delete:status=500", NULL, "p", 200},
};

static void
check_key (guint row)
{
  gchar *arguments = g_strconcat ("--rate-limits off ",
      key_rows[row].arguments, NULL);
  Emulator emulator;
  Answer answer;

  emulator_start (&emulator, arguments);
  if (key_rows[row].state != NULL) {
    GBytes *state = g_bytes_new (key_rows[row].state,
        strlen (key_rows[row].state));

    emulator_ask (&emulator, "POST", "/emulator/keys", NULL, NULL, "text/plain",
        state, &answer);
    fail_unless_equals_int (answer.status, 200);
    answer_clear (&answer);
    g_bytes_unref (state);
  }
  emulator_ask (&emulator, "GET", LIST, key_rows[row].key, NULL, NULL, NULL,
      &answer);
  fail_unless_equals_int (answer.status, key_rows[row].status);
  answer_clear (&answer);
  emulator_stop (&emulator);
  g_free (arguments);
}

GST_START_TEST (test_keys)
{
  guint i;

  FOR_ROWS (i, key_rows)
      check_key (i);
}

GST_END_TEST;

static Suite *
emulatorusers_suite (void)
{
  Suite *suite = suite_create ("emulatorusers");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
  tcase_add_test (tc, test_users);
  tcase_add_test (tc, test_keys);
  return suite;
}

EMULATOR_CHECK_MAIN (emulatorusers);
