/* Compression over real sockets: both ways, begun and ended, in pieces, bombs, garbage, slow readers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/compress.h"
#include "rt/limits.h"
#include "rt/test_server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

struct fixture {
	struct test_server server;
};

/* A client that speaks DEFLATE. */
struct peer {
	struct client *c;
	z_stream in, out;
	char raw[65536];
	struct buf text;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	test_server_start(&f->server, NULL, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	test_server_stop(&f->server);
	free(f);
	return 0;
}

static struct peer *peer_open(struct fixture *f)
{
	struct peer *p = calloc(1, sizeof(*p));
	p->c = client_open(f->server.port);
	buf_init(&p->text, 0);
	assert_int_equal(inflateInit2(&p->in, -15), Z_OK);
	assert_int_equal(deflateInit2(&p->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	client_expect(p->c, "hello");
	client_send(p->c, "compress\r\n");
	client_expect(p->c, "go");
	return p;
}

static void peer_close(struct peer *p)
{
	inflateEnd(&p->in);
	deflateEnd(&p->out);
	buf_fini(&p->text);
	client_close(&p->c);
	free(p);
}

static void peer_pack(struct peer *p, const void *bytes, size_t n, int flush, struct buf *out)
{
	p->out.next_in = (Bytef *)(uintptr_t)bytes;
	p->out.avail_in = (uInt)n;
	do {
		char *to = buf_reserve(out, 4096);
		p->out.next_out = (Bytef *)to;
		p->out.avail_out = 4096;
		deflate(&p->out, flush);
		out->n += 4096 - p->out.avail_out;
	} while (p->out.avail_out == 0);
}

static void peer_send(struct peer *p, const char *text)
{
	struct buf packed = BUF_INIT(0);
	peer_pack(p, text, strlen(text), Z_SYNC_FLUSH, &packed);
	client_send_bytes(p->c, packed.p, packed.n);
	buf_fini(&packed);
}

/* More of what the server says; false at the end. */
static bool peer_read(struct peer *p)
{
	ssize_t n = recv(client_fd(p->c), p->raw, sizeof(p->raw), 0);
	if (n < 0 && errno == EAGAIN)
		fail_msg("nothing came for %d s", PATIENCE_S);
	if (n <= 0)
		return false;
	p->in.next_in = (Bytef *)p->raw;
	p->in.avail_in = (uInt)n;
	while (p->in.avail_in > 0) {
		char *to = buf_reserve(&p->text, 65536);
		p->in.next_out = (Bytef *)to;
		p->in.avail_out = 65536;
		int r = inflate(&p->in, Z_SYNC_FLUSH);
		assert_true(r == Z_OK || r == Z_BUF_ERROR);
		p->text.n += 65536 - p->in.avail_out;
	}
	return true;
}

static void peer_expect(struct peer *p, const char *line)
{
	char *end;
	while (!(end = p->text.n ? memchr(p->text.p, '\n', p->text.n) : NULL))
		assert_true(peer_read(p));
	*--end = '\0';
	assert_string_equal(p->text.p, line);
	buf_consume(&p->text, strlen(line) + 2);
}

static void both_ways(void **state)
{
	struct peer *p = peer_open(*state);
	for (int i = 0; i < 50; i++) {
		peer_send(p, "echo one\r\n");
		peer_expect(p, "one");
	}
	/* many lines in one piece, and a line in many */
	peer_send(p, "echo two\r\necho three\r\necho ");
	peer_expect(p, "two");
	peer_expect(p, "three");
	peer_send(p, "fo");
	peer_send(p, "ur\r\n");
	peer_expect(p, "four");
	peer_send(p, "compress\r\n");
	peer_expect(p, "no");
	peer_send(p, "quit\r\n");
	peer_expect(p, "bye");
	assert_false(peer_read(p));
	peer_close(p);
}

static void one_byte_at_a_time(void **state)
{
	struct peer *p = peer_open(*state);
	struct buf packed = BUF_INIT(0);
	peer_pack(p, "echo slow\r\nplain\r\n", 18, Z_SYNC_FLUSH, &packed);
	for (size_t i = 0; i < packed.n; i++) {
		client_send_bytes(p->c, packed.p + i, 1);
		usleep(500);
	}
	buf_fini(&packed);
	peer_expect(p, "slow");
	peer_expect(p, "plain");
	client_send(p->c, "echo clear\r\n");
	client_expect(p->c, "clear");
	peer_close(p);
}

/* Of 5 MB, all ways to write. */
static void large_output(void **state)
{
	struct peer *p = peer_open(*state);
	static const char *const commands[] = { "large 5000000\r\n", "write 5000000\r\n", "burst 5000000\r\n" };
	for (size_t i = 0; i < 3; i++) {
		size_t got = 0;
		peer_send(p, commands[i]);
		while (got < 5000000) {
			if (p->text.n == 0)
				assert_true(peer_read(p));
			size_t n = p->text.n < 5000000 - got ? p->text.n : 5000000 - got;
			for (size_t k = 0; k < n; k++)
				assert_int_equal(p->text.p[k], 'x');
			buf_consume(&p->text, n);
			got += n;
		}
		peer_expect(p, "done");
	}
	/* 5,000,000 times the same byte */
	assert_in_range(p->in.total_out / p->in.total_in, 100, 1100);
	peer_close(p);
}

/* A session that takes bytes gets each of them, however few were sent for how many. */
static void large_input(void **state)
{
	struct peer *p = peer_open(*state);
	enum { N = 20000000 };
	char *zeros = calloc(1, N);
	struct buf packed = BUF_INIT(0);
	peer_send(p, "any 20000000\r\n");
	peer_pack(p, zeros, N, Z_SYNC_FLUSH, &packed);
	assert_true(packed.n < 40000);
	client_send_bytes(p->c, packed.p, packed.n);
	free(zeros);
	buf_fini(&packed);
	while (!memchr(p->text.p ? p->text.p : "", '\n', p->text.n))
		assert_true(peer_read(p));
	assert_memory_equal(p->text.p, "got 20000000 ", 13);
	peer_close(p);
}

/* A line without end is given up, as it would be in the clear. */
static void bomb(void **state)
{
	struct peer *p = peer_open(*state);
	char *zeros = calloc(1, 1 << 20);
	struct buf packed = BUF_INIT(0);
	for (int i = 0; i < 200; i++)
		peer_pack(p, zeros, 1 << 20, Z_SYNC_FLUSH, &packed);
	free(zeros);
	for (size_t at = 0; at < packed.n;) {
		ssize_t n = send(client_fd(p->c), packed.p + at, packed.n - at, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
	}
	buf_fini(&packed);
	while (peer_read(p))
		;
	assert_int_equal(p->text.n, 0);
	peer_close(p);
}

/* RFC 4978 3: the client waits for the answer. What it says before is not taken as said under compression. */
static void injection(void **state)
{
	struct fixture *f = *state;
	struct peer *p = calloc(1, sizeof(*p));
	p->c = client_open(f->server.port);
	buf_init(&p->text, 0);
	assert_int_equal(inflateInit2(&p->in, -15), Z_OK);
	assert_int_equal(deflateInit2(&p->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	client_expect(p->c, "hello");
	client_send(p->c, "compress\r\necho injected\r\necho par");
	client_expect(p->c, "go");
	peer_send(p, "tial\r\necho after\r\n");
	peer_expect(p, "what");
	peer_expect(p, "after");
	peer_close(p);
}

static void garbage(void **state)
{
	struct peer *p = peer_open(*state);
	client_send(p->c, "\xff\xff\xff this is no deflate stream\r\n");
	while (peer_read(p))
		;
	assert_int_equal(p->text.n, 0);
	peer_close(p);
}

/* A final block ends the input, and what came before it is answered. */
static void end_of_stream(void **state)
{
	struct peer *p = peer_open(*state);
	struct buf packed = BUF_INIT(0);
	peer_pack(p, "echo last\r\n", 11, Z_FINISH, &packed);
	client_send_bytes(p->c, packed.p, packed.n);
	buf_fini(&packed);
	peer_expect(p, "last");
	assert_false(peer_read(p));
	peer_close(p);
}

/* RFC 8437 4.1: it ends behind the line, and plain text may stand right behind. */
static void ends_again(void **state)
{
	static const int flushes[] = { Z_SYNC_FLUSH, Z_FULL_FLUSH, Z_FINISH };
	for (size_t i = 0; i < 3; i++) {
		struct peer *p = peer_open(*state);
		struct buf packed = BUF_INIT(0);
		peer_pack(p, "echo a\r\nplain\r\n", 15, flushes[i], &packed);
		buf_add_lit(&packed, "echo clear\r\necho again\r\n");
		client_send_bytes(p->c, packed.p, packed.n);
		buf_fini(&packed);
		/* both of the compressed answers end in the mark of a flush */
		static const char clear[] = "\0\0\xff\xff" "clear\r\nagain\r\n";
		while (p->text.n < sizeof(clear) - 1 || memcmp(p->text.p + p->text.n - (sizeof(clear) - 1), clear, sizeof(clear) - 1)) {
			ssize_t n = recv(client_fd(p->c), p->raw, sizeof(p->raw), 0);
			assert_true(n > 0);
			buf_add(&p->text, p->raw, (size_t)n);
		}
		peer_close(p);
	}
	struct peer *p = peer_open(*state);
	peer_send(p, "plain\r\n");
	peer_expect(p, "plain");
	client_send(p->c, "echo clear\r\n");
	client_expect(p->c, "clear");
	client_send(p->c, "compress\r\n");
	client_expect(p->c, "go");
	inflateReset(&p->in);
	deflateReset(&p->out);
	peer_send(p, "echo packed\r\n");
	peer_expect(p, "packed");
	peer_close(p);
}

/* Who does not read is waited for, and all of it arrives. */
static void slow_reader(void **state)
{
	struct peer *p = peer_open(*state);
	/* incompressible, so that the socket fills: 3 MB that the test protocol cannot make, by echoing */
	char line[60000];
	peer_send(p, "max 70000\r\n");
	uint32_t seed = 1;
	for (int i = 0; i < 60; i++) {
		memcpy(line, "echo ", 5);
		for (size_t k = 5; k < sizeof(line) - 3; k++) {
			seed = seed * 1103515245 + 12345;
			line[k] = (char)('0' + (seed >> 16) % 64);
		}
		memcpy(line + sizeof(line) - 3, "\r\n", 3);
		peer_send(p, line);
	}
	usleep(300000);
	size_t lines = 0, got = 0;
	while (lines < 60) {
		assert_true(peer_read(p));
		for (size_t k = 0; k < p->text.n; k++)
			lines += p->text.p[k] == '\n';
		got += p->text.n;
		buf_reset(&p->text);
	}
	assert_int_equal(got, 60 * (sizeof(line) - 1 - 5));
	peer_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),   cmocka_unit_test(one_byte_at_a_time), cmocka_unit_test(large_output),
		cmocka_unit_test(large_input), cmocka_unit_test(bomb),               cmocka_unit_test(injection),
		cmocka_unit_test(garbage),     cmocka_unit_test(end_of_stream),      cmocka_unit_test(ends_again),
		cmocka_unit_test(slow_reader),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
