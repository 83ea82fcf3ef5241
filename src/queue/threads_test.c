/* Many submit, many deliver, somebody steers from another process, the clerk runs, and the clock is pushed: every recipient must be delivered
 * exactly once, and nothing may be left. For the thread sanitizer too. */
#include "queue/fixture.h"

#include "base/clock.h"

#include <pthread.h>

#define SUBMITTERS 4
#define DELIVERERS 6
#define MESSAGES 80                               /* of each submitter */
#define RECIPIENTS 4
#define DESTINATIONS 7

struct hall {
	struct queue *q, *other;
	atomic_uint settled[SUBMITTERS][MESSAGES][RECIPIENTS];
	atomic_uint in_flight[SUBMITTERS][MESSAGES][RECIPIENTS];
	atomic_uint wrong, done;
	atomic_bool stop;
};
struct worker {
	struct hall *h;
	unsigned number;
	uint64_t random;
	pthread_t thread;
};

static unsigned roll(struct worker *w, unsigned below)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (unsigned)((w->random * 0x2545f4914f6cdd1du >> 33) % below);
}

static void *submit_thread(void *arg)
{
	struct worker *w = arg;
	for (unsigned i = 0; i < MESSAGES; i++) {
		char addresses[RECIPIENTS][40], destinations[RECIPIENTS][40];
		struct queue_recipient r[RECIPIENTS];
		struct str body = STR("A body.\r\n");
		struct queue_submission s = { .envelope.priority = (int)roll(w, 3) - 1, .pieces = &body, .n_pieces = 1, .recipients = r, .n_recipients = RECIPIENTS };
		uint64_t id;
		for (unsigned k = 0; k < RECIPIENTS; k++) {
			snprintf(addresses[k], sizeof(addresses[k]), "%u-%u-%u", w->number, i, k);
			snprintf(destinations[k], sizeof(destinations[k]), "d%u.example", roll(w, DESTINATIONS));
			r[k] = (struct queue_recipient){ .address = str_from_c(addresses[k]), .destination = str_from_c(destinations[k]) };
		}
		/* now and then from another process */
		if (queue_submit(roll(w, 8) ? w->h->q : w->h->other, &s, &id, NULL))
			atomic_fetch_add(&w->h->wrong, 1);
	}
	return NULL;
}

static atomic_uint *cell(atomic_uint (*table)[MESSAGES][RECIPIENTS], struct str address)
{
	unsigned at[3] = { 0, 0, 0 }, n = 0;
	for (size_t i = 0; i < address.n; i++) {
		if (address.p[i] == '-')
			n++;
		else
			at[n % 3] = at[n % 3] * 10 + (unsigned)(address.p[i] - '0');
	}
	return &table[at[0] % SUBMITTERS][at[1] % MESSAGES][at[2] % RECIPIENTS];
}

static void deliver(struct worker *w, struct queue_job *j)
{
	struct hall *h = w->h;
	static const int outcomes[] = { 0, QUEUE_DELAYED, QUEUE_DELIVERED, QUEUE_DELIVERED, QUEUE_RELAYED };
	bool dead = roll(w, 12) == 0;
	unsigned done = 0;
	for (size_t i = 0; i < j->n_recipients; i++) {
		if (atomic_fetch_add(cell(h->in_flight, j->recipients[i].r.address), 1) != 0)
			atomic_fetch_add(&h->wrong, 1);
		int outcome = dead ? 0 : outcomes[roll(w, 5)];
		j->recipients[i].result = (struct queue_result){ .outcome = outcome, .status = STR("4.0.0"), .reply = STR("so it is") };
		if (outcome == QUEUE_DELIVERED || outcome == QUEUE_RELAYED) {
			done++;
			if (atomic_fetch_add(cell(h->settled, j->recipients[i].r.address), 1) != 0)
				atomic_fetch_add(&h->wrong, 1);
		}
	}
	if (dead)
		queue_destination_failed(h->q, j->destination, STR("4.4.1"), STR("no answer"), STR_NONE);
	else
		queue_destination_ok(h->q, j->destination);
	for (size_t i = 0; i < j->n_recipients; i++)
		atomic_fetch_sub(cell(h->in_flight, j->recipients[i].r.address), 1);
	if (queue_finish(h->q, &j))
		atomic_fetch_add(&h->wrong, 1);
	atomic_fetch_add(&h->done, done);
}

static void *deliver_thread(void *arg)
{
	struct worker *w = arg;
	char kept[40] = "";
	struct queue_job *j;
	int rc;
	while ((rc = queue_take(w->h->q, 5, str_from_c(kept), kept[0] && roll(w, 3) == 0, &j)) != ERR_CLOSED) {
		if (rc)
			continue;
		/* as one who keeps a connection open */
		if (roll(w, 2))
			str_copy_c(kept, sizeof(kept), j->destination);
		else
			kept[0] = 0;
		deliver(w, j);
	}
	return NULL;
}

static void *steer_thread(void *arg)
{
	struct worker *w = arg;
	while (!atomic_load(&w->h->stop)) {
		static const enum queue_action actions[] = { QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RELEASE, QUEUE_RETRY };
		char destination[40];
		struct queue_stats stats;
		uint64_t n;
		snprintf(destination, sizeof(destination), "d%u.example", roll(w, DESTINATIONS));
		struct queue_filter f = { .destination = str_from_c(destination) };
		if (queue_act(roll(w, 2) ? w->h->q : w->h->other, &f, actions[roll(w, 4)], &n, NULL) || queue_stats(w->h->q, &stats))
			atomic_fetch_add(&w->h->wrong, 1);
		if (queue_flush_destination(w->h->q, f.destination) < 0)
			atomic_fetch_add(&w->h->wrong, 1);
	}
	return NULL;
}

static void start(struct worker *w, unsigned n, struct hall *h, void *(*fn)(void *))
{
	for (unsigned i = 0; i < n; i++) {
		w[i] = (struct worker){ .h = h, .number = i, .random = 0x9e3779b97f4a7c15u * (i + 1) };
		assert_int_equal(pthread_create(&w[i].thread, NULL, fn, &w[i]), 0);
	}
}

static void each_exactly_once(void **state)
{
	struct fixture *f = *state;
	struct hall *h = calloc(1, sizeof(*h));
	struct worker submitters[SUBMITTERS], deliverers[DELIVERERS], steerer[1];
	struct queue_filter all = { 0 };
	uint64_t n;
	f->config.expire_null_s = 1000000000;
	queue_set_config(f->queue, &f->config);
	queue_set_config(f->plain_queue, &f->config);
	f->queue->no_clerk = false;
	h->q = f->queue;
	h->other = f->plain_queue;
	start(deliverers, DELIVERERS, h, deliver_thread);
	start(submitters, SUBMITTERS, h, submit_thread);
	start(steerer, 1, h, steer_thread);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		pthread_join(submitters[i].thread, NULL);
	atomic_store(&h->stop, true);
	pthread_join(steerer[0].thread, NULL);
	while (atomic_load(&h->done) < SUBMITTERS * MESSAGES * RECIPIENTS && !atomic_load(&h->wrong)) {
		struct timespec pause = { 0, 20000000 };
		nanosleep(&pause, NULL);
		/* what waits for its time, or for an end of the block */
		f->shifted_ms += 200000;
		clock_shift_ms(200000);
		assert_int_equal(queue_act(f->plain_queue, &all, QUEUE_RELEASE, &n, NULL), 0);
		assert_int_equal(queue_act(f->plain_queue, &all, QUEUE_RETRY, &n, NULL), 0);
	}
	queue_stop(f->queue);
	for (unsigned i = 0; i < DELIVERERS; i++)
		pthread_join(deliverers[i].thread, NULL);
	assert_int_equal(atomic_load(&h->wrong), 0);
	for (unsigned i = 0; i < SUBMITTERS; i++)
		for (unsigned k = 0; k < MESSAGES * RECIPIENTS; k++)
			assert_int_equal(atomic_load(&h->settled[i][k / RECIPIENTS][k % RECIPIENTS]), 1);
	free(h);
	fixture_reopen(f);
	fixture_expect_nothing(f);
	fixture_empty(f);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { FIXTURE_TEST(each_exactly_once) };
	return fixture_run("threads", tests, 1);
}
