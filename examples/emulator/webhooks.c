/* identifai-emulator: calls webhooks
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "options.h"
#include "webhooks.h"

#include <libsoup/soup.h>

#define MAX_ATTEMPTS 5
#define MAX_CONNECTIONS 100     /* a server that hangs keeps no other call waiting */

struct _EmuWebhooks
{
  SoupSession *session;
  gdouble retry_delay, timeout; /* s */
  GList *calls;                 /* of Call: waiting or under way */
};

typedef struct
{
  EmuWebhooks *hooks;           /* NULL: they are gone, the call is cancelled */
  gchar *url;
  GBytes *body;
  guint attempts;
  GCancellable *cancellable;    /* of the attempt under way; NULL: none is */
  guint timer;                  /* of its end, or of the next one; or 0 */
  EmuWebhookFunc done;
  gpointer data;
  GDestroyNotify free_data;     /* NULL: was called */
} Call;

static void attempt (Call * call);

static void
let_go_of_data (Call * call)
{
  if (call->free_data != NULL)
    call->free_data (call->data);
  call->free_data = NULL;
}

static void
clear_timer (Call * call)
{
  if (call->timer != 0)
    g_source_remove (call->timer);
  call->timer = 0;
}

static void
free_call (Call * call)
{
  let_go_of_data (call);
  if (call->hooks != NULL)
    call->hooks->calls = g_list_remove (call->hooks->calls, call);
  clear_timer (call);
  g_bytes_unref (call->body);
  g_free (call->url);
  g_free (call);
}

EmuWebhooks *
emu_webhooks_new (gdouble retry_delay, gdouble timeout)
{
  EmuWebhooks *self = g_new0 (EmuWebhooks, 1);

  self->session = soup_session_new_with_options ("max-conns",
      MAX_CONNECTIONS, "max-conns-per-host", MAX_CONNECTIONS, "user-agent",
      EMU_NAME "/" VERSION, NULL);
  self->timeout = timeout;
  self->retry_delay = retry_delay;
  return self;
}

void
emu_webhooks_free (EmuWebhooks * self)
{
  GList *link, *next;

  for (link = self->calls; link != NULL; link = next) {
    Call *call = link->data;

    next = link->next;
    call->hooks = NULL;
    let_go_of_data (call);
    clear_timer (call);
    /* One that is under way frees itself when its cancelled request ends. */
    if (call->cancellable != NULL)
      g_cancellable_cancel (call->cancellable);
    else
      free_call (call);
  }
  g_list_free (self->calls);
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_free (self);
}

static gboolean
attempt_again (gpointer data)
{
  Call *call = data;

  call->timer = 0;
  attempt (call);
  return G_SOURCE_REMOVE;
}

static void
answered (GObject * source, GAsyncResult * result, gpointer data)
{
  Call *call = data;
  SoupMessage *message = soup_session_get_async_result_message
      (SOUP_SESSION (source), result);
  /* The answer's body is of no interest, and may have no end. */
  g_autoptr (GInputStream) answer = soup_session_send_finish
      (SOUP_SESSION (source), result, NULL);
  guint status = answer != NULL ? soup_message_get_status (message) : 0;
  gboolean ok = status >= 200 && status < 300;

  clear_timer (call);
  g_clear_object (&call->cancellable);
  if (call->hooks == NULL) {
    free_call (call);
  } else if (ok || call->attempts >= MAX_ATTEMPTS) {
    call->done (ok, call->attempts, call->data);
    free_call (call);
  } else {
    call->timer = g_timeout_add (call->hooks->retry_delay * 1000
        * (1 << (call->attempts - 1)), attempt_again, call);
  }
}

/* However little at a time the other side says, and however long. */
static gboolean
give_up (gpointer data)
{
  Call *call = data;

  call->timer = 0;
  g_cancellable_cancel (call->cancellable);
  return G_SOURCE_REMOVE;
}

static void
attempt (Call * call)
{
  g_autoptr (SoupMessage) message = soup_message_new ("POST", call->url);

  call->attempts++;
  if (message == NULL) {
    call->done (FALSE, call->attempts, call->data);
    free_call (call);
    return;
  }
  soup_message_set_request_body_from_bytes (message, "application/json",
      call->body);
  /* libsoup would follow a redirect with a GET, and without the result. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  call->cancellable = g_cancellable_new ();
  call->timer = g_timeout_add (call->hooks->timeout * 1000, give_up, call);
  soup_session_send_async (call->hooks->session, message,
      G_PRIORITY_DEFAULT, call->cancellable, answered, call);
}

void
emu_webhooks_call (EmuWebhooks * self, const gchar * url, gchar * json,
    EmuWebhookFunc done, gpointer data, GDestroyNotify free_data)
{
  Call *call = g_new0 (Call, 1);

  call->hooks = self;
  call->url = g_strdup (url);
  call->body = g_bytes_new_take (json, strlen (json));
  call->done = done;
  call->data = data;
  call->free_data = free_data;
  self->calls = g_list_prepend (self->calls, call);
  attempt (call);
}
