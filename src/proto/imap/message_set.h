/* Which messages a command means: sequence sets and UID sets of the client, as message numbers of what it knows
 * (selected.view). Numbers count from 1. Threads: as session.h. Rangesets are the caller's to rangeset_fini. */
#ifndef PROTO_IMAP_MESSAGE_SET_H
#define PROTO_IMAP_MESSAGE_SET_H

#include "base/rangeset.h"
#include "codec/imap/seqset.h"
#include "proto/imap/command.h"

#include <stdbool.h>
#include <stdint.h>

/* Reads a sequence set (UIDs with `uid`) from r->args and adds the numbers of the messages it names. UIDs that are not there
 * are passed over (RFC 3501 6.4.8). False with the reply set: BAD for syntax and for numbers that are not there. */
bool imap_read_messages(struct imap_request *r, bool uid, struct rangeset *numbers_out);
/* The same for a set that was read before. */
bool imap_resolve_messages(struct imap_request *r, const struct imap_seqset *set, bool uid, struct rangeset *numbers_out);

/* The greatest UID in the view; 0 when it is empty. */
uint32_t imap_largest_uid(const struct view *v);

/* Both 0 or ERR_NO_MEMORY. The UIDs may include some that do not exist any more between those that do: the model
 * passes over them. */
int imap_numbers_to_uids(const struct view *v, const struct rangeset *numbers, struct rangeset *uids_out);
int imap_uids_to_numbers(const struct view *v, const struct rangeset *uids, struct rangeset *numbers_out);

/* The messages of a set of numbers, one after the other. The set must not change meanwhile. */
struct imap_message_walk {
	const struct rangeset *numbers;
	size_t range;
	uint32_t number;              /* of the message returned last */
	bool down;                    /* from the highest to the lowest */
	struct view_iter iter;
};
void imap_message_walk_init(struct imap_message_walk *w, const struct view *v, const struct rangeset *numbers);
/* Before the first next: RFC 9738 3.1 wants them from the highest to the lowest where a command is cut short. */
void imap_message_walk_down(struct imap_message_walk *w);
const struct message *imap_message_walk_next(struct imap_message_walk *w);     /* NULL at the end */

#endif
