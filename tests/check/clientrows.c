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
/* The usual end: the first look finds a verdict. */
#define FINE(n) .posts = n, .gets = 1

#define NGINX_413 "<html>\r\n<head><title>413 Request Entity Too Large" \
    "</title></head>\r\n<body>\r\n<center><h1>413 Request Entity Too Large" \
    "</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
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
  {"five failures, five retries", .retries = 5, .steps = {ON (POST, 1, STATUS (500)), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, FINE (6)},
  {"five failures, four retries", .retries = 4, .steps = {ON (POST, 1, STATUS (500)), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, SERVICE_ERROR, .http_status = 503, SENT (5)},
  {"five failures, endless retries", .retries = -1, .steps = {ON (POST, 1, STATUS (500)), ON (POST, 2, FAULT_CLOSE), ON (POST, 3, FAULT_RESET), ON (POST, 4, STATUS (429)), ON (POST, 5, STATUS (503))}, FINE (6)},

  /* Noise in errors. */
  {"error in another JSON", .steps = {ON (POST, 0, STATUS (500), BODY ("{\"detail\":{\"reason\":\"Out of GPUs\"}}"))}, SERVICE_ERROR, .message = "Out of GPUs", SENT (1)},
  {"error is noise", .steps = {ON (POST, 0, STATUS (500), BODY ("\x01\xff\xfe\x02\x80"))}, SERVICE_ERROR, .http_status = 500, SENT (1)},
  {"error is endless", .steps = {ON (POST, 0, FAULT_ENDLESS_BODY, STATUS (500))}, BAD_RESPONSE, .message = "too long", SENT (1)},
  {"error is cut off", .steps = {ON (POST, 0, FAULT_SHORT, STATUS (403), BODY ("{\"error\":\"Forbidden\"}"), .at = 100)}, UNAUTHORIZED, .http_status = 403, .message = "Forbidden", SENT (1)},

  /* Retry-After, at a hundredth of the time. */
  {"429, 30 seconds", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, FINE (2)},
  {"503, 30 seconds", .retries = 1, .steps = {ON (POST, 1, STATUS (503), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, FINE (2)},
  {"429, a date in the past", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n")}, FINE (2)},
  {"429, nonsense", .retries = 1, .steps = {ON (POST, 1, STATUS (429), .headers = "Retry-After: later\r\n")}, FINE (2)},
  {"429 on a look, 30 seconds", .retries = 1, .steps = {ON (GET, 1, STATUS (429), .headers = "Retry-After: 30\r\n")}, .min_ms = 300, SENT (1), LOOKED (2)},

  /* The network. */
  {"nobody listens", .gone = TRUE, .retries = 2, NETWORK, .message = "refused", .attempt = "No connection to 127.0.0.1"},
  {"no such host", .endpoint = "http://no-such-host.invalid", .retries = 1, NETWORK, .message = "No connection to no-such-host.invalid"},
  {"no proxy there", .proxy = "http://user:pr0xy-5ecret@127.0.0.1:1", .retries = 1, NETWORK, .message = "proxy", .no_attempt = "5ecret"},
  {"nobody accepts", .deaf = TRUE, .timeout = 1, .retries = 1, NETWORK, .message = "nothing was heard for 1 s", .min_ms = 2000},
  {"reset before the body", .retries = 1, MEGABYTES (3), .steps = {ON (POST, 1, FAULT_RESET)}, FINE (2)},
  {"reset in the body", .retries = 1, MEGABYTES (3), .steps = {ON (POST, 1, FAULT_RESET, .at = 1500000)}, FINE (2)},
  {"reset after the body", .retries = 1, .steps = {ON (POST, 1, FAULT_RESET, .at = G_MAXSIZE)}, FINE (2)},
  {"reset in the body for good", .retries = 2, MEGABYTES (3), .steps = {ON (POST, 0, FAULT_RESET, .at = 1500000)}, NETWORK, .message = "The connection broke to 127.0.0.1", SENT (3)},
  {"no answer, once", .retries = 1, .steps = {ON (POST, 1, FAULT_CLOSE)}, FINE (2)},
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

  /* Answers to the submit call that aren't any. */
  {"empty answer", .retries = 5, .steps = {ON (POST, 1, BODY (""))}, BAD_RESPONSE, .http_status = 200, SENT (1)},
  {"no content", .retries = 5, .steps = {ON (POST, 1, STATUS (204))}, BAD_RESPONSE, .http_status = 204, SENT (1)},
  {"no identifier", .retries = 5, .steps = {ON (POST, 1, BODY ("{\"ok\":true}"))}, BAD_RESPONSE, SENT (1)},
  {"empty identifier", .retries = 5, .steps = {ON (POST, 1, BODY ("{\"identifier\":\"\"}"))}, BAD_RESPONSE, SENT (1)},
  {"identifier of a wrong type", .retries = 5, .steps = {ON (POST, 1, BODY ("{\"identifier\":[1]}"))}, BAD_RESPONSE, SENT (1)},
  {"cut JSON", .retries = 5, .steps = {ON (POST, 1, BODY ("{\"identifier\":\"id-"))}, BAD_RESPONSE, SENT (1)},
  {"cut answer, connection closed", .retries = 5, .steps = {ON (POST, 1, FAULT_RAW, BODY ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 500\r\n\r\n{\"identifier\":\"id-"))}, BAD_RESPONSE, SENT (1)},
  {"a page instead", .retries = 5, .steps = {ON (POST, 1, BODY ("<html><body>Welcome to the Wi-Fi of this hotel</body></html>"))}, BAD_RESPONSE, SENT (1)},
  {"not HTTP", .retries = 5, .steps = {ON (POST, 1, FAULT_RAW, BODY ("SSH-2.0-OpenSSH_9.2\r\n\r\n"))}, BAD_RESPONSE, SENT (1)},
  {"endless answer", .retries = 5, .steps = {ON (POST, 1, FAULT_ENDLESS_BODY)}, BAD_RESPONSE, .message = "too long", SENT (1)},
  {"endless headers", .steps = {ON (POST, 1, FAULT_ENDLESS_HEADERS)}, NETWORK, SENT (1)},
  {"endless interim answers", .retries = 5, .steps = {ON (POST, 1, FAULT_ENDLESS_INTERIM)}, BAD_RESPONSE, .message = "interim", SENT (1)},
  {"some interim answers", .steps = {ON (POST, 1, FAULT_INTERIM, .at = 5)}, FINE (1)},
  {"packed answer, not asked for", .retries = 5, .steps = {ON (POST, 1, .headers = "Content-Encoding: gzip\r\n", BODY ("\x1f\x8b\x08"))}, BAD_RESPONSE, SENT (1)},

  /* Those that are. */
  {"201", .steps = {ON (POST, 1, STATUS (201), BODY ("{\"identifier\":\"id-1\"}"))}, FINE (1)},
  {"202", .steps = {ON (POST, 1, STATUS (202), BODY ("{\"identifier\":\"id-1\"}"))}, FINE (1)},
  {"bare identifier", .accept_text = TRUE, .steps = {ON (POST, 1, BODY ("id-1\n"))}, FINE (1)},
  {"bare identifier, not asked for", .steps = {ON (POST, 1, BODY ("id-1"))}, FINE (1)},
  {"JSON, not asked for", .accept_text = TRUE, FINE (1)},
  {"identifier with a path in it", .steps = {ON (POST, 1, BODY ("{\"identifier\":\"a/../b%2f?c#d&e\"}"))}, FINE (1)},
  {"identifier of dots", .steps = {ON (POST, 1, BODY ("{\"identifier\":\"..\"}"))}, BAD_RESPONSE, SENT (1)},

  /* Redirects are not followed. */
  {"301", .retries = 5, .steps = {ON (POST, 1, STATUS (301), .headers = "Location: https://elsewhere.example/x?k=secret\r\n")}, BAD_RESPONSE, .http_status = 301, .message = "https://elsewhere.example", .no_attempt = "secret", SENT (1)},
  {"307", .retries = 5, .steps = {ON (POST, 1, STATUS (307), .headers = "Location: /api/other\r\n")}, BAD_RESPONSE, .http_status = 307, .message = "redirects to http://127.0.0.1", SENT (1)},
  {"308 to nowhere", .retries = 5, .steps = {ON (POST, 1, STATUS (308))}, BAD_RESPONSE, .http_status = 308, SENT (1)},
  {"redirect of a look", .retries = 5, .steps = {ON (GET, 1, STATUS (302), .headers = "Location: https://elsewhere.example/\r\n")}, BAD_RESPONSE, .http_status = 302, .message = "https://elsewhere.example", SENT (1), LOOKED (1)},

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
  {"500 on a look, once", .retries = 1, .steps = {ON (GET, 1, STATUS (500))}, SENT (1), LOOKED (2)},
  {"500 on looks", .retries = 2, .steps = {ON (GET, 0, STATUS (500), BODY ("{\"error\":\"Oops\"}"))}, SERVICE_ERROR, .http_status = 500, .message = "Oops", SENT (1), LOOKED (3)},
  {"failures on looks, none in a row", .retries = 1, .steps = {ON (GET, 1, STATUS (500)), ON (GET, 2, RESULT ("\"status\":\"new\"")), ON (GET, 3, STATUS (429)), ON (GET, 4, STATUS (404)), ON (GET, 5, STATUS (502))}, SENT (1), LOOKED (6)},
  {"429 on looks", .retries = 1, .steps = {ON (GET, 0, STATUS (429))}, THROTTLED, .http_status = 429, SENT (1), LOOKED (2)},
  {"401 on a look", .retries = 5, .steps = {ON (GET, 0, STATUS (401))}, UNAUTHORIZED, .http_status = 401, SENT (1), LOOKED (1)},
  {"403 on a look", .retries = 5, .steps = {ON (GET, 0, STATUS (403))}, UNAUTHORIZED, .http_status = 403, SENT (1), LOOKED (1)},
  {"400 on a look", .retries = 5, .steps = {ON (GET, 0, STATUS (400))}, REJECTED, .http_status = 400, SENT (1), LOOKED (1)},
  {"no answer to a look, once", .retries = 1, .steps = {ON (POST, 1, CLOSED), ON (GET, 1, FAULT_CLOSE)}, SENT (1), LOOKED (2)},
  {"no answer to looks", .retries = 1, .steps = {ON (POST, 1, CLOSED), ON (GET, 0, FAULT_CLOSE)}, NETWORK, SENT (1), LOOKED (2)},
  {"silence on a look", .retries = 1, .timeout = 4, .steps = {ON (GET, 1, FAULT_SILENT)}, .min_ms = 4000, SENT (1), LOOKED (2)},
  {"endless result", .retries = 5, .steps = {ON (GET, 1, FAULT_ENDLESS_BODY)}, BAD_RESPONSE, .message = "too long", SENT (1), LOOKED (1)},
  {"cut result", .retries = 5, .steps = {ON (GET, 1, BODY ("{\"identifier\":\"id-1\",\"status\":\"do"))}, BAD_RESPONSE, SENT (1), LOOKED (1)},
  {"empty result", .retries = 5, .steps = {ON (GET, 1, BODY (""))}, BAD_RESPONSE, SENT (1), LOOKED (1)},
  {"result that is a list", .retries = 5, .steps = {ON (GET, 1, BODY ("[1,2,3]"))}, BAD_RESPONSE, SENT (1), LOOKED (1)},
  {"result with NaN", .retries = 5, .steps = {ON (GET, 1, RESULT ("\"status\":\"done\",\"verdict\":{\"confidence\":NaN,\"classification\":\"human\"}"))}, BAD_RESPONSE, SENT (1), LOOKED (1)},
  {"done, but no verdict", .retries = 5, .steps = {ON (GET, 1, RESULT ("\"status\":\"done\",\"verdict\":7"))}, BAD_RESPONSE, SENT (1), LOOKED (1)},
  {"another's result", .retries = 5, .steps = {ON (GET, 1, BODY ("{\"identifier\":\"zzz\",\"status\":\"done\",\"verdict\":{\"classification\":\"human\"}}"))}, BAD_RESPONSE, .message = "another classification", SENT (1), LOOKED (1)},
  {"result is a page", .retries = 5, .steps = {ON (GET, 1, BODY ("<html>Log in</html>"))}, BAD_RESPONSE, .message = "of no use", SENT (1), LOOKED (1)},
  {"heuristic that isn't there", .retries = 5, .heuristic = "Divination", BAD_RESPONSE, .message = "Divination", SENT (1), LOOKED (1)},

  /* Time is up. */
  {"pending for good", .verdict_timeout = 2000, .poll_interval = 50, .steps = {ON (GET, 0, RESULT ("\"status\":\"new\""))}, TIMEOUT, .message = "verdict-timeout", SENT (1), LOOKED (ANY), .min_ms = 2000},
  {"not found for good", .verdict_timeout = 2000, .poll_interval = 50, .steps = {ON (GET, 0, STATUS (404)), ON (PLAIN, 0, STATUS (404))}, TIMEOUT, SENT (1), LOOKED (ANY), .plains = ANY, .min_ms = 2000},
  {"silence for good on a look", .verdict_timeout = 2000, .steps = {ON (GET, 1, FAULT_SILENT)}, TIMEOUT, SENT (1), LOOKED (1), .min_ms = 2000},
  {"result drips without end", .verdict_timeout = 2000, .steps = {ON (GET, 1, FAULT_ENDLESS_DRIP, .delay = 20)}, TIMEOUT, SENT (1), LOOKED (1), .min_ms = 2000},
  {"failing for good, endless retries", .retries = -1, .verdict_timeout = 2000, .steps = {ON (GET, 0, STATUS (500))}, TIMEOUT, SENT (1), LOOKED (ANY), .min_ms = 2000},
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
