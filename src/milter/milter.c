#include "base/clock.h"
#include "milter/inside.h"
#include "milter/limits.h"
#include "milter/macros.h"

#include <stdlib.h>

#define SYMBOLS_MAX ((size_t)256 << 10)     /* octets kept of the lists of macros that a filter asks for */

static const struct step step_connect = { MILTER_CMD_CONNECT, MILTER_NO_CONNECT, MILTER_NO_REPLY_CONNECT, MILTER_AT_CONNECT, "connect" };
static const struct step step_helo = { MILTER_CMD_HELO, MILTER_NO_HELO, MILTER_NO_REPLY_HELO, MILTER_AT_HELO, "HELO" };
static const struct step step_mail = { MILTER_CMD_MAIL, MILTER_NO_MAIL, MILTER_NO_REPLY_MAIL, MILTER_AT_MAIL, "MAIL" };
static const struct step step_rcpt = { MILTER_CMD_RCPT, MILTER_NO_RCPT, MILTER_NO_REPLY_RCPT, MILTER_AT_RCPT, "RCPT" };
static const struct step step_data = { MILTER_CMD_DATA, MILTER_NO_DATA, MILTER_NO_REPLY_DATA, MILTER_AT_DATA, "DATA" };
static const struct step step_unknown = { MILTER_CMD_UNKNOWN, MILTER_NO_UNKNOWN, MILTER_NO_REPLY_UNKNOWN, MILTER_STAGE_COUNT, "an unknown command" };
static const struct step step_header = { MILTER_CMD_HEADER, MILTER_NO_HEADERS, MILTER_NO_REPLY_HEADER, MILTER_STAGE_COUNT, "a header field" };
static const struct step step_eoh = { MILTER_CMD_EOH, MILTER_NO_EOH, MILTER_NO_REPLY_EOH, MILTER_AT_EOH, "the end of the header" };
static const struct step step_body = { MILTER_CMD_BODY, MILTER_NO_BODY, MILTER_NO_REPLY_BODY, MILTER_STAGE_COUNT, "the body" };
static const struct step step_eom = { MILTER_CMD_EOM, 0, 0, MILTER_AT_EOM, "the end of the message" };


const struct milter_filter *milter_filter_of(const struct milter *m) { return m->filter; }
const char *milter_problem(const struct milter *m) { return m->problem.log; }

/* ---- steps ---- */

/* Puts the macros (they count for later stages also where this one is left out); true when the command is to follow. */
static bool begin(struct milter *m, const struct step *s, const struct milter_macros *x, struct milter_answer *out)
{
	*out = (struct milter_answer){ .verdict = MILTER_CONTINUE };
	if (m->deaf_to_connection || (m->deaf_to_message && s != &step_unknown))
		return false;
	if (s->stage != MILTER_STAGE_COUNT)
		milter_macros_put(&m->out, s->command, m->symbols[s->stage].p ? m->symbols[s->stage] : milter_macros_default(s->stage), x);
	return !((m->options.steps | m->filter->steps_off) & s->left_out) && m->skipped != s->command;
}

/* What the answer means for what this filter is asked later. */
static void remember(struct milter *m, const struct step *s, const struct milter_answer *a)
{
	bool of_connection = s == &step_connect || s == &step_helo;
	bool of_one = s == &step_rcpt || s == &step_unknown;       /* a refusal there is no word about the message */

	if (a->verdict == MILTER_CONTINUE)
		return;
	if (a->verdict == MILTER_SHUTDOWN || (of_connection && a->verdict != MILTER_DISCARD))
		m->deaf_to_connection = true;
	else if (!of_one || a->verdict == MILTER_ACCEPT || a->verdict == MILTER_DISCARD)
		m->deaf_to_message = true;
	if (m->deaf_to_message || m->deaf_to_connection)
		m->in_message = false;
}

/* Sends what begin and the caller have put, and waits for the answer where there is one. */
static int finish(struct milter *m, const struct step *s, struct milter_changes *changes, struct milter_answer *out)
{
	uint64_t limit = s == &step_eom ? m->filter->message_ms : m->filter->command_ms;
	int r = milter_send(m, s);

	if (r == 0 && !(m->options.steps & s->no_reply)) {
		r = milter_read_answer(m, s, limit, changes, out);
		if (r == 0)
			remember(m, s, out);
	}
	return r;
}

/* finish, for commands after which the peer may think for long: the filter should see them now. */
static int finish_now(struct milter *m, const struct step *s, struct milter_answer *out)
{
	int r = finish(m, s, NULL, out);

	if (r == 0 && m->options.steps & s->no_reply) {
		r = stream_flush(m->stream);
		if (r)
			milter_fail(m, r, s->name, err_text(r));
	}
	return r;
}

int milter_connect(struct milter *m, const struct milter_macros *x, struct str hostname, const struct net_endpoint *peer, struct milter_answer *out)
{
	if (!begin(m, &step_connect, x, out))
		return 0;
	milter_put_connect(&m->out, hostname, peer);
	return finish_now(m, &step_connect, out);
}

int milter_helo(struct milter *m, const struct milter_macros *x, struct str helo, struct milter_answer *out)
{
	if (!begin(m, &step_helo, x, out))
		return 0;
	milter_put_text(&m->out, MILTER_CMD_HELO, helo);
	return finish_now(m, &step_helo, out);
}

int milter_mail(struct milter *m, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, struct milter_answer *out)
{
	m->deaf_to_message = false;
	m->skipped = 0;
	m->in_message = !m->deaf_to_connection;
	if (!begin(m, &step_mail, x, out))
		return 0;
	milter_put_address(&m->out, MILTER_CMD_MAIL, address, arguments, n < MILTER_ARGUMENTS_MAX ? n : MILTER_ARGUMENTS_MAX);
	return finish_now(m, &step_mail, out);
}

int milter_rcpt(struct milter *m, const struct milter_macros *x, struct str address, const struct str *arguments, size_t n, bool refused,
				struct milter_answer *out)
{
	*out = (struct milter_answer){ .verdict = MILTER_CONTINUE };
	if ((refused && !(m->options.steps & MILTER_RCPT_REJECTED)) || !begin(m, &step_rcpt, x, out))
		return 0;
	milter_put_address(&m->out, MILTER_CMD_RCPT, address, arguments, n < MILTER_ARGUMENTS_MAX ? n : MILTER_ARGUMENTS_MAX);
	return finish_now(m, &step_rcpt, out);
}

int milter_data(struct milter *m, const struct milter_macros *x, struct milter_answer *out)
{
	if (!begin(m, &step_data, x, out))
		return 0;
	milter_put_bare(&m->out, MILTER_CMD_DATA);
	return finish_now(m, &step_data, out);
}

int milter_unknown(struct milter *m, const struct milter_macros *x, struct str line, struct milter_answer *out)
{
	if (!begin(m, &step_unknown, x, out))
		return 0;
	milter_put_text(&m->out, MILTER_CMD_UNKNOWN, line);
	return finish_now(m, &step_unknown, out);
}

static int tell_header(struct milter *m, const struct milter_macros *x, const struct milter_message *message, struct milter_answer *out)
{
	int r = 0;

	for (const struct milter_field *f = message->first; f && r == 0; f = f->next) {
		if (f->hidden || !begin(m, &step_header, x, out))
			continue;
		milter_put_header(&m->out, f->name, f->body, m->options.steps & MILTER_LEADING_SPACE);
		r = finish(m, &step_header, NULL, out);
		if (out->verdict != MILTER_CONTINUE)
			return r;
	}
	if (r == 0 && begin(m, &step_eoh, x, out)) {
		milter_put_bare(&m->out, MILTER_CMD_EOH);
		r = finish(m, &step_eoh, NULL, out);
	}
	return r;
}

static int tell_body(struct milter *m, const struct milter_macros *x, struct str body, struct milter_answer *out)
{
	int r = 0;

	while (body.n && r == 0 && out->verdict == MILTER_CONTINUE && begin(m, &step_body, x, out)) {
		milter_put_body(&m->out, str_sub(body, 0, MILTER_CHUNK_MAX));
		body = str_from(body, MILTER_CHUNK_MAX);
		r = finish(m, &step_body, NULL, out);
	}
	return r;
}

int milter_message(struct milter *m, const struct milter_macros *x, const struct milter_message *message, struct milter_changes *changes,
				   struct milter_answer *out)
{
	*out = (struct milter_answer){ .verdict = MILTER_CONTINUE };
	int r = tell_header(m, x, message, out);

	if (r == 0 && out->verdict == MILTER_CONTINUE)
		r = tell_body(m, x, message->body, out);
	if (r || out->verdict != MILTER_CONTINUE || !begin(m, &step_eom, x, out))
		return r;
	milter_put_bare(&m->out, MILTER_CMD_EOM);
	r = finish(m, &step_eom, changes, out);
	m->in_message = false;
	m->deaf_to_message = true;
	return r;
}

/* ---- beginning and end ---- */

static const struct step step_options = { MILTER_CMD_OPTIONS, 0, 0, MILTER_STAGE_COUNT, "the negotiation" };

/* UNKNOWN came with version 3, DATA with 4. */
static int negotiate(struct milter *m)
{
	struct milter_options ours = { MILTER_VERSION, m->filter->actions, MILTER_STEPS_ALL };
	struct milter_reply reply = { 0 };
	struct str packet;

	milter_put_options(&m->out, &ours);
	stream_set_deadline(m->stream, clock_mono_ms() + m->filter->command_ms);
	int r = milter_send(m, &step_options);
	if (r)
		return r;
	r = milter_read_packet(m, &packet);
	if (r == 0)
		r = milter_reply_parse(packet, &reply);
	stream_set_deadline(m->stream, 0);
	if (r == 0 && reply.kind != MILTER_REPLY_OPTIONS)
		r = ERR_INVALID;
	if (r)
		return milter_fail(m, r, step_options.name, r == ERR_INVALID ? "it does not speak the protocol" : err_text(r));
	m->options = reply.options;
	if (m->options.version < 3)
		m->options.steps |= MILTER_NO_UNKNOWN;
	if (m->options.version < 4)
		m->options.steps |= MILTER_NO_DATA;
	if (m->options.version < MILTER_VERSION_LEAST || m->options.version > MILTER_VERSION)
		return milter_fail(m, ERR_UNSUPPORTED, step_options.name, "it speaks another version of the protocol");
	if (m->options.actions & ~ours.actions)
		return milter_fail(m, ERR_DENIED, step_options.name, "it wants to change what it may not");
	if (m->options.steps & ~ours.steps)
		return milter_fail(m, ERR_UNSUPPORTED, step_options.name, "it wants steps that do not exist");
	return milter_take_symbols(m, &reply);
}

int milter_open(const struct milter_filter *f, struct milter **out, struct err *e)
{
	struct stream_target target = { .peer = f->peer, .path = f->path, .timeout_ms = f->connect_ms };
	struct milter *m = calloc(1, sizeof *m);

	*out = NULL;
	if (!m)
		return err_set(e, ERR_NO_MEMORY, NULL, "no memory for a conversation with filter %.*s", STR_ARG(f->name));
	m->filter = f;
	arena_init(&m->arena, SYMBOLS_MAX);
	int r = stream_connect(&target, &m->stream, &m->problem);
	if (r) {
		char why[sizeof m->problem.log];
		str_copy_c(why, sizeof why, str_from_c(m->problem.log));
		milter_fail(m, r, "connecting", why[0] ? why : err_text(r));
	} else {
		stream_set_timeout(m->stream, f->command_ms);
		r = negotiate(m);
	}
	if (r) {
		err_set(e, r, NULL, "%s", m->problem.log);
		milter_close(&m);
		return r;
	}
	*out = m;
	return 0;
}

void milter_close(struct milter **m)
{
	if (!*m)
		return;
	if ((*m)->stream && !(*m)->problem.code) {
		milter_put_bare(&(*m)->out, MILTER_CMD_QUIT);
		if (stream_write((*m)->stream, (*m)->out.p, (*m)->out.n) == 0)
			(void)stream_flush((*m)->stream);
	}
	stream_close(&(*m)->stream);
	arena_fini(&(*m)->arena);
	buf_fini(&(*m)->out);
	buf_fini(&(*m)->in);
	buf_fini(&(*m)->text);
	free(*m);
	*m = NULL;
}

static const struct step step_quit_nc = { MILTER_CMD_QUIT_NC, 0, 0, MILTER_STAGE_COUNT, "the next connection" };

int milter_next(struct milter *m)
{
	if (m->options.version < MILTER_VERSION)
		return milter_fail(m, ERR_UNSUPPORTED, step_quit_nc.name, "it speaks an older version of the protocol");
	buf_reset(&m->out);
	milter_put_bare(&m->out, MILTER_CMD_QUIT_NC);
	int r = milter_send(m, &step_quit_nc);
	if (r == 0 && (r = stream_flush(m->stream)) != 0)
		milter_fail(m, r, step_quit_nc.name, err_text(r));
	m->skipped = 0;
	m->in_message = m->deaf_to_message = m->deaf_to_connection = false;
	return r;
}

bool milter_is_stale(struct milter *m)
{
	return stream_readable(m->stream);
}

static const struct step step_abort = { MILTER_CMD_ABORT, 0, 0, MILTER_STAGE_COUNT, "the end of a transaction" };

int milter_abort(struct milter *m)
{
	bool tell = m->in_message;

	m->in_message = m->deaf_to_message = false;
	m->skipped = 0;
	buf_reset(&m->out);
	if (!tell)
		return 0;
	milter_put_bare(&m->out, MILTER_CMD_ABORT);
	int r = milter_send(m, &step_abort);
	if (r == 0 && (r = stream_flush(m->stream)) != 0)
		milter_fail(m, r, step_abort.name, err_text(r));
	return r;
}
