/* The power campaign's play on the model: three threads, each with two accounts, deliver to both, append, flag, copy, move, expunge, replace, and make, rename
 * and delete mailboxes; the main thread reclaims room.
 *
 * The digest of an account is the exclusive or over its mailboxes and messages: names, ids, UIDs, flags, modseqs, and the bytes of the mail. The workload takes
 * it from what is there after each operation; so what a judge sees is a state that was there. */
#include "tests/crash/power.h"

#include "base/clock.h"
#include "base/hash.h"
#include "model/model.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define ACCOUNTS (2 * THREADS)
#define OPERATIONS 40            /* of each thread in one run */
#define TEXT_MAX 300000
#define DAY_MS 86400000

struct house {
	struct store *store;
	struct model *model;
};

struct player {
	struct model *m;
	struct account *accounts[2];
	uint32_t number;             /* of the first */
	uint64_t dice;
	char *text;
};

/* Stands before libc's. The check waits a moment before it calls a body needless, because a delivery may be under way; here none is. */
int nanosleep(const struct timespec *wanted, struct timespec *left)
{
	(void)wanted, (void)left;
	return 0;
}

static uint64_t id_of(unsigned account) { return account + 1; }

static bool open_house(const char *dir, bool create, struct house *h)
{
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = dir, .create = create, .segment_size = 96 << 10, .map_size = (uint64_t)1 << 30 };
	struct err e = { .code = 0 };
	*h = (struct house){ .store = NULL };
	if (store_open(&c, &h->store, &e) || model_open(h->store, NULL, &h->model, &e))
		return power_fault("the store cannot be opened: %s", e.log);
	return true;
}

static void close_house(struct house *h)
{
	model_close(&h->model);
	store_close(&h->store);
}

/* ---- digests ---- */

static uint64_t mix_in(uint64_t digest, uint64_t x) { return power_mix(digest * 31 + x); }
static uint64_t mix_str(uint64_t digest, struct str s) { return mix_in(digest, (uint64_t)s.n << 32 | hash_crc32c(0, s.p, s.n)); }

static bool digest_message(struct account *a, const struct message *m, uint64_t *digest)
{
	struct store_blob_view bytes;
	int rc = email_map(a, m->email, &bytes);
	if (rc)
		return power_fault("account %llu: the mail of UID %u cannot be read: %s", (unsigned long long)account_id(a), m->uid, err_text(rc));
	*digest = mix_in(mix_in(mix_in(mix_in(*digest, m->uid), m->flags), m->modseq), (uint64_t)m->date);
	*digest = mix_str(*digest, bytes.bytes);
	bool whole = bytes.bytes.n == m->size;
	email_unmap(a, &bytes);
	return whole || power_fault("account %llu: UID %u has another size", (unsigned long long)account_id(a), m->uid);
}

static bool digest_mailbox(struct account *a, const struct mailbox *m, uint64_t *digest)
{
	uint64_t d = mix_str(m->id, m->name);
	d = mix_in(mix_in(mix_in(d, m->uidvalidity), m->uidnext), m->modseq);
	d = mix_in(mix_in(mix_in(d, m->messages), m->unseen), m->bytes);
	struct view *v;
	int rc = m->no_select ? 0 : view_open(a, m->id, &v);
	if (rc)
		return power_fault("a view cannot be opened: %s", err_text(rc));
	bool ok = true;
	if (!m->no_select) {
		struct view_iter it = view_iter_at(v, 0);
		const struct message *message;
		while (ok && (message = view_iter_next(&it)))
			ok = digest_message(a, message, &d);
		view_unref(&v);
	}
	*digest ^= d;
	return ok;
}

/* 0: the account is not there. */
static bool digest_account(struct model *m, unsigned account, uint64_t *digest)
{
	struct account *a;
	*digest = 0;
	int rc = account_open(m, id_of(account), &a);
	if (rc)
		return rc == ERR_NOT_FOUND || power_fault("account %u cannot be opened: %s", account, err_text(rc));
	struct arena arena = ARENA_INIT(0);
	struct mailbox *list;
	size_t n;
	rc = mailbox_list(a, &arena, &list, &n);
	bool ok = rc == 0 || power_fault("account %u cannot be listed: %s", account, err_text(rc));
	for (size_t i = 0; ok && i < n; i++)
		ok = digest_mailbox(a, &list[i], digest);
	struct str *names;
	if (ok && subscription_list(a, &arena, &names, &n) == 0) {
		for (size_t i = 0; i < n; i++)
			*digest ^= mix_str(77, names[i]);
	}
	arena_fini(&arena);
	account_close(&a);
	return ok;
}

/* ---- operations ---- */

static void need(int rc, const char *what)
{
	if (rc)
		power_die("%s: %s", what, err_text(rc));
}

static uint64_t throw_dice(struct player *p, uint64_t n) { return (p->dice = power_mix(p->dice + 1)) % n; }

static struct str make_mail(struct player *p)
{
	size_t n = throw_dice(p, 40) == 0 ? 262144 + throw_dice(p, 30000) : 40 + throw_dice(p, 5000);
	uint64_t x = p->dice;
	int head = snprintf(p->text, TEXT_MAX, "Subject: %llx\r\n\r\n", (unsigned long long)x);
	for (size_t i = (size_t)head; i < n; i++)
		p->text[i] = (char)('a' + (power_mix(x + i / 8) >> i % 8 * 8) % 26);
	return str_make(p->text, n > (size_t)head ? n : (size_t)head);
}

static void put_mail(struct player *p, size_t n_accounts, struct append *out)
{
	struct str mail = make_mail(p);
	uint64_t ids[2] = { id_of(p->number), id_of(p->number + 1) };
	*out = (struct append){ .size = (uint32_t)mail.n, .summary = STR("summary"), .date = 1000 + (int64_t)throw_dice(p, 1000) };
	need(model_put_blob(p->m, &mail, 1, ids, n_accounts, &out->blob), "put");
}

static void deliver(struct player *p)
{
	struct append item;
	put_mail(p, 2, &item);
	struct model_delivery d[2] = { { .account = id_of(p->number), .append = item }, { .account = id_of(p->number + 1), .append = item } };
	need(model_deliver(p->m, d, 2), "deliver");
}

/* Any mailbox that can be selected. Its name is good until the arena goes. */
static struct mailbox any_mailbox(struct player *p, struct arena *arena)
{
	struct mailbox *list;
	size_t n;
	need(mailbox_list(p->accounts[0], arena, &list, &n), "list");
	for (;;) {
		struct mailbox m = list[throw_dice(p, n)];
		if (!m.no_select)
			return m;
	}
}

static void append_mail(struct player *p, const struct mailbox *to)
{
	struct append items[2];
	uint32_t uidvalidity;
	size_t n = 1 + throw_dice(p, 2);
	for (size_t i = 0; i < n; i++)
		put_mail(p, 1, &items[i]);
	need(mailbox_append(p->accounts[0], to->id, items, n, false, &uidvalidity), "append");
}

static void flag_some(struct player *p, const struct mailbox *in)
{
	struct rangeset uids = RANGESET_INIT;
	const struct str keyword = STR("$Kept");
	uint32_t from = 1 + (uint32_t)throw_dice(p, in->uidnext);
	need(rangeset_add(&uids, from, from + 4), "range");
	struct flags_change change = { .op = throw_dice(p, 3) ? FLAGS_ADD : FLAGS_REPLACE, .flags = throw_dice(p, 32), .keywords = &keyword,
								   .n_keywords = throw_dice(p, 2) };
	need(mailbox_flags(p->accounts[0], in->id, &uids, &change, NULL, NULL, NULL), "flags");
	rangeset_fini(&uids);
}

static void copy_some(struct player *p, const struct mailbox *from, const struct mailbox *to)
{
	struct rangeset uids = RANGESET_INIT;
	uint32_t first = 1 + (uint32_t)throw_dice(p, from->uidnext);
	need(rangeset_add(&uids, first, first + 2), "range");
	struct rangeset source = RANGESET_INIT, target = RANGESET_INIT;
	uint32_t uidvalidity;
	int rc = mailbox_copy(p->accounts[0], from->id, to->id, &uids, from->id != to->id && throw_dice(p, 2), &source, &target, &uidvalidity);
	need(rc == ERR_NOT_FOUND ? 0 : rc, "copy");
	rangeset_fini(&uids);
	rangeset_fini(&source);
	rangeset_fini(&target);
}

static void change_mailboxes(struct player *p)
{
	char name[64], other[64];
	struct err e = { .code = 0 };
	snprintf(name, sizeof name, "box%llu/in", (unsigned long long)throw_dice(p, 4));
	snprintf(other, sizeof other, "box%llu", (unsigned long long)throw_dice(p, 4));
	struct str a = str_from_c(name), b = str_from_c(other);
	int rc = 0;
	switch (throw_dice(p, 6)) {
	case 0:
	case 1: rc = mailbox_create(p->accounts[0], throw_dice(p, 2) ? a : b, 0, NULL, &e); break;
	case 2: rc = mailbox_rename(p->accounts[0], b, STR("moved"), &e); break;
	case 3: rc = mailbox_rename(p->accounts[0], STR("moved"), b, &e); break;
	case 4: rc = mailbox_delete(p->accounts[0], throw_dice(p, 2) ? a : b, &e); break;
	case 5: rc = subscription_set(p->accounts[0], a, throw_dice(p, 2), &e); break;
	}
	/* What is there or not follows from the dice. */
	bool refused = rc == ERR_EXISTS || rc == ERR_NOT_FOUND || rc == ERR_CONFLICT;
	need(refused ? 0 : rc, "a change of mailboxes");
}

static void replace_one(struct player *p, const struct mailbox *in)
{
	struct append item;
	struct view *v;
	need(view_open(p->accounts[0], in->id, &v), "view");
	if (view_count(v) > 0) {
		uint32_t uid = view_at(v, (uint32_t)throw_dice(p, view_count(v))).uid;
		uint32_t uidvalidity;
		put_mail(p, 1, &item);
		need(mailbox_replace(p->accounts[0], in->id, uid, in->id, &item, &uidvalidity), "replace");
	}
	view_unref(&v);
}

/* The second account goes, while nobody has it open, and is made again. */
static void remove_account(struct player *p)
{
	account_close(&p->accounts[1]);
	need(account_delete(p->m, id_of(p->number + 1)), "delete an account");
}

static void play_one(struct player *p)
{
	struct arena arena = ARENA_INIT(0);
	struct mailbox box = any_mailbox(p, &arena), to = any_mailbox(p, &arena);
	switch (throw_dice(p, 10)) {
	case 0:
	case 1:
	case 2: append_mail(p, &box); break;
	case 3:
	case 4: flag_some(p, &box); break;
	case 5: copy_some(p, &box, &to); break;
	case 6: need(mailbox_expunge(p->accounts[0], box.id, NULL, true, NULL, NULL), "expunge"); break;
	case 7: replace_one(p, &box); break;
	default: change_mailboxes(p); break;
	}
	arena_fini(&arena);
}

static void acknowledge(struct player *p, unsigned account)
{
	uint64_t digest;
	if (!digest_account(p->m, account, &digest))
		power_die("what was done cannot be read");
	power_ack(account, digest);
}

static void make_account(struct player *p, int i)
{
	unsigned account = p->number + (unsigned)i;
	power_try(account, 0);
	/* One whose removal was interrupted is removed first (model.h). */
	struct account *there = NULL;
	int rc = account_open(p->m, id_of(account), &there);
	account_close(&there);
	if (rc == ERR_NOT_FOUND)
		rc = account_delete(p->m, id_of(account));
	need(rc == ERR_NOT_FOUND ? 0 : rc, "look for an account");
	rc = account_create(p->m, id_of(account));
	need(rc == ERR_EXISTS ? 0 : rc, "make an account");
	acknowledge(p, account);
	need(account_open(p->m, id_of(account), &p->accounts[i]), "open an account");
}

static void *play_thread(void *arg)
{
	struct player *p = arg;
	/* What the life before left under way is over: an account whose removal was begun may be there or not, and is from here on as it was found. */
	for (unsigned i = 0; i < 2; i++)
		acknowledge(p, p->number + i);
	for (int i = 0; i < 2; i++)
		make_account(p, i);
	for (int i = 0; i < OPERATIONS; i++) {
		if (i % 20 == 10) {
			power_try(p->number + 1, 0);
			remove_account(p);
			acknowledge(p, p->number + 1);
			make_account(p, 1);
		}
		bool both = i % 4 == 0;
		for (unsigned k = 0; k < 1u + both; k++)
			power_try(p->number + k, 0);
		if (both)
			deliver(p);
		else
			play_one(p);
		for (unsigned k = 0; k < 1u + both; k++)
			acknowledge(p, p->number + k);
	}
	return NULL;
}

static void run(const char *dir, uint64_t seed)
{
	static struct player players[THREADS];
	pthread_t threads[THREADS];
	struct house h;
	if (!open_house(dir, true, &h))
		power_die("the workload cannot begin");
	power_made();
	for (uint32_t i = 0; i < THREADS; i++) {
		players[i] = (struct player){ .m = h.model, .number = 2 * i, .dice = power_mix(seed + i), .text = malloc(TEXT_MAX) };
		if (!players[i].text)
			power_die("no memory");
	}
	for (unsigned i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], NULL, play_thread, &players[i]))
			power_die("no thread");
	}
	for (int i = 0; i < 20; i++) {
		uint64_t reclaimed;
		usleep(20000);
		clock_shift_ms(70000);
		need(store_maintain(h.store, 1 << 20, &reclaimed), "maintain");
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* ---- the judge ---- */

static bool check_all(struct house *h, const char *when)
{
	uint64_t store_faults, model_faults;
	int rc = store_check(h->store, false, power_report, NULL, &store_faults);
	if (rc || store_faults)
		return power_fault("%s: the store's check says %s, %llu faults", when, err_text(rc), (unsigned long long)store_faults);
	rc = model_check(h->model, 0, false, NULL, NULL, &model_faults);
	if (rc || model_faults) {
		model_check(h->model, 0, false, power_report, NULL, &model_faults);
		return power_fault("%s: the model's check says %s, %llu faults", when, err_text(rc), (unsigned long long)model_faults);
	}
	return true;
}

static bool digests(struct house *h, uint64_t out[ACCOUNTS])
{
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		if (!digest_account(h->model, i, &out[i]))
			return false;
	}
	return true;
}

static bool judge(const char *dir, const struct power_expected *expected)
{
	struct house h;
	uint64_t digest[ACCOUNTS], again[ACCOUNTS];
	if (!open_house(dir, !expected->made, &h) || !digests(&h, digest))
		return false;
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		if (!power_account_fits(expected, i, digest[i]))
			return false;
		/* Removing goes in steps; one that was interrupted is to be called again (model.h). */
		int rc = digest[i] == 0 ? account_delete(h.model, id_of(i)) : 0;
		if (rc && rc != ERR_NOT_FOUND)
			return power_fault("account %u cannot be removed: %s", i, err_text(rc));
	}
	if (!check_all(&h, "at once"))
		return false;
	uint64_t reclaimed;
	clock_shift_ms(DAY_MS);
	int rc = store_maintain(h.store, UINT64_MAX, &reclaimed);
	if (rc)
		return power_fault("maintenance: %s", err_text(rc));
	if (!digests(&h, again) || memcmp(digest, again, sizeof digest))
		return power_fault("after maintenance something else is there");
	/* The workload's own operations go on. */
	static struct player p;
	p = (struct player){ .m = h.model, .dice = digest[0], .text = malloc(TEXT_MAX) };
	for (int i = 0; i < 2; i++) {
		rc = account_create(h.model, id_of((unsigned)i));
		if (!p.text || (rc && rc != ERR_EXISTS) || account_open(h.model, id_of((unsigned)i), &p.accounts[i]))
			return power_fault("account %d cannot be made or opened", i);
	}
	deliver(&p);
	for (int i = 0; i < 3; i++)
		play_one(&p);
	if (!digests(&h, digest) || !check_all(&h, "after more work"))
		return false;
	account_close(&p.accounts[0]);
	account_close(&p.accounts[1]);
	close_house(&h);
	if (!open_house(dir, false, &h) || !digests(&h, again) || memcmp(digest, again, sizeof digest))
		return power_fault("opened again, something else is there");
	close_house(&h);
	return true;
}

const struct power_play power_mail_play = { .name = "mail", .run = run, .judge = judge };
