#include "base/buf.h"
#include "model/changelog.h"
#include "model/keys.h"
#include "model/model_private.h"
#include "model/state.h"

struct changes {
	uint64_t since;
	uint32_t bin;
	uint64_t until, commits;                      /* out */
	struct buf found;                             /* out: struct account_change, as they came */
};

static int add_record(struct changes *c, struct str value)
{
	bool counts = false;
	struct changelog_reader reader;
	struct changelog_section section;
	int rc = changelog_open(value, &reader);
	while (!rc && (rc = changelog_next(&reader, &section)) == 1) {
		struct account_change change = { .mailbox = section.mailbox, .kinds = 1u << section.kind };
		struct account_change *v = (struct account_change *)(void *)c->found.p;
		size_t n = c->found.n / sizeof(*v);
		rc = 0;
		counts |= !c->bin || section.mailbox != c->bin;
		/* Neighbours are often of one mailbox. */
		if (n && v[n - 1].mailbox == change.mailbox)
			v[n - 1].kinds |= change.kinds;
		else
			buf_add(&c->found, &change, sizeof(change));
	}
	c->commits += counts;
	return rc ? rc : c->found.failed ? ERR_NO_MEMORY : 0;
}

static int read_changes(struct store_read *r, void *arg)
{
	struct changes *c = arg;
	struct state state;
	c->found.n = 0;
	c->commits = 0;
	int rc = state_load(source_read(r), &state);
	if (!rc && c->since < state.log_from)
		rc = ERR_NOT_FOUND;
	c->until = rc ? 0 : state.modseq;
	if (rc || c->since >= state.modseq)
		return rc;
	struct key from = key_log(c->since + 1), to = key_after(KEY_LOG);
	struct store_iter *it;
	rc = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	c->bin = state.bin;
	while ((rc = store_next(it, &key, &value)) == 1 && (rc = add_record(c, value)) == 0)
		;
	store_iter_end(&it);
	return rc;
}

static int by_mailbox(const void *a, const void *b)
{
	uint32_t x = ((const struct account_change *)a)->mailbox, y = ((const struct account_change *)b)->mailbox;
	return (x > y) - (x < y);
}

/* One row for each mailbox. */
static size_t merge(struct account_change *v, size_t n)
{
	size_t kept = 0;
	qsort(v, n, sizeof(*v), by_mailbox);
	for (size_t i = 0; i < n; i++) {
		if (kept && v[kept - 1].mailbox == v[i].mailbox)
			v[kept - 1].kinds |= v[i].kinds;
		else
			v[kept++] = v[i];
	}
	return kept;
}

int account_changes(struct account *a, struct arena *arena, uint64_t since, struct account_changes *out)
{
	struct changes c = { .since = since, .found = BUF_INIT(0) };
	*out = (struct account_changes){ .n = 0 };
	int rc = account_read(a->model, a->id, read_changes, &c);
	if (!rc && c.found.n) {
		out->n = merge((struct account_change *)(void *)c.found.p, c.found.n / sizeof(struct account_change));
		out->v = arena_array(arena, out->n, sizeof(*out->v));
		if (out->v)
			memcpy(out->v, c.found.p, out->n * sizeof(*out->v));
		else
			rc = ERR_NO_MEMORY;
	}
	out->until = c.until;
	out->commits = c.commits;
	buf_fini(&c.found);
	return rc;
}
