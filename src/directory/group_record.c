#include "directory/group_record.h"

enum group_bits { GROUP_REPLY = 1, GROUP_NO_HEADERS = 2, GROUP_NO_VERP = 4, GROUP_REWRITE = 8 };
enum member_bits { MEMBER_DISABLED = 1 };

/* ---- keys ---- */

static void key_add(struct key *k, const void *p, size_t n)
{
	memcpy(k->bytes + k->n, p, n);         /* a kind, an id and a name are within STORE_KEY_MAX */
	k->n += n;
}

struct key group_key(const struct name *n)
{
	struct key k = key_kind_in('g', name_domain(n));
	key_add(&k, n->bytes, n->local_n);
	return k;
}

static struct key key_of_member(char kind, uint64_t id, struct str address)
{
	struct key k = key_kind(kind);
	char be[8];
	store_be64(be, id);
	key_add(&k, be, sizeof(be));
	key_add(&k, "", 1);
	if (address.n)
		key_add(&k, address.p, address.n);
	return k;
}

struct key group_members_key(uint64_t id, struct str address) { return key_of_member('G', id, address); }
struct key group_bounce_key(uint64_t id, struct str address) { return key_of_member('B', id, address); }

struct key membership_key_of(struct str address)
{
	struct key k = key_kind('M');
	key_add(&k, address.p, address.n);
	key_add(&k, "", 1);
	return k;
}

struct key membership_key(struct str address, uint64_t id)
{
	struct key k = membership_key_of(address);
	char be[8];
	store_be64(be, id);
	key_add(&k, be, sizeof(be));
	return k;
}

/* ---- a membership ---- */

void membership_record_format(const struct name *group, struct buf *b)
{
	record_begin(b);
	record_add_text(b, name_str(group));
}

int membership_record_parse(struct str key, struct str value, uint64_t *id_out, struct str *group_out)
{
	struct cursor c;
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	*group_out = record_text(&c);
	if (c.bad || cursor_left(&c) || key.n < 9)
		return ERR_CORRUPT;
	*id_out = load_be64(key.p + key.n - 8);
	return 0;
}

/* ---- the group ---- */

static void read_list(struct cursor *c, struct text_list *out)
{
	struct str text;
	out->left = cursor_varint(c);
	out->c = *c;
	struct text_list skip = *out;
	c->bad |= out->left > GROUP_ADDRESSES_MAX;
	while (!c->bad && text_list_next(&skip, &text) == 1) {}
	bool bad = c->bad;
	*c = skip.c;
	c->bad |= bad;
}

int group_record_parse(struct str value, struct group_record *out)
{
	struct cursor c;
	*out = (struct group_record){ 0 };
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	uint8_t bits = cursor_u8(&c), post = cursor_u8(&c);
	out->reply_to_list = bits & GROUP_REPLY;
	out->no_headers = bits & GROUP_NO_HEADERS;
	out->no_verp = bits & GROUP_NO_VERP;
	out->rewrite_from = bits & GROUP_REWRITE;
	out->post = (enum group_post)post;
	out->id = cursor_le64(&c);
	out->members = cursor_le64(&c);
	out->disabled = cursor_le64(&c);
	out->size_max = cursor_varint(&c);
	out->bounces_max = (unsigned)cursor_varint(&c);
	out->bounce_days = (unsigned)cursor_varint(&c);
	out->description = record_text(&c);
	read_list(&c, &out->owners);
	read_list(&c, &out->senders);
	return c.bad || cursor_left(&c) || post >= GROUP_POST_COUNT ? ERR_CORRUPT : 0;
}

static void add_list(struct buf *b, const struct text_list *l)
{
	struct text_list rest = *l;
	struct str text;
	buf_add_varint(b, l->left);
	while (text_list_next(&rest, &text) == 1)
		record_add_text(b, text);
}

void group_record_format(const struct group_record *r, struct buf *b)
{
	record_begin(b);
	buf_add_u8(b, (uint8_t)((r->reply_to_list ? GROUP_REPLY : 0) | (r->no_headers ? GROUP_NO_HEADERS : 0) | (r->no_verp ? GROUP_NO_VERP : 0) |
							(r->rewrite_from ? GROUP_REWRITE : 0)));
	buf_add_u8(b, (uint8_t)r->post);
	buf_add_le64(b, r->id);
	buf_add_le64(b, r->members);
	buf_add_le64(b, r->disabled);
	buf_add_varint(b, r->size_max);
	buf_add_varint(b, r->bounces_max);
	buf_add_varint(b, r->bounce_days);
	record_add_text(b, r->description);
	add_list(b, &r->owners);
	add_list(b, &r->senders);
}

/* ---- its members ---- */

int group_chunk_open(struct str value, struct cursor *out)
{
	*out = cursor_make(value);
	return value.n ? record_open(value, out) : 0;
}

int group_chunk_next(struct cursor *c, struct group_chunk_entry *out)
{
	if (cursor_left(c) == 0)
		return 0;
	out->address = record_text(c);
	out->disabled = cursor_u8(c) & MEMBER_DISABLED;
	return c->bad || out->address.n == 0 || out->address.n > DIRECTORY_NAME_MAX ? ERR_CORRUPT : 1;
}

void group_chunk_add(struct buf *b, const struct group_chunk_entry *e)
{
	record_add_text(b, e->address);
	buf_add_u8(b, e->disabled ? MEMBER_DISABLED : 0);
}

int bounce_record_parse(struct str value, struct bounce_record *out)
{
	struct cursor c;
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	out->count = (unsigned)cursor_varint(&c);
	out->last = (int64_t)cursor_le64(&c);
	out->status = record_text(&c);
	return c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

void bounce_record_format(const struct bounce_record *r, struct buf *b)
{
	record_begin(b);
	buf_add_varint(b, r->count);
	buf_add_le64(b, (uint64_t)r->last);
	record_add_text(b, r->status);
}
