/* Threading as THREAD answers it: RFC 5256 section 3 (ORDEREDSUBJECT, REFERENCES) and REFS of draft-ietf-morg-inthread. Pure: messages are
 * given as numbers and hashes, a forest comes out. For one thread.
 *
 * Message-ids and base subjects are 64-bit keyed hashes (base/hash.h): two that collide would be taken for one, which is not to be
 * expected and harms nothing but a tree. */
#ifndef CODEC_IMAP_THREAD_H
#define CODEC_IMAP_THREAD_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum imap_thread_algorithm {
	IMAP_THREAD_ORDEREDSUBJECT,
	IMAP_THREAD_REFERENCES,
	IMAP_THREAD_REFS,            /* as REFERENCES without step 5; threads in the order of their latest arrival */
};
/* False: no such algorithm. */
bool imap_thread_algorithm(struct str name, enum imap_thread_algorithm *out);

struct imap_thread_message {
	uint32_t number;             /* what is answered: message number or UID */
	uint32_t n_refs;
	const uint64_t *refs;        /* hashes of the references, oldest first (RFC 5256 section 3: References, else In-Reply-To) */
	uint64_t id;                 /* hash of the Message-ID; 0: it has none */
	uint64_t subject;            /* hash of the base subject in the active collation; 0: it is empty */
	int64_t sent;                /* RFC 5256 2.2 */
	int64_t arrived;             /* internal date */
	bool reply;                  /* the base subject says that it is a reply or a forward */
};

#define IMAP_THREAD_NONE UINT32_MAX

/* The answer: nodes 0 to n - 1 are the messages as given, those from there on are dummies. */
struct imap_threads {
	const struct imap_thread_message *message;    /* borrowed: must outlive this */
	uint32_t n;
	uint32_t nodes, cap;
	uint32_t *child, *next;      /* of each node: its first child and its next sibling, IMAP_THREAD_NONE at the end */
	uint32_t *root;              /* the threads in order */
	uint32_t n_roots;
};

/* Messages in the order of the mailbox. 0 or ERR_NO_MEMORY; *out is to be freed in either case. */
int imap_threads_make(enum imap_thread_algorithm algorithm, const struct imap_thread_message *message, uint32_t n,
					  struct imap_threads *out);
void imap_threads_fini(struct imap_threads *t);

/* Where a thread is written; `check` is called now and then and ends the writing when it is not 0. */
struct imap_thread_sink {
	struct buf *out;
	int (*check)(void *arg);
	void *arg;
};
/* thread-list of root i: "(3 6 (4 23)(44 7 96))". 0, ERR_NO_MEMORY, or ERR_CLOSED when check ended it. */
int imap_thread_write(const struct imap_threads *t, uint32_t i, const struct imap_thread_sink *sink);

#endif
