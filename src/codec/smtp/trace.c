#include "codec/smtp/trace.h"

#include "base/clock.h"
#include "codec/mime/header.h"

static const char weekdays[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

void smtp_format_date(struct buf *b, int64_t unix_seconds)
{
	struct civil c = civil_from_unix(unix_seconds);

	buf_printf(b, "%s, %02d %s %04d %02d:%02d:%02d +0000", weekdays[c.weekday], c.day, months[c.month - 1], c.year, c.hour,
			   c.minute, c.second);
}

/* RFC 3848 and, with UTF8, RFC 6531 3.7.3. */
static const char *protocol_name(const struct smtp_trace *t)
{
	static const char *const names[2][2][2] = {
		{ { "ESMTP", "ESMTPA" }, { "ESMTPS", "ESMTPSA" } },
		{ { "UTF8SMTP", "UTF8SMTPA" }, { "UTF8SMTPS", "UTF8SMTPSA" } },
	};
	static const char *const lmtp_names[2][2] = { { "LMTP", "LMTPS" }, { "UTF8LMTP", "UTF8LMTPS" } };

	if (t->lmtp)
		return lmtp_names[t->utf8][t->tls];
	return t->esmtp ? names[t->utf8][t->tls][t->auth] : "SMTP";
}

void smtp_format_received(struct buf *b, const struct smtp_trace *t)
{
	bool six = str_chr(t->peer_ip, ':') != STR_NPOS;

	if (t->hide_peer)
		buf_add_lit(b, "Received: from authenticated-user");
	else
		buf_printf(b, "Received: from %.*s ([%s%.*s])", STR_ARG(t->helo), six ? "IPv6:" : "", STR_ARG(t->peer_ip));
	buf_printf(b, "\r\n\tby %.*s with %s", STR_ARG(t->by), protocol_name(t));
	if (t->tls && t->tls_version.n)
		buf_printf(b, "\r\n\t(%.*s %.*s)", STR_ARG(t->tls_version), STR_ARG(t->tls_cipher));
	if (t->solicit.n)
		buf_printf(b, "\r\n\t(SOLICIT=%.*s)", STR_ARG(t->solicit));
	buf_printf(b, " id %.*s", STR_ARG(t->id));
	if (t->recipient.n)
		buf_printf(b, "\r\n\tfor <%.*s>", STR_ARG(t->recipient));
	if (t->has_priority)
		buf_printf(b, "\r\n\tPRIORITY %d", t->priority);
	buf_add_lit(b, "; ");
	smtp_format_date(b, t->when);
	buf_add_lit(b, "\r\n");
}

void smtp_header_scan(struct str message, struct smtp_header_facts *out)
{
	static const struct { struct str name; size_t flag; } flags[] = {
		{ STR_INIT("Date"), offsetof(struct smtp_header_facts, has_date) },
		{ STR_INIT("Message-ID"), offsetof(struct smtp_header_facts, has_message_id) },
		{ STR_INIT("Sender"), offsetof(struct smtp_header_facts, has_sender) },
		{ STR_INIT("Return-Path"), offsetof(struct smtp_header_facts, has_return_path) },
		{ STR_INIT("Bcc"), offsetof(struct smtp_header_facts, has_bcc) },
		{ STR_INIT("Authentication-Results"), offsetof(struct smtp_header_facts, has_authres) },
	};
	struct mime_header_walk w = mime_header_walk(message);
	struct mime_header_field f;

	*out = (struct smtp_header_facts){ 0 };
	while (mime_header_next(&w, &f)) {
		for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
			if (str_ieq(f.name, flags[i].name))
				*(bool *)(void *)((char *)out + flags[i].flag) = true;
		out->received += str_ieq(f.name, STR("Received"));
		if (str_ieq(f.name, STR("From")) && out->from++ == 0)
			out->from_body = f.body;
		out->tls_optional |= str_ieq(f.name, STR("TLS-Required")) && str_ieq(str_trim(f.body), STR("No"));
	}
	out->length = w.at;
}
