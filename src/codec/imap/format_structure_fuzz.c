/* Messages, and damaged summaries of messages, as ENVELOPE and BODYSTRUCTURE: what is written must be a well-formed
 * list, whatever came in. The first byte chooses: "R": the rest is a summary record; else it is a message. */
#include "base/arena.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "codec/imap/format.h"
#include "codec/mime/message.h"

#include <stdint.h>
#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t skip_quoted(struct str s, size_t i, bool utf8)
{
	size_t from = i;
	for (; i < s.n && s.p[i] != '"'; i++) {
		MUST(s.p[i] != '\r' && s.p[i] != '\n' && s.p[i] != '\0');
		if (s.p[i] == '\\')
			MUST(++i < s.n && (s.p[i] == '"' || s.p[i] == '\\'));
	}
	struct str inside = str_sub(s, from, i - from);
	MUST(utf8 ? utf8_is_valid(inside) : utf8_is_ascii(inside));
	return i + 1;
}

static size_t skip_literal(struct str s, size_t i)
{
	size_t n = 0;
	for (; i < s.n && ascii_is_digit(s.p[i]); i++)
		n = n * 10 + (size_t)(s.p[i] - '0');
	MUST(str_starts(str_from(s, i), STR("}\r\n")));
	return i + 3 + n;
}

static void check(const struct buf *b, bool utf8)
{
	struct str s = buf_str(b);
	unsigned depth = 0;
	MUST(s.n && s.p[0] == '(');
	for (size_t i = 0; i < s.n;) {
		char c = s.p[i++];
		MUST(depth || i == 1);
		if (c == '"')
			i = skip_quoted(s, i, utf8);
		else if (c == '{')
			i = skip_literal(s, i);
		else if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else
			MUST(c == ' ' || ascii_is_digit(c) || c == 'N' || c == 'I' || c == 'L');
		MUST(i <= s.n);
	}
	MUST(depth == 0);
}

static void run(struct str record, bool is_ours)
{
	struct mime_summary s;
	struct buf b = BUF_INIT(0);
	if (mime_summary_open(&s, record)) {
		MUST(!is_ours);
		return;
	}
	for (unsigned i = 0; i < 6; i++) {
		bool utf8 = i & 1;
		buf_reset(&b);
		int err = i < 2 ? imap_format_summary_envelope(&b, &s, utf8) : imap_format_body(&b, &s, i < 4, utf8);
		MUST(!err || !is_ours);
		/* A damaged record may call a string plain that is not: only that it is no overrun can be asked of it. */
		if (is_ours)
			check(&b, utf8);
	}
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 'R') {
		run(str_make(data + 1, size - 1), false);
		return 0;
	}
	struct arena a = ARENA_INIT(0);
	struct mime_message m;
	struct buf record = BUF_INIT(0);
	struct str message = str_make(data, size);
	if (mime_message_parse(message, &a, &m) == 0 && mime_summary_encode(&m, message, &record) == 0)
		run(buf_str(&record), true);
	buf_fini(&record);
	arena_fini(&a);
	return 0;
}
