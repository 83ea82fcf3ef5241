#include "queue/queue_private.h"
#include "queue/record.h"

#include "base/clock.h"

static int64_t oldest_arrival(struct store_read *r)
{
	struct key from = queue_key_first(KEY_MESSAGE), to = queue_key_after(KEY_MESSAGE);
	struct envelope_record e;
	struct store_iter *it;
	struct str key, value;
	int64_t arrived = 0;
	if (store_range(r, key_str(&from), key_str(&to), false, &it))
		return 0;
	if (store_next(it, &key, &value) == 1 && envelope_record_decode(value, &e) == 0)
		arrived = e.envelope.arrived;
	store_iter_end(&it);
	return arrived;
}

static int add_shard(struct queue *q, unsigned shard, struct queue_stats *out)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct shard_record record = { 0 };
	struct store_read *r;
	struct str value;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return rc;
	rc = store_get(r, key_str(&key), &value);
	if (rc == 0)
		rc = shard_record_decode(value, &record);
	int64_t oldest = record.messages ? oldest_arrival(r) : 0;
	store_end(&r);
	out->messages += record.messages;
	out->recipients += record.recipients;
	out->bytes += record.bytes;
	out->held += record.held;
	out->owed += record.owed;
	if (oldest && (!out->oldest || oldest < out->oldest))
		out->oldest = oldest;
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int queue_stats(struct queue *q, struct queue_stats *out)
{
	int rc = 0;
	*out = (struct queue_stats){ 0 };
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++)
		rc = add_shard(q, i, out);
	out->submitted = atomic_load(&q->submitted);
	out->delivered = atomic_load(&q->delivered);
	out->failed = atomic_load(&q->failed);
	out->deferred = atomic_load(&q->deferred);
	out->notices = atomic_load(&q->notices);
	pthread_mutex_lock(&q->schedule.lock);
	out->destinations = q->schedule.count;
	out->in_flight = q->schedule.n_jobs;
	pthread_mutex_unlock(&q->schedule.lock);
	return rc;
}
