#include "proto/imap/esearch.h"

#include "proto/imap/limits.h"

#include <stdlib.h>

static uint32_t value(const struct imap_hit *h, bool uid) { return uid ? h->uid : h->number; }

void imap_write_hits(struct conn *c, const struct imap_hit *v, size_t n, bool uid)
{
	struct buf *out = conn_out(c);
	for (size_t i = 0; i < n;) {
		size_t last = i;
		while (last + 1 < n && value(&v[last + 1], uid) == value(&v[last], uid) + 1)
			last++;
		if (i)
			buf_add_char(out, ',');
		buf_add_u64(out, value(&v[i], uid));
		if (last > i) {
			buf_add_char(out, ':');
			buf_add_u64(out, value(&v[last], uid));
		}
		i = last + 1;
		if (conn_out_check(c))
			return;
	}
}

/* ---- which of those found ---- */

typedef int (*each_fn)(const struct imap_esearch *e, const struct imap_hit *v, size_t n, void *arg);

/* Calls fn for the hits that the options return: all of them with ALL or COUNT, else those of PARTIAL, MIN and MAX (RFC 4731
 * 3.2 for MODSEQ, RFC 5182 2.4 and RFC 9394 3.2 for SAVE). SAVE alone saves all. */
static int each_returned(const struct imap_esearch *e, each_fn fn, void *arg)
{
	unsigned options = e->ret->options;
	const struct imap_hits *h = e->hits;
	if (options & (IMAP_RETURN_ALL | IMAP_RETURN_COUNT) || !(options & IMAP_RETURN_ITEMS))
		return fn(e, h->v, h->n, arg);
	int err = 0;
	if (options & IMAP_RETURN_PARTIAL) {
		size_t at, count;
		imap_partial_of(&e->ret->partial, h->n, &at, &count);
		err = fn(e, h->v ? h->v + at : NULL, count, arg);
	}
	if (!err && options & IMAP_RETURN_MIN && h->n)
		err = fn(e, h->v, 1, arg);
	if (!err && options & IMAP_RETURN_MAX && h->n)
		err = fn(e, h->v + h->n - 1, 1, arg);
	return err;
}

static int highest_modseq(const struct imap_esearch *e, const struct imap_hit *v, size_t n, void *arg)
{
	uint64_t *highest = arg;
	for (size_t i = 0; i < n; i++) {
		uint64_t modseq = view_at(e->view, v[i].number - 1).modseq;
		if (modseq > *highest)
			*highest = modseq;
	}
	return 0;
}

/* ---- SAVE ---- */

static int by_number(const void *a, const void *b)
{
	const struct imap_hit *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

/* Neighbours by number become one range of UIDs: between them are none that exist. */
static int save_ordered(struct rangeset *saved, const struct imap_hit *v, size_t n)
{
	int err = 0;
	for (size_t i = 0; i < n && !err;) {
		size_t last = i;
		while (last + 1 < n && v[last + 1].number == v[last].number + 1)
			last++;
		err = rangeset_add(saved, v[i].uid, v[last].uid);
		i = last + 1;
		if (!err && saved->n > IMAP_SAVED_RANGES_MAX)
			err = ERR_TOO_BIG;
	}
	return err;
}

static int save(const struct imap_esearch *e, const struct imap_hit *v, size_t n, void *arg)
{
	if (e->mailbox_order || n < 2)
		return save_ordered(arg, v, n);
	struct imap_hit *sorted = reallocarray(NULL, n, sizeof(*sorted));
	if (!sorted)
		return ERR_NO_MEMORY;
	memcpy(sorted, v, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_number);
	int err = save_ordered(arg, sorted, n);
	free(sorted);
	return err;
}

int imap_esearch_save(const struct imap_esearch *e)
{
	struct rangeset *saved = &e->r->s->saved;
	rangeset_fini(saved);
	int err = each_returned(e, save, saved);
	if (err)
		rangeset_fini(saved);
	return err;
}

/* ---- writing ---- */

static void write_partial(const struct imap_esearch *e, struct buf *out)
{
	size_t at, count;
	imap_partial_of(&e->ret->partial, e->hits->n, &at, &count);
	buf_add_lit(out, " PARTIAL (");
	imap_format_partial(out, &e->ret->partial);
	buf_add_char(out, ' ');
	if (count)
		imap_write_hits(e->r->conn, e->hits->v + at, count, e->uid);
	else
		buf_add_lit(out, "NIL");
	buf_add_char(out, ')');
}

/* RFC 6203 4: of the messages told by ALL or PARTIAL, in their order. */
static void write_relevancy(const struct imap_esearch *e, struct buf *out)
{
	size_t at = 0, n = e->hits->n;
	if (e->ret->options & IMAP_RETURN_PARTIAL)
		imap_partial_of(&e->ret->partial, e->hits->n, &at, &n);
	buf_add_lit(out, " RELEVANCY (");
	for (size_t i = 0; i < n && !conn_out_check(e->r->conn); i++) {
		if (i)
			buf_add_char(out, ' ');
		buf_add_u64(out, e->hits->v[at + i].score);
	}
	buf_add_char(out, ')');
}

void imap_esearch_write(const struct imap_esearch *e)
{
	struct buf *out = conn_out(e->r->conn);
	const struct imap_hits *h = e->hits;
	unsigned options = e->ret->options;
	uint64_t modseq = 0;
	if (options & IMAP_RETURN_MIN && h->n) {
		buf_add_lit(out, " MIN ");
		buf_add_u64(out, value(&h->v[0], e->uid));
	}
	if (options & IMAP_RETURN_MAX && h->n) {
		buf_add_lit(out, " MAX ");
		buf_add_u64(out, value(&h->v[h->n - 1], e->uid));
	}
	if (options & IMAP_RETURN_ALL && h->n) {
		buf_add_lit(out, " ALL ");
		imap_write_hits(e->r->conn, h->v, h->n, e->uid);
	}
	if (options & IMAP_RETURN_PARTIAL)
		write_partial(e, out);
	if (options & IMAP_RETURN_COUNT) {
		buf_add_lit(out, " COUNT ");
		buf_add_u64(out, h->n);
	}
	if (options & IMAP_RETURN_RELEVANCY)
		write_relevancy(e, out);
	if (e->modseq && h->n && options & IMAP_RETURN_ITEMS)
		each_returned(e, highest_modseq, &modseq);
	if (modseq) {
		buf_add_lit(out, " MODSEQ ");
		buf_add_u64(out, modseq);
	}
	buf_add_lit(out, "\r\n");
	conn_out_check(e->r->conn);
}

void imap_esearch_respond(const struct imap_esearch *e)
{
	conn_printf(e->r->conn, "* ESEARCH (TAG \"%.*s\")%s", STR_ARG(e->r->tag), e->uid ? " UID" : "");
	imap_esearch_write(e);
}
