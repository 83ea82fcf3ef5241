#include "app/dns_check.h"
#include "app/dns_plan.h"
#include "cli/command.h"
#include "cli/options.h"
#include "rt/dns.h"

/* All that both verbs work on. */
struct asked {
	struct app_config config;
	struct house house;
	struct arena arena;
	struct dns_facts facts;
	struct dns_plan plan;
};

static int prepare(struct asked *q, const struct options *o, struct err *e)
{
	int r = app_config_load(o->dir, o->config, &q->config, e);

	/* as root: certificates may be readable for nobody else */
	if (r == 0)
		r = dns_facts_certificate(o->dir, &q->config, &q->arena, &q->facts, e);
	if (r == 0)
		r = house_become_owner(o->dir, e);
	if (r == 0)
		r = house_open(o->dir, &q->config, &q->house, e);
	if (r == 0)
		r = dns_facts_gather(&q->house, &q->config, str_from_c(o->words[0]), &q->arena, &q->facts, e);
	return r ? r : dns_plan_make(&q->facts, &q->arena, &q->plan);
}

/* ---- print ---- */

static int print(struct asked *q, struct err *e)
{
	struct buf text = BUF_INIT(0);

	dns_plan_format(&q->plan, &text);
	int r = text.failed ? err_set(e, ERR_NO_MEMORY, NULL, "dns print") : 0;
	if (r == 0 && fwrite(text.p, 1, text.n, stdout) != text.n)
		r = err_set(e, ERR_IO, NULL, "cannot write to standard output");
	buf_fini(&text);
	return r;
}

/* ---- check ---- */

#define WIDTH 80
#define INDENT 13

static const char *title(enum dns_subject s)
{
	static const char *const titles[] = {
		[DNS_PLAN_ZONE] = "zone", [DNS_PLAN_MX] = "MX", [DNS_PLAN_ADDRESS] = "A, AAAA", [DNS_PLAN_PTR] = "PTR", [DNS_PLAN_SPF] = "SPF",
		[DNS_PLAN_SPF_HOST] = "SPF", [DNS_PLAN_DKIM] = "DKIM", [DNS_PLAN_DMARC] = "DMARC", [DNS_PLAN_STS] = "MTA-STS", [DNS_PLAN_STS_HOST] = "MTA-STS",
		[DNS_PLAN_TLSRPT] = "TLS-RPT", [DNS_PLAN_TLSA] = "TLSA", [DNS_PLAN_SRV] = "SRV", [DNS_PLAN_AUTOCONFIG] = "autoconfig",
	};
	return titles[s];
}

/* At most a line's width: what is long is a key. */
static void print_cut(struct str line)
{
	size_t room = WIDTH - INDENT - 2;
	bool fits = line.n <= room;

	printf("%*s  %.*s%s\n", INDENT - 2, "", (int)(fits ? line.n : room - 3), line.p, fits ? "" : "...");
}

/* Broken at blanks. */
static void print_folded(struct str line)
{
	size_t room = WIDTH - INDENT - 2;

	for (const char *mark = "- "; line.n; mark = "  ") {
		struct str part = str_sub(line, 0, room);
		size_t blank = str_rchr(part, ' ');
		if (line.n > room && blank != STR_NPOS && blank > 0)
			part.n = blank;
		printf("%*s%s%.*s\n", INDENT - 2, "", mark, STR_ARG(part));
		line = str_trim(str_from(line, part.n));
	}
}

static void print_lines(struct str lines, void (*print_one)(struct str line))
{
	struct str line;

	while (lines.n) {
		str_cut(lines, '\n', &line, &lines);
		print_one(line);
	}
}

static void print_finding(void *ctx, const struct dns_finding *f)
{
	const struct dns_plan_record *r = f->record;
	struct buf line = BUF_INIT(0);

	(void)ctx;
	printf("%-*s%-10s %.*s%s%s%s\n", INDENT, dns_state_text(f->state), title(r->subject), STR_ARG(r->owner), f->state == DNS_RIGHT ? "" : " (",
		   f->state == DNS_RIGHT ? "" : dns_need_text(r->need), f->state == DNS_RIGHT ? "" : ")");
	print_lines(buf_str(&f->there), print_cut);
	print_lines(buf_str(&f->notes), print_folded);
	if (f->publish && r->value.n) {
		dns_plan_line(r, &line);
		printf("%*s- publish:\n%.*s", INDENT - 2, "", STR_ARG(buf_str(&line)));
	}
	buf_fini(&line);
	(void)fflush(stdout);            /* the next answer may take its time */
}

static int check(struct asked *q, int *exit_out, struct err *e)
{
	struct dns *dns = NULL;
	struct dns_counts n;
	int r = dns_open(&q->config.dns, &dns, e);

	if (r == 0) {
		struct dns_source source = dns_source(dns);
		r = dns_check(&source, &q->plan, &q->arena, print_finding, NULL, &n);
	}
	dns_close(&dns);
	if (r)
		return r;
	printf("%u right, %u wrong, %u missing, %u cannot tell: %s\n", n.right, n.wrong, n.missing, n.unknown, n.faults ? "not as it must be" : "good");
	*exit_out = n.faults ? CLI_FAULTS : CLI_OK;
	return 0;
}

/* ---- the whole ---- */

int cli_dns(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	struct asked q = { .arena = ARENA_INIT(0) };

	if (argc < 2 || (strcmp(argv[1], "print") != 0 && strcmp(argv[1], "check") != 0))
		return cli_usage("dns", argc < 2 ? "what to do?%s" : "there is no '%s'", argc < 2 ? "" : argv[1]);
	int done = CLI_OK, r = options_parse("dns", argc - 1, argv + 1, OPT_CONFIG, &o);
	if (r)
		return r;
	if (o.n_words != 1)
		return cli_usage("dns", o.n_words ? "%s: too many words" : "%s: which domain?", argv[1]);
	r = prepare(&q, &o, &e);
	if (r == 0)
		r = !strcmp(argv[1], "check") ? check(&q, &done, &e) : print(&q, &e);
	house_close(&q.house);
	app_config_fini(&q.config);
	arena_fini(&q.arena);
	return r ? cli_fail(o.words[0], r, &e) : done;
}
