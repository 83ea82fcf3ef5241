/* What the model costs on large mailboxes, on engine lmdb in a directory of its own:
 *     model_bench [MESSAGES]...          (default: 100000 1000000)
 * Prints one line a figure. Commits are not synced: what is measured is the work, not the disk. */
#include "base/clock.h"
#include "base/num.h"
#include "model/bin.h"
#include "model/model.h"

#include <malloc.h>
#include <stdio.h>
#include <unistd.h>

#define ACCOUNT 1u
#define INBOX 1u
#define BATCH 1000u

struct bench {
	char dir[64];
	struct store *store;
	struct model *model;
	struct account *account;
	struct buf summary;                           /* 700 bytes, as of an ordinary message */
};

static void must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "%s: %s\n", what, err_text(rc));
	exit(1);
}
#define MUST(call) must((call), #call)

static void say(const char *what, uint64_t us, uint64_t n, const char *of)
{
	printf("%-44s %9.2f ms", what, (double)us / 1000);
	if (n)
		printf("   %8.3f us a %s", (double)us / (double)n, of);
	putchar('\n');
}

/* Times one call. */
#define TIMED(what, n, of, call) \
	do { \
		uint64_t began = clock_mono_us(); \
		MUST(call); \
		say(what, clock_mono_us() - began, n, of); \
	} while (0)

static void setup(struct bench *b)
{
	memcpy(b->dir, "/tmp/model-bench-XXXXXX", 24);
	if (!mkdtemp(b->dir))
		exit(1);
	struct store_config config = { .engine = STORE_ENGINE_LMDB, .dir = b->dir, .create = true, .no_sync = true };
	struct err e = { 0 };
	must(store_open(&config, &b->store, &e), e.log);
	MUST(model_open(b->store, NULL, &b->model, &e));
	MUST(account_create(b->model, ACCOUNT));
	MUST(account_open(b->model, ACCOUNT, &b->account));
	buf_init(&b->summary, 0);
	while (b->summary.n < 700)
		buf_add_char(&b->summary, 's');
}

static void teardown(struct bench *b)
{
	account_close(&b->account);
	model_close(&b->model);
	store_close(&b->store);
	buf_fini(&b->summary);
	char command[100];
	snprintf(command, sizeof(command), "rm -r %s", b->dir);
	if (system(command))
		fprintf(stderr, "%s is left over\n", b->dir);
}

/* The same on every machine. */
static uint32_t roll(uint32_t below)
{
	static uint64_t state = 1;
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)((state * 0x2545f4914f6cdd1du >> 33) % below);
}

/* Blobs are made up: the model never looks into them. Sizes, dates and flags are like those of mail. */
static void fill(struct bench *b, uint32_t n)
{
	static struct append items[BATCH];
	uint64_t us = 0;
	int64_t date = 1000000000;
	for (uint32_t done = 0; done < n; done += BATCH) {
		for (uint32_t i = 0; i < BATCH; i++) {
			date += roll(1200);
			items[i] = (struct append){
				.blob = done + i + 1, .size = 1000 + roll(roll(20) ? 20000 : 2000000), .summary = buf_str(&b->summary), .date = date,
				.flags = (roll(10) ? MESSAGE_SEEN : 0) | (roll(10) ? 0 : MESSAGE_ANSWERED) | (roll(50) ? 0 : MESSAGE_FLAGGED),
			};
		}
		uint64_t began = clock_mono_us();
		MUST(mailbox_append(b->account, INBOX, items, BATCH, true, NULL));
		us += clock_mono_us() - began;
	}
	say("append, 1000 in a commit", us, n, "message");
}

/* Bytes allocated now. */
static uint64_t allocated(void)
{
	struct mallinfo2 info = mallinfo2();
	return info.uordblks + info.hblkhd;
}

struct opened {
	uint64_t open_us, iterate_us, bytes;
};

/* By a model of its own, whose cache knows nothing yet. */
static struct opened open_view(struct bench *b)
{
	struct opened out;
	struct model *m;
	struct account *a;
	struct view *v;
	MUST(model_open(b->store, NULL, &m, NULL));
	MUST(account_open(m, ACCOUNT, &a));
	uint64_t before = allocated(), began = clock_mono_us();
	MUST(view_open(a, INBOX, &v));
	out.open_us = clock_mono_us() - began;
	out.bytes = allocated() - before;
	began = clock_mono_us();
	uint64_t sum = 0;
	struct view_iter it = view_iter_at(v, 0);
	for (const struct message *message; (message = view_iter_next(&it));)
		sum += message->flags;
	out.iterate_us = clock_mono_us() - began + (sum == 1);
	view_unref(&v);
	account_close(&a);
	model_close(&m);
	return out;
}

/* Warm: the quickest of some rounds, which is what the work takes when nothing else runs. */
static void views(struct bench *b, uint32_t n)
{
	struct opened first = open_view(b), best = open_view(b);
	for (int round = 0; round < 10; round++) {
		struct opened o = open_view(b);
		best.open_us = o.open_us < best.open_us ? o.open_us : best.open_us;
		best.iterate_us = o.iterate_us < best.iterate_us ? o.iterate_us : best.iterate_us;
	}
	say("view_open, first", first.open_us, n, "message");
	say("view_open, warm", best.open_us, n, "message");
	say("iterate over it", best.iterate_us, n, "message");
	printf("%-44s %9.1f bytes a message\n", "memory of the view", (double)best.bytes / n);
}

static void refresh(struct bench *b)
{
	enum { ROUNDS = 200 };
	struct view *shown, *newest;
	uint64_t append_us = 0, refresh_us = 0, diff_us = 0, same_us = 0, overlay_us = 0;
	MUST(view_open(b->account, INBOX, &shown));
	for (int i = 0; i < ROUNDS; i++) {
		struct append item = { .blob = 5000000 + (uint64_t)i, .size = 4000, .summary = buf_str(&b->summary) };
		uint64_t t0 = clock_mono_us();
		MUST(mailbox_append(b->account, INBOX, &item, 1, true, NULL));
		uint64_t t1 = clock_mono_us();
		MUST(view_refresh(b->account, shown, &newest));
		uint64_t t2 = clock_mono_us();
		struct view_diff d;
		MUST(view_diff(shown, newest, &d));
		uint64_t t3 = clock_mono_us();
		struct view *overlay, *same;
		MUST(view_overlay(shown, newest, &overlay));
		uint64_t t4 = clock_mono_us();
		for (int k = 0; k < 100; k++) {
			MUST(view_refresh(b->account, newest, &same));
			view_unref(&same);
		}
		same_us += clock_mono_us() - t4;
		append_us += t1 - t0, refresh_us += t2 - t1, diff_us += t3 - t2, overlay_us += t4 - t3;
		view_diff_fini(&d);
		view_unref(&overlay);
		view_unref(&shown);
		shown = newest;
	}
	view_unref(&shown);
	say("append one (commit without sync)", append_us, ROUNDS, "message");
	say("view_refresh after it", refresh_us, ROUNDS, "refresh");
	say("view_diff after it", diff_us, ROUNDS, "diff");
	say("view_overlay after it", overlay_us, ROUNDS, "overlay");
	say("view_refresh without news", same_us, (uint64_t)ROUNDS * 100, "refresh");
}

static void store_flags(struct bench *b, const char *what, const struct rangeset *uids, enum flags_op op, uint64_t n)
{
	struct flags_change change = { .op = op, .flags = MESSAGE_SEEN };
	struct view *shown, *newest;
	MUST(view_open(b->account, INBOX, &shown));
	TIMED(what, n, "message", mailbox_flags(b->account, INBOX, uids, &change, NULL, NULL, NULL));
	TIMED("  view_refresh after it", n, "message", view_refresh(b->account, shown, &newest));
	view_unref(&shown);
	view_unref(&newest);
}

static void mass_changes(struct bench *b, uint32_t n)
{
	struct rangeset all = RANGESET_INIT, part = RANGESET_INIT, sparse = RANGESET_INIT;
	MUST(rangeset_add(&all, 1, UINT32_MAX));
	MUST(rangeset_add(&part, n / 2, n / 2 + 9999));
	for (uint32_t i = 0; i < 10000; i++)
		MUST(rangeset_add(&sparse, 1 + i * (n / 10000), 1 + i * (n / 10000)));
	store_flags(b, "STORE 1:* +FLAGS", &all, FLAGS_ADD, n);
	store_flags(b, "STORE 10,000 scattered -FLAGS", &sparse, FLAGS_REMOVE, 10000);
	struct mailbox other;
	MUST(mailbox_create(b->account, STR("other"), 0, &other, NULL));
	TIMED("COPY 10,000", 10000, "message", mailbox_copy(b->account, INBOX, other.id, &part, false, NULL, NULL, NULL));
	TIMED("MOVE 10,000", 10000, "message", mailbox_copy(b->account, INBOX, other.id, &part, true, NULL, NULL, NULL));
	TIMED("EXPUNGE 10,000 scattered, with purge", 10000, "message",
		  mailbox_expunge(b->account, INBOX, &sparse, false, NULL, NULL));
	rangeset_clear(&part);
	MUST(rangeset_add(&part, n / 4 + 1, n / 4 + 10000));
	TIMED("EXPUNGE 10,000 in a row, with purge", 10000, "message",
		  mailbox_expunge(b->account, INBOX, &part, false, NULL, NULL));
	/* The same once more, with deleted mail kept (model/bin.h). */
	uint64_t gone;
	model_set_keep(b->model, &(struct model_keep){ .seconds = 1000 });
	rangeset_clear(&part);
	rangeset_clear(&sparse);
	MUST(rangeset_add(&part, n / 4 + 10001, n / 4 + 20000));
	for (uint32_t i = 0; i < 10000; i++)
		MUST(rangeset_add(&sparse, 2 + i * (n / 10000), 2 + i * (n / 10000)));
	TIMED("EXPUNGE 10,000 scattered, into the bin", 10000, "message",
		  mailbox_expunge(b->account, INBOX, &sparse, false, NULL, NULL));
	TIMED("EXPUNGE 10,000 in a row, into the bin", 10000, "message",
		  mailbox_expunge(b->account, INBOX, &part, false, NULL, NULL));
	TIMED("sweep of the bin", 17000, "message", bin_sweep(b->model, ACCOUNT, clock_now() + 2000, &gone));
	rangeset_fini(&all);
	rangeset_fini(&part);
	rangeset_fini(&sparse);
}

static void deliveries(struct bench *b)
{
	enum { ROUNDS = 20, EACH = 1000 };
	static struct model_delivery d[EACH];
	uint64_t us = 0;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < EACH; i++)
			d[i] = (struct model_delivery){ .account = ACCOUNT,
											.append = { .blob = 9000000 + (uint64_t)(round * EACH + i),
														.size = 4000,
														.summary = buf_str(&b->summary) } };
		uint64_t began = clock_mono_us();
		MUST(model_deliver(b->model, d, EACH));
		us += clock_mono_us() - began;
	}
	say("deliver: 1000 closures in a group", us, ROUNDS * EACH, "closure");
}

int main(int argc, char **argv)
{
	static const char *const defaults[] = { NULL, "100000", "1000000" };
	for (int i = 1; i < (argc > 1 ? argc : 3); i++) {
		uint32_t n;
		struct bench b;
		if (!num_parse_u32(str_from_c(argc > 1 ? argv[i] : defaults[i]), &n) || n < 40000) {
			fprintf(stderr, "usage: model_bench [MESSAGES]...     (40000 or more)\n");
			return 2;
		}
		printf("--- a mailbox of %u messages\n", n);
		setup(&b);
		fill(&b, n);
		views(&b, n);
		refresh(&b);
		deliveries(&b);
		mass_changes(&b, n);
		puts("--- after all that");
		views(&b, n);
		teardown(&b);
	}
	return 0;
}
