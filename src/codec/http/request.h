/* The head of an HTTP/1.1 request: RFC 9112 3 and 5, strictly (what two parsers could read in two ways is refused: 11.2). Pure; any thread; slices of the input. */
#ifndef CODEC_HTTP_REQUEST_H
#define CODEC_HTTP_REQUEST_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define HTTP_HEAD_MAX ((size_t)16 << 10)       /* octets of request line and fields */
#define HTTP_FIELDS_MAX 100

struct http_request {
	struct str method;
	struct str path;                 /* as sent, before '?'; starts with '/', or is "*" */
	struct str query;                /* behind '?', or empty */
	struct str host;                 /* without the port; empty only in HTTP/1.0 */
	unsigned minor;                  /* HTTP/1.minor: 0 or 1 */
	uint64_t content_length;         /* 0 when absent */
	bool chunked;                    /* Transfer-Encoding: chunked */
	bool keep_alive;                 /* RFC 9112 9.3 */
	struct str fields;               /* all lines, for http_field */
};
/* head: from the request line to the blank line, with CRLFs. 0, or the status to answer with: 400, 414, 431, 501, 505. */
unsigned http_request_parse(struct str head, struct http_request *out);
/* The value of the first field of that name without case, blanks around it taken off. False: none. */
bool http_field(const struct http_request *r, struct str name, struct str *value_out);

#endif
