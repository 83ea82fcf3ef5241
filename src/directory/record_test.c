#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "directory/record.h"

static void expect_hex(struct str value, const char *want)
{
	struct buf hex = BUF_INIT(0);
	hex_encode(&hex, value);
	buf_add_char(&hex, '\0');
	assert_string_equal(hex.p, want);
	buf_fini(&hex);
}

static struct name name(const char *text)
{
	struct name n;
	assert_int_equal(name_parse_alias(str_from_c(text), &n), 0);
	return n;
}

/* The bytes of doc/format/directory.md. */
static void test_keys(void **state)
{
	(void)state;
	struct name n = name("bob@example.org"), all = name("@example.org"), back;
	struct key k = key_domain(&n);
	assert_true(str_eq(key_str(&k), STR("dexample.org")));
	k = key_user(&n);
	assert_true(str_eq(key_str(&k), STR("uexample.org\0bob")));
	assert_int_equal(key_name(key_str(&k), &back), 0);
	assert_string_equal(back.bytes, "bob@example.org");
	k = key_alias(&all);
	assert_true(str_eq(key_str(&k), STR("aexample.org\0")));
	assert_int_equal(key_name(key_str(&k), &back), 0);
	assert_string_equal(back.bytes, "@example.org");
	assert_int_equal(back.local_n, 0);
	k = key_order(STR("example.org"), 0x0102);
	assert_true(str_eq(key_str(&k), STR("oexample.org\0\0\0\0\0\0\0\1\2")));
	k = key_order(STR(""), 3);
	assert_true(str_eq(key_str(&k), STR("o\0\0\0\0\0\0\0\0\3")));
	k = key_single(SINGLE_ACCOUNT);
	assert_true(str_eq(key_str(&k), STR("naccount")));
	k = key_kind_in('u', STR("example.org"));
	struct key end = key_prefix_end(&k);
	assert_true(str_eq(key_str(&end), STR("uexample.org\1")));
	assert_int_equal(key_name(STR("unothing"), &back), ERR_CORRUPT);
	assert_int_equal(key_name(STR("u\0local"), &back), ERR_CORRUPT);
}

static void test_user(void **state)
{
	(void)state;
	struct user_record u = { .account = 0x11, .sequence = 0x22, .disabled = true };
	u.hash = STR("$y$h");
	u.secret = STR("s");
	struct user_record back;
	struct buf b = BUF_INIT(0);
	user_record_format(&u, &b);
	expect_hex(buf_str(&b), "0101" "1100000000000000" "2200000000000000" "0424792468" "0173");
	assert_int_equal(user_record_parse(buf_str(&b), &back), 0);
	assert_int_equal(back.account, 0x11);
	assert_int_equal(back.sequence, 0x22);
	assert_true(back.disabled && !back.has_scram);
	assert_true(str_eq(back.hash, u.hash) && str_eq(back.secret, u.secret));
	buf_reset(&b);

	u.disabled = false;
	u.has_scram = true;
	u.scram.iterations = 4096;
	memset(u.scram.salt, 1, sizeof(u.scram.salt));
	memset(u.scram.stored_key, 2, sizeof(u.scram.stored_key));
	memset(u.scram.server_key, 3, sizeof(u.scram.server_key));
	user_record_format(&u, &b);
	assert_int_equal(b.n, 18 + 5 + 2 + 4 + 16 + 32 + 32);
	assert_int_equal(user_record_parse(buf_str(&b), &back), 0);
	assert_true(back.has_scram && !back.disabled);
	assert_memory_equal(&back.scram, &u.scram, sizeof(u.scram));
	/* cut anywhere, or with something behind: corrupt, never read over */
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(user_record_parse(str_sub(buf_str(&b), 0, n), &back), ERR_CORRUPT);
	buf_add_u8(&b, 0);
	assert_int_equal(user_record_parse(buf_str(&b), &back), ERR_CORRUPT);
	b.p[0] = 2;
	assert_int_equal(user_record_parse(buf_str(&b), &back), ERR_VERSION);
	buf_fini(&b);
	struct str endless = STR("\1\0........--------\xff\xff\xff\xff\xff\xff\xff\xff\xff\1");
	assert_int_equal(user_record_parse(endless, &back), ERR_CORRUPT);
}

static void test_alias_and_domain(void **state)
{
	(void)state;
	struct name names[] = { name("a@x"), name("bc@y.z") };
	struct text_list t;
	struct str target;
	struct buf b = BUF_INIT(0);
	alias_record_format(names, 2, &b);
	expect_hex(buf_str(&b), "0102" "03614078" "0662634079" "2e7a");
	assert_int_equal(alias_record_parse(buf_str(&b), &t), 0);
	assert_int_equal(t.left, 2);
	assert_int_equal(alias_targets_next(&t, &target), 1);
	assert_true(str_eq(target, STR("a@x")));
	assert_int_equal(alias_targets_next(&t, &target), 1);
	assert_true(str_eq(target, STR("bc@y.z")));
	assert_int_equal(alias_targets_next(&t, &target), 0);
	assert_int_equal(alias_record_parse(str_sub(buf_str(&b), 0, b.n - 1), &t), 0);
	assert_int_equal(alias_targets_next(&t, &target), 1);
	assert_int_equal(alias_targets_next(&t, &target), ERR_CORRUPT);
	assert_int_equal(alias_record_parse(STR("\1\xff\xff\1"), &t), ERR_CORRUPT);
	buf_reset(&b);

	uint64_t sequence;
	domain_record_format(7, &b);
	expect_hex(buf_str(&b), "010700000000000000");
	assert_int_equal(domain_record_parse(buf_str(&b), &sequence), 0);
	assert_int_equal(sequence, 7);
	assert_int_equal(domain_record_parse(STR(""), &sequence), ERR_CORRUPT);
	assert_int_equal(domain_record_parse(STR("\1"), &sequence), ERR_CORRUPT);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_alias_and_domain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
