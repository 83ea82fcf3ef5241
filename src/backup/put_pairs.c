#include "backup/put_pairs.h"

#include "backup/limits.h"
#include "backup/pairs.h"

static int put_one(void *w, struct str key, struct str value) { return store_put(w, key, value); }

static int put_run(struct store_write *w, void *arg)
{
	const struct put_pairs *p = arg;
	return pairs_each(buf_str(&p->run), put_one, w);
}

int put_pairs_end(struct put_pairs *p)
{
	int rc = p->run.failed ? ERR_NO_MEMORY : p->n ? ERR_UNKNOWN : 0;
	/* Putting the same again changes nothing. */
	for (unsigned tries = 0; rc == ERR_UNKNOWN && tries < COMMIT_TRIES; tries++)
		rc = store_commit(p->store, p->scope, put_run, p);
	buf_reset(&p->run);
	p->n = 0;
	return rc;
}

int put_pairs_add(struct put_pairs *p, struct str key, struct str value)
{
	buf_add_varint(&p->run, key.n);
	buf_add_str(&p->run, key);
	buf_add_varint(&p->run, value.n);
	buf_add_str(&p->run, value);
	p->n++;
	return p->n >= PUT_PAIRS_MAX || p->run.n >= PUT_BYTES_MAX ? put_pairs_end(p) : 0;
}
