/* RFC 8461 3.1, 3.3, 5.1: fetched over real HTTPS from loopback, kept, renewed, outlived. Needs port 443 of an address of loopback (root). */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbound/sts.h"
#include "rt/dns_zone.h"
#include "rt/log.h"
#include "rt/tls.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HOST_ADDRESS "127.0.0.44"
#define NOW ((int64_t)1800000000)
#define POLICY "version: STSv1\nmode: enforce\nmx: mx.good.example\nmax_age: 864000\n"

struct world {
	char dir[32], cert[64], key[64];
	pid_t host;                       /* 0: it could not be started */
	int to_host, from_host;
	struct store *store;
	struct sts *sts;
	struct dns_zone *zone;
	struct dns_source dns;
	struct arena arena;
};

static void write_file(const struct world *w, const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", w->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* How often the policy host was asked since the last look. */
static unsigned requests(const struct world *w)
{
	char path[128], text[4096];
	unsigned n = 0;
	snprintf(path, sizeof path, "%s/requests", w->dir);
	int fd = open(path, O_RDONLY);
	ssize_t got = fd >= 0 ? read(fd, text, sizeof text) : 0;
	for (ssize_t i = 0; i < got; i++)
		n += text[i] == '\n';
	if (fd >= 0)
		close(fd);
	unlink(path);
	return n;
}

static void start_host(struct world *w)
{
	int in[2], out[2];
	char ready[8] = "";

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	w->host = fork();
	if (w->host == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		execlp("python3", "python3", TROIKA_SOURCE "/src/outbound/test_sts_host.py", HOST_ADDRESS, w->cert, w->key, w->dir, (char *)NULL);
		_exit(1);
	}
	close(in[0]);
	close(out[1]);
	w->to_host = in[1];
	if (read(out[0], ready, 5) != 5) {
		waitpid(w->host, NULL, 0);
		w->host = 0;
	}
	w->from_host = out[0];            /* open to the end: it may still be writing */
}

static void stop_host(struct world *w)
{
	close(w->to_host);
	if (w->host)
		waitpid(w->host, NULL, 0);
	close(w->from_host);
	w->host = 0;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct store_config config = { .engine = STORE_ENGINE_MEM, .create = true };

	log_setup(LOG_TEXT, LOG_ERROR, 2);
	memcpy(w->dir, "/tmp/troika-sts-XXXXXX", sizeof "/tmp/troika-sts-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->cert, sizeof w->cert, "%s/cert.pem", w->dir);
	snprintf(w->key, sizeof w->key, "%s/key.pem", w->dir);
	const struct str names[] = { STR("mta-sts.good.example"), STR("mta-sts.html.example"), STR("mta-sts.moved.example"), STR("mta-sts.bad.example"),
								 STR("mta-sts.missing.example") };
	assert_int_equal(tls_self_signed(names, 5, 10, w->cert, w->key, NULL), 0);
	start_host(w);
	assert_int_equal(store_open(&config, &w->store, NULL), 0);
	assert_int_equal(sts_create(w->store, &w->sts), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	static const char *const files[] = { "cert.pem", "key.pem", "requests", "mta-sts.good.example", "mta-sts.html.example", "mta-sts.moved.example",
										 "mta-sts.bad.example", "mta-sts.other.example" };
	struct world *w = *state;
	char path[128];

	stop_host(w);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%s/%s", w->dir, files[i]);
		unlink(path);
	}
	rmdir(w->dir);
	sts_destroy(&w->sts);
	store_close(&w->store);
	dns_zone_destroy(&w->zone);
	arena_fini(&w->arena);
	free(w);
	return 0;
}

/* From now on the DNS says this, and where the policy hosts are. */
static void publish(struct world *w, const char *lines)
{
	dns_zone_destroy(&w->zone);
	w->zone = dns_zone_create();
	dns_zone_add(w->zone, lines);
	dns_zone_add(w->zone, "mta-sts.good.example A " HOST_ADDRESS "\nmta-sts.html.example A " HOST_ADDRESS "\nmta-sts.moved.example A " HOST_ADDRESS
						  "\nmta-sts.bad.example A " HOST_ADDRESS "\nmta-sts.missing.example A " HOST_ADDRESS "\nmta-sts.other.example A " HOST_ADDRESS);
	w->dns = dns_zone_source(w->zone);
}

static struct sts_answer ask(struct world *w, const char *domain, int64_t now)
{
	struct sts_question q = { .dns = &w->dns, .ca_file = w->cert, .now = now };
	struct sts_answer answer;

	assert_int_equal(sts_find(w->sts, &q, &w->arena, str_from_c(domain), &answer), 0);
	return answer;
}

#define ID(name, id) "_mta-sts." name " TXT v=STSv1; id=" id ";\n"

static void test_life_of_a_policy(void **state)
{
	struct world *w = *state;

	if (!w->host)
		skip();
	write_file(w, "mta-sts.good.example", "200 text/plain\n" POLICY);
	publish(w, ID("good.example", "1"));
	struct sts_answer a = ask(w, "good.example", NOW);
	assert_true(a.found);
	assert_int_equal(a.policy.mode, STS_ENFORCE);
	assert_true(sts_policy_matches(&a.policy, STR("mx.good.example")));
	assert_int_equal(a.n_lines, 4);
	assert_int_equal(requests(w), 1);
	/* The same id: nothing is fetched for a day, then once. */
	assert_true(ask(w, "good.example", NOW + 3600).found);
	assert_int_equal(requests(w), 0);
	assert_true(ask(w, "good.example", NOW + 90000).found);
	assert_int_equal(requests(w), 1);
	/* Another id: another policy. */
	write_file(w, "mta-sts.good.example", "200 text/plain; charset=utf-8\nversion: STSv1\nmode: testing\nmx: *.good.example\nmax_age: 864000\n");
	publish(w, ID("good.example", "2"));
	assert_int_equal(ask(w, "good.example", NOW + 90060).policy.mode, STS_TESTING);
	assert_int_equal(requests(w), 1);
	/* It is not to be had: the one from before counts, and the host is left alone for five minutes. */
	write_file(w, "mta-sts.good.example", "500 text/plain\n");
	publish(w, ID("good.example", "3"));
	assert_int_equal(ask(w, "good.example", NOW + 90120).policy.mode, STS_TESTING);
	assert_int_equal(ask(w, "good.example", NOW + 90130).policy.mode, STS_TESTING);
	assert_int_equal(requests(w), 1);
	assert_int_equal(ask(w, "good.example", NOW + 90421).policy.mode, STS_TESTING);
	assert_int_equal(requests(w), 1);
	/* The record is gone, or the DNS: likewise (5.1). Until it is too old. */
	publish(w, "good.example TXT x\n");
	assert_true(ask(w, "good.example", NOW + 90500).found);
	publish(w, "_mta-sts.good.example TXT !temporary\n");
	assert_true(ask(w, "good.example", NOW + 90500).found);
	assert_true(ask(w, "good.example", NOW + 90060 + 864000).found);
	assert_false(ask(w, "good.example", NOW + 90060 + 864001).found);
	/* A clock that went back is not believed for ever. */
	assert_false(ask(w, "good.example", NOW - 864000).found);
	assert_int_equal(requests(w), 0);
}

static void test_not_to_be_had(void **state)
{
	struct world *w = *state;

	if (!w->host)
		skip();
	write_file(w, "mta-sts.html.example", "200 text/html\n" POLICY);
	write_file(w, "mta-sts.moved.example", "302 text/plain\n" POLICY);
	write_file(w, "mta-sts.bad.example", "200 text/plain\nversion: STSv1\nmode: enforce\nmax_age: 1\n");
	write_file(w, "mta-sts.other.example", "200 text/plain\n" POLICY);
	publish(w, ID("html.example", "1") ID("moved.example", "1") ID("bad.example", "1") ID("missing.example", "1") ID("other.example", "1") ID("nohost.example", "1"));
	assert_false(ask(w, "html.example", NOW).found);
	assert_false(ask(w, "moved.example", NOW).found);
	assert_int_equal(requests(w), 2);                /* RFC 8461 3.3: no redirect is followed */
	assert_false(ask(w, "bad.example", NOW).found);
	assert_false(ask(w, "missing.example", NOW).found);
	assert_int_equal(requests(w), 2);
	/* Its certificate names other hosts. */
	assert_false(ask(w, "other.example", NOW).found);
	assert_int_equal(requests(w), 0);
	assert_false(ask(w, "nohost.example", NOW).found);
	/* Two records are none, one beside others is one. */
	write_file(w, "mta-sts.good.example", "200 text/plain\n" POLICY);
	publish(w, ID("good.example", "1") ID("good.example", "2"));
	assert_false(ask(w, "good.example", NOW).found);
	publish(w, "_mta-sts.good.example TXT something else\n" ID("good.example", "1"));
	assert_true(ask(w, "good.example", NOW).found);
}

static void test_refresh(void **state)
{
	struct world *w = *state;
	struct sts_question q = { .dns = &w->dns, .ca_file = w->cert };
	_Atomic bool stop = false;

	if (!w->host)
		skip();
	write_file(w, "mta-sts.good.example", "200 text/plain\n" POLICY);
	publish(w, ID("good.example", "1"));
	assert_true(ask(w, "good.example", NOW).found);
	assert_int_equal(requests(w), 1);
	q.now = NOW + 3600;
	sts_refresh(w->sts, &q, &stop);
	assert_int_equal(requests(w), 0);
	q.now = NOW + 90000;
	sts_refresh(w->sts, &q, &stop);
	assert_int_equal(requests(w), 1);
	/* Thus it lives on without mail, and ends when it cannot be had any more. */
	publish(w, "good.example TXT x\n");
	assert_true(ask(w, "good.example", NOW + 864000 + 1000).found);
	q.now = NOW + 90000 + 864001;
	sts_refresh(w->sts, &q, &stop);
	assert_false(ask(w, "good.example", NOW + 90000).found);
	/* Nobody sends there for a month: it is not asked for any more. */
	publish(w, ID("good.example", "1"));
	assert_true(ask(w, "good.example", NOW).found);
	requests(w);
	q.now = NOW + (int64_t)31 * 86400;
	sts_refresh(w->sts, &q, &stop);
	assert_int_equal(requests(w), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_life_of_a_policy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_not_to_be_had, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refresh, setup, teardown),
	};
	return cmocka_run_group_tests_name("outbound/sts", tests, NULL, NULL);
}
