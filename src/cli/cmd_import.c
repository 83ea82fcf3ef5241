#include "cli/admin.h"
#include "cli/command.h"
#include "cli/import_live.h"
#include "cli/import_options.h"
#include "cli/mailsource.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "deliver/deliver.h"
#include "migrate/names.h"

#include <pthread.h>
#include <stdatomic.h>

#define BATCH 64                        /* messages whose blobs share syncs */
#define BATCH_BYTES ((size_t)64 << 20)
#define HANDS 8                         /* threads that parse and store them */
#define HANDED_OVER 1                   /* as a result: the mailbox has the blob, or has dropped it */

struct item {
	struct mailsource_message m;
	uint64_t number;                    /* of the source */
	struct arena arena;
	struct append append;
	int result;
	struct err err;
};

struct import {
	struct house *house;
	struct account *account;
	const char *mailbox;                /* --mailbox, or NULL */
	struct item *items;
	size_t n;
	_Atomic size_t next;
	uint64_t seen, imported, failed;
};

static void prepare(struct import *im, struct item *it)
{
	struct buf message = BUF_INIT(STORE_BLOB_MAX);

	deliver_normalise(buf_str(&it->m.raw), &message);
	it->result = message.failed ? buf_error(&message)
								: deliver_prepare(im->house->model, account_id(im->account), &it->arena, buf_str(&message), &it->append, &it->err);
	it->append.flags = it->m.flags;
	it->append.keywords = it->m.keywords;
	it->append.n_keywords = it->m.n_keywords;
	it->append.date = it->m.date;
	buf_fini(&message);
}

static void *hand(void *arg)
{
	struct import *im = arg;
	size_t i;

	while ((i = atomic_fetch_add(&im->next, 1)) < im->n)
		prepare(im, &im->items[i]);
	return NULL;
}

static void prepare_all(struct import *im)
{
	pthread_t threads[HANDS];
	unsigned n = 0;

	atomic_store(&im->next, 0);
	while (n < HANDS && n + 1 < im->n && pthread_create(&threads[n], NULL, hand, im) == 0)
		n++;
	hand(im);
	while (n)
		pthread_join(threads[--n], NULL);
}

/* What may not stand in a name here becomes '_', as in an import from a server. */
static struct str clean_name(struct import *im, const char *folder, struct arena *arena)
{
	struct buf clean = BUF_INIT(0);
	struct str name = STR("INBOX");

	if (*folder) {
		names_clean(str_from_c(folder), &clean);
		name = arena_dup(arena, buf_str(&clean));
	}
	buf_fini(&clean);
	if (!im->mailbox)
		return name;
	return *folder ? arena_printf(arena, "%s%c%.*s", im->mailbox, MAILBOX_SEPARATOR, STR_ARG(name)) : str_from_c(im->mailbox);
}

static int find_or_make(struct import *im, struct str name, struct mailbox *out, struct arena *arena, struct err *e)
{
	int r = mailbox_find(im->account, arena, name, out);
	if (r == 0 && out->bin)
		return ERR_DENIED;
	if (r == ERR_NOT_FOUND || (r == 0 && out->no_select)) {
		r = mailbox_create(im->account, name, 0, out, e);
		if (r == 0)
			subscription_set(im->account, name, true, NULL);
	}
	return r;
}

/* A folder that is called like the mailbox of deleted messages, or lies below it, gets a name beside it: nothing can be put there. */
static int find_mailbox(struct import *im, const char *folder, struct mailbox *out, struct arena *arena, struct err *e)
{
	struct str name = clean_name(im, folder, arena), top, below;
	int r = name.p ? find_or_make(im, name, out, arena, e) : ERR_NO_MEMORY;

	if (r != ERR_DENIED || im->mailbox)
		return r;
	bool deep = str_cut(name, MAILBOX_SEPARATOR, &top, &below);
	name = arena_printf(arena, "%.*s~2%s%.*s", STR_ARG(top), deep ? "/" : "", STR_ARG(below));
	return name.p ? find_or_make(im, name, out, arena, e) : ERR_NO_MEMORY;
}

/* Of items from..to-1, which are of one folder, those that are prepared. */
static int append_run(struct import *im, size_t from, size_t to, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct append *list = arena_array(&arena, to - from, sizeof *list);
	struct mailbox box;
	uint32_t uidvalidity;
	size_t n = 0;

	int r = list ? find_mailbox(im, im->items[from].m.mailbox, &box, &arena, e) : ERR_NO_MEMORY;
	for (size_t i = from; r == 0 && i < to; i++)
		if (im->items[i].result == 0) {
			list[n++] = im->items[i].append;
			im->items[i].result = HANDED_OVER;
		}
	if (r == 0 && n)
		r = mailbox_append(im->account, box.id, list, n, false, &uidvalidity);
	if (r == 0)
		im->imported += n;
	arena_fini(&arena);
	return r;
}

/* What is not imported is told, and does not keep all else from coming. */
static void tell_failed(struct import *im, const char *why)
{
	fprintf(stderr, "troika: import: %s\n", why);
	im->failed++;
}

/* What cannot be stored for reasons of its own is told; a reason of ours ends the import. */
static int sort_out(struct import *im, struct err *e)
{
	for (size_t i = 0; i < im->n; i++) {
		const struct item *it = &im->items[i];
		char why[sizeof it->err.log + 40];
		if (it->result == 0)
			continue;
		if (err_class(it->result) != ERR_CLASS_CLIENT) {
			*e = it->err;
			return it->result;
		}
		snprintf(why, sizeof why, "message %llu: %s", (unsigned long long)it->number, it->err.log[0] ? it->err.log : err_text(it->result));
		tell_failed(im, why);
	}
	return 0;
}

static int import_batch(struct import *im, struct err *e)
{
	prepare_all(im);
	int r = sort_out(im, e);
	for (size_t from = 0, to; r == 0 && from < im->n; from = to) {
		for (to = from + 1; to < im->n && !strcmp(im->items[from].m.mailbox, im->items[to].m.mailbox);)
			to++;
		r = append_run(im, from, to, e);
	}
	for (size_t i = 0; i < im->n; i++) {
		if (im->items[i].result == 0)
			model_drop_blob(im->house->model, im->items[i].append.blob, account_id(im->account));
		buf_fini(&im->items[i].m.raw);
		arena_fini(&im->items[i].arena);
	}
	im->n = 0;
	return r;
}

static int import_all(struct import *im, struct mailsource *source, struct err *e)
{
	struct progress progress = { .what = "import" };
	struct err why = { 0 };
	size_t bytes = 0;
	int r;

	do {
		struct item *it = &im->items[im->n];
		*it = (struct item){ .number = im->seen + 1 };
		r = mailsource_next(source, &it->m, &why);
		if (r == 1) {
			im->n++;
			im->seen++;
			bytes += it->m.raw.n;
		} else if (r == MAILSOURCE_PASSED_OVER) {
			tell_failed(im, why.log);
		} else if (r) {
			*e = why;
		}
		if ((r == 0 && im->n) || im->n == BATCH || bytes > BATCH_BYTES) {
			int failed = import_batch(im, e);
			bytes = 0;
			r = failed ? failed : r;
		}
		uint64_t done, all;
		mailsource_progress(source, &done, &all);
		progress_show(&progress, im->imported, done, all);
	} while (r > 0);
	for (size_t i = 0; i < im->n; i++)
		buf_fini(&im->items[i].m.raw);
	progress_end(&progress);
	return r;
}

int cli_import(int argc, char **argv)
{
	struct options o;
	struct house h = { 0 };
	struct err e = { 0 };
	struct import im = { .house = &h };
	struct mailsource *source = NULL;
	if (import_options_are_live(argc, argv))
		return import_live(argc, argv);
	int r = options_parse("import", argc, argv, OPT_USER | OPT_MAILBOX, &o);

	if (r)
		return r;
	if (!o.user || o.n_words != 1)
		return cli_usage("import", "%s is missing", o.user ? "one FILE.mbox or MAILDIR" : "--user");
	im.mailbox = o.mailbox;
	/* opened before the privileges go: the file may be readable for root only */
	r = mailsource_open(o.words[0], &source, &e);
	if (r == 0)
		r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	if (r == 0)
		r = house_open_account(&h, o.user, &im.account, &e);
	if (r == 0) {
		im.items = calloc(BATCH, sizeof *im.items);
		r = im.items ? import_all(&im, source, &e) : ERR_NO_MEMORY;
	}
	printf("%llu messages imported", (unsigned long long)im.imported);
	if (im.failed)
		printf(", %llu failed", (unsigned long long)im.failed);
	putchar('\n');
	free(im.items);
	account_close(&im.account);
	mailsource_close(&source);
	house_close(&h);
	admin_told(o.dir, "import", o.user, o.words[0], r);
	if (r)
		return cli_fail(o.words[0], r, &e);
	return im.failed ? CLI_FAILED : CLI_OK;
}
