/* RFC 7672 2.1.2, 2.2.2, 2.2.3, 3.1: which names are asked, when nothing may be asked, what is usable, and when a host must not be used. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "outbound/dane.h"
#include "rt/dns_zone.h"

#define SHA256 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char zone_text[] =
	"mx.sec A 192.0.2.1\n_25._tcp.mx.sec TLSA 3 1 1 " SHA256 "\n_26._tcp.mx.sec TLSA 2 0 1 " SHA256 "\n"
	"none.sec A 192.0.2.1\n"
	"pkix.sec A 192.0.2.1\n_25._tcp.pkix.sec TLSA 1 1 1 " SHA256 "\n_25._tcp.pkix.sec TLSA 0 0 1 " SHA256 "\n"
	"mixed.sec A 192.0.2.1\n_25._tcp.mixed.sec TLSA 1 1 1 " SHA256 "\n_25._tcp.mixed.sec TLSA 3 1 1 " SHA256 "\n"
	"short.sec A 192.0.2.1\n_25._tcp.short.sec TLSA 3 1 1 0011\n"
	"fail.sec A 192.0.2.1\n_25._tcp.fail.sec TLSA !temporary\n"
	"bogus.sec A 192.0.2.1\n_25._tcp.bogus.sec TLSA !bogus\n"
	/* an alias within the secure part: the far end first, then the near one */
	"alias.sec CNAME mx.sec\n_25._tcp.alias.sec TLSA 2 0 1 " SHA256 "\n"
	"near.sec CNAME none.sec\n_25._tcp.near.sec TLSA 2 0 1 " SHA256 "\n"
	/* a secure alias to a host without DNSSEC: only the near end */
	"hosted.sec CNAME mx.plain\n_25._tcp.hosted.sec TLSA 3 1 1 " SHA256 "\n"
	/* no DNSSEC: must not even be asked, its servers may choke on it */
	"mx.plain A 192.0.2.2\n_25._tcp.mx.plain TLSA !temporary\n"
	"alias.plain CNAME mx.plain\n_25._tcp.alias.plain TLSA !temporary\n"
	/* a TLSA record behind an alias does not move the base */
	"shared.sec A 192.0.2.1\n_25._tcp.shared.sec CNAME _dane.mx.sec\n_dane.mx.sec TLSA 2 0 1 " SHA256 "\n"
	/* ... and is worth nothing when the alias leads out of the secure part */
	"leak.sec A 192.0.2.1\n_25._tcp.leak.sec CNAME _dane.plain\n_dane.plain TLSA 3 1 1 " SHA256 "\n";

static void test_dane(void **state)
{
	(void)state;
	static const struct { const char *host; uint16_t port; enum dane_kind kind; size_t n; const char *base; } cases[] = {
		{ "mx.sec", 25, DANE_USABLE, 1, "mx.sec" },
		{ "mx.sec", 26, DANE_USABLE, 1, "mx.sec" },
		{ "mx.sec", 27, DANE_NONE, 0, "" },
		{ "none.sec", 25, DANE_NONE, 0, "" },
		{ "pkix.sec", 25, DANE_UNUSABLE, 0, "pkix.sec" },
		{ "mixed.sec", 25, DANE_USABLE, 1, "mixed.sec" },
		{ "short.sec", 25, DANE_UNUSABLE, 0, "short.sec" },
		{ "fail.sec", 25, DANE_FAILED, 0, "" },
		{ "bogus.sec", 25, DANE_FAILED, 0, "" },
		{ "alias.sec", 25, DANE_USABLE, 1, "mx.sec" },
		{ "near.sec", 25, DANE_USABLE, 1, "near.sec" },
		{ "hosted.sec", 25, DANE_USABLE, 1, "hosted.sec" },
		{ "mx.plain", 25, DANE_NONE, 0, "" },
		{ "alias.plain", 25, DANE_NONE, 0, "" },
		{ "shared.sec", 25, DANE_USABLE, 1, "shared.sec" },
		{ "leak.sec", 25, DANE_NONE, 0, "" },
	};
	struct dns_zone *zone = dns_zone_create();
	struct dns_source dns = dns_zone_source(zone);
	struct mx_self self = { 0 };

	dns_zone_add(zone, zone_text);
	dns_zone_secure(zone, "sec");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct mx_addresses at;
		struct trouble t;
		struct dane d;
		struct str host = str_from_c(cases[i].host);
		assert_int_equal(mx_resolve(&dns, &a, host, cases[i].port, OUTBOUND_IPV4_ONLY, &self, &at, &t), 0);
		assert_int_equal(dane_find(&dns, &a, host, &at, cases[i].port, &d), 0);
		if (d.kind != cases[i].kind || d.n != cases[i].n || !str_eq(d.base, str_from_c(cases[i].base)))
			fail_msg("%s: kind %d, %zu records, base '%.*s'", cases[i].host, d.kind, d.n, STR_ARG(d.base));
		assert_int_equal(d.n_strings, !strcmp(cases[i].host, "mixed.sec") || !strcmp(cases[i].host, "pkix.sec") ? 2 : d.kind == DANE_USABLE || d.kind == DANE_UNUSABLE);
		if (!strcmp(cases[i].host, "alias.sec"))
			assert_true(str_eq(d.strings[0], STR("3 1 1 " SHA256)));
		arena_fini(&a);
	}
	dns_zone_destroy(&zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_dane) };
	return cmocka_run_group_tests_name("outbound/dane", tests, NULL, NULL);
}
