/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What this folder does only because libsoup is as it is: all of it, with the
 * versions that were seen to need it (one that stands alone: newer ones were not
 * tried). The places name the entries. Each goes when the oldest libsoup that is
 * supported is one that mends it. One that is newer than all of these was not tried,
 * which the log says once (identifai_workarounds_check()). To try one: take the
 * workaround out, and run the test.
 *
 *   HTTP2    3.2.3 to 3.6.5. HTTP/2 isn't made for a server that answers or gives up
 *            before a request's body is over: it aborts the process when a
 *            flow-control window shrinks below what was read of a body that isn't
 *            always ready (soup-client-message-io-http2.c, "buffer_len <= length"),
 *            and uses a message after it was freed when a stream ends while its
 *            body is being read. So connections speak HTTP/1.1.
 *            session.c; test nghttpx, front.
 *   FORCE1   3.2: no setting for HTTP/1.1. soup_message_set_force_http1() came with
 *            3.4; until that is the oldest one, what TLS offers is changed.
 *            session.c; test nghttpx.
 *   EARLY    3.2.3 to 3.6.5. Reads no answer before all of a body is sent, and so
 *            finds a broken connection where a server says 413 and closes.
 *            earlyresponse.c, and the connections that session.c remembers for it;
 *            test early, resets.
 *   CANCEL   3.6. Lets go of a message twice when it is cancelled between the
 *            answer's headers and the round of the main loop in which it tells of
 *            them (run_until_read_done() in soup-session.c).
 *            transport.c, exchange_cancel_later(); test cancels.
 *   RESTART  3.2.3 to 3.6.5. Starts over with a GET that broke on a kept connection;
 *            on a second such one the answer may come before it has come to the
 *            first attempt's error, which it takes for the second one's, and it uses
 *            the message after its end. transport.c, on_restarted(); test resets.
 *   421      3.2.3 to 3.6.5. Reads all of an answer 421, whatever its size, and sends
 *            the request again, also when it was cancelled meanwhile, and a CONNECT
 *            that isn't there any more. transport.c, on_got_headers(), and session.c,
 *            never_start_over(); test client, cancels.
 *   401      3.2.3. Reads all of an answer that asks for a password, whatever
 *            its size, unless the message has no authentication manager.
 *            transport.c, create_message(); test client.
 *   EXPECT   3.2.3. Its own waiting for a 100 crashes now and then when an offer is
 *            refused, in g_input_stream_close_async(). transport.c,
 *            create_message(); test early.
 *   EOF      3.2.3. Takes the end of a connection for the end of headers,
 *            and of a body if the connection was to be closed after it.
 *            transportresponse.c, exchange_is_broken_off(); test client.
 *   TIMEOUT  3.2.3. Its I/O timeout counts neither for TLS nor for an answer
 *            that drips. transport.c, the watchdog; test client, clientends.
 *   PROXY    3.2.3 to 3.6.5. Sends a proxy's password only when asked, then addresses
 *            the request to the proxy itself if the password stands in its URL
 *            (authenticate_auth() in soup-auth-manager.c), and repeats a wrong one
 *            without end. proxy.c; test proxies.
 *   PIECES   GLib 2.74 to 2.84: libsoup hands a body on by g_output_stream_splice_async(),
 *            8 KiB at a time, each by two rounds of the main loop. So a body writes to
 *            the connection itself while libsoup waits for its next bytes, which are
 *            the last ones. upload.c; test pieces.
 *   CHUNKED  3.2.3 to 3.6.5. Ends a chunked body with its last chunk, as if it were
 *            whole, when sending it is cancelled (g_output_stream_splice_async()
 *            closes what it writes to). So the connection takes nothing more first.
 *            session.c, identifai_session_break_off(); test python-earlyupload.
 *   UNPACK   3.2.3. Its content decoder has no bound.
 *            contentdecoder.c; test contentdecoder, hostile.
 *   CLOSE    GLib 2.74 to 2.84: closes an input stream that isn't its own in a
 *            thread, which holds the file until it runs.
 *            upload.c, identifai_upload_close_async(); test requestbody.
 */

#pragma once

#include <gst/gst.h>
#include <libsoup/soup.h>

G_BEGIN_DECLS

/* The newest libsoup that all of that was tried with. */
#define IDENTIFAI_SOUP_TRIED_MINOR 6

/* Tells in the log, once, if libsoup is newer. */
static inline void
identifai_workarounds_check (GstDebugCategory * category)
{
  static gsize told = 0;

  if (soup_get_major_version () == 3
      && soup_get_minor_version () <= IDENTIFAI_SOUP_TRIED_MINOR)
    return;
  if (g_once_init_enter (&told)) {
    GST_CAT_INFO (category, "libsoup %u.%u.%u is newer than what the workarounds "
        "for it were tried with, 3.%u: see workarounds.h",
        soup_get_major_version (), soup_get_minor_version (),
        soup_get_micro_version (), IDENTIFAI_SOUP_TRIED_MINOR);
    g_once_init_leave (&told, 1);
  }
}

G_END_DECLS
