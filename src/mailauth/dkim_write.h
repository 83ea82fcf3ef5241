/* Writes one signature field: its tags, folded to lines of 78 octets where that can be (RFC 5322 2.1.1), and at last b=. One thread. */
#ifndef MAILAUTH_DKIM_WRITE_H
#define MAILAUTH_DKIM_WRITE_H

#include "base/buf.h"
#include "mailauth/dkim.h"

struct dkim_writer {
	struct buf *out;
	size_t at;                    /* where the field begins in out */
	size_t column;
};

/* field: "DKIM-Signature:" */
void dkim_write_begin(struct dkim_writer *w, struct buf *out, struct str field);
/* name: with its '=', as "d=". */
void dkim_write_tag(struct dkim_writer *w, struct str name, struct str value);
void dkim_write_number(struct dkim_writer *w, struct str name, int64_t value);
/* A value that may be broken behind its colons. */
void dkim_write_list(struct dkim_writer *w, struct str name, struct str value);
/* b= over `before` and the field as it stands, and the CRLF. 0, ERR_NO_MEMORY, ERR_UNSUPPORTED. */
int dkim_write_signature(struct dkim_writer *w, struct str before, const struct dkim_key *key);

#endif
