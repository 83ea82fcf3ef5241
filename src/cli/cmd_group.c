#include "base/num.h"
#include "cli/admin.h"
#include "cli/sharing.h"
#include "codec/smtp/trace.h"
#include "directory/group.h"

#include <errno.h>

#define LINE_OCTETS_MAX 1000

static const char *const posts[GROUP_POST_COUNT] = {
	[GROUP_POST_MEMBERS] = "members", [GROUP_POST_ANYONE] = "anyone", [GROUP_POST_OWNERS] = "owners", [GROUP_POST_LISTED] = "listed",
	[GROUP_POST_LOCAL] = "local", [GROUP_POST_AUTHENTICATED] = "authenticated" };

/* ---- settings ---- */

/* Settings as words make them; the lists' memory is here. */
struct draft {
	struct group_settings s;
	struct str owners[GROUP_ADDRESSES_MAX], senders[GROUP_ADDRESSES_MAX];
};

static int bad_value(struct err *e, struct str key, struct str value, const char *wanted)
{
	return err_set(e, ERR_INVALID, NULL, "%.*s=%.*s is not possible: %s", STR_ARG(key), STR_ARG(value), wanted);
}

/* The first of a list's words replaces what was there, an empty one takes all away. */
static int add_address(struct str key, struct str value, struct str *v, const struct str **list, size_t *n, struct err *e)
{
	if (*list != v)
		*n = 0;
	*list = v;
	if (value.n == 0)
		return 0;
	if (*n == GROUP_ADDRESSES_MAX)
		return err_set(e, ERR_TOO_BIG, NULL, "%.*s: more than %d addresses", STR_ARG(key), GROUP_ADDRESSES_MAX);
	v[(*n)++] = value;
	return 0;
}

static int set_post(struct str key, struct str value, struct group_settings *s, struct err *e)
{
	for (unsigned i = 0; i < GROUP_POST_COUNT; i++)
		if (str_eq(value, str_from_c(posts[i]))) {
			s->post = (enum group_post)i;
			return 0;
		}
	return bad_value(e, key, value, "members, anyone, owners, listed, local or authenticated");
}

static int set_bool(struct str key, struct str value, const char *yes, const char *no, bool *out, struct err *e)
{
	char wanted[64];

	if (!str_eq(value, str_from_c(yes)) && !str_eq(value, str_from_c(no))) {
		snprintf(wanted, sizeof wanted, "%s or %s", yes, no);
		return bad_value(e, key, value, wanted);
	}
	*out = str_eq(value, str_from_c(yes));
	return 0;
}

static int set_number(struct str key, struct str value, unsigned *out, struct err *e)
{
	uint32_t number;

	if (!num_parse_u32(value, &number) || number > 1000)
		return bad_value(e, key, value, "a number up to 1000 (0: the default)");
	*out = number;
	return 0;
}

static int set_one(struct draft *d, struct str key, struct str value, struct err *e)
{
	struct group_settings *s = &d->s;

	if (str_eq(key, STR("description"))) {
		s->description = value;
		return 0;
	}
	if (str_eq(key, STR("owner")))
		return add_address(key, value, d->owners, &s->owners, &s->n_owners, e);
	if (str_eq(key, STR("sender")))
		return add_address(key, value, d->senders, &s->senders, &s->n_senders, e);
	if (str_eq(key, STR("post")))
		return set_post(key, value, s, e);
	if (str_eq(key, STR("reply-to")))
		return set_bool(key, value, "list", "author", &s->reply_to_list, e);
	if (str_eq(key, STR("headers")))
		return set_bool(key, value, "no", "yes", &s->no_headers, e);
	if (str_eq(key, STR("verp")))
		return set_bool(key, value, "no", "yes", &s->no_verp, e);
	if (str_eq(key, STR("rewrite-from")))
		return set_bool(key, value, "yes", "no", &s->rewrite_from, e);
	if (str_eq(key, STR("bounces")))
		return set_number(key, value, &s->bounces_max, e);
	if (str_eq(key, STR("bounce-days")))
		return set_number(key, value, &s->bounce_days, e);
	if (str_eq(key, STR("size")))
		return num_parse_size(value, &s->size_max) ? 0 : bad_value(e, key, value, "a size as 500K, 10M (0: none)");
	return err_set(e, ERR_INVALID, NULL, "there is no setting '%.*s'", STR_ARG(key));
}

static int set_all(struct draft *d, char *const *words, unsigned n, struct err *e)
{
	struct str key, value;
	int r = 0;

	for (unsigned i = 0; r == 0 && i < n; i++) {
		if (!str_cut(str_from_c(words[i]), '=', &key, &value))
			return err_set(e, ERR_INVALID, NULL, "'%s' is no setting: KEY=VALUE", words[i]);
		r = set_one(d, key, value, e);
	}
	return r;
}

static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct draft d = { .s = { .post = GROUP_POST_MEMBERS } };
	int r = set_all(&d, words + 1, n - 1, e);

	(void)o;
	return r ? r : directory_group_add(h->directory, str_from_c(words[0]), &d.s, e);
}

static int find(struct house *h, struct arena *a, const char *name, struct group *out, struct err *e)
{
	int r = directory_group_find(h->directory, a, str_from_c(name), out);

	return r == ERR_NOT_FOUND ? err_set(e, r, NULL, "no group %s", name) : r;
}

/* What is not named stays. */
static int set(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct draft d = { .s = { .post = GROUP_POST_MEMBERS } };
	struct group g;
	int r = find(h, &arena, words[0], &g, e);

	(void)o;
	if (r == 0) {
		d.s = g.settings;
		r = set_all(&d, words + 1, n - 1, e);
	}
	if (r == 0)
		r = directory_group_set(h->directory, str_from_c(words[0]), &d.s, e);
	arena_fini(&arena);
	return r;
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	struct arena arena = ARENA_INIT(0);
	struct group g;
	int found = directory_group_find(h->directory, &arena, str_from_c(words[0]), &g);
	int r = directory_group_del(h->directory, str_from_c(words[0]), e);
	if (r == 0 && found == 0)
		r = sharing_forget(h, g.name);
	arena_fini(&arena);
	return r;
}

/* ---- members ---- */

struct addresses {
	struct arena arena;
	struct str *v;
	size_t n, cap;
};

static int take_address(struct addresses *l, struct str s)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct str *grown = arena_array(&l->arena, cap, sizeof *grown);
		if (!grown)
			return ERR_NO_MEMORY;
		if (l->n)
			memcpy(grown, l->v, l->n * sizeof *grown);
		l->v = grown;
		l->cap = cap;
	}
	l->v[l->n] = arena_dup(&l->arena, s);
	return l->v[l->n++].p ? 0 : ERR_NO_MEMORY;
}

/* One address in a line; empty lines and comments (#) are passed over. "-": standard input. */
static int read_file(const char *path, struct addresses *out, struct err *e)
{
	char line[LINE_OCTETS_MAX + 2];
	FILE *f = strcmp(path, "-") ? fopen(path, "r") : stdin;
	int r = 0;

	if (!f)
		return err_from_errno(e, errno, "%s", path);
	while (r == 0 && fgets(line, sizeof line, f)) {
		struct str s = str_from_c(line), address = str_trim(s);
		if (s.n > LINE_OCTETS_MAX)
			r = err_set(e, ERR_INVALID, NULL, "%s: a line is too long", path);
		else if (address.n && address.p[0] != '#')
			r = take_address(out, address);
	}
	if (r == 0 && ferror(f))
		r = err_set(e, ERR_IO, NULL, "%s cannot be read", path);
	if (f != stdin && fclose(f) != 0 && r == 0)
		r = err_set(e, ERR_IO, NULL, "%s cannot be read", path);
	return r;
}

typedef int change_fn(struct directory *d, struct str name, const struct str *addresses, size_t n, uint64_t *changed_out, struct err *e);

static int change_members(struct house *h, const struct options *o, char *const *words, unsigned n, change_fn *fn, const char *done, struct err *e)
{
	struct addresses all = { .arena = ARENA_INIT(0) };
	uint64_t changed = 0;
	int r = o->file ? read_file(o->file, &all, e) : 0;

	for (unsigned i = 1; r == 0 && i < n; i++)
		r = take_address(&all, str_from_c(words[i]));
	if (r == 0 && all.n == 0)
		r = err_set(e, ERR_INVALID, NULL, "no address is given");
	if (r == 0)
		r = fn(h->directory, str_from_c(words[0]), all.v, all.n, &changed, e);
	if (r == 0)
		printf("%llu %s\n", (unsigned long long)changed, done);
	arena_fini(&all.arena);
	return r;
}

static int join(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	return change_members(h, o, words, n, directory_group_join, "joined", e);
}

static int leave(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	return change_members(h, o, words, n, directory_group_leave, "left", e);
}

/* ---- looking ---- */

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct group *groups;
	struct directory_damaged *damaged;
	size_t n_groups = 0;

	(void)o;
	(void)words;
	(void)n;
	int r = directory_group_list_sound(h->directory, &arena, &groups, &n_groups, &damaged);
	for (size_t i = 0; r == 0 && i < n_groups; i++)
		printf("%.*s %llu %s\n", STR_ARG(groups[i].name), (unsigned long long)groups[i].members, posts[groups[i].settings.post]);
	if (r == 0)
		r = admin_left_out(damaged, "groups", e);
	arena_fini(&arena);
	return r;
}

static void print_addresses(const char *key, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s=%.*s\n", key, STR_ARG(v[i]));
}

/* In the words that set them. */
static void print_settings(const struct group *g)
{
	const struct group_settings *s = &g->settings;

	printf("description=%.*s\n", STR_ARG(s->description));
	print_addresses("owner", s->owners, s->n_owners);
	print_addresses("sender", s->senders, s->n_senders);
	printf("post=%s\nreply-to=%s\nheaders=%s\nverp=%s\nrewrite-from=%s\nsize=%llu\nbounces=%u\nbounce-days=%u\n", posts[s->post],
		   s->reply_to_list ? "list" : "author", s->no_headers ? "no" : "yes", s->no_verp ? "no" : "yes", s->rewrite_from ? "yes" : "no",
		   (unsigned long long)s->size_max, s->bounces_max ? s->bounces_max : GROUP_BOUNCES_DEFAULT,
		   s->bounce_days ? s->bounce_days : GROUP_BOUNCE_DAYS_DEFAULT);
	printf("members: %llu, disabled: %llu\n", (unsigned long long)g->members, (unsigned long long)g->disabled);
}

static int print_member(void *arg, const struct group_member *m)
{
	struct buf date = BUF_INIT(0);

	(void)arg;
	printf("%.*s", STR_ARG(m->address));
	if (m->bounces) {
		smtp_format_date(&date, m->last_bounce);
		printf("  %s%u day%s with bounces, last %.*s (%.*s)", m->disabled ? "disabled: " : "", m->bounces, m->bounces == 1 ? "" : "s", STR_ARG(buf_str(&date)),
			   STR_ARG(m->status));
	}
	putchar('\n');
	buf_fini(&date);
	return 0;
}

static int show(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct group g;
	int r = find(h, &arena, words[0], &g, e);

	(void)o;
	(void)n;
	if (r == 0) {
		print_settings(&g);
		r = directory_group_members(h->directory, str_from_c(words[0]), print_member, NULL);
	}
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "add", 1, OPTIONS_WORDS_MAX, 0, add }, { "set", 2, OPTIONS_WORDS_MAX, 0, set }, { "del", 1, 1, 0, del }, { "list", 0, 0, 0, list }, { "show", 1, 1, 0, show },
	{ "join", 1, OPTIONS_WORDS_MAX, OPT_FILE, join }, { "leave", 1, OPTIONS_WORDS_MAX, OPT_FILE, leave }, { 0 } };

int cli_group(int argc, char **argv)
{
	return admin_run("group", verbs, argc, argv);
}
