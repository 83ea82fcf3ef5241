#include "cli/admin.h"
#include "cli/progress.h"
#include "model/upgrade.h"

struct sums {
	struct upgrade_count count;
	uint64_t accounts;
};

typedef int account_fn(struct house *h, uint64_t account, void *arg);

/* An account that goes meanwhile is passed over. */
static int each_account(struct house *h, account_fn *fn, void *arg)
{
	struct arena arena = ARENA_INIT(0);
	uint64_t *accounts;
	size_t n;
	int r = model_accounts(h->model, &arena, &accounts, &n);
	for (size_t i = 0; r == 0 && i < n; i++) {
		r = fn(h, accounts[i], arg);
		if (r == ERR_NOT_FOUND)
			r = 0;
	}
	arena_fini(&arena);
	return r;
}

static int count(struct house *h, uint64_t account, void *arg)
{
	struct sums *sums = arg;
	struct upgrade_count c;
	int r = model_upgrade_count(h->model, account, &c);
	sums->count.old += c.old;
	sums->count.all += c.all;
	sums->count.damaged += c.damaged;
	sums->accounts += r == 0;
	return r;
}

static int status(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct sums sums = { .accounts = 0 };
	unsigned level = store_level(h->store);
	(void)o, (void)words, (void)n, (void)e;

	int r = each_account(h, count, &sums);
	if (r)
		return r;
	printf("level %u of %u\n%llu of %llu records in %llu accounts have an older shape\n", level, STORE_LEVEL_NEWEST, (unsigned long long)sums.count.old,
		   (unsigned long long)sums.count.all, (unsigned long long)sums.accounts);
	if (sums.count.damaged)
		printf("%llu records cannot be read: troika check\n", (unsigned long long)sums.count.damaged);
	if (level < STORE_LEVEL_NEWEST)
		printf("The program from before can still go on with this store; meanwhile it has no %s.\n"
			   "When you are content with this one: troika upgrade confirm\n", level < 2 ? "bin for deleted mail, and few checksums" : "checksums for versions of accounts");
	return 0;
}

struct renewal {
	struct progress progress;
	uint64_t before;                     /* done in accounts before */
	uint64_t all;
};

static int show(void *arg, uint64_t done)
{
	struct renewal *r = arg;
	progress_show(&r->progress, r->before + done, r->before + done, r->all);
	return 0;
}

static int renew(struct house *h, uint64_t account, void *arg)
{
	struct renewal *renewal = arg;
	uint64_t done;
	int r = model_upgrade(h->model, account, show, renewal, &done);
	renewal->before += done;
	return r;
}

static int confirm(struct house *h, const struct options *o, char *const *words, unsigned n, struct err *e)
{
	struct sums sums = { .accounts = 0 };
	struct renewal renewal = { .progress = { .what = "upgrade" } };
	unsigned level = store_level(h->store);
	(void)o, (void)words, (void)n;

	int r = store_raise_level(h->store, STORE_LEVEL_NEWEST);
	if (r)
		return err_set(e, r, NULL, "the level could not be raised, and is what it was: %s", err_text(r));
	printf(level < STORE_LEVEL_NEWEST ? "level %u; the program from before refuses this store from now on\n" : "level %u\n", STORE_LEVEL_NEWEST);
	r = each_account(h, count, &sums);
	renewal.all = sums.count.old;
	if (r == 0)
		r = each_account(h, renew, &renewal);
	progress_end(&renewal.progress);
	printf("%llu records written anew\n", (unsigned long long)renewal.before);
	return r ? err_set(e, r, NULL, "records could not be written anew: %s; nothing is lost, run it again", err_text(r)) : 0;
}

static const struct admin_verb verbs[] = {
	{ "status", 0, 0, 0, status },
	{ "confirm", 0, 0, 0, confirm },
	{ 0 },
};

int cli_upgrade(int argc, char **argv)
{
	return admin_run("upgrade", verbs, argc, argv);
}
