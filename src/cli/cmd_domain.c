#include "app/signing.h"
#include "base/clock.h"
#include "cli/admin.h"

static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct str domain = str_from_c(words[0]);

	(void)n;
	int r = directory_domain_add(h->directory, domain, e);
	if (r == 0)
		r = signing_make(h->directory, domain, SIGNING_KIND_BOTH, STR_NONE, SIGNING_ACTIVE, clock_now(), e);
	if (r == 0)
		printf("keys to sign its mail with are made; records for DNS: troika dns print %s -d %s\n", words[0], o->dir);
	return r;
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return directory_domain_del(h->directory, str_from_c(words[0]), e);
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct str *names;
	size_t n_names = 0;

	(void)o;
	(void)words;
	(void)n;
	(void)e;
	int r = directory_domain_list(h->directory, &arena, &names, &n_names);
	for (size_t i = 0; r == 0 && i < n_names; i++)
		printf("%.*s\n", STR_ARG(names[i]));
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = { { "add", 1, 1, 0, add }, { "del", 1, 1, 0, del }, { "list", 0, 0, 0, list }, { 0 } };

int cli_domain(int argc, char **argv)
{
	return admin_run("domain", verbs, argc, argv);
}
