/* RFC 6376 appendix A.2, RFC 8463 appendix A.3, and the rules of 6376 section 3.5 and 6.1 one by one. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "mailauth/dkim_fixture.h"

#define BODY "\r\nHi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n"
#define FIELDS "From: Joe SixPack <joe@football.example.com>\r\nTo: Suzie Q <suzie@shopping.example.net>\r\nSubject: Is dinner ready?\r\n" \
			   "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\nMessage-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"

/* As errata 3192 and 4926 correct it: one space in the body's line, six in front of continued lines. */
static const struct str rfc6376 = STR_INIT(
	"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
	"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
	"      h=Received : From : To : Subject : Date : Message-ID;\r\n"
	"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\r\n"
	"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\r\n"
	"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\r\n"
	"      4bmp/YzhwvcubU4=;\r\n"
	"Received: from client1.football.example.com  [192.0.2.1]\r\n"
	"      by submitserver.example.com with SUBMISSION;\r\n"
	"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n" FIELDS BODY);
static const char rfc6376_zone[] =
	"brisbane._domainkey.example.com TXT v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQ"
	"KBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v"
	"/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB\n";

static const struct str rfc8463 = STR_INIT(
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
	" date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\r\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\r\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\r\n" FIELDS BODY);
static const char rfc8463_zone[] =
	"brisbane._domainkey.football.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
	"test._domainkey.football.example.com TXT v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhd"
	"R6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+"
	"l/K4w3QIDAQAB\n";

static struct dkim_verdict verify_one(struct dkim_fixture *f, struct str message)
{
	struct dkim_verdict *v;
	size_t n;
	assert_int_equal(dkim_verify(&f->dns, &f->arena, message, FIXTURE_NOW, &v, &n), 0);
	assert_true(n >= 1);
	return v[0];
}

static void expect(struct dkim_fixture *f, struct str message, enum dkim_result result, const char *problem)
{
	struct dkim_verdict v = verify_one(f, message);
	if (v.result != result || !str_eq(str_from_c(v.problem), str_from_c(problem)))
		fail_msg("%s (%s) instead of %s (%s):\n%.300s", dkim_result_text(v.result), v.problem ? v.problem : "", dkim_result_text(result),
				 problem ? problem : "", message.p);
}

static void test_rfc6376_example(void **state)
{
	struct dkim_fixture *f = *state;
	dns_zone_add(f->zone, rfc6376_zone);
	struct dkim_verdict v = verify_one(f, rfc6376);
	assert_int_equal(v.result, DKIM_PASS);
	assert_null(v.problem);
	assert_true(str_eq(v.domain, STR("example.com")));
	assert_true(str_eq(v.selector, STR("brisbane")));
	assert_true(str_eq(v.identity, STR("joe@football.example.com")));
	assert_true(str_eq(v.algorithm, STR("rsa-sha256")));
	assert_true(str_eq(v.signature, STR("AuUoFEfD")));
	assert_int_equal(v.bits, 1024);
	assert_false(v.testing);
	assert_false(v.partial);
}

static void test_rfc8463_example(void **state)
{
	struct dkim_fixture *f = *state;
	struct dkim_verdict *v;
	size_t n;
	dns_zone_add(f->zone, rfc8463_zone);
	assert_int_equal(dkim_verify(&f->dns, &f->arena, rfc8463, FIXTURE_NOW, &v, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(v[0].result, DKIM_PASS);
	assert_int_equal(v[0].bits, 256);
	assert_true(str_eq(v[0].algorithm, STR("ed25519-sha256")));
	assert_int_equal(v[1].result, DKIM_PASS);
	assert_true(str_eq(v[1].selector, STR("test")));
}

#define OK "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@; b=@"
static const struct str plain = STR_INIT("From: a@example.org\r\nTo: b@example.net\r\nSubject: s\r\n\r\nHello\r\n");

/* What a field may say. A result other than "fail" in the second half is found before any key is asked for. */
static void test_fields(void **state)
{
	static const struct { const char *tags; enum dkim_result result; const char *problem; } t[] = {
		{ OK, DKIM_PASS, NULL },
		{ OK ";", DKIM_PASS, NULL },
		{ "b=@; v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@", DKIM_PASS, NULL },
		{ OK "; c=relaxed/relaxed", DKIM_PASS, NULL },
		{ OK "; c=relaxed", DKIM_PASS, NULL },
		{ OK "; c=simple/relaxed", DKIM_PASS, NULL },
		{ OK "; c=relaxed/simple; q=dns/txt", DKIM_PASS, NULL },
		{ OK "; q=x-new/y : dns/txt; unknown=tag; z=From:foo|To:bar", DKIM_PASS, NULL },
		{ OK "; t=1699999999; x=1700000001", DKIM_PASS, NULL },
		{ OK "; x=1699999800", DKIM_PASS, NULL },        /* within the clocks' tolerance */
		{ OK "; i=joe@example.org", DKIM_PASS, NULL },
		{ OK "; i=@SUB.sub.Example.ORG", DKIM_PASS, NULL },
		{ OK "; i=J=6F=3Be\r\n @example.org", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=Example.ORG; s=ED; h=from; bh=@; b=@", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=x-absent:FROM:to:from:from : Subject; bh=@; b=@", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from:dkim-signature; bh=@; b=@", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@; b=AAAA", DKIM_FAIL, "signature does not verify" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=AAAA; b=@", DKIM_FAIL, "body hash does not match" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=none; h=from; bh=@; b=@", DKIM_PERMERROR, "no key for signature" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=rsa; h=from; bh=@; b=@", DKIM_PERMERROR, "key of another type" },
		{ "v=1; a=rsa-sha256; d=example.org; s=ed; h=from; bh=@; b=@", DKIM_PERMERROR, "key of another type" },
		{ "a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "v= is missing" },
		{ "v=2; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "unknown version" },
		{ "v=1; d=example.org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "unknown or missing algorithm" },
		{ "v=1; a=ed25519-sha512; d=example.org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "unknown or missing algorithm" },
		{ "v=1; a=rsa-sha1; d=example.org; s=rsa; h=from; bh=@; b=@", DKIM_PERMERROR, "rsa-sha1 is no longer accepted" },
		{ "v=1; a=ed25519-sha256; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "d= or s= is missing" },
		{ "v=1; a=ed25519-sha256; d=example.org; h=from; bh=@; b=@", DKIM_NEUTRAL, "d= or s= is missing" },
		{ "v=1; a=ed25519-sha256; d=; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "d=, s= or i= is no domain name" },
		{ "v=1; a=ed25519-sha256; d=org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "d= is no domain name" },
		{ "v=1; a=ed25519-sha256; d=example..org; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "d=, s= or i= is no domain name" },
		{ "v=1; a=ed25519-sha256; d=example.org.; s=ed; h=from; bh=@; b=@", DKIM_NEUTRAL, "d=, s= or i= is no domain name" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=e/d; h=from; bh=@; b=@", DKIM_NEUTRAL, "d=, s= or i= is no domain name" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; bh=@; b=@", DKIM_NEUTRAL, "h= is missing" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=; bh=@; b=@", DKIM_NEUTRAL, "h= is empty or has empty names" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from::to; bh=@; b=@", DKIM_NEUTRAL, "h= is empty or has empty names" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=to:subject; bh=@; b=@", DKIM_PERMERROR, "From is not signed" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@", DKIM_NEUTRAL, "b= is missing" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; b=@", DKIM_NEUTRAL, "bh= is missing" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@; b=", DKIM_NEUTRAL, "b= or bh= is no base64" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=??; b=@", DKIM_NEUTRAL, "b= or bh= is no base64" },
		{ OK "; c=nofws", DKIM_NEUTRAL, "unknown canonicalization" },
		{ OK "; c=", DKIM_NEUTRAL, "unknown canonicalization" },
		{ OK "; c=relaxed/", DKIM_NEUTRAL, "unknown canonicalization" },
		{ OK "; q=x/y", DKIM_NEUTRAL, "unknown query method" },
		{ OK "; t=", DKIM_NEUTRAL, "t= or x= is wrong" },
		{ OK "; t=-1", DKIM_NEUTRAL, "t= or x= is wrong" },
		{ OK "; t=1234567890123", DKIM_NEUTRAL, "t= or x= is wrong" },
		{ OK "; t=1699999999; x=1699999999", DKIM_NEUTRAL, "t= or x= is wrong" },
		{ OK "; t=1700000400", DKIM_POLICY, "signature from the future" },
		{ OK "; x=1699999600", DKIM_POLICY, "signature expired" },
		{ OK "; l=5x", DKIM_NEUTRAL, "l= is no number" },
		{ OK "; l=", DKIM_NEUTRAL, "l= is no number" },
		{ OK "; i=joe@example.com", DKIM_PERMERROR, "i= is not below d=" },
		{ OK "; i=joe@notexample.org", DKIM_PERMERROR, "i= is not below d=" },
		{ OK "; i=joe", DKIM_NEUTRAL, "i= is no address" },
		{ OK "; i=joe=4@example.org", DKIM_NEUTRAL, "i= is no quoted-printable" },
		{ OK "; d=example.org", DKIM_NEUTRAL, "signature is no tag list" },
		{ OK ";;", DKIM_NEUTRAL, "signature is no tag list" },
		{ "", DKIM_NEUTRAL, "signature is no tag list" },
	};
	struct dkim_fixture *f = *state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect(f, dkim_fixture_sign(f, f->ed25519, t[i].tags, plain), t[i].result, t[i].problem);
}

static struct str change(struct dkim_fixture *f, struct str message, const char *from, const char *to)
{
	size_t at = str_find(message, str_from_c(from));
	assert_int_not_equal(at, STR_NPOS);
	struct str tail = str_from(message, at + strlen(from));
	return arena_printf(&f->arena, "%.*s%s%.*s", (int)at, message.p, to, STR_ARG(tail));
}

/* What may happen to a message on its way. */
static void test_changes(void **state)
{
	static const struct { const char *tags, *from, *to; enum dkim_result result; const char *problem; } t[] = {
		{ OK "; c=relaxed/relaxed", "From: a@example.org", "FROM :\ta@example.org \t", DKIM_PASS, NULL },
		{ OK "; c=simple/simple", "From: a@example.org", "from: a@example.org", DKIM_FAIL, "signature does not verify" },
		{ OK "; c=relaxed/relaxed", "From: a", "From: b", DKIM_FAIL, "signature does not verify" },
		{ OK "; c=relaxed/relaxed", "Hello", "Hello \t", DKIM_PASS, NULL },
		{ OK "; c=relaxed/simple", "Hello", "Hello \t", DKIM_FAIL, "body hash does not match" },
		{ OK, "Hello", "Hello\r\n\r\n\r\n", DKIM_PASS, NULL },
		{ OK, "Hello", "Hello\r\n \r\n", DKIM_FAIL, "body hash does not match" },
		{ OK, "To: b", "To: c", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from:to; bh=@; b=@", "To: b", "To: c", DKIM_FAIL, "signature does not verify" },
		/* a second From in front is not the one that was signed (the last), so only naming it twice helps: 8.15 */
		{ OK, "From: a", "From: evil@example.com\r\nFrom: a", DKIM_PASS, NULL },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from:from; bh=@; b=@", "From: a", "From: evil@example.com\r\nFrom: a", DKIM_FAIL,
		  "signature does not verify" },
		{ "v=1; a=ed25519-sha256; d=example.org; s=ed; h=from:cc; bh=@; b=@", "Subject:", "Cc: x@example.org\r\nSubject:", DKIM_FAIL,
		  "signature does not verify" },
		/* the signature field signs itself, but for b= */
		{ OK, "h=from;", "h=from ;", DKIM_FAIL, "signature does not verify" },
		{ OK "; c=relaxed/relaxed", "h=from; ", "h=from;\r\n\t\t", DKIM_PASS, NULL },
		{ OK "; n=1", "n=1", "n=2", DKIM_FAIL, "signature does not verify" },
		{ "b=@; v=1; a=ed25519-sha256; d=example.org; s=ed; h=from; bh=@", "b=", "b=\r\n ", DKIM_PASS, NULL },
		/* l= */
		{ OK "; l=5", "Hello", "Hello!", DKIM_PASS, NULL },
		{ OK "; l=5", "Hello", "Hellx!", DKIM_FAIL, "body hash does not match" },
		{ OK "; l=7", "Hello\r\n", "Hell", DKIM_FAIL, "the body is shorter than l=" },
		{ OK "; l=8", "Hello", "Hello", DKIM_FAIL, "the body is shorter than l=" },
		{ OK "; l=99999999999999999999999999999999999999999999999999999999999999999999999", "Hello", "Hello", DKIM_FAIL,
		  "the body is shorter than l=" },
		{ OK "; l=0", "Hello", "Anything", DKIM_PASS, NULL },
	};
	struct dkim_fixture *f = *state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect(f, change(f, dkim_fixture_sign(f, f->ed25519, t[i].tags, plain), t[i].from, t[i].to), t[i].result, t[i].problem);
	assert_true(verify_one(f, dkim_fixture_sign(f, f->ed25519, OK "; l=3", plain)).partial);
	assert_false(verify_one(f, dkim_fixture_sign(f, f->ed25519, OK "; l=7", plain)).partial);
}

/* What a key record may say: 3.6.1 and 6.1.2. */
static void test_keys(void **state)
{
	static const struct { const char *record, *extra, *problem; enum dkim_result result; bool testing; } t[] = {
		{ "t=y;", "", NULL, DKIM_PASS, true },
		{ "t=s;", "", NULL, DKIM_PASS, false },
		{ "t=y:s;", "; i=joe@example.org", NULL, DKIM_PASS, true },
		{ "t=s;", "; i=@sub.example.org", "key is not for subdomains", DKIM_PERMERROR, false },
		{ "s=other;", "", "key is for another service", DKIM_PERMERROR, false },
		{ "h=sha1;", "", "key is for another hash", DKIM_PERMERROR, false },
		{ "v=DKIM2;", "", "key record of another version", DKIM_PERMERROR, false },
	};
	struct dkim_fixture *f = *state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		dns_zone_add(f->zone, arena_printf(&f->arena, "k%zu._domainkey.example.org TXT %s\n", i, dkim_fixture_record(f, f->ed25519, t[i].record)).p);
		const char *tags = arena_printf(&f->arena, "v=1; a=ed25519-sha256; d=example.org; s=k%zu; h=from; bh=@; b=@%s", i, t[i].extra).p;
		struct str message = dkim_fixture_sign(f, f->ed25519, tags, plain);
		expect(f, message, t[i].result, t[i].problem);
		assert_int_equal(verify_one(f, message).testing, t[i].testing);
	}
	dns_zone_add(f->zone, arena_printf(&f->arena,
									   "several._domainkey.example.org TXT v=spf1 -all\nseveral._domainkey.example.org TXT k=ed25519; p=\n"
									   "several._domainkey.example.org TXT %s\n",
									   dkim_fixture_record(f, f->ed25519, "")).p);
	dns_zone_add(f->zone, "revoked._domainkey.example.org TXT v=DKIM1; k=ed25519; p=\nlate._domainkey.example.org TXT !temporary\n"
						  "bogus._domainkey.example.org TXT !bogus\nodd._domainkey.example.org TXT k=ed25519; p=AAAA\n"
						  "short._domainkey.example.org TXT p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAOHR+yHUlyhzjZGCelJwHWOMG7FnBptF5sd67X5kxShqCrLy"
						  "/qlG/Qc5d+SmmFz/HGRmo+VzO7acWdoxM5yyFrkCAwEAAQ==\n");
	expect(f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=example.org; s=several; h=from; bh=@; b=@", plain), DKIM_PASS, NULL);
	expect(f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=example.org; s=revoked; h=from; bh=@; b=@", plain), DKIM_PERMERROR,
		   "key revoked");
	expect(f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=example.org; s=late; h=from; bh=@; b=@", plain), DKIM_TEMPERROR,
		   "key cannot be asked for");
	expect(f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=example.org; s=bogus; h=from; bh=@; b=@", plain), DKIM_TEMPERROR,
		   "key cannot be asked for");
	expect(f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=example.org; s=odd; h=from; bh=@; b=@", plain), DKIM_PERMERROR,
		   "key cannot be used");
	/* RFC 8301 3.2 */
	expect(f, dkim_fixture_sign(f, f->rsa, "v=1; a=rsa-sha256; d=example.org; s=short; h=from; bh=@; b=@", plain), DKIM_POLICY, "key is too short");
	expect(f, dkim_fixture_sign(f, f->rsa, "v=1; a=rsa-sha256; d=example.org; s=rsa; h=from; bh=@; b=@", plain), DKIM_PASS, NULL);
}

/* RFC 8616 4: U-labels are asked for as A-labels. */
static void test_utf8(void **state)
{
	struct dkim_fixture *f = *state;
	dns_zone_add(f->zone, arena_printf(&f->arena, "xn--bcher-kva._domainkey.xn--bcher-kva.example TXT %s\n",
									   dkim_fixture_record(f, f->ed25519, "v=DKIM1;")).p);
	struct dkim_verdict v = verify_one(
		f, dkim_fixture_sign(f, f->ed25519, "v=1; a=ed25519-sha256; d=b\xc3\xbc" "cher.example; s=b\xc3\xbc" "cher; i=\xc3\xbc@B\xc3\x9c" "CHER.example; "
											"h=from; bh=@; b=@", plain));
	assert_int_equal(v.result, DKIM_PASS);
	assert_true(str_eq(v.domain, STR("xn--bcher-kva.example")));
}

static void test_many_signatures(void **state)
{
	struct dkim_fixture *f = *state;
	struct str message = plain;
	struct dkim_verdict *v;
	size_t n;
	for (int i = 0; i < DKIM_SIGNATURES_MAX + 3; i++)
		message = dkim_fixture_sign(f, f->ed25519, i % 2 ? OK "; c=relaxed/relaxed; l=2" : OK "; c=simple/relaxed", message);
	unsigned before = dns_zone_questions(f->zone);
	assert_int_equal(dkim_verify(&f->dns, &f->arena, message, FIXTURE_NOW, &v, &n), 0);
	assert_int_equal(n, DKIM_SIGNATURES_MAX);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(v[i].result, DKIM_PASS);
	/* one key, one question */
	assert_int_equal(dns_zone_questions(f->zone) - before, 1);
	assert_int_equal(dkim_verify(&f->dns, &f->arena, plain, FIXTURE_NOW, &v, &n), 0);
	assert_int_equal(n, 0);
}

static void test_huge_header(void **state)
{
	struct dkim_fixture *f = *state;
	struct buf b = BUF_INIT(0);
	struct str message = dkim_fixture_sign(f, f->ed25519, OK, plain);
	struct str field = str_sub(message, 0, message.n - plain.n);
	buf_add_str(&b, field);
	for (int i = 0; i < 9000; i++)
		buf_add_lit(&b, "X-Filler: x\r\n");
	buf_add_str(&b, plain);
	expect(f, buf_str(&b), DKIM_PASS, NULL);
	buf_reset(&b);
	buf_add_str(&b, field);
	for (int i = 0; i < 20000; i++)
		buf_add_lit(&b, "a:\r\n");
	buf_add_str(&b, plain);
	expect(f, buf_str(&b), DKIM_PERMERROR, "too many header fields");
	buf_reset(&b);
	buf_add_lit(&b, "DKIM-Signature: v=1; n=");
	for (int i = 0; i < 70000; i++)
		buf_add_char(&b, 'x');
	buf_add_lit(&b, "\r\n");
	buf_add_str(&b, plain);
	expect(f, buf_str(&b), DKIM_NEUTRAL, "signature field is too long");
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc6376_example), cmocka_unit_test(test_rfc8463_example), cmocka_unit_test(test_fields),
		cmocka_unit_test(test_changes), cmocka_unit_test(test_keys), cmocka_unit_test(test_utf8), cmocka_unit_test(test_many_signatures),
		cmocka_unit_test(test_huge_header),
	};
	return cmocka_run_group_tests(tests, dkim_fixture_setup, dkim_fixture_teardown);
}
