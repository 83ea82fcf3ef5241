/* Mail to LIST-bounces: members whose mail comes back are counted; what people wrote there goes to the owners. */
#include "deliver/group_inside.h"

#include "base/clock.h"
#include "base/base64.h"
#include "codec/dsn/parse.h"
#include "codec/mime/date.h"
#include "codec/mime/header.h"
#include "deliver/group_address.h"
#include "rt/crypto.h"

/* Does this say that the address is no good, rather than this one message? What was refused for its size, its content or as spam comes back from
 * hundreds of members at once, and none of them is to blame. */
static bool blames_address(struct smtp_status s)
{
	if (s.subject == 7)
		return s.detail == 13 || s.detail == 17 || s.detail == 18;        /* RFC 4954, 7293: the account is disabled, or another's */
	return s.subject != 6 && !(s.subject == 2 && s.detail == 3) && !(s.subject == 3 && s.detail == 4);
}

static void write_notice(const struct group_env *env, struct str group, struct str member, struct smtp_status status, struct str diagnostic, struct buf *out)
{
	struct str local = str_sub(group, 0, str_rchr(group, '@')), domain = str_from(group, str_rchr(group, '@') + 1);
	char code[SMTP_STATUS_TEXT_MAX], id[16];
	struct buf hex = BUF_INIT(0);

	crypto_random(id, sizeof id);
	hex_encode(&hex, str_make(id, sizeof id));
	smtp_status_format(status, code);
	buf_add_lit(out, "Date: ");
	mime_date_format(clock_now(), 0, out);
	buf_printf(out, "\r\nFrom: <%.*s-owner@%.*s>\r\nTo: <%.*s-owner@%.*s>\r\nSubject: A member of %.*s gets no more mail\r\n"
					"Message-ID: <%.*s@%.*s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
					"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
			   STR_ARG(local), STR_ARG(domain), STR_ARG(local), STR_ARG(domain), STR_ARG(group), STR_ARG(buf_str(&hex)), STR_ARG(env->hostname));
	buf_printf(out, "Mail of the group %.*s to its member\r\n\r\n  %.*s\r\n\r\ncame back for too many days. The member gets no more mail of the group until somebody\r\n"
					"joins it again. What was said last (%s):\r\n\r\n  %s\r\n",
			   STR_ARG(group), STR_ARG(member), code, smtp_status_explain(status).what);
	if (diagnostic.n)
		buf_printf(out, "  %.*s\r\n", STR_ARG(diagnostic));
	buf_fini(&hex);
}

/* A reply on one line that cannot hurt the notice. */
static struct str one_line(struct arena *a, struct str s)
{
	struct str copy = arena_dup(a, str_sub(s, 0, 400));
	char *p = (char *)(uintptr_t)copy.p;

	for (size_t i = 0; i < copy.n; i++)
		if ((unsigned char)p[i] < 0x20 || (unsigned char)p[i] > 0x7e)
			p[i] = '?';
	return copy;
}

static int count(const struct group_env *env, struct str group, struct str member, struct smtp_status status, struct str diagnostic, struct arena *a,
				 struct err *e)
{
	struct buf notice = BUF_INIT(0);
	char code_text[SMTP_STATUS_TEXT_MAX];
	bool disabled;

	if (!blames_address(status))
		return 0;
	smtp_status_format(status, code_text);
	int code = directory_group_bounce(env->directory, group, member, clock_now(), str_from_c(code_text), &disabled);
	if (code == ERR_NOT_FOUND)
		return 0;                                /* has left, or is a member of a group within */
	if (code || !disabled)
		return code;
	write_notice(env, group, member, status, one_line(a, diagnostic), &notice);
	code = notice.failed ? ERR_NO_MEMORY : group_tell_owners(env, group, buf_str(&notice), QUEUE_8BIT, a, e);
	buf_fini(&notice);
	return code;
}

/* Came from a machine, and not as a bounce: on holiday, received with thanks (RFC 3834). */
static bool is_automatic(struct str message)
{
	struct str value;

	if (mime_header_find(message, STR("Auto-Submitted"), &value) && !str_istarts(str_trim(value), STR("no")))
		return true;
	return mime_header_find(message, STR("Precedence"), &value);
}

/* The report of one delivery: of a member's own address only that member is counted, whatever the report calls them. */
static int take_report(const struct group_env *env, struct str group, struct str member, const struct dsn_report *r, struct arena *a, struct err *e)
{
	int code = 0;

	for (size_t i = 0; i < r->n && code == 0; i++) {
		const struct dsn_report_recipient *it = &r->recipients[i];
		if (it->action != DSN_FAILED)
			continue;
		if (member.n)
			return count(env, group, member, it->status, it->diagnostic, a, e);
		code = count(env, group, it->original.n ? it->original : it->address, it->status, it->diagnostic, a, e);
	}
	return code;
}

int group_take_bounce(const struct group_env *env, const struct directory_target *t, const struct group_mail *m, struct arena *a, struct err *e)
{
	struct group_bounce_detail detail;
	struct dsn_report report;
	struct str member = STR_NONE;
	int code = group_bounce_read(t->address, directory_address_key(env->directory), clock_now(), t->detail, &detail);

	if (code)
		return code;
	if (detail.user.n && detail.host.n)
		member = arena_printf(a, "%.*s@%.*s", STR_ARG(detail.user), STR_ARG(detail.host));
	if (m->envelope.sender.n && is_automatic(m->message))
		return 0;
	if (m->envelope.sender.n || !detail.authentic)
		return group_tell_owners(env, t->address, m->message, m->envelope.flags, a, e);
	code = dsn_parse(m->message, a, &report);
	if (code == 0)
		return take_report(env, t->address, member, &report, a, e);
	if (code != ERR_NOT_FOUND)
		return code;
	/* a bounce in words of its own */
	if (member.n)
		return count(env, t->address, member, (struct smtp_status){ 5, 0, 0 }, STR_NONE, a, e);
	return group_tell_owners(env, t->address, m->message, m->envelope.flags, a, e);
}
