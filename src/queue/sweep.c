/* Giving back bodies of messages that are gone: many together, because each time costs a commit. What a check condemned has a value: not before that time. */
#include "queue/change.h"
#include "queue/limits.h"
#include "queue/queue_private.h"

#include "base/bytes.h"
#include "base/clock.h"

struct sweep {
	store_blob_id ids[QUEUE_SWEEP_BATCH];
	size_t n;
	bool later;                           /* out: the time of some has not come */
};

static int read_freed(struct queue *q, unsigned shard, struct sweep *s)
{
	struct key from = queue_key_first(KEY_UNTAG), to = queue_key_after(KEY_UNTAG);
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	s->n = 0;
	s->later = false;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	while (rc >= 0 && s->n < QUEUE_SWEEP_BATCH && (rc = store_next(it, &key, &value)) == 1) {
		if (value.n == 8 && load_be64(value.p) > (uint64_t)clock_now())
			s->later = true;
		else if (key_read_number(key, &s->ids[s->n]))
			s->n++;
	}
	store_end(&r);
	return rc < 0 ? rc : 0;
}

static int forget(struct change *c, void *arg)
{
	const struct sweep *s = arg;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < s->n; i++)
		rc = change_del(c, key_number(KEY_UNTAG, s->ids[i]));
	return rc;
}

int sweep_run(struct queue *q, unsigned shard, bool *more_out)
{
	struct sweep s;
	*more_out = false;
	int rc = read_freed(q, shard, &s);
	/* or nobody would come back for them */
	if (rc == 0 && s.later)
		atomic_fetch_add(&q->freed[shard], 1);
	if (rc || s.n == 0)
		return rc;
	rc = store_blob_untag(q->store, s.ids, s.n, queue_tag(shard));
	if (rc == 0)
		rc = change_run(q, shard, forget, &s);
	*more_out = rc == 0 && s.n == QUEUE_SWEEP_BATCH;
	return rc;
}
