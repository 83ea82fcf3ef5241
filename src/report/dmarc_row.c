#include "report/dmarc_row.h"

#include "base/bytes.h"
#include "report/tally.h"

enum { ROW_VERSION = 1, BIT_OVERRIDDEN = 1, BIT_DKIM = 2, BIT_SPF = 4, BIT_HELO = 8 };

static void add_text(struct buf *b, struct str s)
{
	buf_add_varint(b, s.n);
	buf_add_str(b, s);
}

static struct str take_text(struct cursor *c)
{
	return cursor_bytes(c, cursor_varint(c));
}

void dmarc_row_encode(const struct dmarc_row *r, struct buf *out)
{
	buf_add_u8(out, ROW_VERSION);
	buf_add(out, r->ip.b, sizeof r->ip.b);
	buf_add_u8(out, (uint8_t)r->disposition);
	buf_add_u8(out, (uint8_t)((r->overridden ? BIT_OVERRIDDEN : 0) | (r->dkim_aligned ? BIT_DKIM : 0) | (r->spf_aligned ? BIT_SPF : 0) |
							  (r->spf_is_helo ? BIT_HELO : 0)));
	add_text(out, r->header_from);
	add_text(out, r->envelope_from);
	add_text(out, r->spf_domain);
	buf_add_u8(out, (uint8_t)r->spf);
	buf_add_u8(out, (uint8_t)r->n_dkim);
	for (size_t i = 0; i < r->n_dkim; i++) {
		add_text(out, r->dkim[i].domain);
		add_text(out, r->dkim[i].selector);
		buf_add_u8(out, (uint8_t)r->dkim[i].result);
	}
}

bool dmarc_row_decode(struct str bytes, struct dmarc_row *out)
{
	struct cursor c = cursor_make(bytes);

	*out = (struct dmarc_row){ .spf = SPF_NONE };
	if (cursor_u8(&c) != ROW_VERSION)
		return false;
	struct str ip = cursor_bytes(&c, sizeof out->ip.b);
	if (ip.n)
		memcpy(out->ip.b, ip.p, ip.n);
	out->disposition = cursor_u8(&c);
	uint8_t bits = cursor_u8(&c);
	out->overridden = bits & BIT_OVERRIDDEN;
	out->dkim_aligned = bits & BIT_DKIM;
	out->spf_aligned = bits & BIT_SPF;
	out->spf_is_helo = bits & BIT_HELO;
	out->header_from = take_text(&c);
	out->envelope_from = take_text(&c);
	out->spf_domain = take_text(&c);
	out->spf = cursor_u8(&c);
	out->n_dkim = cursor_u8(&c);
	if (out->n_dkim > DMARC_ROW_SIGNATURES_MAX || out->disposition > DMARC_POLICY_REJECT || out->spf > SPF_PERMERROR)
		return false;
	for (size_t i = 0; i < out->n_dkim; i++) {
		out->dkim[i].domain = take_text(&c);
		out->dkim[i].selector = take_text(&c);
		out->dkim[i].result = cursor_u8(&c);
		if (out->dkim[i].result > DKIM_PERMERROR)
			return false;
	}
	return !c.bad && cursor_left(&c) == 0;
}

/* Text of strangers as XML 1.0 character data: what XML cannot hold becomes '?'. */
static void add_escaped(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c == '<')
			buf_add_lit(b, "&lt;");
		else if (c == '>')
			buf_add_lit(b, "&gt;");
		else if (c == '&')
			buf_add_lit(b, "&amp;");
		else
			buf_add_char(b, c < 0x20 || c > 0x7e ? '?' : (char)c);
	}
}

static void element(struct buf *b, const char *name, struct str text)
{
	buf_printf(b, "<%s>", name);
	add_escaped(b, text);
	buf_printf(b, "</%s>", name);
}

static void element_c(struct buf *b, const char *name, const char *text)
{
	element(b, name, str_from_c(text));
}

static void format_head(const struct dmarc_report_head *h, struct buf *b)
{
	const struct dmarc_record *p = h->policy;

	buf_add_lit(b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<feedback>\n<version>1.0</version>\n<report_metadata>");
	element(b, "org_name", h->org);
	element(b, "email", h->email);
	element(b, "report_id", h->id);
	buf_printf(b, "<date_range><begin>%lld</begin><end>%lld</end></date_range></report_metadata>\n<policy_published>", (long long)h->begin, (long long)h->end);
	element(b, "domain", p->domain);
	element_c(b, "adkim", p->strict_dkim ? "s" : "r");
	element_c(b, "aspf", p->strict_spf ? "s" : "r");
	element_c(b, "p", dmarc_policy_text(p->p));
	element_c(b, "sp", dmarc_policy_text(p->sp));
	buf_printf(b, "<pct>%u</pct><fo>0</fo></policy_published>\n", p->percent);
}

static void format_record(const struct dmarc_row *r, uint64_t count, struct buf *b)
{
	char ip[NET_TEXT_MAX];

	net_addr_format(&r->ip, ip);
	buf_add_lit(b, "<record><row>");
	element_c(b, "source_ip", ip);
	buf_printf(b, "<count>%llu</count><policy_evaluated>", (unsigned long long)count);
	element_c(b, "disposition", dmarc_policy_text(r->disposition));
	element_c(b, "dkim", r->dkim_aligned ? "pass" : "fail");
	element_c(b, "spf", r->spf_aligned ? "pass" : "fail");
	if (r->overridden)
		buf_add_lit(b, "<reason><type>local_policy</type></reason>");
	buf_add_lit(b, "</policy_evaluated></row><identifiers>");
	if (r->envelope_from.n)
		element(b, "envelope_from", r->envelope_from);
	element(b, "header_from", r->header_from);
	buf_add_lit(b, "</identifiers><auth_results>");
	for (size_t i = 0; i < r->n_dkim; i++) {
		buf_add_lit(b, "<dkim>");
		element(b, "domain", r->dkim[i].domain);
		element(b, "selector", r->dkim[i].selector);
		element_c(b, "result", dkim_result_text(r->dkim[i].result));
		buf_add_lit(b, "</dkim>");
	}
	buf_add_lit(b, "<spf>");
	element(b, "domain", r->spf_domain);
	element_c(b, "scope", r->spf_is_helo ? "helo" : "mfrom");
	element_c(b, "result", spf_result_text(r->spf));
	buf_add_lit(b, "</spf></auth_results></record>\n");
}

void dmarc_xml_format(const struct dmarc_report_head *h, const struct tally_row *rows, size_t n, struct buf *out)
{
	struct dmarc_row row;

	format_head(h, out);
	for (size_t i = 0; i < n; i++)
		if (dmarc_row_decode(rows[i].bytes, &row))
			format_record(&row, rows[i].count, out);
	buf_add_lit(out, "</feedback>\n");
}
