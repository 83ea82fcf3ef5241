#include "model/page.h"

#include "base/bytes.h"
#include "model/record.h"

_Static_assert(sizeof(struct message) == 40, "messages are stored as they are");
_Static_assert(PAGE_VALUE_MAX < 2000, "a page fits a leaf of the index");

/* Stored little-endian; on such a machine (all but few) the bytes are the struct. */
static void load_messages(struct message *m, const char *p, uint32_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(m, p, count * sizeof(*m));
#else
	for (uint32_t i = 0; i < count; i++, p += sizeof(*m))
		m[i] = (struct message){ load_le32(p), load_le32(p + 4), load_le64(p + 8), load_le64(p + 16),
								 (int64_t)load_le64(p + 24), load_le64(p + 32) };
#endif
}

static void store_messages(char *p, const struct message *m, uint32_t count)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	memcpy(p, m, count * sizeof(*m));
#else
	for (uint32_t i = 0; i < count; i++, p += sizeof(*m)) {
		store_le32(p, m[i].uid);
		store_le32(p + 4, m[i].size);
		store_le64(p + 8, m[i].email);
		store_le64(p + 16, m[i].modseq);
		store_le64(p + 24, (uint64_t)m[i].date);
		store_le64(p + 32, m[i].flags);
	}
#endif
}

static int check(struct str value, uint32_t *count_out)
{
	int rc = record_check(value, PAGE_HEADER);
	if (rc)
		return rc;
	*count_out = record_own0(value);
	bool fits = *count_out <= PAGE_MESSAGES_MAX && value.n == PAGE_HEADER + *count_out * sizeof(struct message);
	return fits ? 0 : ERR_CORRUPT;
}

int page_decode(struct str value, uint32_t start, struct page_edit *out)
{
	out->start = start;
	out->count = 0;
	int rc = check(value, &out->count);
	if (!rc)
		load_messages(out->m, value.p + PAGE_HEADER, out->count);
	return rc;
}

size_t page_encode(const struct page_edit *page, char *p)
{
	uint64_t modseq = 0;
	for (uint32_t i = 0; i < page->count; i++)
		if (page->m[i].modseq > modseq)
			modseq = page->m[i].modseq;
	store_le64(p + RECORD_HEADER, modseq);
	store_messages(p + PAGE_HEADER, page->m, page->count);
	size_t n = PAGE_HEADER + page->count * sizeof(struct message);
	record_seal(p, n, (uint8_t)page->count, 0);
	return n;
}

static void count_unseen(struct page *page)
{
	page->unseen = 0;
	for (uint32_t i = 0; i < page->count; i++)
		page->unseen += (page->m[i].flags & (MESSAGE_SEEN | MESSAGE_GHOST)) == 0;
}

static struct page *allocate(uint32_t start, uint32_t count)
{
	struct page *page = malloc(sizeof(*page) + count * sizeof(struct message));
	if (!page)
		return NULL;
	atomic_init(&page->refs, 1);
	page->start = start;
	page->count = count;
	return page;
}

int page_create(uint32_t start, const struct message *m, uint32_t count, struct page **out)
{
	*out = allocate(start, count);
	if (!*out)
		return ERR_NO_MEMORY;
	memcpy((*out)->m, m, count * sizeof(*m));
	count_unseen(*out);
	return 0;
}

static bool is_same(const struct page *page, struct str value, uint32_t start, uint32_t count)
{
	if (!page || page->start != start || page->count != count)
		return false;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return memcmp(page->m, value.p + PAGE_HEADER, count * sizeof(struct message)) == 0;
#else
	return false;
#endif
}

int page_from_value(struct str value, uint32_t start, struct page *like, struct page **out)
{
	*out = NULL;
	uint32_t count;
	int rc = check(value, &count);
	if (rc || count == 0)
		return rc;
	if (is_same(like, value, start, count)) {
		*out = page_ref(like);
		return 0;
	}
	*out = allocate(start, count);
	if (!*out)
		return ERR_NO_MEMORY;
	load_messages((*out)->m, value.p + PAGE_HEADER, count);
	count_unseen(*out);
	return 0;
}

struct page *page_ref(struct page *page)
{
	atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);
	return page;
}

void page_unref(struct page *page)
{
	if (page && atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel) == 1)
		free(page);
}
