#include "mailauth/spf_record.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mailauth/limits.h"
#include "mailauth/spf_macro.h"

#define VERSION STR("v=spf1")

enum argument { NO_ARGUMENT, DOMAIN_OPTIONAL, DOMAIN_NEEDED, NETWORK4, NETWORK6 };

static const struct {
	struct str name;
	enum argument argument;
	bool cidr;                          /* dual-cidr-length may follow */
} mechanisms[] = {
	[SPF_ALL] = { STR_INIT("all"), NO_ARGUMENT, false },
	[SPF_INCLUDE] = { STR_INIT("include"), DOMAIN_NEEDED, false },
	[SPF_A] = { STR_INIT("a"), DOMAIN_OPTIONAL, true },
	[SPF_MX] = { STR_INIT("mx"), DOMAIN_OPTIONAL, true },
	[SPF_PTR] = { STR_INIT("ptr"), DOMAIN_OPTIONAL, false },
	[SPF_IP4] = { STR_INIT("ip4"), NETWORK4, false },
	[SPF_IP6] = { STR_INIT("ip6"), NETWORK6, false },
	[SPF_EXISTS] = { STR_INIT("exists"), DOMAIN_NEEDED, false },
};
#define MECHANISMS (sizeof(mechanisms) / sizeof(mechanisms[0]))

bool spf_record_is_ours(struct str text)
{
	return str_istarts(text, VERSION) && (text.n == VERSION.n || text.p[VERSION.n] == ' ');
}

/* 5.6: "/" ("0" / %x31-39 *DIGIT), no more than max. Cuts it off the end of s when there is one there; false: there is one, and it is wrong. */
static bool cut_prefix_length(struct str *s, struct str slash, unsigned max, unsigned *bits)
{
	size_t at = s->n;
	uint32_t n;
	while (at > 0 && ascii_is_digit((unsigned char)s->p[at - 1]))
		at--;
	if (at == s->n || !str_ends(str_sub(*s, 0, at), slash))
		return true;
	struct str digits = str_from(*s, at);
	if (!num_parse_u32(digits, &n) || n > max || (digits.n > 1 && digits.p[0] == '0'))
		return false;
	s->n = at - slash.n;
	*bits = n;
	return true;
}

static const char *parse_network(struct spf_directive *d, struct str argument, int family)
{
	unsigned max = family == 4 ? 32 : 128;
	if (!cut_prefix_length(&argument, STR("/"), max, family == 4 ? &d->bits4 : &d->bits6))
		return "a prefix length is out of range";
	return net_addr_parse(argument, family, &d->network) ? NULL : "not an IP address";
}

/* What follows the name of a mechanism: empty, or from its ':' or '/'. */
static const char *parse_argument(struct spf_directive *d, struct str rest)
{
	enum argument kind = mechanisms[d->mechanism].argument;
	if (mechanisms[d->mechanism].cidr) {
		/* 5.6: dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ] */
		if (!cut_prefix_length(&rest, STR("//"), 128, &d->bits6) || !cut_prefix_length(&rest, STR("/"), 32, &d->bits4))
			return "a prefix length is out of range";
	}
	if (rest.n == 0)
		return kind == NO_ARGUMENT || kind == DOMAIN_OPTIONAL ? NULL : "a mechanism lacks its argument";
	if (rest.p[0] != ':' || kind == NO_ARGUMENT)
		return "a mechanism has an argument that it may not have";
	rest = str_from(rest, 1);
	if (kind == NETWORK4 || kind == NETWORK6)
		return parse_network(d, rest, kind == NETWORK4 ? 4 : 6);
	d->domain_spec = rest;
	return spf_macro_check(rest, SPF_MACRO_DOMAIN) ? NULL : "not a domain-spec";
}

static const char *parse_directive(struct str term, struct spf_directive *d)
{
	static const char qualifiers[] = "+-~?";
	static const enum spf_result results[] = { SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_NEUTRAL };
	const char *q = memchr(qualifiers, term.p[0], sizeof(qualifiers) - 1);
	*d = (struct spf_directive){ .qualifier = q ? results[q - qualifiers] : SPF_PASS, .bits4 = 32, .bits6 = 128, .text = term };
	struct str name = str_from(term, q ? 1 : 0);
	size_t end = 0;
	while (end < name.n && name.p[end] != ':' && name.p[end] != '/')
		end++;
	for (size_t i = 0; i < MECHANISMS; i++)
		if (str_ieq(str_sub(name, 0, end), mechanisms[i].name)) {
			d->mechanism = (enum spf_mechanism)i;
			return parse_argument(d, str_from(name, end));
		}
	return "an unknown mechanism";
}

/* 4.6.1: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool is_modifier_name(struct str s)
{
	if (s.n == 0 || !ascii_is_alpha((unsigned char)s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && (!s.p[i] || !strchr("-_.", s.p[i])))
			return false;
	return true;
}

/* 6: "These two modifiers MUST NOT appear in a record more than once each." An explicit but empty one is no domain-spec. */
static const char *set_once(struct str *modifier, struct str value)
{
	if (modifier->n > 0)
		return "redirect= or exp= twice";
	*modifier = value;
	return spf_macro_check(value, SPF_MACRO_DOMAIN) ? NULL : "not a domain-spec";
}

static const char *parse_modifier(struct str name, struct str value, struct spf_record *r)
{
	if (!is_modifier_name(name))
		return "not the name of a modifier";
	if (str_ieq(name, STR("redirect")))
		return set_once(&r->redirect, value);
	if (str_ieq(name, STR("exp")))
		return set_once(&r->exp, value);
	return spf_macro_check(value, SPF_MACRO_STRING) ? NULL : "a modifier's macro string is malformed";
}

/* 4.6.1: "Modifiers always contain an equals ('=') character immediately after the name, and before any ":" or "/"". */
static bool is_modifier(struct str term, struct str *name_out, struct str *value_out)
{
	return str_cut(term, '=', name_out, value_out) && str_chr(*name_out, ':') == STR_NPOS && str_chr(*name_out, '/') == STR_NPOS;
}

int spf_record_parse(struct str text, struct arena *a, struct spf_record *out, const char **problem_out)
{
	struct str rest = str_from(text, VERSION.n), term, name, value;
	size_t most = 0;
	*out = (struct spf_record){ 0 };
	for (size_t i = 0; i < rest.n; i++)
		most += rest.p[i] == ' ';
	if (most > SPF_TERMS_MAX)
		most = SPF_TERMS_MAX;
	out->directives = arena_array(a, most + 1, sizeof(*out->directives));
	if (!out->directives)
		return ERR_NO_MEMORY;
	/* 12: terms = *( 1*SP ( directive / modifier ) ). Only SP parts them. */
	for (bool more = true; more;) {
		more = str_cut(rest, ' ', &term, &rest);
		if (term.n == 0)
			continue;
		if (out->n == most)
			*problem_out = "too many terms";
		else if (is_modifier(term, &name, &value))
			*problem_out = parse_modifier(name, value, out);
		else
			*problem_out = parse_directive(term, &out->directives[out->n++]);
		if (*problem_out)
			return ERR_INVALID;
	}
	return 0;
}
