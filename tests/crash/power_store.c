/* The power campaign's play on the store itself: four threads put blobs and commit keys that refer to them, overwrite values of any size, tag and untag, forget;
 * the main thread reclaims room meanwhile, and closes and opens the store in between. One account is one scope.
 *
 * The digest of a scope is the exclusive or over its pairs, of key, value and, where the value names a blob, of the blob's bytes and of whether it has a
 * second owner. The workload reckons it from what it means to do; the judge from what is there. */
#include "tests/crash/power.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "base/hash.h"
#include "store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS 4
#define OPENINGS 3               /* of the store in one run */
#define OPERATIONS 16            /* of each thread while it is open */
#define LIVING_MAX 400
#define TEXT_MAX 300000
#define DAY_MS 86400000

struct living {                  /* a key that refers to a blob */
	uint32_t seq;
	store_blob_id id;
	uint32_t crc;
	bool shared;
};

struct player {
	struct store *s;
	uint32_t number, seq, plain;     /* the next key; how often the plain value was written */
	struct living living[LIVING_MAX];
	size_t n;
	uint64_t digest, dice;
	bool recorded;                   /* a workload, not a judge */
	struct living now;               /* what the closure is about */
	char *text;
	struct str value;
};

static struct store_scope scope_of(uint32_t number) { return (struct store_scope){ STORE_ACCOUNT, number + 1 }; }
static store_tag second_owner(uint32_t number) { return store_tag_of((struct store_scope){ STORE_ACCOUNT, number + 1000 }); }

static struct store *open_store(const char *dir, bool create)
{
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = dir, .create = create, .segment_size = 96 << 10, .map_size = (uint64_t)1 << 30 };
	struct store *s;
	struct err e = { .code = 0 };
	int rc = store_open(&c, &s, &e);
	if (rc && !(create && rc == ERR_IO))
		power_fault("the store cannot be opened: %s", e.log);
	if (rc)
		return NULL;
	return s;
}

/* ---- digests ---- */

static uint64_t digest_living(const struct living *l)
{
	return power_mix(power_mix((uint64_t)l->seq << 32 | l->crc) + l->shared + 1);
}

static uint64_t digest_plain(struct str value) { return power_mix((uint64_t)value.n << 32 | hash_crc32c(7, value.p, value.n)); }

static struct str seq_key(uint32_t seq, char key[5])
{
	key[0] = 'k';
	store_be32(key + 1, seq);
	return str_make(key, 5);
}

/* Bytes follow from account and key. Mostly small; some over the limit from which blobs have a segment of their own. */
static struct str make_text(uint32_t number, uint32_t seq, char text[TEXT_MAX])
{
	uint64_t x = power_mix((uint64_t)number << 32 | (seq + 1));
	size_t n = x % 48 == 0 ? 262144 + x % 30000 : x % 3 == 0 ? x % 300 : x % 7000;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = power_mix(x + i);
		memcpy(text + i, &word, n - i < 8 ? n - i : 8);
	}
	return str_make(text, n);
}

/* Reads a scope into p. */
static bool load_pair(struct player *p, struct str key, struct str value)
{
	if (str_eq(key, STR("plain"))) {
		p->digest ^= digest_plain(value);
		p->plain = value.n >= 4 ? load_le32(value.p) : 0;
		return true;
	}
	if (str_eq(key, STR("seq")) && value.n == 4) {
		p->seq = load_le32(value.p);
		return true;
	}
	if (key.n != 5 || key.p[0] != 'k' || value.n != 8 || p->n == LIVING_MAX)
		return power_fault("account %u has a key that nobody put", p->number);
	struct living l = { .seq = load_be32(key.p + 1), .id = load_le64(value.p) };
	struct store_blob_view v;
	store_tag first = store_tag_of(scope_of(p->number));
	int rc = store_blob_map(p->s, l.id, &v);
	if (rc)
		return power_fault("account %u, key %u: its blob %llx cannot be read: %s", p->number, l.seq, (unsigned long long)l.id, err_text(rc));
	l.crc = hash_crc32c(0, v.bytes.p, v.bytes.n);
	store_blob_unmap(p->s, &v);
	bool owned = false;
	if (store_blob_tagged(p->s, &l.id, 1, second_owner(p->number), &l.shared) || store_blob_tagged(p->s, &l.id, 1, first, &owned) || !owned)
		return power_fault("account %u, key %u: it does not own its blob", p->number, l.seq);
	p->digest ^= digest_living(&l);
	p->living[p->n++] = l;
	return true;
}

static bool load(struct player *p)
{
	struct store_read *r;
	struct store_iter *it;
	struct str key, value;
	p->n = 0;
	p->digest = p->seq = p->plain = 0;
	int rc = store_begin(p->s, scope_of(p->number), &r);
	if (rc)
		return power_fault("a read cannot begin: %s", err_text(rc));
	bool ok = store_range(r, STR_NONE, STR_NONE, false, &it) == 0;
	while (ok && (rc = store_next(it, &key, &value)) == 1)
		ok = load_pair(p, key, value);
	store_iter_end(&it);
	store_end(&r);
	for (size_t i = 0; ok && i < p->n; i++)
		ok = p->living[i].seq < p->seq || power_fault("account %u: the counter %u is behind key %u", p->number, p->seq, p->living[i].seq);
	return ok && rc == 0;
}

/* ---- the workload ---- */

static int remember(struct store_write *w, void *arg)
{
	const struct player *p = arg;
	char key[5], id[8], next[4];
	store_le64(id, p->now.id);
	store_le32(next, p->now.seq + 1);
	int rc = store_put(w, seq_key(p->now.seq, key), str_make(id, 8));
	return rc ? rc : store_put(w, STR("seq"), str_make(next, 4));
}

static int forget(struct store_write *w, void *arg)
{
	const struct player *p = arg;
	char key[5];
	return store_del(w, seq_key(p->now.seq, key));
}

static int write_plain(struct store_write *w, void *arg)
{
	const struct player *p = arg;
	return store_put(w, STR("plain"), p->value);
}

static bool again(int rc, const char *what)
{
	if (rc && rc != ERR_IO && rc != ERR_UNKNOWN)
		power_die("%s: %s", what, err_text(rc));
	return rc != 0;
}
/* A disk that fails is asked again; what all these do may be done twice. */
#define NEED(call, what) \
	while (again(call, what)) \
		continue

static void try_for(const struct player *p, uint64_t digest)
{
	if (p->recorded)
		power_try(p->number, digest);
}

static void put_one(struct player *p)
{
	struct str bytes = make_text(p->number, p->seq, p->text);
	store_tag tag = store_tag_of(scope_of(p->number));
	p->now = (struct living){ .seq = p->seq, .crc = hash_crc32c(0, bytes.p, bytes.n) };
	try_for(p, p->digest ^ digest_living(&p->now));
	NEED(store_blob_put(p->s, &bytes, 1, &tag, 1, &p->now.id), "put");
	NEED(store_commit(p->s, scope_of(p->number), remember, p), "commit");
	p->living[p->n++] = p->now;
	p->digest ^= digest_living(&p->now);
	p->seq++;
}

static void forget_one(struct player *p, size_t i)
{
	store_tag tags[2] = { store_tag_of(scope_of(p->number)), second_owner(p->number) };
	p->now = p->living[i];
	try_for(p, p->digest ^ digest_living(&p->now));
	NEED(store_commit(p->s, scope_of(p->number), forget, p), "commit");
	for (int k = 0; k < 1 + p->now.shared; k++)
		NEED(store_blob_untag(p->s, &p->now.id, 1, tags[k]), "untag");
	p->digest ^= digest_living(&p->now);
	p->living[i] = p->living[--p->n];
}

static void share_one(struct player *p, struct living *l)
{
	struct living then = *l;
	then.shared = !then.shared;
	uint64_t digest = p->digest ^ digest_living(l) ^ digest_living(&then);
	try_for(p, digest);
	if (l->shared)
		NEED(store_blob_untag(p->s, &l->id, 1, second_owner(p->number)), "untag");
	else
		NEED(store_blob_tag(p->s, &l->id, 1, second_owner(p->number)), "tag");
	*l = then;
	p->digest = digest;
}

/* Of a few bytes, of nearly a page, or of several pages. */
static struct str plain_value(const struct player *p, uint32_t count, char *text)
{
	uint64_t x = power_mix(p->number * 77u + count);
	size_t n = 4 + (x % 3 == 0 ? x % 40 : x % 3 == 1 ? x % 2000 : x % 30000);
	memset(text, (int)('a' + x % 26), n);
	store_le32(text, count);
	return str_make(text, n);
}

static void plain_one(struct player *p)
{
	if (p->plain > 0)
		p->digest ^= digest_plain(plain_value(p, p->plain, p->text));
	p->value = plain_value(p, ++p->plain, p->text);
	p->digest ^= digest_plain(p->value);
	try_for(p, p->digest);
	NEED(store_commit(p->s, scope_of(p->number), write_plain, p), "commit");
}

static void *play_thread(void *arg)
{
	struct player *p = arg;
	for (int i = 0; i < OPERATIONS; i++) {
		uint64_t x = p->dice = power_mix(p->dice + 1);
		if (p->n > 8 && x % 8 < 4)
			forget_one(p, x / 8 % p->n);
		else if (x % 8 == 5 && p->n > 0)
			share_one(p, &p->living[x / 8 % p->n]);
		else if (x % 8 == 6)
			plain_one(p);
		else
			put_one(p);
		power_ack(p->number, p->digest);
	}
	return NULL;
}

struct keeper {
	struct store *s;
	atomic_bool stop;
};

static void *keep_thread(void *arg)
{
	struct keeper *k = arg;
	while (!atomic_load(&k->stop)) {
		uint64_t reclaimed;
		clock_shift_ms(70000);
		again(store_maintain(k->s, 1 << 20, &reclaimed), "maintain");
		usleep(3000);
	}
	return NULL;
}

static void play_once(struct store *s, struct player *players)
{
	struct keeper k = { .s = s };
	pthread_t threads[THREADS], keeper;
	for (int i = 0; i < THREADS; i++) {
		players[i].s = s;
		if (pthread_create(&threads[i], NULL, play_thread, &players[i]))
			power_die("no thread");
	}
	if (pthread_create(&keeper, NULL, keep_thread, &k))
		power_die("no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&k.stop, true);
	pthread_join(keeper, NULL);
}

static void run(const char *dir, uint64_t seed)
{
	static struct player players[THREADS];
	for (int opening = 0; opening < OPENINGS; opening++) {
		/* A disk that fails may do so here too. */
		struct store *s = NULL;
		for (int i = 0; !s && i < 5; i++)
			s = open_store(dir, true);
		if (!s)
			power_die("the workload cannot begin");
		if (opening == 0)
			power_made();
		for (uint32_t i = 0; i < THREADS && opening == 0; i++) {
			players[i] = (struct player){ .s = s, .number = i, .recorded = true, .dice = power_mix(seed + i), .text = malloc(TEXT_MAX) };
			if (!players[i].text || !load(&players[i]))
				power_die("what the last life left cannot be read");
			power_ack(i, players[i].digest);
		}
		play_once(s, players);
		if (opening + 1 < OPENINGS)
			store_close(&s);
	}
}

/* ---- the judge ---- */

static bool check_store(struct store *s, const char *when)
{
	uint64_t faults;
	int rc = store_check(s, false, power_report, NULL, &faults);
	return (rc == 0 && faults == 0) || power_fault("%s: the check says %s, %llu faults", when, err_text(rc), (unsigned long long)faults);
}

static bool load_all(struct store *s, struct player *players)
{
	bool ok = true;
	for (uint32_t i = 0; i < THREADS; i++) {
		players[i].s = s;
		players[i].number = i;
		ok = load(&players[i]) && ok;
	}
	return ok;
}

static bool same_again(struct store *s, struct player *players, const char *when)
{
	uint64_t before[THREADS];
	bool ok = true;
	for (int i = 0; i < THREADS; i++)
		before[i] = players[i].digest;
	if (!load_all(s, players))
		return power_fault("%s", when);
	for (int i = 0; i < THREADS; i++)
		ok = ok && before[i] == players[i].digest;
	return ok || power_fault("%s: something else is there", when);
}

static bool judge(const char *dir, const struct power_expected *expected)
{
	static struct player players[THREADS];
	struct store *s = open_store(dir, !expected->made);
	if (!s || !load_all(s, players))
		return false;
	for (unsigned i = 0; i < THREADS; i++) {
		if (!power_account_fits(expected, i, players[i].digest))
			return false;
	}
	if (!check_store(s, "at once"))
		return false;
	/* Writing goes on, ... */
	for (int i = 0; i < THREADS; i++) {
		players[i].text = malloc(TEXT_MAX);
		if (!players[i].text)
			return false;
		if (players[i].n < LIVING_MAX)
			put_one(&players[i]);
		plain_one(&players[i]);
	}
	/* ... and maintenance ends what the cut left open, then gives back what is dead, in that too. */
	for (int pass = 0; pass < 2; pass++) {
		uint64_t reclaimed;
		clock_shift_ms(DAY_MS);
		int rc = store_maintain(s, UINT64_MAX, &reclaimed);
		if (rc)
			return power_fault("maintenance: %s", err_text(rc));
	}
	if (!same_again(s, players, "after maintenance") || !check_store(s, "after maintenance"))
		return false;
	store_close(&s);
	s = open_store(dir, false);
	/* By now all segments are ended, and promise what is in them. */
	if (!s || !same_again(s, players, "opened again") || !check_store(s, "opened again"))
		return false;
	store_close(&s);
	return true;
}

const struct power_play power_store_play = { .name = "store", .bears_faults = true, .run = run, .judge = judge };
