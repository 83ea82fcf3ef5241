/* Where mail for an address goes: one short read, a handful of lookups for most addresses, whatever the number of
 * users. */
#include "directory/inside.h"

#include "base/map.h"

struct resolution {
	struct directory *d;
	struct arena *arena;
	struct str address;
	struct store_read *r;
	struct map *seen;                    /* aliases walked and targets taken; made when the first alias is met */
	struct directory_target *targets;
	size_t n, cap;
};

/* What a local address is, after exact name, subaddress, catch-all and postmaster were tried in this order. */
struct match {
	bool is_user;
	uint64_t account;                    /* of a user */
	struct str value;                    /* of an alias */
	struct name name;                    /* the user, or the alias as it is stored */
	struct str detail;
};

/* ---- one address ---- */

static int match_exactly(struct store_read *r, const struct name *n, struct match *m)
{
	struct key user = key_user(n), alias = key_alias(n);
	struct str value;
	struct user_record u;
	int code = store_get(r, key_str(&user), &value);
	m->name = *n;
	m->is_user = code == 0;
	if (code == 0) {
		code = user_record_parse(value, &u);
		m->account = u.account;
		return code;
	}
	return code == ERR_NOT_FOUND ? store_get(r, key_str(&alias), &m->value) : code;
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
	*m = (struct match){ .is_user = false };
	int code = match_exactly(x->r, n, m);
	if (code == ERR_NOT_FOUND && split_detail(x->d, n, &base, &m->detail))
		code = match_exactly(x->r, &base, m);
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
	if (map_count(x->seen) >= 2 * DIRECTORY_RESOLVED_MAX)
		return ERR_TOO_BIG;
	return map_put(x->seen, key, x) == 0 ? 1 : ERR_NO_MEMORY;
}

static int take_target(struct resolution *x, uint64_t account, struct str address, struct str detail)
{
	struct str once = account ? str_make(&account, sizeof(account)) : address;
	/* One user without any alias is nearly always all there is: no table for that. */
	int code = x->seen ? see(x, account ? 'u' : 'r', once) : 1;
	if (code != 1)
		return code;
	if (x->n == DIRECTORY_RESOLVED_MAX)
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
	t->account = account;
	t->address = arena_dup(x->arena, address);
	t->detail = detail.n ? arena_dup(x->arena, detail) : STR_NONE;
	return x->arena->failed ? ERR_NO_MEMORY : 0;
}

static int expand(struct resolution *x, const struct name *n, struct str detail, unsigned depth);

/* A detail goes along to users: sales+march reaches each member of sales with the detail march. */
static int expand_alias(struct resolution *x, const struct match *m, struct str detail, unsigned depth)
{
	struct alias_targets targets;
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

static int expand(struct resolution *x, const struct name *n, struct str detail, unsigned depth)
{
	struct match m;
	if (depth > DIRECTORY_ALIAS_DEPTH_MAX)
		return ERR_TOO_BIG;
	int code = domain_is_local(x->r, n);
	if (code == ERR_NOT_FOUND)
		return depth ? take_target(x, 0, name_str(n), STR_NONE) : ERR_DENIED;
	if (code == 0)
		code = match_local(x, n, &m);
	if (code != 0)
		return code;
	if (m.detail.n)
		detail = m.detail;
	return m.is_user ? take_target(x, m.account, name_str(&m.name), detail) : expand_alias(x, &m, detail, depth);
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
	return code == 0 && x->n == 0 ? ERR_NOT_FOUND : code;
}

int directory_resolve(struct directory *d, struct arena *a, struct str address, struct directory_target **out,
					  size_t *n_out)
{
	struct resolution x = { .d = d, .arena = a, .address = address };
	int code = directory_read(d, resolve, &x);
	*out = x.targets;
	*n_out = code == 0 ? x.n : 0;
	return code;
}

bool directory_may_send_as(struct directory *d, struct str user, struct str address)
{
	struct arena a = ARENA_INIT(0);
	struct directory_user u;
	struct directory_target *targets;
	size_t n;
	bool may = false;
	if (directory_user_find(d, &a, user, &u) == 0 && directory_resolve(d, &a, address, &targets, &n) == 0)
		for (size_t i = 0; i < n && !may; i++)
			may = targets[i].account == u.account;
	arena_fini(&a);
	return may;
}
