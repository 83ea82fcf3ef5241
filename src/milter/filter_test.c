#include "milter/filter.h"

#include "milter/packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static void test_good(void **state)
{
	struct arena a = ARENA_INIT(0);
	struct milter_filter f;
	struct net_addr local, six;

	(void)state;
	net_addr_parse(STR("127.0.0.1"), 4, &local);
	net_addr_parse(STR("::1"), 6, &six);
	assert_int_equal(milter_filter_parse(&a, STR("unix:/run/opendkim/opendkim.sock"), &f, NULL), 0);
	assert_string_equal(f.path, "/run/opendkim/opendkim.sock");
	assert_true(str_eq(f.name, STR("unix:/run/opendkim/opendkim.sock")));
	assert_int_equal(f.connect_ms, MILTER_CONNECT_MS_DEFAULT);
	assert_int_equal(f.on_failure, MILTER_FAIL_TEMPFAIL);
	assert_int_equal(f.actions, MILTER_ACT_ALL);
	assert_int_equal(f.steps_off, 0);
	assert_false(f.reuse);
	assert_int_equal(milter_filter_parse(&a, STR("inet:11332@localhost"), &f, NULL), 0);
	assert_null(f.path);
	assert_memory_equal(&f.peer.addr, &local, sizeof local);
	assert_int_equal(f.peer.port, 11332);
	assert_int_equal(milter_filter_parse(&a, STR("inet6:[::1]:8891"), &f, NULL), 0);
	assert_memory_equal(&f.peer.addr, &six, sizeof six);
	assert_int_equal(milter_filter_parse(&a, STR(" inet:127.0.0.1:8891  name=dkim fail=accept connect=1s command=2s message=3m reuse=yes"
												 " skip=helo,DATA,unknown allow=header,quarantine "), &f, NULL), 0);
	assert_true(str_eq(f.name, STR("dkim")));
	assert_int_equal(f.on_failure, MILTER_FAIL_ACCEPT);
	assert_int_equal(f.connect_ms, 1000);
	assert_int_equal(f.command_ms, 2000);
	assert_int_equal(f.message_ms, 180000);
	assert_true(f.reuse);
	assert_int_equal(f.steps_off, MILTER_NO_HELO | MILTER_NO_DATA | MILTER_NO_UNKNOWN);
	assert_int_equal(f.actions, MILTER_ACT_ADD_HEADERS | MILTER_ACT_CHANGE_HEADERS | MILTER_ACT_QUARANTINE | MILTER_ACT_SYMBOLS);
	arena_fini(&a);
}

static void test_bad(void **state)
{
	static const char *const table[] = {
		"", "unix:", "/run/x", "inet:127.0.0.1", "inet:127.0.0.1:0", "inet:127.0.0.1:65536", "inet:mail.example:25", "inet:25@", "tcp:127.0.0.1:1",
		"unix:/x fail=maybe", "unix:/x fail", "unix:/x skip=", "unix:/x skip=helo,", "unix:/x skip=mail", "unix:/x allow=all", "unix:/x connect=0", "unix:/x message=1h",
		"unix:/x name=", "unix:/x colour=blue", "unix:/x reuse=maybe",
	};
	struct arena a = ARENA_INIT(0);
	struct milter_filter f;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct err e = { 0 };
		assert_int_equal(milter_filter_parse(&a, str_from_c(table[i]), &f, &e), ERR_CONFIG);
		assert_true(e.log[0] != '\0');
	}
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
