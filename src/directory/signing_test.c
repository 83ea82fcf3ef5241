/* Signing keys as app and the command line change them, on each engine, and their record. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "directory/directory_fixture.h"
#include "directory/signing_record.h"

#define NOW 1700000000

static struct signing_key *list(struct fixture *f, const char *domain, size_t wanted)
{
	struct signing_key *v;
	size_t n;
	assert_int_equal(directory_signing_list(f->d, &f->arena, str_from_c(domain), &v, &n), 0);
	assert_int_equal(n, wanted);
	return v;
}

static uint64_t version(struct fixture *f)
{
	uint64_t v;
	assert_int_equal(directory_signing_version(f->d, &v), 0);
	return v;
}

static void test_keys(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	const struct signing_key two[] = {
		{ .domain = STR("Example.org"), .selector = STR("R1"), .algorithm = SIGNING_RSA, .state = SIGNING_ACTIVE, .pem = STR("rsa") },
		{ .domain = STR("example.org"), .selector = STR("e1.x_y"), .algorithm = SIGNING_ED25519, .state = SIGNING_PENDING, .pem = STR("ed") } };
	const struct signing_key other = { .domain = STR("example.orga"), .selector = STR("r1"), .algorithm = SIGNING_RSA, .state = SIGNING_ACTIVE,
									   .pem = STR("o") };
	assert_int_equal(version(f), 0);
	assert_int_equal(directory_signing_add(f->d, two, 2, NOW, &e), ERR_NOT_FOUND);
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_domain_add(f->d, STR("example.orga"), NULL), 0);
	list(f, "example.org", 0);
	assert_int_equal(directory_signing_add(f->d, two, 2, NOW, &e), 0);
	uint64_t before = version(f);
	assert_true(before > 0);
	assert_int_equal(directory_signing_add(f->d, &other, 1, NOW, &e), 0);
	assert_true(version(f) > before);

	struct signing_key *k = list(f, "EXAMPLE.org", 2);
	assert_true(str_eq(k[0].domain, STR("example.org")) && str_eq(k[0].selector, STR("e1.x_y")) && str_eq(k[1].selector, STR("r1")));
	assert_int_equal(k[1].algorithm, SIGNING_RSA);
	assert_int_equal(k[1].state, SIGNING_ACTIVE);
	assert_int_equal(k[0].state, SIGNING_PENDING);
	assert_int_equal(k[0].created, NOW);
	assert_int_equal(k[0].changed, NOW);
	assert_true(str_eq(k[0].pem, STR("ed")));
	directory_signing_wipe(k, 2);
	assert_true(str_eq(k[0].pem, STR("\0\0")));
	assert_true(str_eq(list(f, "", 3)[2].domain, STR("example.orga")));
	list(f, "sub.example.org", 0);
	list(f, "no domain", 0);

	/* all or none */
	const struct signing_key again[] = { { .domain = STR("example.org"), .selector = STR("new"), .algorithm = SIGNING_RSA, .state = SIGNING_ACTIVE,
										   .pem = STR("x") }, two[0] };
	before = version(f);
	assert_int_equal(directory_signing_add(f->d, again, 2, NOW, &e), ERR_EXISTS);
	assert_string_equal(e.client, "the selector is taken");
	assert_int_equal(version(f), before);
	list(f, "example.org", 2);
}

static void add(struct fixture *f, const char *domain, const char *selector, int code)
{
	const struct signing_key k = { .domain = str_from_c(domain), .selector = str_from_c(selector), .algorithm = SIGNING_ED25519,
								   .state = SIGNING_ACTIVE, .pem = STR("pem") };
	assert_int_equal(directory_signing_add(f->d, &k, 1, NOW, NULL), code);
}

static void test_names(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(directory_domain_add(f->d, STR("b\xc3\xbc" "cher.example"), NULL), 0);
	add(f, "xn--bcher-kva.example", "s", 0);
	add(f, "B\xc3\x9c" "CHER.example", "S", ERR_EXISTS);
	static const char *const wrong[] = { "", ".", "a.", ".a", "a..b", "-a", "a-", "a b", "a/b", "s\xc3\xa4",
										 "a123456789012345678901234567890123456789012345678901234567890123" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		add(f, "xn--bcher-kva.example", wrong[i], ERR_INVALID);
	add(f, "no domain", "s", ERR_INVALID);
	for (unsigned i = 1; i < SIGNING_KEYS_MAX; i++)
		add(f, "xn--bcher-kva.example", arena_printf(&f->arena, "k%u", i).p, 0);
	add(f, "xn--bcher-kva.example", "toomany", ERR_TOO_BIG);
}

static void test_changes(void **state)
{
	struct fixture *f = *state;
	struct err e = { 0 };
	assert_int_equal(directory_domain_add(f->d, STR("example.org"), NULL), 0);
	add(f, "example.org", "a", 0);
	add(f, "example.org", "b", 0);
	const struct signing_change changes[] = { { STR("example.org"), STR("A"), SIGNING_RETIRED, NOW + 700 },
											  { STR("example.org"), STR("b"), SIGNING_ACTIVE, 5 } };
	uint64_t before = version(f);
	assert_int_equal(directory_signing_change(f->d, changes, 2, NOW + 9, &e), 0);
	assert_true(version(f) > before);
	struct signing_key *k = list(f, "example.org", 2);
	assert_int_equal(k[0].state, SIGNING_RETIRED);
	assert_int_equal(k[0].created, NOW);
	assert_int_equal(k[0].changed, NOW + 9);
	assert_int_equal(k[0].until, NOW + 700);
	assert_true(str_eq(k[0].pem, STR("pem")));
	/* nothing new: its time stays */
	assert_int_equal(k[1].changed, NOW);
	assert_int_equal(k[1].until, 0);

	const struct signing_change half[] = { { STR("example.org"), STR("a"), SIGNING_DELETED, 0 },
										   { STR("example.org"), STR("none"), SIGNING_ACTIVE, 0 } };
	assert_int_equal(directory_signing_change(f->d, half, 2, NOW, &e), ERR_NOT_FOUND);
	list(f, "example.org", 2);
	assert_int_equal(directory_signing_change(f->d, half, 1, NOW, &e), 0);
	list(f, "example.org", 1);
	assert_int_equal(directory_signing_change(f->d, half, 1, NOW, &e), ERR_NOT_FOUND);

	/* a domain's keys go with it */
	before = version(f);
	assert_int_equal(directory_domain_del(f->d, STR("example.org"), NULL), 0);
	list(f, "", 0);
	assert_true(version(f) > before);
}

static void test_record(void **state)
{
	(void)state;
	struct buf b = BUF_INIT(0), hex = BUF_INIT(0);
	struct signing_key k = { .algorithm = SIGNING_ED25519, .state = SIGNING_RETIRED, .created = 1, .changed = 2, .until = 3, .pem = STR("ab") }, back;
	signing_record_format(&k, &b);
	hex_encode(&hex, buf_str(&b));
	assert_true(str_eq(buf_str(&hex), STR("010203" "0100000000000000" "0200000000000000" "0300000000000000" "026162")));
	assert_int_equal(signing_record_parse(buf_str(&b), &back), 0);
	assert_int_equal(back.algorithm, SIGNING_ED25519);
	assert_int_equal(back.state, SIGNING_RETIRED);
	assert_int_equal(back.until, 3);
	assert_true(str_eq(back.pem, STR("ab")));
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(signing_record_parse(str_sub(buf_str(&b), 0, n), &back), ERR_CORRUPT);
	buf_add_u8(&b, 0);
	assert_int_equal(signing_record_parse(buf_str(&b), &back), ERR_CORRUPT);
	b.n--;
	b.p[2] = 4;
	assert_int_equal(signing_record_parse(buf_str(&b), &back), ERR_CORRUPT);
	b.p[0] = 2;
	assert_int_equal(signing_record_parse(buf_str(&b), &back), ERR_VERSION);
	buf_fini(&b);
	buf_fini(&hex);
}

static enum store_engine mem = STORE_ENGINE_MEM, lmdb = STORE_ENGINE_LMDB;

#define ON_BOTH(fn) \
	{ #fn " on mem", fn, fixture_setup, fixture_teardown, &mem }, \
	{ #fn " on lmdb", fn, fixture_setup, fixture_teardown, &lmdb }

int main(void)
{
	const struct CMUnitTest tests[] = { ON_BOTH(test_keys), ON_BOTH(test_names), ON_BOTH(test_changes), cmocka_unit_test(test_record) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
