/* Addresses that bounces come back to: what we made is believed for three weeks, whatever mailers did to its letters; nothing else is. */
#include "deliver/group_address.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define DAY 86400
#define NOW ((int64_t)20783 * DAY + 500)

static const struct str list = STR_INIT("list@example.org"), key = STR_INIT("0123456789abcdef0123456789abcdef");

/* What directory_resolve calls the detail of such an address. */
static struct str detail_of(const struct buf *address, const char *member, struct buf *out)
{
	buf_reset(out);
	buf_add_str(out, str_sub(buf_str(address), 12, 9));
	buf_add_c(out, member);
	return buf_str(out);
}

static void test_address(void **state)
{
	(void)state;
	static const struct { int days; bool authentic; } ages[] = {
		{ 0, true }, { 1, true }, { GROUP_BOUNCE_DAYS, true }, { GROUP_BOUNCE_DAYS + 1, false }, { 300, false }, { -1, true }, { -2, false } };
	struct buf b = BUF_INIT(0), detail = BUF_INIT(0);
	struct group_bounce_detail d;

	assert_int_equal(group_bounce_address(list, key, NOW, &b), 0);
	assert_true(str_starts(buf_str(&b), STR("list-bounces-jp")) && str_ends(buf_str(&b), STR("@example.org")));
	assert_int_equal(b.n, strlen("list-bounces-ddhhhhhh@example.org"));
	for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
		assert_int_equal(group_bounce_read(list, key, NOW + (int64_t)ages[i].days * DAY, detail_of(&b, "+u+v=w=host.example", &detail), &d), 0);
		assert_int_equal(d.authentic, ages[i].authentic);
		assert_true(str_eq(d.user, STR("u+v=w")) && str_eq(d.host, STR("host.example")));
	}
	for (size_t i = 0; i < b.n; i++)
		b.p[i] = b.p[i] >= 'a' && b.p[i] <= 'z' ? (char)(b.p[i] - 32) : b.p[i];
	assert_int_equal(group_bounce_read(list, key, NOW, detail_of(&b, "", &detail), &d), 0);
	assert_true(d.authentic && d.user.n == 0 && d.host.n == 0);
	buf_fini(&b);
	buf_fini(&detail);
}

static void test_forged(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "-", "+u=h", "-jp", "-jpaaaaaa", "-jpaaaaaa+u=h", "-jpaaaaaaa+u=h", "jpaaaaaa", "-!!!!!!!!+u=h" };
	struct buf b = BUF_INIT(0), detail = BUF_INIT(0);
	struct group_bounce_detail d;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		assert_int_equal(group_bounce_read(list, key, NOW, str_from_c(bad[i]), &d), 0);
		assert_false(d.authentic);
	}
	assert_int_equal(group_bounce_address(list, key, NOW, &b), 0);
	detail_of(&b, "+u=h", &detail);
	assert_int_equal(group_bounce_read(STR("other@example.org"), key, NOW, buf_str(&detail), &d), 0);
	assert_false(d.authentic);
	assert_int_equal(group_bounce_read(list, STR("another key"), NOW, buf_str(&detail), &d), 0);
	assert_false(d.authentic);
	for (size_t i = 1; i <= 8; i++) {
		char was = detail.p[i];
		detail.p[i] = was == 'b' ? 'c' : 'b';
		assert_int_equal(group_bounce_read(list, key, NOW, buf_str(&detail), &d), 0);
		assert_false(d.authentic);
		detail.p[i] = was;
	}
	buf_fini(&b);
	buf_fini(&detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_address), cmocka_unit_test(test_forged) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
