/* A message made ready for any number of signatures over the same fields, relaxed/relaxed. One thread. */
#ifndef MAILAUTH_DKIM_TEMPLATE_H
#define MAILAUTH_DKIM_TEMPLATE_H

#include "base/buf.h"
#include "mailauth/dkim.h"
#include "mailauth/dkim_message.h"

struct dkim_template {
	struct buf names;             /* h= */
	struct buf header;            /* the fields it names, canonical */
	struct buf body_hash;         /* bh= */
};
/* with_signatures: the DKIM-Signature fields that are there are signed too, as ARC wants it (RFC 8617 4.1.2). 0, ERR_INVALID (no From),
 * ERR_TOO_BIG (too many fields), ERR_NO_MEMORY. fini also after a failure. */
int dkim_template_init(struct dkim_template *t, const struct dkim_message *m, bool with_signatures, struct err *e);
void dkim_template_fini(struct dkim_template *t);

#endif
