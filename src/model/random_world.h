/* The plain reference of the random test, beside the model in one world; and whether they agree. Every assert_ fails the test when they do not. */
#ifndef MODEL_RANDOM_WORLD_H
#define MODEL_RANDOM_WORLD_H

#include "model/fixture.h"

#define MAILBOXES 6
#define SESSIONS 8
#define WORDS 5

struct ref_message {
	uint32_t uid;
	uint64_t flags;                               /* system flags, and bit 8 + i for word i */
	unsigned body;
};
struct ref_mailbox {
	bool exists;
	uint32_t id;
	uint32_t uidnext;
	struct ref_message *m;
	size_t n, cap;
};

struct session {
	unsigned mailbox;
	struct view *shown;                           /* what the client knows; may be an overlay */
};

struct world {
	struct fixture *f;
	struct account *fresh;                        /* by a model that keeps no views */
	struct ref_mailbox mailbox[MAILBOXES];
	bool keeps;
	struct ref_mailbox bin;
	struct ref_mailbox lost;                      /* what the operation takes out of a mailbox */
	struct session session[SESSIONS];
	unsigned bodies;
	unsigned most;                                /* messages in a mailbox */
	uint64_t random;
};

extern const struct str words[WORDS];

/* Below `below`, from the world's own seed: the same on every machine. */
uint64_t roll(struct world *w, uint64_t below);

/* ---- the reference ---- */

/* A message more, with the mailbox's next UID. */
void ref_add(struct ref_mailbox *mailbox, uint64_t flags, unsigned body);
/* It leaves its mailbox; at the end of the operation ref_settle sees whether that was the last of it. */
void ref_lose(struct world *w, const struct ref_message *m);
void ref_settle(struct world *w);

/* ---- comparing ---- */

/* As the reference has them: system flags, and bit 8 + i for word i. */
uint64_t plain_flags(const struct view *v, uint64_t flags);
void assert_view(const struct view *v, const struct ref_mailbox *mailbox);
void assert_lookups(struct world *w, const struct view *v);
void assert_counts(struct world *w);
void assert_blobs(struct world *w);
void assert_bin(struct world *w);

#endif
