#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/ascii.h"
#include "base/utf8.h"
#include "proto/pop3/text.h"

/* Every text in every language; none that a client could take for a response code (RFC 2449 section 3) or that
 * breaks a line. */
static void test_texts(void **state)
{
	(void)state;
	for (int language = 0; language < POP3_LANGUAGES; language++)
		for (int text = 0; text < TEXT_COUNT; text++) {
			const char *s = pop3_text((enum pop3_language)language, (enum pop3_text)text);
			assert_non_null(s);
			assert_true(utf8_is_valid(str_from_c(s)));
			assert_in_range(strlen(s), 1, 200);
			assert_true(s[0] != '[' && s[0] != ' ');
			for (const char *p = s; *p; p++)
				assert_false(ascii_is_cntrl((unsigned char)*p) || *p == '<');
			/* RFC 6856 section 3.2: ASCII until a client has asked for another language */
			if (language == POP3_ENGLISH)
				assert_true(utf8_is_ascii(str_from_c(s)));
		}
}

static void test_languages(void **state)
{
	(void)state;
	static const struct { const char *range; int want; } cases[] = {
		{ "en", POP3_ENGLISH }, { "EN", POP3_ENGLISH }, { "ru", POP3_RUSSIAN }, { "Ru-Cyrl-RU", POP3_RUSSIAN },
		{ "en-GB", POP3_ENGLISH }, { "*", POP3_ENGLISH }, { "", -1 }, { "de", -1 }, { "r", -1 }, { "rus", -1 },
		{ "MUL", -1 }, { "-ru", -1 }, { "ru-", POP3_RUSSIAN }, { "*-ru", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum pop3_language found = POP3_LANGUAGES;
		bool is = pop3_language_find(str_from_c(cases[i].range), &found);
		if (is != (cases[i].want >= 0) || (is && (int)found != cases[i].want) || (!is && found != POP3_LANGUAGES))
			fail_msg("\"%s\"", cases[i].range);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_languages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
