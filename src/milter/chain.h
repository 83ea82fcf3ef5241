/* The filters of one SMTP session, asked one after the other at every stage. One thread at a time; blocks while a filter thinks.
 *
 * The first refusal ends a stage: later filters are not asked. A message passes each filter as the ones before it have left it. A refusal of the
 * connection or of HELO is repeated at every MAIL. A filter that fails is out until the next MAIL, which asks it anew and tells it connection and
 * HELO again; meanwhile its `fail` setting answers, at MAIL and later, never at the connection: whom it stops may try again. */
#ifndef MILTER_CHAIN_H
#define MILTER_CHAIN_H

#include "milter/filters.h"

struct milter_chain;

/* Told of every failure, for the log. */
typedef void milter_report_fn(void *ctx, const struct milter_filter *f, const char *problem);

struct milter_result {
	struct milter_answer answer;         /* never MILTER_ACCEPT: that is CONTINUE with nobody left to ask */
	const struct milter_filter *filter;  /* whose answer it is; NULL with CONTINUE */
	bool failed;                         /* the answer is what the settings say for a filter that fails */
};

/* Takes a reference of f. 0 or ERR_NO_MEMORY. No filter is connected before milter_chain_connect. */
int milter_chain_create(struct milter_filters *f, milter_report_fn *report, void *report_ctx, struct milter_chain **out);
/* Ends the session with all filters. Accepts NULL. */
void milter_chain_destroy(struct milter_chain **c);

/* As the functions of milter.h. macros must be able to answer for earlier stages too. */
void milter_chain_connect(struct milter_chain *c, const struct milter_macros *x, struct str hostname, const struct net_endpoint *peer,
						  struct milter_result *out);
void milter_chain_helo(struct milter_chain *c, const struct milter_macros *x, struct str helo, struct milter_result *out);
void milter_chain_mail(struct milter_chain *c, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n,
					   struct milter_result *out);
void milter_chain_rcpt(struct milter_chain *c, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, bool refused,
					   struct milter_result *out);
void milter_chain_data(struct milter_chain *c, const struct milter_macros *x, struct milter_result *out);
void milter_chain_unknown(struct milter_chain *c, const struct milter_macros *x, struct str line, struct milter_result *out);
/* The whole message through all filters: what comes out of them is in message and, for the envelope, in changes, both set up by the caller.
 * With DISCARD or a refusal they are of no use. */
void milter_chain_message(struct milter_chain *c, const struct milter_macros *x, struct milter_message *message, struct milter_changes *changes,
						  struct milter_result *out);
/* The transaction is over, with or without a message. Harmless when there is none. */
void milter_chain_abort(struct milter_chain *c);

#endif
