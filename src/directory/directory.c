#include "directory/group_inside.h"

#include "rt/crypto.h"

#include <unistd.h>

/* ---- opening ---- */

/* A random secret of this installation, kept under a single key. */
struct secret {
	struct str single;
	uint8_t *bytes;                      /* SECRET_SIZE */
};

static int load_secret(struct store_read *r, void *arg)
{
	const struct secret *s = arg;
	struct key k = key_single(s->single);
	struct str value;
	int code = store_get(r, key_str(&k), &value);
	if (code == 0 && value.n != SECRET_SIZE)
		code = ERR_CORRUPT;
	if (code == 0)
		memcpy(s->bytes, value.p, value.n);
	return code;
}

/* Another process may have been faster: then its secret stands. */
static int store_secret(struct store_write *w, void *arg)
{
	const struct secret *s = arg;
	struct key k = key_single(s->single);
	struct str value;
	int code = store_wget(w, key_str(&k), &value);
	if (code == 0 && value.n == SECRET_SIZE)
		memcpy(s->bytes, value.p, value.n);
	if (code == ERR_NOT_FOUND)
		code = store_put(w, key_str(&k), str_make(s->bytes, SECRET_SIZE));
	return code;
}

static int open_secret(struct directory *d, struct str single, uint8_t bytes[static SECRET_SIZE])
{
	struct secret s = { single, bytes };
	int code = directory_read(d, load_secret, &s);
	if (code != ERR_NOT_FOUND && code != ERR_CORRUPT)
		return code;
	crypto_random(bytes, SECRET_SIZE);
	/* A damaged one is left to a repair, and changes with the process until then: what it was made for fails, but everybody is served. */
	if (code == ERR_CORRUPT)
		return 0;
	code = directory_commit(d, store_secret, &s, 0);
	return code == ERR_DENIED ? 0 : code;        /* a read-only store: it changes with the process then */
}

static int open_parts(struct directory *d, const struct directory_config *c)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t keep = c->verify_cache_ms ? c->verify_cache_ms : VERIFY_CACHE_MS_DEFAULT;
	d->separator = c->subaddress_separator ? c->subaddress_separator : '+';
	int code = hasher_create(cores > 0 ? (unsigned)cores : 1, HASH_WAIT_MS, &d->hasher);
	if (code == 0)
		code = verify_cache_create(keep == UINT64_MAX ? 0 : keep, &d->verified);
	if (code == 0)
		code = brake_create(c->fail_limit ? c->fail_limit : BRAKE_LIMIT_DEFAULT,
							c->fail_window_ms ? c->fail_window_ms : BRAKE_WINDOW_MS_DEFAULT, &d->brake);
	if (code == 0)
		code = brake_create(c->account_limit ? c->account_limit : BRAKE_ACCOUNT_LIMIT_DEFAULT,
							c->fail_window_ms ? c->fail_window_ms : BRAKE_WINDOW_MS_DEFAULT, &d->accounts);
	if (code == 0)
		code = open_secret(d, SINGLE_MADE_UP, d->made_up_key);
	if (code == 0)
		code = open_secret(d, SINGLE_ADDRESS, d->address_key);
	return code == 0 ? group_membership_build(d) : code;
}

int directory_open(struct store *s, const struct directory_config *c, struct directory **out, struct err *e)
{
	static const struct directory_config defaults = { 0 };
	struct directory *d = calloc(1, sizeof(*d));
	*out = NULL;
	if (!d)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for the directory");
	d->store = s;
	int code = open_parts(d, c ? c : &defaults);
	if (code != 0) {
		directory_close(&d);
		return err_set(e, code, NULL, "the directory cannot be opened: %s", err_text(code));
	}
	*out = d;
	return 0;
}

void directory_close(struct directory **d)
{
	if (!*d)
		return;
	hasher_destroy(&(*d)->hasher);
	verify_cache_destroy(&(*d)->verified);
	brake_destroy(&(*d)->brake);
	brake_destroy(&(*d)->accounts);
	crypto_wipe(*d, sizeof(**d));
	free(*d);
	*d = NULL;
}

struct str directory_address_key(const struct directory *d) { return str_make(d->address_key, sizeof(d->address_key)); }

/* ---- what all of the room does with the store ---- */

int directory_read(struct directory *d, directory_read_fn *fn, void *arg)
{
	int code = ERR_RETRY;
	for (int tries = 0; code == ERR_RETRY && tries < DIRECTORY_READ_TRIES; tries++) {
		struct store_read *r = NULL;
		code = store_begin(d->store, DIRECTORY_SCOPE, &r);
		if (code == 0)
			code = fn(r, arg);
		store_end(&r);
	}
	return code;
}

int directory_commit(struct directory *d, store_commit_fn *fn, void *arg, int settled)
{
	int code = store_commit(d->store, DIRECTORY_SCOPE, fn, arg);
	if (code != ERR_UNKNOWN)
		return code;
	for (int tries = 1; code == ERR_UNKNOWN && tries < DIRECTORY_COMMIT_TRIES; tries++)
		code = store_commit(d->store, DIRECTORY_SCOPE, fn, arg);
	return code == settled ? 0 : code;
}

int directory_fail(struct err *e, int code, const char *what, struct str name)
{
	if (code == 0 || (e && e->code == code))
		return code;
	return err_set(e, code, NULL, "%s %.*s: %s", what, STR_ARG(name), err_text(code));
}

int directory_visit(struct store_read *r, const struct key *prefix, directory_visit_fn *fn, void *arg)
{
	struct store_iter *it = NULL;
	struct key end = key_prefix_end(prefix);
	struct str key, value;
	int code = store_range(r, key_str(prefix), key_str(&end), false, &it);
	if (code != 0)
		return code;
	while ((code = store_next(it, &key, &value)) == 1)
		if ((code = fn(arg, key, value)) != 0)
			break;
	store_iter_end(&it);
	return code;
}

struct listing {
	struct arena *arena;
	const struct key *prefix;
	size_t item_size;
	directory_item_fn *fn;
	char *v;       /* NULL while counting */
	size_t n;
};

static int list_one(void *arg, struct str key, struct str value)
{
	struct listing *l = arg;
	int code = l->v ? l->fn(l->arena, key, value, l->v + l->n * l->item_size) : 0;
	l->n++;
	return code;
}

/* Two passes over one version: the first counts. */
static int list(struct store_read *r, void *arg)
{
	struct listing *l = arg;
	l->v = NULL;
	l->n = 0;
	int code = directory_visit(r, l->prefix, list_one, l);
	if (code != 0 || l->n == 0)
		return code;
	l->v = arena_array(l->arena, l->n, l->item_size);
	if (!l->v)
		return ERR_NO_MEMORY;
	l->n = 0;
	return directory_visit(r, l->prefix, list_one, l);
}

int directory_list_prefix(struct directory *d, struct arena *a, const struct key *prefix, size_t item_size, directory_item_fn *fn,
						  void **out, size_t *n_out)
{
	struct listing l = { .arena = a, .prefix = prefix, .item_size = item_size, .fn = fn };
	int code = directory_read(d, list, &l);
	*out = l.v;
	*n_out = code == 0 ? l.n : 0;
	return code;
}

int directory_list(struct directory *d, struct arena *a, char kind, size_t item_size, directory_item_fn *fn, void **out,
				   size_t *n_out)
{
	struct key prefix = key_kind(kind);
	return directory_list_prefix(d, a, &prefix, item_size, fn, out, n_out);
}

int counter_add(struct store_write *w, struct str single, int64_t by, uint64_t *out)
{
	struct key k = key_single(single);
	struct str value;
	uint64_t count = 0;
	int code = store_wget(w, key_str(&k), &value);
	if (code == 0 && value.n != 8)
		return ERR_CORRUPT;
	if (code == 0)
		count = load_le64(value.p);
	else if (code != ERR_NOT_FOUND)
		return code;
	count = by < 0 && count < (uint64_t)-by ? 0 : count + (uint64_t)by;
	*out = count;
	char le[8];
	store_le64(le, count);
	return store_put(w, key_str(&k), str_make(le, sizeof(le)));
}

int key_exists(struct store_write *w, const struct key *k)
{
	struct str value;
	return store_wget(w, key_str(k), &value);
}

int key_any(struct store_write *w, const struct key *prefix)
{
	struct key end = key_prefix_end(prefix);
	struct str key, value;
	return store_wfind(w, key_str(prefix), key_str(&end), false, &key, &value);
}
