/* The audit trail, read back: doc/admin/audit.md. */
#include "audit/read.h"
#include "base/clock.h"
#include "base/num.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"

/* "2026-11-26", "2026-11-26T15:00", "2026-11-26T15:00:30", in UTC. */
static bool parse_date(struct str s, int64_t *ms_out)
{
	static const struct { size_t at, n; char before; } parts[] = { { 0, 4, 0 }, { 5, 2, '-' }, { 8, 2, '-' }, { 11, 2, 'T' }, { 14, 2, ':' }, { 17, 2, ':' } };
	uint32_t v[6] = { 0, 0, 0, 0, 0, 0 };
	size_t n = 0;
	if (s.n && s.p[s.n - 1] == 'Z')
		s.n--;
	while (n < 6 && s.n > parts[n].at) {
		if (n && s.p[parts[n].at - 1] != parts[n].before)
			return false;
		struct str digits = str_sub(s, parts[n].at, parts[n].n);
		if (digits.n != parts[n].n || !num_parse_u32(digits, &v[n]))
			return false;
		n++;
	}
	if ((n != 3 && n < 5) || s.n != parts[n - 1].at + parts[n - 1].n || v[1] < 1 || v[1] > 12 || v[2] < 1 || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
		return false;
	struct civil c = { .year = (int)v[0], .month = (int)v[1], .day = (int)v[2], .hour = (int)v[3], .minute = (int)v[4], .second = (int)v[5] };
	*ms_out = civil_to_unix(&c) * 1000;
	return true;
}

/* Or how long ago. */
static bool parse_since(struct str s, int64_t *ms_out)
{
	uint64_t ago;
	if (parse_date(s, ms_out))
		return true;
	if (!num_parse_duration(s, &ago) || ago > INT64_MAX / 2)
		return false;
	*ms_out = clock_now_ms() - (int64_t)ago;
	return true;
}

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
		fwrite(line.p, 1, line.n, stdout);
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
	if (o.since && !parse_since(str_from_c(o.since), &f.since_ms))
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
