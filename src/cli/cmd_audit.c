/* The audit trail, read back: doc/admin/audit.md. */
#include "audit/read.h"
#include "base/clock.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "cli/since.h"

static void print_word(struct str s)
{
	putchar(' ');
	print_text(s.n ? s : STR("-"), 0);
}

static void print_login(const struct audit_event *x)
{
	print_word(x->protocol);
	print_word(x->mechanism);
	print_word(x->user);
	fputs(" from", stdout);
	print_word(x->ip);
	fputs(x->tls ? " TLS" : " no-TLS", stdout);
	if (x->name.n) {
		fputs(" app-password", stdout);
		print_word(x->name);
	}
}

static void print_act(const struct audit_event *x)
{
	print_word(x->object);
	if (x->detail.n) {
		putchar(' ');
		print_text(x->detail, 0);
	}
	fputs(" by", stdout);
	print_word(x->actor);
}

static int print_line(void *arg, const struct audit_event *x, struct str line)
{
	const struct options *o = arg;
	if (o->json) {
		(void)fwrite(line.p, 1, line.n, stdout);
		putchar('\n');
		return 0;
	}
	print_text(x->time, 0);
	fputs(x->ok ? " ok    " : " FAILED", stdout);
	print_word(x->event);
	if (str_eq(x->event, STR("login")))
		print_login(x);
	else if (x->count)
		printf(" %llu refused logins were counted only", (unsigned long long)x->count);
	else
		print_act(x);
	if (x->why.n) {
		fputs(": ", stdout);
		print_text(x->why, 0);
	}
	putchar('\n');
	return 0;
}

int cli_audit(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	uint64_t bad = 0;
	int r = options_parse("audit", argc, argv, OPT_USER | OPT_IP | OPT_SINCE | OPT_FAILED | OPT_JSON, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("audit", "what is '%s'?", o.words[0]);
	struct audit_filter f = { .user = str_from_c(o.user), .ip = str_from_c(o.ip), .failed = o.failed };
	if (o.since && !since_parse(str_from_c(o.since), &f.since_ms))
		return cli_usage("audit", "'%s' is no time: 2026-11-26, 2026-11-26T15:00, or 90m, 12h, 7d ago", o.since);
	r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = audit_trail_read(o.dir, &f, print_line, &o, &bad, &e);
	if (r)
		return cli_fail("audit", r, &e);
	if (bad)
		fprintf(stderr, "troika: audit: %llu lines cannot be read\n", (unsigned long long)bad);
	return CLI_OK;
}
