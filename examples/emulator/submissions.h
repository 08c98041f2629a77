/* identifai-emulator: what was submitted and what became of it
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lives in the main thread.
 */

#pragma once

#include <json-glib/json-glib.h>
#include "judge.h"

G_BEGIN_DECLS

/* Older ones are forgotten, if nobody waits for them; pictures sooner. */
#define EMU_MAX_SUBMISSIONS 2000
#define EMU_MAX_WITH_THUMBNAILS 100

typedef enum
{
  EMU_STATUS_NEW,
  EMU_STATUS_DONE,
  EMU_STATUS_ERRORED,
} EmuStatus;

/* "new", "done", "errored" */
const gchar *emu_status_to_string (EmuStatus status);

typedef struct
{
  gchar *identifier;            /* 64 hexadecimal digits */
  gchar *hash;                  /* SHA-256 of the file */
  gchar *name;                  /* of the file */
  gchar *path;                  /* temporary file; NULL once judged */
  guint64 size;
  EmuParameters parameters;
  gint64 submitted;             /* monotonic µs */
  gint64 ready;                 /* final at the earliest, monotonic µs */
  GDateTime *date;              /* UTC */
  gboolean has_c2pa;
  gchar *c2pa_label;
  gchar *override;              /* classification set by a person, or NULL */
  EmuRuling ruling;             /* what it was to be from the start */
  guint repeats;                /* submits answered from the cache */
  const gchar *webhook;         /* what became of it, for people; NULL = none */
  JsonNode *replay;             /* recorded result to answer with, or NULL */
  EmuJudgement *judgement;      /* NULL: not judged yet */
  gboolean without_thumbnails;  /* they were let go of */
  gboolean forgotten;           /* nobody finds it any more */
  guint pending;                /* callbacks to come that hold a pointer to it */
  guint timer;                  /* of becoming final, or 0 */
} EmuSubmission;

EmuStatus emu_submission_get_status (EmuSubmission * self, gint64 now);

typedef struct _EmuSubmissions EmuSubmissions;

EmuSubmissions *emu_submissions_new (void);
void emu_submissions_free (EmuSubmissions * self);

/* The submission of that file with those options, if there is one that may be
 * used again. */
EmuSubmission *emu_submissions_find_cached (EmuSubmissions * self,
    const gchar * hash, const EmuParameters * parameters);
EmuSubmission *emu_submissions_find (EmuSubmissions * self,
    const gchar * identifier);

/* Says for all submissions of a file, of that kind, what it is: those that there
 * are and those to come. FALSE: there are none. */
gboolean emu_submissions_override (EmuSubmissions * self, EmuKind kind,
    const gchar * hash, const gchar * classification);

/* Identifiers, oldest first; borrowed. */
GQueue *emu_submissions_get_order (EmuSubmissions * self);

/* Lets go of the pictures of old ones; to be called when one was judged, too, as
 * many may come before the first one is. */
void emu_submissions_trim (EmuSubmissions * self);

/* Forgets all of them, and what people said of files. */
void emu_submissions_clear (EmuSubmissions * self);
/* One callback less is to come for it: the last one frees what was forgotten. */
void emu_submissions_let_go (EmuSubmissions * self, EmuSubmission * submission);

/* Takes over path and the strings of parameters. */
EmuSubmission *emu_submissions_add (EmuSubmissions * self, const gchar * hash,
    EmuParameters * parameters, gchar * path);

G_END_DECLS
