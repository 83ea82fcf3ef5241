#include "deliver/targets.h"

static int compare(const void *a, const void *b)
{
	uint64_t left = ((const struct target *)a)->account, right = ((const struct target *)b)->account;
	return (left > right) - (left < right);
}

int targets_init(struct targets *t, const struct deliver_recipient *r, size_t n, struct err *e)
{
	*t = (struct targets){ .v = calloc(n ? n : 1, sizeof(*t->v)) };
	if (!t->v)
		return err_set(e, ERR_NO_MEMORY, NULL, "delivery to %zu recipients", n);
	for (size_t i = 0; i < n; i++)
		t->v[i].account = r[i].account;
	qsort(t->v, n, sizeof(*t->v), compare);
	for (size_t i = 0; i < n; i++)
		if (t->n == 0 || t->v[t->n - 1].account != t->v[i].account)
			t->v[t->n++] = t->v[i];
	t->n_open = t->n;
	return 0;
}

static int can_take(struct model *m, uint64_t account, size_t size)
{
	struct quota q;
	int rc = model_quota(m, account, &q);
	if (rc)
		return rc;
	return quota_has_room(&q, 1, size, true) ? 0 : ERR_QUOTA;
}

void targets_refuse_full(struct targets *t, struct model *m, size_t size)
{
	for (size_t i = 0; i < t->n_open;) {
		int rc = can_take(m, t->v[i].account, size);
		if (rc == 0) {
			i++;
			continue;
		}
		struct target refused = { t->v[i].account, rc };
		t->v[i] = t->v[--t->n_open];
		t->v[t->n_open] = refused;
	}
}

int targets_finish(struct targets *t, int rc, struct deliver_recipient *r, size_t n, struct err *e)
{
	int first = rc && t->n_open ? rc : 0;
	for (size_t i = t->n_done; rc && i < t->n_open; i++)
		if (t->v[i].result == 0)
			t->v[i].result = rc;
	if (t->v)
		qsort(t->v, t->n, sizeof(*t->v), compare);
	for (size_t i = 0; i < n; i++) {
		struct target key = { r[i].account, 0 };
		const struct target *found = t->v ? bsearch(&key, t->v, t->n, sizeof(*t->v), compare) : NULL;
		r[i].result = found ? found->result : rc;
		if (r[i].result && !first)
			first = r[i].result;
	}
	free(t->v);
	*t = (struct targets){ .v = NULL };
	if (first == ERR_QUOTA)
		return err_set(e, first, "The mailbox is full", "delivery: over quota");
	return first && !rc ? err_set(e, first, NULL, "delivery: %s", err_text(first)) : first;
}
