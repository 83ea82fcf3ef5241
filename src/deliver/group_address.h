/* Where mail that a group sent comes back to: LIST-bounces-TAG@domain, with +user=host of the member when each has an address of their own (VERP). The
 * tag is a day and a keyed hash, so that nobody can count members out who has not seen mail of the list. Pure; any thread. */
#ifndef DELIVER_GROUP_ADDRESS_H
#define DELIVER_GROUP_ADDRESS_H

#include "base/buf.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define GROUP_BOUNCE_DAYS 21              /* how long after the message what comes back is believed */

/* Appends it, without a member: the queue's VERP template as well. list: canonical name. 0 or an error of the hash. */
int group_bounce_address(struct str list, struct str key, int64_t now, struct buf *out);

struct group_bounce_detail {
	bool authentic;
	struct str user, host;                /* of the member, slices of the detail; empty: none there */
};
/* detail: what stood behind LIST-bounces, as directory_resolve tells: "-TAG+user=host". Letters may have lost their case. */
int group_bounce_read(struct str list, struct str key, int64_t now, struct str detail, struct group_bounce_detail *out);

#endif
