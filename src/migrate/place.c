#include "migrate/place.h"

#include "base/ascii.h"
#include "base/num.h"

static const struct { const char *scheme; bool pop3, tls; uint16_t port; } schemes[] = {
	{ "imaps://", false, true, 993 }, { "imap://", false, false, 143 }, { "pop3s://", true, true, 995 }, { "pop3://", true, false, 110 },
};

/* text: never what may hold a password. */
static int wrong(struct err *e, const char *text, const char *why) { return err_set(e, ERR_INVALID, NULL, "%s: %s", text, why); }

static bool decode(struct str s, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		int c = (unsigned char)s.p[i];
		if (c == '%') {
			int high = i + 2 < s.n ? ascii_hex_value((unsigned char)s.p[i + 1]) : -1, low = high < 0 ? -1 : ascii_hex_value((unsigned char)s.p[i + 2]);
			if (low < 0)
				return false;
			c = high * 16 + low;
			i += 2;
		}
		if (ascii_is_cntrl(c) || n + 1 >= size)
			return false;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return true;
}

/* host [":" port], with an IPv6 address in brackets. */
static bool read_host(struct str s, struct place *out)
{
	struct str host = s, port = STR_NONE;
	if (str_starts(s, STR("["))) {
		size_t end = str_chr(s, ']');
		if (end == STR_NPOS)
			return false;
		host = str_sub(s, 1, end - 1);
		port = str_from(s, end + 1);
		if (port.n && port.p[0] != ':')
			return false;
		port = str_from(port, 1);
	} else if (str_cut(s, ':', &host, &port) && port.n == 0) {
		return false;
	}
	uint32_t number = out->port;
	if (port.n && (!num_parse_u32(port, &number) || number == 0 || number > UINT16_MAX))
		return false;
	out->port = (uint16_t)number;
	for (size_t i = 0; i < host.n; i++)
		if (!ascii_is_alnum((unsigned char)host.p[i]) && !strchr(".-_:", host.p[i]))
			return false;
	return host.n && str_copy_c(out->host, sizeof out->host, host);
}

int place_parse(const char *text, struct place *out, struct err *e)
{
	struct str s = str_from_c(text), user = STR_NONE;
	*out = (struct place){ 0 };
	if (str_starts(s, STR("imap-pipe:"))) {
		struct str command = str_trim(str_from(s, 10));
		return command.n && str_copy_c(out->command, sizeof out->command, command) ? 0 : wrong(e, text, "a command is missing, or too long");
	}
	size_t i = 0;
	while (i < sizeof schemes / sizeof *schemes && !str_istarts(s, str_from_c(schemes[i].scheme)))
		i++;
	if (i == sizeof schemes / sizeof *schemes)
		return wrong(e, str_chr(s, '@') == STR_NPOS ? text : "a source", "it is none of imaps:// imap:// pop3s:// pop3:// imap-pipe:");
	out->pop3 = schemes[i].pop3;
	out->implicit_tls = schemes[i].tls;
	out->port = schemes[i].port;
	s = str_from(s, strlen(schemes[i].scheme));
	if (str_ends(s, STR("/")))
		s.n--;
	size_t at = str_rchr(s, '@');
	if (at != STR_NPOS) {
		user = str_sub(s, 0, at);
		s = str_from(s, at + 1);
	}
	if (str_chr(user, ':') != STR_NPOS)
		return wrong(e, "a source", "a password does not belong there: everybody sees it in the list of processes; use --password-file");
	if (!decode(user, out->user, sizeof out->user))
		return wrong(e, text, "the user cannot be read");
	return read_host(s, out) ? 0 : wrong(e, text, "the host cannot be read");
}

void place_format(const struct place *p, struct buf *out)
{
	if (place_is_pipe(p)) {
		buf_printf(out, "imap-pipe:%s", p->command);
		return;
	}
	bool address = strchr(p->host, ':') != NULL;
	buf_printf(out, "%s%s://%s%s%s:%u", p->pop3 ? "pop3" : "imap", p->implicit_tls ? "s" : "", address ? "[" : "", p->host, address ? "]" : "", p->port);
}
