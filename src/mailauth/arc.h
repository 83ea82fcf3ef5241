/* Authenticated Received Chain: RFC 8617. As dkim.h. */
#ifndef MAILAUTH_ARC_H
#define MAILAUTH_ARC_H

#include "mailauth/dkim.h"

enum arc_result { ARC_NONE, ARC_PASS, ARC_FAIL };
const char *arc_result_text(enum arc_result r);

struct arc_verdict {
	enum arc_result result;
	unsigned instances;                              /* sets in the chain; 50 at most */
	unsigned oldest_pass;                            /* 8617 5.2; 0: all */
	struct str sealer;                               /* d= of the newest seal */
	struct str results;                              /* the newest ARC-Authentication-Results without "i=N;" */
	const char *problem;                             /* static; NULL unless fail */
	bool temporary;                                  /* it failed for want of an answer of DNS */
};
int arc_validate(const struct dns_source *dns, struct arena *a, struct str message, int64_t now, struct arc_verdict *out);
/* Appends the three fields of the next set (RFC 8617 5.1), to go in front of the message. authres: "host; spf=pass ..." as in Authentication-Results.
 * incoming: what arc_validate said of the message before it was changed. ERR_CONFLICT: the chain has failed already or is full: do not seal. */
int arc_seal(struct str message, const struct dkim_signer *s, enum arc_result incoming, unsigned instances, struct str authres, int64_t now, struct buf *out, struct err *e);

#endif
