/* Whole sessions against a house in memory: the first octet says how (mode, user, how much arrives at a time), the rest is what the client sends. */
#include "proto/smtp/script_house.h"
#include "proto/smtp/session.h"
#include "queue/queue_private.h"
#include "rt/dns_zone.h"

#define STEPS 4
#define MODES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* For tools/fuzz_lines.c. */
extern const char *const fuzz_lines_commands[];
const char *const fuzz_lines_commands[] = {
	"EHLO client.example.net\r\n", "HELO x\r\n", "LHLO client.example.net\r\n", "STARTTLS\r\n", "RSET\r\n", "NOOP x\r\n", "QUIT\r\n", "HELP\r\n", "VRFY alice\r\n", "EXPN team\r\n", "ETRN example.org\r\n", "ATRN fetched.test\r\n",
	"AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=\r\n", "AUTH LOGIN\r\nYWxpY2U=\r\nd29uZGVybGFuZA==\r\n", "AUTH LOGIN\r\nYWxpY2U=\r\neA==\r\n",
	"AUTH SCRAM-SHA-256 biwsbj1hbGljZSxyPXg=\r\n", "AUTH CRAM-MD5\r\n", "MAIL FROM:<a@example.net>\r\n", "MAIL FROM:<alice@example.org> BODY=8BITMIME SIZE=100 RET=HDRS ENVID=x\r\n",
	"MAIL FROM:<> SMTPUTF8 BODY=BINARYMIME\r\n", "MAIL FROM:<alice@example.org> BY=100;R HOLDFOR=10 MT-PRIORITY=3 REQUIRETLS AUTH=<> SOLICIT=net.example:ADV\r\n", "RCPT TO:<alice@example.org>\r\n",
	"RCPT TO:<away@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x\r\n", "RCPT TO:<team+x@example.org>\r\n", "RCPT TO:<friend@elsewhere.test>\r\n", "RCPT TO:<postmaster>\r\n", "DATA\r\nSubject: x\r\n\r\nbody\r\n.\r\n", "DATA\r\n", ".\r\n", "..\r\n",
	"\n.\n", "\r.\r\n", "BDAT 10\r\nA: b\r\n\r\ncd\r\n", "BDAT 0 LAST\r\n", "BDAT 5 LAST\r\nabc\r\n", "BURL imap://alice@example.org/INBOX/;UID=1;URLAUTH=submit+alice:internal:0 LAST\r\n",
	"XCLIENT NAME=x ADDR=192.0.2.9 LOGIN=alice@example.org PROTO=ESMTP\r\n", "XFORWARD NAME=x ADDR=192.0.2.9 PORT=1 HELO=y\r\n", "Received: from a by b; Thu, 26 Nov 2026 10:00:00 +0000\r\n", NULL,
};

/* RFC 5321 4.2: nothing but whole reply lines, whatever was said; what a peer said can make no line of its own. */
static void check_replies(struct str out)
{
	struct str line;
	while (out.n) {
		size_t lf = str_chr(out, '\n');
		if (lf == STR_NPOS || lf < 5 || out.p[lf - 1] != '\r')
			abort();
		line = str_sub(out, 0, lf - 1);
		for (unsigned i = 0; i < 3; i++)
			if (line.p[i] < '0' || line.p[i] > '9')
				abort();
		if ((line.p[3] != ' ' && line.p[3] != '-') || str_chr(line, '\r') != STR_NPOS || str_chr(line, '\0') != STR_NPOS)
			abort();
		out = str_from(out, lf + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t steps[STEPS] = { 0, 1, 5, 100 };
	struct script_house h;
	struct conn c;

	if (size == 0)
		return 0;
	script_house_open(&h);
	/* a thread beside us would have its own pace: the same input could do something else */
	h.queue->no_clerk = true;
	if (directory_user_passwd(h.directory, STR("alice@example.org"), STR("wonderland"), NULL) || directory_user_secret(h.directory, STR("alice@example.org"), STR("rabbit hole"), NULL))
		abort();
	struct dns_zone *zone = dns_zone_create();
	struct dns_source dns = dns_zone_source(zone);
	struct mail_config config = mail_config_defaults();
	/* all that is for listed peers is for this one */
	config.smtp_xclient_from = config.smtp_xforward_from = config.smtp_etrn_from = config.smtp_expn_from = config.smtp_priority_from = STR("0.0.0.0/0 ::/0");
	config.submission_fetch = STR("alice@example.org=fetched.test,other.test");
	config.smtp_no_soliciting = STR("net.example:ADV");
	if (services_set_config(h.services, &config))
		abort();
	struct smtp_service service = { .services = h.services, .mode = data[0] / STEPS % MODES, .queue = h.queue, .store = h.store, .dns = &dns };
	script_house_visit(&c, &service, data[0] & 64 ? "2001:db8::1" : "192.0.2.1");
	if (service.mode == SMTP_SUBMISSION && !(data[0] & 128))
		((struct smtp_session *)c.session)->user = str_dup_c(STR("alice@example.org"));
	script_play(&c, str_make(data + 1, size - 1), steps[data[0] % STEPS]);
	script_close(&c);
	/* ATRN makes the server the client */
	if (str_ifind(str_make(data + 1, size - 1), STR("ATRN")) == STR_NPOS)
		check_replies(buf_str(&c.out));
	buf_fini(&c.out);
	script_house_close(&h);
	dns_zone_destroy(&zone);
	return 0;
}
