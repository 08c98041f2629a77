/* identifAI plugin for GStreamer
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 */

#include "clientrows.h"

/* One request and what the server does with it; the number counts from 1, 0 is
 * each that has no line of its own. */
#define ON(call, nth, ...) {FAULT_##call, nth, __VA_ARGS__}
#define STATUS(n) .status = n
#define BODY(text) .body = text
#define RESULT(text) .body = "{\"identifier\":\"id-1\"," text "}"

#define FAILS(what) .reason = IDENTIFAI_REASON_##what
#define REJECTED FAILS (REJECTED)
#define UNAUTHORIZED FAILS (UNAUTHORIZED)
#define NO_CREDITS FAILS (NO_CREDITS)
#define THROTTLED FAILS (THROTTLED)
#define NETWORK FAILS (NETWORK)
#define BAD_RESPONSE FAILS (BAD_RESPONSE)
#define SERVICE_ERROR FAILS (SERVICE_ERROR)
#define TIMEOUT FAILS (TIMEOUT)
#define SENT(n) .posts = n
#define LOOKED(n) .gets = n
/* A first call that gets that, and a second one that goes well. */
#define ON_A_SUBMIT(what, ...) {what " on a submit", .retries = 1, .steps = {ON (POST, 1, __VA_ARGS__)}, FINE (2)
#define ON_A_LOOK(what, ...) {what " on a look", .steps = {ON (GET, 1, __VA_ARGS__)}, SENT (1), LOOKED (2)
/* The usual end: the first look finds a verdict. */
#define FINE(n) .posts = n, .gets = 1

#define NGINX_413 "<html>\r\n<head><title>413 Request Entity Too Large" \
    "</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large" \
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
/* {"identifier":"id-1"}, packed */
#define GZIP \
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xab\x56\xca\x4c\x49\xcd" \
    "\x2b\xc9\x4c\xcb\x4c\x2d\x52\xb2\x02\x72\x74\x0d\x95\x6a\x01\xf9" \
    "\xc8\xdc\x1b\x15\x00\x00\x00"
#define ZLIB \
    "\x78\x9c\xab\x56\xca\x4c\x49\xcd\x2b\xc9\x4c\xcb\x4c\x2d\x52\xb2" \
    "\x02\x72\x74\x0d\x95\x6a\x01\x53\x0d\x07\x09"
#define DEFLATE \
    "\xab\x56\xca\x4c\x49\xcd\x2b\xc9\x4c\xcb\x4c\x2d\x52\xb2\x02\x72" \
    "\x74\x0d\x95\x6a\x01"
#define PACKED(how, bytes) .headers = "Content-Encoding: " how "\r\n", .body = bytes, .body_length = sizeof (bytes) - 1
#define CLOSED .headers = "Connection: close\r\n"
#define MEGABYTES(n) .size = (n) * 1000 * 1000

/* *INDENT-OFF* */
const ClientRow client_rows[] = {
  {"all well", FINE (1)},
  {"large file", MEGABYTES (20), FINE (1)},
  {"empty file", .size = 1, FINE (1)},

  /* The submit call's own refusals: no retry. */
  {"400, missing field", .retries = 5, .steps = {ON (POST, 0, STATUS (400), BODY ("{\"video\":[\"The video field is required.\"]}"))}, REJECTED, .http_status = 400, .message = "The video field is required.", SENT (1)},
  {"400, no credits", .retries = 5, .steps = {ON (POST, 0, STATUS (400), BODY ("{\"error\":\"Not enough credits.\"}"))}, NO_CREDITS, .http_status = 400, .message = "Not enough credits.", SENT (1)},
  {"402", .retries = 5, .steps = {ON (POST, 0, STATUS (402))}, NO_CREDITS, .http_status = 402, SENT (1)},
  {"401", .retries = 5, .steps = {ON (POST, 0, STATUS (401), BODY ("{\"error\":\"Unauthorized\"}"))}, UNAUTHORIZED, .http_status = 401, .message = "Unauthorized", SENT (1)},
  {"401 asks for a password", .retries = 5, .steps = {ON (POST, 0, STATUS (401), .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n")}, UNAUTHORIZED, .http_status = 401, SENT (1)},
  {"403", .retries = 5, .steps = {ON (POST, 0, STATUS (403), BODY ("{\"error\":\"Forbidden\"}"))}, UNAUTHORIZED, .http_status = 403, .message = "Forbidden", SENT (1)},
  {"404 on submit", .retries = 5, .steps = {ON (POST, 0, STATUS (404))}, REJECTED, .http_status = 404, .message = "404", SENT (1)},
  {"405", .retries = 5, .steps = {ON (POST, 0, STATUS (405))}, REJECTED, .http_status = 405, SENT (1)},
  {"407 without a proxy", .retries = 5, .steps = {ON (POST, 0, STATUS (407), .headers = "Proxy-Authenticate: Basic realm=\"x\"\r\n")}, REJECTED, .http_status = 407, SENT (1)},
  {"413, a front's page", .retries = 5, .steps = {ON (POST, 0, STATUS (413), BODY (NGINX_413))}, REJECTED, .http_status = 413, .message = "413 Request Entity Too Large", SENT (1)},
  {"413 before the body", .retries = 5, MEGABYTES (8), .steps = {ON (POST, 0, FAULT_EARLY, STATUS (413), BODY (NGINX_413), CLOSED, .at = 1000)}, REJECTED, .http_status = 413, .message = "413 Request Entity Too Large", SENT (1)},
  {"415", .retries = 5, .steps = {ON (POST, 0, STATUS (415))}, REJECTED, .http_status = 415, SENT (1)},
  {"422", .retries = 5, .steps = {ON (POST, 0, STATUS (422), BODY ("{\"message\":\"Nope\"}"))}, REJECTED, .http_status = 422, .message = "Nope", SENT (1)},
  {"another 4xx", .retries = 5, .steps = {ON (POST, 0, STATUS (451))}, REJECTED, .http_status = 451, SENT (1)},

  /* What may pass. */
  {"408 once", .retries = 1, .steps = {ON (POST, 1, STATUS (408))}, FINE (2)},
  {"425 once", .retries = 1, .steps = {ON (POST, 1, STATUS (425))}, FINE (2)},
  {"429 once", .retries = 1, .steps = {ON (POST, 1, STATUS (429), BODY ("{\"message\":\"Too Many Attempts.\"}"))}, .attempt = "Too Many Attempts.", FINE (2)},
  {"500 once", .retries = 1, .steps = {ON (POST, 1, STATUS (500))}, FINE (2)},
  {"502 once, a front's page", .retries = 1, .steps = {ON (POST, 1, STATUS (502), BODY ("<html><h1>502 Bad Gateway</h1></html>"))}, .attempt = "502 Bad Gateway", FINE (2)},
  {"503 once", .retries = 1, .steps = {ON (POST, 1, STATUS (503))}, FINE (2)},
  {"504 once", .retries = 1, .steps = {ON (POST, 1, STATUS (504))}, FINE (2)},
  {"another 5xx once", .retries = 1, .steps = {ON (POST, 1, STATUS (599))}, FINE (2)},
  {"429 for good", .retries = 2, .steps = {ON (POST, 0, STATUS (429), BODY ("{\"message\":\"Too Many Attempts.\"}"))}, THROTTLED, .http_status = 429, .message = "Too Many Attempts.", SENT (3)},
  {"503 for good", .retries = 2, .steps = {ON (POST, 0, STATUS (503), BODY ("{\"error\":\"Down\"}"))}, SERVICE_ERROR, .http_status = 503, .message = "Down", SENT (3)},
  {"500 without retries", .steps = {ON (POST, 0, STATUS (500))}, SERVICE_ERROR, .http_status = 500, SENT (1)},
  {"five failures, five retries", .retries = 5, .steps = {ON (POST, 1, STATUS (500), CLOSED), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, FINE (6)},
  {"five failures, four retries", .retries = 4, .steps = {ON (POST, 1, STATUS (500), CLOSED), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, SERVICE_ERROR, .http_status = 503, SENT (5)},
  {"five failures, endless retries", .retries = -1, .steps = {ON (POST, 1, STATUS (500), CLOSED), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, FINE (6)},

  /* Noise in errors. */
  {"error in another JSON", .steps = {ON (POST, 0, STATUS (500), BODY ("{\"detail\":{\"reason\":\"Out of GPUs\"}}"))}, SERVICE_ERROR, .message = "Out of GPUs", SENT (1)},
  {"error is noise", .steps = {ON (POST, 0, STATUS (500), BODY ("\x01\xff\xfe\x02\x80"))}, SERVICE_ERROR, .http_status = 500, SENT (1)},
  {"error quotes the key", .steps = {ON (POST, 0, STATUS (500), BODY ("{\"error\":\"No key sk-one-5ecret here\"}"))}, SERVICE_ERROR, .message = "No key ************* here", SENT (1)},
  {"error quotes the key in escapes", .steps = {ON (POST, 0, STATUS (500), BODY ("{\"error\":\"No key s\\u006b-\\u006Fne-5ecret here\"}"))}, SERVICE_ERROR, .message = "No key ", SENT (1)},
  {"error quotes the key on a page", .steps = {ON (POST, 0, STATUS (500), BODY ("<p>No key sk&#45;one-5ecret"))}, SERVICE_ERROR, .message = "No key ", SENT (1)},
  {"errored quotes the key", .steps = {ON (GET, 0, RESULT ("\"status\":\"errored\",\"errors\":{\"sk-one-5ecr\\u0065t\":\"is revoked\"}"))}, SERVICE_ERROR, .http_status = 200, .message = "is revoked", SENT (1), LOOKED (1)},
  {"page on a submit quotes the key", .steps = {ON (POST, 0, BODY ("sk-one-5ecret is not good"))}, BAD_RESPONSE, .http_status = 200, SENT (1)},
  {"error is endless", .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (500))}, SERVICE_ERROR, .http_status = 500, SENT (1)},
  {"401 is endless", .retries = 5, .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (401))}, UNAUTHORIZED, .http_status = 401, SENT (1)},
  {"401 asks for a password without end", .retries = 5, .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (401), .headers = "WWW-Authenticate: Basic realm=\"x\"\r\n")}, UNAUTHORIZED, .http_status = 401, SENT (1)},
  {"407 is endless", .retries = 5, .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (407))}, REJECTED, .http_status = 407, SENT (1)},
  {"421", .retries = 5, .steps = {ON (POST, 0, STATUS (421), BODY ("{\"error\":\"Misdirected\"}"))}, REJECTED, .http_status = 421, SENT (1)},
  {"421 is endless", .retries = 5, .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (421))}, REJECTED, .http_status = 421, SENT (1)},
  {"421 on a look", .retries = 5, .steps = {ON (GET, 1, STATUS (421))}, SENT (1), LOOKED (2)},
  {"error is cut off", .steps = {ON (POST, 0, FAULT_SHORT, STATUS (403), BODY ("{\"error\":\"Forbidden\"}"), .at = 100)}, UNAUTHORIZED, .http_status = 403, .message = "Forbidden", SENT (1)},

  /* Retry-After, at a hundredth of the time. */
  {"429, 30 seconds", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, FINE (2)},
  {"503, 30 seconds", .retries = 1, .steps = {ON (POST, 1, STATUS (503), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, FINE (2)},
  {"429, a date in the past", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n")}, FINE (2)},
  {"429, nonsense", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: later\r\n")}, FINE (2)},
  {"429 on a look, 30 seconds", .retries = 1, .steps = {ON (GET, 1, STATUS (429), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, SENT (1), LOOKED (2)},

  /* The network. */
  {"nobody listens", .gone = TRUE, .retries = 2, NETWORK, .message = "nothing listens on 127.0.0.1:", .attempt = "is identifai-emulator running?"},
  {"no such host", .endpoint = "http://no-such-host.invalid", .retries = 1, NETWORK, .message = "No connection to no-such-host.invalid"},
  {"no proxy there", .proxy = "http://user:pr0xy-5ecret@127.0.0.1:1", .retries = 1, NETWORK, .message = "proxy", .no_attempt = "5ecret"},
  {"nobody accepts", .deaf = TRUE, .timeout = 1, .retries = 1, NETWORK, .message = "nothing was heard for 1 s", .min_ms = 2000},
  {"reset before the body", .retries = 1, MEGABYTES (3), .steps = {ON (POST, 1, FAULT_RESET)}, FINE (2)},
  {"reset in the body", .retries = 1, MEGABYTES (3), .steps = {ON (POST, 1, FAULT_RESET, .at = 1500000)}, FINE (2)},
  {"reset after the body", .retries = 1, .steps = {ON (POST, 1, FAULT_RESET, .at = G_MAXSIZE)}, FINE (2)},
  {"reset in the body for good", .retries = 2, MEGABYTES (3), .steps = {ON (POST, 0, FAULT_RESET, .at = 1500000)}, NETWORK, .message = "The connection broke to 127.0.0.1", SENT (3)},
  {"no answer, once", .retries = 1, .steps = {ON (POST, 1, FAULT_CLOSE)}, FINE (2)},
  {"a kept connection closes", .retries = 1, .steps = {ON (POST, 1, STATUS (503)), ON (POST, 2, FAULT_CLOSE)}, FINE (3)},
  {"a kept connection is reset", .retries = 1, MEGABYTES (3), .steps = {ON (POST, 1, STATUS (503)), ON (POST, 2, FAULT_RESET, .at = 100000)}, FINE (3)},
  {"a kept connection closes, and the next", .retries = 1, .steps = {ON (POST, 1, STATUS (503)), ON (POST, 0, FAULT_CLOSE)}, NETWORK, .message = "The connection broke", SENT (3)},
  {"a kept connection closes, no-cache", .no_cache = TRUE, .retries = 1, .steps = {ON (POST, 1, STATUS (503)), ON (POST, 0, FAULT_CLOSE)}, NETWORK, .message = "may be charged a second time", SENT (2)},
  {"no answer, for good", .retries = 1, .steps = {ON (POST, 0, FAULT_CLOSE)}, NETWORK, SENT (2)},
  {"silence after the upload", .retries = 1, .timeout = 4, .steps = {ON (POST, 1, FAULT_SILENT)}, .attempt = "nothing was heard for 4 s", .min_ms = 4000, FINE (2)},
  {"silence for good", .timeout = 2, .steps = {ON (POST, 0, FAULT_SILENT)}, NETWORK, .message = "nothing was heard for 2 s", SENT (1)},
  {"server doesn't read", .timeout = 2, MEGABYTES (16), .steps = {ON (POST, 0, FAULT_STUCK)}, NETWORK, .message = "nothing was heard for 2 s", SENT (1)},
  {"server stops reading", .timeout = 2, MEGABYTES (16), .steps = {ON (POST, 0, FAULT_STUCK, .at = 3000000)}, NETWORK, .message = "nothing was heard for 2 s", SENT (1)},
  {"slow but steady", .steps = {ON (POST, 1, FAULT_DRIP, .delay = 4)}, FINE (1)},
  {"headers drip for too long", .timeout = 2, .steps = {ON (POST, 1, FAULT_DRIP, .delay = 100)}, NETWORK, .message = "nothing was heard for 2 s", SENT (1)},
  {"body drips without end", .timeout = 3, .steps = {ON (POST, 1, FAULT_ENDLESS_DRIP, .delay = 100)}, NETWORK, .message = "not complete after 12 s", SENT (1)},
  {"answer cut off", .retries = 1, .steps = {ON (POST, 1, FAULT_SHORT, .at = 10)}, FINE (2)},
  {"late answer", .timeout = 10, .steps = {ON (POST, 1, .delay = 1000)}, .min_ms = 1000, FINE (1)},
  {"connection not kept", .steps = {ON (POST, 1, CLOSED)}, FINE (1)},

  /* Sent whole, no answer: it may cost twice. */
  {"ambiguous", .no_cache = TRUE, .retries = 1, .steps = {ON (POST, 1, FAULT_CLOSE)}, .attempt = "may be charged a second time", FINE (2)},
  {"ambiguous for good", .no_cache = TRUE, .retries = 1, .steps = {ON (POST, 0, FAULT_CLOSE)}, NETWORK, .message = "may be charged a second time", SENT (2)},
  {"ambiguous, but cached", .retries = 1, .steps = {ON (POST, 1, FAULT_CLOSE)}, .no_attempt = "charged", FINE (2)},
  {"half sent", .no_cache = TRUE, .retries = 1, MEGABYTES (8), .steps = {ON (POST, 1, FAULT_RESET, .at = 1000)}, .no_attempt = "charged", FINE (2)},

  /* Answers to the submit call that aren't any: the service may have taken the
   * file, so it is sent again. */
  ON_A_SUBMIT ("an empty answer", BODY (""))},
  ON_A_SUBMIT ("no content", STATUS (204))},
  ON_A_SUBMIT ("no identifier", BODY ("{\"ok\":true}"))},
  ON_A_SUBMIT ("an empty identifier", BODY ("{\"identifier\":\"\"}"))},
  ON_A_SUBMIT ("an identifier of a wrong type", BODY ("{\"identifier\":[1]}"))},
  ON_A_SUBMIT ("an identifier of dots", BODY ("{\"identifier\":\"..\"}"))},
  ON_A_SUBMIT ("cut JSON", BODY ("{\"identifier\":\"id-"))},
  ON_A_SUBMIT ("a page", BODY ("<html><body>Welcome to the Wi-Fi of this hotel</body></html>"))},
  ON_A_SUBMIT ("no HTTP", .kind = FAULT_RAW, BODY ("SSH-2.0-OpenSSH_9.2\r\n\r\n"))},
  ON_A_SUBMIT ("an endless answer", .kind = FAULT_ENDLESS_BODY)},
  ON_A_SUBMIT ("endless interim answers", .kind = FAULT_ENDLESS_INTERIM)},
  ON_A_SUBMIT ("an answer cut off, connection closed", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\n{\"identifier\":\"id-1\"}"))},
  ON_A_SUBMIT ("headers cut off in the status line", .kind = FAULT_RAW, BODY ("HTTP/1.1 20"))},
  ON_A_SUBMIT ("headers cut off after the status line", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\n"))},
  ON_A_SUBMIT ("headers cut off in one", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nContent-Type: app"))},
  ON_A_SUBMIT ("headers cut off after one", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n"))},
  {"a page, for good", .retries = 1, .steps = {ON (POST, 0, BODY ("<html>Welcome</html>"))}, BAD_RESPONSE, .http_status = 200, .no_attempt = "charged", SENT (2)},
  {"a page, without cache", .no_cache = TRUE, .retries = 1, .steps = {ON (POST, 1, BODY ("<html>Welcome</html>"))}, .attempt = "may be charged a second time", FINE (2)},
  {"no HTTP, for good", .retries = 1, .steps = {ON (POST, 0, FAULT_RAW, BODY ("SSH-2.0-OpenSSH_9.2\r\n\r\n"))}, NETWORK, .message = "no HTTP answer", SENT (2)},
  {"headers cut off, without cache", .no_cache = TRUE, .retries = 1, .steps = {ON (POST, 1, FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\n"))}, .attempt = "may be charged a second time", FINE (2)},
  {"headers cut off, for good", .retries = 1, .steps = {ON (POST, 0, FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\n"))}, NETWORK, .message = "breaks off", SENT (2)},
  {"endless answer, for good", .retries = 1, .steps = {ON (POST, 0, FAULT_ENDLESS_BODY)}, BAD_RESPONSE, .message = "too long", SENT (2)},
  {"endless interim answers, for good", .steps = {ON (POST, 1, FAULT_ENDLESS_INTERIM)}, BAD_RESPONSE, .message = "interim", SENT (1)},
  {"endless headers", .steps = {ON (POST, 1, FAULT_ENDLESS_HEADERS)}, NETWORK, SENT (1)},
  {"an expectation that nobody knows", .retries = 5, .steps = {ON (POST, 1, STATUS (429)), ON (POST, 2, STATUS (417))}, FINE (3)},
  {"some interim answers", .steps = {ON (POST, 1, FAULT_INTERIM, .at = 5)}, FINE (1)},

  /* Packed, although we don't ask for that. */
  {"gzip", .steps = {ON (POST, 1, PACKED ("gzip", GZIP))}, FINE (1)},
  {"x-gzip, in capitals", .steps = {ON (POST, 1, PACKED ("X-GZIP", GZIP))}, FINE (1)},
  {"deflate", .steps = {ON (POST, 1, PACKED ("deflate", ZLIB))}, FINE (1)},
  {"deflate without a header", .steps = {ON (POST, 1, PACKED ("deflate", DEFLATE))}, FINE (1)},
  {"identity", .steps = {ON (POST, 1, PACKED ("identity", "{\"identifier\":\"id-1\"}"))}, FINE (1)},
  ON_A_SUBMIT ("a broken packed answer", PACKED ("gzip", "\x1f\x8b\x08"))},
  ON_A_SUBMIT ("a packed answer cut off", .headers = "Content-Encoding: gzip\r\n", .body = GZIP, .body_length = 20)},
  {"a packed answer cut off, for good", .retries = 1, .steps = {ON (POST, 0, .headers = "Content-Encoding: gzip\r\n", .body = GZIP, .body_length = sizeof (GZIP) - 2)}, NETWORK, .message = "breaks off", SENT (2)},
  {"a deflated answer cut off, for good", .retries = 1, .steps = {ON (POST, 0, .headers = "Content-Encoding: deflate\r\n", .body = ZLIB, .body_length = sizeof (ZLIB) - 2)}, NETWORK, .message = "breaks off", SENT (2)},
  {"an unknown packing cut off, for good", .retries = 1, .steps = {ON (POST, 0, FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 500\r\n\r\nabc"))}, NETWORK, SENT (2)},
  ON_A_LOOK ("a packed answer cut off", .headers = "Content-Encoding: gzip\r\n", .body = GZIP, .body_length = 20)},
  {"an unknown packing", .steps = {ON (POST, 1, PACKED ("br", "abc"))}, BAD_RESPONSE, .message = "packed", SENT (1)},
  {"a refusal that is packed", .steps = {ON (POST, 1, PACKED ("gzip", GZIP), STATUS (403))}, UNAUTHORIZED, .http_status = 403, .message = "id-1", SENT (1)},
  {"a refusal that is packed in an unknown way", .steps = {ON (POST, 1, PACKED ("br", "abc"), STATUS (403))}, UNAUTHORIZED, .http_status = 403, .message = "403", SENT (1)},


  /* Those that are. */
  {"201", .steps = {ON (POST, 1, STATUS (201), BODY ("{\"identifier\":\"id-1\"}"))}, FINE (1)},
  {"202", .steps = {ON (POST, 1, STATUS (202), BODY ("{\"identifier\":\"id-1\"}"))}, FINE (1)},
  {"bare identifier", .accept_text = TRUE, .steps = {ON (POST, 1, BODY ("id-1\n"))}, FINE (1)},
  {"bare identifier, not asked for", .steps = {ON (POST, 1, BODY ("id-1"))}, FINE (1)},
  {"JSON, not asked for", .accept_text = TRUE, FINE (1)},
  {"identifier with a path in it", .steps = {ON (POST, 1, BODY ("{\"identifier\":\"a/../b%2f?c#d&e\"}"))}, FINE (1)},

  /* Redirects are not followed. */
  {"301", .retries = 5, .steps = {ON (POST, 1, STATUS (301), .headers = "Location: https://elsewhere.example/x?k=secret\r\n")}, BAD_RESPONSE, .http_status = 301, .message = "https://elsewhere.example", .no_attempt = "secret", SENT (1)},
  {"redirect to odd places", .steps = {ON (POST, 1, STATUS (302), .headers = "Location: http://a\x1b[31mb.example/\r\n")}, BAD_RESPONSE, .http_status = 302, .no_message = "\x1b", SENT (1)},
  {"redirect to escaped odd places", .steps = {ON (POST, 1, STATUS (302), .headers = "Location: http://a%1b%5b31mb.example/\r\n")}, BAD_RESPONSE, .http_status = 302, .no_message = "\x1b", SENT (1)},
  {"redirect to the key's host", .steps = {ON (POST, 1, STATUS (302), .headers = "Location: http://sk-one-5ecret.example/\r\n")}, BAD_RESPONSE, .http_status = 302, .message = ".example", SENT (1)},
  {"307", .retries = 5, .steps = {ON (POST, 1, STATUS (307), .headers = "Location: /api/other\r\n")}, BAD_RESPONSE, .http_status = 307, .message = "redirects to http://127.0.0.1", SENT (1)},
  {"308 to nowhere", .retries = 5, .steps = {ON (POST, 1, STATUS (308))}, BAD_RESPONSE, .http_status = 308, SENT (1)},

  /* Looks. */
  {"pending, then final", .steps = {ON (GET, 1, RESULT ("\"status\":\"new\""))}, SENT (1), LOOKED (2)},
  {"unknown status, then final", .steps = {ON (GET, 1, RESULT ("\"status\":\"warming up\""))}, SENT (1), LOOKED (2)},
  {"old form, pending, then final", .steps = {ON (GET, 1, RESULT ("\"verdict\":null"))}, SENT (1), LOOKED (2)},
  {"202, 204, then final", .steps = {ON (GET, 1, STATUS (202)), ON (GET, 2, STATUS (204))}, SENT (1), LOOKED (3)},
  {"old form, final", .steps = {ON (GET, 1, RESULT ("\"verdict\":{\"heuristic\":\"Majority\",\"confidence\":1,\"classification\":\"human\"}"))}, SENT (1), LOOKED (1)},
  {"not found yet, on both paths", .steps = {ON (GET, 1, STATUS (404)), ON (PLAIN, 1, STATUS (404))}, SENT (1), LOOKED (2), .plains = 1},
  {"found on the other path", .steps = {ON (GET, 0, STATUS (404))}, SENT (1), LOOKED (1), .plains = 1},
  {"the other path is remembered", .steps = {ON (GET, 0, STATUS (404)), ON (PLAIN, 1, RESULT ("\"status\":\"new\"")), ON (PLAIN, 2, STATUS (404))}, SENT (1), LOOKED (1), .plains = 3},
  {"the first path is remembered", .steps = {ON (GET, 1, RESULT ("\"status\":\"new\"")), ON (GET, 2, STATUS (404))}, SENT (1), LOOKED (3)},
  {"errored", .steps = {ON (GET, 1, RESULT ("\"status\":\"errored\",\"errors\":\"no video stream\""))}, SERVICE_ERROR, .http_status = 200, .message = "no video stream", SENT (1), LOOKED (1)},
  {"failures on looks, none in a row", .steps = {ON (GET, 1, STATUS (500)), ON (GET, 2, RESULT ("\"status\":\"new\"")), ON (GET, 3, STATUS (429)), ON (GET, 4, STATUS (404)), ON (GET, 5, STATUS (502))}, SENT (1), LOOKED (6)},
  {"many failures on looks in a row", .steps = {ON (GET, 1, STATUS (500)), ON (GET, 2, STATUS (400)), ON (GET, 3, FAULT_RAW, BODY ("SSH-2.0\r\n\r\n")), ON (GET, 4, STATUS (403)), ON (GET, 5, BODY ("<html>Wait</html>"))}, SENT (1), LOOKED (6)},
  {"heuristic that isn't there", .heuristic = "Divination", BAD_RESPONSE, .message = "Divination", SENT (1), LOOKED (1)},
  {"heuristic that isn't there yet", .heuristic = "Average", .steps = {ON (GET, 1, RESULT ("\"status\":\"done\",\"verdict\":null,\"verdicts\":[]")), ON (GET, 2, RESULT ("\"status\":\"done\",\"verdicts\":[{\"heuristic\":\"Average\",\"classification\":\"human\"}]"))}, SENT (1), LOOKED (2)},

  /* A look is free, and its file is paid for: whatever isn't a readable result is
   * a failed look, and another one is made; no `retries` here. */
  ON_A_LOOK ("205", STATUS (205))},
  ON_A_LOOK ("206", STATUS (206), BODY ("{\"identif"))},
  ON_A_LOOK ("301", STATUS (301))},
  ON_A_LOOK ("302", STATUS (302), .headers = "Location: https://elsewhere.example/\r\n"), .attempt = "https://elsewhere.example"},
  ON_A_LOOK ("400", STATUS (400))},
  ON_A_LOOK ("400, no credits", STATUS (400), BODY ("{\"error\":\"Not enough credits.\"}"))},
  ON_A_LOOK ("401", STATUS (401))},
  ON_A_LOOK ("402", STATUS (402))},
  ON_A_LOOK ("403", STATUS (403), BODY ("{\"error\":\"Forbidden\"}")), .attempt = "Forbidden"},
  ON_A_LOOK ("405", STATUS (405))},
  ON_A_LOOK ("410", STATUS (410))},
  ON_A_LOOK ("429", STATUS (429))},
  ON_A_LOOK ("500", STATUS (500))},
  ON_A_LOOK ("503", STATUS (503))},
  ON_A_LOOK ("an endless answer", .kind = FAULT_ENDLESS_BODY)},
  ON_A_LOOK ("endless interim answers", .kind = FAULT_ENDLESS_INTERIM)},
  ON_A_LOOK ("no HTTP", .kind = FAULT_RAW, BODY ("SSH-2.0-OpenSSH_9.2\r\n\r\n"))},
  ON_A_LOOK ("headers cut off after the status line", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\n"))},
  ON_A_LOOK ("headers cut off in one", .kind = FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nContent-Type: app"))},
  ON_A_LOOK ("cut JSON", BODY ("{\"identifier\":\"id-1\",\"status\":\"do"))},
  ON_A_LOOK ("nothing", BODY (""))},
  ON_A_LOOK ("a list", BODY ("[1,2,3]"))},
  ON_A_LOOK ("NaN", RESULT ("\"status\":\"done\",\"verdict\":{\"confidence\":NaN,\"classification\":\"human\"}"))},
  ON_A_LOOK ("done, but no verdict", RESULT ("\"status\":\"done\",\"verdict\":7"))},
  ON_A_LOOK ("another's result", BODY ("{\"identifier\":\"zzz\",\"status\":\"done\",\"verdict\":{\"classification\":\"human\"}}"))},
  ON_A_LOOK ("another's failure", BODY ("{\"identifier\":\"zzz\",\"status\":\"errored\"}"))},
  ON_A_LOOK ("another's, without the heuristic", BODY ("{\"identifier\":\"zzz\",\"status\":\"done\",\"verdict\":{\"heuristic\":\"Average\",\"classification\":\"human\"}}")), .heuristic = "Majority"},
  ON_A_LOOK ("a page", BODY ("<html><title>Just a moment...</title></html>")), .attempt = "Just a moment"},
  ON_A_LOOK ("a complaint", BODY ("{\"message\":\"Please wait\"}")), .attempt = "Please wait"},

  /* For good, they say at last what they got. */
  {"a page on looks, for good", .verdict_timeout = 500, .steps = {ON (GET, 0, BODY ("<html>Wait</html>"))}, TIMEOUT, .http_status = 200, .message = "is a page, which says: Wait", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"500 on looks, for good", .retries = 2, .verdict_timeout = 500, .steps = {ON (GET, 0, STATUS (500), BODY ("{\"error\":\"Oops\"}"))}, TIMEOUT, .http_status = 500, .message = "Oops", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"401 on looks, for good", .verdict_timeout = 500, .steps = {ON (GET, 0, STATUS (401))}, TIMEOUT, .http_status = 401, .message = "verdict-timeout", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"403 on looks, for good", .verdict_timeout = 500, .steps = {ON (GET, 0, STATUS (403), BODY ("{\"error\":\"Forbidden\"}"))}, TIMEOUT, .http_status = 403, .message = "Forbidden", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"no answer to looks, for good", .verdict_timeout = 500, .steps = {ON (POST, 1, CLOSED), ON (GET, 0, FAULT_CLOSE)}, TIMEOUT, .message = "within 500 ms of the upload (verdict-timeout), for which it was asked", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"failures, then pending for good", .verdict_timeout = 500, .steps = {ON (GET, 1, STATUS (500), BODY ("{\"error\":\"Oops\"}")), ON (GET, 0, RESULT ("\"status\":\"new\""))}, TIMEOUT, .message = "0 answers had no word of it", .no_message = "Oops", SENT (1), LOOKED (ANY), .min_ms = 500},
  {"silence on a look", .timeout = 4, .steps = {ON (GET, 1, FAULT_SILENT)}, .min_ms = 4000, SENT (1), LOOKED (2)},

  /* Time is up. */
  {"pending for good", .verdict_timeout = 2000, .poll_interval = 50, .steps = {ON (GET, 0, RESULT ("\"status\":\"new\""))}, TIMEOUT, .message = "verdict-timeout", SENT (1), LOOKED (ANY), .min_ms = 2000},
  {"not found for good", .verdict_timeout = 2000, .poll_interval = 50, .steps = {ON (GET, 0, STATUS (404)), ON (PLAIN, 0, STATUS (404))}, TIMEOUT, SENT (1), LOOKED (ANY), .plains = ANY, .min_ms = 2000},
  {"silence for good on a look", .verdict_timeout = 2000, .steps = {ON (GET, 1, FAULT_SILENT)}, TIMEOUT, SENT (1), LOOKED (1), .min_ms = 2000},
  {"result drips without end", .verdict_timeout = 2000, .steps = {ON (GET, 1, FAULT_ENDLESS_DRIP, .delay = 20)}, TIMEOUT, SENT (1), LOOKED (1), .min_ms = 2000},
  {"long interval", .poll_interval = 700, .steps = {ON (GET, 1, RESULT ("\"status\":\"new\""))}, SENT (1), LOOKED (2), .min_ms = 700},

  /* The key is revoked. */
  {"new key in the file", .server_key = "sk-two-5ecret", .new_key = "sk-two-5ecret\n", FINE (2)},
  {"same key in the file", .server_key = "sk-two-5ecret", .new_key = "sk-one-5ecret\n", UNAUTHORIZED, .http_status = 401, SENT (1)},
  {"no key in the file", .server_key = "sk-two-5ecret", .new_key = "\n", UNAUTHORIZED, .http_status = 401, SENT (1)},
  {"another wrong key in the file", .server_key = "sk-two-5ecret", .new_key = "sk-three-5ecret\n", UNAUTHORIZED, .http_status = 401, SENT (2)},
  {"new key between submit and look", .new_key = "sk-two-5ecret\n", .steps = {ON (GET, 1, STATUS (401))}, SENT (1), LOOKED (2)},
};
/* *INDENT-ON* */

const guint n_client_rows = G_N_ELEMENTS (client_rows);
