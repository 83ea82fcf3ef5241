/* One signature field read and checked by itself, before any key is asked for: RFC 6376 3.5 and 6.1.1; the same for ARC's two (RFC 8617 4.1). Any
 * thread; all slices lie in the arena or the message. */
#ifndef MAILAUTH_DKIM_SIGNATURE_H
#define MAILAUTH_DKIM_SIGNATURE_H

#include "mailauth/dkim.h"
#include "mailauth/dkim_canon.h"
#include "mailauth/dkim_message.h"
#include "mailauth/dkim_tags.h"

enum dkim_kind { DKIM_FIELD, DKIM_ARC_MESSAGE, DKIM_ARC_SEAL };

struct dkim_signature {
	enum dkim_kind kind;
	const struct dkim_field *field;
	struct dkim_tags tags;
	/* as they stand, for reports, whether they are right or not */
	struct str algorithm_text, selector, identity, beginning;
	struct str domain;                    /* lower case, A-labels (RFC 8616 4) once it has been found right */
	enum dkim_algorithm algorithm;
	struct str query;                     /* the name under which the key stands */
	struct str signature, body_hash;      /* decoded */
	struct str names;                     /* h= */
	enum dkim_canon header;
	struct dkim_body_hash body;           /* how and limit; the rest is for whoever hashes */
};
/* DKIM_PASS: it may be verified. Otherwise what it is worth, and *problem_out (static). ERR_NO_MEMORY comes as a negative number. */
int dkim_signature_read(struct arena *a, enum dkim_kind kind, const struct dkim_field *field, int64_t now, struct dkim_signature *out,
						const char **problem_out);
/* Appends the field as it is signed: canonical, b= emptied, without its CRLF (RFC 6376 3.7). */
void dkim_signature_canon(const struct dkim_signature *s, struct buf *out);
/* Appends all that h= names. 0 or ERR_NO_MEMORY. */
int dkim_signature_canon_header(struct arena *a, const struct dkim_message *m, const struct dkim_signature *s, struct buf *out);

#endif
