#include "mailauth/dkim_tags.h"

#include "base/ascii.h"

/* tag-name = ALPHA *(ALPHA / DIGIT / "_") */
static bool is_name(struct str s)
{
	if (s.n == 0 || !ascii_is_alpha((unsigned char)s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!ascii_is_alnum((unsigned char)s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

/* tval of VALCHARs and white space between; a semicolon cannot be here. */
static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (ascii_is_cntrl(c) && c != '\t' && c != '\r' && c != '\n')
			return false;
	}
	return true;
}

static bool add(struct dkim_tags *t, struct str spec)
{
	struct dkim_tag tag;
	if (t->n == DKIM_TAGS_MAX || !str_cut(spec, '=', &tag.name, &tag.room))
		return false;
	tag.name = str_trim(tag.name);
	tag.value = str_trim(tag.room);
	if (!is_name(tag.name) || !is_value(tag.value) || dkim_tags_find(t, tag.name))
		return false;
	t->v[t->n++] = tag;
	return true;
}

/* tag-list = tag-spec *( ";" tag-spec ) [ ";" ] */
bool dkim_tags_parse(struct str text, struct dkim_tags *out)
{
	struct str spec;
	bool more = true;
	out->n = 0;
	while (more) {
		more = str_cut(text, ';', &spec, &text);
		if (!more && out->n > 0 && str_trim(spec).n == 0)
			break;
		if (!add(out, spec))
			return false;
	}
	return true;
}

const struct dkim_tag *dkim_tags_find(const struct dkim_tags *t, struct str name)
{
	for (size_t i = 0; i < t->n; i++)
		if (str_eq(t->v[i].name, name))
			return &t->v[i];
	return NULL;
}

bool dkim_tags_element(struct str *rest, struct str *out)
{
	if (!rest->p)
		return false;
	if (!str_cut(*rest, ':', out, rest))
		*rest = STR_NONE;
	*out = str_trim(*out);
	return true;
}

bool dkim_tags_has(struct str value, struct str word)
{
	struct str element;
	while (dkim_tags_element(&value, &element))
		if (str_eq(element, word))
			return true;
	return false;
}
