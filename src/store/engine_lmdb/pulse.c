#include "store/engine_lmdb/pulse.h"

#include "base/clock.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define AVERAGE_OVER 16                           /* syncs */

/* As it lies in the page. Several processes may write one lane at once: a time is lost then, which is as good as one that was not taken. */
struct lane {
	_Atomic uint64_t began_us;                    /* clock_mono_us; 0: none is under way */
	_Atomic uint64_t recent_us, syncs;
};
struct page {
	struct lane lanes[PULSE_LANES];
	_Atomic uint64_t gave_way, gave_way_us;
	_Atomic int64_t held_from;                    /* unix seconds; 0: not known. Counts while somebody has a shared lock on the file */
};
_Static_assert(sizeof(struct page) <= PAGE_BYTES, "it is one page");

struct pulse {
	char *path;
	struct page *page;
};

/* A hole (of a new file, or of a copy of one) would be filled when memory is first touched, and with a full disk that ends the process. */
static int make_room(int fd)
{
	char zeros[PAGE_BYTES] = { 0 };
	int failed = fallocate(fd, 0, 0, PAGE_BYTES);
	if (!failed || errno == ENOSPC)
		return failed;
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		return -1;
	return size >= PAGE_BYTES || pwrite(fd, zeros, PAGE_BYTES - (size_t)size, size) == (ssize_t)(PAGE_BYTES - (size_t)size) ? 0 : -1;
}

void pulse_open(const char *path, struct pulse **out)
{
	struct pulse *p = calloc(1, sizeof *p);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *page = fd >= 0 && make_room(fd) == 0 ? mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	*out = p;
	if (p && page != MAP_FAILED) {
		p->page = page;
		p->path = strdup(path);
	}
	if (!p || !p->path) {
		if (page != MAP_FAILED)
			munmap(page, PAGE_BYTES);
		free(p);
		*out = NULL;
	}
}

void pulse_close(struct pulse **pulse)
{
	struct pulse *p = *pulse;
	*pulse = NULL;
	if (!p)
		return;
	munmap(p->page, PAGE_BYTES);
	free(p->path);
	free(p);
}

/* ---- syncs ---- */

uint64_t pulse_begin(struct pulse *p, enum pulse_lane lane)
{
	uint64_t now = clock_mono_us();
	if (p)
		atomic_store_explicit(&p->page->lanes[lane].began_us, now, memory_order_relaxed);
	return now;
}

void pulse_end(struct pulse *p, enum pulse_lane lane, uint64_t began_us)
{
	if (!p)
		return;
	struct lane *l = &p->page->lanes[lane];
	uint64_t took = clock_mono_us() - began_us, recent = atomic_load_explicit(&l->recent_us, memory_order_relaxed);
	atomic_store_explicit(&l->recent_us, (recent * (AVERAGE_OVER - 1) + took) / AVERAGE_OVER, memory_order_relaxed);
	atomic_fetch_add_explicit(&l->syncs, 1, memory_order_relaxed);
	atomic_store_explicit(&l->began_us, 0, memory_order_relaxed);
}

void pulse_read(struct pulse *p, struct store_pulse *out)
{
	*out = (struct store_pulse){ .syncs = 0 };
	uint64_t now = clock_mono_us();
	for (unsigned i = 0; p && i < PULSE_LANES; i++) {
		struct lane *l = &p->page->lanes[i];
		uint64_t began = atomic_load_explicit(&l->began_us, memory_order_relaxed);
		uint64_t recent = atomic_load_explicit(&l->recent_us, memory_order_relaxed);
		uint64_t waits = began && began < now ? now - began : 0;
		out->syncs += atomic_load_explicit(&l->syncs, memory_order_relaxed);
		/* One of a process that was killed never ends. */
		if (waits < STORE_PULSE_STALE_US && waits > out->waiting_us)
			out->waiting_us = waits;
		if (recent > out->recent_us)
			out->recent_us = recent;
	}
}

void pulse_gave_way(struct pulse *p, uint64_t us)
{
	if (!p)
		return;
	atomic_fetch_add_explicit(&p->page->gave_way, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&p->page->gave_way_us, us, memory_order_relaxed);
}

void pulse_count(struct pulse *p, struct store_stats *out)
{
	if (!p)
		return;
	out->gave_way = atomic_load_explicit(&p->page->gave_way, memory_order_relaxed);
	out->gave_way_us = atomic_load_explicit(&p->page->gave_way_us, memory_order_relaxed);
}

/* ---- holding the dead ---- */

int pulse_hold(struct pulse *p, int *fd_out)
{
	*fd_out = -1;
	if (!p)
		return ERR_UNSUPPORTED;
	int fd = open(p->path, O_RDWR | O_CLOEXEC);
	/* Whoever looks whether somebody holds it has it for a moment. */
	if (fd < 0 || flock(fd, LOCK_SH)) {
		if (fd >= 0)
			close(fd);
		return ERR_IO;
	}
	/* An earlier time, of another holder or of one who is gone, holds more than is asked for. The grace time is a margin for two who begin at once. */
	int64_t now = clock_now(), from = atomic_load(&p->page->held_from);
	if (from <= 0 || from > now - STORE_GRACE_SECONDS)
		atomic_store(&p->page->held_from, now - STORE_GRACE_SECONDS);
	*fd_out = fd;
	return 0;
}

void pulse_release(int fd)
{
	if (fd >= 0)
		close(fd);
}

int64_t pulse_held_from(struct pulse *p)
{
	int fd = p ? open(p->path, O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0)
		return INT64_MAX;
	bool held = flock(fd, LOCK_EX | LOCK_NB) != 0;
	if (!held)
		atomic_store(&p->page->held_from, 0);
	int64_t from = held ? atomic_load(&p->page->held_from) : INT64_MAX;
	close(fd);
	return from;
}
