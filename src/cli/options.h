/* The command line's options, parsed in one way for all subcommands: long options and -d DIR anywhere, the rest are words. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_WORDS_MAX 1100
#define OPTIONS_REPEAT_MAX 64

enum option_bits {
	OPT_DOMAIN = 1, OPT_PASSWORD_FILE = 2, OPT_CONFIG = 4, OPT_LISTEN = 8, OPT_USER = 16, OPT_MAILBOX = 32, OPT_TO = 64, OPT_REPAIR = 128,
	OPT_LOG = 256, OPT_SECRET_FILE = 512, OPT_OWNER = 1024, OPT_DESTINATION = 2048, OPT_SENDER = 4096, OPT_RECIPIENT = 8192, OPT_ALL = 16384, OPT_HELD = 32768,
	OPT_ALGORITHM = 1 << 16, OPT_SELECTOR = 1 << 17, OPT_FILE = 1 << 18, OPT_SHARED = 1 << 19,
	OPT_IP = 1 << 20, OPT_SINCE = 1 << 21, OPT_FAILED = 1 << 22, OPT_JSON = 1 << 23,
	OPT_SUBJECT = 1 << 28, OPT_ONCE = 1 << 29,
};

struct options {
	const char *dir;                 /* -d; required by all that take options */
	const char *domain, *password_file, *config, *user, *mailbox, *to, *log, *secret_file, *owner, *destination, *sender, *recipient, *algorithm, *selector, *file, *ip, *since, *subject;
	const char *listen[OPTIONS_REPEAT_MAX];
	unsigned n_listen;
	bool repair, all, held, shared, failed, json, once, help;
	char *words[OPTIONS_WORDS_MAX];
	unsigned n_words;
};

/* allowed: option_bits besides -d and --help. 0, or CLI_USAGE after saying what is wrong. With help, the rest is not checked. */
int options_parse(const char *name, int argc, char **argv, unsigned allowed, struct options *out);

/* The first line of a file, or of standard input for "-", without its end; malloc'ed, the caller wipes and frees. NULL after an error was
 * printed. With path == NULL and a terminal it asks there, twice, without echo. */
char *options_read_secret(const char *path, const char *prompt);

#endif
