/* An HTTP/1.1 server for small pages: answers to ACME challenges (RFC 8555 8.3), MTA-STS policies (RFC 8461 3.3), and what watchers of the server ask for.
 * GET and HEAD. Made by app/. */
#ifndef PROTO_HTTP_HTTP_H
#define PROTO_HTTP_HTTP_H

#include "base/buf.h"
#include "base/str.h"
#include "codec/http/request.h"
#include "rt/conn.h"

/* What a page puts together. Zeroed before; body is sent as it is. */
struct http_page {
	const char *type;                /* Content-Type; static. Set, the body is sent with any status */
	struct buf body;                 /* of at most the service's page_max */
};
/* Answers a request for a path under its prefix: the status (200, 404, ...). Any thread; must be quick. */
typedef unsigned http_page_fn(void *ctx, const struct http_request *r, bool tls, struct http_page *out);

struct http_route {
	struct str prefix;               /* "/.well-known/acme-challenge/" */
	http_page_fn *page;
	void *ctx;
};
/* The context of a listener; lives as long as the server. */
struct http_service {
	const struct http_route *routes;
	size_t n_routes;
	uint64_t timeout_ms;             /* silence; 0: 30 s */
	size_t page_max;                 /* octets of a body; 0: HTTP_PAGE_MAX */
	bool quiet;                      /* requests are logged at debug */
};

extern const struct conn_proto http_proto;       /* ctx: struct http_service * */
extern const struct conn_proto http_watch_proto; /* the same, for who watches the server: "watch" in the log */

#endif
