#include "app/house.h"
#include "backup/restore.h"
#include "cli/admin.h"
#include "cli/backup_options.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/restore_part.h"

static void show(void *arg, uint64_t messages, uint64_t done, uint64_t all) { progress_show(arg, messages, done, all); }

static void print_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "troika: %s\n", line);
}

static int restore_all(const struct backup_options *o, const char *secret, struct err *e)
{
	struct repository *repository = NULL;
	struct progress progress = { .what = "restore" };
	struct restore_report out = { 0 };
	struct past past = { .repository = NULL };
	int r = backup_options_open(o, secret, false, false, &repository, e);
	if (r == 0)
		r = past_open(repository, o->at, STR_NONE, &past, e);
	bool skipped = r == 0 && backup_options_tell_skipped(&past);
	struct restore restore = { .to = o->dir, .past = &past, .unchanged = o->unchanged, .owner = o->owner, .progress = show, .tell = print_line, .arg = &progress };
	if (r == 0)
		r = restore_whole(&restore, &out, e);
	progress_end(&progress);
	past_close(&past);
	repository_close(&repository);
	if (r == 0)
		r = house_become_owner(o->dir, e);      /* else the trail would be root's, and the server could not open it */
	if (r)
		return cli_fail("restore", r, e);
	admin_told(o->dir, "restore", o->repository, o->at ? o->at : "latest", r);
	printf("%s: %llu accounts, %llu messages, %.1f MB\n", o->dir, (unsigned long long)out.accounts, (unsigned long long)out.messages, (double)out.bytes / 1e6);
	if (out.held)
		printf("%llu messages that waited to be sent are held, since they may have been sent meanwhile; see: troika queue list --held, troika queue release\n",
			   (unsigned long long)out.held);
	if (out.lost)
		printf("%llu messages have no body: it was not in the backup\n", (unsigned long long)out.lost);
	if (out.nameless)
		printf("%llu accounts have no user, as the backup has lost whose they are; see above, and: troika user adopt\n", (unsigned long long)out.nameless);
	if (out.unread)
		printf("%llu records of users, domains and the like are not in the backup, as they could not be read when it was made; an earlier moment may have them (--at)\n",
			   (unsigned long long)out.unread);
	if (out.left_out)
		printf("%llu accounts, files or parts of the queue or the directory were left out, as they are damaged in the backup; another moment may have them (--at)\n",
			   (unsigned long long)out.left_out);
	return out.lost || out.left_out || out.unread || skipped ? CLI_FAULTS : CLI_OK;
}

/* What goes with what. */
static int check(const struct backup_options *o)
{
	bool part = o->mailbox || o->message || o->subject || o->into || o->as || o->exact;
	if (o->n_users > 1)
		return cli_usage("restore", "one --user at a time");
	if (part && !o->n_users)
		return cli_usage("restore", "whose? --user NAME@DOMAIN is missing");
	if (o->n_users && (o->unchanged || o->owner))
		return cli_usage("restore", "--%s is for whole directories", o->unchanged ? "unchanged" : "owner");
	if (o->into && !o->mailbox && !o->message && !o->subject)
		return cli_usage("restore", "--into needs --mailbox or --message");
	if (o->exact && (o->into || o->message || o->subject || o->as))
		return cli_usage("restore", "--exact puts an account or a mailbox of it back as it was, and goes with nothing else");
	if (!o->dir && !o->list)
		return cli_usage("restore", "-d DIR is missing: the data directory");
	return 0;
}

int cli_restore(int argc, char **argv)
{
	struct backup_options o;
	struct err e = { 0 };
	char *secret = NULL;
	int r = backup_options_parse(argc, argv, true, &o);

	if (r == 0)
		r = check(&o);
	if (r)
		return r;
	r = backup_options_secret(&o, &secret);
	if (r == 0)
		r = o.list ? restore_list(&o, secret, &e) : o.n_users ? restore_part(&o, secret, &e) : restore_all(&o, secret, &e);
	backup_options_wipe(&secret);
	return r;
}
