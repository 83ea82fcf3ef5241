/* Groups' records are the bytes that doc/format/directory.md says, and damaged ones are refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "directory/group_record.h"

static void test_keys(void **state)
{
	struct name n;
	(void)state;
	assert_int_equal(name_parse(STR("List@Example.org"), &n), 0);
	struct key k = group_key(&n);
	assert_true(str_eq(key_str(&k), STR("gexample.org\0list")));
	k = group_members_key(0x0102, STR("a@b"));
	assert_true(str_eq(key_str(&k), STR("G\0\0\0\0\0\0\x01\x02\0a@b")));
	k = group_members_key(0xff, STR_NONE);
	assert_true(str_eq(key_str(&k), STR("G\0\0\0\0\0\0\0\xff\0")));
	k = group_bounce_key(1, STR("a@b"));
	assert_true(str_eq(key_str(&k), STR("B\0\0\0\0\0\0\0\x01\0a@b")));
}

#define GROUP "\x01\x0b\x04" "\x07\0\0\0\0\0\0\0" "\x02\0\0\0\0\0\0\0" "\x01\0\0\0\0\0\0\0" "\x81\x01\x03\x05" "\x02" "hi" "\x01\x03" "a@b" "\x02\x02" "@c" "\x03" "d@e"

static void test_group(void **state)
{
	static const struct str bytes = STR_INIT(GROUP);
	struct group_record r;
	struct str text;
	struct buf b = BUF_INIT(0);
	(void)state;
	assert_int_equal(group_record_parse(bytes, &r), 0);
	assert_true(r.id == 7 && r.members == 2 && r.disabled == 1 && r.size_max == 129 && r.bounces_max == 3 && r.bounce_days == 5);
	assert_true(r.reply_to_list && r.no_headers && !r.no_verp && r.rewrite_from && r.post == GROUP_POST_LOCAL && str_eq(r.description, STR("hi")));
	group_record_format(&r, &b);
	assert_true(str_eq(buf_str(&b), bytes));
	assert_true(text_list_next(&r.owners, &text) == 1 && str_eq(text, STR("a@b")) && text_list_next(&r.owners, &text) == 0);
	assert_true(text_list_next(&r.senders, &text) == 1 && str_eq(text, STR("@c")));
	assert_true(text_list_next(&r.senders, &text) == 1 && str_eq(text, STR("d@e")) && text_list_next(&r.senders, &text) == 0);
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(group_record_parse(str_sub(bytes, 0, n), &r), ERR_CORRUPT);
	assert_int_equal(group_record_parse(STR(GROUP "x"), &r), ERR_CORRUPT);
	buf_reset(&b);
	buf_add_str(&b, bytes);
	b.p[0] = 2;
	assert_int_equal(group_record_parse(buf_str(&b), &r), ERR_VERSION);
	b.p[0] = 1;
	b.p[2] = GROUP_POST_COUNT;
	assert_int_equal(group_record_parse(buf_str(&b), &r), ERR_CORRUPT);
	buf_fini(&b);
}

static void test_chunk(void **state)
{
	static const struct str bytes = STR_INIT("\x01\x03" "a@b\0" "\x03" "c@d\x01");
	struct group_chunk_entry e;
	struct cursor c;
	struct buf b = BUF_INIT(0);
	int code = 1;
	(void)state;
	record_begin(&b);
	assert_int_equal(group_chunk_open(bytes, &c), 0);
	assert_true(group_chunk_next(&c, &e) == 1 && str_eq(e.address, STR("a@b")) && !e.disabled);
	group_chunk_add(&b, &e);
	assert_true(group_chunk_next(&c, &e) == 1 && str_eq(e.address, STR("c@d")) && e.disabled);
	group_chunk_add(&b, &e);
	assert_int_equal(group_chunk_next(&c, &e), 0);
	assert_true(str_eq(buf_str(&b), bytes));
	assert_int_equal(group_chunk_open(STR_NONE, &c), 0);
	assert_int_equal(group_chunk_next(&c, &e), 0);
	assert_int_equal(group_chunk_open(str_sub(bytes, 0, bytes.n - 1), &c), 0);
	while (code == 1)
		code = group_chunk_next(&c, &e);
	assert_int_equal(code, ERR_CORRUPT);
	buf_fini(&b);
}

static void test_bounce(void **state)
{
	static const struct str bytes = STR_INIT("\x01\x03\x10\x27\0\0\0\0\0\0\x05" "5.1.1");
	struct bounce_record r;
	struct buf b = BUF_INIT(0);
	(void)state;
	assert_int_equal(bounce_record_parse(bytes, &r), 0);
	assert_true(r.count == 3 && r.last == 10000 && str_eq(r.status, STR("5.1.1")));
	bounce_record_format(&r, &b);
	assert_true(str_eq(buf_str(&b), bytes));
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(bounce_record_parse(str_sub(bytes, 0, n), &r), ERR_CORRUPT);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys), cmocka_unit_test(test_group), cmocka_unit_test(test_chunk), cmocka_unit_test(test_bounce),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
