/* One segment file being written. Belongs to one process at a time (flock) and there to one thread at a time. */
#ifndef STORE_BLOB_SEGMENT_SEGMENT_FILE_H
#define STORE_BLOB_SEGMENT_SEGMENT_FILE_H

#include "store/blob_segment/record.h"

struct segment_file {
	int fd;                           /* -1: none */
	uint32_t number;
	uint64_t end;                     /* where the next record goes */
	uint64_t synced;                  /* all before is durable */
	uint64_t filled;                  /* the file was filled with zeros up to here */
};
#define SEGMENT_FILE_NONE ((struct segment_file){ .fd = -1 })

/* "00000012.seg" into name (at least SEGMENT_NAME_SIZE bytes). */
#define SEGMENT_NAME_SIZE 16
void segment_name(uint32_t number, char *name);
/* The number in such a name, or 0. */
uint32_t segment_name_parse(const char *name);

/* Makes a new file in dir_fd and locks it; its name is durable on return. 0, ERR_EXISTS, or an error of the disk. */
int segment_file_create(int dir_fd, uint32_t number, struct segment_file *out);
/* Opens one that was closed in good order with its end at `end`, locks it, and leaves it ready to append. ERR_BUSY:
 * somebody else has it; ERR_CORRUPT: it does not end as it should. */
int segment_file_reopen(int dir_fd, uint32_t number, uint64_t end, struct segment_file *out);
/* Opens and locks for inspection, whatever its state: *fd_out. ERR_BUSY, ERR_NOT_FOUND, ERR_IO. */
int segment_file_lock(int dir_fd, uint32_t number, int *fd_out);
/* Writes what stands there from `from` to `to` once more, and syncs: after a sync that failed, or a writer that was killed, nobody knows what of it is on
 * the disk, and the kernel may take it for written. */
int segment_file_settle(int fd, uint64_t from, uint64_t to);
/* Writes the end mark after `end`, cuts what is beyond, syncs. On failure the file is as a crash would leave it. */
int segment_file_finish(struct segment_file *f);
/* Lets go of the file as it is. */
void segment_file_drop(struct segment_file *f);

/* A batch of bytes to be appended: collects pieces (which must stay) and writes them with few system calls. */
struct segment_writer;
#define SEGMENT_IOV 256
struct segment_batch {
	struct segment_file *file;
	uint64_t at;                      /* file offset behind what was added */
	uint64_t written;                 /* file offset behind what was written */
	int n_iov;
	int rc;                           /* the first error; later adds do nothing */
	struct { const void *p; size_t n; } iov[SEGMENT_IOV];
};
void segment_batch_begin(struct segment_batch *b, struct segment_file *f);
void segment_batch_add(struct segment_batch *b, const void *p, size_t n);
/* Zeros up to the next record boundary. */
void segment_batch_pad(struct segment_batch *b);
/* Writes what is left, syncs (unless no_sync) and moves the file's end. After an error the end is where it was;
 * *broken_out: the file must not be used any more, because nobody knows what reached the disk. */
int segment_batch_end(struct segment_batch *b, bool no_sync, bool *broken_out);

#endif
