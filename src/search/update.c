/* Bringing an index up to date: batches of emails, each in one transaction. */
#include "search/inside.h"

#include "base/clock.h"
#include "rt/metric.h"
#include "search/merge.h"
#include "search/pile.h"
#include "search/reader.h"
#include "search/stems.h"

#include <stdlib.h>
#include <unistd.h>

METRIC_SECONDS(update_seconds, "troika_search_update_seconds", "", "Bringing the index of an account up to date.");
METRIC_COUNTER(indexed, "troika_search_emails_total", "result=\"indexed\"", "Emails that were read for an index.");
METRIC_COUNTER(unread, "troika_search_emails_total", "result=\"unread\"", "Emails that were read for an index.");

struct update {
	struct search *search;
	struct account *account;
	struct shelf *shelf;
	struct stemmer *stemmer;
	struct reader reader;
	struct pile pile[FIELD_COUNT];
	struct shelf_state state;
	uint64_t emails[BATCH_EMAILS_MAX];           /* of the batch, by place */
	uint32_t n;
	uint64_t ids[READ_EMAILS_MAX];               /* those that are read next */
	struct arena arena;                          /* their records */
	struct email records[READ_EMAILS_MAX];
};

/* ---- one email ---- */

static size_t terms_of(const struct update *u)
{
	size_t n = 0;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		n += pile_postings(&u->pile[f]);
	return n;
}

static int put_terms(struct update *u)
{
	const struct { enum field field; const struct buf *text; } texts[] = {
		{ FIELD_HEADER, &u->reader.header }, { FIELD_BODY, &u->reader.body }, { FIELD_BODY, &u->reader.source }, { FIELD_ATTACHED, &u->reader.attached },
		{ FIELD_SUBJECT, &u->reader.column[STEM_SUBJECT] }, { FIELD_FROM, &u->reader.column[STEM_FROM] }, { FIELD_RECEIVERS, &u->reader.column[STEM_TO] },
		{ FIELD_RECEIVERS, &u->reader.column[STEM_CC] }, { FIELD_RECEIVERS, &u->reader.column[STEM_BCC] }, { FIELD_OTHERS, &u->reader.others },
	};
	size_t before[FIELD_COUNT], all = terms_of(u);
	bool failed = false;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		before[f] = pile_postings(&u->pile[f]);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		pile_add(&u->pile[texts[i].field], u->n, buf_str(texts[i].text));
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		failed |= u->pile[f].failed;
	if (failed)
		return ERR_NO_MEMORY;
	if (terms_of(u) - all <= EMAIL_TERMS_MAX)
		return 0;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		pile_take_back(&u->pile[f], before[f]);
	return ERR_TOO_BIG;
}

static int put_stems(struct update *u, uint64_t id)
{
	struct str stems[STEM_COLUMNS];
	stemmer_begin(u->stemmer);
	for (int i = 0; i < STEM_BODY; i++)
		stemmer_add(u->stemmer, (enum stem_column)i, buf_str(&u->reader.column[i]));
	stemmer_add(u->stemmer, STEM_BODY, buf_str(&u->reader.body));
	stemmer_add(u->stemmer, STEM_BODY, buf_str(&u->reader.attached));
	int r = stemmer_end(u->stemmer, stems);
	return r ? r : shelf_put_stems(u->shelf, id, stems);
}

/* What cannot be read now is not waited for: it is read when somebody searches, and tells its error then. */
static int add_email(struct update *u, uint64_t id, const struct email *record)
{
	int r = reader_read(&u->reader, u->account, record);
	if (!r)
		r = put_terms(u);
	if (r == ERR_NOT_FOUND)
		return 0;
	if (r == ERR_IO || r == ERR_TOO_BIG || err_class(r) == ERR_CLASS_PERMANENT) {
		metric_add(&unread, 1);
		return shelf_put_unread(u->shelf, id);
	}
	if (r)
		return r;
	r = put_stems(u, id);
	if (!r && u->reader.attached.n)
		r = shelf_put_attached(u->shelf, id, buf_str(&u->reader.attached));
	u->emails[u->n++] = id;
	metric_add(&indexed, 1);
	return r;
}

/* ---- a batch ---- */

/* Copies of the next records, so that no store read goes on while messages are read. */
static int read_records(struct update *u, size_t *n_out, uint64_t *next_out)
{
	struct email_reader *reader;
	arena_reset(&u->arena);
	int r = account_emails(u->account, u->state.known_below, u->ids, READ_EMAILS_MAX, n_out, next_out);
	if (r || *n_out == 0)
		return r;
	r = email_reader_begin(u->account, &reader);
	for (size_t i = 0; !r && i < *n_out; i++) {
		struct email *e = &u->records[i];
		int got = email_reader_get(reader, u->ids[i], e);
		if (got == ERR_NOT_FOUND || err_class(got) == ERR_CLASS_PERMANENT)
			*e = (struct email){ .blob = 0 };
		else if (got)
			r = got;
		else
			e->summary = arena_dup(&u->arena, e->summary);
	}
	email_reader_end(&reader);
	return r ? r : u->arena.failed ? ERR_NO_MEMORY : 0;
}

static int gather(struct update *u, bool *more_out)
{
	uint64_t until = clock_mono_ms() + BATCH_SECONDS_MAX * UINT64_C(1000);
	*more_out = true;
	while (u->n + READ_EMAILS_MAX <= BATCH_EMAILS_MAX && terms_of(u) < BATCH_POSTINGS_MAX && clock_mono_ms() < until && !u->search->stopping) {
		size_t n;
		uint64_t next;
		int r = read_records(u, &n, &next);
		for (size_t i = 0; !r && i < n; i++) {
			r = add_email(u, u->ids[i], &u->records[i]);
			/* Told to stop: what is done is written. */
			if (r == ERR_CLOSED || (!r && u->search->stopping)) {
				u->state.known_below = u->ids[i] + !r;
				return 0;
			}
		}
		if (r)
			return r;
		u->state.known_below = next;
		if (n < READ_EMAILS_MAX) {
			*more_out = false;
			return 0;
		}
	}
	return 0;
}

struct put { struct update *update; enum field field; uint32_t number; uint64_t chunk; };

static int put_block(void *arg, const struct block *b)
{
	struct put *p = arg;
	return shelf_put_block(p->update->shelf, p->chunk, p->field, p->number++, b);
}

static int write_chunk(struct update *u)
{
	uint64_t id = u->state.chunk_next++;
	int r = shelf_put_chunk(u->shelf, id, u->emails, u->n);
	for (enum field f = 0; !r && f < FIELD_COUNT; f++) {
		struct put put = { u, f, 0, id };
		struct block_writer w;
		block_writer_init(&w, put_block, &put, u->n);
		r = pile_write(&u->pile[f], &w);
		int written = block_writer_end(&w);
		r = r ? r : written;
	}
	u->state.emails += u->n;
	return r ? r : merge_chunks(u->shelf, &u->state);
}

static int batch(struct update *u, bool *more_out)
{
	uint64_t one, next;
	size_t n = 0;
	u->n = 0;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		pile_reset(&u->pile[f]);
	int r = shelf_state(u->shelf, &u->state);
	/* Mostly there is nothing new, and then nothing is written. */
	if (!r)
		r = account_emails(u->account, u->state.known_below, &one, 1, &n, &next);
	*more_out = false;
	if (r || n == 0)
		return r;
	r = shelf_begin(u->shelf, true);
	if (!r)
		r = shelf_state(u->shelf, &u->state);
	if (!r)
		r = gather(u, more_out);
	if (!r && u->n)
		r = write_chunk(u);
	if (!r)
		r = shelf_set_state(u->shelf, &u->state);
	if (!r)
		r = shelf_commit(u->shelf);
	if (r)
		shelf_rollback(u->shelf);
	return r;
}

/* ---- the whole ---- */

/* Of a later state than the account, which came back from a backup: the ids stand for other emails by now, or will. */
static bool is_ahead(struct update *u)
{
	struct shelf_state state;
	uint64_t one, next;
	size_t n;
	return shelf_state(u->shelf, &state) == 0 && account_emails(u->account, UINT64_MAX, &one, 1, &n, &next) == 0 && state.known_below > next;
}

/* Most of what is indexed is gone: an index without it is smaller and faster. A message stands for an email at most, so there are no more of
 * these than of those. */
static bool is_mostly_dead(struct update *u)
{
	struct quota q;
	struct shelf_state state;
	return shelf_state(u->shelf, &state) == 0 && account_quota(u->account, &q) == 0 &&
	       state.emails > DEAD_EMAILS_MIN && state.emails - DEAD_EMAILS_MIN > 2 * q.messages;
}

static int clear(struct update *u)
{
	int r = shelf_begin(u->shelf, true);
	if (!r)
		r = shelf_clear(u->shelf);
	if (!r)
		r = shelf_commit(u->shelf);
	if (r)
		shelf_rollback(u->shelf);
	return r;
}

static int run_batches(struct update *u, bool anew)
{
	bool more = true;
	int r = anew || is_ahead(u) || is_mostly_dead(u) ? clear(u) : 0;
	while (!r && more && !u->search->stopping)
		r = batch(u, &more);
	return r;
}

static struct update *update_create(struct search *s, struct account *a)
{
	struct update *u = calloc(1, sizeof(*u));
	if (!u)
		return NULL;
	u->search = s;
	u->account = a;
	arena_init(&u->arena, 0);
	reader_init(&u->reader, model_store(s->model), str_from_c(s->converter), &s->stopping);
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		pile_init(&u->pile[f]);
	if (stemmer_create(&u->stemmer)) {
		free(u);
		return NULL;
	}
	return u;
}

static void update_destroy(struct update *u)
{
	shelf_close(&u->shelf);
	stemmer_destroy(&u->stemmer);
	reader_fini(&u->reader);
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		pile_fini(&u->pile[f]);
	arena_fini(&u->arena);
	free(u);
}

/* Opens it for writing; what is damaged, or made by other rules, makes room for a new one. */
static int open_shelf(struct search *s, uint64_t account, bool damaged, struct shelf **out, struct err *e)
{
	char path[SEARCH_PATH_MAX];
	search_path(s, account, path);
	int r = damaged ? ERR_CORRUPT : shelf_open(path, true, out, e);
	if (r != ERR_CORRUPT && r != ERR_VERSION)
		return r;
	r = shelf_reset(path, e);
	if (r)
		r = search_forget(s, account, e);
	return r ? r : shelf_open(path, true, out, e);
}

/* An account without mail needs no index. */
static bool has_nothing(struct search *s, struct account *a)
{
	char path[SEARCH_PATH_MAX];
	uint64_t one, next;
	size_t n;
	search_path(s, account_id(a), path);
	return access(path, F_OK) != 0 && account_emails(a, 0, &one, 1, &n, &next) == 0 && n == 0;
}

bool search_has_news(struct search *s, uint64_t account, uint64_t from, uint64_t *next_out)
{
	struct account *a;
	uint64_t one;
	size_t n = 0;
	*next_out = 0;
	if (account_open(s->model, account, &a))
		return false;
	if (account_emails(a, UINT64_MAX, &one, 1, &n, next_out) == 0)
		n = from < *next_out;
	account_close(&a);
	return n > 0;
}

int search_update_damaged(struct search *s, uint64_t account, bool anew, bool damaged, struct err *e)
{
	struct account *a;
	int r = account_open(s->model, account, &a);
	if (r == ERR_NOT_FOUND)
		search_forget(s, account, NULL);
	if (r)
		return err_set(e, r, NULL, "account %llu: %s", (unsigned long long)account, err_text(r));
	if (!damaged && has_nothing(s, a)) {
		account_close(&a);
		return 0;
	}
	struct update *u = update_create(s, a);
	r = u ? open_shelf(s, account, damaged, &u->shelf, e) : ERR_NO_MEMORY;
	if (!r) {
		shelf_stop_when(u->shelf, &s->stopping);
		uint64_t began = clock_mono_us();
		r = run_batches(u, anew);
		metric_time(&update_seconds, clock_mono_us() - began);
		if (r)
			err_set(e, r, NULL, "index of account %llu: %s", (unsigned long long)account, err_text(r));
	}
	if (u)
		update_destroy(u);
	account_close(&a);
	return r;
}

int search_update(struct search *s, uint64_t account, bool anew, struct err *e)
{
	int r = search_update_damaged(s, account, anew, false, e);
	return r == ERR_CORRUPT ? search_update_damaged(s, account, true, true, e) : r;
}
