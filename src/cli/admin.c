#include "cli/admin.h"

#include "audit/audit.h"

static bool only_looks(const char *verb)
{
	static const char *const looks[] = { "list", "show", "stats", "status", "destinations" };
	for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
		if (!strcmp(verb, looks[i]))
			return true;
	return false;
}

/* A trail that cannot be written is told, and holds nobody up. */
static void tell(const char *dir, const char *what, struct str object, struct str detail, int result)
{
	struct err e = { 0 };
	if (audit_open(dir, 0, &e)) {
		fprintf(stderr, "troika: the audit trail is not written: %s\n", e.log);
		return;
	}
	audit_act(STR_NONE, "cli", what, object, detail, result);
	audit_close();
}

void admin_told(const char *dir, const char *what, const char *object, const char *detail, int result)
{
	tell(dir, what, str_from_c(object), str_from_c(detail), result);
}

static void add_option(struct buf *b, const char *name, const char *value)
{
	if (value)
		buf_printf(b, "%s--%s %s", b->n ? " " : "", name, value);
}

static void tell_verb(const char *name, const char *verb, const struct options *o, int result)
{
	char what[64];
	struct buf detail = BUF_INIT(0);
	for (unsigned i = 1; i < o->n_words; i++)
		buf_printf(&detail, "%s%s", i > 1 ? " " : "", o->words[i]);
	add_option(&detail, "destination", o->destination);
	add_option(&detail, "sender", o->sender);
	add_option(&detail, "recipient", o->recipient);
	add_option(&detail, "algorithm", o->algorithm);
	add_option(&detail, "selector", o->selector);
	add_option(&detail, "file", o->file);
	add_option(&detail, "secret-file", o->secret_file);
	add_option(&detail, "mailbox", o->mailbox);
	add_option(&detail, "since", o->since);
	if (o->all || o->shared)
		buf_printf(&detail, "%s--%s", detail.n ? " " : "", o->all ? "all" : "shared");
	snprintf(what, sizeof what, "%s.%s", name, verb);
	tell(o->dir, what, str_from_c(o->n_words ? o->words[0] : ""), buf_str(&detail), result);
	buf_fini(&detail);
}

int admin_run(const char *name, const struct admin_verb *verbs, int argc, char **argv)
{
	const struct admin_verb *v = verbs;
	struct options o;
	struct house h;
	struct err e = { 0 };

	while (argc > 1 && v->verb && strcmp(v->verb, argv[1]) != 0)
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
		if (!only_looks(v->verb))
			tell_verb(name, v->verb, &o, r);
	}
	return r ? cli_fail(o.n_words ? o.words[0] : name, r, &e) : CLI_OK;
}

int admin_left_out(const struct directory_damaged *damaged, const char *what, struct err *e)
{
	size_t n = 0;
	/* What stands above is to be read first, where both go to one terminal. */
	(void)fflush(stdout);
	for (const struct directory_damaged *d = damaged; d; d = d->next, n++) {
		struct err one;
		err_set(&one, d->code, NULL, "%.*s: %s", STR_ARG(d->name), err_text(d->code));
		fprintf(stderr, "troika: %s\n", one.log);
	}
	return n ? err_set(e, damaged->code, NULL, "%zu %s cannot be read and are not in the list; see: troika check", n, what) : 0;
}
