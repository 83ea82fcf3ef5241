#include "directory/app_password.h"

#include "directory/app_password_inside.h"
#include "base/utf8.h"
#include "rt/crypto.h"

#define ID_SIZE 8                          /* of the hash that makes the key */
#define GROUP 4                            /* letters between hyphens */

/* No i, l, o, 0, 1: nobody shall have to guess what was printed. */
static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
#define N_LETTERS 31

#define N_PROTOCOLS 3
static const struct str protocols_known[N_PROTOCOLS] = { STR_INIT("imap"), STR_INIT("pop3"), STR_INIT("smtp") };

/* ---- keys and values ---- */

struct key app_password_keys(const struct name *user)
{
	struct key k = key_user(user);
	k.bytes[0] = 'p';
	k.bytes[k.n++] = '\0';
	return k;
}

static struct key key_of(const struct name *user, const uint8_t hash[CRYPTO_SHA256_SIZE])
{
	struct key k = app_password_keys(user);
	memcpy(k.bytes + k.n, hash, ID_SIZE);
	k.n += ID_SIZE;
	return k;
}

/* version, created, label, protocols, hash */
static void format(const struct app_password *p, const uint8_t hash[CRYPTO_SHA256_SIZE], struct buf *out)
{
	record_begin(out);
	buf_add_le64(out, (uint64_t)p->created);
	record_add_text(out, p->label);
	record_add_text(out, p->protocols);
	buf_add(out, hash, CRYPTO_SHA256_SIZE);
}

static int parse(struct str value, struct app_password *out, struct str *hash_out)
{
	struct cursor c;
	int code = record_open(value, &c);
	if (code != 0)
		return code;
	out->created = (int64_t)cursor_le64(&c);
	out->label = record_text(&c);
	out->protocols = record_text(&c);
	*hash_out = cursor_bytes(&c, CRYPTO_SHA256_SIZE);
	return c.bad || cursor_left(&c) ? ERR_CORRUPT : 0;
}

/* The user's name is in it, so that equal passwords of two users (which do not occur) would not show. */
static int hash_of(const struct name *user, struct str password, uint8_t out[CRYPTO_SHA256_SIZE])
{
	return crypto_hmac_sha256(name_str(user), password, out);
}

static bool looks_like_one(struct str s)
{
	if (s.n != APP_PASSWORD_LENGTH)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (i % (GROUP + 1) == GROUP ? s.p[i] != '-' : !s.p[i] || !strchr(letters, s.p[i]))
			return false;
	return true;
}

/* ---- asking ---- */

static bool names_protocol(struct str protocols, struct str wanted)
{
	struct str word;
	bool found = protocols.n == 0;
	while (protocols.n && !found) {
		str_cut(protocols, ' ', &word, &protocols);
		found = str_eq(word, wanted);
	}
	return found;
}

int app_password_find(struct store_read *r, struct arena *a, const struct name *user, struct str password, const char *protocol, struct str *label_out)
{
	uint8_t hash[CRYPTO_SHA256_SIZE];
	struct app_password p;
	struct str value, stored;
	if (!looks_like_one(password) || hash_of(user, password, hash) != 0)
		return ERR_NOT_FOUND;
	struct key k = key_of(user, hash);
	int code = store_get(r, key_str(&k), &value);
	if (code == 0)
		code = parse(value, &p, &stored);
	if (code != 0)
		return code;
	if (!crypto_equal(stored.p, hash, sizeof(hash)) || !names_protocol(p.protocols, str_from_c(protocol)))
		return ERR_NOT_FOUND;
	*label_out = arena_dup(a, p.label);
	return label_out->p ? 0 : ERR_NO_MEMORY;
}

static int show(struct arena *a, struct str key, struct str value, void *item)
{
	struct app_password *p = item;
	struct str hash;
	(void)key;
	int code = parse(value, p, &hash);
	if (code != 0)
		return code;
	p->label = arena_dup(a, p->label);
	p->protocols = p->protocols.n ? arena_dup(a, p->protocols) : STR("");
	return p->label.p && p->protocols.p ? 0 : ERR_NO_MEMORY;
}

static int list_of(struct directory *d, struct arena *a, const struct name *user, struct app_password **out, size_t *n_out)
{
	struct key prefix = app_password_keys(user);
	void *items;
	int code = directory_list_prefix(d, a, &prefix, sizeof(**out), show, &items, n_out);
	*out = items;
	return code;
}

int app_password_list(struct directory *d, struct arena *a, struct str user, struct app_password **out, size_t *n_out)
{
	struct directory_user known;
	struct name name;
	int code = directory_user_find(d, a, user, &known);
	if (code == 0)
		code = name_parse(known.name, &name);
	return code == 0 ? list_of(d, a, &name, out, n_out) : code;
}

/* ---- changing ---- */

struct find_label {
	struct str label;
	struct key found;
	bool is_there;
	size_t count;
};

static int each(struct store_write *w, const struct name *user, struct find_label *f)
{
	struct key from = app_password_keys(user), to = key_prefix_end(&from);
	struct str key, value, hash;
	f->is_there = false;
	f->count = 0;
	int code;
	while ((code = store_wfind(w, key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		struct app_password p;
		int bad = parse(value, &p, &hash);
		if (bad)
			return bad;
		memcpy(from.bytes, key.p, key.n);
		from.n = key.n;
		if (str_eq(p.label, f->label)) {
			f->found = from;
			f->is_there = true;
		}
		from.bytes[from.n++] = '\0';
		f->count++;
	}
	return code;
}

struct addition {
	const struct name *user;
	struct app_password p;
	uint8_t hash[CRYPTO_SHA256_SIZE];
};

static int add(struct store_write *w, void *arg)
{
	struct addition *a = arg;
	struct key user = key_user(a->user), k = key_of(a->user, a->hash);
	struct find_label f = { .label = a->p.label };
	int code = key_exists(w, &user);
	if (code == 0)
		code = each(w, a->user, &f);
	if (code != 0)
		return code;
	/* The hash is of a random text: the same key means that this very commit was made before. */
	if (f.is_there)
		return str_eq(key_str(&f.found), key_str(&k)) ? 0 : ERR_EXISTS;
	if (f.count >= APP_PASSWORDS_MAX)
		return ERR_TOO_BIG;
	struct buf value = BUF_INIT(0);
	format(&a->p, a->hash, &value);
	code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&value));
	buf_fini(&value);
	return code;
}

struct removal {
	const struct name *user;
	struct str label;
};

static int del(struct store_write *w, void *arg)
{
	const struct removal *x = arg;
	struct find_label f = { .label = x->label };
	int code = each(w, x->user, &f);
	if (code == 0)
		code = f.is_there ? store_del(w, key_str(&f.found)) : ERR_NOT_FOUND;
	return code;
}

int app_password_forget(struct store_write *w, const struct name *user)
{
	struct key from = app_password_keys(user), to = key_prefix_end(&from);
	struct str key, value;
	int code;
	while ((code = store_wfind(w, key_str(&from), key_str(&to), false, &key, &value)) == 1) {
		struct key k;
		memcpy(k.bytes, key.p, key.n);
		k.n = key.n;
		code = store_del(w, key_str(&k));
		if (code != 0)
			return code;
	}
	return code;
}

static void make_text(char out[APP_PASSWORD_LENGTH + 1])
{
	for (size_t i = 0; i < APP_PASSWORD_LENGTH; i++) {
		unsigned char random = 0xff;
		/* 248 is the greatest multiple of 31: no letter is likelier than another */
		while (i % (GROUP + 1) != GROUP && random >= 248)
			crypto_random(&random, 1);
		out[i] = i % (GROUP + 1) == GROUP ? '-' : letters[random % N_LETTERS];
	}
	out[APP_PASSWORD_LENGTH] = '\0';
}

/* The words in the order of the table, each once; false when one is unknown. */
static bool read_protocols(struct str words, struct buf *out)
{
	unsigned seen = 0;
	for (struct str word, rest = words; rest.n;) {
		unsigned i = 0;
		str_cut(rest, ' ', &word, &rest);
		while (i < N_PROTOCOLS && !str_ieq(word, protocols_known[i]))
			i++;
		if (i == N_PROTOCOLS && word.n)
			return false;
		seen |= word.n ? 1u << i : 0;
	}
	for (unsigned i = 0; i < N_PROTOCOLS; i++) {
		if (!(seen & 1u << i))
			continue;
		if (out->n)
			buf_add_char(out, ' ');
		buf_add_str(out, protocols_known[i]);
	}
	return true;
}

static int check(struct str label, struct str protocols, struct buf *protocols_out, struct err *e)
{
	if (!label.n || label.n > APP_PASSWORD_LABEL_MAX || !utf8_is_valid(label) || str_chr(label, '\n') != STR_NPOS || str_chr(label, '\t') != STR_NPOS)
		return err_set(e, ERR_INVALID, "not a label", "a label is 1 to %d bytes of UTF-8 on one line", APP_PASSWORD_LABEL_MAX);
	if (!read_protocols(protocols, protocols_out))
		return err_set(e, ERR_INVALID, "no such protocol", "protocols are imap, pop3, smtp");
	return protocols_out->failed ? ERR_NO_MEMORY : 0;
}

int app_password_add(struct directory *d, struct str user, struct str label, struct str protocols, int64_t now,
					 char out[APP_PASSWORD_LENGTH + 1], struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user known;
	struct buf words = BUF_INIT(0);
	struct name name;
	out[0] = '\0';
	int code = check(label, protocols, &words, e);
	if (code == 0)
		code = directory_user_find(d, &arena, user, &known);
	if (code == 0)
		code = name_parse(known.name, &name);
	struct addition a = { .user = &name, .p = { .label = label, .protocols = buf_str(&words), .created = now } };
	if (code == 0) {
		make_text(out);
		code = hash_of(&name, str_from_c(out), a.hash);
	}
	if (code == 0)
		code = directory_commit(d, add, &a, 0);
	if (code != 0)
		crypto_wipe(out, APP_PASSWORD_LENGTH + 1);
	if (code == ERR_EXISTS)
		err_set(e, code, "there is one of that name", "%.*s has an application password \"%.*s\"", STR_ARG(user), STR_ARG(label));
	buf_fini(&words);
	arena_fini(&arena);
	return directory_fail(e, code, "application password of", user);
}

int app_password_del(struct directory *d, struct str user, struct str label, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user known;
	struct name name;
	int code = directory_user_find(d, &arena, user, &known);
	if (code == 0)
		code = name_parse(known.name, &name);
	struct removal x = { .user = &name, .label = label };
	if (code == 0)
		code = directory_commit(d, del, &x, ERR_NOT_FOUND);
	arena_fini(&arena);
	return directory_fail(e, code, "application password of", user);
}
