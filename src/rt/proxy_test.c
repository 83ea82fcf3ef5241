/* From haproxy's proxy-protocol.txt, sections 2.1 and 2.2. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "rt/proxy.h"

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define V4_BLOCK "\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x00\x19"
#define B(text) { "" text, sizeof(text) - 1 }

struct parse_case {
	struct str bytes;
	int result;
	size_t size;
	const char *from;        /* NULL: no addresses */
	uint32_t from_port, to_port;
};

static const struct parse_case cases[] = {
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\nGET / HTTP/1.1\r\n"), 1, 47, "192.168.0.1", 56324, 443 },
	{ B("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), 1, 56, "255.255.255.255", 65535, 65535 },
	{ B("PROXY TCP4 1.2.3.4 1.2.3.4 0 0\r\n"), 1, 32, "1.2.3.4", 0, 0 },
	{ B("PROXY TCP6 2001:DB8::1 ::1 1 2\r\n"), 1, 32, "2001:db8::1", 1, 2 },
	{ B("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), 1, 104,
	  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, 65535 },
	{ B("PROXY UNKNOWN\r\n"), 1, 15, NULL, 0, 0 },
	{ B("PROXY UNKNOWN whatever stands here\r\nx"), 1, 36, NULL, 0, 0 },
	{ B("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"), 1, 107, NULL, 0, 0 },
	{ B(""), 0, 0, NULL, 0, 0 },
	{ B("PRO"), 0, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r"), 0, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1\r192.168.0.11 56324 443\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 5632 443 \r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4  192.168.0.1 192.168.0.11 5632 443\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 192.168.0.1 192.168.0.11 5632\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP4 ::1 ::1 1 1\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("PROXY\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	{ B("EHLO x\r\n"), ERR_INVALID, 0, NULL, 0, 0 },
	/* 107 bytes and no line end yet */
	{ B("PROXY UNKNOWN xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
	  ERR_INVALID, 0, NULL, 0, 0 },

	{ B(V2 "\x21\x11\x00\x0c" V4_BLOCK), 1, 28, "192.0.2.1", 56324, 25 },
	{ B(V2 "\x21\x11\x00\x0c" V4_BLOCK "EHLO"), 1, 28, "192.0.2.1", 56324, 25 },
	{ B(V2 "\x21\x21\x00\x24" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02" "\x01\x00\x00\x8f"), 1, 52,
	  "2001:db8::1", 256, 143 },
	{ B(V2 "\x20\x00\x00\x00"), 1, 16, NULL, 0, 0 },
	{ B(V2 "\x20\xff\x00\x03" "abc"), 1, 19, NULL, 0, 0 },        /* LOCAL: the family is ignored */
	{ B(V2 "\x21\x00\x00\x00"), 1, 16, NULL, 0, 0 },              /* UNSPEC */
	{ B(V2 "\x21\x12\x00\x0c" V4_BLOCK), 1, 28, NULL, 0, 0 },     /* UDP: falls back to UNSPEC */
	{ B(V2 "\x21\x11\x00\x0f" V4_BLOCK "\x04\x00\x00"), 1, 31, "192.0.2.1", 56324, 25 },        /* an empty extension */
	{ B("\r\n\r\n"), 0, 0, NULL, 0, 0 },
	{ B(V2 "\x21\x11\x00"), 0, 0, NULL, 0, 0 },
	{ B(V2 "\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6"), 0, 0, NULL, 0, 0 },
	{ B(V2 "\x11\x11\x00\x0c" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* version 1 in binary */
	{ B(V2 "\x22\x11\x00\x0c" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* unassigned command */
	{ B(V2 "\x21\x41\x00\x0c" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* unassigned family */
	{ B(V2 "\x21\x13\x00\x0c" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* unassigned transport */
	{ B(V2 "\x21\x11\x00\x0b" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* too short for its family */
	{ B(V2 "\x21\x21\x00\x0c" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },
	{ B(V2 "\x21\x11\x00\x0e" V4_BLOCK "\x04\x00"), ERR_INVALID, 0, NULL, 0, 0 },        /* half an extension */
	{ B(V2 "\x21\x11\x00\x10" V4_BLOCK "\x04\x00\x02z"), ERR_INVALID, 0, NULL, 0, 0 },   /* longer than the header */
	{ B(V2 "\x21\x11\xff\xff" V4_BLOCK), ERR_INVALID, 0, NULL, 0, 0 },        /* over PROXY_HEADER_MAX */
	{ B("\r\n\r\n\1"), ERR_INVALID, 0, NULL, 0, 0 },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct parse_case *c = &cases[i];
		struct proxy_header h;
		char text[NET_TEXT_MAX];
		int r = proxy_parse(c->bytes, &h);
		if (r != c->result)
			fail_msg("case %zu: %d, not %d", i, r, c->result);
		if (r != 1)
			continue;
		if (h.size != c->size || h.has_addresses != (c->from != NULL))
			fail_msg("case %zu: size %zu, addresses %d", i, h.size, h.has_addresses);
		if (!c->from)
			continue;
		net_addr_format(&h.from.addr, text);
		assert_string_equal(text, c->from);
		assert_int_equal(h.from.port, c->from_port);
		assert_int_equal(h.to.port, c->to_port);
	}
}

/* Every proper prefix of a good header is "not all there yet". */
static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct proxy_header h;
		for (size_t n = 0; cases[i].result == 1 && n < cases[i].size; n++)
			assert_int_equal(proxy_parse(str_sub(cases[i].bytes, 0, n), &h), 0);
	}
}

/* 2.2.3: "the receiver MUST verify" */
static void test_checksum(void **state)
{
	(void)state;
	struct proxy_header h;
	struct buf b = BUF_INIT(0);
	buf_add_lit(&b, V2 "\x21\x11\x00\x13" V4_BLOCK "\x03\x00\x04\0\0\0\0");
	uint32_t crc = hash_crc32c(0, b.p, b.n);
	for (int i = 0; i < 4; i++)
		b.p[b.n - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
	assert_int_equal(proxy_parse(buf_str(&b), &h), 1);
	b.p[20] ^= 1;
	assert_int_equal(proxy_parse(buf_str(&b), &h), ERR_INVALID);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_prefixes), cmocka_unit_test(test_checksum) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
