/* Private to codec/imap: writing straight into the room of a struct buf. One check per string instead of one per byte;
 * what is written counts when writer_end gives the room back. */
#ifndef CODEC_IMAP_WRITER_H
#define CODEC_IMAP_WRITER_H

#include "base/buf.h"
#include "base/num.h"
#include "codec/mime/summary.h"

#include <stdbool.h>
#include <stdint.h>

struct writer {
	struct buf *b;
	char *p;
	char *end;
	bool utf8;
};

#define WRITER_ROOM ((size_t)1024)

/* Makes room for n bytes at w->p. False when the buffer ran over; then nothing more is written. */
static inline bool writer_grow(struct writer *w, size_t n)
{
	if (w->p)
		w->b->n = (size_t)(w->p - w->b->p);
	w->p = buf_reserve(w->b, n + WRITER_ROOM);
	w->end = w->p ? w->b->p + w->b->cap : NULL;
	return w->p != NULL;
}

static inline bool writer_room(struct writer *w, size_t n)
{
	return (w->p && (size_t)(w->end - w->p) >= n) || writer_grow(w, n);
}

static inline void writer_begin(struct writer *w, struct buf *b, bool utf8)
{
	*w = (struct writer){ b, NULL, NULL, utf8 };
	writer_grow(w, 0);
}

static inline void writer_end(struct writer *w)
{
	if (w->p)
		w->b->n = (size_t)(w->p - w->b->p);
}

static inline void write_char(struct writer *w, char c)
{
	if (writer_room(w, 1))
		*w->p++ = c;
}

#define write_lit(w, literal) write_bytes((w), "" literal, sizeof(literal) - 1)
static inline void write_bytes(struct writer *w, const char *p, size_t n)
{
	if (!writer_room(w, n))
		return;
	memcpy(w->p, p, n);
	w->p += n;
}

static inline void write_number(struct writer *w, uint64_t v)
{
	if (writer_room(w, 20))
		w->p += num_format_u64(w->p, v);
}

/* Escaped and 8-bit strings. */
void write_text_hard(struct writer *w, struct mime_text t);

/* An nstring of the class it was given when the summary was made. */
static inline void write_text(struct writer *w, struct mime_text t)
{
	if (t.class == MIME_TEXT_NIL) {
		write_lit(w, "NIL");
	} else if (t.class != MIME_TEXT_PLAIN) {
		write_text_hard(w, t);
	} else if (writer_room(w, (size_t)t.n + 2)) {
		*w->p++ = '"';
		memcpy(w->p, t.p, t.n);
		w->p += t.n;
		*w->p++ = '"';
	}
}

#endif
