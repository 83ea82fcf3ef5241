#include "proto/pop3/count.h"

#include "proto/common/command_times.h"

METRIC_COUNTER(replies_ok, "troika_pop3_replies_total", "result=\"ok\"", "Replies.");
METRIC_COUNTER(replies_err, "troika_pop3_replies_total", "result=\"err\"", "Replies.");

#define REFUSED "troika_pop3_refused_total"
#define HELP "Replies that refuse something, by response code (RFC 2449, RFC 3206)."
METRIC_COUNTER(in_use, REFUSED, "code=\"IN-USE\"", HELP);
METRIC_COUNTER(login_delay, REFUSED, "code=\"LOGIN-DELAY\"", HELP);
METRIC_COUNTER(sys_temp, REFUSED, "code=\"SYS/TEMP\"", HELP);
METRIC_COUNTER(sys_perm, REFUSED, "code=\"SYS/PERM\"", HELP);
METRIC_COUNTER(auth, REFUSED, "code=\"AUTH\"", HELP);
METRIC_COUNTER(utf8, REFUSED, "code=\"UTF8\"", HELP);
METRIC_COUNTER(none, REFUSED, "code=\"none\"", HELP);

void pop3_count_ok(void) { metric_add(&replies_ok, 1); }

void pop3_count_err(struct pop3_call *c, const char *code, const char *text)
{
	static const struct { const char *code; struct metric *m; } rows[] = {
		{ "IN-USE", &in_use }, { "LOGIN-DELAY", &login_delay }, { "SYS/TEMP", &sys_temp }, { "SYS/PERM", &sys_perm }, { "AUTH", &auth }, { "UTF8", &utf8 } };
	struct metric *m = &none;

	for (size_t i = 0; code && i < sizeof rows / sizeof *rows; i++)
		if (!strcmp(rows[i].code, code))
			m = rows[i].m;
	metric_add(&replies_err, 1);
	metric_add(m, 1);
	if (c->s->told < POP3_TOLD_MAX) {
		c->s->told++;
		conn_log(c->conn, LOG_INFO, "pop3.refused", LOG_LIST(LOG_C("code", code ? code : "none"), LOG_C("text", text)));
	}
}

/* ---- commands ---- */

#define COMMANDS_MAX 32
#define COMMAND_SECONDS "troika_pop3_command_seconds"
static struct metric took[COMMANDS_MAX];      /* by row */

void pop3_count_begin(struct pop3_call *c, const struct pop3_command *command) { conn_command_begin(c->conn, command->name); }

void pop3_count_end(struct pop3_call *c, const struct pop3_command *command)
{
	size_t n, row = (size_t)(command - pop3_commands(&n));

	conn_command_end(c->conn, row < COMMANDS_MAX ? &took[row] : NULL, LOG_LIST(LOG_U("messages", c->s->drop.count)));
	conn_note(c->conn, c->s->sasl ? "logging in" : c->s->state == POP3_TRANSACTION ? "transaction" : "not logged in");
}

static void collect(struct buf *out)
{
	size_t n;
	const struct pop3_command *table = pop3_commands(&n);

	metric_print_head(out, COMMAND_SECONDS, METRIC_KIND_SECONDS, "What commands took, waiting for the client not counted.");
	for (size_t i = 0; i < n && i < COMMANDS_MAX; i++)
		command_times_print(out, COMMAND_SECONDS, table[i].name, &took[i]);
}
METRIC_COLLECT(collect);
