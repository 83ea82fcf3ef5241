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

typedef int damaged_fn(void *arg, struct str key, int code);

/* damaged: may be NULL. */
static int visit(struct store_read *r, const struct key *prefix, directory_visit_fn *fn, damaged_fn *damaged, void *arg)
{
	struct store_iter *it = NULL;
	struct key end = key_prefix_end(prefix);
	struct str key, value;
	int code = store_range(r, key_str(prefix), key_str(&end), false, &it);
	if (code != 0)
		return code;
	do {
		code = store_next(it, &key, &value);
		if (code == 1)
			code = fn(arg, key, value);
		else if (code == ERR_CORRUPT && key.n && damaged)
			code = damaged(arg, key, code);
		else
			break;
	} while (code == 0);
	store_iter_end(&it);
	return code;
}

int directory_visit(struct store_read *r, const struct key *prefix, directory_visit_fn *fn, void *arg)
{
	return visit(r, prefix, fn, NULL, arg);
}

struct listing {
	struct arena *arena;
	const struct key *prefix;
	size_t item_size;
	directory_item_fn *fn;
	char *v;       /* NULL while counting */
	size_t n;
	bool leaves_out;
	struct directory_damaged *damaged, **damaged_end;
};

static int leave_out(void *arg, struct str key, int code)
{
	struct listing *l = arg;
	struct name n;
	if (!l->v)
		return 0;
	struct directory_damaged *d = arena_alloc(l->arena, sizeof(*d));
	if (!d)
		return ERR_NO_MEMORY;
	*d = (struct directory_damaged){ .name = arena_dup(l->arena, key_name(key, &n) == 0 ? name_str(&n) : str_from(key, 1)), .code = code };
	*l->damaged_end = d;
	l->damaged_end = &d->next;
	return d->name.p ? 0 : ERR_NO_MEMORY;
}

static int list_one(void *arg, struct str key, struct str value)
{
	struct listing *l = arg;
	int code = l->v ? l->fn(l->arena, key, value, l->v + l->n * l->item_size) : 0;
	if (l->leaves_out && (code == ERR_CORRUPT || code == ERR_VERSION)) {
		memset(l->v + l->n * l->item_size, 0, l->item_size);
		return leave_out(l, key, code);
	}
	l->n++;
	return code;
}

/* Two passes over one version: the first counts. */
static int list(struct store_read *r, void *arg)
{
	struct listing *l = arg;
	damaged_fn *damaged = l->leaves_out ? leave_out : NULL;
	l->v = NULL;
	l->n = 0;
	l->damaged = NULL;
	l->damaged_end = &l->damaged;
	int code = visit(r, l->prefix, list_one, damaged, l);
	if (code != 0)
		return code;
	l->v = arena_array(l->arena, l->n + 1, l->item_size);
	if (!l->v)
		return ERR_NO_MEMORY;
	l->n = 0;
	return visit(r, l->prefix, list_one, damaged, l);
}

static int run_listing(struct directory *d, struct listing *l, void **out, size_t *n_out)
{
	int code = directory_read(d, list, l);
	*out = l->v;
	*n_out = code == 0 ? l->n : 0;
	return code;
}

int directory_list_prefix(struct directory *d, struct arena *a, const struct key *prefix, size_t item_size, directory_item_fn *fn,
						  void **out, size_t *n_out)
{
	struct listing l = { .arena = a, .prefix = prefix, .item_size = item_size, .fn = fn };
	return run_listing(d, &l, out, n_out);
}

int directory_list(struct directory *d, struct arena *a, char kind, size_t item_size, directory_item_fn *fn, void **out,
				   size_t *n_out)
{
	struct key prefix = key_kind(kind);
	return directory_list_prefix(d, a, &prefix, item_size, fn, out, n_out);
}

int directory_list_sound(struct directory *d, struct arena *a, char kind, size_t item_size, directory_item_fn *fn, void **out, size_t *n_out,
						 struct directory_damaged **damaged_out)
{
	struct key prefix = key_kind(kind);
	struct listing l = { .arena = a, .prefix = &prefix, .item_size = item_size, .fn = fn, .leaves_out = true };
	int code = run_listing(d, &l, out, n_out);
	*damaged_out = code == 0 ? l.damaged : NULL;
	return code;
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
