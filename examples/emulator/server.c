/* identifai-emulator: the HTTP server and all that it holds
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "exchange.h"
#include "wire.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define STOP_PATIENCE 300       /* ms */

static gboolean
set_up_keys (EmuServer * self, GError ** error)
{
  EmuRate rates[EMU_N_RATES];
  gchar **partner = self->options->partners;

  if (!emu_rates_parse (self->options->rate_limits, rates, error))
    return FALSE;
  self->keys = emu_keys_new (self->options->api_keys, rates, error);
  for (; self->keys != NULL && partner != NULL && *partner != NULL; partner++)
    emu_keys_add_partner (self->keys, *partner);
  return self->keys != NULL;
}

static gboolean
set_up_faults (EmuServer * self, GError ** error)
{
  gchar **specs = self->options->faults;
  guint i;

  for (i = 0; specs != NULL && specs[i] != NULL; i++) {
    EmuFault *fault = emu_fault_parse (specs[i], error);

    if (fault == NULL)
      return FALSE;
    g_ptr_array_add (self->faults, fault);
  }
  return TRUE;
}

static gboolean
add_rule (EmuServer * self, const gchar * spec, GError ** error)
{
  EmuRule *rule = emu_rule_parse (spec, error);

  if (rule != NULL)
    g_ptr_array_add (self->rules, rule);
  return rule != NULL;
}

static gboolean
set_up_rules (EmuServer * self, GError ** error)
{
  gchar **specs = self->options->rules;

  for (; specs != NULL && *specs != NULL; specs++) {
    if (!add_rule (self, *specs, error))
      return FALSE;
  }
  return TRUE;
}

/* The highest number of what an earlier run has kept: nothing is overwritten. */
static guint
find_last_number (const gchar * path)
{
  GDir *directory = g_dir_open (path, 0, NULL);
  guint64 last = 0;
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    if (g_ascii_isdigit (*name))
      last = MAX (last, g_ascii_strtoull (name, NULL, 10));
  }
  g_clear_pointer (&directory, g_dir_close);
  return MIN (last, G_MAXINT);
}

static gboolean
set_up_directories (EmuServer * self, GError ** error)
{
  const gchar *record = self->options->record_dir;

  if (record != NULL && g_mkdir_with_parents (record, 0777) < 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED,
        "--record: %s can't be made", record);
    return FALSE;
  }
  if (record != NULL)
    self->last_number = find_last_number (record);
  self->directory = g_dir_make_tmp ("identifai-emulator-XXXXXX", error);
  return self->directory != NULL;
}

static gboolean
set_up_replay (EmuServer * self, GError ** error)
{
  if (self->options->replay_dir == NULL)
    return TRUE;
  self->replay = emu_replay_new (self->options->replay_dir, error);
  return self->replay != NULL;
}

static gboolean
set_up_tls (EmuServer * self, GError ** error)
{
  EmuOptions *options = self->options;
  g_autoptr (GTlsCertificate) certificate = NULL;

  if (options->tls_certificate == NULL)
    return TRUE;
  certificate = g_tls_certificate_new_from_files (options->tls_certificate,
      options->tls_key != NULL ? options->tls_key : options->tls_certificate,
      error);
  if (certificate == NULL) {
    g_prefix_error (error, "--tls-certificate: ");
    return FALSE;
  }
  soup_server_set_tls_certificate (self->soup, certificate);
  return TRUE;
}

static gboolean
listen (EmuServer * self, GError ** error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (self->options->address,
      self->options->port);
  GSList *uris;

  if (address == NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "--address takes an IP address, not %s", self->options->address);
    return FALSE;
  }
  if (!soup_server_listen (self->soup, address,
          self->options->tls_certificate != NULL ? SOUP_SERVER_LISTEN_HTTPS : 0,
          error))
    return FALSE;
  uris = soup_server_get_uris (self->soup);
  self->base = g_uri_to_string (uris->data);
  /* Without the slash at its end. */
  if (g_str_has_suffix (self->base, "/"))
    self->base[strlen (self->base) - 1] = '\0';
  g_slist_free_full (uris, (GDestroyNotify) g_uri_unref);
  return TRUE;
}

EmuServer *
emu_server_new (EmuOptions * options, GError ** error)
{
  EmuServer *self = g_new0 (EmuServer, 1);

  self->options = options;
  /* A page that was open before a restart is not to take one version for another. */
  self->version = g_get_real_time ();
  self->faults =
      g_ptr_array_new_with_free_func ((GDestroyNotify) emu_fault_unref);
  self->rules = g_ptr_array_new_with_free_func ((GDestroyNotify) emu_rule_free);
  self->submissions = emu_submissions_new ();
  self->users = emu_users_new ();
  self->fetcher = emu_fetcher_new (options->fetch_hosts,
      options->fetch_timeout);
  self->journal = emu_journal_new ();
  self->history = emu_history_new ();
  self->cancellable = g_cancellable_new ();
  self->webhooks =
      emu_webhooks_new (options->webhook_retry_delay, options->webhook_timeout);
  self->court =
      emu_court_new (options->jobs, options->decode_timeout * GST_SECOND);
  self->soup = soup_server_new ("server-header", EMU_NAME "/" VERSION, NULL);
  emu_exchange_start (self);
  if (!set_up_keys (self, error) || !set_up_faults (self, error)
      || !set_up_rules (self, error)
      || !set_up_replay (self, error) || !set_up_tls (self, error)
      || !set_up_directories (self, error) || !listen (self, error)) {
    emu_server_free (self);
    return NULL;
  }
  return self;
}

/* Requests under way may have a key in hand. */
gboolean
emu_server_reset (EmuServer * self, GError ** error)
{
  EmuReplay *before = self->replay;

  if (!set_up_replay (self, error)) {
    self->replay = before;
    return FALSE;
  }
  g_clear_pointer (&before, emu_replay_free);
  g_ptr_array_set_size (self->faults, 0);
  g_ptr_array_set_size (self->rules, 0);
  set_up_faults (self, NULL);
  set_up_rules (self, NULL);
  emu_keys_reset (self->keys, self->options->api_keys, self->options->partners);
  emu_submissions_clear (self->submissions);
  emu_users_free (self->users);
  self->users = emu_users_new ();
  emu_journal_free (self->journal);
  self->journal = emu_journal_new ();
  emu_history_free (self->history);
  self->history = emu_history_new ();
  self->requests = 0;
  emu_server_touch (self);
  return TRUE;
}

static void
remove_directory (const gchar * path)
{
  GDir *directory = g_dir_open (path, 0, NULL);
  const gchar *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);

    g_unlink (file);
  }
  g_clear_pointer (&directory, g_dir_close);
  g_rmdir (path);
}

static gboolean
patience_is_over (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* They were cancelled; but a disk can take its time. */
static gboolean
wait_for_intakes (EmuServer * self)
{
  gboolean over = FALSE;
  guint timer = g_timeout_add_full (G_PRIORITY_HIGH, STOP_PATIENCE,
      patience_is_over, &over, NULL);

  while (self->intakes > 0 && !over)
    g_main_context_iteration (NULL, TRUE);
  if (!over)
    g_source_remove (timer);
  return self->intakes == 0;
}

/* Who uses something goes before it: requests, then what they started. */
void
emu_server_free (EmuServer * self)
{
  soup_server_disconnect (self->soup);
  emu_exchange_stop (self);
  emu_wires_close (self);
  g_cancellable_cancel (self->cancellable);
  emu_fetcher_cancel (self->fetcher);
  if (!wait_for_intakes (self) || !emu_court_free (self->court)) {
    remove_directory (self->directory);
    _exit (0);
  }
  emu_webhooks_free (self->webhooks);
  emu_fetcher_free (self->fetcher);
  /* What was cancelled comes back here. */
  while (g_main_context_iteration (NULL, FALSE));
  g_object_unref (self->soup);
  g_object_unref (self->cancellable);
  emu_submissions_free (self->submissions);
  emu_users_free (self->users);
  g_clear_pointer (&self->keys, emu_keys_free);
  g_clear_pointer (&self->replay, emu_replay_free);
  emu_journal_free (self->journal);
  emu_history_free (self->history);
  g_ptr_array_unref (self->faults);
  g_ptr_array_unref (self->rules);
  if (self->directory != NULL)
    remove_directory (self->directory);
  g_free (self->directory);
  g_free (self->base);
  g_free (self);
}
