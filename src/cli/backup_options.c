#include "cli/backup_options.h"

#include "backup/pace.h"
#include "base/num.h"
#include "cli/command.h"
#include "cli/options.h"
#include "rt/crypto.h"

#include <getopt.h>

enum { USER = 256, PASSPHRASE, RATE, LIST, VERIFY, PRUNE, LAST, DAILY, WEEKLY, MONTHLY, AT, AS, MAILBOX, INTO, MESSAGE, SUBJECT, UNCHANGED, EXACT, OWNER, MEND };

static const struct option backup_long[] = {
	{ "dir", required_argument, NULL, 'd' }, { "user", required_argument, NULL, USER }, { "passphrase-file", required_argument, NULL, PASSPHRASE },
	{ "rate", required_argument, NULL, RATE }, { "list", no_argument, NULL, LIST }, { "verify", no_argument, NULL, VERIFY },
	{ "mend", no_argument, NULL, MEND }, { "prune", no_argument, NULL, PRUNE }, { "keep-last", required_argument, NULL, LAST }, { "keep-daily", required_argument, NULL, DAILY },
	{ "keep-weekly", required_argument, NULL, WEEKLY }, { "keep-monthly", required_argument, NULL, MONTHLY }, { NULL, 0, NULL, 0 },
};
static const struct option restore_long[] = {
	{ "dir", required_argument, NULL, 'd' }, { "user", required_argument, NULL, USER }, { "passphrase-file", required_argument, NULL, PASSPHRASE },
	{ "list", no_argument, NULL, LIST }, { "at", required_argument, NULL, AT }, { "as", required_argument, NULL, AS },
	{ "mailbox", required_argument, NULL, MAILBOX }, { "into", required_argument, NULL, INTO }, { "message", required_argument, NULL, MESSAGE },
	{ "search-subject", required_argument, NULL, SUBJECT }, { "unchanged", no_argument, NULL, UNCHANGED }, { "exact", no_argument, NULL, EXACT },
	{ "owner", required_argument, NULL, OWNER }, { NULL, 0, NULL, 0 },
};

static int take_number(const char *name, const char *what, unsigned *out)
{
	uint32_t n;
	if (!num_parse_u32(str_from_c(optarg), &n))
		return cli_usage(name, "--%s is a number, not '%s'", what, optarg);
	*out = n;
	return 0;
}

static int take(const char *name, int c, struct backup_options *o)
{
	switch (c) {
	case 'd': o->dir = optarg; break;
	case PASSPHRASE: o->passphrase_file = optarg; break;
	case LIST: o->list = true; break;
	case VERIFY: o->verify = true; break;
	case PRUNE: o->prune = true; break;
	case MEND: o->mend = true; break;
	case AT: o->at = optarg; break;
	case AS: o->as = optarg; break;
	case MAILBOX: o->mailbox = optarg; break;
	case INTO: o->into = optarg; break;
	case MESSAGE: o->message = optarg; break;
	case SUBJECT: o->subject = optarg; break;
	case UNCHANGED: o->unchanged = true; break;
	case EXACT: o->exact = true; break;
	case OWNER: o->owner = optarg; break;
	case LAST: return take_number(name, "keep-last", &o->keep.last);
	case DAILY: return take_number(name, "keep-daily", &o->keep.daily);
	case WEEKLY: return take_number(name, "keep-weekly", &o->keep.weekly);
	case MONTHLY: return take_number(name, "keep-monthly", &o->keep.monthly);
	case RATE:
		if (!strcmp(optarg, "max"))
			o->rate = PACE_FULL;
		else if (!num_parse_size(str_from_c(optarg), &o->rate) || !o->rate)
			return cli_usage(name, "--rate is bytes a second, like 10M, or max, not '%s'", optarg);
		break;
	case USER:
		if (o->n_users == BACKUP_USERS_MAX)
			return cli_usage(name, "more than %d times --user", BACKUP_USERS_MAX);
		o->users[o->n_users++] = optarg;
		break;
	case ':': return cli_usage(name, "an option needs a value");
	default: return cli_usage(name, "unknown option");
	}
	return 0;
}

int backup_options_parse(int argc, char **argv, bool restores, struct backup_options *out)
{
	const char *name = restores ? "restore" : "backup";
	int c, r = 0;

	memset(out, 0, sizeof *out);
	optind = 0;
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, ":d:", restores ? restore_long : backup_long, NULL)) != -1)
		r = c == '?' || c == ':' ? cli_usage(name, c == '?' ? "unknown option '%s'" : "'%s' needs a value", argv[optind - 1]) : take(name, c, out);
	if (r == 0 && optind + 1 != argc)
		r = cli_usage(name, optind < argc ? "one directory at a time, not also '%s'" : "the directory of the backup is missing", argv[argc - 1]);
	if (r == 0)
		out->repository = argv[optind];
	return r;
}

bool backup_options_tell_skipped(const struct past *p)
{
	if (p->skipped[0])
		fprintf(stderr, "troika: snapshot %s is newer, but cannot be read; an older one is taken (see: troika backup --verify)\n", p->skipped);
	return p->skipped[0] != '\0';
}

int backup_options_secret(const struct backup_options *o, char **out)
{
	*out = o->passphrase_file ? options_read_secret(o->passphrase_file, "Passphrase") : NULL;
	/* An empty one would mean: not encrypted. */
	if (*out && !**out) {
		fprintf(stderr, "troika: %s: the first line, the passphrase, is empty\n", o->passphrase_file);
		backup_options_wipe(out);
	}
	return o->passphrase_file && !*out ? CLI_FAILED : 0;
}

void backup_options_wipe(char **secret)
{
	if (*secret)
		crypto_wipe(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

int backup_options_open(const struct backup_options *o, const char *secret, bool write, bool create, struct repository **out, struct err *e)
{
	struct repository_config c = { .dir = o->repository, .write = write, .passphrase = str_from_c(secret) };
	int r = repository_open(&c, out, e);
	if (r == ERR_NOT_FOUND && create) {
		*e = (struct err){ 0 };
		c.create = true;
		r = repository_open(&c, out, e);
	}
	return r;
}
