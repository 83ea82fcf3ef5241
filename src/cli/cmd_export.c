#include "cli/admin.h"
#include "cli/command.h"
#include "cli/mailsink.h"
#include "cli/options.h"
#include "cli/progress.h"

struct export {
	struct store *store;
	struct account *account;
	struct mailsink *sink;
	struct progress progress;
	uint64_t messages, bytes, gone, lost;
};

/* Whether the email is still there, only its body is not. */
static bool is_lost(struct export *x, const struct message *m)
{
	struct email_reader *reader;
	struct email email;
	int r = email_reader_begin(x->account, &reader);

	if (r == 0)
		r = email_reader_get(reader, m->email, &email);
	email_reader_end(&reader);
	return r != ERR_NOT_FOUND;
}

/* One that cannot be read is told, and the others are exported. */
static void tell_lost(struct export *x, const struct message *m, int r)
{
	fprintf(stderr, "troika: export: message with UID %u: %s\n", m->uid, r == ERR_NOT_FOUND ? "its body is lost" : err_text(r));
	x->lost++;
}

static int export_message(struct export *x, const struct message *m, struct err *e)
{
	struct store_blob_view body;
	int r = email_map(x->account, m->email, &body);

	if (r == ERR_NOT_FOUND && !is_lost(x, m)) {            /* expunged since the view was taken */
		x->gone++;
		return 0;
	}
	if (r == ERR_NOT_FOUND || r == ERR_CORRUPT) {
		tell_lost(x, m, r);
		return 0;
	}
	if (r)
		return err_set(e, r, NULL, "message with UID %u: %s", m->uid, err_text(r));
	r = mailsink_message(x->sink, body.bytes, m->flags, m->date, m->uid, e);
	if (r == 0 && !store_blob_intact(x->store, &body))
		r = err_set(e, ERR_IO, NULL, "message with UID %u: the disk failed while it was written; it is not whole", m->uid);
	x->messages++;
	x->bytes += body.bytes.n;
	email_unmap(x->account, &body);
	progress_show(&x->progress, x->messages, x->bytes, 0);
	return r;
}

static int export_mailbox(struct export *x, const struct mailbox *box, struct err *e)
{
	struct view *v;
	const struct message *m;
	int r = view_open(x->account, box->id, &v);

	if (r)
		return r;
	r = mailsink_mailbox(x->sink, box->name, e);
	if (r == 0 && mailsink_is_shortened(x->sink))
		fprintf(stderr, "troika: export: a mailbox's name is too long for a file's and was cut: %s\n", mailsink_path(x->sink));
	if (r == 0) {
		unsigned n;
		const struct str *names = view_keywords(v, &n);
		r = mailsink_keywords(x->sink, names, n, e);
	}
	struct view_iter it = view_iter_at(v, 0);
	while (r == 0 && (m = view_iter_next(&it)))
		r = export_message(x, m, e);
	view_unref(&v);
	return r;
}

static int export_all(struct export *x, const char *only, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox *list, one;
	size_t n = 1;
	int r;

	if (only) {
		list = &one;
		r = mailbox_find(x->account, &arena, str_from_c(only), &one);
		if (r)
			err_set(e, r, NULL, "no mailbox %s", only);
	} else {
		r = mailbox_list(x->account, &arena, &list, &n);
	}
	for (size_t i = 0; r == 0 && i < n; i++)
		if (!list[i].no_select)
			r = export_mailbox(x, &list[i], e);
	arena_fini(&arena);
	return r;
}

int cli_export(int argc, char **argv)
{
	struct options o;
	struct house h = { 0 };
	struct err e = { 0 };
	struct export x = { .progress = { .what = "export" } };
	int r = options_parse("export", argc, argv, OPT_USER | OPT_MAILBOX | OPT_TO, &o);

	if (r)
		return r;
	if (!o.user || !o.to || o.n_words != 1)
		return cli_usage("export", "%s is missing", !o.user ? "--user" : !o.to ? "--to mbox or --to maildir" : "one PATH");
	bool maildir = !strcmp(o.to, "maildir");
	if (!maildir && strcmp(o.to, "mbox") != 0)
		return cli_usage("export", "--to is mbox or maildir, not '%s'", o.to);
	store_catch_bus_errors();
	r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	if (r == 0)
		r = house_open_account(&h, o.user, &x.account, &e);
	x.store = h.store;
	if (r == 0)
		r = mailsink_create(o.words[0], maildir ? MAILSINK_MAILDIR : MAILSINK_MBOX, &x.sink, &e);
	if (r == 0)
		r = export_all(&x, o.mailbox, &e);
	int closed = mailsink_close(&x.sink, &e);
	account_close(&x.account);
	house_close(&h);
	if (r == 0)
		r = closed;
	admin_told(o.dir, "export", o.user, o.words[0], r);
	if (r)
		return cli_fail("export", r, &e);
	printf("%llu messages exported\n", (unsigned long long)x.messages);
	if (x.lost)
		fprintf(stderr, "troika: export: %llu messages could not be read; see: troika check\n", (unsigned long long)x.lost);
	return x.lost ? CLI_FAULTS : CLI_OK;
}
