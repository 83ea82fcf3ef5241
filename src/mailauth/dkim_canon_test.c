/* RFC 6376 3.4: the examples of 3.4.5, and what the text says beyond them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/base64.h"
#include "mailauth/dkim_message.h"

static void collect(void *ctx, const char *p, size_t n) { buf_add(ctx, p, n); }

static void expect_field(enum dkim_canon how, struct str raw, struct str wanted)
{
	struct buf b = BUF_INIT(0);
	dkim_canon_field(how, raw, &b);
	assert_int_equal(b.n, wanted.n);
	assert_memory_equal(b.p, wanted.p, wanted.n);
	buf_fini(&b);
}

static void test_fields(void **state)
{
	(void)state;
	struct str a = STR("A: X\r\n"), b = STR("B : Y\t\r\n\tZ  \r\n");
	expect_field(DKIM_RELAXED, a, STR("a:X\r\n"));
	expect_field(DKIM_RELAXED, b, STR("b:Y Z\r\n"));
	expect_field(DKIM_SIMPLE, a, a);
	expect_field(DKIM_SIMPLE, b, b);
	expect_field(DKIM_RELAXED, STR("SUBJect: AbC\r\n"), STR("subject:AbC\r\n"));
	expect_field(DKIM_RELAXED, STR("X:\r\n"), STR("x:\r\n"));
	expect_field(DKIM_RELAXED, STR("X: \t \r\n \r\n"), STR("x:\r\n"));
	expect_field(DKIM_RELAXED, STR("X:a:b  :\t c"), STR("x:a:b : c"));
	/* octets that are no white space stay, whatever they are */
	expect_field(DKIM_RELAXED, STR("X: \xc3\xa4\r b\n\x80 \r\n"), STR("x:\xc3\xa4\r b\n\x80\r\n"));
}

static void test_bodies(void **state)
{
	static const struct { struct str in, simple, relaxed; } t[] = {
		{ STR_INIT(" C \r\nD \t E\r\n\r\n\r\n"), STR_INIT(" C \r\nD \t E\r\n"), STR_INIT(" C\r\nD E\r\n") },
		{ STR_INIT(""), STR_INIT("\r\n"), STR_INIT("") },
		{ STR_INIT("\r\n"), STR_INIT("\r\n"), STR_INIT("") },
		{ STR_INIT("\r\n\r\n\r\n"), STR_INIT("\r\n"), STR_INIT("") },
		{ STR_INIT(" \t\r\n \r\n"), STR_INIT(" \t\r\n \r\n"), STR_INIT("") },
		{ STR_INIT("  "), STR_INIT("  \r\n"), STR_INIT("") },
		{ STR_INIT("a"), STR_INIT("a\r\n"), STR_INIT("a\r\n") },
		{ STR_INIT("a\r\n \t\r\n"), STR_INIT("a\r\n \t\r\n"), STR_INIT("a\r\n") },
		{ STR_INIT("a\r\n\t"), STR_INIT("a\r\n\t\r\n"), STR_INIT("a\r\n") },
		{ STR_INIT("a  b c\r\n\r\n\td\t\r\n"), STR_INIT("a  b c\r\n\r\n\td\t\r\n"), STR_INIT("a b c\r\n\r\n d\r\n") },
		/* only CRLF ends a line */
		{ STR_INIT("a \n\n"), STR_INIT("a \n\n\r\n"), STR_INIT("a \n\n\r\n") },
		{ STR_INIT("a \r"), STR_INIT("a \r\r\n"), STR_INIT("a \r\r\n") },
		{ STR_INIT("\n\r\n"), STR_INIT("\n\r\n"), STR_INIT("\n\r\n") },
		{ STR_INIT("a\0\tb"), STR_INIT("a\0\tb\r\n"), STR_INIT("a\0 b\r\n") },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (enum dkim_canon how = DKIM_SIMPLE; how <= DKIM_RELAXED; how++) {
			struct str wanted = how == DKIM_SIMPLE ? t[i].simple : t[i].relaxed;
			struct buf b = BUF_INIT(0);
			dkim_canon_body(how, t[i].in, collect, &b);
			if (!str_eq(buf_str(&b), wanted))
				fail_msg("body %zu, canonicalization %d: \"%.*s\"", i, how, STR_ARG(buf_str(&b)));
			buf_fini(&b);
		}
}

static void expect_digest(const struct dkim_body_hash *h, const char *wanted)
{
	struct buf b = BUF_INIT(0);
	base64_encode(&b, str_make(h->digest, sizeof(h->digest)));
	buf_add_char(&b, '\0');
	assert_string_equal(b.p, wanted);
	buf_fini(&b);
}

static void test_body_hashes(void **state)
{
	(void)state;
	struct dkim_message m = { 0 };
	struct dkim_body_hash h[] = { { .how = DKIM_SIMPLE, .limit = UINT64_MAX }, { .how = DKIM_RELAXED, .limit = UINT64_MAX } };
	/* 3.4.3 and 3.4.4 say what an empty body hashes to */
	assert_int_equal(dkim_message_hash_body(&m, h, 2), 0);
	expect_digest(&h[0], "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=");
	expect_digest(&h[1], "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
	assert_int_equal(h[0].length, 2);
	assert_int_equal(h[1].length, 0);
	/* l= counts octets of the canonical body */
	struct dkim_body_hash parts[] = { { .how = DKIM_RELAXED, .limit = 3 }, { .how = DKIM_SIMPLE, .limit = 0 }, { .how = DKIM_RELAXED, .limit = 6 },
									  { .how = DKIM_RELAXED, .limit = 99 } };
	uint8_t wanted[CRYPTO_SHA256_SIZE];
	m.body = STR("a  bc\r\n\r\n");
	assert_int_equal(dkim_message_hash_body(&m, parts, 4), 0);
	crypto_sha256(STR("a b"), wanted);
	assert_memory_equal(parts[0].digest, wanted, sizeof(wanted));
	crypto_sha256(STR(""), wanted);
	assert_memory_equal(parts[1].digest, wanted, sizeof(wanted));
	crypto_sha256(STR("a bc\r\n"), wanted);
	assert_memory_equal(parts[2].digest, wanted, sizeof(wanted));
	assert_memory_equal(parts[3].digest, wanted, sizeof(wanted));
	assert_int_equal(parts[0].length, 6);
	assert_int_equal(parts[1].length, 7);
}

/* 5.4.2: bottom up, and NULL beyond the top. */
static void test_picking(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct dkim_message m;
	struct dkim_picker p;
	struct str text = STR("Received: A\r\nX: 1\r\nRECEIVED : B\r\nno field\r\n\tof this\r\nReceived: C\r\n\tfolded\r\nrec: 2\r\n\r\nReceived: D\r\n");
	assert_int_equal(dkim_message_read(&a, text, &m), 0);
	assert_int_equal(m.n_fields, 5);
	assert_true(str_eq(m.body, STR("Received: D\r\n")));
	assert_int_equal(dkim_message_count(&m, STR("received")), 3);
	assert_int_equal(dkim_message_count(&m, STR("receive")), 0);
	assert_int_equal(dkim_picker_begin(&a, &m, &p), 0);
	assert_true(str_eq(dkim_picker_next(&p, STR("Received"))->raw, STR("Received: C\r\n\tfolded\r\n")));
	assert_true(str_eq(dkim_picker_next(&p, STR("rec"))->value, STR(" 2")));
	assert_true(str_eq(dkim_picker_next(&p, STR("received"))->raw, STR("RECEIVED : B\r\n")));
	assert_null(dkim_picker_next(&p, STR("rec")));
	assert_true(str_eq(dkim_picker_next(&p, STR("received"))->raw, STR("Received: A\r\n")));
	assert_null(dkim_picker_next(&p, STR("received")));
	assert_null(dkim_picker_next(&p, STR("zzz")));
	/* a header alone, without an end; an empty message */
	assert_int_equal(dkim_message_read(&a, STR("A: b"), &m), 0);
	assert_int_equal(m.n_fields, 1);
	assert_int_equal(m.body.n, 0);
	assert_int_equal(dkim_message_read(&a, STR_NONE, &m), 0);
	assert_int_equal(m.n_fields, 0);
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields), cmocka_unit_test(test_bodies), cmocka_unit_test(test_body_hashes), cmocka_unit_test(test_picking),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
