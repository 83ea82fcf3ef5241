/* What a repository gives back may be anything: every reader of snapshots, holdings, tables, runs and lists of files answers with an error or with what is
 * consistent. The first octet says which one; what was read whole is written again, and is the same. */
#include "backup/bodies.h"
#include "backup/files.h"
#include "backup/moment.h"
#include "backup/pairs.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void read_moment(struct str s)
{
	struct arena a = ARENA_INIT(0);
	struct moment m, again;
	if (moment_decode(s, &a, &m) == 0) {
		struct buf b = BUF_INIT(0);
		moment_encode(&m, &b);
		must(moment_decode(buf_str(&b), &a, &again) == 0 && again.n == m.n && str_eq(again.set, m.set));
		for (size_t i = 0; i < m.n; i++)
			must(moment_find(&again, m.scopes[i].scope) == &again.scopes[i]);
		buf_fini(&b);
	}
	arena_fini(&a);
}

static void read_holding(struct str s)
{
	struct holding h;
	if (holding_decode(s, &h) == 0) {
		struct buf b = BUF_INIT(0);
		holding_encode(&h, &b);
		must(b.n <= s.n + 20);
		buf_fini(&b);
	}
	holding_fini(&h);
}

static void read_table(struct str s)
{
	struct bodies b = { .n = 0 };
	if (bodies_decode(s, &b) == 0)
		for (size_t i = 0; i < b.n; i++) {
			must(b.v[i].chunk < b.chunks.n && (i == 0 || b.v[i - 1].blob <= b.v[i].blob));
			must(bodies_find(&b, b.v[i].blob) <= i);
		}
	bodies_fini(&b);
}

static int see_pair(void *arg, struct str key, struct str value)
{
	uint64_t *sum = arg;
	for (size_t i = 0; i < key.n; i++)
		*sum += (uint8_t)key.p[i];
	for (size_t i = 0; i < value.n; i++)
		*sum += (uint8_t)value.p[i];
	return 0;
}

static int see_chunk(void *ctx, const struct chunk_id *id)
{
	uint64_t *sum = ctx;
	for (unsigned i = 0; i < CHUNK_ID_SIZE; i++)
		*sum += id->b[i];
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t sum = 0;
	if (size == 0)
		return 0;
	struct str s = str_make(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0: read_moment(s); break;
	case 1: read_holding(s); break;
	case 2: read_table(s); break;
	case 3: pairs_each(s, see_pair, &sum); break;
	default: files_walk(s, see_chunk, &sum); break;
	}
	return 0;
}
