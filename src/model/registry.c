#include "model/registry.h"

#include "base/bytes.h"
#include "model/limits.h"
#include "model/model_private.h"

#define REGISTRY_KEY 9u
static const struct store_scope system_scope = { STORE_SYSTEM, 0 };

static struct str make_key(char key[REGISTRY_KEY], uint64_t account)
{
	key[0] = 'm';
	store_be64(key + 1, account);
	return str_make(key, REGISTRY_KEY);
}

static int put(struct store_write *w, void *arg)
{
	char key[REGISTRY_KEY];
	return store_put(w, make_key(key, *(uint64_t *)arg), STR("1"));
}

static int del(struct store_write *w, void *arg)
{
	char key[REGISTRY_KEY];
	return store_del(w, make_key(key, *(uint64_t *)arg));
}

int registry_commit(struct model *m, store_commit_fn *fn, void *arg)
{
	int rc = ERR_UNKNOWN;
	for (unsigned tries = 0; rc == ERR_UNKNOWN && tries < COMMIT_TRIES_MAX; tries++)
		rc = store_commit(m->store, system_scope, fn, arg);
	return rc;
}

int registry_add(struct model *m, uint64_t account) { return registry_commit(m, put, &account); }
int registry_remove(struct model *m, uint64_t account) { return registry_commit(m, del, &account); }

struct store_scope registry_scope(void) { return system_scope; }
struct key registry_annotations(void) { return (struct key){ .p = { 'm', 'd' }, .n = 2 }; }

int registry_read(struct store_read *r, struct buf *ids)
{
	struct store_iter *it;
	int rc = store_range(r, STR("m"), STR("n"), false, &it);
	if (rc)
		return rc;
	struct str key, value;
	while ((rc = store_next(it, &key, &value)) == 1 || (rc == ERR_CORRUPT && key.n)) {
		if (key.n != REGISTRY_KEY)
			continue;                 /* an annotation of the house */
		uint64_t id = load_be64(key.p + 1);
		buf_add(ids, &id, sizeof(id));
	}
	store_iter_end(&it);
	return rc ? rc : ids->failed ? ERR_NO_MEMORY : 0;
}

static int read_list(struct store_read *r, void *arg)
{
	buf_reset(arg);
	return registry_read(r, arg);
}

int registry_list(struct model *m, struct arena *arena, uint64_t **out, size_t *n_out)
{
	*out = NULL;
	*n_out = 0;
	struct buf ids = BUF_INIT(0);
	int rc = scope_read(m, system_scope, read_list, &ids);
	size_t n = ids.n / sizeof(uint64_t);
	if (!rc) {
		*out = arena_array(arena, n + 1, sizeof(uint64_t));
		rc = *out ? 0 : ERR_NO_MEMORY;
	}
	if (!rc) {
		if (n)
			memcpy(*out, ids.p, ids.n);
		*n_out = n;
	}
	buf_fini(&ids);
	return rc;
}
