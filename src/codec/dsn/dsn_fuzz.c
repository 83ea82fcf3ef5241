/* A notice of anything at all is a message of right lines, and dsn_parse reads back what it says. The first octet chooses; strings are separated
 * by 0xFE. */
#include "codec/dsn/dsn.h"

#include "base/utf8.h"
#include "codec/dsn/clean.h"
#include "codec/dsn/parse.h"

#include <stdlib.h>

#define RECIPIENTS 3

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check_lines(struct str s, bool ascii)
{
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			column = 0;
			i++;
			continue;
		}
		if (s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0' || ++column > 998 || (ascii && (unsigned char)s.p[i] > 0x7f))
			abort();
	}
	if (column)
		abort();
}

static void check_parse(const struct dsn *d, struct str message)
{
	struct arena a = ARENA_INIT(0);
	struct dsn_report report;

	if (dsn_parse(message, &a, &report) || report.n != d->n)
		abort();
	for (size_t i = 0; i < d->n; i++)
		if (report.recipients[i].action != d->recipients[i].action)
			abort();
	arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 1)
		return 0;
	struct str rest = str_make(p + 1, n - 1);
	struct str to, envid, original, queue_id;
	struct dsn_recipient r[RECIPIENTS];
	str_cut(rest, '\xfe', &to, &rest);
	str_cut(rest, '\xfe', &envid, &rest);
	str_cut(rest, '\xfe', &queue_id, &rest);
	for (size_t i = 0; i < RECIPIENTS; i++) {
		r[i] = (struct dsn_recipient){ .address = STR("a@example.org"), .action = (enum dsn_action)((p[0] + i) % 5), .last_attempt = 1, .retry_until = 2 };
		str_cut(rest, '\xfe', i ? &r[i].address : &r[i].original, &rest);
		str_cut(rest, '\xfe', &r[i].status, &rest);
		str_cut(rest, '\xfe', &r[i].remote, &rest);
		str_cut(rest, '\xfe', &r[i].reply, &rest);
		struct buf visible = BUF_INIT(0);
		dsn_clean(r[i].address, true, 100, &visible);
		if (visible.n == 0 || !utf8_is_valid(r[i].address))
			r[i].address = STR("b@example.org");
		buf_fini(&visible);
	}
	original = rest;
	struct dsn d = { .reporting_mta = STR("mx.example.org"), .from = STR("postmaster@example.org"), .to = utf8_is_valid(to) ? to : STR("x@y"), .envid = envid,
					 .id = STR("fedcba9876543210"), .queue_id = STR("7"), .recipients = r, .n = RECIPIENTS, .original = original,
					 .original_utf8 = p[0] & 64, .full = p[0] & 128 };
	struct dsn_message m;
	struct buf all = BUF_INIT(0);
	if (dsn_format(&d, &m))
		abort();
	buf_add_str(&all, buf_str(&m.head));
	buf_add_str(&all, m.body);
	buf_add_str(&all, buf_str(&m.tail));
	check_lines(buf_str(&all), !m.eight_bit);
	if (str_find(original, STR("fedcba")) == STR_NPOS)
		check_parse(&d, buf_str(&all));
	buf_fini(&all);
	dsn_message_fini(&m);
	return 0;
}
