#include "report/tls_row.h"

#include "base/bytes.h"
#include "base/clock.h"
#include "report/tally.h"

#include <jansson.h>

enum { ROW_VERSION = 1 };

static void add_text(struct buf *b, struct str s)
{
	buf_add_varint(b, s.n);
	buf_add_str(b, s);
}

static struct str take_text(struct cursor *c)
{
	return cursor_bytes(c, cursor_varint(c));
}

void tls_row_encode(const struct tls_row *r, struct buf *out)
{
	buf_add_u8(out, ROW_VERSION);
	buf_add_u8(out, (uint8_t)r->kind);
	add_text(out, r->policy);
	add_text(out, r->mx_patterns);
	add_text(out, r->result);
	add_text(out, r->sending_ip);
	add_text(out, r->receiving_ip);
	add_text(out, r->receiving_host);
	add_text(out, r->reason);
}

bool tls_row_decode(struct str bytes, struct tls_row *out)
{
	struct cursor c = cursor_make(bytes);

	if (cursor_u8(&c) != ROW_VERSION)
		return false;
	out->kind = cursor_u8(&c);
	out->policy = take_text(&c);
	out->mx_patterns = take_text(&c);
	out->result = take_text(&c);
	out->sending_ip = take_text(&c);
	out->receiving_ip = take_text(&c);
	out->receiving_host = take_text(&c);
	out->reason = take_text(&c);
	return !c.bad && cursor_left(&c) == 0 && out->kind <= TLS_POLICY_TLSA;
}

/* Bytes of a peer may be no UTF-8: then the JSON says nothing. */
static json_t *text(struct str s)
{
	json_t *j = json_stringn(s.p ? s.p : "", s.n);
	return j ? j : json_string("");
}

static void set_text(json_t *object, const char *key, struct str s)
{
	if (s.n)
		json_object_set_new(object, key, text(s));
}

static json_t *lines(struct str s)
{
	json_t *list = json_array();
	while (s.n) {
		struct str line;
		str_cut(s, '\n', &line, &s);
		json_array_append_new(list, text(line));
	}
	return list;
}

static struct str date(int64_t when, char out[static 32])
{
	struct civil c = civil_from_unix(when);
	int n = snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day, c.hour, c.minute, c.second);
	return str_make(out, n > 0 ? (size_t)n : 0);
}

static json_t *policy_object(const struct tls_row *r, struct str domain)
{
	static const char *const kinds[] = { "no-policy-found", "sts", "tlsa" };
	json_t *p = json_object();

	json_object_set_new(p, "policy-type", json_string(kinds[r->kind]));
	if (r->policy.n)
		json_object_set_new(p, "policy-string", lines(r->policy));
	json_object_set_new(p, "policy-domain", text(domain));
	if (r->mx_patterns.n)
		json_object_set_new(p, "mx-host", lines(r->mx_patterns));
	return p;
}

/* The entry of this row's policy: rows of one policy stand together. */
static json_t *entry_of(json_t *policies, json_t *keys, const struct tls_row *r, struct str domain)
{
	json_t *key = json_pack("[is%s%]", (int)r->kind, r->policy.p ? r->policy.p : "", r->policy.n, r->mx_patterns.p ? r->mx_patterns.p : "", r->mx_patterns.n);

	for (size_t i = 0; key && i < json_array_size(keys); i++)
		if (json_equal(json_array_get(keys, i), key)) {
			json_decref(key);
			return json_array_get(policies, i);
		}
	if (!key)
		return NULL;
	json_array_append_new(keys, key);
	json_array_append_new(policies, json_pack("{s:o,s:{s:i,s:i},s:[]}", "policy", policy_object(r, domain), "summary", "total-successful-session-count", 0,
											  "total-failure-session-count", 0, "failure-details"));
	return json_array_get(policies, json_array_size(policies) - 1);
}

static void count(json_t *entry, const char *what, uint64_t n)
{
	json_t *summary = json_object_get(entry, "summary");
	json_int_t was = json_integer_value(json_object_get(summary, what));
	json_object_set_new(summary, what, json_integer(was + (json_int_t)n));
}

static void add_row(json_t *entry, const struct tls_row *r, uint64_t n)
{
	if (r->result.n == 0) {
		count(entry, "total-successful-session-count", n);
		return;
	}
	count(entry, "total-failure-session-count", n);
	json_t *detail = json_object();
	set_text(detail, "result-type", r->result);
	set_text(detail, "sending-mta-ip", r->sending_ip);
	set_text(detail, "receiving-mx-hostname", r->receiving_host);
	set_text(detail, "receiving-ip", r->receiving_ip);
	set_text(detail, "failure-reason-code", r->reason);
	json_object_set_new(detail, "failed-session-count", json_integer((json_int_t)n));
	json_array_append_new(json_object_get(entry, "failure-details"), detail);
}

int tls_json_format(const struct tls_report_head *h, const struct tally_row *rows, size_t n, struct buf *out)
{
	char begin[32], end[32];
	json_t *policies = json_array(), *keys = json_array();
	struct tls_row row;

	for (size_t i = 0; i < n; i++) {
		json_t *entry = tls_row_decode(rows[i].bytes, &row) ? entry_of(policies, keys, &row, h->domain) : NULL;
		if (entry)
			add_row(entry, &row, rows[i].count);
	}
	json_decref(keys);
	date(h->begin, begin);
	date(h->end, end);
	json_t *report = json_pack("{s:o,s:{s:s,s:s},s:o,s:o,s:o}", "organization-name", text(h->org), "date-range", "start-datetime", begin, "end-datetime", end,
							   "contact-info", text(h->contact), "report-id", text(h->id), "policies", policies);
	char *dumped = report ? json_dumps(report, JSON_INDENT(1)) : NULL;
	buf_add_c(out, dumped ? dumped : "");
	free(dumped);
	json_decref(report);
	return dumped && !out->failed ? 0 : ERR_NO_MEMORY;
}
