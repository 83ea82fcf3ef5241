#include "migrate/match.h"

struct entry {
	uint64_t email;
	int64_t date;
	uint32_t size, uid;
};
struct match {
	struct account *account;
	struct entry *v;                  /* by size; uid 0: found already */
	size_t n;
	uint32_t *by_email;               /* indices of v; made when first asked for */
};

static int by_size(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return (x->uid > y->uid) - (x->uid < y->uid);
}

int match_open(struct account *a, uint32_t mailbox, const struct rangeset *noted, struct match **out)
{
	struct view *view;
	const struct message *message;
	int r = view_open(a, mailbox, &view);

	*out = NULL;
	if (r)
		return r;
	struct match *m = calloc(1, sizeof *m);
	struct entry *v = calloc((size_t)view_count(view) + 1, sizeof *v);
	if (m && v) {
		struct view_iter it = view_iter_at(view, 0);
		m->account = a;
		m->v = v;
		while ((message = view_iter_next(&it)))
			if (!rangeset_has(noted, message->uid))
				v[m->n++] = (struct entry){ .email = message->email, .date = message->date, .size = message->size, .uid = message->uid };
		qsort(v, m->n, sizeof *v, by_size);
		*out = m;
	} else {
		free(m);
		free(v);
		r = ERR_NO_MEMORY;
	}
	view_unref(&view);
	return r;
}

void match_close(struct match **m)
{
	if (*m) {
		free((*m)->v);
		free((*m)->by_email);
	}
	free(*m);
	*m = NULL;
}

size_t match_count(const struct match *m) { return m->n; }

static bool has_bytes(const struct match *m, uint64_t email, struct str message)
{
	struct store_blob_view body;
	if (email_map(m->account, email, &body))
		return false;
	bool same = str_eq(body.bytes, message);
	email_unmap(m->account, &body);
	return same;
}

uint32_t match_find(struct match *m, struct str message, const int64_t *date)
{
	size_t low = 0, high = m->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->v[middle].size < message.n)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < m->n && m->v[low].size == message.n; low++) {
		struct entry *x = &m->v[low];
		if (!x->uid || (date && x->date != *date) || !has_bytes(m, x->email, message))
			continue;
		uint32_t uid = x->uid;
		x->uid = 0;
		return uid;
	}
	return 0;
}

static int by_email(const void *a, const void *b, void *arg)
{
	const struct entry *v = arg, *x = &v[*(const uint32_t *)a], *y = &v[*(const uint32_t *)b];
	return (x->email > y->email) - (x->email < y->email);
}

static bool make_index(struct match *m)
{
	m->by_email = calloc(m->n + 1, sizeof *m->by_email);
	for (uint32_t i = 0; m->by_email && i < m->n; i++)
		m->by_email[i] = i;
	if (m->by_email && m->n)
		qsort_r(m->by_email, m->n, sizeof *m->by_email, by_email, m->v);
	return m->by_email != NULL;
}

uint32_t match_find_email(struct match *m, uint64_t email)
{
	size_t low = 0, high = m->n;
	if (!m->n || (!m->by_email && !make_index(m)))
		return 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (m->v[m->by_email[middle]].email < email)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < m->n && m->v[m->by_email[low]].email == email; low++) {
		struct entry *x = &m->v[m->by_email[low]];
		uint32_t uid = x->uid;
		x->uid = 0;
		if (uid)
			return uid;
	}
	return 0;
}
