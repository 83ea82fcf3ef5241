/* What the store costs: durable deliveries a second (a 4 KB blob, then a commit of three keys) at several numbers of
 * threads, and reads. Prints one line a measurement.
 *
 *     store_bench DIR [SECONDS]       DIR must exist; what is written there stays
 */
#include "store/store.h"

#include "base/clock.h"
#include "base/num.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define BLOB_SIZE 4096
#define THREADS_MAX 256
#define KEPT 4096

struct bench {
	struct store *s;
	atomic_bool stop;
	atomic_uint_fast64_t done, failed;
	atomic_uint_fast64_t kept_n;
	store_blob_id kept[KEPT];         /* some blobs, to be read later */
};

struct worker {
	struct bench *b;
	unsigned number;
	uint64_t round;
	store_blob_id blob;
	uint64_t worst_us;
};

/* About what a delivery writes: a message record, an index entry, a log record. */
static int deliver(struct store_write *w, void *arg)
{
	const struct worker *me = arg;
	char key[32], value[400];
	memset(value, 'v', sizeof value);
	memcpy(value, &me->blob, sizeof me->blob);
	static const size_t sizes[3] = { 400, 60, 40 };
	for (unsigned i = 0; i < 3; i++) {
		int n = snprintf(key, sizeof key, "%c%016llx", "msl"[i], (unsigned long long)me->round);
		int rc = store_put(w, str_make(key, (size_t)n), str_make(value, sizes[i]));
		if (rc)
			return rc;
	}
	return 0;
}

static void *deliver_thread(void *arg)
{
	struct worker *me = arg;
	struct bench *b = me->b;
	struct store_scope scope = { STORE_ACCOUNT, me->number };
	store_tag tag = store_tag_of(scope);
	char text[BLOB_SIZE];
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)(i * 31 + me->number);
	struct str bytes = str_make(text, sizeof text);
	while (!atomic_load_explicit(&b->stop, memory_order_relaxed)) {
		uint64_t start = clock_mono_us();
		memcpy(text, &start, sizeof start);
		int rc = store_blob_put(b->s, &bytes, 1, &tag, 1, &me->blob);
		me->round = start;
		if (rc == 0)
			rc = store_commit(b->s, scope, deliver, me);
		atomic_fetch_add(rc ? &b->failed : &b->done, 1);
		uint64_t took = clock_mono_us() - start;
		if (took > me->worst_us)
			me->worst_us = took;
		uint64_t at = atomic_fetch_add(&b->kept_n, 1);
		b->kept[at % KEPT] = me->blob;
	}
	return NULL;
}

static void measure_deliveries(struct bench *b, unsigned n, uint64_t seconds)
{
	static struct worker workers[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	struct store_stats before, after;
	store_stats(b->s, &before);
	atomic_store(&b->done, 0);
	atomic_store(&b->stop, false);
	uint64_t start = clock_mono_us();
	for (unsigned i = 0; i < n; i++) {
		workers[i] = (struct worker){ .b = b, .number = i + 1 };
		if (pthread_create(&threads[i], NULL, deliver_thread, &workers[i]))
			abort();
	}
	usleep((useconds_t)(seconds * 1000000));
	atomic_store(&b->stop, true);
	uint64_t worst = 0;
	for (unsigned i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		if (workers[i].worst_us > worst)
			worst = workers[i].worst_us;
	}
	double took = (double)(clock_mono_us() - start) / 1e6, done = (double)atomic_load(&b->done);
	store_stats(b->s, &after);
	uint64_t groups = after.groups - before.groups, syncs = after.blob_syncs - before.blob_syncs;
	printf("%4u writers: %8.0f deliveries/s, mean %7.2f ms, worst %7.1f ms; %5.1f commits a group, %5.1f blobs a sync, "
		   "%llu failed\n",
		   n, done / took, took * 1e3 * n / done, (double)worst / 1e3,
		   groups ? (double)(after.commits - before.commits) / (double)groups : 0,
		   syncs ? (double)(after.blob_puts - before.blob_puts) / (double)syncs : 0,
		   (unsigned long long)atomic_load(&b->failed));
}

#define READS 1000000

static void measure_reads(struct bench *b)
{
	struct store_scope scope = { STORE_ACCOUNT, 1 };
	uint64_t start = clock_mono_us(), n = atomic_load(&b->kept_n) < KEPT ? atomic_load(&b->kept_n) : KEPT, bytes = 0;
	for (uint64_t i = 0; i < READS; i++) {
		struct store_blob_view v;
		if (store_blob_map(b->s, b->kept[i * 7919 % n], &v))
			abort();
		bytes += v.bytes.n;
		store_blob_unmap(b->s, &v);
	}
	printf("blob map, verify, unmap:  %6.3f us (%llu bytes each)\n", (double)(clock_mono_us() - start) / READS,
		   (unsigned long long)bytes / READS);
	start = clock_mono_us();
	for (uint64_t i = 0; i < READS; i++) {
		struct store_read *r;
		if (store_begin(b->s, scope, &r))
			abort();
		store_end(&r);
	}
	printf("begin and end of a read:  %6.3f us\n", (double)(clock_mono_us() - start) / READS);
	struct store_read *r;
	struct str key, value;
	struct store_iter *it;
	uint64_t pairs = 0;
	if (store_begin(b->s, scope, &r) || store_range(r, STR_NONE, STR_NONE, false, &it))
		abort();
	start = clock_mono_us();
	while (pairs < READS && store_next(it, &key, &value) == 1)
		pairs++;
	printf("a pair of a range:        %6.3f us (%llu pairs)\n",
		   (double)(clock_mono_us() - start) / (double)(pairs ? pairs : 1), (unsigned long long)pairs);
	store_end(&r);
	start = clock_mono_us();
	uint64_t sum = 0;
	for (uint64_t i = 0; i < READS; i++)
		sum += store_scope_version(b->s, scope);
	printf("version of a scope:       %6.3f us (%llu)\n", (double)(clock_mono_us() - start) / READS,
		   (unsigned long long)(sum / READS));
}

int main(int argc, char **argv)
{
	uint64_t seconds = 5;
	if (argc < 2 || argc > 3 || (argc == 3 && !num_parse_u64(str_from_c(argv[2]), &seconds))) {
		fprintf(stderr, "usage: store_bench DIR [SECONDS]\n");
		return 2;
	}
	static struct bench b;
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = argv[1], .create = true };
	struct err e = { .code = 0 };
	if (store_open(&c, &b.s, &e)) {
		fprintf(stderr, "store_bench: %s\n", e.log);
		return 1;
	}
	static const unsigned threads[] = { 1, 8, 64, 256 };
	for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++)
		measure_deliveries(&b, threads[i], seconds);
	measure_reads(&b);
	store_close(&b.s);
	return 0;
}
