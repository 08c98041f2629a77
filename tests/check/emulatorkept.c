/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the emulator keeps, and for how long: submissions and their pictures,
 * refusals, recorded results.
 */

#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <string.h>

#include "../../examples/emulator/journal.h"
#include "../../examples/emulator/replay.h"
#include "../../examples/emulator/submissions.h"

/* Submissions */

static void
free_frame (gpointer data)
{
  EmuJudgedFrame *frame = data;

  g_clear_pointer (&frame->thumbnail, g_bytes_unref);
  g_free (frame);
}

/* One frame, with a picture. */
static EmuJudgement *
make_judgement (void)
{
  EmuJudgement *judgement = g_new0 (EmuJudgement, 1);
  EmuJudgedFrame *frame = g_new0 (EmuJudgedFrame, 1);

  judgement->frames = g_ptr_array_new_with_free_func (free_frame);
  frame->thumbnail = g_bytes_new_static ("picture", 7);
  g_ptr_array_add (judgement->frames, frame);
  return judgement;
}

static EmuSubmission *
add (EmuSubmissions * submissions, const gchar * hash)
{
  EmuParameters parameters = { EMU_KIND_VIDEO, 10, };

  parameters.ref_id = g_strdup (hash);
  return emu_submissions_add (submissions, hash, &parameters, NULL);
}

static gboolean
has_picture (EmuSubmissions * submissions, guint nth)
{
  const gchar *identifier =
      g_queue_peek_nth (emu_submissions_get_order (submissions), nth);
  EmuSubmission *submission = emu_submissions_find (submissions, identifier);
  EmuJudgedFrame *frame = g_ptr_array_index (submission->judgement->frames, 0);

  return frame->thumbnail != NULL;
}

/* Pictures of the last ones stay, whether they are judged as they come or all
 * after the last one has come. */
GST_START_TEST (test_pictures)
{
  EmuSubmissions *submissions = emu_submissions_new ();
  EmuSubmission *list[EMU_MAX_WITH_THUMBNAILS + 10];
  guint i;

  for (i = 0; i < G_N_ELEMENTS (list); i++) {
    list[i] = add (submissions, "h");
    if (__i__ == 0)
      list[i]->judgement = make_judgement ();
  }
  for (i = 0; i < G_N_ELEMENTS (list); i++) {
    if (__i__ == 1)
      list[i]->judgement = make_judgement ();
    emu_submissions_trim (submissions);
  }
  for (i = 0; i < G_N_ELEMENTS (list); i++)
    fail_unless_equals_int (has_picture (submissions, i), i >= 10);
  emu_submissions_free (submissions);
}

GST_END_TEST;

/* The oldest is forgotten, unless somebody waits for it: that isn't judged, or is
 * held by a callback. */

static const struct
{
  gboolean judged;
  guint pending;
  gboolean forgotten;
} forget_rows[] = {
  {TRUE, 0, TRUE}, {TRUE, 1, FALSE}, {FALSE, 0, FALSE}, {FALSE, 1, FALSE},
};

GST_START_TEST (test_forgotten)
{
  EmuSubmissions *submissions = emu_submissions_new ();
  EmuParameters parameters = { EMU_KIND_VIDEO, 10, };
  EmuSubmission *oldest = add (submissions, "oldest");
  gchar *identifier = g_strdup (oldest->identifier);
  gboolean forgotten = forget_rows[__i__].forgotten;
  guint i;

  if (forget_rows[__i__].judged)
    oldest->judgement = make_judgement ();
  oldest->pending = forget_rows[__i__].pending;
  for (i = 1; i < EMU_MAX_SUBMISSIONS; i++)
    add (submissions, "other")->judgement = make_judgement ();
  fail_unless (emu_submissions_find (submissions, identifier) == oldest);
  add (submissions, "last");
  fail_unless (emu_submissions_find (submissions, identifier)
      == (forgotten ? NULL : oldest));
  fail_unless (emu_submissions_find_cached (submissions, "oldest", &parameters)
      == (forgotten ? NULL : oldest));
  fail_unless_equals_int (g_queue_get_length (emu_submissions_get_order
          (submissions)), EMU_MAX_SUBMISSIONS + !forgotten);
  emu_submissions_free (submissions);
  g_free (identifier);
}

GST_END_TEST;

/* The same file with the same options is found again, the newest of several. */
GST_START_TEST (test_cache)
{
  EmuSubmissions *submissions = emu_submissions_new ();
  EmuParameters same = { EMU_KIND_VIDEO, 10, }, other = same, fresh = same;
  EmuSubmission *one = add (submissions, "h"), *two;

  other.nsfw = TRUE;
  fresh.no_cache = TRUE;
  fail_unless (emu_submissions_find_cached (submissions, "h", &same) == one);
  fail_unless (emu_submissions_find_cached (submissions, "g", &same) == NULL);
  fail_unless (emu_submissions_find_cached (submissions, "h", &other) == NULL);
  fail_unless (emu_submissions_find_cached (submissions, "h", &fresh) == NULL);
  two = add (submissions, "h");
  fail_if (g_str_equal (one->identifier, two->identifier));
  fail_unless (emu_submissions_find_cached (submissions, "h", &same) == two);
  emu_submissions_free (submissions);
}

GST_END_TEST;

/* Not final before its time, however soon it is judged. */

static const struct
{
  gboolean judged;
  const gchar *error;
  gint64 now;                   /* final at 100 */
  const gchar *status;
} status_rows[] = {
  {FALSE, NULL, 50, "new"}, {FALSE, NULL, 150, "new"}, {TRUE, NULL, 50, "new"},
  {TRUE, NULL, 100, "done"}, {TRUE, NULL, 150, "done"},
  {TRUE, "bad", 50, "new"}, {TRUE, "bad", 150, "errored"},
};

GST_START_TEST (test_status)
{
  EmuSubmissions *submissions = emu_submissions_new ();
  EmuSubmission *submission = add (submissions, "h");

  submission->ready = 100;
  if (status_rows[__i__].judged) {
    submission->judgement = make_judgement ();
    submission->judgement->error = g_strdup (status_rows[__i__].error);
  }
  fail_unless_equals_string (emu_status_to_string (emu_submission_get_status
          (submission, status_rows[__i__].now)), status_rows[__i__].status);
  emu_submissions_free (submissions);
}

GST_END_TEST;

/* Refusals */

static gint64
get_int (JsonArray * array, guint i, const gchar * member)
{
  return json_object_get_int_member (json_array_get_object_element (array, i),
      member);
}

/* What is the same as the newest counts as that one again, and anything else
 * doesn't. */
GST_START_TEST (test_journal_times)
{
  static const struct
  {
    const gchar *method, *path;
    guint status;
    const gchar *why, *fields;
  } rows[] = {
    {"GET", "/a", 429, "x", NULL}, {"GET", "/a", 429, "x", ""},
    {"GET", "/a", 429, "x", "f"}, {"GET", "/a", 429, "y", "f"},
    {"GET", "/a", 404, "y", "f"}, {"GET", "/b", 404, "y", "f"},
    {"PUT", "/b", 404, "y", "f"}, {"PUT", "/b", 404, "y", "f"},
  };
  /* newest first */
  static const guint times[] = { 2, 1, 1, 1, 1, 2 };
  EmuJournal *journal = emu_journal_new ();
  JsonArray *array;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++)
    emu_journal_add (journal, rows[i].method, rows[i].path, rows[i].status,
        rows[i].why, rows[i].fields);
  array = emu_journal_build (journal);
  fail_unless_equals_int (json_array_get_length (array), G_N_ELEMENTS (times));
  for (i = 0; i < G_N_ELEMENTS (times); i++) {
    fail_unless_equals_int (get_int (array, i, "times"), times[i]);
    fail_unless_equals_int (get_int (array, i, "number"),
        G_N_ELEMENTS (times) - i);
  }
  fail_unless_equals_uint64 (emu_journal_get_count (journal),
      G_N_ELEMENTS (rows));
  json_array_unref (array);
  emu_journal_free (journal);
}

GST_END_TEST;

GST_START_TEST (test_journal_bounds)
{
  EmuJournal *journal = emu_journal_new ();
  JsonArray *array;
  guint i;

  for (i = 0; i < EMU_MAX_INCIDENTS + 5; i++)
    emu_journal_add (journal, "GET", i % 2 ? "/a" : "/b", 404, NULL, NULL);
  array = emu_journal_build (journal);
  fail_unless_equals_int (json_array_get_length (array), EMU_MAX_INCIDENTS);
  fail_unless_equals_int (get_int (array, 0, "number"), EMU_MAX_INCIDENTS + 5);
  json_array_unref (array);
  emu_journal_free (journal);
}

GST_END_TEST;

/* Texts that anybody sent: cut between characters, and made valid. */
GST_START_TEST (test_journal_cut)
{
  GString *text = g_string_new (NULL);
  gchar *cut = emu_journal_cut (NULL);

  fail_unless_equals_string (cut, "");
  g_free (cut);
  cut = emu_journal_cut ("a\xff");
  fail_unless (g_utf8_validate (cut, -1, NULL) && *cut == 'a');
  g_free (cut);
  while (g_utf8_strlen (text->str, -1) < EMU_MAX_TEXT)
    g_string_append (text, "ä");
  cut = emu_journal_cut (text->str);
  fail_unless_equals_string (cut, text->str);
  g_free (cut);
  g_string_append (text, "b");
  cut = emu_journal_cut (text->str);
  fail_unless (g_str_has_suffix (cut, "ä…"));
  fail_unless_equals_int (g_utf8_strlen (cut, -1), EMU_MAX_TEXT + 1);
  g_free (cut);
  g_string_free (text, TRUE);
}

GST_END_TEST;

/* Recorded results */

static const struct
{
  const gchar *files[3];        /* 0.json, … */
  const gchar *order;           /* names of what comes for an unknown file, five
                                 * times; NULL = refused */
} replay_rows[] = {
  {{"{\"name\":\"a\"}"}, "aaaaa"},
  {{"{\"name\":\"a\"}", "{\"name\":\"b\"}", "{\"name\":\"c\"}"}, "abcab"},
  {{"[{\"name\":\"a\"},{\"name\":\"b\"}]", "{\"name\":\"c\"}"}, "abcab"},
  {{"{\"name\":\"a\",\"hash\":1}", "{\"name\":\"b\",\"hash\":null}"}, "ababa"},
  {{NULL}, NULL},
  {{"[]"}, NULL},
  {{"[{\"name\":\"a\"},1]"}, NULL},
  {{"1"}, NULL},
  {{""}, NULL},
  {{"{\"name\":\"a\"}", "{\"name\""}, NULL},
};

static void
write_file (const gchar * directory, guint i, const gchar * text)
{
  gchar *name = g_strdup_printf ("%u.json", i);
  gchar *path = g_build_filename (directory, name, NULL);

  if (text != NULL)
    g_file_set_contents (path, text, -1, NULL);
  else
    g_remove (path);
  g_free (path);
  g_free (name);
}

GST_START_TEST (test_replay)
{
  gchar *directory = g_dir_make_tmp ("replay-XXXXXX", NULL);
  const gchar *order = replay_rows[__i__].order;
  GError *error = NULL;
  EmuReplay *replay;
  guint i;

  for (i = 0; i < 3; i++)
    write_file (directory, i, replay_rows[__i__].files[i]);
  replay = emu_replay_new (directory, &error);
  fail_unless ((replay != NULL) == (order != NULL));
  fail_unless ((error != NULL) == (order == NULL));
  for (i = 0; order != NULL && i < 5; i++) {
    JsonObject *result =
        json_node_get_object (emu_replay_next (replay, EMU_KIND_VIDEO,
            "other"));

    fail_unless_equals_int (*json_object_get_string_member (result, "name"),
        order[i]);
  }
  g_clear_pointer (&replay, emu_replay_free);
  g_clear_error (&error);
  for (i = 0; i < 3; i++)
    write_file (directory, i, NULL);
  g_rmdir (directory);
  g_free (directory);
}

GST_END_TEST;

/* A result is for who sent a file of its kind. */

#define RECORDED(name, members) "{\"name\":\"" name "\"," members "}"
#define OF_VIDEO "\"results\":{\"images\":[]}"
#define OF_IMAGE "\"results\":[],\"has_heatmap\":false"
#define OF_AUDIO "\"results\":[],\"details\":{\"clips\":[]}"
#define OF_EITHER "\"results\":[]"

static const struct
{
  const gchar *recorded;
  const gchar *calls;           /* kinds: v, i, a */
  const gchar *names;           /* of what comes; - = none */
} kind_rows[] = {
  {RECORDED ("v", OF_VIDEO), "viav", "v--v"},
  {RECORDED ("i", OF_IMAGE), "vii", "-ii"},
  {RECORDED ("a", OF_AUDIO), "via", "--a"},
  {RECORDED ("e", OF_EITHER), "via", "-ee"},
  {RECORDED ("e", "\"status\":\"errored\""), "via", "eee"},
  {RECORDED ("e", "\"results\":null"), "via", "eee"},
  {RECORDED ("v", OF_VIDEO) "," RECORDED ("i", OF_IMAGE) ","
        RECORDED ("w", OF_VIDEO) "," RECORDED ("j", OF_IMAGE), "vvviiiv",
      "vwvijiw"},
  {RECORDED ("v", OF_VIDEO) "," RECORDED ("h", OF_IMAGE ",\"hash\":\"other\"")
      "," RECORDED ("j", OF_IMAGE), "viiv", "vhhv"},
};

GST_START_TEST (test_replay_kinds)
{
  gchar *directory = g_dir_make_tmp ("replay-XXXXXX", NULL);
  gchar *text = g_strdup_printf ("[%s]", kind_rows[__i__].recorded);
  const gchar *calls = kind_rows[__i__].calls;
  EmuReplay *replay;
  guint i;

  write_file (directory, 0, text);
  replay = emu_replay_new (directory, NULL);
  for (i = 0; calls[i] != '\0'; i++) {
    EmuKind kind = calls[i] == 'v' ? EMU_KIND_VIDEO
        : calls[i] == 'i' ? EMU_KIND_IMAGE : EMU_KIND_AUDIO;
    JsonNode *node = emu_replay_next (replay, kind, "other");

    fail_unless_equals_int (node == NULL ? '-' : *json_object_get_string_member
        (json_node_get_object (node), "name"), kind_rows[__i__].names[i]);
  }
  emu_replay_free (replay);
  write_file (directory, 0, NULL);
  g_rmdir (directory);
  g_free (text);
  g_free (directory);
}

GST_END_TEST;

static Suite *
emulatorkept_suite (void)
{
  Suite *suite = suite_create ("emulatorkept");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (suite, tc);
#define ROWS(test, rows) \
  tcase_add_loop_test (tc, test, 0, G_N_ELEMENTS (rows))
  tcase_add_loop_test (tc, test_pictures, 0, 2);
  ROWS (test_forgotten, forget_rows);
  tcase_add_test (tc, test_cache);
  ROWS (test_status, status_rows);
  tcase_add_test (tc, test_journal_times);
  tcase_add_test (tc, test_journal_bounds);
  tcase_add_test (tc, test_journal_cut);
  ROWS (test_replay, replay_rows);
  ROWS (test_replay_kinds, kind_rows);
  return suite;
}

GST_CHECK_MAIN (emulatorkept);
