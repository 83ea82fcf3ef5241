/* Counts of like events by day and domain: what reports are made from. Kept in memory for a minute, then merged into the store's
 * system scope (doc/format/report.md), so that a restart loses a minute at most. A row is bytes that only its maker understands. Any thread. */
#ifndef REPORT_TALLY_H
#define REPORT_TALLY_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#include <stdint.h>

struct tally;

enum tally_kind { TALLY_DMARC = 'd', TALLY_TLS = 't' };
struct tally_row {
	struct str bytes;
	uint64_t count;
};
struct tally_domain {
	uint32_t day;                /* since 1970-01-01 UTC */
	struct str domain;           /* lower case */
};

int tally_create(struct store *s, struct tally **out);
void tally_destroy(struct tally **t);          /* what was not flushed is lost; accepts NULL */
/* Counts one more. Over a limit it is not counted. */
void tally_add(struct tally *t, enum tally_kind kind, uint32_t day, struct str domain, struct str row);
int tally_flush(struct tally *t);              /* 0, or why the rows stay in memory */

/* From the store; flush first. All days before `before`. */
int tally_domains(struct tally *t, enum tally_kind kind, uint32_t before, struct arena *a, struct tally_domain **out, size_t *n_out);
int tally_rows(struct tally *t, enum tally_kind kind, const struct tally_domain *d, struct arena *a, struct tally_row **out, size_t *n_out);
int tally_forget(struct tally *t, enum tally_kind kind, const struct tally_domain *d);

static inline uint32_t tally_day(int64_t unix_seconds) { return (uint32_t)(unix_seconds / 86400); }

#endif
