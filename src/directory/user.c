/* Users as they are read: found, listed, described. user_change.c changes them. */
#include "directory/inside.h"

struct only_domain {
	struct str domain;
	unsigned n;
};

static int take_domain(void *arg, struct str key, struct str value)
{
	struct only_domain *only = arg;
	(void)value;
	only->domain = str_from(key, 1);
	return ++only->n == 2;       /* two are as good as many */
}

int user_name_complete(struct store_read *r, struct str name, struct name *out)
{
	if (str_chr(name, '@') != STR_NPOS)
		return name_parse(name, out);
	struct only_domain only = { .n = 0 };
	struct key prefix = key_kind('d');
	int code = directory_visit(r, &prefix, take_domain, &only);
	if (code < 0)
		return code;
	if (only.n != 1)
		return ERR_NOT_FOUND;
	struct name domain;
	code = name_parse_domain(only.domain, &domain);
	return code == 0 ? name_with_local(&domain, name, out) : ERR_CORRUPT;
}

int user_read(struct store_read *r, const struct name *n, struct str *value_out, struct user_record *out)
{
	struct key k = key_user(n);
	int code = store_get(r, key_str(&k), value_out);
	return code == 0 ? user_record_parse(*value_out, out) : code;
}

int user_describe(struct arena *a, const struct name *n, const struct user_record *u, struct directory_user *out)
{
	out->account = u->account;
	out->name = arena_dup(a, name_str(n));
	out->has_secret = u->secret.n > 0;
	out->disabled = u->disabled;
	out->shared = u->shared;
	return out->name.p ? 0 : ERR_NO_MEMORY;
}

struct finding {
	struct arena *arena;
	struct str name;
	struct directory_user *out;
};

static int find(struct store_read *r, void *arg)
{
	struct finding *f = arg;
	struct name n;
	struct str value;
	struct user_record u;
	int code = user_name_complete(r, f->name, &n);
	if (code == 0)
		code = user_read(r, &n, &value, &u);
	return code == 0 ? user_describe(f->arena, &n, &u, f->out) : code;
}

int directory_user_find(struct directory *d, struct arena *a, struct str name, struct directory_user *out)
{
	struct finding f = { .arena = a, .name = name, .out = out };
	*out = (struct directory_user){ 0 };
	int code = directory_read(d, find, &f);
	return code == ERR_INVALID ? ERR_NOT_FOUND : code;
}

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct name n;
	struct user_record u;
	int code = key_name(key, &n);
	if (code == 0)
		code = user_record_parse(value, &u);
	return code == 0 ? user_describe(a, &n, &u, out) : code;
}

int directory_user_list(struct directory *d, struct arena *a, struct directory_user **out, size_t *n_out)
{
	void *v;
	int code = directory_list(d, a, 'u', sizeof(**out), item, &v, n_out);
	*out = v;
	return code;
}

int directory_user_list_sound(struct directory *d, struct arena *a, struct directory_user **out, size_t *n_out, struct directory_damaged **damaged_out)
{
	void *v;
	int code = directory_list_sound(d, a, 'u', sizeof(**out), item, &v, n_out, damaged_out);
	*out = v;
	return code;
}

static int any_secret(struct store_read *r, void *arg)
{
	struct key k = key_single(SINGLE_SECRETS);
	struct str value;
	bool *any = arg;
	int code = store_get(r, key_str(&k), &value);
	*any = code == 0 && value.n == 8 && load_le64(value.p) > 0;
	return code;
}

bool directory_any_secret(struct directory *d)
{
	bool any = false;
	return directory_read(d, any_secret, &any) == 0 && any;
}
