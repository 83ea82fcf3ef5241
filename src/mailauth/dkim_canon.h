/* Canonicalization: RFC 6376 3.4. Pure; any thread. Lines end with CRLF and nothing else; every other octet is taken as it is. */
#ifndef MAILAUTH_DKIM_CANON_H
#define MAILAUTH_DKIM_CANON_H

#include "base/buf.h"
#include "base/str.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };

/* Appends one header field. raw: the whole field, with its final CRLF or without: so it comes out. */
void dkim_canon_field(enum dkim_canon how, struct str raw, struct buf *out);

/* Gives the body to the sink in pieces, which are slices of it wherever it is canonical already. */
typedef void dkim_canon_sink(void *ctx, const char *p, size_t n);
void dkim_canon_body(enum dkim_canon how, struct str body, dkim_canon_sink *sink, void *ctx);

#endif
