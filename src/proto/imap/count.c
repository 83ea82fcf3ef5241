#include "proto/imap/count.h"

#include "proto/common/command_times.h"
#include "proto/imap/limits.h"

#define REPLIES "troika_imap_replies_total"
#define REPLIES_HELP "Tagged replies."
METRIC_COUNTER(replies_ok, REPLIES, "result=\"OK\"", REPLIES_HELP);
METRIC_COUNTER(replies_no, REPLIES, "result=\"NO\"", REPLIES_HELP);
METRIC_COUNTER(replies_bad, REPLIES, "result=\"BAD\"", REPLIES_HELP);

#define BYE "troika_imap_byes_total"
#define BYE_HELP "Sessions that the server ended, by reason."
METRIC_COUNTER(bye_bad, BYE, "why=\"Too many bad commands\"", BYE_HELP);
METRIC_COUNTER(bye_failed, BYE, "why=\"Too many failed attempts\"", BYE_HELP);
METRIC_COUNTER(bye_slow, BYE, "why=\"Logging in took too long\"", BYE_HELP);
METRIC_COUNTER(bye_idle, BYE, "why=\"Autologout; idle for too long\"", BYE_HELP);
METRIC_COUNTER(bye_down, BYE, "why=\"[UNAVAILABLE] Server is going down\"", BYE_HELP);
METRIC_COUNTER(bye_memory, BYE, "why=\"[UNAVAILABLE] Out of memory\"", BYE_HELP);
METRIC_COUNTER(bye_tls, BYE, "why=\"[UNAVAILABLE] TLS could not be started\"", BYE_HELP);
METRIC_COUNTER(bye_user, BYE, "why=\"Logging out\"", BYE_HELP);

/* ---- refusals, by response code (RFC 5530) ---- */

#define REFUSED "troika_imap_refused_total"
static const char *const codes[] = { "LIMIT", "TOOBIG", "OVERQUOTA", "UNAVAILABLE", "SERVERBUG", "CORRUPTION", "CONTACTADMIN", "INUSE", "NOPERM", "NONEXISTENT",
	"TRYCREATE", "ALREADYEXISTS", "CANNOT", "READ-ONLY", "PRIVACYREQUIRED", "AUTHENTICATIONFAILED", "UIDREQUIRED", "EXPUNGEISSUED", "none", "other" };
#define CODES (sizeof codes / sizeof codes[0])
static _Atomic uint64_t refused[CODES][2];        /* NO, BAD */

static size_t code_row(struct str reply)
{
	struct str code, rest;
	if (!str_cut(reply, '[', &rest, &code) || rest.n > 4)
		return CODES - 2;
	for (size_t n = 0; n < code.n; n++)
		if (code.p[n] == ']' || code.p[n] == ' ')
			code.n = n;
	for (size_t i = 0; i < CODES - 2; i++)
		if (str_eq(code, str_from_c(codes[i])))
			return i;
	return CODES - 1;
}

void imap_count_reply(struct imap_request *r)
{
	bool bad = str_starts(r->reply, STR("BAD"));
	if (!bad && !str_starts(r->reply, STR("NO"))) {
		metric_add(&replies_ok, 1);
		return;
	}
	metric_add(bad ? &replies_bad : &replies_no, 1);
	refused[code_row(r->reply)][bad]++;
	if (r->s->told < IMAP_TOLD_MAX) {
		r->s->told++;
		conn_log(r->conn, LOG_INFO, "imap.refused", LOG_LIST(LOG_C("what", r->row ? r->row->name : "?"), LOG_S("reply", r->reply)));
	}
}

void imap_count_bye(struct imap_session *s, const char *text)
{
	static struct metric *const all[] = { &bye_bad, &bye_failed, &bye_slow, &bye_idle, &bye_down, &bye_memory, &bye_tls, &bye_user };
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		struct str why = str_from(str_from_c(all[i]->labels), sizeof("why=\"") - 1);
		if (str_eq(str_sub(why, 0, why.n - 1), str_from_c(text)))
			metric_add(all[i], 1);
	}
	conn_log(s->conn, LOG_DEBUG, "imap.bye", LOG_LIST(LOG_C("why", text)));
}

/* ---- commands ---- */

#define COMMANDS_MAX 160
#define COMMAND_SECONDS "troika_imap_command_seconds"
static struct metric took[COMMANDS_MAX + 1];      /* by row; the last: of no row */

void imap_count_begin(struct imap_request *r) { conn_command_begin(r->conn, r->row ? r->row->name : "(unknown)"); }

void imap_count_state(struct imap_session *s)
{
	const char *state = s->state == IMAP_NOT_AUTHENTICATED ? "not logged in" : s->state == IMAP_SELECTED ? "selected" : "logged in";
	if (s->continued)
		state = s->continued->flags & IMAP_TELLS_NEWS ? "idle" : "logging in";
	conn_note(s->conn, state);
}

void imap_count_end(struct imap_request *r, bool goes_on)
{
	size_t n, row = COMMANDS_MAX;
	const struct imap_session *s = r->s;
	if (r->row)
		row = (size_t)(r->row - imap_command_table(&n));
	conn_command_end(r->conn, goes_on || row > COMMANDS_MAX ? NULL : &took[row],
					 LOG_LIST(LOG_U("mailbox", s->selected.mailbox), LOG_U("messages", s->selected.view ? view_count(s->selected.view) : 0)));
	imap_count_state(r->s);
}

static void collect(struct buf *out)
{
	size_t n;
	const struct imap_command *table = imap_command_table(&n);
	char labels[64];
	metric_print_head(out, COMMAND_SECONDS, METRIC_KIND_SECONDS, "What commands took, waiting for the client not counted.");
	for (size_t i = 0; i < n && i < COMMANDS_MAX; i++)
		command_times_print(out, COMMAND_SECONDS, table[i].name, &took[i]);
	metric_print_seconds(out, COMMAND_SECONDS, "command=\"(unknown)\"", &took[COMMANDS_MAX]);
	metric_print_head(out, REFUSED, METRIC_KIND_COUNTER, "Tagged NO and BAD, by response code.");
	for (size_t i = 0; i < CODES; i++) {
		for (int bad = 0; bad < 2; bad++) {
			snprintf(labels, sizeof labels, "result=\"%s\",code=\"%s\"", bad ? "BAD" : "NO", codes[i]);
			metric_print_value(out, REFUSED, labels, (int64_t)refused[i][bad]);
		}
	}
}
METRIC_COLLECT(collect);
