#include "queue/queue_private.h"

#include "queue/record.h"

#include "base/ascii.h"
#include "base/clock.h"

/* ---- configuration ---- */

static uint64_t or_default(uint64_t v, uint64_t otherwise) { return v ? v : otherwise; }

static struct queue_config with_defaults(const struct queue_config *c)
{
	struct queue_config r = *c;
	r.retry_first_s = or_default(r.retry_first_s, 300);
	r.retry_max_s = or_default(r.retry_max_s, 14400);
	if (r.retry_max_s < r.retry_first_s)
		r.retry_max_s = r.retry_first_s;
	r.expire_s = or_default(r.expire_s, 5 * 86400);
	r.expire_null_s = or_default(r.expire_null_s, 86400);
	r.warn_s = or_default(r.warn_s, 4 * 3600);
	r.messages_max = or_default(r.messages_max, 10000000);
	return r;
}

void queue_set_config(struct queue *q, const struct queue_config *c)
{
	struct queue_config r = with_defaults(c);
	pthread_mutex_lock(&q->schedule.lock);
	q->config = r;
	q->schedule.retry_max_ms = (int64_t)r.retry_max_s * 1000;
	pthread_mutex_unlock(&q->schedule.lock);
}

struct queue_config queue_config_get(struct queue *q)
{
	pthread_mutex_lock(&q->schedule.lock);
	struct queue_config c = q->config;
	pthread_mutex_unlock(&q->schedule.lock);
	return c;
}

/* Each step is 1.7 times the last, less up to an eighth: so it grows by 1.5 to 1.95, and many that failed together do not come back
 * together. */
uint64_t queue_retry_ms(struct queue *q, const struct queue_config *c, unsigned attempts)
{
	double ms = (double)c->retry_first_s * 1000, most = (double)c->retry_max_s * 1000;
	for (unsigned i = 1; i < attempts && ms < most; i++)
		ms *= 1.7;
	if (ms > most)
		ms = most;
	uint64_t x = atomic_fetch_add_explicit(&q->draws, 0x9e3779b97f4a7c15u, memory_order_relaxed);
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (uint64_t)(ms * (1 - (double)(x >> 40) / (1 << 24) / 8));
}

/* ---- ids ---- */

struct str queue_id_format(uint64_t id, char text[QUEUE_ID_TEXT])
{
	return str_make(text, (size_t)snprintf(text, QUEUE_ID_TEXT, "%llx", (unsigned long long)id));
}

bool queue_id_parse(struct str text, uint64_t *id_out)
{
	uint64_t id = 0;
	if (text.n == 0 || text.n >= QUEUE_ID_TEXT)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int digit = ascii_hex_value(text.p[i]);
		if (digit < 0)
			return false;
		id = id << 4 | (unsigned)digit;
	}
	*id_out = id;
	return id != 0;
}

/* ---- open and close ---- */

static int read_shard(struct queue *q, unsigned shard, struct err *e)
{
	struct key key = queue_key_first(KEY_SHARD);
	struct shard_record record = { 0 };
	struct store_read *r;
	struct str value;
	int rc = store_begin(q->store, queue_scope(shard), &r);
	if (rc)
		return err_set(e, rc, NULL, "shard %u of the queue cannot be read: %s", shard, err_text(rc));
	rc = store_get(r, key_str(&key), &value);
	if (rc == 0)
		rc = shard_record_decode(value, &record);
	store_end(&r);
	atomic_store(&q->messages[shard], record.messages);
	/* a damaged one is for the check to mend; until then commits fail */
	if (rc == 0 || rc == ERR_NOT_FOUND || rc == ERR_CORRUPT)
		return 0;
	return err_set(e, rc, NULL, "shard %u of the queue: %s", shard, err_text(rc));
}

int queue_open(struct store *s, const struct queue_config *c, struct queue **out, struct err *e)
{
	*out = NULL;
	struct queue *q = calloc(1, sizeof(*q));
	if (!q || schedule_init(&q->schedule)) {
		free(q);
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a queue");
	}
	q->store = s;
	atomic_store(&q->draws, (uint64_t)clock_now_ms());
	queue_set_config(q, c ? c : &(struct queue_config){ 0 });
	int rc = clerk_create(q);
	for (unsigned i = 0; rc == 0 && i < QUEUE_SHARDS; i++)
		rc = read_shard(q, i, e);
	if (rc)
		queue_close(&q);
	*out = q;
	return rc;
}

/* What could not be written down by now is lost with its job: the store has refused all along. */
static void drop_unwritten(struct schedule *s)
{
	while (s->jobs) {
		struct job *j = s->jobs;
		schedule_job_remove(s, j);
		job_free(&j);
	}
}

void queue_close(struct queue **queue)
{
	struct queue *q = *queue;
	*queue = NULL;
	if (!q)
		return;
	queue_stop(q);
	clerk_destroy(q);
	drop_unwritten(&q->schedule);
	schedule_fini(&q->schedule);
	free(q);
}
