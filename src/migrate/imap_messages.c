/* The messages of an IMAP folder: UID FETCH. */
#include "migrate/imap_client_priv.h"

#include "codec/imap/cursor.h"
#include "migrate/limits.h"
#include "model/model.h"

_Static_assert((int)IMAP_SEEN == (int)MESSAGE_SEEN && (int)IMAP_ANSWERED == (int)MESSAGE_ANSWERED && (int)IMAP_FLAGGED == (int)MESSAGE_FLAGGED && (int)IMAP_DELETED == (int)MESSAGE_DELETED &&
			   (int)IMAP_DRAFT == (int)MESSAGE_DRAFT, "the bits of the codec are those of the model");

struct scan {
	source_item_fn *fn;
	void *arg;
	uint64_t told;                /* FETCH responses */
};

static int on_item(struct imap_client *c, void *arg, struct err *e)
{
	struct scan *s = arg;
	struct imap_fetched f;

	if (c->r.kind != IMAP_RESPONSE_FETCH)
		return 0;
	if (++s->told > (uint64_t)c->messages * 2 + MIGRATE_IDLE_RESPONSES_MAX)
		return err_set(e, ERR_INVALID, NULL, "the server tells of more messages than there are");
	if (!imap_response_fetch(c->r.rest, &c->arena, &f))
		return err_set(e, ERR_INVALID, NULL, "the server tells of a message in a way that cannot be read: %.*s", STR_ARG(str_sub(c->r.rest, 0, 80)));
	if (f.uid == 0)                   /* somebody else changed a flag meanwhile */
		return 0;
	struct source_item item = {
		.uid = f.uid, .has_flags = f.has_flags, .flags = f.flags, .keywords = f.keywords, .n_keywords = f.n_keywords, .dropped = f.dropped,
		.size = f.has_size ? f.size : 0, .has_date = f.has_date, .date = f.date, .email = str_sub(f.email, 0, MIGRATE_ID_MAX),
	};
	int r = s->fn(s->arg, &item);
	return r ? err_set(e, r, NULL, "messages of a folder: %s", err_text(r)) : 0;
}

int imapc_scan(struct source *s, uint32_t from, uint64_t changed_since, source_item_fn *fn, void *arg, struct err *e)
{
	struct imap_client *c = (struct imap_client *)s;
	struct scan scan = { .fn = fn, .arg = arg };

	if (c->messages == 0)
		return 0;
	imapc_begin(c, "UID FETCH");
	if (changed_since) {
		stream_printf(c->stream, " %u:* (UID FLAGS) (CHANGEDSINCE %llu)", from, (unsigned long long)changed_since);
	} else {
		stream_printf(c->stream, " %u:* (UID FLAGS INTERNALDATE RFC822.SIZE%s)", from,
					  c->capabilities & IMAP_CAP_GMAIL ? " X-GM-MSGID" : c->capabilities & IMAP_CAP_OBJECTID ? " EMAILID" : "");
	}
	return imapc_finish(c, on_item, &scan, e);
}

/* ---- bodies ---- */

int imapc_ask(struct source *s, const uint32_t *uids, size_t n, struct err *e)
{
	struct imap_client *c = (struct imap_client *)s;
	struct rangeset set = RANGESET_INIT;
	struct buf b = BUF_INIT(64 << 10);
	int r = 0;

	if (n == 0 || c->n_asked == SOURCE_ASKED_MAX)
		return err_set(e, ERR_BUG, NULL, "asked for nothing, or too often");
	for (size_t i = 0; i < n && r == 0; i++)
		r = rangeset_add(&set, uids[i], uids[i]);
	rangeset_format(&set, &b);
	if (r == 0 && !b.failed) {
		imapc_begin(c, "UID FETCH ");
		stream_write_str(c->stream, buf_str(&b));
		stream_write_str(c->stream, STR(" (UID BODY.PEEK[])\r\n"));
		c->asked[c->n_asked++] = (struct asked){ .tag = c->tag };
		r = stream_flush(c->stream);
		r = r == ERR_CLOSED || r == ERR_IO ? 0 : r;       /* take will tell, with the server's last words */
	}
	rangeset_fini(&set);
	buf_fini(&b);
	return r;
}

struct bodies {
	source_body_fn *fn;
	void *arg;
};

static int on_body(struct imap_client *c, void *arg, struct err *e)
{
	struct bodies *b = arg;
	struct imap_fetched f;

	if (c->r.kind != IMAP_RESPONSE_FETCH)
		return 0;
	if (!imap_response_fetch(c->r.rest, &c->arena, &f))
		return err_set(e, ERR_INVALID, NULL, "the server sends a message in a way that cannot be read: %.*s", STR_ARG(str_sub(c->r.rest, 0, 60)));
	if (!f.uid || !f.has_body)
		return 0;
	int r = b->fn(b->arg, f.uid, f.body, f.body.p ? 0 : c->too_big ? ERR_TOO_BIG : ERR_NOT_FOUND);
	return r ? err_set(e, r, NULL, "a message: %s", err_text(r)) : 0;
}

int imapc_take(struct source *s, source_body_fn *fn, void *arg, struct err *e)
{
	struct imap_client *c = (struct imap_client *)s;
	struct bodies b = { fn, arg };

	if (c->n_asked == 0)
		return err_set(e, ERR_BUG, NULL, "nothing was asked for");
	struct asked first = c->asked[0];
	c->n_asked--;
	memmove(c->asked, c->asked + 1, c->n_asked * sizeof *c->asked);
	if (first.answered)
		return first.result ? err_set(e, first.result, NULL, "the server refused") : 0;
	return imapc_await(c, first.tag, true, on_body, &b, e);
}
