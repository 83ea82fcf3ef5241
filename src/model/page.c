#include "model/page.h"

#include "model/record.h"

#define OLD_MESSAGE 40u                           /* version 1: messages of fixed width, without a save date */
#define OLD_MESSAGES_MAX 48u

/* In a column header */
#define HOW_WIDTH 0x0fu
#define HOW_RISING 0x10u
#define HOW_FROM_DATE 0x20u

_Static_assert(PAGE_MESSAGES_MAX <= 255, "their number is an octet of the record header");
_Static_assert(sizeof(struct page_column) == 16, "columns are compared as memory: no gaps");

const uint64_t page_mask[9] = {
	0, 0xff, 0xffff, 0xffffff, UINT32_MAX, 0xffffffffff, 0xffffffffffff, 0xffffffffffffff, UINT64_MAX,
};

/* ---- reading ---- */

static inline void unpack(const struct page_column *c, const char *data, uint32_t i, struct message *out)
{
	uint64_t date = page_unpack(&c[PAGE_DATE], data, i);
	out->uid = (uint32_t)page_unpack(&c[PAGE_UID], data, i);
	out->size = (uint32_t)page_unpack(&c[PAGE_SIZE], data, i);
	out->email = page_unpack(&c[PAGE_EMAIL], data, i);
	out->modseq = page_unpack(&c[PAGE_MODSEQ], data, i);
	out->date = (int64_t)date;
	out->flags = page_unpack(&c[PAGE_FLAGS], data, i);
	out->saved = (int64_t)(page_unpack(&c[PAGE_SAVED], data, i) + (date & -(uint64_t)c[PAGE_SAVED].from_date));
}

/* Where the columns of `count` messages are; how much data there must be. */
static bool read_columns(const char *p, uint32_t count, struct page_column *out, size_t *data_out)
{
	size_t at = 0;
	for (unsigned i = 0; i < PAGE_COLUMNS; i++, p += PAGE_COLUMN_HEADER) {
		uint8_t how = (uint8_t)*p;
		uint8_t width = how & HOW_WIDTH, width_max = i == PAGE_UID || i == PAGE_SIZE ? 4 : 8;
		if (width > width_max || how & ~(HOW_WIDTH | HOW_RISING | (i == PAGE_SAVED ? HOW_FROM_DATE : 0)))
			return false;
		out[i] = (struct page_column){
			.base = load_le64(p + 1), .at = (uint32_t)at, .width = width, .rising = how & HOW_RISING,
			.from_date = how & HOW_FROM_DATE,
		};
		at += (size_t)count * width;
	}
	*data_out = at;
	return true;
}

/* A stored value that is whole and within its bounds. */
struct checked {
	uint8_t version;
	uint32_t count;
	size_t data;                                  /* octets of columns */
	struct page_column column[PAGE_COLUMNS];
};

static int check(struct str value, struct checked *out)
{
	int rc = record_check_version(value, PAGE_HEADER, PAGE_VERSION, &out->version);
	if (rc)
		return rc;
	out->count = record_own0(value);
	if (out->count > PAGE_MESSAGES_MAX)
		return ERR_CORRUPT;
	if (out->version == 1)
		return out->count <= OLD_MESSAGES_MAX && value.n == PAGE_HEADER + out->count * OLD_MESSAGE ? 0 : ERR_CORRUPT;
	if (value.n < PAGE_DATA || !read_columns(value.p + PAGE_HEADER, out->count, out->column, &out->data))
		return ERR_CORRUPT;
	return value.n == PAGE_DATA + out->data ? 0 : ERR_CORRUPT;
}

static void decode_old(struct str value, struct page_edit *out)
{
	const char *p = value.p + PAGE_HEADER;
	for (uint32_t i = 0; i < out->count; i++, p += OLD_MESSAGE)
		out->m[i] = (struct message){ load_le32(p), load_le32(p + 4), load_le64(p + 8), load_le64(p + 16),
									  (int64_t)load_le64(p + 24), load_le64(p + 32), 0 };
}

int page_decode(struct str value, uint32_t start, struct page_edit *out)
{
	struct checked checked;
	out->start = start;
	out->count = 0;
	int rc = check(value, &checked);
	if (rc)
		return rc;
	out->count = checked.count;
	if (checked.version == 1) {
		decode_old(value, out);
		return 0;
	}
	char data[PAGE_VALUE_MAX + PAGE_SLACK];
	memcpy(data, value.p + PAGE_DATA, checked.data);
	memset(data + checked.data, 0, PAGE_SLACK);
	for (uint32_t i = 0; i < checked.count; i++)
		unpack(checked.column, data, i, &out->m[i]);
	return 0;
}

/* ---- packing ---- */

/* Numbers are compared as signed ones: dates are, and of all others the difference comes out right. */
struct span { int64_t min, max; };

/* The spans of some messages' columns; the last one: save dates counted from the date. */
#define SPANS (PAGE_COLUMNS + 1u)
struct shape {
	uint32_t count;
	struct span plain[SPANS], rising[SPANS];
};

static void shape_init(struct shape *s)
{
	s->count = 0;
	for (unsigned i = 0; i < SPANS; i++)
		s->plain[i] = s->rising[i] = (struct span){ INT64_MAX, INT64_MIN };
}

static void widen(struct span *s, uint64_t value)
{
	int64_t v = (int64_t)value;
	s->min = v < s->min ? v : s->min;
	s->max = v > s->max ? v : s->max;
}

static void shape_add(struct shape *s, const struct message *m)
{
	const uint64_t value[SPANS] = {
		m->uid, m->size, m->email, m->modseq, (uint64_t)m->date, m->flags, (uint64_t)m->saved,
		(uint64_t)m->saved - (uint64_t)m->date,
	};
	for (unsigned i = 0; i < SPANS; i++) {
		widen(&s->plain[i], value[i]);
		widen(&s->rising[i], value[i] - s->count);
	}
	s->count++;
}

static uint8_t width_of(struct span s)
{
	uint64_t most = (uint64_t)s.max - (uint64_t)s.min;
	return most ? (uint8_t)((64 - (unsigned)__builtin_clzll(most) + 7) / 8) : 0;
}

static void take_narrower(struct page_column *best, struct span s, bool rising, bool from_date)
{
	uint8_t width = width_of(s);
	if (width < best->width)
		*best = (struct page_column){ (uint64_t)s.min, 0, width, rising, from_date, 0 };
}

/* The narrowest way to pack a column; `at` is left 0. */
static struct page_column choose(const struct shape *s, unsigned column)
{
	struct page_column best = { .width = UINT8_MAX };
	take_narrower(&best, s->plain[column], false, false);
	take_narrower(&best, s->rising[column], true, false);
	if (column == PAGE_SAVED) {
		take_narrower(&best, s->plain[PAGE_COLUMNS], false, true);
		take_narrower(&best, s->rising[PAGE_COLUMNS], true, true);
	}
	return best;
}

/* The size of the value later, when messages between have been expunged and others flagged. */
static size_t size_later(const struct shape *s)
{
	static const uint8_t width_later[PAGE_COLUMNS] = { [PAGE_UID] = 1, [PAGE_MODSEQ] = 3, [PAGE_FLAGS] = 2 };
	size_t each = 0;
	for (unsigned i = 0; i < PAGE_COLUMNS; i++) {
		uint8_t width = choose(s, i).width;
		each += width > width_later[i] ? width : width_later[i];
	}
	return PAGE_DATA + each * s->count;
}

uint32_t page_fill(struct page_edit *page, const struct message *m, size_t n)
{
	struct shape shape;
	shape_init(&shape);
	for (uint32_t i = 0; i < page->count; i++)
		shape_add(&shape, &page->m[i]);
	uint32_t added = 0;
	for (; added < n && page->count < PAGE_MESSAGES_MAX; added++) {
		shape_add(&shape, &m[added]);
		if (page->count && size_later(&shape) > PAGE_VALUE_GOOD)
			break;
		page->m[page->count++] = m[added];
	}
	return added;
}

static void put_column(char *p, const struct page_column *c, const struct message *m, unsigned column, uint32_t i)
{
	uint64_t value = 0;
	switch ((enum page_column_name)column) {
	case PAGE_UID: value = m->uid; break;
	case PAGE_SIZE: value = m->size; break;
	case PAGE_EMAIL: value = m->email; break;
	case PAGE_MODSEQ: value = m->modseq; break;
	case PAGE_DATE: value = (uint64_t)m->date; break;
	case PAGE_FLAGS: value = m->flags; break;
	case PAGE_SAVED: value = (uint64_t)m->saved - (c->from_date ? (uint64_t)m->date : 0); break;
	case PAGE_COLUMNS: break;
	}
	/* The octets beyond the width are written over by what follows. */
	store_le64(p, value - c->base - (c->rising ? i : 0));
}

/* All but the record header; returns the size of the value. */
static size_t pack(const struct message *m, uint32_t count, char *p)
{
	struct shape shape;
	shape_init(&shape);
	for (uint32_t i = 0; i < count; i++)
		shape_add(&shape, &m[i]);
	store_le64(p + RECORD_HEADER, count ? (uint64_t)shape.plain[PAGE_MODSEQ].max : 0);
	char *header = p + PAGE_HEADER, *at = p + PAGE_DATA;
	for (unsigned column = 0; column < PAGE_COLUMNS; column++, header += PAGE_COLUMN_HEADER) {
		struct page_column c = { .width = 0 };
		if (count)
			c = choose(&shape, column);
		*header = (char)(c.width | (c.rising ? HOW_RISING : 0) | (c.from_date ? HOW_FROM_DATE : 0));
		store_le64(header + 1, c.base);
		for (uint32_t i = 0; c.width && i < count; i++, at += c.width)
			put_column(at, &c, &m[i], column, i);
	}
	return (size_t)(at - p);
}

size_t page_encode(const struct page_edit *page, char *p)
{
	size_t n = pack(page->m, page->count, p);
	record_seal_version(p, n, PAGE_VERSION, (uint8_t)page->count, 0);
	return n;
}

/* ---- pages of views ---- */

static void count_unseen(struct page *page)
{
	page->unseen = 0;
	for (uint32_t i = 0; i < page->count; i++)
		page->unseen += (page_flags(page, i) & (MESSAGE_SEEN | MESSAGE_GHOST)) == 0;
}

static bool is_same(const struct page *page, const struct checked *checked, const char *data, uint32_t start)
{
	return page && page->start == start && page->count == checked->count &&
		   page->bytes == sizeof(*page) + checked->data + PAGE_SLACK &&
		   memcmp(page->column, checked->column, sizeof(page->column)) == 0 &&
		   memcmp(page->data, data, checked->data) == 0;
}

static int make(const struct checked *checked, const char *data, uint32_t start, struct page *like, struct page **out)
{
	if (is_same(like, checked, data, start)) {
		*out = page_ref(like);
		return 0;
	}
	size_t bytes = sizeof(struct page) + checked->data + PAGE_SLACK;
	struct page *page = malloc(bytes);
	if (!page)
		return ERR_NO_MEMORY;
	atomic_init(&page->refs, 1);
	page->start = start;
	page->count = checked->count;
	page->bytes = (uint32_t)bytes;
	memcpy(page->column, checked->column, sizeof(page->column));
	memcpy(page->data, data, checked->data);
	memset(page->data + checked->data, 0, PAGE_SLACK);
	count_unseen(page);
	*out = page;
	return 0;
}

static int make_packed(uint32_t start, const struct message *m, uint32_t count, struct page *like, struct page **out)
{
	char packed[PAGE_VALUE_ROOM];
	struct checked checked = { .count = count };
	pack(m, count, packed);
	read_columns(packed + PAGE_HEADER, count, checked.column, &checked.data);
	return make(&checked, packed + PAGE_DATA, start, like, out);
}

int page_create(uint32_t start, const struct message *m, uint32_t count, struct page **out)
{
	*out = NULL;
	return make_packed(start, m, count, NULL, out);
}

int page_from_value(struct str value, uint32_t start, struct page *like, struct page **out)
{
	*out = NULL;
	struct checked checked;
	int rc = check(value, &checked);
	if (rc || checked.count == 0)
		return rc;
	if (checked.version == PAGE_VERSION)
		return make(&checked, value.p + PAGE_DATA, start, like, out);
	struct page_edit page;
	page.count = checked.count;
	decode_old(value, &page);
	return make_packed(start, page.m, page.count, like, out);
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

void page_message(const struct page *page, uint32_t i, struct message *out) { unpack(page->column, page->data, i, out); }

uint32_t page_find(const struct page *page, uint32_t uid)
{
	const struct page_column *c = &page->column[PAGE_UID];
	if (c->width == 0 && c->rising) {
		/* No gaps: it can be told without looking. */
		uint64_t base = (uint32_t)c->base;
		return uid <= base ? 0 : uid - base < page->count ? (uint32_t)(uid - base) : page->count;
	}
	uint32_t low = 0, high = page->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (page_uid(page, middle) < uid)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
