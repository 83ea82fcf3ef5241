#include "proto/pop3/stuff.h"

void pop3_stuff(struct str message, pop3_emit *emit, void *arg)
{
	const char *at = message.p, *end = message.p + message.n;
	bool listens = true;
	if (message.n && *at == '.')
		listens = emit(arg, STR("."));
	while (listens && at < end) {
		const char *dot = memmem(at, (size_t)(end - at), "\n.", 2);
		const char *stop = dot ? dot + 1 : end;
		listens = emit(arg, str_make(at, (size_t)(stop - at)));
		if (listens && dot)
			listens = emit(arg, STR("."));
		at = stop;
	}
	if (listens && message.n && !str_ends(message, STR("\r\n")))
		listens = emit(arg, STR("\r\n"));
	if (listens)
		emit(arg, STR(".\r\n"));
}

/* Where the line that begins at `from` ends, its LF included. */
static size_t line_end(struct str s, size_t from)
{
	size_t lf = str_chr(str_from(s, from), '\n');
	return lf == STR_NPOS ? s.n : from + lf + 1;
}

struct str pop3_top(struct str message, uint32_t lines)
{
	size_t at = 0, end;
	bool blank = false;
	while (at < message.n && !blank) {
		end = line_end(message, at);
		struct str line = str_sub(message, at, end - at);
		blank = str_eq(line, STR("\r\n")) || str_eq(line, STR("\n"));
		at = end;
	}
	for (; lines > 0 && at < message.n; lines--)
		at = line_end(message, at);
	return str_sub(message, 0, at);
}
