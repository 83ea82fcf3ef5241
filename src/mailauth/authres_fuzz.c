/* Values of strangers make no field but ours, and what claims to be ours is found. The input is lines: values first, then a header. */
#include "mailauth/check.h"

#include "base/ascii.h"
#include "base/buf.h"
#include "mailauth/limits.h"

#include <stdint.h>
#include <stdlib.h>

#define OURS STR("mx.example.org")

/* Printable ASCII in lines that begin with TAB, and quotes and comments that end. */
static void check_field(struct str field)
{
	bool quoted = false, comment = false;
	size_t line = 0;
	for (size_t i = 0; i + 2 < field.n; i++, line++) {
		char c = field.p[i];
		if (c == '\r') {
			if (quoted || comment || field.p[i + 1] != '\n' || field.p[i + 2] != '\t' || line > 998)    /* RFC 5322 2.1.1 */
				abort();
			i += 2;
			line = 0;
		} else if (!ascii_is_print((unsigned char)c)) {
			abort();
		} else if (quoted && c == '\\') {
			i++;
		} else if (c == '"' && !comment) {
			quoted = !quoted;
		} else if ((c == '(' || c == ')') && !quoted) {
			if (comment == (c == '('))
				abort();
			comment = c == '(';
		}
	}
	if (quoted || comment || !str_ends(field, STR("\r\n")))
		abort();
}

static void check_remove(struct str message)
{
	struct buf once = BUF_INIT(0), twice = BUF_INIT(0);
	size_t length;
	if (authres_remove_ours(message, OURS, &once, &length) == 0)
		abort();
	if (length > message.n || authres_remove_ours(buf_str(&once), OURS, &twice, &length) != 0 || length != once.n)
		abort();
	buf_fini(&once);
	buf_fini(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = str_make(p, n);
	struct dkim_verdict dkim = { .result = DKIM_FAIL, .problem = "changed" };
	struct mailauth_verdict v = { .dkim = &dkim, .n_dkim = 1, .iprev = IPREV_PASS, .arc = { .result = ARC_PASS } };
	struct mailauth_question q = { .helo = STR("x") };
	struct str *values[] = { &v.spf.domain, &dkim.domain, &dkim.selector, &dkim.identity, &dkim.algorithm, &dkim.signature, &v.arc.sealer, &v.from_domain, &v.ptr,
		                 &q.sender, &q.auth_user };
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		str_cut(rest, '\n', values[i], &rest);
	struct buf b = BUF_INIT(0);
	authres_format(&v, &q, OURS, &b);
	check_field(buf_str(&b));
	q.auth_user = STR_NONE;
	size_t first = b.n;
	authres_format(&v, &q, OURS, &b);
	check_field(str_from(buf_str(&b), first));
	buf_add_str(&b, rest);
	check_remove(buf_str(&b));
	buf_fini(&b);
	return 0;
}
