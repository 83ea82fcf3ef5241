#include "codec/smtp/stuff.h"

#include <stdint.h>

/* Eight octets at a time, which the compiler widens further. */
static bool has_8bit(struct str s)
{
	uint64_t all = 0, word;
	size_t i = 0;

	for (; i + sizeof word <= s.n; i += sizeof word) {
		memcpy(&word, s.p + i, sizeof word);
		all |= word;
	}
	for (; i < s.n; i++)
		all |= (unsigned char)s.p[i];
	return (all & 0x8080808080808080u) != 0;
}

void smtp_octets_scan(struct str message, struct smtp_octets *out)
{
	struct str rest = message;
	bool in_header = true;

	*out = (struct smtp_octets){ .header_n = message.n };
	while (rest.n) {
		const char *lf = memchr(rest.p, '\n', rest.n);
		size_t n = lf ? (size_t)(lf - rest.p) : rest.n;
		const char *cr = memchr(rest.p, '\r', n);
		/* The one CR that may be there stands right before the LF. */
		out->bare |= lf ? cr != lf - 1 : cr != NULL;
		size_t text_n = cr ? (size_t)(cr - rest.p) : n;
		if (in_header && text_n == 0 && lf) {
			out->header_n = (size_t)(rest.p - message.p);
			in_header = false;
		}
		out->long_line |= text_n > SMTP_TEXT_LINE_MAX;
		rest = str_from(rest, lf ? n + 1 : n);
	}
	out->nul = message.n && memchr(message.p, '\0', message.n) != NULL;
	out->header_8bit = has_8bit(str_sub(message, 0, out->header_n));
	out->body_8bit = has_8bit(str_from(message, out->header_n));
}

enum { STUFF_TEXT, STUFF_DOT, STUFF_AFTER_DOT, STUFF_END, STUFF_OVER };

void smtp_stuff_init(struct smtp_stuff *s, struct str message)
{
	s->rest = message;
	s->state = message.n && message.p[0] == '.' ? STUFF_DOT : STUFF_TEXT;
}

/* From here (s->state says whether a line starts with the dot at hand) to the next line that starts with a dot. */
static struct str next_text(struct smtp_stuff *s)
{
	const char *found = memmem(s->rest.p, s->rest.n, "\r\n.", 3);
	struct str run = found ? str_sub(s->rest, 0, (size_t)(found - s->rest.p) + 2) : s->rest;

	s->rest = str_from(s->rest, run.n);
	s->state = found ? STUFF_DOT : STUFF_END;
	/* The end mark begins with the CRLF of the last line: leave it to that. */
	if (!found && str_ends(run, STR("\r\n")))
		run.n -= 2;
	return run;
}

struct str smtp_stuff_next(struct smtp_stuff *s)
{
	struct str run;

	switch (s->state) {
	case STUFF_DOT:
		s->state = STUFF_AFTER_DOT;
		return STR(".");
	case STUFF_TEXT:
	case STUFF_AFTER_DOT:
		if (s->rest.n && (run = next_text(s)).n)
			return run;
		__attribute__((fallthrough));
	case STUFF_END:
		s->state = STUFF_OVER;
		return STR("\r\n.\r\n");
	default:
		return STR_NONE;
	}
}
