#include "cli/import_options.h"

#include "base/base64.h"
#include "base/num.h"
#include "cli/command.h"
#include "migrate/limits.h"

#include <getopt.h>

enum {
	DIR_ = 'd', USER = 256, PASSWORD_FILE, TOKEN_FILE, AUTHUSER, ACCOUNTS, CA_FILE, FINGERPRINT, INSECURE, DRY_RUN, REMOVE, IGNORE_QUOTA, JOBS, RETRIES, TIMEOUT, MAP,
	ONLY, EXCLUDE, CONNECTIONS,
};
static const struct option table[] = {
	{ "dir", required_argument, NULL, DIR_ }, { "user", required_argument, NULL, USER }, { "password-file", required_argument, NULL, PASSWORD_FILE },
	{ "token-file", required_argument, NULL, TOKEN_FILE }, { "authuser", required_argument, NULL, AUTHUSER }, { "accounts", required_argument, NULL, ACCOUNTS },
	{ "ca-file", required_argument, NULL, CA_FILE }, { "fingerprint", required_argument, NULL, FINGERPRINT }, { "insecure", no_argument, NULL, INSECURE },
	{ "dry-run", no_argument, NULL, DRY_RUN }, { "delete", no_argument, NULL, REMOVE }, { "ignore-quota", no_argument, NULL, IGNORE_QUOTA },
	{ "jobs", required_argument, NULL, JOBS }, { "connections", required_argument, NULL, CONNECTIONS }, { "retries", required_argument, NULL, RETRIES }, { "timeout", required_argument, NULL, TIMEOUT },
	{ "mailbox-map", required_argument, NULL, MAP }, { "only", required_argument, NULL, ONLY }, { "exclude", required_argument, NULL, EXCLUDE },
	{ NULL, 0, NULL, 0 },
};

/* "AA:BB:..." or "aabb...", as openssl x509 -fingerprint -sha256 prints it. */
static bool read_fingerprint(const char *text, uint8_t out[32])
{
	struct buf hex = BUF_INIT(256), bytes = BUF_INIT(64);
	for (const char *p = text; *p; p++)
		if (*p != ':')
			buf_add_char(&hex, *p);
	bool ok = !hex.failed && hex_decode(&bytes, buf_str(&hex)) == 0 && bytes.n == 32;
	if (ok)
		memcpy(out, bytes.p, 32);
	buf_fini(&hex);
	buf_fini(&bytes);
	return ok;
}

static int rule(struct str *list, size_t *n)
{
	if (*n == IMPORT_RULES_MAX)
		return cli_usage("import", "more than %d rules of one kind", IMPORT_RULES_MAX);
	list[(*n)++] = str_from_c(optarg);
	return 0;
}

static int map(struct import_options *o)
{
	struct names_map *m = &o->map[o->n_map];
	if (o->n_map == IMPORT_RULES_MAX)
		return cli_usage("import", "more than %d rules of one kind", IMPORT_RULES_MAX);
	if (!str_cut(str_from_c(optarg), '=', &m->from, &m->to) || !m->from.n || !m->to.n)
		return cli_usage("import", "--mailbox-map: '%s' is not THERE=HERE", optarg);
	o->n_map++;
	return 0;
}

static int count(const char *option, unsigned most, unsigned *out)
{
	uint32_t n;
	if (!num_parse_u32(str_from_c(optarg), &n) || n > most)
		return cli_usage("import", "--%s: '%s' is no number up to %u", option, optarg, most);
	*out = n;
	return 0;
}

static int take(struct import_options *o, int what)
{
	switch (what) {
	case DIR_: o->dir = optarg; break;
	case USER: o->user = optarg; break;
	case PASSWORD_FILE: o->password_file = optarg; break;
	case TOKEN_FILE: o->token_file = optarg; break;
	case AUTHUSER: o->authuser = optarg; break;
	case ACCOUNTS: o->accounts = optarg; break;
	case CA_FILE: o->ca_file = optarg; break;
	case FINGERPRINT:
		o->has_fingerprint = read_fingerprint(optarg, o->fingerprint);
		return o->has_fingerprint ? 0 : cli_usage("import", "--fingerprint: '%s' is no SHA-256 in hexadecimal", optarg);
	case INSECURE: o->insecure = true; break;
	case DRY_RUN: o->dry_run = true; break;
	case REMOVE: o->remove = true; break;
	case IGNORE_QUOTA: o->ignore_quota = true; break;
	case JOBS: return count("jobs", MIGRATE_JOBS_MAX, &o->jobs);
	case CONNECTIONS: return count("connections", MIGRATE_CONNECTIONS_MAX, &o->connections);
	case RETRIES: return count("retries", 1000, &o->retries);
	case TIMEOUT: return num_parse_duration(str_from_c(optarg), &o->timeout_ms) ? 0 : cli_usage("import", "--timeout: '%s' is no duration", optarg);
	case MAP: return map(o);
	case ONLY: return rule(o->only, &o->n_only);
	case EXCLUDE: return rule(o->exclude, &o->n_exclude);
	}
	return 0;
}

int import_options_parse(int argc, char **argv, struct import_options *out)
{
	int c, r = 0;

	*out = (struct import_options){ .retries = MIGRATE_RETRIES_DEFAULT };
	optind = 0;
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, ":d:", table, NULL)) != -1) {
		if (c == ':')
			r = cli_usage("import", "'%s' needs a value", argv[optind - 1]);
		else if (c == '?')
			r = cli_usage("import", "unknown option '%s' (of a live account)", argv[optind - 1]);
		else
			r = take(out, c);
	}
	if (r)
		return r;
	if (optind < argc)
		out->source = argv[optind];
	if (!out->dir)
		return cli_usage("import", "-d DIR is missing: the %s", "data directory");
	if ((out->source != NULL) == (out->accounts != NULL) || optind + 1 < argc)
		return cli_usage("import", "one source%s", " or --accounts FILE is needed");
	if (out->source && !out->user)
		return cli_usage("import", "%s is missing", "--user");
	if (out->jobs == 0)
		out->jobs = MIGRATE_JOBS_DEFAULT;
	if (out->connections == 0)
		out->connections = out->accounts ? 1 : MIGRATE_CONNECTIONS_DEFAULT;
	return 0;
}

bool import_options_are_live(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct str s = str_from_c(argv[i]);
		if (str_eq(s, STR("--accounts")) || str_starts(s, STR("--accounts=")) || str_starts(s, STR("imap-pipe:")))
			return true;
		if (s.n && s.p[0] != '-' && s.p[0] != '/' && s.p[0] != '.' && str_find(s, STR("://")) != STR_NPOS)
			return true;
	}
	return false;
}
