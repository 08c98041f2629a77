/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A service without a network, in simulated time: what calls come to is left to
 * chance, which goes by a seed. It keeps the rules of the real one and checks that
 * the client keeps them, too. One thread.
 */

#pragma once

#include "client.h"
#include "clock.h"
#include "network.h"
#include <gst/check/gstcheck.h>

G_BEGIN_DECLS

/* As fail_unless(), which writes to a file each time that all is well; and prints the
 * seed. */
#define simulation_law(law, ...) G_STMT_START {                         \
    if (G_UNLIKELY (!(law))) {                                          \
      simulation_tell ();                                               \
      fail (__VA_ARGS__);                                               \
    }                                                                   \
  } G_STMT_END

/* How likely things are. */
typedef struct
{
  gdouble reset;                /* a call's connection breaks */
  gdouble lost;                 /* a call's answer is lost on the way */
  gdouble unavailable;          /* 503, some with a Retry-After */
  gdouble throttled;            /* 429, as others use the key */
  gdouble rejected;             /* 422 for good */
  gdouble silent;               /* no answer until the timeout */
  gdouble errored;              /* a result that is none */
  gdouble lengthless;           /* 411 to a body whose file isn't whole */
  gdouble known;                /* the service knows the file again */
  gdouble artificial;           /* a verdict that it is */
} SimulationOdds;

/* What came of the calls, by key. */
typedef struct
{
  guint posts, gets, accepted, throttled, refused;
  guint uploads, polls;         /* under way */
  guint early;                  /* of the uploads, those that began early */
} SimulationCounts;

/* A service that is near, and does as it is told. */
typedef struct
{
  /* µs until the result of a file that was taken now. */
  gint64 (*judge) (gpointer user_data);
  /* FALSE: the call is refused with a 429. */
  gboolean (*take) (const gchar * key, IdentifaiCall call, gpointer user_data);
  /* A submit call of that client starts, whose file is whole. */
  void (*post) (const gchar * name, guint segment, gpointer user_data);
  gpointer user_data;
} SimulationRules;

typedef struct _Simulation Simulation;

/* Prints the seed of the one that runs, and the trace so far. */
void simulation_tell (void);

/* From now on, until it is freed, clients run in it. limits: the keys'. */
Simulation *simulation_new (guint32 seed, const SimulationOdds * odds,
    const IdentifaiLimit * limits);
void simulation_free (Simulation * self);

/* In place of chance, and of its own law of limits; NULL: as without. */
void simulation_set_rules (Simulation * self, const SimulationRules * rules);

GRand *simulation_get_random (Simulation * self);
const SimulationCounts *simulation_get_counts (Simulation * self,
    const gchar * key);
/* Every call of that key is refused with a 401, or none any more. */
void simulation_refuse_key (Simulation * self, const gchar * key,
    gboolean refuse);
/* Nobody answers until that time. */
void simulation_set_down (Simulation * self, gint64 until);
/* Submit calls, and polls, of the client of that name that are under way; and all
 * there were. */
guint simulation_count_calls (Simulation * self, const gchar * name,
    IdentifaiCall call, gboolean now);

/* When the result was final; and how many polls of it were answered. */
gint64 simulation_get_ready (Simulation * self, const gchar * identifier,
    guint * n_polls);

/* Lets time go by. check: after each thing that happens; also later, while somebody
 * waits. */
void simulation_run (Simulation * self, gint64 until,
    void (*check) (gpointer user_data), gpointer user_data);
/* A line of the trace, of which a checksum is kept. */
void simulation_note (Simulation * self, const gchar * format, ...)
    G_GNUC_PRINTF (2, 3);
/* The checksum; to be freed. */
gchar *simulation_get_trace (Simulation * self);

G_END_DECLS
