#include "kill.h"

#include "base/clock.h"
#include "base/num.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdalign.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#define RECORD_MAX 64
#define RECORDS 64

struct kill_campaign campaign;

static int print_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_F)
		fprintf(stderr, "  %9lld bytes  %s\n", (long long)st->st_size, path);
	return 0;
}

_Noreturn void kill_die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	fprintf(stderr, "%s: round %u of seed %llu: ", campaign.name, campaign.round, (unsigned long long)campaign.seed);
	vfprintf(stderr, format, ap);
	fprintf(stderr, "\nthe store is left in %s:\n", campaign.dir);
	va_end(ap);
	nftw(campaign.dir, print_file, 16, FTW_PHYS);
	exit(1);
}

void kill_begin(const char *name, int argc, char **argv)
{
	const char *tmp = getenv("TMPDIR");
	campaign = (struct kill_campaign){ .name = name, .rounds = 12, .seed = (uint64_t)clock_now_ms() };
	if (argc > 3 || (argc > 1 && !num_parse_u64(str_from_c(argv[1]), &campaign.rounds)) || (argc > 2 && !num_parse_u64(str_from_c(argv[2]), &campaign.seed))) {
		fprintf(stderr, "usage: %s [ROUNDS [SEED]]\n", name);
		exit(2);
	}
	snprintf(campaign.dir, sizeof campaign.dir, "%.200s/%.40s-XXXXXX", tmp ? tmp : "/tmp", name);
	if (!mkdtemp(campaign.dir))
		kill_die("no directory: %s", strerror(errno));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void kill_end(void) { nftw(campaign.dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS); }

struct store *kill_store(void)
{
	struct store_config c = { .engine = STORE_ENGINE_LMDB, .dir = campaign.dir, .create = true, .segment_size = 1 << 20 };
	struct store *s;
	struct err e = { 0 };
	if (store_open(&c, &s, &e))
		kill_die("%s", e.log);
	return s;
}

void kill_listen(int fd, int64_t ms, size_t size, void (*note)(const void *record))
{
	uint64_t start = clock_mono_ms();
	for (;;) {
		int64_t left = ms - (int64_t)(clock_mono_ms() - start);
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (ms >= 0 && (left <= 0 || poll(&p, 1, (int)left) == 0))
			return;
		alignas(max_align_t) char records[RECORDS * RECORD_MAX];
		ssize_t n = read(fd, records, RECORDS * size);
		if (n <= 0)
			return;
		for (size_t at = 0; at + size <= (size_t)n; at += size)
			note(records + at);
	}
}

void kill_child(pid_t pid)
{
	int status;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!WIFSIGNALED(status))
		kill_die("child %d gave up before it was killed, status %x", (int)pid, (unsigned)status);
}

uint64_t kill_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}
