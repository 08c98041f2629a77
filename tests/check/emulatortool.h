/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs the emulator as a process of its own, and talks to it.
 */

#pragma once

#include <gst/check/gstcheck.h>
#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

typedef struct
{
  GSubprocess *process;
  gchar *base;                  /* its address */
  gchar *directory;             /* of its own, for temporary files and results */
  SoupSession *session;
} Emulator;

/* Runs the suite if $IDENTIFAI_EMULATOR can be run; says so if not. Returns the
 * exit status of the test. */
gint emulator_run_suite (gint * argc, gchar *** argv, Suite * (*make) (void));
/* As GST_CHECK_MAIN(). */
#define EMULATOR_CHECK_MAIN(name) \
  int \
  main (int argc, char **argv) \
  { \
    return emulator_run_suite (&argc, &argv, name ## _suite); \
  }

/* arguments: separated by spaces, no quoting; %s stands for the directory. Waits
 * until it listens. */
void emulator_start (Emulator * self, const gchar * arguments);
/* Sends the signal; returns the exit status after at most two seconds, and
 * checks that no temporary file is left. */
gint emulator_end (Emulator * self, gint signal);
void emulator_stop (Emulator * self);   /* with SIGTERM and exit status 0 */

/* One answer. */
typedef struct
{
  guint status;                 /* 0 = no answer */
  gchar *body;                  /* ends in a zero byte */
  gsize length;
  gchar *type;                  /* content type */
  gchar *retry_after;
} Answer;

void answer_clear (Answer * self);

/* body may be NULL. accept, type, key may be NULL. */
void emulator_ask (Emulator * self, const gchar * method, const gchar * path,
    const gchar * key, const gchar * accept, const gchar * type, GBytes * body,
    Answer * answer);

GBytes *make_text (const gchar * text);
/* A form: fields "name=value&…", then the file (NULL = none). */
GBytes *make_form (const gchar * fields, const gchar * part,
    const gchar * filename, const gchar * type, GBytes * file);
#define FORM_TYPE "multipart/form-data; boundary=------------------------B"

/* Submits a file with the key "k" and returns the identifier. */
gchar *emulator_submit (Emulator * self, const gchar * path,
    const gchar * fields, GBytes * file);
/* Polls until the result is final; the root object is owned by the node. */
JsonNode *emulator_wait (Emulator * self, const gchar * path,
    const gchar * identifier);

/* A file, or a folder with all that is in it. */
void remove_tree (const gchar * path);

/* Writes which row of a table comes, for who looks for the one that fails. */
void tell_row (const gchar * table, guint row);
#define FOR_ROWS(i, rows) \
  for (i = 0; i < G_N_ELEMENTS (rows) && (tell_row (#rows, i), TRUE); i++)

/* What a pipeline (without its filesink) writes, made once a process. */
GBytes *make_clip (const gchar * pipeline);
