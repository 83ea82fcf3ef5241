/* Archives in both directions, damaged ones and bombs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "base/err.h"
#include "report/pack.h"

#define MAX ((size_t)1 << 20)

static void test_gzip_round(void **state)
{
	(void)state;
	struct buf text = BUF_INIT(MAX), packed = BUF_INIT(MAX), again = BUF_INIT(MAX);
	for (int i = 0; i < 5000; i++)
		buf_printf(&text, "row %d of a report\n", i);
	assert_int_equal(pack_gzip(buf_str(&text), &packed), 0);
	assert_true(packed.n < text.n / 3);
	assert_int_equal(pack_open(buf_str(&packed), MAX, &again), 0);
	assert_true(str_eq(buf_str(&again), buf_str(&text)));
	for (size_t cut = 1; cut < packed.n; cut += 97) {
		buf_reset(&again);
		assert_int_not_equal(pack_open(str_sub(buf_str(&packed), 0, cut), MAX, &again), cut > 1 ? 0 : 1);
	}
	buf_fini(&text);
	buf_fini(&packed);
	buf_fini(&again);
}

/* One stored, and one by a writer that puts the sizes behind the data. */
static const char *const zips[] = {
	"UEsDBBQAAAAAAAAAIQAgMDo2BgAAAAYAAAAJAAAAaGVsbG8ueG1saGVsbG8KUEsBAhQDFAAAAAAAAAAhACAwOjYGAAAABgAAAAkAAAAAAAAAAAAAAIABAAAAAGhlbGxvLnhtbFBLBQYAAAAAAQABADcAAAAtAAAAAAA=",
	"UEsDBBQACAAIAAAAIQAAAAAAAAAAAAAAAAAJAAAAaGVsbG8ueG1sy0jNycnnAgBQSwcIIDA6NggAAAAGAAAAUEsBAhQDFAAIAAgAAAAhACAwOjYIAAAABgAAAAkAAAAAAAAAAAAAAIABAAAAAGhlbGxvLnhtbFBLBQYAAAAAAQABADcAAAA/AAAAAAA=",
};

static void test_zip(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof zips / sizeof *zips; i++) {
		struct buf zip = BUF_INIT(MAX), out = BUF_INIT(MAX);
		assert_int_equal(base64_decode(&zip, str_from_c(zips[i])), 0);
		assert_int_equal(pack_open(buf_str(&zip), MAX, &out), 0);
		assert_true(str_eq(buf_str(&out), STR("hello\n")));
		buf_reset(&out);
		assert_int_equal(pack_open(str_sub(buf_str(&zip), 0, 40), MAX, &out), ERR_INVALID);
		buf_fini(&zip);
		buf_fini(&out);
	}
}

static void test_bomb(void **state)
{
	(void)state;
	struct buf zeros = BUF_INIT(64 << 20), packed = BUF_INIT(MAX), out = BUF_INIT(64 << 20);
	char *place = buf_reserve(&zeros, 32 << 20);
	assert_non_null(place);
	memset(place, 0, 32 << 20);
	zeros.n = 32 << 20;
	assert_int_equal(pack_gzip(buf_str(&zeros), &packed), 0);
	assert_int_equal(pack_open(buf_str(&packed), MAX, &out), ERR_TOO_BIG);
	assert_true(out.n < 2 * MAX);
	buf_fini(&zeros);
	buf_fini(&packed);
	buf_fini(&out);
}

static void test_plain(void **state)
{
	(void)state;
	struct buf out = BUF_INIT(MAX);
	assert_int_equal(pack_open(STR("<feedback/>"), MAX, &out), 0);
	assert_true(str_eq(buf_str(&out), STR("<feedback/>")));
	buf_fini(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_gzip_round), cmocka_unit_test(test_zip), cmocka_unit_test(test_bomb), cmocka_unit_test(test_plain) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
