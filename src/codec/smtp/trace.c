#include "codec/smtp/trace.h"

#include "base/clock.h"

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

	buf_printf(b, "Received: from %.*s ([%s%.*s])\r\n\tby %.*s with %s", STR_ARG(t->helo), six ? "IPv6:" : "", STR_ARG(t->peer_ip),
			   STR_ARG(t->by), protocol_name(t));
	if (t->tls && t->tls_version.n)
		buf_printf(b, "\r\n\t(%.*s %.*s)", STR_ARG(t->tls_version), STR_ARG(t->tls_cipher));
	buf_printf(b, " id %.*s", STR_ARG(t->id));
	if (t->recipient.n)
		buf_printf(b, "\r\n\tfor <%.*s>", STR_ARG(t->recipient));
	buf_add_lit(b, "; ");
	smtp_format_date(b, t->when);
	buf_add_lit(b, "\r\n");
}

void smtp_header_scan(struct str message, struct smtp_header_facts *out)
{
	static const struct str names[] = { STR_INIT("Received:"), STR_INIT("Date:"), STR_INIT("Message-ID:"), STR_INIT("From:") };
	struct str rest = message, line;

	*out = (struct smtp_header_facts){ .length = message.n };
	while (rest.n) {
		size_t at = (size_t)(rest.p - message.p);
		str_cut(rest, '\n', &line, &rest);
		if (line.n == 0 || (line.n == 1 && line.p[0] == '\r')) {
			out->length = at;
			return;
		}
		out->received += str_istarts(line, names[0]);
		out->has_date |= str_istarts(line, names[1]);
		out->has_message_id |= str_istarts(line, names[2]);
		out->has_from |= str_istarts(line, names[3]);
	}
}
