/* Power failures. A workload runs under recorder.so; from its record the states of disk are built that a power cut could have left at any moment
 * (disk.h says which those are), each is opened in a process of its own, and everything acknowledged must be there, everything else whole or absent, the
 * checks find nothing, and work go on. The workload is killed once in between and begins again; in every second life some syncs fail. Then one of those states is where the workload goes on, and so forth: cuts upon cuts.
 *
 *     power RECORDER.so store|mail [STATES [SEED [data|names|dsync]]]      in a directory of its own under /dev/shm or TMPDIR
 *     power again RECORD store|mail STATES SEED [FROM TO]      a record that a campaign left when it failed: other states of the same lives, of cuts between these bytes
 *     power begin DIR RECORD                    the record of somebody else's run in DIR: what is there now
 *     power states RECORD DIR STATES SEED [data|names|dsync]        its states, as DIR/0, DIR/1 ...
 *
 * The last word makes the disk lie: then the status is 0 when losses were found. Otherwise it is 0 when there were none.
 */
#include "tests/crash/disk.h"
#include "tests/crash/power.h"

#include "base/clock.h"
#include "base/num.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define LIVES 3                /* runs of the workload, each on what a cut left of the one before */
#define STATES_AT_CUT 5
#define JUDGES 2               /* at once */
#define JUDGE_SECONDS 60
#define FAULTS_SHOWN 5
#define OPERATIONS_AFTER_FAULT 12

struct judge {
	pid_t pid;
	char dir[300];
	char about[200];
};

struct campaign {
	const struct power_play *play;
	char root[256];
	enum disk_lie lie;
	uint64_t dice;
	const char *map;           /* the record */
	size_t map_n;
	struct power_expected now;
	struct judge judges[JUDGES];
	unsigned long states, cuts, torn, faults, fates[FATES];
	char seed_dir[300];        /* a state kept for the next life */
	struct power_expected seed_expected;
	const char *keep;          /* states are written here, and judged by somebody else */
	unsigned long marks;       /* of the record so far */
	unsigned life;
	size_t cut_from, cut_to;   /* bytes of the record between which every cut is tried; 0: by their weights */
};

/* ---- files ---- */

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *path) { nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

static void append(int fd, struct disk_record r, const void *payload, size_t n)
{
	static const char padding[8];
	r.magic = RECORD_MAGIC;
	r.n = (uint32_t)n;
	size_t pad = (8 - n % 8) % 8;
	if (write(fd, &r, sizeof r) != sizeof r || (n && write(fd, payload, n) != (ssize_t)n) || (pad && write(fd, padding, pad) != (ssize_t)pad))
		power_die("the record cannot be written");
}

static void append_synced(int fd, uint64_t object)
{
	append(fd, (struct disk_record){ .kind = RECORD_SYNC_BEGIN, .object = object }, NULL, 0);
	append(fd, (struct disk_record){ .kind = RECORD_SYNC_END, .object = object }, NULL, 0);
}

/* What is there at the start of a run, as durable. */
static void append_tree(int fd, const char *path, uint64_t object)
{
	DIR *dir = opendir(path);
	if (!dir)
		power_die("cannot read %s", path);
	for (struct dirent *e; (e = readdir(dir));) {
		char below[1024];
		struct stat st;
		snprintf(below, sizeof below, "%s/%s", path, e->d_name);
		if (e->d_name[0] == '.' || strcmp(e->d_name, "lock.mdb") == 0 || strcmp(e->d_name, "pulse") == 0 || stat(below, &st))
			continue;
		struct disk_record made = { .kind = RECORD_MADE, .object = st.st_ino, .dir = object, .flags = S_ISDIR(st.st_mode) ? FLAG_DIRECTORY : 0 };
		append(fd, made, e->d_name, strlen(e->d_name));
		if (S_ISDIR(st.st_mode)) {
			append_tree(fd, below, st.st_ino);
			continue;
		}
		int from = open(below, O_RDONLY | O_CLOEXEC);
		void *bytes = st.st_size ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, from, 0) : NULL;
		if (bytes == MAP_FAILED)
			power_die("cannot read %s", below);
		struct disk_record all = { .kind = RECORD_WRITE, .object = st.st_ino, .size = (uint64_t)st.st_size };
		if (bytes) {
			append(fd, all, bytes, (size_t)st.st_size);
			munmap(bytes, (size_t)st.st_size);
		}
		close(from);
		append_synced(fd, st.st_ino);
	}
	closedir(dir);
	append_synced(fd, object);
}

/* ---- recording ---- */

/* Whether some syncs fail in this life. */
static bool faults_in(const struct campaign *c) { return c->play->bears_faults && c->life % 2; }

/* die: after how many operations it is to be killed, or after how many behind the first root that was refused; 0: not at all. */
static void run_workload(struct campaign *c, const char *recorder, const char *dir, const char *log, unsigned long die, bool of_fault)
{
	char seed[32], number[32];
	snprintf(seed, sizeof seed, "%llu", (unsigned long long)dice_throw(&c->dice));
	snprintf(number, sizeof number, "%lu", die);
	pid_t pid = fork();
	if (pid == 0) {
		setenv("LD_PRELOAD", recorder, 1);
		setenv(RECORD_LOG_ENV, log, 1);
		setenv(RECORD_DIR_ENV, dir, 1);
		setenv(RECORD_SYNC_US_ENV, "150", 1);
		setenv(of_fault ? RECORD_DIE_FAULT_ENV : RECORD_DIE_ENV, number, 1);
		if (faults_in(c))
			setenv(RECORD_FAIL_ENV, "11", 1);
		execl("/proc/self/exe", "power", "run", c->play->name, dir, seed, (char *)NULL);
		_exit(127);
	}
	int status = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !(die && WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0))
		power_die("the workload ended with status %x", (unsigned)status);
}

/* The beginning of a record: what is in dir. */
static void begin_record(const char *dir, const char *log)
{
	struct stat st;
	int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0 || stat(dir, &st))
		power_die("cannot make %s", log);
	append(fd, (struct disk_record){ .kind = RECORD_MADE, .flags = FLAG_DIRECTORY, .object = st.st_ino }, NULL, 0);
	append_tree(fd, dir, st.st_ino);
	append(fd, (struct disk_record){ .kind = RECORD_MARK }, "begin", 5);
	close(fd);
}

static void map_record(struct campaign *c, const char *log)
{
	struct stat st;
	int fd = open(log, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		power_die("cannot read %s", log);
	c->map_n = (size_t)st.st_size;
	c->map = mmap(NULL, c->map_n, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (c->map == MAP_FAILED)
		power_die("cannot map %s", log);
}

static void record(struct campaign *c, const char *recorder, const char *dir, const char *log)
{
	begin_record(dir, log);
	/* The first run is killed somewhere, and what it left is in the kernel's memory, not on the disk: the second one must not rely on that. */
	unsigned long die_at = 1 + dice_throw(&c->dice) % (c->life == 0 && dice_throw(&c->dice) % 2 ? 30 : 600);
	/* Or just as a root of the index was refused, while it is not settled yet what of it is on the disk. */
	bool of_fault = faults_in(c) && dice_throw(&c->dice) % 2;
	if (of_fault)
		die_at = 1 + die_at % OPERATIONS_AFTER_FAULT;
	run_workload(c, recorder, dir, log, die_at, of_fault);
	run_workload(c, recorder, dir, log, 0, false);
	map_record(c, log);
}

static const struct disk_record *next_record(const struct campaign *c, const struct disk_record *r)
{
	const char *at = r ? (const char *)r + sizeof *r + (r->n + 7u) / 8 * 8 : c->map;
	r = (const struct disk_record *)(const void *)at;
	if (at + sizeof *r > c->map + c->map_n)
		return NULL;
	if (r->magic != RECORD_MAGIC)
		power_die("the record is damaged at %zu", (size_t)(at - c->map));
	return r;
}

/* ---- marks ---- */

/* kind_out: m made, t try, a ack, else 0. */
static char parse_mark(const struct disk_record *r, unsigned *account_out, uint64_t *digest_out)
{
	char text[129] = "";
	if (r->kind != RECORD_MARK)
		return 0;
	memcpy(text, r + 1, r->n < 128 ? r->n : 128);
	unsigned long long digest = 0;
	*account_out = 0;
	int got = sscanf(text, "%*s %u %llx", account_out, &digest);
	*digest_out = digest;
	if (got > 0 && *account_out >= POWER_ACCOUNTS)
		power_die("a mark of account %u", *account_out);
	return strcmp(text, "made") == 0 ? 'm' : str_starts(str_from_c(text), STR("try ")) ? 't' : str_starts(str_from_c(text), STR("ack ")) ? 'a' : 0;
}

/* How the account will look when what is tried now has happened, of a workload that acknowledges all that it tries. */
static uint64_t digest_after(const struct campaign *c, const struct disk_record *r, unsigned account)
{
	unsigned a;
	uint64_t digest;
	while ((r = next_record(c, r))) {
		if (parse_mark(r, &a, &digest) == 'a' && a == account)
			return digest;
	}
	power_die("account %u tried something that never ended", account);
}

static void note_mark(struct campaign *c, const struct disk_record *r)
{
	unsigned account;
	uint64_t digest;
	char kind = parse_mark(r, &account, &digest);
	struct power_account *a = &c->now.accounts[account];
	if (kind == 'm')
		c->now.made = true;
	if (kind == 't')
		a->after = digest ? digest : digest_after(c, r, account);
	if (kind == 'a')
		a->before = a->after = digest;
}

/* ---- judging ---- */

static void judge_ended(struct campaign *c, struct judge *j, int status)
{
	j->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
		remove_tree(j->dir);
		return;
	}
	/* A judge that finds files missing, whose disk somebody is clearing away, says nothing of the store. */
	if (access(c->root, F_OK))
		power_die("somebody removed %s while it was in use", c->root);
	if (++c->faults <= FAULTS_SHOWN && c->lie == LIE_NONE) {
		char kept[320];
		snprintf(kept, sizeof kept, "%s/fault-%lu", c->root, c->faults);
		if (rename(j->dir, kept) == 0)
			fprintf(stderr, "FAIL  %s: status %x: %s; what was left is in %s\n", c->play->name, (unsigned)status, j->about, kept);
	}
	remove_tree(j->dir);
}

static struct judge *free_judge(struct campaign *c)
{
	for (int i = 0; i < JUDGES; i++) {
		if (c->judges[i].pid == 0)
			return &c->judges[i];
	}
	int status;
	pid_t pid = waitpid(-1, &status, 0);
	for (int i = 0; i < JUDGES; i++) {
		if (c->judges[i].pid == pid) {
			judge_ended(c, &c->judges[i], status);
			return &c->judges[i];
		}
	}
	power_die("a child that nobody knows");
}

static void await_judges(struct campaign *c)
{
	for (int i = 0; i < JUDGES; i++) {
		int status;
		if (c->judges[i].pid && waitpid(c->judges[i].pid, &status, 0) > 0)
			judge_ended(c, &c->judges[i], status);
	}
}

static _Noreturn void judge_here(const struct campaign *c, const struct judge *j)
{
	struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	alarm(JUDGE_SECONDS);
	if ((c->lie != LIE_NONE || c->faults >= FAULTS_SHOWN) && !freopen("/dev/null", "w", stderr))
		_exit(3);
	_exit(c->play->judge(j->dir, &c->now) ? 0 : 1);
}

/* DIR/N is the state, DIR/N.marks says how many marks were made before the cut, and what became of the operations. */
static void keep_state(const struct campaign *c, struct disk *d, struct disk_state s, enum disk_fate fate)
{
	char path[400];
	snprintf(path, sizeof path, "%.300s/%lu", c->keep, c->states);
	disk_write_out(d, path);
	snprintf(path, sizeof path, "%.300s/%lu.marks", c->keep, c->states);
	FILE *f = fopen(path, "w");
	if (!f || fprintf(f, "%lu %s: %u lost, %u kept, %u torn\n", c->marks, disk_fate_names[fate], s.lost, s.kept, s.torn) < 0 || fclose(f))
		power_die("cannot write %s", path);
}

static void try_state(struct campaign *c, struct disk *d, struct disk_state s, enum disk_fate fate, size_t at)
{
	if (c->keep) {
		keep_state(c, d, s, fate);
		c->states++;
		return;
	}
	struct judge *j = free_judge(c);
	snprintf(j->dir, sizeof j->dir, "%.200s/judge-%d", c->root, (int)(j - c->judges));
	snprintf(j->about, sizeof j->about, "life %u, cut at byte %zu of the record, %s: %u operations lost, %u kept, %u torn", c->life, at, disk_fate_names[fate],
			 s.lost, s.kept, s.torn);
	disk_write_out(d, j->dir);
	/* The last one that was not too early in the run is where the next life begins. */
	if (c->states % 16 == 0 && at > c->map_n / 3) {
		remove_tree(c->seed_dir);
		disk_write_out(d, c->seed_dir);
		c->seed_expected = c->now;
	}
	c->states++;
	c->torn += s.torn > 0;
	c->fates[fate]++;
	j->pid = fork();
	if (j->pid == 0)
		judge_here(c, j);
	if (j->pid < 0)
		power_die("cannot fork");
}

/* ---- cutting ---- */

/* How worthwhile a cut behind this record is: most of all just before and after something was promised, while the store is made, and as a root of the index was refused. */
static unsigned weight_of(const struct campaign *c, const struct disk_record *r)
{
	unsigned account;
	uint64_t digest;
	switch (r->kind) {
	case RECORD_MARK: return parse_mark(r, &account, &digest) == 'a' ? 4 : 0;
	case RECORD_SYNC_BEGIN: return c->now.made ? 4 : 20;
	case RECORD_DSYNC: return r->flags & FLAG_FAILED ? 20 : 2;
	default: return c->now.made ? 1 : 20;
	}
}

static void cut_here(struct campaign *c, struct disk *d, const struct disk_record *r)
{
	uint64_t seen[STATES_AT_CUT];
	size_t n = 0, pending = disk_pending(d);
	c->cuts++;
	for (int i = 0; i < STATES_AT_CUT; i++) {
		enum disk_fate fate = i == 0 ? FATE_ALL_LOST : (enum disk_fate)(dice_throw(&c->dice) % FATES);
		struct disk_state s = disk_choose(d, fate, &c->dice);
		bool again = false;
		for (size_t k = 0; k < n; k++)
			again = again || seen[k] == s.digest;
		if (again)
			continue;
		seen[n++] = s.digest;
		try_state(c, d, s, fate, (size_t)((const char *)r - c->map));
		if (pending == 0)
			return;
	}
}

static void play_record(struct campaign *c, unsigned long states)
{
	uint64_t weights = 0, begun = 0, due = 0, passed = 0, digest;
	unsigned account;
	bool made = c->now.made;
	for (const struct disk_record *r = NULL; (r = next_record(c, r));) {
		if (r->kind == RECORD_MARK && r->n == 5 && memcmp(r + 1, "begin", 5) == 0)
			begun = 1;
		else if (begun)
			weights += weight_of(c, r);
		c->now.made = c->now.made || parse_mark(r, &account, &digest) == 'm';
	}
	c->now.made = made;
	uint64_t cuts = states / (STATES_AT_CUT - 1) + 1;
	struct disk *d = disk_create(next_record(c, NULL), c->lie);
	begun = 0;
	for (const struct disk_record *r = next_record(c, NULL); (r = next_record(c, r));) {
		if (!disk_play(d, r))
			power_die("the workload did what cannot be recorded: %.*s", (int)r->n, (const char *)(r + 1));
		note_mark(c, r);
		c->marks += r->kind == RECORD_MARK;
		if (r->kind == RECORD_MARK && r->n == 5 && memcmp(r + 1, "begin", 5) == 0)
			begun = 1;
		else if (begun)
			passed += weight_of(c, r);
		size_t at = (size_t)((const char *)r - c->map);
		if (c->cut_to && begun && at >= c->cut_from && at <= c->cut_to)
			cut_here(c, d, r);
		/* Evenly over the weights, each a little off its place. */
		else if (!c->cut_to && begun && passed * cuts > due * weights + dice_throw(&c->dice) % (weights + 1)) {
			cut_here(c, d, r);
			due = passed * cuts / weights + 1;
		}
	}
	await_judges(c);
	disk_destroy(&d);
}

/* ---- the campaign ---- */

static void make_root(struct campaign *c)
{
	const char *tmp = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
	snprintf(c->root, sizeof c->root, "%.200s/power-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(c->root))
		power_die("no directory: %s", strerror(errno));
	snprintf(c->seed_dir, sizeof c->seed_dir, "%.250s/seed", c->root);
}

static void campaign_run(struct campaign *c, const char *recorder, unsigned long states)
{
	char dir[300], log[300];
	snprintf(log, sizeof log, "%.250s/record", c->root);
	for (c->life = 0; c->life < LIVES && (c->lie != LIE_NONE || c->faults == 0); c->life++) {
		snprintf(dir, sizeof dir, "%.250s/life-%u", c->root, c->life);
		if (c->life == 0 || c->lie != LIE_NONE) {
			memset(&c->now, 0, sizeof c->now);
			if (mkdir(dir, 0700))
				power_die("cannot make %s", dir);
		} else {
			if (rename(c->seed_dir, dir))
				power_die("no state was kept for the next life");
			c->now = c->seed_expected;
		}
		record(c, recorder, dir, log);
		play_record(c, states / LIVES);
		munmap((void *)(uintptr_t)c->map, c->map_n);
		remove_tree(dir);
	}
	printf("%s%s: %lu states of disk after %lu cuts in %u lives, %lu with torn writes, %lu wrong (", c->play->name,
		   c->lie == LIE_DATA ? ", syncs of bytes ignored" : c->lie == LIE_NAMES ? ", syncs of directories ignored" : c->lie == LIE_DSYNC ? ", O_DSYNC ignored" : "",
		   c->states, c->cuts, c->life, c->torn, c->faults);
	for (int i = 0; i < FATES; i++)
		printf("%s%s %lu", i ? ", " : "", disk_fate_names[i], c->fates[i]);
	printf(")\n");
}

/* Of a life that began with a store each account must look as it is acknowledged first. */
static void expect_as_begun(struct campaign *c)
{
	unsigned account;
	uint64_t digest;
	bool begun = false;
	for (const struct disk_record *r = NULL; (r = next_record(c, r));) {
		begun = begun || r->kind == RECORD_MARK;
		c->now.made = c->now.made || (!begun && r->kind == RECORD_MADE && r->n == 6 && memcmp(r + 1, "FORMAT", 6) == 0);
		struct power_account *a = parse_mark(r, &account, &digest) == 'a' && c->now.made ? &c->now.accounts[account] : NULL;
		if (a && !a->before)
			a->before = a->after = digest;
	}
}

static const struct power_play *play_find(const char *name)
{
	static const struct power_play *const plays[] = { &power_store_play, &power_mail_play };
	for (size_t i = 0; i < sizeof plays / sizeof plays[0]; i++) {
		if (strcmp(plays[i]->name, name) == 0)
			return plays[i];
	}
	power_die("there is no play %s", name);
}

static enum disk_lie lie_of(const char *word)
{
	return strcmp(word, "data") == 0 ? LIE_DATA : strcmp(word, "names") == 0 ? LIE_NAMES : strcmp(word, "dsync") == 0 ? LIE_DSYNC : LIE_NONE;
}

/* power again RECORD store|mail STATES SEED [FROM TO] */
static int judge_again(int argc, char **argv)
{
	static struct campaign c;
	uint64_t states, from = 0, to = 0;
	if (!num_parse_u64(str_from_c(argv[4]), &states) || !num_parse_u64(str_from_c(argv[5]), &c.dice) ||
		(argc == 8 && (!num_parse_u64(str_from_c(argv[6]), &from) || !num_parse_u64(str_from_c(argv[7]), &to))))
		return 2;
	c.play = play_find(argv[3]);
	c.cut_from = (size_t)from;
	c.cut_to = (size_t)to;
	make_root(&c);
	map_record(&c, argv[2]);
	expect_as_begun(&c);
	play_record(&c, states);
	printf("%s, again: %lu states of disk after %lu cuts, %lu wrong\n", c.play->name, c.states, c.cuts, c.faults);
	if (c.faults == 0)
		remove_tree(c.root);
	return c.faults ? 1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t states = 1000, seed = (uint64_t)clock_now_ms();
	if (argc == 5 && strcmp(argv[1], "run") == 0 && num_parse_u64(str_from_c(argv[4]), &seed)) {
		play_find(argv[2])->run(argv[3], seed);
		_exit(0);
	}
	if (argc == 4 && strcmp(argv[1], "begin") == 0) {
		begin_record(argv[2], argv[3]);
		return 0;
	}
	if ((argc == 6 || argc == 7) && strcmp(argv[1], "states") == 0 && num_parse_u64(str_from_c(argv[4]), &states) && num_parse_u64(str_from_c(argv[5]), &seed)) {
		struct campaign keeping = { .keep = argv[3], .dice = seed, .now.made = true, .lie = lie_of(argc == 7 ? argv[6] : "") };
		map_record(&keeping, argv[2]);
		play_record(&keeping, states);
		return 0;
	}
	if ((argc == 6 || argc == 8) && strcmp(argv[1], "again") == 0)
		return judge_again(argc, argv);
	if (argc < 3 || argc > 6 || (argc > 3 && !num_parse_u64(str_from_c(argv[3]), &states)) || (argc > 4 && !num_parse_u64(str_from_c(argv[4]), &seed))) {
		fprintf(stderr, "usage: power RECORDER store|mail [STATES [SEED [data|names|dsync]]]\n");
		return 2;
	}
	struct campaign *c = calloc(1, sizeof *c);
	if (!c)
		power_die("no memory");
	c->play = play_find(argv[2]);
	c->dice = seed;
	c->lie = lie_of(argc > 5 ? argv[5] : "");
	make_root(c);
	campaign_run(c, argv[1], states);
	bool ok = c->lie == LIE_NONE ? c->faults == 0 : c->faults > 0;
	if (ok)
		remove_tree(c->root);
	else
		fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
	free(c);
	return ok ? 0 : 1;
}
