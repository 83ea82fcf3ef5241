/* The struct behind client.h, for its files only. */
#ifndef OUTBOUND_CLIENT_PRIV_H
#define OUTBOUND_CLIENT_PRIV_H

#include "codec/smtp/reply.h"
#include "outbound/client.h"

struct client {
	struct stream *stream;
	struct smtp_ehlo ehlo;
	struct smtp_reply reply;          /* the last one */
	char host[256];
	struct net_endpoint peer;
	struct net_addr local;
	bool lmtp, no_chunking;
	bool verified;
	bool over;                        /* no more transactions: lost, 421, or said QUIT */
	bool answers_quit;                /* QUIT was said, and an answer may come */
	bool open_transaction;            /* MAIL was taken and nothing has ended it: RSET before the next */
	unsigned transactions;
	uint64_t opened_ms;
	char tls_text[48];
};

/* Reads a whole reply within ms. 0: c->reply, whatever it says; a 421 makes the client `over`. An error: over as well. */
int client_read_reply(struct client *c, uint64_t ms);
/* The reply, or the failure of reading one (r != 0), as trouble. */
void client_trouble(const struct client *c, int r, const char *during, struct trouble *t);
/* RFC 4954. 0, or an error with *t. */
int client_authenticate(struct client *c, const struct client_setup *s, struct trouble *t);

#endif
