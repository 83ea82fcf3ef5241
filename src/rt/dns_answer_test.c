/* RFC 1035 3.3, 2782, 3596, 6698, 7505: rdata and names. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rt/dns_answer.h"
#include "rt/dns_name.h"

#define B(text) STR_INIT(text)
#define L63 "\x3f" "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
#define L61 "\x3d" "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffg"
#define L62 "\x3e" "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgg"

/* What a record says, as text. */
static void describe(enum dns_type type, const struct dns_record *r, struct buf *out)
{
	char ip[NET_TEXT_MAX];
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		net_addr_format(&r->addr, ip);
		buf_add_c(out, ip);
		break;
	case DNS_MX: buf_printf(out, "%u '%.*s'", r->mx.preference, STR_ARG(r->mx.host)); break;
	case DNS_SRV: buf_printf(out, "%u %u %u '%.*s'", r->srv.priority, r->srv.weight, r->srv.port, STR_ARG(r->srv.host)); break;
	case DNS_TLSA:
		buf_printf(out, "%u %u %u '%.*s'", r->tlsa.usage, r->tlsa.selector, r->tlsa.matching, STR_ARG(r->tlsa.data));
		break;
	default: buf_add_str(out, r->raw);
	}
}

static void test_records(void **state)
{
	static const struct { enum dns_type type; struct str rdata; const char *want; /* NULL: malformed */ } cases[] = {
		{ DNS_A, B("\xc0\x00\x02\x01"), "192.0.2.1" },
		{ DNS_A, B("\xc0\x00\x02"), NULL },
		{ DNS_A, B("\xc0\x00\x02\x01\x01"), NULL },
		{ DNS_A, B(""), NULL },
		{ DNS_AAAA, B("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"), "2001:db8::1" },
		{ DNS_AAAA, B("\x20\x01\x0d\xb8"), NULL },
		{ DNS_MX, B("\0\x0a\x02mx\x07" "example\x03org\0"), "10 'mx.example.org'" },
		{ DNS_MX, B("\x01\0\x02MX\0"), "256 'MX'" },
		{ DNS_MX, B("\0\0\0"), "0 ''" },
		{ DNS_MX, B("\0\0"), NULL },
		{ DNS_MX, B("\0"), NULL },
		{ DNS_MX, B("\0\x0a\x02mx"), NULL },
		{ DNS_MX, B("\0\x0a\x02mx\0x"), NULL },
		{ DNS_MX, B("\0\x0a\x02mx\xc0\x0c"), NULL },        /* compression makes no sense outside its packet */
		{ DNS_MX, B("\0\x0a\x02m.\0"), NULL },
		{ DNS_MX, B("\0\x0a\x02m\r\0"), NULL },
		{ DNS_MX, B("\0\x0a\x02m\0\0"), NULL },
		{ DNS_MX, B("\0\x0a\x02m\xff\0"), NULL },
		{ DNS_PTR, B("\x01" "a\x01" "b\0"), "a.b" },
		{ DNS_NS, B("\0"), "" },
		{ DNS_CNAME, B("\x05_dmar\x01" "c\0"), "_dmar.c" },
		{ DNS_CNAME, B("\x40" "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg\0"), NULL },
		{ DNS_TXT, B("\x07v=spf1 \x04-all"), "v=spf1 -all" },
		{ DNS_TXT, B("\0"), "" },
		{ DNS_TXT, B("\0\0\x01x"), "x" },
		{ DNS_TXT, B(""), NULL },
		{ DNS_TXT, B("\x05v=sp"), NULL },
		{ DNS_SRV, B("\0\x01\0\x02\x01\xd1\x04imap\x01x\0"), "1 2 465 'imap.x'" },
		{ DNS_SRV, B("\0\x01\0\x02\x01"), NULL },
		{ DNS_TLSA, B("\x03\x01\x01hash"), "3 1 1 'hash'" },
		{ DNS_TLSA, B("\x03\x01\x01"), "3 1 1 ''" },
		{ DNS_TLSA, B("\x03\x01"), NULL },
		{ DNS_DS, B("any octets"), "any octets" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena a = ARENA_INIT(0);
		struct buf text = BUF_INIT(0);
		struct dns_record r = { .ttl = 77 };
		int got = dns_record_parse(&a, cases[i].type, cases[i].rdata, &r);
		assert_int_equal(got, cases[i].want ? 0 : ERR_INVALID);
		assert_int_equal(r.ttl, 77);
		if (got == 0) {
			describe(cases[i].type, &r, &text);
			buf_add_char(&text, '\0');
			assert_string_equal(text.p, cases[i].want);
		}
		buf_fini(&text);
		arena_fini(&a);
	}
}

/* RFC 1035 2.3.4: 255 octets on the wire, which are 253 as text. */
static void test_longest_name(void **state)
{
	static const struct { struct str wire; bool ok; } cases[] = { { B(L63 L63 L63 L61 "\0"), true }, { B(L63 L63 L63 L62 "\0"), false } };
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf text = BUF_INIT(0);
		struct cursor c = cursor_make(cases[i].wire);
		assert_int_equal(dns_name_parse(&c, &text), cases[i].ok);
		assert_true(!cases[i].ok || (text.n == DNS_NAME_MAX && dns_name_is_valid(buf_str(&text))));
		buf_fini(&text);
	}
}

static void test_no_memory(void **state)
{
	struct arena a = ARENA_INIT(1);
	struct dns_record r = { .ttl = 1 };
	(void)state;
	assert_int_equal(dns_record_parse(&a, DNS_TXT, STR("\x03" "abc"), &r), ERR_NO_MEMORY);
	arena_fini(&a);
}

static void test_valid_names(void **state)
{
	static const struct { const char *name; bool ok; } cases[] = {
		{ "a", true }, { "example.org", true }, { "_dmarc.example.org", true }, { "o'brien+x=%._spf.example.org", true },
		{ "", false }, { ".", false }, { "example.org.", false }, { ".org", false }, { "a..b", false },
		{ &L63[1], true }, { "xaaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg.org", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(dns_name_is_valid(str_from_c(cases[i].name)), cases[i].ok);
	char longest[DNS_NAME_MAX + 1];
	for (size_t i = 0; i < sizeof(longest); i++)
		longest[i] = i % 2 ? '.' : 'a';
	assert_true(dns_name_is_valid(str_make(longest, DNS_NAME_MAX)));
	longest[DNS_NAME_MAX - 1] = 'b', longest[DNS_NAME_MAX] = 'b';
	assert_false(dns_name_is_valid(str_make(longest, DNS_NAME_MAX + 1)));
}

static void test_escape(void **state)
{
	struct buf b = BUF_INIT(0);
	(void)state;
	dns_name_escape(STR("a-_1.b c\\\0\xff"), &b);
	assert_true(str_eq(buf_str(&b), STR("a-_1.b\\032c\\092\\000\\255")));
	buf_fini(&b);
}

static void test_reverse(void **state)
{
	static const struct { const char *addr, *zone, *want; } cases[] = {
		{ "192.0.2.1", "", "1.2.0.192.in-addr.arpa" },
		{ "192.0.2.1", "zen.example", "1.2.0.192.zen.example" },
		{ "::ffff:192.0.2.1", "", "1.2.0.192.in-addr.arpa" },
		/* the example of RFC 3596 2.5 */
		{ "4321:0:1:2:3:4:567:89ab", "", "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.0.0.0.0.1.2.3.4.ip6.arpa" },
		{ "2001:db8::1", "dnsbl.example", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.dnsbl.example" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(0);
		struct net_addr a;
		assert_true(net_addr_parse(str_from_c(cases[i].addr), 0, &a));
		dns_reverse_name(&a, str_from_c(cases[i].zone), &b);
		assert_true(str_eq(buf_str(&b), str_from_c(cases[i].want)));
		buf_fini(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records), cmocka_unit_test(test_longest_name), cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_valid_names), cmocka_unit_test(test_escape), cmocka_unit_test(test_reverse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
