#include "outbound/message.h"

#include "base/err.h"
#include "codec/mime/downgrade.h"
#include "outbound/limits.h"

int message_open(struct queue *q, struct store *s, const struct queue_job *j, struct message *out)
{
	*out = (struct message){ .store = s, .flags = j->envelope.flags, .seven = BUF_INIT(DOWNGRADE_MAX), .seven_result = 1 };
	int r = queue_job_map(q, j, &out->view);
	if (r)
		return r;
	out->bytes = out->view.bytes;
	smtp_octets_scan(out->bytes, &out->octets);
	return 0;
}

void message_close(struct message *m)
{
	store_blob_unmap(m->store, &m->view);
	buf_fini(&m->seven);
}

bool message_is_intact(const struct message *m) { return store_blob_intact(m->store, &m->view); }

static int make_seven(struct message *m)
{
	if (m->seven_result == 1) {
		m->seven_result = mime_downgrade(m->bytes, &m->seven, &m->seven_why);
		if (m->seven_result == 0 && !message_is_intact(m))
			m->seven_result = ERR_IO;
	}
	return m->seven_result;
}

/* What BODY= says of the octets as they are. Lines over 998 octets are passed on: RFC 5321 4.5.3.1 asks to avoid them, not to break a
 * signed message for it. */
static const char *natural_body(const struct message *m)
{
	if ((m->flags & QUEUE_BINARY) || m->octets.nul || m->octets.bare)
		return "BINARYMIME";
	return m->octets.body_8bit || m->octets.header_8bit ? "8BITMIME" : NULL;
}

static bool can_take(const struct smtp_ehlo *server, const char *body)
{
	unsigned need = SMTP_EXT_8BITMIME;

	if (!body)
		return true;
	if (!strcmp(body, "BINARYMIME"))
		need = SMTP_EXT_CHUNKING | SMTP_EXT_BINARYMIME;      /* RFC 3030 3: BINARYMIME goes with BDAT only */
	return (server->extensions & need) == need;
}

int message_fit(struct message *m, const struct smtp_ehlo *server, struct message_form *out, struct trouble *t)
{
	*out = (struct message_form){ .bytes = m->bytes, .body = natural_body(m), .utf8 = (m->flags & QUEUE_UTF8) && m->octets.header_8bit };
	/* RFC 6531 3.2 (2): an internationalised header goes to nobody who has not offered SMTPUTF8. */
	if (out->utf8 && !(server->extensions & SMTP_EXT_SMTPUTF8)) {
		trouble_set(t, "5.6.9", "the message header has UTF-8 in it, and the server does not offer SMTPUTF8");
		return ERR_UNSUPPORTED;
	}
	if (!can_take(server, out->body)) {
		int r = make_seven(m);
		if (r == ERR_UNSUPPORTED)
			trouble_set(t, "5.6.3", "the server does not offer %s, and the message cannot be converted: %s", out->body, m->seven_why);
		else if (r)
			trouble_set(t, "4.3.0", "cannot convert the message: %s", err_text(r));
		if (r)
			return r;
		out->bytes = buf_str(&m->seven);
		out->body = NULL;
	}
	/* RFC 1870 6.1 (2) spares both sides the attempt. */
	if (server->size_max && out->bytes.n > server->size_max) {
		trouble_set(t, "5.3.4", "the message has %zu octets, the server takes %llu", out->bytes.n, (unsigned long long)server->size_max);
		return ERR_UNSUPPORTED;
	}
	return 0;
}
