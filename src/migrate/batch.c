#include "migrate/batch.h"

#include "base/clock.h"
#include "codec/mime/date.h"
#include "codec/mime/header.h"
#include "deliver/deliver.h"

#include <pthread.h>
#include <stdatomic.h>

bool batch_date(struct str message, int64_t *out)
{
	struct mime_date date;
	struct str body;
	size_t at;
	if (mime_header_find(message, STR("Received"), &body) && (at = str_rchr(body, ';')) != STR_NPOS && mime_date_parse(str_from(body, at + 1), &date) == 0) {
		*out = date.unix_seconds;
		return true;
	}
	if (!mime_header_find(message, STR("Date"), &body) || mime_date_parse(body, &date))
		return false;
	*out = date.unix_seconds;
	return true;
}

static struct item *awaited(struct batch *b, uint32_t uid)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].f->uid == uid && !b->items[i].result)
			return &b->items[i];
	return NULL;
}

/* A server that announces small messages and sends large ones would have 64 of them kept at a time. Line ends that are made whole may double what was announced. */
static bool has_room(const struct batch *b, struct str message)
{
	return b->held == 0 || b->held + message.n <= 2 * MIGRATE_BATCH_BYTES;
}

int batch_arrive(void *arg, uint32_t uid, struct str message, int result)
{
	struct batch_taking *t = arg;
	struct batch *b = t->batch;
	struct item *it = awaited(b, uid);
	if (!it)
		it = awaited(b = t->ahead, uid);
	if (!it || !has_room(b, message))
		return 0;
	it->result = result ? result : 1;
	if (result)
		return 0;
	buf_init(&it->message, STORE_BLOB_MAX);
	deliver_normalise(message, &it->message);
	b->held += it->message.n;
	if (it->message.failed)
		it->result = it->message.n + message.n > STORE_BLOB_MAX / 2 ? ERR_TOO_BIG : ERR_NO_MEMORY;
	return 0;
}

size_t batch_arrived(const struct batch *b)
{
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		n += b->items[i].result == 1;
	return n;
}

void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++) {
		buf_fini(&b->items[i].message);
		arena_fini(&b->items[i].arena);
	}
	b->n = 0;
	b->bytes = b->held = 0;
}

/* ---- by several threads ---- */

struct hands {
	struct pass *pass;
	struct batch *batch;
	_Atomic size_t next;
};

static void *hand(void *arg)
{
	struct hands *h = arg;
	size_t i;
	while ((i = atomic_fetch_add(&h->next, 1)) < h->batch->n) {
		struct item *it = &h->batch->items[i];
		if (it->result != 1 || it->ours)
			continue;
		int r = deliver_prepare(h->pass->run->o->model, account_id(h->pass->run->account), &it->arena, buf_str(&it->message), &it->append, &it->err);
		it->result = r ? r : 1;
	}
	return NULL;
}

static void prepare_all(struct pass *p, struct batch *b)
{
	struct hands h = { .pass = p, .batch = b };
	pthread_t threads[MIGRATE_HANDS];
	unsigned n = 0;
	while (n + 1 < MIGRATE_HANDS && n + 1 < b->n && pthread_create(&threads[n], NULL, hand, &h) == 0)
		n++;
	hand(&h);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* ---- one after the other ---- */

static void fill(struct pass *p, struct item *it)
{
	int64_t date = it->f->date;
	bool known = it->f->has_date || batch_date(buf_str(&it->message), &date);
	it->append.date = known ? date : clock_now();
	it->append.flags = it->f->flags & MESSAGE_SYSTEM_FLAGS;
	it->append.keywords = it->keywords;
	it->append.n_keywords = pass_keywords(p->sf, it->f->flags, it->keywords);
	it->ours = match_count(p->match) ? match_find(p->match, buf_str(&it->message), known ? &date : NULL) : 0;
}

static bool is_for_one_message(int r) { return err_class(r) == ERR_CLASS_CLIENT && r != ERR_QUOTA; }

/* What cannot be stored: for reasons of its own, or of ours. */
static int sort_out(struct pass *p, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++) {
		struct item *it = &b->items[i];
		if (it->result >= 0 || it->result == ERR_NOT_FOUND)
			continue;
		if (it->result != ERR_TOO_BIG && !is_for_one_message(it->result)) {
			for (size_t k = 0; k < b->n; k++)
				if (b->items[k].result == 1 && !b->items[k].ours)
					model_drop_blob(p->run->o->model, b->items[k].append.blob, account_id(p->run->account));
			return err_set(e, it->result, NULL, "message %u of %.*s: %s", it->f->uid, STR_ARG(p->plan->folder->name), it->err.log[0] ? it->err.log : err_text(it->result));
		}
		struct note note = { .uid = it->f->uid, .flags = NOTE_TOO_BIG };
		p->run->report->skipped++;
		report_trouble(p->run->report, "%.*s: message %u skipped: %s", STR_ARG(p->plan->folder->name), it->f->uid, it->err.log[0] ? it->err.log : err_text(it->result));
		int r = state_note(p->run->state, p->sf, &note, 1, e);
		if (r)
			return r;
	}
	return 0;
}

static int commit(struct pass *p, struct batch *b, struct err *e)
{
	struct append list[MIGRATE_BATCH];
	size_t n = 0;
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].result == 1 && !b->items[i].ours)
			list[n++] = b->items[i].append;
	if (n == 0)
		return 0;
	int r = mailbox_append(p->run->account, p->sf->target, list, n, p->run->o->ignore_quota, NULL);
	if (r == ERR_QUOTA)
		return err_set(e, r, NULL, "the quota of the account here is used up (troika quota set, or --ignore-quota)");
	if (r)
		return err_set(e, r, NULL, "%.*s: %s", STR_ARG(p->plan->target), r == ERR_NOT_FOUND ? "the mailbox was deleted meanwhile" : err_text(r));
	for (size_t i = 0, k = 0; i < b->n; i++)
		if (b->items[i].result == 1 && !b->items[i].ours)
			b->items[i].append.uid_out = list[k++].uid_out;
	return 0;
}

static int note(struct pass *p, struct batch *b, struct err *e)
{
	struct note notes[MIGRATE_BATCH];
	struct report *report = p->run->report;
	size_t n = 0;
	int r = 0;
	for (size_t i = 0; r == 0 && i < b->n; i++) {
		const struct item *it = &b->items[i];
		if (it->result != 1)
			continue;
		struct rangeset one = RANGESET_INIT;
		if (it->ours && it->f->flags && rangeset_add(&one, it->ours, it->ours) == 0)
			r = pass_set_flags(p, &one, FLAGS_ADD, it->f->flags, e);
		rangeset_fini(&one);
		report->recognised += it->ours != 0;
		report->imported += it->ours == 0;
		report->bytes += it->ours ? 0 : it->message.n;
		p->run->o->live->bytes += it->message.n;
		uint32_t ours = it->ours ? it->ours : it->append.uid_out;
		notes[n++] = (struct note){ .uid = it->f->uid, .ours = ours, .flags = it->f->flags, .email = it->f->email };
		if (r == 0)
			r = emails_put(p->run, it->f->email, p->sf, ours);
	}
	if (r == 0 && n)
		r = state_note(p->run->state, p->sf, notes, n, e);
	if (r == 0)
		r = state_sync(p->run->state, e);
	p->run->progress += n;
	p->run->o->live->messages += n;
	return r;
}

int batch_store(struct pass *p, struct batch *b, struct err *e)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->items[i].result == 1)
			fill(p, &b->items[i]);
	prepare_all(p, b);
	int r = sort_out(p, b, e);
	if (r == 0)
		r = commit(p, b, e);
	pass_crash_point();
	return r ? r : note(p, b, e);
}
