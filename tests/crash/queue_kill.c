/* kill -9 at random moments, in a loop. One process submits and delivers, another one steers as the command line does; the first tells over a pipe how
 * far each recipient has come. Then both are killed, the store is opened, and everything acknowledged must be in the queue once, everything settled be
 * gone, and every notice be owed or queued, never both. At the end all goes out, and no body may be left.
 *
 *     queue_kill [ROUNDS [SEED]]      in a directory of its own under TMPDIR
 */
#include "kill.h"

#include "queue/limits.h"
#include "queue/queue.h"

#include "base/clock.h"
#include "base/num.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define SUBMITTERS 4
#define DELIVERERS 4
#define SEQ_MAX 100000
#define RECIPIENTS 2                              /* of a message; every third message's second one fails */

/* How far a recipient has come. Of one that is delivered FINISHED is the end; one that fails is told to the sender by a message of its own. */
enum progress { NEVER, TRIED, QUEUED, FINISHING, FINISHED, TELLING, TOLD, NOTICE_FINISHING, NOTICE_FINISHED };
struct event {
	uint32_t seq;
	uint16_t recipient, progress;
};
/* What is in the queue of it. */
struct presence {
	unsigned char pending, owed, notice;
};

static _Atomic unsigned char progress[SEQ_MAX][RECIPIENTS];       /* what the parent knows; children start with a copy */
static struct presence there[SEQ_MAX][RECIPIENTS];
static atomic_uint next_seq;

/* A child that cannot go on: what it was about to do, and why not. rc: an error's code, or 0 when errno says it. */
static _Noreturn void give_up(const char *what, uint32_t seq, unsigned recipient, int rc)
{
	fprintf(stderr, "queue_kill: child %d, recipient %u-%u: %s: %s\n", (int)getpid(), seq, recipient, what, rc ? err_text(rc) : strerror(errno));
	_exit(1);
}

static bool fails(uint32_t seq, unsigned recipient) { return seq % 3 == 0 && recipient == 1; }

static struct queue *open_queue(struct store *s)
{
	static const struct queue_config c = { .retry_first_s = 1, .retry_max_s = 2 };
	struct queue *q;
	struct err e = { 0 };
	if (queue_open(s, &c, &q, &e))
		kill_die("%s", e.log);
	return q;
}

/* "m17-1" or, when it is about a notice, "n17-1". */
static bool parse_address(struct str address, bool *notice_out, uint32_t *seq_out, uint32_t *recipient_out)
{
	struct str seq, recipient;
	*notice_out = address.n && address.p[0] == 'n';
	return str_cut(str_from(address, 1), '-', &seq, &recipient) && num_parse_u32(seq, seq_out) && num_parse_u32(recipient, recipient_out) &&
		   *seq_out < SEQ_MAX && *recipient_out < RECIPIENTS;
}

/* ---- the process that submits and delivers ---- */

struct child {
	struct queue *q;
	int pipe;
};

static void tell(const struct child *c, uint32_t seq, unsigned recipient, enum progress p)
{
	struct event e = { seq, (uint16_t)recipient, (uint16_t)p };
	if (write(c->pipe, &e, sizeof(e)) != sizeof(e))
		give_up("the pipe", seq, recipient, 0);
}

static int submit(const struct child *c, uint32_t seq)
{
	char addresses[RECIPIENTS][40], destinations[RECIPIENTS][40];
	struct queue_recipient r[RECIPIENTS];
	struct str body = str_make(addresses, sizeof(addresses));
	struct queue_submission s = { .envelope.sender = STR("s@example.org"), .pieces = &body, .n_pieces = 1, .recipients = r, .n_recipients = RECIPIENTS };
	uint64_t id;
	memset(addresses, 0, sizeof(addresses));
	for (unsigned i = 0; i < RECIPIENTS; i++) {
		snprintf(addresses[i], sizeof(addresses[i]), "m%u-%u", seq, i);
		snprintf(destinations[i], sizeof(destinations[i]), "d%u.example", (unsigned)(kill_mix(seq + i) % 20));
		r[i] = (struct queue_recipient){ .address = str_from_c(addresses[i]), .destination = str_from_c(destinations[i]) };
		tell(c, seq, i, TRIED);
	}
	return queue_submit(c->q, &s, &id, NULL);
}

static void *submit_thread(void *arg)
{
	const struct child *c = arg;
	uint32_t seq;
	while ((seq = atomic_fetch_add(&next_seq, 1)) < SEQ_MAX) {
		int rc = submit(c, seq);
		if (rc)
			give_up("submit", seq, 0, rc);
		for (unsigned i = 0; i < RECIPIENTS; i++)
			tell(c, seq, i, QUEUED);
	}
	return NULL;
}

/* Both recipients may have the same destination, and come together. */
static void deliver(const struct child *c, struct queue_job *j)
{
	uint32_t seq[RECIPIENTS], recipient[RECIPIENTS];
	bool notice = false, later = false;
	size_t n = j->n_recipients;
	if (n > RECIPIENTS)
		give_up("a job with too many recipients", (uint32_t)n, 0, ERR_BUG);
	for (size_t i = 0; i < n; i++) {
		if (!parse_address(j->recipients[i].r.address, &notice, &seq[i], &recipient[i]))
			give_up("a job for an address that nobody submitted", 0, 0, ERR_BUG);
		/* what was settled in this life comes never again */
		if (progress[seq[i]][recipient[i]] >= (notice ? NOTICE_FINISHED : FINISHED))
			give_up(notice ? "a notice that was settled came again" : "a recipient that was settled came again", seq[i], recipient[i], ERR_BUG);
		tell(c, seq[i], recipient[i], notice ? NOTICE_FINISHING : FINISHING);
		later = j->recipients[0].attempts == 0 && kill_mix(seq[i]) % 8 == 0;
	}
	for (size_t i = 0; i < n; i++)
		j->recipients[i].result.outcome = later ? QUEUE_DELAYED : !notice && fails(seq[i], recipient[i]) ? QUEUE_FAILED : QUEUE_DELIVERED;
	int rc = queue_finish(c->q, &j);
	if (rc)
		give_up("finish", seq[0], recipient[0], rc);
	for (size_t i = 0; !later && i < n; i++) {
		enum progress p = notice ? NOTICE_FINISHED : FINISHED;
		progress[seq[i]][recipient[i]] = (unsigned char)p;
		tell(c, seq[i], recipient[i], p);
	}
}

static void send_notice(const struct child *c, struct queue_job *j)
{
	char address[40];
	uint32_t seq, recipient;
	bool notice;
	if (j->n_recipients != 1 || !parse_address(j->recipients[0].r.address, &notice, &seq, &recipient) || j->recipients[0].owed != QUEUE_FAILED)
		give_up("a notice that is none", 0, 0, ERR_BUG);
	snprintf(address, sizeof(address), "n%u-%u", seq, recipient);
	struct str body = str_from_c(address);
	struct queue_recipient r = { .address = body, .destination = STR(QUEUE_LOCAL) };
	struct queue_submission s = { .pieces = &body, .n_pieces = 1, .recipients = &r, .n_recipients = 1 };
	tell(c, seq, recipient, TELLING);
	int rc = queue_finish_notice(c->q, &j, &s);
	if (rc)
		give_up("finish a notice", seq, recipient, rc);
	tell(c, seq, recipient, TOLD);
}

static void *deliver_thread(void *arg)
{
	const struct child *c = arg;
	struct queue_job *j;
	for (;;) {
		int rc = queue_take(c->q, 1000, STR_NONE, false, &j);
		if (rc && rc != ERR_TIMEOUT)
			give_up("take", 0, 0, rc);
		if (rc == 0 && j->kind == QUEUE_NOTICE)
			send_notice(c, j);
		else if (rc == 0)
			deliver(c, j);
	}
	return NULL;
}

static void start(struct child *c, unsigned n, void *(*fn)(void *))
{
	pthread_t thread;
	for (unsigned i = 0; i < n; i++)
		if (pthread_create(&thread, NULL, fn, c))
			give_up("a thread", 0, 0, 0);
}

static void work(int pipe)
{
	static struct child c;
	c = (struct child){ .q = open_queue(kill_store()), .pipe = pipe };
	start(&c, SUBMITTERS, submit_thread);
	start(&c, DELIVERERS, deliver_thread);
	for (;;)
		pause();
}

/* The command line beside it. */
static void steer(uint64_t dice)
{
	struct queue *q = open_queue(kill_store());
	for (;;) {
		static const enum queue_action actions[] = { QUEUE_HOLD, QUEUE_RELEASE, QUEUE_RELEASE, QUEUE_RETRY };
		char destination[40];
		uint64_t n;
		dice = kill_mix(dice + 1);
		snprintf(destination, sizeof(destination), "d%u.example", (unsigned)(dice % 20));
		struct queue_filter f = { .destination = str_from_c(destination) };
		int rc = queue_act(q, &f, actions[dice >> 32 & 3], &n, NULL);
		if (rc)
			give_up(destination, 0, 0, rc);
	}
}

/* ---- the parent ---- */

static void note(const void *record)
{
	const struct event *e = record;
	if (e->seq >= SEQ_MAX || e->recipient >= RECIPIENTS)
		kill_die("an event that nobody sent, of recipient %u-%u", e->seq, e->recipient);
	_Atomic unsigned char *p = &progress[e->seq][e->recipient];
	/* two threads may tell of the same one in either order */
	if (e->progress > *p)
		*p = (unsigned char)e->progress;
	if (e->seq >= atomic_load(&next_seq))
		atomic_store(&next_seq, e->seq + 1);
}

static void listen_for(int fd, int64_t ms) { kill_listen(fd, ms, sizeof(struct event), note); }

static int see_item(void *arg, const struct queue_item *item)
{
	struct store *s = arg;
	struct store_blob_view v;
	for (size_t i = 0; i < item->n_recipients; i++) {
		const struct queue_item_recipient *r = &item->recipients[i];
		uint32_t seq, recipient;
		bool notice;
		if (!parse_address(r->r.address, &notice, &seq, &recipient))
			kill_die("a recipient that nobody submitted: %.*s", (int)r->r.address.n, r->r.address.p);
		struct presence *p = &there[seq][recipient];
		p->notice += notice;
		p->pending += !notice && !r->settled;
		p->owed += !notice && r->owed != 0;
	}
	int rc = store_blob_map(s, item->blob, &v);
	if (rc)
		kill_die("message %llx: its body %016llx cannot be read: %s", (unsigned long long)item->id, (unsigned long long)item->blob, err_text(rc));
	store_blob_unmap(s, &v);
	return 0;
}

/* What must be in the queue of a recipient that has come so far; afterwards it stays as it is. */
static enum progress judge(uint32_t seq, unsigned recipient)
{
	enum progress was = progress[seq][recipient];
	struct presence p = there[seq][recipient];
	unsigned sum = p.pending + p.owed + p.notice;
	bool failing = fails(seq, recipient), right = false;
	switch (was) {
	case NEVER: right = sum == 0; break;
	case TRIED: right = sum == p.pending && sum <= 1; break;
	case QUEUED: right = sum == 1 && p.pending == 1; break;
	case FINISHING: right = failing ? sum == 1 && !p.notice : sum == p.pending && sum <= 1; break;
	case FINISHED: right = failing ? sum == 1 && p.owed == 1 : sum == 0; break;
	case TELLING: right = sum == 1 && !p.pending; break;
	case TOLD: right = sum == 1 && p.notice == 1; break;
	case NOTICE_FINISHING: right = sum == p.notice && sum <= 1; break;
	case NOTICE_FINISHED: right = sum == 0; break;
	}
	if (!right)
		kill_die("recipient %u-%u is lost or doubled: progress %d, %u pending, %u owed, %u notices", seq, recipient, (int)was, p.pending, p.owed, p.notice);
	if (p.pending)
		return QUEUED;
	if (p.owed)
		return FINISHED;
	if (p.notice)
		return TOLD;
	return was == TRIED || was == NEVER ? NEVER : failing ? NOTICE_FINISHED : FINISHED;
}

static void report(void *arg, const char *line)
{
	/* bodies whose message was not committed are for a repair to free */
	if (!strstr(line, "note: "))
		fprintf(stderr, "check: %s\n", line), ++*(unsigned *)arg;
}

/* The number of recipients that are on their way. */
static unsigned verify(unsigned *settled_out)
{
	struct store *s = kill_store();
	struct queue *q = open_queue(s);
	struct queue_filter all = { 0 };
	unsigned lines = 0, waiting = 0;
	uint64_t faults;
	*settled_out = 0;
	memset(there, 0, sizeof(there));
	int rc = queue_list(q, &all, see_item, s);
	if (rc)
		kill_die("the queue cannot be listed: %s", err_text(rc));
	for (uint32_t seq = 0; seq < SEQ_MAX; seq++)
		for (unsigned i = 0; i < RECIPIENTS; i++) {
			enum progress p = progress[seq][i] = (unsigned char)judge(seq, i);
			bool settled = p == (fails(seq, i) ? NOTICE_FINISHED : FINISHED);
			*settled_out += settled;
			waiting += p != NEVER && !settled;
		}
	rc = queue_check(q, false, report, &lines, &faults);
	if (rc || faults || lines)
		kill_die("the check ended with %s, %llu faults", err_text(rc), (unsigned long long)faults);
	queue_close(&q);
	store_close(&s);
	return waiting;
}

static pid_t start_child(int fds[2], bool steers, uint64_t dice)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	close(fds[0]);
	if (steers)
		steer(dice);
	work(fds[1]);
	return 0;
}

static void play(unsigned round)
{
	int fds[2];
	campaign.round = round;
	if (pipe(fds))
		kill_die("no pipe: %s", strerror(errno));
	pid_t worker = start_child(fds, false, 0), steerer = start_child(fds, true, campaign.seed + round);
	close(fds[1]);
	listen_for(fds[0], (int64_t)(kill_mix(campaign.seed + round) % 400 + 5));
	if (kill_mix(campaign.seed + round) >> 32 & 1) {
		kill_child(steerer);
		kill_child(worker);
	} else {
		kill_child(worker);
		kill_child(steerer);
	}
	listen_for(fds[0], -1);
	close(fds[0]);
}

static int count_blob(void *arg, store_blob_id id, uint64_t size, store_tag tag)
{
	(void)id, (void)size, (void)tag;
	++*(unsigned *)arg;
	return 0;
}

/* Nobody submits or kills any more: all goes out, and nothing is left. */
static void drain(void)
{
	int fds[2];
	struct store *s = kill_store();
	struct queue_filter all = { 0 };
	struct queue_stats stats;
	uint64_t n, faults;
	unsigned lines = 0, blobs = 0;
	if (pipe(fds))
		kill_die("no pipe: %s", strerror(errno));
	static struct child c;
	c = (struct child){ .q = open_queue(s), .pipe = fds[1] };
	start(&c, DELIVERERS, deliver_thread);
	do {
		listen_for(fds[0], 200);
		int rc = queue_act(c.q, &all, QUEUE_RELEASE, &n, NULL);
		if (rc || (rc = queue_stats(c.q, &stats)))
			kill_die("the queue cannot be drained: %s", err_text(rc));
	} while (stats.messages);
	listen_for(fds[0], 100);
	int rc = queue_check(c.q, true, report, &lines, &faults);
	if (rc || faults)
		kill_die("the check at the end ended with %s, %llu faults", err_text(rc), (unsigned long long)faults);
	/* what the check condemned is given back when it can no longer be on its way */
	clock_shift_ms(QUEUE_CONDEMNED_S * INT64_C(1000));
	for (unsigned tries = 0; (tries == 0 || blobs) && tries < 300; tries++) {
		listen_for(fds[0], 100);
		blobs = 0;
		for (unsigned i = 0; i < QUEUE_SHARDS; i++)
			store_blob_visit(s, store_tag_of((struct store_scope){ STORE_QUEUE, i }), count_blob, &blobs);
	}
	if (blobs)
		kill_die("%u bodies are left", blobs);
	/* its threads wait for ever: the process ends with them */
}

int main(int argc, char **argv)
{
	kill_begin("queue_kill", argc, argv);
	unsigned waiting = 0, settled = 0;
	for (unsigned round = 0; round < campaign.rounds; round++) {
		play(round);
		waiting = verify(&settled);
	}
	printf("%lu kills: %u recipients settled once, %u on their way", (unsigned long)(campaign.rounds * 2), settled, waiting);
	fflush(stdout);
	drain();
	printf(", all gone out in the end, seed %llu\n", (unsigned long long)campaign.seed);
	kill_end();
	fflush(stdout);
	_exit(0);
}
