/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What identifai-moderate writes down of the uploads of an hour, for another run.
 */

#include "../../examples/moderate/uploads.h"

#include <gst/check/gstcheck.h>

gboolean
mod_supervisor_knows (const ModSupervisor * self, const gchar * name)
{
  return TRUE;
}

static ModUploads *
read_again (ModUploads * uploads)
{
  JsonObject *object = mod_uploads_describe (uploads);
  ModUploads *again = mod_uploads_new ();

  mod_uploads_read (again, object);
  json_object_unref (object);
  mod_uploads_free (uploads);

  return again;
}

/* Uploads by the element, and of what was kept. Which ones does another run know? */
static void
check_kept (guint most, guint live, guint late, guint kept_live,
    guint kept_late)
{
  GstElement *judge = gst_element_factory_make ("identifaisink", NULL);
  ModUploads *uploads = mod_uploads_new ();
  GValue ages = G_VALUE_INIT, age = G_VALUE_INIT;
  guint i;

  g_object_set (judge, "max-uploads-per-hour", most, NULL);
  mod_uploads_give (uploads, "a", judge);
  g_value_init (&ages, GST_TYPE_ARRAY);
  for (i = 0; i < live; i++) {
    g_value_init (&age, G_TYPE_UINT64);
    g_value_set_uint64 (&age, (live - i) * GST_SECOND);
    gst_value_array_append_and_take_value (&ages, &age);
  }
  g_object_set_property (G_OBJECT (judge), "uploads", &ages);
  g_value_unset (&ages);
  if (live > 0)
    fail_unless_equals_int (mod_uploads_take (uploads, "a", judge), most > 0);
  for (i = 0; i < late; i++)
    mod_uploads_note_late (uploads, "a");
  uploads = read_again (uploads);
  fail_unless_equals_int (mod_uploads_count_live (uploads, "a"), kept_live);
  fail_unless_equals_int (mod_uploads_count_late (uploads, "a"), kept_late);
  mod_uploads_free (uploads);
  gst_object_unref (judge);
}

GST_START_TEST (test_kept)
{
  check_kept (9, 2, 0, 2, 0);
  check_kept (9, 2, 3, 2, 3);
  /* a camera that doesn't come back: nothing live is ever told of it */
  check_kept (9, 0, 3, 0, 3);
  check_kept (0, 2, 3, 0, 0);
}

GST_END_TEST;

static Suite *
uploads_suite (void)
{
  Suite *s = suite_create ("uploads");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_kept);

  return s;
}

GST_CHECK_MAIN (uploads);
