#include "proto/imap/session.h"

#include "base/clock.h"
#include "proto/common/sasl.h"
#include "proto/imap/append.h"
#include "proto/imap/capability.h"
#include "proto/imap/command.h"
#include "proto/imap/context.h"
#include "proto/imap/count.h"
#include "proto/imap/imap.h"
#include "proto/imap/notify.h"
#include "proto/imap/place.h"
#include "proto/imap/sync.h"

void imap_bye(struct imap_session *s, const char *text)
{
	if (s->closing)
		return;
	imap_count_bye(s, text);
	struct buf line = BUF_INIT(0);
	buf_add_lit(&line, "BYE ");
	buf_add_c(&line, text);
	imap_translate_reply(s->language, &line);
	conn_printf(s->conn, "* %.*s\r\n", STR_ARG(buf_str(&line)));
	buf_fini(&line);
	s->closing = true;
}

void imap_break_off(struct imap_session *s)
{
	if (conn_is_dead(s->conn))
		return;
	conn_log(s->conn, LOG_ERROR, "body.lost", LOG_LIST(LOG_C("why", "the disk could not give all of a message")));
	conn_abort(s->conn);
	s->closing = true;
}

void imap_unselect(struct imap_session *s)
{
	view_unref(&s->selected.view);
	account_close(&s->selected.account);
	rangeset_fini(&s->selected.recent);
	rangeset_fini(&s->saved);
	imap_contexts_end(s);
	s->selected = (struct imap_selected){ .recent = RANGESET_INIT };
	if (s->state == IMAP_SELECTED)
		s->state = IMAP_AUTHENTICATED;
	imap_notify_follow(s);
}

void imap_session_reset(struct imap_session *s)
{
	imap_gather_reset(s);
	imap_session_forget(s);
}

void imap_session_forget(struct imap_session *s)
{
	sasl_destroy(&s->sasl);
	if (s->watch)
		account_unwatch(s->selected.account, &s->watch);
	imap_unselect(s);
	imap_notify_destroy(s);
	account_close(&s->account);
	free(s->continued_tag);
	s->continued_tag = NULL;
	s->continued = NULL;
	s->sasl_done = false;
	s->enabled = 0;
	s->language = IMAP_LANGUAGE_DEFAULT;        /* RFC 5255 3.1, RFC 8437 4.1 */
	s->state = IMAP_NOT_AUTHENTICATED;
}

static void session_open(struct imap_session *s, struct conn *c, struct services *services)
{
	s->conn = c;
	s->services = services;
	s->config = services_config(services);
	s->state = IMAP_NOT_AUTHENTICATED;
	s->opened_ms = clock_mono_ms();
	conn_set_timeout(c, s->config->login_timeout_ms);
	imap_count_state(s);
	conn_write_lit(c, "* OK [CAPABILITY ");
	imap_capability_write(s, conn_out(c));
	conn_printf(c, "] %.*s Troika ready\r\n", STR_ARG(s->config->hostname));
}

/* Bytes that trickle in start the connection's timeout anew, so the time for logging in is counted here. */
static bool login_overdue(const struct imap_session *s)
{
	return s->state == IMAP_NOT_AUTHENTICATED && s->config->login_timeout_ms
		&& clock_mono_ms() - s->opened_ms > s->config->login_timeout_ms;
}

static void session_input(struct imap_session *s)
{
	if (login_overdue(s)) {
		imap_bye(s, "Logging in took too long");
		return;
	}
	while (!s->closing && !s->tls_starting && !conn_is_dead(s->conn) && imap_gather_step(s))
		;
}

/* News outside of a command wait for the next one: RFC 3501 5.2 and 7.4.1 forbid the EXPUNGE among them. NOTIFY is there to have it otherwise. */
static void session_wake(struct imap_session *s)
{
	if (s->notify && !s->closing) {
		imap_notify_wake(s);
	} else if (s->continued && s->continued->flags & IMAP_TELLS_NEWS) {
		imap_selected_look(s, true);
		imap_sync(s, true);
	}
}

static enum conn_next session_run(struct conn *c, void *session, void *ctx, enum conn_event event)
{
	struct imap_session *s = session;
	switch (event) {
	case CONN_OPEN:
		session_open(s, c, ctx);
		break;
	case CONN_INPUT:
		session_input(s);
		break;
	case CONN_WAKE:
		session_wake(s);
		break;
	case CONN_TIMEOUT:
		imap_bye(s, s->state == IMAP_NOT_AUTHENTICATED ? "Logging in took too long" : "Autologout; idle for too long");
		break;
	case CONN_TLS:
		/* RFC 3501 6.2.1: nothing that was learnt before TLS is kept. */
		imap_session_reset(s);
		s->tls_starting = false;
		break;
	case CONN_DRAIN:
		imap_bye(s, "[UNAVAILABLE] Server is going down");
		break;
	}
	if (s->closing || conn_is_dead(c))
		return CONN_CLOSE;
	if (!s->tls_starting)
		imap_gather_want(s);
	return CONN_PARK;
}

static void session_fini(struct conn *c, void *session, void *ctx)
{
	(void)ctx;
	struct imap_session *s = session;
	if (!s->conn)
		return;
	conn_log(c, LOG_INFO, "imap.close",
			 LOG_LIST(LOG_U("commands", s->commands), LOG_U("in", conn_bytes_in(c)), LOG_U("out", conn_bytes_out(c)),
					  LOG_U("seconds", (clock_mono_ms() - s->opened_ms) / 1000)));
	imap_session_reset(s);
	mail_config_unref(&s->config);
}

const struct conn_proto imap_proto = {
	.name = "imap",
	.session_size = sizeof(struct imap_session),
	.run = session_run,
	.fini = session_fini,
};
