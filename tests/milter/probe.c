/* A filter on libmilter, for the tests: it does what addresses and subject say, and writes down what it is told.
 *
 *     milter_probe SOCKET NAME [MODE...]       SOCKET as libmilter writes it (unix:/path, inet:port@host)
 *
 * Host name of the peer, HELO name, local parts of sender and recipients: reject, tempfail, accept, discard, code, close (421), die, sleep.
 * A sender at-data-VERB acts at DATA, at-header-VERB at the first field, at-eoh-VERB, at-body-VERB. The words of the subject act at the end of
 * the message, in order: see `actions`. Modes: quiet (no reply where the protocol allows), leadspace, symbols (asks for macros of its own),
 * few (no connect, helo, data, unknown, headers, eoh, body), noactions, insist (on all actions), refused (wants refused recipients too). Log on stdout, a line an event. */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *name;
static bool quiet, leadspace, symbols, few, noactions, insist, refused;

struct state {
	char sender[256], subject[1024];
	size_t body, chunks, fields;
};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
	char line[4096];
	va_list ap;
	int n = snprintf(line, sizeof line - 1, "%s ", name);

	va_start(ap, format);
	n += vsnprintf(line + n, sizeof line - 1 - (size_t)n, format, ap);
	va_end(ap);
	if (n > (int)sizeof line - 2)
		n = (int)sizeof line - 2;
	for (int i = 0; i < n; i++)
		if (line[i] == '\n')
			line[i] = '|';
	line[n++] = '\n';
	if (write(1, line, (size_t)n) != n)
		_exit(1);
}

static void say_macros(SMFICTX *ctx, const char *const *names)
{
	for (; *names; names++) {
		char symbol[64];
		snprintf(symbol, sizeof symbol, "%s", *names);
		const char *value = smfi_getsymval(ctx, symbol);
		if (value)
			say("macro %s=%s", *names, value);
	}
}

static sfsistat act(SMFICTX *ctx, const char *verb)
{
	size_t n = strcspn(verb, "@>");
	static char multi[] = "451", four[] = "4.7.9";

	if (!strncmp(verb, "reject", n) && n == 6)
		return SMFIS_REJECT;
	if (!strncmp(verb, "tempfail", n) && n == 8)
		return SMFIS_TEMPFAIL;
	if (!strncmp(verb, "accept", n) && n == 6)
		return SMFIS_ACCEPT;
	if (!strncmp(verb, "discard", n) && n == 7)
		return SMFIS_DISCARD;
	if (!strncmp(verb, "code", n) && n == 4) {
		smfi_setreply(ctx, "554", "5.7.8", "One line from the probe: 100%%");
		return SMFIS_REJECT;
	}
	if (!strncmp(verb, "lines", n) && n == 5) {
		smfi_setmlreply(ctx, multi, four, "First line", "Second line", NULL);
		return SMFIS_TEMPFAIL;
	}
	if (!strncmp(verb, "close", n) && n == 5) {
		smfi_setreply(ctx, "421", "4.7.0", "Going away");
		return SMFIS_TEMPFAIL;
	}
	if (!strncmp(verb, "die", n) && n == 3)
		_exit(3);
	if (!strncmp(verb, "sleep", n) && n == 5)
		sleep(5);
	return SMFIS_CONTINUE;
}

/* What was asked for at this stage, or nothing. */
static sfsistat act_at(SMFICTX *ctx, const char *stage)
{
	struct state *s = smfi_getpriv(ctx);
	size_t n = strlen(stage);

	if (!strncmp(s->sender, "at-", 3) && !strncmp(s->sender + 3, stage, n) && s->sender[3 + n] == '-')
		return act(ctx, s->sender + 4 + n);
	return SMFIS_CONTINUE;
}

static sfsistat quiet_or(sfsistat r, bool may_be_quiet) { return may_be_quiet && quiet ? SMFIS_NOREPLY : r; }

static struct state *state_of(SMFICTX *ctx)
{
	struct state *s = smfi_getpriv(ctx);

	if (!s) {
		s = calloc(1, sizeof *s);
		smfi_setpriv(ctx, s);
	}
	return s;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3, unsigned long *pf0, unsigned long *pf1,
							 unsigned long *pf2, unsigned long *pf3)
{
	unsigned long steps = SMFIP_SKIP;

	(void)f2, (void)f3;
	say("negotiate actions=%lx steps=%lx", f0, f1);
	if (quiet)
		steps |= SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;
	if (leadspace)
		steps |= SMFIP_HDR_LEADSPC;
	if (few)
		steps |= SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NOBODY;
	if (refused)
		steps |= SMFIP_RCPT_REJ;
	if (symbols && (f0 & SMFIF_SETSYMLIST)) {
		smfi_setsymlist(ctx, SMFIM_CONNECT, "j {client_addr}");
		smfi_setsymlist(ctx, SMFIM_ENVRCPT, "{rcpt_addr} {own}");
	}
	*pf0 = noactions ? 0 : insist ? 0x1ff : f0 & 0x1ff;
	*pf1 = steps & f1;
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	static const char *const names[] = { "j", "_", "{daemon_name}", "{if_addr}", "v", "{client_addr}", "{client_name}", "{client_port}", NULL };

	state_of(ctx);
	say("connect %s %s", host, address ? "address" : "nowhere");
	say_macros(ctx, names);
	return quiet_or(act(ctx, host), true);
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
	static const char *const names[] = { "{tls_version}", "{cipher}", NULL };

	state_of(ctx);
	say("helo %s", helo);
	say_macros(ctx, names);
	return quiet_or(act(ctx, helo), true);
}

static void say_arguments(const char *what, char **argv)
{
	char line[1024] = "";

	for (size_t n = 0; *argv && n < sizeof line - 2; argv++)
		n += (size_t)snprintf(line + n, sizeof line - n, " %s", *argv);
	say("%s%s", what, line);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	static const char *const names[] = { "i", "{auth_type}", "{auth_authen}", "{mail_addr}", "{mail_host}", "{mail_mailer}", NULL };
	struct state *s = state_of(ctx);

	memset(s, 0, sizeof *s);
	snprintf(s->sender, sizeof s->sender, "%s", argv[0] + 1);
	say_arguments("mail", argv);
	say_macros(ctx, names);
	return quiet_or(act(ctx, s->sender), true);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	static const char *const names[] = { "i", "{rcpt_addr}", "{rcpt_host}", "{rcpt_mailer}", "{own}", NULL };

	state_of(ctx);
	say_arguments("rcpt", argv);
	say_macros(ctx, names);
	return quiet_or(act(ctx, argv[0] + 1), true);
}

static sfsistat on_data(SMFICTX *ctx)
{
	say("data");
	return quiet_or(act_at(ctx, "data"), true);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *line)
{
	say("unknown %s", line);
	return quiet_or(act(ctx, line), true);
}

static sfsistat on_header(SMFICTX *ctx, char *field, char *value)
{
	struct state *s = state_of(ctx);
	sfsistat r = s->fields++ ? SMFIS_CONTINUE : act_at(ctx, "header");

	say("header %s:%s", field, value);
	if (!strcasecmp(field, "Subject"))
		snprintf(s->subject, sizeof s->subject, "%s", value);
	return quiet_or(r, true);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	say("eoh");
	return quiet_or(act_at(ctx, "eoh"), true);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *p, size_t n)
{
	struct state *s = state_of(ctx);

	(void)p;
	s->body += n;
	s->chunks++;
	if (strstr(s->subject, "skip"))
		return SMFIS_SKIP;
	return quiet_or(act_at(ctx, "body"), true);
}

struct action {
	const char *word;
	void (*run)(SMFICTX *ctx);
};
static void run_add(SMFICTX *c) { smfi_addheader(c, "X-Probe", "added\n\tfolded"); }
static void run_insert0(SMFICTX *c) { smfi_insheader(c, 0, "X-Top", "inserted"); }
static void run_insert1(SMFICTX *c) { smfi_insheader(c, 1, "X-First", "inserted"); }
static void run_insert2(SMFICTX *c) { smfi_insheader(c, 2, "X-Second", "inserted"); }
static void run_change(SMFICTX *c) { smfi_chgheader(c, "X-Old", 2, "changed"); }
static void run_delete(SMFICTX *c) { smfi_chgheader(c, "X-Old", 1, NULL); }
static void run_sender(SMFICTX *c) { smfi_chgfrom(c, "<changed@example.net>", "RET=HDRS"); }
static void run_rcpt(SMFICTX *c) { smfi_addrcpt(c, "<added@example.org>"); }
static void run_rcptpar(SMFICTX *c) { smfi_addrcpt_par(c, "<par@example.org>", "NOTIFY=NEVER"); }
static void run_delrcpt(SMFICTX *c) { smfi_delrcpt(c, "<bob@example.org>"); }
static void run_quarantine(SMFICTX *c) { smfi_quarantine(c, "the probe says so"); }
static void run_progress(SMFICTX *c)
{
	for (int i = 0; i < 4; i++) {
		usleep(600 * 1000);
		smfi_progress(c);
	}
}
static void run_body(SMFICTX *c)
{
	static char line[] = "A new line in a new body.\r\n";
	size_t n = 4000 * (sizeof line - 1);
	unsigned char *large = malloc(n);

	for (size_t i = 0; i < 4000; i++)
		memcpy(large + i * (sizeof line - 1), line, sizeof line - 1);
	smfi_replacebody(c, large, (int)n);
	free(large);
}
static void run_smallbody(SMFICTX *c)
{
	static unsigned char text[] = "small\r\n";
	smfi_replacebody(c, text, sizeof text - 1);
}

static const struct action actions[] = {
	{ "add", run_add }, { "insert0", run_insert0 }, { "insert1", run_insert1 }, { "insert2", run_insert2 }, { "change", run_change },
	{ "delete", run_delete }, { "sender", run_sender }, { "rcpt", run_rcpt }, { "rcptpar", run_rcptpar }, { "delrcpt", run_delrcpt },
	{ "quarantine", run_quarantine }, { "progress", run_progress }, { "body", run_body }, { "smallbody", run_smallbody },
};

static sfsistat on_eom(SMFICTX *ctx)
{
	static const char *const names[] = { "i", "{msg_id}", NULL };
	struct state *s = state_of(ctx);
	char *rest = s->subject, *word;

	say("eom fields=%zu body=%zu chunks=%zu", s->fields, s->body, s->chunks);
	say_macros(ctx, names);
	while ((word = strsep(&rest, " "))) {
		for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
			if (!strcmp(word, actions[i].word))
				actions[i].run(ctx);
		if (!strncmp(word, "then-", 5))
			return act(ctx, word + 5);
	}
	return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *ctx)
{
	(void)ctx;
	say("abort");
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	say("close");
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		"probe", SMFI_VERSION, SMFI_CURR_ACTS, on_connect, on_helo, on_mail, on_rcpt, on_header, on_eoh, on_body, on_eom, on_abort, on_close,
		on_unknown, on_data, on_negotiate,
	};

	if (argc < 3)
		return 2;
	name = argv[2];
	for (int i = 3; i < argc; i++) {
		quiet |= !strcmp(argv[i], "quiet");
		leadspace |= !strcmp(argv[i], "leadspace");
		symbols |= !strcmp(argv[i], "symbols");
		few |= !strcmp(argv[i], "few");
		noactions |= !strcmp(argv[i], "noactions");
		insist |= !strcmp(argv[i], "insist");
		refused |= !strcmp(argv[i], "refused");
	}
	if (noactions)
		filter.xxfi_flags = 0;
	if (smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE || smfi_opensocket(true) == MI_FAILURE)
		return 1;
	say("ready");
	return smfi_main();
}
