/* Groups by their members: which is an address in? A copy of what the chunks say, the other way round, in the same commits. */
#include "directory/group_inside.h"

#define SINGLE_MEMBERSHIPS STR("memberships")        /* u8: the index is there */

int group_membership_put(struct store_write *w, const struct name *group, uint64_t id, struct str address)
{
	struct key k = membership_key(address, id);
	struct buf value = BUF_INIT(0);
	membership_record_format(group, &value);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&value));
	buf_fini(&value);
	return code;
}

int group_membership_del(struct store_write *w, uint64_t id, struct str address)
{
	struct key k = membership_key(address, id);
	return store_del(w, key_str(&k));
}

/* Tells all members, within a commit: fn may change other keys than the chunks. */
static int each_member(struct store_write *w, uint64_t id, int (*fn)(struct store_write *w, uint64_t id, struct str address, void *arg), void *arg)
{
	struct key from = group_members_key(id, STR_NONE), end = key_prefix_end(&from);
	struct buf chunk = BUF_INIT(STORE_VALUE_MAX);
	struct group_chunk_entry e;
	struct cursor c;
	struct str key, value;
	int code;
	while ((code = store_wfind(w, key_str(&from), key_str(&end), false, &key, &value)) == 1) {
		memcpy(from.bytes, key.p, key.n);
		from.n = key.n;
		from.bytes[from.n++] = '\0';
		buf_reset(&chunk);
		buf_add_str(&chunk, value);
		code = chunk.failed ? ERR_NO_MEMORY : group_chunk_open(buf_str(&chunk), &c);
		while (code == 0 && (code = group_chunk_next(&c, &e)) == 1)
			code = fn(w, id, e.address, arg);
		if (code != 0)
			break;
	}
	buf_fini(&chunk);
	return code;
}

static int forget(struct store_write *w, uint64_t id, struct str address, void *arg)
{
	(void)arg;
	return group_membership_del(w, id, address);
}

int group_membership_del_all(struct store_write *w, uint64_t id) { return each_member(w, id, forget, NULL); }

/* ---- groups from before ---- */

static int note(struct store_write *w, uint64_t id, struct str address, void *arg) { return group_membership_put(w, arg, id, address); }

static int build_one(struct store_write *w, void *arg)
{
	struct buf keep = BUF_INIT(0);
	struct group_record r;
	int code = group_record_load(w, arg, &keep, &r);
	buf_fini(&keep);
	return code == 0 ? each_member(w, r.id, note, arg) : code == ERR_NOT_FOUND ? 0 : code;
}

static int is_built(struct store_read *r, void *arg)
{
	struct key k = key_single(SINGLE_MEMBERSHIPS);
	struct str value;
	(void)arg;
	int code = store_get(r, key_str(&k), &value);
	return code == ERR_CORRUPT ? 0 : code;           /* what it says does not matter, only that it is there */
}

static int mark_built(struct store_write *w, void *arg)
{
	struct key k = key_single(SINGLE_MEMBERSHIPS);
	(void)arg;
	return store_put(w, key_str(&k), STR("\1"));
}

/* A group that is damaged keeps nobody out of the rest; once it is mended, all is made with the next start. */
static int build(struct directory *d, struct arena *a)
{
	struct group *groups;
	struct directory_damaged *damaged;
	struct name n;
	size_t count = 0;
	int code = directory_group_list_sound(d, a, &groups, &count, &damaged);
	bool whole = code == 0 && !damaged;
	for (size_t i = 0; i < count && code == 0; i++) {
		code = name_parse(groups[i].name, &n) == 0 ? directory_commit(d, build_one, &n, 0) : ERR_CORRUPT;
		if (code == ERR_CORRUPT) {
			whole = false;
			code = 0;
		}
	}
	return code == 0 && whole ? directory_commit(d, mark_built, NULL, 0) : code;
}

int group_membership_build(struct directory *d)
{
	struct arena a = ARENA_INIT(0);
	int code = directory_read(d, is_built, NULL);
	if (code == ERR_NOT_FOUND)
		code = build(d, &a);
	arena_fini(&a);
	return code == ERR_DENIED ? 0 : code;        /* a read-only store: who writes makes it */
}
