#include "model/changelog.h"

#include "model/keys.h"
#include "model/limits.h"

#define LOG_HEADER (RECORD_HEADER + 8u)
#define COARSE 0x80u

void changelog_begin(struct buf *b, uint64_t nonce)
{
	buf_reset(b);
	buf_add_le64(b, 0);         /* the record header, made by changelog_save */
	buf_add_le64(b, nonce);
}

static size_t section_begin(struct buf *b, unsigned kind, uint32_t mailbox)
{
	buf_add_u8(b, (uint8_t)kind);
	buf_add_varint(b, mailbox);
	buf_add_le32(b, 0);
	return b->n;
}

static void section_end(struct buf *b, size_t from)
{
	if (!b->failed)
		store_le32(b->p + from - 4, (uint32_t)(b->n - from));
}

void changelog_add(struct buf *b, enum changelog_kind kind, uint32_t mailbox, const struct rangeset *uids)
{
	if (uids->n == 0)
		return;
	struct range whole = { uids->v[0].lo, uids->v[uids->n - 1].hi };
	bool coarse = uids->n > LOG_RANGES_MAX;
	const struct range *v = coarse ? &whole : uids->v;
	size_t from = section_begin(b, kind | (coarse ? COARSE : 0), mailbox);
	uint32_t last = 0;
	for (size_t i = 0; i < (coarse ? 1 : uids->n); i++) {
		buf_add_varint(b, v[i].lo - last);
		buf_add_varint(b, v[i].hi - v[i].lo);
		last = v[i].hi;
	}
	section_end(b, from);
}

void changelog_add_range(struct buf *b, enum changelog_kind kind, uint32_t mailbox, uint32_t lo, uint32_t hi)
{
	struct range range = { lo, hi };
	changelog_add(b, kind, mailbox, &(struct rangeset){ &range, 1, 1 });
}

void changelog_add_plain(struct buf *b, enum changelog_kind kind, uint32_t mailbox) { section_begin(b, kind, mailbox); }

bool changelog_is_empty(const struct buf *b) { return b->n <= LOG_HEADER; }

int changelog_save(struct store_write *w, uint64_t modseq, struct buf *b)
{
	if (b->failed)
		return ERR_NO_MEMORY;
	record_seal(b->p, b->n, 0, 0);
	struct key key = key_log(modseq);
	return store_put(w, key_str(&key), buf_str(b));
}

int changelog_open(struct str value, struct changelog_reader *out)
{
	*out = (struct changelog_reader){ .nonce = 0 };
	int rc = record_check(value, LOG_HEADER);
	if (rc)
		return rc;
	out->nonce = load_le64(value.p + RECORD_HEADER);
	out->sections = cursor_make(str_from(value, LOG_HEADER));
	return 0;
}

int changelog_next(struct changelog_reader *r, struct changelog_section *out)
{
	if (cursor_left(&r->sections) == 0)
		return r->sections.bad ? ERR_CORRUPT : 0;
	unsigned kind = cursor_u8(&r->sections);
	uint64_t mailbox = cursor_varint(&r->sections);
	struct str ranges = cursor_bytes(&r->sections, cursor_le32(&r->sections));
	if (r->sections.bad || mailbox > UINT32_MAX)
		return ERR_CORRUPT;
	*out = (struct changelog_section){
		.kind = (enum changelog_kind)(kind & ~COARSE),
		.coarse = kind & COARSE,
		.mailbox = (uint32_t)mailbox,
		.ranges = cursor_make(ranges),
	};
	return 1;
}

int changelog_range(struct changelog_section *s, struct range *out)
{
	if (cursor_left(&s->ranges) == 0)
		return s->ranges.bad ? ERR_CORRUPT : 0;
	uint64_t lo = s->last + cursor_varint(&s->ranges);
	uint64_t hi = lo + cursor_varint(&s->ranges);
	if (s->ranges.bad || lo < s->last || lo > UINT32_MAX || hi > UINT32_MAX || hi < lo)
		return ERR_CORRUPT;
	*out = (struct range){ (uint32_t)lo, (uint32_t)hi };
	s->last = out->hi;
	return 1;
}
