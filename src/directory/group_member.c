/* Members in packed chunks: a group of 100,000 is some 2,000 values, and one of three is one. A chunk lies under its first address when it was cut off;
 * the first one under the empty address, so that every address has a chunk at or before it. */
#include "directory/group_inside.h"

#define BATCH 1000          /* members changed in one commit: others wait meanwhile */

/* ---- one chunk in a commit ---- */

/* The chunk for an address: its key (that of the first when there is none yet) and a copy of its value. */
static int load(struct store_write *w, uint64_t id, struct str address, struct key *key_out, struct buf *value_out)
{
	struct key from = group_members_key(id, STR_NONE), to = group_members_key(id, address);
	struct str key, value;
	to.bytes[to.n++] = '\0';                 /* the address itself is within */
	int code = store_wfind(w, key_str(&from), key_str(&to), true, &key, &value);
	if (code < 0)
		return code;
	*key_out = from;
	if (code == 1) {
		memcpy(key_out->bytes, key.p, key.n);
		key_out->n = key.n;
		buf_add_str(value_out, value);
	}
	return value_out->failed ? ERR_NO_MEMORY : 0;
}

struct counts { int members, disabled; };

/* Copies a chunk with the edit done. *middle_out: where its second half begins, and *middle_address_out that half's first address. 1 changed, 0 not. */
static int copy_edited(struct str value, struct str address, enum member_edit edit, struct buf *out, struct counts *c, size_t *middle_out,
					   struct str *middle_address_out)
{
	struct cursor in;
	struct group_chunk_entry e;
	bool done = false, changed = false;
	int more, code = group_chunk_open(value, &in);
	record_begin(out);
	*middle_out = 0;
	while (code == 0 && (more = group_chunk_next(&in, &e)) != 0) {
		int order = more < 0 ? 1 : str_cmp(e.address, address);
		if (more < 0)
			return more;
		if (order > 0 && !done && edit == MEMBER_PUT) {
			group_chunk_add(out, &(struct group_chunk_entry){ address, false });
			c->members = changed = done = true;
		}
		if (order == 0) {
			bool was = e.disabled;
			done = true;
			e.disabled = edit == MEMBER_DISABLE;
			changed = edit == MEMBER_REMOVE || was != e.disabled;
			c->members = edit == MEMBER_REMOVE ? -1 : 0;
			c->disabled = (edit == MEMBER_DISABLE) - was;
			if (edit == MEMBER_REMOVE)
				continue;
		}
		if (!*middle_out && out->n > GROUP_CHUNK_MAX / 2) {
			*middle_out = out->n;
			*middle_address_out = e.address;
		}
		group_chunk_add(out, &e);
	}
	if (code == 0 && !done && edit == MEMBER_PUT) {
		if (!*middle_out && out->n > GROUP_CHUNK_MAX / 2) {
			*middle_out = out->n;
			*middle_address_out = address;
		}
		group_chunk_add(out, &(struct group_chunk_entry){ address, false });
		c->members = changed = true;
	}
	return code ? code : out->failed ? ERR_NO_MEMORY : changed;
}

/* In one value, or in two when it has grown too large. */
static int save(struct store_write *w, uint64_t id, const struct key *k, const struct buf *value, size_t middle, struct str middle_address)
{
	struct buf second = BUF_INIT(0);
	if (value->n <= 1 && k->bytes[k->n - 1] != '\0')
		return store_del(w, key_str(k));
	if (value->n <= GROUP_CHUNK_MAX || !middle)
		return store_put(w, key_str(k), buf_str(value));
	struct key next = group_members_key(id, middle_address);
	record_begin(&second);
	buf_add_str(&second, str_from(buf_str(value), middle));
	int code = second.failed ? ERR_NO_MEMORY : store_put(w, key_str(k), str_sub(buf_str(value), 0, middle));
	if (code == 0)
		code = store_put(w, key_str(&next), buf_str(&second));
	buf_fini(&second);
	return code;
}

int group_member_edit(struct store_write *w, struct group_record *r, struct str address, enum member_edit edit)
{
	struct buf value = BUF_INIT(0), edited = BUF_INIT(0);
	struct counts c = { 0, 0 };
	struct str middle_address = STR_NONE;
	struct key k;
	size_t middle = 0;
	int code = load(w, r->id, address, &k, &value);
	if (code == 0)
		code = copy_edited(buf_str(&value), address, edit, &edited, &c, &middle, &middle_address);
	if (code == 1) {
		code = save(w, r->id, &k, &edited, middle, middle_address);
		code = code ? code : 1;
	}
	if (code == 1 && edit != MEMBER_DISABLE) {
		struct key bounce = group_bounce_key(r->id, address);
		int gone = store_del(w, key_str(&bounce));
		code = gone ? gone : 1;
	}
	if (code == 1) {
		r->members += (uint64_t)(int64_t)c.members;
		r->disabled += (uint64_t)(int64_t)c.disabled;
	}
	buf_fini(&value);
	buf_fini(&edited);
	return code;
}

/* ---- many ---- */

struct batch {
	struct name group;
	const struct name *v;
	size_t n;
	enum member_edit edit;
	uint64_t changed;
};

static int edit_batch(struct store_write *w, void *arg)
{
	struct batch *b = arg;
	struct buf keep = BUF_INIT(0);
	struct group_record r;
	b->changed = 0;
	int code = group_record_load(w, &b->group, &keep, &r);
	for (size_t i = 0; i < b->n && code == 0; i++) {
		uint64_t before = r.members;
		int changed = group_member_edit(w, &r, name_str(&b->v[i]), b->edit);
		code = changed < 0 ? changed : 0;
		if (code == 0 && r.members != before)
			code = b->edit == MEMBER_PUT ? group_membership_put(w, &b->group, r.id, name_str(&b->v[i]))
										 : group_membership_del(w, r.id, name_str(&b->v[i]));
		b->changed += r.members != before;
		if (r.members > GROUP_MEMBERS_MAX)
			code = ERR_TOO_BIG;
	}
	if (code == 0)
		code = group_record_save(w, &b->group, &r);
	buf_fini(&keep);
	return code;
}

static int compare(const void *a, const void *b) { return str_cmp(name_str(a), name_str(b)); }

static int parse_all(const struct str *addresses, size_t n, struct name *out, struct err *e)
{
	for (size_t i = 0; i < n; i++)
		if (name_parse(addresses[i], &out[i]) != 0)
			return err_set(e, ERR_INVALID, "not an address", "\"%.*s\" is not an address", STR_ARG(addresses[i]));
	/* in order, many of one chunk follow each other */
	qsort(out, n, sizeof(*out), compare);
	return 0;
}

static int edit_many(struct directory *d, struct str name, const struct str *addresses, size_t n, enum member_edit edit, uint64_t *changed_out,
					 struct err *e)
{
	struct name *v = calloc(n ? n : 1, sizeof(*v));
	struct batch b = { .edit = edit };
	*changed_out = 0;
	if (!v)
		return err_set(e, ERR_NO_MEMORY, NULL, "%zu members", n);
	int code = name_parse(name, &b.group) == 0 ? parse_all(addresses, n, v, e) : ERR_NOT_FOUND;
	for (size_t at = 0; code == 0 && at < n; at += BATCH) {
		b.v = v + at;
		b.n = n - at < BATCH ? n - at : BATCH;
		code = directory_commit(d, edit_batch, &b, 0);
		*changed_out += b.changed;
	}
	free(v);
	if (code == ERR_NOT_FOUND)
		return err_set(e, code, "there is no such group", "no group %.*s", STR_ARG(name));
	if (code == ERR_TOO_BIG)
		return err_set(e, code, "the group is full", "a group has %d members at most", GROUP_MEMBERS_MAX);
	return directory_fail(e, code, "group", name);
}

int directory_group_join(struct directory *d, struct str name, const struct str *addresses, size_t n, uint64_t *changed_out, struct err *e)
{
	return edit_many(d, name, addresses, n, MEMBER_PUT, changed_out, e);
}

int directory_group_leave(struct directory *d, struct str name, const struct str *addresses, size_t n, uint64_t *changed_out, struct err *e)
{
	return edit_many(d, name, addresses, n, MEMBER_REMOVE, changed_out, e);
}

/* ---- looking ---- */

int group_member_find(struct store_read *r, uint64_t id, struct str address, struct group_chunk_entry *out)
{
	struct key from = group_members_key(id, STR_NONE), to = group_members_key(id, address);
	struct store_iter *it = NULL;
	struct cursor c;
	struct str key, value;
	to.bytes[to.n++] = '\0';
	int code = store_range(r, key_str(&from), key_str(&to), true, &it);
	if (code != 0)
		return code;
	code = store_next(it, &key, &value);
	store_iter_end(&it);
	if (code <= 0)
		return code ? code : ERR_NOT_FOUND;
	code = group_chunk_open(value, &c);
	while (code == 0 && (code = group_chunk_next(&c, out)) == 1) {
		if (str_eq(out->address, address))
			return 0;
		code = 0;
	}
	return code ? code : ERR_NOT_FOUND;
}

struct visit {
	group_member_visit_fn *fn;
	void *arg;
};

static int visit_chunk(void *arg, struct str key, struct str value)
{
	const struct visit *v = arg;
	struct cursor c;
	struct group_chunk_entry e;
	(void)key;
	int code = group_chunk_open(value, &c);
	while (code == 0 && (code = group_chunk_next(&c, &e)) == 1)
		code = v->fn(v->arg, &e);
	return code;
}

int group_member_visit(struct store_read *r, uint64_t id, group_member_visit_fn *fn, void *arg)
{
	struct key prefix = group_members_key(id, STR_NONE);
	struct visit v = { fn, arg };
	return directory_visit(r, &prefix, visit_chunk, &v);
}
