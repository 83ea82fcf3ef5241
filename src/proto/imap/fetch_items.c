#include "proto/imap/fetch_items.h"

#include "codec/imap/format.h"
#include "proto/imap/fetch_head.h"
#include "proto/imap/object_id.h"

_Static_assert((int)IMAP_SEEN == (int)MESSAGE_SEEN && (int)IMAP_ANSWERED == (int)MESSAGE_ANSWERED &&
               (int)IMAP_FLAGGED == (int)MESSAGE_FLAGGED && (int)IMAP_DELETED == (int)MESSAGE_DELETED &&
               (int)IMAP_DRAFT == (int)MESSAGE_DRAFT && (int)IMAP_KEYWORD_SHIFT == (int)MESSAGE_KEYWORD_SHIFT,
               "codec/imap formats the bits of the model");

void imap_items_init(struct imap_items *i, const struct imap_session *s)
{
	static const struct rangeset none = RANGESET_INIT;
	*i = (struct imap_items){ .recent = imap_rev2(s) ? &none : &s->selected.recent, .account = account_id(s->selected.account),
	                          .utf8 = imap_utf8(s), .uidonly = imap_uidonly(s) };
	i->keyword = view_keywords(s->selected.view, &i->keyword_count);
}

void imap_items_begin(const struct imap_items *i, struct buf *out, uint32_t number, const struct message *m, char *separator)
{
	imap_fetch_head(out, i->uidonly, number, m->uid, separator);
}

void imap_items_end(struct buf *out) { buf_add_lit(out, ")\r\n"); }

static void add_name(struct buf *out, char *separator, struct str name)
{
	buf_add_char(out, *separator);
	*separator = ' ';
	buf_add_str(out, name);
}

void imap_items_view(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct message *m)
{
	if (items & IMAP_FETCH_UID) {
		add_name(out, separator, STR("UID "));
		buf_add_u64(out, m->uid);
	}
	if (items & IMAP_FETCH_FLAGS) {
		add_name(out, separator, STR("FLAGS "));
		imap_format_flags(out, m->flags, rangeset_has(i->recent, m->uid), i->keyword, i->keyword_count);
	}
	if (items & IMAP_FETCH_INTERNALDATE) {
		add_name(out, separator, STR("INTERNALDATE "));
		imap_format_internaldate(out, m->date);
	}
	if (items & IMAP_FETCH_SAVEDATE) {
		add_name(out, separator, STR("SAVEDATE "));
		imap_format_internaldate(out, message_saved(m));
	}
	if (items & IMAP_FETCH_SIZE) {
		add_name(out, separator, STR("RFC822.SIZE "));
		buf_add_u64(out, m->size);
	}
	if (items & IMAP_FETCH_MODSEQ) {
		add_name(out, separator, STR("MODSEQ ("));
		buf_add_u64(out, m->modseq);
		buf_add_char(out, ')');
	}
	if (items & IMAP_FETCH_EMAILID) {
		add_name(out, separator, STR_NONE);
		imap_object_id_write(out, "EMAILID", IMAP_OBJECT_EMAIL, i->account, m->email);
	}
}

void imap_items_email(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct email *email)
{
	if (items & IMAP_FETCH_THREADID) {
		add_name(out, separator, STR_NONE);
		imap_object_id_write(out, "THREADID", IMAP_OBJECT_THREAD, i->account, email->thread);
	}
}

int imap_items_summary(const struct imap_items *i, struct buf *out, char *separator, uint32_t items, const struct mime_summary *s)
{
	int err = 0;
	if (items & IMAP_FETCH_ENVELOPE) {
		add_name(out, separator, STR("ENVELOPE "));
		err = imap_format_summary_envelope(out, s, i->utf8);
	}
	if (!err && items & IMAP_FETCH_BODY) {
		add_name(out, separator, STR("BODY "));
		err = imap_format_body(out, s, false, i->utf8);
	}
	if (!err && items & IMAP_FETCH_BODYSTRUCTURE) {
		add_name(out, separator, STR("BODYSTRUCTURE "));
		err = imap_format_body(out, s, true, i->utf8);
	}
	if (!err && items & IMAP_FETCH_PREVIEW) {
		/* RFC 8970 3.2: made at delivery, so never NIL; empty when there is nothing to show. */
		add_name(out, separator, STR("PREVIEW "));
		imap_format_string(out, s->preview, i->utf8);
	}
	return err;
}

void imap_items_response(const struct imap_items *i, struct buf *out, uint32_t number, uint32_t items, const struct message *m)
{
	char separator;
	imap_items_begin(i, out, number, m, &separator);
	imap_items_view(i, out, &separator, items, m);
	imap_items_end(out);
}

uint32_t imap_items_unasked(const struct imap_session *s)
{
	uint32_t items = imap_condstore(s) ? IMAP_FETCH_MODSEQ : 0;
	/* RFC 7162 3.2.4, RFC 9051 7.5.2. */
	return !imap_uidonly(s) && (imap_condstore(s) || imap_rev2(s)) ? items | IMAP_FETCH_UID : items;
}
