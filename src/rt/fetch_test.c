/* HTTP requests against test_web.py on loopback. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/fetch.h"
#include "rt/test_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

struct fixture {
	struct tls_identity identity;
	pid_t web;
	int input;                   /* the server ends with it */
	unsigned secure, plain;      /* ports */
	char resolve[64], url[128];
};

static int start(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int in[2], out[2];
	f->identity = test_identity("mta-sts.example.org localhost");
	assert_int_equal(pipe2(in, O_CLOEXEC) | pipe2(out, O_CLOEXEC), 0);
	f->web = fork();
	assert_true(f->web >= 0);
	if (f->web == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execlp("python3", "python3", TROIKA_SOURCE "/src/rt/test_web.py", f->identity.cert_file, f->identity.key_file, (char *)NULL);
		_exit(127);
	}
	f->input = in[1];
	close(in[0]);
	close(out[1]);
	FILE *ports = fdopen(out[0], "r");
	assert_int_equal(fscanf(ports, "%u %u", &f->secure, &f->plain), 2); // NOLINT(cert-err34-c): our own server's
	assert_int_equal(fclose(ports), 0);
	snprintf(f->resolve, sizeof(f->resolve), "mta-sts.example.org:%u:127.0.0.1", f->secure);
	*state = f;
	return 0;
}

static int stop(void **state)
{
	struct fixture *f = *state;
	close(f->input);
	assert_int_equal(waitpid(f->web, NULL, 0), f->web);
	test_identity_remove(&f->identity);
	free(f);
	return 0;
}

static struct fetch_request request(struct fixture *f, const char *path)
{
	snprintf(f->url, sizeof(f->url), "https://mta-sts.example.org:%u%s", f->secure, path);
	return (struct fetch_request){ .url = f->url, .ca_file = f->identity.cert_file, .resolve = f->resolve, .timeout_ms = 100000 };
}

static void test_answers(void **state)
{
	static const struct { const char *path; bool follow; int code; unsigned status; const char *body; } cases[] = {
		{ "/hello", false, 0, 200, "hello" },
		{ "/status/404", false, 0, 404, "as asked" },
		{ "/status/503", true, 0, 503, "as asked" },
		{ "/redirect", false, 0, 302, "elsewhere" },        /* RFC 8461 3.3 */
		{ "/redirect", true, 0, 200, "hello" },
		{ "/downgrade", true, ERR_INVALID, 302, NULL },
		{ "/loop", true, ERR_IO, 302, NULL },
		{ "/drop", false, ERR_IO, 0, NULL },
		{ "/headers", false, ERR_TOO_BIG, 200, NULL },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_request r = request(f, cases[i].path);
		struct fetch_answer a;
		struct err e = { 0 };
		r.follow = cases[i].follow;
		int code = fetch(&r, &a, &e);
		if (code != cases[i].code || a.status != cases[i].status || (code < 0 && e.log[0] == '\0') ||
		    (code == 0 && !str_eq(buf_str(&a.body), str_from_c(cases[i].body))))
			fail_msg("%s: %d, status %u, %s: %.*s", cases[i].path, code, a.status, e.log, STR_ARG(buf_str(&a.body)));
		fetch_answer_fini(&a);
	}
}

static void test_headers(void **state)
{
	struct fetch_request r = request(*state, "/redirect");
	struct fetch_answer a;
	assert_int_equal(fetch(&r, &a, NULL), 0);
	assert_true(str_eq(fetch_header_of(&a, STR("LOCATION")), STR("/hello")));
	fetch_answer_fini(&a);
	r.follow = true;
	assert_int_equal(fetch(&r, &a, NULL), 0);
	assert_true(str_eq(fetch_header_of(&a, STR("x-test")), STR("one")));
	assert_int_equal(fetch_header_of(&a, STR("X-First")).n, 0);        /* the redirect's are gone */
	assert_int_equal(fetch_header_of(&a, STR("X-Tes")).n, 0);
	assert_true(str_starts(buf_str(&a.headers), STR("HTTP/1.1 200 ")));
	fetch_answer_fini(&a);
}

static void test_requests(void **state)
{
	static const struct fetch_header fields[] = { { "Content-Type", STR_INIT("application/jose+json") }, { "X-Empty", STR_INIT("") } };
	static const struct { const char *method; struct str body; const char *first; } cases[] = {
		{ NULL, STR_INIT(""), "GET\n" },
		{ "POST", STR_INIT("some\0bytes"), "POST\n" },
		{ "POST", STR_INIT(""), "POST\n" },
		{ "PUT", STR_INIT("put"), "PUT\n" },
		{ "DELETE", STR_INIT(""), "DELETE\n" },
	};
	struct fetch_answer a;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_request r = request(*state, "/echo");
		r.method = cases[i].method;
		r.body = cases[i].body;
		r.headers = fields;
		r.n_headers = 2;
		assert_int_equal(fetch(&r, &a, NULL), 0);
		struct str got = buf_str(&a.body);
		assert_true(str_starts(got, str_from_c(cases[i].first)));
		assert_true(str_ends(got, cases[i].body));
		assert_int_not_equal(str_find(got, STR("Content-Type: application/jose+json\n")), STR_NPOS);
		assert_int_not_equal(str_find(got, STR("X-Empty: \n")), STR_NPOS);
		assert_int_equal(str_ifind(got, STR("\nCookie:")), STR_NPOS);
		assert_int_equal(str_ifind(got, STR("\nExpect:")), STR_NPOS);
		fetch_answer_fini(&a);
	}
	struct fetch_request r = request(*state, "/hello");
	r.method = "HEAD";
	assert_int_equal(fetch(&r, &a, NULL), 0);
	assert_int_equal(a.status, 200);
	assert_int_equal(a.body.n, 0);
	fetch_answer_fini(&a);
}

static void test_bad_requests(void **state)
{
	static const struct fetch_header bad[] = { { "X-A", STR_INIT("a\r\nX-B: b") }, { "X\nA", STR_INIT("a") }, { "", STR_INIT("a") } };
	static const char *const urls[] = { "", "https://", "file:///etc/passwd", "ftp://localhost/", "https:// a/", "nonsense" };
	struct fetch_request r = request(*state, "/hello");
	struct fetch_answer a;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r.headers = &bad[i];
		r.n_headers = 1;
		assert_int_equal(fetch(&r, &a, NULL), ERR_INVALID);
		fetch_answer_fini(&a);
	}
	r.n_headers = 0;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		r.url = urls[i];
		assert_int_equal(fetch(&r, &a, NULL), ERR_INVALID);
		fetch_answer_fini(&a);
	}
}

static void test_plain_http(void **state)
{
	struct fixture *f = *state;
	struct fetch_request r = request(f, "/hello");
	struct fetch_answer a;
	snprintf(f->url, sizeof(f->url), "http://127.0.0.1:%u/hello", f->plain);
	assert_int_equal(fetch(&r, &a, NULL), ERR_INVALID);
	fetch_answer_fini(&a);
	r.allow_http = true;
	/* proxies of the environment are for others */
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1) | setenv("all_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(fetch(&r, &a, NULL), 0);
	assert_true(str_eq(buf_str(&a.body), STR("hello")));
	fetch_answer_fini(&a);
	unsetenv("http_proxy");
	unsetenv("all_proxy");
}

static void test_certificates(void **state)
{
	struct fixture *f = *state;
	struct tls_identity other = test_identity("mta-sts.example.org");
	struct fetch_request r = request(f, "/hello");
	struct fetch_answer a;
	struct { const char *ca_file; int code; } cases[] = { { other.cert_file, ERR_DENIED }, { NULL, ERR_DENIED }, { "/nonexistent.pem", ERR_CONFIG } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		r.ca_file = cases[i].ca_file;
		assert_int_equal(fetch(&r, &a, NULL), cases[i].code);
		assert_int_equal(a.body.n, 0);
		fetch_answer_fini(&a);
	}
	r.ca_file = f->identity.cert_file;
	snprintf(f->url, sizeof(f->url), "https://127.0.0.1:%u/hello", f->secure);        /* a name that it does not have */
	assert_int_equal(fetch(&r, &a, NULL), ERR_DENIED);
	fetch_answer_fini(&a);
	test_identity_remove(&other);
}

static void test_limits(void **state)
{
	static const struct { const char *path; size_t max; int code; size_t size; } cases[] = {
		{ "/sized/5000", 5000, 0, 5000 },
		{ "/sized/5001", 5000, ERR_TOO_BIG, 0 },
		{ "/poured/5000", 5000, 0, 5000 },
		{ "/poured/100000", 5000, ERR_TOO_BIG, 0 },
		{ "/sized/1048576", 0, 0, 1048576 },
		{ "/sized/1048577", 0, ERR_TOO_BIG, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_request r = request(*state, cases[i].path);
		struct fetch_answer a;
		r.max = cases[i].max;
		assert_int_equal(fetch(&r, &a, NULL), cases[i].code);
		assert_true(cases[i].code < 0 || a.body.n == cases[i].size);
		fetch_answer_fini(&a);
	}
	/* drop by drop */
	struct fetch_request r = request(*state, "/slow");
	struct fetch_answer a;
	r.timeout_ms = 300;
	assert_int_equal(fetch(&r, &a, NULL), ERR_TIMEOUT);
	fetch_answer_fini(&a);
}

static void *fetch_some(void *arg)
{
	const struct fetch_request *r = arg;
	uintptr_t right = 0;
	for (unsigned i = 0; i < 5; i++) {
		struct fetch_answer a;
		right += fetch(r, &a, NULL) == 0 && a.status == 200 && str_eq(buf_str(&a.body), STR("hello"));
		fetch_answer_fini(&a);
	}
	return (void *)right; // NOLINT(performance-no-int-to-ptr): a count
}

static void test_threads(void **state)
{
	struct fetch_request r = request(*state, "/hello");
	pthread_t threads[8];
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fetch_some, &r), 0);
	for (unsigned i = 0; i < 8; i++) {
		void *right;
		pthread_join(threads[i], &right);
		assert_int_equal((uintptr_t)right, 5);
	}
}

static void test_nobody_there(void **state)
{
	struct fetch_request r = { .url = "https://127.0.0.1:1/", .timeout_ms = 100000 };
	struct fetch_answer a;
	struct err e = { 0 };
	(void)state;
	assert_int_equal(fetch(&r, &a, &e), ERR_IO);
	assert_non_null(strstr(e.log, "127.0.0.1"));
	fetch_answer_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers), cmocka_unit_test(test_headers), cmocka_unit_test(test_requests), cmocka_unit_test(test_bad_requests),
		cmocka_unit_test(test_plain_http), cmocka_unit_test(test_certificates), cmocka_unit_test(test_limits), cmocka_unit_test(test_threads),
		cmocka_unit_test(test_nobody_there),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
