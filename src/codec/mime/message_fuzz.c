/* Message to structure to summary and back; and the same bytes read as a summary. */
#include "codec/mime/section.h"
#include "codec/mime/summary.h"

#include "base/utf8.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_tree(const struct mime_message *m)
{
	for (uint32_t i = 0; i < m->part_count; i++) {
		const struct mime_part *p = &m->part[i], *parent = &m->part[p->parent];
		assert(p->body_at == p->header_at + p->header_n && (size_t)p->body_at + p->body_n <= m->bytes.n);
		assert(p->after > i && p->after <= m->part_count && p->depth <= MIME_DEPTH_MAX && p->lines <= p->body_n);
		assert((p->kind == MIME_LEAF) == (p->children == 0) && (p->kind != MIME_EMBEDDED || p->children == 1));
		if (i > 0) {
			assert(p->parent < i && p->after <= parent->after && p->depth == parent->depth + 1);
			assert(p->header_at >= parent->body_at && p->body_at + p->body_n <= parent->body_at + parent->body_n);
		}
	}
}

static void read_envelope(const struct mime_envelope *e)
{
	struct str lists[] = { e->from, e->sender, e->reply_to, e->to, e->cc, e->bcc };
	struct mime_envelope_address a;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		while (mime_envelope_address(&lists[i], &a))
			assert(a.name.n + a.route.n + a.local.n + a.domain.n <= MIME_MESSAGE_MAX);
}

static void check_text(struct mime_text t)
{
	bool escaped = false, eight = false;
	for (uint32_t i = 0; i < t.n; i++) {
		assert(t.p[i] != '\r' && t.p[i] != '\n' && t.p[i] != '\0');
		escaped |= t.p[i] == '"' || t.p[i] == '\\';
		eight |= (unsigned char)t.p[i] > 127;
	}
	assert(t.class == (eight ? MIME_TEXT_LITERAL : escaped ? MIME_TEXT_ESCAPED : t.n ? MIME_TEXT_PLAIN : t.class));
}

/* Every path of up to three numbers below four. */
static void read_sections(const struct mime_summary *s)
{
	for (uint32_t i = 0; i < 64; i++) {
		uint32_t path[] = { i / 16, i / 4 % 4, i % 4 };
		struct mime_section section;
		for (size_t n = 0; n <= 3; n++)
			if (mime_section_find(s, path, n, (enum mime_section_kind)((i + n) % 4), &section) == 0)
				assert((uint64_t)section.at + section.n <= s->size);
	}
}

/* Reads all there is. m is what the record was made from, or NULL when the record is anything. */
static void read_summary(struct str record, const struct mime_message *m)
{
	struct mime_summary s;
	struct mime_envelope e;
	int error = mime_summary_open(&s, record);
	assert(!error || !m);
	if (error)
		return;
	error = mime_summary_envelope(&s, &e);
	assert(!error || !m);
	if (!error)
		read_envelope(&e);
	struct str rest = s.references, id;
	while (mime_summary_reference(&rest, &id))
		continue;
	assert(!m || (utf8_is_valid(s.preview) && s.preview.n <= MIME_PREVIEW_MAX));
	struct mime_summary_walk w;
	struct mime_summary_part p;
	struct mime_text name, value;
	mime_summary_walk(&s, &w);
	while (!(error = mime_summary_next(&w, &p))) {
		assert(p.depth <= MIME_DEPTH_MAX && (uint64_t)p.body_at + p.body_n <= s.size);
		while (mime_summary_param(&p.params, &name, &value))
			if (m)
				check_text(value);
		while (mime_summary_param(&p.disposition_params, &name, &value) || mime_summary_text(&p.languages, &value))
			continue;
		if (p.envelope.n && mime_summary_envelope_read(p.envelope, &e) == 0)
			read_envelope(&e);
		if (!m)
			continue;
		const struct mime_part *q = &m->part[p.index];
		assert(p.kind == q->kind && p.children == q->children && p.lines == q->lines && p.depth == q->depth);
		assert(p.header_at == q->header_at && p.header_n == q->header_n && p.body_at == q->body_at &&
		       p.body_n == q->body_n);
		check_text(p.type);
		check_text(p.description);
	}
	assert(!m || (error == ERR_NOT_FOUND && p.index == m->part_count - 1));
	read_sections(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str bytes = str_make(data, size);
	struct arena arena = ARENA_INIT(0);
	struct buf record = BUF_INIT(0);
	struct mime_message m;
	int error = mime_message_parse(bytes, &arena, &m);
	assert(!error);
	check_tree(&m);
	error = mime_summary_encode(&m, bytes, &record);
	assert(!error);
	read_summary(buf_str(&record), &m);
	/* every record damaged in one place, and the input itself as one */
	for (size_t i = 0; i < record.n; i += 1 + record.n / 8) {
		record.p[i] ^= (char)(1 + size % 255);
		read_summary(buf_str(&record), NULL);
	}
	read_summary(bytes, NULL);
	buf_fini(&record);
	arena_fini(&arena);
	return 0;
}
