#include "codec/smtp/sts.h"

#include "base/ascii.h"
#include "base/num.h"

static bool is_field_name(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum(s.p[i]) && (i == 0 || (s.p[i] != '_' && s.p[i] != '-' && s.p[i] != '.')))
			return false;
	return s.n >= 1 && s.n <= 32;
}

static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum(s.p[i]))
			return false;
	return s.n >= 1 && s.n <= STS_ID_MAX;
}

/* %x21-3A / %x3C / %x3E-7E */
static bool is_extension_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e || s.p[i] == '=' || s.p[i] == ';')
			return false;
	return s.n > 0;
}

bool sts_record_parse(struct str text, struct str *id_out, bool *is_sts_out)
{
	struct str field, name, value, rest;

	*id_out = STR_NONE;
	str_cut(text, ';', &field, &rest);
	*is_sts_out = str_starts(field, STR("v=STSv1")) && str_trim(field).n == 7;
	if (!*is_sts_out)
		return false;
	while (rest.n) {
		str_cut(rest, ';', &field, &rest);
		field = str_trim(field);
		if (!field.n && !rest.n)
			break;                            /* the delimiter at the end */
		if (!str_cut(field, '=', &name, &value) || !is_field_name(name) || !is_extension_value(value))
			return false;
		if (!str_eq(name, STR("id")))
			continue;
		if (!is_id(value))
			return false;
		if (!id_out->n)
			*id_out = value;                  /* 3.2: of a repeated field the first counts */
	}
	return id_out->n > 0;
}

/* ["*."] Domain, in A-labels. */
static bool is_pattern(struct str s)
{
	struct str rest = str_starts(s, STR("*.")) ? str_from(s, 2) : s, label;

	if (!rest.n || rest.n > 253)
		return false;
	do {
		bool more = str_cut(rest, '.', &label, &rest);
		if (!label.n || label.n > 63 || (more && !rest.n))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!ascii_is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
				return false;
	} while (rest.n);
	return true;
}

struct policy_fields {
	struct str version, mode, max_age;
	struct str *mx;
	size_t n_mx;
};

static const char *take_field(struct policy_fields *f, struct str name, struct str value)
{
	if (str_eq(name, STR("mx"))) {
		if (!is_pattern(value))
			return "an mx that is no host name";
		if (f->n_mx < STS_MX_MAX)
			f->mx[f->n_mx++] = value;
		return NULL;
	}
	struct str *to = str_eq(name, STR("version")) ? &f->version : str_eq(name, STR("mode")) ? &f->mode : str_eq(name, STR("max_age")) ? &f->max_age : NULL;
	if (to && !to->p)
		*to = value;
	return to || is_field_name(name) ? NULL : "a field without a name";
}

static const char *understand(const struct policy_fields *f, struct sts_policy *out)
{
	static const struct str modes[] = { [STS_NONE] = STR_INIT("none"), [STS_TESTING] = STR_INIT("testing"), [STS_ENFORCE] = STR_INIT("enforce") };
	uint32_t mode = 0;

	if (!str_eq(f->version, STR("STSv1")))
		return "not version STSv1";
	while (mode <= STS_ENFORCE && !str_eq(f->mode, modes[mode]))
		mode++;
	if (mode > STS_ENFORCE)
		return "no mode";
	if (f->max_age.n > 10 || !num_parse_u32(f->max_age, &out->max_age))
		return "no max_age";
	if (out->max_age > STS_MAX_AGE_MAX)
		out->max_age = STS_MAX_AGE_MAX;
	if (!f->n_mx && mode != STS_NONE)
		return "no mx";
	out->mode = (enum sts_mode)mode;
	out->mx = f->mx;
	out->n_mx = f->n_mx;
	return NULL;
}

const char *sts_policy_parse(struct str text, struct arena *a, struct sts_policy *out)
{
	struct policy_fields f = { .mx = arena_array(a, STS_MX_MAX, sizeof *f.mx) };
	struct str line, name, value;

	*out = (struct sts_policy){ 0 };
	if (!f.mx)
		return "no memory";
	if (text.n > STS_POLICY_MAX)
		return "too long";
	while (text.n) {
		str_cut(text, '\n', &line, &text);
		line = str_trim(line);
		if (!line.n && !text.n)
			break;
		if (!str_cut(line, ':', &name, &value))
			return "a line that is no field";
		const char *wrong = take_field(&f, name, str_trim(value));
		if (wrong)
			return wrong;
	}
	return understand(&f, out);
}

bool sts_policy_matches(const struct sts_policy *p, struct str host)
{
	struct str label, parent;

	str_cut(host, '.', &label, &parent);
	for (size_t i = 0; i < p->n_mx; i++) {
		struct str mx = p->mx[i];
		if (str_starts(mx, STR("*.")) ? label.n && str_ieq(parent, str_from(mx, 2)) : str_ieq(host, mx))
			return true;
	}
	return false;
}
