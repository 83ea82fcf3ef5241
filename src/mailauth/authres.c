/* Writing Authentication-Results: RFC 8601 2.2. */
#include "base/ascii.h"
#include "mailauth/check.h"
#include "mailauth/limits.h"

#define TAB_COLUMNS 8

struct writer {
	struct buf *out;
	size_t column;
};

/* ---- values ---- */

/* RFC 2045 5.1: token */
static bool is_token(struct str s)
{
	if (s.n == 0 || s.n > AUTHRES_VALUE_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || strchr(" ()<>@,;:\\\"/[]?=", s.p[i]))
			return false;
	return true;
}

/* RFC 5322 3.2.3: dot-atom */
static bool is_dot_atom(struct str s)
{
	bool dot = true;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (!(c == '.' ? !dot : ascii_is_alnum(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c))))
			return false;
		dot = c == '.';
	}
	return !dot;
}

/* RFC 6376 3.5: domain-name = sub-domain 1*("." sub-domain) */
static bool is_host_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
			return false;
	return is_dot_atom(s);
}

static void add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n && i < AUTHRES_VALUE_MAX; i++) {
		char c = ascii_is_print((unsigned char)s.p[i]) ? s.p[i] : '?';
		if (c == '"' || c == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, c);
	}
	buf_add_char(b, '"');
}

static void add_value(struct buf *b, struct str s)
{
	if (is_token(s))
		buf_add_str(b, s);
	else
		add_quoted(b, s);
}

/* 2.2: "If the value portion of a "pvalue" construction identifies something intended to be an email identity, then it MUST use the right-hand portion
 * of that ABNF definition": [ [ local-part ] "@" ] domain-name. */
static void add_mailbox(struct buf *b, struct str s)
{
	size_t at = str_rchr(s, '@');
	struct str local = str_sub(s, 0, at == STR_NPOS ? 0 : at), domain = str_from(s, at == STR_NPOS ? 0 : at + 1);
	if (s.n > AUTHRES_VALUE_MAX || !is_host_name(domain)) {
		add_value(b, s);
		return;
	}
	if (local.n > 0 && !is_dot_atom(local))
		add_quoted(b, local);
	else
		buf_add_str(b, local);
	if (at != STR_NPOS)
		buf_add_char(b, '@');
	buf_add_str(b, domain);
}

/* ---- words and lines ---- */

/* A word that is not cut, on this line or the next. */
static void put(struct writer *w, struct buf *word)
{
	bool fits = w->column + 1 + word->n <= AUTHRES_COLUMNS;
	if (fits)
		buf_add_char(w->out, ' ');
	else
		buf_add_lit(w->out, "\r\n\t");
	w->column = (fits ? w->column + 1 : TAB_COLUMNS) + word->n;
	buf_add_str(w->out, buf_str(word));
	w->out->failed = w->out->failed || word->failed;
	buf_fini(word);
}

static void put_result(struct writer *w, const char *method, const char *result)
{
	buf_printf(w->out, ";\r\n\t%s=%s", method, result);
	w->column = TAB_COLUMNS + strlen(method) + 1 + strlen(result);
}

/* problem is a text of ours. */
static void put_reason(struct writer *w, const char *problem)
{
	struct buf word = BUF_INIT(0);
	if (!problem)
		return;
	buf_add_lit(&word, "reason=");
	add_quoted(&word, str_from_c(problem));
	put(w, &word);
}

typedef void add_fn(struct buf *b, struct str value);

/* Nothing is said of a property that is empty. */
static void put_property(struct writer *w, const char *name, add_fn *add, struct str value)
{
	struct buf word = BUF_INIT(0);
	if (value.n == 0)
		return;
	buf_add_c(&word, name);
	buf_add_char(&word, '=');
	add(&word, value);
	put(w, &word);
}

/* A comment around what is_host_name, or a number. */
static void put_comment(struct writer *w, const char *label, struct str text)
{
	struct buf word = BUF_INIT(0);
	if (!is_host_name(text))
		return;
	buf_printf(&word, "(%s%.*s)", label, STR_ARG(text));
	put(w, &word);
}

/* A comment of ours. */
static void put_note(struct writer *w, const char *note)
{
	struct buf word = BUF_INIT(0);
	buf_printf(&word, "(%s)", note);
	put(w, &word);
}

/* ---- methods: 2.7 ---- */

static void put_ip(struct writer *w, const char *name, const struct net_addr *ip)
{
	char text[NET_TEXT_MAX];
	net_addr_format(ip, text);
	put_property(w, name, add_value, str_from_c(text));
}

static void put_iprev(struct writer *w, const struct mailauth_verdict *v, const struct mailauth_question *q)
{
	if (v->iprev == IPREV_NONE)
		return;
	put_result(w, "iprev", iprev_result_text(v->iprev));
	put_ip(w, "policy.iprev", &q->ip);
	put_comment(w, "", v->ptr);
}

/* 2.7.2: without the local part, which no policy looks at as a rule. */
static void put_spf(struct writer *w, const struct mailauth_verdict *v, const struct mailauth_question *q)
{
	put_result(w, "spf", spf_result_text(v->spf.result));
	put_reason(w, v->spf.problem);
	put_property(w, q->sender.n > 0 ? "smtp.mailfrom" : "smtp.helo", add_value, v->spf.domain);
}

static void put_dkim(struct writer *w, const struct mailauth_verdict *v)
{
	if (v->n_dkim == 0)
		put_result(w, "dkim", dkim_result_text(DKIM_NONE));
	for (size_t i = 0; i < v->n_dkim; i++) {
		const struct dkim_verdict *d = &v->dkim[i];
		put_result(w, "dkim", dkim_result_text(d->result));
		put_reason(w, d->problem);
		if (d->partial)
			put_note(w, "the end of the body is not signed");
		put_property(w, "header.d", add_value, d->domain);
		put_property(w, "header.i", add_mailbox, d->identity);
		put_property(w, "header.s", add_value, d->selector);
		put_property(w, "header.a", add_value, d->algorithm);
		put_property(w, "header.b", add_value, d->signature);    /* RFC 6008 */
	}
}

/* RFC 8617 6 */
static void put_arc(struct writer *w, const struct mailauth_verdict *v, const struct mailauth_question *q)
{
	char text[16];
	if (v->arc.result == ARC_NONE)
		return;
	put_result(w, "arc", arc_result_text(v->arc.result));
	put_reason(w, v->arc.problem);
	put_comment(w, "d=", v->arc.sealer);
	if (v->arc.result == ARC_PASS) {
		snprintf(text, sizeof(text), "%u", v->arc.oldest_pass);
		put_property(w, "header.oldest-pass", add_value, str_from_c(text));
	}
	put_ip(w, "smtp.remote-ip", &q->ip);
}

static void put_dmarc(struct writer *w, const struct mailauth_verdict *v)
{
	put_result(w, "dmarc", dmarc_result_text(v->dmarc.result));
	put_reason(w, v->dmarc.problem);
	if (v->dmarc.result == DMARC_PASS)
		put_comment(w, "p=", str_from_c(dmarc_policy_text(v->dmarc.policy)));
	if (v->dmarc.result == DMARC_FAIL)
		put_property(w, "policy.dmarc", add_value, str_from_c(dmarc_policy_text(v->dmarc.policy)));
	put_property(w, "header.from", add_value, v->from_domain);
}

static void write_field(struct writer *w, const struct mailauth_verdict *v, const struct mailauth_question *q, struct str authserv)
{
	size_t before = w->out->n;
	add_value(w->out, authserv);
	w->column += w->out->n - before;
	if (q->auth_user.n > 0) {
		put_result(w, "auth", "pass");
		put_property(w, "smtp.auth", add_mailbox, q->auth_user);
		return;
	}
	put_iprev(w, v, q);
	put_spf(w, v, q);
	put_dkim(w, v);
	put_arc(w, v, q);
	put_dmarc(w, v);
}

void authres_format(const struct mailauth_verdict *v, const struct mailauth_question *q, struct str authserv, struct buf *out)
{
	struct writer w = { out, 0 };
	buf_add_lit(out, "Authentication-Results: ");
	write_field(&w, v, q, authserv);
	buf_add_lit(out, "\r\n");
}

void authres_format_bare(const struct mailauth_verdict *v, const struct mailauth_question *q, struct str authserv, struct buf *out)
{
	struct writer w = { out, 0 };
	write_field(&w, v, q, authserv);
}
