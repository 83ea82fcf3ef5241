/* What a session sees of its connection: lines, bytes, output to slow readers, timeouts, the end. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "rt/fault.h"
#include "rt/limits.h"
#include "rt/test_server.h"

#include <sys/socket.h>
#include <unistd.h>

static struct client *greeted(uint16_t port)
{
	struct client *c = client_open(port);
	client_expect(c, "hello");
	return c;
}

static void quit(struct client **c)
{
	client_send(*c, "quit\r\n");
	client_expect(*c, "bye");
	client_expect_end(*c);
	client_close(c);
}

static int start(void **state)
{
	struct test_server *t = malloc(sizeof(*t));
	struct server_config config = { .workers_min = 4 };
	test_server_start(t, &config, NULL);
	*state = t;
	return 0;
}

static int stop(void **state)
{
	test_server_stop(*state);
	free(*state);
	return 0;
}

/* ---- input ---- */

static void test_lines(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	client_send(c, "echo one\r\necho two\r\necho three\r\n");
	client_expect(c, "one");
	client_expect(c, "two");
	client_expect(c, "three");
	client_send(c, "echo bare\n\r\n");
	client_expect(c, "bare");        /* the protocol remarks the bare LF */
	client_expect(c, "bare");
	client_expect(c, "what");
	quit(&c);
}

static void test_many_pipelined_lines(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	struct buf all = BUF_INIT(0);
	for (int i = 0; i < 5000; i++)        /* several turns, and several buffers of the worker */
		buf_printf(&all, "echo %06d-0123456789012345678901234567890123456789\r\n", i);
	client_send_bytes(c, all.p, all.n);
	for (int i = 0; i < 5000; i++) {
		char line[64];
		snprintf(line, sizeof(line), "%06d-0123456789012345678901234567890123456789", i);
		client_expect(c, line);
	}
	buf_fini(&all);
	quit(&c);
}

static void test_byte_at_a_time(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	for (const char *p = "echo slowly\r\necho again\r\n"; *p; p++) {
		client_send_bytes(c, p, 1);
		usleep(500);
	}
	client_expect(c, "slowly");
	client_expect(c, "again");
	quit(&c);
}

/* A line of max bytes with its end is taken, one more is not. */
static void test_line_limit(void **state)
{
	static const struct { size_t line; size_t max; size_t head; bool fits; } cases[] = {
		{ 100, 100, 0, true },    { 101, 100, 99, false },   { 102, 100, 100, false },    { 5000, 1000, 256, false },
		{ 300000, 1000, 256, false }, { 200000, 200000, 0, true }, { 200001, 200000, 256, false },
	};
	struct test_server *t = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client *c = greeted(t->port);
		char *line = malloc(cases[i].line + 1), max[32], expected[32];
		snprintf(max, sizeof(max), "max %zu\r\n", cases[i].max);
		memset(line, 'z', cases[i].line);
		memcpy(line + cases[i].line - 2, "\r\n", 3);
		client_send(c, max);
		client_send_bytes(c, line, cases[i].line);
		if (cases[i].fits) {
			client_expect(c, "what");
		} else {
			const char *got = client_line(c);
			assert_non_null(got);
			snprintf(expected, sizeof(expected), "toobig %zu", cases[i].head);
			if (cases[i].head == 256)
				assert_string_equal(got, expected);
			else
				assert_int_equal(strncmp(got, "toobig ", 7), 0);
		}
		client_send(c, "echo alive\r\n");
		client_expect(c, "alive");
		free(line);
		quit(&c);
	}
}

static void test_bytes(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	size_t n = 3000000;
	char *bytes = malloc(n), expected[64], head[32];
	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)(i * 7 + i / 253);
	snprintf(head, sizeof(head), "any %zu\r\n", n);
	snprintf(expected, sizeof(expected), "got %zu %08x", n, hash_crc32c(0, bytes, n));
	client_send(c, head);
	client_send_bytes(c, bytes, n);
	client_send(c, "echo after\r\n");
	client_expect(c, expected);
	client_expect(c, "after");
	free(bytes);
	quit(&c);
}

/* Commands that came before the end of stream are answered: `printf | nc -N` works. */
static void test_half_close(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	client_send(c, "echo a\r\nnothing 200\r\necho b\r\n");
	client_half_close(c);
	client_expect(c, "a");
	client_expect(c, "rested");
	client_expect(c, "b");
	client_expect_end(c);
	client_close(&c);
}

/* Lines of random sizes around the limit, cut into random pieces, against what a reader of the contract would expect. */
static void test_random_lines(void **state)
{
	struct test_server *t = *state;
	uint64_t dice = 0x2545f4914f6cdd1dull;
	for (int round = 0; round < 40; round++) {
		struct client *c = greeted(t->port);
		struct buf all = BUF_INIT(0);
		char kind[400];
		client_send(c, "max 300\r\n");
		for (size_t i = 0; i < sizeof(kind); i++) {
			dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
			size_t n = dice % 5 == 0 ? 298 + dice / 5 % 5 : dice / 5 % 50 == 0 ? 5000 : 7 + dice / 5 % 300;
			kind[i] = n <= 300 ? 'e' : 't';
			buf_add_lit(&all, "echo ");
			for (size_t k = 0; k < n - 7; k++)
				buf_add_char(&all, (char)('a' + k % 26));
			buf_add_lit(&all, "\r\n");
		}
		for (size_t at = 0; at < all.n;) {
			dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
			size_t n = dice % 3 == 0 ? 1 + dice / 3 % 9 : 1 + dice / 3 % 3000;
			n = n < all.n - at ? n : all.n - at;
			client_send_bytes(c, all.p + at, n);
			at += n;
		}
		for (size_t i = 0; i < sizeof(kind); i++) {
			const char *line = client_line(c);
			assert_non_null(line);
			if (kind[i] == 't')
				assert_string_equal(line, "toobig 256");
			else
				assert_true(line[0] == 'a' || line[0] == '\0');
		}
		buf_fini(&all);
		quit(&c);
	}
}

static void test_short_io(void **state)
{
	fault_setup("rt.short_io=1/2");
	test_random_lines(state);
	test_bytes(state);
	fault_setup(NULL);
}

/* ---- output ---- */

static void test_large_output(void **state)
{
	static const char *const verbs[] = { "write", "large", "burst" };
	static const size_t sizes[] = { 1, 16384, 65537, 300000, 3000000 };
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	for (size_t v = 0; v < 3; v++) {
		for (size_t i = 0; i < 5; i++) {
			char line[64];
			snprintf(line, sizeof(line), "echo here\r\n%s %zu\r\necho there\r\n", verbs[v], sizes[i]);
			client_send(c, line);
			client_expect(c, "here");
			client_expect_run(c, sizes[i], 'x');
			client_expect(c, "done");
			client_expect(c, "there");
		}
	}
	quit(&c);
}

/* The reader that does not read costs one thread at most, and nobody else's time. */
static void test_slow_reader(void **state)
{
	struct test_server *t = *state;
	struct client *slow[20];
	for (size_t i = 0; i < 20; i++) {
		slow[i] = greeted(t->port);
		client_take_little(slow[i]);
		client_send(slow[i], i % 2 ? "large 20000000\r\n" : "burst 200000\r\n");
	}
	for (int i = 0; i < 200; i++) {
		struct client *c = greeted(t->port);
		client_send(c, "echo quick\r\n");
		client_expect(c, "quick");
		quit(&c);
	}
	for (size_t i = 0; i < 20; i++) {
		client_expect_run(slow[i], i % 2 ? 20000000 : 200000, 'x');
		client_expect(slow[i], "done");
		quit(&slow[i]);
	}
}

static void test_write_timeout(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .write_timeout_ms = 300, .out_bound = (uint64_t)16 << 20 };        /* "large" blocks a thread, "write" is parked with all of it */
	test_server_start(&t, &config, NULL);
	struct client *blocked = greeted(t.port), *parked = greeted(t.port);
	client_take_little(blocked);
	client_take_little(parked);
	client_send(blocked, "large 30000000\r\n");
	client_send(parked, "write 15000000\r\n");
	for (int i = 0; i < 100 * PATIENCE_S && atomic_load(&t.closed) < 2; i++)
		usleep(10000);
	assert_int_equal(atomic_load(&t.closed), 2);
	client_close(&blocked);
	client_close(&parked);
	test_server_stop(&t);
}

/* Says the end and much more after it, and reads late. False: we took longer than anybody is waited for. */
static bool talk_on(struct test_server *t)
{
	char junk[2000], heard[16];
	ssize_t sent = 1, n = 0, got;
	memset(junk, 'j', sizeof(junk));
	struct client *c = greeted(t->port);
	uint64_t begin = clock_mono_ms();
	client_send(c, "quit\r\n");
	for (int k = 0; k < 50 && sent > 0; k++)
		sent = send(client_fd(c), junk, sizeof(junk), MSG_NOSIGNAL);
	usleep(20000);
	while ((got = recv(client_fd(c), heard + n, sizeof(heard) - (size_t)n, 0)) > 0)
		n += got;
	bool in_time = clock_mono_ms() - begin < CONN_LINGER_MS;
	if (in_time) {
		assert_true(sent > 0);
		assert_int_equal(n, 5);
		assert_memory_equal(heard, "bye\r\n", 5);
		assert_int_equal(got, 0);        /* the end, not a reset */
	}
	client_close(&c);
	return in_time;
}

/* Input that nobody read any more must not reset the connection before our last words are read. */
static void test_last_words(void **state)
{
	unsigned judged = 0;
	for (int i = 0; i < 40 && judged < 20; i++)
		judged += talk_on(*state);
	print_message("%u judged\n", judged);
}

/* ---- timeouts ---- */

static void test_timeouts(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	uint64_t begin = clock_mono_ms();
	client_send(c, "timeout 400\r\n");
	client_expect(c, "timeout");
	uint64_t took = clock_mono_ms() - begin;
	assert_true(took >= 400);
	/* Every input starts it anew. A machine that makes a pause of ours too long may let it come between them, but never sooner than its time after the last. */
	const char *line = "x";
	uint64_t last = clock_mono_ms();
	client_send(c, "timeout 1000\r\n");
	for (int i = 0; i < 4 && strcmp(line, "x") == 0; i++) {
		usleep(300000);
		begin = clock_mono_ms();
		client_send(c, "echo x\r\n");
		line = client_line(c);
		assert_non_null(line);
		if (strcmp(line, "x") == 0)
			last = begin;
	}
	bool between = strcmp(line, "x") != 0;
	if (!between)
		line = client_line(c);
	assert_string_equal(line ? line : "(end of stream)", "timeout");
	assert_true(clock_mono_ms() - last >= 1000);
	if (between)
		client_expect(c, "x");
	quit(&c);
}

/* A wake does not start it anew: the timeout comes among the news. */
static void test_timeout_among_news(void **state)
{
	struct test_server *t = *state;
	struct client *c = greeted(t->port);
	const char *line;
	client_send(c, "subscribe\r\ntimeout 600\r\n");
	client_expect(c, "ok");
	uint64_t begin = clock_mono_ms();
	do {
		usleep(50000);
		test_publish(t);
		line = client_line(c);
		assert_non_null(line);
	} while (strncmp(line, "news ", 5) == 0 && clock_mono_ms() - begin < 1000ull * PATIENCE_S);
	assert_string_equal(line, "timeout");
	line = client_line(c);        /* the news that it came before */
	assert_int_equal(strncmp(line ? line : "", "news ", 5), 0);
	quit(&c);
}

/* Who reads slowly is not silent: the time counts from when the output is gone. */
static void test_timeout_after_slow_reading(void **state)
{
	(void)state;
	struct test_server t;
	struct server_config config = { .out_bound = (uint64_t)16 << 20 };        /* so that it is parked with all of it */
	test_server_start(&t, &config, NULL);
	struct client *c = greeted(t.port);
	client_take_little(c);
	client_send(c, "timeout 600\r\nwrite 15000000\r\n");
	usleep(900000);
	uint64_t begin = clock_mono_ms();        /* the server has sent all of it some time after this */
	client_expect_run(c, 15000000, 'x');
	client_expect(c, "done");
	client_expect(c, "timeout");
	assert_true(clock_mono_ms() - begin >= 600);
	quit(&c);
	test_server_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_many_pipelined_lines),
		cmocka_unit_test(test_byte_at_a_time),
		cmocka_unit_test(test_line_limit),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_half_close),
		cmocka_unit_test(test_random_lines),
		cmocka_unit_test(test_short_io),
		cmocka_unit_test(test_large_output),
		cmocka_unit_test(test_slow_reader),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_timeout_among_news),
	};
	const struct CMUnitTest own[] = {
		cmocka_unit_test(test_write_timeout),
		cmocka_unit_test(test_timeout_after_slow_reading),
	};
	log_setup(LOG_TEXT, LOG_ERROR, 2);
	int failed = cmocka_run_group_tests(tests, start, stop);
	return failed + cmocka_run_group_tests(own, NULL, NULL);
}
