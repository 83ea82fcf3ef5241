/* Whatever a server says: bounded, printable, and the status fits the code. */
#include "codec/smtp/reply.h"

#include "base/ascii.h"
#include "codec/smtp/ehlo.h"

#include <stdint.h>
#include <stdlib.h>

static void check(const struct smtp_reply *r)
{
	if (r->code < 200 || r->code > 599 || r->text_n > SMTP_REPLY_TEXT_MAX || r->lines > SMTP_REPLY_LINES_MAX)
		abort();
	for (size_t i = 0; i < r->text_n; i++)
		if (!ascii_is_print(r->text[i]))
			abort();
	if (r->status.class != r->code / 100 && r->code / 100 != 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = str_make(p, n), line;
	struct smtp_reply r;
	struct smtp_ehlo e = { 0 };

	smtp_reply_begin(&r);
	while (rest.n) {
		str_cut(rest, '\n', &line, &rest);
		enum smtp_reply_step step = smtp_reply_line(&r, line);
		if (step != SMTP_REPLY_BAD) {
			check(&r);
			smtp_ehlo_line(&e, smtp_reply_line_text(line));
		}
		if (step != SMTP_REPLY_MORE)
			smtp_reply_begin(&r);
	}
	return 0;
}
