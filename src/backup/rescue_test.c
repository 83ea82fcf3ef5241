/* Parts brought back into an account of now: where the bin is in the way, and who may read them. From the contract, rescue.h. */
#include "backup/run_fixture.h"

#include "backup/old_account.h"
#include "backup/rescue.h"
#include "directory/directory.h"
#include "model/acl.h"
#include "model/annotation.h"
#include "model/bin.h"

#include <stdlib.h>

static struct account *open_account(struct run_fixture *f)
{
	struct account *a;
	assert_int_equal(account_open(f->model, RUN_ACCOUNT, &a), 0);
	return a;
}

static void expunge(struct account *a, uint32_t mailbox)
{
	assert_int_equal(mailbox_expunge(a, mailbox, NULL, false, NULL, NULL), 0);
}

/* What `wish` says of the newest snapshot. */
static int rescue(struct run_fixture *f, struct account *to, struct rescue wish, struct rescue_report *out, struct err *e)
{
	struct past past;
	struct old_account old;
	assert_int_equal(past_open(f->repository, NULL, STR_NONE, &past, e), 0);
	assert_int_equal(old_account_open(&past, RUN_ACCOUNT, &old, e), 0);
	wish.from = &old;
	wish.model = f->model;
	wish.to = to;
	int rc = rescue_run(&wish, out, e);
	old_account_close(&old);
	past_close(&past);
	return rc;
}

static unsigned messages(struct run_fixture *f, struct account *a, const char *name)
{
	struct mailbox box;
	assert_int_equal(mailbox_find(a, &f->arena, str_from_c(name), &box), 0);
	return box.messages;
}

/* A mailbox of then whose name the bin has by now. */
static void beside_the_bin(void **state)
{
	struct run_fixture *f = *state;
	struct account *a = open_account(f);
	struct rescue_report report;
	struct err e = { 0 };
	struct mailbox bin;
	assert_int_equal(mailbox_create(a, STR(BIN_NAME), 0, NULL, NULL), 0);
	assert_int_equal(mailbox_create(a, STR(BIN_NAME "/below"), 0, NULL, NULL), 0);
	run_append(f, BIN_NAME, "old", 2);
	run_append(f, BIN_NAME "/below", "below", 1);
	run_append(f, "INBOX", "stays", 1);
	run_backup(f);
	assert_int_equal(mailbox_delete(a, STR(BIN_NAME "/below"), NULL), 0);
	assert_int_equal(mailbox_delete(a, STR(BIN_NAME), NULL), 0);
	model_set_keep(f->model, &(struct model_keep){ .seconds = 1000000 });
	run_append(f, "INBOX", "deleted", 1);
	expunge(a, 1);
	assert_int_equal(bin_find(a, &f->arena, &bin), 0);
	assert_true(str_eq(bin.name, STR(BIN_NAME)));
	assert_int_equal(bin.messages, 2);
	for (unsigned i = 0; i < 3; i++) {
		if (rescue(f, a, (struct rescue){ .exact = i > 0 }, &report, &e))
			fail_msg("rescue: %s", e.log);
		assert_int_equal(report.beside, 2);
		assert_int_equal(report.added, i ? 0 : 4);
		assert_int_equal(report.removed, 0);
		assert_int_equal(messages(f, a, BIN_NAME "~2"), 2);
		assert_int_equal(messages(f, a, BIN_NAME "~2/below"), 1);
		assert_int_equal(bin_find(a, &f->arena, &bin), 0);
		assert_int_equal(bin.messages, 2);
	}
	/* one mailbox alone: the caller is to say where */
	assert_int_equal(rescue(f, a, (struct rescue){ .mailbox = STR(BIN_NAME), .exact = true }, &report, &e), ERR_DENIED);
	assert_non_null(strstr(e.log, "--into"));
	assert_int_equal(bin_find(a, &f->arena, &bin), 0);
	assert_int_equal(bin.messages, 2);
	account_close(&a);
}

/* A mailbox that is made for one message is not shared as the one above it is. */
static void made_for_a_message(void **state)
{
	struct run_fixture *f = *state;
	struct account *a = open_account(f);
	struct rescue_report report;
	struct err e = { 0 };
	struct mailbox box;
	struct acl acl;
	struct rangeset uids = RANGESET_INIT;
	run_append(f, "INBOX", "secret", 1);
	run_backup(f);
	assert_int_equal(mailbox_create(a, STR("Shared"), 0, &box, NULL), 0);
	assert_int_equal(mailbox_acl_set(a, box.id, STR("bob"), false, ACL_ADD, ACL_READ, NULL), 0);
	assert_int_equal(rangeset_add(&uids, 1, 1), 0);
	assert_int_equal(rescue(f, a, (struct rescue){ .mailbox = STR("INBOX"), .into = STR("Shared/One"), .uids = &uids }, &report, &e), 0);
	rangeset_fini(&uids);
	assert_int_equal(report.added, 1);
	assert_int_equal(mailbox_find(a, &f->arena, STR("Shared/One"), &box), 0);
	assert_int_equal(mailbox_acl(a, &f->arena, box.id, &acl), 0);
	assert_int_equal(acl.n, 0);
	account_close(&a);
}

/* A mailbox comes back with its rights and annotations, but for those who are not there any more. */
static void rights_and_annotations(void **state)
{
	struct run_fixture *f = *state;
	struct account *a = open_account(f);
	struct rescue_report report;
	struct err e = { 0 };
	struct directory *d;
	struct mailbox box;
	struct acl acl;
	struct annotation note = { STR("/comment"), STR("ours"), false }, *notes;
	size_t n;
	assert_int_equal(directory_open(f->store, &(struct directory_config){ 0 }, &d, &e), 0);
	assert_int_equal(directory_domain_add(d, STR("example.org"), &e), 0);
	assert_int_equal(directory_user_add_shared(d, STR("stays@example.org"), 50, &e), 0);
	assert_int_equal(mailbox_create(a, STR("Work"), 0, &box, NULL), 0);
	assert_int_equal(mailbox_acl_set(a, box.id, STR("gone@example.org"), false, ACL_ADD, ACL_READ, NULL), 0);
	assert_int_equal(mailbox_acl_set(a, box.id, STR("stays@example.org"), false, ACL_ADD, ACL_READ, NULL), 0);
	assert_int_equal(mailbox_acl_set(a, box.id, STR("anyone"), true, ACL_ADD, ACL_READ, NULL), 0);
	assert_int_equal(annotation_set(a, box.id, RUN_ACCOUNT, &(struct annotation_change){ .v = &note, .n = 1 }), 0);
	run_append(f, "Work", "one", 2);
	run_backup(f);
	for (unsigned turn = 0; turn < 3; turn++) {
		struct rescue wish = { .directory = d, .owner = STR("me@example.org"), .mailbox = turn ? STR("Work") : STR_NONE, .exact = turn == 2 };
		if (turn < 2)
			assert_int_equal(mailbox_delete(a, STR("Work"), NULL), 0);
		else                                  /* it is there, but all of it was changed */
			assert_int_equal(mailbox_acl_set(a, box.id, STR("anyone"), false, ACL_ADD, ACL_READ, NULL), 0);
		assert_int_equal(rescue(f, a, wish, &report, &e), 0);
		assert_int_equal(report.strangers, 1);
		assert_int_equal(mailbox_find(a, &f->arena, STR("Work"), &box), 0);
		assert_int_equal(mailbox_acl(a, &f->arena, box.id, &acl), 0);
		assert_int_equal(acl.n, 2);
		assert_true(str_eq(acl.v[0].identifier, STR("anyone")) && acl.v[0].negative);
		assert_true(str_eq(acl.v[1].identifier, STR("stays@example.org")) && acl.v[1].rights == ACL_READ);
		assert_int_equal(annotation_list(a, box.id, RUN_ACCOUNT, &f->arena, &notes, &n), 0);
		assert_int_equal(n, 1);
		assert_true(str_eq(notes[0].value, STR("ours")));
	}
	directory_close(&d);
	account_close(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { RUN_TEST(beside_the_bin), RUN_TEST(made_for_a_message), RUN_TEST(rights_and_annotations) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
