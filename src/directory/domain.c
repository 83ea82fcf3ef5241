#include "directory/inside.h"
#include "directory/signing_record.h"

static int add(struct store_write *w, void *arg)
{
	const struct name *n = arg;
	struct key k = key_domain(n);
	int code = key_exists(w, &k);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? ERR_EXISTS : code;
	uint64_t sequence;
	code = counter_add(w, SINGLE_SEQUENCE, 1, &sequence);
	if (code != 0)
		return code;
	struct buf value = BUF_INIT(0);
	domain_record_format(sequence, &value);
	code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&value));
	buf_fini(&value);
	struct key order = key_order(STR(""), sequence);
	return code == 0 ? store_put(w, key_str(&order), name_domain(n)) : code;
}

int directory_domain_add(struct directory *d, struct str domain, struct err *e)
{
	struct name n;
	int code = name_parse_domain(domain, &n);
	if (code == ERR_INVALID)
		return err_set(e, code, "not a domain name", "\"%.*s\" is not a domain name", STR_ARG(domain));
	if (code == 0)
		code = directory_commit(d, add, &n, ERR_EXISTS);
	if (code == ERR_EXISTS)
		return err_set(e, code, "the domain is there already", "domain %.*s exists", STR_ARG(name_domain(&n)));
	return directory_fail(e, code, "domain", domain);
}

static int del(struct store_write *w, void *arg)
{
	const struct name *n = arg;
	struct key k = key_domain(n);
	struct str value;
	uint64_t sequence;
	int code = store_wget(w, key_str(&k), &value);
	if (code == 0)
		code = domain_record_parse(value, &sequence);
	if (code != 0)
		return code;
	struct key users = key_kind_in('u', name_domain(n)), aliases = key_kind_in('a', name_domain(n)),
			   groups = key_kind_in('g', name_domain(n));
	int found = key_any(w, &users);
	if (found == 0)
		found = key_any(w, &aliases);
	if (found == 0)
		found = key_any(w, &groups);
	if (found != 0)
		return found > 0 ? ERR_CONFLICT : found;
	struct key order = key_order(STR(""), sequence);
	code = store_del(w, key_str(&order));
	if (code == 0)
		code = store_del(w, key_str(&k));
	return code == 0 ? signing_forget_domain(w, n) : code;
}

int directory_domain_del(struct directory *d, struct str domain, struct err *e)
{
	struct name n;
	int code = name_parse_domain(domain, &n);
	if (code == 0)
		code = directory_commit(d, del, &n, ERR_NOT_FOUND);
	if (code == ERR_CONFLICT)
		return err_set(e, code, "users, aliases or groups are left in the domain", "domain %.*s still has users, aliases or groups",
					   STR_ARG(domain));
	if (code == ERR_NOT_FOUND)
		return err_set(e, code, "there is no such domain", "no domain %.*s", STR_ARG(domain));
	return directory_fail(e, code, "domain", domain);
}

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct str *domain = out;
	(void)value;
	*domain = arena_dup(a, str_from(key, 1));
	return domain->p ? 0 : ERR_NO_MEMORY;
}

int directory_domain_list(struct directory *d, struct arena *a, struct str **out, size_t *n_out)
{
	void *v;
	int code = directory_list(d, a, 'd', sizeof(**out), item, &v, n_out);
	*out = v;
	return code;
}

static int is_there(struct store_read *r, void *arg)
{
	struct key k = key_domain(arg);
	struct str value;
	return store_get(r, key_str(&k), &value);
}

bool directory_domain_is_local(struct directory *d, struct str domain)
{
	struct name n;
	return name_parse_domain(domain, &n) == 0 && directory_read(d, is_there, &n) == 0;
}
