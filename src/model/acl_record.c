#include "model/acl_record.h"

#include "model/keys.h"

static bool read_entry(struct cursor *c, struct acl_entry *out)
{
	uint8_t bits = cursor_u8(c);
	uint64_t rights = cursor_varint(c);
	size_t n = cursor_u8(c);
	out->identifier = cursor_bytes(c, n);
	out->negative = bits & 1;
	/* Rights of a later program, within the same version, are passed over. */
	out->rights = (uint32_t)(rights & ACL_ALL);
	return !c->bad && n > 0;
}

int acl_decode(struct str value, struct arena *arena, struct acl *out)
{
	*out = (struct acl){ NULL, 0 };
	int rc = record_check(value, RECORD_HEADER);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	/* bits, rights, length and one octet at least */
	size_t max = cursor_left(&c) / 4;
	if (max > ACL_ENTRIES_MAX)
		max = ACL_ENTRIES_MAX;
	out->v = arena_array(arena, max + 1, sizeof(*out->v));
	if (!out->v)
		return ERR_NO_MEMORY;
	while (cursor_left(&c)) {
		if (out->n == max || !read_entry(&c, &out->v[out->n++]))
			return ERR_CORRUPT;
	}
	return 0;
}

int acl_remove(struct change *c, uint32_t mailbox)
{
	struct key key = key_acl(mailbox);
	return store_del(c->w, key_str(&key));
}

/* 1 when there was one. */
static int copy(struct change *c, uint32_t from, uint32_t to)
{
	struct key source = key_acl(from), target = key_acl(to);
	struct str value;
	int rc = store_wget(c->w, key_str(&source), &value);
	if (rc)
		return rc == ERR_NOT_FOUND ? 0 : rc;
	if (record_check(value, RECORD_HEADER))
		return 0;
	struct buf bytes = BUF_INIT(STORE_VALUE_MAX);
	buf_add_str(&bytes, value);
	rc = bytes.failed ? ERR_NO_MEMORY : store_put(c->w, key_str(&target), buf_str(&bytes));
	buf_fini(&bytes);
	return rc ? rc : 1;
}

int acl_inherit(struct change *c, uint32_t from, uint32_t to)
{
	int rc = copy(c, from, to);
	if (rc == 1)
		changelog_add_plain(&c->log, LOG_ACL, to);
	return rc < 0 ? rc : 0;
}

int acl_move(struct change *c, uint32_t from, uint32_t to)
{
	int rc = copy(c, from, to);
	return rc == 1 ? acl_remove(c, from) : rc;
}
