#include "codec/imap/fetch_att.h"

#include "base/ascii.h"
#include "codec/imap/format.h"

static bool no_memory(struct imap_cursor *c) { return imap_fail(c, "Out of memory"); }

/* Names of items and section texts are letters, digits and dots; what may follow ("[", "]", "<") is no end of an atom. */
static struct str take_name(struct imap_cursor *c)
{
	const char *from = c->p;
	for (int next; (next = imap_peek(c)), ascii_is_alnum(next) || next == '.';)
		c->p++;
	return (struct str){ from, (size_t)(c->p - from) };
}

/* ---- sections ---- */

/* section-part = nz-number *("." nz-number); the "." before a section text is taken, too. */
static bool section_path(struct imap_cursor *c, struct imap_section *s)
{
	if (!ascii_is_digit(imap_peek(c)))
		return true;
	s->path = arena_array(c->arena, IMAP_SECTION_PATH_MAX, sizeof(*s->path));
	if (!s->path)
		return no_memory(c);
	do {
		if (s->path_count == IMAP_SECTION_PATH_MAX)
			return imap_fail(c, "A part number has too many levels");
		if (!imap_nz_number(c, &s->path[s->path_count++]))
			return false;
	} while (imap_take(c, '.') && ascii_is_digit(imap_peek(c)));
	return true;
}

static bool header_list(struct imap_cursor *c, struct imap_section *s)
{
	if (!imap_sp(c) || !imap_expect(c, '(', "A list of header names must begin with a parenthesis"))
		return false;
	s->field = arena_array(c->arena, IMAP_SECTION_FIELDS_MAX, sizeof(*s->field));
	if (!s->field)
		return no_memory(c);
	do {
		if (s->field_count == IMAP_SECTION_FIELDS_MAX)
			return imap_fail(c, "Too many header names");
		if (!imap_astring(c, &s->field[s->field_count++]))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of header names must end with a parenthesis");
}

static const struct { struct str name; enum imap_section_kind kind; } section_texts[] = {
	{ STR_INIT(""), IMAP_SECTION_ALL },
	{ STR_INIT("HEADER"), IMAP_SECTION_HEADER },
	{ STR_INIT("HEADER.FIELDS"), IMAP_SECTION_FIELDS },
	{ STR_INIT("HEADER.FIELDS.NOT"), IMAP_SECTION_FIELDS_NOT },
	{ STR_INIT("TEXT"), IMAP_SECTION_TEXT },
	{ STR_INIT("MIME"), IMAP_SECTION_MIME },
};

static bool section_spec(struct imap_cursor *c, struct imap_section *s)
{
	if (!section_path(c, s))
		return false;
	bool dot = s->path_count && c->p[-1] == '.';
	struct str name = take_name(c);
	size_t i = 0;
	while (i < sizeof(section_texts) / sizeof(section_texts[0]) && !str_ieq(name, section_texts[i].name))
		i++;
	if (i == sizeof(section_texts) / sizeof(section_texts[0]))
		return imap_fail(c, "Unknown section");
	s->kind = section_texts[i].kind;
	/* section-part ["." section-text], and "MIME" needs a part: RFC 3501 9. */
	if (s->path_count ? dot != (s->kind != IMAP_SECTION_ALL) : s->kind == IMAP_SECTION_MIME)
		return imap_fail(c, "Invalid section");
	if (s->kind == IMAP_SECTION_FIELDS || s->kind == IMAP_SECTION_FIELDS_NOT)
		return header_list(c, s);
	return true;
}

bool imap_section_text(struct imap_cursor *c, struct imap_section *out)
{
	*out = (struct imap_section){ .kind = IMAP_SECTION_ALL };
	return section_spec(c, out) && imap_end(c);
}

/* "<" number "." nz-number ">" */
static bool partial(struct imap_cursor *c, struct imap_section *s)
{
	if (!imap_take(c, '<'))
		return true;
	s->partial = true;
	if (!imap_number64(c, &s->offset) || !imap_expect(c, '.', "A partial must be <offset.count>") ||
	    !imap_number64(c, &s->count))
		return false;
	if (s->count == 0)
		return imap_fail(c, "A partial must ask for at least one octet");
	return imap_expect(c, '>', "A partial must be <offset.count>");
}

static void format_label(const struct imap_section *s, struct buf *b)
{
	static const char *const names[] = { [IMAP_AS_IT_IS] = "BODY[", [IMAP_AS_DECODED] = "BINARY[", [IMAP_AS_SIZE] = "BINARY.SIZE[" };
	buf_add_c(b, names[s->as]);
	for (size_t i = 0; i < s->path_count; i++) {
		buf_add_u64(b, s->path[i]);
		if (i + 1 < s->path_count || s->kind != IMAP_SECTION_ALL)
			buf_add_char(b, '.');
	}
	buf_add_str(b, section_texts[s->kind].name);
	for (size_t i = 0; i < s->field_count; i++) {
		buf_add_c(b, i ? " " : " (");
		imap_format_astring(b, s->field[i], false);
	}
	buf_add_c(b, s->field_count ? ")]" : "]");
	if (s->partial) {
		buf_add_char(b, '<');
		buf_add_u64(b, s->offset);
		buf_add_char(b, '>');
	}
}

static bool label(struct imap_cursor *c, struct imap_section *s)
{
	struct buf b = BUF_INIT(0);
	format_label(s, &b);
	s->label = b.failed ? STR_NONE : arena_dup(c->arena, buf_str(&b));
	buf_fini(&b);
	return s->label.p ? true : no_memory(c);
}

static struct imap_section *section_add(struct imap_cursor *c, struct imap_fetch *f)
{
	if (f->section_count == IMAP_FETCH_SECTIONS_MAX) {
		imap_fail(c, "Too many sections");
		return NULL;
	}
	if (!f->section)
		f->section = arena_array(c->arena, IMAP_FETCH_SECTIONS_MAX, sizeof(*f->section));
	if (f->section)
		return &f->section[f->section_count++];
	no_memory(c);
	return NULL;
}

/* After "BODY[" or "BODY.PEEK[". */
static bool body_section(struct imap_cursor *c, struct imap_fetch *f)
{
	struct imap_section *s = section_add(c, f);
	return s && section_spec(c, s) && imap_expect(c, ']', "A section must end with ]") && partial(c, s) && label(c, s);
}

/* After "BINARY[" and its kin: section-binary = "[" [section-part] "]", RFC 3516 7. */
static bool binary_section(struct imap_cursor *c, struct imap_fetch *f, enum imap_section_as as)
{
	struct imap_section *s = section_add(c, f);
	if (!s || !section_path(c, s))
		return false;
	s->as = as;
	if (s->path_count && c->p[-1] == '.')
		return imap_fail(c, "BINARY takes part numbers only");
	return imap_expect(c, ']', "BINARY takes part numbers only") && (as == IMAP_AS_SIZE || partial(c, s)) && label(c, s);
}

/* ---- items ---- */

enum { PEEKS = 1, MACRO = 2 };

static const struct {
	struct str name;
	uint32_t items;             /* 0: a section */
	unsigned flags;
	enum imap_section_kind kind;
} known[] = {
	{ STR_INIT("UID"), IMAP_FETCH_UID, 0, 0 },
	{ STR_INIT("FLAGS"), IMAP_FETCH_FLAGS, 0, 0 },
	{ STR_INIT("INTERNALDATE"), IMAP_FETCH_INTERNALDATE, 0, 0 },
	{ STR_INIT("RFC822.SIZE"), IMAP_FETCH_SIZE, 0, 0 },
	{ STR_INIT("ENVELOPE"), IMAP_FETCH_ENVELOPE, 0, 0 },
	{ STR_INIT("BODY"), IMAP_FETCH_BODY, 0, 0 },
	{ STR_INIT("BODYSTRUCTURE"), IMAP_FETCH_BODYSTRUCTURE, 0, 0 },
	{ STR_INIT("MODSEQ"), IMAP_FETCH_MODSEQ, 0, 0 },
	{ STR_INIT("SAVEDATE"), IMAP_FETCH_SAVEDATE, 0, 0 },
	{ STR_INIT("EMAILID"), IMAP_FETCH_EMAILID, 0, 0 },
	{ STR_INIT("THREADID"), IMAP_FETCH_THREADID, 0, 0 },
	{ STR_INIT("PREVIEW"), IMAP_FETCH_PREVIEW, 0, 0 },
	/* RFC 3501 6.4.5: RFC822 is BODY[], RFC822.HEADER is BODY.PEEK[HEADER], RFC822.TEXT is BODY[TEXT]. */
	{ STR_INIT("RFC822"), 0, 0, IMAP_SECTION_ALL },
	{ STR_INIT("RFC822.HEADER"), 0, PEEKS, IMAP_SECTION_HEADER },
	{ STR_INIT("RFC822.TEXT"), 0, 0, IMAP_SECTION_TEXT },
#define FAST_ITEMS (IMAP_FETCH_FLAGS | IMAP_FETCH_INTERNALDATE | IMAP_FETCH_SIZE)
	{ STR_INIT("FAST"), FAST_ITEMS, MACRO, 0 },
	{ STR_INIT("ALL"), FAST_ITEMS | IMAP_FETCH_ENVELOPE, MACRO, 0 },
	{ STR_INIT("FULL"), FAST_ITEMS | IMAP_FETCH_ENVELOPE | IMAP_FETCH_BODY, MACRO, 0 },
};

/* Items whose name must be followed by "[". False and no error: it is none of them. */
static bool section_att(struct imap_cursor *c, struct imap_fetch *f, struct str name)
{
	static const struct { struct str name; bool peeks; enum imap_section_as as; } sections[] = {
		{ STR_INIT("BODY"), false, IMAP_AS_IT_IS },
		{ STR_INIT("BODY.PEEK"), true, IMAP_AS_IT_IS },
		{ STR_INIT("BINARY"), false, IMAP_AS_DECODED },
		{ STR_INIT("BINARY.PEEK"), true, IMAP_AS_DECODED },
		{ STR_INIT("BINARY.SIZE"), true, IMAP_AS_SIZE },
	};
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		if (!str_ieq(name, sections[i].name) || !imap_take(c, '['))
			continue;
		f->sets_seen |= !sections[i].peeks;
		return sections[i].as == IMAP_AS_IT_IS ? body_section(c, f) : binary_section(c, f, sections[i].as);
	}
	return false;
}

/* RFC 8970 6: [SP "(" preview-mod *(SP preview-mod) ")"] with LAZY as the only one. Behind an item that stands alone the parenthesis may be
 * that of the FETCH modifiers. */
static bool preview_modifiers(struct imap_cursor *c, bool in_list)
{
	struct imap_cursor behind = *c;
	if (!imap_take(&behind, ' ') || !imap_take(&behind, '('))
		return true;
	if (!imap_take_word(&behind, "LAZY"))
		return !in_list || imap_fail(c, "Unknown PREVIEW modifier");
	*c = behind;
	while (imap_take(c, ' '))
		if (!imap_take_word(c, "LAZY"))
			return imap_fail(c, "Unknown PREVIEW modifier");
	return imap_expect(c, ')', "PREVIEW modifiers must end with a parenthesis");
}

static bool fetch_att(struct imap_cursor *c, struct imap_fetch *f, bool in_list)
{
	struct str name = take_name(c);
	if (section_att(c, f, name) || c->error)
		return !c->error;
	size_t i = 0;
	while (i < sizeof(known) / sizeof(known[0]) && !str_ieq(name, known[i].name))
		i++;
	/* A macro must stand alone. */
	if (i == sizeof(known) / sizeof(known[0]) || (in_list && known[i].flags & MACRO))
		return imap_fail(c, name.n ? "Unknown FETCH item" : "A FETCH item is missing");
	f->items |= known[i].items;
	if (known[i].items == IMAP_FETCH_PREVIEW)
		return preview_modifiers(c, in_list);
	if (known[i].items)
		return true;
	struct imap_section *s = section_add(c, f);
	if (!s)
		return false;
	s->kind = known[i].kind;
	s->label = known[i].name;
	f->sets_seen |= !(known[i].flags & PEEKS);
	return true;
}

/* RFC 4466 2.4, RFC 7162 3.1.4.1 and 3.2.6, RFC 9394 3.3. */
static bool modifiers(struct imap_cursor *c, struct imap_fetch *f)
{
	if (!imap_take(c, ' '))
		return true;
	if (!imap_expect(c, '(', "FETCH modifiers must begin with a parenthesis"))
		return false;
	do {
		if (!f->vanished && imap_take_word(c, "VANISHED")) {
			f->vanished = true;
			continue;
		}
		if (!f->has_partial && imap_take_word(c, "PARTIAL")) {
			f->has_partial = true;
			if (!imap_sp(c) || !imap_partial(c, &f->partial))
				return false;
			continue;
		}
		if (f->has_changed_since || !imap_take_word(c, "CHANGEDSINCE"))
			return imap_fail(c, "Unknown FETCH modifier");
		if (!imap_sp(c) || !imap_number64(c, &f->changed_since))
			return false;
		f->has_changed_since = true;
		f->items |= IMAP_FETCH_MODSEQ;
	} while (imap_take(c, ' '));
	if (f->vanished && !f->has_changed_since)
		return imap_fail(c, "VANISHED wants CHANGEDSINCE beside it");
	return imap_expect(c, ')', "FETCH modifiers must end with a parenthesis");
}

bool imap_fetch_list(struct imap_cursor *c, struct imap_fetch *out)
{
	*out = (struct imap_fetch){ 0 };
	if (!imap_expect(c, '(', "A list of FETCH items must begin with a parenthesis"))
		return false;
	do {
		if (!fetch_att(c, out, true))
			return false;
	} while (imap_take(c, ' '));
	return imap_expect(c, ')', "A list of FETCH items must end with a parenthesis");
}

bool imap_fetch_args(struct imap_cursor *c, struct imap_fetch *out)
{
	if (imap_peek(c) == '(') {
		if (!imap_fetch_list(c, out))
			return false;
	} else {
		*out = (struct imap_fetch){ 0 };
		if (!fetch_att(c, out, false))
			return false;
	}
	return modifiers(c, out) && imap_end(c);
}
