#include "rt/spool.h"

#include "base/buf.h"
#include "rt/fault.h"
#include "rt/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* While there is no file, `memory` holds everything; afterwards, what is not yet written to the file. */
struct spool {
	char *dir;
	size_t max;
	size_t size;              /* with what is kept free in front */
	size_t start;             /* of the bytes that count */
	struct buf memory;
	int fd;
	void *map;
	size_t map_size;
};

int spool_create(const char *dir, size_t max, struct spool **out)
{
	struct spool *s = calloc(1, sizeof(*s));
	if (!s)
		return ERR_NO_MEMORY;
	s->dir = str_dup_c(str_from_c(dir));
	if (!s->dir) {
		free(s);
		return ERR_NO_MEMORY;
	}
	s->max = max;
	s->fd = -1;
	buf_init(&s->memory, SPOOL_MEMORY_MAX);
	*out = s;
	return 0;
}

static void spool_unmap(struct spool *s)
{
	if (s->map)
		munmap(s->map, s->map_size);
	s->map = NULL;
}

void spool_destroy(struct spool **s)
{
	if (!*s)
		return;
	spool_unmap(*s);
	if ((*s)->fd >= 0)
		close((*s)->fd);
	buf_fini(&(*s)->memory);
	free((*s)->dir);
	free(*s);
	*s = NULL;
}

static int spool_open_file(struct spool *s)
{
	s->fd = open(s->dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->fd >= 0)
		return 0;
	/* Not every file system has O_TMPFILE. */
	char name[4096];
	int n = snprintf(name, sizeof(name), "%s/spool.XXXXXX", s->dir);
	if (n < 0 || (size_t)n >= sizeof(name))
		return ERR_IO;
	s->fd = mkostemp(name, O_CLOEXEC);
	if (s->fd < 0)
		return err_from_errno(NULL, errno, "%s", name);
	unlink(name);
	return 0;
}

static int file_append(struct spool *s, const char *p, size_t n)
{
	if (n > 0 && fault_hit("spool.write"))
		return ERR_NO_SPACE;
	while (n > 0) {
		ssize_t done = write(s->fd, p, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_from_errno(NULL, errno, "spool");
		p += done;
		n -= (size_t)done;
	}
	return 0;
}

static int spool_flush(struct spool *s)
{
	int r = file_append(s, s->memory.p, s->memory.n);
	if (s->memory.cap > SPOOL_BATCH)
		buf_fini(&s->memory);
	else
		buf_reset(&s->memory);
	return r;
}

int spool_write(struct spool *s, const void *p, size_t n)
{
	if (n > s->max - s->size)
		return ERR_TOO_BIG;
	spool_unmap(s);
	size_t bound = s->fd < 0 ? SPOOL_MEMORY_MAX : SPOOL_BATCH;
	if (n > bound - s->memory.n) {
		int r = s->fd < 0 ? spool_open_file(s) : 0;
		if (r == 0)
			r = spool_flush(s);
		if (r == 0 && n >= SPOOL_BATCH) {
			r = file_append(s, p, n);
			s->size += n;
			n = 0;
		}
		if (r < 0)
			return r;
	}
	buf_add(&s->memory, p, n);
	s->size += n;
	return s->memory.failed ? ERR_NO_MEMORY : 0;
}

int spool_reserve_front(struct spool *s, size_t room)
{
	char *p = buf_reserve(&s->memory, room);
	if (!p)
		return ERR_NO_MEMORY;
	memset(p, 0, room);
	s->memory.n += room;
	s->size = s->start = room;
	s->max += room;
	return 0;
}

static int file_write_at(struct spool *s, const char *p, size_t n, size_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(s->fd, p, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return err_from_errno(NULL, errno, "spool");
		p += done;
		at += (size_t)done;
		n -= (size_t)done;
	}
	return 0;
}

int spool_front(struct spool *s, size_t drop, const void *p, size_t n)
{
	if (drop > s->size - s->start || n > s->start + drop)
		return ERR_TOO_BIG;
	size_t start = s->start + drop - n;
	int r = 0;
	spool_unmap(s);
	if (s->fd < 0) {
		if (n)
			memcpy(s->memory.p + start, p, n);
	} else {
		r = spool_flush(s);
		if (r == 0)
			r = file_write_at(s, p, n, start);
	}
	if (r == 0)
		s->start = start;
	return r;
}

size_t spool_size(const struct spool *s) { return s->size - s->start; }

int spool_bytes(struct spool *s, struct str *out)
{
	if (s->fd < 0) {
		*out = str_from(buf_str(&s->memory), s->start);
		return 0;
	}
	int r = spool_flush(s);
	if (r < 0)
		return r;
	if (!s->map) {
		void *map = mmap(NULL, s->size, PROT_READ, MAP_PRIVATE, s->fd, 0);
		if (map == MAP_FAILED)
			return err_from_errno(NULL, errno, "spool");
		s->map = map;
		s->map_size = s->size;
	}
	*out = str_from(str_make(s->map, s->size), s->start);
	return 0;
}
