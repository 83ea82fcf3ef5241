/* For the tests of this room: a house with one user on the engine mem, and messages put into INBOX. Fails the test
 * when it cannot. */
#ifndef PROTO_POP3_WORLD_H
#define PROTO_POP3_WORLD_H

#include "proto/common/services.h"

#include <stdint.h>

struct house {
	struct directory *directory;
	struct model *model;
	struct services *services;
};

struct world {
	struct store *store, *failing;    /* the same bytes; through `failing` every commit fails */
	struct house well, ill;           /* on the one and on the other */
	uint64_t account;
};

#define WORLD_USER "alice@example.org"
#define WORLD_PASSWORD "wonderland"

/* As cmocka's setup and teardown; the state is a struct world. */
int world_setup(void **state);
int world_teardown(void **state);
/* Appends to INBOX, as IMAP APPEND would; returns the UID. */
uint32_t world_append(struct world *w, struct str message);
/* How many are in INBOX now. */
uint32_t world_count(struct world *w);
/* Removes one from INBOX, as IMAP EXPUNGE would. */
void world_expunge(struct world *w, uint32_t uid);

#endif
