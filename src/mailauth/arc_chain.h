/* The ARC fields of a message sorted into sets, and whether they make a chain: RFC 8617 4.2 and 5.2 steps 1 to 3. Any thread; everything lies in the
 * arena or points into the message. */
#ifndef MAILAUTH_ARC_CHAIN_H
#define MAILAUTH_ARC_CHAIN_H

#include "mailauth/arc.h"
#include "mailauth/dkim_message.h"

#define ARC_SETS_MAX 50                   /* RFC 8617 4.2.1 */

struct arc_set {
	const struct dkim_field *results;     /* ARC-Authentication-Results */
	const struct dkim_field *message;     /* ARC-Message-Signature */
	const struct dkim_field *seal;        /* ARC-Seal */
	struct str payload;                   /* of results, behind "i=N;" */
	enum arc_result cv;                   /* of seal */
};
struct arc_chain {
	struct arc_set *sets;                 /* sets[0] has i=1; ARC_SETS_MAX of them, perhaps empty ones */
	unsigned n;                           /* the highest instance found; 0: no chain, or none that can be counted */
	bool any;                             /* there are ARC fields */
	bool failed;                          /* the newest seal says so itself */
	const char *problem;                  /* static: why it is no chain; NULL when whole */
};
/* 0 or ERR_NO_MEMORY. */
int arc_chain_read(struct arena *a, const struct dkim_message *m, struct arc_chain *out);
/* "i" of an ARC-Authentication-Results value, and what stands behind its semicolon. 0: there is none. */
unsigned arc_results_instance(struct str value, struct str *payload_out);

/* Appends what a seal signs of one set, in its order (5.1.1): results, message signature and, if `whole`, the seal. */
void arc_set_canon(const struct arc_set *s, bool whole, struct buf *out);

#endif
