#include "codec/dsn/dsn.h"

#include "base/err.h"
#include "base/utf8.h"
#include "codec/dsn/clean.h"
#include "codec/dsn/inside.h"
#include "codec/dsn/limits.h"
#include "codec/mime/date.h"
#include "codec/mime/encode.h"
#include "codec/mime/header.h"

#define LINE_OCTETS_MAX 998                   /* RFC 5322 2.1.1 */

const char *dsn_action_text(enum dsn_action a)
{
	static const char *const names[] = {
		[DSN_FAILED] = "failed", [DSN_DELAYED] = "delayed", [DSN_DELIVERED] = "delivered", [DSN_RELAYED] = "relayed", [DSN_EXPANDED] = "expanded" };

	return names[a];
}

/* What a part of octets needs for its journey. */
struct octets {
	bool eight_bit;
	bool binary;                  /* NUL, bare CR or LF, or a line too long: fits no line-based encoding */
};

static struct octets examine(struct str s)
{
	struct octets o = { false, false };
	size_t column = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		o.eight_bit |= c > 0x7f;
		if (c == '\r' && i + 1 < s.n && s.p[i + 1] == '\n') {
			i++;
			column = 0;
			continue;
		}
		o.binary |= c == 0 || c == '\r' || c == '\n' || ++column > LINE_OCTETS_MAX;
	}
	return o;
}

bool dsn_is_global(const struct dsn *d)
{
	bool ascii = utf8_is_ascii(d->to);

	for (size_t i = 0; i < d->n && ascii; i++) {
		struct buf original = BUF_INIT(0);
		/* the xtext form of RFC 6533 is ASCII and stands for what is not */
		bool is_utf8 = str_istarts(d->recipients[i].original, STR("utf-8;")) && dsn_unitext_decode(str_from(d->recipients[i].original, 6), &original);
		ascii = utf8_is_ascii(d->recipients[i].address) && (!is_utf8 || utf8_is_ascii(buf_str(&original)));
		buf_fini(&original);
	}
	return !ascii;
}

static void add_boundary(struct buf *b, const struct dsn *d, bool last)
{
	buf_printf(b, "\r\n--=_%.*s%s\r\n", STR_ARG(d->id), last ? "--" : "");
}

static const char *subject(const struct dsn *d)
{
	unsigned seen = 0;

	for (size_t i = 0; i < d->n; i++)
		seen |= 1u << d->recipients[i].action;
	if (seen & 1u << DSN_FAILED)
		return "Your message could not be delivered";
	if (seen & 1u << DSN_DELAYED)
		return "Your message is delayed";
	return seen & 1u << DSN_DELIVERED ? "Your message was delivered" : "Your message was passed on";
}

/* RFC 3834 3.1.5 and 3.1.6: In-Reply-To and References lead mail programs to the message that is meant. */
static void add_reference(struct buf *b, struct str header)
{
	struct str id;

	if (!mime_header_find(header, STR("Message-ID"), &id))
		return;
	id = str_trim(id);
	if (id.n < 3 || id.n > 250 || id.p[0] != '<' || id.p[id.n - 1] != '>')
		return;
	for (size_t i = 0; i < id.n; i++)
		if (id.p[i] <= 0x20 || id.p[i] == 0x7f)
			return;
	buf_printf(b, "In-Reply-To: %.*s\r\nReferences: %.*s\r\n", STR_ARG(id), STR_ARG(id));
}

static void add_header(const struct dsn *d, struct str original_header, struct dsn_message *m)
{
	struct buf *b = &m->head, to = BUF_INIT(0);

	dsn_clean(d->to, m->utf8, DSN_ADDRESS_MAX, &to);
	buf_add_lit(b, "Date: ");
	mime_date_format(d->now, 0, b);
	buf_printf(b, "\r\nFrom: Mail Delivery System <%.*s>\r\nTo: <%.*s>\r\nSubject: %s\r\nMessage-ID: <%.*s@%.*s>\r\n", STR_ARG(d->from), STR_ARG(buf_str(&to)),
			   subject(d), STR_ARG(d->id), STR_ARG(d->reporting_mta));
	add_reference(b, original_header);
	buf_printf(b, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status;\r\n"
				  "\tboundary=\"=_%.*s\"\r\n", STR_ARG(d->id));
	if (m->eight_bit)
		buf_add_lit(b, "Content-Transfer-Encoding: 8bit\r\n");
	buf_add_lit(b, "\r\nThis is a delivery status notification in MIME format.\r\n");
	buf_fini(&to);
}

/* A text of ours: as it is when it is ASCII, as 8-bit where the whole notice goes by SMTPUTF8, else in quoted-printable (RFC 6533 4.5). */
static void add_text(struct dsn_message *m, struct str text)
{
	if (utf8_is_ascii(text) || m->utf8) {
		buf_printf(&m->head, "Content-Transfer-Encoding: %s\r\n\r\n", utf8_is_ascii(text) ? "7bit" : "8bit");
		buf_add_str(&m->head, text);
	} else {
		buf_add_lit(&m->head, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		mime_encode_quoted_printable(text, &m->head);
	}
}

/* RFC 6522 3 (c), RFC 6533 4.2: all of it. False: MIME cannot carry it as it is, or must not encode it (RFC 2046 5.2.1). */
static bool add_full(const struct dsn *d, bool global, struct dsn_message *m)
{
	struct octets o = examine(d->original);
	const char *encoding = o.eight_bit ? "8bit" : "7bit";

	if (!global && o.binary)
		return false;
	bool encode = o.binary || (global && !m->utf8);
	buf_printf(&m->head, "Content-Type: message/%s\r\nContent-Transfer-Encoding: %s\r\n\r\n", global ? "global" : "rfc822", encode ? "base64" : encoding);
	if (encode)
		mime_encode_base64(d->original, &m->head);
	else
		m->body = d->original;
	return true;
}

/* RFC 6522 4, RFC 6533 4.3: the header, in quoted-printable where 7bit does not do. */
static void add_header_only(struct str header, bool global, struct dsn_message *m)
{
	struct octets o = examine(header);
	const char *type = global ? "message/global-headers" : "text/rfc822-headers";

	buf_printf(&m->head, "Content-Type: %s\r\n", type);
	if (o.binary || (o.eight_bit && !(global && m->utf8))) {
		buf_add_lit(&m->head, "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
		mime_encode_quoted_printable(header, &m->head);
	} else {
		buf_printf(&m->head, "Content-Transfer-Encoding: %s\r\n\r\n", o.eight_bit ? "8bit" : "7bit");
		buf_add_str(&m->head, header);
	}
}

/* The fields of the original, without the blank line; whole lines of at most DSN_HEADER_MAX. */
static struct str header_of(struct str message)
{
	struct mime_header_walk w = mime_header_walk(str_sub(message, 0, DSN_HEADER_MAX));
	struct mime_header_field f;
	size_t end = 0;

	while (mime_header_next(&w, &f))
		if (str_ends(f.raw, STR("\n")))
			end = f.at + f.raw.n;
	return str_sub(message, 0, end);
}

int dsn_format(const struct dsn *d, struct dsn_message *m)
{
	struct str header = header_of(d->original);
	struct buf text = BUF_INIT(DSN_MESSAGE_MAX), fields = BUF_INIT(DSN_MESSAGE_MAX);
	bool global = dsn_is_global(d), original_global = d->original_utf8 && !utf8_is_ascii(header);

	*m = (struct dsn_message){ .head = BUF_INIT(DSN_MESSAGE_MAX), .tail = BUF_INIT(0), .utf8 = !utf8_is_ascii(d->to) };
	struct octets whole = d->full && !original_global ? examine(d->original) : (struct octets){ false, false };
	m->eight_bit = m->utf8 || (whole.eight_bit && !whole.binary);
	dsn_add_text(d, header, &text);
	dsn_add_fields(d, global, &fields);
	add_header(d, header, m);
	add_boundary(&m->head, d, false);
	buf_printf(&m->head, "Content-Type: text/plain; charset=%s\r\nContent-Language: en\r\n", utf8_is_ascii(buf_str(&text)) ? "us-ascii" : "utf-8");
	add_text(m, buf_str(&text));
	add_boundary(&m->head, d, false);
	buf_printf(&m->head, "Content-Type: message/%sdelivery-status\r\n", global ? "global-" : "");
	add_text(m, buf_str(&fields));
	add_boundary(&m->head, d, false);
	if (!d->full || !add_full(d, original_global, m))
		add_header_only(header, original_global, m);
	add_boundary(&m->tail, d, true);
	int code = m->head.failed || m->tail.failed || text.failed || fields.failed ? ERR_NO_MEMORY : 0;
	buf_fini(&text);
	buf_fini(&fields);
	return code;
}

void dsn_message_fini(struct dsn_message *m)
{
	buf_fini(&m->head);
	buf_fini(&m->tail);
}
