/* What an import did, for people. One thread writes it; the live figures are for everybody. */
#ifndef MIGRATE_REPORT_H
#define MIGRATE_REPORT_H

#include "base/buf.h"

#include <stdint.h>

struct report {
	uint64_t folders, folders_failed;
	uint64_t imported;            /* messages brought over */
	uint64_t copied;              /* of an email that had been brought over for another folder: body shared */
	uint64_t recognised;          /* were there already, though it was not noted */
	uint64_t known;               /* were brought over before */
	uint64_t flagged;             /* whose flags changed there, and here now */
	uint64_t removed;             /* vanished there, and here now */
	uint64_t elsewhere;           /* of \All: lie in another folder */
	uint64_t skipped, failed;     /* messages */
	uint64_t bytes;               /* of what was imported */
	uint64_t dropped_flags;       /* flags that cannot be kept here */
	uint64_t retries;             /* connections that were lost */
	struct buf troubles;          /* lines */
	unsigned n_troubles;          /* also those for which there was no room */
};
static inline void report_init(struct report *r) { *r = (struct report){ .troubles = BUF_INIT((size_t)1 << 20) }; }
static inline void report_fini(struct report *r) { buf_fini(&r->troubles); }
/* What is in `part` besides; part stays as it is. */
void report_add(struct report *r, const struct report *part);
/* One line, without its end; cut after MIGRATE_TROUBLE_MAX bytes. */
void report_trouble(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Of all accounts together, while it goes on. */
struct live {
	_Atomic uint64_t messages, bytes;       /* brought over or found to be there */
	_Atomic uint64_t expected;              /* messages in all folders that are known of */
	_Atomic uint64_t accounts_done, folders_done;
};

#endif
