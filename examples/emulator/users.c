/* identifai-emulator: partners and their users
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "problems.h"
#include "users.h"

#include <string.h>

struct _EmuUsers
{
  GPtrArray *users;             /* of EmuUser, by id */
  guint last_id;
};

static const struct
{
  guint id;
  const gchar *name, *sku;
} pricings[] = {
  {1, "Emulator Basic", "emulatorBasic"},
  {2, "Emulator Complete", "emulatorComplete"},
};

/* Those that the service's examples name. */
static const gchar *const heuristics[] = { "Majority", "Average",
  "AverageExcludeObsolete", "AverageExclude10", "AverageExclude20",
  "AverageExclude30", "TopRelevant", NULL
};

static void
free_user (gpointer data)
{
  EmuUser *self = data;

  g_free (self->name);
  g_free (self->email);
  g_free (self->heuristic);
  g_date_time_unref (self->created);
  g_date_time_unref (self->updated);
  g_free (self);
}

EmuUsers *
emu_users_new (void)
{
  EmuUsers *self = g_new0 (EmuUsers, 1);

  self->users = g_ptr_array_new_with_free_func (free_user);
  return self;
}

void
emu_users_free (EmuUsers * self)
{
  g_ptr_array_unref (self->users);
  g_free (self);
}

static EmuUser *
add_user (EmuUsers * self, guint partner)
{
  EmuUser *user = g_new0 (EmuUser, 1);

  user->id = ++self->last_id;
  user->partner = partner;
  user->readonly = -1;
  user->created = g_date_time_new_now_utc ();
  user->updated = g_date_time_ref (user->created);
  g_ptr_array_add (self->users, user);
  return user;
}

guint
emu_users_add_partner (EmuUsers * self)
{
  EmuUser *user = add_user (self, 0);

  user->name = g_strdup_printf ("Partner %u", user->id);
  user->email = g_strdup_printf ("partner%u@emulator.invalid", user->id);
  user->heuristic = g_strdup ("Majority");
  user->pricing = pricings[G_N_ELEMENTS (pricings) - 1].id;
  user->readonly = FALSE;
  return user->id;
}

static EmuUser *
get_user (EmuUsers * self, guint id)
{
  guint i;

  for (i = 0; i < self->users->len; i++) {
    EmuUser *user = g_ptr_array_index (self->users, i);

    if (user->id == id)
      return user;
  }
  return NULL;
}

static gboolean
read_number (const gchar * text, guint * number)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT, &value, NULL))
    return FALSE;
  *number = value;
  return TRUE;
}

/* NULL, and a problem, unless it is one of that partner's. */
static EmuUser *
find_user (EmuUsers * self, guint partner, const gchar * text,
    JsonObject * problems)
{
  EmuUser *user = NULL;
  guint id;

  if (text == NULL || *text == '\0')
    emu_problems_add (problems, "id", "is required");
  else if (!read_number (text, &id))
    emu_problems_add (problems, "id", "must be an integer");
  else {
    user = get_user (self, id);
    if (user != NULL && user->partner == partner)
      return user;
    emu_problems_add (problems, "id", NULL);
  }
  return NULL;
}

EmuUser *
emu_users_find (EmuUsers * self, guint partner, const gchar * id,
    gchar ** errors)
{
  g_autoptr (JsonObject) problems = json_object_new ();
  EmuUser *user = find_user (self, partner, id, problems);

  *errors = emu_problems_to_string (problems);
  return user;
}

void
emu_users_remove (EmuUsers * self, EmuUser * user)
{
  g_ptr_array_remove (self->users, user);
}

/* Something, an @, something with a dot. */
static gboolean
is_email (const gchar * text)
{
  const gchar *at = strchr (text, '@');

  return at != NULL && at != text && strchr (at + 1, '@') == NULL
      && strpbrk (text, " \t\r\n,;<>") == NULL && at[1] != '.'
      && strchr (at + 1, '.') != NULL && !g_str_has_suffix (text, ".");
}

/* By whom, other than by user? */
static gboolean
is_taken (EmuUsers * self, const gchar * email, const EmuUser * user)
{
  guint i;

  for (i = 0; i < self->users->len; i++) {
    EmuUser *other = g_ptr_array_index (self->users, i);

    if (other != user && g_ascii_strcasecmp (other->email, email) == 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_pricing (guint id)
{
  return id >= 1 && id <= G_N_ELEMENTS (pricings);
}

/* What a form says of a user; NULL where it says nothing. */
typedef struct
{
  const gchar *name, *email, *heuristic, *password;
  const gchar *pricing_id, *readonly, *newsletter, *save_files;
} Wish;

static const struct
{
  const gchar *name;
  gboolean required;
  gsize offset;
} wish_fields[] = {
#define OFFSET(field) G_STRUCT_OFFSET (Wish, field)
  {"name", TRUE, OFFSET (name)},
  {"email", TRUE, OFFSET (email)},
  {"heuristic", TRUE, OFFSET (heuristic)},
  {"pricing_id", TRUE, OFFSET (pricing_id)},
  {"password", FALSE, OFFSET (password)},
  {"readonly", FALSE, OFFSET (readonly)},
  {"newsletter", FALSE, OFFSET (newsletter)},
  {"save_files", FALSE, OFFSET (save_files)},
#undef OFFSET
};

static void
read_wish (Wish * self, EmuForm * form, JsonObject * problems)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (wish_fields); i++) {
    const EmuField *field = emu_form_find (form, wish_fields[i].name);
    const gchar **value =
        (const gchar **) ((guint8 *) self + wish_fields[i].offset);

    *value = NULL;
    if (field != NULL && !emu_field_is_plain (field))
      emu_problems_add (problems, wish_fields[i].name, "must be a string");
    else if (field != NULL && *field->value != '\0')
      *value = field->value;
    else if (wish_fields[i].required)
      emu_problems_add (problems, wish_fields[i].name, "is required");
  }
}

static void
check_boolean (const gchar * name, const gchar * text, JsonObject * problems)
{
  gboolean value;

  if (text != NULL && !emu_read_boolean (text, &value))
    emu_problems_add (problems, name, "must be true or false");
}

static void
check_wish (EmuUsers * self, const Wish * wish, const EmuUser * user,
    JsonObject * problems)
{
  guint pricing;

  if (wish->email != NULL && !is_email (wish->email))
    emu_problems_add (problems, "email", "must be a valid email address");
  else if (wish->email != NULL && is_taken (self, wish->email, user))
    emu_problems_add_sentence (problems, "email",
        "The email has already been taken.");
  if (wish->heuristic != NULL && !g_strv_contains (heuristics, wish->heuristic))
    emu_problems_add (problems, "heuristic", NULL);
  if (wish->pricing_id != NULL && !read_number (wish->pricing_id, &pricing))
    emu_problems_add (problems, "pricing_id", "must be an integer");
  else if (wish->pricing_id != NULL && !has_pricing (pricing))
    emu_problems_add (problems, "pricing_id", NULL);
  check_boolean ("readonly", wish->readonly, problems);
  check_boolean ("newsletter", wish->newsletter, problems);
  check_boolean ("save_files", wish->save_files, problems);
}

static void
set_text (gchar ** text, const gchar * value)
{
  g_free (*text);
  *text = g_strdup (value);
}

static void
fulfil (const Wish * wish, EmuUser * user)
{
  gboolean readonly;

  set_text (&user->name, wish->name);
  set_text (&user->email, wish->email);
  set_text (&user->heuristic, wish->heuristic);
  read_number (wish->pricing_id, &user->pricing);
  if (wish->readonly != NULL && emu_read_boolean (wish->readonly, &readonly))
    user->readonly = readonly;
  if (wish->newsletter != NULL)
    emu_read_boolean (wish->newsletter, &user->newsletter);
  if (wish->save_files != NULL)
    emu_read_boolean (wish->save_files, &user->save_files);
  user->has_password = user->has_password || wish->password != NULL;
  g_date_time_unref (user->updated);
  user->updated = g_date_time_new_now_utc ();
}

/* No id, an empty one or null: a new user. */
static gboolean
is_new (const EmuField * id)
{
  return id == NULL || (emu_field_is_plain (id) && (*id->value == '\0'
          || g_str_equal (id->value, "null")));
}

EmuUser *
emu_users_save (EmuUsers * self, guint partner, EmuForm * form, gchar ** errors)
{
  g_autoptr (JsonObject) problems = json_object_new ();
  const EmuField *id = emu_form_find (form, "id");
  EmuUser *user = NULL;
  Wish wish;

  if (!is_new (id))
    user = find_user (self, partner, emu_field_is_plain (id) ? id->value : "[]",
        problems);
  else if (self->users->len >= EMU_MAX_USERS)
    emu_problems_add_sentence (problems, "id", "There are too many users.");
  read_wish (&wish, form, problems);
  check_wish (self, &wish, user, problems);
  *errors = emu_problems_to_string (problems);
  if (*errors != NULL)
    return NULL;
  if (user == NULL)
    user = add_user (self, partner);
  fulfil (&wish, user);
  return user;
}

static void
set_date (JsonObject * object, const gchar * name, GDateTime * date)
{
  g_autofree gchar *text = g_date_time_format (date,
      "%Y-%m-%dT%H:%M:%S.000000Z");

  json_object_set_string_member (object, name, text);
}

static JsonObject *
build_pricing (guint id)
{
  JsonObject *object = json_object_new ();

  json_object_set_int_member (object, "id", id);
  json_object_set_string_member (object, "name", pricings[id - 1].name);
  json_object_set_string_member (object, "sku", pricings[id - 1].sku);
  return object;
}

static JsonObject *
build_user (EmuUsers * self, const EmuUser * user)
{
  static const gchar *const unknown[] = { "address", "zip", "city", "country",
    "phone", "contact", "vat"
  };
  JsonObject *object = json_object_new ();
  EmuUser *partner = user->partner != 0 ? get_user (self, user->partner) : NULL;
  guint i;

  json_object_set_int_member (object, "id", user->id);
  json_object_set_string_member (object, "name", user->name);
  json_object_set_string_member (object, "email", user->email);
  set_date (object, "email_verified_at", user->created);
  for (i = 0; i < G_N_ELEMENTS (unknown); i++)
    json_object_set_null_member (object, unknown[i]);
  set_date (object, "created_at", user->created);
  set_date (object, "updated_at", user->updated);
  if (user->partner == 0)
    json_object_set_int_member (object, "balance", 0);
  else
    json_object_set_null_member (object, "balance");
  json_object_set_string_member (object, "heuristic", user->heuristic);
  if (user->readonly < 0)
    json_object_set_null_member (object, "readonly");
  else
    json_object_set_boolean_member (object, "readonly", user->readonly);
  json_object_set_object_member (object, "pricing",
      build_pricing (user->pricing));
  if (partner != NULL)
    json_object_set_object_member (object, "partner",
        build_user (self, partner));
  else
    json_object_set_null_member (object, "partner");
  return object;
}

static JsonNode *
wrap (JsonNode * data)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();

  json_object_set_member (object, "data", data);
  json_node_take_object (node, object);
  return node;
}

JsonNode *
emu_users_build (EmuUsers * self, const EmuUser * user)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_node_take_object (node, build_user (self, user));
  return wrap (node);
}

JsonNode *
emu_users_build_pricings (void)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (pricings); i++)
    json_array_add_object_element (array, build_pricing (pricings[i].id));
  json_node_take_array (node, array);
  return wrap (node);
}

JsonArray *
emu_users_build_state (EmuUsers * self)
{
  JsonArray *array = json_array_new ();
  guint i;

  for (i = 0; i < self->users->len; i++) {
    EmuUser *user = g_ptr_array_index (self->users, i);
    JsonObject *object = build_user (self, user);

    json_object_set_int_member (object, "mails", user->mails);
    json_object_set_boolean_member (object, "newsletter", user->newsletter);
    json_object_set_boolean_member (object, "save_files", user->save_files);
    json_object_set_boolean_member (object, "password", user->has_password);
    json_array_add_object_element (array, object);
  }
  return array;
}

/* Lists */

/* Which users, in which order, and which part of them. */
typedef struct
{
  const gchar *text;            /* in name or email; NULL = any */
  guint pricing;                /* 0 = any */
    gint (*compare) (const EmuUser * one, const EmuUser * other);
  gboolean descending;
  guint per_page, page;         /* per_page 0 = all on one */
} Listing;

static gint
by_id (const EmuUser * one, const EmuUser * other)
{
  return (one->id > other->id) - (one->id < other->id);
}

static gint
by_name (const EmuUser * one, const EmuUser * other)
{
  g_autofree gchar *name = g_utf8_casefold (one->name, -1);
  g_autofree gchar *other_name = g_utf8_casefold (other->name, -1);

  return g_utf8_collate (name, other_name);
}

static gint
by_email (const EmuUser * one, const EmuUser * other)
{
  return g_ascii_strcasecmp (one->email, other->email);
}

static gint
by_heuristic (const EmuUser * one, const EmuUser * other)
{
  return strcmp (one->heuristic, other->heuristic);
}

static gint
by_pricing (const EmuUser * one, const EmuUser * other)
{
  return (gint) one->pricing - (gint) other->pricing;
}

static gint
by_creation (const EmuUser * one, const EmuUser * other)
{
  return g_date_time_compare (one->created, other->created);
}

static gint
by_change (const EmuUser * one, const EmuUser * other)
{
  return g_date_time_compare (one->updated, other->updated);
}

static const struct
{
  const gchar *name;
    gint (*compare) (const EmuUser * one, const EmuUser * other);
} orders[] = {
  {"id", by_id}, {"name", by_name}, {"email", by_email},
  {"heuristic", by_heuristic}, {"pricing_id", by_pricing},
  {"created_at", by_creation}, {"updated_at", by_change},
};

/* NULL for an empty value, too. */
static const gchar *
look_up (GHashTable * query, const gchar * name)
{
  const gchar *value = g_hash_table_lookup (query, name);

  return value != NULL && *value != '\0' ? value : NULL;
}

/* The documents don't say what the filter is called. */
static const gchar *
find_filter (GHashTable * query)
{
  static const gchar *const names[] = { "filter", "search", "query", "q",
    "name", "email"
  };
  const gchar *text = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names) && text == NULL; i++)
    text = look_up (query, names[i]);
  return text;
}

static void
read_order (Listing * self, GHashTable * query, JsonObject * problems)
{
  const gchar *order = look_up (query, "order");
  const gchar *direction = look_up (query, "direction");
  guint i;

  self->compare = order == NULL ? by_id : NULL;
  for (i = 0; i < G_N_ELEMENTS (orders) && self->compare == NULL; i++) {
    if (g_str_equal (orders[i].name, order))
      self->compare = orders[i].compare;
  }
  if (self->compare == NULL)
    emu_problems_add (problems, "order", NULL);
  self->descending = g_strcmp0 (direction, "desc") == 0;
  if (direction != NULL && !self->descending && !g_str_equal (direction, "asc"))
    emu_problems_add (problems, "direction", NULL);
}

static void
read_count (GHashTable * query, const gchar * name, guint * count,
    JsonObject * problems)
{
  const gchar *text = look_up (query, name);

  if (text != NULL && !read_number (text, count))
    emu_problems_add (problems, name, "must be an integer");
  else if (text != NULL && *count == 0)
    emu_problems_add (problems, name, "must be at least 1");
}

static void
read_listing (Listing * self, GHashTable * query, JsonObject * problems)
{
  memset (self, 0, sizeof *self);
  self->page = 1;
  self->text = find_filter (query);
  read_order (self, query, problems);
  read_count (query, "pricing_id", &self->pricing, problems);
  read_count (query, "per_page", &self->per_page, problems);
  read_count (query, "page", &self->page, problems);
}

static gboolean
contains (const gchar * text, const gchar * part)
{
  g_autofree gchar *whole = g_utf8_casefold (text, -1);
  g_autofree gchar *wanted = g_utf8_casefold (part, -1);

  return strstr (whole, wanted) != NULL;
}

static gboolean
is_meant (const Listing * self, const EmuUser * user)
{
  return (self->pricing == 0 || user->pricing == self->pricing)
      && (self->text == NULL || contains (user->name, self->text)
      || contains (user->email, self->text));
}

static gint
compare_users (gconstpointer a, gconstpointer b, gpointer data)
{
  const EmuUser *one = *(EmuUser * const *) a, *other = *(EmuUser * const *) b;
  const Listing *listing = data;
  gint order = listing->compare (one, other);

  if (order == 0)
    order = by_id (one, other);
  return listing->descending ? -order : order;
}

static GPtrArray *
find_meant (EmuUsers * self, guint partner, Listing * listing)
{
  GPtrArray *meant = g_ptr_array_new ();
  guint i;

  for (i = 0; i < self->users->len; i++) {
    EmuUser *user = g_ptr_array_index (self->users, i);

    if (user->partner == partner && is_meant (listing, user))
      g_ptr_array_add (meant, user);
  }
  g_ptr_array_sort_with_data (meant, compare_users, listing);
  return meant;
}

/* With the rest of the query as it was. */
static gchar *
next_page_url (const gchar * url, GHashTable * query, guint page)
{
  GString *text = g_string_new (url);
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (query),
      (GCompareFunc) strcmp);
  GList *name;

  g_string_append_c (text, '?');
  for (name = names; name != NULL; name = name->next) {
    if (g_str_equal (name->data, "page"))
      continue;
    g_string_append_uri_escaped (text, name->data, NULL, FALSE);
    g_string_append_c (text, '=');
    g_string_append_uri_escaped (text, g_hash_table_lookup (query, name->data),
        NULL, FALSE);
    g_string_append_c (text, '&');
  }
  g_string_append_printf (text, "page=%u", page);
  return g_string_free (text, FALSE);
}

/* 0 is null. */
static void
set_count (JsonObject * object, const gchar * name, guint count)
{
  if (count > 0)
    json_object_set_int_member (object, name, count);
  else
    json_object_set_null_member (object, name);
}

static JsonObject *
build_page (EmuUsers * self, GPtrArray * users, const Listing * listing,
    guint last_page)
{
  guint per_page = listing->per_page > 0 ? listing->per_page
      : MAX (users->len, 1);
  guint64 first = (guint64) (listing->page - 1) * per_page, i;
  guint64 end = MIN (first + per_page, users->len);
  JsonObject *object = json_object_new ();
  JsonArray *data = json_array_new ();

  for (i = first; i < end; i++)
    json_array_add_object_element (data, build_user (self,
            g_ptr_array_index (users, i)));
  json_object_set_int_member (object, "current_page", listing->page);
  json_object_set_array_member (object, "data", data);
  set_count (object, "from", first < end ? first + 1 : 0);
  json_object_set_int_member (object, "last_page", last_page);
  json_object_set_int_member (object, "per_page", per_page);
  set_count (object, "to", first < end ? end : 0);
  json_object_set_int_member (object, "total", users->len);
  return object;
}

JsonNode *
emu_users_list (EmuUsers * self, guint partner, GHashTable * query,
    const gchar * url, gchar ** errors)
{
  g_autoptr (JsonObject) problems = json_object_new ();
  g_autoptr (GPtrArray) users = NULL;
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  g_autofree gchar *next = NULL;
  JsonObject *object;
  Listing listing;
  guint last_page;

  read_listing (&listing, query, problems);
  *errors = emu_problems_to_string (problems);
  if (*errors != NULL) {
    json_node_unref (node);
    return NULL;
  }
  users = find_meant (self, partner, &listing);
  last_page = listing.per_page == 0 ? 1
      : MAX (1, (users->len + (guint64) listing.per_page - 1)
      / listing.per_page);
  object = build_page (self, users, &listing, last_page);
  if (listing.page < last_page)
    next = next_page_url (url, query, listing.page + 1);
  if (next != NULL)
    json_object_set_string_member (object, "next_page_url", next);
  else
    json_object_set_null_member (object, "next_page_url");
  json_node_take_object (node, object);
  return node;
}
