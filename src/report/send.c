#include "report/send.h"

#include "base/ascii.h"
#include "report/dmarc_row.h"
#include "report/limits.h"
#include "report/pack.h"
#include "rt/fetch.h"

#define DAY 86400

/* "mailto:a@b" without a size limit behind '!' (RFC 7489 6.2) or a query; false: another scheme, or no address. */
static bool mail_address(struct str uri, struct str *out)
{
	if (!str_istarts(uri, STR("mailto:")))
		return false;
	uri = str_from(uri, 7);
	struct str rest;
	str_cut(uri, '!', &uri, &rest);
	str_cut(uri, '?', &uri, &rest);
	for (size_t i = 0; i < uri.n; i++)
		if (!ascii_is_print((unsigned char)uri.p[i]) || strchr(" <>,;\"()\\", uri.p[i]))
			return false;
	size_t at = str_rchr(uri, '@');
	*out = uri;
	return at != STR_NPOS && at > 0 && at + 1 < uri.n;
}

static struct str domain_of(struct str address)
{
	return str_from(address, str_rchr(address, '@') + 1);
}

static struct str report_id(struct sending *s, struct arena *a, const struct tally_domain *d)
{
	return arena_printf(a, "%u.%.*s.%.*s", d->day, STR_ARG(d->domain), STR_ARG(s->config->hostname));
}

int send_dmarc(struct sending *s, struct arena *a, const struct tally_domain *d, const struct tally_row *rows, size_t n)
{
	struct dmarc_record record;
	int rc = dmarc_discover(s->dns, a, d->domain, &record), sent = 0;

	if (rc == ERR_NOT_FOUND || rc == ERR_INVALID)
		return 0;
	if (rc)
		return rc;
	struct str id = report_id(s, a, d);
	struct dmarc_report_head head = { .org = s->config->hostname, .email = s->config->sender, .id = id, .begin = (int64_t)d->day * DAY,
									  .end = (int64_t)d->day * DAY + DAY - 1, .policy = &record };
	struct buf xml = BUF_INIT(REPORT_MESSAGE_MAX), packed = BUF_INIT(REPORT_MESSAGE_MAX);
	dmarc_xml_format(&head, rows, n, &xml);
	rc = xml.failed ? buf_error(&xml) : pack_gzip(buf_str(&xml), &packed);
	/* RFC 7489 7.2.1.1: receiver "!" policy-domain "!" begin "!" end; 7.2.1.1 also the subject */
	struct report_mail mail = {
		.subject = arena_printf(a, "Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s>", STR_ARG(d->domain), STR_ARG(s->config->hostname), STR_ARG(id)),
		.text = arena_printf(a, "This is a DMARC aggregate report about mail from %.*s that reached %.*s.\r\n", STR_ARG(d->domain), STR_ARG(s->config->hostname)),
		.type = STR("application/gzip"),
		.file = arena_printf(a, "%.*s!%.*s!%lld!%lld.xml.gz", STR_ARG(s->config->hostname), STR_ARG(d->domain), (long long)head.begin, (long long)head.end),
		.packed = buf_str(&packed), .id = arena_printf(a, "dmarc.%.*s", STR_ARG(id)) };
	if (rc == 0 && a->failed)
		rc = ERR_NO_MEMORY;
	for (size_t i = 0; rc == 0 && i < record.n_rua && sent < REPORT_TARGETS_MAX; i++) {
		if (!mail_address(record.rua[i], &mail.to))
			continue;
		int may = dmarc_may_report(s->dns, a, record.domain, domain_of(mail.to));
		if (may == 1 && (rc = report_mail_send(s, a, &mail)) == 0)
			sent++;
	}
	buf_fini(&xml);
	buf_fini(&packed);
	return rc == ERR_TOO_BIG ? 0 : rc ? rc : sent;
}

/* RFC 8460 5.4: an https: address gets the packed report by POST. 1 sent, 0 refused. */
static int post(struct sending *s, struct arena *a, struct str url, struct str packed)
{
	const struct fetch_header type = { "Content-Type", STR("application/tlsrpt+gzip") };
	struct fetch_request r = { .method = "POST", .url = arena_dup_c(a, url), .ca_file = s->config->ca_file, .headers = &type, .n_headers = 1, .body = packed,
							   .timeout_ms = 30000 };
	struct fetch_answer answer;
	int rc = r.url ? fetch(&r, &answer, NULL) : ERR_NO_MEMORY;
	int sent = rc == 0 && answer.status / 100 == 2;

	if (r.url)
		fetch_answer_fini(&answer);
	return sent;
}

/* RFC 8460 3: "v=TLSRPTv1; rua=mailto:...,https:...". The value of rua, or empty. */
static int find_rua(struct sending *s, struct arena *a, struct str domain, struct str *out)
{
	struct dns_answer answer;
	struct str name = arena_printf(a, "_smtp._tls.%.*s", STR_ARG(domain));
	int rc = dns_query(s->dns, a, name, DNS_TXT, &answer), found = 0;

	*out = STR_NONE;
	if (rc)
		return rc == ERR_INVALID ? 0 : rc;
	if (answer.status == DNS_TEMPORARY || answer.status == DNS_BOGUS)
		return ERR_TIMEOUT;
	for (size_t i = 0; i < answer.n; i++) {
		struct str text = answer.records[i].text, tag, value;
		if (!str_starts(text, STR("v=TLSRPTv1")))
			continue;
		found++;
		while (text.n) {
			str_cut(text, ';', &tag, &text);
			if (str_cut(str_trim(tag), '=', &tag, &value) && str_eq(str_trim(tag), STR("rua")))
				*out = str_trim(value);
		}
	}
	if (found != 1)                      /* RFC 8460 3: several records are none */
		*out = STR_NONE;
	return 0;
}

static int send_tls_to(struct sending *s, struct arena *a, const struct tally_domain *d, struct str rua, struct str id, struct str packed)
{
	long long begin = (long long)d->day * DAY;
	struct report_mail mail = {
		.subject = arena_printf(a, "Report Domain: %.*s Submitter: %.*s Report-ID: <%.*s>", STR_ARG(d->domain), STR_ARG(s->config->hostname), STR_ARG(id)),
		.text = arena_printf(a, "This is a report about TLS between %.*s and the mail exchangers of %.*s.\r\n", STR_ARG(s->config->hostname), STR_ARG(d->domain)),
		.type = STR("application/tlsrpt+gzip"), .packed = packed, .report_type = STR("tlsrpt"), .id = arena_printf(a, "tlsrpt.%.*s", STR_ARG(id)),
		.file = arena_printf(a, "%.*s!%.*s!%lld!%lld.json.gz", STR_ARG(s->config->hostname), STR_ARG(d->domain), begin, begin + DAY - 1),
		.extra = arena_printf(a, "TLS-Report-Domain: %.*s\r\nTLS-Report-Submitter: %.*s\r\n", STR_ARG(d->domain), STR_ARG(s->config->hostname)) };
	int sent = 0, rc = a->failed ? ERR_NO_MEMORY : 0;

	while (rc == 0 && rua.n && sent < REPORT_TARGETS_MAX) {
		struct str uri;
		str_cut(rua, ',', &uri, &rua);
		uri = str_trim(uri);
		if (str_istarts(uri, STR("https:")))
			sent += post(s, a, uri, packed);
		else if (mail_address(uri, &mail.to) && (rc = report_mail_send(s, a, &mail)) == 0)
			sent++;
	}
	return rc ? rc : sent;
}

int send_tls(struct sending *s, struct arena *a, const struct tally_domain *d, const struct tally_row *rows, size_t n)
{
	struct str rua, id = report_id(s, a, d);
	struct buf json = BUF_INIT(REPORT_MESSAGE_MAX), packed = BUF_INIT(REPORT_MESSAGE_MAX);
	struct tls_report_head head = { .org = s->config->hostname, .contact = s->config->sender, .id = id, .domain = d->domain, .begin = (int64_t)d->day * DAY,
									.end = (int64_t)d->day * DAY + DAY - 1 };
	int rc = find_rua(s, a, d->domain, &rua), sent = 0;

	if (rc == 0 && rua.n) {
		rc = tls_json_format(&head, rows, n, &json);
		if (rc == 0)
			rc = pack_gzip(buf_str(&json), &packed);
		if (rc == 0)
			sent = send_tls_to(s, a, d, rua, id, buf_str(&packed));
	}
	buf_fini(&json);
	buf_fini(&packed);
	return rc ? rc : sent;
}
