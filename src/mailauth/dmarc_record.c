#include "mailauth/dmarc_record.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mailauth/limits.h"

#define VERSION STR("DMARC1")

/* The successor's grammar: dmarc-tag = 1*ALPHA *WSP "=" *WSP value. False: not one. */
static bool read_tag(struct str part, struct str *name_out, struct str *value_out)
{
	if (!str_cut(part, '=', name_out, value_out))
		return false;
	*name_out = str_trim(*name_out);
	*value_out = str_trim(*value_out);
	return true;
}

/* "It MUST be the first tag in the list", and "The value of this tag MUST match precisely" (RFC 7489 6.3). */
bool dmarc_record_is_ours(struct str text)
{
	struct str part, rest, name, value;
	str_cut(text, ';', &part, &rest);
	return text.n > 0 && !ascii_is_blank(text.p[0]) && read_tag(part, &name, &value) && str_ieq(name, STR("v")) && str_eq(value, VERSION);
}

/* The value of the first tag of that name; p is NULL when there is none. */
static struct str find_tag(struct str text, struct str wanted)
{
	struct str part, rest = text, name, value;
	bool more = true;
	while (more) {
		more = str_cut(rest, ';', &part, &rest);
		if (read_tag(part, &name, &value) && str_ieq(name, wanted))
			return value;
	}
	return STR_NONE;
}

static bool has_value(struct str text, struct str tag, struct str wanted) { return str_ieq(find_tag(text, tag), wanted); }

/* False: the tag is there, and its value is none of the three. */
static bool read_policy(struct str text, struct str tag, enum dmarc_policy *policy)
{
	struct str value = find_tag(text, tag);
	if (!value.p)
		return true;
	for (enum dmarc_policy p = DMARC_POLICY_NONE; p <= DMARC_POLICY_REJECT; p++)
		if (str_ieq(value, str_from_c(dmarc_policy_text(p)))) {
			*policy = p;
			return true;
		}
	return false;
}

/* RFC 3986 3: scheme ":" something, of visible ASCII. */
static bool is_uri(struct str s)
{
	size_t colon = str_chr(s, ':');
	if (colon == STR_NPOS || colon == 0 || colon + 1 == s.n || !ascii_is_alpha((unsigned char)s.p[0]))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_print((unsigned char)s.p[i]) || s.p[i] == ' ')
			return false;
	return true;
}

static bool is_mailto(struct str uri)
{
	size_t at = str_rchr(uri, '@');
	return str_istarts(uri, STR("mailto:")) && at != STR_NPOS && at > sizeof("mailto:") - 1 && at + 1 < uri.n;
}

/* RFC 7489 6.4: URIs between commas, each perhaps with "!" and a size limit. *any_out: there is a valid one, of whatever scheme. */
static int read_rua(struct str text, struct arena *a, struct dmarc_record *out, bool *any_out)
{
	struct str one, limit, rest = find_tag(text, STR("rua"));
	bool more = rest.n > 0;
	*any_out = false;
	if (more && !(out->rua = arena_array(a, DMARC_RUA_MAX, sizeof(*out->rua))))
		return ERR_NO_MEMORY;
	while (more && out->n_rua < DMARC_RUA_MAX) {
		more = str_cut(rest, ',', &one, &rest);
		str_cut(str_trim(one), '!', &one, &limit);
		if (!is_uri(one))
			continue;
		*any_out = true;
		if (is_mailto(one))
			out->rua[out->n_rua++] = one;
	}
	return 0;
}

int dmarc_record_parse(struct str text, struct arena *a, struct dmarc_record *out)
{
	bool wants_reports;
	uint32_t percent;
	*out = (struct dmarc_record){ .percent = 100, .text = text };
	int err = read_rua(text, a, out, &wants_reports);
	if (err)
		return err;
	bool valid = find_tag(text, STR("p")).p && read_policy(text, STR("p"), &out->p);
	out->sp = out->p;
	valid = valid && read_policy(text, STR("sp"), &out->sp);
	out->np = out->sp;
	valid = valid && read_policy(text, STR("np"), &out->np);
	/* RFC 7489 6.6.3: without a valid p, or with an sp (and np) that is not, the record counts as "p=none" if there is somebody to tell. */
	if (!valid)
		out->p = out->sp = out->np = DMARC_POLICY_NONE;
	out->strict_dkim = has_value(text, STR("adkim"), STR("s"));
	out->strict_spf = has_value(text, STR("aspf"), STR("s"));
	if (num_parse_u32(find_tag(text, STR("pct")), &percent) && percent <= 100)
		out->percent = percent;
	/* pct=0 is how test mode was said before t=y. */
	out->testing = has_value(text, STR("t"), STR("y")) || out->percent == 0;
	out->psd = has_value(text, STR("psd"), STR("y")) ? DMARC_PSD_YES : has_value(text, STR("psd"), STR("n")) ? DMARC_PSD_NO : DMARC_PSD_UNKNOWN;
	return valid || wants_reports ? 0 : ERR_INVALID;
}
