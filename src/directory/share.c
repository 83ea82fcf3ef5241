/* The index from identifiers to the accounts that have let them in: "S" identifier NUL be64 account. */
#include "directory/identity.h"

#include "directory/inside.h"

static struct key share_key_of(struct str identifier)
{
	struct key k = key_kind('S');
	memcpy(k.bytes + k.n, identifier.p, identifier.n);
	k.n += identifier.n;
	k.bytes[k.n++] = '\0';
	return k;
}

static struct key share_key(struct str identifier, uint64_t account)
{
	struct key k = share_key_of(identifier);
	store_be64(k.bytes + k.n, account);
	k.n += 8;
	return k;
}

static bool is_possible(struct str identifier)
{
	return identifier.n && identifier.n <= DIRECTORY_NAME_MAX && str_chr(identifier, '\0') == STR_NPOS;
}

/* ---- changing ---- */

struct change {
	struct key key;
	struct str owner;
};

static int is_there(struct store_read *r, void *arg)
{
	const struct change *c = arg;
	struct str value;
	return store_get(r, key_str(&c->key), &value);
}

static int put(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	struct buf value = BUF_INIT(0);
	record_begin(&value);
	record_add_text(&value, c->owner);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&c->key), buf_str(&value));
	buf_fini(&value);
	return code;
}

static int del(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	return store_del(w, key_str(&c->key));
}

int directory_share_note(struct directory *d, struct str identifier, uint64_t account, struct str owner)
{
	if (!is_possible(identifier))
		return ERR_INVALID;
	struct change c = { share_key(identifier, account), owner };
	int code = directory_read(d, is_there, &c);
	return code == ERR_NOT_FOUND ? directory_commit(d, put, &c, 0) : code;
}

int directory_share_drop(struct directory *d, struct str identifier, uint64_t account)
{
	if (!is_possible(identifier))
		return ERR_INVALID;
	struct change c = { .key = share_key(identifier, account) };
	return directory_commit(d, del, &c, 0);
}

/* ---- looking ---- */

static int parse(struct str key, struct str value, struct directory_share *out)
{
	struct cursor c;
	int code = record_open(value, &c);
	size_t end = str_chr(key, '\0');
	if (code != 0)
		return code;
	out->owner = record_text(&c);
	if (c.bad || end == STR_NPOS || key.n != end + 9)
		return ERR_CORRUPT;
	out->identifier = str_sub(key, 1, end - 1);
	out->account = load_be64(key.p + end + 1);
	return 0;
}

static int keep(struct arena *a, const struct directory_share *s, struct directory_share *out)
{
	*out = (struct directory_share){ arena_dup(a, s->identifier), s->account, arena_dup(a, s->owner) };
	return out->identifier.p && out->owner.p ? 0 : ERR_NO_MEMORY;
}

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct directory_share s;
	int code = parse(key, value, &s);
	return code == 0 ? keep(a, &s, out) : code;
}

int directory_share_list(struct directory *d, struct arena *a, struct directory_share **out, size_t *n_out)
{
	void *v;
	int code = directory_list(d, a, 'S', sizeof(**out), item, &v, n_out);
	*out = v;
	return code;
}

struct search {
	struct arena *arena;
	const struct str *identifiers;
	size_t n;
	struct buf found;                    /* struct directory_share each */
};

static int take(void *arg, struct str key, struct str value)
{
	struct search *s = arg;
	struct directory_share one;
	int code = parse(key, value, &one);
	if (code != 0 || s->found.n / sizeof(one) >= SHARES_MAX)
		return code;
	code = keep(s->arena, &one, &one);
	buf_add(&s->found, &one, sizeof(one));
	return code;
}

static int search(struct store_read *r, void *arg)
{
	struct search *s = arg;
	int code = 0;
	buf_reset(&s->found);
	for (size_t i = 0; i < s->n && code == 0; i++) {
		struct key prefix = share_key_of(s->identifiers[i]);
		code = directory_visit(r, &prefix, take, s);
	}
	return code ? code : s->found.failed ? ERR_NO_MEMORY : 0;
}

static int compare(const void *a, const void *b)
{
	const struct directory_share *l = a, *r = b;
	int order = str_cmp(l->owner, r->owner);
	return order ? order : (l->account > r->account) - (l->account < r->account);
}

/* An account that let two of them in is there twice. */
static size_t drop_doubles(struct directory_share *v, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || v[kept - 1].account != v[i].account)
			v[kept++] = v[i];
	return kept;
}

int directory_share_find(struct directory *d, struct arena *a, const struct str *identifiers, size_t n, struct directory_share **out, size_t *n_out)
{
	struct search s = { .arena = a, .identifiers = identifiers, .n = n };
	*out = NULL;
	*n_out = 0;
	for (size_t i = 0; i < n; i++)
		if (!is_possible(identifiers[i]))
			return ERR_INVALID;
	int code = directory_read(d, search, &s);
	size_t found = s.found.n / sizeof(**out);
	if (code == 0 && found) {
		*out = arena_array(a, found, sizeof(**out));
		code = *out ? 0 : ERR_NO_MEMORY;
	}
	if (code == 0 && found) {
		memcpy(*out, s.found.p, s.found.n);
		qsort(*out, found, sizeof(**out), compare);
		*n_out = drop_doubles(*out, found);
	}
	buf_fini(&s.found);
	return code;
}
