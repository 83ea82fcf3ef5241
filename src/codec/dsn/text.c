/* The part for people: what happened to which recipient, why, and what to do. */
#include "codec/dsn/inside.h"

#include "codec/dsn/clean.h"
#include "codec/dsn/limits.h"
#include "codec/mime/date.h"
#include "codec/mime/header.h"
#include "codec/mime/words.h"

/* In the order in which they are told: what asks for an action comes first. */
static const struct { enum dsn_action action; const char *lead; } sections[] = {
	{ DSN_FAILED, "Your message could not be delivered to the following recipients, and nobody will try again:" },
	{ DSN_DELAYED, "Your message has not been delivered yet to the following recipients. You need not send it again: this server keeps trying." },
	{ DSN_EXPANDED, "Your message was sent on to all members behind the following addresses:" },
	{ DSN_DELIVERED, "Your message was delivered to the following recipients:" },
	{ DSN_RELAYED, "Your message was passed on to the mail systems of the following recipients, which do not report about delivery:" },
};

static void add_line(struct buf *out, unsigned indent, const char *before, struct str value, const char *after)
{
	struct buf line = BUF_INIT(0);

	buf_add_c(&line, before);
	dsn_clean(value, true, DSN_TEXT_VALUE_MAX, &line);
	buf_add_c(&line, after);
	dsn_add_wrapped(out, indent, buf_str(&line));
	out->failed |= line.failed;
	buf_fini(&line);
}

static void add_when(struct buf *out, const char *before, int64_t when)
{
	struct buf date = BUF_INIT(0);

	mime_date_format(when, 0, &date);
	add_line(out, 4, before, buf_str(&date), "");
	buf_fini(&date);
}

/* Who was written to, when that was another address. */
static void add_written_to(const struct dsn_recipient *r, struct buf *out)
{
	struct str type, address;
	struct buf decoded = BUF_INIT(0);

	if (str_cut(r->original, ';', &type, &address)) {
		if (str_ieq(type, STR("utf-8")) && dsn_unitext_decode(address, &decoded))
			address = buf_str(&decoded);
		if (!str_ieq(address, r->address))
			add_line(out, 4, "You wrote to ", address, ".");
	}
	buf_fini(&decoded);
}

static void add_recipient(const struct dsn_recipient *r, struct buf *out)
{
	struct smtp_status_words words = smtp_status_explain(dsn_status(r));

	add_line(out, 2, "<", r->address, ">");
	add_written_to(r, out);
	if (r->action == DSN_FAILED || r->action == DSN_DELAYED) {
		add_line(out, 4, words.what, STR_NONE, "");
		/* advice is for who must act; while we try nobody must */
		if (r->action == DSN_FAILED && *words.advice)
			add_line(out, 4, "What to do: ", str_from_c(words.advice), "");
		if (r->remote.n && r->reply.n)
			add_line(out, 4, "The mail server ", r->remote, " said:");
		if (r->reply.n)
			add_line(out, r->remote.n ? 6 : 4, "", r->reply, "");
	}
	if (r->action == DSN_DELAYED && r->retry_until)
		add_when(out, "This server gives up on ", r->retry_until);
	buf_add_lit(out, "\r\n");
}

static void add_original_field(struct buf *out, struct str header, const char *name, const char *label)
{
	struct str body;
	struct buf decoded = BUF_INIT(DSN_HEADER_MAX * 4);

	if (mime_header_find(header, str_from_c(name), &body)) {
		mime_words_decode(body, &decoded);
		if (str_trim(buf_str(&decoded)).n)
			add_line(out, 4, label, buf_str(&decoded), "");
	}
	buf_fini(&decoded);
}

void dsn_add_text(const struct dsn *d, struct str header, struct buf *out)
{
	size_t told = 0;

	buf_printf(out, "This is the mail system at %.*s.\r\n\r\n", STR_ARG(d->reporting_mta));
	for (size_t s = 0; s < sizeof sections / sizeof *sections; s++) {
		bool begun = false;
		for (size_t i = 0; i < d->n && told < DSN_TEXT_RECIPIENTS_MAX; i++) {
			if (d->recipients[i].action != sections[s].action)
				continue;
			if (!begun) {
				dsn_add_wrapped(out, 0, str_from_c(sections[s].lead));
				buf_add_lit(out, "\r\n");
			}
			begun = true;
			add_recipient(&d->recipients[i], out);
			told++;
		}
	}
	if (told < d->n)
		buf_printf(out, "And %zu more recipients, which the next part of this message lists.\r\n\r\n", d->n - told);
	buf_add_lit(out, "The message was:\r\n\r\n");
	add_original_field(out, header, "Subject", "Subject: ");
	add_original_field(out, header, "Date", "Date: ");
	add_original_field(out, header, "Message-ID", "Message-ID: ");
	buf_printf(out, "\r\nFor help write to <%.*s> and include this message.\r\n", STR_ARG(d->from));
	if (d->queue_id.n)
		buf_printf(out, "The number of your message here is %.*s.\r\n", STR_ARG(d->queue_id));
}
