/* Prints notices for tests/notice_peer.py to read: notice_samples NUMBER. Exits 2 when there is none of that number. */
#include "outbound/notice.h"

#include "base/num.h"

#include <stdio.h>

#define ORIGINAL "From: =?utf-8?q?J=C3=B6rg?= <joe@ours.example>\r\nTo: b@else.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= aus K\r\n" \
	"Message-ID: <7@ours.example>\r\n\r\n--=_x\r\nHello\r\n"

static const struct sample {
	struct queue_envelope envelope;
	struct str original;
	struct queue_job_recipient recipients[3];
} samples[] = {
	/* RFC 3464 appendix E, "Simple DSN" */
	{ { .sender = STR_INIT("owner-info-mime@cs.utk.edu"), .arrived = 773183428 }, STR_INIT(ORIGINAL),
	  { { .r = { .address = STR_INIT("louisl@larry.slip.umd.edu"), .orcpt = STR_INIT("rfc822;louisl@larry.slip.umd.edu") }, .owed = QUEUE_FAILED,
		  .status = STR_INIT("4.0.0"), .reply = STR_INIT("426 connection timed out"), .remote = STR_INIT("larry.slip.umd.edu"), .last_attempt = 773615749 } } },
	/* "Multi-Recipient DSN" */
	{ { .sender = STR_INIT("owner-ups-mib@CS.UTK.EDU"), .arrived = 773183428, .flags = QUEUE_RET_HDRS }, STR_INIT(ORIGINAL),
	  { { .r = { .address = STR_INIT("arathib@vnet.ibm.com"), .orcpt = STR_INIT("rfc822;arathib@vnet.ibm.com") }, .owed = QUEUE_FAILED, .status = STR_INIT("5.0.0"),
		  .reply = STR_INIT("550 'arathib@vnet.IBM.COM' is not a\r\n550 registered gateway user"), .remote = STR_INIT("vnet.ibm.com") },
		{ .r = { .address = STR_INIT("johnh@hpnjld.njd.hp.com"), .orcpt = STR_INIT("rfc822;johnh@hpnjld.njd.hp.com") }, .owed = QUEUE_DELAYED,
		  .status = STR_INIT("4.0.0"), .reply = STR_INIT("hpnjld.njd.jp.com: host name lookup failure") },
		{ .r = { .address = STR_INIT("wsnell@sdcc13.ucsd.edu"), .orcpt = STR_INIT("rfc822;wsnell@sdcc13.ucsd.edu") }, .owed = QUEUE_FAILED,
		  .status = STR_INIT("5.0.0"), .reply = STR_INIT("550 user unknown"), .remote = STR_INIT("sdcc13.ucsd.edu") } } },
	/* "Delayed DSN" */
	{ { .sender = STR_INIT("owner-info-mime@cs.utk.edu"), .envid = STR_INIT("QQ314159") }, STR_INIT(ORIGINAL),
	  { { .r = { .address = STR_INIT("thomas@de-montfort.ac.uk") }, .owed = QUEUE_DELAYED, .status = STR_INIT("4.0.0") } } },
	/* RFC 6533: beyond ASCII, to a sender who may not be able to take it */
	{ { .sender = STR_INIT("joe@ours.example"), .flags = QUEUE_UTF8 | QUEUE_8BIT }, STR_INIT("From: joe@ours.example\r\nSubject: \xd1\x8f\r\n\r\n\xd1\x8f\r\n"),
	  { { .r = { .address = STR_INIT("\xe5\xbf\x83@\xe4\xbe\x8b.example"), .orcpt = STR_INIT("utf-8;\\x{5FC3}@\\x{4F8B}.example") }, .owed = QUEUE_FAILED,
		  .status = STR_INIT("5.6.7"), .reply = STR_INIT("550 5.6.7 \xd0\xbd\xd0\xb5\xd1\x82"), .remote = STR_INIT("mx.else.example") } } },
	/* and to one who is */
	{ { .sender = STR_INIT("\xd1\x8f@\xd0\xbf\xd1\x80.example"), .flags = QUEUE_UTF8 | QUEUE_8BIT },
	  STR_INIT("From: \xd1\x8f@\xd0\xbf\xd1\x80.example\r\nSubject: \xd1\x8f\r\n\r\n\xd1\x8f\r\n"),
	  { { .r = { .address = STR_INIT("\xe5\xbf\x83@\xe4\xbe\x8b.example") }, .owed = QUEUE_FAILED, .status = STR_INIT("5.6.7") } } },
	/* an enemy on the way */
	{ { .sender = STR_INIT("joe@ours.example"), .envid = STR_INIT("1\r\nX-Evil: 1"), .flags = QUEUE_8BIT },
	  STR_INIT("Subject: \xe4 =?utf-8?q?x=0D=0AX-Evil:_2?=\r\nMessage-ID: <\xff@x>\r\n\r\n\xe4\r\n--=_\r\n"),
	  { { .r = { .address = STR_INIT("b@else.example"), .orcpt = STR_INIT("rfc822;\r\n\r\nX-Evil: 3") }, .owed = QUEUE_FAILED, .status = STR_INIT("5.1.1"),
		  .reply = STR_INIT("550-5.1.1 \x1b[2Jgo\r\n\r\nX-Evil: 4\r\n550 \xff.\r\n"), .remote = STR_INIT("mx\r\nX-Evil: 5") } } },
};

static bool is_local(void *ctx, struct str domain)
{
	(void)ctx;
	(void)domain;
	return false;
}

int main(int argc, char **argv)
{
	static const struct notice_config config = {
		.hostname = STR_INIT("mx.ours.example"), .postmaster = STR_INIT("postmaster@ours.example"), .is_local = is_local };
	struct arena arena = ARENA_INIT(0);
	struct queue_submission s;
	uint32_t number;

	if (argc != 2 || !num_parse_u32(str_from_c(argv[1]), &number) || number >= sizeof samples / sizeof *samples)
		return 2;
	const struct sample *sample = &samples[number];
	struct queue_job_recipient recipients[3];
	struct queue_job j = { .kind = QUEUE_NOTICE, .id = 0x4711, .envelope = sample->envelope, .expires = 773700000, .recipients = recipients };
	memcpy(recipients, sample->recipients, sizeof recipients);
	while (j.n_recipients < 3 && recipients[j.n_recipients].owed)
		j.n_recipients++;
	if (notice_build(&j, sample->original, &config, &arena, &s) != 1)
		return 1;
	for (size_t i = 0; i < s.n_pieces; i++)
		if (s.pieces[i].n && fwrite(s.pieces[i].p, s.pieces[i].n, 1, stdout) != 1)
			return 1;
	arena_fini(&arena);
	return fflush(stdout) == 0 ? 0 : 1;
}
