#include "app/config.h"
#include "app/config_options.h"
#include "app/listeners.h"

#include <fcntl.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static int load(const char *text, struct app_config *c, struct err *e)
{
	char path[] = "/tmp/troika-config-XXXXXX";
	int fd = mkstemp(path);

	*e = (struct err){ 0 };
	assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	int r = app_config_load("/nowhere", path, c, e);
	unlink(path);
	return r;
}

static void test_defaults(void **state)
{
	(void)state;
	struct app_config c;
	struct err e = { 0 };

	assert_int_equal(app_config_load("/nowhere", NULL, &c, &e), 0);
	assert_int_equal(c.mail.message_size_max, 50 << 20);
	assert_int_equal(c.mail.pop3_timeout_ms, 600000);
	assert_int_equal(c.server.workers_max, 256);
	assert_false(c.mail.allow_plain_without_tls);
	assert_true(c.mail.hostname.n > 0);
	assert_true(str_eq(c.mail.spool_dir, STR("/nowhere/spool")));
	assert_int_equal(c.n_listen, 0);
	app_config_fini(&c);
}

static void test_values(void **state)
{
	(void)state;
	struct app_config c;
	struct err e;
	static const char text[] =
		"hostname = \"mx.example.org\"\nlog { format = json level = debug }\nauth { allow_plain_without_tls = true }\n"
		"limits { message_size = \"10M\" }\ntimeouts { imap = \"1h\" }\n"
		"listen { imap = { \"127.0.0.1:1143\", \"[::1]:1143\" } smtp = { \"*:25\" } }\nproxy { from = { \"192.0.2.0/24\" } }\n"
		"tls { certificate = \"a.pem\" key = \"a.key\" identity { certificate = \"b.pem\" key = \"b.key\" } }\n";

	assert_int_equal(load(text, &c, &e), 0);
	assert_true(str_eq(c.mail.hostname, STR("mx.example.org")));
	assert_int_equal(c.log_format, LOG_JSON);
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_true(c.mail.allow_plain_without_tls);
	assert_int_equal(c.mail.message_size_max, 10 << 20);
	assert_int_equal(c.mail.imap_timeout_ms, 3600000);
	assert_int_equal(c.n_listen, 3);
	assert_int_equal(c.tls.n_identities, 2);
	assert_string_equal(c.tls.identities[1].key_file, "b.key");
	assert_int_equal(c.n_proxy_from, 1);
	app_config_fini(&c);
}

static void test_refusals(void **state)
{
	(void)state;
	static const struct { const char *text, *says; } t[] = {
		{ "hostnam = \"x\"\n", "hostnam" },                              /* a typing error is not ignored */
		{ "limits { message_size = \"1\" }\n", "message_size" },
		{ "limits { message_size = \"lots\" }\n", "message_size" },
		{ "timeouts { pop3 = \"1m\" }\n", "pop3" },                      /* RFC 1939 forbids it */
		{ "log { level = loud }\n", "level" },
		{ "listen { imap = { \"1143\" } }\n", "1143" },
		{ "listen { nntp = { \"*:119\" } }\n", "nntp" },
		{ "tls { certificate = \"a.pem\" }\n", "certificate" },
		{ "auth }\n", "line" },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct app_config c;
		struct err e;
		assert_int_equal(load(t[i].text, &c, &e), ERR_CONFIG);
		assert_non_null(strstr(e.log, t[i].says));
		app_config_fini(&c);
	}
}

static void test_sample(void **state)
{
	(void)state;
	struct app_config c;
	struct err e;
	struct buf b = BUF_INIT(0), live = BUF_INIT(0);

	app_config_sample(&b, STR("example.org"));
	buf_add_char(&b, 0);
	assert_int_equal(load(b.p, &c, &e), 0);
	assert_true(str_eq(c.mail.hostname, STR("example.org")));
	app_config_fini(&c);
	/* with every option's line uncommented it is valid too: the defaults are within their own bounds */
	struct str rest = buf_str(&b), line;
	while (str_cut(rest, '\n', &line, &rest)) {
		struct str inner = str_trim(line);
		bool option = str_starts(inner, STR("# ")) && str_find(inner, STR(" = \"")) != STR_NPOS && str_find(inner, STR("{")) == STR_NPOS &&
					  str_find(inner, STR("letsencrypt")) == STR_NPOS;
		buf_add_str(&live, option ? str_from(inner, 2) : line);
		buf_add_char(&live, '\n');
	}
	buf_add_char(&live, 0);
	assert_int_equal(load(live.p, &c, &e), 0);
	app_config_fini(&c);
	buf_fini(&b);
	buf_fini(&live);
}

static void test_offered(void **state)
{
	(void)state;
	static const struct { const char *text; enum app_proto proto; unsigned port; } t[] = {
		{ "", APP_IMAPS, 993 }, { "", APP_LMTP, 0 }, { "", APP_HTTP, 0 }, { "mta_sts { mode = testing }\n", APP_HTTPS, 443 },
		{ "listen { imap = { \"*:143\" } }\n", APP_IMAPS, 0 },
		{ "listen { imaps = { \"*:1993\", \"[::]:993\" } }\n", APP_IMAPS, 993 },
		{ "listen { imaps = { \"192.0.2.1:1993\", \"[::]:2993\" } }\n", APP_IMAPS, 1993 },
		{ "listen { imaps = { \"127.0.0.1:993\", \"[::1]:993\" } }\n", APP_IMAPS, 0 },
		{ "listen { imaps = { \"127.0.0.1:1993\" } } proxy { from = { \"127.0.0.1\" } }\n", APP_IMAPS, 993 },
	};

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		struct app_config c;
		struct err e;
		assert_int_equal(load(t[i].text, &c, &e), 0);
		assert_int_equal(app_offered_port(&c, t[i].proto), t[i].port);
		app_config_fini(&c);
	}
}

/* "" for dns_open is not "empty" in the file. */
static void test_trust_anchor(void **state)
{
	(void)state;
	struct app_config c;
	struct err e;

	assert_int_equal(load("dns { trust_anchor = \"none\" }\n", &c, &e), 0);
	assert_string_equal(c.dns.trust_anchor, "");
	app_config_fini(&c);
	assert_int_equal(load("dns { trust_anchor = \"\" }\n", &c, &e), 0);
	assert_null(c.dns.trust_anchor);
	app_config_fini(&c);
}

/* Two rows of one name would be one option, and a complaint on the terminal. */
static void test_once(void **state)
{
	(void)state;
	for (const struct config_option *a = config_options; a->name; a++)
		for (const struct config_option *b = a + 1; b->name; b++)
			if (!strcmp(a->section, b->section) && !strcmp(a->name, b->name))
				fail_msg("%s %s stands there twice", a->section, a->name);
}

static void test_listen(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "imap", "imap=", "imap=1143", "imap=:1143", "imap=127.0.0.1:x", "imap=127.0.0.1:65536", "irc=*:6667" };
	struct app_listen l;
	struct err e;

	assert_int_equal(app_listen_parse(STR("imaps=[::1]:993"), &l, &e), 0);
	assert_int_equal(l.proto, APP_IMAPS);
	assert_string_equal(l.address, "::1");
	assert_int_equal(l.port, 993);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(app_listen_parse(str_from_c(bad[i]), &l, &e), ERR_CONFIG);
}

/* A program that does not know what the operator set takes nothing out of a bin. */
static void test_keep(void **state)
{
	(void)state;
	struct app_config c = { .undelete = { .keep_days = 2, .quota_percent = 50, .size = 1000 } };
	struct model_keep set = app_keep(&c), unknown = app_keep(NULL);

	assert_int_equal(set.seconds, 2 * 86400);
	assert_int_equal(set.bytes_max, 1000);
	assert_int_equal(set.quota_percent, 50);
	assert_true(unknown.seconds > 0);
	assert_int_equal(unknown.bytes_max, 0);
	assert_int_equal(unknown.quota_percent, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_defaults), cmocka_unit_test(test_values), cmocka_unit_test(test_refusals),
										cmocka_unit_test(test_sample), cmocka_unit_test(test_listen), cmocka_unit_test(test_offered),
										cmocka_unit_test(test_trust_anchor), cmocka_unit_test(test_once),
										cmocka_unit_test(test_keep) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
