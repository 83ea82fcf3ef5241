#include "rt/dns_name.h"

#include "base/ascii.h"

#define LABEL_MAX 63        /* RFC 1035 2.3.4 */
#define WIRE_MAX 255

bool dns_name_is_valid(struct str name)
{
	size_t label = 0;
	if (name.n == 0 || name.n > DNS_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		label = name.p[i] == '.' ? 0 : label + 1;
		if (label > LABEL_MAX || (label == 0 && (i == 0 || i + 1 == name.n || name.p[i - 1] == '.')))
			return false;
	}
	return true;
}

void dns_name_escape(struct str name, struct buf *out)
{
	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = (uint8_t)name.p[i];
		/* RFC 1035 5.1 */
		if (ascii_is_alnum(c) || c == '-' || c == '_' || c == '.')
			buf_add_char(out, (char)c);
		else
			buf_printf(out, "\\%03u", c);
	}
}

/* What may stand in a name that goes into a log line, a command or another question as it is. */
static bool is_plain(uint8_t c) { return c > ' ' && c < 0x7f && c != '.' && c != '\\' && c != '"'; }

bool dns_name_parse(struct cursor *c, struct buf *out)
{
	size_t start = out->n, wire = 1;
	for (uint8_t n; (n = cursor_u8(c)) != 0; wire += 1 + (size_t)n) {
		struct str label = cursor_bytes(c, n);
		if (c->bad || n > LABEL_MAX || wire + 1 + n > WIRE_MAX)
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_plain((uint8_t)label.p[i]))
				return false;
		if (out->n > start)
			buf_add_char(out, '.');
		buf_add_str(out, label);
	}
	return !c->bad;
}

void dns_reverse_name(const struct net_addr *a, struct str zone, struct buf *out)
{
	static const char hex[] = "0123456789abcdef";
	bool v4 = net_addr_is_v4(a);
	for (unsigned i = 16; i > (v4 ? 12U : 0U); i--) {
		uint8_t b = a->b[i - 1];
		if (v4)
			buf_printf(out, "%u.", b);
		else
			buf_printf(out, "%c.%c.", hex[b & 15], hex[b >> 4]);
	}
	buf_add_str(out, zone.n > 0 ? zone : v4 ? STR("in-addr.arpa") : STR("ip6.arpa"));
}
