/* HTTP requests that we make (MTA-STS policies, ACME, reports to https:), by libcurl. Blocking; any thread. HTTP/1.1, TLS 1.2 or
 * later, certificates always verified; no proxies, cookies or passwords from the environment or files. */
#ifndef RT_FETCH_H
#define RT_FETCH_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch_header { const char *name; struct str value; };
struct fetch_request {
	const char *method;                   /* NULL: GET */
	const char *url;                      /* https: only, unless allow_http */
	bool allow_http;                      /* tests and http-01 */
	bool follow;                          /* redirects; RFC 8461 3.3 forbids them for policies */
	const char *ca_file;                  /* NULL: the system's */
	const char *resolve;                  /* "host:port:address": tests; NULL: the system's resolver */
	uint64_t timeout_ms;                  /* the whole; 0: 60 s */
	size_t max;                           /* bytes of the answer's body; 0: 1 MB; over it: ERR_TOO_BIG */
	const struct fetch_header *headers;
	size_t n_headers;
	struct str body;                      /* POST, PUT: give its Content-Type among the headers */
};
struct fetch_answer {
	unsigned status;                      /* 200 ... */
	struct buf body;
	struct buf headers;                   /* as received, lines with CRLF */
};
/* 0 when an answer came, whatever its status; ERR_TIMEOUT, ERR_IO (no connection, or no whole answer), ERR_DENIED (certificate),
 * ERR_TOO_BIG, ERR_INVALID (URL, scheme or header field), ERR_CONFIG (ca_file), ERR_NO_MEMORY. fetch_answer_fini in every case. */
int fetch(const struct fetch_request *r, struct fetch_answer *out, struct err *e);
void fetch_answer_fini(struct fetch_answer *a);
/* The value of a header field of the answer, without case; empty when absent. */
struct str fetch_header_of(const struct fetch_answer *a, struct str name);

#endif
