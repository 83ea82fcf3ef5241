/* The values of a shard's scope; see doc/format/queue.md. Every value but the smallest begins with eight octets: version, kind, two zeros,
 * CRC-32C of all the rest. Any thread. Decoding: 0, ERR_VERSION (written by a newer program), ERR_CORRUPT, ERR_NO_MEMORY; what comes out points
 * into the value. */
#ifndef QUEUE_RECORD_H
#define QUEUE_RECORD_H

#include "base/arena.h"
#include "base/buf.h"
#include "queue/queue.h"

#define RECORD_VERSION 1u
#define RECORD_HEADER 8u

/* One a shard. */
struct shard_record {
	uint64_t next;                        /* number of the next message */
	uint64_t foreign;                     /* commits by others than the process that delivers */
	uint64_t messages, recipients, bytes; /* recipients: not settled */
	uint64_t held, owed;                  /* messages that are held, that owe a notice */
};

enum told { TOLD_DELAY = 1, TOLD_LATE = 2 };          /* what the clock did to a message: the delay notice, its deliver-by time */
struct envelope_record {
	struct queue_envelope envelope;       /* expires: the effective one */
	store_blob_id blob;
	uint64_t size;
	int64_t warn_at;                      /* when a delay is told */
	unsigned told;
	int64_t clock;                        /* its entry among the times; 0: none */
	unsigned owing;                       /* recipients whose `owed` is not 0 */
	int64_t notice_at;                    /* its entry among the notices; 0: none */
};

/* One recipient. */
struct entry {
	struct queue_recipient r;             /* destination: the group's */
	uint32_t index;
	uint32_t attempts;
	unsigned owed;                        /* enum queue_event */
	bool settled;
	int64_t next, last_attempt;
	struct str status, reply, remote;
};
/* Recipients of one message and one destination: what one job is. */
struct group_record {
	struct str destination;
	int64_t due;                          /* its entry in the queue, when one of them is not settled */
	struct entry *entries;
	size_t n;                             /* 1 .. QUEUE_GROUP_MAX */
};

/* A destination that could not be reached. */
struct destination_record {
	unsigned failures;
	int64_t until;
	struct str status, reply, remote;
};

/* Appends to b; whether that worked is b->failed. */
void shard_record_encode(const struct shard_record *r, struct buf *b);
void envelope_record_encode(const struct envelope_record *r, struct buf *b);
void group_record_encode(const struct group_record *r, struct buf *b);
void destination_record_encode(const struct destination_record *r, struct buf *b);

int shard_record_decode(struct str value, struct shard_record *out);
int envelope_record_decode(struct str value, struct envelope_record *out);
int group_record_decode(struct str value, struct arena *a, struct group_record *out);
int destination_record_decode(struct str value, struct destination_record *out);

/* Version and checksum anew: for those who change the bytes. */
void queue_record_seal(char *p, size_t n);
/* How many of them are not settled; of how many the sender is to be told. */
unsigned group_record_pending(const struct group_record *r);
unsigned group_record_owing(const struct group_record *r);

#endif
