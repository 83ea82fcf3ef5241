/* The lexical tokens of structured header fields: RFC 5322 3.2. Any thread, no allocation.
 *
 * The scanner is linear on any input: a comment or a quoted string that never ends is not searched for twice, its
 * opening character then stands for itself. */
#ifndef CODEC_MIME_LEX_H
#define CODEC_MIME_LEX_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct mime_lex {
	const char *p;
	const char *end;
	bool comments_off;    /* an opening parenthesis had no end */
	bool quotes_off;
};

static inline struct mime_lex mime_lex_make(struct str s) { return (struct mime_lex){ s.p, s.n ? s.p + s.n : s.p, false, false }; }
static inline bool mime_lex_at_end(const struct mime_lex *l) { return l->p == l->end; }
/* The next byte, or -1 at the end. */
static inline int mime_lex_peek(const struct mime_lex *l) { return l->p < l->end ? (unsigned char)*l->p : -1; }

/* Skips comments, blanks and line ends (CFWS). True when there were any. When a comment was among them and comment_out
 * is not NULL, it receives the inside of the last one, quoting and folding as written. */
bool mime_lex_skip(struct mime_lex *l, struct str *comment_out);

/* At '"': takes a whole quoted string, and *inside_out is what stands between the quotes, quoting and folding as
 * written. False, and nothing is taken, when there is none or it has no end. */
bool mime_lex_quoted(struct mime_lex *l, struct str *inside_out);

/* Takes the longest run of bytes that are neither blank, line end nor one of `stops`. May be empty. */
struct str mime_lex_until(struct mime_lex *l, const char *stops);

/* True when mime_lex_unquote would change anything. */
bool mime_lex_is_quoted(struct str s);
/* Copies without backslashes of quoted pairs and without line ends, NULs as spaces; to must have s.n bytes. Returns
 * how many. */
size_t mime_lex_unquote(struct str s, char *to);

#endif
