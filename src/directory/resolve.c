/* Where mail for an address goes: one short read, a handful of lookups for most addresses, whatever the number of
 * users. */
#include "directory/group_inside.h"

#include "base/map.h"

struct resolution {
	struct directory *d;
	struct arena *arena;
	struct str address;
	struct store_read *r;
	struct map *seen;                    /* aliases walked and targets taken; made when the first alias is met */
	struct directory_target *targets;
	size_t n, cap, max;
	bool inside_groups;                  /* members instead of the group */
};

/* What a local address is, after exact name, subaddress, catch-all and postmaster were tried in this order. */
struct match {
	enum { MATCH_USER, MATCH_ALIAS, MATCH_GROUP, MATCH_OWNERS, MATCH_BOUNCES } kind;
	uint64_t account;                    /* of a user */
	struct str value;                    /* of an alias or a group */
	struct name name;                    /* the user, or the alias or group as it is stored */
	struct str detail;
};

/* ---- one address ---- */

static int match_exactly(struct store_read *r, const struct name *n, struct match *m)
{
	struct key user = key_user(n), alias = key_alias(n), group = group_key(n);
	struct str value;
	struct user_record u;
	int code = store_get(r, key_str(&user), &value);
	m->name = *n;
	m->kind = MATCH_USER;
	if (code == 0) {
		code = user_record_parse(value, &u);
		m->account = u.account;
		return code;
	}
	m->kind = MATCH_ALIAS;
	if (code == ERR_NOT_FOUND)
		code = store_get(r, key_str(&alias), &m->value);
	if (code != ERR_NOT_FOUND)
		return code;
	m->kind = MATCH_GROUP;
	return store_get(r, key_str(&group), &m->value);
}

/* A group whose local part is the first `at` bytes of n's. */
static int match_group(struct store_read *r, const struct name *n, size_t at, struct match *m)
{
	if (at == 0 || name_with_local(n, str_sub(name_local(n), 0, at), &m->name) != 0)
		return ERR_NOT_FOUND;
	struct key group = group_key(&m->name);
	return store_get(r, key_str(&group), &m->value);
}

/* LIST-owner and LIST-request, perhaps with a detail behind; LIST-bounces with whatever follows it. */
static int match_role(struct store_read *r, const struct name *whole, const struct name *base, struct match *m)
{
	static const struct str owners[] = { STR_INIT("-owner"), STR_INIT("-request") }, bounces = STR_INIT("-bounces");
	struct str local = name_local(base);
	int code = ERR_NOT_FOUND;
	m->kind = MATCH_OWNERS;
	for (size_t i = 0; i < 2 && code == ERR_NOT_FOUND; i++)
		if (str_ends(local, owners[i]))
			code = match_group(r, base, local.n - owners[i].n, m);
	if (code != ERR_NOT_FOUND)
		return code;
	m->kind = MATCH_BOUNCES;
	local = name_local(whole);
	for (size_t at = 0, next; code == ERR_NOT_FOUND && (next = str_find(str_from(local, at), bounces)) != STR_NPOS; at += next + 1) {
		code = match_group(r, whole, at + next, m);
		m->detail = str_from(local, at + next + bounces.n);
	}
	return code;
}

/* The separator's first place, but not at the start: "+x" is a name of its own. */
static bool split_detail(const struct directory *d, const struct name *n, struct name *base, struct str *detail)
{
	struct str local = name_local(n);
	size_t at = str_chr(local, d->separator);
	if (at == 0 || at == STR_NPOS || name_with_local(n, str_sub(local, 0, at), base) != 0)
		return false;
	*detail = str_from(local, at + 1);
	return true;
}

static int first_in_order(struct store_read *r, struct str domain, struct str *value_out)
{
	struct key from = key_kind_in('o', domain), to = key_prefix_end(&from);
	struct store_iter *it = NULL;
	struct str key;
	int code = store_range(r, key_str(&from), key_str(&to), false, &it);
	if (code != 0)
		return code;
	code = store_next(it, &key, value_out);
	store_iter_end(&it);
	return code == 0 ? ERR_NOT_FOUND : code < 0 ? code : 0;
}

/* RFC 5321 4.5.1: postmaster must be accepted for every local domain. Where nobody was named it is the first user of
 * the domain by creation, and in a domain without users the first of the first domain. */
static int match_postmaster(struct store_read *r, const struct name *n, struct match *m)
{
	struct str local, domain;
	struct name first = *n;
	int code = first_in_order(r, name_domain(n), &local);
	if (code == ERR_NOT_FOUND) {
		code = first_in_order(r, STR(""), &domain);
		if (code == 0 && name_parse_domain(domain, &first) != 0)
			code = ERR_CORRUPT;
		if (code == 0)
			code = first_in_order(r, name_domain(&first), &local);
	}
	struct name user;
	if (code == 0)
		code = name_with_local(&first, local, &user) == 0 ? match_exactly(r, &user, m) : ERR_CORRUPT;
	return code;
}

static int match_local(struct resolution *x, const struct name *n, struct match *m)
{
	struct name base = *n, catch_all;
	*m = (struct match){ .account = 0 };
	int code = match_exactly(x->r, n, m);
	if (code == ERR_NOT_FOUND && split_detail(x->d, n, &base, &m->detail))
		code = match_exactly(x->r, &base, m);
	if (code == ERR_NOT_FOUND)
		code = match_role(x->r, n, &base, m);
	if (code != ERR_NOT_FOUND)
		return code;
	m->detail = STR_NONE;
	code = name_parse_domain(name_domain(n), &catch_all);
	if (code == 0)
		code = match_exactly(x->r, &catch_all, m);
	if (code == ERR_NOT_FOUND && str_eq(name_local(&base), STR("postmaster")))
		code = match_postmaster(x->r, n, m);
	return code;
}

/* ---- gathering ---- */

static int domain_is_local(struct store_read *r, const struct name *n)
{
	struct key k = key_domain(n);
	struct str value;
	return store_get(r, key_str(&k), &value);
}

/* 1 the first time, 0 afterwards. */
static int see(struct resolution *x, char kind, struct str what)
{
	char bytes[1 + DIRECTORY_NAME_MAX];
	bytes[0] = kind;
	memcpy(bytes + 1, what.p, what.n);
	struct str key = str_make(bytes, 1 + what.n);
	if (!x->seen && map_create(&x->seen) != 0)
		return ERR_NO_MEMORY;
	if (map_get(x->seen, key))
		return 0;
	if (map_count(x->seen) >= 2 * x->max)
		return ERR_TOO_BIG;
	return map_put(x->seen, key, x) == 0 ? 1 : ERR_NO_MEMORY;
}

static int take_target(struct resolution *x, const struct directory_target *new)
{
	struct str once = new->account ? str_make(&new->account, sizeof(new->account)) : new->address;
	/* One user without any alias is nearly always all there is: no table for that. */
	int code = x->seen ? see(x, new->account ? 'u' : new->role == DIRECTORY_MAIL ? 'r' : 'g', once) : 1;
	if (code != 1)
		return code;
	if (x->n == x->max)
		return ERR_TOO_BIG;
	if (x->n == x->cap) {
		size_t cap = x->cap ? 2 * x->cap : 1;
		struct directory_target *grown = arena_array(x->arena, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		if (x->n)
			memcpy(grown, x->targets, x->n * sizeof(*grown));
		x->targets = grown;
		x->cap = cap;
	}
	struct directory_target *t = &x->targets[x->n++];
	*t = *new;
	t->address = arena_dup(x->arena, new->address);
	t->detail = new->detail.n ? arena_dup(x->arena, new->detail) : STR_NONE;
	return x->arena->failed ? ERR_NO_MEMORY : 0;
}

static int expand(struct resolution *x, const struct name *n, struct str detail, unsigned depth);

/* A detail goes along to users: sales+march reaches each member of sales with the detail march. */
static int expand_alias(struct resolution *x, const struct match *m, struct str detail, unsigned depth)
{
	struct text_list targets;
	struct str target;
	struct name n;
	int code = see(x, 'a', name_str(&m->name));
	if (code != 1)
		return code;                     /* a loop, or reached by two ways: its targets are taken already */
	code = alias_record_parse(m->value, &targets);
	while (code == 0 && (code = alias_targets_next(&targets, &target)) == 1) {
		if (name_parse(target, &n) != 0)
			return ERR_CORRUPT;
		code = expand(x, &n, detail, depth + 1);
		if (code == ERR_NOT_FOUND)
			code = 0;                    /* a target that is gone takes nothing from the others */
	}
	return code;
}

struct walk {
	struct resolution *x;
	unsigned depth;
};

static int expand_member(void *arg, const struct group_chunk_entry *e)
{
	const struct walk *w = arg;
	struct name n;
	if (e->disabled)
		return 0;
	if (name_parse(e->address, &n) != 0)
		return ERR_CORRUPT;
	int code = expand(w->x, &n, STR_NONE, w->depth + 1);
	return code == ERR_NOT_FOUND ? 0 : code;
}

static int expand_group(struct resolution *x, const struct match *m, unsigned depth)
{
	struct group_record g;
	struct walk w = { x, depth };
	int code = see(x, 'm', name_str(&m->name));
	if (code != 1)
		return code;
	code = group_record_parse(m->value, &g);
	return code ? code : group_member_visit(x->r, g.id, expand_member, &w);
}

/* RFC 2142 6: there is always somebody behind LIST-request; where the group has no owner, it is postmaster. */
static int expand_owners(struct resolution *x, const struct match *m, unsigned depth)
{
	struct group_record g;
	struct str owner;
	struct name n;
	int code = see(x, 'o', name_str(&m->name));
	if (code != 1)
		return code;
	code = group_record_parse(m->value, &g);
	size_t owners = code ? 0 : (size_t)g.owners.left;
	while (code == 0 && (code = text_list_next(&g.owners, &owner)) == 1) {
		code = name_parse(owner, &n) ? ERR_CORRUPT : expand(x, &n, STR_NONE, depth + 1);
		if (code == ERR_NOT_FOUND)
			code = 0;
	}
	if (code || owners)
		return code;
	code = name_with_local(&m->name, STR("postmaster"), &n);
	return code ? code : expand(x, &n, STR_NONE, depth + 1);
}

static int take_match(struct resolution *x, const struct match *m, struct str detail, unsigned depth)
{
	struct directory_target t = { .account = 0, .address = name_str(&m->name), .detail = m->detail.n ? m->detail : detail };
	switch (m->kind) {
	case MATCH_ALIAS:
		return expand_alias(x, m, t.detail, depth);
	case MATCH_OWNERS:
		return expand_owners(x, m, depth);
	case MATCH_GROUP:
		if (x->inside_groups)
			return expand_group(x, m, depth);
		t.role = DIRECTORY_GROUP;
		break;
	case MATCH_BOUNCES:
		if (x->inside_groups)
			return 0;                    /* no member of anything */
		t.role = DIRECTORY_GROUP_BOUNCES;
		break;
	case MATCH_USER:
		t.account = m->account;
		break;
	}
	return take_target(x, &t);
}

static int expand(struct resolution *x, const struct name *n, struct str detail, unsigned depth)
{
	struct match m;
	if (depth > DIRECTORY_ALIAS_DEPTH_MAX)
		return ERR_TOO_BIG;
	int code = domain_is_local(x->r, n);
	if (code == ERR_NOT_FOUND)
		return depth ? take_target(x, &(struct directory_target){ .address = name_str(n) }) : ERR_DENIED;
	if (code == 0)
		code = match_local(x, n, &m);
	return code ? code : take_match(x, &m, detail, depth);
}

static int resolve(struct store_read *r, void *arg)
{
	struct resolution *x = arg;
	struct name n;
	struct str domain;
	int code;
	x->r = r;
	x->n = x->cap = 0;
	x->targets = NULL;
	if (str_ieq(x->address, STR("postmaster"))) {
		/* RFC 5321 4.1.1.3: without a domain it is ours; which one, we say: the first. */
		struct name first;
		code = first_in_order(r, STR(""), &domain);
		if (code == 0 && name_parse_domain(domain, &first) != 0)
			code = ERR_CORRUPT;
		if (code == 0)
			code = name_with_local(&first, STR("postmaster"), &n);
	} else {
		code = name_parse(x->address, &n);
	}
	if (code == 0)
		code = expand(x, &n, STR_NONE, 0);
	map_destroy(&x->seen);
	return code == 0 && x->n == 0 && !x->inside_groups ? ERR_NOT_FOUND : code;
}

int directory_resolve(struct directory *d, struct arena *a, struct str address, struct directory_target **out,
					  size_t *n_out)
{
	struct resolution x = { .d = d, .arena = a, .address = address, .max = DIRECTORY_RESOLVED_MAX };
	int code = directory_read(d, resolve, &x);
	*out = x.targets;
	*n_out = code == 0 ? x.n : 0;
	return code;
}

int directory_group_expand(struct directory *d, struct arena *a, struct str name, struct directory_target **out, size_t *n_out)
{
	struct resolution x = { .d = d, .arena = a, .address = name, .max = GROUP_MEMBERS_MAX, .inside_groups = true };
	int code = directory_read(d, resolve, &x);
	*out = x.targets;
	*n_out = code == 0 ? x.n : 0;
	return code == ERR_DENIED || code == ERR_INVALID ? ERR_NOT_FOUND : code;
}

int directory_may_send_as(struct directory *d, struct str user, struct str address)
{
	struct arena a = ARENA_INIT(0);
	struct directory_user u;
	struct directory_target *targets;
	size_t n;
	bool may = false;
	int code = directory_user_find(d, &a, user, &u);
	if (code == 0)
		code = directory_resolve(d, &a, address, &targets, &n);
	for (size_t i = 0; code == 0 && i < n && !may; i++)
		may = targets[i].account == u.account;
	arena_fini(&a);
	if (code == ERR_NOT_FOUND || code == ERR_INVALID || (code == 0 && !may))
		return ERR_DENIED;
	return code;
}
