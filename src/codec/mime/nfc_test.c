/* Normalization Form C: composed, in the canonical order, and never longer than the room. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "codec/mime/nfc.h"

static void composes(void **state)
{
	(void)state;
	static const struct { struct str in, out; } cases[] = {
		{ STR_INIT(""), STR_INIT("") },
		{ STR_INIT("plain & ascii"), STR_INIT("plain & ascii") },
		{ STR_INIT("\xc3\xbc"), STR_INIT("\xc3\xbc") },
		{ STR_INIT("u\xcc\x88" "ber"), STR_INIT("\xc3\xbc" "ber") },
		{ STR_INIT("\xe2\x84\xaa"), STR_INIT("K") },                                   /* U+212A is a K */
		{ STR_INIT("q\xcc\x87\xcc\xa3"), STR_INIT("q\xcc\xa3\xcc\x87") },              /* marks in their order */
		{ STR_INIT("\xe1\x84\x80\xe1\x85\xa1"), STR_INIT("\xea\xb0\x80") },            /* Hangul */
		{ STR_INIT("\xe0\xa5\x98"), STR_INIT("\xe0\xa4\x95\xe0\xa4\xbc") },            /* excluded from composition: grows */
		{ STR_INIT("\xf0\x9d\x85\x9e"), STR_INIT("\xf0\x9d\x85\x97\xf0\x9d\x85\xa5") },
		{ STR_INIT("\xf0\x9f\x93\xa7"), STR_INIT("\xf0\x9f\x93\xa7") },
	};
	char room[64];
	struct str out, again;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(nfc_normalize(cases[i].in, room, sizeof(room), &out), 0);
		assert_true(str_eq(out, cases[i].out));
		assert_int_equal(nfc_is(cases[i].in), str_eq(cases[i].in, cases[i].out));
		assert_true(nfc_is(out));
		assert_int_equal(nfc_normalize(out, room, sizeof(room), &again), 0);
		assert_true(str_eq(again, cases[i].out));
	}
}

static void keeps_to_the_room(void **state)
{
	(void)state;
	char room[8], big[NFC_INPUT_MAX + 1];
	struct str out;
	memset(big, 'x', sizeof(big));
	assert_int_equal(nfc_normalize(STR("12345678"), room, 8, &out), 0);
	assert_int_equal(nfc_normalize(STR("123456789"), room, 8, &out), ERR_TOO_BIG);
	assert_int_equal(nfc_normalize(STR("\xf0\x9d\x85\x9e"), room, 8, &out), 0);
	assert_int_equal(out.n, 8);
	assert_int_equal(nfc_normalize(STR("\xf0\x9d\x85\x9e"), room, 7, &out), ERR_TOO_BIG);
	assert_int_equal(nfc_normalize(str_make(big, sizeof(big)), big, sizeof(big), &out), ERR_TOO_BIG);
	assert_int_equal(nfc_normalize(str_make(big, NFC_INPUT_MAX), big, sizeof(big), &out), 0);
	/* 1,365 characters that each become two of the same size */
	for (size_t i = 0; i + 3 <= NFC_INPUT_MAX; i += 3)
		memcpy(big + i, "\xe0\xa5\x98", 3);
	char twice[2 * NFC_INPUT_MAX];
	assert_int_equal(nfc_normalize(str_make(big, NFC_INPUT_MAX / 3 * 3), twice, sizeof(twice), &out), 0);
	assert_int_equal(out.n, NFC_INPUT_MAX / 3 * 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(composes), cmocka_unit_test(keeps_to_the_room) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
