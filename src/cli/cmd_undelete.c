/* Deleted mail, for the administrator: doc/admin/undelete.md. */
#include "app/bins.h"
#include "base/clock.h"
#include "base/num.h"
#include "cli/admin.h"
#include "cli/print.h"
#include "cli/since.h"
#include "codec/mime/summary.h"
#include "codec/mime/words.h"
#include "model/bin.h"

/* What is asked for. */
struct wish {
	struct str mailbox, subject;         /* empty: any */
	int64_t since;                       /* unix seconds; 0: any */
	struct rangeset uids;                /* of the bin; empty: any */
	bool whole;                          /* deleted mailboxes too, as they were: nothing but mailboxes was named */
};

/* Messages that go back into one mailbox. */
struct group {
	uint32_t origin;
	struct str name;                     /* what it is, or was, called */
	struct rangeset uids;
};

struct chosen {
	struct account *account;
	const struct wish *wish;
	struct arena arena;
	struct buf groups;                   /* struct group each */
	bool print;
	uint64_t n;
};

/* ---- what is asked for ---- */

static int read_wish(const struct options *o, char *const *words, unsigned n, struct wish *out, struct err *e)
{
	int64_t ms = 0;
	*out = (struct wish){ .mailbox = str_from_c(o->mailbox), .subject = str_from_c(o->subject), .uids = RANGESET_INIT };
	if (o->since && !since_parse(str_from_c(o->since), &ms))
		return err_set(e, ERR_INVALID, NULL, "'%s' is no time: " SINCE_FORMS, o->since);
	out->since = ms / 1000;
	for (unsigned i = 0; i < n; i++) {
		uint32_t uid;
		if (!num_parse_u32(str_from_c(words[i]), &uid) || uid == 0)
			return err_set(e, ERR_INVALID, NULL, "'%s' is no UID; see: troika undelete list", words[i]);
		if (rangeset_add(&out->uids, uid, uid))
			return ERR_NO_MEMORY;
	}
	out->whole = !out->subject.n && !out->uids.n;
	return 0;
}

static bool is_named(const struct wish *w, struct str name)
{
	return !w->mailbox.n || (str_starts(name, w->mailbox) && (name.n == w->mailbox.n || name.p[w->mailbox.n] == MAILBOX_SEPARATOR));
}

/* ---- what a message shows ---- */

struct shown {
	struct buf from, subject;            /* UTF-8 */
};

static void decode(struct str raw, struct buf *out)
{
	buf_reset(out);
	mime_words_decode(raw, out);
}

static void read_from(const struct mime_envelope *envelope, struct shown *out)
{
	struct mime_envelope_address a;
	struct str list = envelope->from;
	buf_reset(&out->from);
	if (!mime_envelope_address(&list, &a))
		return;
	if (a.name.n)
		decode(mime_text_str(a.name), &out->from);
	else
		buf_printf(&out->from, "%.*s@%.*s", (int)a.local.n, a.local.p, (int)a.domain.n, a.domain.p);
}

/* What cannot be read shows nothing, and is restored all the same. */
static void look(struct account *a, uint64_t email, struct shown *out)
{
	struct email_reader *reader;
	struct mime_summary summary;
	struct mime_envelope envelope;
	struct email found;
	buf_reset(&out->from);
	buf_reset(&out->subject);
	if (email_reader_begin(a, &reader))
		return;
	if (email_reader_get(reader, email, &found) == 0 && mime_summary_open(&summary, found.summary) == 0 && mime_summary_envelope(&summary, &envelope) == 0) {
		decode(mime_text_str(envelope.subject), &out->subject);
		read_from(&envelope, out);
	}
	email_reader_end(&reader);
}

static void print_time(int64_t seconds)
{
	struct civil c = civil_from_unix(seconds);
	printf("%04d-%02d-%02d %02d:%02d  ", c.year, c.month, c.day, c.hour, c.minute);
}

/* ---- choosing ---- */

static int add_group(struct chosen *c, uint32_t origin, struct str name, uint32_t uid)
{
	struct group *v = (struct group *)(void *)c->groups.p;
	size_t n = c->groups.n / sizeof(*v), i = n;
	/* Neighbours are mostly of one mailbox. */
	while (i && v[i - 1].origin != origin)
		i--;
	if (!i) {
		struct group fresh = { .origin = origin, .name = arena_dup(&c->arena, name), .uids = RANGESET_INIT };
		buf_add(&c->groups, &fresh, sizeof(fresh));
		if (c->groups.failed || !fresh.name.p)
			return ERR_NO_MEMORY;
		v = (struct group *)(void *)c->groups.p;
		i = n + 1;
	}
	return uid ? rangeset_add(&v[i - 1].uids, uid, uid) : 0;
}

static int choose(void *arg, const struct bin_item *item)
{
	struct chosen *c = arg;
	const struct wish *w = c->wish;
	const struct message *m = item->message;
	struct shown shown = { BUF_INIT(0), BUF_INIT(0) };
	int r = 0;

	if (!is_named(w, item->name) || message_saved(m) < w->since || (w->uids.n && !rangeset_has(&w->uids, m->uid)))
		return 0;
	/* A mailbox as it was when it was deleted is without what had been deleted from it before. */
	if (!c->print && w->whole && w->mailbox.n && !w->since && item->gone && !item->with_it)
		return 0;
	if (c->print || w->subject.n)
		look(c->account, m->email, &shown);
	if (!w->subject.n || str_ifind(buf_str(&shown.subject), w->subject) != STR_NPOS) {
		c->n++;
		if (c->print) {
			printf("%-7u ", m->uid);
			print_time(message_saved(m));
			print_text(item->name.n ? item->name : STR("?"), 20);
			printf("%c ", item->gone ? '-' : ' ');
			print_text(buf_str(&shown.from), 28);
			putchar(' ');
			print_text(buf_str(&shown.subject), 0);
			putchar('\n');
		} else {
			r = add_group(c, item->mailbox, item->name, m->uid);
		}
	}
	buf_fini(&shown.from);
	buf_fini(&shown.subject);
	return r;
}

static int choose_mailboxes(struct chosen *c)
{
	const struct wish *w = c->wish;
	struct bin_mailbox *v;
	size_t n = 0;
	int r = w->whole ? bin_mailboxes(c->account, &c->arena, &v, &n) : 0;
	for (size_t i = 0; r == 0 && i < n; i++) {
		if (v[i].restored || !is_named(w, v[i].name) || v[i].deleted < w->since)
			continue;
		if (c->print) {
			printf("%-7s ", "mailbox");
			print_time(v[i].deleted);
			print_text(v[i].name, 0);
			putchar('\n');
		} else {
			r = add_group(c, v[i].id, v[i].name, 0);
		}
	}
	return r;
}

static void chosen_fini(struct chosen *c)
{
	struct group *v = (struct group *)(void *)c->groups.p;
	for (size_t i = 0; i < c->groups.n / sizeof(*v); i++)
		rangeset_fini(&v[i].uids);
	buf_fini(&c->groups);
	arena_fini(&c->arena);
}

static int choose_all(struct chosen *c)
{
	int r = bin_visit(c->account, choose, c);
	return r && r != ERR_NOT_FOUND ? r : choose_mailboxes(c);
}

/* ---- the verbs ---- */

/* Of keywords there are so many in a mailbox; a deleted message loses those that find no room in the bin. */
static int tell_of_keywords(struct account *a, struct arena *arena)
{
	struct mailbox bin;
	struct view *view = NULL;
	unsigned n = 0, named = 0;
	int r = bin_find(a, arena, &bin);
	if (r == 0)
		r = view_open(a, bin.id, &view);
	const struct str *names = r == 0 ? view_keywords(view, &n) : NULL;
	for (unsigned i = 0; i < n; i++)
		named += names[i].n > 0;
	view_unref(&view);
	if (named >= KEYWORDS_MAX)
		printf("note: the deleted messages have %u different keywords, as many as there can be; those beyond are lost with what is deleted now\n", named);
	return r == ERR_NOT_FOUND ? 0 : r;
}

static int list(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct wish wish;
	struct chosen c = { .wish = &wish, .groups = BUF_INIT(0), .print = true };
	int r = read_wish(o, NULL, 0, &wish, e);

	(void)n;
	arena_init(&c.arena, 0);
	if (r == 0)
		r = house_open_account(h, words[0], &c.account, e);
	if (r == 0)
		r = choose_all(&c);
	if (r == 0)
		r = tell_of_keywords(c.account, &c.arena);
	account_close(&c.account);
	chosen_fini(&c);
	rangeset_fini(&wish.uids);
	return r;
}

/* What is above comes first: below it could only be made as a plain mailbox. */
static int by_name(const void *a, const void *b)
{
	return str_cmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static int restore_all(struct chosen *c, struct err *e)
{
	struct group *v = (struct group *)(void *)c->groups.p;
	size_t n = c->groups.n / sizeof(*v);
	int r = 0;
	if (n)
		qsort(v, n, sizeof(*v), by_name);
	for (size_t i = 0; r == 0 && i < n; i++) {
		struct mailbox target;
		uint64_t count;
		r = bin_restore(c->account, &c->arena, v[i].origin, &v[i].uids, &target, &count);
		if (r == 0) {
			print_text(target.name, 0);
			printf(": %llu messages\n", (unsigned long long)count);
		}
	}
	if (r == ERR_QUOTA)
		return err_set(e, r, NULL, "the quota has no room for it; what is told above is restored. See: troika quota");
	if (r == 0 && n == 0)
		return err_set(e, ERR_NOT_FOUND, NULL, "nothing deleted fits; see: troika undelete list");
	return r;
}

static int restore(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct wish wish;
	struct chosen c = { .wish = &wish, .groups = BUF_INIT(0) };
	int r = read_wish(o, words + 1, n - 1, &wish, e);

	arena_init(&c.arena, 0);
	if (r == 0 && !o->all && !wish.mailbox.n && !wish.since && wish.whole)
		r = err_set(e, ERR_INVALID, NULL, "what? UIDs, --mailbox, --since, --subject, or --all");
	if (r == 0)
		r = house_open_account(h, words[0], &c.account, e);
	if (r == 0)
		r = choose_all(&c);
	if (r == 0)
		r = restore_all(&c, e);
	account_close(&c.account);
	chosen_fini(&c);
	rangeset_fini(&wish.uids);
	return r;
}

static int subscribe(struct house *h, const char *user, bool on, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct account *a = NULL;
	struct mailbox bin;
	int r = house_open_account(h, user, &a, e);
	if (r == 0) {
		r = bin_find(a, &arena, &bin);
		if (r == 0 || r == ERR_NOT_FOUND)
			r = subscription_set(a, r ? STR(BIN_NAME) : bin.name, on, e);
	}
	account_close(&a);
	arena_fini(&arena);
	return r;
}

static int reveal(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o, (void)n;
	return subscribe(h, words[0], true, e);
}

static int hide(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	(void)o, (void)n;
	return subscribe(h, words[0], false, e);
}

static int purge(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct account *a = NULL;
	uint64_t gone = 0;
	int r = house_open_account(h, words[0], &a, e);

	(void)o, (void)n;
	if (r == 0)
		r = bin_empty(a, &gone);
	account_close(&a);
	if (r == 0)
		printf("%llu messages are gone for good\n", (unsigned long long)gone);
	return r;
}

static int sweep(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct app_config config;
	int r = app_config_load(o->dir, o->config, &config, e);

	(void)words, (void)n;
	if (r == 0) {
		struct model_keep keep = app_keep(&config);
		model_set_keep(h->model, &keep);
		printf("%llu messages were kept long enough\n", (unsigned long long)bins_sweep(h->model, clock_now(), NULL, NULL));
	}
	app_config_fini(&config);
	return r;
}

#define FILTERS (OPT_MAILBOX | OPT_SINCE | OPT_SUBJECT)
static const struct admin_verb verbs[] = {
	{ "list", 1, 1, FILTERS, list },
	{ "restore", 1, OPTIONS_WORDS_MAX, FILTERS | OPT_ALL, restore },
	{ "reveal", 1, 1, 0, reveal },
	{ "hide", 1, 1, 0, hide },
	{ "purge", 1, 1, 0, purge },
	{ "sweep", 0, 0, OPT_CONFIG, sweep },
	{ 0 },
};

int cli_undelete(int argc, char **argv)
{
	return admin_run("undelete", verbs, argc, argv);
}
