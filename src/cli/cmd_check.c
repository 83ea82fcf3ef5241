#include "cli/admin.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/sharing.h"
#include "cli/unfinished.h"

static void report(void *arg, const char *line)
{
	(void)arg;
	puts(line);
}

struct faults {
	uint64_t index, store, model, sharing, queue;
};

/* Before anything is opened: a damaged index would bring LMDB down. */
static int look_at_index(const struct options *o, uint64_t *faults_out, struct err *e)
{
	char path[1024];

	if (!house_path(o->dir, "store", path, sizeof path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", o->dir);
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = path };
	int r = store_inspect(&c, report, NULL, faults_out);
	if (r == ERR_BUSY || r == ERR_RETRY) {
		puts("note: the index changes too fast to be looked at; stop the server for that");
		r = 0;
	}
	if (r)
		return err_set(e, r, NULL, "cannot read the index in %s", path);
	return *faults_out && o->repair ? store_salvage(&c, report, NULL, e) : 0;
}

/* Users are named in the directory alone: what is lost of them nobody can derive. */
static int restore_directory(struct house *h)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	uint64_t *accounts;
	size_t n_users = 0, n = 0;
	int r = model_accounts(h->model, &arena, &accounts, &n);

	if (r == 0)
		r = directory_mend(h->directory, n ? accounts[n - 1] : 0);
	if (r == 0)
		r = directory_user_list(h->directory, &arena, &users, &n_users);
	puts("note: domains, users, passwords, aliases, groups and keys may be missing, or as they were before: look through them");
	for (size_t i = 0; r == 0 && i < n; i++) {
		bool owned = false;
		for (size_t k = 0; k < n_users && !owned; k++)
			owned = users[k].account == accounts[i];
		if (!owned)
			printf("note: account %llu has no user; give it one with: troika user adopt NAME %llu\n", (unsigned long long)accounts[i],
				   (unsigned long long)accounts[i]);
	}
	arena_fini(&arena);
	return r;
}

/* A user may be left of an account that the list of accounts has lost. */
static int restore_accounts(struct house *h)
{
	struct arena arena = ARENA_INIT(0);
	struct directory_user *users;
	uint64_t *accounts;
	size_t n_users = 0, n = 0;
	int r = model_accounts(h->model, &arena, &accounts, &n);

	if (r == 0)
		r = directory_user_list(h->directory, &arena, &users, &n_users);
	for (size_t i = 0; r == 0 && i < n_users; i++) {
		bool known = false;
		for (size_t k = 0; k < n && !known; k++)
			known = accounts[k] == users[i].account;
		r = known ? 0 : account_create(h->model, users[i].account);
		if (r == ERR_EXISTS)
			r = 0;
	}
	arena_fini(&arena);
	return r;
}

static int check_rooms(struct house *h, bool repair, struct faults *f, struct err *e)
{
	static const struct store_scope system = { STORE_SYSTEM, 0 };
	bool wounded = store_wounded(h->store, system);
	uint64_t found = 0;
	int r = store_check(h->store, repair, report, NULL, &found);

	f->store += found;
	/* What it set aside is missing from now on. */
	wounded |= store_wounded(h->store, system);
	if (r == 0 && wounded && repair)
		r = restore_accounts(h);
	if (r == 0)
		r = model_check(h->model, 0, repair, report, NULL, &f->model);
	if (r == 0 && wounded && repair)
		r = restore_directory(h);
	if (r == 0)
		r = sharing_check(h, repair, report, NULL, &f->sharing);
	if (r == 0)
		r = house_open_queue(h, e);
	if (r == 0)
		r = queue_check(h->queue, repair, report, NULL, &f->queue);
	if (r == ERR_CORRUPT && f->store && !repair) {
		puts("note: rows of the store that are damaged hide the rest; troika check --repair looks at all of it");
		r = 0;
	}
	/* Last: until here a run that is killed is begun anew. */
	return r == 0 && repair ? store_heal(h->store) : r;
}

/* A record of the system scope that fails its checksum may be one without which the rooms do not open: so the store is mended alone first. */
static int look_at_store(const struct options *o, uint64_t *faults_out, struct err *e)
{
	char path[1024];
	struct store *s;

	if (!house_path(o->dir, "store", path, sizeof path))
		return err_set(e, ERR_TOO_BIG, NULL, "the path %s is too long", o->dir);
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = path };
	int r = store_open(&c, &s, e);
	if (r)
		return r;
	r = store_check(s, o->repair, report, NULL, faults_out);
	store_close(&s);
	return r ? err_set(e, r, NULL, "cannot look through the store in %s", path) : 0;
}

int cli_check(int argc, char **argv)
{
	struct options o;
	struct house h;
	struct err e = { 0 };
	struct faults f = { 0 };
	int r = options_parse("check", argc, argv, OPT_REPAIR, &o);

	if (r)
		return r;
	if (o.n_words)
		return cli_usage("check", "what is '%s'?", o.words[0]);
	r = house_become_owner(o.dir, &e);
	if (r == 0)
		r = look_at_index(&o, &f.index, &e);
	if (r == 0 && f.index && !o.repair) {
		printf("%llu faults found in the index; nothing else was looked at (troika check --repair makes a new one)\n", (unsigned long long)f.index);
		return CLI_FAULTS;
	}
	if (r == 0)
		r = house_open(o.dir, NULL, &h, &e);
	if (r == ERR_CORRUPT && look_at_store(&o, &f.store, &e) == 0 && f.store) {
		if (!o.repair) {
			printf("%llu faults found in the store; the rest does not open (troika check --repair sets them aside)\n", (unsigned long long)f.store);
			return CLI_FAULTS;
		}
		e = (struct err){ 0 };
		r = house_open(o.dir, NULL, &h, &e);
	}
	if (r)
		return cli_fail("check", r, &e);
	r = check_rooms(&h, o.repair, &f, &e);
	if (r == 0)
		unfinished_tell(&h, stdout, "note: ", o.repair);
	house_close(&h);
	if (o.repair)
		admin_told(o.dir, "check.repair", NULL, NULL, r);
	if (r)
		return cli_fail("check", r, &e);
	uint64_t faults = f.index + f.store + f.model + f.sharing + f.queue;
	printf("%llu faults found%s\n", (unsigned long long)faults, o.repair ? ", mended where they could be" : "");
	return faults ? CLI_FAULTS : CLI_OK;
}
