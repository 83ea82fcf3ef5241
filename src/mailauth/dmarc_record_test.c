/* RFC 7489 6.3, 6.4, 6.6.3 and its successor's 4.7. */
#include "mailauth/dmarc_record.h"

#include "base/buf.h"
#include "base/err.h"
#include "mailauth/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_is_ours(void **state)
{
	static const char *const ours[] = { "v=DMARC1", "v=DMARC1;p=none", "V = DMARC1 ; p=none", "v\t=\tDMARC1\t;" };
	static const char *const not_ours[] = { "", "v=DMARC", "v=DMARC10;p=none", "v=dmarc1;p=none", " v=DMARC1;p=none", "p=none;v=DMARC1", "v=DMARC1 p=none", "v;p=none", "vv=DMARC1" };
	(void)state;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!dmarc_record_is_ours(str_from_c(ours[i])))
			fail_msg("%s", ours[i]);
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		if (dmarc_record_is_ours(str_from_c(not_ours[i])))
			fail_msg("%s", not_ours[i]);
}

#define N DMARC_POLICY_NONE
#define Q DMARC_POLICY_QUARANTINE
#define R DMARC_POLICY_REJECT
#define RUA "rua=mailto:a@x.example"

static void test_policies(void **state)
{
	static const struct { const char *text; int err; enum dmarc_policy p, sp, np; } rows[] = {
		{ "v=DMARC1;p=reject", 0, R, R, R },
		{ "v=DMARC1; P = Reject ; SP=QUARANTINE;", 0, R, Q, Q },
		{ "v=DMARC1;p=quarantine;np=reject", 0, Q, Q, R },
		{ "v=DMARC1;np=none;sp=reject;p=quarantine", 0, Q, R, N },
		{ "v=DMARC1;p=reject;p=none", 0, R, R, R },
		{ "v=DMARC1;;p=reject;=;junk;x=y=z", 0, R, R, R },
		{ "v=DMARC1", ERR_INVALID, N, N, N },
		{ "v=DMARC1;p=", ERR_INVALID, N, N, N },
		{ "v=DMARC1;p=rejected", ERR_INVALID, N, N, N },
		{ "v=DMARC1;p=reject;sp=maybe", ERR_INVALID, N, N, N },
		{ "v=DMARC1;p=reject;np=", ERR_INVALID, N, N, N },
		{ "v=DMARC1;" RUA, 0, N, N, N },
		{ "v=DMARC1;p=reject;sp=maybe;" RUA, 0, N, N, N },
		{ "v=DMARC1;p=foo;rua=https://x.example/", 0, N, N, N },
		{ "v=DMARC1;p=foo;rua=nobody", ERR_INVALID, N, N, N },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct dmarc_record r;
		if (dmarc_record_parse(str_from_c(rows[i].text), &a, &r) != rows[i].err || r.p != rows[i].p || r.sp != rows[i].sp || r.np != rows[i].np)
			fail_msg("%s", rows[i].text);
		arena_fini(&a);
	}
}

static void test_flags(void **state)
{
	static const struct { const char *text; bool strict_dkim, strict_spf, testing; unsigned percent; enum dmarc_psd psd; } rows[] = {
		{ "v=DMARC1;p=none", false, false, false, 100, DMARC_PSD_UNKNOWN },
		{ "v=DMARC1;p=none;adkim=s;aspf=S;t=Y;psd=y;pct=30", true, true, true, 30, DMARC_PSD_YES },
		{ "v=DMARC1;p=none;adkim=r;aspf=strict;t=n;psd=n;pct=0", false, false, true, 0, DMARC_PSD_NO },
		{ "v=DMARC1;p=none;psd=u;pct=101;t=", false, false, false, 100, DMARC_PSD_UNKNOWN },
		{ "v=DMARC1;p=none;pct=-1", false, false, false, 100, DMARC_PSD_UNKNOWN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct dmarc_record r;
		assert_int_equal(dmarc_record_parse(str_from_c(rows[i].text), &a, &r), 0);
		if (r.strict_dkim != rows[i].strict_dkim || r.strict_spf != rows[i].strict_spf || r.testing != rows[i].testing ||
		    r.percent != rows[i].percent || r.psd != rows[i].psd)
			fail_msg("%s", rows[i].text);
		arena_fini(&a);
	}
}

static void test_addresses(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct dmarc_record r;
	struct buf b = BUF_INIT(0);
	(void)state;
	assert_int_equal(dmarc_record_parse(STR("v=DMARC1;p=none;rua=mailto:a@x.example!10m , MAILTO:b@y.example, https://z.example/, mailto:@x.example,mailto:c d@x.example,,"), &a, &r), 0);
	assert_int_equal(r.n_rua, 2);
	assert_true(str_eq(r.rua[0], STR("mailto:a@x.example")));
	assert_true(str_eq(r.rua[1], STR("MAILTO:b@y.example")));
	buf_add_lit(&b, "v=DMARC1;p=none;rua=mailto:a@x.example");
	for (unsigned i = 0; i < 2 * DMARC_RUA_MAX; i++)
		buf_add_lit(&b, ",mailto:a@x.example");
	assert_int_equal(dmarc_record_parse(buf_str(&b), &a, &r), 0);
	assert_int_equal(r.n_rua, DMARC_RUA_MAX);
	buf_fini(&b);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_ours), cmocka_unit_test(test_policies), cmocka_unit_test(test_flags), cmocka_unit_test(test_addresses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
