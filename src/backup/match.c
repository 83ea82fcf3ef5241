#include "backup/match.h"

#include "backup/limits.h"

#include <stdlib.h>

struct work {
	struct old_account *from;
	struct account *to;
	const struct view *old, *now;
	struct match *m;
	uint32_t *order;                      /* of `now`, by size and date */
};

void match_fini(struct match *m)
{
	free(m->place);
	free(m->taken);
	*m = (struct match){ NULL, NULL };
}

static bool is_alike(const struct message *a, const struct message *b) { return a->size == b->size && a->date == b->date; }

static int compare_emails(struct work *w, uint64_t old, uint64_t now, bool octets, bool *same_out)
{
	struct email_reader *a = NULL, *b = NULL;
	struct email x = { .blob = 0 }, y = { .blob = 0 };
	struct buf body = BUF_INIT(STORE_BLOB_MAX);
	struct store_blob_view view = { .handle = NULL };
	*same_out = false;
	int rc = email_reader_begin(w->from->account, &a);
	if (!rc)
		rc = email_reader_begin(w->to, &b);
	if (!rc)
		rc = email_reader_get(a, old, &x);
	if (!rc)
		rc = email_reader_get(b, now, &y);
	bool same = !rc && str_eq(x.summary, y.summary);
	if (same && octets) {
		rc = old_account_body(w->from, x.blob, &body);
		if (!rc)
			rc = email_map_blob(w->to, y.blob, &view);
		same = !rc && str_eq(buf_str(&body), view.bytes);
		email_unmap(w->to, &view);
	}
	*same_out = same;
	email_reader_end(&a);
	email_reader_end(&b);
	buf_fini(&body);
	/* Gone since the view was taken, or not in the backup, or damaged: not the same. */
	return rc == ERR_NOT_FOUND || rc == ERR_CORRUPT || rc == ERR_IO ? 0 : rc;
}

static void take(struct work *w, uint32_t old, uint32_t now)
{
	w->m->place[old] = now;
	w->m->taken[now] = true;
}

static int match_by_uid(struct work *w)
{
	struct view_iter it = view_iter_at(w->old, 0);
	const struct message *m;
	int rc = 0;
	while (!rc && (m = view_iter_next(&it))) {
		bool exact, same = false;
		uint32_t at = view_find(w->now, m->uid, &exact);
		struct message other = exact ? view_at(w->now, at) : (struct message){ .uid = 0 };
		if (exact && is_alike(m, &other))
			rc = compare_emails(w, m->email, other.email, false, &same);
		if (same)
			take(w, it.index - 1, at);
	}
	return rc;
}

/* ---- by what they hold ---- */

static int compare_keys(const struct message *a, const struct message *b)
{
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->date < b->date ? -1 : a->date > b->date;
}

static int compare_places(const void *a, const void *b, void *arg)
{
	const struct view *v = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	struct message m = view_at(v, x), n = view_at(v, y);
	int order = compare_keys(&m, &n);
	return order ? order : x < y ? -1 : x > y;
}

static int match_by_content(struct work *w)
{
	uint32_t n = view_count(w->now);
	w->order = malloc(((size_t)n + 1) * sizeof(*w->order));
	if (!w->order)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < n; i++)
		w->order[i] = i;
	qsort_r(w->order, n, sizeof(*w->order), compare_places, (void *)(uintptr_t)w->now);
	int rc = 0;
	for (uint32_t i = 0; !rc && i < view_count(w->old); i++) {
		struct message m = view_at(w->old, i);
		uint32_t low = 0, high = n;
		while (low < high) {
			uint32_t middle = low + (high - low) / 2;
			struct message other = view_at(w->now, w->order[middle]);
			if (compare_keys(&other, &m) < 0)
				low = middle + 1;
			else
				high = middle;
		}
		for (; !rc && w->m->place[i] == MATCH_NONE && low < n; low++) {
			struct message other = view_at(w->now, w->order[low]);
			bool same = false;
			if (!is_alike(&m, &other))
				break;
			if (!w->m->taken[w->order[low]])
				rc = compare_emails(w, m.email, other.email, true, &same);
			if (same)
				take(w, i, w->order[low]);
		}
	}
	free(w->order);
	return rc;
}

int match_messages(struct old_account *from, const struct view *old, struct account *to, const struct view *now, struct match *out)
{
	struct work w = { .from = from, .to = to, .old = old, .now = now, .m = out };
	out->place = malloc(((size_t)view_count(old) + 1) * sizeof(*out->place));
	out->taken = calloc((size_t)view_count(now) + 1, sizeof(*out->taken));
	if (!out->place || !out->taken)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0; i < view_count(old); i++)
		out->place[i] = MATCH_NONE;
	int rc = view_uidvalidity(old) == view_uidvalidity(now) ? match_by_uid(&w) : 0;
	return rc ? rc : match_by_content(&w);
}
