/* What a peer drives. The head's ceilings are codec/http/request.h's. */
#ifndef PROTO_HTTP_LIMITS_H
#define PROTO_HTTP_LIMITS_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_LINE_MAX ((size_t)8 << 10)        /* octets of one line with its end */
#define HTTP_PAGE_MAX ((size_t)64 << 10)       /* octets of a page */
#define HTTP_REQUESTS_MAX 100                  /* on one connection */
#define HTTP_TIMEOUT_MS UINT64_C(30000)
#define HTTP_HEAD_TIMEOUT_MS UINT64_C(30000)   /* from the first line of a request to its last: no trickling */

#endif
