#include "base/clock.h"
#include "cli/admin.h"
#include "cli/print.h"

typedef int user_fn(struct house *h, const struct directory_user *u, struct err *e);

/* The user named, or all of them. */
static int for_users(struct house *h, char *const *words, unsigned n, user_fn *fn, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user one, *users = &one;
	size_t n_users = 1;
	int r = n ? directory_user_find(h->directory, &arena, str_from_c(words[0]), &one) : directory_user_list(h->directory, &arena, &users, &n_users);
	if (n && r == ERR_NOT_FOUND)
		err_set(e, r, NULL, "there is no user %s; see: troika user list", words[0]);
	for (size_t i = 0; r == 0 && i < n_users; i++)
		r = fn(h, &users[i], e);
	arena_fini(&arena);
	return r;
}

static int show(struct house *h, const struct directory_user *u, struct err *e)
{
	struct search_status s;
	int r = search_status(h->search, u->account, &s, e);
	if (r)
		return r;
	printf("%.*s\t%llu indexed\t%llu waiting\t", STR_ARG(u->name), (unsigned long long)s.emails, (unsigned long long)s.behind);
	print_size(s.bytes, 0);
	if (s.attached)
		printf("\t%llu with text of attachments", (unsigned long long)s.attached);
	if (s.unread)
		printf("\t%llu that cannot be indexed", (unsigned long long)s.unread);
	putchar('\n');
	return 0;
}

static int status(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	int r = house_open_search(h, NULL, 0, e);
	return r ? r : for_users(h, words, n, show, e);
}

static int make_anew(struct house *h, const struct directory_user *u, struct err *e)
{
	uint64_t began = clock_mono_ms();
	struct search_status s;
	int r = search_update(h->search, u->account, true, e);
	if (r == 0)
		r = search_status(h->search, u->account, &s, e);
	if (r == 0)
		printf("%.*s\t%llu indexed in %.1f s\n", STR_ARG(u->name), (unsigned long long)s.emails, (double)(clock_mono_ms() - began) / 1000);
	(void)fflush(stdout);
	return r;
}

static int reindex(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct app_config config;
	int r = app_config_load(o->dir, o->config, &config, e);
	if (r == 0)
		r = house_open_search(h, &config, 0, e);
	if (r == 0)
		r = for_users(h, words, n, make_anew, e);
	app_config_fini(&config);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "status", 0, 1, 0, status },
	{ "reindex", 0, 1, OPT_CONFIG, reindex },
	{ 0 },
};

int cli_search(int argc, char **argv)
{
	return admin_run("search", verbs, argc, argv);
}
