#include "search/chunk.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/hash.h"
#include "search/limits.h"

#include <string.h>

#define VARINT_MAX 10

static size_t bitmap_bytes(uint32_t emails) { return ((size_t)emails + 7) / 8; }

/* Lists are short and many, so this is not cursor_varint. 0 when it is cut off or too long. */
static size_t read_varint(const char *p, size_t n, uint32_t *out)
{
	uint32_t v = 0;
	for (size_t i = 0; i < n && i < 5; i++) {
		v |= (uint32_t)(p[i] & 0x7f) << 7 * i;
		if (!(p[i] & 0x80)) {
			*out = v;
			return i + 1;
		}
	}
	return 0;
}

static size_t varint_bytes(uint32_t v) { return v < 0x80 ? 1 : v < 0x4000 ? 2 : v < 0x200000 ? 3 : v < 0x10000000 ? 4 : 5; }

static char *put_varint(char *p, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (char)(v | 0x80);
	*p++ = (char)v;
	return p;
}

/* ---- blocks ---- */

bool block_is_sound(const struct block *b)
{
	size_t terms = 0, lists = 0, sum = 0;
	if (b->terms.n < 2 || b->terms.p[0] || b->terms.p[b->terms.n - 1])
		return false;
	for (const char *p = b->terms.p + 1, *end = b->terms.p + b->terms.n; p < end; terms++) {
		const char *nul = memchr(p, 0, (size_t)(end - p));
		if (nul == p)
			return false;
		p = nul + 1;
	}
	for (size_t at = 0; at < b->lens.n; lists++) {
		uint32_t len;
		size_t n = read_varint(b->lens.p + at, b->lens.n - at, &len);
		if (!n)
			return false;
		at += n;
		sum += len >> 1;
	}
	return terms == lists && sum == b->posts.n;
}

uint32_t block_crc_terms(struct str terms) { return hash_crc32c(0, terms.p, terms.n); }

uint32_t block_crc_posts(struct str lens, struct str posts) { return hash_crc32c(hash_crc32c(0, lens.p, lens.n), posts.p, posts.n); }

/* ---- writing ---- */

void block_writer_init(struct block_writer *w, block_sink *sink, void *arg, uint32_t emails)
{
	*w = (struct block_writer){ .sink = sink, .arg = arg, .emails = emails, .terms = BUF_INIT(0), .lens = BUF_INIT(0), .posts = BUF_INIT(0) };
}

static void flush(struct block_writer *w)
{
	if (w->terms.failed || w->lens.failed || w->posts.failed)
		w->err = ERR_NO_MEMORY;
	if (!w->err && w->terms.n)
		w->err = w->sink(w->arg, &(struct block){ buf_str(&w->terms), buf_str(&w->lens), buf_str(&w->posts), 0 });
	buf_reset(&w->terms);
	buf_reset(&w->lens);
	buf_reset(&w->posts);
}

static uint32_t add_bitmap(struct block_writer *w, const uint32_t *places, uint32_t n)
{
	size_t bytes = bitmap_bytes(w->emails);
	char *to = buf_reserve(&w->posts, bytes);
	if (!to)
		return 0;
	memset(to, 0, bytes);
	for (uint32_t i = 0; i < n; i++)
		to[places[i] >> 3] |= (char)(1 << (places[i] & 7));
	w->posts.n += bytes;
	return (uint32_t)bytes << 1 | 1;
}

static uint32_t add_varints(struct block_writer *w, const uint32_t *places, uint32_t n, size_t bytes)
{
	char *to = buf_reserve(&w->posts, bytes);
	if (!to)
		return 0;
	uint32_t last = 0;
	for (uint32_t i = 0; i < n; last = places[i++])
		to = put_varint(to, places[i] - last);
	w->posts.n += bytes;
	return (uint32_t)bytes << 1;
}

void block_writer_add(struct block_writer *w, struct str term, const uint32_t *places, uint32_t n)
{
	size_t bytes = 0;
	uint32_t last = 0;
	for (uint32_t i = 0; i < n; last = places[i++])
		bytes += varint_bytes(places[i] - last);
	if (w->terms.n == 0)
		buf_add_char(&w->terms, '\0');
	buf_add_str(&w->terms, term);
	buf_add_char(&w->terms, '\0');
	buf_add_varint(&w->lens, bytes > bitmap_bytes(w->emails) ? add_bitmap(w, places, n) : add_varints(w, places, n, bytes));
	if (w->terms.n > BLOCK_TERMS_BYTES || w->posts.n > BLOCK_POSTS_BYTES)
		flush(w);
}

int block_writer_end(struct block_writer *w)
{
	flush(w);
	buf_fini(&w->terms);
	buf_fini(&w->lens);
	buf_fini(&w->posts);
	return w->err;
}

/* ---- reading ---- */

struct block_walk block_walk(const struct block *b) { return (struct block_walk){ .b = *b, .term_at = 1 }; }

bool block_walk_list(struct block_walk *w, uint32_t skip, struct post_list *list_out)
{
	for (;; skip--) {
		uint32_t len;
		size_t n = read_varint(w->b.lens.p + w->len_at, w->b.lens.n - w->len_at, &len);
		if (!n)
			return false;
		*list_out = (struct post_list){ str_sub(w->b.posts, w->post_at, len >> 1), len & 1 };
		w->len_at += n;
		w->post_at += len >> 1;
		if (skip == 0)
			return true;
	}
}

bool block_walk_next(struct block_walk *w, struct str *term_out, struct post_list *list_out)
{
	if (w->term_at >= w->b.terms.n)
		return false;
	const char *p = w->b.terms.p + w->term_at, *nul = memchr(p, 0, w->b.terms.n - w->term_at);
	if (!nul)
		return false;
	*term_out = str_make(p, (size_t)(nul - p));
	w->term_at += term_out->n + 1;
	return block_walk_list(w, 0, list_out);
}

int post_list_places(struct post_list l, uint32_t emails, uint32_t *places)
{
	int count = 0;
	if (l.bitmap) {
		if (l.bytes.n != bitmap_bytes(emails))
			return -1;
		for (uint32_t i = 0; i < emails; i++)
			if (l.bytes.p[i >> 3] >> (i & 7) & 1)
				places[count++] = i;
		return count;
	}
	uint32_t place = 0;
	for (size_t at = 0; at < l.bytes.n;) {
		uint32_t more;
		size_t n = read_varint(l.bytes.p + at, l.bytes.n - at, &more);
		at += n;
		/* Only the first may be 0, and none beyond the emails: so there are never more of them than room. */
		if (!n || (count && !more) || more >= emails - place)
			return -1;
		place += more;
		places[count++] = place;
	}
	return count;
}

bool post_list_mark(struct post_list l, uint32_t emails, uint64_t *bits)
{
	if (l.bitmap) {
		if (l.bytes.n != bitmap_bytes(emails))
			return false;
		size_t whole = l.bytes.n / 8;
		for (size_t i = 0; i < whole; i++)
			bits[i] |= load_le64(l.bytes.p + 8 * i);
		for (size_t i = 8 * whole; i < l.bytes.n; i++)
			bits[i / 8] |= (uint64_t)(uint8_t)l.bytes.p[i] << 8 * (i & 7);
		return true;
	}
	uint32_t place = 0;
	for (size_t at = 0; at < l.bytes.n;) {
		uint32_t more;
		size_t n = read_varint(l.bytes.p + at, l.bytes.n - at, &more);
		at += n;
		if (!n || more >= emails - place)
			return false;
		place += more;
		bits[place >> 6] |= UINT64_C(1) << (place & 63);
	}
	return true;
}
