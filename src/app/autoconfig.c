#include "app/autoconfig.h"

#include "app/listeners.h"
#include "base/ascii.h"

static void add_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		switch (s.p[i]) {
		case '&': buf_add_lit(out, "&amp;"); break;
		case '<': buf_add_lit(out, "&lt;"); break;
		case '>': buf_add_lit(out, "&gt;"); break;
		case '"': buf_add_lit(out, "&quot;"); break;
		default: buf_add_char(out, s.p[i]);
		}
}

static void add_server(const struct app_config *c, enum app_proto p, const char *element, const char *type, const char *socket, struct buf *out)
{
	uint16_t port = app_offered_port(c, p);

	if (port == 0)
		return;
	buf_printf(out, "    <%s type=\"%s\">\n      <hostname>", element, type);
	add_escaped(out, c->mail.hostname);
	buf_printf(out, "</hostname>\n      <port>%u</port>\n      <socketType>%s</socketType>\n      <username>%%EMAILADDRESS%%</username>\n"
			   "      <authentication>password-cleartext</authentication>\n    </%s>\n", port, socket, element);
}

void autoconfig_servers(const struct app_config *c, struct buf *out)
{
	size_t before = out->n;

	/* RFC 8314 3: TLS from the start is better than STARTTLS */
	add_server(c, APP_IMAPS, "incomingServer", "imap", "SSL", out);
	add_server(c, APP_IMAP, "incomingServer", "imap", "STARTTLS", out);
	add_server(c, APP_POP3S, "incomingServer", "pop3", "SSL", out);
	add_server(c, APP_POP3, "incomingServer", "pop3", "STARTTLS", out);
	size_t incoming = out->n;
	add_server(c, APP_SUBMISSIONS, "outgoingServer", "smtp", "SSL", out);
	add_server(c, APP_SUBMISSION, "outgoingServer", "smtp", "STARTTLS", out);
	if (incoming == before || incoming == out->n)
		out->n = before;
}

void autoconfig_page(struct str domain, struct str servers, struct buf *out)
{
	static const char *const elements[] = { "domain", "displayName", "displayShortName" };

	buf_add_lit(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n  <emailProvider id=\"");
	add_escaped(out, domain);
	buf_add_lit(out, "\">\n");
	for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
		buf_printf(out, "    <%s>", elements[i]);
		add_escaped(out, domain);
		buf_printf(out, "</%s>\n", elements[i]);
	}
	buf_add_str(out, servers);
	buf_add_lit(out, "  </emailProvider>\n</clientConfig>\n");
}

struct str autoconfig_query_domain(struct str query, struct buf *decoded)
{
	struct str one, rest = query, name, value = STR_NONE;

	while (rest.n && !value.n) {
		str_cut(rest, '&', &one, &rest);
		if (str_cut(one, '=', &name, &one) && str_ieq(name, STR("emailaddress")))
			value = one;
	}
	for (size_t i = 0; i < value.n; i++) {
		int high = i + 2 < value.n && value.p[i] == '%' ? ascii_hex_value(value.p[i + 1]) : -1;
		int low = high < 0 ? -1 : ascii_hex_value(value.p[i + 2]);
		buf_add_char(decoded, low < 0 ? value.p[i] : (char)(high << 4 | low));
		i += low < 0 ? 0 : 2;
	}
	size_t at = str_rchr(buf_str(decoded), '@');
	return decoded->failed || at == STR_NPOS ? STR_NONE : str_from(buf_str(decoded), at + 1);
}
