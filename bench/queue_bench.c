/* What the queue costs: durable submissions a second (one recipient, 4 KB), and jobs taken and settled a second, by several numbers of threads,
 * while so many messages wait for a thousand destinations already. Prints a table.
 *
 *     queue_bench DIR [SECONDS [WAITING...]]       DIR must exist; what is written there stays. WAITING: 0 100000 1000000
 */
#include "queue/queue.h"

#include "base/clock.h"
#include "base/num.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#define BODY_SIZE 4096
#define THREADS_MAX 200
#define FILLERS 200
#define WAITING_DESTINATIONS 1000
#define DESTINATIONS 100

struct bench {
	struct store *store;
	struct queue *q;
	atomic_bool stop;
	atomic_uint_fast64_t done, failed;
	uint64_t to_fill;
};
struct worker {
	struct bench *b;
	unsigned number;
	uint64_t worst_us;
};

static int submit(struct bench *b, uint64_t n, const char *kind, unsigned destinations, int64_t not_before)
{
	static const char line[] = "A line of a message that nobody will ever read, but many have to carry.\r\n";
	char body[BODY_SIZE], address[128], destination[64];
	uint64_t id;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = line[i % (sizeof(line) - 1)];
	memcpy(body, &n, sizeof(n));
	snprintf(destination, sizeof(destination), "%s%u.example.net", kind, (unsigned)(n * 2654435761u % destinations));
	snprintf(address, sizeof(address), "user%llu@%s", (unsigned long long)n, destination);
	struct str piece = str_make(body, sizeof(body));
	struct queue_recipient r = { .address = str_from_c(address), .destination = str_from_c(destination) };
	struct queue_submission s = { .envelope = { .sender = STR("bounces@example.org"), .not_before = not_before, .user = STR("user@example.org"),
												.peer = STR("192.0.2.17") },
								  .pieces = &piece, .n_pieces = 1, .recipients = &r, .n_recipients = 1 };
	return queue_submit(b->q, &s, &id, NULL);
}

static void count(struct worker *me, uint64_t start, int rc)
{
	uint64_t took = clock_mono_us() - start;
	atomic_fetch_add(rc ? &me->b->failed : &me->b->done, 1);
	if (took > me->worst_us)
		me->worst_us = took;
}

static void *submit_thread(void *arg)
{
	struct worker *me = arg;
	for (uint64_t i = 0; !atomic_load_explicit(&me->b->stop, memory_order_relaxed); i++) {
		uint64_t start = clock_mono_us();
		count(me, start, submit(me->b, i * THREADS_MAX + me->number, "now", DESTINATIONS, 0));
	}
	return NULL;
}

static void *fill_thread(void *arg)
{
	struct worker *me = arg;
	int64_t later = clock_now() + 86400;
	for (uint64_t i = me->number; i < me->b->to_fill; i += FILLERS)
		if (submit(me->b, i, "later", WAITING_DESTINATIONS, later + (int64_t)(i % 10000)))
			abort();
	return NULL;
}

static void *deliver_thread(void *arg)
{
	struct worker *me = arg;
	struct queue_job *j;
	while (!atomic_load_explicit(&me->b->stop, memory_order_relaxed)) {
		uint64_t start = clock_mono_us();
		if (queue_take(me->b->q, 100, STR_NONE, false, &j))
			continue;
		for (size_t i = 0; i < j->n_recipients; i++)
			j->recipients[i].result.outcome = QUEUE_RELAYED;
		count(me, start, queue_finish(me->b->q, &j));
	}
	return NULL;
}

static uint64_t run(struct bench *b, unsigned n, uint64_t seconds, void *(*fn)(void *), double *rate_out)
{
	static struct worker workers[FILLERS];
	pthread_t threads[FILLERS];
	uint64_t worst = 0, start = clock_mono_us();
	atomic_store(&b->stop, false);
	atomic_store(&b->done, 0);
	for (unsigned i = 0; i < n; i++) {
		workers[i] = (struct worker){ .b = b, .number = i };
		if (pthread_create(&threads[i], NULL, fn, &workers[i]))
			abort();
	}
	if (seconds) {
		usleep((useconds_t)(seconds * 1000000));
		atomic_store(&b->stop, true);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		worst = workers[i].worst_us > worst ? workers[i].worst_us : worst;
	}
	*rate_out = (double)atomic_load(&b->done) / ((double)(clock_mono_us() - start) / 1e6);
	return worst;
}

/* MB, of a line of /proc/self/status. */
static double memory_mb(const char *field)
{
	char line[200];
	unsigned long long kb = 0;
	FILE *f = fopen("/proc/self/status", "r");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			kb = strtoull(line + strlen(field) + 1, NULL, 10);
	if (f && fclose(f))
		return 0;
	return (double)kb / 1024;
}

/* What one of `done` cost: microseconds of processor. */
struct cost {
	double rate, worst_ms, cpu_us;
};
static uint64_t cpu_us(void)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static struct cost run_costed(struct bench *b, unsigned n, uint64_t seconds, void *(*fn)(void *))
{
	struct cost c;
	uint64_t cpu = cpu_us();
	c.worst_ms = (double)run(b, n, seconds, fn, &c.rate) / 1e3;
	double done = (double)atomic_load(&b->done) + 1e-9;
	c.cpu_us = (double)(cpu_us() - cpu) / done;
	return c;
}

static void limits(void *ctx, struct str destination, struct queue_limits *out)
{
	(void)ctx, (void)destination;
	out->concurrency = 1000;
}

static void open_queue(struct bench *b)
{
	struct queue_config c = { .limits = limits };
	struct queue_job *j;
	struct err e = { 0 };
	uint64_t start = clock_mono_us();
	if (queue_open(b->store, &c, &b->q, &e)) {
		fprintf(stderr, "queue_bench: %s\n", e.log);
		exit(1);
	}
	if (queue_take(b->q, 0, STR("nothing"), true, &j) != ERR_TIMEOUT)
		abort();
	printf("opened and scanned in %.1f ms\n", (double)(clock_mono_us() - start) / 1e3);
}

static void fill(struct bench *b, uint64_t waiting)
{
	struct queue_stats s;
	double rate;
	if (queue_stats(b->q, &s))
		abort();
	if (waiting <= s.messages)
		return;
	b->to_fill = waiting - s.messages;
	uint64_t start = clock_mono_us();
	run(b, FILLERS, 0, fill_thread, &rate);
	double took = (double)(clock_mono_us() - start) / 1e6;
	printf("filled with %llu more at %.0f/s\n", (unsigned long long)b->to_fill, (double)b->to_fill / took);
	/* what follows must not wait for the disk to take that in */
	sync();
}

static void measure(struct bench *b, uint64_t waiting, unsigned threads, uint64_t seconds)
{
	struct queue_stats s;
	struct cost submits = run_costed(b, threads, seconds, submit_thread), jobs = run_costed(b, threads, seconds, deliver_thread);
	/* the rest of them, so that each measurement begins alike */
	double rest;
	do
		run(b, 100, 1, deliver_thread, &rest);
	while (rest > 0 || queue_stats(b->q, &s));
	printf("%9llu %8u |%9.0f %8.1f %6.0f |%9.0f %8.1f %6.0f |%7.1f %7.1f\n", (unsigned long long)waiting, threads,
		   submits.rate, submits.worst_ms, submits.cpu_us, jobs.rate, jobs.worst_ms, jobs.cpu_us, memory_mb("RssAnon:"),
		   memory_mb("RssFile:"));
	if (atomic_load(&b->failed))
		printf("%llu failed\n", (unsigned long long)atomic_load(&b->failed));
}

int main(int argc, char **argv)
{
	uint64_t seconds = 5, levels[16] = { 0, 100000, 1000000 };
	unsigned n_levels = argc > 3 ? 0 : 3;
	bool wrong = argc < 2 || argc > 18 || (argc > 2 && !num_parse_u64(str_from_c(argv[2]), &seconds));
	for (int i = 3; !wrong && i < argc; i++)
		wrong = !num_parse_u64(str_from_c(argv[i]), &levels[n_levels++]);
	if (wrong) {
		fprintf(stderr, "usage: queue_bench DIR [SECONDS [WAITING...]]\n");
		return 2;
	}
	static struct bench b;
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = argv[1], .create = true };
	struct err e = { 0 };
	if (store_open(&c, &b.store, &e)) {
		fprintf(stderr, "queue_bench: %s\n", e.log);
		return 1;
	}
	open_queue(&b);
	static const unsigned threads[] = { 1, 20, 100 };
	for (unsigned i = 0; i < n_levels; i++) {
		fill(&b, levels[i]);
		printf("  waiting  threads | submit/s worst ms cpu us | settle/s worst ms cpu us |anon MB file MB\n");
		for (size_t k = 0; k < sizeof(threads) / sizeof(threads[0]); k++)
			measure(&b, levels[i], threads[k], seconds);
	}
	queue_close(&b.q);
	open_queue(&b);
	queue_close(&b.q);
	store_close(&b.store);
	return 0;
}
