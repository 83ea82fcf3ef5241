/* What we sign: it verifies, and says what RFC 6376 5.4 wants. Others' verifiers: tests/mailauth/dkim_peer.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/dkim_fixture.h"

static const struct str message = STR_INIT(
	"Received: from a by b; Fri, 11 Jul 2003 21:01:54 -0700\r\n"
	"From: J\xc3\xbcrgen <a@example.org>\r\n"
	"To: b@example.net,\r\n c@example.net\r\n"
	"Subject: =?utf-8?q?=C3=BC?= \xe2\x82\xac\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
	"Message-ID: <1@example.org>\r\n"
	"List-Unsubscribe: <https://example.org/u>\r\n"
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
	"\r\n"
	"8bit \xff\xfe  body\r\n.\r\n");

static struct str sign_with(struct dkim_fixture *f, const struct dkim_signer *s, size_t n, struct str text)
{
	struct buf b = BUF_INIT(0);
	assert_int_equal(dkim_sign(text, s, n, FIXTURE_NOW, &b, NULL), 0);
	buf_add_str(&b, text);
	struct str all = arena_dup(&f->arena, buf_str(&b));
	buf_fini(&b);
	return all;
}

static void test_double(void **state)
{
	struct dkim_fixture *f = *state;
	const struct dkim_signer s[] = { { STR("example.org"), STR("ed"), f->ed25519, STR("j;r=g@example.org"), FIXTURE_NOW + 1000 },
									 { STR("example.org"), STR("rsa"), f->rsa, STR_NONE, 0 } };
	struct str text = sign_with(f, s, 2, message);
	struct dkim_verdict *v;
	size_t n;
	assert_int_equal(dkim_verify(&f->dns, &f->arena, text, FIXTURE_NOW, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].result, DKIM_PASS);
	assert_int_equal(v[1].result, DKIM_PASS);
	assert_true(str_eq(v[0].identity, STR("j;r=g@example.org")));
	assert_true(str_eq(v[1].identity, STR("@example.org")));
	assert_true(str_eq(v[1].algorithm, STR("rsa-sha256")));
	/* x= counts */
	assert_int_equal(dkim_verify(&f->dns, &f->arena, text, FIXTURE_NOW + 2000, &v, &n), 0);
	assert_int_equal(v[0].result, DKIM_POLICY);
	assert_int_equal(v[1].result, DKIM_PASS);
}

/* RFC 5322 2.1.1: 78 octets, each line but the first begins with a blank, and nothing else is in front of the message. */
static void test_folding(void **state)
{
	struct dkim_fixture *f = *state;
	const struct dkim_signer s = { STR("example.org"), STR("rsa"), f->rsa, STR_NONE, 0 };
	struct str text = sign_with(f, &s, 1, message), rest = str_sub(text, 0, text.n - message.n), line;
	assert_true(str_starts(rest, STR("DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=rsa;")));
	assert_true(str_ends(rest, STR("\r\n")));
	for (bool first = true; rest.n > 0; first = false) {
		size_t at = str_find(rest, STR("\r\n"));
		line = str_sub(rest, 0, at);
		rest = str_from(rest, at + 2);
		assert_true(line.n <= 78);
		assert_true(first || line.p[0] == '\t');
		assert_int_equal(str_chr(line, '\n'), STR_NPOS);
	}
}

/* Nobody may add or change what a reader sees; what hops do is harmless. */
static void test_replay(void **state)
{
	static const struct { const char *added; enum dkim_result result; } t[] = {
		{ "Received: from x by y; now\r\n", DKIM_PASS },
		{ "Return-Path: <a@example.org>\r\n", DKIM_PASS },
		{ "Authentication-Results: x; none\r\n", DKIM_PASS },
		{ "Sender: list@example.net\r\n", DKIM_PASS },
		{ "List-Id: <x.example.net>\r\n", DKIM_PASS },
		{ "From: evil@example.com\r\n", DKIM_FAIL },
		{ "To: victim@example.com\r\n", DKIM_FAIL },
		{ "Cc: victim@example.com\r\n", DKIM_FAIL },
		{ "Subject: bait\r\n", DKIM_FAIL },
		{ "Date: now\r\n", DKIM_FAIL },
		{ "Reply-To: evil@example.com\r\n", DKIM_FAIL },
		{ "MIME-Version: 1.0\r\n", DKIM_FAIL },
		{ "Content-Type: text/html\r\n", DKIM_FAIL },
		{ "Content-Transfer-Encoding: base64\r\n", DKIM_FAIL },
		{ "Message-ID: <2@example.org>\r\n", DKIM_FAIL },
	};
	struct dkim_fixture *f = *state;
	const struct dkim_signer s = { STR("example.org"), STR("ed"), f->ed25519, STR_NONE, 0 };
	struct str text = sign_with(f, &s, 1, message);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct dkim_verdict *v;
		size_t n;
		struct str changed = arena_printf(&f->arena, "%s%.*s", t[i].added, STR_ARG(text));
		assert_int_equal(dkim_verify(&f->dns, &f->arena, changed, FIXTURE_NOW, &v, &n), 0);
		if (v[0].result != t[i].result)
			fail_msg("%s: %s", t[i].added, dkim_result_text(v[0].result));
	}
	assert_int_not_equal(str_find(text, STR("list-unsubscribe-post")), STR_NPOS);
}

static void test_refused(void **state)
{
	struct dkim_fixture *f = *state;
	const struct dkim_signer s = { STR("example.org"), STR("ed"), f->ed25519, STR_NONE, 0 };
	struct buf b = BUF_INIT(0);
	struct err e = { 0 };
	buf_add_lit(&b, "before");
	assert_int_equal(dkim_sign(STR("To: x\r\n\r\nFrom: y\r\n"), &s, 1, FIXTURE_NOW, &b, &e), ERR_INVALID);
	assert_int_equal(dkim_sign(STR(" From: y\r\n\r\n"), &s, 1, FIXTURE_NOW, &b, &e), ERR_INVALID);
	assert_int_equal(dkim_sign(STR_NONE, &s, 1, FIXTURE_NOW, &b, &e), ERR_INVALID);
	struct buf many = BUF_INIT(0);
	buf_add_lit(&many, "From: x\r\n");
	for (int i = 0; i < 9000; i++)
		buf_add_lit(&many, "Subject: y\r\n");
	buf_add_lit(&many, "\r\n");
	assert_int_equal(dkim_sign(buf_str(&many), &s, 1, FIXTURE_NOW, &b, &e), ERR_TOO_BIG);
	assert_true(str_eq(buf_str(&b), STR("before")));
	buf_fini(&many);
	buf_fini(&b);
}

/* No body, no blank line, no final line end: all can be signed. */
static void test_odd_messages(void **state)
{
	static const struct str t[] = { STR_INIT("From: x"), STR_INIT("From: x\r\n"), STR_INIT("From: x\r\n\r\n"), STR_INIT("From: x\r\n\r\nbody"),
									STR_INIT("From: x\r\n\r\n \r\n\r\n"), STR_INIT("from :x\r\nFROM: y\r\nstray\r\n\r\nb\0b\n\r\r\n") };
	struct dkim_fixture *f = *state;
	const struct dkim_signer s = { STR("example.org"), STR("ed"), f->ed25519, STR_NONE, 0 };
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct dkim_verdict *v;
		size_t n;
		assert_int_equal(dkim_verify(&f->dns, &f->arena, sign_with(f, &s, 1, t[i]), FIXTURE_NOW, &v, &n), 0);
		assert_int_equal(v[0].result, DKIM_PASS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_double), cmocka_unit_test(test_folding), cmocka_unit_test(test_replay), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_odd_messages),
	};
	return cmocka_run_group_tests(tests, dkim_fixture_setup, dkim_fixture_teardown);
}
