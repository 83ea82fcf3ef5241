#include "outbound/envelope.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "codec/smtp/path.h"
#include "directory/name.h"

/* Nothing that ends a command or a path early. */
static bool is_sayable(struct str s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (ascii_is_cntrl(s.p[i]))
			return false;
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (s.p[i] == ' ' || s.p[i] == '<' || s.p[i] == '>'))
			return false;
	}
	return !quoted;
}

int envelope_check(const struct queue_envelope *e, struct str sender, const struct smtp_ehlo *server, int64_t now, struct trouble *t)
{
	if (!is_sayable(sender)) {
		trouble_set(t, "5.1.7", "the sender's address cannot be said in SMTP");
		return ERR_UNSUPPORTED;
	}
	if (!utf8_is_ascii(sender) && !(server->extensions & SMTP_EXT_SMTPUTF8)) {
		trouble_set(t, "5.6.7", "the sender's address is not ASCII, and the server does not offer SMTPUTF8");
		return ERR_UNSUPPORTED;
	}
	if (!e->deliver_by || !(e->flags & QUEUE_BY_RETURN))
		return 0;
	/* RFC 2852 4.1.4.1, 4.1.2. */
	if (e->deliver_by <= now)
		trouble_set(t, "5.4.7", "the time by which it was to be delivered has passed");
	else if (!(server->extensions & SMTP_EXT_DELIVERBY))
		trouble_set(t, "5.4.7", "it is to be delivered by a certain time or returned, and the server does not offer DELIVERBY");
	else if (server->deliver_by_min > (uint64_t)(e->deliver_by - now))
		trouble_set(t, "5.4.7", "it is to be delivered within %lld seconds, and the server wants %llu", (long long)(e->deliver_by - now),
					(unsigned long long)server->deliver_by_min);
	else
		return 0;
	return ERR_UNSUPPORTED;
}

void envelope_mail(struct buf *out, const struct queue_envelope *e, struct str sender, const struct smtp_ehlo *server, const struct message_form *form,
				   bool utf8, int64_t now)
{
	unsigned has = server->extensions;

	buf_printf(out, "MAIL FROM:<%.*s>", STR_ARG(sender));
	if (has & SMTP_EXT_SIZE)
		buf_printf(out, " SIZE=%zu", form->bytes.n);
	if (form->body)
		buf_printf(out, " BODY=%s", form->body);
	if (utf8)
		buf_add_lit(out, " SMTPUTF8");
	if (has & SMTP_EXT_DSN) {
		/* RFC 8689 5: of a message that requires TLS only the header may come back. */
		if (e->flags & (QUEUE_RET_FULL | QUEUE_RET_HDRS))
			buf_add_c(out, (e->flags & QUEUE_RET_HDRS) || (e->flags & QUEUE_REQUIRETLS) ? " RET=HDRS" : " RET=FULL");
		if (e->envid.n) {
			buf_add_lit(out, " ENVID=");
			smtp_xtext_encode(e->envid, out);
		}
	}
	if (e->deliver_by && (has & SMTP_EXT_DELIVERBY))      /* RFC 2852 4.1.4: the seconds that are left, below zero in mode N when it is late */
		buf_printf(out, " BY=%lld;%s%s", (long long)(e->deliver_by - now), e->flags & QUEUE_BY_RETURN ? "R" : "N", e->flags & QUEUE_BY_TRACE ? "T" : "");
	if (e->priority && (has & SMTP_EXT_MT_PRIORITY))
		buf_printf(out, " MT-PRIORITY=%d", e->priority);
	if ((e->flags & QUEUE_REQUIRETLS) && (has & SMTP_EXT_REQUIRETLS))
		buf_add_lit(out, " REQUIRETLS");
	buf_add_lit(out, "\r\n");
}

/* RFC 6533 3: utf-8-addr-xtext, with "\x{HEX}" for what is not ASCII. */
static void add_utf8_xtext(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		uint32_t c = utf8_next(s, &i);
		if (c > ' ' && c < 127 && c != '+' && c != '=')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\x{%02X}", c);
	}
}

static void add_orcpt(struct buf *out, struct str orcpt)
{
	struct str type, address;

	if (!str_cut(orcpt, ';', &type, &address) || !type.n || !is_sayable(type))
		return;
	buf_printf(out, " ORCPT=%.*s;", STR_ARG(type));
	if (str_ieq(type, STR("utf-8")))
		add_utf8_xtext(out, address);
	else
		smtp_xtext_encode(address, out);
}

static void add_notify(struct buf *out, unsigned notify)
{
	static const struct { unsigned bit; const char *name; } names[] = {
		{ QUEUE_NOTIFY_SUCCESS, "SUCCESS" }, { QUEUE_NOTIFY_FAILURE, "FAILURE" }, { QUEUE_NOTIFY_DELAY, "DELAY" } };
	const char *before = " NOTIFY=";

	if (notify & QUEUE_NOTIFY_NEVER)
		buf_add_lit(out, " NOTIFY=NEVER");
	else
		for (size_t i = 0; i < sizeof names / sizeof *names; i++)
			if (notify & names[i].bit) {
				buf_printf(out, "%s%s", before, names[i].name);
				before = ",";
			}
}

void envelope_rcpt(struct buf *out, const struct queue_envelope *e, const struct queue_recipient *r, struct str address, const struct smtp_ehlo *server)
{
	unsigned notify = r->notify;

	buf_printf(out, "RCPT TO:<%.*s>", STR_ARG(address));
	if (server->extensions & SMTP_EXT_DSN) {
		/* RFC 2852 4.1.4.2: what the next server cannot keep an eye on, it shall at least report. */
		if (e->deliver_by && !(server->extensions & SMTP_EXT_DELIVERBY) && !(notify & QUEUE_NOTIFY_NEVER))
			notify = notify ? notify | QUEUE_NOTIFY_DELAY : QUEUE_NOTIFY_FAILURE | QUEUE_NOTIFY_DELAY;
		add_notify(out, notify);
		add_orcpt(out, r->orcpt);
	}
	buf_add_lit(out, "\r\n");
}

int envelope_address(struct arena *a, struct str address, const struct smtp_ehlo *server, struct str *out, struct trouble *t)
{
	size_t at = str_rchr(address, '@');
	struct name name;

	*out = address;
	if (!address.n || !is_sayable(address)) {
		trouble_set(t, "5.1.3", "the address cannot be said in SMTP");
		return ERR_INVALID;
	}
	if (utf8_is_ascii(address) || (server->extensions & SMTP_EXT_SMTPUTF8))
		return 0;
	/* The same domain in A-labels is the same address (RFC 5890 2.3.2.1); there is no such thing for a local part. */
	if (at != STR_NPOS && utf8_is_ascii(str_sub(address, 0, at)) && !name_parse_domain(str_from(address, at + 1), &name)) {
		*out = arena_printf(a, "%.*s@%.*s", (int)at, address.p, STR_ARG(name_domain(&name)));
		return out->p ? 0 : ERR_NO_MEMORY;
	}
	trouble_set(t, "5.6.7", "the address is not ASCII, and the server does not offer SMTPUTF8");
	return ERR_UNSUPPORTED;
}

struct str envelope_verp(struct arena *a, struct str sender, struct str recipient)
{
	size_t s = str_rchr(sender, '@'), r = str_rchr(recipient, '@');

	if (s == STR_NPOS || r == STR_NPOS || recipient.p[0] == '"' || sender.p[0] == '"')
		return sender;
	return arena_printf(a, "%.*s+%.*s=%.*s%.*s", (int)s, sender.p, (int)r, recipient.p, STR_ARG(str_from(recipient, r + 1)), STR_ARG(str_from(sender, s)));
}
