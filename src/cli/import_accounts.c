#include "cli/import_accounts.h"

#include "base/ascii.h"
#include "cli/command.h"
#include "cli/options.h"
#include "migrate/limits.h"
#include "rt/crypto.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define ACCOUNT_LINE_MAX 8192

static char *copy_of(const char *s) { return s ? str_dup_c(str_from_c(s)) : NULL; }

/* A token is longer than a password may be. */
static char *read_token(const char *path)
{
	char line[ACCOUNT_LINE_MAX];
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	if (!f) {
		fprintf(stderr, "troika: cannot read %s: %s\n", path, strerror(errno));
		return NULL;
	}
	char *got = fgets(line, sizeof line, f);
	if (f != stdin)
		(void)fclose(f);
	char *copy = got ? str_dup_c(str_trim(str_from_c(line))) : NULL;
	crypto_wipe(line, sizeof line);
	if (!copy)
		fprintf(stderr, "troika: no usable first line in %s\n", path);
	return copy;
}

/* How the account there is called in the state: the server and the user. */
static int identify(struct import_account *a)
{
	struct buf b = BUF_INIT(MIGRATE_URL_MAX * 2);
	const struct place *p = &a->job.setup.place;
	char *text;
	size_t n;

	place_format(p, &b);
	if (p->user[0])
		buf_printf(&b, "\n%s", p->user);
	if (b.failed)
		return CLI_FAILED;
	buf_add_char(&b, '\0');
	buf_take(&b, &text, &n);
	a->job.source = str_make(text, n - 1);
	return 0;
}

/* The account owns its strings; secret becomes its own. */
static int add(struct import_accounts *out, const struct import_options *o, const char *source, const char *user, char *secret)
{
	struct err e = { 0 };
	if ((out->n & (out->n - 1)) == 0) {
		struct import_account *more = realloc(out->v, (out->n ? out->n * 2 : 1) * sizeof *more);
		if (!more)
			return CLI_FAILED;
		out->v = more;
	}
	struct import_account *a = &out->v[out->n++];
	*a = (struct import_account){ .user = copy_of(user), .source = copy_of(source), .authuser = copy_of(o->authuser), .secret = secret };
	report_init(&a->job.report);
	if (!a->user || !a->source || place_parse(source, &a->job.setup.place, &e))
		return cli_usage("import", "%s", e.log[0] ? e.log : "out of memory");
	return identify(a);
}

/* Strings of a setup point into the account, which must not move any more. */
static void point(const struct import_options *o, struct import_accounts *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct import_account *a = &all->v[i];
		struct source_setup *s = &a->job.setup;
		s->user = str_from_c(s->place.user);
		s->authuser = str_from_c(a->authuser);
		if (o->token_file)
			s->token = str_from_c(a->secret);
		else
			s->password = str_from_c(a->secret);
		s->dial = (struct dial){ .ca_file = o->ca_file, .insecure = o->insecure, .timeout_ms = o->timeout_ms, .spawner = all->spawner };
		if (o->has_fingerprint)
			s->dial.fingerprint = str_make(o->fingerprint, sizeof o->fingerprint);
	}
}

/* ---- a file of them ---- */

/* The next word of the line, which it is cut out of; NULL: none. */
static char *next_word(char **line)
{
	char *p = *line;
	while (ascii_is_space((unsigned char)*p))
		p++;
	if (!*p)
		return NULL;
	bool quoted = *p == '"';
	char *word = quoted ? ++p : p;
	while (*p && (quoted ? *p != '"' : !ascii_is_space((unsigned char)*p)))
		p++;
	*line = *p ? p + 1 : p;
	*p = '\0';
	return word;
}

static char *secret_of(const char *word, const char *common)
{
	struct str s = str_from_c(word);
	if (!word)
		return copy_of(common ? common : "");
	if (str_starts(s, STR("pass:")))
		return copy_of(word + 5);
	if (str_starts(s, STR("file:")))
		return options_read_secret(word + 5, "Password");
	fprintf(stderr, "troika: neither file:PATH nor pass:PASSWORD where a secret should stand\n");
	return NULL;
}

static int read_lines(FILE *f, const struct import_options *o, const char *common, struct import_accounts *out)
{
	char line[ACCOUNT_LINE_MAX];
	int r = 0;
	for (unsigned number = 1; r == 0 && fgets(line, sizeof line, f); number++) {
		char *rest = line, *source = next_word(&rest), *user = source ? next_word(&rest) : NULL;
		if (!source || source[0] == '#')
			continue;
		char *secret = user ? secret_of(next_word(&rest), common) : NULL;
		r = !user || !secret || next_word(&rest) || out->n == MIGRATE_ACCOUNTS_MAX ? CLI_USAGE : add(out, o, source, user, secret);
		if (r)
			fprintf(stderr, "troika: %s, line %u: a line is SOURCE USER [file:PATH | pass:PASSWORD]\n", o->accounts, number);
	}
	crypto_wipe(line, sizeof line);
	return r;
}

static int read_file(const struct import_options *o, const char *common, struct import_accounts *out)
{
	struct stat st;
	FILE *f = strcmp(o->accounts, "-") ? fopen(o->accounts, "re") : stdin;
	if (!f) {
		fprintf(stderr, "troika: cannot read %s: %s\n", o->accounts, strerror(errno));
		return CLI_FAILED;
	}
	if (f != stdin && fstat(fileno(f), &st) == 0 && (st.st_mode & 077))
		fprintf(stderr, "troika: warning: others may read %s\n", o->accounts);
	int r = read_lines(f, o, common, out);
	if (f != stdin)
		(void)fclose(f);
	return r;
}

/* ---- all ---- */

static int make_spawner(struct import_accounts *all)
{
	struct err e = { 0 };
	size_t n = 0;
	const char **commands = calloc(all->n + 1, sizeof *commands);
	if (!commands)
		return CLI_FAILED;
	for (size_t i = 0; i < all->n; i++) {
		struct source_setup *s = &all->v[i].job.setup;
		if (!place_is_pipe(&s->place))
			continue;
		s->pipe = n;
		commands[n++] = s->place.command;
	}
	int r = n ? spawner_create(commands, n, &all->spawner, &e) : 0;
	free(commands);
	return r ? cli_fail("import", r, &e) : 0;
}

static bool is_pipe(const char *source) { return source && str_starts(str_from_c(source), STR("imap-pipe:")); }

int import_accounts_read(const struct import_options *o, struct import_accounts *out)
{
	char *secret = NULL;
	int r = 0;

	*out = (struct import_accounts){ 0 };
	if (o->token_file)
		secret = read_token(o->token_file);
	else if (o->password_file || (!o->accounts && !is_pipe(o->source)))
		secret = options_read_secret(o->password_file, "Password of the account there");
	if (!secret && (o->token_file || o->password_file || (!o->accounts && !is_pipe(o->source))))
		return CLI_FAILED;
	if (o->accounts) {
		r = read_file(o, secret, out);
		if (secret)
			crypto_wipe(secret, strlen(secret));
		free(secret);
	} else {
		r = add(out, o, o->source, o->user, secret ? secret : copy_of(""));
	}
	if (r == 0)
		r = make_spawner(out);
	point(o, out);
	return r;
}

void import_accounts_fini(struct import_accounts *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct import_account *a = &all->v[i];
		if (a->secret)
			crypto_wipe(a->secret, strlen(a->secret));
		free(a->secret);
		free(a->user);
		free(a->source);
		free(a->authuser);
		free((void *)(uintptr_t)a->job.source.p);
		report_fini(&a->job.report);
	}
	free(all->v);
	spawner_destroy(&all->spawner);
	*all = (struct import_accounts){ 0 };
}
