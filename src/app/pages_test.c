/* Pages as a listener asks for them: the MTA-STS policy (RFC 8461 3.2, 3.3) and the configuration of mail programs. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/config.h"
#include "app/pages.h"
#include "directory/directory_fixture.h"

struct world {
	struct fixture *fixture;
	struct pages *pages;
	struct app_config config;
	struct http_page page;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	void *fixture = NULL;

	assert_int_equal(fixture_setup(&fixture), 0);
	w->fixture = fixture;
	assert_int_equal(directory_domain_add(w->fixture->d, STR("example.org"), NULL), 0);
	assert_int_equal(directory_domain_add(w->fixture->d, STR("other.example"), NULL), 0);
	assert_int_equal(pages_create(w->fixture->d, &w->pages), 0);
	assert_int_equal(app_config_load("/nowhere", NULL, &w->config, NULL), 0);
	w->config.mail.hostname = STR("mail.example.org");
	assert_int_equal(pages_set_config(w->pages, &w->config), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	void *fixture = w->fixture;

	buf_fini(&w->page.body);
	app_config_fini(&w->config);
	pages_destroy(&w->pages);
	free(w);
	return fixture_teardown(&fixture);
}

static unsigned ask(struct world *w, const char *host, const char *path, const char *query, bool tls)
{
	const struct http_service *s = pages_service(w->pages);
	struct http_request r = { .method = STR("GET"), .path = str_from_c(path), .query = str_from_c(query), .host = str_from_c(host) };

	buf_reset(&w->page.body);
	for (size_t i = 0; i < s->n_routes; i++)
		if (str_starts(r.path, s->routes[i].prefix))
			return s->routes[i].page(s->routes[i].ctx, &r, tls, &w->page);
	return 404;
}

static bool says(const struct world *w, const char *text)
{
	return str_find(buf_str(&w->page.body), str_from_c(text)) != STR_NPOS;
}

static void test_policy(void **state)
{
	struct world *w = *state;

	assert_int_equal(ask(w, "mta-sts.example.org", "/.well-known/mta-sts.txt", "", true), 404);          /* off */
	w->config.sts.mode = STS_ENFORCE;
	assert_int_equal(pages_set_config(w->pages, &w->config), 0);
	assert_int_equal(ask(w, "mta-sts.example.org", "/.well-known/mta-sts.txt", "", true), 200);
	assert_true(str_eq(buf_str(&w->page.body), STR("version: STSv1\r\nmode: enforce\r\nmx: mail.example.org\r\nmax_age: 604800\r\n")));
	assert_int_equal(ask(w, "mta-sts.example.org", "/.well-known/mta-sts.txt", "", false), 404);         /* HTTPS only */
	assert_int_equal(ask(w, "mta-sts.example.net", "/.well-known/mta-sts.txt", "", true), 404);
	assert_int_equal(ask(w, "mta-sts.example.org", "/.well-known/mta-sts.txt.bak", "", true), 404);
}

#define CONFIG_PATH "/mail/config-v1.1.xml"
#define WELL_KNOWN "/.well-known/autoconfig/mail/config-v1.1.xml"

static void test_autoconfig_domains(void **state)
{
	static const struct { const char *host, *path, *query; unsigned status; const char *domain; } t[] = {
		{ "autoconfig.example.org", CONFIG_PATH, "", 200, "example.org" },
		{ "autoconfig.example.org", CONFIG_PATH, "emailaddress=a%40example.org", 200, "example.org" },
		{ "example.org", WELL_KNOWN, "", 200, "example.org" },
		{ "other.example", WELL_KNOWN, "emailaddress=x@example.org", 200, "other.example" },
		{ "mail.example.org", WELL_KNOWN, "emailaddress=x%40other.example", 200, "other.example" },
		{ "mail.example.org", CONFIG_PATH, "a=b&emailaddress=%22a%40b%22@other.example&c", 200, "other.example" },
		{ "mail.example.org", CONFIG_PATH, "", 404, NULL },
		{ "mail.example.org", CONFIG_PATH, "emailaddress=x%40example.net", 404, NULL },
		{ "mail.example.org", CONFIG_PATH, "emailaddress=%40%", 404, NULL },
		{ "autoconfig.example.net", CONFIG_PATH, "", 404, NULL },
		{ "autoconfig.example.org", CONFIG_PATH ".old", "", 404, NULL },
	};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		char provider[64];
		assert_int_equal(ask(w, t[i].host, t[i].path, t[i].query, false), t[i].status);
		snprintf(provider, sizeof provider, "<emailProvider id=\"%s\">", t[i].domain ? t[i].domain : "");
		assert_int_equal(says(w, provider), t[i].status == 200);
	}
}

static void test_autoconfig_page(void **state)
{
	static const struct app_listen some[] = { { APP_IMAP, "*", 1143 }, { APP_SUBMISSIONS, "*", 465 }, { APP_POP3, "127.0.0.1", 110 } };
	struct world *w = *state;

	memcpy(w->config.listen, some, sizeof some);
	w->config.n_listen = 3;
	w->config.mail.hostname = STR("a&b");
	assert_int_equal(pages_set_config(w->pages, &w->config), 0);
	assert_int_equal(ask(w, "autoconfig.example.org", CONFIG_PATH, "", false), 200);
	assert_true(str_eq(buf_str(&w->page.body), STR(
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clientConfig version=\"1.1\">\n  <emailProvider id=\"example.org\">\n"
		"    <domain>example.org</domain>\n    <displayName>example.org</displayName>\n    <displayShortName>example.org</displayShortName>\n"
		"    <incomingServer type=\"imap\">\n      <hostname>a&amp;b</hostname>\n      <port>1143</port>\n      <socketType>STARTTLS</socketType>\n"
		"      <username>%EMAILADDRESS%</username>\n      <authentication>password-cleartext</authentication>\n    </incomingServer>\n"
		"    <outgoingServer type=\"smtp\">\n      <hostname>a&amp;b</hostname>\n      <port>465</port>\n      <socketType>SSL</socketType>\n"
		"      <username>%EMAILADDRESS%</username>\n      <authentication>password-cleartext</authentication>\n    </outgoingServer>\n"
		"  </emailProvider>\n</clientConfig>\n")));
	w->config.n_listen = 1;                    /* nothing to send through: no page is better than half a one */
	assert_int_equal(pages_set_config(w->pages, &w->config), 0);
	assert_int_equal(ask(w, "autoconfig.example.org", CONFIG_PATH, "", false), 404);
}

static void test_challenge(void **state)
{
	struct world *w = *state;

	assert_int_equal(pages_challenge_set(w->pages, STR("token"), STR("token.thumb")), 0);
	assert_int_equal(ask(w, "any", "/.well-known/acme-challenge/token", "", false), 200);
	assert_true(str_eq(buf_str(&w->page.body), STR("token.thumb")));
	pages_challenge_remove(w->pages, STR("token"));
	assert_int_equal(ask(w, "any", "/.well-known/acme-challenge/token", "", false), 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_policy, setup, teardown), cmocka_unit_test_setup_teardown(test_autoconfig_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_autoconfig_page, setup, teardown), cmocka_unit_test_setup_teardown(test_challenge, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
