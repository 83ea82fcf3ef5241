/* Packing of index pages: what goes in comes out, the sizes are as promised, and the former version is read. */
#include "model/fixture.h"

#include "model/page.h"
#include "model/record.h"

static uint64_t seed = 1;

static uint64_t roll(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1du;
}

static void assert_message(const struct message *a, const struct message *b)
{
	assert_int_equal(a->uid, b->uid);
	assert_int_equal(a->size, b->size);
	assert_true(a->email == b->email && a->modseq == b->modseq && a->date == b->date && a->flags == b->flags);
	assert_true(a->saved == b->saved);
}

/* By the way of a commit, and by that of a view; the size. */
static size_t assert_packs(const struct page_edit *page)
{
	char value[PAGE_VALUE_ROOM], again[PAGE_VALUE_ROOM];
	size_t n = page_encode(page, value);
	assert_true(n <= PAGE_VALUE_MAX);
	struct page_edit read;
	assert_int_equal(page_decode(str_make(value, n), page->start, &read), 0);
	assert_int_equal(read.start, page->start);
	assert_int_equal(read.count, page->count);
	assert_int_equal(page_encode(&read, again), n);
	assert_memory_equal(value, again, n);
	struct page *shared, *same, *made;
	assert_int_equal(page_from_value(str_make(value, n), page->start, NULL, &shared), 0);
	if (page->count == 0) {
		assert_null(shared);
		return n;
	}
	assert_int_equal(page_create(page->start, page->m, page->count, &made), 0);
	assert_int_equal(made->bytes, shared->bytes);
	assert_memory_equal(made->column, shared->column, sizeof(made->column));
	uint32_t unseen = 0;
	for (uint32_t i = 0; i < page->count; i++) {
		struct message m;
		page_message(shared, i, &m);
		assert_message(&read.m[i], &page->m[i]);
		assert_message(&m, &page->m[i]);
		assert_int_equal(page_uid(shared, i), m.uid);
		assert_true(page_flags(shared, i) == m.flags);
		unseen += !(m.flags & (MESSAGE_SEEN | MESSAGE_GHOST));
		assert_int_equal(page_find(shared, m.uid), i);
		if (m.uid != UINT32_MAX)
			assert_int_equal(page_find(shared, m.uid + 1), i + 1);
		if (m.uid && (i == 0 || page->m[i - 1].uid != m.uid - 1))
			assert_int_equal(page_find(shared, m.uid - 1), i);
	}
	assert_int_equal(page_find(shared, 0), 0);
	assert_int_equal(shared->unseen, unseen);
	assert_int_equal(page_from_value(str_make(value, n), page->start, shared, &same), 0);
	assert_ptr_equal(same, shared);
	page_unref(same);
	/* another start, or one message more, is another page */
	assert_int_equal(page_from_value(str_make(value, n), page->start + 1, shared, &same), 0);
	assert_ptr_not_equal(same, shared);
	page_unref(same);
	page_unref(shared);
	page_unref(made);
	return n;
}

static struct message ordinary(uint32_t i)
{
	return (struct message){ .uid = 1000 + i, .size = 4000 + i * 37 % 5000, .email = 70000 + i, .modseq = 90000 + i,
							 .date = 1700000000 + i * 60, .flags = MESSAGE_SEEN, .saved = 1700000002 + i * 60 };
}

static void empty_and_single(void **state)
{
	(void)state;
	struct page_edit page = { .start = 5 };
	assert_int_equal(assert_packs(&page), PAGE_DATA);
	page.m[0] = ordinary(0);
	page.count = 1;
	/* one message lies in the bases alone */
	assert_int_equal(assert_packs(&page), PAGE_DATA);
}

static void narrow_columns(void **state)
{
	(void)state;
	struct page_edit page = { .start = 1000 };
	for (uint32_t i = 0; i < 100; i++)
		page.m[page.count++] = ordinary(i);
	/* two octets of size; all else is equal, rises by one, or (dates) needs two, and save dates follow them */
	assert_int_equal(assert_packs(&page), PAGE_DATA + 100 * (2 + 2));
	page.m[50].flags = MESSAGE_SEEN | (uint64_t)1 << 63;
	assert_int_equal(assert_packs(&page), PAGE_DATA + 100 * (2 + 2 + 8));
	page.m[50].flags = MESSAGE_SEEN;
	page.m[99].saved = 0;
	assert_int_equal(assert_packs(&page), PAGE_DATA + 100 * (2 + 2 + 4));
	page.m[99].uid = 1000000;
	assert_int_equal(assert_packs(&page), PAGE_DATA + 100 * (2 + 2 + 4 + 3));
}

static void every_width(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		struct page_edit page = { .start = 1 };
		uint32_t count = 1 + (uint32_t)(roll() % PAGE_MESSAGES_MAX), uid = (uint32_t)(roll() >> roll() % 32) % 100000;
		unsigned shift[6];
		for (unsigned i = 0; i < 6; i++)
			shift[i] = (unsigned)(roll() % 64);
		while (page.count < count) {
			uid += 1 + (roll() % 8 ? 0 : (uint32_t)roll() % (1u << round % 24));
			page.m[page.count++] = (struct message){
				.uid = uid, .size = (uint32_t)(roll() >> 32 >> shift[0] / 2), .email = roll() >> shift[1],
				.modseq = roll() >> shift[2], .date = (int64_t)roll() >> shift[3], .flags = roll() >> shift[4],
				.saved = (int64_t)roll() >> shift[5],
			};
		}
		assert_packs(&page);
	}
}

static void widest(void **state)
{
	(void)state;
	struct page_edit page = { .start = 0 };
	for (uint32_t i = 0; i < PAGE_MESSAGES_MAX; i++)
		page.m[page.count++] = (struct message){ i, i % 2 ? UINT32_MAX : 0, i % 2 ? UINT64_MAX : 1u << 31,
			i % 2 ? INT64_MAX : 0, i % 2 ? INT64_MIN : INT64_MAX, i % 2 ? UINT64_MAX : (uint64_t)1 << 62,
			i % 2 ? INT64_MIN : INT64_MAX };
	page.m[PAGE_MESSAGES_MAX - 1].uid = UINT32_MAX;
	assert_packs(&page);
}

/* What a page is filled up to: with ordinary messages its ceiling, with others the size; always something. */
static void filling(void **state)
{
	(void)state;
	static struct message m[3 * PAGE_MESSAGES_MAX];
	char value[PAGE_VALUE_ROOM];
	for (uint32_t i = 0; i < 3 * PAGE_MESSAGES_MAX; i++)
		m[i] = ordinary(i);
	struct page_edit page = { .start = 1000 };
	assert_int_equal(page_fill(&page, m, 10), 10);
	assert_int_equal(page_fill(&page, m + 10, 3 * PAGE_MESSAGES_MAX - 10), PAGE_MESSAGES_MAX - 10);
	assert_int_equal(page.count, PAGE_MESSAGES_MAX);
	assert_memory_equal(page.m, m, sizeof(page.m));
	assert_int_equal(page_fill(&page, m, 1), 0);
	/* the reserve: gaps from expunges, and every message flagged in a change of its own */
	for (uint32_t i = 0; i < page.count; i++) {
		page.m[i].uid = 1000 + 2 * i;
		page.m[i].flags |= i % 3 << MESSAGE_KEYWORD_SHIFT;
		page.m[i].modseq += roll() % 10000000;
	}
	assert_true(assert_packs(&page) <= PAGE_VALUE_GOOD);

	for (uint32_t i = 0; i < 3 * PAGE_MESSAGES_MAX; i++)
		m[i].date = (int64_t)(roll() >> 1), m[i].flags = roll(), m[i].saved = (int64_t)(roll() >> 1);
	page.count = 0;
	uint32_t n = page_fill(&page, m, 3 * PAGE_MESSAGES_MAX);
	assert_true(n > 40 && n < PAGE_MESSAGES_MAX);
	assert_true(page_encode(&page, value) <= PAGE_VALUE_GOOD);
	assert_int_equal(page_fill(&page, m + n, 1), 0);
}

/* ---- version 1 ---- */

static size_t put_old(char *p, const struct message *m, uint32_t count)
{
	char *at = p + PAGE_HEADER;
	memset(p, 0, PAGE_HEADER);
	for (uint32_t i = 0; i < count; i++, at += 40) {
		store_le32(at, m[i].uid);
		store_le32(at + 4, m[i].size);
		store_le64(at + 8, m[i].email);
		store_le64(at + 16, m[i].modseq);
		store_le64(at + 24, (uint64_t)m[i].date);
		store_le64(at + 32, m[i].flags);
	}
	record_seal(p, (size_t)(at - p), (uint8_t)count, 0);
	return (size_t)(at - p);
}

static void former_version(void **state)
{
	(void)state;
	char old[PAGE_HEADER + 49 * 40];
	struct page_edit page = { .start = 1000 }, read;
	for (uint32_t i = 0; i < 48; i++) {
		page.m[page.count++] = ordinary(i);
		page.m[i].saved = 0;
	}
	struct str value = str_make(old, put_old(old, page.m, 48));
	assert_int_equal(page_decode(value, 1000, &read), 0);
	assert_int_equal(read.count, 48);
	for (uint32_t i = 0; i < 48; i++)
		assert_message(&read.m[i], &page.m[i]);
	/* rewritten, nothing changes for who holds it in a view */
	char now[PAGE_VALUE_ROOM];
	struct str rewritten = str_make(now, page_encode(&read, now));
	assert_true(rewritten.n < value.n / 2);
	struct page *before, *after;
	assert_int_equal(page_from_value(value, 1000, NULL, &before), 0);
	assert_int_equal(page_from_value(rewritten, 1000, before, &after), 0);
	assert_ptr_equal(before, after);
	page_unref(before);
	page_unref(after);
	page.m[48] = ordinary(48);
	assert_int_equal(page_decode(str_make(old, put_old(old, page.m, 49)), 1000, &read), ERR_CORRUPT);
}

static void refused(void **state)
{
	(void)state;
	struct page_edit page = { .start = 1000 }, read;
	char value[PAGE_VALUE_ROOM];
	struct page *shared;
	for (uint32_t i = 0; i < 20; i++)
		page.m[page.count++] = ordinary(i);
	size_t n = page_encode(&page, value);
	static const struct { size_t at; uint8_t is; int rc; } wrong[] = {
		{ 0, 3, ERR_VERSION }, { 0, 0, ERR_CORRUPT }, { 1, 21, ERR_CORRUPT }, { 1, 255, ERR_CORRUPT },
		{ PAGE_HEADER, 5, ERR_CORRUPT }, { PAGE_HEADER + PAGE_COLUMN_HEADER, 0x22, ERR_CORRUPT },
		{ PAGE_HEADER + PAGE_COLUMN_HEADER * PAGE_DATE, 9, ERR_CORRUPT }, { PAGE_HEADER, 0x40, ERR_CORRUPT },
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		char copy[PAGE_VALUE_ROOM];
		memcpy(copy, value, n);
		copy[wrong[i].at] = (char)wrong[i].is;
		assert_int_equal(page_decode(str_make(copy, n), 1000, &read), ERR_CORRUPT);      /* the checksum */
		record_seal_version(copy, n, (uint8_t)copy[0], (uint8_t)copy[1], 0);
		assert_int_equal(page_decode(str_make(copy, n), 1000, &read), wrong[i].rc);
		assert_int_equal(page_from_value(str_make(copy, n), 1000, NULL, &shared), wrong[i].rc);
		assert_null(shared);
	}
	for (size_t cut = 0; cut < n; cut++) {
		char copy[PAGE_VALUE_ROOM];
		memcpy(copy, value, n);
		if (cut >= RECORD_HEADER)
			record_seal_version(copy, cut, 2, 20, 0);
		assert_int_equal(page_decode(str_make(copy, cut), 1000, &read), ERR_CORRUPT);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_and_single), cmocka_unit_test(narrow_columns), cmocka_unit_test(every_width),
		cmocka_unit_test(widest), cmocka_unit_test(filling), cmocka_unit_test(former_version),
		cmocka_unit_test(refused),
	};
	return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
