#include "queue/record.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "queue/limits.h"

enum record_kind { RECORD_SHARD = 's', RECORD_ENVELOPE = 'e', RECORD_GROUP = 'g', RECORD_DESTINATION = 'd' };

static uint32_t checksum(const char *p, size_t n) { return hash_crc32c(hash_crc32c(0, p, 4), p + RECORD_HEADER, n - RECORD_HEADER); }

void queue_record_seal(char *p, size_t n)
{
	p[0] = (char)RECORD_VERSION;
	p[2] = p[3] = 0;
	store_le32(p + 4, checksum(p, n));
}

/* ---- writing ---- */

static size_t begin(struct buf *b, enum record_kind kind)
{
	size_t at = b->n;
	buf_add(b, (const char[RECORD_HEADER]){ 0, (char)kind }, RECORD_HEADER);
	return at;
}

static void end(struct buf *b, size_t at)
{
	if (!b->failed)
		queue_record_seal(b->p + at, b->n - at);
}

static void add_time(struct buf *b, int64_t t) { buf_add_varint(b, t < 0 ? 0 : (uint64_t)t); }

static void add_text(struct buf *b, struct str s)
{
	buf_add_varint(b, s.n);
	buf_add_str(b, s);
}

void shard_record_encode(const struct shard_record *r, struct buf *b)
{
	size_t at = begin(b, RECORD_SHARD);
	buf_add_varint(b, r->next);
	buf_add_varint(b, r->foreign);
	buf_add_varint(b, r->messages);
	buf_add_varint(b, r->recipients);
	buf_add_varint(b, r->bytes);
	buf_add_varint(b, r->held);
	buf_add_varint(b, r->owed);
	end(b, at);
}

void envelope_record_encode(const struct envelope_record *r, struct buf *b)
{
	const struct queue_envelope *e = &r->envelope;
	size_t at = begin(b, RECORD_ENVELOPE);
	buf_add_varint(b, e->flags);
	buf_add_u8(b, (uint8_t)(e->priority + 9));
	buf_add_u8(b, (uint8_t)r->told);
	buf_add_le64(b, r->blob);
	buf_add_varint(b, r->size);
	add_time(b, e->arrived);
	add_time(b, e->not_before);
	add_time(b, e->expires);
	add_time(b, e->deliver_by);
	add_time(b, r->warn_at);
	add_time(b, r->clock);
	buf_add_varint(b, r->owing);
	add_time(b, r->notice_at);
	add_text(b, e->sender);
	add_text(b, e->envid);
	add_text(b, e->user);
	add_text(b, e->peer);
	end(b, at);
}

static void add_entry(struct buf *b, const struct entry *e)
{
	buf_add_varint(b, e->index);
	buf_add_u8(b, (uint8_t)(e->r.notify | (e->settled ? 0x80u : 0)));
	buf_add_u8(b, (uint8_t)e->owed);
	buf_add_varint(b, e->attempts);
	add_time(b, e->next);
	add_time(b, e->last_attempt);
	add_text(b, e->r.address);
	add_text(b, e->r.orcpt);
	add_text(b, e->status);
	add_text(b, e->reply);
	add_text(b, e->remote);
}

void group_record_encode(const struct group_record *r, struct buf *b)
{
	size_t at = begin(b, RECORD_GROUP);
	add_text(b, r->destination);
	add_time(b, r->due);
	buf_add_u8(b, (uint8_t)r->n);
	for (size_t i = 0; i < r->n; i++)
		add_entry(b, &r->entries[i]);
	end(b, at);
}

void destination_record_encode(const struct destination_record *r, struct buf *b)
{
	size_t at = begin(b, RECORD_DESTINATION);
	buf_add_varint(b, r->failures);
	add_time(b, r->until);
	add_text(b, r->status);
	add_text(b, r->reply);
	add_text(b, r->remote);
	end(b, at);
}

/* ---- reading ---- */

static int open_record(struct str value, enum record_kind kind, struct cursor *out)
{
	if (value.n < RECORD_HEADER || load_le32(value.p + 4) != checksum(value.p, value.n))
		return ERR_CORRUPT;
	if ((uint8_t)value.p[0] > RECORD_VERSION)
		return ERR_VERSION;
	*out = cursor_make(str_from(value, RECORD_HEADER));
	return (uint8_t)value.p[0] == RECORD_VERSION && value.p[1] == (char)kind ? 0 : ERR_CORRUPT;
}

/* Nothing may be left over. */
static int close_record(const struct cursor *c) { return c->bad || cursor_left(c) ? ERR_CORRUPT : 0; }

static int64_t read_time(struct cursor *c)
{
	uint64_t t = cursor_varint(c);
	c->bad |= t > INT64_MAX;
	return (int64_t)(t & INT64_MAX);
}

static uint32_t read_u32(struct cursor *c)
{
	uint64_t v = cursor_varint(c);
	c->bad |= v > UINT32_MAX;
	return (uint32_t)v;
}

static struct str read_text(struct cursor *c, size_t max)
{
	uint64_t n = cursor_varint(c);
	if (n > max) {
		c->bad = true;
		return STR_NONE;
	}
	return cursor_bytes(c, (size_t)n);
}

int shard_record_decode(struct str value, struct shard_record *out)
{
	struct cursor c;
	*out = (struct shard_record){ 0 };
	int rc = open_record(value, RECORD_SHARD, &c);
	if (rc)
		return rc;
	out->next = cursor_varint(&c);
	out->foreign = cursor_varint(&c);
	out->messages = cursor_varint(&c);
	out->recipients = cursor_varint(&c);
	out->bytes = cursor_varint(&c);
	out->held = cursor_varint(&c);
	out->owed = cursor_varint(&c);
	return close_record(&c);
}

int envelope_record_decode(struct str value, struct envelope_record *out)
{
	struct queue_envelope *e = &out->envelope;
	struct cursor c;
	*out = (struct envelope_record){ .clock = 0 };
	int rc = open_record(value, RECORD_ENVELOPE, &c);
	if (rc)
		return rc;
	e->flags = read_u32(&c);
	e->priority = (int)cursor_u8(&c) - 9;
	out->told = cursor_u8(&c);
	out->blob = cursor_le64(&c);
	out->size = cursor_varint(&c);
	e->arrived = read_time(&c);
	e->not_before = read_time(&c);
	e->expires = read_time(&c);
	e->deliver_by = read_time(&c);
	out->warn_at = read_time(&c);
	out->clock = read_time(&c);
	out->owing = read_u32(&c);
	out->notice_at = read_time(&c);
	e->sender = read_text(&c, QUEUE_TEXT_MAX);
	e->envid = read_text(&c, QUEUE_TEXT_MAX);
	e->user = read_text(&c, QUEUE_TEXT_MAX);
	e->peer = read_text(&c, QUEUE_TEXT_MAX);
	return e->priority <= 9 ? close_record(&c) : ERR_CORRUPT;
}

static void read_entry(struct cursor *c, struct str destination, struct entry *out)
{
	out->r.destination = destination;
	out->index = read_u32(c);
	uint8_t notify = cursor_u8(c);
	out->r.notify = notify & 0x7fu;
	out->settled = notify >> 7;
	out->owed = cursor_u8(c);
	out->attempts = read_u32(c);
	out->next = read_time(c);
	out->last_attempt = read_time(c);
	out->r.address = read_text(c, QUEUE_TEXT_MAX);
	out->r.orcpt = read_text(c, QUEUE_TEXT_MAX);
	out->status = read_text(c, QUEUE_STATUS_MAX);
	out->reply = read_text(c, QUEUE_REPLY_MAX);
	out->remote = read_text(c, QUEUE_REMOTE_MAX);
}

int group_record_decode(struct str value, struct arena *a, struct group_record *out)
{
	struct cursor c;
	*out = (struct group_record){ .n = 0 };
	int rc = open_record(value, RECORD_GROUP, &c);
	if (rc)
		return rc;
	out->destination = read_text(&c, QUEUE_DESTINATION_MAX);
	out->due = read_time(&c);
	out->n = cursor_u8(&c);
	if (out->n == 0 || out->n > QUEUE_GROUP_MAX || out->destination.n == 0 || str_chr(out->destination, 0) != STR_NPOS)
		return ERR_CORRUPT;
	out->entries = arena_array(a, out->n, sizeof(*out->entries));
	if (!out->entries)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < out->n; i++)
		read_entry(&c, out->destination, &out->entries[i]);
	return close_record(&c);
}

int destination_record_decode(struct str value, struct destination_record *out)
{
	struct cursor c;
	*out = (struct destination_record){ 0 };
	int rc = open_record(value, RECORD_DESTINATION, &c);
	if (rc)
		return rc;
	out->failures = read_u32(&c);
	out->until = read_time(&c);
	out->status = read_text(&c, QUEUE_STATUS_MAX);
	out->reply = read_text(&c, QUEUE_REPLY_MAX);
	out->remote = read_text(&c, QUEUE_REMOTE_MAX);
	return close_record(&c);
}

unsigned group_record_pending(const struct group_record *r)
{
	unsigned n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += !r->entries[i].settled;
	return n;
}

unsigned group_record_owing(const struct group_record *r)
{
	unsigned n = 0;
	for (size_t i = 0; i < r->n; i++)
		n += r->entries[i].owed != 0;
	return n;
}
