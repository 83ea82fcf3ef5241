/* The tagged line. */
#include "base/ascii.h"
#include "proto/imap/command.h"
#include "proto/imap/count.h"
#include "proto/imap/language.h"
#include "proto/imap/session.h"

/* The text of the format in the session's language, behind the response code, which no language changes: in `out` when there is one. */
__attribute__((format_arg(2))) static const char *translate_format(const struct imap_request *r, const char *format, struct buf *out)
{
	const char *text = format[0] == '[' ? strstr(format, "] ") : NULL;
	text = text ? text + 2 : format;
	const char *translated = imap_translate(r->s->language, text);
	if (translated == text)
		return format;
	buf_add(out, format, (size_t)(text - format));
	buf_add(out, translated, strlen(translated) + 1);
	return out->failed ? format : out->p;
}

__attribute__((format(printf, 3, 0))) static enum imap_result set_reply(struct imap_request *r, const char *status, const char *format, va_list ap)
{
	struct buf b = BUF_INIT(0), own = BUF_INIT(0);
	buf_add_c(&b, status);
	buf_vprintf(&b, translate_format(r, format, &own), ap);
	if (own.n == 0 || own.failed)
		imap_translate_reply(r->s->language, &b);
	buf_fini(&own);
	/* What came from a client or a message never ends the line. */
	for (size_t i = 0; i < b.n; i++)
		if (ascii_is_cntrl((unsigned char)b.p[i]))
			b.p[i] = '?';
	r->reply = b.failed ? STR_NONE : arena_dup(r->arena, buf_str(&b));
	if (!r->reply.p)
		r->reply = STR("NO [UNAVAILABLE] Out of memory");
	buf_fini(&b);
	return IMAP_REPLIED;
}

enum imap_result imap_ok(struct imap_request *r, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	enum imap_result result = set_reply(r, "OK ", format, ap);
	va_end(ap);
	return result;
}

enum imap_result imap_no(struct imap_request *r, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	enum imap_result result = set_reply(r, "NO ", format, ap);
	va_end(ap);
	return result;
}

enum imap_result imap_bad(struct imap_request *r, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	enum imap_result result = set_reply(r, "BAD ", format, ap);
	va_end(ap);
	return result;
}

enum imap_result imap_bad_args(struct imap_request *r)
{
	if (r->arena->failed)
		return imap_no(r, "[LIMIT] Too much for one command");
	if (r->args.error == imap_not_utf7)
		return imap_no(r, "[CANNOT] %s", imap_not_utf7);
	return imap_bad(r, "%s", r->args.error ? r->args.error : "Wrong arguments");
}

/* RFC 5530 section 3. */
static const char *response_code(int code)
{
	switch (code) {
	case ERR_NOT_FOUND: return "NONEXISTENT";
	case ERR_EXISTS: return "ALREADYEXISTS";
	case ERR_DENIED: return "NOPERM";
	case ERR_TOO_BIG: return "LIMIT";
	case ERR_QUOTA: return "OVERQUOTA";
	case ERR_INVALID:
	case ERR_CONFLICT: return "CANNOT";
	case ERR_BUSY: return "INUSE";
	case ERR_CORRUPT: return "CORRUPTION";
	case ERR_VERSION:
	case ERR_UNSUPPORTED:
	case ERR_CONFIG: return "CONTACTADMIN";
	case ERR_BUG: return "SERVERBUG";
	default: return "UNAVAILABLE";
	}
}

enum imap_result imap_error(struct imap_request *r, int code, const struct err *e)
{
	bool told = e && e->code == code;
	if (err_class(code) != ERR_CLASS_CLIENT)
		conn_log(r->conn, LOG_ERROR, "imap.error",
				 LOG_LIST(LOG_C("command", r->row ? r->row->name : ""), LOG_I("code", code),
						  LOG_C("why", told ? e->log : err_text(code))));
	return imap_no(r, "[%s] %s", response_code(code), told && e->client[0] ? e->client : err_text(code));
}

enum imap_result imap_send(struct imap_request *r)
{
	imap_count_reply(r);
	if (r->tag.n)
		conn_write_str(r->conn, r->tag);
	else
		conn_write_lit(r->conn, "*");
	conn_write_lit(r->conn, " ");
	conn_write_str(r->conn, r->reply);
	conn_write_lit(r->conn, "\r\n");
	return IMAP_SENT;
}
