/* What the sender of a message is told: a QUEUE_NOTICE job becomes a delivery status notification (RFC 3461 6, RFC 3464). Pure but for a random
 * number; any thread. */
#ifndef OUTBOUND_NOTICE_H
#define OUTBOUND_NOTICE_H

#include "base/arena.h"
#include "mailauth/dkim.h"
#include "queue/queue.h"

#include <stdbool.h>
#include <stddef.h>

struct notice_config {
	struct str hostname;                  /* Reporting-MTA, and the right of the Message-ID */
	struct str postmaster;                /* local@domain: who notices are from */
	/* Failures of messages with a null sender (bounces that bounce) are told to the postmaster instead of nobody. */
	bool tell_postmaster;
	size_t return_max;                    /* a failed message up to this size is returned whole when RET was not given; 0: 64 KiB */
	size_t return_full_max;               /* and when it was RET=FULL; 0: 10 MiB */
	bool (*is_local)(void *ctx, struct str domain);       /* lower case, A-labels */
	void *ctx;
	const struct dkim_keyring *keyring;   /* signs for the postmaster's domain; may be NULL */
};

/* original: the message of the job. 1: *out is to be submitted; its strings live in the arena, but for slices of original. 0: none is to be sent:
 * nothing is owed, or nobody can be told. ERR_NO_MEMORY. The sender of a message with QUEUE_VERP is told at the template's address as it is. */
int notice_build(const struct queue_job *j, struct str original, const struct notice_config *c, struct arena *a, struct queue_submission *out);

#endif
