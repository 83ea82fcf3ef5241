#include "proto/common/email_facts_make.h"

#include "base/hash.h"
#include "codec/imap/casemap.h"
#include "codec/imap/base_subject.h"
#include "codec/mime/msgid.h"
#include "codec/mime/summary.h"

#include <stdlib.h>
#include <string.h>

void facts_maker_fini(struct facts_maker *m)
{
	buf_fini(&m->subject);
	buf_fini(&m->mapped);
	arena_fini(&m->arena);
}

int email_refs_add(struct email_refs *refs, const uint64_t *v, size_t n)
{
	if (refs->cap - refs->n < n) {
		size_t cap = 2 * refs->cap + n + 64;
		uint64_t *grown = reallocarray(refs->v, cap, sizeof(*grown));
		if (!grown)
			return ERR_NO_MEMORY;
		refs->v = grown;
		refs->cap = cap;
	}
	if (n)
		memcpy(refs->v + refs->n, v, n * sizeof(*v));
	refs->n += n;
	return 0;
}

/* 0 means none. */
static uint64_t hash(struct str s)
{
	uint64_t h = hash_siphash(s);
	return h ? h : 1;
}

/* "<id>" with nothing in it that could be written otherwise. */
static bool is_plain_id(struct str s)
{
	if (s.n < 3 || s.p[0] != '<' || s.p[s.n - 1] != '>')
		return false;
	for (size_t i = 1; i < s.n - 1; i++)
		if ((unsigned char)s.p[i] <= ' ' || strchr("<>\"(\\", s.p[i]))
			return false;
	return true;
}

/* The first valid message-id of a field (RFC 5256 section 3); *out is 0 when there is none. */
static int first_id(struct facts_maker *m, struct mime_text field, uint64_t *out)
{
	struct str raw = mime_text_str(field), *ids;
	size_t count;
	*out = 0;
	if (is_plain_id(raw)) {
		*out = hash(str_sub(raw, 1, raw.n - 2));
		return 0;
	}
	if (!raw.n)
		return 0;
	int err = mime_msgids_parse(raw, &m->arena, &ids, &count);
	if (!err && count)
		*out = hash(ids[0]);
	arena_reset(&m->arena);
	return err;
}

static int add_references(struct facts_maker *m, const struct mime_summary *s, const struct mime_envelope *e, struct email_fact *out,
						  struct email_refs *refs)
{
	struct str rest = s->references, id;
	int err = 0;
	out->refs_at = (uint32_t)refs->n;
	while (!err && mime_summary_reference(&rest, &id)) {
		uint64_t h = hash(id);
		err = email_refs_add(refs, &h, 1);
	}
	if (!err && refs->n == out->refs_at) {
		uint64_t h;
		err = first_id(m, e->in_reply_to, &h);
		if (!err && h)
			err = email_refs_add(refs, &h, 1);
	}
	out->n_refs = (uint32_t)(refs->n - out->refs_at);
	return err;
}

int facts_make(struct facts_maker *m, struct str summary, struct email_fact *out, struct email_refs *refs)
{
	struct mime_summary s;
	struct mime_envelope e;
	*out = (struct email_fact){ .id = 0 };
	int err = mime_summary_open(&s, summary);
	if (!err)
		err = mime_summary_envelope(&s, &e);
	if (err)
		return err;
	out->sent = s.sent;
	out->has_sent = s.has_date;
	struct str base = imap_base_subject(mime_text_str(e.subject), &m->subject, &out->reply);
	buf_reset(&m->mapped);
	imap_casemap(base, &m->mapped);
	if (m->subject.failed || m->mapped.failed)
		return ERR_NO_MEMORY;
	out->subject = m->mapped.n ? hash(buf_str(&m->mapped)) : 0;
	err = first_id(m, e.message_id, &out->id);
	return err ? err : add_references(m, &s, &e, out, refs);
}
