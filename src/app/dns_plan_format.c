#include "app/dns_plan.h"

#include "base/ascii.h"
#include "mailauth/domain.h"
#include "rt/dns_name.h"

#define TTL 3600
#define STRING_MAX 255                   /* RFC 1035 3.3 */
#define STRING_SHOWN 64                  /* of a text that needs several strings anyway: fits a terminal */

const char *dns_need_text(enum dns_need n)
{
	static const char *const texts[] = { [DNS_REQUIRED] = "required", [DNS_RECOMMENDED] = "recommended", [DNS_OPTIONAL] = "optional" };
	return texts[n];
}

static const char *type_text(enum dns_type t)
{
	switch (t) {
	case DNS_A: return "A";
	case DNS_CNAME: return "CNAME";
	case DNS_MX: return "MX";
	case DNS_TXT: return "TXT";
	case DNS_SRV: return "SRV";
	case DNS_TLSA: return "TLSA";
	default: return "PTR";
	}
}

/* RFC 1035 5.1 */
static void add_string(struct buf *out, struct str s)
{
	buf_add_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '"' || c == '\\')
			buf_printf(out, "\\%c", c);
		else if (ascii_is_print(c))
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\%03u", c);
	}
	buf_add_char(out, '"');
}

static void add_text(struct buf *out, struct str text, const char *indent)
{
	if (text.n <= STRING_MAX) {
		add_string(out, text);
		return;
	}
	buf_add_char(out, '(');
	for (struct str rest = text; rest.n; rest = str_from(rest, STRING_SHOWN)) {
		buf_printf(out, "\n%s\t", indent);
		add_string(out, str_sub(rest, 0, STRING_SHOWN));
	}
	buf_add_lit(out, " )");
}

static void add_line(const struct dns_plan_record *r, const char *indent, struct buf *out)
{
	buf_add_c(out, indent);
	dns_name_escape(r->owner, out);
	buf_printf(out, ". %d IN %s ", TTL, type_text(r->type));
	if (r->type == DNS_TXT)
		add_text(out, r->value, indent);
	else
		buf_add_str(out, r->value);
	buf_add_char(out, '\n');
}

void dns_plan_line(const struct dns_plan_record *r, struct buf *out)
{
	add_line(r, "", out);
}

void dns_plan_format(const struct dns_plan *p, struct buf *out)
{
	struct str domain = p->facts->domain, host = p->facts->host;

	buf_printf(out, "; DNS for mail of %.*s, which is kept on %.*s.\n", STR_ARG(domain), STR_ARG(host));
	for (size_t i = 0; i < p->n; i++) {
		const struct dns_plan_record *r = &p->records[i];
		bool elsewhere = !domain_is_within(r->owner, domain);
		if (r->subject == DNS_PLAN_ZONE)
			continue;
		if (r->purpose != p->records[i - 1].purpose)          /* the zone is the first */
			buf_printf(out, "\n; %s: %s\n", dns_need_text(r->need), r->purpose);
		if (elsewhere && r->subject != DNS_PLAN_PTR)
			buf_add_lit(out, "; not in this zone:\n");
		if (r->hint.n)
			buf_printf(out, "; %.*s\n", STR_ARG(r->hint));
		if (r->value.n)
			add_line(r, elsewhere || (r->subject == DNS_PLAN_TLSA && p->facts->key_is_renewed) ? "; " : "", out);
		else if (r->subject == DNS_PLAN_ADDRESS)
			buf_printf(out, "; %.*s. %d IN A ...\n", STR_ARG(r->owner), TTL);
		else if (r->subject == DNS_PLAN_PTR)
			buf_printf(out, "; ... PTR %.*s.\n", STR_ARG(r->owner));
	}
}
