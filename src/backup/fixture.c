#include "backup/fixture.h"

#include "rt/crypto.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* ---- files ---- */

void scene_dir(char *out, size_t size)
{
	const char *base = getenv("TMPDIR");
	uint64_t dice;
	crypto_random(&dice, sizeof(dice));
	snprintf(out, size, "%s/troika-backup-%016llx", base && *base ? base : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
		(unsigned long long)dice);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

void scene_remove(const char *dir) { nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

void scene_read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0);
	ssize_t n;
	while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
		out->n += (size_t)n;
	MUST(n == 0 && !out->failed);
	close(fd);
}

void scene_write_file(const char *path, struct str bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n);
	close(fd);
}

/* Visits files below dir in the order of their names; ends when *n reaches zero. */
static bool visit(const char *dir, unsigned *n, unsigned *count, char *out, size_t size)
{
	struct dirent **names;
	int found = scandir(dir, &names, NULL, alphasort);
	bool done = false;
	for (int i = 0; i < found; i++) {
		char path[512];
		struct stat st;
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (!done && names[i]->d_name[0] != '.' && lstat(path, &st) == 0) {
			if (S_ISDIR(st.st_mode)) {
				done = visit(path, n, count, out, size);
			} else {
				++*count;
				done = n && (*n)-- == 0;
				if (done)
					str_copy_c(out, size, str_from_c(path));
			}
		}
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return done;
}

unsigned scene_count_files(const char *dir)
{
	unsigned count = 0;
	visit(dir, NULL, &count, NULL, 0);
	return count;
}

bool scene_file(const char *dir, unsigned n, char *out, size_t size)
{
	unsigned count = 0;
	return visit(dir, &n, &count, out, size);
}

/* ---- the repository ---- */

static void scene_open(struct scene *s, bool create, bool write)
{
	struct err e = { 0 };
	struct repository_config c = { .dir = s->dir, .create = create, .write = write, .passphrase = str_from_c(s->passphrase) };
	if (repository_open(&c, &s->r, &e) < 0) {
		fprintf(stderr, "%s\n", e.log);
		abort();
	}
}

void scene_init(struct scene *s, const char *passphrase)
{
	*s = (struct scene){ .passphrase = passphrase };
	scene_dir(s->dir, sizeof(s->dir));
	scene_open(s, true, true);
}

void scene_fini(struct scene *s)
{
	repository_close(&s->r);
	scene_remove(s->dir);
}

void scene_reopen(struct scene *s, bool write)
{
	repository_close(&s->r);
	scene_open(s, false, write);
}

void scene_bytes(struct buf *b, uint64_t seed, size_t n, bool random)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 0x1234567;
	char *to = buf_reserve(b, n + 8);
	MUST(to);
	for (size_t i = 0; i < n; i += 8) {
		if (random || i % 64 == 0)
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		uint64_t v = random ? x * 0x2545f4914f6cdd1dull : (x + i % 5) | 0x6161616161616161ull;
		memcpy(to + i, &v, sizeof(v));
	}
	b->n += n;
}

int scene_walk(void *arg, struct str snapshot, repository_need_fn *need, void *ctx)
{
	(void)arg;
	struct chunk_id id;
	for (size_t i = 0; i + CHUNK_ID_SIZE <= snapshot.n; i += CHUNK_ID_SIZE) {
		memcpy(id.b, snapshot.p + i, CHUNK_ID_SIZE);
		int r = need(ctx, &id);
		if (r)
			return r;
	}
	return 0;
}

void scene_quiet(void *arg, const char *line)
{
	(void)arg;
	if (getenv("TROIKA_TEST_SHOW"))
		fprintf(stderr, "    %s\n", line);
}

uint64_t scene_verify(struct scene *s)
{
	uint64_t faults = 0;
	MUST(repository_verify(s->r, scene_walk, NULL, scene_quiet, NULL, &faults) == 0);
	return faults;
}

int scene_list_add(void *arg, const char *id)
{
	struct scene_list *l = arg;
	MUST(l->n < 64);
	str_copy_c(l->ids[l->n++], SNAPSHOT_ID_MAX, str_from_c(id));
	return 0;
}
