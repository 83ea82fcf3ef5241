/* The command table against itself, RFC 3501, and the files it names. */
#include "proto/imap/capability.h"
#include "proto/imap/command.h"
#include "proto/imap/limits.h"
#include "proto/imap/session.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>

static void is_sorted_and_unique(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	assert_true(n <= IMAP_COMMANDS_MAX);
	for (size_t i = 1; i < n; i++)
		assert_true(str_icmp(str_from_c(v[i - 1].name), str_from_c(v[i].name)) < 0);
}

static void finds_in_any_case(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(imap_command_find(str_from_c(v[i].name)), &v[i]);
	assert_non_null(imap_command_find(STR("uid fetch")));
	assert_non_null(imap_command_find(STR("LoGiN")));
	assert_null(imap_command_find(STR("")));
	assert_null(imap_command_find(STR("FETC")));
	assert_null(imap_command_find(STR("FETCHH")));
	assert_null(imap_command_find(STR("UID")));
}

/* RFC 3501 sections 6.1 to 6.4: in which state each command of the base is legal. */
static void states_are_those_of_the_rfc(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		unsigned states;
	} rfc[] = {
		{ "CAPABILITY", IMAP_ANY_STATE }, { "NOOP", IMAP_ANY_STATE }, { "LOGOUT", IMAP_ANY_STATE },
		{ "STARTTLS", IMAP_NOT_AUTHENTICATED }, { "AUTHENTICATE", IMAP_NOT_AUTHENTICATED }, { "LOGIN", IMAP_NOT_AUTHENTICATED },
		{ "SELECT", IMAP_LOGGED_IN }, { "EXAMINE", IMAP_LOGGED_IN }, { "CREATE", IMAP_LOGGED_IN }, { "DELETE", IMAP_LOGGED_IN },
		{ "RENAME", IMAP_LOGGED_IN }, { "SUBSCRIBE", IMAP_LOGGED_IN }, { "UNSUBSCRIBE", IMAP_LOGGED_IN },
		{ "LIST", IMAP_LOGGED_IN }, { "LSUB", IMAP_LOGGED_IN }, { "STATUS", IMAP_LOGGED_IN }, { "APPEND", IMAP_LOGGED_IN },
		{ "CHECK", IMAP_SELECTED }, { "CLOSE", IMAP_SELECTED }, { "EXPUNGE", IMAP_SELECTED }, { "SEARCH", IMAP_SELECTED },
		{ "FETCH", IMAP_SELECTED }, { "STORE", IMAP_SELECTED }, { "COPY", IMAP_SELECTED }, { "UID COPY", IMAP_SELECTED },
		{ "UID FETCH", IMAP_SELECTED }, { "UID STORE", IMAP_SELECTED }, { "UID SEARCH", IMAP_SELECTED },
	};
	for (size_t i = 0; i < sizeof(rfc) / sizeof(rfc[0]); i++) {
		const struct imap_command *c = imap_command_find(str_from_c(rfc[i].name));
		assert_non_null(c);
		assert_int_equal(c->states, rfc[i].states);
	}
}

/* RFC 3501 7.4.1: no EXPUNGE during FETCH, STORE and SEARCH, RFC 5256 BASE.6.4: nor SORT and THREAD; their UID forms are different commands. */
static void numbers_are_kept_by_five(void **state)
{
	(void)state;
	size_t n, kept = 0;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++) {
		if (!(v[i].flags & IMAP_KEEPS_NUMBERS))
			continue;
		struct str name = str_from_c(v[i].name);
		assert_true(str_eq(name, STR("FETCH")) || str_eq(name, STR("STORE")) || str_eq(name, STR("SEARCH")) ||
					str_eq(name, STR("SORT")) || str_eq(name, STR("THREAD")));
		kept++;
	}
	assert_int_equal(kept, 5);
}

/* RFC 9586: what has a UID form takes message numbers or answers with them (EXPUNGE does neither: VANISHED takes the place of its responses). */
static void numbers_are_marked(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++) {
		struct str name = str_from_c(v[i].name);
		if (!str_starts(name, STR("UID ")))
			continue;
		assert_false(v[i].flags & IMAP_NUMBERS);
		const struct imap_command *plain = imap_command_find(str_from(name, 4));
		if (plain && !str_eq(str_from(name, 4), STR("EXPUNGE")) && !(plain->flags & IMAP_NUMBERS))
			fail_msg("%s: wants IMAP_NUMBERS", plain->name);
	}
}

/* A command that goes on or takes octets has what it needs for that. */
static void rows_are_whole(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++) {
		assert_non_null(v[i].run);
		assert_non_null(v[i].rfc);
		assert_true(v[i].states != 0);
		assert_true((v[i].literal == NULL) == (v[i].octets == NULL));
		assert_true(strlen(v[i].name) <= 32);
		/* Only with a mailbox selected is there a mailbox to read or change. */
		if (v[i].flags & (IMAP_MESSAGES | IMAP_WRITES))
			assert_int_equal(v[i].states, IMAP_SELECTED);
	}
}

static bool is_advertised(const char *name)
{
	size_t n;
	const struct imap_capability *v = imap_capability_table(&n);
	for (size_t i = 0; i < n; i++)
		if (!strcmp(v[i].name, name))
			return true;
	return false;
}

static void capabilities_are_advertised(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++)
		if (v[i].capability)
			assert_true(is_advertised(v[i].capability));
	const struct imap_capability *caps = imap_capability_table(&n);
	assert_string_equal(caps[0].name, "IMAP4rev1");
	assert_string_equal(caps[1].name, "IMAP4rev2");
	for (size_t i = 3; i < n; i++)
		assert_true(strcmp(caps[i - 1].name, caps[i].name) < 0);
}

static void transcripts_are_there(void **state)
{
	(void)state;
	size_t n;
	const struct imap_command *v = imap_command_table(&n);
	for (size_t i = 0; i < n; i++) {
		char path[512];
		snprintf(path, sizeof(path), TROIKA_SOURCE "/tests/wire/imap/%s.txt", v[i].transcript);
		if (access(path, R_OK))
			fail_msg("%s: no transcript %s", v[i].name, path);
	}
}

/* A session at rest: what 10,000 of them cost. */
static void session_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct imap_session) <= 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_sorted_and_unique),
		cmocka_unit_test(finds_in_any_case),
		cmocka_unit_test(states_are_those_of_the_rfc),
		cmocka_unit_test(numbers_are_kept_by_five),
		cmocka_unit_test(numbers_are_marked),
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(capabilities_are_advertised),
		cmocka_unit_test(transcripts_are_there),
		cmocka_unit_test(session_is_small),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
