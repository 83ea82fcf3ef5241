#include "model/origin.h"

#include "base/bytes.h"
#include "model/keys.h"

int origin_page_decode(struct str value, uint32_t start, struct origin_page *out)
{
	out->count = 0;
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	uint32_t count = record_own0(value);
	if (count == 0 || count > ORIGIN_PAGE_MAX || value.n != RECORD_HEADER + count * ORIGIN_BYTES)
		return ERR_CORRUPT;
	const char *p = value.p + RECORD_HEADER;
	for (uint32_t i = 0; i < count; i++, p += ORIGIN_BYTES) {
		out->v[i] = (struct origin){ load_le32(p), load_le32(p + 4), load_le32(p + 8) };
		if (out->v[i].at < (i ? out->v[i - 1].at + 1 : start))
			return ERR_CORRUPT;
	}
	out->count = count;
	return 0;
}

size_t origin_page_encode(const struct origin_page *page, char p[ORIGIN_VALUE_MAX])
{
	char *at = p + RECORD_HEADER;
	for (uint32_t i = 0; i < page->count; i++, at += ORIGIN_BYTES) {
		store_le32(at, page->v[i].at);
		store_le32(at + 4, page->v[i].mailbox);
		store_le32(at + 8, page->v[i].uid);
	}
	size_t n = (size_t)(at - p);
	record_seal(p, n, (uint8_t)page->count, 0);
	return n;
}

static int put(struct change *c, uint32_t start, const struct origin_page *page)
{
	char value[ORIGIN_VALUE_MAX];
	struct key key = key_origin(start);
	return page->count ? store_put(c->w, key_str(&key), str_make(value, origin_page_encode(page, value))) : store_del(c->w, key_str(&key));
}

static int take(int found, struct str key, struct str value, uint32_t *start_out, struct origin_page *out)
{
	if (found <= 0)
		return found;
	if (!key_read_u32(key, KEY_ORIGIN, start_out))
		return ERR_CORRUPT;
	int rc = origin_page_decode(value, *start_out, out);
	return rc ? rc : 1;
}

int origin_next(struct source s, uint32_t from, uint32_t *start_out, struct origin_page *out)
{
	struct key first = key_origin(from), to = key_after(KEY_ORIGIN);
	struct str key, value;
	*start_out = 0;
	int rc = source_find(s, key_str(&first), key_str(&to), false, &key, &value);
	return take(rc, key, value, start_out, out);
}

/* The last page that begins at uid or before it. */
static int page_at(struct source s, uint32_t uid, uint32_t *start_out, struct origin_page *out)
{
	struct key first = key_first(KEY_ORIGIN), at = key_origin(uid), to = key_next(&at);
	struct str key, value;
	int rc = source_find(s, key_str(&first), key_str(&to), true, &key, &value);
	return take(rc, key, value, start_out, out);
}

/* What is noted of the origin is not worth that mail could not be deleted: a damaged page is left as it is, for a check to find. */
int origin_append(struct change *c, const struct origin *v, size_t n)
{
	struct origin_page page;
	uint32_t start;
	int rc = n ? page_at(change_source(c), UINT32_MAX, &start, &page) : 0;
	if (rc == 0 || rc == ERR_CORRUPT)
		page.count = 0;
	else if (rc < 0)
		return rc;
	for (rc = 0; !rc && n;) {
		if (page.count == 0 || page.count == ORIGIN_PAGE_MAX) {
			start = v->at;
			page.count = 0;
		}
		while (n && page.count < ORIGIN_PAGE_MAX) {
			page.v[page.count++] = *v++;
			n--;
		}
		rc = put(c, start, &page);
	}
	return rc;
}

/* Takes the UIDs of one page out of it. */
static int thin(struct change *c, uint32_t start, struct origin_page *page, const struct rangeset *uids)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < page->count; i++)
		if (!rangeset_has(uids, page->v[i].at))
			page->v[kept++] = page->v[i];
	if (kept == page->count)
		return 0;
	page->count = kept;
	return put(c, start, page);
}

/* *covered: the pages thinned so far held no UID that is greater. */
static int remove_range(struct change *c, const struct rangeset *uids, struct range range, uint32_t *covered)
{
	struct origin_page page;
	uint32_t start, from = range.lo;
	int rc = page_at(change_source(c), from, &start, &page);
	for (;;) {
		if (rc == 1) {
			*covered = page.v[page.count - 1].at;
			rc = thin(c, start, &page, uids);
		}
		if (rc < 0 && rc != ERR_CORRUPT)
			return rc;
		if (from == UINT32_MAX)
			return 0;
		rc = origin_next(change_source(c), from + 1, &start, &page);
		if (rc == 0 || start == 0 || start > range.hi)
			return rc == ERR_CORRUPT ? 0 : rc < 0 ? rc : 0;
		from = start;
	}
}

int origin_remove(struct change *c, const struct rangeset *uids)
{
	uint32_t covered = 0;
	int rc = 0;
	for (size_t i = 0; !rc && i < uids->n; i++)
		if (uids->v[i].hi > covered)
			rc = remove_range(c, uids, uids->v[i], &covered);
	return rc;
}
