/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A client and a muxer that the outbox's test plays, so that it can hold them at any moment: the
 * functions of client.h that are about a client, and that of muxer.h, are fakeclient.c's in
 * a program that has it.
 */

#pragma once

#include <gst/check/gstcheck.h>

#include "client.h"
#include "earlyupload.h"
#include "muxer.h"
#include "servicecall.h"

#define FAKE_MAX_JOBS 8

struct _IdentifaiClient
{
  const IdentifaiClientCallbacks *callbacks;
  gpointer user_data;
  gpointer jobs[FAKE_MAX_JOBS]; /* the outbox's handles, in order */
  guint n_jobs;
  gchar *key;
};

typedef struct
{
  IdentifaiClient client;
  guint n_clients;              /* made so far */
  GMutex lock;                  /* the jobs */
  GCond changed;
  gboolean withdraws, maybe_taken;      /* whatever there is */
  /* What goes on while these are under way. */
  void (*during_set_key) (void);
  void (*during_cancel) (void);
} Fake;

extern Fake fake;

void fake_init (void);

/* A file goes by the mux worker's thread. */
gpointer fake_wait_for_job (guint job);
void fake_give_file (IdentifaiSegment * segment);

/* The muxer can be kept from coming to an end. */
void fake_muxer_hold (gboolean held);
void fake_muxer_wait (guint begun);

/* What the client says of a job. */
void fake_say_submitted (guint job);
void fake_say_judged (guint job, const gchar * classification);
void fake_say_finished (guint job);
