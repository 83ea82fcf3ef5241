#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/pop3/command.h"

static void test_table(void **state)
{
	(void)state;
	size_t n;
	const struct pop3_command *commands = pop3_commands(&n);
	/* RFC 1939 section 9, RFC 2449, 2595, 5034, 6856 */
	static const char *const all[] = {
		"APOP", "AUTH", "CAPA", "DELE", "LANG", "LIST", "NOOP", "PASS", "QUIT", "RETR", "RSET", "STAT", "STLS", "TOP",
		"UIDL", "USER", "UTF8",
	};
	assert_int_equal(n, sizeof(all) / sizeof(all[0]));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(commands[i].name, all[i]);
		assert_ptr_equal(pop3_command_find(str_from_c(all[i])), &commands[i]);
		assert_true(i == 0 || strcmp(commands[i - 1].name, commands[i].name) < 0);
		assert_true(commands[i].run && commands[i].rfc && commands[i].transcript && commands[i].states);
		assert_true(commands[i].args_min <= commands[i].args_max && commands[i].args_max <= POP3_ARGS_MAX);
		assert_true(!commands[i].takes_rest || commands[i].args_max == 1);
	}
	assert_ptr_equal(pop3_command_find(STR("uIdL")), pop3_command_find(STR("UIDL")));
	static const char *const none[] = { "", "A", "TO", "TOPP", "LAST", "XTND", "RETR1", "ZZZZ", "\xff" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(pop3_command_find(str_from_c(none[i])));
}

static void test_states(void **state)
{
	(void)state;
	static const struct { const char *name; unsigned states; } cases[] = {
		{ "USER", POP3_AUTHORIZATION }, { "PASS", POP3_AUTHORIZATION }, { "APOP", POP3_AUTHORIZATION },
		{ "AUTH", POP3_AUTHORIZATION }, { "STLS", POP3_AUTHORIZATION }, { "UTF8", POP3_AUTHORIZATION },
		{ "QUIT", POP3_AUTHORIZATION | POP3_TRANSACTION }, { "CAPA", POP3_AUTHORIZATION | POP3_TRANSACTION },
		{ "LANG", POP3_AUTHORIZATION | POP3_TRANSACTION }, { "STAT", POP3_TRANSACTION }, { "LIST", POP3_TRANSACTION },
		{ "RETR", POP3_TRANSACTION }, { "DELE", POP3_TRANSACTION }, { "NOOP", POP3_TRANSACTION },
		{ "RSET", POP3_TRANSACTION }, { "TOP", POP3_TRANSACTION }, { "UIDL", POP3_TRANSACTION },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(pop3_command_find(str_from_c(cases[i].name))->states, cases[i].states);
}

static void test_parse(void **state)
{
	(void)state;
	static const struct { const char *line, *name, *first, *second; } cases[] = {
		{ "STAT", "STAT", NULL, NULL },
		{ "stat", "STAT", NULL, NULL },
		{ "STAT ", "STAT", NULL, NULL },
		{ "LIST", "LIST", NULL, NULL },
		{ "LIST 1", "LIST", "1", NULL },
		{ "LIST 1 ", "LIST", "1", NULL },
		{ "TOP 1 10", "TOP", "1", "10" },
		{ "USER alice@example.org", "USER", "alice@example.org", NULL },
		{ "PASS secret", "PASS", "secret", NULL },
		/* RFC 1939 section 7: spaces are part of the password, wherever they stand */
		{ "PASS correct horse battery", "PASS", "correct horse battery", NULL },
		{ "PASS  two before and one behind ", "PASS", " two before and one behind ", NULL },
		{ "PASS  ", "PASS", " ", NULL },
		{ "APOP mrose c4c9334bac560ecc979e58001b3e22fb", "APOP", "mrose", "c4c9334bac560ecc979e58001b3e22fb" },
		{ "AUTH PLAIN", "AUTH", "PLAIN", NULL },
		{ "AUTH PLAIN =", "AUTH", "PLAIN", "=" },
		{ "LANG", "LANG", NULL, NULL },
		{ "LANG *", "LANG", "*", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct pop3_command *command;
		struct pop3_arguments args;
		if (pop3_command_parse(str_from_c(cases[i].line), &command, &args) != POP3_PARSED)
			fail_msg("\"%s\" was refused", cases[i].line);
		assert_string_equal(command->name, cases[i].name);
		assert_int_equal(args.n, cases[i].second ? 2 : cases[i].first ? 1 : 0);
		if (cases[i].first)
			assert_true(str_eq(args.v[0], str_from_c(cases[i].first)));
		if (cases[i].second)
			assert_true(str_eq(args.v[1], str_from_c(cases[i].second)));
	}
}

static void test_refusals(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"STAT 1", "LIST 1 2", "LIST  1", "RETR", "RETR ", "RETR 1 2", "RETR 1  2", "DELE", "NOOP x", "TOP", "TOP 1",
		"TOP 1 2 3", "TOP  1 2", "USER", "USER ", "PASS", "PASS ", "APOP x", "APOP", "APOP a b c", "AUTH", "AUTH A B C",
		"QUIT now", "CAPA x", "STLS x", "UTF8 x", "LANG a b",
	};
	const struct pop3_command *command;
	struct pop3_arguments args;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (pop3_command_parse(str_from_c(bad[i]), &command, &args) != POP3_PARSED_BAD_ARGUMENTS)
			fail_msg("\"%s\" was taken", bad[i]);
	static const char *const unknown[] = { "", " ", " STAT", "STAT\t", "STAT\r", "FOO", "FOO bar", "HELO x" };
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_int_equal(pop3_command_parse(str_from_c(unknown[i]), &command, &args), POP3_PARSED_UNKNOWN);
		assert_null(command);
	}
	assert_int_equal(pop3_command_parse(STR_NONE, &command, &args), POP3_PARSED_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
