#include "model/member.h"

#include "base/bytes.h"
#include "model/keys.h"

/* A page that shrinks below this is joined with the next one when they fit. */
#define MEMBER_PAGE_SMALL (MEMBER_PAGE_MAX / 3)

int member_compare(const struct member *a, const struct member *b)
{
	if (a->email != b->email)
		return a->email < b->email ? -1 : 1;
	if (a->mailbox != b->mailbox)
		return a->mailbox < b->mailbox ? -1 : 1;
	return (a->uid > b->uid) - (a->uid < b->uid);
}

static int compare_void(const void *a, const void *b) { return member_compare(a, b); }

void member_sort(struct member *m, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (member_compare(&m[i - 1], &m[i]) > 0) {
			qsort(m, n, sizeof(*m), compare_void);
			return;
		}
}

int member_page_decode(struct str value, struct member_page *out)
{
	out->count = 0;
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	uint32_t count = record_own0(value);
	if (count > MEMBER_PAGE_MAX || value.n != RECORD_HEADER + count * MEMBER_BYTES)
		return ERR_CORRUPT;
	const char *p = value.p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, p += MEMBER_BYTES)
		out->m[i] = (struct member){ load_le64(p), load_le32(p + 8), load_le32(p + 12) };
	out->count = count;
	return 0;
}

size_t member_page_encode(const struct member *m, uint32_t count, char p[MEMBER_VALUE_MAX])
{
	char *at = p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, at += MEMBER_BYTES) {
		store_le64(at, m[i].email);
		store_le32(at + 8, m[i].mailbox);
		store_le32(at + 12, m[i].uid);
	}
	record_seal(p, RECORD_HEADER + count * MEMBER_BYTES, (uint8_t)count, 0);
	return RECORD_HEADER + count * MEMBER_BYTES;
}

/* ---- pages in the store ---- */

static struct key key_of(const struct member *m) { return key_member(m->email, m->mailbox, m->uid); }

struct found {
	struct member start;
	struct member_page page;
};

static int take(int rc, struct str key, struct str value, struct found *out)
{
	if (rc <= 0)
		return rc;
	if (!key_read_member(key, &out->start.email, &out->start.mailbox, &out->start.uid))
		return ERR_CORRUPT;
	rc = member_page_decode(value, &out->page);
	return rc ? rc : 1;
}

/* The page that covers m. */
static int page_at(struct source s, const struct member *m, struct found *out)
{
	struct key first = key_first(KEY_MEMBER), at = key_of(m), to = key_next(&at);
	struct str key, value;
	return take(source_find(s, key_str(&first), key_str(&to), true, &key, &value), key, value, out);
}

static int page_after(struct source s, const struct member *m, struct found *out)
{
	struct key at = key_of(m), from = key_next(&at), to = key_after(KEY_MEMBER);
	struct str key, value;
	return take(source_find(s, key_str(&from), key_str(&to), false, &key, &value), key, value, out);
}

static int page_put(struct store_write *w, const struct member *start, const struct member *m, uint32_t count)
{
	char value[MEMBER_VALUE_MAX];
	struct key key = key_of(start);
	return store_put(w, key_str(&key), str_make(value, member_page_encode(m, count, value)));
}

static int page_del(struct store_write *w, const struct member *start)
{
	struct key key = key_of(start);
	return store_del(w, key_str(&key));
}

int member_find(struct source s, uint64_t email, uint32_t mailbox, uint32_t uid, struct member *out)
{
	struct member want = { email, mailbox, uid };
	struct found found;
	int rc = page_at(s, &want, &found);
	for (int pages = 0; pages < 2 && rc >= 0; pages++) {
		for (uint32_t i = 0; rc == 1 && i < found.page.count; i++)
			if (member_compare(&found.page.m[i], &want) >= 0) {
				*out = found.page.m[i];
				return out->email == email;
			}
		if (pages == 0)
			rc = page_after(s, &want, &found);
	}
	return rc < 0 ? rc : 0;
}

/* ---- editing ---- */

struct list {
	const struct member *m;
	size_t n;
};

/* Cuts off the beginning that is below bound (NULL: all). */
static struct list take_below(struct list *list, const struct member *bound)
{
	size_t n = 0;
	while (n < list->n && (!bound || member_compare(&list->m[n], bound) < 0))
		n++;
	struct list head = { list->m, n };
	if (n)
		list->m += n;
	list->n -= n;
	return head;
}

struct merged {
	uint32_t count;
	bool adds_last;             /* the greatest one is new: the page grows at its end */
	struct member m[2 * MEMBER_PAGE_MAX];
};

/* What a page holds after the edit; at most MEMBER_PAGE_MAX are added. */
static void merge(const struct member_page *page, struct list remove, struct list add, struct merged *out)
{
	out->count = 0;
	out->adds_last = false;
	for (uint32_t i = 0; i < page->count || add.n;) {
		int order = i == page->count ? 1 : add.n == 0 ? -1 : member_compare(&page->m[i], add.m);
		const struct member *m = order <= 0 ? &page->m[i] : add.m;
		while (remove.n && member_compare(remove.m, m) < 0)
			remove.m++, remove.n--;
		bool gone = order < 0 && remove.n && member_compare(remove.m, m) == 0;
		if (!gone) {
			out->m[out->count++] = *m;
			out->adds_last = order > 0;
		}
		i += order <= 0;
		if (order >= 0)
			add.m++, add.n--;
	}
}

/* Writes what came out in place of the page at start: nothing, one page, or two. */
static int write_back(struct store_write *w, const struct member *start, bool existed, const struct merged *merged)
{
	if (merged->count == 0)
		return existed ? page_del(w, start) : 0;
	uint32_t left = merged->count;
	/* Emails are made in ascending order: a page that grows at its end stays full behind them. */
	if (left > MEMBER_PAGE_MAX)
		left = merged->adds_last ? MEMBER_PAGE_MAX : merged->count / 2;
	int rc = page_put(w, start, merged->m, left);
	if (!rc && merged->count > left)
		rc = page_put(w, &merged->m[left], merged->m + left, merged->count - left);
	return rc;
}

/* Joins a page that became small with the next one. */
static int absorb(struct store_write *w, const struct member *start, const struct found *next, struct merged *merged)
{
	if (merged->count == 0 || merged->count > MEMBER_PAGE_SMALL || merged->count + next->page.count > MEMBER_PAGE_MAX)
		return 0;
	memcpy(merged->m + merged->count, next->page.m, next->page.count * sizeof(*merged->m));
	merged->count += next->page.count;
	int rc = page_del(w, &next->start);
	return rc ? rc : page_put(w, start, merged->m, merged->count);
}

/* One round: the page that covers the least of both lists, and what of them falls into it. */
static int edit_page(struct store_write *w, struct list *remove, struct list *add)
{
	struct source s = source_write(w);
	const struct member first = !add->n || (remove->n && member_compare(remove->m, add->m) < 0) ? *remove->m : *add->m;
	struct found found, next;
	int existed = page_at(s, &first, &found);
	if (existed < 0)
		return existed;
	if (!existed) {
		found.start = first;
		found.page.count = 0;
	}
	int has_next = page_after(s, &found.start, &next);
	if (has_next < 0)
		return has_next;
	const struct member *bound = has_next ? &next.start : NULL;
	if (add->n > MEMBER_PAGE_MAX && (!bound || member_compare(&add->m[MEMBER_PAGE_MAX], bound) < 0))
		bound = &add->m[MEMBER_PAGE_MAX];
	struct list removed = take_below(remove, bound), added = take_below(add, bound);
	struct merged merged;
	merge(&found.page, removed, added, &merged);
	int rc = write_back(w, &found.start, existed, &merged);
	if (!rc && has_next && removed.n)
		rc = absorb(w, &found.start, &next, &merged);
	return rc;
}

int member_edit(struct store_write *w, const struct member *remove, size_t n_remove, const struct member *add,
				size_t n_add)
{
	struct list removals = { remove, n_remove }, additions = { add, n_add };
	while (removals.n || additions.n) {
		int rc = edit_page(w, &removals, &additions);
		if (rc)
			return rc;
	}
	return 0;
}
