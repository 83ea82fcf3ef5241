#include "model/index.h"

#include "model/keys.h"

static int take(int found, struct str key, struct str value, struct page_edit *out)
{
	if (found <= 0)
		return found;
	uint32_t mailbox, start;
	if (!key_read_page(key, &mailbox, &start))
		return ERR_CORRUPT;
	int rc = page_decode(value, start, out);
	return rc ? rc : 1;
}

int index_page_at(struct source s, uint32_t mailbox, uint32_t uid, struct page_edit *out)
{
	struct key from = key_page(mailbox, 0), at = key_page(mailbox, uid), to = key_next(&at);
	struct str key, value;
	int rc = source_find(s, key_str(&from), key_str(&to), true, &key, &value);
	return take(rc, key, value, out);
}

int index_page_after(struct source s, uint32_t mailbox, uint32_t uid, struct page_edit *out)
{
	struct key at = key_page(mailbox, uid), from = key_next(&at), to = key_pages_after(mailbox);
	struct str key, value;
	int rc = source_find(s, key_str(&from), key_str(&to), false, &key, &value);
	return take(rc, key, value, out);
}

int index_find(struct source s, uint32_t mailbox, uint32_t uid, struct message *out)
{
	struct page_edit page;
	int rc = index_page_at(s, mailbox, uid, &page);
	for (uint32_t i = 0; rc == 1 && i < page.count; i++)
		if (page.m[i].uid == uid) {
			*out = page.m[i];
			return 1;
		}
	return rc < 0 ? rc : 0;
}

struct index_walk index_walk_begin(struct source s, uint32_t mailbox, const struct rangeset *uids)
{
	return (struct index_walk){ .source = s, .mailbox = mailbox, .uids = uids };
}

static int visited(struct index_walk *walk, const struct page_edit *page)
{
	walk->done = (uint64_t)page->start + 1;
	walk->last_uid = page->count ? page->m[page->count - 1].uid : 0;
	return 1;
}

/* The next unvisited page that may hold UIDs of one range. */
static int next_in_range(struct index_walk *walk, struct range range, struct page_edit *out)
{
	uint64_t from = range.lo;
	if (walk->done <= range.lo) {
		int rc = index_page_at(walk->source, walk->mailbox, range.lo, out);
		if (rc < 0 || (rc == 1 && out->start >= walk->done))
			return rc;
	} else {
		from = walk->done - 1;
	}
	int rc = index_page_after(walk->source, walk->mailbox, (uint32_t)from, out);
	return rc == 1 && out->start > range.hi ? 0 : rc;
}

int index_walk_next(struct index_walk *walk, struct page_edit *out)
{
	static const struct range all = { 0, UINT32_MAX };
	for (size_t n = walk->uids ? walk->uids->n : 1; walk->range < n; walk->range++) {
		struct range range = walk->uids ? walk->uids->v[walk->range] : all;
		/* Many small ranges in one page: no need to look it up again. */
		if (walk->done && range.hi <= walk->last_uid)
			continue;
		int rc = next_in_range(walk, range, out);
		if (rc)
			return rc < 0 ? rc : visited(walk, out);
	}
	return 0;
}

int index_put(struct store_write *w, uint32_t mailbox, const struct page_edit *page)
{
	char value[PAGE_VALUE_ROOM];
	struct key key = key_page(mailbox, page->start);
	return store_put(w, key_str(&key), str_make(value, page_encode(page, value)));
}

int index_del(struct store_write *w, uint32_t mailbox, uint32_t start)
{
	struct key key = key_page(mailbox, start);
	return store_del(w, key_str(&key));
}

int index_append(struct store_write *w, uint32_t mailbox, const struct message *m, size_t n)
{
	struct page_edit page;
	int rc = index_page_at(source_write(w), mailbox, UINT32_MAX, &page);
	if (rc < 0)
		return rc;
	uint32_t added = rc == 1 ? page_fill(&page, m, n) : 0;
	for (size_t done = 0; done < n;) {
		if (added == 0) {
			page.start = m[done].uid;
			page.count = 0;
			added = page_fill(&page, m + done, n - done);
		}
		done += added;
		added = 0;
		rc = index_put(w, mailbox, &page);
		if (rc)
			return rc;
	}
	return 0;
}

/* Moves all of right to the end of left: 1, or 0 when that is not possible. */
static int join(struct store_write *w, uint32_t mailbox, struct page_edit *left, const struct page_edit *right)
{
	uint32_t before = left->count;
	if (left->count + right->count > PAGE_MESSAGES_MAX)
		return 0;
	if (page_fill(left, right->m, right->count) < right->count) {
		left->count = before;
		return 0;
	}
	int rc = index_del(w, mailbox, right->start);
	if (!rc)
		rc = index_put(w, mailbox, left);
	return rc ? rc : 1;
}

int index_tidy(struct store_write *w, uint32_t mailbox, uint32_t uid)
{
	struct source s = source_write(w);
	struct page_edit page, other;
	int rc = index_page_at(s, mailbox, uid, &page);
	if (rc == 0)
		rc = index_page_after(s, mailbox, uid, &page);
	if (rc <= 0)
		return rc;
	while ((rc = index_page_after(s, mailbox, page.start, &other)) == 1 && (rc = join(w, mailbox, &page, &other)) == 1)
		;
	if (rc < 0 || page.start == 0)
		return rc;
	rc = index_page_at(s, mailbox, page.start - 1, &other);
	if (rc == 1)
		rc = join(w, mailbox, &other, &page);
	return rc < 0 ? rc : 0;
}
