#include "mailauth/arc_chain.h"

#include "base/ascii.h"
#include "base/num.h"
#include "mailauth/dkim_tags.h"
#include "mailauth/limits.h"

const char *arc_result_text(enum arc_result r) { return r == ARC_NONE ? "none" : r == ARC_PASS ? "pass" : "fail"; }

/* position = 1*2DIGIT ; 1 - 50 */
static unsigned parse_instance(struct str s)
{
	uint32_t i;
	return s.n <= 2 && num_parse_u32(s, &i) && i <= ARC_SETS_MAX ? i : 0;
}

/* [CFWS] of RFC 5322 3.2.2, comments nested. */
static struct str skip_comments(struct str s)
{
	unsigned depth = 0;
	size_t i = 0;
	for (; i < s.n; i++) {
		char c = s.p[i];
		if (c == '(')
			depth++;
		else if (depth > 0 && c == '\\')
			i++;
		else if (depth > 0 && c == ')')
			depth--;
		else if (depth == 0 && !ascii_is_space((unsigned char)c))
			break;
	}
	return str_from(s, i);
}

unsigned arc_results_instance(struct str value, struct str *payload_out)
{
	struct str s = skip_comments(value), digits;
	*payload_out = STR_NONE;
	if (!str_starts(s, STR("i")))
		return 0;
	s = skip_comments(str_from(s, 1));
	if (!str_starts(s, STR("=")))
		return 0;
	s = skip_comments(str_from(s, 1));
	digits = str_make(s.p, 0);
	while (digits.n < s.n && ascii_is_digit((unsigned char)s.p[digits.n]))
		digits.n++;
	s = skip_comments(str_from(s, digits.n));
	if (!str_starts(s, STR(";")))
		return 0;
	*payload_out = str_trim(str_from(s, 1));
	return parse_instance(digits);
}

/* ---- collecting ---- */

enum part { RESULTS, MESSAGE, SEAL, PARTS };
static const struct str part_names[PARTS] = {
	[RESULTS] = STR_INIT("arc-authentication-results"), [MESSAGE] = STR_INIT("arc-message-signature"), [SEAL] = STR_INIT("arc-seal") };

static unsigned instance_of_tags(const struct dkim_tags *t)
{
	const struct dkim_tag *i = dkim_tags_find(t, STR("i"));
	return i ? parse_instance(i->value) : 0;
}

/* NULL, or why the seal is none. h= must not be there (4.1.3). */
static const char *read_seal(const struct dkim_tags *t, struct arc_set *s)
{
	const struct dkim_tag *cv = dkim_tags_find(t, STR("cv"));
	if (dkim_tags_find(t, STR("h")))
		return "seal with h=";
	for (s->cv = ARC_NONE; cv && s->cv <= ARC_FAIL; s->cv++)
		if (str_eq(cv->value, str_from_c(arc_result_text(s->cv))))
			return NULL;
	s->cv = ARC_NONE;
	return "seal without cv=";
}

static const char *add(struct arc_chain *c, enum part part, const struct dkim_field *f)
{
	struct dkim_tags tags;
	struct str payload;
	unsigned i = 0;
	if (f->raw.n > DKIM_SIGNATURE_MAX)
		return "ARC field is too long";
	if (part == RESULTS)
		i = arc_results_instance(f->value, &payload);
	else if (dkim_tags_parse(f->value, &tags))
		i = instance_of_tags(&tags);
	if (i == 0)
		return "ARC field without an instance";
	struct arc_set *s = &c->sets[i - 1];
	const struct dkim_field **place = part == RESULTS ? &s->results : part == MESSAGE ? &s->message : &s->seal;
	c->n = i > c->n ? i : c->n;
	if (*place)
		return "two ARC fields of one instance";
	*place = f;
	if (part == RESULTS)
		s->payload = payload;
	return part == SEAL ? read_seal(&tags, s) : NULL;
}

/* 5.2 step 3. */
static const char *check_sets(const struct arc_chain *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		const struct arc_set *s = &c->sets[i];
		if (!s->results || !s->message || !s->seal)
			return "ARC set is not whole";
		if (s->cv != (i == 0 ? ARC_NONE : ARC_PASS))
			return "wrong cv=";
	}
	return NULL;
}

int arc_chain_read(struct arena *a, const struct dkim_message *m, struct arc_chain *out)
{
	*out = (struct arc_chain){ .sets = arena_array(a, ARC_SETS_MAX, sizeof(struct arc_set)) };
	if (!out->sets)
		return ERR_NO_MEMORY;
	for (enum part part = RESULTS; part < PARTS; part++) {
		size_t first = dkim_message_find(m, part_names[part]), n = dkim_message_count(m, part_names[part]);
		for (size_t i = 0; i < n && i <= ARC_SETS_MAX; i++) {
			const char *problem = add(out, part, m->by_name[first + i]);
			out->problem = out->problem ? out->problem : problem;
			out->any = true;
		}
	}
	if (m->cut)
		out->problem = "too many header fields";
	const struct arc_set *newest = out->n > 0 ? &out->sets[out->n - 1] : NULL;
	out->failed = newest && newest->seal && newest->cv == ARC_FAIL;
	if (out->failed)
		out->problem = "the chain says that it failed";
	if (!out->problem)
		out->problem = check_sets(out);
	return 0;
}

void arc_set_canon(const struct arc_set *s, bool whole, struct buf *out)
{
	const struct dkim_field *fields[] = { s->results, s->message, whole ? s->seal : NULL };
	for (size_t i = 0; i < 3 && fields[i]; i++) {
		dkim_canon_field(DKIM_RELAXED, fields[i]->raw, out);
		if (!str_ends(fields[i]->raw, STR("\r\n")))
			buf_add_lit(out, "\r\n");
	}
}
