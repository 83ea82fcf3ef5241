#include "directory/group_inside.h"

struct addition {
	struct name alias;
	struct str value;
};

static int add(struct store_write *w, void *arg)
{
	const struct addition *a = arg;
	struct key domain = key_domain(&a->alias), alias = key_alias(&a->alias), user = key_user(&a->alias), group = group_key(&a->alias);
	int code = key_exists(w, &domain);
	if (code != 0)
		return code;
	code = key_exists(w, &alias);
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &user);
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &group);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? ERR_EXISTS : code;
	return store_put(w, key_str(&alias), a->value);
}

static int parse_targets(const struct str *targets, size_t n, struct buf *value, struct err *e)
{
	if (n == 0 || n > DIRECTORY_ALIAS_TARGETS_MAX)
		return err_set(e, n ? ERR_TOO_BIG : ERR_INVALID, "an alias has 1 to 1000 targets", "alias with %zu targets", n);
	struct name *names = calloc(n, sizeof(*names));
	if (!names)
		return ERR_NO_MEMORY;
	int code = 0;
	for (size_t i = 0; i < n && code == 0; i++)
		if ((code = name_parse(targets[i], &names[i])) == ERR_INVALID)
			err_set(e, code, "a target is not an address", "\"%.*s\" is not an address", STR_ARG(targets[i]));
	if (code == 0)
		alias_record_format(names, n, value);
	free(names);
	return code == 0 && value->failed ? ERR_NO_MEMORY : code;
}

int directory_alias_add(struct directory *d, struct str alias, const struct str *targets, size_t n, struct err *e)
{
	struct addition a;
	if (name_parse_alias(alias, &a.alias) != 0 || (a.alias.local_n && !name_local_is_plain(&a.alias)))
		return err_set(e, ERR_INVALID, "not an address", "\"%.*s\" cannot be an alias", STR_ARG(alias));
	struct buf value = BUF_INIT(STORE_VALUE_MAX);
	int code = parse_targets(targets, n, &value, e);
	a.value = buf_str(&value);
	if (code == 0) {
		code = directory_commit(d, add, &a, ERR_EXISTS);
		if (code == ERR_NOT_FOUND)
			err_set(e, code, "the domain is not there", "no domain for %s", a.alias.bytes);
		if (code == ERR_EXISTS)
			err_set(e, code, "the address is taken", "a user, alias or group %s exists", a.alias.bytes);
	}
	buf_fini(&value);
	return directory_fail(e, code, "alias", alias);
}

static int del(struct store_write *w, void *arg)
{
	struct key k = key_alias(arg);
	int code = key_exists(w, &k);
	return code == 0 ? store_del(w, key_str(&k)) : code;
}

int directory_alias_del(struct directory *d, struct str alias, struct err *e)
{
	struct name n;
	int code = name_parse_alias(alias, &n);
	if (code == 0)
		code = directory_commit(d, del, &n, ERR_NOT_FOUND);
	if (code == ERR_INVALID || code == ERR_NOT_FOUND)
		return err_set(e, ERR_NOT_FOUND, "there is no such alias", "no alias %.*s", STR_ARG(alias));
	return directory_fail(e, code, "alias", alias);
}

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct directory_alias *alias = out;
	struct name n;
	struct text_list targets;
	int code = key_name(key, &n);
	if (code == 0)
		code = alias_record_parse(value, &targets);
	if (code != 0)
		return code;
	alias->name = arena_dup(a, name_str(&n));
	alias->targets = arena_array(a, (size_t)targets.left, sizeof(*alias->targets));
	struct str target;
	while (alias->targets && (code = alias_targets_next(&targets, &target)) == 1)
		alias->targets[alias->n++] = arena_dup(a, target);
	return code == 0 && a->failed ? ERR_NO_MEMORY : code;
}

int directory_alias_list(struct directory *d, struct arena *a, struct directory_alias **out, size_t *n_out)
{
	void *v;
	int code = directory_list(d, a, 'a', sizeof(**out), item, &v, n_out);
	*out = v;
	return code;
}

int directory_alias_list_sound(struct directory *d, struct arena *a, struct directory_alias **out, size_t *n_out, struct directory_damaged **damaged_out)
{
	void *v;
	int code = directory_list_sound(d, a, 'a', sizeof(**out), item, &v, n_out, damaged_out);
	*out = v;
	return code;
}
