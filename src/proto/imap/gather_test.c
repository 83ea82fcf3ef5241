/* Lines and literals, as RFC 3501 2.2 and 4.3 and RFC 7888 have them, on a connection without a socket. Every script is played
 * whole, and in pieces of 1, 2, 3 and 7 octets: the answers must be the same. */
#include "proto/imap/imap.h"
#include "proto/common/services.h"
#include "rt/conn_script.h"
#include "proto/imap/gather.h"
#include "proto/imap/limits.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void announcements(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool found;
		struct imap_announced a;
	} table[] = {
		{ "a LOGIN {5}", true, { 5, true, false, 8 } },
		{ "a LOGIN {5+}", true, { 5, false, false, 8 } },
		{ "a APPEND x ~{5}", true, { 5, true, true, 11 } },
		{ "a APPEND x UTF8 (~{5+}", true, { 5, false, true, 17 } },
		{ "{0}", true, { 0, true, false, 0 } },
		{ "x{18446744073709551615}", true, { UINT64_MAX, true, false, 1 } },
		{ "x{18446744073709551616}", true, { UINT64_MAX, true, false, 1 } },
		{ "x{99999999999999999999999999}", true, { UINT64_MAX, true, false, 1 } },
		{ "a LOGIN {5} ", false, { 0 } },
		{ "a LOGIN {}", false, { 0 } },
		{ "a LOGIN {+}", false, { 0 } },
		{ "a LOGIN {-5}", false, { 0 } },
		{ "a LOGIN {5++}", false, { 0 } },
		{ "a LOGIN {5", false, { 0 } },
		{ "a LOGIN 5}", false, { 0 } },
		{ "5}", false, { 0 } },
		{ "}", false, { 0 } },
		{ "", false, { 0 } },
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct imap_announced a;
		assert_int_equal(imap_announced_find(str_from_c(table[i].line), &a), table[i].found);
		if (!table[i].found)
			continue;
		assert_true(a.size == table[i].a.size);
		assert_int_equal(a.synchronising, table[i].a.synchronising);
		assert_int_equal(a.binary, table[i].a.binary);
		assert_int_equal(a.at, table[i].a.at);
	}
}

struct world {
	struct services *services;
	struct store *store;
	struct directory *directory;
};

static int world_create(void **state)
{
	static struct world w;
	struct store_config c = { .engine = STORE_ENGINE_MEM, .create = true };
	if (store_open(&c, &w.store, NULL) || directory_open(w.store, &(struct directory_config){ 0 }, &w.directory, NULL)
		|| services_create(NULL, w.directory, &w.services))
		return 1;
	*state = &w;
	return 0;
}

static int world_destroy(void **state)
{
	struct world *w = *state;
	services_destroy(&w->services);
	directory_close(&w->directory);
	store_close(&w->store);
	return 0;
}

/* Plays on a new connection with TLS (so that LOGIN is looked at) and returns what came after the greeting. */
static char *answers(struct world *w, struct str input, size_t step, size_t *held_out)
{
	struct conn c;
	script_open(&c, &imap_proto, w->services, "192.0.2.1", true);
	size_t greeting = c.out.n;
	script_play(&c, input, step);
	script_close(&c);
	char *text = str_dup_c(str_from(buf_str(&c.out), greeting));
	buf_fini(&c.out);
	if (held_out)
		*held_out = c.any_max;
	return text;
}

#define HEX_LINE "\x00\xff\xfe\r\n"

static void dialogues(void **state)
{
	static const struct {
		struct str input;
		const char *output;
	} table[] = {
		{ STR_INIT("a1 NOOP\r\na2 noop\r\n"), "a1 OK NOOP completed\r\na2 OK NOOP completed\r\n" },
		{ STR_INIT("a1 FROBNICATE\r\n"), "a1 BAD Unknown command\r\n" },
		{ STR_INIT("\r\n"), "* BAD No tag\r\n" },
		{ STR_INIT("a+b NOOP\r\n"), "* BAD No tag\r\n" },
		{ STR_INIT(HEX_LINE "a1 NOOP\r\n"), "* BAD No tag\r\na1 OK NOOP completed\r\n" },
		/* The accept script: the literal is never sent, because no "+" came. */
		{ STR_INIT("a2 LOGIN {99999999999999}\r\n" HEX_LINE "a3 NOOP\r\n"),
		  "a2 NO [LIMIT] Literal too big\r\n* BAD No tag\r\na3 OK NOOP completed\r\n" },
		/* LITERAL- (RFC 7888 5): 4096 octets without waiting, not one more. */
		{ STR_INIT("a1 LOGIN {4097}\r\n"), "+ OK\r\n" },
		{ STR_INIT("a1 LOGIN {4096+}\r\n"), "" },
		{ STR_INIT("a1 LOGIN {4097+}\r\n"), "a1 BAD [TOOBIG] " },
		/* What would be refused is refused before its literal is asked for. */
		{ STR_INIT("a1 FROB {5}\r\na2 NOOP\r\n"), "a1 BAD Unknown command\r\na2 OK NOOP completed\r\n" },
		{ STR_INIT("a1 SELECT {5}\r\na2 NOOP\r\n"), "a1 BAD Log in first\r\na2 OK NOOP completed\r\n" },
		/* RFC 7888: the literal and the rest of its command are read all the same, and what looks like a command in it is none. */
		{ STR_INIT("a1 FROB {9+}\r\na9 NOOP\r\n rest\r\na2 NOOP\r\n"), "a1 BAD Unknown command\r\na2 OK NOOP completed\r\n" },
		{ STR_INIT("a1 FROB {3+}\r\nabc {4+}\r\nd\r\ne {0+}\r\n x\r\na2 NOOP\r\n"),
		  "a1 BAD Unknown command\r\na2 OK NOOP completed\r\n" },
		/* After a refusal a synchronising literal is not sent either. */
		{ STR_INIT("a1 FROB {3+}\r\nabc {4}\r\na2 NOOP\r\n"), "a1 BAD Unknown command\r\na2 OK NOOP completed\r\n" },
		/* Both arguments as literals, one of no octets; nothing may stand behind them. */
		{ STR_INIT("a1 LOGIN {1}\r\nx {0}\r\n junk\r\n"), "+ OK\r\n+ OK\r\na1 BAD " },
		{ STR_INIT("a1 LOGIN {1+}\r\nx {0+}\r\n junk\r\n"), "a1 BAD " },
		/* A literal may hold line ends and braces; NUL it may not (RFC 3501 4.3). */
		{ STR_INIT("a1 LOGIN {10+}\r\nx {5}\r\n\r\ny junk x\r\na2 NOOP\r\n"), "a1 BAD " },
		{ STR_INIT("a1 LOGIN {3+}\r\na\0b c\r\na2 NOOP\r\n"), "a1 BAD " },
		{ STR_INIT("a1 NOOP {3}\r\na2 NOOP\r\n"), "a1 BAD " },
		{ STR_INIT("{3}\r\na2 NOOP\r\n"), "* BAD No tag\r\na2 OK NOOP completed\r\n" },
		{ STR_INIT("a1 UID FETCH 1 FLAGS\r\na2 UID\r\na3 UID FROB\r\n"), "a1 BAD Log in first\r\na2 BAD " },
		{ STR_INIT("a1 NOOP x\r\na2 NOOP \r\n"), "a1 BAD " },
		{ STR_INIT("a1 LOGOUT\r\na2 NOOP\r\n"), "* BYE Logging out\r\na1 OK LOGOUT completed\r\n" },
	};
	static const size_t steps[] = { 0, 1, 2, 3, 7 };
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			char *got = answers(*state, table[i].input, steps[k], NULL);
			size_t n = strlen(table[i].output);
			if (strncmp(got, table[i].output, n) != 0 || (n && table[i].output[n - 1] == '\n' && got[n]))
				fail_msg("script %zu, %zu octets at a time:\n%s\ninstead of\n%s", i, steps[k], got, table[i].output);
			free(got);
		}
	}
}

/* A line over its limit gets BAD with its tag; the session lives on. */
static void long_lines(void **state)
{
	struct buf in = BUF_INIT(0);
	buf_add_lit(&in, "a1 NOOP ");
	for (size_t i = 0; i < IMAP_LINE_MAX_BEFORE_LOGIN; i++)
		buf_add_char(&in, 'x');
	buf_add_lit(&in, "\r\na2 NOOP\r\na3 LOGIN {5+}\r\nalice ");
	for (size_t i = 0; i < IMAP_LINE_MAX_BEFORE_LOGIN; i++)
		buf_add_char(&in, 'y');
	buf_add_lit(&in, "\r\na4 NOOP\r\n");
	char *got = answers(*state, buf_str(&in), 0, NULL);
	assert_string_equal(got, "a1 BAD [LIMIT] Command too long\r\na2 OK NOOP completed\r\n"
						"a3 BAD [LIMIT] Command too long\r\na4 OK NOOP completed\r\n");
	free(got);
	buf_fini(&in);
}

/* Many literals, each allowed, together are not. */
static void long_commands(void **state)
{
	struct buf in = BUF_INIT(0);
	buf_add_lit(&in, "a1 LOGIN");
	for (size_t i = 0; i < 15; i++) {
		buf_add_lit(&in, " {4000+}\r\n");
		for (size_t k = 0; k < 4000; k++)
			buf_add_char(&in, 'z');
	}
	buf_add_lit(&in, "\r\na2 NOOP\r\n");
	char *got = answers(*state, buf_str(&in), 0, NULL);
	assert_string_equal(got, "a1 NO [LIMIT] Literal too big\r\na2 OK NOOP completed\r\n");
	free(got);
	buf_fini(&in);
}

/* A huge literal nobody asked for flows past: what is held of it at a time is what arrives at a time. */
static void huge_literals_are_not_kept(void **state)
{
	struct buf in = BUF_INIT(0);
	size_t held;
	buf_add_lit(&in, "a1 LOGIN {10000000+}\r\n");
	for (size_t i = 0; i < 10000000; i++)
		buf_add_char(&in, 'q');
	buf_add_lit(&in, " x\r\na2 NOOP\r\n");
	char *got = answers(*state, buf_str(&in), 16384, &held);
	assert_string_equal(got, "a1 BAD [TOOBIG] Before login a literal over 4096 octets must wait\r\na2 OK NOOP completed\r\n");
	assert_true(held <= 16384);
	free(got);
	buf_fini(&in);
}

static void bad_commands_before_login_end_it(void **state)
{
	struct buf in = BUF_INIT(0);
	for (size_t i = 0; i < IMAP_BAD_MAX_BEFORE_LOGIN + 5; i++)
		buf_add_lit(&in, "a FROB\r\n");
	char *got = answers(*state, buf_str(&in), 0, NULL);
	size_t bad = 0;
	for (const char *p = got; (p = strstr(p, "a BAD")); p++)
		bad++;
	assert_int_equal(bad, IMAP_BAD_MAX_BEFORE_LOGIN);
	assert_non_null(strstr(got, "* BYE "));
	free(got);
	buf_fini(&in);
}

/* RFC 3501 6.2.1: what was pipelined behind STARTTLS in the clear is not a command. */
static void starttls_drops_plaintext(void **state)
{
	struct world *w = *state;
	struct conn c;
	script_open(&c, &imap_proto, w->services, "192.0.2.1", false);
	size_t greeting = c.out.n;
	assert_non_null(memmem(c.out.p, c.out.n, " STARTTLS LOGINDISABLED", 23));
	script_play(&c, STR("a1 STARTTLS\r\na2 NOOP\r\na3 LOGIN {5+}\r\n"), 0);
	assert_true(str_eq(str_from(buf_str(&c.out), greeting), STR("a1 OK Begin TLS now\r\n")));
	size_t before = c.out.n;
	script_play(&c, STR("a4 CAPABILITY\r\na5 STARTTLS\r\n"), 0);
	struct str after = str_from(buf_str(&c.out), before);
	assert_true(str_find(after, STR("STARTTLS ")) == STR_NPOS);
	assert_true(str_find(after, STR("LOGINDISABLED")) == STR_NPOS);
	assert_true(str_find(after, STR("a4 OK")) != STR_NPOS);
	assert_true(str_find(after, STR("a5 BAD")) != STR_NPOS);
	script_close(&c);
	buf_fini(&c.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(announcements),
		cmocka_unit_test(dialogues),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(long_commands),
		cmocka_unit_test(huge_literals_are_not_kept),
		cmocka_unit_test(bad_commands_before_login_end_it),
		cmocka_unit_test(starttls_drops_plaintext),
	};
	return cmocka_run_group_tests(tests, world_create, world_destroy);
}
