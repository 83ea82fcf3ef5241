/* The scheme as libsrs2 describes it. The addresses of test_postsrsd were made by postsrsd 1.10 of Debian 12 (-n 6, the secret "not a secret", on day
 * 303 of the scheme's calendar). No HMAC is at hand on this floor: a table of what it says stands for it there, and a plain hash elsewhere. */
#include "codec/smtp/srs.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/hash.h"
#include "codec/smtp/path.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY 86400
#define DAY_303 ((int64_t)20783 * DAY)

static int plain_mac(struct str key, struct str s, uint8_t out[SRS_MAC_SIZE])
{
	uint32_t h = hash_crc32c(hash_crc32c(0, key.p, key.n), s.p, s.n);

	for (size_t i = 0; i < SRS_MAC_SIZE; i++)
		out[i] = (uint8_t)(h >> 8 * (i % 4));
	return 0;
}

/* HMAC-SHA-1 under "not a secret", its first six letters: `printf TEXT | openssl dgst -sha1 -hmac 'not a secret' -binary | base64`. */
static int known_mac(struct str key, struct str s, uint8_t out[SRS_MAC_SIZE])
{
	static const struct { const char *text, *letters; } known[] = {
		{ "jpsource.examplealice", "uijrjz==" }, { "jpx.examplea=b+c", "JVoPB5==" }, { "first.example=opaque=stuff=dom.example=u", "516nEi==" },
		{ "first.example+opaque=stuff", "FVVQYZ==" }, { "first.example=opaque=stuff", "a8s7WP==" }, { "first.example+opaque", "vtaomj==" },
	};

	assert_true(str_eq(key, STR("not a secret")));
	memset(out, 0, SRS_MAC_SIZE);
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		struct buf b = BUF_INIT(0);
		if (!str_eq(s, str_from_c(known[i].text)))
			continue;
		char letters[9];
		memcpy(letters, known[i].letters, 9);
		memset(letters + 6, 'A', 2);
		assert_int_equal(base64_decode(&b, str_make(letters, 8)), 0);
		memcpy(out, b.p, b.n);
		buf_fini(&b);
		return 0;
	}
	fail_msg("a hash of something else: %.*s", (int)s.n, s.p);
	return ERR_BUG;
}

static const struct srs plain = { .domain = STR_INIT("ours.example"), .key = STR_INIT("key"), .mac = plain_mac };

static void test_postsrsd(void **state)
{
	(void)state;
	static const struct srs s = { .domain = STR_INIT("ours.example"), .key = STR_INIT("not a secret"), .mac = known_mac };
	static const struct { const char *sender, *rewritten, *back; } t[] = {
		{ "alice@source.example", "SRS0=uijrjz=JP=source.example=alice@ours.example", "alice@source.example" },
		{ "Alice@Source.Example", "SRS0=uijrjz=JP=Source.Example=Alice@ours.example", "Alice@Source.Example" },
		{ "a=b+c@x.example", "SRS0=JVoPB5=JP=x.example=a=b+c@ours.example", "a=b+c@x.example" },
		{ "SRS0=opaque=stuff=dom.example=u@first.example", "SRS1=516nEi=first.example==opaque=stuff=dom.example=u@ours.example",
		  "SRS0=opaque=stuff=dom.example=u@first.example" },
		{ "SRS0+opaque=stuff@first.example", "SRS1=FVVQYZ=first.example=+opaque=stuff@ours.example", "SRS0+opaque=stuff@first.example" },
		{ "SRS1=xxxx=first.example==opaque=stuff@second.example", "SRS1=a8s7WP=first.example==opaque=stuff@ours.example", "SRS0=opaque=stuff@first.example" },
		{ "SRS1=xxxx=first.example=+opaque@second.example", "SRS1=vtaomj=first.example=+opaque@ours.example", "SRS0+opaque@first.example" },
	};
	struct buf b = BUF_INIT(0), back = BUF_INIT(0);

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		buf_reset(&b);
		buf_reset(&back);
		assert_int_equal(srs_forward(&s, str_from_c(t[i].sender), DAY_303, &b), 0);
		assert_true(str_eq(buf_str(&b), str_from_c(t[i].rewritten)));
		assert_int_equal(srs_reverse(&s, buf_str(&b), DAY_303, &back), 0);
		assert_true(str_eq(buf_str(&back), str_from_c(t[i].back)));
	}
	buf_fini(&b);
	buf_fini(&back);
}

/* Any sender comes back as it was; also after a mailer made all letters small. */
static void test_round(void **state)
{
	(void)state;
	static const char *const senders[] = { "a@b", "\"a b\"@c.example", "\"q\\\"@x\"@c.example", "a+tag=x@[192.0.2.1]", "\xd1\x8f@\xd0\xbf\xd1\x80.example",
										   "SRS0@x", "SRS0x@x", "srs0=@x", "SRS1=@x", "SRS1=a@x", "SRS1=a=b@x", "list-bounces+u=h.example@l.example" };
	struct buf b = BUF_INIT(0), back = BUF_INIT(0);

	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		buf_reset(&b);
		buf_reset(&back);
		assert_int_equal(srs_forward(&plain, str_from_c(senders[i]), DAY_303, &b), 0);
		assert_true(str_ends(buf_str(&b), STR("@ours.example")));
		struct buf path = BUF_INIT(0);
		struct smtp_path p;
		size_t used;
		buf_printf(&path, "<%.*s>", (int)b.n, b.p);
		assert_null(smtp_path_parse(buf_str(&path), &p, &used));
		buf_fini(&path);
		for (size_t k = 0; k < b.n; k++)
			b.p[k] = b.p[k] >= 'A' && b.p[k] <= 'Z' ? (char)(b.p[k] + 32) : b.p[k];
		assert_int_equal(srs_reverse(&plain, buf_str(&b), DAY_303, &back), 0);
		assert_true(str_ieq(buf_str(&back), str_from_c(senders[i])));
	}
	buf_fini(&b);
	buf_fini(&back);
}

static void test_age(void **state)
{
	(void)state;
	static const struct { int days; int code; } t[] = {
		{ 0, 0 }, { 1, 0 }, { SRS_DAYS_MAX, 0 }, { SRS_DAYS_MAX + 1, ERR_DENIED }, { 500, ERR_DENIED }, { -1, 0 }, { -2, ERR_DENIED }, { 1024, 0 },
	};
	struct buf b = BUF_INIT(0), back = BUF_INIT(0);

	for (int start = 0; start < 1024; start += 31) {
		int64_t then = DAY_303 + (int64_t)start * DAY + 5;
		buf_reset(&b);
		assert_int_equal(srs_forward(&plain, STR("a@b"), then, &b), 0);
		for (size_t i = 0; i < sizeof t / sizeof *t; i++)
			assert_int_equal(srs_reverse(&plain, buf_str(&b), then + (int64_t)t[i].days * DAY, &back), t[i].code);
	}
	buf_fini(&b);
	buf_fini(&back);
}

static void test_forged(void **state)
{
	(void)state;
	static const struct { const char *recipient; int code; } t[] = {
		{ "alice@ours.example", ERR_NOT_FOUND }, { "SRS0@ours.example", ERR_NOT_FOUND }, { "srs0x=a=b=c=d@ours.example", ERR_NOT_FOUND }, { "", ERR_NOT_FOUND },
		{ "SRS0=AAAAAA=JP=victim.example=v@ours.example", ERR_DENIED }, { "SRS0=@ours.example", ERR_NOT_FOUND }, { "SRS0==@ours.example", ERR_DENIED },
		{ "SRS0=====@ours.example", ERR_DENIED }, { "SRS0=AAAAAA=JP=v@ours.example", ERR_DENIED }, { "SRS1=AAAAAA=victim.example==x@ours.example", ERR_DENIED },
		{ "SRS1=x@ours.example", ERR_DENIED }, { "SRS0==JP=victim.example=v@ours.example", ERR_DENIED },
	};
	struct buf b = BUF_INIT(0), back = BUF_INIT(0);
	struct srs other = plain;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(srs_reverse(&plain, str_from_c(t[i].recipient), DAY_303, &back), t[i].code);
	other.key = STR("another");
	assert_int_equal(srs_forward(&other, STR("a@b"), DAY_303, &b), 0);
	assert_int_equal(srs_reverse(&plain, buf_str(&b), DAY_303, &back), ERR_DENIED);
	assert_int_equal(back.n, 0);
	/* each letter matters */
	buf_reset(&b);
	assert_int_equal(srs_forward(&plain, STR("a@b.example"), DAY_303, &b), 0);
	for (size_t i = 5; i + 13 < b.n; i++) {
		char was = b.p[i];
		b.p[i] = was == '2' ? '3' : '2';
		assert_true(was == '=' || srs_reverse(&plain, buf_str(&b), DAY_303, &back) == ERR_DENIED);
		b.p[i] = was;
	}
	buf_fini(&b);
	buf_fini(&back);
}

static void test_limits(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "@", "a", "a@", "@b" };
	struct buf b = BUF_INIT(0), sender = BUF_INIT(0);

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(srs_forward(&plain, str_from_c(bad[i]), DAY_303, &b), ERR_INVALID);
	for (size_t n = 100; n <= 128; n++) {
		buf_reset(&sender);
		for (size_t i = 0; i < n; i++)
			buf_add_char(&sender, 'x');
		buf_add_lit(&sender, "@y");
		/* "SRS0=", hash, "=", day, "=y=" are 17 */
		assert_int_equal(srs_forward(&plain, buf_str(&sender), DAY_303, &b), n <= SMTP_LOCAL_MAX - 17 ? 0 : ERR_TOO_BIG);
	}
	buf_fini(&b);
	buf_fini(&sender);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_postsrsd), cmocka_unit_test(test_round), cmocka_unit_test(test_age), cmocka_unit_test(test_forged), cmocka_unit_test(test_limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
