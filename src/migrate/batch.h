/* Messages that are brought over together: asked for with one command, parsed and stored by several threads, committed at once. Private to migrate/. */
#ifndef MIGRATE_BATCH_H
#define MIGRATE_BATCH_H

#include "migrate/limits.h"
#include "migrate/pass.h"

struct item {
	const struct found *f;
	struct buf message;               /* as it is kept here */
	struct arena arena;
	struct append append;
	struct str keywords[KEYWORDS_MAX];
	uint32_t ours;                    /* was there already */
	int result;                       /* 0: not arrived, 1: arrived, else an error: not to be had */
	struct err err;
};
struct batch {
	struct item items[MIGRATE_BATCH];
	size_t n;
	uint64_t bytes;                   /* announced */
	uint64_t held;                    /* of those that arrived */
};

/* source_body_fn; arg is the struct batch_taking. */
struct batch_taking {
	struct batch *batch;
	struct batch *ahead;              /* asked for behind it: a server may give of both by turns, RFC 9051 5.5 */
};
/* What would make the batch much larger than was announced is taken for not given: asked for alone it may be as large as a message may be. */
int batch_arrive(void *arg, uint32_t uid, struct str message, int result);
size_t batch_arrived(const struct batch *b);
/* Stores and notes what has arrived; what could not be stored is told in the report. 0 or an error that ends the account. */
int batch_store(struct pass *p, struct batch *b, struct err *e);
void batch_clear(struct batch *b);

/* When a message came, by its own header: the newest Received field, else Date; false: neither can be read. */
bool batch_date(struct str message, int64_t *out);

#endif
