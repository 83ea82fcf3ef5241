#include "proto/imap/sort_text.h"

#include "codec/imap/base_subject.h"
#include "codec/imap/casemap.h"
#include "codec/imap/order.h"
#include "codec/mime/summary.h"
#include "codec/mime/words.h"
#include "proto/imap/email_batch.h"
#include "proto/imap/limits.h"
#include "proto/imap/progress.h"

#include <stdlib.h>

#define LOOK_EVERY 4096                  /* emails: does the client still wait? */

struct texts {
	struct buf all;                      /* the mapped strings, one behind the other */
	size_t *at;                          /* n + 1 of them */
	struct buf scratch;
};

/* ---- one string ---- */

/* RFC 5957 section 3. */
static void add_display(struct texts *x, const struct mime_envelope_address *a)
{
	buf_reset(&x->scratch);
	mime_words_decode(mime_text_str(a->name), &x->scratch);
	if (x->scratch.n == 0) {
		buf_add_str(&x->scratch, mime_text_str(a->local));
		if (a->local.class != MIME_TEXT_NIL && a->domain.class != MIME_TEXT_NIL) {
			buf_add_char(&x->scratch, '@');
			buf_add_str(&x->scratch, mime_text_str(a->domain));
		}
	}
	imap_casemap(buf_str(&x->scratch), &x->all);
}

/* Of the first address: its mailbox (RFC 5256), or how it is displayed. */
static void add_address(struct texts *x, struct str list, bool display)
{
	struct mime_envelope_address a;
	if (!mime_envelope_address(&list, &a))
		return;
	if (display)
		add_display(x, &a);
	else
		imap_casemap(mime_text_str(a.local), &x->all);
}

static int add_text(struct texts *x, enum imap_sort_key by, struct str record)
{
	struct mime_summary s;
	struct mime_envelope e;
	int err = mime_summary_open(&s, record);
	if (!err)
		err = mime_summary_envelope(&s, &e);
	if (err)
		return err;
	switch (by) {
	case IMAP_SORT_SUBJECT:
		imap_casemap(imap_base_subject(mime_text_str(e.subject), &x->scratch, NULL), &x->all);
		break;
	case IMAP_SORT_CC:
		add_address(x, e.cc, false);
		break;
	case IMAP_SORT_FROM:
	case IMAP_SORT_DISPLAYFROM:
		add_address(x, e.from, by == IMAP_SORT_DISPLAYFROM);
		break;
	default:
		add_address(x, e.to, by == IMAP_SORT_DISPLAYTO);
	}
	return 0;
}

static int read_texts(struct imap_request *r, struct account *a, enum imap_sort_key by, const uint64_t *email, uint32_t n, struct texts *x)
{
	struct imap_email_batch batch = { .account = a };
	struct email e;
	int err = 0;
	for (uint32_t i = 0; i < n && !err; i++) {
		if (i % LOOK_EVERY == 0) {
			imap_email_batch_end(&batch);
			imap_progress(r, i, n);
		}
		if (i % LOOK_EVERY == 0 && conn_peer_gone(r->conn))
			return ERR_CLOSED;
		x->at[i] = x->all.n;
		err = imap_email_get(&batch, email[i], &e);
		if (!err)
			err = add_text(x, by, e.summary);
		/* What went away meanwhile, or is damaged, sorts as the empty string. */
		if (err == ERR_NOT_FOUND || err == ERR_CORRUPT || err == ERR_VERSION)
			err = 0;
		if (x->all.failed || x->scratch.failed)
			err = x->all.n >= IMAP_SORT_TEXT_BYTES_MAX / 2 ? ERR_TOO_BIG : ERR_NO_MEMORY;
	}
	x->at[n] = x->all.n;
	imap_email_batch_end(&batch);
	return err;
}

/* ---- ranks ---- */

static struct str text(const struct texts *x, uint32_t i) { return str_sub(buf_str(&x->all), x->at[i], x->at[i + 1] - x->at[i]); }

/* The first eight bytes as a number that compares as they do. */
static uint64_t prefix(struct str s)
{
	uint64_t v = 0;
	for (size_t i = 0; i < 8; i++)
		v = v << 8 | (i < s.n ? (unsigned char)s.p[i] : 0);
	return v;
}

struct item {
	struct str text;
	uint32_t index;
};

static int by_text(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = str_cmp(x->text, y->text);
	return order ? order : (x->index > y->index) - (x->index < y->index);
}

/* order[] is sorted by prefix; sorts within equal prefixes and numbers the strings. */
static int rank(const struct texts *x, uint32_t *order, uint32_t n, uint64_t *key)
{
	struct item *item = reallocarray(NULL, n, sizeof(*item));
	if (!item)
		return ERR_NO_MEMORY;
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && key[order[end]] == key[order[i]]; end++)
			;
		for (uint32_t k = i; k < end; k++)
			item[k] = (struct item){ text(x, order[k]), order[k] };
		if (end - i > 1)
			qsort(item + i, end - i, sizeof(*item), by_text);
	}
	uint64_t number = 0;
	for (uint32_t i = 0; i < n; i++) {
		number += i > 0 && !str_eq(item[i].text, item[i - 1].text);
		key[item[i].index] = number;
	}
	free(item);
	return 0;
}

int imap_sort_text_keys(struct imap_request *r, struct account *a, enum imap_sort_key by, const uint64_t *email, uint32_t n, uint64_t *key_out)
{
	struct texts x = { .all = BUF_INIT(IMAP_SORT_TEXT_BYTES_MAX), .scratch = BUF_INIT(0) };
	uint32_t *order = calloc(n, sizeof(*order));
	x.at = calloc((size_t)n + 1, sizeof(*x.at));
	int err = order && x.at ? read_texts(r, a, by, email, n, &x) : ERR_NO_MEMORY;
	for (uint32_t i = 0; i < n && !err; i++) {
		order[i] = i;
		key_out[i] = prefix(text(&x, i));
	}
	if (!err)
		err = imap_order(key_out, order, n);
	if (!err)
		err = rank(&x, order, n, key_out);
	free(order);
	free(x.at);
	buf_fini(&x.all);
	buf_fini(&x.scratch);
	return err;
}
