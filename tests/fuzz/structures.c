/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Structures that people and programs write: an entry of pending, a policy. The text is
 * either.
 */

#include "target.h"

#include <string.h>

#include "gstidentifaipending.h"
#include "policy.h"

static void
drop (const gchar * domain, GLogLevelFlags level, const gchar * text,
    gpointer unused)
{
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  gst_init (argc, argv);
  g_log_set_handler ("GStreamer", G_LOG_LEVEL_WARNING | G_LOG_LEVEL_CRITICAL,
      drop, NULL);

  return 0;
}

/* What goes on is the same as what was written down. */
static void
read_entry (const GstStructure * structure)
{
  IdentifaiSegment *segment =
      gst_identifai_pending_read (structure, IDENTIFAI_KIND_VIDEO), *again;
  GstStructure *entry;

  if (segment == NULL)
    return;
  g_assert_true (segment->identifier != NULL && *segment->identifier != '\0');
  g_assert_true (segment->kind < IDENTIFAI_N_KINDS);
  entry = gst_identifai_pending_write (segment, "session");
  again = gst_identifai_pending_read (entry, IDENTIFAI_KIND_IMAGE);
  g_assert_nonnull (again);
  g_assert_cmpstr (again->identifier, ==, segment->identifier);
  g_assert_cmpstr (again->session, ==, segment->session);
  g_assert_cmpstr (again->ref_id, ==, segment->ref_id);
  g_assert_cmpuint (again->number, ==, segment->number);
  g_assert_cmpuint (again->duration, ==, segment->duration);
  g_assert_cmpint (again->kind, ==, segment->kind);
  gst_structure_free (entry);
  identifai_segment_free (again);
  identifai_segment_free (segment);
}

static void
read_policy (const GstStructure * structure)
{
  IdentifaiPolicySettings settings;
  GError *error = NULL;
  gboolean good = identifai_policy_settings_read (&settings, structure, &error);

  g_assert_true (good == (error == NULL));
  if (good) {
    g_assert_true (settings.review >= 0 && settings.review <= settings.block);
    g_assert_true (settings.block <= 1);
  } else {
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
  g_clear_error (&error);
}

int
LLVMFuzzerTestOneInput (const guint8 * data, gsize size)
{
  gchar *text = size > 0 ? g_strndup ((const gchar *) data, size) :
      g_strdup ("");
  GstStructure *structure;

  /* of a text that is no structure, GStreamer itself is critical */
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  structure = g_utf8_validate (text, -1, NULL) ?
      gst_structure_from_string (text, NULL) : NULL;
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  if (structure != NULL) {
    read_entry (structure);
    read_policy (structure);
    gst_structure_free (structure);
  }
  g_free (text);

  return 0;
}
