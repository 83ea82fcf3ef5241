/* How fast a backup repository takes chunks and gives them back.
 *
 *     backup_bench DIR [MB [KB [PASSPHRASE]]]     DIR must not exist; MB of chunks (1024) of KB each (16), encrypted when a passphrase is given */
#include "backup/repository.h"
#include "base/clock.h"
#include "base/num.h"

#include <stdlib.h>
#include <sys/resource.h>

/* Like mail: words, and base64 of random octets. */
static void chunk_make(char *p, size_t n, uint64_t seed)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char *const words[] = { "the ", "received ", "from ", "meeting ", "is ", "on ", "Tuesday ", "please ", "answer ", "by ", "and ", "price\r\n" };
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;
	for (size_t i = 0; i < n;) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		if (i < n / 2) {
			const char *w = words[x % 12];
			for (; *w && i < n; w++)
				p[i++] = *w;
		} else {
			for (unsigned k = 0; k < 10 && i < n; k++)
				p[i++] = alphabet[x >> (6 * k) & 63];
		}
	}
}

static void say(const char *what, double mb, uint64_t us, uint64_t chunks)
{
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	printf("%-28s %8.1f MB/s %9.0f chunks/s  %6ld MB at most\n", what, mb / ((double)us / 1e6), (double)chunks / ((double)us / 1e6), u.ru_maxrss / 1024);
}

static int walk(void *arg, struct str snapshot, repository_need_fn *need, void *ctx)
{
	(void)arg;
	for (size_t i = 0; i + CHUNK_ID_SIZE <= snapshot.n; i += CHUNK_ID_SIZE) {
		struct chunk_id id;
		memcpy(id.b, snapshot.p + i, CHUNK_ID_SIZE);
		need(ctx, &id);
	}
	return 0;
}

static void must(int e, const struct err *err)
{
	if (e == 0)
		return;
	fprintf(stderr, "%s\n", err && err->log[0] ? err->log : err_text(e));
	exit(1);
}

int main(int argc, char **argv)
{
	uint32_t mb = 1024, kb = 16;
	if (argc < 2 || (argc > 2 && !num_parse_u32(str_from_c(argv[2]), &mb)) || (argc > 3 && !num_parse_u32(str_from_c(argv[3]), &kb)) || kb == 0) {
		fprintf(stderr, "backup_bench DIR [MB [KB [PASSPHRASE]]]\n");
		return 2;
	}
	struct repository_config c = { .dir = argv[1], .create = true, .passphrase = str_from_c(argc > 4 ? argv[4] : NULL) };
	struct repository *r;
	struct err e = { 0 };
	struct repository_stats stats;
	size_t size = (size_t)kb << 10;
	uint64_t n = (uint64_t)mb * 1024 / kb, faults, freed, making = 0;
	char *chunk = malloc(size), id[SNAPSHOT_ID_MAX];
	struct chunk_id *ids = calloc(n, sizeof(*ids));
	struct buf out = BUF_INIT(0);
	must(chunk && ids ? 0 : ERR_NO_MEMORY, NULL);
	must(repository_open(&c, &r, &e), &e);
	for (int again = 0; again < 2; again++) {
		uint64_t start = clock_mono_us();
		making = 0;
		for (uint64_t i = 0; i < n; i++) {
			uint64_t before = clock_mono_us();
			chunk_make(chunk, size, i);
			making += clock_mono_us() - before;
			must(repository_put(r, str_make(chunk, size), &ids[i], NULL), NULL);
		}
		must(repository_flush(r), NULL);
		say(again ? "put, all there already" : "put", mb, clock_mono_us() - start - making, n);
	}
	size_t named = n < 1000000 ? (size_t)n : 1000000;
	must(repository_snapshot_put(r, 0, str_make(ids, named * CHUNK_ID_SIZE), id), NULL);
	repository_stats(r, &stats);
	printf("%llu chunks, %llu packs, %.1f MB\n", (unsigned long long)stats.chunks, (unsigned long long)stats.packs, (double)stats.bytes / 1048576);
	repository_close(&r);
	c.create = false;
	c.write = true;
	uint64_t start = clock_mono_us();
	must(repository_open(&c, &r, &e), &e);
	say("open", mb, clock_mono_us() - start, n);
	start = clock_mono_us();
	for (uint64_t i = 0; i < n; i++) {
		buf_reset(&out);
		must(repository_get(r, &ids[i], &out), NULL);
	}
	say("get", mb, clock_mono_us() - start, n);
	start = clock_mono_us();
	must(repository_verify(r, walk, NULL, NULL, NULL, &faults), NULL);
	say("verify", mb, clock_mono_us() - start, n);
	start = clock_mono_us();
	must(repository_prune(r, NULL, NULL, walk, NULL, &freed), NULL);
	say("prune, nothing to do", mb, clock_mono_us() - start, n);
	printf("%llu faults\n", (unsigned long long)faults);
	repository_close(&r);
	free(chunk);
	free(ids);
	buf_fini(&out);
	return faults != 0;
}
