#include "cli/options.h"

#include "cli/command.h"
#include "directory/directory.h"
#include "rt/crypto.h"

#include <errno.h>
#include <getopt.h>
#include <termios.h>
#include <unistd.h>

/* What getopt_long gives for an option: beyond any character, and an int for each of 32 bits. */
#define FIRST 256
#define AT(bit) (FIRST + __builtin_ctz(bit))

static const struct option long_options[] = {
	{ "dir", required_argument, NULL, 'd' }, { "help", no_argument, NULL, 'h' },
	{ "domain", required_argument, NULL, AT(OPT_DOMAIN) }, { "password-file", required_argument, NULL, AT(OPT_PASSWORD_FILE) },
	{ "config", required_argument, NULL, AT(OPT_CONFIG) }, { "listen", required_argument, NULL, AT(OPT_LISTEN) },
	{ "user", required_argument, NULL, AT(OPT_USER) }, { "mailbox", required_argument, NULL, AT(OPT_MAILBOX) },
	{ "to", required_argument, NULL, AT(OPT_TO) }, { "repair", no_argument, NULL, AT(OPT_REPAIR) },
	{ "log", required_argument, NULL, AT(OPT_LOG) }, { "secret-file", required_argument, NULL, AT(OPT_SECRET_FILE) },
	{ "owner", required_argument, NULL, AT(OPT_OWNER) }, { "destination", required_argument, NULL, AT(OPT_DESTINATION) },
	{ "sender", required_argument, NULL, AT(OPT_SENDER) }, { "recipient", required_argument, NULL, AT(OPT_RECIPIENT) },
	{ "all", no_argument, NULL, AT(OPT_ALL) }, { "held", no_argument, NULL, AT(OPT_HELD) },
	{ "algorithm", required_argument, NULL, AT(OPT_ALGORITHM) }, { "selector", required_argument, NULL, AT(OPT_SELECTOR) },
	{ "file", required_argument, NULL, AT(OPT_FILE) }, { "shared", no_argument, NULL, AT(OPT_SHARED) },
	{ "ip", required_argument, NULL, AT(OPT_IP) }, { "since", required_argument, NULL, AT(OPT_SINCE) },
	{ "failed", no_argument, NULL, AT(OPT_FAILED) }, { "json", no_argument, NULL, AT(OPT_JSON) },
	{ "subject", required_argument, NULL, AT(OPT_SUBJECT) },
	{ "once", no_argument, NULL, AT(OPT_ONCE) },
	{ NULL, 0, NULL, 0 },
};

static const char *option_name(int value)
{
	for (const struct option *o = long_options; o->name; o++)
		if (o->val == value)
			return o->name;
	return "?";
}

static int take(const char *name, struct options *o, unsigned bit)
{
	switch (bit) {
	case OPT_DOMAIN: o->domain = optarg; break;
	case OPT_PASSWORD_FILE: o->password_file = optarg; break;
	case OPT_CONFIG: o->config = optarg; break;
	case OPT_USER: o->user = optarg; break;
	case OPT_MAILBOX: o->mailbox = optarg; break;
	case OPT_TO: o->to = optarg; break;
	case OPT_LOG: o->log = optarg; break;
	case OPT_SECRET_FILE: o->secret_file = optarg; break;
	case OPT_OWNER: o->owner = optarg; break;
	case OPT_DESTINATION: o->destination = optarg; break;
	case OPT_SENDER: o->sender = optarg; break;
	case OPT_RECIPIENT: o->recipient = optarg; break;
	case OPT_ALL: o->all = true; break;
	case OPT_HELD: o->held = true; break;
	case OPT_ALGORITHM: o->algorithm = optarg; break;
	case OPT_SELECTOR: o->selector = optarg; break;
	case OPT_FILE: o->file = optarg; break;
	case OPT_REPAIR: o->repair = true; break;
	case OPT_SHARED: o->shared = true; break;
	case OPT_IP: o->ip = optarg; break;
	case OPT_SINCE: o->since = optarg; break;
	case OPT_FAILED: o->failed = true; break;
	case OPT_SUBJECT: o->subject = optarg; break;
	case OPT_JSON: o->json = true; break;
	case OPT_ONCE: o->once = true; break;
	case OPT_LISTEN:
		if (o->n_listen == OPTIONS_REPEAT_MAX)
			return cli_usage(name, "more than %d times --listen", OPTIONS_REPEAT_MAX);
		o->listen[o->n_listen++] = optarg;
		break;
	}
	return 0;
}

int options_parse(const char *name, int argc, char **argv, unsigned allowed, struct options *out)
{
	int c, r = 0;

	memset(out, 0, sizeof *out);
	optind = 0;
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, ":d:h", long_options, NULL)) != -1) {
		if (c == 'd')
			out->dir = optarg;
		else if (c == 'h')
			out->help = true;
		else if (c == ':')
			r = cli_usage(name, "'%s' needs a value", argv[optind - 1]);
		else if (c == '?')
			r = cli_usage(name, "unknown option '%s'", argv[optind - 1]);
		else if (!(1u << (c - FIRST) & allowed))
			r = cli_usage(name, "--%s has no meaning here", option_name(c));
		else
			r = take(name, out, 1u << (c - FIRST));
	}
	for (int i = optind; r == 0 && i < argc; i++) {
		if (out->n_words == OPTIONS_WORDS_MAX)
			return cli_usage(name, "too many words");
		out->words[out->n_words++] = argv[i];
	}
	if (r == 0 && !out->dir && !out->help)
		r = cli_usage(name, "-d DIR is missing: the data directory");
	return r;
}

/* One line from f; NULL at its end or when it is too long. */
static char *read_line(FILE *f)
{
	char line[DIRECTORY_PASSWORD_MAX + 3];

	if (!fgets(line, sizeof line, f))
		return NULL;
	struct str s = str_from_c(line);
	bool whole = s.n && s.p[s.n - 1] == '\n';
	if (!whole && s.n == sizeof line - 1) {
		crypto_wipe(line, sizeof line);
		return NULL;
	}
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	char *copy = str_dup_c(s);
	crypto_wipe(line, sizeof line);
	return copy;
}

static char *ask(const char *prompt)
{
	struct termios old, quiet;

	if (tcgetattr(STDIN_FILENO, &old))
		return NULL;
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fprintf(stderr, "%s: ", prompt);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	char *line = read_line(stdin);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputc('\n', stderr);
	return line;
}

static char *ask_twice(const char *prompt)
{
	char *first = ask(prompt), *second = first ? ask("Again") : NULL;
	bool same = first && second && !strcmp(first, second);

	if (second) {
		crypto_wipe(second, strlen(second));
		free(second);
	}
	if (!same) {
		fprintf(stderr, "troika: the two differ\n");
		if (first)
			crypto_wipe(first, strlen(first));
		free(first);
		return NULL;
	}
	return first;
}

char *options_read_secret(const char *path, const char *prompt)
{
	if (!path && isatty(STDIN_FILENO))
		return ask_twice(prompt);
	FILE *f = !path || !strcmp(path, "-") ? stdin : fopen(path, "re");
	if (!f) {
		fprintf(stderr, "troika: cannot read %s: %s\n", path, strerror(errno));
		return NULL;
	}
	char *line = read_line(f);
	if (!line)
		fprintf(stderr, "troika: no usable first line in %s (at most %d bytes)\n", f == stdin ? "standard input" : path, DIRECTORY_PASSWORD_MAX);
	if (f != stdin)
		(void)fclose(f);
	return line;
}
