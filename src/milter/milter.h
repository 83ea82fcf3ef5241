/* A conversation with one filter: milter protocol, version 6 (2 to 6 spoken), client side. Blocking; one thread at a time. It lasts as long as the
 * SMTP session, over all its transactions, and with milter_next over the session after it.
 *
 * Every call returns 0 with the filter's answer, or an error after which the conversation is good for milter_close only; milter_problem says
 * what happened. A filter that has accepted the connection or decided about the message is not asked again until the next one. */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include "milter/filter.h"
#include "milter/message.h"
#include "milter/packet.h"

struct milter;

enum milter_verdict {
	MILTER_CONTINUE,
	MILTER_ACCEPT,               /* from this filter's side; others are asked all the same */
	MILTER_REJECT, MILTER_TEMPFAIL,      /* connection, transaction or recipient, by the stage */
	MILTER_DISCARD,              /* say 250 and forget the message */
	MILTER_SHUTDOWN,             /* say 421 and close */
};
struct milter_answer {
	enum milter_verdict verdict;
	unsigned code;               /* 0 where nothing is refused */
	char enhanced[MILTER_ENHANCED_MAX];  /* "5.7.1", or empty when the filter gave a code without one */
	struct str text;             /* printable, lines separated by LF; lives until the next call */
};

/* What a macro says: name without braces ("i", "auth_authen"). p == NULL: not defined now. Lives until the call with it returns. */
typedef struct str milter_macro_fn(void *ctx, struct str name);
struct milter_macros {
	milter_macro_fn *get;
	void *ctx;
};

/* Connects and negotiates. The filter's settings must outlive the conversation. On failure *out is NULL. */
int milter_open(const struct milter_filter *f, struct milter **out, struct err *e);
/* Says goodbye without waiting. Accepts NULL. */
void milter_close(struct milter **m);
/* The SMTP session is over and another takes the conversation on (QUIT_NC). Only filters that speak version 6. */
int milter_next(struct milter *m);
/* The filter has said or closed something unasked: the conversation is good for nothing. */
bool milter_is_stale(struct milter *m);

/* hostname: the confirmed name of the peer or "[192.0.2.1]"; peer NULL: no IP address. */
int milter_connect(struct milter *m, const struct milter_macros *x, struct str hostname, const struct net_endpoint *peer, struct milter_answer *out);
int milter_helo(struct milter *m, const struct milter_macros *x, struct str helo, struct milter_answer *out);
/* The address without brackets; the ESMTP parameters one by one. */
int milter_mail(struct milter *m, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, struct milter_answer *out);
/* refused: we have refused this recipient already; only filters that want to know are told, and their answer does not count. */
int milter_rcpt(struct milter *m, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, bool refused,
				struct milter_answer *out);
int milter_data(struct milter *m, const struct milter_macros *x, struct milter_answer *out);
int milter_unknown(struct milter *m, const struct milter_macros *x, struct str line, struct milter_answer *out);
/* Header, body, and the end. What it asks to be changed goes into changes (also beside ACCEPT; not beside a refusal). */
int milter_message(struct milter *m, const struct milter_macros *x, const struct milter_message *message, struct milter_changes *changes,
				   struct milter_answer *out);
/* The transaction is over without a message (RSET, a refusal), or another filter has decided. */
int milter_abort(struct milter *m);

const struct milter_filter *milter_filter_of(const struct milter *m);
const char *milter_problem(const struct milter *m);

#endif
