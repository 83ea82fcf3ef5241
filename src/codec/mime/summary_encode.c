/* Making a summary; the layout stands in summary.c. */
#include "codec/mime/summary.h"

#include "base/arena.h"
#include "base/bytes.h"
#include "base/utf8.h"
#include "codec/mime/address.h"
#include "codec/mime/date.h"
#include "codec/mime/header.h"
#include "codec/mime/msgid.h"
#include "codec/mime/preview.h"
#include "codec/mime/summary_layout.h"

#define NUMBER_MAX 5    /* bytes of a number of 32 bits */

struct encoder {
	const struct mime_message *m;
	struct buf *out;
	struct buf unfolded;
	struct arena arena;    /* of one field; reset after each */
	size_t left;           /* of MIME_SUMMARY_STRINGS_MAX */
	uint32_t defects;
};

/* ---- strings and blocks ---- */

static enum mime_text_class classify(struct str s)
{
	enum mime_text_class class = MIME_TEXT_PLAIN;
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return MIME_TEXT_LITERAL;
		if (s.p[i] == '"' || s.p[i] == '\\')
			class = MIME_TEXT_ESCAPED;
	}
	return class;
}

static struct str cut(struct encoder *e, struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	e->defects |= MIME_CUT;
	return utf8_is_valid(s) ? utf8_clip(s, max) : str_sub(s, 0, max);
}

static void add_text(struct encoder *e, struct str s)
{
	buf_add_varint(e->out, (uint64_t)s.n << 2 | classify(s));
	char *to = buf_reserve(e->out, s.n);
	if (!to)
		return;
	for (size_t i = 0; i < s.n; i++)
		to[i] = s.p[i] == '\r' || s.p[i] == '\n' || s.p[i] == '\0' ? ' ' : s.p[i];
	e->out->n += s.n;
}

static void encode_nil(struct encoder *e) { buf_add_varint(e->out, MIME_TEXT_NIL); }

/* Strings count against the ceiling with one byte more than they have, so that empty ones end too. */
static void encode_text(struct encoder *e, struct str s)
{
	size_t max = e->left > MIME_TEXT_MAX ? MIME_TEXT_MAX : e->left ? e->left - 1 : 0;
	s = cut(e, s, max);
	e->left -= e->left ? s.n + 1 : 0;
	add_text(e, s);
}

/* What every part has. These are short, and do not count: the last part of a message says what it is, too. */
static void encode_type_name(struct encoder *e, struct str s) { add_text(e, cut(e, s, MIME_TYPE_NAME_MAX)); }

/* A field body; p == NULL: absent. */
static void encode_field(struct encoder *e, struct str body)
{
	if (!body.p) {
		encode_nil(e);
		return;
	}
	if (mime_header_is_plain(body)) {
		encode_text(e, str_trim(body));
		return;
	}
	buf_reset(&e->unfolded);
	mime_header_unfold(body, &e->unfolded);
	e->out->failed |= e->unfolded.failed;
	encode_text(e, buf_str(&e->unfolded));
}

static size_t begin_block(struct encoder *e)
{
	buf_add_u8(e->out, 0);
	return e->out->n;
}

/* Puts the length before the block that began at start; most are short enough for the byte that is there. */
static void end_block(struct encoder *e, size_t start)
{
	struct buf *out = e->out;
	size_t n = out->n - start;
	if (!buf_reserve(out, NUMBER_MAX))
		return;
	if (n < 0x80) {
		out->p[start - 1] = (char)n;
		return;
	}
	buf_add_varint(out, n);
	size_t more = out->n - start - n;
	char number[NUMBER_MAX];
	memcpy(number, out->p + start + n, more);
	memmove(out->p + start - 1 + more, out->p + start, n);
	memcpy(out->p + start - 1, number, more);
	out->n = start - 1 + more + n;
}

/* ---- envelope ---- */

/* RFC 9051 7.5.2. */
static void encode_address(struct encoder *e, const struct mime_address *a)
{
	if (a->kind != MIME_ADDRESS) {
		encode_nil(e);
		encode_nil(e);
		if (a->kind == MIME_GROUP_START)
			encode_text(e, a->name);
		else
			encode_nil(e);
		encode_nil(e);
		return;
	}
	if (a->name.n)
		encode_text(e, a->name);
	else
		encode_nil(e);
	if (a->route.n)
		encode_text(e, a->route);
	else
		encode_nil(e);
	encode_text(e, a->local);
	encode_text(e, a->domain);
}

static void encode_addresses(struct encoder *e, const struct mime_part *part, enum mime_field field)
{
	static const struct mime_address group_end = { .kind = MIME_GROUP_END };
	struct mime_address *list = NULL;
	size_t start = begin_block(e), count = 0;
	bool in_group = false;
	struct str body = mime_part_addresses(e->m, part, field, &e->arena);
	if (body.p)
		mime_addresses_parse(body, &e->arena, &list, &count, &e->defects);
	for (size_t i = 0; i < count && e->left; i++) {
		encode_address(e, &list[i]);
		in_group = list[i].kind == MIME_GROUP_START || (in_group && list[i].kind == MIME_ADDRESS);
	}
	if (in_group)
		encode_address(e, &group_end);
	if (count && !e->left)
		e->defects |= MIME_CUT;
	e->out->failed |= e->arena.failed;
	arena_reset(&e->arena);
	end_block(e, start);
}

static void encode_envelope(struct encoder *e, const struct mime_part *part)
{
	static const enum mime_field lists[] = { MIME_FIELD_FROM, MIME_FIELD_SENDER, MIME_FIELD_REPLY_TO,
		                                 MIME_FIELD_TO,   MIME_FIELD_CC,     MIME_FIELD_BCC };
	size_t start = begin_block(e);
	encode_field(e, part->field[MIME_FIELD_DATE]);
	encode_field(e, part->field[MIME_FIELD_SUBJECT]);
	encode_field(e, part->field[MIME_FIELD_IN_REPLY_TO]);
	encode_field(e, part->field[MIME_FIELD_MESSAGE_ID]);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		encode_addresses(e, part, lists[i]);
	end_block(e, start);
}

/* ---- parts ---- */

static void encode_params(struct encoder *e, const struct mime_content *c)
{
	size_t start = begin_block(e);
	for (size_t i = 0; i < c->param_count && e->left; i++) {
		encode_text(e, c->param[i].name);
		encode_text(e, c->param[i].value);
	}
	end_block(e, start);
}

static void encode_disposition(struct encoder *e, struct str body)
{
	struct mime_content disposition = { .param = NULL };
	if (body.p && mime_disposition_parse(body, &e->arena, &disposition, &e->defects) == 0)
		encode_text(e, disposition.type);
	else
		encode_nil(e);
	encode_params(e, &disposition);
	e->out->failed |= e->arena.failed;
	arena_reset(&e->arena);
}

static void encode_languages(struct encoder *e, struct str body)
{
	size_t start = begin_block(e);
	struct str tag;
	while (e->left && mime_language_next(&body, &tag))
		encode_text(e, tag);
	end_block(e, start);
}

static void encode_part(struct encoder *e, const struct mime_part *part)
{
	const struct str *field = part->field;
	bool described = field[MIME_FIELD_CONTENT_ID].p || field[MIME_FIELD_CONTENT_DESCRIPTION].p;
	bool extended = field[MIME_FIELD_CONTENT_MD5].p || field[MIME_FIELD_CONTENT_DISPOSITION].p ||
	                field[MIME_FIELD_CONTENT_LANGUAGE].p || field[MIME_FIELD_CONTENT_LOCATION].p;
	struct str encoding = mime_token_parse(field[MIME_FIELD_CONTENT_TRANSFER_ENCODING]);
	int shape = (int)part->kind | (described ? PART_DESCRIBED : 0) | (extended ? PART_EXTENDED : 0);
	buf_add_u8(e->out, (uint8_t)shape);
	if (part->kind == MIME_MULTIPART)
		buf_add_varint(e->out, part->children);
	buf_add_varint(e->out, part->header_at);
	buf_add_varint(e->out, part->header_n);
	buf_add_varint(e->out, part->body_n);
	buf_add_varint(e->out, part->lines);
	encode_type_name(e, part->type.type);
	encode_type_name(e, part->type.subtype);
	encode_params(e, &part->type);
	encode_type_name(e, encoding.n ? encoding : STR("7bit"));    /* RFC 2045 6.1 */
	if (described) {
		encode_field(e, field[MIME_FIELD_CONTENT_ID]);
		encode_field(e, field[MIME_FIELD_CONTENT_DESCRIPTION]);
	}
	if (extended) {
		encode_field(e, field[MIME_FIELD_CONTENT_MD5]);
		encode_disposition(e, field[MIME_FIELD_CONTENT_DISPOSITION]);
		encode_languages(e, field[MIME_FIELD_CONTENT_LANGUAGE]);
		encode_field(e, field[MIME_FIELD_CONTENT_LOCATION]);
	}
	if (part->kind == MIME_EMBEDDED)
		encode_envelope(e, part + 1);
}

/* ---- the whole ---- */

static void encode_date(struct encoder *e, size_t flags_at)
{
	struct str body = e->m->part[0].field[MIME_FIELD_DATE];
	struct mime_date date;
	if (!body.p)
		return;
	if (mime_date_parse(body, &date)) {
		e->defects |= MIME_BAD_DATE;
		return;
	}
	uint32_t zigzag = date.zone_minutes < 0 ? (uint32_t)-date.zone_minutes * 2 - 1 : (uint32_t)date.zone_minutes * 2;
	buf_add_le64(e->out, (uint64_t)date.unix_seconds);
	buf_add_varint(e->out, zigzag);
	if (!e->out->failed)
		e->out->p[flags_at] |= SUMMARY_HAS_DATE;
}

/* Of a long list the first, which begins the thread, and the last ones, which are nearest (RFC 5537 3.4.4). */
static void encode_references(struct encoder *e)
{
	struct str body = e->m->part[0].field[MIME_FIELD_REFERENCES], *ids;
	size_t count, start = begin_block(e);
	if (body.p && mime_msgids_parse(body, &e->arena, &ids, &count) == 0)
		for (size_t i = 0; i < count && e->left; i++)
			if (i == 0 || count - i < MIME_REFERENCES_KEPT)
				encode_text(e, ids[i]);
	e->out->failed |= e->arena.failed;
	arena_reset(&e->arena);
	end_block(e, start);
}

int mime_summary_encode(const struct mime_message *m, struct str message, struct buf *out)
{
	struct encoder e = { .m = m, .out = out, .left = MIME_SUMMARY_STRINGS_MAX, .defects = m->defects };
	buf_init(&e.unfolded, 0);
	arena_init(&e.arena, 0);
	size_t start = out->n;
	buf_add_u8(out, SUMMARY_VERSION);
	buf_add_u8(out, 0);
	buf_add_le32(out, 0);
	buf_add_varint(out, message.n);
	buf_add_varint(out, m->part_count);
	encode_date(&e, start + 1);
	encode_envelope(&e, &m->part[0]);
	encode_references(&e);
	size_t preview = begin_block(&e);
	mime_preview_add(m, out);
	end_block(&e, preview);
	for (uint32_t i = 0; i < m->part_count; i++)
		encode_part(&e, &m->part[i]);
	if (message.n && !str_ends(message, STR("\r\n")))
		e.defects |= MIME_NO_LAST_CRLF;
	if (!out->failed)
		store_le32(out->p + start + 2, e.defects);
	buf_fini(&e.unfolded);
	arena_fini(&e.arena);
	return out->failed ? ERR_NO_MEMORY : 0;
}
