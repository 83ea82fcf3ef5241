/* The part for programs: RFC 3464 section 2, RFC 6533 4.1. */
#include "codec/dsn/inside.h"

#include "base/ascii.h"
#include "base/utf8.h"
#include "codec/dsn/clean.h"
#include "codec/dsn/limits.h"
#include "codec/mime/date.h"

struct smtp_status dsn_status(const struct dsn_recipient *r)
{
	struct smtp_status s;

	if (smtp_status_parse(r->status, &s))
		return s;
	return (struct smtp_status){ r->action == DSN_FAILED ? 5 : r->action == DSN_DELAYED ? 4 : 2, 0, 0 };
}

static void add_date(struct buf *out, const char *name, int64_t when)
{
	struct buf date = BUF_INIT(0);

	mime_date_format(when, 0, &date);
	dsn_add_field(out, name, buf_str(&date));
	buf_fini(&date);
}

/* "Name: type; value" of a value from elsewhere. */
static void add_typed(struct buf *out, const char *name, const char *type, struct str value, bool utf8)
{
	struct buf whole = BUF_INIT(0);

	buf_printf(&whole, "%s; ", type);
	dsn_clean(value, utf8, DSN_VALUE_MAX, &whole);
	dsn_add_field(out, name, buf_str(&whole));
	out->failed |= whole.failed;
	buf_fini(&whole);
}

static bool is_address_type(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n < 40;
}

/* RFC 3461 6.3 (d): what ORCPT said. RFC 6533 3: characters instead of their \x{} form, but untouched when malformed. */
static void add_original(struct buf *out, struct str orcpt, bool global)
{
	struct str type, address;
	struct buf decoded = BUF_INIT(0);
	char name[40];

	if (orcpt.n == 0)
		return;
	if (!str_cut(orcpt, ';', &type, &address) || !is_address_type(type) || !str_copy_c(name, sizeof name, type)) {
		add_typed(out, "Original-Recipient", "rfc822", orcpt, global);
		return;
	}
	if (global && str_ieq(type, STR("utf-8")) && dsn_unitext_decode(address, &decoded))
		address = buf_str(&decoded);
	add_typed(out, "Original-Recipient", name, address, global);
	buf_fini(&decoded);
}

static void add_recipient(const struct dsn_recipient *r, bool global, struct buf *out)
{
	char status[SMTP_STATUS_TEXT_MAX];

	smtp_status_format(dsn_status(r), status);
	buf_add_lit(out, "\r\n");
	add_original(out, r->original, global);
	add_typed(out, "Final-Recipient", utf8_is_ascii(r->address) ? "rfc822" : "utf-8", r->address, global);
	dsn_add_field(out, "Action", str_from_c(dsn_action_text(r->action)));
	dsn_add_field(out, "Status", str_from_c(status));
	if (r->remote.n)
		add_typed(out, "Remote-MTA", "dns", r->remote, global);
	/* RFC 3464 2.3.6: "smtp" is for replies of SMTP; our own words have a type of our own (2.4: "X-"). */
	if (r->reply.n)
		add_typed(out, "Diagnostic-Code", r->remote.n ? "smtp" : "X-Troika", r->reply, global);
	if (r->last_attempt)
		add_date(out, "Last-Attempt-Date", r->last_attempt);
	if (r->action == DSN_DELAYED && r->retry_until)        /* 2.3.9: of delayed ones only */
		add_date(out, "Will-Retry-Until", r->retry_until);
}

void dsn_add_fields(const struct dsn *d, bool global, struct buf *out)
{
	struct buf envid = BUF_INIT(0);

	if (d->envid.n) {
		dsn_clean(d->envid, global, DSN_VALUE_MAX, &envid);
		dsn_add_field(out, "Original-Envelope-Id", buf_str(&envid));
	}
	add_typed(out, "Reporting-MTA", "dns", d->reporting_mta, global);
	if (d->arrived)
		add_date(out, "Arrival-Date", d->arrived);
	for (size_t i = 0; i < d->n; i++)
		add_recipient(&d->recipients[i], global, out);
	out->failed |= envid.failed;
	buf_fini(&envid);
}
