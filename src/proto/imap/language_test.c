#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/err.h"
#include "proto/imap/language.h"

static void ranges(void **state)
{
	(void)state;
	static const struct {
		const char *range;
		int language;               /* -1: none */
	} all[] = {
		{ "ru", IMAP_LANGUAGE_RUSSIAN }, { "RU", IMAP_LANGUAGE_RUSSIAN }, { "ru-RU", IMAP_LANGUAGE_RUSSIAN },
		{ "ru-Cyrl-RU", IMAP_LANGUAGE_RUSSIAN }, { "en", IMAP_LANGUAGE_ENGLISH }, { "en-CA", IMAP_LANGUAGE_ENGLISH },
		{ "i-default", IMAP_LANGUAGE_DEFAULT }, { "default", IMAP_LANGUAGE_DEFAULT }, { "fr", -1 }, { "rus", -1 }, { "r", -1 },
		{ "", -1 }, { "-", -1 }, { "-ru", -1 }, { "i", -1 }, { "mul", -1 },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		enum imap_language language = IMAP_LANGUAGE_DEFAULT;
		int rc = imap_language_find(str_from_c(all[i].range), &language);
		assert_int_equal(rc, all[i].language < 0 ? ERR_NOT_FOUND : 0);
		if (rc == 0)
			assert_int_equal(language, all[i].language);
	}
}

static void replies(void **state)
{
	(void)state;
	static const struct {
		const char *english, *russian;
	} all[] = {
		{ "NO No such mailbox", "NO Такого ящика нет" },
		{ "NO [TRYCREATE] No such mailbox", "NO [TRYCREATE] Такого ящика нет" },
		{ "OK CAPABILITY completed", "OK CAPABILITY: выполнено" },
		{ "OK [APPENDUID 1 2] APPEND completed", "OK [APPENDUID 1 2] APPEND: выполнено" },
		{ "NO [BADURL \"a]b\"] No such mailbox", "NO [BADURL \"a]b\"] Такого ящика нет" },
		{ "BAD Nobody ever said this", "BAD Nobody ever said this" },
		{ "BYE Logging out", "BYE До свидания" },
		{ "OK", "OK" }, { "OK [", "OK [" }, { "OK []", "OK []" }, { "", "" },
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf b = BUF_INIT(0);
		buf_add_c(&b, all[i].english);
		imap_translate_reply(IMAP_LANGUAGE_ENGLISH, &b);
		assert_true(str_eq(buf_str(&b), str_from_c(all[i].english)));
		imap_translate_reply(IMAP_LANGUAGE_RUSSIAN, &b);
		buf_add_char(&b, '\0');
		assert_string_equal(b.p, all[i].russian);
		buf_fini(&b);
	}
}

static void every_text_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < imap_russian_n; i++) {
		assert_ptr_equal(imap_translate(IMAP_LANGUAGE_RUSSIAN, imap_russian[i].english), imap_russian[i].russian);
		assert_ptr_equal(imap_translate(IMAP_LANGUAGE_DEFAULT, imap_russian[i].english), imap_russian[i].english);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(replies),
		cmocka_unit_test(every_text_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
