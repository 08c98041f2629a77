/* identifai-moderate: from the key file to checked structures
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * [program] is about the program, [defaults] about all streams, and every other section is
 * a stream of that name. What is no key of ours is a property of the judging element.
 */

#pragma once

#include "problems.h"

G_BEGIN_DECLS

typedef enum
{
  MOD_MODE_WATCH,               /* identifaisink */
  MOD_MODE_GATE                 /* identifaigate */
} ModMode;

typedef enum
{
  MOD_AT_END_AUTO,              /* again, unless it can be seeked in: a file */
  MOD_AT_END_RESTART,
  MOD_AT_END_STOP
} ModAtEnd;

typedef enum
{
  MOD_EVIDENCE_NONE,
  MOD_EVIDENCE_FLAGGED,         /* what is artificial, and its neighbours */
  MOD_EVIDENCE_ALL
} ModEvidenceMode;

typedef enum
{
  MOD_LATE_YES,                 /* if there is a folder for it */
  MOD_LATE_NO
} ModLateMode;

typedef enum
{
  MOD_ALERT_ON_ARTIFICIAL,      /* each such verdict */
  MOD_ALERT_ON_BLOCKED,         /* the policy's state becomes that, or ends */
  MOD_ALERT_ON_ALL              /* each outcome, and each change of state */
} ModAlertOn;

/* A property of the judging element, as it was written. */
typedef struct
{
  gchar *name, *text;
  guint line;
  gboolean from_defaults;       /* what a pipeline= sets by itself goes first */
} ModSetting;

/* Never changes once it is read; shared by references. Times in ns. */
typedef struct
{
  gchar *name;
  guint line;                   /* of its section */
  gchar *uri, *pipeline;        /* one of them */
  ModMode mode;
  gchar *output;                /* of a gate without pipeline= */
  gchar *slate;                 /* of a gate: a path, or "builtin"; NULL: a hole */
  ModAtEnd at_end;
  guint64 stall_timeout;        /* G_MAXUINT64: never */
  ModEvidenceMode evidence;
  ModLateMode late;             /* what could not be judged: kept, and judged later */
  gchar *alert;                 /* command line; NULL: none */
  gchar *webhook_out;           /* URL; NULL: none */
  ModAlertOn alert_on;          /* of both */
  gboolean pictures;            /* of what is flagged are wanted, for the page */
  guint64 neighbours;           /* 0 or 1, before and after a flagged one */
  GPtrArray *settings;          /* of ModSetting * */
  gchar *fingerprint;           /* equal: nothing changed */
} ModStreamConfig;

typedef struct
{
  gchar *log;                   /* path; "-": stdout */
  guint64 log_max_bytes;        /* 0: never rotated by size */
  guint64 statistics_interval;  /* ns; 0: none */
  guint64 stop_timeout;         /* ns, that the end may take in all */
  gchar *listen;                /* "127.0.0.1:8470"; NULL: no page */
  gchar *token_file, *webhook_secret_file;
  gchar *state_file;            /* NULL: nothing is kept over a kill */
  gchar *mqtt, *mqtt_topic, *mqtt_password_file;        /* mqtt: URL; NULL: none */
  gchar *evidence_folder;       /* NULL: none is kept */
  guint64 evidence_max_age;     /* ns; G_MAXUINT64: none */
  guint64 evidence_max_bytes, evidence_max_count;       /* 0: none */
  gchar *late_folder;           /* NULL: nothing is kept */
  guint64 late_max_age;         /* ns; G_MAXUINT64: any */
  guint64 late_max_bytes;       /* 0: any */
} ModProgramConfig;

typedef struct
{
  gchar *path;
  ModProgramConfig program;
  gchar *program_fingerprint;
  GPtrArray *streams;           /* of ModStreamConfig *, in the file's order */
} ModConfig;

/* NULL if problems were found. */
ModConfig *mod_config_load (const gchar * path, ModProblems * problems);
void mod_config_free (ModConfig * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ModConfig, mod_config_free)

const ModStreamConfig *mod_config_find (const ModConfig * self,
    const gchar * name);

const ModStreamConfig *mod_stream_config_ref (const ModStreamConfig * self);
void mod_stream_config_unref (const ModStreamConfig * self);

/* NULL if it has none. */
const ModSetting *mod_stream_config_setting (const ModStreamConfig * self,
    const gchar * name);

G_END_DECLS
