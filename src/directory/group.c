/* Groups as the operator makes, changes and forgets them. */
#include "directory/group_inside.h"

#include "base/ascii.h"
#include "base/utf8.h"

/* ---- settings to a record ---- */

static int bad_setting(struct err *e, const char *what, struct str value)
{
	return err_set(e, ERR_INVALID, what, "%s: \"%.*s\"", what, STR_ARG(value));
}

/* Canonical addresses as texts, in a record's list; domains are "@domain" where they may stand. */
static int format_list(const struct str *v, size_t n, bool domains, struct buf *b, struct err *e)
{
	if (n > GROUP_ADDRESSES_MAX)
		return err_set(e, ERR_TOO_BIG, "too many addresses", "%zu owners or senders, %d are possible", n, GROUP_ADDRESSES_MAX);
	for (size_t i = 0; i < n; i++) {
		struct name name;
		if ((domains ? name_parse_alias(v[i], &name) : name_parse(v[i], &name)) != 0)
			return bad_setting(e, "not an address", v[i]);
		record_add_text(b, name_str(&name));
	}
	return b->failed ? ERR_NO_MEMORY : 0;
}

static bool description_is_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_is_cntrl((unsigned char)s.p[i]))
			return false;
	return s.n <= GROUP_DESCRIPTION_MAX && utf8_is_valid(s);
}

/* Everything but id and counts. `lists` holds the memory. */
static int make_record(const struct group_settings *s, struct buf *owners, struct buf *senders, struct group_record *out, struct err *e)
{
	if (!description_is_valid(s->description))
		return bad_setting(e, "a description is one line of at most 200 bytes", s->description);
	int code = format_list(s->owners, s->n_owners, false, owners, e);
	if (code == 0)
		code = format_list(s->senders, s->n_senders, true, senders, e);
	*out = (struct group_record){
		.size_max = s->size_max, .bounces_max = s->bounces_max, .bounce_days = s->bounce_days, .post = s->post, .reply_to_list = s->reply_to_list,
		.no_headers = s->no_headers, .no_verp = s->no_verp, .rewrite_from = s->rewrite_from, .description = s->description,
		.owners = { cursor_make(buf_str(owners)), s->n_owners }, .senders = { cursor_make(buf_str(senders)), s->n_senders } };
	return code;
}

/* ---- records in commits ---- */

int group_record_load(struct store_write *w, const struct name *n, struct buf *keep, struct group_record *out)
{
	struct key k = group_key(n);
	struct str value;
	int code = store_wget(w, key_str(&k), &value);
	if (code != 0)
		return code;
	buf_reset(keep);
	buf_add_str(keep, value);
	return keep->failed ? ERR_NO_MEMORY : group_record_parse(buf_str(keep), out);
}

int group_record_save(struct store_write *w, const struct name *n, const struct group_record *r)
{
	struct key k = group_key(n);
	struct buf value = BUF_INIT(STORE_VALUE_MAX);
	group_record_format(r, &value);
	int code = value.failed ? ERR_NO_MEMORY : store_put(w, key_str(&k), buf_str(&value));
	buf_fini(&value);
	return code;
}

struct change {
	struct name name;
	const struct group_record *record;
};

static int add(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	struct key domain = key_domain(&c->name), user = key_user(&c->name), alias = key_alias(&c->name), group = group_key(&c->name);
	int code = key_exists(w, &domain);
	if (code != 0)
		return code;
	code = key_exists(w, &user);
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &alias);
	if (code == ERR_NOT_FOUND)
		code = key_exists(w, &group);
	if (code != ERR_NOT_FOUND)
		return code == 0 ? ERR_EXISTS : code;
	struct group_record r = *c->record;
	code = counter_add(w, SINGLE_GROUP, 1, &r.id);
	return code == 0 ? group_record_save(w, &c->name, &r) : code;
}

static int set(struct store_write *w, void *arg)
{
	const struct change *c = arg;
	struct buf keep = BUF_INIT(0);
	struct group_record was;
	int code = group_record_load(w, &c->name, &keep, &was);
	struct group_record r = *c->record;
	if (code == 0) {
		r.id = was.id;
		r.members = was.members;
		r.disabled = was.disabled;
		code = group_record_save(w, &c->name, &r);
	}
	buf_fini(&keep);
	return code;
}

/* The name of a group. What the separator or a role's ending (see resolve.c) makes mean something else is none. */
static int parse_name(struct directory *d, struct str name, struct name *out, struct err *e)
{
	if (name_parse(name, out) != 0 || !name_local_is_plain(out) || str_chr(name_local(out), d->separator) != STR_NPOS)
		return err_set(e, ERR_INVALID, "not an address", "\"%.*s\" cannot be the address of a group", STR_ARG(name));
	return 0;
}

static int find_failed(struct str name, struct err *e)
{
	return err_set(e, ERR_NOT_FOUND, "there is no such group", "no group %.*s", STR_ARG(name));
}

static int commit_settings(struct directory *d, struct str name, const struct group_settings *s, store_commit_fn *fn, struct err *e)
{
	struct buf owners = BUF_INIT(0), senders = BUF_INIT(0);
	struct group_record r;
	struct change c = { .record = &r };
	int code = parse_name(d, name, &c.name, e);
	if (code == 0)
		code = make_record(s, &owners, &senders, &r, e);
	if (code == 0)
		code = directory_commit(d, fn, &c, fn == add ? ERR_EXISTS : 0);
	buf_fini(&owners);
	buf_fini(&senders);
	if (code == ERR_EXISTS)
		return err_set(e, code, "the address is taken", "a user, alias or group %s exists", c.name.bytes);
	if (code == ERR_NOT_FOUND && fn == add)
		return err_set(e, code, "the domain is not there", "no domain for %s", c.name.bytes);
	if (code == ERR_NOT_FOUND)
		return find_failed(name, e);
	return directory_fail(e, code, "group", name);
}

int directory_group_add(struct directory *d, struct str name, const struct group_settings *s, struct err *e)
{
	return commit_settings(d, name, s, add, e);
}

int directory_group_set(struct directory *d, struct str name, const struct group_settings *s, struct err *e)
{
	return commit_settings(d, name, s, set, e);
}

static int del_all(struct store_write *w, struct key prefix)
{
	struct key end = key_prefix_end(&prefix);
	return store_del_range(w, key_str(&prefix), key_str(&end), NULL);
}

static int del(struct store_write *w, void *arg)
{
	struct key k = group_key(arg);
	struct buf keep = BUF_INIT(0);
	struct group_record r;
	int code = group_record_load(w, arg, &keep, &r);
	if (code == 0)
		code = group_membership_del_all(w, r.id);
	if (code == 0)
		code = del_all(w, group_members_key(r.id, STR_NONE));
	if (code == 0)
		code = del_all(w, group_bounce_key(r.id, STR_NONE));
	buf_fini(&keep);
	return code == 0 ? store_del(w, key_str(&k)) : code;
}

int directory_group_del(struct directory *d, struct str name, struct err *e)
{
	struct name n;
	int code = name_parse(name, &n);
	if (code == 0)
		code = directory_commit(d, del, &n, ERR_NOT_FOUND);
	if (code == ERR_INVALID || code == ERR_NOT_FOUND)
		return find_failed(name, e);
	return directory_fail(e, code, "group", name);
}

/* ---- looking ---- */

static struct str *copy_list(struct arena *a, struct text_list l, size_t *n_out)
{
	struct str *v = arena_array(a, (size_t)l.left, sizeof(*v)), text;
	*n_out = 0;
	while (v && text_list_next(&l, &text) == 1)
		v[(*n_out)++] = arena_dup(a, text);
	return v;
}

static int describe(struct arena *a, const struct name *n, const struct group_record *r, struct group *out)
{
	struct group_settings *s = &out->settings;
	out->name = arena_dup(a, name_str(n));
	out->members = r->members;
	out->disabled = r->disabled;
	*s = (struct group_settings){
		.description = arena_dup(a, r->description), .post = r->post, .reply_to_list = r->reply_to_list, .no_headers = r->no_headers, .no_verp = r->no_verp,
		.rewrite_from = r->rewrite_from, .size_max = r->size_max, .bounces_max = r->bounces_max, .bounce_days = r->bounce_days };
	s->owners = copy_list(a, r->owners, &s->n_owners);
	s->senders = copy_list(a, r->senders, &s->n_senders);
	return a->failed ? ERR_NO_MEMORY : 0;
}

int group_record_read(struct store_read *r, const struct name *n, struct group_record *out)
{
	struct key k = group_key(n);
	struct str value;
	int code = store_get(r, key_str(&k), &value);
	return code == 0 ? group_record_parse(value, out) : code;
}

struct search {
	struct name name;
	struct arena *arena;
	struct group *out;
};

static int find(struct store_read *r, void *arg)
{
	struct search *s = arg;
	struct group_record record;
	int code = group_record_read(r, &s->name, &record);
	return code == 0 ? describe(s->arena, &s->name, &record, s->out) : code;
}

int directory_group_find(struct directory *d, struct arena *a, struct str name, struct group *out)
{
	struct search s = { .arena = a, .out = out };
	return name_parse(name, &s.name) == 0 ? directory_read(d, find, &s) : ERR_NOT_FOUND;
}

static int item(struct arena *a, struct str key, struct str value, void *out)
{
	struct name n;
	struct group_record r;
	int code = key_name(key, &n);
	if (code == 0)
		code = group_record_parse(value, &r);
	return code == 0 ? describe(a, &n, &r, out) : code;
}

int directory_group_list(struct directory *d, struct arena *a, struct group **out, size_t *n_out)
{
	void *v;
	int code = directory_list(d, a, 'g', sizeof(**out), item, &v, n_out);
	*out = v;
	return code;
}

int directory_group_list_sound(struct directory *d, struct arena *a, struct group **out, size_t *n_out, struct directory_damaged **damaged_out)
{
	void *v;
	int code = directory_list_sound(d, a, 'g', sizeof(**out), item, &v, n_out, damaged_out);
	*out = v;
	return code;
}
