/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads what the service answers. Pure: bytes in, structures out; no network,
 * no locks. name is the element's, for the log, which doesn't have the content. Whatever the bytes are, a function here
 * returns, in time linear in their number, with bounded stack.
 */

#pragma once

#include <gst/gst.h>
#include "reason.h"

G_BEGIN_DECLS

#define IDENTIFAI_MAX_ANSWER_BYTES (16 * 1024 * 1024)   /* a larger answer is bad */
#define IDENTIFAI_MAX_NESTING 64        /* arrays and objects within each other */
#define IDENTIFAI_MAX_TEXT_BYTES 500    /* of the service's words in messages */
typedef enum
{
  IDENTIFAI_RESULT_PENDING,
  IDENTIFAI_RESULT_FINAL,
  IDENTIFAI_RESULT_ERRORED,     /* the service gave up; error_text says why */
  IDENTIFAI_RESULT_UNCHOSEN,    /* final, without the heuristic that was asked
                                 * for; error_text says which ones it has */
} IdentifaiResultState;

/* One result. All of it is owned. */
typedef struct
{
  IdentifaiResultState state;
  gchar *identifier;            /* NULL if the answer names none */
  gchar *hash;                  /* of the file; NULL if the answer names none */
  gchar *classification;        /* "human", "artificial", "unknown"; FINAL only */
  gdouble confidence;           /* 0..1, 0 where the service gives none */
  gdouble score;                /* 0..1, probability of artificial */
  guint artificial_frames;      /* of the images in results */
  gchar *heuristic;             /* NULL if unnamed */
  gboolean unknown;
  gint nsfw;                    /* 0 or 1; -1 = not judged */
  gchar *forced;                /* force_classification, NULL if none */
  gboolean has_heatmap;         /* the service has one, of an image */
  GBytes *heatmap;              /* PNG; whoever asked for it sets it, or why not: */
  gchar *heatmap_error;
  GValue verdicts;              /* GstValueArray of GstStructure "verdict" */
  GstStructure *results;        /* "results"; objects are GstStructures, arrays
                                 * GstValueArrays; may be empty, never NULL */
  gchar *error_text;            /* ERRORED and UNCHOSEN only, cut to a sane
                                 * length, UTF-8 */
  gchar *json;                  /* this result's bytes as received */
} IdentifaiResult;

void identifai_result_free (IdentifaiResult * self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (IdentifaiResult, identifai_result_free)
/* A 200 of the single call. heuristic: which of the verdicts counts, or NULL
 * for the service's own. NULL with error set: not to be understood, by whomever
 * it may be. Errors are of G_IO_ERROR, G_IO_ERROR_INVALID_DATA. */
     IdentifaiResult *identifai_result_parse (const gchar * name, const gchar * data,
    gsize length, const gchar * heuristic, GError ** error);

/* FALSE: the answer says that it is another classification's. */
     gboolean identifai_result_is_of (const IdentifaiResult * self,
    const gchar * identifier);

/* A 200 of the batch call: splits the array into slices of data, one a result,
 * without reading them further. Returns a hash table identifier -> GBytes
 * (slices of data), or NULL with error. Results without a usable identifier
 * are left out; of duplicates the last counts. An object around the array
 * ({"data":[…]}, {"classifications":[…]}) is understood, too, also if it has
 * others beside it ({"errors":[],"data":[…]}). */
     GHashTable *identifai_result_split_batch (const gchar * name,
    GBytes * data, GError ** error);

/* The service's own words in an error body, for people: from its JSON
 * ({"error":…}, {"message":…}, {"field":["…"]}), other JSON, HTML (tags cut
 * out) or noise; one line of valid UTF-8, no control characters, at most
 * IDENTIFAI_MAX_TEXT_BYTES. NULL if nothing readable is in it. */
     gchar *identifai_result_parse_error (const gchar * name,
    const gchar * data, gsize length);

G_END_DECLS
