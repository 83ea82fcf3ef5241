#include "backup/restore.h"
#include "cli/admin.h"
#include "cli/backup_options.h"
#include "cli/command.h"
#include "cli/progress.h"

static void show(void *arg, uint64_t messages, uint64_t done, uint64_t all) { progress_show(arg, messages, done, all); }

static int restore_all(const struct backup_options *o, const char *secret, struct err *e)
{
	struct repository *repository = NULL;
	struct progress progress = { .what = "restore" };
	struct restore_report out = { 0 };
	struct past past = { .repository = NULL };
	int r = backup_options_open(o, secret, false, false, &repository, e);
	if (r == 0)
		r = past_open(repository, o->at, STR_NONE, &past, e);
	struct restore restore = { .to = o->dir, .past = &past, .unchanged = o->unchanged, .owner = o->owner, .progress = show, .arg = &progress };
	if (r == 0)
		r = restore_whole(&restore, &out, e);
	progress_end(&progress);
	past_close(&past);
	repository_close(&repository);
	if (r)
		return cli_fail("restore", r, e);
	admin_told(o->dir, "restore", o->repository, o->at ? o->at : "latest", r);
	printf("%s: %llu accounts, %llu messages, %.1f MB\n", o->dir, (unsigned long long)out.accounts, (unsigned long long)out.messages, (double)out.bytes / 1e6);
	if (out.held)
		printf("%llu messages that waited to be sent are held, since they may have been sent meanwhile; see: troika queue list --held, troika queue release\n",
			   (unsigned long long)out.held);
	if (out.lost)
		printf("%llu messages have no body: it was not in the backup\n", (unsigned long long)out.lost);
	return out.lost ? CLI_FAULTS : CLI_OK;
}

int cli_restore(int argc, char **argv)
{
	struct backup_options o;
	struct err e = { 0 };
	char *secret = NULL;
	int r = backup_options_parse(argc, argv, true, &o);

	if (r)
		return r;
	if (!o.dir)
		return cli_usage("restore", "-d DIR is missing: the data directory");
	r = backup_options_secret(&o, &secret);
	if (r == 0)
		r = restore_all(&o, secret, &e);
	backup_options_wipe(&secret);
	return r;
}
