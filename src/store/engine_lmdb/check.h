/* Parts of store_check. */
#ifndef STORE_ENGINE_LMDB_CHECK_H
#define STORE_ENGINE_LMDB_CHECK_H

#include "store/engine_lmdb/lmdb_store.h"

struct check {
	struct lmdb_store *s;
	bool repair;
	store_report_fn *report;
	void *report_arg;
	uint64_t faults;
};

/* Counts a fault and reports it in one line. */
void check_fault(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Every pair of every table. 0 or an error that ended the pass. */
int check_index(struct check *c);
/* Every segment file against the tables. */
int check_segments(struct check *c);

#endif
