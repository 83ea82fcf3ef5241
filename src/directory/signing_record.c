#include "directory/signing_record.h"

struct key signing_key_key(const struct name *domain, struct str selector)
{
	struct key k = key_kind_in('k', name_domain(domain));
	memcpy(k.bytes + k.n, selector.p, selector.n);        /* both together are within STORE_KEY_MAX */
	k.n += selector.n;
	return k;
}

int signing_record_parse(struct str value, struct signing_key *out)
{
	struct cursor c;
	*out = (struct signing_key){ 0 };
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	unsigned algorithm = cursor_u8(&c), state = cursor_u8(&c);
	out->created = (int64_t)cursor_le64(&c);
	out->changed = (int64_t)cursor_le64(&c);
	out->until = (int64_t)cursor_le64(&c);
	out->pem = record_text(&c);
	if (c.bad || cursor_left(&c) || algorithm < SIGNING_RSA || algorithm > SIGNING_ED25519 || state < SIGNING_PENDING ||
		state > SIGNING_RETIRED || out->pem.n > SIGNING_PEM_MAX)
		return ERR_CORRUPT;
	out->algorithm = (enum signing_algorithm)algorithm;
	out->state = (enum signing_state)state;
	return 0;
}

void signing_record_format(const struct signing_key *k, struct buf *b)
{
	record_begin(b);
	buf_add_u8(b, (uint8_t)k->algorithm);
	buf_add_u8(b, (uint8_t)k->state);
	buf_add_le64(b, (uint64_t)k->created);
	buf_add_le64(b, (uint64_t)k->changed);
	buf_add_le64(b, (uint64_t)k->until);
	record_add_text(b, k->pem);
}
