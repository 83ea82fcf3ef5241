/* Any value in any parameter: what is taken stays within its bounds; what is refused leaves the buffer as it was. */
#include "codec/smtp/params.h"

#include "base/utf8.h"

#include <stdint.h>
#include <stdlib.h>

static void check(bool right)
{
	if (!right)
		abort();
}

static void texts(struct str s)
{
	struct buf b = BUF_INIT(0);

	for (int utf8 = 0; utf8 < 2; utf8++) {
		size_t before = b.n;
		if (smtp_param_orcpt(s, utf8, &b))
			check(b.n == before);
		else
			check(utf8_is_valid(buf_str(&b)) && str_chr(buf_str(&b), '\r') == STR_NPOS && str_chr(buf_str(&b), '\n') == STR_NPOS);
	}
	buf_reset(&b);
	if (smtp_param_envid(s, &b))
		check(b.n == 0);
	else
		check(b.n <= SMTP_ENVID_MAX && utf8_is_ascii(buf_str(&b)));
	buf_fini(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str s = str_make(p, n), half = str_from(s, n / 2);
	enum smtp_body body;
	enum smtp_ret ret;
	struct smtp_by by;
	unsigned bits;
	uint64_t u;
	int64_t at;
	int priority;
	struct buf b = BUF_INIT(0);

	smtp_param_body(s, &body);
	smtp_param_size(s, &u);
	smtp_param_ret(s, &ret);
	if (!smtp_param_notify(s, &bits))
		check(bits && bits < 16);
	if (!smtp_param_by(s, &by))
		check(by.seconds > -1000000000 && by.seconds < 1000000000 && (!by.returns || by.seconds > 0));
	if (!smtp_param_holdfor(s, &u))
		check(u && u < 1000000000);
	if (!smtp_param_holduntil(s, &at)) {
		smtp_format_utc(&b, at);
		check(b.n >= n);
	}
	if (!smtp_param_priority(s, &priority))
		check(priority >= -9 && priority <= 9);
	if (!smtp_param_solicit(s) && !smtp_param_solicit(half))
		check(smtp_solicit_match(half, s).n <= half.n);
	texts(s);
	buf_fini(&b);
	return 0;
}
