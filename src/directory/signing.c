#include "directory/signing.h"

#include "base/ascii.h"
#include "directory/inside.h"
#include "directory/signing_record.h"
#include "rt/crypto.h"

/* ---- names ---- */

struct place {
	struct name domain;
	char selector[SIGNING_SELECTOR_MAX];
	size_t selector_n;
};

static struct key key_of(const struct place *p) { return signing_key_key(&p->domain, str_make(p->selector, p->selector_n)); }

/* sub-domain *( "." sub-domain ), RFC 6376 3.1 */
static bool selector_is_valid(struct str s)
{
	struct str label, rest = s;
	bool more = s.n > 0 && s.n <= SIGNING_SELECTOR_MAX;
	if (!more)
		return false;
	while (more) {
		more = str_cut(rest, '.', &label, &rest);
		if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alnum((unsigned char)label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
				return false;
	}
	return true;
}

static int parse_place(struct str domain, struct str selector, struct place *out, struct err *e)
{
	if (name_parse_domain(domain, &out->domain) != 0)
		return err_set(e, ERR_INVALID, "not a domain name", "\"%.*s\" is not a domain name", STR_ARG(domain));
	if (!selector_is_valid(selector))
		return err_set(e, ERR_INVALID, "not a selector", "\"%.*s\" cannot be a selector", STR_ARG(selector));
	for (size_t i = 0; i < selector.n; i++)
		out->selector[i] = (char)ascii_lower((unsigned char)selector.p[i]);
	out->selector_n = selector.n;
	return 0;
}

/* ---- in commits ---- */

static int grow_version(struct store_write *w)
{
	uint64_t version;
	return counter_add(w, SINGLE_SIGNING, 1, &version);
}

int signing_forget_domain(struct store_write *w, const struct name *domain)
{
	struct key prefix = key_kind_in('k', name_domain(domain)), end = key_prefix_end(&prefix);
	uint64_t n = 0;
	int code = store_del_range(w, key_str(&prefix), key_str(&end), &n);
	return code == 0 && n > 0 ? grow_version(w) : code;
}

static int put(struct store_write *w, const struct place *p, const struct signing_key *k)
{
	struct key key = key_of(p);
	struct buf value = BUF_INIT(0);
	buf_reserve(&value, k->pem.n + 64);        /* no copies of secrets are left behind by growing */
	signing_record_format(k, &value);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&key), buf_str(&value));
	if (value.p)
		crypto_wipe(value.p, value.n);
	buf_fini(&value);
	return code;
}

struct additions {
	const struct signing_key *keys;
	const struct place *places;
	size_t n;
	int64_t now;
};

static int has_room(struct store_write *w, const struct name *domain)
{
	struct key prefix = key_kind_in('k', name_domain(domain)), end = key_prefix_end(&prefix), from = prefix;
	struct str key, value;
	for (size_t n = 0; n < SIGNING_KEYS_MAX; n++) {
		int found = store_wfind(w, key_str(&from), key_str(&end), false, &key, &value);
		if (found <= 0)
			return found;
		memcpy(from.bytes, key.p, key.n);
		from.bytes[key.n] = '\0';
		from.n = key.n + 1;
	}
	return ERR_TOO_BIG;
}

static int add_one(struct store_write *w, const struct place *p, const struct signing_key *from, int64_t now)
{
	struct key domain = key_domain(&p->domain), key = key_of(p);
	struct signing_key k = *from;
	int code = key_exists(w, &domain);
	if (code != 0)
		return code;
	code = key_exists(w, &key);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? ERR_EXISTS : code;
	k.created = k.changed = now;
	code = has_room(w, &p->domain);
	return code == 0 ? put(w, p, &k) : code;
}

static int add(struct store_write *w, void *arg)
{
	const struct additions *a = arg;
	int code = 0;
	for (size_t i = 0; i < a->n && code == 0; i++)
		code = add_one(w, &a->places[i], &a->keys[i], a->now);
	return code == 0 ? grow_version(w) : code;
}

int directory_signing_add(struct directory *d, const struct signing_key *keys, size_t n, int64_t now, struct err *e)
{
	struct place places[SIGNING_KEYS_MAX];
	if (n == 0 || n > SIGNING_KEYS_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "%zu keys at once", n);
	int code = 0;
	for (size_t i = 0; i < n && code == 0; i++) {
		code = parse_place(keys[i].domain, keys[i].selector, &places[i], e);
		if (code == 0 && (keys[i].pem.n == 0 || keys[i].pem.n > SIGNING_PEM_MAX))
			code = err_set(e, ERR_TOO_BIG, NULL, "a key of %zu bytes", keys[i].pem.n);
	}
	if (code != 0)
		return code;
	code = directory_commit(d, add, &(struct additions){ keys, places, n, now }, ERR_EXISTS);
	if (code == ERR_EXISTS)
		return err_set(e, code, "the selector is taken", "%.*s has this selector already", STR_ARG(keys[0].domain));
	if (code == ERR_NOT_FOUND)
		return err_set(e, code, "there is no such domain", "no domain %.*s", STR_ARG(keys[0].domain));
	if (code == ERR_TOO_BIG)
		return err_set(e, code, "too many keys", "%.*s has %d keys already", STR_ARG(keys[0].domain), SIGNING_KEYS_MAX);
	return directory_fail(e, code, "keys of", keys[0].domain);
}

struct changing {
	const struct signing_change *changes;
	const struct place *places;
	size_t n;
	int64_t now;
};

static int change_one(struct store_write *w, const struct place *p, const struct signing_change *c, int64_t now)
{
	struct key key = key_of(p);
	struct signing_key k;
	struct str value;
	char pem[SIGNING_PEM_MAX];
	int code = store_wget(w, key_str(&key), &value);
	if (code == 0)
		code = signing_record_parse(value, &k);
	if (code != 0)
		return code;
	if (c->state == SIGNING_DELETED)
		return store_del(w, key_str(&key));
	/* what was read dies with the next write */
	memcpy(pem, k.pem.p, k.pem.n);
	k.pem.p = pem;
	k.changed = k.state == c->state ? k.changed : now;
	k.state = c->state;
	k.until = c->state == SIGNING_RETIRED ? c->until : 0;
	code = put(w, p, &k);
	crypto_wipe(pem, k.pem.n);
	return code;
}

static int change(struct store_write *w, void *arg)
{
	const struct changing *c = arg;
	int code = 0;
	for (size_t i = 0; i < c->n && code == 0; i++)
		code = change_one(w, &c->places[i], &c->changes[i], c->now);
	return code == 0 ? grow_version(w) : code;
}

int directory_signing_change(struct directory *d, const struct signing_change *changes, size_t n, int64_t now, struct err *e)
{
	struct place places[SIGNING_KEYS_MAX];
	if (n == 0 || n > SIGNING_KEYS_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "%zu changes at once", n);
	int code = 0;
	for (size_t i = 0; i < n && code == 0; i++)
		code = parse_place(changes[i].domain, changes[i].selector, &places[i], e);
	if (code != 0)
		return code;
	code = directory_commit(d, change, &(struct changing){ changes, places, n, now }, ERR_NOT_FOUND);
	if (code == ERR_NOT_FOUND)
		return err_set(e, code, "there is no such key", "%.*s has no key %.*s", STR_ARG(changes[0].domain), STR_ARG(changes[0].selector));
	return directory_fail(e, code, "keys of", changes[0].domain);
}

/* ---- reading ---- */

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct signing_key *k = out, read;
	int code = signing_record_parse(value, &read);
	if (code == 0 && !str_cut(str_from(key, 1), '\0', &read.domain, &read.selector))
		code = ERR_CORRUPT;
	if (code != 0)
		return code;
	read.domain = arena_dup(a, read.domain);
	read.selector = arena_dup(a, read.selector);
	read.pem = arena_dup(a, read.pem);
	*k = read;
	return a->failed ? ERR_NO_MEMORY : 0;
}

int directory_signing_list(struct directory *d, struct arena *a, struct str domain, struct signing_key **out, size_t *n_out)
{
	struct name n;
	struct key prefix = key_kind('k');
	void *v = NULL;
	int code = 0;
	*n_out = 0;
	if (domain.n > 0) {
		code = name_parse_domain(domain, &n);
		prefix = key_kind_in('k', name_domain(&n));
	}
	if (code == 0)
		code = directory_list_prefix(d, a, &prefix, sizeof(**out), item, &v, n_out);
	*out = v;
	return code == ERR_INVALID ? 0 : code;
}

void directory_signing_wipe(struct signing_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (keys[i].pem.p)
			crypto_wipe((char *)(uintptr_t)keys[i].pem.p, keys[i].pem.n);
}

static int read_version(struct store_read *r, void *arg)
{
	struct key k = key_single(SINGLE_SIGNING);
	struct str value;
	int code = store_get(r, key_str(&k), &value);
	if (code == 0 && value.n != 8)
		return ERR_CORRUPT;
	*(uint64_t *)arg = code == 0 ? load_le64(value.p) : 0;
	return code == ERR_NOT_FOUND ? 0 : code;
}

int directory_signing_version(struct directory *d, uint64_t *out) { return directory_read(d, read_version, out); }
