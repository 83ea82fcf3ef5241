#include "backup/bring.h"

#include "backup/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bring_item {
	struct buf body, summary;
	struct str keywords[KEYWORDS_MAX];
	struct append append;
	int result;
};

struct crew {
	struct bring *b;
	atomic_size_t next;
};

static void *work(void *arg)
{
	struct crew *c = arg;
	uint64_t account = account_id(c->b->to);
	size_t i;
	while ((i = atomic_fetch_add(&c->next, 1)) < c->b->n) {
		struct bring_item *it = &c->b->items[i];
		struct str body = buf_str(&it->body);
		it->result = model_put_blob(c->b->model, &body, 1, &account, 1, &it->append.blob);
	}
	return NULL;
}

/* Those who wait for the disk share its syncs. */
static int put_bodies(struct bring *b)
{
	struct crew crew = { .b = b };
	pthread_t threads[BRING_THREADS];
	size_t n = 0;
	atomic_init(&crew.next, 0);
	while (n < BRING_THREADS && n + 1 < b->n && pthread_create(&threads[n], NULL, work, &crew) == 0)
		n++;
	work(&crew);
	while (n)
		pthread_join(threads[--n], NULL);
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].result)
			return b->items[i].result;
	return 0;
}

static int put_batch(struct bring *b)
{
	struct append appends[BRING_BATCH];
	uint32_t uidvalidity;
	int rc = ERR_RETRY;
	if (b->n == 0)
		return 0;
	/* Retry: a check beside us took the bodies for garbage; they are put anew. */
	for (unsigned tries = 0; rc == ERR_RETRY && tries < COMMIT_TRIES; tries++) {
		rc = put_bodies(b);
		for (size_t i = 0; i < b->n; i++)
			appends[i] = b->items[i].append;
		if (!rc)
			rc = mailbox_append(b->to, b->mailbox, appends, b->n, true, &uidvalidity);
	}
	if (!rc)
		b->added += b->n;
	b->n = b->bytes = 0;
	return rc;
}

static void take_flags(struct bring_item *it, const struct view *old, uint64_t flags)
{
	unsigned n;
	const struct str *names = view_keywords(old, &n);
	it->append.flags = flags & MESSAGE_SYSTEM_FLAGS;
	it->append.keywords = it->keywords;
	for (unsigned i = 0; i < n; i++)
		if (flags >> (MESSAGE_KEYWORD_SHIFT + i) & 1 && names[i].n)
			it->keywords[it->append.n_keywords++] = names[i];
}

static int read_message(struct bring *b, struct bring_item *it, const struct message *m)
{
	struct email_reader *r;
	struct email email;
	int rc = email_reader_begin(b->from->account, &r);
	if (rc)
		return rc;
	rc = email_reader_get(r, m->email, &email);
	if (!rc)
		buf_add_str(&it->summary, email.summary);
	email_reader_end(&r);
	return rc ? rc : old_account_body(b->from, email.blob, &it->body);
}

int bring_message(struct bring *b, const struct message *m)
{
	if (!b->items) {
		b->items = calloc(BRING_BATCH, sizeof(*b->items));
		if (!b->items)
			return ERR_NO_MEMORY;
	}
	struct bring_item *it = &b->items[b->n];
	buf_reset(&it->body);
	buf_reset(&it->summary);
	int rc = read_message(b, it, m);
	if (rc == ERR_NOT_FOUND || rc == ERR_CORRUPT) {
		b->lost++;
		return 0;
	}
	if (rc || it->body.failed || it->summary.failed)
		return rc ? rc : ERR_NO_MEMORY;
	it->append = (struct append){ .size = m->size, .summary = buf_str(&it->summary), .date = m->date };
	take_flags(it, b->old, m->flags);
	b->n++;
	b->bytes += it->body.n;
	return b->n == BRING_BATCH || b->bytes >= BRING_BYTES ? put_batch(b) : 0;
}

int bring_end(struct bring *b, int rc)
{
	if (!rc)
		rc = put_batch(b);
	for (size_t i = 0; b->items && i < BRING_BATCH; i++) {
		buf_fini(&b->items[i].body);
		buf_fini(&b->items[i].summary);
	}
	free(b->items);
	b->items = NULL;
	b->n = b->bytes = 0;
	return rc;
}
