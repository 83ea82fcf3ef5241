#include "cli/command.h"
#include "cli/options.h"
#include "cli/print.h"
#include "codec/smtp/trace.h"
#include "report/dmarc_read.h"
#include "report/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* What all reports together say. */
struct totals {
	uint64_t reports, messages, aligned, not_reports;
};

static bool is_pass(struct str s)
{
	return str_ieq(s, STR("pass"));
}

static void print_report(const struct dmarc_foreign *f, struct totals *t)
{
	struct buf date = BUF_INIT(256);

	smtp_format_date(&date, f->begin);
	print_text(f->domain, 0);
	printf(" (p=");
	print_text(f->policy, 0);
	printf("), told by ");
	print_text(f->org, 0);
	printf(", from %.*s\n", STR_ARG(buf_str(&date)));
	buf_fini(&date);
	for (size_t i = 0; i < f->n; i++) {
		const struct dmarc_foreign_row *r = &f->rows[i];
		bool ok = is_pass(r->dkim) || is_pass(r->spf);
		printf("  %-4s %8llu  ", ok ? "ok" : "FAIL", (unsigned long long)r->count);
		print_text(r->source_ip, 40);
		printf(" %s ", is_pass(r->dkim) ? "dkim" : "-   ");
		printf("%s  ", is_pass(r->spf) ? "spf" : "-  ");
		print_text(r->disposition, 10);
		printf(" ");
		print_text(r->header_from, 0);
		if (!ok) {
			printf("  [spf: ");
			print_text(r->spf_domain, 0);
			printf("; dkim: ");
			print_text(r->dkim_domains.n ? r->dkim_domains : STR("none"), 0);
			printf("]");
		}
		putchar('\n');
		t->messages += r->count;
		t->aligned += ok ? r->count : 0;
	}
	t->reports++;
}

static int read_bytes(struct str bytes, struct totals *t, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct dmarc_foreign f;
	int r = dmarc_read(bytes, &a, &f, e);

	if (r == 0)
		print_report(&f, t);
	arena_fini(&a);
	return r;
}

static int read_file(const char *path, struct totals *t, struct err *e)
{
	struct buf all = BUF_INIT(REPORT_READ_MAX);
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, r = 0;
	ssize_t n = 1;

	if (fd < 0)
		return err_from_errno(e, errno, "cannot read %s", path);
	while (n > 0 && !all.failed) {
		char *place = buf_reserve(&all, 65536);
		n = place ? read(fd, place, 65536) : 0;
		all.n += n > 0 ? (size_t)n : 0;
	}
	if (n < 0)
		r = err_from_errno(e, errno, "cannot read %s", path);
	else if (all.failed)
		r = err_set(e, ERR_TOO_BIG, NULL, "%s is too big for a report", path);
	else
		r = read_bytes(buf_str(&all), t, e);
	if (fd != STDIN_FILENO)
		close(fd);
	buf_fini(&all);
	return r;
}

/* All reports in a mailbox; other mail in it is counted and left. */
static int read_mailbox(struct account *account, const char *name, struct totals *t, struct err *e)
{
	struct arena a = ARENA_INIT(0);
	struct mailbox box;
	struct view *v = NULL;
	const struct message *m;
	int r = mailbox_find(account, &a, str_from_c(name), &box);

	if (r)
		err_set(e, r, NULL, "no mailbox %s", name);
	else
		r = view_open(account, box.id, &v);
	struct view_iter it = { 0 };
	if (r == 0)
		it = view_iter_at(v, 0);
	while (r == 0 && (m = view_iter_next(&it))) {
		struct store_blob_view body;
		r = email_map(account, m->email, &body);
		if (r == 0) {
			r = read_bytes(body.bytes, t, e);
			email_unmap(account, &body);
		}
		if (r == ERR_INVALID || r == ERR_TOO_BIG) {
			t->not_reports++;
			r = 0;
		}
		r = r == ERR_NOT_FOUND ? 0 : r;                 /* expunged meanwhile */
	}
	view_unref(&v);
	arena_fini(&a);
	return r;
}

static int read_user(const struct options *o, struct totals *t, struct err *e)
{
	struct house h = { 0 };
	struct account *account = NULL;
	int r = house_become_owner(o->dir, e);

	if (r == 0)
		r = house_open(o->dir, NULL, &h, e);
	if (r == 0)
		r = house_open_account(&h, o->user, &account, e);
	if (r == 0)
		r = read_mailbox(account, o->mailbox ? o->mailbox : "INBOX", t, e);
	account_close(&account);
	house_close(&h);
	return r;
}

int cli_dmarc(int argc, char **argv)
{
	struct options o;
	struct err e = { 0 };
	struct totals t = { 0 };

	if (argc < 2 || strcmp(argv[1], "read") != 0)
		return cli_usage("dmarc", argc < 2 ? "what to do?" : "there is no '%s'", argc < 2 ? "" : argv[1]);
	bool files = argc > 2 && argv[2][0] != '-';
	int r = 0;
	if (files || (argc == 3 && !strcmp(argv[2], "-"))) {
		for (int i = 2; i < argc; i++) {
			int one = read_file(argv[i], &t, &e);
			if (one)
				r = cli_fail(argv[i], one, &e);
		}
	} else {
		r = options_parse("dmarc", argc - 1, argv + 1, OPT_USER | OPT_MAILBOX, &o);
		if (r)
			return r;
		if (!o.user || o.n_words)
			return cli_usage("dmarc", "files, or --user and -d, are missing");
		r = read_user(&o, &t, &e);
		if (r)
			return cli_fail("dmarc", r, &e);
	}
	printf("%llu reports, %llu messages, %llu of them aligned", (unsigned long long)t.reports, (unsigned long long)t.messages, (unsigned long long)t.aligned);
	if (t.not_reports)
		printf("; %llu other messages passed over", (unsigned long long)t.not_reports);
	putchar('\n');
	return r;
}
