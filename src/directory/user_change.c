/* Users as they are made, changed and forgotten. What takes time (hashing) is done before the commit begins. */
#include "directory/app_password_inside.h"
#include "directory/group_inside.h"

#include "rt/crypto.h"

/* ---- account ids ---- */

static int next_account(struct store_write *w, void *arg) { return counter_add(w, SINGLE_ACCOUNT, 1, arg); }

int directory_account_id_new(struct directory *d, uint64_t *out) { return directory_commit(d, next_account, out, 0); }

/* ---- one user's record in a commit ---- */

static int put(struct store_write *w, const struct name *n, const struct user_record *u)
{
	struct key k = key_user(n);
	struct buf value = BUF_INIT(0);
	buf_reserve(&value, 256 + u->hash.n + u->secret.n);
	user_record_format(u, &value);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&value));
	if (value.p)
		crypto_wipe(value.p, value.n);
	buf_fini(&value);
	return code;
}

static int get(struct store_write *w, const struct name *n, struct user_record *out)
{
	struct key k = key_user(n);
	struct str value;
	int code = store_wget(w, key_str(&k), &value);
	return code == 0 ? user_record_parse(value, out) : code;
}

static int parse_new(struct str name, struct name *out, struct err *e)
{
	if (name_parse(name, out) != 0 || !name_local_is_plain(out))
		return err_set(e, ERR_INVALID, "not an address", "\"%.*s\" cannot be the address of a user", STR_ARG(name));
	return 0;
}

static int find_failed(struct str name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no such user", "no user %.*s", STR_ARG(name));
}

/* ---- adding ---- */

struct addition {
	struct name name;
	struct user_record user;     /* without its sequence */
	store_commit_fn *also;       /* in the same commit; may be NULL */
	void *arg;
};

static int add(struct store_write *w, void *arg)
{
	struct addition *a = arg;
	struct key domain = key_domain(&a->name), alias = key_alias(&a->name), group = group_key(&a->name);
	struct user_record old;
	int code = key_exists(w, &domain);
	if (code != 0)
		return code;
	code = get(w, &a->name, &old);
	/* The salt is random, so the same hash means that this very commit was made before. */
	if (code == 0)
		return str_eq(old.hash, a->user.hash) && old.account == a->user.account ? 0 : ERR_EXISTS;
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &alias);
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &group);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? ERR_EXISTS : code;
	code = counter_add(w, SINGLE_SEQUENCE, 1, &a->user.sequence);
	if (code == 0)
		code = put(w, &a->name, &a->user);
	struct key order = key_order(name_domain(&a->name), a->user.sequence);
	uint64_t secrets;
	if (code == 0)
		code = store_put(w, key_str(&order), name_local(&a->name));
	if (code == 0 && a->also)
		code = a->also(w, a->arg);
	return code == 0 && a->user.secret.n ? counter_add(w, SINGLE_SECRETS, 1, &secrets) : code;
}

static int commit_addition(struct directory *d, struct addition *a, struct err *e)
{
	int code = directory_commit(d, add, a, 0);
	if (code == ERR_NOT_FOUND)
		return err_set(e, code, "the domain is not there", "no domain for %s", a->name.bytes);
	if (code == ERR_EXISTS)
		return err_set(e, code, "the address is taken", "a user, alias or group %s exists", a->name.bytes);
	return directory_fail(e, code, "user", name_str(&a->name));
}

/* Hash and SCRAM keys of a new password; hash must hold PASSWORD_HASH_MAX bytes. */
static int make_proofs(struct directory *d, struct str password, char *hash, struct user_record *u, struct err *e)
{
	struct password p;
	int code = password_check(password, e);
	if (code == 0)
		code = password_prepare(password, &p);
	if (code != 0)
		return code;
	code = hasher_hash(d->hasher, &p, hash);
	if (code == 0)
		code = password_scram(&p, &u->scram);
	password_wipe(&p);
	u->hash = str_from_c(hash);
	u->has_scram = true;
	return code;
}

int directory_user_add(struct directory *d, struct str name, struct str password, uint64_t account, struct err *e)
{
	struct addition a = { .user = { .account = account } };
	char hash[PASSWORD_HASH_MAX] = "";
	int code = parse_new(name, &a.name, e);
	if (code == 0)
		code = make_proofs(d, password, hash, &a.user, e);
	return code == 0 ? commit_addition(d, &a, e) : directory_fail(e, code, "user", name);
}

int user_add_record(struct directory *d, struct str name, const struct user_record *u, store_commit_fn *also, void *arg, struct err *e)
{
	struct addition a = { .user = *u, .also = also, .arg = arg };
	int code = parse_new(name, &a.name, e);
	return code == 0 ? commit_addition(d, &a, e) : code;
}

int directory_user_add_shared(struct directory *d, struct str name, uint64_t account, struct err *e)
{
	struct addition a = { .user = { .account = account, .shared = true } };
	int code = parse_new(name, &a.name, e);
	return code == 0 ? commit_addition(d, &a, e) : code;
}

int directory_user_import(struct directory *d, struct str name, struct str crypt_hash, uint64_t account, struct err *e)
{
	struct addition a = { .user = { .account = account, .hash = crypt_hash } };
	int code = parse_new(name, &a.name, e);
	if (code != 0)
		return code;
	code = hasher_check_import(d->hasher, crypt_hash);
	if (code == ERR_INVALID)
		return err_set(e, code, "not a password hash that can be used ($y$, $6$, $5$, $2b$)",
					   "bad hash for %s", a.name.bytes);
	return code == 0 ? commit_addition(d, &a, e) : directory_fail(e, code, "user", name);
}

/* ---- changing ---- */

enum change_kind { CHANGE_PASSWORD, CHANGE_SECRET, CHANGE_DISABLED };

struct change {
	enum change_kind kind;
	struct name name;
	struct user_record user;     /* the parts that the kind replaces */
};

static int change(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	struct user_record u;
	uint64_t secrets;
	int code = get(w, &c->name, &u);
	if (code != 0)
		return code;
	if (u.shared && c->kind != CHANGE_DISABLED)
		return ERR_DENIED;
	int more_secrets = 0;
	if (c->kind == CHANGE_PASSWORD) {
		u.hash = c->user.hash;
		u.scram = c->user.scram;
		u.has_scram = true;
	} else if (c->kind == CHANGE_SECRET) {
		more_secrets = (c->user.secret.n > 0) - (u.secret.n > 0);
		u.secret = c->user.secret;
	} else {
		u.disabled = c->user.disabled;
	}
	/* put formats before it writes: what u points into is read in time */
	code = put(w, &c->name, &u);
	return code == 0 && more_secrets ? counter_add(w, SINGLE_SECRETS, more_secrets, &secrets) : code;
}

static int commit_change(struct directory *d, struct change *c, struct str name, struct err *e)
{
	int code = name_parse(name, &c->name);
	if (code == 0)
		code = directory_commit(d, change, c, 0);
	if (code == ERR_INVALID || code == ERR_NOT_FOUND)
		return find_failed(name, e);
	if (code == ERR_DENIED)
		return err_set(e, code, "nobody logs in to a shared account", "%s is shared", c->name.bytes);
	return directory_fail(e, code, "user", name);
}

int directory_user_passwd(struct directory *d, struct str name, struct str password, struct err *e)
{
	struct change c = { .kind = CHANGE_PASSWORD };
	char hash[PASSWORD_HASH_MAX] = "";
	int code = make_proofs(d, password, hash, &c.user, e);
	return code == 0 ? commit_change(d, &c, name, e) : directory_fail(e, code, "user", name);
}

int directory_user_secret(struct directory *d, struct str name, struct str secret, struct err *e)
{
	struct change c = { .kind = CHANGE_SECRET, .user = { .secret = secret } };
	int code = secret.n ? password_check_secret(secret, e) : 0;
	return code == 0 ? commit_change(d, &c, name, e) : code;
}

int directory_user_disable(struct directory *d, struct str name, bool disabled, struct err *e)
{
	struct change c = { .kind = CHANGE_DISABLED, .user = { .disabled = disabled } };
	return commit_change(d, &c, name, e);
}

/* ---- deleting ---- */

struct deletion {
	struct name name;
	uint64_t account;
};

static int del(struct store_write *w, void *arg)
{
	struct deletion *x = arg;
	struct user_record u;
	uint64_t secrets;
	int code = get(w, &x->name, &u);
	if (code != 0)
		return code;
	x->account = u.account;
	struct key k = key_user(&x->name), order = key_order(name_domain(&x->name), u.sequence), familiar = key_familiar(&x->name);
	bool had_secret = u.secret.n > 0;
	code = store_del(w, key_str(&k));
	if (code == 0)
		code = app_password_forget(w, &x->name);
	if (code == 0)
		code = store_del(w, key_str(&familiar));
	if (code == 0)
		code = store_del(w, key_str(&order));
	return code == 0 && had_secret ? counter_add(w, SINGLE_SECRETS, -1, &secrets) : code;
}

int directory_user_del(struct directory *d, struct str name, uint64_t *account_out, struct err *e)
{
	struct deletion x = { .account = 0 };
	int code = name_parse(name, &x.name);
	if (code == 0)
		code = directory_commit(d, del, &x, ERR_NOT_FOUND);
	if (code == ERR_INVALID || code == ERR_NOT_FOUND)
		return find_failed(name, e);
	if (account_out)
		*account_out = x.account;
	return directory_fail(e, code, "user", name);
}
