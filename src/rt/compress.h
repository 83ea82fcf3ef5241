/* DEFLATE (RFC 1951) on a connection, between the session and the socket or TLS: RFC 4978. For conn_*.c and worker.c only; this file and
 * compress.c are the ones that know zlib.
 *
 * At rest a connection owns an inflater with its window, some 40 KB, because the peer chooses what it refers back to. It owns no deflater: that
 * belongs to the worker. Whatever is written ends in a full flush, which is a byte boundary behind which nothing refers back, so the next
 * piece may be made by any deflater that was reset.
 *
 * What arrives is inflated into the connection's bounded input, step by step: however much a peer makes of few bytes, no more of it is in
 * memory than of any other input. Each belongs to the thread that runs the connection. */
#ifndef RT_COMPRESS_H
#define RT_COMPRESS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct deflater;                                   /* a worker's */
struct compress;                                   /* a connection's */

int deflater_create(struct deflater **out);        /* 0 or ERR_NO_MEMORY */
void deflater_destroy(struct deflater **d);        /* accepts NULL */

int compress_create(struct compress **out);        /* 0 or ERR_NO_MEMORY */
void compress_destroy(struct compress **z);        /* accepts NULL */
/* Gives back the memory that is empty: when the connection is parked. */
void compress_rest(struct compress *z);

/* ---- in ---- */

/* Up to room bytes to `to`. 1: *n_out of them, at least one; it stops at the end of a deflate block, so that what the session does with these may
 * change what follows. 0: more input is needed. ERR_CLOSED: the peer ended its stream. ERR_INVALID: it is no deflate stream. ERR_NO_MEMORY. */
int compress_inflate(struct compress *z, char *to, size_t room, size_t *n_out);
/* There may be more without input, be it the news of the end. */
bool compress_has_more(const struct compress *z);
/* Where input goes, when compress_inflate wants it: *n_out bytes of room. NULL: out of memory. Then say how many came. */
char *compress_in_room(struct compress *z, size_t *n_out);
void compress_in_add(struct compress *z, size_t n);
/* Drops what is still to come up to where the peer flushes (or ends) its stream: what is left of the input then need not belong to it. 1: there.
 * 0: more input is needed. Errors as above. */
int compress_skip_to_flush(struct compress *z);
/* Input that was not inflated; lives with z. */
struct str compress_in_rest(const struct compress *z);

/* ---- out ---- */

/* Adds p..p+n, compressed and fully flushed, to what is to be sent. 0 or ERR_NO_MEMORY. */
int compress_deflate(struct compress *z, struct deflater *d, const void *p, size_t n);
/* What is to be sent; the same bytes at the same place until compress_out_sent. */
struct str compress_out(const struct compress *z);
void compress_out_sent(struct compress *z, size_t n);

#endif
