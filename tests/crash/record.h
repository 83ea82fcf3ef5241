/* The record of a run: what recorder.c writes and disk.c reads. One file, appended to by any thread of any process in the order in which things happened;
 * native byte order, for it is read on the machine that wrote it. */
#ifndef TESTS_CRASH_RECORD_H
#define TESTS_CRASH_RECORD_H

#include <stdint.h>

#define RECORD_MAGIC 0x52574f50u

/* `object` is an inode number; `dir` one of a directory. The root is the object of the first MADE record, whose dir is 0. */
enum record_kind {
	RECORD_MADE = 1,   /* object got the name `text` in dir; FLAG_DIRECTORY */
	RECORD_GONE,       /* the name `text` in dir is no more */
	RECORD_MOVED,      /* within dir: text is the old name, NUL, the new one */
	RECORD_WRITE,      /* size bytes of object from `at` on: the payload, or zeros (FLAG_ZEROS) */
	RECORD_SIZE,       /* object was cut or extended to size */
	RECORD_SYNC_BEGIN, /* a sync of object (a file's bytes, or a directory's names) by this thread began: what stands before ... */
	RECORD_SYNC_END,   /* ... is durable after this; FLAG_FAILED: it said so, and promises nothing */
	RECORD_DSYNC,      /* the last write of this thread to object is durable (O_DSYNC); FLAG_FAILED: it may never be */
	RECORD_MARK,       /* the workload says: text */
	RECORD_UNSEEN,     /* the text names a way to change object that is not recorded: the record is worthless */
};
#define FLAG_DIRECTORY 1u
#define FLAG_ZEROS 2u
#define FLAG_FAILED 4u
#define FLAG_FULL_SYNC 8u      /* fsync, not fdatasync */

struct disk_record {
	uint32_t magic;
	uint16_t kind, flags;
	uint64_t object, dir, at, size;
	uint32_t thread, n;        /* n: bytes of payload behind this head, padded to 8 */
};

/* Where a workload finds these: the record, and the directory that is recorded. Without the second nothing is. */
#define RECORD_LOG_ENV "POWER_LOG"
#define RECORD_DIR_ENV "POWER_DIR"
#define RECORD_SYNC_US_ENV "POWER_SYNC_US"     /* how long every sync takes, so that commits form groups */
#define RECORD_FAIL_ENV "POWER_FAIL"           /* every so manieth sync fails with EIO, the writes of which may then be on the disk or not */
#define RECORD_DIE_ENV "POWER_DIE"             /* the process kills itself right after so many operations */
#define RECORD_DIE_FAULT_ENV "POWER_DIE_FAULT" /* or so many after the first write that was to sync by itself and failed */

#endif
