/* Heads of requests: RFC 9112's examples, and what it wants refused. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/http/request.h"

#define H "Host: mail.example.org\r\n"

static void test_good(void **state)
{
	(void)state;
	static const struct { const char *head, *method, *path, *query, *host; bool keep; uint64_t length; bool chunked; } cases[] = {
		{ "GET /hello.txt HTTP/1.1\r\n" H "\r\n", "GET", "/hello.txt", "", "mail.example.org", true, 0, false },
		{ "GET /a?b=c?d HTTP/1.1\r\nhost:mail.example.org:8080 \r\nConnection: foo, Close\r\n\r\n", "GET", "/a", "b=c?d", "mail.example.org", false, 0, false },
		{ "GET http://www.example.org/pub/ HTTP/1.1\r\n" H "\r\n", "GET", "/pub/", "", "www.example.org", true, 0, false },
		{ "GET http://www.example.org HTTP/1.1\r\n" H "\r\n", "GET", "/", "", "www.example.org", true, 0, false },
		{ "OPTIONS * HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "OPTIONS", "*", "", "[2001:db8::1]", true, 0, false },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", "POST", "/", "", "mail.example.org", true, 5, false },
		{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n", "POST", "/", "", "mail.example.org", true, 0, true },
		{ "GET / HTTP/1.0\r\n\r\n", "GET", "/", "", "", false, 0, false },
		{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET", "/", "", "", true, 0, false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_request r;
		assert_int_equal(http_request_parse(str_from_c(cases[i].head), &r), 0);
		assert_true(str_eq(r.method, str_from_c(cases[i].method)) && str_eq(r.path, str_from_c(cases[i].path)));
		assert_true(str_eq(r.query, str_from_c(cases[i].query)) && str_eq(r.host, str_from_c(cases[i].host)));
		assert_true(r.keep_alive == cases[i].keep && r.content_length == cases[i].length && r.chunked == cases[i].chunked);
	}
}

static void test_bad(void **state)
{
	(void)state;
	static const struct { const char *head; unsigned status; } cases[] = {
		{ "", 400 }, { "GET / HTTP/1.1\r\n", 400 }, { "GET / HTTP/1.1\r\n" H, 400 }, { "GET / HTTP/1.1\r\n\r\n", 400 }, { "GET  / HTTP/1.1\r\n" H "\r\n", 400 },
		{ "GET /\r\n\r\n", 400 }, { "G T / HTTP/1.1\r\n" H "\r\n", 400 }, { "GET a HTTP/1.1\r\n" H "\r\n", 400 }, { "GET / HTTP/2.0\r\n" H "\r\n", 505 },
		{ "GET / HTTP/1.1\n" H "\r\n", 400 }, { "GET / HTTP/1.1\r\n" H H "\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "A : b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "A: b\r\n folded\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "A: b\rc\r\n\r\n", 400 }, { "GET / HTTP/1.1\r\n" H "A: b\nc: d\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400 }, { "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 400 }, { "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 }, { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" H "\r\nmore", 400 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct http_request r;
		assert_int_equal(http_request_parse(str_from_c(cases[i].head), &r), cases[i].status);
	}
}

static void test_field(void **state)
{
	(void)state;
	struct http_request r;
	struct str v;
	assert_int_equal(http_request_parse(STR("GET / HTTP/1.1\r\n" H "X-A:  one \r\nx-a: two\r\nEmpty:\r\n\r\n"), &r), 0);
	assert_true(http_field(&r, STR("x-A"), &v) && str_eq(v, STR("one")));
	assert_true(http_field(&r, STR("empty"), &v) && v.n == 0);
	assert_false(http_field(&r, STR("absent"), &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_good), cmocka_unit_test(test_bad), cmocka_unit_test(test_field) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
