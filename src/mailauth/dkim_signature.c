#include "mailauth/dkim_signature.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mailauth/dkim_public.h"
#include "mailauth/dkim_record.h"
#include "mailauth/domain.h"
#include "mailauth/limits.h"

/* What the steps below share. Each gives DKIM_PASS, or a verdict with its reason in `problem`, or a negative code. */
struct reading {
	struct arena *arena;
	struct dkim_signature *s;
	int64_t now;
	const char *problem;
};

static int refuse(struct reading *r, enum dkim_result result, const char *why)
{
	r->problem = why;
	return (int)result;
}

static bool value_of(const struct dkim_signature *s, struct str name, struct str *out)
{
	const struct dkim_tag *t = dkim_tags_find(&s->tags, name);
	*out = t ? t->value : STR_NONE;
	return t != NULL;
}

/* ---- values ---- */

static int decode(struct reading *r, struct str text, struct str *out)
{
	struct buf b = BUF_INIT(0);
	int code = dkim_base64(text, &b) == 0 && b.n > 0 ? DKIM_PASS : refuse(r, DKIM_NEUTRAL, "b= or bh= is no base64");
	if (code == DKIM_PASS) {
		*out = arena_dup(r->arena, buf_str(&b));
		code = out->p ? DKIM_PASS : ERR_NO_MEMORY;
	}
	buf_fini(&b);
	return code;
}

/* The letters of sub-domain (RFC 5321 4.1.2) and '_', which selectors have in the wild. */
static bool is_domain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '-' && s.p[i] != '_' && s.p[i] != '.')
			return false;
	return true;
}

/* ASCII is checked as it stands; U-labels (RFC 8616 4) become A-labels. */
static int to_ascii(struct reading *r, struct str name, struct str *out)
{
	int code = str_ends(name, STR(".")) ? ERR_INVALID : domain_to_ascii(r->arena, name, out);
	if (code == 0 && is_domain(*out))
		return DKIM_PASS;
	return code == ERR_NO_MEMORY ? code : refuse(r, DKIM_NEUTRAL, "d=, s= or i= is no domain name");
}

static int read_names(struct reading *r)
{
	struct dkim_signature *s = r->s;
	struct str domain, selector;
	if (!value_of(s, STR("d"), &domain) || !value_of(s, STR("s"), &selector))
		return refuse(r, DKIM_NEUTRAL, "d= or s= is missing");
	int code = to_ascii(r, domain, &domain);
	if (code == DKIM_PASS)
		code = to_ascii(r, selector, &selector);
	if (code != DKIM_PASS)
		return code;
	/* RFC 6376 3.5: domain-name has two labels at least */
	if (domain_label_count(domain) < 2)
		return refuse(r, DKIM_NEUTRAL, "d= is no domain name");
	s->domain = domain;
	s->query = arena_printf(r->arena, "%.*s._domainkey.%.*s", STR_ARG(selector), STR_ARG(domain));
	return s->query.p ? DKIM_PASS : ERR_NO_MEMORY;
}

static int read_algorithm(struct reading *r)
{
	struct str a = r->s->algorithm_text;
	/* RFC 8301 3.1: has permanently failed evaluation */
	if (str_eq(a, STR("rsa-sha1")))
		return refuse(r, DKIM_PERMERROR, "rsa-sha1 is no longer accepted");
	for (enum dkim_algorithm i = DKIM_RSA_SHA256; i <= DKIM_ED25519_SHA256; i++)
		if (str_eq(a, dkim_algorithm_text(i))) {
			r->s->algorithm = i;
			return DKIM_PASS;
		}
	return refuse(r, DKIM_NEUTRAL, "unknown or missing algorithm");
}

static bool parse_canon(struct str name, enum dkim_canon *out)
{
	*out = str_eq(name, STR("relaxed")) ? DKIM_RELAXED : DKIM_SIMPLE;
	return *out == DKIM_RELAXED || str_eq(name, STR("simple"));
}

static int read_canon(struct reading *r)
{
	struct str c, header, body;
	if (!value_of(r->s, STR("c"), &c))
		c = STR("simple/simple");
	if (!str_cut(c, '/', &header, &body))
		body = STR("simple");
	if (!parse_canon(header, &r->s->header) || !parse_canon(body, &r->s->body.how))
		return refuse(r, DKIM_NEUTRAL, "unknown canonicalization");
	return DKIM_PASS;
}

/* l= has 76 digits at most; what does not fit 64 bits is longer than any body. */
static int read_limit(struct reading *r)
{
	struct str l;
	r->s->body.limit = UINT64_MAX;
	if (!value_of(r->s, STR("l"), &l))
		return DKIM_PASS;
	bool digits = l.n > 0 && l.n <= 76;
	for (size_t i = 0; i < l.n; i++)
		digits = digits && ascii_is_digit((unsigned char)l.p[i]);
	if (!digits)
		return refuse(r, DKIM_NEUTRAL, "l= is no number");
	if (!num_parse_u64(l, &r->s->body.limit) || r->s->body.limit == UINT64_MAX)
		r->s->body.limit = UINT64_MAX - 1;
	return DKIM_PASS;
}

/* 1*12DIGIT: fits. */
static bool parse_time(struct str s, uint64_t *out) { return s.n <= 12 && num_parse_u64(s, out); }

static int read_times(struct reading *r)
{
	struct str t, x;
	uint64_t made = 0, until = 0;
	bool has_t = value_of(r->s, STR("t"), &t), has_x = value_of(r->s, STR("x"), &x);
	if ((has_t && !parse_time(t, &made)) || (has_x && !parse_time(x, &until)) || (has_t && has_x && until <= made))
		return refuse(r, DKIM_NEUTRAL, "t= or x= is wrong");
	if (has_t && (int64_t)made > r->now + DKIM_CLOCK_SKEW)
		return refuse(r, DKIM_POLICY, "signature from the future");
	if (has_x && (int64_t)until < r->now - DKIM_CLOCK_SKEW)
		return refuse(r, DKIM_POLICY, "signature expired");
	return DKIM_PASS;
}

/* dkim-quoted-printable (2.11): white space is none of it, =XX stands for an octet. */
static int decode_identity(struct reading *r, struct str text, struct str *out)
{
	struct buf b = BUF_INIT(0);
	for (size_t i = 0; i < text.n; i++) {
		int high = -1, low = -1;
		if (text.p[i] == '=' && i + 2 < text.n) {
			high = ascii_hex_value((unsigned char)text.p[i + 1]);
			low = ascii_hex_value((unsigned char)text.p[i + 2]);
		}
		if (text.p[i] != '=') {
			if (!ascii_is_space((unsigned char)text.p[i]))
				buf_add_char(&b, text.p[i]);
		} else if (high >= 0 && low >= 0) {
			buf_add_char(&b, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_fini(&b);
			return refuse(r, DKIM_NEUTRAL, "i= is no quoted-printable");
		}
	}
	*out = arena_dup(r->arena, buf_str(&b));
	buf_fini(&b);
	return out->p ? DKIM_PASS : ERR_NO_MEMORY;
}

static int read_identity(struct reading *r)
{
	struct dkim_signature *s = r->s;
	struct str i, domain;
	if (!value_of(s, STR("i"), &i)) {
		s->identity = arena_printf(r->arena, "@%.*s", STR_ARG(s->domain));
		return s->identity.p ? DKIM_PASS : ERR_NO_MEMORY;
	}
	int code = decode_identity(r, i, &s->identity);
	if (code != DKIM_PASS)
		return code;
	size_t at = str_rchr(s->identity, '@');
	if (at == STR_NPOS)
		return refuse(r, DKIM_NEUTRAL, "i= is no address");
	code = to_ascii(r, str_from(s->identity, at + 1), &domain);
	if (code == DKIM_PASS && !domain_is_within(domain, s->domain))
		return refuse(r, DKIM_PERMERROR, "i= is not below d=");
	return code;
}

/* From must be signed (6.1.1), nothing may be empty. ARC asks for neither (RFC 8617 4.1.2), but forbids seals. */
static int read_header_names(struct reading *r)
{
	struct dkim_signature *s = r->s;
	struct str rest, name;
	bool from = false, empty = false, seal = false;
	if (!value_of(s, STR("h"), &s->names))
		return refuse(r, DKIM_NEUTRAL, "h= is missing");
	rest = s->names;
	while (dkim_tags_element(&rest, &name)) {
		from = from || str_ieq(name, STR("from"));
		seal = seal || str_ieq(name, STR("arc-seal"));
		empty = empty || name.n == 0;
	}
	if (s->kind == DKIM_ARC_MESSAGE)
		return seal ? refuse(r, DKIM_NEUTRAL, "h= has ARC-Seal") : DKIM_PASS;
	if (empty || s->names.n == 0)
		return refuse(r, DKIM_NEUTRAL, "h= is empty or has empty names");
	return from ? DKIM_PASS : refuse(r, DKIM_PERMERROR, "From is not signed");
}

static int read_version(struct reading *r)
{
	struct str v;
	if (!value_of(r->s, STR("v"), &v))
		return refuse(r, DKIM_NEUTRAL, "v= is missing");
	return str_eq(v, STR("1")) ? DKIM_PASS : refuse(r, DKIM_NEUTRAL, "unknown version");
}

/* The only method there is must be among those offered. */
static int read_query(struct reading *r)
{
	struct str q;
	if (!value_of(r->s, STR("q"), &q) || dkim_tags_has(q, STR("dns/txt")))
		return DKIM_PASS;
	return refuse(r, DKIM_NEUTRAL, "unknown query method");
}

static int read_signature(struct reading *r)
{
	struct str b, bh;
	struct dkim_signature *s = r->s;
	if (!value_of(s, STR("b"), &b))
		return refuse(r, DKIM_NEUTRAL, "b= is missing");
	int code = decode(r, b, &s->signature);
	if (code != DKIM_PASS || s->kind == DKIM_ARC_SEAL)
		return code;
	if (!value_of(s, STR("bh"), &bh))
		return refuse(r, DKIM_NEUTRAL, "bh= is missing");
	return decode(r, bh, &s->body_hash);
}

/* ---- the whole ---- */

typedef int step_fn(struct reading *r);
static step_fn *const steps[][10] = {
	[DKIM_FIELD] = { read_version, read_names, read_identity, read_header_names, read_canon, read_limit, read_query, read_signature,
					 read_algorithm, read_times },
	[DKIM_ARC_MESSAGE] = { read_names, read_header_names, read_canon, read_limit, read_query, read_signature, read_algorithm, read_times },
	[DKIM_ARC_SEAL] = { read_names, read_signature, read_algorithm, read_times },
};

/* What reports want, right or wrong. RFC 6008: header.b is what b= begins with, without white space. */
static void read_for_reports(struct arena *a, struct dkim_signature *s)
{
	struct str b;
	char *p = arena_alloc(a, DKIM_B_REPORTED);
	size_t n = 0;
	value_of(s, STR("b"), &b);
	for (size_t i = 0; p && i < b.n && n < DKIM_B_REPORTED; i++)
		if (!ascii_is_space((unsigned char)b.p[i]))
			p[n++] = b.p[i];
	s->beginning = str_make(p, n);
	value_of(s, STR("a"), &s->algorithm_text);
	value_of(s, STR("s"), &s->selector);
	value_of(s, STR("d"), &s->domain);
	if (s->kind == DKIM_FIELD)
		value_of(s, STR("i"), &s->identity);
}

int dkim_signature_read(struct arena *a, enum dkim_kind kind, const struct dkim_field *field, int64_t now, struct dkim_signature *out,
						const char **problem_out)
{
	struct reading r = { .arena = a, .s = out, .now = now };
	int code = DKIM_PASS;
	*out = (struct dkim_signature){ .kind = kind, .field = field };
	if (field->raw.n > DKIM_SIGNATURE_MAX)
		code = refuse(&r, DKIM_NEUTRAL, "signature field is too long");
	else if (!dkim_tags_parse(field->value, &out->tags))
		code = refuse(&r, DKIM_NEUTRAL, "signature is no tag list");
	if (code == DKIM_PASS)
		read_for_reports(a, out);
	for (size_t i = 0; code == DKIM_PASS && i < sizeof(steps[kind]) / sizeof(steps[kind][0]) && steps[kind][i]; i++)
		code = steps[kind][i](&r);
	*problem_out = r.problem;
	return code;
}

void dkim_signature_canon(const struct dkim_signature *s, struct buf *out)
{
	struct str raw = s->field->raw, hole = dkim_tags_find(&s->tags, STR("b"))->room;
	struct buf emptied = BUF_INIT(0);
	buf_add(&emptied, raw.p, (size_t)(hole.p - raw.p));
	buf_add(&emptied, hole.p + hole.n, (size_t)(raw.p + raw.n - (hole.p + hole.n)));
	struct str whole = buf_str(&emptied);
	if (str_ends(whole, STR("\r\n")))
		whole.n -= 2;
	dkim_canon_field(s->kind == DKIM_ARC_SEAL ? DKIM_RELAXED : s->header, whole, out);
	out->failed = out->failed || emptied.failed;
	buf_fini(&emptied);
}

int dkim_signature_canon_header(struct arena *a, const struct dkim_message *m, const struct dkim_signature *s, struct buf *out)
{
	struct dkim_picker picker;
	struct str rest = s->names, name;
	int code = dkim_picker_begin(a, m, &picker);
	while (code == 0 && dkim_tags_element(&rest, &name)) {
		/* 3.7: its own field is never among those named */
		const struct dkim_field *f = dkim_picker_next(&picker, name);
		if (f == s->field)
			f = dkim_picker_next(&picker, name);
		if (f)
			dkim_canon_field(s->header, f->raw, out);
		if (f && !str_ends(f->raw, STR("\r\n")))
			buf_add_lit(out, "\r\n");
	}
	return code ? code : out->failed ? ERR_NO_MEMORY : 0;
}
