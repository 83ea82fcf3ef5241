#include "store/blob_segment/segment_map.h"

#include "base/bytes.h"
#include "base/hash.h"
#include "store/blob_segment/bus_error.h"
#include "store/blob_segment/segment_file.h"
#include "store/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22                     /* Linux 5.14 */
#endif

#define BUCKETS 1024
#define VERIFIED_SLOTS 1024
#define GRANULE ((uint64_t)64 << 10)              /* bytes that are read in together */

struct segment_map {
	struct segment_map *next;         /* in its bucket */
	uint32_t number;
	uint8_t *base;
	uint64_t mapped;                  /* bytes of address space */
	atomic_uint_fast64_t size;        /* the file has at least so many bytes */
	unsigned refs;                    /* holders, and one for the table */
	uint64_t used;                    /* tick of the last get */
	atomic_uint_fast64_t read_to;     /* where the blob ended that was read last */
	atomic_bool damaged;              /* a page could not be read, and zeros stand there */
	atomic_uchar *was_read;           /* a flag for each granule of `mapped`: read in once without an error */
};

struct segment_maps {
	int dir_fd;
	uint64_t room;
	uintptr_t page;                   /* bytes of a page of memory */
	pthread_mutex_t lock;             /* guards the table and all refs */
	struct segment_map *buckets[BUCKETS];
	atomic_uint_fast64_t verified[VERIFIED_SLOTS];   /* places of large blobs whose checksum was right when last read */
	size_t count;
	uint64_t tick;
};

int segment_maps_create(int dir_fd, uint64_t room, struct segment_maps **out)
{
	struct segment_maps *m = calloc(1, sizeof *m);
	if (!m)
		return ERR_NO_MEMORY;
	m->dir_fd = dir_fd;
	m->room = room;
	m->page = (uintptr_t)sysconf(_SC_PAGESIZE);
	pthread_mutex_init(&m->lock, NULL);
	*out = m;
	return 0;
}

static void unref_locked(struct segment_map *map)
{
	if (--map->refs > 0)
		return;
	bus_error_remove(map->base);
	munmap(map->base, map->mapped);
	free(map->was_read);
	free(map);
}

/* Takes the mapping at *at out of the table. */
static void forget_at(struct segment_maps *m, struct segment_map **at)
{
	struct segment_map *map = *at;
	*at = map->next;
	m->count--;
	unref_locked(map);
}

void segment_maps_destroy(struct segment_maps **maps)
{
	struct segment_maps *m = *maps;
	*maps = NULL;
	if (!m)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (m->buckets[i])
			forget_at(m, &m->buckets[i]);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int map_file(struct segment_maps *m, uint32_t number, struct segment_map **out)
{
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	struct segment_map *map = calloc(1, sizeof *map);
	if (!map)
		return ERR_NO_MEMORY;
	int fd = openat(m->dir_fd, name, O_RDONLY | O_CLOEXEC);
	struct stat st = { .st_size = 0 };
	int rc = fd < 0 || fstat(fd, &st) < 0 ? err_from_errno(NULL, errno, "segment") : 0;
	if (rc == 0) {
		map->mapped = (uint64_t)st.st_size > m->room ? (uint64_t)st.st_size : m->room;
		void *base = mmap(NULL, map->mapped, PROT_READ, MAP_SHARED, fd, 0);
		rc = base == MAP_FAILED ? err_from_errno(NULL, errno, "segment") : 0;
		map->base = base;
	}
	if (rc == 0) {
		map->was_read = calloc(map->mapped / GRANULE + 1, sizeof *map->was_read);
		if (!map->was_read) {
			munmap(map->base, map->mapped);
			rc = ERR_NO_MEMORY;
		}
	}
	if (fd >= 0)
		close(fd);
	if (rc) {
		free(map);
		return rc;
	}
	map->number = number;
	map->refs = 1;
	atomic_init(&map->size, (uint64_t)st.st_size);
	atomic_init(&map->damaged, false);
	bus_error_add(map->base, map->mapped, &map->damaged);
	*out = map;
	return 0;
}

/* Before another one is mapped: the unheld mapping that was used longest ago goes when there are too many. */
static void make_room(struct segment_maps *m)
{
	if (m->count < STORE_SEGMENTS_MAPPED_MAX)
		return;
	struct segment_map **oldest = NULL;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct segment_map **at = &m->buckets[i]; *at; at = &(*at)->next) {
			if ((*at)->refs == 1 && (!oldest || (*at)->used < (*oldest)->used))
				oldest = at;
		}
	}
	if (oldest)
		forget_at(m, oldest);
}

static struct segment_map **find(struct segment_maps *m, uint32_t number)
{
	struct segment_map **at = &m->buckets[number % BUCKETS];
	while (*at && (*at)->number != number)
		at = &(*at)->next;
	return at;
}

int segment_map_get(struct segment_maps *m, uint32_t number, struct segment_map **out)
{
	int rc = 0;
	pthread_mutex_lock(&m->lock);
	struct segment_map **at = find(m, number);
	if (*at && atomic_load_explicit(&(*at)->damaged, memory_order_relaxed))
		forget_at(m, at);     /* its holders keep it; a new one asks the disk again */
	struct segment_map *map = *find(m, number);
	if (!map) {
		make_room(m);
		rc = map_file(m, number, &map);
		if (rc == 0) {
			map->next = m->buckets[number % BUCKETS];
			m->buckets[number % BUCKETS] = map;
			m->count++;
		}
	}
	if (rc == 0) {
		map->refs++;
		map->used = ++m->tick;
		*out = map;
	}
	pthread_mutex_unlock(&m->lock);
	return rc;
}

void segment_map_unref(struct segment_maps *m, struct segment_map *map)
{
	pthread_mutex_lock(&m->lock);
	unref_locked(map);
	pthread_mutex_unlock(&m->lock);
}

bool segment_map_intact(const struct segment_map *map) { return !atomic_load(&map->damaged); }

void segment_map_forget(struct segment_maps *m, uint32_t number)
{
	pthread_mutex_lock(&m->lock);
	struct segment_map **at = find(m, number);
	if (*at)
		forget_at(m, at);
	pthread_mutex_unlock(&m->lock);
}

static int file_size(struct segment_maps *m, uint32_t number, uint64_t *size_out)
{
	char name[SEGMENT_NAME_SIZE];
	segment_name(number, name);
	struct stat st;
	if (fstatat(m->dir_fd, name, &st, 0) < 0)
		return err_from_errno(NULL, errno, "segment");
	*size_out = (uint64_t)st.st_size;
	return 0;
}

void segment_maps_sweep(struct segment_maps *m)
{
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct segment_map **at = &m->buckets[i]; *at;) {
			uint64_t size;
			if (file_size(m, (*at)->number, &size) == ERR_NOT_FOUND)
				forget_at(m, at);
			else
				at = &(*at)->next;
		}
	}
	pthread_mutex_unlock(&m->lock);
}

void segment_maps_trim(struct segment_maps *m)
{
	pthread_mutex_lock(&m->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct segment_map *map = m->buckets[i]; map; map = map->next)
			(void)madvise(map->base, map->mapped, MADV_DONTNEED);
	pthread_mutex_unlock(&m->lock);
}

/* A bad disk makes the first touch of a mapped page a SIGBUS. Asking the kernel to read the pages in gives an error
 * code instead, and maps them all at once, which costs less than as many page faults. */
static int read_pages(const struct segment_maps *m, const uint8_t *p, size_t n)
{
	uintptr_t page = m->page, from = (uintptr_t)p & ~(page - 1), to = ((uintptr_t)p + n + page - 1) & ~(page - 1);
	while (madvise((void *)from, to - from, MADV_POPULATE_READ) < 0) {
		if (errno == EINVAL)
			return 0;         /* an older kernel: the touch itself must do */
		if (errno != EINTR && errno != EAGAIN)
			return errno == ENOMEM ? ERR_NO_MEMORY : ERR_IO;
	}
	return 0;
}

/* Neighbours are read in together, once: pages that the kernel drops later come back by themselves, and a disk that
 * fails only then is caught by bus_error. What is not whole yet, or fails, is read alone each time. */
static int read_in(const struct segment_maps *m, struct segment_map *map, uint64_t offset, size_t n)
{
	uint64_t size = atomic_load_explicit(&map->size, memory_order_relaxed);
	for (uint64_t g = offset / GRANULE; g * GRANULE < offset + n; g++) {
		if (atomic_load_explicit(&map->was_read[g], memory_order_relaxed))
			continue;
		if ((g + 1) * GRANULE > size || read_pages(m, map->base + g * GRANULE, GRANULE))
			return read_pages(m, map->base + offset, n);
		atomic_store_explicit(&map->was_read[g], 1, memory_order_relaxed);
	}
	return 0;
}

/* The file's size anew: it grows while it is written, and loses the zeros behind its records when it is closed. */
static int size_refresh(struct segment_maps *m, struct segment_map *map, uint64_t *size_out)
{
	int rc = file_size(m, map->number, size_out);
	if (rc == 0)
		atomic_store_explicit(&map->size, *size_out, memory_order_relaxed);
	return rc;
}

int segment_map_bytes(struct segment_maps *m, struct segment_map *map, uint64_t offset, size_t n, const uint8_t **out)
{
	uint64_t size = atomic_load_explicit(&map->size, memory_order_relaxed);
	int rc = offset + n > size ? size_refresh(m, map, &size) : 0;
	if (rc)
		return rc;
	if (offset + n > size)
		return ERR_NOT_FOUND;
	if (offset + n > map->mapped) {
		/* A process with larger segments has written it: whoever comes next maps it whole. */
		segment_map_forget(m, map->number);
		return ERR_RETRY;
	}
	*out = map->base + offset;
	rc = read_in(m, map, offset, n);
	if (rc == ERR_IO && size_refresh(m, map, &size) == 0 && offset + n > size)
		rc = ERR_NOT_FOUND;
	return rc;
}

/* A small blob is read in with its head, by one system call. */
#define AHEAD 8192
#define PREFETCH 4096
#define CACHE_LINE 64

int segment_map_record(struct segment_maps *m, struct segment_map *map, uint64_t offset, struct record *out)
{
	const uint8_t *p;
	int rc = segment_map_bytes(m, map, offset, AHEAD, &p);
	if (rc == ERR_NOT_FOUND)
		rc = segment_map_bytes(m, map, offset, RECORD_FIXED_SIZE, &p);
	if (rc)
		return rc;
	size_t head = record_head_peek(p);
	if (head == 0)
		return load_le32(p) == 0 ? ERR_NOT_FOUND : ERR_CORRUPT;
	if (head > RECORD_FIXED_SIZE)
		rc = segment_map_bytes(m, map, offset, head, &p);
	if (rc)
		return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	return record_decode(str_make(p, head), out);
}

/* Who reads blobs in the order in which they came mostly reads the next one, too: memory may begin to fetch it while the
 * caller works on this one. */
static void prefetch_next(struct segment_map *map, uint64_t offset, uint64_t end)
{
	uint64_t before = atomic_load_explicit(&map->read_to, memory_order_relaxed);
	atomic_store_explicit(&map->read_to, end, memory_order_relaxed);
	if (offset - before >= RECORD_ALIGN || end + PREFETCH > atomic_load_explicit(&map->size, memory_order_relaxed))
		return;
	for (size_t i = 0; i < PREFETCH; i += CACHE_LINE)
		__builtin_prefetch(map->base + end + i);
}

int segment_map_payload(struct segment_maps *m, struct segment_map *map, uint64_t offset, const struct record *r,
						struct str *payload_out)
{
	size_t head = record_head_size(r->n_tags);
	const uint8_t *p = map->base + offset + head;
	uint64_t place = place_make(map->number, offset), slot = place % VERIFIED_SLOTS;
	bool once = r->payload_size >= STORE_VERIFY_ONCE_BYTES;
	if (once && atomic_load_explicit(&m->verified[slot], memory_order_relaxed) == place) {
		*payload_out = str_make(p, r->payload_size);
		return 0;
	}
	if (head + r->payload_size > AHEAD || offset + AHEAD > atomic_load_explicit(&map->size, memory_order_relaxed)) {
		int rc = segment_map_bytes(m, map, offset + head, r->payload_size, &p);
		if (rc)
			return rc == ERR_NOT_FOUND ? ERR_CORRUPT : rc;
	}
	uint32_t crc = hash_crc32c(0, p, r->payload_size);
	prefetch_next(map, offset, offset + head + r->payload_size);
	if (crc != r->payload_crc)
		return segment_map_intact(map) ? ERR_CORRUPT : ERR_IO;
	if (once && segment_map_intact(map))
		atomic_store_explicit(&m->verified[slot], place, memory_order_relaxed);
	*payload_out = str_make(p, r->payload_size);
	return 0;
}
