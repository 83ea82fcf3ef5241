#include "model/name.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "codec/mime/nfc.h"
#include "model/keys.h"
#include "model/limits.h"

uint64_t name_hash(struct str name)
{
	static const uint8_t key[HASH_SIPHASH_KEY] = "names of troika";
	return hash_siphash_keyed(key, name);
}

/* RFC 9755 section 3: no control characters (C0, DEL, C1), no line or paragraph separator. '%' and '*' are the
 * wildcards of LIST (RFC 3501 5.1.1 advises against them): a mailbox of such a name cannot be asked for alone. */
static bool is_allowed(uint32_t c)
{
	return c >= 0x20 && !(c >= 0x7f && c <= 0x9f) && c != 0x2028 && c != 0x2029 && c != '%' && c != '*';
}

static int check(struct str name, struct err *e)
{
	if (name.n == 0)
		return err_set(e, ERR_INVALID, "A mailbox needs a name", "empty mailbox name");
	if (name.n > MAILBOX_NAME_MAX)
		return err_set(e, ERR_TOO_BIG, "The mailbox name is too long", "mailbox name of %zu bytes", name.n);
	if (!utf8_is_valid(name))
		return err_set(e, ERR_INVALID, "The mailbox name is not valid Unicode", "mailbox name is not UTF-8");
	for (size_t at = 0; at < name.n;)
		if (!is_allowed(utf8_next(name, &at)))
			return err_set(e, ERR_INVALID, "The mailbox name has a character that is not allowed",
						   "mailbox name: bad character");
	unsigned depth = 0;
	struct str level, rest = name;
	for (bool more = true; more; depth++) {
		more = str_cut(rest, MAILBOX_SEPARATOR, &level, &rest);
		if (level.n == 0)
			return err_set(e, ERR_INVALID, "The mailbox name has an empty level", "mailbox name: empty level");
	}
	if (depth > MAILBOX_DEPTH_MAX)
		return err_set(e, ERR_TOO_BIG, "The mailbox name has too many levels", "mailbox name of %u levels", depth);
	return 0;
}

int name_canonical(struct str name, char text[MAILBOX_NAME_MAX], struct str *out, struct err *e)
{
	*out = STR_NONE;
	int rc = check(name, e);
	if (rc)
		return rc;
	/* RFC 5198 2, RFC 9051 5.1. What may not be in a name never comes of what may. */
	struct str normal, first, rest;
	rc = nfc_normalize(name, text, MAILBOX_NAME_MAX, &normal);
	if (rc)
		return err_set(e, rc, rc == ERR_TOO_BIG ? "The mailbox name is too long" : NULL, "mailbox name of %zu bytes", name.n);
	str_cut(normal, MAILBOX_SEPARATOR, &first, &rest);
	if (str_ieq(first, STR("INBOX")))
		memcpy(text, "INBOX", 5);
	*out = normal;
	return 0;
}

int mailbox_name_check(struct arena *a, struct str name, struct str *canonical_out, struct err *e)
{
	char text[MAILBOX_NAME_MAX];
	struct str canonical;
	*canonical_out = STR_NONE;
	int rc = name_canonical(name, text, &canonical, e);
	if (rc)
		return rc;
	*canonical_out = arena_dup(a, canonical);
	return canonical_out->p ? 0 : err_set(e, ERR_NO_MEMORY, NULL, "mailbox name");
}

struct str name_parent(struct str name)
{
	size_t at = str_rchr(name, MAILBOX_SEPARATOR);
	return at == STR_NPOS ? STR_NONE : str_sub(name, 0, at);
}

bool name_is_below(struct str name, struct str above)
{
	return name.n > above.n && str_starts(name, above) && name.p[above.n] == MAILBOX_SEPARATOR;
}

int name_compare(struct str a, struct str b)
{
	bool a_inbox = name_is_inbox(a) || name_is_below(a, STR("INBOX"));
	bool b_inbox = name_is_inbox(b) || name_is_below(b, STR("INBOX"));
	if (a_inbox != b_inbox)
		return a_inbox ? -1 : 1;
	size_t n = a.n < b.n ? a.n : b.n, i = 0;
	while (i < n && a.p[i] == b.p[i])
		i++;
	if (i == n)
		return (a.n > b.n) - (a.n < b.n);
	int ca = a.p[i] == MAILBOX_SEPARATOR ? 0 : (uint8_t)a.p[i];
	int cb = b.p[i] == MAILBOX_SEPARATOR ? 0 : (uint8_t)b.p[i];
	return ca - cb;
}

/* ---- the index: hash -> ids, little-endian, behind the record header ---- */

static int bucket_get(struct source s, struct str canonical, struct str *ids_out)
{
	struct key key = key_names(name_hash(canonical));
	struct str value;
	int rc = source_get(s, key_str(&key), &value);
	if (rc)
		return rc;
	rc = record_check(value, RECORD_HEADER);
	if (!rc && value.n % 4)
		rc = ERR_CORRUPT;
	*ids_out = rc ? STR_NONE : str_from(value, RECORD_HEADER);
	return rc;
}

int name_lookup(struct source s, struct str canonical, struct mailbox_record *out)
{
	struct str ids;
	int rc = bucket_get(s, canonical, &ids);
	for (size_t at = 0; !rc && at < ids.n; at += 4) {
		rc = mailbox_record_load(s, load_le32(ids.p + at), out);
		if (!rc && str_eq(mailbox_record_name(out), canonical))
			return 0;
		if (rc == ERR_NOT_FOUND)
			rc = ERR_CORRUPT;
	}
	return rc ? rc : ERR_NOT_FOUND;
}

/* Writes the bucket without `drop` and with `add`; 0 is no mailbox. */
static int bucket_edit(struct store_write *w, struct str canonical, uint32_t drop, uint32_t add)
{
	struct str ids = STR_NONE;
	int rc = bucket_get(source_write(w), canonical, &ids);
	if (rc && rc != ERR_NOT_FOUND)
		return rc;
	if (ids.n > BUCKET_BYTES_MAX)
		return ERR_TOO_BIG;
	struct buf b = BUF_INIT(0);
	buf_reserve(&b, RECORD_HEADER + ids.n + 4);
	b.n = b.failed ? 0 : RECORD_HEADER;
	for (size_t at = 0; at < ids.n; at += 4)
		if (load_le32(ids.p + at) != drop)
			buf_add_le32(&b, load_le32(ids.p + at));
	if (add)
		buf_add_le32(&b, add);
	struct key key = key_names(name_hash(canonical));
	if (b.failed) {
		rc = ERR_NO_MEMORY;
	} else if (b.n == RECORD_HEADER) {
		rc = store_del(w, key_str(&key));
	} else {
		record_seal(b.p, b.n, 0, 0);
		rc = store_put(w, key_str(&key), buf_str(&b));
	}
	buf_fini(&b);
	return rc;
}

int name_index_add(struct store_write *w, struct str canonical, uint32_t mailbox)
{
	return bucket_edit(w, canonical, mailbox, mailbox);
}

int name_index_remove(struct store_write *w, struct str canonical, uint32_t mailbox)
{
	return bucket_edit(w, canonical, mailbox, 0);
}
