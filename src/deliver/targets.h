/* The accounts that a message goes to, each once, whatever number of recipients led there. Not for two threads at once.
 * For this room only. */
#ifndef DELIVER_TARGETS_H
#define DELIVER_TARGETS_H

#include "deliver/deliver.h"

struct target {
	uint64_t account;
	int result;
};
struct targets {
	struct target *v;                  /* the first n_open are still to be served; order of no meaning */
	size_t n, n_open;
	size_t n_done;                     /* of the open ones, the first: their results stand */
};

/* 0 or ERR_NO_MEMORY. */
int targets_init(struct targets *t, const struct deliver_recipient *r, size_t n, struct err *e);
/* Settles those that do not exist or plainly have no room, so that nothing is stored if that is all of them. What is
 * right at that moment only; the commit looks again. */
void targets_refuse_full(struct targets *t, struct model *m, size_t size);
/* Tells the recipients their results (rc, when it is not 0, is that of all that are open and not done), frees. The first result that
 * is not 0. */
int targets_finish(struct targets *t, int rc, struct deliver_recipient *r, size_t n, struct err *e);

#endif
