#include "proto/smtp/count.h"

#include "proto/common/command_times.h"

#define REPLIES "troika_smtp_replies_total"
#define REPLIES_HELP "Replies by the first digit of their code."
METRIC_COUNTER(replies_2, REPLIES, "class=\"2xx\"", REPLIES_HELP);
METRIC_COUNTER(replies_3, REPLIES, "class=\"3xx\"", REPLIES_HELP);
METRIC_COUNTER(replies_4, REPLIES, "class=\"4xx\"", REPLIES_HELP);
METRIC_COUNTER(replies_5, REPLIES, "class=\"5xx\"", REPLIES_HELP);

#define REFUSED "troika_smtp_refused_total"
#define HELP "Replies that refuse something, by reason."
METRIC_COUNTER(by_guard, REFUSED, "why=\"guard\"", HELP);
METRIC_COUNTER(by_milter, REFUSED, "why=\"milter\"", HELP);
METRIC_COUNTER(by_gate, REFUSED, "why=\"gate\"", HELP);
METRIC_COUNTER(size, REFUSED, "why=\"size\"", HELP);
METRIC_COUNTER(recipients, REFUSED, "why=\"too many recipients\"", HELP);
METRIC_COUNTER(unknown_user, REFUSED, "why=\"unknown user\"", HELP);
METRIC_COUNTER(relay, REFUSED, "why=\"relay denied\"", HELP);
METRIC_COUNTER(not_permitted, REFUSED, "why=\"not permitted\"", HELP);
METRIC_COUNTER(list, REFUSED, "why=\"list\"", HELP);
METRIC_COUNTER(bad_address, REFUSED, "why=\"bad address\"", HELP);
METRIC_COUNTER(login_needed, REFUSED, "why=\"login needed\"", HELP);
METRIC_COUNTER(login_failed, REFUSED, "why=\"login failed\"", HELP);
METRIC_COUNTER(tls_needed, REFUSED, "why=\"TLS needed\"", HELP);
METRIC_COUNTER(timeout, REFUSED, "why=\"timeout\"", HELP);
METRIC_COUNTER(too_many, REFUSED, "why=\"too many errors, messages or connections\"", HELP);
METRIC_COUNTER(mailbox_full, REFUSED, "why=\"mailbox full\"", HELP);
METRIC_COUNTER(disk_full, REFUSED, "why=\"disk full\"", HELP);
METRIC_COUNTER(local_error, REFUSED, "why=\"local error\"", HELP);
METRIC_COUNTER(going_down, REFUSED, "why=\"going down\"", HELP);
METRIC_COUNTER(line_ends, REFUSED, "why=\"line ends\"", HELP);
METRIC_COUNTER(syntax, REFUSED, "why=\"syntax\"", HELP);
METRIC_COUNTER(sequence, REFUSED, "why=\"sequence\"", HELP);
METRIC_COUNTER(content, REFUSED, "why=\"content or policy\"", HELP);
METRIC_COUNTER(other, REFUSED, "why=\"other\"", HELP);

METRIC_COUNTER(mx_messages, "troika_smtp_messages_total", "mode=\"mx\"", "Messages accepted.");
METRIC_COUNTER(submission_messages, "troika_smtp_messages_total", "mode=\"submission\"", "Messages accepted.");
METRIC_COUNTER(lmtp_messages, "troika_smtp_messages_total", "mode=\"lmtp\"", "Messages accepted.");
METRIC_COUNTER(bytes, "troika_smtp_message_bytes_total", "", "Their size.");
METRIC_COUNTER(message_recipients, "troika_smtp_message_recipients_total", "", "Their recipients.");

/* The first row that fits; an empty code fits any. told: whoever replied has logged it. */
static const struct reason { unsigned code; const char *enhanced; struct metric *m; bool told; } reasons[] = {
	{ 421, "4.4.2", &timeout, false }, { 421, "4.3.2", &going_down, true }, { 421, "", &too_many, false },
	{ 450, "4.7.1", &not_permitted, false },
	{ 452, "4.5.3", &recipients, false }, { 452, "4.2.2", &mailbox_full, false }, { 452, "4.3.1", &disk_full, false },
	{ 451, "4.3.0", &local_error, true }, { 453, "", NULL, true }, { 454, "4.7.0", &login_failed, true }, { 458, "", &local_error, false },
	{ 459, "", &not_permitted, false },
	{ 530, "", &login_needed, false }, { 535, "", &login_failed, true }, { 538, "", &tls_needed, false },
	{ 552, "", &size, false }, { 550, "5.1.1", &unknown_user, true }, { 551, "5.1.1", &unknown_user, false }, { 550, "5.7.2", &list, true },
	{ 554, "5.7.1", &relay, true }, { 550, "5.7.1", &not_permitted, false },
	{ 501, "5.1.7", &bad_address, false }, { 501, "5.1.3", &bad_address, false }, { 553, "", &bad_address, false },
	{ 521, "", &line_ends, true }, { 503, "", &sequence, false }, { 554, "5.5.1", &sequence, false },
	{ 500, "", &syntax, false }, { 501, "", &syntax, false }, { 502, "", &syntax, false }, { 504, "", &syntax, false }, { 555, "", &syntax, false },
	{ 550, "", &content, true }, { 554, "", &content, true },
};

static struct metric *reason_of(const struct smtp_call *c, unsigned code, const char *enhanced, bool *told_out)
{
	*told_out = true;
	if (c->gate)
		return strcmp(c->gate, "guard") == 0 ? &by_guard : strncmp(c->gate, "milter", 6) == 0 ? &by_milter : &by_gate;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		const struct reason *r = &reasons[i];
		if (r->code == code && (!r->enhanced[0] || (enhanced && !strcmp(r->enhanced, enhanced)))) {
			*told_out = r->told;
			return r->m;
		}
	}
	*told_out = false;
	return &other;
}

void smtp_count_reply(struct smtp_call *c, unsigned code, const char *enhanced, struct str text)
{
	static struct metric *const classes[] = { &replies_2, &replies_3, &replies_4, &replies_5 };
	bool told;

	if (code >= 200 && code < 600)
		metric_add(classes[code / 100 - 2], 1);
	if (code < 400)
		return;
	struct metric *m = reason_of(c, code, enhanced, &told);
	if (m)
		metric_add(m, 1);
	if (!told && c->s->errors + c->s->told < SMTP_TOLD_MAX) {
		c->s->told++;
		conn_log(c->conn, LOG_INFO, "smtp.refused", LOG_LIST(LOG_U("code", code), LOG_S("text", text)));
	}
}

void smtp_count_message(const struct smtp_call *c, uint64_t n)
{
	static struct metric *const modes[] = { [SMTP_MX] = &mx_messages, [SMTP_SUBMISSION] = &submission_messages, [SMTP_LMTP] = &lmtp_messages };

	metric_add(modes[c->service->mode], 1);
	metric_add(&bytes, (int64_t)n);
	metric_add(&message_recipients, c->s->t.n_recipients);
}

/* ---- commands ---- */

#define COMMANDS_MAX 32
#define COMMAND_SECONDS "troika_smtp_command_seconds"
#define MESSAGE "(message)"
static struct metric took[COMMANDS_MAX], message_took;      /* by row; nameless */

void smtp_count_begin(struct smtp_call *c, const struct smtp_command *cmd) { conn_command_begin(c->conn, cmd ? cmd->verb : MESSAGE); }

static const char *state_of(const struct smtp_session *s)
{
	if (s->phase == SMTP_AUTH_EXCHANGE)
		return "logging in";
	if (s->phase == SMTP_DATA || s->phase == SMTP_BDAT)
		return "data";
	return s->phase == SMTP_TURNED ? "turned" : s->t.open ? "transaction" : s->greeted ? "greeted" : "connected";
}

void smtp_count_end(struct smtp_call *c, const struct smtp_command *cmd, bool ended)
{
	size_t n, row = cmd ? (size_t)(cmd - smtp_commands(&n)) : 0;
	struct metric *m = cmd ? (row < COMMANDS_MAX ? &took[row] : NULL) : ended ? &message_took : NULL;

	conn_note(c->conn, state_of(c->s));
	conn_command_end(c->conn, m, LOG_LIST(LOG_S("from", c->s->t.sender), LOG_U("rcpts", c->s->t.n_recipients)));
}

static void collect(struct buf *out)
{
	size_t n;
	const struct smtp_command *table = smtp_commands(&n);

	metric_print_head(out, COMMAND_SECONDS, METRIC_KIND_SECONDS, "What commands took, waiting for the client not counted; (message): from the last octet to the reply.");
	for (size_t i = 0; i < n && i < COMMANDS_MAX; i++)
		command_times_print(out, COMMAND_SECONDS, table[i].verb, &took[i]);
	metric_print_seconds(out, COMMAND_SECONDS, "command=\"" MESSAGE "\"", &message_took);
}
METRIC_COLLECT(collect);
