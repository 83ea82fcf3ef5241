/* Plays an SMTP session's part towards filters: for the tests, and to see what a filter does.
 *
 *     milter_drive FILTER... <SCRIPT          FILTER as in the configuration (filter.h)
 *
 * The script, one step a line:
 *     macro NAME VALUE        defined from now on
 *     connect HOST [IP PORT]  helo NAME      mail ADDRESS [PARAMETER...]     rcpt ADDRESS [PARAMETER...]    refused ADDRESS
 *     data   unknown LINE     abort          message FILE [OWN-FIELDS-FILE]  session (a new one with the same filters)
 * After each step one line: continue, or the verdict with code, enhanced code (or -), and text with | between lines. After `message` also what
 * is to be changed in the envelope, and "message LENGTH" with the octets behind it. An address is written without brackets, "-" is the null one. */
#include "base/num.h"
#include "milter/chain.h"
#include "milter/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MACROS_MAX 100
#define WORDS_MAX 20
#define LINE_MAX 4096
#define FILE_MAX ((size_t)64 << 20)

struct drive {
	struct arena arena;
	struct milter_filters *filters;
	struct milter_chain *chain;
	struct milter_macro macros[MACROS_MAX];
	size_t n_macros;
};

static struct str macro(void *ctx, struct str name)
{
	const struct drive *d = ctx;

	for (size_t i = d->n_macros; i-- > 0;)
		if (str_eq(d->macros[i].name, name))
			return d->macros[i].value;
	return STR_NONE;
}

static void report(void *ctx, const struct milter_filter *f, const char *problem)
{
	(void)ctx;
	(void)f;
	printf("problem %s\n", problem);
}

static void print_result(const struct milter_result *r)
{
	static const char *const names[] = { [MILTER_CONTINUE] = "continue", [MILTER_ACCEPT] = "accept", [MILTER_REJECT] = "reject",
										 [MILTER_TEMPFAIL] = "tempfail", [MILTER_DISCARD] = "discard", [MILTER_SHUTDOWN] = "shutdown" };
	struct str text = r->answer.text, line;

	printf("%s", names[r->answer.verdict]);
	if (r->answer.code) {
		printf(" %u %s ", r->answer.code, r->answer.enhanced[0] ? r->answer.enhanced : "-");
		for (bool more = true; more;) {
			more = str_cut(text, '\n', &line, &text);
			printf("%.*s%s", STR_ARG(line), more ? "|" : "");
		}
	}
	printf("%s\n", r->failed ? " (failed)" : "");
}

static struct str read_file(struct drive *d, const char *path)
{
	struct buf b = BUF_INIT(FILE_MAX);
	FILE *f = fopen(path, "rb");
	char *room;
	size_t n = 1;

	while (f && n && (room = buf_reserve(&b, 65536))) {
		n = fread(room, 1, 65536, f);
		b.n += n;
	}
	if (!f || fclose(f)) {
		fprintf(stderr, "cannot read %s\n", path);
		_exit(2);
	}
	struct str s = arena_dup(&d->arena, buf_str(&b));
	buf_fini(&b);
	return s;
}

static void print_changes(const struct milter_message *m, const struct milter_changes *c)
{
	struct str *pieces;
	size_t n, size = 0;

	if (c->has_sender)
		printf("sender <%.*s> %.*s\n", STR_ARG(c->sender), STR_ARG(c->sender_arguments));
	for (const struct milter_rcpt_edit *e = c->rcpts; e; e = e->next)
		printf("rcpt %c<%.*s> %.*s\n", e->add ? '+' : '-', STR_ARG(e->address), STR_ARG(e->arguments));
	if (c->quarantine)
		printf("quarantine %.*s\n", STR_ARG(c->reason));
	if (milter_message_pieces(m, &pieces, &n))
		return;
	for (size_t i = 0; i < n; i++)
		size += pieces[i].n;
	printf("message %zu\n", size);
	for (size_t i = 0; i < n; i++)
		if (fwrite(pieces[i].p, 1, pieces[i].n, stdout) != pieces[i].n)
			_exit(2);
}

static void run_message(struct drive *d, const struct milter_macros *x, const struct str *words, size_t n)
{
	struct milter_message m;
	struct milter_changes c;
	struct milter_result r;
	struct str own = n > 2 ? read_file(d, words[2].p) : STR_NONE;

	milter_changes_init(&c, &d->arena, FILE_MAX);
	if (milter_message_parse(&d->arena, own, read_file(d, words[1].p), &m) == 0) {
		milter_chain_message(d->chain, x, &m, &c, &r);
		print_result(&r);
		print_changes(&m, &c);
	}
	milter_message_fini(&m);
	milter_changes_fini(&c);
}

static void run_connect(struct drive *d, const struct milter_macros *x, const struct str *words, size_t n, struct milter_result *out)
{
	struct net_endpoint peer = { .port = 0 };
	uint32_t port = 0;
	bool known = n > 3 && net_addr_parse(words[2], 0, &peer.addr) && num_parse_u32(words[3], &port);

	peer.port = (uint16_t)port;
	milter_chain_connect(d->chain, x, words[1], known ? &peer : NULL, out);
}

static void new_session(struct drive *d)
{
	milter_chain_destroy(&d->chain);
	if (milter_chain_create(d->filters, report, NULL, &d->chain))
		_exit(2);
}

static void run_words(struct drive *d, const struct str *words, size_t n, struct str rest)
{
	const struct milter_macros x = { macro, d };
	struct milter_result r = { .filter = NULL };
	struct str verb = words[0], address = n > 1 && !str_eq(words[1], STR("-")) ? words[1] : STR_NONE;

	if (str_eq(verb, STR("session"))) {
		new_session(d);
	} else if (str_eq(verb, STR("macro")) && n > 1 && d->n_macros < MACROS_MAX) {
		d->macros[d->n_macros++] = (struct milter_macro){ words[1], str_trim(str_from(rest, words[1].n)) };
	} else if (str_eq(verb, STR("connect")) && n > 1) {
		run_connect(d, &x, words, n, &r);
	} else if (str_eq(verb, STR("helo"))) {
		milter_chain_helo(d->chain, &x, rest, &r);
	} else if (str_eq(verb, STR("mail"))) {
		milter_chain_mail(d->chain, &x, address, words + 2, n > 2 ? n - 2 : 0, &r);
	} else if (str_eq(verb, STR("rcpt")) || str_eq(verb, STR("refused"))) {
		milter_chain_rcpt(d->chain, &x, address, words + 2, n > 2 ? n - 2 : 0, verb.p[1] == 'e', &r);
	} else if (str_eq(verb, STR("data"))) {
		milter_chain_data(d->chain, &x, &r);
	} else if (str_eq(verb, STR("unknown"))) {
		milter_chain_unknown(d->chain, &x, rest, &r);
	} else if (str_eq(verb, STR("abort"))) {
		milter_chain_abort(d->chain);
	} else if (str_eq(verb, STR("message")) && n > 1) {
		run_message(d, &x, words, n);
		return;
	} else {
		fprintf(stderr, "not understood: %.*s\n", STR_ARG(verb));
		_exit(2);
	}
	print_result(&r);
}

static void run_script(struct drive *d)
{
	char line[LINE_MAX];

	while (fgets(line, sizeof line, stdin)) {
		struct str all = arena_dup(&d->arena, str_trim(str_from_c(line))), rest = all, word, words[WORDS_MAX];
		size_t n = 0;
		while (rest.n && n < WORDS_MAX) {
			str_cut(rest, ' ', &word, &rest);
			words[n++] = arena_dup(&d->arena, word);
		}
		if (n == 0)
			continue;
		run_words(d, words, n, str_trim(str_from(all, words[0].n)));
		if (fflush(stdout))
			_exit(2);
	}
}

int main(int argc, char **argv)
{
	struct drive d = { .arena = ARENA_INIT(0) };
	struct str lines[MILTER_FILTERS_MAX];
	struct err e = { 0 };
	size_t n = 0;

	while ((int)n + 1 < argc && n < MILTER_FILTERS_MAX) {
		lines[n] = str_from_c(argv[n + 1]);
		n++;
	}
	if (milter_filters_create(lines, n, &d.filters, &e)) {
		fprintf(stderr, "%s\n", e.log);
		return 2;
	}
	new_session(&d);
	run_script(&d);
	milter_chain_destroy(&d.chain);
	milter_filters_unref(&d.filters);
	arena_fini(&d.arena);
	return 0;
}
