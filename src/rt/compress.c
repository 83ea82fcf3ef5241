#include "rt/compress.h"

#include "base/buf.h"
#include "rt/limits.h"

#include <stdlib.h>
#include <zlib.h>

#define RAW (-15)                                  /* no header of zlib or gzip: RFC 4978 4 */
#define DEFLATE_MEMORY 8
/* of z_stream.data_type after inflate(Z_BLOCK) */
#define UNUSED_BITS 7
#define LAST_BLOCK 64
#define AT_BLOCK_END 128

struct deflater {
	z_stream stream;
};

struct compress {
	z_stream in;
	char *raw;                                     /* COMPRESS_RAW bytes, while some are left */
	size_t raw_at, raw_n;
	bool more;                                     /* the inflater holds output back */
	bool ended;
	bool block_empty;                              /* nothing came of the present block yet */
	bool flushed;                                  /* an empty block has just ended at a byte boundary */
	struct buf out;
	size_t out_at;
};

/* ---- life ---- */

int deflater_create(struct deflater **out)
{
	struct deflater *d = *out = calloc(1, sizeof(*d));
	if (d && deflateInit2(&d->stream, COMPRESS_LEVEL, Z_DEFLATED, RAW, DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK)
		return 0;
	free(d);
	*out = NULL;
	return ERR_NO_MEMORY;
}

void deflater_destroy(struct deflater **d)
{
	if (!*d)
		return;
	deflateEnd(&(*d)->stream);
	free(*d);
	*d = NULL;
}

int compress_create(struct compress **out)
{
	struct compress *z = *out = calloc(1, sizeof(*z));
	if (z && inflateInit2(&z->in, RAW) == Z_OK) {
		buf_init(&z->out, 0);
		z->block_empty = true;
		return 0;
	}
	free(z);
	*out = NULL;
	return ERR_NO_MEMORY;
}

void compress_destroy(struct compress **z)
{
	if (!*z)
		return;
	inflateEnd(&(*z)->in);
	free((*z)->raw);
	buf_fini(&(*z)->out);
	free(*z);
	*z = NULL;
}

void compress_rest(struct compress *z)
{
	if (z->raw_at == z->raw_n) {
		free(z->raw);
		z->raw = NULL;
		z->raw_at = z->raw_n = 0;
	}
	if (compress_out(z).n == 0)
		buf_fini(&z->out);
}

/* ---- in ---- */

bool compress_has_more(const struct compress *z) { return z->more || z->raw_at < z->raw_n || z->ended; }

struct str compress_in_rest(const struct compress *z) { return str_make(z->raw + z->raw_at, z->raw_n - z->raw_at); }

char *compress_in_room(struct compress *z, size_t *n_out)
{
	if (!z->raw)
		z->raw = malloc(COMPRESS_RAW);
	z->raw_at = z->raw_n = 0;
	*n_out = COMPRESS_RAW;
	return z->raw;
}

void compress_in_add(struct compress *z, size_t n) { z->raw_n += n; }

/* Where the stream stands after a step that made `made` bytes. */
static void note_block(struct compress *z, size_t made)
{
	int type = z->in.data_type;
	z->block_empty = z->block_empty && made == 0;
	z->flushed = type & AT_BLOCK_END && z->block_empty && (type & UNUSED_BITS) == 0;
	z->ended = z->ended || (type & AT_BLOCK_END && type & LAST_BLOCK);
	if (type & AT_BLOCK_END)
		z->block_empty = true;
}

/* One step: to the end of the block, of the input or of the room. 0 or an error. */
static int step(struct compress *z, char *to, size_t room, size_t *n_out)
{
	z->in.next_in = (Bytef *)(z->raw ? z->raw + z->raw_at : NULL);
	z->in.avail_in = (uInt)(z->raw_n - z->raw_at);
	z->in.next_out = (Bytef *)to;
	z->in.avail_out = (uInt)room;
	int r = inflate(&z->in, Z_BLOCK);
	z->raw_at = z->raw_n - z->in.avail_in;
	*n_out = room - z->in.avail_out;
	z->more = z->in.avail_out == 0;
	if (r == Z_MEM_ERROR)
		return ERR_NO_MEMORY;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return ERR_INVALID;
	note_block(z, *n_out);
	return 0;
}

int compress_inflate(struct compress *z, char *to, size_t room, size_t *n_out)
{
	*n_out = 0;
	while (!z->ended && *n_out == 0 && compress_has_more(z)) {
		int r = step(z, to, room, n_out);
		if (r)
			return r;
	}
	return *n_out > 0 ? 1 : z->ended ? ERR_CLOSED : 0;
}

int compress_skip_to_flush(struct compress *z)
{
	char dropped[512];
	size_t n;
	while (!z->ended && !z->flushed) {
		int r = compress_has_more(z) ? step(z, dropped, sizeof(dropped), &n) : 0;
		if (r || !compress_has_more(z))
			return r ? r : z->ended || z->flushed;
	}
	return 1;
}

/* ---- out ---- */

int compress_deflate(struct compress *z, struct deflater *d, const void *p, size_t n)
{
	buf_consume(&z->out, z->out_at);
	z->out_at = 0;
	if (deflateReset(&d->stream) != Z_OK)
		return ERR_NO_MEMORY;
	d->stream.next_in = (Bytef *)(uintptr_t)p;
	d->stream.avail_in = (uInt)n;
	do {
		/* The bound is that of a stream that ends; flushed more than once, it may need a little more. */
		size_t room = deflateBound(&d->stream, d->stream.avail_in) + 16;
		char *to = buf_reserve(&z->out, room);
		if (!to)
			return ERR_NO_MEMORY;
		d->stream.next_out = (Bytef *)to;
		d->stream.avail_out = (uInt)room;
		if (deflate(&d->stream, Z_FULL_FLUSH) == Z_STREAM_ERROR)
			return ERR_NO_MEMORY;
		z->out.n += room - d->stream.avail_out;
	} while (d->stream.avail_out == 0);
	return 0;
}

struct str compress_out(const struct compress *z) { return str_make(z->out.p + z->out_at, z->out.n - z->out_at); }

void compress_out_sent(struct compress *z, size_t n)
{
	z->out_at += n;
	if (z->out_at < z->out.n)
		return;
	buf_reset(&z->out);
	z->out_at = 0;
}
