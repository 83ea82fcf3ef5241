#include "directory/record.h"

#define RECORD_VERSION 1

enum user_bits { USER_DISABLED = 1, USER_SCRAM = 2, USER_SHARED = 4, USER_SCRAM_SHA1 = 8 };

/* ---- keys ---- */

static void key_add(struct key *k, const void *p, size_t n)
{
	/* A domain and a local part together are within DIRECTORY_NAME_MAX. */
	memcpy(k->bytes + k->n, p, n);
	k->n += n;
}

struct key key_kind(char kind)
{
	struct key k;
	k.bytes[0] = kind;
	k.n = 1;
	return k;
}

struct key key_kind_in(char kind, struct str domain)
{
	struct key k = key_kind(kind);
	key_add(&k, domain.p, domain.n);
	key_add(&k, "", 1);
	return k;
}

static struct key key_of_name(char kind, const struct name *n)
{
	struct key k = key_kind_in(kind, name_domain(n));
	key_add(&k, n->bytes, n->local_n);
	return k;
}

struct key key_domain(const struct name *n)
{
	struct key k = key_kind('d');
	struct str domain = name_domain(n);
	key_add(&k, domain.p, domain.n);
	return k;
}

struct key key_user(const struct name *n) { return key_of_name('u', n); }
struct key key_alias(const struct name *n) { return key_of_name('a', n); }
struct key key_familiar(const struct name *n) { return key_of_name('f', n); }

struct key key_order(struct str domain, uint64_t sequence)
{
	struct key k = key_kind_in('o', domain);
	char be[8];
	store_be64(be, sequence);
	key_add(&k, be, sizeof(be));
	return k;
}

struct key key_single(struct str name)
{
	struct key k = key_kind('n');
	key_add(&k, name.p, name.n);
	return k;
}

struct key key_prefix_end(const struct key *k)
{
	struct key end = *k;
	end.bytes[end.n - 1]++;        /* prefixes end with a kind or with NUL: no carry */
	return end;
}

int key_name(struct str key, struct name *out)
{
	struct str domain, local;
	if (!str_cut(str_from(key, 1), '\0', &domain, &local) || domain.n == 0 ||
		local.n + 1 + domain.n > DIRECTORY_NAME_MAX)
		return ERR_CORRUPT;
	if (local.n)
		memcpy(out->bytes, local.p, local.n);
	out->bytes[local.n] = '@';
	memcpy(out->bytes + local.n + 1, domain.p, domain.n);
	out->local_n = (unsigned char)local.n;
	out->n = (unsigned char)(local.n + 1 + domain.n);
	out->bytes[out->n] = '\0';
	return 0;
}

/* ---- parts of values ---- */

int record_open(struct str value, struct cursor *c)
{
	*c = cursor_make(value);
	uint8_t version = cursor_u8(c);
	if (c->bad || version == 0)
		return ERR_CORRUPT;
	return version > RECORD_VERSION ? ERR_VERSION : 0;
}

void record_begin(struct buf *b) { buf_add_u8(b, RECORD_VERSION); }

struct str record_text(struct cursor *c)
{
	uint64_t n = cursor_varint(c);
	if (n > cursor_left(c)) {
		c->bad = true;
		return STR_NONE;
	}
	return cursor_bytes(c, (size_t)n);
}

void record_add_text(struct buf *b, struct str s)
{
	buf_add_varint(b, s.n);
	buf_add_str(b, s);
}

int text_list_next(struct text_list *l, struct str *out)
{
	if (l->left == 0)
		return 0;
	l->left--;
	*out = record_text(&l->c);
	return l->c.bad ? ERR_CORRUPT : 1;
}

/* ---- values ---- */

static void read_fixed(struct cursor *c, uint8_t *to, size_t n)
{
	struct str s = cursor_bytes(c, n);
	if (s.n == n)
		memcpy(to, s.p, n);
}

int user_record_parse(struct str value, struct user_record *out)
{
	struct cursor c;
	*out = (struct user_record){ 0 };
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	uint8_t bits = cursor_u8(&c);
	out->disabled = bits & USER_DISABLED;
	out->has_scram = bits & USER_SCRAM;
	out->shared = bits & USER_SHARED;
	out->account = cursor_le64(&c);
	out->sequence = cursor_le64(&c);
	out->hash = record_text(&c);
	out->secret = record_text(&c);
	if (out->has_scram) {
		out->scram.iterations = cursor_le32(&c);
		read_fixed(&c, out->scram.salt, sizeof(out->scram.salt));
		read_fixed(&c, out->scram.stored_key, sizeof(out->scram.stored_key));
		read_fixed(&c, out->scram.server_key, sizeof(out->scram.server_key));
	}
	if (bits & USER_SCRAM_SHA1) {
		out->scram.has_sha1 = true;
		read_fixed(&c, out->scram.stored_key_sha1, sizeof(out->scram.stored_key_sha1));
		read_fixed(&c, out->scram.server_key_sha1, sizeof(out->scram.server_key_sha1));
	}
	return c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

void user_record_format(const struct user_record *u, struct buf *b)
{
	record_begin(b);
	buf_add_u8(b, (uint8_t)((u->disabled ? USER_DISABLED : 0) | (u->has_scram ? USER_SCRAM : 0) | (u->shared ? USER_SHARED : 0) |
						   (u->has_scram && u->scram.has_sha1 ? USER_SCRAM_SHA1 : 0)));
	buf_add_le64(b, u->account);
	buf_add_le64(b, u->sequence);
	record_add_text(b, u->hash);
	record_add_text(b, u->secret);
	if (u->has_scram) {
		buf_add_le32(b, u->scram.iterations);
		buf_add(b, u->scram.salt, sizeof(u->scram.salt));
		buf_add(b, u->scram.stored_key, sizeof(u->scram.stored_key));
		buf_add(b, u->scram.server_key, sizeof(u->scram.server_key));
	}
	if (u->has_scram && u->scram.has_sha1) {
		buf_add(b, u->scram.stored_key_sha1, sizeof(u->scram.stored_key_sha1));
		buf_add(b, u->scram.server_key_sha1, sizeof(u->scram.server_key_sha1));
	}
}

int domain_record_parse(struct str value, uint64_t *sequence_out)
{
	struct cursor c;
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	*sequence_out = cursor_le64(&c);
	return c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

void domain_record_format(uint64_t sequence, struct buf *b)
{
	record_begin(b);
	buf_add_le64(b, sequence);
}

int alias_record_parse(struct str value, struct text_list *out)
{
	int code = record_open(value, &out->c);
	if (code != 0)
		return code;
	out->left = cursor_varint(&out->c);
	return out->c.bad || out->left > DIRECTORY_ALIAS_TARGETS_MAX ? ERR_CORRUPT : 0;
}

int alias_targets_next(struct text_list *t, struct str *out)
{
	int code = text_list_next(t, out);
	return code == 0 && cursor_left(&t->c) ? ERR_CORRUPT : code;
}

void alias_record_format(const struct name *targets, size_t n, struct buf *b)
{
	record_begin(b);
	buf_add_varint(b, n);
	for (size_t i = 0; i < n; i++)
		record_add_text(b, name_str(&targets[i]));
}
