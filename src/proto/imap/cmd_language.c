/* LANGUAGE: RFC 5255 3.2; NAMESPACE, which says how a language calls the namespaces: RFC 2342, RFC 5255 3.4. */
#include "codec/imap/limits.h"
#include "codec/imap/mutf7.h"
#include "proto/imap/commands.h"
#include "proto/imap/place.h"

static void write_namespace(struct buf *out, const char *prefix, const char *russian)
{
	buf_printf(out, "((\"%s/\" \"/\"", prefix);
	if (russian) {
		/* in modified UTF-7, whatever the client enabled */
		buf_add_lit(out, " \"TRANSLATION\" (\"");
		imap_mutf7_encode(str_from_c(russian), out);
		buf_add_lit(out, "/\")");
	}
	buf_add_lit(out, "))");
}

static void write_namespaces(struct imap_session *s)
{
	struct buf *out = conn_out(s->conn);
	bool russian = s->language == IMAP_LANGUAGE_RUSSIAN;
	buf_add_lit(out, "* NAMESPACE ((\"\" \"/\")) ");
	write_namespace(out, IMAP_OTHER_USERS, russian ? "Другие пользователи" : NULL);
	buf_add_char(out, ' ');
	write_namespace(out, IMAP_SHARED_FOLDERS, russian ? "Общие папки" : NULL);
	buf_add_lit(out, "\r\n");
}

enum imap_result imap_cmd_namespace(struct imap_request *r)
{
	write_namespaces(r->s);
	return imap_ok(r, "NAMESPACE completed");
}

static enum imap_result speak(struct imap_request *r, enum imap_language language)
{
	r->s->language = language;
	conn_printf(r->conn, "* LANGUAGE (%s)\r\n", imap_language_tag(language));
	/* RFC 5255 3.2: "a possible NAMESPACE response"; NAMESPACE itself is for those who are logged in. */
	if (r->s->state & IMAP_LOGGED_IN)
		write_namespaces(r->s);
	return language == IMAP_LANGUAGE_RUSSIAN ? imap_ok(r, "Now speaking Russian") : imap_ok(r, "Now speaking English");
}

enum imap_result imap_cmd_language(struct imap_request *r)
{
	enum imap_language language = IMAP_LANGUAGE_DEFAULT;
	bool found = false;
	if (imap_peek(&r->args) < 0) {
		conn_write_lit(r->conn, "* LANGUAGE (en ru i-default)\r\n");
		return imap_ok(r, "Supported languages have been enumerated");
	}
	for (unsigned n = 0; n == 0 || imap_take(&r->args, ' '); n++) {
		struct str range;
		if (n == IMAP_LANGUAGES_MAX)
			return imap_bad(r, "Too many arguments");
		if (!imap_astring(&r->args, &range))
			return imap_bad_args(r);
		/* RFC 5255 3.2: the first one that is supported */
		found = found || imap_language_find(range, &language) == 0;
	}
	if (!imap_end(&r->args))
		return imap_bad_args(r);
	return found ? speak(r, language) : imap_no(r, "Unsupported language");
}
