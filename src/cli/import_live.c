#include "cli/import_live.h"

#include "base/clock.h"
#include "cli/admin.h"
#include "cli/command.h"
#include "cli/import_accounts.h"
#include "cli/print.h"
#include "migrate/limits.h"
#include "rt/fault.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define SHOW_MS 250u                      /* how often the bar is drawn */

struct crew {
	struct import_accounts *accounts;
	struct migrate_options options;
	struct live live;
	bool bar;                             /* standard error is a terminal */
	uint64_t began_ms;
	_Atomic size_t next, done;
	pthread_mutex_t print_lock;
};

/* Process-wide, because signals are. */
static _Atomic bool interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = true;
}

/* ---- what people see ---- */

static void print_count(const char *label, uint64_t n)
{
	if (n)
		printf(", %llu %s", (unsigned long long)n, label);
}

static void print_account(const struct crew *crew, const struct import_account *a)
{
	const struct report *r = &a->job.report;
	const char *did = crew->options.dry_run ? "would be imported" : "imported";

	printf("%s -> %s: ", a->source, a->user);
	printf("%llu folders, %llu messages %s (%.1f MB)", (unsigned long long)r->folders, (unsigned long long)r->imported, did, (double)r->bytes / 1e6);
	print_count("copied here", r->copied);
	print_count("recognised", r->recognised);
	print_count("known", r->known);
	print_count("with new flags", r->flagged);
	print_count("removed", r->removed);
	print_count("of all mail are in other folders", r->elsewhere);
	print_count("skipped", r->skipped);
	print_count("failed", r->failed);
	print_count("folders failed", r->folders_failed);
	print_count("flags that cannot be kept", r->dropped_flags);
	print_count("connections lost", r->retries);
	putchar('\n');
	struct str rest = buf_str(&r->troubles), line;
	while (str_cut(rest, '\n', &line, &rest)) {
		fputs("  ", stdout);
		print_text(line, 0);
		putchar('\n');
	}
	if (r->n_troubles > MIGRATE_TROUBLES_MAX)
		printf("  and %u more\n", r->n_troubles - MIGRATE_TROUBLES_MAX);
	if (a->result)
		printf("  ended early: %s\n", a->err.log[0] ? a->err.log : err_text(a->result));
	(void)fflush(stdout);
}

static void draw_bar(struct crew *crew)
{
	uint64_t ms = clock_mono_ms() - crew->began_ms + 1, messages = crew->live.messages, expected = crew->live.expected;
	char left[32] = "";

	if (expected > messages && messages && ms > 2000) {
		uint64_t s = ms / 1000 * (expected - messages) / messages;
		snprintf(left, sizeof left, ", %llu:%02llu:%02llu left", (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60), (unsigned long long)(s % 60));
	}
	pthread_mutex_lock(&crew->print_lock);
	fprintf(stderr, "\r%llu of %llu messages, %.1f MB/s%s, %zu of %zu accounts\033[K", (unsigned long long)messages,
			(unsigned long long)(expected > messages ? expected : messages), (double)crew->live.bytes / 1000 / (double)ms, left, (size_t)crew->done, crew->accounts->n);
	pthread_mutex_unlock(&crew->print_lock);
}

static void print_total(const struct crew *crew)
{
	struct report sum = { 0 };
	size_t failed = 0;
	double seconds = (double)(clock_mono_ms() - crew->began_ms) / 1000;

	for (size_t i = 0; i < crew->accounts->n; i++) {
		const struct report *r = &crew->accounts->v[i].job.report;
		sum.imported += r->imported;
		sum.copied += r->copied;
		sum.bytes += r->bytes;
		sum.skipped += r->skipped;
		sum.failed += r->failed;
		failed += crew->accounts->v[i].result != 0;
	}
	printf("%llu messages %s, %llu copied, %.1f MB in %.1f s; %llu skipped, %llu failed", (unsigned long long)sum.imported,
		   crew->options.dry_run ? "would be imported" : "imported", (unsigned long long)sum.copied, (double)sum.bytes / 1e6, seconds, (unsigned long long)sum.skipped,
		   (unsigned long long)sum.failed);
	if (crew->accounts->n > 1)
		printf("; %zu of %zu accounts failed", failed, crew->accounts->n);
	putchar('\n');
}

/* ---- the work ---- */

static void *worker(void *arg)
{
	struct crew *crew = arg;
	size_t i;

	while ((i = atomic_fetch_add(&crew->next, 1)) < crew->accounts->n) {
		struct import_account *a = &crew->accounts->v[i];
		if (a->result == 0)               /* else: there is no such user here */
			a->result = interrupted ? err_set(&a->err, ERR_CLOSED, NULL, "interrupted; run it again to go on") : migrate_account(&crew->options, &a->job, &a->err);
		pthread_mutex_lock(&crew->print_lock);
		if (crew->bar)
			fputs("\r\033[K", stderr);
		print_account(crew, a);
		pthread_mutex_unlock(&crew->print_lock);
		crew->done++;
	}
	return NULL;
}

static int run_all(struct crew *crew, unsigned jobs)
{
	pthread_t threads[MIGRATE_JOBS_MAX];
	unsigned n = 0;

	while (n < jobs && n < crew->accounts->n && pthread_create(&threads[n], NULL, worker, crew) == 0)
		n++;
	if (n == 0)
		return ERR_NO_MEMORY;
	while (crew->bar && crew->done < crew->accounts->n) {
		struct timespec pause = { .tv_nsec = SHOW_MS * 1000000L };
		nanosleep(&pause, NULL);
		draw_bar(crew);
	}
	while (n)
		pthread_join(threads[--n], NULL);
	if (crew->bar)
		fputs("\r\033[K", stderr);
	return 0;
}

static void find_users(struct house *h, struct import_accounts *all)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user user;

	for (size_t i = 0; i < all->n; i++) {
		struct import_account *a = &all->v[i];
		a->result = directory_user_find(h->directory, &arena, str_from_c(a->user), &user);
		if (a->result)
			err_set(&a->err, a->result, NULL, "there is no user %s here", a->user);
		a->job.account = user.account;
		a->job.setup.dial.cancel = &interrupted;
		arena_reset(&arena);
	}
	arena_fini(&arena);
}

/* Done, not wholly done, or done as far as it could be just now. */
static int judge(const struct import_accounts *all)
{
	int code = CLI_OK;
	for (size_t i = 0; i < all->n; i++) {
		const struct import_account *a = &all->v[i];
		bool temporary = err_class(a->result) == ERR_CLASS_TEMPORARY;
		if (a->result ? !temporary : a->job.report.failed || a->job.report.folders_failed)
			return CLI_FAILED;
		if (a->result)
			code = CLI_TEMPORARY;
	}
	return code;
}

static void catch_signals(void)
{
	struct sigaction catch = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	sigaction(SIGINT, &catch, NULL);
	sigaction(SIGTERM, &catch, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

int import_live(int argc, char **argv)
{
	struct import_options o;
	struct import_accounts accounts = { 0 };
	struct house h = { 0 };
	struct err e = { 0 };
	int r = import_options_parse(argc, argv, &o);

	if (r == 0)
		r = import_accounts_read(&o, &accounts);
	if (r) {
		import_accounts_fini(&accounts);
		return r;
	}
	catch_signals();
	r = fault_setup(getenv("TROIKA_FAULTS"));
	if (r == 0)
		r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	struct crew crew = { .accounts = &accounts, .began_ms = clock_mono_ms(), .bar = isatty(STDERR_FILENO), .print_lock = PTHREAD_MUTEX_INITIALIZER };
	if (r == 0) {
		crew.options = (struct migrate_options){ .dir = o.dir, .model = h.model, .dry_run = o.dry_run, .remove = o.remove, .ignore_quota = o.ignore_quota,
			.connections = o.connections, .retries = o.retries, .cancel = &interrupted, .live = &crew.live,
			.rules = { .map = o.map, .n_map = o.n_map, .only = o.only, .n_only = o.n_only, .exclude = o.exclude, .n_exclude = o.n_exclude } };
		find_users(&h, &accounts);
		r = run_all(&crew, o.jobs);
	}
	if (r == 0)
		print_total(&crew);
	int code = r ? cli_fail("import", r, &e) : judge(&accounts);
	house_close(&h);
	/* not the source as it was written: it may hold a password */
	for (size_t i = 0; i < accounts.n && !o.dry_run; i++)
		admin_told(o.dir, "import", accounts.v[i].user, "from another server", r ? r : accounts.v[i].result);
	import_accounts_fini(&accounts);
	return code;
}
