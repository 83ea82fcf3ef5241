#include "proto/pop3/maildrop.h"

#include "base/clock.h"
#include "codec/mime/header.h"
#include "codec/mime/summary.h"
#include "proto/pop3/limits.h"

#include <stdlib.h>

/* ---- bitmaps ---- */

static bool bit_get(const uint64_t *bits, uint32_t i) { return bits && (bits[i / 64] >> (i % 64) & 1); }

/* Makes the bitmap when it is the first. */
static int bit_set(uint64_t **bits, uint32_t count, uint32_t i)
{
	if (!*bits && !(*bits = calloc(count / 64 + 1, sizeof(**bits))))
		return ERR_NO_MEMORY;
	(*bits)[i / 64] |= (uint64_t)1 << (i % 64);
	return 0;
}

/* ---- opening ---- */

/* The time of the last session is set by looking at it: a session that is refused must not move it. */
static int check_delay(struct account *a, uint64_t delay_s)
{
	int64_t now = clock_now(), last = account_touch_login(a, now);
	if (delay_s == 0 || last == 0 || now < last || (uint64_t)(now - last) >= delay_s)
		return 0;
	account_touch_login(a, last);
	return ERR_DENIED;
}

static int open_inbox(struct maildrop *d)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox inbox;
	int code = mailbox_find(d->account, &arena, STR("INBOX"), &inbox);
	if (code == 0)
		code = view_open(d->account, inbox.id, &d->view);
	arena_fini(&arena);
	return code;
}

int maildrop_open(struct maildrop *d, struct model *m, uint64_t account, uint64_t login_delay_s)
{
	*d = (struct maildrop){ .account = NULL };
	int code = account_open(m, account, &d->account);
	if (code != 0)
		return code;
	code = account_lock_maildrop(d->account);
	if (code != 0) {
		account_close(&d->account);
		return code == ERR_BUSY ? ERR_CONFLICT : code;       /* other things can be busy too */
	}
	code = check_delay(d->account, login_delay_s);
	if (code == 0)
		code = open_inbox(d);
	if (code != 0)
		maildrop_close(d);
	else
		d->count = view_count(d->view);
	return code;
}

void maildrop_close(struct maildrop *d)
{
	if (!d->account)
		return;
	view_unref(&d->view);
	account_unlock_maildrop(d->account);
	account_close(&d->account);
	free(d->marks);
	free(d->unended);
	*d = (struct maildrop){ .account = NULL };
}

/* ---- marks ---- */

bool maildrop_is_marked(const struct maildrop *d, uint32_t index) { return bit_get(d->marks, index); }

int maildrop_mark(struct maildrop *d, uint32_t index)
{
	if (bit_get(d->marks, index))
		return 0;
	int code = bit_set(&d->marks, d->count, index);
	if (code == 0)
		d->marked++;
	return code;
}

void maildrop_unmark_all(struct maildrop *d)
{
	free(d->marks);
	d->marks = NULL;
	d->marked = 0;
}

int maildrop_update(struct maildrop *d)
{
	struct rangeset uids = RANGESET_INIT;
	struct view_iter it = view_iter_at(d->view, 0);
	const struct message *m;
	int code = 0;
	for (uint32_t i = 0; d->marked && code == 0 && (m = view_iter_next(&it)) != NULL; i++)
		if (bit_get(d->marks, i))
			code = rangeset_add(&uids, m->uid, m->uid);
	if (code == 0 && d->marked)
		code = mailbox_expunge(d->account, view_mailbox(d->view), &uids, false, NULL, NULL);
	rangeset_fini(&uids);
	return code;
}

/* ---- sizes ---- */

/* Reads one batch of summaries from *index on; the store read ends before anything else happens. */
static int measure_batch(struct maildrop *d, uint32_t *index)
{
	struct email_reader *r = NULL;
	struct view_iter it = view_iter_at(d->view, *index);
	const struct message *m;
	int code = email_reader_begin(d->account, &r);
	for (unsigned n = 0; code == 0 && n < POP3_MEASURE_BATCH && (m = view_iter_next(&it)) != NULL; n++) {
		struct email email;
		struct mime_summary summary;
		code = email_reader_get(r, m->email, &email);
		if (code == 0 && mime_summary_open(&summary, email.summary) == 0 && (summary.defects & MIME_NO_LAST_CRLF))
			code = bit_set(&d->unended, d->count, *index);
		if (code == ERR_NOT_FOUND)
			code = 0;               /* removed meanwhile: nobody will see its size */
		if (code == 0)
			d->bytes += maildrop_size(d, m, (*index)++);
	}
	email_reader_end(&r);
	return code;
}

int maildrop_measure(struct maildrop *d)
{
	uint32_t index = 0, tries = POP3_READ_TRIES;
	int code = 0;
	if (d->measured)
		return 0;
	d->bytes = 0;
	while (index < d->count && code == 0) {
		code = measure_batch(d, &index);       /* on failure index stands at the message that was not read */
		if (code == ERR_RETRY && --tries > 0)
			code = 0;
	}
	d->measured = code == 0;
	return code;
}

uint64_t maildrop_size(const struct maildrop *d, const struct message *m, uint32_t index)
{
	return (uint64_t)m->size + (bit_get(d->unended, index) ? 2 : 0);
}

uint64_t maildrop_unmarked_bytes(const struct maildrop *d)
{
	uint64_t bytes = d->bytes;
	struct view_iter it = view_iter_at(d->view, 0);
	const struct message *m;
	for (uint32_t i = 0; d->marked && (m = view_iter_next(&it)) != NULL; i++)
		if (bit_get(d->marks, i))
			bytes -= maildrop_size(d, m, i);
	return bytes;
}

void maildrop_unique_id(const struct maildrop *d, const struct message *m, struct buf *out)
{
	buf_printf(out, "%08x%08x", view_uidvalidity(d->view), m->uid);
}

/* ---- messages ---- */

/* Did a hop say that it needed SMTPUTF8 (RFC 6531 section 3.7.3)? */
static bool came_by_smtputf8(struct str message)
{
	struct mime_header_walk w = mime_header_walk(message);
	struct mime_header_field f;
	while (mime_header_next(&w, &f))
		if (str_ieq(f.name, STR("Received")) &&
			(str_ifind(f.body, STR("UTF8SMTP")) != STR_NPOS || str_ifind(f.body, STR("UTF8LMTP")) != STR_NPOS))
			return true;
	return false;
}

int maildrop_map(struct maildrop *d, uint32_t index, struct maildrop_message *out)
{
	struct email_reader *r = NULL;
	struct email email;
	struct mime_summary summary;
	bool utf8_header = false;
	*out = (struct maildrop_message){ .needs_utf8 = false };
	int code = ERR_RETRY;
	for (unsigned tries = 0; code == ERR_RETRY && tries < POP3_READ_TRIES; tries++) {
		code = email_reader_begin(d->account, &r);
		if (code == 0)
			code = email_reader_get(r, view_at(d->view, index).email, &email);
		if (code == 0 && mime_summary_open(&summary, email.summary) == 0)
			utf8_header = (summary.defects & (MIME_HEADER_8BIT | MIME_HEADER_NOT_UTF8)) == MIME_HEADER_8BIT;
		email_reader_end(&r);
	}
	if (code == 0)
		code = email_map_blob(d->account, email.blob, &out->blob);
	if (code == 0)
		out->needs_utf8 = utf8_header && came_by_smtputf8(out->blob.bytes);
	return code;
}

bool maildrop_intact(struct maildrop *d, const struct maildrop_message *m) { return email_intact(d->account, &m->blob); }

void maildrop_unmap(struct maildrop *d, struct maildrop_message *m) { email_unmap(d->account, &m->blob); }
