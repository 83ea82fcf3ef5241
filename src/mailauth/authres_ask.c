/* For the tests: writes an Authentication-Results field for every line of standard input, which holds seven values in hexadecimal, each behind a '/': the
 * domain of SPF, of DKIM d=, s=, i=, a=, b=, and the domain in From. After each field comes a line with a dot. */
#include "base/ascii.h"
#include "mailauth/check.h"

#define LINE_SIZE ((size_t)64 << 10)
#define VALUES 7

/* In place: the octets are half as long. */
static struct str decode(char *hex, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		hex[i / 2] = (char)(ascii_hex_value(hex[i]) * 16 + ascii_hex_value(hex[i + 1]));
	return str_make(hex, n / 2);
}

static void answer(char *line)
{
	struct dkim_verdict dkim = { .result = DKIM_FAIL, .problem = "the body has changed" };
	struct mailauth_verdict v = { .spf = { .result = SPF_SOFTFAIL }, .dkim = &dkim, .n_dkim = 1, .dmarc = { .result = DMARC_FAIL }, .iprev = IPREV_PASS };
	struct mailauth_question q = { .sender = STR("x") };
	struct str *values[VALUES] = { &v.spf.domain, &dkim.domain, &dkim.selector, &dkim.identity, &dkim.algorithm, &dkim.signature, &v.from_domain };
	struct buf b = BUF_INIT(0);
	for (size_t i = 0; i < VALUES && *line == '/'; i++) {
		size_t n = strcspn(line + 1, "/\n");
		char *next = line + 1 + n;
		*values[i] = decode(line + 1, n);
		line = next;
	}
	v.ptr = v.from_domain;
	authres_format(&v, &q, STR("mx.example.org"), &b);
	printf("%.*s.\r\n", STR_ARG(buf_str(&b)));
	buf_fini(&b);
}

int main(void)
{
	char line[LINE_SIZE];
	while (fgets(line, sizeof(line), stdin))
		answer(line);
	return 0;
}
