#include "base/bytes.h"
#include "base/clock.h"
#include "milter/inside.h"
#include "milter/limits.h"

/* ---- packets over the stream ---- */

int milter_fail(struct milter *m, int code, const char *where, const char *what)
{
	return err_set(&m->problem, code, NULL, "filter %.*s, at %s: %s", STR_ARG(m->filter->name), where, what);
}

int milter_send(struct milter *m, const struct step *s)
{
	int r = m->out.failed ? ERR_NO_MEMORY : stream_write(m->stream, m->out.p, m->out.n);

	buf_reset(&m->out);
	return r ? milter_fail(m, r, s->name, err_text(r)) : 0;
}

int milter_read_packet(struct milter *m, struct str *out)
{
	uint8_t length[4];
	int r = stream_read_exact(m->stream, length, sizeof length);

	if (r)
		return r;
	size_t n = load_be32(length);
	if (n == 0 || n > MILTER_PACKET_MAX)
		return ERR_INVALID;
	buf_reset(&m->in);
	char *to = buf_reserve(&m->in, n);
	if (!to)
		return ERR_NO_MEMORY;
	*out = str_make(to, n);
	return stream_read_exact(m->stream, to, n);
}

/* ---- replies ---- */

static uint32_t action_of(enum milter_reply_kind k)
{
	switch (k) {
	case MILTER_REPLY_ADD_HEADER:
	case MILTER_REPLY_INSERT_HEADER:
		return MILTER_ACT_ADD_HEADERS;
	case MILTER_REPLY_CHANGE_HEADER:
		return MILTER_ACT_CHANGE_HEADERS;
	case MILTER_REPLY_CHANGE_FROM:
		return MILTER_ACT_CHANGE_FROM;
	case MILTER_REPLY_ADD_RCPT:
		return MILTER_ACT_ADD_RCPT;
	case MILTER_REPLY_ADD_RCPT_PAR:
		return MILTER_ACT_ADD_RCPT_PAR;
	case MILTER_REPLY_DEL_RCPT:
		return MILTER_ACT_DEL_RCPT;
	case MILTER_REPLY_BODY:
		return MILTER_ACT_CHANGE_BODY;
	case MILTER_REPLY_QUARANTINE:
		return MILTER_ACT_QUARANTINE;
	default:
		return 0;
	}
}

int milter_take_symbols(struct milter *m, const struct milter_reply *r)
{
	for (unsigned i = 0; i < MILTER_STAGE_COUNT; i++)
		if (r->symbols[i].p)
			m->symbols[i] = arena_dup(&m->arena, r->symbols[i]);
	return m->arena.failed ? ERR_NO_MEMORY : 0;
}

static void refuse(struct milter_answer *out, enum milter_verdict v, unsigned code, const char *enhanced, struct str text)
{
	*out = (struct milter_answer){ .verdict = v, .code = code, .text = text };
	str_copy_c(out->enhanced, sizeof out->enhanced, str_from_c(enhanced));
}

static int take_code(struct milter *m, struct str value, struct milter_answer *out)
{
	buf_reset(&m->text);
	if (milter_code_parse(value, &out->code, out->enhanced, &m->text) || m->text.failed)
		return ERR_INVALID;
	out->text = buf_str(&m->text);
	/* RFC 5321 3.8: 421 says that we close */
	out->verdict = out->code == 421 ? MILTER_SHUTDOWN : out->code < 500 ? MILTER_TEMPFAIL : MILTER_REJECT;
	return 0;
}

static int take_verdict(struct milter *m, const struct step *s, const struct milter_reply *r, struct milter_answer *out)
{
	switch (r->kind) {
	case MILTER_REPLY_CONTINUE:
		return 0;
	case MILTER_REPLY_ACCEPT:
		out->verdict = MILTER_ACCEPT;
		return 0;
	case MILTER_REPLY_DISCARD:
		out->verdict = m->in_message ? MILTER_DISCARD : MILTER_CONTINUE;
		return 0;
	case MILTER_REPLY_REJECT:
		refuse(out, MILTER_REJECT, 550, "5.7.1", STR("Refused by a content filter"));
		return 0;
	case MILTER_REPLY_TEMPFAIL:
		refuse(out, MILTER_TEMPFAIL, 451, "4.7.1", STR("Try again later"));
		return 0;
	case MILTER_REPLY_SHUTDOWN:
	case MILTER_REPLY_CONN_FAIL:
		refuse(out, MILTER_SHUTDOWN, 421, "4.7.0", STR("Closing the connection"));
		return 0;
	case MILTER_REPLY_CODE:
		return take_code(m, r->value, out);
	case MILTER_REPLY_SKIP:
		m->skipped = s->command;
		return m->options.steps & MILTER_CAN_SKIP ? 0 : ERR_INVALID;
	default:
		return ERR_INVALID;
	}
}

/* True when the reply was one that does not end the answer. */
static bool take_other(struct milter *m, const struct milter_reply *r, struct milter_changes *changes, int *code_out)
{
	uint32_t action = action_of(r->kind);

	*code_out = 0;
	if (r->kind == MILTER_REPLY_PROGRESS)
		return true;
	if (r->kind == MILTER_REPLY_SYMBOLS) {
		*code_out = milter_take_symbols(m, r);
		return true;
	}
	if (!action)
		return false;
	/* only at the end, and only what was agreed */
	if (!changes || !(m->options.actions & action))
		*code_out = ERR_DENIED;
	else
		*code_out = milter_changes_take(changes, r, m->options.steps & MILTER_LEADING_SPACE);
	return true;
}

int milter_read_answer(struct milter *m, const struct step *s, uint64_t limit_ms, struct milter_changes *changes, struct milter_answer *out)
{
	uint64_t last = clock_mono_ms() + MILTER_COMMAND_MS_MAX;
	struct milter_reply reply;
	struct str packet;
	int r = 0;

	for (bool more = true; more && r == 0;) {
		uint64_t next = clock_mono_ms() + limit_ms;
		stream_set_deadline(m->stream, next < last ? next : last);
		r = milter_read_packet(m, &packet);
		if (r == 0)
			r = milter_reply_parse(packet, &reply);
		if (r == 0)
			more = take_other(m, &reply, changes, &r);
	}
	if (r == 0)
		r = take_verdict(m, s, &reply, out);
	stream_set_deadline(m->stream, 0);
	if (r)
		return milter_fail(m, r, s->name, r == ERR_INVALID ? "an answer that is not of the protocol" : r == ERR_DENIED ? "a change that was not agreed on" : err_text(r));
	return 0;
}
