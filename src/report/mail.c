#include "base/base64.h"
#include "base/buf.h"
#include "codec/smtp/trace.h"
#include "report/limits.h"
#include "report/send.h"

#define BASE64_LINE 76

static void add_base64_lines(struct buf *b, struct str bytes)
{
	struct buf all = BUF_INIT(REPORT_MESSAGE_MAX);

	base64_encode(&all, bytes);
	for (size_t at = 0; at < all.n; at += BASE64_LINE) {
		buf_add_str(b, str_sub(buf_str(&all), at, BASE64_LINE));
		buf_add_lit(b, "\r\n");
	}
	b->failed |= all.failed;
	buf_fini(&all);
}

static void format(struct sending *s, const struct report_mail *m, struct buf *b)
{
	const struct report_config *c = s->config;

	buf_printf(b, "From: \"%.*s\" <%.*s>\r\nTo: %.*s\r\nSubject: %.*s\r\nDate: ", STR_ARG(c->hostname), STR_ARG(c->sender), STR_ARG(m->to), STR_ARG(m->subject));
	smtp_format_date(b, s->now);
	buf_printf(b, "\r\nMessage-ID: <%.*s@%.*s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n", STR_ARG(m->id), STR_ARG(c->hostname));
	buf_add_str(b, m->extra);
	if (m->report_type.n)
		buf_printf(b, "Content-Type: multipart/report; report-type=%.*s;\r\n\tboundary=\"=_report\"\r\n\r\n", STR_ARG(m->report_type));
	else
		buf_add_lit(b, "Content-Type: multipart/mixed; boundary=\"=_report\"\r\n\r\n");
	buf_printf(b, "--=_report\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n%.*s\r\n", STR_ARG(m->text));
	buf_printf(b, "--=_report\r\nContent-Type: %.*s\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment;\r\n\tfilename=\"%.*s\"\r\n\r\n",
			   STR_ARG(m->type), STR_ARG(m->file));
	add_base64_lines(b, m->packed);
	buf_add_lit(b, "--=_report--\r\n");
}

static struct str domain_of(struct str address)
{
	size_t at = str_rchr(address, '@');
	return at == STR_NPOS ? STR_NONE : str_from(address, at + 1);
}

int report_mail_send(struct sending *s, struct arena *a, const struct report_mail *m)
{
	struct buf message = BUF_INIT(REPORT_MESSAGE_MAX), signatures = BUF_INIT(64 << 10), destination = BUF_INIT(512);
	uint64_t id;

	format(s, m, &message);
	int rc = message.failed ? buf_error(&message) : 0;
	if (rc == 0) {
		dkim_ring_sign(&s->config->keyring, a, domain_of(s->config->sender), buf_str(&message), s->now, &signatures);
		struct str pieces[] = { buf_str(&signatures), buf_str(&message) }, domain = domain_of(m->to);
		bool local = s->config->is_local && s->config->is_local(s->config->is_local_ctx, domain);
		struct queue_recipient to = { .address = m->to, .destination = local ? STR(QUEUE_LOCAL) : domain, .notify = QUEUE_NOTIFY_NEVER };
		struct queue_submission q = { .envelope = { .sender = s->config->sender, .arrived = s->now }, .pieces = pieces, .n_pieces = 2, .recipients = &to,
									  .n_recipients = 1 };
		rc = queue_submit(s->queue, &q, &id, NULL);
	}
	buf_fini(&message);
	buf_fini(&signatures);
	buf_fini(&destination);
	return rc;
}
