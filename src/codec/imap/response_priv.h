/* The words of a response. For response*.c only. */
#ifndef CODEC_IMAP_RESPONSE_PRIV_H
#define CODEC_IMAP_RESPONSE_PRIV_H

#include "codec/imap/response.h"

/* Reads on; after a failure it is bad, and all later reads fail. */
struct words {
	const char *p, *end;
	bool bad;
	struct arena *arena;
};

static inline struct words words_of(struct str s, struct arena *a)
{
	return (struct words){ s.p ? s.p : "", s.p ? s.p + s.n : "", false, a };
}
static inline int words_peek(const struct words *w) { return w->bad || w->p == w->end ? -1 : (unsigned char)*w->p; }
static inline bool words_fail(struct words *w)
{
	w->bad = true;
	return false;
}
bool words_take(struct words *w, char c);
void words_spaces(struct words *w);
/* Up to a space, a parenthesis, a line end or the end; brackets hold what is in them together: "BODY[HEADER.FIELDS (DATE)]". May be empty. */
struct str words_atom(struct words *w);
/* Quoted, literal, literal8, or an atom; NIL: p NULL, *out empty. */
bool words_string(struct words *w, struct str *out);
bool words_number(struct words *w, uint64_t *out);
/* A value of any kind, lists with all that is in them. */
bool words_skip(struct words *w);

#endif
