/* RFC 3464 section 2 and appendix E, RFC 6522, RFC 6533, RFC 3834; RFC 3461 6. The whole is read by another parser in tests/dsn_peer.py. */
#include "codec/dsn/dsn.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define ORIGINAL "From: root@cs.utk.edu\r\nTo: louisl@larry.slip.umd.edu\r\nSubject: info-mime =?utf-8?q?=E2=84=96?= 7\r\nMessage-ID: <17@cs.utk.edu>\r\n\r\nHello\r\n"

/* The "Simple DSN" of appendix E, as data. */
static const struct dsn_recipient simple_recipient = {
	.address = STR_INIT("louisl@larry.slip.umd.edu"), .original = STR_INIT("rfc822;louisl@larry.slip.umd.edu"), .action = DSN_FAILED,
	.status = STR_INIT("4.0.0"), .remote = STR_INIT("larry.slip.umd.edu"), .reply = STR_INIT("426 connection timed out"), .last_attempt = 773615749 };
static const struct dsn simple = {
	.reporting_mta = STR_INIT("cs.utk.edu"), .from = STR_INIT("postmaster@cs.utk.edu"), .to = STR_INIT("owner-info-mime@cs.utk.edu"), .arrived = 773183428,
	.id = STR_INIT("RAA14128"), .queue_id = STR_INIT("4711"), .now = 773615765, .recipients = &simple_recipient, .n = 1, .original = STR_INIT(ORIGINAL),
	.full = true };

static struct buf whole;

static int teardown(void **state)
{
	(void)state;
	buf_fini(&whole);
	return 0;
}

static struct dsn_message format(const struct dsn *d)
{
	struct dsn_message m;

	assert_int_equal(dsn_format(d, &m), 0);
	buf_reset(&whole);
	buf_add_str(&whole, buf_str(&m.head));
	buf_add_str(&whole, m.body);
	buf_add_str(&whole, buf_str(&m.tail));
	dsn_message_fini(&m);
	return m;
}

static void assert_has(const char *text)
{
	if (str_find(buf_str(&whole), str_from_c(text)) == STR_NPOS)
		fail_msg("no \"%s\" in:\n%.*s", text, (int)whole.n, whole.p);
}

static void assert_has_not(const char *text)
{
	if (str_find(buf_str(&whole), str_from_c(text)) != STR_NPOS)
		fail_msg("\"%s\" in:\n%.*s", text, (int)whole.n, whole.p);
}

static void test_simple(void **state)
{
	(void)state;
	struct dsn_message m = format(&simple);

	assert_false(m.utf8 || m.eight_bit);
	assert_has("Date: Thu, 07 Jul 1994 21:16:05 +0000\r\nFrom: Mail Delivery System <postmaster@cs.utk.edu>\r\nTo: <owner-info-mime@cs.utk.edu>\r\n");
	assert_has("\r\nIn-Reply-To: <17@cs.utk.edu>\r\nReferences: <17@cs.utk.edu>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
			   "Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"=_RAA14128\"\r\n");
	assert_has("Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
			   "Reporting-MTA: dns; cs.utk.edu\r\n"
			   "Arrival-Date: Sat, 02 Jul 1994 21:10:28 +0000\r\n"
			   "\r\n"
			   "Original-Recipient: rfc822; louisl@larry.slip.umd.edu\r\n"
			   "Final-Recipient: rfc822; louisl@larry.slip.umd.edu\r\n"
			   "Action: failed\r\n"
			   "Status: 4.0.0\r\n"
			   "Remote-MTA: dns; larry.slip.umd.edu\r\n"
			   "Diagnostic-Code: smtp; 426 connection timed out\r\n"
			   "Last-Attempt-Date: Thu, 07 Jul 1994 21:15:49 +0000\r\n"
			   "\r\n--=_RAA14128\r\n");
	assert_has("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" ORIGINAL "\r\n--=_RAA14128--\r\n");
	/* for people: the subject is decoded, so the text is UTF-8, and encoded since nothing else needs 8 bits */
	assert_has("charset=utf-8\r\nContent-Language: en\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThis is the mail system at cs.utk.edu.\r\n");
	assert_has("Subject: info-mime =E2=84=96 7\r\n");
}

/* RFC 3461 6.3: ENVID and ORCPT appear if and only if they were given; each action has its words; Will-Retry-Until only when delayed. */
static void test_fields(void **state)
{
	(void)state;
	static const struct dsn_recipient r[] = {
		{ .address = STR_INIT("a@x"), .action = DSN_DELAYED, .reply = STR_INIT("connect to x: timed out"), .retry_until = 86400 },
		{ .address = STR_INIT("b@x"), .action = DSN_DELIVERED, .status = STR_INIT("nonsense"), .retry_until = 86400 },
		{ .address = STR_INIT("c@x"), .original = STR_INIT("x400;/S=c/"), .action = DSN_RELAYED, .status = STR_INIT("2.1.9"), .remote = STR_INIT("mx.x") },
		{ .address = STR_INIT("d@x"), .original = STR_INIT("no type"), .action = DSN_EXPANDED },
	};
	struct dsn d = simple;

	d.recipients = r;
	d.n = 4;
	d.envid = STR("QQ314159");
	d.full = false;
	format(&d);
	assert_has("Subject: Your message is delayed\r\n");
	assert_has("\r\n\r\nOriginal-Envelope-Id: QQ314159\r\nReporting-MTA: dns; cs.utk.edu\r\n");
	assert_has("\r\n\r\nFinal-Recipient: rfc822; a@x\r\nAction: delayed\r\nStatus: 4.0.0\r\nDiagnostic-Code: X-Troika; connect to x: timed out\r\n"
			   "Will-Retry-Until: Fri, 02 Jan 1970 00:00:00 +0000\r\n\r\nFinal-Recipient: rfc822; b@x\r\nAction: delivered\r\nStatus: 2.0.0\r\n\r\n"
			   "Original-Recipient: x400; /S=c/\r\nFinal-Recipient: rfc822; c@x\r\nAction: relayed\r\nStatus: 2.1.9\r\nRemote-MTA: dns; mx.x\r\n\r\n"
			   "Original-Recipient: rfc822; no type\r\nFinal-Recipient: rfc822; d@x\r\nAction: expanded\r\nStatus: 2.0.0\r\n\r\n--");
	/* RFC 3461 6.2: without a failure only the header */
	assert_has("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\nFrom: root@cs.utk.edu\r\n");
	assert_has("Message-ID: <17@cs.utk.edu>\r\n\r\n--=_RAA14128--\r\n");
	assert_has_not("Hello");
	assert_has("This server gives up on Fri, 02 Jan 1970");
}

/* What others wrote ends no field, no line and no part. */
static void test_hostile(void **state)
{
	(void)state;
	struct dsn_recipient r = { .address = STR("a@x\r\nBcc: evil@x"), .original = STR("rfc822;q\r\n\r\n--=_RAA14128--"), .action = DSN_FAILED,
							   .status = STR("5.1.1\r\nEvil: 1"), .remote = STR("mx\r\nEvil: 2"), .reply = STR("550-\x1b[2J\r\n\r\nEvil: 3\n--=_RAA14128\r\n\xff") };
	struct dsn d = simple;

	d.recipients = &r;
	d.envid = STR("1\nEvil: 4");
	d.to = STR("s@x>\r\nEvil: 5");
	d.original = STR("Subject: a\rEvil: 6\nMessage-ID: <x@y>\tEvil: 7\n\nEvil");
	format(&d);
	static const char *const never[] = { "\nEvil", "\rEvil", "\nBcc", "\x1b", "\n--=_RAA14128--\r\n\r" };
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		assert_has_not(never[i]);
	assert_has("Status: 5.0.0\r\n");
	assert_has("Diagnostic-Code: smtp; 550- [2J Evil: 3 --=_RAA14128 ?\r\n");
	/* bare line ends: message/rfc822 cannot carry them; the header goes in quoted-printable */
	assert_has("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nSubject: a=0DEvil: 6=0A");
}

/* RFC 6533: which addresses need what, on which way. */
static void test_international(void **state)
{
	(void)state;
	struct dsn_recipient r = { .address = STR("\xe5\xbf\x83@\xe4\xbe\x8b.example"), .original = STR("utf-8;\\x{5FC3}@\\x{4F8B}.example"), .action = DSN_FAILED,
							   .remote = STR("mx.x"), .reply = STR("550 \xd0\xbd\xd0\xb5\xd1\x82") };
	struct dsn d = simple;

	d.recipients = &r;
	d.original = STR("From: \xd1\x8f@x\r\n\r\n\xd1\x8f\r\n");
	d.original_utf8 = true;
	struct dsn_message m = format(&d);
	/* to an ASCII address: everything in seven bits (4.5) */
	assert_false(m.utf8 || m.eight_bit);
	assert_has("Content-Type: message/global-delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n");
	assert_has("Original-Recipient: utf-8; =E5=BF=83@=E4=BE=8B.example\r\nFinal-Recipient: utf-8; =E5=BF=83@=E4=BE=8B.example\r\n");
	assert_has("Diagnostic-Code: smtp; 550 =D0=BD=D0=B5=D1=82\r\n");
	assert_has("Content-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\nRnJvbTog0Y9AeA0KDQrRjw0K\r\n");
	d.full = false;
	format(&d);
	assert_has("Content-Type: message/global-headers\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nFrom: =D1=8F@x\r\n");
	/* to one of letters beyond ASCII: with SMTPUTF8, as they are */
	d.full = true;
	d.to = STR("\xd1\x8f@x");
	m = format(&d);
	assert_true(m.utf8 && m.eight_bit);
	assert_has("To: <\xd1\x8f@x>\r\n");
	assert_has("Content-Transfer-Encoding: 8bit\r\n\r\nThis is");
	assert_has("Final-Recipient: utf-8; \xe5\xbf\x83@\xe4\xbe\x8b.example\r\n");
	assert_has("Content-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\nFrom: \xd1\x8f@x\r\n\r\n\xd1\x8f\r\n\r\n--");
	/* malformed ones are copied as they are (3) */
	r.original = STR("utf-8;\\x{zz}");
	format(&d);
	assert_has("Original-Recipient: utf-8; \\x{zz}\r\n");
}

static void test_eight_bit(void **state)
{
	(void)state;
	struct dsn d = simple;

	d.original = STR("Subject: x\r\n\r\n\xe4\r\n");
	struct dsn_message m = format(&d);
	assert_true(m.eight_bit && !m.utf8);
	assert_has("boundary=\"=_RAA14128\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
	assert_has("Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n\r\n\xe4\r\n");
	/* BINARYMIME: only the header */
	d.original = STR("Subject: x\r\n\r\n\xe4\0\r\n");
	m = format(&d);
	assert_false(m.eight_bit || m.utf8);
	assert_has("Content-Type: text/rfc822-headers\r\nContent-Transfer-Encoding: 7bit\r\n\r\nSubject: x\r\n\r\n--");
}

static void test_many(void **state)
{
	(void)state;
	enum { MANY = 3000 };
	struct dsn_recipient *r = calloc(MANY, sizeof *r);
	struct dsn d = simple;

	assert_non_null(r);
	for (size_t i = 0; i < MANY; i++)
		r[i] = (struct dsn_recipient){ .address = STR("a@x"), .action = DSN_FAILED };
	d.recipients = r;
	d.n = MANY;
	format(&d);
	assert_has("And 2950 more recipients");
	free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple), cmocka_unit_test(test_fields), cmocka_unit_test(test_hostile), cmocka_unit_test(test_international),
		cmocka_unit_test(test_eight_bit), cmocka_unit_test(test_many),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
