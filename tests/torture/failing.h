/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls that can fail, and one of them that does. They stand in front of the
 * real ones, as a program's own symbols go first. Of GStreamer's and GLib's,
 * those count that the plugin makes; of the socket's, those for the service.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  CALL_MAP,                     /* of a buffer or a memory: FALSE */
  CALL_FACTORY,                 /* an element that isn't installed: NULL */
  CALL_THREAD,                  /* pthread_create(): EAGAIN */
  CALL_CONNECT,                 /* EHOSTUNREACH */
  CALL_SEND,                    /* ECONNRESET */
  CALL_RECEIVE,                 /* ECONNRESET */
  CALL_LOOKUP,                  /* of FAILING_HOST: EAI_AGAIN */
  CALL_OPEN,                    /* of FAILING_FILE: EMFILE */
  N_CALLS
} FailingCall;

/* Stands for 127.0.0.1. */
#define FAILING_HOST "service.test"
/* How the name of the file ends whose open() may fail. */
#define FAILING_FILE "torture.key"

const gchar *failing_name (FailingCall call);

/* The nth such call from now on fails, counted from 1; 0: none. port: the
 * service's. */
void failing_arm (FailingCall call, guint nth, guint16 port);
guint failing_get_count (FailingCall call);

G_END_DECLS
