#include "codec/mime/message.h"

#include "base/err.h"
#include "base/utf8.h"
#include "codec/mime/header.h"

#define PARTS_FIRST 4
#define NO_HIT UINT32_MAX

/* Entities are parsed by recursion, lines are read once, in order. Reading stops before a line that is a boundary of
 * any multipart that is open, the innermost or one further out: then all in between end there. */
struct parser {
	struct str s;
	size_t at;                          /* start of the next line */
	uint32_t lines;                     /* line ends before `at` */
	size_t header_end;                  /* of the last header that was read */
	struct arena *arena;
	struct mime_message *m;
	uint32_t capacity;
	struct str open[MIME_DEPTH_MAX + 1];    /* boundaries, outermost first */
	uint32_t open_count;
	uint32_t hit;                       /* index of the boundary at `at`; NO_HIT: at the end of the message */
	bool hit_close;                     /* it is a closing one */
};

static int parse_entity(struct parser *p, uint32_t parent, bool in_digest);

/* ---- parts ---- */

/* Returns the index of a new part that starts here, or 0 when out of memory: part 0 is made first and only once. */
static uint32_t part_add(struct parser *p, uint32_t parent)
{
	struct mime_message *m = p->m;
	if (m->part_count == p->capacity) {
		uint32_t capacity = p->capacity ? p->capacity * 2 : PARTS_FIRST;
		struct mime_part *grown = arena_array(p->arena, capacity, sizeof(*grown));
		if (!grown)
			return 0;
		if (m->part_count)
			memcpy(grown, m->part, m->part_count * sizeof(*grown));
		m->part = grown;
		p->capacity = capacity;
	}
	uint32_t index = m->part_count++;
	struct mime_part *part = &m->part[index];
	part->parent = parent;
	part->header_at = part->body_at = (uint32_t)p->at;
	if (index > 0) {
		part->depth = m->part[parent].depth + 1;
		m->part[parent].children++;
	}
	return index;
}

/* The body ends here; RFC 2046 5.1.1: the line end before a boundary belongs to the boundary. But the blank line of a
 * header stays with it, so that an embedded message without a body is still a whole message. */
static void part_close(struct parser *p, uint32_t index, uint32_t lines_before)
{
	struct mime_part *part = &p->m->part[index];
	size_t end = p->at;
	part->lines = p->lines - lines_before;
	part->after = p->m->part_count;
	if (p->hit != NO_HIT && end > p->header_end) {
		end--;
		part->lines--;
		if (end > p->header_end && p->s.p[end - 1] == '\r')
			end--;
	}
	part->body_n = (uint32_t)(end - part->body_at);
	p->m->defects |= part->defects;
}

/* ---- headers ---- */

static const struct str field_names[MIME_FIELD_COUNT] = {
	[MIME_FIELD_DATE] = STR_INIT("Date"),
	[MIME_FIELD_SUBJECT] = STR_INIT("Subject"),
	[MIME_FIELD_FROM] = STR_INIT("From"),
	[MIME_FIELD_SENDER] = STR_INIT("Sender"),
	[MIME_FIELD_REPLY_TO] = STR_INIT("Reply-To"),
	[MIME_FIELD_TO] = STR_INIT("To"),
	[MIME_FIELD_CC] = STR_INIT("Cc"),
	[MIME_FIELD_BCC] = STR_INIT("Bcc"),
	[MIME_FIELD_IN_REPLY_TO] = STR_INIT("In-Reply-To"),
	[MIME_FIELD_MESSAGE_ID] = STR_INIT("Message-ID"),
	[MIME_FIELD_REFERENCES] = STR_INIT("References"),
	[MIME_FIELD_CONTENT_TYPE] = STR_INIT("Content-Type"),
	[MIME_FIELD_CONTENT_TRANSFER_ENCODING] = STR_INIT("Content-Transfer-Encoding"),
	[MIME_FIELD_CONTENT_ID] = STR_INIT("Content-ID"),
	[MIME_FIELD_CONTENT_DESCRIPTION] = STR_INIT("Content-Description"),
	[MIME_FIELD_CONTENT_DISPOSITION] = STR_INIT("Content-Disposition"),
	[MIME_FIELD_CONTENT_LANGUAGE] = STR_INIT("Content-Language"),
	[MIME_FIELD_CONTENT_LOCATION] = STR_INIT("Content-Location"),
	[MIME_FIELD_CONTENT_MD5] = STR_INIT("Content-MD5"),
};

static void note_field(struct mime_part *part, const struct mime_header_field *field)
{
	for (uint32_t i = 0; i < MIME_FIELD_COUNT; i++) {
		if (field_names[i].n != field->name.n || !str_ieq(field_names[i], field->name))
			continue;
		if (part->field[i].p) {
			part->repeated |= 1u << i;
			part->defects |= MIME_REPEATED_FIELD;
			return;
		}
		part->field[i] = str_sub(field->body, 0, MIME_FIELD_MAX);
		if (field->body.n > MIME_FIELD_MAX)
			part->defects |= MIME_HEADER_TOO_LONG;
		return;
	}
}

/* The defects of the bytes of a header, and how many lines it has. */
static uint32_t check_header(struct str header, uint32_t *lines_out)
{
	uint32_t defects = 0, lines = 0;
	const char *p = header.p, *end = p + header.n;
	for (const char *lf; (lf = memchr(p, '\n', (size_t)(end - p))); p = lf + 1, lines++)
		if (lf == header.p || lf[-1] != '\r')
			defects |= MIME_BARE_LF;
	p = header.p;
	for (const char *cr; (cr = memchr(p, '\r', (size_t)(end - p))); p = cr + 1)
		if (cr + 1 == end || cr[1] != '\n')
			defects |= MIME_BARE_CR;
	if (!utf8_is_ascii(header))
		defects |= utf8_is_valid(header) ? MIME_HEADER_8BIT : MIME_HEADER_8BIT | MIME_HEADER_NOT_UTF8;
	*lines_out = lines;
	return defects;
}

/* Cheap where it fails: a message may be made of nothing but lines that are almost one of many boundaries. */
static inline bool begins_with(struct str text, struct str boundary)
{
	size_t n = boundary.n;
	return n <= text.n && text.p[0] == boundary.p[0] && text.p[n - 1] == boundary.p[n - 1] &&
	       memcmp(text.p, boundary.p, n) == 0;
}

/* Finds the boundary that the line at p->at is. RFC 2046 5.1.1: it suffices that the line begins with it. Of several
 * that fit, the longest, since one may be the beginning of another; of equal ones the innermost. */
static bool at_boundary(struct parser *p)
{
	struct str text = str_sub(p->s, p->at + 2, MIME_BOUNDARY_MAX + 2);
	const struct str *best = NULL;
	for (uint32_t i = p->open_count; i-- > 0;)
		if ((!best || p->open[i].n > best->n) && begins_with(text, p->open[i]))
			best = &p->open[i];
	if (!best)
		return false;
	p->hit = (uint32_t)(best - p->open);
	p->hit_close = str_starts(str_from(text, best->n), STR("--"));
	return true;
}

static void parse_header(struct parser *p, struct mime_part *part)
{
	struct mime_header_walk w = mime_header_walk(str_from(p->s, p->at));
	struct mime_header_field field;
	for (unsigned count = 0; mime_header_next(&w, &field); count++) {
		size_t header_at = p->at;
		p->at += field.at;
		bool boundary = p->open_count && str_starts(field.raw, STR("--")) && at_boundary(p);
		p->at = header_at;
		if (boundary) {
			w.at = field.at;
			break;
		}
		if (field.at > MIME_HEADER_MAX)
			part->defects |= MIME_HEADER_TOO_LONG;
		else if (count >= MIME_FIELDS_MAX)
			part->defects |= MIME_TOO_MANY_FIELDS;
		else
			note_field(part, &field);
	}
	uint32_t lines;
	part->header_n = (uint32_t)w.at;
	part->defects |= check_header(str_sub(p->s, p->at, w.at), &lines);
	if (w.stray)
		part->defects |= MIME_STRAY_LINE;
	if (!w.blank)
		part->defects |= MIME_NO_BLANK_LINE;
	p->at += w.at;
	p->header_end = p->at;
	p->lines += lines;
	part->body_at = (uint32_t)p->at;
}

/* RFC 2045 5.2 and RFC 2046 5.1.5: what a part is that does not say so, or not properly. */
static void set_default_type(struct mime_part *part, bool in_digest)
{
	static const struct mime_param ascii = { STR_INIT("charset"), STR_INIT("us-ascii"), false };
	if (in_digest)
		part->type = (struct mime_content){ STR("message"), STR("rfc822"), NULL, 0 };
	else
		part->type = (struct mime_content){ STR("text"), STR("plain"), &ascii, 1 };
}

static enum mime_kind kind_of(const struct mime_content *type)
{
	if (str_ieq(type->type, STR("multipart")))
		return MIME_MULTIPART;
	/* RFC 9051 9 media-message; message/global is of RFC 6532. */
	bool message = str_ieq(type->type, STR("message"));
	if (message && (str_ieq(type->subtype, STR("rfc822")) || str_ieq(type->subtype, STR("global"))))
		return MIME_EMBEDDED;
	return MIME_LEAF;
}

static int set_type(struct parser *p, struct mime_part *part, bool in_digest)
{
	struct str type = part->field[MIME_FIELD_CONTENT_TYPE];
	struct str encoding = mime_token_parse(part->field[MIME_FIELD_CONTENT_TRANSFER_ENCODING]);
	int error = type.p ? mime_content_type_parse(type, p->arena, &part->type, &part->defects) : 0;
	if (error == ERR_NO_MEMORY)
		return error;
	if (error)
		part->defects |= MIME_BAD_TYPE;
	if (error || !type.p)
		set_default_type(part, in_digest && !type.p);
	part->encoding = mime_encoding_from_name(encoding);
	part->kind = kind_of(&part->type);
	if (part->encoding == MIME_ENCODING_UNKNOWN)
		part->defects |= MIME_BAD_ENCODING;
	if (part->kind == MIME_LEAF)
		return 0;
	if (part->encoding == MIME_BASE64 || part->encoding == MIME_QUOTED_PRINTABLE)
		part->defects |= MIME_ENCODED_COMPOSITE;
	if (part->depth >= MIME_DEPTH_MAX)
		part->defects |= MIME_TOO_DEEP;
	else if (p->m->part_count >= MIME_PARTS_MAX)
		part->defects |= MIME_TOO_MANY_PARTS;
	else
		return 0;
	part->type = (struct mime_content){ STR("application"), STR("octet-stream"), NULL, 0 };
	part->kind = MIME_LEAF;
	return 0;
}

/* ---- bodies ---- */

/* Reads the line at p->at. */
static void skip_line(struct parser *p, uint32_t *defects)
{
	const char *start = p->s.p + p->at, *lf = memchr(start, '\n', p->s.n - p->at);
	if (!lf) {
		p->at = p->s.n;
		return;
	}
	if (lf == p->s.p || lf[-1] != '\r')
		*defects |= MIME_BARE_LF;
	p->at += (size_t)(lf - start) + 1;
	p->lines++;
}

/* Reads lines up to the next boundary or the end. */
static void skip_text(struct parser *p, uint32_t *defects)
{
	while (p->at < p->s.n) {
		if (p->s.p[p->at] == '-' && p->open_count && p->s.n - p->at > 2 && p->s.p[p->at + 1] == '-' && at_boundary(p))
			return;
		skip_line(p, defects);
	}
	p->hit = NO_HIT;
}

/* No part could be found in a multipart: its text is shown as one part, so that it can be read at all, and because
 * IMAP has no way to say "multipart of nothing". */
static int add_text_part(struct parser *p, uint32_t parent, uint32_t lines_before)
{
	uint32_t index = part_add(p, parent);
	if (!index)
		return ERR_NO_MEMORY;
	struct mime_part *part = &p->m->part[index];
	part->header_at = part->body_at = p->m->part[parent].body_at;
	set_default_type(part, false);
	part_close(p, index, lines_before);
	return 0;
}

static bool push_boundary(struct parser *p, uint32_t index)
{
	const struct mime_param *param = mime_param_find(&p->m->part[index].type, STR("boundary"));
	struct str boundary = param ? str_trim(param->value) : STR_NONE;
	if (!boundary.n || boundary.n > MIME_BOUNDARY_MAX)
		return false;
	p->open[p->open_count++] = boundary;
	return true;
}

/* Before a delimiter line of the multipart: reads the part behind it. */
static int parse_child(struct parser *p, uint32_t index, bool digest, uint32_t *defects)
{
	skip_line(p, defects);
	if (p->m->part_count < MIME_PARTS_MAX)
		return parse_entity(p, index, digest);
	*defects |= MIME_TOO_MANY_PARTS;
	skip_text(p, defects);
	return 0;
}

static int parse_multipart(struct parser *p, uint32_t index)
{
	bool digest = str_ieq(p->m->part[index].type.subtype, STR("digest"));
	uint32_t defects = 0, own = p->open_count, lines_before = p->lines;
	if (push_boundary(p, index)) {
		skip_text(p, &defects);
		while (p->hit == own && !p->hit_close) {
			int error = parse_child(p, index, digest, &defects);
			if (error)
				return error;
		}
		p->open_count = own;
		if (p->hit == own) {
			skip_line(p, &defects);
			skip_text(p, &defects);
		} else {
			defects |= MIME_NO_END;
		}
	} else {
		defects |= MIME_NO_BOUNDARY;
		skip_text(p, &defects);
	}
	if (!p->m->part[index].children) {
		int error = add_text_part(p, index, lines_before);
		if (error)
			return error;
		defects |= MIME_NO_START;
	}
	p->m->part[index].defects |= defects;
	return 0;
}

static int parse_entity(struct parser *p, uint32_t parent, bool in_digest)
{
	bool first = p->m->part_count == 0;
	uint32_t index = part_add(p, parent), defects = 0;
	if (!index && !first)
		return ERR_NO_MEMORY;
	if (!p->m->part)
		return ERR_NO_MEMORY;
	struct mime_part *part = &p->m->part[index];
	parse_header(p, part);
	int error = set_type(p, part, in_digest);
	uint32_t lines_before = p->lines;
	if (!error && part->kind == MIME_MULTIPART)
		error = parse_multipart(p, index);
	else if (!error && part->kind == MIME_EMBEDDED)
		error = parse_entity(p, index, false);
	else if (!error)
		skip_text(p, &defects);
	if (error)
		return error;
	p->m->part[index].defects |= defects;    /* the array may have moved */
	part_close(p, index, lines_before);
	return 0;
}

int mime_message_parse(struct str bytes, struct arena *a, struct mime_message *out)
{
	*out = (struct mime_message){ .bytes = bytes };
	if (bytes.n > MIME_MESSAGE_MAX)
		return ERR_TOO_BIG;
	struct parser p = { .s = bytes.p ? bytes : STR(""), .arena = a, .m = out, .hit = NO_HIT };
	int error = parse_entity(&p, 0, false);
	if (error)
		return error;
	if (str_chr(bytes, '\0') != STR_NPOS) {
		out->part[0].defects |= MIME_HAS_NUL;
		out->defects |= MIME_HAS_NUL;
	}
	return 0;
}

/* ---- repeated fields ---- */

struct str mime_part_addresses(const struct mime_message *m, const struct mime_part *part, enum mime_field field,
                               struct arena *a)
{
	bool destination = field == MIME_FIELD_TO || field == MIME_FIELD_CC || field == MIME_FIELD_BCC;
	if (!destination || !(part->repeated & 1u << field))
		return part->field[field];
	struct str header = mime_part_header(m, part);
	char *joined = arena_alloc(a, header.n < MIME_FIELD_MAX ? header.n : MIME_FIELD_MAX);
	if (!joined)
		return part->field[field];
	struct mime_header_walk w = mime_header_walk(header);
	struct mime_header_field f;
	size_t n = 0;
	for (unsigned count = 0; mime_header_next(&w, &f) && count < MIME_FIELDS_MAX; count++) {
		if (!str_ieq(f.name, field_names[field]) || f.body.n + 1 > MIME_FIELD_MAX - n)
			continue;
		if (n)
			joined[n++] = ',';
		memcpy(joined + n, f.body.p, f.body.n);    /* fits: a field is longer than its body and a comma */
		n += f.body.n;
	}
	return str_make(joined, n);
}
