/* identifai-emulator: API keys, their credits and rate limits
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "keys.h"

#include <string.h>

#define MAX_KEYS 10000          /* that were never named, only used */
#define MAX_SHOWN 100
#define KEY_SHOWN 4             /* characters, to tell keys apart */
#define FRAMES_PER_CREDIT 5

struct _EmuKeys
{
  GHashTable *keys;             /* key -> EmuKey */
  EmuRate rates[EMU_N_RATES];
  gboolean any;                 /* keys that weren't named are taken, too */
};

static void
free_key (gpointer data)
{
  EmuKey *key = data;
  guint i;

  for (i = 0; i < EMU_N_RATES; i++)
    emu_rate_limit_free (key->limits[i]);
  g_free (key);
}

static void
clear_key (EmuKeys * self, EmuKey * key)
{
  guint i;

  for (i = 0; i < EMU_N_RATES; i++) {
    g_clear_pointer (&key->limits[i], emu_rate_limit_free);
    key->limits[i] = emu_rate_limit_new (self->rates[i]);
  }
  key->forbidden = key->partner = FALSE;
  key->revoked = !self->any;
  key->user = 0;
  key->credits = -1;
  key->spent = 0;
}

static EmuKey *
add_key (EmuKeys * self, const gchar * name)
{
  EmuKey *key = g_new0 (EmuKey, 1);

  clear_key (self, key);
  key->revoked = FALSE;
  g_hash_table_insert (self->keys, g_strdup (name), key);
  return key;
}

EmuKeys *
emu_keys_new (gchar ** specs, const EmuRate * rates, GError ** error)
{
  EmuKeys *self = g_new0 (EmuKeys, 1);
  guint i;

  self->keys = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      free_key);
  memcpy (self->rates, rates, sizeof self->rates);
  self->any = specs == NULL;
  for (i = 0; specs != NULL && specs[i] != NULL; i++) {
    if (!emu_keys_set (self, specs[i], error)) {
      emu_keys_free (self);
      return NULL;
    }
  }
  return self;
}

void
emu_keys_free (EmuKeys * self)
{
  g_hash_table_unref (self->keys);
  g_free (self);
}

static gboolean
parse_word (const gchar * word, EmuKey * state)
{
  if (g_str_equal (word, "unlimited"))
    return TRUE;
  if (g_str_equal (word, "partner"))
    return (state->partner = TRUE);
  if (g_str_equal (word, "forbidden"))
    return (state->forbidden = TRUE);
  if (g_str_equal (word, "revoked"))
    return (state->revoked = TRUE);
  return g_ascii_string_to_signed (word, 10, 0, G_MAXINT64, &state->credits,
      NULL);
}

/* "10" or "10,partner" */
static gboolean
parse_state (const gchar * text, EmuKey * state)
{
  g_auto (GStrv) words = g_strsplit (text, ",", -1);
  guint i;

  for (i = 0; words[i] != NULL; i++) {
    if (!parse_word (words[i], state))
      return FALSE;
  }
  return i > 0;
}

gboolean
emu_keys_set (EmuKeys * self, const gchar * spec, GError ** error)
{
  const gchar *equals = strrchr (spec, '=');
  g_autofree gchar *name = equals != NULL ? g_strndup (spec, equals - spec)
      : g_strdup (spec);
  EmuKey state = {.credits = -1, };
  EmuKey *key;

  if (*name == '\0' || (equals != NULL && !parse_state (equals + 1, &state))) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "a key is given as KEY or KEY=STATE, where STATE is a number of "
        "credits, unlimited, forbidden, revoked or partner");
    return FALSE;
  }
  key = g_hash_table_lookup (self->keys, name);
  if (key == NULL)
    key = add_key (self, name);
  key->forbidden = state.forbidden;
  key->revoked = state.revoked;
  key->partner = state.partner;
  key->credits = state.credits;
  return TRUE;
}

void
emu_keys_reset (EmuKeys * self, gchar ** specs, gchar ** partners)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->keys);
  while (g_hash_table_iter_next (&iter, NULL, &key))
    clear_key (self, key);
  for (; specs != NULL && *specs != NULL; specs++)
    emu_keys_set (self, *specs, NULL);
  for (; partners != NULL && *partners != NULL; partners++)
    emu_keys_add_partner (self, *partners);
}

void
emu_keys_add_partner (EmuKeys * self, const gchar * key)
{
  EmuKey *found = g_hash_table_lookup (self->keys, key);

  if (found == NULL)
    found = add_key (self, key);
  found->partner = TRUE;
  found->revoked = FALSE;
}

EmuKey *
emu_keys_find (EmuKeys * self, const gchar * key)
{
  EmuKey *found;

  if (key == NULL || *key == '\0')
    return NULL;
  found = g_hash_table_lookup (self->keys, key);
  if (found == NULL && self->any && g_hash_table_size (self->keys) < MAX_KEYS)
    found = add_key (self, key);
  return found != NULL && !found->revoked ? found : NULL;
}

static const gchar *
describe_state (const EmuKey * key)
{
  return key->revoked ? "revoked" : key->forbidden ? "forbidden"
      : key->partner ? "partner" : "";
}

JsonArray *
emu_keys_build_state (EmuKeys * self)
{
  JsonArray *array = json_array_new ();
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->keys);
  while (json_array_get_length (array) < MAX_SHOWN
      && g_hash_table_iter_next (&iter, &name, &value)) {
    const EmuKey *key = value;
    JsonObject *object = json_object_new ();
    g_autofree gchar *start = g_strdup_printf ("%.*s…", KEY_SHOWN,
        (const gchar *) name);
    g_autofree gchar *valid = g_utf8_make_valid (start, -1);

    json_object_set_string_member (object, "key", valid);
    json_object_set_string_member (object, "state", describe_state (key));
    json_object_set_int_member (object, "credits", key->credits);
    json_object_set_int_member (object, "spent", key->spent);
    json_array_add_object_element (array, object);
  }
  return array;
}

gint64
emu_keys_cost (const EmuParameters * parameters)
{
  return (parameters->frames + FRAMES_PER_CREDIT - 1) / FRAMES_PER_CREDIT;
}

gboolean
emu_key_spend (EmuKey * self, gint64 cost)
{
  if (self->credits >= 0 && self->credits < cost)
    return FALSE;
  if (self->credits >= 0)
    self->credits -= cost;
  self->spent += cost;
  return TRUE;
}
