/* RFC 8617: chains that we make, and what becomes of them. The published suite: tests/mailauth/arc_vectors.py; others' validators: dkim_peer.py. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/arc_chain.h"
#include "mailauth/dkim_fixture.h"

static const struct str message = STR_INIT("From: a@example.org\r\nTo: list@example.net\r\nSubject: s\r\n\r\nHello\r\n");
static const struct str authres = STR_INIT("mx.example.net;\r\n\tspf=pass smtp.mailfrom=a@example.org; dkim=pass");

static struct arc_verdict validate(struct dkim_fixture *f, struct str text)
{
	struct arc_verdict v;
	assert_int_equal(arc_validate(&f->dns, &f->arena, text, FIXTURE_NOW, &v), 0);
	assert_true((v.problem != NULL) == (v.result == ARC_FAIL));
	return v;
}

static struct dkim_signer signer_of(struct dkim_fixture *f, bool rsa)
{
	return (struct dkim_signer){ STR("example.org"), rsa ? STR("rsa") : STR("ed"), rsa ? f->rsa : f->ed25519, STR_NONE, 0 };
}

/* Validated and sealed, as a hop does. */
static struct str seal(struct dkim_fixture *f, struct str text)
{
	struct dkim_signer s = signer_of(f, false);
	struct arc_verdict v = validate(f, text);
	struct buf b = BUF_INIT(0);
	assert_int_equal(arc_seal(text, &s, v.result, v.instances, authres, FIXTURE_NOW, &b, NULL), 0);
	buf_add_str(&b, text);
	struct str all = arena_dup(&f->arena, buf_str(&b));
	buf_fini(&b);
	return all;
}

static struct str change(struct dkim_fixture *f, struct str text, const char *from, const char *to)
{
	size_t at = str_find(text, str_from_c(from));
	assert_int_not_equal(at, STR_NPOS);
	struct str tail = str_from(text, at + strlen(from));
	return arena_printf(&f->arena, "%.*s%s%.*s", (int)at, text.p, to, STR_ARG(tail));
}

static void test_chain(void **state)
{
	struct dkim_fixture *f = *state;
	struct str text = message;
	struct arc_verdict v = validate(f, text);
	assert_int_equal(v.result, ARC_NONE);
	assert_int_equal(v.instances, 0);
	for (unsigned i = 1; i <= 3; i++) {
		text = seal(f, text);
		v = validate(f, text);
		assert_int_equal(v.result, ARC_PASS);
		assert_int_equal(v.instances, i);
		assert_int_equal(v.oldest_pass, 0);
		assert_true(str_eq(v.sealer, STR("example.org")));
		assert_true(str_eq(v.results, authres));
	}
	/* 5.1: seal, message signature, results, from the top */
	assert_true(str_starts(text, STR("ARC-Seal: i=3; a=ed25519-sha256; cv=pass;")));
	assert_true(str_find(text, STR("ARC-Message-Signature: i=3;")) < str_find(text, STR("ARC-Authentication-Results: i=3; mx.example.net;")));
	assert_int_not_equal(str_find(text, STR("ARC-Seal: i=1; a=ed25519-sha256; cv=none;")), STR_NPOS);
}

/* A list changes the message and seals it again: its own signature is right, the older ones no longer. */
static void test_changed_on_the_way(void **state)
{
	struct dkim_fixture *f = *state;
	struct str text = seal(f, seal(f, message));
	struct str changed = change(f, text, "Subject: s", "Subject: [list] s");
	assert_int_equal(validate(f, changed).result, ARC_FAIL);
	/* sealed as what was valid when it came in */
	struct dkim_signer s = signer_of(f, true);
	struct buf b = BUF_INIT(0);
	assert_int_equal(arc_seal(changed, &s, ARC_PASS, 2, authres, FIXTURE_NOW, &b, NULL), 0);
	buf_add_str(&b, changed);
	struct arc_verdict v = validate(f, buf_str(&b));
	assert_int_equal(v.result, ARC_PASS);
	assert_int_equal(v.instances, 3);
	assert_int_equal(v.oldest_pass, 3);
	buf_fini(&b);
}

static void test_tampering(void **state)
{
	static const struct { const char *from, *to; } t[] = {
		{ "i=1; mx.example.net", "i=1; mx.example.com" },        /* what an older hop found */
		{ "spf=pass", "spf=fail" },
		{ "ARC-Seal: i=1;", "ARC-Seal: i=3;" },
		{ "ARC-Seal: i=1;", "X-Seal: i=1;" },
		{ "ARC-Message-Signature: i=1;", "ARC-Message-Signature: i=2;" },
		{ "cv=none", "cv=pass" },
		{ "cv=pass", "cv=fail" },
		{ "cv=pass", "cv=maybe" },
		{ "cv=pass", "h=from; cv=pass" },
		{ "Hello", "Goodbye" },
		{ "To: list", "To: lost" },
		{ "ARC-Authentication-Results: i=2;", "ARC-Authentication-Results: i=51;" },
		{ "ARC-Authentication-Results: i=2;", "ARC-Authentication-Results: (i=2;" },
		{ "From: a", "From: evil@example.com\r\nFrom: a" },
		{ "s=ed", "s=none" },
	};
	struct dkim_fixture *f = *state;
	struct str text = seal(f, seal(f, message));
	assert_int_equal(validate(f, text).result, ARC_PASS);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		if (validate(f, change(f, text, t[i].from, t[i].to)).result != ARC_FAIL)
			fail_msg("\"%s\" for \"%s\"", t[i].to, t[i].from);
	/* what any hop may do */
	assert_int_equal(validate(f, change(f, text, "i=1; mx.example.net", "i=1;\r\n\t mx.example.net")).result, ARC_PASS);
	assert_int_equal(validate(f, arena_printf(&f->arena, "Received: x\r\nAuthentication-Results: y\r\nDKIM-Signature: z\r\n%.*s", STR_ARG(text))).result,
					 ARC_PASS);
	/* 4.1.2: the signatures that were there are sealed too */
	text = seal(f, arena_printf(&f->arena, "DKIM-Signature: v=1; b=x\r\n%.*s", STR_ARG(message)));
	assert_int_equal(validate(f, text).result, ARC_PASS);
	assert_int_equal(validate(f, change(f, text, "b=x", "b=y")).result, ARC_FAIL);
}

/* 5.1.2 and 5.1 step 2: the failure is sealed once, over our own set alone. */
static void test_failed_chain(void **state)
{
	struct dkim_fixture *f = *state;
	struct str broken = change(f, seal(f, message), "Hello", "Goodbye");
	struct str text = seal(f, broken);
	assert_true(str_starts(text, STR("ARC-Seal: i=2; a=ed25519-sha256; cv=fail;")));
	struct arc_verdict v = validate(f, text);
	assert_int_equal(v.result, ARC_FAIL);
	assert_string_equal(v.problem, "the chain says that it failed");
	struct dkim_signer s = signer_of(f, false);
	struct buf b = BUF_INIT(0);
	struct err e = { 0 };
	assert_int_equal(arc_seal(text, &s, v.result, v.instances, authres, FIXTURE_NOW, &b, &e), ERR_CONFLICT);
	/* not what was validated */
	assert_int_equal(arc_seal(message, &s, ARC_PASS, 1, authres, FIXTURE_NOW, &b, &e), ERR_INVALID);
	assert_int_equal(arc_seal(broken, &s, ARC_NONE, 0, authres, FIXTURE_NOW, &b, &e), ERR_INVALID);
	assert_int_equal(arc_seal(STR("To: x\r\n\r\n"), &s, ARC_NONE, 0, authres, FIXTURE_NOW, &b, &e), ERR_INVALID);
	assert_int_equal(b.n, 0);
	buf_fini(&b);
	/* a chain that cannot even be counted */
	struct str odd = arena_printf(&f->arena, "ARC-Seal: nonsense\r\n%.*s", STR_ARG(message));
	v = validate(f, odd);
	assert_int_equal(v.result, ARC_FAIL);
	assert_int_equal(v.instances, 0);
	assert_true(str_starts(seal(f, odd), STR("ARC-Seal: i=1; a=ed25519-sha256; cv=fail;")));
}

/* 4.2.1: 50 sets, and no more. */
static void test_full_chain(void **state)
{
	struct dkim_fixture *f = *state;
	struct str text = message;
	struct arc_verdict v;
	for (int i = 0; i < ARC_SETS_MAX; i++)
		text = seal(f, text);
	unsigned before = dns_zone_questions(f->zone);
	v = validate(f, text);
	assert_int_equal(v.result, ARC_PASS);
	assert_int_equal(v.instances, ARC_SETS_MAX);
	assert_int_equal(dns_zone_questions(f->zone) - before, 1);
	struct dkim_signer s = signer_of(f, false);
	struct buf b = BUF_INIT(0);
	assert_int_equal(arc_seal(text, &s, v.result, v.instances, authres, FIXTURE_NOW, &b, NULL), ERR_CONFLICT);
	buf_fini(&b);
}

static void test_no_answer(void **state)
{
	struct dkim_fixture *f = *state;
	dns_zone_add(f->zone, "late._domainkey.example.org TXT !temporary\n");
	struct arc_verdict v = validate(f, change(f, seal(f, message), "s=ed", "s=late"));
	assert_int_equal(v.result, ARC_FAIL);
	assert_true(v.temporary);
	v = validate(f, change(f, seal(f, message), "s=ed", "s=never"));
	assert_int_equal(v.result, ARC_FAIL);
	assert_false(v.temporary);
}

static void test_results_instance(void **state)
{
	static const struct { const char *value; unsigned instance; const char *payload; } t[] = {
		{ " i=1; mx; none", 1, "mx; none" },
		{ "i = 50 ;\r\n\tmx", 50, "mx" },
		{ " (c (nested \\) x) ) i (c)=(c) 07 (c);x", 7, "x" },
		{ "i=0; x", 0, NULL },
		{ "i=51; x", 0, NULL },
		{ "i=001; x", 0, NULL },
		{ "i=; x", 0, NULL },
		{ "i=1 x; y", 0, NULL },
		{ "i=1", 0, NULL },
		{ "I=1; x", 0, NULL },
		{ "mx; i=1", 0, NULL },
		{ "(", 0, NULL },
		{ "(\\", 0, NULL },
		{ "", 0, NULL },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct str payload;
		unsigned instance = arc_results_instance(str_from_c(t[i].value), &payload);
		if (instance != t[i].instance || (instance && !str_eq(payload, str_from_c(t[i].payload))))
			fail_msg("\"%s\": %u", t[i].value, instance);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain), cmocka_unit_test(test_changed_on_the_way), cmocka_unit_test(test_tampering),
		cmocka_unit_test(test_failed_chain), cmocka_unit_test(test_full_chain), cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_results_instance),
	};
	return cmocka_run_group_tests(tests, dkim_fixture_setup, dkim_fixture_teardown);
}
