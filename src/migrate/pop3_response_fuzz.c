/* Any bytes as a line of a POP3 server. */
#include "migrate/pop3_response.h"

#include <stdlib.h>

#define MUST(condition) do { if (!(condition)) abort(); } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct str whole, struct str part) { MUST(part.n == 0 || (part.p >= whole.p && part.p + part.n <= whole.p + whole.n)); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make(data, size), a, b;
	uint32_t n;
	if (pop3_response_status(in, &a, &b) != POP3_BAD) {
		inside(in, a);
		inside(in, b);
	}
	if (pop3_response_listing(in, &n, &a)) {
		MUST(n > 0 && a.n > 0);
		inside(in, a);
	}
	if (pop3_response_line(in, &a))
		MUST(a.n == in.n || a.n + 1 == in.n);
	else
		MUST(in.n == 1);
	if (pop3_response_timestamp(in, &a)) {
		MUST(a.n >= 3 && a.p[0] == '<' && a.p[a.n - 1] == '>' && str_chr(a, ' ') == STR_NPOS);
		inside(in, a);
	}
	pop3_response_capability(in);
	return 0;
}
