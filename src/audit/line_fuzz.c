/* The input as a user name: one line comes out, and it says what went in. The input as a line: it is read, or not. */
#include "audit/limits.h"
#include "audit/line.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size);
	struct arena a = ARENA_INIT(0);
	struct buf b = BUF_INIT(0);
	struct audit_event x;
	struct audit_login l = { .protocol = "fuzz", .mechanism = "PLAIN", .user = in, .ip = in, .why = "no" };
	audit_line_parse(&a, in, &x);
	audit_line_login(&b, 0, &l);
	struct str line = buf_str(&b);
	check(line.n && line.n <= AUDIT_LINE_MAX && str_chr(line, '\n') == line.n - 1);
	check(audit_line_parse(&a, str_sub(line, 0, line.n - 1), &x) == 0);
	check(!x.ok && str_eq(x.event, STR("login")) && str_eq(x.user, x.ip));
	if (utf8_is_valid(in) && in.n <= AUDIT_VALUE_MAX)
		check(str_eq(x.user, in));
	buf_fini(&b);
	arena_fini(&a);
	return 0;
}
