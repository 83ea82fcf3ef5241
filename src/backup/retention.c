#include "backup/retention.h"

#include "backup/limits.h"
#include "backup/moment.h"
#include "base/clock.h"
#include "base/hash.h"

#define DAY INT64_C(86400)

struct snapshot {
	char id[SNAPSHOT_ID_MAX];
	int64_t day, week, month;
	uint64_t set;
};
struct list {
	struct repository *r;
	struct snapshot *v;
	size_t n, cap;
};

static int add(void *arg, const char *id)
{
	static const uint8_t key[HASH_SIPHASH_KEY];
	struct list *l = arg;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct snapshot *grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		l->v = grown;
		l->cap = cap;
	}
	struct snapshot *s = &l->v[l->n];
	struct buf b = BUF_INIT(CHUNK_MAX);
	struct arena arena = ARENA_INIT((size_t)1 << 30);
	struct moment m;
	*s = (struct snapshot){ .set = 0 };
	str_copy_c(s->id, sizeof(s->id), str_from_c(id));
	int rc = repository_snapshot_get(l->r, id, &b);
	if (!rc)
		rc = moment_decode(buf_str(&b), &arena, &m);
	/* One that cannot be read is of no set, and nobody forgets it but by name. */
	if (!rc) {
		struct civil c = civil_from_unix(m.ended);
		s->set = m.set.n ? hash_siphash_keyed(key, m.set) | 1 : 2;
		s->day = m.ended / DAY;
		s->week = (m.ended / DAY + 3) / 7;              /* 1970-01-01 was a Thursday */
		s->month = (int64_t)c.year * 12 + c.month;
	}
	l->n++;
	arena_fini(&arena);
	buf_fini(&b);
	return rc == ERR_NO_MEMORY ? rc : 0;
}

/* Is snapshot i the newest of its period, and are there at most n - 1 later periods with one? */
static bool is_among(const struct list *l, size_t i, unsigned n, int64_t (*period)(const struct snapshot *s))
{
	int64_t mine = period(&l->v[i]), last = INT64_MAX;
	unsigned later = 0;
	for (size_t k = l->n; k-- > i + 1;) {
		if (l->v[k].set != l->v[i].set)
			continue;
		int64_t theirs = period(&l->v[k]);
		if (theirs == mine)
			return false;
		later += theirs != last;
		last = theirs;
	}
	return later < n;
}

static int64_t day_of(const struct snapshot *s) { return s->day; }
static int64_t week_of(const struct snapshot *s) { return s->week; }
static int64_t month_of(const struct snapshot *s) { return s->month; }

static bool is_kept(const struct list *l, size_t i, const struct retention *rule)
{
	unsigned later = 0;
	if (l->v[i].set == 0)
		return true;
	for (size_t k = i + 1; k < l->n; k++)
		later += l->v[k].set == l->v[i].set;
	return later < rule->last || is_among(l, i, rule->daily, day_of) || is_among(l, i, rule->weekly, week_of) || is_among(l, i, rule->monthly, month_of);
}

int retention_choose(struct repository *r, const struct retention *rule, struct retained *out)
{
	struct list l = { .r = r };
	*out = (struct retained){ NULL, 0 };
	int rc = repository_snapshots(r, add, &l);
	out->ids = rc ? NULL : calloc(l.n + 1, SNAPSHOT_ID_MAX);
	if (!rc && !out->ids)
		rc = ERR_NO_MEMORY;
	for (size_t i = 0; !rc && i < l.n; i++)
		if (is_kept(&l, i, rule))
			memcpy(out->ids[out->n++], l.v[i].id, SNAPSHOT_ID_MAX);
	free(l.v);
	return rc;
}

bool retained_has(const struct retained *k, const char *id)
{
	for (size_t i = 0; i < k->n; i++)
		if (strcmp(k->ids[i], id) == 0)
			return true;
	return false;
}

void retained_fini(struct retained *k)
{
	free(k->ids);
	*k = (struct retained){ NULL, 0 };
}
