#include "backup/run.h"
#include "backup/walk.h"
#include "base/clock.h"
#include "cli/admin.h"
#include "cli/backup_options.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "cli/unfinished.h"

#include <limits.h>
#include <stdlib.h>

static void print_line(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "troika: %s\n", line);
}

static void show(void *arg, uint64_t messages, uint64_t done, uint64_t all) { progress_show(arg, messages, done, all); }

static double megabytes(uint64_t bytes) { return (double)bytes / 1e6; }

/* ---- --list ---- */

static int list_one(void *arg, const char *id)
{
	struct repository *repository = arg;
	struct buf b = BUF_INIT((size_t)64 << 20);
	struct arena arena = ARENA_INIT((size_t)1 << 30);
	struct moment m;
	uint64_t accounts = 0, messages = 0, bytes = 0, lost = 0;
	int r = repository_snapshot_get(repository, id, &b);
	if (r == 0)
		r = moment_decode(buf_str(&b), &arena, &m);
	for (size_t i = 0; r == 0 && i < m.n; i++) {
		accounts += m.scopes[i].scope.kind == STORE_ACCOUNT;
		messages += m.scopes[i].messages;
		bytes += m.scopes[i].bytes;
		lost += m.scopes[i].lost;
	}
	/* Its id is of another time where the clock was set back before it. */
	struct civil t = civil_from_unix(r ? 0 : m.ended);
	char made[128] = "", stamp[80];
	snprintf(stamp, sizeof stamp, "%04d%02d%02dT%02d%02d%02dZ", t.year % 10000, t.month, t.day, t.hour, t.minute, t.second);
	if (r == 0 && strncmp(stamp, id, strlen(stamp)) != 0)
		snprintf(made, sizeof made, "  (made at %s)", stamp);
	if (r)
		printf("%-20s cannot be read: %s\n", id, err_text(r));
	else
		printf("%-20s %6llu accounts %9llu messages %10.1f MB%s%.*s%s%s%s%s\n", id, (unsigned long long)accounts, (unsigned long long)messages, megabytes(bytes),
			   m.set.n ? "  only " : "", STR_ARG(m.set), m.before_restore ? ", before a restore" : "", lost ? "  (with losses)" : "", m.one ? "" : "  (not of one moment)", made);
	arena_fini(&arena);
	buf_fini(&b);
	return 0;
}

static int list(const struct backup_options *o, const char *secret, struct err *e)
{
	struct repository *repository = NULL;
	int r = backup_options_open(o, secret, false, false, &repository, e);
	if (r == 0)
		r = repository_snapshots(repository, list_one, repository);
	repository_close(&repository);
	return r ? cli_fail(o->repository, r, e) : CLI_OK;
}

/* ---- --mend, --verify, --prune ---- */

/* What was not to be had when a snapshot was made: no fault of the backup, but who verifies wants to know what a restore would bring. The newest of everything
 * decides about the exit code: an old one must not call every week for help that nobody can give. */
struct losses {
	struct repository *repository;
	bool newest, of_everything;           /* is the newest one not whole? Is it of everything? */
};

static int tell_losses(void *arg, const char *id)
{
	struct losses *l = arg;
	struct buf b = BUF_INIT((size_t)64 << 20);
	struct arena arena = ARENA_INIT((size_t)1 << 30);
	struct moment m;
	uint64_t bodies = 0, records = 0;
	int r = repository_snapshot_get(l->repository, id, &b);
	if (r == 0)
		r = moment_decode(buf_str(&b), &arena, &m);
	for (size_t i = 0; r == 0 && i < m.n; i++)
		*(m.scopes[i].scope.kind == STORE_SYSTEM ? &records : &bodies) += m.scopes[i].lost;
	if (bodies + records)
		printf("snapshot %s is not whole: %llu bodies and %llu records of users, domains and the like could not be read when it was made\n", id,
			   (unsigned long long)bodies, (unsigned long long)records);
	if (r == 0 && (m.set.n == 0 || !l->of_everything)) {
		l->newest = bodies + records > 0;
		l->of_everything = m.set.n == 0;
	}
	arena_fini(&arena);
	buf_fini(&b);
	return r == ERR_NO_MEMORY ? r : 0;     /* damage was told of already */
}

static int verify_open(struct repository *repository, const char *name, struct err *e)
{
	uint64_t faults = 0;
	struct losses losses = { .repository = repository };
	int r = repository_verify(repository, walk_snapshot, repository, print_line, NULL, &faults);
	if (r == 0)
		r = repository_snapshots(repository, tell_losses, &losses);
	if (r)
		return cli_fail(name, r, e);
	printf("%llu faults found in the backup\n", (unsigned long long)faults);
	return faults || losses.newest ? CLI_FAULTS : CLI_OK;
}

static int mend_open(struct repository *repository, const char *name, struct err *e)
{
	uint64_t set_aside = 0;
	int r = repository_mend(repository, print_line, NULL, &set_aside);
	if (r)
		return cli_fail(name, r, e);
	printf("%llu damaged files set aside%s\n", (unsigned long long)set_aside, set_aside ? "; the next backup brings what was lost again, if it is still there" : "");
	return CLI_OK;
}

static bool keep(void *arg, const char *id) { return retained_has(arg, id); }

static int prune_open(struct repository *repository, const struct backup_options *o, struct err *e)
{
	struct retained kept;
	uint64_t freed = 0;
	int r = retention_choose(repository, &o->keep, &kept);
	if (r == 0)
		r = repository_prune(repository, keep, &kept, walk_snapshot, repository, &freed);
	size_t n = kept.n;
	retained_fini(&kept);
	if (r)
		return cli_fail(o->repository, r, e);
	printf("%zu snapshots kept, %.1f MB freed\n", n, megabytes(freed));
	return CLI_OK;
}

static int care(const struct backup_options *o, const char *secret, struct err *e)
{
	struct repository *repository = NULL;
	int r = backup_options_open(o, secret, o->prune || o->mend, false, &repository, e);
	if (r)
		return cli_fail(o->repository, r, e);
	r = o->mend ? mend_open(repository, o->repository, e) : CLI_OK;
	if (r == CLI_OK && o->prune)
		r = prune_open(repository, o, e);
	if (r == CLI_OK && o->verify)
		r = verify_open(repository, o->repository, e);
	repository_close(&repository);
	return r;
}

/* ---- a run ---- */

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The users' canonical names, sorted, in the buffer with one space between; their accounts in the arena. */
static int find_users(struct house *h, struct backup_options *o, struct arena *arena, struct buf *set, uint64_t **accounts, struct err *e)
{
	*accounts = arena_array(arena, o->n_users + 1, sizeof **accounts);
	unsigned kept = 0;
	for (unsigned i = 0; *accounts && i < o->n_users; i++) {
		struct directory_user u;
		bool twice = false;
		int r = directory_user_find(h->directory, arena, str_from_c(o->users[i]), &u);
		if (r)
			return err_set(e, r, NULL, "user %s: %s", o->users[i], err_text(r));
		/* Named twice he is there once: a snapshot with an account twice is none that can be read. */
		for (unsigned k = 0; k < kept; k++)
			twice = twice || (*accounts)[k] == u.account;
		if (twice)
			continue;
		(*accounts)[kept] = u.account;
		o->users[kept++] = arena_dup_c(arena, u.name);
	}
	o->n_users = kept;
	if (!*accounts || arena->failed)
		return ERR_NO_MEMORY;
	qsort(o->users, o->n_users, sizeof *o->users, compare_names);
	for (unsigned i = 0; i < o->n_users; i++)
		buf_printf(set, "%s%s", i ? " " : "", o->users[i]);
	return set->failed ? ERR_NO_MEMORY : 0;
}

/* A repository below the data directory would be part of itself. */
static int check_place(const struct backup_options *o, struct err *e)
{
	char dir[PATH_MAX], repository[PATH_MAX], parent[PATH_MAX];
	if (!realpath(o->dir, dir))
		return 0;
	/* One that is not there yet is where its parent is. */
	struct str path = str_from_c(o->repository);
	while (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	size_t slash = str_rchr(path, '/');
	if (!str_copy_c(parent, sizeof parent, slash == STR_NPOS ? STR(".") : str_sub(path, 0, slash ? slash : 1)))
		return ERR_TOO_BIG;
	if (!realpath(o->repository, repository) && !realpath(parent, repository))
		return 0;
	size_t n = strlen(dir);
	if (strncmp(dir, repository, n) == 0 && (repository[n] == '/' || repository[n] == 0))
		return err_set(e, ERR_INVALID, NULL, "%s is inside %s: a backup belongs elsewhere, best on another disk", o->repository, o->dir);
	return 0;
}

static int report(const struct backup_report *report, uint64_t ms)
{
	printf("%s: %llu accounts (%llu unchanged), %llu messages, %.1f MB; read %llu bodies, %.1f MB; new in the backup %.1f MB (%llu bytes); %.1f s\n", report->id,
		   (unsigned long long)report->accounts + report->same, (unsigned long long)report->same, (unsigned long long)report->messages,
		   megabytes(report->bytes), (unsigned long long)report->bodies_read, megabytes(report->bytes_read), megabytes(report->bytes_new),
		   (unsigned long long)report->bytes_new, (double)ms / 1000);
	if (report->later)
		printf("%llu of them are not of the common moment, but each of a later one of its own\n", (unsigned long long)report->later);
	else
		printf("all at one moment; taking it held the index for %.1f s, which grew by %.1f MB meanwhile\n", (double)report->shot_ms / 1000,
			   megabytes(report->shot_growth));
	if (report->yields)
		printf("gave way to commits %llu times, %.1f s\n", (unsigned long long)report->yields, (double)report->yielded_ms / 1000);
	if (report->unread)
		printf("%llu records of users, domains and the like could not be read and are not in it; see: troika check\n", (unsigned long long)report->unread);
	if (report->lost)
		printf("%llu bodies could not be read and are not in it; see: troika check\n", (unsigned long long)report->lost);
	return report->lost || report->unread || report->faults ? CLI_FAULTS : CLI_OK;
}

static int run(struct house *h, struct backup_options *o, struct repository *repository, struct err *e)
{
	struct arena arena = ARENA_INIT(0);
	struct buf set = BUF_INIT(1 << 20);
	struct progress progress = { .what = "backup" };
	struct backup_report out = { .id = "" };
	uint64_t *accounts = NULL, began = clock_mono_ms();
	int r = find_users(h, o, &arena, &set, &accounts, e);
	struct backup_run b = { .dir = o->dir, .store = h->store, .model = h->model, .repository = repository, .set = buf_str(&set), .accounts = accounts,
							.n_accounts = o->n_users, .rate = o->rate, .lower = true, .progress = show, .tell = print_line, .arg = &progress };
	if (r == 0)
		r = backup_run(&b, &out, e);
	progress_end(&progress);
	admin_told(o->dir, "backup", o->repository, out.id, r);
	arena_fini(&arena);
	buf_fini(&set);
	return r ? cli_fail("backup", r, e) : report(&out, clock_mono_ms() - began);
}

static int back_up(struct backup_options *o, const char *secret, struct err *e)
{
	struct house h = { 0 };
	struct repository *repository = NULL;
	int r = house_become_owner(o->dir, e);
	if (r == 0)
		r = check_place(o, e);
	if (r == 0)
		r = house_open(o->dir, NULL, &h, e);
	if (r == 0)
		r = backup_options_open(o, secret, true, true, &repository, e);
	if (r == 0)
		unfinished_tell(&h, stderr, "troika: ", true);
	int exit_code = r ? cli_fail(o->repository, r, e) : run(&h, o, repository, e);
	/* What this moment lacks an older one may have. */
	if (exit_code == CLI_FAULTS && o->prune)
		puts("nothing is forgotten (--prune), as this snapshot is not whole");
	if (exit_code == CLI_OK && o->prune)
		exit_code = prune_open(repository, o, e);
	if ((exit_code == CLI_OK || exit_code == CLI_FAULTS) && o->verify) {
		int verified = verify_open(repository, o->repository, e);
		exit_code = verified ? verified : exit_code;
	}
	repository_close(&repository);
	house_close(&h);
	return exit_code;
}

int cli_backup(int argc, char **argv)
{
	struct backup_options o;
	struct err e = { 0 };
	char *secret = NULL;
	bool keeps;
	int r = backup_options_parse(argc, argv, false, &o);

	if (r)
		return r;
	keeps = o.keep.last || o.keep.daily || o.keep.weekly || o.keep.monthly;
	if (o.prune != keeps)
		return cli_usage("backup", o.prune ? "--prune needs to know what to keep: --keep-daily N, ..." : "--keep-... has no meaning without --prune");
	if (o.dir && o.mend)
		return cli_usage("backup", "--mend does not go with -d DIR: mend the backup, then make one");
	if (!o.dir && !o.list && !o.verify && !o.prune && !o.mend)
		return cli_usage("backup", "-d DIR is missing: the data directory");
	r = backup_options_secret(&o, &secret);
	if (r == 0)
		r = o.list ? list(&o, secret, &e) : o.dir ? back_up(&o, secret, &e) : care(&o, secret, &e);
	backup_options_wipe(&secret);
	return r;
}
