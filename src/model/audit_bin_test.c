/* A damaged bin is mended, and neither loses what is in it nor stops a deletion. */
#include "model/audit_fixture.h"

#include "base/clock.h"
#include "model/audit.h"
#include "model/bin.h"
#include "model/model_private.h"

/* Five messages, of which three are in the bin, and a deleted mailbox. */
static uint32_t fill_bin(struct fixture *f, uint32_t *tomb_out)
{
	struct mailbox bin;
	model_set_keep(f->model, &(struct model_keep){ .seconds = 1000 });
	audit_fill(f);
	fixture_append(f, FIXTURE_INBOX, TEXT "four", 0);
	fixture_append(f, FIXTURE_INBOX, TEXT "five", 0);
	*tomb_out = fixture_mailbox(f, "box");
	assert_int_equal(mailbox_delete(f->account, STR("box"), NULL), 0);
	struct rangeset uids = fixture_uids("1:3");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &uids, false, NULL, NULL), 0);
	rangeset_fini(&uids);
	assert_int_equal(bin_find(f->account, &f->arena, &bin), 0);
	fixture_check(f);
	return bin.id;
}

static void damaged_bin(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	uint32_t tomb, bin = fill_bin(f, &tomb);
	damage_flip(f, key_tomb(tomb));
	uint64_t gone;
	assert_int_equal(bin_sweep(f->model, FIXTURE_ACCOUNT, clock_now(), &gone), 0);
	assert_int_equal(gone, 0);
	assert_mended(f, "what is known of the deleted mailbox");
	damage_flip(f, key_page(bin, 1));
	assert_mended(f, "is damaged");
	/* nobody knows when they were deleted: they are kept from now on */
	assert_int_equal(bin_sweep(f->model, FIXTURE_ACCOUNT, clock_now() + 900, &gone), 0);
	assert_int_equal(gone, 0);
	assert_string_equal(fixture_show_mailbox(f, bin), "1 2 3");
	assert_readable(f, bin);
	damage_flip(f, key_origin(1));
	assert_mended(f, "where deleted messages came from is damaged, from UID 1 of the bin on");
	/* still one, and under its name */
	damage_flip(f, key_mailbox(bin));
	assert_mended(f, "its record is damaged");
	assert_int_equal(bin_find(f->account, &f->arena, &m), 0);
	assert_int_equal(m.id, bin);
	assert_true(m.bin && str_eq(m.name, STR(BIN_NAME)));
	assert_int_equal(m.messages, 3);
}

static void lost_of_bin(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	uint32_t tomb, bin = fill_bin(f, &tomb);
	damage_del(f, key_tomb(tomb));
	assert_mended(f, "0 deleted mailboxes, but its state says 1");
	/* its state is lost: the bin is found again */
	damage_flip(f, key_state());
	assert_mended(f, "its state record is damaged");
	assert_int_equal(bin_find(f->account, &f->arena, &m), 0);
	assert_int_equal(m.id, bin);
	/* a page of it is lost: what was there is known, and where it came from stays known */
	damage_del(f, key_page(bin, 1));
	assert_mended(f, "3 origins are noted of deleted messages that are not there");
	assert_string_equal(fixture_show_mailbox(f, bin), "1 2 3");
	assert_readable(f, bin);
	assert_int_equal(bin_empty(f->account, NULL), 0);
	damage_del(f, key_mailbox(bin));
	assert_mended(f, "but its state says");
	assert_int_equal(bin_find(f->account, &f->arena, &m), ERR_NOT_FOUND);
}

static int keep_state(struct store_read *r, void *arg)
{
	struct key key = key_state();
	struct str value;
	int rc = store_get(r, key_str(&key), &value);
	if (!rc)
		buf_add_str(arg, value);
	return rc;
}

/* After a salvage: as model_check with repair does it in a scope that is wounded. */
static void repair_wounded(struct fixture *f)
{
	struct audit c = { .model = f->model, .account = FIXTURE_ACCOUNT, .wounded = true };
	struct blob_list tagged = { NULL, 0, 0 };
	assert_int_equal(audit_list_tags(&c, &tagged), 0);
	c.tagged = &tagged;
	assert_int_equal(account_read(f->model, FIXTURE_ACCOUNT, audit_read, &c), 0);
	assert_int_equal(audit_repair(&c), 0);
	blob_list_fini(&tagged);
	audit_fini(&c);
}

/* What is made for a recovered message takes nobody's place, also when the state is older than a mailbox. */
static void old_state_of_a_salvage(void **state)
{
	struct fixture *f = *state;
	struct buf old = BUF_INIT(0);
	struct mailbox box, recovered;
	audit_fill(f);
	assert_int_equal(account_read(f->model, FIXTURE_ACCOUNT, keep_state, &old), 0);
	uint32_t id = fixture_mailbox(f, "box");
	fixture_append(f, id, TEXT "kept", MESSAGE_FLAGGED);
	damage(f, (struct edit){ .key = key_state(), .how = PUT, .value = buf_str(&old) });
	buf_fini(&old);
	/* the first of INBOX has lost its places */
	damage_del(f, key_page(FIXTURE_INBOX, 1));
	for (uint32_t i = 1; i <= 3; i++)
		damage_del(f, key_member(i, FIXTURE_INBOX, i));
	repair_wounded(f);
	uint64_t faults;
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	fixture_check(f);
	fixture_reopen(f);
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("box"), &box), 0);
	assert_int_equal(box.id, id);
	assert_string_equal(fixture_show_mailbox(f, id), "1:f");
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("Recovered"), &recovered), 0);
	assert_int_equal(recovered.messages, 3);
}

/* A damaged bin stops no deletion, nor is anything lost by it. */
static void deleted_beside_a_damaged_bin(void **state)
{
	struct fixture *f = *state;
	struct mailbox m;
	uint32_t tomb, bin = fill_bin(f, &tomb);
	struct rangeset uids = fixture_uids("4");
	fixture_flags(f, FIXTURE_INBOX, "4", FLAGS_ADD, MESSAGE_ANSWERED, "$Work");
	damage_flip(f, key_page(bin, 1));
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &uids, false, NULL, NULL), 0);
	rangeset_fini(&uids);
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "5");
	assert_int_equal(fixture_blobs(f), 5);
	assert_mended(f, "is damaged");
	assert_string_equal(fixture_show_mailbox(f, bin), "1 2 3 4:a");
	damage_flip(f, key_mailbox(bin));
	assert_int_equal(mailbox_create(f->account, STR("new"), 0, NULL, NULL), 0);
	assert_int_equal(mailbox_rename(f->account, STR("new"), STR("newer"), NULL), 0);
	assert_int_equal(mailbox_delete(f->account, STR("newer"), NULL), 0);
	uids = fixture_uids("5");
	assert_int_equal(mailbox_expunge(f->account, FIXTURE_INBOX, &uids, false, NULL, NULL), 0);
	rangeset_fini(&uids);
	assert_int_equal(fixture_blobs(f), 5);
	assert_mended(f, "its record is damaged");
	assert_int_equal(bin_find(f->account, &f->arena, &m), 0);
	assert_string_equal(fixture_show_mailbox(f, m.id), "1 2 3 4:a 5");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(damaged_bin),
		FIXTURE_TEST(lost_of_bin),
		FIXTURE_TEST(old_state_of_a_salvage),
		FIXTURE_TEST(deleted_beside_a_damaged_bin),
	};
	return fixture_run("audit_bin", tests, sizeof(tests) / sizeof(*tests));
}
