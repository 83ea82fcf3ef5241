#include "model/mailbox_record.h"

#include "base/bytes.h"
#include "model/keys.h"

#define FLAG_NO_SELECT 1u
#define FLAG_BIN 2u
#define FIXED_BYTES 60u

void mailbox_record_init(struct mailbox_record *m, uint32_t id, struct str name)
{
	*m = (struct mailbox_record){ .id = id, .uidnext = 1, .recent_from = 1 };
	mailbox_record_set_name(m, name);
}

/* The text anew: name first, then the keywords in the order of their bits. */
static void lay_text(struct mailbox_record *m, struct str name, const struct mailbox_record *old)
{
	memcpy(m->text, name.p, name.n);
	m->name_n = (uint32_t)name.n;
	m->text_n = (uint32_t)name.n;
	m->n_keywords = 0;
	for (unsigned i = 0; i < old->n_keywords; i++) {
		struct str word = mailbox_record_keyword(old, i);
		m->keyword[i].at = (uint16_t)m->text_n;
		m->keyword[i].n = (uint16_t)word.n;
		memcpy(m->text + m->text_n, word.p, word.n);
		m->text_n += (uint32_t)word.n;
		if (word.n)
			m->n_keywords = i + 1;
	}
}

void mailbox_record_set_name(struct mailbox_record *m, struct str name)
{
	char copy[MAILBOX_NAME_MAX];
	memcpy(copy, name.p, name.n);
	struct mailbox_record old = *m;
	lay_text(m, str_make(copy, name.n), &old);
}

static int decode_text(struct cursor *c, uint32_t name_n, struct mailbox_record *out)
{
	struct str name = cursor_bytes(c, name_n);
	unsigned n = cursor_u8(c);
	if (c->bad || name_n > MAILBOX_NAME_MAX || n > KEYWORDS_MAX)
		return ERR_CORRUPT;
	memcpy(out->text, name.p, name.n);
	out->name_n = name_n;
	out->text_n = name_n;
	out->n_keywords = n;
	for (unsigned i = 0; i < n; i++) {
		struct str word = cursor_bytes(c, cursor_u8(c));
		if (c->bad || word.n > KEYWORD_LENGTH_MAX)
			return ERR_CORRUPT;
		out->keyword[i].at = (uint16_t)out->text_n;
		out->keyword[i].n = (uint16_t)word.n;
		if (word.n)
			memcpy(out->text + out->text_n, word.p, word.n);
		out->text_n += (uint32_t)word.n;
	}
	return cursor_left(c) == 0 ? 0 : ERR_CORRUPT;
}

int mailbox_record_decode(struct str value, uint32_t id, struct mailbox_record *out)
{
	int rc = record_check(value, FIXED_BYTES);
	if (rc)
		return rc;
	struct cursor c = cursor_make(str_from(value, RECORD_HEADER));
	out->id = id;
	out->no_select = record_own0(value) & FLAG_NO_SELECT;
	out->bin = record_own0(value) & FLAG_BIN;
	out->use = cursor_le32(&c);
	out->uidvalidity = cursor_le32(&c);
	out->uidnext = cursor_le32(&c);
	out->messages = cursor_le32(&c);
	out->unseen = cursor_le32(&c);
	out->deleted = cursor_le32(&c);
	out->recent = cursor_le32(&c);
	out->recent_from = cursor_le32(&c);
	out->modseq = cursor_le64(&c);
	out->bytes = cursor_le64(&c);
	uint32_t name_n = cursor_le32(&c);
	return decode_text(&c, name_n, out);
}

int mailbox_record_load(struct source s, uint32_t id, struct mailbox_record *out)
{
	struct key key = key_mailbox(id);
	struct str value;
	int rc = source_get(s, key_str(&key), &value);
	return rc ? rc : mailbox_record_decode(value, id, out);
}

static char *encode_text(const struct mailbox_record *m, char *p)
{
	memcpy(p, m->text, m->name_n);
	p += m->name_n;
	*p++ = (char)m->n_keywords;
	for (unsigned i = 0; i < m->n_keywords; i++) {
		struct str word = mailbox_record_keyword(m, i);
		*p++ = (char)word.n;
		memcpy(p, word.p, word.n);
		p += word.n;
	}
	return p;
}

int mailbox_record_save(struct store_write *w, const struct mailbox_record *m)
{
	char p[FIXED_BYTES + MAILBOX_RECORD_TEXT_MAX + KEYWORDS_MAX + 1];
	const uint32_t counts[] = { m->use, m->uidvalidity, m->uidnext, m->messages,
								m->unseen, m->deleted, m->recent,  m->recent_from };
	for (size_t i = 0; i < 8; i++)
		store_le32(p + 8 + 4 * i, counts[i]);
	store_le64(p + 40, m->modseq);
	store_le64(p + 48, m->bytes);
	store_le32(p + 56, m->name_n);
	size_t n = (size_t)(encode_text(m, p + 60) - p);
	record_seal(p, n, (uint8_t)((m->no_select ? FLAG_NO_SELECT : 0) | (m->bin ? FLAG_BIN : 0)), 0);
	struct key key = key_mailbox(m->id);
	return store_put(w, key_str(&key), str_make(p, n));
}

int mailbox_record_show(const struct mailbox_record *m, struct arena *arena, struct mailbox *out)
{
	*out = (struct mailbox){
		.id = m->id, .use = m->use, .no_select = m->no_select, .bin = m->bin, .uidvalidity = m->uidvalidity, .uidnext = m->uidnext,
		.modseq = m->modseq, .messages = m->messages, .unseen = m->unseen, .deleted = m->deleted, .recent = m->recent,
		.bytes = m->bytes,
	};
	if (!arena)
		return 0;
	out->name = arena_dup(arena, mailbox_record_name(m));
	return out->name.p ? 0 : ERR_NO_MEMORY;
}

uint64_t mailbox_record_keyword_bit(const struct mailbox_record *m, struct str keyword)
{
	for (unsigned i = 0; keyword.n && i < m->n_keywords; i++)
		if (str_ieq(mailbox_record_keyword(m, i), keyword))
			return (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
	return 0;
}

uint64_t mailbox_record_keyword_make(struct mailbox_record *m, struct str keyword)
{
	uint64_t bit = mailbox_record_keyword_bit(m, keyword);
	if (bit || keyword.n == 0 || keyword.n > KEYWORD_LENGTH_MAX)
		return bit;
	unsigned i = 0;
	while (i < m->n_keywords && m->keyword[i].n)
		i++;
	if (i == KEYWORDS_MAX)
		return 0;
	if (i == m->n_keywords)
		m->n_keywords++;
	m->keyword[i].at = (uint16_t)m->text_n;
	m->keyword[i].n = (uint16_t)keyword.n;
	memcpy(m->text + m->text_n, keyword.p, keyword.n);
	m->text_n += (uint32_t)keyword.n;
	return (uint64_t)1 << (MESSAGE_KEYWORD_SHIFT + i);
}

void mailbox_record_keywords_free(struct mailbox_record *m, uint64_t mask)
{
	struct mailbox_record old = *m;
	for (unsigned i = 0; i < old.n_keywords; i++)
		if (mask >> (MESSAGE_KEYWORD_SHIFT + i) & 1)
			old.keyword[i].n = 0;
	lay_text(m, mailbox_record_name(&old), &old);
}

void mailbox_record_count(struct mailbox_record *m, const struct message *message, int sign)
{
	uint32_t one = sign < 0 ? UINT32_MAX : 1;
	m->messages += one;
	m->bytes += sign < 0 ? -(uint64_t)message->size : message->size;
	if (!(message->flags & MESSAGE_SEEN))
		m->unseen += one;
	if (message->flags & MESSAGE_DELETED)
		m->deleted += one;
	if (message->uid >= m->recent_from)
		m->recent += one;
}
