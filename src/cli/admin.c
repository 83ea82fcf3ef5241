#include "cli/admin.h"

int admin_run(const char *name, const struct admin_verb *verbs, int argc, char **argv)
{
	const struct admin_verb *v = verbs;
	struct options o;
	struct house h;
	struct err e = { 0 };

	while (argc > 1 && v->verb && strcmp(v->verb, argv[1]))
		v++;
	if (argc < 2 || !v->verb)
		return cli_usage(name, argc < 2 ? "what to do?%s" : "there is no '%s'", argc < 2 ? "" : argv[1]);
	int r = options_parse(name, argc - 1, argv + 1, v->allowed, &o);
	if (r)
		return r;
	if (o.n_words < v->words_min || o.n_words > v->words_max)
		return cli_usage(name, o.n_words < v->words_min ? "%s: something is missing" : "%s: too many words", v->verb);
	r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	if (r == 0) {
		r = v->run(&h, &o, o.words, o.n_words, &e);
		house_close(&h);
	}
	return r ? cli_fail(o.n_words ? o.words[0] : name, r, &e) : CLI_OK;
}
