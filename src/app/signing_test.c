/* Keys as they are found, made and replaced, over a directory in memory, a zone in a table and a moved clock. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "app/signing.h"
#include "base/clock.h"
#include "rt/dns_zone.h"

#include <pthread.h>
#include <stdlib.h>

#define DAY 86400
#define ROTATE_DAYS 90

struct setting {
	struct store *store;
	struct directory *directory;
	struct signing *signing;
	struct dkim_keyring ring;
	struct dns_zone *zone;
	struct dns_source dns;
	struct arena arena;
};

static int setup(void **state)
{
	struct setting *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	assert_int_equal(store_open(&(struct store_config){ .engine = STORE_ENGINE_MEM, .create = true }, &s->store, NULL), 0);
	assert_int_equal(directory_open(s->store, NULL, &s->directory, NULL), 0);
	assert_int_equal(directory_domain_add(s->directory, STR("example.org"), NULL), 0);
	assert_int_equal(directory_domain_add(s->directory, STR("example.net"), NULL), 0);
	assert_int_equal(signing_create(s->directory, &s->signing), 0);
	s->ring = signing_keyring(s->signing);
	s->zone = dns_zone_create();
	s->dns = dns_zone_source(s->zone);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	struct setting *s = *state;
	signing_destroy(&s->signing);
	directory_close(&s->directory);
	store_close(&s->store);
	dns_zone_destroy(&s->zone);
	arena_fini(&s->arena);
	free(s);
	return 0;
}

/* "domain/selector domain/selector" of the signers for this author; the keys must be able to sign. */
static const char *signers(struct setting *s, const char *domain, size_t max)
{
	struct dkim_signer v[DKIM_SIGNERS_MAX];
	struct buf b = BUF_INIT(0), out = BUF_INIT(0);
	int n = s->ring.signers(s->ring.ctx, &s->arena, str_from_c(domain), v, max);
	assert_true(n >= 0);
	for (int i = 0; i < n; i++)
		buf_printf(&b, "%s%.*s/%.*s", i ? " " : "", STR_ARG(v[i].domain), STR_ARG(v[i].selector));
	if (n > 0)
		assert_int_equal(dkim_sign(STR("From: x\r\n\r\n"), v, (size_t)n, clock_now(), &out, NULL), 0);
	dkim_signers_drop(v, n > 0 ? (size_t)n : 0);
	const char *text = arena_dup(&s->arena, buf_str(&b)).p;
	buf_fini(&out);
	buf_fini(&b);
	return text ? text : "";
}

static void make(struct setting *s, const char *domain, unsigned kinds, const char *selector, enum signing_state state)
{
	struct err e = { 0 };
	if (signing_make(s->directory, str_from_c(domain), kinds, str_from_c(selector), state, clock_now(), &e) != 0)
		fail_msg("%s", e.log);
}

static void test_keyring(void **state)
{
	struct setting *s = *state;
	assert_string_equal(signers(s, "example.org", 4), "");
	make(s, "example.org", SIGNING_KIND_ED25519, "a", SIGNING_ACTIVE);
	make(s, "example.org", SIGNING_KIND_RSA, "z", SIGNING_ACTIVE);
	make(s, "example.org", SIGNING_KIND_ED25519, "p", SIGNING_PENDING);
	/* RSA first; the second time out of the cache */
	for (int i = 0; i < 2; i++) {
		assert_string_equal(signers(s, "Example.ORG", 4), "example.org/z example.org/a");
		assert_string_equal(signers(s, "a.sub.example.org", 4), "example.org/z example.org/a");
		assert_string_equal(signers(s, "example.org", 1), "example.org/z");
	}
	assert_string_equal(signers(s, "notexample.org", 4), "");
	assert_string_equal(signers(s, "org", 4), "");
	assert_string_equal(signers(s, "", 4), "");
	assert_string_equal(signers(s, "...", 4), "");
	/* its own keys win over its parent's */
	assert_int_equal(directory_domain_add(s->directory, STR("sub.example.org"), NULL), 0);
	make(s, "sub.example.org", SIGNING_KIND_ED25519, "s", SIGNING_ACTIVE);
	assert_string_equal(signers(s, "sub.example.org", 4), "sub.example.org/s");
	/* every change is seen at once */
	const struct signing_change changes[] = { { STR("example.org"), STR("z"), SIGNING_RETIRED, 1 }, { STR("example.org"), STR("p"), SIGNING_ACTIVE, 0 } };
	assert_int_equal(directory_signing_change(s->directory, changes, 2, clock_now(), NULL), 0);
	assert_string_equal(signers(s, "example.org", 4), "example.org/a example.org/p");
	assert_int_equal(directory_domain_del(s->directory, STR("sub.example.org"), NULL), 0);
	assert_string_equal(signers(s, "sub.example.org", 4), "example.org/a example.org/p");
}

#define THREADS 4
#define ROUNDS 300

static void *ask_always(void *arg)
{
	struct setting *s = arg;
	for (int i = 0; i < ROUNDS; i++) {
		struct arena a = ARENA_INIT(0);
		struct dkim_signer v[DKIM_SIGNERS_MAX];
		int n = s->ring.signers(s->ring.ctx, &a, STR("example.org"), v, DKIM_SIGNERS_MAX);
		if (n < 1 || dkim_key_algorithm(v[0].key) != DKIM_ED25519_SHA256)
			abort();
		dkim_signers_drop(v, (size_t)n);
		arena_fini(&a);
	}
	return NULL;
}

/* Keys in use while they are replaced: nobody is without, nobody signs with freed memory. */
static void test_threads(void **state)
{
	struct setting *s = *state;
	pthread_t threads[THREADS];
	make(s, "example.org", SIGNING_KIND_ED25519, "a", SIGNING_ACTIVE);
	make(s, "example.org", SIGNING_KIND_ED25519, "b", SIGNING_ACTIVE);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, ask_always, s), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct signing_change c = { STR("example.org"), STR("b"), i % 2 ? SIGNING_ACTIVE : SIGNING_RETIRED, 0 };
		assert_int_equal(directory_signing_change(s->directory, &c, 1, clock_now(), NULL), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_bad_key(void **state)
{
	struct setting *s = *state;
	const struct signing_key k = { .domain = STR("example.org"), .selector = STR("bad"), .algorithm = SIGNING_RSA, .state = SIGNING_ACTIVE, .pem = STR("x") };
	assert_int_equal(directory_signing_add(s->directory, &k, 1, 0, NULL), 0);
	assert_string_equal(signers(s, "example.org", 4), "");
	make(s, "example.org", SIGNING_KIND_ED25519, "good", SIGNING_ACTIVE);
	assert_string_equal(signers(s, "example.org", 4), "example.org/good");
}

static void test_make(void **state)
{
	struct setting *s = *state;
	struct err e = { 0 };
	int64_t now = 1795651200;      /* 2026-11-26 */
	assert_int_equal(signing_make(s->directory, STR("example.org"), SIGNING_KIND_BOTH, STR_NONE, SIGNING_ACTIVE, now, &e), 0);
	assert_string_equal(signers(s, "example.org", 4), "example.org/r20261126 example.org/e20261126");
	assert_int_equal(signing_make(s->directory, STR("example.org"), SIGNING_KIND_ED25519, STR_NONE, SIGNING_ACTIVE, now, &e), 0);
	assert_string_equal(signers(s, "example.org", 4), "example.org/r20261126 example.org/e20261126 example.org/e20261126-2");
	assert_int_equal(signing_make(s->directory, STR("example.net"), SIGNING_KIND_BOTH, STR("mine"), SIGNING_ACTIVE, now, &e), 0);
	assert_string_equal(signers(s, "example.net", 4), "example.net/mine-rsa example.net/mine-ed");
	assert_int_equal(signing_make(s->directory, STR("example.net"), SIGNING_KIND_BOTH, STR("mine"), SIGNING_ACTIVE, now, &e), ERR_EXISTS);
	assert_int_equal(signing_make(s->directory, STR("example.net"), SIGNING_KIND_RSA, STR("-"), SIGNING_ACTIVE, now, &e), ERR_INVALID);
	assert_int_equal(signing_make(s->directory, STR("example.com"), SIGNING_KIND_RSA, STR_NONE, SIGNING_ACTIVE, now, &e), ERR_NOT_FOUND);
}

/* Publishes all that the domain has. */
static void publish(struct setting *s, const char *domain)
{
	struct signing_key *keys;
	size_t n;
	assert_int_equal(directory_signing_list(s->directory, &s->arena, str_from_c(domain), &keys, &n), 0);
	for (size_t i = 0; i < n; i++) {
		struct buf b = BUF_INIT(0);
		assert_int_equal(signing_record(&keys[i], &b), 0);
		dns_zone_add(s->zone, arena_printf(&s->arena, "%.*s._domainkey.%s TXT %.*s\n", STR_ARG(keys[i].selector), domain, STR_ARG(buf_str(&b))).p);
		buf_fini(&b);
	}
	directory_signing_wipe(keys, n);
}

/* "selector:state" of all, in order of selectors. */
static const char *states(struct setting *s, const char *domain)
{
	static const char letters[] = { [SIGNING_PENDING] = 'p', [SIGNING_ACTIVE] = 'a', [SIGNING_RETIRED] = 'r' };
	struct signing_key *keys;
	struct buf b = BUF_INIT(0);
	size_t n;
	assert_int_equal(directory_signing_list(s->directory, &s->arena, str_from_c(domain), &keys, &n), 0);
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%c:%c", i ? " " : "", keys[i].selector.p[0], letters[keys[i].state]);
	const char *text = arena_dup(&s->arena, buf_str(&b)).p;
	buf_fini(&b);
	return text ? text : "";
}

static void pass_days(struct setting *s, int days)
{
	clock_shift_ms((int64_t)days * DAY * 1000);
	assert_int_equal(signing_rotate_due(s->directory, ROTATE_DAYS, &s->dns, clock_now()), 0);
	/* a step is taken once */
	assert_int_equal(signing_rotate_due(s->directory, ROTATE_DAYS, &s->dns, clock_now()), 0);
}

static void test_rotation(void **state)
{
	struct setting *s = *state;
	make(s, "example.org", SIGNING_KIND_BOTH, "", SIGNING_ACTIVE);
	make(s, "example.net", SIGNING_KIND_ED25519, "", SIGNING_ACTIVE);
	publish(s, "example.org");
	const char *first = signers(s, "example.org", 4);
	pass_days(s, ROTATE_DAYS - 1);
	assert_string_equal(states(s, "example.org"), "e:a r:a");
	/* off is off */
	clock_shift_ms((int64_t)2 * DAY * 1000);
	assert_int_equal(signing_rotate_due(s->directory, 0, &s->dns, clock_now()), 0);
	assert_string_equal(states(s, "example.org"), "e:a r:a");
	/* due: successors, which do not sign */
	pass_days(s, 0);
	assert_string_equal(states(s, "example.org"), "e:a e:p r:a r:p");
	assert_string_equal(signers(s, "example.org", 4), first);
	publish(s, "example.org");
	pass_days(s, SIGNING_PUBLISH_DAYS - 1);
	assert_string_equal(states(s, "example.org"), "e:a e:p r:a r:p");
	pass_days(s, 1);
	assert_string_equal(states(s, "example.org"), "e:r e:a r:r r:a");
	assert_string_not_equal(signers(s, "example.org", 4), first);
	/* not published: stays pending, and the old one goes on signing */
	assert_string_equal(states(s, "example.net"), "e:a e:p");
	pass_days(s, SIGNING_RETIRED_DAYS - 1);
	assert_string_equal(states(s, "example.org"), "e:r e:a r:r r:a");
	pass_days(s, 1);
	assert_string_equal(states(s, "example.org"), "e:a r:a");
	assert_string_equal(states(s, "example.net"), "e:a e:p");
	publish(s, "example.net");
	pass_days(s, 0);
	assert_string_equal(states(s, "example.net"), "e:r e:a");
}

/* What stands in DNS must be this key. */
static void test_wrong_record(void **state)
{
	struct setting *s = *state;
	make(s, "example.org", SIGNING_KIND_ED25519, "old", SIGNING_ACTIVE);
	make(s, "example.org", SIGNING_KIND_ED25519, "new", SIGNING_PENDING);
	dns_zone_add(s->zone, "new._domainkey.example.org TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n");
	pass_days(s, SIGNING_PUBLISH_DAYS);
	assert_string_equal(states(s, "example.org"), "n:p o:a");
	publish(s, "example.org");
	pass_days(s, 0);
	assert_string_equal(states(s, "example.org"), "n:a o:r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_keyring, setup, teardown), cmocka_unit_test_setup_teardown(test_threads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bad_key, setup, teardown),
		cmocka_unit_test_setup_teardown(test_make, setup, teardown), cmocka_unit_test_setup_teardown(test_rotation, setup, teardown),
		cmocka_unit_test_setup_teardown(test_wrong_record, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
