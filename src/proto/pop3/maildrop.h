/* The messages of one session: an immutable snapshot of INBOX under the account's POP3 lock, and marks of what is to
 * be deleted. Belongs to one session (one thread at a time). Numbers are those of RFC 1939 less 1. */
#ifndef PROTO_POP3_MAILDROP_H
#define PROTO_POP3_MAILDROP_H

#include "base/buf.h"
#include "base/err.h"
#include "model/model.h"

#include <stdbool.h>
#include <stdint.h>

struct maildrop {
	struct account *account;              /* NULL: not open */
	struct view *view;
	uint32_t count;                       /* messages in the snapshot */
	uint32_t marked;                      /* of these to be deleted */
	uint64_t *marks;                      /* bit per message; NULL: none was ever marked */
	uint64_t *unended;                    /* bit per message that has no last CRLF; NULL: none has not */
	uint64_t bytes;                       /* as sent, of all messages; known when measured */
	bool measured;
};

/* Opens and locks. login_delay_s: 0, or how long the last session must be ago. ERR_CONFLICT: another session has it;
 * ERR_DENIED: too soon after the last session; others: as the model says. On failure nothing is held. */
int maildrop_open(struct maildrop *d, struct model *m, uint64_t account, uint64_t login_delay_s);
/* Unlocks and forgets; nothing is deleted. A maildrop that is not open is fine. */
void maildrop_close(struct maildrop *d);
/* The UPDATE state: deletes what is marked for good, all or nothing, durable on 0. */
int maildrop_update(struct maildrop *d);

bool maildrop_is_marked(const struct maildrop *d, uint32_t index);
int maildrop_mark(struct maildrop *d, uint32_t index);        /* 0 or ERR_NO_MEMORY */
void maildrop_unmark_all(struct maildrop *d);

/* Finds out which messages will be sent longer than they are (see unended). Once a session, before sizes are asked
 * for. */
int maildrop_measure(struct maildrop *d);
/* Octets as sent, without byte-stuffing (RFC 1939 section 11). */
uint64_t maildrop_size(const struct maildrop *d, const struct message *m, uint32_t index);
/* The sum over unmarked messages. */
uint64_t maildrop_unmarked_bytes(const struct maildrop *d);
/* 16 hexadecimal digits: UIDVALIDITY and UID, so never reused and the same in every session. */
void maildrop_unique_id(const struct maildrop *d, const struct message *m, struct buf *out);

/* One message to be sent. ERR_NOT_FOUND: another client removed it meanwhile. */
struct maildrop_message {
	struct store_blob_view blob;
	bool needs_utf8;                      /* an internationalized message (RFC 6532) */
};
int maildrop_map(struct maildrop *d, uint32_t index, struct maildrop_message *out);
/* As email_intact. */
bool maildrop_intact(struct maildrop *d, const struct maildrop_message *m);
void maildrop_unmap(struct maildrop *d, struct maildrop_message *m);

#endif
