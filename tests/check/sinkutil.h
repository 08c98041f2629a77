/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests of the element: the emulator as a process of its own, and pipelines
 * whose messages are all kept. Whatever goes wrong here fails the test; every
 * wait is bounded.
 */

#pragma once

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* The longest wait for what must come. */
#define SINK_PATIENCE (40 * G_TIME_SPAN_SECOND)
/* The key of sink_run_new(). */
#define SINK_KEY "test-key-ouWu7ahn"
/* What the element's waits between calls are multiplied with. */
#define SINK_TIME_SCALE 0.05

/* A new folder for temporary files, and its end, with all files in it. */
gchar *sink_folder_new (void);
void sink_folder_free (gchar * folder);

/* Runs "DESCRIPTION ! filesink" until its end; returns the file's path, in
 * folder. */
gchar *sink_make_file (const gchar * folder, const gchar * name,
    const gchar * description);

gchar *sink_sha256 (const gchar * path);

/* The emulator: one of $IDENTIFAI_EMULATOR on a port of its own, without rate
 * limits. Ends with the test's process at the latest. */
typedef struct _SinkEmulator SinkEmulator;

/* options: a NULL-terminated list of more of them; NULL: "--delay", "0". */
SinkEmulator *sink_emulator_new (const gchar * const *options);
void sink_emulator_free (SinkEmulator * self);

/* "http://127.0.0.1:PORT" */
const gchar *sink_emulator_get_url (SinkEmulator * self);

/* Files that it was sent so far. They have numbers from 1. */
guint sink_emulator_count (SinkEmulator * self);
/* What is known of one: "filename", "content_type", "sha256", "bytes", "sent"
 * (names of the form's fields, in order), "fields" (their values). */
JsonObject *sink_emulator_read (SinkEmulator * self, guint number);
/* Its path, valid until the emulator is freed. */
gchar *sink_emulator_get_path (SinkEmulator * self, guint number);

/* A pipeline and its messages, in the order posted.
 *
 * A message has the name of its structure if it is an element message, else that
 * of its type: "eos", "error", "warning", "info", "tag", "async-done". To the
 * names of those that neither the sink nor the pipeline posted, "@ELEMENT" is
 * added, and tags that are not a verdict's are "other-tag". */
typedef struct _SinkRun SinkRun;

/* The plugin that is linked to the test is used instead of the file that GStreamer
 * finds, as its waits can be scaled. Before the first element is made, which
 * sink_run_new() sees to. */
void sink_use_own_plugin (void);

/* description: for gst_parse_launch(). The element with the name "sink" gets url
 * as its endpoint (unless it is NULL), SINK_KEY, no rate limits and no retries,
 * before anything that the caller sets. */
SinkRun *sink_run_new (const gchar * url, const gchar * description);
/* Frames that are artificial to the emulator, a segment each. */
SinkRun *sink_run_new_frames (const gchar * url, guint frames,
    const gchar * properties);
/* Stops it first, and checks what sink_run_check() checks. */
void sink_run_free (SinkRun * self);

/* Borrowed. */
GstElement *sink_run_get_pipeline (SinkRun * self);
GstElement *sink_run_get_sink (SinkRun * self);

/* To PLAYING, without a wait; FALSE if that fails at once. */
gboolean sink_run_start (SinkRun * self);
/* To NULL; returns how long it took, in µs. */
gint64 sink_run_stop (SinkRun * self);

/* Waits until count messages of that name were posted; fails the test if they
 * don't come. */
void sink_run_wait (SinkRun * self, const gchar * name, guint count);
/* Waits for the end, "eos" or an "error" of whatever element. TRUE: "eos". */
gboolean sink_run_wait_end (SinkRun * self);

guint sink_run_count (SinkRun * self, const gchar * name);
/* nth from 0; fails the test if there is none. Borrowed until _forget. */
GstMessage *sink_run_get (SinkRun * self, const gchar * name, guint nth);
const GstStructure *sink_run_get_structure (SinkRun * self,
    const gchar * name, guint nth);
/* A text in the nth such message, which has it; borrowed. */
const gchar *sink_run_get_text (SinkRun * self, const gchar * name, guint nth,
    const gchar * field);
/* Names, in order, with a space between: identifai-…, "tag", "warning", "info"
 * of the sink, "error" of whatever element, and "eos". */
gchar *sink_run_list (SinkRun * self);
/* Forgets all messages so far, for another round with the same element. */
void sink_run_forget (SinkRun * self);

/* One field of the element's stats, all of which are guint64. */
guint64 sink_run_get_stat (SinkRun * self, const gchar * name);
/* segments = verdicts + failed + dropped + pending. */
void sink_run_check_stats (SinkRun * self);
/* What must hold of the messages since the last _forget: every segment was
 * announced once, in the order of numbers, has one outcome at most, and nothing
 * comes after it. ended: every one has its outcome. */
void sink_run_check (SinkRun * self, gboolean ended);

/* Calls func for every message, on the thread that posts it, before it is kept.
 * Set it before the start. */
typedef void (*SinkRunFunc) (SinkRun * self, GstMessage * message,
    const gchar * name, gpointer user_data);
void sink_run_set_func (SinkRun * self, SinkRunFunc func, gpointer user_data);

/* Time goes by: for a pause or a stall, which has to last, and for what must not happen,
 * which gets the time to. It is real unless the clock is held (heldclock.h); then a busy
 * machine makes it longer, and no test may mind that. */
void sink_let_pass (guint ms);

/* The plugin's own, on the console: how many there were since the last look. */
void sink_watch_warnings (void);
guint sink_take_warnings (void);

#define SINK_JPEGS "videotestsrc num-buffers=2 ! jpegenc ! avimux ! " \
    "identifaisink name=sink"

G_END_DECLS
