/* identifai-emulator: what was submitted and what became of it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "submissions.h"

#include <glib/gstdio.h>
#include <string.h>

struct _EmuSubmissions
{
  GHashTable *by_identifier;    /* owns the submissions */
  GHashTable *by_work;          /* cache key -> submission, borrowed */
  GHashTable *overrides;        /* "image HASH" -> classification */
  GHashTable *leaving;          /* set of forgotten ones with callbacks to come */
  GQueue order;                 /* of identifiers, oldest first, borrowed */
  guint64 count;
};

const gchar *
emu_status_to_string (EmuStatus status)
{
  static const gchar *const names[] = { "new", "done", "errored" };

  return names[status];
}

EmuStatus
emu_submission_get_status (EmuSubmission * self, gint64 now)
{
  if (self->judgement == NULL || now < self->ready)
    return EMU_STATUS_NEW;
  return self->judgement->error != NULL ? EMU_STATUS_ERRORED : EMU_STATUS_DONE;
}

static void
free_submission (gpointer data)
{
  EmuSubmission *self = data;

  if (self->timer != 0)
    g_source_remove (self->timer);
  if (self->path != NULL)
    g_unlink (self->path);
  g_clear_pointer (&self->judgement, emu_judgement_free);
  emu_parameters_clear (&self->parameters);
  g_date_time_unref (self->date);
  g_clear_pointer (&self->replay, json_node_unref);
  g_free (self->c2pa_label);
  g_free (self->override);
  g_free (self->identifier);
  g_free (self->hash);
  g_free (self->name);
  g_free (self->path);
  g_free (self);
}

EmuSubmissions *
emu_submissions_new (void)
{
  EmuSubmissions *self = g_new0 (EmuSubmissions, 1);

  self->by_identifier = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      free_submission);
  self->by_work = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->overrides = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
  self->leaving = g_hash_table_new_full (NULL, NULL, free_submission, NULL);
  return self;
}

void
emu_submissions_free (EmuSubmissions * self)
{
  g_queue_clear (&self->order);
  g_hash_table_unref (self->by_work);
  g_hash_table_unref (self->overrides);
  g_hash_table_unref (self->by_identifier);
  g_hash_table_unref (self->leaving);
  g_free (self);
}

static gchar *
work_key (const gchar * hash, const EmuParameters * parameters)
{
  g_autofree gchar *options = emu_parameters_cache_key (parameters);

  return g_strconcat (hash, " ", options, NULL);
}

EmuSubmission *
emu_submissions_find_cached (EmuSubmissions * self, const gchar * hash,
    const EmuParameters * parameters)
{
  g_autofree gchar *key = work_key (hash, parameters);

  return parameters->no_cache ? NULL : g_hash_table_lookup (self->by_work, key);
}

EmuSubmission *
emu_submissions_find (EmuSubmissions * self, const gchar * identifier)
{
  return g_hash_table_lookup (self->by_identifier, identifier);
}

/* Only what nobody waits for: a submission still to be judged is the court's
 * user data. */
static gboolean
forget_oldest (EmuSubmissions * self)
{
  EmuSubmission *oldest = emu_submissions_find (self,
      g_queue_peek_head (&self->order));
  g_autofree gchar *key = NULL;

  if (oldest->judgement == NULL || oldest->pending > 0)
    return FALSE;
  g_queue_pop_head (&self->order);
  key = work_key (oldest->hash, &oldest->parameters);
  if (g_hash_table_lookup (self->by_work, key) == oldest)
    g_hash_table_remove (self->by_work, key);
  g_hash_table_remove (self->by_identifier, oldest->identifier);
  return TRUE;
}

static gchar *
override_key (EmuKind kind, const gchar * hash)
{
  return g_strconcat (emu_kinds[kind].name, " ", hash, NULL);
}

gboolean
emu_submissions_override (EmuSubmissions * self, EmuKind kind,
    const gchar * hash, const gchar * classification)
{
  GHashTableIter iter;
  gpointer value;
  gboolean found = FALSE;

  g_hash_table_iter_init (&iter, self->by_identifier);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    EmuSubmission *submission = value;

    if (submission->parameters.kind != kind
        || !g_str_equal (submission->hash, hash))
      continue;
    g_free (submission->override);
    submission->override = g_strdup (classification);
    found = TRUE;
  }
  if (found)
    g_hash_table_replace (self->overrides, override_key (kind, hash),
        g_strdup (classification));
  return found;
}

GQueue *
emu_submissions_get_order (EmuSubmissions * self)
{
  return &self->order;
}

/* Pictures are most of what a submission takes in memory. */
void
emu_submissions_trim (EmuSubmissions * self)
{
  guint n = g_queue_get_length (&self->order), i;
  GList *link = self->order.head;

  for (i = EMU_MAX_WITH_THUMBNAILS; i < n; i++, link = link->next) {
    EmuSubmission *submission = emu_submissions_find (self, link->data);

    if (submission->judgement != NULL && !submission->without_thumbnails) {
      emu_judgement_drop_thumbnails (submission->judgement);
      submission->without_thumbnails = TRUE;
    }
  }
}

/* Its timer's callback goes with the timer. */
static void
forget (EmuSubmissions * self, EmuSubmission * submission)
{
  submission->forgotten = TRUE;
  if (submission->timer != 0)
    g_source_remove (submission->timer);
  submission->timer = 0;
  if (submission->pending > 0)
    g_hash_table_add (self->leaving, submission);
  else
    free_submission (submission);
}

void
emu_submissions_clear (EmuSubmissions * self)
{
  g_autoptr (GList) all = g_hash_table_get_values (self->by_identifier);
  GList *link;

  g_hash_table_steal_all (self->by_identifier);
  g_hash_table_remove_all (self->by_work);
  g_hash_table_remove_all (self->overrides);
  g_queue_clear (&self->order);
  for (link = all; link != NULL; link = link->next)
    forget (self, link->data);
}

void
emu_submissions_let_go (EmuSubmissions * self, EmuSubmission * submission)
{
  submission->pending--;
  if (submission->pending == 0 && submission->forgotten)
    g_hash_table_remove (self->leaving, submission);
}

EmuSubmission *
emu_submissions_add (EmuSubmissions * self, const gchar * hash,
    EmuParameters * parameters, gchar * path)
{
  EmuSubmission *submission = g_new0 (EmuSubmission, 1);
  gchar *key = work_key (hash, parameters);
  g_autofree gchar *override = override_key (parameters->kind, hash);
  g_autofree gchar *seed = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %"
      G_GINT64_FORMAT, key, self->count++, g_get_real_time ());

  while (g_queue_get_length (&self->order) >= EMU_MAX_SUBMISSIONS
      && forget_oldest (self));
  emu_submissions_trim (self);
  submission->identifier =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, seed, -1);
  submission->hash = g_strdup (hash);
  submission->override =
      g_strdup (g_hash_table_lookup (self->overrides, override));
  submission->path = path;
  submission->parameters = *parameters;
  submission->date = g_date_time_new_now_utc ();
  submission->submitted = g_get_monotonic_time ();
  memset (parameters, 0, sizeof *parameters);
  g_hash_table_insert (self->by_identifier, submission->identifier, submission);
  g_queue_push_tail (&self->order, submission->identifier);
  g_hash_table_replace (self->by_work, key, submission);
  return submission;
}
