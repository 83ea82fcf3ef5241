/* Pages that no tree reaches: below a damaged branch, or given back by a commit and not used again. LMDB's list of free pages says which commit gave a page
 * back, so of two pages with the same key the one that was in use for longer is the newer one, and one that nobody gave back is the newest.
 */
#include "base/bytes.h"
#include "store/engine_lmdb/blob_index.h"
#include "store/engine_lmdb/salvage.h"

#include <stdlib.h>

#define TABLES_LEAST 7u                           /* of a store of before there were `aside` and `wounds` */
#define DEAD_SINCE_LEAST 1500000000u              /* unix seconds: no blob died before */

/* ---- which table a record may be of ---- */

static bool is_scope(struct str key) { return key.p[0] >= 1 && key.p[0] <= 3; }
static bool is_blob(const void *id) { return load_be64(id) >> 32 > 0 && *(const uint8_t *)id == 0; }

static bool is_row(struct str key, struct str value, size_t n) { return index_row_ok(val_of_str(key), val_of_str(value), n); }

bool salvage_plausible(enum salvage_table t, struct str key, struct str value)
{
	switch (t) {
	case SALVAGE_KV: return key.n > 9 && key.n <= 9 + STORE_KEY_MAX && is_scope(key) && value.n <= STORE_VALUE_MAX;
	case SALVAGE_VERSIONS: return key.n == 9 && is_scope(key) && is_row(key, value, 8);
	case SALVAGE_COUNTERS: return key.n > 4 && key.n < 40 && key.p[0] >= 'a' && key.p[0] <= 'z' && is_row(key, value, 4);
	case SALVAGE_SEGMENTS: return key.n == 4 && is_row(key, value, 24) && load_le32(value.p) >= 1 && load_le32(value.p) <= 4;
	case SALVAGE_SUMS: return key.n > 9 && key.n <= 9 + STORE_KEY_MAX && key.p[0] == STORE_SYSTEM && value.n == 4;
	case SALVAGE_TAGS: return key.n == 16 && is_row(key, value, 1) && is_blob(key.p);
	case SALVAGE_DEAD: return key.n == 8 && is_row(key, value, 16) && is_blob(key.p) && load_le64(value.p) >= DEAD_SINCE_LEAST;
	case SALVAGE_MOVED: return key.n == 8 && is_row(key, value, 8) && is_blob(key.p) && load_le64(value.p) >> 32;
	case SALVAGE_ASIDE: return key.n == 8 && value.n == 24 && load_be64(key.p) >> 32;
	case SALVAGE_WOUNDS: return key.n == 4 && value.n >= 2 && value.n != 24 && value.n != 28 && value.n != 4;
	}
	return false;
}

/* All records of a page are of one table. Big values are of kv. A page of `sums` may be one of kv as well, so it is none of both: old sums say nothing. */
static bool classify(const uint8_t *page, enum salvage_table *out)
{
	unsigned count = index_page_count(page), possible = (1u << INDEX_TABLES) - 1;
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		if (!index_node_decode(page, i, true, &node) || (node.flags & INDEX_SUBTABLE))
			return false;
		struct str value = node.flags & INDEX_BIG ? str_make("", 0) : node.value;
		for (unsigned t = 0; t < INDEX_TABLES; t++)
			if (!salvage_plausible((enum salvage_table)t, node.key, value) || (node.flags & INDEX_BIG && t != SALVAGE_KV))
				possible &= ~(1u << t);
	}
	for (unsigned t = 0; t < INDEX_TABLES; t++)
		if (possible == 1u << t) {
			*out = (enum salvage_table)t;
			return true;
		}
	return false;
}

/* ---- the newest tables ---- */

struct score {
	uint64_t commits;                             /* sum of all scopes' versions: it never falls */
	uint64_t holes;
	bool has_versions;
	struct index_table versions;
};

static void score_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	(void)what, (void)page, (void)from, (void)to, (void)leaf;
	((struct score *)arg)->holes++;
}

static int score_table(void *arg, struct str key, struct str value, unsigned flags)
{
	struct score *sc = arg;
	if (flags & INDEX_SUBTABLE && str_eq(key, STR("versions"))) {
		index_table_decode((const uint8_t *)value.p, &sc->versions);
		sc->has_versions = true;
	}
	return 0;
}

static int score_version(void *arg, struct str key, struct str value, unsigned flags)
{
	(void)flags;
	if (salvage_plausible(SALVAGE_VERSIONS, key, value))
		((struct score *)arg)->commits += load_le64(value.p);
	return 0;
}

static int score_main(struct salvage *s, const struct index_table *main, struct score *out)
{
	struct index_walk w;
	*out = (struct score){ .commits = 0 };
	int rc = index_walk_init(&w, &s->picture.file, s->walk.last_page);
	w.arg = out;
	w.hole = score_hole;
	w.pair = score_table;
	if (rc == 0)
		rc = index_walk_table(&w, main, false);
	w.pair = score_version;
	if (rc == 0 && out->has_versions)
		rc = index_walk_table(&w, &out->versions, false);
	index_walk_fini(&w);
	return rc;
}

/* A leaf that is all tables of ours. */
static bool is_main_leaf(const uint8_t *page, uint64_t number)
{
	if (index_page_judge(page, number, true))
		return false;
	unsigned count = index_page_count(page), known = 0;
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		if (!index_node_decode(page, i, true, &node) || !(node.flags & INDEX_SUBTABLE))
			return false;
		for (unsigned t = 0; t < INDEX_TABLES; t++)
			known += str_eq(node.key, str_from_c(index_table_names[t]));
	}
	return known == count && known >= TABLES_LEAST;
}

struct best {
	struct index_table main;
	struct score score;
	bool any;
};

static int consider(struct salvage *s, const struct index_table *main, struct best *b)
{
	struct score sc;
	int rc = score_main(s, main, &sc);
	if (rc || !sc.has_versions)
		return rc;
	bool better = !b->any || sc.commits > b->score.commits || (sc.commits == b->score.commits && sc.holes < b->score.holes);
	if (better)
		*b = (struct best){ *main, sc, true };
	return 0;
}

int salvage_find_main(struct salvage *s, struct index_table *out, bool *found_out)
{
	const struct index_picture *p = &s->picture;
	struct best b = { .any = false };
	int rc = 0;
	*found_out = true;
	if (!s->no_file && !p->fault[0] && !p->fault[1] && !p->disagree) {
		*out = p->meta[p->newest].main;
		return 0;
	}
	for (unsigned i = 0; rc == 0 && !s->no_file && i < 2; i++)
		if (!p->fault[i])
			rc = consider(s, &p->meta[i].main, &b);
	for (uint64_t n = 2; rc == 0 && n < p->file.pages; n++) {
		uint8_t page[INDEX_PAGE_SIZE];
		if (index_file_read(&p->file, n, page) || !is_main_leaf(page, n))
			continue;
		struct index_table main = { .depth = 1, .leaves = 1, .entries = index_page_count(page), .root = n };
		rc = consider(s, &main, &b);
	}
	*out = b.main;
	*found_out = b.any;
	return rc;
}

/* ---- ages ---- */

struct ages {
	uint64_t *freed;                              /* for each page the last commit that gave it back; 0: none known */
	uint64_t pages;
};

static int note_free(void *arg, struct str key, struct str value, unsigned flags)
{
	struct ages *a = arg;
	(void)flags;
	uint64_t n = value.n >= 8 ? load_le64(value.p) : 0;
	if (key.n != 8 || value.n < 8 || n > value.n / 8 - 1)
		return 0;
	for (uint64_t i = 0; i < n; i++) {
		uint64_t page = load_le64(value.p + 8 + 8 * i);
		if (page < a->pages && a->freed[page] < load_le64(key.p))
			a->freed[page] = load_le64(key.p);
	}
	return 0;
}

static void no_hole(void *arg, const char *what, uint64_t page, struct str from, struct str to, bool leaf)
{
	(void)arg, (void)what, (void)page, (void)from, (void)to, (void)leaf;
}

static int read_ages(struct salvage *s, struct ages *a)
{
	int rc = 0;
	for (unsigned i = 0; rc == 0 && i < 2; i++) {
		struct index_walk w;
		if (s->picture.fault[i])
			continue;
		rc = index_walk_init(&w, &s->picture.file, s->walk.last_page);
		w.hole = no_hole;
		w.pair = note_free;
		w.values = true;
		w.arg = a;
		if (rc == 0)
			rc = index_walk_table(&w, &s->picture.meta[i].free, true);
		index_walk_fini(&w);
	}
	return rc;
}

/* ---- filling holes ---- */

/* Where the way to the records is damaged they are on a page that nobody gave back; older ones would bring back what was deleted. */
bool salvage_in_hole(const struct salvage *s, enum salvage_table t, struct str key, bool given_back)
{
	size_t low = 0, high = s->holes[t].n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (str_cmp(s->holes[t].v[middle].from, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	const struct salvage_hole *h = low > 0 ? &s->holes[t].v[low - 1] : NULL;
	return h && (h->to.n == 0 || str_cmp(key, h->to) < 0) && (h->leaf || !given_back);
}

struct old_page {
	uint64_t number, freed;
	enum salvage_table table;
};

static int compare_age(const void *a, const void *b)
{
	const struct old_page *l = a, *r = b;
	uint64_t left = l->freed ? l->freed : UINT64_MAX, right = r->freed ? r->freed : UINT64_MAX;
	if (left != right)
		return left < right ? 1 : -1;
	return (l->number < r->number) - (l->number > r->number);
}

static int take_page(struct salvage *s, const struct old_page *old)
{
	uint8_t page[INDEX_PAGE_SIZE];
	if (index_file_read(&s->picture.file, old->number, page))
		return 0;
	unsigned count = index_page_count(page);
	for (unsigned i = 0; i < count; i++) {
		struct index_node node;
		const char *what;
		if (!index_node_decode(page, i, true, &node) || !salvage_in_hole(s, old->table, node.key, old->freed != 0))
			continue;
		struct str value = node.value;
		if (node.flags & INDEX_BIG) {
			int rc = index_walk_big(&s->walk, &node, &what);
			if (rc)
				continue;
			value = buf_str(&s->walk.value);
		}
		/* What had this version once must not be taken for what has it now. */
		uint8_t version[8];
		if (old->table == SALVAGE_VERSIONS) {
			store_le64(version, load_le64(value.p) + VERSION_LOST);
			value = str_make(version, sizeof version);
		}
		int rc = salvage_put(s, old->table, node.key, value);
		if (rc < 0)
			return rc;
		s->old[old->table] += rc == 1;
	}
	return 0;
}

static int list_old_pages(struct salvage *s, const struct ages *a, struct old_page **out, size_t *n_out)
{
	size_t n = 0, cap = 0;
	struct old_page *v = NULL;
	for (uint64_t number = 2; number < s->picture.file.pages; number++) {
		uint8_t page[INDEX_PAGE_SIZE];
		struct old_page old = { .number = number, .freed = a->freed[number] };
		if (index_walk_has_seen(&s->walk, number) || index_file_read(&s->picture.file, number, page) || index_page_judge(page, number, true) ||
			!classify(page, &old.table) || s->holes[old.table].n == 0)
			continue;
		if (n == cap) {
			cap = cap ? cap * 2 : 256;
			struct old_page *grown = reallocarray(v, cap, sizeof *grown);
			if (!grown) {
				free(v);
				return ERR_NO_MEMORY;
			}
			v = grown;
		}
		v[n++] = old;
	}
	if (n)
		qsort(v, n, sizeof *v, compare_age);
	*out = v;
	*n_out = n;
	return 0;
}

int salvage_old_pages(struct salvage *s)
{
	bool any = false;
	for (unsigned t = 0; t < INDEX_TABLES; t++)
		any |= s->holes[t].n > 0;
	if (!any || s->picture.file.pages < 2)
		return 0;
	struct ages a = { calloc((size_t)s->picture.file.pages, sizeof *a.freed), s->picture.file.pages };
	struct old_page *v = NULL;
	size_t n = 0;
	int rc = a.freed ? read_ages(s, &a) : ERR_NO_MEMORY;
	if (rc == 0)
		rc = list_old_pages(s, &a, &v, &n);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = take_page(s, &v[i]);
	free(v);
	free(a.freed);
	return rc;
}
