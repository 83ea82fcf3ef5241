#include "cli/admin.h"

static int add(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct str targets[OPTIONS_WORDS_MAX];

	(void)o;
	for (unsigned i = 1; i < n; i++)
		targets[i - 1] = str_from_c(words[i]);
	return directory_alias_add(h->directory, str_from_c(words[0]), targets, n - 1, e);
}

static int del(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o;
	(void)n;
	return directory_alias_del(h->directory, str_from_c(words[0]), e);
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_alias *aliases;
	struct directory_damaged *damaged;
	size_t n_aliases = 0;

	(void)o;
	(void)words;
	(void)n;
	int r = directory_alias_list_sound(h->directory, &arena, &aliases, &n_aliases, &damaged);
	for (size_t i = 0; r == 0 && i < n_aliases; i++) {
		printf("%.*s", STR_ARG(aliases[i].name));
		for (size_t k = 0; k < aliases[i].n; k++)
			printf(" %.*s", STR_ARG(aliases[i].targets[k]));
		putchar('\n');
	}
	if (r == 0)
		r = admin_left_out(damaged, "aliases", e);
	arena_fini(&arena);
	return r;
}

static const struct admin_verb verbs[] = {
	{ "add", 2, 1 + DIRECTORY_ALIAS_TARGETS_MAX, 0, add }, { "del", 1, 1, 0, del }, { "list", 0, 0, 0, list }, { 0 } };

int cli_alias(int argc, char **argv)
{
	return admin_run("alias", verbs, argc, argv);
}
