#include "codec/http/request.h"

#include "base/ascii.h"
#include "base/num.h"

#define TARGET_MAX 8000          /* RFC 9112 3: at least so much */

/* RFC 9110 5.6.2 */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && !(s.p[i] && strchr("!#$%&'*+-.^_`|~", s.p[i])))
			return false;
	return s.n > 0;
}

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || s.p[i] == ' ')
			return false;
	return s.n > 0;
}

/* RFC 9110 5.5: no control bytes but HTAB. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (ascii_is_cntrl((unsigned char)s.p[i]) && s.p[i] != '\t')
			return false;
	return true;
}

/* One line without its CRLF; false when it does not end so, or holds a bare CR or LF. */
static bool take_line(struct str *rest, struct str *line)
{
	size_t end = str_find(*rest, STR("\r\n"));

	if (end == STR_NPOS)
		return false;
	*line = str_sub(*rest, 0, end);
	*rest = str_from(*rest, end + 2);
	return str_chr(*line, '\r') == STR_NPOS && str_chr(*line, '\n') == STR_NPOS;
}

static bool next_field(struct str *rest, struct str *name, struct str *value)
{
	struct str line;
	return rest->n && take_line(rest, &line) && str_cut(line, ':', name, value) && (*value = str_trim(*value), true);
}

/* RFC 9112 3.2: origin-form, "*", or absolute-form, whose authority stands for Host. */
static bool read_target(struct str target, struct http_request *out)
{
	if (str_istarts(target, STR("http://")) || str_istarts(target, STR("https://"))) {
		struct str authority = str_from(target, str_find(target, STR("//")) + 2);
		size_t slash = str_chr(authority, '/');
		out->host = str_sub(authority, 0, slash == STR_NPOS ? authority.n : slash);
		target = slash == STR_NPOS ? STR("/") : str_from(authority, slash);
	}
	if (target.n == 0 || (target.p[0] != '/' && !str_eq(target, STR("*"))))
		return false;
	str_cut(target, '?', &out->path, &out->query);
	return true;
}

static unsigned read_line(struct str line, struct http_request *out)
{
	struct str target, version;

	if (!str_cut(line, ' ', &out->method, &line) || !str_cut(line, ' ', &target, &version) || !is_token(out->method))
		return 400;
	if (target.n > TARGET_MAX)
		return 414;
	if (!is_visible(target) || !str_starts(version, STR("HTTP/")))
		return 400;
	if (str_eq(version, STR("HTTP/1.1")) || str_eq(version, STR("HTTP/1.0")))
		out->minor = version.p[7] == '1';
	else
		return 505;
	out->keep_alive = out->minor == 1;
	return read_target(target, out) ? 0 : 400;
}

/* Without a port; a literal keeps its brackets. */
static struct str host_name(struct str host)
{
	size_t colon = str_rchr(host, ':'), bracket = str_rchr(host, ']');
	return colon != STR_NPOS && (bracket == STR_NPOS || bracket < colon) ? str_sub(host, 0, colon) : host;
}

static void read_connection(struct str value, struct http_request *out)
{
	while (value.n) {
		struct str word;
		str_cut(value, ',', &word, &value);
		word = str_trim(word);
		if (str_ieq(word, STR("close")))
			out->keep_alive = false;
		else if (str_ieq(word, STR("keep-alive")) && out->minor == 0)
			out->keep_alive = true;
	}
}

struct seen { bool host, length, encoding; };

static unsigned read_field(struct str name, struct str value, struct http_request *out, struct seen *seen)
{
	uint64_t length;

	if (str_ieq(name, STR("Host"))) {
		if (seen->host)
			return 400;
		seen->host = true;
		if (out->host.n == 0)
			out->host = value;
	} else if (str_ieq(name, STR("Content-Length"))) {
		if (!num_parse_u64(value, &length) || (seen->length && length != out->content_length))
			return 400;
		seen->length = true;
		out->content_length = length;
	} else if (str_ieq(name, STR("Transfer-Encoding"))) {
		if (!str_ieq(value, STR("chunked")) || seen->encoding)
			return 501;
		seen->encoding = out->chunked = true;
	} else if (str_ieq(name, STR("Connection"))) {
		read_connection(value, out);
	}
	return 0;
}

unsigned http_request_parse(struct str head, struct http_request *out)
{
	struct str line, rest = head, name, value;
	struct seen seen = { .host = false };
	unsigned count = 0;

	*out = (struct http_request){ .minor = 0 };
	if (head.n > HTTP_HEAD_MAX)
		return 431;
	if (!take_line(&rest, &line))
		return 400;
	unsigned status = read_line(line, out);
	if (status)
		return status;
	out->fields = rest;
	while (take_line(&rest, &line)) {
		if (line.n == 0) {
			out->host = host_name(out->host);
			/* RFC 9112 3.2 and 6.3: a request with both lengths is an attack */
			return rest.n || (out->minor == 1 && !seen.host) || (seen.length && seen.encoding) || (seen.encoding && out->minor == 0) ? 400 : 0;
		}
		if (++count > HTTP_FIELDS_MAX)
			return 431;
		if (!str_cut(line, ':', &name, &value) || !is_token(name) || !is_value(value))
			return 400;                  /* also RFC 9112 5.2: obsolete folding */
		status = read_field(name, str_trim(value), out, &seen);
		if (status)
			return status;
	}
	return 400;
}

bool http_field(const struct http_request *r, struct str name, struct str *value_out)
{
	struct str rest = r->fields, field;

	while (next_field(&rest, &field, value_out))
		if (str_ieq(field, name))
			return true;
	return false;
}
