#include "deliver/deliver.h"

#include "codec/mime/message.h"
#include "codec/mime/summary.h"
#include "deliver/limits.h"

#include <stdlib.h>

/* Parses the message and appends its summary. */
static int summarise(struct str message, struct buf *summary, struct err *e)
{
	struct arena arena = ARENA_INIT(DELIVER_PARSE_MEMORY_MAX);
	struct mime_message parsed;
	int r = mime_message_parse(message, &arena, &parsed);

	if (r == 0)
		r = mime_summary_encode(&parsed, message, summary);
	if (r == 0 && summary->failed)
		r = ERR_NO_MEMORY;
	arena_fini(&arena);
	return r ? err_set(e, r, NULL, "cannot parse a message of %zu octets: %s", message.n, err_text(r)) : 0;
}

/* Where each account stands first; later ones of the same account follow its result. */
static size_t first_of(const struct deliver_recipient *r, size_t i)
{
	size_t k = 0;

	while (r[k].account != r[i].account)
		k++;
	return k;
}

/* An account that is missing or over its quota already need not get the message's bytes onto the disk. The commit asks again. */
static int may_take(struct model *m, uint64_t id, size_t size)
{
	struct account *a;
	struct quota q;
	int r = account_open(m, id, &a);

	if (r)
		return r;
	r = account_quota(a, &q);
	account_close(&a);
	if (r == 0 && ((q.bytes_max && q.bytes + size > q.bytes_max) || (q.messages_max && q.messages >= q.messages_max)))
		r = ERR_QUOTA;
	return r;
}

/* The deliveries still to be made: one for each different account that can take it. */
static size_t plan(struct model *m, struct str message, int64_t received, struct deliver_recipient *r, size_t n, struct model_delivery *d,
				   uint64_t *accounts)
{
	size_t planned = 0;

	for (size_t i = 0; i < n; i++) {
		if (first_of(r, i) != i)
			continue;
		r[i].result = may_take(m, r[i].account, message.n);
		if (r[i].result)
			continue;
		accounts[planned] = r[i].account;
		d[planned++] = (struct model_delivery){
			.account = r[i].account, .append = { .size = (uint32_t)message.n, .date = received } };
	}
	return planned;
}

/* Who did not take it after all does not own the blob. Left-over tags are found by troika check, so a failure here is none of the sender's. */
static void untag_failed(struct model *m, const struct model_delivery *d, size_t n, store_blob_id blob)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].result && d[i].result != ERR_UNKNOWN)
			(void)store_blob_untag(model_store(m), &blob, 1, store_tag_of((struct store_scope){ STORE_ACCOUNT, d[i].account }));
}

static int store_and_commit(struct model *m, struct str message, struct model_delivery *d, const uint64_t *accounts, size_t n, struct err *e)
{
	struct buf summary = BUF_INIT(DELIVER_SUMMARY_MAX);
	store_blob_id blob = 0;
	int r = summarise(message, &summary, e);

	if (r == 0)
		r = model_put_blob(m, &message, 1, accounts, n, &blob);
	for (size_t i = 0; i < n; i++) {
		d[i].append.blob = blob;
		d[i].append.summary = buf_str(&summary);
		d[i].result = r;
	}
	if (r == 0) {
		r = model_deliver(m, d, n);
		if (r)
			untag_failed(m, d, n, blob);
	}
	buf_fini(&summary);
	return r;
}

static int result_of(const struct model_delivery *d, size_t n, uint64_t account, int otherwise)
{
	for (size_t i = 0; i < n; i++)
		if (d[i].account == account)
			return d[i].result;
	return otherwise;
}

int deliver_message(struct model *m, struct str message, int64_t received, struct deliver_recipient *r, size_t n, struct err *e)
{
	int first = 0;

	if (message.n > STORE_BLOB_MAX)
		first = err_set(e, ERR_TOO_BIG, NULL, "a message of %zu octets", message.n);
	struct model_delivery *d = calloc(n + 1, sizeof *d);
	uint64_t *accounts = calloc(n + 1, sizeof *accounts);
	if (first == 0 && (!d || !accounts))
		first = ERR_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		r[i].result = first;
	if (first == 0) {
		size_t planned = plan(m, message, received, r, n, d, accounts);
		if (planned)
			(void)store_and_commit(m, message, d, accounts, planned, e);
		for (size_t i = 0; i < n; i++) {
			r[i].result = result_of(d, planned, r[i].account, r[first_of(r, i)].result);
			if (r[i].result && first == 0)
				first = r[i].result;
		}
	}
	free(d);
	free(accounts);
	return first;
}

int deliver_prepare(struct model *m, uint64_t account, struct arena *arena, struct str message, struct append *a, struct err *e)
{
	struct buf summary = BUF_INIT(DELIVER_SUMMARY_MAX);
	int r = message.n > STORE_BLOB_MAX ? err_set(e, ERR_TOO_BIG, NULL, "a message of %zu octets", message.n) : summarise(message, &summary, e);

	*a = (struct append){ .size = (uint32_t)message.n };
	if (r == 0) {
		a->summary = arena_dup(arena, buf_str(&summary));
		r = arena->failed ? ERR_NO_MEMORY : model_put_blob(m, &message, 1, &account, 1, &a->blob);
	}
	buf_fini(&summary);
	return r;
}
