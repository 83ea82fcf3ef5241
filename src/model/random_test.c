/* Thousands of random operations, each done to the model and to a plain reference. After each, sessions bring their
 * views up to date: by refresh, by diff and by overlay, each checked against the reference and against what a fresh
 * reader sees. With deleted mail kept, the reference knows what must be in the bin, too. */
#include "model/random_world.h"

#include "model/bin.h"

#define STEPS 1500

/* ---- sessions ---- */

/* old, changed as the diff says, is newer. */
static void assert_diff(const struct view *old, const struct view *newer)
{
	struct view_diff d;
	assert_int_equal(view_diff(old, newer, &d), 0);
	struct view_iter a = view_iter_at(old, 0), b = view_iter_at(newer, 0);
	const struct message *is = view_iter_next(&b), *was;
	uint64_t vanished = 0, changed = 0;
	while ((was = view_iter_next(&a))) {
		if (rangeset_has(&d.vanished, was->uid)) {
			vanished++;
			assert_true(!is || is->uid > was->uid);
			continue;
		}
		assert_non_null(is);
		assert_int_equal(is->uid, was->uid);
		bool differs = (plain_flags(old, was->flags) ^ plain_flags(newer, is->flags)) & ~(uint64_t)MESSAGE_GHOST;
		assert_int_equal(rangeset_has(&d.changed, was->uid), differs);
		changed += differs;
		is = view_iter_next(&b);
	}
	uint32_t added = 0;
	for (; is; is = view_iter_next(&b), added++)
		assert_true(is->uid >= view_uidnext(old));
	assert_int_equal(d.added, added);
	assert_int_equal(rangeset_count(&d.vanished), vanished);
	assert_int_equal(rangeset_count(&d.changed), changed);
	view_diff_fini(&d);
}

static void assert_overlay(const struct view *old, const struct view *newest, const struct view *overlay)
{
	assert_true(view_count(overlay) >= view_count(old));
	uint32_t index = 0, ghosts = 0;
	struct view_iter it = view_iter_at(overlay, 0), was = view_iter_at(old, 0);
	for (const struct message *m; (m = view_iter_next(&it)); index++) {
		const struct message *before = view_iter_next(&was);
		if (before)
			assert_int_equal(m->uid, before->uid);
		else
			assert_true(m->uid >= view_uidnext(old));
		bool exact;
		uint32_t at = view_find(newest, m->uid, &exact);
		assert_int_equal(!exact, (m->flags & MESSAGE_GHOST) != 0);
		if (exact)
			assert_int_equal(m->flags, view_at(newest, at).flags);
		ghosts += !exact;
	}
	assert_int_equal(index, view_count(overlay));
	assert_int_equal(index, view_count(newest) + ghosts);
	assert_int_equal(view_unseen(overlay), view_unseen(newest));
}

static void session_refresh(struct world *w, struct session *s)
{
	const struct ref_mailbox *mailbox = &w->mailbox[s->mailbox];
	struct view *newest, *fresh;
	int rc;
	FIXTURE_RETRY(rc, view_refresh(w->f->account, s->shown, &newest));
	if (!mailbox->exists || view_mailbox(s->shown) != mailbox->id) {
		assert_int_equal(rc, ERR_NOT_FOUND);
		view_unref(&s->shown);
		return;
	}
	assert_int_equal(rc, 0);
	assert_view(newest, mailbox);
	assert_lookups(w, newest);
	FIXTURE_OK(view_open(w->fresh, mailbox->id, &fresh));
	assert_view(fresh, mailbox);
	assert_diff(s->shown, fresh);
	view_unref(&fresh);
	assert_diff(s->shown, newest);
	if (roll(w, 2)) {
		struct view *overlay;
		assert_int_equal(view_overlay(s->shown, newest, &overlay), 0);
		if (overlay != newest)
			assert_overlay(s->shown, newest, overlay);
		assert_diff(s->shown, overlay);
		assert_diff(overlay, newest);
		view_unref(&newest);
		newest = overlay;
	}
	view_unref(&s->shown);
	s->shown = newest;
}

static void sessions_work(struct world *w)
{
	for (unsigned i = 0; i < SESSIONS; i++) {
		struct session *s = &w->session[i];
		/* The later ones seldom look, so that they have much to catch up. */
		if (roll(w, 1 + (uint64_t)i * i * i))
			continue;
		if (!s->shown) {
			s->mailbox = (unsigned)roll(w, MAILBOXES);
			if (w->mailbox[s->mailbox].exists)
				FIXTURE_OK(view_open(w->f->account, w->mailbox[s->mailbox].id, &s->shown));
		} else {
			session_refresh(w, s);
		}
	}
}

/* ---- operations ---- */

static struct ref_mailbox *any_mailbox(struct world *w)
{
	for (;;) {
		struct ref_mailbox *mailbox = &w->mailbox[roll(w, MAILBOXES)];
		if (mailbox->exists)
			return mailbox;
	}
}

static struct rangeset any_uids(struct world *w, const struct ref_mailbox *mailbox)
{
	struct rangeset set = RANGESET_INIT;
	uint32_t end = mailbox->uidnext + 2;
	switch (roll(w, 4)) {
	case 0:
		rangeset_add(&set, (uint32_t)roll(w, end) + 1, (uint32_t)roll(w, end) + 1);
		break;
	case 1:
		for (uint64_t i = roll(w, 40); i; i--) {
			uint32_t uid = (uint32_t)roll(w, end) + 1;
			rangeset_add(&set, uid, uid + (uint32_t)roll(w, 5));
		}
		break;
	case 2:
		for (uint32_t uid = 1 + (uint32_t)roll(w, 3), step = 2 + (uint32_t)roll(w, 30); uid < end; uid += step)
			rangeset_add(&set, uid, uid);
		break;
	default:
		rangeset_add(&set, roll(w, 3) ? (uint32_t)roll(w, end) + 1 : 1, UINT32_MAX);
		break;
	}
	return set;
}

static uint64_t any_flags(struct world *w, struct str *keyword, size_t *n_keywords)
{
	uint64_t flags = roll(w, 32);
	*n_keywords = roll(w, 2);
	if (*n_keywords) {
		uint64_t word = roll(w, WORDS);
		*keyword = words[word];
		flags |= (uint64_t)1 << (8 + word);
	}
	return flags;
}

static void do_append(struct world *w)
{
	struct ref_mailbox *mailbox = any_mailbox(w);
	size_t n = roll(w, 4) ? 1 + roll(w, 3) : 1 + roll(w, 150);
	if (mailbox->n + n > w->most)
		return;
	struct append *items = calloc(n, sizeof(*items));
	struct str *keywords = calloc(n, sizeof(*keywords));
	uint64_t account = FIXTURE_ACCOUNT;
	struct str byte = STR("x");
	for (size_t i = 0; i < n; i++) {
		unsigned body = w->bodies++;
		items[i] = (struct append){ .size = 1, .summary = STR("s"), .date = body, .keywords = &keywords[i] };
		uint64_t flags = any_flags(w, &keywords[i], &items[i].n_keywords);
		items[i].flags = flags & MESSAGE_SYSTEM_FLAGS;
		ref_add(mailbox, flags, body);
	}
	int rc;
	do {
		for (size_t i = 0; i < n; i++)
			FIXTURE_OK(model_put_blob(w->f->model, &byte, 1, &account, 1, &items[i].blob));
		rc = mailbox_append(w->f->account, mailbox->id, items, n, false, NULL);
	} while (fixture_again(rc));
	assert_int_equal(rc, 0);
	assert_int_equal(items[n - 1].uid_out, mailbox->uidnext - 1);
	free(items);
	free(keywords);
}

static void do_flags(struct world *w)
{
	struct ref_mailbox *mailbox = any_mailbox(w);
	struct rangeset uids = any_uids(w, mailbox), changed = RANGESET_INIT, expected = RANGESET_INIT;
	struct str keyword;
	struct flags_change change = { .op = (enum flags_op)roll(w, 3), .keywords = &keyword };
	uint64_t flags = any_flags(w, &keyword, &change.n_keywords);
	change.flags = flags & MESSAGE_SYSTEM_FLAGS;
	for (size_t i = 0; i < mailbox->n; i++) {
		struct ref_message *m = &mailbox->m[i];
		if (!rangeset_has(&uids, m->uid))
			continue;
		uint64_t now = flags;
		if (change.op != FLAGS_REPLACE)
			now = change.op == FLAGS_ADD ? m->flags | flags : m->flags & ~flags;
		if (now != m->flags)
			rangeset_add(&expected, m->uid, m->uid);
		m->flags = now;
	}
	uint64_t modseq;
	FIXTURE_OK(mailbox_flags(w->f->account, mailbox->id, &uids, &change, &changed, NULL, &modseq));
	assert_int_equal(modseq != 0, expected.n != 0);
	assert_string_equal(fixture_uids_show(w->f, &changed), fixture_uids_show(w->f, &expected));
	rangeset_fini(&uids);
	rangeset_fini(&changed);
	rangeset_fini(&expected);
}

static void ref_remove(struct world *w, struct ref_mailbox *mailbox, const struct rangeset *uids, bool only_deleted,
					   struct rangeset *gone)
{
	size_t kept = 0;
	for (size_t i = 0; i < mailbox->n; i++) {
		struct ref_message m = mailbox->m[i];
		if ((uids && !rangeset_has(uids, m.uid)) || (only_deleted && !(m.flags & MESSAGE_DELETED)))
			mailbox->m[kept++] = m;
		else {
			rangeset_add(gone, m.uid, m.uid);
			if (mailbox != &w->bin)
				ref_lose(w, &m);
		}
	}
	mailbox->n = kept;
}

static void do_expunge(struct world *w)
{
	struct ref_mailbox *mailbox = any_mailbox(w);
	struct rangeset uids = any_uids(w, mailbox), expected = RANGESET_INIT, gone = RANGESET_INIT;
	bool all = roll(w, 20) == 0, only_deleted = roll(w, 4) != 0;
	uint64_t before = fixture_get(w->f, mailbox->id).modseq, modseq;
	ref_remove(w, mailbox, all ? NULL : &uids, only_deleted, &expected);
	FIXTURE_OK(mailbox_expunge(w->f->account, mailbox->id, all ? NULL : &uids, only_deleted, &gone, &modseq));
	assert_string_equal(fixture_uids_show(w->f, &gone), fixture_uids_show(w->f, &expected));
	rangeset_clear(&gone);
	FIXTURE_OK(mailbox_vanished(w->f->account, mailbox->id, before, &gone));
	/* A coarse log may also tell what went before, but nothing that is there. */
	for (size_t i = 0; i < expected.n; i++)
		for (uint32_t uid = expected.v[i].lo; uid <= expected.v[i].hi; uid++)
			assert_true(rangeset_has(&gone, uid));
	for (size_t i = 0; i < mailbox->n; i++)
		assert_false(rangeset_has(&gone, mailbox->m[i].uid));
	if (gone.n && expected.n)
		assert_true(gone.v[0].lo == expected.v[0].lo && gone.v[gone.n - 1].hi == expected.v[expected.n - 1].hi);
	rangeset_fini(&uids);
	rangeset_fini(&expected);
	rangeset_fini(&gone);
}

static void do_copy(struct world *w)
{
	struct ref_mailbox *from = any_mailbox(w), *to = any_mailbox(w);
	bool move = roll(w, 2);
	if (from->n + to->n > w->most)
		return;
	struct rangeset uids = any_uids(w, from), source = RANGESET_INIT, target = RANGESET_INIT, gone = RANGESET_INIT;
	uint32_t first = to->uidnext;
	for (size_t i = 0, n = from->n; i < n; i++)
		if (rangeset_has(&uids, from->m[i].uid)) {
			rangeset_add(&gone, from->m[i].uid, from->m[i].uid);
			ref_add(to, from->m[i].flags, from->m[i].body);
		}
	FIXTURE_OK(mailbox_copy(w->f->account, from->id, to->id, &uids, move, &source, &target, NULL));
	assert_string_equal(fixture_uids_show(w->f, &source), fixture_uids_show(w->f, &gone));
	assert_int_equal(rangeset_count(&target), rangeset_count(&gone));
	if (target.n)
		assert_int_equal(target.v[0].lo, first);
	if (move)
		ref_remove(w, from, &gone, false, &uids);
	rangeset_fini(&uids);
	rangeset_fini(&source);
	rangeset_fini(&target);
	rangeset_fini(&gone);
}

/* RFC 8508: the new one comes and the old one goes in one commit, whichever mailboxes they are in. */
static void do_replace(struct world *w)
{
	struct ref_mailbox *from = any_mailbox(w), *to = any_mailbox(w);
	if (from->n == 0)
		return;
	uint32_t uid = from->m[roll(w, from->n)].uid, uidvalidity;
	struct rangeset old = RANGESET_INIT, gone = RANGESET_INIT;
	struct str keyword = STR_NONE, byte = STR("x");
	uint64_t account = FIXTURE_ACCOUNT;
	unsigned body = w->bodies++;
	struct append item = { .size = 1, .summary = STR("s"), .date = body, .keywords = &keyword };
	uint64_t flags = any_flags(w, &keyword, &item.n_keywords);
	item.flags = flags & MESSAGE_SYSTEM_FLAGS;
	ref_add(to, flags, body);
	int rc;
	do {
		FIXTURE_OK(model_put_blob(w->f->model, &byte, 1, &account, 1, &item.blob));
		rc = mailbox_replace(w->f->account, from->id, uid, to->id, &item, &uidvalidity);
	} while (fixture_again(rc));
	assert_int_equal(rc, 0);
	assert_int_equal(item.uid_out, to->uidnext - 1);
	rangeset_add(&old, uid, uid);
	ref_remove(w, from, &old, false, &gone);
	rangeset_fini(&old);
	rangeset_fini(&gone);
}

static void do_tree(struct world *w)
{
	unsigned which = 1 + (unsigned)roll(w, MAILBOXES - 1);
	struct ref_mailbox *mailbox = &w->mailbox[which];
	char name[20], other[20];
	snprintf(name, sizeof(name), "box%u", which);
	snprintf(other, sizeof(other), "moved%u", which);
	struct account *a = w->f->account;
	if (!mailbox->exists) {
		mailbox->id = fixture_mailbox(w->f, name);
		mailbox->exists = true;
		mailbox->uidnext = 1;
	} else if (roll(w, 3)) {
		FIXTURE_OK(mailbox_rename(a, str_from_c(name), str_from_c(other), NULL));
		FIXTURE_OK(mailbox_rename(a, str_from_c(other), str_from_c(name), NULL));
	} else {
		FIXTURE_OK(mailbox_delete(a, str_from_c(name), NULL));
		for (size_t i = 0; i < mailbox->n; i++)
			ref_lose(w, &mailbox->m[i]);
		mailbox->exists = false;
		mailbox->n = 0;
	}
}

/* RFC 3501 6.3.5 */
static void do_rename_inbox(struct world *w)
{
	unsigned which = 1 + (unsigned)roll(w, MAILBOXES - 1);
	struct ref_mailbox *mailbox = &w->mailbox[which], *inbox = &w->mailbox[0];
	if (mailbox->exists)
		return;
	char name[20];
	snprintf(name, sizeof(name), "box%u", which);
	FIXTURE_OK(mailbox_rename(w->f->account, STR("INBOX"), str_from_c(name), NULL));
	struct mailbox m;
	FIXTURE_OK(mailbox_find(w->f->account, &w->f->arena, str_from_c(name), &m));
	mailbox->exists = true;
	mailbox->id = m.id;
	mailbox->uidnext = 1;
	for (size_t i = 0; i < inbox->n; i++)
		ref_add(mailbox, inbox->m[i].flags, inbox->m[i].body);
	inbox->n = 0;
}

/* Out of the bin: for good, or back into a mailbox. */
static void do_bin(struct world *w)
{
	struct ref_mailbox *to = any_mailbox(w);
	if (!w->bin.exists || fixture_faults() || to->n + w->bin.n > w->most)
		return;
	struct rangeset uids = any_uids(w, &w->bin), source = RANGESET_INIT, gone = RANGESET_INIT;
	uint64_t how = roll(w, 5), n;
	struct mailbox bin;
	FIXTURE_OK(bin_find(w->f->account, &w->f->arena, &bin));
	w->bin.id = bin.id;
	if (how == 0) {
		ref_remove(w, &w->bin, &uids, false, &gone);
		FIXTURE_OK(mailbox_expunge(w->f->account, w->bin.id, &uids, false, &source, NULL));
	} else {
		bool move = how != 1;
		for (size_t i = 0; i < w->bin.n; i++)
			if (rangeset_has(&uids, w->bin.m[i].uid)) {
				rangeset_add(&gone, w->bin.m[i].uid, w->bin.m[i].uid);
				ref_add(to, w->bin.m[i].flags, w->bin.m[i].body);
			}
		if (how == 4) {
			FIXTURE_OK(bin_restore(w->f->account, &w->f->arena, to->id, &uids, NULL, &n));
			assert_int_equal(n, rangeset_count(&gone));
		} else {
			FIXTURE_OK(mailbox_copy(w->f->account, w->bin.id, to->id, &uids, move, &source, NULL, NULL));
			assert_string_equal(fixture_uids_show(w->f, &source), fixture_uids_show(w->f, &gone));
		}
		if (move)
			ref_remove(w, &w->bin, &gone, false, &source);
	}
	rangeset_fini(&uids);
	rangeset_fini(&source);
	rangeset_fini(&gone);
}

static void step(struct world *w)
{
	switch (roll(w, w->keeps ? 24 : 22)) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6:
		do_append(w);
		break;
	case 7: case 8: case 9: case 10: case 11:
		do_flags(w);
		break;
	case 12: case 13: case 14:
		do_expunge(w);
		break;
	case 15: case 16: case 17:
		do_copy(w);
		break;
	case 18:
		do_tree(w);
		break;
	case 19: case 20:
		do_replace(w);
		break;
	case 22: case 23:
		do_bin(w);
		break;
	default:
		if (roll(w, 10) == 0)
			do_rename_inbox(w);
		break;
	}
	ref_settle(w);
}

/* ---- */

static void run(struct fixture *f, uint64_t seed, unsigned most, bool keeps)
{
	struct world w = { .f = f, .random = seed * 0x9e3779b97f4a7c15u, .most = most, .keeps = keeps };
	model_set_keep(f->model, &(struct model_keep){ .seconds = keeps ? 100000 : 0 });
	w.mailbox[0] = (struct ref_mailbox){ .exists = true, .id = FIXTURE_INBOX, .uidnext = 1 };
	assert_int_equal(account_open(f->plain_model, FIXTURE_ACCOUNT, &w.fresh), 0);
	for (unsigned i = 0; i < STEPS; i++) {
		step(&w);
		sessions_work(&w);
		if (i % 10 == 0)
			assert_bin(&w);
		if (i % 50 == 0) {
			assert_counts(&w);
			fixture_check(f);
			assert_blobs(&w);
			arena_reset(&f->arena);
		}
	}
	assert_counts(&w);
	for (unsigned i = 0; i < SESSIONS; i++)
		view_unref(&w.session[i].shown);
	account_close(&w.fresh);
	fixture_reopen(f);
	assert_counts(&w);
	fixture_check(f);
	assert_blobs(&w);
	for (unsigned i = 0; i < MAILBOXES; i++)
		free(w.mailbox[i].m);
	free(w.bin.m);
	free(w.lost.m);
}

static void small_mailboxes(void **state) { run(*state, 1, 60, false); }
static void middling_mailboxes(void **state) { run(*state, 2, 600, false); }
static void large_mailboxes(void **state) { run(*state, 3, 4000, false); }
static void once_more(void **state) { run(*state, 4, 1000, false); }
static void small_kept(void **state) { run(*state, 5, 60, true); }
static void middling_kept(void **state) { run(*state, 6, 600, true); }
static void large_kept(void **state) { run(*state, 7, 4000, true); }

int main(void)
{
	static const struct CMUnitTest few[] = { FIXTURE_TEST(small_mailboxes), FIXTURE_TEST(small_kept) };
	static const struct CMUnitTest tests[] = {
		FIXTURE_TEST(small_mailboxes),
		FIXTURE_TEST(middling_mailboxes),
		FIXTURE_TEST(large_mailboxes),
		FIXTURE_TEST(once_more),
		FIXTURE_TEST(small_kept),
		FIXTURE_TEST(middling_kept),
		FIXTURE_TEST(large_kept),
	};
	/* Reading long ranges from a store that fails at every fiftieth step would take for ever. */
	if (fixture_faults())
		return fixture_run("random, with faults", few, 2);
	return fixture_run("random", tests, sizeof(tests) / sizeof(*tests));
}
