/* The examples of RFC 3464 appendix E, RFC 6533, and the forms that are met in the world. */
#include "codec/dsn/parse.h"

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define HEAD "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\r\n\r\n" \
	"--b/1\r\nContent-Type: text/plain\r\n\r\nFor people\r\n--b/1\r\ncontent-type: message/delivery-status\r\n\r\n"
#define TAIL "\r\n--b/1\r\ncontent-type: message/rfc822\r\n\r\nSubject: x\r\n\r\n--b/1--\r\n"

static const struct {
	const char *message;
	size_t n;
	struct { const char *address, *original; enum dsn_action action; struct smtp_status status; const char *diagnostic; } r[3];
} cases[] = {
	{ HEAD "Reporting-MTA: dns; cs.utk.edu\r\n\r\nOriginal-Recipient: rfc822;louisl@larry.slip.umd.edu\r\n"
	  "Final-Recipient: rfc822;louisl@larry.slip.umd.edu\r\nAction: failed\r\nStatus: 4.0.0\r\nDiagnostic-Code: smtp; 426 connection timed out\r\n"
	  "Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400\r\n" TAIL,
	  1, { { "louisl@larry.slip.umd.edu", "louisl@larry.slip.umd.edu", DSN_FAILED, { 4, 0, 0 }, "426 connection timed out" } } },
	{ HEAD "Reporting-MTA: dns; cs.utk.edu\r\n\r\nOriginal-Recipient: rfc822;arathib@vnet.ibm.com\r\nFinal-Recipient: rfc822;arathib@vnet.ibm.com\r\n"
	  "Action: failed\r\nStatus: 5.0.0 (permanent failure)\r\nDiagnostic-Code: smtp;  550 'arathib@vnet.IBM.COM' is not a\r\n registered gateway user\r\n"
	  "Remote-MTA: dns; vnet.ibm.com\r\n\r\nOriginal-Recipient: rfc822;johnh@hpnjld.njd.hp.com\r\nFinal-Recipient: rfc822;johnh@hpnjld.njd.hp.com\r\n"
	  "Action: delayed\r\nStatus: 4.0.0 (hpnjld.njd.jp.com: host name lookup failure)\r\n\r\nOriginal-Recipient: rfc822;wsnell@sdcc13.ucsd.edu\r\n"
	  "Final-Recipient: rfc822;wsnell@sdcc13.ucsd.edu\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550 user unknown\r\n"
	  "Remote-MTA: dns; sdcc13.ucsd.edu\r\n" TAIL,
	  3, { { "arathib@vnet.ibm.com", "arathib@vnet.ibm.com", DSN_FAILED, { 5, 0, 0 }, "550 'arathib@vnet.IBM.COM' is not a registered gateway user" },
		   { "johnh@hpnjld.njd.hp.com", "johnh@hpnjld.njd.hp.com", DSN_DELAYED, { 4, 0, 0 }, "" },
		   { "wsnell@sdcc13.ucsd.edu", "wsnell@sdcc13.ucsd.edu", DSN_FAILED, { 5, 0, 0 }, "550 user unknown" } } },
	{ HEAD "Reporting-MTA: mailbus; SYS30\r\n\r\nFinal-Recipient: unknown; nair_s\r\nStatus: 5.0.0 (unknown permanent failure)\r\nAction: failed\r\n" TAIL,
	  1, { { "nair_s", "", DSN_FAILED, { 5, 0, 0 }, "" } } },
	/* bare line ends, case, a bracketed address, no action, more blank lines than one, a broken line */
	{ HEAD "REPORTING-MTA: cs.utk.edu\n\n\n\nfinal-recipient: RFC822; <a@b>\nnonsense\nSTATUS: 5.1.1\n" TAIL, 1, { { "a@b", "", DSN_FAILED, { 5, 1, 1 }, "" } } },
	{ HEAD "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: a@b\r\nAction: Relayed (to mailer)\r\nStatus: bad\r\n" TAIL, 1, { { "a@b", "", DSN_RELAYED, { 2, 0, 0 }, "" } } },
	/* neither action nor status; no address */
	{ HEAD "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b\r\n" TAIL, 0, { { NULL } } },
	{ HEAD "Reporting-MTA: dns; x\r\n\r\nAction: failed\r\nStatus: 5.0.0\r\n" TAIL, 0, { { NULL } } },
	{ "Subject: a letter\r\n\r\nAction: failed\r\n", 0, { { NULL } } },
	/* RFC 6533: the global type, in quoted-printable, with an address in unitext */
	{ "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\nContent-Type: message/global-delivery-status\r\n"
	  "Content-Transfer-Encoding: quoted-printable\r\n\r\nReporting-MTA: dns; x\r\n\r\nOriginal-Recipient: utf-8; \\x{5FC3}@example\r\n"
	  "Final-Recipient: utf-8; =E5=BF=83@example\r\nAction: failed\r\nStatus: 5.6.7\r\n--b--\r\n",
	  1, { { "\xe5\xbf\x83@example", "\xe5\xbf\x83@example", DSN_FAILED, { 5, 6, 7 }, "" } } },
	/* somebody forwards a notice: that is none */
	{ "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: message/rfc822\r\n\r\n" HEAD "Reporting-MTA: dns; x\r\n\r\n"
	  "Final-Recipient: rfc822; a@b\r\nAction: failed\r\nStatus: 5.0.0\r\n" TAIL "--m--\r\n", 0, { { NULL } } },
};

static bool same_status(struct smtp_status a, struct smtp_status b)
{
	return a.class == b.class && a.subject == b.subject && a.detail == b.detail;
}

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct arena a = ARENA_INIT(0);
		struct dsn_report report;
		int code = dsn_parse(str_from_c(cases[i].message), &a, &report);
		assert_int_equal(code, cases[i].n ? 0 : ERR_NOT_FOUND);
		assert_int_equal(report.n, cases[i].n);
		for (size_t k = 0; k < report.n; k++) {
			const struct dsn_report_recipient *r = &report.recipients[k];
			assert_true(str_eq(r->address, str_from_c(cases[i].r[k].address)));
			assert_true(str_eq(r->original, str_from_c(cases[i].r[k].original)));
			assert_true(str_eq(r->diagnostic, str_from_c(cases[i].r[k].diagnostic)));
			assert_int_equal(r->action, cases[i].r[k].action);
			assert_true(same_status(r->status, cases[i].r[k].status));
		}
		arena_fini(&a);
	}
}

static void test_message_fields(void **state)
{
	(void)state;
	struct arena a = ARENA_INIT(0);
	struct dsn_report report;

	assert_int_equal(dsn_parse(STR(HEAD "Original-Envelope-Id: QQ=314159\r\nReporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; a@b\r\n"
								   "Action: failed\r\nStatus: 5.0.0\r\n" TAIL), &a, &report), 0);
	assert_true(str_eq(report.envid, STR("QQ=314159")) && str_eq(report.reporting_mta, STR("mx.example")));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_message_fields) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
