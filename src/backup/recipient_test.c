/* A restore of parts under another name, killed between any two of its steps: what is half there is told, and begun again it is whole: one user, one account, each message once, rights and
 * annotations of then. From the contracts, recipient.h and intent.h. */
#include "backup/run_fixture.h"

#include "backup/recipient.h"
#include "backup/rescue.h"
#include "model/acl.h"
#include "model/annotation.h"
#include "rt/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define HER STR("anna@example.org")
#define BESIDE STR("anna.old@example.org")
#define STEPS_MAX 200
#define QUOTA ((uint64_t)7 << 30)

/* ---- what there is ---- */

static struct directory *open_directory(struct run_fixture *f)
{
	struct directory *d;
	struct err e = { 0 };
	assert_int_equal(directory_open(f->store, &(struct directory_config){ 0 }, &d, &e), 0);
	return d;
}

static void furnish(struct run_fixture *f)
{
	struct directory *d = open_directory(f);
	struct err e = { 0 };
	struct account *a;
	struct mailbox box;
	struct annotation note = { STR("/comment"), STR("ours"), false };
	struct quota limits = { .bytes_max = QUOTA };
	/* The fixture's account has a number that nobody gave out. */
	for (uint64_t given = 0; given <= RUN_ACCOUNT;)
		assert_int_equal(directory_account_id_new(d, &given), 0);
	assert_int_equal(directory_domain_add(d, STR("example.org"), &e), 0);
	assert_int_equal(directory_user_add_shared(d, HER, RUN_ACCOUNT, &e), 0);
	assert_int_equal(directory_user_add_shared(d, STR("bob@example.org"), RUN_ACCOUNT + 1, &e), 0);
	directory_close(&d);
	assert_int_equal(account_open(f->model, RUN_ACCOUNT, &a), 0);
	assert_int_equal(account_set_quota(a, &limits), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(mailbox_create(a, i ? STR("Work/Below") : STR("Work"), 0, &box, NULL), 0);
		assert_int_equal(mailbox_acl_set(a, box.id, i ? STR("anyone") : STR("bob@example.org"), i, ACL_REPLACE, ACL_READ, NULL), 0);
		assert_int_equal(annotation_set(a, box.id, RUN_ACCOUNT, &(struct annotation_change){ .v = &note, .n = 1 }), 0);
	}
	account_close(&a);
	run_append(f, "INBOX", "in", 4);
	run_append(f, "Work", "work", 3);
	run_append(f, "Work/Below", "below", 2);
	run_backup(f);
}

/* ---- a restore ---- */

/* As the command does it. */
static int restore(struct run_fixture *f, struct str mailbox, bool *again)
{
	struct past past;
	struct old_account old;
	struct old_directory then;
	struct err e = { 0 };
	struct directory *d = open_directory(f);
	struct account *to = NULL;
	struct recipient who;
	struct rescue_report report;
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(old_account_open(&past, RUN_ACCOUNT, &old, &e), 0);
	assert_int_equal(old_directory_open(&past, &then, &e), 0);
	int rc = recipient_open(&(struct recipient_wish){ .dir = f->dir, .model = f->model, .directory = d, .name = BESIDE, .from = &old, .then = then.directory,
													  .name_then = HER }, &f->arena, &who, &e);
	*again = who.again;
	if (!rc)
		rc = account_open(f->model, who.user.account, &to);
	if (!rc)
		rc = intent_note(&who.intent, who.user.account, str_from_c(who.intent.mailbox), &e);
	if (!rc)
		rc = rescue_run(&(struct rescue){ .from = &old, .model = f->model, .directory = d, .to = to, .owner = BESIDE, .intent = &who.intent, .mailbox = mailbox }, &report, &e);
	recipient_close(&who, rc == 0);
	account_close(&to);
	old_account_close(&old);
	old_directory_close(&then);
	past_close(&past);
	directory_close(&d);
	return rc;
}

/* In a process of its own. True: it was killed at that step. */
static bool restore_killed(struct run_fixture *f, struct str mailbox, unsigned at)
{
	char plan[40];
	int status;
	bool again;
	run_close(f);
	pid_t pid = fork();
	if (pid == 0) {
		snprintf(plan, sizeof(plan), "restore.kill=%u", at);
		run_open(f);
		assert_int_equal(fault_setup(plan), 0);
		int rc = restore(f, mailbox, &again);
		run_close(f);
		_exit(rc ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run_open(f);
	assert_true(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* ---- what is there afterwards ---- */

struct told {
	unsigned n;
	uint64_t account;
};

static bool hear(void *arg, struct str user, uint64_t account, const char *path)
{
	struct told *t = arg;
	assert_true(str_eq(user, BESIDE));
	assert_int_equal(access(path, F_OK), 0);
	t->n++;
	t->account = account;
	return false;
}

static struct told unfinished(struct run_fixture *f)
{
	struct told t = { 0, 0 };
	intent_each(f->dir, hear, &t);
	return t;
}

static void assert_mailbox(struct run_fixture *f, struct account *a, uint64_t account, const char *name, unsigned messages, const char *right)
{
	struct mailbox box;
	struct acl acl;
	struct annotation *notes;
	size_t n;
	assert_int_equal(mailbox_find(a, &f->arena, str_from_c(name), &box), 0);
	assert_int_equal(box.messages, messages);
	assert_int_equal(mailbox_acl(a, &f->arena, box.id, &acl), 0);
	bool found = !right;
	for (size_t i = 0; i < acl.n; i++)
		found = found || str_eq(acl.v[i].identifier, str_from_c(right));
	assert_true(found && acl.n <= 2);
	assert_int_equal(annotation_list(a, box.id, account, &f->arena, &notes, &n), 0);
	assert_int_equal(n, right != NULL);
}

/* The user and the account go again. */
static void assert_whole(struct run_fixture *f, bool all)
{
	struct directory *d = open_directory(f);
	struct directory_user user;
	struct account *a;
	struct quota limits;
	uint64_t *accounts, faults = 1;
	size_t n;
	assert_int_equal(directory_user_find(d, &f->arena, BESIDE, &user), 0);
	assert_int_equal(model_accounts(f->model, &f->arena, &accounts, &n), 0);
	assert_int_equal(n, 2);                       /* hers and this one: nothing is left over */
	assert_true(accounts[1] == user.account || accounts[0] == user.account);
	assert_int_equal(account_open(f->model, user.account, &a), 0);
	assert_int_equal(account_quota(a, &limits), 0);
	assert_int_equal(limits.bytes_max, QUOTA);
	if (all)
		assert_mailbox(f, a, user.account, "INBOX", 4, NULL);
	assert_mailbox(f, a, user.account, "Work", 3, "bob@example.org");
	if (all)
		assert_mailbox(f, a, user.account, "Work/Below", 2, "anyone");
	account_close(&a);
	assert_int_equal(model_check(f->model, 0, false, NULL, NULL, &faults), 0);
	assert_int_equal(faults, 0);
	assert_int_equal(unfinished(f).n, 0);
	assert_int_equal(directory_user_del(d, BESIDE, NULL, NULL), 0);
	assert_int_equal(account_delete(f->model, user.account), 0);
	directory_close(&d);
}

static void killed_at_every_step(void **state)
{
	struct run_fixture *f = *state;
	bool again, killed = true;
	unsigned at;
	furnish(f);
	for (at = 1; killed && at < STEPS_MAX; at++) {
		killed = restore_killed(f, STR_NONE, at);
		if (killed) {
			assert_int_equal(unfinished(f).n, 1);
			assert_true(unfinished(f).account != 0);
			assert_int_equal(restore(f, STR_NONE, &again), 0);
			assert_true(again);
		}
		assert_whole(f, true);
	}
	assert_in_range(at, 10, STEPS_MAX - 1);
}

/* Killed again and again, each time a little later. */
static void killed_many_times(void **state)
{
	struct run_fixture *f = *state;
	furnish(f);
	for (unsigned all = 0; all < 2; all++) {
		struct str mailbox = all ? STR_NONE : STR("Work");
		bool killed = true;
		for (unsigned at = 1; killed && at < STEPS_MAX; at++)
			killed = restore_killed(f, mailbox, at);
		assert_false(killed);
		assert_whole(f, all);
	}
}

/* ---- others ---- */

static void one_at_a_time(void **state)
{
	struct run_fixture *f = *state;
	struct intent first, second;
	struct err e = { 0 };
	bool again;
	furnish(f);
	assert_int_equal(intent_open(f->dir, BESIDE, &first, &e), 0);
	assert_int_equal(intent_open(f->dir, STR("Anna.Old@Example.ORG"), &second, &e), ERR_BUSY);
	intent_close(&second, false);
	assert_int_equal(restore(f, STR_NONE, &again), ERR_BUSY);
	/* What is at work is not told of, nor what did nothing. */
	assert_int_equal(intent_note(&first, 77, STR("Work"), &e), 0);
	assert_int_equal(unfinished(f).n, 0);
	intent_close(&first, false);
	assert_int_equal(unfinished(f).n, 1);
	assert_int_equal(intent_open(f->dir, BESIDE, &first, &e), 0);
	assert_true(first.again && first.account == 77 && intent_is_making(&first, STR("Work")));
	intent_close(&first, true);
	assert_int_equal(intent_open(f->dir, BESIDE, &first, &e), 0);
	assert_false(first.again);
	intent_close(&first, false);
	assert_int_equal(unfinished(f).n, 0);
}

/* A power cut in the midst of writing: what was written before it counts. */
static void a_torn_slot(void **state)
{
	struct run_fixture *f = *state;
	struct intent i;
	struct err e = { 0 };
	char path[PATH_LENGTH_MAX];
	assert_int_equal(intent_open(f->dir, BESIDE, &i, &e), 0);
	assert_int_equal(intent_note(&i, 5, STR("one"), &e), 0);
	assert_int_equal(intent_note(&i, 5, STR("two"), &e), 0);
	str_copy_c(path, sizeof(path), str_from_c(i.path));
	intent_close(&i, false);
	FILE *file = fopen(path, "r+e");
	assert_non_null(file);
	assert_int_equal(fputs("torn", file) >= 0 && fclose(file) == 0, 1);      /* the second note is in the first slot */
	assert_int_equal(intent_open(f->dir, BESIDE, &i, &e), 0);
	assert_true(i.again && i.account == 5 && intent_is_making(&i, STR("one")));
	intent_close(&i, true);
}

/* An operator gave the account a user meanwhile: it is his, and another one is made. */
static void adopted_meanwhile(void **state)
{
	struct run_fixture *f = *state;
	struct err e = { 0 };
	struct directory_user his, hers;
	bool again;
	furnish(f);
	unsigned at = 1;
	while (restore_killed(f, STR_NONE, at) && at < 2)
		at++;
	struct told told = unfinished(f);
	assert_int_equal(told.n, 1);
	struct directory *d = open_directory(f);
	assert_int_equal(directory_user_add_shared(d, STR("carl@example.org"), told.account, &e), 0);
	assert_int_equal(restore(f, STR_NONE, &again), 0);
	directory_close(&d);
	d = open_directory(f);
	assert_int_equal(directory_user_find(d, &f->arena, STR("carl@example.org"), &his), 0);
	assert_int_equal(directory_user_find(d, &f->arena, BESIDE, &hers), 0);
	assert_int_equal(his.account, told.account);
	assert_true(hers.account != his.account);
	directory_close(&d);
}

/* Refused: nothing is left over. */
static void no_such_domain(void **state)
{
	struct run_fixture *f = *state;
	struct past past;
	struct old_account old;
	struct old_directory then;
	struct err e = { 0 };
	struct recipient who;
	uint64_t *accounts;
	size_t n;
	furnish(f);
	struct directory *d = open_directory(f);
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, &e), 0);
	assert_int_equal(old_account_open(&past, RUN_ACCOUNT, &old, &e), 0);
	assert_int_equal(old_directory_open(&past, &then, &e), 0);
	assert_int_equal(recipient_open(&(struct recipient_wish){ .dir = f->dir, .model = f->model, .directory = d, .name = STR("anna@example.net"), .from = &old, .then = then.directory,
															  .name_then = HER }, &f->arena, &who, &e), ERR_NOT_FOUND);
	assert_false(who.left);
	recipient_close(&who, !who.left);
	assert_int_equal(model_accounts(f->model, &f->arena, &accounts, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(unfinished(f).n, 0);
	old_account_close(&old);
	old_directory_close(&then);
	past_close(&past);
	directory_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(killed_at_every_step), RUN_TEST(killed_many_times), RUN_TEST(one_at_a_time), RUN_TEST(a_torn_slot),
										RUN_TEST(adopted_meanwhile), RUN_TEST(no_such_domain) };
	return cmocka_run_group_tests_name("backup/recipient", tests, NULL, NULL);
}
