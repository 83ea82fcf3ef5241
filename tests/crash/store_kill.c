/* kill -9 at random moments, in a loop. Two processes put blobs and commit keys that refer to them, forget some again, and reclaim room; each tells what was
 * acknowledged over a pipe. Both are halted now and then, so that the other one acts in the middle of what this one does, and a third process checks the store
 * meanwhile and may find no fault. Then all are killed, the store is opened, and everything acknowledged must be there byte for byte, everything forgotten be
 * gone, and no key may refer to a blob that is not there.
 *
 *     store_kill [ROUNDS [SEED]]      in a directory of its own under TMPDIR
 */
#include "kill.h"

#include "base/bytes.h"
#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#define PROCESSES 2
#define THREADS 4                                 /* of each process */
#define WRITERS (PROCESSES * THREADS)
#define SEQ_MAX 200000

enum fate { NEVER, TRIED, KEPT, DOOMED, GONE };
struct message {
	uint32_t writer, seq, fate;
};

static unsigned char fates[WRITERS][SEQ_MAX];     /* what the parent knows; children start with a copy */
static uint32_t next_seq[WRITERS];

#define TEXT_MAX 300000

/* A blob's bytes follow from who put it, and when. Mostly small, a few over the limit from which they go elsewhere. */
static struct str make_text(uint32_t writer, uint32_t seq, char text[TEXT_MAX])
{
	uint64_t x = kill_mix((uint64_t)writer << 32 | (seq + 1));
	size_t n = x % 64 == 0 ? 262144 + x % 30000 : x % 8000;
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = kill_mix(x + i);
		memcpy(text + i, &word, n - i < 8 ? n - i : 8);
	}
	return str_make(text, n);
}

static struct store_scope scope_of(uint32_t writer) { return (struct store_scope){ STORE_ACCOUNT, writer + 1 }; }

/* ---- the children ---- */

struct writer {
	struct store *s;
	int pipe;
	uint32_t number, seq;
	store_blob_id id;
};

/* A child that cannot go on: what it was about to do, and why not. rc: an error's code, or 0 when errno says it. */
static _Noreturn void give_up(const char *what, uint32_t writer, uint32_t seq, int rc)
{
	fprintf(stderr, "store_kill: child %d, writer %u, number %u: %s: %s\n", (int)getpid(), writer, seq, what, rc ? err_text(rc) : strerror(errno));
	_exit(1);
}

static void tell(const struct writer *w, uint32_t seq, enum fate fate)
{
	struct message m = { w->number, seq, fate };
	if (write(w->pipe, &m, sizeof m) != sizeof m)
		give_up("the pipe", w->number, seq, 0);
}

static struct str seq_key(uint32_t seq, char key[5])
{
	key[0] = 'k';
	store_be32(key + 1, seq);
	return str_make(key, 5);
}

/* The key and the counter go together. */
static int remember(struct store_write *sw, void *arg)
{
	const struct writer *w = arg;
	char key[5], value[8], count[4];
	store_le64(value, w->id);
	store_le32(count, w->seq);
	int rc = store_put(sw, seq_key(w->seq, key), str_make(value, 8));
	return rc ? rc : store_put(sw, STR("count"), str_make(count, 4));
}

static int forget(struct store_write *sw, void *arg)
{
	struct writer *w = arg;
	char key[5];
	struct str value;
	int rc = store_wget(sw, seq_key(w->seq, key), &value);
	if (rc)
		return rc;
	w->id = load_le64(value.p);
	return store_del(sw, seq_key(w->seq, key));
}

static void forget_one(struct writer *w, uint32_t seq)
{
	struct writer f = *w;
	f.seq = seq;
	store_tag tag = store_tag_of(scope_of(w->number));
	tell(w, seq, DOOMED);
	fates[w->number][seq] = DOOMED;
	int rc = store_commit(w->s, scope_of(w->number), forget, &f);
	if (rc)
		give_up("the commit that forgets", w->number, seq, rc);
	rc = store_blob_untag(w->s, &f.id, 1, tag);
	if (rc)
		give_up("untag", w->number, seq, rc);
	tell(w, seq, GONE);
}

static void *write_thread(void *arg)
{
	struct writer *w = arg;
	char *text = malloc(TEXT_MAX);
	if (!text)
		give_up("memory", w->number, 0, 0);
	store_tag tag = store_tag_of(scope_of(w->number));
	for (w->seq = next_seq[w->number]; w->seq < SEQ_MAX; w->seq++) {
		struct str bytes = make_text(w->number, w->seq, text);
		tell(w, w->seq, TRIED);
		int rc = store_blob_put(w->s, &bytes, 1, &tag, 1, &w->id);
		if (rc)
			give_up("put", w->number, w->seq, rc);
		rc = store_commit(w->s, scope_of(w->number), remember, w);
		if (rc)
			give_up("the commit that remembers", w->number, w->seq, rc);
		tell(w, w->seq, KEPT);
		fates[w->number][w->seq] = KEPT;
		/* Three of four are forgotten some time later. */
		uint32_t old = w->seq - 20;
		if (w->seq >= 20 && old % 4 && fates[w->number][old] == KEPT)
			forget_one(w, old);
	}
	return NULL;
}

static void report(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "check: %s\n", line);
}

/* Beside the others, as the command line does. */
static _Noreturn void check_always(unsigned round)
{
	clock_shift_ms((int64_t)round * 86400000);
	struct store *s = kill_store();
	for (;;) {
		uint64_t faults;
		int rc = store_check(s, false, report, NULL, &faults);
		if (rc || faults)
			give_up("the check beside the writers found faults", 0, (uint32_t)faults, rc ? rc : ERR_CORRUPT);
		usleep(1000);
	}
}

static void child(unsigned process, unsigned round, int pipe)
{
	/* Each round plays on a later day, so that the dead of earlier rounds are old enough to go. */
	clock_shift_ms((int64_t)round * 86400000);
	static struct writer w[THREADS];
	pthread_t threads[THREADS];
	struct store *s = kill_store();
	for (unsigned i = 0; i < THREADS; i++) {
		w[i] = (struct writer){ .s = s, .pipe = pipe, .number = process * THREADS + i };
		if (pthread_create(&threads[i], NULL, write_thread, &w[i]))
			give_up("a thread", w[i].number, 0, 0);
	}
	for (;;) {
		uint64_t reclaimed;
		usleep(10000);
		clock_shift_ms(100000);
		int rc = store_maintain(s, 1 << 20, &reclaimed);
		if (rc)
			give_up("maintenance", process * THREADS, 0, rc);
	}
}

/* ---- the parent ---- */

static void note(const void *record)
{
	const struct message *m = record;
	if (m->writer >= WRITERS || m->seq >= SEQ_MAX)
		kill_die("a message that nobody sent, of writer %u, number %u", m->writer, m->seq);
	fates[m->writer][m->seq] = (unsigned char)m->fate;
	if (m->seq >= next_seq[m->writer])
		next_seq[m->writer] = m->seq + 1;
}

static void listen_for(int fd, int64_t ms) { kill_listen(fd, ms, sizeof(struct message), note); }

struct tally {
	unsigned long kept, gone, open;
};

static void verify_one(struct store *s, struct store_read *r, uint32_t writer, uint32_t seq, struct tally *t)
{
	static char text[TEXT_MAX];
	char key[5];
	struct str value;
	int rc = store_get(r, seq_key(seq, key), &value);
	enum fate fate = fates[writer][seq];
	if (rc && rc != ERR_NOT_FOUND)
		kill_die("writer %u, number %u: the key cannot be read: %s", writer, seq, err_text(rc));
	if (fate == KEPT && rc)
		kill_die("writer %u, number %u: the acknowledged key is missing", writer, seq);
	if (fate == GONE && rc == 0)
		kill_die("writer %u, number %u: the forgotten key is there", writer, seq);
	t->kept += fate == KEPT;
	t->gone += fate == GONE;
	t->open += fate == TRIED || fate == DOOMED;
	/* What was under way may have happened or not; from now on it stays as it is. */
	if (fate == TRIED || fate == DOOMED)
		fates[writer][seq] = rc == 0 ? KEPT : GONE;
	if (rc)
		return;
	struct store_blob_view v;
	uint64_t id = load_le64(value.p);
	rc = store_blob_map(s, id, &v);
	if (rc)
		kill_die("writer %u, number %u, fate %d: its blob %016llx cannot be read: %s", writer, seq, (int)fate, (unsigned long long)id, err_text(rc));
	struct str right = make_text(writer, seq, text);
	size_t at = 0;
	while (at < v.bytes.n && at < right.n && v.bytes.p[at] == right.p[at])
		at++;
	if (at < v.bytes.n || at < right.n)
		kill_die("writer %u, number %u: blob %016llx has %zu bytes instead of %zu, and other ones from %zu on", writer, seq, (unsigned long long)id,
				 v.bytes.n, right.n, at);
	store_blob_unmap(s, &v);
}

static struct tally verify(void)
{
	struct store *s = kill_store();
	struct tally t = { .kept = 0 };
	for (uint32_t w = 0; w < WRITERS; w++) {
		struct store_read *r;
		int rc = store_begin(s, scope_of(w), &r);
		if (rc)
			kill_die("a read cannot begin: %s", err_text(rc));
		struct str count;
		uint32_t last = store_get(r, STR("count"), &count) ? 0 : load_le32(count.p);
		for (uint32_t seq = 0; seq < next_seq[w]; seq++) {
			if (fates[w][seq] == KEPT && seq > last)
				kill_die("writer %u: its counter %u is behind key %u", w, last, seq);
			verify_one(s, r, w, seq, &t);
		}
		store_end(&r);
	}
	uint64_t faults;
	int rc = store_check(s, false, report, NULL, &faults);
	if (rc || faults)
		kill_die("the check ended with %s, %llu faults", err_text(rc), (unsigned long long)faults);
	store_close(&s);
	return t;
}

/* Listens for ms while pid halts for a part of it. */
static void listen_beside_halted(int fd, int64_t ms, pid_t pid, uint64_t dice)
{
	int64_t before = (int64_t)(dice % (uint64_t)ms), halted = (int64_t)(kill_mix(dice) % (uint64_t)(ms - before));
	listen_for(fd, before);
	kill(pid, SIGSTOP);
	listen_for(fd, halted);
	kill(pid, SIGCONT);
	listen_for(fd, ms - before - halted);
}

static void play(unsigned round)
{
	int fds[2];
	campaign.round = round;
	pid_t pids[PROCESSES + 1];
	if (pipe(fds))
		kill_die("no pipe: %s", strerror(errno));
	for (unsigned i = 0; i <= PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0 && i == PROCESSES) {
			close(fds[0]);
			close(fds[1]);
			check_always(round);
		}
		if (pids[i] == 0) {
			close(fds[0]);
			child(i, round, fds[1]);
		}
	}
	close(fds[1]);
	for (unsigned i = 0; i < PROCESSES; i++) {
		uint64_t dice = kill_mix(campaign.seed + round * PROCESSES + i);
		/* one of those that live, the checker among them */
		listen_beside_halted(fds[0], (int64_t)(dice % 250 + 5), pids[i + (dice >> 32) % (PROCESSES + 1 - i)], kill_mix(dice));
		kill(pids[i], SIGKILL);
	}
	listen_for(fds[0], -1);
	close(fds[0]);
	for (unsigned i = 0; i <= PROCESSES; i++)
		kill_child(pids[i]);
}

int main(int argc, char **argv)
{
	kill_begin("store_kill", argc, argv);
	struct tally t = { .kept = 0 };
	for (unsigned round = 0; round < campaign.rounds; round++) {
		play(round);
		t = verify();
	}
	printf("%lu kills: %lu acknowledged blobs are there, %lu forgotten ones gone, seed %llu\n",
		   (unsigned long)(campaign.rounds * PROCESSES), t.kept, t.gone, (unsigned long long)campaign.seed);
	kill_end();
	return 0;
}
