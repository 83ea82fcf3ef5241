#include "backup/pairs.h"

#include "backup/limits.h"
#include "base/hash.h"
#include "store/store.h"

static const uint8_t cut_key[HASH_SIPHASH_KEY] = "where runs end";

int pairs_end(struct pairs_out *o)
{
	if (o->run.failed)
		return ERR_NO_MEMORY;
	if (o->run.n == 0)
		return 0;
	struct chunk_id id;
	int rc = repository_put(o->repository, buf_str(&o->run), &id, NULL);
	if (!rc)
		rc = chunk_list_add(o->runs, &id);
	buf_reset(&o->run);
	return rc;
}

int pairs_add(struct pairs_out *o, struct str key, struct str value)
{
	buf_add_varint(&o->run, key.n);
	buf_add_str(&o->run, key);
	buf_add_varint(&o->run, value.n);
	buf_add_str(&o->run, value);
	bool cut = o->run.n >= RUN_MIN && hash_siphash_keyed(cut_key, key) % RUN_CUT_KEYS == 0;
	return cut || o->run.n >= RUN_MAX || o->run.failed ? pairs_end(o) : 0;
}

int pairs_each(struct str run, pairs_fn *fn, void *arg)
{
	struct cursor c = cursor_make(run);
	while (cursor_left(&c)) {
		struct str key = cursor_bytes(&c, cursor_varint(&c));
		struct str value = cursor_bytes(&c, cursor_varint(&c));
		if (c.bad || key.n == 0 || key.n > STORE_KEY_MAX || value.n > STORE_VALUE_MAX)
			return ERR_CORRUPT;
		int rc = fn(arg, key, value);
		if (rc)
			return rc;
	}
	return 0;
}
