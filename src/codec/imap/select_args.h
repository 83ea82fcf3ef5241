/* What SELECT and EXAMINE ask for behind the mailbox: RFC 4466 2.1, CONDSTORE (RFC 7162 3.1.8), QRESYNC (RFC 7162 3.2.5). For one thread. */
#ifndef CODEC_IMAP_SELECT_ARGS_H
#define CODEC_IMAP_SELECT_ARGS_H

#include "codec/imap/cursor.h"
#include "codec/imap/seqset.h"

#include <stdbool.h>
#include <stdint.h>

/* What the client remembers of the mailbox. No set has "*" or "$" in it. */
struct imap_qresync {
	uint32_t uidvalidity;
	uint64_t modseq;                     /* at least 1 */
	bool has_known;
	struct imap_seqset known;            /* UIDs; RFC 7162 3.2.5.1 */
	/* The sample of RFC 7162 3.2.5.2: the nth number of `numbers` was the message with the nth UID of `uids`. Both ascend strictly, and as
	 * many numbers are in the one as in the other (read them with imap_sample_next). */
	bool has_sample;
	struct imap_seqset numbers, uids;
};

struct imap_select {
	bool condstore;
	bool has_qresync;
	struct imap_qresync qresync;
};

/* [SP "(" select-param *(SP select-param) ")"] and the end of the command. */
bool imap_select_args(struct imap_cursor *c, struct imap_select *out);

/* One run of the sample: numbers number .. number + count - 1 were UIDs uid .. uid + count - 1. */
struct imap_sample {
	uint32_t number, uid, count;
};
struct imap_sample_walk {
	const struct imap_qresync *q;
	size_t number_range, uid_range;      /* the next run begins in these ranges, */
	uint32_t number_used, uid_used;      /* behind so many of their numbers */
};
/* Starts with a zeroed walk but for q. False at the end. There are at most as many runs as both sets have ranges. */
bool imap_sample_next(struct imap_sample_walk *w, struct imap_sample *out);

#endif
