#include "model/keys.h"

#include "base/bytes.h"

static struct key kind_only(enum key_kind kind)
{
	struct key k = { .n = 1 };
	k.p[0] = (char)kind;
	return k;
}

static void add_u32(struct key *k, uint32_t v)
{
	store_be32(k->p + k->n, v);
	k->n += 4;
}

static void add_u64(struct key *k, uint64_t v)
{
	store_be64(k->p + k->n, v);
	k->n += 8;
}

static struct key kind_u32(enum key_kind kind, uint32_t v)
{
	struct key k = kind_only(kind);
	add_u32(&k, v);
	return k;
}

static struct key kind_u64(enum key_kind kind, uint64_t v)
{
	struct key k = kind_only(kind);
	add_u64(&k, v);
	return k;
}

struct key key_state(void) { return kind_only(KEY_STATE); }
struct key key_mailbox(uint32_t mailbox) { return kind_u32(KEY_MAILBOX, mailbox); }
struct key key_acl(uint32_t mailbox) { return kind_u32(KEY_ACL, mailbox); }
struct key key_annotations_of(uint32_t mailbox) { return kind_u32(KEY_ANNOTATION, mailbox); }
struct key key_condemned(uint64_t blob) { return kind_u64(KEY_CONDEMNED, blob); }
struct key key_email(uint64_t email) { return kind_u64(KEY_EMAIL, email); }
struct key key_log(uint64_t modseq) { return kind_u64(KEY_LOG, modseq); }
struct key key_origin(uint32_t uid) { return kind_u32(KEY_ORIGIN, uid); }
struct key key_tomb(uint32_t mailbox) { return kind_u32(KEY_TOMB, mailbox); }
struct key key_names(uint64_t hash) { return kind_u64(KEY_NAME, hash); }
struct key key_subscription(uint64_t hash) { return kind_u64(KEY_SUBSCRIPTION, hash); }
struct key key_thread(uint64_t hash) { return kind_u64(KEY_THREAD, hash); }

struct key key_annotations(uint32_t mailbox, uint64_t user)
{
	struct key k = key_annotations_of(mailbox);
	add_u64(&k, user);
	return k;
}

struct key key_url(uint32_t mailbox) { return kind_u32(KEY_URL, mailbox); }

struct key key_url_abroad(uint32_t mailbox, uint64_t account)
{
	struct key k = kind_u32(KEY_URL, mailbox);
	add_u64(&k, account);
	return k;
}

struct key key_grave(uint64_t modseq, uint32_t part)
{
	struct key k = kind_u64(KEY_GRAVE, modseq);
	add_u32(&k, part);
	return k;
}

struct key key_page(uint32_t mailbox, uint32_t uid)
{
	struct key k = kind_u32(KEY_PAGE, mailbox);
	add_u32(&k, uid);
	return k;
}

struct key key_member(uint64_t email, uint32_t mailbox, uint32_t uid)
{
	struct key k = kind_u64(KEY_MEMBER, email);
	add_u32(&k, mailbox);
	add_u32(&k, uid);
	return k;
}

struct key key_first(enum key_kind kind) { return kind_only(kind); }
struct key key_after(enum key_kind kind) { return kind_only((enum key_kind)(kind + 1)); }

struct key key_pages_after(uint32_t mailbox)
{
	struct key k = key_page(mailbox, UINT32_MAX);
	return key_next(&k);
}

struct key key_next(const struct key *k)
{
	struct key next = *k;
	next.p[next.n++] = '\0';
	return next;
}

static bool has_shape(struct str key, enum key_kind kind, size_t n) { return key.n == n && key.p[0] == (char)kind; }

static bool has_number(struct str key, size_t bytes)
{
	for (size_t i = 1; i <= bytes && i < key.n; i++)
		if (key.p[i])
			return true;
	return false;
}

bool key_is_known(struct str key)
{
	if (key.n == 0)
		return false;
	switch ((enum key_kind)(uint8_t)key.p[0]) {
	case KEY_STATE: return key.n == 1;
	case KEY_MAILBOX:
	case KEY_ACL:
	case KEY_TOMB: return key.n == 5 && has_number(key, 4);
	case KEY_ORIGIN: return key.n == 5;
	case KEY_EMAIL: return key.n == 9 && has_number(key, 8);
	case KEY_PAGE: return key.n == 9 && has_number(key, 4);
	case KEY_LOG:
	case KEY_NAME:
	case KEY_SUBSCRIPTION:
	case KEY_THREAD:
	case KEY_CONDEMNED: return key.n == 9;
	case KEY_GRAVE: return key.n == 13;
	case KEY_ANNOTATION:
	case KEY_MEMBER: return key.n == 17;
	case KEY_URL: return key.n == 5 || key.n == 13;
	case KEY_ASIDE: return true;
	}
	return false;
}

bool key_read_u32(struct str key, enum key_kind kind, uint32_t *out)
{
	if (!has_shape(key, kind, 5))
		return false;
	*out = load_be32(key.p + 1);
	return true;
}

bool key_read_u64(struct str key, enum key_kind kind, uint64_t *out)
{
	if (!has_shape(key, kind, 9))
		return false;
	*out = load_be64(key.p + 1);
	return true;
}

bool key_read_page(struct str key, uint32_t *mailbox_out, uint32_t *uid_out)
{
	if (!has_shape(key, KEY_PAGE, 9))
		return false;
	*mailbox_out = load_be32(key.p + 1);
	*uid_out = load_be32(key.p + 5);
	return true;
}

bool key_read_member(struct str key, uint64_t *email_out, uint32_t *mailbox_out, uint32_t *uid_out)
{
	if (!has_shape(key, KEY_MEMBER, 17))
		return false;
	*email_out = load_be64(key.p + 1);
	*mailbox_out = load_be32(key.p + 9);
	*uid_out = load_be32(key.p + 13);
	return true;
}

bool key_read_url(struct str key, uint32_t *mailbox_out, bool *abroad_out)
{
	*abroad_out = has_shape(key, KEY_URL, 13);
	if (!*abroad_out && !has_shape(key, KEY_URL, 5))
		return false;
	*mailbox_out = load_be32(key.p + 1);
	return true;
}
