/* main() for LLVMFuzzerTestOneInput programs built without libFuzzer.
 *
 *     fuzz_NAME CORPUS...        directories and single files
 *
 * Runs every corpus file as it is, then mutations of them until TROIKA_FUZZ_ROUNDS (20000) or TROIKA_FUZZ_SECONDS (3)
 * is reached. The same corpus and TROIKA_FUZZ_SEED (1) give the same inputs. Beside a directory DIR, tokens are read
 * from DIR.dict (libFuzzer's dictionary format) when there is one.
 *
 * The target runs in a child, the input lies in memory shared with the parent: however the child dies (sanitizer,
 * signal, exit, or killed after standing still for TROIKA_FUZZ_HANG seconds, 20), the parent still has the input,
 * writes it to /tmp/troika-fuzz-last-PID, says so and exits 1. Replay: TROIKA_FUZZ_ROUNDS=0 fuzz_NAME FILE */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEED_SIZE_MAX ((size_t)4 << 20)      /* larger corpus files are cut */
#define MUTANT_SIZE_MAX ((size_t)64 << 10)
#define STACKED_MUTATIONS_MAX 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A target's own way to mutate, if it has one (fuzz_lines.c). */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed) __attribute__((weak));

/* UBSan only prints by default; a finding must end the program. */
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "halt_on_error=1:print_stacktrace=1"; }

struct bytes {
	uint8_t *p;
	size_t n;
};

struct pool {
	struct bytes *v;
	size_t n;
	size_t cap;
};

/* What parent and child share. */
struct shared {
	_Atomic uint64_t executions;
	_Atomic bool running;
	size_t n;
	uint8_t input[SEED_SIZE_MAX];
};

struct fuzzer {
	struct pool seeds;
	struct pool tokens;
	struct shared *shared;
	uint64_t random;
	uint64_t rounds;
	uint64_t seconds;
	struct bytes mutant;       /* room for MUTANT_SIZE_MAX */
};

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

static void *must(void *p)
{
	if (!p)
		die("fuzz driver: out of memory");
	return p;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	if (!text || !*text)
		return otherwise;
	char *end;
	errno = 0;
	uint64_t value = strtoull(text, &end, 10);
	if (errno || *end)
		die("%s=%s: a number is needed", name, text);
	return value;
}

static uint64_t now_ms(void)
{
	struct timespec now;
	/* the kernel's: clock_gettime is the target's steady clock here (fuzz_steady.c) */
	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Corpus */

static void pool_add(struct pool *pool, const uint8_t *p, size_t n)
{
	if (pool->n == pool->cap) {
		pool->cap = pool->cap ? pool->cap * 2 : 64;
		pool->v = must(reallocarray(pool->v, pool->cap, sizeof(*pool->v)));
	}
	struct bytes *added = &pool->v[pool->n++];
	*added = (struct bytes){ must(malloc(n + 1)), n };
	if (n)
		memcpy(added->p, p, n);
}

static void pool_free(struct pool *pool)
{
	for (size_t i = 0; i < pool->n; i++)
		free(pool->v[i].p);
	free(pool->v);
}

static void add_file(struct fuzzer *f, const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		die("%s: %s", path, strerror(errno));
	uint8_t *content = must(malloc(SEED_SIZE_MAX));
	size_t n = fread(content, 1, SEED_SIZE_MAX, file);
	if (ferror(file))
		die("%s: cannot be read", path);
	(void)fclose(file);
	pool_add(&f->seeds, content, n);
	free(content);
}

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* The token between the first and the last quote of a dictionary line. */
static void add_token(struct fuzzer *f, const char *line)
{
	const char *p = strchr(line, '"'), *end = strrchr(line, '"');
	if (line[0] == '#' || !p || p == end)
		return;
	uint8_t token[256];
	size_t n = 0;
	for (p++; p < end && n < sizeof(token); p++) {
		int high = -1, low = -1;
		if (*p == '\\' && p[1] == 'x' && (high = hex_value(p[2])) >= 0)
			low = hex_value(p[3]);
		if (high >= 0 && low >= 0) {
			token[n++] = (uint8_t)(high << 4 | low);
			p += 3;
		} else {
			p += *p == '\\' && p + 1 < end;
			token[n++] = (uint8_t)*p;
		}
	}
	pool_add(&f->tokens, token, n);
}

static void add_dictionary(struct fuzzer *f, const char *directory)
{
	char *path = NULL, *line = NULL;
	size_t cap = 0, n = strlen(directory);
	while (n > 1 && directory[n - 1] == '/')
		n--;
	if (asprintf(&path, "%.*s.dict", (int)n, directory) < 0)
		die("fuzz driver: out of memory");
	FILE *file = fopen(path, "r");
	while (file && getline(&line, &cap, file) > 0)
		add_token(f, line);
	if (file)
		(void)fclose(file);
	free(line);
	free(path);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static void add_path(struct fuzzer *f, const char *path)
{
	struct stat st;
	if (stat(path, &st))
		die("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		add_file(f, path);
		return;
	}
	add_dictionary(f, path);
	struct dirent **names;
	/* Sorted: the order of the seeds decides which mutants are made. */
	int n = scandir(path, &names, is_visible, alphasort);
	if (n < 0)
		die("%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		char *inner;
		if (asprintf(&inner, "%s/%s", path, names[i]->d_name) < 0)
			die("fuzz driver: out of memory");
		add_path(f, inner);
		free(inner);
		free(names[i]);
	}
	free(names);
}

/* Mutation */

/* SplitMix64 */
static uint64_t draw(struct fuzzer *f, uint64_t below)
{
	uint64_t z = f->random += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return below ? z % below : 0;
}

static uint8_t draw_byte(struct fuzzer *f)
{
	static const uint8_t interesting[] = "\r\n\0{}()\"\\=?\xff <>@:;,.*[]+-/&%~09aAzZ\t\x80\xc3\xe2\xf0\x7f\x01";
	return draw(f, 4) ? interesting[draw(f, sizeof(interesting))] : (uint8_t)draw(f, 256);
}

/* A length that is mostly small. */
static size_t draw_length(struct fuzzer *f, size_t max)
{
	size_t scale = draw(f, 8) ? 8 : draw(f, 4) ? 128 : max;
	return draw(f, (scale < max ? scale : max) + 1);
}

static void insert(struct fuzzer *f, size_t at, const uint8_t *p, size_t n)
{
	struct bytes *m = &f->mutant;
	if (n > MUTANT_SIZE_MAX - m->n)
		n = MUTANT_SIZE_MAX - m->n;
	memmove(m->p + at + n, m->p + at, m->n - at);
	memcpy(m->p + at, p, n);
	m->n += n;
}

static void erase(struct fuzzer *f, size_t at, size_t n)
{
	struct bytes *m = &f->mutant;
	memmove(m->p + at, m->p + at + n, m->n - at - n);
	m->n -= n;
}

static void insert_repeated(struct fuzzer *f, size_t at)
{
	uint8_t run[128];
	memset(run, draw_byte(f), sizeof(run));
	size_t n = 1 + draw_length(f, sizeof(run) - 1);
	insert(f, at, run, n);
}

/* A piece of the mutant once more, somewhere else. */
static void duplicate(struct fuzzer *f, size_t at)
{
	size_t n = draw_length(f, f->mutant.n - at);
	uint8_t *piece = must(malloc(n + 1));
	memcpy(piece, f->mutant.p + at, n);
	for (size_t times = draw(f, 16) ? 1 : draw(f, 256); times; times--)
		insert(f, draw(f, f->mutant.n + 1), piece, n);
	free(piece);
}

/* A piece of another seed, or its end instead of ours. */
static void insert_from_seed(struct fuzzer *f, size_t at)
{
	const struct bytes *other = &f->seeds.v[draw(f, f->seeds.n)];
	size_t from = draw(f, other->n + 1);
	if (draw(f, 2)) {
		f->mutant.n = at;
		insert(f, at, other->p + from, other->n - from);
	} else {
		insert(f, at, other->p + from, draw_length(f, other->n - from));
	}
}

static void insert_number(struct fuzzer *f, size_t at)
{
	static const char *const numbers[] = { "0", "-1", "1", "127", "128", "255", "256", "65535", "65536", "2147483647",
	                                       "2147483648", "4294967295", "4294967296", "9223372036854775807",
	                                       "18446744073709551615", "18446744073709551616", "0000000000000000000001" };
	const char *number = numbers[draw(f, sizeof(numbers) / sizeof(numbers[0]))];
	insert(f, at, (const uint8_t *)number, strlen(number));
}

static void mutate_once(struct fuzzer *f)
{
	struct bytes *m = &f->mutant;
	size_t at = draw(f, m->n + 1);
	bool inside = at < m->n;
	switch (draw(f, 11)) {
	case 0:
		if (inside)
			m->p[at] = (uint8_t)(m->p[at] ^ 1u << draw(f, 8));
		break;
	case 1:
	case 2:
		if (inside)
			m->p[at] = draw_byte(f);
		break;
	case 3:
	case 4: insert(f, at, &(uint8_t){ draw_byte(f) }, 1); break;
	case 5: erase(f, at, draw_length(f, m->n - at)); break;
	case 6: duplicate(f, at); break;
	case 7: insert_from_seed(f, at); break;
	case 8:
		if (draw(f, 4) == 0)
			m->n = at;
		break;
	case 9:
		if (f->tokens.n) {
			const struct bytes *token = &f->tokens.v[draw(f, f->tokens.n)];
			insert(f, at, token->p, token->n);
		} else {
			insert_number(f, at);
		}
		break;
	default:
		if (draw(f, 2))
			insert_repeated(f, at);
		else
			insert_number(f, at);
	}
}

static void mutate(struct fuzzer *f)
{
	const struct bytes *seed = &f->seeds.v[draw(f, f->seeds.n)];
	f->mutant.n = 0;
	insert(f, 0, seed->p, seed->n);
	for (uint64_t n = 1 + draw(f, STACKED_MUTATIONS_MAX); n; n--) {
		if (LLVMFuzzerCustomMutator && draw(f, 2))
			f->mutant.n = LLVMFuzzerCustomMutator(f->mutant.p, f->mutant.n, MUTANT_SIZE_MAX, (unsigned)draw(f, UINT32_MAX));
		else
			mutate_once(f);
	}
}

/* Running */

static void run_one(struct fuzzer *f, const uint8_t *p, size_t n)
{
	struct shared *shared = f->shared;
	memcpy(shared->input, p, n);
	shared->n = n;
	shared->running = true;
	/* Memory of exactly that size, so that a sanitizer sees one byte too many. */
	uint8_t *exact = must(malloc(n ? n : 1));
	memcpy(exact, p, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	shared->running = false;
	shared->executions++;
}

static void run_all(struct fuzzer *f)
{
	for (size_t i = 0; i < f->seeds.n; i++)
		run_one(f, f->seeds.v[i].p, f->seeds.v[i].n);
	if (f->seeds.n == 0)
		pool_add(&f->seeds, NULL, 0);
	uint64_t until = now_ms() + f->seconds * 1000;
	f->mutant.p = must(malloc(MUTANT_SIZE_MAX));
	for (uint64_t round = 0; round < f->rounds && now_ms() < until; round++) {
		mutate(f);
		run_one(f, f->mutant.p, f->mutant.n);
	}
	free(f->mutant.p);
}

static void save_input(const struct shared *shared)
{
	char path[64];
	snprintf(path, sizeof(path), "/tmp/troika-fuzz-last-%d", (int)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, shared->input, shared->n) != (ssize_t)shared->n)
		die("%s: %s", path, strerror(errno));
	close(fd);
	fprintf(stderr, "fuzz: the input (%zu bytes) is saved in %s\n", shared->n, path);
}

/* Waits until the child has closed its end of the pipe by ending; kills it when it stands still. True when it hung. */
static bool watch(struct shared *shared, pid_t child, int fd)
{
	uint64_t hang_ms = setting("TROIKA_FUZZ_HANG", 20) * 1000, seen = 0, since = now_ms();
	struct pollfd end = { .fd = fd, .events = POLLIN };
	while (poll(&end, 1, 500) <= 0) {
		uint64_t executions = shared->executions;
		if (executions != seen || !shared->running) {
			seen = executions;
			since = now_ms();
		} else if (now_ms() - since > hang_ms) {
			kill(child, SIGKILL);
			return true;
		}
	}
	return false;
}

static int supervise(struct fuzzer *f)
{
	int ends[2], status;
	if (pipe2(ends, O_CLOEXEC))
		die("pipe: %s", strerror(errno));
	uint64_t start = now_ms();
	(void)fflush(NULL);
	pid_t child = fork();
	if (child < 0)
		die("fork: %s", strerror(errno));
	if (child == 0) {
		close(ends[0]);
		run_all(f);
		pool_free(&f->seeds);
		pool_free(&f->tokens);
		exit(0);
	}
	close(ends[1]);
	bool hung = watch(f->shared, child, ends[0]);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	printf("fuzz: %llu executions from %zu seeds in %.1f s\n", (unsigned long long)f->shared->executions, f->seeds.n,
	       (double)(now_ms() - start) / 1000);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (hung)
		fprintf(stderr, "fuzz: one input took too long\n");
	else if (WIFSIGNALED(status))
		fprintf(stderr, "fuzz: died of signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "fuzz: exited with %d%s\n", WEXITSTATUS(status),
		        f->shared->running ? "" : " after the last input (a leak?)");
	if (f->shared->running)
		save_input(f->shared);
	return 1;
}

int main(int argc, char **argv)
{
	struct fuzzer f = {
		.random = setting("TROIKA_FUZZ_SEED", 1),
		.rounds = setting("TROIKA_FUZZ_ROUNDS", 20000),
		.seconds = setting("TROIKA_FUZZ_SECONDS", 3),
	};
	if (argc < 2)
		die("usage: %s CORPUS...", argv[0]);
	for (int i = 1; i < argc; i++)
		add_path(&f, argv[i]);
	f.shared = mmap(NULL, sizeof(*f.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f.shared == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	int result = supervise(&f);
	pool_free(&f.seeds);
	pool_free(&f.tokens);
	munmap(f.shared, sizeof(*f.shared));
	return result;
}
