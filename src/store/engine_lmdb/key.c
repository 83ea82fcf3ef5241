/* Keys as LMDB sees them, its cursors over them, and its error codes. */
#include "base/bytes.h"
#include "store/engine_lmdb/lmdb_store.h"

#include <errno.h>

void full_key_make(struct full_key *k, struct store_scope scope, struct str key)
{
	k->bytes[0] = (uint8_t)scope.kind;
	store_be64(k->bytes + 1, scope.id);
	if (key.n)
		memcpy(k->bytes + SCOPE_PREFIX, key.p, key.n);
	k->n = SCOPE_PREFIX + key.n;
}

void full_key_scope_end(struct full_key *k, struct store_scope scope)
{
	/* Kinds are small numbers, so kind + 1 fits its byte. */
	bool last = scope.id == UINT64_MAX;
	k->bytes[0] = (uint8_t)(scope.kind + (last ? 1 : 0));
	store_be64(k->bytes + 1, last ? 0 : scope.id + 1);
	k->n = SCOPE_PREFIX;
}

static bool key_below(const MDB_val *key, const struct full_key *bound)
{
	return str_cmp(str_of_val(*key), str_make(bound->bytes, bound->n)) < 0;
}

static int find_last(MDB_cursor *c, const struct full_key *from, const struct full_key *to, MDB_val *key,
					 MDB_val *value)
{
	*key = val_of_str(str_make(to->bytes, to->n));
	int rc = mdb_cursor_get(c, key, value, MDB_SET_RANGE);
	if (rc == MDB_SUCCESS)
		rc = mdb_cursor_get(c, key, value, MDB_PREV);
	else if (rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(c, key, value, MDB_LAST);
	if (rc == MDB_SUCCESS && key_below(key, from))
		rc = MDB_NOTFOUND;
	return rc;
}

int cursor_find(MDB_cursor *c, const struct full_key *from, const struct full_key *to, bool reverse, MDB_val *key,
				MDB_val *value)
{
	if (reverse)
		return find_last(c, from, to, key, value);
	*key = val_of_str(str_make(from->bytes, from->n));
	int rc = mdb_cursor_get(c, key, value, MDB_SET_RANGE);
	if (rc == MDB_SUCCESS && !key_below(key, to))
		rc = MDB_NOTFOUND;
	return rc;
}

int lmdb_code(int rc)
{
	switch (rc) {
	case MDB_SUCCESS: return 0;
	case MDB_NOTFOUND: return ERR_NOT_FOUND;
	case MDB_MAP_FULL:                /* the reserved address space is used up: store_config.map_size */
	case MDB_MAP_RESIZED:             /* another process reserved more, and uses it */
	case MDB_TXN_FULL:                /* one closure changed more than half a gigabyte */
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return ERR_NO_SPACE;
	case MDB_READERS_FULL: return ERR_BUSY;
	case MDB_PAGE_NOTFOUND:
	case MDB_CORRUPTED:
	case MDB_INVALID: return ERR_CORRUPT;
	case MDB_VERSION_MISMATCH: return ERR_VERSION;
	case ENOMEM: return ERR_NO_MEMORY;
	case EACCES:
	case EPERM:
	case EROFS: return ERR_DENIED;
	case EINVAL:
	case MDB_BAD_TXN:
	case MDB_BAD_DBI:
	case MDB_BAD_VALSIZE: return ERR_BUG;
	default: return ERR_IO;
	}
}
