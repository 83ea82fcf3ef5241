/* Structured MIME fields: Content-Type, Content-Disposition and the like. RFC 2045 5.1 tokens and parameters, RFC 2231
 * continuations and extended values, RFC 2183. Lenient: what cannot be understood is skipped to the next semicolon.
 * Any thread. Strings are slices of the body or arena copies. */
#ifndef CODEC_MIME_PARAM_H
#define CODEC_MIME_PARAM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mime_param {
	/* As it goes into BODYSTRUCTURE: continuations are joined (RFC 2231 6), so no "*0" remains, but a trailing "*" does
	 * when the value is extended. */
	struct str name;
	struct str value;      /* quoting removed; extended: charset'language'percent-encoded */
	bool extended;
};

struct mime_content {
	struct str type;       /* "text"; of a disposition: "attachment" */
	struct str subtype;    /* "plain"; of a disposition: "" */
	const struct mime_param *param;
	size_t param_count;
};

/* type "/" subtype *(";" parameter). Returns 0, ERR_INVALID when there is no type/subtype (out is then zero: RFC 2045
 * 5.2 says to assume the default) or ERR_NO_MEMORY. *defects (may be NULL) gets MIME_BAD_PARAM and
 * MIME_TOO_MANY_PARAMS. */
int mime_content_type_parse(struct str body, struct arena *a, struct mime_content *out, uint32_t *defects);
/* token *(";" parameter), as in Content-Disposition: the same, with an empty subtype. */
int mime_disposition_parse(struct str body, struct arena *a, struct mime_content *out, uint32_t *defects);

/* The parameter of that name, plain or extended ("filename" finds "filename*" too, and prefers it); NULL if absent. */
const struct mime_param *mime_param_find(const struct mime_content *c, struct str name);
/* The value as UTF-8: extended values through their charset, plain ones through RFC 2047 words, which many mailers put
 * there although RFC 2047 5 forbids it. Of an unknown charset the bytes are read as mime_charset_guess does. */
void mime_param_decode(const struct mime_param *p, struct buf *out);

/* Content-Language (RFC 3282): the next tag of a comma separated list, comments skipped. False at the end. */
bool mime_language_next(struct str *rest, struct str *tag_out);
/* The one token of a field such as Content-Transfer-Encoding or MIME-Version's kin, comments skipped; empty if none. */
struct str mime_token_parse(struct str body);

#endif
