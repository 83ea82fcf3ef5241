/* Reading a summary. The layout:
 *
 *   summary  = version(1 byte) flags(1 byte) defects(le32) size(number) parts(number) [sent(le64) zone(number)]
 *              envelope(block) references(block) preview(block) 1*part
 *   number   = LEB128                     zone: zigzag minutes; sent and zone only when flag bit 0 is set
 *   block    = number of bytes, the bytes
 *   text     = number whose low two bits are enum mime_text_class and whose rest is the length, the bytes
 *   envelope = date subject in-reply-to message-id (texts) from sender reply-to to cc bcc (blocks of addresses)
 *   address  = name route local domain (texts)
 *   part     = shape(1 byte) [children(number), of a multipart] header-at header-n body-n lines (numbers)
 *              type subtype (texts) params(block of texts) encoding(text)
 *              [id description (texts)]                                              shape bit 2
 *              [md5 disposition (texts) its params(block) languages(block) location(text)]    shape bit 3
 *              [envelope(block)]                                                     kind MIME_EMBEDDED
 *   shape    = kind in the low two bits */
#include "codec/mime/summary.h"

#include "base/bytes.h"
#include "codec/mime/summary_layout.h"

static inline uint32_t take_number(struct cursor *c)
{
	if (c->p < c->end && *c->p < 0x80)
		return *c->p++;
	uint64_t v = cursor_varint(c);
	if (v > UINT32_MAX)
		c->bad = true;
	return (uint32_t)v;
}

static inline struct str take_bytes(struct cursor *c, size_t n)
{
	if (n > cursor_left(c)) {
		c->bad = true;
		n = 0;
	}
	struct str s = str_make(c->p, n);
	if (n)
		c->p += n;
	return s;
}

static inline struct str take_block(struct cursor *c) { return take_bytes(c, take_number(c)); }

static inline struct mime_text take_text(struct cursor *c)
{
	uint32_t head = take_number(c);
	struct str s = take_bytes(c, head >> 2);
	if ((head & 3) == MIME_TEXT_NIL && s.n)
		c->bad = true;
	return (struct mime_text){ s.p, (uint32_t)s.n, (enum mime_text_class)(head & 3) };
}

/* What is left, for the next call; nothing when the bytes were bad, so that every loop ends. */
static inline struct str rest_of(const struct cursor *c)
{
	return c->bad ? STR_NONE : str_make(c->p, cursor_left(c));
}

int mime_summary_open(struct mime_summary *s, struct str record)
{
	struct cursor c = cursor_make(record);
	uint8_t version = cursor_u8(&c), flags = cursor_u8(&c);
	*s = (struct mime_summary){ .size = 0 };
	if (!c.bad && version > SUMMARY_VERSION)
		return ERR_VERSION;
	s->defects = cursor_le32(&c);
	s->size = take_number(&c);
	s->part_count = take_number(&c);
	if (flags & SUMMARY_HAS_DATE) {
		s->has_date = true;
		s->sent = (int64_t)cursor_le64(&c);
		uint32_t zigzag = take_number(&c);
		s->zone_minutes = (int)(zigzag >> 1) ^ -(int)(zigzag & 1);
	}
	s->envelope = take_block(&c);
	s->references = take_block(&c);
	s->preview = take_block(&c);
	s->parts = rest_of(&c);
	bool possible = s->size <= MIME_MESSAGE_MAX && s->part_count > 0 && s->part_count <= MIME_PARTS_MAX;
	return c.bad || version != SUMMARY_VERSION || !possible ? ERR_CORRUPT : 0;
}

/* ---- envelope ---- */

int mime_summary_envelope_read(struct str envelope, struct mime_envelope *out)
{
	struct cursor c = cursor_make(envelope);
	out->date = take_text(&c);
	out->subject = take_text(&c);
	out->in_reply_to = take_text(&c);
	out->message_id = take_text(&c);
	out->from = take_block(&c);
	out->sender = take_block(&c);
	out->reply_to = take_block(&c);
	out->to = take_block(&c);
	out->cc = take_block(&c);
	out->bcc = take_block(&c);
	if (!c.bad && !cursor_left(&c))
		return 0;
	*out = (struct mime_envelope){ .from = STR_NONE };
	return ERR_CORRUPT;
}

int mime_summary_envelope(const struct mime_summary *s, struct mime_envelope *out)
{
	return mime_summary_envelope_read(s->envelope, out);
}

bool mime_envelope_address(struct str *list, struct mime_envelope_address *out)
{
	if (!list->n)
		return false;
	struct cursor c = cursor_make(*list);
	out->name = take_text(&c);
	out->route = take_text(&c);
	out->local = take_text(&c);
	out->domain = take_text(&c);
	*list = rest_of(&c);
	return !c.bad;
}

bool mime_summary_text(struct str *rest, struct mime_text *out)
{
	if (!rest->n)
		return false;
	struct cursor c = cursor_make(*rest);
	*out = take_text(&c);
	*rest = rest_of(&c);
	return !c.bad;
}

bool mime_summary_reference(struct str *rest, struct str *id_out)
{
	struct mime_text text;
	if (!mime_summary_text(rest, &text))
		return false;
	*id_out = mime_text_str(text);
	return true;
}

bool mime_summary_param(struct str *rest, struct mime_text *name_out, struct mime_text *value_out)
{
	return mime_summary_text(rest, name_out) && mime_summary_text(rest, value_out);
}

/* ---- parts ---- */

void mime_summary_walk(const struct mime_summary *s, struct mime_summary_walk *w)
{
	w->rest = s->parts;
	w->size = s->size;
	w->index = 0;
	w->count = s->part_count;
	w->depth = 0;
	w->pending[0] = 1;
}

static bool read_part(struct cursor *c, struct mime_summary_part *out)
{
	static const struct mime_text nil = { NULL, 0, MIME_TEXT_NIL };
	uint8_t shape = cursor_u8(c);
	out->kind = shape & PART_KIND;
	out->extended = shape & PART_EXTENDED;
	out->children = out->kind == MIME_MULTIPART ? take_number(c) : out->kind == MIME_EMBEDDED;
	out->header_at = take_number(c);
	out->header_n = take_number(c);
	out->body_at = out->header_at + out->header_n;
	out->body_n = take_number(c);
	out->lines = take_number(c);
	out->type = take_text(c);
	out->subtype = take_text(c);
	out->params = take_block(c);
	out->encoding = take_text(c);
	out->id = shape & PART_DESCRIBED ? take_text(c) : nil;
	out->description = shape & PART_DESCRIBED ? take_text(c) : nil;
	if (out->extended) {
		out->md5 = take_text(c);
		out->disposition = take_text(c);
		out->disposition_params = take_block(c);
		out->languages = take_block(c);
		out->location = take_text(c);
	} else {
		out->md5 = out->disposition = out->location = nil;
		out->disposition_params = out->languages = STR_NONE;
	}
	out->envelope = out->kind == MIME_EMBEDDED ? take_block(c) : STR_NONE;
	return !c->bad && out->kind <= MIME_EMBEDDED;
}

static bool is_inside(const struct mime_summary_part *p, uint32_t size)
{
	return (uint64_t)p->header_at + p->header_n + p->body_n <= size && p->lines <= p->body_n;
}

int mime_summary_next(struct mime_summary_walk *w, struct mime_summary_part *out)
{
	while (w->depth > 0 && w->pending[w->depth] == 0)
		w->depth--;
	if (w->pending[w->depth] == 0)
		return w->index == w->count && !w->rest.n ? ERR_NOT_FOUND : ERR_CORRUPT;
	struct cursor c = cursor_make(w->rest);
	if (w->index == w->count || !read_part(&c, out) || !is_inside(out, w->size))
		return ERR_CORRUPT;
	out->index = w->index++;
	out->depth = (uint8_t)w->depth;
	w->rest = rest_of(&c);
	w->pending[w->depth]--;
	if (out->children > w->count - w->index || (out->kind == MIME_MULTIPART && !out->children))
		return ERR_CORRUPT;
	if (out->children) {
		if (w->depth == MIME_DEPTH_MAX)
			return ERR_CORRUPT;
		w->pending[++w->depth] = out->children;
	}
	return 0;
}
