#include "outbound/route.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/num.h"
#include "codec/smtp/status.h"
#include "directory/name.h"

struct parse {
	struct arena *a;
	struct route *r;
	struct warmup *warmup;
	struct err *e;
};

static int bad(const struct parse *p, const char *what, struct str where)
{
	return err_set(p->e, ERR_CONFIG, NULL, "%s: '%.*s'", what, STR_ARG(where));
}

/* The next word; in a value "..." may hold blanks, and \ takes the next character as it is. False at the end. */
static bool next_word(struct arena *a, struct str *rest, struct str *word_out)
{
	struct str s = str_trim(*rest);
	char *to = s.n ? arena_alloc(a, s.n + 1) : NULL;
	size_t n = 0, i = 0;
	bool quoted = false;

	if (!to)
		return false;
	for (; i < s.n && (quoted || !ascii_is_blank(s.p[i])); i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (s.p[i] == '\\' && quoted && i + 1 < s.n)
			to[n++] = s.p[++i];
		else
			to[n++] = s.p[i];
	}
	*word_out = str_make(to, n);
	*rest = str_from(s, i);
	return true;
}

/* A domain in the form that destinations have. */
static int canonical_domain(const struct parse *p, struct str domain, struct str *out)
{
	struct name name;

	if (name_parse_domain(domain, &name))
		return bad(p, "not a domain", domain);
	*out = arena_dup(p->a, name_domain(&name));
	return 0;
}

static int take_pattern(const struct parse *p, struct str word)
{
	struct str domain = STR_NONE;

	if (str_eq(word, STR("*")) || str_starts(word, STR("["))) {
		p->r->pattern = word;
		return 0;
	}
	size_t below = str_starts(word, STR(".")) ? 1 : 0;
	int r = canonical_domain(p, str_from(word, below), &domain);
	if (r == 0)
		p->r->pattern = arena_printf(p->a, "%s%.*s", below ? "." : "", STR_ARG(domain));
	return r;
}

static bool parse_port(struct str s, uint16_t *out)
{
	uint32_t port;

	if (!num_parse_u32(s, &port) || port == 0 || port > 65535)
		return false;
	*out = (uint16_t)port;
	return true;
}

/* "[host]:port", "[2001:db8::1]" or, with MX, "domain:port". */
static int take_host(const struct parse *p, struct str text)
{
	struct net_addr addr;
	struct str host, rest;

	p->r->mx = !str_starts(text, STR("["));
	if (p->r->mx) {
		str_cut(text, ':', &host, &rest);
		rest = str_from(text, host.n);
	} else {
		if (!str_cut(str_from(text, 1), ']', &host, &rest))
			return bad(p, "a [ without its ]", text);
		if (net_addr_parse(host, 0, &addr))
			p->r->host = host;
	}
	if (rest.n && (rest.p[0] != ':' || !parse_port(str_from(rest, 1), &p->r->port)))
		return bad(p, "not a host and port", text);
	return p->r->host.n ? 0 : canonical_domain(p, host, &p->r->host);
}

static int take_path(const struct parse *p, struct str text)
{
	if (!str_starts(text, STR("/")) || memchr(text.p, '\0', text.n))
		return bad(p, "not an absolute path", text);
	p->r->path = arena_dup_c(p->a, text);
	return 0;
}

static int take_error(const struct parse *p, struct str word, struct str rest)
{
	struct smtp_status status;

	if (!smtp_status_parse(word, &status) || status.class == 2)
		return bad(p, "error: needs a status like 5.1.2", word);
	p->r->status = word;
	p->r->text = arena_dup(p->a, str_trim(rest));
	if (!p->r->text.n)
		p->r->text = STR("refused by configuration");
	return 0;
}

static int take_transport(const struct parse *p, struct str word, struct str rest)
{
	static const struct { struct str name; enum route_kind kind; } kinds[] = {
		{ STR_INIT("smtp"), ROUTE_SMTP }, { STR_INIT("lmtp"), ROUTE_LMTP }, { STR_INIT("maildir"), ROUTE_MAILDIR },
		{ STR_INIT("mbox"), ROUTE_MBOX }, { STR_INIT("discard"), ROUTE_DISCARD }, { STR_INIT("error"), ROUTE_ERROR },
	};
	struct str name, argument;
	size_t i = 0;

	bool has = str_cut(word, ':', &name, &argument);
	while (i < sizeof kinds / sizeof *kinds && !str_eq(name, kinds[i].name))
		i++;
	if (i == sizeof kinds / sizeof *kinds)
		return bad(p, "not a transport (smtp, lmtp, maildir, mbox, discard, error)", word);
	p->r->kind = kinds[i].kind;
	p->r->transport = word;
	switch (p->r->kind) {
	case ROUTE_SMTP:
		p->r->mx = true;
		p->r->port = 25;
		return has ? take_host(p, argument) : 0;
	case ROUTE_LMTP:
		p->r->port = 24;
		if (str_starts(argument, STR("/")))
			return take_path(p, argument);
		return str_starts(argument, STR("[")) ? take_host(p, argument) : bad(p, "lmtp: needs [host]:port or a path", word);
	case ROUTE_MAILDIR:
	case ROUTE_MBOX:
		return take_path(p, argument);
	case ROUTE_DISCARD:
		return has ? bad(p, "discard takes nothing", word) : 0;
	case ROUTE_ERROR:
		return take_error(p, argument, rest);
	}
	return ERR_BUG;
}

static int take_sources(const struct parse *p, struct str list)
{
	struct net_addr *addrs = arena_array(p->a, ROUTE_SOURCES_MAX, sizeof *addrs);
	struct str one;

	p->r->n_sources = 0;
	while (addrs && list.n) {
		str_cut(list, ',', &one, &list);
		if (p->r->n_sources == ROUTE_SOURCES_MAX || !net_addr_parse(one, 0, &addrs[p->r->n_sources]))
			return bad(p, "source: not an address, or too many", one);
		p->r->n_sources++;
	}
	p->r->sources = addrs;
	return addrs ? 0 : ERR_NO_MEMORY;
}

/* "2026-11-01" as days since 1970. */
static bool parse_day(struct str s, int64_t *out)
{
	uint32_t year, month, day;

	if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-' || !num_parse_u32(str_sub(s, 0, 4), &year) || !num_parse_u32(str_sub(s, 5, 2), &month) ||
		!num_parse_u32(str_sub(s, 8, 2), &day) || month < 1 || month > 12 || day < 1 || day > 31 || year < 1970)
		return false;
	struct civil c = { .year = (int)year, .month = (int)month, .day = (int)day };
	*out = civil_to_unix(&c) / 86400;
	return true;
}

static int take_warmup(const struct parse *p, struct str text)
{
	struct warmup *w = arena_new(p->a, struct warmup);
	struct str start, steps, step, day, messages;

	if (!w)
		return ERR_NO_MEMORY;
	if (!str_cut(text, '/', &start, &steps) || !parse_day(start, &w->start))
		return bad(p, "warmup: like 2026-11-01/1:200,3:1000", text);
	while (steps.n) {
		str_cut(steps, ',', &step, &steps);
		struct warmup_step *to = &w->step[w->n];
		if (w->n == WARMUP_STEPS_MAX || !str_cut(step, ':', &day, &messages) || !num_parse_u32(day, &to->day) ||
			!num_parse_u32(messages, &to->messages) || to->day <= (w->n ? to[-1].day : 0))
			return bad(p, "warmup: DAY:MESSAGES with growing days, from day 1 on", step);
		w->n++;
	}
	p->r->warmup = w;
	return w->n ? 0 : bad(p, "warmup: no steps", text);
}

static int take_tls(const struct parse *p, struct str value)
{
	static const struct str words[] = { [ROUTE_TLS_POLICY] = STR_INIT("policy"), [ROUTE_TLS_NONE] = STR_INIT("none"), [ROUTE_TLS_MAY] = STR_INIT("may"),
		[ROUTE_TLS_ENCRYPT] = STR_INIT("encrypt"), [ROUTE_TLS_VERIFY] = STR_INIT("verify") };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (str_eq(value, words[i])) {
			p->r->tls = (enum route_tls)i;
			return 0;
		}
	return bad(p, "tls: policy, none, may, encrypt or verify", value);
}

static int take_number(const struct parse *p, struct str value, uint32_t *out)
{
	return num_parse_u32(value, out) && *out > 0 && *out <= 1000000 ? 0 : bad(p, "a number from 1 on is needed", value);
}

static int take_secret(const struct parse *p, struct str value, struct str *out)
{
	*out = value;
	return value.n && value.n <= ROUTE_SECRET_MAX && !memchr(value.p, '\0', value.n) ? 0 : bad(p, "empty or too long", STR_NONE);
}

static int take_file(const struct parse *p, struct str value, const char **out)
{
	if (!str_starts(value, STR("/")) || memchr(value.p, '\0', value.n))
		return bad(p, "not an absolute path", value);
	*out = arena_dup_c(p->a, value);
	return *out ? 0 : ERR_NO_MEMORY;
}

static int take_option(const struct parse *p, struct str key, struct str value)
{
	struct route *r = p->r;

	if (str_eq(key, STR("tls")))
		return take_tls(p, value);
	if (str_eq(key, STR("user")))
		return take_secret(p, value, &r->user);
	if (str_eq(key, STR("password")))
		return take_secret(p, value, &r->password);
	if (str_eq(key, STR("password-file")))
		return take_file(p, value, &r->password_file);
	if (str_eq(key, STR("ca")))
		return take_file(p, value, &r->ca_file);
	if (str_eq(key, STR("source")))
		return take_sources(p, value);
	if (str_eq(key, STR("helo")))
		return canonical_domain(p, value, &r->helo);
	if (str_eq(key, STR("port")))
		return parse_port(value, &r->port) ? 0 : bad(p, "not a port", value);
	if (str_eq(key, STR("concurrency")))
		return take_number(p, value, &r->concurrency);
	if (str_eq(key, STR("rate")))
		return take_number(p, value, &r->per_minute);
	if (str_eq(key, STR("warmup")))
		return take_warmup(p, value);
	if (str_eq(key, STR("chunking"))) {
		r->no_chunking = str_eq(value, STR("no"));
		return r->no_chunking || str_eq(value, STR("yes")) ? 0 : bad(p, "chunking: yes or no", value);
	}
	return bad(p, "no such option of a route", key);
}

/* What only makes sense together. */
static int check(const struct parse *p)
{
	const struct route *r = p->r;

	if (r->user.n && !r->password.n && !r->password_file)
		return bad(p, "user without a password", r->user);
	if (!r->user.n && (r->password.n || r->password_file))
		return bad(p, "a password without user", r->transport);
	if (r->warmup && !r->n_sources)
		return bad(p, "warmup counts by source address: give source=", r->transport);
	if (r->kind != ROUTE_SMTP && r->kind != ROUTE_LMTP && (r->user.n || r->n_sources || r->tls || r->ca_file || r->helo.n))
		return bad(p, "options of a connection, but there is none", r->transport);
	return p->a->failed ? ERR_NO_MEMORY : 0;
}

int route_parse(struct str text, struct arena *a, struct route *out, struct err *e)
{
	struct parse p = { .a = a, .r = out, .e = e };
	struct str word, key, value, rest = text;

	*out = (struct route){ 0 };
	if (text.n > ROUTE_TEXT_MAX)
		return bad(&p, "a route of more than 1024 characters", str_sub(text, 0, 40));
	if (!next_word(a, &rest, &word))
		return a->failed ? ERR_NO_MEMORY : bad(&p, "an empty route", text);
	int r = take_pattern(&p, word);
	if (r == 0 && !next_word(a, &rest, &word))
		r = a->failed ? ERR_NO_MEMORY : bad(&p, "a route needs PATTERN TRANSPORT", text);
	if (r == 0)
		r = take_transport(&p, word, rest);
	while (r == 0 && out->kind != ROUTE_ERROR && next_word(a, &rest, &word))
		r = str_cut(word, '=', &key, &value) && value.n ? take_option(&p, key, value) : bad(&p, "options are KEY=VALUE", word);
	return r ? r : check(&p);
}
