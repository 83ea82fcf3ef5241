/* What damage hides is brought back, and is nobody else's. */
#include "model/audit_fixture.h"

#include "model/bin.h"
#include "model/index.h"
#include "model/model_private.h"
#include "model/purge.h"
#include "model/record.h"
#include "model/removal.h"

/* One bit makes its key that of no kind; the order of the keys stays as it should be. */
static void index_page_of_another_kind(void **state)
{
	struct fixture *f = *state;
	struct key key = key_page(FIXTURE_INBOX, 1), other = key;
	audit_fill(f);
	other.p[0] ^= 2;
	damage_rename(f, key, other);
	assert_mended(f, "an unknown key, beginning with 6b");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1 2 3");
	assert_readable(f, FIXTURE_INBOX);
}

static int no_note(void *arg, const struct message *m)
{
	(void)arg, (void)m;
	return 0;
}

/* The program ends before it forgets what was expunged. */
static int expunge_and_die(struct change *c, void *arg)
{
	struct purged purged = { .over = false };
	struct gone_list gone = { NULL, 0, 0 };
	struct mailbox_record mailbox;
	assert_int_equal(mailbox_record_load(change_source(c), FIXTURE_INBOX, &mailbox), 0);
	assert_int_equal(removal_run(c, &mailbox, arg, 0, &gone, no_note, NULL), 0);
	assert_int_equal(purge_gone(c, &mailbox, &gone, &purged), 0);
	gone_list_fini(&gone);
	changelog_add(&c->log, LOG_EXPUNGE, FIXTURE_INBOX, arg);
	mailbox.modseq = c->modseq;
	return mailbox_record_save(c->w, &mailbox);
}

/* Their memberships are there still, in the graves. */
static void what_was_expunged_stays_so(void **state)
{
	struct fixture *f = *state;
	struct rangeset uids = RANGESET_INIT;
	struct view *v;
	const uint32_t n = PURGE_INLINE_MAX + 30;
	struct mailbox bin;
	model_set_keep(f->model, &(struct model_keep){ .seconds = 1000 });
	fixture_append_many(f, FIXTURE_INBOX, n);
	assert_int_equal(rangeset_add(&uids, 1, n - 1), 0);
	assert_int_equal(commit_run(f->model, FIXTURE_ACCOUNT, expunge_and_die, &uids, NULL), 0);
	rangeset_fini(&uids);
	assert_int_equal(view_open(f->account, FIXTURE_INBOX, &v), 0);
	assert_int_equal(view_count(v), 1);
	view_unref(&v);
	struct page_edit page;
	struct store_read *r;
	assert_int_equal(store_begin(f->store, (struct store_scope){ STORE_ACCOUNT, FIXTURE_ACCOUNT }, &r), 0);
	assert_int_equal(index_page_at(source_read(r), FIXTURE_INBOX, n, &page), 1);
	store_end(&r);
	assert_true(page.start < n);
	damage_flip(f, key_page(FIXTURE_INBOX, page.start));
	assert_mended(f, "is damaged");
	assert_int_equal(fixture_get(f, FIXTURE_INBOX).messages, 1);
	assert_int_equal(bin_find(f->account, &f->arena, &bin), 0);
	assert_int_equal(bin.messages, n - 1);
	assert_readable(f, FIXTURE_INBOX);
}

/* One bit makes it begin at another UID. */
static void index_page_at_another_uid(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	damage_rename(f, key_page(FIXTURE_INBOX, 1), key_page(FIXTURE_INBOX, 1 + (1u << 20)));
	assert_mended(f, "mailbox 1: the index page from UID 1048577 on begins with UID 1");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
	assert_readable(f, FIXTURE_INBOX);
	damage_rename(f, key_page(FIXTURE_INBOX, 1), key_page(FIXTURE_INBOX, 3));
	assert_mended(f, "begins with UID 1");
	assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), "1:s 2 3:d");
}

/* What a repair takes for the body of a lost email may be that of a message on its way. Both have a body of their own in the end. */
static void delivery_beside_recovery(void **state)
{
	struct fixture *f = *state;
	uint64_t account = FIXTURE_ACCOUNT, faults;
	struct str body = STR(TEXT "just being delivered");
	struct append a = { .size = (uint32_t)body.n, .summary = STR("s") };
	struct mailbox found;
	audit_fill(f);
	assert_int_equal(model_put_blob(f->model, &body, 1, &account, 1, &a.blob), 0);
	damage_del(f, key_email(2));
	assert_int_equal(model_check(f->model, 0, true, NULL, NULL, &faults), 0);
	assert_int_equal(mailbox_find(f->account, &f->arena, STR("Recovered"), &found), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, &a, 1, false, NULL), ERR_RETRY);
	assert_readable(f, found.id);
	assert_int_equal(model_put_blob(f->model, &body, 1, &account, 1, &a.blob), 0);
	assert_int_equal(mailbox_append(f->account, FIXTURE_INBOX, &a, 1, false, NULL), 0);
	assert_int_equal(mailbox_expunge(f->account, found.id, NULL, false, NULL, NULL), 0);
	assert_int_equal(bin_empty(f->account, NULL), 0);
	assert_readable(f, FIXTURE_INBOX);
	fixture_check(f);
}

/* Who has a mailbox open sees what came since then, though the log cannot tell it. */
static void damaged_log_hides_nothing(void **state)
{
	struct fixture *f = *state;
	struct rangeset gone = RANGESET_INIT;
	struct view *old, *now;
	audit_fill(f);
	for (unsigned round = 0; round < 2; round++) {
		assert_int_equal(view_open(f->account, FIXTURE_INBOX, &old), 0);
		uint64_t since = fixture_get(f, FIXTURE_INBOX).modseq;
		fixture_append(f, FIXTURE_INBOX, TEXT "later", 0);
		fixture_append(f, FIXTURE_INBOX, TEXT "later still", 0);
		/* damaged; or there no more */
		if (round == 0)
			damage_flip(f, key_log(since + 1));
		else
			damage_del(f, key_log(since + 1));
		assert_int_equal(view_refresh(f->account, old, &now), 0);
		assert_int_equal(view_count(now), view_count(old) + 2);
		assert_int_equal(mailbox_vanished(f->account, FIXTURE_INBOX, since, &gone), ERR_NOT_FOUND);
		view_unref(&old);
		view_unref(&now);
		assert_mended(f, "the change log is damaged");
	}
	rangeset_fini(&gone);
}

/* ---- flipped bits ---- */

static void every_bit_is_found(void **state)
{
	(void)state;
	char sealed[1200], damaged[sizeof(sealed)];
	static const size_t sizes[] = { RECORD_HEADER, RECORD_HEADER + 1, 100, sizeof(sealed) };
	for (size_t i = 0; i < sizeof(sealed); i++)
		sealed[i] = (char)(i * i * 7 + 3);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		size_t n = sizes[k];
		record_seal(sealed, n, 1, 2);
		assert_false(record_mend(sealed, n));
		for (size_t bit = 0; bit < 8 * n; bit++) {
			memcpy(damaged, sealed, n);
			damaged[bit / 8] ^= (char)(1u << bit % 8);
			assert_true(record_mend(damaged, n));
			assert_memory_equal(damaged, sealed, n);
			/* and of two it is not known */
			damaged[bit / 8] ^= (char)(1u << bit % 8);
			damaged[(bit / 8 + 5) % n] ^= 0x10;
			if (memcmp(damaged, sealed, n) != 0)
				assert_false(record_mend(damaged, n));
		}
	}
	assert_false(record_mend(sealed, RECORD_HEADER - 1));
}

static void a_bit_is_put_right(void **state)
{
	struct fixture *f = *state;
	audit_fill(f);
	fixture_flags(f, FIXTURE_INBOX, "2", FLAGS_ADD, MESSAGE_FLAGGED, "word");
	char *shown = strdup(fixture_show_mailbox(f, FIXTURE_INBOX));
	const struct mailbox before = fixture_get(f, FIXTURE_INBOX);
	const struct key keys[] = {
		key_state(), key_mailbox(FIXTURE_INBOX), key_email(2), key_page(FIXTURE_INBOX, 1), key_member(1, FIXTURE_INBOX, 1), key_log(before.modseq),
	};
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		for (size_t bit = 9; bit < 500; bit += 61) {
			damage(f, (struct edit){ .key = keys[i], .how = FLIP, .bit = bit });
			assert_mended(f, "damaged");
			assert_string_equal(fixture_show_mailbox(f, FIXTURE_INBOX), shown);
			struct mailbox m = fixture_get(f, FIXTURE_INBOX);
			assert_true(m.uidvalidity == before.uidvalidity && m.uidnext == before.uidnext && str_eq(m.name, STR("INBOX")));
		}
	assert_readable(f, FIXTURE_INBOX);
	free(shown);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(index_page_of_another_kind),
		FIXTURE_TEST(index_page_at_another_uid),
		FIXTURE_TEST(what_was_expunged_stays_so),
		FIXTURE_TEST(delivery_beside_recovery),
		FIXTURE_TEST(damaged_log_hides_nothing),
		FIXTURE_TEST(every_bit_is_found),
		FIXTURE_TEST(a_bit_is_put_right),
	};
	return fixture_run("audit_recover", tests, sizeof(tests) / sizeof(*tests));
}
