/* A data.mdb with any bytes in it: looking at it and salvaging it end, and what comes out is an index without a fault that has nothing beyond its limits. */
#include "store/engine_lmdb/salvage.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char dir[64];

static void remove_file(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	unlink(path);
}

static void remove_dir(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	rmdir(path);
}

static void clean(void)
{
	static const char *const files[] = { "index/data.mdb", "index/lock.mdb", "index.new/data.mdb", "index.new/lock.mdb", "quarantine/index-1.mdb" };
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		remove_file(files[i]);
	remove_dir("index");
	remove_dir("index.new");
	remove_dir("quarantine");
	rmdir(dir);
}

static void prepare(const uint8_t *data, size_t size)
{
	char path[128];
	if (!dir[0]) {
		snprintf(dir, sizeof dir, "%s/troika-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
		assert(mkdtemp(dir));
		atexit(clean);
		snprintf(path, sizeof path, "%s/index", dir);
		assert(mkdir(path, 0700) == 0);
	}
	remove_file("quarantine/index-1.mdb");
	snprintf(path, sizeof path, "%s/index/data.mdb", dir);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct store_config c = { .engine = STORE_ENGINE_LMDB };
	struct err e = { .code = 0 };
	uint64_t faults;
	prepare(data, size);
	c.dir = dir;
	assert(index_inspect(dir, NULL, NULL, &faults) == 0);
	if (index_salvage(&c, NULL, NULL, &e)) {
		fprintf(stderr, "%s\n", e.log);
		abort();
	}
	assert(index_inspect(dir, NULL, NULL, &faults) == 0 && faults == 0);
	return 0;
}
